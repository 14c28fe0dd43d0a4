"""Theory in closed form: linear minima, prototypes and their boundary, limits of sparse data.

What needs more than a formula is in `exact` (the expected loss of any model) and `optima` (the
lowest found), and can be used from here: a trained model can be held against what is true.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from toyutils.exact import check_model, segment_powers, value_and_slope
from toyutils.exact import expected_loss as expected_loss
from toyutils.exact import expected_untied_loss as expected_untied_loss
from toyutils.optima import Optimum as Optimum
from toyutils.optima import best_bias as best_bias
from toyutils.optima import best_of_starts as best_of_starts
from toyutils.optima import best_relu_model as best_relu_model
from toyutils.optima import descend as descend


def feature_mean(sparsity: float | Tensor) -> float | Tensor:
    """Return the mean p / 2 of one feature, with p = 1 - S."""
    return (1 - sparsity) / 2


def feature_variance(sparsity: float | Tensor) -> float | Tensor:
    """Return the variance p/3 - p²/4 of one feature, with p = 1 - S; 1/12 when dense."""
    density = 1 - sparsity
    return density / 3 - density**2 / 4


def worth_of_a_dimension(
    loss: float | Tensor, density: float | Tensor, n_features: int, n_hidden: int
) -> float | Tensor:
    """Return the loss that a model takes away per hidden dimension: n (v - loss) / (m v).

    The unit is the variance v of one feature, the loss of answering its mean: a feature with a
    dimension of its own is worth 1. `loss` is a mean over equally important features.

    Source: notebook 10.
    """
    v = feature_variance(1 - density)
    return n_features * (v - loss) / (n_hidden * v)


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


def best_linear_bias(W: Tensor, feature_mean: Tensor) -> Tensor:
    """Return the bias (..., feature) of lowest expected loss for a linear model with this W.

    It takes the average error away: b = E[x] - WᵀW E[x], whatever the importances. `W` is
    (..., hidden, feature), `feature_mean` (feature,) or (..., feature).

    Source: notebook 01, exercise 1.3.
    """
    through = W.mT @ (W @ feature_mean[..., None])
    return feature_mean - through[..., 0]


def linear_loss(
    W: Tensor, b: Tensor, mean: Tensor, covariance: Tensor, importance: Tensor
) -> Tensor:
    """Return the exact loss of y = WᵀW x + b on any data with this mean and covariance.

    The error x - y = A x - b, A = 1 - WᵀW, has mean A μ - b and covariance A C Aᵀ; nothing else
    of the data matters. Shapes: W (..., hidden, feature), b, `mean` and `importance`
    (..., feature), `covariance` (..., feature, feature); result (...).

    Source: notebook 02, exercise 2.3.
    """
    miss = torch.eye(W.shape[-1], dtype=W.dtype, device=W.device) - W.mT @ W
    spread = (miss @ covariance @ miss).diagonal(dim1=-2, dim2=-1)
    offset = (miss @ mean[..., None])[..., 0] - b
    return (importance * (spread + offset.square())).mean(-1)


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


def neuron_cost(
    w: float | Tensor, importance: float, l1: float, density: float, n_features: int
) -> float | Tensor:
    """Return what a feature with a neuron of its own costs: its error and the neuron's penalty.

    The tied weight is `w` >= 0, without a bias: I p (1 - w²)² / (3 n) + l1 · p w / 2, a share of
    the mean error over `n_features` plus `l1` times the expected value of the neuron.

    Source: notebook 15.
    """
    return density * (importance * (1 - w**2) ** 2 / (3 * n_features) + l1 * w / 2)


def crossing(x: Tensor, one: Tensor, other: Tensor) -> Tensor:
    """Return the x where two curves cross first, with straight lines between the points.

    All (point,), `x` rising.

    Raises ValueError when the curves do not cross.
    """
    gap = torch.as_tensor(other) - torch.as_tensor(one)
    places = ((gap[:-1] * gap[1:] <= 0) & (gap[:-1] != gap[1:])).nonzero()
    if not len(places):
        raise ValueError("one and other do not cross; one must be lower at one end, not at both")
    k = int(places[0])
    return x[k] + gap[k] / (gap[k] - gap[k + 1]) * (x[k + 1] - x[k])


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
    W, b, _, importance = check_model(W, b, 0.0, importance)
    overlap = W.mT @ W  # row: output i, column: the active feature j

    def y_squared(overlap):
        return 2 * segment_powers(b[..., None], overlap, 2)[2]

    squared, slope = value_and_slope(y_squared, overlap)
    xy = slope.diagonal(dim1=-2, dim2=-1) / 2
    loss = (importance * (squared.sum(-1) + 1 / 3 - 2 * xy)).mean(-1)
    if not (W.requires_grad or b.requires_grad or importance.requires_grad):
        loss = loss.detach()  # the slope taken in between has a graph of its own
    return torch.where((b > 0).any(-1), math.inf, loss)


def descend_sparse_limit(
    W: Tensor, importance: Sequence[float] | Tensor | None = None, *, n_steps: int = 800
) -> Optimum:
    """Return W and b after a descent of `sparse_limit_loss` from each W, and the loss reached.

    W (..., hidden, feature) is left as it is; b (..., feature) starts at -0.09 and stays at or
    below zero, where the limit is finite. The steps are Adam's, at a rate that falls from 0.02
    to zero.
    """
    W = W.detach().double().clone().requires_grad_()
    root = torch.full_like(W[..., 0, :], 0.3).requires_grad_()  # b = -root²
    optimizer = torch.optim.Adam([W, root])
    for step in range(n_steps):
        optimizer.param_groups[0]["lr"] = 0.02 * (1 - step / n_steps)
        optimizer.zero_grad()
        sparse_limit_loss(W, -root.square(), importance).sum().backward()
        optimizer.step()
    W, b = W.detach(), -root.detach().square()
    return Optimum(W, b, sparse_limit_loss(W, b, importance))


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
