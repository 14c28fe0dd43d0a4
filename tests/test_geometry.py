import math

import pytest
import torch

from toyutils import geometry


def polygon(k, radius=1.0, turn=0.3):
    angle = turn + 2 * math.pi * torch.arange(k) / k
    return radius * torch.stack([angle.cos(), angle.sin()])


TETRAHEDRON = torch.tensor([[1.0, 1, -1, -1], [1, -1, 1, -1], [1, -1, -1, 1]]) / 3**0.5


@pytest.mark.parametrize(
    ("W", "dimensionality"),
    [
        (torch.eye(2), 1),
        (torch.tensor([[1.0, -1.0]]), 1 / 2),
        (polygon(3, 0.7), 2 / 3),
        (polygon(5, 1.2), 2 / 5),
        (polygon(6), 1 / 3),
        (TETRAHEDRON, 3 / 4),
    ],
)
def test_dimensionality_of_known_shapes(W, dimensionality):
    D = geometry.feature_dimensionality(W)
    assert torch.allclose(D, torch.full_like(D, dimensionality))


def test_features_without_direction_are_zero_and_not_nan():
    W = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    assert geometry.feature_dimensionality(W).tolist() == [1, 0, 1]
    assert geometry.interference(W).tolist() == [0, 0, 0]
    assert geometry.represented(W).tolist() == [True, False, True]
    assert geometry.dimensions_per_feature(torch.zeros(2, 3)).item() == math.inf


def test_interference_equals_slow_loops():
    W = torch.randn(3, 2, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    got, dimensionality = geometry.interference(W), geometry.feature_dimensionality(W)
    for model in range(3):
        columns = W[model].T.tolist()
        for i, w in enumerate(columns):
            norm = math.hypot(*w)
            others = [
                (sum(a * c for a, c in zip(w, v, strict=True)) / norm) ** 2
                for j, v in enumerate(columns)
                if j != i
            ]
            assert got[model, i].item() == pytest.approx(sum(others))
            want = norm**2 / (norm**2 + sum(others))
            assert dimensionality[model, i].item() == pytest.approx(want)


def test_leading_dimensions_are_batches():
    W = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(2))
    for function in (
        geometry.gram,
        geometry.feature_norms,
        geometry.represented,
        geometry.interference,
        geometry.feature_dimensionality,
        geometry.dimensions_per_feature,
    ):
        together = function(W)
        assert together.shape[:2] == (2, 3)
        for i in range(2):
            for j in range(3):
                assert torch.allclose(together[i, j], function(W[i, j]))


def test_long_directions_do_not_drown_the_interference():
    W = torch.tensor([[1e4, 0.1], [0.0, 1.0]])
    assert geometry.interference(W)[0].item() == pytest.approx(0.01)


def test_gram_and_dimensions_per_feature():
    W = torch.tensor([[3.0, 0.0], [4.0, 2.0]])
    assert geometry.gram(W).tolist() == [[25, 8], [8, 4]]
    assert geometry.feature_norms(W).tolist() == [5, 2]
    assert geometry.dimensions_per_feature(W).item() == pytest.approx(2 / 29)
    assert geometry.dimensions_per_feature(torch.ones(2, 5)).item() == pytest.approx(2 / 10)


def test_dimensionalities_add_up_to_at_most_the_rank():
    W = torch.randn(200, 3, 8, generator=torch.Generator().manual_seed(1))
    assert (geometry.feature_dimensionality(W).sum(-1) <= 3 + 1e-5).all()
    rank_one = W[:, :, :1] * W[:, :1, :]
    assert (geometry.feature_dimensionality(rank_one).sum(-1) <= 1 + 1e-5).all()
    D = geometry.feature_dimensionality(polygon(5))  # a tight frame: equality
    assert D.sum().item() == pytest.approx(2)


def drop(W, *features):
    W = W.clone()
    W[:, list(features)] = 0.01
    return W


