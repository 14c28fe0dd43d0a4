"""Claims of notebook 07: which shapes form, and which are best."""

import itertools

import torch

from toyutils import geometry
from toyutils.claims import Claims, number, share, true

CLAIMS = Claims(
    "07",
    definitions=(
        "three sparsities and 64 seeds: 1152 models in all",
        "The best of 64 seeds",
        "1 for a direction of its own",
        "with an antipode, 0 for none",
        "Lower that of feature 0 step by step",
        "so that feature 0 points up",
        "after 10,000 steps",
    ),
)


def _best(run, n, j):
    return run.names[n][j][int(run.runs[n][1][j].argmin())]


@CLAIMS.claim("no-triangle", "an antipodal pair and one")
def _(run):
    """Of three features the best seed is an antipodal pair and one across, at every sparsity."""
    return true([str(_best(run, 3, j)) == "antipodal pair and one across" for j in range(3)])


@CLAIMS.claim("six-hexagon", "a hexagon")
def _(run):
    """Of six features the best seed is a hexagon at S = 0.99 and 0.999."""
    return true([str(_best(run, 6, j)) == "hexagon" for j in (1, 2)])


@CLAIMS.claim("hexagon-few", "few seeds find")
def _(run):
    """Few of 64 seeds find the hexagon at S = 0.99."""
    return share(run.hexagons[1]).at_most(0.35)


@CLAIMS.claim("no-heptagon", "no seed")
def _(run):
    """No seed of seven or eight features shows a heptagon or an octagon."""
    shapes = itertools.chain(*run.names[7], *run.names[8])
    return share([shape.name in ("heptagon", "octagon") for shape in shapes]).at_most(0.02)


@CLAIMS.claim("sum-two", "add up to 2")
def _(run):
    """In the best model of every size the dimensionalities add up to 2."""
    worst = max((d.sum() for d in run.D.values()), key=lambda s: abs(s - 2))
    return number(worst, ".0f").near(2, 1e-3)


@CLAIMS.claim("square-agrees", "For the square")
def _(run):
    """In the square D* equals every D_i, one half, because its arrows have length one."""
    both = torch.cat([run.D[4], geometry.dimensions_per_feature(run.best[4])[None]])
    return number((both - 0.5).abs().max()).at_most(0.01)


@CLAIMS.claim("pentagon-differs", "From the pentagon on")
def _(run):
    """From five features on D* lies more than a tenth below the largest D_i."""
    ratios = [geometry.dimensions_per_feature(run.best[n]) / run.D[n].max() for n in (5, 6, 7, 8)]
    return number(max(ratios)).at_most(0.9)


@CLAIMS.claim("ninety", "From 90° on an angle is free")
def _(run):
    """The cost of an angle, one feature active, is zero from 90 degrees on, and not before."""
    free = [a for a in run.angles if run.exact_cost(a) < 1e-12]
    return number(min(free), ".0f").between(90, 90)


@CLAIMS.claim("both-free", "both shapes cost nothing then")
def _(run):
    """Triangle and pair with one across cost nothing in the sparse limit."""
    return number(max(float(v) for v in run.limit)).at_most(1e-12)


@CLAIMS.claim("triangle-dearer", "the loss is lower")
def _(run):
    """At S = 0.95 the triangle costs more than the pair with one across."""
    triangle, one_across = map(float, run.common)
    return number(one_across / triangle).at_most(0.95)


@CLAIMS.claim("square-free", "The square is free")
def _(run):
    """The square costs nothing in the sparse limit, the pentagon something."""
    return true([abs(run.polygons[4].h) < 1e-6, run.polygons[5].h > 0.1])


@CLAIMS.claim("corners", "has a corner for each")
def _(run):
    """For four to seven features the best regular polygon has as many corners."""
    return true([k == n for k, n in zip(run.corners, range(4, 8), strict=False)])


@CLAIMS.claim("eight-drops", "with eight it pays to drop one")
def _(run):
    """For eight features the best regular polygon is the heptagon."""
    return number(run.corners[4], ".0f").between(7, 7)


@CLAIMS.claim("trained-reaches", "within a few per cent")
def _(run):
    """The best trained loss of five and six features lies within 4 % of the computed one."""
    return number(max(abs(run.trained[k] / run.computed[k] - 1) for k in (1, 2))).at_most(0.04)


@CLAIMS.claim("trained-above", "training stays above it")
def _(run):
    """The best trained loss of seven and eight features lies 2 % or more above the computed."""
    return number(min(run.trained[k] / run.computed[k] - 1 for k in (3, 4))).at_least(0.02)


@CLAIMS.claim("one-in-ten", "About one seed in ten")
def _(run):
    """About one seed in ten of 192 finds the hexagon."""
    return share(run.hexagons).between(0.05, 0.16)


