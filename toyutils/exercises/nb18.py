"""Checks of notebook 18: what it means at scale."""

import torch

from toyutils.exercises._cases import matrices
from toyutils.exercises._check import Formula, exercise, generator, integer, number
from toyutils.exercises._progress import functions_of
from toyutils.exercises.concepts import concepts_of


def _variance(p):
    return p / 3 - p**2 / 4


@exercise("18.1")
def check_dropped(seed):
    """Check exercise 18.1: `dropped(p, m)`, (feature,) and a width -> relative loss, one number."""

    def expected(p, m):
        v = _variance(p)
        return v[m:].sum() / v.sum()

    mistakes = {
        "that is the share that is *kept*; what is lost is asked.": lambda p, m: 1 - expected(p, m),
        "feature m is the first that is dropped: m features, 0 to m - 1, are kept.": (
            lambda p, m: expected(p, m + 1)
        ),
        "features count from 0, and m are kept: the sum starts at feature m, not before it.": (
            lambda p, m: expected(p, m - 1)
        ),
        "answering the mean of a feature costs its variance, not its frequency.": (
            lambda p, m: p[m:].sum() / p.sum()
        ),
        "that is their frequency. Answering the mean costs a feature its variance.": (
            lambda p, m: p[m:].sum()
        ),
        "divide by what answering all means costs.": lambda p, m: _variance(p)[m:].sum(),
        "the sum over features is asked, above and below the bar, not the mean of each.": (
            lambda p, m: _variance(p)[m:].mean() / _variance(p).mean()
        ),
        "divide by the variance of *all* features, not of those that are kept.": (
            lambda p, m: _variance(p)[m:].sum() / _variance(p)[:m].sum()
        ),
    }
    random = generator(seed)
    cases = []
    for _ in range(5):
        p = torch.rand(integer(6, 12, random), generator=random).sort(descending=True).values
        cases.append((0.05 + 0.9 * p, integer(2, 4, random)))
    hint = "with all features equally frequent and m of n kept, the answer is (n - m) / n."
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("18.2")
def check_exponent(seed):
    """Check exercise 18.2: `exponent(width, loss)`, (width,) twice -> a in loss ∝ width^-a."""

    def slope(x, y):
        x, y = x - x.mean(), y - y.mean()
        return (x * y).sum() / x.square().sum()

    def expected(width, loss):
        return -slope(width.log(), loss.log())

    mistakes = {
        "the exponent a of width^-a is positive where the loss falls: change the sign.": (
            lambda w, y: slope(w.log(), y.log())
        ),
        "take logarithms of both, of the widths and of the losses.": lambda w, y: -slope(w, y),
        "take the logarithm of the losses, too.": lambda w, y: -slope(w.log(), y),
        "take the logarithm of the widths, too.": lambda w, y: -slope(w, y.log()),
        "that is the line through the first and the last point; all points are to count.": (
            lambda w, y: -(y[-1] / y[0]).log() / (w[-1] / w[0]).log()
        ),
        "that is the slope of log width over log loss. The loss depends on the width.": (
            lambda w, y: -1 / slope(w.log(), y.log())
        ),
        "that fits log width by log loss. The loss is what has the errors.": (
            lambda w, y: -slope(y.log(), w.log())
        ),
        "the line need not pass through the origin: subtract both means first.": (
            lambda w, y: -(w.log() * y.log()).sum() / w.log().square().sum()
        ),
    }
    random = generator(seed)
    cases = []
    for _ in range(4):
        width = (3 + torch.rand(integer(4, 7, random), generator=random) * 40).sort().values
        noise = (0.3 * torch.randn(len(width), generator=random)).exp()
        scale = number(0.5, 3, random)
        cases.append((width, scale * width ** -number(0.4, 2, random) * noise))
    hint = "for losses 8, 4, 2 at widths 1, 2, 4 the exponent is 1."
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("18.3")
def check_decayed(seed):
    """Check exercise 18.3: `decayed(W, decay, rate)`, (hidden, feature) -> W after one step."""

    def unit(W):
        return W / W.norm(dim=0)

    def expected(W, decay, rate):
        target = unit(W) if decay < 0 else torch.zeros_like(W)
        return W - rate * abs(decay) * (W - target)

    def negative(W, decay, rate, step):
        return step if decay < 0 else expected(W, decay, rate)

    mistakes = {
        "a negative decay pulls lengths towards 1; it does not let all weights grow.": (
            lambda W, d, r: W - r * d * W
        ),
        "both signs shrink W here. A negative decay pulls lengths towards 1.": (
            lambda W, d, r: W - r * abs(d) * W
        ),
        "the negative decay goes the wrong way: lengths move away from 1.": (
            lambda W, d, r: negative(W, d, r, W - r * d * (W - unit(W)))
        ),
        "the positive decay goes the wrong way: it must shrink.": (
            lambda W, d, r: expected(W, d, r) if d < 0 else W + r * d * W
        ),
        "a direction is a column of W: its length is taken over dim 0.": (
            lambda W, d, r: negative(
                W, d, r, W - r * abs(d) * (W - W / W.norm(dim=1, keepdim=True))
            )
        ),
        "the length of each direction is meant, not that of the whole matrix.": (
            lambda W, d, r: negative(W, d, r, W - r * abs(d) * (W - W / W.norm()))
        ),
        "the rate is missing: one step goes only a small part of the way.": (
            lambda W, d, r: expected(W, d, 1)
        ),
        "how strong the decay is does not enter; multiply by its absolute value.": (
            lambda W, d, r: expected(W, -1 if d < 0 else 1, r)
        ),
        "the two signs are the other way round.": lambda W, d, r: expected(W, -d, r),
        "that is where W is pulled to, not W after one step.": (
            lambda W, d, r: unit(W) if d < 0 else torch.zeros_like(W)
        ),
    }
    random = generator(seed)
    decays = (-1.5, 0.7, -0.4, 1.6, -0.8)
    cases = [
        (W, decay, number(0.05, 0.3, random))
        for W, decay in zip(matrices(random, 2), decays, strict=True)
    ]
    hint = "directions of length 1 stay as they are under a negative decay."
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("18.4")
def check_least_overlap(seed):
    """Check exercise 18.4: `least_overlap(n, m)`, n unit vectors in m dimensions -> one number."""

    def expected(n, m):
        return (n - m) / (m * (n - 1))

    mistakes = {
        "that is the mean for random directions; the lowest possible is a little less.": (
            lambda n, m: 1 / m
        ),
        "the n products of a vector with itself are to be left out.": lambda n, m: (
            (n - m) / (m * n)
        ),
        "subtract the n products of a vector with itself, which are 1 each.": (
            lambda n, m: n / (m * (n - 1))
        ),
        "that is the sum over all pairs; the mean is asked.": lambda n, m: n**2 / m - n,
        "pairs are counted twice in the sum, and n (n - 1) times in all: no factor 2 is left.": (
            lambda n, m: (n - m) / (2 * m * (n - 1))
        ),
        "that is the root of it; the mean *squared* cosine is asked.": (
            lambda n, m: expected(n, m) ** 0.5
        ),
        "n and m are exchanged: n directions, m dimensions.": lambda n, m: (m - n) / (n * (m - 1)),
    }
    random = generator(seed)
    cases = []
    for _ in range(5):
        m = integer(2, 9, random)
        cases.append((m + integer(2, 30, random), m))
    hint = "n = m gives 0: an orthonormal basis. Three vectors in the plane give 1/4."
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("18.5")
def check_capacity_at_price(seed):
    """Check exercise 18.5: `capacity_at_price(v, price, r)`, (feature,) -> capacities (feature,).

    The marginal benefit is 2 (r v / (1 + (r - 1) C))²; r > 1; C lies in [0, 1].
    """

    def bare(v, price, r):
        return (r * v * (2 / price) ** 0.5 - 1) / (r - 1)

    def expected(v, price, r):
        return bare(v, price, r).clamp(0, 1)

    mistakes = {
        "a capacity lies between 0 and 1: clip what is outside.": bare,
        "no feature can have more than a whole dimension: clip at 1.": (
            lambda v, price, r: bare(v, price, r).clamp(min=0)
        ),
        "no feature can have less than nothing: clip at 0.": (
            lambda v, price, r: bare(v, price, r).clamp(max=1)
        ),
        "the benefit holds a square, so a root is missing.": (
            lambda v, price, r: ((r * v * 2 / price - 1) / (r - 1)).clamp(0, 1)
        ),
        "the factor 2 of the benefit is missing.": (
            lambda v, price, r: ((r * v / price**0.5 - 1) / (r - 1)).clamp(0, 1)
        ),
        "the factor r in the numerator of the benefit is missing.": (
            lambda v, price, r: ((v * (2 / price) ** 0.5 - 1) / (r - 1)).clamp(0, 1)
        ),
        "1 + (r - 1) C, so subtract 1 before you divide by r - 1.": (
            lambda v, price, r: (r * v * (2 / price) ** 0.5 / (r - 1)).clamp(0, 1)
        ),
        "divide by r - 1, not by r.": (
            lambda v, price, r: ((r * v * (2 / price) ** 0.5 - 1) / r).clamp(0, 1)
        ),
    }
    random = generator(seed)
    cases = []
    for _ in range(5):
        r, scale = number(2, 6, random), number(0.5, 2, random)
        # At this price the features above `scale` get all, those below scale / r nothing.
        v = scale * torch.tensor([1.6, 1.1, 0.9, 0.6, 1.3 / r, 0.8 / r, 0.4 / r])
        v = torch.cat([v, 1.6 * scale * torch.rand(integer(0, 6, random), generator=random)])
        cases.append((v[torch.randperm(len(v), generator=random)], 2 * scale**2, r))
    hint = "solve price = 2 (r v / (1 + (r - 1) C))² for C, then clip."
    return Formula(cases, expected, mistakes, hint=hint)


check_concepts = concepts_of("18")
answer, outcome, predict, prediction, progress = functions_of("18")
