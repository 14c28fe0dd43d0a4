"""The multiple-choice questions at the end of each notebook."""

import itertools
import re
import sys
from collections import Counter

import pytest

from tools import notebooks
from toyutils.exercises import _check, concepts, of_notebook

PATHS = notebooks.notebook_paths()
each_notebook = pytest.mark.parametrize("path", PATHS, ids=[path.stem for path in PATHS])


def right_letters(explanations):
    """Return the letters that the table marks as right, one for each question."""
    marked = [[k for k in c if c[k].startswith("right: ")] for c in explanations]
    assert all(len(letters) == 1 for letters in marked)
    return "".join(letter for [letter] in marked)


@pytest.fixture
def asked(path):
    """The check, its right letters, its explanations, and the text of the exercise."""
    number = path.name[:2]
    check, questions = of_notebook(number).check_concepts, concepts.QUESTIONS[number]
    notebook = notebooks.read(path)
    last = notebooks.exercises(notebook, path.name)[-1]
    assert last.function == "concepts", "the questions come last"
    assert last.number == questions.exercise == check.exercise
    explanations = questions.explanations
    return check, right_letters(explanations), explanations, notebook.cells[last.task].source


def test_every_notebook_has_questions():
    assert list(concepts.QUESTIONS) == [path.name[:2] for path in PATHS]


def test_no_letter_is_right_more_often_than_chance_has_it():
    answers = [right_letters(questions.explanations) for questions in concepts.QUESTIONS.values()]
    counts = Counter("".join(answers))
    assert max(counts.values()) - min(counts[letter] for letter in "abc") <= 2
    for k in (0, 1):
        assert max(Counter(answer[k] for answer in answers).values()) <= len(answers) / 2
    assert "ac" not in answers, "the example in the task is no answer"


def test_each_question_has_a_hint_of_its_own():
    hints = []
    for path in PATHS:
        notebook = notebooks.read(path)
        task = notebook.cells[notebooks.exercises(notebook, path.name)[-1].task].source
        found = re.findall(r"<summary>Hint (\d), for question (\d)</summary>\s+(.+)", task)
        assert [(k, q) for k, q, _ in found] == [("1", "1"), ("2", "2")]
        hints += [text for _, _, text in found]
    assert len(set(hints)) == len(hints)


@each_notebook
def test_every_choice_in_the_notebook_is_explained(path, asked):
    _, right, explanations, task = asked
    questions = re.split(r"^\*\*\d\.\*\* ", task, flags=re.MULTILINE)[1:]
    assert len(questions) == len(explanations) == len(right) >= 2
    for question, choices in zip(questions, explanations, strict=True):
        assert re.findall(r"^- \((\w)\) ", question, flags=re.MULTILINE) == list(choices)
        assert len(choices) >= 3


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
    assert "questions, and you chose 3 letters." in check(lambda: right + "a").message
    assert "questions, and you chose 1 letter." in check(lambda: "a").message
    assert "has no choice `z`" in check(lambda: "z" * len(right)).message
    assert "returned None" in check(lambda: None).message
    assert "return letters" in check(lambda: 0.5).message
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
    result = check(lambda: right, reference=True)
    assert repr(result) == f"Reference answer {check.exercise} passes the check."
    texts = [text for choices in explanations for text in choices.values()]
    assert not any(text in result._repr_html_() for text in texts)
