"""Claims of notebook 10: dimensionality."""

import torch

from toyutils import geometry, theory
from toyutils.claims import Claims, number, share, true

CLAIMS = Claims(
    "10",
    definitions=(
        "400 features in 30 dimensions",
        "at each of 30 densities",
        "200 features in 20 dimensions",
        "eight seeds at each of six densities",
        "falls from 1 to",
        "Are 20 of the 200 features given a dimension each",
        "pool the $D_i$ of all represented features",
        "tetrahedron 3/4, triangle 2/3, pair 1/2, pentagon 2/5",
        "3/8",
        "more than half of the features at some density",
        "each kind once",
        "what all components of a model need",
        "the 30 that there are",
        "take what is worth most",
        "which shape is worth most",
        "From $1/p = 1.6$ to 4.2 nothing in the table",
        "from $1/p = 2.8$ to 4.2, the stored",
        "from $1/p = 4.5$ to 7,",
        "400 short arrows",
        "Make all features equally important",
        "the sum of all squared lengths",
        "the plateau at 1?",
        "Adam at a constant rate of 0.001",
        "trained so, 8,000 steps",
        "gives it at 400 features",
        "from 1.6 to 2.05",
        "a length of 1/2, an edge at a cosine of 0.25, an agreement of all cosines to 0.15",
        "up to 12 features in up to four dimensions, at 20 densities",
    ),
)


def _components(run):
    """Return the names of the components of each stored model of the paper's size."""
    return [[part.name for part in parts] for parts in run.paper_parts]


@CLAIMS.claim("two_plateaus", "stays twice")
def _(run):
    """D* is within 0.02 of 1 up to 1/p = 1.5 or more, and within 0.02 of 1/2 from 2.7 to 3.5."""
    x, star = 1 / run.paper.density, run.paper.per_feature[:, 0]
    half = (x > 2.7) & (x < 3.5)
    return true([(star[x < 1.5] - 1).abs().max() < 0.02, (star[half] - 0.5).abs().max() < 0.02])


@CLAIMS.claim("half_plateau", "the model insists on")
def _(run):
    """At 1/p = 3.0 D* of all small models lies within 0.02 of that of the exact best pair."""
    best = theory.best_relu_model(2, 1, 1 - run.p[3].double(), n_restarts=4)
    star = float(geometry.dimensions_per_feature(best.W))
    return true((run.small.per_feature[3] - star).abs() < 0.02)


@CLAIMS.claim("seeds_agree", "differ by less than a tenth at every density")
def _(run):
    """At every density the D* of eight seeds lie within 0.1."""
    return number(run.spread.max(), ".3f").at_most(0.1)


@CLAIMS.claim("plateau_low", "= 2.6$ to")
def _(run):
    """In the paper's size D* is within 0.02 of 1/2 from here."""
    return number(run.at_half.min(), ".1f").between(2.5, 2.7)


@CLAIMS.claim("plateau_high", "$3.6$")
def _(run):
    """In the paper's size D* is within 0.02 of 1/2 up to here, but for single models."""
    return number(run.at_half[run.at_half < 4].max(), ".1f").between(3.5, 3.9)


@CLAIMS.claim("none_represented", "none of the features is represented")
def _(run):
    """At p = 1 no direction of eight small models is longer than 1/2."""
    return share(run.norms[0] > 0.5).between(0, 0)


@CLAIMS.claim("squares_sum", "the sum of their squares is 20")
def _(run):
    """At p = 1 the squared lengths add up to the number of dimensions."""
    return number(run.norms[0].square().sum(-1).mean(), ".0f").near(20, 0.01)


@CLAIMS.claim("paper_none", "squares add up to 30")
def _(run):
    """At 1/p below 1.4 no stored model represents a feature, and the squares add up to 30."""
    lengths = geometry.feature_norms(run.paper.W[:5, 0])
    squares = lengths.square().sum(-1)
    # A represented feature among them would be a count of features, not of short arrows.
    return number(squares.mean() if lengths.max() < 0.5 else 0, ".0f").near(30, 0.01)


