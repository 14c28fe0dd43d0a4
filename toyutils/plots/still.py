"""A plotly figure as a still SVG, drawn by matplotlib from the figure's own data.

For where no JavaScript runs: previews of code hosts, exported pages, print, the README. It draws
what the figures of this package are made of, not all that plotly can. Only `show.still` imports
this module, so that matplotlib is loaded when a figure is displayed and not before.
"""

import base64
import io
import logging
import math
import re
from html import escape

import numpy as np
from matplotlib import rc_context
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Ellipse
from matplotlib.ticker import NullLocator
from matplotlib.transforms import Affine2D, blended_transform_factory
from plotly.colors import get_colorscale

from toyutils.plots.look import FAINT, INK, alt_text, kind

# On a fresh machine matplotlib would print that it builds its list of fonts.
logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)

_WIDTH = 700
_LETTER = 6.5  # pixels, about, of a letter of an axis or a legend
_SETTINGS = {
    "svg.fonttype": "none", "svg.hashsalt": "toyutils", "path.simplify_threshold": 0.5,
    "text.parse_math": False, "text.color": INK, "font.size": 11, "font.sans-serif": "DejaVu Sans",
    "axes.edgecolor": FAINT, "axes.labelcolor": INK, "axes.facecolor": "none", "axes.grid": True,
    "axes.axisbelow": True, "axes.spines.top": False, "axes.spines.right": False,
    "grid.color": (0.5, 0.5, 0.5, 0.25), "grid.linewidth": 1,
    "xtick.color": FAINT, "ytick.color": FAINT, "xtick.labelcolor": INK, "ytick.labelcolor": INK,
    "legend.frameon": False, "legend.numpoints": 1, "lines.scale_dashes": False,
}  # fmt: skip
_DASHES = {"dash": (0, (6, 4)), "dot": (0, (2, 3)), "dashdot": (0, (6, 3, 2, 3)),
           "longdash": (0, (10, 5))}  # fmt: skip
_MARKERS = {"square": "s", "diamond": "D", "cross": "P", "triangle-up": "^", "x": "x",
            "pentagon": "p", "star": "*", "line-ns": "|"}  # fmt: skip


