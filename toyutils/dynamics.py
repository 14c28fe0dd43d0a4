"""Events in the course of training: how much changes at a time, and whether two things coincide.

Models train side by side, so whether an event of one model meets another event of the same model
by more than chance is judged against the *other* models at the same moments: they share the
trend of training, and nothing else. Nothing here knows a model.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


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
