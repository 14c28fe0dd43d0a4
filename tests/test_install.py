"""Other ways in: conda's file, and a wheel in another environment, away from this folder."""

import os
import shutil
import subprocess
import sys
import sysconfig
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


def test_a_wheel_runs_a_notebook_from_anywhere(wheel, environment, tmp_path):
    """The other Pythons have legs of their own in the workflow, each with this test."""
    run(sys.executable, "-m", "venv", environment)
    python = environment / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", "--no-deps", wheel)
    # What toyutils needs is not installed a second time, only toyutils itself.
    [packages] = environment.glob("lib/*/site-packages")
    (packages / "tested.pth").write_text(sysconfig.get_path("purelib"))
    away = tmp_path / "away"
    away.mkdir()
    notebook = notebooks.read(notebooks.notebook_paths()[1])
    notebook.cells.append(nbformat.v4.new_code_cell(ASK))
    nbformat.write(notebook, away / "one.ipynb")
    run(python, "-c", RUN, cwd=away)
    said = nbformat.read(away / "one.ipynb", as_version=4).cells[-1].outputs[0].text
    assert said.split() == ["30", "True", "True"]


RUN = """
import nbclient, nbformat
notebook = nbformat.read("one.ipynb", as_version=4)
nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
nbformat.write(notebook, "one.ipynb")
"""
# What is not Python must be in the wheel as well: the stored result, the live apps.
ASK = """
import toyutils
from toyutils import dimensionality, live
print(len(dimensionality.stored().density), "mountDrag" in live.page(),
      "environment" in toyutils.__file__)
"""
