"""Mutants that checks accept, and why they should: {reason: {exercise: [the line that differs]}}.

See tests/mutants.py for what a mutant is, tests/test_mutants.py for the test.
"""

EQUIVALENT = {
    "another right answer: the exercise has many": {
        "initial_weights": {
            "length = 0.25 + torch.rand(n_instances, 1, 2, generator=generator)",
            "length = 0.4 + torch.rand(n_instances, 1, 2, generator=generator)",
            "length = 0.5 + torch.rand(n_instances, 1, 1, generator=generator)",
            "length = 0.6 + torch.rand(n_instances, 1, 2, generator=generator)",
            "length = 1.0 + torch.rand(n_instances, 1, 2, generator=generator)",
            "length = torch.rand(n_instances, 1, 2, generator=generator)",
            "return -(length * torch.tensor([1.0, -1.0]))",
            "return 1.2 * (length * torch.tensor([1.0, -1.0]))",
            "return length * torch.tensor([0.5, -1.0])",
            "return length * torch.tensor([0.8, -1.0])",
            "return length * torch.tensor([1.2, -1.0])",
            "return length * torch.tensor([2.0, -1.0])",
            "return length / torch.tensor([1.0, -1.0])",
        },
        "my_model": {
            "W = torch.tensor([[1.0, -1.0, 0.0], [0.0, 0.0, -1.0]])",
        },
        "polygon": {
            "angle = -2 * torch.pi * torch.arange(k) / k",
            "return -(radius * torch.stack([angle.cos(), angle.sin()]))",
        },
        "as_good_as": {
            "return -torch.eye(*W.shape)",
        },
    },
    "another argument of the same length or shape gives the size": {
        "expected_linear_loss": {
            "A = torch.eye(len(covariance)) - W.T @ W",
            "A = torch.eye(len(covariance), dtype=torch.float64) - (W.T @ W).double()",
            "A = torch.eye(len(importance)) - W.T @ W",
            "A = torch.eye(len(importance), dtype=torch.float64) - (W.T @ W).double()",
            "A = torch.eye(len(mean)) - W.T @ W",
            "A = torch.eye(len(mean), dtype=torch.float64) - (W.T @ W).double()",
            "total, n = (0.0, len(covariance))",
            "total, n = (0.0, len(importance))",
            "total, n = (0.0, len(mean))",
        },
        "weighted_loss": {
            "for i in range(y.shape[1]):",
            "for point in range(y.shape[0]):",
            "return total / y.numel()",
        },
        "error_signal": {
            "for p, i in np.ndindex(a.shape):",
            "result = np.zeros_like(a)",
        },
        "missing_terms": {
            "result[k, i] = x[i] * sum((W[k, j] * delta[j] for j in range(len(delta)) if j != i))",
        },
        "meetings_by_chance": {
            "n_seeds = drop.shape[1]",
            "return pairs.sum() / (drop.shape[1] - 1)",
        },
        "input_gradient": {
            "delta = 2 * (y - target) / len(b) * (y > 0)",
            "delta = 2 * (y - target) / len(target) * (y > 0)",
        },
    },
    "A = 1 - WᵀW, and tables of dot products, are symmetric": {
        "expected_linear_loss": {
            "error = (A @ moment @ A).diagonal() - 2 * b * (A @ mean.double()) + b ** 2",
            "spread = (A @ covariance @ A).diagonal()",
        },
        "expecting_bias": {
            "from_others = overlap.sum(0) - overlap.diagonal()",
        },
        "partners": {
            "return (unit.T @ unit).argmin(0)",
            "return [min(range(n), key=lambda j, i=i: cosine(j, i)) for i in range(n)]",
            "return float(torch.cosine_similarity(columns[j], columns[i], dim=0))",
        },
    },
    "the axis has one entry, or is the same counted from the other end": {
        "commits": {
            "answer = lambda W: W[:, -1].abs().min(-1).values ** 2 <= 0.1 * W.square().sum((1, 2))",
            "answer = lambda W: W[:, 0].abs().min(1).values ** 2 <= 0.1 * W.square().sum((1, 2))",
            "for first, second in W[:, -1].tolist():",
            "return share.amax(1) >= 0.9",
            "share = squares / squares.sum(1, keepdim=True)",
            "squares = W[:, -1] ** 2",
        },
        "reaches_antipodal": {
            "first, second = (W[:, -1, 0], W[:, 0, 1])",
            "first, second = (W[:, 0, 0], W[:, -1, 1])",
            "first, second = (W[:, 0, 0], W[:, 0, -1])",
            "near_one = ((W[:, -1].abs() - 1).abs() <= 0.2).all(-1)",
            "near_one = ((W[:, 0].abs() - 1).abs() <= 0.2).all(1)",
            (
                "return [first * second < 0 and all((0.8 <= abs(w) <= 1.2 for w in (first, "
                "second))) for first, second in W[:, -1].tolist()]"
            ),
        },
        "partners": {
            "return float(torch.cosine_similarity(columns[i], columns[j], dim=-1))",
        },
        "connected": {
            "for j in joined[todo.pop()].nonzero()[:, -1].tolist():",
        },
        "tegum": {
            "return torch.cat([top, torch.cat([torch.zeros(len(B), A.shape[1]), B], -1)])",
            "top = torch.cat([A, torch.zeros(len(A), B.shape[1])], -1)",
        },
        "biggest_change": {
            "return change.abs().max(-1).values",
        },
        "meetings_by_chance": {
            "counts = [(jump & drop.roll(k, -1)).sum() for k in range(1, n_seeds)]",
        },
    },
    "it differs only on the bound itself, where rounding decides": {
        "fate": {
            "cheaper = costs.amin(1) <= left_out",
            "fates.append(2 if held and min(row) <= without else int(held))",
            "held = any((row[k] <= min(row[k - 1], row[k + 1]) for k in range(1, len(row) - 1)))",
            "minimum = ((inner < costs[:, :-2]) & (inner <= costs[:, 2:])).any(1)",
            "minimum = ((inner <= costs[:, :-2]) & (inner < costs[:, 2:])).any(1)",
        },
        "commits": {
            "answer = lambda W: W[:, 0].abs().min(-1).values ** 2 < 0.1 * W.square().sum((1, 2))",
            "answers.append(max(first ** 2, second ** 2) > 0.9 * (first ** 2 + second ** 2))",
            "return share.amax(-1) > 0.9",
        },
        "reaches_antipodal": {
            "near_one = ((W[:, 0].abs() - 1).abs() < 0.2).all(-1)",
        },
        "share_on_line": {
            "return ((D[kept] - value).abs() < 0.012).double().mean()",
            "return sum((abs(d - value) < 0.012 for d in mine)) / len(mine)",
        },
        "collapsed_sets": {
            "counts.append(sum((cosine >= 0.8660254 for cosine in angles)))",
            "return (cosine >= 3 ** 0.5 / 2).sum(1)",
        },
        "count_neurons": {
            "n = sum((weight >= 0.3 for weight in row))",
            "n_features = (W >= 0.3).sum(1)",
        },
    },
    "where a product, an output or a gap is exactly zero, the result is the same": {
        "reaches_antipodal": {
            (
                "return [first * second <= 0 and all((0.8 <= abs(w) <= 1.2 for w in (first, "
                "second))) for first, second in W[:, 0].tolist()]"
            ),
            "return near_one & (first * second <= 0)",
        },
        "crossing": {
            "k = int((gap >= 0).sum()) - 1",
        },
        "decayed": {
            "if decay <= 0:",
            "target = W / W.norm(dim=0) if decay <= 0 else torch.zeros_like(W)",
        },
        "relu_reconstruct": {
            "answer = lambda x, W, b: (x @ W.T @ W + b) * (x @ W.T @ W + b >= 0)",
        },
    },
    "only the sign of the quotient counts, and it is that of the product": {
        "reaches_antipodal": {
            (
                "return [first / second < 0 and all((0.8 <= abs(w) <= 1.2 for w in (first, "
                "second))) for first, second in W[:, 0].tolist()]"
            ),
            "return near_one & (first / second < 0)",
        },
    },
    "the order of the two does not matter": {
        "fate": {
            "held = any((row[k] < min(row[k + 1], row[k - 1]) for k in range(1, len(row) - 1)))",
        },
        "error_signal": {
            "y = np.maximum(0, a)",
        },
        "interference_cost": {
            "return max(0, cosine) ** 2 / 3",
        },
        "best_corners": {
            "corners = range(4, min(3 + len(h), n_features) + 1)",
        },
        "best_bias": {
            "return [sum((a * m for a, m in zip(feature_mean, row, strict=True))) for row in A]",
        },
        "commits": {
            "answers.append(max(second ** 2, first ** 2) >= 0.9 * (first ** 2 + second ** 2))",
        },
        "relu_reconstruct": {
            "y[point, i] = max((W[:, i] @ h + b[i]).item(), 0.0)",
        },
        "two_pairs_loss": {
            "return sum((i * c for i, c in zip(costs, importance.tolist(), strict=True))) / 5",
        },
        "sparse_energy": {
            "answer = max(float(W[:, i] @ W[:, j]), 0.0)",
        },
        "collapsed_sets": {
            "cosine = torch.cosine_similarity(second, first, dim=1)",
        },
        "biggest_change": {
            (
                "return [max(((b - a) ** 2 for a, b in zip(rows[t + lag], rows[t], "
                "strict=True))) ** 0.5 for t in range(len(rows) - lag)]"
            ),
        },
        "best_of_k": {
            (
                "return sum((w * value for w, value in zip(ordered, ways, strict=True))) / "
                "math.comb(n, k)"
            ),
        },
        "count_neurons": {
            "counts[min(2, n) - 1] += 1",
        },
        "leave_the_relu": {
            "c = [-sum((min(0.0, weight) for weight in row)) for row in W.tolist()]",
        },
    },
    "every entry is overwritten": {
        "slope_by_nudging": {
            "slope = np.ones_like(W)",
        },
        "reconstruct": {
            "y = torch.ones_like(x)",
        },
        "relu_reconstruct": {
            "y = torch.ones(x.shape, dtype=torch.float64)",
        },
        "missing_terms": {
            "result = np.ones_like(W)",
        },
        "asymmetry": {
            "J = np.ones((W.size, W.size))",
        },
    },
    "the grid is so fine that its last point and the one before differ by less than is asked": {
        "expected_relu": {
            "integral = ((1 - phi.real) / t ** 2).sum() * (t[1] - t[0]) + 1 / t[-2]",
        },
    },
    "a common factor of J cancels, and a slope this straight has the same slope on either side": {
        "asymmetry": {
            "J[:, column] = ((slope(W + nudge) - slope(W - nudge)) * 2e-05).ravel()",
            "J[:, column] = ((slope(W + nudge) - slope(W - nudge)) / -2e-05).ravel()",
            "J[:, column] = ((slope(W + nudge) - slope(W - nudge)) / 1.6e-05).ravel()",
            "J[:, column] = ((slope(W + nudge) - slope(W - nudge)) / 1e-05).ravel()",
            "J[:, column] = ((slope(W + nudge) - slope(W - nudge)) / 2.4e-05).ravel()",
            "J[:, column] = ((slope(W + nudge) - slope(W - nudge)) / 4e-05).ravel()",
            "J[:, column] = ((slope(W + nudge) - slope(W)) / 2e-05).ravel()",
            "J[:, column] = ((slope(W) - slope(W - nudge)) / 2e-05).ravel()",
            "J[:, column] = (slope(W + nudge) - slope(W - nudge)).ravel()",
            "nudge[index] = -1e-05",
            "nudge[index] = 1.2e-05",
            "nudge[index] = 2e-05",
            "nudge[index] = 5e-06",
            "nudge[index] = 8e-06",
        },
    },
    "where a is not positive the mask removes the difference": {
        "error_signal": {
            "y = a",
            "y = np.maximum(a, -1)",
        },
        "input_gradient": {
            "y = W.T @ W @ x + b",
        },
    },
    "for two features the shares of 1/W² are those of W², exchanged": {
        "commits": {
            "squares = W[:, 0] ** (-2)",
        },
    },
    "the same in another form: tensors for arrays, a plain tensor for a parameter": {
        "reconstruct": {
            "without W = torch.nn.Parameter(W)",
            "without x, W, b = (x.double().numpy(), W.double().numpy(), b.double().numpy())",
        },
        "input_gradient": {
            "return torch.autograd.grad(error, x)[-1]",
            "return torch.autograd.grad(error, x)[0 - 1]",
            "x = x.requires_grad_()",
        },
    },
    "the mean of means is the mean in either order": {
        "weighted_loss": {
            "answer = lambda x, y, importance: (importance * (x - y).square()).mean()",
            "answer = lambda x, y, importance: (importance * (x - y).square()).mean(-1).mean()",
            "answer = lambda x, y, importance: (importance * (x - y).square()).mean(1).mean()",
        },
    },
    "adding the same to every candidate, or scaling all, does not change which is lowest": {
        "best_corners": {
            "return min(corners, key=lambda k: h[k - 4] - k)",
            "return min(corners, key=lambda k: h[k - 4] - n_features - k)",
        },
        "partners": {
            "return 1.2 * float(torch.cosine_similarity(columns[i], columns[j], dim=0))",
        },
    },
    "the longest path has one edge less than there are nodes, and more rounds add nothing": {
        "connected": {
            "for _ in range(1, len(joined)):",
            "for _ in range(len(joined) + 1):",
            "for _ in range(len(joined) - 1):",
        },
    },
    "the further terms are zero: no choice of more features than there are": {
        "two_or_more_probability": {
            (
                "return sum((comb(n_features, k) * (1 - sparsity) ** k * sparsity ** "
                "(n_features - k) for k in range(2, n_features + 1 + 1)))"
            ),
            (
                "return sum((comb(n_features, k) * (1 - sparsity) ** k * sparsity ** "
                "(n_features - k) for k in range(2, n_features + 2)))"
            ),
        },
    },
    "the curves have crossed before the last point": {
        "crossing": {
            "for k in range(len(gap) + 1):",
            "for k in range(len(gap) - -1):",
            "for k in range(len(gap) - 0):",
            "for k in range(len(gap) - 1 + 1):",
            "for k in range(len(gap)):",
        },
    },
    "measured from another axis, or in another direction, the gaps are the same": {
        "gaps_in_degrees": {
            "angle = torch.rad2deg(torch.atan2(W[0], W[1])).sort().values",
            "angles = sorted((math.degrees(math.atan2(x, y)) % 360 for x, y in W.T.tolist()))",
            "angles = sorted((math.degrees(math.atan2(y, x)) % -360 for x, y in W.T.tolist()))",
            "angles = sorted((math.degrees(math.atan2(y, x)) % 720 for x, y in W.T.tolist()))",
            "angles = sorted((math.degrees(math.atan2(y, x)) for x, y in W.T.tolist()))",
        },
    },
    "no node is joined to itself, and no range ends between two whole numbers": {
        "best_corners": {
            "k = torch.arange(4, 3.2 + len(h))",
        },
        "connected": {
            "ways = (joined ^ torch.eye(len(joined), dtype=torch.bool)).double()",
        },
        "count_neurons": {
            "return torch.stack([(n_features == 1).sum(), (n_features > 1.2).sum()])",
        },
    },
    "what is left out is the default": {
        "collapsed_sets": {
            "cosine = torch.cosine_similarity(first, second)",
        },
    },
    "an angle does not depend on the lengths": {
        "angle_between": {
            "u, v = (W.T[one].mean(0), W.T[other].sum(0))",
            "u, v = (W.T[one].sum(0), W.T[other].mean(0))",
            "u, v = (W[:, one].mean(1), W[:, other].sum(1))",
            "u, v = (W[:, one].sum(1), W[:, other].mean(1))",
        },
    },
    "a common positive factor does not change which product is lowest, and 1/±1 is ±1": {
        "inhibitor": {
            "coming_in = (W_in[:, loud] * W_in[neuron, loud]).clamp(min=0)",
            "coming_in = (W_in[:, loud] / W_in[neuron, loud].sign()).clamp(min=0)",
            "coming_in = torch.relu(W_in[k, loud] / W_in[neuron, loud])",
        },
    },
}
