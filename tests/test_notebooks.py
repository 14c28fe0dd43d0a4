"""The notebooks are complete, stamped, stored clean, and pass with the reference answers.

The untouched notebooks are run by nbmake (`make test`). The tool itself is tested at the end, on
small notebooks with faults.
"""

import ast
import copy
import re
import runpy
import shutil
import statistics
import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient

from tools import notebooks
from toyutils import exercises as checks

PATHS = notebooks.notebook_paths()
each_notebook = pytest.mark.parametrize("path", PATHS, ids=[path.stem for path in PATHS])


def test_there_are_notebooks():
    assert [path.name[:2] for path in PATHS] == [f"{i:02}" for i in range(len(PATHS))]
    assert PATHS


def test_every_notebook_is_stamped(capsys):
    code = notebooks.main(["stamp", "--check"])
    assert code == 0, f"run `python tools/notebooks.py stamp`:\n{''.join(capsys.readouterr())}"


@each_notebook
def test_stored_without_outputs(path):
    for i, cell in enumerate(notebooks.read(path).cells):
        if cell.cell_type == "code":
            assert not cell.outputs, f"cell {i} has outputs: run `nbstripout --keep-id {path.name}`"
            assert cell.execution_count is None, f"cell {i} has an execution count"


@each_notebook
def test_no_remark_is_meant_for_a_tool(path):
    """A lesson needs no exception from the rules that it teaches by example."""
    for cell in notebooks.read(path).cells:
        if cell.cell_type == "code" and "setup" not in notebooks.tags(cell):
            assert not re.search(r"# (noqa|type:|fmt:|pragma)", cell.source), cell.source


@each_notebook
def test_code_cells_fit_a_screen(path):
    for i, cell in enumerate(notebooks.read(path).cells):
        if cell.cell_type == "code":
            n_lines = cell.source.count("\n") + 1
            assert n_lines <= 20, f"cell {i} has {n_lines} lines: {cell.source[:60]!r}"


def words_of_prose(notebook):
    """Return how many words of the lesson itself there are: no title, task, badge or glossary."""
    prose = " ".join(
        cell.source
        for cell in notebook.cells[1:]
        if cell.cell_type == "markdown"
        and not {"exercise", "badges", "terms"} & set(notebooks.tags(cell))
    )
    without_markup = re.sub(r"\]\([^)]*\)|<[^>]*>", " ", prose)
    return sum(bool(re.search(r"\w", word)) for word in without_markup.split())


def lesson_cells(notebook):
    """Return the code of each lesson cell, line by line: no exercise, comment or import."""
    cells = [
        [
            line
            for line in cell.source.splitlines()
            if line.strip() and not re.match(r"\s*(#|import |from )", line)
        ]
        for cell in notebook.cells
        if cell.cell_type == "code"
        and not {"setup", "stub", "check", "solution"} & set(notebooks.tags(cell))
    ]
    return [lines for lines in cells if lines]


@each_notebook
def test_the_rhythm_is_short_cells_with_prose_between(path):
    """As in the notebooks that are a pleasure to read: 12 to 25 words for each line of code."""
    notebook = notebooks.read(path)
    lengths = sorted(len(lines) for lines in lesson_cells(notebook))
    assert statistics.median(lengths) <= 5, f"median {statistics.median(lengths)} lines a cell"
    assert lengths[int(0.9 * len(lengths))] <= 10, f"longest cells: {lengths[-5:]}"
    assert lengths[-1] <= 20, f"longest cells: {lengths[-5:]}"
    each = words_of_prose(notebook) / sum(lengths)
    assert 12 <= each <= 25, f"{each:.1f} words of prose for a line of code"


def test_words_and_lines_are_counted_as_a_reader_counts():
    notebook = small(extra="import math\n\n# a comment\n1 + 1")
    text = nbformat.v4.new_markdown_cell("Two [words](https://a.b/c) – $x = 1$ <br> here.")
    notebook.cells.insert(2, text)
    assert words_of_prose(notebook) == 5, "Two, words, $x, 1$, here"
    assert lesson_cells(notebook) == [["1 + 1"]]


