"""Checks of notebook 17: memorising and generalising."""

import math

import torch

from toyutils.exercises._check import Formula, exercise, generator, integer, number
from toyutils.exercises._progress import functions_of
from toyutils.exercises.concepts import concepts_of


@exercise("17.1")
def check_point_dimensionality(seed):
    """Check exercise 17.1: `point_dimensionality(W, x)` -> (point,)."""

    def shares(columns):
        overlap = columns.T @ columns
        squared = overlap.diagonal()
        return squared.square() / overlap.square().sum(1)

    def expected(W, x):
        return shares(W @ x.T)

    def halves(W, x):
        h = W @ x.T
        return h.square().sum(0) / (h.T @ h).square().sum(1)

    mistakes = {
        "these are the features' dimensionalities; put the hidden vectors in place of columns.": (
            lambda W, x: shares(W)
        ),
        "that is the dimensionality of the points before the model: apply W first.": (
            lambda W, x: shares(x.T)
        ),
        "ĥ_i has length one: divide each overlap of i by the length of h_i.": halves,
        "the overlaps are squared before they are added.": (
            lambda W, x: (lambda h: h.square().sum(0) / (h.T @ h / h.norm(dim=0)[:, None]).sum(1))(
                W @ x.T
            )
        ),
        "the length in the numerator is squared.": (
            lambda W, x: expected(W, x) / (W @ x.T).norm(dim=0)
        ),
        "j runs over all points, i itself included.": (
            lambda W, x: (lambda h: h.square().sum(0) / (
                (h.T @ h).square() / h.square().sum(0)[:, None] - (h.T @ h).diagonal().diag()
            ).sum(1))(W @ x.T)
        ),
        "one number for each point is asked, not their sum.": lambda W, x: expected(W, x).sum(),
    }  # fmt: skip
    random = generator(seed)
    cases = []
    for _ in range(4):
        n_features, n_points = 4 + integer(0, 3, random), 9 + integer(0, 4, random)
        W = torch.randn(2, n_features, generator=random)
        cases.append((W, torch.rand(n_points, n_features, generator=random)))
    hint = "points at the corners of a regular pentagon have 2/5 each."
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("17.2")
def check_squared_radius(seed):
    """Check exercise 17.2: `squared_radius(n_points)`, the smallest ρ² of a polygon of points."""

    def cosine(T):
        return math.cos(2 * math.pi / T)

    def expected(n_points):
        return 1 / (1 - cosine(n_points))

    mistakes = {
        "that is ρ; its square is asked.": lambda T: expected(T) ** 0.5,
        "that is β; ρ² is larger by 1.": lambda T: expected(T) - 1,
        "the angle between neighbours is 2π/T, not π/T.": (
            lambda T: 1 / (1 - math.cos(math.pi / T))
        ),
        "`math.cos` takes radians: 2π/T, not 360/T.": lambda T: 1 / (1 - math.cos(360 / T)),
        "the neighbour's answer must be 0 or below: ρ² cos θ - β ≤ 0, with a minus.": (
            lambda T: 1 / (1 + cosine(T))
        ),
        "a length of one would do for the point itself only without the bias.": lambda T: 1.0,
        "this is the squared length of all of W, T points together.": lambda T: T * expected(T),
        "the next corner is at θ, with its cosine; you took the sine.": (
            lambda T: 1 / (1 - math.sin(2 * math.pi / T)) if T != 4 else 0.0
        ),
    }
    random = generator(seed)
    cases = [(3,), (4,), *((5 + integer(0, 20, random),) for _ in range(4))]
    hint = "for four points the neighbour is at a right angle, and ρ² = 1 is enough."
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("17.3")
def check_sharing_pairs(seed):
    """Check exercise 17.3: `sharing_pairs(n_points, n_features, density)`, an expected number."""

    def share(n, p):
        return 1 - (1 - p**2) ** n

    def expected(n_points, n_features, density):
        return n_points * (n_points - 1) / 2 * share(n_features, density)

    mistakes = {
        "this is the probability for one pair; how many pairs are there?": (
            lambda T, n, p: share(n, p)
        ),
        "you counted every pair twice.": lambda T, n, p: 2 * expected(T, n, p),
        "a point makes no pair with itself: T(T-1)/2 pairs.": (
            lambda T, n, p: T * T / 2 * share(n, p)
        ),
        "both points of the pair must have the feature: p², not p.": (
            lambda T, n, p: T * (T - 1) / 2 * (1 - (1 - p) ** n)
        ),
        "these are the pairs that share *nothing*.": (
            lambda T, n, p: T * (T - 1) / 2 * (1 - p**2) ** n
        ),
        "n p² counts the shared features; a pair with two of them is still one pair.": (
            lambda T, n, p: T * (T - 1) / 2 * n * p**2
        ),
        "that is the chance that a point shares a feature with the others, not pairs.": (
            lambda T, n, p: T * (1 - (1 - p**2) ** (n * (T - 1)))
        ),
        "a pair counts if it shares any feature, not all of them.": (
            lambda T, n, p: T * (T - 1) / 2 * p ** (2 * n)
        ),
    }
    random = generator(seed)
    cases = [
        (3 + integer(0, 30, random), 5 + integer(0, 40, random), number(0.05, 0.3, random))
        for _ in range(4)
    ]
    hint = "two points of one feature with density 1/2 share it in a quarter of cases."
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("17.4")
def check_kept_loss(seed):
    """Check exercise 17.4: `kept_loss(n_features, n_kept)`, one number in [0, 1]."""

    def expected(n_features, n_kept):
        return 1 - n_kept / n_features

    mistakes = {
        "that is what is kept; what is lost is asked.": lambda n, k: k / n,
        "the loss adds up the features; do not divide by their number again.": (
            lambda n, k: (1 - k / n) / n
        ),
        "a point of length one has a sum of squares of 1, not of n.": lambda n, k: float(n - k),
        "E x² = 1/3 holds before the points are scaled to length one.": (
            lambda n, k: (1 - k / n) / 3
        ),
        "that holds for keeping nothing.": lambda n, k: 1.0,
        "squares are added, not lengths: no root.": lambda n, k: (1 - k / n) ** 0.5,
        "the squares in the sum are those of the values; do not square the share.": (
            lambda n, k: (1 - k / n) ** 2
        ),
    }
    random = generator(seed)
    cases = [(n := 5 + integer(0, 60, random), 1 + integer(0, min(n - 2, 8), random))
             for _ in range(4)]  # fmt: skip
    hint = "two of four features kept lose one half."
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("17.5")
def check_best_start(seed):
    """Check exercise 17.5: `best_start(loss, test_loss)`, (set, start) twice -> (set,)."""

    def picked(values, at):
        return values.gather(1, at[:, None])[:, 0]

    def expected(loss, test_loss):
        return picked(test_loss, loss.argmin(1))

    mistakes = {
        "that is the lowest *test* loss: it needs the new points for the choice.": (
            lambda loss, test_loss: test_loss.min(1).values
        ),
        "that is the training loss of the chosen start; its test loss is asked.": (
            lambda loss, test_loss: loss.min(1).values
        ),
        "the start with the *highest* training loss is chosen here.": (
            lambda loss, test_loss: picked(test_loss, loss.argmax(1))
        ),
        "one start for each set is asked, not one set for each start.": (
            lambda loss, test_loss: expected(loss.T, test_loss.T)
        ),
        "each set chooses its own start; you took one start for all.": (
            lambda loss, test_loss: test_loss[:, loss.mean(0).argmin()]
        ),
        "that says which start; what does it lose on new points?": (
            lambda loss, test_loss: loss.argmin(1)
        ),
        "one number for each set is asked, not their mean.": (
            lambda loss, test_loss: expected(loss, test_loss).mean()
        ),
        "that is the first start, whatever it loses.": lambda loss, test_loss: test_loss[:, 0],
    }
    random = generator(seed)
    cases = []
    for _ in range(4):
        n_sets = 4 + integer(0, 3, random)
        shape = n_sets, n_sets + 1 + integer(0, 3, random)
        cases.append((torch.rand(shape, generator=random), 1 + torch.rand(shape, generator=random)))
    hint = "the choice is made on `loss` alone, set by set."
    return Formula(cases, expected, mistakes, hint=hint)


check_concepts = concepts_of("17")
answer, outcome, predict, prediction, progress = functions_of("17")
