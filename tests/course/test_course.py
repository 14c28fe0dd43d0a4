"""Build the course, hand in forty notebooks, grade them, and look at every score."""

import copy
import csv
import re
import time
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch

from tools import course, grading, notebooks

PATHS = notebooks.notebook_paths()
ASSIGNMENT = "03_one_relu"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The course, built by the command that teachers use."""
    folder = tmp_path_factory.mktemp("course")
    assert course.main(["build", str(folder)]) == 0
    return folder


def read(folder, form, name=ASSIGNMENT):
    path = folder / "nbgrader" / form / name / f"{name}.ipynb"
    return nbformat.read(path, as_version=4)


@pytest.mark.parametrize("path", PATHS, ids=[path.stem for path in PATHS])
def test_no_solution_is_left_in_what_students_get(built, path):
    original = notebooks.read(path)
    shown = "\n".join(c.source for c in original.cells if "solution" not in notebooks.tags(c))
    secret = set()
    for exercise in notebooks.exercises(original, path.name):
        secret |= {line.strip() for line in original.cells[exercise.solution].source.splitlines()}
    # Lines of a letter or two, and what the lesson shows anyway, give nothing away.
    secret = {line for line in secret if len(line) > 12 and line not in shown}
    assert len(secret) >= 4
    for file in (built / "student" / path.name,
                 built / "nbgrader" / "release" / path.stem / path.name):  # fmt: skip
        text = file.read_text(encoding="utf-8")
        assert not nbformat.validate(nbformat.reads(text, as_version=4))
        plain = text.replace('\\"', '"').replace("\\\\", "\\")
        assert [line for line in secret if line in plain] == []
        assert "BEGIN SOLUTION" not in text
        assert "HIDDEN TESTS" not in text
        assert "1001" not in text


@pytest.mark.parametrize("path", PATHS, ids=[path.stem for path in PATHS])
def test_all_points_for_the_staff_and_none_for_the_release(built, path):
    grader = grading.GradeAnswers()
    for form, wanted in (("source", "stream"), ("release", "error")):
        notebook, _ = grader.preprocess(read(built, form, path.stem), {})
        tests = [cell for cell in notebook.cells if grading.name(cell).startswith("test-")]
        assert len(tests) == len(notebooks.exercises(notebooks.read(path), path.name))
        assert {cell.outputs[0].output_type for cell in tests} == {wanted}, form
        assert all(cell.metadata["nbgrader"]["points"] > 0 for cell in tests)


# Forty ways to hand in notebook 03. Its exercises are worth 3, 7, 5, 8, 5 and 3 points.
ALL = 31


def answer(notebook, number, text):
    """Put `text` in place of the body of the answer to exercise 3.`number`."""
    [cell] = [c for c in notebook.cells if grading.name(c) == f"answer-3-{number}"]
    head = cell.source.split('"""')
    cell.source = f'{head[0]}"""{head[1]}"""\n' + "\n".join(f"    {t}" for t in text.splitlines())


def in_answer(number, text):
    return lambda notebook: answer(notebook, number, text)


def add(text, place=3):
    return lambda notebook: notebook.cells.insert(place, nbformat.v4.new_code_cell(text))


def without(prefix):
    def edit(notebook):
        notebook.cells = [c for c in notebook.cells if not grading.name(c).startswith(prefix)]

    return edit


def checks_replaced(notebook):
    for cell in notebook.cells:
        if grading.name(cell).startswith(("check-", "test-")):
            cell.source = "print('✓ passed')\n100"
            cell.metadata["nbgrader"]["points"] = 1000


def easier_function(notebook):
    for cell in notebook.cells:
        if grading.name(cell) == "test-3-3":
            cell.source = "exercises.check_antipodal_loss(antipodal_loss)"
            cell.metadata["toyutils"] = {"function": "antipodal_loss"}


def renamed_function(notebook):
    for cell in notebook.cells:
        cell.source = cell.source.replace("def antipodal_loss", "def antipodal")


def empty(notebook):
    for number in range(1, 7):
        answer(notebook, number, 'raise NotImplementedError("Exercise")')


def empty_and(edit):
    def both(notebook):
        empty(notebook)
        edit(notebook)

    return both


