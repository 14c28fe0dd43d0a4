"""Derive from the notebooks what a course needs: nothing is written twice.

    python tools/course.py build build/course
    python tools/course.py grade build/course 03_one_relu

The first writes three folders below build/course:

    student/    the notebooks without reference answers, for self-study and hand-out
    staff/      the notebooks with the reference answers in place
    nbgrader/   a course in nbgrader's layout: source/, release/ and nbgrader_config.py

and overview.md, which leads from every notebook to its objectives, exercises and points.

An exercise of n minutes earns n points. Its visible check stays; the reference answer's place is
taken by a hidden test, which uses other seeds.

The second grades what lies in nbgrader/submitted/STUDENT/03_one_relu/, writes nbgrader/grades.csv
and names whatever could not be graded, with the reason. Answers run as tools/grading.py describes.
"""

import argparse
import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tools import grading, notebooks

CONFIG = '''\
"""nbgrader's settings; written by tools/course.py."""

import sys

sys.path.insert(0, {root!r})
c = get_config()
c.CourseDirectory.course_id = "superposition"
c.CourseDirectory.root = {course!r}
c.IncludeHeaderFooter.header = ""
# The visible checks call this a stub, and say so calmly.
c.ClearSolutions.code_stub = {{"python": 'raise NotImplementedError("Exercise")'}}
c.ClearSolutions.enforce_metadata = True
# Answers run in processes of their own, one after another; see tools/grading.py.
c.Autograde.autograde_preprocessors = [
    "tools.grading.GradeAnswers",
    "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]
'''


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (("build", "write the three forms"), ("grade", "grade one assignment")):
        command = commands.add_parser(name, help=text)
        command.add_argument("destination", type=Path, help="folder of the three forms")
    command.add_argument("assignment", help="such as 03_one_relu")
    options = parser.parse_args(arguments)
    destination = options.destination.resolve()
    if options.command == "grade":
        problems = grade(destination / "nbgrader", options.assignment)
        for student, reason in problems.items():
            print(f"{student}: not graded: {reason}")
        print(f"{destination / 'nbgrader' / 'grades.csv'}: written")
        return 0
    for path in notebooks.notebook_paths():
        build(path, destination)
    course = destination / "nbgrader"
    write_config(course)
    for assignment in sorted(path.name for path in (course / "source").iterdir()):
        nbgrader(course, "generate_assignment", assignment, "--force")
    (destination / "overview.md").write_text(overview(), encoding="utf-8")
    print(f"{destination}: {len(notebooks.notebook_paths())} assignments")
    return 0


def overview():
    """Return Markdown: for every notebook its objectives, exercises, minutes and points."""
    lines = ["# Notebooks, objectives, exercises, points\n"]
    for path in notebooks.notebook_paths():
        notebook = notebooks.read(path)
        title, question = notebooks.title_and_question(path)
        [goals] = [c.source for c in notebook.cells if c.source.startswith("**You will**")]
        found = notebooks.exercises(notebook, path.name)
        tasks = [notebook.cells[exercise.task].source for exercise in found]
        lines += [f"## {title}\n", f"{question}\n", f"{goals}\n", "| exercise | points |"]
        lines += ["| --- | --- |"]
        for task in tasks:
            heading = re.match(r"#+ Exercise (.+?) \(\d+ minutes?\)", task)[1]
            lines.append(f"| {heading} | {points(task)} |")
        lines.append(f"| **together** | **{sum(map(points, tasks))}** |\n")
    return "\n".join(lines)


def grade(course, assignment):
    """Grade every submission of one assignment; return {student: why it could not be graded}.

    One student's submission never touches another's grade: each has a row in grades.csv.
    """
    submitted = course / "submitted"
    students = sorted(path.parent.name for path in submitted.glob(f"*/{assignment}"))
    problems = {}
    for student in students:
        reason = unreadable(submitted / student / assignment / f"{assignment}.ipynb")
        if reason:
            problems[student] = reason
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        for student in students:  # a row in grades.csv, whatever was handed in
            gradebook.update_or_create_student(student)
    log = nbgrader(course, "autograde", assignment, "--force", check=False).stderr
    (course / "autograde.log").write_text(log, encoding="utf-8")
    for student in students:
        graded = course / "autograded" / student / assignment / f"{assignment}.ipynb"
        if not graded.exists():
            problems.setdefault(student, "nbgrader refused it; see autograde.log")
    nbgrader(course, "export", "--to", course / "grades.csv")
    return problems


