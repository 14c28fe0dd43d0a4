import pytest
import torch

from toyutils import best_known, theory


@pytest.fixture(scope="module")
def table():
    return best_known.shapes()


def test_every_entry_is_what_it_says(table):
    assert table.loss.shape == (len(table.n_features), len(table.density))
    for i, (k, d) in enumerate(zip(table.n_features, table.n_hidden, strict=True)):
        W, b = table.W[i, :, :d, :k], table.b[i, :, :k]
        assert (table.W[i, :, d:] == 0).all()
        assert (table.W[i, :, :, k:] == 0).all()
        sparsity = 1 - table.density[:, None]
        tolerance = 1e-6 if k > 7 else 1e-9
        loss = theory.expected_loss(W[::5], b[::5], sparsity[::5], tolerance=tolerance)
        assert torch.allclose(loss, table.loss[i, ::5], rtol=1e-3)


def test_no_shape_in_the_plane_beats_what_is_known(table):
    """The pair in one dimension and the pentagon in two are what notebook 10 settles."""
    worth = best_known.worth(table)
    assert (worth > 0.99).all()
    [pair] = ((table.n_features == 2) & (table.n_hidden == 1)).nonzero()[:, 0]
    loss = theory.best_relu_model(2, 1, 1 - table.density, n_restarts=4).loss
    assert torch.allclose(table.loss[pair], loss, rtol=1e-6)


def test_a_search_finds_an_entry_again(table):
    [i] = ((table.n_features == 3) & (table.n_hidden == 2)).nonzero()[:, 0]
    found = best_known.best_shape(3, 2, table.density[3:5])
    assert torch.allclose(found.loss, table.loss[i, 3:5], rtol=1e-6)
