"""Checks of notebook 00: start here."""

import torch

from toyutils.exercises._check import Formula, exercise, generator, integer, number
from toyutils.exercises._progress import functions_of
from toyutils.exercises.concepts import concepts_of


@exercise("0.1")
def check_count_represented(seed):
    """Check exercise 0.1: `count_represented(W)`, how many columns are longer than 1/2.

    W (hidden, feature) -> whole number.
    """

    def expected(W):
        return (W.norm(dim=0) > 0.5).sum()

    mistakes = {
        "these are the lengths of the rows. A feature's direction is a column of W.": (
            lambda W: (W.norm(dim=1) > 0.5).sum()
        ),
        "you counted single entries of W. Work out the length of each column first.": (
            lambda W: (W > 0.5).sum()
        ),
        "you counted single entries of W, whatever their sign. Work out the length of each "
        "column first.": lambda W: (W.abs() > 0.5).sum(),
        "that is the squared length; take its square root before you compare it with 0.5.": (
            lambda W: (W.square().sum(0) > 0.5).sum()
        ),
        "that adds up the entries of a column, and opposite signs cancel. The length is the "
        "root of the sum of squares.": lambda W: (W.sum(0) > 0.5).sum(),
        "that adds up the sizes of the entries. The length is the root of the sum of squares.": (
            lambda W: (W.abs().sum(0) > 0.5).sum()
        ),
        "a long direction can have one small entry, or a large one and still be counted once: "
        "use the length, not the largest entry.": lambda W: (W.abs().amax(0) > 0.5).sum(),
        "you asked for columns that are not zero. After training none is exactly zero: compare "
        "with 0.5.": lambda W: (W.norm(dim=0) > 0).sum(),
        "you counted the short directions. Represented means longer than 0.5.": (
            lambda W: (W.norm(dim=0) <= 0.5).sum()
        ),
        "this says for each feature whether it is represented. How many are they?": (
            lambda W: W.norm(dim=0) > 0.5
        ),
        "these are the lengths. Which are above 0.5, and how many are they?": (
            lambda W: W.norm(dim=0)
        ),
        "this is the share of features that are represented; their number is asked for.": (
            lambda W: (W.norm(dim=0) > 0.5).double().mean()
        ),
        "that is the number of all features, represented or not.": lambda W: W.shape[1],
        "that is the number of hidden dimensions. A model may represent more features than that.": (
            lambda W: W.shape[0]
        ),
    }
    hint = "a column such as (0.6, 0.8) has the length 1."
    return Formula(_weights(seed), expected, mistakes, hint=hint)


@exercise("0.2")
def check_two_or_more_probability(seed):
    """Check exercise 0.2: `two_or_more_probability(n_features, sparsity)` of one sample.

    The number of features and their sparsity -> the probability that two or more are present.
    """

    def expected(n_features, sparsity):
        return 1 - none(n_features, sparsity) - one(n_features, sparsity)

    def none(n, S):
        return S**n

    def one(n, S):
        return n * (1 - S) * S ** (n - 1)

    mistakes = {
        "that is the probability of at least one. Take away the probability of exactly one.": (
            lambda n_features, sparsity: 1 - none(n_features, sparsity)
        ),
        "that is the probability of none or one; the rest is asked for.": (
            lambda n_features, sparsity: none(n_features, sparsity) + one(n_features, sparsity)
        ),
        "that is the probability of exactly one.": one,
        "that is the probability that none is present.": none,
        "any of the features may be the one; you counted one.": lambda n_features, sparsity: (
            1 - sparsity**n_features - (1 - sparsity) * sparsity ** (n_features - 1)
        ),
        "when exactly one is present, one less is absent: your power counts one too many.": (
            lambda n_features, sparsity: (
                1 - sparsity**n_features - n_features * (1 - sparsity) * sparsity**n_features
            )
        ),
        "when exactly one is present, all the others must be absent: that is missing.": (
            lambda n_features, sparsity: 1 - sparsity**n_features - n_features * (1 - sparsity)
        ),
        "you forgot the samples in which nothing is present.": (
            lambda n_features, sparsity: 1 - one(n_features, sparsity)
        ),
        "sparsity is the probability that a feature is absent, not that it is present.": (
            lambda n_features, sparsity: expected(n_features, 1 - sparsity)
        ),
        "that is the probability that two given features are both present. Here any two or more "
        "may be.": lambda n_features, sparsity: (1 - sparsity) ** 2,
        "that adds up the pairs. Samples with three or more features hold several pairs and are "
        "counted several times.": lambda n_features, sparsity: (
            n_features * (n_features - 1) / 2 * (1 - sparsity) ** 2
        ),
        "that is the probability of exactly two. Three or more count as well.": (
            lambda n_features, sparsity: (
                n_features
                * (n_features - 1)
                / 2
                * (1 - sparsity) ** 2
                * sparsity ** (n_features - 2)
            )
        ),
        "that is the probability that all features are present.": (
            lambda n_features, sparsity: (1 - sparsity) ** n_features
        ),
    }
    hint = "with two features, two or more means both: `(1 - sparsity)**2`."
    return Formula(_sparse_settings(seed), expected, mistakes, hint=hint)


def _weights(seed):
    """Return cases (W,): never square, some columns short, one exactly zero."""
    random = generator(seed)
    # Lengths: 0.3, 0.85, 0.57, 0.64, 1.2; each of them tells some wrong formulas apart. In the
    # third, 0.45 and 0.53 lie near the bound, and 0.5 on it.
    fixed = torch.tensor([[0.3, 0.6, 0.4, -0.64, 0.0], [0.0, -0.6, 0.4, 0.0, -1.2]])
    cases = [fixed, torch.tensor([[0.3, 0.0, -0.4, 1.1], [0.25, 0.0, 0.1, 0.2]])]
    cases.append(torch.tensor([[0.0, 0.45, 0.5], [-0.53, 0.0, 0.0]]))
    for n_hidden, least in [(2, 6), (3, 7), (4, 9)]:
        n_features = least + integer(0, 3, random)
        directions = torch.randn(n_hidden, n_features, generator=random)
        lengths = 0.1 + 1.1 * torch.rand(n_features, generator=random)
        cases.append(directions / directions.norm(dim=0) * lengths)
    return [(W,) for W in cases]


def _sparse_settings(seed):
    """Return cases (n_features, sparsity): that of the notebook, and others."""
    random = generator(seed)
    several = ((n + integer(0, 2, random), number(0.3, 0.9, random)) for n in (3, 4, 6, 9))
    return [(5, 0.97), (2, 0.3), *several]


check_concepts = concepts_of("00")
answer, outcome, predict, prediction, progress = functions_of("00")
