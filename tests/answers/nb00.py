"""Right and wrong answers to the exercises of notebook 00.

RIGHT[name] lists answers that the check must accept, WRONG[name] maps a phrase of the expected
hint to an answer that it must reject. See tests/test_exercises.py.
"""

from math import comb, hypot

import torch


def count_represented(W):
    return (W.norm(dim=0) > 0.5).sum()


def count_represented_looped(W):
    count = 0
    for i in range(W.shape[1]):
        if hypot(*W[:, i].tolist()) > 0.5:
            count += 1
    return count


def two_or_more_probability(n_features, sparsity):
    none = sparsity**n_features
    one = n_features * (1 - sparsity) * sparsity ** (n_features - 1)
    return 1 - none - one


def two_or_more_summed(n_features, sparsity):
    return sum(
        comb(n_features, k) * (1 - sparsity) ** k * sparsity ** (n_features - k)
        for k in range(2, n_features + 1)
    )


RIGHT = {
    "count_represented": [
        count_represented,
        count_represented_looped,
        lambda W: (W.double().square().sum(0) > 0.25).sum().reshape(1),
        lambda W: ((W.numpy() ** 2).sum(0) ** 0.5 > 0.5).sum(),
        lambda W: torch.linalg.vector_norm(W, dim=0).gt(0.5).float().sum(),
    ],
    "two_or_more_probability": [
        two_or_more_probability,
        two_or_more_summed,
        lambda n_features, sparsity: torch.tensor(two_or_more_probability(n_features, sparsity)),
    ],
}

WRONG = {
    "count_represented": {
        "lengths of the rows": lambda W: sum(W.norm(dim=1) > 0.5),
        "counted single entries": lambda W: (W > 0.5).sum(),
        "whatever their sign": lambda W: (abs(W) > 0.5).sum(),
        "squared length": lambda W: ((W**2).sum(0) > 0.5).sum(),
        "opposite signs cancel": lambda W: (W.sum(dim=0) > 0.5).sum(),
        "sizes of the entries": lambda W: (W.abs().sum(0) > 0.5).sum(),
        "not zero": lambda W: W.norm(dim=0).count_nonzero(),
        "How many are they": lambda W: W.norm(dim=0) > 0.5,
        "Which are above 0.5": lambda W: W.norm(dim=0),
        "all features": lambda W: len(W[0]),
        "hidden dimensions": lambda W: torch.linalg.matrix_rank(W),
        "same for every input": lambda W: 1,
        "changed its input": lambda W: (W.square_().sum(0) > 0.25).sum(),
    },
    "two_or_more_probability": {
        "at least one": lambda n_features, sparsity: 1 - sparsity**n_features,
        "none or one": lambda n, S: 1 - two_or_more_probability(n, S),
        "a factor n": lambda n, S: 1 - S**n - (1 - S) * S ** (n - 1),
        "a power n - 1": lambda n, S: 1 - S**n - n * (1 - S) * S**n,
        "absent, not that it is present": lambda n, S: two_or_more_probability(n, 1 - S),
        "two given features": lambda n, S: (1 - S) * (1 - S),
        "adds up the pairs": lambda n, S: comb(n, 2) * (1 - S) ** 2,
        "exactly two": lambda n, S: comb(n, 2) * (1 - S) ** 2 * S ** (n - 2),
        "very close": lambda n, S: round(two_or_more_probability(n, S), 4),
        "same for every input": lambda n, S: 0.0085,
        "minus the probability of none": lambda n, S: n * (1 - S) ** 2,
    },
}
