"""Right and wrong answers to the exercises of notebook 10."""

import torch


def shares_of_a_dimension(W):
    unit = W / W.norm(dim=0)
    return W.square().sum(0) / (unit.T @ W).square().sum(1)


def shares_looped(W):
    answer = []
    for i in range(W.shape[1]):
        length = W[:, i].norm()
        total = sum((W[:, i] / length @ W[:, j]) ** 2 for j in range(W.shape[1]))
        answer.append(length**2 / total)
    return torch.stack(answer).double()


def share_on_line(D, kept, value):
    return ((D[kept] - value).abs() <= 0.012).double().mean()


def share_looped(D, kept, value):
    mine = [d for d, k in zip(D.tolist(), kept.tolist(), strict=True) if k]
    return sum(abs(d - value) <= 0.012 for d in mine) / len(mine)


def connected(joined, start):
    reached = torch.zeros(len(joined), dtype=torch.bool)
    reached[start] = True
    while True:
        more = reached | joined[reached].any(0)
        if torch.equal(more, reached):
            return reached
        reached = more


def connected_by_power(joined, start):
    ways = (joined | torch.eye(len(joined), dtype=torch.bool)).double()
    return torch.linalg.matrix_power(ways, len(joined))[start] > 0


def connected_by_walking(joined, start):
    seen, todo = {start}, [start]
    while todo:
        for j in joined[todo.pop()].nonzero()[:, 0].tolist():
            if j not in seen:
                seen.add(j)
                todo.append(j)
    return [k in seen for k in range(len(joined))]


def walk_without_memory(joined, start):
    reached = torch.arange(len(joined)) == start
    for j in joined[start].nonzero()[:, 0].tolist():
        reached = reached | walk_without_memory(joined, j)
    return reached


def worth_of_a_dimension(loss, density, n_features, n_hidden):
    v = density / 3 - density**2 / 4
    return n_features * (v - loss) / (n_hidden * v)


RIGHT = {
    "shares_of_a_dimension": [shares_of_a_dimension, shares_looped],
    "share_on_line": [share_on_line, share_looped],
    "connected": [connected, connected_by_power, connected_by_walking],
    "worth_of_a_dimension": [
        worth_of_a_dimension,
        lambda L, p, n, m: n / m * (1 - L / (p / 3 - p**2 / 4)),
    ],
}

WRONG = {
    "shares_of_a_dimension": {
        "an antipodal pair 1/2 each": (lambda W: shares_of_a_dimension(W) + 0.2),
    },
    "share_on_line": {
        "the share is 1": (lambda D, kept, v: 1 - share_on_line(D, kept, v)),
    },
    "connected": {
        "calls itself without end": walk_without_memory,
        "begun in its middle": (
            lambda joined, start: joined.any(0) & (torch.arange(len(joined)) > start // 2)
        ),
    },
    "worth_of_a_dimension": {
        "features per hidden dimension": (lambda L, p, n, m: worth_of_a_dimension(L, p, n, m) + 1),
    },
}
