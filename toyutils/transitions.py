"""Where the best model of two features and one number changes: equations and exact roots.

`certify` says which loss is the lowest; here are the densities at which two minima of the loss
cost the same, and those at which a minimum ends. The loss is a rational function on each of its
pieces, so they are algebraic numbers. Where no more than two unknowns are left, a resultant
eliminates one, and the density is a root of one polynomial. Elsewhere all equations are kept,
and Krawczyk's test proves that a small box holds exactly one of their solutions: it is computed
with intervals that are rounded outwards.

Features are x and y, with a weight of either sign. Feature x answers ReLU(k z) where z =
t x - y + s: t is its weight over the other's, k the product of both, s its bias over k. Feature
y has 1 / t for t, and a shift of its own. sympy and mpmath come with torch.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import mpmath
import sympy
from sympy import Expr, Poly, Rational, Symbol

p, t, k, s, s_y = sympy.symbols("p t k s s_y", positive=True)
VARIANCE = p / 3 - p**2 / 4
PAIR = (k, t, s, s_y)
_DIGITS = 40
_HALF = Rational(1, 2)


class Root(NamedTuple):
    """Hold an isolated density: it lies in [`low`, `high`], and no other solution does.

    `polynomial` has it as a root, where one was computed. `others`: intervals (low, high) of the
    other unknowns.
    """

    low: float
    high: float
    polynomial: Poly | None = None
    others: dict[Symbol, tuple[float, float]] | None = None


def moments(clipped: str) -> tuple[Expr, Expr]:
    """Return E x z₊ and E z₊² for z = t x - y + s, both features with density p, s > 0.

    Where x and y are active, z < 0 on a "triangle" of the square (s < 1 < t + s), on a
    "trapezoid" (t + s < 1), or on "nothing" of it (s > 1): that is `clipped`.

    Raises ValueError when it is none of the three.
    """
    last = {"triangle": (1 - s) / t, "trapezoid": 1, "nothing": 0}
    if clipped not in last:
        raise ValueError(f"clipped is {clipped!r}; give one of {', '.join(last)}")
    x, y = sympy.symbols("x y")
    z, made = t * x - y + s, []
    for f, constant in ((x * z, 0), (z**2, s**2)):
        both = _integral(_integral(f, y, 0, 1), x, 0, 1)
        alone = _integral(f.subs(y, 0), x, 0, 1) + _integral(f.subs(x, 0), y, 0, 1)
        if clipped != "nothing":
            both -= _integral(_integral(f, y, s + t * x, 1), x, 0, last[clipped])
            alone -= _integral(f.subs(x, 0), y, s, 1)
        made.append(p**2 * both + p * (1 - p) * alone + (1 - p) ** 2 * constant)
    return sympy.factor(made[0]), sympy.factor(made[1])


def pair_loss(clipped_x: str, clipped_y: str, ratio: Rational) -> Expr:
    """Return the sum of importance × loss, of a pair with importances 1 of x and `ratio` of y."""
    x, y = (
        k**2 * square - 2 * k * product for product, square in map(moments, (clipped_x, clipped_y))
    )
    y = y.subs({t: 1 / t, s: s_y}, simultaneous=True)
    return x + ratio * y + (1 + ratio) * p / 3


def equal_pair_until() -> Root:
    """Return the density up to which the equal pair is a minimum at ratio 1.

    There the loss stops to rise when one weight grows and the other shrinks: the determinant of
    its second derivatives along log t and s, of one feature alone, is zero.
    """
    product, square = moments("triangle")
    f = k**2 * square - 2 * k * product
    along = t * sympy.diff(f, t)
    hessian = t * sympy.diff(along, t) * sympy.diff(f, s, 2) - sympy.diff(along, s) ** 2
    best_k = (product / square).subs(t, 1)
    curvature = _numerator(hessian.subs(t, 1).subs(k, best_k))
    slope = _numerator(sympy.diff(f, s).subs(t, 1).subs(k, best_k))
    return _common_root(curvature, slope, s, (0.65, 0.8))


def dropped_until(ratio: Rational = _HALF) -> Root:
    """Return the density down to which the model that leaves y out is a minimum.

    Let y have the weight -e. With the best a = 1 + u e and bias v e, feature x then costs
    g(u, v) e², up to e³, and feature y saves `ratio` × variance × e²: who is larger?
    """
    u, v, x, y = sympy.symbols("u v x y")
    cost = (1 - p) ** 2 * v**2 + p * (1 - p) * (v**3 / 3 + _integral((u * x + v) ** 2, x, 0, 1))
    cost += p**2 * _integral(_integral((u * x - y + v) ** 2, x, 0, 1), y, 0, 1)
    [best_u] = sympy.solve(sympy.diff(cost, u), u)
    cost, slope = cost.subs(u, best_u), sympy.diff(cost, v).subs(u, best_u)
    balance = _numerator(cost - ratio * VARIANCE)
    return _common_root(balance, _numerator(slope), v, (0.3, 0.6))


def crossing_with_dropped() -> Root:
    """Return the density where pair and left-out feature cost the same, at ratio 1/2."""
    loss = pair_loss("triangle", "trapezoid", _HALF)
    equations = [*_slopes(loss, PAIR), _numerator(loss - _HALF * VARIANCE)]
    return isolated(equations, (*PAIR, p), (0.782, 1.37, 0.0665, 0.2375, 0.4846))


def crossing_of_pairs() -> Root:
    """Return p*: equal and unequal pair cost the same, at ratio 1."""
    loss, k_even, s_even = pair_loss("triangle", "triangle", 1), *sympy.symbols("k_e s_e")
    even = loss.subs({t: 1, s: s_even, s_y: s_even, k: k_even}, simultaneous=True)
    equations = [*_slopes(loss, PAIR), *_slopes(even, (k_even, s_even)), _numerator(loss - even)]
    guess = (0.47264, 1.77439, 0.41851, 0.89969, 0.7064, 0.57008, 0.58542)
    return isolated(equations, (*PAIR, p, k_even, s_even), guess)


def fold(clipped_x: str, clipped_y: str, ratio: Rational, guess: Sequence[float]) -> Root:
    """Return the density near `guess` where a pair ends as a minimum: it meets a saddle.

    There some direction (k', 1, s', s_y') is a null vector of the second derivatives. `guess`
    holds k, t, s, s_y, p and k', s', s_y'.
    """
    k_1, s_1, s_2 = direction = sympy.symbols("k_1 s_1 s_2")
    slopes = _slopes(pair_loss(clipped_x, clipped_y, ratio), PAIR)
    null = sympy.Matrix(slopes).jacobian(PAIR) * sympy.Matrix([k_1, 1, s_1, s_2])
    return isolated([*slopes, *null.expand()], (*PAIR, p, *direction), guess)


def folds() -> dict[str, Root]:
    """Return where pairs end: with rising density, with falling density, and unequal ones."""
    return {
        "pair, r = 1/2": fold("triangle", "triangle", _HALF,
            (0.616, 1.7143, 0.0896, 0.4191, 0.50531, -0.378, 0.030, 0.449)),
        "faint feature, r = 1/2": fold("triangle", "triangle", _HALF,
            (0.266, 3.8955, 0.0640, 0.9558, 0.42471, -0.0689, -0.0032, 0.2256)),
        "unequal pair, r = 1": fold("triangle", "triangle", 1,
            (0.4984, 1.6144, 0.4347, 0.8325, 0.70225, -0.157, -0.146, 0.385)),
    }  # fmt: skip


def isolated(equations: list[Expr], unknowns: Sequence[Symbol], guess: Sequence[float]) -> Root:
    """Return the solution of polynomial equations near `guess`, in a box proved to hold only it.

    With m the solution up to rounding, Y about the inverse of the Jacobian matrix J there and X
    a box round m, Krawczyk's K = m - Y f(m) + (1 - Y J(X)) (X - m) holds every solution in X. If
    K lies inside X there is exactly one. The equations must have whole coefficients.

    Raises ArithmeticError when K does not.
    """
    with mpmath.workdps(_DIGITS):
        mpmath.iv.dps, n = _DIGITS, len(unknowns)
        jacobian = sympy.Matrix(equations).jacobian(unknowns).tolist()
        f, J = (sympy.lambdify(unknowns, e, modules=[{}], cse=True) for e in (equations, jacobian))
        root = mpmath.findroot(lambda *at: f(*at), guess, J=lambda *at: mpmath.matrix(J(*at)))
        radius = mpmath.mpf(10) ** -15
        X = [mpmath.iv.mpf([x - radius, x + radius]) for x in root]
        m = [mpmath.iv.mpf(x) for x in root]
        Y = mpmath.iv.matrix((mpmath.matrix(J(*root)) ** -1).tolist())
        away = mpmath.iv.matrix([x - y for x, y in zip(X, m, strict=True)])
        defect = mpmath.iv.eye(n) - Y * mpmath.iv.matrix(J(*X))
        K = mpmath.iv.matrix(m) - Y * mpmath.iv.matrix(f(*m)) + defect * away
        if not all(x.a < y.a and y.b < x.b for x, y in zip(X, K, strict=True)):
            raise ArithmeticError(
                f"no single solution is proved near {list(guess)}; mend the guess"
            )
    low_high = {name: _outwards(x.a, x.b) for name, x in zip(unknowns, X, strict=True)}
    return Root(*low_high.pop(p), others=low_high)


def _common_root(one: Expr, other: Expr, unknown: Symbol, between: tuple) -> Root:
    """Return the one density `between` two that makes both polynomials zero, by a resultant."""
    shared = sympy.gcd(one, other)
    one, other = (Poly(sympy.cancel(f / shared), unknown, p) for f in (one, other))
    low, high = (Rational(str(end)) for end in between)
    roots = []
    for factor, _ in sympy.factor_list(one.resultant(other).as_expr())[1]:
        polynomial = Poly(factor, p)
        isolated_roots = polynomial.intervals(eps=Rational(1, 10**15), inf=low, sup=high)
        roots += [Root(*_outwards(first, last), polynomial) for (first, last), _ in isolated_roots]
    if len(roots) != 1:
        raise ArithmeticError(
            f"{len(roots)} roots lie between {low} and {high}; give another range"
        )
    return roots[0]


def _outwards(low: Rational, high: Rational) -> tuple[float, float]:
    return math.nextafter(float(low), -math.inf), math.nextafter(float(high), math.inf)


def _integral(f: Expr, variable: Symbol, low: Expr, high: Expr) -> Expr:
    return sympy.integrate(sympy.expand(f), (variable, low, high))


def _numerator(f: Expr) -> Expr:
    """Return a polynomial with whole coefficients that is zero where f is."""
    return sympy.expand(sympy.fraction(sympy.together(f))[0])


def _slopes(f: Expr, unknowns: Sequence[Symbol]) -> list[Expr]:
    return [_numerator(sympy.diff(f, name)) for name in unknowns]
