"""The apps in a real browser: the same numbers as Python, usable by mouse, keyboard and ear."""

import math
from collections import Counter
from pathlib import Path

import nbformat
import pytest
import torch
from axe_playwright_python.sync_playwright import Axe

from tests.browser import lab
from toyutils import geometry, live, theory
from toyutils.features import FixedPoints, IndependentFeatures
from toyutils.models import ReLUModel
from toyutils.training import train

SCRIPT = (Path(live.__file__).parent / "live.js").read_text(encoding="utf-8")
NAMES = (
    "lossAndGradient, expectedLoss, fitBiases, featureNorms, interference, nameShape, importances, "
    "makeRandom, sampleActive, Trainer"
)


@pytest.fixture(scope="module")
def browser():
    with lab.open_browser() as page:
        yield page.context.browser


@pytest.fixture(scope="module")
def module(browser):
    """A page that holds nothing but the module, as `window.live`."""
    page = browser.new_page()
    page.add_script_tag(content=f"{SCRIPT}\nwindow.live = {{ {NAMES} }};", type="module")
    page.wait_for_function("window.live")
    yield page
    page.close()


@pytest.fixture
def open_page(browser, tmp_path):
    """Open the standalone page from disk; afterwards see to complaints and requests."""
    path = tmp_path / "live.html"
    path.write_text(live.page(), encoding="utf-8")
    pages, complaints, requests = [], [], []

    def opened(width=800, height=1200, **media):
        page = browser.new_page(viewport={"width": width, "height": height}, **media)
        pages.append(page)
        page.on("console", lambda m: m.type == "error" and complaints.append(m.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(path.as_uri())
        return page

    yield opened
    for page in pages:
        page.close()
    assert complaints == []
    assert all(url.startswith(("file:", "data:", "blob:")) for url in requests)


@pytest.fixture
def page(open_page):
    return open_page()


def random_model(n, seed, scale=0.8):
    random = torch.Generator().manual_seed(seed)
    W = scale * torch.randn(2, n, generator=random, dtype=torch.float64)
    return W, 0.3 * torch.randn(n, generator=random, dtype=torch.float64)


def as_model(W, b):
    """Return the argument that the module takes, as JavaScript."""
    n = W.shape[1]
    lists = [part.flatten().tolist() for part in (W, b)]
    return f"{{n: {n}, m: 2, W: Float64Array.from({lists[0]}), b: Float64Array.from({lists[1]})}}"


@pytest.mark.parametrize("n", [2, 5, 8])
def test_loss_and_gradient_are_those_of_toyutils(module, n):
    W, b = random_model(n, n)
    x = IndependentFeatures(n, 0.5).sample(50, generator=torch.Generator().manual_seed(1)).double()
    importance = 0.9 ** torch.arange(n, dtype=torch.float64)
    got = module.evaluate(
        f"""() => {{
            const r = live.lossAndGradient({as_model(W, b)}, {x.flatten().tolist()}, 50,
                                           live.importances("0.9^i", {n}));
            return [r.loss, Array.from(r.dW), Array.from(r.db)];
        }}"""
    )
    model = ReLUModel(n, 2).double()
    with torch.no_grad():
        model.W.copy_(W)
        model.b.copy_(b)
    batch = FixedPoints(x).batch()
    by_W, by_b = model.gradients(batch, importance[None])
    assert got[0] == pytest.approx(model.loss(batch, importance).item(), abs=1e-12)
    assert torch.allclose(torch.tensor(got[1], dtype=torch.float64), by_W.flatten(), atol=1e-12)
    assert torch.allclose(torch.tensor(got[2], dtype=torch.float64), by_b.flatten(), atol=1e-12)


@pytest.mark.parametrize("sparsity", [0, 0.5, 0.99])
@pytest.mark.parametrize("n", [2, 3, 6])
def test_exact_loss_is_that_of_toyutils(module, n, sparsity):
    for seed, scale in ((0, 0.8), (1, 0.3), (2, 1e-4)):
        W, b = random_model(n, seed, scale)
        W[:, 0] *= seed  # also a feature without a direction
        importance = 0.7 ** torch.arange(n, dtype=torch.float64)
        code = f"live.expectedLoss({as_model(W, b)}, {sparsity}, live.importances('0.7^i', {n}))"
        want = theory.expected_loss(W, b, sparsity, importance).item()
        assert module.evaluate(code) == pytest.approx(want, abs=1e-9, rel=1e-6)


def test_fitted_biases_are_the_best(module):
    for seed in range(4):
        W, b = random_model(4, seed)
        fitted = module.evaluate(
            f"(m => {{ live.fitBiases(m, 0.8); return Array.from(m.b); }})({as_model(W, b)})"
        )
        fitted = torch.tensor(fitted, dtype=torch.float64)
        least = theory.expected_loss(W, fitted, 0.8)
        for i in range(4):  # one output's bias does not touch another's loss
            others = fitted.repeat(401, 1)
            others[:, i] = torch.linspace(-1.5, 1, 401)
            assert theory.expected_loss(W.expand(401, 2, 4), others, 0.8).min() >= least - 1e-7


def test_names_and_lengths_are_those_of_toyutils(module):
    cases = [random_model(n, seed)[0] for n in (2, 3, 5, 8) for seed in range(12)]
    for k in (2, 3, 4, 5, 6, 8):
        angle = 0.3 + 2 * math.pi * torch.arange(k, dtype=torch.float64) / k
        cases.append(1.1 * torch.stack([angle.cos(), angle.sin()]))
        cases.append(torch.cat([cases[-1], cases[-1][:, :1], torch.zeros(2, 1)], 1))
    for W in cases:
        model = as_model(W, torch.zeros(W.shape[1]))
        assert module.evaluate(f"live.nameShape({model})") == str(geometry.name_shape(W))
        norms = module.evaluate(f"Array.from(live.featureNorms({model}))")
        assert norms == pytest.approx(geometry.feature_norms(W).tolist(), abs=1e-12)
        parts = module.evaluate(f"live.interference({model})")
        both = [part["costly"] + part["free"] for part in parts]
        assert both == pytest.approx(geometry.interference(W).tolist(), abs=1e-12)


def test_interference_tells_what_costs_from_what_is_free(module):
    """With one feature on, only neighbours nearer than 90° are answered by mistake."""
    W = torch.tensor([[1.0, -1, 0, 0], [0, 0, 1, 0.5]], dtype=torch.float64)
    parts = module.evaluate(f"live.interference({as_model(W, torch.zeros(4))})")
    assert [part["free"] for part in parts] == [1, 1, 0, 0]
    assert [part["costly"] for part in parts] == pytest.approx([0, 0, 0.25, 1])


def test_points_are_drawn_given_that_some_feature_is_active(module):
    x = module.evaluate(
        """() => { const x = new Float64Array(4 * 50000);
                   live.sampleActive(x, 4, 0.2, live.makeRandom(3)); return Array.from(x); }"""
    )
    x = torch.tensor(x).reshape(-1, 4)
    some = 1 - 0.8**4
    assert (x.gt(0).any(1)).all()
    assert torch.allclose(x.gt(0).double().mean(0), torch.tensor(0.2 / some).double(), atol=0.01)
    assert torch.allclose(x.mean(0).double(), torch.tensor(0.1 / some).double(), atol=0.006)
    both = (x[:, 0].gt(0) & x[:, 3].gt(0)).double().mean().item()
    assert both == pytest.approx(0.04 / some, abs=0.005)


@pytest.mark.weekly
@pytest.mark.parametrize("sparsity", [0, 0.7, 0.9, 0.97])
def test_shapes_over_200_seeds_agree_with_pytorch(module, sparsity):
    """Same recipe, other random numbers: every shape's share within its sampling error."""
    n_seeds, n_steps = 200, 1500
    names = module.evaluate(
        f"""() => Array.from({{length: {n_seeds}}}, (_, seed) => {{
            const t = new live.Trainer({{sparsity: {sparsity}, seed, batchSize: 64}});
            t.step({n_steps});
            return live.nameShape(t.model);
        }})"""
    )
    model = ReLUModel(5, 2, n_seeds)
    train(model, IndependentFeatures(5, sparsity), n_steps=n_steps, batch_size=64,
          learning_rate=1e-2, optimizer="adam", record_at=1, progress=False)  # fmt: skip
    ours = Counter(names)
    theirs = Counter(str(geometry.name_shape(W)) for W in model.W.detach())
    for name in {*ours, *theirs}:
        share = (ours[name] + theirs[name]) / (2 * n_seeds)
        error = math.sqrt(2 * share * (1 - share) / n_seeds)
        assert abs(ours[name] - theirs[name]) / n_seeds <= 4 * error, (name, ours, theirs)


def state(page, app="pentagon"):
    return page.evaluate(f"apps.{app}.state()")


def wait(page, condition, app="pentagon", timeout=30):
    page.wait_for_function(f"(() => {{ const s = apps.{app}.state(); return {condition}; }})()",
                           timeout=1000 * timeout)  # fmt: skip


def test_twenty_seeds_fold_into_pentagons(page):
    page.get_by_role("button", name="20 seeds").click()
    page.wait_for_function("parseInt(apps.pentagon.state().tally) >= 1500", timeout=60_000)
    tally = state(page)["tally"]
    shares = dict(reversed(part.split(" × ")) for part in tally.split(": ")[1].split("; "))
    assert int(shares.get("pentagon", 0)) >= 18, tally
    assert page.locator(".tu-many svg").count() == 20


def test_the_slider_changes_the_shape_by_mouse_and_by_keyboard(page):
    wait(page, "s.shape === 'pentagon' && s.step > 500")
    slider = page.get_by_label("sparsity S").first
    box = slider.bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.98 * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + 2, y, steps=5)
    page.mouse.up()
    wait(page, "s.sparsity < 0.05 && s.shape !== 'pentagon'")
    slider.focus()
    page.keyboard.press("End")
    wait(page, "s.sparsity === 0.99")
    wait(page, "s.shape === 'pentagon'")
    # A settled model keeps its shape, unless it starts anew.
    page.get_by_label("start anew").uncheck()
    before = state(page)["step"]
    slider.focus()
    page.keyboard.press("ArrowLeft")
    wait(page, f"s.sparsity === 0.98 && s.step > {before}")
    page.get_by_role("button", name="Restart").press("Enter")
    wait(page, f"s.step < {before}")


def test_pause_restart_and_choices(page):
    page.get_by_role("button", name="Pause").click()
    before = state(page)
    assert not before["running"]
    page.wait_for_timeout(400)
    assert state(page)["step"] == before["step"]
    page.get_by_role("button", name="Continue").click()
    wait(page, f"s.step > {before['step']}")
    page.get_by_label("features").first.select_option("3")
    wait(page, "s.n_features === 3 && s.W[0].length === 3")
    page.get_by_label("learning rate").select_option("0.03")
    assert state(page)["learning_rate"] == 0.03
    # The same seed gives the same start.
    starts = []
    for seeds in ((7,), (8, 7)):
        for seed in seeds:
            page.evaluate(f"apps.pentagon.set({{running: false, n_features: 5, seed: {seed}}})")
        page.evaluate("apps.pentagon.restart()")
        starts.append(state(page)["W"])
    assert starts[0] == starts[1]


def test_an_arrow_is_dragged_by_mouse_and_by_keyboard(page):
    before = state(page, "drag")
    handle = page.get_by_role("slider", name="feature 2")
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] - 120, box["y"] + 60, steps=6)
    page.mouse.up()
    dragged = state(page, "drag")
    assert dragged["loss"] != before["loss"]
    assert dragged["W"][0][2] < before["W"][0][2] - 0.5
    assert dragged["W"][0][:2] == before["W"][0][:2]
    W, b = (torch.tensor(dragged[name], dtype=torch.float64) for name in ("W", "b"))
    assert dragged["loss"] == pytest.approx(theory.expected_loss(W, b, 0.9).item(), abs=1e-9)

    first = page.get_by_role("slider", name="feature 0")
    first.focus()
    for key in ("ArrowLeft", "ArrowUp"):
        page.keyboard.press(key)
    pressed = state(page, "drag")
    assert pressed["loss"] != dragged["loss"]
    length = [math.hypot(s["W"][0][0], s["W"][1][0]) for s in (dragged, pressed)]
    assert length[1] == pytest.approx(length[0] + 0.05, abs=1e-6)
    assert "length" in first.get_attribute("aria-valuetext")


