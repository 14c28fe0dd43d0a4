"""Every check accepts right answers, rejects wrong ones with the hint that fits, and stays calm.

The answers stand in tests/answers/nbNN.py, one file per notebook. A check without right and wrong
answers there fails `test_every_check_has_its_answers`.
"""

import ast
import functools
import inspect
import re
import sys

import numpy as np
import pytest
import torch

from tests.answers import CHECKS, NAMES, RIGHT, WRONG, mistakes, originals, unusual
from toyutils import neurons, theory
from toyutils.exercises import _check, nb00, nb01, nb03, nb06
from toyutils.models import ReLUModel, reconstruction_loss

ORIGINALS = list(originals())
SEEDS = (1002, 1005)  # those of hidden tests; test_build.py in tests/course compares


def test_every_check_has_its_answers():
    assert set(RIGHT) == set(CHECKS) >= set(WRONG)
    for name in NAMES:
        assert len(RIGHT[name]) >= 2, f"{name}: a variant of the right answer is missing"
        n_wrong = len(mistakes(name)) + len(WRONG.get(name, ()))
        assert n_wrong >= 4, f"{name}: at least four wrong answers are asked for"


def test_no_wrong_answer_repeats_a_named_mistake():
    for name, answers in WRONG.items():
        for phrase, answer in answers.items():
            message = CHECKS[name](answer).message
            assert not any(hint in message for hint in mistakes(name)), f"{name}: {phrase}"


@pytest.mark.parametrize("name", NAMES)
def test_number_in_docstring_is_the_number_shown(name):
    check = CHECKS[name]
    notebook = int(check.__module__[-2:])
    number = re.match(rf"Check exercise ({notebook}\.\d+): `{name}\(", check.__doc__)
    assert number, f"docstring should begin 'Check exercise {notebook}.N: `{name}(…)`'"
    assert check(None).exercise == check.exercise == number[1]


def test_numbers_are_unique():
    numbers = [check(None).exercise for check in CHECKS.values()]
    assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize(
    ("name", "i"), [(name, i) for name in NAMES for i in range(len(RIGHT.get(name, [])))]
)
def test_right_answers_pass(name, i):
    for seed in [0, 1, *SEEDS]:
        result = CHECKS[name](RIGHT[name][i], seed=seed)
        assert result.passed, str(result)


@pytest.mark.parametrize(
    ("name", "phrase"), [(name, phrase) for name in NAMES for phrase in WRONG.get(name, [])]
)
def test_wrong_answers_get_their_hint(name, phrase):
    for seed in [0, *SEEDS]:
        result = CHECKS[name](WRONG[name][phrase], seed=seed)
        assert result.status == _check.FAILED
        assert phrase in result.message, str(result)


@pytest.mark.parametrize("name", [name for name in NAMES if mistakes(name)])
def test_every_named_mistake_is_told_apart(name):
    """A mistake must not be right, nor hidden by a mistake that stands before it."""
    for hint, formula in mistakes(name).items():
        for seed in [0, 1, *SEEDS]:
            result = CHECKS[name](formula, seed=seed)
            assert not result.passed, hint
            assert hint in result.message, f"{hint}\n{result}"


@pytest.mark.parametrize("name", NAMES)
def test_a_stub_is_calm(name):
    def stub(*args):
        raise NotImplementedError(f"Exercise of {name}")

    assert CHECKS[name](stub).status == _check.NOT_ATTEMPTED
    assert CHECKS[name](lambda *args: ...).status == _check.NOT_ATTEMPTED
    text = str(CHECKS[name](stub))
    assert re.match(r"○ Exercise \d+\.\d+ not attempted yet", text)
    assert "\n" not in text


def spoiled(name, spoil):
    """Return the right answer of `name` with `spoil(arguments, result)` put in its way."""
    right = RIGHT[name][0]

    @functools.wraps(right)
    def answer(*args):
        return spoil(args, right(*args))

    return answer