@CLAIMS.claim("never_exceeds", "The sum never exceeds the rank")
def _(run):
    """Over all random and trained matrices the D_i add up to the rank at most."""
    return share(torch.cat(run.filled) > 1 + 1e-9).between(0, 0)


@CLAIMS.claim("random_fills", "random directions fill nine tenths of the space")
def _(run):
    """The D_i of random directions add up to about 0.9 of the rank."""
    return number(run.filled[0].mean(), ".2f").between(0.87, 0.95)


@CLAIMS.claim("half_sticky", "nearly all features sit on")
def _(run):
    """At 1/p = 3.0 nearly all represented features of eight seeds lie within 0.012 of 1/2."""
    hits = (run.all_D[2] - 0.5).abs() <= 0.012
    return share(hits[run.all_kept[2]]).at_least(0.8)


@CLAIMS.claim("one_line", "One line is sticky")
def _(run):
    """At some density the line 1/2 holds 90 % of the features; no other line ever holds half."""
    most = run.shares.amax(0)
    return true([most[2] > 0.9, most[[0, 1, 3, 4]].max() < 0.5])


@CLAIMS.claim("pairs_and_pentagons", "pairs and pentagons, side by side in one model")
def _(run):
    """At 1/p = 4.2 all components are pairs or pentagons, and there are both."""
    return true(set(_components(run)[run.nearest(4.2)]) == {"antipodal pair", "pentagon"})


@CLAIMS.claim("thirty_pairs", "thirty pairs need all thirty dimensions")
def _(run):
    """At 1/p = 3.0 the model is thirty pairs, in thirty dimensions."""
    names = _components(run)[run.nearest(3)]
    return true([names == ["antipodal pair"] * 30, int(run.needed[run.nearest(3)]) == 30])


@CLAIMS.claim("fit", "pairs and pentagons fit exactly")
def _(run):
    """At 1/p = 4.2 the components need 30 dimensions."""
    return true(int(run.needed[run.nearest(4.2)]) == 30)


@CLAIMS.claim("two_lines", "hold features of one model at once")
def _(run):
    """At 1/p = 4.2 every represented feature lies within 0.012 of 1/2 or of 2/5."""
    D = run.paper_D[run.nearest(4.2)]
    near = [(D - value).abs() <= 0.012 for value in (1 / 2, 2 / 5)]
    return share(near[0] | near[1]).at_least(0.9)


@CLAIMS.claim("overbooked", "the named shapes alone need **more dimensions than there are**")
def _(run):
    """From 1/p = 4.5 to 5.7 the named components of every stored model need more than 30."""
    x = 1 / run.paper.density
    return true(run.named[(x > 4.5) & (x < 5.8)] > 30)


@CLAIMS.claim("overbooked_unnamed", "unnamed ones beside them make it too many: 35")
def _(run):
    """At 1/p = 6.2 named components need fewer than 30 dimensions, and all together 35."""
    k = run.nearest(6.2)
    fit = int(run.named[k]) <= 30
    return number(run.needed[k], ".0f").between(35, 35 if fit else 0)


@CLAIMS.claim("by_itself", "By itself it has")
def _(run):
    """The median D of pairs taken out of their models is within 0.005 of 1/2 everywhere."""
    return true((run.median_alone - 0.5).abs() < 0.005)


@CLAIMS.claim("cluster", "the cluster near 0.44")
def _(run):
    """At 1/p = 4.5 the median D of features in pairs."""
    return number(run.median_D[3], ".2f").between(0.425, 0.46)


@CLAIMS.claim("cluster_pairs", "24 pairs in an overbooked space")
def _(run):
    """At 1/p = 4.5 the stored model holds this many pairs."""
    return number(_components(run)[run.nearest(4.5)].count("antipodal pair"), ".0f").between(22, 26)


@CLAIMS.claim("needed_36", "where 36 dimensions are needed")
def _(run):
    """At 1/p = 4.9 the components need this many dimensions."""
    return number(run.needed[run.nearest(4.9)], ".0f").between(33, 40)


@CLAIMS.claim("below_pentagon", "the pairs sit below")
def _(run):
    """At 1/p = 4.9 the median D of features in pairs is below 2/5."""
    return number(run.median_D[4], ".2f").at_most(0.4)


