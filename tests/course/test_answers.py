"""Answers in processes of their own: what comes through, what is kept in, what is told."""

import inspect
import os
import socket
import tempfile
import time
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from tools import answers, grading
from tools.answers import Limits, Task
from toyutils.exercises import nb03


@contextmanager
def answering(source, function="f", limits=None):
    limits = limits or Limits(seconds=10)
    task = Task(function, source, notebook="03")
    with answers.running(task, limits) as connection:
        yield answers.Answer(task, connection, limits)


def judged(source, function="antipodal_loss", seconds=2, **options):
    return grading.judge(Task(function, source, notebook="03"), Limits(seconds=seconds, **options))


def alive(process):
    """Tell whether a process runs; one that waits to be collected does not."""
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2]
    except OSError:
        return False
    return state.split()[0] not in ("Z", "X")


def ends(process, seconds=5):
    end = time.monotonic() + seconds
    while alive(process) and time.monotonic() < end:
        time.sleep(0.05)
    return not alive(process)


@pytest.fixture(scope="module")
def kept_in():
    """Skip where the system gives an answer no processes of its own."""
    with answering("import os\ndef f():\n    return os.getpid()") as answer:
        if answer() != 1:
            pytest.skip("this system has no user namespaces")


def test_an_answer_sees_no_other_process(kept_in):
    source = "import os\ndef f(p):\n    os.kill(p, 0)\n    return os.getppid()"
    with answering(source) as answer:
        for process in (os.getpid(), os.getppid()):
            with pytest.raises(ProcessLookupError):
                answer(process)


def test_an_answer_sees_neither_the_server_nor_what_others_have_open(kept_in):
    """Through the server's socket it could start processes outside, through /proc write to them."""
    source = (
        "import ctypes, glob, os, tempfile\ndef f():\n"
        "    for place in (tempfile.gettempdir(), '/proc'):\n"
        "        ctypes.CDLL(None).umount2(place.encode(), 2)\n"
        "    return [*glob.glob(tempfile.gettempdir() + '/pymp-*'), *os.listdir('/proc')]"
    )
    assert list(Path(tempfile.gettempdir()).glob("pymp-*"))
    with answering(source) as answer:
        assert answer() == []


def test_an_answer_has_no_network(kept_in):
    source = (
        "import socket\ndef f(port):\n    socket.create_connection(('127.0.0.1', port), 1)\n"
        "    return 'connected'"
    )
    with _listening() as port:
        with answering(source) as answer, pytest.raises(OSError, match=r"unreachable|refused"):
            answer(port)
        # That it is the answer's process which keeps it in, and not the port:
        with answering(source, limits=Limits(seconds=10, shut_in=False)) as answer:
            assert answer(port) == "connected"


@contextmanager
def _listening():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.skipif(os.geteuid() == 0, reason="the limit does not bind the superuser")
def test_an_answer_starts_a_limited_number_of_processes(kept_in):
    source = (
        "import os, time\ndef f():\n    for n in range(500):\n"
        "        if os.fork() == 0:\n            time.sleep(1000)\n    return n"
    )
    with answering(source) as answer, pytest.raises(BlockingIOError):
        answer()


NAP = f"{1000 + os.getpid() / 10**7:.7f}"  # of this test run alone: others may sleep beside it
SLEEPER = (
    f"NAP = {NAP!r}"
    + """
import os, subprocess
def f(mine):
    subprocess.Popen(["sleep", NAP], start_new_session=mine)
    return os.getpid()
"""
)


@pytest.mark.parametrize("shut_in", [True, False])
def test_what_an_answer_starts_ends_with_it(shut_in):
    before = set(_sleeping())
    with answering(SLEEPER, limits=Limits(seconds=10, shut_in=shut_in)) as answer:
        kept_in = answer(False) == 1
        if kept_in:
            answer(True)  # even one in a session of its own
        end = time.monotonic() + 5
        while len(asleep := set(_sleeping()) - before) < 1 + kept_in:
            assert time.monotonic() < end
            time.sleep(0.05)
    assert all(ends(process) for process in asleep)


def _sleeping():
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes() == f"sleep\0{NAP}\0".encode():
                yield int(path.parent.name)
        except OSError:
            continue


KILLS = "import os\ndef antipodal_loss(p):\n    os.kill(os.getppid(), 9)\n    return p**2 / 6"


@pytest.mark.parametrize("shut_in", [True, False])
def test_one_that_kills_its_server_harms_no_other(shut_in):
    limits = Limits(seconds=5, shut_in=shut_in)
    right = [
        Task("antipodal_loss", f"def antipodal_loss(p):\n    return p**{k} / 6", notebook="03")
        for k in (2, 3)
    ]
    killer = Task("antipodal_loss", KILLS + f"  # {shut_in}", notebook="03")
    tasks = [right[0], killer, right[1], killer, right[0]] * 2
    for _ in range(3):
        grading._KNOWN.clear()
        came = grading.verdicts(tasks, limits)
        assert [v.passed for v, t in zip(came, tasks, strict=True) if t in right] == [
            t == right[0] for t in tasks if t in right
        ]


