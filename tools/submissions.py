"""Take in what a class has handed in, and grade it with nbgrader.

nbgrader's own commands do the same from the course's folder, one at a time; this module judges
all answers of a class side by side first, and says in words what could not be graded.
"""

import csv
import itertools
import os
import re
import shutil
import sys
import tempfile
import warnings
import zipfile
from collections import Counter, defaultdict
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import nbformat
from nbgrader.api import MissingEntry
from nbgrader.apps import NbGraderAPI
from nbgrader.plugins import CsvExportPlugin
from sqlalchemy.exc import SAWarning
from traitlets.config.loader import PyFileConfigLoader

from tools import grading

# How learning platforms name a file, or its folder, in what they give for download.
_PLATFORMS = (
    # Blackboard: Homework 3_jdoe_attempt_2026-11-20-10-11-12_03_one_relu.ipynb
    r"(?:.*?_)?(?P<student>[^_]+)_attempt_(?P<date>\d{4}-\d\d-\d\d)-(?P<clock>\d\d-\d\d-\d\d)",
    # Moodle: Jane Doe_123456_assignsubmission_file_/03_one_relu.ipynb; for each assignment the
    # same student has another number
    r"(?P<student>.+)_(?P<number>\d+)_assignsubmission_",
    # Canvas: doejane_LATE_123456_7891011_03_one_relu-1.ipynb
    r"(?P<student>[^_]+(?:_LATE)?_\d+)_\d+_.",
)
_LARGEST_ARCHIVE = 2 * 10**9  # bytes, unpacked
_LARGEST_NOTEBOOK = 50 * 10**6  # bytes


class UnreadableError(ValueError):
    """Says in words why a submission cannot be graded."""


def nbgrader_api(course):
    """Return nbgrader, with the settings in a course's nbgrader_config.py."""
    # It calls `alembic` when it makes a database; that stands beside this Python.
    beside = str(Path(sys.executable).parent)
    if beside not in os.environ["PATH"].split(os.pathsep):
        os.environ["PATH"] = f"{beside}{os.pathsep}{os.environ['PATH']}"
    return NbGraderAPI(config=PyFileConfigLoader("nbgrader_config.py", str(course)).load_config())


def grade(course, assignment):
    """Grade every submission of one assignment; return {student: why it could not be graded}.

    One student's submission never touches another's grade: each has a row in grades.csv. What
    cannot be graded counts as nothing handed in, even where something was before.
    """
    api = nbgrader_api(course)
    handed_in, problems = {}, {}
    for student in students(course, assignment):
        path = course / "submitted" / student / assignment / f"{assignment}.ipynb"
        try:
            handed_in[student] = read(path)
        except UnreadableError as error:
            problems[student] = str(error)
    # All answers of all students side by side; nbgrader, student by student, finds them judged.
    limits = grading.GradeAnswers(parent=api).limits
    grading.verdicts([task for tasks in handed_in.values() for task in tasks.values()], limits)
    log = []
    warnings.filterwarnings("ignore", category=SAWarning)  # of nbgrader's, on every submission
    for student in [*handed_in, *problems]:
        with api.gradebook as gradebook, suppress(MissingEntry):
            gradebook.update_or_create_student(student)  # a row, whatever was handed in
            if student in problems:
                for form in ("autograded", "feedback"):
                    shutil.rmtree(course / form / student / assignment, ignore_errors=True)
                gradebook.remove_submission(assignment, student)
        if student in problems:
            continue
        faults = [v for v in grading.verdicts(list(handed_in[student].values()), limits) if v.fault]
        if faults:  # graded all the same, with no points for these
            problems[student] = f"in part: {faults[0].message}"
        done = api.autograde(assignment, student)
        log += [done.get("log", ""), done.get("error", "")]
        if not done["success"]:
            problems[student] = f"nbgrader refused it: {done['error'].strip().splitlines()[-1]}"
        else:
            done = api.generate_feedback(assignment, student)
            log += [done.get("log", ""), done.get("error", "")]
    (course / "autograde.log").write_text("\n".join(log), encoding="utf-8", errors="replace")
    with api.gradebook as gradebook:
        CsvExportPlugin(to=str(course / "grades.csv")).export(gradebook)
    _write_answers(course / f"{assignment}.csv", assignment, handed_in, limits)
    return problems


def students(course, assignment):
    """Return the names of the students who have handed in anything for an assignment."""
    return sorted(path.parent.name for path in (course / "submitted").glob(f"*/{assignment}"))


def read(path):
    """Return {name of a hidden test: the answer to judge} of a notebook that was handed in.

    Raises UnreadableError if it is no notebook, or another one.
    """
    if not path.is_file():
        others = sorted(other.name for other in path.parent.iterdir())
        raise UnreadableError(f"{path.name} is missing; there is {', '.join(others) or 'nothing'}")
    if (size := path.stat().st_size) > _LARGEST_NOTEBOOK:
        raise UnreadableError(f"{path.name} has {size / 1e6:.0f} MB: its outputs should be cleared")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableError(
            f"{path.name} is not UTF-8 text: {error.reason} at byte {error.start}"
        ) from None
    try:
        notebook = nbformat.reads(text, as_version=4)
        nbformat.validate(notebook)
        tasks = grading.tasks(notebook, path.stem)
    except Exception as error:  # whatever a file may hold
        reason = (str(error) or type(error).__name__).splitlines()[0][:120]
        raise UnreadableError(f"{path.name} is not a notebook: {reason}") from None
    if all(task.source is None for task in tasks.values()):
        wanted = ", ".join(task.function for task in tasks.values())
        raise UnreadableError(f"{path.name} defines none of {wanted}: is it another notebook?")
    return tasks


