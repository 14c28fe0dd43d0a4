"""One list of dependencies: the other files must follow from pyproject.toml."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text(encoding="utf-8"))
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))


def pins(name: str) -> dict[str, str]:
    """Return {package: version} of a constraints file, where every line must be a pin."""
    found = {}
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            requirement = Requirement(line)
            [specifier] = requirement.specifier
            assert specifier.operator == "==", line
            found[normal(requirement.name)] = specifier.version
    return found


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def requirements(*extras: str) -> list[Requirement]:
    lists = [PROJECT["dependencies"], *(PROJECT["optional-dependencies"][e] for e in extras)]
    found = [Requirement(text) for entries in lists for text in entries]
    return [r for r in found if normal(r.name) != "toyutils"]


def test_environment_installs_the_package_and_nothing_else():
    """environment.yml names no package of its own but python and pip: it cannot drift."""
    plain = [entry for entry in ENVIRONMENT["dependencies"] if isinstance(entry, str)]
    [by_pip] = [entry["pip"] for entry in ENVIRONMENT["dependencies"] if isinstance(entry, dict)]
    assert sorted(entry.split("=")[0] for entry in plain) == ["pip", "python"]
    assert by_pip == ["--constraint constraints.txt", "--editable .[lab]"]
    assert "lab" in PROJECT["optional-dependencies"]


def test_environment_names_one_python_that_the_project_supports():
    """Binder reads a range as "unspecified" and takes a Python of its own choice."""
    [python] = [e for e in ENVIRONMENT["dependencies"] if str(e).startswith("python")]
    name, version = python.split("=")
    assert name == "python"
    assert re.fullmatch(r"3\.\d+", version)
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(version)
    assert version in WORKFLOW["jobs"]["test"]["strategy"]["matrix"]["python"]


def test_workflow_runs_the_supported_pythons():
    job, colab = WORKFLOW["jobs"]["test"], WORKFLOW["jobs"]["colab"]
    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]
    commands = " ".join(step.get("run", "") for step in job["steps"])
    assert "make lint test-newest" in commands
    assert "make lab" in commands
    assert "make test-colab" in " ".join(step.get("run", "") for step in colab["steps"])
    [python] = [s["with"]["python-version"] for s in colab["steps"] if "with" in s]
    assert python == "3.13", "Colab's own"


@pytest.mark.parametrize(
    ("name", "extras"),
    [("constraints.txt", ("lab", "dask", "test")), ("constraints-colab.txt", ())],
)
def test_tested_versions_lie_in_the_stated_ranges(name, extras):
    pinned = pins(name)
    for requirement in requirements(*extras):
        version = pinned.get(normal(requirement.name))
        assert version is not None, f"{name} does not pin {requirement.name}"
        assert requirement.specifier.contains(version), f"{name}: {requirement} is {version}"


def test_torch_is_the_tested_one():
    assert pins("constraints.txt")["torch"] == pins("constraints-colab.txt")["torch"] == "2.13.0"


def test_colab_set_is_what_colab_ships():
    colab = pins("constraints-colab.txt")
    assert colab["plotly"] == "5.24.1"
    assert colab["ipywidgets"] == "7.7.1"
    assert colab["numpy"] == "2.1.3"
    assert colab["anywidget"] == "0.9.21"


def test_this_environment_is_the_pinned_one():
    """Run with `make test`, whose environment holds exactly what constraints.txt says."""
    pinned = pins("constraints.txt")
    for requirement in requirements("lab", "dask", "test"):
        name = normal(requirement.name)
        installed = metadata.version(name).split("+")[0]
        assert installed == pinned[name], f"{name} is {installed}, constraints.txt says otherwise"


def test_readme_names_the_two_commands():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "make lab" in readme
    assert "make test" in readme
    assert "make test" in (ROOT / ".ci/run").read_text(encoding="utf-8")


def test_the_citation_names_the_version_and_both_licences():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors", "version"} <= set(cited)
    assert cited["cff-version"] == "1.2.0"
    assert all({"name"} <= set(who) or {"family-names"} <= set(who) for who in cited["authors"])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert cited["version"] == project["version"]
    assert cited["repository-code"] == project["urls"]["Repository"]
    assert cited["license"] == ["MIT", "CC-BY-4.0"]
    assert (ROOT / "LICENSE").exists()
    assert "CC BY 4.0" in (ROOT / "LICENSE-text").read_text(encoding="utf-8")
