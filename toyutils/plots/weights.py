"""Weight matrices: columns as arrows, WᵀW as heatmaps, lengths as bars; the network as nodes."""

import math

import plotly.graph_objects as go
import torch
from plotly.subplots import make_subplots

from toyutils import geometry
from toyutils.plots import look


def feature_arrows(
    W, titles: list[str] | None = None, *, max_columns: int = 5, top: int | None = None
) -> go.Figure:
    """Draw the columns of W as arrows, one panel for each model, with equal axes.

    `W` is (2, feature), (model, 2, feature), or a list of (2, feature) with any numbers of
    features; a model with one hidden number is drawn on a line. `titles` has one entry for
    each model. With `top`, every model is turned so that this feature points up, and mirrored
    so that its nearest neighbour stands on the right: neither changes what a model does.

    Raises ValueError when a model has more than two hidden numbers, the titles do not fit, or
    there is no feature `top`.
    """
    models = [_plane("W", w) for w in (W if isinstance(W, list) else _unstack(W))]
    if top is not None:
        models = [_turned(w, top) for w in models]
    given = titles
    titles = titles if titles is not None else [""] * len(models)
    if len(titles) != len(models):
        raise ValueError(f"titles has {len(titles)} entries; there are {len(models)} models")
    if given is None and len(models) > 1:
        titles = [f"model {k}" for k in range(len(models))]
    broken = [title.replace(": ", "<br>").replace(", ", "<br>", 1) for title in titles]
    fig, places, n_rows, lines = _panels(broken, max_columns, row_height=220)
    reach = 1.3 * max(1.0, max(float(w.norm(dim=0).max()) for w in models))
    for place, w in zip(places, models, strict=True):
        for i in range(w.shape[1]):
            trace = look.arrow(
                w[:, i], look.feature_color(i), f"feature {i}", text=str(i), reach=reach
            )
            fig.add_trace(trace, **place)
        look.hidden_plane(fig, reach, **place, titles=False)
    _name_edges(fig, places, "hidden number 0", "hidden number 1")
    kept = [int(geometry.represented(w).sum()) for w in models]
    alt = "Feature directions as arrows. " + " ".join(
        f"{title or f'Model {k}'}: {n} of {w.shape[1]} features longer than 0.5, lengths "
        f"{', '.join(f'{length:.2f}' for length in w.norm(dim=0).tolist())}."
        for k, (title, n, w) in enumerate(zip(titles, kept, models, strict=True))
    )
    return look.styled(fig, alt, height=70 + (220 + 17 * lines) * n_rows)


