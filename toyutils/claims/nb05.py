"""Claims of notebook 05: the pentagon."""

import math
from dataclasses import replace

import torch

from toyutils import geometry, theory
from toyutils.claims import Claims, number, share, true

CLAIMS = Claims(
    "05",
    definitions=(
        "[06 · Gradients by hand]",
        "count over 960 models",
        "of the 64 models",
        "the limit of one half",
        "Nudge it 64 times",
        "in two sets of 64",
        "2.5 % at either end",
        "nothing seen in 64 seeds",
        "the *95 % interval*",
    ),
)


@CLAIMS.claim("dense-two", "the two most important features have a direction each, at right angles")
def _(run):
    """At S = 0 with I = 0.7^i features 0 and 1 are represented, at 90°, and no other."""
    W = run.model.W[0].detach()
    kept = geometry.represented(W).tolist() == [True, True, False, False, False]
    angle = geometry.gaps(W[:, :2])[0]
    return replace(true([kept, abs(float(angle) - 90) < 5]), n=None)


@CLAIMS.claim("shorter-first", "First the longest arrows get shorter")
def _(run):
    """In the first steps the longest arrow gets shorter in the film, and in the median seed."""
    longest = geometry.feature_norms(run.history["W"]).max(-1).values
    change = longest[12] - longest[0]
    return true([float(change[run.shown]) < 0, float(change.median()) < -0.2])


@CLAIMS.claim("film-pentagon", "every arrow is equally far from its neighbours")
def _(run):
    """The film ends in a pentagon, its gaps within 5° of 72°."""
    return number(run.worst_gap[run.shown]).at_most(5)


@CLAIMS.claim("film-gaps", "most models end as regular pentagons")
def _(run):
    """With S = 0.99 and equal importance the gaps of most models lie within 5° of 72°."""
    return share(run.worst_gap < 5).at_least(0.5)


@CLAIMS.claim("worse-than-zero", "several times *worse than answering zero*")
def _(run):
    """The start of the median seed costs several times what answering zero costs."""
    return number(run.losses[0].median() / (0.01 / 3)).at_least(3)


@CLAIMS.claim("sixteen", "by a factor of about sixteen")
def _(run):
    """The median trained model costs a sixteenth of what answering zero costs."""
    return number(0.01 / 3 / run.losses[-1].median()).near(16.642, 0.02)


@CLAIMS.claim("no-more", "the best model that we find on the exact loss gains no more")
def _(run):
    """The exact optimum found is a pentagon, better than answering zero by a factor of 16.64."""
    return number(0.01 / 3 / run.best.loss).near(16.642, 1e-3)


@CLAIMS.claim("nearly-all-four", "nearly all models keep four features")
def _(run):
    """With I = 0.7^i at S = 0.9 nearly all of 64 models keep four features."""
    return share(run.n_kept[0, run.at] == 4).at_least(0.8)


@CLAIMS.claim("four-at-07", "most keep four, too")
def _(run):
    """With I = 0.7^i at S = 0.7 most of 64 models keep four features."""
    return share(run.n_kept[0, run.sparsities.index(0.7)] == 4).at_least(0.6)


@CLAIMS.claim("sparser-more", "More sparsity, more features")
def _(run):
    """With I = 0.7^i the mean number kept grows by half a feature or more, S = 0, 0.9, 0.99."""
    mean = run.n_kept[0, [0, 2, 4]].double().mean(-1)
    return true(mean.diff() > 0.5)


@CLAIMS.claim("importance-against", "Unequal importance works against")
def _(run):
    """At S = 0.9 five features are kept far more often with equal importance than with 0.7^i."""
    equal, unequal = (share(run.n_kept[i, run.at] == 5) for i in (2, 0))
    return number(equal.low - unequal.high).at_least(0.2)


@CLAIMS.claim("odd-row-equal", "agree to within one percent")
def _(run):
    """With I = 1 at S = 0 all 64 losses lie within 1 % of 3/5 · 1/12."""
    return true((run.loss[2, 0] / 0.05 - 1).abs() < 0.01)


@CLAIMS.claim("continuum", "cuts through a continuum")
def _(run):
    """With I = 1 at S = 0 at least one length in ten lies between 0.35 and 0.65."""
    lengths = geometry.feature_norms(run.W[2, 0])
    return share((lengths > 0.35) & (lengths < 0.65)).at_least(0.1)


@CLAIMS.claim("threshold-fine", "lengths between 0.35 and 0.65 are rare")
def _(run):
    """In the other rows fewer than one length in thirty lies between 0.35 and 0.65."""
    lengths = geometry.feature_norms(run.W)
    between = ((lengths > 0.35) & (lengths < 0.65)).flatten(2)
    others = torch.cat([between[:2].flatten(), between[2, 1:].flatten()])
    return replace(share(others).at_most(0.033), shown="0.35 to 0.65", n=None)


