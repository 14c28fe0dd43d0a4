"""Checks of notebook 10: dimensionality."""

import torch

from toyutils.exercises._check import choose, compare, generator, integer, number


def check_shares_of_a_dimension(answer, *, seed=0):
    """Check exercise 10.1: `shares_of_a_dimension(W)`, (hidden, feature) -> D_i (feature,)."""

    def parts(W):
        gram = W.T @ W
        return gram, gram.diag()

    def expected(W):
        gram, squared = parts(W)
        return squared / (gram.square().sum(1) / squared)

    def without_itself(W):
        gram, squared = parts(W)
        return squared / (gram.square().sum(1) / squared - squared)

    mistakes = {
        "the sum runs over all j, feature i among them: a lone feature then gets 1.": (
            without_itself
        ),
        "Ŵ_i has length one: divide by |W_i| before taking the products.": (
            lambda W: parts(W)[1] / parts(W)[0].square().sum(1)
        ),
        "the products are squared before they are summed.": (
            lambda W: parts(W)[1] / (parts(W)[0].sum(1) / parts(W)[1].sqrt())
        ),
        "above stands |W_i|², not |W_i|.": lambda W: expected(W) / parts(W)[1].sqrt(),
        "only Ŵ_i has length one, W_j keeps its own.": (
            lambda W: parts(W)[1] / parts(W / W.norm(dim=0))[0].square().sum(1)
        ),
        "that is m over the sum of squared lengths: D* of the model, not D of each feature.": (
            lambda W: len(W) / W.square().sum()
        ),
    }
    random = generator(seed)
    sizes = [(m, n + integer(0, 2, random)) for m, n in [(3, 5), (2, 4), (4, 7), (2, 6)]]
    cases = [(torch.randn(m, n, generator=random),) for m, n in sizes]
    hint = "D_i = |W_i|² / Σ_j (Ŵ_i · W_j)², with Ŵ_i = W_i / |W_i|; columns are directions."
    return compare("10.1", answer, cases, expected, mistakes, hint=hint)


def check_share_on_line(answer, *, seed=0):
    """Check exercise 10.2: `share_on_line(D, kept, value)`, within 0.012, among `kept`."""

    def near(D, value, width=0.012):
        return (D - value).abs() <= width

    def expected(D, kept, value):
        return (near(D, value) & kept).sum() / kept.sum()

    mistakes = {
        "features that are not represented count in your denominator.": (
            lambda D, kept, value: (near(D, value) & kept).sum() / len(D)
        ),
        "features that are not represented count in your numerator.": (
            lambda D, kept, value: near(D, value).sum() / kept.sum()
        ),
        "take only represented features: D can lie on a line even for a tiny direction.": (
            lambda D, kept, value: near(D, value).double().mean()
        ),
        "the distance has no sign: D may lie below the line as well.": (
            lambda D, kept, value: ((D - value >= 0) & near(D, value) & kept).sum() / kept.sum()
        ),
        "a share is asked, not a count.": (
            lambda D, kept, value: (near(D, value) & kept).sum().double()
        ),
        "within 0.012 on either side, not 0.006.": (
            lambda D, kept, value: (near(D, value, 0.006) & kept).sum() / kept.sum()
        ),
    }
    random = generator(seed)
    cases = []
    for k in range(4):
        value = number(0.3, 0.7, random)
        offsets = torch.tensor([0.004, -0.004, 0.009, -0.009, -0.01, 0.1, -0.2, 0.003, 0.2])
        D = value + offsets.repeat(1 + k + integer(0, 2, random))
        kept = torch.rand(len(D), generator=random) < 0.6
        kept[:3] = True
        kept[-2] = False
        kept[-1] = k % 2 == 0
        cases.append((D, kept, value))
    hint = "((D - value).abs() <= 0.012) & kept, counted, over the number of kept."
    return compare("10.2", answer, cases, expected, mistakes, hint=hint)


