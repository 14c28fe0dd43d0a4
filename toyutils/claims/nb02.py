"""Claims of notebook 02: sparsity."""

import torch

from toyutils import geometry, theory
from toyutils.claims import Claims, number, share, true

CLAIMS = Claims(
    "02",
    definitions=(
        "each feature is 0 with probability",
        "would give all its points the same active features",
        "1000 points at",
        "at most one active feature",
        "at most one feature is active",
        "happens to vary most",
        "for 64 [instances]",
        "64 seeds, 800 points to learn from and 200 to test",
        "where 1 stands for the identity matrix",
        "for 10,000 steps",
        "the loss on the 800 points",
        "each of the 64 models should end",
        "its own 800 points",
        "within 5 degrees of the principal direction",
        "another 10,000 steps",
        "by less than 10 degrees",
        "against 45 by chance",
    ),
)


def _turn(one, other):
    one, other = (torch.nn.functional.normalize(v.double(), dim=-1) for v in (one, other))
    return (one * other).sum(-1).abs().clamp(max=1).acos().rad2deg()


def _off_principal(run):
    """Return how far every model of experiment 4 is from its sample's direction, in degrees."""
    return _turn(run.fourth.W.detach()[:, 0], run.principal)


@CLAIMS.claim("own-coin", "The square is nearly empty")
def _(run):
    """In each of the 64 samples, 1 to 8 % of the points have both features active."""
    both = (run.n_active == 2).double().mean(1)
    return true((both > 0.01) & (both < 0.08))


@CLAIMS.claim("at-most-one", "In 0.96 of the points")
def _(run):
    """At S = 0.8 at most one feature is active in 1 - 0.2² = 0.96 of the points."""
    return number((run.n_active <= 1).double().mean(), ".2f").near(0.96, 0.005)


@CLAIMS.claim("peak", "It first *rises*")
def _(run):
    """Near S = 1/3 the measured variance is 4/3 of the dense one, 1/9 against 1/12."""
    near = (run.S > 0.25) & (run.S < 0.42)
    return number(run.drawn[near].mean() * 12, ".2f").near(4 / 3, 0.03)


@CLAIMS.claim("beyond", "does a sparse feature vary less than a dense one")
def _(run):
    """The measured variance is above 1/12 from S = 0.1 to 0.6 and below it from 0.72 on."""
    above = run.drawn[(run.S > 0.1) & (run.S < 0.6)] > 1 / 12
    return true(torch.cat([above, run.drawn[run.S > 0.72] < 1 / 12]))


@CLAIMS.claim("nearly-all", "nearly all models keep the feature that matters more")
def _(run):
    """With I = (1, 0.1) nearly all models keep feature 0."""
    return share(run.kept == 0).at_least(0.8)


@CLAIMS.claim("mean", "about 0.10")
def _(run):
    """Models that keep feature 0 answer p/2 = 0.1 for feature 1, to within 5 % in the median."""
    return number(run.third.b.detach()[run.kept == 0, 1].median(), ".2f").near(0.1, 0.05)


@CLAIMS.claim("lowest", "The lowest loss, 0.00283,")
def _(run):
    """The exact minimum, 0.1 v(0.2) / 2, lies at most 2 % below the median of the models."""
    median = run.loss_third.median().item()
    return number(run.lowest, ".5f").between(0.98 * median, median)


@CLAIMS.claim("dense-lowest", "is below the 0.00417 of")
def _(run):
    """On dense data the minimum is 0.1 / 24; here it is lower by the ratio of the variances."""
    ratio = theory.feature_variance(0.8) / theory.feature_variance(0.0)
    return number(run.lowest / ratio, ".5f").near(1 / 240, 1e-6)


@CLAIMS.claim("gaussian", "can tell the two apart")
def _(run):
    """Five random linear models err alike on both kinds of data, to within 1.5 %."""
    return true((run.losses["sparse"] / run.losses["Gaussian"] - 1).abs() < 0.015)


