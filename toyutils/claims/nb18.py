"""Claims of notebook 18: what it means at scale."""

import torch

from toyutils.claims import Claims, number, true

CLAIMS = Claims(
    "18",
    definitions=(
        "In most of these notebooks features are equally frequent",
        "from 10 dimensions to 20",
        "1 is the loss of a model that always answers the mean",
        "with 200 features as with many",
        "Three models of 200 features in 13 dimensions",
        "decays of $-1$, 0 and 1",
        "one loses that keeps all of them in too few dimensions",
        "it keeps the $m$ most frequent, a dimension for each",
        "if its output stays at 0 when it is active alone",
        "An output at 0 sends no gradient",
        "It is 1 for a feature that shares its direction with nobody, and 0 for one that has none",
        "have mean 0, variance 1 and",
        "sparse features of density 0.1",
        "scaled to variance 1",
        "at a density of 0.3",
        "the most important have a dimension of their own",
        "Is the benefit the same for all that share?",
        "At a density of 0.6 the kurtosis is that of a Gaussian",
        "its 13 dimensions",
        "shorter than 1/2",
        "20,000 steps, widths up to 150",
        "a batch holds 512 points with something active instead of 2048 as they come",
        "a standard deviation that is 0.5 on our scale",
        "($\\alpha$ from 0.5 to 2)",
        "from the 2.5th to the 97.5th percentile",
    ),
)


def _tail(run, alpha, n_features):
    return run.tail_exponent(alpha, n_features)


@CLAIMS.claim("short_tail", "the ten most frequent features have nearly all of the activity")
def _(run):
    """With α = 2 the ten most frequent of 200 features make up nine tenths of the activity."""
    return number(run.frequencies(run.n, 2.0)[:10].sum(), ".2f").at_least(0.9)


@CLAIMS.claim("long_tail", "they have a small part of it")
def _(run):
    """With α = 0.5 the ten most frequent of 200 features make up less than a quarter."""
    return number(run.frequencies(run.n, 0.5)[:10].sum(), ".2f").at_most(0.25)


@CLAIMS.claim("halved", "about half of the loss")
def _(run):
    """With α = 2 a model that drops its tail halves its loss from 10 dimensions to 20."""
    return number(run.halved, ".2f").between(0.45, 0.55)


@CLAIMS.claim("tail_two", "is close to")
def _(run):
    """With α = 2 the exponent of a dropped tail is within 0.15 of 1, at 200 and 100,000."""
    off = [abs(_tail(run, 2.0, k) - 1) for k in (200, 100_000)]
    return number(max(off), ".2f").at_most(0.15)


@CLAIMS.claim(
    "tail_half", "it is nearly zero once the tail is long", "there the tail holds nearly everything"
)
def _(run):
    """With α = 0.5 and 100,000 features the exponent is under 0.02, and 40 features hold 3 %."""
    rest = float(run.tail_share(run.frequencies(100_000, 0.5), 40))
    return number(rest if _tail(run, 0.5, 100_000) < 0.02 else 0, ".2f").at_least(0.95)


@CLAIMS.claim("all_long", "all directions are long")
def _(run):
    """Under a decay of -1 every direction is longer than 1/2, even longer than 0.7."""
    return true(run.length[0] > 0.7)


@CLAIMS.claim("tail_given_up", "the tail is given up")
def _(run):
    """Under a decay of 1 fewer than a third of the directions are longer than 1/2."""
    return number(run.kept[2] / run.n, ".2f").at_most(1 / 3)


@CLAIMS.claim("weak_shares", "Even the weak model keeps more features than")
def _(run):
    """Under a decay of 1 at least 1.4 directions a dimension are longer than 1/2."""
    return number(run.kept[2] / 13, ".2f").at_least(1.4)


@CLAIMS.claim("exact_loss", "The losses in the table are exact")
def _(run):
    """The losses of the table agree with samples to five percent."""
    sampled = run.scaling.relative_loss(run.three, run.zipf, n_points=16_384)
    return true((sampled / run.three_loss - 1).abs() < 0.05)


