"""Checks of notebook 03: one ReLU."""

import torch

from toyutils import theory
from toyutils.exercises._call import Wrong, require_function, value
from toyutils.exercises._cases import models
from toyutils.exercises._check import Formula, exercise, generator, integer, number
from toyutils.exercises._progress import functions_of
from toyutils.exercises.concepts import concepts_of


@exercise("3.1")
def check_relu_reconstruct(seed):
    """Check exercise 3.1: `relu_reconstruct(x, W, b)`, y = ReLU(WᵀW x + b) of a batch.

    x (point, feature), W (hidden, feature), b (feature,) -> y (point, feature).
    """

    def expected(x, W, b):
        return torch.relu(x @ W.T @ W + b)

    mistakes = {
        "the ReLU is missing: without it this is the linear model of notebook 01.": (
            lambda x, W, b: x @ W.T @ W + b
        ),
        "the bias comes before the ReLU: it shifts the point from which the output rises.": (
            lambda x, W, b: torch.relu(x @ W.T @ W) + b
        ),
        "the ReLU belongs to the output, not to the hidden numbers: those may be negative.": (
            lambda x, W, b: torch.relu(x @ W.T) @ W + b
        ),
        "there is one ReLU only, at the output. The hidden numbers may be negative.": (
            lambda x, W, b: torch.relu(torch.relu(x @ W.T) @ W + b)
        ),
        "the bias is missing: the output is ReLU(WᵀW x + b).": (
            lambda x, W, b: torch.relu(x @ W.T @ W)
        ),
        "the bias is added, not subtracted.": lambda x, W, b: torch.relu(x @ W.T @ W - b),
        "a ReLU makes negative numbers zero; it does not take their absolute value.": (
            lambda x, W, b: (x @ W.T @ W + b).abs()
        ),
        "the ReLU is turned round: it keeps what is positive.": (
            lambda x, W, b: (x @ W.T @ W + b).clamp(max=0)
        ),
        "encoder and decoder are swapped: the points are the rows of x, and W has shape "
        "(hidden, feature).": lambda x, W, b: torch.relu(x @ W @ W.T + b),
    }
    hint = "no output is negative, and where the linear model's is positive both agree."
    return Formula(models(seed), expected, mistakes, hint=hint)


