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
        "runs over all j": lambda W: 1 / (1 / shares_of_a_dimension(W) - 1),
        "length one: divide": lambda W: W.square().sum(0) / (W.T @ W).square().sum(1),
        "squared before": lambda W: W.square().sum(0) / ((W / W.norm(dim=0)).T @ W).sum(1),
        "not |W_i|": lambda W: shares_of_a_dimension(W) / W.norm(dim=0),
        "D* of the model": lambda W: len(W) / W.square().sum(),
        "columns are directions": lambda W: shares_of_a_dimension(W) + 0.2,
    },
    "share_on_line": {
        "in your denominator": lambda D, kept, v: share_on_line(D, kept, v) * kept.double().mean(),
        "in your numerator": lambda D, kept, v: ((D - v).abs() <= 0.012).sum() / kept.sum(),
        "only represented": lambda D, kept, v: ((D - v).abs() <= 0.012).double().mean(),
        "has no sign": lambda D, kept, v: (
            ((D[kept] - v) >= 0) & ((D[kept] - v) <= 0.012)
        ).double().mean(),
        "not a count": lambda D, kept, v: share_on_line(D, kept, v) * kept.sum(),
        "counted, over": lambda D, kept, v: 1 - share_on_line(D, kept, v),
    },
    "connected": {
        "those are the neighbours": lambda joined, start: joined[start],
        "one step": lambda joined, start: joined[start] | (torch.arange(len(joined)) == start),
        "belongs to its own": lambda joined, start: (
            connected(joined, start) & (torch.arange(len(joined)) != start)
        ),
        "any edge": lambda joined, start: joined.any(1),
        "outside": lambda joined, start: ~connected(joined, start),
        "stops growing": lambda joined, start: joined[start] & joined[:, 0],
    },
    "worth_of_a_dimension": {
        "multiply it by": lambda L, p, n, m: (n - L / (p / 3 - p**2 / 4)) / m,
        "a mean over them": lambda L, p, n, m: worth_of_a_dimension(L, p, 1, m),
        "answers the mean": lambda L, p, n, m: n / m * (1 - 3 * L / p),
        "divide by n_hidden": lambda L, p, n, m: worth_of_a_dimension(L, p, n, 1),
        "in features": lambda L, p, n, m: n / m * (p / 3 - p**2 / 4 - L),
        "still loses": lambda L, p, n, m: n * L / (m * (p / 3 - p**2 / 4)),
        "n_features (v - loss)": lambda L, p, n, m: worth_of_a_dimension(L, p, n, m) + 1,
    },
}  # fmt: skip
