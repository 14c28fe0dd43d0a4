"""Claims of notebook 13: adversarial examples and interference weights."""

from dataclasses import replace

import torch

from toyutils import geometry
from toyutils.claims import Claims, number, share, true

CLAIMS = Claims(
    "13",
    definitions=(
        "is active, at 0.6",
        "input 1",
        "of 10,000 random changes",
        "output 1",
        "of length 0.3",
        "the factor is 1",
        "Take 1000 inputs of density 0.1",
        "The largest of 200 noisy means",
        "on half of the points",
        "the other half",
        "at a length of 0.1",
        "at 0.2 or 0.3",
        "At a length of 0.3",
        "worst for the model on average",
        "One of length 1",
        "Attack every input",
        "for all three",
        "There are 10,000 weights",
        "20,000 points",
        "all positive ones at once",
        "has rank 20",
        "gradients of all points",
        "all weights of a kind",
        "are 200 fixed directions",
        "as long as 80 %",
        "at 80 %",
        "attacks of 60 %",
        "at a strength of 80 %",
    ),
)


def _excess(run):
    """Return the first reading over 1/D*, (density, seed)."""
    return run.for_model / run.packing


def _at(run, density):
    return int((run.density - density).abs().argmin())


@CLAIMS.claim("factor", "by a factor of 1.58")
def _(run):
    """On a pentagon the attack moves its output √(5/2) times as far as raising the input."""
    return number(run.factor, ".2f").near(2.5**0.5, 1e-5)


@CLAIMS.claim("random_less", "none of")
def _(run):
    """No random change of the input of the same length moves the output as far."""
    return share(int(run.furthest >= 1), len(run.random)).between(0, 0)


@CLAIMS.claim("root", "= 1.58$")
def _(run):
    """The factor is 1/√D_i, with the dimensionality as notebook 10 has it."""
    D = geometry.feature_dimensionality(run.W)
    return number(1 / D[1].sqrt(), ".2f").near(run.factor, 1e-5)


@CLAIMS.claim("raised_wakes", "wakes its output from 0.206 on")
def _(run):
    """From this height on input 1 of an empty point wakes output 1: -b / ‖W_1‖²."""
    return number(run.length_raised, ".3f").near(0.28230 / 1.17046**2, 1e-3)


@CLAIMS.claim("attack_wakes", "the attack from 0.130 on")
def _(run):
    """From this length on the attack wakes it; just above it is on, just below it is not."""
    step = run.delta / run.delta.norm() * run.length_attack
    wakes = [bool(run.answers(f * step)[1] > 0) for f in (0.999, 1.001)]
    result = number(run.length_attack, ".3f").near(0.28230 / 1.17046**2 / 2.5**0.5, 1e-3)
    return result if wakes == [False, True] else result.between(1, 0)


@CLAIMS.claim("blind_most", "At most")
def _(run):
    """The error's gradient with respect to the input is zero at most inputs of density 0.1."""
    return share(run.blind).at_least(0.55)


@CLAIMS.claim("blind_empty", "Most of them are empty points")
def _(run):
    """Of the points with a gradient of zero most have no feature active."""
    return share(run.inactive[run.blind]).at_least(0.75)


@CLAIMS.claim("blind_harmed", "all of the")
def _(run):
    """Every point at which the gradient is zero is harmed by an analytic attack of 0.2 or 0.3."""
    n = int(run.blind.sum())
    return share(run.harmed[1] + run.harmed[2], 2 * n).between(1, 1)


@CLAIMS.claim("blind_safe", "nearly all of these points cannot be harmed")
def _(run):
    """At a length of 0.1, below the threshold, no analytic attack harms such a point."""
    n = int(run.blind.sum())
    return share(n - run.harmed[0], n).at_least(0.9)


@CLAIMS.claim("elsewhere", "it is better at few points")
def _(run):
    """Where the gradient is not zero, a step of 0.3 along it seldom beats the analytic attacks."""
    seeing = int((~run.blind).sum())
    return share(round(run.ahead[2] * seeing), seeing).at_most(0.2)


@CLAIMS.claim(
    "tracks", "agree within a sixth, in all of the models", source="Toy Models: tracks 1/D*"
)
def _(run):
    """From p = 1 down to 0.33 the first reading is 1/D*, up to a sixth, in every model."""
    dense = _excess(run)[run.density >= 0.32]
    return share((dense - 1).abs() < 1 / 6).between(1, 1)


@CLAIMS.claim("peak_height", "peaks between three and four")
def _(run):
    """The first reading, mean of four seeds, has its peak here."""
    return number(run.for_model.mean(1).max(), ".2f").between(3, 4)


@CLAIMS.claim("peak_place", "packed about five to a dimension")
def _(run):
    """Where the first reading peaks, 1/D* is about five."""
    return number(run.packing.mean(1)[run.for_model.mean(1).argmax()], ".1f").between(3.9, 6.5)


@CLAIMS.claim("falls", "less than a quarter of what the packing says")
def _(run):
    """At p = 0.01 the first reading is less than a quarter of 1/D*, in every model."""
    return true(_excess(run)[_at(run, 0.01)] < 0.25)


