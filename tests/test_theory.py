import math

import pytest
import torch

from toyutils import geometry, theory
from toyutils.exercises import nb06
from toyutils.theory import expected_loss


# The first table for 2 -> 1: exact minima.
@pytest.mark.parametrize(
    ("sparsity", "importance", "minimum", "W", "b"),
    [
        (0.0, [1.0, 1.0], 1 / 24, [[0.6, 0.8]], None),
        (0.0, [1.0, 0.1], 0.1 / 24, [[1.0, 0.0]], [0.0, 0.5]),
        (0.8, [1.0, 0.1], 0.0028333, [[-1.0, 0.0]], [0.0, 0.1]),
        (0.8, [1.0, 1.0], 0.0283333, [[0.6, -0.8]], None),
    ],
)
def test_linear_minima(sparsity, importance, minimum, W, b):
    assert theory.linear_minimum(sparsity, importance, 1) == pytest.approx(minimum, rel=1e-4)
    W = torch.tensor(W, dtype=torch.float64)
    mean = torch.full((2,), theory.feature_mean(sparsity), dtype=torch.float64)
    b = mean - W.T @ (W @ mean) if b is None else torch.tensor(b)
    loss = expected_loss(W, b, sparsity, importance, activation="linear")
    assert loss.item() == pytest.approx(minimum, rel=1e-4)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((1.5, [1.0, 1.0], 1), r"sparsity is 1\.5"),
        ((0.5, [1.0, -1.0], 1), r"importance is \[1\.0, -1\.0\]"),
        ((0.5, [1.0, math.nan], 1), "importance is"),
        ((0.5, [1.0, 1.0], -1), "n_hidden is -1"),
    ],
)
def test_bad_linear_models_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        theory.linear_minimum(*arguments)