@each_notebook
def test_exercises_are_complete(path):
    found = notebooks.exercises(notebooks.read(path), path.name)
    lesson = int(path.name[:2])
    assert [e.number for e in found] == [f"{lesson}.{k + 1}" for k in range(len(found))]
    if lesson > 0:
        assert len(found) >= 3, "a lesson has at least three exercises"
    for exercise in found:
        assert hasattr(checks.of_notebook(path.name[:2]), f"check_{exercise.function}")


@each_notebook
def test_a_notebook_imports_its_own_checks(path):
    code = "\n".join(c.source for c in notebooks.read(path).cells if c.cell_type == "code")
    imports = re.findall(r"^(?:from|import) .*\bexercises\b.*$", code, re.MULTILINE)
    assert imports == [f"from toyutils.exercises import nb{path.name[:2]} as exercises"]


@each_notebook
def test_the_closing_questions_stand_before_what_answers_them(path):
    notebook = notebooks.read(path)
    [last] = [e for e in notebooks.exercises(notebook, path.name) if e.function == "concepts"]
    [summary] = [i for i, c in enumerate(notebook.cells) if "## What you can now say" in c.source]
    assert last.solution < summary


@each_notebook
def test_untouched_stubs_are_calm(path, tmp_path):
    notebook = notebooks.read(path)
    for exercise in notebooks.exercises(notebook, path.name):
        stub = tmp_path / "stub.py"
        stub.write_text(notebook.cells[exercise.stub].source, encoding="utf-8")
        function = runpy.run_path(stub)[exercise.function]
        check = getattr(checks.of_notebook(path.name[:2]), f"check_{exercise.function}")
        result = check(function)
        assert str(result).startswith(f"○ Exercise {exercise.number} not attempted yet")


@each_notebook
def test_passes_with_the_reference_answers(path):
    """Only imports, answers and checks run: no other cell may need a learner's function."""
    notebook = notebooks.filled(notebooks.read(path), path.name)
    variables = {}
    exec(imports(notebook), variables)
    for exercise in notebooks.exercises(notebooks.read(path), path.name):
        evaluate(notebook.cells[exercise.stub], variables)
        passed = evaluate(notebook.cells[exercise.check], variables)
        assert passed.startswith(f"✓ Exercise {exercise.number} passed")
        reference = evaluate(notebook.cells[exercise.solution], variables)
        assert reference == f"Reference answer {exercise.number} passes the check."


@pytest.mark.weekly
@each_notebook
def test_runs_to_its_end_with_the_reference_answers(path, tmp_path):
    run(notebooks.read(notebooks.fill(path, tmp_path)), tmp_path)


@each_notebook
def test_links_to_the_glossary(path):
    """Every link to the glossary hits a term, and every term introduced here is linked."""
    terms = notebooks.glossary()
    anchors = {notebooks.anchor(term): number for term, (_, number) in terms.items()}
    text = "\n".join(
        cell.source
        for cell in notebooks.read(path).cells
        if cell.cell_type == "markdown" and "terms" not in notebooks.tags(cell)
    )
    linked = set(re.findall(r"/book/glossary\.md#([^)\s]+)", text))
    assert linked <= set(anchors), f"no such term: {sorted(linked - set(anchors))}"
    introduced = {anchor for anchor, number in anchors.items() if number == path.name[:2]}
    assert introduced <= linked, f"introduced here, never linked: {sorted(introduced - linked)}"


def run(notebook, folder):
    """Run a notebook in `folder` with the kernel of this environment."""
    client = NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    return client.execute()


def imports(notebook):
    """Return every import at the top level of a cell, as one text."""
    sources = [
        cell.source
        for cell in notebook.cells
        if cell.cell_type == "code" and "setup" not in notebooks.tags(cell)
    ]
    nodes = [node for source in sources for node in ast.parse(source).body]
    return "\n".join(ast.unparse(n) for n in nodes if isinstance(n, ast.Import | ast.ImportFrom))