@CLAIMS.claim("best-keeps-five", "the best model keeps five features, whatever the importance")
def _(run):
    """At S = 0.97 and 0.99 the model with the lowest exact loss keeps five features."""
    return true(run.kept_by_best[:, 3:] == 5)


@CLAIMS.claim("depends", "four with $I = 0.7^i$")
def _(run):
    """At S = 0.9 the best model keeps 4, 5 and 5 features with I = 0.7^i, 0.9^i and 1."""
    return replace(true(run.kept_by_best[:, run.at] == torch.tensor([4, 5, 5])), shown="0.7")


@CLAIMS.claim("nearly-all-square", "Nearly all are a square with one feature dropped")
def _(run):
    """With I = 0.7^i at S = 0.9 nearly all models are two antipodal pairs at right angles."""
    return share([name == "square, 1 dropped" for name in run.names]).at_least(0.8)


@CLAIMS.claim("nearly-all-square-again", "nearly all models form them")
def _(run):
    """With I = 0.7^i at S = 0.9 nearly all models form two antipodal pairs."""
    pairs = ("square, 1 dropped", "two antipodal pairs, 1 dropped")
    return share([name in pairs for name in run.names]).at_least(0.8)


@CLAIMS.claim("film-collapse", "the others swing into two antipodal pairs")
def _(run):
    """In the order 0-1-2-3-4 the pentagon loses feature 4 at S = 0.9 and ends as a square."""
    W = run.at_90["W"][-1, 0]
    shape = geometry.name_shape(W)
    return true([shape.dropped == (4,), shape.name == "square"])


@CLAIMS.claim("holds-later", "At $S = 0.97$ it settles a little and holds")
def _(run):
    """At S = 0.97 the pentagon holds in all twelve orders."""
    shapes = [geometry.name_shape(W) for W in run.slides["S = 0.97"]["W"][-1]]
    return replace(true([shape.name == "pentagon" for shape in shapes]), shown="0.97", n=None)


def _collapsed(run):
    shapes = [geometry.name_shape(W) for W in run.W_end[~run.stays]]
    return all(shape.name in ("square", "two antipodal pairs") for shape in shapes)


@CLAIMS.claim("eleven", "Eleven of the twelve slide into two pairs")
def _(run):
    """At S = 0.9 with I = 0.7^i eleven of the twelve orders end as two antipodal pairs."""
    return number(int((~run.stays).sum()), ".0f").between(11, 11 if _collapsed(run) else 0)


@CLAIMS.claim("eleven-again", "in eleven of the twelve orders")
def _(run):
    """At S = 0.9 with I = 0.7^i a pentagon slides into two pairs in eleven of twelve orders."""
    return number(int((~run.stays).sum()), ".0f").between(11, 11 if _collapsed(run) else 0)


@CLAIMS.claim("the-one", "keeps five arrows")
def _(run):
    """The order that holds is 0-2-3-1-4."""
    return true([run.orders[run.the_one] == (0, 2, 3, 1, 4)])


@CLAIMS.claim("all-return", "All of them return")
def _(run):
    """All of 64 nudged copies of the pentagon in the order 0-2-3-1-4 return to it."""
    return share(run.returns.abs() < 1e-6).at_least(0.9)


@CLAIMS.claim("dear", "is not even a local minimum")
def _(run):
    """The pentagon that holds costs 0.0280 p where the best model found costs 0.0232 p."""
    dear, best = run.end_loss[run.the_one], run.optimum.loss / 0.1
    return true([abs(float(dear) / 0.02801 - 1) < 1e-3, abs(float(best) / 0.02319 - 1) < 1e-3])


@CLAIMS.claim("two-pairs-best", "a pentagon is not the best arrangement")
def _(run):
    """The exact optimum found at S = 0.9 with I = 0.7^i is two antipodal pairs."""
    shape = geometry.name_shape(run.optimum.W)
    return true([shape.name in ("square", "two antipodal pairs"), shape.dropped == (4,)])


@CLAIMS.claim("most-orders", "in most orders")
def _(run):
    """In most of the twelve orders the pentagon is not a local minimum."""
    return share(~run.stays).at_least(0.6)


@CLAIMS.claim(
    "longer-and-lower", "The sparser the data, the longer the arrows and the lower the bias"
)
def _(run):
    """The regular pentagon's length grows and its bias falls with the sparsity."""
    length, bias = (
        torch.tensor(run.columns_equal["length"]),
        torch.tensor(run.columns_equal["bias"]),
    )
    return true(torch.cat([length.diff() > 0, bias.diff() < 0]))


@CLAIMS.claim("neighbour", "0.42 times")
def _(run):
    """What a neighbour of the sparse-limit pentagon receives of an active feature."""
    return number(run.ideal.radius**2 * math.cos(math.radians(72)), ".2f").near(0.4233, 1e-3)


