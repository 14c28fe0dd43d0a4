"""Claims of notebook 09: phase change."""

import torch

from toyutils import theory
from toyutils.claims import Claims, number, share, true

CLAIMS = Claims(
    "09",
    definitions=(
        "has importance 1",
        "have importance 1",
        "At each of 3600 settings",
        "longer than 1/2",
        "three prototypes",
        "three minima",
        "of the 144 models",
        "the best of two, or the best of forty",
        "Train ten models at each of 144 settings",
        "144 settings",
        "or 0 if there is none",
        "that training never reaches",
        "Fix $r = 1/2$",
        "on paper",
        "Now feature 2",
        "features 0 and 1",
        "Features 0 and 1",
        "0 and 1 share",
        "the three",
        "A fifth region",
        "up to $p = 4/7$ at $r = 1$",
        "from five starts",
        "Three equally important features",
    ),
)


def _pair_share(run):
    return (run.phase == 2).double().mean()


def _differs(run):
    """Return where one seed's model is of another kind than the optimum."""
    return ~run.alike_one


@CLAIMS.claim("paper_shares", "three quarters of the map")
def _(run):
    """Of the prototypes the pair is cheapest on about three quarters of the map."""
    return number((run.cheapest == 2).double().mean(), ".0%").between(0.72, 0.78)


@CLAIMS.claim("triple_point", "where they cost the same")
def _(run):
    """At p = 4/7, r = 1 all three prototypes cost the same."""
    losses = torch.stack(list(run.triple.values()))
    return true((losses - losses[0]).abs() < 1e-6)


@CLAIMS.claim("larger_region", "superposition reaches further")
def _(run):
    """The optimum is a pair wherever the prototypes are, and at more points."""
    return true([bool((run.phase == 2)[run.cheapest == 2].all()), _pair_share(run) > 0.765])


@CLAIMS.claim("saving", "Near the triple point a free model saves several percent")
def _(run):
    """At p = 0.57, r = 1 the optimum costs less than the best prototype by 8 to 20 percent."""
    saved = 1 - run.best_loss[run.at, 30] / run.guess[run.at, 30]
    return true([bool(saved[0] < 0.01), bool(0.08 < saved[2] < 0.2)])


@CLAIMS.claim("always", "up to $p = 0.18$")
def _(run):
    """The optimum is the pair at every ratio up to this density."""
    return number(run.always, ".2f").near(0.1796, 1e-3)


@CLAIMS.claim("none_lower", "No random start finds a lower loss at any point")
def _(run):
    """No random start beats the lowest of the three, at any of 400 points."""
    return share(run.lower > 0).between(0, 0)


@CLAIMS.claim("proved_one", "within a ten-thousandth of it", kind="proved")
def _(run):
    """At p = 0.3, r = 1/2 the optimum lies within 1e-4 of a bound of all models' losses."""
    gap = 1 - run.proved / run.known
    return true([float(gap) >= 0, float(gap) <= 1e-4, run.n_boxes > 100])


@CLAIMS.claim("refuted", "names a model that is better")
def _(run):
    """Of a loss claimed one percent too high the search names a model that has less."""
    return true("give the lowest loss known" in run.refuted and "by W [" in run.refuted)


@CLAIMS.claim("proved_map", "At every point of the map", kind="proved")
def _(run):
    """At each of 60 x 60 points the optimum lies within 1.1e-6 of a bound of all models' losses."""
    same = torch.allclose(run.table.density, run.p) and torch.allclose(run.table.ratio, run.r)
    return share((run.gap > -1e-9) & (run.gap < 1.1e-6) & same).between(1, 1)


@CLAIMS.claim("three_from", "From a density of 0.16", kind="proved")
def _(run):
    """Of three equal features on one number the lowest loss is proved from this density on."""
    return number(run.line.density[run.done].min(), ".2f").near(10**-0.8, 1e-9)


@CLAIMS.claim("three_to", "to 0.46", kind="proved")
def _(run):
    """And up to this one."""
    return number(run.line.density[run.done].max(), ".2f").near(10 ** (-1 / 3), 1e-9)


@CLAIMS.claim("three_proved", "within a thousandth", kind="proved")
def _(run):
    """There a pair with the third feature left out lies within 1.01e-3 of a proved bound."""
    gap = (run.pair_only / run.line.bound - 1)[run.done]
    return true([len(gap) >= 8, *((gap > 0) & (gap < 1.01e-3))])


