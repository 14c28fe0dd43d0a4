"""How a figure is shown and stored: one bundle that every front end finds its form in."""

import base64
import os
from html import escape
from uuid import uuid4

import plotly.io as pio
from plotly.io.base_renderers import PlotlyRenderer

from toyutils.plots.look import alt_text


class _Everywhere(PlotlyRenderer):
    """Store a figure in every form that a front end may want, without plotly's 4 MB program.

    JupyterLab, Notebook 7 and VS Code draw the data and need no network. Where no JavaScript runs
    (previews of code hosts, exported pages), HTML shows the still drawing with its text
    alternative; print takes the drawing, and where there are no pictures, there is the text.
    Colab's HTML fetches plotly and begins with the still drawing.
    """

    def to_mimebundle(self, fig_dict):
        bundle = super().to_mimebundle(fig_dict)
        alt = alt_text(fig_dict.get("layout", {}))
        if alt:
            bundle["text/plain"] = alt
        drawing = still(fig_dict)
        if drawing:
            bundle["image/svg+xml"] = drawing
        if "COLAB_RELEASE_TAG" in os.environ:
            bundle["text/html"] = _html(fig_dict, drawing or "")
        elif drawing:
            bundle["text/html"] = image(drawing, alt)
        return bundle


def still(fig_dict: dict) -> str | None:
    """Return an SVG of a figure, given as a dict, or None where it cannot be drawn.

    That is so without matplotlib, which is loaded here and nowhere else, and for whatever the
    figures of this package do not use.
    """
    try:
        from toyutils.plots.still import draw

        return draw(fig_dict)
    except Exception:  # a reader's own figure may hold anything; it is displayed all the same
        return None


def image(drawing: str, alt: str) -> str:
    """Return HTML of an SVG as a picture with its text alternative."""
    data = base64.b64encode(drawing.encode()).decode()
    return f'<img alt="{escape(alt)}" src="data:image/svg+xml;base64,{data}">'


def _html(fig_dict, drawing: str) -> str:
    """Return HTML that shows the drawing until plotly, from its own network, takes its place."""
    name = f"still-{uuid4().hex}"
    figure = pio.to_html(
        fig_dict, include_plotlyjs="cdn", full_html=False, validate=False,
        post_script=f"document.getElementById('{name}').remove();",
    )  # fmt: skip
    return f'<div id="{name}">{drawing}</div>{figure}'


_BEFORE = pio.renderers.default


def off() -> None:
    """Display plotly figures again as before `toyutils.plots` was imported."""
    pio.renderers.default = _BEFORE


pio.renderers["toyutils"] = _Everywhere()
if "PLOTLY_RENDERER" not in os.environ:  # whoever sets it has chosen
    pio.renderers.default = "toyutils"
