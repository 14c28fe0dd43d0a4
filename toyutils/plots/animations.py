"""Training as a film: play, pause, or drag the slider.

Every frame changes only what moves, without redrawing the axes, so playing stays smooth.
"""

import plotly.graph_objects as go
import torch
from plotly.subplots import make_subplots

from toyutils.plots.look import FAINT, INK, arrow, feature_color, finish, log_axis, numbers

_FRAME_MS = 70


def training_dashboard(
    history, x, instance: int = 0, exact: dict[str, float] | None = None, max_points: int = 120
) -> go.Figure:
    """Play the training of one 2 → 1 model: samples, reconstructions and losses.

    `history` is a `training.History`, `x` points (point, 2), of which `max_points` are drawn.
    Left: the points, where the model puts them, and the line (or bent line) of all its
    reconstructions. Right: the training loss, the test loss where there is one, and
    `exact` {name: loss} as dashed lines.

    Raises ValueError when the model has other sizes, or `instance` does not exist.
    """
    W, b = _instance(history, instance, (1, 2))
    x = torch.as_tensor(x).detach().cpu().double()[:max_points]
    if x.ndim != 2 or x.shape[1] != 2:
        raise ValueError(f"x has shape {tuple(x.shape)}; this picture needs points (point, 2)")
    fig = make_subplots(1, 2, column_widths=[0.5, 0.5], horizontal_spacing=0.19)

    def moving(k: int) -> list[go.Scatter]:
        y, line = (_answers(history, k, instance, p) for p in (x, _all_hidden(W[k])))
        return [
            go.Scatter(x=_segments(x[:, 0], y[:, 0]), y=_segments(x[:, 1], y[:, 1])),
            go.Scatter(x=numbers(line[:, 0]), y=numbers(line[:, 1])),
            go.Scatter(x=numbers(y[:, 0]), y=numbers(y[:, 1])),
            *_loss_markers(history, instance, k),
        ]

    start = moving(0)
    looks = [
        dict(
            mode="lines",
            line=dict(color=FAINT, width=1),
            opacity=0.5,
            name="error",
            hoverinfo="skip",
        ),
        dict(mode="lines", line=dict(color=INK, width=2), name="all reconstructions"),
        dict(mode="markers", marker=dict(color=feature_color(1), size=6), name="reconstruction y"),
    ]
    for trace, look in zip(start[:3], looks, strict=True):
        fig.add_trace(trace.update(look), row=1, col=1)
    n_moving = len(start)
    _add_losses(fig, history, instance, start[3:], exact or {})
    fig.add_scatter(
        x=numbers(x[:, 0]), y=numbers(x[:, 1]), mode="markers", name="sample x",
        marker=dict(color=feature_color(0), size=5, opacity=0.5), row=1, col=1,
    )  # fmt: skip
    fig.update_xaxes(range=[-0.3, 1.3], title="feature 1", constrain="domain", row=1, col=1)
    fig.update_yaxes(
        range=[-0.3, 1.3], title="feature 2", scaleanchor="x", constrain="domain", row=1, col=1
    )
    _add_frames(fig, history.step, moving, n_moving)
    first, last = history.loss[0, instance].item(), history.loss[-1, instance].item()
    (w1, w2), (b1, b2) = W[-1, 0].tolist(), b[-1].tolist()
    alt = (
        f"Animation of {len(history.step)} moments of training: the loss falls from {first:.4f} to "
        f"{last:.4f} in {int(history.step[-1])} steps, ending at W = ({w1:.2f}, {w2:.2f}), "
        f"b = ({b1:.2f}, {b2:.2f})."
    )
    return finish(fig, alt, height=520)


