"""Right and wrong answers to the exercises of notebook 18."""

import math

import torch


def dropped(p, m):
    v = p / 3 - p**2 / 4
    return v[m:].sum() / v.sum()


def dropped_looped(p, m):
    v = [float(x) / 3 - float(x) ** 2 / 4 for x in p]
    return sum(v[m:]) / sum(v)


def exponent(width, loss):
    x, y = width.log(), loss.log()
    x = x - x.mean()
    return -(x * y).sum() / x.square().sum()


def exponent_from_sums(width, loss):
    pairs = [(math.log(m), math.log(y)) for m, y in zip(width, loss, strict=True)]
    n = len(pairs)
    x, y = (sum(values) / n for values in zip(*pairs, strict=True))
    xy = sum(a * b for a, b in pairs) / n - x * y
    return -xy / (sum(a * a for a, _ in pairs) / n - x * x)


def decayed(W, decay, rate):
    target = W / W.norm(dim=0) * float(decay < 0)
    return W - rate * abs(decay) * (W - target)


def decayed_looped(W, decay, rate):
    columns = []
    for w in W.T:
        if decay < 0:
            columns.append(w + rate * decay * (w - w / w.norm()))
        else:
            columns.append(w * (1 - rate * decay))
    return torch.stack(columns).T


def least_overlap(n, m):
    return (n - m) / (m * (n - 1))


def least_overlap_in_steps(n, m):
    squares = n**2 / m
    return (squares - n) / (n * (n - 1))


def capacity_at_price(v, price, r):
    root = (price / 2) ** 0.5
    return ((r * v / root - 1) / (r - 1)).clamp(0, 1)


def capacity_at_price_looped(v, price, r):
    shares = []
    for value in v.tolist():
        c = (r * value / (price / 2) ** 0.5 - 1) / (r - 1)
        shares.append(sorted((0.0, c, 1.0))[1])
    return shares


RIGHT = {
    "dropped": [dropped, dropped_looped],
    "exponent": [exponent, exponent_from_sums],
    "decayed": [decayed, decayed_looped],
    "least_overlap": [least_overlap, least_overlap_in_steps],
    "capacity_at_price": [capacity_at_price, capacity_at_price_looped],
}

WRONG = {
    "dropped": {
        "(n - m) / n": (lambda p, m: dropped(p, m) ** 2),
    },
    "exponent": {
        "the exponent is 1": (lambda width, loss: exponent(width, loss) + 1),
    },
    "decayed": {
        "stay as they are": (lambda W, decay, rate: W + 1),
    },
    "least_overlap": {
        "orthonormal basis": (lambda n, m: n / m),
    },
    "capacity_at_price": {
        "then clip": (lambda v, price, r: v / v.sum()),
    },
}
