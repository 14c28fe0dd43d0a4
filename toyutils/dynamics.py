"""What happens in the course of training: stages, sudden changes, and whether two coincide.

Models train side by side, so whether an event of one model meets another event of the same model
by more than chance is judged against the *other* models at the same moments: they share the
trend of training, and nothing else. Nothing here trains.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from toyutils import geometry


def set_angles(W: Tensor, one: list[int], other: list[int]) -> Tensor:
    """Return the angle between the mean directions of two sets of features, in degrees, (...).

    W has shape (..., hidden, feature).
    """
    directions = W[..., one].mean(-1), W[..., other].mean(-1)
    return torch.cosine_similarity(*directions, dim=-1).clamp(-1, 1).arccos().rad2deg()


@dataclass(frozen=True)
class Stages:
    """Say where models of two sets of three features are, each tensor (...): truth values.

    `collapsed`: each set has one direction, longer than 0.4 in every member. `triangles`: within
    each set all cosines are below 0.25. `octahedron`: triangles, and `n_pairs` is 3. `n_pairs`:
    features of the first set with an antipode in the second (a cosine below -0.95), counted once
    a set has begun to open (a cosine below 0.5 within it).
    """

    collapsed: Tensor
    triangles: Tensor
    octahedron: Tensor
    n_pairs: Tensor


def stages(W: Tensor) -> Stages:
    """Return the `Stages` of models with the sets (0, 1, 2) and (3, 4, 5); W (..., hidden, 6).

    Raises ValueError when there are not six features.

    Source: Toy Models of Superposition, "Learning as Geometric Transformations"; notebook 12.
    """
    length = geometry.feature_norms(W)
    if W.shape[-1] != 6:
        raise ValueError(f"W has shape {tuple(W.shape)}; give (..., hidden, 6), two sets of three")
    cosine = geometry.gram(W / length[..., None, :].clamp(min=1e-9))
    i, j = torch.tensor([[0, 0, 1, 3, 3, 4], [1, 2, 2, 4, 5, 5]])
    within = cosine[..., i, j]
    n_pairs = (cosine[..., :3, 3:] < -0.95).any(-1).sum(-1)
    triangles = within.abs().amax(-1) < 0.25
    return Stages(
        collapsed=(within.amin(-1) > 0.95) & (length.amin(-1) > 0.4),
        triangles=triangles,
        octahedron=triangles & (n_pairs == 3),
        n_pairs=torch.where(within.amin(-1) < 0.5, n_pairs, 0),
    )


def path(passed: Stages, seed: int) -> str:
    """Name the path of one model to its octahedron, from its stages (record, seed).

    "straight": all pairs are there when both triangles are first open. "pairs first": there has
    been a pair by then. "triangles first": there has been none. "not opened": neither.
    """
    triangles = passed.triangles[:, seed]
    if not triangles.any():
        return "not opened"
    k = int(triangles.float().argmax())
    if passed.octahedron[k, seed]:
        return "straight"
    return "pairs first" if passed.n_pairs[: k + 1, seed].any() else "triangles first"


def smooth(values: Tensor, n_records: int = 5) -> Tensor:
    """Return the mean of every `n_records` records in a row, (record - n_records + 1, ...)."""
    return values.unfold(0, n_records, 1).mean(-1)


def largest_change(values: Tensor, lag: int) -> Tensor:
    """Return max_i |v_i(t + lag) - v_i(t)|, shape (record - lag, ...), of v (record, ..., feature).

    Raises ValueError when `lag` is not between 1 and the number of records less one.
    """
    _check_lag(values, lag)
    return (values[lag:] - values[:-lag]).abs().amax(-1)


def fall(loss: Tensor, lag: int) -> Tensor:
    """Return how far the loss falls in `lag` records, (record - lag, ...), of (record, ...).

    Raises ValueError as `largest_change` does.
    """
    _check_lag(loss, lag)
    return loss[:-lag] - loss[lag:]


def sudden_fall(loss: Tensor, lag: int) -> Tensor:
    """Return how much further the loss falls in a window than in the windows beside it.

    `loss` (record, ...); the result (record - 3 lag, ...) begins with the window from record
    `lag` on. A straight slope, however steep, has 0.

    Raises ValueError as `largest_change` does.
    """
    falls = fall(loss, lag)
    return falls[lag:-lag] - (falls[: -2 * lag] + falls[2 * lag :]) / 2


@dataclass(frozen=True)
class Agreement:
    """Hold a statistic of every model with itself, `own`, and `null`, with models exchanged.

    `null` (instance - 1,) has one value for each way of pairing model s with model s + k.
    """

    own: float
    null: Tensor

    @property
    def expected(self) -> float:
        """Return the mean of `null`."""
        return float(self.null.mean())


def meetings(one: Tensor, other: Tensor) -> Agreement:
    """Count where two kinds of events, both (time, instance) of truth values, happen together.

    Raises ValueError when shapes differ or there are fewer than two instances.
    """
    _check_pair(one, other)
    return _agreement(lambda shifted: (one & shifted).sum().double(), other)


def rank_agreement(one: Tensor, other: Tensor) -> Agreement:
    """Correlate the ranks that the instances have at the same time in `one` and in `other`.

    Both (time, instance). Ranks within a time are blind to what all instances share.

    Raises ValueError as `meetings` does.
    """
    _check_pair(one, other)
    one, other = _centred_ranks(one), _centred_ranks(other)
    scale = one.norm() * other.norm()
    return _agreement(lambda shifted: (one * shifted).sum() / scale, other)


def _agreement(statistic, other: Tensor) -> Agreement:
    values = [statistic(other.roll(k, 1)) for k in range(other.shape[1])]
    return Agreement(float(values[0]), torch.stack(values[1:]))


def _centred_ranks(values: Tensor) -> Tensor:
    ranks = values.argsort(1).argsort(1).double()
    return ranks - ranks.mean(1, keepdim=True)


def _check_lag(values: Tensor, lag: int) -> None:
    if not 1 <= lag < len(values):
        raise ValueError(f"lag is {lag}; there are {len(values)} records, so give 1 or more, below")


def _check_pair(one: Tensor, other: Tensor) -> None:
    if one.shape != other.shape or one.ndim != 2 or one.shape[1] < 2:
        raise ValueError(
            f"one has shape {tuple(one.shape)} and other {tuple(other.shape)}; give two of one "
            "shape (time, instance), with two instances or more"
        )
