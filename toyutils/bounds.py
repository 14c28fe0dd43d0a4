"""What a box of models costs at least: bounds of the loss of a ReLU model with one hidden number.

With one hidden number w x, feature i is answered by ReLU(z), z = w_i (w x) + b_i. Write
a_j = w_i w_j. It costs

    F(a, b) = E x_i² + E ReLU(z)² - 2 E x_i ReLU(z),

convex minus convex in (a, b), since z is linear in them and x_i ≥ 0. The first convex part lies
above its tangent at any point; with the tangent in its place F becomes concave, and so takes its
least value on a polytope at a corner. `certify` searches with these bounds.

All is float64. Bounds are lowered by `ROUNDING` × (1 + size of z)², at least ten times as much as
any error that exact rational arithmetic finds in the parts (tests/test_certify.py).
"""

import itertools
import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

ROUNDING = 1e-14
N_INTERVALS = 32  # of each bias, at first


class Boxes(NamedTuple):
    """Hold boxes of weights `low` to `high` (box, feature), and intervals of each bias.

    `intervals[i]`: (place of the box, low, high), each (interval,), hold the biases of feature i
    that may be the best for some weights in the box.
    """

    low: Tensor
    high: Tensor
    intervals: list[tuple[Tensor, Tensor, Tensor]]


def with_biases(low: Tensor, edge: float) -> Boxes:
    """Return boxes with their intervals of biases.

    A bias above 1 - Σ min(a, 0) overshoots x_i everywhere, and below -Σ max(a, 0) all answers
    are zero.
    """
    boxes, intervals = Boxes(low, low + edge, []), []
    for i in range(low.shape[1]):
        corners = overlap_corners(boxes.low, boxes.high, i)
        first = -corners.clamp(min=0).amax(1).sum(-1)
        last = 1 - corners.clamp(max=0).amin(1).sum(-1)
        share = torch.linspace(0, 1, N_INTERVALS + 1, dtype=low.dtype)
        ends = first[:, None] + share * (last - first)[:, None]
        place = torch.arange(len(first)).repeat_interleave(N_INTERVALS)
        intervals.append((place, ends[:, :-1].flatten(), ends[:, 1:].flatten()))
    return Boxes(boxes.low, boxes.high, intervals)


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
        constant = active[0] + (1 - density) * (b > 0).to(b)
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
