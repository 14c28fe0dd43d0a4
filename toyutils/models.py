"""The toy models, batched over instances that share nothing but the call.

A model owns its loss: every parameter leads with (instance, …), and `loss(batch, importance)`
returns (instance,). `gradients`, where there is one, is the same loss's gradient written out.
Column `W[instance, :, i]` is feature i's direction. How models are trained is in `training`.
"""

import torch
from torch import Tensor, nn

from toyutils.arguments import check_count, check_number, check_points
from toyutils.features import Batch, Distribution


def reconstruction_loss(
    x: Tensor, y: Tensor, importance: Tensor | None = None, weight: Tensor | None = None
) -> Tensor:
    """Return the mean over points and features of I_i (x_i - y_i)², shape (instance,).

    `x`, what the answer should be, and `y`, what it is, have shape (instance, point, feature);
    either may have one instance. `importance`: (feature,) or (instance or 1, feature), 1 by
    default. `weight`: what each point counts, (instance, point), summing to 1.

    Raises ValueError when `x` and `y` differ in points or features.
    """
    if x.shape[1:] != y.shape[1:]:
        raise ValueError(
            f"x has shape {tuple(x.shape)} and y {tuple(y.shape)}; they must hold the same "
            "points and features"
        )
    squared_error = (x - y).square()
    if importance is not None:
        squared_error = squared_error * torch.atleast_2d(importance)[:, None, :]
    if weight is None:
        return squared_error.mean((1, 2))
    return (squared_error.mean(2) * weight).sum(1)


class LinearModel(nn.Module):
    """Map features to fewer numbers and back with one matrix: y = WᵀW x + b.

    Attributes: `W` (instance, hidden, feature) and `b` (instance, feature). W starts Xavier
    normal by the fan of *one* instance, b at zero. The same `seed` gives the same start, and
    instance k starts the same however many are beside it. What it becomes in training does
    depend on them where points are drawn, since each instance draws its own.

    Raises ValueError or TypeError when a size is not a positive whole number.

    Source: Toy Models of Superposition, "Mathematical Understanding"; notebook 01.
    """

    def __init__(self, n_features: int, n_hidden: int, n_instances: int = 1, *, seed: int = 0):
        super().__init__()
        self.W = nn.Parameter(_xavier_normal(n_features, n_hidden, n_instances, seed))
        self.b = nn.Parameter(torch.zeros(n_instances, n_features))

    @property
    def n_features(self) -> int:
        """Return how many features the model reads."""
        return self.W.shape[2]

    @property
    def n_hidden(self) -> int:
        """Return how many hidden numbers there are."""
        return self.W.shape[1]

    def hidden(self, x: Tensor) -> Tensor:
        """Return h = W x, shape (instance, point, hidden), for x (instance, point, feature)."""
        check_points("x", x, self)
        return self._encode(x.mT).mT

    def forward(self, x: Tensor) -> Tensor:
        """Return the reconstruction y, shape (instance, point, feature)."""
        check_points("x", x, self)
        return self._decode(self._encode(self._centre(x.mT))).mT

    def loss(self, batch: Batch, importance: Tensor | None = None) -> Tensor:
        """Return the expected reconstruction loss over `batch`, shape (instance,)."""
        return reconstruction_loss(batch.x, self(batch.x), importance, batch.weight)

    @torch.no_grad()
    def gradients(self, batch: Batch, importance: Tensor) -> tuple[Tensor, Tensor]:
        """Return the gradients of `loss` with respect to W and b, shaped like them.

        With δ = 2 I weight (y - x) / n, and 0 where the ReLU is off: ∂L/∂b = Σ δ and
        ∂L/∂W = h δᵀ + (W δ) xᵀ, summed over points. The first term is the decoder's, the
        second the encoder's, because the same W does both. `importance` (instance or 1, feature).

        Source: derived in notebook 06, tested against autograd.
        """
        x = batch.x.mT  # (instance, feature, point)
        centred = self._centre(x)
        h = self._encode(centred)
        y = self._decode(h)
        scale, weight = importance[:, :, None] * (2 / x.shape[1]), batch.weight[:, None, :]
        evenly = weight.stride(2) == 0  # one number for all points of an instance
        delta = (y - x).mul_(scale * weight[:, :, :1] if evenly else scale)
        delta = self._where_on(delta, y)
        to_hidden = self._where_hidden_on(self.W @ delta, h)
        if evenly:
            return torch.baddbmm(h @ delta.mT, to_hidden, centred.mT), delta.sum(2)
        by_W = torch.baddbmm((h * weight) @ delta.mT, to_hidden.mul_(weight), centred.mT)
        return by_W, (delta @ weight.mT)[:, :, 0]

    # The steps in between, with points last. Each model below changes one of them.
    def _centre(self, x: Tensor) -> Tensor:
        return x

    def _encode(self, x: Tensor) -> Tensor:
        return self.W @ x

    def _decode(self, h: Tensor) -> Tensor:
        return torch.baddbmm(self.b[:, :, None], self.W.mT, h)

    def _where_on(self, delta: Tensor, y: Tensor) -> Tensor:
        return delta

    def _where_hidden_on(self, to_hidden: Tensor, h: Tensor) -> Tensor:
        return to_hidden

    def extra_repr(self) -> str:
        """Describe the sizes, for `print(model)`."""
        n_instances, n_hidden, n_features = self.W.shape
        return f"n_features={n_features}, n_hidden={n_hidden}, n_instances={n_instances}"