@CLAIMS.claim("second_far", "more than twice as much")
def _(run):
    """From p = 0.15 on the second reading is above twice 1/D* in every model."""
    sparse = run.density < 0.2
    return true((run.for_point > 2 * run.packing)[sparse])


@CLAIMS.claim("second_height", "about twenty")
def _(run):
    """The second reading, mean of four seeds, reaches about twenty."""
    return number(run.for_point.mean(1).max(), ".0f").between(16, 24)


@CLAIMS.claim("trap", "looks stronger than it is, wherever data are sparse")
def _(run):
    """At p = 0.07 and below the naive first reading exceeds the one on fresh points."""
    return true((run.naive > run.for_model).double().mean(1)[run.density < 0.08] > 0.7)


@CLAIMS.claim("too_short", "an attack of this length is too short")
def _(run):
    """At p = 0.05 and below the attacks are shorter than the threshold, at 0.15 and above longer.

    The threshold is the median over a model's outputs.
    """
    short = run.tenth < run.shortest_all
    return true([bool(short[run.density < 0.06].all()), not bool(short[run.density > 0.14].any())])


@CLAIMS.claim("short_falls", "A short attack falls as before")
def _(run):
    """At a length of 0.1 the first reading at p = 0.01 is less than half of its peak."""
    curve = run.fixed[0].mean(1)
    return number(curve[-1] / curve.max(), ".2f").between(0, 0.5)


@CLAIMS.claim("long_rises", "harms more and more as the data become sparser")
def _(run):
    """From p = 0.33 on, at length 1 the first reading rises with each step of sparsity."""
    return true(run.fixed[2].mean(1)[_at(run, 0.33) :].diff() > 0)


@CLAIMS.claim("long_above", "in the end far more than")
def _(run):
    """At p = 0.01 an attack of length 1 does more than twice what 1/D* says."""
    return true(run.fixed[2, -1] > 2 * run.packing[-1, :2])


@CLAIMS.claim("pair_exact", "In a pair it removes exactly one half")
def _(run):
    """An attack on an exact pair costs twice what it costs without superposition, and 1/D* is 2."""
    values = [*run.with_relu[:2], run.packed[1], run.linear[1]]
    exact = zip(values, (1, 2, 2, 4), strict=True)
    return replace(true([abs(value - known) < 1e-4 for value, known in exact]), n=None)


@CLAIMS.claim("pentagon_exact", "one half is left, if the step goes against the row: 3.27")
def _(run):
    """In a pentagon of length one, attacked against a row, the ReLU leaves 3.27 of (5/2)²."""
    result = number(run.with_relu[2], ".2f").near(2.5**2 * 2 * 0.8090170**2 / 2.5, 1e-4)
    return result if abs(run.linear[2] - 6.25) < 1e-4 else result.between(1, 0)


@CLAIMS.claim("plateau", "along the plateau")
def _(run):
    """At p = 0.4 and 0.33, where 1/D* is 2, the first reading is 2, up to a sixth."""
    at = [_at(run, 0.4), _at(run, 0.33)]
    plateau = (run.packing[at] - 2).abs() < 0.15
    return true(plateau & ((_excess(run)[at] - 1).abs() < 0.17))


@CLAIMS.claim("sizes_track", "Both sizes follow")
def _(run):
    """For p >= 0.33 the first reading is 1/D*, up to a fifth, at both other sizes."""
    dense = run.few >= 0.32
    parts = [(one / ratio)[dense].mean(1) for ratio, one in run.others.values()]
    return true((torch.stack(parts) - 1).abs() < 0.2)


@CLAIMS.claim("sizes_behind", "stay far behind it on the sparsest")
def _(run):
    """At both other sizes and p = 0.01 the first reading is less than half of 1/D*."""
    parts = [(one.mean(1) / ratio.mean(1))[-1] for ratio, one in run.others.values()]
    return true(torch.stack(parts) < 0.5)


@CLAIMS.claim("dip_depth", "several percent of its harm", source="Gorton & Lewis (2025)")
def _(run):
    """From p = 0.4 to 0.3 the optimised attack loses 4 to 16 percent, mean of eight seeds."""
    return number((1 - run.dip / run.before_dip).mean(), ".0%").between(0.04, 0.16)


@CLAIMS.claim("dip_seeds", "on average over the seeds")
def _(run):
    """That loss is at least 2 percent, with the standard error of the eight seeds."""
    fall = 1 - run.dip / run.before_dip
    error = float(fall.std()) / len(fall) ** 0.5
    return number(fall.mean(), ".0%", error).at_least(0.02)


@CLAIMS.claim("dip_pairs", "at two")
def _(run):
    """From p = 0.4 to 0.3 the mean of 1/D* stays between 1.9 and 2.15."""
    plateau = (run.fine <= 0.41) & (run.fine >= 0.29)
    stay = run.packing_fine.mean(1)[plateau]
    return number(stay.median(), ".0f").between(stay.max() - 0.15, stay.min() + 0.1)


