"""Checks of notebook 06: gradients by hand. Arguments and answers are NumPy arrays."""

import numpy as np
import torch

from toyutils.exercises._call import Wrong, require_function, value
from toyutils.exercises._check import SIXTEEN_BITS, Formula, exercise, rounding
from toyutils.exercises._progress import functions_of
from toyutils.exercises.concepts import concepts_of


@exercise("6.1")
def check_two_slopes(seed):
    """Check exercise 6.1: `two_slopes(w_encode, w_decode, x)`, one weight's two uses apart.

    Three numbers -> (slope by w_encode, slope by w_decode) of what goes in and out again.
    """

    def expected(w_encode, w_decode, x):
        return w_decode * x, w_encode * x

    mistakes = {
        "these are exchanged: hold w_decode still, and ask what y gains from w_encode.": (
            lambda e, d, x: (e * x, d * x)
        ),
        "both slopes carry the input x.": lambda e, d, x: (d, e),
        "that is y itself. How fast does it grow when one of the two weights does?": (
            lambda e, d, x: (e * d * x, e * d * x)
        ),
        "each is the slope of one use alone; do not add them up yet.": (
            lambda e, d, x: (e * x + d * x, e * x + d * x)
        ),
        "x is given; the slopes with respect to the two weights are asked.": (
            lambda e, d, x: (e * d, e * d)
        ),
        "there is no factor 2 as long as the two uses are apart.": (
            lambda e, d, x: (2 * d * x, 2 * e * x)
        ),
        "the encoder's slope is not 1 times x: what it adds to h is multiplied by w_decode.": (
            lambda e, d, x: (x, e * x)
        ),
    }
    rng = np.random.default_rng(seed)
    cases = [(0.8, 0.8, 1.0), (0.5, 2.0, 0.7)]
    cases += [tuple(float(v) for v in rng.uniform(0.2, 1.8, 3)) for _ in range(2)]
    cases.append((-0.7, 1.2, float(rng.uniform(0.3, 0.9))))
    hint = "hold one of the two weights at a number. Then y is a straight line in the other."
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("6.2")
def check_error_signal(seed):
    """Check exercise 6.2: `error_signal(x, a, importance)`, the slope δ of the loss.

    x, a (point, feature), importance (feature,) -> (point, feature).
    """

    def error(x, a):
        return np.maximum(a, 0) - x

    def expected(x, a, importance):
        return importance * error(x, a) * (a > 0)

    mistakes = {
        "the ReLU's mask is missing: where a is not positive nothing passes, so δ is 0.": (
            lambda x, a, importance: importance * error(x, a)
        ),
        "the importance is missing: it multiplies every error.": (
            lambda x, a, importance: error(x, a) * (a > 0)
        ),
        "the sign is turned round: the slope of (x - y)²/2 with respect to y is y - x.": (
            lambda x, a, importance: -expected(x, a, importance)
        ),
        "a factor 2 too much: the loss here is *half* the sum of squares.": (
            lambda x, a, importance: 2 * expected(x, a, importance)
        ),
        "the error is that of the output y, after the ReLU; `a` itself may be negative.": (
            lambda x, a, importance: importance * (a - x)
        ),
        "the mask asks whether `a` is positive, not whether x is.": (
            lambda x, a, importance: importance * error(x, a) * (x > 0)
        ),
        "that is the loss of each entry; its slope is asked.": (
            lambda x, a, importance: 0.5 * importance * error(x, a) ** 2
        ),
        "do not average: δ has an entry for every point and feature.": (
            lambda x, a, importance: expected(x, a, importance).mean(0)
        ),
    }
    rng = np.random.default_rng(seed)
    cases = []
    for least, n_features in ((6, 5), (4, 3), (7, 2)):
        n_points = least + int(rng.integers(3))
        x = rng.random((n_points, n_features)) * (rng.random((n_points, n_features)) < 0.6)
        a = rng.normal(size=x.shape)
        a[0, 0], x[0, 0] = 0.0, 0.7  # where `a` is 0 the ReLU is flat
        a[1, 0], x[1, 0] = 0.1, 0.7
        cases.append((x, a, 0.2 + rng.random(n_features)))
    hint = "nudge one entry of `a` a little: half the weighted square changes by δ times the nudge."
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("6.3")
def check_weight_gradient(seed):
    """Check exercise 6.3: `weight_gradient(W, x, delta)`, both paths of one point.

    W (hidden, feature), x, delta (feature,) -> (hidden, feature).
    """

    def decoder(W, x, delta):
        return np.outer(W @ x, delta)

    def encoder(W, x, delta):
        return np.outer(W @ delta, x)

    def expected(W, x, delta):
        return decoder(W, x, delta) + encoder(W, x, delta)

    mistakes = {
        "the encoder path is missing: W also makes h, and h feeds every output.": decoder,
        "the decoder path is missing: W also turns h into the outputs.": encoder,
        "the encoder path keeps only each feature's own output. Changing h changes *all* outputs: "
        "sum over j.": lambda W, x, delta: decoder(W, x, delta) + W * delta * x,
        "the decoder path is counted twice; one of the two should be the encoder's.": (
            lambda W, x, delta: 2 * decoder(W, x, delta)
        ),
        "the two paths add up; you subtracted one.": (
            lambda W, x, delta: decoder(W, x, delta) - encoder(W, x, delta)
        ),
        "the sign is turned round.": lambda W, x, delta: -expected(W, x, delta),
        "a factor 2 too much: the loss here is half the sum of squares.": (
            lambda W, x, delta: 2 * expected(W, x, delta)
        ),
        "that is the transpose: the result has W's shape, (hidden, feature).": (
            lambda W, x, delta: expected(W, x, delta).T
        ),
        "your encoder path holds no δ, and an error it must hold.": lambda W, x, delta: (
            decoder(W, x, delta) + np.outer(W @ x, x)
        ),
    }
    hint = "change one entry of W and watch the outputs: they move in two ways."
    return Formula(_points(seed), expected, mistakes, hint=hint)


