import pytest
import torch

from toyutils import theory
from toyutils.features import AnticorrelatedFeatures, CorrelatedFeatures, IndependentFeatures
from toyutils.optima import _quasi_newton_step, best_relu_model, descend
from toyutils.theory import expected_loss

# The exact minima for 2 -> 1: density, ReLU optimum, W and b.
RELU_OPTIMA = [
    (1.0, 0.041627, (0.37, 0.94), None),
    (0.8, 0.052758, (0.45, 0.93), (0.49, 0.21)),
    (0.6, 0.049443, (0.87, 0.87), (0.215, 0.215)),
    (0.5, 0.038141, (0.97, 0.97), (0.096, 0.096)),
    (0.4, 0.025497, (1.0, 1.0), (0.044, 0.044)),
    (0.2, 0.006592, (1.01, 1.01), (0.006, 0.006)),
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


def test_the_best_of_given_starts_is_the_lowest_of_their_minima():
    starts = torch.tensor([[[1.0, -0.05]], [[1.0, -1.0]]])
    sparsity, importance = torch.tensor([0.4, 0.6]), torch.tensor([[1.0, 0.5], [1.0, 0.5]])
    best = theory.best_of_starts(starts, sparsity, importance)
    assert best.W.shape == (2, 1, 2)
    assert best.b.shape == (2, 2)
    for k in (0, 1):
        b = (1 - sparsity[k]).expand(2, 2) / 2
        ends = descend(starts, b, sparsity[k], importance[k], max_step=0.1)
        losses = expected_loss(*ends, sparsity[k], importance[k])
        assert best.loss[k].item() == pytest.approx(losses.min().item(), rel=1e-9)
        at_best = expected_loss(best.W[k], best.b[k], sparsity[k], importance[k])
        assert best.loss[k].item() == pytest.approx(at_best.item(), rel=1e-9)
    kept = best.W[:, 0].abs() > 0.5
    assert kept.tolist() == [[True, False], [True, True]], "one feature, then a pair"


def test_descend_finds_the_bottom_and_leaves_its_input():
    W, b = torch.tensor([[0.9, -1.2]]), torch.zeros(2)
    W_end, b_end = descend(W, b, 0.8, n_steps=300)
    assert expected_loss(W_end, b_end, 0.8).item() == pytest.approx(0.006593, abs=2e-6)
    assert W.tolist() == torch.tensor([[0.9, -1.2]]).tolist()


def test_optimum_beats_every_prototype_over_the_phase_diagram():
    p = torch.logspace(-2, 0, 8, dtype=torch.float64)
    density, ratio = (a.flatten() for a in torch.meshgrid(p, p * 10, indexing="ij"))
    for n_hidden in (1, 2):
        importance = torch.ones(64, n_hidden + 1, dtype=torch.float64)
        importance[:, -1] = ratio
        optimum = best_relu_model(n_hidden + 1, n_hidden, 1 - density, importance, n_restarts=8)
        prototypes = torch.stack([*theory.prototype_losses(density, ratio, n_hidden).values()])
        assert (optimum.loss <= prototypes.min(0).values + 1e-9).all()


def test_no_restart_is_refused():
    with pytest.raises(ValueError, match="n_restarts is 0"):
        best_relu_model(2, 1, 0.5, n_restarts=0)


def test_lbfgs_inverts_the_curvature_it_has_seen():
    """After steps along every axis of a quadratic the next step ends in its minimum."""
    random = torch.Generator().manual_seed(0)
    root = torch.randn(4, 4, generator=random, dtype=torch.float64)
    curvature = root @ root.T + torch.eye(4)
    bottom = torch.randn(4, generator=random, dtype=torch.float64)
    directions, _ = torch.linalg.qr(root)
    steps = torch.linalg.eigh(curvature)[1].T  # conjugate: each pair is kept by later ones
    for basis in (steps, steps * torch.tensor([[1.0], [3.0], [0.1], [2.0]])):
        changes = basis @ curvature
        step = _quasi_newton_step(-(curvature @ bottom)[None], basis[None], changes[None])
        assert torch.allclose(step[0], bottom, atol=1e-10)
    turned = (directions.T @ directions)[None]  # no curvature known: steepest descent
    slope = torch.ones(1, 4, dtype=torch.float64)
    assert torch.equal(_quasi_newton_step(slope, turned, 0 * turned), -slope)


@pytest.mark.parametrize(
    "data",
    [
        0.8,
        IndependentFeatures(9, 0.7, signed=True),
        CorrelatedFeatures((3, 3, 3), 0.7),
        AnticorrelatedFeatures((3, 3, 3), 0.4),
    ],
)
def test_descent_ends_where_the_slope_does(data):
    random = torch.Generator().manual_seed(1)
    W = torch.randn(3, 9, generator=random, dtype=torch.float64) / 3
    before = expected_loss(W, torch.zeros(9), data)
    W, b = descend(W, torch.zeros(9), data, n_steps=25, tolerance=1e-6)
    W.requires_grad_()
    after = expected_loss(W, b, data)
    assert after < 0.9 * before
    assert torch.autograd.grad(after, W)[0].abs().max() < 3e-3


def test_descent_from_a_minimum_stays():
    W, b = torch.tensor([[1.0066, -1.0066]]), torch.tensor([0.0055, 0.0055])
    W, b = descend(W, b, 0.8)
    again = descend(W, b, 0.8)
    assert torch.allclose(again[0], W, atol=1e-5)
    assert torch.allclose(again[1], b, atol=1e-5)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_best_bias_is_that_of_a_fine_grid(seed):
    random = torch.Generator().manual_seed(seed)
    W = 0.8 * torch.randn(2, 3, generator=random, dtype=torch.float64)
    sparsity = float(torch.rand((), generator=random))
    best = theory.best_bias(W, sparsity)
    fine = torch.linspace(-3, 3, 6001, dtype=torch.float64)
    for i in range(3):
        b = best.repeat(len(fine), 1)
        b[:, i] = fine
        losses = theory.expected_loss(W, b, sparsity)
        assert theory.expected_loss(W, best, sparsity) <= losses.min() + 1e-12
        assert best[i].item() == pytest.approx(fine[losses.argmin()].item(), abs=2e-3)


def test_best_biases_that_are_known():
    nothing = theory.best_bias(torch.zeros(1, 2), 0.8)
    torch.testing.assert_close(nothing, torch.full((2,), 0.1).to(nothing), atol=1e-5, rtol=0)
    optimum = theory.best_relu_model(2, 1, [0.8, 0.4])
    again = theory.best_bias(optimum.W, torch.tensor([[0.8], [0.4]]))
    torch.testing.assert_close(again, optimum.b, atol=1e-4, rtol=0)
    assert theory.best_bias(torch.ones(4, 5, 2, 3), 0.9).shape == (4, 5, 3)
