"""Time the book in a real browser: `make book`, then `python -m bench.book`.

Prints, over ten visits served from this machine, the seconds from asking for the front page until
its model first moves, and for each page of a notebook until its first figure stands, when that is
in view. Nothing comes from a cache.
"""

import statistics

from tests.browser import lab
from tools import notebooks

BOOK = notebooks.ROOT / "build/book"
N_VISITS = 10
MOVED = """() => {
    const plane = document.querySelector(".tu-plane");
    window.first ??= plane?.innerHTML;
    return window.first !== undefined && window.first !== plane.innerHTML;
}"""
DRAWN = """() => {
    const place = document.querySelector(".tu-figure");
    place?.scrollIntoView();
    return !!place?.dataset.drawn;
}"""


def seconds_until(browser, address: str, condition: str) -> float:
    """Return the seconds from asking for a page, with an empty cache, until `condition`."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(address, wait_until="commit")
    page.wait_for_function(condition, timeout=30_000)
    passed = page.evaluate("performance.now()") / 1000
    context.close()
    return passed


def main() -> None:
    """Measure and print."""
    with lab.serve(BOOK) as base, lab.open_browser() as page:
        browser = page.context.browser
        moved = [seconds_until(browser, base, MOVED) for _ in range(N_VISITS)]
        print(
            f"front page moves: median {statistics.median(moved):.2f} s, at most {max(moved):.2f}"
        )
        for path in sorted((BOOK / "notebooks").glob("*.html")):
            address = f"{base}notebooks/{path.name}"
            drawn = [seconds_until(browser, address, DRAWN) for _ in range(N_VISITS)]
            told = f"median {statistics.median(drawn):.2f} s, at most {max(drawn):.2f}"
            print(f"{path.stem}, first figure: {told}")


if __name__ == "__main__":
    main()