def _write_answers(path, assignment, handed_in, limits):
    """Write a line for each answer: its points, and what the learner is told."""
    exercises = grading.tests(assignment)
    with open(path, "w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(["student", "exercise", "points", "of", "message"])
        for student, tasks in handed_in.items():
            judged = grading.verdicts(list(tasks.values()), limits)
            for test, verdict in zip(tasks, judged, strict=True):
                exercise = exercises[test]
                earned = exercise.minutes if verdict.passed else 0
                told = " ".join(verdict.message.split())
                lines.writerow([student, exercise.number, earned, exercise.minutes, told])


def collect(course, assignment, downloads):
    """Put each student's notebook in its place; return {student: what to know about it, or ""}.

    `downloads`: an archive or a folder, as a learning platform gives it. What the same student had
    handed in before is replaced. Raises UnreadableError if it is no archive.
    """
    with tempfile.TemporaryDirectory() as folder:
        unpacked = Path(folder)
        if downloads.is_dir():
            shutil.copytree(downloads, unpacked, dirs_exist_ok=True)
        elif not _unpack(downloads, unpacked):
            raise UnreadableError(f"{downloads} is neither a folder nor a readable .zip archive")
        unpacked = _below_wrappers(unpacked)
        for archive in sorted(p for p in unpacked.rglob("*") if p.suffix.lower() == ".zip"):
            if _unpack(archive, archive.with_suffix("")):  # a student's own
                archive.unlink()
        files = defaultdict(list)
        for path in sorted(p for p in unpacked.rglob("*") if p.is_file()):
            inside = path.relative_to(unpacked)
            if not any(part.startswith((".", "__MACOSX")) for part in inside.parts):
                student, when = whose(inside, assignment)
                files[student].append((when, path.stem == assignment, path))
        names = _tidy(sorted(files))
        return {
            name: _put(course / "submitted" / name / assignment, assignment, files[student])
            for student, name in names.items()
        }


def _below_wrappers(folder):
    """Return the folder that holds the students' files: some archives wrap it in others."""
    while True:
        inside = [p for p in folder.iterdir() if not p.name.startswith((".", "__MACOSX"))]
        if len(inside) != 1 or not inside[0].is_dir() or _match(inside[0].name):
            return folder
        if not any(p.is_dir() or _match(p.name) for p in inside[0].iterdir()):
            return folder
        folder = inside[0]


def _match(name):
    """Return the match of the first platform's pattern that a name fits, or None."""
    return next(filter(None, (re.match(pattern, name) for pattern in _PLATFORMS)), None)


def _put(folder, assignment, files):
    """Copy a student's latest notebook; without one, all files, so that grading can name them."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    books = [file for file in files if file[2].suffix.lower() == ".ipynb"]
    if not books:
        for _, _, path in files:
            shutil.copy(path, folder / path.name)
        return "no notebook"
    when, _, path = max(books)
    shutil.copy(path, folder / f"{assignment}.ipynb")
    if when:
        (folder / "timestamp.txt").write_text(f"{when} UTC", encoding="utf-8")
    return f"{len(books)} notebooks; {path.name} was taken" if len(books) > 1 else ""


def _unpack(archive, folder):
    """Unpack a .zip archive of a sensible size; return whether that could be done."""
    try:
        with zipfile.ZipFile(archive) as content:
            if sum(member.file_size for member in content.infolist()) > _LARGEST_ARCHIVE:
                return False
            content.extractall(folder)
    except Exception:  # encrypted, cut off, packed in an unknown way: one student's, not all's
        return False
    return True


def whose(path, assignment):
    """Return the student whose file this is, and when it was handed in if the name says that.

    A student is a name and, from Moodle, a number. `path`: below what was unpacked; its first part
    decides, since students choose what is below. Knows the names that Moodle, Canvas and
    Blackboard give; else each student has a folder, or a file `student.ipynb` or
    `student_03_one_relu.ipynb`.
    """
    first = path.parts[0]
    if found := _match(first):
        named = found.groupdict()
        student = found["student"].replace("_LATE", ""), named.get("number", "")
        when = f"{named.get('date', '')} {named.get('clock', '').replace('-', ':')}".strip()
        with suppress(ValueError):
            datetime.strptime(when, "%Y-%m-%d %H:%M:%S")
            return student, when
        return student, ""
    if len(path.parts) == 1:
        first = path.stem.removesuffix(assignment).rstrip("_-") or path.stem
    return (first, ""), ""


def _tidy(students):
    """Return {(name, number): what neither nbgrader's folders nor a table of grades stumble over}.

    The number is used to tell namesakes apart, and only for that: it may change.
    """
    names = {}
    count = Counter(name for name, _ in students)
    for name, number in students:
        whole = f"{name}_{number}" if number and count[name] > 1 else name
        tidy = re.sub(r"[\s/\\,;:'\"<>|*?\[\]{}\x00-\x1f]+", "-", whole).strip("-.") or "nameless"
        taken, free = set(names.values()), tidy
        for k in itertools.count(2):
            if free not in taken:
                break
            free = f"{tidy}-{k}"
        names[name, number] = free
    return names
