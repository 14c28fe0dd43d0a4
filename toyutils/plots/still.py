"""A figure as a still drawing, for where no JavaScript runs: previews of code hosts, print, mail.

It draws what the figures of this package are made of (lines, markers, bars, heatmaps, subplots,
straight lines and text), not all that plotly can. Plotly's own export needs a browser and a
second for each figure; this takes milliseconds.
"""

import base64
import math
import re
import struct
import zlib
from html import escape

import numpy as np
from plotly import colors

from toyutils.plots.look import GRID, INK, PALETTE, alt_text

_WIDTH = 700
_LETTER = 6.2  # pixels, about, that a letter of the smallest text takes
_DASHES = {"dash": "6 4", "dot": "2 3", "dashdot": "6 3 2 3", "longdash": "10 5"}
_ANCHORS = {"left": "start", "center": "middle", "right": "end"}
# Outlines of markers, in units of half their size.
_OUTLINES = {
    "square": [(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
    "diamond": [(0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)],
    "triangle-up": [(0, -1.2), (1.1, 0.8), (-1.1, 0.8)],
    "arrow": [(0, 0), (0.6, 2), (-0.6, 2)],
    "cross": [(0, -1), (0, 1), None, (-1, 0), (1, 0)],
    "x": [(-0.8, -0.8), (0.8, 0.8), None, (-0.8, 0.8), (0.8, -0.8)],
    "line-ns": [(0, -1), (0, 1)],
}


def still(fig: dict) -> str | None:
    """Return an SVG of a figure, given as a dict of data and layout, or None if it cannot.

    Frames of an animation are left out: what is drawn is the figure as it first appears.
    """
    layout = fig.get("layout", {})
    traces = [trace for trace in fig.get("data", []) if trace.get("visible", True) is True]
    if not traces or any(t.get("type", "scatter") not in _DRAW for t in traces):
        return None
    legend = _legend(traces, layout)
    scale = _shown_scale(traces, layout)
    height = layout.get("height", 400)
    titled = bool(_text(layout.get("title")))
    words = [v for t in traces for v in _values(t.get("y")) if isinstance(v, str)]
    left = max([60, *(14 + _LETTER * len(word) for word in words)])
    right = _WIDTH - (90 if scale else 25)
    area = (left, 60 if titled else 40, right, height - 50 - 18 * len(legend))
    if area[3] - area[1] < 40:
        return None
    parts = []
    name = f"s{zlib.crc32(repr((traces, layout)).encode()):x}"  # several drawings may share a page
    panels = _panels(traces, layout, area)
    for number, panel in enumerate(panels.values()):
        left, top, right, bottom = panel.box
        inside = _tag("rect", x=left, y=top, width=right - left, height=bottom - top)
        parts += [_tag("clipPath", inside, id=f"{name}-{number}"), *panel.frame()]
    numbers = {names: number for number, names in enumerate(panels)}
    for k, trace in enumerate(traces):
        names = trace.get("xaxis", "x"), trace.get("yaxis", "y")
        panel = panels[names]
        draw = _DRAW[trace.get("type", "scatter")]
        drawn = draw(trace, panel, layout, PALETTE[k % len(PALETTE)])
        parts.append(_tag("g", "".join(drawn), clip_path=f"url(#{name}-{numbers[names]})"))
    for shape in layout.get("shapes", []):
        parts += _straight_line(shape, panels, area)
    for note in layout.get("annotations", []):
        parts += _annotation(note, panels, area)
    if titled:
        parts.append(_label(area[0], 24, _text(layout["title"]), size=15, anchor="start"))
    parts += _colorbar(scale, area, name) if scale else []
    for row, entries in enumerate(legend):
        parts += _legend_row(entries, area[0], height - 18 * (len(legend) - row) + 6)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}" font-family="Helvetica, Arial, sans-serif" role="img">'
        f'<title>{escape(alt_text(layout))}</title><rect width="100%" height="100%" fill="white"/>'
        f"{''.join(parts)}</svg>"
    )


