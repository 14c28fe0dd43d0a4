"""The page and the widgets in a real browser: by mouse, finger, keyboard and ear."""

import math
from pathlib import Path

import nbformat
import pytest
import torch
from axe_playwright_python.sync_playwright import Axe

from tests.browser import lab
from toyutils import exact, live, optima


def state(page, app="pentagon"):
    return page.evaluate(f"apps.{app}.state()")


def wait(page, condition, app="pentagon", timeout=30):
    page.wait_for_function(f"(() => {{ const s = apps.{app}.state(); return {condition}; }})()",
                           timeout=1000 * timeout)  # fmt: skip


def part(page, app):
    """Return the part of the page with this app, scrolled into sight: elsewhere it would rest."""
    root = page.locator(f"#{app}")
    root.evaluate("e => e.scrollIntoView()")
    return root


def test_opens_on_the_question(page):
    opened = state(page)
    assert (opened["sparsity"], opened["importance"]) == (0, "0.9^i")
    assert state(page, "story")["step"] == 0
    wait(page, "s.shape === 'orthogonal pair, 3 dropped'")


def test_twenty_seeds_fold_into_pentagons(page):
    page.evaluate("apps.pentagon.set({sparsity: 0.97, importance: 'equal'})")
    part(page, "pentagon").get_by_role("button", name="20 seeds").click()
    page.wait_for_function("parseInt(apps.pentagon.state().tally) >= 1500", timeout=60_000)
    tally = state(page)["tally"]
    shares = dict(reversed(part.split(" × ")) for part in tally.split(": ")[1].split("; "))
    assert int(shares.get("pentagon", 0)) >= 18, tally
    assert page.locator(".tu-many svg").count() == 20


def test_the_slider_changes_the_shape_by_mouse_and_by_keyboard(page):
    slider = part(page, "pentagon").get_by_label("sparsity S")
    page.evaluate("apps.pentagon.set({sparsity: 0.97})")
    wait(page, "s.shape === 'pentagon' && s.step > 500")
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
    part(page, "pentagon").get_by_role("button", name="Restart").press("Enter")
    wait(page, f"s.step < {before}")


def test_pause_restart_and_choices(page):
    pentagon = part(page, "pentagon")
    pentagon.get_by_role("button", name="Pause").click()
    before = state(page)
    assert not before["running"]
    page.wait_for_timeout(400)
    assert state(page)["step"] == before["step"]
    pentagon.get_by_role("button", name="Continue").click()
    wait(page, f"s.step > {before['step']}")
    pentagon.get_by_label("features").select_option("3")
    wait(page, "s.n_features === 3 && s.W[0].length === 3")
    pentagon.get_by_label("learning rate").select_option("0.03")
    assert state(page)["learning_rate"] == 0.03
    # The same seed gives the same start.
    starts = []
    for seeds in ((7,), (8, 7)):
        for seed in seeds:
            page.evaluate(f"apps.pentagon.set({{running: false, n_features: 5, seed: {seed}}})")
        page.evaluate("apps.pentagon.restart()")
        starts.append(state(page)["W"])
    assert starts[0] == starts[1]


def test_loss_has_a_yardstick(page):
    """Between the best known loss and that of answering zero, as Python has them."""
    page.evaluate("apps.pentagon.set({sparsity: 0.9, importance: '0.7^i', n_features: 4})")
    page.wait_for_function("apps.pentagon.best().done", timeout=60_000)
    importance = 0.7 ** torch.arange(4, dtype=torch.float64)
    best = optima.best_relu_model(4, 2, 0.9, importance, n_restarts=24).loss.item()
    readings = dict(
        zip(*(part(page, "pentagon").locator(f".tu-readings {tag}").all_inner_texts()
              for tag in ("dt", "dd")), strict=True)
    )  # fmt: skip
    assert float(readings["best known"]) == pytest.approx(best, rel=0.01)
    zero = exact.expected_loss(torch.zeros(2, 4), torch.zeros(4), 0.9, importance).item()
    assert float(readings["answering zero"]) == pytest.approx(zero, rel=0.005)
    stated = state(page)
    W, b = (torch.tensor(stated[name], dtype=torch.float64) for name in ("W", "b"))
    # The state is told twice a second, the loss measured in between.
    assert stated["loss"] == pytest.approx(
        exact.expected_loss(W, b, 0.9, importance).item(), rel=0.2
    )


def test_out_of_sight_it_rests(page):
    wait(page, "s.step > 20")
    part(page, "dictionary")
    page.wait_for_timeout(300)
    before = state(page)["step"]
    page.wait_for_timeout(500)
    assert state(page)["step"] == before
    part(page, "pentagon")
    wait(page, f"s.step > {before}")


