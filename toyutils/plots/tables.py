"""Numbers shown as numbers: a table of results, and the matrices of one forward pass.

Each displays itself as text where there is only text, and as HTML where there is more: lines and
weight, no colours of its own, so that it reads on light and dark pages.
"""

from dataclasses import dataclass
from html import escape
from numbers import Integral, Real

import torch

from toyutils.plots.look import plain


@dataclass(frozen=True, repr=False)
class Table:
    """Hold named columns of equal length, as text; displays itself as a table."""

    columns: dict[str, tuple[str, ...]]
    numeric: tuple[bool, ...]
    title: str = ""

    def __repr__(self) -> str:
        """Return the table as text, numbers to the right."""
        blocks = []
        for (name, cells), is_number in zip(self.columns.items(), self.numeric, strict=True):
            width = max(len(cell) for cell in (name, *cells))
            pad = str.rjust if is_number else str.ljust
            blocks.append([pad(cell, width) for cell in (name, *cells)])
        lines = ["  ".join(row).rstrip() for row in zip(*blocks, strict=True)]
        return "\n".join([self.title, *lines] if self.title else lines)

    def _repr_html_(self) -> str:
        sides = ["right" if is_number else "left" for is_number in self.numeric]
        head = "".join(
            f'<th scope="col" style="text-align: {side}; padding: 0.15em 0.8em; '
            f'border-bottom: 1px solid">{escape(name)}</th>'
            for name, side in zip(self.columns, sides, strict=True)
        )
        rows = "".join(
            "<tr>"
            + "".join(
                f'<td style="text-align: {side}; padding: 0.15em 0.8em">{escape(cell)}</td>'
                for cell, side in zip(cells, sides, strict=True)
            )
            + "</tr>"
            for cells in zip(*self.columns.values(), strict=True)
        )
        caption = f"<caption>{escape(self.title)}</caption>" if self.title else ""
        return (
            '<div style="overflow-x: auto"><table style="font-variant-numeric: tabular-nums; '
            f'white-space: nowrap">{caption}<thead><tr>{head}</tr></thead>'
            f"<tbody>{rows}</tbody></table></div>"
        )


def table(columns: dict, *, digits: int = 4, formats: dict | None = None, title: str = "") -> Table:
    """Show results as a table: `columns` {name: one value for each row}.

    Values may be text, numbers, or a tensor (row,). Numbers that are not whole are rounded to
    `digits` significant digits, or written as `formats` {name: format, such as ".1%"} says.

    Raises ValueError when columns differ in length or a format belongs to none of them.
    """
    formats = formats or {}
    unknown = set(formats) - set(columns)
    if unknown:
        raise ValueError(f"formats names {sorted(unknown)}; columns are {list(columns)}")
    values = {name: _listed(name, column) for name, column in columns.items()}
    lengths = {name: len(column) for name, column in values.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"columns differ in length: {lengths}")
    cells = {
        name: tuple(_written(value, formats.get(name), digits) for value in column)
        for name, column in values.items()
    }
    numeric = tuple(all(isinstance(v, Real) for v in column) for column in values.values())
    return Table(cells, numeric, title)


def _listed(name: str, column) -> list:
    if isinstance(column, torch.Tensor):
        if column.ndim != 1:
            raise ValueError(f"column {name!r} has shape {tuple(column.shape)}; give (row,)")
        return column.detach().cpu().tolist()
    return [value.item() if hasattr(value, "item") else value for value in column]


def _written(value, form: str | None, digits: int) -> str:
    if form is not None:
        return format(value, form)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Real) and not isinstance(value, Integral):
        return f"{value + 0.0:.{digits}g}"
    return str(value)


@dataclass(frozen=True, repr=False)
class MatrixSteps:
    """Hold named steps of a forward pass; displays itself as tables, or as text.

    `steps`: (name, values (row, column), marks (row, column) bool). A marked entry is
    interference: it is printed with an asterisk, and bold, not told by colour alone.
    """

    steps: tuple[tuple[str, torch.Tensor, torch.Tensor], ...]

    def __repr__(self) -> str:
        """Return the steps as text, one below the other."""
        blocks = []
        for name, values, marks in self.steps:
            rows = (
                "  ".join(_cell(v, m).rjust(7) for v, m in zip(*pair, strict=True))
                for pair in zip(values.tolist(), marks.tolist(), strict=True)
            )
            blocks.append(f"{name}\n" + "\n".join(f"  {row}" for row in rows))
        return "\n".join([*blocks, self._note()]).rstrip()

    def _repr_html_(self) -> str:
        tables = "".join(
            '<table style="display: inline-table; margin: 0 1.2em 0.8em 0; text-align: right; '
            'border-left: 2px solid; border-right: 2px solid">'
            '<caption style="text-align: left; padding-bottom: 0.3em; white-space: nowrap">'
            f"{escape(name)}</caption>"
            + "".join(
                "<tr>" + "".join(_html_cell(v, m) for v, m in zip(*pair, strict=True)) + "</tr>"
                for pair in zip(values.tolist(), marks.tolist(), strict=True)
            )
            + "</table>"
            for name, values, marks in self.steps
        )
        return f"<div>{tables}<div>{self._note()}</div></div>"

    def _note(self) -> str:
        return "* interference" if any(m.any() for _, _, m in self.steps) else ""


def matrix_steps(steps: dict) -> MatrixSteps:
    """Show the steps of one forward pass, which the caller computed, as small matrices.

    `steps` {name: vector or matrix}, in order. Where "x" (feature,) and "WᵀW" (feature, feature)
    are among them, interference is marked: the entries of WᵀW off its diagonal, and in every
    vector (feature,) after it what an output received from *other* features, unless that output
    is right all the same.

    Raises ValueError when a step is no vector or matrix, or WᵀW does not fit x.
    """
    values = {name: plain(value) for name, value in steps.items()}
    for name, value in values.items():
        if value.ndim not in (1, 2):
            raise ValueError(f"{name!r} has shape {tuple(value.shape)}; give (row,) or a matrix")
    x, overlap = values.get("x"), values.get("WᵀW")
    from_others = None
    shown = []
    for name, value in values.items():
        marks = torch.zeros_like(value, dtype=torch.bool)
        if name == "WᵀW" and x is not None:
            if overlap.shape != (len(x), len(x)):
                raise ValueError(
                    f"WᵀW has shape {tuple(overlap.shape)}; x has {len(x)} features, so it must be "
                    f"({len(x)}, {len(x)})"
                )
            off = overlap - overlap.diagonal().diag()
            marks = off.abs() > 1e-12
            from_others = (off * x).abs().sum(1) > 1e-12
        elif from_others is not None and value.shape == x.shape:
            marks = from_others & (value != 0) & ((value - x).abs() > 1e-6)
        shown.append((name, *(v[:, None] if v.ndim == 1 else v for v in (value, marks))))
    return MatrixSteps(tuple(shown))


def _cell(value: float, marked: bool) -> str:
    return f"{value + 0.0:.2f}" + ("*" if marked else " ")


def _html_cell(value: float, marked: bool) -> str:
    text = _cell(value, marked).strip()
    return (
        '<td style="padding: 0.15em 0.6em; text-align: right">'
        f"{f'<b>{text}</b>' if marked else text}</td>"
    )
