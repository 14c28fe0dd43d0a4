import json
import math
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import numpy as np
import plotly.graph_objects as go
import plotly.io as pio
import pytest
import torch

from toyutils import plots
from toyutils.features import IndependentFeatures
from toyutils.plots import look, show

draw = pytest.importorskip("toyutils.plots.still").draw


@dataclass
class Recorded:
    """What figures need of a `training.History`: records of a model whose answer is σ(WᵀWx + b)."""

    step: torch.Tensor
    loss: torch.Tensor
    test_loss: torch.Tensor | None
    parameters: dict
    asked: list = field(default_factory=list)

    def __getitem__(self, name):
        return self.parameters[name]

    def at(self, k, x):
        self.asked.append(k)
        W, b = self["W"][k], self["b"][k]
        return (x @ W.mT @ W + b[:, None]).relu()


def recorded(n_features, n_hidden, n_instances, n_records=61, test=False):
    random = torch.Generator().manual_seed(n_features)
    share = torch.linspace(0, 1, n_records)[:, None, None, None]
    start, end = torch.randn(2, 1, n_instances, n_hidden, n_features, generator=random)
    loss = (3 - 2 * share[:, 0, 0]) * torch.rand(1, n_instances, generator=random)
    parameters = {"W": start + share * (end - start), "b": 0.1 * share[..., 0] * end[:, :, 0]}
    steps = torch.arange(n_records) * 5
    return Recorded(steps, loss, 2 * loss if test else None, parameters)


@pytest.fixture(scope="module")
def points():
    random = torch.Generator().manual_seed(0)
    return IndependentFeatures(2, 0.6).sample(300, 3, generator=random)


@pytest.fixture(scope="module")
def history():
    return recorded(2, 1, 3, test=True)


@pytest.fixture(scope="module")
def plane_history():
    return recorded(5, 2, 2)


W5 = torch.randn(4, 2, 5, generator=torch.Generator().manual_seed(1))
GRID = torch.linspace(0.1, 1, 5, dtype=torch.float64)
TURN = 2 * math.pi * torch.arange(4) / 4
ANTIPRISM = torch.cat(
    [
        torch.stack([(TURN + t).cos(), (TURN + t).sin(), torch.full((4,), z)])
        for t, z in ((0, 0.6), (math.pi / 4, -0.6))
    ],
    1,
)

MAKERS = {
    "feature_scatter": lambda: plots.feature_scatter(torch.rand(40, 2) * (torch.rand(40, 2) < 0.3)),
    "mapping": lambda: plots.mapping(
        torch.rand(9, 2), torch.arange(9.0), torch.rand(9, 2),
        W=torch.tensor([[0.8, -0.6]], requires_grad=True), b=torch.tensor([0.1, 0.2]),
    ),
    "mapping_alone": lambda: plots.mapping(torch.rand(9, 2), torch.rand(9, 1), torch.rand(9, 2)),
    "in_out_bars": lambda: plots.in_out_bars(torch.eye(3), torch.eye(3) - 0.1, list("abc")),
    "training_dashboard": lambda: plots.training_dashboard(
        recorded(2, 1, 3, test=True), torch.rand(200, 2), 1, exact={"minimum": 0.03}
    ),
    "arrows_animation": lambda: plots.arrows_animation(
        recorded(5, 2, 2), instance=1, exact={"level": 0.02}
    ),
    "arrows_animation_two": lambda: plots.arrows_animation(
        {"right": recorded(5, 2, 2), "wrong": recorded(4, 2, 1)}, loss_title="exact loss"
    ),
    "turning_arrow": lambda: plots.turning_arrow(W5, [0, 90, 180, 270], [0.1, 0.2, 0.3, 0.2]),
    "branches": lambda: plots.branches(
        GRID[:4], {"up": W5[:, :1], "down": W5}, {"up": GRID[:4], "down": 1 - GRID[:4]},
        x_title="density p", start=0.4,
    ),
    "feature_arrows": lambda: plots.feature_arrows(W5, [f"model {k}" for k in range(4)]),
    "feature_arrows_list": lambda: plots.feature_arrows([W5[0], W5[1][:, :3], [[0.8, -0.6]]]),
    "feature_arrows_top": lambda: plots.feature_arrows(W5, top=2),
    "network": lambda: plots.network(5, 2),
    "network_routes": lambda: plots.network(3, 2, weight=(0, 1)),
    "rows_over_seeds": lambda: plots.rows_over_seeds(W5[:, :1, :2], outcome=["a", "b", "a", "a"]),
    "rows_and_columns": lambda: plots.rows_and_columns(W5[0][:, :2]),
    "spokes": lambda: plots.spokes({"one": [W5[0], W5[0]], "other": [2 * W5[0]] * 2}, ["a", "b"]),
    "rows_and_columns_line": lambda: plots.rows_and_columns([[0.8, -0.6]]),
    "solid_animation": lambda: plots.solid_animation(
        recorded(6, 3, 2), instance=1, sets=[[0, 1, 2], [3, 4, 5]], stages={"a": 20},
        exact={"lowest": 0.01},
    ),
    "outcomes_over_seeds": lambda: plots.outcomes_over_seeds(
        [0.3, 0.1, 0.2], ["x", "y", "x"], exact={"lowest": 0.05}
    ),
    "outcomes_over_seeds_log": lambda: plots.outcomes_over_seeds([0.3, 0.1, 9], log_y=True),
    "outcome_shares": lambda: plots.outcome_shares([[3, 1], [0, 4]], ["p", "q"], ["4", "5"]),
    "ridge": lambda: plots.ridge(
        {"1/p = 2": torch.rand(50), "1/p = 3": [0.5] * 9, "none": []}, x_title="D",
        lines={"1/2": 0.5, "2/5": 0.4},
    ),
    "curves": lambda: plots.curves(
        GRID, {"one": GRID**2, "two": GRID.log()}, x_title="p", y_title="loss", mark={"m": 0.5}
    ),
    "curves_log": lambda: plots.curves(
        GRID, {"one": GRID**2}, x_title="p", y_title="loss", mark={"m": 0.5}, log_x=True, log_y=True
    ),
    "curves_points": lambda: plots.curves(
        GRID, {"exact": GRID}, points={"best": GRID}, x_title="p", y_title="loss", log_y=True
    ),
    "gram_grid": lambda: plots.gram_grid(W5, W5[:, 0], list("abcd")),
    "agreement": lambda: plots.agreement(
        torch.rand(4, 4), torch.rand(4, 4), names=("seed 0", "seed 1"), n_shown=5
    ),
    "norm_bars": lambda: plots.norm_bars(W5, list("abcd")),
    "neuron_stacks": lambda: plots.neuron_stacks(W5, list("abcd")),
    "sticky_lines": lambda: plots.sticky_lines(
        [0.5, 0.4, 0.1],
        [torch.tensor([0.5, 0.7]), torch.zeros(0), torch.tensor([0.4])],
        [["alone", "antipodal pair"], [], ["pentagon"]],
        {"1/2": 0.5},
    ),
    "sticky_lines_graphs": lambda: plots.sticky_lines(
        [0.5, 0.25],
        [torch.tensor([0.5, 0.7]), torch.tensor([0.4])],
        [["alone", "antipodal pair"], ["pentagon"]],
        {"1/2": 0.5},
        graphs={4.0: torch.block_diag(W5[0], torch.tensor([[1.0, -1.0]]))},
    ),
    "gram_graph": lambda: plots.gram_graph(torch.block_diag(W5[0], W5[1])),
    "polytope": lambda: plots.polytope(ANTIPRISM),
    "phase_diagram": lambda: plots.phase_diagram(
        GRID,
        GRID * 10,
        torch.rand(5, 5),
        value_title="D",
        models=(torch.ones(5, 5, 1, 2), torch.zeros(5, 5, 2), torch.ones(5, 5)),
        lines={"theory": (GRID, GRID)},
        points=([0.2, 0.5], [1, 2], [0.4, 0.6]),
    ),
    "region_map": lambda: plots.region_map(
        GRID, GRID * 10, (GRID[:, None] > GRID[None]).long(), ["pair", "one left out"],
        drawings={"pair": [[1.0, -1.0]]}, lines={"theory": (GRID, GRID)},
    ),
    "landscape": lambda: plots.landscape(
        GRID, GRID * 2, GRID[:, None] * GRID[None] + 0.1, starts=[[0.2, 0.4], [0.5, 0.6]],
        fate=["low", "stuck"], path=[[0.1, 0.2], [0.5, 0.5]],
    ),
}  # fmt: skip


