"""Grade answers in nbgrader without ever running a learner's code where the verdict is made.

nbgrader would run a submitted notebook from top to bottom and believe what its test cells say. A
notebook that replaces a check, hides its errors or ends its kernel could then grade itself. Here
only the source of each answer is taken from the submission. It runs in a process of its own, with
limits on time and memory, which receives arguments and returns plain numbers and tensors. The
check itself, from this project and with seeds that learners do not see, runs in the process of
the grader.

That stops tricks inside a notebook. It is no prison: an answer could still read files that the
grader's user may read. Where that matters, run the grader in a container.
"""

import ast
import builtins
import functools
import io
import os
import resource
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import Parameter, Signature
from multiprocessing import get_context
from pathlib import Path

import cloudpickle
import nbformat
import numpy as np
import torch
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Integer

from tools import notebooks
from toyutils import exercises

# The server that forks our workers imports this module once for all of them. It is told where
# by the environment: it does not take over sys.path.
_ROOT = str(Path(__file__).resolve().parent.parent)
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [_ROOT, os.environ.get("PYTHONPATH")]))

_FORKSERVER = get_context("forkserver")
_FORKSERVER.set_forkserver_preload(["__main__", "tools.grading"])

SEEDS = (1001, 1002)  # those of the visible checks are 0
_ENDED = "The answer ended its process (exit, or too much memory)."


@dataclass(frozen=True)
class Verdict:
    """Whether an answer is right, and what to tell the learner."""

    passed: bool
    message: str


class GradeAnswers(NbGraderPreprocessor):
    """Put into each hidden test's output what the answer above it earned.

    Stands in nbgrader's list of autograding steps where `Execute` stands by default.
    """

    seconds = Integer(30, help="wall time that the answer to one exercise may take").tag(
        config=True
    )
    megabytes = Integer(4000, help="memory that an answer may take").tag(config=True)

    def preprocess(self, notebook, resources):
        """Grade one notebook; return it and the resources, as every preprocessor does."""
        helpers = definitions(notebook)
        answers = {name(cell): cell.source for cell in notebook.cells if name(cell)}
        tests = [cell for cell in notebook.cells if name(cell) in functions()]

        def verdict(cell):
            source = answers.get(name(cell).replace("test-", "answer-", 1))
            return self.judge(functions()[name(cell)], source, helpers)

        with ThreadPoolExecutor(os.cpu_count()) as pool:  # each waits for a process of its own
            for cell, came in zip(tests, pool.map(verdict, tests), strict=True):
                self.log.info("%s: %s", name(cell), came.message)
                stream = nbformat.v4.new_output("stream", text=f"{came.message}\n")
                cell.outputs = [stream] if came.passed else [_failure(came.message)]
        return notebook, resources

    def judge(self, function: str, source: str | None, helpers: list[str]) -> Verdict:
        """Return the verdict on the answer `source`, which should define `function`."""
        if source is None:
            return Verdict(False, "The cell of the answer was deleted.")
        check = getattr(exercises, f"check_{function}")
        with answering(
            [*helpers, source], function, self.seconds, self.megabytes * 2**20
        ) as answer:
            for seed in SEEDS:
                try:
                    result = check(answer, seed=seed)
                except Exception as error:  # an answer that no check foresaw: no points, no crash
                    return Verdict(False, f"The check stopped: {type(error).__name__}: {error}")
                if answer.ended:
                    return Verdict(False, answer.ended)
                if not result.passed:
                    return Verdict(False, str(result))
        return Verdict(True, str(result))


@functools.cache
def functions() -> dict[str, str]:
    """Return {name of a hidden test: the function it is about}, from our notebooks alone."""
    return {
        cell_name("test", exercise): exercise.function
        for path in notebooks.notebook_paths()
        for exercise in notebooks.exercises(notebooks.read(path), path.name)
    }


def cell_name(kind: str, exercise) -> str:
    """Return the name of an exercise's "answer", "check" or "test"; nbgrader allows no dots."""
    return f"{kind}-{exercise.number.replace('.', '-')}"


def name(cell) -> str:
    """Return nbgrader's name of a cell, or nothing."""
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


def definitions(notebook) -> list[str]:
    """Return the imports, functions and classes that a notebook's other cells define.

    Answers may use them. Nothing else of these cells runs, so that grading takes no training.
    """
    found = []
    for cell in notebook.cells:
        if cell.cell_type != "code" or cell.metadata.get("nbgrader"):
            continue
        source = "\n".join("" if line.lstrip()[:1] in ("%", "!") else line
                           for line in cell.source.splitlines())  # fmt: skip
        try:
            body = ast.parse(source).body
        except SyntaxError:
            continue
        kept = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef
        found += [ast.unparse(node) for node in body if isinstance(node, kept)]
    return found


class _Answer:
    """The learner's function, as the check sees it: it lives in another process."""

    def __init__(self, function: str, connection, seconds: float):
        self.__name__ = function
        self._connection = connection
        self._deadline = time.monotonic() + seconds
        self._seconds = seconds
        self.ended = ""  # why no further call can be made

    def __call__(self, *arguments):
        if self.ended:
            raise RuntimeError(self.ended)
        try:
            self._connection.send_bytes(cloudpickle.dumps(arguments))
            kind, content, changed = self._receive()
        except (EOFError, OSError):
            self.ended = _ENDED
            raise RuntimeError(self.ended) from None
        for ours, theirs in zip(arguments, changed, strict=False):
            _copy_back(ours, theirs)
        if kind == "error":
            raise _exception(*content)
        return content

    def signature(self):
        """Return what the worker says about the function: its parameters, or an error."""
        try:
            kind, content, _ = self._receive()
            return (kind, _signature(content)) if kind == "signature" else (kind, tuple(content))
        except (EOFError, OSError):
            self.ended = _ENDED
        except Exception as error:  # whatever a worker may send instead
            self.ended = self.ended or f"The answer sent nonsense: {type(error).__name__}."
        return "error", ("RuntimeError", self.ended)

    def _receive(self):
        if not self._connection.poll(max(0, self._deadline - time.monotonic())):
            self.ended = f"The answer took more than {self._seconds} s."
            raise RuntimeError(self.ended)
        data = self._connection.recv_bytes(100_000_000)
        # Only tensors and plain values come through; a crafted object cannot.
        kind, content, changed = torch.load(io.BytesIO(data), weights_only=True)
        return kind, _unpacked(content), [_unpacked(part) for part in changed]


