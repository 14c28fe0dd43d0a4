"""Claims of notebook 08: more features than fit in a picture."""

from toyutils import geometry
from toyutils.claims import Claims, number, share, true

CLAIMS = Claims(
    "08",
    definitions=(
        "(always present)",
        "of a few models",
        "a million",
        "1. A ReLU is half of",
        "A feature is 0 with probability",
        "means interference above 0.1",
        "Still some stay below length 1/2",
        "when at most one feature is active",
        "at length 1/2",
        "longer than one half",
        "with Adam at rate 0.01",
        "and length 1/2 in five dimensions",
        "80 features, and 100",
        "importances from 1 down to 0.01",
        "if all twenty matter equally",
        "longer than 1/2",
        "an interference above 0.1",
        "best of 24 descents",
        "most important features",
        "a few hundred values",
        "2500 steps too few",
        "exact at any size",
        "Not all twenty",
        "Each factor starts at 1",
        "Take three features of density one half",
        "and the bias $b = 0.2$",
        "A feature that most seeds never learn has no time of its own",
        "a count at length 1/2",
        "the 24 descents",
        "of seed 3 on dense data",
    ),
)


@CLAIMS.claim("linear_five", "alike at every density")
def _(run):
    """The linear models represent five features at every density."""
    return true(run.kept_linear.sum(-1) == 5)


@CLAIMS.claim("linear_first_five", "in nearly all seeds")
def _(run):
    """The linear models represent exactly features 0 to 4 in nearly all seeds, at any density."""
    return share(int(run.first_five.sum()), 8 * len(run.first_five)).at_least(0.8)


@CLAIMS.claim("linear_minimum", "their exact loss is the minimum you computed")
def _(run):
    """The median exact loss of the linear models is the exact minimum, within a percent."""
    return true((run.loss_linear.median(1).values / run.minimum - 1).abs() < 0.01)


@CLAIMS.claim("tail", "soon hardly differs from")
def _(run):
    """At t = 25 the integrand differs from 1/t² by less than a tenth."""
    return number(run.product.real[-1].abs(), ".2g").at_most(0.1)


@CLAIMS.claim("waves", "agree to about three digits")
def _(run):
    """A million samples and the integral differ by less than 0.002."""
    return number(abs(run.computed - run.sampled), ".1e").at_most(2e-3)


@CLAIMS.claim("sparse_biases", "the biases of represented features turn negative")
def _(run):
    """At p = 0.001 the biases of represented features are below zero on average."""
    biases = run.b_relu[-1][geometry.represented(run.W_relu[-1])]
    return number(biases.mean(), ".2f").at_most(-0.05)


@CLAIMS.claim("no_gain_dense", "The ReLU gains nothing on dense data")
def _(run):
    """At p = 1 the median ReLU model costs what the best linear model does."""
    return number(run.ratio[0].median(), ".3f").between(0.98, 1.02)


@CLAIMS.claim("gain_sparse", "a factor of about seven at the sparsest")
def _(run):
    """At p = 0.001 the median ReLU model costs a sixth to a ninth of the best linear model."""
    return number(1 / run.ratio[-1].median(), ".1f").between(6, 9)


@CLAIMS.claim("seeds_close", "less than half above the best")
def _(run):
    """At every density the median exact loss of eight seeds is less than 1.5 times the best."""
    worst = (run.loss_relu.median(1).values / run.loss_relu.amin(1)).max()
    return number(worst, ".2f").between(1, 1.5)


@CLAIMS.claim("alone_first", "are alone in more of the seeds than")
def _(run):
    """At p = 0.3 features 0 and 1 are alone in at least two seeds more than 3 and 4, on average."""
    alone = run.alone_03.double()
    return true(alone[:2].mean() >= alone[3:5].mean() + 2)


@CLAIMS.claim("kept_tenth", "about nine or ten")
def _(run):
    """At p = 0.1 nine or ten features are represented on average."""
    return number(run.kept[2].mean(), ".1f").between(8.5, 10.5)


@CLAIMS.claim("pairs_tenth", "most of them form antipodal pairs")
def _(run):
    """At p = 0.1 more than half of the represented features are in pairs."""
    return number(run.paired[2].sum() / run.kept[2].sum(), ".0%").between(0.5, 1)


@CLAIMS.claim("nearly_every_shares", "nearly every represented feature shares")
def _(run):
    """From p = 0.03 on at least nine of ten represented features are in superposition."""
    return share(int(run.shared[3:].sum()), int(run.kept[3:].sum())).at_least(0.9)


