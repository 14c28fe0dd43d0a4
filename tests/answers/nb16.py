"""Right and wrong answers to the exercises of notebook 16."""

import torch


def penalty(f, W_dec):
    lengths = W_dec.norm(dim=1)
    return (f * lengths).sum(1).mean()


def penalty_looped(f, W_dec):
    total = 0.0
    for state in f.tolist():
        for latent, row in zip(state, W_dec.tolist(), strict=True):
            total += latent * sum(number**2 for number in row) ** 0.5
    return total / len(f)


def top_k(f, lengths, k):
    size = f * lengths
    smallest_kept = size.sort(descending=True).values[:, k - 1 : k]
    return f * (size >= smallest_kept)


def top_k_looped(f, lengths, k):
    result = torch.zeros_like(f)
    for i, size in enumerate(f * lengths):
        for j in size.topk(k).indices.tolist():
            result[i, j] = f[i, j]
    return result


def threshold(size, k):
    n_kept = round(k * len(size))
    return size.flatten().sort(descending=True).values[n_kept - 1]


def threshold_by_list(size, k):
    every = sorted((number for row in size.tolist() for number in row), reverse=True)
    return every[round(k * len(size)) - 1]


def closest(W, W_dec):
    features = W / W.norm(dim=0)
    latents = W_dec / W_dec.norm(dim=1, keepdim=True)
    return (latents @ features).amax(dim=0)


def closest_looped(W, W_dec):
    result = []
    for feature in W.T:
        dots = W_dec @ feature / feature.norm()
        result.append((dots / W_dec.norm(dim=1)).max())
    return torch.stack(result)


def precision_and_recall(x, f):
    fires, present = f > 0, x > 0
    hits = (fires & present).sum()
    return torch.stack([hits / fires.sum(), hits / present.sum()])


def precision_and_recall_by_mean(x, f):
    precision, recall = (x[f > 0] > 0).double().mean(), (f[x > 0] > 0).double().mean()
    return torch.tensor([precision, recall])


RIGHT = {
    "penalty": [penalty, penalty_looped],
    "top_k": [top_k, top_k_looped],
    "threshold": [threshold, threshold_by_list],
    "closest": [closest, closest_looped],
    "precision_and_recall": [precision_and_recall, precision_and_recall_by_mean],
}

WRONG = {
    "penalty": {
        "must not change": (lambda f, W_dec: f.max() + W_dec.norm()),
    },
    "top_k": {
        "stand unchanged": (lambda f, lengths, k: f),
    },
    "threshold": {
        "at least as large": (lambda size, k: size.mean()),
    },
    "closest": {
        "between -1 and 1": (lambda W, W_dec: closest(W, W_dec) / 2),
    },
    "precision_and_recall": {
        "always fires": (lambda x, f: precision_and_recall(x, f) / 2),
    },
}
