"""Time the grading of forty students' notebooks: `python -m bench.grading`.

For each assignment, forty right submissions whose answers all differ in their text, so that none is
judged for another. Prints the seconds that each takes with tools/course.py, everything included
(rehearsal, grades, feedback pages, tables), and with nbgrader's own autograde and feedback, which
run the notebooks; there on a few of them, in turn with ours.
"""

import copy
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.course.classes import book, hand_in, small_course
from tools import grading, marks, notebooks

N_STUDENTS, N_NBGRADER = 40, 2
NBGRADER = """
c = get_config()
c.CourseDirectory.course_id = "superposition"
c.CourseDirectory.root = {course!r}
c.ClearSolutions.enforce_metadata = True
"""


def main() -> None:
    """Measure and print. Arguments: numbers of notebooks, such as 03; all by default."""
    print(f"s for each of {N_STUDENTS}, {os.cpu_count()} cores | here | nbgrader | ratio")
    for path in notebooks.notebook_paths():
        if len(sys.argv) == 1 or path.name[:2] in sys.argv[1:]:
            with tempfile.TemporaryDirectory() as folder:
                here, nbgraders = measured(path, Path(folder))
            print(f"{path.stem} | {here:.2f} | {nbgraders:.2f} | {here / nbgraders:.2f}")


def measured(path, folder):
    """Return seconds a submission: with this course's grading, and with nbgrader's own."""
    place, plain = small_course(folder / "course", path), folder / "plain"
    right = book(place, "source", path.stem)
    students = [f"student-{k:02}" for k in range(N_STUDENTS)]
    for student in students:
        notebook = copy.deepcopy(right)
        for cell in notebook.cells:
            if grading.name(cell).startswith("answer-"):
                cell.source += f"\n# by {student}"
        hand_in(place, student, notebook, path.stem)
        if student in students[:N_NBGRADER]:
            hand_in(plain, student, notebook, path.stem)
    shutil.copytree(place / "source", plain / "source")
    (plain / "nbgrader_config.py").write_text(NBGRADER.format(course=str(plain)), encoding="utf-8")
    api = marks.nbgrader_api(plain)
    api.generate_assignment(path.stem, force=True)
    nbgraders = _seconds(lambda: _by_nbgrader(api, path.stem, students[:1]))
    here = _seconds(lambda: marks.grade(place, path.stem))
    nbgraders += _seconds(lambda: _by_nbgrader(api, path.stem, students[1:N_NBGRADER]))
    return here / N_STUDENTS, nbgraders / N_NBGRADER


def _by_nbgrader(api, assignment, students):
    for student in students:
        for step in (api.autograde, api.generate_feedback):
            done = step(assignment, student)
            assert done["success"], done["log"] + done["error"]


def _seconds(work):
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
