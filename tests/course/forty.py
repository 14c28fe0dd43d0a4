"""Forty and more ways to hand in an assignment, and what each should score."""

import copy
import csv
import runpy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat

from tools import course, grading, notebooks
from toyutils.exercises import of_notebook

ANSWERS = Path(__file__).parent.parent / "answers"


def small_course(path, folder):
    """Build a course of one assignment; return nbgrader's folder."""
    course.write_forms(path, folder)
    course.write_config(folder / "nbgrader")
    course.release(folder / "nbgrader")
    return folder / "nbgrader"


def read(place, form, name):
    return nbformat.read(place / form / name / f"{name}.ipynb", as_version=4)


def hand_in(place, student, assignment, content):
    """Put a notebook, or bytes, where nbgrader expects what a student handed in."""
    folder = place / "submitted" / student / assignment
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{assignment}.ipynb"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        nbformat.write(content, path)


def scores_by_student(place, name, total=None):
    """Return {student: points} of an assignment in grades.csv; each has one row."""
    with open(place / "grades.csv", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["assignment"] == name]
    scores = {row["student_id"]: float(row["score"]) for row in rows}
    assert len(scores) == len(rows)
    assert total is None or {float(row["max_score"]) for row in rows} == {total}
    return scores


@dataclass
class Assignment:
    """One assignment: its exercises, and its notebook as it is, released, and with answers."""

    path: Path
    right: nbformat.NotebookNode
    released: nbformat.NotebookNode

    def __post_init__(self):
        self.exercises = list(grading.tests(self.path.stem).values())
        self.total = sum(exercise.minutes for exercise in self.exercises)
        # Whatever is broken below is broken in this one.
        self.broken = self.exercises[1]
        self.rest = self.total - self.broken.minutes
        self.patch = PATCH.replace("NOTEBOOK", self.path.name[:2])
        self.answers = runpy.run_path(str(ANSWERS / f"nb{self.path.name[:2]}.py"))

    def mistakes(self, exercise):
        """Return {hint: wrong answer} of what an exercise's check names, where it does."""
        checks = of_notebook(self.path.name[:2])
        judge = getattr(checks, f"check_{exercise.function}").__wrapped__(0)
        return getattr(judge, "mistakes", {})

    def phrases(self, exercise):
        """Return what to read in the messages on wrong answers, in their order."""
        return list(self.mistakes(exercise) or self.answers["WRONG"][exercise.function])

    def cell(self, notebook, exercise, kind="answer"):
        wanted = grading.metadata(kind, exercise)["grade_id"]
        [found] = [cell for cell in notebook.cells if grading.name(cell) == wanted]
        return found

    def kinds(self):
        """Return {student: (what was handed in, points)}; None for what cannot be graded."""
        found = self.right_ones() | self.partly_right() | self.faulty() | self.tampered()
        for k in range(4):
            # Every answer wrong, each with a mistake of its own; the closing questions are right.
            found[f"wrong-{k}"] = self.with_answers("WRONG", k), self.exercises[-1].minutes
        return {s: (self.made(content), points) for s, (content, points) in found.items()} | {
            "not-a-notebook": (b"My answers are in the mail.", None),
            "not-utf-8": (b'{"cells": [], "text": "\xff\xfe"}', None),
            "another-json": (b'{"answers": [1, 2, 3]}', None),
            "a-cell-of-nothing": (b'{"cells": [{}], "metadata": {}, "nbformat": 4}', None),
            "nothing": (b"", None),
            "no-file": (None, None),
            "everything-deleted": (self.made(lambda n: n.cells.clear()), None),
        }

    def made(self, content):
        """Return a notebook, made by an edit of the one that is right."""
        if not isinstance(content, Callable):
            return content
        notebook = copy.deepcopy(self.right)
        content(notebook)
        return notebook

    def right_ones(self):
        """Return what deserves all points, whatever else the notebook holds."""
        first = self.exercises[0]

        def in_a_new_cell(notebook):
            for exercise in self.exercises:
                cell = self.cell(notebook, exercise)
                i = notebook.cells.index(cell)
                notebook.cells.insert(i + 1, nbformat.v4.new_code_cell(cell.source))
                cell.source = self.cell(self.released, exercise).source

        def without_names(notebook):
            for cell in notebook.cells:
                cell.metadata.pop("nbgrader", None)

        def copied(notebook):
            cell = self.cell(notebook, first)
            another = nbformat.v4.new_code_cell(cell.source, metadata=dict(cell.metadata))
            notebook.cells.insert(notebook.cells.index(cell), another)

        def with_other_metadata(notebook):
            for cell in notebook.cells:
                cell.metadata["nbgrader"] = "mine"

        def with_helper(notebook):
            cell = self.cell(notebook, first)
            helper = cell.source.replace(f"def {first.function}(", "def helper(")
            notebook.cells.insert(3, nbformat.v4.new_code_cell(helper))
            cell.source = f"def {first.function}(*given):\n    return helper(*given)"

        def with_another_answer(notebook):
            cell = self.cell(notebook, first)
            self.cell(notebook, self.exercises[1]).source += "\n\n" + cell.source.replace(
                f"def {first.function}(", "def shared("
            )
            cell.source = f"def {first.function}(*given):\n    return shared(*given)"

        def at_top_of_first(text):
            def edit(notebook):
                cell = self.cell(notebook, first)
                cell.source = f"{text}\n{cell.source}"

            return edit

        edits = {
            "right": lambda notebook: None,
            "right-plain": notebooks.filled(notebooks.read(self.path), self.path.name),
            "right-in-a-new-cell": in_a_new_cell,
            "right-without-names": without_names,
            "right-copied": copied,
            "right-with-other-metadata": with_other_metadata,
            "right-with-a-helper": with_helper,
            "right-with-another-answer": with_another_answer,
            "right-by-another-way": self.with_answers("RIGHT", 1),
            "right-with-a-broken-cell": add("1 / 0"),
            "right-with-an-endless-cell": add("while True: pass"),
            "right-with-prints": at_top_of_first("print('x' * 10**6)"),
            "right-with-magic": at_top_of_first("%matplotlib inline\n!ls"),
            "checks-deleted": without("check-"),
            "tests-deleted": without("test-"),
        }
        return {student: (edit, self.total) for student, edit in edits.items()}

    def partly_right(self):
        """Return what lacks one answer, or all."""

        def lacking(exercise):
            def edit(notebook):
                stub = self.cell(self.released, exercise).source
                self.cell(notebook, exercise).source = stub

            return edit

        found = {"empty": (copy.deepcopy(self.released), 0)}
        for exercise in self.exercises:
            name = f"lacks-{exercise.number.replace('.', '-')}"
            found[name] = lacking(exercise), self.total - exercise.minutes
        return found

    def faulty(self):
        """Return what has one answer that fails, each in another way."""

        def answer(body):
            lines = "\n".join(f"    {line}" for line in body.splitlines())

            def edit(notebook):
                source = f"def {self.broken.function}(*given):\n{lines}"
                self.cell(notebook, self.broken).source = source

            return edit

        bodies = {
            "returns-none": "pass",
            "returns-nan": "return float('nan')",
            "returns-an-object": (
                "class Anything:\n    def __eq__(self, o): return True\nreturn Anything()"
            ),
            "syntax-error": "return 1 +",
            "system-exit": "raise SystemExit",
            "exits-at-once": "import os\nos._exit(0)",
            "kills-its-parent": "import os\nos.kill(os.getppid(), 9)",
            "kills-its-group": "import os\nos.killpg(0, 9)",
            "endless": "while True: pass",
            "sleeps": "import time\ntime.sleep(1000)",
            "ten-gigabytes": "import torch\nreturn torch.ones(10 * 2**30 // 4).sum()",
            "fills-the-disk": "open('big', 'w').write('x' * 10**8)\nreturn 1",
            "interrupts": "raise KeyboardInterrupt",
            "recursion": f"return {self.broken.function}(*given)",
        }
        return {student: (answer(body), self.rest) for student, body in bodies.items()}

    def tampered(self):
        """Return what tries to score without an answer, and what lost one."""

        def empty_and(edit):
            notebook = copy.deepcopy(self.released)
            edit(notebook)
            return notebook

        def passes(notebook):
            for cell in notebook.cells:
                if grading.name(cell).startswith(("check-", "test-")):
                    cell.source = "print('✓ passed')\n100"
                    cell.metadata["nbgrader"]["points"] = 1000

        def easier(notebook):
            """Have an answer stand where a harder one belongs, and its test ask for the easier."""
            easy, hard = self.exercises[0], self.broken
            self.cell(notebook, easy).source = self.cell(self.right, easy).source
            test = self.cell(notebook, hard, "test")
            test.source = f"exercises.check_{easy.function}({easy.function})"

        def renamed(notebook):
            cell = self.cell(notebook, self.broken)
            cell.source = cell.source.replace(f"def {self.broken.function}", "def other")

        def deleted(notebook):
            notebook.cells.remove(self.cell(notebook, self.broken))

        inside = f"def {self.broken.function}(*given):\n    pass\n{self.patch}"
        return {
            "checks-replaced": (empty_and(passes), 0),
            "toyutils-replaced": (empty_and(add(self.patch)), 0),
            "toyutils-replaced-inside": (
                empty_and(lambda n: self.cell(n, self.broken).update(source=inside)),
                0,
            ),
            "prints-a-pass": (empty_and(add("print('✓ Exercise passed.')", 20)), 0),
            "ends-the-kernel": (empty_and(add("exit()")), 0),
            "easier-function": (empty_and(easier), self.exercises[0].minutes),
            "answer-deleted": (deleted, self.rest),
            "renamed": (renamed, self.rest),
        }

    def with_answers(self, kind, k):
        """Return an edit that puts the k-th of the right or wrong answers everywhere."""
        text = (ANSWERS / f"nb{self.path.name[:2]}.py").read_text(encoding="utf-8")

        def edit(notebook):
            for exercise in self.exercises[:-1]:
                chosen = f"RIGHT[{exercise.function!r}][{k}]"
                if kind == "WRONG":
                    chosen = f"list(WRONG[{exercise.function!r}].values())[{k}]"
                if kind == "WRONG" and self.mistakes(exercise):
                    name = f"toyutils.exercises.nb{self.path.name[:2]}"
                    check = f"__import__('{name}', fromlist=['x']).check_{exercise.function}"
                    chosen = f"list({check}.__wrapped__(0).mistakes.values())[{k}]"
                self.cell(notebook, exercise).source = (
                    f"def {exercise.function}(*given):\n"
                    f"    return chosen(*given)\n"
                    f"names = {{}}\n"
                    f"exec({text + f'{chr(10)}chosen = {chosen}'!r}, names)\n"
                    f"chosen = names['chosen']"
                )

        return edit


PATCH = """
import toyutils.exercises, builtins
exercises = toyutils.exercises.of_notebook("NOTEBOOK")
class Fine:
    passed, status, message = True, "passed", "fine"
    def __repr__(self): return "✓"
for name in dir(exercises):
    if name.startswith("check_"):
        setattr(exercises, name, lambda *a, **k: Fine())
get_ipython().showtraceback = lambda *a, **k: None
"""


def add(text, place=3):
    return lambda notebook: notebook.cells.insert(place, nbformat.v4.new_code_cell(text))


def without(prefix):
    def edit(notebook):
        notebook.cells = [c for c in notebook.cells if not grading.name(c).startswith(prefix)]

    return edit