def gram_grid(W, b, titles: list[str], *, max_columns: int = 4) -> go.Figure:
    """Draw WᵀW of several models as square heatmaps, each with its bias as a column beside it.

    `W` (model, hidden, feature), `b` (model, feature), one title for each model.

    Raises ValueError when shapes do not fit.
    """
    W, b = _models(W, b, titles)
    n = W.shape[2]
    columns = max_columns if len(W) % max_columns == 0 else min(len(W), max_columns)
    fig, places, n_rows, lines = _panels(titles, columns, row_height=240)
    thick = max(1, n // 12)  # one column would be too thin to see
    gap = torch.full((n, max(1, n // 20)), math.nan, dtype=torch.float64)
    wide = b[..., None].expand(-1, -1, thick)
    for k, (overlap, place) in enumerate(zip(geometry.gram(W), places, strict=True)):
        z = look.rounded(torch.cat([overlap, gap, wide[k]], 1), 3)
        columns = [f"feature {j}" for j in range(n)] + [""] * gap.shape[1] + ["bias"] * thick
        fig.add_heatmap(
            z=[[None if value != value else value for value in row] for row in z],
            customdata=[columns] * n, coloraxis="coloraxis", **place,
            hovertemplate="feature %{y}, %{customdata}: %{z:.3f}<extra></extra>",
        )  # fmt: skip
        quiet = dict(ticks="", showgrid=False, zeroline=False, constrain="domain")
        ticks = dict(tickvals=[0, n - 1])
        x_axis = next(fig.select_xaxes(**place))
        fig.update_xaxes(**quiet, **ticks, **place)
        fig.update_yaxes(
            **quiet, **ticks, range=[n - 0.5, -0.5], constraintoward="top", **place,
            scaleanchor=x_axis.plotly_name.replace("axis", ""),
        )  # fmt: skip
    _name_edges(fig, places, "feature j, then b", "feature i")
    fig.update_layout(coloraxis=_diverging(1.2))
    alt = f"WᵀW of models with {n} features, the bias beside it. " + " ".join(
        f"{title}: {int(kept.sum())} features represented, bias from "
        f"{bias.min():.2f} to {bias.max():.2f}."
        for title, kept, bias in zip(titles, geometry.represented(W), b, strict=True)
    )
    return look.styled(fig, alt, height=80 + (243 + 17 * lines) * n_rows)


def agreement(one, other, *, names: tuple[str, str], n_shown: int = 1500) -> go.Figure:
    """Draw each entry of a matrix against the same entry of another: diagonal, and the rest.

    `one` and `other` (feature, feature), `names` of the two axes. Of the other entries every so
    many are drawn, at most `n_shown`, to keep the figure small; the text alternative counts all.

    Raises ValueError when the two are no square matrices of one size.
    """
    one, other = look.plain(one), look.plain(other)
    if one.ndim != 2 or one.shape[0] != one.shape[1] or one.shape != other.shape:
        raise ValueError(
            f"one has shape {tuple(one.shape)} and other {tuple(other.shape)}; give (feature, "
            "feature) twice"
        )
    diagonal = torch.eye(len(one), dtype=torch.bool)
    rest = torch.stack([one[~diagonal], other[~diagonal]], 1)
    kept = torch.stack([one[diagonal], other[diagonal]], 1)
    fig, words = go.Figure(), []
    shown = rest[:: max(1, -(-len(rest) // n_shown))]
    kinds = (("off the diagonal", rest, shown, 4), ("diagonal", kept, kept, 7))
    for k, (name, every, points, size) in enumerate(kinds):
        fig.add_scatter(
            **look.xy(points), mode="markers", name=name,
            marker=dict(color=look.kind(k), size=size, opacity=0.6, symbol=look.SYMBOLS[k]),
            hovertemplate=f"{name}<br>%{{x:.3f}}, %{{y:.3f}}<extra></extra>",
        )  # fmt: skip
        ranges = " and ".join(f"{v.min():.2f} to {v.max():.2f}" for v in every.T)
        words.append(f"{len(every)} entries {name}: {ranges}")
    values = torch.cat([rest, kept])
    low, high = float(values.min()), float(values.max())
    margin = 0.05 * (high - low or 1)
    look.square_axes(fig, low - margin, high + margin, names)
    alt = f"{names[1]} against {names[0]}, entry by entry. {'; '.join(words)}."
    return look.styled(fig, alt, height=460)


def neuron_stacks(W, titles: list[str], *, max_columns: int = 3) -> go.Figure:
    """Draw every neuron as a stack of its weights, positive ones upwards, negative ones down.

    `W` (model, hidden, feature), one title for each model. A part of a stack has its feature's
    colour, and its number where it is larger than 0.3.

    Raises ValueError when shapes do not fit.

    Source: Toy Models of Superposition, "Superposition in a Privileged Basis".
    """
    W, _ = _models(W, torch.zeros(len(titles), torch.as_tensor(W).shape[-1]), titles)
    fig, places, n_rows, lines = _panels(titles, max_columns, row_height=250)
    neurons = list(range(W.shape[1]))
    for w, place in zip(W, places, strict=True):
        for i in range(W.shape[2]):
            fig.add_bar(
                x=neurons, y=look.rounded(w[:, i], 3), showlegend=False,
                marker=dict(color=look.feature_color(i), line=dict(color=look.GRID, width=1)),
                text=[str(i) if abs(v) > 0.3 else "" for v in w[:, i].tolist()],
                textposition="inside", insidetextanchor="middle", textangle=0,
                textfont=dict(color="white", size=10),
                hovertemplate=f"feature {i}, neuron %{{x}}: %{{y:.2f}}<extra></extra>", **place,
            )  # fmt: skip
        fig.update_xaxes(tickvals=neurons, showgrid=False, **place)
    reach = 1.05 * torch.stack([W.clamp(min=0).sum(2).max(), W.clamp(max=0).sum(2).abs().max()])
    fig.update_yaxes(range=[-float(reach[1]) - 0.2, float(reach[0]) + 0.2])
    fig.update_layout(barmode="relative", bargap=0.15)
    _name_edges(fig, places, "neuron", "weights, stacked")
    alt = "Weights of every neuron, stacked. " + " ".join(
        f"{title}: "
        + "; ".join(
            f"neuron {k}: {', '.join(map(str, (row > 0.3).nonzero()[:, 0].tolist())) or 'none'}"
            for k, row in enumerate(w)
        )
        + "."
        for title, w in zip(titles, W, strict=True)
    )
    return look.styled(fig, alt, height=80 + (253 + 17 * lines) * n_rows)


def norm_bars(W, titles: list[str]) -> go.Figure:
    """Draw the length of every feature's direction, coloured by its interference.

    `W` (model, hidden, feature), one title for each model; a row of bars for each. The colour
    runs from 0, a direction of its own, over 1, a pair, to what the most crowded feature has.

    Raises ValueError when shapes do not fit.
    """
    W, _ = _models(W, torch.zeros(len(titles), torch.as_tensor(W).shape[-1]), titles)
    norms, shared = geometry.feature_norms(W), geometry.interference(W)
    fig = make_subplots(
        len(W), 1, subplot_titles=titles, shared_xaxes=True, vertical_spacing=0.3 / len(W)
    )
    for k in range(len(W)):
        fig.add_bar(
            x=list(range(W.shape[2])), y=look.rounded(norms[k]), showlegend=False,
            marker=dict(color=look.rounded(shared[k]), coloraxis="coloraxis",
                        line=dict(color=look.GRID, width=1)),
            customdata=look.rounded(shared[k]),
            hovertemplate="feature %{x}: length %{y:.2f}<br>interference %{customdata:.2f}"
            "<extra></extra>",
            row=k + 1, col=1,
        )  # fmt: skip
        fig.update_yaxes(title="|Wᵢ|", range=[0, 1.1 * float(norms.max())], row=k + 1, col=1)
    n = W.shape[2]
    fig.update_xaxes(tickvals=list(range(0, n, math.ceil(n / 10))), range=[-0.6, n - 0.4])
    fig.update_xaxes(title="feature i", row=len(W), col=1)
    fig.update_annotations(font_size=12)
    most = max(1.0, math.ceil(2 * float(shared.max())) / 2)
    scale = dict(colorscale=look.SCALE, cmin=0, cmax=most)
    scale["colorbar"] = dict(title="interference", thickness=12)
    fig.update_layout(coloraxis=scale, bargap=0.15)
    alt = "Length of every feature's direction. " + " ".join(
        f"{title}: {int(kept.sum())} longer than 0.5, {int((kept & (s > 0.1)).sum())} of "
        f"them share their direction, interference up to {s.max():.2f}."
        for title, kept, s in zip(titles, geometry.represented(W), shared, strict=True)
    )
    return look.styled(fig, alt, height=90 + 110 * len(W))


def network(
    n_features: int = 5, n_hidden: int = 2, *, weight: tuple[int, int] | None = None,
    title: str | None = None,
) -> go.Figure:  # fmt: skip
    """Draw a network as nodes and connections: features in, hidden numbers, features out.

    With `weight` (k, i) it shows the two routes by which a change of the tied W[k, i] reaches
    the outputs: as encoder of feature i by way of hidden number k, as decoder to output i alone.

    Raises ValueError when there is not at least one of each, or no such weight.
    """
    for name, value in (("n_features", n_features), ("n_hidden", n_hidden)):
        if value < 1:
            raise ValueError(f"{name} is {value}; give 1 or more")
    if weight is not None and not (0 <= weight[0] < n_hidden and 0 <= weight[1] < n_features):
        raise ValueError(
            f"weight is {weight}; give (hidden, feature), up to ({n_hidden - 1}, {n_features - 1})"
        )
    sizes = (n_features, n_hidden, n_features)
    heights = [[(size - 1) / 2 - i for i in range(size)] for size in sizes]
    heights[1] = [y * max(1.0, 0.6 * n_features / n_hidden) for y in heights[1]]
    fig = go.Figure()
    for layer in (0, 1):
        pairs = [(a, b) for a in heights[layer] for b in heights[layer + 1]]
        fig.add_scatter(
            x=[layer, layer + 1, None] * len(pairs), y=[y for pair in pairs for y in (*pair, None)],
            mode="lines", line=dict(color=look.FAINT, width=1), hoverinfo="skip", showlegend=False,
        )  # fmt: skip
    if weight is not None:
        _add_routes(fig, heights, *weight)
    for layer, (name, size) in enumerate(zip(("x", "h", "y"), sizes, strict=True)):
        colors = [look.INK if name == "h" else look.feature_color(i) for i in range(size)]
        fig.add_scatter(
            x=[layer] * size, y=heights[layer], mode="markers+text", showlegend=False,
            marker=dict(size=26, color=colors, opacity=1),
            text=[f"<b>{i}</b>" for i in range(size)], textposition="middle center",
            textfont_color="white",
            hovertext=[f"{name}, number {i}" for i in range(size)], hoverinfo="text",
        )  # fmt: skip
    words = (f"{n_features} features in", f"{n_hidden} hidden numbers", f"{n_features} back out")
    for layer, text in enumerate(words):
        fig.add_annotation(x=layer, y=-n_features / 2 - 0.4, text=text, showarrow=False)
    fig.update_layout(
        showlegend=weight is not None, legend_y=-0.02,
        margin=dict(l=10, r=10, t=60 if title else 10, b=10),
    )  # fmt: skip
    fig.update_xaxes(visible=False, range=[-0.45, 2.45])
    fig.update_yaxes(visible=False, range=[-n_features / 2 - 0.8, n_features / 2 + 0.1])
    alt = (
        f"A network: {n_features} inputs, each connected to all of {n_hidden} hidden numbers, and "
        f"each of these to all of {n_features} outputs."
    )
    if weight is not None:
        k, i = weight
        alt += (
            f" Two routes from the weight W[{k}, {i}]: as encoder from input {i} to hidden number "
            f"{k} and on to every output; as decoder from hidden number {k} to output {i} only."
        )
    height = 110 + 38 * n_features + 50 * (weight is not None)
    return look.styled(fig, alt, height=height, title=title)


def _add_routes(fig: go.Figure, heights: list[list[float]], k: int, i: int) -> None:
    """Add the two routes on which the outputs depend on the weight W[k, i]."""
    x_i, h_k, outputs = heights[0][i], heights[1][k], heights[2]
    through_h = [v for y in outputs for v in (h_k, y, None)]
    encoder = ([0, 1, None, *[1, 2, None] * len(outputs)], [x_i, h_k, None, *through_h])
    routes = {
        f"as decoder: to output {i} only": ([1, 2], [h_k, outputs[i]], look.kind(1), 7),
        f"as encoder: through hidden number {k} to every output": (*encoder, look.kind(0), 2.5),
    }
    for name, (x, y, color, width) in routes.items():
        line = dict(color=color, width=width)
        fig.add_scatter(x=x, y=y, name=name, mode="lines", line=line, hoverinfo="skip")


def _panels(titles: list[str], max_columns: int, *, row_height: int):
    """Return a figure with a panel for each title, their places, its rows, lines of a title."""
    n_columns = min(max_columns, len(titles))
    n_rows = math.ceil(len(titles) / n_columns)
    titles, title_lines = look.panel_titles(titles, n_columns)
    pixels = (row_height + 17 * title_lines) * n_rows  # of all panels together
    fig = make_subplots(
        n_rows, n_columns, subplot_titles=titles, horizontal_spacing=0.03,
        vertical_spacing=(25 + 17 * title_lines) / pixels if n_rows > 1 else 0,
    )  # fmt: skip
    look.room_for_titles(fig, title_lines)
    fig.update_layout(margin_b=40)
    places = [dict(row=k // n_columns + 1, col=k % n_columns + 1) for k in range(len(titles))]
    return fig, places, n_rows, title_lines


def _name_edges(fig: go.Figure, places: list[dict], x_title: str, y_title: str) -> None:
    """Name the axes once, at the lowest panel on the left; number them at the edges."""
    bottom = {place["col"]: place for place in places}
    for place in places:
        lowest, leftmost = bottom[place["col"]] == place, place["col"] == 1
        named = lowest and leftmost
        small = dict(title_font_size=11, **place)
        fig.update_xaxes(title=x_title if named else None, showticklabels=lowest, **small)
        fig.update_yaxes(title=y_title if named else None, showticklabels=leftmost, **small)


def _diverging(largest: float) -> dict:
    scale = dict(colorscale="RdBu_r", cmin=-largest, cmax=largest)
    return scale | dict(colorbar=dict(thickness=12, outlinecolor=look.CLEAR))


def _turned(W: torch.Tensor, top: int) -> torch.Tensor:
    """Return W turned until feature `top` points up, its nearest neighbour on the right."""
    if not 0 <= top < W.shape[1]:
        raise ValueError(f"top is {top}; there are features 0 to {W.shape[1] - 1}")
    angle = torch.atan2(W[1], W[0])
    angle = angle - angle[top] + math.pi / 2
    away = torch.remainder(angle - math.pi / 2, 2 * math.pi)  # anticlockwise from the top
    others = [i for i in range(W.shape[1]) if i != top and W[:, i].norm() > 0.05]
    nearest = min(others, key=lambda i: min(away[i], 2 * math.pi - away[i]), default=None)
    if nearest is not None and away[nearest] < math.pi:  # on the left: mirror
        angle = math.pi - angle
    return torch.stack([angle.cos(), angle.sin()]) * W.norm(dim=0)


def _models(W, b, titles) -> tuple[torch.Tensor, torch.Tensor]:
    W, b = look.plain(W), look.plain(b)
    if W.ndim != 3 or b.shape != (W.shape[0], W.shape[2]) or len(titles) != len(W):
        raise ValueError(
            f"W has shape {tuple(W.shape)}, b {tuple(b.shape)} and there are {len(titles)} titles; "
            "give W (model, hidden, feature), b (model, feature) and one title for each model"
        )
    return W, b


def _unstack(W) -> list[torch.Tensor]:
    W = torch.as_tensor(W)
    if W.ndim not in (2, 3):
        raise ValueError(f"W has shape {tuple(W.shape)}; give (2, feature) or (model, 2, feature)")
    return list(W) if W.ndim == 3 else [W]


def _plane(name: str, W) -> torch.Tensor:
    W = look.matrix(name, W)
    if W.shape[0] == 1:
        W = torch.cat([W, torch.zeros_like(W)])
    if W.shape[0] != 2:
        raise ValueError(f"{name} has {W.shape[0]} hidden numbers; arrows need one or two")
    return W
