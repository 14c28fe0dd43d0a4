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
        "bias is missing": lambda x, W, b: x @ W.T @ W,
        "one entry per feature": lambda x, W, b: (x @ W.T + b) @ W,
        "no ReLU in the hidden layer": lambda x, W, b: (x @ W.T).clamp(min=0) @ W + b,
        "no ReLU at the output": lambda x, W, b: torch.relu(reconstruct(x, W, b)),
        "straight to the output": lambda x, W, b: x + b,
        "swapped": lambda x, W, b: (x @ W) @ W.T + b,
        "the decoder is the transpose": lambda x, W, b: x @ W.T @ W.T + b,
        "the points are rows": lambda x, W, b: W.T @ W @ x + b,
        "hidden numbers `h = W x`": lambda x, W, b: x @ W.T @ W + 2 * b,
    },
    "weighted_loss": {
        "importance is not used": lambda x, y, importance: ((x - y) ** 2).mean(),
        "squared the importance": lambda x, y, importance: ((importance * (x - y)) ** 2).mean(),
        "summed over the features": lambda x, y, importance: (
            (importance * (x - y) ** 2).sum(1).mean()
        ),
        "absolute error": lambda x, y, importance: (importance * abs(x - y)).mean(),
        "loss of each feature": lambda x, y, importance: (importance * (x - y) ** 2).mean(0),
        "half": lambda x, y, importance: 0.5 * weighted_loss(x, y, importance),
        "square root": lambda x, y, importance: weighted_loss(x, y, importance) ** 0.5,
        "square the differences": lambda x, y, importance: (importance * x**2).mean(),
    },
    "best_bias": {
        "W = 0": lambda W, feature_mean: feature_mean,
        "a zero bias": lambda W, feature_mean: 0 * feature_mean,
        "check the sign": lambda W, feature_mean: feature_mean + W.T @ W @ feature_mean,
        "supplies the rest": lambda W, feature_mean: W.T @ W @ feature_mean,
        "use WᵀW": lambda W, feature_mean: feature_mean - W @ W.T @ feature_mean,
        "average error": lambda W, feature_mean: feature_mean / 3,
    },
    "minimum_loss": {
        "more important": lambda importance: importance.max() / 24,
        "mean over the two features": lambda importance: importance.min() / 12,
        "leaves the variance": lambda importance: importance.min() / 3 / 2,
        "equal importances of 1": lambda importance: 1 / 24,
        "gives up both": lambda importance: importance.mean() / 12,
        "first feature is not always": lambda importance: importance[1] / 24,
        "very close": lambda importance: round(importance.min().item() / 24, 4),
        "best constant guess": lambda importance: importance.min() / 7,
    },
}
