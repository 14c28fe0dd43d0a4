"""Checks of notebook 16: out of superposition."""

import torch

from toyutils.exercises._check import Formula, exercise, generator, integer
from toyutils.exercises._progress import functions_of
from toyutils.exercises.concepts import concepts_of


@exercise("16.1")
def check_penalty(seed):
    """Check exercise 16.1: `penalty(f, W_dec)`, (state, latent) and (latent, hidden) -> number."""

    def expected(f, W_dec):
        return (f @ W_dec.norm(dim=1)).mean()

    mistakes = {
        "the lengths of the directions are missing: halving f would halve the penalty.": (
            lambda f, W_dec: f.sum(1).mean()
        ),
        "you summed over states; the mean over states is asked.": (
            lambda f, W_dec: (f @ W_dec.norm(dim=1)).sum()
        ),
        "you divided by the number of latents, too: a state's penalty is a *sum* over latents.": (
            lambda f, W_dec: (f * W_dec.norm(dim=1)).mean()
        ),
        "you used the squared lengths.": lambda f, W_dec: (f @ W_dec.square().sum(1)).mean(),
        "the latents are not squared here: L1, not L2.": (
            lambda f, W_dec: (f.square() @ W_dec.norm(dim=1)).mean()
        ),
        "that is the length in the L1 sense; a direction's length is the usual one.": (
            lambda f, W_dec: (f @ W_dec.abs().sum(1)).mean()
        ),
        "you took the norms of columns; a latent's direction is a *row* of W_dec.": (
            lambda f, W_dec: (f * W_dec.norm(dim=0)).sum(1).mean()
        ),
        "one for each state is too many: take their mean.": lambda f, W_dec: f @ W_dec.norm(dim=1),
    }
    random = generator(seed)
    cases = []
    for k in range(4):
        n_states, n_latents, n_hidden = 5 + k, 4 + integer(0, 2, random), 2 + k % 2
        f = torch.randn(n_states, n_latents, generator=random).relu()
        f[0, 0] = 0.7
        W_dec = (1 + k) * torch.randn(n_latents, n_hidden, generator=random)
        cases.append((f, W_dec))
    hint = "doubling every direction and halving every latent must not change your result."
    return Formula(cases, expected, mistakes, hint=hint)


def _kept(size, k, dim):
    """Return where `size` is among its k largest along `dim`."""
    rank = size.argsort(dim=dim, descending=True).argsort(dim=dim)
    return rank < k


