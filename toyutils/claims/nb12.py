"""Claims of notebook 12: learning dynamics."""

from dataclasses import replace

import torch

from toyutils import dynamics, geometry, theory
from toyutils.claims import Claims, number, share, true
from toyutils.features import AnticorrelatedFeatures, CorrelatedFeatures

CLAIMS = Claims(
    "12",
    definitions=(
        "32 values in",
        "We train 32 networks",
        "the features 0, 1, 2 are active together or not at all, and so are 3, 4, 5",
        "all losses at which any seed rested",
        "the paper has the sets part along one axis: 180°",
        "If all three pairs across are there at that moment",
        "none of these numbers",
        "begin at step 400",
        "some $D_i$ changes by more than 0.06",
        "The loss is that on 512 test points",
        "applies them to all seeds and all moments",
        "all cosines within the sets exceed 0.95",
        "all of them are below 0.25 in size",
        "with a cosine below −0.95",
        "from step 400 on or its like",
        "changed by more than 0.06 in a window, and the largest change of all",
    ),
)

SEEDS = range(32)


def _exactly_one(W, b):
    """Return the exact loss of one model on inputs with one active feature."""
    return float(theory.expected_loss(W, b, AnticorrelatedFeatures((6,), 0.0)))


def _square(n_plus):
    """Return W and b of a square with two features left out, `n_plus` of them with a bias."""
    W = torch.cat([geometry.polygon(4), torch.zeros(2, 2)], 1).double()
    b = torch.tensor([0.0] * 4 + [1 / 12] * n_plus + [0.0] * (2 - n_plus)).double()
    return W, b


def _rests_at(run, *levels):
    """Return how many features are represented in each rest on one of these levels."""
    return run.kept[run.on_level & torch.isin(run.at, torch.tensor(levels))]


@CLAIMS.claim("levels_exact", "the exact loss agrees")
def _(run):
    """The levels of squares and of the hexagon are exact losses of such models."""
    hexagon = theory.sparse_limit_polygon(6)
    W = geometry.polygon(6, hexagon.radius).double()
    same = [abs(_exactly_one(*_square(k)) - run.polygon_level(4, k)) < 1e-9 for k in range(3)]
    b = torch.full((6,), hexagon.bias).double()
    return true([*same, abs(_exactly_one(W, b) - run.polygon_level(6, 0)) < 1e-7])


@CLAIMS.claim("no_five_to_six", "none of these has rested on a pentagon")
def _(run):
    """No seed that ends in the hexagon rested on the level 5 or 5+ on its way."""
    return share(int(run.by_way[5]), int(run.ends[5])).between(0, 0)


@CLAIMS.claim("hexagon_lowest", "has the lowest loss of the six")
def _(run):
    """Of the six levels that of the hexagon is the lowest."""
    return true(min(run.levels, key=run.levels.get) == "6")


@CLAIMS.claim("rests_on_levels", "Nearly every rest lies within two percent of a level")
def _(run):
    """The losses at which training rests are those of the levels, to within 2 percent."""
    return share(run.on_level).at_least(0.9)


@CLAIMS.claim("most_visited", "rests on most of the six")
def _(run):
    """Training rests on four or more of the six levels in one seed or another."""
    return replace(true((run.visited >= 10).sum() >= 4), n=None)


@CLAIMS.claim("ends_pentagon", "Most seeds end on")
def _(run):
    """Most seeds end in a pentagon with one feature left out."""
    return share(int(run.ends[4]), 32).at_least(0.5)


@CLAIMS.claim("few_hexagons", "A few find the hexagon")
def _(run):
    """Few seeds end in the hexagon."""
    return share(int(run.ends[5]), 32).at_most(0.35)


@CLAIMS.claim("shared_corner", "all six features are represented there")
def _(run):
    """In rests on the levels 4 and 5 all six features are longer than 1/2."""
    return share(_rests_at(run, 0, 3) == 6).between(1, 1)


@CLAIMS.claim("plus_corners", "as many features as the level has corners")
def _(run):
    """In rests on 4++ and 5+ four and five features are represented."""
    return true([*(_rests_at(run, 2) == 4).tolist(), *(_rests_at(run, 4) == 5).tolist()])


@CLAIMS.claim("shared_cost", "exactly as much as leaving one of them out")
def _(run):
    """Two features that share a corner, each of length √½, cost as much as one left out."""
    W = geometry.polygon(4).double()
    half = W[:, :1] / 2**0.5
    shared = torch.cat([half, half, W[:, 1:], torch.zeros(2, 1)], 1)
    return true(abs(_exactly_one(shared, torch.zeros(6).double()) - run.polygon_level(4, 0)) < 1e-9)


