import math

import pytest
import torch

from toyutils.features import Batch, CorrelatedFeatures, FixedPoints, IndependentFeatures
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
from toyutils.theory import numeric_gradient
from toyutils.training import FAST, train

MEAN = torch.tensor([[0.1, 0.2, 0.3, 0.4]])
TIED = {
    "linear": LinearModel,
    "relu": ReLUModel,
    "hidden relu": HiddenReLUModel,
    "centred": lambda *sizes, **more: CentredReLUModel(*sizes, mean=MEAN, **more),
}
OTHER = {
    "untied": UntiedReLUModel,
    "absolute value": AbsoluteValueModel,
    "l1": lambda *sizes, **more: SparseAutoencoder(*sizes, l1=0.3, **more),
    "topk": lambda *sizes, **more: SparseAutoencoder(*sizes, k=2, **more),
    "batchtopk": lambda *sizes, **more: SparseAutoencoder(*sizes, k=1.6, per_batch=True, **more),
}


def random_model(kind, n_features=4, n_hidden=3, n_instances=2, seed=3):
    """Return a double model whose every parameter is random, biases included."""
    model = (TIED | OTHER)[kind](n_features, n_hidden, n_instances, seed=seed).double()
    generator = torch.Generator().manual_seed(seed + 1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.4 * torch.randn(parameter.shape, generator=generator).double())
    return model


def random_batch(n_instances=2, n_points=9, seed=0, signed=True):
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(n_instances, n_points, 4, generator=generator).double()
    weight = torch.rand(n_instances, n_points, generator=generator).double()
    return Batch(2 * x - 1 if signed else x, weight / weight.sum(1, keepdim=True))


def relu(values):
    return [max(value, 0.0) for value in values]


def times(matrix, vector):
    return [sum(a * v for a, v in zip(row, vector, strict=True)) for row in matrix]


def add(a, b):
    return [x + y for x, y in zip(a, b, strict=True)]


def slow(kind, model, k, batch):
    """Return (output of every point, loss but for importance) of instance k, in plain loops."""
    p = {name: value[k].tolist() for name, value in model.named_parameters()}
    points, weight = batch.x[k].tolist(), batch.weight[k].tolist()
    if kind in TIED:
        W, WT = p["W"], list(zip(*p["W"], strict=True))
        shift = MEAN[0].tolist() if kind == "centred" else [0.0] * 4
        hs = [times(W, [a - s for a, s in zip(x, shift, strict=True)]) for x in points]
        hs = [relu(h) for h in hs] if kind == "hidden relu" else hs
        ys = [add(times(WT, h), p["c" if kind == "centred" else "b"]) for h in hs]
        return [y if kind == "linear" else relu(y) for y in ys], points, 0.0
    if kind in ("untied", "absolute value"):
        hs = [times(p["W_in"], x) for x in points]
        hs = [relu(h) for h in hs] if kind == "absolute value" else hs
        ys = [relu(add(times(p["W_out"], h), p["b"])) for h in hs]
        target = [[abs(v) for v in x] for x in points] if kind == "absolute value" else points
        return ys, target, 0.0
    encoder = list(zip(*p["W_enc"], strict=True))
    lengths = [math.hypot(*row) for row in p["W_dec"]]
    fs = []
    for x in points:
        f = relu(add(times(encoder, [a - c for a, c in zip(x, p["b_dec"], strict=True)]),
                     p["b_enc"]))  # fmt: skip
        if kind == "topk":
            order = sorted(range(len(f)), key=lambda j: -f[j] * lengths[j])
            f = [v if j in order[:2] else 0.0 for j, v in enumerate(f)]
        fs.append(f)
    if kind == "batchtopk":
        every = [(f[j] * lengths[j], i, j) for i, f in enumerate(fs) for j in range(len(f))]
        kept, total = set(), 0.0
        for _, i, j in sorted(every, reverse=True):
            total += weight[i]
            if total > 1.6:
                break
            kept.add((i, j))
        fs = [[v if (i, j) in kept else 0.0 for j, v in enumerate(f)] for i, f in enumerate(fs)]
    decoder = list(zip(*p["W_dec"], strict=True))
    ys = [add(times(decoder, f), p["b_dec"]) for f in fs]
    penalty = 0.0
    if kind == "l1":
        penalty = 0.3 * sum(w * v * length for w, f in zip(weight, fs, strict=True)
                            for v, length in zip(f, lengths, strict=True))  # fmt: skip
    return ys, points, penalty


