"""Right and wrong answers to the exercises of notebook 04."""

import math

import torch


def interference_received(W, x):
    overlap = W.T @ W
    return overlap @ x - overlap.diagonal() * x


def interference_looped(W, x):
    columns, n = W.T, W.shape[1]
    return [sum(columns[i] @ columns[j] * x[j] for j in range(n) if j != i) for i in range(n)]


def expecting_bias(W, sparsity):
    overlap = W.T @ W
    return -(overlap.sum(1) - overlap.diagonal()) * (1 - sparsity) / 2


def expecting_bias_by_means(W, sparsity):
    mean = torch.full((W.shape[1],), (1 - sparsity) / 2, dtype=torch.float64)
    return -interference_received(W.double(), mean)


def free_pairs(W):
    return W.T @ W <= 0


def free_pairs_looped(W):
    columns = W.T
    return [[bool(a @ b <= 0) for b in columns] for a in columns]


def my_model():
    return torch.tensor([[1.0, -1.0, 0.0], [0.0, 0.0, 1.0]]), torch.zeros(3)


def my_model_turned():
    a = 0.7
    W = [[math.cos(a), math.sin(a), -math.sin(a)], [math.sin(a), -math.cos(a), math.cos(a)]]
    return torch.tensor(W, dtype=torch.float64), [0.0, 0.001, 0.001]


def _triangle():
    angle = 2 * math.pi * torch.arange(3) / 3
    return torch.stack([angle.cos(), angle.sin()])


RIGHT = {
    "interference_received": [
        interference_received,
        interference_looped,
        lambda W, x: (W.T @ W - torch.diag(W.square().sum(0))) @ x,
    ],
    "expecting_bias": [expecting_bias, expecting_bias_by_means],
    "free_pairs": [free_pairs, free_pairs_looped],
    "my_model": [my_model, my_model_turned],
}

WRONG = {
    "interference_received": {
        "is active alone": (lambda W, x: torch.full_like(x, 0.5)),
    },
    "expecting_bias": {
        "an antipodal pair a positive one": (lambda W, sparsity: torch.full((W.shape[1],), -0.1)),
    },
    "free_pairs": {
        "the table is symmetric": (lambda W: torch.zeros(W.shape[1], W.shape[1], dtype=torch.bool)),
    },
    "my_model": {
        "no direction for feature 2": (lambda: (torch.eye(2, 3), torch.zeros(3))),
        "features 0 and 2 stand": (
            lambda: (torch.tensor([[1.0, 0.0, 0.9], [0.0, 1.0, -0.3]]), torch.zeros(3))
        ),
        "every two disturb": (lambda: (_triangle(), torch.zeros(3))),
        "positive bias": (lambda: (my_model()[0], torch.full((3,), 0.2))),
        "only does harm": (lambda: (my_model()[0], torch.full((3,), -0.2))),
        "length is not 1": (lambda: (1.4 * my_model()[0], torch.zeros(3))),
        "got shapes (3, 2)": (lambda: (my_model()[0].T, torch.zeros(3))),
    },
}