def arrows_animation(history, instance: int = 0) -> go.Figure:
    """Play how the feature directions of a model with two hidden numbers move in training.

    Left: the columns of W as arrows. Right: the loss on a logarithmic axis.

    Raises ValueError when the model has not two hidden numbers, or `instance` does not exist.
    """
    W, _ = _instance(history, instance, (2, None))
    n = W.shape[-1]
    fig = make_subplots(1, 2, column_widths=[0.5, 0.5], horizontal_spacing=0.19)

    def moving(k: int) -> list[go.Scatter]:
        tips = [arrow(W[k, :, i], feature_color(i), f"feature {i}") for i in range(n)]
        return [*tips, *_loss_markers(history, instance, k)]

    start = moving(0)
    for trace in start[:n]:
        fig.add_trace(trace, row=1, col=1)
    _add_losses(fig, history, instance, start[n:], {})
    _square_axes(fig, max(1.2, 1.1 * float(W.norm(dim=1).max())))
    _add_frames(fig, history.step, moving, len(start))
    first, last = history.loss[0, instance].item(), history.loss[-1, instance].item()
    lengths = ", ".join(f"{v:.2f}" for v in W[-1].norm(dim=0).tolist())
    alt = (
        f"Animation of {len(history.step)} moments of training: {n} arrows, final lengths "
        f"{lengths}; the loss goes from {first:.4g} to {last:.4g} in {int(history.step[-1])} steps."
    )
    return finish(fig, alt, height=520)


def turning_arrow(W, degrees, loss) -> go.Figure:
    """Let a slider go through models that differ by one angle; show arrows and exact loss.

    `W` (angle, 2, feature), `degrees` (angle,), `loss` (angle,), one for each model.

    Raises ValueError when lengths differ or a model has not two hidden numbers.
    """
    W = torch.as_tensor(W).detach().cpu().double()
    degrees, loss = (torch.as_tensor(v).detach().cpu().double() for v in (degrees, loss))
    if W.ndim != 3 or W.shape[1] != 2:
        raise ValueError(f"W has shape {tuple(W.shape)}; give (angle, 2, feature)")
    if degrees.shape != (len(W),) or loss.shape != (len(W),):
        raise ValueError(
            f"degrees has shape {tuple(degrees.shape)} and loss {tuple(loss.shape)}; "
            f"W holds {len(W)} models"
        )
    n = W.shape[2]
    fig = make_subplots(1, 2, column_widths=[0.5, 0.5], horizontal_spacing=0.19)

    def moving(k: int) -> list[go.Scatter]:
        tips = [arrow(W[k, :, i], feature_color(i), f"feature {i}") for i in range(n)]
        here = go.Scatter(x=numbers(degrees[k : k + 1]), y=numbers(loss[k : k + 1]))
        return [*tips, here.update(mode="markers", marker=dict(color=INK, size=11), name="here")]

    start = moving(0)
    for trace in start[:n]:
        fig.add_trace(trace, row=1, col=1)
    fig.add_trace(start[n], row=1, col=2)
    fig.add_scatter(
        x=numbers(degrees), y=numbers(loss), mode="lines", name="exact loss",
        line=dict(color=FAINT, width=2), row=1, col=2,
    )  # fmt: skip
    _square_axes(fig, 1.1 * float(W.norm(dim=1).max()))
    fig.update_xaxes(title="angle in degrees", row=1, col=2)
    fig.update_yaxes(title="loss", rangemode="tozero", row=1, col=2)
    _add_frames(fig, degrees, moving, len(start), unit="angle")
    best = int(loss.argmin())
    alt = (
        f"A slider turns one of {n} arrows from {degrees[0]:.0f}° to {degrees[-1]:.0f}°. The "
        f"exact loss is least, {loss[best]:.5f}, at {degrees[best]:.0f}° and largest, "
        f"{loss.max():.5f}, at {degrees[int(loss.argmax())]:.0f}°."
    )
    return finish(fig, alt, height=520)


def _square_axes(fig: go.Figure, reach: float) -> None:
    fig.update_xaxes(
        range=[-reach, reach], title="hidden number 1", constrain="domain", row=1, col=1
    )
    fig.update_yaxes(
        range=[-reach, reach], title="hidden number 2", scaleanchor="x", constrain="domain",
        row=1, col=1,
    )  # fmt: skip


def _loss_markers(history, instance: int, k: int) -> list[go.Scatter]:
    marker = go.Scatter(x=[int(history.step[k])], y=numbers(history.loss[k, instance].reshape(1)))
    return [marker.update(mode="markers", marker=dict(color=INK, size=10), showlegend=False)]