@exercise("6.4")
def check_slope_by_nudging(seed):
    """Check exercise 6.4: `slope_by_nudging(loss, W)`, a gradient by finite differences.

    loss a function of an array like W -> array shaped like W, relative error < 1e-5.
    """

    def judge(answer):
        require_function(answer, lambda loss, W: None)
        rng = np.random.default_rng(seed)
        n = int(rng.integers(3, 7))
        for shape in ((2, n), (n + 1, 3), (1, n - 1)):
            A, W = rng.normal(size=shape), rng.normal(size=shape)

            def loss(w, A=A):
                return float((A * w**2).sum() + (w**3).sum() / 3)

            _require_slope(value(answer, loss, W), 2 * A * W + W**2, shape)
        return "Three gradients found without deriving any."

    return judge


def _require_slope(slope, right, shape):
    """Raise Wrong with the mistake seen, unless `slope` (a tensor) is `right` (an array)."""
    if slope.shape != shape:
        raise Wrong(f"Expected shape {shape}, got shape {tuple(slope.shape)}.")
    short = slope.dtype in (torch.float16, torch.bfloat16)
    slope = slope.double().numpy()
    error = np.linalg.norm(slope - right) / np.linalg.norm(right)
    if error >= 1e-5:
        hint = SIXTEEN_BITS if short and error < 0.1 else _slope_hint(slope, right)
        raise Wrong(f"The relative error is {error:.2g}; less than 0.00001 is asked.\nHint: {hint}")


def _slope_hint(slope, right):
    factor = float((slope * right).sum() / (right * right).sum())
    if np.allclose(slope, slope.flat[0]):
        return "nudge one entry at a time; the others stay where they are."
    if np.linalg.norm(slope - factor * right) >= 1e-3 * np.linalg.norm(slope):
        return "compare one entry with the slope of a line through two points of the loss near W."
    if factor < 0:
        return "the sign: the loss with the larger entry comes first."
    if abs(factor - 2) < 1e-2:
        return "from + step to - step the distance is *two* steps."
    if abs(factor - 0.5) < 1e-2:
        return "from W to W + step the distance is one step, not two."
    if factor < 1e-2:
        return "divide the difference of the losses by the distance between the two points."
    return (
        "large steps see the curve bend, and tiny ones drown in rounding. A step on *each* side of "
        "W is better than one."
    )


