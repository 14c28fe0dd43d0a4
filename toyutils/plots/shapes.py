"""The shapes that features form in many dimensions: D_i, the Gram graph, and solids in space."""

import itertools
import math
from collections import Counter

import plotly.graph_objects as go
import torch

from toyutils import geometry
from toyutils.plots import look

# One colour for each name in every figure; what is not a shape is grey.
_NAMES = ("antipodal pair", "alone", "pentagon", "square antiprism", "triangle", "tetrahedron")
_COLORS = {name: look.kind(k) for k, name in enumerate(_NAMES)} | {"other": look.FAINT}
_SYMBOLS = {
    "alone": "square", "pentagon": "pentagon", "square antiprism": "star",
    "triangle": "triangle-up", "tetrahedron": "diamond",
}  # fmt: skip
_GOLDEN = (5**0.5 - 1) / 2


def sticky_lines(
    density, dimensionality: list, names: list[list[str]], lines: dict[str, float],
    title: str | None = None, *, graphs: dict | None = None,
) -> go.Figure:  # fmt: skip
    """Draw D_i of every feature against 1 / density, coloured by the shape it is part of.

    `density` (setting,); for each setting `dimensionality` holds a tensor (feature,) and `names`
    as many shape names. `lines` {name: D} are drawn across. The features of one setting are
    spread sideways in no order, so that they can be told apart; the pointer shows their true 1/p.
    `graphs` {1 / density: W} puts small Gram graphs above the axis: the three kinds of components
    of W (hidden, feature) that hold most features, each with its number.

    Raises ValueError when lengths differ.
    """
    density = look.plain(density)
    sizes = [len(d) for d in dimensionality]
    if not len(density) == len(sizes) == len(names) or [len(n) for n in names] != sizes:
        raise ValueError(
            f"there are {len(density)} densities, {len(sizes)} tensors of D_i and {len(names)} "
            "lists of names; give one of each for every setting, with as many names as features"
        )
    steps = density.log().diff().abs()
    half_width = 0.4 * float(steps.min()) if len(steps) else 0.02
    marks = []  # place, D, true 1/p, name
    for p, d, labels in zip(density.tolist(), dimensionality, names, strict=True):
        for k, (value, label) in enumerate(zip(look.plain(d).tolist(), labels, strict=True)):
            shift = half_width * (2 * (_GOLDEN * k % 1) - 1)
            marks.append((math.exp(shift) / p, value, 1 / p, label))
    fig = go.Figure()
    for name, value in lines.items():
        close_above = any(0 < other - value < 0.05 for other in lines.values())
        fig.add_hline(
            y=value, line=dict(color=look.FAINT, width=1, dash="dot"), annotation_text=name,
            annotation_position=f"{'bottom' if close_above else 'top'} right",
            annotation_font_size=11,
        )  # fmt: skip
    counts = Counter(label for *_, label in marks)
    for name, _ in counts.most_common():
        x, y, true, _ = zip(*(mark for mark in marks if mark[3] == name), strict=True)
        fig.add_scatter(
            **look.xy(x, y), mode="markers", name=name, customdata=look.rounded(true),
            hovertemplate=f"{name}<br>1/p %{{customdata:.2f}}, D %{{y:.2f}}<extra></extra>",
            marker=dict(color=_color(name), size=5, symbol=_SYMBOLS.get(name, "circle")),
        )  # fmt: skip
    fig.update_xaxes(look.log_axis("1 / p", 1 / density))
    top, words = _add_graphs(fig, graphs or {}, float((density.max() / density.min()).log10()))
    fig.update_yaxes(title="feature dimensionality D", range=[0, top])
    fig.update_yaxes(tickvals=[0, 0.2, 0.4, 0.6, 0.8, 1])
    alt = (
        f"Feature dimensionality against 1/p ({1 / density.max():.3g} to {1 / density.min():.3g}), "
        + ", ".join(f"{count} features in shape {name}" for name, count in counts.most_common())
        + ". Lines at " + ", ".join(f"{value:.3g} ({name})" for name, value in lines.items()) + "."
        + words
    )  # fmt: skip
    return look.styled(fig, alt, height=460 + 100 * bool(graphs), title=title)


