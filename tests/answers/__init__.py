"""Right and wrong answers to every exercise, one file per notebook, and the checks they are for.

RIGHT[name] lists answers that a check must accept. WRONG[name] maps a phrase of the expected hint
to an answer that it must reject; the mistakes that a check names stand in the check alone.
"""

import ast
import runpy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools import notebooks
from toyutils.exercises import of_notebook

PATHS = sorted(Path(__file__).parent.glob("nb*.py"))
ANSWERS = [runpy.run_path(str(path)) for path in PATHS]
RIGHT = {name: answers for module in ANSWERS for name, answers in module["RIGHT"].items()}
WRONG = {name: answers for module in ANSWERS for name, answers in module["WRONG"].items()}
CHECKS = {
    name.removeprefix("check_"): function
    for path in PATHS
    for name, function in vars(of_notebook(path.stem[2:])).items()
    if name.startswith("check_") and name != "check_concepts"  # test_concepts.py
}
NAMES = sorted(CHECKS)


def mistakes(name, seed=0):
    """Return {hint: wrong formula} of a check; empty for one that looks at properties."""
    return getattr(CHECKS[name].__wrapped__(seed), "mistakes", {})


# Right answers that come close by many small steps: moving a constant moves them next to nothing.
APPROXIMATE = {"break_even_density_by_bisection", "interference_by_sum"}


@dataclass(frozen=True)
class Original:
    """A right answer in source: the exercise it answers, and what its names mean."""

    exercise: str
    label: str
    source: str
    name: str
    names: dict

    def function(self):
        """Return the right answer itself."""
        scope = dict(self.names)
        exec(self.source, scope)
        return scope[self.name]


def originals() -> Iterator[Original]:
    """Yield the notebooks' reference answers, and the other right answers stored in source."""
    for path in notebooks.notebook_paths():
        notebook = notebooks.read(path)
        names = {}
        exec("import math\n\nimport numpy as np\nimport torch", names)
        for exercise in notebooks.exercises(notebook, path.name)[:-1]:
            tree = ast.parse(notebook.cells[exercise.solution].source)
            [function] = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
            source = ast.unparse(function)
            yield Original(exercise.function, "reference", source, function.name, names)
    for path in PATHS:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = runpy.run_path(str(path))
        functions = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef)}
        [right] = [n.value for n in tree.body if isinstance(n, ast.Assign)
                   and n.targets[0].id == "RIGHT"]  # fmt: skip
        for key, answers in zip(right.keys, right.values, strict=True):
            if not mistakes(key.value):
                continue  # many answers are right there: most mutants of a variant are, too
            for k, answer in enumerate(answers.elts[1:], 1):
                if getattr(answer, "id", "") in APPROXIMATE:
                    continue
                if isinstance(answer, ast.Name):
                    source, name = ast.unparse(functions[answer.id]), answer.id
                else:
                    source, name = f"answer = {ast.unparse(answer)}", "answer"
                yield Original(key.value, f"right {k}", source, name, names)
