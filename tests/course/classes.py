"""A small course of one assignment, and ways to hand in."""

import copy
import csv
import json

import nbformat

from tools import course, grading, notebooks

PATH = notebooks.notebook_paths()[0]
NAME = PATH.stem
EXERCISES = list(grading.tests(NAME).values())
TOTAL = sum(exercise.minutes for exercise in EXERCISES)
BROKEN = EXERCISES[1]  # whatever is broken below is broken in this one
REST = TOTAL - BROKEN.minutes


def small_course(folder, path=PATH):
    """Build a course of one assignment; return nbgrader's folder."""
    course.write_forms(path, folder)
    course.write_config(folder / "nbgrader")
    course.release(folder / "nbgrader")
    return folder / "nbgrader"


def book(place, form="source", name=NAME):
    return nbformat.read(place / form / name / f"{name}.ipynb", as_version=4)


def as_bytes(notebook):
    return nbformat.writes(notebook).encode()


def as_json(notebook):
    return json.loads(nbformat.writes(notebook))


def hand_in(place, student, content, name=NAME):
    """Put a notebook, or bytes, where nbgrader expects what a student handed in."""
    folder = place / "submitted" / student / name
    folder.mkdir(parents=True, exist_ok=True)
    if content is not None:
        data = content if isinstance(content, bytes) else as_bytes(content)
        (folder / f"{name}.ipynb").write_bytes(data)


def table(place):
    """Return grades.csv as {student: row}."""
    with open(place / "grades.csv", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert len({row["student"] for row in rows}) == len(rows)
    return {row["student"]: row for row in rows}


def cell(notebook, exercise, kind="answer"):
    grade_id = grading.metadata(kind, exercise)["grade_id"]
    [named] = [cell for cell in notebook.cells if grading.name(cell) == grade_id]
    return named


def broken(body):
    """Return an edit that gives one exercise an answer with this body."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    source = f"def {BROKEN.function}(*given):\n{lines}"
    return lambda notebook: cell(notebook, BROKEN).update(source=source)


def added(text, place=3):
    return lambda notebook: notebook.cells.insert(place, nbformat.v4.new_code_cell(text))


def edited(notebook, edit):
    notebook = copy.deepcopy(notebook)
    edit(notebook)
    return notebook


HOSTILE = {
    "exits at once": "import os\nos._exit(0)",
    "kills its parent": "import os\nos.kill(os.getppid(), 9)",
    "kills its group": "import os\nos.killpg(0, 9)", "endless": "while True: pass",
    "deaf": "from signal import *\nsignal(SIGXCPU, SIG_IGN)\nwhile True: pass",
    "ten gigabytes": "import torch\nreturn torch.ones(10 * 2**30 // 4).sum()",
    "a growing list": "a = [0]\nwhile True: a += a",
    "fills the disk": "open('big', 'w').write('x' * 10**8)\nreturn 1",
    "interrupts": "raise KeyboardInterrupt",
    "sends nonsense": (
        "import gc, multiprocessing.connection as c\nfor o in gc.get_objects():\n    if "
        "isinstance(o, c.Connection): o.send_bytes(b'nonsense')"
    ),
    "endless to look through": "row = [0.0]\nfor _ in range(45): row = [row, row]\nreturn row",
    "leaves programs behind": "import subprocess\nsubprocess.Popen(['sleep', '1000'])\nreturn 1",
    "closes everything": "import os\nos.closerange(0, 1000)\nreturn 1",
    "a hundred megabytes": "import torch\nreturn torch.ones(2 * 10**8, dtype=torch.uint8)",
}  # fmt: skip

PATCH = """
import sys
class Fine:
    passed, status, message = True, "passed", "fine"
    def __repr__(self): return "✓"
for module in [m for name, m in sys.modules.items() if name.startswith("toyutils.exercises")]:
    for name in dir(module):
        if name.startswith(("check_", "compare", "choose", "judge")):
            setattr(module, name, lambda *a, **k: Fine())
"""
SPY = """
import sys
frame = sys._getframe()
while frame:
    for value in list(frame.f_locals.values()):
        if callable(value) and getattr(value, "__name__", "") == "expected": return value(*given)
    frame = frame.f_back
"""


def passes(notebook):
    for part in notebook.cells:
        if grading.name(part).startswith(("check-", "test-")):
            part.source = "print('✓ passed')\n100"
            part.metadata["nbgrader"]["points"] = 1000


# What is done to a notebook without answers; none of it earns a point.
CHEATS = {
    "checks replaced": passes, "toyutils replaced": added(PATCH),
    "toyutils replaced inside": broken(f"pass\n{PATCH}"),
    "replaced beside": lambda n: cell(n, BROKEN).update(
        source=f"def {BROKEN.function}(*given): return 1\n{PATCH}"
    ),
    "looks up the frames": broken(SPY), "prints a pass": added("print('✓ Exercise passed.')", 20),
    "ends the kernel": added("exit()"),
    "equal to anything": broken(
        (
            "class A:\n    __eq__ = lambda s, o: True\n    __float__ = lambda s: float('nan')\n"
            "return A()"
        ),
    ),
}  # fmt: skip
