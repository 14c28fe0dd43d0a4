"""Synthetic features: the data that the toy models compress.

Holds the distributions and how to draw from them. Nothing here knows about a model. What
training asks of a distribution is little: `n_features`, and `batch`, points with weights such
that E f(x) = Σ weight · f(x).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from toyutils.arguments import check_choice, check_count, check_floating

EMPTY = ("weighted", "drawn", "omitted")  # what to do with points at which nothing is active


class Batch(NamedTuple):
    """Hold points and what each counts: E f(x) = Σ weight · f(x), within every instance.

    `x` (instance, point, feature); `weight` (instance, point), >= 0, sums to 1 over points.
    """

    x: Tensor
    weight: Tensor


class Distribution(Protocol):
    """What `training.train` can draw from."""

    n_features: int

    def batch(
        self, n_points: int, n_instances: int = 1, *, generator: torch.Generator | None = None
    ) -> Batch:
        """Draw about `n_points` points for every instance, on the generator's device."""


@dataclass(frozen=True, eq=False)  # two tensors have no single answer to ==
class IndependentFeatures:
    """Describe independent sparse features: zero with probability `sparsity`, else U[0, 1].

    `sparsity` is one number for all features, or a tensor that broadcasts to
    (instance, feature): shape (feature,) gives each feature its own, (instance, 1)
    gives each instance its own. With `signed`, an active feature is U[-1, 1].

    `empty` says what becomes of points at which no feature is active. At high sparsity that is
    nearly all of them, and they teach nothing but the bias. "weighted": a batch holds one such
    row with its exact probability as weight, beside the points with something active: the same
    expectation with less noise. "drawn": they come as often as they come. "omitted": they are
    left out, which is another distribution, that of x given that something is active.

    Raises ValueError or TypeError when `n_features` is not a positive whole number,
    `sparsity` is not finite, lies outside [0, 1] or does not fit `n_features`, `signed` is not
    a truth value, or `empty` is none of the three.

    Source: Toy Models of Superposition, "Demonstrating Superposition". That section's
    S is our `sparsity`; the density p = 1 - S is the chance that a feature is active.
    """

    n_features: int
    sparsity: Tensor | float
    signed: bool = False
    empty: str = "weighted"

    def __post_init__(self) -> None:
        check_count("n_features", self.n_features)
        _check_sparse(self, self.n_features, "feature")

    @property
    def density(self) -> Tensor:
        """Return p = 1 - S, the probability that a feature is active, shaped like `sparsity`."""
        return 1 - self.sparsity

    @property
    def mean(self) -> Tensor:
        """Return the mean of every feature, p / 2 or signed 0, shape (instance or 1, feature)."""
        return _rows(self.density, self.n_features) * (0.0 if self.signed else 0.5)

    def sample(
        self, n_points: int, n_instances: int = 1, *, generator: torch.Generator | None = None
    ) -> Tensor:
        """Draw points as they come, shape (instance, point, feature), on the generator's device.

        Every feature of every point draws its own zero-or-active: a mask shared by a whole
        batch would make all its points use the same features.
        """
        shape = _shape(self, self.n_features, n_points, n_instances)
        value = _uniform(shape, generator)
        active = _active(_rows(self.sparsity, self.n_features), shape, generator)
        return (_values(value, self.signed) * active).mT

    def batch(
        self, n_points: int, n_instances: int = 1, *, generator: torch.Generator | None = None
    ) -> Batch:
        """Draw `n_points` weighted points, and the empty one if it is `weighted`.

        Raises ValueError when `sparsity` is 1 for every feature: then nothing is ever active.
        """
        if self.empty == "drawn":
            return _evenly(self.sample(n_points, n_instances, generator=generator))
        shape = _shape(self, self.n_features, n_points, n_instances)
        sparsity = _rows(self.sparsity, self.n_features)
        x = _some_active(1 - sparsity, shape, generator)
        if self.signed:
            x = torch.where(x > 0, 2 * x - 1, 0)
        return _with_empty(x, sparsity.prod(-1), self.empty)


