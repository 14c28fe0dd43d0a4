"""Notebooks as they are handed in: saved by many editors, and damaged on the way.

FILES: {what happened to it: a function from a good notebook, as JSON, to the bytes of a file}; all
of these deserve full points. UNREADABLE: {what it is: (bytes, the reason that is told)}.
"""

import codecs
import json


def saved(**options):
    return lambda book: json.dumps(book, **options).encode("utf-8", "surrogatepass")


def encoded(encoding, mark=b""):
    return lambda book: mark + json.dumps(book, ensure_ascii=False).encode(encoding)


def text(change):
    return lambda book: change(json.dumps(book, indent=1)).encode()


def top(**changes):
    """Set fields of the notebook; those that are set to ... go."""

    def file(book):
        return saved()({k: v for k, v in (book | changes).items() if v is not ...})

    return file


def each(kind=None, **changes):
    """Set fields of every cell, or of every cell of one type; those that are set to ... go."""

    def file(book):
        for cell in book["cells"]:
            if kind in (None, cell["cell_type"]):
                cell.update({k: v(cell) if callable(v) else v for k, v in changes.items()})
                for k in [k for k in cell if cell[k] is ...]:
                    del cell[k]
        return saved()(book)

    return file


def shows(**output):
    """Let every code cell have shown this."""
    return each("code", outputs=[output])


def first(cell):
    def file(book):
        book["cells"].insert(0, cell)
        return saved()(book)

    return file


def version_3(book):
    for cell in book["cells"]:
        if cell["cell_type"] == "code":
            cell |= {"input": cell.pop("source"), "language": "python", "prompt_number": 1}
    return saved()({"worksheets": [{"cells": book["cells"]}], "nbformat": 3, "metadata": {}})


def numbered(book):
    for i, cell in enumerate(book["cells"]):
        cell["id"] = i
    return saved()(book)


def doubled(book):
    """The first answer's cell was copied, with its name."""
    i = next(i for i, c in enumerate(book["cells"]) if "answer-" in str(c["metadata"]))
    book["cells"].insert(i, json.loads(json.dumps(book["cells"][i])))
    return saved()(book)


def without(word):
    def file(book):
        book["cells"] = [c for c in book["cells"] if word not in str(c["metadata"])]
        return saved()(book)

    return file


def in_check_cells(book):
    """The answers were written into the cells of the checks, above the call."""
    for answer, check in zip(book["cells"][:-1], book["cells"][1:], strict=True):
        if "answer-" in str(answer["metadata"]) and "check-" in str(check["metadata"]):
            check["source"] = "".join(answer["source"]) + "\n" + "".join(check["source"])
            answer["source"] = ""
    return saved()(book)


