"""Call a learner's function, and say in words what went wrong there.

A function is called on copies of its arguments. What it returns becomes tensors; what it raises
is kept. Wrong carries what the learner reads; Unattempted means that the stub is still a stub.
"""

import inspect
import traceback

import numpy as np
import torch


class Wrong(Exception):
    """Raised where an answer is wrong; its text is what the learner reads."""


class Unattempted(Exception):
    """Raised when the learner's function is still a stub; its text is what the learner reads."""


def call(function, arguments):
    """Call the learner's function on copies of the arguments; return what it returns.

    Raises Unattempted for a stub, and Wrong for an exception, a changed input or no result.
    """
    returned = _returned(function, arguments)
    if isinstance(returned, BaseException):
        hint = explain(returned)
        raise Wrong(failure(returned, function) + (f"\nHint: {hint}" if hint else ""))
    return returned


def value(function, *arguments):
    """Call the learner's function; return its result as one tensor.

    Raises Wrong if it fails, returns nothing usable, or returns NaN or infinity.
    """
    return values(function, arguments, 1)[0]


def values(function, arguments, n_results):
    """Call the learner's function; return its `n_results` results as tensors. See `value`."""
    parts = _tensors(call(function, arguments), n_results)
    if any(not torch.isfinite(part.double()).all() for part in parts):
        raise Wrong("Your function returned NaN or infinity.")
    return parts


def result(function, arguments, n_results=1):
    """Call `function`; return its results as a tuple of tensors, or the exception it raised.

    `n_results`: how many results it must return; 0 takes as many as there are in a tuple.
    Raises Unattempted for a stub and Wrong for a changed input or an unusable result.
    """
    returned = _returned(function, arguments)
    if isinstance(returned, BaseException):
        return returned
    if n_results == 0:
        n_results = len(returned) if isinstance(returned, tuple) else 1
    return _tensors(returned, n_results)


def require_function(answer, expected):
    """Raise Wrong unless `answer` is a function that takes the arguments of `expected`."""
    if not callable(answer):
        raise Wrong(
            f"The check was given {kind(answer)}, not a function. Pass the function itself: "
            "its name, without brackets and arguments."
        )
    asked = inspect.signature(expected)
    try:
        inspect.signature(answer).bind(*asked.parameters)
    except TypeError:
        raise Wrong(
            f"Your function takes the arguments `{inspect.signature(answer)}`; "
            f"the exercise asks for `{asked}`."
        ) from None
    except ValueError:  # some built-in functions do not tell their signature
        pass


def argument_names(answer, expected):
    """Return the names of the learner's arguments, or those of `expected` where they differ."""
    asked = list(inspect.signature(expected).parameters)
    try:
        parameters = inspect.signature(answer).parameters.values()
    except ValueError:
        return asked
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [parameter.name for parameter in parameters if parameter.kind in plain]
    return names[: len(asked)] if len(names) >= len(asked) else asked


def failure(error, function):
    """Say which exception the learner's function raised, and in which of its lines."""
    text = (str(error).strip() or "no message").splitlines()[0][:200]
    line = _line(error, function)
    return f"your function stopped with {type(error).__name__}: {text}{line}".rstrip(".") + "."


def explain(error):
    """Return a hint about an exception, whatever the exercise; empty where there is none."""
    text = str(error)
    if isinstance(error, UnboundLocalError):
        return "this name gets its value inside the function, but not before it is used."
    if isinstance(error, NameError):
        return (
            "nothing has this name where the function runs. Is it spelled as in the first line of "
            "the function, or imported at the top of the notebook?"
        )
    if isinstance(error, RecursionError):
        return "the function calls itself without end."
    if isinstance(error, IndexError):
        return "an index lies beyond the end. Indices count from 0."
    shapes = ("shape", "size", "dimension", "broadcast", "operands", "mat1")
    if isinstance(error, RuntimeError | ValueError) and any(word in text for word in shapes):
        return "the shapes do not fit together. Print them inside the function, line by line."
    return ""