def gram_graph(
    W, *, edge: float = 0.25, max_columns: int = 8, title: str | None = None
) -> go.Figure:
    """Draw the Gram graph, one component beside the other, coloured and named.

    `W` (hidden, feature). Each component is seen along its own two widest directions, so a
    pentagon looks like one. Blue edges: the angle is obtuse; red: acute.

    Raises ValueError when W is not one matrix.
    """
    components = geometry.gram_components(W, edge=edge)
    W = look.plain(W)
    unit = W / geometry.feature_norms(W).clamp(min=1e-12)
    nodes, edges = {}, {"obtuse": ([], []), "acute": ([], [])}
    places, bottom = _places([len(part.features) for part in components], max_columns)
    for part, (centre, size) in zip(components, places, strict=True):
        directions = unit[:, list(part.features)]
        at = torch.tensor(centre)[:, None] + 0.36 * size * _flattened(directions)
        x, y, text = nodes.setdefault(part.name, ([], [], []))
        x += look.rounded(at[0])
        y += look.rounded(at[1])
        text += [f"feature {i}" for i in part.features]
        cosine = geometry.gram(directions)
        for i, j in (cosine.abs() > edge).triu(1).nonzero().tolist():
            to = edges["acute" if cosine[i, j] > 0 else "obtuse"]
            to[0].extend([*look.rounded(at[0, [i, j]]), None])
            to[1].extend([*look.rounded(at[1, [i, j]]), None])
    fig = go.Figure()
    for (name, (x, y)), color in zip(edges.items(), ("#4A86C5", "#C8505F"), strict=True):
        fig.add_scatter(
            x=x, y=y, mode="lines", opacity=0.6, line=dict(color=color, width=1.2),
            hoverinfo="skip", name=f"{name} angle",
        )  # fmt: skip
    counts = Counter(part.name for part in components)
    for name, (x, y, text) in nodes.items():
        fig.add_scatter(
            x=x, y=y, text=text, mode="markers", name=f"{name} ({counts[name]})",
            marker=dict(color=_color(name), size=7, symbol=_SYMBOLS.get(name, "circle")),
            hovertemplate=f"%{{text}}, {name}<extra></extra>",
        )  # fmt: skip
    fig.update_xaxes(visible=False, range=[0, max_columns])
    fig.update_yaxes(visible=False, range=[-bottom, 0], scaleanchor="x")
    alt = f"Gram graph of {sum(len(c.features) for c in components)} represented features: " + (
        ", ".join(f"{count} × {name}" for name, count in counts.most_common()) + "."
    )
    fig.update_layout(legend_y=-0.02)
    return look.styled(fig, alt, height=120 + math.ceil(62 * bottom), title=title)


def polytope(W, *, title: str | None = None) -> go.Figure:
    """Draw the columns of W in three dimensions as a solid: vertices, edges and faces of its hull.

    `W` (3, feature). Features shorter than 0.05 are left out. Drag to turn it.

    Raises ValueError when W has other than three rows or fewer than four directions.
    """
    W = look.matrix("W", W)
    if W.shape[0] != 3:
        raise ValueError(f"W has {W.shape[0]} hidden numbers; a solid needs three")
    features = [i for i in range(W.shape[1]) if W[:, i].norm() > 0.05]
    if len(features) < 4:
        raise ValueError(f"W has {len(features)} directions; a solid needs at least four")
    points = W[:, features].T
    faces = _faces(points)
    edges = {tuple(sorted(pair)) for face in faces for pair in itertools.pairwise([*face, face[0]])}
    corners = [(face[0], face[k], face[k + 1]) for face in faces for k in range(1, len(face) - 1)]
    columns = dict(zip("xyz", (look.rounded(column) for column in points.T), strict=True))
    fig = go.Figure()
    if corners:
        i, j, k = zip(*corners, strict=True)
        fig.add_mesh3d(**columns, i=i, j=j, k=k, color=look.FAINT, opacity=0.25, hoverinfo="skip",
                       flatshading=True)  # fmt: skip
    ends = {axis: [v for a, b in sorted(edges) for v in (values[a], values[b], None)]
            for axis, values in columns.items()}  # fmt: skip
    fig.add_scatter3d(**ends, mode="lines", line=dict(color=look.INK, width=4), hoverinfo="skip")
    fig.add_scatter3d(
        **columns, mode="markers+text", text=[str(i) for i in features],
        textposition="top center", textfont_color=look.INK,
        marker=dict(size=7, color=[look.feature_color(i) for i in features], opacity=1),
        hovertemplate="feature %{text}: (%{x:.2f}, %{y:.2f}, %{z:.2f})<extra></extra>",
    )  # fmt: skip
    hidden = dict(showticklabels=False, showbackground=False)
    fig.update_layout(
        showlegend=False, margin=dict(l=8, r=0, t=40 if title else 0, b=0),
        scene=dict(aspectmode="data", camera_eye=dict(x=1.4, y=1.1, z=0.6),
                   **{f"{a}axis": hidden | dict(title=f"h{chr(0x2080 + k)}")
                      for k, a in enumerate("xyz")}),
    )  # fmt: skip
    sides = Counter(len(face) for face in faces)
    alt = f"A solid of {len(features)} vertices, {len(edges)} edges and {len(faces)} faces: " + (
        ", ".join(f"{count} with {n} corners" for n, count in sorted(sides.items()))
        + f". Lengths {points.norm(dim=1).min():.2f} to {points.norm(dim=1).max():.2f}."
    )
    return look.styled(fig, alt, height=440, title=title)


