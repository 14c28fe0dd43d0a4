import math

import pytest
import torch

from tests import rational
from toyutils import exact
from toyutils.exact import expected_loss, expected_untied_loss
from toyutils.features import (
    AnticorrelatedFeatures,
    CorrelatedFeatures,
    FixedPoints,
    IndependentFeatures,
)

WAYS = ["closed form", "series"]


@pytest.fixture
def use(monkeypatch):
    """Return a function that makes `exact` take one of the two ways, up to ten features."""

    def choose(way):
        monkeypatch.setattr(exact, "MOST_IN_CLOSED_FORM", 10 if way == "closed form" else 0)

    return choose


def random_case(n, m, seed):
    random = torch.Generator().manual_seed(seed)
    W = 0.8 * torch.randn(m, n, generator=random, dtype=torch.float64)
    b = 0.3 * torch.randn(n, generator=random, dtype=torch.float64)
    importance = torch.rand(n, generator=random, dtype=torch.float64)
    return W, b, torch.rand(n, generator=random, dtype=torch.float64), importance


def adversarial_case(kind, n, m, seed):
    """Return W, b, sparsity and importance that a formula may choke on."""
    W, b, sparsity, importance = random_case(n, m, seed)
    random = torch.Generator().manual_seed(seed)
    u = torch.rand(n, generator=random, dtype=torch.float64)
    if kind == "zero columns":
        W[:, : 1 + seed % n] = 0
    elif kind == "tiny bias beside tiny overlap":
        W[:, 0] *= 1e-3
        b[0] = -5e-7 * u[0]
    elif kind == "scale":
        scale = 10 ** (5 * u[0] - 3)  # 1e-3 … 1e2
        W, b = W * scale, b * scale**2
    elif kind == "always or never":
        sparsity = (u < 0.5).double()
    elif kind == "many scales":
        W = W * 10 ** (-6 * u)
        b = W.square().sum(0) * (2 * u - 1)
    elif kind == "whole numbers, no bias":
        W, b = W.round(), torch.zeros_like(b)
    elif kind == "parallel":
        W[:, -1], b = 1e-5 * W[:, 0], 1e-5 * b
    return W, b, sparsity, importance


ADVERSARIAL = [
    "random", "zero columns", "tiny bias beside tiny overlap", "scale", "always or never",
    "many scales", "whole numbers, no bias", "parallel",
]  # fmt: skip


def true_loss(W, b, sparsity, importance):
    states = rational.states_of_independent(sparsity.tolist())
    return float(rational.expected_loss(W.tolist(), b.tolist(), states, importance.tolist()))


def flat_loss(shape, *settings, **options):
    """Return the loss as a function of W and b side by side."""
    n = shape[1]
    return lambda theta: expected_loss(theta[:-n].reshape(shape), theta[-n:], *settings, **options)


def slope(function, theta):
    theta = theta.detach().requires_grad_()
    return torch.autograd.grad(function(theta), theta)[0]


def curvature_along(function, theta, direction):
    return torch.autograd.functional.hvp(function, theta.detach(), direction)[1]


def check_derivatives(function, precise, theta):
    """Hold slope and curvature of `function` against differences of `precise`, or of its slope."""
    random = torch.Generator().manual_seed(0)
    directions = torch.randn(2, len(theta), generator=random, dtype=torch.float64)
    along = []
    for direction in directions:
        nudge = 1e-4 * direction
        numeric = (precise(theta + nudge) - precise(theta - nudge)) / 2e-4
        got = slope(function, theta)
        assert abs(got @ direction - numeric) < 1e-6 * (got.norm() * direction.norm())
        numeric = (slope(precise, theta + nudge) - slope(precise, theta - nudge)) / 2e-4
        along.append(curvature_along(function, theta, direction))
        assert (along[-1] - numeric).norm() < 1e-5 * numeric.norm()
    first, last = directions[0] @ along[-1], directions[-1] @ along[0]
    assert first.item() == pytest.approx(last.item(), rel=1e-6)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("seed", range(4))
def test_both_ways_give_the_true_loss(use, n, seed):
    case = random_case(n, 1 + seed % 3, seed)
    truth = true_loss(*case)
    use("closed form")
    assert abs(expected_loss(*case).item() - truth) < 1e-14
    use("series")
    assert abs(expected_loss(*case).item() - truth) < 1e-9
    assert abs(expected_loss(*case, tolerance=1e-12).item() - truth) < 1e-12


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ADVERSARIAL)
@pytest.mark.parametrize("seed", range(5))
def test_hard_cases(use, way, kind, seed):
    case = adversarial_case(kind, 2 + seed % 3, 1 + seed % 2, seed)
    use(way)
    truth = true_loss(*case)
    error = 1e-14 if way == "closed form" else 1e-9
    assert abs(expected_loss(*case).item() - truth) < error * max(1, truth)


