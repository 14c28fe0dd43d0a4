"""Checks reject small faults: every mutant of every right answer, or the table says why not.

python -m tests.test_mutants        count them by exercise
"""

import warnings

import pytest

from tests.answers import CHECKS, NAMES, originals
from tests.equivalent_mutants import EQUIVALENT
from tests.mutants import mutants
from tests.test_exercises import SEEDS

ANOTHER_RIGHT = "another right answer: the exercise has many"
ORIGINALS = list(originals())


def listed(name):
    """Return the lines of those mutants of an exercise that the table holds for equivalent."""
    return {line for exercises in EQUIVALENT.values() for line in exercises.get(name, ())}


def judged(name, seed=0):
    """Return [(mutant, whether the check accepts it)] of an exercise's right answers."""
    check = CHECKS[name]
    verdicts = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a mutant may well warn
        for original in ORIGINALS:
            if original.exercise == name:
                assert check(original.function(), seed=seed).passed, f"{name}, {original.label}"
                faulty = mutants(original.source, original.name, original.names)
                verdicts += [
                    (mutant, check(mutant.function, seed=seed).passed) for mutant in faulty
                ]
    return verdicts


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.weekly) for seed in SEEDS)]
)
@pytest.mark.parametrize("name", NAMES)
def test_mutants_are_rejected(name, seed):
    """With seed 0, that of the notebooks, and with those of hidden tests."""
    verdicts = judged(name, seed)
    accepted = {mutant.line for mutant, passed in verdicts if passed}
    assert accepted <= listed(name), "the check accepts these"
    made = {mutant.line for mutant, _ in verdicts}
    assert listed(name) <= made, "no such mutant is made any more: delete it from the table"
    if name not in EQUIVALENT[ANOTHER_RIGHT]:
        assert listed(name) <= accepted, "rejected after all: delete it from the table"


def test_every_exercise_has_mutants():
    assert {original.exercise for original in ORIGINALS} == set(NAMES)
    assert {n for exercises in EQUIVALENT.values() for n in exercises} <= set(NAMES)


def lines_of(source, **names):
    """Return {line that differs: mutant}."""
    return {mutant.line: mutant for mutant in mutants(source, "f", names)}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("f = lambda x: x > 2", ["x >= 2", "x < 2", "x > 3", "x > 2.4", "x > 1.6", "x > -2"]),
        ("f = lambda x, y: x + y", ["x - y", "x", "y", "y + y", "x + x"]),
        ("f = lambda x: x.sum(0)", ["x.mean(0)", "x.sum(1)", "x.sum(-1)", "x"]),
        ("f = lambda x: x[0]", ["x[1]", "x[-1]", "x"]),
        ("f = lambda x: x[:2]", ["x[:2 + 1]", "x[:2 - 1]", "x[2:]"]),
        ("f = lambda n: [k for k in range(n)]", ["[k for k in range(n - 1)]"]),
        ("f = lambda a, b: a if a > b else b", ["a", "b", "a if a < b else b"]),
        ("f = lambda x: np.outer(x, 3)", ["np.outer(3, x)", "x"]),
    ],
)
def test_what_is_changed(source, expected):
    made = lines_of(source)
    for body in expected:
        assert source.partition(": ")[0] + ": " + body in made, list(made)


def test_statements_are_changed():
    source = (
        "def f(x):\n    s = 0\n    for v in x:\n        if v > 0:\n            s += v\n    return s"
    )
    made = lines_of(source)
    for line in ("without s = 0", "if True:", "s = v", "s -= v",
                 "return -s", "return s * (1 + 0j)", "return 1.2 * s", "break"):  # fmt: skip
        assert line in made, list(made)
    assert made["if v < 0:"].function([1, -2]) == -2


def test_a_loop_without_end_is_stopped():
    made = lines_of("def f(n):\n    while n < 5:\n        n += 1\n    return n")
    with pytest.raises(RuntimeError, match="without end"):
        made["n -= 1"].function(1)


def main():
    """Print how many mutants were made, rejected and held for equivalent."""
    print(
        "| exercise | mutants | rejected | equivalent | accepted wrongly |\n" + "| --- " * 5 + "|"
    )
    total = [0, 0, 0, 0]
    for name in sorted(NAMES, key=lambda n: [int(k) for k in CHECKS[n].exercise.split(".")]):
        verdicts = judged(name)
        accepted = [mutant for mutant, passed in verdicts if passed]
        equal = sum(mutant.line in listed(name) for mutant in accepted)
        counts = [len(verdicts), len(verdicts) - len(accepted), equal, len(accepted) - equal]
        total = [a + b for a, b in zip(total, counts, strict=True)]
        print(f"| {CHECKS[name].exercise} {name} |", " | ".join(map(str, counts)), "|")
    print("| together |", " | ".join(map(str, total)), "|")


if __name__ == "__main__":
    main()