def _add_graphs(fig: go.Figure, graphs: dict, decades: float) -> tuple[float, str]:
    """Draw components above the axis of D, one kind over the other; return its top and words."""
    words, most = "", 0
    for x, W in graphs.items():
        unit = look.plain(W) / geometry.feature_norms(look.plain(W)).clamp(min=1e-12)
        kinds: dict[str, list] = {}
        for part in geometry.gram_components(W):
            kinds.setdefault(part.name, []).append(part.features)
        ranked = sorted(kinds.items(), key=lambda kind: -sum(map(len, kind[1])))[:3]
        for row, (name, parts) in enumerate(ranked):
            directions = unit[:, list(parts[0])]
            flat = _flattened(directions)
            flat = flat - flat.mean(1, keepdim=True)  # a lone feature sits in the middle
            right, up = flat * torch.tensor([[0.028 * decades], [0.09]])
            right, up = x * 10**right, 1.2 + 0.27 * row + up
            joined = (geometry.gram(directions).abs() > 0.25).triu(1).nonzero()
            ends = [(right[pair], up[pair]) for pair in joined]
            for style, points in (("lines", ends), ("markers", [(right, up)])):
                a, b = [], []
                for along, above in points:
                    a += [*look.rounded(along), None]
                    b += [*look.rounded(above), None]
                fig.add_scatter(
                    x=a, y=b, mode=style, showlegend=False, line=dict(color=look.INK, width=1),
                    marker=dict(color=_color(name), size=5),
                    hovertemplate=f"{len(parts)} × {name}<extra></extra>",
                )  # fmt: skip
            fig.add_annotation(
                x=math.log10(x) + 0.035 * decades, y=1.2 + 0.27 * row, text=f"×{len(parts)}",
                showarrow=False, xanchor="left", font_size=10,
            )  # fmt: skip
        most = max(most, len(ranked))
        words += f" Above 1/p {x:.3g}: " + ", ".join(f"{len(p)} × {n}" for n, p in ranked) + "."
    return 1.05 + 0.27 * most + 0.03 * bool(most), words


def _faces(points: torch.Tensor) -> list[tuple[int, ...]]:
    """Return the faces of the convex hull of points (point, 3), each as a ring of its corners."""
    n, size = len(points), float(points.abs().max())
    rings = set()
    for i, j, k in itertools.combinations(range(n), 3):
        normal = torch.linalg.cross(points[j] - points[i], points[k] - points[i])
        if normal.norm() < 1e-9 * size**2:
            continue  # on one line
        normal = normal / normal.norm()
        height = ((points - points[i]) * normal).sum(1)
        if height.max() > 0.03 * size and height.min() < -0.03 * size:
            continue  # points on both sides
        flat = (height.abs() <= 0.03 * size).nonzero()[:, 0]
        around = points[flat] - points[flat].mean(0)
        right = around[0] / around[0].norm()
        up = torch.linalg.cross(normal, right)
        order = torch.atan2((around * up).sum(1), (around * right).sum(1)).argsort()
        ring = flat[order].tolist()
        start = ring.index(min(ring))
        ring = ring[start:] + ring[:start]
        rings.add(tuple(ring if ring[1] < ring[-1] else [ring[0], *ring[:0:-1]]))
    return sorted(rings)


def _places(sizes: list[int], max_columns: int) -> tuple[list[tuple], int]:
    """Return centre and width of each component, laid out in rows, and the height of all rows."""
    places = []
    column = row = height = 0
    for n in sizes:
        width = 1 if n <= 10 else 3  # many nodes need more room
        if column + width > max_columns:
            column, row = 0, row + height
        height = width if column == 0 else max(height, width)
        places.append(((column + width / 2, -(row + width / 2)), width))
        column += width
    return places, row + (height if sizes else 1)


def _flattened(directions: torch.Tensor) -> torch.Tensor:
    """Return directions (hidden, feature) as seen along their own two widest axes, (2, feature)."""
    _, spread, across = torch.linalg.svd(directions, full_matrices=False)
    flat = torch.zeros(2, directions.shape[1], dtype=directions.dtype)
    flat[: min(2, len(spread))] = spread[:2, None] * across[:2]
    return flat


def _color(name: str) -> str:
    return _COLORS.get(name, look.kind(5))
