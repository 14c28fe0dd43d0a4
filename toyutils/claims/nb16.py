"""Claims of notebook 16: out of superposition."""

import torch

from toyutils import geometry
from toyutils.claims import Claims, number, share, true

CLAIMS = Claims(
    "16",
    definitions=(
        "All notebooks so far",
        "most people use to find",
        "most of them should be zero",
        "In how many of 16 runs",
        "within 0.9 of no feature",
        "We ask for 0.99",
        "a cosine of 0.9 means",
        "never go below 0",
        "adds the opposite of it. Some libraries score with the absolute value all the same",
        "Latents that never fire do not take part",
        "if it never fires",
        "`scores.score` returns all of this",
        "each active with probability 0.4",
        "The true L0 is 2; we ask for 1.8",
        "the first latent alone and all four",
        "at a cosine of 0.99",
        "With $k = 2$ and 60 latents",
        "36 degrees from either",
        "never judge a dictionary",
        "You now believe that",
    ),
)


def _mean(run, name, pick):
    return pick(run.graded[name][0]).double().mean()


def _all_five(run, name):
    return run.graded[name][0].recovered() == 1


def _fvu(run, name):
    return run.graded[name][1].mean()


@CLAIMS.claim("pentagon", "Train the pentagon")
def _(run):
    """The best of eight toy models is a pentagon that drops nothing."""
    shape = geometry.name_shape(run.W)
    return true([shape.name == "pentagon", shape.dropped == (), shape.shared == ()])


@CLAIMS.claim("true_l0", "Only a few states hold more than one")
def _(run):
    """Fewer than one state in ten holds two features or more."""
    return share((run.x > 0).sum(2) > 1).between(0.04, 0.1)


@CLAIMS.claim("escape", "a penalty on the latents alone is cut in half")
def _(run):
    """Halving latents and doubling directions keeps the output and halves the penalty."""
    return number(0.5 if run.same_output else 1.0).near(run.cheaper, 1e-4).near(0.5, 1e-4)


@CLAIMS.claim("same_rules", "They agree")
def _(run):
    """The written-out rules and the package give the same latents."""
    keep = run.f * (run.f >= run.f.amax(1, keepdim=True))  # rows of length 1 at the start
    return true(torch.allclose(keep, run.SparseAutoencoder(2, 8, k=1).hidden(run.h)[0]))


@CLAIMS.claim("unsigned_four", "cannot be four features")
def _(run):
    """Signed, two of four features are recovered; with the absolute value all four."""
    return true([int((run.signed > 0.99).sum()) == 2, int((run.unsigned > 0.99).sum()) == 4])


@CLAIMS.claim("chance_half", 'directions "recover" half of the features with five latents')
def _(run):
    """At a cosine of 0.9 five random latents recover about half of five features."""
    return number(run.chance[0.9][5], ".0%").between(0.42, 0.58)


@CLAIMS.claim("chance_more", "and more with ten")
def _(run):
    """At 0.9 ten random latents recover seven features in ten or more."""
    return number(run.chance[0.9][10], ".0%").at_least(0.7)


@CLAIMS.claim("lowest_error", "The lowest error")
def _(run):
    """Of the seven dictionaries, TopK with k = 2 and five latents leaves the least variance."""
    lowest = min(run.fvu, key=run.fvu.get)
    return true(lowest == "TopK 2, 5 latents")


@CLAIMS.claim("lowest_finds_none", "the five features in no run")
def _(run):
    """That dictionary recovers all five features in none of sixteen runs."""
    return share(_all_five(run, "TopK 2, 5 latents")).between(0, 0)


@CLAIMS.claim("l1_error", "the small coefficient has a fraction of the error")
def _(run):
    """With five latents, L1 at 0.02 leaves under a fifth of the variance that 0.3 leaves."""
    ratio = _fvu(run, "L1 0.02, 5 latents") / _fvu(run, "L1 0.3, 5 latents")
    return number(ratio, ".2f").at_most(0.2)


@CLAIMS.claim("l1_recovers", "and recovers less")
def _(run):
    """With five latents, L1 at 0.02 recovers fewer features than at 0.3."""
    less = run.recovered["L1 0.3, 5 latents"] - run.recovered["L1 0.02, 5 latents"]
    return number(less.mean(), ".2f", float(less.std() / 4)).at_least(0)


