"""Claims of notebook 17: memorising and generalising."""

import math

import torch

from toyutils import geometry, memorising
from toyutils.claims import Claims, number, share, true

CLAIMS = Claims(
    "17",
    definitions=(
        "sees all of them in every step",
        "There are 150 features",
        "each absent with probability 0.97",
        "the squared errors of all features",
        "between 0 and 1",
        "and 0 for every other",
        "for each number of points from 4 to 8",
        "says that below about 1,000 points",
        "At 1,000 points we expect",
        "With 5 points the hidden vectors",
        "with 640 the columns",
        "a polygon with all points in it",
        "With 5 points new points lose",
        "Around 80 points",
        "at 5 and at 640 points",
        "At 640 points",
        "answers 0 for the rest",
        "In July 2023",
        "At 80 points one start",
        "too few",
        "At 320 points",
        "at 320 points against the one start",
        "1,000 features at a sparsity of 0.99",
        "15,000 steps",
        "rate of 0.001",
        "by 1,000 points",
        "at 500 points it loses",
        "And at 1,000 points",
        "up to some 500,000 points",
        "After 10,000 steps",
        "turned at 3,000 points",
        "The paper trains 50,000 steps",
        "turn at about 5,000 points",
        "here 1 instead of none",
        "at 80 points the models",
        "at 80 points it is",
        "at 80 points, one with",
        "a test loss below 1",
        "features that are all alike",
        "Up to 500,000 points, as the authors did",
    ),
)


def _between(run, values):
    """Return for each set the highest of `values` (size, set) at 20 to 160 points."""
    return values[2:6].max(0).values


@CLAIMS.claim("zero_answer", "a model that answers zero loses 1")
def _(run):
    """Answering zero loses the whole of every point of length one."""
    return number(run.lost(run.zero, run.zero[0], run.test), ".0f").near(1, 1e-5)


@CLAIMS.claim("five_kept", "Nearly nothing of the five points is lost")
def _(run):
    """Eight models of five points lose less than a twentieth each in the median."""
    return number(run.single[0].loss.median(), ".4f").at_most(0.02).between(0, 0.02)


@CLAIMS.claim("five_pentagon", "Seen as points it is a pentagon")
def _(run):
    """The five hidden vectors lie one by one on a ring: gaps near 72 degrees, and D near 2/5."""
    gaps = geometry.gaps(run.h)
    return true([bool((gaps - 72).abs().max() < 25), abs(run.h.shape[1] - 5) < 1])


@CLAIMS.claim("two_fifths", "Each of the five has two fifths of a dimension")
def _(run):
    """The mean dimensionality of five points is 2/5, over the eight sets."""
    return number(run.single[0].points.mean(), ".2f").near(0.4, 0.03)


@CLAIMS.claim("polygon_exact", "any number of points can be stored without loss")
def _(run):
    """The written polygons of 3 to 60 points that share no feature lose nothing."""
    losses = []
    for T in (3, 4, 5, 9, 20, 60):
        x = torch.eye(T, dtype=torch.float64).repeat_interleave(2, 1) / math.sqrt(2)
        losses.append(memorising.lost(*memorising.polygon_of_points(x), x))
    losses += [torch.tensor(loss) for loss in run.written_loss]
    return number(max(float(loss) for loss in losses), ".1e").at_most(1e-6)


@CLAIMS.claim("length_cubed", "the squared length 416 times larger")
def _(run):
    """From 4 to 32 points the squared length of W grows by T / (1 - cos(2π / T))."""
    exact = 8 * (1 - math.cos(math.pi / 2)) / (1 - math.cos(math.pi / 16))
    shown = run.lengths[-1] / run.lengths[0]
    return number(shown, ".0f").near(exact, 1e-3).between(280, 420)


@CLAIMS.claim("polygons_found", "Most of them are polygons")
def _(run):
    """Of 40 models of strangers, the hidden vectors of most are a polygon of all points."""
    names = {4: "square", 5: "pentagon", 6: "hexagon", 7: "heptagon", 8: "octagon"}
    return share([name == names[T] for T, all_ in run.shapes.items() for name in all_]).at_least(
        0.5
    )


@CLAIMS.claim("strangers_lost", "the median loss is nearly zero")
def _(run):
    """The median loss of the 40 models of strangers is below one thousandth."""
    losses = torch.cat([loss.flatten() for loss in run.stranger_loss.values()])
    return number(losses.median(), ".5f").at_most(1e-3)


