"""Take what makes `train` fast away, one thing at a time: `python -m bench.levers`.

The task is the first row of the benchmark, 5→2 at ten densities. A lever that does not show here,
in seconds or in loss, has no business in `train`.
"""

import argparse
import statistics
import time
from functools import partial

import torch

from bench.rows import DECAY, TEN, excess
from toyutils.features import IndependentFeatures
from toyutils.models import ReLUModel
from toyutils.training import FAST, train

HERE = dict(n_steps=1200, batch_size=256, progress=False, **FAST)
SPARSE = torch.full((10,), 0.003)


def run(seed, densities, empty="weighted", **settings):
    """Train one instance per density; return W and b."""
    model = ReLUModel(5, 2, len(densities), seed=seed)
    data = IndependentFeatures(5, 1 - densities[:, None], empty=empty)
    train(model, data, importance=DECAY, seed=seed, **{**HERE, **settings})
    return model.W, model.b


def one_by_one(seed, densities):
    """Train the models one after the other."""
    models = [run(seed, density) for density in densities.split(1)]
    return [torch.cat(parts) for parts in zip(*models, strict=True)]


def recorded(seed, densities):
    """Train with autograd in place of the gradient written out."""
    return run(seed, densities, loss=ReLUModel.loss)


all_points = partial(run, empty="drawn")
steady = partial(run, schedule="constant")
slow = partial(steady, learning_rate=1e-3)
VARIANTS = {
    "as it is": (run, TEN),
    "with autograd": (recorded, TEN),
    "one model after another": (one_by_one, TEN),
    "a constant rate of 1e-2": (steady, TEN),
    "a constant rate of 1e-3": (slow, TEN),
    "a constant rate of 1e-3, 10,000 steps": (partial(slow, n_steps=10_000), TEN),
    "also drawing points that are all zero": (all_points, TEN),
    "as it is, at density 0.003": (run, SPARSE),
    "also drawing points that are all zero, at density 0.003": (all_points, SPARSE),
}


def main() -> None:
    """Print what each variant costs and how close it comes."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.levers", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    run(0, TEN, n_steps=5)
    seconds, loss = ({name: [] for name in VARIANTS} for _ in range(2))
    for seed in range(1, repeats + 1):
        for name, (variant, densities) in VARIANTS.items():  # in turn: all see the same machine
            start = time.perf_counter()
            models = variant(seed, densities)
            seconds[name].append(time.perf_counter() - start)
            above = excess(models, sparsity=1 - densities[:, None], importance=DECAY)
            loss[name].append(above.item())
    print("| | s | in proportion | loss above its minimum |")
    print("| --- | --- | --- | --- |")
    for name in VARIANTS:
        median = statistics.median(seconds[name])
        ratio = median / statistics.median(seconds["as it is"])
        print(f"| {name} | {median:.2f} | {ratio:.2g} | {statistics.median(loss[name]):.2g} |")


if __name__ == "__main__":
    main()
