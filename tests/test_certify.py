"""Bounds that are proved: held against exact fractions, fine grids, and what they must refuse."""

import math
from fractions import Fraction

import pytest
import torch

from tests import rational
from toyutils import bounds, certify, certify_three, theory


def random(*shape, seed=0, scale=1.0):
    generator = torch.Generator().manual_seed(seed)
    return scale * torch.randn(*shape, generator=generator, dtype=torch.float64)


def feature_loss(a, b, i, density):
    convex, concave, *_ = bounds.parts(a, b, i, density)
    return density / 3 + convex - 2 * concave


def boxes_round(centre, edge):
    """Return boxes with all their biases, one round each row of `centre`, at one side of zero."""
    low = (centre / edge).floor() * edge
    return bounds.with_biases(low, edge)


def in_fractions(a, b, i, density):
    """Return E ReLU(z)² and E x_i ReLU(z), exactly: a, b and density are floats as they are."""
    convex = concave = Fraction(0)
    for probability, active in rational.states_of_independent([1 - Fraction(density)] * len(a)):
        slopes = [Fraction(a[j]) for j in active]
        convex += probability * rational._relu_moment(Fraction(b), slopes, 2)
        if i in active:
            times = active.index(i)
            concave += probability * rational._relu_moment(Fraction(b), slopes, 1, times=times)
    return convex, concave


@pytest.mark.parametrize("n", [1, 2, 3])
def test_parts_are_right_to_a_tenth_of_the_allowance(n):
    """The rounding error that exact fractions find, over parameters of every size."""
    a, b = random(60, n), random(60, seed=1)
    a[:, 0] = a[:, 0].abs()
    size = 10 ** (3 * torch.rand(60, generator=torch.Generator().manual_seed(2)).double() - 2)
    a, b = a * size[:, None], b * size
    a[::10], b[1::10] = 0, 0
    for density in (0.01, 0.3, 1.0):
        convex, concave, *_ = bounds.parts(a, b, 0, density)
        allowed = bounds.ROUNDING * (1 + a.abs().sum(-1) + b.abs()).square() / 10
        for k in range(60):
            exact = in_fractions(a[k].tolist(), float(b[k]), 0, density)
            for value, truth in zip((convex[k], concave[k]), exact, strict=True):
                assert abs(Fraction(float(value)) - truth) < float(allowed[k])


def test_losses_agree_with_those_of_exact():
    W, b = random(500, 1, 2), random(500, 2, seed=1, scale=0.5)
    gram = W.mT @ W
    each = [feature_loss(gram[:, i], b[:, i], i, 0.3) for i in (0, 1)]
    assert torch.allclose(sum(each) / 2, theory.expected_loss(W, b, 0.7), rtol=0, atol=1e-13)


def test_half_gradients_are_those_of_the_parts():
    a, b = random(40, 2).requires_grad_(), random(40, seed=1, scale=0.5).requires_grad_()
    convex, concave, half_slope, gradient = bounds.parts(a, b, 0, 0.4)
    for part, slope in ((convex, 2 * half_slope), (concave, gradient)):
        by_a, by_b = torch.autograd.grad(part.sum(), (a, b), retain_graph=True)
        numeric = torch.cat([by_b[:, None], by_a], -1)
        assert torch.allclose(slope, numeric, atol=1e-12)


def points_of(low, edge, n_points, seed=3):
    generator = torch.Generator().manual_seed(seed)
    inside = torch.rand(n_points, *low.shape, generator=generator, dtype=torch.float64)
    return low + edge * inside


@pytest.mark.parametrize("n", [2, 3])
def test_corners_hold_the_box(n):
    """A linear function of the products is nowhere below its lowest corner."""
    low = ((random(30, n) * 4).floor() / 4).contiguous()
    w = points_of(low, 0.25, 400)
    for i in range(n):
        corners = bounds.overlap_corners(low, low + 0.25, i)
        slope = random(20, n, seed=5)
        at_corners = (corners @ slope.T).amin(1)
        inside = ((w[..., i, None] * w) @ slope.T).amin(0)
        assert (inside >= at_corners - 1e-12).all()


@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("edge", [1 / 4, 1 / 64])
def test_no_loss_lies_below_its_bound(n, edge):
    """At thousands of random weights and biases."""
    low = (random(40 if n == 2 else 8, n) / edge).floor() * edge
    boxes = bounds.with_biases(low, edge)
    w = points_of(low, edge, 100)
    for density in (0.05, 0.5, 1.0) if n == 2 else (0.3,):
        total, bound = 0, 0
        for i in range(n):
            corner, keep, _, _ = bounds.feature_bounds(boxes, i, density)
            assert 0 < keep.sum() < len(keep)
            b = random(100, len(low), seed=6 + i, scale=0.3)
            loss = feature_loss(w[..., i, None] * w, b, i, density)
            assert (loss >= corner.amin(1)).all()
            total, bound = total + loss, bound + corner
        assert (total >= bound.amin(1)).all()