@dataclass(frozen=True, eq=False)
class _FeatureSets:
    """What the two kinds of sets share: independent sets, each active or zero as a whole."""

    set_sizes: Sequence[int]
    sparsity: Tensor | float
    signed: bool = False
    empty: str = "weighted"

    def __post_init__(self) -> None:
        sizes = self.set_sizes
        if isinstance(sizes, str) or not isinstance(sizes, Sequence) or not len(sizes):
            raise TypeError(f"set_sizes is {sizes!r}; give a size for each set, such as (2, 2)")
        for size in sizes:
            check_count("a size in set_sizes", size)
        object.__setattr__(self, "set_sizes", tuple(sizes))
        _check_sparse(self, len(sizes), "set")

    @property
    def n_features(self) -> int:
        """Return the number of features in all sets."""
        return sum(self.set_sizes)

    @property
    def density(self) -> Tensor:
        """Return p = 1 - S, the probability that a set is active, shaped like `sparsity`."""
        return 1 - self.sparsity

    def sample(
        self, n_points: int, n_instances: int = 1, *, generator: torch.Generator | None = None
    ) -> Tensor:
        """Draw points as they come, shape (instance, point, feature), on the generator's device."""
        shape = _shape(self, len(self.set_sizes), n_points, n_instances)
        active = _active(_rows(self.sparsity, len(self.set_sizes)), shape, generator) > 0
        return self._fill(active, generator).mT

    def batch(
        self, n_points: int, n_instances: int = 1, *, generator: torch.Generator | None = None
    ) -> Batch:
        """Draw `n_points` weighted points; see `IndependentFeatures.batch`."""
        if self.empty == "drawn":
            return _evenly(self.sample(n_points, n_instances, generator=generator))
        shape = _shape(self, len(self.set_sizes), n_points, n_instances)
        sparsity = _rows(self.sparsity, len(self.set_sizes))
        active = _some_active(1 - sparsity, shape, generator) > 0
        return _with_empty(self._fill(active, generator), sparsity.prod(-1), self.empty)

    def _mean(self, member_density: Tensor) -> Tensor:
        return _members(member_density, self.set_sizes) * (0.0 if self.signed else 0.5)


class CorrelatedFeatures(_FeatureSets):
    """Describe sets of features that are active together, or zero together.

    `set_sizes` (2, 3) makes five features, the first two in one set. With probability
    `sparsity` all members of a set are zero; else all are U[0, 1] (`signed`: U[-1, 1]) and
    independent of each other. Sets are independent. `sparsity` is one number, or broadcasts to
    (instance, set). `empty` as in `IndependentFeatures`; the same errors, and ValueError or
    TypeError when `set_sizes` holds something else than positive whole numbers.

    Source: Toy Models of Superposition, "Organization of Correlated and Anticorrelated
    Features".
    """

    @property
    def mean(self) -> Tensor:
        """Return the mean of every feature, p / 2 or signed 0, shape (instance or 1, feature)."""
        return self._mean(_rows(self.density, len(self.set_sizes)))

    def _fill(self, active: Tensor, generator) -> Tensor:
        """Give values to the members of active sets: (instance, set to feature, point)."""
        active = _members(active, self.set_sizes, dim=1)
        return torch.where(active, _values(_uniform(active.shape, generator), self.signed), 0)


class AnticorrelatedFeatures(_FeatureSets):
    """Describe sets of features of which at most one member is active.

    With probability `sparsity` all members of a set are zero; else one of them, each as likely,
    is U[0, 1] (`signed`: U[-1, 1]). Everything else as in `CorrelatedFeatures`; a member's own
    density is the set's over its size.

    Source: Toy Models of Superposition, "Organization of Correlated and Anticorrelated
    Features".
    """

    @property
    def mean(self) -> Tensor:
        """Return the mean of every feature, shape (instance or 1, feature)."""
        sizes = torch.tensor(self.set_sizes)
        return self._mean(_rows(self.density, len(sizes)) / sizes)

    def _fill(self, active: Tensor, generator) -> Tensor:
        """Choose a member of every active set and give it a value: (instance, feature, point)."""
        sizes = torch.tensor(self.set_sizes, device=active.device)[:, None]
        chosen = torch.minimum((_uniform(active.shape, generator) * sizes).long(), sizes - 1)
        place = torch.cat([torch.arange(size) for size in self.set_sizes]).to(active.device)
        here = _members(chosen, self.set_sizes, dim=1) == place[:, None]
        here &= _members(active, self.set_sizes, dim=1)
        return torch.where(here, _values(_uniform(here.shape, generator), self.signed), 0)


