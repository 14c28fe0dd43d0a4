"""Loss against width, for features whose frequencies fall as a power of their rank.

Holds the frequencies, a training loop with weight decay of either sign on W alone, and the fit of
an exponent. What takes a GPU some minutes, the published size, is stored beside this file and is
rebuilt with one command:

    python -m toyutils.scaling          on a GPU, three minutes a seed
    python -m toyutils.scaling biased   two models, four minutes each on a core
"""

import math
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from toyutils import geometry
from toyutils.arguments import check_count, check_number
from toyutils.features import IndependentFeatures
from toyutils.models import ReLUModel
from toyutils.sweeps import side_by_side

#: The published size, steps and rate. Its batch holds 2048 points, a third of which are empty.
#: Five seeds take a GPU 16 minutes; what is stored are two.
PAPER = dict(n_features=1000, n_steps=20_000, batch_size=512, learning_rate=1e-2)
WIDTHS = (10, 17, 29, 50, 87, 150)
EXPONENTS = (0.0, 0.5, 1.0, 1.5, 2.0)
DECAYS = (-1.0, -0.3, 0.0, 0.3, 1.0)
N_SEEDS = 2


def frequencies(n_features: int, exponent: float) -> Tensor:
    """Return p_i ∝ 1 / (i + 1)^exponent, (feature,), float64, which add up to 1.

    So one feature is active at a time, on average.

    Raises ValueError or TypeError when `n_features` is not a positive whole number, or `exponent`
    is negative or not finite.

    Source: Liu, Liu and Gore, Superposition Yields Robust Neural Scaling (2025).
    """
    check_count("n_features", n_features)
    check_number("exponent", exponent)
    p = torch.arange(1, n_features + 1, dtype=torch.float64) ** -exponent
    return p / p.sum()


@torch.no_grad()
def decay_weights(W: Tensor, decay: Tensor, rate: float) -> None:
    """Change W (instance, hidden, feature) in place by one step of decay (instance,).

    A positive decay pulls every direction towards 0: W_i -= rate · decay · W_i. A negative one
    pulls its length towards 1: W_i -= rate · |decay| · (W_i - Ŵ_i).

    Source: Liu, Liu and Gore (2025), in their code; notebook 18, exercise 18.3.
    """
    decay = decay.to(W)[:, None, None]
    unit = torch.nn.functional.normalize(W, dim=1)
    W.lerp_(torch.where(decay < 0, unit, 0), rate * decay.abs())


def train_with_decay(
    model: ReLUModel, features: IndependentFeatures, decay: Tensor, *, n_steps: int,
    batch_size: int, learning_rate: float = 1e-2, warm_up: float = 0.1, end: float = 0.05,
    seed: int = 0, device: str | torch.device = "cpu", progress: bool = True,
) -> None:  # fmt: skip
    """Train all instances of `model` in place by Adam, W with `decay` (instance,), b without.

    The rate rises for a share `warm_up` of the steps, then falls along a cosine to `end` of
    `learning_rate`. Each instance draws points of its own.

    Source: Liu, Liu and Gore (2025), in their code; notebook 18.
    """
    model.to(device)
    generator = torch.Generator(device).manual_seed(seed)
    importance = torch.full((1, model.n_features), float(model.n_features), device=device)
    optimizer = torch.optim.Adam(model.parameters())
    bar = tqdm(total=n_steps, desc="training", unit="step", disable=not progress, leave=False)
    for step in range(n_steps):
        rate = learning_rate * schedule(step / n_steps, warm_up, end)
        optimizer.param_groups[0]["lr"] = rate
        batch = features.batch(batch_size, len(decay), generator=generator)
        decay_weights(model.W, decay, rate)
        slopes = model.gradients(batch, importance)
        for parameter, slope in zip(model.parameters(), slopes, strict=True):
            parameter.grad = slope
        optimizer.step()
        bar.update()
    bar.close()
    model.to("cpu")


def schedule(done: float, warm_up: float = 0.1, end: float = 0.05) -> float:
    """Return the rate at a share `done` of the steps, as a share of the highest."""
    if done < warm_up:
        return done / warm_up
    cosine = 0.5 * (1 + math.cos(math.pi * (done - warm_up) / (1 - warm_up)))
    return end + (1 - end) * cosine


