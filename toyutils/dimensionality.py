"""Models of many equally important features, as in the paper's section on dimensionality.

Two sizes: `SMALL` trains in half a minute on two cores, `PAPER` (the paper's own n and m) in five
minutes. The result of `PAPER` is stored beside this file; rebuild it with

    python -m toyutils.dimensionality
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from toyutils import geometry
from toyutils.features import IndependentFeatures
from toyutils.models import CentredReLUModel
from toyutils.sweeps import side_by_side
from toyutils.theory import feature_mean, feature_variance
from toyutils.training import FAST, train

SMALL = dict(n_features=200, n_hidden=20, n_steps=2000, learning_rate=1e-2)
PAPER = dict(n_features=400, n_hidden=30, n_steps=16_000, learning_rate=3e-3)
STORED = Path(__file__).with_name("dimensionality_paper.npz")


@dataclass(frozen=True)
class UniformModels:
    """Hold trained models, one for each density and seed.

    `density` (density,). `W` (density, seed, hidden, feature). `dimensionality` is D_i of every
    feature, (density, seed, feature), and `per_feature` is D*, (density, seed). `worth`
    (density, seed) is the loss taken away per hidden dimension, in units of one feature's
    variance, on fresh points; its standard error is about 0.005. In the stored result,
    directions of 1/2 and shorter are zero in `W`; everything else was taken before.
    """

    density: Tensor
    W: Tensor
    dimensionality: Tensor
    per_feature: Tensor
    worth: Tensor


def train_uniform(
    density, *, n_features: int, n_hidden: int, n_steps: int, learning_rate: float,
    n_seeds: int = 1, batch_size: int = 128, seed: int = 0, progress: bool = True,
) -> UniformModels:  # fmt: skip
    """Train ReLU models with importance 1 for all features, `n_seeds` at each density.

    `density` (density,) in (0, 1]. All models train side by side in one call of `train`; what
    else can be wrong, it says.

    Raises ValueError when a density is out of range.

    Source: Toy Models of Superposition, "The Geometry of Superposition".
    """
    density = torch.as_tensor(density, dtype=torch.float32)
    wrong = density[~((density > 0) & (density <= 1))]
    if density.ndim != 1 or wrong.numel():
        raise ValueError(
            f"density is {density.tolist()}; give a list of probabilities above 0, up to 1"
        )
    grid = side_by_side(sparsity=1 - density, n_seeds=n_seeds)
    features = IndependentFeatures(n_features, grid["sparsity"])
    model = CentredReLUModel(n_features, n_hidden, grid.n_instances, mean=features.mean, seed=seed)
    recipe = FAST | dict(learning_rate=learning_rate, n_steps=n_steps, batch_size=batch_size)
    train(model, features, seed=seed, progress=progress, **recipe)
    W = grid.unflatten(model.W)
    worth = worth_per_dimension(model.W, model.b, grid["sparsity"][:, 0], seed)
    return UniformModels(
        density=density,
        W=W,
        dimensionality=geometry.feature_dimensionality(W),
        per_feature=geometry.dimensions_per_feature(W),
        worth=grid.unflatten(worth),
    )


def stored() -> UniformModels:
    """Return the stored models of `PAPER` size, one seed at each of 30 densities."""
    with np.load(STORED) as file:
        return UniformModels(**{name: torch.from_numpy(file[name]).float() for name in file})


def store(models: UniformModels) -> None:
    """Write `models` to the file that `stored` reads, all but the densities in half precision."""
    kept = geometry.represented(models.W)[:, :, None]
    tensors = {**vars(models), "W": models.W * kept}
    small = {name: value.half() for name, value in tensors.items() if name != "density"}
    np.savez_compressed(STORED, density=models.density, **small)


@torch.no_grad()
def worth_per_dimension(
    W: Tensor, b: Tensor, sparsity: Tensor, seed: int = 0, n_points: int = 20_000
) -> Tensor:
    """Return what each ReLU model takes off the loss per hidden dimension, (instance,).

    `W` (instance, hidden, feature), `b` (instance, feature), `sparsity` (instance,). The unit is
    the variance of one feature, the loss of answering its mean; estimated from `n_points`
    points of seed + 1.
    """
    generator = torch.Generator().manual_seed(seed + 1)
    worth = []
    for W_k, b_k, S in zip(W, b, sparsity, strict=True):
        n_hidden, n_features = W_k.shape
        x = IndependentFeatures(n_features, S).sample(n_points, generator=generator)[0]
        # On the same points, answering the mean and the model err together: less noise.
        saved = (x - feature_mean(S)).square() - (x - (x @ W_k.T @ W_k + b_k).relu()).square()
        worth.append(saved.sum(1).mean() / (n_hidden * feature_variance(S)))
    return torch.stack(worth)


if __name__ == "__main__":
    store(train_uniform(1 / torch.logspace(0, 1, 30), **PAPER))
    print(f"wrote {STORED}")
