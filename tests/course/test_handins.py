"""Notebooks in any state are read, and the right one is taken for each student of a download."""

import json
import os
import zipfile
from pathlib import Path

import pytest

from tests.course.classes import NAME, TOTAL, as_bytes, as_json, book, small_course, table
from tests.course.handins import FILES, UNREADABLE
from tools import course, grading, submissions

LIMITS = grading.Limits(seconds=10)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return small_course(tmp_path_factory.mktemp("course"))


@pytest.mark.parametrize("name", FILES)
def test_whatever_editors_do_all_answers_are_found(place, name):
    content = json.loads(json.dumps(as_json(book(place))))
    notebook, tasks = submissions.read(FILES[name](content), NAME)
    [judged] = grading.verdicts([tuple(tasks.values())], LIMITS)
    assert all(verdict.passed for verdict in judged), judged
    assert [cell.id for cell in notebook.cells] == [f"cell-{i}" for i in range(len(notebook.cells))]


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_is_no_notebook_is_told(name):
    data, reason = UNREADABLE[name]
    with pytest.raises(submissions.UnreadableError, match=reason.replace("?", r"\?")):
        submissions.read(data, NAME)


def test_figures_are_kept_and_huge_outputs_dropped(place, monkeypatch):
    shown = FILES["transient"](as_json(book(place)))
    assert '"image/png"' in as_bytes(submissions.read(shown, NAME)[0]).decode()
    monkeypatch.setattr(submissions, "_KEPT_OUTPUTS", 1000)
    assert '"image/png"' not in as_bytes(submissions.read(shown, NAME)[0]).decode()


MOODLE = "{}_assignsubmission_file_"
WHOSE = [
    ("Jane Doe_123456_assignsubmission_file_/{name}.ipynb", "Jane-Doe", "", "123456"),
    ("Jane Doe_123456_assignsubmission_file_{name}.ipynb", "Jane-Doe", "", "123456"),
    ("Zoë d'Arc_77_assignsubmission_file_/my work/book.ipynb", "Zoë-d-Arc", "", "77"),
    ("Zoe\u0308 d'Arc_77_assignsubmission_file_/book.ipynb", "Zoë-d-Arc", "", "77"),
    ("doejane_123456_7891011_{name}.ipynb", "doejane_123456", "", "123456"),
    ("doejane_LATE_123456_7891011_{name}-1.ipynb", "doejane_123456", "", "123456"),
    ("hw 3_jo_attempt_2026-11-20-10-11-12_{name}.ipynb", "jo", "2026-11-20 10:11:12", "jo"),
    ("jdoe/{name}.ipynb", "jdoe", "", "jdoe"),
    ("j.doe@uni.example/work/final (2).ipynb", "j.doe@uni.example", "", "j.doe@uni.example"),
    ("jdoe.ipynb", "jdoe", "", "jdoe"),
    ("jdoe_{name}.ipynb", "jdoe", "", "jdoe"),
    ("{name}_jdoe.ipynb", "jdoe", "", "jdoe"),
    ("{name} - Jane Doe.ipynb", "Jane-Doe", "", "Jane Doe"),
    ("{name}.ipynb", "{name}", "", NAME),
    ("../{name}.ipynb", "nameless", "", ".."),
    # What students choose themselves says nothing about others.
    ("eve/x_bob_attempt_2026-11-20-10-11-12_a.ipynb", "eve", "", "eve"),
    ("eve_7_assignsubmission_file_/bob_8_assignsubmission_file_a.ipynb", "eve", "", "7"),
    ("hw_eve_attempt_2026-11-20-10-11-12_x_bob_attempt_2099-01-01-00-00-00_a.ipynb", "eve",
     "2026-11-20 10:11:12", "eve"),
    ("hw_eve_attempt_2026-99-99-10-11-12_a.ipynb", "eve", "", "eve"),
    ("คิม/a.ipynb", "คิม", "", "คิม"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "student", "when", "number"), WHOSE)
def test_whose_file_it_is(path, student, when, number):
    who, details = submissions.whose(Path(path.format(name=NAME)), NAME)
    assert submissions._tidy([who])[who] == student.format(name=NAME)  # (name, number)
    assert (details["when"], details["id"]) == (when, number)
    assert details["late"] == ("_LATE" in path)


