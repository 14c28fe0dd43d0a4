"""Time our recipes against published ones, in turn, and print ratios: `make bench`.

Two processes live side by side, one for the peer and one for us. They take turns, A B A B, so
that both see the same machine; each turn has its own seed.
"""

import argparse
import statistics
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import plotly.graph_objects as go

from bench.rows import ROWS, timed, warm_up
from toyutils.plots.look import INK, PALETTE, log_axis, styled


def main() -> None:
    """Run the rows that were asked for, print the table, write the figure."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--rows", nargs="*", type=int, help="numbers of rows, from 0; default: all")
    parser.add_argument("--figure", type=Path, default=Path("build/bench.html"))
    arguments = parser.parse_args()
    print("| | peer, s | ours, s | ratio: median (range) | promised | measure | peer | ours |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    ratios = {}
    for k in arguments.rows or range(len(ROWS)):
        row = ROWS[k]
        peer, ours = take_turns(k, arguments.repeats)
        ratio = [row.times * a / b for (a, _), (b, _) in zip(peer, ours, strict=True)]
        median = statistics.median(ratio)
        ratios[row.name] = (median, min(ratio), max(ratio), row.promised)
        seconds, badness = (
            [statistics.median(turn[k] for turn in turns) for turns in (peer, ours)] for k in (0, 1)
        )
        scaled = f" × {row.times}" if row.times > 1 else ""
        print(
            f"| {row.name} | {seconds[0]:.3g}{scaled} | {seconds[1]:.3g} "
            f"| {median:.3g}× ({min(ratio):.3g}–{max(ratio):.3g}) | {row.promised:g}× "
            f"| {row.measure} | {badness[0]:.2g} | {badness[1]:.2g} |",
            flush=True,
        )
    arguments.figure.parent.mkdir(parents=True, exist_ok=True)
    draw(ratios).write_html(arguments.figure, include_plotlyjs=True)
    print(f"\nFigure: {arguments.figure}")


def take_turns(row: int, repeats: int) -> tuple[list, list]:
    """Return (seconds, badness) of the peer and of us, one pair for every turn."""
    one = dict(max_workers=1, mp_context=get_context("spawn"))
    with ProcessPoolExecutor(**one) as peer, ProcessPoolExecutor(**one) as ours:
        for process in (peer, ours):
            process.submit(warm_up).result()
        turns = ([], [])
        for seed in range(1, repeats + 1):
            turns[0].append(peer.submit(timed, row, "peer", seed).result())
            turns[1].append(ours.submit(timed, row, "ours", seed).result())
    return turns


def draw(ratios: dict):
    """Return a figure of the ratios on a logarithmic axis, with what is promised."""
    names = list(ratios)
    middle, low, high, promised = zip(*ratios.values(), strict=True)
    fig = go.Figure()
    fig.add_scatter(
        x=middle, y=names, mode="markers", name="measured, median and range",
        marker=dict(color=PALETTE[0], size=10),
        error_x=dict(
            type="data", symmetric=False, array=np.subtract(high, middle),
            arrayminus=np.subtract(middle, low),
        ),
    )  # fmt: skip
    fig.add_scatter(
        x=promised, y=names, mode="markers", name="promised",
        marker=dict(color=INK, symbol="line-ns-open", size=16),
    )  # fmt: skip
    fig.update_xaxes(log_axis("peer's time / ours", [*low, *high, *promised]))
    fig.update_yaxes(autorange="reversed", automargin=True)
    alt = "; ".join(f"{name}: {ratio[0]:.3g} times" for name, ratio in ratios.items())
    return styled(fig, alt, height=120 + 45 * len(names))


if __name__ == "__main__":
    main()
