"""Checks of notebook 13: adversarial examples and interference weights."""

import torch

from toyutils.exercises._cases import matrices
from toyutils.exercises._check import Formula, exercise, generator, integer, number
from toyutils.exercises._progress import functions_of
from toyutils.exercises.concepts import concepts_of


@exercise("13.1")
def check_attack(seed):
    """Check exercise 13.1: `attack(W, i, size)`, W (hidden, feature) -> a step (feature,)."""

    def scaled(step, size):
        return size * step / step.norm()

    def expected(W, i, size):
        return scaled(W[:, i] @ W, size)

    mistakes = {
        "that raises input i alone. Other inputs move output i, too.": (
            lambda W, i, size: size * torch.eye(W.shape[1])[i]
        ),
        "the direction is right, the length is not: multiply a step of length one by the size.": (
            lambda W, i, size: W[:, i] @ W
        ),
        "you multiplied the row by the size, but its own length is not one.": (
            lambda W, i, size: size * (W[:, i] @ W)
        ),
        "you divided by the square of the row's length.": (
            lambda W, i, size: expected(W, i, size) / (W[:, i] @ W).norm()
        ),
        "this step has length one; the size is missing.": lambda W, i, size: expected(W, i, 1.0),
        "this step lowers output i.": lambda W, i, size: -expected(W, i, size),
        "that is a step in the hidden space. The input is what can be changed.": (
            lambda W, i, size: scaled(W[:, i], size)
        ),
        "the size is the length of the step, the root of the sum of squares, not of sizes.": (
            lambda W, i, size: size * (W[:, i] @ W) / (W[:, i] @ W).abs().sum()
        ),
        "only the signs of the row are left; its entries differ in size.": (
            lambda W, i, size: scaled((W[:, i] @ W).sign(), size)
        ),
    }
    random = generator(seed)
    cases = [
        (W, integer(1, W.shape[1] - 1, random), number(0.2, 0.7, random))
        for W in matrices(random, least_hidden=2)
    ]
    hint = "does your step have the length asked for, and is no other of that length better?"
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("13.2")
def check_shortest(seed):
    """Check exercise 13.2: `shortest(W, b, i)`, W (hidden, feature), b (feature,) -> a length."""

    def row_length(W, i):
        return (W[:, i] @ W).norm()

    def expected(W, b, i):
        return b[i].abs() / row_length(W, i)

    mistakes = {
        "a length is not negative; the bias is.": lambda W, b, i: -expected(W, b, i),
        "that is for input i alone. The best step uses the whole row.": (
            lambda W, b, i: b[i].abs() / (W[:, i] @ W[:, i])
        ),
        "the step moves the output by the length of the row, not by that of the direction.": (
            lambda W, b, i: b[i].abs() / W[:, i].norm()
        ),
        "the row's length enters once, not squared.": (
            lambda W, b, i: b[i].abs() / row_length(W, i) ** 2
        ),
        "that is turned over: the harder the row pulls, the shorter the step.": (
            lambda W, b, i: row_length(W, i) / b[i].abs()
        ),
        "a longer row makes the step shorter: divide by it.": (
            lambda W, b, i: b[i].abs() * row_length(W, i)
        ),
        "every output has a bias of its own; use that of output i.": (
            lambda W, b, i: b.abs().mean() / row_length(W, i)
        ),
    }
    random = generator(seed)
    cases = []
    for W in matrices(random, least_hidden=2):
        b = -0.1 - torch.rand(W.shape[1], generator=random)
        cases.append((W, b, integer(1, W.shape[1] - 1, random)))
    hint = "put a step of your length into the model: output i should be just at zero."
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("13.3")
def check_input_gradient(seed):
    """Check exercise 13.3: `input_gradient(x, target, W, b)`, x, target and b (feature,)."""

    def parts(x, W, b):
        z = x @ W.T @ W + b
        return z, (z > 0).to(z)

    def back(W, signal):
        return signal @ W.T @ W

    def expected(x, target, W, b):
        z, on = parts(x, W, b)
        return back(W, 2 / len(x) * (z - target) * on)

    def without_mask(x, target, W, b):
        z, on = parts(x, W, b)
        return back(W, 2 / len(x) * (z * on - target))

    def by_output(x, target, W, b):
        z, on = parts(x, W, b)
        return 2 / len(x) * (z - target) * on

    def moving_target(x, target, W, b):
        z, on = parts(x, W, b)
        signal = 2 / len(x) * (z * on - target)
        return back(W, signal * on) - signal

    def without_bias(x, target, W, b):
        z, on = parts(x, W, torch.zeros_like(b))
        return back(W, 2 / len(x) * (z - target) * on)

    mistakes = {
        "an output that is off passes nothing on: where is the ReLU's mask?": without_mask,
        "that is the gradient with respect to the output. Go on, back to the input.": by_output,
        "the target is fixed: it does not move with the input.": moving_target,
        "the error is a mean over features, not a sum.": (
            lambda x, t, W, b: expected(x, t, W, b) * len(x)
        ),
        "the square's derivative has a factor of two.": lambda x, t, W, b: expected(x, t, W, b) / 2,
        "the sign is turned: this step lowers the error.": lambda x, t, W, b: -expected(x, t, W, b),
        "the bias is missing in the answer.": without_bias,
        "you masked where the target is positive; the ReLU looks at its own input.": (
            lambda x, t, W, b: back(W, 2 / len(x) * (parts(x, W, b)[0].relu() - t) * (t > 0))
        ),
        "you stopped at the hidden numbers; the input lies one step further back.": (
            lambda x, t, W, b: W @ by_output(x, t, W, b)
        ),
    }
    random = generator(seed)
    cases = []
    for W in matrices(random, least_hidden=2):
        n = W.shape[1]
        x, target = torch.rand(2, n, generator=random)
        target = target * (torch.arange(n) % 2 == 0)
        z = x @ W.T @ W
        # One output on and one off by a wide margin, whatever the weights; the others as they come.
        b = torch.where(torch.arange(n) % 2 == 0, 0.3, -0.3) - z * (torch.arange(n) < 2)
        cases.append((x, target, W, b))
    hint = "compare with autograd, or with finite differences, on one point."
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("13.4")
def check_two_worst(seed):
    """Check exercise 13.4: `two_worst(harm)`, harm (attack, point) -> two numbers."""

    def expected(harm):
        return harm.mean(1).amax(), harm.amax(0).mean()

    mistakes = {
        "the two are the other way round.": lambda h: (h.amax(0).mean(), h.mean(1).amax()),
        "rows are attacks and columns are points.": (
            lambda h: (h.mean(0).amax(), h.amax(1).mean())
        ),
        "for the first, take the mean over points before the maximum over attacks.": (
            lambda h: (h.amax(), h.amax(0).mean())
        ),
        "for the second, every point has its own worst attack; then take the mean.": (
            lambda h: (h.mean(1).amax(), h.amax())
        ),
        "sums grow with the number of points; means are asked.": (
            lambda h: (h.sum(1).amax(), h.amax(0).sum())
        ),
        "harm can be negative, and the worst is the largest, not the largest in size.": (
            lambda h: (h.mean(1).abs().amax(), h.abs().amax(0).mean())
        ),
        "the worst attack does the most harm, not the least.": (
            lambda h: (h.mean(1).amin(), h.amin(0).mean())
        ),
        "these are the numbers of the attacks; their harm is asked.": (
            lambda h: (h.mean(1).argmax(), h.argmax(0).double().mean())
        ),
    }
    random = generator(seed)
    cases = []
    for _ in range(4):
        n_attacks = integer(3, 5, random)
        n_points = n_attacks + integer(2, 4, random)
        harm = torch.randn(n_attacks, n_points, generator=random)
        harm[0] -= 3.0  # an attack that helps
        cases.append((harm,))
    hint = "one attack for all points can never do more than one that is chosen for each."
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("13.5")
def check_change_without(seed):
    """Check exercise 13.5: `change_without(V, b, x, i, j)`, V (output, input), x (point, feature).

    The mean over points and features of the squared error without the weight, less that with it.
    """

    def error(V, b, x, relu=True):
        z = x @ V.mT + b
        return ((z.relu() if relu else z) - x).square()

    def cut(V, i, j):
        mask = torch.ones_like(V)
        mask[i, j] = 0
        return V * mask

    def expected(V, b, x, i, j):
        return (error(cut(V, i, j), b, x) - error(V, b, x)).mean()

    def column_cut(V, b, x, i, j):
        mask = torch.ones_like(V)
        mask[:, j] = 0
        return (error(V * mask, b, x) - error(V, b, x)).mean()

    mistakes = {
        "rows of V are outputs: your weight leads from output to input.": (
            lambda V, b, x, i, j: expected(V, b, x, j, i)
        ),
        "row i of V belongs to output i: multiply points from the right side.": (
            lambda V, b, x, i, j: expected(V.T, b, x, j, i)
        ),
        "the rise is asked: the loss without the weight less the loss with it.": (
            lambda V, b, x, i, j: -expected(V, b, x, i, j)
        ),
        "that is the loss without the weight; the change is asked.": (
            lambda V, b, x, i, j: error(cut(V, i, j), b, x).mean()
        ),
        "the loss is a mean over points and features, not a sum.": (
            lambda V, b, x, i, j: expected(V, b, x, i, j) * x.numel()
        ),
        "that is summed over features and averaged over points; average over both.": (
            lambda V, b, x, i, j: expected(V, b, x, i, j) * x.shape[1]
        ),
        "you removed input j from every output, not one weight.": column_cut,
        "the weight in the other direction stays: V need not be symmetric.": (
            lambda V, b, x, i, j: (error(cut(cut(V, i, j), j, i), b, x) - error(V, b, x)).mean()
        ),
        "the ReLU is missing.": (
            lambda V, b, x, i, j: (error(cut(V, i, j), b, x, False) - error(V, b, x, False)).mean()
        ),
        "the bias is missing.": lambda V, b, x, i, j: expected(V, torch.zeros_like(b), x, i, j),
    }
    random = generator(seed)
    cases = []
    for _ in range(4):
        n = integer(4, 6, random)
        V = torch.randn(n, n, generator=random)
        b = torch.rand(n, generator=random) - 0.3
        x = torch.rand(n + integer(4, 9, random), n, generator=random)
        i = integer(0, n - 2, random)
        cases.append((V, b, x, i, integer(i + 1, n - 1, random)))
    hint = "try a weight that is zero already: removing it must change nothing."
    return Formula(cases, expected, mistakes, hint=hint)


check_concepts = concepts_of("13")
answer, outcome, predict, prediction, progress = functions_of("13")
