"""Checks of notebook 14: a privileged basis."""

import math

import torch

from toyutils.exercises._check import Formula, exercise, generator, integer, number
from toyutils.exercises._progress import functions_of
from toyutils.exercises.concepts import concepts_of


@exercise("14.1")
def check_turned_loss(seed):
    """Check exercise 14.1: `turned_loss(density)`, what a turn by 45 degrees costs."""

    def expected(density):
        return density / 12 - density**2 / 16

    mistakes = {
        "that is the sum over the two features; the loss is their mean.": (
            lambda p: 2 * expected(p)
        ),
        "where both are active the answer is right for half of the points: 1/48, not 1/24.": (
            lambda p: p * (1 - p) / 12 + p**2 / 24
        ),
        "where both are active the model errs too, whenever feature 1 is the larger.": (
            lambda p: p * (1 - p) / 12
        ),
        "that counts feature 1 alone with p; alone means that feature 0 is zero, p (1 - p).": (
            lambda p: p / 12 + p**2 / 48
        ),
        "feature 0 alone costs nothing: both neurons are on.": (
            lambda p: p * (1 - p) / 6 + p**2 / 48
        ),
        "that leaves feature 1 out. Half of it arrives, at both outputs.": (lambda p: p / 6),
    }
    random = generator(seed)
    cases = [(number(0.1, 0.95, random),) for _ in range(4)]
    hint = "at a density of 1 only one case is left: both are active. What does it cost?"
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("14.2")
def check_best_of_k(seed):
    """Check exercise 14.2: `best_of_k(losses, k)`, the expected lowest of k of the losses.

    `losses` (run,) in any order; k different runs are chosen, every choice as likely.
    """

    def weighted(losses, chance):
        ordered = losses.double().sort().values
        return sum(float(v) * chance(i, len(ordered)) for i, v in enumerate(ordered))

    def expected(losses, k):
        return weighted(losses, lambda i, n: math.comb(n - 1 - i, k - 1) / math.comb(n, k))

    def with_replacement(losses, k):
        return weighted(losses, lambda i, n: ((n - i) / n) ** k - ((n - i - 1) / n) ** k)

    mistakes = {
        "that is the mean of all losses, whatever k.": lambda L, k: L.mean(),
        "that is the lowest of all; with k runs you would often miss it.": lambda L, k: L.min(),
        "that is the lowest of the first k; average over every choice of k.": (
            lambda L, k: L[:k].min()
        ),
        "that is the mean of the k lowest; of k runs only the lowest counts.": (
            lambda L, k: L.sort().values[:k].mean()
        ),
        "that draws the same run more than once; choose k *different* runs.": with_replacement,
        "that is the expected highest: the losses should rise, not fall.": (
            lambda L, k: -expected(-L, k)
        ),
        "when run i is the lowest, the other k - 1 come from those *above* it.": (
            lambda L, k: weighted(L, lambda i, n: math.comb(n - i, k - 1) / math.comb(n, k))
        ),
        "when run i is the lowest, k - 1 others are left to choose, not k.": (
            lambda L, k: weighted(L, lambda i, n: math.comb(n - 1 - i, k) / math.comb(n, k))
        ),
    }
    random = generator(seed)
    cases = []
    for k in (2, 3, 5, 4):
        losses = 0.1 + torch.rand(k + integer(3, 6, random), generator=random) ** 2
        order = losses.argsort(descending=True)  # the lowest is not among the first k
        cases.append((losses[order], k))
    hint = "for k = 1 the answer is the mean of all losses, for k = n the lowest of them."
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("14.3")
def check_count_neurons(seed):
    """Check exercise 14.3: `count_neurons(W)`, (hidden, feature) -> two whole numbers.

    Neurons that listen to one feature, and to more than one, with a weight above 0.3.
    """

    def counts(listens, dim=1):
        per_neuron = listens.sum(dim)
        return torch.stack([(per_neuron == 1).sum(), (per_neuron > 1).sum()])

    def expected(W):
        return counts(W > 0.3)

    mistakes = {
        "a negative weight switches a neuron off; only positive weights count.": (
            lambda W: counts(W.abs() > 0.3)
        ),
        "you counted columns, that is features; a neuron is a row of W.": (
            lambda W: counts(W > 0.3, 0)
        ),
        "the bound is 0.3; smaller weights do not count.": lambda W: counts(W > 0),
        "a neuron with no feature is neither.": (
            lambda W: torch.stack([((W > 0.3).sum(1) <= 1).sum(), expected(W)[1]])
        ),
        "a neuron with no feature is not polysemantic: not all the rest is.": (
            lambda W: torch.stack([expected(W)[0], len(W) - expected(W)[0]])
        ),
        "with *more* than one: two are enough, one is not.": (
            lambda W: torch.stack([expected(W)[0], ((W > 0.3).sum(1) >= 1).sum()])
        ),
        "two features are enough to make a neuron polysemantic.": (
            lambda W: torch.stack([expected(W)[0], ((W > 0.3).sum(1) > 2).sum()])
        ),
        "monosemantic comes first.": lambda W: expected(W).flip(0),
        "numbers of neurons are asked, not shares.": lambda W: expected(W) / len(W),
    }
    random = generator(seed)
    cases = []
    for _ in range(4):
        # Neurons with 0 to 3 features, in other numbers each; weights on both sides of 0.3.
        n_each = [integer(1, 2, random), 3 + integer(0, 1, random), 5 + integer(0, 1, random), 8]
        n_on = torch.repeat_interleave(torch.arange(4), torch.tensor(n_each))
        n_features = 6 + integer(0, 3, random)
        place = torch.rand(len(n_on), n_features, generator=random)
        on = place.argsort(1).argsort(1) < n_on[:, None]
        value = torch.rand(on.shape, generator=random)
        below = torch.where(value < 0.5, 0.28 * value + 0.14, -0.1 - value)
        W = torch.where(on, 0.32 + value, below)
        cases.append((W[torch.randperm(len(W), generator=random)],))
    hint = "the two numbers need not add up to the number of neurons."
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("14.4")
def check_leave_the_relu(seed):
    """Check exercise 14.4: `leave_the_relu(W, b)` -> the hidden bias c (hidden,) and b (feature,).

    The smallest c with which no neuron is off for features in [0, 1], and the output bias with
    which the model answers as if there were no hidden ReLU.
    """

    def lift(W):
        return (-W).clamp(min=0).sum(1)

    def expected(W, b):
        c = lift(W)
        return c, b - c @ W

    mistakes = {
        "positive weights never push a neuron below zero; that bias is larger than needed.": (
            lambda W, b: (W.abs().sum(1), b - W.abs().sum(1) @ W)
        ),
        "several negative weights act at once: add them up.": (
            lambda W, b: ((-W).amax(1), b - (-W).amax(1) @ W)
        ),
        "the sign is wrong: the bias lifts the neurons.": (
            lambda W, b: (-lift(W), b + lift(W) @ W)
        ),
        "the positive weights do not help: a point may have only the other features.": (
            lambda W, b: (-W.sum(1), b + W.sum(1) @ W)
        ),
        "the hidden bias reaches the output, too: take it off there.": lambda W, b: (lift(W), b),
        "at the output the lift has to be taken off, not added.": (
            lambda W, b: (lift(W), b + lift(W) @ W)
        ),
        "the lift is (hidden,), and an output sees it only through the decoder.": (
            lambda W, b: (lift(W), b - lift(W).sum())
        ),
    }
    random = generator(seed)
    cases = []
    for _ in range(4):
        n_hidden = integer(2, 4, random)
        n_features = n_hidden + integer(1, 4, random)
        W = torch.randn(n_hidden, n_features, generator=random)
        W[:, 0], W[:, 1] = -0.2 - W[:, 0].abs(), -0.1 - W[:, 1].abs()  # more than one below zero
        cases.append((W, torch.randn(n_features, generator=random)))
    hint = "for each neuron: which features must be 1, and which 0, to make W x as low as it gets?"
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("14.5")
def check_penalised_loss(seed):
    """Check exercise 14.5: `penalised_loss(w, density, importance, price)`, one neuron's loss.

    One feature with one neuron, y = w · ReLU(w x): its squared error times its importance, plus
    the price times the activation, expected.
    """

    def expected(w, density, importance, price):
        return density * (importance * (1 - w**2) ** 2 / 3 + price * w / 2)

    mistakes = {
        "the neuron's activation w x is U[0, w] when the feature is active: its mean is w / 2.": (
            lambda w, p, i, c: p * (i * (1 - w**2) ** 2 / 3 + c * w)
        ),
        "the weight acts twice, in and out: y = w² x.": (
            lambda w, p, i, c: p * (i * (1 - w) ** 2 / 3 + c * w / 2)
        ),
        "E[x²] is 1/3 for an active feature; 1/12 is its variance.": (
            lambda w, p, i, c: p * (i * (1 - w**2) ** 2 / 12 + c * w / 2)
        ),
        "the importance weighs the error only; the price is for activity, whatever it means.": (
            lambda w, p, i, c: i * expected(w, p, 1, c)
        ),
        "the error counts as much as the feature is important.": (
            lambda w, p, i, c: expected(w, p, 1, c)
        ),
        "both terms arise only when the feature is active.": (
            lambda w, p, i, c: expected(w, 1, i, c)
        ),
        "the neuron is silent, too, when the feature is zero: its activity counts with p.": (
            lambda w, p, i, c: p * i * (1 - w**2) ** 2 / 3 + c * w / 2
        ),
        "the penalty is on the activation, not on the output or its square.": (
            lambda w, p, i, c: p * (i * (1 - w**2) ** 2 / 3 + c * w**2 / 2)
        ),
    }
    random = generator(seed)
    cases = [
        (number(0.3, 0.9, random), number(0.05, 0.6, random), number(0.2, 0.9, random),
         number(0.05, 0.6, random))
        for _ in range(4)
    ]  # fmt: skip
    hint = "at w = 0 nothing arrives: the loss is the importance times p / 3."
    return Formula(cases, expected, mistakes, hint=hint)


check_concepts = concepts_of("14")
answer, outcome, predict, prediction, progress = functions_of("14")
