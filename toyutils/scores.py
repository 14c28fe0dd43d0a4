"""Scores of a dictionary against the truth: which features did its latents recover?

A dictionary is a list of directions, one for each latent; the truth is W, whose column i is
feature i's direction. Everything takes arrays, leads with (instance, …), and knows nothing of
models or training. Cosines keep their signs: features of a toy model are often antipodal, and a
latent that points against a feature has not recovered it.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from toyutils import geometry


def cosines(W: Tensor, directions: Tensor) -> Tensor:
    """Return the cosine of every feature with every latent, (instance, feature, latent).

    `W` (instance or 1, hidden, feature); `directions` (instance, latent, hidden): the rows of a
    decoder, or the columns of an encoder as rows. A direction of length 0 has cosine 0.

    Raises ValueError when the numbers of hidden dimensions or instances differ.
    """
    W, directions = W.detach(), directions.detach()
    if W.ndim != 3 or directions.ndim != 3 or W.shape[1] != directions.shape[2]:
        raise ValueError(
            f"W has shape {tuple(W.shape)} and directions {tuple(directions.shape)}; give "
            "(instance, hidden, feature) and (instance, latent, hidden)"
        )
    if len(W) not in (1, len(directions)):
        raise ValueError(f"W has {len(W)} instances and directions {len(directions)}")
    lengths = geometry.feature_norms(W)[:, :, None] * directions.norm(dim=2)[:, None]
    return torch.where(lengths > 0, (directions @ W).mT / lengths.where(lengths > 0, 1), 0)


def match(cosine: Tensor, live: Tensor | None = None) -> Tensor:
    """Return the latent of each feature under the best one-to-one matching, (instance, feature).

    The matching maximises the sum of `cosine` (instance, feature, latent) over pairs, among the
    latents that are `live` (instance, latent), by default all. A cosine below 0 counts as 0: else
    a feature whose antipode has taken its latent would push others out of theirs. -1 stands where
    no latent is left with a cosine above 0.

    Source: Kuhn, The Hungarian Method for the Assignment Problem (1955).
    """
    latent = torch.full(cosine.shape[:2], -1)
    for k, table in enumerate(cosine):
        columns = torch.arange(table.shape[1]) if live is None else live[k].nonzero()[:, 0]
        cost = -table[:, columns].double().clamp(min=0).numpy()
        if cost.shape[0] <= cost.shape[1]:
            latent[k] = columns[torch.from_numpy(_assignment(cost))]
        else:
            latent[k, torch.from_numpy(_assignment(cost.T))] = columns
    return torch.where(_kept(cosine, latent) > 0, latent, -1)


@dataclass(frozen=True)
class Score:
    """Hold how well each instance's dictionary agrees with the truth.

    `latent`, the matched latent of each feature or -1, `cosine` of its decoder and
    `encoder_cosine`, 0 where there is none, `precision` and `recall` of its firing: (instance,
    feature). `live`, whether a latent ever fires, and `nearest`, its highest cosine with any
    feature, `feature`, which one that is: (instance, latent). `n_active` and `n_active_true`, the
    mean number of latents and of features that are active at a point: (instance,).
    """

    latent: Tensor
    cosine: Tensor
    encoder_cosine: Tensor | None
    precision: Tensor
    recall: Tensor
    live: Tensor
    nearest: Tensor
    feature: Tensor
    n_active: Tensor
    n_active_true: Tensor

    def recovered(self, bound: float = 0.99) -> Tensor:
        """Return the share of features whose latent has a cosine of `bound` or more, (instance,).

        Print `chance` beside it: in two dimensions .9 is within 26 degrees on either side.
        """
        return (self.cosine >= bound).double().mean(1)

    @property
    def dead(self) -> Tensor:
        """Return the number of latents that never fire, (instance,)."""
        return (~self.live).sum(1)

    def false(self, bound: float = 0.9) -> Tensor:
        """Return the number of live latents that lie near no feature, (instance,)."""
        return (self.live & (self.nearest < bound)).sum(1)

    def unique(self, bound: float = 0.9) -> Tensor:
        """Return the number of features near which some live latent lies, (instance,).

        Live latents beyond `unique` and `false` are duplicates.
        """
        near = self.live & (self.nearest >= bound)
        features = torch.arange(self.cosine.shape[1])
        return (near[:, :, None] & (self.feature[:, :, None] == features)).any(1).sum(1)

    def summary(self) -> dict[str, float]:
        """Return means over instances by name, and in how many of them all is recovered."""
        recovered = self.recovered()
        means = {
            "recovered": recovered, "false": self.false(), "dead": self.dead, "L0": self.n_active,
            "precision": self.precision.nanmean(1), "recall": self.recall.nanmean(1),
        }  # fmt: skip
        # An instance that has matched nothing has no precision.
        means = {name: float(value.double().nanmean()) for name, value in means.items()}
        return {"runs with all": int((recovered == 1).sum())} | means


@torch.no_grad()
def score(
    W: Tensor, W_dec: Tensor, x: Tensor, f: Tensor, *, weight: Tensor | None = None,
    W_enc: Tensor | None = None,
) -> Score:  # fmt: skip
    """Score dictionaries against the features W (instance or 1, hidden, feature).

    `W_dec` (instance, latent, hidden) holds the latents' directions; `W_enc` (instance, hidden,
    latent) what they read. At points at which the features were `x` (instance or 1, point,
    feature), the latents were `f` (instance, point, latent), >= 0. `weight` (instance or 1,
    point) is what a point counts, by default the same.

    Precision of a feature: where its latent fires, how often the feature is active, NaN if it
    never fires. Recall: where the feature is active, how often its latent fires, NaN if it is
    never active.

    Raises ValueError when shapes do not fit.
    """
    if f.shape[::2] != W_dec.shape[:2] or x.shape[1] != f.shape[1] or x.shape[2] != W.shape[2]:
        raise ValueError(
            f"W has shape {tuple(W.shape)}, W_dec {tuple(W_dec.shape)}, x {tuple(x.shape)} and f "
            f"{tuple(f.shape)}; give (…, hidden, feature), (instance, latent, hidden), (…, point, "
            "feature) and (instance, point, latent)"
        )
    x, active = (x != 0).double().expand(len(f), -1, -1), (f > 0).double()
    if weight is None:
        weight = x.new_full((1, 1), 1 / x.shape[1])
    weight = weight.double().expand(x.shape[:2])[:, :, None]
    live = (active * weight).sum(1) > 0
    cosine = cosines(W, W_dec)
    latent = match(cosine, live)
    fires = _matched(active, latent) * (latent >= 0)[:, None]
    together = (fires * x * weight).sum(1)
    of_latents, of_features = (fires * weight).sum(1), (x * weight).sum(1)
    nearest, feature = cosine.max(1)
    return Score(
        latent=latent, cosine=_kept(cosine, latent),
        encoder_cosine=None if W_enc is None else _kept(cosines(W, W_enc.mT), latent),
        precision=together / of_latents, recall=together / of_features,
        live=live, nearest=nearest, feature=feature,
        n_active=(active * weight).sum((1, 2)), n_active_true=of_features.sum(1),
    )  # fmt: skip


def chance(
    W: Tensor, n_latents: int, bound: float = 0.99, *, n_draws: int = 200, seed: int = 0
) -> float:
    """Return the share of features that random directions recover, as a mean over draws.

    `W` (hidden, feature). `n_latents` directions, uniform on the sphere, are matched like a
    dictionary's. A recovery means what it has above this.
    """
    generator = torch.Generator().manual_seed(seed)
    directions = torch.randn(n_draws, n_latents, W.shape[0], generator=generator).to(W)
    cosine = cosines(W[None], directions)
    return float((_kept(cosine, match(cosine)) >= bound).double().mean())


def unexplained(h: Tensor, reconstruction: Tensor, weight: Tensor | None = None) -> Tensor:
    """Return the fraction of variance unexplained (FVU), (instance,).

    The squared error of `reconstruction` over the variance of `h`, both (instance, point,
    hidden) and summed over hidden dimensions: 0 is perfect, 1 is no better than the mean.
    """
    h, reconstruction = h.detach().double(), reconstruction.detach().double()
    if weight is None:
        weight = h.new_full((1, 1), 1 / h.shape[1])
    weight = weight.double().expand(h.shape[:2])[:, :, None]
    mean = (h * weight).sum(1, keepdim=True)
    error, variance = ((h - other).square() * weight for other in (reconstruction, mean))
    return error.sum((1, 2)) / variance.sum((1, 2))


def _matched(values: Tensor, latent: Tensor) -> Tensor:
    """Return values (instance, row, latent) of each feature's latent: (instance, row, feature)."""
    places = latent.clamp(min=0)[:, None].expand(-1, values.shape[1], -1)
    return values.gather(2, places)


