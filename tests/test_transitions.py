"""Exact boundaries: held against the loss they are about, and what may not be called proved."""

import mpmath
import pytest
import sympy
import torch

from toyutils import theory, transitions
from toyutils.transitions import k, p, s, s_y, t


@pytest.fixture(scope="module")
def folds():
    return transitions.folds()


@pytest.fixture(scope="module")
def crossings():
    return transitions.crossing_with_dropped(), transitions.crossing_of_pairs()


def value(expression, **at):
    names = {"p": p, "t": t, "k": k, "s": s, "s_y": s_y}
    return float(expression.subs({names[name]: number for name, number in at.items()}))


@pytest.mark.parametrize(
    ("clipped", "at"),
    [
        ("triangle", dict(t=1.4, s=0.1, p=0.4)),
        ("trapezoid", dict(t=0.7, s=0.2, p=0.9)),
        ("nothing", dict(t=0.3, s=1.1, p=0.7)),
    ],
)
def test_moments_are_those_of_samples(clipped, at):
    """By the exact loss of a model with the same overlaps, from `theory`."""
    product, square = transitions.moments(clipped)
    k_, w = 0.6, (0.6 * at["t"]) ** 0.5
    W = torch.tensor([[w, -k_ / w]], dtype=torch.float64)
    b = torch.tensor([k_ * at["s"], 0.3], dtype=torch.float64)
    exact = 2 * theory.expected_loss(W, b, 1 - at["p"], [1, 0])
    loss = at["p"] / 3 - 2 * k_ * value(product, **at) + k_**2 * value(square, **at)
    assert loss == pytest.approx(float(exact), rel=1e-12)


def test_unknown_pieces_are_refused():
    with pytest.raises(ValueError, match="give one of triangle"):
        transitions.moments("square")


def model(root):
    """Return W (1, 2) and b (2,) of the pair that a root describes."""
    at = {str(name): sum(ends) / 2 for name, ends in root.others.items()}
    w = (at["k"] * at["t"]) ** 0.5
    b = torch.tensor([at["k"] * at["s"], at["k"] * at["s_y"]], dtype=torch.float64)
    return torch.tensor([[w, -at["k"] / w]], dtype=torch.float64), b


def test_pair_and_left_out_feature_cost_the_same(crossings):
    root, density = crossings[0], crossings[0].low
    loss = theory.expected_loss(*model(root), 1 - density, [1, 0.5])
    alone = 0.25 * theory.feature_variance(1 - density)
    assert float(loss) == pytest.approx(alone, rel=1e-12)


def test_equal_and_unequal_pair_cost_the_same(crossings):
    root, density = crossings[1], crossings[1].low
    best = theory.best_relu_model(2, 1, 1 - density, n_restarts=40)
    uneven = theory.expected_loss(*model(root), 1 - density)
    even = theory.descend(torch.tensor([[0.7, -0.7]]), torch.zeros(2), 1 - density)
    for loss in (uneven, theory.expected_loss(*even, 1 - density)):
        assert float(loss) == pytest.approx(float(best.loss), rel=1e-10)


def test_what_is_isolated_is_a_minimum_on_its_own_piece(crossings, folds):
    for root, ratio in [(crossings[0], 0.5), (crossings[1], 1.0)]:
        assert curvature(root, ratio)[0] > 1e-3
    for name, root in folds.items():
        eigenvalues = curvature(root, 0.5 if "1/2" in name else 1.0)
        assert abs(eigenvalues[0]) < 1e-6, "a minimum meets a saddle"
        assert eigenvalues[1] > 1e-3


def curvature(root, ratio):
    """Return the eigenvalues of the loss's second derivatives, lowest first."""
    W, b = model(root)

    def loss(theta):
        return theory.expected_loss(theta[:2][None], theta[2:], 1 - root.low, [1, ratio])

    theta = torch.cat([W[0], b])
    slope = torch.autograd.functional.jacobian(loss, theta)
    assert slope.abs().max() < 1e-12
    return torch.linalg.eigvalsh(torch.autograd.functional.hessian(loss, theta))


def test_pieces_are_those_assumed(crossings, folds):
    """Where z < 0: a triangle or a trapezoid, as each call said."""
    roots = [(crossings[0], "trapezoid"), (crossings[1], "triangle")]
    roots += [(root, "triangle") for root in folds.values()]
    for root, second in roots:
        at = root.others
        assert 0 < at[s][0] < at[s][1] < 1 < at[t][0] + at[s][0]
        assert 0 < at[s_y][0] < at[s_y][1] < 1
        sums = [1 / at[t][1] + at[s_y][0], 1 / at[t][0] + at[s_y][1]]
        assert min(sums) > 1 if second == "triangle" else max(sums) < 1


def test_resultants_have_one_root_where_the_loss_turns():
    even, dropped = transitions.equal_pair_until(), transitions.dropped_until()
    assert (even.polynomial.degree(), dropped.polynomial.degree()) == (36, 7)
    for root in (even, dropped):
        assert 0 < root.high - root.low < 3e-15
        signs = [root.polynomial.eval(sympy.Rational(end)) for end in (root.low, root.high)]
        assert signs[0] * signs[1] < 0


def test_the_equal_pair_is_stable_up_to_its_end():
    end = transitions.equal_pair_until().low
    for density, rising in ((end - 1e-4, True), (end + 1e-4, False)):
        W, b = theory.descend(torch.tensor([[0.75, -0.75]]), torch.zeros(2), 1 - density)

        def loss(theta, density=density):
            return theory.expected_loss(theta[:2][None], theta[2:], 1 - density)

        hessian = torch.autograd.functional.hessian(loss, torch.cat([W[0], b]))
        assert (torch.linalg.eigvalsh(hessian)[0] > 0) == rising


def test_a_left_out_feature_stays_out_down_to_its_end():
    """A faint weight, with the best bias of the other feature, costs more above and less below."""
    end = transitions.dropped_until().low
    for density, stays in ((end + 5e-3, True), (end - 5e-3, False)):
        W, b = torch.tensor([[1.0, -1e-3]]).double(), torch.tensor([1e-4, density / 2]).double()
        W, b = theory.descend(W, b, 1 - density, [1, 0.5], n_steps=400, max_step=1e-3)
        assert W[0, 1].abs() < 1e-5 if stays else W[0, 1].abs() > 1e-3


def test_no_box_is_called_proved_that_holds_no_root_or_two():
    x, y = sympy.symbols("x y")
    with pytest.raises((ArithmeticError, ValueError)):
        transitions.isolated([x**2 + 1, p - 1], (x, p), (0.1, 1.0))  # no real solution
    with pytest.raises((ArithmeticError, ZeroDivisionError, ValueError)):
        transitions.isolated([x**2, p - y, y - 1], (x, y, p), (0.0, 1.0, 1.0))  # a double one
    root = transitions.isolated([x**2 - 2, 2 * p - x], (x, p), (1.4, 0.7))
    half = mpmath.sqrt(2) / 2
    assert root.low < half < root.high
    assert root.high - root.low < 1e-14
