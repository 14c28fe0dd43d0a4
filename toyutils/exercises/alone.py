"""What an answer means without the rest of its notebook: the rules of grading.

An answer is the last cell that defines its function. Of other cells it brings what it uses and what
is quickly had: imports, functions, classes and plain values, in the notebook's order. Nothing else
runs, so that grading takes no training; what another cell computes is not there, and `why` says so.

Sources are plain Python, cell by cell; magics are the caller's business.
"""

import __future__

import ast
import builtins
import linecache
import re
from dataclasses import dataclass, field
from functools import lru_cache

RULES = """\
Answers are graded one by one. Each brings its own cell and, from other cells, the imports, \
functions, classes and plain values (such as `RATE = 0.1`, `RATE /= 2` or `math.sqrt(2)`) that it \
uses. Nothing else runs: what another cell trains, reads from a file, or computes in a loop or \
with functions of its own is not there. Grading has Python's own modules, torch, numpy, einops and \
toyutils."""

_LONGEST = 100_000  # characters of a cell; parsing a longer one would hold up everybody
_UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)  # ValueError: a null byte
# Calls that put a value together: of builtins less those that may call or wait for something, of
# functions of these modules, and methods that change a list, a table or a tensor.
_LIGHT = set(dir(builtins)) - {"map", "filter", "sum", "eval", "exec", "open", "input", "print"} | {
    "Fraction", "collections", "einops", "fractions", "functools", "itertools", "lru_cache", "math",
    "namedtuple", "np", "numpy", "operator", "partial", "sqrt", "torch",
}  # fmt: skip
_CHANGES = re.compile(
    "(append|extend|insert|update|add|setdefault|pop|remove|discard|clear|sort|reverse|[a-z]+_)$"
)
_OWN_SCOPE = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
_LOOPS = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


@dataclass(frozen=True)
class Task:
    """An answer to judge.

    `check`: the call that judges it, `exercises.check_f(f)`; `imports`: what that call needs.
    `source`: its cell, None if no cell defines the function; `above` and `below`: what it needs of
    other cells, each (source, names it gives, names it computes, its first line); `future`: flags
    for the compiler.
    """

    function: str
    check: str
    imports: str
    source: str | None = None
    above: tuple = ()
    below: tuple = ()
    future: int = 0


@dataclass
class _Piece:
    """What is kept of a statement: the names it gives, and those it binds or changes at length."""

    line: str
    kept: list = field(default_factory=list)
    gives: set = field(default_factory=set)
    computes: set = field(default_factory=set)
    changes: set = field(default_factory=set)  # in place, at length

    @property
    def uses(self):
        return {name for part in self.kept for name in _names(part)}


def task(cells: list[str], check: str, imports: str) -> Task:
    """Find the answer that `check` judges, and what it needs, in the cells of a notebook."""
    function = ast.parse(check, mode="eval").body.args[-1].id
    own = own_cell(cells, function)
    if own is None:
        return Task(function, check, imports)
    pieces = [(i, piece) for i, cell in enumerate(cells) if i != own for piece in _pieces(cell)]
    modules = {n for _, p in pieces for n in p.gives if isinstance(p.kept[0], ast.Import)}
    needed, more = set(), _names(_tree(cells[own])) if _tree(cells[own]) else set()
    while not more <= needed:
        needed |= more
        more = {n for _, p in pieces if p.gives & needed for n in p.uses}
    sides = [], []
    for i, piece in pieces:
        computes = piece.computes | (piece.changes - modules)
        # A star may give any name.
        if (piece.gives | computes) & (needed | {"*"}):
            source = "\n".join(ast.unparse(ast.fix_missing_locations(n)) for n in piece.kept)
            entry = source, tuple(piece.gives), tuple(computes), piece.line
            sides[i > own].append(entry)
    future = _future(cells[: own + 1])
    return Task(function, check, imports, cells[own], *map(tuple, sides), future)


def define(task: Task):
    """Run a task's sources; return what its function's name then means, and {name: why not there}.

    Raises what the answer's own cell raised if it defines no function.
    """
    names, absent = {"__name__": "__main__"}, {}
    for pieces in (task.above, task.below):
        bound = set(names) | set(absent) if pieces is task.below else set()
        for source, gives, computes, line in pieces:
            if not bound & {*gives, *computes}:  # what is above an answer comes first
                _run(source, "<notebook>", names, absent, task.future)
                for name in computes:
                    names.pop(name, None)
                    absent[name] = f"`{name}` is computed by `{line}`."
    failed = _run(task.source, "<answer>", names, absent, task.future)
    function = names.get(task.function)
    if not callable(function):
        raise failed or NameError(f"the answer defines no function `{task.function}`")
    return function, absent


