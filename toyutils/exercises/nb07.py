"""Checks of notebook 07: shapes."""

import math

import torch

from toyutils import theory
from toyutils.exercises._call import Wrong, require_function, value
from toyutils.exercises._check import Formula, exercise, generator, integer, number
from toyutils.exercises._progress import functions_of
from toyutils.exercises.concepts import concepts_of


@exercise("7.1")
def check_interference_cost(seed):
    """Check exercise 7.1: `interference_cost(degrees)`, E[ReLU(cos θ x)²] of one active x.

    degrees a number -> number.
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
        "`math.cos` takes radians, not degrees.": (lambda d: max(math.cos(d), 0) ** 2 / 3),
        "the overlap of two unit arrows is the cosine of their angle, not the sine.": (
            lambda d: max(math.sin(math.radians(d)), 0) ** 2 / 3
        ),
    }
    random = generator(seed)
    cases = [(a,) for a in (60.0, 120.0, 72.0, number(5, 85, random), number(95, 175, random))]
    hint = "at 0° the whole of x arrives, from 90° on nothing."
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("7.2")
def check_best_corners(seed):
    """Check exercise 7.2: `best_corners(h, n_features)`, the number of corners that cost least.

    h (k - 4,), h[0] for the square; n_features a whole number -> a whole number.
    """

    def best(h, n, last, dropped=1.0):
        return min(range(4, last + 1), key=lambda k: float(h[k - 4]) + dropped * (n - k))

    def expected(h, n_features):
        return best(h, n_features, min(n_features, 3 + len(h)))

    def first_that_does_not_pay(h, n):
        k = 4
        while k < min(n, 3 + len(h)) and h[k - 3] - h[k - 4] < 1:
            k += 1
        return k

    mistakes = {
        "the features that are dropped cost something, too.": (
            lambda h, n: best(h, n, min(n, 3 + len(h)), 0.0)
        ),
        "dropping a feature costs 1, not 2.": lambda h, n: best(h, n, min(n, 3 + len(h)), 2.0),
        "dropping a feature costs 1, not 1/2.": lambda h, n: best(h, n, min(n, 3 + len(h)), 0.5),
        "a further corner does not always pay: compare all polygons.": (
            lambda h, n: min(n, 3 + len(h))
        ),
        "that is the index into h; h[0] belongs to four corners.": (
            lambda h, n: expected(h, n) - 4
        ),
        "a polygon cannot have more corners than there are features.": (
            lambda h, n: best(h, n, 3 + len(h))
        ),
        "h may end before the features do: only the polygons in it can be compared.": (
            lambda h, n: best(h, n, n)
        ),
        "the last polygon that may be used is missing from your comparison.": (
            lambda h, n: best(h, n, max(4, min(n, 3 + len(h)) - 1))
        ),
        "where one more corner does not pay, two more may: compare all polygons.": (
            first_that_does_not_pay
        ),
        "the lowest loss is asked, not the highest.": (
            lambda h, n: max(range(4, min(n, 3 + len(h)) + 1), key=lambda k: float(h[k - 4]) - k)
        ),
    }
    random = generator(seed)
    paper = torch.tensor([0.0, 0.23738, 0.86746, 1.7487, 2.77311])  # Chen et al. (2023)
    steep = torch.tensor([0.1, 0.4 + 0.2 * float(torch.rand((), generator=random)), 1.9, 4.5])
    # Another corner costs 0.9, 1.1, … more: just less than a dropped feature, or just more.
    close = torch.tensor([0.2, 0.2, 0.2, 0.2]) + torch.tensor([0.0, 0.9, 2.0, 3.1])
    uneven = torch.tensor([0.0, 1.3, 1.5, 2.7, 3.6 + number(0.0, 0.05, random)])
    cases = [
        (paper, integer(8, 12, random)),
        (paper, 5),
        (paper, 4),
        (steep, 6),
        (steep, 7),
        (paper, 7),
        (close, integer(7, 9, random)),
        (uneven, 6),
        (torch.tensor([0.0, 0.5, 0.9]), 9),  # as many corners as h knows
        (torch.tensor([2.5, 3.6, 4.7, 0.2]), 5),  # cheapest where no feature is left for it
        (uneven, integer(8, 10, random)),
    ]
    hint = "print the loss of every polygon that is allowed, and find the lowest by eye."
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("7.3")
def check_best_of(seed):
    """Check exercise 7.3: `best_of(k, share)`, the chance that one of k runs succeeds."""

    def expected(k, share):
        return 1 - (1 - share) ** k

    mistakes = {
        "that is the chance that all of them miss; you want the opposite.": (
            lambda k, q: (1 - q) ** k
        ),
        "chances do not add up: that counts runs that both succeed twice, and can exceed 1.": (
            lambda k, q: k * q
        ),
        "cut off at 1, the sum still counts double successes twice.": lambda k, q: min(1.0, k * q),
        "that is the chance that *all* k runs succeed.": lambda k, q: q**k,
        "that is the chance that not all of them succeed.": lambda k, q: 1 - q**k,
        "that is the chance that exactly one run succeeds; more are welcome too.": (
            lambda k, q: k * q * (1 - q) ** (k - 1)
        ),
    }
    random = generator(seed)
    cases = [(16, 0.09), (1, 0.3)]
    cases += [(integer(k, k + 3, random), number(0.1, 0.6, random)) for k in (2, 5)]
    hint = "with one run it is the share itself, and more runs make it larger, never above 1."
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("7.4")
def check_as_good_as(seed):
    """Check exercise 7.4: `as_good_as(W)`, two features with the linear loss of a pentagon.

    W (2, 5) with orthonormal rows -> W' (2, 5), at least three columns zero, same loss.
    """

    def judge(answer):
        require_function(answer, lambda W: None)
        random = generator(seed)
        for sparsity in (0.0, 0.9):
            turn = number(0.0, 6.28, random) + 2 * math.pi * torch.arange(5) / 5
            pentagon = (2 / 5) ** 0.5 * torch.stack([turn.cos(), turn.sin()])
            _require_two_features(value(answer, pentagon), pentagon, sparsity)
        return "Two features alone do as well as five arrows: the pentagon was an accident."

    return judge


def _require_two_features(W, pentagon, sparsity):
    """Raise Wrong with the mistake seen, unless W keeps two features at the pentagon's loss."""
    if W.shape != pentagon.shape:
        raise Wrong(f"Expected shape {tuple(pentagon.shape)}, got shape {tuple(W.shape)}.")
    W, pentagon = W.double(), pentagon.double()
    norms = W.norm(dim=0)
    if torch.allclose(W, pentagon, atol=1e-3):
        raise Wrong("You returned the pentagon itself. Return a W that keeps two features only.")
    if (norms > 1e-3).sum() > 2:
        raise Wrong(
            f"{int((norms > 1e-3).sum())} columns are not zero; at least three must be zero.\n"
            "Hint: give two features a direction and the other three none."
        )
    loss, asked = (_linear_loss(w, sparsity) for w in (W, pentagon))
    if abs(loss - asked) > 1e-4 * asked:
        hint = "does each of the two come back in full, and without the other?"
        if (norms > 1e-3).sum() < 2:
            hint = "one dimension is unused: give *two* features a direction."
        elif abs(float(W[:, norms > 1e-3][:, 0] @ W[:, norms > 1e-3][:, 1])) > 1e-3:
            hint = "the two directions are not at a right angle, so they disturb each other."
        elif (norms[norms > 1e-3] - 1).abs().max() > 1e-3:
            hint = "the two directions must have length 1, or the features come out scaled."
        raise Wrong(
            f"At S = {sparsity:g} the pentagon costs {asked:.6f} and your W {loss:.6f}.\n"
            f"Hint: {hint}"
        )


def _linear_loss(W, sparsity):
    mean = torch.full(W.shape[1:], theory.feature_mean(sparsity), dtype=W.dtype)
    bias = mean - W.T @ (W @ mean)
    return float(theory.expected_loss(W, bias, sparsity, activation="linear"))


check_concepts = concepts_of("07")
answer, outcome, predict, prediction, progress = functions_of("07")
