"""Grade answers in nbgrader without ever running a learner's code where the verdict is made.

nbgrader would run a submitted notebook from top to bottom and believe what its test cells say. A
notebook that replaces a check, hides its errors or ends its kernel could then grade itself. Here
only the source of each answer is taken from the submission and run in a process of its own, as
tools/answers.py describes. The check, from this project and with seeds that learners do not see,
runs in another process. Answers are judged side by side on all cores.
"""

import ast
import copy
import functools
import json
import os
import re
import resource
import textwrap
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass

import nbformat
import torch
from IPython.core.inputtransformer2 import TransformerManager
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Bool, Integer

from tools import answers, notebooks
from tools.answers import Limits, Task
from toyutils import exercises

SEEDS = (1002, 1005)  # those of the visible checks are 0
_LONGEST_CELL = 100_000  # characters; parsing a longer one would hold up everybody
_CHECK_SECONDS = 60  # wall time for the check's own work; the slowest takes two on one core


@dataclass(frozen=True)
class Verdict:
    """Whether an answer is right, and what to tell the learner.

    `fault`: the check itself went wrong, so that the answer is not to blame.
    """

    passed: bool
    message: str
    fault: bool = False


_KNOWN: dict[tuple[Task, Limits], Verdict] = {}  # the same answer need not be judged twice


def verdicts(tasks: list[Task], limits: Limits) -> list[Verdict]:
    """Return the verdict on each task. They are judged side by side, one on each core."""
    new = [task for task in dict.fromkeys(tasks) if (task, limits) not in _KNOWN]
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # a thread only waits for its two processes
        for task, verdict in zip(new, pool.map(lambda t: judge(t, limits), new), strict=True):
            _KNOWN[task, limits] = verdict
    return [_KNOWN[task, limits] for task in tasks]


def judge(task: Task, limits: Limits) -> Verdict:
    """Judge one answer in processes of its own: one for the answer, one for the check."""
    if task.source is None:
        return Verdict(False, f"No cell defines `{task.function}`.")
    ours, theirs = answers.SERVER.Pipe(duplex=False)
    with answers.running(task, limits) as connection:
        process = answers.start(_judge, theirs, connection, task, limits)
        theirs.close()
        try:
            if ours.poll(limits.seconds + _CHECK_SECONDS):
                return Verdict(*json.loads(ours.recv_bytes()))
            return Verdict(False, "What the answer returned kept the check busy without end.")
        except EOFError:
            return Verdict(False, "The process that judged the answer was ended.", fault=True)
        finally:
            ours.close()
            process.join(1)
            process.kill()


def _judge(results, connection, task: Task, limits: Limits) -> None:
    """Send a verdict, or what went wrong here."""
    # What comes back from an answer could be large enough to take all memory.
    resource.setrlimit(resource.RLIMIT_AS, (2 * limits.megabytes * 2**20,) * 2)
    torch.set_num_threads(1)  # the other cores judge other answers
    try:
        verdict = _verdict(task, answers.Answer(task, connection, limits))
    except Exception:
        verdict = Verdict(False, f"The check failed:\n{traceback.format_exc()}", fault=True)
    # Plain text: whoever should get hold of this end can make no object at the other.
    results.send_bytes(json.dumps(astuple(verdict)).encode())


def _verdict(task: Task, answer) -> Verdict:
    check = getattr(exercises.of_notebook(task.notebook), f"check_{task.function}")
    for seed in SEEDS:
        try:
            result = check(answer, seed=seed)
        except Exception as error:  # an answer that no check foresaw: no points, no crash
            return Verdict(False, _clean(f"The check stopped: {type(error).__name__}: {error}"))
        if answer.ended:
            return Verdict(False, answer.ended)
        if not result.passed:
            return Verdict(False, _clean(str(result)) + _unseen_name(str(result)))
    return Verdict(True, _clean(str(result)))


def _clean(text: str) -> str:
    """Return text that any file can hold: half characters (surrogates) become question marks."""
    return text.encode("utf-8", "replace").decode()


def _unseen_name(message: str) -> str:
    """Return what to add to a message about a name that only a running notebook would know."""
    if "NameError: name" not in message:
        return ""
    return (
        "\nAn answer is graded without the variables that other cells compute. Import what it "
        "needs, or compute it inside."
    )