@exercise("16.2")
def check_top_k(seed):
    """Check exercise 16.2: `top_k(f, lengths, k)`, (state, latent), (latent,) -> like f."""

    def expected(f, lengths, k):
        return f * _kept(f * lengths, k, 1)

    mistakes = {
        "rank by the size *times* the length of the direction, not by f alone.": (
            lambda f, lengths, k: f * _kept(f, k, 1)
        ),
        "you kept the largest of each *latent*; the largest of each state are asked.": (
            lambda f, lengths, k: f * _kept(f * lengths, k, 0)
        ),
        "the latents that stay are not multiplied by the lengths.": (
            lambda f, lengths, k: f * lengths * _kept(f * lengths, k, 1)
        ),
        "that keeps the smallest.": lambda f, lengths, k: f * _kept(-f * lengths, k, 1),
        "that keeps one too few.": lambda f, lengths, k: f * _kept(f * lengths, k - 1, 1),
        "that keeps one too many.": lambda f, lengths, k: f * _kept(f * lengths, k + 1, 1),
        "one threshold for the whole batch is BatchTopK; here every state has its own.": (
            lambda f, lengths, k: f * _kept((f * lengths).flatten(), k * len(f), 0).view_as(f)
        ),
        "return the latents, not whether they stay.": (
            lambda f, lengths, k: _kept(f * lengths, k, 1).double()
        ),
    }
    random = generator(seed)
    cases = []
    for k in (1, 2, 3, 2):
        n_states, n_latents = 6 + integer(0, 3, random), 5 + integer(0, 1, random)
        f = 0.1 + torch.rand(n_states, n_latents, generator=random)
        f[0] *= 5  # a state that is larger than the others throughout
        lengths = 0.2 + 2 * torch.rand(n_latents, generator=random)
        cases.append((f, lengths, k))
    hint = "each row of your result must have k numbers above 0, and they stand unchanged in f."
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("16.3")
def check_threshold(seed):
    """Check exercise 16.3: `threshold(size, k)`, (state, latent) -> the smallest that is kept."""

    def sorted_down(size):
        return size.flatten().sort(descending=True).values

    def expected(size, k):
        return size.flatten().topk(round(k * size.shape[0])).values.min()

    mistakes = {
        "that is the largest size that is *dropped*.": (
            lambda size, k: sorted_down(size)[round(k * len(size))]
        ),
        "that is one kept size too early.": (
            lambda size, k: sorted_down(size)[round(k * len(size)) - 2]
        ),
        "k is for each state: in all, k times the number of states are kept.": (
            lambda size, k: sorted_down(size)[round(k) - 1]
        ),
        "k counts for each state, not for each latent.": (
            lambda size, k: sorted_down(size)[round(k * size.shape[1]) - 1]
        ),
        "you took each state's own k largest; here states compete.": (
            lambda size, k: size.sort(dim=1, descending=True).values[:, round(k) - 1].min()
        ),
        "that is the mean of every state's threshold; here the whole batch has one.": (
            lambda size, k: size.sort(dim=1, descending=True).values[:, round(k) - 1].mean()
        ),
        "that counts from the smallest.": (
            lambda size, k: size.flatten().sort().values[round(k * len(size)) - 1]
        ),
        "int(...) cuts off: 1.16 times 50 is 57.99… in a computer. Use round(...).": (
            lambda size, k: sorted_down(size)[int(k * len(size)) - 1]
        ),
    }
    random = generator(seed)
    cases = []
    for n_states, k in [(50, 1.16), (20, 1.5), (25, 0.6), (40, 2.1), (10, 1.9)]:
        n_latents = 6 + integer(0, 4, random)
        # No two sizes are so close that neighbours would pass for each other.
        rank = torch.randperm(n_states * n_latents, generator=random).view(n_states, n_latents)
        cases.append(((rank + 1) / rank.numel(), k))
    hint = "as many sizes must be at least as large as your result as are kept in all."
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("16.4")
def check_closest(seed):
    """Check exercise 16.4: `closest(W, W_dec)`, (hidden, feature), (latent, hidden) -> (feature,).

    Each feature's highest cosine with any latent, with its sign.
    """

    def unit(A, dim):
        return A / A.norm(dim=dim, keepdim=True)

    def expected(W, W_dec):
        return (unit(W_dec, 1) @ unit(W, 0)).max(0).values

    mistakes = {
        "a latent that points against a feature has not found it: keep the sign.": (
            lambda W, W_dec: (unit(W_dec, 1) @ unit(W, 0)).abs().max(0).values
        ),
        "the directions of the latents must be divided by their lengths.": (
            lambda W, W_dec: (W_dec @ unit(W, 0)).max(0).values
        ),
        "the directions of the features must be divided by their lengths.": (
            lambda W, W_dec: (unit(W_dec, 1) @ W).max(0).values
        ),
        "divide by both lengths: a cosine lies between -1 and 1.": (
            lambda W, W_dec: (W_dec @ W).max(0).values
        ),
        "that is each latent's closest feature; each feature's closest latent is asked.": (
            lambda W, W_dec: (unit(W_dec, 1) @ unit(W, 0)).max(1).values
        ),
        "that is the latent that is furthest away.": (
            lambda W, W_dec: (unit(W_dec, 1) @ unit(W, 0)).min(0).values
        ),
        "you divided by the norms of W's rows; a feature's direction is a column.": (
            lambda W, W_dec: (unit(W_dec, 1) @ unit(W, 1)).max(0).values
        ),
        "that is which latent it is; the cosine is asked.": (
            lambda W, W_dec: (unit(W_dec, 1) @ unit(W, 0)).argmax(0)
        ),
    }
    random = generator(seed)
    cases = []
    for k in range(4):
        n_hidden, n_features, n_latents = 2 + k % 2, 5 + k % 3, 3 + integer(0, 1, random)
        W = torch.randn(n_hidden, n_features, generator=random) * (0.5 + k)
        W_dec = torch.randn(n_latents, n_hidden, generator=random) * (0.5 + k % 2)
        W_dec[0] = -1.3 * W[:, 0] + 0.05 * W[:, 1]  # against feature 0
        cases.append((W, W_dec))
    hint = "each cosine lies between -1 and 1, and there is one for each feature."
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("16.5")
def check_precision_and_recall(seed):
    """Check exercise 16.5: `precision_and_recall(x, f)`, (state,) and (state,) -> (2,)."""

    def counts(x, f):
        fires, active = (f > 0).double(), (x > 0).double()
        return (fires * active).sum(), fires.sum(), active.sum()

    def expected(x, f):
        both, fires, active = counts(x, f)
        return torch.stack([both / fires, both / active])

    def of_all(x, f):
        both, _, _ = counts(x, f)
        return torch.stack([both, both]) / len(x)

    def agreeing(x, f):
        same = ((f > 0) == (x > 0)).double().mean()
        return torch.stack([same, same])

    def overlap(x, f):
        both, fires, active = counts(x, f)
        return torch.stack([both, both]) / (fires + active - both)

    def by_size(x, f):
        return torch.stack([f[x > 0].sum() / f.sum(), x[f > 0].sum() / x.sum()]).double()

    mistakes = {
        "the two are exchanged: the precision comes first.": lambda x, f: expected(x, f).flip(0),
        "both shares are of *all* states; divide by the firing and by the active ones.": of_all,
        "that counts states without feature and latent as agreement.": agreeing,
        "you divided by the states in which either is there.": overlap,
        "you weighed states by their values; a state counts once.": by_size,
        "numbers of states are not shares: divide.": (
            lambda x, f: torch.stack([counts(x, f)[0]] * 2)
        ),
        "that is how often the latent does *not* fire where it should, and should not.": (
            lambda x, f: 1 - expected(x, f)
        ),
    }
    random = generator(seed)
    cases = []
    for k in range(4):
        n = 24 + integer(0, 8, random)
        x = (torch.rand(n, generator=random) - 0.6 + 0.05 * k).relu()
        f = (torch.rand(n, generator=random) - 0.4 - 0.05 * k).relu()
        x[:6] = torch.tensor([0.3, 0.004, 0, 0, 0.2, 0.6])
        f[:6] = torch.tensor([0.5, 0.003, 0.8, 0, 0, 3.0])
        cases.append((x, f))
    hint = "a latent that always fires has a recall of 1, and a low precision."
    return Formula(cases, expected, mistakes, hint=hint)


check_concepts = concepts_of("16")
answer, outcome, predict, prediction, progress = functions_of("16")
