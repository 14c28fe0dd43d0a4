"""Take in what a class has handed in: read notebooks in any state, and find whose they are.

nbgrader's own `zip_collect` is not used: it forgets when a file was written, and takes of several
notebooks of one student the first.
"""

import itertools
import json
import os
import re
import shutil
import tarfile
import tempfile
import time
import unicodedata
import zipfile
from collections import Counter, defaultdict
from contextlib import suppress
from datetime import datetime
from pathlib import Path, PurePosixPath

import nbformat

from tools import grading
from toyutils.exercises import alone

# How learning platforms name a file, or its folder, in what they give for download.
_PLATFORMS = (
    # Blackboard: Homework 3_jdoe_attempt_2026-11-20-10-11-12_03_one_relu.ipynb
    r"(?:.*?_)?(?P<student>[^_]+)_attempt_(?P<date>\d{4}-\d\d-\d\d)-(?P<clock>\d\d-\d\d-\d\d)",
    # Moodle: Jane Doe_123456_assignsubmission_file_/03_one_relu.ipynb; for each assignment the
    # same student has another number
    r"(?P<student>.+)_(?P<number>\d+)_assignsubmission_",
    # Canvas: doejane_LATE_123456_7891011_03_one_relu-1.ipynb; the second number counts up
    r"(?P<student>[^_]+(?P<late>_LATE)?_\d+)_(?P<attempt>\d+)_.",
)
# Of a system, or of an editor; and folders that one student has, rather than a student's.
_NO_WORK = re.compile(r"\.|__MACOSX|__pycache__|desktop\.ini$|thumbs\.db$|~\$", re.IGNORECASE)
_NO_NAME = re.compile(
    r"(weeks?|days?|sessions?|lectures?|labs?|hw|homeworks?|assignments?|exercises?|parts?|tasks?"
    r"|notebooks?|pictures?|images?|figures?|plots?|data|src|code|work|solutions?|old|backups?"
    r"|drafts?|final|submissions?|new folder|untitled folder)[-_ ]*\d*$",
    re.IGNORECASE,
)
_ARCHIVES = {".zip", ".gz", ".tgz"}
_WORK = _ARCHIVES | {".ipynb", ".pdf", ".docx", ".doc", ".odt", ".txt", ".html", ".py", ".md"}
_LARGEST_ARCHIVE = 2 * 10**9  # bytes, unpacked
_KEPT_OUTPUTS = 20 * 10**6  # characters of a notebook's outputs; beyond, none is kept
_WIDGETS = "application/vnd.jupyter.widget"


class UnreadableError(ValueError):
    """Says in words why a submission cannot be graded."""


def read(data: bytes, assignment: str):
    """Return a notebook that was handed in as a clean one, in format 4.5: (notebook, its tasks).

    Cell types, sources, nbgrader's names and what can be shown of the outputs are kept; whatever
    editors have damaged around them does not matter. Raises UnreadableError if it is no
    notebook, or another one.
    """
    file = f"{assignment}.ipynb"
    try:
        content = json.loads(_text(data))
        cells = content["cells"] if "cells" in content else content["worksheets"][0]["cells"]
        size = sum(len(json.dumps(cell.get("outputs", ""))) for cell in cells)
        notebook = nbformat.v4.new_notebook(
            cells=[_cell(cell, i, size <= _KEPT_OUTPUTS) for i, cell in enumerate(cells)],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        )
        nbformat.validate(notebook)
    except UnicodeDecodeError as error:
        reason = f"{error.reason} at byte {error.start}"
        raise UnreadableError(f"{file} is neither UTF-8 nor UTF-16 text: {reason}") from None
    except Exception as error:  # whatever a file may hold
        reason = (str(error) or type(error).__name__).splitlines()[0][:120]
        raise UnreadableError(f"{file} is not a notebook: {reason}") from None
    tasks = grading.tasks(notebook, assignment)
    if all(task.source is None for task in tasks.values()):
        functions = ", ".join(task.function for task in tasks.values())
        raise UnreadableError(f"{file} defines none of {functions}: is it another notebook?")
    return notebook, tasks


