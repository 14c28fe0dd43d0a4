"""Exact expected losses: no samples, any number of features, derivatives of two orders.

An output of a ReLU model is y = ReLU(z), where z = b + Σ a_j x_j adds up independent terms, and
its loss needs E y² and E x_i y. There are two ways to them:

- a few independent features are integrated in closed form, one after the other;
- for more features, and for sets, z |z| is written as a Fourier series. The expectation of
  each of its waves is a product with one factor for each independent set of features.

`theory` looks for the minima of these losses.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from toyutils.features import AnticorrelatedFeatures, CorrelatedFeatures, IndependentFeatures

MOST_IN_CLOSED_FORM = 7  # features: beyond, the series is faster
_LONGEST_SERIES = 2**17
_BLOCK = 2**17  # elements of one tensor; some twenty of them live together

Distribution = IndependentFeatures | CorrelatedFeatures | AnticorrelatedFeatures


def expected_loss(
    W: Tensor,
    b: Tensor,
    sparsity: float | Tensor | Distribution,
    importance: Sequence[float] | Tensor | None = None,
    activation: str = "relu",
    *,
    tolerance: float = 1e-9,
) -> Tensor:
    """Return the exact expected reconstruction loss, shape (...), of W (..., hidden, feature).

    The model answers WᵀW x + b, or its ReLU: `activation` is "linear" or "relu". `b` is
    (..., feature). `sparsity` is that of independent features U[0, 1]; it and `importance`
    broadcast to (..., feature): one number, one for each feature, or one for each model and
    feature. A distribution of `features` may stand in its place: signed features, correlated
    or anti-correlated sets; its own `sparsity` (a float32 number) then broadcasts to (..., set).
    The result is float64 and can be differentiated twice with respect to W and b.

    Up to seven independent features are exact to rounding. Otherwise a feature's share is right
    to `tolerance` in [1e-12, 1e-3], or that times E z² where z, what the ReLU sees, is large.

    Raises ValueError when shapes do not fit, a value is out of range, or a distribution leaves
    points out; TypeError when it is none of the three.

    Source: notebook 03 for two features; the series is derived in `_by_series`.
    """
    if activation not in ("linear", "relu"):
        raise ValueError(f'activation is {activation!r}; give "linear" or "relu"')
    if not 1e-12 <= tolerance <= 1e-3:
        raise ValueError(f"tolerance is {tolerance}; give a number in [1e-12, 1e-3]")
    W, b, law, importance = check_model(W, b, sparsity, importance)
    if activation == "relu":
        return relu_loss(W, b, law, importance, tolerance)
    mean, covariance = law.moments()
    miss = torch.eye(W.shape[-1], dtype=b.dtype, device=b.device) - W.mT @ W
    spread = (miss @ covariance * miss).sum(-1)
    offset = (miss @ mean[..., None])[..., 0] - b
    return (importance * (spread + offset.square())).mean(-1)


def expected_untied_loss(
    W_in: Tensor,
    W_out: Tensor,
    b: Tensor,
    sparsity: float | Tensor | Distribution,
    importance: Sequence[float] | Tensor | None = None,
    *,
    tolerance: float = 1e-9,
) -> Tensor:
    """Return the exact expected loss (...) of y = ReLU(W_out W_in x + b), target x.

    `W_in` (..., hidden, feature), `W_out` (..., feature, hidden). What follows, and the errors,
    as in `expected_loss`, which is the case `W_out` = `W_in`ᵀ.

    Source: notebook 15.
    """
    through = torch.as_tensor(W_out).double() @ torch.as_tensor(W_in).double()
    through, b, law, importance = check_model(through, b, sparsity, importance)
    return _map_loss(through, b, law, importance, tolerance)


class Law(NamedTuple):
    """Describe a distribution: independent sets of features, each active with a probability.

    `density` (..., set) is that probability. `set_of` (feature,) says to which set a feature
    belongs. Of an active set all members are active (`together`), or one, each as likely. An
    active feature is U[0, 1], or U[-1, 1] if `signed`.
    """

    density: Tensor
    set_of: Tensor
    together: bool = True
    signed: bool = False

    @property
    def independent(self) -> bool:
        """Tell whether every feature is a set of its own."""
        return self.density.shape[-1] == len(self.set_of)

    @property
    def active_mean(self) -> float:
        """Return the mean of an active feature."""
        return 0.0 if self.signed else 0.5

    @property
    def active(self) -> Tensor:
        """Return the probability that a feature is active, (..., feature)."""
        size = 1 if self.together else self.set_of.bincount()[self.set_of]
        return self.density[..., self.set_of] / size

    def of(self, rows: Tensor) -> "Law":
        """Return the law of some of the rows that lead `density`."""
        return self._replace(density=self.density[rows])

    def moments(self) -> tuple[Tensor, Tensor]:
        """Return mean (..., feature) and covariance (..., feature, feature) of the features."""
        mean = self.active * self.active_mean
        same = (self.set_of[:, None] == self.set_of).to(mean)
        products = torch.diag_embed(self.active / 3)  # E x_i x_j within a set
        if self.together:
            other = same - torch.eye(len(same), dtype=mean.dtype, device=mean.device)
            products = products + mean[..., None] * self.active_mean * other
        return mean, products - same * mean[..., :, None] * mean[..., None, :]


def check_model(W, b, sparsity, importance) -> tuple[Tensor, Tensor, Law, Tensor]:
    """Return W, b, law and importance in float64, broadcast against each other.

    Raises ValueError when shapes do not fit or a value is out of range, TypeError when
    `sparsity` is neither numbers nor a distribution whose loss is known.
    """
    W = torch.as_tensor(W).to(torch.float64)
    if W.ndim < 2:
        raise ValueError(f"W has shape {tuple(W.shape)}; give (..., hidden, feature)")
    sparsity, set_of, options = _describe(sparsity, W.shape[-1])
    sizes = {"b": len(set_of), "sparsity": int(set_of[-1]) + 1, "importance": len(set_of)}
    given, lead = (b, sparsity, 1.0 if importance is None else importance), W.shape[:-2]
    checked = []
    for (name, size), value in zip(sizes.items(), given, strict=True):
        value = torch.as_tensor(value, dtype=torch.float64, device=W.device)
        if value.ndim and value.shape[-1] not in (1, size):
            what = "sets" if size < len(set_of) else "features"
            raise ValueError(
                f"{name} has shape {tuple(value.shape)}; its last size must be 1 or the number "
                f"of {what}, {size}"
            )
        try:
            lead = torch.broadcast_shapes(lead, value.shape[:-1])
        except RuntimeError:
            raise ValueError(
                f"{name} has shape {tuple(value.shape)}; it must broadcast with {(*lead, size)}"
            ) from None
        checked.append(value)
    b, sparsity, importance = (
        value.broadcast_to(*lead, size) for value, size in zip(checked, sizes.values(), strict=True)
    )
    if not ((sparsity >= 0) & (sparsity <= 1)).all():
        raise ValueError(f"sparsity is {given[1]}; it is a probability and lies in [0, 1]")
    if not ((importance >= 0) & (importance < math.inf)).all():
        raise ValueError(f"importance is {given[2]}; every importance is a number, 0 or more")
    for name, value in (("W", W), ("b", b)):
        if not value.isfinite().all():
            raise ValueError(f"{name} holds NaN or infinite entries; every entry must be finite")
    law = Law(1 - sparsity, set_of.to(W.device), **options)
    return W.expand(*lead, *W.shape[-2:]), b, law, importance


def _describe(data, n_features: int) -> tuple:
    """Return the sparsity in `data`, the set of each feature, and the options of `Law`."""
    if not hasattr(data, "batch"):
        return data, torch.arange(n_features), {}
    if not isinstance(data, Distribution):
        raise TypeError(
            f"sparsity is {type(data).__name__}; give numbers, IndependentFeatures, "
            "CorrelatedFeatures or AnticorrelatedFeatures"
        )
    if data.n_features != n_features:
        raise ValueError(f"sparsity has {data.n_features} features, and W {n_features}")
    if data.empty == "omitted":
        raise ValueError('empty is "omitted"; the exact loss counts empty points: "drawn"')
    sizes = torch.tensor(getattr(data, "set_sizes", (1,) * n_features))
    set_of = torch.arange(len(sizes)).repeat_interleave(sizes)
    together = not isinstance(data, AnticorrelatedFeatures)
    return data.sparsity, set_of, dict(together=together, signed=data.signed)


def relu_loss(W: Tensor, b: Tensor, law: Law, importance: Tensor, tolerance: float) -> Tensor:
    """Return the loss (...) of ReLU models as `expected_loss` does, given what is checked."""
    return _map_loss(W.mT @ W, b, law, importance, tolerance)


def _map_loss(overlap: Tensor, b: Tensor, law: Law, importance: Tensor, tolerance: float) -> Tensor:
    """Return the loss (...) of y = ReLU(overlap x + b): each row of `overlap` an output."""
    n = overlap.shape[-1]
    a, bias = overlap.reshape(-1, n), b.reshape(-1)
    own = torch.arange(n, device=b.device).expand(b.shape).reshape(-1)
    rows = law._replace(density=law.density[..., None, :].expand(*b.shape, -1).flatten(0, -2))
    if law.independent and not law.signed and n <= MOST_IN_CLOSED_FORM:
        blocks = torch.arange(len(own), device=b.device).split(max(1, _BLOCK // (n * 2**n)))
        error = _Blockwise.apply(
            lambda a, b, block: _in_closed_form(a, b, rows.density[block], own[block]),
            [(block,) for block in blocks], a, bias,
        )  # fmt: skip
    else:
        mean, covariance = law.moments()
        z_mean = b + (overlap @ mean[..., None])[..., 0]
        towards = overlap @ covariance  # covariance of z and every feature
        z_squared = z_mean.square() + (towards * overlap).sum(-1)
        xz = mean * z_mean + towards.diagonal(dim1=-2, dim2=-1)
        allowed = tolerance * z_squared.detach().reshape(-1).clamp(min=1)
        error = _by_series(a, bias, (z_squared - 2 * xz).reshape(-1), own, rows, allowed)
    return (importance * (law.active / 3 + error.reshape(b.shape))).mean(-1)


class _Blockwise(torch.autograd.Function):
    """Sum a function of rows (a, b) over blocks, keeping no more than the slope of each row.

    `blocks` lists the arguments (rows, …) of `function(a, b, rows, …)`, which returns one
    number for each row. The slope is taken at once and its graph dropped, so memory stays that
    of one block. For second derivatives the graph is built again.
    """

    @staticmethod
    def forward(context, function, blocks, a, b):
        value, slopes = torch.zeros_like(b), (torch.zeros_like(a), torch.zeros_like(b))
        needed = any(context.needs_input_grad)
        for rows, *rest in blocks:
            part = [of[rows].detach().requires_grad_(needed) for of in (a, b)]
            with torch.set_grad_enabled(needed):
                new = function(*part, rows, *rest)
                steps = torch.autograd.grad(new.sum(), part) if needed else ()
            value.index_add_(0, rows, new.detach())
            for slope, step in zip(slopes, steps, strict=False):
                slope.index_add_(0, rows, step)
        context.function, context.blocks = function, blocks
        context.save_for_backward(a, b, *slopes)
        return value

    @staticmethod
    def backward(context, gradient):
        a, b, *slopes = context.saved_tensors
        if torch.is_grad_enabled():
            parts = [context.function(a[r], b[r], r, *rest) for r, *rest in context.blocks]
            total = sum(part.sum() for part in parts)
            slopes = torch.autograd.grad(total, (a, b), create_graph=True)
        return None, None, gradient[:, None] * slopes[0], gradient * slopes[1]


def value_and_slope(function, at: Tensor) -> tuple[Tensor, Tensor]:
    """Return function(at), and the derivative of its sum, itself differentiable if `at` is."""
    with torch.enable_grad():
        at = at if at.requires_grad else at.detach().requires_grad_()
        value = function(at)
        total = value.sum()
    return value, torch.autograd.grad(total, at, create_graph=torch.is_grad_enabled())[0]


# A few independent features, in closed form.


def _in_closed_form(a: Tensor, b: Tensor, density: Tensor, own: Tensor) -> Tensor:
    """Return E y² - 2 E x_i y for each row, y = ReLU(b + a x) and i = `own`.

    The derivative of E y² with respect to a_i is 2 E x_i y.
    """
    y_squared, slope = value_and_slope(lambda a: _mean_square(a, b, density), a)
    return y_squared - slope.gather(-1, own[:, None])[:, 0]


def _mean_square(a: Tensor, b: Tensor, density: Tensor) -> Tensor:
    """Return E ReLU(b + a x)² for each row: a (row, feature), b (row,), density (row, feature).

    With F_k(z) = ReLU(z)^k / k!, an active feature turns F_k(z) into
    (F_{k+1}(z + a) - F_{k+1}(z)) / a. The sum over which features are inactive, at the lower or
    at the upper end grows to 2ⁿ⁻¹ places z, each with a coefficient for each k. The largest a
    comes first; where the smaller ones cannot bring z to the kink any more, F is a polynomial,
    and their moments finish the integral. So no place is ever divided by an a far smaller than
    z, and nothing cancels.
    """
    n = a.shape[-1]
    if n > 1:
        order = a.detach().abs().argsort(-1, descending=True)
        a, density = a.gather(-1, order), density.gather(-1, order)
    reach = a.detach().abs().flip(-1).cumsum(-1).flip(-1)
    z = b[:, None]
    terms = [torch.full_like(z, 2.0)]  # coefficients of F_2, F_3, …, each (row, place)
    total = torch.zeros_like(b)
    for d in range(n - 1):
        a_d, p = a[:, d, None], density[:, d, None]
        done = z.detach().abs() >= reach[:, d, None]
        if done.any():
            moments = _scaled_moments(a[:, d:], density[:, d:], d + 2)
            rest = torch.where(done & (z >= 0), _polynomial(z, terms, moments), 0)
            total = total + rest.sum(-1)
            terms = [torch.where(done, 0, c) for c in terms]
        weight = p / torch.where(a_d.abs() < 1e-25, 1, a_d)
        zero = torch.zeros_like(z)
        upper = [zero, *(weight * c for c in terms)]
        lower = [(1 - p) * c - u for c, u in zip([*terms, zero], upper, strict=True)]
        terms = [torch.cat(both, -1) for both in zip(lower, upper, strict=True)]
        z = torch.cat([z, z + a_d], -1)
    p = density[:, -1, None]
    active = segment_powers(z, a[:, -1, None], len(terms) + 1)
    inactive = z.clamp(min=0)
    power = inactive
    for k, c in enumerate(terms, start=2):
        power = power * inactive / k
        total = total + (c * ((1 - p) * power + p * active[k])).sum(-1)
    return total


def segment_powers(start: Tensor, slope: Tensor, highest: int) -> list[Tensor]:
    """Return ∫₀¹ ReLU(start + slope u)^k / k! du for k = 0 … `highest`, without cancellation.

    With x and y the ReLUs of the two ends, it is the share of the segment above zero, times
    Σ x^i y^(k-i) / (k + 1)!.
    """
    x, y = (start + slope).clamp(min=0), start.clamp(min=0)
    crossing = (x - y) / torch.where(slope.abs() < 1e-100, 1, slope)
    share = torch.where((x > 0) & (y > 0), 1, crossing)
    total = power = torch.ones_like(x)
    means = [share]
    for k in range(1, highest + 1):
        power = power * y
        total = total * x + power
        means.append(share * total / math.factorial(k + 1))
    return means


def _scaled_moments(a: Tensor, density: Tensor, highest: int) -> list[Tensor]:
    """Return E (a x)^m / m! for m = 0 … `highest`, each (row, 1)."""
    moments = [torch.ones_like(a[:, :1]), *[torch.zeros_like(a[:, :1])] * highest]
    for j in range(a.shape[-1]):
        a_j, p = a[:, j, None], density[:, j, None]
        one = [1, *(p * a_j**m / math.factorial(m + 1) for m in range(1, highest + 1))]
        moments = [sum(moments[m - i] * one[i] for i in range(m + 1)) for m in range(highest + 1)]
    return moments


def _polynomial(z: Tensor, terms: list[Tensor], moments: list[Tensor]) -> Tensor:
    """Return Σ_k c_k E (z + Y)^k / k! over k = 2, 3, …, given the moments of Y."""
    value, highest = 0, len(terms) + 1
    for m in range(highest, -1, -1):
        coefficient = sum(terms[k - 2] * moments[k - m] for k in range(max(m, 2), highest + 1))
        value = coefficient + value * z / (m + 1)
    return value


# Any number of features, by a Fourier series.


class _Few(NamedTuple):
    """Hold, for each row, how probable the states are that are taken out of the series.

    `none` (row,): no feature is active; `one` (row, feature): this one alone; `two`: this one
    and the row's own. Features with next to no overlap, `faint`, are not counted, active or
    not. What is taken out is a choice: any other state has probability 0 here.
    """

    none: Tensor
    one: Tensor
    two: Tensor
    faint: Tensor

    def of(self, rows: Tensor) -> "_Few":
        return _Few(*(part[rows] for part in self))


def _by_series(
    a: Tensor, b: Tensor, linear: Tensor, own: Tensor, law: Law, allowed: Tensor
) -> Tensor:
    """Return E y² - 2 E x_i y for each row, as `_in_closed_form` does, for any law.

    `linear` is E z² - 2 E x_i z. As ReLU(z) = (z + |z|) / 2, the answer is the mean of that
    and of E z|z| - 2 E x_i |z|. Where |z| <= R,

    z |z| = R z - (8 / π) Σ sin(ω z) / (k ω²) and |z| = R / 2 - (4 R / π²) Σ cos(ω z) / k²

    over k = 1, 3, 5, … with ω = π k / R, and E exp(iωz) is a product over sets. States of few
    active features would make the sums converge slowly: they are taken out and integrated.
    """
    low, high = _support(a.detach(), b.detach(), law)
    error = torch.where(low >= 0, linear, 0)
    bent = ((low < 0) & (high > 0)).nonzero()[:, 0]
    if not len(bent):
        return error
    mean = law.active * law.active_mean
    with torch.no_grad():
        few = _few_active(a, own, law)
        reach, n_terms = _plan(a, b, own, law, few, allowed, bent)

    def without_series(a, b, rows):
        z_mean, x_mean = b + (a * mean[rows]).sum(-1), mean[rows, own[rows]]
        integral, z_few, x_few = _integrate_few(a, b, own[rows, None], law.of(rows), few.of(rows))
        return integral + reach[rows] * (z_mean - z_few - (x_mean - x_few))

    def series(a, b, rows, first, last):
        k = 2 * torch.arange(first, last, dtype=b.dtype, device=b.device) + 1
        frequency = k * math.pi / reach[rows, None]
        u, xu = _waves(a[:, None, :] * frequency[:, :, None], own[rows], law.signed)
        turn = torch.polar(torch.ones_like(frequency), frequency * b[:, None])
        z_wave, x_wave = _remainder(u, xu, own[rows, None], law.of(rows), few.of(rows))
        z_part = (turn * z_wave).imag / (k * frequency.square())
        x_part = (turn * x_wave).real / k.square()
        return 8 / math.pi**2 * (reach[rows] * x_part.sum(-1) - math.pi * z_part.sum(-1))

    n = a.shape[-1]
    blocks = [(rows,) for rows in bent.split(max(1, _BLOCK // (8 * n)))]
    absolute = _Blockwise.apply(without_series, blocks, a, b)
    absolute = absolute + _Blockwise.apply(series, _blocks_of_terms(bent, n_terms, n), a, b)
    return error.index_copy(0, bent, ((linear + absolute) / 2)[bent])


def _support(a: Tensor, b: Tensor, law: Law) -> tuple[Tensor, Tensor]:
    """Return bounds of z = b + a x for each row."""
    if law.signed:
        reach = a.abs().sum(-1)
        return b - reach, b + reach
    return b + a.clamp(max=0).sum(-1), b + a.clamp(min=0).sum(-1)


def _few_active(a: Tensor, own: Tensor, law: Law) -> _Few:
    own, inactive, set_of = own[:, None], 1 - law.density, law.set_of
    alone = law.active  # the set is active, and in it this feature alone
    faint = torch.zeros_like(a, dtype=torch.bool)
    if law.independent:
        faint = (a.abs() <= 1e-13 * a.abs().amax(-1, keepdim=True)).scatter(-1, own, False)
        inactive, alone = torch.where(faint, 1, inactive), torch.where(faint, 0, alone)
    elif law.together:
        alone = alone * (set_of.bincount()[set_of] == 1)
    own_set = set_of[own]
    one = alone * _product_of_others(inactive)[:, set_of]
    beside = _product_of_others(inactive.scatter(-1, own_set, 1))[:, set_of]
    two = alone * alone.gather(-1, own) * beside * (set_of != own_set)
    if law.together:
        partner = (set_of == own_set).scatter(-1, own, False)
        two = torch.where(partner & (partner.sum(-1, keepdim=True) == 1), law.active * beside, two)
    return _Few(inactive.prod(-1), one, torch.where(two > 1e-18, two, 0), faint)


def _product_of_others(of: Tensor) -> Tensor:
    """Return for each column the product of all other columns."""
    one = torch.ones_like(of[:, :1])
    left = torch.cat([one, of[:, :-1]], -1).cumprod(-1)
    right = torch.cat([one, of.flip(-1)[:, :-1]], -1).cumprod(-1).flip(-1)
    return left * right


def _waves(angle: Tensor, own: Tensor, signed: bool) -> tuple[Tensor, Tensor]:
    """Return E exp(i s x) of every feature when active, and E x exp(i s x) of the row's own.

    `angle` s is (row, term, feature). With spherical Bessel functions j they are j0(s) and
    i j1(s) for U[-1, 1]; for U[0, 1] it is half that interval, moved by 1/2.
    """
    i = own[:, None, None].expand(*angle.shape[:2], 1)
    if signed:
        j1 = _Bessel.apply(angle.gather(-1, i)[..., 0], 1)
        return _Bessel.apply(angle, 0), torch.complex(torch.zeros_like(j1), j1)
    half = angle / 2
    j0 = _Bessel.apply(half, 0)
    u = torch.complex(half.cos() * j0, half.sin() * j0)
    half = half.gather(-1, i)[..., 0]
    turn = torch.complex(half.cos(), half.sin()) / 2
    return u, turn * torch.complex(_Bessel.apply(half, 0), _Bessel.apply(half, 1))


class _Bessel(torch.autograd.Function):
    """Spherical Bessel function j_l(s): right near 0, too, with derivatives of every order."""

    @staticmethod
    def forward(context, s, order):
        context.save_for_backward(s)
        context.order = order
        if order == 0:
            return torch.where(s == 0, 1, s.sin() / torch.where(s == 0, 1, s))
        small = s.abs() < 0.5
        safe = torch.where(small, 1, s)
        below, value = safe.cos() / safe, safe.sin() / safe
        for k in range(order):
            below, value = value, (2 * k + 1) / safe * value - below
        half_square, series = s.square() / 2, torch.ones_like(s)
        for m in range(7, 0, -1):
            series = 1 - half_square / (m * (2 * (order + m) + 1)) * series
        return torch.where(small, series * s**order / math.prod(range(1, 2 * order + 2, 2)), value)

    @staticmethod
    def backward(context, gradient):
        (s,), order = context.saved_tensors, context.order
        slope = -(order + 1) * _Bessel.apply(s, order + 1)
        if order:
            slope = slope + order * _Bessel.apply(s, order - 1)
        return gradient * slope / (2 * order + 1), None


def _remainder(u: Tensor, xu: Tensor, own: Tensor, law: Law, few: _Few) -> tuple[Tensor, Tensor]:
    """Return E exp(iω ax) and E x_i exp(iω ax), each (row, term), without the states in `few`.

    `u` (row, term, feature) and `xu` (row, term) are the same for a single active feature. All
    coefficients are positive: with bounds in place of u and xu the result is a bound.
    """
    set_of, density = law.set_of, law.density[:, None, :]
    own_set = set_of[own][:, None].expand(*u.shape[:2], 1)
    members, x_members = u, xu
    if not law.independent and law.together:
        sets = range(density.shape[-1])
        members = torch.stack([u[..., set_of == s].prod(-1) for s in sets], -1)
        partner = (set_of == set_of[own]).scatter(-1, own, False)
        x_members = xu * torch.where(partner[:, None, :], u, 1).prod(-1)
    elif not law.independent:
        size = set_of.bincount()
        members = u @ torch.nn.functional.one_hot(set_of).to(u) / size
        x_members = xu / size[own_set[..., 0]]
    factors = 1 - density + density * members
    others = factors.scatter(-1, own_set, 1).prod(-1)
    whole = others * factors.gather(-1, own_set)[..., 0]
    x_whole = others * x_members * density.gather(-1, own_set[:, :1])[..., 0]
    single, double = ((u @ of.to(u.dtype)[:, :, None])[..., 0] for of in (few.one, few.two))
    single, pair = single + few.none[:, None], xu * (few.one.gather(-1, own) + double)
    if few.faint.any():
        faint = torch.where(few.faint[:, None, :], factors, 1).prod(-1)
        single, pair = single * faint, pair * faint
    return whole - single, x_whole - pair


def _integrate_few(
    a: Tensor, b: Tensor, own: Tensor, law: Law, few: _Few
) -> tuple[Tensor, Tensor, Tensor]:
    """Return E z|z| - 2 E x_i|z|, E z and E x_i over the states in `few`, each (row,).

    The derivative of E z|z| with respect to a_i is 2 E x_i|z|.
    """
    m, (none, one, two, faint) = law.active_mean, few
    mean = law.active * m
    b = (b + torch.where(faint, a * mean, 0).sum(-1))[:, None]
    variance = torch.where(faint, (law.active / 3 - mean.square()) * a.square(), 0)
    variance = variance.sum(-1, keepdim=True)

    def ends(b, *slopes):  # start, slopes upwards from there
        return (b - sum(slopes), *(2 * a for a in slopes)) if law.signed else (b, *slopes)

    def segment(a):
        start, slope = ends(b, a)
        above, below = segment_powers(start, slope, 2), segment_powers(-start, -slope, 2)
        return 2 * (above[2] - below[2]) + variance * (above[0] - below[0])

    def with_own(a_own):
        value = alone * segment(a_own)
        if (two > 0).any():
            start, *slopes = ends(b.expand_as(a), a_own.expand_as(a), a)
            slopes, start = torch.stack(slopes, -1).flatten(0, 1), start.flatten()
            sure = torch.ones_like(slopes)

            def pairs(start):
                return _mean_square(slopes, start, sure) - _mean_square(-slopes, -start, sure)

            both = pairs(start)
            if faint.any():  # half the second derivative is E sign z
                bend = value_and_slope(lambda start: value_and_slope(pairs, start)[1], start)[1]
                both = both + variance.expand_as(a).flatten() * bend / 2
            value = value + (two * both.reshape(a.shape)).sum(-1, keepdim=True)
        return value

    alone = one.gather(-1, own)
    slope = value_and_slope(with_own, a.gather(-1, own))[1]
    z_z = none[:, None] * (b * b.abs() + variance * b.sign()) - slope
    z_few = none + one.sum(-1)
    z_few = z_few * b[:, 0] + m * (one * a).sum(-1)
    return z_z[:, 0] + (one * segment(a)).sum(-1), z_few, m * (alone[:, 0] + two.sum(-1))


def _plan(a, b, own, law, few, allowed, rows) -> tuple[Tensor, Tensor]:
    """Return R, and how many terms keep the error of `rows` below `allowed`, both (row,)."""
    low, high = _support(a, b, law)
    reach, n_terms = torch.maximum(-low, high), torch.zeros_like(own)
    for part in rows.split(max(1, _BLOCK // (8 * a.shape[-1]))):
        here = a[part], b[part], own[part, None], law.of(part)
        reach[part] = reach[part].minimum(_likely_reach(*here, reach[part], allowed[part]))
        share = allowed[part] * reach[part].clamp(max=1)  # small rows keep their slopes right
        n_terms[part] = _terms_needed(here[0], *here[2:], few.of(part), reach[part], share)
    return reach, n_terms


def _likely_reach(a, b, own, law, reach, allowed) -> Tensor:
    """Return R such that |z| > R adds less than a thousandth of `allowed` (Chernoff's bound)."""
    theta = torch.arange(-4, 6, dtype=b.dtype, device=b.device).exp2()
    theta = torch.cat([theta, -theta]) / a.abs().amax(-1, keepdim=True)
    s = theta[:, :, None] * a[:, None, :]
    s = torch.where(s == 0, 1e-30, s)
    u = torch.sinh(s) / s if law.signed else torch.expm1(s) / s
    nothing = torch.zeros_like(a)
    nothing = _Few(nothing[:, 0], nothing, nothing, nothing > 0)
    growth = _remainder(u, u[..., 0], own, law, nothing)[0].log()
    surprise = (4e3 * reach.square() / allowed).clamp(min=4e3).log()[:, None]
    bound = b[:, None] * theta.sign() + (growth + surprise) / theta.abs()
    return bound.nan_to_num(math.inf).unflatten(-1, (2, -1)).amin(-1).amax(-1)


def _terms_needed(a, own, law, few, reach, allowed) -> Tensor:
    """Return the least number of terms, 16, 20, 25, …, whose tail is below `allowed`, (row,).

    Each wave is bounded by |E exp(isx)| <= min(1, 2 / |s|), and the tail beyond K terms by
    R² M / (4 π³ K²) + R M_x / (π² K) with M and M_x the bounds of the two products there. The
    tail of the slope with respect to b is to stay below `allowed` to the power of 2/3.
    """
    count = torch.arange(12, 3 * math.log2(_LONGEST_SERIES) + 1, dtype=a.dtype, device=a.device)
    count = (count / 3).exp2().floor()
    R, allowed = reach[:, None], allowed[:, None]
    s = (2 * math.pi * count / R)[:, :, None] * a[:, None, :].abs()
    u = (1.0 if law.signed else 2.0) / s.clamp(min=1e-30)
    xu = u.gather(-1, own[:, None].expand(*s.shape[:2], 1))[..., 0].clamp(max=0.5)
    M, M_x = (bound.clamp(min=0) for bound in _remainder(u.clamp(max=1), xu, own, law, few))
    error = R.square() * M / (4 * math.pi**3 * count**2) + R * M_x / (math.pi**2 * count)
    slope = R * M / (math.pi**2 * count) + 2 / math.pi * M_x
    short = (error > allowed) | (slope > allowed ** (2 / 3))
    return count[short.sum(-1).clamp(max=len(count) - 1)].long()


def _blocks_of_terms(rows: Tensor, n_terms: Tensor, n_features: int) -> list[tuple]:
    """Return (rows, first, last) for `_Blockwise`: rows with like numbers of terms together."""
    rows = rows[n_terms[rows].argsort(descending=True)]
    blocks, at_once, start = [], max(1, _BLOCK // n_features), 0
    while start < len(rows):
        longest = int(n_terms[rows[start]])
        block = rows[start : start + max(1, at_once // longest)]
        steps = range(0, longest, at_once)
        blocks += [(block, first, min(first + at_once, longest)) for first in steps]
        start += len(block)
    return blocks
