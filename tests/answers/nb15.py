"""Right and wrong answers to the exercises of notebook 15."""

import torch


def plain_loss(n_pairs, density, importance):
    left_out = importance[n_pairs:]
    return left_out.sum() * (density / 3 - density**2 / 4) / len(importance)


def plain_loss_looped(n_pairs, density, importance):
    total = 0.0
    for i, weight in enumerate(importance.tolist()):
        if i >= n_pairs:
            total += weight * (density / 3 - density * density / 4)
    return total / len(importance)


def effective_features(W_in, W_out):
    gain = W_in.abs() * W_out.T.clamp(min=0)
    return gain.sum(1) ** 2 / (gain**2).sum(1)


def effective_features_looped(W_in, W_out):
    numbers = []
    for j in range(len(W_in)):
        g = [abs(a) * b for a, b in zip(W_in[j].tolist(), W_out[:, j].relu().tolist(), strict=True)]
        numbers.append(sum(g) ** 2 / sum(v * v for v in g))
    return torch.tensor(numbers)


def leaks(w_in, w_out):
    return torch.outer(w_out, w_in.abs()).fill_diagonal_(0)


def leaks_looped(w_in, w_out):
    return [
        [0.0 if i == j else b * abs(a) for j, a in enumerate(w_in.tolist())]
        for i, b in enumerate(w_out.tolist())
    ]


def inhibitor(W_in, W_out, neuron, loud, quiet):
    coming_in = (W_in[:, loud] * W_in[neuron, loud].sign()).clamp(min=0)
    return int((W_out[quiet] * coming_in).argmin())


def inhibitor_looped(W_in, W_out, neuron, loud, quiet):
    written = []
    for k in range(len(W_in)):
        coming_in = torch.relu(W_in[k, loud] * W_in[neuron, loud])
        written.append(float(W_out[quiet, k] * coming_in))
    return written.index(min(written))


def fate(costs, left_out):
    inner = costs[:, 1:-1]
    minimum = ((inner < costs[:, :-2]) & (inner < costs[:, 2:])).any(1)
    return minimum.int() + (minimum & (costs.amin(1) < left_out))


def fate_looped(costs, left_out):
    fates = []
    for row, without in zip(costs.tolist(), left_out.tolist(), strict=True):
        held = any(row[k] < min(row[k - 1], row[k + 1]) for k in range(1, len(row) - 1))
        fates.append(2 if held and min(row) < without else int(held))
    return fates


def read_and(x, reads, i, j):
    both = (reads[:, i] * reads[:, j]) > 0
    return (x @ reads[both].T - 1).clamp(min=0).mean(1)


def read_and_looped(x, reads, i, j):
    chosen = [row for row in reads if row[i] > 0 and row[j] > 0]
    return [sum(float((row @ point - 1).relu()) for row in chosen) / len(chosen) for point in x]


RIGHT = {
    "plain_loss": [plain_loss, plain_loss_looped],
    "effective_features": [effective_features, effective_features_looped],
    "leaks": [leaks, leaks_looped],
    "inhibitor": [inhibitor, inhibitor_looped],
    "fate": [fate, fate_looped],
    "read_and": [read_and, read_and_looped],
}

WRONG = {
    "plain_loss": {
        "the loss is 1/12": (lambda n_pairs, density, importance: 0.1 * density),
    },
    "effective_features": {
        "two equal gains": (lambda W_in, W_out: effective_features(W_in, W_out) + 1),
    },
    "leaks": {
        "4 and 1/4": (lambda w_in, w_out: 2 * leaks(w_in, w_out)),
    },
    "inhibitor": {
        "which neuron lowers": (lambda W_in, W_out, neuron, loud, quiet: neuron),
    },
    "fate": {
        "the one before": (lambda costs, left_out: 2 - fate(costs, left_out)),
    },
    "read_and": {
        "answers 2": (lambda x, reads, i, j: read_and(x, reads, i, j) + 0.1),
    },
}
