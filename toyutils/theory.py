"""Exact theory: expected losses without sampling, and the least losses possible.

Everything here is an expectation over independent sparse features (`features`), computed
in float64, so a trained model can be held against what is true, not against a guess.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


def feature_mean(sparsity: float | Tensor) -> float | Tensor:
    """Return the mean p / 2 of one feature, with p = 1 - S."""
    return (1 - sparsity) / 2


def feature_variance(sparsity: float | Tensor) -> float | Tensor:
    """Return the variance p/3 - p²/4 of one feature, with p = 1 - S; 1/12 when dense."""
    density = 1 - sparsity
    return density / 3 - density**2 / 4


def linear_minimum(sparsity: float, importance: Sequence[float] | Tensor, n_hidden: int) -> float:
    """Return the least expected loss of a linear model: ignored importance × variance / n.

    The best linear model keeps the `n_hidden` most important features and answers the mean
    for the rest (principal components of the data scaled by the root of the importance;
    Eckart-Young). Where importances tie, other directions do as well.

    Raises ValueError when `n_hidden` is negative, `sparsity` lies outside [0, 1], or an
    importance is negative or NaN.

    Source: notebook 01; Toy Models of Superposition, "Mathematical Understanding".
    """
    importance = torch.as_tensor(importance, dtype=torch.float64)
    if n_hidden < 0:
        raise ValueError(f"n_hidden is {n_hidden}; give 0 or more")
    if not 0 <= sparsity <= 1:
        raise ValueError(f"sparsity is {sparsity}; it is a probability and lies in [0, 1]")
    if not (importance >= 0).all():
        raise ValueError(f"importance is {importance.tolist()}; every importance is 0 or more")
    ignored = importance.sort(descending=True).values[n_hidden:].sum()
    return float(ignored * feature_variance(sparsity) / len(importance))


def antipodal_loss(density: float | Tensor) -> float | Tensor:
    """Return p²/6, the loss of W = (1, -1), b = 0 with a ReLU: wrong only when both are active.

    Source: notebook 03; Toy Models of Superposition, "Superposition as a Phase Change".
    """
    return density**2 / 6


def prototype_losses(density: Tensor, ratio: Tensor, n_hidden: int = 1) -> dict[str, Tensor]:
    """Return the losses of the simplest models of `n_hidden` + 1 features, {name: loss}.

    The last feature has importance `ratio`, the others 1; both arguments lie above 0 and
    broadcast. A feature is left out (and its mean answered), has a dimension of its own, or
    shares one with an antipode, without bias; losses are means over the features. With two
    hidden dimensions the *other* two can share while the last feature is alone.

    Raises ValueError when `n_hidden` is not 1 or 2.

    Source: Toy Models of Superposition, "Superposition as a Phase Change".
    """
    if n_hidden not in (1, 2):
        raise ValueError(f"n_hidden is {n_hidden}; the prototypes are those of 1 or 2")
    density, ratio = torch.broadcast_tensors(torch.as_tensor(density), torch.as_tensor(ratio))
    variance, both_active = feature_variance(1 - density), antipodal_loss(density)
    losses = {
        "last left out": ratio * variance,
        "last shares": (1 + ratio) * both_active,
        "other left out": variance,
    }
    if n_hidden == 2:
        losses["others share"] = 2 * both_active
    return {name: loss / (n_hidden + 1) for name, loss in losses.items()}


def prototype_boundary(density: float | Tensor) -> float | Tensor:
    """Return the ratio r = 2p / (4 - 5p) below which leaving the last feature out is better.

    Better, among the prototypes of two features in one dimension, than an antipodal pair:
    r (p/3 - p²/4) = (1 + r) p²/6. It holds up to the triple point p = 4/7, r = 1; above
    r = 1 the other feature is left out instead, and the boundary is 1/r.
    """
    return 2 * density / (4 - 5 * density)


def expected_loss(
    W: Tensor,
    b: Tensor,
    sparsity: float | Tensor,
    importance: Sequence[float] | Tensor | None = None,
    activation: str = "relu",
) -> Tensor:
    """Return the exact expected reconstruction loss, shape (...), of W (..., hidden, feature).

    `b` is (..., feature). `sparsity` and `importance` broadcast to (..., feature): one
    number each, one for each feature, or one for each model and feature. `activation` is
    "relu" or "linear". The result is float64 and has a gradient by W and b.

    Each feature x_j is 0 or uniform, so the expectation of a power of ReLU(b + Σ a_j x_j)
    is a chain of one-dimensional integrals: ∫₀¹ F'(z + a t) dt = (F(z + a) - F(z)) / a,
    one for each feature, and F for a ReLU is again a power. A coefficient a_j too small to
    divide by is integrated with two Gauss points instead. That leaves 3ⁿ terms for each
    output; for lengths and importances of order one the error is mostly below 1e-9 and at
    worst about 1e-7, where a bias and an overlap are both tiny (tested against independent
    quadrature and 10 million samples).

    Raises ValueError when shapes do not fit, a value is out of range, or n > 10.
    """
    W, b, sparsity, importance = _check_model(W, b, sparsity, importance, activation)
    n_features = W.shape[-1]
    overlap = W.mT @ W
    density = 1 - sparsity
    if activation == "linear":
        miss = torch.eye(n_features, dtype=W.dtype, device=W.device) - overlap
        spread = (miss.square() * feature_variance(sparsity)[..., None, :]).sum(-1)
        offset = (miss @ feature_mean(sparsity)[..., None])[..., 0] - b
        return (importance * (spread + offset.square())).mean(-1)

    nodes = _integration_nodes(overlap, b, density)
    y_squared = _relu_expectation(b, overlap, nodes, power=2)
    own = _own_feature_nodes(overlap.diagonal(dim1=-2, dim2=-1), nodes, density)
    x_times_y = _relu_expectation(b, overlap, own, power=1)
    x_squared = density / 3
    return (importance * (x_squared - 2 * x_times_y + y_squared)).mean(-1)


@dataclass(frozen=True)
class Optimum:
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
    sparsity = torch.as_tensor(sparsity, dtype=torch.float64)
    importance = torch.as_tensor(1.0 if importance is None else importance, dtype=torch.float64)
    settings = torch.broadcast_shapes(sparsity.shape, importance.shape[:-1])
    sparsity = sparsity[..., None, None]  # (..., restart, feature)
    if importance.ndim:
        importance = importance[..., None, :]
    generator = torch.Generator().manual_seed(seed)
    shape = (*settings, n_restarts, n_hidden, n_features)
    W = torch.randn(shape, generator=generator, dtype=torch.float64) * n_hidden**-0.5
    n_pairs = n_restarts // 2
    W[..., n_restarts - n_pairs :, :, :] = W[..., :n_pairs, :, :]
    W[..., n_restarts - n_pairs :, :, 0] *= -1
    b = torch.zeros(*shape[:-2], n_features, dtype=torch.float64)
    W, b = descend(W, b, sparsity, importance, n_steps=n_steps)
    with torch.no_grad():
        best = expected_loss(W, b, sparsity, importance).argmin(-1)[..., None, None]
        b = b.take_along_dim(best, -2)
        W = W.take_along_dim(best[..., None], -3)
    # Once more from where the winner stopped: with its old curvature forgotten it gets past a
    # kink of the slope, which at the sparsest settings had held up a few.
    W, b = descend(W, b, sparsity, importance, n_steps=n_steps)
    with torch.no_grad():
        loss = expected_loss(W, b, sparsity, importance)
    return Optimum(W[..., 0, :, :], b[..., 0, :], loss[..., 0])


def best_bias(W: Tensor, sparsity: float | Tensor) -> Tensor:
    """Return the biases (..., feature) that minimise the exact loss of a ReLU model with this W.

    W is (..., hidden, feature); `sparsity` as in `expected_loss`. A bias moves its own output
    only, so each is looked for alone, and no importance is needed: on a grid over all biases that
    change anything, then on finer ones round the best, to about 1e-6.

    Raises ValueError as `expected_loss` does.
    """
    W, b, sparsity, _ = _check_model(W, torch.zeros(()), sparsity, None, "relu")
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
    sparsity: float | Tensor,
    importance: Sequence[float] | Tensor | None = None,
    *,
    n_steps: int = 150,
    max_step: float = 0.5,
) -> tuple[Tensor, Tensor]:
    """Return the W and b of a local minimum of the exact expected loss of a ReLU model.

    Where `training.train` sees samples and takes one rate for all, this sees the expectation
    and learns the curvature round each model (the quasi-Newton method BFGS, with each model's
    own step, shortened until the loss falls), so a minimum is found to many digits in some tens
    of steps. A step moves (W, b) by `max_step` at most: a smaller one stays closer to the
    valley of the start. Shapes as in `expected_loss`; W (..., hidden, feature) and b
    (..., feature) are left as they are, the result is float64.

    Raises ValueError when a setting is out of range (see `expected_loss`).

    Source: Nocedal and Wright, Numerical Optimization (2006), chapter 6.
    """
    W, b, sparsity, importance = _check_model(W, b, sparsity, importance, "relu")
    n_features = W.shape[-1]
    rows = (a.reshape(-1, n_features) for a in (b, sparsity, importance))
    flat = (W.reshape(-1, *W.shape[-2:]), *rows)
    # Few enough models at a time that the 3ⁿ terms of each stay in the processor's cache.
    size = max(1, 300_000 // (n_features * 3**n_features))
    parts = [
        _descend(*part, n_steps, max_step)
        for part in zip(*(a.split(size) for a in flat), strict=True)
    ]
    theta = torch.cat(parts).reshape(*W.shape[:-2], -1)
    return theta[..., :-n_features].unflatten(-1, W.shape[-2:]), theta[..., -n_features:]


def _descend(W, b, sparsity, importance, n_steps, max_step) -> Tensor:
    """Return W and b side by side, (model, hidden · feature + feature), after BFGS."""
    shape, n_features = W.shape[1:], W.shape[-1]

    def loss_and_slope(theta, sparsity, importance):
        theta = theta.detach().requires_grad_()
        W, b = theta[:, :-n_features].unflatten(1, shape), theta[:, -n_features:]
        loss = expected_loss(W, b, sparsity, importance)
        return loss.detach(), torch.autograd.grad(loss.sum(), theta)[0]

    def quasi_newton_step(inverse, slope):
        step = -(inverse @ slope[:, :, None])[:, :, 0]
        return step * (max_step / step.norm(dim=1, keepdim=True).clamp(min=max_step))

    theta = torch.cat([W.flatten(1), b], 1).detach()
    final = theta.clone()
    moving = torch.arange(len(theta), device=theta.device)  # rows of `final` that still move
    loss, slope = loss_and_slope(theta, sparsity, importance)
    identity = torch.eye(theta.shape[1], dtype=theta.dtype, device=theta.device)
    inverse = identity.repeat(len(theta), 1, 1)  # of the curvature
    step = quasi_newton_step(inverse, slope)
    failures = torch.zeros_like(loss)  # in a row
    for _ in range(n_steps):
        new_loss, new_slope = loss_and_slope(theta + step, sparsity, importance)
        falls = new_loss <= loss + 1e-4 * (slope * step).sum(1)
        inverse = _update_inverse(inverse, step, new_slope - slope)
        theta = torch.where(falls[:, None], theta + step, theta)
        loss = torch.where(falls, new_loss, loss)
        slope = torch.where(falls[:, None], new_slope, slope)
        failures = torch.where(falls, 0, failures + 1)
        # The slope has kinks where the curvature learned before misleads: forget it there.
        lost = failures == 6
        failures[lost] = 0
        inverse[lost] = identity
        next_step = quasi_newton_step(inverse, slope)
        step = torch.where((falls | lost)[:, None], next_step, step / 3)
        final[moving] = theta
        going = -(next_step * slope).sum(1) > 1e-11 * loss  # what the next step promises
        if going.sum() < 0.9 * len(going):
            moving, theta, loss, slope, inverse, step, failures, sparsity, importance = (
                part[going]
                for part in (
                    moving, theta, loss, slope, inverse, step, failures, sparsity, importance
                )
            )  # fmt: skip
        if not len(moving):
            break
    return final


def _update_inverse(inverse: Tensor, step: Tensor, change: Tensor) -> Tensor:
    """Return the inverse curvature (model, d, d) that explains a `change` of slope by `step`."""
    along = (step * change).sum(1)
    known = along > 1e-10 * step.norm(dim=1) * change.norm(dim=1)  # else it would lose its sign
    along = torch.where(known, along, 1)[:, None, None]
    s, y = step[:, :, None], change[:, :, None]
    moved = inverse @ y
    new = (
        inverse
        - (s * moved.mT + moved * s.mT) / along
        + (1 + (y.mT @ moved) / along) * (s * s.mT) / along
    )
    return torch.where(known[:, None, None], new, inverse)


def sparse_limit_loss(
    W: Tensor, b: Tensor, importance: Sequence[float] | Tensor | None = None
) -> Tensor:
    """Return the limit of loss / p as p → 0, shape (...), of a ReLU model with b <= 0.

    Then at most one feature is active at a time, and the loss is the mean over *which* one
    of Σ_i I_i E(x_i - y_i)², in closed form for any number of features: W (..., hidden,
    feature), b (..., feature). Where some b is above 0 the model errs on every empty point
    and the limit is infinite.

    Source: Chen et al., Dynamical versus Bayesian Phase Transitions in a Toy Model of
    Superposition (2023); Toy Models of Superposition, "Feature Benefit" (L_1).
    """
    W, b, _, importance = _check_model(W, b, 0.0, importance, "linear")
    overlap = W.mT @ W  # row: output i, column: the active feature j
    bias = b[..., None]
    squared = _line_integral(overlap, bias, power=2)  # ∫₀¹ ReLU(a t + b)² dt
    own, own_bias = overlap.diagonal(dim1=-2, dim2=-1), b
    # ∫ t ReLU(a t + b) dt = (∫ ReLU² dt - b ∫ ReLU dt) / a, because a t ReLU = ReLU² - b ReLU
    safe = own.where(own > 1e-9, 1)
    both = _line_integral(own, own_bias, 2) - own_bias * _line_integral(own, own_bias, 1)
    own_product = torch.where(own > 1e-9, both / safe, 0)
    loss = (importance * (squared.sum(-1) + 1 / 3 - 2 * own_product)).mean(-1)
    return torch.where((b > 0).any(-1), math.inf, loss)


@dataclass(frozen=True)
class Polygon:
    """Hold the best regular k-gon in the sparse limit: `radius`, `bias`, and `h`.

    `h` is 3 times the summed error of its k features, in the unit ∫x² = 1/3, so that a
    dropped feature counts 1.
    """

    radius: float
    bias: float
    h: float


def sparse_limit_polygon(k: int) -> Polygon:
    """Return radius, bias and h_k of the best regular k-gon, k >= 3, as p → 0.

    Raises ValueError when k < 3.

    Source: Chen et al. (2023), re-derived here from `sparse_limit_loss`.
    """
    if k < 3:
        raise ValueError(f"k is {k}; a polygon has 3 corners or more")
    angle = 2 * math.pi * torch.arange(k, dtype=torch.float64) / k
    corners = torch.stack([angle.cos(), angle.sin()])
    # b = -β² keeps the bias at or below zero while both numbers move freely.
    free = torch.tensor([1.1, 0.5], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [free],
        max_iter=200,
        tolerance_grad=1e-12,
        tolerance_change=1e-15,
        line_search_fn="strong_wolfe",
    )

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = sparse_limit_loss(free[0] * corners, -(free[1] ** 2).expand(k))
        value.backward()
        return value

    optimizer.step(loss)
    radius, beta = free.tolist()
    return Polygon(radius, -(beta**2), 3 * k * float(loss().detach()))


def polygon_loss(k: int, n_features: int) -> float:
    """Return the sparse-limit loss when k of `n_features` form a k-gon and the rest are dropped.

    (h_k + n - k) / (3n), as a limit of loss / p; see `sparse_limit_polygon`.

    Raises ValueError when k exceeds `n_features` or is below 3.
    """
    if k > n_features:
        raise ValueError(f"k is {k}, more than n_features = {n_features}")
    return (sparse_limit_polygon(k).h + n_features - k) / (3 * n_features)


@dataclass(frozen=True)
class FeatureOverCloud:
    """Hold the best model of one direction that a feature shares with a cloud of faint ones.

    `length` of the feature, `cloud`: root of the faint features' summed squared lengths, `bias`
    of the feature, and `saving`: the loss taken away, in features (1 = one variance).
    """

    length: float
    cloud: float
    bias: float
    saving: float

    @property
    def dimensionality(self) -> float:
        """Return D of the feature."""
        return self.length**2 / (self.length**2 + self.cloud**2)


def feature_over_cloud(density: float) -> FeatureOverCloud:
    """Return the best use of one hidden number by one feature and infinitely many faint ones.

    h = a x + c z, where z sums up the faint features: many and independent, so Gaussian, with a
    feature's own variance v. The feature answers ReLU(a h + b); the faint ones are too weak for
    their ReLU to act, and together answer c h (their biases take care of the mean). The loss

    E[(x - ReLU(a (a x + c z) + b))²] + ((1 - c²)² + a² c²) v

    is integrated by Gauss's rules over x and z and minimised over a, c and b.

    Raises ValueError when the density does not lie in (0, 1].

    Source: notebook 10; neither the shape nor its D is in the paper.
    """
    if not 0 < density <= 1:
        raise ValueError(f"density is {density}; it is a probability above 0, up to 1")
    (x, by_x), (z, by_z) = (
        np.polynomial.legendre.leggauss(60),
        np.polynomial.hermite_e.hermegauss(100),
    )
    x = torch.cat([torch.zeros(1), torch.tensor((x + 1) / 2)])[:, None]
    by_x = torch.cat([torch.tensor([1 - density]), density * torch.tensor(by_x / 2)])[:, None]
    v = feature_variance(1 - density)
    z, by_z = torch.tensor(z) * v**0.5, torch.tensor(by_z / by_z.sum())
    free = torch.tensor([0.9, 0.5, 0.1], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([free], max_iter=300, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        a, c, b = free
        error = x - (a * (a * x + c * z) + b).relu()
        value = (error.square() * by_x * by_z).sum() + ((1 - c**2) ** 2 + (a * c) ** 2) * v
        value.backward()
        return value

    optimizer.step(loss)
    length, cloud, bias = free.tolist()
    return FeatureOverCloud(abs(length), abs(cloud), bias, 2 - float(loss().detach()) / v)


def numeric_gradient(
    function: Callable[[np.ndarray], float], at: np.ndarray, step: float = 1e-6
) -> np.ndarray:
    """Return the gradient of a function by central finite differences, shape of `at`.

    Needs no derivation, so it can judge a gradient that was derived. One entry of `at` after the
    other is nudged by ±`step`; with 1e-6 and numbers near 1 the result is right to about nine
    digits. Takes two calls of `function` for each entry.
    """
    at = np.asarray(at, dtype=float)
    slope = np.empty_like(at)
    for place in np.ndindex(at.shape):
        nudge = np.zeros_like(at)
        nudge[place] = step
        slope[place] = (function(at + nudge) - function(at - nudge)) / (2 * step)
    return slope


def _line_integral(a: Tensor, b: Tensor, power: int) -> Tensor:
    """Return ∫₀¹ ReLU(a t + b)^power dt; a shorter Taylor form where |a| is tiny."""
    safe = a.where(a.abs() > 1e-9, 1)
    end, start = (a + b).clamp(min=0), b.clamp(min=0)
    exact = (end ** (power + 1) - start ** (power + 1)) / ((power + 1) * safe)
    return torch.where(a.abs() > 1e-9, exact, (a / 2 + b).clamp(min=0) ** power)


# The distribution of feature j, seen by F(z + a_j x_j), is replaced by three nodes: inactive,
# and two for active. A node moves z by `shift`, multiplies by `weight`, and where it stands
# for an integral that was carried out, raises the power of F by `order` one.
@dataclass
class _Nodes:
    shift: Tensor  # (..., output, feature, 3), in units of x_j
    weight: Tensor
    order: Tensor


_GAUSS = ((1 - 3**-0.5) / 2, (1 + 3**-0.5) / 2)  # two Gauss points on [0, 1], weight 1/2 each
_MOST_MAGNIFIED = 1e9  # rounding, by divisions: 1e-16 becomes 1e-7 or so in the gradient


def _integration_nodes(overlap: Tensor, b: Tensor, density: Tensor) -> _Nodes:
    exact = _can_be_divided_by(overlap.detach(), b.detach())
    safe = torch.where(exact, overlap, 1)
    zero, one = torch.zeros_like(overlap), torch.ones_like(overlap)
    p = density[..., None, :].expand_as(overlap)
    first = torch.where(exact, zero, _GAUSS[0] * one)
    second = torch.where(exact, one, _GAUSS[1] * one)
    weight = torch.where(exact, p / safe, p / 2)
    return _Nodes(
        torch.stack([zero, first, second], -1),
        torch.stack([1 - p, torch.where(exact, -weight, weight), weight], -1),
        torch.stack([exact & False, exact, exact], -1).long(),
    )


def _can_be_divided_by(overlap: Tensor, b: Tensor) -> Tensor:
    """Return which coefficients to integrate in closed form, bool (..., output, feature).

    k of them leave terms of size 2^k reach^(k+2) / (a_1 … a_k (k+2)!) that cancel. The largest
    come first, and as many as leave enough digits.
    """
    size = overlap.abs()
    reach = size.sum(-1, keepdim=True) + b.abs()[..., None]
    ratio = reach.clamp(min=1e-12) / size.clamp(min=1e-30)
    own = torch.eye(size.shape[-1], dtype=torch.bool, device=size.device)
    cost, order = torch.where(own, ratio.square(), ratio).sort(-1)  # x_i y_i divides by a_i twice
    k = torch.arange(1, size.shape[-1] + 1, device=size.device)
    lost = (cost * 2 / (k + 2)).cumprod(-1) * ratio.gather(-1, order)  # a slope divides once more
    return torch.zeros_like(own.expand_as(lost)).scatter(-1, order, lost <= _MOST_MAGNIFIED)


def _own_feature_nodes(own: Tensor, nodes: _Nodes, density: Tensor) -> _Nodes:
    """Replace output i's node of feature i by that of x_i: ∫ t F'(z + a t) dt, by parts.

    = F(z + a)/a - (G(z + a) - G(z))/a² with G' = F; nothing comes from x_i = 0.
    """
    shift, weight, order = nodes.shift.clone(), nodes.weight.clone(), nodes.order.clone()
    index = torch.arange(own.shape[-1], device=own.device)
    exact = order[..., index, index, 1] > 0
    safe = torch.where(exact, own, 1)
    zero, one = torch.zeros_like(own), torch.ones_like(own)

    def choose(if_exact, otherwise):
        return torch.where(exact, if_exact, otherwise * one)

    p = density.expand_as(own)
    shift[..., index, index, :] = torch.stack(
        [choose(one, 0), choose(zero, _GAUSS[0]), choose(one, _GAUSS[1])], -1
    )
    weight[..., index, index, :] = p[..., None] * torch.stack(
        [
            choose(1 / safe, 0),
            choose(1 / safe**2, _GAUSS[0] / 2),
            choose(-1 / safe**2, _GAUSS[1] / 2),
        ],
        -1,
    )
    order[..., index, index, :] = exact[..., None] * torch.tensor([1, 2, 2], device=own.device)
    return _Nodes(shift, weight, order)


def _relu_expectation(b: Tensor, overlap: Tensor, nodes: _Nodes, power: int) -> Tensor:
    """Return E[weight · ReLU(b + Σ a_j x_j)^power] for each output, shape (..., output)."""
    z, weight = b[..., None], torch.ones_like(b)[..., None]
    order = torch.zeros_like(weight, dtype=torch.long)
    shifts = overlap[..., None] * nodes.shift
    for j in range(overlap.shape[-1]):  # grows to 3ⁿ terms
        z = (z[..., None] + shifts[..., j, None, :]).flatten(-2)
        weight = (weight[..., None] * nodes.weight[..., j, None, :]).flatten(-2)
        order = (order[..., None] + nodes.order[..., j, None, :]).flatten(-2)
    # The k-fold integral of z₊^q is q!/(q+k)! z₊^(q+k).
    highest = overlap.shape[-1] + 2
    scale = [math.factorial(power) / math.factorial(power + k) for k in range(highest)]
    scale = torch.tensor(scale, dtype=b.dtype, device=b.device)[order]
    return (weight * scale * _Power.apply(z.clamp(min=0), power + order)).sum(-1)


class _Power(torch.autograd.Function):
    """z^k for z >= 0 and whole k >= 1: one call of `pow` serves value and slope."""

    @staticmethod
    def forward(context, z, k):
        below = z ** (k - 1)
        context.save_for_backward(k * below)
        return below * z

    @staticmethod
    def backward(context, gradient):
        (slope,) = context.saved_tensors
        return gradient * slope, None


def _check_model(W, b, sparsity, importance, activation):
    if activation not in ("linear", "relu"):
        raise ValueError(f'activation is {activation!r}; give "linear" or "relu"')
    W = torch.as_tensor(W).to(torch.float64)
    if W.ndim < 2:
        raise ValueError(f"W has shape {tuple(W.shape)}; give (..., hidden, feature)")
    if activation == "relu" and W.shape[-1] > 10:
        raise ValueError(f"W has {W.shape[-1]} features; 3ⁿ terms are too many beyond 10")
    given = {"b": b, "sparsity": sparsity, "importance": 1.0 if importance is None else importance}
    features = torch.Size((*W.shape[:-2], W.shape[-1]))
    checked = {}
    for name, value in given.items():
        value = torch.as_tensor(value, dtype=torch.float64, device=W.device)
        if value.ndim and value.shape[-1] not in (1, W.shape[-1]):
            raise ValueError(
                f"{name} has shape {tuple(value.shape)}; its last size must be 1 or the number "
                f"of features, {W.shape[-1]}"
            )
        try:
            features = torch.broadcast_shapes(features, value.shape)
        except RuntimeError:
            raise ValueError(
                f"{name} has shape {tuple(value.shape)}; it must broadcast with {tuple(features)}"
            ) from None
        checked[name] = value
    checked = {name: value.broadcast_to(features) for name, value in checked.items()}
    W = W.expand(*features[:-1], *W.shape[-2:])
    if not ((checked["sparsity"] >= 0) & (checked["sparsity"] <= 1)).all():
        raise ValueError(f"sparsity is {sparsity}; it is a probability and lies in [0, 1]")
    if not (checked["importance"] >= 0).all():
        raise ValueError(f"importance is {importance}; every importance is 0 or more")
    return W, checked["b"], checked["sparsity"], checked["importance"]
