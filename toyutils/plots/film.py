"""Films: training, or a change of a model, as something to play, pause, or drag along a slider.

A frame changes only coordinates, so axes are not redrawn and playing stays smooth. What opens is
the first frame; the still drawing, which nobody can play, shows the last.
"""

import plotly.graph_objects as go
import torch
from plotly.subplots import make_subplots

from toyutils.plots import look

_FRAME_MS = 70
_HEIGHT = 690


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
    W = _weights(history, instance, (1, 2))[:, 0]
    x = look.plain(x)[:max_points]
    if x.ndim != 2 or x.shape[1] != 2:
        raise ValueError(f"x has shape {tuple(x.shape)}; this picture needs points (point, 2)")
    fig, loss_place = _film_panels([""])

    def moving(k: int) -> list[dict]:
        y = _reconstructed(history, k, instance, x)
        line = _reconstructed(history, k, instance, _across(W[k]))
        return [
            dict(x=_segments(x[:, 0], y[:, 0]), y=_segments(x[:, 1], y[:, 1])),
            look.xy(line),
            look.xy(y),
            _loss_marker(history, instance, k),
        ]

    dots = dict(mode="markers", name="reconstruction y", hoverinfo="name+x+y")
    looks = [
        dict(mode="lines", line=dict(color=look.FAINT, width=1), opacity=0.5, name="error",
             hoverinfo="skip"),
        dict(mode="lines", line=dict(color=look.INK, width=2), name="all reconstructions",
             hoverinfo="skip"),
        dots | dict(marker=dict(color=look.kind(1), size=6, symbol="diamond")),
    ]  # fmt: skip
    for points, style in zip(moving(0)[:3], looks, strict=True):
        fig.add_scatter(**points, **style, row=1, col=1)
    _add_losses(fig, {"": history}, instance, exact or {}, **loss_place)
    fig.add_scatter(
        **look.xy(x), mode="markers", name="sample x",
        marker=dict(color=look.kind(0), size=5, opacity=0.6), hoverinfo="name+x+y", row=1, col=1,
    )  # fmt: skip
    look.square_axes(fig, -0.3, 1.3, ("feature 0", "feature 1"), 1, 1)
    _add_frames(fig, history.step, moving)
    w0, w1 = W[-1].tolist()
    alt = (
        f"Animation of {len(history.step)} moments of training, {int(history.step[-1])} steps: "
        f"the loss goes {look.described(history.step, history.loss[:, instance])}. It ends at "
        f"W = ({w0:.2f}, {w1:.2f})."
    )
    return look.styled(fig, alt, height=_HEIGHT)


def arrows_animation(
    history, instance: int = 0, *, loss_title: str = "training loss",
    exact: dict[str, float] | None = None,
) -> go.Figure:  # fmt: skip
    """Play how the feature directions of models with two hidden numbers move in training.

    `history` is a `training.History`, or {name: History} with records at the same steps: then
    the films play side by side. Columns of W as arrows, and the loss on a logarithmic axis,
    which `loss_title` names, with `exact` {name: loss} as level lines.

    Raises ValueError when a model has not two hidden numbers, `instance` does not exist, or
    histories differ in their steps.
    """
    named = history if isinstance(history, dict) else {"": history}
    weights = [_weights(h, instance, (2, None)) for h in named.values()]
    steps = next(iter(named.values())).step
    if any(h.step.tolist() != steps.tolist() for h in named.values()):
        raise ValueError("the histories have records at different steps; record them alike")
    fig, loss_place = _film_panels(list(named))
    reach = 1.3 * max(1.0, max(float(W.norm(dim=1).max()) for W in weights))

    def moving(k: int) -> list[dict]:
        tips = [
            look.arrow_points(W[k, :, i], f"feature {i}", reach)
            for W in weights
            for i in range(W.shape[-1])
        ]
        return [*tips, *(_loss_marker(h, instance, k) for h in named.values())]

    for column, W in enumerate(weights, start=1):
        for i in range(W.shape[-1]):
            trace = look.arrow(
                W[0, :, i], look.feature_color(i), f"feature {i}", text=str(i), reach=reach
            )
            fig.add_trace(trace, row=1, col=column)
        look.hidden_plane(fig, reach, 1, column, titles=column == 1)
    _add_losses(fig, named, instance, exact or {}, loss_title=loss_title, **loss_place)
    _add_frames(fig, steps, moving)
    alt = f"Animation of {len(steps)} moments of training, {int(steps[-1])} steps. " + " ".join(
        f"{name or 'The model'}: {W.shape[-1]} arrows, final lengths "
        f"{', '.join(f'{v:.2f}' for v in W[-1].norm(dim=0).tolist())}; {loss_title} "
        f"{look.described(h.step, h.loss[:, instance])}."
        for (name, h), W in zip(named.items(), weights, strict=True)
    )
    return look.styled(fig, alt, height=_HEIGHT)


