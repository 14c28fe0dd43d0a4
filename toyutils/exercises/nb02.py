"""Checks of notebook 02: sparsity."""

import torch

from toyutils.exercises._check import Formula, exercise, generator, integer, number
from toyutils.exercises._progress import functions_of
from toyutils.exercises.concepts import concepts_of


@exercise("2.1")
def check_feature_variance(seed):
    """Check exercise 2.1: `feature_variance(sparsity)`, the variance of one feature.

    sparsity: a number in [0, 1] -> number.
    """

    def expected(sparsity):
        p = 1 - sparsity
        return p / 3 - p**2 / 4

    mistakes = {
        "you used the sparsity where the density p = 1 - S belongs: S is the chance of a zero.": (
            lambda sparsity: sparsity / 3 - sparsity**2 / 4
        ),
        "this is E[x²]. The variance is E[x²] - E[x]².": lambda sparsity: (1 - sparsity) / 3,
        "the dense variance 1/12 does not just shrink by p: zeros lie away from the mean. "
        "Start from E[x²] - E[x]².": lambda sparsity: (1 - sparsity) / 12,
        "p²/12 is the variance of p x, a feature that is always present and made smaller. Here "
        "E[x²] is p/3: the chance p is not squared.": (lambda sparsity: (1 - sparsity) ** 2 / 12),
        "this counts only that the feature switches on and off, not that its value varies too.": (
            lambda sparsity: (1 - sparsity) * sparsity / 4
        ),
        "the mean is p/2, so its square is p²/4.": (
            lambda sparsity: (1 - sparsity) / 3 - (1 - sparsity) ** 2 / 2
        ),
        "this is the standard deviation, the root of the variance.": (
            lambda sparsity: ((1 - sparsity) / 3 - (1 - sparsity) ** 2 / 4) ** 0.5
        ),
        "this is the mean of the feature.": lambda sparsity: (1 - sparsity) / 2,
    }
    random = generator(seed)
    # S = 0 and S = 0.5 alone would let several of these pass.
    cases = [(0.0,), (0.8,), (0.5,), (0.99,)]
    cases += [(number(low, low + 0.2, random),) for low in (0.1, 0.3, 0.65)]
    hint = "try the ends: 1/12 at a sparsity of 0, and 0 at a sparsity of 1."
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("2.2")
def check_commits(seed):
    """Check exercise 2.2: `commits(W)`, whether one feature has at least 0.9 of the squared norm.

    W (instance, 1, 2) -> bool (instance,).
    """

    def share(W):
        return W[:, 0] ** 2 / (W**2).sum((1, 2))[:, None]

    def expected(W):
        return share(W).amax(-1) >= 0.9

    mistakes = {
        "the sign of a weight does not matter: W and -W give the same model. Square it.": (
            lambda W: W[:, 0].amax(-1) ** 2 >= 0.9 * (W**2).sum((1, 2))
        ),
        "a model may commit to feature 1 as well: take the larger of the two shares.": (
            lambda W: share(W)[:, 0] >= 0.9
        ),
        "a model may commit to feature 0 as well: take the larger of the two shares.": (
            lambda W: share(W)[:, 1] >= 0.9
        ),
        "these are shares of |W_i|; the task asks for shares of W_i².": (
            lambda W: W[:, 0].abs().amax(-1) >= 0.9 * W[:, 0].abs().sum(-1)
        ),
        "divide by the sum of squares: what counts is the share, not the size of the weights.": (
            lambda W: (W[:, 0] ** 2).amax(-1) >= 0.9
        ),
        "what counts is the share of the squares, not the size of the weights.": (
            lambda W: W[:, 0].abs().amax(-1) >= 0.9
        ),
        "that is the share itself. Compare it with 0.9.": lambda W: share(W).amax(-1),
        "these are the shares of both features. Take the larger one, then compare it with 0.9.": (
            share
        ),
        "these are the answers for both features. One answer per instance: is either true?": (
            lambda W: share(W) >= 0.9
        ),
        "it is turned round: True means that one feature has at least 0.9.": (
            lambda W: share(W).amax(-1) < 0.9
        ),
        "one answer per instance is wanted, not how many of them commit.": (
            lambda W: expected(W).sum()
        ),
        "one answer per instance is wanted, not the fraction that commits.": (
            lambda W: expected(W).double().mean()
        ),
    }
    hint = "multiplying W by -3 must not change an answer, nor must exchanging the features."
    return Formula(_directions(seed), expected, mistakes, hint=hint)


