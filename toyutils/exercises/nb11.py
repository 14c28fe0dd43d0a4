"""Checks of notebook 11: polytopes and correlation."""

import math

import torch

from toyutils.exercises._cases import matrices
from toyutils.exercises._check import Formula, exercise, generator, integer, number
from toyutils.exercises._progress import functions_of
from toyutils.exercises.concepts import concepts_of


@exercise("11.1")
def check_sparse_energy(seed):
    """Check exercise 11.1: `sparse_energy(W)`, (hidden, feature) -> mean energy, one number."""

    def energy(W, repel, own=lambda squared: (1 - squared) ** 2):
        overlap = W.T @ W
        squared = overlap.diagonal()
        others = repel(overlap - squared.diag())
        return (own(squared) + others.square().sum(1)).mean() / 3

    def expected(W):
        return energy(W, torch.relu)

    mistakes = {
        "an angle above 90° costs nothing: the ReLU removes what is negative.": (
            lambda W: energy(W, lambda others: others)
        ),
        "a feature's own output is no interference; leave the diagonal out of the second sum.": (
            lambda W: expected(W) + (W.T @ W).diagonal().square().mean() / 3
        ),
        "the first term is missing: each feature's own output should be 1 for x = 1.": (
            lambda W: energy(W, torch.relu, torch.zeros_like)
        ),
        "the own output is $|W_i|^2 x$, with the squared length.": (
            lambda W: energy(W, torch.relu, lambda squared: (1 - squared.sqrt()) ** 2)
        ),
        "E x² = 1/3 is missing.": lambda W: 3 * expected(W),
        "E x² is 1/3, not the square of the mean 1/2.": lambda W: 3 / 4 * expected(W),
        "the mean over the features is asked, not their sum.": (lambda W: W.shape[1] * expected(W)),
        "divide by the number of features, not of hidden dimensions.": (
            lambda W: W.shape[1] / W.shape[0] * expected(W)
        ),
        "each *ordered* pair counts: feature i disturbs output j, and j disturbs i.": (
            lambda W: energy(W, lambda others: torch.relu(others).triu())
        ),
        "interference enters with its square.": (
            lambda W: energy(W, lambda others: torch.relu(others).sqrt())
        ),
    }
    hint = "two directions at an angle above 90°, of length 1, have energy 0."
    random = generator(seed)
    return Formula([(W,) for W in matrices(random)], expected, mistakes, hint=hint)


