"""Checks of arguments that several modules share: each names the argument, its value, its range."""

import math
from collections.abc import Sequence
from numbers import Real

import torch
from torch import Tensor, nn


def check_count(name: str, value: int) -> None:
    """Raise TypeError or ValueError when `value` is not a positive whole number."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} is {value!r}; give a positive whole number")
    if value < 1:
        raise ValueError(f"{name} is {value}; give a positive whole number")


def check_number(name: str, value: float, *, zero: bool = True) -> None:
    """Raise TypeError or ValueError when `value` is not a finite number above 0, or 0."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} is {value!r}; give a number")
    if not (value >= 0 if zero else value > 0) or value == math.inf:
        allowed = "finite number, 0 or more" if zero else "finite number above 0"
        raise ValueError(f"{name} is {value}; give a {allowed}")


def check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    """Raise ValueError when `value` is none of `choices`."""
    if value not in choices:
        listed = " or ".join(f'"{choice}"' for choice in choices)
        raise ValueError(f"{name} is {value!r}; give {listed}")


def check_floating(name: str, x: Tensor) -> None:
    """Raise TypeError when `x` is not a tensor of floating-point numbers."""
    if not isinstance(x, Tensor) or not x.is_floating_point():
        kind = f"{x.dtype} tensor" if isinstance(x, Tensor) else type(x).__name__
        raise TypeError(f"{name} is a {kind}; give a floating-point torch tensor")


def check_points(name: str, x: Tensor, model: nn.Module, *, same_type: bool = True) -> None:
    """Raise when `x` is not a batch that `model` can read: (instance or 1, point, feature).

    TypeError: not a floating-point tensor, or (`same_type`) not of the model's type of number.
    ValueError: another width, another number of instances, or another device than the model's.
    """
    check_floating(name, x)
    parameter = next(model.parameters())
    n_instances, n_features = len(parameter), model.n_features
    if x.ndim != 3 or x.shape[2] != n_features or x.shape[0] not in (1, n_instances):
        raise ValueError(
            f"{name} has shape {tuple(x.shape)}; this model reads "
            f"(instance, point, feature) = ({n_instances} or 1, any, {n_features})"
        )
    if x.device != parameter.device:
        raise ValueError(
            f"{name} is on {x.device} and the model on {parameter.device}; move one of them "
            f"with .to({str(parameter.device)!r})"
        )
    if same_type and x.dtype != parameter.dtype:
        raise TypeError(
            f"{name} is {x.dtype} and the model {parameter.dtype}; convert one with .to(...)"
        )


def checked_importance(importance, n_instances: int, n_features: int) -> Tensor:
    """Return importance as a float32 tensor (instance, feature), ones for None.

    Raises ValueError when it has another shape, or a value is negative or not finite.
    """
    importance = torch.ones(n_features) if importance is None else importance
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
    return importance.expand(n_instances, n_features)