@CLAIMS.claim("silenced", "below 0.67")
def _(run):
    """The bias silences the neighbours up to this value of the active feature."""
    overlap = run.ideal.radius**2 * math.cos(math.radians(72))
    right = abs(run.ideal.radius**2 - 1.37) < 5e-3 and abs(run.ideal.bias + 0.28) < 5e-3
    return number(-run.ideal.bias / overlap, ".2f").near(0.6668 if right else 0.0, 1e-3)


@CLAIMS.claim("crossing", "cross near $S = 0.94$")
def _(run):
    """The exact branches of two pairs and pentagon cross at S = 0.94, to a hundredth."""
    worse = run.five - run.four
    k = int((worse > 0).nonzero().max())
    part = float(worse[k] / (worse[k] - worse[k + 1]))
    return number(torch.lerp(run.S_fine[k], run.S_fine[k + 1], part), ".2f").between(0.935, 0.945)


@CLAIMS.claim("crossing-again", "It becomes the better one near $S = 0.94$")
def _(run):
    """The best trained model keeps four features up to S = 0.93 and five from 0.95 on."""
    better = run.best_trained[5] < run.best_trained[4]
    low, high = run.S_fine < 0.935, run.S_fine > 0.945
    return replace(true([*~better[low], *better[high]]), shown="0.94")


@CLAIMS.claim("both-sides", "near the crossing both arrangements are minima on both sides")
def _(run):
    """At S = 0.93 and S = 0.95 the descent from either arrangement stays with it."""
    near = [5, 7]
    five = run.five[near].isfinite()
    four = geometry.represented(run.W_four[near]).sum(-1) == 4
    return true([*five, *four])


@CLAIMS.claim("by-hand-above", "above its branch")
def _(run):
    """Two pairs by hand cost at least what their branch costs, by less than a tenth."""
    excess = run.formula / run.four - 1
    return true((excess > 0) & (excess < 0.1))


@CLAIMS.claim("below-branch", "a little below it, by a percent or less")
def _(run):
    """The best trained models with four features cost as much as the branch, or 1 % less."""
    ratio = run.best_trained[4] / run.four
    return true((ratio < 1.001) & (ratio > 0.99))


@CLAIMS.claim("scatter", "the standard deviation")
def _(run):
    """The shares of a thousand draws of 64 scatter as the formula says, to a tenth."""
    spread = [
        float(run.seen[name].std() / math.sqrt(q * (1 - q) / 64)) for name, q in run.truth.items()
    ]
    return true([abs(ratio - 1) < 0.1 for ratio in spread])


@CLAIMS.claim("two-sets", "may therefore well differ by a tenth")
def _(run):
    """In more than a tenth of pairs of draws with q = 1/2 the two shares differ by 0.1 or more."""
    one, other = run.seen["q = 1/2"].view(2, 500)
    return share((one - other).abs() >= 0.1).at_least(0.1)


@CLAIMS.claim("rule-of-three", "room for a share of nearly five percent")
def _(run):
    """A share of 1 - 0.05^(1/64) shows up in none of 64 seeds with probability 5 %."""
    return number(1 - 0.05 ** (1 / 64), ".3f").near(0.0457, 2e-3)


@CLAIMS.claim(
    "zero-of-64",
    "Zero of 64 does not mean never: it is compatible with a share of up to 6 %",
)
def _(run):
    """Zero of 64 is compatible with a share of up to 6 % (Wilson, 95 %)."""
    return replace(number(share(0, 64).high).between(0.055, 0.065), shown="64: 6 %")


@CLAIMS.claim("same-best", "reach the same best loss")
def _(run):
    """The lowest exact losses of both recipes agree to half a percent."""
    lowest = [float(loss.min()) for loss in run.recipe_loss.values()]
    return number(max(lowest) / min(lowest)).at_most(1.005)


@CLAIMS.claim("share-differs", "by more than chance")
def _(run):
    """Ours finds five features more often than the published recipe, by two standard errors."""
    fast, published = (run.recipe_five[name].double().mean() for name in ("ours", "published"))
    error = math.sqrt(fast * (1 - fast) / 64 + published * (1 - published) / 64)
    return number(fast - published, ".2f", error).at_least(0)


@CLAIMS.claim("pentagons-form", "in nearly all of 64 seeds")
def _(run):
    """With equal importance nearly all models are pentagons at S = 0.97 and at S = 0.99."""
    named = [[geometry.name_shape(w).name == "pentagon" for w in run.W[2, j]] for j in (3, 4)]
    fewer = min(named, key=sum)
    return replace(share(fewer).at_least(0.8), shown="64")


@CLAIMS.claim("symmetric", "costs less than a quarter of that", kind="proved")
def _(run):
    """In the sparse limit the best regular pentagon costs below 1/4 of 1/15: no zero arrow can."""
    corners = geometry.polygon(5, run.ideal.radius).double()
    loss = theory.sparse_limit_loss(corners, torch.full((5,), run.ideal.bias).double())
    return number(15 * loss, ".3f").between(0.2373, 0.2375)
