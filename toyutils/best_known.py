"""The lowest exact losses known of models that are too large to solve while a reader waits.

Two tables, found by descent without samples from several starts, and stored beside this file:
`shapes`, k equally important features in d dimensions; `crowded`, the k most important of twenty
features in five. An entry is checked in seconds: `theory.expected_loss` of its W and b. It is the
lowest *found*. Rebuild both, in some twenty minutes on one core, with

    python -m toyutils.best_known
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from toyutils import theory

STORED = Path(__file__).with_name("best_known.npz")
MOST = {1: 3, 2: 6, 3: 9, 4: 12}  # features in a shape of d dimensions
SHAPE_DENSITIES = 1 / torch.logspace(0.1, 1.3, 13, dtype=torch.float64)
CROWDED_DENSITIES = torch.tensor([0.1, 0.01, 0.001], dtype=torch.float64)
CROWDED_COUNTS = range(8, 19)
N_HIDDEN, IMPORTANCE = 5, 0.7 ** torch.arange(20, dtype=torch.float64)


class Table(NamedTuple):
    """Hold models of several sizes at several densities, padded with zeros to the largest.

    `n_features` and `n_hidden` (size,), `density` (density,), `W` (size, density, hidden,
    feature), `b` (size, density, feature), `loss` (size, density): the mean over the features of
    the whole data, dropped ones included.
    """

    n_features: Tensor
    n_hidden: Tensor
    density: Tensor
    W: Tensor
    b: Tensor
    loss: Tensor


def shapes() -> Table:
    """Return the best known shapes: up to 12 equally important features in up to 4 dimensions."""
    return _stored("shapes")


def crowded() -> Table:
    """Return the best known models that keep the k most important of 20 features in 5 dimensions.

    Importance 0.7^i; for the features that are left out, the bias answers the mean.
    """
    return _stored("crowded")


def best_shape(n_features: int, n_hidden: int, density: Tensor, n_restarts: int = 6):
    """Return the lowest minimum found at each density (density,), as `theory.Optimum`.

    From random starts, then from what was found at the densities next to it.
    """
    best = theory.best_relu_model(n_features, n_hidden, 1 - density, n_restarts=n_restarts)
    for shift in (1, -1):
        W, b = (a.roll(shift, 0) for a in (best.W, best.b))
        best = _lower(best, W, b, 1 - density[:, None], None)
    return best


def best_of_kept(n_kept: int, density: float, previous=None, n_restarts: int = 4):
    """Return the lowest minimum found for the `n_kept` most important features alone.

    `previous` is the best of one feature less: it joins the starts, with the new feature short
    and at random.
    """
    importance = IMPORTANCE[:n_kept]
    best = theory.best_relu_model(
        n_kept, N_HIDDEN, 1 - density, importance, n_restarts=n_restarts, n_steps=200
    )
    if previous is not None:
        generator = torch.Generator().manual_seed(n_kept)
        new = torch.randn(2, N_HIDDEN, 1, generator=generator, dtype=torch.float64)
        for column in new * torch.tensor([0.1, 0.3], dtype=torch.float64)[:, None, None]:
            W = torch.cat([previous.W, column], -1)
            b = torch.cat([previous.b, torch.zeros(1, dtype=torch.float64)])
            best = _lower(best, W, b, 1 - density, importance)
    return best


def _lower(best, W, b, sparsity, importance):
    """Return `best`, or where it is lower the minimum below W and b."""
    W, b = theory.descend(W, b, sparsity, importance, n_steps=200)
    loss = theory.expected_loss(W, b, sparsity, importance)
    lower = loss < best.loss
    return theory.Optimum(
        torch.where(lower[..., None, None], W, best.W),
        torch.where(lower[..., None], b, best.b),
        torch.minimum(loss, best.loss),
    )


def _search_shapes() -> Table:
    sizes = [(k, d) for d, most in MOST.items() for k in range(d + 1, most + 1)]
    W = torch.zeros(len(sizes), len(SHAPE_DENSITIES), 4, 12, dtype=torch.float64)
    b, loss = W[:, :, 0].clone(), W[:, :, 0, 0].clone()
    for i, (k, d) in enumerate(sizes):
        best = best_shape(k, d, SHAPE_DENSITIES, n_restarts=6 if k < 8 else 4)
        W[i, :, :d, :k], b[i, :, :k], loss[i] = best.W, best.b, best.loss
        print(f"{k} features in {d} dimensions", flush=True)
    n_features, n_hidden = torch.tensor(sizes).T
    return Table(n_features, n_hidden, SHAPE_DENSITIES, W, b, loss)


def _search_crowded() -> Table:
    n_features = len(IMPORTANCE)
    counts = torch.tensor(list(CROWDED_COUNTS))
    W = torch.zeros(len(counts), len(CROWDED_DENSITIES), N_HIDDEN, n_features, dtype=torch.float64)
    b = (CROWDED_DENSITIES / 2)[:, None].expand(len(counts), -1, n_features).clone()
    loss = W[:, :, 0, 0].clone()
    for j, density in enumerate(CROWDED_DENSITIES.tolist()):
        best = None
        for i, k in enumerate(CROWDED_COUNTS):
            best = best_of_kept(k, density, best)
            W[i, j, :, :k], b[i, j, :k] = best.W, best.b
            dropped = IMPORTANCE[k:].sum() * theory.feature_variance(1 - density)
            loss[i, j] = (k * best.loss + dropped) / n_features
            print(f"{k} features kept at density {density:g}", flush=True)
    return Table(counts, torch.full_like(counts, N_HIDDEN), CROWDED_DENSITIES, W, b, loss)


def _stored(name: str) -> Table:
    with np.load(STORED) as file:
        values = {field: torch.from_numpy(file[f"{name}_{field}"]) for field in Table._fields}
    return Table(**{k: v.double() if v.is_floating_point() else v for k, v in values.items()})


def _store(**tables: Table) -> None:
    arrays = {
        f"{name}_{field}": value.float() if field in ("W", "b") else value
        for name, table in tables.items()
        for field, value in table._asdict().items()
    }
    np.savez_compressed(STORED, **arrays)


if __name__ == "__main__":
    _store(shapes=_search_shapes(), crowded=_search_crowded())
    print(f"wrote {STORED}")
