"""How an answer is judged: run it on cases, compare, and name the mistake.

The one idea: a check knows the right formula and the wrong formulas that people write. When what
the learner's function returns equals what one wrong formula returns, in every case, the hint that
belongs to that formula is shown. `Formula` does this. Exercises with many right answers look at
properties instead: a plain function that returns praise or raises Wrong.

This module holds no exercise: those stand in nb01, nb02, …. How a learner's function is called,
and what may go wrong there, stands in `_call`.
"""

import functools
import html
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch

from toyutils.exercises import _progress
from toyutils.exercises._call import (
    Unattempted,
    Wrong,
    argument_names,
    call,
    explain,
    failure,
    function_name,
    kind,
    require_function,
    result,
)

NOT_ATTEMPTED = "not attempted"
PASSED = "passed"
FAILED = "failed"

# For each status: the mark, the words after the number, the colour of the border. The mark and
# the words carry the meaning; the colour only repeats it.
_LOOK = {
    NOT_ATTEMPTED: ("○", "not attempted yet", "#8c8c8c"),
    PASSED: ("✓", "passed", "#1b9e77"),
    FAILED: ("✗", "not right yet", "#d95f02"),
}


SIXTEEN_BITS = "numbers of 16 bits carry three digits. Calculate with `.float()` or `.double()`."


@dataclass(frozen=True, repr=False)
class Result:
    """Say how an exercise went: its number, a status (one of the three above), a message.

    `reference`: it was the notebook's own answer. That it passes is said without praise.
    """

    exercise: str
    status: str
    message: str
    reference: bool = False

    @property
    def passed(self):
        return self.status == PASSED

    def __bool__(self):
        return self.passed

    def __repr__(self):
        heading, message, _ = self._parts()
        return f"{heading} {message}".rstrip()

    def _repr_html_(self):
        # No text or background colour of its own, so it reads in light and in dark themes.
        heading, message, colour = self._parts()
        if self.reference and self.passed:
            return f'<div role="status">{heading}</div>'
        return (
            f'<div role="status" style="border-left: 5px solid {colour}; padding: 0.3em 0.8em">'
            f"<strong>{heading}</strong> {_as_html(message)}</div>"
        )

    def _parts(self):
        mark, words, colour = _LOOK[self.status]
        if not self.reference:
            return f"{mark} Exercise {self.exercise} {words}.", self.message, colour
        if self.passed:
            return f"Reference answer {self.exercise} passes the check.", "", colour
        return f"Reference answer {self.exercise} fails the check.", self.message, colour


def exercise(number):
    """Turn a function of a seed into the check of the exercise with this number.

    The decorated function returns what judges an answer: a `Formula`, or a function that takes
    the answer and returns praise or raises Wrong. It becomes
    `check(answer, *, seed=0, reference=False) -> Result`; `reference` is for the notebook's own
    answer, whose passing is neither praised nor counted.
    """

    def decorate(make_judge):
        @functools.wraps(make_judge)
        def check(answer, *, seed=0, reference=False):
            try:
                outcome = Result(number, PASSED, make_judge(seed)(answer), reference)
            except Unattempted as reason:
                outcome = Result(number, NOT_ATTEMPTED, str(reason), reference)
            except Wrong as reason:
                outcome = Result(number, FAILED, str(reason), reference)
            if not reference:
                _progress.record(number, answer, outcome.passed)
            return outcome

        check.__signature__ = inspect.signature(check, follow_wrapped=False)
        check.exercise = number
        _progress.register(number)
        return check

    return decorate