PATCH = """
import toyutils.exercises, builtins
class Fine:
    passed, status, message = True, "passed", "fine"
    def __repr__(self): return "✓"
for name in dir(toyutils.exercises):
    if name.startswith("check_"):
        setattr(toyutils.exercises, name, lambda *a, **k: Fine())
get_ipython().showtraceback = lambda *a, **k: None
"""
ANYTHING = "class Anything:\n    def __eq__(self, o): return True\nreturn Anything()"
KINDS = {
    "right": (lambda notebook: None, ALL),
    "right-by-another-way": (in_answer(2, "both = p * p\nreturn both * 1 / 6"), ALL),
    "right-with-a-helper": (
        lambda n: (add("def helper(p):\n    return p**2")(n), answer(n, 2, "return helper(p) / 6")),
        ALL,
    ),
    "right-with-a-broken-cell": (add("1 / 0"), ALL),
    "right-with-an-endless-cell": (add("while True: pass"), ALL),
    "right-with-prints": (in_answer(2, "print('x' * 10**6)\nreturn p**2 / 6"), ALL),
    "missing-3": (in_answer(3, 'raise NotImplementedError("Exercise")'), ALL - 5),
    "wrong-2": (in_answer(2, "return p**2 / 3"), ALL - 7),
    "wrong-4": (in_answer(4, "return torch.zeros(n_instances, 1, 2)"), ALL - 8),
    "wrong-6": (in_answer(6, "return 'aa'"), ALL - 3),
    "wrong-5": (in_answer(5, "return 0.5"), ALL - 5),
    "returns-none": (in_answer(2, "pass"), ALL - 7),
    "returns-nan": (in_answer(2, "return float('nan')"), ALL - 7),
    "returns-an-object": (in_answer(2, ANYTHING), ALL - 7),
    "changes-its-input": (in_answer(1, "x *= 2\nreturn torch.relu(x / 2 @ W.T @ W + b)"), ALL - 3),
    "empty": (empty, 0),
    "syntax-error": (in_answer(2, "return p** / 6"), ALL - 7),
    "system-exit": (in_answer(2, "raise SystemExit"), ALL - 7),
    "exits-at-once": (in_answer(2, "import os\nos._exit(0)"), ALL - 7),
    "kills-its-parent": (in_answer(2, "import os\nos.kill(os.getppid(), 9)"), ALL - 7),
    "endless": (in_answer(2, "while True: pass"), ALL - 7),
    "ten-gigabytes": (in_answer(2, "return torch.ones(10 * 2**30 // 4).sum()"), ALL - 7),
    "fills-the-disk": (in_answer(2, "open('big', 'w').write('x' * 10**9)\nreturn 1"), ALL - 7),
    "interrupts": (in_answer(2, "raise KeyboardInterrupt"), ALL - 7),
    "recursion": (in_answer(2, "return antipodal_loss(p)"), ALL - 7),
    "checks-replaced": (empty_and(checks_replaced), 0),
    "checks-deleted": (without("check-"), ALL),
    "answer-deleted": (without("answer-3-2"), ALL - 7),
    "everything-deleted": (lambda n: n.cells.clear(), 0),
    "toyutils-replaced": (empty_and(add(PATCH)), 0),
    "toyutils-replaced-inside": (empty_and(in_answer(2, PATCH)), 0),
    "prints-a-pass": (empty_and(add("print('✓ Exercise 3.1 passed.')", 40)), 0),
    "ends-the-kernel": (empty_and(add("exit()")), 0),
    "easier-function": (empty_and(easier_function), 0),
    "renamed": (renamed_function, ALL - 7),
}
FILES = {
    "not-a-notebook": b"My answers are in the mail.",
    "not-utf-8": b'{"cells": [], "text": "\xff\xfe"}',
    "another-json": b'{"answers": [1, 2, 3]}',
    "nothing": b"",
}


@pytest.fixture(scope="module")
def graded(built):
    """The grades of forty students, and what could not be graded."""
    right = read(built, "source")
    handed_in = built / "nbgrader" / "submitted"
    for student, (edit, _) in KINDS.items():
        notebook = copy.deepcopy(right)
        edit(notebook)
        folder = handed_in / student / ASSIGNMENT
        folder.mkdir(parents=True)
        nbformat.write(notebook, folder / f"{ASSIGNMENT}.ipynb")
    for student, content in FILES.items():
        (handed_in / student / ASSIGNMENT).mkdir(parents=True)
        (handed_in / student / ASSIGNMENT / f"{ASSIGNMENT}.ipynb").write_bytes(content)
    (handed_in / "no-file" / ASSIGNMENT).mkdir(parents=True)
    problems = course.grade(built / "nbgrader", ASSIGNMENT)
    with open(built / "nbgrader" / "grades.csv", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["assignment"] == ASSIGNMENT]
    return {row["student_id"]: float(row["score"]) for row in rows}, problems, rows


def test_every_student_has_a_row(graded):
    grades, _, rows = graded
    assert len(KINDS) + len(FILES) + 1 == 40
    assert set(grades) == {*KINDS, *FILES, "no-file"}
    assert len(rows) == 40
    assert {float(row["max_score"]) for row in rows} == {ALL}