def _started(arguments, attempts=3):
    """Start a worker; if an answer has just killed the server, the next attempt starts another."""
    worker = _FORKSERVER.Process(target=_work, args=arguments, daemon=True)
    try:
        worker.start()
    except (OSError, EOFError):
        if attempts == 1:
            raise
        return _started(arguments, attempts - 1)
    return worker


@contextmanager
def answering(sources: list[str], function: str, seconds: float, memory: int):
    """Start a process that runs `sources` and answers calls of `function`; end it afterwards."""
    here, there = _FORKSERVER.Pipe()
    worker = _started((there, sources, function, seconds, memory))
    there.close()
    # Should the worker neither answer nor listen, this ends it, and with it our waiting.
    alarm = threading.Timer(seconds + 2, _end, [worker])
    alarm.start()
    try:
        answer = _Answer(function, here, seconds)
        kind, content = answer.signature()
        if kind == "error":
            failed = _exception(*content)

            def fail(*arguments):
                raise failed

            fail.ended = answer.ended
            yield fail
        else:
            answer.__signature__ = content
            yield answer
    finally:
        alarm.cancel()
        here.close()
        _end(worker)
        worker.join()


def _end(worker) -> None:
    """End a worker, with whatever it has started."""
    try:
        os.killpg(worker.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        worker.kill()


def _work(connection, sources: list[str], function: str, seconds: int, memory: int) -> None:
    """Run the learner's sources, then answer calls until the other side is gone."""
    os.setsid()
    # The grader ends us in time; should it be gone, the limit on processor time does.
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 2))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))
    torch.set_num_threads(1)
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - until the process ends
    names = {"__name__": "__main__"}
    try:
        for source in sources:
            try:
                exec(compile(source, "<answer>", "exec"), names)
            except ImportError:  # of a helper cell; the answer may not need it
                if source is sources[-1]:
                    raise
        told = names.get(function)
        if not callable(told):
            raise NameError(f"the answer defines no function `{function}`")
        parameters = list(told.__code__.co_varnames[: told.__code__.co_argcount])
        _send(connection, "signature", parameters)
    except BaseException as error:
        _send(connection, "error", _told(error))
        return
    while True:
        try:
            arguments = cloudpickle.loads(connection.recv_bytes())
        except (EOFError, OSError):
            return
        try:
            result = told(*arguments)
            _send(connection, "result", result, arguments)
        except BaseException as error:
            _send(connection, "error", _told(error), arguments)


def _send(connection, kind, content, arguments=()) -> None:
    buffer = io.BytesIO()
    changed = [_packed(a if isinstance(a, torch.Tensor | np.ndarray) else None) for a in arguments]
    torch.save((kind, _packed(content), changed), buffer)
    connection.send_bytes(buffer.getvalue())


def _packed(value):
    """Return `value` in tensors and plain values only, each with what it was."""
    if isinstance(value, torch.Tensor):
        return "tensor", value.detach().cpu().clone()
    if isinstance(value, np.ndarray | np.generic):
        try:
            return "array", torch.from_numpy(np.array(value))
        except TypeError:
            return "other", type(value).__name__
    if isinstance(value, list | tuple):
        return type(value).__name__, [_packed(item) for item in value]
    if value is Ellipsis or value is NotImplemented:
        return "constant", str(value)
    if value is None or type(value) in (bool, int, float, str):
        return "plain", value
    return "other", type(value).__name__


def _unpacked(pair):
    kind, content = pair
    if kind == "array":
        return content.numpy()
    if kind in ("list", "tuple"):
        return getattr(builtins, kind)(_unpacked(item) for item in content)
    if kind == "constant":
        return {"Ellipsis": ..., "NotImplemented": NotImplemented}[content]
    if kind == "other":
        return type(str(content), (), {})()
    return content


def _copy_back(ours, theirs) -> None:
    """Do to our argument what the answer did to its copy, so that the check can object."""
    if theirs is None or type(ours) is not type(theirs) or ours.shape != theirs.shape:
        return
    if isinstance(ours, torch.Tensor):
        ours.data.copy_(theirs)
    elif isinstance(ours, np.ndarray):
        ours[...] = theirs


def _told(error: BaseException) -> tuple[str, str]:
    return type(error).__name__, str(error)[:500]


def _exception(kind: str, text: str) -> Exception:
    """Return an exception like the one that the answer raised."""
    found = getattr(builtins, kind, None)
    ordinary = isinstance(found, type) and issubclass(found, Exception)
    if not ordinary or found in (UnicodeDecodeError, UnicodeEncodeError):
        found = type(kind if kind.isidentifier() else "Error", (Exception,), {})
    return found(text)


def _signature(parameters: list[str]) -> Signature:
    return Signature([Parameter(p, Parameter.POSITIONAL_OR_KEYWORD) for p in parameters])


def _failure(message: str):
    return nbformat.v4.new_output(
        "error", ename="NotRightYet", evalue=message, traceback=message.splitlines()
    )
