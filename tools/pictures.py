"""Train the models behind the README's picture, and draw it.

    python tools/pictures.py        write book/images/five_features.svg (half a minute)

Five features, two hidden numbers, importance 0.9**i, 64 seeds for each of four sparsities. Above:
the feature directions of the first seed. Below: how many features each of the 64 keeps. Nothing is
drawn by hand; the setting is that of notebook 00, trained twice as long.
"""

from pathlib import Path

import torch

from toyutils import geometry, plots
from toyutils.features import IndependentFeatures
from toyutils.models import ReLUModel
from toyutils.training import train

TARGET = Path(__file__).resolve().parent.parent / "book" / "images" / "five_features.svg"
SPARSITIES = (0.0, 0.7, 0.9, 0.97)
N_SEEDS = 64
N_FEATURES = 5

PANEL = 180  # pixels between the centres of two panels
ARROW = 62  # pixels of a direction of length 1
BAR = 90  # pixels of a bar that holds all seeds


def main():
    W = trained().reshape(len(SPARSITIES), N_SEEDS, 2, N_FEATURES)
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(picture(W), encoding="utf-8")
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
    """Return the SVG for W (setting, seed, hidden, feature)."""
    counts = [geometry.represented(w).sum(-1).bincount(minlength=N_FEATURES + 1) for w in W]
    told = "; ".join(
        f"at sparsity {S:g}, "
        + ", ".join(f"{c} of {N_SEEDS} networks keep {k}" for k, c in enumerate(count) if c)
        for S, count in zip(SPARSITIES, counts, strict=True)
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {PANEL * len(W)} 390" '
        'font-family="system-ui, Segoe UI, Helvetica, Arial, sans-serif" font-size="14" '
        f'text-anchor="middle" role="img"><title>Five features in two numbers: {told}.</title>',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for k, (S, w, count) in enumerate(zip(SPARSITIES, W, counts, strict=True)):
        x = PANEL * (k + 0.5)
        parts.append(f'<text x="{x:g}" y="24" font-weight="600">S = {S:g}</text>')
        parts += arrows(w[0], x, 115)
        parts += bars(count, x, 335)
    middle = PANEL * len(W) / 2
    label = f"features kept, over {N_SEEDS} networks for each S"
    parts.append(f'<text x="{middle:g}" y="382" fill="#555">{label}</text></svg>\n')
    return "\n".join(parts)


def arrows(W, x, y):
    """Return arrows from (x, y) for the columns of W (2, feature); a dot where nearly zero."""
    lines = [f'<circle cx="{x:g}" cy="{y}" r="{ARROW}" fill="none" stroke="#ddd"/>']
    for i, (right, up) in enumerate(W.T.tolist()):
        length = (right**2 + up**2) ** 0.5
        if length < 0.1:
            continue
        color = plots.feature_color(i)
        tip_x, tip_y = x + ARROW * right, y - ARROW * up
        # The head: a triangle 10 pixels long, across the arrow's own direction.
        ux, uy = 10 * right / length, -10 * up / length
        left = f"{tip_x - ux - uy / 2:.1f},{tip_y - uy + ux / 2:.1f}"
        side = f"{tip_x - ux + uy / 2:.1f},{tip_y - uy - ux / 2:.1f}"
        lines.append(
            f'<line x1="{x:g}" y1="{y}" x2="{tip_x - ux:.1f}" y2="{tip_y - uy:.1f}" '
            f'stroke="{color}" stroke-width="3"/>'
            f'<polygon points="{tip_x:.1f},{tip_y:.1f} {left} {side}" fill="{color}"/>'
        )
    return lines


def bars(count, x, y):
    """Return one bar for each number of features kept, 1 to 5, standing on height y."""
    lines = []
    for k in range(1, N_FEATURES + 1):
        here, height = x + 28 * (k - 3), BAR * int(count[k]) / N_SEEDS
        lines.append(
            f'<rect x="{here - 11:g}" y="{y - height:.1f}" width="22" height="{height:.1f}" '
            f'fill="#5B5B5B"/><text x="{here:g}" y="{y + 18}">{k}</text>'
        )
        if count[k]:
            lines.append(
                f'<text x="{here:g}" y="{y - height - 5:.1f}" font-size="12" fill="#555">'
                f"{int(count[k])}</text>"
            )
    lines.append(f'<line x1="{x - 72:g}" y1="{y}" x2="{x + 72:g}" y2="{y}" stroke="#999"/>')
    return lines


if __name__ == "__main__":
    main()