def _text(data: bytes) -> str:
    """Decode UTF-8 or UTF-16, with a byte order mark or without."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16")
    if b"\x00" in data[:2]:
        return data.decode("utf-16-le" if data[:1] != b"\x00" else "utf-16-be")
    return data.decode("utf-8-sig")


def _cell(old: dict, i: int, with_outputs: bool):
    """Return a clean cell; formats before 4 called a code cell's source `input`."""
    source = old.get("source", old.get("input", ""))
    source = source if isinstance(source, str) else "".join(source)
    makers = {"code": nbformat.v4.new_code_cell, "raw": nbformat.v4.new_raw_cell}
    maker = makers.get(old["cell_type"], nbformat.v4.new_markdown_cell)
    cell = maker(source, id=f"cell-{i}", metadata=_metadata(old))
    if cell.cell_type == "code" and with_outputs:
        for output in old.get("outputs") or []:
            with suppress(Exception):  # damaged: it is not graded
                cell.outputs.append(_output(output))
    return cell


def _metadata(old: dict) -> dict:
    names = old.get("metadata") if isinstance(old.get("metadata"), dict) else {}
    return {"nbgrader": names["nbgrader"]} if isinstance(names.get("nbgrader"), dict) else {}


def _output(old: dict):
    """Return a clean output. Raises whatever nbformat raises if it cannot be shown."""
    if old["output_type"] == "stream":
        output = nbformat.v4.new_output("stream", text="".join(old["text"]))
    elif old["output_type"] == "error":
        fields = {key: old[key] for key in ("ename", "evalue", "traceback")}
        output = nbformat.v4.new_output("error", **fields)
    else:
        shown = {k: v for k, v in old["data"].items() if not k.startswith(_WIDGETS)}
        output = nbformat.v4.new_output("display_data", data=shown)
    nbformat.validate(output, ref="output", version=4)
    return output


def collect(course, assignment: str, downloads) -> dict[str, str]:
    """Put each student's notebook in its place; return {student: what to know about it, or ""}.

    `downloads`: an archive or a folder, as a learning platform gives it. What the same student had
    handed in before is replaced. Raises UnreadableError if it is no archive.
    """
    with tempfile.TemporaryDirectory() as folder:
        unpacked = Path(folder) / (downloads.name if downloads.is_dir() else downloads.stem)
        if downloads.is_dir():
            shutil.copytree(downloads, unpacked)
        elif not _unpack(downloads, unpacked):
            raise UnreadableError(f"{downloads} is neither a folder nor a readable .zip archive")
        for archive in [path for path in _work(unpacked) if path.suffix.lower() in _ARCHIVES]:
            if _unpack(archive, archive.with_suffix("")):  # a student's own
                archive.unlink()
        top = _top(unpacked)
        files = defaultdict(list)
        for path in _work(unpacked):
            inside = path.relative_to(top)
            student, details = whose(inside, assignment)
            files[student].append((path, details | {"path": str(inside)}))
        names = _tidy(sorted(files))
        return {name: _put(course, name, assignment, files[who]) for who, name in names.items()}


def _work(folder):
    """Return the files below a folder, less those that systems and editors leave behind."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return [p for p in files if not any(map(_NO_WORK.match, p.relative_to(folder).parts))]


def _top(folder, is_download=True):
    """Return the folder in which each entry is a student's: some archives wrap it in others.

    Where all belongs to one student, as it seems, it is the folder above that student's.
    """
    entries = [path for path in folder.iterdir() if not _NO_WORK.match(path.name)]
    folders = [path for path in entries if path.is_dir()]
    people = [path for path in folders if _is_person(path)]
    books = [path for path in entries if path.suffix.lower() == ".ipynb" and path.is_file()]
    if len(people) > 1 or any(_match(path.name) for path in entries):
        return folder
    if not folders:
        return folder if is_download or _NO_NAME.match(folder.name) else folder.parent
    if len(entries) == 1:
        top = _top(folders[0], is_download=False)
        return folder.parent if top == folder and not people else top
    several = (is_download or not books) if people else (is_download and len(books) > 1)
    return folder if several else folder.parent


def _is_person(path):
    """Tell whether a folder seems to be a student's: by its name, and by what it holds."""
    if not path.is_dir() or _NO_WORK.match(path.name) or _NO_NAME.match(path.name):
        return False
    return any(file.suffix.lower() in _WORK for file in _work(path))


def _match(name):
    """Return the match of the first platform's pattern that a name fits, or None."""
    return next(filter(None, (re.match(pattern, name) for pattern in _PLATFORMS)), None)


