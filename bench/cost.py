"""Measure the memory and the time that training takes, against the formulas stated in `train`.

`python -m bench.cost` prints a table and writes a figure. Every line is a process of its own,
since memory that was once taken is rarely given back. The formula for time is that of two CPU
cores; with `--device cuda` it is there to compare.
"""

import argparse
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import plotly.graph_objects as go
import psutil
import torch
from plotly.subplots import make_subplots

from toyutils.features import IndependentFeatures
from toyutils.models import ReLUModel
from toyutils.plots.look import INK, PALETTE, log_axis, styled
from toyutils.training import memory_needed, train

# n_features, n_hidden, n_instances, batch_size, n_records
SIZES = [
    (5, 2, 1, 128, 2), (5, 2, 1, 1024, 2), (5, 2, 64, 1024, 2), (5, 2, 64, 40_000, 2),
    (50, 2, 64, 4096, 2), (50, 48, 64, 4096, 2), (100, 2, 1, 200_000, 2), (200, 20, 2, 1024, 2),
    (400, 30, 2, 128, 1000), (400, 30, 30, 1024, 2), (400, 100, 512, 8, 2),
    (400, 100, 512, 8, 11), (1000, 800, 2, 1024, 2),
]  # fmt: skip


def main() -> None:
    """Measure all sizes, print the table, write the figure."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.cost", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--figure", type=Path, default=Path("build/cost.html"))
    parser.add_argument("--device", default="cpu", help="cpu, or cuda where there is a GPU")
    options = parser.parse_args()
    figure, device = options.figure, options.device
    print("| n | m | instances | batch | records | MB, by formula | MB | ms a step, formula | ms |")
    print("| --- " * 9 + "|")
    rows = []
    for size in SIZES:
        n, m, instances, batch, records = size
        formula = memory_needed(ReLUModel(n, m, instances), batch, records)
        seconds = 2.4e-4 + instances * n * (batch * (9e-9 + 3e-11 * m) + 7e-9 * m)
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
            memory, step = process.submit(measure, *size, device).result()
        rows.append((formula / 1e6, memory / 1e6, 1e3 * seconds, 1e3 * step))
        numbers = (f"{number:.3g}" for number in rows[-1])
        print(f"| {' | '.join(map(str, size))} | {' | '.join(numbers)} |", flush=True)
    figure.parent.mkdir(parents=True, exist_ok=True)
    draw(rows).write_html(figure, include_plotlyjs=True)
    print(f"\nFigure: {figure}")


def measure(
    n_features, n_hidden, n_instances, batch_size, n_records, device="cpu"
) -> tuple[float, float]:
    """Return the bytes added at the peak of a short training, and the seconds of one step."""
    # The first training pays for what is loaded once.
    _train(ReLUModel(5, 2), device, batch_size=16, n_steps=3, n_records=2)
    before = _forget_peak(device)
    model = ReLUModel(n_features, n_hidden, n_instances)
    _train(model, device, batch_size=batch_size, n_steps=max(n_records, 30), n_records=n_records)
    memory = _peak(device) - before

    numbers = n_instances * batch_size * n_features
    n_steps = int(min(max(2e7 / numbers, 3), 500))
    lap = []
    for steps in (3, 3 + n_steps):
        start = time.perf_counter()
        _train(model, device, batch_size=batch_size, n_steps=steps, n_records=2)
        lap.append(time.perf_counter() - start)
    return memory, (lap[1] - lap[0]) / n_steps


def _train(model, device, *, batch_size, n_steps, n_records):
    record_at = torch.linspace(0, n_steps, n_records).long().tolist()
    train(model, IndependentFeatures(model.W.shape[2], 0.9), n_steps=n_steps,
          batch_size=batch_size, record_at=record_at, progress=False, device=device)  # fmt: skip


def _forget_peak(device) -> int:
    """Forget the peak so far; return the bytes in use."""
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        return torch.cuda.memory_allocated()
    Path("/proc/self/clear_refs").write_text("5")
    return psutil.Process().memory_info().rss


def _peak(device) -> int:
    """Return the most bytes that were in use since `_forget_peak` (on the CPU: Linux only)."""
    if device == "cuda":
        return torch.cuda.max_memory_allocated()
    lines = Path("/proc/self/status").read_text().splitlines()
    [kilobytes] = [line.split()[1] for line in lines if line.startswith("VmHWM")]
    return 1024 * int(kilobytes)


def draw(rows: list[tuple[float, float, float, float]]):
    """Return a figure of measured against the formula, memory on the left, time on the right."""
    fig = make_subplots(cols=2, subplot_titles=["memory, MB", "time of one step, ms"])
    columns = list(zip(*rows, strict=True))
    for col, (formula, measured) in enumerate((columns[:2], columns[2:]), 1):
        ends = [min(formula), max(formula)]
        line = go.Scatter(x=ends, y=ends, mode="lines", line=dict(color=INK, width=1))
        dots = go.Scatter(x=formula, y=measured, mode="markers", marker_color=PALETTE[0])
        fig.add_traces([line, dots], rows=1, cols=col)
        values = [*formula, *measured]
        fig.update_xaxes(log_axis("by formula", values), col=col)
        fig.update_yaxes(log_axis("measured", values), col=col)
    ratio = [got / by_formula for row in rows for by_formula, got in (row[:2], row[2:])]
    alt = f"measured over formula lies between {min(ratio):.2f} and {max(ratio):.2f}"
    return styled(fig.update_layout(showlegend=False), alt, height=360)


if __name__ == "__main__":
    main()
