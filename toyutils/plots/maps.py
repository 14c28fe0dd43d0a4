"""Maps over two quantities: a value, named regions, or a loss with the starts that fell into it."""

import math

import plotly.graph_objects as go
import torch

from toyutils.plots import look


def phase_diagram(
    density, ratio, value, *, value_title: str, models: tuple | None = None,
    lines: dict | None = None, points: tuple | None = None, title: str | None = None,
    y_title: str = "relative importance of the last feature",
) -> go.Figure:  # fmt: skip
    """Draw a value in [0, 1] over density and relative importance, both logarithmic.

    `density` (column,), `ratio` (row,), `value` (column, row). `models` (W, b, loss), with
    shapes (column, row, hidden, feature), (column, row, feature) and (column, row), appear
    where the pointer rests. `lines` {name: (densities, ratios)} lie over the map, and `points`
    (densities, ratios, values), each (point,), are filled with the map's own colours: a point
    that agrees with the map shows its ring only.

    Raises ValueError when shapes do not fit.
    """
    density, ratio, value = look.plain(density), look.plain(ratio), look.plain(value)
    _check_map("value", value, density, ratio)
    hover = f"density %{{x:.3f}}, ratio %{{y:.3f}}<br>{value_title} %{{z:.2f}}"
    text = None
    if models is not None:
        text = [[_describe(*(a[i, j] for a in models)) for i in range(len(density))]
                for j in range(len(ratio))]  # fmt: skip
        hover += "<br>%{text}"
    fig = go.Figure(go.Heatmap(
        **look.xy(density, ratio), z=look.rounded(value.T, 3), text=text,
        hovertemplate=hover + "<extra></extra>", coloraxis="coloraxis",
    ))  # fmt: skip
    fig.update_layout(
        coloraxis=dict(colorscale=look.SCALE, cmin=0, cmax=1, colorbar_title=value_title)
    )
    _add_lines(fig, lines or {})
    if points is not None:
        x, y, filled = points
        fig.add_scatter(
            **look.xy(x, y), mode="markers", name="trained", showlegend=False,
            marker=dict(color=look.rounded(filled, 3), coloraxis="coloraxis", size=11,
                        line=dict(color="white", width=1.5)), cliponaxis=False,
            hovertemplate="trained<br>density %{x:.3f}, ratio %{y:.3f}: %{marker.color:.2f}"
                          "<extra></extra>",
        )  # fmt: skip
    _log_axes(fig, density, ratio, "density p", y_title)
    shares = [((value >= low) & (value < high)).double().mean() for low, high in _THIRDS]
    alt = (
        f"{value_title} over density {density[0]:.3g} to {density[-1]:.3g} and {y_title} "
        f"{ratio[0]:.3g} to {ratio[-1]:.3g}: near 0 at {shares[0]:.0%} of the points, near 1/2 at "
        f"{shares[1]:.0%}, near 1 at {shares[2]:.0%}."
    )
    alt += _words_for(lines)
    if points is not None:
        alt += f" {len(look.plain(points[0]))} trained models as points."
    return look.styled(fig, alt, height=480, title=title)


