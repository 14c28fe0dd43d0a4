"""Proved lower bounds of the loss of one hidden number: branch and bound over all models.

Descent finds good models and cannot say that none is better. Here the space of all weights and
biases is cut into boxes; each box gets a number that no loss inside falls below, and is halved
until that number reaches the loss that is to be proved, less a small share. `optima` supplies
that loss, `exact` computes it by other formulas.

A ReLU model with one hidden number w·x answers feature i by ReLU(z), z = w_i (w·x) + b_i. Write
a_j = w_i w_j. Feature i then costs

    F(a, b) = E x_i² + E ReLU(z)² - 2 E x_i ReLU(z),

convex minus convex in (a, b), since z is linear in them and x_i ≥ 0. The first convex part lies
above its tangent; what is left is concave, so its minimum over a polytope is at a corner.

All is float64. Bounds are lowered by `ROUNDING` × (1 + size of z)², many times the error that
exact rational arithmetic finds in them (tests/test_certify.py). Rebuild the stored map, in minutes
on one core, with

    python -m toyutils.certify
"""

import itertools
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from toyutils.optima import best_of_starts

STORED = Path(__file__).with_name("certified.npz")
ROUNDING = 1e-14
RELATIVE = 1e-6  # of the stored map: how far its bounds lie below the losses
_EDGE = 1 / 8
_N_INTERVALS = 32  # of each bias, at first


class Boxes(NamedTuple):
    """Hold boxes of weights `low` to `high` (box, feature), and intervals of each bias.

    `intervals[i]`: (place of the box, low, high), each (interval,), hold the biases of feature i
    that may be the best for some weights in the box.
    """

    low: Tensor
    high: Tensor
    intervals: list[tuple[Tensor, Tensor, Tensor]]


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


