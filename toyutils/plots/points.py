"""Points and what a model makes of them: in the plane of two features, or as bars."""

import math

import plotly.graph_objects as go
import torch
from plotly.subplots import make_subplots

from toyutils.plots import look

_SQUARE = dict(x=[0, 1, 1, 0, 0], y=[0, 0, 1, 1, 0], mode="lines", hoverinfo="skip")


def feature_scatter(x, title: str | None = None) -> go.Figure:
    """Draw points (point, 2) and the unit square; empty points are counted in words.

    Raises ValueError when `x` does not have two features.
    """
    x = _points("x", x)
    none = float((x == 0).all(1).double().mean())
    at_most_one = float(((x != 0).sum(1) <= 1).double().mean())
    fig = go.Figure(
        go.Scatter(
            **look.xy(x),
            mode="markers",
            marker=dict(size=6, color=look.kind(0), opacity=0.4),
            hovertemplate="x₀ = %{x:.2f}, x₁ = %{y:.2f}<extra></extra>",
        )
    )
    low, high = min(-0.08, float(x.min()) - 0.05), max(1.08, float(x.max()) + 0.05)
    fig.add_scatter(**_SQUARE, line=dict(color=look.FAINT, width=1))
    fig.update_layout(showlegend=False)
    look.square_axes(fig, low, high, ("feature 0", "feature 1"))
    if at_most_one > 0:
        text = f"{none:.0%} of points at the origin, {at_most_one:.0%} with at most one active"
        title = f"{title}<br><sup>{text}</sup>" if title else f"<sup>{text}</sup>"
    alt = (
        f"{len(x)} points, with the unit square. {none:.0%} have no active feature, "
        f"{at_most_one:.0%} at most one."
    )
    return look.styled(fig, alt, height=420, title=title)


def mapping(x, h, y, *, W=None, b=None) -> go.Figure:
    """Draw what a 2 → 1 model does to points: input, output and hidden number, coloured by h.

    `x` (point, 2), `h` (point,) or (point, 1), and `y` (point, 2) are what went in, what was
    between, and what came out. `W` (2,) or (1, 2) and `b` (2,) are drawn as arrows: W from the
    origin on the left, b and then W on the right.

    Raises ValueError when sizes differ: the picture needs two features and one hidden number.
    """
    x, y, h = _points("x", x), _points("y", y), look.plain(h).squeeze()
    if h.shape != x.shape[:1] or y.shape != x.shape:
        raise ValueError(
            f"x has shape {tuple(x.shape)}, h {tuple(h.shape)} and y {tuple(y.shape)}; give "
            "(point, 2), (point,) and (point, 2) for the same points"
        )
    W, b = (None if v is None else _pair(name, v) for name, v in (("W", W), ("b", b)))
    fig = make_subplots(
        rows=2,
        cols=2,
        specs=[[{}, {}], [{"colspan": 2}, None]],
        row_heights=[0.88, 0.12],
        subplot_titles=("input x", "output y", "hidden number h"),
        horizontal_spacing=0.17,
        vertical_spacing=0.22,
    )
    color = dict(color=look.rounded(h, 3), coloraxis="coloraxis", size=5)
    for column, points in ((1, x), (2, y)):
        fig.add_scatter(
            **look.xy(points), mode="markers", marker=color,
            hovertemplate="(%{x:.2f}, %{y:.2f})<extra></extra>", row=1, col=column,
        )  # fmt: skip
        fig.add_scatter(**_SQUARE, line=dict(color=look.FAINT, width=1), row=1, col=column)
    fig.add_scatter(
        x=look.rounded(h), y=[0] * len(h), mode="markers", row=2, col=1,
        marker=color | dict(symbol="line-ns-open", size=18),
        hovertemplate="h = %{x:.2f}<extra></extra>",
    )  # fmt: skip
    words = _draw_parameters(fig, W, b)
    shown = [x, y, *(v for v in (W, b) if v is not None), *([W + b] if words[0] else [])]
    low = min(-0.15, min(float(v.min()) for v in shown) - 0.15)
    high = max(1.15, max(float(v.max()) for v in shown) + 0.15)
    look.square_axes(fig, low, high, ("x₀", "x₁"), 1, 1)
    look.square_axes(fig, low, high, ("y₀", "y₁"), 1, 2)
    fig.update_xaxes(title="h", row=2, col=1)
    fig.update_yaxes(visible=False, range=[-1, 1], row=2, col=1)
    fig.update_layout(showlegend=False, coloraxis=dict(colorscale=look.SCALE, showscale=False))
    alt = (
        f"Three panels, coloured by h from {h.min():.2f} to {h.max():.2f}: {len(x)} points on the "
        f"square; below, their hidden numbers; right, their reconstructions, y₀ from "
        f"{y[:, 0].min():.2f} to {y[:, 0].max():.2f} and y₁ from {y[:, 1].min():.2f} to "
        f"{y[:, 1].max():.2f}.{words[1]}"
    )
    return look.styled(fig, alt, height=520)


