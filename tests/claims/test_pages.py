"""Pages outside the notebooks: each number and quantifier belongs to a claim, or is a setting."""

import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.claims.prose import agrees, assertions
from tests.claims.test_claims import SHIFTS, results
from tools import notebooks
from toyutils import claims

ROOT = Path(__file__).parents[2]
# What another tool writes (the table of notebooks), commands, and drawings of folders.
WRITTEN = re.compile(r"<!-- notebooks -->.*?<!-- /notebooks -->|^```.*?^```$", re.DOTALL | re.M)


@dataclass(frozen=True)
class Page:
    """What a page asserts {words: id of the claim behind them}, and which phrases only set up."""

    claims: dict[str, str]
    settings: tuple[str, ...] = field(default=())


# A page that is added here is held to its words from then on: book/teaching.md comes next.
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
}
each_page = pytest.mark.parametrize("name", PAGES)


def text(name):
    return WRITTEN.sub("", (ROOT / name).read_text(encoding="utf-8"))


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
    for words, claim in PAGES[name].claims.items():
        assert claim in claims.of(claim[:2]).all, f"{name}: there is no claim {claim}"
        for shift in SHIFTS:
            result = results(claim[:2], shift)[claim]
            assert result.get("holds"), (
                f"{name} says {words!r}; {claim} with seeds +{shift} does not"
            )
            if result["n"] is not None:
                fits = agrees(words, result["value"], result["low"], result["high"])
                assert fits is not False, f"{name} says {words!r} of {result['shown']}"


def test_the_minutes_in_the_readme_are_those_of_the_notebooks():
    """To read and to solve, rounded to ten minutes outwards."""
    [(fewest, most)] = re.findall(r"takes (\d+) to (\d+) minutes", text("README.md"))
    books = [(notebooks.read(path), path.name) for path in notebooks.notebook_paths()]
    took = [sum(notebooks.minutes(*book)) for book in books]
    assert (int(fewest), int(most)) == (min(took) // 10 * 10, -(-max(took) // 10) * 10)
