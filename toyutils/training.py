"""One training loop for every model, with its history. It draws no figure and knows no model.

The loop is the one that notebook 01 writes out. A batch carries its weights, a model owns its
loss, the loop owns the steps; a second phase, or latents drawn anew, is a second call.
"""

import copy
import math
import warnings
from collections.abc import Callable, Sequence
from contextlib import contextmanager

import psutil
import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from toyutils import arguments
from toyutils.features import Batch, Distribution, FixedPoints
from toyutils.history import History, Records, steps_to_record

FAST = dict(learning_rate=1e-2, optimizer="adam", schedule="cosine", record_at=1)

_BIG_ENOUGH_FOR_A_GPU = 2_000_000  # numbers in a batch; below it, starting kernels costs more
_DIVERGED = """the loss stopped being finite by step {}; training ended there.
learning_rate is {:g}: try a smaller one"""
_SCHEDULES = {
    "constant": lambda done: 1.0,
    "cosine": lambda done: 0.5 * (1 + math.cos(math.pi * done)),
}

# The first step of an optimiser loads some 800 modules. Interrupted half-way, they would stay
# broken for as long as Python runs: load them here.
_parameter = torch.zeros(1, requires_grad=True)
_parameter.sum().backward()
torch.optim.AdamW([_parameter], fused=True).step()


def train(
    model: nn.Module,
    data: Tensor | Distribution,
    *,
    n_steps: int,
    learning_rate: float = 1e-3,
    batch_size: int = 1024,
    importance: Tensor | Sequence[float] | None = None,
    loss: Callable[[nn.Module, Batch, Tensor], Tensor] | None = None,
    optimizer: str = "adamw",
    schedule: str = "constant",
    weight_decay: float = 0.01,
    test_data: Tensor | None = None,
    record_at: int | Sequence[int] = 60,
    seed: int = 0,
    progress: bool = True,
    device: str | torch.device | None = None,
) -> History:
    """Train all instances of `model` in place, side by side, and return their history.

    `data` is either fixed points, shape (instance or 1, point, feature), all used in every
    step; or a distribution, from which every step draws `batch_size` fresh points for each
    instance. A model is a module whose parameters lead with (instance, …) and that has
    `loss(batch, importance)`, shape (instance,). `loss(model, batch, importance)` trains on
    something else: a penalty, or attacked points. Where the model's own loss has its gradient
    written out (`gradients`), that is used, else autograd.

    `importance`: (feature,) or (instance, feature), >= 0. `optimizer`: "adamw" (with
    `weight_decay`), "adam", or "sgd", plain gradient descent. `schedule`: "constant", or "cosine"
    down to zero.
    `record_at`: how many evenly spaced moments to record, or the steps themselves; step 0
    and the last step are always recorded. `device`: by default a GPU where there is one
    and the batch is large enough to repay it; the model stays where it was.

    Interrupting (the stop button of Jupyter) ends training early; the model and the
    returned history keep all that was done so far. So does a loss that stops being finite.

    I tied models of n features, m hidden numbers and B points in a batch take, on two CPU cores,
    about 0.24 ms + I n (B (9 ns + 0.03 ns · m) + 7 ns · m) a step, up to three times that once a
    batch no longer fits into the processor's cache (`bench.cost`); memory: `memory_needed`.

    Raises, before any step, ValueError or TypeError when an argument is out of range, or the
    loss has another shape than (instance,) or no gradient; MemoryError when too little is free.

    Source: notebook 01; Toy Models of Superposition, "Experiment Setup".
    """
    _check_settings(n_steps, learning_rate, batch_size, optimizer, schedule, weight_decay)
    data, test, importance = _checked(model, data, test_data, importance)
    record = steps_to_record(record_at, n_steps)
    n_instances = len(importance)
    if isinstance(data, FixedPoints):
        batch_size = data.x.shape[1]
    large = n_instances * batch_size * data.n_features >= _BIG_ENOUGH_FOR_A_GPU
    device = torch.device(device or ("cuda" if large and torch.cuda.is_available() else "cpu"))
    _check_memory(memory_needed(model, batch_size, len(record)), device)

    written = loss is None and _has_written_gradient(type(model))
    loss = loss or type(model).loss
    interrupted = False
    with _at_work(model, device) as working:
        importance = importance.to(device)

        def draw(generator):
            x, weight = data.batch(batch_size, n_instances, generator=generator)
            return Batch(x.to(importance), weight.to(importance))

        first = draw(torch.Generator(device).manual_seed(seed))
        _check_loss(working, loss, first, importance, written)
        optimiser = _optimiser(working.parameters(), optimizer, weight_decay)
        generator = torch.Generator(device).manual_seed(seed)
        records = Records(working, len(record), test)
        bar = tqdm(total=n_steps, desc="training", unit="step", disable=not progress, leave=False)
        try:
            for step in range(n_steps + 1):
                batch = draw(generator)
                if step in record:
                    records.keep(step, loss, batch, importance)
                    bar.update(step - bar.n)
                    if not records.last_loss.isfinite().all():
                        interrupted = True
                        warnings.warn(_DIVERGED.format(step, learning_rate), stacklevel=2)
                        break
                if step == n_steps:
                    break
                rate = learning_rate * _SCHEDULES[schedule](step / n_steps)
                optimiser.param_groups[0]["lr"] = rate
                _fill_gradients(working, loss, batch, importance, written)
                optimiser.step()
        except KeyboardInterrupt:
            if not records.count:  # nothing to keep yet
                raise
            interrupted = True
            print(f"Interrupted at step {step} of {n_steps}; everything up to there is kept.")
        finally:
            bar.close()
            optimiser.zero_grad()
    return records.history(model, interrupted)


