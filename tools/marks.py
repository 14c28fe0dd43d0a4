"""Grade what a class has handed in, and write what goes back to it."""

import csv
import json
import os
import shutil
import sys
import warnings
import zipfile
from contextlib import suppress
from pathlib import Path, PurePosixPath

import nbformat
from nbgrader.api import MissingEntry
from nbgrader.apps import NbGraderAPI
from sqlalchemy.exc import SAWarning
from traitlets.config.loader import PyFileConfigLoader

from tools import grading
from tools.submissions import UnreadableError, read

POSSIBLE, WEIGHT = "points possible", "weight"  # the first two rows of grades.csv
NOT_GRADED = "not graded"


def nbgrader_api(course):
    """Return nbgrader, with the settings in a course's nbgrader_config.py."""
    # It calls `alembic` when it makes a database; that stands beside this Python.
    beside = str(Path(sys.executable).parent)
    if beside not in os.environ["PATH"].split(os.pathsep):
        os.environ["PATH"] = f"{beside}{os.pathsep}{os.environ['PATH']}"
    return NbGraderAPI(config=PyFileConfigLoader("nbgrader_config.py", str(course)).load_config())


def students(course, assignment):
    """Return the names of the students who have handed in anything for an assignment."""
    return sorted(path.parent.name for path in (course / "submitted").glob(f"*/{assignment}"))


def grade(course, assignment):
    """Grade every submission of one assignment; return {student: why it could not be graded}.

    One student's submission never touches another's grade. What cannot be graded has no grade, even
    where there was one before. Raises GraderError, and grades nobody, if the grader itself is
    at fault.
    """
    api = nbgrader_api(course)
    limits = grading.GradeAnswers(parent=api).limits
    grading.rehearse(assignment, limits)
    answers, problems = {}, {}
    for student in students(course, assignment):
        try:
            answers[student] = _cleaned(course, student, assignment)
        except UnreadableError as error:
            problems[student] = str(error)
    # All students side by side; nbgrader, one after another, finds their answers judged.
    tasks = [tuple(answers[student].values()) for student in answers]
    judged = dict(zip(answers, grading.verdicts(tasks, limits), strict=True))
    for student, verdicts in judged.items():
        if faults := [verdict for verdict in verdicts if verdict.fault]:
            problems[student] = f"the grader is at fault: {faults[0].message}"
    log = []
    warnings.filterwarnings("ignore", category=SAWarning)  # of nbgrader's, on every submission
    for student in sorted([*answers, *(problems.keys() - answers.keys())]):
        with api.gradebook as gradebook, suppress(MissingEntry):
            gradebook.update_or_create_student(student)  # a row, whatever was handed in
            if student in problems:
                for form in ("autograded", "feedback"):
                    shutil.rmtree(course / form / student / assignment, ignore_errors=True)
                gradebook.remove_submission(assignment, student)
        for step in () if student in problems else (api.autograde, api.generate_feedback):
            done = step(assignment, student)
            log += [done.get("log", ""), done.get("error", "")]
            if not done["success"]:
                problems[student] = f"nbgrader refused it: {done['error'].strip().splitlines()[-1]}"
                break
    (course / "autograde.log").write_text("\n".join(log), encoding="utf-8", errors="replace")
    _write_answers(course / f"{assignment}.csv", assignment, judged)
    write_table(course)
    return problems


def _cleaned(course, student, assignment):
    """Return the answers in a notebook that was handed in; put a clean one in its place.

    What was handed in is kept in the course's folder `originals`.
    """
    path = course / "submitted" / student / assignment / f"{assignment}.ipynb"
    if not path.is_file():
        others = sorted(other.name for other in path.parent.iterdir())
        raise UnreadableError(f"{path.name} is missing; there is {', '.join(others) or 'nothing'}")
    notebook, tasks = read(path.read_bytes(), assignment)
    clean = nbformat.writes(notebook).encode()
    if path.read_bytes() != clean:
        original = course / "originals" / student / path.name
        original.parent.mkdir(parents=True, exist_ok=True)
        path.replace(original)
        path.write_bytes(clean)
    return tasks


