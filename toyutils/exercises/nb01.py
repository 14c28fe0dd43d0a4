"""Checks of notebook 01: two features, one number."""

import torch

from toyutils.exercises._cases import models
from toyutils.exercises._check import Formula, exercise, generator, number
from toyutils.exercises._progress import functions_of
from toyutils.exercises.concepts import concepts_of


@exercise("1.1")
def check_reconstruct(seed):
    """Check exercise 1.1: `reconstruct(x, W, b)`, the forward pass y = WᵀW x + b of a batch.

    x (point, feature), W (hidden, feature), b (feature,) -> y (point, feature).
    """

    def expected(x, W, b):
        return x @ W.T @ W + b

    mistakes = {
        "the bias is missing: the output is `Wᵀ h + b`.": (lambda x, W, b: x @ W.T @ W),
        "the bias has the wrong sign: it is added.": (lambda x, W, b: x @ W.T @ W - b),
        "the bias belongs to the output, after the decoder, not to the hidden numbers: it has "
        "one entry per feature.": (lambda x, W, b: (x @ W.T + b) @ W),
        "you added the bias to the input; it belongs to the output.": (
            lambda x, W, b: (x + b) @ W.T @ W
        ),
        "this model is linear: there is no ReLU in the hidden layer.": (
            lambda x, W, b: torch.relu(x @ W.T) @ W + b
        ),
        "this model is linear: there is no ReLU at the output. It comes in notebook 03.": (
            lambda x, W, b: torch.relu(x @ W.T @ W + b)
        ),
        "the input goes straight to the output. First squeeze it into the hidden numbers.": (
            lambda x, W, b: x + b
        ),
        "these are the hidden numbers. Now decode them with the transpose and add b.": (
            lambda x, W, b: x @ W.T
        ),
        "encoder and decoder are swapped. W has shape (hidden, feature) and the points are the "
        "rows of x: which axis of W must meet which of x?": (lambda x, W, b: x @ W @ W.T + b),
        "the points are the rows of x, not its columns: W goes on the right of x.": (
            lambda x, W, b: W.T @ W @ x + b
        ),
        "the decoder is the transpose of the encoder; you used the same matrix twice.": (
            lambda x, W, b: x @ W.T @ W.T + b
        ),
    }
    hint = "a simple case to try: with W = 0 every row of the result is b."
    return Formula(models(seed), expected, mistakes, hint=hint)


@exercise("1.2")
def check_weighted_loss(seed):
    """Check exercise 1.2: `weighted_loss(x, y, importance)`, the mean of I_i (x_i - y_i)².

    x, y (point, feature), importance (feature,) -> scalar; mean over points and features.
    """

    def expected(x, y, importance):
        return (importance * (x - y) ** 2).mean()

    mistakes = {
        "the importance is not used. A feature with twice the importance counts twice.": (
            lambda x, y, importance: ((x - y) ** 2).mean()
        ),
        "you squared the importance too: it stands outside the square.": (
            lambda x, y, importance: ((importance * (x - y)) ** 2).mean()
        ),
        "you summed over the features. Here the loss is the mean over features as well.": (
            lambda x, y, importance: (importance * (x - y) ** 2).sum(-1).mean()
        ),
        "you summed over the points. The loss is the mean over them, so that it does not grow "
        "with the batch.": (lambda x, y, importance: (importance * (x - y) ** 2).sum(0).mean()),
        "you summed over points and features; the loss is the mean.": (
            lambda x, y, importance: (importance * (x - y) ** 2).sum()
        ),
        "this is the loss of each feature. Take the mean over the features too.": (
            lambda x, y, importance: (importance * (x - y) ** 2).mean(0)
        ),
        "this is the loss of each point. Take the mean over the points too.": (
            lambda x, y, importance: (importance * (x - y) ** 2).mean(-1)
        ),
        "this is the absolute error; the loss squares the difference.": (
            lambda x, y, importance: (importance * (x - y).abs()).mean()
        ),
        "the difference is not squared.": (lambda x, y, importance: (importance * (x - y)).mean()),
        "this is half of the loss. Some programs use half the sum; here it is the plain mean.": (
            lambda x, y, importance: (importance * (x - y) ** 2).mean() / 2
        ),
        "there is no square root: the loss is the mean of squares.": (
            lambda x, y, importance: (importance * (x - y) ** 2).mean().sqrt()
        ),
        "you divided by the sum of the importances. The loss divides by the number of features.": (
            lambda x, y, importance: (importance * (x - y) ** 2).sum(-1).mean() / importance.sum()
        ),
    }
    hint = "where every difference is 1, the result is the mean importance."
    return Formula(_batches(seed), expected, mistakes, hint=hint)