@CLAIMS.claim("one_start_misses", "at a quarter of the points or more")
def _(run):
    """One random start misses the optimum at a quarter of the points or more."""
    return number(run.missed[0] / 400, ".0%").between(0.25, 0.6)


@CLAIMS.claim("freckles", "mostly keeps one feature although the pair is cheaper")
def _(run):
    """Where one seed differs, the optimum is a pair and the model is not, in most places."""
    differs = _differs(run)
    return share((run.phase_of(run.few_W) == 2)[differs]).at_least(0.5)


@CLAIMS.claim("best_of_ten_kind", "optimum at all")
def _(run):
    """The best of ten is of the kind of the exact optimum at all 144 settings."""
    return share(run.alike).between(1, 1)


@CLAIMS.claim("best_of_ten_loss", "within one percent of its loss")
def _(run):
    """The best of ten lies within one percent of the optimum everywhere."""
    return number(run.excess.min(-1).values.max(), ".2%").between(-1e-6, 0.01)


@CLAIMS.claim("one_seed_worse", "about a quarter of")
def _(run):
    """Of single runs a quarter or so end more than 2 percent above the optimum."""
    return number((run.excess >= 0.02).double().mean(), ".0%").between(0.2, 0.32)


@CLAIMS.claim("paper_crossing", "On paper it is")
def _(run):
    """At r = 1/2 the prototypes' boundary is p = 4/9."""
    return true(abs(theory.prototype_boundary(4 / 9) - 0.5) < 1e-12)


@CLAIMS.claim("paper_crossing_again", "not at the prototypes'")
def _(run):
    """The losses cross well above the prototypes' 4/9."""
    return true(run.p_cross - 4 / 9 > 0.03)


@CLAIMS.claim("crossing", "p = 0.485")
def _(run):
    """At r = 1/2 the losses of the two branches cross here."""
    return number(run.p_cross, ".3f").near(0.4846, 1e-3)


@CLAIMS.claim("jump", "from 0.75 to nothing")
def _(run):
    """At the crossing the length of feature 1 is about 0.75 on one branch, zero on the other."""
    k = (run.p_cut - run.p_cross).abs().argmin()
    length = number(run.length_up[k] - run.length_down[k], ".2f")
    return length.between(0.745, 0.76)


@CLAIMS.claim("pair_survives", "survives up to $p = 0.505$")
def _(run):
    """Carried upwards, the pair is a minimum up to this density, past the crossing."""
    return number(run.pair_until, ".3f").near(0.505, 0.006)


@CLAIMS.claim("dropped_survives", "stays dropped down to 0.455")
def _(run):
    """Carried downwards, feature 1 stays at zero down to this density."""
    return number(run.dropped_until, ".3f").near(0.455, 0.006)


@CLAIMS.claim("falling_jump", "jumps at 0.425")
def _(run):
    """Carried downwards, the model becomes a pair at the density after this."""
    return number(run.alone_until, ".3f").near(0.425, 0.006)


@CLAIMS.claim("p_star", "0.7064")
def _(run):
    """At r = 1 the equal and the unequal pair cost the same here."""
    return number(run.p_star, ".4f").near(0.70640, 2e-4)


@CLAIMS.claim("unequal_ratio", "nearly twice as long as the other")
def _(run):
    """Just above p* the longer direction of the optimum is 1.7 to 1.95 times as long."""
    k = (run.p_equal > run.p_star).nonzero()[0, 0]
    return number(run.long_odd[k] / run.short_odd[k], ".2f").between(1.7, 1.95)


@CLAIMS.claim("exact_crossing", "losses cross at 0.48459", kind="proved")
def _(run):
    """At r = 1/2 a pair and the left-out feature cost the same here, by Krawczyk's test."""
    return number(run.roots["r = 1/2: both losses equal"].low, ".5f").near(0.48458792611, 1e-10)


@CLAIMS.claim("exact_pair_end", "pair ends at 0.50531", kind="proved")
def _(run):
    """At r = 1/2 the pair meets a saddle here: isolated by Krawczyk's test."""
    return number(run.roots["pair, r = 1/2"].low, ".5f").near(0.50531316380, 1e-10)