@CLAIMS.claim("l1_wide", "is as good at finding them")
def _(run):
    """L1 at 0.5 with eight latents: all five features in at least 14 of 16 runs."""
    return share(_all_five(run, "L1 0.5, 8 latents")).between(14 / 16, 1)


@CLAIMS.claim("l1_wide_error", "at more than five times the error")
def _(run):
    """L1 at 0.5 with eight latents leaves over five times the variance of TopK with eight."""
    return number(_fvu(run, "L1 0.5, 8 latents") / _fvu(run, "TopK 1, 8 latents"), ".0f").at_least(
        5
    )


@CLAIMS.claim("topk8", "in fifteen or more of sixteen runs")
def _(run):
    """TopK, eight latents, k = 1: all five features at cosine 0.99 in at least 15 of 16 runs."""
    return share(_all_five(run, "TopK 1, 8 latents")).between(15 / 16, 1)


@CLAIMS.claim("above_chance", "far above chance")
def _(run):
    """Random latents recover less than four tenths as many."""
    return number(run.chance[0.99][8], ".0%").at_most(0.4)


@CLAIMS.claim("five_latents", "do so less often")
def _(run):
    """With five latents TopK finds all five in at most thirteen of sixteen runs."""
    return share(_all_five(run, "TopK 1, 5 latents")).between(0.1, 13 / 16)


@CLAIMS.claim("batch_worse", "finds fewer than TopK with the same width")
def _(run):
    """BatchTopK at the true L0 recovers at least a tenth fewer features than TopK."""
    names = "TopK 1, 8 latents", "BatchTopK 1.06, 8 latents"
    less = run.recovered[names[0]] - run.recovered[names[1]]
    return number(less.mean(), ".2f", float(less.std() / 4)).at_least(0.1)


@CLAIMS.claim("batch_dead", "more of its latents die")
def _(run):
    """More latents of BatchTopK are dead than of TopK."""
    dead = [
        _mean(run, f"{rule}, 8 latents", lambda s: s.dead) for rule in ("TopK 1", "BatchTopK 1.06")
    ]
    return number(dead[1] - dead[0], ".1f").at_least(0.1)


@CLAIMS.claim("width_five", "With as many latents as features, some runs fail")
def _(run):
    """With five latents at least three of sixteen runs miss a feature."""
    return share(16 - int(run.all_five[0]), 16).between(3 / 16, 0.9)


@CLAIMS.claim("width_eight", "they do not")
def _(run):
    """With eight latents or more at least fifteen of sixteen runs find all five."""
    return true(run.all_five[3:] >= 15)


@CLAIMS.claim("spare_false", "Most are *false*")
def _(run):
    """Of the spare latents that fire, with eight or more latents, most are false."""
    false = run.count["false"][3:].sum()
    return number(false / (false + run.count["duplicates"][3:].sum()), ".0%").at_least(0.6)


@CLAIMS.claim("spare_duplicates", "Few are duplicates")
def _(run):
    """Fewer than a third of the spare latents are duplicates."""
    spare = torch.tensor(run.widths[3:]).sum() - run.count["features found"][3:].sum()
    return number(run.count["duplicates"][3:].sum() / spare, ".0%").at_most(0.33)


@CLAIMS.claim("false_between", "half-way between two neighbours")
def _(run):
    """The median angle of a false latent to its nearest feature is near 36 degrees."""
    angle = run.spare.nearest[run.is_false].arccos().rad2deg().median()
    return number(angle, ".0f").between(34.5, 37.5)


@CLAIMS.claim("false_together", "most of the states at which they fire hold two features or more")
def _(run):
    """More than half of a false latent's states hold two features; of all states few do."""
    means = run.share_together[run.is_false]
    return number(means.mean(), ".0%", float(means.std() / len(means) ** 0.5)).at_least(0.5)


@CLAIMS.claim("jump_same_l0", "gives the same L0")
def _(run):
    """The L0 of JumpReLU on new states lies within 3 percent of BatchTopK's."""
    return number(run.jump_l0, ".2f").near(float(run.batch_score.n_active.mean()), 0.03)


