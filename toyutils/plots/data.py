"""Two features in the plane: the data, and what a model with one hidden number makes of it."""

import plotly.graph_objects as go
import torch
from plotly.subplots import make_subplots

from toyutils.plots.look import FAINT, INK, arrow, feature_color, finish, matrix, numbers

_SQUARE = dict(x=[0, 1, 1, 0, 0], y=[0, 0, 1, 1, 0], mode="lines", hoverinfo="skip")


def feature_scatter(x, title: str | None = None) -> go.Figure:
    """Draw points (point, 2) and the unit square; empty points are counted in words.

    Raises ValueError when `x` does not have two features.
    """
    x = _points(x)
    none = float((x == 0).all(1).double().mean())
    at_most_one = float(((x != 0).sum(1) <= 1).double().mean())
    fig = go.Figure(
        go.Scatter(
            x=numbers(x[:, 0]),
            y=numbers(x[:, 1]),
            mode="markers",
            marker=dict(size=6, color=feature_color(0), opacity=0.35),
            hovertemplate="x₁ = %{x:.2f}, x₂ = %{y:.2f}<extra></extra>",
        )
    )
    low, high = min(-0.08, float(x.min()) - 0.05), max(1.08, float(x.max()) + 0.05)
    fig.add_scatter(**_SQUARE, line=dict(color=FAINT, width=1))
    fig.update_layout(showlegend=False)
    _unit_axes(fig, "x₁", "x₂", low, high)
    if at_most_one > 0:
        text = f"{none:.0%} of points at the origin, {at_most_one:.0%} with at most one active"
        title = f"{title}<br><sup>{text}</sup>" if title else f"<sup>{text}</sup>"
    alt = (
        f"{len(x)} points, with the unit square. {none:.0%} have no active feature, "
        f"{at_most_one:.0%} at most one."
    )
    return finish(fig, alt, height=420, title=title)


def mapping(W, b, x, activation: str = "linear") -> go.Figure:
    """Draw what a 2 → 1 model does to points: input, output and hidden number, coloured by h.

    `W` (1, 2), `b` (2,), `x` (point, 2); a batch of one instance is unwrapped. `activation`
    is "linear" or "relu".

    Raises ValueError when the model has other sizes: the picture needs two features and one
    hidden number.
    """
    W, b, x = _model(W, b), torch.as_tensor(b).detach().cpu().double().reshape(-1), _points(x)
    if activation not in ("linear", "relu"):
        raise ValueError(f'activation is {activation!r}; give "linear" or "relu"')
    if b.shape != (2,):
        raise ValueError(f"b has {b.numel()} entries; this picture needs two features")
    h = x @ W[0]
    y = h[:, None] * W[0] + b
    y = y.clamp(min=0) if activation == "relu" else y
    fig = make_subplots(
        rows=2,
        cols=2,
        specs=[[{}, {}], [{"colspan": 2}, None]],
        row_heights=[0.88, 0.12],
        subplot_titles=("input x", "output y", "hidden h = W x"),
        horizontal_spacing=0.17,
        vertical_spacing=0.22,
    )
    color = dict(color=numbers(h), coloraxis="coloraxis", size=5)
    for column, points in ((1, x), (2, y)):
        fig.add_scatter(
            x=numbers(points[:, 0]), y=numbers(points[:, 1]), mode="markers", marker=color,
            hovertemplate="(%{x:.2f}, %{y:.2f})<extra></extra>", row=1, col=column,
        )  # fmt: skip
        fig.add_scatter(**_SQUARE, line=dict(color=FAINT, width=1), row=1, col=column)
    fig.add_scatter(
        x=numbers(h), y=[0] * len(h), mode="markers", row=2, col=1,
        marker=color | dict(symbol="line-ns-open", size=18),
        hovertemplate="h = %{x:.2f}<extra></extra>",
    )  # fmt: skip
    fig.add_trace(arrow(W[0], INK, "W"), row=1, col=1)
    fig.add_trace(_offset_arrow(b, W[0], "W"), row=1, col=2)
    fig.add_trace(arrow(b, feature_color(1), "b"), row=1, col=2)
    low = min(-0.15, float(y.min()) - 0.1, float(W.min()) - 0.1, float((W[0] + b).min()) - 0.1)
    high = max(1.15, float(y.max()) + 0.1, float(W.max()) + 0.1, float((W[0] + b).max()) + 0.1)
    for column, name in ((1, "x"), (2, "y")):
        fig.update_xaxes(
            range=[low, high], title=f"{name}₁", constrain="domain", row=1, col=column
        )  # fmt: skip
        fig.update_yaxes(
            range=[low, high], title=f"{name}₂", scaleanchor="x" if column == 1 else "x2",
            constrain="domain", row=1, col=column,
        )  # fmt: skip
    fig.update_xaxes(title="h", row=2, col=1)
    fig.update_yaxes(visible=False, range=[-1, 1], row=2, col=1)
    fig.update_layout(
        showlegend=False,
        coloraxis=dict(colorscale="Viridis", showscale=False),
    )
    (w1, w2), (b1, b2) = W[0].tolist(), b.tolist()
    bent = " bent at zero by the ReLU" if activation == "relu" else ""
    alt = (
        f"Three panels, coloured by h from {h.min():.2f} to {h.max():.2f}: {len(x)} points on the "
        f"square with W = ({w1:.2f}, {w2:.2f}); below, their hidden numbers; right, their "
        f"reconstructions on the line through b = ({b1:.2f}, {b2:.2f}) along W{bent}."
    )
    return finish(fig, alt, height=520)


def _offset_arrow(start, direction, name: str) -> go.Scatter:
    (x0, y0), (x1, y1) = numbers(start), numbers(start + direction)
    trace = arrow(direction, INK, name)
    trace.update(x=[x0, x1], y=[y0, y1])
    return trace


def _unit_axes(fig: go.Figure, x_title: str, y_title: str, low: float, high: float) -> None:
    fig.update_xaxes(range=[low, high], title=x_title, constrain="domain")
    fig.update_yaxes(range=[low, high], title=y_title, scaleanchor="x", constrain="domain")


def _points(x) -> torch.Tensor:
    x = torch.as_tensor(x).detach().cpu().double()
    if x.ndim == 3 and x.shape[0] == 1:
        x = x[0]
    if x.ndim != 2 or x.shape[1] != 2:
        raise ValueError(f"x has shape {tuple(x.shape)}; this picture needs points (point, 2)")
    return x


def _model(W, b) -> torch.Tensor:
    W = matrix("W", W, n_rows=1)
    if W.shape[1] != 2:
        raise ValueError(f"W has {W.shape[1]} features; this picture needs exactly two")
    return W
