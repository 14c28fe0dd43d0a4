"""A small table of results: text where there is only text, HTML where there is more."""

from dataclasses import dataclass
from html import escape
from numbers import Integral, Real

import torch


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
        # Lines and weight only, no colours of its own: readable on light and dark pages.
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