def _kept(cosine: Tensor, latent: Tensor) -> Tensor:
    """Return the cosine of each feature with its latent, 0 where it has none."""
    own = cosine.gather(2, latent.clamp(min=0)[:, :, None])[:, :, 0]
    return torch.where(latent >= 0, own, 0)


def _assignment(cost: np.ndarray) -> np.ndarray:
    """Return for each row its column under the cheapest assignment; rows <= columns.

    Rows are added one at a time along the cheapest augmenting path, with potentials u, v that
    keep all reduced costs >= 0. Row and column 0 stand for "none yet".
    """
    n, m = cost.shape
    u, v = np.zeros(n + 1), np.zeros(m + 1)
    row_of, previous = np.zeros(m + 1, dtype=int), np.zeros(m + 1, dtype=int)
    for row in range(1, n + 1):
        row_of[0], column = row, 0
        distance, visited = np.full(m + 1, np.inf), np.zeros(m + 1, dtype=bool)
        while True:
            visited[column] = True
            current = row_of[column]
            reduced = cost[current - 1] - u[current] - v[1:]
            nearer = np.append(False, reduced < distance[1:]) & ~visited
            distance[nearer] = reduced[nearer[1:]]
            previous[nearer] = column
            column = int(np.where(visited, np.inf, distance).argmin())
            step = distance[column]
            u[row_of[visited]] += step
            v[visited] -= step
            distance[~visited] -= step
            if row_of[column] == 0:
                break
        while column:
            row_of[column] = row_of[previous[column]]
            column = previous[column]
    columns = np.zeros(n, dtype=int)
    taken = row_of[1:] > 0
    columns[row_of[1:][taken] - 1] = np.flatnonzero(taken)
    return columns
