"""Named curves over one quantity, alone or with trained models as points."""

import math

import plotly.graph_objects as go
import torch

from toyutils.plots.look import (
    DASHES,
    INK,
    described,
    kind,
    log_axis,
    plain,
    rounded,
    styled,
)


def curves(
    x, lines: dict, *, x_title: str, y_title: str, log_x: bool = False, log_y: bool = False,
    mark: dict | None = None, title: str | None = None, colors: list[str] | None = None,
) -> go.Figure:  # fmt: skip
    """Draw named curves over x; infinite and NaN values leave gaps.

    `x` (point,), `lines` {name: (point,)}. `mark` {name: x value} adds vertical lines. `colors`,
    one for each line, are for lines whose names have a colour elsewhere, such as features.

    Raises ValueError when a curve has another length than x, or there is not a colour for each.
    """
    x = plain(x)
    if colors is not None and len(colors) != len(lines):
        raise ValueError(f"colors has {len(colors)} entries; there are {len(lines)} lines")
    fig, described_lines = go.Figure(), []
    for k, (name, y) in enumerate(lines.items()):
        y = plain(y)
        if y.shape != x.shape:
            raise ValueError(f"line {name!r} has shape {tuple(y.shape)}; x has {tuple(x.shape)}")
        values = [v if abs(v) < float("inf") else None for v in rounded(y)]
        fig.add_scatter(
            x=rounded(x), y=values, name=name, mode="lines+markers" if len(x) <= 40 else "lines",
            line=dict(color=colors[k] if colors else kind(k), dash=DASHES[k % len(DASHES)],
                      width=2),
            marker_size=5, hovertemplate=f"{name}<br>%{{x:.4g}}: %{{y:.4g}}<extra></extra>",
        )  # fmt: skip
        described_lines.append(f"{name} {described(x, y)}")
    for name, value in (mark or {}).items():
        fig.add_vline(x=value, line=dict(color=INK, width=1, dash="dot"))
        place = math.log10(value) if log_x else value  # unlike a line, a text counts in exponents
        fig.add_annotation(x=place, y=1, yref="y domain", text=name, showarrow=False,
                           xanchor="left", yanchor="bottom")  # fmt: skip
    every = torch.cat([plain(y).flatten() for y in lines.values()])
    fig.update_xaxes(log_axis(x_title, x) if log_x else dict(title=x_title))
    fig.update_yaxes(log_axis(y_title, every) if log_y else dict(title=y_title))
    fig.update_layout(showlegend=len(lines) > 1)
    alt = f"{y_title} against {x_title}, {x[0]:.3g} to {x[-1]:.3g}: {'; '.join(described_lines)}."
    alt += "".join(f" {name} marked at {value:.4g}." for name, value in (mark or {}).items())
    return styled(fig, alt, height=400, title=title)


def theory_vs_trained(
    x, exact: dict, trained: dict, *, x_title: str, y_title: str, log_x: bool = False,
    log_y: bool = False, mark: dict | None = None, title: str | None = None,
) -> go.Figure:  # fmt: skip
    """Draw exact curves as lines and trained models as points, over the same x.

    `x` (point,), `exact` {name: (point,)}, `trained` {name: (point,)}. `mark` {name: x value}
    adds vertical lines.

    Raises ValueError when lengths differ.
    """
    fig = curves(
        x, exact, x_title=x_title, y_title=y_title, log_x=log_x, log_y=log_y, mark=mark, title=title
    )
    fig.update_traces(mode="lines")
    x = plain(x)
    symbols = ("circle-open", "diamond-open", "x")
    for k, (name, y) in enumerate(trained.items()):
        y = plain(y)
        if y.shape != x.shape:
            raise ValueError(f"trained {name!r} has shape {tuple(y.shape)}; x has {tuple(x.shape)}")
        fig.add_scatter(
            x=rounded(x), y=rounded(y), mode="markers", name=name,
            marker=dict(color=INK, size=9, symbol=symbols[k % len(symbols)], line_width=2),
            hovertemplate=f"{name}<br>%{{x:.4g}}: %{{y:.4g}}<extra></extra>",
        )  # fmt: skip
        fig.layout.meta["alt"] += f" Trained, {name}: {described(x, y)}."
    return fig.update_layout(showlegend=True)
