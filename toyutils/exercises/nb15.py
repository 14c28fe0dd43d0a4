"""Checks of notebook 15: computing in superposition."""

import torch

from toyutils.exercises._check import Formula, exercise, generator, integer, number
from toyutils.exercises._progress import functions_of
from toyutils.exercises.concepts import concepts_of


@exercise("15.1")
def check_plain_loss(seed):
    """Check exercise 15.1: `plain_loss(n_pairs, density, importance)`, no superposition.

    n_pairs a whole number, density a number, importance (feature,) -> a number.
    """

    def spread(p):
        return p / 3 - p**2 / 4

    def expected(n_pairs, density, importance):
        return importance[n_pairs:].sum() * spread(density) / len(importance)

    mistakes = {
        "the bias answers the mean of |x|: a feature that is left out costs its variance.": (
            lambda k, p, i: i[k:].sum() * (p / 3) / len(i)
        ),
        "the mean over *all* features is asked, and those with neurons cost nothing.": (
            lambda k, p, i: i[k:].mean() * spread(p)
        ),
        "the mean over features is asked, not the sum.": lambda k, p, i: i[k:].sum() * spread(p),
        "the features with neurons are right; the others err.": (
            lambda k, p, i: i[:k].sum() * spread(p) / len(i)
        ),
        "every error counts with its importance.": (
            lambda k, p, i: (len(i) - k) * spread(p) / len(i)
        ),
        "`n_pairs` counts pairs of neurons: each pair serves one feature.": (
            lambda k, p, i: i[k // 2 :].sum() * spread(p) / len(i)
        ),
        "the density belongs here, not the sparsity.": lambda k, p, i: expected(k, 1 - p, i),
    }
    random = generator(seed)
    cases = []
    for _ in range(4):
        n = integer(7, 9, random) + seed % 3
        importance = 0.3 + torch.rand(n, generator=random)
        cases.append((integer(2, 4, random), number(0.1, 0.45, random), importance))
    hint = "with no pair at all, importance 1 and a density of 1, the loss is 1/12."
    return Formula(cases, expected, mistakes, hint=hint)


def _matrices(random, n_neurons, n_features):
    shape = (n_neurons, n_features)
    W_in, W_out = torch.randn(2, *shape, generator=random, dtype=torch.float64)
    W_out[:, 0] = 0.3 + W_out[:, 0].abs()  # so that every neuron passes something on
    return W_in, W_out.T.contiguous()


@exercise("15.2")
def check_effective_features(seed):
    """Check exercise 15.2: `effective_features(W_in, W_out)`, one number for each neuron.

    W_in (neuron, feature), W_out (feature, neuron) -> (neuron,).
    """

    def effective(g, dim=1):
        return g.sum(dim) ** 2 / (g**2).sum(dim)

    def expected(W_in, W_out):
        return effective(W_in.abs() * W_out.T.clamp(min=0))

    mistakes = {
        "a negative weight into the neuron passes the feature on, too: take its size.": (
            lambda a, b: effective(a.clamp(min=0) * b.T.clamp(min=0))
        ),
        "where `W_out` is negative nothing of the feature is passed on.": (
            lambda a, b: effective(a.abs() * b.T.abs())
        ),
        "that is turned over.": lambda a, b: 1 / expected(a, b),
        "that is one number for each feature; add over the features.": (
            lambda a, b: effective(a.abs() * b.T.clamp(min=0), 0)
        ),
        "the sum in the numerator is squared, too.": (
            lambda a, b: (
                (a.abs() * b.T.clamp(min=0)).sum(1) / (a.abs() * b.T.clamp(min=0)).square().sum(1)
            )
        ),
        "that counts every gain above zero alike; weigh them by their size.": (
            lambda a, b: (a.abs() * b.T.clamp(min=0) > 0).double().sum(1)
        ),
        "`W_out` alone does not tell what passes: multiply it by what comes in.": (
            lambda a, b: effective(b.T.clamp(min=0))
        ),
        "`W_in` alone does not tell what passes: multiply it by what goes out.": (
            lambda a, b: effective(a.abs())
        ),
    }  # fmt: skip
    random = generator(seed)
    cases = []
    for k in range(3):
        n_neurons = 3 + k + seed % 2
        cases.append(_matrices(random, n_neurons, n_neurons + integer(1, 3, random)))
    hint = "two equal gains and nothing else make 2; one gain alone makes 1."
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("15.3")
def check_leaks(seed):
    """Check exercise 15.3: `leaks(w_in, w_out)`, what one neuron writes on wrong outputs.

    w_in and w_out (feature,) -> (feature, feature): entry (i, j) on output i while j is active.
    """

    def full(w_in, w_out):
        return w_out[:, None] * w_in.abs()[None, :]

    def expected(w_in, w_out):
        return full(w_in, w_out).fill_diagonal_(0)

    mistakes = {
        "entry (i, j) is what feature j does to output i; yours is the other way round.": (
            lambda a, b: expected(a, b).T
        ),
        "on its own output a feature does not leak: the diagonal is 0.": full,
        "the feature has the sign that switches the neuron on: take the size of the weight.": (
            lambda a, b: (b[:, None] * a[None, :]).fill_diagonal_(0)
        ),
        "a feature of the wrong sign is not asked: each has the sign that switches it on.": (
            lambda a, b: (b[:, None] * a.clamp(min=0)[None, :]).fill_diagonal_(0)
        ),
        "only off the diagonal is there a leak; you kept the diagonal alone.": (
            lambda a, b: full(a, b).diagonal().diag()
        ),
        "a leak may be negative: keep the sign of `w_out`.": (
            lambda a, b: expected(a, b.abs())
        ),
    }  # fmt: skip
    random = generator(seed)
    cases = []
    for k in range(3):
        n = 2 + k + (seed % 7 > 0)
        w_in, w_out = torch.randn(2, n, generator=random, dtype=torch.float64)
        w_in[0], w_in[1], w_out[0], w_out[1] = 2.1, -w_in[1].abs() - 0.2, 0.6, -1.7
        cases.append((w_in, w_out))
    hint = "with `w_in = [2, -1/2]` and `w_out = [1/2, 2]` the two leaks are 4 and 1/4."
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("15.4")
def check_inhibitor(seed):
    """Check exercise 15.4: `inhibitor(W_in, W_out, neuron, loud, quiet)`, a neuron's number.

    W_in (neuron, feature), W_out (feature, neuron), three whole numbers -> a whole number.
    """

    def written(W_in, W_out, neuron, loud, quiet):
        sign = W_in[neuron, loud].sign()
        return W_out[quiet] * (sign * W_in[:, loud]).clamp(min=0)

    def expected(W_in, W_out, neuron, loud, quiet):
        return written(W_in, W_out, neuron, loud, quiet).argmin()

    def other_sign(W_in, W_out, neuron, loud, quiet):
        sign = -W_in[neuron, loud].sign()
        return (W_out[quiet] * (sign * W_in[:, loud]).clamp(min=0)).argmin()

    mistakes = {
        "that neuron writes the most negative weight, but it is off when the loud feature "
        "switches the motif on.": lambda a, b, j, i, q: b[q].argmin(),
        "the loud feature may be active with either sign; yours is always positive.": (
            lambda a, b, j, i, q: (b[q] * a[:, i].clamp(min=0)).argmin()
        ),
        "that neuron is on for the *other* sign of the loud feature.": other_sign,
        "the leak is at the quiet feature's output; you looked at the loud one's.": (
            lambda a, b, j, i, q: written(a, b, j, i, i).argmin()
        ),
        "the loud feature switches the neurons on; you used the quiet one.": (
            lambda a, b, j, i, q: written(a, b, j, q, q).argmin()
        ),
        "that one adds to the leak; the inhibitor takes away.": (
            lambda a, b, j, i, q: written(a, b, j, i, q).argmax()
        ),
        "a neuron that is off writes nothing: put a ReLU on what comes in.": (
            lambda a, b, j, i, q: (b[q] * a[j, i].sign() * a[:, i]).argmin()
        ),
    }
    random = generator(seed)
    places = zip((1, -1, 1, -1), (-1, 0, 3, 4), strict=True)
    cases = [_inhibited(random, seed, sign, right) for sign, right in places]
    hint = "set the loud feature alone to +1 or −1: which neuron lowers the quiet output most?"
    return Formula(cases, expected, mistakes, hint=hint)


def _inhibited(random, seed, sign, right):
    """Return a case in which every mistake names another neuron than the right one."""
    n_neurons, n_features = 10 + seed % 2, 5 + integer(0, 1, random)
    right = right % n_neurons
    others = [k for k in range(n_neurons) if k != right]
    order = [others[k] for k in torch.randperm(len(others), generator=random)]
    neuron, off, weak, for_other, for_loud, for_quiet, negative, adding = order[:8]
    loud, quiet = torch.randperm(n_features, generator=random).tolist()[:2]
    W_in = 0.1 * torch.randn(n_neurons, n_features, generator=random, dtype=torch.float64)
    W_out = 0.1 * torch.randn(n_features, n_neurons, generator=random, dtype=torch.float64)
    W_in[neuron] = -0.1 * sign
    W_in[neuron, loud], W_in[neuron, quiet] = 2.1 * sign, -0.5 * sign
    W_out[loud, neuron], W_out[quiet, neuron] = 0.5, 2.2
    W_in[right, loud], W_out[quiet, right], W_out[loud, right] = 0.4 * sign, -7.0, 0.2
    W_in[off, loud], W_out[quiet, off] = -0.05 * sign, -12.0
    W_in[weak, loud], W_in[weak, quiet], W_out[quiet, weak] = 0.1 * sign, 1.0, -7.8
    W_in[for_other, loud], W_out[quiet, for_other] = -0.4 * sign, -9.0
    W_in[for_loud, loud], W_out[loud, for_loud], W_out[quiet, for_loud] = 1.5 * sign, -3.0, 0.1
    W_in[for_quiet, loud], W_in[for_quiet, quiet] = -0.1 * sign, 1.4
    W_out[quiet, for_quiet] = -6.0
    W_in[negative, loud], W_out[quiet, negative] = -2.4 * sign, 4.0
    W_in[adding, loud], W_out[quiet, adding] = 2.0 * sign, 3.0
    return W_in, W_out, neuron, loud, quiet


@exercise("15.5")
def check_fate(seed):
    """Check exercise 15.5: `fate(costs, left_out)`, dropped, held only or worth a neuron.

    costs (ratio, width), left_out (ratio,) -> whole numbers (ratio,), 0, 1 or 2.
    """

    def minimum(costs):
        inner = costs[:, 1:-1]
        return ((inner < costs[:, :-2]) & (inner < costs[:, 2:])).any(1)

    def cheaper(costs, left_out):
        return costs.amin(1) < left_out

    def expected(costs, left_out):
        return minimum(costs).int() + (minimum(costs) & cheaper(costs, left_out))

    mistakes = {
        "a minimum need not be the lowest entry of its row: it lies below its two neighbours.": (
            lambda c, o: (c.argmin(1) > 0).int() + cheaper(c, o)
        ),
        "a feature that is left out costs `left_out`, not `costs[:, 0]`.": (
            lambda c, o: minimum(c).int() + (minimum(c) & (c.amin(1) < c[:, 0]))
        ),
        "2 is where the neuron is cheaper, 1 where leaving the feature out is.": (
            lambda c, o: minimum(c).int() + (minimum(c) & ~cheaper(c, o))
        ),
        "a minimum lies below *both* of its neighbours.": (
            lambda c, o: (c.diff() > 0).any(1).int() + cheaper(c, o)
        ),
        "a whole number for each ratio: 0, 1 or 2.": lambda c, o: cheaper(c, o).int(),
    }
    random = generator(seed)
    cases = []
    for _ in range(3):
        n = integer(21, 41, random)
        width = torch.linspace(0, 1.2, n)
        ratios = torch.tensor([0.5, 0.85, 1.03, 1.3, 1.8])[:, None]
        without = torch.stack([1 - width / 2, 1 + width - 1.5 * width**2])  # falling; with a peak
        k = torch.arange(n)
        at_ends = torch.stack([1 + (k - 1).abs() / n, 0.5 + (k - (n - 2)).abs() / n])
        costs = torch.cat([(1 - width**2) ** 2 + ratios * width, without, at_ends])
        scale = 0.5 + torch.rand(9, generator=random)
        order = torch.randperm(9, generator=random)
        cases.append((scale[:, None] * costs[order], 0.9 * scale))
    hint = "compare each entry with the one before and the one after it."
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("15.6")
def check_read_and(seed):
    """Check exercise 15.6: `read_and(x, reads, i, j)`, an AND from a few neurons.

    x (point, bit) of 0 and 1, reads (neuron, bit) of 0 and 1, i and j numbers of bits -> (point,).
    """

    def average(x, reads, chosen, minus=1.0):
        return (x @ reads[chosen].T - minus).clamp(min=0).mean(1)

    def both(reads, i, j):
        return (reads[:, i] == 1) & (reads[:, j] == 1)

    def expected(x, reads, i, j):
        return average(x, reads, both(reads, i, j))

    mistakes = {
        "one bit alone must not switch a neuron on: subtract 1 before the ReLU.": (
            lambda x, r, i, j: average(x, r, both(r, i, j), 0.0)
        ),
        "take the mean over the neurons that read both bits, not the sum.": (
            lambda x, r, i, j: expected(x, r, i, j) * both(r, i, j).sum()
        ),
        "neurons that read only one of the two bits know nothing of the other.": (
            lambda x, r, i, j: average(x, r, (r[:, i] == 1) | (r[:, j] == 1))
        ),
        "only the neurons that read *both* bits count.": (
            lambda x, r, i, j: average(x, r, torch.ones(len(r), dtype=torch.bool))
        ),
        "the mean is over the neurons that read both, not over all neurons.": (
            lambda x, r, i, j: expected(x, r, i, j) * both(r, i, j).double().mean()
        ),
        "without the ReLU a neuron with no active bit answers −1.": (
            lambda x, r, i, j: (x @ r[both(r, i, j)].T - 1).mean(1)
        ),
        "that is the AND itself; build it from the neurons, which have only their sums.": (
            lambda x, r, i, j: x[:, i] * x[:, j]
        ),
    }
    random = generator(seed)
    cases = []
    for k in range(3):
        n_bits, n_neurons = 7 + k + seed % 2, 8 + integer(0, 3, random)
        x = (torch.rand(12 + k, n_bits, generator=random) < 0.4).double()
        reads = (torch.rand(n_neurons, n_bits, generator=random) < 0.4).double()
        i, j = torch.randperm(n_bits, generator=random).tolist()[:2]
        reads[:5, [i, j]] = torch.tensor([[1, 1], [1, 1], [1, 0], [0, 1], [0, 0]]).double()
        cases.append((x, reads, i, j))
    hint = "a neuron that reads three active bits answers 2: that is right."
    return Formula(cases, expected, mistakes, hint=hint)


check_concepts = concepts_of("15")
answer, outcome, predict, prediction, progress = functions_of("15")
