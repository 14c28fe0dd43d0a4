"""Proved lower bounds of the loss of one hidden number: branch and bound over all models.

Descent finds good models and cannot say that none is better. Here the space of all weights and
biases is cut into boxes; each box gets a number that no loss inside falls below, and is halved
until that number reaches the loss that is to be proved, less a small share. `optima` supplies
that loss, `exact` computes it by other formulas.

What a box costs at least is computed in `bounds`. Rebuild the stored map, in minutes on one
core, with

    python -m toyutils.certify
"""

import itertools
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from toyutils.bounds import Boxes, feature_bounds, with_biases
from toyutils.optima import best_of_starts

STORED = Path(__file__).with_name("certified.npz")
RELATIVE = 1e-6  # of the stored map: how far its bounds lie below the losses


class Bound(NamedTuple):
    """Hold what was proved: `loss` (setting,) is a lower bound; `n_boxes` were looked at."""

    loss: Tensor
    n_boxes: int


class Map(NamedTuple):
    """Hold the stored map of two features: `density` (d,), `ratio` (r,) of their importances.

    `bound` and `loss` (d, r): no model has a loss below the one, and one has the other.
    """

    density: Tensor
    ratio: Tensor
    bound: Tensor
    loss: Tensor


def stored() -> Map:
    """Return the stored map, float64."""
    with np.load(STORED) as file:
        return Map(*(torch.from_numpy(file[name]) for name in Map._fields))


def certified_map(density: Tensor, ratio: Tensor, relative: float = RELATIVE) -> Map:
    """Return what is proved of two features, one number, at each density and ratio.

    Loss known: the lowest minimum reached from the three prototypes (notebook 09). `ratio`
    (r,) must be at most 1 and is mirrored: exchanging the features turns r into 1 / r and
    divides the loss by r.
    """
    starts = torch.tensor([[[1.0, -0.05]], [[-0.05, 1.0]], [[1.0, -1.0]]], dtype=torch.float64)
    importance = torch.stack([torch.ones_like(ratio), ratio], -1)
    sparsity = (1 - density)[:, None].expand(-1, len(ratio))
    loss = best_of_starts(starts, sparsity, importance).loss
    bound = torch.empty_like(loss)
    for i, p in enumerate(density.tolist()):
        bound[i], n_boxes = lower_bound(p, importance, loss[i], relative=relative)
        print(f"density {p:.4f}: {n_boxes} boxes", flush=True)
    both = [torch.cat([t, (t / ratio).flip(-1)], -1) for t in (bound, loss)]
    return Map(density, torch.cat([ratio, 1 / ratio.flip(0)]), *both)


def lower_bound(
    density: float,
    importance: Tensor,
    loss: Tensor,
    *,
    relative: float = 1e-4,
    others: float = 0.0,
    most_boxes: int = 1_000_000,
) -> Bound:
    """Return a proved lower bound of the loss of all ReLU models with one hidden number.

    `importance` (setting, feature) and `loss` (setting,), the least loss known at each (a mean
    over features, as everywhere). The bound is at least `loss` × (1 - `relative`). `others` is
    a known lower bound of the sum over all features but one.

    Raises ValueError when a model in the middle of a box has a loss below that, which refutes
    `loss`, or when `loss` is too high to exclude large weights; RuntimeError when the boxes
    become too many.
    """
    target, symmetric = loss * (1 - relative), bool((importance == importance[:, :1]).all())
    proved, n_boxes = loss, 0
    stack = _blocks(_first_boxes(density, importance, loss, others))
    while stack:
        boxes = stack.pop()
        n_boxes += len(boxes.low)
        if n_boxes > most_boxes:
            raise RuntimeError(f"nothing is proved after {n_boxes} boxes; raise relative")
        bound, keep = _bounds(boxes, density, importance, target)
        alive = bound < target  # (box, setting)
        proved = torch.minimum(proved, torch.where(alive, math.inf, bound).amin(0))
        halves = _halved(boxes, alive.any(1), keep)
        stack += _blocks(_some(halves, _ordered(halves)) if symmetric else halves)
    return Bound(proved, n_boxes)


def _bounds(
    boxes: Boxes, density: float, importance: Tensor, target: Tensor
) -> tuple[Tensor, list[Tensor]]:
    """Return the bound of each box, (box, setting), and which intervals to keep."""
    n = importance.shape[-1]
    corner, keep, middle, b = zip(
        *(feature_bounds(boxes, i, density) for i in range(n)), strict=True
    )
    value = torch.stack(middle, -1) @ importance.T / n
    if (value < target).any():
        k, setting = divmod(int((value / target).argmin()), len(target))
        raise ValueError(
            f"a loss of {float(value[k, setting])} is reached in setting {setting}, below the "
            f"target {float(target[setting])}, by W {((boxes.low + boxes.high)[k] / 2).tolist()} "
            f"with b {[float(one[k]) for one in b]}; give the lowest loss known"
        )
    return (torch.stack(corner, -1) @ importance.T).amin(1) / n, list(keep)


