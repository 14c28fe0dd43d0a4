"""Figures in a real browser, on a plain page: films, hovering, narrow windows, dark pages."""

import plotly.io as pio
import pytest
import torch
from plotly.offline import get_plotlyjs

from tests.browser import lab
from toyutils import plots
from toyutils.features import IndependentFeatures
from toyutils.models import LinearModel, ReLUModel
from toyutils.training import train

ARROWS = "f => JSON.stringify(f._fullData.slice(0, 3).map(t => [...t.x, ...t.y]))"


def trained(seed=0):
    model = ReLUModel(5, 2, seed=seed)
    return train(model, IndependentFeatures(5, 0.9), n_steps=200, batch_size=32, progress=False)


def arrows_animation():
    return plots.arrows_animation(trained())


def two_films():
    return plots.arrows_animation({"one": trained(), "other": trained(1)})


def training_dashboard():
    x = IndependentFeatures(2, 0.0).sample(100, generator=torch.Generator().manual_seed(0))
    return plots.training_dashboard(train(LinearModel(2, 1), x, n_steps=300, progress=False), x[0])


def turning_arrow():
    angle = torch.linspace(0, 6, 40)
    W = torch.eye(2, 3).repeat(40, 1, 1)
    W[:, :, 2] = torch.stack([angle.cos(), angle.sin()], 1)
    return plots.turning_arrow(W, angle.rad2deg(), angle.cos() + 1)


FILMS = [arrows_animation, two_films, training_dashboard, turning_arrow]


@pytest.fixture(scope="module")
def browser_page():
    with lab.open_browser(width=900, height=900) as page:
        yield page


def show(page, figure, folder, width):
    page.set_viewport_size({"width": width, "height": 900})
    path = folder / "figure.html"
    figure.write_html(path, include_plotlyjs=True, auto_play=False)
    errors = []
    # Pausing makes plotly reject the promise of the running animation, with nothing: no error.
    page.on("pageerror", lambda e: errors.append(str(e)) if str(e) != "undefined" else None)
    page.goto(path.as_uri())
    plot = page.locator(".js-plotly-plot")
    plot.locator(".main-svg").first.wait_for()
    return plot, errors


@pytest.mark.parametrize("make", FILMS)
def test_play_pause_and_scrub(browser_page, tmp_path, make):
    plot, errors = show(browser_page, make(), tmp_path, 900)
    start = plot.evaluate(ARROWS)
    plot.locator(".updatemenu-button", has_text="play").click()
    browser_page.wait_for_timeout(1000)
    plot.locator(".updatemenu-button", has_text="pause").click()
    browser_page.wait_for_timeout(300)
    paused = plot.evaluate(ARROWS)
    assert paused != start
    browser_page.wait_for_timeout(400)
    assert plot.evaluate(ARROWS) == paused
    rail = plot.locator(".slider-rail-touch-rect").bounding_box()
    seen = set()
    for share in (0.1, 0.5, 0.9):
        browser_page.mouse.click(rail["x"] + share * rail["width"], rail["y"] + 4)
        browser_page.wait_for_timeout(400)
        seen.add(plot.evaluate(ARROWS))
    assert len(seen) == 3
    assert errors == []


@pytest.mark.parametrize("make", FILMS)
@pytest.mark.parametrize("width", [900, 400])
def test_geometry_keeps_equal_scales(browser_page, tmp_path, make, width):
    plot, _ = show(browser_page, make(), tmp_path, width)
    x, y = plot.evaluate(
        "f => [f._fullLayout.xaxis, f._fullLayout.yaxis]"
        ".map(a => a._length / (a.range[1] - a.range[0]))"
    )
    assert x == pytest.approx(y, rel=0.02)
    assert plot.bounding_box()["width"] <= width
    assert x > 20  # still a drawing, not a speck


def feature_arrows():
    return plots.feature_arrows(torch.randn(5, 2, 5), [f"S = {k}: square" for k in range(5)])


def gram_grid():
    return plots.gram_grid(torch.randn(4, 5, 20), torch.randn(4, 20), list("abcd"))


