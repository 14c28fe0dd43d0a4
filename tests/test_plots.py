import base64
import json
import math
import re
import zlib
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import plotly.graph_objects as go
import plotly.io as pio
import pytest
import torch

from toyutils import plots
from toyutils.features import IndependentFeatures
from toyutils.models import LinearModel, ReLUModel
from toyutils.plots import look
from toyutils.plots.still import still
from toyutils.training import train


@pytest.fixture(scope="module")
def points():
    random = torch.Generator().manual_seed(0)
    return IndependentFeatures(2, 0.6).sample(300, 3, generator=random)


@pytest.fixture(scope="module")
def history(points):
    return train(
        LinearModel(2, 1, 3), points, n_steps=300, test_data=points[:, :50], progress=False
    )


@pytest.fixture(scope="module")
def plane_history():
    features = IndependentFeatures(5, 0.9)
    return train(ReLUModel(5, 2, 2), features, n_steps=60, batch_size=32, progress=False)


W5 = torch.randn(4, 2, 5, generator=torch.Generator().manual_seed(1))


@pytest.fixture(
    params=[
        "feature_scatter", "mapping", "mapping_relu", "training_dashboard", "arrows_animation",
        "feature_arrows", "feature_arrows_list", "directions_over_seeds", "gram_heatmap",
        "gram_heatmap_b", "outcomes_over_seeds", "outcome_shares", "curves", "loss_curves",
        "theory_vs_trained", "turning_arrow", "gram_grid", "norm_bars",
        "phase_diagram", "sticky_lines", "gram_graph",
    ]
)  # fmt: skip
def figure(request, points, history, plane_history):
    W1, b1, x = torch.tensor([[0.8, -0.6]], requires_grad=True), torch.tensor([0.1, 0.2]), points[0]
    grid = torch.linspace(0.1, 1, 5, dtype=torch.float64)
    makers = {
        "feature_scatter": lambda: plots.feature_scatter(x),
        "mapping": lambda: plots.mapping(W1, b1, x.double()),
        "mapping_relu": lambda: plots.mapping(W1[None], b1, x, activation="relu"),
        "training_dashboard": lambda: plots.training_dashboard(
            history, x, 1, exact={"minimum": 0.03}
        ),
        "arrows_animation": lambda: plots.arrows_animation(plane_history, instance=1),
        "feature_arrows": lambda: plots.feature_arrows(W5, [f"model {k}" for k in range(4)]),
        "feature_arrows_list": lambda: plots.feature_arrows([W5[0], W5[1][:, :3], W1]),
        "directions_over_seeds": lambda: plots.directions_over_seeds(
            W5[:, :1, :2], outcome=["a", "b", "a", "a"]
        ),
        "gram_heatmap": lambda: plots.gram_heatmap(W5[0]),
        "gram_heatmap_b": lambda: plots.gram_heatmap(W5[0], torch.arange(5.0)),
        "outcomes_over_seeds": lambda: plots.outcomes_over_seeds(
            [0.3, 0.1, 0.2], ["x", "y", "x"], exact={"least": 0.05}
        ),
        "outcome_shares": lambda: plots.outcome_shares([[3, 1], [0, 4]], ["p", "q"], ["4", "5"]),
        "curves": lambda: plots.curves(
            grid, {"one": grid**2, "two": grid.log()}, x_title="p", y_title="loss", mark={"m": 0.5}
        ),
        "loss_curves": lambda: plots.loss_curves({"linear": history}),
        "gram_grid": lambda: plots.gram_grid(W5, W5[:, 0], list("abcd")),
        "sticky_lines": lambda: plots.sticky_lines(
            [0.5, 0.4, 0.1],
            [torch.tensor([0.5, 0.7]), torch.zeros(0), torch.tensor([0.4])],
            [["alone", "antipodal pair"], [], ["pentagon"]],
            {"1/2": 0.5},
        ),
        "gram_graph": lambda: plots.gram_graph(torch.block_diag(W5[0], W5[1])),
        "phase_diagram": lambda: plots.phase_diagram(
            grid,
            grid * 10,
            torch.rand(5, 5),
            value_title="D",
            models=(torch.ones(5, 5, 1, 2), torch.zeros(5, 5, 2), torch.ones(5, 5)),
            lines={"theory": (grid, grid)},
            points=([0.2, 0.5], [1, 2], [0.4, 0.6]),
        ),
        "norm_bars": lambda: plots.norm_bars(W5, list("abcd")),
        "turning_arrow": lambda: plots.turning_arrow(W5, [0, 90, 180, 270], [0.1, 0.2, 0.3, 0.2]),
        "theory_vs_trained": lambda: plots.theory_vs_trained(
            grid, {"exact": grid}, {"best": grid}, x_title="p", y_title="loss", log_y=True
        ),
    }
    return makers[request.param]()