def draw(fig: dict) -> str | None:
    """Return an SVG of a figure, given as a dict of data and layout, or None if it cannot.

    Of an animation, the last frame is drawn. The same figure gives the same text.
    """
    layout, traces = fig.get("layout", {}), _at_the_end(fig)
    if not traces or any(trace.get("type", "scatter") not in _DRAW for trace in traces):
        return None
    height = layout.get("height", 400)
    with rc_context(_SETTINGS):
        page = Figure(figsize=(_WIDTH / 72, height / 72), dpi=72)  # a point is a pixel
        names = [t["name"] for t in traces if _in_legend(t, layout, len(traces))]
        columns = max(1, int((_WIDTH - 70) // (44 + _LETTER * max(map(len, names), default=1))))
        area = _area(traces, layout, math.ceil(len(set(names)) / columns))
        pairs = dict.fromkeys(map(_pair, traces))
        panels = {pair: _panel(page, pair, layout, area) for pair in pairs}
        for k, trace in enumerate(traces):
            label = trace.get("name") if _in_legend(trace, layout, len(traces)) else None
            _DRAW[trace.get("type", "scatter")](panels[_pair(trace)], trace, layout, kind(k), label)
        for pair, panel in panels.items():
            _dress(panel, pair, layout)
        for item in (*layout.get("shapes", ()), *layout.get("annotations", ())):
            _add(item, page, panels, area)
        _color_bar(page, traces, layout, area)
        if names:
            place = dict(loc="lower left", bbox_to_anchor=(area[0] - 0.02, 0), borderaxespad=0.2)
            page.legend(ncols=columns, **place)
        page.text(area[0], 1 - 8 / height, _plain(layout.get("title")), size=14, va="top")
        return _written(page, alt_text(layout))


def _written(page: Figure, alt: str) -> str:
    """Return the SVG with its text alternative, sizes in pixels, and fonts that every page has."""
    text = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    page.savefig(text, format="svg", transparent=True, dpi=144, metadata=nothing)
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", text.getvalue(), flags=re.S)
    svg = svg[svg.index("<svg") :].replace("'DejaVu Sans'", "Helvetica, Arial")
    svg = re.sub(r'(width|height)="([\d.]+)pt"', r'\1="\2"', svg, count=2)
    start = svg.index(">")
    return f'{svg[:start]} role="img"><title>{escape(alt)}</title>{svg[start + 1 :].strip()}'


def _at_the_end(fig: dict) -> list[dict]:
    """Return the visible traces, those of a film as its last frame has them.

    What opens elsewhere than at its beginning has no end, and is drawn as it opens.
    """
    traces = list(fig.get("data", []))
    opens = [slider.get("active", 0) for slider in fig.get("layout", {}).get("sliders", ())]
    for frame in () if any(opens) else list(fig.get("frames") or ())[-1:]:
        for place, change in zip(frame["traces"], frame["data"], strict=True):
            traces[place] = traces[place] | {axis: change[axis] for axis in "xy"}
    return [trace for trace in traces if trace.get("visible", True) is True]


def _area(traces, layout, legend_rows: int) -> tuple[float, float, float, float]:
    """Return left, bottom, right and top of all panels, as shares of the page."""
    height = layout.get("height", 400)
    words = [v for t in traces for v in _values(t.get("y")) if isinstance(v, str)]
    words += [str(v) for name, axis in layout.items() if name.startswith("yaxis")
              for v in axis.get("ticktext") or ()]  # fmt: skip
    left = max([60, *(34 + _LETTER * len(word) for word in words)])
    right = _WIDTH - (90 if any(_shown_scale(t, layout) for t in traces) else 20)
    top = min(80, layout.get("margin", {}).get("t", 30))
    return left / _WIDTH, (48 + 18 * legend_rows) / height, right / _WIDTH, 1 - top / height


def _panel(page, pair, layout, area):
    left, bottom, right, top = area
    if pair[0] == "scene":
        panel = page.add_axes((0, 0, 1, top), projection="3d")
        eye = [layout["scene"]["camera"]["eye"][axis] for axis in "xyz"]
        up, around = math.atan2(eye[2], math.hypot(*eye[:2])), math.atan2(eye[1], eye[0])
        panel.view_init(math.degrees(up), math.degrees(around))
        panel.set_axis_off()
        return panel
    (x0, x1), (y0, y1) = (_axis(layout, name).get("domain") or (0, 1) for name in pair)
    width, height = right - left, top - bottom
    panel = page.add_axes(
        (left + x0 * width, bottom + y0 * height, (x1 - x0) * width, (y1 - y0) * height)
    )
    scales = ("log" if _axis(layout, name).get("type") == "log" else "linear" for name in pair)
    panel.set(**dict(zip(("xscale", "yscale"), scales, strict=True)))
    return panel


def _dress(panel, pair, layout) -> None:
    """Give axes their ranges, ticks and titles."""
    if pair[0] == "scene":
        panel.set_aspect("equal")
        return
    for letter, settings in zip("xy", (_axis(layout, name) for name in pair), strict=True):
        axis, is_log = getattr(panel, f"{letter}axis"), settings.get("type") == "log"
        if settings.get("range") is not None:
            ends = [10**end if is_log else end for end in settings["range"]]
            panel.set(**{f"{letter}lim": ends})
        if settings.get("tickvals") is not None:
            axis.set_ticks(_values(settings["tickvals"]), settings.get("ticktext"))
        axis.set_minor_locator(NullLocator())
        axis.grid(settings.get("showgrid", True))
        if settings.get("showticklabels") is False:
            axis.set_tick_params(labelbottom=False, labelleft=False)
        axis.set_label_text(_plain(settings.get("title")))
        if settings.get("visible") is False:
            axis.set_visible(False)
            panel.spines["bottom" if letter == "x" else "left"].set_visible(False)
        if settings.get("scaleanchor"):
            panel.set_aspect("equal", adjustable="box", anchor="N")


def _scatter(panel, trace, layout, color, label) -> None:
    x, y = _values(trace.get("x")), _values(trace.get("y"))
    x, y = (v if any(isinstance(u, str) for u in v) else np.array(v, float)
            for v in (x or range(len(y)), y))  # fmt: skip
    mode = trace.get("mode") or ("lines+markers" if len(x) < 20 else "lines")
    line, marker, alpha = trace.get("line", {}), trace.get("marker", {}), trace.get("opacity", 1)
    color = line.get("color", color)
    if trace.get("fill"):
        panel.fill(x, y, color=_paint(trace["fillcolor"]), linewidth=0)
    if "lines" in mode:
        panel.plot(x, y, color=_paint(color), lw=line.get("width", 2), alpha=alpha, label=label,
                   ls=_DASHES.get(line.get("dash"), "-"))  # fmt: skip
    if "markers" in mode and marker.get("opacity", 1):
        label = None if "lines" in mode else label
        alpha *= marker.get("opacity", 1)
        _markers(panel, x, y, {"color": color} | marker, layout, alpha, label)
    if "text" in mode:
        inks = np.broadcast_to(trace.get("textfont", {}).get("color", INK), len(x))
        for a, b, text, ink in zip(x, y, trace["text"], inks, strict=True):
            if text and a == a and b == b:
                panel.text(a, b, _plain(text), color=_paint(ink), ha="center", va="center")


def _markers(panel, x, y, marker, layout, alpha, label) -> None:
    sizes = np.broadcast_to(np.array(marker.get("size", 6), float), len(x))
    paint = _paint(marker["color"], marker, layout)
    if marker.get("symbol") == "arrow":
        for k in np.flatnonzero(sizes * np.isfinite(x)):
            head = dict(arrowstyle="-|>,head_length=0.9,head_width=0.4", lw=0, shrinkA=0, shrinkB=0,
                        mutation_scale=sizes[k], color=paint)  # fmt: skip
            panel.annotate("", (x[k], y[k]), (x[k - 1], y[k - 1]), arrowprops=head)
        return
    symbol, edge = marker.get("symbol", "circle"), marker.get("line", {})
    shape, hollow = _MARKERS.get(symbol.removesuffix("-open"), "o"), symbol.endswith("-open")
    rim = paint if hollow or shape in "x|" else _paint(edge.get("color", "none"))
    looks = dict(marker=shape, label=label, alpha=alpha, rasterized=len(x) > 200)
    if isinstance(paint, str) and len(set(sizes)) == 1:  # drawn as one thing, which is small
        panel.plot(x, y, ls="none", ms=sizes[0], mec=rim, mew=edge.get("width", 1.5),
                   mfc="none" if hollow else paint, **looks)  # fmt: skip
    else:
        looks |= dict(color=paint) if shape in "x|" else dict(
            facecolors="none" if hollow else paint, edgecolors=rim)  # fmt: skip
        panel.scatter(x, y, sizes**2, zorder=2, linewidths=edge.get("width", 1.5), **looks)


def _bar(panel, trace, layout, color, label) -> None:
    flat, marker = trace.get("orientation") == "h", {"color": color} | trace.get("marker", {})
    lengths, places = (_values(trace[axis]) for axis in ("xy" if flat else "yx"))
    before = panel.containers
    thick, base = 1 - layout.get("bargap", 0.2), np.zeros(len(places))
    if layout.get("barmode") == "stack" and before:
        base = before[-1].toyutils_ends
    elif layout.get("barmode") == "group":  # of two
        thick /= 2
        places = [place + thick * (len(before) - 0.5) for place in places]
    options = dict(color=_paint(marker["color"], marker, layout), label=label)
    if marker.get("pattern", {}).get("shape"):
        options |= dict(hatch="////", facecolor="none", edgecolor=options.pop("color"))
    bars = (panel.barh(places, lengths, thick, base, **options) if flat
            else panel.bar(places, lengths, thick, base, **options))  # fmt: skip
    bars.toyutils_ends = base + lengths
    if trace.get("text") is not None:
        words = [t if v > 0.03 else "" for t, v in zip(trace["text"], lengths, strict=True)]
        panel.bar_label(bars, words, label_type="center", color=trace["textfont"]["color"])


def _heatmap(panel, trace, layout, *_) -> None:
    z = _grid(trace["z"])
    edges = [
        _edges(trace.get(letter), n, getattr(panel, f"get_{letter}scale")() == "log")
        for letter, n in (("x", z.shape[1]), ("y", z.shape[0]))
    ]
    panel.pcolormesh(*edges, np.ma.masked_invalid(z), rasterized=True, alpha=trace.get("opacity"),
                     **_scale(trace, layout, z))  # fmt: skip


def _edges(centres, n: int, is_log: bool) -> np.ndarray:
    """Return the n + 1 borders of cells around `centres`, half-way on the axis's own scale."""
    centres = np.array(range(n) if centres is None else _values(centres), float)
    centres = np.log10(centres) if is_log else centres
    half = np.diff(centres) / 2 if n > 1 else np.array([0.5])
    edges = np.concatenate([[centres[0] - half[0]], centres[:-1] + half[: n - 1],
                            [centres[-1] + half[-1]]])  # fmt: skip
    return 10**edges if is_log else edges


def _contour(panel, trace, layout, *_) -> None:
    z, given = _grid(trace["z"]), trace["contours"]
    levels = np.arange(given["start"], given["end"] + given["size"] / 2, given["size"])
    panel.contourf(_values(trace["x"]), _values(trace["y"]), z, levels, extend="both",
                   antialiased=False, alpha=trace.get("opacity"),
                   **_scale(trace, layout, z)).set_rasterized(True)  # fmt: skip


def _in_space(panel, trace, layout, color, label) -> None:
    x, y, z = (np.array(_values(trace[axis]), float) for axis in "xyz")
    if trace["type"] == "mesh3d":
        corners = np.stack([_values(trace[corner]) for corner in "ijk"], 1)
        panel.plot_trisurf(x, y, z, triangles=corners, alpha=trace["opacity"], lw=0,
                           color=_paint(trace["color"]))  # fmt: skip
    elif trace["mode"] == "lines":
        panel.plot(x, y, z, color=trace["line"]["color"], lw=trace["line"]["width"] / 2)
    else:
        marker = trace["marker"]
        panel.scatter(x, y, z, s=marker["size"] ** 2, c=_paint(marker["color"]), alpha=1)
        for *place, text in zip(x, y, z, trace.get("text", ()), strict=False):
            panel.text(*(1.15 * v for v in place), text, ha="center", va="center")


_DRAW = {"scatter": _scatter, "bar": _bar, "heatmap": _heatmap, "contour": _contour,
         "scatter3d": _in_space, "mesh3d": _in_space}  # fmt: skip


def _add(item, page, panels, area) -> None:
    """Draw a straight line, a circle, a text, or a text with an arrow."""
    refs = [item.get(f"{axis}ref") or axis for axis in "xy"]
    names = [ref.partition(" ")[0] for ref in refs]
    panel = next((p for pair, p in panels.items() if pair[0] == names[0] or pair[1] == names[1]),
                 next(iter(panels.values())))  # fmt: skip
    left, bottom, right, top = area
    paper = Affine2D().scale(right - left, top - bottom).translate(left, bottom) + page.transFigure
    how = [paper if ref == "paper" else panel.transAxes if "domain" in ref else panel.transData
           for ref in refs]  # fmt: skip
    how = how[0] if how[0] is how[1] else blended_transform_factory(*how)
    line = item.get("line", {})
    looks = dict(lw=line.get("width", 1), ls=_DASHES.get(line.get("dash"), "-"), transform=how,
                 color=_paint(line.get("color", INK)))  # fmt: skip
    if item.get("type") == "line":
        panel.add_artist(Line2D([item["x0"], item["x1"]], [item["y0"], item["y1"]], **looks))
    elif item.get("type") == "circle":
        x, y, width, height = *((item[f"{axis}0"] + item[f"{axis}1"]) / 2 for axis in "xy"), *(
            item[f"{axis}1"] - item[f"{axis}0"] for axis in "xy")  # fmt: skip
        panel.add_artist(Ellipse((x, y), width, height, fill=False, **looks))
    elif "text" in item:
        _annotate(panel, item, refs, how)


def _annotate(panel, note, refs, how) -> None:
    # Unlike a shape, an annotation counts in exponents on a logarithmic axis.
    scales = panel.get_xscale(), panel.get_yscale()
    x, y = (10 ** note[axis] if scale == "log" and ref[1:].isdigit() | (ref == axis) else note[axis]
            for axis, ref, scale in zip("xy", refs, scales, strict=True))  # fmt: skip
    font, text = note.get("font", {}), note["text"]
    looks = dict(size=min(font.get("size", 12), 12), color=font.get("color", INK), xycoords=how,
                 textcoords="offset points", annotation_clip=False,
                 weight="bold" if text.startswith("<b>") else "normal")  # fmt: skip
    if note.get("showarrow", True):
        style = "<|-" if note.get("arrowside") == "start" else "-|>"
        arrow = dict(arrowstyle=style, shrinkA=5, shrinkB=0, lw=note.get("arrowwidth", 1),
                     color=note.get("arrowcolor", INK))  # fmt: skip
        panel.annotate(_plain(text), (x, y), (note["ax"], -note["ay"]), ha="center", va="center",
                       arrowprops=arrow, **looks)  # fmt: skip
        return
    sides = (note.get(f"{axis}anchor", "center") for axis in "xy")
    ha, va = ("center" if side in ("auto", "middle") else side for side in sides)
    shift = note.get("xshift", 0), note.get("yshift", 0)
    panel.annotate(_plain(text), (x, y), shift, ha=ha, va=va, **looks)


def _color_bar(page, traces, layout, area) -> None:
    for trace in traces:
        bar = _shown_scale(trace, layout)
        if bar:
            holder = trace if "z" in trace else trace["marker"]
            how = _scale(holder, layout, trace.get("z", holder.get("color")))
            axes = page.add_axes((area[2] + 18 / _WIDTH, area[1], 12 / _WIDTH, area[3] - area[1]))
            page.colorbar(ScalarMappable(**how), cax=axes).outline.set_visible(False)
            if bar.get("ticktext"):
                axes.set_yticks(bar["tickvals"], bar["ticktext"])
            axes.set_title(_plain(bar.get("title")), size=11, loc="right", pad=8)
            return


def _shown_scale(trace, layout) -> dict | None:
    """Return the settings of the bar that explains a trace's colours, where there is one."""
    for holder in (trace, trace.get("marker", {})):
        name = holder.get("coloraxis")
        scale = layout.get(name, {}) if name else holder
        own = holder.get("type") in ("heatmap", "contour")
        if (name or own) and scale.get("showscale", True):
            return {"title": ""} | scale.get("colorbar", {})
    return None


def _scale(holder, layout, values) -> dict:
    """Return the cmap and norm that numbers of `holder`, a trace or a marker, go by."""
    scale = layout.get(holder["coloraxis"], {}) if holder.get("coloraxis") else holder
    seen = _grid(values) if "z" in holder else np.array(_values(values), float)
    low = scale.get("cmin", scale.get("zmin", np.nanmin(seen)))
    high = scale.get("cmax", scale.get("zmax", np.nanmax(seen)))
    stops = scale.get("colorscale") or "Viridis"
    stops = get_colorscale(stops) if isinstance(stops, str) else stops
    cmap = LinearSegmentedColormap.from_list("", [(place, _paint(color)) for place, color in stops])
    return dict(cmap=cmap, norm=Normalize(low, high))


def _paint(color, holder=None, layout=None):
    """Return colours as matplotlib takes them; plotly also writes rgb(…), or numbers on a scale."""
    if isinstance(color, str):
        parts = [float(number) for number in re.findall(r"[\d.]+", color)]
        return (*(v / 255 for v in parts[:3]), *parts[3:]) if color.startswith("rgb") else color
    if len(color) and isinstance(color[0], str):
        return [_paint(one) for one in color]
    how = _scale(holder, layout, color)
    return how["cmap"](how["norm"](np.array(_values(color), float)))


def _in_legend(trace, layout, n_traces: int) -> bool:
    """Tell whether a trace is named in the legend."""
    named = trace.get("name") and trace.get("showlegend", True)
    return bool(named and layout.get("showlegend", n_traces > 1) and "z" not in trace)


def _pair(trace) -> tuple[str, str]:
    space = trace.get("type") in ("scatter3d", "mesh3d")
    return ("scene", "") if space else (trace.get("xaxis", "x"), trace.get("yaxis", "y"))


def _axis(layout, name: str) -> dict:
    return layout.get(f"{name[0]}axis{name[1:]}", {})


def _plain(value) -> str:
    """Return the plain text of a title, which may be a dict, and of its markup."""
    value = value.get("text") if isinstance(value, dict) else value
    return re.sub(r"<[^>]+>", "", (value or "").replace("<br>", "\n")).strip()


def _grid(z) -> np.ndarray:
    return np.array([_values(row) for row in _values(z)], float)


def _values(values) -> list:
    """Return a list of numbers, words or None; plotly may hand over packed bytes."""
    if isinstance(values, dict):
        array = np.frombuffer(base64.b64decode(values["bdata"]), np.dtype(values["dtype"]))
        shape = [int(n) for n in str(values.get("shape", len(array))).split(",")]
        return array.reshape(shape).tolist()
    return values.tolist() if isinstance(values, np.ndarray) else list(values or ())
