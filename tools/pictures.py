"""Train the models behind the pictures of the README and the book, and draw them.

    python tools/pictures.py        write book/images (a minute)

`five_features.svg`: five features, two hidden numbers, importance 0.9**i, 64 seeds for each of four
sparsities. Above: the feature directions of the first seed. Below: how many features each of the 64
keeps. The setting is that of notebook 00, trained twice as long. `pentagon.svg`: one training at
sparsity 0.97, as a film of some seconds. `preview.png`: how it ends. Nothing is drawn by hand, and
each picture carries a digest of this file and of the package's core, which a test compares.
"""

import hashlib
from pathlib import Path

import torch
from matplotlib.figure import Figure
from plotly.subplots import make_subplots

from toyutils import geometry
from toyutils.features import IndependentFeatures
from toyutils.models import ReLUModel
from toyutils.plots.look import INK, arrow, feature_color, hidden_plane, styled
from toyutils.plots.show import still
from toyutils.training import train

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "book" / "images"
# What the pictures depend on.
CODE = [
    Path(__file__).resolve(),
    *(
        ROOT / f"toyutils/{name}.py"
        for name in ("features", "models", "training", "geometry", "plots/look", "plots/still")
    ),
]
SPARSITIES = (0.0, 0.7, 0.9, 0.97)
N_SEEDS = 64
N_FEATURES = 5


def main():
    IMAGES.mkdir(exist_ok=True)
    W = trained().reshape(len(SPARSITIES), N_SEEDS, 2, N_FEATURES)
    signed(IMAGES / "five_features.svg", still(picture(W).to_dict()))
    path = one_training()
    signed(IMAGES / "pentagon.svg", film(path))
    preview(path[-1], IMAGES / "preview.png")
    print(*sorted(IMAGES.iterdir()), sep="\n")


def digest():
    """Return a digest of the code that the pictures depend on."""
    made = hashlib.sha256()
    for path in CODE:
        made.update(path.read_bytes())
    return made.hexdigest()[:16]


def signed(path, drawing):
    path.write_text(f"{drawing}\n<!-- drawn by code {digest()} -->\n", encoding="utf-8")


def one_training():
    """Return W (record, hidden, feature) of one training at sparsity 0.97."""
    model = ReLUModel(N_FEATURES, 2, seed=1)
    history = train(
        model, IndependentFeatures(N_FEATURES, 0.97), n_steps=1200, batch_size=128,
        learning_rate=1e-2, optimizer="adam", schedule="cosine",
        record_at=[round(1200 * (k / 48) ** 2) for k in range(49)],
    )  # fmt: skip
    return history["W"][:, 0]


def film(path, seconds=7):
    """Return an SVG in which the arrows of `path` (record, hidden, feature) move, over and over.

    It rests on the last record for a third of the time.
    """
    n, held = len(path), len(path) // 2
    times = ";".join(f"{min(k / (n + held - 1), 1):.3f}" for k in [*range(n), n + held - 1])
    scale = 100 / path.abs().max()
    arrows = []
    for i in range(path.shape[2]):
        ends = scale * path[:, :, i]
        moves = "".join(
            f'<animate attributeName="{name}" dur="{seconds}s" repeatCount="indefinite" '
            f'keyTimes="{times}" values="'
            + ";".join(f"{sign * float(v):.1f}" for v in [*ends[:, axis], ends[-1, axis]])
            + '"/>'
            for name, axis, sign in (("x2", 0, 1), ("y2", 1, -1))
        )
        x, y = float(ends[-1, 0]), -float(ends[-1, 1])
        arrows.append(
            f'<line x1="0" y1="0" x2="{x:.1f}" y2="{y:.1f}" stroke="{feature_color(i)}">'
            f"{moves}</line>"
        )
    words = (
        "Five arrows in a plane: the directions that one network gives to five features while it "
        "trains. They begin at random and end as a regular pentagon."
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-120 -120 240 240" width="320" '
        f'height="320" role="img" aria-label="{words}"><title>{words}</title>'
        f'<circle r="{float(scale):.1f}" fill="none" stroke="#888" stroke-dasharray="2 4"/>'
        f'<g stroke-width="6" stroke-linecap="round">{"".join(arrows)}</g></svg>'
    )


def preview(W, target):
    """Write a picture of W (hidden, feature) in the size that links to the book are shown with."""
    page = Figure(figsize=(12, 6.3), dpi=100)
    area = page.add_axes((0.25, 0.05, 0.5, 0.9))
    for i in range(W.shape[1]):
        area.annotate("", W[:, i].tolist(), (0, 0),
                      arrowprops=dict(arrowstyle="-|>", color=feature_color(i), lw=6))  # fmt: skip
    area.set(xlim=(-1.4, 1.4), ylim=(-1.3, 1.3), aspect="equal")
    area.axis("off")
    page.savefig(target, metadata={"Software": f"drawn by code {digest()}"})


def trained():
    """Return W (setting · seed, hidden, feature) after training."""
    sparsity = torch.tensor(SPARSITIES).repeat_interleave(N_SEEDS)[:, None]
    model = ReLUModel(N_FEATURES, 2, n_instances=len(sparsity), seed=0)
    train(
        model,
        IndependentFeatures(N_FEATURES, sparsity),
        n_steps=4000,
        batch_size=128,
        learning_rate=2e-2,
        importance=0.9 ** torch.arange(float(N_FEATURES)),
        optimizer="adam",
        schedule="cosine",
    )
    return model.W.detach()


def picture(W):
    """Return a figure of W (setting, seed, hidden, feature)."""
    counts = [geometry.represented(w).sum(-1).bincount(minlength=N_FEATURES + 1) for w in W]
    titles = [f"<b>S = {S:g}</b>" for S in SPARSITIES]
    fig = make_subplots(2, len(W), subplot_titles=titles, shared_yaxes=True, row_heights=[0.5, 0.5],
                        vertical_spacing=0.1, horizontal_spacing=0.05)  # fmt: skip
    kept = list(range(1, N_FEATURES + 1))
    for column, (w, count) in enumerate(zip(W, counts, strict=True), start=1):
        for i in range(N_FEATURES):
            trace = arrow(w[0, :, i], feature_color(i), f"feature {i}", text=str(i), reach=1.5)
            fig.add_trace(trace, row=1, col=column)
        hidden_plane(fig, 1.5, 1, column, titles=False)
        fig.add_bar(x=kept, y=count[1:].tolist(), marker_color=INK, row=2, col=column)
        for k in kept:
            if count[k]:
                fig.add_annotation(x=k, y=int(count[k]), text=int(count[k]), showarrow=False,
                                   yshift=8, row=2, col=column)  # fmt: skip
    fig.update_xaxes(visible=False, row=1).update_yaxes(visible=False, row=1)
    fig.update_xaxes(tickvals=kept, showgrid=False, row=2)
    fig.update_yaxes(visible=False, range=[0, 1.25 * N_SEEDS], row=2)
    fig.update_xaxes(title=f"features kept, by each of {N_SEEDS} networks", row=2, col=2)
    fig.update_layout(showlegend=False, margin_t=40)
    words = "; ".join(
        f"at sparsity {S:g}, "
        + ", ".join(f"{c} of {N_SEEDS} networks keep {k}" for k, c in enumerate(count) if c)
        for S, count in zip(SPARSITIES, counts, strict=True)
    )
    return styled(fig, f"Five features in two numbers: {words}.", height=380)


if __name__ == "__main__":
    main()
