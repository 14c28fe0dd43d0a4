"""What a class hands in: by a learning platform's downloads, by the exchange, in odd notebooks."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest

from tests.course.forty import hand_in, read, scores_by_student, small_course
from tools import course, grading, notebooks, submissions

PATH = notebooks.notebook_paths()[0]
NAME = PATH.stem
TOTAL = sum(exercise.minutes for exercise in grading.tests(NAME).values())


@pytest.fixture
def place(tmp_path):
    return small_course(PATH, tmp_path / "course")


@pytest.mark.parametrize(
    ("path", "student", "when"),
    [
        ("Jane Doe_123456_assignsubmission_file_/{name}.ipynb", "Jane-Doe", ""),
        ("Jane Doe_123456_assignsubmission_file_{name}.ipynb", "Jane-Doe", ""),
        ("Zoë d'Arc_77_assignsubmission_file_/my work/book.ipynb", "Zoë-d-Arc", ""),
        ("doejane_123456_7891011_{name}.ipynb", "doejane_123456", ""),
        ("doejane_LATE_123456_7891011_{name}-1.ipynb", "doejane_123456", ""),
        (
            "Homework 3_jdoe_attempt_2026-11-20-10-11-12_{name}.ipynb",
            "jdoe",
            "2026-11-20 10:11:12",
        ),
        ("jdoe/{name}.ipynb", "jdoe", ""),
        ("j.doe@uni.example/work/final (2).ipynb", "j.doe@uni.example", ""),
        ("jdoe.ipynb", "jdoe", ""),
        ("jdoe_{name}.ipynb", "jdoe", ""),
        ("{name}.ipynb", "{name}", ""),
        ("../{name}.ipynb", "nameless", ""),
        # What students choose themselves says nothing about others.
        ("eve/x_bob_attempt_2026-11-20-10-11-12_a.ipynb", "eve", ""),
        ("eve_7_assignsubmission_file_/bob_8_assignsubmission_file_a.ipynb", "eve", ""),
        (
            "hw_eve_attempt_2026-11-20-10-11-12_x_bob_attempt_2099-01-01-00-00-00_a.ipynb",
            "eve",
            "2026-11-20 10:11:12",
        ),
        ("hw_eve_attempt_2026-99-99-10-11-12_a.ipynb", "eve", ""),
        ("คิม/a.ipynb", "คิม", ""),
    ],
)
def test_whose_file_it_is(path, student, when):
    found, came = submissions.whose(Path(path.format(name=NAME)), NAME)
    assert submissions._tidy([found])[found] == student.format(name=NAME)  # (name, number)
    assert came == when


def test_a_download_of_a_class_is_collected_and_graded(place, tmp_path, capsys):
    right = nbformat.writes(read(place, "source", NAME)).encode()
    untouched = nbformat.writes(read(place, "release", NAME)).encode()
    own = tmp_path / "own.zip"
    with zipfile.ZipFile(own, "w") as archive:
        archive.writestr("work/final.ipynb", right)
    broken = b"PK\x03\x04 and then nothing"
    download = tmp_path / "Homework.zip"
    with zipfile.ZipFile(download, "w") as archive:
        for path, content in {
            f"Ann_1_assignsubmission_file_/{NAME}.ipynb": right,
            "Bob_2_assignsubmission_file_/Untitled (1).ipynb": right,
            "Cem_3_assignsubmission_file_/report.docx": b"see attached",
            "Dee_4_assignsubmission_file_/work.zip": own.read_bytes(),
            "Eva_5_assignsubmission_file_/work.zip": broken,
            f"Fay_6_assignsubmission_file_/{NAME}.ipynb": right,
            "Fay_6_assignsubmission_file_/notes.ipynb": untouched,
            f"hw_gil_attempt_2026-11-20-10-00-00_{NAME}.ipynb": untouched,
            f"hw_gil_attempt_2026-11-21-09-00-00_{NAME}.ipynb": right,
            f"__MACOSX/Ann_1_assignsubmission_file_/._{NAME}.ipynb": b"\x00",
        }.items():
            archive.writestr(path, content)

    folder = str(place.parent)
    assert course.main(["collect", folder, NAME, str(download)]) == 0
    said = capsys.readouterr().out
    assert "Cem: no notebook" in said
    assert f"Fay: 2 notebooks; {NAME}.ipynb was taken" in said
    assert "7 students" in said
    assert course.main(["grade", folder, NAME]) == 0
    said = capsys.readouterr().out
    assert f"Cem: not graded: {NAME}.ipynb is missing; there is report.docx" in said
    assert f"Eva: not graded: {NAME}.ipynb is missing; there is work.zip" in said
    assert scores_by_student(place, NAME) == {
        "Ann": TOTAL, "Bob": TOTAL, "Cem": 0, "Dee": TOTAL, "Eva": 0, "Fay": TOTAL,
        "gil": TOTAL,
    }  # fmt: skip


def test_names_that_look_alike_stay_apart():
    students = [("Jane Doe", ""), ("Jane-Doe", ""), ("Jane,Doe", ""), ("คิม", ""), ("คีม", "")]
    names = submissions._tidy([*students, ("Ann Lee", "7"), ("Ann Lee", "8"), ("Bob", "9")])
    assert len(set(names.values())) == 8
    assert names["Ann Lee", "7"] == "Ann-Lee_7"
    assert names["Bob", "9"] == "Bob", "for the next assignment Moodle gives another number"
    assert not any(set(" ,") & set(name) for name in names.values())


def test_one_folder_around_all_is_looked_through(place, tmp_path):
    right = nbformat.writes(read(place, "source", NAME)).encode()
    layouts = {
        "Homework/ann/a.ipynb Homework/bob/b.ipynb": {"ann", "bob"},
        "all/hw/Ann_1_assignsubmission_file_/a.ipynb": {"Ann"},
        "ann/a.ipynb": {"ann"},
    }
    for k, (layout, students) in enumerate(layouts.items()):
        folder = tmp_path / f"download-{k}"
        for path in layout.split():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(right)
        assert set(submissions.collect(place, NAME, folder)) == students


@pytest.mark.parametrize("content", [None, b"no archive"])
def test_a_download_that_is_no_archive_is_told(place, tmp_path, capsys, content):
    download = tmp_path / "class.zip"
    if content:
        download.write_bytes(content)
    assert course.main(["collect", str(place.parent), NAME, str(download)]) == 1
    assert "class.zip is neither a folder nor a readable .zip archive" in capsys.readouterr().err


def test_of_two_submissions_the_last_counts(place):
    for content, score in [
        (read(place, "source", NAME), TOTAL),
        (b"a slip", 0),
        (read(place, "source", NAME), TOTAL),
        (read(place, "release", NAME), 0),
    ]:
        hand_in(place, "jdoe", NAME, content)
        submissions.grade(place, NAME)
        assert scores_by_student(place, NAME) == {"jdoe": score}
        page = place / "feedback" / "jdoe" / NAME / f"{NAME}.html"
        assert page.exists() == (content != b"a slip")


def test_a_fault_of_the_check_is_named_and_touches_nobody_else(place, monkeypatch):
    """Here the check of one exercise is missing, as after a slip in toyutils."""
    hand_in(place, "jdoe", NAME, read(place, "source", NAME))
    hand_in(place, "other", NAME, read(place, "release", NAME))
    real = grading.judge

    def judge(task, limits):
        if task.function == "count_represented" and "NotImplemented" not in task.source:
            return grading.Verdict(False, "The check failed: a slip", fault=True)
        return real(task, limits)

    monkeypatch.setattr(grading, "judge", judge)
    monkeypatch.setattr(grading, "_KNOWN", {})
    problems = submissions.grade(place, NAME)
    assert problems == {"jdoe": "in part: The check failed: a slip"}
    lost = grading.tests(NAME)["test-0-1"].minutes
    assert scores_by_student(place, NAME) == {"jdoe": TOTAL - lost, "other": 0}


def test_building_again_keeps_grades_and_settings(place):
    hand_in(place, "jdoe", NAME, read(place, "source", NAME))
    submissions.grade(place, NAME)
    settings = place / "nbgrader_config.py"
    settings.write_text(settings.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")
    small_course(PATH, place.parent)
    assert settings.read_text(encoding="utf-8").endswith("# mine\n")
    hand_in(place, "other", NAME, read(place, "release", NAME))
    (place / "submitted" / "jdoe" / NAME / f"{NAME}.ipynb").unlink()
    (place / "submitted" / "jdoe" / NAME).rmdir()
    submissions.grade(place, NAME)
    assert scores_by_student(place, NAME) == {"jdoe": TOTAL, "other": 0}


def test_a_notebook_with_huge_outputs_is_told(place, monkeypatch):
    monkeypatch.setattr(submissions, "_LARGEST_NOTEBOOK", 10_000)
    hand_in(place, "jdoe", NAME, read(place, "source", NAME))
    problems = submissions.grade(place, NAME)
    assert "outputs should be cleared" in problems["jdoe"]


def test_nbgraders_own_commands_with_the_exchange(place, tmp_path):
    """Release, fetch, submit, collect, grade, give feedback back, fetch it: as on a JupyterHub."""
    exchange, student = tmp_path / "exchange", tmp_path / "student"
    exchange.mkdir()
    student.mkdir()
    exchange.chmod(0o777)
    lines = f"c = get_config()\nc.Exchange.root = {str(exchange)!r}\n"
    with open(place / "nbgrader_config.py", "a", encoding="utf-8") as file:
        file.write(lines)
    (student / "nbgrader_config.py").write_text(lines, encoding="utf-8")

    nbgrader(place, "release_assignment", NAME)
    nbgrader(student, "fetch_assignment", NAME, "--course", "superposition")
    fetched = student / NAME / f"{NAME}.ipynb"
    answers = {grading.name(cell): cell.source for cell in read(place, "source", NAME).cells}
    notebook = nbformat.read(fetched, as_version=4)
    first, second, third = grading.tests(NAME)
    for cell in notebook.cells:
        if grading.name(cell) in (first.replace("test", "answer"), third.replace("test", "answer")):
            cell.source = answers[grading.name(cell)]
    nbformat.write(notebook, fetched)
    nbgrader(student, "submit", NAME, "--course", "superposition")
    nbgrader(place, "collect", NAME)
    nbgrader(place, "autograde", NAME)
    nbgrader(place, "generate_feedback", NAME)
    nbgrader(place, "release_feedback", NAME)
    nbgrader(student, "fetch_feedback", NAME, "--course", "superposition")
    nbgrader(place, "export")

    [score] = scores_by_student(place, NAME).values()
    assert score == TOTAL - grading.tests(NAME)[second].minutes
    [page] = (student / NAME / "feedback").rglob("*.html")
    assert "not attempted yet" in page.read_text(encoding="utf-8")


def nbgrader(folder, *arguments):
    beside = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=folder, env=os.environ | {"PATH": beside}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]


def cell(text):
    return nbformat.v4.new_code_cell(text)


def task_of(*cells):
    notebook = nbformat.v4.new_notebook(cells=[cell(text) for text in cells])
    return grading.tasks(notebook, "03_one_relu")["test-3-2"]


def test_an_answer_brings_what_it_uses_and_no_more():
    task = task_of(
        "import torch, math\nfrom toyutils import plots, theory",
        "SIX = 6\nRATE = compute()\nmodel = train()",
        "def square(p):\n    return p ** TWO\nTWO = 2\ndef other():\n    return math.pi",
        "def antipodal_loss(p):\n    return square(p) / SIX",
        "def relu_reconstruct(x, W, b):\n    return torch.relu(x)",
    )
    assert task.source.startswith("def antipodal_loss")
    assert task.helpers == ("SIX = 6", "def square(p):\n    return p ** TWO", "TWO = 2")


def test_the_last_definition_counts():
    first, last = ("def antipodal_loss(p):\n    return 1", "def antipodal_loss(p):\n    return 2")
    assert task_of(first, "a = 1", last).source == last
    assert task_of(last, first, "antipodal_loss(0.5)").source == first
    for elsewhere in (
        "import functools\nantipodal_loss = functools.partial(pow, 2)",
        "try:\n    def antipodal_loss(p):\n        return 1\nfinally:\n    pass",
        "%%time\ndef antipodal_loss(p):\n    return 1",
    ):
        assert "antipodal_loss" in task_of(last, elsewhere).source
        assert task_of(last, elsewhere).source != last
    assert task_of(last, "%%writefile a.py\ndef antipodal_loss(p):\n    return 1").source == last
    broken = "def antipodal_loss(p)\n    return 2"
    assert task_of(first, broken).source == broken
    assert task_of("a = 1", "%time\n!ls\nb = 2").source is None
