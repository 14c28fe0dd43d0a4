"""The grader: when it is at fault, what it protects, and every score of a class."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.course.classes import (
    BROKEN,
    CHEATS,
    HOSTILE,
    NAME,
    REST,
    TOTAL,
    added,
    book,
    broken,
    cell,
    edited,
    hand_in,
    small_course,
    table,
)
from tests.course.test_answers import task
from tools import course, grading, marks, notebooks
from toyutils.exercises import alone

LIMITS = grading.Limits(seconds=2)
PATHS = notebooks.notebook_paths()
RIGHT, WRONG = "def antipodal_loss(p):\n    return p**2 / {}", "def antipodal_loss(p):\n    {}"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return small_course(tmp_path_factory.mktemp("course"))


@pytest.fixture
def place(built, tmp_path):
    """A course of one assignment, with nothing handed in."""
    shutil.copytree(built, tmp_path / "course" / "nbgrader")
    course.write_config(tmp_path / "course" / "nbgrader")
    return tmp_path / "course" / "nbgrader"


# The k-th of the mistakes that a check names; an answer that returns nothing where it names fewer.
MISTAKE = """
{imports}
mistakes = getattr({check}.__wrapped__(0), "mistakes", {{}})
{function} = (list(mistakes.values()) + 9 * [lambda *given: None])[{k}]
"""


@pytest.mark.parametrize("path", PATHS, ids=[path.stem for path in PATHS])
def test_right_empty_and_wrong_answers_of_every_exercise(path):
    right = tuple(
        grading.tasks(notebooks.filled(notebooks.read(path), path.name), path.stem).values()
    )
    stubs = tuple(grading.tasks(notebooks.read(path), path.stem).values())
    mistakes = tuple(
        alone.Task(**vars(t) | {"source": MISTAKE.format(
            imports=t.imports, check=t.check.partition("(")[0], function=t.function, k=k)})
        for t in right for k in range(3)
    )  # fmt: skip
    judged = grading.judge(right + stubs + mistakes, grading.Limits())
    assert not any(verdict.fault for verdict in judged)
    assert all(verdict.checked for verdict in judged)
    assert [verdict.passed for verdict in judged] == [True] * len(right) + [False] * 4 * len(right)
    assert all("not attempted" in verdict.message for verdict in judged[len(right) :][: len(right)])


@pytest.mark.parametrize("sandbox", [True, False])
def test_no_answer_touches_another(sandbox):
    """In any order, before and after each hostile one, right answers have their points."""
    if sandbox and not grading.sandbox_works():
        pytest.skip("no bwrap here")
    sources = [RIGHT.format(6)]
    for body in HOSTILE.values():
        body = body.replace("\n", "\n    ")
        sources += [f"def antipodal_loss(*given):\n    {body}", RIGHT.format(len(sources))]
    sources += [
        "while True: pass\n" + RIGHT.format(6),
        "import os\nos._exit(0)\n" + RIGHT.format(6),
    ]
    limits = grading.Limits(seconds=2, sandbox=sandbox)
    judged = grading.judge(tuple(task([source]) for source in sources), limits)
    assert [v.passed for v in judged] == [source == RIGHT.format(6) for source in sources]
    assert not any(verdict.fault for verdict in judged)
    messages = dict(zip(HOSTILE, (v.message for v in judged[1::2]), strict=False))
    assert "more than 2 s of processor time" in messages["endless"]
    assert "ended its process" in messages["exits at once"]
    assert "File too large" in messages["fills the disk"]
    assert "KeyboardInterrupt" in messages["interrupts"]


def test_who_waits_for_ever_loses_its_patience():
    source = "import time\ndef antipodal_loss(p):\n    time.sleep(10_000)"
    [verdict] = grading.judge((task([source]),), grading.Limits(seconds=1, patience=1))
    assert not verdict.passed
    assert "did not come back within 1 s" in verdict.message


@pytest.mark.skipif(not grading.sandbox_works(), reason="no bwrap here")
def test_the_sandbox_keeps_in(tmp_path):
    """No network, no process of others, no file beyond its own folder."""
    outside = tmp_path / "outside"
    outside.write_text("safe", encoding="utf-8")
    attempts = {
        "write": f"open({str(outside)!r}, 'w')",
        "kill": f"import os; os.kill({os.getpid()}, 0)",
        "connect": "import socket; socket.create_connection(('127.0.0.1', 1), 1)",
        "start": "import subprocess; subprocess.Popen(['sleep', '1000'], start_new_session=True)",
    }
    judged = grading.judge(tuple(task([WRONG.format(a)]) for a in attempts.values()), LIMITS)
    messages = dict(zip(attempts, (verdict.message for verdict in judged), strict=True))
    assert "Read-only file system" in messages["write"]
    assert "ProcessLookupError" in messages["kill"]
    assert "OSError" in messages["connect"] or "ConnectionRefused" in messages["connect"]
    assert "returned None" in messages["start"]


ELSEWHERE = """
import sys
sys.path.insert(0, {root!r})
from tools import grading
for sandbox in (True, False):
    limits = grading.Limits(sandbox=sandbox)
    grading.rehearse({name!r}, limits)
