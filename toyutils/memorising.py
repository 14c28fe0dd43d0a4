"""Models trained on a list of points instead of a stream: what they store, and what it costs.

A point has length one, so that a loss is the share of it that is lost: a model that answers zero
loses 1. What takes minutes on a GPU is stored beside this file and rebuilt with one command each:

    python -m toyutils.memorising thousand
    python -m toyutils.memorising published

`thousand` is a tenth of the published size, with the published rate and ten times that rate;
`published` the size itself, with fewer starts and steps.

Source: Henighan et al. 2023, "Superposition, Memorization, and Double Descent"; notebook 17.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from toyutils import geometry
from toyutils.arguments import check_count
from toyutils.features import IndependentFeatures
from toyutils.models import ReLUModel
from toyutils.training import train

LARGEST = 5  # so many of the largest dimensionalities are averaged: as many as a pentagon has


class Recipe(NamedTuple):
    """Describe a stored run: its data, and how its models are trained.

    A set holds `n_drawn` points; a model is trained on the first of them, on each of `n_points`.
    """

    n_features: int
    sparsity: float
    n_points: tuple[int, ...]
    n_drawn: int
    n_sets: int
    n_starts: int
    rates: tuple[float, ...]
    n_steps: int


_SIZES = (3, 5, 6, 8, 10, 15, 30, 50, 100, 200, 500, 1000)
RECIPES = {
    "thousand": Recipe(1000, 0.99, _SIZES, 2000, 8, 8, (1e-3, 1e-2), 15_000),
    "published": Recipe(10_000, 0.999, (10, 30, 100, 300, 1000, 3000), 10_000, 4, 2, (5e-3,),
                        10_000),
}  # fmt: skip
_N_TEST = 5000
_N_KEPT = 200  # points of the first set


class Measures(NamedTuple):
    """Hold what is measured on trained models, each (instance,) or with more dimensions.

    `loss` and `test_loss`: Σ_i (x_i - y_i)², mean over the points. `length`, `bias`: the norms of
    W and b. `points`, `features`: the mean of the five largest dimensionalities of the training
    points' hidden vectors, and of the columns of W.
    """

    loss: Tensor
    test_loss: Tensor
    length: Tensor
    bias: Tensor
    points: Tensor
    features: Tensor


def unit_points(
    features: IndependentFeatures, n_points: int, n_sets: int = 1, *, seed: int = 0
) -> Tensor:
    """Draw points with something active, scaled to length one: (set, point, feature).

    The first T points of a set are a smaller data set of the same kind.

    Raises ValueError when `features` keeps empty points, which have no direction.

    Source: Henighan et al. 2023, "Experiment Setup".
    """
    if features.empty != "omitted":
        raise ValueError(f'empty is {features.empty!r}; points of length one need "omitted"')
    x = features.batch(n_points, n_sets, generator=torch.Generator().manual_seed(seed)).x
    return x / x.norm(dim=-1, keepdim=True)


def largest(D: Tensor, k: int = LARGEST) -> Tensor:
    """Return the mean of the `k` largest of D (..., item), or of all where there are fewer."""
    check_count("k", k)
    return D.topk(min(k, D.shape[-1]), -1).values.mean(-1)


def lost(W: Tensor, b: Tensor, x: Tensor) -> Tensor:
    """Return Σ_i (x_i - y_i)², mean over points, of y = ReLU(WᵀW x + b); shape (...).

    `W` (..., hidden, feature), `b` (..., feature), `x` (..., point, feature).
    """
    y = (W.mT @ (W @ x.mT) + b[..., None]).relu()
    return (x.mT - y).square().sum(-2).mean(-1)


@torch.no_grad()
def measure(model: ReLUModel, x: Tensor, test: Tensor) -> Measures:
    """Measure models on their training points x (instance or 1, point, feature) and on `test`.

    `test` (point, feature) holds points that no model has seen.
    """
    models = list(zip(model.W, model.b, x.expand(len(model.W), -1, -1), strict=True))
    return Measures(
        torch.stack([lost(*one) for one in models]),
        torch.stack([lost(W, b, test) for W, b, _ in models]),
        model.W.norm(dim=(1, 2)),
        model.b.norm(dim=1),
        torch.stack([_shares(W @ points.T) for W, _, points in models]),
        torch.stack([_shares(W) for W, *_ in models]),
    )


def _shares(W: Tensor) -> Tensor:
    return largest(geometry.feature_dimensionality(W))


def polygon_of_points(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return W (hidden, feature) and b (feature,) that store the points x as a regular polygon.

    `x` (point, feature): three points or more of length one that share no feature. Then
    y = x for each of them. With angle θ = 2π / T between neighbours and ρ² = 1 / (1 - cos θ),
    point i lies at ρ v_i, a corner of the polygon, and b lets no neighbour through.

    Raises ValueError when there are fewer than three points, one has another length, or two
    share a feature.

    Source: stated without proof in Henighan et al. 2023; derived in notebook 17.
    """
    n_points = len(x)
    overlap = x @ x.T
    if n_points < 3:
        raise ValueError(f"x holds {n_points} points; a polygon has three corners or more")
    if not torch.allclose(overlap, torch.eye(n_points).to(x), atol=1e-5):
        raise ValueError("x holds points of another length than one, or two that share a feature")
    angle = 2 * torch.pi * torch.arange(n_points).to(x) / n_points
    cosine = angle[1].cos()
    corners = torch.stack([angle.cos(), angle.sin()]) / (1 - cosine).sqrt()
    return corners @ x, -cosine / (1 - cosine) * x.sum(0)