@pytest.mark.parametrize("student", KINDS)
def test_the_score_is_right(graded, student):
    assert graded[0][student] == KINDS[student][1]


def test_what_could_not_be_graded_is_named_with_its_reason(graded):
    grades, problems, _ = graded
    assert set(problems) == {*FILES, "no-file"}
    assert {grades[student] for student in problems} == {0}
    assert "not UTF-8" in problems["not-utf-8"]
    assert all("not a notebook" in problems[s] for s in ("not-a-notebook", "nothing"))
    assert "is missing" in problems["no-file"]


def test_feedback_says_which_mistake_it_was(built, graded):
    path = built / "nbgrader" / "autograded" / "wrong-2" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    [cell] = [c for c in nbformat.read(path, 4).cells if grading.name(c) == "test-3-2"]
    assert "the loss is their mean" in cell.outputs[0]["evalue"]


def test_points_are_the_minutes(built):
    assert course.points("### Exercise 3.2 · What it costs (7 minutes)\ntext") == 7
    with pytest.raises(notebooks.NotebookError, match="minutes"):
        course.points("### Exercise 3.2 · What it costs")
    tasks = [c.source for c in notebooks.read(PATHS[3]).cells if "exercise" in notebooks.tags(c)]
    minutes = [int(re.search(r"\((\d+) minutes?\)", task)[1]) for task in tasks]
    assert sum(minutes) == ALL


def test_overview_leads_from_notebook_to_points(built):
    text = (built / "overview.md").read_text(encoding="utf-8")
    for path in PATHS:
        notebook = notebooks.read(path)
        assert notebook.cells[0].source.splitlines()[0][2:] in text
        for exercise in notebooks.exercises(notebook, path.name):
            assert f"| {exercise.number} · " in text
    assert f"| **together** | **{ALL}** |" in text


def test_the_notes_for_teaching_name_exercises_that_exist():
    text = (notebooks.ROOT / "book" / "teaching.md").read_text(encoding="utf-8")
    groups = re.findall(r"exercises? (\d+\.\d+(?:(?:, | and | to )\d+\.\d+)*)", text)
    named = {number for group in groups for number in re.findall(r"\d+\.\d+", group)}
    assert len(named) > 8
    exist = {
        e.number for path in PATHS for e in notebooks.exercises(notebooks.read(path), path.name)
    }
    assert named <= exist
    linked = set(re.findall(r"notebooks? (\d\d)", text))
    assert linked <= {path.name[:2] for path in PATHS}


SLEEPER = """
import subprocess
def antipodal_loss(p):
    return float(subprocess.Popen(["sleep", "1000"]).pid)
"""


def test_what_an_answer_starts_ends_with_it():
    with grading.answering([SLEEPER], "antipodal_loss", 10, 4 * 2**30) as answer:
        child = int(answer(0.5))
        assert alive(child)
    end = time.monotonic() + 5
    while alive(child) and time.monotonic() < end:
        time.sleep(0.05)
    assert not alive(child)


def alive(process):
    """Tell whether a process runs; one that waits to be collected does not."""
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2]
    except OSError:
        return False
    return state.split()[0] not in ("Z", "X")


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("while True: pass", "more than 2 s"),
        ("import time\ntime.sleep(1000)", "more than 2 s"),
        ("import os\nos._exit(0)", "ended its process"),
        ("raise SystemExit", "SystemExit"),
        ("def antipodal_loss(p) return p", "SyntaxError"),
        ("antipodal_loss = 3", "defines no function"),
        # A worker that speaks for itself: the grader's end of the talk is a few frames above.
        (
            "import sys\nf = sys._getframe()\nwhile 'connection' not in f.f_locals: f = f.f_back\n"
            "f.f_locals['connection'].send_bytes(b'nonsense')",
            "nonsense",
        ),
    ],
)
def test_an_answer_that_never_gets_to_its_function_earns_nothing(source, word):
    grader = grading.GradeAnswers(seconds=2)
    verdict = grader.judge("antipodal_loss", source, [])
    assert not verdict.passed
    assert word in verdict.message


def test_only_plain_values_come_back():
    class Anything:
        def __eq__(self, other):
            return True

    for value in (1.5, True, "a", None, [1, (2.0, None)], torch.ones(2, 3), np.arange(3), ...):
        came = grading._unpacked(grading._packed(value))
        assert type(came) is type(value)
        assert str(came) == str(value)
    came = grading._unpacked(grading._packed(Anything()))
    assert type(came).__name__ == "Anything"
    assert came != 1