# ------------------------------------------------------------------------------------ a story


def story_answers(page):
    page.wait_for_function("apps.story.state().done", timeout=90_000)
    return page.locator(".tu-answer").inner_text()


def test_the_story_tells_what_the_models_do(page):
    """From end to end, by keyboard; numbers in the sentences are those of the models."""
    story, slider = page.locator("#story"), page.locator("#pentagon").get_by_label("sparsity S")
    assert "Two arrows survive, those of features 0 and 1" in story_answers(page)
    following = story.get_by_role("button", name="Next")
    following.press("Enter")
    assert not state(page, "story")["done"]
    page.evaluate("apps.pentagon.set({sparsity: 0.69})")
    slider.press("ArrowRight")
    assert story_answers(page)[0] in "34"
    following.press("Enter")
    page.evaluate("apps.pentagon.set({sparsity: 0.96})")
    slider.press("ArrowRight")
    assert "A pentagon" in story_answers(page)

    # A guess comes first, and a number out of twenty.
    following.press("Enter")
    guess = story.get_by_label("my guess, out of 20")
    for wrong in ("", "21"):
        guess.fill(wrong)
        story.get_by_role("button", name="Keep my guess").click()
        assert page.evaluate("apps.pentagon.many().length") == 0
    guess.fill("7")
    guess.press("Enter")
    answer = story_answers(page)
    n_fresh = int(answer.removeprefix("You guessed 7. It is ").removesuffix("."))
    assert n_fresh >= 17
    assert f"{n_fresh} × pentagon" in page.locator(".tu-tally").inner_text()

    # Hysteresis: squares stay squares.
    following.press("Enter")
    assert "keep four features" in story_answers(page)
    following.press("Enter")
    guess.fill("20")
    guess.press("Enter")
    answer = story_answers(page)
    assert answer.startswith("You guessed 20. It is ")
    assert int(answer.split("It is ")[1].split(";")[0]) <= 3
    assert f"it was {n_fresh}." in answer
    assert "local minimum" in answer
    following.press("Enter")
    assert following.is_disabled()


def test_words_are_explained_where_they_stand(page):
    story = page.locator("#story")
    story.locator(".tu-say").get_by_role("button", name="sparsity").press("Enter")
    assert story.get_by_role("status").inner_text().startswith("sparsity: The chance")
    for word in ("feature", "loss", "importance", "represented"):
        story.locator(".tu-glossary").get_by_role("button", name=word, exact=True).click()
        assert story.get_by_role("status").inner_text().startswith(f"{word}: ")


def test_every_sentence_links_to_a_notebook_that_exists(page):
    root = Path(live.__file__).parents[2] / "notebooks"
    links = set()
    for step in range(7):
        page.evaluate(f"apps.story.set({{step: {step}}})")
        links.add(page.locator("#story a").get_attribute("href"))
    assert len(links) >= 4
    for link in links:
        assert link.startswith("https://")
        assert (root / link.rsplit("/", 1)[1]).exists()


# ------------------------------------------------------------------------------------- by hand