def test_every_figure_speaks_and_is_small(figure):
    assert isinstance(figure, go.Figure)
    alt = figure.layout.meta["alt"]
    assert len(alt) >= 20
    assert re.search(r"\d", alt), "the text alternative holds no number"
    assert "nan" not in alt
    assert len(figure.to_json()) < 1_000_000
    assert figure.layout.template.layout.font.size == 13


def test_every_axis_is_named_or_hidden(figure):
    layout = figure.to_dict()["layout"]
    for name, axis in layout.items():
        if re.fullmatch(r"[xy]axis\d*", name):
            hidden = axis.get("visible") is False or axis.get("showticklabels") is False
            bars = any(trace.type == "bar" for trace in figure.data)  # labels name themselves
            beside = any(trace.type == "heatmap" for trace in figure.data)
            assert hidden or bars or beside or axis.get("title"), name


def test_every_public_figure_is_tested():
    source = Path(__file__).read_text(encoding="utf-8")
    for name in plots.__all__:
        assert f"plots.{name}(" in source, name


def test_animations_have_enough_small_frames(history, plane_history, points):
    for fig in (
        plots.training_dashboard(history, points[0]),
        plots.arrows_animation(plane_history),
    ):
        assert len(fig.frames) >= 40
        assert len(fig.to_json()) <= 1_000_000
        play = fig.layout.updatemenus[0].buttons[0].args[1]
        assert play["frame"]["redraw"] is False
        assert len(fig.layout.sliders[0].steps) == len(fig.frames)
        moved = fig.frames[0].traces
        for frame in fig.frames:
            assert frame.traces == moved
            assert all(trace.x is not None for trace in frame.data)


def test_dashboard_shows_the_reconstructions_of_its_instance(history, points):
    fig = plots.training_dashboard(history, points[2], instance=2, max_points=50)
    W, b = history["W"][-1, 2], history["b"][-1, 2]
    want = points[2, :50] @ W.T @ W + b
    last = fig.frames[-1].data[2]
    assert torch.tensor(last.x).tolist() == pytest.approx(want[:, 0].tolist(), abs=2e-3)
    assert torch.tensor(last.y).tolist() == pytest.approx(want[:, 1].tolist(), abs=2e-3)
    assert fig.frames[-1].data[-1].y[0] == pytest.approx(history.loss[-1, 2].item(), rel=1e-3)


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
    for i in range(5):
        assert arrows[f"feature {i}"] == film[f"feature {i}"] == plots.feature_color(i)
    assert len({plots.feature_color(i) for i in range(8)}) == 8


def test_geometry_keeps_equal_axes(plane_history, points):
    for fig in (
        plots.feature_arrows(W5),
        plots.arrows_animation(plane_history),
        plots.feature_scatter(points[0]),
        plots.directions_over_seeds(W5[:, :1, :2]),
    ):
        layout = fig.to_dict()["layout"]
        assert layout["yaxis"]["scaleanchor"] == "x"
        assert layout["xaxis"]["range"] == layout["yaxis"]["range"]


