"""Claims of notebook 04: three features, two numbers, by hand."""

from dataclasses import replace

import torch

from toyutils import geometry, theory
from toyutils.claims import Claims, number, share, true

CLAIMS = Claims(
    "04",
    definitions=(
        "[05 · The pentagon]",
        "with 120° between neighbours",
        "at least 90° between them",
        "to 0.0012 or below",
        "(In the triangle it is 120.)",
        "best of 24 starts",
        "within 2 %",
    ),
)


@CLAIMS.claim("keep-two", "is answered with zero")
def _(run):
    """Keeping two, features 0 and 1 come back exactly and feature 2 is answered with zero."""
    y = run.keep_two.T @ run.keep_two @ run.x
    return true(y == run.x * torch.tensor([1, 1, 0]))


@CLAIMS.claim("none-right", "no output is right")
def _(run):
    """With feature 2 halfway between the others no output of the point is right."""
    return share(run.right).at_most(0.57)


@CLAIMS.claim("own-part", "sends almost its whole value to its own output")
def _(run):
    """Feature 2 of the halfway model returns 0.98 of its own value."""
    return number(geometry.feature_norms(run.half_way)[2] ** 2).near(0.98, 1e-3)


@CLAIMS.claim("none-after-cheat", "None. The bias has learned one example by heart")
def _(run):
    """With the bias that repairs the first point, no output of the second is right."""
    return share(run.off.abs() < 0.05).at_most(0.57)


@CLAIMS.claim("cheat-dense", "On dense data the bias learned from one point even helps")
def _(run):
    """At S = 0 the cheating bias lowers the exact loss from 0.2948 to 0.0721."""
    return number(run.losses[1, 0] / run.losses[0, 0]).at_most(1).near(0.24470, 1e-3)


@CLAIMS.claim("mostly-empty", "most points are empty")
def _(run):
    """At S = 0.9 the chance that none of three features is active is 0.9³."""
    return number(0.9 ** run.x.numel()).at_least(0.5)


@CLAIMS.claim("cheat-sparse", "more than ten times as high")
def _(run):
    """At S = 0.9 the cheating bias raises the exact loss more than tenfold."""
    return number(run.losses[1, 1] / run.losses[0, 1]).at_least(10).near(15.433, 1e-3)


@CLAIMS.claim("anticipating-helps", "helps on average, on both kinds of data")
def _(run):
    """The bias against mean interference lowers the exact loss at S = 0 and S = 0.9."""
    return true(run.after < run.losses[0] * 0.95)


@CLAIMS.claim("triangle-exact", "The answer is exact")
def _(run):
    """One active feature comes through the triangle without error."""
    y = torch.relu(run.triangle.T @ run.triangle @ run.one_active)
    return true((y - run.one_active).abs() < 1e-6)


@CLAIMS.claim("positive-passes", "the ReLU lets it pass")
def _(run):
    """In the halfway model an active feature 0 moves output 2."""
    y = torch.relu(run.half_way.T @ run.half_way @ run.one_active)
    return number(y[2]).near(0.56, 1e-5)


@CLAIMS.claim("triangle-free", "are free while *one* feature is active")
def _(run):
    """In the triangle all six ordered pairs are free, in the halfway model two."""
    return true([run.n_free == [2, 6]])


@CLAIMS.claim("triangle-loss", "The triangle costs 0.0013")
def _(run):
    """The exact loss of the triangle at S = 0.9."""
    loss = theory.expected_loss(run.triangle, run.no_bias, 0.9)
    return number(loss, ".4f").between(0.00125, 0.00135)


@CLAIMS.claim("optimum-shape", "stand **opposite** each other")
def _(run):
    """The best model found at S = 0.9 is an antipodal pair with the third feature across."""
    named = geometry.name_shape(run.optimum.W[2]).name == "antipodal pair and one across"
    return true([named, abs(run.widest - 180) < 1])


@CLAIMS.claim("quadrant", "Between 0° and 90°")
def _(run):
    """Turned to between 0° and 90°, feature 2 makes the loss at least as high as at 0°."""
    inside = run.turning_loss[run.degrees <= 90]
    return replace(true(inside >= run.turning_loss[0] - 1e-9), shown="0 and 90", n=None)


@CLAIMS.claim("turning-lowest", "180° and 270°")
def _(run):
    """The loss of the turned arrow is lowest at 180° and at 270°."""
    order = run.turning_loss.argsort()[:2]
    lowest = sorted(run.degrees[order].tolist())
    shown = f"{lowest[0]} and {lowest[1]}"
    return replace(true([lowest == [180, 270]]), shown=shown, n=None)


@CLAIMS.claim("hill", "at 225°")
def _(run):
    """Between the two minima the loss is highest at 225°."""
    between = (run.degrees >= 180) & (run.degrees <= 270)
    top = run.degrees[between][run.turning_loss[between].argmax()]
    return number(top, ".0f").between(225, 225)


@CLAIMS.claim("pair-wins", "is the best at any density below $4/7$")
def _(run):
    """Of the three arrangements the pair and one across is best exactly where p < 4/7."""
    losses = torch.stack(list(run.lines.values()))
    wins = losses.argmin(0) == list(run.lines).index("antipodal pair and one across")
    return replace(true(wins == (run.p < 4 / 7)), shown="4/7")