def drag(page, handle, dx, dy):
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx, y + dy, steps=6)


@pytest.mark.parametrize("button", ["Pause", "Start again"])
def test_a_drag_after_a_click_draws_no_ring(page, button):
    """Focus set by script after a click shows the browser's outline, in the drawing's units."""
    page.get_by_role("button", name=button).click()
    handle = page.get_by_role("slider", name="feature 1")
    drag(page, handle, -60, 40)
    focused = page.evaluate(
        "(e => [e.getAttribute('aria-label'), getComputedStyle(e).outlineStyle, "
        "getComputedStyle(e).stroke])(document.activeElement)"
    )
    page.mouse.up()
    assert focused[:2] == ["feature 1", "none"]
    assert focused[2] != "none"  # what shows the focus instead


def test_a_thumb_takes_the_nearest_arrow_and_moves_it_without_a_jump(page):
    before = state(page, "drag")["W"]
    handle = page.get_by_role("slider", name="feature 0")
    box = handle.bounding_box()
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    x, y = box["x"] + 1.4 * box["width"], box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 10, y)
    page.mouse.up()
    after = state(page, "drag")["W"]
    assert after[0][0] == pytest.approx(before[0][0] + 0.1, abs=0.02)
    assert after[0][1:] == before[0][1:]


def swipe(page, x, y, distance):
    """Move a finger from (x, y) by `distance` pixels, as a touch screen reports it."""
    session = page.context.new_cdp_session(page)

    def touch(kind, *points):
        session.send("Input.dispatchTouchEvent", dict(type=kind, touchPoints=points))
        page.wait_for_timeout(16)

    touch("touchStart", dict(x=x, y=y))
    for k in range(1, 13):
        touch("touchMove", dict(x=x, y=y + distance * k / 12))
    touch("touchEnd")
    page.wait_for_timeout(200)