@pytest.mark.parametrize(
    ("W", "name"),
    [
        (torch.zeros(2, 3), "nothing, 3 dropped"),
        (torch.tensor([[1.0, 0.1], [0.0, 0.0]]), "one direction, 1 dropped"),
        (torch.eye(2), "orthogonal pair"),
        (torch.tensor([[1.0, -1.2], [0.0, 0.05]]), "antipodal pair"),
        (torch.tensor([[1.0, -1.0, 0.0], [0.0, 0.0, 1.0]]), "antipodal pair and one across"),
        (polygon(3), "triangle"),
        (polygon(4), "square"),
        (polygon(4) * torch.tensor([1.0, 1.5, 1.0, 1.5]), "two antipodal pairs"),
        (torch.cat([polygon(2, turn=0.0), polygon(2, turn=1.0)], 1), "two antipodal pairs"),
        (polygon(5, 1.17), "pentagon"),
        (drop(polygon(5), 2), "4 directions, 1 dropped"),
        (torch.cat([polygon(5), torch.zeros(2, 1)], 1), "pentagon, 1 dropped"),
        (polygon(6), "hexagon"),
        (torch.cat([polygon(6), polygon(6)[:, :2]], 1), "hexagon, 2 shared"),
        (polygon(7), "heptagon"),
        (polygon(8), "octagon"),
        (polygon(5) * torch.tensor([1.0, 1.0, 1.0, 1.0, 1.6]), "5 directions"),
        (polygon(9), "9 directions"),
    ],
)
def test_names_of_shapes(W, name):
    assert str(geometry.name_shape(W)) == name
    order = torch.randperm(W.shape[1], generator=torch.Generator().manual_seed(0))
    mirror = torch.tensor([[1.0], [-1.0]])
    assert str(geometry.name_shape((W * mirror)[:, order])) == name


def test_shape_says_which_features():
    W = torch.cat([polygon(5), polygon(5)[:, 1:2], torch.zeros(2, 1)], 1)
    shape = geometry.name_shape(W)
    assert shape.dropped == (6,)
    assert shape.shared == ((1, 5),)
    assert shape.n_directions == 5


