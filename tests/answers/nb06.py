"""Right and wrong answers to the exercises of notebook 06."""

import numpy as np
import torch


def two_slopes(w_encode, w_decode, x):
    return w_decode * x, w_encode * x


def two_slopes_by_autograd(w_encode, w_decode, x):
    uses = torch.tensor([w_encode, w_decode], dtype=torch.float64, requires_grad=True)
    (uses[1] * (uses[0] * x)).backward()
    return tuple(uses.grad)


def error_signal(x, a, importance):
    return importance * (np.maximum(a, 0) - x) * (a > 0)


def error_signal_looped(x, a, importance):
    result = np.zeros_like(x)
    for p, i in np.ndindex(x.shape):
        if a[p, i] > 0:
            result[p, i] = importance[i] * (a[p, i] - x[p, i])
    return result


def weight_gradient(W, x, delta):
    return np.outer(W @ x, delta) + np.outer(W @ delta, x)


def weight_gradient_by_autograd(W, x, delta):
    W, x, delta = (torch.tensor(v) for v in (W, x, delta))
    W.requires_grad_()
    (delta @ (W.T @ (W @ x))).backward()
    return W.grad


def slope_by_nudging(loss, W):
    slope = np.zeros_like(W)
    for index in np.ndindex(W.shape):
        nudge = np.zeros_like(W)
        nudge[index] = 1e-6
        slope[index] = (loss(W + nudge) - loss(W - nudge)) / 2e-6
    return slope


def slope_with_more_points(loss, W):
    slope = np.zeros_like(W)
    for index in np.ndindex(W.shape):
        e = np.zeros_like(W)
        e[index] = 1e-3
        slope[index] = (8 * (loss(W + e) - loss(W - e)) - loss(W + 2 * e) + loss(W - 2 * e)) / 12e-3
    return slope


def slope_by_rows_and_columns(loss, W):
    slope = np.zeros(W.shape)
    for k in range(W.shape[0]):
        for i in range(W.shape[1]):
            nudge = np.zeros(W.shape)
            nudge[k, i] = 1e-5
            slope[k, i] = (loss(W + nudge) - loss(W - nudge)) / 2e-5
    return slope


def missing_terms(W, x, delta):
    return ((W @ delta)[:, None] - W * delta) * x


def missing_terms_looped(W, x, delta):
    result = np.zeros_like(W)
    for k, i in np.ndindex(W.shape):
        result[k, i] = x[i] * sum(W[k, j] * delta[j] for j in range(len(x)) if j != i)
    return result


def asymmetry(slope, W):
    J = np.zeros((W.size, W.size))
    for column, index in enumerate(np.ndindex(W.shape)):
        nudge = np.zeros_like(W)
        nudge[index] = 1e-5
        J[:, column] = ((slope(W + nudge) - slope(W - nudge)) / 2e-5).ravel()
    return np.linalg.norm(J - J.T) / np.linalg.norm(J)


def asymmetry_by_rows(slope, W):
    rows = []
    for change in 1e-5 * np.eye(W.size):
        change = change.reshape(W.shape)
        rows.append(np.ravel(slope(W + change) - slope(W - change)))
    J = np.array(rows)
    return ((J - J.T) ** 2).sum() ** 0.5 / (J**2).sum() ** 0.5


def _jacobian(slope, W):
    columns = [(slope(W + e.reshape(W.shape)) - slope(W - e.reshape(W.shape))).ravel() / 2e-5
               for e in 1e-5 * np.eye(W.size)]  # fmt: skip
    return np.stack(columns, 1)


def _judged(measure):
    return lambda slope, W: measure(_jacobian(slope, W))


def _one_sided(loss, W, distance, step=1e-6):
    slope = np.zeros_like(W)
    for index in np.ndindex(W.shape):
        nudge = np.zeros_like(W)
        nudge[index] = step
        slope[index] = (loss(W + nudge) - loss(W)) / distance
    return slope


RIGHT = {
    "two_slopes": [two_slopes, two_slopes_by_autograd],
    "error_signal": [error_signal, error_signal_looped],
    "weight_gradient": [weight_gradient, weight_gradient_by_autograd],
    "slope_by_nudging": [
        slope_by_nudging,
        slope_with_more_points,
        slope_by_rows_and_columns,
    ],
    "missing_terms": [missing_terms, missing_terms_looped],
    "asymmetry": [asymmetry, asymmetry_by_rows],
}

WRONG = {
    "error_signal": {
        "nudge one entry": (lambda x, a, importance: np.full(x.shape, 0.1)),
    },
    "weight_gradient": {
        "in two ways": (lambda W, x, delta: 0 * W + 0.3),
    },
    "slope_by_nudging": {
        "*two* steps": (lambda loss, W: 2 * slope_by_nudging(loss, W)),
        "not two": (lambda loss, W: _one_sided(loss, W, 2e-6)),
        "the sign": (lambda loss, W: -slope_by_nudging(loss, W)),
        "divide": (lambda loss, W: _one_sided(loss, W, 1.0)),
        "one entry at a time": (
            lambda loss, W: np.full(W.shape, (loss(W + 1e-6) - loss(W)) / 1e-6)
        ),
        "a line through two points": (lambda loss, W: np.arange(W.size).reshape(W.shape)),
        "Expected shape": (lambda loss, W: np.zeros(9)),
        "tiny ones drown": (lambda loss, W: _one_sided(loss, W, 1e-12, 1e-12)),
        "large steps see the curve bend": (lambda loss, W: _one_sided(loss, W, 1e-4, 1e-4)),
    },
    "missing_terms": {
        "in its own column": (lambda W, x, delta: 0 * W + 0.2),
    },
    "two_slopes": {
        "a straight line": (lambda w_encode, w_decode, x: (w_encode, w_decode + x)),
    },
    "asymmetry": {
        "units drop out": _judged(lambda J: np.linalg.norm(J - J.T)),
        "J itself": _judged(lambda J: np.linalg.norm(J - J.T) / np.linalg.norm(J + J.T)),
        "not the sum": _judged(lambda J: np.linalg.norm(J + J.T) / np.linalg.norm(J)),
        "take the square": _judged(lambda J: ((J - J.T) ** 2).sum() / (J**2).sum()),
        "largest alone": _judged(lambda J: np.abs(J - J.T).max() / np.abs(J).max()),
        "odd part": _judged(lambda J: np.linalg.norm(J - J.T) / np.linalg.norm(J) / 2),
        "Nudge one at a time": (lambda slope, W: 0.0),
        "one number": _judged(lambda J: J - J.T),
    },
}
