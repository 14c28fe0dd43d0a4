"""Curves and maps: losses over steps, theory against trained models, phase diagrams."""

import math

import plotly.graph_objects as go
import torch

from toyutils.plots.look import INK, PALETTE, finish, log_axis, numbers

_DASHES = ("solid", "dash", "dot", "dashdot", "longdash")


def curves(
    x, lines: dict, *, x_title: str, y_title: str, log_x: bool = False, log_y: bool = False,
    mark: dict | None = None, title: str | None = None,
) -> go.Figure:  # fmt: skip
    """Draw named curves over x; infinite and NaN values leave gaps.

    `x` (point,), `lines` {name: (point,)}. `mark` {name: x value} adds vertical lines.

    Raises ValueError when a curve has another length than x.
    """
    x = torch.as_tensor(x).detach().double()
    fig, spoken = go.Figure(), []
    for k, (name, y) in enumerate(lines.items()):
        y = torch.as_tensor(y).detach().double()
        if y.shape != x.shape:
            raise ValueError(f"line {name!r} has shape {tuple(y.shape)}; x has {tuple(x.shape)}")
        values = [v if abs(v) < float("inf") else None for v in numbers(y)]
        fig.add_scatter(
            x=numbers(x), y=values, name=name, mode="lines+markers",
            line=dict(color=PALETTE[k % len(PALETTE)], dash=_DASHES[k % len(_DASHES)], width=2),
            marker_size=5, hovertemplate=f"{name}<br>%{{x:.4g}}: %{{y:.4g}}<extra></extra>",
        )  # fmt: skip
        finite = y[torch.isfinite(y)]
        if len(finite):
            spoken.append(f"{name} from {finite[0]:.4g} to {finite[-1]:.4g}")
    for name, value in (mark or {}).items():
        fig.add_vline(x=value, line=dict(color=INK, width=1, dash="dot"), annotation_text=name)
    every = torch.cat([torch.as_tensor(y).detach().double().flatten() for y in lines.values()])
    fig.update_xaxes(title=x_title, **(log_axis(x) if log_x else {}))
    fig.update_yaxes(title=y_title, **(log_axis(every) if log_y else {}))
    alt = f"{y_title} against {x_title} ({x[0]:.3g} to {x[-1]:.3g}): " + "; ".join(spoken) + "."
    return finish(fig, alt, height=400, title=title)


def loss_curves(histories, title: str | None = None, max_seeds: int = 32) -> go.Figure:
    """Draw the training loss on a logarithmic axis: every seed faintly, the median boldly.

    `histories` is one `training.History` or {name: History}.
    """
    named = histories if isinstance(histories, dict) else {"": histories}
    fig, spoken = go.Figure(), []
    for k, (name, history) in enumerate(named.items()):
        color = PALETTE[k % len(PALETTE)]
        steps, loss = history.step.tolist(), history.loss.double()
        for seed in range(min(max_seeds, loss.shape[1])):
            fig.add_scatter(
                x=steps, y=numbers(loss[:, seed]), mode="lines", opacity=0.15, showlegend=False,
                line=dict(color=color, width=1), hoverinfo="skip",
            )  # fmt: skip
        median = loss.median(1).values
        label = f"{name} median of {loss.shape[1]}".strip()
        fig.add_scatter(
            x=steps, y=numbers(median), mode="lines", name=label, line=dict(color=color, width=3)
        )
        spoken.append(f"{label}: {median[0]:.4g} to {median[-1]:.4g}")
    fig.update_xaxes(title="step")
    every = torch.cat([history.loss.flatten() for history in named.values()])
    fig.update_yaxes(title="loss", **log_axis(every))
    return finish(fig, "Loss during training. " + "; ".join(spoken) + ".", title=title)


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
    x = torch.as_tensor(x).detach().double()
    symbols = ("circle-open", "diamond-open", "x")
    for k, (name, y) in enumerate(trained.items()):
        y = torch.as_tensor(y).detach().double()
        if y.shape != x.shape:
            raise ValueError(f"trained {name!r} has shape {tuple(y.shape)}; x has {tuple(x.shape)}")
        fig.add_scatter(
            x=numbers(x), y=numbers(y), mode="markers", name=name,
            marker=dict(color=INK, size=9, symbol=symbols[k % len(symbols)], line_width=2),
        )  # fmt: skip
        fig.layout.meta["alt"] += f" Trained, {name}: {y[0]:.4g} to {y[-1]:.4g}."
    return fig