@CLAIMS.claim("seed_film", "and goes down to")
def _(run):
    """The seed shown rests on level 5 with a shared corner, and ends with one plus feature."""
    k = int(run.on_five[:, run.stairs].nonzero().median())
    W, b = run.plane["W"][:, run.stairs], run.plane["b"][-1, run.stairs]
    at_rest, at_end = geometry.name_shape(W[k]), geometry.name_shape(W[-1])
    return true([len(at_rest.shared) == 1, len(at_end.dropped) == 1, b[at_end.dropped[0]] > 0.05])


@CLAIMS.claim("level_sets", "it is lowest at a right angle")
def _(run):
    """The exact loss over the angle is lowest near 90°, and p / 18 there, at each density."""
    lowest = [abs(int(values.argmin()) - 18) <= 1 for values in run.price.values()]
    return true(lowest + [abs(float(v[18]) - 1 / 18) < 1e-6 for v in run.price.values()])


@CLAIMS.claim("level_twist", "the twist saves 5%")
def _(run):
    """Turned from 0° to 60°, the triangles lose 5 percent less."""
    return number(1 - run.by_twist[-1] / run.by_twist[0], ".0%").near(0.0526, 0.02)


@CLAIMS.claim("all_stages", "Nearly every seed passes all of them, in this order")
def _(run):
    """Nearly every seed passes all four stages, in this order."""
    return share(run.in_order).at_least(0.8)


@CLAIMS.claim("collapsed_level", "rests on the level of")
def _(run):
    """In the middle of stage B the median loss lies within 3 percent of p / 18."""
    middle = (run.begin + run.end) // 2
    return number(run.space.loss[middle, SEEDS].median() * 18, ".2f").between(0.97, 1.03)


@CLAIMS.claim("octahedron_level", "ends on that of the octahedron")
def _(run):
    """The median final loss lies within 3 percent of the exact loss of the octahedron."""
    final = run.space.loss[-1].median() / run.space_levels["octahedron"]
    return number(final, ".2f").between(0.97, 1.03)


@CLAIMS.claim("right_angle", "In most seeds the sets are at a right angle")
def _(run):
    """At the end of stage B the angle between the sets is within 10 degrees of 90."""
    return share((run.angle_end - 90).abs() < 10).at_least(0.5)


@CLAIMS.claim("few_axis", "few stay on one axis")
def _(run):
    """Few seeds have the sets within 10 degrees of 180 at the end of stage B."""
    return share(run.angle_end > 170).at_most(0.35)


@CLAIMS.claim("wall", "Below a right angle the price is steep, and the same at every density")
def _(run):
    """Up to 90° the exact loss / p falls, and does not depend on p."""
    at = run.angle <= 90
    curves = [values[at] for values in run.price.values()]
    return true(
        [bool((curves[0].diff() < 1e-9).all()), curves[0][0] > 5 * curves[0][-1]]
        + [bool((curve - curves[0]).abs().max() < 1e-6) for curve in curves]
    )


@CLAIMS.claim("price_scales", "it grows in proportion to $p$")
def _(run):
    """Above 90° the price of the angle, over p, is the same number at every density."""
    densities = (0.01, 0.05, 0.2)
    excess = [
        (values[-1] - 1 / 18) / p for p, values in zip(densities, run.price.values(), strict=True)
    ]
    return true([abs(float(value / excess[0]) - 1) < 1e-3 for value in excess])


@CLAIMS.claim("cube_corners", "Nearly every seed begins at one of four angles")
def _(run):
    """At the beginning of stage B the angle is near one of those between corners of a cube."""
    corners = torch.tensor([0, 70.53, 109.47, 180])
    return share((run.angle_begin[:, None] - corners).abs().amin(1) < 6).at_least(0.8)


@CLAIMS.claim("even_entries", "are nearly equal in size")
def _(run):
    """At that moment the smallest entry of W has, in the median, 0.7 of the largest's size."""
    size = run.space["W"][run.begin, SEEDS].abs()
    return number((size.amin((1, 2)) / size.amax((1, 2))).median(), ".2f").at_least(0.7)


def _share_of(run, name, path):
    return share([one == path for one in run.named[name]])


@CLAIMS.claim("pairs_first", "most seeds form pairs first")
def _(run):
    """From a small start most seeds form an antipodal pair before both triangles are open."""
    return _share_of(run, "small start", "pairs first").at_least(0.5)


@CLAIMS.claim("straight_right", "never straight from a right angle")
def _(run):
    """None of 64 models that start with sets at a right angle opens straight into the solid."""
    return _share_of(run, "from B, right angle", "straight").between(0, 0)