@pytest.mark.parametrize("n", [8, 9, 10])
@pytest.mark.parametrize("seed", range(3))
def test_the_two_ways_agree(use, n, seed):
    case = random_case(n, 2 + seed, seed)
    use("closed form")
    closed = expected_loss(*case).item()
    use("series")
    assert abs(expected_loss(*case).item() - closed) < 1e-9
    assert abs(expected_loss(*case, tolerance=1e-12).item() - closed) < 1e-12


@pytest.mark.weekly
@pytest.mark.parametrize("seed", range(200))
def test_random_cases_of_all_sizes(use, seed):
    n = 1 + seed % 10
    case = random_case(n, 1 + seed % 4, 1000 + seed)
    use("closed form")
    closed = expected_loss(*case).item()
    if n <= 6:
        assert abs(closed - true_loss(*case)) < 1e-14
    use("series")
    assert abs(expected_loss(*case).item() - closed) < 1e-9
    assert abs(expected_loss(*case, tolerance=1e-12).item() - closed) < 1e-12


@pytest.mark.weekly
@pytest.mark.parametrize("kind", ADVERSARIAL)
def test_1600_hard_cases(use, kind):
    for seed in range(200):
        case = adversarial_case(kind, 1 + seed % 5, 1 + seed % 3, 100 + seed)
        truth = true_loss(*case)
        for way in WAYS:
            use(way)
            error = abs(expected_loss(*case).item() - truth)
            assert error < 1e-8 * max(1, truth), (kind, seed, way)


