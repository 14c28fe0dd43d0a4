"""Three equally important features, one hidden number: the losses known, and proved bounds.

`certify` takes minutes for each density here, so the bounds are stored beside this file. Rebuild
them, in ten minutes on sixteen cores, with

    python -m toyutils.certify_three [FILE] [SECONDS]

What is not proved within SECONDS (of 3600) stays NaN, and is said so.
"""

import multiprocessing
import os
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from toyutils.certify import lower_bound
from toyutils.optima import best_relu_model

STORED = Path(__file__).with_name("certified_three.npz")
DENSITIES = torch.logspace(-1, 0, 16, dtype=torch.float64)
RELATIVE = (1e-3, 1e-4)  # of the loss: the bounds are tried in this order


class Line(NamedTuple):
    """Hold what is known at each `density` (d,): `loss` and `bound` (d,), NaN where unproved."""

    density: Tensor
    loss: Tensor
    bound: Tensor


def stored() -> Line:
    """Return the stored bounds, float64."""
    with np.load(STORED) as file:
        return Line(*(torch.from_numpy(file[name]) for name in Line._fields))


def known(density: Tensor) -> Tensor:
    """Return the lowest loss found of three equal features in one dimension, (d,)."""
    return best_relu_model(3, 1, 1 - density, n_restarts=48).loss


def certified(density: float, loss: float, relative: float) -> float:
    """Return a proved lower bound of the loss, at least `loss` × (1 - `relative`).

    What two of the features cost beside a third is at least what they cost alone: given the
    third, their biases are others. Errors as in `certify.lower_bound`.
    """
    two = best_relu_model(2, 1, 1 - density, n_restarts=48).loss[None]
    one = torch.ones(1, 3, dtype=torch.float64)
    pair = lower_bound(density, one[:, :2], two, relative=1e-6).loss
    loss = torch.tensor([loss], dtype=torch.float64)
    bound = lower_bound(density, one, loss, relative=relative, others=2 * float(pair))
    return float(bound.loss)


def _attempt(task: tuple) -> tuple[int, float]:
    torch.set_num_threads(1)
    place, *setting = task
    try:
        return place, certified(*setting)
    except (RuntimeError, ValueError) as error:
        print(f"density {setting[0]:.3f}: {error}", flush=True)
        return place, float("nan")


def main(path: str | Path = STORED, seconds: float = 3600.0) -> None:
    """Prove what can be proved in time, with all cores, and write it to `path`."""
    end, loss = time.monotonic() + float(seconds), known(DENSITIES)
    bound = torch.full_like(loss, float("nan"))
    setting = list(enumerate(zip(DENSITIES.tolist(), loss.tolist(), strict=True)))
    tasks = [(k, *pair, relative) for relative in RELATIVE for k, pair in setting]
    with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
        results = pool.imap_unordered(_attempt, tasks)
        for _ in tasks:
            try:
                k, value = results.next(timeout=max(0.0, end - time.monotonic()))
            except multiprocessing.TimeoutError:
                break
            bound[k] = torch.fmax(bound[k], torch.tensor(value, dtype=torch.float64))
            print(f"density {DENSITIES[k]:.3f}: {value / loss[k] - 1:.1e}", flush=True)
            table = Line(DENSITIES, loss, bound)._asdict()
            np.savez(path, **{name: t.numpy() for name, t in table.items()})


if __name__ == "__main__":
    main(*sys.argv[1:])