class _Axis:
    """One axis: how its values become pixels, and where its ticks lie."""

    def __init__(self, settings: dict, values: list, padded: bool):
        self.settings = settings
        words = [v for v in values if isinstance(v, str)]
        self.words = list(dict.fromkeys(words))
        self.log = settings.get("type") == "log"
        numbers = [t for t in map(self.place, values) if t is not None]
        low, high = (min(numbers), max(numbers)) if numbers else (0.0, 1.0)
        if self.words:
            low, high = -0.5, len(self.words) - 0.5
        elif padded:
            pad = 0.05 * (high - low) or 0.5
            low, high = low - pad, high + pad
        if settings.get("rangemode") == "tozero":
            low = min(low, 0)
            high = max(high, 0)
        self.low, self.high = settings.get("range") or (low, high)
        if settings.get("autorange") == "reversed" and not settings.get("range"):
            self.low, self.high = high, low
        self.start, self.end = 0.0, 1.0  # pixels; the panel sets them

    def place(self, value) -> float | None:
        """Return a value on the axis's own scale, or None where there is nothing to draw."""
        if isinstance(value, str):
            return self.words.index(value) if value in self.words else None
        if value is None or not math.isfinite(value) or (self.log and value <= 0):
            return None
        return math.log10(value) if self.log else float(value)

    def pixel(self, value) -> float | None:
        place = self.place(value)
        return None if place is None else self.pixel_of(place)

    def pixel_of(self, place: float) -> float:
        share = (place - self.low) / ((self.high - self.low) or 1)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[tuple[float, str]]:
        low, high = sorted((self.low, self.high))
        given = self.settings.get("tickvals")
        if self.words:
            pairs = [(word, word) for word in self.words]
        elif given is not None:
            values = _values(given)
            texts = self.settings.get("ticktext") or [f"{value:g}" for value in values]
            pairs = list(zip(values, texts, strict=False))
        elif self.log:
            decades = range(math.ceil(low), math.floor(high) + 1)
            pairs = [(10.0**decade, f"{10.0**decade:g}") for decade in decades]
        else:
            step = _nice((high - low) / 5)
            first = math.ceil(low / step - 1e-9)
            count = math.floor(high / step + 1e-9) - first + 1
            marks = [(first + k) * step for k in range(max(count, 0))]
            pairs = [(mark, f"{mark:.6g}") for mark in marks]
        placed = [(self.place(value), value, text) for value, text in pairs]
        inside = [(v, t) for p, v, t in placed if p is not None and low - 1e-9 <= p <= high + 1e-9]
        return [(self.pixel(value), str(text)) for value, text in inside]


class _Panel:
    """One pair of axes and the box that they span."""

    def __init__(self, x: _Axis, y: _Axis, box):
        self.x, self.y = x, y
        left, top, right, bottom = box
        if y.settings.get("scaleanchor") or x.settings.get("scaleanchor"):  # equal units
            unit = min(
                (right - left) / (abs(x.high - x.low) or 1),
                (bottom - top) / (abs(y.high - y.low) or 1),
            )
            spare_x = right - left - unit * abs(x.high - x.low)
            spare_y = bottom - top - unit * abs(y.high - y.low)
            left, right = left + spare_x / 2, right - spare_x / 2
            top, bottom = top + spare_y / 2, bottom - spare_y / 2
        self.box = left, top, right, bottom
        self.stacked = {}  # how far the bars at each place already reach
        x.start, x.end, y.start, y.end = left, right, bottom, top

    def frame(self) -> list[str]:
        """Return grid, ticks and titles."""
        left, top, right, bottom = self.box
        parts = []
        for axis, across in ((self.x, True), (self.y, False)):
            settings = axis.settings
            if settings.get("visible") is False:
                continue
            for pixel, text in axis.ticks():
                line = (pixel, top, pixel, bottom) if across else (left, pixel, right, pixel)
                if settings.get("showgrid", True):
                    parts.append(_line(*line, GRID, 1))
                if settings.get("showticklabels", True):
                    place = (pixel, bottom + 15) if across else (left - 6, pixel + 4)
                    parts.append(_label(*place, text, anchor="middle" if across else "end"))
            title = _text(settings.get("title"))
            middle = (
                ((left + right) / 2, bottom + 33) if across else (left - 42, (top + bottom) / 2)
            )
            parts.append(_label(*middle, title, size=13, turned=not across))
        edge = dict(fill="none", stroke="#BBBBBB")
        return [
            *parts,
            _tag("rect", x=left, y=top, width=right - left, height=bottom - top, **edge),
        ]