def evaluate(cell, variables):
    """Run a cell here, as a kernel would; return the text of its last expression."""
    tree = ast.parse(cell.source)
    last = ast.Expression(tree.body.pop().value) if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<cell>", "exec"), variables)
    return str(eval(compile(last, "<cell>", "eval"), variables)) if last else ""


def shown(cell):
    """Return the text of a cell's last expression."""
    results = [output for output in cell.outputs if output.output_type == "execute_result"]
    return results[-1].data["text/plain"] if results else "nothing"


# The tool, on small notebooks.

TASK = """### Exercise 1.4 · Least loss (5 minutes)
<details><summary>Hint 1</summary>one</details>
<details>
<summary>Hint 2</summary>two</details>"""
STUB = """def minimum_loss(importance):
    raise NotImplementedError("Exercise 1.4")"""
CHECK = "exercises.check_minimum_loss(minimum_loss)"
SOLUTION = """# @title Reference answer 1.4: give up the cheaper one
def minimum_loss_answer(importance):
    return importance.min() / 24


exercises.check_minimum_loss(minimum_loss_answer, reference=True)"""
PYPROJECT = '[project]\nname = "x"\n[project.urls]\nRepository = "https://github.com/owner/name"\n'
GLOSSARY = """# Geometry

## feature

A property of the input.

*Introduced in [00](x)*

## hidden number (h)

What the encoder
returns.

*Introduced in [01](x)*
"""


def small(*, solution=SOLUTION, extra="1 + 1"):
    """Return a notebook with one exercise."""
    code, markdown = nbformat.v4.new_code_cell, nbformat.v4.new_markdown_cell
    folded = {"jupyter": {"source_hidden": True}, "cellView": "form"}
    return nbformat.v4.new_notebook(
        cells=[
            markdown("# 01 · Title"),
            code("from toyutils.exercises import nb01 as exercises"),
            markdown(TASK, metadata={"tags": ["exercise"], "objective": 1}),
            code(STUB, metadata={"tags": ["stub"]}),
            code(CHECK, metadata={"tags": ["check"]}),
            code(solution, metadata={"tags": ["solution"], **folded}),
            code(extra),
        ]
    )


def small_project(folder, notebook, glossary=GLOSSARY, pyproject=PYPROJECT):
    """Write a project with one notebook; return the notebook's path."""
    (folder / "book").mkdir()
    (folder / "notebooks").mkdir()
    (folder / "pyproject.toml").write_text(pyproject)
    (folder / "book" / "glossary.md").write_text(glossary)
    path = folder / "notebooks" / "01_title.ipynb"
    nbformat.write(notebook, path)
    return path


def test_filling_replaces_the_stub_and_nothing_else():
    before = small(extra="%time 1 + 1")
    after = notebooks.filled(copy.deepcopy(before), "small")
    assert (
        after.cells[3].source == "def minimum_loss(importance):\n    return importance.min() / 24"
    )
    assert after.cells[3].id == before.cells[3].id
    after.cells[3].source = STUB
    assert after == before


def test_filled_notebook_that_fails_its_check_is_noticed(tmp_path):
    right = run(notebooks.filled(small(), "small"), tmp_path)
    assert shown(right.cells[4]).startswith("✓ Exercise 1.4 passed")
    wrong = small(solution=SOLUTION.replace(".min()", ".max()"))
    wrong = run(notebooks.filled(wrong, "small"), tmp_path)
    assert shown(wrong.cells[4]).startswith("✗ Exercise 1.4 not right yet")
    untouched = run(small(), tmp_path)
    assert shown(untouched.cells[4]).startswith("○ Exercise 1.4 not attempted yet")


