"""Checks of notebook 12: learning dynamics."""

import torch

from toyutils.exercises._check import Formula, exercise, generator, integer, number
from toyutils.exercises._progress import functions_of
from toyutils.exercises.concepts import concepts_of


@exercise("12.1")
def check_square_loss(seed):
    """Check exercise 12.1: `square_loss(n_features, n_plus)`, exactly one feature active."""

    def cost(n, n_plus):
        return (n - 4) / (3 * n) - n_plus / (4 * n**2)

    def expected(n_features, n_plus):
        return cost(n_features, n_plus) / n_features

    mistakes = {
        "the loss is the mean over *all* features; divide by their number.": cost,
        "the loss is the mean over all features, not over those that are left out.": (
            lambda n, k: cost(n, k) / (n - 4)
        ),
        "only the features with the best bias are spared the square of their mean.": (
            lambda n, k: cost(n, n - 4) / n
        ),
        "the best bias takes the square of the mean off the cost of the plus features.": (
            lambda n, k: cost(n, 0) / n
        ),
        "a feature is active in one input of n: its E[x²] is 1/(3n), not 1/3.": (
            lambda n, k: ((n - 4) / 3 - k / 4) / n
        ),
        "the mean of a feature is 1/(2n), since it is 0 in most inputs; you used 1/2.": (
            lambda n, k: ((n - 4) / (3 * n) - k / 4) / n
        ),
        "the cost of a constant answer c is E[x²] - 2c E[x] + c²: take the *square* off.": (
            lambda n, k: ((n - 4) / (3 * n) - k / (2 * n)) / n
        ),
        "the best bias lowers the cost; you added.": (
            lambda n, k: ((n - 4) / (3 * n) + k / (4 * n**2)) / n
        ),
        "four features are represented and cost nothing.": (
            lambda n, k: (n / (3 * n) - k / (4 * n**2)) / n
        ),
    }
    random = generator(seed)
    cases = [(6, 1)]
    for _ in range(4):
        left_out = integer(3, 9, random)
        cases.append((4 + left_out, integer(1, left_out - 1, random)))
    hint = "with five features and no plus, the loss is 1/75."
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("12.2")
def check_one_direction_loss(seed):
    """Check exercise 12.2: `one_direction_loss(set_size, density)`, of one member."""

    def expected(set_size, density):
        return density * (1 - 1 / set_size) / 12

    mistakes = {
        "nothing is lost while the set is not active: the density is missing.": (
            lambda k, p: (1 - 1 / k) / 12
        ),
        "that is the part of the variance that the mean *keeps*.": lambda k, p: p / (12 * k),
        "that is a member without any direction and with the best bias while active.": (
            lambda k, p: p / 12
        ),
        "a member that answers 0 costs 1/3; this one answers the mean of the set.": (
            lambda k, p: p / 3
        ),
        "1/3 is E[x²]; the variance of a value from U[0, 1] is 1/12.": (
            lambda k, p: p * (1 - 1 / k) / 3
        ),
        "the loss of *one* member is asked, not the sum over the set.": (
            lambda k, p: p * (k - 1) / 12
        ),
        "x and the mean are not independent: the variances do not add up.": (
            lambda k, p: p * (1 + 1 / k) / 12
        ),
        "you used the sparsity where the density belongs.": lambda k, p: expected(k, 1 - p),
    }
    random = generator(seed)
    cases = [(integer(2, 6, random), number(0.1, 0.45, random)) for _ in range(4)]
    hint = "a set of one feature loses nothing; a very large set loses p/12."
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("12.3")
def check_angle_between(seed):
    """Check exercise 12.3: `angle_between(W, one, other)`, lists of features, in degrees."""

    def directions(W, one, other):
        return W[:, one].mean(1), W[:, other].mean(1)

    def cosine(W, one, other):
        return torch.cosine_similarity(*directions(W, one, other), dim=0)

    def expected(W, one, other):
        return torch.rad2deg(torch.arccos(cosine(W, one, other).clamp(-1, 1)))

    def of_dot(W, one, other):
        u, v = directions(W, one, other)
        return torch.rad2deg(torch.arccos((u @ v).clamp(-1, 1)))

    def mean_of_angles(W, one, other):
        unit = W / W.norm(dim=0)
        return torch.rad2deg(torch.arccos((unit[:, one].T @ unit[:, other]).clamp(-1, 1))).mean()

    def of_rows(W, one, other):
        rows = W[: len(one)].mean(0), W[len(W) - len(other) :].mean(0)
        return torch.rad2deg(torch.arccos(torch.cosine_similarity(*rows, dim=0).clamp(-1, 1)))

    mistakes = {
        "that is the angle in radians.": lambda *a: torch.deg2rad(expected(*a)),
        "that is the cosine; the angle is asked.": cosine,
        "divide the scalar product by both lengths before you take the arccosine.": of_dot,
        "first the mean direction of each set, then one angle; not the mean of all angles.": (
            mean_of_angles
        ),
        "directions may be at an obtuse angle: leave the sign of the cosine.": (
            lambda *a: torch.rad2deg(torch.arccos(cosine(*a).abs()))
        ),
        "a feature's direction is a *column* of W.": of_rows,
        "that is the complement to 180°: the angle to the opposite direction.": (
            lambda *a: 180 - expected(*a)
        ),
    }
    random = generator(seed)
    cases = []
    for k in range(5):
        n_one, n_other = integer(2, 3, random), integer(2, 4, random)
        n_hidden = integer(3, 5, random)
        order = torch.randperm(n_one + n_other + 2, generator=random).tolist()
        one, other = order[:n_one], order[n_one : n_one + n_other]
        W = torch.randn(n_hidden, len(order), generator=random)
        W[:, other] += (-1.0) ** k * 1.5 * W[:, one].mean(1, keepdim=True)
        cases.append((W, torch.tensor(one), torch.tensor(other)))
    hint = "two sets along one axis, on opposite sides of the origin, are at 180°."
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("12.4")
def check_biggest_change(seed):
    """Check exercise 12.4: `biggest_change(D, lag)`, (record, feature) -> (record - lag,)."""

    def expected(D, lag):
        return (D[lag:] - D[:-lag]).abs().amax(1)

    mistakes = {
        "a fall counts like a rise: take absolute values first.": (
            lambda D, lag: (D[lag:] - D[:-lag]).amax(1)
        ),
        "the largest over the features is asked, for each record.": (
            lambda D, lag: (D[lag:] - D[:-lag]).abs().amax(0)
        ),
        "compare with the record `lag` later, not with the next one.": (
            lambda D, lag: (D[1:] - D[:-1]).abs().amax(1)
        ),
        "the largest change is asked, not the mean over the features.": (
            lambda D, lag: (D[lag:] - D[:-lag]).abs().mean(1)
        ),
        "all features together change less than each alone: do not sum before you compare.": (
            lambda D, lag: (D[lag:] - D[:-lag]).sum(1).abs()
        ),
        "take the change of each feature first; a change of the largest value is another thing.": (
            lambda D, lag: (D.amax(1)[lag:] - D.amax(1)[:-lag]).abs()
        ),
        "`roll` carries the end of training round to its beginning.": (
            lambda D, lag: (D.roll(-lag, 0) - D).abs().amax(1)
        ),
    }
    random = generator(seed)
    cases = []
    for _ in range(4):
        n_records, n_features = integer(9, 12, random), integer(4, 6, random)
        cases.append((torch.rand(n_records, n_features, generator=random), integer(2, 4, random)))
    hint = "there are as many results as records, less `lag`."
    return Formula(cases, expected, mistakes, hint=hint)


