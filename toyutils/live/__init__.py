"""Models that train in the reader's browser, and things to drag: six widgets and a page of them.

The work is done by `live.js`, one module without dependencies, in the browser; no kernel is
needed for it. Here it becomes widgets (anywidget), whose state Python can read and set, and a page
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
    """What all widgets share: the front end, and a picture where there is none."""

    _esm = _HERE / "live.js"
    _css = _HERE / "live.css"

    kind = traitlets.Unicode().tag(sync=True)
    inputs = traitlets.List(traitlets.Unicode()).tag(sync=True)

    W = traitlets.List(default_value=None, allow_none=True).tag(sync=True)
    b = traitlets.List(default_value=None, allow_none=True).tag(sync=True)

    def _repr_mimebundle_(self, **kwargs):
        """Return the widget's bundle, with a still picture and a line for other front ends."""
        bundle = super()._repr_mimebundle_(**kwargs)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        if data is not None:
            figure, words = self._still()
            data["text/plain"] = f"{words} Run this notebook in Jupyter or Colab to take part."
            drawing = _picture(figure, data["text/plain"])
            if drawing:
                data["image/svg+xml"] = drawing
        return bundle

    def _check_rows(self, W, n_features):
        if W is not None and [len(row) for row in W] != [n_features] * 2:
            raise traitlets.TraitError(
                f"W has rows of {[len(row) for row in W]} numbers; give two rows of "
                f"{n_features}, one number for each feature"
            )
        return W


class LivePentagon(_Live):
    """A ReLU model of two hidden numbers that trains in the browser while you turn its knobs.

    Settings, which can be read and set at any time: `sparsity` in [0, 0.99], `n_features` 2 to 8,
    `importance` "equal", "0.9^i" or "0.7^i", `learning_rate`, `seed`, `running`, and `start_anew`:
    whether a new sparsity begins at the random start again. Results, sent twice a second: `W`
    (two rows of n_features), `b`, the exact expected `loss`, `step`, `shape` (its name), and
    `tally` of the twenty seeds. Out of sight it rests.

    Raises traitlets.TraitError when a setting is out of range.
    """

    sparsity = traitlets.Float(0.97, min=0, max=0.99).tag(sync=True)
    importance = traitlets.Enum(_IMPORTANCES, "equal").tag(sync=True)
    n_features = traitlets.Int(5, min=2, max=8).tag(sync=True)
    learning_rate = traitlets.Enum([0.001, 0.003, 0.01, 0.03], 0.01).tag(sync=True)
    seed = traitlets.Int(0, min=0).tag(sync=True)
    running = traitlets.Bool(True).tag(sync=True)
    start_anew = traitlets.Bool(True).tag(sync=True)
    loss = traitlets.Float(None, allow_none=True).tag(sync=True)
    shape = traitlets.Unicode("").tag(sync=True)
    step = traitlets.Int(0).tag(sync=True)
    tally = traitlets.Unicode("").tag(sync=True)

    def __init__(self, **settings):
        names = ["sparsity", "n_features", "importance", "learning_rate", "seed", "running"]
        super().__init__(kind="pentagon", inputs=[*names, "start_anew"], **settings)

    def _still(self):
        from toyutils import geometry, plots

        n = self.n_features
        W = _trained(n, 2, self.sparsity, self.importance, self.learning_rate, self.seed).W[0]
        words = f"{n} features at sparsity {self.sparsity:g}, trained: {geometry.name_shape(W)}."
        return plots.feature_arrows(W), words