@CLAIMS.claim("adv_falls", "at every density")
def _(run):
    """At each of three densities 1/D* falls from each strength above 0.2 to the next."""
    falls = run.packing_hard.mean(2)[:, 1:].diff(dim=1) < 0
    return share(falls).between(1, 1)


@CLAIMS.claim(
    "adv_paper", "the paper's number comes out", source="Toy Models: 80 % of the input norm"
)
def _(run):
    """At p = 0.05 and attacks of 80 % of the mean input 1/D* is 1, up to a tenth."""
    return true((run.packing_hard[1, 4] - 1).abs() < 0.1)


@CLAIMS.claim("adv_dense", "suffice, and at")
def _(run):
    """At p = 0.1 and attacks of 60 % of the mean input 1/D* is 1, up to a tenth."""
    return true((run.packing_hard[0, 3] - 1).abs() < 0.1)


@CLAIMS.claim("adv_sparse", "attacks as long as the mean input itself")
def _(run):
    """At p = 0.02 and attacks as long as the mean input 1/D* is still 1.5 to 2.3."""
    return true((run.packing_hard[2, 5] - 1.9).abs() < 0.4)


@CLAIMS.claim("still_many", "for each of the ten dimensions")
def _(run):
    """At p = 0.05: represented features over dimensions, without attacks and at 80 %."""
    n = run.kept.sum(-1).double().mean(1) / 10
    return true([4.5 < float(n[0]) <= 5, 1.8 < float(n[4]) < 2.7])


@CLAIMS.claim("still_share", "has two fifths of a dimension")
def _(run):
    """There the median dimensionality of represented features is two fifths, up to a tenth."""
    return number(run.share[4], ".2f").between(0.33, 0.5)


@CLAIMS.claim("clean_price", "about twice as high")
def _(run):
    """At p = 0.05 the clean loss at a strength of 80 % is about twice that without attacks."""
    return number(run.clean_loss[4] / run.clean_loss[0]).between(1.7, 2.4)


@CLAIMS.claim("shorter", "directions are *shorter*")
def _(run):
    """There represented directions are less than three quarters as long as without attacks."""
    ratio = run.mean_length_5[4] / run.mean_length_5[0]
    return number(ratio, ".2f").between(0.4, 0.75)


@CLAIMS.claim("real_agree", "each lies near 1.37 in both models")
def _(run):
    """All real weights of both models lie within 6 percent of their mean, 1.37."""
    mean = number(run.real.mean(), ".2f").near(1.37, 4e-3)
    return mean if (run.real / run.real.mean() - 1).abs().max() < 0.06 else mean.between(1, 0)


@CLAIMS.claim("no_correlation", "says nothing about the other")
def _(run):
    """The correlation of interference weights between the two seeds is below 0.08 in size."""
    return number(torch.corrcoef(run.between)[0, 1], ".3f").between(-0.08, 0.08)


@CLAIMS.claim("real_cost", "Every real weight costs a few percent of the loss")
def _(run):
    """Removing any real weight raises the loss by 2 to 8 percent."""
    rise = run.rise.diagonal()
    return replace(true((rise > 0.02) & (rise < 0.08)), n=None)


@CLAIMS.claim("one_falls", "for most")
def _(run):
    """Without one interference weight the loss falls, for most of either sign."""
    negative, positive = (run.rise[run.kinds[name]] < 0 for name in ("negative", "positive"))
    lower = min((negative, positive), key=lambda part: part.double().mean())
    return share(lower).at_least(0.6)


@CLAIMS.claim("positive_together", "Without *all* positive interference at once the loss rises")
def _(run):
    """Removing all positive interference raises the loss; the sum of single removals lowers it."""
    singly = float(run.rise[run.kinds["positive"]].sum())
    return true([run.at_once[1] > 1.02, singly < 0])


@CLAIMS.claim("all_interference", "Without the whole interference it falls below half")
def _(run):
    """Without any interference weight, biases unchanged, the loss is below half."""
    return number(run.no_interference, ".2f").between(0.2, 0.5)


@CLAIMS.claim("threshold_enough", "the smallest real weight is larger than all interference")
def _(run):
    """The smallest real weight exceeds the largest interference weight by a half or more."""
    return true(run.real.min() > 1.5 * run.between.abs().max())


@CLAIMS.claim("size_misleads", "brings in interference")
def _(run):
    """Of as many largest weights of one model as are real in both, three or more are not real."""
    return number(run.n_real - run.by_size, ".0f").between(3, 30)


@CLAIMS.claim("agreement_helps", "leaves almost nothing but real ones")
def _(run):
    """Nearly all of the weights that are large in both models with one sign are real."""
    real = share(run.by_agreement, run.n_real).at_least(0.8)
    return real if run.by_agreement > run.by_size else real.between(1, 0)


@CLAIMS.claim("sign_helps", "To keep only positive weights would help here, too")
def _(run):
    """Among the largest positive weights of one model more are real than among the largest."""
    return number(run.by_sign - run.by_size, ".0f").between(1, 60)
