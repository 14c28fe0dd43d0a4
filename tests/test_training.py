import math
import subprocess
import sys
import warnings

import pytest
import torch

from toyutils import theory, training
from toyutils.exercises import nb06
from toyutils.features import IndependentFeatures
from toyutils.models import LinearModel, ReLUModel
from toyutils.training import gradients, memory_needed, numeric_gradient, reconstruction_loss, train

MODELS = [LinearModel, ReLUModel]


def points(n_points=40, n_instances=3, n_features=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return IndependentFeatures(n_features, 0.5).sample(n_points, n_instances, generator=generator)


def test_loss_equals_slow_loops():
    x, y = points(seed=1), points(seed=2)
    importance = torch.tensor([1.0, 0.5, 2.0, 0.0])
    loss = reconstruction_loss(x, y, importance)
    for instance in range(3):
        total = 0.0
        for p in range(40):
            for i in range(4):
                error = x[instance, p, i].item() - y[instance, p, i].item()
                total += importance[i].item() * error**2
        assert loss[instance].item() == pytest.approx(total / 160, rel=1e-5)
    assert torch.allclose(reconstruction_loss(x, y), (x - y).square().mean((1, 2)))


def test_loss_takes_an_importance_for_each_instance():
    x, y = points(seed=1), points(seed=2)
    importance = torch.rand(3, 4, generator=torch.Generator().manual_seed(3))
    loss = reconstruction_loss(x, y, importance)
    for instance in range(3):
        alone = slice(instance, instance + 1)
        want = reconstruction_loss(x[alone], y[alone], importance[instance])
        assert torch.allclose(loss[alone], want)


def random_model(model_class, n_features=4, n_hidden=2, n_instances=3):
    model = model_class(n_features, n_hidden, n_instances, seed=3).double()
    with torch.no_grad():
        model.b.normal_(std=0.3, generator=torch.Generator().manual_seed(4))
    return model


@pytest.mark.parametrize("model_class", MODELS)
@pytest.mark.parametrize("rows", [1, 3])
def test_written_gradient_equals_autograd(model_class, rows):
    model, x = random_model(model_class), points().double()
    importance = 0.1 + torch.rand(rows, 4, generator=torch.Generator().manual_seed(5)).double()
    reconstruction_loss(x, model(x), importance).sum().backward()
    inputs = (model.W.detach(), model.b.detach(), x, importance)
    before = [tensor.clone() for tensor in inputs]
    by_W, by_b = gradients(*inputs, model.activation)
    assert all(torch.equal(*pair) for pair in zip(inputs, before, strict=True))
    assert torch.allclose(by_W, model.W.grad, rtol=1e-12, atol=1e-14)
    assert torch.allclose(by_b, model.b.grad, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("model_class", MODELS)
def test_written_gradient_equals_finite_differences(model_class):
    model, x = random_model(model_class, n_instances=1), points(n_instances=1).double()
    importance = torch.tensor([[1.0, 0.7, 0.4, 0.2]], dtype=torch.float64)
    slopes = gradients(model.W.detach(), model.b.detach(), x, importance, model.activation)
    for parameter, slope in zip((model.W, model.b), slopes, strict=True):

        def loss(values, parameter=parameter):
            with torch.no_grad():
                before, parameter.data = parameter.data, torch.tensor(values)
                came = reconstruction_loss(x, model(x), importance).item()
                parameter.data = before
            return came

        assert numeric_gradient(loss, parameter.detach().numpy()) == pytest.approx(
            slope.numpy(), abs=1e-7
        )


def test_the_numeric_gradient_does_what_notebook_06_asks_for():
    assert nb06.check_slope_by_nudging(lambda loss, W: numeric_gradient(loss, W)).passed


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
    assert torch.allclose(history.W[-1], plain.W, atol=1e-9)
    assert torch.equal(x, kept)


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


@pytest.mark.parametrize("model_class", MODELS)
@pytest.mark.parametrize("skip_all_zero", [True, False])
def test_sampled_gradient_has_the_exact_mean(model_class, skip_all_zero):
    """Leaving out empty points and adding them exactly must not change the expectation."""
    sparsity, importance = torch.tensor([[0.9], [0.5]]), torch.tensor([[1.0, 0.5, 0.3, 0.1]])
    model = random_model(model_class, n_instances=2)
    loss = theory.expected_loss(model.W, model.b, sparsity, importance, activation=model.activation)
    loss.sum().backward()
    features, generator = IndependentFeatures(4, sparsity), torch.Generator().manual_seed(0)
    batches = training._Batches(features, 20_000, 2, skip_all_zero, generator, torch.float32)
    W, b = model.W.detach().float(), model.b.detach().float()
    drawn = [
        batches.gradients(W, b, batches.next(), None, importance, model.activation)
        for _ in range(60)
    ]
    for got, exact in ((0, model.W.grad), (1, model.b.grad)):
        samples = torch.stack([d[got] for d in drawn]).double()
        error = samples.std(0) / 60**0.5
        assert ((samples.mean(0) - exact).abs() <= 5 * error + 1e-7).all()
    losses = torch.stack(
        [batches.loss(W, b, batches.next(), importance, model.activation) for _ in range(60)]
    ).double()
    assert ((losses.mean(0) - loss).abs() <= 5 * losses.std(0) / 60**0.5 + 1e-7).all()


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


@pytest.mark.parametrize("skip_all_zero", [True, False])
def test_double_models_and_mixed_data_are_welcome(skip_all_zero):
    model = ReLUModel(4, 2).double()
    features = IndependentFeatures(4, 0.5)
    settings = {"n_steps": 3, "skip_all_zero": skip_all_zero, "progress": False}
    history = train(model, features, **settings)
    assert history.W.dtype == history.loss.dtype == torch.float64
    history = train(
        ReLUModel(4, 2), points(n_instances=1).double(), test_data=points().double()[:1], **settings
    )
    assert history.W.dtype == history.test_loss.dtype == torch.float32


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
    assert history.W.shape == (4, 3, 2, 4)
    assert history.b.shape == (4, 3, 4)
    assert torch.equal(history.W[0], start)
    assert torch.equal(history.W[-1], model.W)
    assert history.activation == "relu"
    assert not history.interrupted
    y = (points(seed=9) @ history.W.mT @ history.W + history.b[:, :, None]).relu()
    want = (points(seed=9) - y).square().mean((2, 3))
    assert torch.allclose(history.test_loss, want, atol=1e-6)


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
    assert len(history.loss) == len(history.W) == len(history.b) == len(steps)
    assert history.test_loss is None


@pytest.mark.parametrize("progress", [True, False])
def test_progress_bar_can_be_silenced(capsys, progress):
    train(ReLUModel(4, 2), points(n_instances=1), n_steps=5, progress=progress)
    captured = capsys.readouterr()
    assert bool(captured.out + captured.err) == progress


def test_interrupting_keeps_what_was_done(monkeypatch, capsys):
    model = ReLUModel(4, 2, 3)
    start, calls = model.W.detach().clone(), []
    original = training.gradients

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == 31:
            raise KeyboardInterrupt
        return original(*arguments)

    monkeypatch.setattr(training, "gradients", interrupted)
    history = train(model, points(), n_steps=100, record_at=100, progress=False)
    assert history.interrupted
    assert history.step.tolist() == list(range(31))
    assert torch.equal(history.W[-1], model.W)
    assert not torch.equal(start, model.W)
    assert "step 30 of 100" in capsys.readouterr().out


def test_interrupting_between_records_keeps_the_model(monkeypatch):
    """Another way to be stopped: while drawing the points of a step."""
    model, calls = ReLUModel(4, 2, 3), []
    features, other = IndependentFeatures(4, 0.5), ReLUModel(4, 2, 3)
    original = IndependentFeatures.sample_active

    def interrupted(*arguments, **options):
        calls.append(1)
        if len(calls) == 26:
            raise KeyboardInterrupt
        return original(*arguments, **options)

    monkeypatch.setattr(IndependentFeatures, "sample_active", interrupted)
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
    monkeypatch.setattr(IndependentFeatures, "sample_active", interrupted)
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
        ({"optimizer": "sgd"}, ValueError, "optimizer is 'sgd'"),
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
            "data describes 2 instances, the model has 3",
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


@pytest.mark.parametrize("model_class", MODELS)
def test_centred_gradient_is_that_of_the_expected_loss(model_class):
    """With c = b + WᵀW E[x] held, W moves b as well; points that are all zero count in full."""
    model = random_model(model_class, n_instances=2)
    sparsity = torch.tensor([[0.4, 0.6, 0.8, 0.3], [0.7, 0.7, 0.9, 0.5]])
    features = IndependentFeatures(4, sparsity)
    importance = torch.tensor([[1.0, 0.5, 2.0, 0.1]])
    W = model.W.detach().clone().requires_grad_()
    c = (model.b.detach() + 0.2).requires_grad_()
    mean = features.mean.double()
    b = c - (W.mT @ (W @ mean[:, :, None]))[:, :, 0]
    theory.expected_loss(W, b, sparsity, importance, activation=model.activation).sum().backward()
    generator = torch.Generator().manual_seed(0)
    batches = training._Batches(features, 20_000, 2, True, generator, torch.float64)
    fixed = (W.detach(), c.detach())
    drawn = [
        batches.gradients(*fixed, batches.next(), mean, importance, model.activation)
        for _ in range(60)
    ]
    for got, exact in ((0, W.grad), (1, c.grad)):
        samples = torch.stack([d[got] for d in drawn])
        error = samples.std(0) / 60**0.5
        assert ((samples.mean(0) - exact).abs() <= 5 * error + 1e-7).all()


def test_centred_training_ends_with_the_bias_of_the_model():
    features = IndependentFeatures(4, torch.tensor([[0.1], [0.9]]))
    model = ReLUModel(4, 2, 2)
    history = train(model, features, n_steps=1500, learning_rate=1e-2, schedule="cosine",
                    centred=True, progress=False)  # fmt: skip
    assert torch.equal(history.b[-1], model.b.detach())
    assert torch.equal(history.W[0], ReLUModel(4, 2, 2).W.detach())
    assert torch.allclose(history.b[0], torch.zeros(2, 4), atol=1e-6)
    exact = theory.expected_loss(model.W, model.b, features.sparsity)
    best = theory.best_relu_model(4, 2, features.sparsity[:, 0].double(), n_restarts=8).loss
    assert (exact < 1.1 * best).all()


def test_centring_pays_where_many_features_are_present():
    """On dense data a linear model's least loss is known; uncentred steps stay above it."""
    recipe = dict(n_steps=600, learning_rate=1e-2, batch_size=64, schedule="cosine")
    excess = []
    for centred in (False, True):
        model = LinearModel(100, 10, 2)
        train(model, IndependentFeatures(100, 0.0), centred=centred, progress=False, **recipe)
        x = IndependentFeatures(100, 0.0).sample(
            20_000, 2, generator=torch.Generator().manual_seed(1)
        )
        loss = reconstruction_loss(x, model(x)).detach()
        excess.append(loss / theory.linear_minimum(0.0, torch.ones(100), 10) - 1)
    assert (excess[1] < 0.02).all(), excess
    assert (excess[0] > 3 * excess[1]).all(), excess


def test_fixed_points_cannot_be_centred():
    with pytest.raises(ValueError, match="centred is True"):
        train(LinearModel(4, 2, 3), points(), n_steps=5, centred=True, progress=False)


def test_what_cannot_fit_is_refused_with_the_estimate():
    model = ReLUModel(1000, 100)
    before = model.W.detach().clone()
    with pytest.raises(MemoryError, match=r"about [\d.e+]+ GB; [\d.]+ GB are free.* batch_size"):
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
    told = memory_needed(
        n_features=n_features, n_hidden=n_hidden, n_instances=n_instances,
        batch_size=batch_size, n_records=n_records,
    )  # fmt: skip
    assert 0.5 * told < int(out.stdout) < 1.5 * told


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
    assert torch.allclose(made["cpu"].W, made["cuda"].W, atol=1e-3)
    drawn = ReLUModel(4, 2, 3, seed=1)
    train(drawn, IndependentFeatures(4, 0.9), n_steps=2000, learning_rate=1e-2, schedule="cosine",
          optimizer="adam", device="cuda", progress=False)  # fmt: skip
    settled = theory.descend(drawn.W.detach(), drawn.b.detach(), 0.9)
    least = theory.expected_loss(*settled, 0.9)
    assert torch.allclose(theory.expected_loss(drawn.W.data, drawn.b.data, 0.9), least, rtol=0.01)
