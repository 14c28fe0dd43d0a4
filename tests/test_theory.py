import itertools
import math

import numpy as np
import pytest
import torch

from toyutils import theory
from toyutils.features import IndependentFeatures
from toyutils.theory import best_relu_model, expected_loss


def random_case(n, m, seed):
    random = torch.Generator().manual_seed(seed)
    W = 0.8 * torch.randn(m, n, generator=random, dtype=torch.float64)
    b = 0.3 * torch.randn(n, generator=random, dtype=torch.float64)
    importance = torch.rand(n, generator=random, dtype=torch.float64)
    return W, b, torch.rand((), generator=random, dtype=torch.float64).item(), importance


def by_quadrature(W, b, sparsity, importance, n_nodes):
    """Sum over active sets, each by a tensor grid of midpoints; shares no code with theory."""
    W, b, importance = W.numpy(), b.numpy(), importance.numpy()
    n = W.shape[1]
    nodes = (np.arange(n_nodes) + 0.5) / n_nodes
    total = 0.0
    for active in itertools.product([False, True], repeat=n):
        axes = [nodes if on else np.zeros(1) for on in active]
        x = np.stack([a.ravel() for a in np.meshgrid(*axes, indexing="ij")], 1)
        y = np.maximum(x @ W.T @ W + b, 0)
        k = sum(active)
        total += (1 - sparsity) ** k * sparsity ** (n - k) * (importance * (x - y) ** 2).mean()
    return total


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("n", "n_nodes", "tolerance"), [(1, 20_000, 1e-7), (2, 1500, 1e-6)])
def test_exact_loss_equals_quadrature(n, n_nodes, tolerance, seed):
    W, b, sparsity, importance = random_case(n, 1, seed)
    want = by_quadrature(W, b, sparsity, importance, n_nodes)
    assert expected_loss(W, b, sparsity, importance).item() == pytest.approx(want, abs=tolerance)


@pytest.mark.parametrize("scale", [1e-8, 1e-3, 0.02, 0.1])
def test_small_overlaps_lose_no_digits(scale):
    W = torch.tensor([[1.0, 0.3, -0.2], [0.1, 1.0, 0.0]], dtype=torch.float64)
    W[:, 2] *= scale
    b = torch.tensor([0.1, -0.1, 0.05], dtype=torch.float64)
    importance = torch.ones(3, dtype=torch.float64)
    want = by_quadrature(W, b, 0.6, importance, 120)
    assert expected_loss(W, b, 0.6).item() == pytest.approx(want, abs=2e-5)


@pytest.mark.parametrize("n", [2, 5, 7])
@pytest.mark.parametrize("scale", [0.3, 0.1, 0.03, 0.01, 0.001, 0.0])
@pytest.mark.parametrize("sparsity", [0.0, 0.9])
def test_relu_that_is_never_off_is_linear(n, scale, sparsity):
    # All overlaps small against the bias: where dividing by them would lose every digit.
    random = torch.Generator().manual_seed(0)
    W = scale * torch.randn(50, 2, n, generator=random, dtype=torch.float64)
    b = (W.mT @ W).clamp(max=0).sum(-1).neg() + 0.5
    linear = expected_loss(W, b, sparsity, activation="linear")
    assert torch.allclose(expected_loss(W, b, sparsity), linear, atol=1e-8)


@pytest.mark.parametrize("seed", range(20))
def test_exact_loss_agrees_with_ten_million_samples(seed):
    n, m = 2 + seed % 4, 1 + seed % 2
    W, b, sparsity, importance = random_case(n, m, 100 + seed)
    features = IndependentFeatures(n, sparsity)
    random = torch.Generator().manual_seed(seed)
    total, squares, count = 0.0, 0.0, 0
    for _ in range(100):
        x = features.sample(100_000, generator=random)[0].double()
        y = (x @ W.T @ W + b).relu()
        loss = (importance * (x - y).square()).mean(1)
        total, squares, count = total + loss.sum(), squares + loss.square().sum(), count + len(x)
    mean = total / count
    error = ((squares / count - mean**2) / count).sqrt()
    assert abs(mean - expected_loss(W, b, sparsity, importance)) <= 3 * error


def test_linear_loss_agrees_with_samples():
    W, b, sparsity, importance = random_case(4, 2, 3)
    x = IndependentFeatures(4, sparsity).sample(
        1_000_000, generator=torch.Generator().manual_seed(0)
    )[0]
    loss = (importance * (x.double() - (x.double() @ W.T @ W + b)).square()).mean(1)
    exact = expected_loss(W, b, sparsity, importance, activation="linear")
    assert abs(loss.mean() - exact) <= 4 * loss.std() / 1000


def test_gradient_of_the_exact_loss():
    W, b, sparsity, importance = random_case(3, 2, 5)
    inputs = (W.requires_grad_(), b.requires_grad_())
    assert torch.autograd.gradcheck(
        lambda W, b: expected_loss(W, b, sparsity, importance), inputs, atol=1e-6
    )


