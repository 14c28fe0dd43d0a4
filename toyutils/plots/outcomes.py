"""What many seeds did: one mark each, shares in bars, or a histogram for each setting."""

import plotly.graph_objects as go
import torch

from toyutils.plots import look


def outcomes_over_seeds(
    loss, outcome: list[str] | None = None, exact: dict[str, float] | None = None, *,
    log_y: bool = False, title: str | None = None,
) -> go.Figure:  # fmt: skip
    """Draw the loss of every seed, sorted, coloured by its outcome, with exact values as lines.

    `loss` (seed,), `outcome` one name for each seed, `exact` {name: loss}. `log_y` keeps an
    outlier from flattening the rest.

    Raises ValueError when shapes do not fit.
    """
    loss = look.plain(loss)
    if loss.ndim != 1:
        raise ValueError(f"loss has shape {tuple(loss.shape)}; give one number for each seed")
    outcome = outcome if outcome is not None else ["seed"] * len(loss)
    if len(outcome) != len(loss):
        raise ValueError(f"outcome has {len(outcome)} entries; there are {len(loss)} seeds")
    rank = loss.argsort().argsort() + 1
    fig, groups = go.Figure(), look.groups(outcome)
    for name, members, marker in groups:
        fig.add_scatter(
            **look.xy(rank[members], loss[members]), mode="markers", customdata=members,
            name=f"{name} ({len(members)} of {len(loss)})", marker=dict(size=8, **marker),
            hovertemplate="seed %{customdata}: loss %{y:.5f}<extra></extra>",
        )  # fmt: skip
    for k, (name, value) in enumerate((exact or {}).items()):
        fig.add_scatter(
            x=[0, len(loss) + 1], y=[value, value], mode="lines", name=f"{name} = {value:.5f}",
            line=dict(color=look.INK, width=1.5, dash=look.DASHES[1 + k % 4]),
            hovertemplate=f"{name}: {value:.5f}<extra></extra>",
        )  # fmt: skip
    fig.update_xaxes(title="seeds, sorted by loss", range=[0, len(loss) + 1])
    every = torch.cat([loss, look.plain(list((exact or {}).values()))])
    linear = dict(title="loss", range=[0, 1.05 * float(every.max())])
    fig.update_yaxes(look.log_axis("loss", every) if log_y else linear)
    alt = (
        f"Loss of {len(loss)} seeds: best {loss.min():.5f}, median {loss.median():.5f}, worst "
        f"{loss.max():.5f}. "
        + ", ".join(f"{len(members)} {name}" for name, members, _ in groups)
        + "".join(f". Exact {name}: {value:.5f}" for name, value in (exact or {}).items())
        + "."
    )
    return look.styled(fig, alt, height=400, title=title)


