"""Checks of notebook 05: the pentagon."""

import math

import torch

from toyutils.exercises._call import Wrong, require_function, value
from toyutils.exercises._check import Formula, exercise, generator, integer, number, rounding
from toyutils.exercises._progress import functions_of
from toyutils.exercises.concepts import concepts_of


@exercise("5.1")
def check_gaps_in_degrees(seed):
    """Check exercise 5.1: `gaps_in_degrees(W)`, the sorted gaps between arrows, all the way round.

    W (2, feature) -> (feature,), in degrees, smallest first.
    """

    def angles(W):
        return torch.rad2deg(torch.atan2(W[1], W[0]))

    def round_trip(angle):
        angle = angle.sort().values
        return torch.cat([angle, angle[:1] + 360]).diff()

    def expected(W):
        return round_trip(angles(W)).sort().values

    mistakes = {
        "these are radians; multiply by 180 / π, or use `torch.rad2deg`.": (
            lambda W: torch.deg2rad(expected(W))
        ),
        "one gap is missing: the one from the last arrow round to the first.": (
            lambda W: angles(W).sort().values.diff().sort().values
        ),
        "the arrows must be sorted by angle before neighbours are subtracted.": (
            lambda W: torch.cat([angles(W), angles(W)[:1] + 360]).diff().sort().values
        ),
        "the gaps are right, but not sorted from smallest to largest.": (
            lambda W: round_trip(angles(W))
        ),
        "from smallest to largest, not from largest to smallest.": (lambda W: expected(W).flip(0)),
        "these are the angles of the arrows. The gaps are the differences between neighbours.": (
            lambda W: angles(W).sort().values
        ),
        "the arc tangent of y / x cannot tell an arrow from its opposite; there is a function of "
        "two arguments that can.": (
            lambda W: round_trip(torch.rad2deg(torch.atan(W[1] / W[0]))).sort().values
        ),
    }
    random = generator(seed)
    sizes = [n + integer(0, 2, random) for n in (5, 3, 4, 7)]
    cases = [(torch.randn(2, n, generator=random),) for n in sizes]
    # All arrows on one side, so that one gap is wider than 180°.
    crowded = torch.randn(2, 4, generator=random)
    cases.append((torch.stack([crowded[0].abs() + 0.3, crowded[1]]),))
    hint = "the gaps are all positive and add up to 360."
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("5.3")
def check_two_pairs_loss(seed):
    """Check exercise 5.3: `two_pairs_loss(sparsity, importance)`, two antipodal pairs in 5 → 2.

    sparsity a number, importance (5,) -> number.
    """

    def loss(p, importance, pair, dropped):
        return importance[:4].sum() * pair + importance[4] * dropped

    def expected(sparsity, importance):
        p = 1 - sparsity
        return loss(p, importance, p**2 / 6, p / 3) / 5

    def with_density(formula):
        return lambda sparsity, importance: formula(1 - sparsity, importance)

    mistakes = {
        "you used the sparsity where the density p = 1 - S belongs.": (
            lambda S, I: loss(S, I, S**2 / 6, S / 3) / 5
        ),
        "you summed over the features; the loss is the mean over the five.": with_density(
            lambda p, I: loss(p, I, p**2 / 6, p / 3)
        ),
        "the dropped feature is missing: it is answered with 0 and costs I_4 p/3.": with_density(
            lambda p, I: loss(p, I, p**2 / 6, 0) / 5
        ),
        "the dropped feature is answered with 0, not with its mean (b = 0): it costs E[x²] = p/3, "
        "not the variance.": with_density(lambda p, I: loss(p, I, p**2 / 6, p / 3 - p**2 / 4) / 5),
        "a pair is wrong only when *both* are active: chance p², not p.": with_density(
            lambda p, I: loss(p, I, p / 6, p / 3) / 5
        ),
        "each feature of a pair costs p²/6; you counted p²/3, the cost of the pair, for each.": (
            with_density(lambda p, I: loss(p, I, p**2 / 3, p / 3) / 5)
        ),
        "you counted each pair once; both of its features are wrong when both are active.": (
            with_density(lambda p, I: loss(p, I, p**2 / 12, p / 3) / 5)
        ),
        "the importances are not used.": with_density(
            lambda p, I: (4 * p**2 / 6 + p / 3) / 5 + 0 * I[0]
        ),
        "you divided by 4; the mean is over all five features, the dropped one too.": with_density(
            lambda p, I: loss(p, I, p**2 / 6, p / 3) / 4
        ),
    }
    random = generator(seed)
    cases = [
        (0.9, 0.7 ** torch.arange(5.0)),
        *((number(0.05, 0.6, random), torch.rand(5, generator=random)) for _ in range(3)),
    ]
    hint = "set all importances but one to 0, and look at each feature alone."
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("5.2")
def check_polygon(seed):
    """Check exercise 5.2: `polygon(k, radius)` -> (2, k), a regular k-gon turned by any angle."""

    def judge(answer):
        require_function(answer, lambda k, radius: None)
        random = generator(seed)
        corners = (5, integer(3, 4, random), integer(6, 9, random))
        cases = [(k, number(1.1, 2.0, random)) for k in corners]
        for k, radius in cases:
            _require_polygon(value(answer, k, radius), k, radius)
        return f"All {len(cases)} polygons are regular."

    return judge


