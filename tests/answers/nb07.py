"""Right and wrong answers to the exercises of notebook 07."""

import math

import torch


def interference_cost(degrees):
    return max(math.cos(math.radians(degrees)), 0) ** 2 / 3


def interference_by_sum(degrees):
    x = (torch.arange(100_000, dtype=torch.float64) + 0.5) / 100_000
    return torch.relu(math.cos(math.radians(degrees)) * x).square().mean()


def best_corners(h, n_features):
    corners = range(4, min(n_features, 3 + len(h)) + 1)
    return min(corners, key=lambda k: h[k - 4] + n_features - k)


def best_corners_vectorised(h, n_features):
    k = torch.arange(4, 4 + len(h))
    return int(k[(h - k).where(k <= n_features, torch.inf).argmin()])


def best_of(k, share):
    return 1 - (1 - share) ** k


def best_of_looped(k, share):
    found = 0.0
    for _ in range(k):
        found += (1 - found) * share
    return found


def as_good_as(W):
    return torch.eye(*W.shape)


def as_good_as_turned(W):
    result = torch.zeros_like(W)
    result[:, 3] = torch.tensor([0.6, 0.8])
    result[:, 1] = torch.tensor([0.8, -0.6])
    return result


def _pair(first, second):
    W = torch.zeros(2, 5)
    W[:, 0], W[:, 1] = torch.tensor(first), torch.tensor(second)
    return W


RIGHT = {
    "interference_cost": [interference_cost, interference_by_sum],
    "best_corners": [best_corners, best_corners_vectorised],
    "best_of": [best_of, best_of_looped],
    "as_good_as": [as_good_as, as_good_as_turned, lambda W: as_good_as(W).double().numpy()],
}

WRONG = {
    "interference_cost": {
        "returned the same": (lambda d: 0.1),
    },
    "best_corners": {
        "returned the same": (lambda h, n: 9),
    },
    "best_of": {
        "returned the same": (lambda k, q: 0.5),
    },
    "as_good_as": {
        "the pentagon itself": (lambda W: W),
        "three must be zero": (lambda W: -W),
        "one dimension is unused": (lambda W: _pair([1.0, 0.0], [0.0, 0.0])),
        "right angle": (lambda W: _pair([1.0, 0.0], [0.6, 0.8])),
        "length 1": (lambda W: _pair([1.2, 0.0], [0.0, 0.9])),
        "got shape": (lambda W: torch.eye(2)),
    },
}
