"""Answers: where they stand, what they bring, what they deserve, what their learners are told."""

import pytest

from tests.course.forms import FULL, NONE
from tools import grading
from toyutils.exercises import alone

CALL = (
    "exercises.check_antipodal_loss(antipodal_loss)",
    "from toyutils.exercises import nb03 as exercises",
)
LIMITS = grading.Limits(seconds=10)


def task(cells):
    return alone.task([grading._python(cell) for cell in cells], *CALL)


@pytest.fixture(scope="module")
def judged():
    """{name: verdict} on all forms of an answer, in one process, as of one student."""
    forms = FULL | {name: cells for name, (cells, _) in NONE.items()}
    tasks = tuple(task(cells) for cells in forms.values())
    return dict(zip(forms, grading.judge(tasks, LIMITS), strict=True))


@pytest.mark.parametrize("name", FULL)
def test_right_in_an_unusual_way(judged, name):
    assert judged[name].passed, judged[name].message


@pytest.mark.parametrize("name", NONE)
def test_wrong_and_told_why(judged, name):
    assert not judged[name].passed
    assert not judged[name].fault
    assert NONE[name][1] in judged[name].message
    judged[name].message.encode()


def test_students_can_try_their_answers_under_the_same_rules(capsys):
    """The cell at the end of every hand-out, with IPython's record of the cells that were run."""
    for cells in (
        FULL["constant"],
        FULL["all answers in one cell"],
        NONE["computed"][0],
        ["x = 1"],
    ):
        imports = "from toyutils.exercises import nb03 as exercises"
        alone.try_answers([*cells, "alone.try_answers(In)"], CALL[0], imports=imports)
    one, two, three, four = capsys.readouterr().out.split("antipodal_loss: ")[1:]
    assert "✓ Exercise 3.2 passed" in one
    assert "✓ Exercise 3.2 passed" in two
    assert "`V` is computed by `V = compute()`" in three
    assert "no cell that was run defines it" in four