@dataclass(frozen=True)
class Formula:
    """Judge an answer by a right formula and the wrong ones that people write.

    Attributes:
        cases: tuples of arguments (tensors, arrays or numbers). They must differ enough that no
            wrong formula is right by accident: no square shapes, no zero bias, values on both
            sides of every threshold.
        expected: the right formula, with the parameter names of the exercise. If it returns a
            tuple, the learner must return as many results.
        mistakes: {hint: wrong formula}. A wrong formula may also fail, for example on shapes:
            it then matches an answer that fails with the same words.
        hint: shown if no mistake matches and the answer ran. It says less than the hints that
            are folded into the task.
        tolerance: allowed difference, relative to the largest expected number of the case.
            Whole numbers and truth values must be met exactly.
    """

    cases: list[tuple]
    expected: Callable
    mistakes: dict[str, Callable] = field(default_factory=dict)
    hint: str = ""
    tolerance: float = 1e-4

    def __call__(self, answer):
        """Return praise, or raise Wrong or Unattempted."""
        require_function(answer, self.expected)
        right = self.results(self.expected, 0)
        n_results = len(right[0])
        given = self.results(answer, n_results)
        wrong = [
            i for i, pair in enumerate(zip(given, right, strict=True)) if not self._same(*pair)
        ]
        if not wrong:
            if len(self.cases) == 1:
                return f"`{function_name(answer)}` is right."
            return f"`{function_name(answer)}` agrees with the reference in {len(given)} cases."
        i = wrong[0]
        names = argument_names(answer, self.expected)
        evidence = _evidence(names, self.cases[i], given[i], right[i], answer)
        hint = self._hint(answer, given, right)
        raise Wrong(f"{evidence}\nHint: {hint}" if hint else evidence)

    def results(self, function, n_results):
        """Return what `function` returns, or raises, for every case; 0 asks for any number."""
        return [result(function, case, n_results) for case in self.cases]

    def _same(self, a, b):
        return _same(a, b, self.tolerance)

    def _hint(self, answer, given, right):
        """Return the hint of the mistake that fits, or a general one, or nothing."""
        for mistake, formula in self.mistakes.items():
            like = self.results(formula, len(right[0]))
            if all(self._same(a, b) for a, b in zip(given, like, strict=True)):
                return mistake
        failures = [outcome for outcome in given if isinstance(outcome, BaseException)]
        if failures:
            return explain(failures[0])
        again = result(answer, self.cases[0], len(right[0]))
        if not _same(again, given[0], 0.0):
            return "the same arguments gave two different results. An exact result is asked for."
        return _general_hint(given, right) or self.hint


def choose(answer, explanations):
    """Judge letters chosen in multiple-choice questions, and explain each choice.

    `explanations`: for each question {letter: what is wrong with it, or "right: " and why}. The
    learner's function returns as many letters. Returns praise or raises Wrong or Unattempted.
    """
    require_function(answer, lambda: None)
    letters = _letters(answer, len(explanations))
    for k, (letter, choices) in enumerate(zip(letters, explanations, strict=True), 1):
        if letter not in choices:
            raise Wrong(f"Question {k} has no choice `{letter}`; it has {', '.join(choices)}.")
    chosen = [choices[letter] for letter, choices in zip(letters, explanations, strict=True)]
    report = [
        f"{k} ({letter}): {why}"
        for k, (letter, why) in enumerate(zip(letters, chosen, strict=True), 1)
    ]
    text = "\n".join(["", *report])
    if not all(why.startswith("right: ") for why in chosen):
        raise Wrong(text)
    return text


def generator(seed):
    """Return a torch generator with this seed."""
    return torch.Generator().manual_seed(seed)


def integer(low, high, random):
    """Draw one int with low <= int <= high from the generator `random`."""
    return int(torch.randint(low, high + 1, (), generator=random))


def number(low, high, random):
    """Draw one float from [low, high] with the generator `random`."""
    return low + (high - low) * float(torch.rand((), generator=random))


def rounding(given):
    """Return the relative error to expect of a tensor of 16-bit numbers, and 0 of any other."""
    half = given.dtype in (torch.float16, torch.bfloat16)
    return min(8 * torch.finfo(given.dtype).eps, 0.02) if half else 0.0


def _letters(answer, n_questions):
    """Call the learner's function; return the letters it chose, in lower case."""
    letters = call(answer, ())
    if isinstance(letters, list | tuple) and all(isinstance(letter, str) for letter in letters):
        letters = "".join(letters)
    if not isinstance(letters, str):
        raise Wrong(f'Your function returned {kind(letters)}; return letters, such as `"ac"`.')
    letters = re.sub(r"[^a-z]", "", letters.lower())
    if len(letters) != n_questions:
        s = "" if len(letters) == 1 else "s"
        raise Wrong(f"There are {n_questions} questions, and you chose {len(letters)} letter{s}.")
    return letters


def _same(a, b, tolerance):
    """Compare two outcomes; exceptions are the same if type and text are."""
    if isinstance(a, BaseException) or isinstance(b, BaseException):
        return type(a) is type(b) and str(a) == str(b)
    return len(a) == len(b) and all(_close(x, y, tolerance) for x, y in zip(a, b, strict=True))


