"""Judge one student's answers: started by tools/grading.py as a process of its own, with limits.

Reads a job in JSON from its input; writes a line of JSON when it is ready, when an answer is about
to run, and for each verdict. Each answer runs in a process forked for it, and the check calls it
from outside like any function: it gets copies of the arguments and gives back plain values and
tensors. Who dies after an answer began died of it.
"""

import builtins
import glob
import io
import json
import os
import resource
import sys
import time
import traceback
from contextlib import contextmanager, suppress
from inspect import Parameter, Signature, signature
from multiprocessing import Pipe
from signal import SIGKILL, SIGXCPU
from types import SimpleNamespace

import cloudpickle
import numpy as np
import torch

from toyutils.exercises import alone

_LARGEST = 100_000_000  # bytes that an answer may return
_CHECK_SECONDS = 60  # processor time for the check's own work; the slowest takes two
_NEW_PROCESSES = 64  # that an answer may start, where the system counts them
_KINDS = sorted(type(Parameter.KEYWORD_ONLY))


class GraderError(Exception):
    """Something went wrong that no answer is to blame for."""


def main() -> None:
    """Judge the answers of a job, one after another."""
    job = json.load(sys.stdin)
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as channel:
        os.dup2(2, 1)  # what a check prints is no verdict

        def say(**message):
            print(json.dumps(message), file=channel, flush=True)

        torch.set_num_threads(1)  # the other cores judge other students
        limits = SimpleNamespace(**job["limits"])
        say(ready=True, unlimited=limit("AS", _memory() + 2 * limits.megabytes * 2**20))
        for i, fields in enumerate(job["tasks"]):
            limit("CPU", int(time.process_time()) + _CHECK_SECONDS)
            say(**judge(alone.Task(**fields), limits, job["seeds"], lambda i=i: say(began=i)))


def judge(task, limits, seeds, began) -> dict:
    """Return the fields of a Verdict on one answer; call `began` before any of it runs."""
    try:
        with _running(task, limits) as connection:
            message, verdict = _verdict(task, Answer(task, *connection, limits, began), seeds)
    except Exception:  # of the check or of this file: no answer's exception comes through
        message, verdict = f"The check failed:\n{traceback.format_exc()}", {"fault": True}
    # Half characters (surrogates) become question marks: any file can hold the rest.
    message = message.encode("utf-8", "replace").decode()
    return {"passed": False, "message": message} | verdict


def _verdict(task, answer, seeds) -> tuple[str, dict]:
    names = {}
    exec(task.imports, names)
    for seed in seeds:
        names[task.function] = answer
        result = eval(f"{task.check[:-1]}, seed={seed})", names)
        if answer.ended:
            return answer.ended, {}
        if not result.passed:
            parts = str(result), alone.why(str(result), answer.absent)
            return "\n".join(filter(None, parts)), {"checked": True}
    return str(result), {"passed": True, "checked": True}


def limit(what: str, most: int, final: bool = False) -> list[str]:
    """Set one of the system's limits; return [what], or nothing if the system took it."""
    try:
        kind = getattr(resource, f"RLIMIT_{what}")
        hard = resource.getrlimit(kind)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most if final else hard))
    except (AttributeError, ValueError, OSError):  # macOS refuses to limit memory
        return [what]
    return []


def _memory() -> int:
    """Return the bytes of address space in use: libraries alone can take gigabytes."""
    with suppress(OSError, ValueError), open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    return 0


@contextmanager
def _running(task, limits):
    """Fork a process for an answer; yield the connection to it and its number; end it."""
    here, there = Pipe()
    process = os.fork()
    if process == 0:
        try:
            here.close()
            _serve(there, task, limits)
        finally:
            os._exit(0)
    there.close()
    try:
        yield here, process
    finally:
        here.close()
        with suppress(ChildProcessError):  # it is gone already
            if not os.waitpid(process, os.WNOHANG)[0]:
                os.kill(process, SIGKILL)
                os.waitpid(process, 0)


