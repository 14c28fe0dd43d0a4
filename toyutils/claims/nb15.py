"""Claims of notebook 15: computing in superposition."""

from dataclasses import replace

import torch

from toyutils import neurons
from toyutils.claims import Claims, number, share, true

CLAIMS = Claims(
    "15",
    definitions=(
        "Of 16 models",
        "at density 0.03",
        "below 0.01",
        "The paper's larger model has 100 features, 40 neurons",
        "40 features, 16 neurons",
        "from density 1 down",
        "At density 0.01",
        "is 1 for a monosemantic neuron",
        "with gain 1",
        "in every neuron of 16 models",
        "both gains at least 0.3",
        "at least half of the large leak",
        '"2 and -1/2" in, "1/2 and 2" out',
        "have density 0.2, the others 0.5",
        "density 0.1",
        "each 1 with probability",
        "both 1?",
        "120 ANDs",
        "30 or 60 neurons",
        "An error of 1 means",
        "models at density 0.2 hold motifs",
        "at 0.5 hardly",
        "A bound of 1.5",
        "a bound of 3",
        "at 0.97.",
        "a bit is 1 where a feature is active",
        "4300 steps in all",
        "0.3 is our choice, and 0.2 stands beside it",
        "*one* is below 1.2",
        "both ratios at least 2, and a neuron",
        "Over the 64 models",
        "those above 1 in size",
        "add up to more than 0.3",
        "Its error for 60 neurons, over the first 20 pairs",
        "between 0.2 and 0.5",
    ),
)


@CLAIMS.claim("rescale", "read with weight 2 and write with 1/2")
def _(run):
    """Reading with twice the weight and writing with half of it leaves every answer as it is."""
    x = torch.randn(1, 500, 3, generator=torch.Generator().manual_seed(0))
    W_in, W_out = run.by_hand.W_in.detach(), run.by_hand.W_out.detach()
    by_twos = torch.relu(torch.relu(x @ (2 * W_in).mT) @ (W_out / 2).mT)
    same = torch.allclose(by_twos, run.by_hand(x).detach()) and torch.allclose(by_twos, x.abs())
    return replace(true(same), shown="2 and 1/2", n=None)


@CLAIMS.claim("sparse_harder", "Sparse data make it harder")
def _(run):
    """Of 16 random starts fewer are solved at p = 0.03 than at p = 1, by four or more."""
    return true(int(run.solved[0]) - int(run.solved[-1]) >= 4)


@CLAIMS.claim("steps_of_18", "The failures lie on steps")
def _(run):
    """At p = 0.03 the failures' loss / p lies within 0.01 of a multiple of 1/18."""
    failed = run.small_loss[-1][run.small_loss[-1] > 0.01]
    return share((failed - (18 * failed).round() / 18).abs() < 0.01).at_least(0.5)


@CLAIMS.claim("annealing_helps", "Nearly all of them are solved now")
def _(run):
    """At p = 0.03 the share of annealed models that are solved is 0.8 or more."""
    return share(run.annealed_loss < 0.01).at_least(0.8)


@CLAIMS.claim("random_rarely", "at which random starts rarely are")
def _(run):
    """At p = 0.03 the share of random starts that are solved is at most that of annealed ones."""
    return true(
        (run.small_loss[-1] < 0.01).double().mean()
        < (run.annealed_loss < 0.01).double().mean() - 0.3
    )


@CLAIMS.claim("pairs_found", "each feature has a neuron for either sign", "their product is 1")
def _(run):
    """Neurons of the best annealed model: one feature and a gain of 1 each, a pair a feature."""
    gain = (run.weights_in * run.weights_out).abs()
    feature = gain.argmax(1)
    sign = run.weights_in.gather(1, feature[:, None])[:, 0].sign()
    each = sorted(zip(feature.tolist(), sign.tolist(), strict=True))
    right = each == [(i, s) for i in range(3) for s in (-1.0, 1.0)]
    largest = gain.amax(1)
    return number(largest.mean(), ".0f").between(0.98, 1.02 if right else 0)


@CLAIMS.claim("random_dense", "monosemantic in dense data")
def _(run):
    """From random starts the median neuron at p = 1 serves fewer than 1.2 features."""
    return true(run.random_served[0].median() < 1.2)


@CLAIMS.claim("random_monotone", "then shared by more and more features")
def _(run):
    """The median effective number of features of random starts rises from p = 0.3 to 0.01."""
    middle = run.random_served.flatten(1).median(1).values
    return true(middle[1:].diff() > 0)


@CLAIMS.claim("random_all", "at last every neuron by several")
def _(run):
    """At p = 0.01 every neuron of random starts serves 1.5 features or more."""
    return true(run.random_served[-1].flatten() > 1.5)


@CLAIMS.claim("random_many", "where random starts have five or more")
def _(run):
    """At p = 0.01 the median neuron of random starts serves five features or more."""
    return number(run.random_served[-1].median()).at_least(5)


