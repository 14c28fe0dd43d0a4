"""The one look of all figures: colours, axes, arrows, rounding and the text alternative.

One colour, one meaning: a feature has its colour in every figure (`PALETTE`); whatever else has a
name takes one of `KINDS`; a number of something is a shade (`shades`); a loss is grey. Text and
axes are a grey that reads on light and on dark pages, for figures have no background of their own.
"""

import math
import textwrap
from collections import Counter

import plotly.graph_objects as go
import torch
from plotly.colors import sample_colorscale

# Okabe and Ito's colours, told apart with any common colour blindness; black is left for text
# and yellow, too pale on white, is darkened. The live widgets use the same list.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6D1F", "#5B5B5B")
KINDS = ("#2A9D8F", "#AA4499", "#8A8A2A", "#C8505F", "#6F63BB", "#9A6B3A")
SYMBOLS = ("circle", "diamond", "square", "cross", "triangle-up", "x")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
# From little to much: seen on light and on dark pages, and growing lighter all the way.
SCALE = ((0, "#4C78C8"), (0.5, "#2A9D8F"), (1, "#DBA540"))
INK, FAINT, GRID = "#767676", "#9A9A9A", "rgba(128,128,128,0.25)"
CLEAR = "rgba(0,0,0,0)"
NARROW = 340  # pixels: what a phone leaves a figure; every word of it must find room there
PANEL_TITLE = 12  # pixels, the size of the letters of a panel's title

_axis = dict(gridcolor=GRID, zerolinecolor="rgba(128,128,128,0.5)", linecolor=FAINT)
_axis |= dict(ticks="outside", tickcolor=FAINT, title_standoff=6, automargin=True)
_space = dict(backgroundcolor=CLEAR, gridcolor=GRID, zerolinecolor=FAINT, showspikes=False)
TEMPLATE = go.layout.Template(
    layout=dict(
        font=dict(family="system-ui, Segoe UI, Helvetica, Arial, sans-serif", size=13, color=INK),
        colorway=KINDS,
        paper_bgcolor=CLEAR,
        plot_bgcolor=CLEAR,
        xaxis=_axis,
        yaxis=_axis,
        scene=dict(xaxis=_space, yaxis=_space, zaxis=_space),
        margin=dict(l=50, r=20, t=40, b=45),
        legend=dict(orientation="h", yanchor="top", y=-0.2, x=0, bgcolor=CLEAR),
        hoverlabel=dict(font=dict(size=12, color="#222222"), bgcolor="white"),
        modebar=dict(bgcolor=CLEAR, color=FAINT, activecolor=INK),
    )
)


def feature_color(i: int) -> str:
    """Return the colour of feature i, the same in every figure; repeats after eight."""
    return PALETTE[i % len(PALETTE)]


def kind(k: int) -> str:
    """Return the colour of the k-th thing with a name that is not a feature."""
    return KINDS[k % len(KINDS)]


def tint(color: str) -> str:
    """Return a colour half-way to white, on which black text reads."""
    return sample_colorscale([color, "#FFFFFF"], [0.5])[0]


def shades(n: int) -> list[tuple[str, str]]:
    """Return n shades from few to many, each with the colour of text that reads on it."""
    places = [k / max(n - 1, 1) for k in range(n)]
    colors = sample_colorscale([color for _, color in SCALE], places)
    return [(color, "white" if place < 0.4 else "black")
            for place, color in zip(places, colors, strict=True)]  # fmt: skip


def styled(fig: go.Figure, alt: str, *, height: int = 400, title: str | None = None) -> go.Figure:
    """Give `fig` the common look, its text alternative and, where there is one, its title."""
    fig.update_layout(template=TEMPLATE, height=height + _legend(fig), meta={"alt": alt})
    if title:
        fig.update_layout(title=dict(text=title, font_size=15, x=0, xref="paper"), margin_t=60)
    labels = [len(str(text)) for axis in fig.select_yaxes() for text in axis.ticktext or ()]
    width, height = NARROW - 60 - 6 * max(labels, default=5), height - 110
    for pixels, axes in ((width, fig.select_xaxes()), (height, fig.select_yaxes())):
        for axis in axes:
            start, end = axis.domain or (0, 1)
            if axis.title.text:
                # The name of the first of many panels may reach below the next ones.
                room = max(pixels * (end - start), 125)
                axis.title.text = wrapped(axis.title.text, room, axis.title.font.size or 15)
    return fig


