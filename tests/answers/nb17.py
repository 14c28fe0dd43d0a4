"""Right and wrong answers to the exercises of notebook 17."""

import math


def point_dimensionality(W, x):
    hidden = W @ x.T
    overlap = hidden.T @ hidden / hidden.norm(dim=0)[:, None]
    return hidden.square().sum(0) / overlap.square().sum(1)


def point_dimensionality_looped(W, x):
    hidden = [W @ point for point in x]
    shares = []
    for h in hidden:
        total = sum(float(h @ other) ** 2 for other in hidden) / float(h @ h)
        shares.append(float(h @ h) / total)
    return shares


def squared_radius(n_points):
    return 1 / (1 - math.cos(math.tau / n_points))


def squared_radius_by_half_the_angle(n_points):
    return 0.5 / math.sin(math.pi / n_points) ** 2


def sharing_pairs(n_points, n_features, density):
    one_pair = 1 - (1 - density**2) ** n_features
    return n_points * (n_points - 1) / 2 * one_pair


def sharing_pairs_counted(n_points, n_features, density):
    nothing = (1 - density * density) ** n_features
    return math.comb(n_points, 2) * (1 - nothing)


def kept_loss(n_features, n_kept):
    return 1 - n_kept / n_features


def kept_loss_summed(n_features, n_kept):
    return (n_features - n_kept) / n_features


def best_start(loss, test_loss):
    return test_loss.gather(1, loss.argmin(1, keepdim=True))[:, 0]


def best_start_looped(loss, test_loss):
    return [float(new[own.argmin()]) for own, new in zip(loss, test_loss, strict=True)]


RIGHT = {
    "point_dimensionality": [point_dimensionality, point_dimensionality_looped],
    "squared_radius": [squared_radius, squared_radius_by_half_the_angle],
    "sharing_pairs": [sharing_pairs, sharing_pairs_counted],
    "kept_loss": [kept_loss, kept_loss_summed],
    "best_start": [best_start, best_start_looped],
}

WRONG = {
    "point_dimensionality": {
        "2/5 each": (lambda W, x: point_dimensionality(W, x) + 0.5),
    },
    "squared_radius": {
        "ρ² = 1 is enough": (lambda T: squared_radius(T) + T),
    },
    "sharing_pairs": {
        "a quarter of cases": (lambda T, n, p: sharing_pairs(T, n, p) + 3),
    },
    "kept_loss": {
        "lose one half": (lambda n, k: kept_loss(n, k) + 0.4),
    },
    "best_start": {
        "`loss` alone": (lambda loss, test_loss: best_start(loss, test_loss) + 1),
    },
}
