"""Answers by other ways: RIGHT[name] lists right ones in unusual forms, WRONG[name] subtle faults.

Unlike in nb00.py … nb10.py, no message is expected of the wrong ones: they only must not pass.
"""

import functools
import math

import numpy as np
import torch

PHASES = torch.tensor([[True, False], [False, True], [True, True]])


def spread(joined, start, n_rounds):
    """Return who is reached from `start` in so many rounds."""
    reached = torch.arange(len(joined)) == start
    return functools.reduce(lambda r, _: r | joined[r].any(0), range(n_rounds), reached)


def gaps_by_angle(W):
    angle = np.sort(np.degrees(np.angle(W[0].numpy() + 1j * W[1].numpy())))
    return np.sort(np.diff(np.append(angle, angle[0] + 360)))


def gaps_by_cosine(W):
    """Angles between neighbours by arc cosine, which never exceed 180°."""
    W = W[:, torch.atan2(W[1], W[0]).argsort()]
    cosine = torch.cosine_similarity(W, W.roll(-1, 1), dim=0)
    return torch.rad2deg(cosine.clamp(-1, 1).acos()).sort().values


def crossing_by_sign_change(density, one, other):
    gap = one - other
    k = int((gap[:-1] * gap[1:] <= 0).nonzero()[0])
    return (density[k] * gap[k + 1] - density[k + 1] * gap[k]) / (gap[k + 1] - gap[k])


def crossing_from_first_gap(density, one, other):
    k = int((one < other).sum()) - 1
    gap = other - one
    return density[k] + (density[k + 1] - density[k]) * gap[k] / gap[0]


def slope_by_unit_arrays(loss, W):
    nudges = 1e-6 * np.eye(W.size).reshape(-1, *W.shape)
    return np.reshape([(loss(W + e) - loss(W - e)) / 2e-6 for e in nudges], W.shape)


def count_by_subtraction(W):
    kept = W.square() > 0.25
    both = kept.all(1).sum()
    return torch.stack([kept[:, 0].sum() - both, kept[:, 1].sum() - both, both])


def prototypes(p, r):
    v = p / 3 - p * p / 4
    return np.array([r * v, v, (1 + r) * p * p / 6])


def of_either_sign(n_instances, generator):
    sign = 2.0 * torch.randint(0, 2, (n_instances, 1), generator=generator) - 1
    return torch.stack([sign, -sign], -1)


RIGHT = {
    "best_corners": [
        lambda h, n: 4 + int(np.argmin([float(x) - k for k, x in enumerate(h, 4) if k <= n])),
        lambda h, n: 4 + int((h[: n - 3] - torch.arange(len(h[: n - 3]))).argmin()),
        lambda h, n: float(min((h[k - 4] - k, k) for k in range(4, n + 1) if k - 4 < len(h))[1]),
    ],
    "commits": [
        lambda W: torch.nn.functional.normalize(W[:, 0], dim=-1).abs().amax(-1) >= 0.9**0.5,
        lambda W: (W[:, 0] ** 2).amax(-1) / W[:, 0].norm(dim=-1) ** 2 >= 0.9,
    ],
    "connected": [
        lambda joined, start: spread(joined, start, len(joined)),
        lambda joined, start: (
            torch.linalg.inv(torch.eye(len(joined)).double() - joined.double() / 60)[start] > 1e-30
        ),
    ],
    "count_phases": [
        count_by_subtraction,
        lambda W: torch.stack([((W.abs() > 0.5) == phase).all(1).sum() for phase in PHASES]),
        lambda W: np.bincount((W.abs() > 0.5).int().numpy() @ [1, 2], minlength=4)[1:],
    ],
    "count_represented": [
        lambda W: len([1 for column in W.T if column.dot(column) > 0.25]),
        lambda W: np.count_nonzero(np.linalg.norm(W.numpy(), axis=0) > 0.5),
    ],
    "crossing": [
        crossing_by_sign_change,
        lambda p, a, b: float(np.interp(0, (a - b).double().numpy(), p.double().numpy())),
    ],
    "error_signal": [
        lambda x, a, importance: np.where(a > 0, importance * (a - x), 0.0),
        lambda x, a, importance: importance * (np.clip(a, 0, None) - x) * np.heaviside(a, 0),
    ],
    "first_record": [lambda norms: [next(iter((c > 0.5).nonzero()), [-1])[0] for c in norms.T]],
    "gaps_in_degrees": [gaps_by_angle],
    "initial_weights": [
        of_either_sign,
        lambda n, generator: (
            torch.tensor([1.0, -1.0]) * (1 + 0.1 * torch.randn(n, 1, 2, generator=generator))
        ),
        lambda n, generator: np.abs(torch.randn(n, 1, 2, generator=generator).numpy()) * [-1, 1],
    ],
    "polygon": [
        lambda k, radius: (
            torch.view_as_real(radius * torch.exp(2j * math.pi * torch.arange(k) / k)).T
        ),
        lambda k, radius: [[radius * f(1 - 2 * np.pi * j / k) for j in range(k)]
                           for f in (np.cos, np.sin)],
    ],
    "reaches_antipodal": [
        lambda W: (W.prod(-1)[:, 0] < 0) & (W.abs().amax((1, 2)) <= 1.2)
        & (W.abs().amin((1, 2)) >= 0.8),
    ],
    "seeds_needed": [
        lambda q, e: next(n for n in range(1, 10**6) if math.sqrt(q * (1 - q) / n) <= e),
        lambda q, e: int(np.ceil(np.float64(q) * (1 - q) / np.float64(e) ** 2)),
    ],
    "share_on_line": [
        lambda D, kept, value: float(np.mean(np.abs(D.numpy()[kept.numpy()] - value) <= 0.012)),
        lambda D, kept, value: (
            torch.isclose(D[kept], torch.tensor(value), rtol=0, atol=0.012).sum() / kept.sum()
        ),
    ],
    "slope_by_nudging": [slope_by_unit_arrays],
    "three_prototypes": [prototypes],
    "weight_gradient": [
        lambda W, x, delta: W @ (np.outer(x, delta) + np.outer(delta, x)),
        lambda W, x, delta: np.einsum("k,i->ki", W @ x, delta) + np.einsum("k,i->ki", W @ delta, x),
    ],
}  # fmt: skip

