"""Small matrices shown as matrices: every step of a forward pass, interference marked."""

from dataclasses import dataclass
from html import escape

import torch

from toyutils.plots.look import plain


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
        # Borders and weight only, no colours of its own: readable on light and dark pages.
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