def _panels(traces, layout, area) -> dict[tuple[str, str], _Panel]:
    left, top, right, bottom = area
    pairs = dict.fromkeys((t.get("xaxis", "x"), t.get("yaxis", "y")) for t in traces)
    panels = {}
    for x_name, y_name in pairs:
        axes = []
        for name in (x_name, y_name):
            settings = _settings(layout, name)
            # An axis that matches another has its range.
            family = settings.get("matches", name)
            mine = [
                t for t in traces if _family(layout, t.get(f"{name[0]}axis", name[0])) == family
            ]
            values = [v for t in mine for v in _extent(t, name[0], layout)]
            padded = all(t.get("type", "scatter") == "scatter" for t in mine)
            axes.append(_Axis(_settings(layout, family) | settings, values, padded))
        x, y = axes
        x_from, x_to = x.settings.get("domain") or (0, 1)
        y_from, y_to = y.settings.get("domain") or (0, 1)
        width, height = right - left, bottom - top
        box = (left + x_from * width, bottom - y_to * height,
               left + x_to * width, bottom - y_from * height)  # fmt: skip
        panels[x_name, y_name] = _Panel(x, y, box)
    return panels


def _settings(layout, name: str) -> dict:
    return layout.get(f"{name[0]}axis{name[1:]}", {})


def _family(layout, name: str) -> str:
    return _settings(layout, name).get("matches", name)


def _extent(trace, letter: str, layout) -> list:
    """Return the values that the axis `letter` must have room for."""
    kind = trace.get("type", "scatter")
    if kind == "heatmap":
        centres = _centres(trace, letter)
        if (
            isinstance(centres[0], str)
            or _settings(layout, trace.get(f"{letter}axis", letter)).get("type") == "log"
        ):
            return centres
        half = (centres[-1] - centres[0]) / (2 * max(len(centres) - 1, 1)) or 0.5
        return [centres[0] - half, centres[-1] + half]
    values = _values(trace.get(letter))
    if kind == "bar":
        across = "y" if trace.get("orientation") == "h" else "x"
        if letter != across:
            stacked = layout.get("barmode") == "stack"
            return [
                0,
                1.0 if stacked and all(0 <= v <= 1 for v in values) else max(values),
                *values,
            ]
        if values and not isinstance(values[0], str):
            return [min(values) - 0.6, max(values) + 0.6]
    return values


def _scatter(trace, panel, layout, color) -> list[str]:
    points = [
        (panel.x.pixel(x), panel.y.pixel(y))
        for x, y in zip(_values(trace.get("x")), _values(trace.get("y")), strict=False)
    ]
    mode = trace.get("mode") or ("lines+markers" if len(points) < 20 else "lines")
    line, marker = trace.get("line", {}), trace.get("marker", {})
    color = line.get("color", marker.get("color", color))
    faint = trace.get("opacity", 1)
    parts = []
    if "lines" in mode:
        stroke = color if isinstance(color, str) else INK
        parts.append(_tag("path", d=_path(points), fill="none", stroke=stroke,
                          stroke_width=line.get("width", 2), stroke_opacity=faint,
                          stroke_dasharray=_DASHES.get(line.get("dash"))))  # fmt: skip
    if "markers" in mode:
        parts += _markers(points, marker, color, faint * marker.get("opacity", 1), layout)
    if "text" in mode:
        texts = trace.get("text") or []
        texts = [texts] * len(points) if isinstance(texts, str) else texts
        parts += [
            _label(p[0], p[1] - 8, t) for p, t in zip(points, texts, strict=False) if None not in p
        ]
    return parts


