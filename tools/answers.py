"""Run a learner's answer in a process of its own, and call it from here like any function.

    with running(task, Limits()) as connection:
        answer = Answer(task, connection, Limits())
        answer(0.5)

The answer's source runs in a process forked from a clean server, with limits on time, memory and
file size. Where the system allows it (Linux, with user namespaces), that process sees no other
process and no network, so it can end nothing but itself. It receives arguments and returns plain
numbers, text and tensors; an object of its own making cannot come through.

It is no prison: an answer could still read and write files that its user may read and write. Where
hostile code must be expected, grade in a container.
"""

import ast
import builtins
import ctypes
import io
import linecache
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from inspect import Parameter, Signature, signature
from multiprocessing import get_context
from pathlib import Path

import cloudpickle
import numpy as np
import torch

# The server that forks our processes imports these once for all of them. It is told where by the
# environment: it does not take over sys.path. Without __main__, every process would import it anew.
_ROOT = str(Path(__file__).resolve().parent.parent)
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [_ROOT, os.environ.get("PYTHONPATH")]))
SERVER = get_context("forkserver")
SERVER.set_forkserver_preload(
    ["__main__", "tools.grading", "toyutils.plots", "toyutils.sweeps", "toyutils.live", "einops"]
)

_LARGEST = 100_000_000  # bytes that an answer may return
_ENDED = "The answer ended its process (exit, or too much memory)."
_NEW_PROCESSES = 64  # that an answer may start, where it is shut in
# From <linux/sched.h>; Python 3.12 has them in `os`.
_NEW_USER, _NEW_PIDS, _NEW_IPC, _NEW_NET = 0x10000000, 0x20000000, 0x08000000, 0x40000000
_NEW_MOUNTS = 0x00020000
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of <linux/prctl.h>
_KINDS = sorted(type(Parameter.KEYWORD_ONLY))


@dataclass(frozen=True)
class Task:
    """An answer to judge: its function, its source, and what else its notebook defines.

    A source of None means that no cell defines the function.
    """

    function: str
    source: str | None
    helpers: tuple[str, ...] = ()
    notebook: str = field(kw_only=True)  # the two digits that its file name begins with


@dataclass(frozen=True)
class Limits:
    """What an answer may take: wall time of all its calls together, and memory."""

    seconds: float = 30
    megabytes: int = 4000
    shut_in: bool = True  # own processes and no network, where the system allows it


@contextmanager
def running(task: Task, limits: Limits):
    """Start a process that runs an answer; yield the connection to it; end it afterwards."""
    here, there = SERVER.Pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        worker = start(work, there, task, limits, folder)
        there.close()
        try:
            yield here
        finally:
            here.close()
            end(worker)


def start(target, *arguments):
    """Start a process; if an answer has just killed the server, wait until another is up."""
    for pause in (0.05, 0.2, 1, 2, None):
        process = SERVER.Process(target=target, args=arguments, daemon=True)
        try:
            process.start()
        except (OSError, EOFError):
            if pause is None:
                raise
            time.sleep(pause)
        else:
            return process


def end(process) -> None:
    """End a process, with whatever it has started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except (ProcessLookupError, PermissionError):  # it has ended, or leads no group yet
            process.kill()
        process.join(1)


class Answer:
    """The learner's function, as a check sees it: it lives in another process.

    To be called in the main thread: an alarm watches over its time.
    """

    def __init__(self, task: Task, connection, limits: Limits):
        self.__name__ = task.function
        self._connection = connection
        self._seconds = self._left = limits.seconds
        self._failed = None  # what the answer's source raised, if it defines no function
        self.ended = ""  # why no further call can be made
        try:
            kind, content, _ = self._exchange()
            if kind == "error":
                self._failed = _exception(*content)
            elif content is not None:
                self.__signature__ = _signature(content)
        except Exception as error:  # the time is up, or the process says what none of ours says
            self._failed = error

    def __call__(self, *arguments):
        if self._failed:
            raise self._failed
        kind, content, changed = self._exchange(cloudpickle.dumps(arguments))
        for ours, theirs in zip(arguments, changed, strict=False):
            _copy_back(ours, theirs)
        if kind == "error":
            raise _exception(*content)
        return content

    def _exchange(self, message: bytes | None = None):
        """Send a message, if there is one, and return what comes back, in time or not at all."""
        if not self.ended:
            try:
                with self._clock():
                    if message is not None:
                        self._connection.send_bytes(message)
                    data = self._connection.recv_bytes(_LARGEST)
                    # Only tensors and plain values come through; a crafted object cannot.
                    kind, content, changed = torch.load(io.BytesIO(data), weights_only=True)
                    return kind, _unpacked(content), [_unpacked(part) for part in changed]
            except _TimeIsUp:
                self.ended = f"The answer took more than {self._seconds:g} s."
            except (EOFError, OSError):
                self.ended = _ENDED
            except Exception as error:  # whatever a process may send instead
                self.ended = f"The answer sent nonsense: {type(error).__name__}."
        raise RuntimeError(self.ended)

    @contextmanager
    def _clock(self):
        """Interrupt what is under way when the answer's time is up."""
        began = time.monotonic()
        before = signal.signal(signal.SIGALRM, _time_is_up)
        signal.setitimer(signal.ITIMER_REAL, max(self._left, 0.001))
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
            self._left -= time.monotonic() - began