@CLAIMS.claim("faint_rest", "Nearly all of the rest")
def _(run):
    """The median share of the rest that faint features hold is 0.8 or more at each density."""
    return number(torch.stack(run.faint_share).min(), ".0%").between(0.8, 1)


@CLAIMS.claim("hundreds", "the hundreds of features")
def _(run):
    """At each density more than 200 features are not represented."""
    return true([400 - len(run.paper_D[k]) > 200 for k in run.spots])


@CLAIMS.claim("cloud_higher", "higher than the trained one")
def _(run):
    """D over an exact cloud exceeds the median of those alone, by up to 0.12."""
    exact = torch.tensor([cloud.dimensionality for cloud in run.clouds])
    excess = exact - torch.stack(run.alone_D)
    return true((excess > 0) & (excess < 0.12))


@CLAIMS.claim("cloud_below", "has the cloud below the pairs at each of these densities")
def _(run):
    """For 1/p from 1.6 to 2.1 a feature over a cloud is worth less than a pair."""
    x = 1 / run.grid
    return true((run.cloud < run.pair)[(x > 1.6) & (x < 2.1)])


@CLAIMS.claim("half_plateau_again", "over a range of densities")
def _(run):
    """In the paper's size D* is within 0.02 of 1/2 at four densities or more."""
    return number(len(run.at_half), ".0f").between(4, 30)


@CLAIMS.claim("none_again", "does not mean one dimension for each feature: none is represented")
def _(run):
    """On dense data no feature of any model is represented."""
    lengths = geometry.feature_norms(run.paper.W[0, 0])
    return share(torch.cat([run.norms[0].flatten(), lengths]) > 0.5).between(0, 0)


@CLAIMS.claim("cluster_again", "pairs sit near 0.44")
def _(run):
    """At 1/p = 4.5 the median D of features in pairs."""
    return number(run.median_D[3], ".2f").between(0.425, 0.46)


@CLAIMS.claim("cloud_again", "a lone feature sits near")
def _(run):
    """The median D of lone features lies between 0.62 and 0.72 at 1/p from 1.6 to 1.9."""
    lone = torch.stack(run.alone_D[:3])
    return true((lone > 0.6) & (lone < 0.73))


@CLAIMS.claim("on_two_thirds", "about half of the represented features sit on the line")
def _(run):
    """At the constant rate and 1/p = 1.5 about half lie within 0.012 of 2/3."""
    kept = geometry.represented(run.published.W[0])
    return share((run.published.dimensionality[0][kept] - 2 / 3).abs() <= 0.012).between(0.4, 0.7)


@CLAIMS.claim("no_tetrahedron", "No tetrahedron forms")
def _(run):
    """No component of any model of the constant rate is a tetrahedron."""
    names = [part.name for parts in run.parts for part in parts]
    return share([name == "tetrahedron" for name in names]).between(0, 0)


@CLAIMS.claim("quick_none", "Our quick recipe shows no triangle in eight models")
def _(run):
    """At 1/p = 1.74 no component of eight quickly trained models is a triangle."""
    return share([name == "triangle" for name in run.in_runs[0]]).between(0, 0)


@CLAIMS.claim("long_triangles", "ends in triangles and pairs, too")
def _(run):
    """The long run at 1/p = 1.74 holds two triangles or more, and five pairs or more."""
    names = run.in_runs[1]
    return true([names.count("triangle") >= 2, names.count("antipodal pair") >= 5])


@CLAIMS.claim(
    "staircase",
    "without any training: tetrahedron, triangle, antipodal pair, pentagon, square antiprism",
)
def _(run):
    """From dense to sparse the shapes are worth most in this order, each somewhere."""
    order = run.winner.tolist()
    return true([order == sorted(order), set(order) == {0, 1, 2, 3, 4}])


@CLAIMS.claim("pair_from", "= 1.6$ to")
def _(run):
    """Among five shapes the pair is worth most from this 1/p on."""
    return number(run.ranges[2].min(), ".1f").between(1.5, 1.7)


