"""Named curves over one quantity, alone or with trained models as points."""

import math

import plotly.graph_objects as go
import torch

from toyutils.plots import look

_RINGS = ("circle-open", "diamond-open", "x")


def curves(
    x, lines: dict, *, x_title: str, y_title: str, points: dict | None = None,
    log_x: bool = False, log_y: bool = False, mark: dict | None = None,
    title: str | None = None, colors: list[str] | None = None,
) -> go.Figure:  # fmt: skip
    """Draw named curves over x; infinite and NaN values leave gaps.

    `x` (point,), `lines` {name: (point,)}. With `points` {name: (point,)}, such as trained
    models, these are drawn as rings over the lines, which then stand for theory. `mark`
    {name: x value} adds vertical lines. `colors`, one for each line, are for lines whose names
    have a colour elsewhere, such as features.

    Raises ValueError when a curve has another length than x, or there is not a colour for each.
    """
    x, points = look.plain(x), points or {}
    if colors is not None and len(colors) != len(lines):
        raise ValueError(f"colors has {len(colors)} entries; there are {len(lines)} lines")
    fig, words = go.Figure(), []
    for k, (name, y) in enumerate([*lines.items(), *points.items()]):
        y, ring = look.plain(y), k >= len(lines)
        if y.shape != x.shape:
            raise ValueError(f"curve {name!r} has shape {tuple(y.shape)}; x has {tuple(x.shape)}")
        if ring:
            marker = dict(color=look.INK, size=9, symbol=_RINGS[(k - len(lines)) % 3], line_width=2)
            looks = dict(mode="markers", marker=marker)
        else:
            color = colors[k] if colors else look.kind(k)
            mode = "lines" if points or len(x) > 40 else "lines+markers"
            looks = dict(mode=mode, marker_size=5, line=dict(color=color, dash=look.DASHES[k % 5]))
        values = [v if abs(v) < math.inf else None for v in look.rounded(y)]
        fig.add_scatter(
            x=look.rounded(x), y=values, name=name,
            hovertemplate=f"{name}<br>%{{x:.4g}}: %{{y:.4g}}<extra></extra>", **looks,
        )  # fmt: skip
        words.append(f"{name}{', as points,' if ring else ''} {look.described(x, y)}")
    for name, value in (mark or {}).items():
        fig.add_vline(x=value, line=dict(color=look.INK, width=1, dash="dot"))
        place = math.log10(value) if log_x else value  # unlike a line, a text counts in exponents
        fig.add_annotation(x=place, y=1, yref="y domain", text=name, showarrow=False,
                           xanchor="left", yanchor="bottom")  # fmt: skip
        words.append(f"{name} marked at {value:.4g}")
    every = torch.cat([look.plain(y) for y in (*lines.values(), *points.values())])
    fig.update_xaxes(look.log_axis(x_title, x) if log_x else dict(title=x_title))
    fig.update_yaxes(look.log_axis(y_title, every) if log_y else dict(title=y_title))
    fig.update_layout(showlegend=len(lines) + len(points) > 1)
    alt = f"{y_title} against {x_title}, {x[0]:.3g} to {x[-1]:.3g}: {'; '.join(words)}."
    return look.styled(fig, alt, height=400, title=title)
