"""Right and wrong answers to the exercises of notebook 09."""

import torch


def three_prototypes(density, ratio):
    variance = density / 3 - density**2 / 4
    return torch.tensor([ratio * variance, variance, (1 + ratio) * density**2 / 6])


def boundary(density):
    return 2 * density / (4 - 5 * density)


def boundary_by_variance(density):
    variance, pair = density / 3 - density**2 / 4, density**2 / 6
    return pair / (variance - pair)


def count_phases(W):
    first, second = (W.abs() > 0.5).unbind(1)
    return torch.stack([(first & ~second).sum(), (second & ~first).sum(), (first & second).sum()])


def count_looped(W):
    counts = [0, 0, 0]
    for w1, w2 in W.tolist():
        kept = (abs(w1) > 0.5) + 2 * (abs(w2) > 0.5)
        if kept:
            counts[kept - 1] += 1
    return counts


def crossing(density, one, other):
    gap = other - one
    k = int((gap > 0).sum()) - 1
    return density[k] + gap[k] / (gap[k] - gap[k + 1]) * (density[k + 1] - density[k])


def crossing_looped(density, one, other):
    gap = (other - one).tolist()
    p = density.tolist()
    for k in range(len(gap) - 1):
        if gap[k] > 0 >= gap[k + 1]:
            return (p[k] * -gap[k + 1] + p[k + 1] * gap[k]) / (gap[k] - gap[k + 1])


RIGHT = {
    "three_prototypes": [three_prototypes, lambda p, r: three_prototypes(p, r).tolist()],
    "boundary": [boundary, boundary_by_variance],
    "count_phases": [count_phases, count_looped],
    "crossing": [crossing, crossing_looped],
}

WRONG = {
    "three_prototypes": {
        "costs 1/12": (lambda p, r: three_prototypes(p, r) + 0.1),
    },
    "boundary": {
        "are they equal": (lambda p: p),
    },
    "count_phases": {
        "need not add up": (lambda W: count_phases(W) + 1),
    },
    "crossing": {
        "two neighbouring points": (lambda p, a, b: p.mean()),
    },
}
