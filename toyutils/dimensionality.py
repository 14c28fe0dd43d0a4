"""Models of many equally important features, as in the paper's section on dimensionality.

`SMALL` trains in half a minute on two cores. What takes minutes is stored beside this file:
`PAPER` (the paper's own n and m), and two other recipes of the small size, `PUBLISHED` and
`LONG`. Each is rebuilt with one command:

    python -m toyutils.dimensionality paper
    python -m toyutils.dimensionality published
    python -m toyutils.dimensionality long
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from toyutils import geometry
from toyutils.features import IndependentFeatures
from toyutils.models import CentredReLUModel, ReLUModel
from toyutils.sweeps import side_by_side
from toyutils.theory import expected_loss, worth_of_a_dimension
from toyutils.training import FAST, train

SMALL = dict(n_features=200, n_hidden=20, n_steps=2000, learning_rate=1e-2)
PAPER = dict(n_features=400, n_hidden=30, n_steps=16_000, learning_rate=3e-3)
#: Constant rate, W and b as they are: what published notebooks do.
PUBLISHED = dict(
    n_features=200, n_hidden=20, n_steps=8000, learning_rate=1e-3, batch_size=512,
    schedule="constant", centred=False,
)  # fmt: skip
#: Sixteen times as many steps as `SMALL`.
LONG = dict(n_features=200, n_hidden=20, n_steps=32_000, learning_rate=3e-3)

_GRID = torch.logspace(0, 1, 30)
_RUNS = {  # 1/p, seeds, recipe
    "paper": (_GRID, 1, PAPER),
    "published": (_GRID[[5, 6, 7, 10, 19, 22]], 2, PUBLISHED),
    "long": (_GRID[[7, 10, 19, 22]], 1, LONG),
}
_GRAIN = 1024  # weights are stored as multiples of 1 / _GRAIN


@dataclass(frozen=True)
class UniformModels:
    """Hold trained models, one for each density and seed.

    `density` (density,). `W` (density, seed, hidden, feature). `b` (density, seed, feature).
    `worth` (density, seed), see `worth_per_dimension`, is known for stored models only.
    """

    density: Tensor
    W: Tensor
    b: Tensor
    worth: Tensor | None = None

    @property
    def dimensionality(self) -> Tensor:
        """Return D_i of every feature, (density, seed, feature)."""
        return geometry.feature_dimensionality(self.W)

    @property
    def per_feature(self) -> Tensor:
        """Return D*, the dimensions per feature, (density, seed)."""
        return geometry.dimensions_per_feature(self.W)


def train_uniform(
    density, *, n_features: int, n_hidden: int, n_steps: int, learning_rate: float,
    n_seeds: int = 1, batch_size: int = 128, schedule: str = "cosine", centred: bool = True,
    seed: int = 0, progress: bool = True,
) -> UniformModels:  # fmt: skip
    """Train ReLU models with importance 1 for all features, `n_seeds` at each density.

    `density` (density,) in (0, 1]. All models train side by side in one call of `train`; what
    else can be wrong, it says. `centred` trains `CentredReLUModel`: the same models by a path
    on which dense data do no harm.

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
    size = n_features, n_hidden, grid.n_instances
    centre = dict(mean=features.mean) if centred else {}
    model = (CentredReLUModel if centred else ReLUModel)(*size, **centre, seed=seed)
    recipe = FAST | dict(learning_rate=learning_rate, schedule=schedule)
    train(model, features, n_steps=n_steps, batch_size=batch_size, seed=seed, progress=progress,
          **recipe)  # fmt: skip
    return UniformModels(density, grid.unflatten(model.W), grid.unflatten(model.b))


def worth_per_dimension(
    W: Tensor, b: Tensor, density: float | Tensor, *, tolerance: float = 1e-6
) -> Tensor:
    """Return what a hidden dimension is worth in ReLU models by exact loss, float64 (...).

    `W` (..., hidden, feature), `b` (..., feature), `density` one number or (...). In features,
    see `theory.worth_of_a_dimension`; `tolerance` as in `theory.expected_loss`. A model of 400
    features in 30 dimensions takes a second.
    """
    density = torch.as_tensor(density, dtype=torch.float64)
    n_hidden, n_features = W.shape[-2:]
    loss = expected_loss(W, b, (1 - density)[..., None], tolerance=tolerance)
    return worth_of_a_dimension(loss, density, n_features, n_hidden)


def share_on_line(D: Tensor, kept: Tensor, value: float, width: float = 0.012) -> Tensor:
    """Return the share of the features `kept` (feature,) whose D lies within `width` of `value`.

    Source: notebook 10, exercise 10.2.
    """
    near = (D - value).abs() <= width
    return (near & kept).sum() / kept.sum()


def stored(name: str = "paper") -> UniformModels:
    """Return stored models.

    - "paper": `PAPER`, one seed at each of 30 densities;
    - "published": `PUBLISHED`, two seeds at each of six densities;
    - "long": `LONG`, one seed at each of four densities.

    Raises ValueError when `name` is none of these.
    """
    if name not in _RUNS:
        raise ValueError(f"name is {name!r}; give one of {', '.join(_RUNS)}")
    with np.load(_path(name)) as file:
        return UniformModels(**{key: torch.from_numpy(file[key]).float() for key in file})


def store(models: UniformModels, path: Path) -> None:
    """Write `models` to a file, W and b rounded to 1/1024, with the exact worth of what is written.

    Rounding costs less than a thousandth of the worth.
    """
    W, b = ((a * _GRAIN).round() / _GRAIN for a in (models.W, models.b))
    worth = [
        [worth_per_dimension(*model, p) for model in zip(*seeds, strict=True)]
        for *seeds, p in zip(W, b, models.density, strict=True)
    ]
    np.savez_compressed(
        path, density=models.density, W=W.half(), b=b.half(), worth=torch.tensor(worth).float()
    )


def _path(name: str) -> Path:
    return Path(__file__).with_name(f"dimensionality_{name}.npz")


if __name__ == "__main__":
    for name in sys.argv[1:] or _RUNS:
        one_over_p, n_seeds, recipe = _RUNS[name]
        store(train_uniform(1 / one_over_p, n_seeds=n_seeds, **recipe), _path(name))
        print(f"wrote {_path(name)}")
