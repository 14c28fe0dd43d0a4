"""How an answer is judged: run it on cases, compare, and name the mistake.

The one idea: a check knows the right formula and the wrong formulas that people write. When what
the learner's function returns equals what one wrong formula returns, in every case, the hint that
belongs to that formula is shown. `compare` does this. `judge` is for exercises with many right
answers, where a check looks at properties instead.

This module holds no exercise: those stand in nb01, nb02, ….
"""

import html
import inspect
import re
import traceback
from dataclasses import dataclass

import numpy as np
import torch

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


@dataclass(frozen=True, repr=False)
class Result:
    """Say how an exercise went: its number, a status (one of the three above), a message."""

    exercise: str
    status: str
    message: str

    @property
    def passed(self):
        return self.status == PASSED

    def __bool__(self):
        return self.passed

    def __repr__(self):
        mark, words, _ = _LOOK[self.status]
        return f"{mark} Exercise {self.exercise} {words}. {self.message}".rstrip()

    def _repr_html_(self):
        # No text or background colour of its own, so it reads in light and in dark themes.
        mark, words, colour = _LOOK[self.status]
        message = html.escape(self.message, quote=False).replace("\n", "<br>")
        message = re.sub(r"`([^`]+)`", r"<code>\1</code>", message)
        return (
            f'<div role="status" style="border-left: 5px solid {colour}; padding: 0.3em 0.8em">'
            f"<strong>{mark} Exercise {self.exercise} {words}.</strong> {message}</div>"
        )


class Wrong(Exception):
    """Raised inside a check; its text is what the learner reads."""


class Unattempted(Exception):
    """Raised when the learner's function is still a stub; its text is what the learner reads."""


def compare(exercise, answer, cases, expected, mistakes, *, hint="", tolerance=1e-4):
    """Compare the learner's function with the right formula, case by case.

    Args:
        exercise: number as printed in the notebook, for example "1.2".
        answer: the learner's function. It may return tensors, arrays, lists or plain numbers.
        cases: tuples of arguments (tensors or numbers). Sizes and signs must differ enough that
            no wrong formula is right by accident: no square shapes, no zero bias.
        expected: the right formula; its parameter names are used in messages. If it returns a
            tuple, the learner must return as many results.
        mistakes: {hint: wrong formula}. A wrong formula may also fail, for example on shapes:
            it then matches an answer that fails with the same words.
        hint: shown if no mistake matches.
        tolerance: allowed difference, relative to the largest expected number of the case.

    Returns: Result.
    """
    cases = list(cases)

    def question():
        require_function(answer, expected)
        n_results = _n_results(expected, cases[0])
        came = [outcome(answer, case, n_results) for case in cases]
        want = [outcome(expected, case, n_results) for case in cases]
        wrong = [i for i in range(len(cases)) if not _same(came[i], want[i], tolerance)]
        if not wrong:
            if len(cases) == 1:
                return f"`{_name(answer)}` is right."
            return f"`{_name(answer)}` agrees with the reference in {len(cases)} cases."

        i = wrong[0]
        names = inspect.signature(expected).parameters
        evidence = _evidence(names, cases[i], want[i], came[i], answer)
        for mistake, formula in mistakes.items():
            like = [outcome(formula, case, n_results) for case in cases]
            if all(_same(a, b, tolerance) for a, b in zip(came, like, strict=True)):
                raise Wrong(f"{evidence}\nHint: {mistake}")
        general = _general_hint(came, want) or hint
        raise Wrong(f"{evidence}\nHint: {general}" if general else evidence)

    return judge(exercise, question)


def judge(exercise, question):
    """Turn what `question()` does into a Result: it returns praise or raises Wrong.

    Use it directly where many answers are right; call the learner's function through `value`.
    """
    try:
        return Result(exercise, PASSED, question())
    except Unattempted as reason:
        return Result(exercise, NOT_ATTEMPTED, str(reason))
    except Wrong as reason:
        return Result(exercise, FAILED, str(reason))


def choose(exercise, answer, right, explanations):
    """Judge letters chosen in a multiple-choice question, and explain each choice.

    `right`: the right letters, such as "ba". `explanations`: for each question {letter: why it is
    right, or what is wrong with it}. The learner's function returns as many letters.
    """

    def question():
        require_function(answer, lambda: None)
        letters = _letters(answer, len(right))
        for k, (letter, choices) in enumerate(zip(letters, explanations, strict=True), 1):
            if letter not in choices:
                raise Wrong(f"Question {k} has no choice `{letter}`; it has {', '.join(choices)}.")
        said = [
            f"{k} ({letter}): {choices[letter]}"
            for k, (letter, choices) in enumerate(zip(letters, explanations, strict=True), 1)
        ]
        if letters != right:
            raise Wrong("\n".join(["", *said]))
        if _name(answer).endswith("_answer"):
            # Run All runs the folded reference too: its output must not give the letters away.
            return "Unfold the cell above when you have chosen."
        return "\n".join(["", *said])

    return judge(exercise, question)