class ReLUModel(LinearModel):
    """Add one ReLU at the output: y = ReLU(WᵀW x + b). Otherwise as `LinearModel`.

    Source: Toy Models of Superposition, "Demonstrating Superposition"; notebook 03.
    """

    def _decode(self, h: Tensor) -> Tensor:
        return super()._decode(h).relu_()

    def _where_on(self, delta: Tensor, y: Tensor) -> Tensor:
        return delta.mul_(y > 0)


class HiddenReLUModel(ReLUModel):
    """Add a ReLU to the hidden numbers, too: h = ReLU(W x), y = ReLU(Wᵀh + b).

    It makes the hidden numbers neurons: a rotation of the hidden space now changes the model.

    Source: Toy Models of Superposition, "Superposition in a Privileged Basis"; notebook 14.
    """

    def _encode(self, x: Tensor) -> Tensor:
        return super()._encode(x).relu_()

    def _where_hidden_on(self, to_hidden: Tensor, h: Tensor) -> Tensor:
        return to_hidden.mul_(h > 0)


class CentredReLUModel(ReLUModel):
    """Hold a `ReLUModel` by W and c = b + WᵀW E[x], its answer at the mean point.

    The same models and losses as with W and b, trained by another path. Where many features are
    present at once, E[x] is long, every step of W then shifts all outputs, and b has to follow;
    c is spared that. `mean` is E[x], (instance or 1, feature); c starts there, so that at the
    mean point every output is right: far below, a ReLU would never wake. `b` is computed; weight
    decay pulls c towards zero, not b.

    Raises ValueError when `mean` has another shape.

    Source: notebook 10.
    """

    def __init__(
        self, n_features: int, n_hidden: int, n_instances: int = 1, *, mean: Tensor, seed: int = 0
    ):
        nn.Module.__init__(self)
        self.W = nn.Parameter(_xavier_normal(n_features, n_hidden, n_instances, seed))
        mean = torch.as_tensor(mean, dtype=self.W.dtype)
        if mean.shape not in ((1, n_features), (n_instances, n_features)):
            raise ValueError(
                f"mean has shape {tuple(mean.shape)}; give ({n_instances} or 1, {n_features}), "
                "such as the `mean` of the features"
            )
        self.c = nn.Parameter(mean.expand(n_instances, -1).clone())
        self.register_buffer("mean", mean)

    @property
    def b(self) -> Tensor:
        """Return the bias b = c - WᵀW E[x] of the `ReLUModel` that this is, (instance, feature)."""
        return self.c - (self.W.mT @ (self.W @ self.mean[:, :, None]))[:, :, 0]

    def _centre(self, x: Tensor) -> Tensor:
        return x - self.mean[:, :, None]

    def _decode(self, h: Tensor) -> Tensor:
        return torch.baddbmm(self.c[:, :, None], self.W.mT, h).relu_()


class UntiedReLUModel(nn.Module):
    """Encode and decode with matrices of their own: h = W_in x, y = ReLU(W_out h + b).

    Attributes: `W_in` (instance, hidden, feature), which starts as W of `LinearModel` does;
    `W_out` (instance, feature, hidden), which starts as its transpose; `b` (instance, feature),
    which starts at zero. `seed`, instances and errors as in `LinearModel`.

    Source: Toy Models of Superposition, "Computation in Superposition"; notebook 15.
    """

    def __init__(self, n_features: int, n_hidden: int, n_instances: int = 1, *, seed: int = 0):
        super().__init__()
        self.W_in = nn.Parameter(_xavier_normal(n_features, n_hidden, n_instances, seed))
        self.W_out = nn.Parameter(self.W_in.detach().mT.contiguous())
        self.b = nn.Parameter(torch.zeros(n_instances, n_features))

    @property
    def n_features(self) -> int:
        """Return how many features the model reads."""
        return self.W_in.shape[2]

    @property
    def n_hidden(self) -> int:
        """Return how many hidden numbers there are."""
        return self.W_in.shape[1]

    def hidden(self, x: Tensor) -> Tensor:
        """Return h, shape (instance, point, hidden), for x (instance, point, feature)."""
        check_points("x", x, self)
        return (self.W_in @ x.mT).mT

    def forward(self, x: Tensor) -> Tensor:
        """Return the output y >= 0, shape (instance, point, feature)."""
        h = self.hidden(x)
        return torch.baddbmm(self.b[:, :, None], self.W_out, h.mT).relu().mT

    def target(self, x: Tensor) -> Tensor:
        """Return what the output should be: x itself."""
        return x

    def loss(self, batch: Batch, importance: Tensor | None = None) -> Tensor:
        """Return the expected weighted error of the output over `batch`, shape (instance,)."""
        target = self.target(batch.x)
        return reconstruction_loss(target, self(batch.x), importance, batch.weight)

    def extra_repr(self) -> str:
        """Describe the sizes, for `print(model)`."""
        n_instances, n_hidden, n_features = self.W_in.shape
        return f"n_features={n_features}, n_hidden={n_hidden}, n_instances={n_instances}"