@CLAIMS.claim("triangle-never", "never wins")
def _(run):
    """The triangle is the best of the three at none of the densities."""
    losses = torch.stack(list(run.lines.values()))
    return share(losses.argmin(0) == list(run.lines).index("triangle")).at_most(0.11)


@CLAIMS.claim("important-alone", "The most important feature gets the axis of its own")
def _(run):
    """With I = (1, 1/2, 1/4) the loss grows with the feature that is alone."""
    right = true([int(run.costs.argmin()) == 0, bool((run.costs.diff() > 0).all())])
    return replace(right, n=None)


@CLAIMS.claim("pair-cost", "for each of its two features, times their importance")
def _(run):
    """The exact loss is (I_i + I_j) p²/6 over three, for the pair (i, j)."""
    total = run.importance.sum() - run.importance
    return true((run.costs - total * 0.1**2 / 6 / 3).abs() < 1e-7)


@CLAIMS.claim("training-agrees", "agree at each of the sparsities")
def _(run):
    """The best of 64 trained models is within 0.1 % of the exact optimum at each sparsity."""
    return true(run.trained_loss.min(1).values / run.optimum.loss < 1.001)


@CLAIMS.claim("nearly-all-find", "nearly all of the 256 models find it")
def _(run):
    """Nearly all trained models come within 2 % of the optimum."""
    return replace(share(run.near).at_least(0.85), shown="256")


@CLAIMS.claim("sparse-answer", "lengths of one or a little more, and biases that round to zero")
def _(run):
    """At S = 0.9 and 0.99 the optimum's lengths lie in [1, 1.01] and its biases below 0.005."""
    W, b = run.optimum.W[2:], run.optimum.b[2:]
    lengths = geometry.feature_norms(W)
    return true([bool(((lengths > 0.9999) & (lengths < 1.01)).all()), bool((b.abs() < 5e-3).all())])


@CLAIMS.claim("half-sparse-shape", "the pair is a little shorter than one")
def _(run):
    """At S = 0.5 the optimum has the same shape, with lengths of 0.97 in the pair."""
    lengths = geometry.feature_norms(run.optimum.W[1]).sort().values
    named = geometry.name_shape(run.optimum.W[1]).name == "antipodal pair and one across"
    return true([named, *((lengths[:2] - 0.969).abs() < 2e-3)])


@CLAIMS.claim("half-sparse-bias", "with a bias of 0.1")
def _(run):
    """The bias of the pair at S = 0.5."""
    return number(run.optimum.b[1].max(), ".1f").near(0.0977, 1e-2)


@CLAIMS.claim("dense-length", "three arrows of length 0.82")
def _(run):
    """At S = 0 the three arrows of the optimum found are equally long."""
    lengths = geometry.feature_norms(run.optimum.W[0])
    return number(lengths.mean(), ".2f").between(0.815, 0.826)


@CLAIMS.claim("two-thirds", "return two thirds of each of three features")
def _(run):
    """The diagonal of WᵀW of the dense optimum adds up to 2 (to 2 %), a third of it each."""
    return number(geometry.gram(run.optimum.W[0]).trace() / 3).near(2 / 3, 0.02)


@CLAIMS.claim("dense-linear", "to within a third of a percent")
def _(run):
    """At S = 0 the optimum is less than 0.33 % below the best linear loss, 1/36."""
    return number(1 - run.optimum.loss[0] * 36).between(0.001, 0.0033)


@CLAIMS.claim(
    "many-W", "the shortest arrow is anything from less than 0.4 to more than 0.7", kind="computed"
)
def _(run):
    """Among dense models within 2 % of the optimum the shortest arrow varies widely."""
    W = run.grid.unflatten(run.model.W)[0][run.near[0]]
    shortest = geometry.feature_norms(W).min(1).values
    spread = [float(shortest.min()) < 0.4, float(shortest.max()) > 0.7]
    return replace(true(spread), shown="0.4 to 0.7", n=None)


@CLAIMS.claim("bias-halves", "It halves the loss of the halfway model")
def _(run):
    """The best bias halves the loss of the halfway model, with a ReLU at S = 0.9."""
    return number(run.repaired[0] / run.without[0]).at_most(0.5).near(0.476, 0.01)


@CLAIMS.claim("bias-idle", "next to nothing to repair in the other two")
def _(run):
    """The best bias saves less than 2 % of the loss of triangle and pair."""
    return true(run.repaired[1:] / run.without[1:] > 0.98)


@CLAIMS.claim("best-loss", "0.0011")
def _(run):
    """The exact loss of the optimum at S = 0.9."""
    return number(run.optimum.loss[2], ".4f").near(0.0011065, 1e-3)


@CLAIMS.claim("tenth", "about a tenth of what the best linear model reaches")
def _(run):
    """The optimum's loss at S = 0.9 is 0.108 of the best linear model's."""
    best_linear = theory.linear_minimum(0.9, [1.0] * 3, 2)
    return number(run.optimum.loss[2] / best_linear).near(0.1077, 0.01)
