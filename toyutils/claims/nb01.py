"""Claims of notebook 01: two features, one number."""

import torch

from toyutils import theory
from toyutils.claims import Claims, number, share, true

CLAIMS = Claims(
    "01",
    definitions=(
        "check the prediction against 64 trained models",
        "train 64 of them at once",
        "The same model, 64 times",
        "weights of the 64 instances",
        "losses of the 64 instances",
        "from 800 of the 1000 points; the other 200",
        "same data, 1500 steps",
        "200 points are a sample",
        "row of $W$ of the 64",
        "within 5 % of it",
        "Train the 64 again",
        "At 90 degrees",
        "median of 16 models",
        "its own 800",
        "feature 1 runs from 0.1 to 2.5",
        "its importance of 1",
        "With 800 fixed points",
        "= (1, 2), and makes",
    ),
)
MINIMUM = 1 / 24


def _same_sign(W):
    return W.detach()[:, 0].prod(-1) > 0


@CLAIMS.claim("line", "the reconstructions lie on **one line**")
def _(run):
    """Every reconstruction lies on the line along the row of W, up to rounding."""
    row = torch.as_tensor(run.W[0]).double()
    away = torch.as_tensor(run.y).double() - torch.as_tensor(run.y[0]).double()
    return true((away[:, 0] * row[1] - away[:, 1] * row[0]).abs() < 1e-5)


@CLAIMS.claim("same", "The two agree up to rounding")
def _(run):
    """The loop written out and the packaged one end at the same W, to 0.0001."""
    return number((run.first.W - run.model.W).detach().abs().max(), ".0e").at_most(1e-4)


@CLAIMS.claim("settles", "flattens near")
def _(run):
    """The median training loss after 1500 steps is 1/24, to within 5 %."""
    return number(run.history_first.loss[-1].median(), ".4f").near(MINIMUM, 0.05)


@CLAIMS.claim("test-below", "some samples vary less than the square does")
def _(run):
    """Between a fifth and three fifths of the instances end with a test loss below 1/24."""
    return share(run.history_first.test_loss[-1] < MINIMUM).between(0.2, 0.6)


@CLAIMS.claim("length", "Most have a length near one")
def _(run):
    """Most rows end with a length between 0.9 and 1.1."""
    lengths = run.first.W.detach()[:, 0].norm(dim=1)
    return share((lengths - 1).abs() < 0.1).at_least(0.5)


@CLAIMS.claim("none-below", "None lies below")
def _(run):
    """No model has an exact loss below 1/24."""
    return share(run.loss_first < MINIMUM - 1e-9).at_most(0.06)


@CLAIMS.claim("within", "most are")
def _(run):
    """Most models are within 5 % of 1/24 after 1500 steps."""
    return share(run.loss_first < 1.05 * MINIMUM).at_least(0.5)


@CLAIMS.claim("longer", "nearly all arrive")
def _(run):
    """Nearly all models are within 5 % of 1/24 after three times as many steps."""
    return share(run.loss_longer < 1.05 * MINIMUM).at_least(0.8)


@CLAIMS.claim("right-angles", "the errors stand at right angles to the line")
def _(run):
    """Where training has finished, errors along the row are below a tenth of errors across it."""
    W, b, x = run.longer.W.detach(), run.longer.b.detach(), run.learn
    finished = run.loss_longer < 1.01 * MINIMUM
    error = x - (x @ W.mT @ W + b[:, None])
    row = torch.nn.functional.normalize(W[:, 0], dim=1)
    along = (error @ row[:, :, None]).square().mean((1, 2)).sqrt()
    across = (error @ row.flip(1).mul(torch.tensor([1.0, -1.0]))[:, :, None]).square()
    return true((along < 0.1 * across.mean((1, 2)).sqrt())[finished])


@CLAIMS.claim("variance", "the variance is the same in **every** direction")
def _(run):
    """Over the 64,000 points, the variance along twelve directions is 1/12, to within 2 %."""
    angle = torch.pi * torch.arange(12, dtype=torch.float64) / 12
    directions = torch.stack([angle.cos(), angle.sin()])
    variance = (run.x.double().flatten(0, 1) @ directions).var(0)
    return true((12 * variance - 1).abs() < 0.02)


@CLAIMS.claim("same-sign", "in most of them both weights have the same sign")
def _(run):
    """Most models of experiment 1 end with two weights of one sign."""
    return share(_same_sign(run.first.W)).at_least(0.65)


@CLAIMS.claim("starts", "Half of the random starts do not")
def _(run):
    """Half of the starts have weights of opposite signs."""
    return share(~_same_sign(run.history_first["W"][0])).between(0.35, 0.65)


@CLAIMS.claim("fair", "same signs stop being the rule")
def _(run):
    """With a bias that starts at the mean, at most 60 % end with two weights of one sign."""
    return share(_same_sign(run.fair.W)).at_most(0.6)


@CLAIMS.claim("horizontal", "its mean, 0.5")
def _(run):
    """Models that keep feature 0 answer 0.5 for feature 1, to within 0.02 in the median."""
    return number(run.second.b.detach()[run.kept == 0, 1].median(), ".1f").between(0.48, 0.52)


@CLAIMS.claim("most-second", "Most give up")
def _(run):
    """With I = (1, 0.1) most models keep feature 0."""
    return share(run.kept == 0).at_least(0.65)


@CLAIMS.claim("stragglers", "A few are still turning, or sit on the *wrong* feature")
def _(run):
    """With I = (1, 0.1) a few models do not keep feature 0 after 3300 steps."""
    return share(run.kept != 0).at_most(0.35)


@CLAIMS.claim("all-arrive", "All of them get there")
def _(run):
    """After three times as many steps, every model is within 5 % of 1/240."""
    return share(run.loss_third < 1.05 / 240).at_least(0.94)


@CLAIMS.claim("saddle", "yet it falls to either side")
def _(run):
    """At W = (0, 1) with its best bias the slope is zero; turning W either way lowers the loss."""
    W = torch.tensor([[0.0, 1.0]], dtype=torch.float64, requires_grad=True)
    b = torch.tensor([0.5, 0.0], dtype=torch.float64, requires_grad=True)
    loss = theory.expected_loss(W, b, 0.0, run.unequal, activation="linear")
    slopes = torch.autograd.grad(loss, (W, b))
    flat = max(slope.abs().max().item() for slope in slopes) < 1e-9
    top = run.walk[60]
    return true([flat, bool(run.walk[59] < top), bool(run.walk[61] < top)])


@CLAIMS.claim("curve", "The points lie on the curve")
def _(run):
    """At nine importances, the median of 16 models is within 1 % of the lowest possible loss."""
    return true((run.median / torch.tensor(run.exact_curve) - 1).abs() < 0.01)


@CLAIMS.claim("longer-again", "Nearly all models come")
def _(run):
    """Nearly all models are within 5 % of 1/24 after 4500 steps."""
    return share(run.loss_longer < 1.05 * MINIMUM).at_least(0.8)


@CLAIMS.claim("all-again", "all models reached it")
def _(run):
    """After 9900 steps, every model is within 5 % of 1/240."""
    return share(run.loss_third < 1.05 / 240).at_least(0.94)


@CLAIMS.claim("sample-below", "can fall slightly below the exact minimum")
def _(run):
    """Between a fifth and seven tenths of the instances end with a training loss below 1/24."""
    return share(run.history_first.loss[-1] < MINIMUM).between(0.2, 0.7)
