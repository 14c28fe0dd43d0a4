"""A plotly figure as a still SVG, drawn by matplotlib from the figure's own data.

For where no JavaScript runs: previews of code hosts, exported pages, print, the README. It draws
what the figures of this package are made of, not all that plotly can. Only `show.still` imports
this module, so that matplotlib is loaded when a figure is displayed and not before.
"""

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
    "grid.color": (0.5, 0.5, 0.5, 0.25), "grid.linewidth": 1, "lines.scale_dashes": False,
    "xtick.color": FAINT, "ytick.color": FAINT, "xtick.labelcolor": INK, "ytick.labelcolor": INK,
    "legend.frameon": False, "legend.numpoints": 1,
}  # fmt: skip
_DASHES = {"dash": (0, (6, 4)), "dot": (0, (2, 3)), "dashdot": (0, (6, 3, 2, 3)),
           "longdash": (0, (10, 5))}  # fmt: skip
_MARKERS = {"square": "s", "diamond": "D", "cross": "P", "triangle-up": "^", "x": "x",
            "pentagon": "p", "star": "*", "line-ns": "|"}  # fmt: skip


def draw(fig: dict) -> str | None:
    """Return an SVG of a figure, given as a dict of data and layout, or None if it cannot.

    Of a film, the last frame is drawn. The same figure gives the same text. Whatever the figures
    of this package do not hold, such as packed arrays, may raise anything.
    """
    layout, traces = fig.get("layout", {}), _at_the_end(fig)
    if not traces or any(trace.get("type", "scatter") not in _DRAW for trace in traces):
        return None
    height = layout.get("height", 400)
    with rc_context(_SETTINGS):
        page = Figure(figsize=(_WIDTH / 72, height / 72), dpi=72)  # a point is a pixel
        names = [_named(trace, layout, len(traces)) for trace in traces]
        longest = max((len(name) for name in names if name), default=1)
        columns = max(1, int((_WIDTH - 70) // (44 + _LETTER * longest)))
        area = _area(layout, math.ceil(len({*names} - {None}) / columns))
        panels = {
            pair: _panel(page, pair, layout, area) for pair in dict.fromkeys(map(_pair, traces))
        }
        for k, (trace, name) in enumerate(zip(traces, names, strict=True)):
            drawing = _DRAW[trace.get("type", "scatter")]
            drawing(panels[_pair(trace)], trace, layout, kind(k), name)
        for pair, panel in panels.items():
            _dress(panel, pair, layout)
        for item in (*layout.get("shapes", ()), *layout.get("annotations", ())):
            _add(item, page, panels, area)
        if any(names):
            page.legend(ncols=columns, loc="lower left", bbox_to_anchor=(area[0] - 0.02, 0))
        if _bar_of(layout) is not None:
            _color_bar(page, layout, area)
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
            traces[place] = traces[place] | {axis: change[axis] for axis in "xyz" if axis in change}
    return [trace for trace in traces if trace.get("visible", True) is True]


def _area(layout, legend_rows: int) -> tuple[float, float, float, float]:
    """Return left, bottom, right and top of all panels, as shares of the page."""
    height, top = layout.get("height", 400), layout.get("margin", {}).get("t", 30)
    ticks = (layout[name].get("ticktext") for name in layout if name.startswith("yaxis"))
    left = max([60, *(34 + _LETTER * len(word) for words in ticks for word in words or ())])
    right = _WIDTH - (20 if _bar_of(layout) is None else 90)
    bottom = (48 + 18 * legend_rows) / height
    return left / _WIDTH, bottom, right / _WIDTH, 1 - min(top, 80) / height


def _panel(page, pair, layout, area):
    left, bottom, right, top = area
    if pair[0] == "scene":
        domain = layout["scene"].get("domain") or {}
        (x0, x1), (y0, y1) = domain.get("x", (0, 1)), domain.get("y", (0, 1))
        low = y0 and bottom + y0 * (top - bottom)  # alone, a scene has the page
        box = x0, low, x1 - x0, bottom + y1 * (top - bottom) - low
        panel = page.add_axes(box, projection="3d")
        x, y, z = (layout["scene"]["camera"]["eye"][axis] for axis in "xyz")
        panel.view_init(np.degrees(np.arctan2(z, np.hypot(x, y))), np.degrees(np.arctan2(y, x)))
        panel.set_axis_off()
        return panel
    (x0, x1), (y0, y1) = (_axis(layout, name).get("domain") or (0, 1) for name in pair)
    width, height = right - left, top - bottom
    box = left + x0 * width, bottom + y0 * height, (x1 - x0) * width, (y1 - y0) * height
    x_scale, y_scale = ("log" if _is_log(_axis(layout, name)) else "linear" for name in pair)
    return page.add_axes(box, xscale=x_scale, yscale=y_scale)


def _dress(panel, pair, layout) -> None:
    """Give axes their ranges, ticks and titles."""
    if pair[0] == "scene":
        panel.set_aspect("equal")
        return
    for letter, settings in zip("xy", (_axis(layout, name) for name in pair), strict=True):
        axis = getattr(panel, f"{letter}axis")
        if settings.get("range") is not None:
            ends = [10**end if _is_log(settings) else end for end in settings["range"]]
            panel.set(**{f"{letter}lim": ends})
        if settings.get("tickvals") is not None:
            axis.set_ticks(settings["tickvals"], settings.get("ticktext"))
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
    x, y = (np.array(trace[axis], float) for axis in "xy")
    mode, line, marker = trace["mode"], trace.get("line", {}), trace.get("marker", {})
    color, alpha = line.get("color", color), trace.get("opacity", 1)
    if trace.get("fill"):
        panel.fill(x, y, color=_paint(trace["fillcolor"]), linewidth=0)
    if "lines" in mode:
        panel.plot(x, y, color=color, lw=line.get("width", 2), alpha=alpha, label=label,
                   ls=_DASHES.get(line.get("dash"), "-"))  # fmt: skip
    if "markers" in mode and marker.get("opacity", 1):
        looks = dict(label=None if "lines" in mode else label, rasterized=len(x) > 200)
        looks["alpha"] = alpha * marker.get("opacity", 1)
        _markers(panel, x, y, {"color": color} | marker, layout, looks)
    if "text" in mode:
        ink = trace.get("textfont", {}).get("color", INK)
        for a, b, text in zip(x, y, trace["text"], strict=True):
            if text and math.isfinite(a):
                panel.text(a, b, _plain(text), color=ink, ha="center", va="center")


def _markers(panel, x, y, marker, layout, looks) -> None:
    sizes = np.broadcast_to(np.array(marker.get("size", 6), float), len(x))
    symbol, edge = marker.get("symbol", "circle"), marker.get("line", {})
    paint, width = _paint(marker["color"], layout), edge.get("width", 1.5)
    if symbol == "arrow":
        for k in np.flatnonzero(sizes * np.isfinite(x)):
            head = dict(arrowstyle="-|>,head_length=0.9,head_width=0.4", lw=0, shrinkA=0, shrinkB=0,
                        mutation_scale=sizes[k], color=paint)  # fmt: skip
            panel.annotate("", (x[k], y[k]), (x[k - 1], y[k - 1]), arrowprops=head)
        return
    shape, hollow = _MARKERS.get(symbol.removesuffix("-open"), "o"), symbol.endswith("-open")
    rim = paint if hollow or shape in "x|" else edge.get("color", "none")
    if isinstance(paint, str) and len(set(sizes)) == 1:  # drawn as one thing, which is small
        panel.plot(x, y, ls="none", marker=shape, ms=sizes[0], mec=rim, mew=width,
                   mfc="none" if hollow else paint, **looks)  # fmt: skip
    else:
        looks |= dict(color=paint) if shape == "|" else dict(
            facecolors="none" if hollow else paint, edgecolors=rim)  # fmt: skip
        panel.scatter(x, y, sizes**2, marker=shape, zorder=2, linewidths=width, **looks)


def _bar(panel, trace, layout, color, label) -> None:
    flat, marker = trace.get("orientation") == "h", {"color": color} | trace.get("marker", {})
    lengths, places = (np.array(trace[axis], float) for axis in ("xy" if flat else "yx"))
    before, mode = panel.containers, layout.get("barmode")
    thick, base = 1 - layout.get("bargap", 0.2), 0 * places
    if mode == "stack" and before:
        base = before[-1].toyutils_ends
    elif mode == "group":  # of two
        thick /= 2
        places = places + thick * (len(before) - 0.5)
    looks = dict(color=_paint(marker["color"], layout), label=label)
    if marker.get("pattern", {}).get("shape"):
        looks |= dict(hatch="////", facecolor="none", edgecolor=looks.pop("color"))
    bars = (panel.barh if flat else panel.bar)(places, lengths, thick, base, **looks)
    bars.toyutils_ends = base + lengths
    if trace.get("text") is not None:
        words = [t if v > 0.03 else "" for t, v in zip(trace["text"], lengths, strict=True)]
        panel.bar_label(bars, words, label_type="center", color=trace["textfont"]["color"])


def _heatmap(panel, trace, layout, *_) -> None:
    z = np.array(trace["z"], float)
    x = _edges(trace.get("x", range(z.shape[1])), panel.get_xscale() == "log")
    y = _edges(trace.get("y", range(z.shape[0])), panel.get_yscale() == "log")
    panel.pcolormesh(x, y, np.ma.masked_invalid(z), rasterized=True, **_scale(layout, z))


def _edges(centres, is_log: bool) -> np.ndarray:
    """Return the borders of cells around `centres`, half-way on the axis's own scale."""
    centres = np.log10(centres) if is_log else np.array(centres, float)
    half = np.diff(centres) / 2 if len(centres) > 1 else np.array([0.5])
    inner = centres[:-1] + half[: len(centres) - 1]
    edges = np.concatenate([[centres[0] - half[0]], inner, [centres[-1] + half[-1]]])
    return 10**edges if is_log else edges


def _contour(panel, trace, layout, *_) -> None:
    z, given = np.array(trace["z"], float), trace["contours"]
    levels = np.arange(given["start"], given["end"] + given["size"] / 2, given["size"])
    looks = dict(extend="both", antialiased=False, alpha=trace.get("opacity"), **_scale(layout, z))
    panel.contourf(trace["x"], trace["y"], z, levels, **looks).set_rasterized(True)


def _in_space(panel, trace, *_) -> None:
    x, y, z = (np.array(trace[axis], float) for axis in "xyz")
    if trace["type"] == "mesh3d":
        corners = np.stack([trace[corner] for corner in "ijk"], 1)
        panel.plot_trisurf(x, y, z, triangles=corners, alpha=trace["opacity"], lw=0,
                           color=trace["color"])  # fmt: skip
    elif trace["mode"] == "lines":
        panel.plot(x, y, z, color=trace["line"]["color"], lw=trace["line"]["width"] / 2)
    else:
        marker = trace["marker"]
        panel.scatter(x, y, z, s=marker["size"] ** 2, c=marker["color"], alpha=1)
        for *place, text in zip(x, y, z, trace["text"], strict=True):
            panel.text(*(1.15 * v for v in place), text, ha="center", va="center")


_DRAW = {"scatter": _scatter, "bar": _bar, "heatmap": _heatmap, "contour": _contour,
         "scatter3d": _in_space, "mesh3d": _in_space}  # fmt: skip


def _add(item, page, panels, area) -> None:
    """Draw a straight line, a circle, a text, or a text with an arrow."""
    references = [item.get(f"{axis}ref") or axis for axis in "xy"]
    names = [reference.partition(" ")[0] for reference in references]
    panel = next((p for pair, p in panels.items() if pair[0] == names[0] or pair[1] == names[1]),
                 next(iter(panels.values())))  # fmt: skip
    left, bottom, right, top = area
    paper = Affine2D().scale(right - left, top - bottom).translate(left, bottom) + page.transFigure
    how = [paper if name == "paper" else panel.transAxes if "domain" in name else panel.transData
           for name in references]  # fmt: skip
    how = how[0] if how[0] is how[1] else blended_transform_factory(*how)
    if "text" in item:
        # Unlike a line, a text counts in exponents on a logarithmic axis.
        scales = panel.get_xscale(), panel.get_yscale()
        axes = zip("xy", scales, references, names, strict=True)
        place = [10 ** item[axis] if scale == "log" and reference == name else item[axis]
                 for axis, scale, reference, name in axes]  # fmt: skip
        return _annotate(panel, item, place, how)
    x0, x1, y0, y1 = (item[end] for end in ("x0", "x1", "y0", "y1"))
    line = item.get("line", {})
    looks = dict(lw=line.get("width", 1), ls=_DASHES.get(line.get("dash"), "-"), transform=how,
                 color=line.get("color", INK))  # fmt: skip
    if item["type"] == "circle":
        middle = (x0 + x1) / 2, (y0 + y1) / 2
        panel.add_artist(Ellipse(middle, x1 - x0, y1 - y0, fill=False, **looks))
    else:
        panel.add_artist(Line2D([x0, x1], [y0, y1], **looks))
    return None


def _annotate(panel, note, place, how) -> None:
    font, text = note.get("font", {}), note["text"]
    looks = dict(size=min(font.get("size", 12), 12), color=font.get("color", INK), xycoords=how,
                 textcoords="offset points", annotation_clip=False,
                 weight="bold" if text.startswith("<b>") else "normal")  # fmt: skip
    if note.get("showarrow", True):
        style = "<|-" if note.get("arrowside") == "start" else "-|>"
        arrow = dict(arrowstyle=style, color=note.get("arrowcolor", INK), shrinkA=5, shrinkB=0,
                     lw=note.get("arrowwidth", 1))  # fmt: skip
        looks |= dict(arrowprops=arrow, ha="center", va="center")
        shift = note["ax"], -note["ay"]
    else:
        sides = (note.get(f"{axis}anchor", "center") for axis in "xy")
        ha, va = ("center" if side in ("auto", "middle") else side for side in sides)
        looks |= dict(ha=ha, va=va)
        shift = note.get("xshift", 0), note.get("yshift", 0)
    panel.annotate(_plain(text), place, shift, **looks)


def _bar_of(layout) -> dict | None:
    """Return the settings of the bar that explains the colours, if there is one."""
    scale = layout.get("coloraxis", {"showscale": False})
    return scale.get("colorbar", {}) if scale.get("showscale", True) else None


def _color_bar(page, layout, area) -> None:
    bar = _bar_of(layout)
    axes = page.add_axes((area[2] + 18 / _WIDTH, area[1], 12 / _WIDTH, area[3] - area[1]))
    page.colorbar(ScalarMappable(**_scale(layout)), cax=axes).outline.set_visible(False)
    if bar.get("ticktext"):
        axes.set_yticks(bar["tickvals"], bar["ticktext"])
    axes.set_title(_plain(bar.get("title")), size=11, loc="right", pad=8)


def _scale(layout, values=(0, 1)) -> dict:
    """Return the cmap and norm that numbers go by, here those of all traces."""
    scale = layout.get("coloraxis", {})
    low, high = scale.get("cmin", np.nanmin(values)), scale.get("cmax", np.nanmax(values))
    stops = scale.get("colorscale") or "Viridis"
    stops = get_colorscale(stops) if isinstance(stops, str) else stops
    cmap = LinearSegmentedColormap.from_list("", [(place, _paint(color)) for place, color in stops])
    return dict(cmap=cmap, norm=Normalize(low, high))


def _paint(color, layout=None):
    """Return colours as matplotlib takes them; plotly also writes rgb(…), or numbers on a scale."""
    if isinstance(color, str):
        parts = [float(number) for number in re.findall(r"[\d.]+", color)]
        return (*(v / 255 for v in parts[:3]), *parts[3:]) if color.startswith("rgb") else color
    if isinstance(color[0], str):
        return [_paint(one) for one in color]
    how = _scale(layout, color)
    return how["cmap"](how["norm"](np.array(color)))


def _named(trace, layout, n_traces: int) -> str | None:
    """Return the name under which a trace stands in the legend."""
    shown = layout.get("showlegend", n_traces > 1) and trace.get("showlegend", True)
    return (trace.get("name") or None) if shown and "z" not in trace else None


def _pair(trace) -> tuple[str, str]:
    space = trace.get("type") in ("scatter3d", "mesh3d")
    return ("scene", "") if space else (trace.get("xaxis", "x"), trace.get("yaxis", "y"))


def _axis(layout, name: str) -> dict:
    return layout.get(f"{name[0]}axis{name[1:]}", {})


def _is_log(settings: dict) -> bool:
    return settings.get("type") == "log"


def _plain(value) -> str:
    """Return the plain text of a title, which may be a dict, and of its markup."""
    value = value.get("text") if isinstance(value, dict) else value
    return re.sub(r"<[^>]+>", "", (value or "").replace("<br>", "\n")).strip()
