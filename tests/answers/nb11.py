"""Right and wrong answers to the exercises of notebook 11."""

import math

import torch


def sparse_energy(W):
    overlap = W.T @ W
    squared = overlap.diagonal()
    others = torch.relu(overlap - squared.diag())
    return ((1 - squared) ** 2 + others.square().sum(1)).mean() / 3


def sparse_energy_looped(W):
    total, n = 0.0, W.shape[1]
    for i in range(n):
        for j in range(n):
            answer = max(0.0, float(W[:, i] @ W[:, j]))
            total += (float(i == j) - answer) ** 2 / 3
    return total / n


def meeting_cost(c):
    return c**2 / 3 - c**3 / 6


def meeting_cost_in_parts(c):
    on = c**2 / 3 - c**3 / 4
    return on + c**3 / 12


def tegum(A, B):
    return torch.block_diag(A, B)


def tegum_by_hand(A, B):
    top = torch.cat([A, torch.zeros(len(A), B.shape[1])], 1)
    return torch.cat([top, torch.cat([torch.zeros(len(B), A.shape[1]), B], 1)])


def made_sparser(sparsity, factor, n_features):
    row = torch.full((n_features,), sparsity)
    row[0] = 1 - (1 - sparsity) / factor
    return row


def made_sparser_as_list(sparsity, factor, n_features):
    return [1 - (1 - sparsity) / factor] + [sparsity] * (n_features - 1)


def collapsed_sets(W):
    cosine = torch.cosine_similarity(W[:, :, 0::2], W[:, :, 1::2], dim=1)
    return (cosine > math.cos(math.radians(30))).sum(1)


def collapsed_sets_looped(W):
    counts = []
    for w in W:
        unit = w / w.norm(dim=0)
        angles = [float(unit[:, k] @ unit[:, k + 1]) for k in (0, 2, 4)]
        counts.append(sum(cosine > 0.8660254 for cosine in angles))
    return counts


RIGHT = {
    "sparse_energy": [sparse_energy, sparse_energy_looped],
    "meeting_cost": [meeting_cost, meeting_cost_in_parts],
    "tegum": [tegum, tegum_by_hand],
    "made_sparser": [made_sparser, made_sparser_as_list],
    "collapsed_sets": [collapsed_sets, collapsed_sets_looped],
}

WRONG = {
    "sparse_energy": {
        "have energy 0": (lambda W: sparse_energy(W) + 0.1),
    },
    "meeting_cost": {
        "costs 1/6": (lambda c: c / 6),
    },
    "tegum": {
        "zeros elsewhere": (lambda A, B: torch.block_diag(A, B) + 1),
    },
    "made_sparser": {
        "5 of 100 samples": (lambda S, k, n: made_sparser(S, k + 1, n)),
    },
    "collapsed_sets": {
        "cosine of 30°": (lambda W: collapsed_sets(W) + 1),
    },
}