@CLAIMS.claim("jump_same_error", "nearly the same error")
def _(run):
    """The variance that JumpReLU leaves on new states is within a quarter of BatchTopK's."""
    return number(run.jump_fvu.mean(), ".3f").near(float(run.batch_fvu.mean()), 0.25)


@CLAIMS.claim("repeated", "They do")
def _(run):
    """Trained again from the same seeds, a dictionary is the same in every number."""
    return true(run.repeated)


def _big(run, name):
    return run.big_graded[name][0].recovered()


@CLAIMS.claim("nil", "Chance is nil")
def _(run):
    """Random latents recover at most 0.2 percent of forty features."""
    return number(run.big_chance, ".1%").at_most(0.002)


@CLAIMS.claim("width_big_few", "leave a quarter of them unfound or more")
def _(run):
    """With 40 latents TopK recovers at most three quarters of 40 features."""
    return number(_big(run, "TopK 2, 40 latents").mean(), ".0%").at_most(0.75)


@CLAIMS.claim("width_big_many", "half as many again find nearly all")
def _(run):
    """With 60 latents TopK with k = 2 recovers nine tenths or more on average."""
    return number(_big(run, "TopK 2, 60 latents").mean(), ".0%").at_least(0.9)


@CLAIMS.claim("k1_many", "finds nearly all features", "finds nearly all features")
def _(run):
    """With 60 latents TopK with k = 1 recovers nine tenths or more in every run."""
    return number(_big(run, "TopK 1, 60 latents").min(), ".0%").at_least(0.9)


@CLAIMS.claim("l1_none", "which finds less than a quarter")
def _(run):
    """L1 at 0.2 with 60 latents recovers less than a quarter of the features on average."""
    return number(_big(run, "L1 0.2, 60 latents").mean(), ".0%").at_most(0.25)


@CLAIMS.claim("k1_error", "its error is larger than that of L1")
def _(run):
    """TopK with k = 1 leaves more variance than L1 in every run."""
    fvu = {name: fvu for name, (_, fvu) in run.big_graded.items()}
    return true(fvu["TopK 1, 60 latents"] > fvu["L1 0.2, 60 latents"])


@CLAIMS.claim("k1_precision", "the precision is near 1")
def _(run):
    """The mean precision at k = 1 is 0.97 or more."""
    precision = run.big_graded["TopK 1, 60 latents"][0].precision
    return number(precision.nanmean(), ".0f").at_least(0.97)


@CLAIMS.claim("k1_recall", "the recall is low")
def _(run):
    """The mean recall at k = 1 is below 0.7, as k is below the true L0."""
    return number(run.big_graded["TopK 1, 60 latents"][0].recall.mean(), ".2f").at_most(0.7)


@CLAIMS.claim("many_dead", "latents many die")
def _(run):
    """At least ten of 60 latents are dead on average."""
    dead = run.big_graded["TopK 2, 60 latents"][0].dead
    return number(dead.double().mean(), ".0f").at_least(10)


@CLAIMS.claim("agree_true", "nearly all latents that the next run has, too, are true")
def _(run):
    """Of the latents that the next run has, too, nearly all are features."""
    return share(run.true_big[run.again_big]).at_least(0.9)


@CLAIMS.claim("others_fewer", "of the others far fewer are")
def _(run):
    """Of the other live latents at most two thirds are features."""
    return share(run.true_big[run.narrow.live & ~run.again_big]).at_most(0.67)


@CLAIMS.claim("chance_again", "a random direction often has a latent of the next run beside it")
def _(run):
    """In the plane over a sixth of random directions lie within 0.99 of a live latent."""
    return number(run.chance_again, ".0%").at_least(1 / 6)


@CLAIMS.claim("false_again", "false latents are seen again, too")
def _(run):
    """Of the false latents of stage one a tenth or more are in the next run."""
    return share(run.again_small[run.is_false]).at_least(0.1)


@CLAIMS.claim("truth_kept", "With the right $k$ the truth is kept")
def _(run):
    """At k = 2 the others' cosine with feature 0 stays below 0.05 everywhere."""
    return number(run.with_0[0.4, 2].abs().max(), ".3f").at_most(0.05)