@CLAIMS.claim("moments", "agrees with both samples")
def _(run):
    """The loss from mean and covariance is that of both samples, to within 1.5 %."""
    exact = run.losses["from moments"]
    both = torch.stack([run.losses["sparse"], run.losses["Gaussian"]])
    return true((both / exact - 1).abs() < 0.015)


@CLAIMS.claim("spread", "Every quarter of the circle has some")
def _(run):
    """Of the 64 rows of experiment 4, at least four lie in each quarter."""
    W = run.fourth.W.detach()[:, 0] > 0
    return true((2 * W[:, 0] + W[:, 1]).long().bincount(minlength=4) >= 4)


@CLAIMS.claim("flat", "the same all the way round")
def _(run):
    """The exact loss on the circle is v(0.2)/2 at every angle, to 1e-12."""
    return true((run.flat - theory.feature_variance(0.8) / 2).abs() < 1e-12)


@CLAIMS.claim("valley", "it has a shallow valley")
def _(run):
    """In the median sample the two variances differ by 2 to 15 % of their sum."""
    values = torch.linalg.eigvalsh(run.covariance)
    return number(((values[:, 1] - values[:, 0]) / values.sum(1)).median()).between(0.02, 0.15)


@CLAIMS.claim("principal", "Nearly all models ended")
def _(run):
    """Nearly all models end within 5 degrees of their sample's principal direction."""
    return share(_off_principal(run) < 5).at_least(0.8)


@CLAIMS.claim("off", "The few that are off")
def _(run):
    """Few models end 5 degrees off or more."""
    return share(_off_principal(run) >= 5).at_most(0.35)


@CLAIMS.claim("rest", "All of them arrive as well")
def _(run):
    """The three models furthest off are within 1 degree after 10,000 more steps."""
    return true(_turn(run.rest.W.detach()[:, 0], run.principal[run.off]) < 1)


@CLAIMS.claim("axes", "more models sit near an axis than chance would put")
def _(run):
    """Of the rows of experiment 4, more than chance's 0.41 lie within 18.4 degrees of an axis."""
    return share(geometry.dominant_feature(run.fourth.W.detach()) >= 0).at_least(0.41)


@CLAIMS.claim(
    "fluctuates",
    "half the *difference* of the two variances fluctuates more than the covariance does",
)
def _(run):
    """Over 64 samples, half the difference of the variances varies 1.3 times as much or more."""
    C = run.covariance
    halves = (C[:, 0, 0] - C[:, 1, 1]) / 2
    return number(halves.std() / C[:, 0, 1].std(), ".2f").at_least(1.3)


@CLAIMS.claim("fresh", "All models reach the exact minimum")
def _(run):
    """On fresh points every model is within 1 % of the exact minimum, with either importance."""
    return share(run.loss_fresh.view(2, 64) < 1.01 * run.minima[:, None]).at_least(0.94)


@CLAIMS.claim("from-start", "half of them have turned")
def _(run):
    """On fresh points half of the rows have turned by less than 10 degrees."""
    return share(_turn(run.end, run.start) < 10).between(0.35, 0.65)


@CLAIMS.claim("both", "in only 0.04 of the points")
def _(run):
    """At S = 0.8 both features are active in 0.2² = 0.04 of the points."""
    return number((run.n_active == 2).double().mean(), ".2f").near(0.04, 0.05)


@CLAIMS.claim("minimum-unequal", "0.00283 for")
def _(run):
    """With I = (1, 0.1) the median model on fresh points is at 0.1 v(0.2) / 2, to 0.5 %."""
    exact = 0.1 * theory.feature_variance(0.8) / 2
    return number(run.loss_fresh.view(2, 64)[0].median(), ".5f").near(exact, 0.005)


@CLAIMS.claim("minimum-equal", "0.0283 for")
def _(run):
    """With I = (1, 1) the median model on fresh points is at v(0.2) / 2, to 0.5 %."""
    exact = theory.feature_variance(0.8) / 2
    return number(run.loss_fresh.view(2, 64)[1].median(), ".4f").near(exact, 0.005)
