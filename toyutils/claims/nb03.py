"""Claims of notebook 03: one ReLU."""

import torch

from toyutils import theory
from toyutils.claims import Claims, number, share, true

CLAIMS = Claims(
    "03",
    definitions=(
        "below 1, the ReLU pays",
        "[04 · By hand]",
        "The exact losses of the 64 models",
        "its output is always 0",
        "(The number 1 would mean",
        "best of the 64 trained models",
        "best of 24 starts",
    ),
)
_PASS = (0.2 / 3 - 0.2**2 / 4) / 2  # v(p) / 2 at p = 0.2


@CLAIMS.claim("three-exact", "The first three come back **without error**")
def _(run):
    """W = (1, -1), b = 0 errs at none of three points with at most one active feature."""
    errs = (torch.relu(run.points @ run.W.T @ run.W + run.b) - run.points).abs().max(1).values
    return true(((errs < 1e-6) == torch.tensor([True, True, True, False])) & (errs[3] > 0.1))


@CLAIMS.claim("on-an-axis", "nearly all points lie on an axis")
def _(run):
    """At S = 0.8 nearly all points have at most one active feature: 1 - p² = 0.96."""
    return share((run.x > 0).sum(-1) <= 1).between(0.955, 0.965)


@CLAIMS.claim("quarter", "less than a quarter of the lowest linear loss")
def _(run):
    """At p = 0.2 the antipodal model costs (p²/6) / (v(p)/2) of the best linear model."""
    return number(run.ratio).at_most(0.25).near(0.2**2 / 6 / _PASS, 1e-6)


@CLAIMS.claim("about-half", "about half")
def _(run):
    """About half of 64 models become antipodal at S = 0.8 with both features as important."""
    return share(run.antipodal).between(0.3, 0.7)


@CLAIMS.claim("settled", "the loss has settled")
def _(run):
    """The failure shown lies within 2 % of the bottom of its valley."""
    return number(run.fifth_loss[run.failure] / run.bottom[run.failure]).between(1, 1.02)


@CLAIMS.claim("dead", "no model has one")
def _(run):
    """No model has an output that is off for every point."""
    return share(run.dead.any(1)).at_most(0.06)


@CLAIMS.claim("two-valleys", "All end in one of these two valleys", "the **same sign**")
def _(run):
    """All models end at one of two losses: antipodal, or with two weights of one sign."""
    same = run.W_end.prod(-1)[:, 0] > 0
    level = torch.where(same, run.bottom[run.second], run.bottom[run.first])
    return true((run.bottom - level).abs() < 1e-5)


@CLAIMS.claim("long-weight", "1.02 for one feature")
def _(run):
    """The longer weight in the bad valley."""
    return number(run.W_end[run.second].abs().max(), ".2f").near(1.0227, 1e-3)


@CLAIMS.claim("short-weight", "0.42")
def _(run):
    """The shorter weight in the bad valley: its square, 0.17, is less than a fifth."""
    return number(run.W_end[run.second].abs().min(), ".2f").near(0.4154, 2e-3)


@CLAIMS.claim("bad-valley", "0.0274")
def _(run):
    """The exact loss of the bad valley at S = 0.8."""
    return number(run.bottom.max(), ".4f").near(0.02739, 1e-3)


@CLAIMS.claim("good-valley", "0.0066")
def _(run):
    """The exact loss of the antipodal valley at S = 0.8."""
    return number(run.bottom.min(), ".4f").near(0.006592, 1e-3)


@CLAIMS.claim("linear", "0.0283")
def _(run):
    """The best linear model loses v(p)/2."""
    return number(run.linear, ".4f").near(_PASS, 1e-9)


@CLAIMS.claim("pass", "0.0283")
def _(run):
    """The highest loss on the road from the bad valley to the good one is v(p)/2."""
    return number(run.height.max(), ".4f").near(_PASS, 1e-6)


