"""The lowest exact losses: descent without samples, from given starts or from random ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from toyutils.exact import (
    MOST_IN_CLOSED_FORM,
    Distribution,
    check_model,
    expected_loss,
    relu_loss,
)

_MEMORY = 10  # past steps that tell about the curvature


class Optimum(NamedTuple):
    """Hold the best models found: `W` (..., hidden, feature), `b` (..., feature), `loss` (...)."""

    W: Tensor
    b: Tensor
    loss: Tensor


def best_relu_model(
    n_features: int,
    n_hidden: int,
    sparsity: float | Sequence[float] | Tensor,
    importance: Sequence[float] | Tensor | None = None,
    *,
    n_restarts: int = 24,
    n_steps: int = 150,
    seed: int = 0,
) -> Optimum:
    """Return the ReLU model of least exact loss among `n_restarts` random starts.

    Every start goes down the exact expectation (`descend`); there is no sampling noise. Starts
    come in pairs that differ in the sign of the first feature, since which features begin on
    one side often decides the valley. It is the best *found*: nothing proves that no better one
    exists. `sparsity` is one number or (setting, ...), `importance` (feature,) or
    (setting, ..., feature); settings are solved side by side and lead the shapes of the result.

    Raises ValueError when a setting is out of range (see `expected_loss`) or there is no start.
    """
    if n_restarts < 1:
        raise ValueError(f"n_restarts is {n_restarts}; give 1 or more")
    settings, sparsity, importance = _side_by_side(sparsity, importance)
    generator = torch.Generator().manual_seed(seed)
    shape = (*settings, n_restarts, n_hidden, n_features)
    W = torch.randn(shape, generator=generator, dtype=torch.float64) * n_hidden**-0.5
    n_pairs = n_restarts // 2
    W[..., n_restarts - n_pairs :, :, :] = W[..., :n_pairs, :, :]
    W[..., n_restarts - n_pairs :, :, 0] *= -1
    b = torch.zeros(*shape[:-2], n_features, dtype=torch.float64)
    best = _lowest(*descend(W, b, sparsity, importance, n_steps=n_steps), sparsity, importance)
    # Once more from where the winner stopped: with its old curvature forgotten it gets past a
    # kink of the slope, which at the sparsest settings had held up a few.
    W, b = best.W[..., None, :, :], best.b[..., None, :]
    return _lowest(*descend(W, b, sparsity, importance, n_steps=n_steps), sparsity, importance)


def best_of_starts(
    starts: Tensor,
    sparsity: float | Sequence[float] | Tensor,
    importance: Sequence[float] | Tensor | None = None,
    *,
    max_step: float = 0.1,
) -> Optimum:
    """Return the lowest minimum that `descend` reaches from `starts` (start, hidden, feature).

    Every bias starts at its feature's mean. A start exactly on a ridge between two valleys stays
    there: give it a little off. Settings and result as in `best_relu_model`.

    Raises ValueError when a setting is out of range (see `expected_loss`).
    """
    settings, sparsity, importance = _side_by_side(sparsity, importance)
    W = starts.double().expand(*settings, *starts.shape)
    b = ((1 - sparsity) / 2).expand(*W.shape[:-2], W.shape[-1])
    return _lowest(*descend(W, b, sparsity, importance, max_step=max_step), sparsity, importance)


def _side_by_side(sparsity, importance) -> tuple[torch.Size, Tensor, Tensor]:
    """Return the shape of the settings, and both with a place for starts: (..., start, feature)."""
    sparsity = torch.as_tensor(sparsity, dtype=torch.float64)
    importance = torch.as_tensor(1.0 if importance is None else importance, dtype=torch.float64)
    settings = torch.broadcast_shapes(sparsity.shape, importance.shape[:-1])
    sparsity = sparsity.expand(settings)[..., None, None]
    return settings, sparsity, importance[..., None, :] if importance.ndim else importance


@torch.no_grad()
def _lowest(W: Tensor, b: Tensor, sparsity: Tensor, importance: Tensor) -> Optimum:
    """Return the model of lowest loss among the starts of each setting."""
    loss = expected_loss(W, b, sparsity, importance)
    best = loss.argmin(-1)[..., None, None]
    b, W = b.take_along_dim(best, -2), W.take_along_dim(best[..., None], -3)
    return Optimum(W[..., 0, :, :], b[..., 0, :], loss.min(-1).values)


def best_bias(W: Tensor, sparsity: float | Tensor) -> Tensor:
    """Return the biases (..., feature) that minimise the exact loss of a ReLU model with this W.

    W is (..., hidden, feature); `sparsity` as in `expected_loss`. A bias moves its own output
    only, so each is looked for alone, and no importance is needed: on a grid over all biases that
    change anything, then on finer ones round the best, to about 1e-6.

    Raises ValueError as `expected_loss` does.
    """
    W, b, law, _ = check_model(W, torch.zeros(()), sparsity, None)
    sparsity = 1 - law.density
    overlap = W.mT @ W
    low, high = -overlap.clamp(min=0).sum(-1), 1 - overlap.clamp(max=0).sum(-1)
    one_at_a_time = torch.eye(W.shape[-1], dtype=W.dtype, device=W.device)
    share = torch.linspace(0, 1, 33, dtype=W.dtype, device=W.device)
    for _ in range(6):
        tried = low[..., None, :] + share[:, None] * (high - low)[..., None, :]
        each = (W[..., None, None, :, :], tried[..., None, :], sparsity[..., None, None, :])
        loss = expected_loss(*each, one_at_a_time)  # (..., bias, feature)
        best = loss.argmin(-2, keepdim=True)
        b = tried.take_along_dim(best, -2)[..., 0, :]
        step = (high - low) / 32
        low, high = b - step, b + step
    return b


def descend(
    W: Tensor,
    b: Tensor,
    sparsity: float | Tensor | Distribution,
    importance: Sequence[float] | Tensor | None = None,
    *,
    n_steps: int = 150,
    max_step: float = 0.5,
    tolerance: float = 1e-8,
) -> tuple[Tensor, Tensor]:
    """Return the W and b of a local minimum of the exact expected loss of a ReLU model.

    Where `training.train` sees samples and takes one rate for all, this sees the expectation
    and learns the curvature round each model from its last steps (the quasi-Newton method
    L-BFGS, with each model's own step, shortened until the loss falls), so a minimum is found
    to many digits in some tens of steps. A step moves (W, b) by `max_step` at most: a smaller
    one stays closer to the valley of the start. Arguments as in `expected_loss`; W (..., hidden,
    feature) and b (..., feature) are left as they are, the result is float64.

    Raises ValueError when a setting is out of range (see `expected_loss`).

    Source: Nocedal and Wright, Numerical Optimization (2006), chapter 7.
    """
    W, b, law, importance = check_model(W, b, sparsity, importance)
    n = W.shape[-1]
    flat = torch.cat([W.flatten(-2), b], -1).detach()
    theta, *settings = (a.reshape(-1, a.shape[-1]) for a in (flat, law.density, importance))
    # Few enough models at a time for the processor's cache.
    size = 100_000 // (n * 2**n) if n <= MOST_IN_CLOSED_FORM else 64
    groups = zip(*(a.split(size) for a in (theta, *settings)), strict=True)
    options = W.shape[-2:], law, n_steps, max_step, tolerance
    parts = [_minimise(theta, settings, *options) for theta, *settings in groups]
    theta = torch.cat(parts).reshape(flat.shape)
    return theta[..., :-n].unflatten(-1, W.shape[-2:]), theta[..., -n:]


@dataclass
class _Search:
    """Hold the state of models on their way down; every tensor leads with (model, ...)."""

    theta: Tensor  # W and b side by side, (model, number)
    loss: Tensor
    slope: Tensor
    step: Tensor
    failures: Tensor  # in a row
    steps: Tensor  # past ones, latest last, (model, memory, number)
    changes: Tensor  # of the slope along them
    settings: list[Tensor]

    def only(self, which: Tensor) -> "_Search":
        """Return the state of some of the models."""
        *tensors, settings = vars(self).values()
        return _Search(*(a[which] for a in tensors), [a[which] for a in settings])


def _minimise(theta, settings, shape, law, n_steps, max_step, tolerance) -> Tensor:
    """Return `theta`, W and b side by side, (model, number), after L-BFGS."""

    def loss_and_slope(theta, settings):
        density, importance = settings
        theta = theta.detach().requires_grad_()
        W, b = theta[:, : -shape[-1]].unflatten(1, shape), theta[:, -shape[-1] :]
        model = W, b, law._replace(density=density), importance
        loss = relu_loss(*model, tolerance)
        return loss.detach(), torch.autograd.grad(loss.sum(), theta)[0]

    def limited(step):
        return step * (max_step / step.norm(dim=1, keepdim=True).clamp(min=max_step))

    final, moving = theta.clone(), torch.arange(len(theta), device=theta.device)
    loss, slope = loss_and_slope(theta, settings)
    memory = theta.new_zeros(len(theta), _MEMORY, theta.shape[1])
    now = _Search(
        theta, loss, slope, limited(-slope), torch.zeros_like(loss), memory, memory, settings
    )
    for _ in range(n_steps):
        loss, slope = loss_and_slope(now.theta + now.step, now.settings)
        falls = loss <= now.loss + 1e-4 * (now.slope * now.step).sum(1)
        now.steps = torch.cat([now.steps[:, 1:], now.step[:, None]], 1)
        now.changes = torch.cat([now.changes[:, 1:], (slope - now.slope)[:, None]], 1)
        now.theta = torch.where(falls[:, None], now.theta + now.step, now.theta)
        now.loss = torch.where(falls, loss, now.loss)
        now.slope = torch.where(falls[:, None], slope, now.slope)
        now.failures = torch.where(falls, 0, now.failures + 1)
        # The slope has kinks where the curvature learned before misleads: forget it there.
        lost = now.failures == 6
        now.failures[lost], now.changes[lost] = 0, 0
        ahead = limited(_quasi_newton_step(now.slope, now.steps, now.changes))
        now.step = torch.where((falls | lost)[:, None], ahead, now.step / 3)
        final[moving] = now.theta
        going = -(ahead * now.slope).sum(1) > 1e-11 * now.loss  # what the next step promises
        if going.sum() < 0.9 * len(going):
            moving, now = moving[going], now.only(going)
        if not len(moving):
            break
    return final


def _quasi_newton_step(slope: Tensor, steps: Tensor, changes: Tensor) -> Tensor:
    """Return minus the inverse curvature that explains `changes` by `steps`, times `slope`."""
    along = (steps * changes).sum(-1)
    # A pair without curvature would lose the inverse its sign.
    known = along > 1e-10 * steps.norm(dim=-1) * changes.norm(dim=-1)
    inverse = torch.where(known, 1 / along, 0)
    q, amounts, scale = slope, [], torch.zeros_like(slope[:, 0])
    for k in reversed(range(steps.shape[1])):
        s, y = steps[:, k], changes[:, k]
        amount = inverse[:, k] * (s * q).sum(-1)
        q = q - amount[:, None] * y
        amounts.append(amount)
        newest = (scale == 0) & known[:, k]
        scale = torch.where(newest, along[:, k] / y.square().sum(-1), scale)
    q = q * torch.where(scale == 0, 1, scale)[:, None]
    for k, amount in enumerate(reversed(amounts)):
        back = inverse[:, k] * (changes[:, k] * q).sum(-1)
        q = q + (amount - back)[:, None] * steps[:, k]
    return -q