def phase_diagram(
    density, ratio, value, *, value_title: str, models: tuple | None = None,
    lines: dict | None = None, points: tuple | None = None, title: str | None = None,
) -> go.Figure:  # fmt: skip
    """Draw a value in [0, 1] over density and relative importance, both logarithmic.

    `density` (column,), `ratio` (row,), `value` (column, row). `models` (W, b, loss), with
    shapes (column, row, hidden, feature), (column, row, feature) and (column, row), appear
    where the pointer rests. `lines` {name: (densities, ratios)} lie over the map, and `points`
    (densities, ratios, values), each (point,), are filled with the map's own colours.

    Raises ValueError when shapes do not fit.
    """
    density, ratio, value = (torch.as_tensor(a).detach().double() for a in (density, ratio, value))
    if value.shape != (len(density), len(ratio)):
        raise ValueError(
            f"value has shape {tuple(value.shape)}; give one for each density and ratio, "
            f"({len(density)}, {len(ratio)})"
        )
    hover = f"density %{{x:.3f}}, ratio %{{y:.3f}}<br>{value_title} %{{z:.2f}}"
    text = None
    if models is not None:
        text = [[_describe(*(a[i, j] for a in models)) for i in range(len(density))]
                for j in range(len(ratio))]  # fmt: skip
        hover += "<br>%{text}"
    fig = go.Figure(go.Heatmap(
        x=numbers(density), y=numbers(ratio), z=numbers(value.T, 3), text=text,
        hovertemplate=hover + "<extra></extra>", coloraxis="coloraxis",
    ))  # fmt: skip
    fig.update_layout(
        coloraxis=dict(colorscale="Cividis", cmin=0, cmax=1, colorbar_title=value_title)
    )
    for k, (name, (x, y)) in enumerate((lines or {}).items()):
        color = ("white", PALETTE[1])[k % 2]
        fig.add_scatter(
            x=numbers(x), y=numbers(y), mode="lines", name=name, showlegend=False,
            line=dict(color=color, width=3, dash=_DASHES[k % len(_DASHES)]),
        )  # fmt: skip
    if points is not None:
        x, y, filled = points
        fig.add_scatter(
            x=numbers(x), y=numbers(y), mode="markers", name="trained", showlegend=False,
            marker=dict(color=numbers(filled, 3), coloraxis="coloraxis", size=11,
                        line=dict(color="white", width=1.5)),
            hovertemplate="trained<br>density %{x:.3f}, ratio %{y:.3f}: %{marker.color:.2f}"
                          "<extra></extra>",
        )  # fmt: skip
    for update, values, name in (
        (fig.update_xaxes, density, "density p"),
        (fig.update_yaxes, ratio, "relative importance of the last feature"),
    ):
        ends = [values.min().log10().item(), values.max().log10().item()]
        update(title=name, range=ends, showgrid=False, **log_axis(values))
    shares = [((value >= low) & (value < high)).double().mean() for low, high in _THIRDS]
    alt = (
        f"{value_title} over density {density[0]:.3g} to {density[-1]:.3g} and relative importance "
        f"{ratio[0]:.3g} to {ratio[-1]:.3g}: near 0 at {shares[0]:.0%} of the points, near 1/2 at "
        f"{shares[1]:.0%}, near 1 at {shares[2]:.0%}."
    )
    if lines:
        alt += " Lines: " + ", ".join(lines) + "."
    return finish(fig, alt, height=480, title=title)


_THIRDS = ((-math.inf, 0.25), (0.25, 0.75), (0.75, math.inf))


def _describe(W, b, loss) -> str:
    rows = "; ".join(" ".join(f"{v:.2f}" for v in row) for row in W.tolist())
    return f"W = {rows}<br>b = {' '.join(f'{v:.2f}' for v in b.tolist())}<br>loss {loss:.4g}"