def test_linear_minimum_is_one():
    """No tied linear model found by descent from many starts is better."""
    importance = torch.tensor([1.0, 0.6, 0.3], dtype=torch.float64)
    random = torch.Generator().manual_seed(0)
    W = torch.randn(40, 2, 3, generator=random, dtype=torch.float64).requires_grad_()
    b = torch.zeros(40, 3, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([W, b], lr=0.02)
    for _ in range(1500):
        optimizer.zero_grad()
        loss = expected_loss(W, b, 0.4, importance, activation="linear")
        loss.sum().backward()
        optimizer.step()
    minimum = theory.linear_minimum(0.4, importance, 2)
    assert loss.min().item() == pytest.approx(minimum, rel=1e-3)
    assert loss.min().item() >= minimum - 1e-9


def test_antipodal_loss_is_that_of_the_antipodal_model():
    density = torch.tensor([0.05, 0.2, 0.7, 1.0], dtype=torch.float64)
    W, b = torch.tensor([[1.0, -1.0]]), torch.zeros(2)
    exact = expected_loss(W, b, 1 - density[:, None])
    assert torch.allclose(exact, theory.antipodal_loss(density), atol=1e-12)


# The second table for 2 -> 1: density, linear optimum, antipodal with b = 0.
@pytest.mark.parametrize(
    ("density", "linear", "antipodal"),
    [
        (1.0, 0.041667, 0.166667),
        (0.8, 0.053333, 0.106667),
        (0.6, 0.055000, 0.060000),
        (0.5, 0.052083, 0.041667),
        (0.4, 0.046667, 0.026667),
        (0.2, 0.028333, 0.006667),
        (0.1, 0.015417, 0.001667),
        (0.05, 0.008021, 0.000417),
    ],
)
def test_what_the_relu_optima_are_held_against(density, linear, antipodal):
    got = theory.linear_minimum(1 - density, [1.0, 1.0], 1)
    assert got == pytest.approx(linear, abs=6e-7)
    assert theory.antipodal_loss(density) == pytest.approx(antipodal, abs=6e-7)


# Sparse-limit polygons: k, h, radius, bias.
@pytest.mark.parametrize(
    ("k", "h", "radius", "bias"),
    [
        (4, 0.0, 1.0, 0.0),
        (5, 0.23738, 1.17046, -0.28230),
        (6, 0.86746, 1.32053, -0.61814),
        (7, 1.74870, 1.44839, -0.96691),
        (8, 2.77311, 1.55045, -1.29119),
    ],
)
def test_sparse_limit_polygons(k, h, radius, bias):
    polygon = theory.sparse_limit_polygon(k)
    assert polygon.h == pytest.approx(h, abs=1e-5)
    assert polygon.radius == pytest.approx(radius, abs=1e-4)
    assert polygon.bias == pytest.approx(bias, abs=1e-4)


def test_a_polygon_needs_three_corners():
    with pytest.raises(ValueError, match="k is 2"):
        theory.sparse_limit_polygon(2)


def test_sparse_limit_has_a_gradient_only_where_its_arguments_do():
    W, b = torch.eye(2), torch.zeros(2)
    assert not theory.sparse_limit_loss(W, b).requires_grad
    assert theory.sparse_limit_loss(W.requires_grad_(), b).requires_grad


def test_sparse_limit_is_the_limit():
    random = torch.Generator().manual_seed(9)
    W = 0.8 * torch.randn(2, 5, generator=random, dtype=torch.float64)
    b = 0.3 * torch.randn(5, generator=random, dtype=torch.float64)
    importance = torch.rand(5, generator=random, dtype=torch.float64)
    b = -b.abs()
    limit = theory.sparse_limit_loss(W, b, importance)
    near = expected_loss(W, b, 1 - 1e-6, importance) / 1e-6
    assert near.item() == pytest.approx(limit.item(), rel=1e-4)
    assert theory.sparse_limit_loss(W, b.abs()) == math.inf


def test_descent_in_the_sparse_limit_ends_in_the_best_pentagon():
    ideal = theory.sparse_limit_polygon(5)
    start = 0.7 * geometry.polygon(5).double()
    start = start + 0.02 * torch.randn(3, 2, 5, generator=torch.Generator().manual_seed(0))
    before = start.clone()
    W, b, loss = theory.descend_sparse_limit(start)
    assert torch.equal(start, before)
    assert torch.allclose(geometry.feature_norms(W), torch.tensor(ideal.radius).double(), atol=1e-3)
    assert torch.allclose(b, torch.full_like(b, ideal.bias), atol=2e-3)
    assert torch.allclose(loss, torch.full_like(loss, ideal.h / 15), atol=1e-6)
    assert not loss.requires_grad


def test_prototype_boundary_is_where_the_losses_are_equal():
    p = torch.linspace(0.01, 4 / 7, 200, dtype=torch.float64)
    losses = theory.prototype_losses(p, theory.prototype_boundary(p))
    gap = losses["last left out"] - losses["last shares"]
    assert gap.abs().max() < 1e-12
    triple = theory.prototype_losses(4 / 7, 1.0)
    assert theory.prototype_boundary(4 / 7) == pytest.approx(1, abs=1e-12)
    assert [2 * float(loss) for loss in triple.values()] == pytest.approx([0.10884] * 3, abs=1e-5)


def test_prototype_boundary_is_found_again_by_bisection():
    for p in (0.1, 0.3, 0.5):
        low, high = 1e-3, 1.0
        for _ in range(60):
            middle = (low + high) / 2
            losses = theory.prototype_losses(p, middle)
            left_out = losses["last left out"] < losses["last shares"]
            low, high = (middle, high) if left_out else (low, middle)
        assert theory.prototype_boundary(p) == pytest.approx(low, abs=1e-6)


def test_prototype_losses_are_those_of_their_models():
    p, r = 0.3, 0.4
    W = {
        "last left out": [[1.0, 0, 0], [0, 1, 0]],
        "last shares": [[1.0, 0, -1], [0, 1, 0]],
        "other left out": [[1.0, 0, 0], [0, 0, 1]],
        "others share": [[1.0, -1, 0], [0, 0, 1]],
    }
    left_out = {"last left out": 2, "other left out": 1}
    for name, loss in theory.prototype_losses(p, r, n_hidden=2).items():
        b = torch.zeros(3)
        if name in left_out:
            b[left_out[name]] = p / 2
        exact = expected_loss(torch.tensor(W[name]), b, 1 - p, [1, 1, r])
        assert float(loss) == pytest.approx(float(exact), abs=1e-7), name


def test_prototypes_need_one_or_two_dimensions():
    with pytest.raises(ValueError, match="n_hidden is 3"):
        theory.prototype_losses(0.1, 1.0, n_hidden=3)


@pytest.mark.parametrize("p", [0.3, 0.5, 0.65, 0.9, 1.0])
def test_feature_over_a_cloud_agrees_with_samples(p):
    found = theory.feature_over_cloud(p)
    random = torch.Generator().manual_seed(0)
    n = 2_000_000
    v = theory.feature_variance(1 - p)
    x = torch.rand(n, generator=random) * (torch.rand(n, generator=random) < p)
    z = torch.randn(n, generator=random) * v**0.5
    a, c, b = found.length, found.cloud, found.bias

    def saving(a, c, b):
        one = x - (a * (a * x + c * z) + b).relu()
        rest = z - c * (a * (x - p / 2) + c * z)
        return float(2 - (one.square().mean() + rest.square().mean()) / v)

    best = saving(a, c, b)
    assert best == pytest.approx(found.saving, abs=0.004)
    # It is a minimum, and better than a feature alone; small steps away are worse.
    assert best > 1
    for step in ((0.05, 0, 0), (-0.05, 0, 0), (0, 0.05, 0), (0, -0.05, 0), (0, 0, 0.05)):
        assert saving(a + step[0], c + step[1], b + step[2]) < best
    assert 0 < found.dimensionality < 1


@pytest.mark.parametrize("density", [0, -0.1, 1.1, math.nan])
def test_a_cloud_needs_a_density(density):
    with pytest.raises(ValueError, match="density is"):
        theory.feature_over_cloud(density)


def test_the_numeric_gradient_does_what_notebook_06_asks_for():
    assert nb06.check_slope_by_nudging(lambda loss, W: theory.numeric_gradient(loss, W)).passed


def test_curves_cross_where_straight_lines_do():
    x = torch.tensor([0.0, 1.0, 3.0])
    assert theory.crossing(x, x, 3 - x) == 1.5
    assert theory.crossing(x, 3 - x, x) == 1.5
    assert theory.crossing(x, x, torch.tensor([1.0, 1.0, 0.0])) == 1
    with pytest.raises(ValueError, match="do not cross"):
        theory.crossing(x, x, x + 1)


def test_linear_loss_needs_mean_and_covariance_only():
    """Held against the loss of independent features, and against samples of correlated ones."""
    random = torch.Generator().manual_seed(0)
    W = torch.randn(4, 2, 3, generator=random, dtype=torch.float64)
    b = torch.randn(4, 3, generator=random, dtype=torch.float64)
    importance = torch.tensor([1.0, 0.5, 2.0], dtype=torch.float64)
    variance = theory.feature_variance(0.7) * torch.eye(3, dtype=torch.float64)
    mean = torch.full((3,), theory.feature_mean(0.7), dtype=torch.float64)
    independent = theory.expected_loss(W, b, 0.7, importance, activation="linear")
    torch.testing.assert_close(theory.linear_loss(W, b, mean, variance, importance), independent)
    x = torch.rand(100_000, 1, generator=random, dtype=torch.float64) * torch.tensor([1, -1, 2])
    x = x + torch.rand(100_000, 3, generator=random, dtype=torch.float64)
    by_hand = (importance * (x - x @ W.mT @ W - b[:, None]).square()).mean((1, 2))
    moments = x.mean(0), x.T.cov(correction=0)
    torch.testing.assert_close(theory.linear_loss(W, b, *moments, importance), by_hand)


def test_no_bias_is_better_than_the_best_linear_bias():
    random = torch.Generator().manual_seed(1)
    W = torch.randn(5, 2, 3, generator=random, dtype=torch.float64)
    best = theory.best_linear_bias(W, torch.full((3,), 0.15, dtype=torch.float64))
    best.requires_grad_()
    loss = theory.expected_loss(W, best, 0.7, [1.0, 2.0, 0.1], activation="linear")
    [slope] = torch.autograd.grad(loss.sum(), best)
    assert slope.abs().max() < 1e-12


@pytest.mark.parametrize("w", [0.0, 0.4, 1.0, 1.2])
def test_the_cost_of_a_neuron_is_its_exact_loss_and_penalty(w):
    importance, l1, density, n_features = 0.7, 0.03, 0.2, 5
    loss = expected_loss(torch.tensor([[w]]), torch.zeros(1), 1 - density, [importance])
    x = torch.linspace(0, 1, 1001, dtype=torch.float64)  # an active feature
    penalty = l1 * density * torch.relu(w * x).mean()
    got = theory.neuron_cost(w, importance, l1, density, n_features)
    assert got == pytest.approx(float(loss / n_features + penalty), rel=1e-6)


def test_a_dimension_is_worth_one_feature_or_the_features_that_fit_in_it():
    p = torch.tensor([0.9, 0.1], dtype=torch.float64)
    v = theory.feature_variance(1 - p)
    # One feature alone, the other left out: half of the loss of two remains.
    assert torch.allclose(theory.worth_of_a_dimension(v / 2, p, 2, 1), torch.ones_like(p))
    assert theory.worth_of_a_dimension(0.0, 0.1, 5, 2) == 2.5
    pair = theory.worth_of_a_dimension(theory.antipodal_loss(0.1), 0.1, 2, 1)
    assert pair == pytest.approx(2 - 0.02 / 6 / float(v[1]))
