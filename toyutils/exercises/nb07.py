"""Checks of notebook 07: shapes."""

import math

import torch

from toyutils import theory
from toyutils.exercises._check import (
    Wrong,
    choose,
    compare,
    generator,
    integer,
    judge,
    number,
    require_function,
)
from toyutils.exercises._check import value as call


def check_interference_cost(answer, *, seed=0):
    """Check exercise 7.1: `interference_cost(degrees)`, E[ReLU(cos θ x)²] of one active x.

    degrees a number -> max(cos θ, 0)² / 3.
    """

    def cosine(degrees):
        return math.cos(math.radians(degrees))

    def expected(degrees):
        return max(cosine(degrees), 0) ** 2 / 3

    mistakes = {
        "a negative cosine costs nothing: the ReLU answers 0.": lambda d: cosine(d) ** 2 / 3,
        "the *square* of x averages 1/3; 1/2 is the average of x.": (
            lambda d: max(cosine(d), 0) ** 2 / 2
        ),
        "the error is squared, so the cosine is too.": lambda d: max(cosine(d), 0) / 3,
        "x is not always 1: average x² over [0, 1].": lambda d: max(cosine(d), 0) ** 2,
        "`math.cos` takes radians: use `math.radians(degrees)`.": (
            lambda d: max(math.cos(d), 0) ** 2 / 3
        ),
        "the overlap of two unit arrows is the cosine of their angle, not the sine.": (
            lambda d: max(math.sin(math.radians(d)), 0) ** 2 / 3
        ),
    }
    random = generator(seed)
    cases = [(a,) for a in (60.0, 120.0, 72.0, number(5, 85, random), number(95, 175, random))]
    hint = "the output is max(cos θ, 0) x; square it and average over x."
    return compare("7.1", answer, cases, expected, mistakes, hint=hint)


def check_best_corners(answer, *, seed=0):
    """Check exercise 7.2: `best_corners(h, n_features)`, the k with the least h_k + (n - k).

    h (k - 4,), h[0] for the square; n_features a whole number -> a whole number.
    """

    def best(h, n, cost, last):
        return min(range(4, last + 1), key=lambda k: cost(float(h[k - 4]), n, k))

    def expected(h, n):
        return best(h, n, lambda h_k, n, k: h_k + n - k, min(n, 3 + len(h)))

    def wrong(cost):
        return lambda h, n: best(h, n, cost, min(n, 3 + len(h)))

    mistakes = {
        "the dropped features cost 1 each: add n - k to h_k.": wrong(lambda h_k, n, k: h_k),
        "a further corner does not always pay: compare all k.": (lambda h, n: min(n, 3 + len(h))),
        "that is the index into h; h[0] belongs to k = 4.": lambda h, n: expected(h, n) - 4,
        "a polygon cannot have more corners than there are features.": (
            lambda h, n: best(h, n, lambda h_k, n, k: h_k + n - k, 3 + len(h))
        ),
    }
    random = generator(seed)
    paper = torch.tensor([0.0, 0.23738, 0.86746, 1.7487, 2.77311])  # Chen et al. (2023)
    steep = torch.tensor([0.1, 0.4 + 0.2 * float(torch.rand((), generator=random)), 1.9, 3.5])
    cases = [
        (paper, integer(8, 12, random)),
        (paper, 5),
        (paper, 4),
        (steep, 6),
        (steep, 7),
        (paper, 7),
    ]
    hint = "for every k from 4 to n compute h_k + (n - k); return the k of the least."
    return compare("7.2", answer, cases, expected, mistakes, hint=hint, tolerance=1e-9)


