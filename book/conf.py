"""How Sphinx builds the book; `make book` calls it through tools/book.py."""

import json
from pathlib import Path

from tools import notebooks

HERE = Path(__file__).parent
HOME = notebooks.home()
SITE = notebooks.book_address(HOME)

project = "Superposition, by doing"
author = "The authors of Superposition, by doing"
copyright = "the authors; code MIT, text and figures CC BY 4.0"
language = "en"

extensions = ["myst_nb", "sphinx_copybutton", "sphinx_design", "sphinxcontrib.katex"]
exclude_patterns = ["extra", "static"]
suppress_warnings = ["mystnb.unknown_mime_type", "myst.header"]

nb_execution_mode = "off"
nb_ipywidgets_js = {}
nb_merge_streams = True
nb_render_text_lexer = "none"
myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence"]
myst_heading_anchors = 3
myst_dmath_double_inline = True
katex_prerender = True
katex_css_path = "katex/katex.min.css"

html_theme = "sphinx_book_theme"
html_title = project
html_baseurl = SITE
html_static_path = ["static"]
html_extra_path = ["extra"]
html_css_files = ["book.css", "live.css"]
html_js_files = [("book.js", {"defer": "defer"})]
html_favicon = "static/favicon.svg"
html_copy_source = False
html_show_sourcelink = False
html_context = {"default_mode": "auto"}
html_theme_options = {
    "repository_url": HOME["repository"],
    "repository_branch": HOME["ref"],
    "use_repository_button": True,
    "use_edit_page_button": True,
    "use_download_button": False,
    "use_fullscreen_button": False,
    "home_page_in_toc": True,
    "show_navbar_depth": 1,
    "launch_buttons": {
        "colab_url": "https://colab.research.google.com",
        "binderhub_url": "https://mybinder.org",
        "notebook_interface": "jupyterlab",
    },
}

_DESCRIPTION = (
    "A course in notebooks: how a neural network stores more features than it has dimensions, "
    "every claim computed over many seeds and held against exact theory."
)
_DESCRIPTIONS = json.loads((HERE / "course.json").read_text(encoding="utf-8"))


def _head(app, pagename, templatename, context, doctree):
    """Give each page a description without formulas and a preview picture."""
    about = _DESCRIPTIONS.get(pagename, _DESCRIPTION).replace('"', "&quot;")
    title = context.get("title", project).replace('"', "&quot;")
    context["metatags"] = context.get("metatags", "") + "".join(
        f'<meta {kind}="{name}" content="{content}">'
        for kind, name, content in (
            ("name", "description", about),
            ("property", "og:title", title),
            ("property", "og:description", about),
            ("property", "og:type", "article"),
            ("property", "og:url", f"{SITE}{pagename}.html"),
            ("property", "og:image", f"{SITE}preview.png"),
            ("property", "og:image:alt", "Five arrows in a plane, a regular pentagon"),
        )
    )


def setup(app):
    """Let every page have a head of its own."""
    app.connect("html-page-context", _head)