@exercise("1.3")
def check_best_bias(seed):
    """Check exercise 1.3: `best_bias(W, feature_mean)`, the bias of lowest expected loss.

    W (hidden, feature), feature_mean (feature,) -> b (feature,).
    """

    def expected(W, feature_mean):
        return feature_mean - W.T @ (W @ feature_mean)

    mistakes = {
        "that is the best bias of a model with W = 0. The part WᵀW E[x] comes out without the "
        "bias, so the bias need not supply it.": (lambda W, feature_mean: feature_mean + 0 * W[0]),
        "a zero bias leaves the average error at E[x] - WᵀW E[x]. Which b removes it?": (
            lambda W, feature_mean: torch.zeros_like(feature_mean)
        ),
        "check the sign: y = WᵀW x + b should be x on average.": (
            lambda W, feature_mean: feature_mean + W.T @ (W @ feature_mean)
        ),
        "the sign is turned round: y = WᵀW x + b, so b is E[x] minus what comes out without it.": (
            lambda W, feature_mean: W.T @ (W @ feature_mean) - feature_mean
        ),
        "WᵀW E[x] is what comes out on average without a bias. The bias supplies the rest.": (
            lambda W, feature_mean: W.T @ (W @ feature_mean)
        ),
        "use WᵀW, of shape (feature, feature); W Wᵀ has shape (hidden, hidden).": (
            lambda W, feature_mean: feature_mean - W @ W.T @ feature_mean
        ),
        "W and its transpose are swapped: first encode the mean, then decode.": (
            lambda W, feature_mean: feature_mean - W @ (W.T @ feature_mean)
        ),
        "0.5 is right where every mean is 0.5 and W is zero. Use the mean that is given, and W.": (
            lambda W, feature_mean: torch.full_like(feature_mean, 0.5)
        ),
    }
    hint = "draw many points: with the best bias, outputs and inputs have the same averages."
    return Formula(_means(seed), expected, mistakes, hint=hint)


@exercise("1.4")
def check_minimum_loss(seed):
    """Check exercise 1.4: `minimum_loss(importance)` of the linear 2→1 model on dense data.

    importance (2,) -> scalar, the lowest expected loss of any W and b.
    """

    def expected(importance):
        return importance.min() / 24

    mistakes = {
        "that gives up the more important feature. It is cheaper to give up the other.": (
            lambda importance: importance.max() / 24
        ),
        "you forgot the mean over the two features: one of them costs nothing, but it counts.": (
            lambda importance: importance.min() / 12
        ),
        "1/3 is E[x²], the cost of guessing 0. The bias lets the model guess the mean, which "
        "leaves the variance 1/12.": (lambda importance: importance.min() / 6),
        "1/3 is E[x²], the cost of guessing 0, and the mean over the two features is missing. "
        "The bias lets the model guess the mean.": (lambda importance: importance.min() / 3),
        "this gives up both features. One number is enough to carry one of them exactly.": (
            lambda importance: importance.sum() / 24
        ),
        "this gives up both features, and sums instead of taking the mean.": (
            lambda importance: importance.sum() / 12
        ),
        "with W = (1, 1)/√2 both features share the error. With unequal importances it is "
        "cheaper to put the whole error on one.": (lambda importance: importance.sum() / 48),
        "1/24 holds for equal importances of 1. Use the importances that are given.": (
            lambda importance: 1 / 24
        ),
        "the first feature is not always the more important one.": (
            lambda importance: importance[1] / 24
        ),
        "that gives up the first feature, whichever is more important.": (
            lambda importance: importance[0] / 24
        ),
        "the importance is not squared in the loss.": (
            lambda importance: importance.min() ** 2 / 24
        ),
    }
    hint = "no W and b that you try by hand should come out lower."
    return Formula(_importance_pairs(seed), expected, mistakes, hint=hint)


def _batches(seed):
    """Return cases (x, y, importance)."""
    random = generator(seed)
    return [
        (x, torch.rand(x.shape, generator=random), 0.1 + 2 * torch.rand(len(b), generator=random))
        for x, _, b in models(seed)
    ]


def _means(seed):
    """Return cases (W, feature_mean)."""
    return [(W, b.abs()) for _, W, b in models(seed)]


def _importance_pairs(seed):
    """Return cases (importance,): the two of the notebook, and either one the larger."""
    random = generator(seed)
    small, large = number(0.1, 0.8, random), number(1.2, 3.0, random)
    pairs = [(1.0, 1.0), (1.0, 0.1), (0.1, 1.0), (small, large), (large, small)]
    return [(torch.tensor(pair),) for pair in pairs]


check_concepts = concepts_of("01")
answer, outcome, predict, prediction, progress = functions_of("01")