def norm_bars():
    return plots.norm_bars(torch.randn(3, 5, 20), list("abc"))


def region_map():
    grid = torch.logspace(-2, 0, 20)
    region = (grid[:, None] > grid[None]).long()
    drawings = {"pair": [[1.0, -1.0]]}
    return plots.region_map(grid, grid, region, ["pair", "one left out"], drawings=drawings)


TITLES = """f => [...f.querySelectorAll('.xtitle, .ytitle, .annotation-text')]
    .map(t => [t.textContent, t.getBoundingClientRect().toJSON()])"""


@pytest.mark.parametrize("make", [*FILMS, feature_arrows, gram_grid, norm_bars, region_map])
@pytest.mark.parametrize("width", [900, 400])
def test_titles_do_not_lie_on_each_other(browser_page, tmp_path, make, width):
    plot, _ = show(browser_page, make(), tmp_path, width)
    boxes = [(text, box) for text, box in plot.evaluate(TITLES) if box["width"]]
    assert boxes
    for k, (text, a) in enumerate(boxes):
        for other, b in boxes[k + 1 :]:
            beside = a["right"] <= b["left"] + 1 or b["right"] <= a["left"] + 1
            apart = a["bottom"] <= b["top"] + 1 or b["bottom"] <= a["top"] + 1
            assert beside or apart, (text, other)


def test_hovering_an_arrow_tells_where_its_tip_is(browser_page, tmp_path):
    W = torch.tensor([[1.0], [0.5]])
    plot, _ = show(browser_page, plots.feature_arrows([W]), tmp_path, 900)
    tip, name = plot.evaluate(
        """f => [1, 6].map(k => [f._fullLayout.xaxis, f._fullLayout.yaxis]
            .map((a, j) => a._offset + a.d2p(f._fullData[0][j ? 'y' : 'x'][k])))"""
    )
    page = plot.evaluate("f => { const b = f.getBoundingClientRect(); return [b.x, b.y]; }")
    for x, y in (tip, name):
        browser_page.mouse.move(page[0] + x - 40, page[1] + y - 40)
        browser_page.mouse.move(page[0] + x + 2, page[1] + y, steps=4)
        browser_page.wait_for_timeout(300)
        text = plot.locator(".hoverlayer").text_content()
        assert "feature 0: (1.00, 0.50), length 1.12" in text, (x, y)


@pytest.mark.parametrize("color", ["white", "rgb(17, 17, 17)"])
def test_pages_show_through(browser_page, tmp_path, color):
    plot, _ = show(browser_page, norm_bars(), tmp_path, 900)
    browser_page.evaluate("color => { document.body.style.background = color; }", color)
    for part in (".main-svg", ".bg"):
        fills = plot.locator(part).evaluate_all(
            "all => all.map(e => [getComputedStyle(e).background, e.style.fillOpacity])"
        )
        assert fills
        assert all("rgba(0, 0, 0, 0)" in back or opacity == "0" for back, opacity in fills)


@pytest.mark.parametrize("network", [True, False])
def test_on_colab_plotly_takes_the_place_of_the_still_drawing(browser_page, monkeypatch, network):
    """The HTML that Colab shows, with plotly's program reachable and not."""
    monkeypatch.setenv("COLAB_RELEASE_TAG", "x")
    fig = plots.curves([1.0, 2.0], {"loss": [0.1, 0.2]}, x_title="x", y_title="y")
    html = pio.renderers["toyutils"].to_mimebundle(fig.to_dict())["text/html"]
    program = get_plotlyjs()
    page = browser_page.context.new_page()
    page.route("**/*", lambda route: (
        route.fulfill(body=program, content_type="text/javascript",
                      headers={"Access-Control-Allow-Origin": "*"}) if network else route.abort()
    ))  # fmt: skip
    page.set_content(html, wait_until="load")
    page.wait_for_timeout(1000)
    drawn, still = page.locator(".js-plotly-plot .main-svg"), page.locator("[id^=still-] > svg")
    counts = drawn.count(), still.count()
    page.close()
    assert (counts[0] > 0, counts[1]) == (network, 0 if network else 1)
