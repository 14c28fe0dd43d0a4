"""What is compared: for each row a peer's recipe, ours, and how good what they return is."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch

from bench import peers
from toyutils import dimensionality, geometry, theory
from toyutils.features import IndependentFeatures
from toyutils.models import HiddenReLUModel, ReLUModel, reconstruction_loss
from toyutils.training import FAST, train


@dataclass(frozen=True)
class Row:
    """Compare `ours(seed)` with `peer(seed)`; each returns trained models.

    `badness(models)`, lower being better, is not timed; `measure` names it. `times`: how often
    the peer would have to run for all of our models. `promised`: the least ratio peer / ours.
    """

    name: str
    peer: Callable
    ours: Callable
    promised: float
    badness: Callable
    measure: str = "loss above its minimum"
    times: int = 1


def timed(row: int, side: str, seed: int) -> tuple[float, float]:
    """Return the seconds that one side ("peer" or "ours") took to train, and the badness."""
    start = time.perf_counter()
    models = getattr(ROWS[row], side)(seed)
    seconds = time.perf_counter() - start
    return seconds, float(ROWS[row].badness(models))


def warm_up() -> None:
    """Pay once, in each process, for what first calls cost."""
    peers.compile_floor()
    peers.paper_notebook(TEN, DECAY, 5, 2, n_steps=2)
    model = ReLUModel(5, 2)
    train(model, IndependentFeatures(5, 0.9), n_steps=2, progress=False)


def excess(models, *, sparsity, importance=None):
    """Return the median of: exact loss / exact loss of the minimum it is heading for, less 1."""
    W, b = (parameter.detach() for parameter in models)
    settled = theory.descend(W, b, sparsity, importance)
    nearest = theory.expected_loss(*settled, sparsity, importance)
    return (theory.expected_loss(W, b, sparsity, importance) / nearest - 1).median()


# 5→2. The paper's ten densities, and importance falling by a tenth from feature to feature.
TEN = 20 ** -torch.linspace(0, 1, 10)
DECAY = 0.9 ** torch.arange(5.0)


def ten_densities(seed):
    model = ReLUModel(5, 2, 10, seed=seed)
    data = IndependentFeatures(5, 1 - TEN[:, None])
    train(model, data, importance=DECAY, n_steps=1200, batch_size=256, seed=seed,
          progress=False, **FAST)  # fmt: skip
    return model.W, model.b


def five_features(seed, n_models):
    model = ReLUModel(5, 2, n_models, seed=seed)
    train(model, IndependentFeatures(5, 0.9), n_steps=1200, batch_size=256, seed=seed,
          progress=False, **FAST)  # fmt: skip
    return model.W, model.b


# 2→1 on 800 fixed points and 200 for a test, both losses and the weights recorded.
def points(n_instances, seed):
    random = torch.Generator().manual_seed(seed)
    return IndependentFeatures(2, 0.8).sample(1000, n_instances, generator=random)


def experiment_5(seed):
    x = points(64, seed)
    model = ReLUModel(2, 1, 64, seed=seed)
    train(model, x[:, :800], n_steps=10_000, learning_rate=3e-4, test_data=x[:, 800:],
          record_at=60, progress=False)  # fmt: skip
    return model.W, model.b


# 200→20: two of notebook 10's densities, one with pairs and one with pentagons.
SHAPED = 1 / torch.tensor([2.98, 4.83])


def uniform_peer(seed):
    W, b = peers.paper_notebook(SHAPED, 1.0, 200, 20, seed=seed)
    return dimensionality.worth_per_dimension(W, b, SHAPED)


def uniform(seed):
    size = dimensionality.SMALL
    models = dimensionality.train_uniform(SHAPED, seed=seed, progress=False, **size)
    return dimensionality.worth_per_dimension(models.W, models.b, SHAPED[:, None])


# The phase diagram 2→1, where feature 2 counts half: where does it stop being represented?
CUT = torch.linspace(0.4, 0.6, 12, dtype=torch.float64)  # densities, 10 models at each
HALF = torch.tensor([1.0, 0.5])
JUMP = 0.486  # found by bisection; notebook 09


def sampled_row(seed):
    density = CUT.repeat_interleave(10).float()
    W, b = peers.paper_notebook(density, HALF, 2, 1, seed=seed)
    loss = theory.expected_loss(W, b, 1 - density[:, None], HALF).unflatten(0, (12, 10))
    return W.unflatten(0, (12, 10))[torch.arange(12), loss.argmin(1)]


def exact_row(seed):
    return theory.best_relu_model(2, 1, 1 - CUT, HALF, n_restarts=8, seed=seed).W


def boundary_error(W):
    """Return how far from the truth the boundary lies that is read off the best models."""
    shared = geometry.represented(W)[:, 1]
    last = int(shared.nonzero().max()) if shared.any() else 0
    return (CUT[last : last + 2].mean() - JUMP).abs()


at_09 = partial(excess, sparsity=0.9)


# Best of a thousand, 10→5 with neurons (notebook 14): the same recipe for both.
FADING = 0.75 ** torch.arange(10.0)
FIT = dict(n_steps=1000, batch_size=64)
MANY, FEW = 1000, 20  # fits of ours, and of the peer, which are scaled up


def one_fit_at_a_time(seed):
    return peers.one_fit_at_a_time(FEW, 0.06, FADING, 10, 5, seed=seed, **FIT)


def many_fits(seed):
    model = HiddenReLUModel(10, 5, MANY, seed=seed)
    train(model, IndependentFeatures(10, 0.94), importance=FADING, seed=seed, progress=False,
          **FIT, **FAST)  # fmt: skip
    return model.W, model.b


def lowest_of_ten(models):
    """Return the loss / p that the best of ten fits has on average, on the same points for all."""
    W, b = (parameter.detach() for parameter in models)
    random = torch.Generator().manual_seed(0)
    x, weight = IndependentFeatures(10, 0.94).batch(3000, generator=random)
    y = ((x @ W.mT).relu() @ W + b[:, None]).relu()
    loss = reconstruction_loss(x, y, FADING, weight) / 0.06
    chosen = torch.rand(4000, len(loss), generator=random).topk(10).indices
    return loss[chosen].amin(1).mean()


def in_c(seed):
    return peers.c_loop(0.1, seed=seed)


ROWS = [
    Row("5→2, ten densities, against the paper's notebook",
        lambda seed: peers.paper_notebook(TEN, DECAY, 5, 2, seed=seed), ten_densities, 8,
        partial(excess, sparsity=1 - TEN[:, None], importance=DECAY)),
    Row("5→2, one model, against NumPy by hand",
        lambda seed: peers.numpy_by_hand(0.1, 5, 2, seed=seed), partial(five_features, n_models=1),
        1, at_09),
    Row("2→1, experiment 5, 64 seeds against one at a time",
        lambda seed: peers.snapshot_every_step(points(1, seed)[0], seed=seed), experiment_5, 20,
        partial(excess, sparsity=0.8), times=64),
    Row("200→20, two densities of the twenty, against the paper's notebook",
        uniform_peer, uniform, 4, lambda worth: -worth.mean(), "minus the worth of a dimension"),
    Row("phase diagram 2→1, one row, against sampling",
        sampled_row, exact_row, 30, boundary_error, "error of the boundary"),
    Row("5→2, one model, against C on one core", in_c, partial(five_features, n_models=1),
        1 / 4, at_09),
    Row("5→2, 64 models, against C on one core", in_c, partial(five_features, n_models=64),
        1 / 2, at_09, times=64),
    Row("10→5 with neurons, a thousand fits against one at a time", one_fit_at_a_time, many_fits,
        20, lowest_of_ten, "loss / p, best of ten", times=MANY // FEW),
]  # fmt: skip