def _letters(answer, n_questions):
    """Call the learner's function; return the letters it chose, in lower case."""
    chosen = _called(answer, ())
    if isinstance(chosen, BaseException):
        raise Wrong(_failure(chosen, answer))
    if isinstance(chosen, list | tuple) and all(isinstance(letter, str) for letter in chosen):
        chosen = "".join(chosen)
    if not isinstance(chosen, str):
        raise Wrong(f'Your function returned {_kind(chosen)}; letters are wanted, such as `"cc"`.')
    letters = re.sub(r"[^a-z]", "", chosen.lower())
    if len(letters) != n_questions:
        raise Wrong(f"There are {n_questions} questions, and you chose {len(letters)} letters.")
    return letters


def value(answer, *arguments):
    """Call the learner's function; return its result as one tensor.

    Raises Wrong if it fails, returns nothing usable, or returns NaN or infinity.
    """
    return values(answer, arguments, 1)[0]


def values(answer, arguments, n_results):
    """Call the learner's function; return its `n_results` results as tensors. See `value`."""
    result = outcome(answer, arguments, n_results)
    if isinstance(result, BaseException):
        raise Wrong(_failure(result, answer))
    if any(not torch.isfinite(part.double()).all() for part in result):
        raise Wrong("Your function returned NaN or infinity.")
    return result


def require_function(answer, expected):
    """Raise Wrong unless `answer` is a function that takes the arguments of `expected`."""
    wanted = inspect.signature(expected)
    if not callable(answer):
        raise Wrong(
            f"The check was given {_kind(answer)}, not a function. Pass the function itself: "
            "its name, without brackets and arguments."
        )
    try:
        inspect.signature(answer).bind(*wanted.parameters)
    except TypeError:
        raise Wrong(
            f"Your function takes the arguments `{inspect.signature(answer)}`; "
            f"the exercise asks for `{wanted}`."
        ) from None
    except ValueError:  # some built-in functions do not tell their signature
        pass


def outcome(function, arguments, n_results=1):
    """Call `function` on copies of the arguments.

    Returns a tuple of `n_results` tensors, or the exception that the function raised.
    Raises Unattempted for a stub and Wrong for a changed input or an unusable result.
    """
    result = _called(function, arguments)
    if isinstance(result, BaseException):
        return result
    if n_results == 1:
        return (_tensor(result),)
    if not isinstance(result, tuple | list) or len(result) != n_results:
        raise Wrong(f"Your function returned {_kind(result)}; {n_results} results are wanted.")
    return tuple(_tensor(part) for part in result)


def _called(function, arguments):
    """Call `function` on copies of the arguments; return what it returns or the exception raised.

    Raises Unattempted for a stub, and Wrong for a changed input or no result at all.
    """
    copies = [_copy(a) for a in arguments]
    try:
        result = function(*copies)
    except NotImplementedError as error:
        # Torch raises this too, for operations it lacks; a stub names its exercise.
        if str(error) and not str(error).startswith("Exercise"):
            return error
        raise Unattempted("Write the function, then run this cell again.") from None
    except (Exception, SystemExit) as error:
        return error
    if result is Ellipsis or result is NotImplemented:
        raise Unattempted("Write the function, then run this cell again.")
    _require_unchanged(function, arguments, copies)
    if result is None:
        raise Wrong("Your function returned None. Is there a `return`?")
    return result


def generator(seed):
    """Return a torch generator with this seed."""
    return torch.Generator().manual_seed(seed)


def integer(low, high, random):
    """Draw one int with low <= int <= high from the generator `random`."""
    return int(torch.randint(low, high + 1, (), generator=random))


def number(low, high, random):
    """Draw one float from [low, high] with the generator `random`."""
    return low + (high - low) * float(torch.rand((), generator=random))


def _copy(argument):
    if isinstance(argument, torch.Tensor):
        return argument.clone()
    return argument.copy() if isinstance(argument, np.ndarray) else argument


def _changed(old, new):
    if isinstance(old, torch.Tensor):
        return not torch.equal(old, new)
    return isinstance(old, np.ndarray) and not np.array_equal(old, new)


def _n_results(expected, case):
    result = expected(*case)
    return len(result) if isinstance(result, tuple) else 1


def _tensor(result):
    """Return a number, array, tensor, or (nested) list of these as a detached CPU tensor."""
    if isinstance(result, torch.Tensor):
        return result.detach().cpu()
    try:
        if isinstance(result, list | tuple):
            return torch.stack([_tensor(item) for item in result])
        if isinstance(result, np.ndarray | np.generic):
            return torch.from_numpy(np.array(result))  # a copy: torch refuses negative strides
        return torch.tensor(result if isinstance(result, bool) else float(result))
    except (TypeError, ValueError, RuntimeError):
        raise Wrong(
            f"Your function returned {_kind(result)}; a tensor, an array or a number is wanted."
        ) from None


def _same(a, b, tolerance):
    """Compare two outcomes; exceptions are the same if type and text are."""
    if isinstance(a, BaseException) or isinstance(b, BaseException):
        return type(a) is type(b) and str(a) == str(b)
    return all(_close(x, y, tolerance) for x, y in zip(a, b, strict=True))