def tasks(notebook, assignment: str) -> dict[str, Task]:
    """Return {name of a hidden test: the answer to judge} for a submitted notebook.

    A function's answer is the last cell that defines it, as when all cells are run: learners
    write below the cell that was meant, and some editors lose nbgrader's names of cells.
    """
    code = [
        cell
        for cell in notebook.cells
        if cell.cell_type == "code" and len(cell.source) <= _LONGEST_CELL
    ]
    defined = [_definitions(cell) for cell in code]
    found = {}
    for test, exercise in tests(assignment).items():
        own = _place(code, exercise)
        source = None if own is None else _python(code[own].source)
        elsewhere = {
            known: text
            for i, definitions in enumerate(defined)
            for known, text in (definitions or {}).items()
            if i != own
        }
        helpers = _needed(source or "", elsewhere)
        found[test] = Task(exercise.function, source, helpers, notebook=assignment[:2])
    return found


def _needed(source: str, elsewhere: dict[str, str]) -> tuple[str, ...]:
    """Return those of the definitions that a source uses, or that one of these uses in turn."""
    needed, todo = {"*"}, [source]
    while todo:
        try:
            used = {node.id for node in ast.walk(ast.parse(todo.pop())) if hasattr(node, "id")}
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        new = (used & elsewhere.keys()) - needed
        needed |= new
        todo += [elsewhere[known] for known in new]
    return tuple(text for known, text in elsewhere.items() if known in needed)


def _place(cells, exercise) -> int | None:
    """Return the place of the last cell that defines an exercise's function; None without one."""
    found = [i for i, cell in enumerate(cells) if _is_answer(cell, exercise)]
    return found[-1] if found else None


def _is_answer(cell, exercise) -> bool:
    if cell.cell_type != "code" or name(cell).startswith(("check-", "test-")):
        return False
    if name(cell) == metadata("answer", exercise)["grade_id"]:
        return True
    tree = _tree(cell.source)
    if tree is None:  # not Python: it may still have been meant
        return bool(re.search(rf"^[ \t]*def {exercise.function}\b", cell.source, re.MULTILINE))
    return any(
        exercise.function in (getattr(node, "name", ""), getattr(node, "id", ""))
        and not isinstance(getattr(node, "ctx", None), ast.Load)
        for node in ast.walk(tree)
    )


def _definitions(cell) -> dict[str, str] | None:
    """Return {name: source} of what a cell imports, defines, or sets without calling anything.

    Answers may use these. Nothing else of a cell runs, so that grading takes no training. Returns
    None for a cell that is not Python.
    """
    tree = _tree(cell.source)
    found = {}
    try:
        for node in tree.body if tree else ():
            found |= _bound(node)
    except (ValueError, RecursionError, MemoryError):  # too deep, or too long a number, to write
        return None
    return found if tree else None