class DragFeatures(_Live):
    """Three to six feature directions in the plane, to be dragged by hand.

    Settings: `n_features` 3 to 6, `sparsity` in [0, 0.99], `importance` as in `LivePentagon`, and
    `W` itself, two rows. Results, sent after every change: `W`, the best biases for it `b`, its
    exact expected `loss`, the reader's `best` loss so far (what gradient descent finished does not
    count), the `optimum` (the lowest known, None while it is looked for), `excess` (by which share
    the best is above it), `shape`, and whether a `training` that the reader started is under way.

    Raises traitlets.TraitError when a setting is out of range.
    """

    sparsity = traitlets.Float(0.9, min=0, max=0.99).tag(sync=True)
    importance = traitlets.Enum(_IMPORTANCES, "equal").tag(sync=True)
    n_features = traitlets.Int(3, min=3, max=6).tag(sync=True)
    loss = traitlets.Float(None, allow_none=True).tag(sync=True)
    shape = traitlets.Unicode("").tag(sync=True)
    best = traitlets.Float(None, allow_none=True).tag(sync=True)
    optimum = traitlets.Float(None, allow_none=True).tag(sync=True)
    excess = traitlets.Float(None, allow_none=True).tag(sync=True)
    training = traitlets.Bool(False).tag(sync=True)

    def __init__(self, **settings):
        names = ["sparsity", "n_features", "importance", "W"]
        super().__init__(kind="drag", inputs=names, **settings)

    @traitlets.validate("W")
    def _two_rows(self, proposal):
        return self._check_rows(proposal["value"], self.n_features)

    def _still(self):
        from toyutils import plots

        angle = torch.deg2rad(torch.linspace(20, 70, self.n_features))
        W = 0.8 * torch.stack([angle.cos(), angle.sin()])
        W = W if self.W is None else torch.tensor(self.W)
        return plots.feature_arrows(W), f"{self.n_features} features to be placed by hand."


class Attack(_Live):
    """A trained pentagon whose input you disturb: drag its hidden numbers, watch the outputs.

    Settings: `W` (two rows of five) and `b` of the model, trained in the browser if left out; the
    input `x` (five numbers in [0, 1]); `size`, the longest perturbation, in [0, 1]; `push`, how far
    the two hidden numbers are moved, kept to what `size` allows. Results, sent after every change:
    the perturbation `delta`, the shortest with that push, δ = Wᵀ(W Wᵀ)⁻¹ push; the outputs `y`
    under attack; the mean squared `error` without and `attacked` with it; and whether the model is
    `ready`.

    Raises traitlets.TraitError when a setting is out of range.

    Source: Toy Models of Superposition, "Superposition and Adversarial Examples"; notebook 13.
    """

    x = traitlets.List(traitlets.Float(), [1.0, 0, 0, 0, 0], 5, 5).tag(sync=True)
    size = traitlets.Float(0.3, min=0, max=1).tag(sync=True)
    push = traitlets.List(traitlets.Float(), [0.0, 0], 2, 2).tag(sync=True)
    delta = traitlets.List(traitlets.Float()).tag(sync=True)
    y = traitlets.List(traitlets.Float()).tag(sync=True)
    error = traitlets.Float(None, allow_none=True).tag(sync=True)
    attacked = traitlets.Float(None, allow_none=True).tag(sync=True)
    ready = traitlets.Bool(False).tag(sync=True)

    def __init__(self, **settings):
        super().__init__(kind="attack", inputs=["W", "b", "x", "size", "push"], **settings)

    @traitlets.validate("W")
    def _two_rows(self, proposal):
        return self._check_rows(proposal["value"], 5)

    @traitlets.validate("x")
    def _in_range(self, proposal):
        x = proposal["value"]
        if not all(0 <= value <= 1 for value in x):
            raise traitlets.TraitError(f"x is {x}; every input lies in [0, 1]")
        return x

    def _still(self):
        from toyutils import plots

        W = _trained(5, 2, 0.97).W[0] if self.W is None else torch.tensor(self.W)
        return plots.feature_arrows(W), "5 features in two numbers, to be attacked."