def test_arrows_end_at_the_columns():
    for i, trace in enumerate(plots.feature_arrows(W5[0]).data):
        assert (trace.x[0], trace.y[0]) == (0, 0)
        assert [trace.x[1], trace.y[1]] == pytest.approx(W5[0][:, i].tolist(), rel=1e-3)


def test_numbers_round_to_significant_digits():
    assert look.numbers([0.0, 123456.0, -0.000123456]) == [0, 123500, -0.0001235]
    assert look.numbers(torch.tensor([[1 / 3]])) == [[0.3333]]


def test_log_axis_has_readable_ticks():
    axis = look.log_axis([0.045, 0.45])
    assert axis["ticktext"] == ["0.05", "0.1", "0.2", "0.5"]
    assert axis["tickvals"] == pytest.approx([0.05, 0.1, 0.2, 0.5])
    assert look.log_axis([0.0, -1.0]) == {"type": "log"}


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
    assert ("text/html" in bundle) == on_colab
    if on_colab:
        assert bundle["image/svg+xml"] in bundle["text/html"]
        assert "Plotly.newPlot" in bundle["text/html"]
    assert len(json.dumps(bundle, default=str)) < 100_000


def marks(drawing):
    """Return the corners of all lines and dots of an SVG, in pixels."""
    paths = [path.get("d") for path in ElementTree.fromstring(drawing).iter(f"{SVG}path")]
    return [
        tuple(map(float, pair)) for d in paths for pair in re.findall(r"(-?[\d.]+) (-?[\d.]+)", d)
    ]


SVG = "{http://www.w3.org/2000/svg}"


def test_every_figure_can_be_drawn_still(figure):
    drawing = still(figure.to_dict())
    root = ElementTree.fromstring(drawing)  # well formed
    assert root.find(f"{SVG}title").text == figure.layout.meta["alt"]
    names = {e.tag.removeprefix(SVG) for e in root.iter()}
    assert names & {"path", "image", "rect", "circle"}
    assert len(drawing) < 300_000
    if names & {"path"}:
        assert all(math.isfinite(v) for pair in marks(drawing) for v in pair)
    text = " ".join(e.text or "" for e in root.iter(f"{SVG}text"))
    for axis in (figure.layout.xaxis, figure.layout.yaxis):
        if axis.title.text and axis.visible is not False:
            assert axis.title.text in text


def test_still_drawing_puts_points_where_they_belong():
    fig = go.Figure(go.Scatter(x=[0, 1, 4], y=[1, 10, 100], mode="markers", marker_color="#010203"))
    fig.update_xaxes(range=[0, 4]).update_yaxes(type="log", range=[0, 2])
    root = ElementTree.fromstring(still(fig.to_dict()))
    [dots] = [p.get("d") for p in root.iter(f"{SVG}path") if p.get("stroke") == "#010203"]
    (x0, y0), (x1, y1), (x2, y2) = [
        tuple(map(float, pair)) for pair in re.findall(r"([\d.]+) ([\d.]+)", dots)
    ]
    assert (x1 - x0) / (x2 - x0) == pytest.approx(1 / 4, abs=1e-3)
    assert (y0 - y1) / (y0 - y2) == pytest.approx(1 / 2, abs=1e-3)
    assert y0 > y2


def test_still_drawing_gives_cells_their_colours():
    fig = go.Figure(go.Heatmap(z=[[0, 1], [None, 0]], colorscale=[[0, "#ff0000"], [1, "#0000ff"]]))
    root = ElementTree.fromstring(still(fig.to_dict()))
    [image] = root.iter(f"{SVG}image")
    data = base64.b64decode(image.get("href").partition(",")[2])
    start = data.index(b"IDAT")
    pixels = zlib.decompress(data[start + 4 : data.index(b"IEND") - 8])
    red, blue, white = b"\xff\0\0", b"\0\0\xff", b"\xff\xff\xff"
    assert pixels == b"\0" + white + red + b"\0" + red + blue  # the first row lies below


