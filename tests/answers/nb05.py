"""Right and wrong answers to the exercises of notebook 05."""

import math
from fractions import Fraction

import torch


def gaps_in_degrees(W):
    angle = torch.rad2deg(torch.atan2(W[1], W[0])).sort().values
    return torch.cat([angle, angle[:1] + 360]).diff().sort().values


def gaps_looped(W):
    angles = sorted(math.degrees(math.atan2(y, x)) % 360 for x, y in W.T.tolist())
    return sorted((b - a) % 360 for a, b in zip(angles, angles[1:] + angles[:1], strict=True))


def two_pairs_loss(sparsity, importance):
    density = 1 - sparsity
    return (importance[:4].sum() * density**2 / 6 + importance[4] * density / 3) / 5


def two_pairs_looped(sparsity, importance):
    p = 1 - sparsity
    costs = [p**2 / 6] * 4 + [p / 3]
    return sum(i * c for i, c in zip(importance.tolist(), costs, strict=True)) / 5


def polygon(k, radius):
    angle = 2 * torch.pi * torch.arange(k) / k
    return radius * torch.stack([angle.cos(), angle.sin()])


def polygon_turned(k, radius):
    corners = [0.3 - 2 * math.pi * j / k for j in range(k)]
    return [[radius * math.cos(a) for a in corners], [radius * math.sin(a) for a in corners]]


def seeds_needed(share, error):
    return math.ceil(share * (1 - share) / error**2)


def largest_unseen_share(n_seeds):
    return 1 - 0.05 ** (1 / n_seeds)


def _corners(angle, radius):
    return radius * torch.stack([angle.cos(), angle.sin()])


RIGHT = {
    "gaps_in_degrees": [gaps_in_degrees, gaps_looped, lambda W: gaps_in_degrees(W.double())],
    "two_pairs_loss": [two_pairs_loss, two_pairs_looped],
    "polygon": [polygon, polygon_turned, lambda k, radius: polygon(k, radius).double().numpy()],
    "seeds_needed": [
        seeds_needed,
        lambda q, e: -int(-(q - q * q) // (e * e)),
        lambda q, e: math.ceil(Fraction(q) * (1 - Fraction(q)) / Fraction(e) ** 2),
    ],
    "largest_unseen_share": [
        largest_unseen_share,
        lambda n: -math.expm1(math.log(0.05) / n),
        lambda n: torch.tensor(1.0) - torch.tensor(0.05) ** (1 / n),
    ],
}

WRONG = {
    "gaps_in_degrees": {
        "add up to 360": (lambda W: torch.full((W.shape[1],), 72.0)),
    },
    "two_pairs_loss": {
        "returned the same": (lambda S, importance: 0.0023),
    },
    "polygon": {
        "corners are the columns": (lambda k, radius: polygon(k, radius).T),
        "not π": (lambda k, radius: _corners(torch.pi * torch.arange(k) / k, radius)),
        "radians, not degrees": (lambda k, radius: _corners(360 * torch.arange(k) / k, radius)),
        "k corners make k steps": (
            lambda k, radius: _corners(torch.linspace(0, 2 * torch.pi, k), radius)
        ),
        "Multiply by the radius": (lambda k, radius: polygon(k, 1)),
        "is expected": (
            lambda k, radius: _corners(4 * torch.pi * torch.arange(k) / k + 0.1, radius)
        ),
        "got shape": (lambda k, radius: torch.ones(2, 5 if k != 5 else 6)),
    },
    "seeds_needed": {
        "returned the same": (lambda q, e: 64),
    },
    "largest_unseen_share": {
        "returned the same": (lambda n: 0.05),
    },
}
