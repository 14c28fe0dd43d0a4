"""Attacks, against loops and cases by hand."""

import pytest
import torch

from toyutils import attacks, geometry, theory


def pentagon():
    ideal = theory.sparse_limit_polygon(5)
    return geometry.polygon(5, ideal.radius), torch.full((5,), ideal.bias)


def test_an_attack_follows_a_row_of_the_gram_matrix():
    W = torch.tensor([[1.0, -1.0, 0.0], [0.0, 0.0, 0.0]])
    delta = attacks.analytic(W, 0.5)
    root = 0.5 / 2**0.5
    expected = torch.tensor([[root, -root, 0.0], [-root, root, 0.0], [0.0, 0.0, 0.0]])
    torch.testing.assert_close(delta, expected)
    several = attacks.analytic(torch.stack([W, 2 * W]), torch.tensor([0.5, 1.0])[:, None, None])
    torch.testing.assert_close(several, torch.stack([delta, 2 * delta]))


def test_no_other_step_of_that_length_moves_the_output_further():
    W, _ = pentagon()
    delta = attacks.analytic(W, 0.3)
    other = torch.randn(2000, 5, generator=torch.Generator().manual_seed(0), dtype=W.dtype)
    other = 0.3 * other / other.norm(dim=1, keepdim=True)
    overlap = W.T @ W
    assert (other @ overlap[1]).max() < delta[1] @ overlap[1]
    torch.testing.assert_close(delta[1] @ overlap[1], 0.3 * overlap[1].norm())


def test_at_the_threshold_an_output_wakes_and_below_it_none_does():
    W, b = pentagon()
    length = attacks.thresholds(W, b)
    for share, wakes in ((0.999, False), (1.001, True)):
        y = (attacks.analytic(W, share * float(length[0])) @ W.T @ W + b).relu()
        assert torch.equal(y > 0, wakes * torch.eye(5) > 0)
    on = attacks.thresholds(W, -b)
    torch.testing.assert_close(on, -length)


def test_harm_is_the_rise_of_the_error():
    random = torch.Generator().manual_seed(1)
    W, b = torch.randn(2, 4, generator=random), torch.randn(4, generator=random)
    x, delta = torch.rand(6, 4, generator=random), torch.randn(3, 4, generator=random)

    def error(point, step):
        y = torch.clamp(W.T @ (W @ (point + step)) + b, min=0)
        return sum((float(y[i]) - float(point[i])) ** 2 for i in range(4)) / 4

    expected = torch.tensor([[error(p, d) - error(p, 0) for p in x] for d in delta])
    torch.testing.assert_close(attacks.harm(W, b, x, delta), expected)
    with pytest.raises(ValueError, match="b has 3 features; W has 4"):
        attacks.harm(W, b[:3], x, delta)


def test_two_readings_of_worst():
    harm = torch.tensor([[3.0, 0.0, 0.0], [0.0, 2.0, 1.5]])
    for_all, for_each = attacks.worst(harm)
    assert float(for_all) == pytest.approx(3.5 / 3)
    assert float(for_each) == pytest.approx(6.5 / 3)


def test_climbing_never_does_less_and_keeps_the_length():
    W, b = pentagon()
    x = torch.rand(40, 5, generator=torch.Generator().manual_seed(2)) * (
        torch.arange(200).reshape(40, 5) % 3 == 0
    )
    start = attacks.analytic(W, 0.3)
    highest, delta = attacks.climb(W, b, x, start)
    assert (highest >= attacks.harm(W, b, x, start).amax(0) - 1e-7).all()
    torch.testing.assert_close(delta.norm(dim=1), torch.full((40,), 0.3))
    again = attacks.harm(W, b, x, delta).diagonal()
    torch.testing.assert_close(again, highest)


def test_climbing_finds_the_worst_attack_of_a_linear_stretch():
    """Where every output is on, the harm is a quadratic form, and its worst attack is known."""
    W = torch.tensor([[1.0, 0.5, 0.2], [0.1, -0.4, 0.9]])
    b = torch.full((3,), 5.0)
    x = torch.zeros(1, 3)
    overlap = (W.T @ W).double()
    grid = torch.randn(200_000, 3, generator=torch.Generator().manual_seed(0), dtype=torch.double)
    grid = 0.3 * grid / grid.norm(dim=1, keepdim=True)
    worst = ((grid @ overlap + 5).square().mean(1) - 25).max()
    highest, _ = attacks.climb(W, b, x, attacks.analytic(W, 0.3), n_steps=60)
    assert float(highest) == pytest.approx(float(worst), rel=1e-3)


def test_without_superposition_an_attack_costs_its_square_and_in_a_pair_twice_that():
    x = torch.zeros(1, 2)
    alone = attacks.harm(torch.eye(2), torch.zeros(2), x, attacks.analytic(torch.eye(2), 0.1))
    pair = torch.tensor([[1.0, -1.0]])
    shared = attacks.harm(pair, torch.zeros(2), x, attacks.analytic(pair, 0.1))
    torch.testing.assert_close(alone, torch.full((2, 1), 0.01 / 2))
    torch.testing.assert_close(shared, 2 * alone)
