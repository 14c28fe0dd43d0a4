"""The toy models, batched over instances that share nothing but the call.

Column `W[instance, :, i]` is feature i's direction. How they are trained is in `training`.
"""

import torch
from einops import einsum
from torch import Tensor, nn


class LinearModel(nn.Module):
    """Map features to fewer numbers and back with one matrix: y = WᵀW x + b.

    Attributes: `W` (instance, hidden, feature) and `b` (instance, feature). W starts Xavier
    normal by the fan of *one* instance, so results do not depend on how many are trained
    together; b starts at zero. The same `seed` gives the same start.

    Raises ValueError or TypeError when a size is not a positive whole number.

    Source: Toy Models of Superposition, "Mathematical Understanding"; notebook 01.
    """

    activation = "linear"

    def __init__(self, n_features: int, n_hidden: int, n_instances: int = 1, *, seed: int = 0):
        super().__init__()
        sizes = {"n_features": n_features, "n_hidden": n_hidden, "n_instances": n_instances}
        for name, value in sizes.items():
            if isinstance(value, bool) or not isinstance(value, int):
                raise TypeError(f"{name} is {value!r}; give a positive whole number")
            if value < 1:
                raise ValueError(f"{name} is {value}; give a positive whole number")
        generator = torch.Generator().manual_seed(seed)
        scale = (2 / (n_features + n_hidden)) ** 0.5
        W = scale * torch.randn(n_instances, n_hidden, n_features, generator=generator)
        self.W = nn.Parameter(W)
        self.b = nn.Parameter(torch.zeros(n_instances, n_features))

    def hidden(self, x: Tensor) -> Tensor:
        """Return h = W x, shape (instance, point, hidden), for x (instance, point, feature)."""
        check_points("x", x, self)
        if x.dtype != self.W.dtype:
            raise TypeError(
                f"x is {x.dtype} and the model {self.W.dtype}; convert one with .to(...)"
            )
        return einsum(self.W, x, "inst hidden feat, inst point feat -> inst point hidden")

    def forward(self, x: Tensor) -> Tensor:
        """Return the reconstruction y, shape (instance, point, feature)."""
        h = self.hidden(x)
        y = einsum(self.W, h, "inst hidden feat, inst point hidden -> inst point feat")
        return y + self.b[:, None]

    def extra_repr(self) -> str:
        """Describe the sizes, for `print(model)`."""
        n_instances, n_hidden, n_features = self.W.shape
        return f"n_features={n_features}, n_hidden={n_hidden}, n_instances={n_instances}"


class ReLUModel(LinearModel):
    """Add one ReLU at the output: y = ReLU(WᵀW x + b). Otherwise as `LinearModel`.

    Source: Toy Models of Superposition, "Demonstrating Superposition"; notebook 03.
    """

    activation = "relu"

    def forward(self, x: Tensor) -> Tensor:
        """Return the reconstruction y >= 0, shape (instance, point, feature)."""
        return torch.relu(super().forward(x))


def check_points(name: str, x: Tensor, model: LinearModel) -> None:
    """Raise when `x` is not a batch that `model` can read: (instance or 1, point, feature).

    TypeError: not a floating-point tensor. ValueError: another width, another number of
    instances, or another device than the model's.
    """
    n_instances, _, n_features = model.W.shape
    if not isinstance(x, Tensor) or not x.is_floating_point():
        kind = f"{x.dtype} tensor" if isinstance(x, Tensor) else type(x).__name__
        raise TypeError(f"{name} is a {kind}; give a floating-point torch tensor")
    if x.ndim != 3 or x.shape[2] != n_features or x.shape[0] not in (1, n_instances):
        raise ValueError(
            f"{name} has shape {tuple(x.shape)}; this model reads "
            f"(instance, point, feature) = ({n_instances} or 1, any, {n_features})"
        )
    if x.device != model.W.device:
        raise ValueError(
            f"{name} is on {x.device} and the model on {model.W.device}; move one of them "
            f"with .to({str(model.W.device)!r})"
        )
