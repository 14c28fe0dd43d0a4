import pytest
import torch

from toyutils import best_known, theory


@pytest.fixture(scope="module")
def table():
    return best_known.shapes()


def exact_loss(table, k, d, places):
    W, b = (torch.stack(a) for a in zip(*(table.model(k, d, i) for i in places), strict=True))
    return theory.expected_loss(W, b, 1 - table.density[places][:, None])


def test_the_table_holds_what_it_promises(table):
    assert table.loss.shape == (len(table.n_features), len(table.density)) == (21, 20)
    assert {(12, 3), (12, 4), (8, 2), (2, 1)} <= set(
        zip(table.n_features.tolist(), table.n_hidden.tolist(), strict=True)
    )
    for i, (k, d) in enumerate(zip(table.n_features, table.n_hidden, strict=True)):
        assert (table.W[i, :, d:] == 0).all()
        assert (table.W[i, :, :, k:] == 0).all()


@pytest.mark.parametrize(("k", "d"), [(5, 2), (9, 3), (12, 4)])
def test_an_entry_is_what_it_says(table, k, d):
    places = [3, 16]
    assert torch.allclose(
        exact_loss(table, k, d, places), table.loss[table.at(k, d), places], rtol=1e-7
    )


@pytest.mark.weekly
def test_every_entry_is_what_it_says(table):
    sizes = zip(table.n_features.tolist(), table.n_hidden.tolist(), strict=True)
    for i, (k, d) in enumerate(sizes):
        loss = exact_loss(table, k, d, list(range(20)))
        assert torch.allclose(loss, table.loss[i], rtol=1e-7)


def test_pairs_and_pentagons_are_known_elsewhere(table):
    for k, d, places in ((2, 1, [3, 10]), (5, 2, [16])):
        best = theory.best_relu_model(k, d, 1 - table.density[places], n_restarts=12)
        assert torch.allclose(table.loss[table.at(k, d), places], best.loss, rtol=1e-4)


def test_a_feature_more_can_always_be_left_out(table):
    """So what k features in d dimensions are worth never falls with k."""
    worth = table.worth()
    for d in (1, 2, 3, 4):
        of_size = worth[table.n_hidden == d]
        assert (of_size.diff(dim=0) > -1e-5).all()
    assert (worth > 0.999).all()


def test_a_search_finds_entries_again_and_none_lower(table):
    """With fewer densities there are fewer starts: on dense data it may miss what is stored."""
    again = best_known.search({1: (2,), 2: (3,)}, table.density[1:8])
    stored = table.loss[table.at(3, 2), 1:8]
    assert (again.loss[-1] > stored - 1e-6).all()
    assert torch.allclose(again.loss[-1, 4:], stored[4:], rtol=1e-4)


def test_shapes_are_described():
    pentagon = torch.zeros(3, 8)
    angle = 2 * torch.pi * torch.arange(5) / 5
    pentagon[:2, :5] = torch.stack([angle.cos(), angle.sin()])
    pentagon[2, 5:7] = torch.tensor([1.0, -1.0])
    assert best_known.describe(pentagon) == "pentagon + antipodal pair"
    assert best_known.describe(torch.eye(3)) == "3 × alone"
    assert best_known.describe(torch.zeros(2, 3)) == "nothing"
    odd = torch.tensor([[1.0, 0.6, -0.5], [0.0, 0.8, 0.9]])
    assert best_known.describe(odd) == "3 in 2"


def test_a_size_outside_the_table_is_refused(table):
    with pytest.raises(ValueError, match="n_features is 13, n_hidden 4; the table holds 2, 3 in 1"):
        table.at(13, 4)