class AbsoluteValueModel(UntiedReLUModel):
    """Compute |x| through neurons: h = ReLU(W_in x), y = ReLU(W_out h + b), target |x|.

    Meant for signed features. Otherwise as `UntiedReLUModel`.

    Source: Toy Models of Superposition, "Computation in Superposition"; notebook 15.
    """

    def hidden(self, x: Tensor) -> Tensor:
        """Return h >= 0, shape (instance, point, hidden), for x (instance, point, feature)."""
        return super().hidden(x).relu()

    def target(self, x: Tensor) -> Tensor:
        """Return what the output should be: |x|."""
        return x.abs()


class SparseAutoencoder(nn.Module):
    """Write inputs as sums of a few directions out of many: the latents' decoder rows.

    f = ReLU((x - b_dec) W_enc + b_enc), x̂ = f W_dec + b_dec. Give one of two:

    - `l1`: the loss adds l1 · Σ_j f_j |d_j|, with d_j latent j's decoder row. Weighing by its
      length leaves nothing to gain from small latents with long rows.
    - `k`: of each point's latents only the k largest f_j |d_j| stay (TopK). With `per_batch`,
      k on average over the points of a batch, by their weights, and k may be a fraction
      (BatchTopK).

    The loss is the squared error summed over inputs, as the libraries have it, not its mean.
    Attributes: `W_enc` (instance, input, latent), `b_enc` (instance, latent), `W_dec`
    (instance, latent, input), `b_dec` (instance, input). Rows of W_dec start random with length 1,
    W_enc as their transpose, biases at zero; `seed` as in `LinearModel`. (Libraries start rows at
    0.1; Adam at the rates used here turns such rows right round in its first steps, many latents
    end alike, and TopK finds six features of ten instead of all.)

    Raises TypeError or ValueError when a size is not a positive whole number, not exactly one of
    `l1` and `k` is given, `l1` is negative, or `k` is not above 0 and at most `n_latents`.

    Source: notebook 16; Bricken et al., Towards Monosemanticity (2023); Gao et al., Scaling and
    Evaluating Sparse Autoencoders (2024); Bussmann et al., BatchTopK Sparse Autoencoders (2024).
    """

    def __init__(
        self, n_inputs: int, n_latents: int, n_instances: int = 1, *, l1: float | None = None,
        k: float | None = None, per_batch: bool = False, seed: int = 0,
    ):  # fmt: skip
        super().__init__()
        _check_sparsity_rule(l1, k, per_batch, n_latents)
        rows = _xavier_normal(n_inputs, n_latents, n_instances, seed)
        self.W_dec = nn.Parameter(nn.functional.normalize(rows, dim=2))
        self.W_enc = nn.Parameter(self.W_dec.detach().mT.contiguous())
        self.b_enc = nn.Parameter(torch.zeros(n_instances, n_latents))
        self.b_dec = nn.Parameter(torch.zeros(n_instances, n_inputs))
        self.l1, self.k, self.per_batch = l1, k, per_batch

    @property
    def n_features(self) -> int:
        """Return how many inputs the model reads."""
        return self.W_dec.shape[2]

    def hidden(self, x: Tensor, weight: Tensor | None = None) -> Tensor:
        """Return the latents f, (instance, point, latent), for x (instance, point, input).

        `weight` (instance, point) matters for BatchTopK only; by default all points weigh the same.
        """
        check_points("x", x, self)
        centred = x - self.b_dec[:, None]
        f = torch.baddbmm(self.b_enc[:, None], centred, self.W_enc).relu()
        if self.k is None:
            return f
        size = (f * self._row_lengths()).detach()
        if not self.per_batch:
            kept = torch.zeros_like(size, dtype=torch.bool)
            kept.scatter_(2, size.topk(int(self.k), dim=2).indices, True)
        else:
            if weight is None:
                weight = size.new_full((1, 1), 1 / size.shape[1])
            order = size.flatten(1).argsort(dim=1, descending=True)
            counts = weight[:, :, None].expand(size.shape).flatten(1).gather(1, order)
            enough = counts.cumsum(1) <= self.k * (1 + 1e-6)  # + rounding of the sum
            kept = torch.zeros_like(enough).scatter(1, order, enough).view_as(size)
        return f * kept

    def forward(self, x: Tensor, weight: Tensor | None = None) -> Tensor:
        """Return the reconstruction, shape (instance, point, input)."""
        return torch.baddbmm(self.b_dec[:, None], self.hidden(x, weight), self.W_dec)

    def loss(self, batch: Batch, importance: Tensor | None = None) -> Tensor:
        """Return the expected squared error, summed over inputs, and the penalty: (instance,)."""
        f = self.hidden(batch.x, batch.weight)
        y = torch.baddbmm(self.b_dec[:, None], f, self.W_dec)
        loss = reconstruction_loss(batch.x, y, importance, batch.weight) * self.n_features
        if self.l1:
            penalty = (f * self._row_lengths()).sum(2)
            loss = loss + self.l1 * (penalty * batch.weight).sum(1)
        return loss

    def _row_lengths(self) -> Tensor:
        return self.W_dec.norm(dim=2)[:, None]

    def extra_repr(self) -> str:
        """Describe sizes and rule, for `print(model)`."""
        n_instances, n_latents, n_inputs = self.W_dec.shape
        rule = f"l1={self.l1}" if self.k is None else f"k={self.k}, per_batch={self.per_batch}"
        sizes = f"n_inputs={n_inputs}, n_latents={n_latents}, n_instances={n_instances}"
        return f"{sizes}, {rule}"


