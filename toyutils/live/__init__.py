"""Models that train in the reader's browser, and arrows to drag: two widgets.

The work is done by `live.js`, one module without dependencies, in the browser; no kernel is
needed for it. Here it becomes a widget (anywidget), whose state Python can read and set, and a page
that works from disk:

    python -m toyutils.live live.html
"""

from pathlib import Path

import anywidget
import torch
import traitlets

_HERE = Path(__file__).parent
_IMPORTANCES = ["equal", "0.9^i", "0.7^i"]


class _Live(anywidget.AnyWidget):
    """What both widgets share: the front end, and a picture where there is none."""

    _esm = _HERE / "live.js"
    _css = _HERE / "live.css"

    kind = traitlets.Unicode().tag(sync=True)
    inputs = traitlets.List(traitlets.Unicode()).tag(sync=True)

    sparsity = traitlets.Float(0.97, min=0, max=0.99).tag(sync=True)
    importance = traitlets.Enum(_IMPORTANCES, "equal").tag(sync=True)
    W = traitlets.List(default_value=None, allow_none=True).tag(sync=True)
    b = traitlets.List(default_value=None, allow_none=True).tag(sync=True)
    loss = traitlets.Float(None, allow_none=True).tag(sync=True)
    shape = traitlets.Unicode("").tag(sync=True)

    def _repr_mimebundle_(self, **kwargs):
        """Return the widget's bundle, with a still picture and a line for other front ends."""
        bundle = super()._repr_mimebundle_(**kwargs)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        if data is not None:
            W, words = self._still()
            data["text/plain"] = f"{words} Run this notebook in Jupyter or Colab to take part."
            drawing = _picture(W, data["text/plain"])
            if drawing:
                data["image/svg+xml"] = drawing
        return bundle


class LivePentagon(_Live):
    """A ReLU model of two hidden numbers that trains in the browser while you turn its knobs.

    Settings, which can be read and set at any time: `sparsity` in [0, 0.99], `n_features` 2 to 8,
    `importance` "equal", "0.9^i" or "0.7^i", `learning_rate`, `seed`, `running`, and `start_anew`:
    whether a new sparsity begins at the random start again. Results, sent twice a second: `W`
    (two rows of n_features), `b`, `loss` (a moving mean over batches), `step`, `shape` (its
    name), and `tally` of the twenty seeds.

    Raises traitlets.TraitError when a setting is out of range.
    """

    n_features = traitlets.Int(5, min=2, max=8).tag(sync=True)
    learning_rate = traitlets.Enum([0.001, 0.003, 0.01, 0.03], 0.01).tag(sync=True)
    seed = traitlets.Int(0, min=0).tag(sync=True)
    running = traitlets.Bool(True).tag(sync=True)
    start_anew = traitlets.Bool(True).tag(sync=True)
    step = traitlets.Int(0).tag(sync=True)
    tally = traitlets.Unicode("").tag(sync=True)

    def __init__(self, **settings):
        names = ["sparsity", "n_features", "importance", "learning_rate", "seed", "running"]
        super().__init__(kind="pentagon", inputs=[*names, "start_anew"], **settings)

    def _still(self):
        """Train the same model here; return its W and what came of it."""
        from toyutils import geometry
        from toyutils.features import IndependentFeatures
        from toyutils.models import ReLUModel
        from toyutils.training import train

        n = self.n_features
        weights = 1.0 if self.importance == "equal" else float(self.importance[:3])
        model = ReLUModel(n, 2, seed=self.seed)
        train(model, IndependentFeatures(n, self.sparsity), n_steps=1500, batch_size=128,
              learning_rate=self.learning_rate, schedule="cosine", optimizer="adam",
              importance=weights ** torch.arange(n), record_at=1, progress=False)  # fmt: skip
        W = model.W[0].detach()
        return W, f"{n} features at sparsity {self.sparsity:g}, trained: {geometry.name_shape(W)}."


class DragFeatures(_Live):
    """Three to six feature directions in the plane, to be dragged by hand.

    Settings: `n_features` 3 to 6, `sparsity`, `importance`, and `W` itself, two rows. Results, sent
    after every change: `W`, the best biases for it `b`, its exact expected `loss`, the `best` loss
    so far, the `optimum` (the lowest known, None while it is looked for), `shape`, and whether a
    `training` that the reader started is under way.

    Raises traitlets.TraitError when a setting is out of range.
    """

    sparsity = traitlets.Float(0.9, min=0, max=0.99).tag(sync=True)
    n_features = traitlets.Int(3, min=3, max=6).tag(sync=True)
    best = traitlets.Float(None, allow_none=True).tag(sync=True)
    optimum = traitlets.Float(None, allow_none=True).tag(sync=True)
    training = traitlets.Bool(False).tag(sync=True)

    def __init__(self, **settings):
        names = ["sparsity", "n_features", "importance", "W"]
        super().__init__(kind="drag", inputs=names, **settings)

    @traitlets.validate("W")
    def _two_rows(self, proposal):
        W = proposal["value"]
        if W is not None and [len(row) for row in W] != [self.n_features] * 2:
            raise traitlets.TraitError(
                f"W has rows of {[len(row) for row in W]} numbers; give two rows of "
                f"{self.n_features}, one number for each feature"
            )
        return W

    def _still(self):
        angle = torch.deg2rad(torch.linspace(20, 70, self.n_features))
        W = 0.8 * torch.stack([angle.cos(), angle.sin()])
        W = W if self.W is None else torch.tensor(self.W)
        return W, f"{self.n_features} features to be placed by hand."


def page() -> str:
    """Return one HTML page with both apps, which needs neither a kernel nor a network."""
    script = (_HERE / "live.js").read_text(encoding="utf-8").replace("</script", "<\\/script")
    style = (_HERE / "live.css").read_text(encoding="utf-8")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Superposition, live</title>
<link rel="icon" href="data:,">
<style>
html {{ color-scheme: light dark; background: Canvas; color: CanvasText; }}
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 740px; padding: 12px; }}
{style}</style>
</head>
<body>
<main>
<h1>Superposition, live</h1>
<p>Five features have to pass through two numbers. Move the sparsity, and watch the model.</p>
<div id="pentagon"></div>
<h2>By hand</h2>
<p>Can you place the features better than gradient descent?</p>
<div id="drag"></div>
</main>
<script type="module">
{script}
const here = (id) => document.getElementById(id);
const [pentagon, drag] = [mountPentagon(here("pentagon")), mountDrag(here("drag"))];
window.apps = {{ mountPentagon, mountDrag, pentagon, drag }};
</script>
</body>
</html>
"""


def _picture(W: torch.Tensor, words: str) -> str | None:
    """Return an SVG of the directions in W, (2, feature), or None without a library to draw it."""
    from toyutils.plots import feature_arrows
    from toyutils.plots.show import still

    return still(feature_arrows(W).update_layout(meta={"alt": words}).to_dict())