@functools.lru_cache(maxsize=256)  # every exercise asks for every cell of a notebook
def _tree(source: str) -> ast.Module | None:
    """Return the syntax tree of a cell, to be read only; None for one that is not Python."""
    try:
        return ast.parse(_python(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # ValueError: a null byte
        return None


def _bound(node) -> dict[str, str]:
    """Return {name: source} of what one statement imports, defines, or sets cheaply."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name: ast.unparse(node)}
    found = {}
    if isinstance(node, ast.Import | ast.ImportFrom):
        for alias in node.names:
            one = copy.copy(node)
            one.names = [alias]
            found[(alias.asname or alias.name).partition(".")[0]] = ast.unparse(one)
    elif isinstance(node, ast.Assign | ast.AnnAssign) and _is_cheap(node.value):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in (part for whole in targets for part in ast.walk(whole)):
            if isinstance(target, ast.Name):
                found[target.id] = ast.unparse(node)
    return found


def _is_cheap(value) -> bool:
    """Tell whether a value is put together without calling anything, as `1 / 2` or a lambda."""
    if isinstance(value, ast.Lambda):
        return True
    costly = ast.Call | ast.Await | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
    return value is not None and not any(isinstance(node, costly) for node in ast.walk(value))


def _python(source: str) -> str:
    """Return a cell's source in plain Python: what only IPython understands becomes a call.

    That call fails where answers run, and only it. A cell that is timed or silenced as a whole is
    what it holds; one under another cell magic is no Python.
    """
    source = re.sub(r"\A\s*%%(time|timeit|capture)\b.*\n", "", source)
    if source.lstrip().startswith("%%"):
        return ""
    try:
        return TransformerManager().transform_cell(source).rstrip("\n")
    except Exception:  # of a cell that is not Python either
        return source


@functools.cache
def tests(assignment: str) -> dict[str, notebooks.Exercise]:
    """Return {name of a hidden test: its exercise}, from our notebooks alone."""
    [path] = [path for path in notebooks.notebook_paths() if path.stem == assignment]
    found = notebooks.exercises(notebooks.read(path), path.name)
    return {metadata("test", exercise)["grade_id"]: exercise for exercise in found}


def metadata(kind: str, exercise) -> dict:
    """Return nbgrader's metadata of an exercise's "answer", "check" or "test"."""
    found = dict(
        grade_id=f"{kind}-{exercise.number.replace('.', '-')}",  # no dots are allowed
        solution=kind == "answer", locked=kind != "answer", grade=kind == "test", task=False,
        schema_version=3,
    )  # fmt: skip
    return found | {"points": exercise.minutes} if kind == "test" else found


def name(cell) -> str:
    """Return nbgrader's name of a cell, or nothing."""
    found = cell.metadata.get("nbgrader")
    told = found.get("grade_id") if isinstance(found, dict) else None
    return told if isinstance(told, str) else ""


class MendCells(NbGraderPreprocessor):
    """Give nbgrader the cells it expects, whatever became of them while the learner worked.

    A cell that was copied keeps its name in one place only, the last; a hidden test that is
    missing comes back; what else stands in nbgrader's metadata is ours again. Stands in nbgrader's
    list of sanitizing steps in place of `DeduplicateIds`, after which a copied cell is refused.
    """

    def preprocess(self, notebook, resources):
        """Return the mended notebook and the resources, as every preprocessor does."""
        missing = {
            told["grade_id"]: told
            for exercise in tests(resources["nbgrader"]["assignment"]).values()
            for told in (metadata(kind, exercise) for kind in ("answer", "check", "test"))
        }
        for cell in reversed(notebook.cells):
            told = missing.pop(name(cell), None)
            cell.metadata.pop("nbgrader", None)
            if told:
                cell.metadata["nbgrader"] = told
        for test, exercise in tests(resources["nbgrader"]["assignment"]).items():
            if test in missing:  # below the answer, where the learner will look
                cell = nbformat.v4.new_code_cell(metadata={"nbgrader": missing[test]})
                own = _place(notebook.cells, exercise)
                notebook.cells.insert(len(notebook.cells) if own is None else own + 1, cell)
        return notebook, resources


class GradeAnswers(NbGraderPreprocessor):
    """Put into each hidden test's output what the answer to its exercise earned.

    Stands in nbgrader's list of autograding steps where `Execute` stands by default.
    """

    seconds = Integer(30, help="wall time that the answer to one exercise may take").tag(
        config=True
    )
    megabytes = Integer(4000, help="memory that an answer may take").tag(config=True)
    shut_in = Bool(
        True, help="whether answers run without other processes and network, where possible"
    ).tag(config=True)

    @property
    def limits(self) -> Limits:
        """What an answer may take."""
        return Limits(self.seconds, self.megabytes, self.shut_in)

    def preprocess(self, notebook, resources):
        """Grade one notebook; return it and the resources, as every preprocessor does."""
        wanted = tasks(notebook, resources["nbgrader"]["assignment"])
        came = dict(zip(wanted, verdicts(list(wanted.values()), self.limits), strict=True))
        for cell in notebook.cells:
            if name(cell) in came:
                verdict = came[name(cell)]
                self.log.info("%s: %s", name(cell), verdict.message)
                # What stood here goes on to the learner, who need not know the seeds.
                cell.source = "# The check above, with other seeds and other sizes."
                cell.outputs = [_output(verdict)]
        return notebook, resources


def _output(verdict: Verdict):
    """Return a verdict as nbgrader reads it: an error costs the points. Lines are short."""
    lines = [part for line in verdict.message.splitlines() for part in textwrap.wrap(line, 90)]
    if verdict.passed:
        return nbformat.v4.new_output("stream", text="\n".join(lines))
    return nbformat.v4.new_output(
        "error", ename="NotRightYet", evalue=verdict.message, traceback=lines
    )