def _legend(fig: go.Figure) -> int:
    """Return the pixels that a legend below needs beside its first two rows on a narrow page."""
    names = {trace.name for trace in fig.data if trace.name and trace.showlegend is not False}
    if fig.layout.showlegend is False or len(names) < 2 or (fig.layout.legend.y or -1) > 0:
        return 0
    in_a_row = max((NARROW - 70) // (7 * max(map(len, names)) + 45), 1)
    return 19 * max(math.ceil(len(names) / in_a_row) - 2, 0)


def wrapped(text: str, pixels: float, size: int) -> str:
    """Return `text` broken between words, into lines of at most `pixels` with letters of `size`."""
    n_letters = max(int(pixels / (0.55 * size)), 1)
    lines = (textwrap.wrap(line, n_letters, break_long_words=False, break_on_hyphens=False)
             for line in text.split("<br>"))  # fmt: skip
    return "<br>".join(line for part in lines for line in part or [""])


def panel_titles(titles: list[str], n_columns: int) -> tuple[list[str], int]:
    """Return titles that stand beside each other, broken, and the lines of the longest.

    A bar that explains colours may stand beside them.
    """
    room = (NARROW - (120 if n_columns > 2 else 70)) / n_columns - 4
    titles = [wrapped(title, room, PANEL_TITLE) for title in titles]
    return titles, max(title.count("<br>") for title in titles) + 1


def room_for_titles(fig: go.Figure, lines: int) -> None:
    """Give the titles of panels their size, and `lines` of them room at the top."""
    fig.update_annotations(font_size=PANEL_TITLE)
    fig.update_layout(margin_t=32 + 17 * lines)


def alt_text(layout: dict) -> str:
    """Return the text alternative that `styled` gave to a figure with this layout, or nothing."""
    meta = layout.get("meta")
    return meta.get("alt", "") if isinstance(meta, dict) else ""


def plain(values) -> torch.Tensor:
    """Return `values` as a tensor of doubles without a gradient, in the computer's own memory."""
    return torch.as_tensor(values).detach().cpu().double()


def rounded(values, digits: int = 4) -> list:
    """Return nested lists of numbers rounded to `digits` significant digits, to keep files small.

    Raises TypeError when `values` is neither a tensor, an array nor numbers.
    """
    array = plain(values)
    exponent = array.abs().clamp(min=1e-300).log10().floor()
    scale = 10 ** (digits - 1 - exponent)
    return ((array * scale).round() / scale).where(array != 0, 0).tolist()


def xy(x, y=None) -> dict:
    """Return rounded coordinates for a trace: of points (point, 2), or of `x` and `y` (point,)."""
    x, y = (x, y) if y is not None else plain(x).T
    return dict(x=rounded(x), y=rounded(y))


def groups(names: list[str]) -> list[tuple[str, list[int], dict]]:
    """Return (name, where it stands in `names`, how its markers look), the most frequent first."""
    return [
        (name, [i for i, other in enumerate(names) if other == name],
         dict(color=kind(k), symbol=SYMBOLS[k % len(SYMBOLS)]))
        for k, (name, _) in enumerate(Counter(names).most_common())
    ]  # fmt: skip


def described(x, y) -> str:
    """Return in words where a curve begins and ends, and its lowest and highest point between.

    `x` and `y` (point,); points that are not finite are left out.
    """
    x, y = plain(x), plain(y)
    x, y = x[torch.isfinite(y)], y[torch.isfinite(y)]
    if not len(y):
        return "without a value"
    words = f"from {y[0]:.4g} to {y[-1]:.4g}"
    for name, k in (("lowest", int(y.argmin())), ("highest", int(y.argmax()))):
        if y[k] not in (y[0], y[-1]):
            words += f", {name} {y[k]:.4g} at {x[k]:.4g}"
    return words


def matrix(name: str, value, n_rows: int | None = None) -> torch.Tensor:
    """Return `value` as one matrix (row, column), unwrapping a batch of one.

    Raises ValueError, naming the argument, its shape and what is allowed.
    """
    tensor = plain(value)
    if tensor.ndim == 3 and tensor.shape[0] == 1:
        tensor = tensor[0]
    if tensor.ndim != 2 or (n_rows is not None and tensor.shape[0] != n_rows):
        needed = f"({n_rows if n_rows is not None else 'row'}, column)"
        raise ValueError(f"{name} has shape {tuple(tensor.shape)}; give one matrix {needed}")
    return tensor


def log_axis(title: str, values) -> dict:
    """Return the settings of a logarithmic axis over `values` > 0, named as one, with plain ticks.

    Plotly's own ticks print lone digits (2, 5) where a decade is in view, which read as values.
    """
    settings = dict(type="log", title=f"{title} (log scale)")
    values = plain(values).flatten()
    values = values[(values > 0) & torch.isfinite(values)]
    if not len(values):
        return settings
    low, high = values.min().log10().item(), values.max().log10().item()
    decades = range(math.floor(low), math.ceil(high) + 1)
    span = high - low
    steps = (1, 2, 3, 4, 5, 6, 8) if span < 0.6 else (1, 2, 5) if span < 2.5 else (1,)
    ticks = [step * 10.0**decade for decade in decades for step in steps]
    ticks = [t for t in ticks if low - 0.1 <= math.log10(t) <= high + 0.1]
    return settings | dict(tickvals=ticks, ticktext=[f"{tick:g}" for tick in ticks])


def square_axes(fig, low: float, high: float, titles: tuple, row=None, col=None) -> None:
    """Give one panel the same range and scale in both directions; `titles` are its axes' names."""
    places = dict(row=row, col=col) if row else {}
    [x_axis, *_] = fig.select_xaxes(**places)
    y_axis = next(iter(fig.select_yaxes(**places)))
    x_axis.update(range=[low, high], title=titles[0], constrain="domain")
    y_axis.update(
        range=[low, high], title=titles[1], constrain="domain", constraintoward="top",
        scaleanchor=x_axis.plotly_name.replace("axis", ""),
    )  # fmt: skip


def hidden_plane(fig, reach: float, row: int, col: int, titles: bool = True) -> None:
    """Make a panel the plane of two hidden numbers: equal axes, ticks at ±1 and the unit circle."""
    names = ("hidden number 0", "hidden number 1") if titles else (None, None)
    square_axes(fig, -reach, reach, names, row, col)
    fig.update_xaxes(tickvals=[-1, 0, 1], tickangle=0, row=row, col=col)
    fig.update_yaxes(tickvals=[-1, 0, 1], row=row, col=col)
    fig.add_shape(
        type="circle", x0=-1, y0=-1, x1=1, y1=1, line=dict(color=FAINT, width=1, dash="dot"),
        row=row, col=col,
    )  # fmt: skip


_SHORTEST = 0.05  # below, an arrow has neither head nor name


def arrow_points(tip, name: str, reach: float = 1.3, start=(0.0, 0.0)) -> dict:
    """Return what of an `arrow` moves: shaft, head, the place of its text, and what it tells.

    `tip` (2,) and `start` (2,) in the plane whose half width is `reach`.
    """
    tip, start = plain(tip), plain(start)
    length = float((tip - start).norm())
    along = (tip - start) / max(length, 1e-9)
    gone = [None, None]
    ends = [rounded(point) for point in (start, tip, tip - 0.02 * along, tip + 0.1 * reach * along)]
    base, head, back, text = ends if length >= _SHORTEST else (*ends[:2], gone, gone)
    point = head if length >= _SHORTEST else gone
    points = [base, head, gone, back, point, gone, text]
    across, up = (tip - start).tolist()
    words = f"{name}: ({across:.2f}, {up:.2f}), length {float((tip - start).norm()):.2f}"
    return dict(x=[x for x, _ in points], y=[y for _, y in points], hovertext=words)


def arrow(tip, color: str, name: str, *, text: str = "", reach: float = 1.3, start=(0.0, 0.0),
          **options) -> go.Scatter:  # fmt: skip
    """Return a trace that draws an arrow to `tip` (x, y), with `text` beyond its head.

    An arrow shorter than 0.05 has neither head nor text. `reach` is half the width of the panel.
    """
    points = arrow_points(tip, name, reach, start)
    n = len(points["x"])
    return go.Scatter(
        **points,
        mode="lines+markers+text",
        name=name,
        line=dict(color=color, width=3),
        marker=dict(color=color, opacity=1, size=[12 * (k == 4) for k in range(n)], symbol="arrow",
                    angleref="previous", line_width=0),
        text=[text if k == 6 else "" for k in range(n)],
        textposition="middle center",
        hoverinfo="text",
        showlegend=False,
        **options,
    )  # fmt: skip