@pytest.mark.parametrize("kind", TIED | OTHER)
def test_output_and_loss_equal_slow_loops(kind):
    model, batch = random_model(kind), random_batch()
    importance = torch.tensor([[1.0, 0.5, 2.0, 0.0], [0.3, 0.7, 1.0, 4.0]]).double()
    more = (batch.weight,) if kind == "batchtopk" else ()
    y, loss = model(batch.x, *more), model.loss(batch, importance)
    for k in range(2):
        outputs, targets, penalty = slow(kind, model, k, batch)
        assert y[k].flatten().tolist() == pytest.approx(
            [v for row in outputs for v in row], abs=1e-12
        )
        want = 0.0
        for w, answer, target in zip(batch.weight[k].tolist(), outputs, targets, strict=True):
            for i, I in enumerate(importance[k].tolist()):
                want += w * I * (target[i] - answer[i]) ** 2
        want = want if kind in ("l1", "topk", "batchtopk") else want / 4
        assert loss[k].item() == pytest.approx(want + penalty, rel=1e-12)


@pytest.mark.parametrize("kind", TIED)
@pytest.mark.parametrize("rows", [1, 2])
def test_written_gradient_equals_autograd(kind, rows):
    importance = 0.1 + torch.rand(rows, 4, generator=torch.Generator().manual_seed(5)).double()
    for batch in (random_batch(), FixedPoints(random_batch().x).batch(1, 2)):
        model, before = random_model(kind), [part.clone() for part in batch]
        slopes = torch.autograd.grad(model.loss(batch, importance).sum(), list(model.parameters()))
        for by_hand, slope in zip(model.gradients(batch, importance), slopes, strict=True):
            assert torch.allclose(by_hand, slope, rtol=1e-12, atol=1e-14)
        assert all(torch.equal(*pair) for pair in zip(batch, before, strict=True))


@pytest.mark.parametrize("kind", TIED | OTHER)
def test_gradient_equals_finite_differences(kind):
    model, batch = random_model(kind, n_instances=1), random_batch(n_instances=1)
    importance = torch.tensor([[1.0, 0.7, 0.4, 0.2]], dtype=torch.float64)
    parameters = list(model.parameters())
    slopes = torch.autograd.grad(model.loss(batch, importance).sum(), parameters)
    for parameter, slope in zip(parameters, slopes, strict=True):

        def loss(values, parameter=parameter):
            with torch.no_grad():
                before, parameter.data = parameter.data, torch.tensor(values)
                value = model.loss(batch, importance).item()
                parameter.data = before
            return value

        numeric = numeric_gradient(loss, parameter.detach().numpy())
        assert numeric == pytest.approx(slope.numpy(), abs=1e-7)


def test_loss_equals_slow_loops():
    x, y, random = torch.rand(3, 40, 4), torch.rand(3, 40, 4), torch.rand(3, 40)
    importance = torch.tensor([1.0, 0.5, 2.0, 0.0])
    weight = random / random.sum(1, keepdim=True)
    even, weighed = (
        reconstruction_loss(x, y, importance),
        reconstruction_loss(x, y, importance, weight),
    )
    for k in range(3):
        squares = importance * (x[k] - y[k]) ** 2
        assert even[k].item() == pytest.approx(squares.sum().item() / 160, rel=1e-5)
        total = sum(weight[k, p].item() * squares[p].sum().item() / 4 for p in range(40))
        assert weighed[k].item() == pytest.approx(total, rel=1e-5)
    own = torch.rand(3, 4)
    for k in range(3):
        alone = reconstruction_loss(x[k : k + 1], y[k : k + 1], own[k])
        assert torch.allclose(reconstruction_loss(x, y, own)[k], alone)


def test_a_target_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"x has shape \(1, 6, 3\) and y \(1, 6, 2\)"):
        reconstruction_loss(torch.zeros(1, 6, 3), torch.zeros(1, 6, 2))


@pytest.mark.parametrize("kind", TIED | OTHER)
def test_the_start_of_an_instance_does_not_depend_on_the_others(kind):
    make = (TIED | OTHER)[kind]
    many = dict(make(4, 3, 40, seed=5).named_parameters())
    assert not torch.equal(*(next(iter(many.values()))[k] for k in (0, 1)))
    for n_instances in (1, 2, 3, 7, 16, 17, 33):
        for name, parameter in make(4, 3, n_instances, seed=5).named_parameters():
            assert torch.equal(parameter, many[name][:n_instances]), (name, n_instances)


def test_the_centred_model_is_the_relu_model_with_its_bias():
    centred, x = random_model("centred"), random_batch().x
    plain = ReLUModel(4, 3, 2).double()
    with torch.no_grad():
        plain.W.copy_(centred.W)
        plain.b.copy_(centred.b)
    assert torch.allclose(plain(x), centred(x))
    assert torch.allclose(plain.hidden(x), centred.hidden(x))
    at_mean = CentredReLUModel(4, 3, 2, mean=MEAN)(MEAN.expand(2, 1, 4))
    assert torch.allclose(at_mean, MEAN.expand(2, 1, 4))


