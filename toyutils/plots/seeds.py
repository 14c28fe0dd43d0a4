"""What many seeds did: one dot each, or shares in a table of bars."""

from collections import Counter

import plotly.graph_objects as go
import torch

from toyutils.plots.look import INK, PALETTE, finish, numbers

_SYMBOLS = ("circle", "diamond", "square", "cross", "triangle-up")


def outcomes_over_seeds(
    loss, outcome: list[str] | None = None, exact: dict[str, float] | None = None,
    title: str | None = None,
) -> go.Figure:  # fmt: skip
    """Draw the loss of every seed, sorted, coloured by its outcome, with exact values as lines.

    `loss` (seed,), `outcome` one name for each seed, `exact` {name: loss}.

    Raises ValueError when shapes do not fit.
    """
    loss = torch.as_tensor(loss).detach().cpu().double()
    if loss.ndim != 1:
        raise ValueError(f"loss has shape {tuple(loss.shape)}; give one number for each seed")
    outcome = outcome if outcome is not None else ["seed"] * len(loss)
    if len(outcome) != len(loss):
        raise ValueError(f"outcome has {len(outcome)} entries; there are {len(loss)} seeds")
    rank = loss.argsort().argsort() + 1
    counts = Counter(outcome)
    fig = go.Figure()
    for k, (name, count) in enumerate(counts.most_common()):
        mine = torch.tensor([o == name for o in outcome])
        label = f"{name} ({count} of {len(loss)})" if len(counts) > 1 else f"{len(loss)} seeds"
        fig.add_scatter(
            x=rank[mine].tolist(), y=numbers(loss[mine]), mode="markers", name=label,
            marker=dict(
                color=PALETTE[k % len(PALETTE)], size=8, symbol=_SYMBOLS[k % len(_SYMBOLS)]
            ),
            hovertemplate="loss %{y:.5f}<extra></extra>",
        )  # fmt: skip
    for k, (name, value) in enumerate((exact or {}).items()):
        fig.add_scatter(
            x=[0, len(loss) + 1], y=[value, value], mode="lines", name=f"{name} = {value:.5f}",
            line=dict(color=INK, width=1.5, dash=("dash", "dot", "dashdot")[k % 3]),
        )  # fmt: skip
    fig.update_xaxes(title="seeds, sorted by loss", range=[0, len(loss) + 1])
    fig.update_yaxes(title="loss", rangemode="tozero")
    alt = (
        f"Loss of {len(loss)} seeds: best {loss.min():.5f}, median {loss.median():.5f}, worst "
        f"{loss.max():.5f}. "
        + ", ".join(f"{count} {name}" for name, count in counts.most_common())
        + "".join(f". Exact {name}: {value:.5f}" for name, value in (exact or {}).items())
        + "."
    )
    return finish(fig, alt, height=400, title=title)


def outcome_shares(
    counts, labels: list[str], categories: list[str], title: str | None = None
) -> go.Figure:
    """Draw how seeds are shared among outcomes: one bar for each setting.

    `counts` (setting, category), `labels` (setting,), `categories` (category,).

    Raises ValueError when shapes do not fit.
    """
    counts = torch.as_tensor(counts).detach().cpu()
    if counts.shape != (len(labels), len(categories)):
        raise ValueError(
            f"counts has shape {tuple(counts.shape)}; {len(labels)} labels and "
            f"{len(categories)} categories need ({len(labels)}, {len(categories)})"
        )
    share = counts / counts.sum(1, keepdim=True).clamp(min=1)
    fig = go.Figure()
    for k, name in enumerate(categories):
        fig.add_bar(
            y=labels, x=numbers(share[:, k]), name=name, orientation="h",
            marker=dict(color=PALETTE[k % len(PALETTE)], line=dict(color="white", width=1)),
            text=[str(c) if c else "" for c in counts[:, k].tolist()], textposition="inside",
            insidetextanchor="middle", textangle=0, textfont_color="white",
            hovertemplate=f"%{{y}}<br>{name}: %{{text}} seeds<extra></extra>",
        )  # fmt: skip
    fig.update_layout(barmode="stack", uniformtext=dict(minsize=9, mode="hide"))
    fig.update_layout(legend=dict(y=1.01, yanchor="bottom", x=0, traceorder="normal"))
    fig.update_xaxes(title="share of seeds", tickformat=".0%", range=[0, 1])
    fig.update_yaxes(autorange="reversed")
    rows = (
        f"{label}: " + ", ".join(f"{c} {n}" for c, n in zip(row, categories, strict=True) if c)
        for label, row in zip(labels, counts.tolist(), strict=True)
    )
    return finish(fig, "; ".join(rows) + ".", height=130 + 26 * len(labels), title=title)
