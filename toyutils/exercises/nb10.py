"""Checks of notebook 10: dimensionality."""

import torch

from toyutils.exercises._check import Formula, exercise, generator, integer, number
from toyutils.exercises._progress import functions_of
from toyutils.exercises.concepts import concepts_of


@exercise("10.1")
def check_shares_of_a_dimension(seed):
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
        "the first direction of every product has length one.": (
            lambda W: parts(W)[1] / parts(W)[0].square().sum(1)
        ),
        "the products are squared before they are summed.": (
            lambda W: parts(W)[1] / (parts(W)[0].sum(1) / parts(W)[1].sqrt())
        ),
        "the numerator is the squared length, not the length.": lambda W: (
            expected(W) / parts(W)[1].sqrt()
        ),
        "only the first direction of a product has length one; the other keeps its own.": (
            lambda W: parts(W)[1] / parts(W / W.norm(dim=0))[0].square().sum(1)
        ),
        "that is m over the sum of squared lengths: D* of the model, not D of each feature.": (
            lambda W: len(W) / W.square().sum()
        ),
    }
    random = generator(seed)
    sizes = [(m, n + integer(0, 2, random)) for m, n in [(3, 5), (2, 4), (4, 7), (2, 6)]]
    cases = [(torch.randn(m, n, generator=random),) for m, n in sizes]
    hint = "columns at right angles have 1 each, an antipodal pair 1/2 each."
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("10.2")
def check_share_on_line(seed):
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
        "0.012 on either side, not half of it.": (
            lambda D, kept, value: (near(D, value, 0.006) & kept).sum() / kept.sum()
        ),
        "0.012 on either side, not twice as much.": (
            lambda D, kept, value: (near(D, value, 0.024) & kept).sum() / kept.sum()
        ),
        "0.012 is the distance itself, not a share of the value.": (
            lambda D, kept, value: (near(D, value, 0.012 * value) & kept).sum() / kept.sum()
        ),
    }
    random = generator(seed)
    cases = []
    for k in range(4):
        value = number(0.3, 0.7, random)
        # On either side of the line: inside, close to the width 0.012, and outside.
        offsets = [0.002, -0.003, -0.005, -0.007, 0.0115, -0.0115, 0.0125, -0.0125, 0.018, -0.2]
        offsets = torch.tensor([*offsets, 0.1, 0.0, 0.2])
        D = value + offsets.repeat(1 + k + integer(0, 2, random))
        kept = torch.rand(len(D), generator=random) < 0.6
        kept[:11] = True
        kept[-2] = False
        kept[-1] = k % 2 == 0
        cases.append((D, kept, value))
    hint = "where every represented feature lies on the line, the share is 1."
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("10.3")
def check_connected(seed):
    """Check exercise 10.3: `connected(joined, start)` -> bool (node,), who can be reached."""

    def grow(joined, start, steps):
        reached = torch.zeros(len(joined), dtype=torch.bool)
        reached[start] = True
        for _ in range(steps):
            reached = reached | joined[reached].any(0)
        return reached

    def expected(joined, start):
        return grow(joined, start, len(joined))

    def by_first_neighbours(joined, start):
        reached = grow(joined, start, 0)
        for _ in range(len(joined)):
            new = joined[start] & ~reached
            if not new.any():
                break
            start = int(new.int().argmax())
            reached[start] = True
        return reached

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
        "five steps are too few: repeat until nothing new is reached.": (
            lambda joined, start: grow(joined, start, 5)
        ),
        "the start belongs to its own component.": without_start,
        "a node can have several neighbours: follow all of them, not only one.": (
            by_first_neighbours
        ),
        "edges lead both ways: nodes with smaller numbers can be reached as well.": (
            lambda joined, start: grow(joined.triu(), start, len(joined))
        ),
        "those are all that have any edge, in whatever component.": (
            lambda joined, start: joined.any(0)
        ),
        "that is everything outside the component.": (
            lambda joined, start: ~expected(joined, start)
        ),
    }
    random = generator(seed)
    cases = []
    long, ring, second = integer(12, 14, random), integer(5, 7, random), integer(2, 4, random)
    for begin in (0, 2, long + 1, long + ring + 1):
        # A chain with a side branch, a ring, a second chain, and one node alone, in random
        # order: begun at the end of the chain, inside it, in the ring, and at the lone node.
        edges = [(i, i + 1) for i in range(long - 1)] + [(4, long)]
        edges += [(long + 1 + i, long + 1 + (i + 1) % ring) for i in range(ring)]
        edges += [(long + ring + 2 + i, long + ring + 3 + i) for i in range(second)]
        n = long + ring + second + 3
        joined = torch.zeros(n, n, dtype=torch.bool)
        for i, j in edges:
            joined[i, j] = joined[j, i] = True
        order = torch.randperm(n, generator=random)
        start = int((order == begin).nonzero())
        cases.append((joined[order][:, order], start))
    hint = "try a chain begun in its middle, a ring, and a node without any edge."
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("10.4")
def check_worth_of_a_dimension(seed):
    """Check exercise 10.4: `worth_of_a_dimension(loss, density, n_features, n_hidden)`.

    Loss taken away, in units of one feature's variance, for each hidden dimension.
    """

    def variance(p):
        return p / 3 - p**2 / 4

    def expected(loss, density, n_features, n_hidden):
        return n_features * (variance(density) - loss) / (n_hidden * variance(density))

    mistakes = {
        "the loss is a mean over the features as well; you took it for a sum.": (
            lambda L, p, n, m: (n * variance(p) - L) / (m * variance(p))
        ),
        "that counts one feature only: all of them lose something.": (
            lambda L, p, n, m: (variance(p) - L) / (m * variance(p))
        ),
        "without a model the loss is the variance, not E[x²]: a bias answers the mean.": (
            lambda L, p, n, m: n * (p / 3 - L) / (m * p / 3)
        ),
        "that is the saving of the whole model; one hidden dimension is asked.": (
            lambda L, p, n, m: m * expected(L, p, n, m)
        ),
        "measure it in features: in units of what one of them costs without a model.": (
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
    hint = "where nothing is lost any more, it is the number of features per hidden dimension."
    return Formula(cases, expected, mistakes, hint=hint)


check_concepts = concepts_of("10")
answer, outcome, predict, prediction, progress = functions_of("10")