def steepest(density: float, importance: Tensor, loss: Tensor, others: float = 0.0) -> Tensor:
    """Return how large a weight (feature,) may be, at most, in a model as good as `loss`.

    Given the other features, z is a x_i plus a constant, a = w_i². For a ≥ 1 the best constant
    leaves the error x - z, linear on z > 0, with mean zero there; so the least error grows with
    a, to ((a - 1) / (a + 1))² / 3, reached when z > 0 from x = (a - 1) / (a + 1) on.

    Raises ValueError when every weight may be as good.
    """
    n = importance.shape[-1]
    share = 3 * (n * loss[:, None] - others) / (importance * density)
    if (share >= 1).any():
        raise ValueError(f"loss is {loss.tolist()}; too high to exclude any large weight")
    root = share.clamp(min=0).sqrt()
    return ((1 + root) / (1 - root)).sqrt().amax(0)


def _first_boxes(density: float, importance: Tensor, loss: Tensor, others: float) -> Boxes:
    """Return boxes round all models that may be as good as `loss`.

    The sign of all weights together does not matter: the first is positive.
    """
    n, reach = importance.shape[-1], steepest(density, importance, loss, others)
    edge = 1 / 4 if n == 2 else 1 / 8
    n_steps = (reach.max() / edge).ceil().long().repeat(n) if n > 2 else (reach / edge).ceil()
    axes = [torch.arange(-k if i else 0, k) for i, k in enumerate(n_steps.long().tolist())]
    cells = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1).flatten(0, -2)
    if (importance == importance[:, :1]).all():
        cells = cells[_ordered(Boxes(cells, cells + 1, []))]
    if n > 2:
        least = _beside_one_partner(cells, int(n_steps[0]), edge, density)
        cells = cells[(least @ importance.T / n < loss).any(1)]
    return with_biases(cells.double() * edge, edge)


def _beside_one_partner(cells: Tensor, reach: int, edge: float, density: float) -> Tensor:
    """Return what each feature of a cell costs at least, (cell, feature), from pairs alone.

    For a feature beside one partner, a third adds to z what a better bias could have added.
    """
    axis = torch.arange(-reach, reach)
    pairs = with_biases(torch.cartesian_prod(axis, axis).double() * edge, edge)
    cost = [feature_bounds(block, 0, density)[0].amin(1) for block in _blocks(pairs)]
    cost = torch.cat(cost).view(len(axis), len(axis))
    at = (cells + reach).unbind(-1)
    each = [torch.stack([cost[i, j] for j in at if j is not i]).amax(0) for i in at]
    return torch.stack(each, -1)


def _ordered(boxes: Boxes) -> Tensor:
    """Tell which boxes hold weights of falling size: all others are those, renamed."""
    smallest = torch.minimum(boxes.low.abs(), boxes.high.abs())  # no box has zero inside
    largest = torch.maximum(boxes.low.abs(), boxes.high.abs())
    return (largest[:, :-1] >= smallest[:, 1:]).all(1)


def _some(boxes: Boxes, which: Tensor) -> Boxes:
    """Return some of the boxes, with their intervals."""
    number = which.cumsum(0) - 1
    intervals = []
    for place, low, high in boxes.intervals:
        here = which[place]
        intervals.append((number[place[here]], low[here], high[here]))
    return Boxes(boxes.low[which], boxes.high[which], intervals)


def _blocks(boxes: Boxes) -> list[Boxes]:
    """Return the boxes in parts small enough for the processor's cache."""
    n_boxes, n = boxes.low.shape
    size = 75 if n == 2 else 3
    place = torch.arange(n_boxes) // size
    return [_some(boxes, place == k) for k in range(-(-n_boxes // size))]


def _halved(boxes: Boxes, alive: Tensor, keep: list[Tensor]) -> Boxes:
    """Return the halves, along every weight and bias, of what is left."""
    intervals = [tuple(t[k] for t in rows) for rows, k in zip(boxes.intervals, keep, strict=True)]
    boxes = _some(Boxes(boxes.low, boxes.high, intervals), alive)
    n_boxes, n = boxes.low.shape
    upper = torch.tensor(list(itertools.product([0.0, 0.5], repeat=n)), dtype=boxes.low.dtype)
    edge = boxes.high - boxes.low
    low = (boxes.low + upper[:, None] * edge).flatten(0, 1)
    high = (boxes.high - (0.5 - upper)[:, None] * edge).flatten(0, 1)
    intervals = []
    for place, first, last in boxes.intervals:
        middle = (first + last) / 2
        place = torch.cat([place, place])
        place = torch.cat([place + k * n_boxes for k in range(len(upper))])
        first, last = torch.cat([first, middle]), torch.cat([middle, last])
        intervals.append((place, first.repeat(len(upper)), last.repeat(len(upper))))
    return Boxes(low, high, intervals)


if __name__ == "__main__":
    ratios = torch.logspace(-1, 1, 60, dtype=torch.float64)
    table = certified_map(torch.logspace(-2, 0, 60, dtype=torch.float64), ratios[:30])
    np.savez_compressed(STORED, **{name: t.numpy() for name, t in table._asdict().items()})
    print(f"wrote {STORED}")
