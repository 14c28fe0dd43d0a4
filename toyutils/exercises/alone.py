"""What an answer means without the rest of its notebook: the rules of grading.

An answer is the last cell that defines its function. It brings the imports, functions, classes and
plain values of other cells that it uses. Nothing else of a notebook runs, so that grading takes no
training; a value that other cells compute, or change later, is not there, and `why` says so.

Sources are plain Python, in the order of the notebook; magics are the caller's business.
"""

import __future__

import ast
import builtins
import linecache
import re
from dataclasses import dataclass, field
from functools import lru_cache

RULES = """\
Answers are graded one by one. Each brings its own cell, and the imports, functions, classes and \
plain values (such as `RATE = 0.1` or `math.sqrt(2)`) of other cells that it uses. No other cell \
runs: what one computes, trains, reads from a file or changes later (`RATE /= 2`) is not there. \
Grading has Python's own modules, torch, numpy, einops and toyutils."""

_LONGEST = 100_000  # characters of a cell; parsing a longer one would hold up everybody
_UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)  # ValueError: a null byte
# Calls that put a value together and compute nothing long: builtins, and functions of these.
_LIGHT = set(dir(builtins)) | {
    "collections", "einops", "fractions", "Fraction", "functools", "itertools", "lru_cache", "math",
    "namedtuple", "np", "numpy", "operator", "partial", "sqrt", "torch",
}  # fmt: skip
_CHANGES = re.compile(
    "(append|extend|insert|update|add|setdefault|pop|popitem|remove|discard|clear|sort|reverse"
    "|fill|[a-z]+_)$"
)
_SCOPES = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
_LOOPS = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


@dataclass(frozen=True)
class Task:
    """An answer to judge.

    `check`: the call that judges it, `exercises.check_f(f)`; `imports`: what that call needs.
    `source`: its cell, None if no cell defines the function; `helpers`: what else it needs;
    `absent`: (name, why it is not there) pairs; `future`: flags for the compiler.
    """

    function: str
    check: str
    imports: str
    source: str | None = None
    helpers: tuple[str, ...] = ()
    absent: tuple[tuple[str, str], ...] = ()
    future: int = 0


@dataclass
class _Statement:
    """A statement: what is kept of it, and the names that it gives, computes or changes."""

    text: str = ""  # one line of it, for messages
    kept: list = field(default_factory=list)
    given: set = field(default_factory=set)
    computed: set = field(default_factory=set)
    changed: set = field(default_factory=set)
    source: str = ""
    uses: set = field(default_factory=set)
    is_value: bool = False


def task(cells: list[str], check: str, imports: str) -> Task:
    """Find the answer that `check` judges, and what it needs, in the cells of a notebook."""
    function = ast.parse(check, mode="eval").body.args[-1].id
    own = own_cell(cells, function)
    if own is None:
        return Task(function, check, imports)
    statements = [(i, s) for i, cell in enumerate(cells) if i != own for s in _statements(cell)]
    changed = {name: s for _, s in statements for name in s.changed}
    own_names = {name for s in _statements(cells[own]) for name in s.given | s.computed}
    needed, absent, seen = {}, {}, set()
    todo = list(_names(_tree(cells[own]))) if _tree(cells[own]) else []
    todo += [name for _, s in statements for name in s.given if name.startswith("*")]
    while todo:
        name = todo.pop()
        binding = [(i, s) for i, s in statements if name in s.given | s.computed]
        if name in seen or not binding:
            continue
        seen.add(name)
        above = [(i, s) for i, s in binding if i < own]
        chosen = (above or binding)[-1][1]
        if name in chosen.computed:
            absent[name] = f"`{name}` is computed by `{chosen.text}`."
        elif chosen.is_value and name in changed:
            absent[name] = f"`{name}` is changed by `{changed[name].text}`."
        else:
            # `import a` and `import a.b` complete each other.
            for statement in [chosen, *(s for _, s in above if _completes(s, chosen))]:
                needed[id(statement)] = statement
                todo += statement.uses
    helpers = tuple(s.source for _, s in statements if id(s) in needed)
    absent = tuple((name, why) for name, why in absent.items() if name not in own_names)
    return Task(function, check, imports, cells[own], helpers, absent, _future(cells[: own + 1]))


