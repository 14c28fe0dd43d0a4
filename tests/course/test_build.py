"""Build the course, and look at what students, staff and nbgrader get."""

import functools
import re

import nbformat
import pytest

from tests.answers import CHECKS
from tests.answers import RIGHT as RIGHT_ANSWERS
from tests.test_exercises import SEEDS
from tools import course, grading, notebooks

RIGHT = {name: answers[0] for name, answers in RIGHT_ANSWERS.items()}
# Exercises whose answer takes no arguments, so that there is nothing to vary.
WITHOUT_CASES = {"break_even_density", "my_model"}
# Exercises about numbers, or about one model whose size is part of the task.
OF_ONE_SIZE = {
    "antipodal_loss", "as_good_as", "boundary", "feature_variance", "interference_cost",
    "meeting_cost", "minimum_loss", "penalised_loss", "seeds_needed",
    "three_prototypes", "turned_loss", "two_pairs_loss", "two_slopes",
    "largest_unseen_share", "asymmetry",  # takes a function: its own matrices are what is judged
    "expected_relu",  # always of three features
}  # fmt: skip
PATHS = notebooks.notebook_paths()
each_notebook = pytest.mark.parametrize("path", PATHS, ids=[path.stem for path in PATHS])


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The course, built by the command that teachers use."""
    folder = tmp_path_factory.mktemp("course")
    assert course.main(["build", str(folder)]) == 0
    return folder


def lines(source):
    """Return the lines of a cell without white space, and without `return` before a value."""
    return {"".join(line.split()).removeprefix("return") for line in source.splitlines()}


def secrets(cells, exercise):
    """Return the lines that answer an exercise, less what is taught or hinted at above them."""
    answer = cells[exercise.solution].source.partition("\n")[2].rpartition("exercises.check_")[0]
    above = "".join("".join(cell.source.split()) for cell in cells[: exercise.check])
    return {
        line
        for line in lines(answer.partition("\n")[2])
        if (len(line) >= 8 or re.fullmatch(r'"[a-c]+"', line)) and line not in above
    }


@each_notebook
def test_no_solution_is_left_in_what_students_get(built, path):
    original = notebooks.read(path)
    for exercise in notebooks.exercises(original, path.name):
        secret = secrets(original.cells, exercise)
        assert secret, exercise.number
        for file in (built / "student" / path.name,
                     built / "nbgrader" / "release" / path.stem / path.name):  # fmt: skip
            text = file.read_text(encoding="utf-8")
            notebook = nbformat.reads(text, as_version=4)
            nbformat.validate(notebook)
            # In no cell, below the exercise or above; then in no other field of the file.
            for cell in notebook.cells:
                leaked = [
                    line for line in secret if any(line in part for part in lines(cell.source))
                ]
                assert leaked == [], f"{exercise.number}: {cell.source}"
            plain = "".join(text.replace('\\"', '"').replace("\\n", "").split())
            assert [line for line in secret if line in plain] == []
            assert "BEGIN SOLUTION" not in text
            assert "HIDDEN TESTS" not in text
            assert str(grading.SEEDS[0]) not in text


@each_notebook
def test_the_staff_edition_holds_every_answer(built, path):
    staff = nbformat.read(built / "staff" / path.name, as_version=4)
    for exercise in notebooks.exercises(notebooks.read(path), path.name):
        assert "NotImplementedError" not in staff.cells[exercise.stub].source


@each_notebook
def test_nbgrader_knows_every_exercise_and_its_points(built, path):
    release = built / "nbgrader" / "release" / path.stem / path.name
    cells = [c for c in nbformat.read(release, as_version=4).cells if grading.name(c)]
    exercises = notebooks.exercises(notebooks.read(path), path.name)
    wanted = [
        grading.metadata(kind, exercise)["grade_id"]
        for exercise in exercises
        for kind in ("answer", "check", "test")
    ]
    assert [grading.name(cell) for cell in cells] == wanted
    points = [cell.metadata["nbgrader"].get("points") for cell in cells]
    assert [p for p in points if p is not None] == [exercise.minutes for exercise in exercises]


def test_a_course_that_was_not_built_is_told(tmp_path, capsys):
    assert course.main(["grade", str(tmp_path), PATHS[0].stem]) == 1
    assert "holds no course yet: tools/course.py build" in capsys.readouterr().err


def test_the_overview_leads_from_notebook_to_points():
    text = (notebooks.ROOT / "book" / "overview.md").read_text(encoding="utf-8")
    for path in PATHS:
        notebook = notebooks.read(path)
        title, _ = notebooks.title_and_question(path)
        part = re.search(
            rf"^## {re.escape(title)}$(.+?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE
        )
        goals = re.findall(r"^(\d)\. (.+)$", part[1], re.MULTILINE)
        assert [goal for _, goal in goals] == notebooks.objectives(notebook, path.name)
        rows = re.findall(r"^\| (\d+\.\d+) · .+ \| (\d) \| (\d+) \|$", part[1], re.MULTILINE)
        assert {objective for _, objective, _ in rows} == {k for k, _ in goals}, "one for each"
        found = notebooks.exercises(notebook, path.name)
        assert [(n, int(p)) for n, _, p in rows] == [(e.number, e.minutes) for e in found]


def calls(name, seed):
    """Return the arguments with which a check calls an answer, arrays as lists."""
    seen = []
    right = RIGHT[name]

    @functools.wraps(right)
    def answer(*given):
        seen.append([g.tolist() if hasattr(g, "tolist") else g for g in given])
        return right(*given)

    assert CHECKS[name](answer, seed=seed).passed
    return seen


def sizes(given):
    """Return the sizes of arguments: of arrays the shape, of whole numbers the number."""
    if isinstance(given, list):
        return [len(given), *(sizes(part) for part in given[:1])]
    return given if isinstance(given, int) else "number"


@pytest.mark.parametrize("name", sorted(RIGHT))
def test_hidden_tests_have_other_values_and_sizes(name):
    assert grading.SEEDS == SEEDS
    visible = calls(name, 0)
    for seed in SEEDS:
        hidden = calls(name, seed)
        if name not in WITHOUT_CASES:
            assert sum(case not in visible for case in hidden) >= 2
        if name not in WITHOUT_CASES | OF_ONE_SIZE:
            assert [[sizes(g) for g in c] for c in hidden] != [
                [sizes(g) for g in c] for c in visible
            ]


def test_each_exception_to_that_is_one():
    for name in WITHOUT_CASES | OF_ONE_SIZE:
        assert name in RIGHT
    for name in WITHOUT_CASES:
        assert calls(name, 0) == [[]]
