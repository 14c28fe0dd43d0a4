"""The best shapes known: up to 12 equally important features in up to 4 dimensions.

Found by descent on the exact loss, over a grid of densities, and stored beside this file. An
entry is checked in a moment: `theory.expected_loss` of its W and b. It is the lowest *found*.
Rebuild the table, in three minutes on one core, with

    python -m toyutils.best_known
"""

from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from toyutils import geometry, theory

STORED = Path(__file__).with_name("best_known.npz")
# Of the 30 densities of `dimensionality.stored()`, the last of every three and the first left out.
_GRID = 1 / torch.logspace(0, 1, 30, dtype=torch.float64)
DENSITIES = torch.stack([p for i, p in enumerate(_GRID) if i and (i % 3 < 2 or i == 29)])
_SIZES = {  # features looked for in d dimensions
    1: (2, 3),
    2: (3, 4, 5, 6, 7, 8),
    3: (4, 5, 6, 7, 8, 9, 10, 11, 12),
    4: (5, 8, 10, 12),
}
_ROUGH = 1e-5  # tolerance of the search; the stored losses are right to 1e-9


class Shapes(NamedTuple):
    """Hold the best models of several sizes at several densities, padded with zeros.

    `n_features` and `n_hidden` (size,), `density` (density,), `W` (size, density, 4, 12), `b`
    (size, density, 12), `loss` (size, density).
    """

    n_features: Tensor
    n_hidden: Tensor
    density: Tensor
    W: Tensor
    b: Tensor
    loss: Tensor

    def at(self, n_features: int, n_hidden: int) -> int:
        """Return the place of a size in the table.

        Raises ValueError when the table does not hold it.
        """
        here = (self.n_features == n_features) & (self.n_hidden == n_hidden)
        if not here.any():
            raise ValueError(
                f"n_features is {n_features}, n_hidden {n_hidden}; the table holds "
                + "; ".join(f"{', '.join(map(str, k))} in {d}" for d, k in _SIZES.items())
            )
        return int(here.nonzero())

    def model(self, n_features: int, n_hidden: int, k: int) -> tuple[Tensor, Tensor]:
        """Return W (hidden, feature) and b (feature,) of a size at the density of place k."""
        i = self.at(n_features, n_hidden)
        return self.W[i, k, :n_hidden, :n_features], self.b[i, k, :n_features]

    def worth(self) -> Tensor:
        """Return the loss taken away per dimension, in features, (size, density)."""
        sizes = self.n_features[:, None], self.n_hidden[:, None]
        return theory.worth_of_a_dimension(self.loss, self.density, *sizes)


def shapes() -> Shapes:
    """Return the stored table, float64."""
    with np.load(STORED) as file:
        table = {name: torch.from_numpy(file[name]) for name in Shapes._fields}
    return Shapes(**{k: v.double() if v.is_floating_point() else v for k, v in table.items()})


def describe(W: Tensor) -> str:
    """Return what a model is made of, such as "pentagon + antipodal pair".

    The components of the Gram graph by name; one without a name reads "7 in 3", features and
    dimensions. Features that are not represented are not named.
    """
    names = Counter()
    for part in geometry.gram_components(W):
        name = part.name
        if name == "other":
            rank = int(torch.linalg.matrix_rank(W[:, list(part.features)], rtol=0.05))
            name = f"{len(part.features)} in {rank}"
        names[name] += 1
    return " + ".join(name if n == 1 else f"{n} × {name}" for name, n in names.items()) or "nothing"


def search(sizes: dict[int, tuple] = _SIZES, density: Tensor = DENSITIES) -> Shapes:
    """Return the table for `sizes[d]` features in d dimensions, computed anew."""
    minima = {}
    for d, counts in sizes.items():
        minima |= search_in(d, counts, density)
    return tabulated(minima, density)