def test_names_that_look_alike_stay_apart():
    students = [(name, "") for name in ("Jane Doe", "Jane-Doe", "Jane,Doe", "คิม", "คีม")]
    names = submissions._tidy([*students, ("Ann Lee", "7"), ("Ann Lee", "8"), ("Bob", "9")])
    assert len(set(names.values())) == 8
    assert names["Ann Lee", "7"] == "Ann-Lee_7"
    assert names["Bob", "9"] == "Bob", "for the next assignment Moodle gives another number"
    assert not any(set(" ,") & set(name) for name in names.values())


# Layouts of a download, and whose files are in it. F: a notebook; other names hold a picture.
LAYOUTS = {
    "Homework/ann/a.ipynb Homework/bob/b.ipynb": {"ann", "bob"},
    "all/hw/Ann_1_assignsubmission_file_/a.ipynb": {"Ann"},
    "ann/a.ipynb": {"ann"},
    "ann/a.ipynb bob/b.pdf": {"ann", "bob"},
    "ann.ipynb bob.ipynb": {"ann", "bob"},
    "submissions/ann.ipynb submissions/bob.ipynb": {"ann", "bob"},
    "ann/week1/a.ipynb ann/pictures/b.png": {"ann"},
    "week1/a.ipynb pictures/b.png": {"download"},
    "week1/a.ipynb week2/b.ipynb": {"download"},
    "notes.ipynb pictures/b.png": {"download"},
    "ann/a.ipynb ann/pictures/b.png bob/b.ipynb": {"ann", "bob"},
    "ann/a.ipynb desktop.ini": {"ann"},
    "ann/a.ipynb ann/desktop.ini ann/.ipynb_checkpoints/a-checkpoint.ipynb": {"ann"},
    "ann/a.ipynb __MACOSX/ann/._a.ipynb": {"ann"},
    "ann\\a.ipynb bob\\b.ipynb": {"ann", "bob"},
    "../ann/a.ipynb bob/b.ipynb": {"ann", "bob"},
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_whoever_is_in_a_download_is_found(place, tmp_path, layout):
    right = as_bytes(book(place))
    archive = tmp_path / "download.zip"
    with zipfile.ZipFile(archive, "w") as content:
        for path in layout.split(" "):
            content.writestr(path, right if path.endswith(".ipynb") else b"a picture")
    assert set(submissions.collect(place, NAME, archive)) == LAYOUTS[layout]


# Notebooks of one student, * worked on, with the minute of writing; the last one named counts.
CHOICES = [
    f"{NAME}.ipynb=0 *Copy_of_{NAME}.ipynb=0",
    f"{NAME}.ipynb=5 *{NAME}(1).ipynb=0",
    f"*{NAME}.ipynb=0 *{NAME}(1).ipynb=5",
    f"*{NAME}(1).ipynb=0 *{NAME}.ipynb=5",
    f"*{NAME}(9).ipynb=0 *{NAME}(10).ipynb=0",
    "*Version9.ipynb=0 *Version10.ipynb=0",
    f"*{NAME}.ipynb=0 *{NAME}-1.ipynb=0",
    "*old/a.ipynb=5 *final/b.ipynb=6",
    "other.txt=9 *a.ipynb=0",
]


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("packed", [False, True])
def test_of_several_notebooks_the_one_that_was_worked_on_counts(place, tmp_path, choice, packed):
    folder, files = tmp_path / "class" / "ann_1_assignsubmission_file_", choice.split()
    for file in files:
        path, minute = file.removeprefix("*").split("=")
        notebook = book(place, "source" if "*" in file else "release")
        notebook.metadata["title"] = "taken" if file == files[-1] else "left"
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(as_bytes(notebook))
        os.utime(folder / path, (1_780_000_000 + 60 * int(minute),) * 2)
    download = folder.parent
    if packed:
        download = tmp_path / "class.zip"
        with zipfile.ZipFile(download, "w") as content:
            for path in sorted(folder.rglob("*.*")):
                content.write(path, path.relative_to(folder.parent))
    notes = submissions.collect(place, NAME, download)
    taken = (place / "submitted" / "ann" / NAME / f"{NAME}.ipynb").read_text(encoding="utf-8")
    assert '"title": "taken"' in taken
    n_books = sum(".ipynb" in file for file in files)
    assert notes["ann"].startswith(f"{n_books} notebooks; ") or n_books == 1


def test_canvas_attempts_count_as_numbers(place, tmp_path):
    for number, form in ((999, "release"), (1000, "source")):
        (tmp_path / f"doe_5_{number}_{NAME}.ipynb").write_bytes(as_bytes(book(place, form)))
    (tmp_path / f"roe_6_999_{NAME}.ipynb").write_bytes(as_bytes(book(place)))
    (tmp_path / f"roe_6_1000_{NAME}.ipynb").write_bytes(as_bytes(book(place)))
    notes = submissions.collect(place, NAME, tmp_path)
    for who in ("doe_5", "roe_6"):
        assert notes[who] == f"2 notebooks; {who}_1000_{NAME}.ipynb was taken"


@pytest.mark.parametrize("content", [None, b"no archive"])
def test_a_download_that_is_no_archive_is_told(place, tmp_path, capsys, content):
    download = tmp_path / "class.zip"
    if content:
        download.write_bytes(content)
    assert course.main(["collect", str(place.parent), NAME, str(download)]) == 1
    assert "class.zip is neither a folder nor a readable .zip archive" in capsys.readouterr().err


def test_a_class_goes_the_whole_way(place, tmp_path, capsys):
    """From a platform's download to an archive for the platform, by the commands."""
    right, empty = as_bytes(book(place)), as_bytes(book(place, "release"))
    own = tmp_path / "own.zip"
    with zipfile.ZipFile(own, "w") as archive:
        archive.writestr("work/final.ipynb", right)
    download = tmp_path / "Homework.zip"
    with zipfile.ZipFile(download, "w") as archive:
        for path, content in {
            f"Ann_1_assignsubmission_file_/{NAME}.ipynb": right,
            "Bob_2_assignsubmission_file_/Untitled (1).ipynb": right,
            "Cem_3_assignsubmission_file_/report.docx": b"see attached",
            "Dee_4_assignsubmission_file_/work.zip": own.read_bytes(),
            "Eva_5_assignsubmission_file_/work.zip": b"PK\x03\x04 and then nothing",
            "Fay_6_assignsubmission_file_/notes.ipynb": empty,
            f"hw_gil_attempt_2026-11-20-10-00-00_{NAME}.ipynb": empty,
            f"hw_gil_attempt_2026-11-21-09-00-00_{NAME}.ipynb": right,
            f"hoehal_LATE_7_70_{NAME}.ipynb": right,
        }.items():
            archive.writestr(path, content)

    folder = str(place.parent)
    for student in (place / "submitted").iterdir():  # of the tests above
        for path in sorted(student.rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
    assert course.main(["collect", folder, NAME, str(download)]) == 0
    said = capsys.readouterr().out
    assert "Cem: no notebook" in said
    assert "8 students" in said
    assert course.main(["grade", folder, NAME]) == 0
    said = capsys.readouterr().out
    assert f"Cem: not graded: {NAME}.ipynb is missing; there is report.docx" in said
    assert f"Eva: not graded: {NAME}.ipynb is missing; there is work.zip" in said
    rows = table(place)
    scores = {student: rows[student][NAME] for student in rows}
    full = str(float(TOTAL))
    assert scores | {"points possible": full, "weight": full} == {
        "Ann": full, "Bob": full, "Cem": "not graded", "Dee": full, "Eva": "not graded",
        "Fay": "0.0", "gil": full, "hoehal_7": full, "points possible": full, "weight": full,
    }  # fmt: skip
    assert rows["hoehal_7"]["late"] == NAME
    assert (rows["Ann"]["id"], rows["hoehal_7"]["id"], rows["gil"]["id"]) == ("1", "7", "gil")
    assert course.main(["feedback", folder, NAME]) == 0
    with zipfile.ZipFile(place / f"feedback-{NAME}.zip") as archive:
        assert sorted(archive.namelist()) == [
            *(f"{MOODLE.format(who)}/{NAME}.html" for who in ("Ann_1", "Bob_2", "Dee_4", "Fay_6")),
            f"hoehal_LATE_7_70_{NAME}.html", f"hw_gil_attempt_2026-11-21-09-00-00_{NAME}.html",
        ]  # fmt: skip
