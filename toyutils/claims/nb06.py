"""Claims of notebook 06: gradients by hand."""

from dataclasses import replace

import numpy as np
import torch

from toyutils import geometry, theory
from toyutils.claims import Claims, number, share, true

CLAIMS = Claims(
    "06",
    definitions=(
        "descends no loss at all",
        "**half the sum** over features",
        "Half, because the slope",
        "All three steps on one page",
        "Never trust a gradient",
        "32 seeds side by side",
    ),
)


def _exact(run, W, b):
    importance = torch.tensor(run.importance)
    return np.asarray(
        theory.expected_loss(torch.tensor(W), torch.tensor(b), 0.9, importance) * 5 / 2
    )


@CLAIMS.claim("two-uses", "Two uses, two equal terms")
def _(run):
    """Nudging the encoder's use of w and the decoder's raises y by the same amount, w x each."""
    by_encoder, by_decoder, _ = run.rises
    return number(by_encoder / by_decoder).near(1, 1e-9)


@CLAIMS.claim("factor-two", "off by a factor of two here")
def _(run):
    """The slope of both uses together is twice that of one."""
    return number(run.rises[2] / run.rises[0]).between(1.99, 2.02)


@CLAIMS.claim("sample-density", "at a density of 0.1 about two of twenty entries")
def _(run):
    """Of twenty entries drawn at a density of 0.1 two are not zero on average."""
    drawn = run.sample(np.random.default_rng(0), (20_000, 20), 0.1)
    return replace(number((drawn > 0).sum(1).mean()).between(1.9, 2.1), shown="0.1")


@CLAIMS.claim("agree-nudging", "finite differences to better than one in a million")
def _(run):
    """The derived gradient differs from finite differences by less than 1e-6 of its length."""
    return number(max(run.against_nudging)).at_most(1e-6)


@CLAIMS.claim("agree-autograd", "with autograd to the last digits")
def _(run):
    """The derived gradient equals that of autograd on `ReLUModel` up to rounding."""
    return number(max(run.against_autograd)).at_most(1e-13)


@CLAIMS.claim("sgd-optimum", "reaches the exact optimum")
def _(run):
    """The best of 32 seeds of plain SGD lies within 1 % above the best exact minimum found."""
    return number(run.loss_right.min() / run.optimum_loss).between(1 - 1e-9, 1.01)


@CLAIMS.claim("right-four", "four features in most seeds")
def _(run):
    """Four features are kept by most seeds of the right gradient at 1 - S = 0.1, 0.7^i."""
    return share((run.kept_right.sum(-1) == 4).tolist()).at_least(0.75)


@CLAIMS.claim("pub-falls", "The loss has fallen by more than half and come to rest")
def _(run):
    """The exact loss of the first published run falls below half, and by 5 % at most at the end."""
    first, before, last = (_exact(run, *run.film_pub[k][1:])[0] for k in (0, -12, -1))
    return number(max(last / first, 10 * abs(last / before - 1))).at_most(0.5)


@CLAIMS.claim("descends-first", "it descends at first, in every seed")
def _(run):
    """Over the first tenth of its steps the published rule lowers the exact loss in every seed."""
    first, later = (_exact(run, *run.film_pub[k][1:]) for k in (0, 6))
    return true((later < first).tolist())


@CLAIMS.claim("pub-pentagon", "a fine pentagon")
def _(run):
    """The published rule's first seed ends as a regular pentagon, gaps within 10 degrees."""
    return true(geometry.name_shape(torch.tensor(run.W_pub[0])).name == "pentagon")


@CLAIMS.claim("pub-five", "five in every seed")
def _(run):
    """The published rule keeps five features in every seed."""
    return true((run.kept_pub.sum(-1) == 5).tolist())


@CLAIMS.claim("pub-off", "tens of per cent")
def _(run):
    """The published slopes differ from the true gradient by more than 20 %, W and b alike."""
    return number(min(run.off_by)).at_least(0.2)


@CLAIMS.claim("error-alone", "what stands there is the error alone")
def _(run):
    """The published slope of the bias is right only where all importances are 1."""
    loss = lambda b: run.half_sum_loss(run.W, b, run.x, np.ones(5))  # noqa: E731
    alone = theory.numeric_gradient(loss, run.b)
    off = np.linalg.norm(run.published[1] - alone) / np.linalg.norm(alone)
    return true([off < 1e-6, run.off_by[1] > 0.2])


@CLAIMS.claim("penalty-twice", "It adds twice as much")
def _(run):
    """The slope of the penalty α Σ w² is 2 α w for every weight."""
    return true(np.abs(run.by_penalty - 2).ravel() < 1e-4)


@CLAIMS.claim("right-lower", "in most seeds the right gradient ends lower")
def _(run):
    """In most seeds the right gradient ends at a lower exact loss than the published rule."""
    return share((run.loss_right < run.loss_pub).tolist()).at_least(0.5)


@CLAIMS.claim("quarter", "Its median is lower by a quarter")
def _(run):
    """The median loss of the right gradient lies a quarter below that of the published rule."""
    return number(1 - np.median(run.loss_right) / np.median(run.loss_pub)).between(0.22, 0.28)


