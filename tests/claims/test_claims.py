"""Prose and output agree: every number and quantifier belongs to a claim, and every claim holds.

`make test` runs the notebooks with three sets of seeds and leaves in build/claims what each claim
measured (`tests/claims/ipython`). Here it is held against the words, and against the verdicts.
"""

import json
import re
from pathlib import Path

import pytest

from tests.claims.prose import COUNT, EXEMPT, NUMBER, agrees, assertions
from tools import notebooks
from tools.claims import path_of
from toyutils import claims

RUNS = Path(__file__).parents[2] / "build" / "claims"
SHIFTS = ("0", "1009", "2018")
NUMBERS = claims.numbers()
each_notebook = pytest.mark.parametrize("number", NUMBERS)
SEED_BOUND = re.compile(r"seed|on this run|in this run|here,? ", re.IGNORECASE)


def results(number, shift="0"):
    path = RUNS / shift / f"{number}.json"
    if not path.exists():
        pytest.fail(f"{path} is missing: `make notebooks` runs the notebooks and writes it")
    return json.loads(path.read_text(encoding="utf-8"))


def markdown(number):
    """Return (index, source, claim ids) of every cell of prose that asserts.

    Not the first: its minutes and seconds are stamped, and held by tests of their own.
    """
    return [
        (i, cell.source, cell.metadata.get("claims", []))
        for i, cell in enumerate(notebooks.read(path_of(number)).cells)
        if i and cell.cell_type == "markdown" and not EXEMPT & set(notebooks.tags(cell))
    ]


@each_notebook
def test_every_number_and_quantifier_is_answered_for(number):
    made = claims.of(number)
    loose = []
    for i, source, ids in markdown(number):
        words = [word for name in ids for word in made.all[name].words]
        for assertion in assertions(source, [*words, *made.definitions]):
            loose.append(f"cell {i}: “{assertion.words}” in …{assertion.around}…")
    assert not loose, "\n".join(loose)


@each_notebook
def test_every_claim_is_stated_where_it_says(number):
    made = claims.of(number)
    cells = markdown(number)
    stated = {name for _, _, ids in cells for name in ids}
    assert stated == set(made.all), f"stated or defined only: {sorted(stated ^ set(made.all))}"
    for i, source, ids in cells:
        text = " ".join(source.split()).lower()
        for name in ids:
            for words in made.all[name].words:
                assert words.lower() in text, f"cell {i} does not say {words!r} of {name}"
    for phrase in made.definitions:
        text = " ".join(" ".join(source.split()) for _, source, _ in cells).lower()
        assert phrase.lower() in text, f"the definition {phrase!r} is nowhere in the notebook"


@each_notebook
def test_words_agree_with_what_the_run_computed(number):
    measured = results(number)
    for claim in claims.of(number).all.values():
        result = measured[claim.id]
        assert "crashed" not in result, f"{claim.id} crashed: {result['crashed']}"
        for words in claim.words:
            digits = re.findall(rf"{COUNT}|{NUMBER}", words)
            if digits:
                shown = re.findall(rf"{COUNT}|{NUMBER}", result["shown"])
                assert digits == shown, f"{claim.id} says {words!r}, the run {result['shown']!r}"
            if result["n"] is not None:
                fits = agrees(words, result["value"], result["low"], result["high"])
                assert fits is not False, f"{claim.id} says {words!r} of {result['shown']}"


@each_notebook
@pytest.mark.parametrize("shift", SHIFTS)
def test_verdicts_hold_under_other_seeds(number, shift):
    measured = results(number, shift)
    assert set(measured) == set(claims.of(number).all)
    for name, result in measured.items():
        assert "crashed" not in result, f"{name} crashed: {result['crashed']}"
        assert result["holds"], (
            f"{name}: {result['shown']} ({result['low']:.3g} to {result['high']:.3g}), "
            f"asked for {result['threshold']}"
        )


@each_notebook
def test_numbers_that_hang_on_seeds_say_so(number):
    """A count that other seeds change may stand only beside a word that announces it."""
    runs = [results(number, shift) for shift in SHIFTS]
    texts = {name: source for _, source, ids in markdown(number) for name in ids}
    for claim in claims.of(number).all.values():
        spoken = any(re.search(NUMBER, words) for words in claim.words)
        if spoken and len({run[claim.id]["shown"] for run in runs}) > 1:
            shown = ", ".join(run[claim.id]["shown"] for run in runs)
            assert SEED_BOUND.search(texts[claim.id]), f"{claim.id} varies ({shown}) unannounced"