def check_best_of(answer, *, seed=0):
    """Check exercise 7.3: `best_of(k, share)` = 1 - (1 - share)^k."""

    def expected(k, share):
        return 1 - (1 - share) ** k

    mistakes = {
        "that is the chance that all of them miss; you want the opposite.": (
            lambda k, q: (1 - q) ** k
        ),
        "chances do not add up: k q counts runs that both succeed twice, and can exceed 1.": (
            lambda k, q: k * q
        ),
        "k q, cut off at 1, still counts double successes twice.": lambda k, q: min(1.0, k * q),
        "that is the chance that *all* k runs succeed.": lambda k, q: q**k,
        "that is the chance that not all of them succeed.": lambda k, q: 1 - q**k,
        "that is the chance that exactly one run succeeds; more are welcome too.": (
            lambda k, q: k * q * (1 - q) ** (k - 1)
        ),
    }
    random = generator(seed)
    cases = [(16, 0.09), (1, 0.3)]
    cases += [(integer(k, k + 3, random), number(0.1, 0.6, random)) for k in (2, 5)]
    hint = "one run misses with 1 - share; all k miss with the k-th power of that."
    return compare("7.3", answer, cases, expected, mistakes, hint=hint)


def check_as_good_as(answer, *, seed=0):
    """Check exercise 7.4: `as_good_as(W)`, two features with the linear loss of a pentagon.

    W (2, 5) with orthonormal rows -> W' (2, 5), at least three columns zero, same loss.
    """

    def question():
        require_function(answer, lambda W: None)
        random = generator(seed)
        for sparsity in (0.0, 0.9):
            turn = number(0.0, 6.28, random) + 2 * math.pi * torch.arange(5) / 5
            pentagon = (2 / 5) ** 0.5 * torch.stack([turn.cos(), turn.sin()])
            _require_two_features(call(answer, pentagon), pentagon, sparsity)
        return "Two features alone do as well as five arrows: the pentagon was an accident."

    return judge("7.4", question)


def _require_two_features(W, pentagon, sparsity):
    """Raise Wrong with the mistake seen, unless W keeps two features at the pentagon's loss."""
    if W.shape != pentagon.shape:
        raise Wrong(f"Expected shape {tuple(pentagon.shape)}, came shape {tuple(W.shape)}.")
    W, pentagon = W.double(), pentagon.double()
    norms = W.norm(dim=0)
    if torch.allclose(W, pentagon, atol=1e-3):
        raise Wrong("You returned the pentagon itself. Return a W that keeps two features only.")
    if (norms > 1e-3).sum() > 2:
        raise Wrong(
            f"{int((norms > 1e-3).sum())} columns are not zero; at least three must be zero.\n"
            "Hint: give two features a direction and the other three none."
        )
    came, want = (_linear_loss(w, sparsity) for w in (W, pentagon))
    if abs(came - want) > 1e-4 * want:
        hint = "the rows must be orthogonal and of length one."
        if (norms > 1e-3).sum() < 2:
            hint = "one dimension is unused: give *two* features a direction."
        elif abs(float(W[:, norms > 1e-3][:, 0] @ W[:, norms > 1e-3][:, 1])) > 1e-3:
            hint = "the two directions are not at a right angle, so they disturb each other."
        elif (norms[norms > 1e-3] - 1).abs().max() > 1e-3:
            hint = "the two directions must have length 1, or the features come out scaled."
        raise Wrong(
            f"At S = {sparsity:g} the pentagon costs {want:.6f} and your W {came:.6f}.\n"
            f"Hint: {hint}"
        )


def _linear_loss(W, sparsity):
    mean = torch.full(W.shape[1:], theory.feature_mean(sparsity), dtype=W.dtype)
    bias = mean - W.T @ (W @ mean)
    return float(theory.expected_loss(W, bias, sparsity, activation="linear"))


def check_concepts_07(answer, *, seed=0):
    """Check exercise 7.5: `concepts_07()`, two questions, each choice explained.

    () -> letters, one for each question; any seed asks the same.
    """
    explanations = (
        {
            "a": "both losses are exact; the heptagon placed by hand stays where it is.",
            "b": "right: what training finds and what is best are two questions.",
            "c": "the trained models sit in a minimum of their own.",
        },
        {
            "a": (
                "right: interference grows steeply as an angle shrinks, so one narrow gap "
                "costs more than others save."
            ),
            "b": "they are random. The polygon forms all the same.",
            "c": "polygons form at equal importance; unequal importance bends them.",
        },
    )
    return choose("7.5", answer, "ba", explanations)