@CLAIMS.claim("climb", "1.03 times")
def _(run):
    """The pass is that many times the loss of the bad valley."""
    return number(run.climb, ".2f").near(_PASS / 0.02739, 3e-3)


@CLAIMS.claim("pass-is-linear", "*exactly* as high as the loss of the best linear model")
def _(run):
    """With a weight of zero, the other 1, and the best biases the loss is v(p)/2, and not less."""
    W = torch.tensor([0.5, 0.9, 1.0, 1.1, 1.5])[:, None, None] * torch.tensor([[0.0, 1.0]])
    loss = theory.expected_loss(W, theory.best_bias(W, 0.8), 0.8)
    return true([abs(float(loss[2]) - run.linear) < 1e-9, bool((loss > run.linear - 1e-9).all())])


@CLAIMS.claim("road", "the road falls to less than a quarter")
def _(run):
    """Behind the pass the loss falls to the antipodal valley's."""
    return number(run.height[-1] / run.height.max()).at_most(0.25).near(0.2327, 1e-2)


@CLAIMS.claim("opposite-succeed", "Most models that start with opposite signs succeed")
def _(run):
    """Most models that start with opposite signs become antipodal."""
    return share(run.antipodal[~run.same]).at_least(0.6)


@CLAIMS.claim("same-fail", "most of the others fail")
def _(run):
    """Most models that start with two weights of one sign do not become antipodal."""
    return share(~run.antipodal[run.same]).at_least(0.5)


@CLAIMS.claim("half-opposite", "opposite signs half the time")
def _(run):
    """A random start has opposite signs half the time."""
    return share(~run.same).between(0.35, 0.65)


@CLAIMS.claim("patience", "the rows differ by a handful of models")
def _(run):
    """Neither larger rates nor any number of steps change the count by more than a few."""
    counts = list(run.found.values())
    return number(max(counts) - min(counts), ".0f").at_most(7)


@CLAIMS.claim("dense-gain", "saves about a thousandth")
def _(run):
    """On dense data the best trained ReLU model saves about 0.1 % of the best linear loss."""
    return number(run.dense_gain).between(0.0005, 0.00095)


@CLAIMS.claim("four-times", "costs four times as much as the best linear one")
def _(run):
    """On dense data the antipodal model costs 1/6 where the best linear one costs 1/24."""
    return number(run.no_bias_ratio[-1]).near(4, 1e-9)


@CLAIMS.claim("break-even", "pays below a density of")
def _(run):
    """The grid's last density at which the antipodal model with b = 0 pays is 4/7."""
    return number(run.fine[run.pays].max()).near(4 / 7, 2e-3)


@CLAIMS.claim("longer-than-one", "a little longer than one and with a small bias")
def _(run):
    """At p ≤ 0.3 the optimum has lengths in (1, 1.02) and biases in (0, 0.02)."""
    low = run.density <= 0.3
    W, b = run.optimum.W[low].abs(), run.optimum.b[low]
    return true([bool(((W > 1) & (W < 1.02)).all()), bool(((b > 0) & (b < 0.02)).all())])


@CLAIMS.claim("pair-pays", "all the way to")
def _(run):
    """An equal pair with fitted length and bias costs less than the best linear model, p < 1."""
    return true(run.pair_ratio[run.density < 1] < 1 - 1e-4)


@CLAIMS.claim("symmetry", "the optimum is an equal pair")
def _(run):
    """The optimum's two lengths are equal up to p = 0.7 and differ from p = 0.8 on."""
    W = run.optimum.W[:, 0].abs()
    equal = (W[:, 0] - W[:, 1]).abs() < 0.01
    opposite = run.optimum.W.prod(-1)[:, 0][run.density < 0.95] < 0
    return true([bool((equal == (run.density < 0.75)).all()), bool(opposite.all())])


@CLAIMS.claim("trained-optimum", "on the exact curve at all densities")
def _(run):
    """At all densities the best of 64 trained models is within 1 % of the exact optimum."""
    return true(run.trained_ratio / run.optimum_ratio < 1.01)
