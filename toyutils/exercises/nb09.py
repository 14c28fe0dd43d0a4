"""Checks of notebook 09: phase change."""

import torch

from toyutils.exercises._check import choose, compare, generator, integer, number


def check_three_prototypes(answer, *, seed=0):
    """Check exercise 9.1: `three_prototypes(density, ratio)`, losses summed over two features.

    In this order: keep only the first, keep only the second, antipodal pair; (3,).
    """

    def losses(p, r):
        variance = p / 3 - p**2 / 4
        return torch.tensor([r * variance, variance, (1 + r) * p**2 / 6])

    mistakes = {
        "keeping the first feature loses the second: its importance is the ratio.": (
            lambda p, r: losses(p, r)[[1, 0, 2]]
        ),
        "the importance of the second feature, the ratio, is missing.": lambda p, r: losses(p, 1),
        "in an antipodal pair both features err: (1 + ratio) times the loss of one.": (
            lambda p, r: losses(p, r) * torch.tensor([1, 1, 1 / (1 + r)])
        ),
        "the bias answers the mean: an ignored feature costs its variance, not E[x²].": (
            lambda p, r: torch.tensor([r * p / 3, p / 3, (1 + r) * p**2 / 6])
        ),
        "sums are asked here; do not divide by the number of features.": (
            lambda p, r: losses(p, r) / 2
        ),
        "the antipodal pair errs only when both are active: p², not p.": (
            lambda p, r: torch.tensor([*losses(p, r)[:2], (1 + r) * p / 6])
        ),
        "p²/3 would be both features at equal importance: one costs p²/6.": (
            lambda p, r: torch.tensor([*losses(p, r)[:2], (1 + r) * p**2 / 3])
        ),
    }
    hint = "ratio · v, v and (1 + ratio) p²/6, with v = p/3 - p²/4."
    random = generator(seed)
    cases = [(number(0.1, 0.9, random), number(0.2, 0.7, random)) for _ in range(4)]
    return compare("9.1", answer, cases, losses, mistakes, hint=hint)


def check_boundary(answer, *, seed=0):
    """Check exercise 9.2: `boundary(density)`, the ratio of equal losses, 2p / (4 - 5p)."""

    def expected(density):
        return 2 * density / (4 - 5 * density)

    mistakes = {
        "that is turned over: r is the importance of the ignored feature, the second.": (
            lambda p: 1 / expected(p)
        ),
        "both features of the pair err: (1 + r) p²/6, not p²/6.": lambda p: 2 * p / (4 - 3 * p),
        "you used E[x²] = p/3 for the ignored feature; its variance is p/3 - p²/4.": (
            lambda p: p / (2 - p)
        ),
        "you used the sparsity where the density belongs.": lambda p: expected(1 - p),
    }
    random = generator(seed)
    cases = [(number(0.05, 0.55, random),) for _ in range(4)]
    hint = "solve r (p/3 - p²/4) = (1 + r) p²/6 for r."
    return compare("9.2", answer, cases, expected, mistakes, hint=hint)


def check_count_phases(answer, *, seed=0):
    """Check exercise 9.3: `count_phases(W)`, (model, 2) -> models in each of three phases.

    In this order: only the first represented, only the second, both; (3,).
    """

    def count(kept):
        first, second = kept[:, 0], kept[:, 1]
        return torch.stack([first & ~second, ~first & second, first & second]).sum(1)

    def expected(W):
        return count(W.abs() > 0.5)

    mistakes = {
        "a direction can be negative: compare its length, `W.abs()`.": lambda W: count(W > 0.5),
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
    }
    random = generator(seed)
    cases = []
    for _ in range(4):
        sizes = torch.tensor([integer(2, 4, random), 5 + integer(0, 2, random), 9])
        first = torch.tensor([[1.0, 0.2], [0.2, 1.0], [0.9, 0.8]]).repeat_interleave(sizes, 0)
        signs = torch.where(torch.rand(first.shape, generator=random) < 0.5, -1.0, 1.0)
        signs[0] = -1.0
        signs[-1] = torch.tensor([1.0, -1.0])
        order = torch.randperm(len(first), generator=random)
        cases.append(((first * signs)[order],))
    hint = "kept = W.abs() > 0.5, then combine its two columns with & and ~."
    return compare("9.3", answer, cases, expected, mistakes, hint=hint, tolerance=1e-9)


def check_crossing(answer, *, seed=0):
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
        "the crossing is not half-way: weigh the two points by the gaps there.": (
            lambda p, a, b: (p[before(a, b)] + p[before(a, b) + 1]) / 2
        ),
        "the two weights are exchanged: the smaller gap is nearer to the crossing.": (
            lambda p, a, b: p[before(a, b)] + p[before(a, b) + 1] - expected(p, a, b)
        ),
        "that is the point where the curves are closest; the crossing lies between points.": (
            lambda p, a, b: p[(a - b).abs().argmin()]
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
        density = torch.linspace(0.2, 0.8, 7 + k + integer(0, 3, random)) + 0.001 * number(
            0, 1, random
        )
        step = float(density[1] - density[0])
        place = float(density[2 + k % 3]) + (0.2, 0.8, 0.3, 0.7)[k] * step
        one = 0.02 + 0.1 * (density - place)
        cases.append((density, one, 0.02 + number(0.02, 0.04, random) * (density - place)))
    hint = "find the sign change of other - one, then go gap / (gap - next gap) of the way."
    return compare("9.4", answer, cases, expected, mistakes, hint=hint, tolerance=1e-4)


def check_concepts_09(answer, *, seed=0):
    """Check exercise 9.5: `concepts_09()`, two questions, each choice explained.

    () -> letters, one for each question; any seed asks the same.
    """
    explanations = (
        {
            "a": "it does fall a little, and then jumps: two minima change places.",
            "b": "right: on either side both arrangements are minima, and the lower one changes.",
            "c": "the optimum at each density is one number, and it falls once.",
        },
        {
            "a": "right: it needs no training, only exact losses.",
            "b": "that depends on the recipe. Near a boundary it may not be the best one.",
            "c": "the diagrams show optima, or ends of training. Time is not in them.",
        },
    )
    return choose("9.5", answer, "ba", explanations)
