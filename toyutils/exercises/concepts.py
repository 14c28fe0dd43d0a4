"""The closing questions of every notebook, and the one check for all of them.

The questions themselves stand in the notebooks; here is what to say about each choice. Choices
stand in an order drawn once at random, so that no letter is right more often than another.
"""

from typing import NamedTuple

from toyutils.exercises._check import choose, exercise


class Questions(NamedTuple):
    """Closing questions: their exercise's number, and for each {letter: why it is right or not}.

    The explanation of the right choice begins with "right: ".
    """

    exercise: str
    explanations: tuple[dict[str, str], ...]


QUESTIONS = {
    "00": Questions(
        "0.3",
        (
            {
                "a": (
                    "that is a property of the data. It makes superposition costlier, since "
                    "features disturb each other when they meet."
                ),
                "b": (
                    "right: superposition is about directions of features, more of them than "
                    "dimensions."
                ),
                "c": (
                    "that is polysemanticity, a property of neurons. Superposition is one "
                    "cause of it."
                ),
            },
            {
                "a": "the networks know nothing of each other; they only train side by side.",
                "b": "the average of pentagons turned by different angles is nothing at all.",
                "c": "right: only a count over seeds says how often something happens.",
            },
        ),
    ),
    "01": Questions(
        "1.5",
        (
            {
                "a": "it is exact: no weights and biases do better, however long you train.",
                "b": (
                    "an equal share is one way. Leaving one feature out costs the same, and "
                    "so does everything in between."
                ),
                "c": "right: one direction is lost, and with it the variance along it.",
            },
            {
                "a": (
                    "without a bias that output would be 0, and the loss higher by the square "
                    "of the mean."
                ),
                "b": "0 is the output without a bias. The mean is a better guess.",
                "c": (
                    "right: the best constant answer is the mean, and the variance is the "
                    "error that is left."
                ),
            },
        ),
    ),
    "02": Questions(
        "2.4",
        (
            {
                "a": "the exact loss has no sample at all, and says the same.",
                "b": (
                    "right: sparsity changes these numbers, and not which directions are "
                    "worth keeping."
                ),
                "c": "the exact minimum itself keeps no more features; no training goes below it.",
            },
            {
                "a": "noise would give different losses. These agree.",
                "b": (
                    "right: nothing in the loss prefers a direction, so the sample (or, with "
                    "fresh points, the start) decides where on the circle a model ends."
                ),
                "c": (
                    "beside a saddle there is something lower. Here there is nothing lower "
                    "anywhere."
                ),
            },
        ),
    ),
    "03": Questions(
        "3.6",
        (
            {
                "a": "right: the two partly cancel in h. That happens with probability p².",
                "b": (
                    "alone it makes h negative. Its own output is right, and the ReLU "
                    "silences the other."
                ),
                "c": "one number cannot hold two: when both are active, the smaller one is lost.",
            },
            {
                "a": "right: from a start with equal signs, gradient descent rarely gets out.",
                "b": "not one of them has a dead output; the notebook counts.",
                "c": "they have converged, to a higher loss.",
            },
        ),
    ),
    "04": Questions(
        "4.5",
        (
            {
                "a": (
                    "right: a constant can correct an average. What varies from point to "
                    "point stays."
                ),
                "b": "it can shift the output by a constant, and so remove the average error.",
                "c": "the bias is the same number at every point, and the interference is not.",
            },
            {
                "a": "obtuse means beyond a right angle; the dot product is negative, not 0.",
                "b": (
                    "right: with a ReLU, negative interference is free as long as a feature "
                    "is alone."
                ),
                "c": "so it would in a linear model. Here a ReLU follows.",
            },
        ),
    ),
    "05": Questions(
        "5.6",
        (
            {
                "a": (
                    "a majority is no optimum. Only the exact losses of both arrangements can say."
                ),
                "b": "16 networks do not.",
                "c": "right: no more than that. Another learning rate or start gives other shares.",
            },
            {
                "a": "the number of seeds that others train does not change the chance of one.",
                "b": "right: and you cannot tell from one picture whether it is 1/2 or nearly 1.",
                "c": "half of all seeds show something else.",
            },
        ),
    ),
    "06": Questions(
        "6.7",
        (
            {
                "a": "the number of features is not what is minimised.",
                "b": "the exact loss tells, and so do finite differences of each gradient.",
                "c": (
                    "right: both claim to minimise the loss, and it is the loss that can be "
                    "measured."
                ),
            },
            {
                "a": (
                    "right: each use answers for a part of the error. Forgetting one is the "
                    "fault of this notebook."
                ),
                "b": "the square gives the factor 2.",
                "c": "with one or with twenty hidden numbers there are two parts as well.",
            },
        ),
    ),
    "07": Questions(
        "7.5",
        (
            {
                "a": "right: what training finds and what is best are two questions.",
                "b": "the trained models sit in a minimum of their own.",
                "c": "both losses are exact; the heptagon placed by hand stays where it is.",
            },
            {
                "a": (
                    "right: interference grows steeply as an angle shrinks, so one narrow gap "
                    "costs more than others save."
                ),
                "b": "all features are equally important here; unequal importance bends a polygon.",
                "c": "they are random. The polygon forms all the same.",
            },
        ),
    ),
    "08": Questions(
        "8.6",
        (
            {
                "a": "the matrix is symmetric; importance is not in it.",
                "b": "right: that is interference.",
                "c": (
                    "here all features are independent. The entry belongs to the model, not "
                    "to the data."
                ),
            },
            {
                "a": "less is active at a time, and so more fits in.",
                "b": "right: rare features disturb each other rarely, so sharing pays.",
                "c": "so it does in a linear model, whatever the density.",
            },
        ),
    ),
    "09": Questions(
        "9.5",
        (
            {
                "a": "it does fall a little, and then jumps: two minima change places.",
                "b": "the optimum at each density is one number, and it falls once.",
                "c": (
                    "right: on either side both arrangements are minima, and the lower one changes."
                ),
            },
            {
                "a": "right: it needs no training, only exact losses.",
                "b": "that depends on the recipe. Near a boundary it may not be the best one.",
                "c": "the diagrams show optima, or ends of training. Time is not in them.",
            },
        ),
    ),
    "10": Questions(
        "10.5",
        (
            {
                "a": "their length is about 1.",
                "b": "right: each has a half of it for itself.",
                "c": "both are always there. They err when they meet.",
            },
            {
                "a": "the number of features exceeds it. Their shares do not.",
                "b": "so it is if none share. In superposition each gets less than 1.",
                "c": "right: dimensions are shared out, never multiplied.",
            },
        ),
    ),
    "11": Questions(
        "11.6",
        (
            {
                "a": "there is no fourth feature, and nothing is kept free for one.",
                "b": "at 120° the ReLU removes all interference: alone, each costs nothing.",
                "c": "right: alone they all cost nothing, so the meetings of two decide.",
            },
            {
                "a": "right: there the exact loss of two collapsed pairs is lower.",
                "b": "two collapsed pairs and one at right angles have a lower exact loss.",
                "c": "six features in two dimensions share directions at any density.",
            },
        ),
    ),
    "12": Questions(
        "12.6",
        (
            {
                "a": "it does, but that is no reason: an easy null makes anything look related.",
                "b": "right: what all seeds share at a time is not evidence for one of them.",
                "c": "they have. Their drops belong to their own jumps.",
            },
            {
                "a": "a saddle point looks the same for a while; see the stage of two directions.",
                "b": "they may move a little, or along a direction that costs nothing.",
                "c": "right: that is what the stages of the two sets are.",
            },
        ),
    ),
    "13": Questions(
        "13.6",
        (
            {
                "a": "there is more of it than anywhere else.",
                "b": "analytic attacks do not use the gradient.",
                "c": "right: with a length that stays the same there is no fall.",
            },
            {
                "a": "right: it is their sum over m, and no angle is in it.",
                "b": "the measure says nothing about biases, nor about harm.",
                "c": "pairs of short directions have the same number. Sharing is about angles.",
            },
        ),
    ),
    "14": Questions(
        "14.6",
        (
            {
                "a": "right: it only gives the neurons other names.",
                "b": "each ReLU sees one coordinate, and a rotation mixes them.",
                "c": "a neuron that was on is then off.",
            },
            {
                "a": "of models that differ only by training, the lowest is a sample's minimum.",
                "b": "right: a lowest value that occurs once in a thousand is no floor.",
                "c": "some are; others had simply not finished, and neither shows which.",
            },
        ),
    ),
    "15": Questions(
        "15.7",
        (
            {
                "a": "the inhibitor acts on the quiet output alone; it makes no room.",
                "b": "right: the large leak can be taken away by a neuron, the small one stays.",
                "c": "the product of the two leaks stays the same, whatever the ratio.",
            },
            {
                "a": "all features have the same density here.",
                "b": "one importance decides, not the neighbours, where neurons are plentiful.",
                "c": "right: where neurons are plentiful, importance and penalty decide alone.",
            },
        ),
    ),
    "16": Questions(
        "16.6",
        (
            {
                "a": "the lowest error of stage one belonged to a dictionary that never held all.",
                "b": "right: many dictionaries write the same states, and one of them is true.",
                "c": "the error does not count latents near no feature, neither up nor down.",
            },
            {
                "a": "right: the decoder can be perfect while the encoder has a hole.",
                "b": "its row says what a latent adds once it fires, not whether it fires.",
                "c": "that is one number for all features. It tells nothing about one of them.",
            },
        ),
    ),
    "17": Questions(
        "17.6",
        (
            {
                "a": "a scatter of columns may hide order: look at the hidden vectors, too.",
                "b": "right: what the model treats as a feature is the point.",
                "c": "it is sparse enough; what is missing is points.",
            },
            {
                "a": "right: a lower training loss came with longer weights and a higher bump.",
                "b": "more starts found lower training losses, and the bump stayed.",
                "c": "the points are new ones, and there is no noise in what is asked of a model.",
            },
        ),
    ),
    "18": Questions(
        "18.6",
        (
            {
                "a": "then the loss is what the dropped features cost, and depends on their tail.",
                "b": "an exponent near one has other causes, too: here one tail has it by itself.",
                "c": (
                    "right: overlaps of directions fall as one over the width, whatever the "
                    "frequencies, as long as many directions share few dimensions."
                ),
            },
            {
                "a": "right: what is measured is an overlap and a loss; that one causes the other "
                "is argued.",
                "b": "both were measured, in families of models that anyone can download.",
                "c": "a toy with the same exponent shows that it is possible, not that it is so.",
            },
        ),
    ),
}


def concepts_of(notebook):
    """Return the check `check_concepts(answer)` of one notebook, by its two digits."""
    number, explanations = QUESTIONS[notebook]

    @exercise(number)
    def check_concepts(seed):
        """Check the closing questions: () -> one letter for each; any seed asks the same."""
        return lambda answer: choose(answer, explanations)

    return check_concepts