def define(task: Task):
    """Run a task's sources; return what its function's name then means, and {name: why not there}.

    Raises what the answer's own cell raised if it defines no function.
    """
    names, absent = {"__name__": "__main__"}, dict(task.absent)
    for i, source in enumerate(task.helpers):  # one that fails may not be needed after all
        _run(source, f"<notebook {i}>", names, absent, task.future)
    failed = _run(task.source, "<answer>", names, absent, task.future)
    function = names.get(task.function)
    if not callable(function):
        raise failed or NameError(f"the answer defines no function `{task.function}`")
    return function, absent


def why(error: BaseException | str, absent: dict[str, str]) -> str:
    """Return what to add to an error, or to a message that quotes it; empty if there is nothing."""
    text = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
    package = re.search(r"ModuleNotFoundError: No module named '([\w.]+)'", text)
    if package:
        return f"Grading has no package `{package[1]}`: use torch, numpy, einops or plain Python."
    name = re.search(r"NameError: name '(\w+)' is not defined", text)
    if not name:
        return ""
    reason = absent.get(name[1], "")
    if reason.startswith("Grading has"):
        return reason
    return (
        f"{reason} An answer is graded without the variables that other cells compute. Import "
        "what it needs, or compute it inside."
    ).lstrip()


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
        return f"{type(error).__name__}: {error} {why(error, dict(answer.absent))}"
    names = {answer.function: function}
    exec(answer.imports, names)
    result = eval(answer.check, names)
    return "\n  ".join(filter(None, [str(result), why(str(result), absent)]))


def _run(source: str, file: str, names: dict, absent: dict, future: int) -> BaseException | None:
    """Run a cell, statement by statement; return the first error, and enter in `absent` what it cost.

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
                absent |= dict.fromkeys(_bound(node), reason)
    except _UNREADABLE as error:
        return error
    return first


def is_attempted(task: Task) -> bool:
    """Tell whether a task's function is more than the stub that was handed out."""
    tree = _tree(task.source or "")
    definitions = [node for node in tree.body if task.function in _bound(node)] if tree else [None]
    return task.source is not None and not all(_is_stub(node) for node in definitions)


def own_cell(cells: list[str], function: str) -> int | None:
    """Return the place of the last cell that defines a function; None without one.

    A stub that was left counts only where there is nothing else, and so does a cell that is no
    Python: when all cells are run, it defines nothing.
    """
    ranks = []
    for i, cell in enumerate(cells):
        if _tree(cell) is None:
            if re.search(rf"^[ \t]*(async )?def {function}\b", cell, re.MULTILINE):
                ranks.append((1, i))
            continue
        for node in _tree(cell).body:
            if function in _bound(node):
                ranks.append((0 if _is_stub(node) else 1 + (not _is_result(node, function)), i))
    return max(ranks)[1] if ranks else None


def _bound(node) -> set[str]:
    statement = _statement(node)
    return statement.given | statement.computed


def _is_stub(node) -> bool:
    """Tell whether a function was left as it was handed out."""
    if not isinstance(node, ast.FunctionDef):
        return False
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return len(body) == 1 and isinstance(body[0], ast.Raise) and "NotImpl" in ast.unparse(body[0])


def _is_result(node, function: str) -> bool:
    """Tell whether an assignment stores a number, or what the function returned, under its name."""
    value = getattr(node, "value", None)
    called = isinstance(value, ast.Call) and getattr(value.func, "id", "") == function
    return called or isinstance(value, ast.Constant) or isinstance(node, ast.For | ast.AugAssign)


@lru_cache(maxsize=512)  # every exercise asks for every cell of a notebook
def _tree(source: str) -> ast.Module | None:
    """Return the syntax tree of a cell, to be read only; None for one that is not Python."""
    try:
        return ast.parse(source if len(source) <= _LONGEST else "")
    except _UNREADABLE:
        return None


@lru_cache(maxsize=512)
def _statements(source: str) -> list[_Statement]:
    """Return the statements of a cell; imports of several names are taken apart."""
    tree = _tree(source)
    try:
        return [_statement(part) for node in (tree.body if tree else []) for part in _apart(node)]
    except _UNREADABLE:  # too deep, or too long a number, to be written down
        return []


def _apart(node) -> list:
    if not isinstance(node, ast.Import | ast.ImportFrom):
        return [node]
    fields = {name: getattr(node, name, None) for name in node._fields}
    return [type(node)(**fields | {"names": [alias]}) for alias in node.names]