def region_map(
    density, ratio, region, names: list[str], *, drawings: dict | None = None,
    lines: dict | None = None, title: str | None = None,
    y_title: str = "relative importance of the last feature",
) -> go.Figure:  # fmt: skip
    """Draw which of several named kinds of model is found where, with each name in its region.

    `density` (column,), `ratio` (row,), `region` (column, row) holds whole numbers that count
    `names` from 0. `drawings` {name: W (hidden, feature), with one or two hidden numbers} puts
    small arrows above the name. `lines` {name: (densities, ratios)} lie over the map.

    Raises ValueError when shapes do not fit, or a region or a drawing has no name.
    """
    density, ratio, region = look.plain(density), look.plain(ratio), torch.as_tensor(region).long()
    _check_map("region", region, density, ratio)
    if not 0 <= int(region.min()) <= int(region.max()) < len(names):
        raise ValueError(
            f"region counts from {int(region.min())} to {int(region.max())}; there are "
            f"{len(names)} names, 0 to {len(names) - 1}"
        )
    unknown = set(drawings or {}) - set(names)
    if unknown:
        raise ValueError(f"drawings has {sorted(unknown)}; names are {names}")
    steps = [(k + end) / len(names) for k in range(len(names)) for end in (0, 1)]
    scale = [[place, look.tint(look.kind(k // 2))] for k, place in enumerate(steps)]
    fig = go.Figure(go.Heatmap(
        **look.xy(density, ratio), z=region.T.tolist(), coloraxis="coloraxis",
        text=[[names[k] for k in row] for row in region.T.tolist()],
        hovertemplate="density %{x:.3f}, ratio %{y:.3f}: %{text}<extra></extra>",
    ))  # fmt: skip
    scale = dict(colorscale=scale, cmin=-0.5, cmax=len(names) - 0.5, showscale=False)
    fig.update_layout(coloraxis=scale)
    _add_lines(fig, lines or {}, color=look.INK)
    for k, name in enumerate(names):
        cells = region == k
        if cells.any():
            i, j = _deepest(cells)
            at = dict(x=math.log10(density[i]), y=math.log10(ratio[j]))
            small = (drawings or {}).get(name)
            # Away from the middle, where regions meet, and from the edges.
            above = not 1 / 8 < (j + 0.5) / len(ratio) < 1 / 2 and (j + 0.5) / len(ratio) < 7 / 8
            fig.add_annotation(**at | _inside(at["x"], density, name), text=f"<b>{name}</b>",
                               showarrow=False, font_color="black",
                               yshift=0 if small is None else 38 if above else -32)  # fmt: skip
            if small is not None:
                _draw_small(fig, at, look.plain(small))
    _log_axes(fig, density, ratio, "density p", y_title)
    shares = [f"{name} {float((region == k).double().mean()):.0%}" for k, name in enumerate(names)]
    alt = (
        f"Map of density {density[0]:.3g} to {density[-1]:.3g} and {y_title} {ratio[0]:.3g} to "
        f"{ratio[-1]:.3g}. Shares of the points: {', '.join(shares)}.{_words_for(lines)}"
    )
    return look.styled(fig, alt, height=480, title=title)


def landscape(
    x, y, loss, *, starts=None, fate: list[str] | None = None, path=None,
    titles: tuple[str, str] = ("weight of feature 0", "weight of feature 1"),
    title: str | None = None,
) -> go.Figure:  # fmt: skip
    """Draw a loss over two weights as contours, with starting points coloured by their fate.

    `x` (column,), `y` (row,), `loss` (column, row), drawn on a logarithmic scale. `starts`
    (point, 2), `fate` a name for each. `path` (step, 2) is drawn as a line with a ring at its end.

    Raises ValueError when shapes do not fit or a loss is not above 0.
    """
    x, y, loss = look.plain(x), look.plain(y), look.plain(loss)
    _check_map("loss", loss, x, y)
    if not float(loss.min()) > 0:
        raise ValueError(f"loss has {float(loss.min()):.3g}; the map needs values above 0")
    low, high = loss.min().log10().item(), loss.max().log10().item()
    ticks = [low + k * (high - low) / 4 for k in range(5)]
    fig = go.Figure(go.Contour(
        **look.xy(x, y), z=look.rounded(loss.log10().T),
        customdata=look.rounded(loss.T),
        coloraxis="coloraxis", opacity=0.7, line=dict(width=0.5, color=look.INK),
        contours=dict(start=low, end=high, size=max((high - low) / 16, 1e-9)),
        hovertemplate="(%{x:.2f}, %{y:.2f}): loss %{customdata:.5f}<extra></extra>",
    ))  # fmt: skip
    bar = dict(title="loss", thickness=12, tickvals=ticks)
    bar["ticktext"] = [f"{10**tick:.2g}" for tick in ticks]
    fig.update_layout(coloraxis=dict(colorscale="Greys_r", cmin=low, cmax=high, colorbar=bar))
    said = _add_starts(fig, starts, fate)
    if path is not None:
        path = look.plain(path)
        fig.add_scatter(
            **look.xy(path), mode="lines+markers", name="path",
            line=dict(color=look.kind(3), width=3),
            marker=dict(size=[0] * (len(path) - 1) + [12], symbol="circle-open", opacity=1),
            hovertemplate="(%{x:.3f}, %{y:.3f})<extra>path</extra>",
        )  # fmt: skip
        said += f" A path from {_place(path[0])} to {_place(path[-1])}."
    fig.update_xaxes(title=titles[0], constrain="domain", range=[float(x.min()), float(x.max())])
    fig.update_yaxes(title=titles[1], constrain="domain", range=[float(y.min()), float(y.max())],
                     scaleanchor="x")  # fmt: skip
    i, j = divmod(int(loss.argmin()), loss.shape[1])
    alt = (
        f"Loss over two weights as contours, from {loss.min():.4g} at "
        f"({x[i]:.2f}, {y[j]:.2f}) to {loss.max():.4g}.{said}"
    )
    return look.styled(fig, alt, height=500, title=title)


def _add_starts(fig, starts, fate) -> str:
    if starts is None:
        return ""
    starts = look.plain(starts)
    fate = fate if fate is not None else ["start"] * len(starts)
    if starts.ndim != 2 or starts.shape[1] != 2 or len(fate) != len(starts):
        raise ValueError(
            f"starts has shape {tuple(starts.shape)} and fate {len(fate)} entries; give (point, 2) "
            "and a name for each point"
        )
    for name, members, marker in look.groups(fate):
        fig.add_scatter(
            **look.xy(starts[members]), mode="markers", name=f"{name} ({len(members)})",
            marker=dict(size=9, line=dict(color="white", width=1), **marker),
            hovertemplate=f"{name}<br>start (%{{x:.2f}}, %{{y:.2f}})<extra></extra>",
        )  # fmt: skip
    words = ", ".join(f"{len(members)} {name}" for name, members, _ in look.groups(fate))
    return f" {len(starts)} starts: {words}."


def _check_map(name: str, value, x, y) -> None:
    if value.shape != (len(x), len(y)):
        raise ValueError(
            f"{name} has shape {tuple(value.shape)}; give one for each column and row, "
            f"({len(x)}, {len(y)})"
        )


def _add_lines(fig: go.Figure, lines: dict, color: str = "white") -> None:
    for k, (name, (x, y)) in enumerate(lines.items()):
        fig.add_scatter(
            **look.xy(x, y), mode="lines", name=name, showlegend=False,
            line=dict(color=color, width=3, dash=look.DASHES[k % 5]), hoverinfo="skip",
        )  # fmt: skip


def _log_axes(fig: go.Figure, x, y, x_title: str, y_title: str) -> None:
    for update, values, name in ((fig.update_xaxes, x, x_title), (fig.update_yaxes, y, y_title)):
        ends = [values.min().log10().item(), values.max().log10().item()]
        update(look.log_axis(name, values) | dict(range=ends, showgrid=False))


def _words_for(lines: dict | None) -> str:
    return f" Lines: {', '.join(lines)}." if lines else ""


def _inside(x: float, density, name: str) -> dict:
    """Return where a name at log10 density `x` stands so that no letter leaves the map."""
    ends = [density.min().log10().item(), density.max().log10().item()]
    half = 4 * len(name) / (look.NARROW - 100) * (ends[1] - ends[0])
    if x + half > ends[1]:
        return dict(x=ends[1], xanchor="right")
    return dict(x=ends[0], xanchor="left") if x - half < ends[0] else {}


def _deepest(cells: torch.Tensor) -> tuple[int, int]:
    """Return the cell of the region that lies farthest from its border."""
    inside = cells.nonzero().double()
    outside = torch.nn.functional.pad(~cells, (1, 1, 1, 1), value=True).nonzero().double() - 1
    i, j = inside[torch.cdist(inside, outside).min(1).values.argmax()].long().tolist()
    return i, j


def _draw_small(fig: go.Figure, at: dict, W: torch.Tensor, size: int = 24) -> None:
    """Draw the columns of W as arrows of at most `size` pixels from a place on the map."""
    W = torch.cat([W, torch.zeros_like(W)]) if W.shape[0] == 1 else W
    scale = size / max(float(W.norm(dim=0).max()), 1e-9)
    for i, (right, up) in enumerate((scale * W).T.tolist()):
        if math.hypot(right, up) > 0.05 * size:
            fig.add_annotation(
                **at, ax=right, ay=-up, text=f"{i}", arrowside="start", startarrowhead=2,
                arrowcolor=look.feature_color(i), arrowwidth=2.5, font=dict(color="black", size=11),
                startarrowsize=0.8, borderpad=0,
            )  # fmt: skip


def _place(point) -> str:
    return f"({point[0]:.2f}, {point[1]:.2f})"


_THIRDS = ((-math.inf, 0.25), (0.25, 0.75), (0.75, math.inf))


def _describe(W, b, loss) -> str:
    rows = "; ".join(" ".join(f"{v:.2f}" for v in row) for row in W.tolist())
    return f"W = {rows}<br>b = {' '.join(f'{v:.2f}' for v in b.tolist())}<br>loss {loss:.4g}"
