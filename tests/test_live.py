"""The Python side of the widgets; the browser's side is tested in tests/browser/test_live.py."""

import re
from pathlib import Path

import pytest
import torch
import traitlets

from toyutils import live
from toyutils.plots import feature_color

FOLDER = Path(live.__file__).parent


def bundle_of(widget):
    bundle = widget._repr_mimebundle_()
    return bundle[0] if isinstance(bundle, tuple) else bundle


@pytest.mark.parametrize(
    ("widget", "words", "n_arrows"),
    [
        (lambda: live.LivePentagon(n_features=4, sparsity=0.8), "4 features", 4),
        (lambda: live.DragFeatures(n_features=4, sparsity=0.8), "4 features", 4),
        (lambda: live.Attack(W=[[1, 0, -1, 0, 0], [0, 1, 0, -1, 0]]), "5 features", 4),
        (lambda: live.Attack(), "5 features", 5),
        (lambda: live.PhaseMap(density=0.2, ratio=1), "2 features", 2),
        (lambda: live.Solids(n_features=4), "4 features in three dimensions", 0),
        (lambda: live.Dictionary(), "8 latents", 5),
    ],
)
def test_a_front_end_without_widgets_gets_a_picture_and_a_line(widget, words, n_arrows):
    data = bundle_of(widget())
    assert "application/vnd.jupyter.widget-view+json" in data
    assert data["text/plain"].startswith(words)
    assert "Run this notebook" in data["text/plain"]
    assert data["image/svg+xml"].startswith("<svg")
    assert data["text/plain"] in data["image/svg+xml"]
    for i in range(n_arrows):
        assert feature_color(i).lower() in data["image/svg+xml"]


def test_the_picture_shows_a_trained_model():
    assert "pentagon" in bundle_of(live.LivePentagon(sparsity=0.97))["text/plain"]
    phase = bundle_of(live.PhaseMap(density=0.2, ratio=1))["text/plain"]
    first, second = (float(x) for x in re.findall(r"-?\d\.\d\d", phase)[-2:])
    assert first == pytest.approx(-second, abs=0.011)  # an equal pair


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: live.LivePentagon(sparsity=1.2), "sparsity"),
        (lambda: live.LivePentagon(n_features=9), "n_features"),
        (lambda: live.LivePentagon(importance="0.5^i"), "importance"),
        (lambda: live.DragFeatures(n_features=2), "n_features"),
        (lambda: live.DragFeatures(n_features=3, W=[[1, 0], [0, 1]]), "two rows of 3"),
        (lambda: live.Attack(W=[[1, 0], [0, 1]]), "two rows of 5"),
        (lambda: live.Attack(x=[2, 0, 0, 0, 0]), r"\[0, 1\]"),
        (lambda: live.Attack(x=[1, 0]), "x"),
        (lambda: live.PhaseMap(density=0), "density"),
        (lambda: live.PhaseMap(ratio=20), "ratio"),
        (lambda: live.Solids(n_features=3), "n_features"),
        (lambda: live.Dictionary(n_latents=1), "n_latents"),
        (lambda: live.Dictionary(k=5), "k"),
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
    assert len(script.encode()) <= 90_000
    addresses = set(re.findall(r"https?://[^\s\"'`<]+", live.page()))
    notebooks = {address for address in addresses if address.endswith("/blob/main/notebooks/")}
    # A name, which nobody opens; and where links lead, when clicked.
    assert addresses - notebooks == {"http://www.w3.org/2000/svg"}
    assert len(notebooks) == 1
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