def test_later_cells_may_use_an_answer_that_passed():
    notebook = small(extra="exercises.answer(minimum_loss, theory.minimum)(1)")
    assert notebooks.exercises(notebook, "small")
    notebook.cells[6].source += "; minimum_loss(1)"
    with pytest.raises(notebooks.NotebookError, match="uses `minimum_loss`"):
        notebooks.exercises(notebook, "small")


def change(cell, old, new):
    """Return a function that edits one cell of a notebook."""

    def edit(notebook):
        assert old in notebook.cells[cell].source
        notebook.cells[cell].source = notebook.cells[cell].source.replace(old, new)

    return edit


def drop(cell):
    return lambda notebook: notebook.cells.pop(cell)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (drop(5), "cell 5 should be tagged `solution`"),
        (drop(4), "cell 4 should be tagged `check`"),
        (drop(3), "cell 3 should be tagged `stub`"),
        (drop(2), "without its `exercise` cell above"),
        (lambda notebook: notebook.cells.insert(4, notebook.cells.pop(6)), "cell 4 should be"),
        (lambda notebook: notebook.cells[5].metadata.pop("cellView"), "not folded"),
        (change(2, "1.4", ""), "the task should begin `### Exercise 1.2 · Title (5 minutes)`"),
        (change(2, " (5 minutes)", ""), "the task should begin"),
        (lambda notebook: notebook.cells[2].metadata.pop("objective"), "names no objective"),
        (change(2, "Hint 2", "More"), "fewer than two hints"),
        (change(3, "1.4", "1.3"), 'NotImplementedError("Exercise 1.4")'),
        (change(3, "def ", "async def "), "should define one function"),
        (change(3, "def ", "de "), "the stub is not Python"),
        (change(4, "(minimum_loss)", "(lambda: 0)"), "the check should be"),
        (change(5, "# @title", "#"), "the solution should begin"),
        (change(5, "1.4", "1.3"), "the solution should begin"),
        (change(5, "_answer(importance)", "(importance)"), "should define `minimum_loss_answer("),
        (change(5, "(importance)", "(x)"), "should define `minimum_loss_answer(importance)`"),
        (change(5, "exercises.check", "exercises.verify"), "should end with"),
        (change(5, ", reference=True", ""), "should end with"),
        (change(6, "1 + 1", "minimum_loss([1, 1])"), "cell 6: uses `minimum_loss`"),
        (change(6, "1 + 1", "def minimum_loss(): ..."), "cell 6: uses `minimum_loss`"),
        (change(6, "1 + 1", "from a import minimum_loss"), "cell 6: uses `minimum_loss`"),
    ],
)
def test_faults_of_an_exercise_are_named(edit, message):
    notebook = small()
    edit(notebook)
    with pytest.raises(notebooks.NotebookError, match=re.escape(message)):
        notebooks.exercises(notebook, "small")


def test_objectives_are_read_and_asked_for():
    notebook = small()
    with pytest.raises(notebooks.NotebookError, match=r"small: one cell should begin"):
        notebooks.objectives(notebook, "small")
    goals = nbformat.v4.new_markdown_cell("**You will**\n- look;\n- see.\n\n**You need** eyes.")
    notebook.cells.insert(1, goals)
    assert notebooks.objectives(notebook, "small") == ["look;", "see."]
    notebook.cells[3].metadata["objective"] = 3
    with pytest.raises(notebooks.NotebookError, match=r"1\.4 serves objective 3; there are 2"):
        notebooks.objectives(notebook, "small")


