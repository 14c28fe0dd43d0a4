"""Right and wrong answers to the exercises of notebook 13."""

import torch


def attack(W, i, size):
    row = W.T @ W[:, i]
    return size * row / row.norm()


def attack_looped(W, i, size):
    row = [float(W[:, j] @ W[:, i]) for j in range(W.shape[1])]
    length = sum(value**2 for value in row) ** 0.5
    return [size * value / length for value in row]


def shortest(W, b, i):
    return -b[i] / (W.T @ W[:, i]).norm()


def input_gradient(x, target, W, b):
    y = (W.T @ W @ x + b).relu()
    delta = 2 * (y - target) / len(x) * (y > 0)
    return W.T @ W @ delta


def input_gradient_by_autograd(x, target, W, b):
    x = x.clone().requires_grad_()
    error = ((W.T @ (W @ x) + b).relu() - target).square().mean()
    return torch.autograd.grad(error, x)[0]


def two_worst(harm):
    return harm.mean(1).max(), harm.amax(0).mean()


def two_worst_looped(harm):
    rows = harm.tolist()
    one = max(sum(row) / len(row) for row in rows)
    each = [max(column) for column in zip(*rows, strict=True)]
    return one, sum(each) / len(each)


def change_without(V, b, x, i, j):
    without = V.clone()
    without[i, j] = 0
    losses = [((x @ M.T + b).relu() - x).square().mean() for M in (V, without)]
    return losses[1] - losses[0]


def change_in_one_output(V, b, x, i, j):
    z = x @ V[i] + b[i]
    before = (z.relu() - x[:, i]) ** 2
    after = ((z - V[i, j] * x[:, j]).relu() - x[:, i]) ** 2
    return (after - before).sum() / x.numel()


RIGHT = {
    "attack": [attack, attack_looped],
    "shortest": [shortest, lambda W, b, i: float(b[i].abs() / (W.T @ W)[i].norm())],
    "input_gradient": [input_gradient, input_gradient_by_autograd],
    "two_worst": [two_worst, two_worst_looped],
    "change_without": [change_without, change_in_one_output],
}

WRONG = {
    "attack": {
        "no other of that length": (lambda W, i, size: (W.T @ W[:, i]).abs() * size),
    },
    "shortest": {
        "just at zero": (lambda W, b, i: -b[i] / (W.T @ W[:, i]).norm() / 2),
    },
    "input_gradient": {
        "finite differences": (lambda x, target, W, b: x),
    },
    "two_worst": {
        "can never do more": (lambda harm: (harm.mean(), harm.mean())),
    },
    "change_without": {
        "zero already": (lambda V, b, x, i, j: V[i, j]),
    },
}
