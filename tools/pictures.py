"""Train the models behind the README's picture, and draw it.

    python tools/pictures.py        write book/images/five_features.svg (half a minute)

Five features, two hidden numbers, importance 0.9**i, 64 seeds for each of four sparsities. Above:
the feature directions of the first seed. Below: how many features each of the 64 keeps. Nothing is
drawn by hand; the setting is that of notebook 00, trained twice as long.
"""

from pathlib import Path

import torch
from plotly.subplots import make_subplots

from toyutils import geometry
from toyutils.features import IndependentFeatures
from toyutils.models import ReLUModel
from toyutils.plots.look import INK, arrow, feature_color, hidden_plane, styled
from toyutils.plots.show import still
from toyutils.training import train

TARGET = Path(__file__).resolve().parent.parent / "book" / "images" / "five_features.svg"
SPARSITIES = (0.0, 0.7, 0.9, 0.97)
N_SEEDS = 64
N_FEATURES = 5


def main():
    W = trained().reshape(len(SPARSITIES), N_SEEDS, 2, N_FEATURES)
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(still(picture(W).to_dict()) + "\n", encoding="utf-8")
    print(TARGET)


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