@exercise("6.5")
def check_missing_terms(seed):
    """Check exercise 6.5: `missing_terms(W, x, delta)`, right minus published gradient.

    W (hidden, feature), x, delta (feature,) -> (hidden, feature).
    """

    def expected(W, x, delta):
        return ((W @ delta)[:, None] - W * delta) * x

    def right(W, x, delta):
        return np.outer(W @ x, delta) + np.outer(W @ delta, x)

    mistakes = {
        "that is the whole encoder path; the published gradient has its part j = i.": (
            lambda W, x, delta: np.outer(W @ delta, x)
        ),
        "that is the right gradient; take the published one away from it.": right,
        "that is the published gradient; what it lacks is asked.": (
            lambda W, x, delta: np.outer(W @ x, delta) + W * delta * x
        ),
        "the sign: right minus published.": lambda W, x, delta: -expected(W, x, delta),
        "that is the part that the published gradient has, j = i.": (
            lambda W, x, delta: W * delta * x
        ),
        "each missing term carries the input x_i of the feature whose weight changes.": (
            lambda W, x, delta: (W @ delta)[:, None] - W * delta
        ),
        "the decoder path is in both gradients; nothing of it is missing.": (
            lambda W, x, delta: right(W, x, delta) - W * delta * x
        ),
    }
    hint = "where only one δ is not zero, nothing is missing in its own column."
    return Formula(_points(seed), expected, mistakes, hint=hint)


@exercise("6.6")
def check_asymmetry(seed):
    """Check exercise 6.6: `asymmetry(slope, W)`, how far a field of slopes is from a gradient.

    slope a function of an array W -> array shaped like W; W of any shape -> number.
    """

    def judge(answer):
        require_function(answer, lambda slope, W: None)
        rng = np.random.default_rng(seed)
        for shape, bend in (((2, 3), 0.0), ((1, 4), 0.3), ((2, 2), 0.3)):
            W = rng.normal(size=shape)
            symmetric = rng.normal(size=(W.size, W.size))
            symmetric = symmetric + symmetric.T
            uneven = rng.normal(size=(W.size, W.size))
            for J in (symmetric, symmetric + uneven, 3 * uneven):

                def slope(w, J=J, bend=bend):
                    return (J @ w.ravel() + bend * w.ravel() ** 2).reshape(w.shape)

                _require_asymmetry(value(answer, slope, W), J + np.diag(2 * bend * W.ravel()))
        return "It tells a gradient from what only looks like one."

    return judge


def _require_asymmetry(given, J):
    """Raise Wrong with the mistake seen, unless `given` is ‖J - Jᵀ‖ / ‖J‖."""
    if given.numel() != 1:
        raise Wrong(f"Return one number; got shape {tuple(given.shape)}.")
    short, given = rounding(given), float(given)
    if not np.isfinite(given):
        raise Wrong("Your function returned NaN or infinity.")
    odd, size = np.linalg.norm(J - J.T), np.linalg.norm(J)
    right = odd / size
    if abs(given - right) <= max(1e-5, short):
        return
    mistakes = {
        "divide by the length of J, so that its units drop out.": odd,
        "divide by the length of J itself.": odd / np.linalg.norm(J + J.T),
        "take the difference of J and its transpose, not the sum.": np.linalg.norm(J + J.T) / size,
        "do not take the square: divide one length by the other.": right**2,
        "the norm adds up all entries, `np.linalg.norm`; the largest alone says less.": (
            np.abs(J - J.T).max() / np.abs(J).max()
        ),
        "that is half of it, the length of the odd part of J; the whole difference is asked.": right
        / 2,
    }
    hint = "row a, column b of J: how slope a changes when number b of W does. Nudge one at a time."
    for text, wrong in mistakes.items():
        if abs(given - wrong) <= 1e-4 * abs(wrong):
            hint = text
    raise Wrong(f"For a J of {len(J)} rows: expected {right:.4g}, got {given:.4g}.\nHint: {hint}")


def _points(seed):
    """Return cases (W, x, delta), never square."""
    rng = np.random.default_rng(seed)
    sizes = [(m, n + int(rng.integers(3))) for m, n in ((2, 5), (1, 3), (3, 4))]
    return [(rng.normal(size=(m, n)), rng.random(n), rng.normal(size=n)) for m, n in sizes]


check_concepts = concepts_of("06")
answer, outcome, predict, prediction, progress = functions_of("06")
