import pytest
import torch

from toyutils import theory
from toyutils.features import (
    AnticorrelatedFeatures,
    CorrelatedFeatures,
    FixedPoints,
    IndependentFeatures,
)
from toyutils.models import ReLUModel


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def within_standard_errors(estimate, exact, standard_error, n=4.5):
    assert (torch.as_tensor(estimate) - exact).abs().max() <= n * torch.as_tensor(
        standard_error
    ).max()


@pytest.mark.parametrize("sparsity", [0.0, 0.3, 0.8, 0.99])
def test_moments_are_those_of_theory(sparsity):
    x = IndependentFeatures(3, sparsity).sample(200_000, generator=generator())[0].double()
    error = x.std(0) / len(x) ** 0.5
    within_standard_errors(x.mean(0), theory.feature_mean(sparsity), error)
    squared = (x - theory.feature_mean(sparsity)) ** 2
    error = squared.std(0) / len(x) ** 0.5
    within_standard_errors(squared.mean(0), theory.feature_variance(sparsity), error)
    assert x.min() >= 0
    assert x.max() <= 1


def test_every_point_has_its_own_mask():
    # One mask for a whole batch would make this share 0 or 1.
    active = IndependentFeatures(2, 0.5).sample(1000, n_instances=2, generator=generator()) > 0
    share = active.float().mean(1)
    assert ((share > 0.4) & (share < 0.6)).all()
    both = (active[..., 0] & active[..., 1]).float().mean()
    assert 0.2 < both < 0.3


@pytest.mark.parametrize("sparsity", [0.0, 0.5, 0.95, [0.2, 0.9, 0.97], [1.0, 0.9, 1.0]])
def test_active_sampling_equals_rejection(sparsity):
    features = IndependentFeatures(3, torch.tensor(sparsity), empty="omitted")
    drawn = features.batch(200_000, generator=generator(1)).x[0].double()
    kept = features.sample(2_000_000, generator=generator(2))[0].double()
    kept = kept[(kept > 0).any(1)]
    assert (drawn > 0).any(1).all()
    for statistic in (
        lambda x: x,
        lambda x: (x > 0).double(),
        lambda x: x**2,
        lambda x: torch.stack([x[:, 0] * x[:, 1], x[:, 0] * x[:, 2], x[:, 1] * x[:, 2]], 1),
    ):
        a, b = statistic(drawn), statistic(kept)
        error = (a.var(0) / len(a) + b.var(0) / len(b)).sqrt()
        assert ((a.mean(0) - b.mean(0)).abs() <= 4.5 * error + 1e-9).all()


def test_active_sampling_equals_rejection_in_each_instance():
    sparsity = torch.tensor([[0.5, 0.9], [0.99, 0.0], [1.0, 0.95]])
    features = IndependentFeatures(2, sparsity, empty="omitted")
    drawn = features.batch(100_000, 3, generator=generator(3)).x.double()
    p = 1 - sparsity.double()
    some = 1 - (1 - p).prod(1, keepdim=True)
    share = (drawn > 0).double().mean(1)
    assert ((share - p / some).abs() <= 4.5 * (share * (1 - share) / 1e5).sqrt() + 1e-6).all()
    both = (drawn > 0).all(2).double().mean(1)
    assert ((both - p.prod(1) / some[:, 0]).abs() <= 4.5 * (both / 1e5).sqrt() + 1e-6).all()


def test_values_stay_uniform_when_conditioned_on_activity():
    features = IndependentFeatures(4, 0.7, empty="omitted")
    x = features.batch(200_000, generator=generator(6)).x[0].double()
    for feature in range(4):
        value = x[:, feature]
        value = value[value > 0]
        for power in (1, 2, 3):
            error = (value**power).std() / len(value) ** 0.5
            within_standard_errors((value**power).mean(), 1 / (power + 1), error)
        assert value.max() <= 1