def test_an_arrow_is_dragged_by_mouse_and_by_keyboard(page):
    before = state(page, "drag")
    drag(page, page.get_by_role("slider", name="feature 2"), -120, 60)
    page.mouse.up()
    dragged = state(page, "drag")
    assert dragged["loss"] != before["loss"]
    assert dragged["W"][0][2] < before["W"][0][2] - 0.5
    assert dragged["W"][0][:2] == before["W"][0][:2]
    W, b = (torch.tensor(dragged[name], dtype=torch.float64) for name in ("W", "b"))
    assert dragged["loss"] == pytest.approx(exact.expected_loss(W, b, 0.9).item(), abs=1e-9)

    first = page.get_by_role("slider", name="feature 0", exact=True)
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
    page.get_by_role("button", name=button).first.click()
    handle = page.get_by_role("slider", name="feature 1", exact=True)
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
    handle = page.get_by_role("slider", name="feature 0", exact=True)
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
    part(page, "pentagon").get_by_role("button", name="20 seeds").tap()
    page.evaluate("apps.pentagon.set({running: false})")
    page.evaluate("document.body.style.paddingBottom = '600px'")  # room to scroll everywhere
    for selector in ("#pentagon .tu-plane >> nth=0", ".tu-many svg >> nth=1", ".tu-chart",
                     "#drag .tu-plane", "#attack .tu-plane", "#phase .tu-map", "#solids .tu-plane",
                     "#dictionary .tu-plane"):  # fmt: skip
        picture = page.locator(selector)
        picture.evaluate("e => e.scrollIntoView({block: 'center'})")
        box = picture.bounding_box()
        start = page.evaluate("scrollY")
        swipe(page, box["x"] + box["width"] / 2, box["y"] + 0.9 * box["height"], -200)
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
            apps[name + "2"] = apps.mount[name](root, {n_features: 4});
        } }"""
    )
    labels = page.evaluate("Array.from(document.querySelectorAll('label'), l => l.htmlFor)")
    assert len(set(labels)) == len(labels)
    before = state(page, "drag")["W"]
    page.get_by_role("slider", name="feature 0", exact=True).nth(1).press("ArrowLeft")
    assert state(page, "drag")["W"] == before
    assert state(page, "drag2")["W"] != before
    n_apps = page.locator(".tu-live").count()
    page.locator("main > div").nth(-2).get_by_role("button", name="Pause").click()
    assert state(page)["running"]
    assert not state(page, "pentagon2")["running"]
    page.evaluate("apps.pentagon2.destroy(), apps.drag2.destroy()")
    assert page.locator(".tu-live").count() == n_apps - 2


def test_a_page_reloaded_begins_anew(page):
    wait(page, "s.step > 50")
    page.get_by_role("slider", name="feature 0", exact=True).press("ArrowLeft")
    dragged = state(page, "drag")["W"]
    page.reload()
    wait(page, "s.step > 50")
    assert state(page, "drag")["W"] != dragged


def test_gradient_descent_finishes_what_the_reader_began(page):
    """Its result is not the reader's."""
    game = part(page, "drag")
    wait(page, "s.optimum !== null", "drag", 60)
    before = state(page, "drag")
    game.get_by_role("button", name="Let gradient descent finish").click()
    wait(page, "s.training", "drag")
    wait(page, "!s.training", "drag", 60)
    after = state(page, "drag")
    lowest = optima.best_relu_model(3, 2, 0.9, n_restarts=12).loss.item()
    assert after["optimum"] == pytest.approx(lowest, rel=1e-3)
    assert after["optimum"] >= lowest - 1e-9
    assert after["loss"] < 1.5 * lowest
    assert after["best"] == before["best"]
    assert "do not count as yours" in game.locator(".tu-praise").inner_text()
    page.get_by_role("slider", name="feature 0", exact=True).press("ArrowLeft")
    assert state(page, "drag")["best"] == before["best"]


def test_goals_are_noticed_and_praised(page):
    game = part(page, "drag")
    wait(page, "s.optimum !== null", "drag", 60)
    assert game.get_by_text("✓ done").count() == 0
    page.evaluate("apps.drag.set({W: [[1, -1, 0], [0, 0, 0.95]]})")
    assert 0.01 < state(page, "drag")["excess"] <= 0.1
    assert game.get_by_text("✓ done").count() == 1
    assert "within 10 %" in game.locator(".tu-praise").inner_text()
    page.evaluate("apps.drag.set({W: [[1, -1, 0], [0, 0, 1]]})")
    assert 0 <= state(page, "drag")["excess"] <= 0.01
    assert game.get_by_text("✓ done").count() == 2
    assert "Within 1 %" in game.locator(".tu-praise").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_fault_for_those_who_listen(open_page, scheme):
    page = open_page(color_scheme=scheme, reduced_motion="reduce")
    part(page, "pentagon").get_by_role("button", name="20 seeds").click()
    part(page, "phase")
    page.wait_for_timeout(3000)
    violations = Axe().run(page).response["violations"]
    serious = [v["id"] + ": " + v["nodes"][0]["html"][:200]
               for v in violations if v["impact"] in ("serious", "critical")]  # fmt: skip
    assert serious == []


def test_fits_a_narrow_screen(open_page):
    page = open_page(width=360)
    for app in ("story", "pentagon", "drag", "attack", "phase", "solids", "dictionary"):
        part(page, app)
        page.wait_for_timeout(200)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_phone_shows_the_sentence_and_the_arrows_at_once(open_page):
    page = open_page(375, 667, has_touch=True, is_mobile=True)
    page.wait_for_function("apps.story.state().done", timeout=60_000)
    page.locator("#story .tu-answer").evaluate("e => e.scrollIntoView()")
    picture = page.locator("#pentagon .tu-plane").first.bounding_box()
    assert picture["y"] + picture["height"] <= 667


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


# -------------------------------------------------- attack, phase map, solids and dictionary


