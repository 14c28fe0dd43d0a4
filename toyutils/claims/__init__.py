"""Claims: what a sentence of a notebook says, computed from what the notebook computed.

A claim is a function of the notebook's own variables. It returns a `Measured`: a statistic with
an interval, and whether it clears a threshold that was fixed beforehand. `words` is what the
prose says of it; the Markdown cell that says so lists the claim's id in its metadata, and tests
hold number, quantifier and verdict together. `python -m toyutils.claims` lists all of them.
"""

import importlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Measured:
    """Hold one result: `value` in [`low`, `high`] (95 %), as prose shows it, and the verdict.

    `n` is what a share was counted over, else None. `holds` is None until a threshold is set
    by `at_least`, `at_most`, `between`, `near` or `true`.
    """

    value: float
    low: float
    high: float
    shown: str
    n: int | None = None
    holds: bool | None = None
    threshold: str = ""

    def at_least(self, bound: float) -> "Measured":
        """Hold when the whole interval lies at `bound` or above."""
        return self._judged(self.low >= bound, f"≥ {bound:g}")

    def at_most(self, bound: float) -> "Measured":
        """Hold when the whole interval lies at `bound` or below."""
        return self._judged(self.high <= bound, f"≤ {bound:g}")

    def between(self, low: float, high: float) -> "Measured":
        """Hold when the value lies in [`low`, `high`]."""
        return self._judged(low <= self.value <= high, f"{low:g} to {high:g}")

    def near(self, target: float, relative: float) -> "Measured":
        """Hold when the value is `target`, up to a share `relative` of it."""
        return self._judged(
            abs(self.value - target) <= relative * abs(target), f"{target:g} ± {relative:.2g} of it"
        )

    def _judged(self, holds: bool, threshold: str) -> "Measured":
        if self.holds is not None:
            threshold, holds = f"{self.threshold}, {threshold}", self.holds and bool(holds)
        return Measured(self.value, self.low, self.high, self.shown, self.n, bool(holds), threshold)


def share(hits: Tensor | list | int, n: int | None = None) -> Measured:
    """Return how often something came out, with Wilson's interval: "60 of 64".

    `hits` holds truth values, one for each case, or is their number, of `n`. Zero of 64 is
    compatible with 5 %: the interval says so.

    Raises ValueError when there is no case, or more hits than cases.
    """
    if n is None:
        hits = torch.as_tensor(hits)
        hits, n = int(hits.sum()), hits.numel()
    if not 0 <= hits <= n or n < 1:
        raise ValueError(f"hits is {hits} of n = {n}; count some of at least one case")
    z = 1.96
    middle, half = (
        (hits / n + z**2 / (2 * n)),
        z * math.sqrt(hits / n * (1 - hits / n) / n + z**2 / (4 * n**2)),
    )
    scale = 1 + z**2 / n
    low, high = max((middle - half) / scale, 0.0), min((middle + half) / scale, 1.0)
    return Measured(hits / n, low, high, f"{hits} of {n}", n)


def number(value: float | Tensor, form: str = ".3g", error: float = 0.0) -> Measured:
    """Return a number as prose shows it (`form` as in an f-string), ± 1.96 standard `error`s.

    Raises ValueError when it is not finite: a claim cannot rest on nothing.
    """
    value = float(value)
    if not math.isfinite(value):
        raise ValueError(f"value is {value}; a claim needs a finite number")
    return Measured(value, value - 1.96 * error, value + 1.96 * error, format(value, form))


def true(cases: Tensor | list | bool) -> Measured:
    """Return a claim that must hold in every case; the share of cases in which it does."""
    cases = torch.atleast_1d(torch.as_tensor(cases))
    result = share(cases)
    return result._judged(bool(cases.all()), "in every case")


@dataclass(frozen=True)
class Claim:
    """Hold what a notebook says: `id`, the `words` of the prose, how it is measured.

    `statement` says it in one sentence. `seed_bound` marks numbers that other seeds change; the
    cell that states them must say so. `source`: who says so, where it is not only us.
    """

    id: str
    words: tuple[str, ...]
    statement: str
    measure: Callable[[SimpleNamespace], Measured]
    source: str = ""
    kind: str = "computed"

    def __call__(self, run: Mapping) -> Measured:
        """Measure the claim on the variables of an executed notebook."""
        result = self.measure(SimpleNamespace(**run))
        if result.holds is None:
            raise ValueError(f"claim {self.id} sets no threshold; it could not fail")
        return result


@dataclass
class Claims:
    """Collect the claims of one notebook, and the phrases that only set something up.

    `definitions` are phrases whose numbers and quantifiers claim nothing: settings ("64
    networks"), names ("all-zero point"), definitions.
    """

    number: str
    definitions: tuple[str, ...] = ()
    all: dict[str, Claim] = field(default_factory=dict)

    def claim(self, name: str, *words: str, source: str = "", kind: str = "computed"):
        """Register the function below as the claim `number.name`; its docstring is the statement.

        Raises ValueError when the name is taken or the function has no docstring.
        """
        identifier = f"{self.number}.{name}"

        def register(measure):
            if identifier in self.all:
                raise ValueError(f"claim {identifier} is defined twice")
            if not measure.__doc__:
                raise ValueError(f"claim {identifier} has no docstring; state it in one sentence")
            statement = " ".join(measure.__doc__.split())
            self.all[identifier] = Claim(identifier, words, statement, measure, source, kind)
            return measure

        return register


def of(number: str) -> Claims | None:
    """Return the claims of a notebook ("05"), or None where it makes none yet."""
    try:
        return importlib.import_module(f"toyutils.claims.nb{number}").CLAIMS
    except ModuleNotFoundError as error:
        if error.name != f"toyutils.claims.nb{number}":
            raise
        return None


def numbers() -> list[str]:
    """Return the numbers of the notebooks that have claims, in order."""
    return sorted(path.stem[2:] for path in Path(__file__).parent.glob("nb*.py"))