@dataclass(frozen=True)
class Stored:
    """Hold stored runs: `measures`, each (rate, size, set, start), and some models in full.

    `n_points` (size,) and `rates` (rate,) are the axes. Of "thousand", for the first set and
    every size, the start and rate with the lowest loss: `W` (size, hidden, feature) and `b`
    (size, feature); and of that set the first 200 points, `x` (point, feature).
    """

    n_points: Tensor
    rates: Tensor
    measures: Measures
    W: Tensor | None = None
    b: Tensor | None = None
    x: Tensor | None = None

    @property
    def pooled(self) -> Measures:
        """Return the measures with the starts of all rates side by side, (size, set, start)."""
        return Measures(*(m.movedim(0, 2).flatten(2) for m in self.measures))


def stored(name: str = "thousand") -> Stored:
    """Return the stored runs "thousand" or "published"; see `RECIPES`.

    Raises ValueError when `name` is neither.
    """
    if name not in RECIPES:
        raise ValueError(f"name is {name!r}; give one of {', '.join(RECIPES)}")
    with np.load(_path(name)) as file:
        kept = {key: torch.from_numpy(file[key]) for key in file}
    measures = Measures(*(kept.pop(field) for field in Measures._fields))
    return Stored(measures=measures, **kept)


def data_of(name: str) -> tuple[Tensor, Tensor]:
    """Return the points of a stored run: to train on (set, point, feature), to test on."""
    recipe = RECIPES[name]
    features = IndependentFeatures(recipe.n_features, recipe.sparsity, empty="omitted")
    x = unit_points(features, recipe.n_drawn, recipe.n_sets, seed=0)
    return x, unit_points(features, _N_TEST, seed=1)[0]


def compute(name: str, device: str, path: Path) -> None:
    """Train what `name` describes and write it to `path`, again after every number of points."""
    recipe = RECIPES[name]
    x, test = (points.to(device) for points in data_of(name))
    n_instances = recipe.n_sets * recipe.n_starts
    done, models = [], []
    for n_points in recipe.n_points:
        points = x[:, :n_points].repeat_interleave(recipe.n_starts, 0)
        each, fits = [], []
        for rate in recipe.rates:
            model = ReLUModel(recipe.n_features, 2, n_instances, seed=n_points).to(device)
            train(model, points, n_steps=recipe.n_steps, learning_rate=rate, schedule="cosine",
                  record_at=1, progress=False, device=device)  # fmt: skip
            measures = measure(model, points, test)
            each.append([m.cpu().unflatten(0, (recipe.n_sets, -1)) for m in measures])
            best = int(measures.loss[: recipe.n_starts].argmin())
            fits.append(
                (measures.loss[best].item(), model.W[best].detach(), model.b[best].detach())
            )
        done.append([torch.stack(rates) for rates in zip(*each, strict=True)])
        lowest, *best_model = min(fits, key=lambda fit: fit[0])
        models.append(best_model)
        _write(path, recipe, done, models, x[0])
        print(f"{name}: {n_points} points, lowest loss {lowest:.4f}", flush=True)


def _write(path: Path, recipe: Recipe, done: list, models: list, x: Tensor) -> None:
    W, b = (torch.stack(part).cpu() for part in zip(*models, strict=True))
    measures = Measures(*(torch.stack(part, 1) for part in zip(*done, strict=True)))
    whole = dict(W=W, b=b, x=x[:_N_KEPT].cpu()) if recipe.n_features <= 1000 else {}
    np.savez_compressed(
        path, n_points=torch.tensor(recipe.n_points[: len(done)]), rates=torch.tensor(recipe.rates),
        **whole, **measures._asdict(),
    )  # fmt: skip


def _path(name: str) -> Path:
    return Path(__file__).with_name(f"memorising_{name}.npz")


if __name__ == "__main__":
    for name in sys.argv[1:] or RECIPES:
        compute(name, "cuda" if torch.cuda.is_available() else "cpu", _path(name))
        print(f"wrote {_path(name)}")
