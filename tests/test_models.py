import pytest
import torch

from toyutils.models import LinearModel, ReLUModel


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
def test_bad_sizes_are_refused(sizes, error, words):
    with pytest.raises(error, match=words):
        LinearModel(*sizes)


def test_printed_model_says_its_sizes():
    assert "n_features=5, n_hidden=2, n_instances=3" in repr(ReLUModel(5, 2, 3))