PNG = {"image/png": "iVBORw0KGgo="}
FILES = {
    "as jupyter saves": saved(indent=1), "as one line": saved(), "sorted": saved(sort_keys=True),
    "escaped": saved(ensure_ascii=True), "not escaped": saved(ensure_ascii=False),
    "windows lines": text(lambda t: t.replace("\n", "\r\n")),
    "old mac lines": text(lambda t: t.replace("\n", "\r")),
    "blank around": text(lambda t: f"\n  {t}\n\n"),
    "byte order mark": encoded("utf-8", codecs.BOM_UTF8), "utf-16": encoded("utf-16"),
    "utf-16, big": encoded("utf-16-be", codecs.BOM_UTF16_BE),
    "utf-16, no mark": encoded("utf-16-le"), "utf-16, big, no mark": encoded("utf-16-be"),
    "minor 0": top(nbformat_minor=0), "minor 2": top(nbformat_minor=2),
    "minor 4": top(nbformat_minor=4), "minor of the future": top(nbformat_minor=99),
    "minor as text": top(nbformat_minor="5"), "no minor": top(nbformat_minor=...),
    "no version": top(nbformat=..., nbformat_minor=...), "version as text": top(nbformat="4"),
    "version 3": version_3, "no metadata": top(metadata=...), "metadata null": top(metadata=None),
    "metadata a list": top(metadata=[]),
    "another kernel": top(
        metadata={"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}},
    ),
    "half a kernel": top(metadata={"kernelspec": {"name": "python3"}}),
    "colab": top(metadata={"colab": {"provenance": []}, "accelerator": "GPU"}, nbformat_minor=0),
    "widgets": top(
        metadata={"widgets": {"application/vnd.jupyter.widget-state+json": {"state": {}}}},
    ),
    "vs code": top(
        metadata={"language_info": {"name": "python"}, "vscode": {"interpreter": {"hash": "x"}}},
    ),
    "unknown field": top(signature="x", worksheets=[]), "ids in format 4.4": top(nbformat_minor=4),
    "no ids": each(id=...), "same id everywhere": each(id="a"), "id with spaces": each(id="a b c"),
    "long id": each(id="x" * 100), "id null": each(id=None), "ids are numbers": numbered,
    "no execution count": each("code", execution_count=...),
    "count as text": each("code", execution_count="[1]"), "no outputs": each("code", outputs=...),
    "outputs null": each("code", outputs=None),
    "outputs in markdown": each("markdown", outputs=[], execution_count=None),
    "outputs a text": each("code", outputs="none"), "no cell metadata": without("nothing"),
    "tags a text": each("markdown", metadata={"tags": "a"}),
    "collapsed a text": each("markdown", metadata={"collapsed": "yes"}),
    "unknown field of cells": each(outputExpanded=True, prompt="In"),
    "source lines": each(source=lambda c: "".join(c["source"]).splitlines(True)),
    "source as text": each(source=lambda c: "".join(c["source"])), "names lost": each(metadata={}),
    "metadata lost": each(metadata=...), "cell metadata null": each(metadata=None),
    "names replaced": each(metadata={"nbgrader": "mine"}),
    "names of others": each(metadata={"nbgrader": {"grade_id": "x", "points": 100}}),
    "old schema": each(
        "code",
        metadata=lambda c: {"nbgrader": c["metadata"].get("nbgrader", {}) | {"schema_version": 1}},
    ),
    "unlocked": each(
        "code",
        metadata=lambda c: {"nbgrader": c["metadata"].get("nbgrader", {}) | {"locked": False}},
    ),
    "a cell copied": doubled, "checks deleted": without("check-"),
    "tests deleted": without("test-"), "answers in the checks' cells": in_check_cells,
    "stream": shows(output_type="stream", name="stdout", text="a"),
    "stream in lines": shows(output_type="stream", name="stdout", text=["a\n"]),
    "stream without a name": shows(output_type="stream", text="a"),
    "errors on stderr": shows(output_type="stream", name="stderr", text="a"),
    "transient": shows(
        output_type="display_data", data=PNG, metadata={}, transient={"display_id": "x"},
    ),
    "picture without metadata": shows(output_type="display_data", data=PNG),
    "data in lines": shows(output_type="display_data", data={"text/plain": ["a"]}),
    "no data": shows(output_type="display_data"),
    "result without a count": shows(output_type="execute_result", data=PNG),
    "error without a traceback": shows(output_type="error", ename="E", evalue="e"),
    "error": shows(output_type="error", ename="E", evalue="e", traceback=["e"]),
    "unknown output": shows(output_type="update_display_data", data=PNG),
    "output without a type": shows(data=PNG),
    "a widget": shows(
        output_type="display_data",
        data={"application/vnd.jupyter.widget-view+json": {"model_id": "x"}},
    ),
    "not a number": shows(output_type="display_data", data={"application/json": float("nan")}),
    "large outputs": shows(output_type="stream", name="stdout", text="x" * 10**6),
    "half a character": first({"cell_type": "code", "source": "x = '\ud800'", "metadata": {}}),
    "a heading cell": first(
        {"cell_type": "heading", "level": 1, "source": "Title", "metadata": {}},
    ),
    "a raw cell": first({"cell_type": "raw", "source": "raw", "metadata": {"format": "text/html"}}),
    "an empty cell": first({"cell_type": "code", "source": [], "metadata": {}}),
    "a cell without source": first({"cell_type": "code"}),
    "an attachment": first(
        {
            "cell_type": "markdown", "source": "![](attachment:a.png)", "metadata": {},
            "attachments": {"a.png": PNG},
        },
    ),
    "colab's badge": first(
        {
            "cell_type": "markdown", "id": "view-in-github", "source": "<a>",
            "metadata": {"colab_type": "text"},
        },
    ),
    "a cell that fails": first({"cell_type": "code", "source": "1 / 0", "metadata": {}}),
    "an endless cell": first({"cell_type": "code", "source": "while True: pass", "metadata": {}}),
}  # fmt: skip

UNREADABLE = {
    "nothing": (b"", "is not a notebook"),
    "a letter": (b"My answers are in the mail.", "is not a notebook"),
    "not text": (b'{"cells": [], "text": "\xff"}', "neither UTF-8 nor UTF-16"),
    "cut off": (b'{"cells": [{"cell_type": "code", "source": "x', "is not a notebook"),
    "another json": (b'{"answers": [1, 2, 3]}', "is not a notebook"),
    "a list": (b"[]", "is not a notebook"),
    "a cell of nothing": (b'{"cells": [{}], "nbformat": 4}', "is not a notebook"),
    "a number of cells": (b'{"cells": 3, "nbformat": 4}', "is not a notebook"),
    "a pdf": (b"%PDF-1.7 \x00\xff", "neither UTF-8 nor"),
    "an archive": (b"PK\x03\x04\x14\x00", "is not a notebook"),
    "another notebook": (
        b'{"cells": [{"cell_type": "code", "source": "x = 1"}], "nbformat": 4}',
        "is it another notebook?",
    ),
    "no cells": (b'{"cells": [], "nbformat": 4, "metadata": {}}', "is it another notebook?"),
    "merge conflict": (b'<<<<<<< HEAD\n{"cells": []}', "is not a notebook"),
}  # fmt: skip