@CLAIMS.claim("exceptions", "None of them")
def _(run):
    """No seed in which the right gradient ends higher keeps exactly features 0 to 3."""
    best = np.arange(5) < 4
    return share([bool((run.kept_right[k] == best).all()) for k in run.higher]).between(0, 0)


@CLAIMS.claim("downhill", "In every seed the loss falls further")
def _(run):
    """From every published end the exact loss falls by 5 % or more."""
    return true((run.loss_down < 0.95 * run.loss_pub).tolist())


@CLAIMS.claim("fifth-goes", "most models let go of their fifth feature")
def _(run):
    """Downhill from the published pentagon most models end with four features."""
    kept = geometry.represented(run.W_down).sum(-1)
    return share(kept == 4).at_least(0.65)


@CLAIMS.claim("neighbours", "neighbours that light up although they are absent")
def _(run):
    """With feature 0 alone active on the published pentagon, two absent outputs are not zero."""
    return number((run.y[0, 1:] > 0).sum(), ".0f").between(2, 2)


@CLAIMS.claim("symmetric", "symmetric as far as finite differences can tell")
def _(run):
    """The Jacobian of the right gradient is symmetric to 1e-6 at twenty random places."""
    return number(max(run.uneven["right"])).at_most(1e-6)


@CLAIMS.claim("no-loss", "loss")
def _(run):
    """The Jacobian of the published rule is unsymmetric by more than a tenth at every place."""
    return number(min(run.uneven["published"])).at_least(0.1)


@CLAIMS.claim("cosine", "never below one half")
def _(run):
    """At 300 random places the cosine of published and right direction is above one half."""
    return number(min(run.cosines)).at_least(0.5)


@CLAIMS.claim("wide-right", "a median loss of 0.10")
def _(run):
    """With 32 features at density 0.1 the right gradient's median loss is near 0.10."""
    return number(np.median(run.losses[0.1, "right"]), ".2f").between(0.09, 0.11)


@CLAIMS.claim("wide-pub", "the published one at 0.15")
def _(run):
    """With 32 features at density 0.1 the published rule's median loss is near 0.15."""
    return number(np.median(run.losses[0.1, "published"]), ".2f").between(0.14, 0.155)


def _lower(run, density):
    return true((run.losses[density, "right"] < run.losses[density, "published"]).tolist())


@CLAIMS.claim("wide-lower-1", "lower in every seed")
def _(run):
    """With 32 features at density 0.1 the right gradient ends lower in every seed."""
    return _lower(run, 0.1)


@CLAIMS.claim("wide-lower-2", "lower in every seed")
def _(run):
    """With 32 features at density 0.02 the right gradient ends lower in every seed."""
    return _lower(run, 0.02)


@CLAIMS.claim("wide-kept", "more than twice as many features")
def _(run):
    """With 32 features the published rule keeps more than twice as many, at both densities."""
    ratios = [
        np.median(run.counts[p, "published"]) / np.median(run.counts[p, "right"])
        for p in (0.1, 0.02)
    ]
    return number(min(ratios)).at_least(2)


@CLAIMS.claim("hexagon-video", "six or seven in the median")
def _(run):
    """From starts a hundred times shorter the published rule's median seed keeps 6 or 7 of 32."""
    return number(np.median(run.n_short)).between(6, 7)


@CLAIMS.claim("hexagon-fewer", "far fewer than before")
def _(run):
    """From the shorter starts no seed keeps as many as any did from the longer ones."""
    return number(run.n_short.max() / run.counts[0.1, "published"].min()).at_most(0.95)


@CLAIMS.claim("at-rest", "most seeds keep the same set through the last third of the steps")
def _(run):
    """Two thirds through training most seeds of 32 features keep what they keep at the end."""
    then = np.linalg.norm(run.records[40][1], axis=1) > 0.5
    return share((then == run.kept).all(1).tolist()).at_least(0.5)


@CLAIMS.claim("order", "with few surprises")
def _(run):
    """Of all pairs of settled sets, few have the higher loss at the higher total importance."""
    worth = {s: run.wide[list(s)].sum() for s in run.settled}
    pairs = [(s, t) for s in run.settled for t in run.settled if s < t and len(s) == len(t)]
    surprises = [(worth[s] - worth[t]) * (run.settled[s] - run.settled[t]) > 0 for s, t in pairs]
    return share(surprises).at_most(0.3)


@CLAIMS.claim("started-long", "more than a third")
def _(run):
    """Among features 0 to 7 those kept had started longer than those dropped, by over a third."""
    return number(run.started["kept"] / run.started["dropped"]).at_least(4 / 3)


@CLAIMS.claim("short-starts", "the kept features are more important ones")
def _(run):
    """From shorter starts the kept features have a lower mean number."""
    mean = [np.nonzero(kept)[1].mean() for kept in (run.kept, run.kept_short)]
    return number(mean[0] - mean[1]).at_least(0.3)
