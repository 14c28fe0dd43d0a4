"""What training passed through: every parameter at every record, and the model as it was then."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from toyutils.features import Batch, FixedPoints


@dataclass(repr=False)
class History:
    """Keep what training passed through. All tensors lie on the CPU.

    Shapes: `step` (record,), counting from 0 = before the first step; `loss` (record,
    instance), on the training data; `test_loss` the same on the test data, or None;
    `parameters` {name: (record, instance, …)}, also as `history["W"]`. `model` is the model as
    it is now. `interrupted` says whether training ended before its last step.
    """

    step: Tensor
    loss: Tensor
    test_loss: Tensor | None
    parameters: dict[str, Tensor]
    model: nn.Module
    interrupted: bool = False

    def __repr__(self) -> str:
        """Return one line: a notebook shows it where a cell ends with `train(…)`."""
        first, last = self.loss[0].median(), self.loss[-1].median()
        return (
            f"History of {int(self.step[-1])} steps, {self.loss.shape[1]} instances: "
            f"median loss {first:.4g} at the start, {last:.4g} at the end"
        )

    def __getitem__(self, name: str) -> Tensor:
        """Return the parameter `name` at every record, shape (record, instance, …)."""
        if name not in self.parameters:
            known = ", ".join(self.parameters)
            raise KeyError(f"the history holds no parameter {name!r}; it has {known}")
        return self.parameters[name]

    @torch.no_grad()
    def at(self, record: int, x: Tensor) -> Tensor:
        """Return what the model answered at a record, for x (instance or 1, point, feature)."""
        device = next(self.model.parameters()).device
        then = {name: values[record].to(device) for name, values in self.parameters.items()}
        return torch.func.functional_call(self.model, then, (x,))


class Records:
    """Collect a history, its memory set aside on the CPU before the first step."""

    def __init__(self, model: nn.Module, n_records: int, test: FixedPoints | None):
        self._model, self._test = model, test
        parameters = dict(model.named_parameters())
        first = next(iter(parameters.values()))

        def room(*shape, dtype=first.dtype):
            return torch.empty(n_records, *shape, dtype=dtype)

        self._parameters = {name: room(*value.shape) for name, value in parameters.items()}
        self._step, self._loss = room(dtype=torch.long), room(len(first))
        self._test_loss = None if test is None else room(len(first))
        self.count = 0

    @property
    def last_loss(self) -> Tensor:
        """Return the loss at the last record, (instance,)."""
        return self._loss[self.count - 1]

    @torch.no_grad()
    def keep(self, step: int, loss, batch: Batch, importance: Tensor) -> None:
        """Record the model as it is now, with its loss on `batch` and on the test data."""
        self._step[self.count] = step
        self._loss[self.count] = loss(self._model, batch, importance)
        if self._test is not None:
            x, weight = self._test.batch(None, len(importance))
            test = Batch(x.to(batch.x), weight.to(batch.x))
            self._test_loss[self.count] = loss(self._model, test, importance)
        for name, value in self._model.named_parameters():
            self._parameters[name][self.count] = value
        self.count += 1

    def history(self, model: nn.Module, interrupted: bool) -> History:
        """Return what was recorded."""
        kept = {name: values[: self.count] for name, values in self._parameters.items()}
        test_loss = None if self._test_loss is None else self._test_loss[: self.count]
        return History(
            self._step[: self.count], self._loss[: self.count], test_loss, kept, model, interrupted
        )


def steps_to_record(record_at: int | Sequence[int], n_steps: int) -> set[int]:
    """Return the steps that `record_at` asks for, 0 and `n_steps` among them; see `train`."""
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