class Answer:
    """The learner's function, as a check sees it: it lives in another process."""

    def __init__(self, task, connection, process, limits, began):
        self.__name__ = task.function
        self.absent = {}
        self.ended = ""  # why no further call can be made
        self._connection, self._process, self._limits = connection, process, limits
        self._exit = None  # what the system says of the process once it has ended
        self._left = limits.seconds * limits.patience
        self._failed = None  # what the answer's source raised, if it defines no function
        try:
            self._receive()
        except (EOFError, OSError):
            raise GraderError(f"An answer's process did not begin. {self._end()}") from None
        began()
        try:
            kind, content, _ = self._exchange(b"go")
            if kind == "error":
                self._failed = _exception(*content)
            else:
                parameters, absent = content
                self.absent = dict(absent)
                if parameters is not None:
                    self.__signature__ = _signature(parameters)
        except Exception as error:  # the time is up, or the process says what none of ours says
            self._failed = error

    def __call__(self, *arguments):
        if self._failed:
            raise self._failed
        kind, content, changed = self._exchange(cloudpickle.dumps(arguments))
        for before, after in zip(arguments, changed, strict=False):
            _copy_back(before, after)
        if kind == "error":
            raise _exception(*content)
        return content

    def _exchange(self, message: bytes):
        """Send a message and return what comes back, in time or not at all."""
        if not self.ended:
            try:
                self._connection.send_bytes(message)
                # Only tensors and plain values come through; a crafted object cannot.
                answer = torch.load(io.BytesIO(self._receive()), weights_only=True)
                kind, content, changed = answer
                return kind, _unpacked(content), [_unpacked(part) for part in changed]
            except (EOFError, OSError):
                self.ended = self.ended or self._end()
            except Exception as error:  # whatever a process may send instead
                self.ended = f"The answer sent nonsense: {type(error).__name__}."
        raise RuntimeError(self.ended)

    def _receive(self) -> bytes:
        """Wait for a message; raise EOFError when the process has ended, or its time is up."""
        began = time.monotonic()
        try:
            while not self._connection.poll(0.2):
                if time.monotonic() - began > self._left:
                    self.ended = f"The answer did not come back within {self._left:.0f} s."
                    raise EOFError
                # What it started may still hold the connection open.
                if self._end(os.WNOHANG) and not self._connection.poll(0):
                    raise EOFError
            return self._connection.recv_bytes(_LARGEST)
        finally:
            self._left -= time.monotonic() - began

    def _end(self, options: int = 0) -> str:
        """Say why the process has ended; with WNOHANG, nothing if it has not. Else end it."""
        if self._exit is None:
            if not options:
                os.kill(self._process, SIGKILL)  # it may still be sending
            process, status, used = os.wait4(self._process, options)
            if not process:
                return ""
            seconds = used.ru_utime + used.ru_stime
            self._exit = os.WIFSIGNALED(status) and (
                os.WTERMSIG(status) == SIGXCPU or seconds >= self._limits.seconds
            )
        if self._exit:
            return f"The answer took more than {self._limits.seconds} s of processor time."
        return "The answer ended its process (exit, or too much memory)."


def _serve(connection, task, limits) -> None:
    """Run the learner's source, then answer calls until the other side is gone."""
    os.closerange(3, connection.fileno())  # whatever else was open where we come from
    os.closerange(connection.fileno() + 1, 65536)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nowhere, standard)
    sys.stdin, sys.stdout = open(os.devnull), open(os.devnull, "w")  # noqa: SIM115
    sys.stderr = sys.stdout
    limit("CPU", limits.seconds)  # soft: its signal tells us why the process ended
    limit("AS", _memory() + limits.megabytes * 2**20, final=True)
    limit("FSIZE", 2**20, final=True)
    limit("CORE", 0, final=True)
    limit("NPROC", len(glob.glob("/proc/[0-9]*/task/*")) + _NEW_PROCESSES, final=True)
    connection.send_bytes(b"ready")
    connection.recv_bytes()
    try:
        function, absent = alone.define(task)
        _send(connection, "ready", (_parameters(function), list(absent.items())))
    except BaseException as error:
        _send(connection, "error", _plain(error))
        return
    while True:
        try:
            arguments = cloudpickle.loads(connection.recv_bytes())
        except (EOFError, OSError):
            return
        try:
            result = function(*arguments)
            _send(connection, "result", result, arguments)
        except BaseException as error:
            _send(connection, "error", _plain(error), arguments)


def _parameters(function) -> list | None:
    """Return a function's parameters in plain values; None if it does not tell them."""
    try:
        parameters = signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    return [(p.name, int(p.kind), p.default is not Parameter.empty) for p in parameters]


def _signature(parameters: list) -> Signature:
    return Signature(
        [
            Parameter(name, _KINDS[kind], default=... if optional else Parameter.empty)
            for name, kind, optional in parameters
        ]
    )


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
        return "list" if isinstance(value, list) else "tuple", [_packed(item) for item in value]
    if value is Ellipsis or value is NotImplemented:
        return "constant", str(value)
    if value is None or type(value) in (bool, int, float, str):
        return "plain", value
    try:
        return "plain", float(value)  # a fraction, say: the checks take it for a number as well
    except Exception:  # whatever an object of the learner's making may raise
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
    if kind == "tensor" or content is None or type(content) in (bool, int, float, str):
        return content
    raise ValueError(f"a {type(content).__name__} cannot come through")


def _copy_back(before, after) -> None:
    """Do to our argument what the answer did to its copy, so that the check can object."""
    if isinstance(before, torch.Tensor) and isinstance(after, torch.Tensor):
        before.data = after.to(before.dtype)
    elif isinstance(before, np.ndarray) and isinstance(after, np.ndarray):
        before.resize(after.shape, refcheck=False)
        before[...] = after


def _plain(error: BaseException) -> tuple[str, str, str]:
    """Return an error in plain text: its type, what it says, and the learner's line it arose in."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.line for frame in frames if frame.filename == "<answer>" and frame.line]
    return type(error).__name__, str(error)[:500], lines[-1] if lines else ""


def _exception(kind: str, text: str, line: str) -> Exception:
    """Return an exception like the one that the answer raised."""
    known = getattr(builtins, kind, None)
    ordinary = isinstance(known, type) and issubclass(known, Exception)
    if not ordinary or known in (UnicodeDecodeError, UnicodeEncodeError):
        known = type(kind if kind.isidentifier() else "Error", (Exception,), {})
    error = known(text)
    if line:
        error.add_note(line)
    return error


if __name__ == "__main__":
    main()
