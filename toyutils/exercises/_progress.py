"""What a reader of one notebook has done so far: exercises passed, predictions made.

Kept in the memory of the kernel only, and for one notebook: a restart begins anew. Nothing here
raises when a prediction or an exercise is skipped.
"""

_exercises: set[str] = set()  # numbers of the exercises whose checks were imported
_passed: dict[str, object] = {}  # exercise -> the learner's function that passed its check
_predictions: dict[str, object] = {}  # place -> what the reader expects there
_outcomes: dict[str, object] = {}  # place -> what happened


class Note(str):
    """Text that a notebook shows without quotation marks."""

    __slots__ = ()
    __repr__ = str.__str__


def predict(place, guess=None):
    """Keep what you expect at a place of the notebook, such as "3.2"; return a line that says so.

    `guess` may be a number or a text; None or `...` skips it.
    """
    if guess is None or guess is Ellipsis:
        _predictions.pop(place, None)
        return Note(f"No prediction {place}.")
    _predictions[place] = guess
    return Note(f"Prediction {place}: {guess}.")


def prediction(place):
    """Return what was predicted at a place, or None."""
    return _predictions.get(place)


def outcome(place, result):
    """Keep what happened at a place; return a line that compares it with the prediction."""
    _outcomes[place] = result
    return Note(_compared(place))


def functions_of(notebook):
    """Return (answer, outcome, predict, prediction, progress) for one notebook: its two digits."""

    def progress():
        """Return how many exercises passed, and predictions beside what happened."""
        numbers = {n for n in _exercises if n.partition(".")[0] == str(int(notebook))}
        n_passed = len(numbers & set(_passed))
        places = sorted({*_predictions, *_outcomes}, key=_order)
        lines = [f"{n_passed} of {len(numbers)} exercises passed.", *map(_compared, places)]
        return Note("\n".join(lines))

    return answer, outcome, predict, prediction, progress


def answer(function, reference):
    """Return the learner's function if it passed its check, and `reference` otherwise.

    With it the next figure shows the learner's own result. `reference` is a function of toyutils:
    hand-outs of a course lack the notebook's folded answers.
    """
    return function if any(function is passed for passed in _passed.values()) else reference


def register(number):
    """Count the exercise with this number among those of its notebook."""
    _exercises.add(number)


def record(number, function, passed):
    """Keep how the check of an exercise ended for this function of the learner's."""
    if passed:
        _passed[number] = function
    else:
        _passed.pop(number, None)


def _compared(place):
    guess, happened = _predictions.get(place), _outcomes.get(place)
    if guess is None:
        return f"{place}: {happened}. No prediction."
    if happened is None:
        return f"{place}: you predicted {guess}."
    return f"{place}: {happened}. You predicted {guess}."


def _order(place):
    """Sort "3.10" after "3.9", and anything that is no number last."""
    parts = str(place).split(".")
    return (0, [int(part) for part in parts]) if all(p.isdigit() for p in parts) else (1, [0])