@CLAIMS.claim("weak_law", "the loss follows the share that is ignored")
def _(run):
    """Under a decay of 1 and α = 2 the loss is 1 to 2 times what is ignored, at last under 1.4."""
    ratio = run.mean_loss[2, 1] / run.ignored[2, 1].mean(-1)
    return true([bool((ratio > 1).all()), bool((ratio < 2).all()), bool(ratio[-1] < 1.4)])


@CLAIMS.claim("weak_breaks", "the two part at large widths")
def _(run):
    """Under a decay of 1 and α = 0.5 the loss at width 30 is over five times what is ignored."""
    return number(run.mean_loss[0, 1, -1] / run.ignored[0, 1, -1].mean(), ".3g").at_least(5)


@CLAIMS.claim("weak_short", "is close to that of the first $m$ features")
def _(run):
    """Under a decay of 1 and α = 2 the exponent is within 0.4 of that of the first m."""
    return number(run.measured[2, 1] - run.dropping[2], ".2f").between(-0.4, 0.4)


@CLAIMS.claim("weak_steeper", "For the two longer tails it is larger")
def _(run):
    """Under a decay of 1 the exponents at α = 0.5 and 1 exceed those of the first m by 0.3."""
    return true(run.low[:2, 1] - torch.tensor(run.dropping[:2]) > 0.3)


@CLAIMS.claim("strong_above", "exceed one for each of the three tails")
def _(run):
    """Under a decay of -1, from zero biases, every exponent's interval lies above 1.2."""
    return true(run.low[:, 0] > 1.2)


@CLAIMS.claim("strong_grows", "they grow as the tail gets shorter")
def _(run):
    """Under a decay of -1 the exponent at α = 2 exceeds that at α = 0.5 by 0.2."""
    return number(run.measured[2, 0] - run.measured[0, 0], ".2f").at_least(0.2)


@CLAIMS.claim("published_higher", "lie higher")
def _(run):
    """From random biases every mean loss is higher than from zero, by five percent or more."""
    return true(run.mean_loss[:, 2] > 1.05 * run.mean_loss[:, 0])


@CLAIMS.claim("published_flatter", "fall less steeply")
def _(run):
    """From random biases every exponent is lower than from zero biases, by 0.15 or more."""
    return true(run.measured[:, 2] < run.measured[:, 0] - 0.15)


@CLAIMS.claim("silent_some", "Random biases make part of the features silent")
def _(run):
    """From random biases, at α = 0.5 and 1, silent features hold over 4 % of the variance."""
    return number(run.silent[:2, 2].mean(), ".2f").at_least(0.04)


@CLAIMS.claim("silent_fall", "fewer of them in the widest models")
def _(run):
    """At α = 0.5 and 1 silent features hold less variance at width 30 than at width 13."""
    mean = run.silent[:2, 2].mean(-1)
    return true(mean[:, -1] < 0.7 * mean[:, 1])


@CLAIMS.claim("silent_none", "With biases from zero, hardly any are")
def _(run):
    """From zero biases silent features hold under one percent of the variance."""
    return number(run.silent[:, 0].max(), ".3f").at_most(0.01)


@CLAIMS.claim("overlap_near", "the lowest possible overlap is close to that of random directions")
def _(run):
    """At all four widths the Welch bound is at least 0.8 of 1 / m."""
    lowest = (run.n - run.widths) / (run.n - 1)
    return number(lowest.min(), ".2f").at_least(0.8)


@CLAIMS.claim("overlap_bound", "trained models lie between the two or close by")
def _(run):
    """In strong superposition the overlap lies between the Welch bound and 1.2 / m."""
    times_m = run.overlap[:, 0].mean(-1) * run.widths
    lowest = (run.n - run.widths) / (run.n - 1)
    return true((times_m > lowest - 1e-4) & (times_m < 1.2))


@CLAIMS.claim("untrained_one", "an exponent close to one for each of the three tails")
def _(run):
    """Untrained, random directions have exponents within 0.2 of 1 for all three tails."""
    width = run.paper_widths
    off = [abs(float(run.scaling.exponent(width, y)) - 1) for y in run.untrained.values()]
    return number(max(off), ".2f").at_most(0.2)


