"""The shapes that features form in many dimensions: their graph, and the lines D_i sits on."""

import math
from collections import Counter

import plotly.graph_objects as go
import torch

from toyutils import geometry
from toyutils.plots.look import FAINT, PALETTE, finish, log_axis, numbers

# One colour for each name in every figure; what is not a shape is grey.
_NAMES = ["antipodal pair", "alone", "pentagon", "square antiprism", "triangle", "tetrahedron"]
_COLORS = dict(zip(_NAMES, PALETTE, strict=False)) | {"other": FAINT}
_SYMBOLS = {
    "alone": "square", "pentagon": "pentagon", "square antiprism": "star",
    "triangle": "triangle-up", "tetrahedron": "diamond",
}  # fmt: skip


def sticky_lines(
    density, dimensionality: list, names: list[list[str]], lines: dict[str, float],
    title: str | None = None,
) -> go.Figure:  # fmt: skip
    """Draw D_i of every feature against 1 / density, coloured by the shape it is part of.

    `density` (setting,); for each setting `dimensionality` holds a tensor (feature,) and `names`
    as many shape names. `lines` {name: D} are drawn across. Within one setting the features
    stand side by side in the order of their D_i, so a level stretch is a value many share.

    Raises ValueError when lengths differ.
    """
    density = torch.as_tensor(density).detach().double()
    sizes = [len(d) for d in dimensionality]
    if not len(density) == len(sizes) == len(names) or [len(n) for n in names] != sizes:
        raise ValueError(
            f"there are {len(density)} densities, {len(sizes)} tensors of D_i and {len(names)} "
            "lists of names; give one of each for every setting, with as many names as features"
        )
    steps = density.log().diff().abs()
    half_width = 0.4 * float(steps.min()) if len(steps) else 0.02
    x, y, kind = [], [], []
    for p, d, name in zip(density.tolist(), dimensionality, names, strict=True):
        order = torch.as_tensor(d).argsort()
        spread = torch.linspace(-1, 1, len(order)) if len(order) > 1 else torch.zeros(len(order))
        x += ((half_width * spread).exp() / p).tolist()
        y += torch.as_tensor(d)[order].tolist()
        kind += [name[i] for i in order.tolist()]
    fig = go.Figure()
    for name, value in lines.items():
        close_above = any(0 < other - value < 0.05 for other in lines.values())
        fig.add_hline(
            y=value, line=dict(color=FAINT, width=1, dash="dot"), annotation_text=name,
            annotation_position=f"{'bottom' if close_above else 'top'} right",
            annotation_font_size=11,
        )  # fmt: skip
    counts = Counter(kind)
    for name, _ in counts.most_common():
        mine = [i for i, k in enumerate(kind) if k == name]
        fig.add_scatter(
            x=numbers([x[i] for i in mine]), y=numbers([y[i] for i in mine], 3), mode="markers",
            name=name, hovertemplate=f"{name}<br>1/p %{{x:.2f}}, D %{{y:.2f}}<extra></extra>",
            marker=dict(color=_color(name), size=5, symbol=_SYMBOLS.get(name, "circle")),
        )  # fmt: skip
    fig.update_xaxes(title="1 / p", **log_axis(1 / density))
    fig.update_yaxes(title="feature dimensionality D", range=[0, 1.05])
    alt = (
        f"Feature dimensionality against 1/p ({1 / density.max():.3g} to {1 / density.min():.3g}), "
        + ", ".join(f"{count} features in shape {name}" for name, count in counts.most_common())
        + ". Lines at " + ", ".join(f"{value:.3g} ({name})" for name, value in lines.items()) + "."
    )  # fmt: skip
    return finish(fig, alt, height=460, title=title)


def gram_graph(
    W, *, edge: float = 0.25, max_columns: int = 8, title: str | None = None
) -> go.Figure:
    """Draw the Gram graph, one component beside the other, coloured and named.

    `W` (hidden, feature). Each component is seen along its own two widest directions, so a
    pentagon looks like one. Blue edges: the angle is obtuse; red: acute.

    Raises ValueError when W is not one matrix.
    """
    components = geometry.gram_components(W, edge=edge)
    W = torch.as_tensor(W).detach().cpu().double()
    unit = W / geometry.feature_norms(W).clamp(min=1e-12)
    nodes, edges = {}, {"obtuse": ([], []), "acute": ([], [])}
    column = row = height = 0
    for part in components:
        mine = unit[:, list(part.features)]
        flat = torch.zeros(2, len(part.features), dtype=W.dtype)
        axes = torch.linalg.svd(mine, full_matrices=False).U[:, :2]
        flat[: axes.shape[1]] = axes.T @ mine
        size = 1 if len(part.features) <= 10 else 3  # many nodes need more room
        if column + size > max_columns:
            column, row = 0, row + height
        height = size if column == 0 else max(height, size)
        centre = torch.tensor([[column + size / 2], [-(row + size / 2)]])
        column += size
        at = centre + 0.36 * size * flat
        x, y, text = nodes.setdefault(part.name, ([], [], []))
        x += numbers(at[0])
        y += numbers(at[1])
        text += [f"feature {i}" for i in part.features]
        cosine = geometry.gram(mine)
        for i, j in (cosine.abs() > edge).triu(1).nonzero().tolist():
            to = edges["acute" if cosine[i, j] > 0 else "obtuse"]
            to[0].extend([*numbers(at[0, [i, j]]), None])
            to[1].extend([*numbers(at[1, [i, j]]), None])
    fig = go.Figure()
    for (name, (x, y)), color in zip(edges.items(), ("#2166AC", "#B2182B"), strict=True):
        fig.add_scatter(
            x=x, y=y, mode="lines", opacity=0.5, line=dict(color=color, width=1.2),
            hoverinfo="skip", name=f"{name} angle",
        )  # fmt: skip
    counts = Counter(part.name for part in components)
    for name, (x, y, text) in nodes.items():
        fig.add_scatter(
            x=x, y=y, text=text, mode="markers", name=f"{name} ({counts[name]})",
            marker=dict(color=_color(name), size=7, symbol=_SYMBOLS.get(name, "circle")),
            hovertemplate=f"%{{text}}, {name}<extra></extra>",
        )  # fmt: skip
    bottom = row + (height if components else 1)
    fig.update_xaxes(visible=False, range=[0, max_columns])
    fig.update_yaxes(visible=False, range=[-bottom, 0], scaleanchor="x")
    alt = f"Gram graph of {sum(len(c.features) for c in components)} represented features: " + (
        ", ".join(f"{count} × {name}" for name, count in counts.most_common()) + "."
    )
    fig.update_layout(legend_y=-0.02)
    return finish(fig, alt, height=120 + math.ceil(62 * bottom), title=title)


def _color(name: str) -> str:
    return _COLORS.get(name, PALETTE[6])
