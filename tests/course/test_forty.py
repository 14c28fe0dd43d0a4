"""Hand in every assignment in more than forty ways, grade them all, look at every score."""

import csv

import pytest

from tests.course.forty import Assignment, hand_in, read, scores_by_student, small_course
from tools import grading, notebooks, submissions

PATHS = notebooks.notebook_paths()


@pytest.mark.parametrize("path", PATHS, ids=[path.stem for path in PATHS])
def test_every_score_is_right(path, tmp_path, monkeypatch):
    place, name = small_course(path, tmp_path / "course"), path.stem
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    with open(place / "nbgrader_config.py", "a", encoding="utf-8") as file:
        file.write("c.GradeAnswers.seconds = 4\n")
    assignment = Assignment(path, read(place, "source", name), read(place, "release", name))
    kinds = assignment.kinds()
    assert len(kinds) >= 40
    for student, (content, _) in kinds.items():
        hand_in(place, student, name, content)
    hand_in(place, "nothing-yet", "another_assignment", b"")

    problems = submissions.grade(place, name)
    wanted = {student: points or 0 for student, (_, points) in kinds.items()}
    assert scores_by_student(place, name, assignment.total) == wanted
    assert set(problems) == {student for student, (_, points) in kinds.items() if points is None}
    assert list(here.iterdir()) == [], "an answer that writes files leaves none behind"
    reasons_are_given(problems)
    messages_fit(place, assignment, kinds)


def reasons_are_given(problems):
    assert "not UTF-8" in problems["not-utf-8"]
    for student in ("not-a-notebook", "nothing", "another-json", "a-cell-of-nothing"):
        assert "is not a notebook" in problems[student]
    assert "is missing; there is nothing" in problems["no-file"]
    assert "is it another notebook?" in problems["everything-deleted"]


def messages_fit(place, assignment, kinds):
    """Check the line for each answer: points add up, and mistakes are named."""
    with open(place / f"{assignment.path.stem}.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    told = {(row["student"], row["exercise"]): row["message"] for row in rows}
    for student, (_, points) in kinds.items():
        if points is not None:
            assert sum(int(r["points"]) for r in rows if r["student"] == student) == points
    number = assignment.broken.number
    for student, phrase in {
        "endless": "more than 4 s",
        "sleeps": "more than 4 s",
        "exits-at-once": "ended its process",
        "system-exit": "SystemExit",
        "syntax-error": "SyntaxError",
        "returns-none": "returned None",
        "recursion": "RecursionError",
        "fills-the-disk": "File too large",
        "answer-deleted": "No cell defines",
        "empty": "not attempted yet",
    }.items():
        assert phrase in told[student, number]
    for k in range(4):
        for exercise in assignment.exercises[:-1]:
            phrase = assignment.phrases(exercise)[k]
            assert phrase in told[f"wrong-{k}", exercise.number]
    hint = assignment.phrases(assignment.broken)[0]
    name = assignment.path.stem
    page = place / "feedback" / "wrong-0" / name / f"{name}.html"
    text = page.read_text(encoding="utf-8")
    assert hint in " ".join(text.split())
    assert str(grading.SEEDS[0]) not in text
