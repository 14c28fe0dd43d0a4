"""Small matrices shown as matrices: every step of a forward pass, interference marked."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True, repr=False)
class MatrixSteps:
    """Hold named steps of a forward pass; displays itself as tables, or as text.

    `steps`: (name, values (row, column), marks (row, column) bool). A marked entry is
    interference: it is printed with an asterisk, and underlined, not told by colour alone.
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
        note = "* interference" if any(m.any() for _, _, m in self.steps) else ""
        return "\n".join([*blocks, note]).rstrip()

    def _repr_html_(self) -> str:
        # Borders and weight only, no colours of its own: readable on light and dark pages.
        tables = "".join(
            '<table style="display: inline-table; margin: 0 1.2em 0.8em 0; text-align: right; '
            'border-left: 2px solid; border-right: 2px solid">'
            f'<caption style="text-align: left; padding-bottom: 0.3em">{name}</caption>'
            + "".join(
                "<tr>" + "".join(_html_cell(v, m) for v, m in zip(*pair, strict=True)) + "</tr>"
                for pair in zip(values.tolist(), marks.tolist(), strict=True)
            )
            + "</table>"
            for name, values, marks in self.steps
        )
        note = "<div>* interference</div>" if any(m.any() for _, _, m in self.steps) else ""
        return f"<div>{tables}{note}</div>"


def matrix_steps(W, b, x, activation: str = "relu") -> MatrixSteps:
    """Show x, W, h = W x, Wᵀh, + b and ReLU of one point as small matrices.

    `W` (hidden, feature), `b` (feature,), `x` (feature,). Marked as interference: what
    arrives at an output from the *other* features, wherever it is not zero; and the
    off-diagonal entries of WᵀW.

    Raises ValueError when shapes do not fit or `activation` is neither "relu" nor "linear".
    """
    W, b, x = (torch.as_tensor(v).detach().cpu().double() for v in (W, b, x))
    if W.ndim != 2 or b.shape != (W.shape[1],) or x.shape != (W.shape[1],):
        raise ValueError(
            f"W has shape {tuple(W.shape)}, b {tuple(b.shape)} and x {tuple(x.shape)}; give W "
            "(hidden, feature), b (feature,) and x (feature,)"
        )
    if activation not in ("relu", "linear"):
        raise ValueError(f'activation is {activation!r}; give "relu" or "linear"')
    overlap = W.T @ W
    off = overlap - overlap.diagonal().diag()
    h = W @ x
    before_bias = overlap @ x
    disturbed = (off @ x).abs() > 1e-12
    y = before_bias + b
    no = torch.zeros
    steps = [
        ("x", x[:, None], no(len(x), 1, dtype=bool)),
        ("W", W, no(*W.shape, dtype=bool)),
        ("h = W x", h[:, None], no(len(h), 1, dtype=bool)),
        ("WᵀW", overlap, off.abs() > 1e-12),
        ("WᵀW x", before_bias[:, None], disturbed[:, None]),
        ("+ b", y[:, None], disturbed[:, None]),
    ]
    if activation == "relu":
        y = y.clamp(min=0)
        steps.append(("ReLU", y[:, None], (disturbed & (y > 0))[:, None]))
    return MatrixSteps(tuple(steps))


def _cell(value: float, marked: bool) -> str:
    return f"{value + 0.0:.2f}" + ("*" if marked else " ")


def _html_cell(value: float, marked: bool) -> str:
    text = _cell(value, marked).strip()
    inner = f'<span style="text-decoration: underline">{text}</span>' if marked else text
    return f'<td style="padding: 0.15em 0.6em; text-align: right">{inner}</td>'
