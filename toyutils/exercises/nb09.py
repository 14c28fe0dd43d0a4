"""Checks of notebook 09: phase change."""

import torch

from toyutils.exercises._check import Formula, exercise, generator, integer, number
from toyutils.exercises._progress import functions_of
from toyutils.exercises.concepts import concepts_of


@exercise("9.1")
def check_three_prototypes(seed):
    """Check exercise 9.1: `three_prototypes(density, ratio)`, losses summed over two features.

    In this order: keep only the first, keep only the second, antipodal pair; (3,).
    """

    def losses(p, r):
        variance = p / 3 - p**2 / 4
        return torch.tensor([r * variance, variance, (1 + r) * p**2 / 6])

    def expected(density, ratio):
        return losses(density, ratio)

    mistakes = {
        "keeping the first feature loses the second: its importance is the ratio.": (
            lambda p, r: losses(p, r)[[1, 0, 2]]
        ),
        "the importance of the second feature, the ratio, is missing.": lambda p, r: losses(p, 1),
        "in an antipodal pair both features err, each with its importance.": (
            lambda p, r: losses(p, r) * torch.tensor([1, 1, 1 / (1 + r)])
        ),
        "the bias answers the mean: an ignored feature costs its variance, not E[x²].": (
            lambda p, r: torch.tensor([r * p / 3, p / 3, (1 + r) * p**2 / 6])
        ),
        "sums are asked here; do not divide by the number of features.": (
            lambda p, r: losses(p, r) / 2
        ),
        "the antipodal pair errs only when *both* are active, not whenever one is.": (
            lambda p, r: torch.tensor([*losses(p, r)[:2], (1 + r) * p / 6])
        ),
        "one feature of the pair costs half of what you have: the 1/6 of notebook 03 was a mean.": (
            lambda p, r: torch.tensor([*losses(p, r)[:2], (1 + r) * p**2 / 3])
        ),
    }
    hint = "at a density of 1 an ignored feature of importance 1 costs 1/12."
    random = generator(seed)
    cases = [(number(0.1, 0.9, random), number(0.2, 0.7, random)) for _ in range(4)]
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("9.2")
def check_boundary(seed):
    """Check exercise 9.2: `boundary(density)`, the ratio at which two losses are equal."""

    def expected(density):
        return 2 * density / (4 - 5 * density)

    mistakes = {
        "that is turned over: the ratio is the importance of the ignored feature, the second.": (
            lambda p: 1 / expected(p)
        ),
        "both features of the pair err, not only the first.": lambda p: 2 * p / (4 - 3 * p),
        "you used E[x²] for the ignored feature, as if the bias did not answer its mean.": (
            lambda p: p / (2 - p)
        ),
        "you used the sparsity where the density belongs.": lambda p: expected(1 - p),
    }
    random = generator(seed)
    cases = [(number(0.05, 0.55, random),) for _ in range(4)]
    hint = "put your ratio into the first and the last loss of exercise 9.1: are they equal?"
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("9.3")
def check_count_phases(seed):
    """Check exercise 9.3: `count_phases(W)`, (model, 2) -> models in each of three phases.

    In this order: only the first represented, only the second, both; (3,).
    """

    def count(kept):
        first, second = kept[:, 0], kept[:, 1]
        return torch.stack([first & ~second, ~first & second, first & second]).sum(1)

    def expected(W):
        return count(W.abs() > 0.5)

    mistakes = {
        "a direction can be negative: its length counts.": lambda W: count(W > 0.5),
        "you counted every model that represents a feature; *only* that one is asked.": (
            lambda W: torch.stack(
                [
                    (W[:, 0].abs() > 0.5).sum(),
                    (W[:, 1].abs() > 0.5).sum(),
                    (W.abs() > 0.5).all(1).sum(),
                ]
            )
        ),
        "the first two are the other way round.": lambda W: expected(W)[[1, 0, 2]],
        "numbers of models are asked, not shares.": lambda W: expected(W) / len(W),
        "the bound is 1/2; a length of 0.3 does not count as represented.": (
            lambda W: count(W.abs() > 0)
        ),
        "the bound is 1/2 for the length, not for its square.": lambda W: count(W**2 > 0.5),
        "the bound is 1/2, not 1/4.": lambda W: count(W.abs() > 0.25),
        "some models represent neither: both is not all the rest.": (
            lambda W: torch.stack([*expected(W)[:2], len(W) - expected(W)[:2].sum()])
        ),
        "a model that represents neither does not represent the first only.": (
            lambda W: torch.stack([(W[:, 1].abs() <= 0.5).sum(), *expected(W)[1:]])
        ),
        "a model that represents neither does not represent the second only.": (
            lambda W: torch.stack([expected(W)[0], (W[:, 0].abs() <= 0.5).sum(), expected(W)[2]])
        ),
    }
    random = generator(seed)
    cases = []
    for _ in range(4):
        # First only, second only, both, neither; in each near the bound 0.5 and far from it.
        sizes = [integer(2, 4, random), 5 + integer(0, 2, random), 9, integer(12, 14, random)]
        represented = torch.tensor([[True, False], [False, True], [True, True], [False, False]])
        represented = represented.repeat_interleave(torch.tensor(sizes), 0)
        place = torch.rand(represented.shape, generator=random)
        lengths = torch.where(represented, 0.52 + 0.7 * place**2, 0.48 * (1 - place**2))
        lengths[0, 0], lengths[0, 1] = 0.55, 0.45
        lengths[-1] = 0.5  # exactly the bound is not above it
        signs = torch.where(torch.rand(lengths.shape, generator=random) < 0.5, -1.0, 1.0)
        signs[0] = -1.0
        signs[sum(sizes[:3]) - 1] = torch.tensor([1.0, -1.0])
        order = torch.randperm(len(lengths), generator=random)
        cases.append(((lengths * signs)[order],))
    hint = "the three numbers need not add up to the number of models."
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("9.4")
def check_crossing(seed):
    """Check exercise 9.4: `crossing(density, one, other)`, where two curves are equal.

    Straight lines between the points; `one` is lower first, `other` in the end.
    """

    def before(one, other):
        return int((one < other).sum()) - 1

    def expected(density, one, other):
        k = before(one, other)
        gap = other - one
        share = gap[k] / (gap[k] - gap[k + 1])
        return density[k] + share * (density[k + 1] - density[k])

    mistakes = {
        "that is the last point before the crossing; it lies a little further.": (
            lambda p, a, b: p[before(a, b)]
        ),
        "that is the first point after the crossing; it lies a little before.": (
            lambda p, a, b: p[before(a, b) + 1]
        ),
        "the crossing is not half-way between the two points: it is nearer to the smaller gap.": (
            lambda p, a, b: (p[before(a, b)] + p[before(a, b) + 1]) / 2
        ),
        "the two weights are exchanged: the smaller gap is nearer to the crossing.": (
            lambda p, a, b: p[before(a, b)] + p[before(a, b) + 1] - expected(p, a, b)
        ),
        "that is the point where the curves are closest; the crossing lies between points.": (
            lambda p, a, b: p[(a - b).abs().argmin()]
        ),
        "that joins the ends of the curves; straight lines join *neighbouring* points.": (
            lambda p, a, b: p[0] + (b[0] - a[0]) / (b[0] - a[0] - b[-1] + a[-1]) * (p[-1] - p[0])
        ),
        "that is the loss at the crossing; the density is asked.": (
            lambda p, a, b: (
                a[before(a, b)]
                + (expected(p, a, b) - p[before(a, b)])
                / (p[before(a, b) + 1] - p[before(a, b)])
                * (a[before(a, b) + 1] - a[before(a, b)])
            )
        ),
    }
    random = generator(seed)
    cases = []
    for k in range(4):
        # Curves that bend, on an uneven grid; they cross between the first two points, or later.
        n = 7 + k + integer(0, 3, random)
        density = 0.2 + 0.6 * torch.linspace(0, 1, n) ** (1.5 + number(0, 0.5, random))
        first = (0, 2, n - 2, 3)[k]
        share = (0.2, 0.8, 0.3, 0.7)[k]
        place = float(density[first] + share * (density[first + 1] - density[first]))
        one = 0.02 + 0.1 * (density - place) + 0.3 * (density - place) ** 3
        other = 0.02 + number(0.02, 0.04, random) * (density - place)
        cases.append((density, one, other - 0.4 * (density - place) ** 3))
    hint = "draw both curves: the answer lies between two neighbouring points of the grid."
    return Formula(cases, expected, mistakes, hint=hint, tolerance=1e-4)


check_concepts = concepts_of("09")
answer, outcome, predict, prediction, progress = functions_of("09")