def _markers(points, marker, color, opacity, layout) -> list[str]:
    """Return the markers; those that look alike share one path."""
    n = len(points)
    paint = marker.get("color", color)
    if not isinstance(paint, str):
        paint = _colors(_values(paint), marker, layout)
    sizes, symbols, paints = (
        list(v) if isinstance(v, list | tuple) else [v] * n
        for v in (marker.get("size", 6), marker.get("symbol", "circle"), paint)
    )
    alike: dict[tuple, list] = {}
    for k, point in enumerate(points):
        if None not in point and sizes[k]:
            turn = 0.0
            if symbols[k] == "arrow" and k:
                (x0, y0), (x1, y1) = points[k - 1], point
                turn = math.atan2(x1 - x0, y0 - y1)
            alike.setdefault((symbols[k], sizes[k], paints[k], turn), []).append(point)
    parts = []
    for (symbol, size, fill, turn), places in alike.items():
        name, is_open = symbol.removesuffix("-open"), symbol.endswith("-open")
        outline = _OUTLINES.get(name)
        if outline is None and not is_open:
            dots = "".join(f"M{x:.1f} {y:.1f}h0" for x, y in places)
            parts.append(_tag("path", d=dots, stroke=fill, stroke_width=size,
                              stroke_opacity=opacity, stroke_linecap="round"))  # fmt: skip
        elif outline is None:
            parts += [
                _tag("circle", cx=x, cy=y, r=size / 2, fill="none", stroke=fill, stroke_width=1.5)
                for x, y in places
            ]
        else:
            c, s = math.cos(turn) * size / 2, math.sin(turn) * size / 2
            d = "".join(
                _path([o and (x + c * o[0] - s * o[1], y + s * o[0] + c * o[1]) for o in outline])
                + ("" if name in ("x", "cross", "line-ns") else "Z")
                for x, y in places
            )
            hollow = is_open or name in ("x", "cross", "line-ns")
            parts.append(_tag("path", d=d, fill="none" if hollow else fill, fill_opacity=opacity,
                              stroke=fill if hollow else None, stroke_width=1.5 if hollow else None,
                              stroke_opacity=opacity))  # fmt: skip
    return parts


def _bar(trace, panel, layout, color) -> list[str]:
    flat = trace.get("orientation") == "h"
    along, across = (panel.x, panel.y) if flat else (panel.y, panel.x)
    lengths, places = _values(trace["x" if flat else "y"]), _values(trace["y" if flat else "x"])
    paint = trace.get("marker", {}).get("color", color)
    paints = [paint] * len(places) if isinstance(paint, str) else _colors(
        _values(paint), trace["marker"], layout)  # fmt: skip
    texts = trace.get("text") or [""] * len(places)
    thick = 0.8 * abs(across.end - across.start) / (abs(across.high - across.low) or 1)
    base = panel.stacked
    parts = []
    for length, place, fill, text in zip(lengths, places, paints, texts, strict=True):
        start = base.get(place, 0) if layout.get("barmode") == "stack" else 0
        base[place] = start + length
        a, b = sorted((along.pixel(start), along.pixel(start + length)))
        middle = across.pixel(place)
        low = middle - thick / 2
        size = dict(x=a, y=low, width=b - a, height=thick)
        if not flat:
            size = dict(x=low, y=a, width=thick, height=b - a)
        parts.append(_tag("rect", fill=fill, **size))
        if text and flat and b - a > 7 * len(str(text)):
            parts.append(_label((a + b) / 2, middle + 4, str(text), fill="white"))
    return parts


def _heatmap(trace, panel, layout, _) -> list[str]:
    z = np.array(
        [[math.nan if v is None else v for v in _values(row)] for row in trace["z"]], float
    )
    rgb = np.array([_rgb(c) for c in _colors(z.flatten(), trace, layout)], np.uint8)
    rgb = rgb.reshape(*z.shape, 3)
    edges = []
    for axis, n, letter in ((panel.x, z.shape[1], "x"), (panel.y, z.shape[0], "y")):
        centres = [axis.pixel(value) for value in _centres(trace, letter, n)]
        half = (
            (centres[-1] - centres[0]) / (2 * max(n - 1, 1))
            if n > 1
            else (axis.end - axis.start) / 2
        )
        edges.append((centres[0] - half, centres[-1] + half))
    (x0, x1), (y0, y1) = edges
    rgb = rgb[:, ::-1] if x1 < x0 else rgb
    rgb = rgb[::-1] if y1 < y0 else rgb
    data = base64.b64encode(_png(rgb)).decode()
    parts = [_tag("image", x=min(x0, x1), y=min(y0, y1), width=abs(x1 - x0), height=abs(y1 - y0),
                  preserveAspectRatio="none", style="image-rendering:pixelated",
                  href=f"data:image/png;base64,{data}")]  # fmt: skip
    if trace.get("texttemplate") and trace.get("text") is not None:
        for row, y in zip(trace["text"], _centres(trace, "y", z.shape[0]), strict=True):
            for text, x in zip(row, _centres(trace, "x", z.shape[1]), strict=True):
                parts.append(_label(panel.x.pixel(x), panel.y.pixel(y) + 4, str(text)))
    return parts


_DRAW = {"scatter": _scatter, "bar": _bar, "heatmap": _heatmap}


def _centres(trace, letter: str, n: int | None = None) -> list:
    if trace.get(letter) is not None:
        return _values(trace[letter])
    return list(range(n or (len(trace["z"][0]) if letter == "x" else len(trace["z"]))))