@exercise("2.3")
def check_expected_linear_loss(seed):
    """Check exercise 2.3: `expected_linear_loss(W, b, mean, covariance, importance)`, exact.

    W (hidden, feature), b, mean, importance (feature,), covariance (feature, feature) -> scalar,
    from two moments, without samples.
    """

    def loss(W, b, mean, covariance, importance):
        """Return importance × expected squared error of every feature."""
        A = torch.eye(len(b)) - W.T @ W
        return importance * ((A @ covariance @ A).diagonal() + (A @ mean - b) ** 2)

    def expected(W, b, mean, covariance, importance):
        return loss(W, b, mean, covariance, importance).mean()

    mistakes = {
        "the average error is missing: E[e²] is the variance of the error e plus the square of "
        "its mean, (A μ - b)².": lambda W, b, mean, covariance, importance: loss(
            W, torch.zeros_like(b), torch.zeros_like(mean), covariance, importance
        ).mean(),
        "the bias is missing: the mean error is A μ - b.": (
            lambda W, b, mean, covariance, importance: expected(
                W, torch.zeros_like(b), mean, covariance, importance
            )
        ),
        "check the sign of b: the error is x - y = A x - b.": (
            lambda W, b, mean, covariance, importance: expected(W, -b, mean, covariance, importance)
        ),
        "the spread of the features is missing: add the variance of the error, (A C A)_ii.": (
            lambda W, b, mean, covariance, importance: expected(
                W, b, mean, 0 * covariance, importance
            )
        ),
        "the importance is not used.": lambda W, b, mean, covariance, importance: expected(
            W, b, mean, covariance, torch.ones_like(importance)
        ),
        "you summed over the features; the loss is the mean over them.": (
            lambda W, b, mean, covariance, importance: loss(
                W, b, mean, covariance, importance
            ).sum()
        ),
        "this is the loss of each feature. Take the mean over the features.": loss,
        "features that vary together count: use the whole covariance, not only its diagonal.": (
            lambda W, b, mean, covariance, importance: expected(
                W, b, mean, covariance.diagonal().diag(), importance
            )
        ),
        "the mean of the features counts twice: covariance is already about the mean, and E[x xᵀ] "
        "is not wanted.": lambda W, b, mean, covariance, importance: expected(
            W, b, mean, covariance + torch.outer(mean, mean), importance
        ),
        "A stands on both sides of the covariance: the variance of A x is A C Aᵀ.": (
            lambda W, b, mean, covariance, importance: (
                importance
                * (
                    (covariance - W.T @ W @ covariance).diagonal()
                    + (mean - W.T @ (W @ mean) - b) ** 2
                )
            ).mean()
        ),
        "WᵀW x is the reconstruction; the error is x - WᵀW x - b, so use A = 1 - WᵀW.": (
            lambda W, b, mean, covariance, importance: (
                importance
                * ((W.T @ W @ covariance @ W.T @ W).diagonal() + (mean - W.T @ (W @ mean) - b) ** 2)
            ).mean()
        ),
    }
    hint = (
        "with W = 0 and b the mean, importance times variance is left, averaged over the features."
    )
    return Formula(_moments(seed), expected, mistakes, hint=hint)


def _moments(seed):
    """Return cases (W, b, mean, covariance, importance) with correlated features and b != 0."""
    random = generator(seed)
    cases = []
    for _ in range(5):
        n_hidden = integer(1, 2, random)
        n_features = n_hidden + integer(1, 2, random)
        root = torch.randn(n_features, n_features, generator=random)
        cases.append(
            (
                0.8 * torch.randn(n_hidden, n_features, generator=random),
                0.3 + torch.rand(n_features, generator=random),
                torch.rand(n_features, generator=random),
                0.2 * root @ root.T,
                0.2 + torch.rand(n_features, generator=random),
            )
        )
    return cases


def _directions(seed):
    """Return cases (W,) with weights of all signs and sizes, none near the threshold 0.9."""
    random = generator(seed)
    cases = []
    for n_instances in (64, integer(20, 40, random)):
        # Half of the angles lie within 30° of an axis, so that about half of the models commit.
        near = (torch.rand(n_instances, generator=random) - 0.5) * torch.pi / 3
        near += torch.randint(4, (n_instances,), generator=random) * torch.pi / 2
        anywhere = torch.rand(n_instances, generator=random) * 2 * torch.pi
        angle = torch.where(torch.rand(n_instances, generator=random) < 0.5, near, anywhere)
        size = 0.6 + 0.8 * torch.rand(n_instances, 1, generator=random)
        W = size * torch.stack([angle.cos(), angle.sin()], -1)
        larger = angle.cos().square().maximum(angle.sin().square())
        W = W[(larger - 0.9).abs() > 0.01]
        # Shares of 0.888 and 0.912, of either feature, with both signs.
        beside = torch.tensor([[0.888, 0.112], [0.912, 0.088]]).sqrt()
        W = torch.cat([W, beside, beside.flip(1), beside * torch.tensor([1.0, -1.0])])
        cases.append((W[torch.randperm(len(W), generator=random)][:, None],))
    return cases


check_concepts = concepts_of("02")
answer, outcome, predict, prediction, progress = functions_of("02")