def _draw_parameters(fig, W, b) -> tuple[bool, str]:
    """Draw the arrows of `mapping`; return whether both are there, and words for them."""
    said = ""
    if W is not None:
        fig.add_trace(look.arrow(W, look.INK, "W", text="W"), row=1, col=1)
        said += f" W = ({W[0]:.2f}, {W[1]:.2f})."
    if b is not None:
        fig.add_trace(look.arrow(b, look.kind(3), "b", text="b"), row=1, col=2)
        said += f" b = ({b[0]:.2f}, {b[1]:.2f})."
    both = W is not None and b is not None
    if both:
        fig.add_trace(look.arrow(b + W, look.INK, "b + W", text="b + W", start=b), row=1, col=2)
    return both, said


def rows_over_seeds(W, outcome: list[str] | None = None) -> go.Figure:
    """Draw where every seed of a 2 → 1 model ended: the row (W₀, W₁) that its hidden number reads.

    `W` is (instance, 1, 2). `outcome` names each seed's result and gives it colour and symbol.

    Raises ValueError when W has other sizes, or the names do not fit.
    """
    W = look.plain(W)
    if W.ndim != 3 or W.shape[1:] != (1, 2):
        raise ValueError(f"W has shape {tuple(W.shape)}; this picture needs (instance, 1, 2)")
    points = W[:, 0]
    outcome = outcome if outcome is not None else ["seed"] * len(points)
    if len(outcome) != len(points):
        raise ValueError(f"outcome has {len(outcome)} entries; there are {len(points)} seeds")
    fig = go.Figure()
    circle = torch.linspace(0, 2 * math.pi, 121)
    fig.add_scatter(
        x=look.rounded(circle.cos()), y=look.rounded(circle.sin()), mode="lines", name="length 1",
        line=dict(color=look.FAINT, dash="dot", width=1), hoverinfo="skip",
    )  # fmt: skip
    for name, members, marker in look.groups(outcome):
        fig.add_scatter(
            **look.xy(points[members]), mode="markers", name=f"{name} ({len(members)})",
            marker=dict(size=9, opacity=0.7, **marker),
            hovertemplate="W = (%{x:.3f}, %{y:.3f})<extra></extra>",
        )  # fmt: skip
    reach = max(1.15, 1.1 * float(points.abs().max()))
    look.square_axes(fig, -reach, reach, ("weight of feature 0", "weight of feature 1"))
    lengths = points.norm(dim=1)
    alt = (
        f"Final weights of {len(points)} seeds in the plane: "
        + ", ".join(f"{len(members)} {name}" for name, members, _ in look.groups(outcome))
        + f"; lengths from {lengths.min():.2f} to {lengths.max():.2f}."
    )
    return look.styled(fig, alt, height=440)