def change_first_tensor(args, result):
    first = next(a for a in args if isinstance(a, torch.Tensor | np.ndarray))
    first[:] = ~first if first.dtype == torch.bool else first + 1
    return result


def in_each(change):
    """Apply `change` to the result, or to each of several."""

    def spoil(args, result):
        if isinstance(result, tuple):
            return tuple(change(torch.as_tensor(part)) for part in result)
        return change(torch.as_tensor(result))

    return spoil


def takes_tensors(name):
    seen = []

    def spy(args, result):
        seen.extend(isinstance(a, torch.Tensor | np.ndarray) for a in args)
        return result

    CHECKS[name](spoiled(name, spy))
    return any(seen)


@pytest.mark.parametrize("name", NAMES)
def test_faults_that_any_answer_can_have(name):
    def fails(spoil, *phrases):
        result = CHECKS[name](spoiled(name, spoil))
        assert result.status == _check.FAILED, spoil
        assert all(phrase in result.message for phrase in phrases), str(result)

    def stop(args, result):
        raise ValueError("boom")

    fails(lambda args, result: None, "return")
    fails(in_each(lambda part: torch.full_like(part.double(), 0.123)))
    fails(lambda args, result: "text", "type str")
    fails(lambda args, result: torch.zeros(3, 1, 4, 1, 5), "shape (3, 1, 4, 1, 5)")
    fails(in_each(lambda part: part * float("nan")), "NaN")
    fails(stop, "ValueError: boom", 'raise ValueError("boom")')
    if takes_tensors(name):
        fails(change_first_tensor, "changed its input")
    result = CHECKS[name](0.5)
    assert not result.passed
    assert "not a function" in result.message
    result = CHECKS[name](lambda one, two, three, four, five, six, seven: 0)
    assert not result.passed
    assert "takes the arguments" in result.message


def as_type(dtype):
    """Return a change of results to this type of number."""
    return in_each(lambda part: part if part.dtype == torch.bool else part.to(dtype))


@pytest.mark.parametrize("name", NAMES)
def test_numbers_of_any_precision_are_accepted(name):
    for dtype in (torch.float16, torch.float32, torch.float64):
        result = CHECKS[name](spoiled(name, as_type(dtype)))
        if (name, dtype) == ("slope_by_nudging", torch.float16):  # its task asks for five digits
            assert "16 bits carry three digits" in result.message
        else:
            assert result.passed, str(result)


@pytest.mark.parametrize(
    "form",
    [
        lambda part: part.tolist(),
        lambda part: part.numpy(),
        lambda part: part.numpy()[::-1][::-1] if part.ndim else part.numpy(),
        lambda part: torch.nn.Parameter(part) if part.is_floating_point() else part,
        lambda part: list(part) if part.ndim else part.reshape(1, 1),
        lambda part: part.int() if part.dtype == torch.bool else part,
    ],
    ids=["list", "array", "view", "parameter", "list of tensors", "whole numbers"],
)
@pytest.mark.parametrize("name", NAMES)
def test_results_of_any_form_are_accepted(name, form):
    result = CHECKS[name](spoiled(name, in_each(form)))
    assert result.passed, str(result)


@pytest.mark.parametrize("name", NAMES)
def test_complex_results_are_rejected(name):
    result = CHECKS[name](spoiled(name, as_type(torch.complex64)))
    kinds = {part.dtype for part in _parts(RIGHT[name][0], name)}
    if kinds == {torch.bool}:
        assert result.passed, "truth values have no complex form"
    else:
        assert "complex numbers" in result.message


def _parts(answer, name):
    """Return the tensors that a right answer gave in the last case of its check."""
    seen = []

    def spy(args, result):
        seen[:] = result if isinstance(result, tuple) else [result]
        return result

    CHECKS[name](spoiled(name, spy))
    return [torch.as_tensor(part) for part in seen]


