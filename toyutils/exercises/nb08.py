"""Checks of notebook 08: more features."""

import itertools
import math

import torch

from toyutils.exercises._cases import matrices
from toyutils.exercises._check import Formula, exercise, generator, integer, number
from toyutils.exercises._progress import functions_of
from toyutils.exercises.concepts import concepts_of


@exercise("8.1")
def check_least_linear_loss(seed):
    """Check exercise 8.1: `least_linear_loss(sparsity, importance, n_hidden)`.

    importance (feature,) in any order -> number.
    """

    def variance(sparsity):
        p = 1 - sparsity
        return p / 3 - p**2 / 4

    def ignored(importance, n_hidden):
        return importance.sort(descending=True).values[n_hidden:].sum()

    def expected(sparsity, importance, n_hidden):
        return ignored(importance, n_hidden) * variance(sparsity) / len(importance)

    mistakes = {
        "the importances come in any order, not from the largest down.": (
            lambda S, I, m: I[m:].sum() * variance(S) / len(I)
        ),
        "you ignored the most important features instead of the least.": (
            lambda S, I, m: I.sort().values[m:].sum() * variance(S) / len(I)
        ),
        "those are the features that are kept; the others cost something.": (
            lambda S, I, m: I.sort(descending=True).values[:m].sum() * variance(S) / len(I)
        ),
        "the loss is the mean over all features: divide by their number.": (
            lambda S, I, m: ignored(I, m) * variance(S)
        ),
        "divide by the number of all features, not of the ignored ones.": (
            lambda S, I, m: ignored(I, m) * variance(S) / (len(I) - m)
        ),
        "you used the sparsity where the density p = 1 - S belongs.": (
            lambda S, I, m: ignored(I, m) * variance(1 - S) / len(I)
        ),
        "the bias answers the mean: what is left is the variance, not E[x²].": (
            lambda S, I, m: ignored(I, m) * (1 - S) / 3 / len(I)
        ),
        "1/12 is the variance on dense data; it depends on the sparsity.": (
            lambda S, I, m: ignored(I, m) / 12 / len(I)
        ),
        "the importances are missing.": (lambda S, I, m: (len(I) - m) * variance(S) / len(I)),
    }
    random = generator(seed)
    cases = []
    for n_hidden in (1, 2, 3, integer(2, 4, random)):
        importance = 0.1 + torch.rand(n_hidden + integer(2, 5, random), generator=random)
        importance[0] = 0.05  # so that the order matters
        cases.append((number(0.55, 0.95, random), importance, n_hidden))
    hint = "with as many hidden numbers as features the loss is 0."
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("8.2")
def check_expected_relu(seed):
    """Check exercise 8.2: `expected_relu(a, b, density, t)`, E ReLU(b + a · x), a number.

    a (3,), t (node,) the middles of equal steps; held against the closed form of all cases.
    """

    def by_waves(a, b, p, t, *, together="product", shift=True, tail=True):
        waves = torch.stack([1 - p + p * _mean_wave(weight * t) for weight in a])
        phi = waves.prod(0) if together == "product" else waves.sum(0) - 2
        phi = phi * torch.exp(1j * b * t) if shift else phi
        integral = ((1 - phi.real) / t**2).sum() * (t[1] - t[0]) + tail / t[-1]
        return (b + p / 2 * a.sum()) / 2, integral / math.pi

    def expected(a, b, density, t):
        return closed_form(a, b, density)

    mistakes = {
        "the bias turns the wave, too: multiply φ by exp(i t b).": (
            lambda a, b, p, t: sum(by_waves(a, b, p, t, shift=False))
        ),
        "the rest of the integral, 1/T, is missing.": (
            lambda a, b, p, t: sum(by_waves(a, b, p, t, tail=0))
        ),
        "that is E|z| / 2; the ReLU is half of z + |z|.": (
            lambda a, b, p, t: by_waves(a, b, p, t)[1]
        ),
        "that is E(z + |z|): take half.": lambda a, b, p, t: 2 * sum(by_waves(a, b, p, t)),
        "that is the ReLU of the mean; the mean of the ReLU is asked.": (
            lambda a, b, p, t: torch.as_tensor(b + p / 2 * a.sum()).clamp(min=0)
        ),
        "you used the sparsity where the density belongs.": (
            lambda a, b, p, t: closed_form(a, b, 1 - p)
        ),
        "a feature is often absent: its factor is 1 - p + p (…), not (…) alone.": (
            lambda a, b, p, t: closed_form(a, b, 1.0)
        ),
        "the factors of independent features are multiplied, not added.": (
            lambda a, b, p, t: sum(by_waves(a, b, p, t, together="sum"))
        ),
        "E|z| has the factor 2/π in front of the integral.": (
            lambda a, b, p, t: by_waves(a, b, p, t)[0] + math.pi / 2 * by_waves(a, b, p, t)[1]
        ),
    }
    random = generator(seed)
    t = (torch.arange(1000.0) + 0.5) / 10
    cases = []
    for _ in range(4):
        a = torch.tensor([number(0.5, 1.2, random), -number(0.4, 0.9, random), 0.0])
        a[2] = number(0.2, 0.6, random)
        cases.append((a, number(0.15, 0.4, random), number(0.2, 0.4, random), t))
    hint = "for a = 0 the answer is ReLU(b); for large b it is the mean of z."
    return Formula(cases, expected, mistakes, hint=hint, tolerance=1e-3)