print("rehearsed", grading.sandbox_works(), limits.sandbox)
"""


@pytest.mark.parametrize(
    "where", ["below the temporary folder", "TMPDIR above it", "ordinary user"]
)
def test_where_python_lies_and_who_runs_it_changes_nothing(where, tmp_path):
    """All that grading needs is copied below a folder that is, or holds, the temporary folder."""
    user, folder = {}, Path(tempfile.mkdtemp(dir="/tmp" if where == "ordinary user" else tmp_path))
    for part in ("tools", "toyutils", "notebooks", "pyproject.toml"):
        source = notebooks.ROOT / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / part)
    environment = os.environ | {"TMPDIR": str(folder)}
    if where == "TMPDIR above it":
        environment["TMPDIR"] = str(folder.parent)
    if where == "ordinary user":
        if os.geteuid() != 0:
            pytest.skip("we are one")
        if not all(part.stat().st_mode & 1 for part in Path(sys.executable).resolve().parents):
            pytest.skip("this Python is the superuser's alone")
        for path in [folder, *folder.rglob("*")]:
            os.chown(path, 65534, 65534)
        user = dict(user=65534, group=65534, extra_groups=[])
    program = ELSEWHERE.format(root=str(folder), name=NAME)
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], env=environment, cwd=folder, capture_output=True,
        text=True, check=False, **user,
    )  # fmt: skip
    shutil.rmtree(folder)
    assert done.stdout.startswith("rehearsed"), done.stderr


def spoil_runner(monkeypatch, tmp_path, code):
    """Have every process for answers run some code first."""
    (tmp_path / "sitecustomize.py").write_text(code, encoding="utf-8")
    real = grading._environment

    def environment(folder):
        changed = real(folder)
        return changed | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{changed['PYTHONPATH']}"}

    monkeypatch.setattr(grading, "_environment", environment)
    monkeypatch.setattr(grading, "_JUDGED", {})
    grading.rehearse.cache_clear()


FAULTS = {
    "a module is missing": ("import sys\nsys.modules['torch'] = None", "before any answer ran"),
    "processes end at birth": ("import os\nos.fork = lambda: os._exit(1)", "before any answer ran"),
    "answers cannot start": (
        "import resource\nresource.getrlimit = lambda k: 1 / 0", "before any answer ran",
    ),
    "a check is gone": (
        "import builtins\nreal = builtins.eval\n"
        "builtins.eval = lambda s, n: real(s, n) if 'concepts' not in s else 1 / 0",
        "The check failed",
    ),
    "a check accepts anything": (
        "import toyutils.exercises._check as c\nc._same = lambda *a: True", "the wrong answer to",
    ),
    "a check accepts nothing": (
        "import toyutils.exercises._check as c\nc._same = lambda *a: False",
        "the reference answer to",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_grader_at_fault_grades_nobody(place, monkeypatch, tmp_path, capsys, fault):
    code, reason = FAULTS[fault]
    hand_in(place, "ann", book(place))
    spoil_runner(monkeypatch, tmp_path, code)
    assert course.main(["grade", str(place.parent), NAME]) == 1
    error = capsys.readouterr().err
    assert "The grader is at fault, and nobody was graded" in error
    assert reason in error
    assert not (place / "grades.csv").exists()
    assert not (place / "autograded").exists()
    with marks.nbgrader_api(place).gradebook as gradebook:
        assert not gradebook.assignment_submissions(NAME)
    grading.rehearse.cache_clear()


def test_a_fault_for_one_student_is_no_zero(place, monkeypatch, capsys):
    hand_in(place, "ann", book(place))
    hand_in(place, "bob", edited(book(place), added("unlucky = 1")))
    real = grading.judge

    def judge(tasks, limits):
        if any("unlucky" in helper for t in tasks for helper in (t.source,)):
            return [grading.Verdict(False, "a slip", fault=True) for _ in tasks]
        return real(tasks, limits)

    hand_in(place, "bob", edited(book(place), lambda n: cell(n, BROKEN).update(
        source="unlucky = 1\n" + cell(n, BROKEN).source)))  # fmt: skip
    monkeypatch.setattr(grading, "judge", judge)
    monkeypatch.setattr(grading, "_JUDGED", {})
    assert course.main(["grade", str(place.parent), NAME]) == 1
    assert "bob: not graded: the grader is at fault: a slip" in capsys.readouterr().out
    rows = table(place)
    assert (rows["ann"][NAME], rows["bob"][NAME]) == (str(float(TOTAL)), "not graded")
    assert rows["bob"]["total"] == "0.0"


def test_a_system_without_limits_says_so_once(monkeypatch, tmp_path, capsys, place):
    """As macOS, which refuses to limit memory, and Windows, which limits nothing."""
    refuses = (
        "import resource\nreal = resource.setrlimit\n"
        "def setrlimit(kind, limits):\n"
        "    if kind == resource.RLIMIT_AS: raise ValueError('current limit exceeds maximum')\n"
        "    real(kind, limits)\n"
        "resource.setrlimit = setrlimit"
    )
    spoil_runner(monkeypatch, tmp_path, refuses)
    hand_in(place, "ann", book(place))
    assert course.main(["grade", str(place.parent), NAME]) == 0
    assert capsys.readouterr().out.count("sets no limit to answers' memory") == 1
    assert table(place)["ann"][NAME] == str(float(TOTAL))
    grading.UNLIMITED.clear()
    grading.rehearse.cache_clear()


WINDOWS = """
import sys
import psutil  # it needs `resource` here, not there
sys.modules["resource"] = None
import os
del os.fork, os.killpg
from pathlib import Path
from tools import course, grading
from tests.course import classes
folder = Path({folder!r})
classes.small_course(folder)
(folder / "class" / "ann").mkdir(parents=True)
right = classes.as_bytes(classes.book(folder / "nbgrader"))
(folder / "class" / "ann" / "a.ipynb").write_bytes(right)
assert course.main(["collect", str(folder), classes.NAME, str(folder / "class")]) == 0
grading.os = type("os", (), vars(os) | dict(name="nt"))
print(course.main(["grade", str(folder), classes.NAME]))
"""


def test_without_posix_all_but_grading_works(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", WINDOWS.format(folder=str(tmp_path / "course"))], cwd=notebooks.ROOT,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1:] == ["1"], done.stderr
    assert "WSL" in done.stderr.splitlines()[-1]


def test_cheats_earn_nothing(built):
    """None of them, each with its own notebook."""
    empty = book(built, "release")
    tasks = [grading.tasks(edited(empty, cheat), NAME).values() for cheat in CHEATS.values()]
    judged = grading.judge(tuple(task for notebook in tasks for task in notebook), LIMITS)
    assert not any(verdict.passed or verdict.fault for verdict in judged)


def test_every_score_of_a_class_is_right(place, tmp_path, monkeypatch):
    """One assignment; other lessons differ in nothing that matters here."""
    right, empty = book(place), book(place, "release")
    own = cell(right, BROKEN).source
    ways = {
        "right": (right, TOTAL),
        "plain": (notebooks.filled(notebooks.read(PATHS[0]), PATHS[0].name), TOTAL),
        "empty": (empty, 0),
        "lacks-one": (edited(right, broken("raise NotImplementedError('Exercise')")), REST),
        "endless": (edited(right, broken(HOSTILE["endless"])), REST),
        "kills": (edited(right, broken(HOSTILE["kills its parent"])), REST),
        "points-raised": (edited(empty, CHEATS["checks replaced"]), 0),
        "deleted": (edited(right, lambda n: n.cells.remove(cell(n, BROKEN))), REST),
        "copied": (edited(right, lambda n: n.cells.insert(5, cell(right, BROKEN))), TOTAL),
        "in-a-check": (edited(right, lambda n: (cell(n, BROKEN).update(source=""),
                       cell(n, BROKEN, "check").update(source=own))), TOTAL),
        "not-a-notebook": (b"in the mail", None),
        "no-file": (None, None),
    }  # fmt: skip
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    with open(place / "nbgrader_config.py", "a", encoding="utf-8") as file:
        file.write("c.GradeAnswers.seconds = 2\n")
    for student, (content, _) in ways.items():
        hand_in(place, student, content)
    hand_in(place, "nothing-yet", b"", name="another_assignment")
    assert set(marks.grade(place, NAME)) == {"not-a-notebook", "no-file"}
    scores = {student: row[NAME] for student, row in table(place).items()}
    del scores["points possible"], scores["weight"]
    assert scores == {s: "not graded" if p is None else str(float(p)) for s, (_, p) in ways.items()}
    assert list(here.iterdir()) == [], "an answer that writes files leaves none behind"
    page = (place / "feedback" / "endless" / NAME / f"{NAME}.html").read_text(encoding="utf-8")
    assert '<html lang="en">' in page
    assert f"Exercise {BROKEN.number} · " in page.partition("</ol>")[0]
    assert "of processor time" in page
    assert str(grading.SEEDS[0]) not in page
    # The last submission counts; one that cannot be read has no grade, nor a page.
    for student in ways:
        shutil.rmtree(place / "submitted" / student)
    hand_in(place, "right", b"a slip")
    hand_in(place, "empty", right)
    marks.grade(place, NAME)
    assert table(place)["right"][NAME] == "not graded"
    assert table(place)["empty"][NAME] == str(float(TOTAL))
    assert not (place / "feedback" / "right" / NAME).exists()


def test_the_weights_of_the_table_are_the_teachers(place, monkeypatch):
    hand_in(place, "ann", edited(book(place), broken("return 1")))
    with marks.nbgrader_api(place).gradebook as gradebook:
        gradebook.update_or_create_student("bob")  # of the class list
    marks.grade(place, NAME)
    text = (place / "grades.csv").read_text(encoding="utf-8-sig")
    (place / "grades.csv").write_text(text.replace(f"weight,,{float(TOTAL)}", "weight,,0.5"))
    marks.write_table(place)
    rows = table(place)
    assert rows["weight"][NAME] == "0.5"
    assert rows["ann"]["total"] == str(round(100 * REST / TOTAL, 1))
    assert (rows["bob"][NAME], rows["bob"]["total"]) == ("", "0.0")