def test_rotating_the_hidden_space_matters_only_where_neurons_are_real():
    turn = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(0))).Q.double()
    batch = random_batch(signed=False)
    for kind, same in (("relu", True), ("hidden relu", False)):
        model = random_model(kind)
        before = model.loss(batch)
        with torch.no_grad():
            model.W.copy_(turn @ model.W)
        assert torch.allclose(model.loss(batch), before) == same


def test_batch_topk_keeps_k_on_average():
    """Counted with the weights: a row that stands for many points counts as many."""
    features = HiddenStates(ReLUModel(5, 2, seed=1), IndependentFeatures(5, 0.9))
    x, weight = features.batch(400, 3, generator=torch.Generator().manual_seed(0))
    autoencoder = SparseAutoencoder(2, 6, 3, k=0.7, per_batch=True)
    with torch.no_grad():
        autoencoder.b_enc.fill_(1.0)  # more latents are active than may stay
    active = ((autoencoder.hidden(x, weight) > 0).sum(2) * weight).sum(1)
    assert (active <= 0.7 + 1e-5).all()
    assert (active > 0.7 - 2 * weight.max()).all()


def test_hidden_states_are_those_of_the_model():
    model, features = ReLUModel(6, 2, 3, seed=2), CorrelatedFeatures((2, 4), 0.7)
    states = HiddenStates(model, features)
    batch = states.batch(50, 3, generator=torch.Generator().manual_seed(0))
    x, weight = features.batch(50, 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(batch.x, model.hidden(x))
    assert torch.equal(batch.weight, weight)
    assert not batch.x.requires_grad
    assert states.n_features == 2
    with pytest.raises(ValueError, match="the model reads 6 features, the distribution has 5"):
        HiddenStates(model, IndependentFeatures(5, 0.5))
    with pytest.raises(ValueError, match="n_instances is 2, but the states are of 3 models"):
        states.batch(50, 2)


def test_absolute_values_are_learned():
    model = AbsoluteValueModel(3, 6, 16, seed=0)
    signed = IndependentFeatures(3, 0.5, signed=True)
    train(model, signed, n_steps=3000, batch_size=256, progress=False, **FAST)
    x, weight = signed.batch(20_000, 16, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        loss = model.loss(Batch(x, weight))
    assert (loss < 1e-3).sum() >= 12, loss


def test_topk_finds_the_five_directions_of_a_pentagon():
    """Signed cosine, since the two features of an antipodal pair share a line."""
    sparse = IndependentFeatures(5, 0.97)
    toy = ReLUModel(5, 2, seed=0)
    train(toy, sparse, n_steps=2500, batch_size=64, progress=False, **FAST)
    assert (toy.W.norm(dim=1) > 0.5).all()
    states = HiddenStates(toy, IndependentFeatures(5, 0.97, empty="omitted"))
    autoencoder = SparseAutoencoder(2, 8, 16, k=1, seed=0)
    recipe = FAST | dict(learning_rate=3e-3)
    train(autoencoder, states, n_steps=4000, batch_size=256, progress=False, **recipe)
    normalize = torch.nn.functional.normalize
    cosine = normalize(autoencoder.W_dec, dim=2) @ normalize(toy.W[0], dim=0)
    assert ((cosine.amax(1) >= 0.99).all(1)).sum() >= 15, cosine.amax(1)


def slow_forward(W, b, x, relu):
    """y_i = Σ_k W_ki Σ_j W_kj x_j + b_i, in plain loops."""
    y = []
    for i in range(len(b)):
        h = [sum(W[k][j] * x[j] for j in range(len(b))) for k in range(len(W))]
        value = sum(W[k][i] * h[k] for k in range(len(W))) + b[i]
        y.append(max(value, 0.0) if relu else value)
    return y


@pytest.mark.parametrize("model_class", [LinearModel, ReLUModel])
def test_forward_equals_slow_loops(model_class):
    model = model_class(3, 2, n_instances=4, seed=1)
    with torch.no_grad():
        model.b.normal_(generator=torch.Generator().manual_seed(0))
    x = torch.rand(4, 6, 3, generator=torch.Generator().manual_seed(2))
    y = model(x)
    for instance in range(4):
        W, b = model.W[instance].tolist(), model.b[instance].tolist()
        for point in range(6):
            want = slow_forward(W, b, x[instance, point].tolist(), model_class is ReLUModel)
            assert y[instance, point].tolist() == pytest.approx(want, abs=1e-5)
    assert model.hidden(x).shape == (4, 6, 2)


def test_points_are_shared_where_there_is_one_row():
    model = ReLUModel(3, 2, n_instances=4)
    x = torch.rand(1, 6, 3)
    assert torch.allclose(model(x), model(x.expand(4, -1, -1)))


@pytest.mark.parametrize("n_instances", [1, 50, 4000])
def test_start_has_the_scale_of_one_instance(n_instances):
    spread = torch.cat([LinearModel(5, 2, n_instances, seed=s).W.flatten() for s in range(20)])
    assert spread.std().item() == pytest.approx((2 / 7) ** 0.5, rel=0.25 / len(spread) ** 0.25)


@pytest.mark.parametrize(("n_features", "n_hidden"), [(2, 1), (20, 5), (5, 40)])
def test_start_is_xavier_normal(n_features, n_hidden):
    W = LinearModel(n_features, n_hidden, 2000).W.detach()
    assert W.std().item() == pytest.approx((2 / (n_features + n_hidden)) ** 0.5, rel=0.05)
    assert abs(W.mean().item()) < 5 * W.std() / W.numel() ** 0.5


def test_seed_decides_the_start():
    assert torch.equal(LinearModel(3, 2, 5, seed=7).W, ReLUModel(3, 2, 5, seed=7).W)
    assert not torch.equal(LinearModel(3, 2, 5, seed=7).W, LinearModel(3, 2, 5, seed=8).W)
    assert (LinearModel(3, 2, 5).b == 0).all()


@pytest.mark.parametrize(
    ("x", "error", "words"),
    [
        (torch.zeros(4, 6, 5), ValueError, r"x has shape \(4, 6, 5\).*any, 3"),
        (torch.zeros(2, 6, 3), ValueError, r"x has shape \(2, 6, 3\)"),
        (torch.zeros(6, 3), ValueError, r"x has shape \(6, 3\)"),
        (torch.zeros(4, 6, 3, dtype=torch.int64), TypeError, "int64 tensor"),
        (torch.zeros(4, 6, 3, dtype=torch.float64), TypeError, "x is torch.float64 and the model"),
        ([[1.0, 2.0, 3.0]], TypeError, "x is a list"),
        (torch.zeros(4, 6, 3, device="meta"), ValueError, "x is on meta and the model on cpu"),
    ],
)
def test_bad_points_are_refused(x, error, words):
    with pytest.raises(error, match=words):
        ReLUModel(3, 2, n_instances=4)(x)


@pytest.mark.parametrize(
    ("sizes", "error", "words"),
    [
        ((0, 2), ValueError, "n_features is 0"),
        ((3, -1), ValueError, "n_hidden is -1"),
        ((3, 2, 1.5), TypeError, r"n_instances is 1\.5"),
        ((3, True), TypeError, "n_hidden is True"),
    ],
)
@pytest.mark.parametrize("model_class", [LinearModel, UntiedReLUModel])
def test_bad_sizes_are_refused(model_class, sizes, error, words):
    with pytest.raises(error, match=words):
        model_class(*sizes)


@pytest.mark.parametrize(
    ("rule", "error", "words"),
    [
        ({}, ValueError, "l1 is None and k is None; give exactly one"),
        (dict(l1=0.1, k=1), ValueError, "l1 is 0.1 and k is 1; give exactly one"),
        (dict(l1=-0.1), ValueError, "l1 is -0.1"),
        (dict(l1=math.inf), ValueError, "l1 is inf"),
        (dict(l1="much"), TypeError, "l1 is 'much'"),
        (dict(l1=0.1, per_batch=True), ValueError, "per_batch is True"),
        (dict(k=0), ValueError, "k is 0"),
        (dict(k=-1), ValueError, "k is -1"),
        (dict(k=7), ValueError, "k is 7; there are only n_latents = 6"),
        (dict(k=1.5), ValueError, r"k is 1\.5; without per_batch"),
        (dict(k=True), TypeError, "k is True"),
        (dict(k=math.nan, per_batch=True), ValueError, "k is nan"),
    ],
)
def test_bad_rules_of_sparsity_are_refused(rule, error, words):
    with pytest.raises(error, match=words):
        SparseAutoencoder(2, 6, **rule)


def test_a_mean_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"mean has shape \(3,\); give \(2 or 1, 3\)"):
        CentredReLUModel(3, 2, 2, mean=torch.zeros(3))


def test_printed_model_says_its_sizes():
    assert "n_features=5, n_hidden=2, n_instances=3" in repr(ReLUModel(5, 2, 3))
