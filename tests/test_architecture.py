"""The house rules that a reviewer should not have to remember."""

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "toyutils"

# What each module may import of its neighbours: imports run one way only.
MAY_IMPORT = {
    "arguments": set(),
    "features": {"arguments"},
    "models": {"arguments", "features"},
    "history": {"features"},
    "training": {"arguments", "features", "history", "models"},
    "geometry": set(),
    "theory": {"features", "geometry"},
    "sweeps": {"arguments"},
    "dimensionality": {"features", "models", "training", "geometry", "theory", "sweeps"},
    "plots": {"geometry"},
    "live": {"features", "models", "training", "geometry", "plots"},
    "claims": {"features", "models", "training", "geometry", "theory", "sweeps", "exercises"},
    "exercises": {"features", "models", "training", "geometry", "theory", "sweeps", "plots"},
}


def imported_modules(source: str, package: str = "toyutils") -> set[str]:
    """Return the modules of toyutils that `source` imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = f"{package}.{base}".rstrip(".")
            names = [base] if base != "toyutils" else [f"{base}.{a.name}" for a in node.names]
        else:
            continue
        found |= {name.split(".")[1] for name in names if name.startswith("toyutils.")}
    return found


def modules() -> dict[str, list[Path]]:
    files = {path.stem: [path] for path in PACKAGE.glob("*.py") if path.stem != "__init__"}
    folders = (path for path in PACKAGE.iterdir() if (path / "__init__.py").exists())
    return files | {path.name: sorted(path.glob("*.py")) for path in folders}


def test_every_module_has_its_place():
    assert set(modules()) == set(MAY_IMPORT)


@pytest.mark.parametrize("name", sorted(MAY_IMPORT))
def test_imports_run_one_way(name):
    for path in modules()[name]:
        got = imported_modules(path.read_text(encoding="utf-8")) - {name}
        assert got <= MAY_IMPORT[name], f"{path.name} imports {sorted(got - MAY_IMPORT[name])}"


def test_import_finder_sees_every_kind():
    source = (
        "import toyutils.features\nfrom toyutils import theory as t\n"
        "def f():\n    from toyutils.plots.look import x\nfrom .models import y\nimport numpy\n"
    )
    assert imported_modules(source) == {"features", "theory", "plots", "models"}


def test_the_package_needs_only_its_runtime_dependencies():
    allowed = {"torch", "numpy", "plotly", "einops", "tqdm", "anywidget", "traitlets", "psutil"}
    allowed |= {"toyutils"}
    standard = set(__import__("sys").stdlib_module_names)
    for paths in modules().values():
        for path in paths:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = []
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom) and not node.level:
                    names = [node.module]
                lazy = {"matplotlib"} if path.name == "still.py" else set()
                assert {n.split(".")[0] for n in names} <= allowed | lazy | standard, path.name


def test_no_large_file_is_tracked():
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split("\n")  # fmt: skip
    large = [
        f for f in listed if f and (ROOT / f).is_file() and (ROOT / f).stat().st_size > 500_000
    ]
    assert not large