def test_arithmetic_in_16_bits_is_told_where_it_is_too_rough():
    def rough(x):
        return (x.half() + 300 - 300) ** 2

    cases = [(torch.tensor([1.0, 1.3, 1.7]),), (torch.tensor([2.2, 1.1]),)]
    result = checked(_check.Formula(cases, lambda x: x**2))(rough)
    assert "16 bits carry three digits" in result.message


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (lambda x: y, "nothing has this name"),  # noqa: F821
        (lambda x: torch.nan * x, "NaN or infinity"),
        (lambda x: x[7], "an index lies beyond the end"),
        (lambda x: x @ torch.ones(5), "the shapes do not fit together"),
        (lambda x: endless(x), "calls itself without end"),
        (lambda x: torch.rand(3), "gave two different results"),
        (lambda x: torch.zeros(3), "in all 2 cases your function returned the same"),
        (lambda x: torch.round(x / 3, decimals=2), "these are rounded numbers"),
        (lambda x: x / 3.02, "the general one"),
    ],
)  # fmt: skip
def test_general_hints_fit_what_happened(answer, phrase):
    cases = [(torch.tensor([1.0, 2.0, 4.0]),), (torch.tensor([5.0, 2.0, 0.3]),)]
    message = checked(_check.Formula(cases, lambda x: x / 3, hint="the general one"))(
        answer
    ).message
    assert phrase in message
    assert message.count("Hint") == 1


def endless(x):
    return endless(x)


def test_an_exception_gets_no_hint_about_the_exercise():
    for name in NAMES:

        def stop(*args):
            raise OSError("boom")

        assert "Hint" not in CHECKS[name](functools.wraps(RIGHT[name][0])(stop)).message


def test_messages_use_the_learners_own_names():
    def two_or_more(n, s):
        return 0.0

    assert "For n = 5, s = 0.97: " in nb00.check_two_or_more_probability(two_or_more).message


@pytest.mark.parametrize("name", [name for name in NAMES if mistakes(name)])
def test_the_right_formula_takes_the_arguments_of_the_exercise(name):
    [reference] = [o for o in ORIGINALS if o.exercise == name and o.label == "reference"]
    expected = CHECKS[name].__wrapped__(0).expected
    assert list(inspect.signature(expected).parameters) == list(
        inspect.signature(reference.function()).parameters
    )


def test_a_step_taken_and_taken_back_is_named():
    def in_place(loss, W):
        slope = np.zeros_like(W)
        for index in np.ndindex(W.shape):
            W[index] += 1e-6
            above = loss(W)
            W[index] -= 2e-6
            slope[index] = (above - loss(W)) / 2e-6
            W[index] += 1e-6
        return slope

    message = nb06.check_slope_by_nudging(in_place).message
    assert "loses the last digits" in message


@pytest.mark.parametrize(
    "name", [name for name in NAMES if "b" in inspect.signature(RIGHT[name][0]).parameters]
)
def test_leaving_out_the_bias_fails(name):
    right = RIGHT[name][0]

    @functools.wraps(right)
    def without_bias(*args):
        names = inspect.signature(right).parameters
        return right(*(a * 0 if n == "b" else a for n, a in zip(names, args, strict=True)))

    for seed in range(5):
        assert not CHECKS[name](without_bias, seed=seed).passed


def test_torch_not_implemented_is_a_fault_and_not_a_stub():
    def answer(importance):
        raise NotImplementedError("Could not run 'aten::thing' with this backend")

    result = nb01.check_minimum_loss(answer)
    assert result.status == _check.FAILED
    assert "aten::thing" in result.message


def test_exit_does_not_end_the_kernel():
    assert not nb01.check_minimum_loss(lambda importance: sys.exit()).passed


def test_long_errors_are_cut():
    def answer(importance):
        raise RuntimeError("x" * 10_000)

    assert len(str(nb01.check_minimum_loss(answer))) < 800


def checked(formula):
    """Return a check of exercise 0.1 that judges by this formula."""
    return _check.exercise("0.1")(lambda seed: formula)