def outcome_shares(
    counts, labels: list[str], categories: list[str], title: str | None = None, *,
    of: str = "seeds",
) -> go.Figure:  # fmt: skip
    """Draw how seeds are shared among ordered outcomes: one bar for each setting.

    `counts` (setting, category), `labels` (setting,), `categories` (category,), from the fewest
    to the most of something: their shades grow with it. `of` says what was counted.

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
    for k, (name, (color, ink)) in enumerate(
        zip(categories, look.shades(len(categories)), strict=True)
    ):
        fig.add_bar(
            y=list(range(len(labels))), x=look.rounded(share[:, k]), name=name, orientation="h",
            customdata=labels,
            marker=dict(color=color, line=dict(color=look.GRID, width=1)),
            text=[str(c) if c else "" for c in counts[:, k].tolist()], textposition="inside",
            insidetextanchor="middle", textangle=0, textfont_color=ink,
            hovertemplate=f"%{{customdata}}<br>{name}: %{{text}} {of}<extra></extra>",
        )  # fmt: skip
    fig.update_layout(barmode="stack", uniformtext=dict(minsize=9, mode="hide"), margin_r=40)
    fig.update_layout(legend=dict(y=1.01, yanchor="bottom", x=0, traceorder="normal"))
    ticks = dict(tickvals=[0, 0.5, 1], ticktext=["0 %", "50 %", "100 %"])
    fig.update_xaxes(title=f"share of {of}", range=[0, 1], **ticks)
    settings = dict(tickvals=list(range(len(labels))), ticktext=labels, showgrid=False)
    fig.update_yaxes(range=[len(labels) - 0.5, -0.5], **settings)
    rows = (
        f"{label}: " + ", ".join(f"{c} {n}" for c, n in zip(row, categories, strict=True) if c)
        for label, row in zip(labels, counts.tolist(), strict=True)
    )
    return look.styled(fig, "; ".join(rows) + ".", height=130 + 26 * len(labels), title=title)


def ridge(
    values: dict, *, x_title: str, range: tuple[float, float] = (0.0, 1.05), n_bins: int = 84,
    lines: dict[str, float] | None = None, title: str | None = None,
) -> go.Figure:  # fmt: skip
    """Draw a histogram of values for each setting, one above the other, on one axis.

    `values` {setting: any shape}. `lines` {name: value} cross all of them. Each histogram is
    scaled to its own highest bin, so shapes compare, not heights.

    Raises ValueError when there is no setting, or a value lies outside `range`.
    """
    if not values:
        raise ValueError("values is empty; give at least one setting")
    low, high = range
    fig, words = go.Figure(), []
    width = (high - low) / n_bins
    for k, (name, given) in enumerate(values.items()):
        given = look.plain(given).flatten()
        if len(given) and not (low <= float(given.min()) and float(given.max()) <= high):
            raise ValueError(
                f"values[{name!r}] runs from {float(given.min()):.3g} to {float(given.max()):.3g}; "
                f"range is {low:g} to {high:g}"
            )
        count = torch.histc(given, n_bins, low, high)
        edges = low + width * torch.arange(n_bins + 1, dtype=torch.float64)
        height = k + 0.9 * count / count.max().clamp(min=1)
        base = torch.tensor([float(k)], dtype=torch.float64)
        fig.add_scatter(
            x=look.rounded(torch.cat([edges[:1], edges.repeat_interleave(2)[1:-1], edges[-1:]])),
            y=look.rounded(torch.cat([base, height.repeat_interleave(2), base])),
            mode="lines", fill="toself", line=dict(color=look.kind(0), width=1), hoverinfo="skip",
            fillcolor="rgba(42,157,143,0.35)", showlegend=False,
        )  # fmt: skip
        fig.add_scatter(
            **look.xy(edges[:-1] + width / 2, height), mode="markers", showlegend=False,
            marker=dict(color=look.kind(0), size=4, opacity=0), customdata=count.long().tolist(),
            hovertemplate=f"{name}<br>about %{{x:.3f}}: %{{customdata}}<extra></extra>",
        )  # fmt: skip
        if len(given):
            peak = float(edges[int(count.argmax())]) + width / 2
            words.append(f"{name}: {len(given)} values, most near {peak:.2f} "
                         f"({count.max() / len(given):.0%})")  # fmt: skip
    ends = []  # where the names on each level above the histograms end
    for name, value in sorted((lines or {}).items(), key=lambda line: line[1]):
        letters = 7 * len(name) / (look.NARROW - 180) * (high - low)
        left = value > high - 1.5 * letters
        begin = value - letters if left else value
        level = next((k for k, end in enumerate(ends) if begin > end), len(ends))
        ends[level : level + 1] = [begin + letters]
        fig.add_vline(
            x=value, line=dict(color=look.FAINT, width=1, dash="dot"), annotation_text=name,
            annotation_yshift=12 * level, annotation_font_size=11,
            annotation_position="top left" if left else "top right",
        )  # fmt: skip
    fig.update_xaxes(title=x_title, range=[low, high])
    names = list(values)
    fig.update_yaxes(tickvals=list(torch.arange(len(names)).tolist()), ticktext=names,
                     range=[-0.1, len(names) + 0.05], showgrid=False)  # fmt: skip
    alt = f"Histograms of {x_title}. {'; '.join(words)}."
    if lines:
        alt += " Lines: " + ", ".join(f"{name} at {v:.3g}" for name, v in lines.items()) + "."
    height = 110 + 46 * len(names) + 12 * max(len(ends) - 2, 0)
    fig.update_layout(margin_t=28 + 12 * max(len(ends), 1))
    return look.styled(fig, alt, height=height, title=title)