def rows_and_columns(W) -> go.Figure:
    """Draw one matrix twice: its rows among the features, its columns among the hidden numbers.

    `W` (1 or 2 hidden, 2 features). Left, in the plane of the two features: row k is what hidden
    number k listens to. Right, in the hidden plane, or on its line: column i is feature i's
    direction.

    Raises ValueError when W has other sizes.
    """
    W = look.plain(W)
    if W.ndim != 2 or W.shape[0] not in (1, 2) or W.shape[1] != 2:
        raise ValueError(f"W has shape {tuple(W.shape)}; this picture needs (1 or 2, 2)")
    names, lines = look.panel_titles(
        ["rows: what a hidden number listens to", "columns: features' directions"], 2
    )
    fig = make_subplots(1, 2, horizontal_spacing=0.15, subplot_titles=names)
    look.room_for_titles(fig, lines)
    reach = 1.3 * max(1.0, float(W.norm(dim=0).max()), float(W.norm(dim=1).max()))
    for k, row in enumerate(W):
        trace = look.arrow(row, look.INK, f"row {k}", text=f"row {k}", reach=reach)
        fig.add_trace(trace, row=1, col=1)
    for i, column in enumerate(W.T.tolist()):
        # On a line, one arrow above the other: they would hide each other.
        start = torch.tensor([0.0, 0.0 if len(W) == 2 else 0.12 - 0.24 * i]).double()
        tip = start + torch.tensor([*column, 0.0][:2]).double()
        trace = look.arrow(tip, look.feature_color(i), f"feature {i}", text=str(i), reach=reach,
                           start=start)  # fmt: skip
        fig.add_trace(trace, row=1, col=2)
    look.square_axes(fig, -reach, reach, ("feature 0", "feature 1"), 1, 1)
    second = "hidden number 1" if len(W) == 2 else ""
    look.square_axes(fig, -reach, reach, ("hidden number 0", second), 1, 2)
    if len(W) == 1:
        fig.update_yaxes(showticklabels=False, showgrid=False, row=1, col=2)
    fig.update_layout(showlegend=False)
    rows = ", ".join(f"row {k} ({row[0]:.2f}, {row[1]:.2f})" for k, row in enumerate(W))
    columns = ", ".join(
        f"feature {i} ({', '.join(f'{v:.2f}' for v in column)})"
        for i, column in enumerate(W.T.tolist())
    )
    alt = f"Left, in the plane of the features: {rows}. Right, among hidden numbers: {columns}."
    return look.styled(fig, alt, height=400)


def in_out_bars(x, y, titles: list[str] | None = None) -> go.Figure:
    """Draw what went into a model beside what came out, a pair of bars for each feature.

    `x` and `y` (feature,) or (point, feature); a panel for each point, with its title.

    Raises ValueError when shapes or the number of titles do not fit.
    """
    x, y = (v[None] if v.ndim == 1 else v for v in (look.plain(x), look.plain(y)))
    if x.ndim != 2 or x.shape != y.shape:
        raise ValueError(
            f"x has shape {tuple(x.shape)} and y {tuple(y.shape)}; give (point, feature) twice"
        )
    titles = titles if titles is not None else [""] * len(x)
    if len(titles) != len(x):
        raise ValueError(f"titles has {len(titles)} entries; there are {len(x)} points")
    names, lines = look.panel_titles(titles, len(x))
    fig = make_subplots(1, len(x), subplot_titles=names, shared_yaxes=True,
                        horizontal_spacing=0.03)  # fmt: skip
    features = list(range(x.shape[1]))
    colors = [look.feature_color(i) for i in features]
    for k in range(len(x)):
        for name, values, pattern in (("in", x[k], ""), ("out", y[k], "/")):
            fig.add_bar(
                x=features, y=look.rounded(values, 3), name=name, showlegend=False,
                marker=dict(color=colors, pattern_shape=pattern, pattern_size=5,
                            line=dict(color=colors, width=1)),
                hovertemplate=f"feature %{{x}} {name}: %{{y:.3f}}<extra></extra>",
                row=1, col=k + 1,
            )  # fmt: skip
    for name, pattern in (("in", ""), ("out", "/")):  # the legend's grey means any feature
        fig.add_scatter(x=[None], y=[None], mode="markers", name=name,
                        marker=dict(symbol="square-open" if pattern else "square", size=11,
                                    color=look.FAINT), row=1, col=1)  # fmt: skip
    every = math.ceil(len(features) * len(x) / 20)  # as many numbers as find room
    fig.update_xaxes(tickvals=features[::every], tickangle=0)
    fig.update_xaxes(title="feature", row=1, col=1)
    low, high = min(0.0, float(torch.cat([x, y]).min())), float(torch.cat([x, y]).max())
    fig.update_yaxes(range=[1.1 * low, 1.1 * high])
    fig.update_yaxes(title="value", row=1, col=1)
    fig.update_annotations(font_size=12 if len(x) < 5 else 10)
    fig.update_layout(
        barmode="group", bargap=0.25, legend=dict(y=1.07 + 0.08 * lines, yanchor="bottom", x=0)
    )
    alt = "Values in and out. " + " ".join(
        f"{title or f'Point {k}'}: in {_listed(x[k])}; out {_listed(y[k])}."
        for k, title in enumerate(titles)
    )
    return look.styled(fig, alt, height=313 + 17 * lines)