@torch.no_grad()
def start(model: ReLUModel, spread: Tensor | None = None, *, seed: int = 0) -> ReLUModel:
    """Return `model` with directions that start random, of length 1 on average, not Xavier's.

    Biases start normal with the standard deviation `spread` (instance,), by default at zero.

    Source: Liu, Liu and Gore (2025), in their code.
    """
    generator = torch.Generator().manual_seed(seed)
    model.W.copy_(torch.randn(model.W.shape, generator=generator) / model.n_hidden**0.5)
    if spread is not None:
        model.b.copy_(spread[:, None] * torch.randn(model.b.shape, generator=generator))
    return model


@torch.no_grad()
def relative_loss(
    model: ReLUModel, features: IndependentFeatures, *, n_points: int = 8192, seed: int = 1,
    device: str | torch.device = "cpu",
) -> Tensor:  # fmt: skip
    """Return the loss over that of answering the mean, (instance,), on points drawn anew."""
    model.to(device)
    generator = torch.Generator(device).manual_seed(seed)
    n_instances, rounds = len(model.W), max(1, n_points // 1024)
    total = sum(
        model.loss(features.batch(n_points // rounds, n_instances, generator=generator))
        for _ in range(rounds)
    )
    model.to("cpu")
    p = features.density
    return total.cpu() / rounds * model.n_features / (p / 3 - p**2 / 4).sum(-1).cpu()


def ignored_share(W: Tensor, density: Tensor) -> Tensor:
    """Return the share of all variance that belongs to directions shorter than 1/2, (...).

    W (..., hidden, feature), `density` (..., feature). It is what a model would lose that kept
    the other features without any error.

    Source: Liu, Liu and Gore (2025), "loss by unlearned".
    """
    v = density / 3 - density**2 / 4
    return (v * (W.norm(dim=-2) < 0.5)).sum(-1) / v.sum(-1)


def silent_share(W: Tensor, b: Tensor, density: Tensor) -> Tensor:
    """Return the share of all variance whose features are silent, (...): |W_i|² + b_i <= 0.

    Where such a feature is active alone, its output is 0 whatever its value, so that no gradient
    reaches its bias. W (..., hidden, feature), b and `density` (..., feature).
    """
    v = density / 3 - density**2 / 4
    return (v * (W.square().sum(-2) + b <= 0)).sum(-1) / v.sum(-1)


def mean_squared_overlap(W: Tensor) -> Tensor:
    """Return the mean squared cosine between two different directions, (...)."""
    unit = torch.nn.functional.normalize(W, dim=-2)
    n_features = W.shape[-1]
    total = (unit @ unit.mT).square().sum((-2, -1))  # |UUᵀ|² = |UᵀU|², and is the smaller
    return (total - n_features) / (n_features * (n_features - 1))


def exponent(width: Tensor, loss: Tensor) -> Tensor:
    """Return a in loss ∝ width^-a, by least squares on logarithms: (..., width) -> (...)."""
    x, y = width.double().log(), loss.double().log()
    x = x - x.mean()
    return -(x * y).sum(-1) / x.square().sum()


def exponent_interval(
    width: Tensor, loss: Tensor, *, n_draws: int = 2000, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Return the 95 % interval of the exponent by bootstrap over seeds, (...), (...).

    `loss` (..., width, seed). Models at different widths share nothing, so the seeds are drawn
    again at each width; the exponent of a draw is that of its mean losses.
    """
    *_, n_widths, n_seeds = loss.shape
    generator = torch.Generator().manual_seed(seed)
    draw = torch.randint(n_seeds, (n_draws, n_widths, n_seeds), generator=generator)
    places = torch.arange(n_widths)[:, None]
    means = torch.stack([loss[..., places, one].mean(-1) for one in draw])
    low, high = exponent(width, means).quantile(torch.tensor([0.025, 0.975]).double(), dim=0)
    return low, high


@dataclass(frozen=True)
class Widths:
    """Hold what models of the published size reach, for each setting, width and seed.

    `exponent`, `decay` and `width` name the first three dimensions of `loss` (see
    `relative_loss`), `kept` (the share of directions longer than 1/2), `ignored` (see
    `ignored_share`) and `overlap` (see `mean_squared_overlap`), (exponent, decay, width, seed).
    Biases start at zero. `rank` lists features, from 0; `length` and `capacity` (exponent, decay,
    width, rank) are those of the first seed. `W` and `b` are one model: exponent 1, decay -1, the
    smallest width, the first seed.
    """

    exponent: Tensor
    decay: Tensor
    width: Tensor
    loss: Tensor
    kept: Tensor
    ignored: Tensor
    overlap: Tensor
    rank: Tensor
    length: Tensor
    capacity: Tensor
    W: Tensor
    b: Tensor


def train_widths(
    *, n_features: int, n_steps: int, batch_size: int, learning_rate: float,
    widths=WIDTHS, exponents=EXPONENTS, decays=DECAYS, seed: int = 0,
    device: str | torch.device = "cpu", progress: bool = True,
) -> dict[str, Tensor]:  # fmt: skip
    """Return what one seed reaches at every setting and width, by name as in `Widths`."""
    rows = torch.stack([1 - frequencies(n_features, a) for a in exponents]).float()
    grid = side_by_side(sparsity=rows, decay=list(decays), n_seeds=1)
    features = IndependentFeatures(n_features, grid["sparsity"].to(device))
    rank = torch.logspace(0, math.log10(n_features), 40).round().int().unique() - 1
    columns, one = {}, {}
    for m in widths:
        model = start(ReLUModel(n_features, m, grid.n_instances), seed=1000 * seed + m)
        train_with_decay(
            model, features, grid["decay"][:, 0], n_steps=n_steps, batch_size=batch_size,
            learning_rate=learning_rate, seed=1000 * seed + m, device=device, progress=progress,
        )  # fmt: skip
        W = model.W.detach()
        length = W.norm(dim=1)
        measured = dict(
            loss=relative_loss(model, features, n_points=65_536, device=device),
            kept=(length > 0.5).float().mean(1),
            ignored=ignored_share(W, 1 - grid["sparsity"]),
            overlap=mean_squared_overlap(W),
            length=length[:, rank].half(),
            capacity=geometry.feature_dimensionality(W)[:, rank].half(),
        )
        for name, values in measured.items():
            columns.setdefault(name, []).append(grid.unflatten(values)[:, :, 0])
        if m == widths[0]:
            k = list(exponents).index(1.0), list(decays).index(-1.0), 0
            one = dict(W=grid.unflatten(W)[k].half(), b=grid.unflatten(model.b)[k].half())
    stacked = {name: torch.stack(parts, 2) for name, parts in columns.items()}
    axes = dict(exponent=exponents, decay=decays, width=widths)
    named = {name: torch.tensor(values) for name, values in axes.items()}
    return named | {"rank": rank} | stacked | one


def store(seeds: list[dict[str, Tensor]], path: Path) -> None:
    """Write the seeds' results to one file; what is of one seed only is that of the first."""
    each = ("loss", "kept", "ignored", "overlap")
    together = {name: torch.stack([one[name] for one in seeds], -1) for name in each}
    np.savez_compressed(path, **(seeds[0] | together))


def stored() -> Widths:
    """Return the stored models of the published size."""
    with np.load(_PATH) as file:
        return Widths(**{name: torch.from_numpy(file[name]).float() for name in file})


def train_biased(
    *, n_features: int, n_steps: int, batch_size: int, learning_rate: float,
    widths=(29, 87), exponent: float = 0.5, progress: bool = True,
) -> dict[str, Tensor]:  # fmt: skip
    """Return `width`, `loss` and `silent` (width,) of models whose biases start as published.

    That is, normal with the standard deviation 1/2, at a decay of -1; one seed.
    """
    p = frequencies(n_features, exponent).float()[None]
    features = IndependentFeatures(n_features, 1 - p)
    losses, silent = [], []
    for m in widths:
        model = start(ReLUModel(n_features, m), torch.tensor([0.5]), seed=m)
        train_with_decay(
            model, features, torch.tensor([-1.0]), n_steps=n_steps, batch_size=batch_size,
            learning_rate=learning_rate, progress=progress,
        )  # fmt: skip
        losses.append(relative_loss(model, features, n_points=32_768))
        silent.append(silent_share(model.W.detach(), model.b.detach(), p))
    return dict(width=torch.tensor(widths), loss=torch.cat(losses), silent=torch.cat(silent))


def stored_biased() -> dict[str, Tensor]:
    """Return what `train_biased` found at the published size."""
    with np.load(_PATH_BIASED) as file:
        return {name: torch.from_numpy(file[name]) for name in file}


_PATH = Path(__file__).with_name("scaling.npz")
_PATH_BIASED = Path(__file__).with_name("scaling_biased.npz")

if __name__ == "__main__":
    if sys.argv[1:] == ["biased"]:
        np.savez_compressed(_PATH_BIASED, **train_biased(**PAPER))
        sys.exit()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    results = []
    for seed in range(N_SEEDS):
        results.append(train_widths(**PAPER, seed=seed, device=device))
        store(results, Path(sys.argv[1]) if len(sys.argv) > 1 else _PATH)  # what there is so far
        print(f"seed {seed} of {N_SEEDS} done", flush=True)