@exercise("3.2")
def check_antipodal_loss(seed):
    """Check exercise 3.2: `antipodal_loss(p)`, the exact loss of W = (1, -1), b = 0.

    p: density in [0, 1] -> number.
    """

    def expected(p):
        return p**2 / 6

    mistakes = {
        "that is the sum of both errors; the loss is their mean.": lambda p: p**2 / 3,
        "both must be active: the chance of that is p², not p.": lambda p: p / 6,
        "1/6 is the loss when both features are active. How often is that?": (
            lambda p: 1 / 6 + 0 * p
        ),
        "you used the sparsity: p is the density, the chance that a feature is active.": (
            lambda p: (1 - p) ** 2 / 6
        ),
        "this is half of it: when both are active, both outputs are wrong.": lambda p: p**2 / 12,
        "this is the least loss of the linear model, which keeps one feature.": (
            lambda p: (p / 3 - p**2 / 4) / 2
        ),
        "when exactly one feature is active nothing is wrong: the ReLU removes the negative "
        "output. Take the case where both are active.": lambda p: 2 * p * (1 - p) / 6,
        "p² is how often both are active. How large is the squared error then, on average?": (
            lambda p: p**2
        ),
        "E[min] is 1/3; the loss needs the mean of the square, E[min²] = 1/6.": lambda p: p**2 / 9,
    }
    random = generator(seed)
    cases = [(0.2,), (1.0,), (number(0.3, 0.5, random),), (number(0.6, 0.9, random),)]
    hint = (
        "sample it at p = 1: a few thousand points come within a few per cent of the right number."
    )
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("3.3")
def check_reaches_antipodal(seed):
    """Check exercise 3.3: `reaches_antipodal(W)`, whether W is near (1, -1) or (-1, 1).

    W (instance, 1, 2) -> bool (instance,): opposite signs, both lengths within 0.2 of 1.
    """

    def near_one(W):
        return ((W[:, 0].abs() - 1).abs() <= 0.2).all(-1)

    def expected(W):
        return near_one(W) & (W[:, 0, 0] * W[:, 0, 1] < 0)

    mistakes = {
        "two weights of the same sign are not antipodal: look at the signs too.": near_one,
        "opposite signs are not enough: both lengths must be near 1.": (
            lambda W: W[:, 0, 0] * W[:, 0, 1] < 0
        ),
        "one dead weight is not antipodal: both lengths must be near 1, not just one of them.": (
            lambda W: ((W[:, 0].abs() - 1).abs() <= 0.2).any(-1) & (W[:, 0, 0] * W[:, 0, 1] < 0)
        ),
        "(-1, 1) is antipodal as well: which feature is positive does not matter.": (
            lambda W: near_one(W) & (W[:, 0, 0] > 0) & (W[:, 0, 1] < 0)
        ),
        "(1, -1) is antipodal as well: which feature is negative does not matter.": (
            lambda W: near_one(W) & (W[:, 0, 0] < 0) & (W[:, 0, 1] > 0)
        ),
        "a product near -1 is not enough: 2 and -1/2 have it too. Look at both lengths.": (
            lambda W: (W[:, 0, 0] * W[:, 0, 1] + 1).abs() <= 0.2
        ),
        "a sum near 0 is not enough: two tiny weights have it too. Look at both lengths.": (
            lambda W: (W[:, 0].sum(-1)).abs() <= 0.2
        ),
        "a length far above 1 is not near 1: there are two sides to look at.": (
            lambda W: (W[:, 0].abs() >= 0.8).all(-1) & (W[:, 0, 0] * W[:, 0, 1] < 0)
        ),
        "within 0.2 of 1 is meant for each length alone, not for the distance of both together.": (
            lambda W: ((W[:, 0].abs() - 1).norm(dim=-1) <= 0.2) & (W[:, 0, 0] * W[:, 0, 1] < 0)
        ),
        "a length far below 1 is not near 1: there are two sides to look at.": (
            lambda W: (W[:, 0].abs() <= 1.2).all(-1) & (W[:, 0, 0] * W[:, 0, 1] < 0)
        ),
        "these are the answers for both weights. One answer per instance: are all true?": (
            lambda W: (W[:, 0].abs() - 1).abs() <= 0.2
        ),
        "one answer per instance is wanted, not how many reach it.": lambda W: expected(W).sum(),
        "one answer per instance is wanted, not the fraction that reaches it.": (
            lambda W: expected(W).double().mean()
        ),
    }
    hint = "try (1, -1), (1.15, -0.85) and (1.25, -1); only the last is out."
    return Formula(_outcomes(seed), expected, mistakes, hint=hint)


@exercise("3.5")
def check_break_even_density(seed):
    """Check exercise 3.5: `break_even_density()`, where two losses are equal.

    Below it the antipodal model with b = 0 beats the best linear model, which keeps one feature.
    """

    def expected():
        return 4 / 7

    mistakes = {
        "that is the sparsity S = 1 - p. The density is asked for.": lambda: 3 / 7,
        "the fraction is turned over: a density is at most 1.": lambda: 7 / 4,
        "p = 0 solves it, but there both losses are zero. There is another solution.": lambda: 0.0,
        "you compared the mean loss p²/6 with the variance, which is a sum: the feature that is "
        "kept costs nothing but counts in the mean, so the other side is v(p) / 2. (0.8 is also "
        "near where a *fitted* bias stops paying; here b = 0.)": lambda: 4 / 5,
        "you compared the sum p²/3 with the mean v(p) / 2. Take the mean on both sides.": (
            lambda: 4 / 11
        ),
        "at p = 1 the linear model is better: 1/24 against 1/6. You compared with E[x²] instead of "
        "the variance: the dropped feature is answered with its mean.": lambda: 1.0,
        "no coincidence makes it 1/2: put it into both losses, and they differ.": lambda: 0.5,
    }
    hint = "put your density into both losses of the task: do they agree?"
    # A rounded 0.571 is right enough; 0.57 is told that it is close.
    return Formula([()], expected, mistakes, hint=hint, tolerance=1e-3)


