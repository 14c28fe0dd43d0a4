"""Right and wrong answers to the exercises of notebook 08."""

import itertools
import math

import torch


def least_linear_loss(sparsity, importance, n_hidden):
    p = 1 - sparsity
    ignored = importance.sort(descending=True).values[n_hidden:].sum()
    return ignored * (p / 3 - p**2 / 4) / len(importance)


def least_linear_loss_listed(sparsity, importance, n_hidden):
    p = 1 - sparsity
    costs = sorted(importance.tolist())[: len(importance) - n_hidden]
    return sum(cost * (p / 3 - p * p / 4) for cost in costs) / len(importance)


def expected_relu(a, b, density, t):
    phi = torch.exp(1j * b * t)
    for weight in a:
        wave = (torch.exp(1j * weight * t) - 1) / (1j * weight * t)
        phi = phi * (1 - density + density * wave)
    integral = ((1 - phi.real) / t**2).sum() * (t[1] - t[0]) + 1 / t[-1]
    return (b + density / 2 * a.sum() + 2 / math.pi * integral) / 2


def expected_relu_by_cases(a, b, density, t):
    u = (torch.arange(60, dtype=torch.float64) + 0.5) / 60
    total = 0.0
    for active in itertools.product((0, 1), repeat=3):
        z = torch.as_tensor(b, dtype=torch.float64)
        for weight, on in zip(a.tolist(), active, strict=True):
            z = z[..., None] + weight * u if on else z
        chance = density ** sum(active) * (1 - density) ** (3 - sum(active))
        total += chance * z.clamp(min=0).mean()
    return total


def shared_with_others(W):
    norms = W.norm(dim=0)
    return ((W.T @ W / norms[:, None]) ** 2).sum(1) - norms**2


def shared_looped(W):
    columns, n = W.T, W.shape[1]
    return [
        sum((columns[i] / columns[i].norm() @ columns[j]) ** 2 for j in range(n) if j != i)
        for i in range(n)
    ]


def partners(W):
    unit = W / W.norm(dim=0)
    return (unit.T @ unit).argmin(1)


def partners_looped(W):
    columns, n = W.T, W.shape[1]

    def cosine(i, j):
        return float(torch.cosine_similarity(columns[i], columns[j], dim=0))

    return [min(range(n), key=lambda j, i=i: cosine(i, j)) for i in range(n)]


def first_record(norms):
    long_enough = norms > 0.5
    return torch.where(long_enough.any(0), long_enough.int().argmax(0), -1)


def first_record_looped(norms):
    found = []
    for column in norms.T.tolist():
        found.append(next((k for k, length in enumerate(column) if length > 0.5), -1))
    return found


RIGHT = {
    "least_linear_loss": [least_linear_loss, least_linear_loss_listed],
    "expected_relu": [expected_relu, expected_relu_by_cases],
    "shared_with_others": [shared_with_others, shared_looped],
    "partners": [partners, partners_looped],
    "first_record": [first_record, first_record_looped],
}

WRONG = {
    "least_linear_loss": {
        "returned the same": (lambda S, I, m: 0.01),
    },
    "expected_relu": {
        "returned the same": (lambda a, b, p, t: 0.3),
    },
    "shared_with_others": {
        "share nothing": (lambda W: torch.full((W.shape[1],), 0.3)),
    },
    "partners": {
        "ten times as long": (lambda W: torch.zeros(W.shape[1], dtype=torch.long)),
    },
    "first_record": {
        "follow one column": (lambda norms: torch.full((norms.shape[1],), 2)),
    },
}
