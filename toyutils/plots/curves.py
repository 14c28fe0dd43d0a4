"""Curves: losses over steps, and theory against trained models."""

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
    x, exact: dict, trained: dict, *, x_title: str, y_title: str, log_y: bool = False,
    mark: dict | None = None, title: str | None = None,
) -> go.Figure:  # fmt: skip
    """Draw exact curves as lines and trained models as points, over the same x.

    `x` (point,), `exact` {name: (point,)}, `trained` {name: (point,)}. `mark` {name: x value}
    adds vertical lines.

    Raises ValueError when lengths differ.
    """
    fig = curves(
        x, exact, x_title=x_title, y_title=y_title, log_y=log_y, mark=mark, title=title
    )  # fmt: skip
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
