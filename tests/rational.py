"""Expected losses in exact arithmetic: every float is a fraction. Shares no code with toyutils."""

from fractions import Fraction
from itertools import product
from math import factorial


def states_of_independent(sparsity):
    """Return [(probability, active features)] of independent features."""
    sparsity = [Fraction(S) for S in sparsity]
    states = []
    for mask in product([False, True], repeat=len(sparsity)):
        probability = Fraction(1)
        for active, S in zip(mask, sparsity, strict=True):
            probability *= 1 - S if active else S
        states.append((probability, tuple(j for j, active in enumerate(mask) if active)))
    return [state for state in states if state[0]]


def states_of_sets(set_sizes, sparsity, together):
    """Return [(probability, active features)] of correlated or anti-correlated sets."""
    states, first = [(Fraction(1), ())], 0
    for size, S in zip(set_sizes, sparsity, strict=True):
        S, members = Fraction(S), tuple(range(first, first + size))
        choices = [(S, ())]
        if together:
            choices.append((1 - S, members))
        else:
            choices += [((1 - S) / size, (j,)) for j in members]
        states = [(p * q, old + new) for p, old in states for q, new in choices if p * q]
        first += size
    return states


def expected_loss(W, b, states, importance, signed=False):
    """Return the loss of a ReLU model: W (hidden)(feature), b, importance; numbers or fractions."""
    n = len(b)
    W = [[Fraction(w) for w in row] for row in W]
    total = Fraction(0)
    for i in range(n):
        overlap = [sum(row[i] * row[j] for row in W) for j in range(n)]
        for probability, active in states:
            start, slopes = Fraction(b[i]), [overlap[j] for j in active]
            if signed:  # x = 2u - 1
                start, slopes = start - sum(slopes), [2 * a for a in slopes]
            error = _relu_moment(start, slopes, 2)
            if i in active:
                xy = _relu_moment(start, slopes, 1, times=active.index(i))
                if signed:
                    xy = 2 * xy - _relu_moment(start, slopes, 1)
                error += Fraction(1, 3) - 2 * xy
            total += Fraction(importance[i]) * probability * error
    return total / n


def _relu_moment(start, slopes, power, times=None):
    """Return E [u_times] ReLU(start + Σ slope u)^power over u ~ U[0, 1], one u after the other.

    A term is weight · ReLU(z)^k / k!, and an integral over u takes it to k + 1 at both ends.
    """
    terms = {(start, power): Fraction(factorial(power))}
    for j, a in enumerate(slopes):
        new = {}
        for (z, k), weight in terms.items():
            if a == 0:
                steps = [(z, k, Fraction(1, 2) if j == times else 1)]
            elif j == times:  # by parts
                steps = [(z + a, k + 1, 1 / a), (z + a, k + 2, -1 / a**2), (z, k + 2, 1 / a**2)]
            else:
                steps = [(z + a, k + 1, 1 / a), (z, k + 1, -1 / a)]
            for place, order, factor in steps:
                new[place, order] = new.get((place, order), 0) + weight * factor
        terms = new
    positive = ((z, k, weight) for (z, k), weight in terms.items() if z > 0)
    return sum((weight * z**k / factorial(k) for z, k, weight in positive), Fraction(0))


def gradient(W, b, states, importance, step=Fraction(1, 10**25)):
    """Return the slope with respect to W and b, flat: differences so small that nothing is left."""
    theta = [Fraction(w) for row in W for w in row] + [Fraction(value) for value in b]
    n = len(b)

    def loss(theta):
        rows = [theta[k : k + n] for k in range(0, len(theta) - n, n)]
        return expected_loss(rows, theta[-n:], states, importance)

    slope = []
    for k in range(len(theta)):
        up, down = theta[:], theta[:]
        up[k], down[k] = theta[k] + step, theta[k] - step
        slope.append(float((loss(up) - loss(down)) / (2 * step)))
    return slope