def test_names_keep_to_their_tolerance():
    W = polygon(5)
    turn = math.radians(8)
    W[:, 0] = (
        torch.tensor([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
        @ W[:, 0]
    )
    assert str(geometry.name_shape(W)) == "pentagon"
    assert str(geometry.name_shape(W, angle_tolerance=5)) == "5 directions"


@pytest.mark.parametrize(
    ("W", "error", "words"),
    [
        (torch.zeros(3), ValueError, r"shape \(3,\)"),
        ([[1.0]], TypeError, "W is a list"),
        (torch.tensor([[math.nan]]), ValueError, "NaN"),
    ],
)
def test_bad_matrices_are_refused(W, error, words):
    for function in (geometry.gram, geometry.feature_norms, geometry.dimensions_per_feature):
        with pytest.raises(error, match=words):
            function(W)


def test_shapes_are_named_in_the_plane_only():
    with pytest.raises(ValueError, match=r"shape \(3, 4\)"):
        geometry.name_shape(TETRAHEDRON)


def turned(W, n_hidden, seed=0):
    """Return W embedded in `n_hidden` dimensions, turned at random, its columns shuffled."""
    random = torch.Generator().manual_seed(seed)
    turn = torch.linalg.qr(torch.randn(n_hidden, n_hidden, generator=random)).Q
    order = torch.randperm(W.shape[1], generator=random)
    return (turn[:, : len(W)] @ W)[:, order], order


@pytest.mark.parametrize("name", sorted(geometry.SHAPES))
def test_ideal_shapes_have_length_one_and_their_dimensionality(name):
    W = geometry.SHAPES[name]
    assert torch.allclose(W.norm(dim=0), torch.ones(W.shape[1]), atol=1e-6)
    expected = {
        "antipodal pair": [1 / 2], "triangle": [2 / 3], "tetrahedron": [3 / 4],
        "pentagon": [2 / 5], "octahedron": [1 / 2], "square antiprism": [3 / 8],
        "triangular bipyramid": [1 / 2, 2 / 3], "pentagonal bipyramid": [2 / 5, 1 / 2],
    }[name]  # fmt: skip
    D = geometry.feature_dimensionality(W).double()
    nearest = (D[:, None] - torch.tensor(expected)).abs().min(1)
    assert nearest.values.max() < 0.003  # the antiprism's height is not exactly that of 3/8
    assert set(nearest.indices.tolist()) == set(range(len(expected)))


@pytest.mark.parametrize("name", sorted(geometry.SHAPES))
@pytest.mark.parametrize("seed", range(3))
def test_components_are_named_wherever_they_lie(name, seed):
    W, _ = turned(1.2 * geometry.SHAPES[name], 9, seed)
    W = W + 0.02 * torch.randn(W.shape, generator=torch.Generator().manual_seed(seed))
    found = geometry.gram_components(W, edge=1e-9)  # noise alone then joins everything
    assert [part.name for part in found] == [name]
    assert found[0].features == tuple(range(W.shape[1]))


def test_gram_graph_falls_apart_into_its_components():
    names = ["pentagon", "antipodal pair", "antipodal pair", "square antiprism", "tetrahedron"]
    blocks = [geometry.SHAPES[name] for name in names]
    W = torch.block_diag(*blocks, torch.tensor([[1.0, 0.0]]))  # one alone, one not represented
    turned_W, order = turned(W, W.shape[0])
    found = geometry.gram_components(turned_W)
    assert sorted(part.name for part in found) == sorted([*names, "alone"])
    assert [len(part.features) for part in found] == [8, 5, 4, 2, 2, 1]
    pentagon = next(part for part in found if part.name == "pentagon")
    assert sorted(order[list(pentagon.features)].tolist()) == [0, 1, 2, 3, 4]
    dropped = int((order == W.shape[1] - 1).nonzero())
    assert all(dropped not in part.features for part in found)


def test_orthogonal_factors_count_apart():
    bipyramid = geometry.SHAPES["triangular bipyramid"]
    found = [part.name for part in geometry.gram_components(bipyramid)]
    assert found == ["triangle", "antipodal pair"]
    assert [p.name for p in geometry.gram_components(geometry.SHAPES["octahedron"])] == [
        "antipodal pair"
    ] * 3


def test_what_resembles_no_shape_is_other():
    flipped = geometry.SHAPES["tetrahedron"] * torch.tensor([1.0, 1, 1, -1])
    assert [part.name for part in geometry.gram_components(flipped)] == ["other"]
    assert torch.allclose(geometry.feature_dimensionality(flipped), torch.full((4,), 0.75))
    bent = geometry.SHAPES["pentagon"].clone()
    bent[:, 0] = -bent[:, 1]
    assert [part.name for part in geometry.gram_components(bent)] == ["other"]
    nine = torch.randn(3, 9, generator=torch.Generator().manual_seed(0)) * 3
    assert "other" in [part.name for part in geometry.gram_components(nine)]
    assert geometry.gram_components(torch.zeros(3, 4)) == []


def test_components_of_one_matrix_only():
    with pytest.raises(ValueError, match="one matrix"):
        geometry.gram_components(torch.ones(2, 3, 4))


def test_antipodal_pairs_are_told_from_others():
    W = torch.tensor(
        [[1.0, -1.0], [-1.15, 0.85], [1.0, 1.0], [1.25, -1.0], [1.0, -0.75], [0.1, -0.1]]
    )
    assert geometry.is_antipodal(W[:, None]).tolist() == [True, True, False, False, False, False]
    assert geometry.is_antipodal(W[3:4], tolerance=0.3)
    with pytest.raises(ValueError, match=r"give \(\.\.\., 1, 2\)"):
        geometry.is_antipodal(torch.ones(2, 3))


@pytest.mark.parametrize("k", [1, 2, 3, 5, 8])
def test_polygons_have_equal_gaps(k):
    W = geometry.polygon(k, 1.3)
    assert W.shape == (2, k)
    torch.testing.assert_close(W.norm(dim=0), torch.full((k,), 1.3).to(W))
    torch.testing.assert_close(geometry.gaps(W), torch.full((k,), 360 / k).to(W))


def test_gaps_go_all_the_way_round():
    W = torch.tensor([[1.0, 0.0, -1.0, 1.0], [0.0, 2.0, 0.0, 1.0]])
    torch.testing.assert_close(geometry.gaps(W), torch.tensor([45.0, 45.0, 90.0, 180.0]))
    for call in (lambda: geometry.gaps(torch.ones(3, 4)), lambda: geometry.polygon(0)):
        with pytest.raises(ValueError, match=r"W has shape|k is 0"):
            call()


def test_a_dominant_feature_has_nine_tenths_of_the_squared_norm():
    W = torch.tensor([[[1.0, 0.3]], [[-0.3, -1.0]], [[1.0, 0.4]], [[0.0, 0.0]], [[0.0, 2.0]]])
    assert geometry.dominant_feature(W).tolist() == [0, 1, -1, -1, 1]
    assert geometry.dominant_feature(W[2], share=0.8) == 0
    assert geometry.dominant_feature(torch.eye(2)) == -1
    with pytest.raises(ValueError, match="above 1/2"):
        geometry.dominant_feature(W, share=0.5)


def test_the_most_opposite_feature_is_found_whatever_the_lengths():
    W = torch.stack([polygon(5), polygon(5) * torch.tensor([3.0, 0.1, 1, 2, 0.5])])
    across = geometry.most_opposite(W)
    steps = (across - torch.arange(5)) % 5
    assert ((steps == 2) | (steps == 3)).all(), "at 144 degrees, on either side"
    pairs = torch.tensor([[1.0, -0.6, 0, 0], [0, 0, 2, -0.7]])
    assert geometry.most_opposite(pairs).tolist() == [1, 0, 3, 2]


def test_connected_walks_along_every_edge_in_both_directions():
    joined = torch.zeros(6, 6, dtype=torch.bool)
    for i, j in ((0, 1), (1, 2), (2, 3), (4, 5)):
        joined[i, j] = joined[j, i] = True
    assert geometry.connected(joined, 2).tolist() == [True, True, True, True, False, False]
    assert geometry.connected(joined, 5).tolist() == [False, False, False, False, True, True]
    assert geometry.connected(joined * False, 3).sum() == 1