def _require_polygon(W, k, radius):
    """Raise Wrong with the mistake seen, unless W (2, k) is a regular k-gon in order."""
    asked = f"For k = {k}, radius = {radius:.4g}: "
    if tuple(W.shape) == (k, 2):
        raise Wrong(f"{asked}got shape {(k, 2)}; corners are the columns, shape {(2, k)}.")
    if tuple(W.shape) != (2, k):
        raise Wrong(f"{asked}expected shape {(2, k)}, got shape {tuple(W.shape)}.")
    tolerance = max(1e-4, rounding(W))
    W = W.double()
    lengths = W.norm(dim=0)
    if ((lengths - 1).abs() < tolerance).all() and radius != 1:
        raise Wrong(f"{asked}every corner has length 1. Multiply by the radius.")
    if ((lengths - radius).abs() > tolerance * radius).any():
        raise Wrong(
            f"{asked}the corners have lengths from {lengths.min():.4g} to {lengths.max():.4g}."
        )
    angle = torch.rad2deg(torch.atan2(W[1], W[0]))
    turns = (angle.roll(-1) - angle + 180) % 360 - 180  # from each corner to the next
    if (turns.abs() - 360 / k).abs().max() < 100 * tolerance and turns.sum().abs() > 359:
        return
    seen = turns[0].item()
    hint = "Once round, all steps from corner to corner are equal."
    if abs(abs(seen) - 180 / k) < 1e-2:
        hint = "That is half the step: a full circle is 2π, not π."
    elif abs(abs(seen) - 360 / (k - 1)) < 1e-2:
        hint = "The last corner fell on the first: k corners make k steps, not k - 1."
    elif abs(seen - math.degrees(math.remainder(360 / k, 2 * math.pi))) < 1e-2:
        hint = "`cos` and `sin` take radians, not degrees."
    raise Wrong(
        f"{asked}the first two corners are {seen:.4g}° apart; 360/{k} = {360 / k:.4g}° "
        f"is expected.\n"
        f"Hint: {hint}"
    )


@exercise("5.4")
def check_seeds_needed(seed):
    """Check exercise 5.4: `seeds_needed(share, error)`, the smallest number of seeds."""

    def expected(share, error):
        return math.ceil(share * (1 - share) / error**2)

    mistakes = {
        "the number of seeds must be whole, and large enough.": lambda q, e: q * (1 - q) / e**2,
        "rounding down leaves the error slightly too large.": (
            lambda q, e: math.floor(q * (1 - q) / e**2)
        ),
        "rounding to the nearest number can leave the error slightly too large.": (
            lambda q, e: round(q * (1 - q) / e**2)
        ),
        "where the formula gives a whole number, that number is enough: you return one more.": (
            lambda q, e: math.floor(q * (1 - q) / e**2) + 1
        ),
        "the error enters squared: half the error takes four times the seeds.": (
            lambda q, e: math.ceil(q * (1 - q) / e)
        ),
        "the share alone is not enough: a share near 1 is as certain as one near 0.": (
            lambda q, e: math.ceil(q / e**2)
        ),
        "there is a root too many: it goes away when you solve for the number.": (
            lambda q, e: math.ceil(math.sqrt(q * (1 - q)) / e)
        ),
        "1 / e² seeds do for any share, but fewer are enough: use the share.": (
            lambda q, e: math.ceil(1 / e**2)
        ),
        "q (1 - q) is at most 1/4, and you used that. Use the share that is given.": (
            lambda q, e: math.ceil(0.25 / e**2)
        ),
    }
    random = generator(seed)
    # In the second and third a whole number does exactly, and in any order of the operations.
    cases = [(0.0625, 0.021), (0.5, 0.125), (0.25, 0.0625)]
    cases += [(q, number(0.011, 0.04, random)) for q in (0.45, 0.83, 0.95, 0.1)]
    hint = (
        "put your number, and one seed less, into the formula of the text: only the first may do."
    )
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("5.5")
def check_largest_unseen_share(seed):
    """Check exercise 5.5: `largest_unseen_share(n_seeds)`, the share that none of N rules out."""

    def expected(n_seeds):
        return 1 - 0.05 ** (1 / n_seeds)

    mistakes = {
        "that is the probability that one seed misses the outcome; its share is the rest.": (
            lambda n: 0.05 ** (1 / n)
        ),
        "3 / N is close, but a rule of thumb: solve the equation.": lambda n: 3 / n,
        "that is the chance that a single seed shows it, divided by N: seeds multiply.": (
            lambda n: 0.05 / n
        ),
        "you used 95 %; with that probability the outcome should be seen, not missed.": (
            lambda n: 1 - 0.95 ** (1 / n)
        ),
        "one outcome in N + 1 is a guess that holds for no probability in particular.": (
            lambda n: 1 / (n + 1)
        ),
        "the root is of order N, not 2: each of the N seeds has to miss.": (
            lambda n: 1 - math.sqrt(0.05)
        ),
    }
    random = generator(seed)
    cases = [(1,), (64,)]
    cases += [(integer(low, 3 * low, random),) for low in (5, 30, 200)]
    hint = "put your share into the probability that no seed shows it: it should be 0.05."
    return Formula(cases, expected, mistakes, hint=hint)


check_concepts = concepts_of("05")
answer, outcome, predict, prediction, progress = functions_of("05")
