"""nbgrader's own commands, with an exchange in a folder, as on a JupyterHub."""

import os
import subprocess
import sys

import nbformat

from tests.course.classes import BROKEN, NAME, REST, book, cell, small_course
from tools import grading, marks


def nbgrader(folder, *arguments):
    beside = f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=folder, env=os.environ | {"PATH": beside}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]


def test_release_fetch_submit_collect_grade_and_back(tmp_path):
    place = small_course(tmp_path / "course")
    exchange, student = tmp_path / "exchange", tmp_path / "student"
    exchange.mkdir()
    student.mkdir()
    exchange.chmod(0o777)
    lines = f"c = get_config()\nc.Exchange.root = {str(exchange)!r}\n"
    with open(place / "nbgrader_config.py", "a", encoding="utf-8") as file:
        file.write(lines)
    (student / "nbgrader_config.py").write_text(lines, encoding="utf-8")

    nbgrader(place, "release_assignment", NAME)
    nbgrader(student, "fetch_assignment", NAME, "--course", "superposition")
    fetched = student / NAME / f"{NAME}.ipynb"
    right, notebook = book(place), nbformat.read(fetched, as_version=4)
    for exercise in grading.tests(NAME).values():
        if exercise != BROKEN:
            cell(notebook, exercise).source = cell(right, exercise).source
    nbformat.write(notebook, fetched)
    nbgrader(student, "submit", NAME, "--course", "superposition")
    nbgrader(place, "collect", NAME)
    nbgrader(place, "autograde", NAME)
    nbgrader(place, "generate_feedback", NAME)
    nbgrader(place, "release_feedback", NAME)
    nbgrader(student, "fetch_feedback", NAME, "--course", "superposition")

    with marks.nbgrader_api(place).gradebook as gradebook:
        [submission] = gradebook.assignment_submissions(NAME)
        assert submission.score == REST
    [page] = (student / NAME / "feedback").rglob("*.html")
    text = page.read_text(encoding="utf-8")
    assert "not attempted yet" in text
    assert '<html lang="en">' in text
    assert f"Exercise {BROKEN.number} · " in text.partition("</ol>")[0]