def _optimiser(parameters, name: str, weight_decay: float) -> torch.optim.Optimizer:
    if name == "sgd":
        return torch.optim.SGD(parameters)
    decay = weight_decay if name == "adamw" else 0.0
    return torch.optim.AdamW(parameters, weight_decay=decay, fused=True)


def memory_needed(model: nn.Module, batch_size: int, n_records: int) -> int:
    """Return the bytes that `train` needs at its peak, as an estimate.

    With n features, I instances, B points in a batch, R records and P numbers in each
    instance's parameters, of 4 bytes: 4 I (B (10 n + 2 P / n + 4) + P (8 + R)): the batch, its
    errors and hidden numbers; weights, gradients, Adam's moments and records. A process takes
    half to one and a half times as much, from 100 MB on, for the tied models (`bench.cost`);
    where autograd records, more.
    """
    numbers = sum(parameter[0].numel() for parameter in model.parameters())
    parameter = next(model.parameters())
    n = getattr(model, "n_features", parameter.shape[-1])
    each = batch_size * (10 * n + 2 * numbers // n + 4) + numbers * (8 + n_records)
    return parameter.element_size() * len(parameter) * each


def _has_written_gradient(kind: type) -> bool:
    """Return whether `kind` has `gradients`, and changes neither `forward` nor `loss` since."""

    def generation(name):
        return next((k for k, c in enumerate(kind.__mro__) if name in vars(c)), math.inf)

    return generation("gradients") <= min(generation("forward"), generation("loss"), 1e9)


def _check_loss(model, loss, batch, importance, written: bool) -> None:
    """Try `loss`, and the gradient that is `written` for it, on a first batch."""
    value = loss(model, batch, importance)
    if not isinstance(value, Tensor) or value.shape != importance.shape[:1]:
        shape = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
        raise ValueError(
            f"loss returned {shape}; it must return ({len(importance)},), one number an instance"
        )
    names, parameters = zip(*model.named_parameters(), strict=True)
    slopes = (None,) * len(names)
    if value.requires_grad:
        slopes = torch.autograd.grad(value.sum(), parameters, allow_unused=True)
    if all(slope is None for slope in slopes):
        raise ValueError(f"loss does not depend on {', '.join(names)}; there is nothing to train")
    if not written or not value.isfinite().all():
        return
    for name, slope, other in zip(names, slopes, model.gradients(batch, importance), strict=True):
        if slope is None or not torch.allclose(slope, other, rtol=1e-2, atol=1e-4):
            kind = type(model).__name__
            raise ValueError(
                f"{kind}.gradients is not the gradient of {kind}.loss with respect to {name}; "
                f"write it anew for {kind}, or pass loss={kind}.loss for autograd"
            )


def _fill_gradients(model, loss, batch, importance, written: bool) -> None:
    parameters = list(model.parameters())
    if not written:  # instances share nothing, so the gradient of the sum keeps them apart
        for parameter in parameters:
            parameter.grad = None
        loss(model, batch, importance).sum().backward()
        return
    for parameter, slope in zip(parameters, model.gradients(batch, importance), strict=True):
        # Fused AdamW reads memory without looking at strides: laid out otherwise than its
        # parameter, a gradient gives wrong steps and no error.
        same = slope.stride() == parameter.stride()
        parameter.grad = slope if same else torch.empty_like(parameter).copy_(slope)


@contextmanager
def _at_work(model: nn.Module, device: torch.device):
    """Lend the model, or a copy on another device whose parameters are brought back."""
    home = next(model.parameters()).device
    working = model if home == device else copy.deepcopy(model).to(device)
    try:
        yield working
    finally:
        if working is not model:
            model.load_state_dict(working.state_dict())


def _check_memory(needed: int, device: torch.device) -> None:
    cuda = device.type == "cuda"
    free = torch.cuda.mem_get_info(device)[0] if cuda else psutil.virtual_memory().available
    if needed > free:
        needed, free = (f"{number / 1e9:.3g} GB" for number in (needed, free))
        raise MemoryError(
            f"training would need about {needed}; {free} are free on {device.type}. "
            "Lower batch_size, train fewer instances, or record fewer steps (record_at)"
        )


def _check_settings(n_steps, learning_rate, batch_size, optimizer, schedule, weight_decay) -> None:
    for name, value in (("n_steps", n_steps), ("batch_size", batch_size)):
        arguments.check_count(name, value)
    arguments.check_number("learning_rate", learning_rate, zero=False)
    arguments.check_number("weight_decay", weight_decay)
    arguments.check_choice("optimizer", optimizer, ("adamw", "adam", "sgd"))
    arguments.check_choice("schedule", schedule, tuple(_SCHEDULES))


def _checked(model, data, test_data, importance) -> tuple[Distribution, FixedPoints | None, Tensor]:
    """Return training data and test data as distributions, and importance for each instance."""
    lengths = {name: len(parameter) for name, parameter in model.named_parameters()}
    if len(set(lengths.values())) != 1:
        raise ValueError(
            f"the model's parameters lead with {lengths}; each must lead with the instances"
        )

    def fixed(name, points):
        if hasattr(model, "n_features"):
            arguments.check_points(name, points, model, same_type=False)
        return FixedPoints(points, name=name)

    test = None if test_data is None else fixed("test_data", test_data)
    data = fixed("data", data) if isinstance(data, Tensor) else data
    if not hasattr(data, "batch"):
        raise TypeError(f"data is a {type(data).__name__}; give points or a distribution")
    n_instances = next(iter(lengths.values()))
    n_features = getattr(model, "n_features", data.n_features)
    if data.n_features != n_features:
        raise ValueError(f"data has {data.n_features} features, the model {n_features}")
    importance = arguments.checked_importance(importance, n_instances, data.n_features)
    return data, test, importance.to(next(model.parameters()))