def kind(thing):
    """Describe a result that cannot be used."""
    if isinstance(thing, torch.Tensor):
        return f"a tensor of shape {tuple(thing.shape)}"
    return f"something of type {type(thing).__name__}"


def function_name(function):
    """Return the name of a learner's function."""
    return getattr(function, "__name__", "your function")


def _returned(function, arguments):
    """Call `function` on copies; return what it returns, or the exception it raised."""
    copies = [_copy(a) for a in arguments]
    try:
        returned = function(*copies)
    except NotImplementedError as error:
        # Torch raises this too, for operations it lacks; a stub names its exercise.
        if str(error) and not str(error).startswith("Exercise"):
            return error
        raise Unattempted("Write the function, then run this cell again.") from None
    except (Exception, SystemExit) as error:
        return error
    if returned is Ellipsis or returned is NotImplemented:
        raise Unattempted("Write the function, then run this cell again.")
    _require_unchanged(function, arguments, copies)
    if returned is None:
        raise Wrong("Your function returned None. Is there a `return`?")
    return returned


def _tensors(returned, n_results):
    if n_results == 1:
        return (_tensor(returned),)
    if not isinstance(returned, tuple | list) or len(returned) != n_results:
        raise Wrong(f"Your function returned {kind(returned)}; return {n_results} results.")
    return tuple(_tensor(part) for part in returned)


def _tensor(returned):
    """Return a number, array, tensor, or (nested) list of these as a detached CPU tensor."""
    tensor = _any_tensor(returned)
    if tensor.is_complex():
        raise Wrong(
            "Your function returned complex numbers; real ones are asked for. If the imaginary "
            "parts are zero, return the real parts alone."
        )
    return tensor


def _any_tensor(returned):
    if isinstance(returned, torch.Tensor):
        return returned.detach().cpu()
    try:
        if isinstance(returned, list | tuple):
            return torch.stack([_any_tensor(item) for item in returned])
        if isinstance(returned, np.ndarray | np.generic):
            return torch.from_numpy(np.array(returned))  # a copy: torch refuses negative strides
        plain = isinstance(returned, bool | complex)
        return torch.tensor(returned if plain else float(returned))
    except (TypeError, ValueError, RuntimeError):
        raise Wrong(
            f"Your function returned {kind(returned)}; return a tensor, an array or a number."
        ) from None


def _copy(argument):
    if isinstance(argument, torch.Tensor):
        return argument.clone()
    return argument.copy() if isinstance(argument, np.ndarray) else argument


def _require_unchanged(function, before, after):
    for i, (old, new) in enumerate(zip(before, after, strict=True)):
        if not isinstance(old, torch.Tensor | np.ndarray):
            continue
        old, new = torch.as_tensor(old), torch.as_tensor(new)
        if torch.equal(old, new):
            continue
        name = _parameter(function, i)
        advice = (
            f"Work on a copy: an operation such as `{name} += 1` or `{name}.mul_(2)` also changes "
            "the caller's tensor."
        )
        if old.shape == new.shape and (old.double() - new.double()).abs().max() < 1e-9:
            advice = "Adding a step and taking it away again loses the last digits: use a copy."
        raise Wrong(f"Your function changed its input `{name}`. {advice}")


def _parameter(function, i):
    try:
        return list(inspect.signature(function).parameters)[i]
    except (ValueError, IndexError):  # a built-in function, or one that takes *args
        return f"x{i + 1}"


def _line(error, function):
    """Return the line of the learner's code where the error arose, ready to append."""
    code = getattr(function, "__code__", None)
    frames = traceback.extract_tb(error.__traceback__)
    # An error that was brought here from another process, as in grading, has its line as a note.
    lines = getattr(error, "__notes__", []) or [
        frame.line for frame in frames if code and frame.filename == code.co_filename
    ]
    return f" (in the line `{lines[-1][:120]}`)" if lines and lines[-1] else ""