@CLAIMS.claim("exact_dropped_end", "down to 0.45687", kind="proved")
def _(run):
    """At r = 1/2 the left-out feature is a minimum down to here: a polynomial's root."""
    return number(run.roots["r = 1/2: feature 1 stays out, down to"].low, ".5f").near(
        0.45687191544, 1e-10
    )


@CLAIMS.claim("exact_faint_end", "jumps at 0.42471", kind="proved")
def _(run):
    """At r = 1/2 the pair with a faint feature meets a saddle here."""
    return number(run.roots["faint feature, r = 1/2"].low, ".5f").near(0.42471086365, 1e-10)


@CLAIMS.claim("exact_p_star", "p^* = 0.70640", kind="proved")
def _(run):
    """At r = 1 equal and unequal pair cost the same here, by Krawczyk's test."""
    return number(run.roots["r = 1: both losses equal"].low, ".5f").near(0.70640369267, 1e-10)


@CLAIMS.claim("exact_unequal_end", "between 0.70225", kind="proved")
def _(run):
    """At r = 1 the unequal pair meets a saddle here: isolated by Krawczyk's test."""
    return number(run.roots["unequal pair, r = 1"].low, ".5f").near(0.70224737491, 1e-10)


@CLAIMS.claim("exact_equal_end", "0.71301", kind="proved")
def _(run):
    """At r = 1 the equal pair is a minimum up to here: a root of a degree-36 polynomial."""
    return number(run.roots["r = 1: equal pair, up to"].low, ".5f").near(0.71301301954, 1e-10)


@CLAIMS.claim("isolated", "narrower than that", kind="proved")
def _(run):
    """Each of these densities lies in an interval narrower than 1e-14 that holds no other."""
    return true([0 < root.high - root.low < 1e-14 for root in run.roots.values()])


@CLAIMS.claim("dense_short", "a length of 0.37")
def _(run):
    """At p = 1, r = 1 the shorter direction of the optimum has this length."""
    return number(run.dense_W.abs().min(), ".2f").near(0.3675, 0.01)


@CLAIMS.claim("dense_saves", "saves a little over the best linear model")
def _(run):
    """At p = 1, r = 1 the optimum lies below the best linear model, by less than 1 percent."""
    saved = 1 - run.dense_loss[0] / theory.linear_minimum(0, [1, 1], 1)
    return number(saved, ".2%").between(1e-4, 0.01)


@CLAIMS.claim("paper_three", "the two share")
def _(run):
    """On paper, near r = 3, features 0 and 1 share below p = 4/7, above it one is left out."""
    column = run.on_paper[:, (run.r3 - 3).abs().argmin()]
    return true(column == torch.where(run.p3 < 4 / 7, 3, 2))


@CLAIMS.claim("two_alone", "at every density")
def _(run):
    """Above r = 1.3 feature 2 overlaps neither of the others at the optimum."""
    return share(~run.share_2[run.ratio3 > 1.3]).at_least(0.9)


@CLAIMS.claim("dense_unequal", "in truth it is not, but shorter than its partner")
def _(run):
    """Where paper leaves 0 or 1 out, the shorter has a length of 0.3 or more at the optimum."""
    shorter = torch.minimum(run.length_0, run.length_1)[run.on_paper == 2]
    return true(shorter > 0.3)


@CLAIMS.claim("triangle_place", "at medium densities, all three features")
def _(run):
    """All three features share only between p = 0.5 and 0.8, r = 0.8 and 1.4, and do there."""
    (p_low, p_high), (r_low, r_high) = run.all_three
    return true([p_low > 0.5, p_high < 0.8, r_low > 0.8, r_high < 1.4])


@CLAIMS.claim("triangle_angles", "angles near 120°")
def _(run):
    """The angles between its directions lie within 10 degrees of 120."""
    angles = run.angles[[0, 0, 1], [1, 2, 2]]
    return (
        number(angles.mean(), ".0f").between(119, 121).between(angles.max() - 10, angles.min() + 10)
    )


@CLAIMS.claim("none_lower_three", "No random start on a coarser grid finds a lower loss")
def _(run):
    """Twelve random starts at 100 points find no loss below that of the five starts."""
    return share(run.against3 < 1 - 1e-6).between(0, 0)
