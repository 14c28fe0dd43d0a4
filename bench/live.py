"""Time the live page in a real browser: `python -m bench.live`.

Prints, over 20 seeds, the seconds until the pentagon stands from the moment the seed is set; then,
for each part of the page in sight by itself, the frames per second while it works, and what blocked
the page for more than 50 ms; the same with 20 models training at once.
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
    apps.pentagon.set({seed, sparsity: 0.97, importance: "equal", running: true});
    const look = () => {
        const seconds = (performance.now() - start) / 1000;
        if (apps.pentagon.state().shape === "pentagon") done(seconds);
        else if (seconds > 20) done(null);
        else requestAnimationFrame(look);
    };
    look();
})"""
FRAMES = """seconds => new Promise(done => {
    const start = performance.now();
    let n = 0;
    const look = () => {
        const passed = (performance.now() - start) / 1000;
        if (passed > seconds) done(n / passed);
        else { n++; requestAnimationFrame(look); }
    };
    look();
})"""
PARTS = {
    "pentagon": "apps.pentagon.restart()",
    "drag": "apps.drag.set({n_features: 6, sparsity: 0.95})",
    "attack": "apps.attack.set({push: [0.1, 0.1]})",
    "phase": "apps.phase.set({density: 0.2})",
    "solids": "apps.solids.set({n_features: 8, seed: 1})",
    "dictionary": "apps.dictionary.set({n_latents: 12, k: 2})",
}


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder, lab.open_browser(height=900) as page:
        path = Path(folder) / "live.html"
        path.write_text(live.page(), encoding="utf-8")
        page.goto(path.as_uri())
        page.locator("#pentagon").evaluate("e => e.scrollIntoView()")
        page.wait_for_timeout(1000)
        page.evaluate(WATCH)
        seconds = [page.evaluate(UNTIL_PENTAGON, seed) for seed in range(1, 21)]
        in_time = [s for s in seconds if s is not None and s <= 5]
        print(f"pentagon within 5 s: {len(in_time)} of {len(seconds)} seeds;", end=" ")
        print(f"median {statistics.median(in_time):.2g} s, slowest {max(in_time):.2g} s")
        print("tasks of more than 50 ms:", page.evaluate("longest") or "none")
        for part, begin in PARTS.items():
            page.locator(f"#{part}").evaluate("e => e.scrollIntoView()")
            page.wait_for_timeout(500)
            page.evaluate(f"longest.length = 0; {begin}")
            rate = page.evaluate(FRAMES, 5)
            blocked = page.evaluate("longest") or "none"
            print(f"{part}: {rate:.0f} frames a second, tasks of more than 50 ms: {blocked}")
        page.locator("#pentagon").evaluate("e => e.scrollIntoView()")
        page.evaluate("longest.length = 0; apps.pentagon.twenty()")
        page.wait_for_timeout(10_000)
        print("20 models at once, tasks of more than 50 ms:", page.evaluate("longest") or "none")
        print(page.evaluate("apps.pentagon.state().tally"))


if __name__ == "__main__":
    main()
