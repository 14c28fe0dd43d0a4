"""Make slides for each session of book/plan.toml from the notebooks' own figures.

    python tools/slides.py build/slides           all sessions (a few minutes: notebooks are run)
    python tools/slides.py build/slides --only 1  the first one

Each session becomes one HTML file that needs no network: arrow keys turn the pages, and a browser
prints them to PDF, one slide a page. A slide is a figure under its section's heading, with the
sentence that stands before it, which asks, or an exercise that is solved in class.
"""

import argparse
import base64
import html
import re
import sys
import tempfile
import tomllib
from pathlib import Path

from nbclient import NotebookClient

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tools import notebooks

PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ margin: 0; font: 3.2vmin/1.4 system-ui, sans-serif; color: #222; background: white }}
section {{ box-sizing: border-box; width: 100vw; height: 100vh; padding: 5vmin 8vmin;
  display: flex; flex-direction: column; gap: 2vmin; break-after: page; overflow: hidden }}
h1 {{ font-size: 7vmin; margin: auto 0 0 }} h2 {{ font-size: 4.5vmin; margin: 0 }}
section > :last-child {{ margin-bottom: auto }} p {{ margin: 0 }}
img {{ flex: 1; min-height: 0; object-fit: contain }}
@page {{ size: 297mm 167mm; margin: 0 }}
</style></head><body>
{slides}
<script>
addEventListener("keydown", (event) => {{
  const step = {{ ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1,
    ArrowLeft: -1, ArrowUp: -1, PageUp: -1 }}[event.key];
  if (step) {{ event.preventDefault(); scrollTo(0, (Math.round(scrollY / innerHeight) + step)
    * innerHeight); }}
}});
</script></body></html>
"""
VOTE = "Which program has the right gradient?"


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", type=int, help="number of a session")
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    plan = tomllib.loads((notebooks.ROOT / "book" / "plan.toml").read_text(encoding="utf-8"))
    for number, session in enumerate([*plan["session"], *plan["further"]], 1):
        if options.only in (None, number):
            path = options.folder / f"session-{number}.html"
            path.write_text(deck(number, session), encoding="utf-8")
            print(path)


def deck(number, session):
    """Return the page of one session; runs the notebooks that are read in it."""
    title = f"{number} · {session['title']}"
    slides = [slide(f"<h1>{html.escape(title)}</h1>")]
    exercises, frames = set(session["class"]["exercises"]), []
    vote = session["class"].get("vote", {"notebook": None})
    for path in notebooks.notebook_paths():
        if path.name[:2] in session["class"]["read"]:
            slides += notebook_slides(run(path), path, exercises)
        elif path.name[:2] == vote["notebook"]:
            outputs = [output for cell in run(path).cells for output in cell.get("outputs", [])]
            pictures = filter(None, (image(output, vote["names"]) for output in outputs))
            frames += [slide(f"<h2>{VOTE}</h2>{picture}") for picture in pictures]
    slides += frames
    return PAGE.format(title=html.escape(title), slides="\n".join(slides))


def run(path):
    """Return a notebook with its outputs."""
    notebook = notebooks.read(path)
    with tempfile.TemporaryDirectory() as folder:
        where = {"metadata": {"path": folder}}
        return NotebookClient(notebook, timeout=600, resources=where).execute()


def notebook_slides(notebook, path, exercises):
    """Return the slides of a notebook that was run."""
    title, question = notebooks.title_and_question(path)
    slides = [slide(f"<h1>{html.escape(title)}</h1><p>{html.escape(question)}</p>")]
    tasks = {e.task: e for e in notebooks.exercises(notebook, path.name) if e.number in exercises}
    heading, before = title, ""
    for i, cell in enumerate(notebook.cells):
        if i in tasks:
            exercise = tasks[i]
            text = f"Exercise {exercise.number} · {exercise.title} ({exercise.minutes} minutes)"
            task = paragraphs(cell.source.partition("\n")[2])
            slides.append(slide(f"<h2>{html.escape(text)}</h2>" + "".join(task[:3])))
        elif cell.cell_type == "markdown":
            headings = re.findall(r"^##+ (.+)$", cell.source, re.MULTILINE)
            heading = headings[-1] if headings else heading
            before = "".join(paragraphs(cell.source)[-1:])
        for output in cell.get("outputs", []):
            if picture := image(output):
                slides.append(slide(f"<h2>{html.escape(plain(heading))}</h2>{before}{picture}"))
    return slides


def slide(content):
    return f"<section>{content}</section>"


def image(output, names=None):
    """Return an output's still drawing as HTML, or nothing.

    `names`: {text: what stands in its place}; a drawing in which one is missing is left out.
    """
    data = output.get("data", {})
    alt = html.escape(" ".join("".join(data.get("text/plain", "")).split()))
    for kind in ("image/svg+xml", "image/png"):
        if kind in data:
            text = "".join(data[kind])
            for old, new in (names or {}).items():
                if old not in text:
                    return ""
                text, alt = text.replace(old, new), alt.replace(old, new)
            code = text if kind == "image/png" else base64.b64encode(text.encode()).decode()
            return f'<img alt="{alt}" src="data:{kind};base64,{code}">'
    return ""


def paragraphs(markdown):
    """Return the paragraphs of prose in Markdown as HTML; lists, tables and hints are left out."""
    text = re.sub(r"(?s)<details>.*?</details>|```.*?```|\$\$.*?\$\$", "", markdown)
    blocks = [block.strip() for block in re.split(r"\n\s*\n", text)]
    prose = [block for block in blocks if block and block[0] not in "#-|<!*0123456789"]
    return [f"<p>{html.escape(plain(block))}</p>" for block in prose]


def plain(text):
    """Return Markdown without its marks: links, emphasis, code, simple formulas."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    for name, sign in {
        "top": "ᵀ",
        "approx": "≈",
        "le": "≤",
        "ge": "≥",
        "cdot": "·",
        "times": "×",
    }.items():
        text = re.sub(rf"\^?\\{name}\b", sign, text)
    text = re.sub(r"\\(?:mathrm|text|operatorname|hat|bar)\{([^}]*)\}", r"\1", text)
    return " ".join(re.sub(r"[$*`\\{}]", "", text).split())


if __name__ == "__main__":
    main()