@pytest.mark.parametrize(
    ("sparsity", "probability"),
    [
        (0.9, [0.9**3] * 2),
        ([0.5, 0.4, 0.9], [0.18] * 2),
        ([[0.5], [0.0]], [0.125, 0.0]),
        ([[0.5, 0.5, 1.0], [1.0, 0.2, 1.0]], [0.25, 0.2]),
    ],
)
def test_one_row_weighs_what_empty_points_are_worth(sparsity, probability):
    features = IndependentFeatures(3, torch.tensor(sparsity))
    x, weight = features.batch(10, 2, generator=generator())
    assert x.shape == (2, 11, 3)
    assert (x[:, :-1] > 0).any(2).all()
    assert (x[:, -1] == 0).all()
    assert weight[:, -1].tolist() == pytest.approx(probability)
    assert weight.sum(1).tolist() == pytest.approx([1, 1])
    assert torch.allclose(features.density, 1 - torch.tensor(sparsity))


def test_dense_features_have_no_empty_row():
    x, weight = IndependentFeatures(3, 0.0).batch(10, 2, generator=generator())
    assert x.shape == (2, 10, 3)
    assert torch.allclose(weight, torch.tensor(0.1))


SPARSE = {
    "independent": lambda **more: IndependentFeatures(4, 0.6, **more),
    "correlated": lambda **more: CorrelatedFeatures((1, 3), torch.tensor([0.6, 0.8]), **more),
    "anti-correlated": lambda **more: AnticorrelatedFeatures((3, 1), 0.5, **more),
}


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("kind", SPARSE)
def test_weighted_batches_have_the_moments_of_plain_samples(kind, signed):
    """Mean, second moments, products and shares active, each to its standard error."""
    features = SPARSE[kind](signed=signed)
    x = features.sample(400_000, generator=generator(1))[0].double()
    drawn, weight = (part[0].double() for part in features.batch(200_000, generator=generator(2)))
    for statistic in (
        lambda x: x,
        lambda x: x**2,
        lambda x: (x != 0).double(),
        lambda x: x * x.roll(1, 1),
        lambda x: (x * x.roll(1, 1) != 0).double(),
        lambda x: (x == 0).all(1, keepdim=True).double(),
    ):
        a, b = statistic(x), statistic(drawn)
        mean = (weight[:, None] * b).sum(0)
        error = (a.var(0) / len(a) + b.var(0) / len(b)).sqrt()
        assert ((a.mean(0) - mean).abs() <= 4.5 * error + 1e-7).all()
    error = x.std(0) / len(x) ** 0.5
    assert ((x.mean(0) - features.mean[0]).abs() <= 4.5 * error).all()


def test_members_of_a_correlated_set_are_active_together():
    features = CorrelatedFeatures((2, 3), torch.tensor([0.5, 0.9]))
    x = features.sample(20_000, generator=generator())[0]
    active = x > 0
    assert (active[:, :2].all(1) == active[:, :2].any(1)).all()
    assert (active[:, 2:].all(1) == active[:, 2:].any(1)).all()
    assert active.float().mean(0).tolist() == pytest.approx([0.5] * 2 + [0.1] * 3, abs=0.02)
    both = x[active[:, :2].all(1)][:, :2]
    assert abs(torch.corrcoef(both.T)[0, 1]) < 0.05


def test_at_most_one_member_of_an_anticorrelated_set_is_active():
    features = AnticorrelatedFeatures((2, 3), torch.tensor([0.2, 0.7]))
    active = features.sample(40_000, generator=generator())[0] > 0
    assert (active[:, :2].sum(1) <= 1).all()
    assert (active[:, 2:].sum(1) <= 1).all()
    assert active.float().mean(0).tolist() == pytest.approx([0.4] * 2 + [0.1] * 3, abs=0.01)
    assert features.mean[0].tolist() == pytest.approx([0.2] * 2 + [0.05] * 3)