@exercise("3.4")
def check_initial_weights(seed):
    """Check exercise 3.4: `initial_weights(n_instances, generator)`, starts that seldom fail.

    -> W (instance, 1, 2), random. 64 models descend from them at S = 0.8, on the exact loss; at
    least 80 % must become antipodal. Of starts with one sign next to none do, of starts with two
    signs and lengths near 1 nearly all.
    """

    def judge(answer):
        require_function(answer, lambda n_instances, generator: None)
        for n_instances in (integer(3, 9, generator(seed)), 64):
            W = value(answer, n_instances, generator(seed))
            if W.shape != (n_instances, 1, 2):
                raise Wrong(
                    f"For {n_instances} instances: expected shape {(n_instances, 1, 2)}, "
                    f"got shape {tuple(W.shape)}."
                )
        W = W.float()
        if (W == 0).all((1, 2)).any():
            raise Wrong(
                "Some starts are zero in both weights. There the gradient of W is zero: such a "
                "model never moves."
            )
        if (W[0] == W).all():
            raise Wrong(
                "All 64 starts are the same, so this is one trial and no evidence.\n"
                "Hint: draw them, for example with `torch.rand(..., generator=generator)`."
            )
        if not torch.equal(W, value(answer, 64, generator(seed)).float()):
            raise Wrong(
                "Two generators with the same seed gave different starts.\n"
                "Hint: pass it on, for example `torch.rand(..., generator=generator)`."
            )
        return _descend_from(W)

    return judge


def _descend_from(W):
    """Descend from the starts W and return praise, or raise Wrong with what happened to them."""
    n_instances = len(W)
    final, _ = theory.descend(W, torch.zeros(n_instances, 2), 0.8, max_step=0.05)
    final = final[:, 0]
    reached = ((final.abs() - 1).abs() <= 0.2).all(-1) & (final.prod(-1) < 0)
    count = f"{int(reached.sum())} of {n_instances} became antipodal"
    if reached.sum() >= 0.8 * n_instances:
        return f"{count}."
    one_sign = W[:, 0].prod(-1) > 0
    if (one_sign & ~reached).sum() > 0.1 * n_instances:
        raise Wrong(
            f"{count}; 80 % are asked for. {int(one_sign.sum())} starts had two weights of the "
            f"same sign, and {int((one_sign & reached).sum())} of those became antipodal.\n"
            "Hint: what could you ask of the two signs at the start?"
        )
    raise Wrong(
        f"{count}; 80 % are asked for. The signs differ, yet "
        f"{int((~one_sign & ~reached).sum())} starts still failed.\n"
        "Hint: look at the lengths. A weight near zero may change its sign on the way, and weights "
        "far above 1 often end elsewhere."
    )


def _outcomes(seed):
    """Return cases (W,) of models that trained in different ways: each success and failure."""
    random = generator(seed)
    kinds = [
        (1.0, -1.0),
        (-1.0, 1.0),
        (1.0, 1.0),
        (-1.0, -1.0),
        (1.0, 0.4),
        (1.0, -0.05),
        (0.05, -0.05),
        (2.0, -0.5),
        (1.8, -1.7),
        # Close to the bounds 0.8 and 1.2, inside and outside.
        (0.83, -1.17),
        (-1.17, 0.83),
        (1.17, -1.17),
        (1.0, -1.23),
        (1.23, -1.0),
        (-0.77, 1.0),
        (1.0, -0.77),
    ]
    cases = []
    for repeats in (4, integer(2, 3, random)):
        W = torch.tensor(kinds * repeats)
        order = torch.randperm(len(W), generator=random)
        cases.append(((W[order] + 0.02 * (torch.rand(W.shape, generator=random) - 0.5))[:, None],))
    return cases


check_concepts = concepts_of("03")
answer, outcome, predict, prediction, progress = functions_of("03")
