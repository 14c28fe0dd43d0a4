"""Pages with the live apps: the module alone, and the standalone page, watched for complaints."""

from pathlib import Path

import pytest

from tests.browser import lab
from toyutils import live

SCRIPT = (Path(live.__file__).parent / "live.js").read_text(encoding="utf-8")
NAMES = (
    "lossAndGradient, forward, expectedLoss, fitBiases, featureNorms, interference, nameShape, "
    "nameSolid, neighbours, importances, makeRandom, randomModel, sampleActive, Trainer, descend, "
    "finish, branches, perturbation, attackedError, worstPush, Dictionary, drawStates, "
    "matchLatents, chanceOfMatch"
)
# Models and tensors go in and out as plain lists.
HELPERS = """
window.given = ({n, m, W, b}) => ({n, m, W: Float64Array.from(W), b: Float64Array.from(b)});
"""


@pytest.fixture(scope="module")
def browser():
    with lab.open_browser() as page:
        yield page.context.browser


@pytest.fixture(scope="module")
def module(browser):
    """A page that holds nothing but the module, as `window.live`, and `given` for models."""
    page = browser.new_page()
    code = f"{SCRIPT}\n{HELPERS}\nwindow.live = {{ {NAMES} }};"
    page.add_script_tag(content=code, type="module")
    page.wait_for_function("window.live")
    yield page
    page.close()


@pytest.fixture
def open_page(browser, tmp_path):
    """Open the standalone page from disk; afterwards see to complaints and requests."""
    path = tmp_path / "live.html"
    path.write_text(live.page(), encoding="utf-8")
    pages, complaints, requests = [], [], []

    def opened(width=800, height=1200, **media):
        page = browser.new_page(viewport={"width": width, "height": height}, **media)
        pages.append(page)
        page.on("console", lambda m: complaints.append(f"{m.type}: {m.text}"))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(path.as_uri())
        page.wait_for_function("window.apps?.dictionary")
        return page

    yield opened
    for page in pages:
        page.close()
    assert complaints == []
    assert all(url.startswith(("file:", "data:", "blob:")) for url in requests)


@pytest.fixture
def page(open_page):
    return open_page()
