"""How a figure is shown and stored: one bundle that every front end finds its form in."""

import os
from uuid import uuid4

import plotly.io as pio
from plotly.io.base_renderers import PlotlyRenderer

from toyutils.plots.look import alt_text
from toyutils.plots.still import still


class _Everywhere(PlotlyRenderer):
    """Store a figure in every form that a front end may want, without plotly's 4 MB program.

    JupyterLab, Notebook 7 and VS Code draw the data and need no network. Where no JavaScript runs
    (previews of code hosts, PDF), the still drawing is shown; where there are no pictures, the
    text alternative. Colab takes HTML, which fetches plotly and begins with the still drawing.
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
        return bundle


def _html(fig_dict, drawing: str) -> str:
    """Return HTML that shows the drawing until plotly, from its own network, takes its place."""
    name = f"still-{uuid4().hex}"
    figure = pio.to_html(
        fig_dict, include_plotlyjs="cdn", full_html=False, validate=False,
        post_script=f"document.getElementById('{name}').remove();",
    )  # fmt: skip
    return f'<div id="{name}">{drawing}</div>{figure}'


pio.renderers["toyutils"] = _Everywhere()
if "PLOTLY_RENDERER" not in os.environ:  # whoever sets it has chosen
    pio.renderers.default = "toyutils"