def test_several_results_are_compared_one_by_one():
    cases = [(torch.tensor([1.0, 2.0]),), (torch.tensor([3.0, 5.0]),)]

    def expected(x):
        return x.sum(), 2 * x

    check = checked(_check.Formula(cases, expected, {"swapped": lambda x: (2 * x, x.sum())}))

    assert check(expected).passed
    assert check(lambda x: [float(x.sum()), (2 * x).tolist()]).passed
    assert "result 2: expected [2, 4], got [3, 6]" in check(lambda x: (x.sum(), 3 * x)).message
    assert "swapped" in check(lambda x: (2 * x, x.sum())).message
    assert "return 2 results" in check(lambda x: x.sum()).message


def test_the_result_reads_well_in_both_forms():
    failed = _check.Result("1.2", _check.FAILED, "got <b>3</b> & `x`\nHint: *no*, 2 * 3 `* x *`.")
    assert repr(failed).startswith("✗ Exercise 1.2 not right yet. got <b>3</b>")
    page = failed._repr_html_()
    assert 'role="status"' in page
    assert "&lt;b&gt;3&lt;/b&gt; &amp; <code>x</code><br>Hint" in page
    assert "<em>no</em>, 2 * 3 <code>* x *</code>." in page
    assert "background" not in page
    assert not re.search(r"[^-]color", page), "a text colour would not fit both themes"
    passed = _check.Result("1.2", _check.PASSED, "Good.")
    assert repr(passed) == "✓ Exercise 1.2 passed. Good."
    assert passed.passed
    assert passed, "a result counts as true only when passed"
    assert not failed.passed
    assert not failed


def test_the_reference_reports_without_the_looks_of_a_pass():
    def any_name(importance):
        return importance.min() / 24

    result = nb01.check_minimum_loss(any_name, reference=True)
    assert result.passed
    assert repr(result) == "Reference answer 1.4 passes the check."
    page = result._repr_html_()
    assert page == '<div role="status">Reference answer 1.4 passes the check.</div>'
    wrong = nb01.check_minimum_loss(lambda importance: 0.0, reference=True)
    assert repr(wrong).startswith("Reference answer 1.4 fails the check. For importance")


def test_an_exercise_without_inputs_does_not_give_its_answer_away():
    message = nb03.check_break_even_density(lambda: 0.3).message
    assert "0.3" in message
    assert "0.57" not in message
    assert "4/7" not in message


def test_the_row_that_is_wrong_is_shown():
    case = (torch.arange(14.0).reshape(7, 2),)
    result = checked(_check.Formula([case], lambda x: x.sum(1)))(lambda points: points[:, 0])
    assert "expected 25 at [6], got 12. There points[6] = [12, 13]." in result.message


def test_reference_answers_agree_with_the_package():
    """The learner's formulas and those of `theory` and `training` say the same."""
    random = _check.generator(7)
    x, y = torch.rand(2, 9, 2, generator=random)
    W, b = torch.randn(1, 2, generator=random), torch.rand(2, generator=random)
    importance = torch.tensor([0.3, 1.7])
    sparsity = 0.6
    mean = torch.full((2,), theory.feature_mean(sparsity))
    covariance = theory.feature_variance(sparsity) * torch.eye(2)
    model = ReLUModel(n_features=2, n_hidden=1)
    model.W.data, model.b.data = W[None], b[None]
    pairs = {
        "weighted_loss": ((x, y, importance), reconstruction_loss(x[None], y[None], importance)),
        "minimum_loss": ((importance,), theory.linear_minimum(0.0, importance, 1)),
        "feature_variance": ((sparsity,), theory.feature_variance(sparsity)),
        "expected_linear_loss": (
            (W, b, mean, covariance, importance),
            theory.expected_loss(W, b, sparsity, importance, "linear"),
        ),
        "relu_reconstruct": ((x, W, b), model(x[None])[0]),
        "antipodal_loss": ((0.4,), theory.antipodal_loss(0.4)),
    }
    for name, (arguments, package) in pairs.items():
        answer = torch.as_tensor(RIGHT[name][0](*arguments), dtype=torch.float64)
        package = torch.as_tensor(package).detach().double().reshape(answer.shape)
        torch.testing.assert_close(answer, package, rtol=1e-5, atol=1e-6, msg=name)
    p = RIGHT["break_even_density"][0]()
    assert theory.antipodal_loss(p) == pytest.approx(theory.linear_minimum(1 - p, [1, 1], 1))