def _run(source: str, file: str, names: dict, absent: dict, future: int) -> BaseException | None:
    """Run statements one by one; return the first error, and enter in `absent` what it cost.

    A learner may try the answer out in the same cell, on a model that is not here: such a
    statement fails, and the definitions above and below it count all the same.
    """
    # As in a notebook, an error can then tell the line it arose in.
    linecache.cache[file] = len(source), None, source.splitlines(keepends=True), file
    first = None
    try:
        for node in ast.parse(source, file).body:
            code = compile(ast.Module([node], []), file, "exec", future, dont_inherit=True)
            try:
                exec(code, names)
            except (Exception, SystemExit) as error:
                first = first or error
                reason = absent.get(getattr(error, "name", None)) or why(error, {})
                reason = reason or f"It could not be set: {type(error).__name__}: {error}."
                absent |= dict.fromkeys(_piece(node).gives, reason)
    except _UNREADABLE as error:
        return error
    return first


def why(error: BaseException | str, absent: dict[str, str]) -> str:
    """Return what to add to an error, or to a message that quotes it; empty if there is nothing."""
    text = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
    if package := re.search(r"ModuleNotFoundError: No module named '([\w.]+)'", text):
        return f"Grading has no package `{package[1]}`: use torch, numpy, einops or plain Python."
    name = re.search(r"NameError: name '(\w+)' is not defined", text)
    reason = absent.get(name[1], "") if name else ""
    if not name or reason.startswith("Grading has"):
        return reason
    more = "without the variables that other cells compute. Import what it needs, or compute it"
    return f"{reason} An answer is graded {more} inside.".lstrip()


def try_answers(cells: list[str], *checks: str, imports: str) -> None:
    """Judge answers as grading does, and print what comes out.

    `cells`: the cells that were run, IPython's `In`; `checks`: calls such as
    `exercises.check_f(f)`; `imports`: what they need.
    """
    for check in checks:
        answer = task([cell for cell in cells if "try_answers" not in cell], check, imports)
        print(f"{answer.function}: {_tried(answer)}")


def _tried(answer: Task) -> str:
    if answer.source is None:
        return "no cell that was run defines it."
    try:
        function, absent = define(answer)
    except Exception as error:
        return f"{type(error).__name__}: {error} {why(error, {})}"
    names = {answer.function: function}
    exec(answer.imports, names)
    result = str(eval(answer.check, names))
    return "\n  ".join(filter(None, [result, why(result, absent)]))


def is_attempted(task: Task) -> bool:
    """Tell whether a task's function is more than the stub that was handed out."""
    return task.source is not None and _rank(task.source, task.function) > 0


def own_cell(cells: list[str], function: str) -> int | None:
    """Return the place of the last cell that defines a function; None without one.

    A stub that was left counts only where there is nothing else, and so does a cell that is no
    Python: when all cells are run, it defines nothing.
    """
    ranks = [(_rank(cell, function), i) for i, cell in enumerate(cells)]
    rank, place = max(ranks, default=(-1, 0))
    return place if rank >= 0 else None


def _rank(cell: str, function: str) -> int:
    """Tell how well a cell defines a function: 2; by a slip 1; only as a stub 0; not at all -1."""
    if _tree(cell) is None:
        return 1 if re.search(rf"^[ \t]*(async )?def {function}\b", cell, re.MULTILINE) else -1
    ranks = [-1]
    for node in _tree(cell).body:
        if function in _piece(node).gives | _piece(node).computes:
            value = getattr(node, "value", None)
            called = isinstance(value, ast.Call) and getattr(value.func, "id", "") == function
            # What it returned, or a number, may be stored under its name.
            slip = called or isinstance(value, ast.Constant) or isinstance(node, ast.For)
            ranks.append(0 if _is_stub(node) else 2 - slip)
    return max(ranks)


def _is_stub(node) -> bool:
    """Tell whether a function was left as it was handed out."""
    if not isinstance(node, ast.FunctionDef):
        return False
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return len(body) == 1 and isinstance(body[0], ast.Raise) and "NotImpl" in ast.unparse(body[0])


@lru_cache(maxsize=512)  # every exercise asks for every cell of a notebook
def _tree(source: str) -> ast.Module | None:
    """Return the syntax tree of a cell, to be read only; None for one that is not Python."""
    try:
        return ast.parse(source if len(source) <= _LONGEST else "")
    except _UNREADABLE:
        return None


