"""The multiple-choice questions at the end of each notebook."""

import itertools
import re
import sys

import pytest

from tools import notebooks
from toyutils import exercises
from toyutils.exercises import _check

PATHS = notebooks.notebook_paths()
each_notebook = pytest.mark.parametrize("path", PATHS, ids=[path.stem for path in PATHS])


@pytest.fixture
def asked(path, monkeypatch):
    """The check, its right letters, its explanations, and the cells of the exercise."""
    name = f"concepts_{path.name[:2]}"
    check = getattr(exercises, f"check_{name}")
    seen = []
    module = sys.modules[check.__module__]
    monkeypatch.setattr(module, "choose", lambda *arguments: seen.append(arguments))
    check(lambda: "")
    monkeypatch.undo()
    [(_, _, right, explanations)] = seen
    notebook = notebooks.read(path)
    found = notebooks.exercises(notebook, path.name)
    assert found[-1].function == name, "the questions come last"
    return check, right, explanations, notebook.cells[found[-1].task].source


@each_notebook
def test_every_choice_in_the_notebook_is_explained(path, asked):
    _, right, explanations, task = asked
    questions = re.split(r"^\*\*\d\.\*\* ", task, flags=re.MULTILINE)[1:]
    assert len(questions) == len(explanations) == len(right) >= 2
    for letter, question, choices in zip(right, questions, explanations, strict=True):
        assert re.findall(r"^- \((\w)\) ", question, flags=re.MULTILINE) == list(choices)
        assert len(choices) >= 3
        assert [k for k in choices if choices[k].startswith("right: ")] == [letter]


@each_notebook
def test_one_combination_passes_and_every_other_is_explained(path, asked):
    check, right, explanations, _ = asked
    for letters in itertools.product(*explanations):
        result = check(lambda letters=letters: "".join(letters))
        assert result.passed == ("".join(letters) == right)
        for letter, choices in zip(letters, explanations, strict=True):
            assert choices[letter] in result.message


@each_notebook
def test_forms_of_an_answer(path, asked):
    check, right, _, _ = asked
    for form in (right.upper(), ", ".join(right), list(right), tuple(right), f"({right})"):
        assert check(lambda form=form: form, seed=3).passed
    assert "questions, and you chose" in check(lambda: right + "a").message
    assert "has no choice `z`" in check(lambda: "z" * len(right)).message
    assert "returned None" in check(lambda: None).message
    assert "letters are wanted" in check(lambda: 0.5).message
    assert "not a function" in check(right).message
    assert "takes the arguments" in check(lambda x: right).message
    assert "ZeroDivisionError" in check(lambda: 1 / 0).message
    assert "SystemExit" in check(lambda: sys.exit()).message

    def stub():
        raise NotImplementedError("Exercise 0.3")

    for calm in (stub, lambda: ...):
        assert check(calm).status == _check.NOT_ATTEMPTED


@each_notebook
def test_the_reference_does_not_give_the_letters_away(path, asked):
    check, right, explanations, _ = asked

    def concepts_answer():
        return right

    result = check(concepts_answer)
    assert result.passed
    assert not any(text in result.message for choices in explanations for text in choices.values())
    assert check(lambda: right).message != result.message
