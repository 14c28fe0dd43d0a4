"""Changes and coincidences, against loops and against cases whose answer is plain."""

import math

import pytest
import torch

from toyutils import dynamics


def test_largest_change_agrees_with_a_loop():
    values = torch.randn(9, 2, 4, generator=torch.Generator().manual_seed(0))
    result = dynamics.largest_change(values, 3)
    assert result.shape == (6, 2)
    for t in range(6):
        for s in range(2):
            changes = [abs(float(values[t + 3, s, i] - values[t, s, i])) for i in range(4)]
            assert result[t, s] == pytest.approx(max(changes))


def test_fall_is_positive_where_the_loss_falls():
    loss = torch.tensor([[5.0, 1.0], [4.0, 1.5], [1.0, 1.5]])
    assert dynamics.fall(loss, 1).tolist() == [[1.0, -0.5], [3.0, 0.0]]
    assert dynamics.fall(loss, 2).tolist() == [[4.0, -0.5]]


def test_events_of_the_same_models_meet_and_a_shared_trend_does_not_count():
    random = torch.Generator().manual_seed(1)
    one = torch.rand(200, 12, generator=random) < 0.1
    same = dynamics.meetings(one, one)
    assert same.own == one.sum()
    assert same.null.shape == (11,)
    assert same.own > 3 * same.null.max()
    early = (torch.arange(200) < 40)[:, None].expand(200, 12)  # everybody at once
    shared = dynamics.meetings(early, early)
    assert shared.own == shared.expected == 480


def test_expected_meetings_are_those_of_all_other_pairs():
    random = torch.Generator().manual_seed(2)
    one, other = (torch.rand(50, 5, generator=random) < 0.4 for _ in range(2))
    result = dynamics.meetings(one, other)
    pairs = [int((one[:, s] & other[:, r]).sum()) for s in range(5) for r in range(5) if r != s]
    assert result.expected == pytest.approx(sum(pairs) / 4)


def test_rank_agreement_sees_order_and_not_the_trend():
    random = torch.Generator().manual_seed(3)
    noise, trend = torch.randn(100, 8, generator=random), torch.linspace(50, 0, 100)[:, None]
    assert dynamics.rank_agreement(noise, noise.exp() + trend).own == pytest.approx(1)
    assert dynamics.rank_agreement(noise, -noise + trend).own == pytest.approx(-1)
    independent = torch.randn(100, 8, generator=random)
    assert abs(dynamics.rank_agreement(noise + trend, independent + trend).own) < 0.15


@pytest.mark.parametrize("lag", [0, 9])
def test_a_lag_that_does_not_fit_is_refused(lag):
    with pytest.raises(ValueError, match=f"lag is {lag}; there are 9 records"):
        dynamics.largest_change(torch.zeros(9, 1, 2), lag)


def test_shapes_that_do_not_fit_are_refused():
    one = torch.zeros(5, 3)
    for other in (torch.zeros(5, 2), torch.zeros(5)):
        with pytest.raises(ValueError, match=r"one has shape \(5, 3\)"):
            dynamics.rank_agreement(one, other)
    with pytest.raises(ValueError, match="two instances or more"):
        dynamics.meetings(one[:, :1] > 0, one[:, :1] > 0)


def sets_of_three(*, angle=180.0, opened=True, twist=0.0):
    """Return W (3, 6): two sets round opposite directions, opened into right angles or not."""
    across = math.radians(angle)
    if not opened:
        two = torch.tensor([[1.0, math.cos(across)], [0.0, math.sin(across)], [0.0, 0.0]])
        return two.repeat_interleave(3, 1)
    turn = torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / 3**0.5
    return torch.cat([torch.eye(3), -torch.matrix_exp(math.radians(twist) * turn)], 1)


def test_set_angles():
    W = torch.stack([sets_of_three(angle=a, opened=False) for a in (0.0, 70.0, 180.0)])
    angles = dynamics.set_angles(W, [0, 1, 2], [3, 4, 5])
    assert angles == pytest.approx(torch.tensor([0.0, 70, 180]), abs=0.1)


def test_stages_of_known_arrangements():
    W = torch.stack(
        [
            0.01 * sets_of_three(opened=False), sets_of_three(angle=90, opened=False),
            sets_of_three(twist=60), sets_of_three(),
        ]
    )  # fmt: skip
    passed = dynamics.stages(W)
    assert passed.collapsed.tolist() == [False, True, False, False]
    assert passed.triangles.tolist() == [False, False, True, True]
    assert passed.octahedron.tolist() == [False, False, False, True]
    assert passed.n_pairs.tolist() == [0, 0, 0, 3]
    with pytest.raises(ValueError, match="two sets of three"):
        dynamics.stages(torch.ones(3, 5))


@pytest.mark.parametrize(
    ("steps", "name"),
    [
        (["B", "D"], "straight"),
        (["B", "pair", "C", "D"], "pairs first"),
        (["B", "C", "D"], "triangles first"),
        (["B", "pair"], "not opened"),
    ],
)
def test_paths_are_named(steps, name):
    one_pair = torch.tensor(
        [[1.0, 0.8, 0, -1, 0, 0.0], [0, 0.6, 1, 0, -0.8, 0], [0, 0, 0, 0, 0.6, 1]]
    )
    one_pair[:, 2] = one_pair[:, 1]
    one_pair[:, 0] = torch.tensor([0.3, -0.95, 0.0])
    one_pair[:, 3] = -one_pair[:, 0]
    W = {"B": sets_of_three(angle=90, opened=False), "pair": one_pair,
         "C": sets_of_three(twist=60), "D": sets_of_three()}  # fmt: skip
    passed = dynamics.stages(torch.stack([W[step] for step in steps])[:, None])
    assert dynamics.path(passed, 0) == name


def test_a_straight_slope_is_no_sudden_fall_and_a_step_is_one():
    slope = torch.linspace(5, 0, 40)[:, None]
    assert dynamics.sudden_fall(slope, 5).abs().max() < 1e-5
    step = (torch.arange(40) < 20).float()[:, None]
    sudden = dynamics.sudden_fall(step, 5)[:, 0]
    assert sudden.shape == (25,)
    assert sudden.max() == 1
    assert 20 in range(5 + int(sudden.argmax()), 5 + int(sudden.argmax()) + 6)


def test_smooth_is_the_mean_of_neighbours():
    assert dynamics.smooth(torch.tensor([1.0, 2, 6, 3]), 3).tolist() == pytest.approx([3, 11 / 3])