@CLAIMS.claim("all_move", "each other latent takes in a part")
def _(run):
    """At k = 1.8 every other latent has a cosine above 0.15 with feature 0 in every run."""
    return share((run.with_0[0.4, 1.8] > 0.15).all(1)).between(7 / 8, 1)


@CLAIMS.claim("error_falls", "**the error falls**")
def _(run):
    """From the truth the error falls by a quarter or more in every run."""
    _, before, after = run.wrong[0.4, 1.8]
    return true(after < 0.75 * before)


@CLAIMS.claim("sign_turns", "the part is negative")
def _(run):
    """With the correlation turned, every other latent has a cosine below -0.15."""
    return share((run.with_0[-0.4, 1.8] < -0.15).all(1)).between(7 / 8, 1)


@CLAIMS.claim("absorbed", "The dictionary leaves the truth, in every run")
def _(run):
    """The child's latent has a cosine above 0.5 with the parent."""
    return share(run.parts(run.sae)["child's latent writes"][:, 0] > 0.5).between(7 / 8, 1)


@CLAIMS.claim("absorption_cheaper", "its loss falls")
def _(run):
    """The loss is lower in the end than at the truth, in every run."""
    return true(run.after < run.before)


@CLAIMS.claim("parent_perfect", "The parent's direction is perfect")
def _(run):
    """The cosine of the parent's decoder row with the parent is above 0.999."""
    return number(run.parts(run.sae)["writes"][:, 0].min(), ".4f").at_least(0.999)


@CLAIMS.claim("parent_hole", "reads the child with a minus sign")
def _(run):
    """The parent's latent reads the child with a share of -0.4 or below, in every run."""
    return number(run.parts(run.sae)["parent's latent reads"][:, 1].max(), ".2f").at_most(-0.4)


@CLAIMS.claim("parent_recall", "and in its recall")
def _(run):
    """The parent's recall is below 0.9 in every run: the child is there in a fifth of cases."""
    return number(run.absorbed.recall[:, 0].max(), ".2f").at_most(0.9)


@CLAIMS.claim("nested_child", "The child's latent is the child again")
def _(run):
    """With nested prefixes the child's latent has a cosine of at most 0.15 with the parent."""
    child = run.parts(run.nested)["child's latent writes"]
    return number(child[:, 0].abs().max(), ".2f").at_most(0.15)


@CLAIMS.claim("nested_hole", "the hole is closed")
def _(run):
    """The parent's latent no longer reads the child with a minus sign."""
    return number(run.parts(run.nested)["parent's latent reads"][:, 1].min(), ".2f").at_least(-0.05)


@CLAIMS.claim("nested_hedges", "the parent's direction now holds some of the child")
def _(run):
    """The parent's row has a cosine of 0.08 or more with the child."""
    return number(run.parts(run.nested)["writes"][:, 1].min(), ".2f").at_least(0.08)


@CLAIMS.claim("hedge_independent", "the share is near zero")
def _(run):
    """For an independent feature the share is below 0.1."""
    return number(run.share_1[0].abs().max(), ".2f").at_most(0.1)


@CLAIMS.claim("hedge_with", "positive in every run")
def _(run):
    """Where feature 1 is active only with feature 0, the share is above 0.1."""
    return share(run.share_1[1] > 0.1).between(7 / 8, 1)


@CLAIMS.claim("hedge_without", "negative in every run")
def _(run):
    """Where feature 1 is active only without feature 0, the share is below -0.1."""
    return share(run.share_1[2] < -0.1).between(7 / 8, 1)


@CLAIMS.claim("pentagon_best", "No random start has beaten it")
def _(run):
    """The best of 32 random starts is no lower than the trained pentagon by over 1 percent."""
    return number(run.pentagon_loss / run.starts.loss - 1, ".2%").between(-1e-6, 0.02)


@CLAIMS.claim("no_agreement", "Off the diagonal the two seeds do not agree")
def _(run):
    """The correlation of the two Gram matrices off the diagonal is small."""
    return number(run.agreement, ".2f").between(-0.25, 0.25)
