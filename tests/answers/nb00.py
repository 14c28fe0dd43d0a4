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
        "returned the same": (lambda W: 1),
        "changed its input": (lambda W: (W.square_().sum(0) > 0.25).sum()),
    },
    "two_or_more_probability": {
        "rounded numbers": (lambda n, S: round(two_or_more_probability(n, S), 4)),
        "returned the same": (lambda n, S: 0.0085),
        "two or more means both": (lambda n, S: n * (1 - S) ** 2),
    },
}