def _close(came, want, tolerance):
    # A single number may come as (), (1,) or (1, 1). Anything else must have the right shape,
    # otherwise broadcasting would hide the difference.
    if came.shape != want.shape and not came.numel() == want.numel() == 1:
        return False
    came, want = came.double().reshape(-1), want.double().reshape(-1)
    allowed = 1e-6 + tolerance * want.abs().nan_to_num().max() if want.numel() else 0.0
    both_nan = came.isnan() & want.isnan()
    return bool((((came - want).abs() <= allowed) | both_nan).all())


def _require_unchanged(function, before, after):
    for i, (old, new) in enumerate(zip(before, after, strict=True)):
        if _changed(old, new):
            name = _parameter(function, i)
            raise Wrong(
                f"Your function changed its input `{name}`. Work on a copy: an operation such as "
                f"`{name} += 1` or `{name}.mul_(2)` also changes the caller's tensor."
            )


def _parameter(function, i):
    try:
        return list(inspect.signature(function).parameters)[i]
    except (ValueError, IndexError):  # a built-in function, or one that takes *args
        return f"x{i + 1}"


def _evidence(names, case, want, came, answer):
    """Say for one case what was expected and what came."""
    called = ", ".join(f"{n} {_argument(a)}" for n, a in zip(names, case, strict=True))
    called = f"For {called}: " if called else ""
    if isinstance(came, BaseException):
        return f"{called}{_failure(came, answer)}"
    for k, (x, y) in enumerate(zip(came, want, strict=True)):
        which = f"result {k + 1}: " if len(want) > 1 else ""
        if x.shape != y.shape and not x.numel() == y.numel() == 1:
            return f"{called}{which}expected shape {tuple(y.shape)}, came shape {tuple(x.shape)}."
        if not torch.isfinite(x.double()).all():
            return f"{called}{which}NaN or infinity came."
        if not _close(x, y, 0.0):
            return f"{called}{which}{_difference(x, y, names, case)}"
    raise AssertionError("unreachable: the two outcomes are the same")


def _difference(came, want, names, case):
    """Show both results, or, where they are large, the entry that is furthest off."""
    if not case:  # naming the expected number would give the answer away
        return f"{_show(came)} came."
    if want.numel() <= 6:
        return f"expected {_show(want)}, came {_show(came)}."
    worst = int((came.double() - want.double()).abs().argmax())
    place = [int(i) for i in torch.unravel_index(torch.tensor(worst), want.shape)]
    text = f"expected {_show(want[*place])} at {place}, came {_show(came[*place])}."
    for name, a in zip(names, case, strict=True):
        # The row of the first argument that belongs to this row of the result.
        if isinstance(a, torch.Tensor) and a.shape[:1] == want.shape[:1] and a[0].numel() <= 4:
            return f"{text} There {name}[{place[0]}] = {_show(a[place[0]])}."
    return text


def _general_hint(came, want):
    """Name faults that do not depend on the exercise; empty if there is none."""
    if any(isinstance(result, BaseException) for result in came):
        return ""
    if not all(torch.isfinite(part.double()).all() for result in came for part in result):
        return "look for a division by zero, or the root or logarithm of a negative number."
    constant = all(_same(result, came[0], 0.0) for result in came)
    if len(came) > 1 and constant and not all(_same(w, want[0], 0.0) for w in want):
        return "your function returns the same for every input: does it use its arguments?"
    if all(_same(c, w, 0.01) for c, w in zip(came, want, strict=True)):
        return "that is very close. Return the exact expression, not a rounded number."
    return ""


def _failure(error, answer):
    text = (str(error).strip() or "no message").splitlines()[0][:200]
    line = _line(error, answer)
    return f"your function stopped with {type(error).__name__}: {text}{line}".rstrip(".") + "."


def _line(error, answer):
    """Return the line of the learner's code where the error arose, ready to append."""
    code = getattr(answer, "__code__", None)
    frames = traceback.extract_tb(error.__traceback__)
    # An error that was brought here from another process, as in grading, has its line as a note.
    lines = getattr(error, "__notes__", []) or [
        frame.line for frame in frames if code and frame.filename == code.co_filename
    ]
    return f" (in the line `{lines[-1][:120]}`)" if lines and lines[-1] else ""


def _argument(a):
    if isinstance(a, np.ndarray):
        a = torch.from_numpy(a.copy())
    if not isinstance(a, torch.Tensor):
        return f"= {a:.4g}"
    return f"= {_show(a)}" if a.numel() <= 2 else f"of shape {tuple(a.shape)}"


def _show(t):
    if t.ndim:
        return "[" + ", ".join(_show(item) for item in t) + "]"
    return str(t.item()) if t.dtype == torch.bool else f"{t.item():.4g}"


def _kind(thing):
    if isinstance(thing, torch.Tensor):
        return f"a tensor of shape {tuple(thing.shape)}"
    return f"something of type {type(thing).__name__}"


def _name(function):
    return getattr(function, "__name__", "your function")