def test_attack_by_mouse_keyboard_and_button(page):
    attack = part(page, "attack")
    wait(page, "s.ready", "attack", 60)
    before = state(page, "attack")
    assert before["attacked"] == before["error"]
    knob = attack.get_by_role("slider", name="hidden numbers under attack")
    drag(page, knob, 20, 20)
    page.mouse.up()
    dragged = state(page, "attack")
    assert dragged["attacked"] != dragged["error"]
    W, b, x, push = (torch.tensor(dragged[name]).double() for name in ("W", "b", "x", "push"))
    delta = torch.linalg.pinv(W) @ push
    assert dragged["delta"] == pytest.approx(delta.tolist(), abs=1e-6)
    y = (W.T @ (W @ (x + delta)) + b).relu()
    assert dragged["attacked"] == pytest.approx((x - y).square().mean().item(), abs=1e-6)

    # Never longer than allowed, however far it is dragged.
    drag(page, knob, 300, 0)
    page.mouse.up()
    assert math.hypot(*state(page, "attack")["delta"]) == pytest.approx(0.3, abs=1e-6)
    far = state(page, "attack")["attacked"]
    attack.get_by_role("button", name="Find the worst").press("Enter")
    assert state(page, "attack")["attacked"] >= far
    assert "times" in attack.locator(".tu-verdict").inner_text()
    attack.get_by_role("button", name="No attack").press("Enter")
    knob.press("ArrowUp")
    assert state(page, "attack")["push"] == pytest.approx([0, 0.05])
    assert "0.05" not in knob.get_attribute("aria-label")
    attack.get_by_label("x1").press("End")
    assert state(page, "attack")["x"] == [1, 1, 0, 0, 0]
    outputs = attack.get_by_role("img", name="output 1")
    assert "under attack" in outputs.get_attribute("aria-label")


def test_a_given_model_is_attacked(page):
    W, b = [[1, 0, -1, 0, 0], [0, 1, 0, -1, 0]], [0, 0, 0, 0, 0.1]
    page.evaluate("([W, b]) => apps.attack.set({W, b, x: [0, 1, 0, 0, 0]})", [W, b])
    attacked = state(page, "attack")
    assert attacked["ready"]
    assert attacked["W"] == W
    assert attacked["y"] == pytest.approx([0, 1, 0, 0, 0.1])


def test_a_model_carried_over_the_border_keeps_to_its_branch(page):
    part(page, "phase")
    wait(page, "s.ready && s.branch === 'feature 1 left out'", "phase")
    knob = page.get_by_role("slider", name="density and importance")
    for _ in range(4):  # past the border of the map, to p = 0.32
        knob.press("ArrowLeft")
    wait(page, "s.ready && s.density < 0.33", "phase")
    carried = state(page, "phase")
    assert (carried["branch"], carried["optimum_branch"]) == ("feature 1 left out", "both share")
    importance = torch.tensor([1, carried["ratio"]]).double()
    lowest = optima.best_relu_model(2, 1, 1 - carried["density"], importance).loss.item()
    assert carried["optimum"] == pytest.approx(lowest, rel=1e-4)
    assert carried["loss"] > 1.1 * lowest
    W, b = (torch.tensor(carried[name]).double() for name in ("W", "b"))
    loss = exact.expected_loss(W, b, 1 - carried["density"], importance).item()
    assert carried["loss"] == pytest.approx(loss, abs=1e-9)
    assert "kept to its own valley" in page.locator("#phase .tu-verdict").inner_text()

    page.get_by_role("button", name="Take the lowest").press("Enter")
    wait(page, "s.ready && s.branch === 'both share'", "phase")
    # And by mouse, to the right: over the border again.
    drag(page, knob, 100, 0)
    page.mouse.up()
    wait(page, "s.ready && s.density > 0.6 && s.branch === 'feature 1 left out'", "phase")


def test_a_branch_that_has_run_into_another_is_called_no_minimum(page):
    """At p = 0.5 and ratio 0.3 only one valley is left, whatever the start."""
    part(page, "phase")
    wait(page, "s.ready", "phase")
    rows = page.locator("#phase .tu-readings dd").all_inner_texts()
    assert rows[0] == "1.00 and 0.00"
    assert rows[3:] == ["no minimum here", rows[2], "no minimum here"]


def test_the_map_names_its_regions(page):
    part(page, "phase")
    page.locator(".tu-region").nth(2).wait_for(timeout=120_000)
    assert page.locator("#phase rect[fill]").count() == 32 * 24
    names = page.locator(".tu-region").all_text_contents()
    assert sorted(names) == ["both share", "feature 0 left out", "feature 1 left out"]


