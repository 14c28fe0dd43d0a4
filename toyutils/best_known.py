"""The best shapes known: up to 12 equally important features in up to 4 dimensions.

Found by descent on the exact loss from several starts, over a grid of densities, and stored beside
this file. An entry is checked in a moment: `theory.expected_loss` of its W and b. It is the lowest
*found*. Rebuild the table, in some ten minutes on one core, with

    python -m toyutils.best_known
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from toyutils import theory

STORED = Path(__file__).with_name("best_known.npz")
MOST = {1: 2, 2: 6, 3: 9, 4: 12}  # features in a shape of d dimensions
DENSITIES = 1 / torch.logspace(0.05, 1.1, 12, dtype=torch.float64)


class Table(NamedTuple):
    """Hold models of several sizes at several densities, padded with zeros to the largest.

    `n_features` and `n_hidden` (size,), `density` (density,), `W` (size, density, hidden,
    feature), `b` (size, density, feature), `loss` (size, density).
    """

    n_features: Tensor
    n_hidden: Tensor
    density: Tensor
    W: Tensor
    b: Tensor
    loss: Tensor


def shapes() -> Table:
    """Return the stored table."""
    with np.load(STORED) as file:
        values = {name: torch.from_numpy(file[name]) for name in Table._fields}
    return Table(**{k: v.double() if v.is_floating_point() else v for k, v in values.items()})


def worth(table: Table) -> Tensor:
    """Return the loss each shape takes away per dimension, in features, (size, density)."""
    v = theory.feature_variance(1 - table.density)
    return table.n_features[:, None] * (v - table.loss) / (table.n_hidden[:, None] * v)


def best_shape(
    n_features: int, n_hidden: int, density: Tensor, n_restarts: int = 6
) -> theory.Optimum:
    """Return the lowest minimum found at each density (density,), as `theory.Optimum`.

    From random starts, then from what was found at the densities next to it.
    """
    best = theory.best_relu_model(n_features, n_hidden, 1 - density, n_restarts=n_restarts)
    for shift in (1, -1):
        W, b = (a.roll(shift, 0) for a in (best.W, best.b))
        W, b = theory.descend(W, b, 1 - density[:, None])
        loss = theory.expected_loss(W, b, 1 - density[:, None])
        lower = loss < best.loss
        best = theory.Optimum(
            torch.where(lower[:, None, None], W, best.W),
            torch.where(lower[:, None], b, best.b),
            torch.minimum(loss, best.loss),
        )
    return best


def search() -> Table:
    """Return the table, computed anew."""
    sizes = [(k, d) for d, most in MOST.items() for k in range(d + 1, most + 1)]
    W = torch.zeros(len(sizes), len(DENSITIES), 4, 12, dtype=torch.float64)
    b, loss = W[:, :, 0].clone(), W[:, :, 0, 0].clone()
    for i, (k, d) in enumerate(sizes):
        best = best_shape(k, d, DENSITIES, n_restarts=6 if k < 8 else 2)
        W[i, :, :d, :k], b[i, :, :k], loss[i] = best.W, best.b, best.loss
        print(f"{k} features in {d} dimensions", flush=True)
    n_features, n_hidden = torch.tensor(sizes).T
    return Table(n_features, n_hidden, DENSITIES, W, b, loss)


def store(table: Table) -> None:
    """Write a table to the file that `shapes` reads, W and b in single precision."""
    small = {"W": table.W.float(), "b": table.b.float()}
    np.savez_compressed(STORED, **(table._asdict() | small))


if __name__ == "__main__":
    store(search())
    print(f"wrote {STORED}")