def check_connected(answer, *, seed=0):
    """Check exercise 10.3: `connected(joined, start)` -> bool (node,), who can be reached."""

    def grow(joined, start, steps):
        reached = torch.zeros(len(joined), dtype=torch.bool)
        reached[start] = True
        for _ in range(steps):
            reached = reached | joined[reached].any(0)
        return reached

    def expected(joined, start):
        return grow(joined, start, len(joined))

    def without_start(joined, start):
        reached = expected(joined, start)
        reached[start] = False
        return reached

    mistakes = {
        "those are the neighbours of the start; go on to their neighbours.": (
            lambda joined, start: joined[start]
        ),
        "one step is too few: repeat until nothing new is reached.": (
            lambda joined, start: grow(joined, start, 1)
        ),
        "two steps are too few: repeat until nothing new is reached.": (
            lambda joined, start: grow(joined, start, 2)
        ),
        "the start belongs to its own component.": without_start,
        "those are all that have any edge, in whatever component.": (
            lambda joined, start: joined.any(0)
        ),
        "that is everything outside the component.": (
            lambda joined, start: ~expected(joined, start)
        ),
    }
    random = generator(seed)
    cases = []
    for _ in range(4):
        # A chain of five or six, another chain, and one node alone, in random order.
        first, second = integer(5, 6, random), integer(2, 4, random)
        n = first + second + 1
        joined = torch.zeros(n, n, dtype=torch.bool)
        for i in (*range(first - 1), *range(first, first + second - 1)):
            joined[i, i + 1] = joined[i + 1, i] = True
        order = torch.randperm(n, generator=random)
        start = int((order == 0).nonzero())
        cases.append((joined[order][:, order], start))
    hint = "keep a set of reached nodes; add the neighbours of all of them until it stops growing."
    return compare("10.3", answer, cases, expected, mistakes, hint=hint)


def check_worth_of_a_dimension(answer, *, seed=0):
    """Check exercise 10.4: `worth_of_a_dimension(loss, density, n_features, n_hidden)`.

    Loss taken away, in units of one feature's variance, for each hidden dimension.
    """

    def variance(p):
        return p / 3 - p**2 / 4

    def expected(loss, density, n_features, n_hidden):
        return n_features * (variance(density) - loss) / (n_hidden * variance(density))

    mistakes = {
        "the loss is a mean over features: multiply it by n_features, too.": (
            lambda L, p, n, m: (n * variance(p) - L) / (m * variance(p))
        ),
        "multiply by n_features: the loss is a mean over them.": (
            lambda L, p, n, m: (variance(p) - L) / (m * variance(p))
        ),
        "without a model the loss is the variance, p/3 - p²/4: a bias answers the mean.": (
            lambda L, p, n, m: n * (p / 3 - L) / (m * p / 3)
        ),
        "per hidden dimension: divide by n_hidden.": (lambda L, p, n, m: m * expected(L, p, n, m)),
        "measure it in features: divide by the variance of one.": (
            lambda L, p, n, m: expected(L, p, n, m) * variance(p)
        ),
        "that is what the model still loses; the saving is what it takes away.": (
            lambda L, p, n, m: n * L / (m * variance(p))
        ),
        "per hidden dimension, not per feature.": (lambda L, p, n, m: expected(L, p, n, m) * m / n),
    }
    random = generator(seed)
    cases = []
    for n, m in ((5, 2), (3, 2), (8, 3), (7, 3)):
        p = number(0.1, 0.8, random)
        n += integer(0, 3, random)
        cases.append((number(0.1, 0.5, random) * variance(p), p, n, m))
    hint = "n_features (v - loss) / (n_hidden v), with v = p/3 - p²/4."
    return compare("10.4", answer, cases, expected, mistakes, hint=hint)


def check_concepts_10(answer, *, seed=0):
    """Check exercise 10.5: `concepts_10()`, two questions, each choice explained.

    () -> letters, one for each question; any seed asks the same.
    """
    explanations = (
        {
            "a": "their length is about 1.",
            "b": "right: each has a half of it for itself.",
            "c": "both are always there. They err when they meet.",
        },
        {
            "a": "the number of features exceeds it. Their shares do not.",
            "b": "right: dimensions are shared out, never multiplied.",
            "c": "so it is if none share. In superposition each gets less than 1.",
        },
    )
    return choose("10.5", answer, "bb", explanations)