@CLAIMS.claim("straight_axis", "more often from one axis")
def _(run):
    """From one axis the straight path is taken in 2 percent of the models or more."""
    return _share_of(run, "from B, one axis", "straight").at_least(0.02)


@CLAIMS.claim("sparse", "most seeds form pairs first, too")
def _(run):
    """The path does not hang on the density: at p = 0.02 pairs come first, too."""
    return _share_of(run, "small start, p = 0.02", "pairs first").at_least(0.4)


@CLAIMS.claim("sparse_angle", "there, too, the sets part at a right angle in most seeds")
def _(run):
    """At p = 0.02 the angle at the end of stage B lies within 15 degrees of 90."""
    collapsed = dynamics.stages(run.sparse["W"]).collapsed
    end = len(collapsed) - 1 - collapsed.flip(0).float().argmax(0)
    angle = dynamics.set_angles(run.sparse["W"], [0, 1, 2], [3, 4, 5])[end, SEEDS]
    return share((angle - 90).abs() < 15).at_least(0.5)


@CLAIMS.claim("sparse_levels", "The levels of the two densities differ by little")
def _(run):
    """Over p, the octahedron's exact loss at p = 0.02 is p / 6 as at p = 0.05."""
    W = torch.cat([torch.eye(3), -torch.eye(3)], 1).double()
    exact = [
        float(theory.expected_loss(W, torch.zeros(6), CorrelatedFeatures((3, 3), 1 - p))) / p**2
        for p in (0.02, 0.05)
    ]
    return true(abs(exact[0] / exact[1] - 1) < 1e-3)


@CLAIMS.claim("only_pairs", "Most seeds end in ten antipodal pairs")
def _(run):
    """Most seeds end in ten pairs and nothing else."""
    return share(run.only_pairs).at_least(0.5)


@CLAIMS.claim("jumps_meet", "Most jumps meet a drop")
def _(run):
    """More than half of the windows with a jump have a drop of the same model."""
    return share(int(run.met.own), run.n_jumps).at_least(0.5)


@CLAIMS.claim("beyond_null", "a little more than in any exchange of models")
def _(run):
    """More jumps meet a drop of their own model than in any exchange of models."""
    return true(run.met.own > float(run.met.null.max()))


@CLAIMS.claim("mostly_trend", "chance alone gives more than three quarters as many")
def _(run):
    """The meetings expected by chance are more than 75 percent of those that happened."""
    return number(run.met.expected / run.met.own, ".2f").between(0.75, 1)


@CLAIMS.claim("sudden_chance", "about as often as chance has it")
def _(run):
    """Sudden drops meet jumps 0.7 to 1.5 times as often as expected by chance."""
    return number(run.met_sudden.own / run.met_sudden.expected, ".2f").between(0.7, 1.5)


@CLAIMS.claim("batch_blind", "on training batches there is no excess")
def _(run):
    """Measured on training batches, meetings do not exceed those of every exchange."""
    return replace(true(run.met_batches.own <= float(run.met_batches.null.max())), n=None)


@CLAIMS.claim("rank_own", "clearly positive")
def _(run):
    """Across seeds, at the same moment, larger changes go with larger falls of the loss."""
    return number(run.ranks.own, ".2f").between(0.2, 1)


@CLAIMS.claim("rank_null", "far above any exchange")
def _(run):
    """The rank correlation is at least 1.5 times the largest of the exchanged ones."""
    return number(run.ranks.own / run.ranks.null.abs().max(), ".1f").between(1.5, 100)


def _setting(run, name):
    return list(run.variants).index(name)


@CLAIMS.claim("every_setting", "Features jump at every setting")
def _(run):
    """At each of the settings a seed has five jumps or more, in the mean."""
    return true(run.n_of.mean(1) >= 5)


@CLAIMS.claim("rate_alike", "makes no difference that eight seeds could show")
def _(run):
    """The mean counts at rates 5 and 20 differ by less than three standard errors."""
    slow = run.n_of[_setting(run, "rate 5, batch 128")]
    fast = run.n_of[_setting(run, "rate 20, batch 128")]
    error = ((slow.var() + fast.var()) / 8).sqrt()
    return number((fast.mean() - slow.mean()).abs() / error, ".1f").between(0, 3)


@CLAIMS.claim("adam_small", "makes the smallest changes")
def _(run):
    """Of the settings Adam at rate 0.001 has the smallest largest change, in the mean."""
    return true(int(run.largest.mean(1).argmin()) == _setting(run, "Adam, rate 0.001"))
