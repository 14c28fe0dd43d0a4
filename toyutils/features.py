"""Synthetic features: the data that the toy models compress.

Holds the distributions and how to sample them. Nothing here knows about a model.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)  # two tensors have no single answer to ==
class IndependentFeatures:
    """Describe independent sparse features: zero with probability `sparsity`, else U[0, 1].

    `sparsity` is one number for all features, or a tensor that broadcasts to
    (instance, feature): shape (feature,) gives each feature its own, (instance, 1)
    gives each instance its own. Values lie in [0, 1].

    Raises ValueError or TypeError when `n_features` is not a positive whole number, or
    `sparsity` is not finite, lies outside [0, 1] or does not fit `n_features`.

    Source: Toy Models of Superposition, "Demonstrating Superposition". That section's
    S is our `sparsity`; the density p = 1 - S is the chance that a feature is active.
    """

    n_features: int
    sparsity: Tensor | float

    def __post_init__(self) -> None:
        if isinstance(self.n_features, bool) or not isinstance(self.n_features, int):
            raise TypeError(f"n_features is {self.n_features!r}; give a positive whole number")
        if self.n_features < 1:
            raise ValueError(f"n_features is {self.n_features}; give a positive whole number")
        sparsity = torch.as_tensor(self.sparsity, dtype=torch.float32)
        if sparsity.ndim > 2 or (sparsity.ndim and sparsity.shape[-1] not in (1, self.n_features)):
            raise ValueError(
                f"sparsity has shape {tuple(sparsity.shape)}; give one number, or shape "
                f"({self.n_features},), (instance, 1) or (instance, {self.n_features})"
            )
        wrong = sparsity[~((sparsity >= 0) & (sparsity <= 1))]  # the negation also catches NaN
        if wrong.numel():
            raise ValueError(
                f"sparsity is {wrong[0].item():g}; it is a probability and lies in [0, 1]"
            )
        object.__setattr__(self, "sparsity", sparsity)

    @property
    def density(self) -> Tensor:
        """Return p = 1 - S, the probability that a feature is active."""
        return 1 - self.sparsity

    @property
    def mean(self) -> Tensor:
        """Return the mean p / 2 of every feature, shape (instance or 1, feature)."""
        return self._per_instance(self.density) / 2

    @property
    def probability_all_zero(self) -> Tensor:
        """Return the probability that every feature is zero, shape (instance or 1,)."""
        return self._per_instance(self.sparsity).prod(-1)

    def sample(
        self, n_points: int, n_instances: int = 1, *, generator: torch.Generator | None = None
    ) -> Tensor:
        """Draw points, shape (instance, point, feature), on the generator's device.

        Every feature of every point draws its own zero-or-active: a mask shared by a whole
        batch would make all its points use the same features.
        """
        shape = self._shape(n_points, n_instances)
        options = {"generator": generator, "device": generator.device if generator else None}
        value = torch.rand(shape, **options)
        sparsity = self._per_instance(self.sparsity)[:, :, None].to(value.device)
        active = torch.rand(shape, **options) >= sparsity
        return (value * active).mT

    def sample_active(
        self, n_points: int, n_instances: int = 1, *, generator: torch.Generator | None = None
    ) -> Tensor:
        """Draw points given that not all features are zero, shape (instance, point, feature).

        At high sparsity nearly every point is all zeros and teaches nothing but the bias. The
        first active feature J is drawn first, P(J = j) ∝ p_j ∏_{i<j} (1 - p_i): features
        before J are zero, J is active, those after J are independent as before.

        Raises ValueError when `sparsity` is 1 for every feature: then nothing is ever active.
        """
        n_instances, n_features, n_points = self._shape(n_points, n_instances)
        options = {"generator": generator, "device": generator.device if generator else None}
        uniform = torch.rand(n_instances, n_features, n_points, **options)
        density = self._per_instance(self.density).to(uniform.device)
        cumulative = 1 - (1 - density).cumprod(-1)  # P(first active feature <= j)
        if not (cumulative[:, -1] > 0).all():
            raise ValueError("sparsity is 1 for every feature; no point can have an active one")
        start = torch.rand(n_instances, 1, n_points, **options) * cumulative[:, -1, None, None]
        passed = (start >= cumulative[:, :, None]).expand(uniform.shape)  # true before J
        first = ~passed & torch.cat([torch.ones_like(passed[:, :1]), passed[:, :-1]], 1)
        # One uniform number serves twice: u < p decides "active", and then u / p is U[0, 1].
        density = density[:, :, None]
        later = (uniform < density) & ~passed
        rescaled = uniform / density.clamp(min=torch.finfo(density.dtype).tiny)
        return torch.where(first, uniform, torch.where(later, rescaled, 0)).mT

    def _per_instance(self, value: Tensor) -> Tensor:
        return torch.atleast_2d(value).expand(-1, self.n_features)

    def _shape(self, n_points: int, n_instances: int) -> tuple[int, int, int]:
        # Points lie last in memory: the models' matrix products are then several times faster.
        for name, value in (("n_points", n_points), ("n_instances", n_instances)):
            if isinstance(value, bool) or not isinstance(value, int):
                raise TypeError(f"{name} is {value!r}; give a positive whole number")
            if value < 1:
                raise ValueError(f"{name} is {value}; give a positive whole number")
        rows = self.sparsity.shape[0] if self.sparsity.ndim == 2 else 1
        if rows not in (1, n_instances):
            raise ValueError(
                f"n_instances is {n_instances}, but sparsity describes {rows} instances; "
                "the two must agree"
            )
        return n_instances, self.n_features, n_points
