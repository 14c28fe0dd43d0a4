"""Scores of a dictionary: by hand, and against an independent slow reading of the definitions."""

import itertools
import math

import numpy as np
import pytest
import torch

from toyutils import scores

E = torch.eye


def antipodal(seed):
    """Return W (1, 3, 5), of which features 0 and 1 are antipodes, and 7 random rows."""
    generator = torch.Generator().manual_seed(seed)
    W = torch.randn(1, 3, 5, generator=generator)
    W[:, :, 1] = -1.5 * W[:, :, 0]
    return W, torch.randn(1, 7, 3, generator=generator)


def test_cosines_by_hand_with_signs_and_without_lengths():
    W = torch.tensor([[[2.0, 0.0, -3.0, 0.0], [0.0, 0.5, 0.0, 0.0]]])  # the last has no direction
    rows = torch.tensor([[[5.0, 0.0], [-1.0, -1.0], [0.0, 0.0]]])
    s = 0.5**0.5
    expected = torch.tensor([[[1.0, -s, 0], [0, -s, 0], [-1, s, 0], [0, 0, 0]]])
    torch.testing.assert_close(scores.cosines(W, rows), expected)


def test_one_model_serves_many_dictionaries():
    W, rows = antipodal(0)
    several = scores.cosines(W, torch.cat([rows, 2 * rows]))
    torch.testing.assert_close(several[0], several[1])
    with pytest.raises(ValueError, match="W has 2 instances and directions 3"):
        scores.cosines(W.expand(2, -1, -1), rows.expand(3, -1, -1))
    with pytest.raises(ValueError, match=r"W has shape \(1, 3, 5\) and directions \(1, 3, 7\)"):
        scores.cosines(W, rows.mT)


def test_matching_is_the_best_for_all_and_not_greedy():
    table = torch.tensor([[[0.9, 0.8], [0.85, 0.1]]])  # greedy would take 0.9 and be left with 0.1
    assert scores.match(table).tolist() == [[1, 0]]


def test_matching_where_latents_are_few_or_dead():
    table = torch.tensor([[[0.2, 0.9], [0.8, 0.95], [0.1, 0.3]]])
    assert scores.match(table).tolist() == [[1, 0, -1]]
    live = torch.tensor([[False, True]])
    assert scores.match(table, live).tolist() == [[-1, 1, -1]]
    assert scores.match(-table).tolist() == [[-1, -1, -1]], "a latent that points away is none"
    assert scores.match(table, ~live & False).tolist() == [[-1, -1, -1]]


def best_by_trying_all(table):
    """Return the one-to-one choice of columns with the highest total; -1 where it adds nothing."""
    n, m = table.shape
    worth = table.clip(0).tolist()
    choices = itertools.permutations(range(m), n)
    best = max(choices, key=lambda choice: sum(worth[i][c] for i, c in enumerate(choice)))
    return [c if worth[i][c] > 0 else -1 for i, c in enumerate(best)]


@pytest.mark.parametrize("seed", range(20))
def test_twenty_random_dictionaries_against_slow_loops(seed):
    W, rows = antipodal(seed)
    cosine = scores.cosines(W, rows)
    slow = np.zeros((5, 7))
    for i, j in np.ndindex(5, 7):
        w, d = W[0, :, i].double().numpy(), rows[0, j].double().numpy()
        slow[i, j] = sum(w * d) / math.sqrt(sum(w * w)) / math.sqrt(sum(d * d))
    np.testing.assert_allclose(cosine[0], slow, atol=1e-6)
    assert scores.match(cosine)[0].tolist() == best_by_trying_all(slow)

    # Firing: 60 points, sparse; latent 6 never fires.
    generator = torch.Generator().manual_seed(100 + seed)
    x = torch.rand(1, 60, 5, generator=generator) * (
        torch.rand(1, 60, 5, generator=generator) < 0.3
    )
    f = torch.rand(1, 60, 7, generator=generator) * (
        torch.rand(1, 60, 7, generator=generator) < 0.4
    )
    f[..., 6] = 0
    result = scores.score(W, rows, x, f, W_enc=-rows.mT)
    choice = best_by_trying_all(slow[:, :6])
    assert result.latent[0].tolist() == choice
    for i, j in enumerate(choice):
        if j < 0:
            assert (result.cosine[0, i], result.recall[0, i]) == (0, 0)
            continue
        both = sum(1 for p in range(60) if x[0, p, i] > 0 and f[0, p, j] > 0)
        fires, active = int((f[0, :, j] > 0).sum()), int((x[0, :, i] > 0).sum())
        assert result.precision[0, i] == pytest.approx(both / fires)
        assert result.recall[0, i] == pytest.approx(both / active)
        assert result.cosine[0, i] == pytest.approx(slow[i, j], abs=1e-6)
        assert result.encoder_cosine[0, i] == pytest.approx(-slow[i, j], abs=1e-6)
    highest = slow.max(0)
    assert result.dead.tolist() == [1]
    for bound in (0.5, 0.9):
        near = [j for j in range(6) if highest[j] >= bound]
        assert result.false(bound).tolist() == [6 - len(near)]
        assert result.unique(bound).tolist() == [len({int(slow[:, j].argmax()) for j in near})]
        recovered = sum(slow[i, j] >= bound for i, j in enumerate(choice) if j >= 0) / 5
        assert result.recovered(bound).tolist() == [pytest.approx(recovered)]
    assert result.n_active.item() == pytest.approx((f > 0).sum().item() / 60)
    assert result.n_active_true.item() == pytest.approx((x > 0).sum().item() / 60)