def test_stamp_adds_the_common_cells_once(tmp_path):
    path = small_project(tmp_path, small())
    ids = [cell.id for cell in notebooks.read(path).cells]
    names = ["badges", "setup", "terms"]
    assert notebooks.stamp(path, check=True, root=tmp_path) == [f"{path.name}: {n}" for n in names]
    assert len(notebooks.read(path).cells) == len(ids), "--check must change nothing"
    notebooks.stamp(path, root=tmp_path)
    assert notebooks.stamp(path, root=tmp_path) == []

    cells = notebooks.read(path).cells
    assert [notebooks.tags(cells[i]) for i in [1, 2, -1]] == [[name] for name in names]
    assert [cell.id for cell in cells if cell.id in ids] == ids
    assert "colab.research.google.com/github/owner/name/blob/main/notebooks/01_t" in cells[1].source
    assert "mybinder.org/v2/gh/owner/name/main?urlpath=lab/tree/notebooks/01_t" in cells[1].source
    assert "git+https://github.com/owner/name@main" in cells[2].source
    lines = [line for line in cells[2].source.splitlines() if line]
    assert len(lines) <= 4
    assert max(map(len, lines)) <= 96, "wider, and JupyterLab scrolls sideways at 1280 pixels"
    link = "https://github.com/owner/name/blob/main/book/glossary.md#hidden-number-h"
    assert f"- [**hidden number (h)**]({link}): What the encoder returns." in cells[-1].source
    assert "feature" not in cells[-1].source


def test_stamp_restores_an_edited_cell(tmp_path):
    path = small_project(tmp_path, small())
    notebooks.stamp(path, root=tmp_path)
    notebook = notebooks.read(path)
    notebook.cells[2].source += "\nimport numpy"
    nbformat.write(notebook, path)
    assert notebooks.stamp(path, root=tmp_path) == [f"{path.name}: setup"]
    assert "numpy" not in notebooks.read(path).cells[2].source
    assert notebooks.read(path).cells[2].id == notebook.cells[2].id


def test_stamp_names_what_is_wrong(tmp_path):
    def stamp(name, notebook, **files):
        folder = tmp_path / name
        folder.mkdir()
        return notebooks.stamp(small_project(folder, notebook, **files), root=folder)

    twice = small()
    for cell in twice.cells[:2]:
        cell.metadata["tags"] = ["setup"]
    with pytest.raises(notebooks.NotebookError, match="2 cells are tagged `setup`"):
        stamp("twice", twice)
    kind = small()
    kind.cells[0].metadata["tags"] = ["setup"]
    with pytest.raises(notebooks.NotebookError, match="`setup` is a markdown cell"):
        stamp("kind", kind)
    with pytest.raises(notebooks.NotebookError, match="needs a definition"):
        stamp("terms", small(), glossary="## feature\n\nA property.\n")
    with pytest.raises(notebooks.NotebookError, match=r"https://github\.com/owner/name"):
        stamp("host", small(), pyproject=PYPROJECT.replace("github.com", "example.org"))


README = """Intro.

git clone https://github.com/old/place
cd place

<!-- notebooks -->
| stale |
<!-- /notebooks -->

More, see https://github.com/old/place/issues
"""


def test_readme_lists_every_notebook(tmp_path):
    notebook = small()
    notebook.cells[0].source = "# 01 · Title\n\n**Question: what is lost?**\n\n5 minutes"
    path = small_project(tmp_path, notebook)
    readme = tmp_path / "README.md"
    readme.write_text(README)
    assert notebooks.stamp_readme(check=True, root=tmp_path) == ["README.md"]
    assert readme.read_text() == README, "--check must change nothing"
    notebooks.stamp_readme(root=tmp_path)
    text = readme.read_text()
    assert notebooks.stamp_readme(root=tmp_path) == []
    assert "git clone https://github.com/owner/name\ncd name\n" in text
    assert f"| [01 · Title](notebooks/{path.name}) | What is lost? | [Colab](https://colab" in text
    assert "mybinder.org/v2/gh/owner/name/main?urlpath=lab/tree/notebooks/01_t" in text
    assert "stale" not in text
    assert text.startswith("Intro.")
    assert "https://github.com/old/place/issues" in text

    readme.write_text("Intro.")
    with pytest.raises(notebooks.NotebookError, match="<!-- notebooks -->"):
        notebooks.stamp_readme(root=tmp_path)
    readme.write_text(README)
    notebook.cells[0].source = "# 01 · Title"
    nbformat.write(notebook, path)
    with pytest.raises(notebooks.NotebookError, match="Question"):
        notebooks.stamp_readme(root=tmp_path)


