"""Small faults, put into right answers one at a time: what a check must reject.

A mutant differs from its original in one place: a comparison turned or shifted, a constant moved,
a bound off by one, sum for mean, first for last, a sign, a term, factor, call, branch or
statement dropped, arguments exchanged, another argument in its place, a complex result.
"""

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_TURNED = {
    ast.Lt: (ast.LtE, ast.Gt, ast.GtE), ast.LtE: (ast.Lt, ast.Gt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt, ast.LtE), ast.GtE: (ast.Gt, ast.Lt, ast.LtE),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,),
}  # fmt: skip
_OPERATORS = {
    ast.Add: (ast.Sub,), ast.Sub: (ast.Add,), ast.Mult: (ast.Div, ast.Add), ast.Div: (ast.Mult,),
    ast.Pow: (ast.Mult,), ast.BitAnd: (ast.BitOr, ast.BitXor), ast.BitOr: (ast.BitAnd, ast.BitXor),
    ast.FloorDiv: (ast.Div,), ast.Mod: (ast.FloorDiv,), ast.MatMult: (ast.Mult,),
}  # fmt: skip
_RENAMED = {
    "sum": ("mean", "prod"), "mean": ("sum",), "min": ("max",), "max": ("min",),
    "amin": ("amax",), "amax": ("amin",), "argmin": ("argmax",), "argmax": ("argmin",),
    "any": ("all",), "all": ("any",), "cos": ("sin",), "sin": ("cos",),
    "ceil": ("floor", "round"), "maximum": ("minimum",), "zeros": ("ones",),
    "zeros_like": ("ones_like",), "relu": ("abs", "sigmoid"), "norm": ("sum", "mean"),
    "square": ("abs",), "rand": ("randn",), "sort": ("flip",), "floor": ("ceil",),
}  # fmt: skip
_MODULES = {"torch", "np", "math", "linalg", "F"}
# Without these a result has another form, which checks accept: no fault.
_FORMS = {
    "item", "tolist", "numpy", "double", "float", "int", "bool", "reshape", "tensor", "Parameter",
    "tuple", "stack", "array", "Fraction",
}  # fmt: skip
_FORM_KEYWORDS = {"dtype", "strict", "generator"}
_MOST_ROUNDS = 20_000


@dataclass(frozen=True)
class Mutant:
    """A changed function, and the line of it that differs from the original."""

    line: str
    function: Callable


def mutants(source: str, name: str, names: dict) -> Iterator[Mutant]:
    """Yield the mutants of the function `name` in `source`, each compiled beside `names`.

    `source` defines `name` by `def` or by an assignment of a lambda. Loops that never end in a
    mutant raise RuntimeError.
    """
    tree = ast.parse(source)
    seen = {ast.unparse(tree)}
    for place, (parent, field, i) in enumerate(_slots(tree)):
        old = getattr(parent, field) if i is None else getattr(parent, field)[i]
        for new in _replacements(old, parent, field, _parameters(tree)):
            changed = copy.deepcopy(tree)
            other, _, _ = list(_slots(changed))[place]
            if i is None:
                setattr(other, field, new)
            elif new is None:
                del getattr(other, field)[i]
            else:
                getattr(other, field)[i] = new
            if field == "body" and i is not None and not getattr(other, field):
                other.body = [ast.Pass()]
            text = ast.unparse(ast.fix_missing_locations(changed))
            if text in seen:
                continue
            seen.add(text)
            yield Mutant(_different_line(ast.unparse(tree), text), _compiled(changed, name, names))


def _different_line(before, after):
    """Return the first line of `after` that differs, or "without" and the line that is gone."""
    old, new = before.splitlines(), after.splitlines()
    shorter = min(len(old), len(new))
    i = next((i for i in range(shorter) if old[i] != new[i]), shorter)
    if i == len(new) or (len(new) < len(old) and new[i:] == old[i + 1 :]):
        return f"without {old[i].strip()}"
    return new[i].strip()


def _compiled(tree, name, names):
    """Return the function, with every `while` stopped after many rounds."""
    for loop in [node for node in ast.walk(tree) if isinstance(node, ast.While)]:
        loop.body.insert(0, ast.parse("_tick()").body[0])
    rounds = 0

    def tick():
        nonlocal rounds
        rounds += 1
        if rounds > _MOST_ROUNDS:
            raise RuntimeError("a loop without end")

    scope = names | {"_tick": tick}
    exec(compile(ast.fix_missing_locations(tree), "<mutant>", "exec"), scope)
    return scope[name]


def _slots(tree):
    """Yield (parent, field, place in a list or None) of every expression and statement."""
    for parent in ast.walk(tree):
        if isinstance(parent, ast.arguments | ast.Module):
            continue
        for field, value in ast.iter_fields(parent):
            if isinstance(value, ast.expr | ast.stmt):
                yield parent, field, None
            elif isinstance(value, list):
                for i, item in enumerate(value):
                    if isinstance(item, ast.expr | ast.stmt | ast.keyword):
                        yield parent, field, i


def _parameters(tree):
    return [argument.arg for node in ast.walk(tree) if isinstance(node, ast.arguments)
            for argument in node.args]  # fmt: skip