def test_edges_of_sparsity():
    W, b, _, importance = random_case(3, 2, 6)
    empty = (importance * b.clamp(min=0) ** 2).mean()
    assert torch.allclose(expected_loss(W, b, 1.0, importance), empty)
    per_feature = torch.tensor([0.0, 1.0, 0.5], dtype=torch.float64)
    assert torch.isfinite(expected_loss(W, b, per_feature, importance))


def test_shapes_broadcast():
    W, b = torch.randn(2, 5), torch.zeros(5)
    assert expected_loss(W, b, torch.rand(10, 1)).shape == (10,)
    assert expected_loss(W.expand(4, 3, 2, 5), b, 0.5, torch.ones(3, 5)).shape == (4, 3)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sparsity": 1.2}, r"sparsity is 1\.2"),
        ({"sparsity": torch.zeros(4)}, r"sparsity has shape \(4,\)"),
        ({"importance": [1.0, -1.0, 0.0]}, "importance is"),
        ({"b": torch.zeros(2)}, r"b has shape \(2,\)"),
        ({"W": torch.zeros(3)}, r"W has shape \(3,\)"),
        ({"W": torch.zeros(2, 11), "b": torch.zeros(11)}, "11 features"),
        ({"activation": "tanh"}, "activation is 'tanh'"),
    ],
)
def test_bad_models_are_refused(changes, words):
    arguments = {"W": torch.zeros(2, 3), "b": torch.zeros(3), "sparsity": 0.5} | changes
    with pytest.raises(ValueError, match=words):
        expected_loss(**arguments)


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


# The second table for 2 -> 1: density, ReLU optimum, W, b, and how closely they are known.
RELU_OPTIMA = [
    (1.0, 0.041627, (0.37, 0.94), None),
    (0.8, 0.052758, (0.45, 0.93), (0.49, 0.21)),
    (0.6, 0.049441, (0.87, 0.87), (0.215, 0.215)),
    (0.5, 0.038141, (0.97, 0.97), (0.096, 0.096)),
    (0.4, 0.025497, (1.0, 1.0), (0.044, 0.044)),
    (0.2, 0.006593, (1.01, 1.01), (0.006, 0.006)),
    (0.1, 0.001660, (1.01, 1.01), (0.001, 0.001)),
    (0.05, 0.000416, (1.0, 1.0), (0.0, 0.0)),
]


@pytest.fixture(scope="module")
def relu_optima():
    return best_relu_model(2, 1, [1 - row[0] for row in RELU_OPTIMA], n_restarts=16)


@pytest.mark.parametrize("k", range(len(RELU_OPTIMA)))
def test_relu_optima(relu_optima, k):
    _, loss, W, b = RELU_OPTIMA[k]
    assert relu_optima.loss[k].item() == pytest.approx(loss, abs=3e-6)
    order = relu_optima.W[k, 0].abs().argsort()
    assert relu_optima.W[k, 0].abs()[order].tolist() == pytest.approx(sorted(W), abs=0.01)
    if b is not None:
        assert relu_optima.b[k][order].tolist() == pytest.approx(b, abs=0.012)


def test_best_model_takes_settings_side_by_side():
    both = best_relu_model(3, 2, [0.5, 0.9], torch.tensor([1.0, 0.5, 0.5]), n_restarts=6)
    alone = best_relu_model(3, 2, 0.9, torch.tensor([1.0, 0.5, 0.5]), n_restarts=6)
    assert both.W.shape == (2, 2, 3)
    assert both.b.shape == (2, 3)
    assert alone.loss.shape == ()
    assert both.loss[1].item() == pytest.approx(alone.loss.item(), rel=1e-2)


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


def test_polygon_losses():
    assert theory.polygon_loss(5, 5) == pytest.approx(0.01583, abs=1e-5)
    assert theory.polygon_loss(5, 6) == pytest.approx(0.06874, abs=1e-5)
    assert theory.polygon_loss(6, 6) == pytest.approx(0.04819, abs=1e-5)
    with pytest.raises(ValueError, match="k is 7"):
        theory.polygon_loss(7, 6)
    with pytest.raises(ValueError, match="k is 2"):
        theory.sparse_limit_polygon(2)


def test_sparse_limit_is_the_limit():
    W, b, _, importance = random_case(5, 2, 9)
    b = -b.abs()
    limit = theory.sparse_limit_loss(W, b, importance)
    near = expected_loss(W, b, 1 - 1e-6, importance) / 1e-6
    assert near.item() == pytest.approx(limit.item(), rel=1e-4)
    assert theory.sparse_limit_loss(W, b.abs()) == math.inf


def test_descend_finds_the_bottom_and_leaves_its_input():
    W, b = torch.tensor([[0.9, -1.2]]), torch.zeros(2)
    W_end, b_end = theory.descend(W, b, 0.8, n_steps=300)
    assert expected_loss(W_end, b_end, 0.8).item() == pytest.approx(0.006593, abs=2e-6)
    assert W.tolist() == torch.tensor([[0.9, -1.2]]).tolist()
