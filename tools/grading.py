"""Grade answers in nbgrader without believing what a submitted notebook says of itself.

nbgrader would run a submitted notebook and believe its test cells. Here only each answer and what
it needs are taken from it (toyutils/exercises/alone.py) and judged by our check, with seeds that
learners do not see, in one limited process per student (tools/runner.py). That process runs in
`bwrap` where it is installed and works: then it sees no network and no other process, and writes
only in a folder of its own. Nothing that Python or toyutils may need is hidden.

Before anybody is graded, a reference answer and a wrong one of every exercise are judged in the
same way: a grader that is at fault stops and gives no grades.
"""

import ast
import functools
import html
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import textwrap
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass

import nbformat
from nbconvert.exporters import HTMLExporter
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Bool, Integer

from tools import notebooks
from toyutils.exercises import alone

SEEDS = (1002, 1005)  # those of the visible checks are 0
UNLIMITED: set[str] = set()  # what this system refuses to limit
_ENDED = (
    "The answer ended the process that judged it (exit, too much memory), or what it returned kept "
    "the check busy without end."
)
_WRONG = """

_reference = {function}
def {function}({arguments}):
    import torch
    result = _reference({names})
    if isinstance(result, str):
        return "".join(chr(ord("a") + (ord(letter) - ord("a") + 1) % 3) for letter in result)
    spoil = lambda part: 0 * torch.as_tensor(part).double() + 0.123
    return tuple(map(spoil, result)) if isinstance(result, tuple) else spoil(result)
"""


class GraderError(Exception):
    """Says why grading stopped: the grader is at fault, or cannot work on this system."""


@dataclass(frozen=True)
class Limits:
    """What an answer may take: seconds of processor time, and megabytes of memory.

    It may wait, on a busy machine say, `patience` times as long. `sandbox`: use bwrap if it works.
    """

    seconds: int = 30
    megabytes: int = 4000
    patience: int = 10
    sandbox: bool = True


@dataclass(frozen=True)
class Verdict:
    """Whether an answer is right, and what to tell the learner.

    `checked`: the check reached a verdict; `fault`: no answer is to blame for what went wrong.
    """

    passed: bool
    message: str
    fault: bool = False
    checked: bool = False


_JUDGED: dict[tuple, list[Verdict]] = {}


def verdicts(students: list[tuple], limits: Limits) -> list[list[Verdict]]:
    """Return the verdicts on each student's answers. Students are judged side by side."""
    new = [tasks for tasks in dict.fromkeys(students) if (tasks, limits) not in _JUDGED]
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # a thread only waits for its process
        for tasks, judged in zip(new, pool.map(lambda t: judge(t, limits), new), strict=True):
            _JUDGED[tasks, limits] = judged
    return [_JUDGED[tasks, limits] for tasks in students]


def judge(tasks: tuple, limits: Limits) -> list[Verdict]:
    """Judge one student's answers in one process; start another after one that an answer ended."""
    judged, n_tries = {}, 0
    for i, task in enumerate(tasks):
        if task.source is None:
            judged[i] = Verdict(False, f"No cell defines `{task.function}`.")
    while todo := [i for i in range(len(tasks)) if i not in judged]:
        lines, error = _run([tasks[i] for i in todo], limits)
        ready = [line for line in lines if "ready" in line]
        UNLIMITED.update(name for line in ready for name in line["unlimited"])
        complete = [Verdict(**line) for line in lines if "passed" in line]
        judged.update(zip(todo, complete, strict=False))
        if {"began": len(complete)} in lines:
            judged[todo[len(complete)]] = Verdict(False, _ENDED)
        n_tries = n_tries + 1 if todo[0] not in judged else 0
        if n_tries > 1:  # what an answer left behind may have ended it once
            reason = f"The process for answers ended before any answer ran:\n{error[-2000:]}"
            judged |= {i: Verdict(False, reason, fault=True) for i in todo}
    return [judged[i] for i in range(len(tasks))]


