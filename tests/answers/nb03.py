"""Right and wrong answers to the exercises of notebook 03."""

from fractions import Fraction

import torch


def relu_reconstruct(x, W, b):
    return torch.relu(x @ W.T @ W + b)


def relu_reconstruct_looped(x, W, b):
    y = torch.zeros(x.shape, dtype=torch.float64)
    for point in range(len(x)):
        h = W @ x[point]
        for i in range(len(b)):
            y[point, i] = max(0.0, (W[:, i] @ h + b[i]).item())
    return y


def antipodal_loss(p):
    return p**2 / 6


def reaches_antipodal(W):
    long = (W[:, 0].abs() - 1).abs() <= 0.2
    return long.all(-1) & (W[:, 0, 0] * W[:, 0, 1] < 0)


def reaches_antipodal_looped(W):
    return [
        first * second < 0 and all(0.8 <= abs(w) <= 1.2 for w in (first, second))
        for first, second in W[:, 0].tolist()
    ]


def break_even_density():
    return 4 / 7


def break_even_density_by_bisection():
    low, high = 0.1, 1.0
    for _ in range(40):
        p = (low + high) / 2
        if p**2 / 6 < (p / 3 - p**2 / 4) / 2:
            low = p
        else:
            high = p
    return p


def initial_weights(n_instances, generator):
    size = 0.5 + torch.rand(n_instances, 1, 2, generator=generator)
    return size * torch.tensor([1.0, -1.0])


def initial_weights_either_sign(n_instances, generator):
    first = torch.randn(n_instances, 1, 1, generator=generator)
    return torch.cat([first, -first], -1)


def initial_weights_xavier_flipped(n_instances, generator):
    W = torch.randn(n_instances, 1, 2, generator=generator) * (2 / 3) ** 0.5
    return W.abs() * torch.tensor([1.0, -1.0])


def initial_weights_numpy(n_instances, generator):
    W = torch.rand(n_instances, 1, 2, generator=generator, dtype=torch.float64).numpy() + 0.5
    W[:, :, 1] *= -1
    return W


def initial_weights_tiny(n_instances, generator):
    return 0.01 * initial_weights_either_sign(n_instances, generator)


RIGHT = {
    "relu_reconstruct": [
        relu_reconstruct,
        relu_reconstruct_looped,
        lambda x, W, b: (x.double() @ W.double().T @ W.double() + b).clamp(min=0).numpy(),
        lambda x, W, b: (x @ W.T @ W + b) * (x @ W.T @ W + b > 0),
    ],
    "antipodal_loss": [antipodal_loss, lambda p: torch.tensor(p) ** 2 / 6],
    "reaches_antipodal": [reaches_antipodal, reaches_antipodal_looped],
    "break_even_density": [
        break_even_density,
        break_even_density_by_bisection,
        lambda: 0.571,
        lambda: Fraction(4, 7),
        lambda: torch.tensor([4 / 7]),
    ],
    "initial_weights": [
        initial_weights,
        initial_weights_either_sign,
        initial_weights_xavier_flipped,
        initial_weights_numpy,
        initial_weights_tiny,
    ],
}

WRONG = {
    "relu_reconstruct": {
        "no output is negative": (lambda x, W, b: torch.sigmoid(x @ W.T @ W + b)),
    },
    "antipodal_loss": {
        "sample it at p = 1": (lambda p: p**3),
    },
    "reaches_antipodal": {
        "only the last is out": (lambda W: torch.zeros(len(W), dtype=torch.bool)),
    },
    "break_even_density": {
        "rounded numbers": (lambda: 0.57),
        "put your density": (lambda: 0.3),
    },
    "initial_weights": {
        "two weights of the same sign": (
            lambda n_instances, generator: torch.randn(n_instances, 1, 2, generator=generator)
        ),
        "64 starts had": (
            lambda n_instances, generator: torch.rand(n_instances, 1, 2, generator=generator)
        ),
        "look at the lengths": (
            lambda n_instances, generator: (
                5 * initial_weights_xavier_flipped(n_instances, generator)
            )
        ),
        "instances: expected shape": (
            lambda n_instances, generator: initial_weights(64, generator)
        ),
        "zero in both": (lambda n_instances, generator: torch.zeros(n_instances, 1, 2)),
        "the same, so this is one trial": (
            lambda n_instances, generator: torch.tensor([1.0, -1.0]).expand(n_instances, 1, 2)
        ),
        "Two generators": (
            lambda n_instances, generator: torch.rand(n_instances, 1, 2) * torch.tensor([1.0, -1.0])
        ),
        "expected shape (": (
            lambda n_instances, generator: torch.rand(n_instances, 2, generator=generator)
        ),
    },
}
