"""Derive from the notebooks what a course needs: nothing is written twice.

    python tools/course.py build build/course
    python tools/course.py collect build/course 03_one_relu ~/Downloads/submissions.zip
    python tools/course.py grade build/course 03_one_relu
    python tools/course.py feedback build/course 03_one_relu

The first writes three folders below build/course:

    student/    the notebooks without reference answers, for self-study and hand-out
    staff/      the notebooks with the reference answers in place
    nbgrader/   a course in nbgrader's layout: source/, release/ and nbgrader_config.py, which is
                yours: what you change there stays when you build again

An exercise of n minutes earns n points. Its visible check stays; the reference answer's place is
taken by a hidden test, which uses other seeds.

The second takes what a learning platform gives for download, an archive or a folder, and puts each
student's notebook where nbgrader looks for it. The third grades what lies there, names whatever
could not be graded, with the reason, and writes grades.csv, a line for each answer in
03_one_relu.csv, and a page for each student in feedback/. The fourth packs these pages under the
platform's own names, to upload there.
"""

import argparse
import ast
import re
import shutil
import sys
from pathlib import Path

import nbformat

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tools import grading, marks, notebooks, submissions
from toyutils.exercises import alone

OURS = '''\
"""nbgrader's settings for this course. Written anew by every tools/course.py build."""

import sys

sys.path.insert(0, {root!r})
c = get_config()
c.CourseDirectory.course_id = "superposition"
c.CourseDirectory.root = {course!r}
c.IncludeHeaderFooter.header = ""
# The visible checks call this a stub, and say so calmly.
c.ClearSolutions.code_stub = {{"python": 'raise NotImplementedError("Exercise")'}}
c.ClearSolutions.enforce_metadata = True
# Each student's answers run in a process of their own; see tools/grading.py. What a notebook
# shows, its figures too, stays for the feedback page.
c.Autograde.sanitize_preprocessors = [
    "tools.grading.MendCells",
    "nbgrader.preprocessors.OverwriteKernelspec",
    "nbgrader.preprocessors.OverwriteCells",
    "nbgrader.preprocessors.CheckCellMetadata",
]
c.Autograde.autograde_preprocessors = [
    "tools.grading.GradeAnswers",
    "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]
c.GenerateFeedback.exporter_class = "tools.grading.FeedbackPage"
'''
YOURS = '''\
"""nbgrader's settings, for you to change. tools/course.py build writes this file only once."""

load_subconfig("superposition_config.py")
c = get_config()
# What an answer to one exercise may take, in seconds of processor time and in memory:
# c.GradeAnswers.seconds = 30
# c.GradeAnswers.megabytes = 4000
# The folder through which a JupyterHub exchanges assignments:
# c.Exchange.root = "/srv/nbgrader/exchange"
'''
TRY = """\
# Optional, before you hand in: restart the kernel, run all cells, then this one.
from toyutils.exercises import alone

alone.try_answers(
    In,
    {checks},
    imports={imports!r},
)"""


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    assignments = [path.stem for path in notebooks.notebook_paths()]
    for run, text in (
        (build, "write the three forms"),
        (collect, "take in what a learning platform gives for download"),
        (grade, "grade one assignment"),
        (feedback, "pack the feedback pages of one assignment for the platform"),
    ):
        command = commands.add_parser(run.__name__, help=text)
        command.set_defaults(run=run)
        command.add_argument("folder", type=Path, help="of the three forms")
        if run is not build:
            command.add_argument("assignment", choices=assignments, metavar="ASSIGNMENT")
        if run is collect:
            command.add_argument("downloads", type=Path, help="an archive, or a folder")
    options = parser.parse_args(arguments)
    options.folder = options.folder.resolve()
    course = options.folder / "nbgrader"
    if options.run is not build and not (course / "nbgrader_config.py").exists():
        print(f"{options.folder} holds no course yet: tools/course.py build", file=sys.stderr)
        return 1
    try:
        return options.run(options, course) or 0
    except (submissions.UnreadableError, grading.GraderError) as error:
        print(error, file=sys.stderr)
        return 1


def build(options, course):
    paths = notebooks.notebook_paths()
    for path in paths:
        write_forms(path, options.folder)
    write_config(course)
    release(course)
    print(f"{options.folder}: {len(paths)} assignments")


