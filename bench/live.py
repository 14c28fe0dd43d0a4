"""Time the live pentagon in a real browser: `python -m bench.live`.

Prints, over 20 seeds, the seconds until the pentagon stands from the moment the seed is set, and
the longest time for which the page did not answer, here and with 20 models training at once.
"""

import statistics
import tempfile
from pathlib import Path

from tests.browser import lab
from toyutils import live

WATCH = """() => {
    window.longest = [];
    new PerformanceObserver(list => list.getEntries().forEach(e => longest.push(e.duration)))
        .observe({type: "longtask"});  // the browser reports what blocks for more than 50 ms
}"""
UNTIL_PENTAGON = """seed => new Promise(done => {
    const start = performance.now();
    apps.pentagon.set({seed, sparsity: 0.97, running: true});
    const look = () => {
        const seconds = (performance.now() - start) / 1000;
        if (apps.pentagon.state().shape === "pentagon") done(seconds);
        else if (seconds > 20) done(null);
        else requestAnimationFrame(look);
    };
    look();
})"""


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder, lab.open_browser() as page:
        path = Path(folder) / "live.html"
        path.write_text(live.page(), encoding="utf-8")
        page.goto(path.as_uri())
        page.wait_for_timeout(1000)
        page.evaluate(WATCH)
        seconds = [page.evaluate(UNTIL_PENTAGON, seed) for seed in range(1, 21)]
        in_time = [s for s in seconds if s is not None and s <= 5]
        print(f"pentagon within 5 s: {len(in_time)} of {len(seconds)} seeds;", end=" ")
        print(f"median {statistics.median(in_time):.2g} s, slowest {max(in_time):.2g} s")
        print("tasks of more than 50 ms:", page.evaluate("longest") or "none")
        page.evaluate("longest.length = 0; apps.pentagon.twenty()")
        page.wait_for_timeout(10_000)
        print("the same, 20 models at once:", page.evaluate("longest") or "none")
        print(page.evaluate("apps.pentagon.state().tally"))


if __name__ == "__main__":
    main()
