import itertools
import math

import numpy as np
import pytest
import torch

from toyutils import theory
from toyutils.exercises import nb06
from toyutils.features import IndependentFeatures
from toyutils.theory import best_relu_model, expected_loss


def random_case(n, m, seed):
    random = torch.Generator().manual_seed(seed)
    W = 0.8 * torch.randn(m, n, generator=random, dtype=torch.float64)
    b = 0.3 * torch.randn(n, generator=random, dtype=torch.float64)
    importance = torch.rand(n, generator=random, dtype=torch.float64)
    return W, b, torch.rand((), generator=random, dtype=torch.float64).item(), importance


def by_quadrature(W, b, sparsity, importance, n_cells=16):
    """Integrate over each active set in plain NumPy; shares no code with theory.

    Along the active feature with the largest overlap the ReLU has one kink: split there, both
    parts are cubic at most and Gauss points are exact. The result is smooth in the other
    features, which get Gauss points in `n_cells` cells.
    """
    W, b, importance = (torch.as_tensor(part).numpy() for part in (W, b, importance))
    n = W.shape[1]
    overlap = W.T @ W
    sparsity = np.broadcast_to(sparsity, n)
    points, weights = np.polynomial.legendre.leggauss(5)
    points, weights = (points + 1) / 2, weights / 2
    cells = ((np.arange(n_cells)[:, None] + points) / n_cells).ravel()
    cell_weights = np.tile(weights, n_cells) / n_cells
    total = 0.0
    for mask in itertools.product([False, True], repeat=n):
        active = np.flatnonzero(mask)
        probability = np.where(mask, 1 - sparsity, sparsity).prod()
        for i in range(n):
            if not len(active):
                total += probability * importance[i] * max(b[i], 0) ** 2
                continue
            inner = active[np.abs(overlap[i, active]).argmax()]
            outer = active[active != inner]
            x = np.zeros((n, *[len(cells)] * len(outer), 1))
            if len(outer):
                x[outer, ..., 0] = np.meshgrid(*[cells] * len(outer), indexing="ij")
            z = b[i] + np.tensordot(overlap[i], x, 1)
            slope = overlap[i, inner]
            kink = np.clip(-z / slope, 0, 1) if slope else np.zeros_like(z)
            mean = 0.0
            for start, end in ((0, kink), (kink, 1)):
                t = start + (end - start) * points
                own = t if inner == i else x[i]
                error = (own - np.maximum(z + slope * t, 0)) ** 2
                mean = mean + (error * weights).sum(-1) * (end - start)[..., 0]
            for _ in outer:
                mean = mean @ cell_weights
            total += probability * importance[i] * mean
    return total / n


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("n", "m"), [(1, 1), (2, 1), (2, 2), (3, 1), (3, 2)])
def test_exact_loss_equals_quadrature(n, m, seed):
    W, b, sparsity, importance = random_case(n, m, seed)
    want = by_quadrature(W, b, sparsity, importance)
    assert expected_loss(W, b, sparsity, importance).item() == pytest.approx(want, abs=1e-7)


def test_exact_loss_equals_quadrature_where_sparsities_differ():
    W, b, _, importance = random_case(3, 2, 20)
    sparsity = [0.0, 0.4, 0.9]
    want = by_quadrature(W, b, sparsity, importance)
    got = expected_loss(W, b, torch.tensor(sparsity, dtype=torch.float64), importance)
    assert got.item() == pytest.approx(want, abs=1e-8)


@pytest.mark.parametrize("scale", [1e-12, 1e-8, 1e-3, 0.01, 0.03, 0.1, -0.02, -1e-4, 0.0])
def test_small_overlaps_lose_no_digits(scale):
    W = torch.tensor([[1.0, 0.3, -0.2], [0.1, 1.0, 0.0]], dtype=torch.float64)
    W[:, 2] *= scale
    b = torch.tensor([0.1, -0.1, 0.05], dtype=torch.float64)
    want = by_quadrature(W, b, 0.6, torch.ones(3))
    assert expected_loss(W, b, 0.6).item() == pytest.approx(want, abs=1e-7)


@pytest.mark.parametrize("ratio", [0.3, 0.05, 0.03, 0.02, 0.01, 1e-3, 1e-5])
@pytest.mark.parametrize("part", [0.2, 0.5, 0.8])
def test_kinks_inside_a_small_overlap_are_seen(ratio, part):
    """The bias hides part of a small overlap, and nothing larger need be active."""
    # Once the small overlap is another feature's, once the output's own.
    for w, bias in (
        ([1.0, 1.5, 1.5 * ratio], -part * 1.5 * ratio),
        ([ratio, 1.0], -part * ratio**2),
    ):
        W = torch.tensor([w], dtype=torch.float64)
        b = torch.zeros(len(w), dtype=torch.float64)
        b[0] = bias
        want = by_quadrature(W, b, 0.5, torch.ones(len(w)))
        assert expected_loss(W, b, 0.5).item() == pytest.approx(want, abs=1e-7)