def test_answers_about_neurons_agree_with_the_package():
    random = _check.generator(8)
    W_in, W_out = torch.randn(3, 4, generator=random), torch.randn(4, 3, generator=random)
    reads = torch.tensor([[1.0, 1, 0, 1], [0, 1, 1, 0], [1, 1, 1, 0]])
    x, importance = (W_in > 0).float(), torch.tensor([2.0, 0.5, 0.3])
    pairs = {
        "plain_loss": ((1, 0.3, importance), theory.linear_minimum(0.7, importance, 1)),
        "effective_features": ((W_in, W_out), neurons.features_per_neuron(W_in, W_out)),
        "leaks": ((W_in[0], W_out[:, 0]), neurons.leaks(W_in[0], W_out[:, 0])),
        "read_and": ((x, reads, 0, 1), neurons.and_of_readers(x, reads, 0, 1)),
    }
    for name, (arguments, package) in pairs.items():
        answer = torch.as_tensor(RIGHT[name][0](*arguments)).double()
        package = torch.as_tensor(package).double()
        torch.testing.assert_close(answer, package, rtol=1e-5, atol=1e-6, msg=name)


def test_a_changed_input_is_named():
    case = (torch.ones(3), torch.ones(3))
    for answer, name in [(lambda x, y: y.add_(1), "y"), (lambda *args: args[1].add_(1), "x2")]:
        result = checked(_check.Formula([case], lambda x, y: x + y))(answer)
        assert f"changed its input `{name}`" in result.message


def test_hints_say_less_than_the_answers():
    """No part of a right answer occurs in any message of its check, nor in the check's help."""
    for name in NAMES:
        parts = parts_of_answers(name)
        assert parts, name
        for text in texts(name):
            told = [part for part in parts if part in plain(text)]
            assert not told, f"{name}: {told} in {text!r}"


def texts(name):
    """Return all that a check can say: its hints, its messages, its docstring."""
    check = CHECKS[name]
    wrong = WRONG.get(name, {}).values()
    hint = getattr(check.__wrapped__(0), "hint", "")
    messages = [re.sub(r"\(in the line `.*`\)", "", check(answer).message) for answer in wrong]
    return [*mistakes(name), hint, *messages, check.__doc__]


def parts_of_answers(name):
    """Return the expressions in the source of an exercise's right answers, as `plain` text."""
    parts = set()
    for original in ORIGINALS:
        if original.exercise == name:
            for node in ast.walk(ast.parse(original.source)):
                if isinstance(node, ast.BinOp | ast.Call | ast.Compare | ast.Subscript):
                    parts.add(plain(ast.unparse(node)))
    return {part for part in parts if len(part) >= 5 and not part.startswith(plain(name))}


def plain(text):
    """Return text in which a formula in Python and one in prose look alike."""
    for long, short in {"²": "2", "**2": "2", "ᵀ": ".t", "sparsity": "s", "density": "p",
                        "ratio": "r", "n_features": "n", "n_hidden": "m"}.items():  # fmt: skip
        text = text.replace(long, short)
    return re.sub(r"[\s`*·()]", "", text.lower())


@pytest.mark.parametrize("name", unusual.RIGHT)
def test_right_answers_by_other_ways_pass(name):
    for answer in unusual.RIGHT[name]:
        for seed in [0, *SEEDS]:
            result = CHECKS[name](answer, seed=seed)
            assert result.passed, str(result)


@pytest.mark.parametrize("name", unusual.WRONG)
def test_subtle_faults_do_not_pass(name):
    for answer in unusual.WRONG[name]:
        for seed in [0, *SEEDS]:
            result = CHECKS[name](answer, seed=seed)
            assert result.status == _check.FAILED, inspect.getsource(answer)
