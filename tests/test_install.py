"""Other ways in: conda's file, and a wheel on every supported Python that this machine has."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml

from tools import notebooks

ROOT = Path(__file__).parent.parent
WITHOUT_OURS = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}


def run(*command, cwd=ROOT) -> str:
    done = subprocess.run(command, cwd=cwd, env=WITHOUT_OURS, capture_output=True, text=True)
    assert done.returncode == 0, f"{command} said:\n{done.stdout}{done.stderr}"
    return done.stdout


def test_what_environment_yml_asks_of_pip_can_be_solved():
    """Nothing is installed: pip only looks whether versions exist that fit together."""
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    [by_pip] = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    wanted = [word for line in by_pip for word in line.split()]
    run(
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--dry-run",
        "--ignore-installed",
        *wanted,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel of the files that git would keep, built away from this folder."""
    tree, built = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("wheel")
    files = run("git", "ls-files", "-co", "--exclude-standard", "toyutils", "pyproject.toml",
                "README.md", "LICENSE").split()  # fmt: skip
    for name in filter(os.path.isfile, files):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tree / name)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    run(*pip, "--wheel-dir", built, tree)
    [path] = built.glob("*.whl")
    return path


@pytest.fixture
def environment(tmp_path):
    """A folder for a virtual environment: a gigabyte, so it is not left behind."""
    yield tmp_path / "environment"
    shutil.rmtree(tmp_path / "environment", ignore_errors=True)


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_a_wheel_runs_a_notebook_from_anywhere(version, wheel, environment, tmp_path):
    python = find_python(version)
    if python is None:
        pytest.skip(f"this machine has no Python {version}")
    run(python, "-m", "venv", environment)
    python = environment / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt", wheel,
        "ipykernel", "nbclient", "nbformat")  # fmt: skip
    away = tmp_path / "away"
    away.mkdir()
    notebook = notebooks.read(notebooks.notebook_paths()[1])
    notebook.cells.append(nbformat.v4.new_code_cell(ASK))
    nbformat.write(notebook, away / "one.ipynb")
    run(python, "-c", RUN, cwd=away)
    said = nbformat.read(away / "one.ipynb", as_version=4).cells[-1].outputs[0].text
    assert said.split() == [version, "30", "True", "True"]


RUN = """
import nbclient, nbformat
notebook = nbformat.read("one.ipynb", as_version=4)
nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
nbformat.write(notebook, "one.ipynb")
"""
# What is not Python must be in the wheel as well: the stored result, the live apps.
ASK = """
import sys, toyutils
from toyutils import dimensionality, live
print(f"{sys.version_info.major}.{sys.version_info.minor}", len(dimensionality.stored().density),
      "mountDrag" in live.page(), "site-packages" in toyutils.__file__)
"""


def find_python(version) -> str | Path | None:
    """Return a Python of this version that starts, or None."""
    if sys.version_info[:2] == tuple(map(int, version.split("."))):
        return sys.executable
    by_pyenv = (Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python")
    for path in filter(None, [shutil.which(f"python{version}"), *by_pyenv]):
        if subprocess.run([path, "-c", ""], capture_output=True).returncode == 0:
            return path
    return None