@lru_cache(maxsize=512)
def _pieces(source: str) -> list[_Piece]:
    """Return the statements of a cell; imports of several names are taken apart."""
    tree = _tree(source)
    try:
        return [_piece(part) for node in (tree.body if tree else []) for part in _apart(node)]
    except _UNREADABLE:  # too deep, or too long a number, to be written down
        return []


def _apart(node) -> list:
    if not isinstance(node, ast.Import | ast.ImportFrom):
        return [node]
    fields = {name: getattr(node, name, None) for name in node._fields}
    return [type(node)(**fields | {"names": [alias]}) for alias in node.names]


def _names(node) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _piece(node) -> _Piece:
    piece = _Piece(ast.unparse(node).partition("\n")[0][:80])
    piece.kept = _keep(node, piece)
    piece.gives -= piece.computes  # where one branch gives a name and another computes it
    return piece


def _keep(node, piece: _Piece) -> list:
    """Return what grading runs of a statement, and enter the names it gives, computes, changes."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        piece.gives |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        return [node]
    if isinstance(node, ast.If | ast.Try) and _is_light(getattr(node, "test", None)):
        return _pruned(node, piece)
    bound, changed = _stores(node)
    simple = ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Expr
    if isinstance(node, _OWN_SCOPE) or (
        isinstance(node, simple) and bound | changed and _is_light(node.value)
    ):
        piece.gives |= bound | changed
        return [node]
    piece.computes |= bound
    piece.changes |= changed
    return []


def _pruned(node, piece: _Piece) -> list:
    """Return an `if` or `try` with only what is kept of its blocks; nothing if nothing is."""
    fields = {name: getattr(node, name) for name in node._fields}
    n_kept = 0
    for part in getattr(node, "handlers", []):
        body = [kept for inner in part.body for kept in _keep(inner, piece)]
        n_kept += len(body)
        handler = ast.ExceptHandler(part.type, part.name, body or [ast.Pass()])
        fields["handlers"] = [h for h in fields["handlers"] if h is not part] + [handler]
    for block in ("body", "orelse", "finalbody"):
        kept = [kept for inner in getattr(node, block, []) for kept in _keep(inner, piece)]
        n_kept += len(kept)
        fields[block] = kept or ([ast.Pass()] if block == "body" else [])
    return [type(node)(**{name: fields[name] for name in node._fields})] if n_kept else []


def _stores(node) -> tuple[set[str], set[str]]:
    """Return the names that a statement binds, and those whose values it changes in place."""
    bound, changed, todo = set(), set(), [node]
    while todo:
        part = todo.pop()
        if isinstance(part, _OWN_SCOPE):
            bound |= {part.name} if hasattr(part, "name") else set()
        elif not isinstance(part, _LOOPS):
            storing = isinstance(getattr(part, "ctx", None), ast.Store | ast.Del)
            if isinstance(part, ast.Name) and storing:
                bound.add(part.id)
            elif isinstance(part, ast.Attribute | ast.Subscript) and storing:
                changed.add(_root(part))
            elif isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute):
                changed |= {_root(part.func)} if _CHANGES.match(part.func.attr) else set()
            elif isinstance(part, ast.alias):
                bound.add((part.asname or part.name).partition(".")[0])
            todo += ast.iter_child_nodes(part)
    return bound, changed


def _root(node) -> str:
    """Return the name at the beginning of `name.attribute[0].more`."""
    while hasattr(node, "value"):
        node = node.value
    return getattr(node, "id", "")


def _is_light(value) -> bool:
    """Tell whether a value is put together without computing much: `1 / 2`, a lambda, `sqrt(2)`."""
    todo = [value] if value is not None else []
    while todo:
        node = todo.pop()
        if isinstance(node, _LOOPS | ast.Await):
            return False
        if isinstance(node, ast.Call) and _root(node.func) not in _LIGHT:
            changes = isinstance(node.func, ast.Attribute) and _CHANGES.match(node.func.attr)
            if not changes:
                return False
        todo += ast.iter_child_nodes(node) if not isinstance(node, ast.Lambda) else []
    return True


def _future(cells: list[str]) -> int:
    """Return the compiler's flags for what cells import from __future__."""
    flags = 0
    for node in (node for cell in cells if _tree(cell) for node in _tree(cell).body):
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            for alias in node.names:
                flags |= getattr(getattr(__future__, alias.name, None), "compiler_flag", 0)
    return flags