@pytest.fixture(scope="module", params=MAKERS)
def figure(request):
    torch.manual_seed(0)
    return MAKERS[request.param]()


def test_every_figure_speaks_and_is_small(figure):
    assert isinstance(figure, go.Figure)
    alt = figure.layout.meta["alt"]
    assert len(alt) >= 20
    assert re.search(r"\d", alt), "the text alternative holds no number"
    assert "nan" not in alt
    assert len(figure.to_json()) < 1_000_000
    assert figure.layout.template.layout.font.size == 13


def axes_of(figure):
    layout = figure.to_dict()["layout"]
    return {k: v for k, v in layout.items() if re.fullmatch(r"[xy]axis\d*", k)}


def title_of(axis):
    text = (axis.get("title") or {}).get("text")
    return text and text.replace("<br>", " ")


def test_every_axis_is_named_or_hidden(figure):
    grids = {trace.type for trace in figure.data} & {"heatmap"} or len(axes_of(figure)) > 4
    bars = any(trace.type == "bar" for trace in figure.data)  # labels name themselves
    ridge = all(getattr(trace, "fill", None) or not trace.showlegend for trace in figure.data)
    for name, axis in axes_of(figure).items():
        hidden = axis.get("visible") is False or axis.get("showticklabels") is False
        assert hidden or bars or grids or ridge or title_of(axis), name
    named = [title_of(a) for a in axes_of(figure).values() if title_of(a)]
    shown = [a for a in axes_of(figure).values() if a.get("visible") is not False]
    assert named or not shown  # of panels that share them, the first has the names


def test_a_logarithmic_axis_says_so(figure):
    for axis in axes_of(figure).values():
        assert (axis.get("type") == "log") == ("log scale" in (title_of(axis) or ""))


def test_features_and_hidden_numbers_count_from_zero(figure):
    titles = [title_of(axis) or "" for axis in axes_of(figure).values()]
    numbers = [m.groups() for t in titles for m in re.finditer(r"(feature|number) (\d)", t)]
    for thing in {thing for thing, _ in numbers}:
        assert "0" in {number for t, number in numbers if t == thing}, titles


def test_no_colour_is_a_features_and_something_elses(figure):
    """In a figure with features, their colours mean features; a loss is grey everywhere."""
    for trace in figure.data:
        color = (trace.line.color if hasattr(trace, "line") else None) or ""
        name = trace.name or ""
        if color in look.PALETTE:
            assert name == f"feature {look.PALETTE.index(color)}", name
        if re.search(r"\bloss\b", name) and trace.type == "scatter":
            assert color in (look.INK, look.FAINT), name


def test_figures_have_no_background_of_their_own(figure):
    assert figure.layout.paper_bgcolor is figure.layout.plot_bgcolor is None
    assert figure.layout.template.layout.paper_bgcolor == look.CLEAR
    assert figure.layout.template.layout.plot_bgcolor == look.CLEAR