@CLAIMS.claim("crossing", "about 0.07")
def _(run):
    """Hexagon and pentagon with one dropped cost the same at a density near 0.07."""
    five, six = (loss for _, loss in run.settled.values())
    gap = (six - five) / run.density
    k = int((gap < 0).sum()) - 1
    part = gap[k] / (gap[k] - gap[k + 1])
    crossing = run.density[k] + part * (run.density[k + 1] - run.density[k])
    return number(crossing, ".2f").between(0.065, 0.075)


@CLAIMS.claim("mostly-pentagon", "most seeds end in the pentagon")
def _(run):
    """At S = 0.99 and 0.999 most seeds of six features end in a pentagon."""
    shapes = [*run.names[6][1], *run.names[6][2]]
    return share([shape.name == "pentagon" for shape in shapes]).at_least(0.5)


@CLAIMS.claim("sixth-short", "about a third of full length")
def _(run):
    """Beside a fixed pentagon the best sixth arrow is a third long and lies along a corner."""
    k, turn = divmod(int(run.barrier.argmin()), run.barrier.shape[1])
    return number(float(run.lengths[k]) if turn == 0 else 9.0).between(0.2, 0.45)


@CLAIMS.claim("barrier", "Beyond that the loss rises")
def _(run):
    """From length 0.4 on the loss of the sixth arrow rises in every direction."""
    return true((run.barrier[4:].diff(dim=0) > 0).flatten())


@CLAIMS.claim("restarts", "more than nine in ten")
def _(run):
    """At the counted share the best of 32 restarts is a hexagon with a chance above 0.9."""
    return number(1 - (1 - run.q) ** 32).at_least(0.9)


@CLAIMS.claim("follow", "the points from real runs follow the curve")
def _(run):
    """Counted in groups of 1 to 32 runs, hexagons come as often as independent runs would."""
    independent = 1 - (1 - run.q) ** torch.tensor(run.ks)
    return number((torch.stack(run.counted) - independent).abs().max()).at_most(0.35)


@CLAIMS.claim("stay", "Each stays what it was built as")
def _(run):
    """Polygons of five to eight corners built by hand are still that after settling."""
    corners = {5: "pentagon", 6: "hexagon", 7: "heptagon", 8: "octagon"}
    built = run.built.items()
    return true([geometry.name_shape(W[0]).name == corners[k] for (_, k), (W, _) in built])


def _trained(run, n):
    return run.runs[n][1][2].double()


@CLAIMS.claim("heptagon-beats", "heptagon")
def _(run):
    """The heptagon built by hand has a lower loss than all 64 trained models at S = 0.999."""
    return true(_trained(run, 7) > 1.02 * float(run.built[7, 7][1]))


@CLAIMS.claim("octagon-beats", "the octagon is better than anything that training found")
def _(run):
    """The octagon built by hand has a lower loss than all 64 trained models at S = 0.999."""
    return true(_trained(run, 8) > 1.005 * float(run.built[8, 8][1]))


@CLAIMS.claim("seven-of-eight", "is better still")
def _(run):
    """Of eight features a heptagon with one dropped costs less than the octagon."""
    return number(run.built[8, 7][1] / run.built[8, 8][1]).between(0.95, 0.999)


@CLAIMS.claim("regular-72", "from 72° on either side")
def _(run):
    """At equal importances both gaps beside feature 0 are 72 degrees."""
    worst = max((run.one_side[0], run.other_side[0]), key=lambda gap: abs(gap - 72))
    return number(worst, ".0f").near(72, 0.002)


@CLAIMS.claim("gaps-close", "they come closer by two degrees or so")
def _(run):
    """At importance 0.4 of feature 0 both neighbours stand one to three degrees nearer."""
    closer = [72 - side[2] for side in (run.one_side, run.other_side)]
    return true([1 <= c <= 3.5 for c in closer])


@CLAIMS.claim("shrinks", "its arrow shrinks")
def _(run):
    """The arrow of feature 0 gets shorter from importance 1 to 0.7 to 0.4."""
    return true([run.length[0] > run.length[1] > run.length[2]])


@CLAIMS.claim("square-at-last", "the other four take the square")
def _(run):
    """At importance 0.2 feature 0 is dropped and the other four form a square."""
    shape = geometry.name_shape(run.bent.W[3])
    return true([shape.name == "square", shape.dropped == (0,)])


def _kept(W):
    return geometry.feature_dimensionality(W)[geometry.represented(W)]


def _near(values, *targets):
    return (values[:, None] - torch.tensor(targets)).abs().amin(1) < 0.02


