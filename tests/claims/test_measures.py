"""What a claim rests on: intervals, verdicts, and that prose is really searched."""

import math

import pytest
import torch

from tests.claims.prose import agrees, assertions
from toyutils.claims import Claims, Measured, number, share, true


@pytest.mark.parametrize(("hits", "n"), [(0, 64), (1, 8), (30, 64), (64, 64), (500, 1000)])
def test_the_interval_of_a_share_is_wilsons(hits, n):
    """Its ends are the shares q from which hits / n lies 1.96 standard errors of q away."""
    got = share(hits, n)
    for end in (got.low, got.high):
        away = abs(hits / n - end)
        assert away == pytest.approx(1.96 * math.sqrt(end * (1 - end) / n), abs=1e-9)
    assert got.low <= got.value <= got.high
    assert got.shown == f"{hits} of {n}"


def test_none_of_64_is_compatible_with_five_percent():
    assert share(0, 64).high > 0.05
    assert not share(0, 64).at_most(0.05).holds
    assert share(0, 64).at_most(0.06).holds


def test_thresholds_ask_the_whole_interval():
    assert share(60, 64).at_least(0.8).holds
    assert not share(60, 64).at_least(0.9).holds
    assert share([True, True, False]).value == pytest.approx(2 / 3)
    assert number(1.0, error=0.1).at_least(0.8).holds
    assert not number(1.0, error=0.2).at_least(0.8).holds
    assert number(0.0417, ".4f").near(1 / 24, 0.01).holds
    assert not number(0.0430, ".4f").near(1 / 24, 0.01).holds
    assert not number(2).at_least(1).at_most(1.5).holds
    assert not number(1).at_least(2).at_most(2).holds, "a second threshold forgives no first"
    assert true(torch.tensor([True, True])).holds
    assert not true([True, False]).holds


@pytest.mark.parametrize("nothing", [math.nan, math.inf])
def test_a_statistic_of_nothing_cannot_pass(nothing):
    with pytest.raises(ValueError, match="a claim needs a finite number"):
        number(nothing)
    with pytest.raises(ValueError, match="count some of at least one case"):
        share([])
    with pytest.raises(ValueError, match="hits is 5 of n = 4"):
        share(5, 4)


def test_a_claim_needs_a_threshold_a_statement_and_a_name_of_its_own():
    made = Claims("99")

    @made.claim("open", "all")
    def _(run):
        """Say nothing that could fail."""
        return share(run.hits)

    with pytest.raises(ValueError, match=r"claim 99\.open sets no threshold"):
        made.all["99.open"](dict(hits=[True]))
    with pytest.raises(ValueError, match="defined twice"):
        made.claim("open")(lambda run: None)
    with pytest.raises(ValueError, match="no docstring"):
        made.claim("mute")(lambda run: None)


def test_a_claim_measures_the_variables_of_a_run():
    made = Claims("99")

    @made.claim("most", "most of them")
    def _(run):
        """Most of them are hits."""
        return share(run.hits).at_least(0.5)

    result = made.all["99.most"]({"hits": torch.ones(20, dtype=torch.bool)})
    assert isinstance(result, Measured)
    assert result.holds
    assert made.all["99.most"].statement == "Most of them are hits."


@pytest.mark.parametrize(
    "asserts",
    ["60 of 64 models", "a loss of 0.0417", "19 % lower", "Nearly all reach it", "always", "half"],
)
def test_numbers_and_quantifiers_are_found(asserts):
    assert assertions(f"We saw {asserts} here.", [])
    assert not assertions(f"We saw {asserts} here.", [asserts])
    assert assertions(f"We saw {asserts} here, and never there.", [asserts])


@pytest.mark.parametrize(
    "silent",
    [
        "$p = 0.3$", "`train(n_steps=500)`", "[Elhage](https://a.b/2022)", "Elhage et al. (2022)",
        "notebooks 03 and 05", "exercise 5.2", "feature 0 and feature 3", "5→2", "five arrows",
    ],
)  # fmt: skip
def test_what_asserts_nothing_is_left_alone(silent):
    assert not assertions(f"As in {silent}, we see.", [])


@pytest.mark.parametrize(
    ("words", "hits", "n", "fits"),
    [
        ("nearly all", 62, 64, True),
        ("nearly all", 50, 64, False),
        ("all of them", 63, 64, False),
        ("all of them", 64, 64, True),
        ("most", 38, 64, False),
        ("most", 50, 64, True),
        ("a few", 5, 64, True),
        ("few", 40, 64, False),
        ("none", 1, 64, False),
        ("never", 0, 64, True),
        ("half", 33, 64, True),
        ("half", 60, 64, False),
        ("60 of 64", 60, 64, None),
    ],
)
def test_a_quantifier_has_bounds(words, hits, n, fits):
    got = share(hits, n)
    assert agrees(words, got.value, got.low, got.high) is fits