def test_without_signs_an_antipodal_pair_looks_recovered_twice():
    """Two rows along one of two antipodes: |cos| calls both recovered, cos only that one."""
    W = torch.tensor([[[1.0, -1.0, 0.0], [0.0, 0.0, 1.0]]])
    rows = torch.tensor([[[1.0, 0.0], [1.0, 0.001], [0.0, 1.0]]])
    cosine = scores.cosines(W, rows)
    x = f = torch.ones(1, 1, 3)
    result = scores.score(W, rows, x, f)
    assert result.recovered(0.99).item() == pytest.approx(2 / 3)
    unsigned = cosine.abs()
    latent = scores.match(unsigned)
    assert (unsigned.gather(2, latent[..., None]) >= 0.99).all(), "what a library reports"
    assert result.unique().item() == 2
    assert result.false().item() == 0


def test_points_count_by_their_weights():
    W, rows = E(2)[None], E(2)[None]
    x = torch.tensor([[[1.0, 0], [0, 1.0], [1.0, 1.0]]])
    f = torch.tensor([[[1.0, 1.0], [0, 1.0], [0, 1.0]]])
    result = scores.score(W, rows, x, f, weight=torch.tensor([[0.5, 0.3, 0.2]]))
    torch.testing.assert_close(result.precision, torch.tensor([[1, 0.5]]).double())
    torch.testing.assert_close(result.recall, torch.tensor([[0.5 / 0.7, 1]]).double())
    assert result.n_active.item() == pytest.approx(1.5)
    assert result.n_active_true.item() == pytest.approx(1.2)


def test_features_beyond_the_latents_are_not_recovered():
    W, rows = E(3)[None], E(3)[None, :2]
    x = torch.ones(1, 4, 3)
    result = scores.score(W, rows, x, torch.ones(1, 4, 2))
    assert result.cosine.tolist() == [[1, 1, 0]]
    assert result.recall.tolist() == [[1, 1, 0]]
    assert result.precision[0, 2].isnan()
    with pytest.raises(ValueError, match=r"f \(1, 4, 3\)"):
        scores.score(W, rows, x, torch.ones(1, 4, 3))


def test_the_summary_is_a_mean_over_instances():
    W, rows = E(2)[None], torch.stack([E(2), -E(2)])
    x = torch.tensor([[[1.0, 0], [0, 1.0]]])
    f = torch.stack([x[0], torch.tensor([[1.0, 0], [1.0, 0]])])
    summary = scores.score(W, rows, x, f).summary()
    assert summary["runs with all"] == 1
    expected = dict(recovered=0.5, false=0.5, dead=0.5, L0=1, precision=1, recall=0.5)
    assert summary == {"runs with all": 1} | {k: pytest.approx(v) for k, v in expected.items()}


def test_chance_in_the_plane_is_the_share_of_the_circle():
    """One random latent lies within arccos(bound) of one feature: twice that angle of 360."""
    W = torch.tensor([[1.0], [0.0]])
    for bound in (0.9, 0.99):
        expected = math.acos(bound) / math.pi
        assert scores.chance(W, 1, bound, n_draws=4000) == pytest.approx(expected, abs=0.02)
    many = 1 - (1 - math.acos(0.9) / math.pi) ** 6
    assert scores.chance(W, 6, 0.9, n_draws=2000) == pytest.approx(many, abs=0.03)
    assert scores.chance(W, 6, 0.9, seed=1) == scores.chance(W, 6, 0.9, seed=1)


def test_unexplained_is_zero_for_perfect_and_one_for_the_mean():
    h = torch.randn(2, 50, 3, generator=torch.Generator().manual_seed(0))
    assert scores.unexplained(h, h).tolist() == [0, 0]
    mean = h.mean(1, keepdim=True).expand_as(h)
    torch.testing.assert_close(scores.unexplained(h, mean), torch.ones(2).double())
    weight = torch.tensor([[0.75, 0.25]])
    h = torch.tensor([[[0.0], [4.0]]])  # mean 1, variance 3
    assert scores.unexplained(h, h + 1, weight).item() == pytest.approx(1 / 3)