def active_moments(a: Tensor, b: Tensor, density: float) -> Tensor:
    """Return E x̃ x̃ᵀ over z = b + a x > 0, where x̃ = (1, x), shape (..., n + 1, n + 1).

    a (..., n), b (...); features are independent, U[0, 1] with probability `density`, else 0.
    The last feature is integrated by Gauss's rule between the places where the integrand changes
    from one polynomial to another, which is exact; the first in closed form.
    """
    n = a.shape[-1]
    slope = torch.where(a[..., -1].abs() < 1e-300, 1e-300, a[..., -1])
    if n == 1:
        zero = (-b / slope).clamp(0, 1)
        first, last = torch.where(slope > 0, zero, 0), torch.where(slope > 0, 1, zero)
        active = [density * (last**k - first**k) / k for k in (1, 2, 3)]
        constant = active[0] + (1 - density) * (b > 0)
        rows = [constant, active[1], active[1], active[2]]
        return torch.stack(rows, -1).unflatten(-1, (2, 2))
    rest = a[..., :-1]
    sums = [
        rest[..., list(s)].sum(-1)
        for k in range(n)
        for s in itertools.combinations(range(n - 1), k)
    ]
    knots = torch.stack([-(b + s) / slope for s in sums], -1).clamp(0, 1).sort(-1).values
    edge = torch.zeros_like(b)[..., None]
    x, weight = _gauss(torch.cat([edge, knots, edge + 1], -1), (n + 3) // 2)
    inner = active_moments(rest[..., None, :], b[..., None] + a[..., -1:] * x, density)
    weight = density * weight[..., None, None]
    linear = (weight * x[..., None, None] * inner[..., :1, :]).sum(-3)  # E x_n (1, x_1, …)
    square = (weight * (x * x)[..., None, None] * inner[..., :1, :1]).sum(-3)
    block = (weight * inner).sum(-3) + (1 - density) * active_moments(rest, b, density)
    return torch.cat([torch.cat([block, linear.mT], -1), torch.cat([linear, square], -1)], -2)


def _gauss(edges: Tensor, n_points: int) -> tuple[Tensor, Tensor]:
    """Return nodes and weights (..., piece × point) of Gauss's rule between `edges`."""
    node, weight = (torch.as_tensor(t) for t in np.polynomial.legendre.leggauss(n_points))
    half, middle = edges.diff(dim=-1) / 2, (edges[..., 1:] + edges[..., :-1]) / 2
    x = middle[..., None] + half[..., None] * node
    return x.flatten(-2), (half[..., None] * weight).flatten(-2)


def parts(a: Tensor, b: Tensor, i: int, density: float) -> tuple[Tensor, ...]:
    """Return E ReLU(z)² and E x_i ReLU(z), (...), and half the first's and the second's gradient.

    Both gradients, (..., n + 1), are with respect to (b, a); shapes as in `active_moments`.
    """
    a, b = a.broadcast_to(*b.shape, a.shape[-1]), b
    moments, theta = active_moments(a, b, density), torch.cat([b[..., None], a], -1)
    half_slope = (moments @ theta[..., None])[..., 0]
    return (half_slope * theta).sum(-1), half_slope[..., i + 1], half_slope, moments[..., i + 1, :]


def overlap_corners(low: Tensor, high: Tensor, i: int) -> Tensor:
    """Return points whose hull holds w_i w_j, j = 0 … n - 1, for all w in a box: (box, 3ⁿ, n).

    They are the coefficients of these polynomials in Bernstein's basis of degree two in each
    weight: (l, (l + h) / 2, h) for a weight, (l², l h, h²) for its square. As points of *all*
    products w_i w_j they are the same for every i.
    """
    n = low.shape[-1]
    choice = torch.tensor(list(itertools.product(range(3), repeat=n)), device=low.device)
    once = torch.stack([low, (low + high) / 2, high], 1)  # (box, 3, n)
    twice = torch.stack([low * low, low * high, high * high], 1)
    each = once.gather(1, choice.expand(len(low), -1, -1))
    product = each[..., i, None] * each
    product[..., i] = twice[:, choice[:, i], i]
    return product


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

    The sign of all weights together does not matter: the first is positive. With more than two
    features, boxes are left out in which the features, each beside one of its partners only,
    cost too much: the others add to z what a better bias could have added.
    """
    n, reach = importance.shape[-1], steepest(density, importance, loss, others)
    edge = 1 / 4 if n == 2 else _EDGE
    n_steps = (reach / edge).ceil().long()
    if n > 2:
        n_steps[:] = n_steps.max()
    axes = [torch.arange(-k if i else 0, k) for i, k in enumerate(n_steps.tolist())]
    cells = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1).flatten(0, -2)
    if n > 2:
        k = int(n_steps[0])
        own = torch.cartesian_prod(torch.arange(-k, k), torch.arange(-k, k)).double() * edge
        beside = [
            feature_bounds(block, 0, density)[0].amin(1)
            for block in _blocks(_with_biases(own, edge))
        ]
        beside = torch.cat(beside).view(2 * k, 2 * k)
        cells = (
            cells[_ordered(Boxes(cells * edge, (cells + 1) * edge, []))]
            if (importance == importance[:, :1]).all()
            else cells
        )
        at = cells + k
        least = [
            torch.stack([beside[at[:, i], at[:, j]] for j in range(n) if j != i]).amax(0)
            for i in range(n)
        ]
        total = torch.stack(least, -1) @ importance.T / n
        cells = cells[(total < loss).any(1)]
    return _with_biases(cells.double() * edge, edge)


def _with_biases(low: Tensor, edge: float) -> Boxes:
    """Return boxes with their intervals of biases.

    A bias above 1 - Σ min(a, 0) overshoots x_i everywhere, and below -Σ max(a, 0) all answers
    are zero.
    """
    boxes, intervals = Boxes(low, low + edge, []), []
    for i in range(low.shape[1]):
        corners = overlap_corners(boxes.low, boxes.high, i)
        first = -corners.clamp(min=0).amax(1).sum(-1)
        last = 1 - corners.clamp(max=0).amin(1).sum(-1)
        share = torch.linspace(0, 1, _N_INTERVALS + 1, dtype=low.dtype)
        ends = first[:, None] + share * (last - first)[:, None]
        place = torch.arange(len(first)).repeat_interleave(_N_INTERVALS)
        intervals.append((place, ends[:, :-1].flatten(), ends[:, 1:].flatten()))
    return Boxes(boxes.low, boxes.high, intervals)


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


def feature_bounds(boxes: Boxes, i: int, density: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return what feature i costs at least, at the corners of each box: (box, 3ⁿ).

    The loss at any weights in the box is at least that of the lowest corner, and so for any
    weighted sum over features, since each is bounded by a concave function of the corners' hull
    (see the head of this module). Second: which intervals of its bias to keep, (interval,): in
    the others the loss is nowhere below that at one bias in the middle. Third: that loss at the
    middle of the box, and fourth its bias, (box,).
    """
    place, low, high = boxes.intervals[i]
    corners = overlap_corners(boxes.low, boxes.high, i)
    centre = (boxes.low + boxes.high)[:, i, None] * (boxes.low + boxes.high) / 4
    middle, half = (low + high) / 2, (high - low) / 2
    convex, concave, slope, _ = parts(centre[place], middle, i, density)
    loss = density / 3 + convex - 2 * concave
    away = corners - centre[:, None]
    tangent = convex[:, None] + 2 * (away[place] @ slope[:, 1:, None])[..., 0]
    step = 2 * (slope[:, 0] * half)[:, None]
    ends = torch.stack([low, high], -1)[:, None]
    xy = parts(corners[place][:, :, None], ends.expand(-1, corners.shape[1], 2), i, density)[1]
    below = density / 3 + (tangent[..., None] + torch.cat([-step, step], -1)[:, None] - 2 * xy)
    below = below.amin(-1)

    lowest = torch.full_like(centre[:, 0], math.inf).scatter_reduce(0, place, loss, "amin")
    best = (loss == lowest[place]).nonzero()[:, 0]
    best = torch.zeros_like(place[: len(centre)]).scatter(0, place[best], best)
    convex = parts(corners, middle[best, None].expand(corners.shape[:2]), i, density)[0]
    _, concave, _, gradient = parts(centre, middle[best], i, density)
    linear = concave[:, None] + (away @ gradient[:, 1:, None])[..., 0]
    above = density / 3 + convex - 2 * linear  # convex: an upper bound at the bias `best`

    size = 1 + corners.abs().sum(-1).amax(-1)[place] + torch.maximum(low.abs(), high.abs())
    below = below - ROUNDING * size.square()[:, None]
    keep = (below - above[place]).amin(-1) < 0
    bound = torch.full_like(above, math.inf)
    at = place[keep, None].expand(-1, bound.shape[1])
    return bound.scatter_reduce(0, at, below[keep], "amin"), keep, lowest, middle[best]


if __name__ == "__main__":
    ratios = torch.logspace(-1, 1, 60, dtype=torch.float64)
    table = certified_map(torch.logspace(-2, 0, 60, dtype=torch.float64), ratios[:30])
    np.savez_compressed(STORED, **{name: t.numpy() for name, t in table._asdict().items()})
    print(f"wrote {STORED}")