def least_on_a_grid(low, edge, i, density):
    """Return the lowest loss of feature i in each box, over a grid of weights and biases."""
    share = torch.linspace(0, 1, 5, dtype=torch.float64)
    w = low[:, None] + edge * torch.cartesian_prod(share, share)
    a = w[..., i, None] * w
    first, last = -a.clamp(min=0).sum(-1), 1 - a.clamp(max=0).sum(-1)
    b = (
        first[..., None]
        + torch.linspace(0, 1, 400, dtype=torch.float64) * (last - first)[..., None]
    )
    return feature_loss(a[:, :, None], b, i, density).amin((1, 2))


def test_a_bound_comes_near_the_least_loss_as_boxes_shrink():
    """And quadratically: to a quarter with half the edge; biases that are not best are dropped."""
    centre, gaps = random(20, 2) * 0.7, []
    for edge in (1 / 8, 1 / 16):
        low = (centre / edge).floor() * edge
        n = round(4 / edge)
        boxes = bounds.with_biases(low, edge)
        boxes = boxes._replace(intervals=[finer(rows, n) for rows in boxes.intervals])
        corner, *_ = bounds.feature_bounds(boxes, 0, 0.3)
        gap = least_on_a_grid(low, edge, 0, 0.3) - corner.amin(1)
        assert (gap > -1e-4).all()  # the grid's own error
        gaps.append(gap.mean())
    assert gaps[1] < gaps[0] / 2.5


def finer(rows, n):
    """Return the intervals of biases, each cut into `n`."""
    place, low, high = rows
    share = torch.linspace(0, 1, n + 1, dtype=torch.float64)
    ends = low[:, None] + share * (high - low)[:, None]
    return place.repeat_interleave(n), ends[:, :-1].flatten(), ends[:, 1:].flatten()


def test_a_wrong_bound_is_noticed(monkeypatch):
    """With the convex part's value at the centre in place of its tangent, losses lie below."""
    low = (random(40, 2) * 4).floor() / 4
    w, right = points_of(low, 0.25, 400), bounds.parts
    b = 0.05 * torch.rand(40, generator=torch.Generator().manual_seed(4)).double()
    intervals = [(torch.arange(40), b - 0.02, b + 0.02)] * 2
    boxes = bounds.Boxes(low, low + 0.25, intervals)
    loss = feature_loss(w[..., 0, None] * w, b.expand(400, 40), 0, 0.5).amin(0)

    def too_high():
        return int((loss < bounds.feature_bounds(boxes, 0, 0.5)[0].amin(1)).sum())

    def without_tangent(a, b, i, density):
        convex, concave, half_slope, gradient = right(a, b, i, density)
        return convex, concave, torch.zeros_like(half_slope), gradient

    assert too_high() == 0
    monkeypatch.setattr(bounds, "parts", without_tangent)
    assert too_high() > 5


def test_the_steepest_answer_costs_what_the_formula_says():
    x = torch.linspace(0, 1, 20001, dtype=torch.float64)
    for a in (1.0, 1.5, 4.0, 30.0):
        constant = torch.linspace(-a, 1, 2001, dtype=torch.float64)
        least = (x - (a * x + constant[:, None]).clamp(min=0)).square().mean(1).min()
        assert float(least) == pytest.approx(((a - 1) / (a + 1)) ** 2 / 3, abs=2e-4)


def setting(density, ratio):
    importance = torch.tensor([[1.0, ratio]], dtype=torch.float64)
    best = theory.best_relu_model(2, 1, 1 - density, importance[0], n_restarts=40)
    return importance, best


@pytest.mark.parametrize(("density", "ratio"), [(0.02, 1.0), (0.3, 0.5), (0.8, 0.2), (1.0, 3.0)])
def test_the_best_known_is_proved_best(density, ratio):
    importance, best = setting(density, ratio)
    proved, n_boxes = certify.lower_bound(density, importance, best.loss[None], relative=1e-4)
    assert best.loss * (1 - 1e-4) <= proved <= best.loss
    assert n_boxes > 100


@pytest.mark.parametrize("share", [1.0002, 1.05])
def test_a_better_model_is_noticed(share):
    """Of a loss claimed too high, by little or by much, a better model is named."""
    importance, best = setting(0.4, 0.7)
    with pytest.raises(ValueError, match="give the lowest loss known") as raised:
        certify.lower_bound(0.4, importance, share * best.loss[None], relative=1e-4)
    assert "by W [" in str(raised.value)