class PhaseMap(_Live):
    """Two features in one number: a map of the optimum, and a model that you carry across it.

    Settings: `density` p = 1 - S in [0.01, 1] and `ratio`, the importance of feature 1 over that
    of feature 0, in [0.1, 10]. Results, sent when it has arrived: the carried model's `W` (one row)
    and `b`, its exact `loss` (mean over features, feature 0 with importance 1) and `branch`; the
    loss of the `optimum` and its `optimum_branch`; and whether the model has arrived (`ready`).
    A model that is carried goes downhill only, so it can stay in a valley that is no longer the
    lowest.

    Raises traitlets.TraitError when a setting is out of range.

    Source: Toy Models of Superposition, "Superposition as a Phase Change"; notebook 09.
    """

    density = traitlets.Float(0.5, min=0.01, max=1).tag(sync=True)
    ratio = traitlets.Float(0.3, min=0.1, max=10).tag(sync=True)
    loss = traitlets.Float(None, allow_none=True).tag(sync=True)
    branch = traitlets.Unicode("").tag(sync=True)
    optimum = traitlets.Float(None, allow_none=True).tag(sync=True)
    optimum_branch = traitlets.Unicode("").tag(sync=True)
    ready = traitlets.Bool(False).tag(sync=True)

    def __init__(self, **settings):
        super().__init__(kind="phase", inputs=["density", "ratio"], **settings)

    def _still(self):
        from toyutils import optima, plots

        importance = torch.tensor([1.0, self.ratio], dtype=torch.float64)
        best = optima.best_relu_model(2, 1, 1 - self.density, importance, n_restarts=12)
        words = (
            f"2 features in one number at density {self.density:g}, importances 1 and "
            f"{self.ratio:g}: W = {best.W[0, 0]:.2f}, {best.W[0, 1]:.2f}."
        )
        return plots.feature_arrows(best.W), words


class Solids(_Live):
    """Four to eight features in three dimensions that arrange themselves as you watch.

    Settings: `n_features` 4 to 8, `sparsity` in [0, 0.99], `importance` as in `LivePentagon`,
    `seed`, `running`, and `view`: turn and tilt in degrees. Results, sent twice a second: `W`
    (three rows), `b`, the exact expected `loss`, `step`, and `shape`, the name of the solid.

    Raises traitlets.TraitError when a setting is out of range.

    Source: Toy Models of Superposition, "The Geometry of Superposition"; notebook 11.
    """

    n_features = traitlets.Int(6, min=4, max=8).tag(sync=True)
    sparsity = traitlets.Float(0.9, min=0, max=0.99).tag(sync=True)
    importance = traitlets.Enum(_IMPORTANCES, "equal").tag(sync=True)
    seed = traitlets.Int(0, min=0).tag(sync=True)
    running = traitlets.Bool(True).tag(sync=True)
    view = traitlets.List(traitlets.Float(), [30.0, 20], 2, 2).tag(sync=True)
    loss = traitlets.Float(None, allow_none=True).tag(sync=True)
    shape = traitlets.Unicode("").tag(sync=True)
    step = traitlets.Int(0).tag(sync=True)

    def __init__(self, **settings):
        names = ["n_features", "sparsity", "importance", "seed", "running", "view"]
        super().__init__(kind="solids", inputs=names, **settings)

    def _still(self):
        from toyutils import geometry, plots

        n = self.n_features
        W = _trained(n, 3, self.sparsity, self.importance, 0.02, self.seed).W[0]
        kept = int(geometry.represented(W).sum())
        words = (
            f"{n} features in three dimensions at sparsity {self.sparsity:g}, {kept} represented."
        )
        return plots.polytope(W), words


class Dictionary(_Live):
    """A sparse autoencoder that looks for a trained pentagon's directions in its hidden states.

    Settings: `n_latents` 2 to 12, `k` 1 to 4 (how many latents a state may use), `seed`,
    `running`, and `W` (two rows of five) and `b` of the model, trained in the browser if left out.
    Results, sent twice a second: `W_dec`, a row of two for each latent; `step`; `recovered`, the
    share of the directions that a latent of its own matches to within cosine 0.99; `unexplained`,
    the share of the states' variance that is lost; and whether the model is `ready`.

    Raises traitlets.TraitError when a setting is out of range.

    Source: notebook 16.
    """

    n_latents = traitlets.Int(8, min=2, max=12).tag(sync=True)
    k = traitlets.Int(1, min=1, max=4).tag(sync=True)
    seed = traitlets.Int(0, min=0).tag(sync=True)
    running = traitlets.Bool(True).tag(sync=True)
    W_dec = traitlets.List().tag(sync=True)
    step = traitlets.Int(0).tag(sync=True)
    recovered = traitlets.Float(None, allow_none=True).tag(sync=True)
    unexplained = traitlets.Float(None, allow_none=True).tag(sync=True)
    ready = traitlets.Bool(False).tag(sync=True)

    def __init__(self, **settings):
        names = ["n_latents", "k", "seed", "running", "W", "b"]
        super().__init__(kind="dictionary", inputs=names, **settings)

    @traitlets.validate("W")
    def _two_rows(self, proposal):
        return self._check_rows(proposal["value"], 5)

    def _still(self):
        from toyutils import plots

        W = _trained(5, 2, 0.97).W[0] if self.W is None else torch.tensor(self.W)
        words = f"{self.n_latents} latents look for 5 directions in two hidden numbers."
        return plots.feature_arrows(W), words