@CLAIMS.claim("capacity_is_D", "it is the feature dimensionality")
def _(run):
    """Capacity and feature dimensionality agree for all features of three models."""
    D = run.geometry.feature_dimensionality(run.three.W.detach())
    return true(torch.isclose(run.capacity_three, D, atol=1e-5))


@CLAIMS.claim("capacity_sum", "the capacities add up to $m$ or less")
def _(run):
    """In the three models the capacities add up to no more than 13."""
    return true(run.capacity_three.sum(-1) <= 13 + 1e-3)


@CLAIMS.claim("frequent_more", "In each of them the frequent features have more than the tail")
def _(run):
    """Under each decay the first 20 features have 1.2 times the capacity of the last 100."""
    mean = run.capacity_three[:, :20].mean(1) / run.capacity_three[:, 100:].mean(1)
    return number(mean.min(), ".2f").at_least(1.2)


@CLAIMS.claim("squares_formula", "They agree to within the sampling error")
def _(run):
    """The sampled loss of a network of squares is within 4 standard errors of the formula."""
    squares = (run.error - run.error.mean()).double().square()
    off = float(squares.mean() - run.squares_loss(run.some_W, run.v, run.r_of(0.1)))
    return number(off / float(squares.std() / len(squares) ** 0.5), ".1f").between(-4, 4)


@CLAIMS.claim("bound_reached", "From every start the descent ends on the bound", kind="computed")
def _(run):
    """At densities 0.1 and 0.3 all 16 starts end within 1e-6 of the bound."""
    return true(run.excess.abs() < 1e-6)


@CLAIMS.claim("market_matches", "The rings lie on the lines")
def _(run):
    """The capacities after descent are those of the market, to 0.001."""
    off = [(run.shares[p] - run.C_trained[p]).abs().max() for p in run.densities]
    return number(max(off), ".4f").at_most(1e-3)


@CLAIMS.claim("three_kinds", "Three kinds of features come out")
def _(run):
    """At both densities some features have all, some part, some nothing of a dimension."""
    return true([bool(one.any(1).all()) for one in run.counts.values()])


@CLAIMS.claim("equal_benefit", "is the same for all that share")
def _(run):
    """Among features that share, the marginal benefits differ by less than 0.1 %."""
    spread = []
    for p in run.densities:
        C = run.C_trained[p]
        benefit = run.benefit[f"density {p}"][(C > 1e-3) & (C < 0.999)]
        spread.append(float(benefit.max() / benefit.min() - 1))
    return number(max(spread), ".5f").at_most(1e-3)


@CLAIMS.claim("gaussian_all", "the first five features take a dimension each")
def _(run):
    """At a density of 0.6 five features have all, and the others nothing."""
    C = run.C_trained[0.6]
    return true([bool((C[:5] > 0.999).all()), bool((C[5:] < 1e-3).all())])


@CLAIMS.claim("bias_matters", "moved them about as much as the tail did")
def _(run):
    """The start of the biases moves the exponents by half to twice what the tail does."""
    by_bias = (run.measured[:, 0] - run.measured[:, 2]).mean()
    return number(by_bias / (run.measured[2, 0] - run.measured[0, 0]), ".2f").between(0.5, 2.5)


@CLAIMS.claim("cosine_narrow", "In the narrow models training changes little")
def _(run):
    """At width 8 and α = 0.5 and 1 the large cosine is within a fifth of the random one."""
    ratio = run.large[:2, 0, 0].mean(-1) / run.tail_random[0]
    return true((ratio - 1).abs() < 0.2)


@CLAIMS.claim("cosine_wide", "it has cut the largest cosines by about a third or more")
def _(run):
    """At width 30 and α = 0.5 and 1 the large cosine is at most 0.72 of the random one."""
    ratio = run.large[:2, 0, -1].mean(-1) / run.tail_random[-1]
    return number(ratio.max(), ".2f").at_most(0.72)


@CLAIMS.claim("paper_above", "all five exponents exceed one")
def _(run):
    """At the published size, decay -1, the five intervals lie above 1.3."""
    return true(run.paper_low[:, 0] > 1.3)


