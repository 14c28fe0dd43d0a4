"""One training loop for every toy model, with its history. It draws no figure.

The loop is the one that notebook 01 writes out, made fast in three ways that leave its
result alone: the gradient is written down instead of recorded (notebook 06 derives it),
all instances step together, and points that are all zero are averaged exactly, not drawn.
"""

import math
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from numbers import Real

import numpy as np
import psutil
import torch
from torch import Tensor
from tqdm.auto import tqdm

from toyutils.features import IndependentFeatures
from toyutils.models import LinearModel, check_points

_BIG_ENOUGH_FOR_A_GPU = 2_000_000  # numbers in a batch; below it, starting kernels costs more


@dataclass
class History:
    """Keep what training passed through. All tensors lie on the CPU.

    Shapes: `step` (record,), counting from 0 = before the first step; `loss` (record,
    instance), on the training data; `test_loss` the same on the test data, or None; `W`
    (record, instance, hidden, feature); `b` (record, instance, feature). `activation` is
    the model's. `interrupted` says whether training ended before its last step.
    """

    step: Tensor
    loss: Tensor
    test_loss: Tensor | None
    W: Tensor
    b: Tensor
    activation: str
    interrupted: bool = False


def reconstruction_loss(x: Tensor, y: Tensor, importance: Tensor | None = None) -> Tensor:
    """Return the mean over points and features of I_i (x_i - y_i)², shape (instance,).

    `x` and `y` have shape (instance, point, feature). `importance` has shape (feature,) or
    (instance, feature) and is 1 for all features by default.
    """
    squared_error = (x - y).square()
    if importance is not None:
        squared_error = squared_error * torch.atleast_2d(importance)[:, None, :]
    return squared_error.mean((1, 2))


def train(
    model: LinearModel,
    data: Tensor | IndependentFeatures,
    *,
    n_steps: int,
    learning_rate: float = 1e-3,
    batch_size: int = 1024,
    importance: Tensor | Sequence[float] | None = None,
    optimizer: str = "adamw",
    schedule: str = "constant",
    weight_decay: float = 0.01,
    test_data: Tensor | None = None,
    record_at: int | Sequence[int] = 60,
    skip_all_zero: bool = True,
    centred: bool = False,
    seed: int = 0,
    progress: bool = True,
    device: str | torch.device | None = None,
) -> History:
    """Train all instances of `model` in place, side by side, and return their history.

    `data` is either fixed points, shape (instance or 1, point, feature), all used in every
    step; or a distribution, from which every step draws `batch_size` fresh points for each
    instance. With `skip_all_zero` those points are drawn given that not all features are
    zero, and the rest, whose loss needs no sampling, enters with its exact probability:
    the same expected loss with less noise.

    With `centred`, W and c = b + WᵀW E[x] are trained in place of W and b: the same models
    and losses by another path. Where many features are present at once, E[x] is long, every
    step of W then shifts all outputs, and b has to follow; c is spared that. Only for a
    distribution.

    `importance`: (feature,) or (instance, feature), >= 0. `optimizer`: "adamw" (with
    `weight_decay`) or "adam". `schedule`: "constant", or "cosine" down to zero.
    `record_at`: how many evenly spaced moments to record, or the steps themselves; step 0
    and the last step are always recorded. `device`: by default a GPU where there is one
    and the batch is large enough to repay it; the model stays where it was.

    Interrupting (the stop button of Jupyter) ends training early; the model and the
    returned history keep all that was done so far. So does a loss that stops being finite.

    What it costs, with I instances, n features, m hidden and B points in a batch: the bytes
    that `memory_needed` tells; and on two CPU cores, for each step, about
    0.24 ms + I n (B (9 ns + 0.03 ns · m) + 7 ns · m), up to three times that once a batch no
    longer fits into the processor's cache. Both are held against measurements in `bench`.

    Raises ValueError or TypeError, before any step, when an argument is out of range, and
    MemoryError, before any step, when the estimate exceeds the memory that is free.

    Source: notebook 01; Toy Models of Superposition, "Experiment Setup".
    """
    _check_settings(n_steps, learning_rate, batch_size, optimizer, schedule, weight_decay)
    n_instances, _, n_features = model.W.shape
    importance = _check_importance(importance, n_instances, n_features)
    _check_data(data, test_data, model)
    if centred and isinstance(data, Tensor):
        raise ValueError("centred is True, but data holds fixed points; give a distribution")
    record = _record_steps(record_at, n_steps)
    if isinstance(data, Tensor):
        batch_size = data.shape[1]
    if device is None:
        device = _choose_device(n_instances * batch_size * n_features)

    device = torch.device(device)
    _check_memory(
        memory_needed(
            n_features=n_features,
            n_hidden=model.W.shape[1],
            n_instances=n_instances,
            batch_size=batch_size,
            n_records=len(record),
            number_size=model.W.element_size(),
        ),
        device,
    )

    home = model.W.device
    W = model.W.detach().to(device, copy=True)
    mean = data.mean.to(device, W.dtype).expand(n_instances, -1) if centred else None
    c = model.b.detach().to(device, copy=True)  # what is trained beside W: b, unless centred
    if centred:
        c += _answer_to(mean, W)

    def bias() -> Tensor:
        return c - _answer_to(mean, W) if centred else c

    importance = importance.to(device)
    generator = torch.Generator(device).manual_seed(seed)
    batches = _Batches(data, batch_size, n_instances, skip_all_zero, generator, W.dtype)
    test = None if test_data is None else test_data.detach().to(device, W.dtype)
    decay = weight_decay if optimizer == "adamw" else 0.0
    optimiser = torch.optim.AdamW([W, c], lr=learning_rate, weight_decay=decay, fused=True)

    records = _Records(model, len(record), test is not None)
    interrupted = False
    bar = tqdm(total=n_steps, desc="training", unit="step", disable=not progress, leave=False)
    try:
        for step in range(n_steps + 1):
            x = batches.next()
            if step in record:
                b = bias()
                loss = batches.loss(W, b, x, importance, model.activation)
                on_test = None if test is None else _loss(W, b, test, importance, model.activation)
                records.keep(step=step, loss=loss, test_loss=on_test, W=W, b=b)
                bar.update(step - bar.n)
                if not torch.isfinite(loss).all():
                    warnings.warn(
                        f"the loss stopped being finite by step {step}; training ended there. "
                        f"learning_rate is {learning_rate:g}: try a smaller one",
                        stacklevel=2,
                    )
                    interrupted = True
                    break
            if step == n_steps:
                break
            if schedule == "cosine":
                rate = 0.5 * learning_rate * (1 + math.cos(math.pi * step / n_steps))
                optimiser.param_groups[0]["lr"] = rate
            W.grad, c.grad = batches.gradients(W, c, x, mean, importance, model.activation)
            optimiser.step()
    except KeyboardInterrupt:
        if not records.count:  # nothing to keep yet
            raise
        interrupted = True
        print(f"Interrupted at step {step} of {n_steps}; everything up to there is kept.")
    finally:
        bar.close()
        with torch.no_grad():
            model.W.copy_(W.to(home))
            model.b.copy_(bias().to(home))
    return records.history(interrupted)