# What stands on the page: kind, its function, heading and one line above it.
_PARTS = [
    ("drag", "mountDrag", "By hand", "Can you place the features as well as gradient descent?"),
    ("attack", "mountAttack", "Attack",
     "Features that share two numbers can be disturbed through each other."),
    ("phase", "mountPhaseMap", "Phases",
     "Two features, one number. Which is kept, or do both share it?"),
    ("solids", "mountSolids", "Solids", "With three hidden numbers, features arrange in space."),
    ("dictionary", "mountDictionary", "Dictionary",
     "Can the five directions be found again, from the hidden numbers alone?"),
]  # fmt: skip


def page() -> str:
    """Return one HTML page with the story and all apps; it needs neither kernel nor network."""
    script = (_HERE / "live.js").read_text(encoding="utf-8").replace("</script", "<\\/script")
    style = (_HERE / "live.css").read_text(encoding="utf-8")
    sections = "\n".join(
        f'<h2 id="{kind}-title">{heading}</h2>\n<p>{line}</p>\n<div id="{kind}"></div>'
        for kind, _, heading, line in _PARTS
    )
    mounts = "\n".join(f'apps.{kind} = {mount}(here("{kind}"));' for kind, mount, *_ in _PARTS)
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
{style}
/* On a phone the picture stands between the story and the slider: all three are seen at once. */
@media (max-width: 500px) {{
  h1 {{ font-size: 22px; margin: 4px 0; }}
  #pentagon .tu-live {{ display: flex; flex-direction: column; }}
  #pentagon .tu-views {{ display: contents; }}
  #pentagon .tu-views > .tu-plane {{ order: -1; align-self: center; }}
}}
</style>
</head>
<body>
<main>
<h1>Superposition, live</h1>
<div id="story"></div>
<div id="pentagon"></div>
{sections}
</main>
<script type="module">
{script}
const here = (id) => document.getElementById(id);
const apps = {{ mount: MOUNTS }};
apps.pentagon = mountPentagon(here("pentagon"), {{ sparsity: 0, importance: "0.9^i" }});
apps.story = mountStory(here("story"), apps.pentagon, {{ notebooks: "{_notebooks()}" }});
{mounts}
window.apps = apps;
</script>
</body>
</html>
"""


def _notebooks() -> str:
    """Return the address of the notebooks' folder, by what the installed package says of itself."""
    from importlib import metadata

    try:
        urls = metadata.metadata("toyutils").get_all("Project-URL") or []
    except metadata.PackageNotFoundError:
        return ""
    home = dict(url.split(", ", 1) for url in urls).get("Repository")
    return f"{home}/blob/main/notebooks/" if home else ""


def _trained(
    n_features, n_hidden, sparsity, importance="equal", learning_rate=0.01, seed=0
) -> torch.nn.Module:
    """Train the model that the browser would, by the same recipe, and return it."""
    from toyutils.features import IndependentFeatures
    from toyutils.models import ReLUModel
    from toyutils.training import train

    base = 1.0 if importance == "equal" else float(importance[:3])
    model = ReLUModel(n_features, n_hidden, seed=seed)
    train(model, IndependentFeatures(n_features, sparsity), n_steps=1500, batch_size=128,
          learning_rate=learning_rate, schedule="cosine", optimizer="adam",
          importance=base ** torch.arange(n_features), record_at=1, progress=False)  # fmt: skip
    return model.requires_grad_(False)


def _picture(figure, words: str) -> str | None:
    """Return `figure` as an SVG, or None without a library to draw it."""
    from toyutils.plots.show import still

    return still(figure.update_layout(meta={"alt": words}).to_dict())
