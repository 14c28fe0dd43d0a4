"""Random cases that several notebooks' checks share: models and weight matrices, never square."""

import torch

from toyutils.exercises._check import generator, integer


def models(seed):
    """Return cases (x, W, b) of several sizes: x (point, feature), W (hidden, feature), b.

    The first is 2 → 1. The biases b (feature,) are of both signs and at least 0.2 in size.
    """
    random = generator(seed)
    sizes = [(9, 2, 1)]
    for _ in range(4):
        n_hidden = integer(2, 3, random)
        n_features = n_hidden + integer(1, 3, random)
        sizes.append((n_features + integer(3, 8, random), n_features, n_hidden))
    cases = []
    for n_points, n_features, n_hidden in sizes:
        sign = torch.where(torch.arange(n_features) % 2 == 0, 1.0, -1.0)
        cases.append(
            (
                torch.rand(n_points, n_features, generator=random),
                torch.randn(n_hidden, n_features, generator=random),
                sign * (0.2 + 0.3 * torch.rand(n_features, generator=random)),
            )
        )
    return cases


def matrices(random, least_hidden=1):
    """Return five matrices W (hidden, feature) of several sizes, the first (2, 3)."""
    sizes = [(2, 3)]
    for _ in range(4):
        n_hidden = least_hidden + integer(0, 2, random)
        sizes.append((n_hidden, n_hidden + integer(1, 4, random)))
    return [torch.randn(size, generator=random) for size in sizes]