def test_notebooks_stand_under_the_heading_of_their_part():
    parts = notebooks.in_parts([notebooks.ROOT / f"{k:02}_x.ipynb" for k in (0, 10, 11, 16, 18)])
    assert [heading.split(" ·")[0] for heading, _ in parts] == ["Part I", "Part II", "Part III"]
    assert [len(paths) for _, paths in parts] == [2, 2, 1]
    text = (notebooks.ROOT / "README.md").read_text(encoding="utf-8")
    for heading, paths in notebooks.in_parts(notebooks.notebook_paths()):
        section = text.split(f"### {heading}\n")[1].partition("\n###")[0]
        assert all(f"](notebooks/{path.name})" in section for path in paths), heading


def test_links_follow_the_repository(tmp_path):
    notebook = small()
    old = "https://github.com/old/place"
    links = (
        f"[a]({old}/blob/main/book/glossary.md#feature), [b]({old}#notebooks), [c]({old}/issues)"
    )
    notebook.cells[0].source += f"\n\n{links}"
    path = small_project(tmp_path, notebook)
    assert f"{path.name}: links in cell 0" in notebooks.stamp(path, root=tmp_path)
    text = notebooks.read(path).cells[0].source
    assert "[a](https://github.com/owner/name/blob/main/book/glossary.md#feature)" in text
    assert "[b](https://github.com/owner/name#notebooks)" in text
    assert f"[c]({old}/issues)" in text
    assert notebooks.stamp(path, root=tmp_path) == []


def test_after_rehoming_no_old_name_is_left(tmp_path):
    kept = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=notebooks.ROOT,
                          capture_output=True, text=True, check=True).stdout  # fmt: skip
    files = [name for name in kept.splitlines() if (notebooks.ROOT / name).is_file()]
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(notebooks.ROOT / name, tmp_path / name)
    old = notebooks.home()["slug"]
    assert sum(old.encode() in (tmp_path / name).read_bytes() for name in files) > len(PATHS)
    tool = [sys.executable, "tools/notebooks.py"]
    wrong = subprocess.run([*tool, "rehome", "https://example.org/new/place"], cwd=tmp_path,
                           capture_output=True, text=True)  # fmt: skip
    assert wrong.returncode == 1
    assert "need the form https://github.com/owner/name" in wrong.stderr
    new = [*tool, "rehome", "https://github.com/new/place", "--ref", "v1.0"]
    subprocess.run(new, cwd=tmp_path, check=True, capture_output=True)
    subprocess.run([*tool, "stamp", "--check"], cwd=tmp_path, check=True, capture_output=True)
    left = [name for name in files if old.encode() in (tmp_path / name).read_bytes()]
    assert left == []
    first = (tmp_path / "notebooks" / PATHS[0].name).read_text(encoding="utf-8")
    assert "git+https://github.com/new/place@v1.0" in first
    assert "colab/github/new/place/blob/v1.0/notebooks" in first.replace(".research.google.com", "")
    assert "/v2/gh/new/place/v1.0?" in first
    assert "https://github.com/new/place/blob/v1.0/book/glossary.md#" in first


def test_a_file_that_is_no_notebook_is_named(tmp_path):
    path = tmp_path / "01_bad.ipynb"
    path.write_text("{}x")
    with pytest.raises(notebooks.NotebookError, match=r"01_bad\.ipynb: not a valid notebook"):
        notebooks.read(path)


@pytest.mark.parametrize(
    ("heading", "expected"),
    [
        ("Hidden number (h)", "hidden-number-h"),
        ("2→1", "21"),
        ("D*", "d"),
        ("tied-weights", "tied-weights"),
    ],
)
def test_anchor(heading, expected):
    assert notebooks.anchor(heading) == expected