def test_a_swipe_on_a_picture_scrolls_a_phone_and_a_drag_drags(open_page):
    page = open_page(375, 667, has_touch=True, is_mobile=True)
    page.get_by_role("button", name="20 seeds").tap()
    page.evaluate("apps.pentagon.set({running: false})")
    page.evaluate("document.body.style.paddingBottom = '600px'")  # room to scroll everywhere
    for selector in ("#pentagon .tu-plane >> nth=0", ".tu-many svg >> nth=1", ".tu-chart",
                     "#drag .tu-plane"):  # fmt: skip
        picture = page.locator(selector)
        picture.evaluate("e => e.scrollIntoView({block: 'center'})")
        box = picture.bounding_box()
        start = page.evaluate("scrollY")
        swipe(page, box["x"] + box["width"] / 2, box["y"] + 0.7 * box["height"], -200)
        assert page.evaluate("scrollY") > start + 150, selector

    handle = page.get_by_role("slider", name="feature 2")
    handle.evaluate("e => e.scrollIntoView({block: 'center'})")
    box = handle.bounding_box()
    start, before = page.evaluate("scrollY"), state(page, "drag")["W"]
    swipe(page, box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, 120)
    assert page.evaluate("scrollY") == start
    after = state(page, "drag")["W"]
    assert after[1][2] < before[1][2] - 0.5
    assert [row[:2] for row in after] == [row[:2] for row in before]