def collect(options, course):
    notes = submissions.collect(course, options.assignment, options.downloads)
    for student, note in notes.items():
        print(f"{student}: {note or 'collected'}")
    print(f"{len(notes)} students")


def grade(options, course):
    """Grade one assignment; return 1 if the grader was at fault anywhere."""
    problems = marks.grade(course, options.assignment)
    for student, reason in problems.items():
        print(f"{student}: not graded: {reason}")
    total = len(marks.students(course, options.assignment))
    print(f"{total - len(problems)} of {total} submissions graded")
    print(f"{course}: grades.csv, {options.assignment}.csv and feedback/ written")
    if not grading.sandbox_works():
        print("bwrap is not installed or not allowed here: answers ran as programs of yours.")
    for name in sorted(grading.UNLIMITED):
        print(f"This system sets no limit to answers' {dict(AS='memory').get(name, name)}.")
    return int(any("grader is at fault" in reason for reason in problems.values()))


def feedback(options, course):
    archive, n_pages = marks.pack_feedback(course, options.assignment)
    print(f"{archive}: {n_pages} pages")


def release(course):
    """Write nbgrader's releases, and its database of assignments and points."""
    api = marks.nbgrader_api(course)
    for assignment in sorted(path.name for path in (course / "source").iterdir()):
        done = api.generate_assignment(assignment, force=True)
        if not done["success"]:
            raise RuntimeError(f"nbgrader: {assignment}:\n{done['log']}\n{done['error']}")


def write_forms(path, destination):
    """Write the three forms of one notebook."""
    for folder, form in (("student", student), ("staff", notebooks.filled)):
        (destination / folder).mkdir(parents=True, exist_ok=True)
        nbformat.write(form(notebooks.read(path), path.name), destination / folder / path.name)
    folder = destination / "nbgrader" / "source" / path.stem
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    nbformat.write(source(notebooks.read(path), path.name), folder / path.name)


def student(notebook, name):
    """Return the notebook without its reference answers, and with the rules of grading."""
    answers = {exercise.solution for exercise in notebooks.exercises(notebook, name)}
    notebook.cells = [cell for i, cell in enumerate(notebook.cells) if i not in answers]
    notebook.cells += rules(name)
    return notebook


def source(notebook, name):
    """Return the notebook as nbgrader's source: answers between marks, hidden tests, points."""
    for exercise, call, imports in grading.checks(Path(name).stem).values():
        cells = notebook.cells
        stub, solution = cells[exercise.stub], cells[exercise.solution]
        stub.source = _marked(stub.source, solution.source, exercise)
        stub.metadata["nbgrader"] = grading.metadata("answer", exercise)
        cells[exercise.check].metadata["nbgrader"] = grading.metadata("check", exercise)
        cells[exercise.solution] = nbformat.v4.new_code_cell(
            "# Graded with seeds of its own.\n"
            "### BEGIN HIDDEN TESTS\n"
            f"{imports}\n"
            f"for seed in {grading.SEEDS}:\n"
            f"    result = {call[:-1]}, seed=seed)\n"
            "    assert result.passed, result\n"
            "### END HIDDEN TESTS",
            id=solution.id,
            metadata={"nbgrader": grading.metadata("test", exercise)},
        )
    notebook.cells += rules(name)
    return notebook


def rules(name):
    """Return two cells: what grading knows of an answer, and a trial under the same rules."""
    checks = grading.checks(Path(name).stem).values()
    calls = ",\n    ".join(repr(call) for _, call, _ in checks)
    code = TRY.format(checks=calls, imports=next(imports for *_, imports in checks))
    return [
        nbformat.v4.new_markdown_cell(f"## What grading knows\n\n{alone.RULES}", id="rules"),
        nbformat.v4.new_code_cell(code, id="rules-trial"),
    ]


def write_config(course):
    """Write nbgrader's settings into the course's folder; those that are the teacher's stay."""
    course.mkdir(parents=True, exist_ok=True)
    settings = OURS.format(root=str(notebooks.ROOT), course=str(course))
    (course / "superposition_config.py").write_text(settings, encoding="utf-8")
    teachers = course / "nbgrader_config.py"
    if not teachers.exists():
        teachers.write_text(YOURS, encoding="utf-8")


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