def solid_animation(
    history, instance: int = 0, *, sets: list[list[int]], records: list[int] | None = None,
    stages: dict[str, float] | None = None, exact: dict[str, float] | None = None,
    loss_title: str = "training loss",
) -> go.Figure:  # fmt: skip
    """Play how the feature directions of a model with three hidden numbers move in training.

    `history` is a `training.History`. Above: the tips of the columns of W in space, the members
    of each of `sets` joined to a ring; drag to turn it. Below: the loss on a logarithmic axis with
    `stages` {name: step} as upright lines and `exact` {name: loss} as level ones. `records`, all
    by default, are the moments that the film shows.

    Raises ValueError when the model has not three hidden numbers, or `instance` does not exist.
    """
    W = _weights(history, instance, (3, None))
    records = list(range(len(history.step))) if records is None else list(records)
    n = W.shape[2]
    fig = make_subplots(2, 1, specs=[[{"type": "scene"}], [{}]], row_heights=[0.66, 0.34],
                        vertical_spacing=0.08)  # fmt: skip
    place = dict(row=2, col=1)

    def moving(k: int) -> list[dict]:
        w = W[records[k]].T  # (feature, hidden)
        rings = [_in_space(w[[*members, members[0]]]) for members in sets]
        spokes = _in_space(torch.stack([w, 0 * w], 1).flatten(0, 1))
        return [*rings, spokes, _in_space(w), _loss_marker(history, instance, records[k])]

    *lines, tips, _ = moving(0)
    for points, dashed in zip(lines, [*[False] * len(sets), True], strict=True):
        looks = dict(color=look.FAINT if dashed else look.INK, width=2 if dashed else 4)
        fig.add_scatter3d(**points, mode="lines", line=looks, hoverinfo="skip", showlegend=False)
    fig.add_scatter3d(
        **tips, mode="markers+text", text=[str(i) for i in range(n)], textfont_color=look.INK,
        textposition="top center", showlegend=False, hovertemplate="feature %{text}<extra></extra>",
        marker=dict(size=7, color=[look.feature_color(i) for i in range(n)], opacity=1),
    )  # fmt: skip
    _add_losses(fig, {"": history}, instance, exact or {}, loss_title=loss_title, **place)
    for name, step in (stages or {}).items():
        fig.add_shape(type="line", x0=step, x1=step, y0=0, y1=1, xref="x", yref="y domain",
                      line=dict(color=look.INK, width=1, dash="dot"))  # fmt: skip
        fig.add_annotation(x=step, y=1, xref="x", yref="y domain", text=name, showarrow=False,
                           xanchor="left", yanchor="bottom")  # fmt: skip
    _add_frames(fig, history.step[records], moving)
    reach = 1.1 * max(1.0, float(W.norm(dim=1).max()))
    axes = {f"{a}axis": dict(range=[-reach, reach], showticklabels=False, showbackground=False,
                             title=f"h{chr(0x2080 + k)}") for k, a in enumerate("xyz")}  # fmt: skip
    fig.update_layout(scene=dict(aspectmode="cube", camera_eye=dict(x=1.0, y=0.85, z=0.4),
                                 uirevision="turned", **axes))  # fmt: skip
    marked = ", ".join(f"{name} at step {step:.0f}" for name, step in (stages or {}).items())
    alt = (
        f"Animation of {len(records)} moments of training, {int(history.step[-1])} steps: {n} "
        f"directions in space, final lengths {_lengths(W[-1])}; {loss_title} "
        f"{look.described(history.step, history.loss[:, instance])}. {marked}"
    )
    return look.styled(fig, alt, height=_HEIGHT)