def test_a_solid_forms_and_is_turned_by_mouse_finger_and_keyboard(open_page):
    page = open_page(has_touch=True)
    solids = part(page, "solids")
    wait(page, "s.step >= 4000", "solids", 120)
    assert state(page, "solids")["shape"] == "octahedron"
    assert state(page, "solids")["loss"] < 0.1 * 0.1 / 3
    before = state(page, "solids")["view"]
    drag(page, solids.locator(".tu-plane"), 50, 0)
    page.mouse.up()
    turned = state(page, "solids")["view"]
    assert turned[0] > before[0] + 10
    assert turned[1] == pytest.approx(before[1], abs=1)
    solids.get_by_label("tilt").press("ArrowRight")
    assert state(page, "solids")["view"][1] == pytest.approx(turned[1] + 5, abs=3)
    assert "octahedron" in solids.locator("title").text_content()
    solids.get_by_label("features", exact=True).select_option("4")
    wait(page, "s.step < 4000 && s.n_features === 4", "solids")


def test_a_dictionary_finds_the_pentagon_s_directions(page):
    dictionary = part(page, "dictionary")
    wait(page, "s.ready && s.step >= 3000", "dictionary", 120)
    stated = state(page, "dictionary")
    assert stated["recovered"] == 1
    assert stated["unexplained"] < 0.05
    W, rows = (torch.tensor(stated[name]) for name in ("W", "W_dec"))
    cosine = torch.nn.functional.normalize(rows, dim=1) @ torch.nn.functional.normalize(W, dim=0)
    assert (cosine.max(0).values >= 0.99).all()
    assert "5 of 5" in dictionary.locator(".tu-shape").inner_text()
    dictionary.get_by_label("latents").press("Home")
    wait(page, "s.n_latents === 2 && s.W_dec.length === 2 && s.step < 3000", "dictionary")


CELLS = (
    "from toyutils.live import Attack, Dictionary, DragFeatures, LivePentagon, PhaseMap, Solids",
    "pentagon = LivePentagon(sparsity=0.9)\npentagon",
    "drag = DragFeatures(n_features=4)\ndrag",
    "from pathlib import Path\n"
    "def note(change):\n"
    "    Path('state.txt').write_text(f'{pentagon.sparsity} {drag.loss} {len(drag.W[0])}')\n"
    "pentagon.observe(note, 'sparsity')\n"
    "drag.observe(note, 'loss')\n"
    "drag.n_features = 5\n"
    "drag.sparsity = 0.8",
    "attack = Attack(size=0.2)\nattack",
    "phase = PhaseMap(density=0.6)\nphase",
    "solids = Solids(n_features=4)\nsolids",
    "dictionary = Dictionary(k=2)\ndictionary",
    "attack.x = [0, 0, 1, 0, 0]\nphase.ratio = 0.2\nsolids.view = [0, 0]\ndictionary.n_latents = 6",
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
        page.locator(".tu-shape").nth(3).wait_for()

        # From Python to the page: five features at sparsity 0.8.
        page.wait_for_function("document.querySelectorAll('.tu-gram tr').length === 6")
        drag = page.get_by_role("group", name="place the features yourself")
        assert drag.get_by_label("sparsity S").input_value() == "0.8"

        # From the page to Python.
        state = server.folder / "state.txt"
        slider = page.get_by_label("sparsity S").first
        slider.focus()
        page.keyboard.press("Home")
        feature = page.get_by_role("slider", name="feature 1", exact=True)
        feature.press("ArrowUp")

        def heard():
            words = state.read_text().split() if state.exists() else []
            return (
                len(words) == 3 and float(words[0]) == 0 and words[1] != "None" and words[2] == "5"
            )

        lab.wait_until(heard, 20, page, "Python to hear of the page's changes")

        # The other four have heard of theirs.
        assert page.get_by_label("x2").input_value() == "1"
        assert page.get_by_label("length ‖δ‖ at most").input_value() == "0.2"
        assert page.get_by_label("turn").input_value() == "0"
        assert page.get_by_label("latents", exact=True).input_value() == "6"

        # A page reloaded beside a living kernel shows what there was.
        feature.press("ArrowLeft")
        placed = feature.get_attribute("aria-valuetext")
        page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
        page.reload()
        page.get_by_role("slider", name="feature 4").wait_for(timeout=60_000)
        assert feature.get_attribute("aria-valuetext") == placed
        assert page.get_by_label("sparsity S").first.input_value() == "0"
        assert page.get_by_text("Error displaying widget").count() == 0
        page.close()
    assert complaints == []