def _write_answers(path, assignment, judged):
    """Write a line for each answer: its points, and what the learner is told."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(["student", "exercise", "points", "of", "message"])
        for student, verdicts in judged.items():
            exercises = grading.tests(assignment).values()
            for exercise, verdict in zip(exercises, verdicts, strict=True):
                points = NOT_GRADED if verdict.fault else exercise.minutes * verdict.passed
                message = " ".join(verdict.message.split())
                lines.writerow([student, exercise.number, points, exercise.minutes, message])


def write_table(course):
    """Write grades.csv: a row for each student, a column for each assignment, and the total.

    The total is in percent: of each assignment that was graded, weighted with the second row, which
    is the teacher's to change. An empty cell: nothing was handed in, which counts as 0; what could
    not be graded does not count.
    """
    path = course / "grades.csv"
    weights = {}
    with suppress(OSError), open(path, encoding="utf-8-sig", newline="") as file:
        weights = next((row for row in csv.DictReader(file) if row["student"] == WEIGHT), {})
    with nbgrader_api(course).gradebook as gradebook:
        most = {a.name: a.max_score for a in gradebook.assignments if a.num_submissions}
        scores = {student.id: {} for student in gradebook.students}
        for assignment in most:
            for submission in gradebook.assignment_submissions(assignment):
                penalty = sum(n.late_submission_penalty or 0 for n in submission.notebooks)
                scores[submission.student.id][assignment] = max(0.0, submission.score - penalty)
    weight = {a: float(weights.get(a) or points) for a, points in most.items()}
    with open(path, "w", encoding="utf-8-sig", newline="") as file:  # spreadsheets want the mark
        lines = csv.DictWriter(file, ["student", "id", *most, "late", "total"])
        lines.writeheader()
        lines.writerow({"student": POSSIBLE, **most, "total": 100})
        lines.writerow({"student": WEIGHT, **weight, "total": sum(weight.values())})
        for student, row in sorted(scores.items()):
            details = {a: _origin(course, student, a) for a in most}
            ungraded = {a: NOT_GRADED for a in most if details[a] is not None and a not in row}
            counted = [a for a in most if a not in ungraded]
            earned = sum(weight[a] * row.get(a, 0) / most[a] for a in counted if most[a])
            total = 100 * earned / max(sum(weight[a] for a in counted), 1e-9)
            late = ", ".join(a for a in most if (details[a] or {}).get("late"))
            known = [d["id"] for d in details.values() if d and d.get("id")]
            rest = {"id": (known or [student])[-1], "late": late, "total": round(total, 1)}
            lines.writerow({"student": student, **row, **ungraded, **rest})


def _origin(course, student, assignment) -> dict | None:
    """Return what `collect` knew of a submission; None if nothing was handed in."""
    with suppress(OSError, ValueError):
        path = course / "originals" / student / f"{assignment}.json"
        return json.loads(path.read_text(encoding="utf-8"))
    return {} if (course / "submitted" / student / assignment).is_dir() else None


def pack_feedback(course, assignment):
    """Write an archive of feedback pages under the platform's own names; return its path and size.

    A page stands where the student's file stood in the download, so that Moodle and Canvas find
    whose it is.
    """
    archive = course / f"feedback-{assignment}.zip"
    pages = sorted((course / "feedback").glob(f"*/{assignment}/{assignment}.html"))
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as content:
        for page in pages:
            origin = (_origin(course, page.parts[-3], assignment) or {}).get("path")
            where = PurePosixPath(origin or f"{page.parts[-3]}/{assignment}.ipynb")
            name = where.name if len(where.parts) == 1 else f"{where.parts[0]}/{assignment}.html"
            content.write(page, PurePosixPath(name).with_suffix(".html"))
    return archive, len(pages)