def _in_space(points: torch.Tensor) -> dict:
    return {axis: look.rounded(column) for axis, column in zip("xyz", points.T, strict=True)}


def turning_arrow(W, degrees, loss, *, start: float = 45.0) -> go.Figure:
    """Let a slider go through models that differ by one angle; show arrows and exact loss.

    `W` (angle, 2, feature), `degrees` (angle,), `loss` (angle,), one for each model. It opens at
    the angle nearest to `start`.

    Raises ValueError when lengths differ or a model has not two hidden numbers.
    """
    W, degrees, loss = look.plain(W), look.plain(degrees), look.plain(loss)
    if W.ndim != 3 or W.shape[1] != 2:
        raise ValueError(f"W has shape {tuple(W.shape)}; give (angle, 2, feature)")
    if degrees.shape != (len(W),) or loss.shape != (len(W),):
        raise ValueError(
            f"degrees has shape {tuple(degrees.shape)} and loss {tuple(loss.shape)}; "
            f"W holds {len(W)} models"
        )
    n = W.shape[2]
    fig, place = _film_panels([""])
    reach = 1.3 * max(1.0, float(W.norm(dim=1).max()))
    first = int((degrees - start).abs().argmin())

    def moving(k: int) -> list[dict]:
        here = look.xy(degrees[k : k + 1], loss[k : k + 1])
        return [*(look.arrow_points(W[k, :, i], f"feature {i}", reach) for i in range(n)), here]

    for i in range(n):
        trace = look.arrow(
            W[first, :, i], look.feature_color(i), f"feature {i}", text=str(i), reach=reach
        )
        fig.add_trace(trace, row=1, col=1)
    marker = dict(
        mode="markers", marker=dict(color=look.INK, size=11), name="here", showlegend=False
    )
    fig.add_scatter(**moving(first)[n], **marker, hoverinfo="skip", **place)
    fig.add_scatter(
        **look.xy(degrees, loss), mode="lines", name="exact loss",
        line=dict(color=look.FAINT, width=2), hoverinfo="x+y", **place,
    )  # fmt: skip
    look.hidden_plane(fig, reach, 1, 1)
    fig.update_xaxes(title="angle in degrees", **place)
    fig.update_yaxes(title="loss", range=[0, 1.05 * float(loss.max())], **place)
    _add_frames(fig, degrees, moving, unit="angle", start=first)
    alt = (
        f"A slider turns one of {n} arrows from {degrees[0]:.0f}° to {degrees[-1]:.0f}°. The "
        f"exact loss goes {look.described(degrees, loss)} degrees."
    )
    return look.styled(fig, alt, height=_HEIGHT)