def test_what_is_claimed_must_exclude_something():
    importance, _ = setting(0.4, 0.7)
    with pytest.raises(ValueError, match="too high to exclude any large weight"):
        certify.lower_bound(0.4, importance, torch.tensor([1.0]))


def test_it_gives_up_aloud():
    importance, best = setting(0.4, 0.7)
    with pytest.raises(RuntimeError, match="nothing is proved after"):
        certify.lower_bound(0.4, importance, best.loss[None], relative=1e-9, most_boxes=300)


def test_equal_features_may_be_exchanged_and_others_not():
    """Half the work is saved at r = 1, and the same proved without saving it."""
    importance, best = setting(0.4, 1.0)
    nearly = importance * torch.tensor([1.0, 1 + 1e-9])
    for both in (importance, nearly):
        certify.lower_bound(0.4, both, best.loss[None], relative=1e-4)


def test_three_features_are_three_pairs_at_least():
    """The filter of boxes leaves out none that holds a good model."""
    density, best = 0.3, theory.best_relu_model(3, 1, 0.7, n_restarts=24)
    W = best.W[0][best.W[0].abs().argsort(descending=True)]
    W = W * W[0].sign()
    importance = torch.ones(1, 3, dtype=torch.float64)
    pair = theory.best_relu_model(2, 1, 0.7, n_restarts=24).loss
    boxes = certify._first_boxes(density, importance, best.loss[None] * 1.001, 2 * float(pair))
    inside = ((boxes.low - 1e-6 <= W) & (boxes.high + 1e-6 >= W)).all(1)
    assert inside.any()
    assert 50 < len(boxes.low) < 3000


def test_the_stored_map_is_that_of_notebook_09():
    table = certify.stored()
    assert torch.equal(table.density, torch.logspace(-2, 0, 60, dtype=torch.float64))
    assert torch.allclose(table.ratio, torch.logspace(-1, 1, 60, dtype=torch.float64), rtol=1e-14)
    gap = 1 - table.bound / table.loss
    assert ((gap >= 0) & (gap < 1.001e-6)).all()


def test_an_entry_of_the_map_is_proved_again():
    table, (i, j) = certify.stored(), (40, 12)
    importance = torch.stack([torch.ones(1), table.ratio[j, None]], -1).double()
    density = float(table.density[i])
    proved = certify.lower_bound(density, importance, table.loss[i, j, None], relative=1e-6).loss
    assert float(proved) == pytest.approx(float(table.bound[i, j]), rel=1.1e-6)
    assert math.isfinite(proved)


@pytest.mark.weekly
def test_every_density_of_the_map_is_proved_again():
    table = certify.stored()
    again = certify.certified_map(table.density, table.ratio[:30])
    assert torch.allclose(again.loss, table.loss, rtol=1e-8)
    assert (again.bound > table.loss * (1 - 1.001e-6)).all()


def test_three_features_are_stored_as_far_as_proved():
    """Where a bound is stored, a pair with the third left out is the best known."""
    line = certify_three.stored()
    assert torch.equal(line.density, certify_three.DENSITIES)
    done, S = line.bound.isfinite(), 1 - line.density
    gap = (1 - line.bound / line.loss)[done]
    assert done.sum() >= 8
    assert ((gap > 0) & (gap < 1.01e-3)).all()
    pair = theory.best_relu_model(2, 1, S, n_restarts=24).loss
    alone = (2 * pair + theory.feature_variance(S)) / 3
    assert torch.allclose(alone[done], line.loss[done], rtol=1e-7)


def test_no_three_features_cost_two_thirds_of_what_is_known():
    """Far below the loss known few boxes need a look: the search in seconds, not minutes."""
    density = certify_three.DENSITIES[6, None]
    loss = float(certify_three.known(density))
    bound = certify_three.certified(float(density), 0.66 * loss, 0.1)
    assert 0.594 * loss <= bound <= 0.66 * loss


def test_what_is_not_proved_is_nan(capsys):
    _, value = certify_three._attempt((0, 0.3, 1.0, 1e-3))
    assert math.isnan(value)
    assert "too high to exclude" in capsys.readouterr().out


@pytest.mark.weekly
def test_a_stored_bound_of_three_features_is_proved_again():
    line = certify_three.stored()
    again = certify_three.certified(float(line.density[6]), float(line.loss[6]), 1e-3)
    assert again == pytest.approx(float(line.bound[6]), rel=1e-5)