class _TimeIsUp(Exception):
    """Raised by the alarm."""


def _time_is_up(number, frame):
    raise _TimeIsUp


def work(connection, task: Task, limits: Limits, folder: str) -> None:
    """Run the learner's source in a folder, then answer calls until the other side is gone."""
    os.setsid()
    os.chdir(folder)
    os.closerange(3, connection.fileno())  # whatever else was open where we come from
    os.closerange(connection.fileno() + 1, 65536)
    if limits.shut_in:
        _shut_in(connection)
    # The other side ends us in time; should it be gone, the limit on processor time does.
    seconds = int(limits.seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds + 1, seconds + 2))
    resource.setrlimit(resource.RLIMIT_AS, (limits.megabytes * 2**20,) * 2)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))
    torch.set_num_threads(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nowhere, standard)
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - until the process ends
    try:
        told = _defined(task)
        _send(connection, "signature", _parameters(told))
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


def _shut_in(connection) -> None:
    """Go on in a process that sees no other process and no network, if the system allows that.

    The process that was here stays outside. It cannot be reached from within; it ends what is
    within when it is told to end.
    """
    user, group = os.getuid(), os.getgid()
    try:
        system = ctypes.CDLL(None, use_errno=True)
        if system.unshare(_NEW_USER | _NEW_PIDS | _NEW_IPC | _NEW_NET | _NEW_MOUNTS) != 0:
            return
    except (OSError, AttributeError):  # not Linux
        return
    for name, text in (
        ("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1"),
    ):  # fmt: skip
        with suppress(OSError):
            Path(f"/proc/self/{name}").write_text(text, encoding="ascii")
    told_to_end = {signal.SIGTERM, signal.SIGALRM}
    signal.pthread_sigmask(signal.SIG_BLOCK, told_to_end)
    inner = os.fork()
    if inner:
        connection.close()

        def end_it(number, frame):
            with suppress(ProcessLookupError):
                os.kill(inner, signal.SIGKILL)

        for number in told_to_end:
            signal.signal(number, end_it)
        signal.alarm(3600)  # should the grader be killed, nothing sleeps on for ever
        signal.pthread_sigmask(signal.SIG_UNBLOCK, told_to_end)
        os.waitpid(inner, 0)
        os._exit(0)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, told_to_end)
    system.prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    resource.setrlimit(resource.RLIMIT_NPROC, (_NEW_PROCESSES, _NEW_PROCESSES))
    # Out of sight: the server's socket, which would start processes outside for whoever asks, and
    # the files of other processes. Entering once more makes that final: it cannot be undone there.
    for place in (tempfile.gettempdir(), "/proc"):
        system.mount(b"none", place.encode(), b"tmpfs", 0, None)
    system.unshare(_NEW_USER | _NEW_MOUNTS)


def _defined(task: Task):
    """Run the sources of a task; return what its function's name then means."""
    names = {"__name__": "__main__"}
    for i, source in enumerate(task.helpers):
        _run(source, f"<notebook {i}>", names)  # the answer may not need it; if so, it will say
    failed = _run(task.source, "<answer>", names)
    told = names.get(task.function)
    if not callable(told):
        raise failed or NameError(f"the answer defines no function `{task.function}`")
    return told


def _run(source: str, name: str, names: dict) -> BaseException | None:
    """Run a cell, statement by statement; return the first error, if any.

    A learner may try the answer out in the same cell, on a model that is not here: such a
    statement fails, and the definitions above and below it count all the same.
    """
    # As in a notebook, an error can then tell the line it arose in.
    linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name
    first = None
    try:
        for statement in ast.parse(source, name).body:
            try:
                exec(compile(ast.Module([statement], []), name, "exec"), names)
            except (Exception, SystemExit) as error:
                first = first or error
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return error
    return first


def _parameters(told) -> list | None:
    """Return a function's parameters in plain values; None if it does not tell them."""
    try:
        found = signature(told).parameters.values()
    except (TypeError, ValueError):
        return None
    return [(p.name, int(p.kind), p.default is not Parameter.empty) for p in found]


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


def _copy_back(ours, theirs) -> None:
    """Do to our argument what the answer did to its copy, so that the check can object."""
    if theirs is None or type(ours) is not type(theirs) or ours.shape != theirs.shape:
        return
    if isinstance(ours, torch.Tensor):
        ours.data.copy_(theirs)
    elif isinstance(ours, np.ndarray):
        ours[...] = theirs


def _told(error: BaseException) -> tuple[str, str, str]:
    """Return an error in plain text: its type, what it says, and the learner's line it arose in."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.line for frame in frames if frame.filename == "<answer>" and frame.line]
    return type(error).__name__, str(error)[:500], lines[-1] if lines else ""


def _exception(kind: str, text: str, line: str) -> Exception:
    """Return an exception like the one that the answer raised."""
    found = getattr(builtins, kind, None)
    ordinary = isinstance(found, type) and issubclass(found, Exception)
    if not ordinary or found in (UnicodeDecodeError, UnicodeEncodeError):
        found = type(kind if kind.isidentifier() else "Error", (Exception,), {})
    error = found(text)
    if line:
        error.add_note(line)
    return error