@pytest.mark.parametrize("kind", SPARSE)
def test_signed_values_are_uniform_on_both_sides(kind):
    x = SPARSE[kind](signed=True).sample(100_000, generator=generator())
    active = x[x != 0]
    assert active.min() < -0.99
    assert active.max() > 0.99
    assert abs(active.mean()) < 0.01
    assert active.square().mean().item() == pytest.approx(1 / 3, abs=0.01)


def test_every_point_of_fixed_data_counts_alike():
    x = torch.rand(1, 7, 3, dtype=torch.float64)
    batch = FixedPoints(x).batch(1000, 4)
    assert torch.equal(batch.x, x.expand(4, -1, -1))
    assert torch.allclose(batch.weight, torch.full((4, 7), 1 / 7, dtype=torch.float64))


@pytest.mark.parametrize(
    ("x", "error", "words"),
    [
        (torch.zeros(2, 3), ValueError, r"x has shape \(2, 3\)"),
        (torch.zeros(2, 0, 3), ValueError, "x has no points"),
        (torch.full((1, 2, 3), torch.nan), ValueError, "x holds NaN"),
        (torch.zeros(1, 2, 3).long(), TypeError, "x is a torch.int64 tensor"),
    ],
)
def test_bad_points_are_refused(x, error, words):
    with pytest.raises(error, match=words):
        FixedPoints(x)


def test_instances_can_differ():
    features = IndependentFeatures(4, torch.tensor([[0.0], [0.9]]))
    share = (features.sample(20_000, 2, generator=generator()) > 0).float().mean((1, 2))
    assert share[0] == 1
    assert 0.09 < share[1] < 0.11
    weight = features.batch(10, 2, generator=generator()).weight
    assert torch.allclose(weight[:, -1], torch.tensor([0.0, 0.9**4]))


def test_shape_and_seed():
    for empty, n_points in (("weighted", 8), ("drawn", 7), ("omitted", 7)):
        for make in (
            lambda **more: IndependentFeatures(5, 0.7, **more),
            lambda **more: CorrelatedFeatures((2, 3), 0.7, **more),
            lambda **more: AnticorrelatedFeatures((2, 3), 0.7, **more),
        ):
            features = make(empty=empty)
            x, weight = features.batch(7, n_instances=3, generator=generator(4))
            assert x.shape == (3, n_points, 5)
            assert weight.shape == (3, n_points)
            assert x.dtype == torch.float32
            assert torch.equal(x, features.batch(7, 3, generator=generator(4)).x)
            assert not torch.equal(x, features.batch(7, 3, generator=generator(5)).x)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((2, 1.5), ValueError, "sparsity is 1.5"),
        ((2, -0.1), ValueError, "sparsity is -0.1"),
        ((2, float("nan")), ValueError, "sparsity is nan"),
        ((2, [0.1, 0.2, 0.3]), ValueError, r"sparsity has shape \(3,\)"),
        ((2, [0.1, 0.2, 1.3]), ValueError, r"sparsity has shape \(3,\)"),
        ((2, [0.1, 1.3]), ValueError, "sparsity is 1.3"),
        ((2, torch.zeros(1, 1, 2)), ValueError, r"sparsity has shape \(1, 1, 2\)"),
        ((-2, 0.5), ValueError, "n_features is -2"),
        ((0, 0.5), ValueError, "n_features is 0"),
        ((2.5, 0.5), TypeError, "n_features is 2.5"),
        ((True, 0.5), TypeError, "n_features is True"),
    ],
)
def test_bad_distributions_are_refused(arguments, error, words):
    with pytest.raises(error, match=words):
        IndependentFeatures(*arguments)


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        (dict(signed=1), TypeError, "signed is 1; give True or False"),
        (dict(empty="left out"), ValueError, "empty is 'left out'; give \"weighted\" or"),
        (dict(set_sizes=()), TypeError, r"set_sizes is \(\)"),
        (dict(set_sizes=4), TypeError, "set_sizes is 4"),
        (dict(set_sizes="22"), TypeError, "set_sizes is '22'"),
        (dict(set_sizes=(2, 0)), ValueError, "a size in set_sizes is 0"),
        (dict(set_sizes=(2, 1.5)), TypeError, r"a size in set_sizes is 1\.5"),
        (dict(sparsity=1.2), ValueError, "sparsity is 1.2"),
        (dict(sparsity=[0.1, 0.2, 0.3]), ValueError, r"sparsity has shape \(3,\).* each set"),
    ],
)
@pytest.mark.parametrize("kind", [CorrelatedFeatures, AnticorrelatedFeatures])
def test_bad_sets_are_refused(kind, settings, error, words):
    with pytest.raises(error, match=words):
        kind(**{"set_sizes": (2, 2), "sparsity": 0.5} | settings)
    if "set_sizes" not in settings and "sparsity" not in settings:
        with pytest.raises(error, match=words):
            IndependentFeatures(2, 0.5, **settings)


