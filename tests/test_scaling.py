import itertools
import math

import pytest
import torch

from tools import notebooks
from toyutils import geometry, scaling, theory
from toyutils.features import IndependentFeatures
from toyutils.models import ReLUModel


def test_frequencies_fall_as_a_power_and_add_up_to_one():
    p = scaling.frequencies(1000, 1.5)
    assert p.sum().item() == pytest.approx(1)
    assert (p[9] / p[99]).item() == pytest.approx(10**1.5)
    assert torch.allclose(scaling.frequencies(4, 0.0), torch.full((4,), 0.25).double())
    with pytest.raises(ValueError, match="exponent is -1"):
        scaling.frequencies(10, -1)
    with pytest.raises(ValueError, match="n_features is 0"):
        scaling.frequencies(0, 1.0)


def test_decay_pulls_to_zero_or_to_length_one():
    W = torch.randn(3, 4, 6, generator=torch.Generator().manual_seed(0))
    before = W.clone()
    scaling.decay_weights(W, torch.tensor([0.5, -0.5, 0.0]), 0.1)
    assert torch.allclose(W[0], 0.95 * before[0])
    assert torch.equal(W[2], before[2])
    length, old = W[1].norm(dim=0), before[1].norm(dim=0)
    assert torch.allclose(length - 1, 0.95 * (old - 1), atol=1e-6)
    assert torch.allclose(W[1] / length, before[1] / old, atol=1e-6)
    for _ in range(200):
        scaling.decay_weights(W, torch.tensor([0.5, -0.5, 0.0]), 0.5)
    assert W[0].abs().max() < 1e-6
    assert torch.allclose(W[1].norm(dim=0), torch.ones(6))
    zero = torch.zeros(1, 2, 2)
    scaling.decay_weights(zero, torch.tensor([-1.0]), 0.1)
    assert torch.equal(zero, torch.zeros(1, 2, 2)), "a direction of length 0 has nowhere to go"


def test_the_rate_rises_and_falls():
    rates = [scaling.schedule(k / 100) for k in range(101)]
    assert rates[0] == 0
    assert max(rates) == rates[10] == 1
    assert rates[100] == pytest.approx(0.05)
    assert rates[55] == pytest.approx(0.525)
    assert all(a > b for a, b in itertools.pairwise(rates[10:]))


def test_start_has_unit_directions_and_spread_biases():
    model = scaling.start(ReLUModel(500, 20, 2), torch.tensor([0.0, 0.5]), seed=3)
    assert model.W.square().sum(1).mean().item() == pytest.approx(1, abs=0.05)
    assert torch.equal(model.b[0], torch.zeros(500))
    assert model.b[1].std().item() == pytest.approx(0.5, abs=0.05)
    again = scaling.start(ReLUModel(500, 20, 2), seed=3)
    assert torch.equal(again.W, model.W)


def test_training_lowers_the_loss_and_decay_does_what_it_says():
    features = IndependentFeatures(12, 1 - scaling.frequencies(12, 1.0).float())
    model = scaling.start(ReLUModel(12, 3, 2))
    before = scaling.relative_loss(model, features)
    arguments = dict(n_steps=300, batch_size=64, progress=False)
    scaling.train_with_decay(model, features, torch.tensor([-1.0, 1.0]), **arguments)
    assert (scaling.relative_loss(model, features) < 0.8 * before).all()
    assert model.W[0].norm(dim=0).min() > 0.5
    assert model.W[1].norm(dim=0).min() < 0.2


def test_relative_loss_is_the_exact_one_over_that_of_the_mean():
    p = scaling.frequencies(7, 1.0)
    features = IndependentFeatures(7, (1 - p).float())
    model = scaling.start(ReLUModel(7, 3, 2))
    exact = theory.expected_loss(model.W, model.b, 1 - p) * 7 / theory.feature_variance(1 - p).sum()
    sampled = scaling.relative_loss(model, features, n_points=200_000)
    assert torch.allclose(sampled.double(), exact, rtol=0.02)
    with torch.no_grad():
        model.W.zero_()
        model.b.copy_(features.mean.expand(2, -1))
    assert torch.allclose(scaling.relative_loss(model, features), torch.ones(2), rtol=0.05)


def test_shares_of_variance():
    W = torch.tensor([[1.0, 0.4, 0.6]])
    b = torch.tensor([-0.5, 0.0, -0.36])
    p = torch.tensor([0.5, 0.5, 0.5])
    assert scaling.ignored_share(W, p).item() == pytest.approx(1 / 3)
    assert scaling.silent_share(W, b, p).item() == pytest.approx(1 / 3)
    p = torch.tensor([0.9, 0.1, 0.1])
    v = p / 3 - p**2 / 4
    assert scaling.ignored_share(W, p).item() == pytest.approx((v[1] / v.sum()).item())


def test_overlap_of_known_directions():
    assert scaling.mean_squared_overlap(geometry.polygon(3)).item() == pytest.approx(1 / 4)
    assert scaling.mean_squared_overlap(torch.eye(4)).item() == pytest.approx(0, abs=1e-6)
    W = torch.randn(5, 3, 8, generator=torch.Generator().manual_seed(1))
    unit = W / W.norm(dim=1, keepdim=True)
    cosine = unit.mT @ unit
    off = ~torch.eye(8, dtype=torch.bool)
    expected = cosine[:, off].square().mean(1)
    assert torch.allclose(scaling.mean_squared_overlap(W), expected, atol=1e-5)


