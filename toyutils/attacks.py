"""Attacks on models that superpose features: small changes of the input that light up outputs.

Everything here is for one `ReLUModel`, given as W (hidden, feature) and b (feature,). The harm of
an attack is how far it raises the mean squared error against the clean input.

Source: Toy Models of Superposition, "Superposition and Adversarial Examples"; notebook 13.
"""

import torch
from torch import Tensor


def analytic(W: Tensor, size: float | Tensor) -> Tensor:
    """Return the attack of length `size` on every feature, (..., feature, feature).

    Row i is what moves output i furthest before the bias and the ReLU: a step along row i of WᵀW,
    for z_i = (WᵀW)_i · x + b_i. A feature without a direction has no attack; its row is zero.
    """
    rows = W.mT @ W
    length = rows.norm(dim=-1, keepdim=True)
    return size * torch.where(length > 0, rows / length.clamp(min=torch.finfo(W.dtype).tiny), 0)


def thresholds(W: Tensor, b: Tensor) -> Tensor:
    """Return the length of the shortest attack on x = 0 that wakes each output, (..., feature).

    -b_i / ‖(WᵀW)_i‖; negative where an output is on without any input, infinite where no attack
    reaches a feature that has no direction. `W` (..., hidden, feature), `b` (..., feature).
    """
    return -b / (W.mT @ W).norm(dim=-1)


def harm(W: Tensor, b: Tensor, x: Tensor, delta: Tensor) -> Tensor:
    """Return by how much each attack raises the error at each point, (attack, point).

    The error is the mean over features of (y - x)² with the clean `x` (point, feature) as target;
    `delta` (attack, feature). Negative where an attack happens to help.

    Raises ValueError when features do not fit.
    """
    n_features = W.shape[1]
    for name, value in (("b", b), ("x", x), ("delta", delta)):
        if value.shape[-1] != n_features:
            raise ValueError(
                f"{name} has {value.shape[-1]} features; W has {n_features}, and they must agree"
            )
    hidden, pushes = x @ W.T, delta @ W.T
    clean = _error(hidden, W, b, x)
    return torch.stack([_error(hidden + push, W, b, x) - clean for push in pushes])


def worst(harm: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean harm under the worst attack for a model, and under the worst for each point.

    `harm` (attack, point). One attack that serves all points does at most as much as one that is
    chosen anew for every point.
    """
    return harm.mean(1).max(), harm.amax(0).mean()


def climb(
    W: Tensor, b: Tensor, x: Tensor, delta: Tensor, n_steps: int = 12
) -> tuple[Tensor, Tensor]:
    """Return each point's worst harm after gradient ascent (point,), and its attack.

    Every point starts from the worst for it of the attacks `delta` (attack, feature), which have
    one length, and keeps that length. The highest harm on the way counts.
    """
    size = delta.norm(dim=1).max()
    rows = delta[harm(W, b, x, delta).argmax(0)]
    best, highest = rows, x.new_full((len(x),), -torch.inf)
    hidden = x @ W.T
    clean = _error(hidden, W, b, x)
    for k in range(n_steps + 1):
        rows = rows.detach().requires_grad_()
        now = ((hidden + rows @ W.T) @ W + b).relu().sub(x).square().mean(1) - clean
        better = now.detach() > highest
        highest = torch.where(better, now.detach(), highest)
        best = torch.where(better[:, None], rows.detach(), best)
        [slope] = torch.autograd.grad(now.sum(), rows)
        step = size * (1 - k / n_steps) * torch.nn.functional.normalize(slope, dim=1)
        rows = size * torch.nn.functional.normalize(rows.detach() + step, dim=1)
    return highest, best


def _error(hidden: Tensor, W: Tensor, b: Tensor, x: Tensor) -> Tensor:
    return ((hidden @ W + b).relu_() - x).square_().mean(1)