def memory_needed(
    *, n_features: int, n_hidden: int, n_instances: int, batch_size: int, n_records: int,
    number_size: int = 4,
) -> int:  # fmt: skip
    """Return the bytes that `train` needs at its peak, as an estimate.

    With n features, m hidden, I instances, B points in a batch and R records, of 4-byte
    numbers: 4 I (B (10 n + 2 m + 4) + n m (8 + R) + n R). The first term is the batch, its
    random numbers and its errors; the second weights, gradients, Adam's two moments and what
    is recorded. What a process really takes depends on its allocator: from half to one and a
    half times as much, from 100 MB on (`python -m bench.cost`).
    """
    batch = batch_size * (10 * n_features + 2 * n_hidden + 4)
    kept = n_features * n_hidden * (8 + n_records) + n_features * n_records
    return number_size * n_instances * (batch + kept)


def gradients(
    W: Tensor,
    b: Tensor,
    x: Tensor,
    importance: Tensor,
    activation: str,
    mean: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the gradients of the reconstruction loss by W and by b, shaped like them.

    With δ = 2 I (y - x) / (points · features), and 0 where the ReLU is off:
    ∂L/∂b = Σ δ and ∂L/∂W = h δᵀ + (W δ) xᵀ. The first term is the decoder's, the second
    the encoder's, because the same W does both.

    `x` is (instance, point, feature), `importance` (instance or 1, feature), `activation`
    "linear" or "relu". With a `mean` (instance or 1, feature), the model encodes x - mean
    and `b` is what it answers there; x itself is what it should answer.

    Source: derived in notebook 06, tested against autograd.
    """
    x = x.mT  # (instance, feature, point)
    encoded = x if mean is None else x - mean[:, :, None]
    h = W @ encoded
    y = torch.baddbmm(b[:, :, None], W.mT, h)
    if activation == "relu":
        y = y.relu_()
    delta = (y - x).mul_(importance[:, :, None] * (2 / x[0].numel()))
    if activation == "relu":
        delta.mul_(y > 0)
    return torch.baddbmm(h @ delta.mT, W @ delta, encoded.mT), delta.sum(-1)


class _Batches:
    """The points of each step, and how the loss and its gradient average over them."""

    def __init__(self, data, batch_size, n_instances, skip_all_zero, generator, dtype):
        self._draw = None
        zero = torch.zeros(())
        if isinstance(data, Tensor):
            # Stored with the points last: `gradients` is several times faster on it.
            fixed = data.detach().to(generator.device, dtype).mT
            self._fixed = fixed.expand(n_instances, -1, -1).contiguous().mT
        else:
            draw = data.sample_active if skip_all_zero else data.sample
            self._draw = lambda: draw(batch_size, n_instances, generator=generator).to(dtype)
            zero = data.probability_all_zero if skip_all_zero else zero
        self._all_zero = zero.reshape(-1, 1).to(generator.device)
        self._has_zero = bool((zero > 0).any())

    def next(self) -> Tensor:
        return self._fixed if self._draw is None else self._draw()

    def loss(self, W, b, x, importance, activation) -> Tensor:
        drawn = _loss(W, b, x, importance, activation)
        at_zero = _loss(W, b, torch.zeros_like(x[:, :1]), importance, activation)
        share = self._all_zero[:, 0]
        return share * at_zero + (1 - share) * drawn

    def gradients(self, W, c, x, mean, importance, activation) -> tuple[Tensor, Tensor]:
        by_W, by_c = gradients(W, c, x, importance, activation, mean)
        if self._has_zero:
            share, zero_by_W = self._all_zero, 0
            if mean is None:  # at x = 0 only the bias acts: the loss there is I b² or I ReLU(b)²
                y = c.relu() if activation == "relu" else c
                zero_by_c = (2 / c.shape[1]) * importance * y
            else:
                zero = torch.zeros_like(x[:, :1])
                zero_by_W, zero_by_c = gradients(W, c, zero, importance, activation, mean)
            by_W = by_W * (1 - share[:, :, None]) + share[:, :, None] * zero_by_W
            by_c = (1 - share) * by_c + share * zero_by_c
        return by_W, by_c


def numeric_gradient(
    function: Callable[[np.ndarray], float], at: np.ndarray, step: float = 1e-6
) -> np.ndarray:
    """Return the gradient of a function by central finite differences, shape of `at`.

    Needs no derivation, so it can judge a gradient that was derived. One entry of `at` after the
    other is nudged by ±`step`; with 1e-6 and numbers near 1 the result is right to about nine
    digits. Takes two calls of `function` for each entry.
    """
    at = np.asarray(at, dtype=float)
    slope = np.empty_like(at)
    for place in np.ndindex(at.shape):
        nudge = np.zeros_like(at)
        nudge[place] = step
        slope[place] = (function(at + nudge) - function(at - nudge)) / (2 * step)
    return slope


def _answer_to(point: Tensor, W: Tensor) -> Tensor:
    """Return WᵀW x for one point per instance, (instance, feature)."""
    return (W.mT @ (W @ point[:, :, None]))[:, :, 0]


def _loss(W: Tensor, b: Tensor, x: Tensor, importance: Tensor, activation: str) -> Tensor:
    y = x @ W.mT @ W + b[:, None]
    return reconstruction_loss(x, y.relu() if activation == "relu" else y, importance)


class _Records:
    """A history in the making, its memory set aside on the CPU before the first step."""

    def __init__(self, model: LinearModel, n_records: int, with_test: bool):
        n_instances = len(model.W)
        shapes = dict(step=(), loss=(n_instances,), W=model.W.shape, b=model.b.shape)
        if with_test:
            shapes["test_loss"] = (n_instances,)
        self._tensors = {
            name: torch.empty(
                n_records, *shape, dtype=torch.long if name == "step" else model.W.dtype
            )
            for name, shape in shapes.items()
        }
        self._activation = model.activation
        self.count = 0

    def keep(self, **values) -> None:
        for name, tensor in self._tensors.items():
            tensor[self.count] = values[name]
        self.count += 1

    def history(self, interrupted: bool) -> History:
        kept = {name: tensor[: self.count] for name, tensor in self._tensors.items()}
        return History(**{"test_loss": None, **kept}, activation=self._activation,
                       interrupted=interrupted)  # fmt: skip


def _check_memory(needed: int, device: torch.device) -> None:
    if device.type == "cuda":
        free, place = torch.cuda.mem_get_info(device)[0], "on the GPU"
    else:
        free, place = psutil.virtual_memory().available, "here"
    if needed > free:
        needed, free = (f"{number / 1e9:.3g} GB" for number in (needed, free))
        raise MemoryError(
            f"training would need about {needed}; {free} are free {place}. "
            "Lower batch_size, train fewer instances, or record fewer steps (record_at)"
        )


def _choose_device(numbers_in_batch: int) -> torch.device:
    large = numbers_in_batch >= _BIG_ENOUGH_FOR_A_GPU
    return torch.device("cuda" if large and torch.cuda.is_available() else "cpu")


def _record_steps(record_at: int | Sequence[int], n_steps: int) -> set[int]:
    if isinstance(record_at, int):
        if record_at < 1:
            raise ValueError(f"record_at is {record_at}; record at least once")
        steps = torch.linspace(0, n_steps, record_at + 1).round().long().tolist()
        return {0, n_steps, *steps}
    if not isinstance(record_at, Iterable):
        raise TypeError(f"record_at is {record_at!r}; give a whole number, or the steps")
    steps = record_at.tolist() if isinstance(record_at, Tensor) else list(record_at)
    wrong = [step for step in steps if not (0 <= step <= n_steps and step == int(step))]
    if wrong:
        raise ValueError(
            f"record_at holds step {wrong[0]}; steps are whole numbers from 0 to {n_steps}"
        )
    return {0, n_steps, *map(int, steps)}


def _check_settings(n_steps, learning_rate, batch_size, optimizer, schedule, weight_decay) -> None:
    for name, value in (("n_steps", n_steps), ("batch_size", batch_size)):
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{name} is {value!r}; give a positive whole number")
        if value < 1:
            raise ValueError(f"{name} is {value}; give a positive whole number")
    for name, value in (("learning_rate", learning_rate), ("weight_decay", weight_decay)):
        if not isinstance(value, Real):
            raise TypeError(f"{name} is {value!r}; give a number")
    if not 0 < learning_rate < math.inf:
        raise ValueError(f"learning_rate is {learning_rate}; give a finite number above 0")
    if not 0 <= weight_decay < math.inf:
        raise ValueError(f"weight_decay is {weight_decay}; give a finite number, 0 or more")
    if optimizer not in ("adamw", "adam"):
        raise ValueError(f'optimizer is {optimizer!r}; give "adamw" or "adam"')
    if schedule not in ("constant", "cosine"):
        raise ValueError(f'schedule is {schedule!r}; give "constant" or "cosine"')


def _check_importance(importance, n_instances: int, n_features: int) -> Tensor:
    """Return importance as a float32 tensor (instance or 1, feature)."""
    if importance is None:
        return torch.ones(1, n_features)
    importance = torch.as_tensor(importance, dtype=torch.float32)
    if importance.shape not in ((n_features,), (1, n_features), (n_instances, n_features)):
        raise ValueError(
            f"importance has shape {tuple(importance.shape)}; give ({n_features},), one number "
            f"for each feature, or ({n_instances}, {n_features})"
        )
    wrong = importance[~((importance >= 0) & (importance < math.inf))]
    if wrong.numel():
        raise ValueError(
            f"importance holds {wrong[0].item():g}; every importance is a finite number, 0 or more"
        )
    return torch.atleast_2d(importance)


def _check_data(data, test_data, model: LinearModel) -> None:
    n_instances, _, n_features = model.W.shape
    if isinstance(data, IndependentFeatures):
        if data.n_features != n_features:
            raise ValueError(f"data has {data.n_features} features, the model {n_features}")
        if (data.sparsity == 1).all(-1).any():
            raise ValueError("data has sparsity 1 for every feature; there is nothing to learn")
        rows = data.sparsity.shape[0] if data.sparsity.ndim == 2 else 1
        if rows not in (1, n_instances):
            raise ValueError(f"data describes {rows} instances, the model has {n_instances}")
    for name, points in (("data", data), ("test_data", test_data)):
        if points is None or (name == "data" and isinstance(data, IndependentFeatures)):
            continue
        check_points(name, points, model)
        if not torch.isfinite(points).all():
            raise ValueError(f"{name} holds NaN or infinite values; every value must be finite")
        if points.shape[1] == 0:
            raise ValueError(f"{name} has no points; give at least one")