class HiddenStates:
    """Describe the hidden states of a trained model as data: h for x drawn from `features`.

    `model` has `hidden(x)`, (instance, point, hidden), and is left as it is; each of its
    instances gives the states of the same instance, or its only one those of all. `n_features`
    is the number of hidden numbers.

    Raises ValueError when model and features do not fit.
    """

    def __init__(self, model: nn.Module, features: Distribution):
        if model.n_features != features.n_features:
            raise ValueError(
                f"the model reads {model.n_features} features, the distribution has "
                f"{features.n_features}"
            )
        self.model, self.features = model, features
        self.n_features = model.n_hidden

    @torch.no_grad()
    def batch(self, n_points: int, n_instances: int = 1, *, generator=None) -> Batch:
        """Draw states with the weights of the points that they came from."""
        x, weight = self.features.batch(n_points, n_instances, generator=generator)
        parameter = next(self.model.parameters())
        if len(parameter) not in (1, n_instances):
            raise ValueError(
                f"n_instances is {n_instances}, but the states are of {len(parameter)} models"
            )
        points = x.to(parameter.device, parameter.dtype)
        if len(parameter) == 1:  # one model, seen as often as there are instances
            points = points.reshape(1, -1, points.shape[2])
        states = self.model.hidden(points).reshape(*x.shape[:2], self.n_features)
        return Batch(states.to(x.device), weight)


def _xavier_normal(n_features: int, n_hidden: int, n_instances: int, seed: int) -> Tensor:
    """Return random (instance, hidden, feature) of variance 2 / (feature + hidden).

    Instances are drawn in sixteens, of which some may be thrown away: torch fills a tensor in
    blocks of sixteen numbers, so that otherwise the last ones would depend on how many there are.
    """
    sizes = {"n_features": n_features, "n_hidden": n_hidden, "n_instances": n_instances}
    for name, value in sizes.items():
        check_count(name, value)
    generator = torch.Generator().manual_seed(seed)
    shape = (-(-n_instances // 16) * 16, n_hidden, n_features)
    scale = (2 / (n_features + n_hidden)) ** 0.5
    return scale * torch.randn(shape, generator=generator)[:n_instances]


def _check_sparsity_rule(l1, k, per_batch, n_latents) -> None:
    if (l1 is None) == (k is None):
        raise ValueError(f"l1 is {l1} and k is {k}; give exactly one of them")
    if k is None:
        check_number("l1", l1)
        if per_batch:
            raise ValueError("per_batch is True, but there is no k to take over a batch")
        return
    check_number("k", k, zero=False)
    if k > n_latents:
        raise ValueError(f"k is {k}; there are only n_latents = {n_latents} to keep")
    if not per_batch and int(k) != k:
        raise ValueError(f"k is {k}; without per_batch it must be a whole number")
