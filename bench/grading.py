"""Time the grading of forty students' notebooks: `python -m bench.grading`.

For each assignment, forty right submissions whose answers all differ in their text, so that none is
judged for another. Prints the seconds that each submission takes: judged one answer after another,
and on all cores; then with all that nbgrader does, grades, feedback and export included.
"""

import copy
import os
import sys
import tempfile
import time
from pathlib import Path

from tests.course.forty import hand_in, read, small_course
from tools import grading, notebooks, submissions

N_STUDENTS = 40


def main() -> None:
    """Measure and print. Arguments: numbers of notebooks, such as 03; all by default."""
    print(f"s for each of {N_STUDENTS} | one core | {os.cpu_count()} cores | ratio | with nbgrader")
    for path in notebooks.notebook_paths():
        if len(sys.argv) == 1 or path.name[:2] in sys.argv[1:]:
            with tempfile.TemporaryDirectory() as folder:
                one, all_cores, whole = measured(path, Path(folder))
            print(
                f"{path.stem} | {one:.2f} | {all_cores:.2f} | {one / all_cores:.1f} | {whole:.2f}"
            )


def measured(path, folder):
    """Return seconds a submission: judged on one core, on all, and with nbgrader's part."""
    place = small_course(path, folder)
    right = read(place, "source", path.stem)
    tasks = []
    for student in range(N_STUDENTS):
        notebook = copy.deepcopy(right)
        for cell in notebook.cells:
            if grading.name(cell).startswith("answer-"):
                cell.source += f"\n# by student {student}"
        hand_in(place, f"student-{student:02}", path.stem, notebook)
        tasks += grading.tasks(notebook, path.stem).values()
    limits = grading.Limits()
    grading.judge(tasks[0], limits)  # starts the server of processes
    one = _seconds(lambda: [grading.judge(task, limits) for task in tasks])
    all_cores = _seconds(lambda: grading.verdicts(tasks, limits))
    nbgraders = _seconds(lambda: submissions.grade(place, path.stem))  # finds all of them judged
    return one, all_cores, all_cores + nbgraders


def _seconds(work):
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) / N_STUDENTS


if __name__ == "__main__":
    main()