@exercise("11.2")
def check_meeting_cost(seed):
    """Check exercise 11.2: `meeting_cost(c)`, E (x_0 - ReLU(x_0 - c x_1))² for c in [0, 1]."""

    def expected(c):
        return c**2 / 3 - c**3 / 6

    mistakes = {
        "without the ReLU it would be this: the output cannot fall below 0.": lambda c: c**2 / 3,
        "one output is asked, not both.": lambda c: 2 * expected(c),
        "where the ReLU is off, the error is the whole of $x_0$; you left that case out.": (
            lambda c: c**2 / 3 - c**3 / 4
        ),
        "that is only the part where the ReLU is off.": lambda c: c**3 / 12,
        "the error is squared.": lambda c: c / 2 - c**2 / 6,
        "both are active here: no density comes in, and no mean over more cases.": (
            lambda c: expected(c) / 2
        ),
    }
    random = generator(seed)
    cases = [(1.0,), *((number(0.1, 0.9, random),) for _ in range(4))]
    hint = "an antipodal pair, c = 1, costs 1/6; features at a right angle, c = 0, cost nothing."
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("11.3")
def check_tegum(seed):
    """Check exercise 11.3: `tegum(A, B)`, two arrangements in dimensions of their own."""

    def place(top, left, A, B):
        W = torch.zeros(A.shape[0] + B.shape[0], A.shape[1] + B.shape[1])
        W[top : top + A.shape[0], left : left + A.shape[1]] = A
        rest = 0 if top else A.shape[0]
        side = 0 if left else A.shape[1]
        W[rest : rest + B.shape[0], side : side + B.shape[1]] = B
        return W

    def expected(A, B):
        return place(0, 0, A, B)

    def beside(A, B):
        W = torch.zeros(max(len(A), len(B)), A.shape[1] + B.shape[1])
        W[: len(A), : A.shape[1]], W[: len(B), A.shape[1] :] = A, B
        return W

    mistakes = {
        "`A` and `B` share dimensions: features of one must be at right angles to the other.": (
            beside
        ),
        "the features of `A` come first.": (lambda A, B: place(0, B.shape[1], A, B)),
        "the dimensions of `A` come first.": (lambda A, B: place(len(B), 0, A, B)),
        "both are the other way round: `A` belongs to the upper left.": lambda A, B: expected(B, A),
        "the result has a column for every feature: you have it turned over.": (
            lambda A, B: expected(A, B).T
        ),
        "`B` is missing.": lambda A, B: expected(A, torch.zeros_like(B)),
        "`A` is missing.": lambda A, B: expected(torch.zeros_like(A), B),
    }
    random = generator(seed)
    cases = []
    for k in range(4):
        a, b = 1 + k % 2, 2 + integer(0, 1, random)
        A = torch.randn(a, a + 1 + integer(0, 1, random), generator=random)
        B = torch.randn(b, b + 1 + integer(1, 2, random), generator=random)
        cases.append((A, B) if k < 2 else (B, A))
    hint = "the Gram matrix of the result has blocks AᵀA and BᵀB, and zeros elsewhere."
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("11.4")
def check_made_sparser(seed):
    """Check exercise 11.4: `made_sparser(sparsity, factor, n_features)`, sparsities (feature,).

    Feature 0 is active `factor` times less often than the others.
    """

    def first(value, sparsity, n_features):
        row = torch.full((n_features,), sparsity)
        row[0] = value
        return row

    def expected(sparsity, factor, n_features):
        return first(1 - (1 - sparsity) / factor, sparsity, n_features)

    mistakes = {
        "a sparsity is a probability; times the factor it leaves [0, 1]. Change the density.": (
            lambda S, k, n: first(S * k, S, n)
        ),
        "dividing the *sparsity* makes a feature denser. Divide the density 1 - S.": (
            lambda S, k, n: first(S / k, S, n)
        ),
        "that is the density of feature 0; its sparsity is asked.": (
            lambda S, k, n: first((1 - S) / k, S, n)
        ),
        "these are densities; sparsities are asked.": lambda S, k, n: 1 - expected(S, k, n),
        "you made feature 0 denser: a sparser one has the density divided.": (
            lambda S, k, n: first(1 - (1 - S) * k, S, n)
        ),
        "only feature 0 changes.": (lambda S, k, n: torch.full((n,), 1 - (1 - S) / k)),
        "feature 0 keeps its sparsity here, and the others change.": (
            lambda S, k, n: first(S, 1 - (1 - S) / k, n)
        ),
        "feature 0 is the first, not the last.": (lambda S, k, n: expected(S, k, n).flip(0)),
    }
    random = generator(seed)
    cases = [
        (number(0.8, 0.97, random), number(1.5, 4.5, random), integer(3, 8, random))
        for _ in range(4)
    ]
    hint = "at S = 0.9 and a factor of 2, feature 0 is active in 5 of 100 samples."
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("11.5")
def check_collapsed_sets(seed):
    """Check exercise 11.5: `collapsed_sets(W)`, (model, 2, 6) -> (model,) whole numbers.

    Sets are features (0, 1), (2, 3), (4, 5); one is collapsed where their angle is below 30°.
    """
    edge = math.cos(math.radians(30))

    def cosine(one, other):
        return torch.cosine_similarity(one, other, dim=1)

    def partners(W):
        return cosine(W[:, :, 0::2], W[:, :, 1::2])

    def expected(W):
        return (partners(W) > edge).sum(1)

    mistakes = {
        "partners are neighbours in the list, (0, 1), (2, 3), (4, 5), not (0, 3) and so on.": (
            lambda W: (cosine(W[:, :, :3], W[:, :, 3:]) > edge).sum(1)
        ),
        "opposite directions are not collapsed: the sign of the cosine counts.": (
            lambda W: (partners(W).abs() > edge).sum(1)
        ),
        "you counted the sets that are *not* collapsed.": lambda W: 3 - expected(W),
        "divide the dot product by both lengths: the angle is asked.": (
            lambda W: ((W[:, :, 0::2] * W[:, :, 1::2]).sum(1) > edge).sum(1)
        ),
        "one number for each model is asked, not one for all.": lambda W: expected(W).sum(),
        "numbers of sets are asked, not shares.": lambda W: expected(W) / 3,
        "the bound is the cosine of 30°, 0.866, not its sine.": (
            lambda W: (partners(W) > 0.5).sum(1)
        ),
        "the bound 30° must become radians, `math.radians(30)`, before the cosine.": (
            lambda W: (partners(W) > math.cos(30)).sum(1)
        ),
    }
    random = generator(seed)
    cases = []
    for k in range(4):
        n_models = 7 + k + integer(0, 3, random)
        first = 360 * torch.rand(n_models, 3, generator=random)
        # Near each other, near the bound on both sides, apart, opposite.
        kinds = torch.tensor([4.0, 27.0, 33.0, 55.0, 75.0, 110.0, 172.0])
        between = kinds[torch.randint(len(kinds), (n_models, 3), generator=random)]
        between[0] = torch.tensor([4.0, 27.0, 33.0])
        between[1] = torch.tensor([172.0, 55.0, 27.0])
        between[2] = torch.tensor([75.0, 110.0, 172.0])
        sign = torch.where(torch.rand(n_models, 3, generator=random) < 0.5, -1.0, 1.0)
        angle = torch.stack([first, first + sign * between], -1).flatten(1).deg2rad()
        length = 0.5 + torch.rand(n_models, 6, generator=random)
        cases.append((torch.stack([angle.cos(), angle.sin()], 1) * length[:, None],))
    hint = "compare the cosine between partners with the cosine of 30°."
    return Formula(cases, expected, mistakes, hint=hint)


check_concepts = concepts_of("11")
answer, outcome, predict, prediction, progress = functions_of("11")
