import math

import pytest
import torch

from toyutils import geometry, memorising
from toyutils.features import IndependentFeatures
from toyutils.models import ReLUModel

FEW = IndependentFeatures(12, 0.7, empty="omitted")
TINY = memorising.Recipe(12, 0.8, (3, 6), 9, 2, 3, (1e-2, 3e-2), 40)


def strangers(n_points, each=2):
    """Return points (point, feature) of length one that share no feature."""
    x = torch.eye(n_points, dtype=torch.float64).repeat_interleave(each, 1)
    return x / each**0.5


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "tiny.npz"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(memorising.RECIPES, "tiny", TINY)
        patch.setattr(memorising, "_path", lambda name: path)
        memorising.compute("tiny", "cpu", path)
        return memorising.stored("tiny"), *memorising.data_of("tiny")


def test_points_have_length_one_and_something_active():
    x = memorising.unit_points(FEW, 200, 3, seed=1)
    assert x.shape == (3, 200, 12)
    assert torch.allclose(x.norm(dim=-1), torch.ones(3, 200))
    assert (x >= 0).all()
    assert torch.equal(x, memorising.unit_points(FEW, 200, 3, seed=1))
    with pytest.raises(ValueError, match="empty is 'weighted'; points of length one need"):
        memorising.unit_points(IndependentFeatures(3, 0.5), 4)


def test_what_a_zero_answer_and_kept_features_lose():
    x = memorising.unit_points(FEW, 4000, seed=2)[0].double()
    zero = torch.zeros(2, 12, dtype=torch.float64)
    assert memorising.lost(zero, zero[0], x).item() == pytest.approx(1)
    W = torch.eye(12, dtype=torch.float64)[:2]  # keeps features 0 and 1, exactly
    assert memorising.lost(W, zero[0], x).item() == pytest.approx(1 - 2 / 12, abs=0.02)


def test_lost_agrees_with_the_models_own_loss():
    x = memorising.unit_points(FEW, 30, 2)
    model = ReLUModel(12, 2, 2, seed=3)
    ours = memorising.lost(model.W, model.b, x)
    assert torch.allclose(ours, 12 * (model(x) - x).square().mean((1, 2)))


@pytest.mark.parametrize("n_points", [3, 4, 5, 8, 40])
def test_a_polygon_of_points_loses_nothing(n_points):
    x = strangers(n_points)
    W, b = memorising.polygon_of_points(x)
    assert memorising.lost(W, b, x).item() < 1e-16
    squared_radius = 1 / (1 - math.cos(2 * math.pi / n_points))
    assert W.square().sum().item() == pytest.approx(n_points * squared_radius)
    D = geometry.feature_dimensionality(W @ x.T)
    assert torch.allclose(D, torch.full((n_points,), 2 / n_points, dtype=D.dtype))
    # Any shorter, and a point or its neighbour comes out wrong.
    assert memorising.lost(0.99 * W, b, x) > 1e-6


def test_points_that_no_polygon_holds_are_refused():
    with pytest.raises(ValueError, match="x holds 2 points; a polygon has three"):
        memorising.polygon_of_points(strangers(2))
    with pytest.raises(ValueError, match="of another length than one, or two that share"):
        memorising.polygon_of_points(2 * strangers(3))
    shared = torch.tensor([[0.6, 0.8, 0, 0], [0.8, 0.6, 0, 0], [0, 0, 0, 1.0]])
    with pytest.raises(ValueError, match="two that share a feature"):
        memorising.polygon_of_points(shared)


def test_the_largest_are_averaged():
    D = torch.tensor([[0.1, 0.5, 0.3], [0.2, 0.2, 0.8]])
    assert torch.allclose(memorising.largest(D, 2), torch.tensor([0.4, 0.5]))
    assert torch.allclose(memorising.largest(D), D.mean(1)), "fewer than five: all of them"
    with pytest.raises(ValueError, match="k is 0"):
        memorising.largest(D, 0)


def test_measures_belong_to_their_models():
    x, test = memorising.unit_points(FEW, 7, 3), memorising.unit_points(FEW, 50, seed=9)[0]
    model = ReLUModel(12, 2, 3, seed=1)
    measured = memorising.measure(model, x, test)
    assert all(m.shape == (3,) for m in measured)
    k, W, b = 1, model.W[1].detach(), model.b[1].detach()
    assert torch.allclose(measured.loss[k], memorising.lost(W, b, x[k]))
    assert torch.allclose(measured.test_loss[k], memorising.lost(W, b, test))
    assert measured.length[k] == pytest.approx(float(W.norm()))
    assert measured.bias[k] == pytest.approx(float(b.norm()))
    hidden = geometry.feature_dimensionality(W @ x[k].T)
    assert torch.allclose(measured.points[k], memorising.largest(hidden))
    own = geometry.feature_dimensionality(W)
    assert torch.allclose(measured.features[k], memorising.largest(own))


def test_stored_and_read_again(tiny):
    run, x, test = tiny
    assert run.n_points.tolist() == [3, 6]
    assert torch.allclose(run.rates, torch.tensor([1e-2, 3e-2]))
    assert all(m.shape == (2, 2, 2, 3) for m in run.measures)
    assert run.pooled.loss.shape == (2, 2, 6)
    assert torch.equal(run.pooled.loss[1, 0, 3:], run.measures.loss[1, 1, 0]), "start after rate"
    assert torch.equal(run.x, x[0])
    for k, T in enumerate(run.n_points.tolist()):
        best = run.pooled.loss[k, 0].argmin()
        own, new = (memorising.lost(run.W[k], run.b[k], points) for points in (x[0, :T], test))
        assert torch.allclose(own, run.pooled.loss[k, 0, best])
        assert torch.allclose(new, run.pooled.test_loss[k, 0, best])


@pytest.mark.parametrize("name", memorising.RECIPES)
def test_stored_runs_are_of_their_recipe(name):
    run, recipe = memorising.stored(name), memorising.RECIPES[name]
    assert tuple(run.n_points.tolist()) == recipe.n_points
    assert run.rates.tolist() == pytest.approx(recipe.rates)
    shape = len(recipe.rates), len(recipe.n_points), recipe.n_sets, recipe.n_starts
    assert all(m.shape == shape and m.isfinite().all() for m in run.measures)


def test_stored_losses_are_what_the_stored_models_lose():
    run = memorising.stored("thousand")
    checked = 0
    for k, T in enumerate(run.n_points.tolist()):
        if len(run.x) >= T:
            again = memorising.lost(run.W[k], run.b[k], run.x[:T])
            assert again.item() == pytest.approx(run.pooled.loss[k, 0].min().item(), abs=1e-5)
            checked += 1
    assert checked >= 10


@pytest.mark.weekly
def test_stored_models_belong_to_the_points_that_can_be_drawn_again():
    run = memorising.stored("thousand")
    x, test = memorising.data_of("thousand")
    assert torch.equal(x[0, : len(run.x)], run.x)
    best = run.pooled.loss[-1, 0].argmin()
    assert memorising.lost(run.W[-1], run.b[-1], x[0, :1000]).item() == pytest.approx(
        run.pooled.loss[-1, 0, best].item(), rel=1e-4
    )
    assert memorising.lost(run.W[-1], run.b[-1], test).item() == pytest.approx(
        run.pooled.test_loss[-1, 0, best].item(), rel=1e-4
    )


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match="name is 'small'; give one of thousand, published"):
        memorising.stored("small")