def _close(given, right, tolerance):
    # A single number may have the shape (), (1,) or (1, 1). Anything else must have the right
    # shape, otherwise broadcasting would hide the difference.
    if given.shape != right.shape and not given.numel() == right.numel() == 1:
        return False
    allowed = 1e-6
    if right.is_floating_point() and right.numel():
        allowed += max(tolerance, rounding(given)) * float(right.abs().nan_to_num().max())
    given, right = given.double().reshape(-1), right.double().reshape(-1)
    both_nan = given.isnan() & right.isnan()
    return bool((((given - right).abs() <= allowed) | both_nan).all())


def _evidence(names, case, given, right, answer):
    """Say for one case what was expected and what the learner's function returned."""
    arguments = ", ".join(f"{n} {_argument(a)}" for n, a in zip(names, case, strict=True))
    where = f"For {arguments}: " if arguments else ""
    if isinstance(given, BaseException):
        return f"{where}{failure(given, answer)}"
    for k, (x, y) in enumerate(zip(given, right, strict=True)):
        which = f"result {k + 1}: " if len(right) > 1 else ""
        if x.shape != y.shape and not x.numel() == y.numel() == 1:
            return f"{where}{which}expected shape {tuple(y.shape)}, got shape {tuple(x.shape)}."
        if not torch.isfinite(x.double()).all():
            return f"{where}{which}your function returned NaN or infinity."
        if not _close(x, y, 0.0):
            return f"{where}{which}{_difference(x, y, names, case)}"
    raise AssertionError("unreachable: the two outcomes are the same")


def _difference(given, right, names, case):
    """Show both results, or, where they are large, the entry that is furthest off."""
    if not case:  # the expected number would give the answer away
        return f"got {_show(given)}."
    if right.numel() <= 6:
        return f"expected {_show(right)}, got {_show(given)}."
    worst = int((given.double() - right.double()).abs().argmax())
    place = [int(i) for i in torch.unravel_index(torch.tensor(worst), right.shape)]
    text = f"expected {_show(right[*place])} at {place}, got {_show(given[*place])}."
    for name, a in zip(names, case, strict=True):
        # The row of the first argument that belongs to this row of the result.
        if isinstance(a, torch.Tensor) and a.shape[:1] == right.shape[:1] and a[0].numel() <= 4:
            return f"{text} There {name}[{place[0]}] = {_show(a[place[0]])}."
    return text


def _general_hint(given, right):
    """Name faults that do not depend on the exercise; empty if there is none."""
    if any(
        part.dtype in (torch.float16, torch.bfloat16) for outcome in given for part in outcome
    ) and all(_same(g, r, 0.1) for g, r in zip(given, right, strict=True)):
        return SIXTEEN_BITS
    constant = all(_same(outcome, given[0], 0.0) for outcome in given)
    if len(given) > 1 and constant and not all(_same(r, right[0], 0.0) for r in right):
        return f"in all {len(given)} cases your function returned the same."
    if any(_only_rounded(given, right, digits) for digits in range(1, 7)):
        return "these are rounded numbers. Return them with all their digits."
    return ""


def _only_rounded(given, right, digits):
    """Return whether `given` is `right` rounded to so many decimal places."""
    for result_parts, right_parts in zip(given, right, strict=True):
        for x, y in zip(result_parts, right_parts, strict=True):
            if not y.is_floating_point() or x.numel() != y.numel():
                return False
            rounded = y.double().round(decimals=digits).reshape(-1)
            off = (x.double().reshape(-1) - rounded).abs().max() > 1e-6 * rounded.abs().max()
            if off or not rounded.any():
                return False
    return True


def _argument(a):
    if isinstance(a, np.ndarray):
        a = torch.from_numpy(a.copy())
    if not isinstance(a, torch.Tensor):
        return f"= {a:.4g}"
    return f"= {_show(a)}" if a.numel() <= 2 else f"of shape {tuple(a.shape)}"


def _show(t):
    if t.ndim:
        return "[" + ", ".join(_show(item) for item in t) + "]"
    return str(t.item()) if t.dtype == torch.bool else f"{t.item() + 0.0:.4g}"  # no "-0"


def _as_html(message):
    """Return the message as HTML: `code`, *emphasis* outside of code, and new lines."""
    parts = re.split(r"(`[^`]+`)", html.escape(message, quote=False).replace("\n", "<br>"))
    return "".join(
        f"<code>{part[1:-1]}</code>"
        if part.startswith("`")
        else re.sub(r"\*(\w[^*]*)\*", r"<em>\1</em>", part)
        for part in parts
    )