def _run(tasks: list, limits: Limits) -> tuple[list[dict], str]:
    """Run the process for a student's answers; return what it said, in lines, and its errors."""
    job = {"tasks": [asdict(task) for task in tasks], "limits": asdict(limits), "seeds": SEEDS}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        process = subprocess.Popen(
            [*(_bwrap(folder) if limits.sandbox and sandbox_works() else []),
             sys.executable, "-P", "-m", "tools.runner"],
            cwd=folder, env=_environment(folder), start_new_session=True, encoding="utf-8",
            errors="replace", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        try:
            output, errors = process.communicate(
                json.dumps(job), len(tasks) * limits.patience * (limits.seconds + 60)
            )
        except subprocess.TimeoutExpired:
            _end(process)
            output, errors = process.communicate()
        finally:
            _end(process)
    with suppress(ValueError):  # the last line may be cut off
        lines = []
        for line in output.splitlines():
            lines.append(json.loads(line))
    return lines, errors


def _end(process) -> None:
    """End a process and what it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _environment(folder: str) -> dict[str, str]:
    paths = [str(notebooks.ROOT), os.environ.get("PYTHONPATH", "")]
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)), "TMPDIR": folder,
        "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "",  # torch forks only without CUDA
        "OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES",
    }  # fmt: skip


def _bwrap(folder: str) -> list[str]:
    # All files stay where they are, read-only. /dev is not replaced: an environment may lie there.
    readable = "--ro-bind / / --dev-bind /dev/null /dev/null --dev-bind /dev/urandom /dev/urandom"
    return ["bwrap", *["--unshare-all", "--die-with-parent", "--proc", "/proc"], *readable.split(),
            "--bind", folder, folder, "--chdir", folder]  # fmt: skip


@functools.cache
def sandbox_works() -> bool:
    """Tell whether bwrap is installed and allowed to do its work."""
    with tempfile.TemporaryDirectory() as folder, suppress(OSError):
        probe = [*_bwrap(folder), sys.executable, "-c", "open('probe', 'w')"]
        return subprocess.run(probe, capture_output=True, check=False).returncode == 0
    return False


@functools.cache
def rehearse(assignment: str, limits: Limits) -> None:
    """Judge a reference answer and a wrong one of every exercise, as a class's answers are judged.

    Raises GraderError if either comes out wrong: then nobody should be graded.
    """
    if os.name != "posix":
        raise GraderError("Grading needs Linux or macOS: on Windows, run this command inside WSL.")
    path = notebook_path(assignment)
    reference = list(tasks(notebooks.filled(notebooks.read(path), path.name), assignment).values())
    [judged] = verdicts([(*reference, *map(_spoiled, reference))], limits)
    right, wrong = judged[: len(reference)], judged[len(reference) :]
    for task, *pair in zip(reference, right, wrong, strict=True):
        good = pair[0].passed, pair[1].checked and not pair[1].passed
        for kind, verdict, is_good in zip(("reference", "wrong"), pair, good, strict=True):
            if not is_good:
                raise GraderError(
                    f"The grader is at fault, and nobody was graded: the {kind} answer to "
                    f"`{task.function}` came out as\n{verdict.message}"
                )


def _spoiled(task):
    [*_, function] = [
        n for n in ast.parse(task.source).body if getattr(n, "name", "") == task.function
    ]
    names = ", ".join(argument.arg for argument in function.args.args)
    more = _WRONG.format(function=task.function, arguments=ast.unparse(function.args), names=names)
    return alone.Task(**asdict(task) | {"source": task.source + more})


def notebook_path(assignment: str):
    """Return the path of an assignment's notebook, ours."""
    [path] = [path for path in notebooks.notebook_paths() if path.stem == assignment]
    return path


def tasks(notebook, assignment: str) -> dict:
    """Return {name of a hidden test: the answer to judge} for a submitted notebook."""
    cells = [_python(cell.source) for cell in notebook.cells if cell.cell_type == "code"]
    return {test: alone.task(cells, *call) for test, (_, *call) in checks(assignment).items()}


def tests(assignment: str) -> dict[str, notebooks.Exercise]:
    """Return {name of a hidden test: its exercise}, from our notebooks alone."""
    return {test: exercise for test, (exercise, *_) in checks(assignment).items()}


@functools.cache
def checks(assignment: str) -> dict:
    """Return {name of a hidden test: (its exercise, the check's call, what that call imports)}."""
    path = notebook_path(assignment)
    notebook = notebooks.read(path)
    code = "\n".join(_python(c.source) for c in notebook.cells if c.cell_type == "code")
    imports = [n for n in ast.parse(code).body if isinstance(n, ast.ImportFrom)]
    calls = {}
    for exercise in notebooks.exercises(notebook, path.name):
        call = notebook.cells[exercise.check].source.strip()
        root = call.partition(".")[0]
        [line] = {
            f"from {node.module} import {alias.name} as {root}"
            for node in imports for alias in node.names if root == (alias.asname or alias.name)
        }  # fmt: skip
        calls[metadata("test", exercise)["grade_id"]] = exercise, call, line
    return calls


def _python(source: str) -> str:
    """Return a cell's source in plain Python: what only IPython understands becomes a call.

    That call fails where answers run, and only it. A cell that is timed or silenced as a whole is
    what it holds; one under another cell magic is no Python.
    """
    from IPython.core.inputtransformer2 import TransformerManager

    source = re.sub(r"\A\s*%%(time|timeit|capture)\b.*\n", "", source)
    if source.lstrip().startswith("%%"):
        return ""
    try:
        return TransformerManager().transform_cell(source).rstrip("\n")
    except Exception:  # of a cell that is not Python either
        return source


def metadata(kind: str, exercise) -> dict:
    """Return nbgrader's metadata of an exercise's "answer", "check" or "test"."""
    entries = dict(
        grade_id=f"{kind}-{exercise.number.replace('.', '-')}",  # no dots are allowed
        solution=kind == "answer", locked=kind != "answer", grade=kind == "test", task=False,
        schema_version=3,
    )  # fmt: skip
    return entries | {"points": exercise.minutes} if kind == "test" else entries


def name(cell) -> str:
    """Return nbgrader's name of a cell, or nothing."""
    entries = cell.metadata.get("nbgrader")
    grade_id = entries.get("grade_id") if isinstance(entries, dict) else None
    return grade_id if isinstance(grade_id, str) else ""


class MendCells(NbGraderPreprocessor):
    """Give nbgrader the cells it expects, whatever became of them while the learner worked.

    A cell that was copied keeps its name in one place only, the last; a check in which an answer
    was written has none, since nbgrader would write over it; a hidden test that is missing comes
    back below the answer. What else stands in nbgrader's metadata is ours again. Stands in
    nbgrader's list of sanitizing steps for `DeduplicateIds`, after which a copy is refused.
    """

    def preprocess(self, notebook, resources):
        """Return the mended notebook and the resources, as every preprocessor does."""
        exercises = list(tests(resources["nbgrader"]["assignment"]).values())
        kinds = itertools.product(("answer", "check", "test"), exercises)
        names = {entries["grade_id"]: entries for entries in itertools.starmap(metadata, kinds)}
        code = [_python(c.source) if c.cell_type == "code" else "" for c in notebook.cells]
        answers = [
            any(alone.own_cell([source], e.function) is not None for e in exercises)
            for source in code
        ]
        for cell, is_answer in reversed(list(zip(notebook.cells, answers, strict=True))):
            is_fit = name(cell).startswith("answer-") or not is_answer
            entries = names.pop(name(cell), None) if is_fit and cell.cell_type == "code" else None
            cell.metadata.pop("nbgrader", None)
            if entries:
                cell.metadata["nbgrader"] = entries
        for exercise in reversed(exercises):
            entries = metadata("test", exercise)
            if entries["grade_id"] in names:
                own = alone.own_cell(code, exercise.function)
                place = len(notebook.cells) if own is None else own + 1
                cell = nbformat.v4.new_code_cell(metadata={"nbgrader": entries})
                notebook.cells.insert(place, cell)
                code.insert(place, "")
        return notebook, resources


class GradeAnswers(NbGraderPreprocessor):
    """Put into each hidden test's output what the answer to its exercise earned.

    Stands in nbgrader's list of autograding steps where `Execute` stands by default.
    """

    seconds = Integer(30, help="processor time that the answer to one exercise may take").tag(
        config=True
    )
    patience = Integer(10, help="how many times as long it may wait").tag(config=True)
    megabytes = Integer(4000, help="memory that an answer may take").tag(config=True)
    sandbox = Bool(True, help="whether answers run in bwrap, if it works here").tag(config=True)

    @property
    def limits(self) -> Limits:
        """What an answer may take."""
        return Limits(self.seconds, self.megabytes, self.patience, self.sandbox)

    def preprocess(self, notebook, resources):
        """Grade one notebook; return it and the resources, as every preprocessor does.

        Where the grader is at fault, the submission is forgotten: no grade is better than a wrong.
        """
        where = resources["nbgrader"]
        answers = tasks(notebook, where["assignment"])
        try:
            rehearse(where["assignment"], self.limits)
            [judged] = verdicts([tuple(answers.values())], self.limits)
            for verdict in judged:
                if verdict.fault:
                    raise GraderError(verdict.message)
        except GraderError:
            with Gradebook(where["db_url"]) as gradebook:
                gradebook.remove_submission(where["assignment"], where["student"])
            raise
        judged = dict(zip(answers, judged, strict=True))
        for cell in notebook.cells:
            if name(cell) in judged:
                exercise = tests(where["assignment"])[name(cell)]
                self.log.info("%s: %s", name(cell), judged[name(cell)].message)
                # What stood here goes on to the learner, who need not know the seeds.
                cell.source = "# The check above, with other seeds and other sizes."
                cell.metadata["exercise"] = f"Exercise {exercise.number} · {exercise.title}"
                cell.outputs = [_output(judged[name(cell)])]
        return notebook, resources


def _output(verdict: Verdict):
    """Return a verdict as nbgrader reads it: an error costs the points. Lines are short."""
    lines = [part for line in verdict.message.splitlines() for part in textwrap.wrap(line, 90)]
    if verdict.passed:
        return nbformat.v4.new_output("stream", text="\n".join(lines))
    return nbformat.v4.new_output(
        "error", ename="NotRightYet", evalue=verdict.message, traceback=lines
    )


class FeedbackPage(HTMLExporter):
    """nbgrader's feedback page, with a language, and exercises' names in place of "Test cell"."""

    def from_notebook_node(self, notebook, resources=None, **options):
        """Return the page and the resources, as every exporter does."""
        page, resources = super().from_notebook_node(notebook, resources, **options)
        page = page.replace("<html>", '<html lang="en">', 1)
        for cell in notebook.cells:
            title = html.escape(cell.metadata.get("exercise", ""))
            if title:
                link = f'<a href="#{name(cell)}">'
                page = page.replace(f"{link}Test cell</a>", f"{link}{title}</a>")
                page = page.replace(f"Grade cell: <code>{name(cell)}</code>", title)
        return page, resources
