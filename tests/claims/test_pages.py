"""Pages outside the notebooks: each number and quantifier belongs to a claim, or is a setting."""

import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.claims.prose import COUNT, NUMBER, agrees, assertions
from tests.claims.test_claims import SHIFTS, results
from tools import notebooks
from toyutils import claims

ROOT = Path(__file__).parents[2]
# What another tool writes (the table of notebooks), commands, and drawings of folders, and the
# clock of a timetable.
WRITTEN = re.compile(
    r"<!-- notebooks -->.*?<!-- /notebooks -->|^```.*?^```$|^\| \d[\d–:]* (?=\|)", re.DOTALL | re.M
)


@dataclass(frozen=True)
class Page:
    """What a page asserts {words: id of the claim behind them}, and which phrases only set up.

    `parts` matches what is held to its words, where that is not the whole page.
    """

    claims: dict[str, str]
    settings: tuple[str, ...] = field(default=())
    parts: str = r"\A.*\Z"


# Exercises, notebooks, minutes, and what is put on the board.
TEACHING_SETTINGS = (
    "### Session 1 ·", "Session 2 ·", "Session 3 ·", "Session 4 ·",
    "notebooks 00, 01; homework 02", "run 00 once on the room's machines (15 s)",
    "train 64 networks", "exercises 0.1 to 0.3", "a uniform number, 1/12", "exercises 1.1 to 1.4",
    "importances 1 and 0.1", "0.1 · (1/12) / 2 on the board", "the last question of 01, and 02",
    "Training found loss 0.04", "the minimum is 1/24", "in 00 each", "at S = 0.97",
    "notebooks 03, 04; homework 05", "the solution of 4.4", "Homework 02", "v(0.2)/2",
    "exercises 3.1 to 3.3", "of 64 seeds become", "exercise 3.5: 4/7", "exercises 4.1 and 4.3",
    "the rest of 03 and 04, and 05 without 5.4 and 5.5", "Superposition is always better",
    "a density of 4/7", "pair with b = 0", "are below 90°", "can all stand at 90°",
    "notebooks 05, 07; homework 06", "Homework 05", "exercises 7.1 to 7.3",
    "Exercises 5.4 and 5.5", "the last question of 07, and 06", "session 4, when 06 is done",
    "notebooks 08, 09; homework 10", "Homework 06", "exercises 9.1 and 9.2",
    "D* rest at 1/2", "the rest of 08 and 09, and 10, discussed", "at half the importance",
    "to 0 at p", "a feature is half there", "nearly as long as one that is alone",
    "worth most per dimension", "00 run once (15 s)", "start 09 (70 s) and 10 (60 s)", "at 14:45",
    "exercises 5.1 and 5.4", "one seed against 64", "session 1 before", "session 2 before",
    "session 3 with", "session 4 at",
)  # fmt: skip
# The other pages assert nothing that a notebook measured: prerequisites.md and sample_project.md
# are run by tests/course/test_pages.py, before_and_after.md asks questions, syllabus.md plans.
PAGES = {
    "README.md": Page(
        claims={
            "all keep two of five features, at right angles": "00.two",
            "nearly all keep five": "00.five",
            "in a pentagon": "00.pentagon",
        },
        settings=(
            "what 64 of each keep",
            "at sparsity 0.97",
            "the first network for each S",
            "what all 64 keep",
            "takes 30 to 80 minutes",
            "with Python 3.11 or newer",
            "under [CC BY 4.0]",
            "To lead them all to your fork",
        ),
    ),
    "book/teaching.md": Page(
        parts=r"^### Session 1.*?(?=^### Open questions)|^## One day.*?(?=^## A closing)",
        claims={
            "nearly all seeds keep five": "00.five",
            "each hidden number responds to several": "00.rows",
            "0.0417": "00.set-up",
            "About half do": "03.about-half",
            "half of the seeds fail": "03.about-half",
            'dead units": none is': "03.dead",
            "dead outputs, there are none": "03.dead",
            "= 0.0283": "02.minimum-equal",
            "loses against keeping one feature": "03.break-even",
            "a bias has next to nothing to repair": "04.bias-idle",
            "five arrows in every seed": "06.pub-five",
            "median loss is a quarter lower": "06.quarter",
            "the heptagon costs less than anything that training found": "07.heptagon-beats",
            "the two costs cross": "07.crossing",
            "from a length of 0.75": "09.jump",
            "at p = 0.485": "09.crossing",
            "about a quarter of single runs end in a worse minimum": "09.one_seed_worse",
        },
        settings=TEACHING_SETTINGS,
    ),
}
NUMBERS = re.compile(rf"{COUNT}|{NUMBER}")
each_page = pytest.mark.parametrize("name", PAGES)


def text(name):
    whole = (ROOT / name).read_text(encoding="utf-8")
    parts = re.findall(PAGES[name].parts, whole, re.DOTALL | re.MULTILINE)
    assert parts, f"{name} has none of the parts {PAGES[name].parts!r}"
    return WRITTEN.sub("", "\n".join(parts))


@each_page
def test_every_number_and_quantifier_is_answered_for(name):
    page = PAGES[name]
    loose = assertions(text(name), [*page.claims, *page.settings])
    assert not loose, "\n".join(f"“{one.words}” in …{one.around}…" for one in loose)


@each_page
def test_what_a_page_lists_stands_there(name):
    said = " ".join(text(name).split()).lower()
    for words in (*PAGES[name].claims, *PAGES[name].settings):
        assert words.lower() in said, f"{name} does not say {words!r}"


@each_page
def test_what_a_page_says_holds_in_the_notebooks(name):
    """Verdicts under three sets of seeds; quantifiers and digits as the first of them says."""
    for words, claim in PAGES[name].claims.items():
        assert claim in claims.of(claim[:2]).all, f"{name}: there is no claim {claim}"
        for shift in SHIFTS:
            assert results(claim[:2], shift)[claim].get("holds"), (
                f"{name} says {words!r}; {claim} with seeds +{shift} does not"
            )
        result = results(claim[:2])[claim]
        if digits := NUMBERS.findall(words):
            shown = NUMBERS.findall(result["shown"])
            assert digits == shown, f"{name} says {words!r}, the run {result['shown']!r}"
        if result["n"] is not None:
            fits = agrees(words, result["value"], result["low"], result["high"])
            assert fits is not False, f"{name} says {words!r} of {result['shown']}"


def test_the_minutes_in_the_readme_are_those_of_the_notebooks():
    """To read and to solve, rounded to ten minutes outwards."""
    [(fewest, most)] = re.findall(r"takes (\d+) to (\d+) minutes", text("README.md"))
    books = [(notebooks.read(path), path.name) for path in notebooks.notebook_paths()]
    took = [sum(notebooks.minutes(*book)) for book in books]
    assert (int(fewest), int(most)) == (min(took) // 10 * 10, -(-max(took) // 10) * 10)