class FixedPoints:
    """Describe data that is a list of points: every batch is all of them.

    `x` is a floating-point tensor (instance or 1, point, feature); `weight`, what each point
    counts, (instance or 1, point), >= 0, is scaled to sum to 1 over points; without it all count
    the same. One row of instances serves any number. Weights integrate without noise, such as
    over evenly spread points of each active set.

    Raises TypeError when `x` is no such tensor; ValueError when it has another number of
    dimensions, no point, or a value that is not finite, or when weights do not fit, are negative,
    not finite, or all zero. `name` is what `x` is called in errors.
    """

    def __init__(self, x: Tensor, weight: Tensor | None = None, *, name: str = "x"):
        check_floating(name, x)
        if x.ndim != 3:
            raise ValueError(
                f"{name} has shape {tuple(x.shape)}; give (instance or 1, point, feature)"
            )
        if x.shape[1] == 0:
            raise ValueError(f"{name} has no points; give at least one")
        if not torch.isfinite(x).all():
            raise ValueError(f"{name} holds NaN or infinite values; every value must be finite")
        self.x, self.name = x.detach(), name
        self.n_features = x.shape[2]
        self.weight = None if weight is None else _checked_weight(weight, self.x)
        self._batches = {}

    def batch(self, n_points: int | None = None, n_instances: int = 1, *, generator=None) -> Batch:
        """Return all points, whatever `n_points` says, on the generator's device."""
        check_count("n_instances", n_instances)
        device = generator.device if generator else self.x.device
        if (n_instances, device) not in self._batches:
            # Points lie last in memory: matrix products are then several times faster.
            x = self.x.to(device).mT.expand(n_instances, -1, -1).contiguous().mT
            batch = _evenly(x)
            if self.weight is not None:
                batch = Batch(x, self.weight.to(device).expand(n_instances, -1))
            self._batches = {(n_instances, device): batch}
        return self._batches[n_instances, device]


def _checked_weight(weight: Tensor, x: Tensor) -> Tensor:
    weight = torch.atleast_2d(torch.as_tensor(weight, dtype=x.dtype, device=x.device))
    if weight.shape not in ((1, x.shape[1]), x.shape[:2]):
        raise ValueError(
            f"weight has shape {tuple(weight.shape)}, x {tuple(x.shape)}; give "
            "(instance or 1, point), a weight for each point"
        )
    total = weight.sum(1, keepdim=True)
    if not ((weight >= 0).all() and (total > 0).all() and total.isfinite().all()):
        raise ValueError("weight holds a negative or infinite number, or nothing above 0")
    return weight / total


def _check_sparse(features, n_groups: int, group: str) -> None:
    """Check what the three sparse distributions share, and keep `sparsity` as a tensor."""
    sparsity = torch.as_tensor(features.sparsity, dtype=torch.float32)
    if sparsity.ndim > 2 or (sparsity.ndim and sparsity.shape[-1] not in (1, n_groups)):
        raise ValueError(
            f"sparsity has shape {tuple(sparsity.shape)}; give one number, or shape "
            f"({n_groups},), (instance, 1) or (instance, {n_groups}), a number for each {group}"
        )
    wrong = sparsity[~((sparsity >= 0) & (sparsity <= 1))]  # the negation also catches NaN
    if wrong.numel():
        raise ValueError(f"sparsity is {wrong[0].item():g}; it is a probability and lies in [0, 1]")
    if not isinstance(features.signed, bool):
        raise TypeError(f"signed is {features.signed!r}; give True or False")
    check_choice("empty", features.empty, EMPTY)
    object.__setattr__(features, "sparsity", sparsity)


