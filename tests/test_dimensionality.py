import pytest
import torch

from toyutils import dimensionality, geometry, theory
from toyutils.models import ReLUModel

TINY = dict(n_features=6, n_hidden=2, n_steps=1500, learning_rate=1e-2)


@pytest.fixture(scope="module")
def tiny():
    return dimensionality.train_uniform([0.5, 0.05], n_seeds=3, progress=False, **TINY)


def test_every_number_belongs_to_its_model(tiny):
    assert tiny.W.shape == (2, 3, 2, 6)
    assert torch.equal(tiny.dimensionality, geometry.feature_dimensionality(tiny.W))
    assert torch.equal(tiny.per_feature, geometry.dimensions_per_feature(tiny.W))
    # More features fit where they are rarer.
    assert (tiny.per_feature[1] < tiny.per_feature[0]).all()


def test_worth_agrees_with_the_exact_loss():
    """Six features in two dimensions are few enough for the exact expectation."""
    density = torch.tensor([0.5, 0.1])
    models = dimensionality.train_uniform(density, n_seeds=2, progress=False, **TINY)
    model = ReLUModel(6, 2, 4)
    sparsity = (1 - density).repeat_interleave(2)
    model.W.data = models.W.flatten(0, 1)
    model.b.data = torch.full((4, 6), 0.05)
    exact_loss = theory.expected_loss(model.W.data, model.b.data, sparsity[:, None])
    v = theory.feature_variance(sparsity)
    exact = 6 * (v - exact_loss) / (2 * v)
    sampled = dimensionality.worth_per_dimension(model.W, model.b, sparsity, n_points=400_000)
    assert torch.allclose(sampled.double(), exact.double(), atol=0.02)


def test_stored_and_read_again(tiny, tmp_path):
    dimensionality.store(tiny, tmp_path / "models.npz")
    again = dimensionality.stored(tmp_path / "models.npz")
    kept = geometry.represented(tiny.W)
    assert torch.equal(again.density, tiny.density)
    assert torch.equal(geometry.represented(again.W), kept)
    assert torch.allclose(again.W, tiny.W * kept[:, :, None], atol=1e-3)
    assert torch.allclose(again.dimensionality, tiny.dimensionality, atol=1e-3)
    assert torch.allclose(again.per_feature, tiny.per_feature, rtol=1e-3)
    assert torch.allclose(again.worth, tiny.worth, rtol=1e-3)


def test_a_stored_point_can_be_trained_again():
    """Other random numbers, same recipe: the same plateau, made of the same shapes."""
    paper = dimensionality.stored()
    k = int((1 / paper.density - 3).abs().argmin())
    again = dimensionality.train_uniform(
        paper.density[k : k + 1], seed=1, progress=False, **dimensionality.PAPER
    )
    assert again.per_feature.item() == pytest.approx(paper.per_feature[k].item(), rel=0.02)
    assert again.worth.item() == pytest.approx(paper.worth[k].item(), abs=0.03)
    for models, place in ((paper, k), (again, 0)):
        names = [part.name for part in geometry.gram_components(models.W[place, 0])]
        assert names.count("antipodal pair") >= 28, names


def test_the_stored_models_are_of_the_paper_size():
    paper = dimensionality.stored()
    assert paper.W.shape == (30, 1, 30, 400)
    kept = geometry.represented(paper.W)
    # Represented columns are whole, the others empty; D_i of all add up to at most m.
    assert (geometry.feature_norms(paper.W)[~kept] == 0).all()
    assert (paper.dimensionality.sum(-1) <= 30.05).all()  # stored in half precision
    exact = theory.best_relu_model(2, 1, 1 - paper.density.double(), n_restarts=4)
    worth_of_a_pair = 2 * (1 - exact.loss / theory.feature_variance(1 - paper.density.double()))
    plateau = (1 / paper.density > 2.5) & (1 / paper.density < 4)
    ratio = paper.worth[plateau, 0] / worth_of_a_pair[plateau]
    assert ((ratio > 0.97) & (ratio < 1.01)).all(), ratio


def test_the_published_recipe_forms_triangles():
    models = dimensionality.published()
    assert torch.equal(models.density, dimensionality.PUBLISHED_DENSITIES)
    assert models.W.shape[2:] == (20, 200)
    names = [
        part.name for k in range(4) for W in models.W[k] for part in geometry.gram_components(W)
    ]
    assert names.count("triangle") >= 5, names


@pytest.mark.parametrize("density", [[1.5], [0.5, 0.0], [float("nan")], 0.5])
def test_densities_out_of_range_are_refused(density):
    with pytest.raises(ValueError, match="density is"):
        dimensionality.train_uniform(density, progress=False, **TINY)