def test_two_of_a_kind_on_one_page_do_not_meet(page):
    page.evaluate(
        """() => { for (const name of ["pentagon", "drag"]) {
            const root = document.createElement("div");
            document.querySelector("main").append(root);
            const mount = name === "drag" ? apps.mountDrag : apps.mountPentagon;
            apps[name + "2"] = mount(root, {n_features: 4});
        } }"""
    )
    labels = page.evaluate("Array.from(document.querySelectorAll('label'), l => l.htmlFor)")
    assert len(set(labels)) == len(labels)
    before = state(page, "drag")["W"]
    page.get_by_role("slider", name="feature 0").nth(1).press("ArrowLeft")
    assert state(page, "drag")["W"] == before
    assert state(page, "drag2")["W"] != before
    page.get_by_role("button", name="Pause").nth(1).click()
    assert state(page)["running"]
    assert not state(page, "pentagon2")["running"]
    page.evaluate("apps.pentagon2.destroy(), apps.drag2.destroy()")
    assert page.locator(".tu-live").count() == 2


def test_a_page_reloaded_begins_anew(page):
    wait(page, "s.step > 50")
    page.get_by_role("slider", name="feature 0").press("ArrowLeft")
    dragged = state(page, "drag")["W"]
    page.reload()
    wait(page, "s.step > 50")
    assert state(page, "drag")["W"] != dragged


