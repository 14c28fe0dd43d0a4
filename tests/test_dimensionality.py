import pytest
import torch

from toyutils import dimensionality, geometry, theory

TINY = dict(n_features=6, n_hidden=2, n_steps=1500, learning_rate=1e-2)
NAMES = ("paper", "published", "long")


@pytest.fixture(scope="module")
def tiny():
    return dimensionality.train_uniform([0.5, 0.05], n_seeds=3, progress=False, **TINY)


def test_every_number_belongs_to_its_model(tiny):
    assert tiny.W.shape == (2, 3, 2, 6)
    assert tiny.b.shape == (2, 3, 6)
    assert tiny.worth is None
    assert torch.equal(tiny.dimensionality, geometry.feature_dimensionality(tiny.W))
    assert torch.equal(tiny.per_feature, geometry.dimensions_per_feature(tiny.W))
    # More features fit where they are rarer.
    assert (tiny.per_feature[1] < tiny.per_feature[0]).all()


def test_both_paths_train_the_same_kind_of_model(tiny):
    other = dimensionality.train_uniform(
        [0.5, 0.05], n_seeds=3, centred=False, schedule="constant", progress=False, **TINY
    )
    S = 1 - tiny.density[:, None, None]
    losses = [theory.expected_loss(m.W, m.b, S).amin(1) for m in (tiny, other)]
    assert torch.allclose(*losses, rtol=0.2)
    assert not torch.equal(tiny.b, other.b)


def test_worth_of_known_models():
    """A feature alone is worth 1; an antipodal pair loses p²/6 where both are active."""
    p = torch.tensor([0.5, 0.1], dtype=torch.float64)
    alone = dimensionality.worth_per_dimension(torch.ones(2, 1, 1), torch.zeros(2, 1), p)
    assert torch.allclose(alone, torch.ones(2, dtype=torch.float64))
    pair = dimensionality.worth_per_dimension(torch.tensor([[1.0, -1.0]]), torch.zeros(2), p)
    assert torch.allclose(pair, 2 * (1 - p**2 / 6 / theory.feature_variance(1 - p)))
    # What is left out and answered with its mean is worth nothing.
    W = torch.tensor([[1.0, -1.0, 0, 0]])
    b = torch.tensor([0.0, 0.0, 0.05, 0.05])
    assert dimensionality.worth_per_dimension(W, b, 0.1) == pytest.approx(float(pair[1]), rel=1e-6)


def test_share_on_a_line_counts_represented_features_only():
    D, kept = torch.tensor([0.5, 0.511, 0.513, 0.5]), torch.tensor([True, True, True, False])
    assert dimensionality.share_on_line(D, kept, 0.5).item() == pytest.approx(2 / 3)
    assert dimensionality.share_on_line(D, kept, 0.5, width=0.02) == 1


def test_stored_and_read_again(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(dimensionality, "_path", lambda name: tmp_path / f"{name}.npz")
    dimensionality.store(tiny, tmp_path / "long.npz")
    again = dimensionality.stored("long")
    assert torch.equal(again.density, tiny.density)
    assert torch.allclose(again.W, tiny.W, atol=6e-4)
    assert torch.allclose(again.b, tiny.b, atol=6e-4)
    exact = dimensionality.worth_per_dimension(tiny.W, tiny.b, tiny.density[:, None])
    assert torch.allclose(again.worth.double(), exact, atol=2e-3)


@pytest.mark.parametrize("name", NAMES)
def test_stored_models_are_of_their_recipe(name):
    models = dimensionality.stored(name)
    one_over_p, n_seeds, recipe = dimensionality._RUNS[name]
    assert torch.allclose(1 / models.density, one_over_p)
    sizes = len(one_over_p), n_seeds, recipe["n_hidden"], recipe["n_features"]
    assert models.W.shape == sizes
    assert models.b.shape == (sizes[0], sizes[1], sizes[3])
    # Half precision holds every multiple of 1/1024 up to 2.
    assert torch.equal((models.W * 1024).round(), models.W * 1024)


@pytest.mark.parametrize("name", NAMES[1:])
def test_one_stored_worth_is_what_its_model_is_worth(name):
    models = dimensionality.stored(name)
    exact = dimensionality.worth_per_dimension(models.W[-1, 0], models.b[-1, 0], models.density[-1])
    assert models.worth[-1, 0].item() == pytest.approx(exact.item(), abs=1e-4)


@pytest.mark.weekly
@pytest.mark.parametrize("name", NAMES)
def test_every_stored_worth_is_what_its_model_is_worth(name):
    models = dimensionality.stored(name)
    for p, *seeds in zip(models.density, models.W, models.b, models.worth, strict=True):
        for W, b, worth in zip(*seeds, strict=True):
            exact = dimensionality.worth_per_dimension(W, b, p)
            assert worth.item() == pytest.approx(exact.item(), abs=1e-4)


def test_on_the_plateau_a_dimension_is_worth_a_pair():
    paper = dimensionality.stored("paper")
    exact = theory.best_relu_model(2, 1, 1 - paper.density.double(), n_restarts=4)
    pair = 2 * (1 - exact.loss / theory.feature_variance(1 - paper.density.double()))
    plateau = (1 / paper.density > 2.7) & (1 / paper.density < 3.8)
    ratio = paper.worth[plateau, 0] / pair[plateau]
    assert ((ratio > 0.98) & (ratio < 1.005)).all(), ratio


@pytest.mark.weekly
def test_a_stored_point_can_be_trained_again():
    """Other random numbers, same recipe: the same plateau, made of the same shapes."""
    paper = dimensionality.stored()
    k = int((1 / paper.density - 3).abs().argmin())
    again = dimensionality.train_uniform(
        paper.density[k : k + 1], seed=1, progress=False, **dimensionality.PAPER
    )
    worth = dimensionality.worth_per_dimension(again.W, again.b, again.density[:, None])
    assert again.per_feature.item() == pytest.approx(paper.per_feature[k].item(), rel=0.02)
    assert worth.item() == pytest.approx(paper.worth[k].item(), abs=0.03)
    for W in (paper.W[k, 0], again.W[0, 0]):
        names = [part.name for part in geometry.gram_components(W)]
        assert names.count("antipodal pair") >= 28, names


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match="name is 'small'; give one of paper, published, long"):
        dimensionality.stored("small")


@pytest.mark.parametrize("density", [[1.5], [0.5, 0.0], [float("nan")], 0.5])
def test_densities_out_of_range_are_refused(density):
    with pytest.raises(ValueError, match="density is"):
        dimensionality.train_uniform(density, progress=False, **TINY)
