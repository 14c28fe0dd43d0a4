"""Right and wrong answers to the exercises of notebook 08."""

import torch


def least_linear_loss(sparsity, importance, n_hidden):
    p = 1 - sparsity
    ignored = importance.sort(descending=True).values[n_hidden:].sum()
    return ignored * (p / 3 - p**2 / 4) / len(importance)


def least_linear_loss_listed(sparsity, importance, n_hidden):
    p = 1 - sparsity
    costs = sorted(importance.tolist())[: len(importance) - n_hidden]
    return sum(cost * (p / 3 - p * p / 4) for cost in costs) / len(importance)


def shared_with_others(W):
    norms = W.norm(dim=0)
    return ((W.T @ W / norms[:, None]) ** 2).sum(1) - norms**2


def shared_looped(W):
    columns, n = W.T, W.shape[1]
    return [
        sum((columns[i] / columns[i].norm() @ columns[j]) ** 2 for j in range(n) if j != i)
        for i in range(n)
    ]


def partners(W):
    unit = W / W.norm(dim=0)
    return (unit.T @ unit).argmin(1)


def partners_looped(W):
    columns, n = W.T, W.shape[1]

    def cosine(i, j):
        return float(torch.cosine_similarity(columns[i], columns[j], dim=0))

    return [min(range(n), key=lambda j, i=i: cosine(i, j)) for i in range(n)]


def first_record(norms):
    long_enough = norms > 0.5
    return torch.where(long_enough.any(0), long_enough.int().argmax(0), -1)


def first_record_looped(norms):
    found = []
    for column in norms.T.tolist():
        found.append(next((k for k, length in enumerate(column) if length > 0.5), -1))
    return found


RIGHT = {
    "least_linear_loss": [least_linear_loss, least_linear_loss_listed],
    "shared_with_others": [shared_with_others, shared_looped],
    "partners": [partners, partners_looped],
    "first_record": [first_record, first_record_looped],
}

WRONG = {
    "least_linear_loss": {
        "sort them": lambda S, I, m: least_linear_loss(S, I[m:], 0) * len(I[m:]) / len(I),
        "divide by their number": lambda S, I, m: least_linear_loss(S, I, m) * len(I),
        "density p = 1 - S": lambda S, I, m: least_linear_loss(1 - S, I, m),
        "1/12": lambda S, I, m: least_linear_loss(0.0, I, m),
        "same for every input": lambda S, I, m: 0.01,
    },
    "shared_with_others": {
        "leave out the feature itself": lambda W: shared_with_others(W) + W.square().sum(0),
        "divide row i": lambda W: shared_with_others(W) * W.square().sum(0),
        "positive and negative ones cancel": lambda W: (
            (W.T @ W / W.norm(dim=0)[:, None]).sum(1) - W.norm(dim=0)
        ),
        "do not take the root": lambda W: shared_with_others(W).clamp(min=0) ** 0.5,
        "rows of WᵀW": lambda W: torch.full((W.shape[1],), 0.3),
    },
    "partners": {
        "length one first": lambda W: (W.T @ W).argmin(1),
        "most similar": lambda W: torch.arange(W.shape[1]),
        "most right angle": lambda W: (
            (W / W.norm(dim=0)).T @ (W / W.norm(dim=0))
        ).abs().argmin(1),
        "its place is asked": lambda W: ((W / W.norm(dim=0)).T @ (W / W.norm(dim=0))).amin(1),
        "same for every input": lambda W: torch.zeros(W.shape[1], dtype=torch.long),
    },
    "first_record": {
        "not 0": lambda norms: (norms > 0.5).int().argmax(0),
        "first above 0.5 is asked": lambda norms: torch.where(
            (norms > 0.5).any(0), norms.argmax(0), -1
        ),
        "you counted": lambda norms: (norms > 0.5).sum(0),
        "look along the first axis": lambda norms: first_record(norms.T),
        "argmax of": lambda norms: torch.full((norms.shape[1],), 2),
    },
}  # fmt: skip