def search_in(d: int, counts: tuple, density: Tensor = DENSITIES, seed: int = 0) -> dict:
    """Return the lowest minima found in d dimensions, {(feature, d): (W, b)}.

    `W` is (density, d, feature). Descent from random starts at every third density; then, at
    each density, from what was found at its neighbours.
    """
    third = density[1::3]
    nearest = (torch.arange(len(density)) // 3).clamp(max=len(third) - 1)
    minima = {}
    for k in counts:
        random = torch.Generator().manual_seed(seed + k)
        shape = 6 if k < 7 else 3, len(third), d, k
        W = torch.randn(shape, generator=random, dtype=torch.float64) * d**-0.5
        W, b = _descend(W, torch.zeros_like(W[:, :, 0]), third, 60)
        first = _loss(W, b, third).argmin(0), torch.arange(len(third))
        W, b = _descend(W[first][nearest], b[first][nearest], density, 30)
        best = W, b, _loss(W, b, density)
        for places in (1, -1, 1, -1):
            W, b = _descend(best[0].roll(places, 0), best[1].roll(places, 0), density, 15)
            best = _lower(best, (W, b, _loss(W, b, density)))
        minima[k, d] = _descend(*best[:2], density, 40)
        print(f"{k} features in {d} dimensions", flush=True)
    return minima


def tabulated(minima: dict, density: Tensor = DENSITIES) -> Shapes:
    """Return models {(feature, d): (W, b)} as one table, or two smaller ones where these win."""
    best = {}
    for k, d in sorted(minima, key=lambda size: size[::-1]):
        W, b = minima[k, d]
        together = _side_by_side(k, d, best, density)
        best[k, d] = _lower((W, b, _loss(W, b, density)), together)[:2]
    k_most, d_most = (max(size) for size in zip(*best, strict=True))
    W = torch.zeros(len(best), len(density), d_most, k_most, dtype=torch.float64)
    b, loss = torch.zeros_like(W[:, :, 0]), torch.zeros_like(W[:, :, 0, 0])
    for i, ((k, d), model) in enumerate(best.items()):
        # What is written is single precision, and the loss is that of what is written.
        W[i, :, :d, :k], b[i, :, :k] = (a.float().double() for a in model)
        loss[i] = theory.expected_loss(W[i, :, :d, :k], b[i, :, :k], 1 - density[:, None])
    n_features, n_hidden = torch.tensor(list(best)).T
    return Shapes(n_features, n_hidden, density, W, b, loss)


def _descend(W: Tensor, b: Tensor, density: Tensor, n_steps: int) -> tuple[Tensor, Tensor]:
    return theory.descend(W, b, 1 - density[:, None], n_steps=n_steps, tolerance=_ROUGH)


def _lower(one: tuple, other: tuple) -> tuple:
    lower = other[2] < one[2]
    return tuple(
        torch.where(lower.view(-1, *[1] * (a.ndim - 1)), b, a)
        for a, b in zip(one, other, strict=True)
    )


def _loss(W: Tensor, b: Tensor, density: Tensor) -> Tensor:
    return theory.expected_loss(W, b, 1 - density[:, None], tolerance=_ROUGH)


def _side_by_side(k: int, d: int, minima: dict, density: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return W, b and loss of the best model of two smaller ones at right angles.

    Neither notices the other; features beyond them are left out.
    """
    nothing = torch.zeros(len(density), d, k, dtype=torch.float64)
    mean = density[:, None].repeat(1, k) / 2
    best = nothing, mean, theory.feature_variance(1 - density)
    alone = torch.ones(len(density), 1, 1, dtype=torch.float64), torch.zeros(len(density), 1)
    parts = {(1, 1): alone, **minima}
    for (k_1, d_1), model in parts.items():
        if k_1 >= k or d_1 > d:
            continue
        W, b = nothing.clone(), mean.clone()
        W[:, :d_1, :k_1], b[:, :k_1] = model
        if (k - k_1, d - d_1) in parts:
            W[:, d_1:, k_1:], b[:, k_1:] = parts[k - k_1, d - d_1]
        best = _lower(best, (W, b, _loss(W, b, density)))
    return best


def store(table: Shapes) -> None:
    """Write a table to the file that `shapes` reads, W and b in single precision."""
    small = {"W": table.W.float(), "b": table.b.float()}
    np.savez_compressed(STORED, **(table._asdict() | small))


if __name__ == "__main__":
    store(search())
    print(f"wrote {STORED}")