def branches(x, W: dict, loss: dict, *, x_title: str, start: float | None = None) -> go.Figure:
    """Let a slider carry models along branches of minima: their arrows, and every branch's loss.

    `x` (point,), `W` {name: (point, hidden, feature), with one or two hidden numbers}, `loss`
    {name: (point,)} for the same names. It opens at the x nearest to `start`, else at the first.

    Raises ValueError when names or lengths differ, or a model has more than two hidden numbers.
    """
    x = look.plain(x)
    if set(W) != set(loss):
        raise ValueError(f"W has {list(W)}, loss has {list(loss)}; both need the same names")
    W = {name: look.plain(values) for name, values in W.items()}
    loss = {name: look.plain(loss[name]) for name in W}
    for name, w in W.items():
        if w.ndim != 3 or w.shape[1] > 2 or len(w) != len(x) or loss[name].shape != x.shape:
            raise ValueError(
                f"{name!r} has W {tuple(w.shape)} and loss {tuple(loss[name].shape)}; give "
                f"({len(x)}, 1 or 2, feature) and ({len(x)},)"
            )
    fig, place = _film_panels(list(W))
    reach = 1.3 * max(1.0, max(float(w.norm(dim=1).max()) for w in W.values()))
    first = 0 if start is None else int((x - start).abs().argmin())
    planes = [torch.cat([w, torch.zeros_like(w)], 1)[:, :2] for w in W.values()]

    def moving(k: int) -> list[dict]:
        tips = [
            look.arrow_points(w[k, :, i], f"feature {i}", reach)
            for w in planes
            for i in range(w.shape[2])
        ]
        here = [look.xy(x[k : k + 1], y[k : k + 1]) for y in loss.values()]
        return [*tips, *here]

    for column, w in enumerate(planes, start=1):
        for i in range(w.shape[2]):
            trace = look.arrow(
                w[first, :, i], look.feature_color(i), f"feature {i}", text=str(i), reach=reach
            )
            fig.add_trace(trace, row=1, col=column)
        look.hidden_plane(fig, reach, 1, column, titles=column == 1)
    for k, points in enumerate(moving(first)[-len(loss) :]):
        fig.add_scatter(**points, mode="markers", marker=dict(color=look.kind(k), size=11),
                        showlegend=False, hoverinfo="skip", **place)  # fmt: skip
    for k, (name, y) in enumerate(loss.items()):
        fig.add_scatter(
            **look.xy(x, y), mode="lines", name=name, hoverinfo="name+x+y",
            line=dict(color=look.kind(k), width=2, dash=look.DASHES[k % len(look.DASHES)]),
            **place,
        )  # fmt: skip
    fig.update_xaxes(title=x_title, **place)
    fig.update_yaxes(title="exact loss", **place)
    _add_frames(fig, x, moving, unit=x_title, start=first)
    alt = f"A slider goes along {x_title} {x[0]:.3g} to {x[-1]:.3g}. " + " ".join(
        f"{name}: loss {look.described(x, y)}; lengths from "
        f"{_lengths(W[name][0])} to {_lengths(W[name][-1])}."
        for name, y in loss.items()
    )
    return look.styled(fig, alt, height=_HEIGHT)


def _lengths(w: torch.Tensor) -> str:
    return ", ".join(f"{v:.2f}" for v in w.norm(dim=0).tolist())


def _film_panels(names: list[str]) -> tuple[go.Figure, dict]:
    """Return a figure with a panel for each name, and the place of the losses below them."""
    n = len(names)
    names, lines = look.panel_titles(names, n)
    fig = make_subplots(
        2, n, specs=[[{}] * n, [{"colspan": n}, *[None] * (n - 1)]], subplot_titles=names,
        row_heights=[0.66, 0.34], vertical_spacing=0.17,
    )  # fmt: skip
    look.room_for_titles(fig, lines)
    return fig, dict(row=2, col=1)


def _loss_marker(history, instance: int, k: int) -> dict:
    return dict(x=[int(history.step[k])], y=look.rounded(history.loss[k, instance].reshape(1)))


def _add_losses(fig, named, instance, exact, *, row, col, loss_title="training loss") -> None:
    """Add the markers that move, then losses over steps and exact values as lines."""
    place = dict(row=row, col=col)
    for history in named.values():
        fig.add_scatter(
            **_loss_marker(history, instance, 0), mode="markers", hoverinfo="skip",
            marker=dict(color=look.INK, size=10), showlegend=False, **place,
        )  # fmt: skip
    shown = []
    for name, history in named.items():
        shown.append((f"{loss_title}, {name}".strip(", "), history.step, history.loss))
        if history.test_loss is not None:
            shown.append((f"test loss, {name}".strip(", "), history.step, history.test_loss))
    for k, (name, steps, loss) in enumerate(shown):
        fig.add_scatter(
            x=steps.tolist(), y=look.rounded(loss[:, instance]), mode="lines", name=name,
            line=dict(color=(look.FAINT, look.INK)[k % 2], dash=look.DASHES[2 * k % 4], width=2),
            hoverinfo="name+x+y", **place,
        )  # fmt: skip
    ends = [shown[0][1][0].item(), shown[0][1][-1].item()]
    for k, (name, value) in enumerate(exact.items()):
        fig.add_scatter(
            x=ends, y=[value] * 2, mode="lines", name=f"{name}, {value:.4g}",
            line=dict(color=look.INK, dash=("dash", "dashdot")[k % 2], width=1), **place,
        )  # fmt: skip
    fig.update_xaxes(title="step", **place)
    lines = [torch.tensor([value]) for value in exact.values()]
    every = torch.cat([loss[:, instance].flatten() for _, _, loss in shown] + lines)
    fig.update_yaxes(look.log_axis("loss", every), **place)


