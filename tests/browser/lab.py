"""A real JupyterLab and a real browser: start the server, open a notebook, run it, look at it.

Everything here is used by the tests in a browser, `python -m tests.browser.shots` and `bench`.
Nothing here knows what a notebook is about.
"""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from secrets import token_hex
from urllib.request import urlopen

from playwright.sync_api import Page, sync_playwright

from tools import browser

BROWSER_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

# Cells outside the window must stay in the page, or their figures could not be looked at; news
# and update checks would go to the network.
_SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}

_STATE = """() => {
    const panel = window.jupyterapp?.shell.currentWidget;
    if (!panel?.context?.isReady) return null;
    const code = panel.content.widgets.filter(cell => cell.model.type === "code");
    return {
        kernel: panel.sessionContext?.session?.kernel?.status ?? null,
        cells: code.map(cell => {
            const model = cell.model.sharedModel.toJSON();
            return {source: [model.source].flat().join(""), count: model.execution_count,
                    outputs: model.outputs, tags: model.metadata.tags ?? []};
        }),
    };
}"""


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab server: its address, its token and the folder it serves."""

    url: str
    token: str
    folder: Path


@contextmanager
def start_lab(notebooks, home, *, timeout=60):
    """Serve copies of the files `notebooks` with JupyterLab on a free local port.

    The server runs in this Python environment, keeps every file of its own under the folder
    `home`, and is ended by its process id. Raises `RuntimeError` with the server's log if it
    does not answer within `timeout` seconds.
    """
    home = Path(home)
    folder = home / "work"
    folder.mkdir(parents=True)
    for notebook in notebooks:
        shutil.copy(notebook, folder)
    log = home / "jupyterlab.log"
    with log.open("w") as stream:
        server = subprocess.Popen(
            [
                *(sys.executable, "-m", "jupyterlab", "--no-browser", "--expose-app-in-browser"),
                *("--ServerApp.ip=127.0.0.1", "--ServerApp.port=18888"),
                *("--ServerApp.port_retries=200", f"--ServerApp.root_dir={folder}"),
                # Run as root inside containers; the server is bound to this machine only.
                "--ServerApp.allow_root=True",
            ],
            cwd=folder,
            env=_environment(home, token := token_hex(16)),
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
        try:
            yield Lab(_wait_for_server(server, home, token, log, timeout), token, folder)
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@contextmanager
def serve(folder):
    """Serve the files of `folder` on a free local port, without a line for each request."""
    handler = partial(_Quiet, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()


@contextmanager
def open_browser(*, width=1400, height=1400, scale=1):
    """Open one page of Debian's Chromium, of Chrome, or of Playwright's own Chromium."""
    path = browser.find()  # before playwright starts: it may ask playwright itself
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=list(BROWSER_FLAGS))
        try:
            context = chromium.new_context(
                viewport={"width": width, "height": height}, device_scale_factor=scale
            )
            yield context.new_page()
        finally:
            chromium.close()


def open_notebook(page: Page, lab: Lab, name, *, figure_width=None, timeout=60):
    """Open the notebook `name` in JupyterLab and wait until its kernel is ready.

    `figure_width` (pixels) narrows every output, as a phone or a half window would.
    """
    page.goto(f"{lab.url}lab/tree/{name}?token={lab.token}&reset")
    if figure_width is not None:
        rule = f".jp-OutputArea-output {{ flex: none !important; width: {figure_width}px; }}"
        page.add_style_tag(content=rule)
    wait_until(lambda: (notebook_state(page) or {}).get("kernel") == "idle", timeout, page, name)


def run_all(page: Page, *, timeout=180):
    """Choose Run > Run All Cells, wait until every code cell has run, return the code cells.

    Each cell is a dict: source, count, outputs (as nbformat stores them), tags. Cells that
    raised are returned too; see `errors`.
    """
    page.locator(".lm-MenuBar-item", has_text="Run").first.click()
    page.locator(".lm-Menu-item", has_text="Run All Cells").first.click()
    wait_until(lambda: _has_run(notebook_state(page)), timeout, page, "Run All Cells")
    page.wait_for_timeout(1000)  # the last figure is drawn after the kernel has become idle
    return notebook_state(page)["cells"]


def notebook_state(page: Page):
    """Return the kernel's status and the code cells of the open notebook, or None."""
    return page.evaluate(_STATE)


def errors(cells):
    """Return the error outputs of `cells` as readable lines."""
    return [
        f"cell {position}: {output['ename']}: {output['evalue']}"
        for position, cell in enumerate(cells)
        for output in cell["outputs"]
        if output["output_type"] == "error"
    ]


def plotly_figures(page: Page):
    """Return a locator per plotly figure of the open notebook, in reading order."""
    return page.locator(".jp-Notebook .js-plotly-plot").all()


def save_figures(page: Page, folder):
    """Write one PNG per plotly figure, in full size, and return their paths."""
    return [
        _shot(figure, Path(folder) / f"figure-{number:02d}.png")
        for number, figure in enumerate(plotly_figures(page), start=1)
    ]


def save_pages(page: Page, folder):
    """Write the whole notebook as a row of PNGs, one window height each; return their paths."""
    scroller = page.locator(".jp-WindowedPanel-outer:visible").first
    height, total = scroller.evaluate("e => [e.clientHeight, e.scrollHeight]")
    paths = []
    for number, top in enumerate(range(0, total, height), start=1):
        scroller.evaluate("(e, top) => { e.scrollTop = top; }", top)
        page.wait_for_timeout(200)
        paths.append(_shot(scroller, Path(folder) / f"page-{number:02d}.png"))
    return paths


def wait_until(condition, timeout, page: Page, what):
    """Wait until `condition()` is true; raise `TimeoutError` naming `what` after `timeout` s."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not done after {timeout} s")
        page.wait_for_timeout(250)


def _environment(home, token):
    """Return an environment in which Jupyter reads and writes only below `home`."""
    settings = home / "settings"
    for name, values in _SETTINGS.items():
        path = settings / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    own = {
        "JUPYTER_TOKEN": token,
        "JUPYTER_CONFIG_DIR": home / "config",
        "JUPYTER_DATA_DIR": home / "data",
        "JUPYTER_RUNTIME_DIR": home / "runtime",
        "JUPYTERLAB_SETTINGS_DIR": settings,
        "JUPYTERLAB_WORKSPACES_DIR": home / "workspaces",
        "IPYTHONDIR": home / "ipython",
    }
    return os.environ | {name: str(value) for name, value in own.items()}


def _wait_for_server(server, home, token, log, timeout):
    """Return the server's address once it answers; the server itself writes it into a file."""
    info = home / "runtime" / f"jpserver-{server.pid}.json"
    end = time.monotonic() + timeout
    while time.monotonic() < end and server.poll() is None:
        try:
            url = json.loads(info.read_text())["url"]
            with urlopen(f"{url}api/status?token={token}", timeout=5):
                return url
        except (OSError, ValueError):
            time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start. Its log:\n{log.read_text()}")


def _has_run(state):
    """Tell whether the kernel is idle and no cell waits: all have a count, or one raised."""
    if state is None or state["kernel"] != "idle":
        return False
    cells = [cell for cell in state["cells"] if cell["source"].strip()]
    return bool(errors(cells)) or all(cell["count"] is not None for cell in cells)


def _shot(locator, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    locator.screenshot(path=path)
    return path