@CLAIMS.claim("share_here", "one pair in eight")
def _(run):
    """Of all pairs of the 640 points of eight sets, about an eighth share a feature."""
    active = (run.x > 0).float()
    pairs = (active @ active.mT > 0).float().triu(1).sum() / (8 * 640 * 639 / 2)
    expected = 1 - (1 - (1 - run.S) ** 2) ** run.n_features
    return (
        number(pairs, ".3f")
        .near(expected / (1 - run.S**run.n_features) ** 2, 0.04)
        .between(1 / 8.5, 1 / 7.5)
    )


@CLAIMS.claim("share_published", "one pair in a hundred")
def _(run):
    """At the published size a pair shares a feature with probability 0.01."""
    return number(run.published[0] / 10, ".2f").near(0.01, 0.01)


@CLAIMS.claim("pairs_thousand", "4,970 pairs that are not")
def _(run):
    """Of 1,000 points of the published kind, 4,970 pairs are expected to share a feature."""
    return number(run.published[2], ",.0f").near(4970, 1e-3)


@CLAIMS.claim("pairs_one", "from 15 points on at least one")
def _(run):
    """The expected number of pairs passes 1 between 14 and 15 points."""
    counts = [run.expected_sharing(T, 10_000, 0.001) for T in (14, 15)]
    return number(15 if counts[0] < 1 <= counts[1] else 0, ".0f").near(15, 0)


@CLAIMS.claim("five_long", "about five of them are long")
def _(run):
    """At 640 points four to seven columns are longer than half of the longest, in the median."""
    norms = run.models[-1].W.norm(dim=1)
    n_long = (norms > 0.5 * norms.max(1, keepdim=True).values).sum(1)
    return number(n_long.double().quantile(0.5), ".1f").between(4, 7)


@CLAIMS.claim("starts_on_line", "The points begin on the line")
def _(run):
    """At five points the mean of the points' dimensionalities is 2/5 in the median."""
    return number(run.points[0].median(), ".3f").near(0.4, 0.03)


@CLAIMS.claim("cross_once", "in all eight sets")
def _(run):
    """The two curves of each set change places exactly once."""
    return share(run.crossings == 1).at_least(0.65)


@CLAIMS.claim("features_end", "the features are ahead at the largest size")
def _(run):
    """At 640 points the features have more room than the points in all sets, threefold."""
    return share(run.own[-1] > 3 * run.points[-1]).at_least(0.65)


@CLAIMS.claim("features_dip", "the features have less room than at the start")
def _(run):
    """At 40, 80 and 160 points the features have less room than at 5 points, in all sets."""
    return share((run.own[3:6] < run.own[0]).all(0)).at_least(0.65)


@CLAIMS.claim("features_rise", "The features rise only later")
def _(run):
    """From 160 to 640 points the features' room grows at least twofold in the median."""
    return number((run.own[-1] / run.own[5]).median(), ".2f").at_least(2)


@CLAIMS.claim("bump_single", "in all eight sets more than")
def _(run):
    """In each set the test loss at 80 points exceeds both ends."""
    ends = torch.maximum(run.testing[0], run.testing[-1])
    return share(run.testing[4] > ends).at_least(0.65)


@CLAIMS.claim("early_test", "new points lose about what a zero answer loses")
def _(run):
    """At five points the median test loss is 1, to within 4 percent."""
    return number(run.testing[0].median(), ".3f").near(1, 0.04)


@CLAIMS.claim("late_test", "the model loses a little less than one that keeps five features")
def _(run):
    """At 640 points the median test loss is below 1 - 5/150, by less than 3 percent."""
    return number(run.testing[-1].median(), ".3f").between(0.94, 1 - 5 / 150)


@CLAIMS.claim("length_peak", "The bump stands where $W$ is long")
def _(run):
    """The median length of W is largest at 40 to 160 points, thrice that at the ends."""
    middle = run.length.median(1).values
    return true([int(middle.argmax()) in (3, 4, 5), middle.max() > 3 * middle[[0, -1]].max()])


@CLAIMS.claim("wide_sets", "The sets differ widely")
def _(run):
    """At 80 points the highest test loss is at least twice the lowest."""
    return number(run.testing[4].max() / run.testing[4].min(), ".1f").at_least(2)


@CLAIMS.claim("bump_best", "the bump is still there in all eight sets")
def _(run):
    """With the best of eight starts, too, each set loses more in between than at the ends."""
    ends = torch.maximum(run.best_test[0], run.testing[-1])
    return share(_between(run, run.best_test) > 1.05 * ends).at_least(0.65)


@CLAIMS.claim("long_lowers", "lowers the training loss in nearly all of these cases")
def _(run):
    """Of 32 cases the longer training ends lower in nearly all."""
    return share(run.long_train < run.short_train).at_least(0.8)


