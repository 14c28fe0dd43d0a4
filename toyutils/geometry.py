"""Geometry of a weight matrix: how long the feature directions are and how they interfere.

Every function takes W of shape (..., hidden, feature), so one model or a batch of them, and
knows nothing of models or data. Column `W[..., :, i]` is feature i's direction.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

_POLYGONS = {3: "triangle", 4: "square", 5: "pentagon", 6: "hexagon", 7: "heptagon", 8: "octagon"}


def gram(W: Tensor) -> Tensor:
    """Return WᵀW, shape (..., feature, feature): entry (i, j) is W_i · W_j."""
    _check_matrix(W)
    return W.mT @ W


def feature_norms(W: Tensor) -> Tensor:
    """Return the length of each feature's direction, shape (..., feature)."""
    _check_matrix(W)
    return W.norm(dim=-2)


def represented(W: Tensor, threshold: float = 0.5) -> Tensor:
    """Return which features have a direction longer than `threshold`, bool (..., feature).

    Lengths come out near 0 or near 1 and above; 1/2 tells them apart.
    """
    return feature_norms(W) > threshold


def interference(W: Tensor) -> Tensor:
    """Return how much the other features use feature i's direction, shape (..., feature).

    Σ_{j≠i} (Ŵ_i · W_j)², with Ŵ_i of length one. 0: the feature has its direction to
    itself; 1: another feature of unit length lies along it. A feature with W_i = 0 has no
    direction and gets 0.

    Source: Toy Models of Superposition, "Demonstrating Superposition".
    """
    overlap = _unit_overlaps(W)
    own = torch.eye(W.shape[-1], dtype=torch.bool, device=W.device)
    # Left out, not subtracted: beside a long W_i the others' share would drown in rounding.
    return overlap.masked_fill(own, 0).square().sum(-1)


def feature_dimensionality(W: Tensor) -> Tensor:
    """Return the share of a dimension that each feature has, shape (..., feature), in [0, 1].

    D_i = |W_i|² / Σ_j (Ŵ_i · W_j)². 1: a dimension of its own; 1/2: shares one with an
    antipode; 0: not represented (W_i = 0).

    Source: Toy Models of Superposition, "The Geometry of Superposition".
    """
    total = _unit_overlaps(W).square().sum(-1)
    squared_norm = feature_norms(W).square()
    return torch.where(total > 0, squared_norm / total.where(total > 0, 1), 0)


def dimensions_per_feature(W: Tensor) -> Tensor:
    """Return D* = m / ‖W‖²_F, the hidden dimensions per represented feature, shape (...).

    Infinite where W = 0.

    Source: Toy Models of Superposition, "The Geometry of Superposition".
    """
    _check_matrix(W)
    return W.shape[-2] / W.square().sum((-2, -1))


@dataclass(frozen=True)
class Shape:
    """Describe an arrangement in the plane; printed, it reads "pentagon, 1 dropped".

    `name`: of the distinct directions. `n_directions`: how many there are. `dropped`: the
    features without a direction. `shared`: groups of features that have one between them.
    """

    name: str
    n_directions: int
    dropped: tuple[int, ...]
    shared: tuple[tuple[int, ...], ...]

    def __str__(self) -> str:
        """Return name, number of shared directions and number of dropped features."""
        parts = [self.name]
        if self.shared:
            parts.append(f"{len(self.shared)} shared")
        if self.dropped:
            parts.append(f"{len(self.dropped)} dropped")
        return ", ".join(parts)


def name_shape(
    W: Tensor,
    *,
    threshold: float = 0.5,
    angle_tolerance: float = 10.0,
    length_tolerance: float = 0.15,
) -> Shape:
    """Name the arrangement of feature directions in the plane, W of shape (2, feature).

    Features no longer than `threshold` are dropped. Directions within `angle_tolerance`
    degrees are one, shared. The name is then read off the gaps between neighbours, each to
    within `angle_tolerance`, and the lengths, equal to within `length_tolerance` of their mean:

    - "orthogonal pair", "antipodal pair": two directions 90° or 180° apart;
    - "antipodal pair and one across": gaps 90°, 90°, 180°;
    - "triangle", "square", "pentagon", … "octagon": equal gaps and equal lengths;
    - "two antipodal pairs": two pairs 180° apart that form no square;
    - "nothing", "one direction", "k directions": none of these.

    Raises ValueError when W has not exactly two rows, or holds NaN.
    """
    _check_matrix(W)
    if W.ndim != 2 or W.shape[0] != 2:
        raise ValueError(
            f"W has shape {tuple(W.shape)}; shapes are named in the plane: (2, feature)"
        )
    W = W.detach().cpu()
    kept = represented(W, threshold).nonzero()[:, 0].tolist()
    dropped = tuple(i for i in range(W.shape[1]) if i not in kept)
    groups = _directions(W, kept, angle_tolerance)
    shared = tuple(tuple(sorted(group)) for group in groups if len(group) > 1)
    means = torch.stack([W[:, group].mean(1) for group in groups]) if groups else W.T[:0]
    angles = torch.rad2deg(torch.atan2(means[:, 1], means[:, 0])) % 360
    angles = angles.sort().values.tolist()
    gaps = [(b - a) % 360 for a, b in zip(angles, angles[1:] + angles[:1], strict=True)]
    lengths = means.norm(dim=1)
    equal = len(groups) < 3 or ((lengths / lengths.mean() - 1).abs() <= length_tolerance).all()
    return Shape(_name_gaps(gaps, bool(equal), angle_tolerance), len(groups), dropped, shared)


def _directions(W: Tensor, features: list[int], tolerance: float) -> list[list[int]]:
    """Group features whose directions lie within `tolerance` degrees of a group's first."""
    groups: list[list[int]] = []
    for i in features:
        for group in groups:
            cosine = torch.cosine_similarity(W[:, i], W[:, group[0]], dim=0)
            if cosine > math.cos(math.radians(tolerance)):
                group.append(i)
                break
        else:
            groups.append([i])
    return groups


def _name_gaps(gaps: list[float], equal_lengths: bool, tolerance: float) -> str:
    def near(*wanted: float) -> bool:
        return len(gaps) == len(wanted) and all(
            abs(gap - want) <= tolerance for gap, want in zip(sorted(gaps), wanted, strict=True)
        )

    k = len(gaps)
    if k < 2:
        return ("nothing", "one direction")[k]
    if near(180, 180):
        return "antipodal pair"
    if near(90, 270):
        return "orthogonal pair"
    if near(90, 90, 180):
        return "antipodal pair and one across"
    if k in _POLYGONS and equal_lengths and near(*[360 / k] * k):
        return _POLYGONS[k]
    opposite = k == 4 and all(abs(gaps[i] + gaps[i + 1] - 180) <= tolerance for i in (0, 1))
    return "two antipodal pairs" if opposite else f"{k} directions"


def _unit_overlaps(W: Tensor) -> Tensor:
    """Return Ŵ_i · W_j at (i, j); a row of zeros where W_i = 0."""
    norms = feature_norms(W)[..., None]
    return torch.where(norms > 0, gram(W) / norms.where(norms > 0, 1), 0)


def _check_matrix(W: Tensor) -> None:
    if not isinstance(W, Tensor):
        raise TypeError(f"W is a {type(W).__name__}; give a torch tensor (..., hidden, feature)")
    if W.ndim < 2:
        raise ValueError(f"W has shape {tuple(W.shape)}; give (..., hidden, feature)")
    if not torch.isfinite(W).all():
        raise ValueError("W holds NaN or infinite entries; every entry must be finite")