def test_what_cannot_be_drawn_still_is_left_to_its_words():
    assert still(go.Figure(go.Pie(values=[1, 2])).to_dict()) is None
    assert still(go.Figure().to_dict()) is None
    arrays = go.Figure(go.Scatter(x=np.arange(3), y=np.ones(3)))  # plotly 6 packs arrays
    assert len(marks(still(arrays.to_dict()))) > 3


def test_matrix_steps_shows_every_step():
    W, b, x = [[1.0, 0.0, 0.5], [0.0, 1.0, 0.5]], [0.0, -0.1, 0.0], [0.0, 1.0, 0.0]
    steps = plots.matrix_steps(torch.tensor(W), torch.tensor(b), torch.tensor(x))
    text, page = repr(steps), steps._repr_html_()
    for name in ("x", "W", "h = W x", "WᵀW", "WᵀW x", "+ b", "ReLU"):
        assert f"{name}\n" in text
        assert f">{name}</caption>" in page
    assert "0.50*" in text  # what feature 1 leaves at output 2
    assert "text-decoration: underline" in page
    assert "0.90\n" in text.replace(" ", "")  # 1 - 0.1, not interference
    free = plots.matrix_steps(torch.eye(2), torch.zeros(2), torch.ones(2), activation="linear")
    assert "*" not in repr(free)
    assert "ReLU" not in repr(free)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: plots.feature_scatter(torch.rand(5, 3)), r"x has shape \(5, 3\)"),
        (lambda: plots.mapping(torch.ones(1, 3), torch.zeros(3), torch.rand(5, 2)), "3 features"),
        (
            lambda: plots.mapping(torch.ones(2, 2), torch.zeros(2), torch.rand(5, 2)),
            r"W has shape \(2, 2\)",
        ),
        (
            lambda: plots.mapping(torch.ones(1, 2), torch.zeros(3), torch.rand(5, 2)),
            "b has 3 entries",
        ),
        (
            lambda: plots.mapping(torch.ones(1, 2), torch.zeros(2), torch.rand(5, 2), "tanh"),
            "activation is 'tanh'",
        ),
        (lambda: plots.feature_arrows(torch.ones(3, 5)), "3 hidden numbers"),
        (lambda: plots.feature_arrows(W5, ["one"]), "titles has 1"),
        (lambda: plots.directions_over_seeds(W5), r"W has shape \(4, 2, 5\)"),
        (lambda: plots.directions_over_seeds(W5[:, :1, :2], ["a"]), "outcome has 1"),
        (lambda: plots.gram_heatmap(W5[0], torch.zeros(4)), "b has 4 entries"),
        (lambda: plots.outcomes_over_seeds(torch.ones(2, 2)), r"loss has shape \(2, 2\)"),
        (lambda: plots.outcomes_over_seeds([0.1], ["a", "b"]), "outcome has 2"),
        (lambda: plots.outcome_shares([[1]], ["a"], ["x", "y"]), r"counts has shape \(1, 1\)"),
        (
            lambda: plots.curves([1.0, 2.0], {"k": [1.0]}, x_title="x", y_title="y"),
            "line 'k' has shape",
        ),
        (lambda: plots.gram_grid(W5, W5[:, 0], ["a"]), "there are 1 titles"),
        (lambda: plots.norm_bars(W5[0], ["a"]), "give W"),
        (
            lambda: plots.phase_diagram([0.1, 1], [1, 2, 3], torch.ones(3, 2), value_title="D"),
            r"value has shape \(3, 2\)",
        ),
        (lambda: plots.turning_arrow(W5, [0, 90], [1, 2, 3, 4]), r"degrees has shape \(2,\)"),
        (lambda: plots.turning_arrow(W5[0], [0], [1]), r"W has shape \(2, 5\)"),
        (lambda: plots.matrix_steps(torch.ones(2, 3), torch.zeros(2), torch.zeros(3)), "W has"),
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