def test_exponent_and_its_interval():
    width = torch.tensor([5, 10, 20, 40])
    loss = torch.stack([3.0 / width, 0.1 * width.double() ** -0.5])
    assert torch.allclose(scaling.exponent(width, loss), torch.tensor([1.0, 0.5]).double())
    noise = 0.2 * torch.randn(2, 4, 5, generator=torch.Generator().manual_seed(0))
    seeds = loss[:, :, None] * noise.exp()
    low, high = scaling.exponent_interval(width, seeds)
    middle = scaling.exponent(width, seeds.mean(-1))
    assert (low < middle).all()
    assert (middle < high).all()
    # The slope of four means of five values with this scatter.
    x = width.double().log()
    error = 0.2 / math.sqrt(5) / (x - x.mean()).norm()
    assert torch.allclose((high - low) / 3.92, error.expand(2), rtol=0.5)
    low, high = scaling.exponent_interval(width, loss[:, :, None].expand(-1, -1, 3))
    assert torch.allclose(low, high)


def test_what_the_notebook_writes_out_is_the_same():
    [path] = [p for p in notebooks.notebook_paths() if p.name.startswith("18_")]
    code = [c.source for c in notebooks.read(path).cells if c.cell_type == "code"]
    written = {"torch": torch, "scaling": scaling}
    for name in ("def frequencies(", "def train_with_decay("):
        exec(next(source for source in code if name in source), written)
    assert torch.equal(written["frequencies"](50, 1.5), scaling.frequencies(50, 1.5))
    features = IndependentFeatures(8, 1 - scaling.frequencies(8, 1.0).float())
    decay = torch.tensor([-1.0, 1.0])
    one, other = (scaling.start(ReLUModel(8, 3, 2)) for _ in range(2))
    written["train_with_decay"](one, features, decay, n_steps=30, batch_size=16)
    scaling.train_with_decay(other, features, decay, n_steps=30, batch_size=16, progress=False)
    assert torch.equal(one.W, other.W)
    assert torch.equal(one.b, other.b)


def test_stored_and_read_again(tmp_path, monkeypatch):
    monkeypatch.setattr(scaling, "_PATH", tmp_path / "scaling.npz")
    tiny = dict(n_features=30, n_steps=40, batch_size=32, learning_rate=1e-2, widths=(3, 5))
    tiny |= dict(exponents=(1.0, 2.0), decays=(-1.0, 1.0), progress=False)
    seeds = [scaling.train_widths(**tiny, seed=s) for s in (0, 1)]
    scaling.store(seeds, scaling._PATH)
    again = scaling.stored()
    assert again.loss.shape == (2, 2, 2, 2)
    assert again.exponent.tolist() == [1, 2]
    assert torch.equal(again.loss[..., 1], seeds[1]["loss"])
    assert not torch.equal(again.loss[..., 0], again.loss[..., 1])
    assert again.length.shape == again.capacity.shape == (2, 2, 2, len(again.rank))
    assert again.W.shape == (3, 30)
    assert torch.allclose(again.W.norm(dim=0)[again.rank.long()], again.length[0, 0, 0], atol=2e-3)


def test_stored_results_are_of_the_published_size():
    paper = scaling.stored()
    settings = len(scaling.EXPONENTS), len(scaling.DECAYS), len(scaling.WIDTHS)
    assert paper.loss.shape == (*settings, scaling.N_SEEDS)
    assert paper.width.tolist() == list(scaling.WIDTHS)
    assert paper.loss.isfinite().all()
    assert paper.W.shape == (scaling.WIDTHS[0], scaling.PAPER["n_features"])


def test_one_stored_loss_is_what_its_model_loses():
    paper = scaling.stored()
    model = ReLUModel(scaling.PAPER["n_features"], scaling.WIDTHS[0])
    model.load_state_dict({"W": paper.W[None], "b": paper.b[None]})
    p = scaling.frequencies(scaling.PAPER["n_features"], 1.0).float()
    k = scaling.EXPONENTS.index(1.0), scaling.DECAYS.index(-1.0), 0, 0
    loss = scaling.relative_loss(model, IndependentFeatures(len(p), 1 - p), n_points=30_000)
    assert loss.item() == pytest.approx(paper.loss[k].item(), rel=0.03)
    overlap = scaling.mean_squared_overlap(paper.W).item()
    assert overlap == pytest.approx(paper.overlap[k].item(), rel=0.01)


def test_biased_models_are_trained_and_stored():
    tiny = dict(n_features=20, n_steps=20, batch_size=16, learning_rate=1e-2, widths=(2, 4))
    fresh = scaling.train_biased(**tiny, progress=False)
    kept = scaling.stored_biased()
    assert set(kept) == set(fresh) == {"width", "loss", "silent"}
    assert fresh["width"].tolist() == [2, 4]
    assert all(len(values) == 2 for values in (*fresh.values(), *kept.values()))
    assert kept["width"].tolist() == [29, 87]
    assert ((kept["loss"] > 0) & (kept["loss"] < 1)).all()


@pytest.mark.weekly
def test_a_biased_model_can_be_trained_again():
    again = scaling.train_biased(**scaling.PAPER, widths=(29,), progress=False)
    kept = scaling.stored_biased()
    assert again["loss"].item() == pytest.approx(kept["loss"][0].item(), rel=0.1)
