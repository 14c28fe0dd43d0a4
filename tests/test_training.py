import math
import subprocess
import sys
import warnings

import pytest
import torch

from toyutils import theory
from toyutils.features import (
    AnticorrelatedFeatures,
    CorrelatedFeatures,
    FixedPoints,
    IndependentFeatures,
)
from toyutils.models import (
    AbsoluteValueModel,
    CentredReLUModel,
    HiddenReLUModel,
    HiddenStates,
    LinearModel,
    ReLUModel,
    SparseAutoencoder,
    UntiedReLUModel,
    reconstruction_loss,
)
from toyutils.training import FAST, memory_needed, train

MODELS = [LinearModel, ReLUModel]


def points(n_points=40, n_instances=3, n_features=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return IndependentFeatures(n_features, 0.5).sample(n_points, n_instances, generator=generator)


def plain_loop(model, x, importance, n_steps, learning_rate, decay, cosine):
    """The loop of notebook 01, with the two variations that `train` offers."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=decay)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_steps)
    losses = []
    for _ in range(n_steps):
        loss = reconstruction_loss(x, model(x), importance)
        losses.append(loss.detach())
        optimizer.zero_grad()
        loss.sum().backward()
        optimizer.step()
        if cosine:
            scheduler.step()
    return torch.stack(losses)


@pytest.mark.parametrize("model_class", MODELS)
@pytest.mark.parametrize(("optimizer", "decay"), [("adamw", 0.1), ("adam", 0.0)])
@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_train_is_the_loop_of_notebook_01(model_class, optimizer, decay, schedule):
    x, importance = points().double(), torch.tensor([1.0, 0.7, 0.5, 0.3])
    kept = x.clone()
    ours, plain = (model_class(4, 2, 3, seed=1).double() for _ in range(2))
    history = train(
        ours, x, n_steps=60, learning_rate=0.01, importance=importance, optimizer=optimizer,
        schedule=schedule, weight_decay=0.1, record_at=60, progress=False,
    )  # fmt: skip
    losses = plain_loop(plain, x, importance, 60, 0.01, decay, schedule == "cosine")
    assert torch.allclose(ours.W, plain.W, atol=1e-9)
    assert torch.allclose(ours.b, plain.b, atol=1e-9)
    assert torch.allclose(history.loss[:-1], losses, atol=1e-9)
    assert torch.allclose(history["W"][-1], plain.W, atol=1e-9)
    assert torch.equal(x, kept)


def test_plain_gradient_descent_steps_down_the_slope():
    x, ours, plain = points().double(), *(ReLUModel(4, 2, 3, seed=1).double() for _ in range(2))
    train(ours, x, n_steps=20, learning_rate=0.5, optimizer="sgd", progress=False)
    for _ in range(20):
        loss = plain.loss(FixedPoints(x).batch(None, 3)).sum()
        slopes = torch.autograd.grad(loss, (plain.W, plain.b))
        with torch.no_grad():
            plain.W -= 0.5 * slopes[0]
            plain.b -= 0.5 * slopes[1]
    assert torch.allclose(ours.W, plain.W, atol=1e-12)
    assert torch.allclose(ours.b, plain.b, atol=1e-12)


def test_train_in_single_precision_stays_near_the_plain_loop():
    x, ours, plain = points(), ReLUModel(4, 2, 3, seed=1), ReLUModel(4, 2, 3, seed=1)
    train(ours, x, n_steps=60, learning_rate=0.01, progress=False)
    plain_loop(plain, x, None, 60, 0.01, 0.01, False)
    assert torch.allclose(ours.W, plain.W, atol=1e-4)


def test_importance_may_be_zero():
    model = LinearModel(4, 2)
    x = points(n_instances=1)
    train(model, x, n_steps=5, importance=[1.0, 1.0, 1.0, 0.0], optimizer="adam", progress=False)
    assert model.b[0, 3] == 0
    assert (model.b[0, :3] != 0).all()


def test_importance_may_differ_between_instances():
    x, importance = points(n_instances=1).double(), torch.tensor([[1.0, 0.5, 0.2, 0.1], [1.0] * 4])
    ours, plain = (ReLUModel(4, 2, 2, seed=1).double() for _ in range(2))
    train(ours, x, n_steps=30, importance=importance, progress=False)
    plain_loop(plain, x.expand(2, -1, -1), importance, 30, 1e-3, 0.01, False)
    assert torch.allclose(ours.W, plain.W, atol=1e-9)


@pytest.mark.parametrize("empty", ["weighted", "drawn"])
@pytest.mark.parametrize("model_class", MODELS)
def test_sampled_gradient_has_the_exact_mean(model_class, empty):
    """Weighing one empty point instead of drawing many must not change the expectation."""
    sparsity, importance = torch.tensor([[0.9], [0.5]]), torch.tensor([[1.0, 0.5, 0.3, 0.1]])
    features = IndependentFeatures(4, sparsity, empty=empty)
    for model in (model_class(4, 2, 2, seed=3), CentredReLUModel(4, 2, 2, mean=features.mean)):
        generator = torch.Generator().manual_seed(4)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
        kind = "linear" if type(model) is LinearModel else "relu"
        loss = theory.expected_loss(model.W, model.b, sparsity, importance, activation=kind)
        slopes = torch.autograd.grad(loss.sum(), list(model.parameters()))
        batches = [features.batch(20_000, 2, generator=generator) for _ in range(60)]
        drawn = [model.gradients(batch, importance) for batch in batches]
        with torch.no_grad():
            losses = torch.stack([model.loss(batch, importance) for batch in batches])
        for samples, exact in [
            *(
                (torch.stack(part), slope)
                for part, slope in zip(zip(*drawn, strict=True), slopes, strict=True)
            ),
            (losses, loss),
        ]:
            error = samples.double().std(0) / 60**0.5
            assert ((samples.double().mean(0) - exact).abs() <= 5 * error + 1e-7).all()


def test_instances_do_not_feel_each_other():
    x = points()
    together = ReLUModel(4, 2, 3, seed=1)
    separate = [ReLUModel(4, 2, 1) for _ in range(3)]
    with torch.no_grad():
        for i, alone in enumerate(separate):
            alone.W.copy_(together.W[i : i + 1])
    history = train(together, x, n_steps=50, progress=False)
    for i, alone in enumerate(separate):
        own = train(alone, x[i : i + 1], n_steps=50, progress=False)
        assert torch.allclose(together.W[i], alone.W[0], atol=1e-5)
        assert torch.allclose(history.loss[:, i], own.loss[:, 0], atol=1e-5)


@pytest.mark.parametrize("empty", ["weighted", "drawn", "omitted"])
def test_double_models_and_mixed_data_are_welcome(empty):
    model = ReLUModel(4, 2).double()
    features = IndependentFeatures(4, 0.5, empty=empty)
    settings = {"n_steps": 3, "progress": False}
    history = train(model, features, **settings)
    assert history["W"].dtype == history.loss.dtype == torch.float64
    history = train(
        ReLUModel(4, 2), points(n_instances=1).double(), test_data=points().double()[:1], **settings
    )
    assert history["W"].dtype == history.test_loss.dtype == torch.float32


def test_same_seed_same_result():
    features = IndependentFeatures(4, 0.8)
    ends = []
    for seed in (0, 0, 1):
        model = ReLUModel(4, 2, 2)
        train(model, features, n_steps=20, batch_size=16, seed=seed, progress=False)
        ends.append(model.W.detach())
    assert torch.equal(ends[0], ends[1])
    assert not torch.equal(ends[0], ends[2])


def test_loss_falls_to_the_exact_minimum():
    model = LinearModel(2, 1, 8)
    train(
        model, IndependentFeatures(2, 0.0), n_steps=1500, batch_size=256, learning_rate=1e-2,
        importance=[1.0, 1.0], schedule="cosine", progress=False,
    )  # fmt: skip
    loss = theory.expected_loss(model.W, model.b, 0.0, activation="linear")
    assert ((loss - 1 / 24).abs() < 0.05 / 24).all()


def test_history_holds_what_was_asked_for():
    model = ReLUModel(4, 2, 3)
    start = model.W.detach().clone()
    history = train(
        model, points(), n_steps=50, record_at=[10, 20], test_data=points(seed=9), progress=False
    )
    assert history.step.tolist() == [0, 10, 20, 50]
    assert history.loss.shape == history.test_loss.shape == (4, 3)
    assert history["W"].shape == (4, 3, 2, 4)
    assert history["b"].shape == (4, 3, 4)
    assert torch.equal(history["W"][0], start)
    assert torch.equal(history["W"][-1], model.W)
    assert list(history.parameters) == ["W", "b"]
    assert history.model is model
    assert not history.interrupted
    for record in range(4):
        W, b = history["W"][record], history["b"][record]
        y = (points(seed=9) @ W.mT @ W + b[:, None]).relu()
        assert torch.allclose(history.at(record, points(seed=9)), y, atol=1e-6)
        assert torch.allclose(history.test_loss[record], reconstruction_loss(points(seed=9), y))
    with pytest.raises(KeyError, match="no parameter 'c'; it has W, b"):
        history["c"]


@pytest.mark.parametrize(
    ("record_at", "steps"),
    [
        (1, [0, 20]),
        (4, [0, 5, 10, 15, 20]),
        (1000, list(range(21))),
        ([], [0, 20]),
        ([20, 3, 3], [0, 3, 20]),
        (range(0, 20, 10), [0, 10, 20]),
        (torch.tensor([2.0, 4.0]), [0, 2, 4, 20]),
    ],
)
def test_moments_to_record(record_at, steps):
    history = train(ReLUModel(4, 2, 3), points(), n_steps=20, record_at=record_at, progress=False)
    assert history.step.tolist() == steps
    assert len(history.loss) == len(history["W"]) == len(history["b"]) == len(steps)
    assert history.test_loss is None


@pytest.mark.parametrize("progress", [True, False])
def test_progress_bar_can_be_silenced(capsys, progress):
    train(ReLUModel(4, 2), points(n_instances=1), n_steps=5, progress=progress)
    captured = capsys.readouterr()
    assert bool(captured.out + captured.err) == progress


def test_interrupting_keeps_what_was_done(monkeypatch, capsys):
    model = ReLUModel(4, 2, 3)
    start, calls = model.W.detach().clone(), []
    original = LinearModel.gradients

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == 32:  # the first call checks it
            raise KeyboardInterrupt
        return original(*arguments)

    monkeypatch.setattr(LinearModel, "gradients", interrupted)
    history = train(model, points(), n_steps=100, record_at=100, progress=False)
    assert history.interrupted
    assert history.step.tolist() == list(range(31))
    assert torch.equal(history["W"][-1], model.W)
    assert not torch.equal(start, model.W)
    assert "step 30 of 100" in capsys.readouterr().out


def test_interrupting_between_records_keeps_the_model(monkeypatch):
    """Another way to be stopped: while drawing the points of a step."""
    model, calls = ReLUModel(4, 2, 3), []
    features, other = IndependentFeatures(4, 0.5), ReLUModel(4, 2, 3)
    original = IndependentFeatures.batch

    def interrupted(*arguments, **options):
        calls.append(1)
        if len(calls) == 27:  # the first batch serves the check of the loss
            raise KeyboardInterrupt
        return original(*arguments, **options)

    monkeypatch.setattr(IndependentFeatures, "batch", interrupted)
    settings = {"learning_rate": 0.01, "batch_size": 8, "progress": False}
    history = train(model, features, n_steps=100, record_at=[10, 20, 30], **settings)
    assert history.interrupted
    assert history.step.tolist() == [0, 10, 20]
    monkeypatch.undo()
    train(other, features, n_steps=25, **settings)
    assert torch.equal(model.W, other.W)


def test_interrupting_before_the_first_record_raises(monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    model = ReLUModel(4, 2)
    start = model.W.detach().clone()
    monkeypatch.setattr(IndependentFeatures, "batch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(model, IndependentFeatures(4, 0.5), n_steps=5, progress=False)
    assert torch.equal(start, model.W)


def test_divergence_warns_and_keeps_the_history():
    with pytest.warns(UserWarning, match=r"learning_rate is 1e\+30"):
        history = train(
            LinearModel(4, 2, 3), points(), n_steps=50, learning_rate=1e30, progress=False
        )
    assert history.interrupted
    assert torch.isfinite(history.loss[0]).all()
    assert len(history.step) < 51
    assert not torch.isfinite(history.loss[-1]).all()


GOOD = {"n_steps": 10, "progress": False}


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"n_steps": 0}, ValueError, "n_steps is 0"),
        ({"n_steps": -3}, ValueError, "n_steps is -3"),
        ({"n_steps": 2.5}, TypeError, r"n_steps is 2\.5"),
        ({"n_steps": True}, TypeError, "n_steps is True"),
        ({"batch_size": 10.0}, TypeError, r"batch_size is 10\.0"),
        ({"learning_rate": -1e-3}, ValueError, r"learning_rate is -0\.001"),
        ({"learning_rate": float("inf")}, ValueError, "learning_rate is inf"),
        ({"learning_rate": "fast"}, TypeError, "learning_rate is 'fast'"),
        ({"weight_decay": float("nan")}, ValueError, "weight_decay is nan"),
        ({"weight_decay": None}, TypeError, "weight_decay is None"),
        ({"batch_size": 0}, ValueError, "batch_size is 0"),
        ({"learning_rate": 0.0}, ValueError, r"learning_rate is 0\.0"),
        ({"learning_rate": float("nan")}, ValueError, "learning_rate is nan"),
        ({"weight_decay": -1.0}, ValueError, r"weight_decay is -1\.0"),
        ({"optimizer": "lion"}, ValueError, "optimizer is 'lion'"),
        ({"schedule": "linear"}, ValueError, "schedule is 'linear'"),
        ({"record_at": 0}, ValueError, "record_at is 0"),
        ({"record_at": 2.5}, TypeError, r"record_at is 2\.5"),
        ({"record_at": [5, 11]}, ValueError, "step 11; steps are whole numbers from 0 to 10"),
        ({"record_at": [-1]}, ValueError, "record_at holds step -1"),
        ({"record_at": [1.5]}, ValueError, r"record_at holds step 1\.5"),
        ({"record_at": [float("nan")]}, ValueError, "record_at holds step nan"),
        ({"importance": [1.0, 1.0]}, ValueError, r"importance has shape \(2,\)"),
        ({"importance": [1.0, -0.5, 1.0, 1.0]}, ValueError, r"importance holds -0\.5"),
        ({"importance": [1.0, float("nan"), 1.0, 1.0]}, ValueError, "importance holds nan"),
        ({"data": torch.rand(3, 9, 5)}, ValueError, r"data has shape \(3, 9, 5\)"),
        ({"data": torch.rand(3, 0, 4)}, ValueError, "data has no points"),
        ({"data": torch.full((3, 9, 4), float("nan"))}, ValueError, "data holds NaN"),
        ({"data": torch.rand(3, 9, 4, device="meta")}, ValueError, "data is on meta"),
        ({"data": torch.ones(3, 9, 4, dtype=torch.int64)}, TypeError, "data is a torch.int64"),
        ({"data": "features"}, TypeError, "data is a str"),
        ({"data": IndependentFeatures(5, 0.5)}, ValueError, "data has 5 features, the model 4"),
        ({"data": IndependentFeatures(4, 1.0)}, ValueError, "nothing to learn"),
        (
            {"data": IndependentFeatures(4, torch.tensor([[0.1], [0.2]]))},
            ValueError,
            "n_instances is 3, but sparsity describes 2 instances",
        ),
        ({"data": torch.rand(2, 9, 4)}, ValueError, r"data has shape \(2, 9, 4\)"),
        ({"data": torch.rand(9, 4)}, ValueError, r"data has shape \(9, 4\)"),
        ({"data": torch.full((3, 9, 4), float("inf"))}, ValueError, "data holds NaN or infinite"),
        ({"importance": torch.ones(2, 4)}, ValueError, r"importance has shape \(2, 4\)"),
        ({"importance": 1.0}, ValueError, r"importance has shape \(\)"),
        ({"importance": [1.0, 1.0, 1.0, math.inf]}, ValueError, "importance holds inf"),
        ({"test_data": torch.rand(3, 9, 2)}, ValueError, "test_data has shape"),
        ({"test_data": torch.full((3, 9, 4), math.nan)}, ValueError, "test_data holds NaN"),
        ({"test_data": IndependentFeatures(4, 0.5)}, TypeError, "test_data is a IndependentFeat"),
        ({"test_data": torch.rand(3, 9, 4, device="meta")}, ValueError, "test_data is on meta"),
    ],
)
def test_bad_arguments_are_refused_before_any_work(changes, error, words):
    model = ReLUModel(4, 2, 3)
    start = model.W.detach().clone()
    arguments = {"data": points()} | GOOD | changes
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(error, match=words):
            train(model, **arguments)
    assert torch.equal(start, model.W)
    assert (model.b == 0).all()


def test_what_a_loss_must_be_is_told_before_any_work():
    model, features = ReLUModel(4, 2, 3), IndependentFeatures(4, 0.5)
    for loss, words in (
        (
            lambda model, batch, importance: model.loss(batch, importance).sum(),
            r"loss returned \(\)",
        ),
        (lambda model, batch, importance: model.loss(batch)[:2], r"loss returned \(2,\); it must"),
        (lambda model, batch, importance: 0.5, "loss returned float"),
        (lambda model, batch, importance: torch.zeros(3), "loss does not depend on W, b"),
        (lambda model, batch, importance: batch.x.sum((1, 2)), "loss does not depend on W, b"),
        (
            lambda model, batch, importance: reconstruction_loss(batch.x[:, :, :2], model(batch.x)),
            r"x has shape \(3, 1025, 2\) and y",
        ),
    ):
        with pytest.raises(ValueError, match=words):
            train(model, features, loss=loss, **GOOD)
    assert torch.equal(model.W, ReLUModel(4, 2, 3).W)


def test_a_written_gradient_that_is_wrong_is_told():
    class Wrong(ReLUModel):
        def gradients(self, batch, importance):
            by_W, by_b = super().gradients(batch, importance)
            return by_W, 2 * by_b

    with pytest.raises(ValueError, match=r"Wrong.gradients is not the gradient of Wrong.loss.* b;"):
        train(Wrong(4, 2, 3), points(), **GOOD)


def test_a_model_that_changes_the_forward_pass_does_not_inherit_the_gradient():
    """A learner's class of three lines must train as it says, not as its parent did."""

    class Rectified(LinearModel):
        def forward(self, x):
            return torch.relu(super().forward(x))

    learner, packaged = Rectified(4, 2, 3, seed=1), ReLUModel(4, 2, 3, seed=1)
    for model in (learner, packaged):
        train(model, points(), n_steps=50, learning_rate=1e-2, progress=False)
    assert torch.allclose(learner.W, packaged.W, atol=1e-5)


def test_a_plain_module_can_be_trained():
    """Nothing of ours to inherit from: parameters that lead with the instance, and a loss."""

    class Scale(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.factor = torch.nn.Parameter(torch.ones(3, 4))

        def forward(self, x):
            return x * self.factor[:, None]

        def loss(self, batch, importance):
            return reconstruction_loss(2 * batch.x, self(batch.x), importance, batch.weight)

    model = Scale()
    history = train(model, IndependentFeatures(4, 0.5), n_steps=1500, progress=False, **FAST)
    assert torch.allclose(model.factor, torch.tensor(2.0), atol=1e-3)
    assert torch.equal(history.at(-1, points()), 2 * points() * model.factor[:, None] / 2)
    model.offset = torch.nn.Parameter(torch.zeros(4))
    with pytest.raises(ValueError, match="each must lead with the instances"):
        train(model, points(), **GOOD)


SETS = CorrelatedFeatures((2, 2), 0.7)
EVERY = {
    "tied": (LinearModel(4, 2, 3), SETS),
    "hidden relu": (HiddenReLUModel(4, 2, 3), AnticorrelatedFeatures((2, 2), 0.5)),
    "centred": (CentredReLUModel(4, 2, 3, mean=SETS.mean), SETS),
    "untied": (UntiedReLUModel(4, 2, 3), IndependentFeatures(4, 0.8)),
    "absolute value": (AbsoluteValueModel(4, 6, 3), IndependentFeatures(4, 0.8, signed=True)),
    "l1": (SparseAutoencoder(2, 5, 3, l1=0.1), HiddenStates(ReLUModel(4, 2, seed=5), SETS)),
    "topk": (SparseAutoencoder(4, 5, 3, k=2), points()),
}


@pytest.mark.parametrize("name", EVERY)
def test_every_model_learns_and_keeps_its_history(name):
    model, data = EVERY[name]
    history = train(model, data, n_steps=300, learning_rate=1e-2, record_at=3, progress=False)
    assert (history.loss[-1] < 0.9 * history.loss[0]).all()
    for parameter_name, parameter in model.named_parameters():
        assert torch.equal(history[parameter_name][-1], parameter)
        assert parameter.grad is None
    x = torch.rand(3, 5, model.n_features)
    with torch.no_grad():
        assert torch.equal(history.at(-1, x), model(x))
        assert not torch.equal(history.at(0, x), model(x))


def test_a_penalty_is_a_loss():
    """L1 on the hidden layer makes it sparser; nothing in the loop knows of it."""

    def penalised(strength):
        def loss(model, batch, importance):
            size = (model.hidden(batch.x).sum(2) * batch.weight).sum(1)
            return model.loss(batch, importance) + strength * size

        return loss

    active = []
    for strength in (0.0, 0.05):
        model, features = HiddenReLUModel(6, 4, 4, seed=0), IndependentFeatures(6, 0.9)
        train(model, features, n_steps=800, loss=penalised(strength), progress=False, **FAST)
        batch = features.batch(2000, 4, generator=torch.Generator().manual_seed(1))
        with torch.no_grad():
            active.append((model.hidden(batch.x).mean(2) * batch.weight).sum(1))
    assert (active[1] < 0.8 * active[0]).all()


class Strided(torch.nn.Module):
    """|x| with a parameter stored the other way round, as a transposed start would be."""

    def __init__(self, strided):
        super().__init__()
        W = torch.rand(2, 4, 3, generator=torch.Generator().manual_seed(0))
        self.W = torch.nn.Parameter(W.mT.contiguous().mT if strided else W)

    def forward(self, x):
        return x @ self.W @ self.W.mT

    def loss(self, batch, importance):
        return reconstruction_loss(batch.x, self(batch.x), importance, batch.weight)

    @torch.no_grad()
    def gradients(self, batch, importance):
        """Return the gradient, laid out in memory as the product happens to be."""
        with torch.enable_grad():
            W = self.W.detach().mT.contiguous().mT.requires_grad_()
            error = (batch.x - batch.x @ W @ W.mT).square().mean(2)
            slope = torch.autograd.grad((error * batch.weight).sum(), W)[0]
        return (slope.mT.contiguous().mT,)


@pytest.mark.parametrize("strided", [True, False])
@pytest.mark.parametrize("written", [True, False])
def test_steps_do_not_depend_on_how_a_gradient_lies_in_memory(strided, written):
    """Fused AdamW reads memory without looking at strides."""
    x, model, plain = points(n_instances=2), Strided(strided), Strided(False)
    loss = None if written else Strided.loss
    train(model, x, n_steps=50, learning_rate=1e-2, loss=loss, progress=False)
    optimiser = torch.optim.AdamW(plain.parameters(), lr=1e-2, weight_decay=0.01, fused=False)
    for _ in range(50):
        optimiser.zero_grad()
        reconstruction_loss(x, plain(x)).sum().backward()
        optimiser.step()
    assert torch.allclose(model.W, plain.W, atol=1e-5)


def test_training_loads_nothing_that_an_interrupt_could_leave_half_done():
    code = """
import sys
from toyutils.features import IndependentFeatures
from toyutils.models import ReLUModel, SparseAutoencoder
from toyutils.training import train
before = set(sys.modules)
train(ReLUModel(4, 2), IndependentFeatures(4, 0.5), n_steps=3, progress=False)
train(SparseAutoencoder(4, 6, k=2), IndependentFeatures(4, 0.5), n_steps=3, progress=False)
print(sorted(name for name in set(sys.modules) - before if name.startswith(("torch", "sympy"))))"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_centred_training_ends_near_the_optimum():
    features = IndependentFeatures(4, torch.tensor([[0.1], [0.9]]))
    model = CentredReLUModel(4, 2, 2, mean=features.mean)
    train(model, features, n_steps=1500, learning_rate=1e-2, schedule="cosine", progress=False)
    exact = theory.expected_loss(model.W, model.b, features.sparsity)
    best = theory.best_relu_model(4, 2, features.sparsity[:, 0].double(), n_restarts=8).loss
    assert (exact < 1.1 * best).all()


def test_centring_pays_where_many_features_are_present():
    """Dense data: the same models by another path, and much closer to what can be reached."""
    recipe = dict(n_steps=600, learning_rate=1e-2, batch_size=64, schedule="cosine")
    features, losses = IndependentFeatures(100, 0.0), []
    for model in (ReLUModel(100, 10, 2), CentredReLUModel(100, 10, 2, mean=features.mean)):
        train(model, features, progress=False, **recipe)
        batch = features.batch(20_000, 2, generator=torch.Generator().manual_seed(1))
        losses.append(model.loss(batch).detach())
    excess = torch.stack(losses) / theory.linear_minimum(0.0, torch.ones(100), 10) - 1
    assert (excess[1] < 0.02).all(), excess
    assert (excess[0] > 3 * excess[1].clamp(min=0.001)).all(), excess


def test_what_cannot_fit_is_refused_with_the_estimate():
    model = ReLUModel(1000, 100)
    before = model.W.detach().clone()
    with pytest.raises(
        MemoryError, match=r"about [\d.e+]+ GB; [\d.]+ GB are free on cpu.* batch_size"
    ):
        train(model, IndependentFeatures(1000, 0.9), n_steps=5, batch_size=10**12, progress=False)
    assert torch.equal(model.W, before)
    with pytest.raises(MemoryError, match="record fewer steps"):
        train(model, IndependentFeatures(1000, 0.9), n_steps=10**7, record_at=10**6)


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")
def test_the_estimate_of_memory_is_what_training_takes():
    """In a process of its own, whose peak the system knows."""
    n_instances, n_features, n_hidden, batch_size, n_records = sizes = (32, 50, 100, 1000, 21)
    code = f"""
from toyutils.features import IndependentFeatures
from toyutils.models import ReLUModel
from toyutils.training import train
def go(instances, n, m, batch, records):
    train(ReLUModel(n, m, instances), IndependentFeatures(n, 0.9), n_steps=20,
          batch_size=batch, record_at=range(records), progress=False)
    [peak] = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
    return 1024 * int(peak.split()[1])
print(-go(1, 5, 2, 16, 2) + go{sizes})"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    estimate = memory_needed(ReLUModel(n_features, n_hidden, n_instances), batch_size, n_records)
    assert 0.5 * estimate < int(out.stdout) < 1.5 * estimate


@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no GPU")
@pytest.mark.parametrize("settings", [{}, {"importance": [1.0, 0.9, 0.5, 0.2]}])
def test_a_gpu_gives_what_the_cpu_gives(settings):
    """On fixed points; the two draw different random numbers."""
    x, test = points(seed=1), points(seed=2)
    made = {}
    for device in ("cpu", "cuda"):
        model = ReLUModel(4, 2, 3, seed=1)
        history = train(model, x, n_steps=300, learning_rate=1e-2, test_data=test,
                        device=device, progress=False, **settings)  # fmt: skip
        assert model.W.device.type == "cpu"
        made[device] = history
    assert torch.allclose(made["cpu"].loss, made["cuda"].loss, atol=1e-5)
    assert torch.allclose(made["cpu"].test_loss, made["cuda"].test_loss, atol=1e-5)
    assert torch.allclose(made["cpu"]["W"], made["cuda"]["W"], atol=1e-3)
    drawn = ReLUModel(4, 2, 3, seed=1)
    train(drawn, IndependentFeatures(4, 0.9), n_steps=2000, learning_rate=1e-2, schedule="cosine",
          optimizer="adam", device="cuda", progress=False)  # fmt: skip
    settled = theory.descend(drawn.W.detach(), drawn.b.detach(), 0.9)
    least = theory.expected_loss(*settled, 0.9)
    assert torch.allclose(theory.expected_loss(drawn.W.data, drawn.b.data, 0.9), least, rtol=0.01)


def test_a_history_is_shown_in_one_line():
    model = LinearModel(2, 1, n_instances=64)
    history = train(model, torch.rand(64, 20, 2), n_steps=3, progress=False)
    assert "\n" not in repr(history)
    assert repr(history).startswith("History of 3 steps, 64 instances: median loss ")