@pytest.mark.parametrize("n", [2, 5, 7])
@pytest.mark.parametrize("scale", [0.3, 0.1, 0.03, 0.01, 0.001, 0.0])
@pytest.mark.parametrize("sparsity", [0.0, 0.9])
def test_relu_that_is_never_off_is_linear(n, scale, sparsity):
    # All overlaps small against the bias: where dividing by them would lose every digit.
    random = torch.Generator().manual_seed(0)
    W = scale * torch.randn(50, 2, n, generator=random, dtype=torch.float64)
    b = (W.mT @ W).clamp(max=0).sum(-1).neg() + 0.5
    W.requires_grad_()
    linear, relu = (expected_loss(W, b, sparsity, None, name) for name in ("linear", "relu"))
    assert torch.allclose(relu, linear, atol=1e-8)
    slopes = [torch.autograd.grad(loss.sum(), W)[0] for loss in (linear, relu)]
    assert torch.allclose(*slopes, atol=1e-6)


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


@pytest.mark.parametrize("activation", ["relu", "linear"])
@pytest.mark.parametrize(("n", "m", "seed"), [(1, 1, 0), (2, 1, 1), (3, 2, 5), (5, 2, 7)])
def test_gradient_of_the_exact_loss(n, m, seed, activation):
    W, b, sparsity, importance = random_case(n, m, seed)
    W[:, -1] *= 0.05  # some small overlaps as well
    inputs = (W.requires_grad_(), b.requires_grad_())
    assert torch.autograd.gradcheck(
        lambda W, b: expected_loss(W, b, sparsity, importance, activation), inputs, atol=1e-6
    )


def test_edges_of_sparsity():
    W, b, _, importance = random_case(3, 2, 6)
    empty = (importance * b.clamp(min=0) ** 2).mean()
    assert torch.allclose(expected_loss(W, b, 1.0, importance), empty)
    for per_feature in ([0.0, 1.0, 0.5], [0.0, 0.0, 0.0], [1.0, 1.0, 0.0]):
        got = expected_loss(W, b, torch.tensor(per_feature), importance)
        assert got.item() == pytest.approx(by_quadrature(W, b, per_feature, importance), abs=1e-8)


@pytest.mark.parametrize("size", [1e-5, 1e-7, 1e-100, 0.0])
def test_the_smallest_models_answer_zero(size):
    W = size * torch.ones(1, 3, dtype=torch.float64)
    loss = expected_loss(W, torch.zeros(3), 0.4)
    assert loss.item() == pytest.approx(0.6 / 3, abs=1e-9)


def test_models_without_directions():
    """W = 0 answers the bias: p/3 - p b + b² for each feature."""
    W, b = torch.zeros(2, 3), torch.tensor([0.5, 0.0, -1.0])
    want = [0.4 / 3 - 0.4 * 0.5 + 0.25, 0.4 / 3, 0.4 / 3]
    assert expected_loss(W, b, 0.6).item() == pytest.approx(sum(want) / 3)
    want[2] += 0.4 + 1
    linear = expected_loss(W, b, 0.6, activation="linear")
    assert linear.item() == pytest.approx(sum(want) / 3)


@pytest.mark.parametrize("model", [0, 1])
def test_models_in_a_batch_are_those_alone(model):
    W, b, _, importance = random_case(4, 2, 11)
    W, b = torch.stack([W, 0.02 * W]), torch.stack([b, -b])
    sparsity = torch.tensor([[0.3], [0.8]], dtype=torch.float64)
    alone = expected_loss(W[model], b[model], sparsity[model], importance)
    together = expected_loss(W, b, sparsity, importance)[model]
    assert together.item() == pytest.approx(alone.item(), rel=1e-12)


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


# The same table: density, ReLU optimum, W and b.
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
    if k > 0:  # dense, x and 1 - x are alike and both signs tie
        assert relu_optima.W[k, 0].prod() < 0
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


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_best_bias_is_that_of_a_fine_grid(seed):
    W, _, sparsity, importance = random_case(3, 2, seed)
    best = theory.best_bias(W, sparsity)
    fine = torch.linspace(-3, 3, 6001, dtype=torch.float64)
    for i in range(3):
        b = best.repeat(len(fine), 1)
        b[:, i] = fine
        losses = expected_loss(W, b, sparsity, importance)
        assert expected_loss(W, best, sparsity, importance) <= losses.min() + 1e-12
        assert best[i].item() == pytest.approx(fine[losses.argmin()].item(), abs=2e-3)


def test_best_biases_that_are_known():
    nothing = theory.best_bias(torch.zeros(1, 2), 0.8)
    torch.testing.assert_close(nothing, torch.full((2,), 0.1).to(nothing), atol=1e-5, rtol=0)
    optimum = best_relu_model(2, 1, [0.8, 0.4])
    again = theory.best_bias(optimum.W, torch.tensor([[0.8], [0.4]]))
    torch.testing.assert_close(again, optimum.b, atol=1e-4, rtol=0)
    assert theory.best_bias(torch.ones(4, 5, 2, 3), 0.9).shape == (4, 5, 3)


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


def test_optimum_beats_every_prototype_over_the_phase_diagram():
    p = torch.logspace(-2, 0, 8, dtype=torch.float64)
    density, ratio = (a.flatten() for a in torch.meshgrid(p, p * 10, indexing="ij"))
    for n_hidden in (1, 2):
        importance = torch.ones(64, n_hidden + 1, dtype=torch.float64)
        importance[:, -1] = ratio
        optimum = best_relu_model(n_hidden + 1, n_hidden, 1 - density, importance, n_restarts=12)
        prototypes = torch.stack([*theory.prototype_losses(density, ratio, n_hidden).values()])
        assert (optimum.loss <= prototypes.min(0).values + 1e-9).all()


def test_no_restart_is_refused():
    with pytest.raises(ValueError, match="n_restarts is 0"):
        best_relu_model(2, 1, 0.5, n_restarts=0)


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