def unreadable(path):
    """Return in words why a submission is no notebook that can be graded, or None."""
    if not path.exists():
        others = sorted(other.name for other in path.parent.iterdir())
        return f"{path.name} is missing; there is {', '.join(others) or 'nothing'}"
    try:
        text = path.read_bytes().decode()
    except UnicodeDecodeError as error:
        return f"{path.name} is not UTF-8 text: {error.reason} at byte {error.start}"
    try:
        nbformat.reads(text, as_version=4)
    except Exception as error:  # whatever a file may hold
        return f"{path.name} is not a notebook: {str(error).splitlines()[0][:120]}"
    return None


def build(path, destination):
    """Write the three forms of one notebook."""
    for folder, form in (("student", student), ("staff", notebooks.filled)):
        (destination / folder).mkdir(parents=True, exist_ok=True)
        nbformat.write(form(notebooks.read(path), path.name), destination / folder / path.name)
    folder = destination / "nbgrader" / "source" / path.stem
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    nbformat.write(source(notebooks.read(path), path.name), folder / path.name)


def student(notebook, name):
    """Return the notebook without its reference answers."""
    answers = {exercise.solution for exercise in notebooks.exercises(notebook, name)}
    notebook.cells = [cell for i, cell in enumerate(notebook.cells) if i not in answers]
    return notebook


def source(notebook, name):
    """Return the notebook as nbgrader's source: answers between marks, hidden tests, points."""
    for exercise in notebooks.exercises(notebook, name):
        cells = notebook.cells
        stub, solution = cells[exercise.stub], cells[exercise.solution].source
        stub.source = _marked(stub.source, solution, exercise)
        stub.metadata["nbgrader"] = _metadata(grading.cell_name("answer", exercise), solution=True)
        check = cells[exercise.check]
        check.metadata["nbgrader"] = _metadata(grading.cell_name("check", exercise), locked=True)
        test = nbformat.v4.new_code_cell(
            "# Graded with seeds of its own.\n"
            "### BEGIN HIDDEN TESTS\n"
            f"for seed in {grading.SEEDS}:\n"
            f"    result = exercises.check_{exercise.function}({exercise.function}, seed=seed)\n"
            "    assert result.passed, result\n"
            "### END HIDDEN TESTS",
            id=cells[exercise.solution].id,
            metadata={
                "nbgrader": _metadata(
                    grading.cell_name("test", exercise), grade=True, locked=True,
                    points=points(cells[exercise.task].source),
                ),
            },
        )  # fmt: skip
        cells[exercise.solution] = test
    return notebook


def points(task):
    """Return an exercise's points: the minutes that its heading names."""
    minutes = re.search(r"\((\d+) minutes?\)", task.splitlines()[0])
    if not minutes:
        raise notebooks.NotebookError(f"no `(5 minutes)` in the heading {task.splitlines()[0]!r}")
    return int(minutes[1])


def write_config(course):
    """Write nbgrader's settings into the course's folder."""
    course.mkdir(parents=True, exist_ok=True)
    text = CONFIG.format(root=str(notebooks.ROOT), course=str(course))
    (course / "nbgrader_config.py").write_text(text, encoding="utf-8")


def nbgrader(course, *arguments, check=True):
    """Run an nbgrader command in the course's folder, with this Python's nbgrader."""
    command = [sys.executable, "-m", "nbgrader", *map(str, arguments)]
    # nbgrader calls `alembic`, which stands beside this Python.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path}
    done = subprocess.run(command, cwd=course, env=environment, capture_output=True, text=True)
    if check and done.returncode:
        raise RuntimeError(f"nbgrader {' '.join(arguments)} failed:\n{done.stderr[-3000:]}")
    return done


def _metadata(grade_id, *, solution=False, grade=False, locked=False, points=None):
    metadata = dict(
        grade_id=grade_id, solution=solution, grade=grade, locked=locked, task=False,
        schema_version=3,
    )  # fmt: skip
    return metadata if points is None else metadata | {"points": points}


def _marked(stub, solution, exercise):
    """Return the stub with the reference answer's body between nbgrader's marks."""
    lines = "\n".join(solution.splitlines()[1:])
    [function] = [node for node in ast.parse(lines).body if isinstance(node, ast.FunctionDef)]
    body = function.body[1:] if ast.get_docstring(function) else function.body
    kept = lines.splitlines()[body[0].lineno - 1 : function.end_lineno]
    answer = re.sub(rf"\b{exercise.function}_answer\b", exercise.function, "\n".join(kept))
    head = [line for line in stub.splitlines() if not line.strip().startswith("raise NotImpl")]
    marks = ["    ### BEGIN SOLUTION", answer, "    ### END SOLUTION"]
    return "\n".join([*head, *marks])


if __name__ == "__main__":
    sys.exit(main())