def _scale(holder, layout) -> dict:
    """Return colorscale and limits that numbers of `holder`, a trace or a marker, go by."""
    name = holder.get("coloraxis")
    return layout.get(name, {}) if name else {
        "colorscale": holder.get("colorscale"), "cmin": holder.get("cmin", holder.get("zmin")),
        "cmax": holder.get("cmax", holder.get("zmax")),
        "showscale": holder.get("showscale", holder.get("type") == "heatmap"),
    }  # fmt: skip


def _colors(values, holder, layout) -> list[str]:
    if len(values) and isinstance(values[0], str):
        return list(values)
    scale = _scale(holder, layout)
    values = np.array([math.nan if v is None else v for v in values], float)
    shown = values[np.isfinite(values)]
    low, high = scale.get("cmin"), scale.get("cmax")
    low = low if low is not None else (shown.min() if shown.size else 0)
    high = high if high is not None else (shown.max() if shown.size else 1)
    stops = _stops(scale)
    share = (values - low) / ((high - low) or 1)
    rgb = [np.interp(share, *zip(*((p, c[k]) for p, c in stops), strict=True)) for k in range(3)]
    rows = np.nan_to_num(np.stack(rgb, 1), nan=255).round().astype(int)
    return [f"rgb({r},{g},{b})" for r, g, b in rows]


def _stops(scale) -> list[tuple[float, tuple]]:
    given = scale.get("colorscale") or "Viridis"
    pairs = colors.get_colorscale(given) if isinstance(given, str) else given
    return [(place, _rgb(color)) for place, color in pairs]


def _rgb(color: str) -> tuple:
    if color.startswith("#"):
        return colors.hex_to_rgb(color)
    return tuple(float(number) for number in re.findall(r"[\d.]+", color)[:3])


def _shown_scale(traces, layout) -> dict | None:
    for trace in traces:
        for holder in (trace, trace.get("marker", {})):
            numeric = holder is trace and trace.get("type") == "heatmap"
            numeric = numeric or not isinstance(holder.get("color", ""), str)
            scale = _scale(holder, layout) if numeric else {}
            limits = scale.get("cmin"), scale.get("cmax")
            if scale.get("showscale", True) and None not in limits:
                return scale
    return None


def _colorbar(scale, area, name) -> list[str]:
    x, top, bottom = area[2] + 18, area[1], area[3]
    stops = "".join(_tag("stop", offset=p, stop_color=f"rgb{tuple(map(int, c))}")
                    for p, c in _stops(scale))  # fmt: skip
    bar = scale.get("colorbar", {})
    return [
        _tag("linearGradient", stops, id=f"{name}-scale", x1=0, y1=1, x2=0, y2=0),
        _tag("rect", x=x, y=top, width=12, height=bottom - top, fill=f"url(#{name}-scale)"),
        _label(x + 16, bottom, f"{scale['cmin']:.3g}", anchor="start"),
        _label(x + 16, top + 8, f"{scale['cmax']:.3g}", anchor="start"),
        _label(x + 62, top - 8, _text(bar.get("title")), anchor="end"),
    ]


def _legend(traces, layout) -> list[list[tuple[str, str, str | None]]]:
    """Return rows of (name, colour, dash)."""
    if layout.get("showlegend", len(traces) > 1) is False:
        return []
    entries = {}
    for k, trace in enumerate(traces):
        if trace.get("type") != "heatmap" and trace.get("showlegend", True) and trace.get("name"):
            line, marker = trace.get("line", {}), trace.get("marker", {})
            color = line.get("color", marker.get("color"))
            color = color if isinstance(color, str) else PALETTE[k % len(PALETTE)]
            entries.setdefault(_text(trace["name"]), (color, line.get("dash")))
    rows, used = [[]], 0
    for name, (color, dash) in entries.items():
        width = _entry_width(name)
        if rows[-1] and used + width > _WIDTH - 90:
            rows.append([])
            used = 0
        rows[-1].append((name, color, dash))
        used += width
    return [row for row in rows if row]


def _legend_row(entries, x, y) -> list[str]:
    parts = []
    for name, color, dash in entries:
        parts.append(_line(x, y - 4, x + 18, y - 4, color, 4, dash))
        parts.append(_label(x + 23, y, name, anchor="start"))
        x += _entry_width(name)
    return parts