def _statement(node) -> _Statement:
    statement = _Statement(ast.unparse(node).partition("\n")[0][:80])
    statement.kept = _keep(node, statement)
    # What a loop also computes, an `if` that gives it does not.
    statement.given -= statement.computed
    statement.is_value = not isinstance(node, ast.Import | ast.ImportFrom | _SCOPES)
    if statement.kept:
        statement.source = "\n".join(
            ast.unparse(ast.fix_missing_locations(n)) for n in statement.kept
        )
    statement.uses = {name for part in statement.kept for name in _names(part)}
    return statement


def _names(node) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _keep(node, statement: _Statement) -> list:
    """Return what grading runs of a statement, and enter the names it binds or changes."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        statement.given.add(node.name)
        return [node]
    if isinstance(node, ast.Import | ast.ImportFrom):
        for alias in node.names:
            # A star may give any name: it is always needed.
            name = f"*{node.module}" if alias.name == "*" else alias.asname or alias.name
            statement.given.add(name.partition(".")[0])
        return [node]
    if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
        names, roots = _stores(node)
        statement.changed |= roots
        (statement.given if _is_light(node.value) else statement.computed).update(names)
        return [node] if names and not roots and _is_light(node.value) else []
    blocks = [name for name in ("body", "orelse", "finalbody", "handlers") if hasattr(node, name)]
    if isinstance(node, ast.If | ast.Try) and _is_light(getattr(node, "test", None)):
        return _pruned(node, blocks, statement)
    names, roots = _stores(node)
    statement.computed |= names
    statement.changed |= roots
    return []


def _pruned(node, blocks: list[str], statement: _Statement) -> list:
    """Return an `if` or `try` with only what is kept of its blocks; nothing if nothing is."""
    fields, n_kept = {name: getattr(node, name) for name in node._fields}, 0
    for block in blocks:
        kept = []
        for part in fields[block]:
            if isinstance(part, ast.ExceptHandler):
                body = [k for inner in part.body for k in _keep(inner, statement)]
                kept.append(ast.ExceptHandler(part.type, part.name, body or [ast.Pass()]))
                n_kept += len(body)
            else:
                kept += _keep(part, statement)
        n_kept += len(kept) if block != "handlers" else 0
        fields[block] = kept or ([ast.Pass()] if block == "body" else [])
    return [type(node)(**fields)] if n_kept else []


def _stores(node) -> tuple[set[str], set[str]]:
    """Return the names that a statement binds, and those whose values it changes in place."""
    names, roots, todo = set(), set(), [node]
    while todo:
        part = todo.pop()
        if isinstance(part, _SCOPES):
            names |= {part.name} if hasattr(part, "name") else set()
            continue
        if isinstance(part, _LOOPS):
            continue
        if isinstance(part, ast.AugAssign | ast.Delete):
            targets = part.targets if isinstance(part, ast.Delete) else [part.target]
            roots |= {_root(target) for target in targets}
            todo += [part.value] if isinstance(part, ast.AugAssign) else []
            continue
        context = getattr(part, "ctx", None)
        if isinstance(part, ast.Name) and isinstance(context, ast.Store):
            names.add(part.id)
        elif isinstance(part, ast.Attribute | ast.Subscript) and isinstance(context, ast.Store):
            roots.add(_root(part))
        elif isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute):
            roots |= {_root(part.func)} if _CHANGES.match(part.func.attr) else set()
        elif isinstance(part, ast.Import | ast.ImportFrom):
            names |= {(a.asname or a.name).partition(".")[0] for a in part.names}
        todo += ast.iter_child_nodes(part)
    return names, roots


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
        if isinstance(node, ast.Lambda):
            continue
        if isinstance(node, _LOOPS | ast.Await):
            return False
        if isinstance(node, ast.Call) and _root(node.func) not in _LIGHT:
            return False
        todo += ast.iter_child_nodes(node)
    return True


def _completes(statement: _Statement, chosen: _Statement) -> bool:
    """Tell whether both are `import a.b` of the same package."""
    plain = [
        s.kept and isinstance(s.kept[0], ast.Import) and not s.kept[0].names[0].asname
        for s in (statement, chosen)
    ]
    return all(plain) and statement.given == chosen.given


def _future(cells: list[str]) -> int:
    """Return the compiler's flags for what cells import from __future__."""
    flags = 0
    for node in (node for cell in cells for node in (_tree(cell) or ast.Module([], [])).body):
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            for alias in node.names:
                flags |= getattr(getattr(__future__, alias.name, None), "compiler_flag", 0)
    return flags
