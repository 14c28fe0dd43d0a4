"""The animations in a real browser, on a plain page: play, pause, scrub, and a narrow window."""

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


def arrows_animation():
    model = ReLUModel(5, 2)
    history = train(model, IndependentFeatures(5, 0.9), n_steps=200, batch_size=32, progress=False)
    return plots.arrows_animation(history)


def training_dashboard():
    x = IndependentFeatures(2, 0.0).sample(100, generator=torch.Generator().manual_seed(0))
    return plots.training_dashboard(train(LinearModel(2, 1), x, n_steps=300, progress=False), x[0])


def turning_arrow():
    angle = torch.linspace(0, 6, 40)
    W = torch.eye(2, 3).repeat(40, 1, 1)
    W[:, :, 2] = torch.stack([angle.cos(), angle.sin()], 1)
    return plots.turning_arrow(W, angle.rad2deg(), angle.cos() + 1)


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


@pytest.mark.parametrize("make", [arrows_animation, training_dashboard, turning_arrow])
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


@pytest.mark.parametrize("make", [arrows_animation, training_dashboard, turning_arrow])
@pytest.mark.parametrize("width", [900, 400])
def test_geometry_keeps_equal_scales(browser_page, tmp_path, make, width):
    plot, _ = show(browser_page, make(), tmp_path, width)
    x, y = plot.evaluate(
        "f => [f._fullLayout.xaxis, f._fullLayout.yaxis]"
        ".map(a => a._length / (a.range[1] - a.range[0]))"
    )
    assert x == pytest.approx(y, rel=0.02)
    assert plot.bounding_box()["width"] <= width
    assert x > 10  # still a drawing, not a speck


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
