"""The Python side of the widgets; the browser's side is tested in tests/browser/test_live.py."""

import re
from pathlib import Path

import pytest
import torch
import traitlets

from toyutils import live
from toyutils.plots import feature_color

FOLDER = Path(live.__file__).parent


@pytest.mark.parametrize("widget", [live.LivePentagon, live.DragFeatures])
def test_a_front_end_without_widgets_gets_a_picture_and_a_line(widget):
    bundle = widget(n_features=4, sparsity=0.8)._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert "application/vnd.jupyter.widget-view+json" in data
    assert data["text/plain"].startswith("4 features")
    assert "Run this notebook" in data["text/plain"]
    assert data["image/svg+xml"].startswith("<svg")
    assert data["text/plain"] in data["image/svg+xml"]
    assert all(feature_color(i).lower() in data["image/svg+xml"] for i in range(4))


def test_the_picture_shows_a_trained_model():
    data = live.LivePentagon(sparsity=0.97)._repr_mimebundle_()
    data = data[0] if isinstance(data, tuple) else data
    assert "pentagon" in data["text/plain"]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: live.LivePentagon(sparsity=1.2), "sparsity"),
        (lambda: live.LivePentagon(n_features=9), "n_features"),
        (lambda: live.LivePentagon(importance="0.5^i"), "importance"),
        (lambda: live.DragFeatures(n_features=2), "n_features"),
        (lambda: live.DragFeatures(n_features=3, W=[[1, 0], [0, 1]]), "two rows of 3"),
    ],
)
def test_settings_out_of_range_are_refused(make, words):
    with pytest.raises(traitlets.TraitError, match=words):
        make()


def test_state_is_what_was_given():
    widget = live.DragFeatures(n_features=3, W=[[1.0, 0, -1], [0, 1, 0]], sparsity=0.5)
    assert torch.tensor(widget.W).shape == (2, 3)
    assert widget.sparsity == 0.5
    assert widget.loss is None  # the browser says


def test_small_and_alone():
    script = (FOLDER / "live.js").read_text(encoding="utf-8")
    assert len(script.encode()) <= 60_000
    addresses = set(re.findall(r"https?://[^\s\"'`<]+", live.page()))
    assert addresses == {"http://www.w3.org/2000/svg"}  # a name, which nobody opens
    assert "import(" not in script
    assert not re.search(r"^\s*import ", script.replace(" *   import", ""), re.M)


def test_the_page_is_written_by_a_command(tmp_path):
    import subprocess
    import sys

    target = tmp_path / "live.html"
    command = [sys.executable, "-m", "toyutils.live"]
    subprocess.run([*command, target], check=True, capture_output=True)
    assert target.read_text(encoding="utf-8") == live.page()
    wrong = subprocess.run(command, capture_output=True, text=True)
    assert wrong.returncode
    assert "live.html" in wrong.stderr
