"""Geometry of a weight matrix: how long the feature directions are and how they interfere.

Every function takes W of shape (..., hidden, feature), so one model or a batch of them, and
knows nothing of models or data. Column `W[..., :, i]` is feature i's direction.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor


def _ring(k: int, length: float = 1.0, turn: float = 0.0, height: float = 0.0) -> Tensor:
    """Return k directions evenly round a circle, shape (3, k)."""
    angle = 2 * math.pi * (torch.arange(k) + turn) / k
    return torch.stack([length * angle.cos(), length * angle.sin(), torch.full((k,), height)])


_POLES = torch.tensor([[0.0, 0.0], [0.0, 0.0], [1.0, -1.0]])
_TETRAHEDRON = torch.tensor([[1.0, 1, -1, -1], [1, -1, 1, -1], [1, -1, -1, 1]]) / 3**0.5
# The two squares of the antiprism lie at ±√0.3: within 0.02 of where the exact loss of eight
# features in three dimensions is least, at densities from 0.11 to 0.18.
_SQUARES = [_ring(4, 0.7**0.5, turn, sign * 0.3**0.5) for turn, sign in ((0, 1), (0.5, -1))]

#: Arrangements in three dimensions or fewer, by name: directions of length one, (3, feature).
SHAPES = {
    "antipodal pair": _POLES,
    "triangle": _ring(3),
    "tetrahedron": _TETRAHEDRON,
    "pentagon": _ring(5),
    "triangular bipyramid": torch.cat([_ring(3), _POLES], 1),
    "octahedron": torch.cat([_ring(4), _POLES], 1),
    "pentagonal bipyramid": torch.cat([_ring(5), _POLES], 1),
    "square antiprism": torch.cat(_SQUARES, 1),
}

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


def is_antipodal(W: Tensor, tolerance: float = 0.2) -> Tensor:
    """Return which models of two features in one dimension are antipodal pairs, bool (...).

    W has shape (..., 1, 2): both lengths lie within `tolerance` of 1, and the signs differ.

    Raises ValueError when W has other sizes, or holds NaN.

    Source: notebook 03.
    """
    _check_matrix(W)
    if W.shape[-2:] != (1, 2):
        raise ValueError(f"W has shape {tuple(W.shape)}; give (..., 1, 2)")
    near_one = ((W[..., 0, :].abs() - 1).abs() <= tolerance).all(-1)
    return near_one & (W[..., 0, :].prod(-1) < 0)


def polygon(k: int, radius: float = 1.0) -> Tensor:
    """Return the corners of a regular k-gon as columns, (2, k), in order round the circle.

    Raises ValueError when k < 1.
    """
    if k < 1:
        raise ValueError(f"k is {k}; a polygon has at least one corner")
    return _ring(k, radius)[:2]


def gaps(W: Tensor) -> Tensor:
    """Return the gaps between neighbouring columns of W (2, feature), in degrees, sorted.

    There are as many gaps as columns, and they add up to 360.

    Raises ValueError when W is not (2, feature), or holds NaN.

    Source: notebook 05.
    """
    _check_matrix(W)
    if W.ndim != 2 or W.shape[0] != 2:
        raise ValueError(f"W has shape {tuple(W.shape)}; gaps need (2, feature)")
    angle = torch.rad2deg(torch.atan2(W[1], W[0])).sort().values
    return torch.cat([angle.diff(), 360 - angle[-1:] + angle[:1]]).sort().values


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


def most_opposite(W: Tensor) -> Tensor:
    """Return for each feature the one whose direction is most opposite, whole (..., feature).

    That is the j with the most negative cosine between W_i and W_j. A feature with W_i = 0 has
    no direction, and cosine 0 with every other.

    Source: notebook 08.
    """
    return gram(torch.nn.functional.normalize(W, dim=-2)).argmin(-1)


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


def dominant_feature(W: Tensor, share: float = 0.9) -> Tensor:
    """Return the feature that has at least `share` of ‖W‖²_F, else -1; whole numbers (...).

    A model that keeps one feature and drops the others has one; a mixture has none, nor has
    W = 0.

    Raises ValueError when `share` does not lie above 1/2: then two features could have it.
    """
    if not 0.5 < share <= 1:
        raise ValueError(f"share is {share}; only a share above 1/2, up to 1, is one feature's")
    squared = feature_norms(W).square()
    most, feature = squared.max(-1)
    return torch.where((most >= share * squared.sum(-1)) & (most > 0), feature, -1)


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


@dataclass(frozen=True)
class Component:
    """Describe a connected part of a Gram graph: its `name`, and which `features` it holds."""

    name: str
    features: tuple[int, ...]


def gram_components(
    W: Tensor, *, threshold: float = 0.5, edge: float = 0.25, tolerance: float = 0.15
) -> list[Component]:
    """Return the connected components of the Gram graph, largest first, each with its name.

    W has shape (hidden, feature). The graph's nodes are the features longer than `threshold`;
    two are joined where the cosine of the angle between them is above `edge` or below -`edge`.

    A component gets the name of that shape in `SHAPES` whose cosines between all pairs, sorted,
    agree with its own to within `tolerance` each. A feature without an edge is "alone"; what
    resembles none is "other". Factors at right angles to each other, as in an octahedron of
    three antipodal pairs, have no edge between them and count as separate components.

    Raises ValueError when W is not one matrix, or holds NaN.

    Source: Toy Models of Superposition, "The Geometry of Superposition": its feature geometry
    graphs, with the cosine in place of |W_i · W_j|, so that lengths do not matter.
    """
    _check_matrix(W)
    if W.ndim != 2:
        raise ValueError(f"W has shape {tuple(W.shape)}; give one matrix, (hidden, feature)")
    W = W.detach().cpu()
    kept = represented(W, threshold).nonzero()[:, 0]
    unit = W[:, kept] / feature_norms(W)[kept]
    cosine = gram(unit)
    joined = cosine.abs() > edge
    components, visited = [], set()
    for first in range(len(kept)):
        if first in visited:
            continue
        members = connected(joined, first).nonzero()[:, 0].tolist()
        visited.update(members)
        name = _name_solid(cosine[members][:, members], tolerance)
        components.append(Component(name, tuple(sorted(kept[members].tolist()))))
    return sorted(components, key=lambda part: -len(part.features))


def connected(joined: Tensor, start: int) -> Tensor:
    """Return which nodes of a graph can be reached from `start`, itself included, bool (node,).

    `joined` (node, node) is true where two nodes share an edge.

    Source: notebook 10, exercise 10.3.
    """
    reached = torch.zeros(len(joined), dtype=torch.bool, device=joined.device)
    reached[start] = True
    before = torch.zeros_like(reached)
    while not torch.equal(before, reached):
        before, reached = reached, reached | joined[reached].any(0)
    return reached


def _name_solid(cosine: Tensor, tolerance: float) -> str:
    if len(cosine) == 1:
        return "alone"
    cosines = _sorted_cosines(cosine)
    errors = {
        name: (cosines - _sorted_cosines(gram(ideal)).to(cosines)).abs().max().item()
        for name, ideal in SHAPES.items()
        if ideal.shape[1] == len(cosine)
    }
    best = min(errors, key=errors.get, default="other")
    return best if errors.get(best, math.inf) <= tolerance else "other"


def _sorted_cosines(cosine: Tensor) -> Tensor:
    n = len(cosine)
    return cosine[torch.ones(n, n, dtype=torch.bool).triu(1)].sort().values


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
    def near(*ideal: float) -> bool:
        return len(gaps) == len(ideal) and all(
            abs(gap - angle) <= tolerance for gap, angle in zip(sorted(gaps), ideal, strict=True)
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