def test_a_fault_of_the_check_is_told_as_one():
    verdict = judged("def no_such_exercise():\n    return 1", "no_such_exercise")
    assert verdict.fault
    assert "check_no_such_exercise" in verdict.message
    assert not judged("def antipodal_loss(p):\n    return 1").fault


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("while True: pass", "more than 2 s"),
        ("import time\ntime.sleep(1000)", "more than 2 s"),
        ("import os\nos._exit(0)", "ended its process"),
        ("raise SystemExit", "SystemExit"),
        ("def antipodal_loss(p) return p", "SyntaxError"),
        ("antipodal_loss = 3", "defines no function"),
        # A worker that speaks for itself: the grader's end of the talk is a few frames above.
        (
            "import sys\nf = sys._getframe()\nwhile 'connection' not in f.f_locals: f = f.f_back\n"
            "f.f_locals['connection'].send_bytes(b'nonsense')",
            "nonsense",
        ),
        (None, "No cell defines"),
    ],
)
def test_an_answer_that_never_gets_to_its_function_earns_nothing(source, word):
    verdict = judged(source)
    assert not verdict.passed
    assert word in verdict.message


def test_time_is_up_even_if_the_answer_never_listens():
    source = "import time\ndef f(x):\n    time.sleep(1000)"
    with answering(source, limits=Limits(seconds=1)) as answer:
        began = time.monotonic()
        with pytest.raises(RuntimeError, match="more than 1 s"):
            answer(torch.zeros(10**7))
        with pytest.raises(RuntimeError, match="more than 1 s"):
            answer(torch.zeros(10**7))
        assert time.monotonic() - began < 4


ENDLESS_LIST = """
import tools.answers
row = [0.0]
for _ in range(45):
    row = [row, row]  # small to send, endless to walk through
packed = tools.answers._packed
tools.answers._packed = lambda v: ("plain", row) if v == "row" else packed(v)
def antipodal_loss(p):
    return "row"
"""


def test_what_keeps_the_check_busy_without_end_costs_a_limited_time(monkeypatch):
    monkeypatch.setattr(grading, "_CHECK_SECONDS", 2)
    began = time.monotonic()
    verdict = judged(ENDLESS_LIST)
    assert not verdict.passed
    assert time.monotonic() - began < 10


def test_the_time_of_the_check_is_not_the_answers():
    with answering("def f():\n    return 1", limits=Limits(seconds=1)) as answer:
        time.sleep(1.5)
        assert answer() == 1


def test_a_name_that_only_the_notebook_knows_is_explained():
    verdict = judged("def antipodal_loss(p):\n    return model.loss(p)")
    assert "name 'model' is not defined" in verdict.message
    assert "without the variables that other cells compute" in verdict.message


def test_the_line_of_an_error_is_the_learners():
    wrong = judged("def antipodal_loss(p):\n    return p / 0")
    assert "ZeroDivisionError: float division by zero (in the line `return p / 0`)" in wrong.message
    assert "raise" not in judged("antipodal_loss = 3").message


@pytest.mark.parametrize(
    "source",
    [
        "def antipodal_loss(p, eps=0.0):\n    return p**2 / 6 + eps",
        "def antipodal_loss(p, *, factor=6):\n    return p**2 / factor",
        "def antipodal_loss(*args, **kwargs):\n    return args[0] ** 2 / 6",
        "antipodal_loss = lambda p: p**2 / 6",
        "import functools\nantipodal_loss = functools.partial(lambda k, p: p**k / 6, 2)",
        "class A:\n    def __call__(self, p):\n        return p**2 / 6\nantipodal_loss = A()",
        "from fractions import Fraction\ndef antipodal_loss(p):\n    return Fraction(p) ** 2 / 6",
        "def antipodal_loss(p):\n    return p**2 / 6\ntry:\n    print(antipodal_loss(model))\n"
        "except NameError: pass",
    ],
)
def test_any_form_of_a_right_answer_passes_as_in_the_notebook(source):
    names = {}
    exec(source, names)
    assert nb03.check_antipodal_loss(names["antipodal_loss"]).passed
    verdict = judged(source, seconds=10)
    assert verdict.passed, verdict.message


@pytest.mark.parametrize("more", ["print(antipodal_loss(model.p))", "1 / 0", "exit()", "await x"])
def test_what_a_learner_tries_out_below_the_answer_costs_nothing(more):
    verdict = judged(f"def antipodal_loss(p):\n    return p**2 / 6\n\n{more}", seconds=10)
    assert verdict.passed, verdict.message


def test_half_a_character_in_a_message_is_replaced():
    message = judged("def antipodal_loss(p):\n    raise ValueError('\\ud800')").message
    assert "ValueError: ?" in message
    message.encode()


def test_the_signature_comes_through():
    with answering("def f(W, x=1, *, y, z=2): pass") as answer:
        there = inspect.signature(answer)
    assert [p.kind.name for p in there.parameters.values()] == [
        "POSITIONAL_OR_KEYWORD", "POSITIONAL_OR_KEYWORD", "KEYWORD_ONLY", "KEYWORD_ONLY",
    ]  # fmt: skip
    wrong = judged("def antipodal_loss(p, q):\n    return p")
    assert "takes the arguments `(p, q)`" in wrong.message


def test_only_plain_values_come_back():
    class Anything:
        def __eq__(self, other):
            return True

    for value in (1.5, True, "a", None, [1, (2.0, None)], torch.ones(2, 3), np.arange(3), ...):
        came = answers._unpacked(answers._packed(value))
        assert type(came) is type(value)
        assert str(came) == str(value)
    came = answers._unpacked(answers._packed(Anything()))
    assert type(came).__name__ == "Anything"
    assert came != 1
    assert answers._unpacked(answers._packed(Fraction(4, 8))) == 0.5
    assert answers._unpacked(answers._packed(torch.ones(2, 3).shape)) == (2, 3)


def test_a_changed_argument_is_seen():
    with answering("def f(x, y):\n    x += 1\n    y[0] = 5\n    return x") as answer:
        x, y = torch.zeros(2), np.zeros(2)
        answer(x, y)
    assert x.tolist() == [1, 1]
    assert y.tolist() == [5, 0]