@CLAIMS.claim("pairs_sparse", "only a minority has an opposite end to itself")
def _(run):
    """At p = 0.001 more than ten are represented, fewer than half of them in pairs."""
    in_pairs = run.paired[-1].sum() / run.kept[-1].sum()
    return true([run.kept[-1].mean() > 10.5, in_pairs < 0.5])


@CLAIMS.claim("spread", "about one feature")
def _(run):
    """The standard deviation over seeds is at most one and a half features."""
    return number(run.spread.max(), ".1f").between(0, 1.5)


@CLAIMS.claim("never_meet", "almost never meet")
def _(run):
    """At p = 0.001 two or more of twenty features are active in less than one of a thousand."""
    p = float(run.densities[-1])
    return number(1 - (1 - p) ** 20 - 20 * p * (1 - p) ** 19, ".1e").at_most(1e-3)


@CLAIMS.claim("nothing_more", "Hardly any")
def _(run):
    """Exact descent adds less than one represented feature on average."""
    return number(run.more.mean(), "+.1f").between(-0.9, 0.9)


@CLAIMS.claim("best_close", "within three percent of the best trained model")
def _(run):
    """The lowest exact loss of 24 descents is that of the best trained model, within 3 percent."""
    return number(run.loss_relu[-1].amin() / run.loss_best, ".3f").between(0.97, 1.03)


@CLAIMS.claim("short_lengths", "directions are short, but not zero")
def _(run):
    """Of features 13 to 19 the median trained lengths lie below 1/2 and do not vanish."""
    median = run.lengths.median(0).values[13:]
    return true([bool((median < 0.5).all()), bool((median > 0.01).all()), median[0] > 0.2])


@CLAIMS.claim("shorter_still", "the shorter the less a feature matters")
def _(run):
    """The median trained length of feature 19 is less than half of that of feature 13."""
    median = run.lengths.median(0).values
    return number(median[19] / median[13], ".2f").at_most(0.5)


@CLAIMS.claim("adam_zero", "takes about twenty steps")
def _(run):
    """Under Adam feature 0 reaches length 1/2 after 18 to 26 steps."""
    return number(run.adam_steps[0], ".0f").between(18, 26)


@CLAIMS.claim("sgd_ratio", "about one and a half times as long")
def _(run):
    """Under SGD at p = 0.1 the first four features take longer by a factor of 1.3 to 1.65 each."""
    return number(run.per_feature, ".2f").between(1.3, 1.65)


@CLAIMS.claim("later_longer", "Later ones take longer still")
def _(run):
    """From feature 3 to 6 the factor is larger than 1/0.7."""
    factor = (run.sgd_steps[6] / run.sgd_steps[3]) ** (1 / 3)
    return number(factor, ".2f").between(1.43, 3)


@CLAIMS.claim("adam_together", "arrive together, after some twenty steps")
def _(run):
    """Under Adam the first five features arrive within a few steps of each other."""
    first = run.adam_steps[:5]
    return true([first.max() - first.min() <= 4, first.min() >= 17, first.max() <= 28])


@CLAIMS.claim("adam_limit", "That is a speed limit")
def _(run):
    """A direction of five entries that move by the rate reaches length 1/2 after 22 steps."""
    return number(run.limit, ".0f").near(22.36, 0.01)


@CLAIMS.claim("large_dense", "hardly any superposition on dense data")
def _(run):
    """With 100 features in 20 dimensions about 20 are represented at p = 1, at most 3 sharing."""
    kept = run.kept_100[0].sum(-1).double().mean()
    return true([19 <= kept <= 21, run.shared_100[0] <= 3])


@CLAIMS.claim("large_sparse", "nearly every one of them shares")
def _(run):
    """At p = 1/20 at least nine of ten represented features are in superposition."""
    kept = run.kept_100[-1].sum()
    return share(int(2 * run.shared_100[-1]), int(kept)).at_least(0.9)


@CLAIMS.claim("large_loss", "falls below the best linear loss as soon as features share")
def _(run):
    """The exact loss is that of the best linear model at p = 1, and half of it at p = 1/20."""
    ratio = run.loss_100.mean(1) / run.linear_100
    return true([abs(ratio[0] - 1) < 0.02, ratio[-1] < 0.5, bool((ratio[3:] < 0.97).all())])