@CLAIMS.claim("three-values", "Three values")
def _(run):
    """Most kept features of the fine grid have D within 0.02 of 1, 1/2 or 2/5."""
    return share(_near(_kept(run.W_decaying), 1, 0.5, 0.4)).at_least(0.75)


@CLAIMS.claim("no-two-thirds", "does not appear")
def _(run):
    """At most one of some 130 kept features have D within 0.02 of 2/3."""
    return number(_near(_kept(run.W_decaying), 2 / 3).sum(), ".0f").at_most(1)


def _triangles(run, W):
    return torch.tensor([geometry.name_shape(w).name == "triangle" for w in W])


@CLAIMS.claim("no-triangle-5", "No model forms a triangle")
def _(run):
    """With importances 0.9^i no model of the fine grid is a triangle."""
    return share(_triangles(run, run.W_decaying)).between(0, 0)


@CLAIMS.claim("mean-flat", "is 0.400 at every density")
def _(run):
    """The mean D of five features in two dimensions is 2/5 at every density of the grid."""
    worst = max(run.mean_D, key=lambda mean: abs(mean - 0.4))
    return number(worst, ".3f").near(0.4, 1e-3)


@CLAIMS.claim("triangle-dense", "on nearly dense data, triangles")
def _(run):
    """With equal importances most best models at densities from 0.7 to 0.92 are triangles."""
    dense = (run.densities > 0.7) & (run.densities < 0.92)
    return share(_triangles(run, run.W_equal)[dense]).between(0.6, 1)


@CLAIMS.claim("triangle-never-sparse", "never on sparse data")
def _(run):
    """With equal importances no model at a density below 0.5 is a triangle."""
    return share(_triangles(run, run.W_equal)[run.densities < 0.5]).between(0, 0)


@CLAIMS.claim("no-one", "none gets a direction of its own")
def _(run):
    """With equal importances no feature of the fine grid has D above 0.97."""
    return share((geometry.feature_dimensionality(run.W_equal) > 0.97).flatten()).between(0, 0)


@CLAIMS.claim("linear-unfinished", "no start has arrived")
def _(run):
    """At density 0.01 no start keeps just the top two features after 10,000 steps."""
    return share(run.top_two(run.published[1])).between(0, 0)


@CLAIMS.claim("linear-near-start", "close to the random one")
def _(run):
    """At density 0.01 the weights have moved by less than half their length in 10,000 steps."""
    moved = (run.published[1] - run.start).norm() / run.start.norm()
    return number(moved).at_most(0.5)


@CLAIMS.claim("linear-finished", "every start ends with the top two features")
def _(run):
    """Trained much longer every start keeps the top two features alone, at both densities."""
    return true(run.top_two(run.finished).flatten())


@CLAIMS.claim("dense-none", "no start keeps the top two alone")
def _(run):
    """Without a bias no start keeps just the top two features at p = 0.5 or 1."""
    return share(run.top_two(run.dense).flatten()).between(0, 0)


@CLAIMS.claim("dense-agree", "the trained models agree on lengths")
def _(run):
    """At p = 0.5 and 1 every length of nearly every start lies within 0.02 of the median."""
    away = (run.dense_norms - run.dense_lengths[:, None]).abs().amax(-1)
    return share((away < 0.02).flatten()).at_least(0.9)


@CLAIMS.claim("dense-order", "fall from one feature to the next")
def _(run):
    """At p = 0.5 and 1 median lengths fall with the importance, and from 0 to 4 in every start."""
    ends = run.dense_norms[..., 0] > run.dense_norms[..., 4]
    return true(torch.cat([(run.dense_lengths.diff(dim=1) < 0).flatten(), ends.flatten()]))


@CLAIMS.claim("pentagon-radius", "1.17046 from the centre", source="Chen et al. (2023)")
def _(run):
    """The best regular pentagon of the sparse limit has this radius."""
    return number(run.polygons[5].radius, ".5f").near(1.17046, 1e-5)


@CLAIMS.claim("pentagon-bias", "its bias is −0.28230", source="Chen et al. (2023)")
def _(run):
    """The best regular pentagon of the sparse limit has this bias, here without its sign."""
    return number(-run.polygons[5].bias, ".5f").near(0.28230, 2e-5)


@CLAIMS.claim("linear-equal", "every seed within one per cent of the exact minimum")
def _(run):
    """With equal importances every linear model ends within 1 % of the exact minimum."""
    return true((run.exact / run.minimum - 1).abs() < 0.01)


@CLAIMS.claim("linear-looks", "in many of them three or more arrows are longer")
def _(run):
    """Many linear models of equal importances show three or more arrows longer than 1/2."""
    return share(geometry.represented(run.equal.W.detach()).sum(1) >= 3).at_least(0.4)