def _add_losses(fig, history, instance, markers, exact) -> None:
    steps = history.step.tolist()
    for marker in markers:
        fig.add_trace(marker, row=1, col=2)
    shown = [("training loss", history.loss, feature_color(1), "solid")]
    if history.test_loss is not None:
        shown.append(("test loss", history.test_loss, feature_color(5), "dot"))
    for name, loss, color, dash in shown:
        fig.add_scatter(
            x=steps, y=numbers(loss[:, instance]), mode="lines", name=name,
            line=dict(color=color, dash=dash, width=2), row=1, col=2,
        )  # fmt: skip
    for k, (name, value) in enumerate(exact.items()):
        fig.add_scatter(
            x=[steps[0], steps[-1]], y=[value] * 2, mode="lines", name=f"{name}, {value:.4g}",
            line=dict(color=INK, dash=("dash", "dot")[k % 2], width=1), row=1, col=2,
        )  # fmt: skip
    fig.update_xaxes(title="step", row=1, col=2)
    lines = [torch.tensor([value]) for value in exact.values()]
    seen = torch.cat([loss[:, instance].flatten() for _, loss, _, _ in shown] + lines)
    fig.update_yaxes(title="loss", **log_axis(seen), row=1, col=2)


def _add_frames(fig: go.Figure, steps, moving, n_moving: int, unit: str = "step") -> None:
    """Add a frame for every record, a play and a pause button, and a slider."""
    names = [str(int(step)) for step in steps]
    # Without their looks: a frame carries only the coordinates that change.
    fig.frames = [
        go.Frame(
            name=name,
            data=[go.Scatter(x=trace.x, y=trace.y) for trace in moving(k)],
            traces=list(range(n_moving)),
        )
        for k, name in enumerate(names)
    ]
    still = dict(
        mode="immediate", frame=dict(duration=0, redraw=False), transition=dict(duration=0)
    )
    run = dict(
        fromcurrent=True,
        frame=dict(duration=_FRAME_MS, redraw=False),
        transition=dict(duration=0),
    )
    fig.update_layout(
        margin_b=190,
        legend=dict(y=1.02, yanchor="bottom", x=0),
        margin_t=70,
        updatemenus=[
            dict(
                type="buttons", direction="left", x=0, y=-0.22, xanchor="left", yanchor="top",
                pad=dict(t=22, r=8), showactive=False,
                buttons=[
                    dict(label="▶ play", method="animate", args=[None, run]),
                    dict(label="❚❚ pause", method="animate", args=[[None], still]),
                ],
            )
        ],
        sliders=[
            dict(
                active=0, x=0, y=-0.22, len=1, xanchor="left", yanchor="top", pad=dict(t=52),
                currentvalue=dict(prefix=f"{unit} ", font=dict(size=13, color=INK)),
                ticklen=0, minorticklen=0,
                font=dict(color="rgba(0,0,0,0)", size=1),
                steps=[
                    dict(label=name, method="animate", args=[[name], still]) for name in names
                ],
            )
        ],
    )  # fmt: skip


def _instance(history, instance: int, sizes: tuple) -> tuple[torch.Tensor, torch.Tensor]:
    n_instances, n_hidden, n_features = history["W"].shape[1:]
    if not 0 <= instance < n_instances:
        raise ValueError(f"instance is {instance}; the history holds 0 to {n_instances - 1}")
    if n_hidden != sizes[0] or sizes[1] not in (None, n_features):
        raise ValueError(
            f"history is of a model with {n_features} features and {n_hidden} hidden numbers; this "
            f"picture needs {sizes[1] or 'any number of'} features and {sizes[0]} hidden"
        )
    return history["W"][:, instance].double(), history["b"][:, instance].double()


def _answers(history, k: int, instance: int, x: torch.Tensor) -> torch.Tensor:
    return history.at(k, x[None].to(history["W"]))[instance].double()


def _all_hidden(W) -> torch.Tensor:
    """Return points of the unit square, 41 of them, at which h takes all the values it can."""
    up = (W[0] > 0).double()
    return torch.lerp(1 - up, up, torch.linspace(0, 1, 41, dtype=torch.float64)[:, None])


def _segments(start: torch.Tensor, end: torch.Tensor) -> list:
    """Return start, end, gap for every pair, so that one trace draws separate segments."""
    pairs = zip(numbers(start), numbers(end), strict=True)
    return [value for pair in pairs for value in (*pair, None)]
