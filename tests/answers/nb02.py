"""Right and wrong answers to the exercises of notebook 02."""

import torch


def feature_variance(sparsity):
    p = 1 - sparsity
    return p / 3 - p**2 / 4


def feature_variance_by_parts(sparsity):
    """Variance = mean of the variances + variance of the means, over on and off."""
    p = torch.tensor(1 - sparsity, dtype=torch.float64)
    return p / 12 + p * (1 - p) * 0.25


def expected_linear_loss(W, b, mean, covariance, importance):
    A = torch.eye(len(b)) - W.T @ W
    spread = (A @ covariance @ A.T).diagonal()
    return (importance * (spread + (A @ mean - b) ** 2)).mean()


def expected_linear_loss_looped(W, b, mean, covariance, importance):
    total, n = 0.0, len(b)
    A = (torch.eye(n) - W.T @ W).double()
    for i in range(n):
        spread = sum(A[i, j] * covariance[j, k] * A[i, k] for j in range(n) for k in range(n))
        offset = sum(A[i, j] * mean[j] for j in range(n)) - b[i]
        total += importance[i] * (spread + offset**2)
    return total / n


def expected_linear_loss_second_moment(W, b, mean, covariance, importance):
    """From E[x xᵀ] instead, with the cross term of the bias."""
    A = torch.eye(len(b), dtype=torch.float64) - (W.T @ W).double()
    moment = (covariance + torch.outer(mean, mean)).double()
    error = (A @ moment @ A.T).diagonal() - 2 * b * (A @ mean.double()) + b**2
    return (importance.numpy() * error.numpy()).mean()


def commits(W):
    share = W[:, 0] ** 2 / (W[:, 0] ** 2).sum(-1, keepdim=True)
    return share.max(-1).values >= 0.9


def commits_looped(W):
    answers = []
    for first, second in W[:, 0].tolist():
        answers.append(max(first**2, second**2) >= 0.9 * (first**2 + second**2))
    return answers


def without(argument):
    """Return an answer to 2.3 that takes the argument with this index as zero."""

    def answer(W, b, mean, covariance, importance):
        arguments = [W, b, mean, covariance, importance]
        arguments[argument] = 0 * arguments[argument]
        return expected_linear_loss(*arguments)

    return answer


RIGHT = {
    "feature_variance": [feature_variance, feature_variance_by_parts],
    "expected_linear_loss": [
        expected_linear_loss,
        expected_linear_loss_looped,
        expected_linear_loss_second_moment,
    ],
    "commits": [
        commits,
        commits_looped,
        lambda W: commits(W.double()).int(),
        lambda W: W[:, 0].abs().min(-1).values ** 2 <= 0.1 * W.square().sum((1, 2)),
    ],
}

WRONG = {
    "feature_variance": {
        "returned the same": (lambda sparsity: 1 / 12),
        "try the ends": (lambda sparsity: (1 - sparsity) / 5),
    },
    "expected_linear_loss": {
        "averaged over the features": (without(0)),
    },
    "commits": {
        "multiplying W by -3": (lambda W: torch.ones(len(W), dtype=torch.bool)),
    },
}
