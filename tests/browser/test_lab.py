"""The learner's path: `make lab`, a real JupyterLab, a real browser, Run All."""

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from tests.browser import lab

ROOT = Path(__file__).parent.parent.parent
FIRST = ROOT / "notebooks" / "01_two_features_one_number.ipynb"


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """Run notebook 01 once in JupyterLab; give the page, its cells and the console errors."""
    messages = []
    home = tmp_path_factory.mktemp("lab")
    with lab.start_lab([FIRST], home) as server, lab.open_browser(width=1400) as page:
        page.on("console", lambda m: messages.append((m.type, m.text)))
        page.on("pageerror", lambda error: messages.append(("error", str(error))))
        lab.open_notebook(page, server, FIRST.name, timeout=120)
        cells = lab.run_all(page, timeout=240)
        lab.save_figures(page, os.environ.get("SCREENSHOTS", home / "shots"))
        yield page, cells, messages


def test_run_all_reaches_the_end_without_an_error(session):
    _, cells, _ = session
    assert lab.errors(cells) == []
    assert all(cell["count"] for cell in cells if cell["source"].strip())


def test_unsolved_exercises_are_calm_and_answers_pass(session):
    _, cells, _ = session
    text = {tag: [] for tag in ("check", "solution")}
    for cell in cells:
        for tag in set(text) & set(cell["tags"]):
            text[tag].append(cell["outputs"][-1]["data"]["text/plain"])
    assert len(text["check"]) >= 3
    assert all("not attempted yet" in "".join(shown) for shown in text["check"])
    assert all("passes the check" in "".join(shown) for shown in text["solution"])


def test_every_figure_is_drawn(session):
    page, cells, _ = session
    stored = [
        output
        for cell in cells
        for output in cell["outputs"]
        if "application/vnd.plotly.v1+json" in output.get("data", {})
    ]
    figures = lab.plotly_figures(page)
    assert len(figures) == len(stored) >= 5
    for figure in figures:
        assert figure.locator(".main-svg").count() > 0
        assert figure.bounding_box()["width"] > 300


def test_saved_outputs_stay_small(session):
    _, cells, _ = session
    assert len(json.dumps([cell["outputs"] for cell in cells])) < 5_000_000


# JupyterLab itself asks for pictures of badges, which this test's closed network refuses.
NOISE = ("net::ERR_", "Failed to load resource")


def test_the_console_shows_no_error(session):
    _, _, messages = session
    errors = [text for kind, text in messages if kind == "error"]
    assert [text for text in errors if not any(noise in text for noise in NOISE)] == []


def dashboard(page):
    return page.locator(".jp-Notebook .js-plotly-plot:has(.slider-container)").first


def drawn(figure):
    """Return the coordinates of what moves: the reconstruction's points and the loss marker."""
    return figure.evaluate("f => JSON.stringify(f._fullData.slice(0, 4).map(t => [...t.y]))")


def step(figure):
    """Return the number that the slider shows."""
    return int(figure.locator(".slider-label").first.text_content().split()[-1])


def test_play_and_pause(session):
    page, _, _ = session
    figure = dashboard(page)
    figure.scroll_into_view_if_needed()
    before = drawn(figure)
    figure.locator(".updatemenu-button", has_text="play").click()
    page.wait_for_timeout(1500)
    figure.locator(".updatemenu-button", has_text="pause").click()
    page.wait_for_timeout(300)
    paused = drawn(figure)
    assert paused != before
    page.wait_for_timeout(500)
    assert drawn(figure) == paused


def test_the_slider_scrubs(session):
    page, _, _ = session
    figure = dashboard(page)
    rail = figure.locator(".slider-rail-touch-rect").bounding_box()
    seen = []
    for share in (0.15, 0.6, 0.97):
        page.mouse.click(rail["x"] + share * rail["width"], rail["y"] + rail["height"] / 2)
        page.wait_for_timeout(400)
        seen.append((step(figure), drawn(figure)))
    steps = [number for number, _ in seen]
    assert steps == sorted(set(steps))
    assert len({picture for _, picture in seen}) == 3


def test_geometry_has_equal_scales(session):
    page, _, _ = session
    scales = dashboard(page).evaluate(
        "f => [f._fullLayout.xaxis, f._fullLayout.yaxis]"
        ".map(a => a._length / (a.range[1] - a.range[0]))"
    )
    assert scales[0] == pytest.approx(scales[1], rel=0.01)


def test_make_lab_serves_the_first_page(tmp_path):
    """A newcomer meets no pop-up about news, and no menu of the tools that grade."""
    flags = "--no-browser --ip=127.0.0.1 --port=18700 --ServerApp.port_retries=200"
    environment = os.environ | {
        "JUPYTER_TOKEN": "check",
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
        "JUPYTER_DATA_DIR": str(tmp_path / "data"),
        "MAKEFLAGS": "",
    }
    log = (tmp_path / "log").open("w")
    process = subprocess.Popen(
        ["make", "lab", f"LAB_FLAGS={flags}"], cwd=ROOT, env=environment, stdout=log,
        stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        end = time.monotonic() + 60
        notebook = None
        while notebook is None and time.monotonic() < end:
            assert process.poll() is None, (tmp_path / "log").read_text()[-2000:]
            for info in (tmp_path / "runtime").glob("jpserver-*.json"):
                try:
                    url = json.loads(info.read_text())["url"]
                    page = f"{url}api/contents/notebooks/00_start_here.ipynb?token=check"
                    with urlopen(page, timeout=5) as answer:
                        notebook = json.load(answer)
                except (URLError, ValueError):
                    pass
            time.sleep(0.3)
        assert notebook is not None, (tmp_path / "log").read_text()[-2000:]
        assert notebook["type"] == "notebook"
        settings = "lab/api/settings/@jupyterlab/apputils-extension:notification"
        with urlopen(f"{url}{settings}?token=check", timeout=5) as answer:
            news = json.load(answer)["schema"]["properties"]
        assert news["fetchNews"]["default"] == "false"
        assert news["checkForUpdates"]["default"] is False
        with urlopen(f"{url}lab?token=check", timeout=5) as answer:
            page = answer.read().decode()
        assert re.search(r'"disabledExtensions": \[[^]]*"@jupyter/nbgrader"', page)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)
        log.close()
