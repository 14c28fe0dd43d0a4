"""What single neurons read and write: how many features each serves, and the asymmetric motif.

Neurons compute with matrices of their own: `W_in` (..., neuron, feature) reads, `W_out`
(..., feature, neuron) writes. For tied weights `W_out` is `W_in`ᵀ. Knows no model and no data.
"""

from typing import NamedTuple

import torch
from torch import Tensor


def gains(W_in: Tensor, W_out: Tensor) -> Tensor:
    """Return what each neuron passes on of each feature, (..., neuron, feature).

    The gain is |W_in| · max(W_out, 0): the slope of output i against input i through this
    neuron where it is on. One that writes a negative number on an output passes nothing on there.

    Raises ValueError when the shapes do not fit.
    """
    if W_in.ndim < 2 or W_out.shape != W_in.mT.shape:
        raise ValueError(
            f"W_in has shape {tuple(W_in.shape)} and W_out {tuple(W_out.shape)}; give "
            "(..., neuron, feature) and (..., feature, neuron)"
        )
    return W_in.abs() * W_out.mT.clamp(min=0)


def features_per_neuron(W_in: Tensor, W_out: Tensor) -> Tensor:
    """Return the effective number of features of each neuron, (Σ g)² / Σ g², (..., neuron).

    g are its `gains`. Of k equal gains it is k, and of one large gain beside small ones a little
    above 1; of a neuron that passes nothing on it is 0.
    """
    g = gains(W_in, W_out)
    return g.sum(-1).square() / g.square().sum(-1).clamp(min=torch.finfo(g.dtype).tiny)


def leaks(w_in: Tensor, w_out: Tensor) -> Tensor:
    """Return what a neuron writes on output i while only feature j is active, entry (i, j).

    `w_in` and `w_out` (feature,). Feature j has the size 1 and the sign that switches the neuron
    on; the diagonal, a feature's own output, is 0.
    """
    return (w_out[:, None] * w_in.abs()).fill_diagonal_(0)


class Motif(NamedTuple):
    """Name the parts of one asymmetric motif: places of neurons and features in one model.

    `neuron` reads `loud` with a large weight and `quiet` with a small one, and writes them the
    other way round. Where `loud` is active, it leaks into `quiet`'s output; `inhibitor` is the
    neuron that takes most of that away. Signs of `W_in` tell nothing where |x| is computed: with
    every -x for x the task is the same.
    """

    neuron: int
    loud: int
    quiet: int
    inhibitor: int
    ratio_in: float
    ratio_out: float


def find_motifs(
    W_in: Tensor, W_out: Tensor, *, ratio: float = 2.0, gain: float = 0.3
) -> list[Motif]:
    """Return the asymmetric motifs of one model, W_in (neuron, feature), W_out (feature, neuron).

    A neuron counts if the two features with its largest gains both have at least `gain`, are
    read at least `ratio` apart in size, and written at least `ratio` apart the other way round;
    and if some other neuron, on where `loud` makes this one fire, takes away at least half of
    what leaks into `quiet`.

    Source: Toy Models of Superposition, "Computation in Superposition"; the bounds are ours.
    """
    motifs = []
    for j, g in enumerate(gains(W_in, W_out)):
        pair = g.topk(2).indices
        quiet, loud = pair[W_in[j, pair].abs().argsort()].tolist()
        ratio_in = float((W_in[j, loud] / W_in[j, quiet]).abs())
        ratio_out = float(W_out[quiet, j] / W_out[loud, j])
        if g[pair].min() < gain or ratio_in < ratio or ratio_out < ratio:
            continue
        sign = W_in[j, loud].sign()
        written = W_out[quiet] * (sign * W_in[:, loud]).clamp(min=0)  # with loud alone at ±1
        inhibitor = int(written.argmin())
        if written[inhibitor] <= -written[j] / 2:
            motifs.append(Motif(j, loud, quiet, inhibitor, ratio_in, ratio_out))
    return motifs


def and_of_readers(x: Tensor, reads: Tensor, i: int, j: int) -> Tensor:
    """Return the mean of ReLU(sum of its bits - 1) over neurons that read both bits, (point,).

    `x` (point, bit) and `reads` (neuron, bit) hold zeros and ones; NaN where no neuron reads both.

    Source: Hänni et al., Mathematical Models of Computation in Superposition (2024).
    """
    both = (reads[:, i] * reads[:, j]).bool()
    return torch.einsum("pb,nb->pn", x, reads[both]).sub(1).relu().mean(1)
