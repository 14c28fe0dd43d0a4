"""Claims of notebook 00: start here."""

import torch

from toyutils import geometry
from toyutils.claims import Claims, number, share, true

CLAIMS = Claims(
    "00",
    definitions=(
        "between 0 and 1, and knowing",
        "between 0 and 1.",
        "*20 seeds*",
        "64 small networks",
        "We train 64 networks",
        "each further feature counts 10 % less",
        "the first of the 64",
        "when that feature is 1 and the others are 0",
        "counted from 0, as Python counts",
        "Do all five features come back",
        "with the value 0.8",
        "Row 0 below",
        "hidden number 0",
        "row 1 says the same for hidden number 1",
        "with a weight above 0.3",
        "both at 0.8",
        "neighbour of arrow 0, then",
        "what output 0 says",
        "a count over the 64",
        "longer than 1/2",
        "every feature is always present",
        "Errors in the first feature count most",
        "Train the 64 once more",
    ),
)


def _five(run):
    """Return which of the sparse networks represent all five features."""
    return geometry.represented(run.model.W).sum(-1) == 5


def _together(run, near):
    """Return what networks of five answer to two features at 0.8: (case, pair), others (case, 3).

    `near`: pairs of neighbouring arrows, else pairs of arrows across.
    """
    W = run.model.W.detach()[_five(run)]
    b = run.model.b.detach()[_five(run)]
    cosine = geometry.gram(W)
    pairs = torch.combinations(torch.arange(5))
    x = 0.8 * torch.eye(5)[pairs].sum(1)
    y = torch.relu(x @ W.mT @ W + b[:, None])  # (network, pair, output)
    neighbours = cosine[:, pairs[:, 0], pairs[:, 1]] > 0
    chosen = y[neighbours == near]
    present = (x > 0).expand(y.shape)[neighbours == near]
    return chosen[present].view(-1, 2), chosen[~present].view(-1, 3)


@CLAIMS.claim("two", "two arrows stay, at a right angle")
def _(run):
    """Trained on, every dense network ends with two arrows at right angles, to 1 degree."""
    W = run.dense_model.W.detach()
    cosine = torch.cosine_similarity(W[:, :, 0], W[:, :, 1])
    two = geometry.represented(W).sum(-1) == 2
    return true(two & (cosine.abs() < 0.0175))


@CLAIMS.claim("pentagon", "five, evenly spaced around the circle: a pentagon")
def _(run):
    """At S = 0.97 nearly all networks form a regular pentagon."""
    shapes = [str(geometry.name_shape(W)) for W in run.model.W.detach()]
    return share([name == "pentagon" for name in shapes]).at_least(0.8)


@CLAIMS.claim("empty", "0.86 of the samples holds nothing at all")
def _(run):
    """No feature is present in 0.97⁵ = 0.859 of the samples."""
    empty = (run.samples == 0).all(1).double().mean()
    return number(empty, ".2f").near(0.97**5, 0.01)


@CLAIMS.claim("own", "each at about 0.8", "All five features come back, from two numbers:")
def _(run):
    """Alone at 0.8, a feature comes back between 0.76 and 0.83, in every network of five."""
    own = run.y[_five(run)].diagonal(dim1=1, dim2=2)
    furthest = (own - own.mean()).abs().max().item()
    return number(own.mean(), ".1f", error=furthest / 1.96).at_least(0.76).at_most(0.83)


@CLAIMS.claim("others", "the other outputs at 0.1 or less")
def _(run):
    """Alone at 0.8, a feature raises no other output above 0.1, in any network of five."""
    y = run.y[_five(run)]
    largest = (y - torch.diag_embed(y.diagonal(dim1=1, dim2=2))).max()
    return number(largest, ".1f").at_least(0.05).at_most(0.1)


@CLAIMS.claim("rows", "Each row responds to at least four features")
def _(run):
    """In every network of five, each hidden number has at least four weights above 0.3 in size."""
    return true(((run.model.W.detach()[_five(run)].abs() > 0.3).sum(-1) >= 4).all(-1))


@CLAIMS.claim("neighbours", "Two neighbours push each other up, beyond 1")
def _(run):
    """Two neighbours at 0.8 both come back above 1, in every network of five."""
    pair, _ = _together(run, near=True)
    furthest = (pair - pair.mean()).abs().max().item()
    return number(pair.mean(), ".0f", error=furthest / 1.96).at_least(1)


@CLAIMS.claim("across", "both vanish, and the feature whose arrow lies between them appears")
def _(run):
    """Two arrows across at 0.8 both come back as 0, and one other output above 0.2."""
    pair, others = _together(run, near=False)
    return true((pair == 0).all(1) & (others.amax(1) > 0.2))


@CLAIMS.claim("five", "nearly all networks keep five features")
def _(run):
    """At S = 0.97 nearly all networks represent five features."""
    return share(_five(run)).at_least(0.8)


@CLAIMS.claim("four", "none fewer than four")
def _(run):
    """At S = 0.97 no network represents fewer than four features."""
    return share(geometry.represented(run.model.W).sum(-1) < 4).at_most(0.06)


@CLAIMS.claim("no-five", "none keeps five")
def _(run):
    """At S = 0 no network represents five features."""
    return share(run.kept_dense == 5).at_most(0.06)


@CLAIMS.claim("most-two", "most keep two")
def _(run):
    """At S = 0 most networks represent two features after 2000 steps."""
    return share(run.kept_dense == 2).at_least(0.5)


@CLAIMS.claim("top-two", "all of them settle on the two most important features")
def _(run):
    """Trained twice as long at S = 0, every network represents features 0 and 1 and no other."""
    return share(run.finished).at_least(0.94)


@CLAIMS.claim("rarer", "about ten times as often as two features meet")
def _(run):
    """At S = 0.97 one of three features is present 10 times as often as two or more of five."""
    exact = (1 - 0.97**3) / (1 - 0.97**5 - 5 * 0.03 * 0.97**4)
    return number(run.given_up[-1] / run.meet[-1], ".0f").near(exact, 0.06)


@CLAIMS.claim("set-up", "agree to about one percent")
def _(run):
    """The median loss of 16 linear models comes within 1 % of 1/24."""
    return number(run.loss, ".4f").near(1 / 24, 0.01)


@CLAIMS.claim("five-again", "nearly all networks trained here did")
def _(run):
    """At S = 0.97 nearly all networks represent five features."""
    return share(run.kept_sparse == 5).at_least(0.8)


@CLAIMS.claim("no-five-again", "none of them keeps five")
def _(run):
    """At S = 0 no network represents five features."""
    return share(run.kept_dense == 5).at_most(0.06)


@CLAIMS.claim("top-again", "keep only the two most important")
def _(run):
    """Trained twice as long at S = 0, every network represents features 0 and 1 and no other."""
    return share(run.finished).at_least(0.94)