@CLAIMS.claim("paper_lowest", "with a lowest of 1.37")
def _(run):
    """At the published size the lowest exponent in strong superposition is 1.37."""
    return number(run.paper_fit[:, 0].min(), ".2f").near(1.37, 0.005)


@CLAIMS.claim("paper_alike", "they are nearly alike")
def _(run):
    """At α = 0 and 0.5 the exponents differ by less than 0.05."""
    return number(run.paper_fit[1, 0] - run.paper_fit[0, 0], ".2f").between(-0.05, 0.05)


@CLAIMS.claim("paper_higher", "for shorter ones they are higher")
def _(run):
    """At α = 1, 1.5 and 2 the exponents exceed that at 0.5 by 0.1 or more."""
    return true(run.paper_fit[2:, 0] - run.paper_fit[1, 0] > 0.1)


@CLAIMS.claim("paper_leave", "the trained ones leave them further behind")
def _(run):
    """For α = 0.5 and 1 the untrained loss over the trained one grows with the width."""
    gain = [run.untrained[f"α = {a:g}"] / run.paper_loss[k, 0] for k, a in ((1, 0.5), (2, 1.0))]
    return true([bool((g[2:] > g[:-2]).all()) and float(g[-1] / g[0]) > 1.8 for g in gain])


@CLAIMS.claim("paper_bends", "the widest models gain little")
def _(run):
    """At α = 2 the exponent between the last two widths is under one, and the loss below 0.001."""
    last = run.paper_loss[4, 0, -2:]
    local = float(run.scaling.exponent(run.paper.width[-2:], last))
    return number(local, ".2f").at_most(1) if last[1] < 1e-3 else true(False)


@CLAIMS.claim("paper_stored", "Measure its loss here")
def _(run):
    """The stored model's loss, measured here, is within five percent of the stored number."""
    stored = run.paper.loss[2, 0, 0, 0]
    return number(run.here / stored, ".2f").between(0.95, 1.05)


@CLAIMS.claim("paper_ignored", "the loss *is* the share that is ignored, at each width")
def _(run):
    """At decay 1 and α = 1.5 and 2 the loss is within five percent of the ignored share."""
    return true((run.ratio - 1).abs() < 0.05)


@CLAIMS.claim("paper_own", "The features that are kept have nearly a dimension each")
def _(run):
    """At α = 2, decay 1 and widths 17 to 87 the median D of the first eight is 0.9 or more."""
    return number(run.paper.capacity[4, 4, 1:5, :8].median(-1).values.min(), ".2f").at_least(0.9)


@CLAIMS.claim("paper_fewer", "fewer than there are dimensions in the widest models")
def _(run):
    """At α = 2 and decay 1 fewer features are kept than dimensions, at the last two widths."""
    kept = 1000 * run.paper.kept[4, 4].mean(-1)
    return true(kept[-2:] < run.paper.width[-2:])


@CLAIMS.claim("paper_rises", "Between the last two widths the loss even rises, in both tails")
def _(run):
    """At decay 1 and α = 1.5 and 2 the loss at width 150 exceeds that at 87."""
    return true(run.paper_loss[3:, 4, -1] > run.paper_loss[3:, 4, -2])


@CLAIMS.claim("biased_higher", "Both losses are more than half as high again")
def _(run):
    """At the published size biases as published give at least 1.5 times the loss."""
    return number(run.biased_ratio.min(), ".2f").at_least(1.5)


@CLAIMS.claim("biased_silent", "silent features still hold a third of the variance")
def _(run):
    """At width 29 silent features hold between 30 and 42 percent of the variance."""
    return number(run.biased["silent"][0], ".2f").between(0.3, 0.42)


@CLAIMS.claim("biased_slope", "the slope is lower, too, though not as low as one")
def _(run):
    """Between widths 29 and 87 the exponent is above 1.2 and lower than from zero biases."""
    width = run.biased["width"]
    zero = float(run.scaling.exponent(width, run.paper_loss[1, 0, run.places]))
    published = float(run.scaling.exponent(width, run.biased["loss"]))
    return true([published > 1.2, published < zero - 0.1])
