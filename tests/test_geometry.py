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
