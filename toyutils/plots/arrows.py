"""Feature directions: the columns of W as arrows, and where many seeds ended."""

import math
from collections import Counter

import plotly.graph_objects as go
import torch
from plotly.subplots import make_subplots

from toyutils import geometry
from toyutils.plots.look import (
    FAINT,
    PALETTE,
    arrow,
    feature_color,
    finish,
    matrix,
    numbers,
)


def feature_arrows(W, titles: list[str] | None = None, max_columns: int = 4) -> go.Figure:
    """Draw the columns of W as arrows, one panel for each model, with equal axes.

    `W` is (2, feature), (model, 2, feature), or a list of (2, feature) with any numbers of
    features; a model with one hidden number is drawn on a line. `titles` has one entry for
    each model.

    Raises ValueError when a model has more than two hidden numbers or the titles do not fit.
    """
    models = [_plane("W", w) for w in (W if isinstance(W, list) else _unstack(W))]
    titles = titles if titles is not None else [""] * len(models)
    if len(titles) != len(models):
        raise ValueError(f"titles has {len(titles)} entries; there are {len(models)} models")
    n_columns = min(max_columns, len(models))
    n_rows = math.ceil(len(models) / n_columns)
    broken = [title.replace(": ", "<br>").replace(", ", "<br>", 1) for title in titles]
    fig = make_subplots(
        n_rows, n_columns, subplot_titles=broken,
        horizontal_spacing=0.04, vertical_spacing=0.18 if n_rows > 1 else 0,
    )  # fmt: skip
    reach = 1.15 * max(1.0, max(float(w.norm(dim=0).max()) for w in models))
    seen = set()
    for k, w in enumerate(models):
        where = dict(row=k // n_columns + 1, col=k % n_columns + 1)
        for i in range(w.shape[1]):
            trace = arrow(
                w[:, i], feature_color(i), f"feature {i}",
                legendgroup=str(i), showlegend=i not in seen,
            )  # fmt: skip
            seen.add(i)
            fig.add_trace(trace, **where)
        axis = "" if k == 0 else str(k + 1)
        fig.update_xaxes(range=[-reach, reach], showticklabels=False, constrain="domain", **where)
        fig.update_yaxes(
            range=[-reach, reach], showticklabels=False, scaleanchor=f"x{axis}",
            constrain="domain", **where,
        )  # fmt: skip
    fig.update_layout(legend_y=-0.05)
    fig.update_annotations(font_size=12)
    kept = [int(geometry.represented(w).sum()) for w in models]
    alt = "Feature directions as arrows. " + " ".join(
        f"{title or f'Model {k}'}: {n} of {w.shape[1]} features longer than 0.5, lengths "
        f"{', '.join(f'{length:.2f}' for length in w.norm(dim=0).tolist())}."
        for k, (title, n, w) in enumerate(zip(titles, kept, models, strict=True))
    )
    title_lines = max(title.count("<br>") for title in broken) + 1
    fig.update_layout(margin_t=25 + 18 * title_lines)
    return finish(fig, alt, height=75 + 18 * title_lines + 240 * n_rows)


def directions_over_seeds(W, outcome: list[str] | None = None) -> go.Figure:
    """Draw where every seed of a 2 → 1 model ended: its (W₁, W₂) in the plane.

    `W` is (instance, 1, 2). `outcome` names each seed's result and colours it.

    Raises ValueError when W has other sizes, or the names do not fit.
    """
    W = torch.as_tensor(W).detach().cpu().double()
    if W.ndim != 3 or W.shape[1:] != (1, 2):
        raise ValueError(f"W has shape {tuple(W.shape)}; this picture needs (instance, 1, 2)")
    points = W[:, 0]
    outcome = outcome if outcome is not None else ["seed"] * len(points)
    if len(outcome) != len(points):
        raise ValueError(f"outcome has {len(outcome)} entries; there are {len(points)} seeds")
    fig = go.Figure()
    circle = torch.linspace(0, 2 * math.pi, 121)
    fig.add_scatter(
        x=numbers(circle.cos()), y=numbers(circle.sin()), mode="lines", name="length 1",
        line=dict(color=FAINT, dash="dot", width=1), hoverinfo="skip",
    )  # fmt: skip
    counts = Counter(outcome)
    symbols = ("circle", "diamond", "square", "cross", "triangle-up")
    for k, (name, count) in enumerate(counts.most_common()):
        mine = points[[o == name for o in outcome]]
        fig.add_scatter(
            x=numbers(mine[:, 0]), y=numbers(mine[:, 1]), mode="markers",
            name=f"{name} ({count})", marker=dict(
                size=9, color=PALETTE[k % len(PALETTE)], opacity=0.7,
                symbol=symbols[k % len(symbols)],
            ), hovertemplate="W = (%{x:.3f}, %{y:.3f})<extra></extra>",
        )  # fmt: skip
    reach = max(1.15, 1.1 * float(points.abs().max()))
    fig.update_xaxes(range=[-reach, reach], title="W₁, weight of feature 1", constrain="domain")
    fig.update_yaxes(
        range=[-reach, reach], title="W₂, weight of feature 2", scaleanchor="x", constrain="domain"
    )
    lengths = points.norm(dim=1)
    alt = (
        f"Final weights of {len(points)} seeds in the plane: "
        + ", ".join(f"{count} {name}" for name, count in counts.most_common())
        + f"; lengths from {lengths.min():.2f} to {lengths.max():.2f}."
    )
    return finish(fig, alt, height=440)


def gram_heatmap(W, b=None, title: str | None = None) -> go.Figure:
    """Draw WᵀW as a heatmap and, where given, b beside it; numbers are printed up to n = 6.

    `W` (hidden, feature), `b` (feature,).

    Raises ValueError when shapes do not fit.
    """
    W = matrix("W", W)
    overlap = geometry.gram(W)
    n = W.shape[1]
    columns = 1 if b is None else 2
    widths = [1.0] if b is None else [0.86, 0.14]
    names = ("WᵀW",) if b is None else ("WᵀW", "b")
    fig = make_subplots(
        1, columns, column_widths=widths, horizontal_spacing=0.03, subplot_titles=names
    )
    tables = [overlap]
    if b is not None:
        b = torch.as_tensor(b).detach().cpu().double().reshape(-1, 1)
        if len(b) != n:
            raise ValueError(f"b has {len(b)} entries; W has {n} features")
        tables.append(b)
    for column, table in enumerate(tables, start=1):
        fig.add_heatmap(
            z=numbers(table), coloraxis="coloraxis", row=1, col=column,
            text=[[f"{v:.2f}" for v in row] for row in table.tolist()] if n <= 6 else None,
            texttemplate="%{text}" if n <= 6 else None,
            hovertemplate="row %{y}, column %{x}: %{z:.3f}<extra></extra>",
        )  # fmt: skip
        fig.update_yaxes(autorange="reversed", row=1, col=column, showticklabels=column == 1)
        fig.update_xaxes(showticklabels=column == 1, row=1, col=column)
    fig.update_xaxes(title="feature j", dtick=1 if n <= 20 else None, row=1, col=1)
    fig.update_yaxes(title="feature i", dtick=1 if n <= 20 else None, row=1, col=1)
    fig.update_yaxes(scaleanchor="x", constrain="domain", row=1, col=1)
    largest = max(1.0, float(overlap.abs().max()))
    fig.update_layout(
        coloraxis=dict(colorscale="RdBu_r", cmin=-largest, cmax=largest, colorbar_thickness=12)
    )
    off = overlap - overlap.diagonal().diag()
    alt = (
        f"WᵀW of {n} features: diagonal "
        f"{', '.join(f'{v:.2f}' for v in overlap.diagonal().tolist())}; "
        f"largest interference {off.max():.2f}, smallest {off.min():.2f}."
    )
    return finish(fig, alt, height=420, title=title)


def _unstack(W) -> list[torch.Tensor]:
    W = torch.as_tensor(W)
    if W.ndim not in (2, 3):
        raise ValueError(f"W has shape {tuple(W.shape)}; give (2, feature) or (model, 2, feature)")
    return list(W) if W.ndim == 3 else [W]


def _plane(name: str, W) -> torch.Tensor:
    W = matrix(name, W)
    if W.shape[0] == 1:
        W = torch.cat([W, torch.zeros_like(W)])
    if W.shape[0] != 2:
        raise ValueError(f"{name} has {W.shape[0]} hidden numbers; arrows need one or two")
    return W