def _entry_width(name: str) -> float:
    return 34 + _LETTER * len(name)


def _place(value, reference, letter, panels, area, exponents) -> float:
    """Return the pixel of a coordinate that refers to the paper, an axis or an axis's domain.

    On a logarithmic axis plotly counts some coordinates in exponents, others in values.
    """
    left, top, right, bottom = area
    start, end = (left, right) if letter == "x" else (bottom, top)
    name, _, domain = (reference or "paper").partition(" ")
    for pair, panel in panels.items():
        if name == pair[letter == "y"]:
            axis = getattr(panel, letter)
            if not domain:
                return axis.pixel_of(value) if exponents else axis.pixel(value)
            start, end = axis.start, axis.end
    return start + value * (end - start)


def _straight_line(shape, panels, area) -> list[str]:
    if shape.get("type") != "line":
        return []
    x0, x1, y0, y1 = (
        _place(
            shape.get(f"{letter}{end}"), shape.get(f"{letter}ref", letter), letter, panels, area,
            exponents=False,
        )
        for letter in "xy"
        for end in "01"
    )  # fmt: skip
    line = shape.get("line", {})
    return [_line(x0, y0, x1, y1, line.get("color", INK), line.get("width", 1), line.get("dash"))]


def _annotation(note, panels, area) -> list[str]:
    x, y = (
        _place(note.get(k, 0.5), note.get(f"{k}ref", "paper"), k, panels, area, exponents=True)
        for k in "xy"
    )
    raised = {"bottom": -4, "top": 12}.get(note.get("yanchor"), 4)
    anchor = _ANCHORS.get(note.get("xanchor"), "middle")
    size = note.get("font", {}).get("size", 13)
    lines = [_text(line) for line in (note.get("text") or "").split("<br>")]
    # Titles grow upwards, like all that stands on its place.
    return [
        _label(x, y + raised - 1.2 * size * up, line, size=size, anchor=anchor)
        for up, line in enumerate(reversed(lines))
    ]


def _label(x, y, text, *, size=11, anchor="middle", fill=INK, turned=False) -> str:
    if not text:
        return ""
    turn = f"rotate(-90 {x:.0f} {y:.0f})" if turned else None
    return _tag("text", escape(text), x=x, y=y, font_size=size, text_anchor=anchor, fill=fill,
                transform=turn)  # fmt: skip


def _line(x0, y0, x1, y1, color, width, dash=None) -> str:
    return _tag("path", d=_path([(x0, y0), (x1, y1)]), stroke=color, stroke_width=width,
                fill="none", stroke_dasharray=_DASHES.get(dash))  # fmt: skip


def _path(points) -> str:
    """Return the commands of a line through pixels, broken where one is missing."""
    words, pen = [], "M"
    for point in points:
        if point is None or None in point:
            pen = "M"
            continue
        words.append(f"{pen}{point[0]:.1f} {point[1]:.1f}")
        pen = "L"
    return "".join(words)


def _tag(name, content="", **attributes) -> str:
    written = "".join(
        f' {key.replace("_", "-")}="{round(value, 2) if isinstance(value, float) else value}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{written}>{content}</{name}>" if content else f"<{name}{written}/>"


def _text(value) -> str:
    """Return the plain text of a title, which may be a dict, and of its markup."""
    if isinstance(value, dict):
        value = value.get("text")
    return re.sub(r"<[^>]+>", " ", value or "").strip()


def _values(values) -> list:
    """Return a list of numbers, words or None; plotly may hand over packed bytes."""
    if values is None:
        return []
    if isinstance(values, dict):
        return np.frombuffer(base64.b64decode(values["bdata"]), np.dtype(values["dtype"])).tolist()
    return values.tolist() if isinstance(values, np.ndarray) else list(values)


def _nice(step: float) -> float:
    """Return the round number nearest above `step`."""
    if not step > 0:
        return 1.0
    power = 10 ** math.floor(math.log10(step))
    return next(k * power for k in (1, 2, 5, 10) if k * power >= step * (1 - 1e-9))


def _png(rgb: np.ndarray) -> bytes:
    """Return a picture (row, column, 3) of bytes as PNG."""
    height, width, _ = rgb.shape
    rows = b"".join(b"\0" + row.tobytes() for row in rgb)

    def chunk(kind, data):
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9))
            + chunk(b"IEND", b""))  # fmt: skip
