"""What single neurons do, against loops and weights set by hand."""

import pytest
import torch

from toyutils import neurons


def by_hand(ratio=2.0, inhibition=4.0):
    """Return a model of three features whose neuron 0 is an asymmetric motif of 0 and 1."""
    W_in = torch.tensor(
        [[ratio, -1 / ratio, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, -1.0]]
    )
    W_out = torch.tensor(
        [[1 / ratio, 0.0, 0.0, 0.0], [ratio, -inhibition, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
    )
    return W_in, W_out


def test_features_per_neuron_equals_slow_loops():
    random = torch.Generator().manual_seed(0)
    W_in, W_out = torch.randn(3, 4, 6, generator=random), torch.randn(3, 6, 4, generator=random)
    got = neurons.features_per_neuron(W_in, W_out)
    for model in range(3):
        for j in range(4):
            g = [
                abs(float(W_in[model, j, i])) * max(float(W_out[model, i, j]), 0) for i in range(6)
            ]
            assert got[model, j].item() == pytest.approx(sum(g) ** 2 / sum(v * v for v in g))


def test_features_per_neuron_of_known_neurons():
    W_in, W_out = by_hand()
    # Gains of neuron 0 are 1 and 1; neuron 1 writes nothing that is positive.
    assert torch.allclose(
        neurons.features_per_neuron(W_in, W_out), torch.tensor([2.0, 0.0, 1.0, 1.0])
    )
    with pytest.raises(ValueError, match="W_out"):
        neurons.features_per_neuron(W_in, W_in)


def test_the_motif_is_found_with_its_parts():
    [motif] = neurons.find_motifs(*by_hand())
    assert motif[:4] == (0, 0, 1, 1)
    assert motif.ratio_in == pytest.approx(4)
    assert motif.ratio_out == pytest.approx(4)


def test_the_sign_of_a_feature_does_not_matter():
    W_in, W_out = by_hand()
    for feature in (0, 1):
        W_in[:, feature] *= -1
        [motif] = neurons.find_motifs(W_in, W_out)
        assert motif[:4] == (0, 0, 1, 1)


@pytest.mark.parametrize(
    "change",
    [
        lambda W_in, W_out: W_out[1, 1].fill_(-1.0),  # too little inhibition
        lambda W_in, W_out: W_in[1, 0].fill_(-1.0),  # on for the other sign
        lambda W_in, W_out: W_out[0, 0].fill_(0.1),  # passes too little of the loud feature on
        lambda W_in, W_out: W_out[0, 0].fill_(1.5),  # written alike
        lambda W_in, W_out: W_in[0, 1].fill_(-1.5),  # read alike
    ],
)
def test_what_lacks_a_part_is_no_motif(change):
    W_in, W_out = by_hand()
    change(W_in, W_out)
    assert neurons.find_motifs(W_in, W_out) == []


def test_a_pair_of_plain_neurons_is_no_motif():
    W_in = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    assert neurons.find_motifs(W_in, W_in.abs().mT) == []


def test_and_of_readers_equals_slow_loops():
    random = torch.Generator().manual_seed(1)
    x = (torch.rand(20, 5, generator=random) < 0.5).double()
    reads = torch.tensor([[1, 1, 0, 0, 1], [1, 1, 1, 0, 0], [1, 0, 0, 1, 1]]).double()
    got = neurons.and_of_readers(x, reads, 0, 1)
    for point, value in zip(x.tolist(), got.tolist(), strict=True):
        one, two = (max(sum(point[b] for b in bits) - 1, 0) for bits in ((0, 1, 4), (0, 1, 2)))
        assert value == (one + two) / 2
    assert neurons.and_of_readers(x, reads, 2, 3).isnan().all()


def test_leaks_of_the_motif_by_hand():
    W_in, W_out = by_hand()
    leaks = neurons.leaks(W_in[0], W_out[:, 0])
    assert leaks.tolist() == [[0, 0.25, 0], [4, 0, 0], [0, 0, 0]]