def luminance(color):
    parts = [int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(color, page):
    a, b = sorted((luminance(color), luminance(page)))
    return (b + 0.05) / (a + 0.05)


def test_text_and_colours_read_on_light_and_dark_pages():
    assert contrast(look.INK, "#FFFFFF") >= 4.5
    for page in ("#111111", "#1E1E1E", "#0D1117"):  # JupyterLab, VS Code, code hosts
        assert contrast(look.INK, page) >= 3.5
    for color in (*look.KINDS, look.INK):
        assert min(contrast(color, page) for page in ("#FFFFFF", "#111111")) >= 3, color
    for color in (*look.PALETTE, *(color for _, color in look.SCALE)):  # thick, or filled
        assert min(contrast(color, page) for page in ("#FFFFFF", "#111111")) >= 1.9, color
    for color, ink in look.shades(5):
        red, green, blue = (round(float(v)) for v in re.findall(r"[\d.]+", color))
        page = f"#{red:02x}{green:02x}{blue:02x}"
        assert contrast({"white": "#FFFFFF", "black": "#000000"}[ink], page) >= 3
    lightness = [luminance(color) for _, color in look.SCALE]
    assert lightness == sorted(lightness)


def test_every_public_figure_is_tested():
    source = Path(__file__).read_text(encoding="utf-8")
    for name in plots.__all__:
        assert f"plots.{name}(" in source, name


def test_films_have_enough_small_frames():
    for name in ("training_dashboard", "arrows_animation", "arrows_animation_two"):
        fig = MAKERS[name]()
        assert len(fig.frames) >= 40
        assert len(fig.to_json()) <= 1_000_000
        play = fig.layout.updatemenus[0].buttons[0].args[1]
        assert play["frame"]["redraw"] is False
        assert len(fig.layout.sliders[0].steps) == len(fig.frames)
        moved = fig.frames[0].traces
        for frame in fig.frames:
            assert frame.traces == moved
            assert all(trace.x is not None for trace in frame.data)
        # What opens is the first frame, and the traces that move are those that frames name.
        for k, trace in zip(moved, fig.frames[0].data, strict=True):
            assert fig.data[k].x == trace.x
            assert fig.data[k].y == trace.y


def test_a_film_in_space_moves_its_tips_and_marks_its_stages():
    history = recorded(6, 3, 2)
    fig = plots.solid_animation(
        history, 1, sets=[[0, 1, 2], [3, 4, 5]], records=[0, 5, len(history.step) - 1],
        stages={"opened": 20},
    )  # fmt: skip
    assert len(fig.frames) == 3
    assert fig.layout.updatemenus[0].buttons[0].args[1]["frame"]["redraw"] is True
    rings, last = fig.frames[-1].data[:2], history["W"][-1, 1]
    tips = fig.frames[-1].data[3]
    assert torch.allclose(torch.tensor([tips.x, tips.y, tips.z]), last, atol=1e-3)
    assert rings[1].x == tuple(tips.x[i] for i in (3, 4, 5, 3))
    assert "opened at step 20" in fig.layout.meta["alt"]
    assert any(note.text == "opened" for note in fig.layout.annotations)
    assert "opened" in draw(fig.to_dict())
    with pytest.raises(ValueError, match="this picture needs any number of features and 3 hidden"):
        plots.solid_animation(recorded(4, 2, 1), sets=[[0, 1]])


def test_films_side_by_side_share_axes_and_steps(plane_history):
    fig = plots.arrows_animation({"a": plane_history, "b": recorded(4, 2, 1)})
    first, second = fig.layout.xaxis, fig.layout.xaxis2
    assert first.range == second.range == fig.layout.yaxis.range == fig.layout.yaxis2.range
    with pytest.raises(ValueError, match="different steps"):
        plots.arrows_animation({"a": plane_history, "b": recorded(4, 2, 1, n_records=5)})


def test_dashboard_shows_what_the_model_of_its_instance_answered(history, points):
    fig = plots.training_dashboard(history, points[2], instance=2, max_points=50)
    expected = history.at(-1, points[2, :50].expand(3, -1, -1))[2]
    last = fig.frames[-1].data[2]
    assert torch.tensor(last.x).tolist() == pytest.approx(expected[:, 0].tolist(), abs=2e-3)
    assert torch.tensor(last.y).tolist() == pytest.approx(expected[:, 1].tolist(), abs=2e-3)
    assert fig.frames[-1].data[-1].y[0] == pytest.approx(history.loss[-1, 2].item(), rel=1e-3)
    assert set(history.asked) >= set(range(61))  # it asks the history, and computes nothing itself


def test_the_line_of_all_reconstructions_holds_the_corners(history, points):
    """It runs over the h of the unit square: its ends are what two corners become."""
    fig = plots.training_dashboard(history, points[0], instance=0)
    corners = torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    h = corners @ history["W"][-1, 0, 0]
    ends = history.at(-1, corners[torch.stack([h.argmin(), h.argmax()])].expand(3, -1, -1))[0]
    line = fig.frames[-1].data[1]
    got = [[line.x[k], line.y[k]] for k in (0, -1)]
    assert torch.tensor(got).flatten().tolist() == pytest.approx(ends.flatten().tolist(), abs=2e-3)


def test_errors_are_separate_segments(history, points):
    fig = plots.training_dashboard(history, points[0], max_points=10)
    for frame in (fig.frames[0], fig.frames[-1]):
        x = frame.data[0].x
        assert len(x) == 30
        assert all(value is None for value in x[2::3])
        assert list(x[::3]) == pytest.approx(points[0, :10, 0].tolist(), rel=1e-3)


def test_a_feature_has_one_colour_everywhere(plane_history):
    arrows = {t.name: t.line.color for t in plots.feature_arrows(W5[0]).data}
    film = {t.name: t.line.color for t in plots.arrows_animation(plane_history).data}
    bars = plots.in_out_bars(torch.eye(5)[0], torch.eye(5)[0]).data[0].marker.color
    for i in range(5):
        assert arrows[f"feature {i}"] == film[f"feature {i}"] == bars[i] == plots.feature_color(i)
    assert len({plots.feature_color(i) for i in range(8)}) == 8


def test_widgets_have_the_same_colours():
    script = (Path(plots.__file__).parents[1] / "live" / "live.js").read_text(encoding="utf-8")
    [colors] = re.findall(r"const PALETTE = (\[.*?\]);", script)
    assert tuple(json.loads(colors)) == look.PALETTE


def test_geometry_keeps_equal_axes(plane_history, points):
    for fig in (
        plots.feature_arrows(W5),
        plots.arrows_animation(plane_history),
        plots.feature_scatter(points[0]),
        plots.rows_over_seeds(W5[:, :1, :2]),
    ):
        layout = fig.to_dict()["layout"]
        assert layout["yaxis"]["scaleanchor"] == "x"
        assert layout["xaxis"]["range"] == layout["yaxis"]["range"]
    assert plots.gram_grid(W5, W5[:, 0], list("abcd")).layout.yaxis2.scaleanchor == "x2"


def test_arrows_end_at_the_columns_with_their_number_beyond():
    for i, trace in enumerate(plots.feature_arrows(W5[0]).data):
        column = W5[0][:, i]
        assert (trace.x[0], trace.y[0]) == (0, 0)
        for k in (1, 4):  # shaft and head
            assert [trace.x[k], trace.y[k]] == pytest.approx(column.tolist(), rel=1e-3)
        assert trace.text[6] == str(i)
        label = torch.tensor([trace.x[6], trace.y[6]])
        assert label.norm() > column.norm()
        assert torch.cosine_similarity(label, column, dim=0) > 0.999
        length = float(column.norm())
        assert trace.hovertext.startswith(f"feature {i}: ({column[0]:.2f}, {column[1]:.2f})")
        assert trace.hovertext.endswith(f"length {length:.2f}")


@pytest.mark.parametrize(("length", "shown"), [(0.0, False), (0.049, False), (0.051, True)])
def test_an_arrow_that_is_not_there_has_no_head(length, shown):
    [trace] = plots.feature_arrows([torch.tensor([[length], [0.0]])]).data
    assert (trace.x[4] is not None) == (trace.x[6] is not None) == shown


def test_models_can_be_turned_to_compare_them():
    turned = plots.feature_arrows(W5, top=2)
    lengths = W5.norm(dim=1)
    for k in range(4):
        tips = torch.tensor([[t.x[1], t.y[1]] for t in turned.data[5 * k : 5 * k + 5]])
        assert tips.norm(dim=1).tolist() == pytest.approx(lengths[k].tolist(), rel=1e-3)
        assert tips[2].tolist() == pytest.approx([0, float(lengths[k, 2])], abs=1e-3)
        cosine = torch.nn.functional.normalize(tips, dim=1) @ torch.tensor([0.0, 1.0])
        nearest = max((i for i in range(5) if i != 2), key=lambda i: cosine[i])
        assert tips[nearest, 0] > 0  # on the right
        original = torch.nn.functional.normalize(W5[k].T, dim=1)
        kept = torch.nn.functional.normalize(tips, dim=1)
        assert (kept @ kept.T).flatten().tolist() == pytest.approx(
            (original @ original.T).flatten().tolist(), abs=2e-3
        )


def test_numbers_round_to_significant_digits():
    assert look.rounded([0.0, 123456.0, -0.000123456]) == [0, 123500, -0.0001235]
    assert look.rounded(torch.tensor([[1 / 3]])) == [[0.3333]]


def test_log_axis_has_readable_ticks():
    axis = look.log_axis("p", [0.045, 0.45])
    assert axis["ticktext"] == ["0.05", "0.1", "0.2", "0.5"]
    assert axis["tickvals"] == pytest.approx([0.05, 0.1, 0.2, 0.5])
    assert look.log_axis("p", [0.0, -1.0]) == {"type": "log", "title": "p (log scale)"}


def test_a_curve_is_described_with_its_turning_points():
    x = torch.arange(5.0)
    assert look.described(x, [3, 1, 2, 5, 3.0]) == (
        "from 3 to 3, lowest 1 at 1, highest 5 at 3"
    )  # fmt: skip
    assert look.described(x, [1, 2, 3, 4, 5.0]) == "from 1 to 5"
    assert look.described(x, [math.nan, 2, math.inf, 1, 3]) == "from 2 to 3, lowest 1 at 3"
    assert look.described(x, [math.nan] * 5) == "without a value"


def test_marks_of_one_setting_stand_in_no_order_and_tell_their_true_place():
    D = torch.linspace(0.3, 0.6, 30)
    fig = plots.sticky_lines([0.5, 0.25], [D, D], [["other"] * 30] * 2, {"1/2": 0.5})
    [trace] = fig.data
    assert set(trace.customdata) == {2.0, 4.0}
    assert "customdata" in trace.hovertemplate
    assert "%{x" not in trace.hovertemplate
    places = torch.tensor(trace.x[:30])
    rank = torch.corrcoef(torch.stack([places, torch.tensor(trace.y[:30])]))[0, 1]
    assert places.std() > 0
    assert abs(rank) < 0.2  # a sorted spread would be a ramp


def test_small_graphs_stand_above_the_axis_at_their_density():
    pairs = torch.block_diag(*[torch.tensor([[1.0, -1.0]])] * 3)
    D = torch.full((6,), 0.5)
    names = [["antipodal pair"] * 6]
    fig = plots.sticky_lines([0.25], [D], names, {"1/2": 0.5}, graphs={4.0: pairs})
    [_, edges, nodes] = fig.data
    assert min(nodes.y[:-1]) > 1.05
    assert nodes.x[0] * nodes.x[1] == pytest.approx(16, rel=1e-6)  # either side of 1/p = 4
    assert edges.x[:2] == nodes.x[:2]  # one of three pairs, with their number beside it
    assert [note.text for note in fig.layout.annotations][-1] == "×3"
    assert "Above 1/p 4: 3 × antipodal pair." in fig.layout.meta["alt"]


def test_a_mark_on_a_logarithmic_axis_stands_at_its_line():
    fig = MAKERS["curves_log"]()
    assert fig.layout.annotations[0].x == pytest.approx(math.log10(0.5))
    assert fig.layout.shapes[0].x0 == 0.5


def test_regions_carry_their_names_inside():
    region = torch.zeros(20, 20)
    region[12:] = 1
    grid = torch.logspace(-2, 0, 20)
    fig = plots.region_map(grid, grid, region, ["left", "right", "nowhere"])
    notes = fig.layout.annotations
    places = {note.text: int((10**note.x - grid).abs().argmin()) for note in notes}
    assert set(places) == {"<b>left</b>", "<b>right</b>"}
    assert 3 <= places["<b>left</b>"] < 10
    assert 13 <= places["<b>right</b>"] <= 18
    assert "nowhere 0%" in fig.layout.meta["alt"]


@pytest.mark.parametrize(
    ("W", "words"),
    [
        (ANTIPRISM, "8 vertices, 16 edges and 10 faces: 8 with 3 corners, 2 with 4"),
        (torch.cat([torch.eye(3), -torch.eye(3)], 1), "6 vertices, 12 edges and 8 faces: 8 with 3"),
        (torch.cartesian_prod(*[torch.tensor([-1.0, 1])] * 3).T, "12 edges and 6 faces"),
    ],
)
def test_solids_have_their_edges_and_faces(W, words):
    fig = plots.polytope(torch.cat([W, torch.zeros(3, 1)], 1))  # a dropped feature is no vertex
    assert words in fig.layout.meta["alt"]


def test_agreement_draws_every_diagonal_entry_and_speaks_of_all():
    one, other = torch.arange(16.0).reshape(4, 4), -torch.arange(16.0).reshape(4, 4)
    rest, diagonal = plots.agreement(one, other, names=("a", "b"), n_shown=5).data
    assert diagonal.x == (0, 5, 10, 15)
    assert diagonal.y == (0, -5, -10, -15)
    assert len(rest.x) == 4
    assert set(rest.x).isdisjoint(diagonal.x)
    alt = plots.agreement(one, other, names=("a", "b"), n_shown=5).layout.meta["alt"]
    assert "12 entries off the diagonal: 1.00 to 14.00 and -14.00 to -1.00" in alt
    with pytest.raises(ValueError, match=r"one has shape \(4, 3\)"):
        plots.agreement(one[:, :3], other[:, :3], names=("a", "b"))


def test_shares_say_what_was_counted():
    fig = plots.outcome_shares([[3, 1]], ["p"], ["one", "two"], of="neurons")
    assert fig.layout.xaxis.title.text == "share of neurons"
    assert all("neurons<extra>" in trace.hovertemplate for trace in fig.data)


def test_histograms_count_everything():
    values = torch.rand(500, generator=torch.Generator().manual_seed(0))
    fig = plots.ridge({"a": values}, x_title="D")
    assert sum(fig.data[1].customdata) == 500
    with pytest.raises(ValueError, match=r"values\['a'\] runs from"):
        plots.ridge({"a": [1.5]}, x_title="D")


@pytest.mark.parametrize("on_colab", [False, True])
def test_display_bundle_has_every_form_and_is_small(points, monkeypatch, on_colab):
    if on_colab:
        monkeypatch.setenv("COLAB_RELEASE_TAG", "x")
    else:
        monkeypatch.delenv("COLAB_RELEASE_TAG", raising=False)
    fig = plots.feature_scatter(points[0])
    assert pio.renderers.default == "toyutils"
    bundle = pio.renderers["toyutils"].to_mimebundle(fig.to_dict())
    assert bundle["text/plain"] == fig.layout.meta["alt"]
    assert "application/vnd.plotly.v1+json" in bundle
    assert bundle["image/svg+xml"].startswith("<svg")
    if on_colab:
        assert bundle["image/svg+xml"] in bundle["text/html"]
        assert "Plotly.newPlot" in bundle["text/html"]
    else:
        assert f'alt="{fig.layout.meta["alt"]}"' in bundle["text/html"]
    assert len(json.dumps(bundle, default=str)) < 150_000


def test_exported_pages_keep_the_text_alternative(points, monkeypatch):
    exporters = pytest.importorskip("nbconvert.exporters")
    monkeypatch.delenv("COLAB_RELEASE_TAG", raising=False)
    bundle = pio.renderers["toyutils"].to_mimebundle(plots.feature_scatter(points[0]).to_dict())
    data = json.loads(json.dumps(bundle, default=str))
    output = nbformat.v4.new_output("display_data", data)
    cell = nbformat.v4.new_code_cell("", outputs=[output])
    page, _ = exporters.HTMLExporter().from_notebook_node(nbformat.v4.new_notebook(cells=[cell]))
    assert "No description has been provided" not in page
    assert f'alt="{bundle["text/plain"]}"' in page


def test_without_matplotlib_there_are_words():
    """And with it: nothing loads it before a figure is displayed."""
    code = """
import sys
from toyutils import live, plots
import plotly.io as pio
fig = plots.curves([1, 2], {"a": [1, 2]}, x_title="x", y_title="y")
assert not any(name.startswith("matplotlib") for name in sys.modules)
sys.modules["matplotlib"] = None
bundle = pio.renderers["toyutils"].to_mimebundle(fig.to_dict())
assert set(bundle) == {"application/vnd.plotly.v1+json", "text/plain"}, set(bundle)
live.DragFeatures()._repr_mimebundle_()
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


def test_the_display_of_plotly_figures_can_be_given_back():
    try:
        show.off()
        assert pio.renderers.default != "toyutils"
    finally:
        pio.renderers.default = "toyutils"


SVG = "{http://www.w3.org/2000/svg}"


def test_every_figure_can_be_drawn_still(figure):
    drawing = draw(figure.to_dict())
    assert drawing == draw(figure.to_dict())  # the same every time
    root = ElementTree.fromstring(drawing)  # well formed
    assert root.find(f"{SVG}title").text == figure.layout.meta["alt"]
    assert root.get("role") == "img"
    assert len(drawing) < 100_000
    text = " ".join(e.text or "" for e in root.iter(f"{SVG}text"))
    for axis in (figure.layout.xaxis, figure.layout.yaxis):
        if axis.title.text and axis.visible is not False:
            assert axis.title.text.replace("<br>", " ") in text
    for note in figure.layout.annotations:
        for line in re.sub("</?b>", "", note.text).split("<br>"):
            assert line in text
    if figure.layout.showlegend is not False and len(figure.data) > 1:
        named = {t.name for t in figure.data if t.showlegend is not False and t.name}
        assert all(name in text for name in named)


def paths(drawing, color):
    """Return the points of every line or marker of a colour, in pixels."""
    root = ElementTree.fromstring(drawing)
    found = []
    for element in root.iter():
        if color.lower() in (element.get("style") or ""):
            if element.tag == f"{SVG}use":
                found.append([(float(element.get("x")), float(element.get("y")))])
            elif element.get("d"):
                pairs = re.findall(r"[ML] (-?[\d.]+) (-?[\d.]+)", element.get("d"))
                found.append([tuple(map(float, pair)) for pair in pairs])
    return found


def test_still_drawing_puts_points_where_they_belong():
    fig = go.Figure(go.Scatter(x=[0, 1, 4], y=[1, 10, 100], mode="markers", marker_color="#010203"))
    fig.update_xaxes(range=[0, 4]).update_yaxes(type="log", range=[0, 2])
    dots = [p for ps in paths(draw(fig.to_dict()), "#010203") for p in ps if len(ps) == 1]
    (x0, y0), (x1, y1), (x2, y2) = dots
    assert (x1 - x0) / (x2 - x0) == pytest.approx(1 / 4, abs=1e-3)
    assert (y0 - y1) / (y0 - y2) == pytest.approx(1 / 2, abs=1e-3)
    assert y0 > y2


def test_still_stacks_grow_up_and_down():
    fig = plots.neuron_stacks(torch.tensor([[[0.5, -0.4, 0.7, -0.2]]]), ["one neuron"])
    drawing = draw(fig.to_dict())
    bars = [paths(drawing, look.PALETTE[i])[0] for i in range(4)]
    spans = [(max(y for _, y in bar), min(y for _, y in bar)) for bar in bars]  # bottom, top
    (zero, top_0), (low_1, _), (start_2, top_2), (low_3, start_3) = spans
    assert (zero - top_0) / (zero - top_2) == pytest.approx(0.5 / 1.2, abs=1e-3)
    assert (low_1 - zero) / (low_3 - zero) == pytest.approx(0.4 / 0.6, abs=1e-3)
    assert (start_2, start_3) == pytest.approx((top_0, low_1), abs=0.01)
    assert "neuron 0: 0, 2." in fig.layout.meta["alt"]


def test_still_drawing_of_a_film_shows_its_end(plane_history):
    end = draw(plots.arrows_animation(plane_history).to_dict())
    W = plane_history["W"][-1, 0]
    for i in range(5):
        shaft = next(p for p in paths(end, look.PALETTE[i]) if len(p) > 1)
        (x0, y0), (x1, y1) = shaft[:2]
        drawn = torch.tensor([x1 - x0, y0 - y1])
        assert torch.cosine_similarity(drawn, W[:, i], dim=0) > 0.999


@pytest.mark.parametrize("log", [False, True])
def test_still_drawing_gives_cells_their_place_and_colour(log):
    """A heatmap whose columns are not evenly spaced, on a linear and on a logarithmic axis."""
    from toyutils.plots.still import _edges

    x = [1.0, 2.0, 10.0]
    edges = _edges(x, log)
    middle = [math.sqrt(2), math.sqrt(20)] if log else [1.5, 6.0]
    assert edges[1:3].tolist() == pytest.approx(middle)
    assert all(a < b < c for a, b, c in zip(edges, x, edges[1:], strict=False))
    fig = go.Figure(go.Heatmap(x=x, z=[[0, 1, None], [1, 0, 0]], coloraxis="coloraxis"))
    scale = [[0, "#ff0000"], [1, "#0000ff"]]
    fig.update_layout(coloraxis=dict(colorscale=scale, showscale=False))
    if log:
        fig.update_xaxes(type="log", range=[math.log10(edges[0]), math.log10(edges[-1])])
    pixels = picture_in(draw(fig.to_dict()))
    height, width, _ = pixels.shape
    places = np.log(edges) if log else edges
    inner = (places[:-1] + places[1:]) / 2
    columns = ((inner - places[0]) / (places[-1] - places[0]) * width).astype(int)
    red, blue = [255, 0, 0, 255], [0, 0, 255, 255]
    lower, upper = pixels[height * 3 // 4, columns], pixels[height // 4, columns]
    assert lower[:2].tolist() == [red, blue]  # the first row lies below
    assert lower[2, 3] == 0  # nothing is drawn
    assert upper.tolist() == [blue, red, red]


def picture_in(drawing):
    import base64
    import io

    from PIL import Image

    [image] = ElementTree.fromstring(drawing).iter(f"{SVG}image")
    data = image.get("{http://www.w3.org/1999/xlink}href").partition(",")[2]
    pixels = np.array(Image.open(io.BytesIO(base64.b64decode(data))))
    return pixels[::-1] if "scale(1 -1)" in image.get("transform", "") else pixels


def test_what_cannot_be_drawn_still_is_left_to_its_words():
    assert draw(go.Figure(go.Pie(values=[1, 2])).to_dict()) is None
    assert draw(go.Figure().to_dict()) is None


@pytest.mark.parametrize(
    "fig",
    [
        go.Figure(go.Scatter(x=["2026-01-01", "2026-02-01"], y=[1, 2])),
        go.Figure(go.Scatter(y=[1, None, 2], mode="markers+text", text=["a", "b", "c"])),
        go.Figure(go.Bar(x=["a", "b"], y=[1, 2])),
        go.Figure(go.Scatter(x=np.arange(3), y=np.ones(3))),
        go.Figure(go.Heatmap(z=np.eye(3))),
        go.Figure(go.Contour(z=np.eye(3))),
        go.Figure(go.Scatter3d(x=[1], y=[2], z=[3])),
        go.Figure(go.Scatter(x=[1, 2], y=[1, 2]), layout_title="mine"),
    ],
    ids=lambda fig: fig.data[0].type,
)
def test_a_readers_own_figure_is_displayed_in_any_case(fig):
    bundle = pio.renderers["toyutils"].to_mimebundle(fig.to_dict())
    assert "application/vnd.plotly.v1+json" in bundle


STEPS = {
    "x": torch.tensor([0.0, 1.0, 0.0]),
    "W": torch.tensor([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5]]),
    "h = W x": torch.tensor([0.0, 1.0]),
    "WᵀW": torch.tensor([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.5, 0.5, 0.5]]),
    "WᵀW x": torch.tensor([0.0, 1.0, 0.5]),
    "+ b": torch.tensor([0.0, 0.9, 0.5]),
    "ReLU": torch.tensor([0.0, 0.9, 0.5]),
}


def test_matrix_steps_shows_every_step_and_marks_interference():
    steps = plots.matrix_steps(STEPS)
    text, page = repr(steps), steps._repr_html_()
    for name in STEPS:
        assert f"{name}\n" in text
        assert f">{name}</caption>" in page
    assert "0.50*" in text  # what feature 1 leaves at output 2
    assert "<b>0.50*</b>" in page
    assert "0.90\n" in text.replace(" ", "")  # 1 - 0.1, not interference
    free = plots.matrix_steps({"x": torch.ones(2), "WᵀW": torch.eye(2), "WᵀW x": torch.ones(2)})
    assert "*" not in repr(free)
    right = STEPS | {"+ b": STEPS["x"]}  # a bias that undoes it leaves nothing to mark
    assert "*" not in repr(plots.matrix_steps(right)).split("+ b")[1].split("ReLU")[0]


def test_a_table_shows_names_numbers_and_shares():
    shown = plots.table(
        {"setting": ["S = 0", "S = 0.9 & more"], "loss": torch.tensor([0.0416667, 1e-5]),
         "kept": [2, 4], "share": [0.5, 1.0]},
        formats={"share": ".0%"}, title="Ends",
    )  # fmt: skip
    lines = repr(shown).splitlines()
    assert lines[0] == "Ends"
    assert lines[1].split() == ["setting", "loss", "kept", "share"]
    assert lines[2].endswith("0.04167     2    50%")
    assert {len(line) for line in lines[1:]} == {len(lines[1])}
    page = shown._repr_html_()
    ElementTree.fromstring(page)
    assert "S = 0.9 &amp; more" in page
    assert page.count("<tr>") == 3
    assert 'scope="col"' in page
    with pytest.raises(ValueError, match="differ in length"):
        plots.table({"a": [1], "b": [1, 2]})
    with pytest.raises(ValueError, match=r"column 'a' has shape \(2, 2\)"):
        plots.table({"a": torch.ones(2, 2)})
    with pytest.raises(ValueError, match="formats names"):
        plots.table({"a": [1]}, formats={"b": ".2f"})


ONE = torch.ones


def test_a_weight_has_two_routes_and_only_the_encoders_reaches_every_output():
    fig = plots.network(3, 2, weight=(1, 2))
    decoder, encoder = (trace for trace in fig.data if trace.name)
    nodes = [trace.y for trace in fig.data if trace.mode == "markers+text"]
    assert (decoder.y[0], decoder.y[1]) == (nodes[1][1], nodes[2][2])
    assert encoder.y[:2] == (nodes[0][2], nodes[1][1])
    ends = {y for x, y in zip(encoder.x, encoder.y, strict=True) if x == 2}
    assert ends == set(nodes[2])
    assert not [trace for trace in plots.network(3, 2).data if trace.name]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: plots.feature_scatter(torch.rand(5, 3)), r"x has shape \(5, 3\)"),
        (lambda: plots.mapping(ONE(5, 3), ONE(5), ONE(5, 2)), r"x has shape \(5, 3\)"),
        (lambda: plots.mapping(ONE(5, 2), ONE(4), ONE(5, 2)), r"h \(4,\)"),
        (lambda: plots.mapping(ONE(5, 2), ONE(5), ONE(5, 2), W=ONE(3)), r"W has shape \(3,\)"),
        (lambda: plots.in_out_bars(ONE(3), ONE(4)), r"x has shape \(1, 3\) and y \(1, 4\)"),
        (lambda: plots.in_out_bars(ONE(3), ONE(3), ["a", "b"]), "titles has 2"),
        (lambda: plots.feature_arrows(ONE(3, 5)), "3 hidden numbers"),
        (lambda: plots.feature_arrows(W5, ["one"]), "titles has 1"),
        (lambda: plots.feature_arrows(W5, top=5), "top is 5; there are features 0 to 4"),
        (lambda: plots.network(0, 2), "n_features is 0"),
        (lambda: plots.network(3, 2, weight=(2, 0)), r"weight is \(2, 0\); give"),
        (lambda: plots.spokes({"h": [W5[0]]}, ["a", "b"]), "'h' has 1 entries; there are 2 titles"),
        (lambda: plots.spokes({"h": [ONE(3, 4)]}, ["a"]), r"h has shape \(3, 4\)"),
        (lambda: plots.rows_and_columns(W5[0]), r"W has shape \(2, 5\)"),
        (lambda: plots.rows_over_seeds(W5), r"W has shape \(4, 2, 5\)"),
        (lambda: plots.rows_over_seeds(W5[:, :1, :2], ["a"]), "outcome has 1"),
        (lambda: plots.outcomes_over_seeds(ONE(2, 2)), r"loss has shape \(2, 2\)"),
        (lambda: plots.outcomes_over_seeds([0.1], ["a", "b"]), "outcome has 2"),
        (lambda: plots.outcome_shares([[1]], ["a"], ["x", "y"]), r"counts has shape \(1, 1\)"),
        (lambda: plots.ridge({}, x_title="D"), "values is empty"),
        (
            lambda: plots.curves([1.0, 2.0], {"k": [1.0]}, x_title="x", y_title="y"),
            "curve 'k' has shape",
        ),
        (
            lambda: plots.curves([1.0], {"k": [1.0]}, x_title="x", y_title="y", colors=[]),
            "colors has 0",
        ),
        (lambda: plots.gram_grid(W5, W5[:, 0], ["a"]), "there are 1 titles"),
        (lambda: plots.norm_bars(W5[0], ["a"]), "give W"),
        (lambda: plots.neuron_stacks(W5[0], ["a"]), "give W"),
        (lambda: plots.polytope(W5[0]), "2 hidden numbers; a solid needs three"),
        (lambda: plots.polytope(torch.eye(3)), "3 directions"),
        (
            lambda: plots.phase_diagram([0.1, 1], [1, 2, 3], ONE(3, 2), value_title="D"),
            r"value has shape \(3, 2\)",
        ),
        (lambda: plots.region_map([0.1, 1], [1], [[0], [2]], ["a", "b"]), "counts from 0 to 2"),
        (
            lambda: plots.region_map([0.1, 1], [1], [[0], [0]], ["a"], drawings={"b": [[1]]}),
            r"drawings has \['b'\]",
        ),
        (lambda: plots.landscape([0, 1], [0, 1], ONE(2, 3)), r"loss has shape \(2, 3\)"),
        (lambda: plots.landscape([0, 1], [0, 1], 0 * ONE(2, 2)), "values above 0"),
        (
            lambda: plots.landscape([0, 1], [0, 1], ONE(2, 2), starts=ONE(3, 2), fate=["a"]),
            "fate 1 entries",
        ),
        (lambda: plots.turning_arrow(W5, [0, 90], [1, 2, 3, 4]), r"degrees has shape \(2,\)"),
        (lambda: plots.turning_arrow(W5[0], [0], [1]), r"W has shape \(2, 5\)"),
        (
            lambda: plots.branches([1, 2], {"a": ONE(2, 1, 2)}, {"b": [1, 2]}, x_title="p"),
            r"W has \['a'\], loss has \['b'\]",
        ),
        (
            lambda: plots.branches([1, 2], {"a": ONE(3, 1, 2)}, {"a": [1, 2]}, x_title="p"),
            r"'a' has W \(3, 1, 2\)",
        ),
        (lambda: plots.matrix_steps({"x": ONE(3), "WᵀW": ONE(2, 2)}), r"WᵀW has shape \(2, 2\)"),
        (lambda: plots.matrix_steps({"x": ONE(1, 1, 1)}), "'x' has shape"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_bad_histories_are_named(history, plane_history, points):
    with pytest.raises(ValueError, match="instance is 7; the history holds 0 to 2"):
        plots.training_dashboard(history, points[0], instance=7)
    with pytest.raises(ValueError, match="5 features and 2 hidden"):
        plots.training_dashboard(plane_history, points[0])
    with pytest.raises(ValueError, match="needs any number of features and 2 hidden"):
        plots.arrows_animation(history)


def test_a_matrix_is_read_by_rows_and_by_columns():
    fig = plots.rows_and_columns([[0.8, -0.6]])
    tips = {trace.hovertext: (trace.xaxis, trace.x[4], trace.y[4]) for trace in fig.data}
    assert tips == {
        "row 0: (0.80, -0.60), length 1.00": ("x", 0.8, -0.6),
        "feature 0: (0.80, 0.00), length 0.80": ("x2", 0.8, 0.12),
        "feature 1: (-0.60, 0.00), length 0.60": ("x2", -0.6, -0.12),
    }