def _mean_wave(s):
    """Return the mean of exp(i s u) for u uniform on [0, 1]."""
    return (torch.exp(1j * s) - 1) / (1j * s)


def closed_form(a, b, density):
    """Return E ReLU(b + a · x) of sparse features: a is (feature,), without a zero.

    By cases: each feature is absent, or integrated in closed form.
    """
    total = 0.0
    for active in itertools.product((False, True), repeat=len(a)):
        chosen = [float(weight) for weight, on in zip(a, active, strict=True) if on]
        k = len(chosen)
        corners = itertools.product((0, 1), repeat=k)
        integral = sum(
            (-1) ** (k - sum(corner))
            * max(b + sum(c * w for c, w in zip(corner, chosen, strict=True)), 0) ** (k + 1)
            for corner in corners
        )
        scale = math.prod(chosen) * math.factorial(k + 1)
        total += density**k * (1 - density) ** (len(a) - k) * integral / scale
    return total


@exercise("8.3")
def check_shared_with_others(seed):
    """Check exercise 8.3: `shared_with_others(W)`, Σ_{j≠i} (Ŵ_i · W_j)², (feature,)."""

    def squared(W):
        return (W.T @ W / W.norm(dim=0)[:, None]) ** 2

    def expected(W):
        return squared(W).sum(1) - W.square().sum(0)

    mistakes = {
        "leave out the feature itself.": lambda W: squared(W).sum(1),
        "the first direction of each product must have length one.": (
            lambda W: ((W.T @ W) ** 2).sum(1) - W.square().sum(0) ** 2
        ),
        "only the first of the two is scaled to length one; W_j keeps its length.": (
            lambda W: ((W / W.norm(dim=0)).T @ (W / W.norm(dim=0))).square().sum(1) - 1
        ),
        "the overlaps are not squared; positive and negative ones cancel.": (
            lambda W: (W.T @ W / W.norm(dim=0)[:, None]).sum(1) - W.norm(dim=0)
        ),
        "absolute values are not squares.": (
            lambda W: (W.T @ W / W.norm(dim=0)[:, None]).abs().sum(1) - W.norm(dim=0)
        ),
        "you scaled the other direction of each product instead of the first.": (
            lambda W: ((W.T @ W / W.norm(dim=0)) ** 2).sum(1) - W.square().sum(0)
        ),
        "do not take the root: it is a sum of squares.": lambda W: expected(W).clamp(min=0).sqrt(),
    }
    hint = "columns at right angles share nothing: all zeros."
    return Formula([(W,) for W in matrices(generator(seed))], expected, mistakes, hint=hint)


