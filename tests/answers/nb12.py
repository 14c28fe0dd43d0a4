"""Right and wrong answers to the exercises of notebook 12."""

import torch


def square_loss(n_features, n_plus):
    left_out = n_features - 4
    cost = left_out / (3 * n_features) - n_plus / (4 * n_features**2)
    return cost / n_features


def square_by_feature(n_features, n_plus):
    variance = 1 / (3 * n_features) - 1 / (4 * n_features**2)
    costs = [variance if k < n_plus else 1 / (3 * n_features) for k in range(n_features - 4)]
    return sum(costs) / n_features


def one_direction_loss(set_size, density):
    return density * (1 - 1 / set_size) / 12


def one_direction_by_variance(set_size, density):
    return density * (1 / 12 - 1 / (12 * set_size))


def angle_between(W, one, other):
    u, v = W[:, one].mean(1), W[:, other].mean(1)
    cosine = u @ v / (u.norm() * v.norm())
    return torch.rad2deg(torch.arccos(cosine))


def angle_by_sums(W, one, other):
    u, v = W.T[one].sum(0), W.T[other].sum(0)
    across = v - (u @ v) / (u @ u) * u
    return torch.rad2deg(torch.atan2(across.norm() * u.norm(), u @ v))


def biggest_change(D, lag):
    change = D[lag:] - D[: len(D) - lag]
    return change.abs().max(1).values


def biggest_change_looped(D, lag):
    rows = D.tolist()
    return [
        max((b - a) ** 2 for a, b in zip(rows[t], rows[t + lag], strict=True)) ** 0.5
        for t in range(len(rows) - lag)
    ]


def meetings_by_chance(jump, drop):
    both = (jump & drop).sum(1)
    pairs = jump.sum(1) * drop.sum(1) - both
    return pairs.sum() / (jump.shape[1] - 1)


def meetings_by_rolling(jump, drop):
    n_seeds = jump.shape[1]
    counts = [(jump & drop.roll(k, 1)).sum() for k in range(1, n_seeds)]
    return sum(counts) / len(counts)


RIGHT = {
    "square_loss": [square_loss, square_by_feature],
    "one_direction_loss": [one_direction_loss, one_direction_by_variance],
    "angle_between": [angle_between, angle_by_sums],
    "biggest_change": [biggest_change, biggest_change_looped],
    "meetings_by_chance": [meetings_by_chance, meetings_by_rolling],
}

WRONG = {
    "square_loss": {
        "the loss is 1/75": (lambda n, k: square_loss(n, k) + 0.01),
    },
    "one_direction_loss": {
        "loses nothing": (lambda k, p: one_direction_loss(k, p) + 0.1),
    },
    "angle_between": {
        "along one axis": (lambda W, a, b: angle_between(W, a, b) / 2),
    },
    "biggest_change": {
        "less `lag`": (lambda D, lag: biggest_change(D, lag) + 1),
    },
    "meetings_by_chance": {
        "as many as there are seeds": (lambda j, d: meetings_by_chance(j, d) + 1),
    },
}