def test_bad_samples_are_refused():
    features = IndependentFeatures(2, 0.5)
    with pytest.raises(ValueError, match="n_points is 0"):
        features.sample(0)
    with pytest.raises(TypeError, match=r"n_instances is 2\.0"):
        features.sample(3, 2.0)
    with pytest.raises(ValueError, match="n_instances is 3, but sparsity describes 2"):
        IndependentFeatures(2, torch.tensor([[0.1], [0.2]])).sample(5, 3)
    with pytest.raises(ValueError, match="sparsity is 1 for every feature"):
        IndependentFeatures(2, 1.0).batch(5)


def test_weighted_points_are_all_of_them_with_their_weights():
    x = torch.tensor([[0.0, 1.0], [0.5, 0.5], [0.0, 0.0]])
    data = FixedPoints(x[None], torch.tensor([1.0, 2.0, 5.0]))
    batch = data.batch(7, 3)
    assert data.n_features == 2
    assert batch.x.shape == (3, 3, 2)
    assert torch.equal(batch.x[2], x)
    assert batch.weight[1].tolist() == [0.125, 0.25, 0.625]
    mean = (batch.x * batch.weight[..., None]).sum(1)
    assert torch.allclose(mean, torch.tensor([0.125, 0.25]).expand(3, 2))
    assert data.batch(7, 3).x is batch.x, "laid out once"


def test_instances_can_weigh_points_differently():
    x, weight = torch.rand(2, 4, 3), torch.tensor([[1.0, 1.0, 0.0, 0.0], [1.0, 2.0, 3.0, 4.0]])
    batch = FixedPoints(x, weight).batch(None, 2)
    assert torch.allclose(batch.weight, weight / weight.sum(1, keepdim=True))
    model = ReLUModel(3, 2, 2, seed=1)
    first = FixedPoints(x[:1, :2]).batch(None, 2)
    assert torch.allclose(model.loss(batch)[0], model.loss(first)[0]), "weight 0 counts nothing"


@pytest.mark.parametrize(
    ("shape", "weight", "message"),
    [
        ((1, 2, 2), torch.ones(3), r"weight has shape \(1, 3\), x \(1, 2, 2\)"),
        ((3, 2, 2), torch.ones(2, 2), r"weight has shape \(2, 2\), x \(3, 2, 2\)"),
        ((1, 2, 2), torch.tensor([1.0, -1.0]), "negative"),
        ((1, 2, 2), torch.tensor([1.0, torch.inf]), "infinite"),
        ((2, 2, 2), torch.tensor([[1.0, 1.0], [0.0, 0.0]]), "nothing above 0"),
    ],
)
def test_weighted_points_that_do_not_fit_are_refused(shape, weight, message):
    with pytest.raises(ValueError, match=message):
        FixedPoints(torch.ones(shape), weight)