@CLAIMS.claim("random_worse", "*worse* than eight plain pairs")
def _(run):
    """From p = 0.1 on every random start has a loss above that of eight plain pairs, by a tenth."""
    return true(run.random_ratio[2:] > 1.1)


@CLAIMS.claim("random_twice", "more than twice as much")
def _(run):
    """At p = 0.03 and 0.01 every random start has more than twice the loss of eight pairs."""
    return true(run.random_ratio[3:] > 2)


@CLAIMS.claim(
    "annealed_better",
    "better than the pairs at the two sparsest settings",
)
def _(run):
    """At p = 0.03 and 0.01 the best annealed model has a lower loss than eight plain pairs."""
    return true(run.carried_ratio[3:].amin(1) < 0.97)


@CLAIMS.claim("annealed_fewer", "the median neuron serves fewer than three features")
def _(run):
    """At p = 0.01 the median neuron of annealed models serves fewer than three features."""
    return number(run.carried_served[-1].median()).at_most(3)


@CLAIMS.claim("important_alone", "the less important the leading feature")
def _(run):
    """In annealed models at p = 0.03 and 0.01 leading feature and number served rank alike."""
    return true([r > 0.2 for r in run.rank_correlation])


@CLAIMS.claim("primary", "most neurons have a *primary* feature")
def _(run):
    """Of the neurons of annealed models most have one gain above twice any other."""
    return share(run.largest[..., 0] > 2 * run.largest[..., 1]).at_least(0.6)


@CLAIMS.claim("no_primary", "few have a primary feature")
def _(run):
    """Of the neurons of random starts at p = 0.01 few have one gain above twice any other."""
    largest = run.large.unflatten(neurons.gains(*run.random_W))[-1].topk(2).values
    return share(largest[..., 0] > 2 * largest[..., 1]).at_most(0.35)


@CLAIMS.claim("leak_product", "The product stays 1")
def _(run):
    """The product of the two leaks is 1 at every ratio."""
    product = run.large_leak * run.small_leak
    return number(product.mean(), ".0f").near(1, 1e-5)


@CLAIMS.claim("leak_direction", "in the other direction the leak gets small")
def _(run):
    """Into the quiet output the leak is r, into the loud one 1/r."""
    return true(
        [
            torch.allclose(run.large_leak.double(), run.r.double(), rtol=1e-5),
            torch.allclose(run.small_leak.double(), 1 / run.r.double(), rtol=1e-5),
        ]
    )


@CLAIMS.claim("motifs_everywhere", "Most models")
def _(run):
    """The share of the 16 models at density 0.2 with a motif is 0.55 or more."""
    return share(run.counts[:16] > 0).at_least(0.55)


@CLAIMS.claim("bounds", "some are there under each")
def _(run):
    """The higher the bound on the ratios the fewer motifs, and two or more at a bound of 3."""
    counts = torch.tensor(run.by_bound)
    return true([(counts.diff() < 0).all(), counts[-1] >= 2])


@CLAIMS.claim("none_dense", "hardly any neuron qualifies")
def _(run):
    """Of the 80 neurons at density 0.5 at most a tenth is a motif."""
    return number(run.counts[16:].sum() / 80, ".2f").at_most(0.1)


@CLAIMS.claim("quiet_small", "read with a small weight and written with a large one")
def _(run):
    """The median motif reads the loud feature twice as strongly, and writes the quiet one so."""
    return true([run.ratio_in.median() > 2, run.ratio_out.median() > 3])


@CLAIMS.claim(
    "all_rise",
    "The loss rises for every one of the motifs",
)
def _(run):
    """Without its inhibitor every motif's loss, both features active, rises by half or more."""
    return true(run.both > 1.5)


@CLAIMS.claim("control_small", "far less without another neuron")
def _(run):
    """The median rise without another neuron is below half of that without the inhibitor."""
    return true(run.control.median() - 1 < (run.both.median() - 1) / 4)


@CLAIMS.claim("quiet_unchanged", "With the quiet feature alone active nothing changes")
def _(run):
    """The median motif's loss changes by less than 5 % where the loud feature is silent."""
    return number(run.quiet_only.median(), ".3f").between(0.95, 1.05)


@CLAIMS.claim("loud_alone", "as large when the loud feature is active alone")
def _(run):
    """The median rise with the loud feature alone is at least that with both active."""
    return true(run.loud_only.median() >= run.both.median())


@CLAIMS.claim("mutual", "In most motifs the inhibitor is itself a motif")
def _(run):
    """The share of motifs whose inhibitor is one of the same loud feature, inhibited in return."""
    return share(run.mutual).at_least(0.5)


@CLAIMS.claim(
    "saved_some",
    "about a third less",
)
def _(run):
    """At S = 0.9 the best untied model's exact loss is about a third below the best tied one's."""
    return number(run.saved[0], ".0%").between(0.28, 0.42)


