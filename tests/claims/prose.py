"""Find what prose asserts: numbers and quantifiers, and who answers for them."""

import re
from dataclasses import dataclass

# Markdown that asserts nothing of ours: formulas, code, addresses, markup, numbers of notebooks
# and exercises, the time a notebook takes, years of papers, features by name, places in a list.
NO_CLAIM = re.compile(
    r"\$\$.*?\$\$|\$[^$]*\$|`[^`]*`|\]\([^)\s]*\)|https?://\S+|<[^>]*>|\(\d{4}[a-z]?\)"
    r"|\b[Nn]otebooks? \d\d(?:(?:,| and|,? or| to|–) \d\d)*|\b[Ee]xercises? \d+\.\d+"
    r"|\b[Ee]xperiments? \d(?: (?:and|to) \d)?"
    r"|\b[Ff]eatures? \d(?:(?:,| and| or| to) (?:feature )?\d)*|^\s*\d+\. |\d+(?:→\d+)+"
    r"|^\d+ minutes to read\b[^\n]* CPU cores$",  # stamped
    re.DOTALL | re.MULTILINE,
)
NUMBER = r"(?<![\w^_./-])\d[\d,]*(?:\.\d+)?(?:\s?%)?"
QUANTIFIER = (
    r"(?<![\w-])(?:nearly all|almost all|nearly every|almost every|a few|all|none|most|mostly|few"
    r"|nearly|never|always|half)(?![\w-])"
)
COUNT = rf"{NUMBER} of (?:the )?{NUMBER}"
ASSERTION = re.compile(rf"{COUNT}|{NUMBER}|{QUANTIFIER}", re.IGNORECASE)
# Cells whose prose is a task, a fixed form, or somebody else's words.
EXEMPT = {"exercise", "badges", "terms", "citation", "settings"}


@dataclass(frozen=True)
class Assertion:
    """One number or quantifier of a cell, with the words around it."""

    words: str
    around: str


def plain(source: str) -> str:
    """Return Markdown with what asserts nothing blanked out, length kept."""
    return NO_CLAIM.sub(lambda match: " " * len(match.group()), source)


def assertions(source: str, answered: list[str]) -> list[Assertion]:
    """Return what `source` asserts and no phrase of `answered` covers."""
    text = plain(source)
    covered = [
        range(*match.span())
        for phrase in answered
        for match in re.finditer(r"\s+".join(map(re.escape, phrase.split())), source, re.IGNORECASE)
    ]
    open_ones = []
    for match in ASSERTION.finditer(text):
        inside = any(match.start() in span and match.end() - 1 in span for span in covered)
        if not inside:
            around = source[max(0, match.start() - 40) : match.end() + 40].replace("\n", " ")
            open_ones.append(Assertion(match.group(), around))
    return open_ones


# What a quantifier needs of a share's 95 % interval: all and none have no exception.
def agrees(words: str, value: float, low: float, high: float) -> bool | None:
    """Return whether the quantifiers in `words` fit a share; None where there is none."""
    rules = {
        r"nearly all|almost all|nearly every|almost every": low >= 0.8,
        r"(?<!nearly )(?<!almost )\ball\b|\balways\b|\bevery\b": value == 1,
        r"\bnone\b|\bnever\b|\bno\b": value == 0,
        r"\bmost(?:ly)?\b": low > 0.5,
        r"(?<!a )\bfew\b|\ba few\b": high < 0.35,
        r"\bhalf\b": low <= 0.5 <= high,
    }
    said = [fits for rule, fits in rules.items() if re.search(rule, words, re.IGNORECASE)]
    return all(said) if said else None