@CLAIMS.claim("long_raises", "it raises the test loss in nearly all")
def _(run):
    """Of 32 cases the longer training loses more on new points in nearly all."""
    return share(run.long_test > run.short_test).at_least(0.8)


@CLAIMS.claim("long_length", "The weights have grown longer, too")
def _(run):
    """In nearly all of the 32 cases W is longer than after the short training of one start."""
    longer = torch.stack([measured.length[:, 0] for measured in run.longer])
    return share(longer > run.length[3:7]).at_least(0.8)


@CLAIMS.claim("long_320", "a test loss several times as high")
def _(run):
    """At 320 points the longer training loses at least twice as much on new points (median)."""
    return number((run.long_test[3] / run.short_test[3]).median(), ".1f").at_least(2)


@CLAIMS.claim("decay_flat", "With it the bump is gone")
def _(run):
    """With decay the highest median test loss stays within 4 percent of the one at 5 points."""
    middle = run.decayed_test.median(1).values
    return number(middle[1:].max() / middle[0], ".3f").at_most(1.04)


@CLAIMS.claim("decay_own", "the models lose more of their own points than without")
def _(run):
    """At 80 points every set loses more of its own points with decay than without."""
    return share(run.decayed[4].loss[:, 0] > run.training[4]).at_least(0.65)


@CLAIMS.claim("raw_bump", "it is higher than at both ends, in most sets")
def _(run):
    """By exact loss, points as drawn: at 80 points most sets lose more than at 5 and 320."""
    return share(run.raw_test[1] > torch.maximum(run.raw_test[0], run.raw_test[2])).at_least(0.65)


def _starts(measures, name):
    best = measures.loss.argmin(-1, keepdim=True)
    return getattr(measures, name).gather(-1, best)[..., 0]


@CLAIMS.claim("big_again", "Both agree")
def _(run):
    """The stored loss and the one computed from stored weights and points agree."""
    return number(run.again / run.stored, ".4f").near(1, 1e-4)


@CLAIMS.claim("big_bump", "one start has its bump at 500 points")
def _(run):
    """At the paper's rate one start's median test loss is highest at 500 points."""
    middle = run.best_of(run.slow, 1, "test_loss").median(1).values
    return number(run.big.n_points[middle.argmax()], ".0f").near(500, 0)


@CLAIMS.claim("big_turned", "all sets have turned to features")
def _(run):
    """At 1,000 points the paper's rate gives features more room than points in all eight sets."""
    points, features = (_starts(run.slow, name)[-1] for name in ("points", "features"))
    return share(features > 2 * points).at_least(0.65)


@CLAIMS.claim("big_best_higher", "it loses more than one start in 7 of 8 sets")
def _(run):
    """At 500 points the best of eight loses more on new points than the first start."""
    one, eight = (run.best_of(run.slow, k, "test_loss")[-2] for k in (1, 8))
    return share(eight > one).at_least(0.5)


@CLAIMS.claim("big_fast_lower", "in all eight sets with a lower training loss")
def _(run):
    """At 1,000 points the tenfold rate ends with a lower training loss in every set."""
    slow, fast = (_starts(runs, "loss")[-1] for runs in (run.slow, run.fast))
    return share(fast < 0.99 * slow).at_least(0.65)


@CLAIMS.claim("big_fast_points", "the tenfold rate still stores points")
def _(run):
    """At 1,000 points the tenfold rate leaves no feature more than a tenth of the room."""
    most = _starts(run.fast, "features")[-1]
    return number(most.max(), ".3f").at_most(0.05)


@CLAIMS.claim("big_fast_test", "New points then cost over a hundred times as much")
def _(run):
    """At 1,000 points the tenfold rate loses over a hundred times as much on new points."""
    slow, fast = (_starts(runs, "test_loss")[-1] for runs in (run.slow, run.fast))
    return number((fast / slow).median(), ".0f").at_least(100)


@CLAIMS.claim("published_flat", "the median loss on new points is nearly 1 throughout")
def _(run):
    """Of 10,000 features the median test loss at every size is 1, to within 3 percent."""
    middle = memorising.stored("published").measures.test_loss[0].flatten(1).median(1).values
    return number(middle.max(), ".0f").near(1, 0.03).between(0.97, 1.03)


@CLAIMS.claim("published_points", "no model has turned")
def _(run):
    """Of 10,000 features and 3,000 points no model gives a feature a fifth of a dimension."""
    features = memorising.stored("published").measures.features[0, -1]
    return share(features > 0.2).at_most(0.35)


@CLAIMS.claim("below_pentagon", "less than the two fifths of a pentagon")
def _(run):
    """At 640 points the features' five largest dimensionalities stay below 2/5 in every set."""
    return share(run.own[-1] < 0.4).at_least(0.65)
