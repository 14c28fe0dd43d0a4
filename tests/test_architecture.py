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
    "attacks": set(),
    "scores": {"geometry"},
    "neurons": set(),
    "dynamics": {"geometry"},
    "exact": {"features"},
    "optima": {"exact"},
    "theory": {"exact", "optima"},
    "bounds": set(),
    "certify": {"bounds", "optima"},
    "certify_three": {"certify", "optima"},
    "transitions": set(),
    "best_known": {"geometry", "theory"},
    "sweeps": {"arguments"},
    "dimensionality": {"features", "models", "training", "geometry", "theory", "sweeps"},
    "memorising": {"arguments", "features", "models", "training", "geometry"},
    "scaling": {"arguments", "features", "models", "geometry", "sweeps"},
    "plots": {"geometry"},
    "live": {"features", "models", "training", "geometry", "optima", "plots"},
    "claims": {
        "dynamics",
        "features",
        "models",
        "training",
        "geometry",
        "memorising",
        "neurons",
        "theory",
        "sweeps",
        "exercises",
    },
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


def functions(path):
    """Return (name, lines of code in its body) of every function, comments and docstrings not."""
    source = path.read_text(encoding="utf-8")
    code = {number for number, line in enumerate(source.splitlines(), 1)
            if line.strip() and not line.strip().startswith("#")}  # fmt: skip
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lines = code & set(range(body[0].lineno, node.end_lineno + 1)) if body else ()
            yield node.name, len(lines)


# Nearly all of these is one table: every mistake that a check knows by name.
TABLES_OF_MISTAKES = {"check_expected_linear_loss", "check_connected"}


def test_no_function_is_longer_than_a_screen(tmp_path):
    every = [pair for path in PACKAGE.rglob("*.py") for pair in functions(path)]
    assert {name for name, length in every if length > 60} <= TABLES_OF_MISTAKES
    example = tmp_path / "example.py"
    example.write_text('def f():\n    """Doc.\n\n    More.\n    """\n\n    # why\n    return 1\n')
    assert list(functions(example)) == [("f", 1)]


# A dialect: words that say who, and not what. What a name holds has a term of its own.
NO_NAMES = {"told", "came", "mine", "theirs", "ours", "spoken", "wanted", "found", "got"}


def stored_names(source: str) -> set[str]:
    """Return the names that `source` gives to variables, arguments and functions."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
    return {name.strip("_") for name in names}


@pytest.mark.parametrize("folder", ["toyutils"])
def test_names_are_terms(folder):
    for path in (ROOT / folder).rglob("*.py"):
        words = stored_names(path.read_text(encoding="utf-8")) & NO_NAMES
        assert not words, f"{path.relative_to(ROOT)} calls something {sorted(words)}"
    assert stored_names("def told(mine): ours = 1") == {"told", "mine", "ours"}


def computes_a_model(source: str) -> list[str]:
    """Return what in `source` runs a model: matrix products, or a word that chooses its output."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.MatMult):
            found.append(f"@ in line {node.lineno}")
        name = getattr(node, "attr", getattr(node, "id", getattr(node, "arg", None)))
        if name in {"matmul", "einsum", "bmm", "baddbmm", "relu", "activation"}:
            found.append(name)
    return found


@pytest.mark.parametrize("path", sorted((PACKAGE / "plots").glob("*.py")), ids=lambda p: p.stem)
def test_figures_run_no_model(path):
    assert computes_a_model(path.read_text(encoding="utf-8")) == []


def test_a_figure_that_runs_a_model_is_noticed():
    assert computes_a_model("def f(W, x, activation): return (W @ x).relu()")[:1] == ["activation"]
    assert len(computes_a_model("y = W.T @ h\ny = torch.einsum('a', y)\ny = y.relu()")) == 3


def test_the_package_needs_only_its_runtime_dependencies():
    allowed = {"torch", "numpy", "plotly", "einops", "tqdm", "anywidget", "traitlets", "psutil"}
    allowed |= {"toyutils"}
    standard = set(__import__("sys").stdlib_module_names)
    # Drawn without: where it is not installed, a figure has its words.
    optional = {PACKAGE / "plots" / "still.py": {"matplotlib"}}
    # They come with torch.
    optional[PACKAGE / "transitions.py"] = {"sympy", "mpmath"}
    for paths in modules().values():
        for path in paths:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = []
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom) and not node.level:
                    names = [node.module]
                permitted = allowed | standard | optional.get(path, set())
                assert {n.split(".")[0] for n in names} <= permitted, path


def test_no_large_file_is_tracked():
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split("\n")  # fmt: skip
    large = [
        f for f in listed if f and (ROOT / f).is_file() and (ROOT / f).stat().st_size > 500_000
    ]
    assert not large
