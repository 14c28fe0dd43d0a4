"""Models with many features: WᵀW beside the bias, and lengths coloured by interference."""

import math

import plotly.graph_objects as go
import torch
from plotly.subplots import make_subplots

from toyutils import geometry
from toyutils.plots.look import finish, numbers


def gram_grid(W, b, titles: list[str], max_columns: int = 4) -> go.Figure:
    """Draw WᵀW of several models as heatmaps, each with its bias as a column beside it.

    `W` (model, hidden, feature), `b` (model, feature), one title for each model.

    Raises ValueError when shapes do not fit.
    """
    W, b = _models(W, b, titles)
    n = W.shape[2]
    n_columns = min(max_columns, len(W))
    n_rows = math.ceil(len(W) / n_columns)
    fig = make_subplots(
        n_rows, n_columns, subplot_titles=titles, horizontal_spacing=0.03,
        vertical_spacing=0.2 / n_rows,
    )  # fmt: skip
    gap = torch.full((n, max(1, n // 20)), math.nan, dtype=torch.float64)
    wide = b[..., None].expand(-1, -1, max(1, n // 12))  # one column would be too thin to see
    for k, overlap in enumerate(geometry.gram(W)):
        where = dict(row=k // n_columns + 1, col=k % n_columns + 1)
        z = numbers(torch.cat([overlap, gap, wide[k]], 1))
        z = [[None if value != value else value for value in row] for row in z]
        fig.add_heatmap(
            z=z, coloraxis="coloraxis", **where,
            hovertemplate="row %{y}, column %{x}: %{z:.3f}<extra></extra>",
        )  # fmt: skip
        fig.update_xaxes(showticklabels=False, ticks="", showgrid=False, **where)
        fig.update_yaxes(
            showticklabels=False, ticks="", showgrid=False, autorange="reversed", **where
        )
    fig.update_layout(
        coloraxis=dict(colorscale="RdBu_r", cmin=-1.2, cmax=1.2, colorbar_thickness=12)
    )
    alt = f"WᵀW of models with {n} features, the bias beside it. " + " ".join(
        f"{title}: {int(kept.sum())} features represented, bias from "
        f"{bias.min():.2f} to {bias.max():.2f}."
        for title, kept, bias in zip(titles, geometry.represented(W), b, strict=True)
    )
    return finish(fig, alt, height=60 + 260 * n_rows)


def norm_bars(W, titles: list[str]) -> go.Figure:
    """Draw the length of every feature's direction, coloured by its interference.

    `W` (model, hidden, feature), one title for each model; a row of bars for each. The colour
    runs from 0, a direction of its own, to 1 and above, shared.

    Raises ValueError when shapes do not fit.
    """
    W, _ = _models(W, torch.zeros(len(titles), torch.as_tensor(W).shape[-1]), titles)
    norms, shared = geometry.feature_norms(W), geometry.interference(W)
    fig = make_subplots(
        len(W), 1, subplot_titles=titles, shared_xaxes=True, vertical_spacing=0.3 / len(W)
    )
    for k in range(len(W)):
        fig.add_bar(
            x=list(range(W.shape[2])), y=numbers(norms[k]), showlegend=False,
            marker=dict(color=numbers(shared[k]), coloraxis="coloraxis"),
            customdata=numbers(shared[k]),
            hovertemplate="feature %{x}: length %{y:.2f}<br>interference %{customdata:.2f}"
            "<extra></extra>",
            row=k + 1, col=1,
        )  # fmt: skip
        fig.update_yaxes(title="|Wᵢ|", range=[0, 1.1 * float(norms.max())], row=k + 1, col=1)
    fig.update_xaxes(title="feature i", row=len(W), col=1)
    fig.update_annotations(font_size=12)
    fig.update_layout(
        coloraxis=dict(
            colorscale="Cividis", cmin=0, cmax=1, colorbar=dict(title="interference", thickness=12)
        ),
        bargap=0.15,
    )
    alt = "Length of every feature's direction. " + " ".join(
        f"{title}: {int(kept.sum())} longer than 0.5, {int((kept & (s > 0.1)).sum())} of "
        "them share their direction."
        for title, kept, s in zip(titles, geometry.represented(W), shared, strict=True)
    )
    return finish(fig, alt, height=90 + 110 * len(W))


def _models(W, b, titles) -> tuple[torch.Tensor, torch.Tensor]:
    W, b = (torch.as_tensor(value).detach().cpu().double() for value in (W, b))
    if W.ndim != 3 or b.shape != (W.shape[0], W.shape[2]) or len(titles) != len(W):
        raise ValueError(
            f"W has shape {tuple(W.shape)}, b {tuple(b.shape)} and there are {len(titles)} titles; "
            "give W (model, hidden, feature), b (model, feature) and one title for each model"
        )
    return W, b