def test_gradient_descent_finishes_what_the_reader_began(page):
    wait(page, "s.optimum !== null", "drag", 60)
    page.get_by_role("button", name="Let gradient descent finish").click()
    wait(page, "s.training", "drag")
    wait(page, "!s.training", "drag", 60)
    after = state(page, "drag")
    exact = theory.best_relu_model(3, 2, 0.9, n_restarts=12).loss.item()
    assert after["optimum"] == pytest.approx(exact, rel=0.03)
    assert after["optimum"] >= exact - 1e-9
    assert after["loss"] < 10 * exact
    assert after["best"] <= after["loss"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_fault_for_those_who_listen(open_page, scheme):
    page = open_page(color_scheme=scheme, reduced_motion="reduce")
    page.get_by_role("button", name="20 seeds").click()
    page.wait_for_timeout(1500)
    found = Axe().run(page).response["violations"]
    serious = [v["id"] + ": " + v["nodes"][0]["html"][:200]
               for v in found if v["impact"] in ("serious", "critical")]  # fmt: skip
    assert serious == []


def test_fits_a_narrow_screen(open_page):
    page = open_page(width=360)
    page.wait_for_timeout(500)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_unwanted_motion_is_rare(open_page):
    page = open_page(reduced_motion="reduce")
    changes = page.evaluate(
        """() => new Promise(done => {
            let n = 0;
            const line = document.querySelector("#pentagon .tu-plane line");
            const watch = {attributes: true, attributeFilter: ["x2"]};
            new MutationObserver(() => n++).observe(line, watch);
            setTimeout(() => done(n), 3000);
        })"""
    )
    assert 1 <= changes <= 6
    assert page.evaluate("apps.pentagon.state().step") > 20


CELLS = (
    "from toyutils.live import DragFeatures, LivePentagon",
    "pentagon = LivePentagon(sparsity=0.9)\npentagon",
    "drag = DragFeatures(n_features=4)\ndrag",
    "from pathlib import Path\n"
    "def note(change):\n"
    "    Path('state.txt').write_text(f'{pentagon.sparsity} {drag.loss} {len(drag.W[0])}')\n"
    "pentagon.observe(note, 'sparsity')\n"
    "drag.observe(note, 'loss')\n"
    "drag.n_features = 5\n"
    "drag.sparsity = 0.8",
)


def test_widgets_and_kernel_share_their_state_in_jupyterlab(browser, tmp_path):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in CELLS])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    path = tmp_path / "widgets.ipynb"
    nbformat.write(notebook, path)
    complaints = []
    with lab.start_lab([path], tmp_path / "lab") as server:
        page = browser.new_page(viewport={"width": 1200, "height": 1600})
        page.on("pageerror", lambda error: complaints.append(str(error)))
        lab.open_notebook(page, server, path.name)
        assert lab.errors(lab.run_all(page)) == []
        page.locator(".tu-shape").nth(1).wait_for()

        # From Python to the page: five features at sparsity 0.8.
        page.wait_for_function("document.querySelectorAll('.tu-handle').length === 5")
        drag = page.get_by_role("group", name="place the features yourself")
        assert drag.get_by_label("sparsity S").input_value() == "0.8"

        # From the page to Python.
        state = server.folder / "state.txt"
        slider = page.get_by_label("sparsity S").first
        slider.focus()
        page.keyboard.press("Home")
        page.get_by_role("slider", name="feature 1").focus()
        page.keyboard.press("ArrowUp")

        def told():
            words = state.read_text().split() if state.exists() else []
            return (
                len(words) == 3 and float(words[0]) == 0 and words[1] != "None" and words[2] == "5"
            )

        lab.wait_until(told, 20, page, "Python to hear of the page's changes")

        # A page reloaded beside a living kernel shows what there was.
        page.get_by_role("slider", name="feature 1").press("ArrowLeft")
        placed = page.locator(".tu-handle").nth(1).get_attribute("aria-valuetext")
        page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
        page.reload()
        page.locator(".tu-handle").nth(4).wait_for(timeout=60_000)
        assert page.locator(".tu-handle").nth(1).get_attribute("aria-valuetext") == placed
        assert page.get_by_label("sparsity S").first.input_value() == "0"
        assert page.get_by_text("Error displaying widget").count() == 0
        page.close()
    assert complaints == []
