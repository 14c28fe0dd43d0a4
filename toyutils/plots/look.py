"""The one look of all figures: template, colours, axes and text alternative."""

import math

import plotly.graph_objects as go
import torch

# Okabe and Ito's colours, told apart with any common colour blindness; black is left for text
# and yellow, too pale on white, is darkened.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6D1F", "#5B5B5B")
INK, GRID, FAINT = "#222222", "#E3E3E3", "#9A9A9A"

_axis = dict(gridcolor=GRID, zerolinecolor="#BBBBBB", linecolor="#BBBBBB", ticks="outside")
_axis |= dict(tickcolor="#BBBBBB", title_standoff=6, automargin=True)
TEMPLATE = go.layout.Template(
    layout=dict(
        font=dict(family="system-ui, Segoe UI, Helvetica, Arial, sans-serif", size=13, color=INK),
        colorway=PALETTE,
        paper_bgcolor="white",
        plot_bgcolor="white",
        xaxis=_axis,
        yaxis=_axis,
        margin=dict(l=50, r=20, t=40, b=45),
        legend=dict(orientation="h", yanchor="top", y=-0.2, x=0),
        hoverlabel=dict(font_size=12),
    )
)


def feature_color(i: int) -> str:
    """Return the colour of feature i, the same in every figure; repeats after eight."""
    return PALETTE[i % len(PALETTE)]


def finish(fig: go.Figure, alt: str, *, height: int = 400, title: str | None = None) -> go.Figure:
    """Give `fig` the common look, its text alternative and, where there is one, its title."""
    fig.update_layout(template=TEMPLATE, height=height, meta={"alt": alt})
    if title:
        fig.update_layout(title=dict(text=title, font_size=15, x=0, xref="paper"), margin_t=60)
    return fig


def alt_text(layout: dict) -> str:
    """Return the text alternative that `finish` gave to a figure with this layout, or nothing."""
    meta = layout.get("meta")
    return meta.get("alt", "") if isinstance(meta, dict) else ""


def numbers(values, digits: int = 4) -> list:
    """Return nested lists of numbers rounded to `digits` significant digits, to keep files small.

    Raises TypeError when `values` is neither a tensor, an array nor numbers.
    """
    array = torch.as_tensor(values).detach().cpu().double()
    exponent = array.abs().clamp(min=1e-300).log10().floor()
    scale = 10 ** (digits - 1 - exponent)
    return ((array * scale).round() / scale).where(array != 0, 0).tolist()


def matrix(name: str, value, n_rows: int | None = None) -> torch.Tensor:
    """Return `value` as one matrix (row, column), unwrapping a batch of one.

    Raises ValueError, naming the argument, its shape and what is allowed.
    """
    tensor = torch.as_tensor(value).detach().cpu().double()
    if tensor.ndim == 3 and tensor.shape[0] == 1:
        tensor = tensor[0]
    if tensor.ndim != 2 or (n_rows is not None and tensor.shape[0] != n_rows):
        wanted = f"({n_rows if n_rows is not None else 'row'}, column)"
        raise ValueError(f"{name} has shape {tuple(tensor.shape)}; give one matrix {wanted}")
    return tensor


def log_axis(values) -> dict:
    """Return the settings of a logarithmic axis over `values` > 0, with ticks easily read.

    Plotly's own ticks print lone digits (2, 5) where a decade is in view, which read as values.
    """
    values = torch.as_tensor(values).detach().cpu().double().flatten()
    values = values[(values > 0) & torch.isfinite(values)]
    if not len(values):
        return dict(type="log")
    low, high = values.min().log10().item(), values.max().log10().item()
    decades = range(math.floor(low), math.ceil(high) + 1)
    span = high - low
    steps = (1, 2, 3, 4, 5, 6, 8) if span < 0.6 else (1, 2, 5) if span < 2.5 else (1,)
    ticks = [step * 10.0**decade for decade in decades for step in steps]
    ticks = [t for t in ticks if low - 0.1 <= math.log10(t) <= high + 0.1]
    return dict(type="log", tickvals=ticks, ticktext=[f"{tick:g}" for tick in ticks])


def arrow(tip, color: str, name: str, **options) -> go.Scatter:
    """Return a trace that draws an arrow from the origin to `tip` (x, y)."""
    x, y = numbers(tip)
    return go.Scatter(
        x=[0, x],
        y=[0, y],
        mode="lines+markers",
        name=name,
        line=dict(color=color, width=3),
        marker=dict(color=color, size=[0, 12], symbol=["circle", "arrow"], angleref="previous"),
        hovertemplate=f"{name}: (%{{x:.3f}}, %{{y:.3f}})<extra></extra>",
        **options,
    )
