"""Run notebooks in JupyterLab and save what a learner sees.

    python -m tests.browser.shots notebooks/01_two_features_one_number.ipynb shots/
    python -m tests.browser.shots --figure-width 400 notebooks/*.ipynb shots/

For every notebook NAME this writes OUTDIR/NAME/figure-NN.png, one per plotly figure, and
OUTDIR/NAME/page-NN.png, the notebook from top to bottom.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.browser import lab


def main():
    arguments = _arguments()
    failed = False
    with (
        tempfile.TemporaryDirectory() as home,
        lab.start_lab(arguments.notebooks, Path(home) / "lab") as server,
        lab.open_browser(width=arguments.width, scale=arguments.scale) as page,
    ):
        page.on("console", lambda message: _report(message.type, message.text))
        page.on("pageerror", lambda error: _report("error", str(error)))
        for notebook in arguments.notebooks:
            folder = arguments.folder / notebook.stem
            for old in folder.glob("*.png"):
                old.unlink()
            start = time.monotonic()
            lab.open_notebook(page, server, notebook.name, figure_width=arguments.figure_width)
            problems = lab.errors(lab.run_all(page, timeout=arguments.timeout))
            seconds = time.monotonic() - start
            figures = lab.save_figures(page, folder)
            pages = lab.save_pages(page, folder)
            print(
                f"{notebook.name}: {len(figures)} figures, {len(pages)} pages in {folder} "
                f"({seconds:.0f} s)"
            )
            for problem in problems:
                print(f"  {problem}")
            failed = failed or bool(problems)
    return int(failed)


def _arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("notebooks", nargs="+", type=Path)
    parser.add_argument("folder", type=Path, metavar="OUTDIR")
    parser.add_argument("--width", type=int, default=1400, help="of the window, in pixels")
    parser.add_argument("--figure-width", type=int, help="of every output, in pixels")
    parser.add_argument("--scale", type=float, default=1, help="device pixels per pixel")
    parser.add_argument("--timeout", type=float, default=300, help="seconds per notebook")
    return parser.parse_args()


def _report(kind, text):
    if kind == "error":
        print(f"  browser: {text[:300]}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
