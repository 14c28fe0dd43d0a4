"""Faults to plant in toyutils before a notebook runs: each must turn claims from true to false.

They are the mistakes that published material makes. `plant` is called by the kernels
of test_faults.py (tests/claims/ipython); nothing else plants them.
"""

import torch

from toyutils import features, models, training


def bias_left_out():
    """Models answer without their bias, and no gradient reaches it."""

    def decode(model, h):
        y = model.W.mT @ h
        return y.relu() if isinstance(model, models.ReLUModel) else y

    written = models.LinearModel.gradients

    def gradients(model, batch, importance):
        by_W, by_b = written(model, batch, importance)
        return by_W, torch.zeros_like(by_b)

    models.LinearModel._decode = models.ReLUModel._decode = decode
    models.LinearModel.gradients = gradients


def one_mask_per_batch():
    """All points of a batch share which features are active."""

    def draw(density, shape, generator):
        uniform = features._uniform(shape, generator)
        active = features._uniform(shape, generator)[:, :, :1] < density[:, :, None]
        return torch.where(active.expand(shape), uniform, 0)

    def active(sparsity, shape, generator):
        mask = features._uniform(shape, generator)[:, :, :1] >= sparsity[:, :, None]
        return mask.expand(shape).float()

    features._some_active, features._active = draw, active


def no_cross_terms():
    """The gradient lacks what an output owes to the other features' directions."""

    @torch.no_grad()
    def gradients(model, batch, importance):
        x, weight = batch.x.mT, batch.weight[:, None, :]
        h = model._encode(x)
        y = model._decode(h)
        delta = (y - x) * importance[:, :, None] * (2 / x.shape[1]) * weight
        delta = model._where_on(delta, y)
        return h @ delta.mT + model.W * (delta * x).sum(2)[:, None], delta.sum(2)

    models.LinearModel.gradients = gradients


def density_for_sparsity():
    """Features are active with probability S, or 1 % where that is 0: something must be drawn."""
    check = features._check_sparse

    def swapped(distribution, n_groups, group):
        check(distribution, n_groups, group)
        density = torch.as_tensor(distribution.sparsity).clamp(min=0.01)
        object.__setattr__(distribution, "sparsity", 1 - density)

    features._check_sparse = swapped


def importance_ignored():
    """All features count alike in training."""
    checked = training._checked

    def without(model, data, test_data, importance):
        return checked(model, data, test_data, None)

    training._checked = without


def untied():
    """The decoder keeps the weights that the model started with."""
    start = models.LinearModel.__init__

    def remember(model, *sizes, **more):
        start(model, *sizes, **more)
        model.register_buffer("decoder", model.W.detach().clone())

    def decode(model, h):
        y = torch.baddbmm(model.b[:, :, None], model.decoder.mT, h)
        return y.relu() if isinstance(model, models.ReLUModel) else y

    def gradients(model, batch, importance):
        with torch.enable_grad():
            loss = model.loss(batch, importance).sum()
            return torch.autograd.grad(loss, (model.W, model.b))

    models.LinearModel.__init__ = remember
    models.LinearModel._decode = models.ReLUModel._decode = decode
    models.LinearModel.gradients = gradients


FAULTS = {
    fault.__name__: fault
    for fault in (
        bias_left_out, one_mask_per_batch, no_cross_terms, density_for_sparsity,
        importance_ignored, untied,
    )
}  # fmt: skip


def plant(name: str) -> None:
    """Plant the fault `name`; the loop's own check of a written gradient is put to sleep."""
    training._check_loss = lambda *arguments: None
    FAULTS[name]()