def spokes(rows: dict, titles: list[str]) -> go.Figure:
    """Draw many directions in the plane as dots on spokes: a row of panels for each name.

    `rows` {name: list of (2, item)}, such as hidden vectors and columns of W, each with one entry
    for every title. Every panel has its own scale: its longest direction, whose length is
    written below it (≤), reaches the circle.

    Raises ValueError when a list has another length than the titles, or an entry another shape.
    """
    for name, planes in rows.items():
        if len(planes) != len(titles):
            raise ValueError(f"{name!r} has {len(planes)} entries; there are {len(titles)} titles")
    names, lines = look.panel_titles(titles, len(titles))
    fig = make_subplots(len(rows), len(titles), column_titles=names, horizontal_spacing=0.02,
                        vertical_spacing=0.08)  # fmt: skip
    words = []
    for k, (name, planes) in enumerate(rows.items()):
        for column, (title, given) in enumerate(zip(titles, planes, strict=True), 1):
            ends = look.matrix(name, given, 2)
            longest = float(ends.norm(dim=0).max())
            ends = ends / max(longest, 1e-9)
            gaps = torch.full((ends.shape[1],), torch.nan, dtype=ends.dtype)
            x, y = (torch.stack([0 * e, e, gaps], 1).flatten().tolist() for e in ends)
            place = dict(row=k + 1, col=column)
            fig.add_scatter(x=[round(v, 3) if v == v else None for v in x],
                            y=[round(v, 3) if v == v else None for v in y], mode="lines",
                            line=dict(color=look.kind(k), width=0.6), hoverinfo="skip",
                            showlegend=False, **place)  # fmt: skip
            fig.add_scatter(
                **look.xy(ends.T), mode="markers", name=name, showlegend=column == 1,
                marker=dict(color=look.kind(k), size=5, symbol=look.SYMBOLS[k]),
                customdata=look.rounded(given.norm(dim=0), 3), **place,
                hovertemplate=f"{name} %{{pointNumber}}: length %{{customdata}}<extra></extra>",
            )  # fmt: skip
            look.hidden_plane(fig, 1.2, **place, titles=False)
            label = dict(text=f"≤ {longest:.3g}", font_size=11)
            fig.update_xaxes(showticklabels=False, title=label, title_standoff=2, **place)
            fig.update_yaxes(showticklabels=False, **place)
            n_long = int((ends.norm(dim=0) > 0.5).sum())
            words.append(f"{name}, {title}: {ends.shape[1]}, longest {longest:.3g}, {n_long} at "
                         "least half as long")  # fmt: skip
    fig.update_annotations(font_size=12)
    fig.update_layout(margin_t=60 + 17 * lines, legend=dict(y=1.12 + 0.03 * lines, x=0))
    return look.styled(fig, "; ".join(words) + ".", height=90 + 17 * lines + 210 * len(rows))


def _listed(values) -> str:
    return ", ".join(f"{v:.2f}" for v in (values + 0.0).tolist())


def _pair(name: str, value) -> torch.Tensor:
    value = look.plain(value)
    if value.numel() != 2:
        raise ValueError(f"{name} has shape {tuple(value.shape)}; this picture needs two features")
    return value.flatten()


def _points(name: str, x) -> torch.Tensor:
    x = look.plain(x)
    if x.ndim == 3 and x.shape[0] == 1:
        x = x[0]
    if x.ndim != 2 or x.shape[1] != 2:
        raise ValueError(f"{name} has shape {tuple(x.shape)}; this picture needs points (point, 2)")
    return x