# W, b, S: the second has a bias and an overlap that are both tiny, far below the others.
CORNERS = [
    ([[1.0, -0.9, 0.4], [0.2, 0.5, -1.1]], [0.1, -0.2, 0.05], [0.7, 0.7, 0.7]),
    ([[1.0, -1.0, 1e-3]], [0.0, 0.0, -5e-7], [0.9, 0.9, 0.9]),
    ([[1.0, -1.0, 1e-3]], [0.01, -0.02, -5e-7], [0.9, 0.9, 0.9]),
    ([[1.0, 1e-5, 0.0]], [-0.3, 1e-12, 0.2], [0.0, 0.5, 1.0]),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("corner", CORNERS)
def test_slopes_are_the_true_ones(use, way, corner):
    use(way)
    states, ones = rational.states_of_independent(corner[2]), [1.0] * 3
    truth = torch.tensor(rational.gradient(*corner[:2], states, ones), dtype=torch.float64)
    W, b, sparsity = (torch.tensor(part, dtype=torch.float64) for part in corner)
    got = slope(flat_loss(W.shape, sparsity), torch.cat([W.flatten(), b]))
    error = (got - truth).abs().max() / truth.abs().max()
    assert error < (1e-13 if way == "closed form" else 1e-6)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("corner", [CORNERS[0], CORNERS[2]])
def test_curvatures_are_the_true_ones(use, way, corner):
    """Against differences of the closed form's slope, which the test above compares to the true."""
    use("closed form")
    W, b, sparsity = (torch.tensor(part, dtype=torch.float64) for part in corner)
    function, theta = flat_loss(W.shape, sparsity), torch.cat([W.flatten(), b])
    steps = torch.diag(1e-4 * theta.abs())
    rows = [slope(function, theta + s) - slope(function, theta - s) for s in steps]
    numeric = torch.stack(rows) / (2 * steps.sum(1, keepdim=True))
    use(way)
    curvature = torch.autograd.functional.hessian(function, theta)
    assert torch.allclose(curvature, curvature.mT, rtol=0, atol=1e-12 * curvature.abs().max())
    assert (curvature - numeric).abs().max() < 1e-5 * numeric.abs().max()


@pytest.mark.parametrize("n", [6, 9, 12])
def test_derivatives_of_larger_models(n):
    W, b, sparsity, importance = random_case(n, 3, n)
    settings = W.shape, 0.5 + sparsity / 2, importance
    theta = torch.cat([W.flatten(), b])
    check_derivatives(flat_loss(*settings), flat_loss(*settings, tolerance=1e-12), theta)


def test_features_at_right_angles_have_right_derivatives(use):
    """Overlaps of exactly zero: six features, of which each sees one other."""
    W = torch.kron(torch.eye(3), torch.tensor([[1.0, -0.7]])).double()
    theta = torch.cat([W.flatten(), torch.tensor([0.02, -0.1] * 3, dtype=torch.float64)])
    direction = torch.randn(len(theta), generator=torch.Generator().manual_seed(0)).double()
    function, results = flat_loss(W.shape, 0.8), []
    for way in WAYS:
        use(way)
        results.append((slope(function, theta), curvature_along(function, theta, direction)))
    for one, other in zip(*results, strict=True):
        assert (one - other).norm() < 1e-5 * one.norm()


@pytest.mark.parametrize("n_pairs", [6, 20])
def test_pairs_at_right_angles_lose_what_each_loses_alone(n_pairs):
    pair, b = torch.tensor([[1.0, -1.0]]), torch.zeros(2)
    together = torch.kron(torch.eye(n_pairs), pair)
    loss = expected_loss(together, b.repeat(n_pairs), 0.9)
    assert loss.item() == pytest.approx(0.01 / 6, abs=1e-12)
    W = together.clone().requires_grad_()
    slope = torch.autograd.grad(expected_loss(W, b.repeat(n_pairs), 0.9), W)[0]
    alone = torch.autograd.grad(expected_loss(pair.requires_grad_(), b, 0.9), pair)[0]
    assert torch.allclose(slope[0, :2], alone[0] / n_pairs, atol=1e-9)


def sampled(W, b, features, importance, n_points, seed=0):
    """Return mean and standard error of the loss over samples."""
    random, losses = torch.Generator().manual_seed(seed), []
    size = max(1, min(n_points, 2_000_000 // W.shape[1]))
    for _ in range(0, n_points, size):
        x = features.sample(size, generator=random)[0].double()
        y = (x @ W.T @ W + b).relu()
        losses.append((importance * (x - y).square()).mean(1))
    losses = torch.cat(losses)
    return losses.mean().item(), (losses.std() / len(losses) ** 0.5).item()


SIZES = [(20, 5, 0.9), (20, 5, 0.3), (100, 20, 0.97), (400, 30, 0.9), (400, 30, 0.995)]


def large_case(n, m, seed=0):
    random = torch.Generator().manual_seed(seed)
    W = torch.randn(m, n, generator=random, dtype=torch.float64) / m**0.5
    b = -0.2 * torch.rand(n, generator=random, dtype=torch.float64)
    return W, b, torch.rand(n, generator=random, dtype=torch.float64)


@pytest.mark.parametrize(("n", "m", "S"), SIZES[:3])
@pytest.mark.parametrize("signed", [False, True])
def test_large_models_agree_with_samples(n, m, S, signed):
    W, b, importance = large_case(n, m)
    features = IndependentFeatures(n, S, signed)
    mean, error = sampled(W, b, features, importance, 100_000)
    assert abs(expected_loss(W, b, features, importance).item() - mean) < 3 * error


@pytest.mark.weekly
@pytest.mark.parametrize(("n", "m", "S"), SIZES)
def test_large_models_agree_with_ten_million_samples(n, m, S):
    W, b, importance = large_case(n, m)
    features = IndependentFeatures(n, S)
    mean, error = sampled(W, b, features, importance, 10_000_000)
    assert abs(expected_loss(W, b, features, importance).item() - mean) < 3 * error


SETS = [(CorrelatedFeatures, True), (AnticorrelatedFeatures, False)]


@pytest.mark.parametrize(("kind", "together"), SETS)
@pytest.mark.parametrize("set_sizes", [(2, 2), (1, 3), (1, 1, 2), (4,), (1, 1, 1)])
@pytest.mark.parametrize("signed", [False, True])
def test_sets_give_the_true_loss(kind, together, set_sizes, signed):
    n = sum(set_sizes)
    W, b, sparsity, importance = random_case(n, 2, len(set_sizes))
    features = kind(set_sizes, sparsity[: len(set_sizes)], signed)
    states = rational.states_of_sets(set_sizes, features.sparsity.tolist(), together)
    model = W.tolist(), b.tolist()
    truth = float(rational.expected_loss(*model, states, importance.tolist(), signed))
    assert abs(expected_loss(W, b, features, importance).item() - truth) < 1e-9
    precise = expected_loss(W, b, features, importance, tolerance=1e-12)
    assert abs(precise.item() - truth) < 1e-12


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ADVERSARIAL[1:])
def test_signed_features_give_the_true_loss(kind, seed):
    W, b, sparsity, importance = adversarial_case(kind, 2 + seed % 2, 1, seed)
    features = IndependentFeatures(len(b), sparsity, signed=True)
    states = rational.states_of_independent(features.sparsity.tolist())
    truth = rational.expected_loss(W.tolist(), b.tolist(), states, importance.tolist(), True)
    error = abs(expected_loss(W, b, features, importance).item() - float(truth))
    assert error < 1e-9 * max(1, truth)


@pytest.mark.parametrize(("kind", "together"), SETS)
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("activation", ["linear", "relu"])
def test_sets_agree_with_samples(kind, together, signed, activation):
    W, b, _, importance = random_case(12, 4, 3)
    features = kind((1, 2, 2, 3, 4), torch.tensor([0.5, 0.7, 0.8, 0.6, 0.9]), signed)
    x = features.sample(200_000, generator=torch.Generator().manual_seed(0))[0].double()
    y = x @ W.T @ W + b
    loss = (importance * (x - (y.relu() if activation == "relu" else y)).square()).mean(1)
    exact = expected_loss(W, b, features, importance, activation).item()
    assert abs(loss.mean().item() - exact) < 3 * loss.std() / len(loss) ** 0.5


@pytest.mark.parametrize(("kind", "together"), SETS)
@pytest.mark.parametrize("signed", [False, True])
def test_derivatives_with_sets(kind, together, signed):
    W, b, _, importance = random_case(5, 2, 4)
    settings = W.shape, kind((2, 3), 0.6, signed), importance
    theta = torch.cat([W.flatten(), b])
    check_derivatives(flat_loss(*settings), flat_loss(*settings, tolerance=1e-12), theta)


def test_sets_of_one_are_independent_features():
    W, b, sparsity, importance = random_case(9, 3, 5)
    independent = IndependentFeatures(9, sparsity)
    loss = expected_loss(W, b, independent, importance, tolerance=1e-12)
    for kind in (CorrelatedFeatures, AnticorrelatedFeatures):
        sets = kind((1,) * 9, sparsity)
        same = expected_loss(W, b, sets, importance, tolerance=1e-12)
        assert same.item() == pytest.approx(loss.item(), abs=1e-12)


@pytest.mark.parametrize("n", [4, 12])
def test_relu_that_is_never_off_is_linear(n):
    W, b, sparsity, importance = random_case(n, 2, 6)
    b = (W.mT @ W).clamp(max=0).sum(-1).neg() + 0.1
    W.requires_grad_()
    linear, relu = (expected_loss(W, b, sparsity, importance, k) for k in ("linear", "relu"))
    assert torch.allclose(relu, linear, atol=1e-12)
    slopes = [torch.autograd.grad(loss, W)[0] for loss in (linear, relu)]
    assert torch.allclose(*slopes, atol=1e-12)
    never_on = expected_loss(W.detach(), -10 - b, sparsity, importance)
    assert torch.allclose(never_on, (importance * (1 - sparsity) / 3).mean())


@pytest.mark.parametrize("n", [3, 9])
@pytest.mark.parametrize("size", [1e-5, 1e-7, 1e-100, 0.0])
def test_the_smallest_models_answer_zero(n, size):
    W = size * torch.ones(1, n, dtype=torch.float64)
    W.requires_grad_()
    loss = expected_loss(W, torch.zeros(n), 0.4)
    assert loss.item() == pytest.approx(0.6 / 3, abs=1e-9)
    assert torch.autograd.grad(loss, W)[0].isfinite().all()


@pytest.mark.parametrize("n", [3, 9])
def test_models_without_directions(n):
    """W = 0 answers the bias: p/3 - p b + b² for each feature."""
    W, b = torch.zeros(2, n), torch.tensor([0.5, 0.0, -1.0] * (n // 3))
    shares = [0.4 / 3 - 0.4 * 0.5 + 0.25, 0.4 / 3, 0.4 / 3]
    assert expected_loss(W, b, 0.6).item() == pytest.approx(sum(shares) / 3)
    shares[2] += 0.4 + 1
    linear = expected_loss(W, b, 0.6, activation="linear")
    assert linear.item() == pytest.approx(sum(shares) / 3)


@pytest.mark.parametrize("n", [4, 9])
@pytest.mark.parametrize("model", [0, 1])
def test_models_in_a_batch_are_those_alone(n, model):
    W, b, _, importance = random_case(n, 2, 11)
    W, b = torch.stack([W, 0.02 * W]), torch.stack([b, -b])
    sparsity = torch.tensor([[0.3], [0.8]], dtype=torch.float64)
    alone = expected_loss(W[model], b[model], sparsity[model], importance)
    together = expected_loss(W, b, sparsity, importance)[model]
    assert together.item() == pytest.approx(alone.item(), abs=1e-11)


@pytest.mark.parametrize("n", [5, 10])
def test_block_size_changes_nothing(monkeypatch, n):
    W, b, sparsity, importance = random_case(n, 3, 12)
    W.requires_grad_()
    results = []
    for size in (2**17, 2**11):
        monkeypatch.setattr(exact, "_BLOCK", size)
        loss = expected_loss(W, b, sparsity, importance)
        results.append((loss.detach(), torch.autograd.grad(loss, W)[0]))
    for one, other in zip(*results, strict=True):
        assert torch.allclose(one, other, rtol=0, atol=1e-8)


def test_shapes_broadcast():
    W, b = torch.randn(2, 5), torch.zeros(5)
    assert expected_loss(W, b, torch.rand(10, 1)).shape == (10,)
    assert expected_loss(W.expand(4, 3, 2, 5), b, 0.5, torch.ones(3, 5)).shape == (4, 3)
    sets = CorrelatedFeatures((2, 3), torch.rand(6, 1))
    assert expected_loss(W, b, sets).shape == (6,)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sparsity": 1.2}, r"sparsity is 1\.2"),
        ({"sparsity": torch.zeros(4)}, r"sparsity has shape \(4,\)"),
        ({"importance": [1.0, -1.0, 0.0]}, "importance is"),
        ({"importance": [1.0, math.inf, 0.0]}, "importance is"),
        ({"b": torch.zeros(2)}, r"b has shape \(2,\)"),
        ({"b": torch.zeros(4, 3), "W": torch.zeros(5, 2, 3)}, r"b has shape \(4, 3\)"),
        ({"W": torch.zeros(3)}, r"W has shape \(3,\)"),
        ({"W": torch.full((2, 3), math.nan)}, "W holds NaN"),
        ({"b": torch.tensor([0.0, -math.inf, 0.0])}, "b holds NaN or infinite"),
        ({"activation": "tanh"}, "activation is 'tanh'"),
        ({"tolerance": 1e-15}, "tolerance is 1e-15"),
        ({"tolerance": math.nan}, "tolerance is nan"),
        ({"sparsity": IndependentFeatures(4, 0.5)}, "sparsity has 4 features, and W 3"),
        ({"sparsity": IndependentFeatures(3, 0.5, empty="omitted")}, "omitted"),
    ],
)
def test_bad_models_are_refused(changes, words):
    arguments = {"W": torch.zeros(2, 3), "b": torch.zeros(3), "sparsity": 0.5} | changes
    with pytest.raises(ValueError, match=words):
        expected_loss(**arguments)


def test_data_without_a_formula_is_refused():
    with pytest.raises(TypeError, match="sparsity is FixedPoints"):
        expected_loss(torch.zeros(2, 3), torch.zeros(3), FixedPoints(torch.zeros(1, 2, 3)))


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("n", [4, 9])
def test_untied_models_agree_with_samples(n, signed):
    W_in, b, _, importance = random_case(n, 2, 1)
    W_out = random_case(n, 2, 2)[0].mT
    features = IndependentFeatures(n, 0.6, signed=signed)
    x = features.sample(400_000, generator=torch.Generator().manual_seed(3))[0].double()
    y = (x @ W_in.mT @ W_out.mT + b).relu()
    each = (importance * (y - x).square()).mean(1)
    loss = expected_untied_loss(W_in, W_out, b, features, importance)
    assert abs(loss - each.mean()) < 4 * each.std() / len(x) ** 0.5
    wrong_way = expected_untied_loss(W_out.mT, W_in.mT, b, features, importance)
    assert abs(wrong_way - each.mean()) > 8 * each.std() / len(x) ** 0.5


@pytest.mark.parametrize("n", [5, 9])
def test_tied_models_are_untied_ones(n):
    W, b, sparsity, importance = random_case(n, 3, 4)
    tied = expected_loss(W, b, sparsity, importance)
    assert torch.allclose(expected_untied_loss(W, W.mT, b, sparsity, importance), tied)