def _replacements(node, parent, field, parameters):
    """Yield what may stand in place of a node; None deletes it."""
    if field in ("decorator_list", "targets", "target"):
        return
    if isinstance(node, ast.stmt):
        yield from _statements(node)
    elif isinstance(node, ast.keyword):
        if node.arg not in _FORM_KEYWORDS:
            yield None
    elif isinstance(node, ast.Constant):
        if isinstance(parent, ast.keyword) and parent.arg in _FORM_KEYWORDS:
            return
        yield from _constants(node.value, _is_index(parent) or isinstance(parent, ast.UnaryOp))
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        if node.id in parameters and field != "func":
            yield from (ast.Name(p, ast.Load()) for p in parameters if p != node.id)
    else:
        yield from _expressions(node)
    if field == "args" and isinstance(parent, ast.Call) and len(parent.args) > 1:
        yield None


def _statements(node):
    if isinstance(node, ast.Return):
        if node.value is not None:
            for text in ("{} * (1 + 0j)", "-{}", "1.2 * {}"):
                changed = copy.deepcopy(node)
                changed.value = _filled(text, node.value)
                yield changed
        return
    if isinstance(node, ast.FunctionDef) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    ):
        return
    yield None
    if isinstance(node, ast.If):
        yield ast.If(ast.Constant(True), node.body, [])
        if node.orelse:
            yield ast.If(ast.Constant(True), node.orelse, [])
    if isinstance(node, ast.For):
        yield ast.For(node.target, node.iter, [*node.body, ast.Break()], [])
    if isinstance(node, ast.AugAssign):
        yield ast.Assign([node.target], node.value, lineno=0)
        yield ast.AugAssign(node.target, ast.Sub(), node.value)


def _constants(value, index):
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int | float):
        if isinstance(value, int):
            yield from (ast.Constant(value + 1), ast.Constant(value - 1))
        if value == 0 and index:
            yield ast.Constant(-1)
        if value and not index:
            moved = (1.2 * value, 0.8 * value, 2 * value, value / 2)
            yield from (ast.Constant(round(v, 12)) for v in moved)
            yield ast.UnaryOp(ast.USub(), ast.Constant(value))


def _is_index(parent):
    """Return whether a constant below this node counts places: it moves by one, not by 20 %."""
    if isinstance(parent, ast.Subscript | ast.Slice | ast.keyword):
        return True
    return isinstance(parent, ast.Call) and _function(parent) in {
        "range", "sum", "mean", "amax", "amin", "all", "any", "argmin", "argmax", "norm", "flip",
        "unbind", "size", "zeros", "rand", "arange", "reshape",
    }  # fmt: skip


def _expressions(node):
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        for turned in _TURNED.get(type(node.ops[0]), ()):
            yield ast.Compare(node.left, [turned()], node.comparators)
    elif isinstance(node, ast.BinOp):
        for other in _OPERATORS.get(type(node.op), ()):
            yield ast.BinOp(node.left, other(), node.right)
        yield from (node.left, node.right)
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
        yield from node.values
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.IfExp):
        yield from (node.body, node.orelse)
    elif isinstance(node, ast.Attribute) and node.attr in ("T", "mT", "values", "inf"):
        yield node.value
    elif isinstance(node, ast.Subscript):
        yield from _subscripts(node)
    elif isinstance(node, ast.ListComp | ast.GeneratorExp):
        if any(part.ifs for part in node.generators):
            changed = copy.deepcopy(node)
            for part in changed.generators:
                part.ifs = []
            yield changed
    elif isinstance(node, ast.Call):
        yield from _calls(node)


def _subscripts(node):
    yield node.value
    part = node.slice
    if isinstance(part, ast.Slice):
        for bound in ("lower", "upper"):
            if getattr(part, bound) is not None:
                for text in ("{} + 1", "{} - 1"):
                    changed = copy.deepcopy(node)
                    setattr(changed.slice, bound, _filled(text, getattr(part, bound)))
                    yield changed
        changed = copy.deepcopy(node)
        changed.slice.lower, changed.slice.upper = part.upper, part.lower
        yield changed
    elif isinstance(part, ast.Constant | ast.Name | ast.BinOp):
        yield ast.Subscript(node.value, _filled("{} + 1", part), ast.Load())
        yield ast.Subscript(node.value, _filled("{} - 1", part), ast.Load())


def _calls(node):
    name = _function(node)
    for other in _RENAMED.get(name, ()):
        changed = copy.deepcopy(node)
        if isinstance(node.func, ast.Attribute):
            changed.func.attr = other
        else:
            changed.func.id = other
        yield changed
    if name in _FORMS:
        return
    base = node.func.value if isinstance(node.func, ast.Attribute) else None
    if base is not None and getattr(base, "id", getattr(base, "attr", "")) not in _MODULES:
        yield base
    if len(node.args) >= 1 and not isinstance(node.args[0], ast.Starred):
        yield node.args[0]
    if len(node.args) >= 2:
        yield ast.Call(node.func, [*node.args[:-2], node.args[-1], node.args[-2]], node.keywords)
    if name == "range":
        for text in ("{} + 1", "{} - 1"):
            last = _filled(text, node.args[-1])
            yield ast.Call(node.func, [*node.args[:-1], last], [])
        if len(node.args) == 1:
            yield ast.Call(node.func, [ast.Constant(1), *node.args], [])


def _function(call):
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def _filled(text, node):
    """Return the expression `text` with the node in place of {}."""
    tree = ast.parse(text.replace("{}", "_x"), mode="eval").body

    class Fill(ast.NodeTransformer):
        def visit_Name(self, found):
            return node if found.id == "_x" else found

    return Fill().visit(tree)