def _unpack(archive, folder):
    """Unpack an archive of a sensible size, with its files' times; return whether it could be.

    Names are mended: backslashes of some Windows programs, UTF-8 that is not declared.
    """
    try:
        if tarfile.is_tarfile(archive):
            with tarfile.open(archive) as content:
                if sum(member.size for member in content) <= _LARGEST_ARCHIVE:
                    content.extractall(folder, filter="data")
            return folder.is_dir()
        with zipfile.ZipFile(archive) as content:
            members = content.infolist()
            if sum(member.file_size for member in members) > _LARGEST_ARCHIVE:
                return False
            for member in members:
                name = member.filename
                if not member.flag_bits & 0x800:
                    with suppress(UnicodeError):
                        name = name.encode("cp437").decode("utf-8")
                parts = PurePosixPath(name.replace("\\", "/")).parts
                path = folder.joinpath(*(p for p in parts if p not in ("..", "/")))
                if member.is_dir() or name.endswith("\\"):
                    continue
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content.read(member))
                when = time.mktime((*member.date_time, 0, 0, -1))
                os.utime(path, (when, when))
    except Exception:  # encrypted, cut off, packed in an unknown way: one student's, not all's
        return False
    return folder.is_dir()


def whose(path, assignment: str) -> tuple[tuple[str, str], dict]:
    """Return whose file this is, (name, number), and {when, late, attempt, id} as names tell.

    The number is Moodle's. `path`: below what was unpacked; its first part decides, since students
    choose what is below. Knows the names that Moodle, Canvas and Blackboard give; else each student
    has a folder, or a file `student.ipynb`, `student_03_one_relu.ipynb` or
    `03_one_relu_student.ipynb`.
    """
    first = unicodedata.normalize("NFC", path.parts[0])
    if match := _match(first):
        entries = match.groupdict()
        name, number = match["student"].replace("_LATE", ""), entries.get("number", "")
        when = f"{entries.get('date', '')} {entries.get('clock', '').replace('-', ':')}".strip()
        try:
            datetime.strptime(when, "%Y-%m-%d %H:%M:%S")
        except ValueError:
            when = ""
        return (name, number), {
            "when": when, "late": bool(entries.get("late")),
            "attempt": int(entries.get("attempt") or 0),
            "id": number or (name.rpartition("_")[2] if "attempt" in entries else name),
        }  # fmt: skip
    if len(path.parts) == 1:
        stem = unicodedata.normalize("NFC", path.stem)
        first = re.sub(rf"^{assignment}(?=[-_ ])|(?<=[-_ ]){assignment}", "", stem).strip(" _-")
    return (first or assignment, ""), {"when": "", "late": False, "attempt": 0, "id": first}


def _put(course, student: str, assignment: str, files: list) -> str:
    """Keep the notebook that counts; without one, all files, so that grading can name them.

    Of several the one that was worked on counts, then the last: by the platform, by the archive's
    times, by the numbers in the names.
    """
    folder = course / "submitted" / student / assignment
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    books = [file for file in files if file[0].suffix.lower() == ".ipynb"]
    path, details = max(books or files, key=lambda file: _order(*file, assignment))
    origin = course / "originals" / student / f"{assignment}.json"
    origin.parent.mkdir(parents=True, exist_ok=True)
    origin.write_text(json.dumps(details), encoding="utf-8")
    if not books:
        for other, _ in files:
            shutil.copy(other, folder / other.name)
        return "no notebook"
    shutil.copy(path, folder / f"{assignment}.ipynb")
    if details["when"]:
        (folder / "timestamp.txt").write_text(f"{details['when']} UTC", encoding="utf-8")
    notes = [f"{len(books)} notebooks; {path.name} was taken"] if len(books) > 1 else []
    return "; ".join(notes + ["late"] * details["late"])


def _order(path, details: dict, assignment: str) -> tuple:
    """Return what puts a student's notebooks in order; the last one counts."""
    n_answers = -1  # not even this assignment's notebook
    if path.suffix.lower() == ".ipynb":
        with suppress(UnreadableError):
            tasks = read(path.read_bytes(), assignment)[1].values()
            n_answers = sum(alone.is_attempted(task) for task in tasks)
    stem = unicodedata.normalize("NFC", path.stem).lower()
    numbers = [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", stem)]
    worked_on = min(n_answers, 1)
    return worked_on, details["when"], details["attempt"], int(path.stat().st_mtime), numbers


def _tidy(students: list) -> dict:
    """Return {(name, number): what neither nbgrader's folders nor a table of grades stumble over}.

    The number is used to tell namesakes apart, and only for that: it may change.
    """
    names = {}
    count = Counter(name for name, _ in students)
    for name, number in students:
        whole = f"{name}_{number}" if number and count[name] > 1 else name
        tidy = re.sub(r"[\s/\\,;:'\"<>|*?\[\]{}\x00-\x1f]+", "-", whole).strip("-.") or "nameless"
        taken, free = set(names.values()), tidy
        for k in itertools.count(2):
            if free not in taken:
                break
            free = f"{tidy}-{k}"
        names[name, number] = free
    return names