WRONG = {
    "best_corners": [
        lambda h, n: 4 + int(h[: n - 3].argmin()),
        lambda h, n: min(range(4, min(n, len(h) + 3) + 1), key=lambda k: h[k - 4] + 0.8 * (n - k)),
        lambda h, n: min(range(4, min(n, len(h) + 3) + 1), key=lambda k: h[k - 4] + 1.2 * (n - k)),
    ],
    "commits": [
        lambda W: W[:, 0].abs().amax(-1) / W[:, 0].norm(dim=-1) >= 0.9,
        lambda W: W[:, 0].abs().amin(-1) < 0.3 * W[:, 0].abs().amax(-1),
    ],
    "connected": [
        lambda joined, start: spread(joined, start, 5),
        lambda joined, start: spread(joined, start, 8),
        lambda joined, start: (torch.linalg.matrix_power(joined.double(), 9) > 0)[start],
    ],
    "count_phases": [
        lambda W: torch.stack([*(W.abs() > 0.5).sum(0), (W.abs() > 0.5).all(1).sum()]),
        lambda W: torch.stack([(W[:, 0].abs() > W[:, 1].abs()).sum(),
                               (W[:, 0].abs() < W[:, 1].abs()).sum(), torch.tensor(9)]),
    ],
    "crossing": [
        crossing_from_first_gap,
        lambda p, a, b: p[(a - b).abs().argsort()[:2]].mean(),
        lambda p, a, b: float(np.roots(np.polyfit(p.numpy(), (a - b).numpy(), 1))[0]),
    ],
    "first_record": [
        lambda norms: torch.where(norms[-1] > 0.5, (norms > 0.5).int().argmax(0), -1),
    ],
    "gaps_in_degrees": [gaps_by_cosine],
    "reaches_antipodal": [
        lambda W: (W[:, 0] - torch.tensor([1.0, -1.0])).norm(dim=-1) <= 0.25,
        lambda W: (W[:, 0].prod(-1) + 1).abs() <= 0.3,
        lambda W: (W[:, 0].prod(-1) < 0) & ((W[:, 0].norm(dim=-1) - 2**0.5).abs() < 0.2),
        *(lambda W, t=t: (W[:, 0].prod(-1) < 0) & ((W[:, 0].abs() - 1).abs() <= t).all(-1)
          for t in (0.05, 0.1, 0.16, 0.24, 0.3, 0.55)),
    ],
    "seeds_needed": [
        lambda q, e: math.ceil(q * (1 - q) / e**2) + 1,
        lambda q, e: math.ceil(4 * q * (1 - q) / e**2),
    ],
    "share_on_line": [
        lambda D, kept, value: ((D - value).abs()[kept] <= 0.01).double().mean(),
        lambda D, kept, value: (D[kept].round(decimals=2) == round(value, 2)).double().mean(),
    ],
}  # fmt: skip
