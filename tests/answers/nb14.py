"""Right and wrong answers to the exercises of notebook 14."""

import math
from itertools import combinations

import torch


def turned_loss(density):
    only_1_active = density * (1 - density) / 12
    both_active = density**2 / 48
    return only_1_active + both_active


def turned_by_variance(density):
    return (density / 3 - density**2 / 4) / 4


def best_of_k(losses, k):
    ordered, n = losses.double().sort().values.tolist(), len(losses)
    ways = [math.comb(n - 1 - i, k - 1) for i in range(n)]
    return sum(w * value for w, value in zip(ways, ordered, strict=True)) / math.comb(n, k)


def best_of_enumerated(losses, k):
    lowest = [min(some) for some in combinations(losses.tolist(), k)]
    return sum(lowest) / len(lowest)


def count_neurons(W):
    n_features = (W > 0.3).sum(1)
    return torch.stack([(n_features == 1).sum(), (n_features > 1).sum()])


def count_looped(W):
    counts = [0, 0]
    for row in W.tolist():
        n = sum(weight > 0.3 for weight in row)
        if n:
            counts[min(n, 2) - 1] += 1
    return counts


def leave_the_relu(W, b):
    c = W.clamp(max=0).sum(1).neg()
    return c, b - W.T @ c


def leave_looped(W, b):
    c = [-sum(min(weight, 0.0) for weight in row) for row in W.tolist()]
    lifted = [
        float(b[i]) - sum(c[k] * float(W[k, i]) for k in range(len(c))) for i in range(len(b))
    ]
    return c, lifted


def penalised_loss(w, density, importance, price):
    error = importance * (1 - w**2) ** 2 / 3
    activity = price * w / 2
    return density * (error + activity)


def penalised_by_moments(w, density, importance, price):
    second, first = density / 3, density / 2
    return importance * second * (1 - 2 * w**2 + w**4) + price * first * w


RIGHT = {
    "turned_loss": [turned_loss, turned_by_variance],
    "best_of_k": [best_of_k, best_of_enumerated],
    "count_neurons": [count_neurons, count_looped],
    "leave_the_relu": [leave_the_relu, leave_looped],
    "penalised_loss": [penalised_loss, penalised_by_moments],
}

WRONG = {
    "turned_loss": {"only one case is left": lambda p: p / 5},
    "best_of_k": {"for k = 1 the answer": lambda losses, k: losses.median()},
    "count_neurons": {"need not add up": lambda W: count_neurons(W) + 1},
    "leave_the_relu": {"to make W x as low": lambda W, b: (W.sum(1), b)},
    "penalised_loss": {"at w = 0 nothing arrives": lambda w, p, i, c: p * (1 - w)},
}