@CLAIMS.claim("saved_more", "more than half")
def _(run):
    """At S = 0.97 it is more than half below."""
    return number(run.saved[1], ".0%").between(0.5, 0.68)


@CLAIMS.claim("length_opposite", "What is read long is written short")
def _(run):
    """Logarithms of the two lengths of all features have a correlation below -0.9."""
    return number(run.agreement[0, 1], ".2f").at_most(-0.9)


@CLAIMS.claim("spread", "the lengths spread by a factor of several")
def _(run):
    """In the median model the longest direction read is five times the shortest or more."""
    return number(run.spread.median()).at_least(5)


@CLAIMS.claim("strong_negative", "nearly all of them are negative")
def _(run):
    """The share of leaks larger than 1 that are negative is 0.9 or more."""
    return share(run.strong < 0).at_least(0.9)


@CLAIMS.claim("start_matters", "the median model ends above the *tied* one")
def _(run):
    """From unlike decoders the median exact loss is above the tied median at either density."""
    return true(run.unlike_loss.median(1).values > run.tied_loss.median(1).values)


@CLAIMS.claim("unlike_best", "its best seed beats every tied model")
def _(run):
    """From unlike decoders the best exact loss is below the best tied one at either density."""
    return true(run.unlike_loss.min(1).values < run.tied_loss.min(1).values)


@CLAIMS.claim("pays_from", "So a feature pays from an importance of")
def _(run):
    """A neuron of its own pays from this multiple of λ on."""
    return number(run.pays_from, ".1f").near(15.1, 0.02)


@CLAIMS.claim("stable_from", "there is a second minimum")
def _(run):
    """A minimum with a neuron exists from this multiple of λ on."""
    return number(run.stable_from, ".1f").near(9.8, 0.02)


@CLAIMS.claim(
    "threshold_above",
    "Nearly all features of importance above",
)
def _(run):
    """With ten neurons the share of features above the threshold that are kept, λ above 0."""
    above = run.fading > run.pays_from * run.l1[1:, None]
    return share(run.kept_many[1:][above]).at_least(0.8)


@CLAIMS.claim("threshold_below", "none below")
def _(run):
    """With ten neurons no feature below nine times λ is kept."""
    below = run.fading < 9 * run.l1[:, None]
    return share(run.kept_many[below]).between(0, 0)


@CLAIMS.claim("five_kept", "seven or more features would be worth", "five are kept")
def _(run):
    """At λ = 0.01 five neurons keep five features where seven clear the threshold."""
    k = run.penalties.index(0.01)
    clear = int((run.fading > run.pays_from * 0.01).sum())
    return true([clear >= 7, int(run.kept_few[k].sum()) == 5])


@CLAIMS.claim("error_price", "the error is at least a fifth above")
def _(run):
    """At λ = 0.01 all five neurons serve one feature, and the error is 1.2 times that at 0."""
    k = run.penalties.index(0.01)
    return true([int(run.mono[k]) == 5, run.error_few[k] > 1.2 * run.error_few[0]])


@CLAIMS.claim("prefix", "the features that are kept are the most important ones")
def _(run):
    """With five neurons the features kept are those of largest importance, at every λ."""
    return true(run.kept_few[:, 1:] <= run.kept_few[:, :-1])


@CLAIMS.claim("bits_alone", "The bits alone leave")
def _(run):
    """The best weighted sum of bits leaves (1 - p) / (1 + p) of an AND's variance."""
    return number(run.bits_alone).near((1 - run.p_bit) / (1 + run.p_bit), 1e-6)


@CLAIMS.claim("subsets_help", "Random subsets improve on it")
def _(run):
    """Thirty neurons leave less than the bits alone, and sixty less than thirty."""
    few, many = ([run.by_subsets[d, c] for c in run.chances] for d in run.sizes)
    return true([max(few) < run.bits_alone, max(many) < min(few)])


@CLAIMS.claim("own_readout", "is worse than a constant at this size")
def _(run):
    """The mean of the neurons that read both has more error than a constant."""
    return number(run.own_readout).at_least(1.5)


@CLAIMS.claim(
    "trained_better",
    "Gradient descent beats random subsets at either size",
)
def _(run):
    """Both trained models of either size leave less than the random subsets."""
    return true(
        [max(run.by_training[d]) < run.by_subsets[d, c] for d in run.sizes for c in run.chances]
    )


@CLAIMS.claim("not_binary", "most of its weights are neither near zero nor near the largest")
def _(run):
    """The share of weights between 0.1 and 0.9 of the largest of their neuron."""
    between = torch.cat([W.abs().flatten() for W in run.scaled.values()])
    return share((between > 0.1) & (between < 0.9)).at_least(0.5)


@CLAIMS.claim("negative_weights", "many are negative")
def _(run):
    """The share of trained weights below -0.1 of the largest of their neuron is 0.1 or more."""
    return share(torch.cat([W.flatten() for W in run.scaled.values()]) < -0.1).at_least(0.1)