@CLAIMS.claim("pair_to", "4.2, and that is the plateau")
def _(run):
    """Among five shapes the pair is worth most up to this 1/p."""
    return number(run.ranges[2].max(), ".1f").between(4, 4.3)


@CLAIMS.claim("dense_margin", "on dense data only, by two percent or less")
def _(run):
    """Where tetrahedron or triangle win, they beat the pair by 2 percent at most."""
    ahead = (run.saving.amax(0) / run.pair - 1)[run.winner < 2]
    return number(ahead.max(), ".1%").at_most(0.02)


@CLAIMS.claim("not_in_shapes", "So most marks near")
def _(run):
    """Of the stored features within 0.03 of 2/3, most are in no triangle or tetrahedron."""
    D = torch.cat(run.paper_D)
    names = [name for names in run.paper_names for name in names]
    near = [name for name, off in zip(names, (D - 2 / 3).abs(), strict=True) if off < 0.03]
    return share([name not in ("triangle", "tetrahedron") for name in near]).at_least(0.5)


@CLAIMS.claim("triangles_again", "triangles form late")
def _(run):
    """At 1/p = 1.74 eight quick models hold no triangle, the long one two or more."""
    quick, long, _ = run.in_runs
    return true([quick.count("triangle") == 0, long.count("triangle") >= 2])


def _reached(run, low, high):
    """Return what the stored models reach of the floor, for 1/p from low to high."""
    x = 1 / run.grid
    return (run.trained_worth / run.built)[(x > low) & (x < high)]


@CLAIMS.claim("pair_unbeaten", "nothing in the table beats the pair")
def _(run):
    """From 1/p = 1.6 to 4.2 no size in the table is worth more than a pair, by 0.1 percent."""
    x = 1 / run.grid
    ahead = (run.price.amax(0) / run.pair - 1)[(x > 1.6) & (x < 4.2)]
    return number(ahead.max(), ".2%").at_most(1e-3)


@CLAIMS.claim("four_leads", "nine features in three dimensions and twelve in four")
def _(run):
    """On the sparsest data nine features are best in three dimensions, twelve in four."""
    worth = [run.price[run.table.at(k, d), -1] for k, d in ((8, 3), (9, 3), (10, 4), (12, 4))]
    return true([worth[1] > 1.01 * worth[0], worth[3] > 1.01 * worth[2], worth[3] > worth[1]])


@CLAIMS.claim("tenth_nothing", "In three dimensions a tenth feature adds nothing")
def _(run):
    """Ten to twelve features in three dimensions are worth what nine are, at every density."""
    nine, twelve = (run.price[run.table.at(k, 3)] for k in (9, 12))
    return number((twelve / nine - 1).max(), ".2%").at_most(2e-3)


@CLAIMS.claim("agree", "within one percent of it")
def _(run):
    """On the plateau the stored models reach between 99 and 100.5 percent of the floor."""
    return true((_reached(run, 2.8, 4.2) - 1).abs() < 0.01)


@CLAIMS.claim("lags", "they fall short, by up to a tenth")
def _(run):
    """From 1/p = 1.6 to 2.3 the stored models miss up to a tenth of the floor."""
    return number(1 - _reached(run, 1.6, 2.3).min(), ".0%").between(0.08, 0.14)


@CLAIMS.claim("long_reaches", "a thousandth or less below the floor")
def _(run):
    """At 1/p = 2.2 the long run reaches the floor to a thousandth."""
    missing = 1 - run.long.worth[1, 0] / run.built[run.at[1]]
    return number(missing, ".2%").between(-1e-3, 1e-3)


@CLAIMS.claim("overbooked_short", "they fall short too, by a percent or so")
def _(run):
    """From 1/p = 4.5 to 7 the stored models lie below the floor, by less than 2 percent."""
    reached = _reached(run, 4.4, 7)
    return true([bool((reached < 1).all()), bool((reached > 0.98).all())])


@CLAIMS.claim("beyond", "training beats the floor")
def _(run):
    """Beyond 1/p = 8 the stored models lie above the floor, by 0.5 percent or more."""
    return true(_reached(run, 8, 11) > 1.005)