@exercise("8.4")
def check_partners(seed):
    """Check exercise 8.4: `partners(W)`, for every feature the most opposite one, (feature,)."""

    def cosines(W):
        unit = W / W.norm(dim=0)
        return unit.T @ unit

    def expected(W):
        return cosines(W).argmin(1)

    mistakes = {
        "scale the columns to length one first: a long arrow is not a more opposite one.": (
            lambda W: (W.T @ W).argmin(1)
        ),
        "that is the most similar feature, which is the feature itself.": (
            lambda W: cosines(W).argmax(1)
        ),
        "that is the feature at the most right angle; the most negative cosine is asked.": (
            lambda W: cosines(W).abs().argmin(1)
        ),
        "that is the most negative cosine; its place is asked.": (
            lambda W: cosines(W).amin(1)
        ),
        "scale columns, not rows: a feature's direction is a column of W.": (
            lambda W: ((W / W.norm(dim=1, keepdim=True)).T @ (W / W.norm(dim=1, keepdim=True)))
            .argmin(1)
        ),
    }  # fmt: skip
    random = generator(seed)
    cases = []
    for _ in range(4):
        W = torch.randn(integer(2, 4, random), integer(8, 10, random), generator=random)
        cases.append((W * (0.2 + 3 * torch.rand(W.shape[1], generator=random)),))
    hint = "making one column ten times as long must not change the answer."
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("8.5")
def check_first_record(seed):
    """Check exercise 8.5: `first_record(norms)`, (record, feature) -> (feature,), -1 if never."""

    def first(norms):
        return (norms > 0.5).int().argmax(0)

    def expected(norms):
        return torch.where((norms > 0.5).any(0), first(norms), -1)

    mistakes = {
        "a feature that never becomes that long must give -1, not 0.": first,
        "that is the record at which the length is greatest; the first above 0.5 is asked.": (
            lambda norms: torch.where((norms > 0.5).any(0), norms.argmax(0), -1)
        ),
        "you counted the records above 0.5; the first of them is asked.": (
            lambda norms: (norms > 0.5).sum(0)
        ),
        "you counted the records below 0.5; a length can also fall again.": (
            lambda norms: torch.where((norms > 0.5).any(0), (norms <= 0.5).sum(0), -1)
        ),
        "that is the last record above 0.5.": (
            lambda norms: torch.where(
                (norms > 0.5).any(0),
                len(norms) - 1 - (norms > 0.5).flip(0).int().argmax(0),
                -1,
            )
        ),
        "a length of exactly 0.5 is not above 0.5.": (
            lambda norms: torch.where((norms >= 0.5).any(0), (norms >= 0.5).int().argmax(0), -1)
        ),
        "a feature that never becomes that long gets -1: NaN says that a calculation failed.": (
            lambda norms: torch.where((norms > 0.5).any(0), first(norms).double(), torch.nan)
        ),
        "the records are the rows: look along the first axis.": (
            lambda norms: torch.where((norms > 0.5).any(1), (norms > 0.5).int().argmax(1), -1)
        ),
    }
    random = generator(seed)
    cases = []
    for n_records, least in ((6, 7), (7, 10), (5, 13)):
        n_features = least + integer(0, 2, random)
        norms = 0.9 * torch.rand(n_records, n_features, generator=random)
        norms[:, 0] = 0.1  # never
        norms[1, 0] = 0.5  # not above it either
        norms[:, 1] = torch.linspace(0.55, 0.9, n_records)  # from the start
        norms[:, 2] = torch.tensor([0.1, 0.8, 0.2, 0.7, *[0.3] * (n_records - 4)])  # not for good
        cases.append((norms,))
    hint = "follow one column by hand: at which record is it above 0.5 for the first time?"
    return Formula(cases, expected, mistakes, hint=hint)


check_concepts = concepts_of("08")
answer, outcome, predict, prediction, progress = functions_of("08")