@exercise("12.5")
def check_meetings_by_chance(seed):
    """Check exercise 12.5: `meetings_by_chance(jump, drop)`, both bool (window, seed)."""

    def pairs(jump, drop):
        return jump.sum(1) * drop.sum(1)

    def both(jump, drop):
        return (jump & drop).sum(1)

    def expected(jump, drop):
        return (pairs(jump, drop) - both(jump, drop)).sum() / (jump.shape[1] - 1)

    mistakes = {
        "those are the meetings that happened; chance is asked.": lambda j, d: both(j, d).sum(),
        "a seed's own drop does not count: take the seeds that have both off.": (
            lambda j, d: pairs(j, d).sum() / (j.shape[1] - 1)
        ),
        "there are S - 1 other seeds, not S.": (
            lambda j, d: (pairs(j, d) - both(j, d)).sum() / j.shape[1]
        ),
        "a drop of any seed, the own one included, is another null.": (
            lambda j, d: pairs(j, d).sum() / j.shape[1]
        ),
        "that forgets the time: drops must be in the *same* window.": (
            lambda j, d: j.sum() * d.sum() / j.numel()
        ),
        "sum over the windows, do not average.": (
            lambda j, d: (pairs(j, d) - both(j, d)).double().mean() / (j.shape[1] - 1)
        ),
        "each pair counts 1/(S - 1).": lambda j, d: (pairs(j, d) - both(j, d)).sum(),
    }
    random = generator(seed)
    cases = []
    for _ in range(4):
        n_windows, n_seeds = integer(8, 12, random), integer(4, 7, random)
        often = torch.linspace(0.9, 0.2, n_windows)[:, None]
        jump = torch.rand(n_windows, n_seeds, generator=random) < often
        drop = (torch.rand(n_windows, n_seeds, generator=random) < often) | (
            jump & (torch.rand(n_windows, n_seeds, generator=random) < 0.4)
        )
        cases.append((jump, drop))
    hint = "where all seeds jump and drop in one window, chance gives as many as there are seeds."
    return Formula(cases, expected, mistakes, hint=hint)


check_concepts = concepts_of("12")
answer, outcome, predict, prediction, progress = functions_of("12")
