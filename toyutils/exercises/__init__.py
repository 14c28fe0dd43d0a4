"""Checks of the exercises, one module per notebook.

A notebook imports its own: `from toyutils.exercises import nb05 as exercises`. Such a module has
`check_…(function)` for every exercise, `check_concepts` for the closing questions, and, for what
its reader predicts and has solved, `predict`, `prediction`, `outcome`, `answer`, `progress`.
"""

from importlib import import_module
from types import ModuleType


def of_notebook(number: str) -> ModuleType:
    """Return the checks of one notebook, by the two digits its file name begins with: "05".

    Raises ModuleNotFoundError if there is no such notebook.
    """
    return import_module(f"{__name__}.nb{number}")
