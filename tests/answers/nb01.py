"""Right and wrong answers to the exercises of notebook 01.

RIGHT[name] lists answers that the check must accept, WRONG[name] maps a phrase of the expected
hint to an answer that it must reject. See tests/test_exercises.py.
"""

import torch


def reconstruct(x, W, b):
    return x @ W.T @ W + b


def reconstruct_looped(x, W, b):
    y = torch.zeros_like(x)
    for point in range(len(x)):
        h = W @ x[point]
        for i in range(len(b)):
            y[point, i] = sum(W[k, i] * h[k] for k in range(len(W))) + b[i]
    return y


def reconstruct_numpy(x, W, b):
    x, W, b = x.double().numpy(), W.double().numpy(), b.double().numpy()
    return (W.T @ (W @ x.T)).T + b


def reconstruct_trainable(x, W, b):
    W = torch.nn.Parameter(W)
    return torch.einsum("pi,hi,hj->pj", x, W, W) + b


def weighted_loss(x, y, importance):
    return (importance * (x - y) ** 2).mean()


def weighted_loss_looped(x, y, importance):
    total = 0.0
    for point in range(x.shape[0]):
        for i in range(x.shape[1]):
            total += importance[i].item() * (x[point, i].item() - y[point, i].item()) ** 2
    return total / x.numel()


def best_bias(W, feature_mean):
    return feature_mean - W.T @ (W @ feature_mean)


def best_bias_listed(W, feature_mean):
    A = torch.eye(len(feature_mean)) - W.T @ W
    return [sum(a * m for a, m in zip(row, feature_mean, strict=True)) for row in A]


def minimum_loss(importance):
    return importance.min() * (1 / 12) / 2


RIGHT = {
    "reconstruct": [
        reconstruct,
        reconstruct_looped,
        reconstruct_numpy,
        reconstruct_trainable,
        lambda x, W, b: reconstruct(x.double(), W.double(), b.double()),
        lambda x, W, b: reconstruct(x, W, b).tolist(),
    ],
    "weighted_loss": [
        weighted_loss,
        weighted_loss_looped,
        lambda x, y, importance: weighted_loss(x.double(), y, importance).reshape(1),
        lambda x, y, importance: (importance * (x - y).square()).mean(0).mean(),
    ],
    "best_bias": [
        best_bias,
        best_bias_listed,
        lambda W, feature_mean: tuple(best_bias(W.double(), feature_mean.double())),
    ],
    "minimum_loss": [
        minimum_loss,
        lambda importance: float(min(importance)) / 24,
        lambda importance: min(importance.tolist()) / 24,
    ],
}

WRONG = {
    "reconstruct": {
        "every row of the result is b": (lambda x, W, b: x @ W.T @ W + 2 * b),
    },
    "weighted_loss": {
        "the result is the mean importance": (lambda x, y, importance: (importance * x**2).mean()),
    },
    "best_bias": {
        "the same averages": (lambda W, feature_mean: feature_mean / 3),
    },
    "minimum_loss": {
        "rounded numbers": (lambda importance: round(importance.min().item() / 24, 4)),
        "come out lower": (lambda importance: importance.min() / 7),
    },
}
