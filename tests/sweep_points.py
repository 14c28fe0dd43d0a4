"""Functions that the tests of `sweeps` compute, importable by worker processes.

Also a program: `python -m tests.sweep_points FOLDER LOG N` sweeps N slow points, in one process.
"""

import os
import sys
import time
from pathlib import Path

import torch

from toyutils import sweeps


def random_sum(n, seed):
    generator = torch.Generator().manual_seed(seed)
    return {"n": n, "sum": torch.rand(n, generator=generator).sum()}


def fails_on_three(x):
    if x == 3:
        raise ValueError("three is not allowed")
    return 2 * x


def dies_once(x, folder):
    """End the whole worker process, the first time that point 2 is computed."""
    marker = Path(folder) / "died"
    if x == 2 and not marker.exists():
        marker.write_text("")
        os._exit(1)
    time.sleep(0.05)
    return x + 0.5


def logged(x, log):
    """Note when a point starts, then take a while."""
    with open(log, "a") as stream:
        stream.write(f"{x}\n")
    time.sleep(0.02)
    return torch.tensor([x, x**2])


if __name__ == "__main__":
    folder, log, n_points = sys.argv[1], sys.argv[2], int(sys.argv[3])
    # Named by its module, as a program that imports it would name it.
    from tests.sweep_points import logged as function

    sweeps.sweep(function, sweeps.product(x=range(n_points), log=[log]), folder, progress=False)