def _rows(value: Tensor, n_groups: int) -> Tensor:
    return torch.atleast_2d(value).expand(-1, n_groups)


def _members(value: Tensor, set_sizes: Sequence[int], dim: int = -1) -> Tensor:
    """Repeat each set's value for its members, along `dim`."""
    return value.repeat_interleave(torch.tensor(set_sizes, device=value.device), dim)


def _shape(features, n_groups: int, n_points: int, n_instances: int) -> tuple[int, int, int]:
    # Points lie last in memory: the models' matrix products are then several times faster.
    check_count("n_points", n_points)
    check_count("n_instances", n_instances)
    n_rows = features.sparsity.shape[0] if features.sparsity.ndim == 2 else 1
    if n_rows not in (1, n_instances):
        raise ValueError(
            f"n_instances is {n_instances}, but sparsity describes {n_rows} instances; "
            "the two must agree"
        )
    return n_instances, n_groups, n_points


def _uniform(shape, generator) -> Tensor:
    device = generator.device if generator else None
    return torch.rand(shape, generator=generator, device=device)


def _values(uniform: Tensor, signed: bool) -> Tensor:
    return 2 * uniform - 1 if signed else uniform


def _active(sparsity: Tensor, shape, generator) -> Tensor:
    uniform = _uniform(shape, generator)
    sparsity = sparsity[:, :, None].to(uniform.device)
    return torch.ge(uniform, sparsity, out=torch.empty_like(uniform))


def _some_active(density: Tensor, shape, generator) -> Tensor:
    """Draw groups given that one is active: U[0, 1] where it is, 0 where not, (…, group, point).

    The first active group J is drawn first, P(J = j) ∝ p_j ∏_{i<j} (1 - p_i): groups before J
    are zero, J is active, those after it are independent as before.
    """
    n_instances, _, n_points = shape
    uniform = _uniform(shape, generator)
    density = density.to(uniform.device)
    cumulative = 1 - (1 - density).cumprod(-1)  # P(first active group <= j)
    if not (cumulative[:, -1] > 0).all():
        raise ValueError("sparsity is 1 for every feature; there is nothing to learn")
    start = _uniform((n_instances, 1, n_points), generator) * cumulative[:, -1, None, None]
    # Masks of 0.0 and 1.0: written as truth values, a comparison takes three times as long.
    passed = torch.ge(start, cumulative[:, :, None], out=uniform.new_empty(shape))  # 1 before J
    reached = torch.cat([torch.ones_like(passed[:, :1]), passed[:, :-1]], 1)  # 1 up to J
    # One uniform number serves twice: u < p decides "active", and then u / p is U[0, 1].
    density = density[:, :, None]
    later = torch.lt(uniform, density, out=uniform.new_empty(shape)).mul_(1 - reached)
    rescaled = uniform / density.clamp(min=torch.finfo(density.dtype).tiny)
    return rescaled.mul_(later).addcmul_(uniform, reached.sub_(passed))


def _evenly(x: Tensor) -> Batch:
    return Batch(x, x.new_full((1, 1), 1 / x.shape[1]).expand(x.shape[:2]))


def _with_empty(x: Tensor, p_empty: Tensor, empty: str) -> Batch:
    """Weigh points (instance, feature, point) that have something active, and the empty one."""
    if empty == "omitted" or not (p_empty > 0).any():
        return _evenly(x.mT)
    n_instances, n_features, n_points = x.shape
    x = torch.cat([x, x.new_zeros(n_instances, n_features, 1)], -1)
    p_empty = p_empty.to(x.device)[:, None]
    drawn = ((1 - p_empty) / n_points).expand(-1, n_points)
    return Batch(x.mT, torch.cat([drawn, p_empty], 1).expand(n_instances, -1))
