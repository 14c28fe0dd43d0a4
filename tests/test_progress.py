"""What a reader predicts and has solved, as the notebooks show it."""

import pytest

from toyutils.exercises import _progress, nb01, nb03, of_notebook


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """A kernel in which nothing was predicted or solved yet."""
    for kept in ("_passed", "_predictions", "_outcomes"):
        monkeypatch.setattr(_progress, kept, {})


def test_a_prediction_is_kept():
    assert repr(nb01.predict("3.2", 40)) == "Prediction 3.2: 40."
    assert nb01.prediction("3.2") == 40
    assert repr(nb01.outcome("3.2", 34)) == "3.2: 34. You predicted 40."
    nb01.predict("3.2", "a pentagon")
    assert nb01.prediction("3.2") == "a pentagon"


@pytest.mark.parametrize("skipped", [(), (None,), (...,)])
def test_a_prediction_may_be_skipped(skipped):
    assert repr(nb01.predict("3.2", *skipped)) == "No prediction 3.2."
    assert nb01.prediction("3.2") is None
    assert repr(nb01.outcome("3.2", 34)) == "3.2: 34. No prediction."
    nb01.predict("3.2", 0)
    assert nb01.prediction("3.2") == 0
    nb01.predict("3.2", *skipped)
    assert nb01.prediction("3.2") is None


def test_progress_counts_this_notebooks_exercises():
    assert repr(nb01.progress()) == "0 of 5 exercises passed."
    nb01.check_minimum_loss(lambda importance: importance.min() / 24)
    nb01.check_weighted_loss(lambda x, y, importance: 0.0)
    nb01.check_best_bias(lambda W, mean: mean - W.T @ (W @ mean), reference=True)
    nb03.check_antipodal_loss(lambda p: p**2 / 6)
    assert repr(nb01.progress()) == "1 of 5 exercises passed."
    nb01.check_minimum_loss(lambda importance: 0.0)
    assert repr(nb01.progress()) == "0 of 5 exercises passed."


def test_progress_sums_up_predictions_in_the_order_of_their_places():
    nb01.predict("1.10", 3)
    nb01.predict("1.9", "five")
    nb01.predict("the end", 1)
    nb01.outcome("1.9", 4)
    nb01.outcome("1.2", 0.5)
    assert repr(nb01.progress()).splitlines()[1:] == [
        "1.2: 0.5. No prediction.",
        "1.9: 4. You predicted five.",
        "1.10: you predicted 3.",
        "the end: you predicted 1.",
    ]


def test_an_answer_is_used_once_it_passed():
    def reference(p):
        return p**2 / 6

    def right(p):
        return p * p / 6

    def wrong(p):
        return p / 6

    assert nb03.answer(right, reference) is reference, "not checked yet"
    nb03.check_antipodal_loss(right)
    nb03.check_antipodal_loss(reference, reference=True)
    assert nb03.answer(right, reference) is right
    nb03.check_antipodal_loss(wrong)
    assert nb03.answer(wrong, reference) is reference
    assert nb03.answer(right, reference) is reference, "the last word counts"


@pytest.mark.parametrize("number", [f"{k:02}" for k in range(11)])
def test_every_notebook_offers_these(number):
    module = of_notebook(number)
    for name in ("answer", "outcome", "predict", "prediction", "progress"):
        assert callable(getattr(module, name))
    assert " exercises passed." in module.progress()


def test_a_notebook_that_does_not_exist_is_named():
    with pytest.raises(ModuleNotFoundError, match="nb99"):
        of_notebook("99")
