import pytest
import torch

from toyutils import theory
from toyutils.features import IndependentFeatures


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
    features = IndependentFeatures(3, torch.tensor(sparsity))
    drawn = features.sample_active(200_000, generator=generator(1))[0].double()
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
    features = IndependentFeatures(2, sparsity)
    drawn = features.sample_active(100_000, 3, generator=generator(3)).double()
    p = 1 - sparsity.double()
    some = 1 - (1 - p).prod(1, keepdim=True)
    share = (drawn > 0).double().mean(1)
    assert ((share - p / some).abs() <= 4.5 * (share * (1 - share) / 1e5).sqrt() + 1e-6).all()
    both = (drawn > 0).all(2).double().mean(1)
    assert ((both - p.prod(1) / some[:, 0]).abs() <= 4.5 * (both / 1e5).sqrt() + 1e-6).all()


def test_values_stay_uniform_when_conditioned_on_activity():
    x = IndependentFeatures(4, 0.7).sample_active(200_000, generator=generator(6))[0].double()
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
        (0.9, [0.9**3]),
        ([0.5, 0.4, 1.0], [0.2]),
        ([[0.5], [0.0]], [0.125, 0.0]),
        ([[0.5, 0.5, 1.0], [1.0, 1.0, 1.0]], [0.25, 1.0]),
    ],
)
def test_probability_that_all_are_zero(sparsity, probability):
    features = IndependentFeatures(3, torch.tensor(sparsity))
    assert features.probability_all_zero.tolist() == pytest.approx(probability)
    assert torch.allclose(features.density, 1 - torch.tensor(sparsity))


def test_instances_can_differ():
    features = IndependentFeatures(4, torch.tensor([[0.0], [0.9]]))
    share = (features.sample(20_000, 2, generator=generator()) > 0).float().mean((1, 2))
    assert share[0] == 1
    assert 0.09 < share[1] < 0.11
    assert torch.allclose(features.probability_all_zero, torch.tensor([0.0, 0.9**4]))
    assert features.sample_active(10, 2, generator=generator()).shape == (2, 10, 4)


def test_shape_and_seed():
    features = IndependentFeatures(5, 0.7)
    for sample in (features.sample, features.sample_active):
        x = sample(7, n_instances=3, generator=generator(4))
        assert x.shape == (3, 7, 5)
        assert x.dtype == torch.float32
        assert torch.equal(x, sample(7, n_instances=3, generator=generator(4)))
        assert not torch.equal(x, sample(7, n_instances=3, generator=generator(5)))


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


def test_bad_samples_are_refused():
    features = IndependentFeatures(2, 0.5)
    with pytest.raises(ValueError, match="n_points is 0"):
        features.sample(0)
    with pytest.raises(TypeError, match=r"n_instances is 2\.0"):
        features.sample(3, 2.0)
    with pytest.raises(ValueError, match="n_instances is 3, but sparsity describes 2"):
        IndependentFeatures(2, torch.tensor([[0.1], [0.2]])).sample(5, 3)
    with pytest.raises(ValueError, match="sparsity is 1 for every feature"):
        IndependentFeatures(2, 1.0).sample_active(5)