def _add_frames(fig: go.Figure, steps, moving, unit: str = "step", start: int = 0) -> None:
    """Add a frame for every record, a play and a pause button, and a slider.

    `moving(k)` gives the coordinates of the figure's first traces at record k.
    """
    names = [f"{float(step):g}" for step in steps]
    fig.frames = [
        go.Frame(
            name=name,
            data=[(go.Scatter3d if "z" in p else go.Scatter)(**p) for p in moving(k)],
            traces=list(range(len(moving(0)))),
        )
        for k, name in enumerate(names)
    ]
    redraw = any("z" in points for points in moving(0))  # a scene in space moves in no other way
    rest = dict(
        mode="immediate", frame=dict(duration=0, redraw=redraw), transition=dict(duration=0)
    )
    run = dict(
        fromcurrent=True, frame=dict(duration=_FRAME_MS, redraw=redraw), transition=dict(duration=0)
    )
    place = dict(x=0, y=0, xanchor="left", yanchor="top")
    buttons = dict(
        type="buttons", direction="left", **place, pad=dict(t=62, r=8), showactive=False,
        bgcolor="rgba(128,128,128,0.15)", bordercolor=look.FAINT, font_color=look.INK,
        buttons=[
            dict(label="▶ play", method="animate", args=[None, run]),
            dict(label="❚❚ pause", method="animate", args=[[None], rest]),
        ],
    )  # fmt: skip
    slider = dict(
        active=start, **place, len=1, pad=dict(t=92), ticklen=0, minorticklen=0,
        bordercolor=look.FAINT, bgcolor="rgba(128,128,128,0.15)",
        font=dict(color=look.CLEAR, size=1),
        currentvalue=dict(prefix=f"{unit} ", font=dict(size=13, color=look.INK)),
        steps=[dict(label=name, method="animate", args=[[name], rest]) for name in names],
    )  # fmt: skip
    fig.update_layout(
        margin_b=190, margin_t=80, legend=dict(y=1.07, yanchor="bottom", x=0),
        updatemenus=[buttons], sliders=[slider],
    )  # fmt: skip


def _weights(history, instance: int, sizes: tuple) -> torch.Tensor:
    """Return W (record, hidden, feature) of one instance, of the sizes that a picture needs."""
    n_instances, n_hidden, n_features = history["W"].shape[1:]
    if not 0 <= instance < n_instances:
        raise ValueError(f"instance is {instance}; the history holds 0 to {n_instances - 1}")
    if n_hidden != sizes[0] or sizes[1] not in (None, n_features):
        raise ValueError(
            f"history is of a model with {n_features} features and {n_hidden} hidden numbers; this "
            f"picture needs {sizes[1] or 'any number of'} features and {sizes[0]} hidden"
        )
    return look.plain(history["W"][:, instance])


def _reconstructed(history, k: int, instance: int, x: torch.Tensor) -> torch.Tensor:
    """Return what one instance answered at record k for x (point, feature)."""
    return look.plain(history.at(k, x[None].to(history["W"]))[instance])


def _across(w: torch.Tensor, n_points: int = 41) -> torch.Tensor:
    """Return points (n_points, 2) of the unit square where h = w·x takes every value it can."""
    up = (w > 0).double()
    return torch.lerp(1 - up, up, torch.linspace(0, 1, n_points, dtype=torch.float64)[:, None])


def _segments(start: torch.Tensor, end: torch.Tensor) -> list:
    """Return start, end, gap for every pair, so that one trace draws separate segments."""
    pairs = zip(look.rounded(start), look.rounded(end), strict=True)
    return [value for pair in pairs for value in (*pair, None)]
