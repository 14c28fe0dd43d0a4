"""The book as it was built (`make book`): its pages, links and heads, and each page in a browser.

Every test here reads build/book; nothing builds it again.
"""

import re
from functools import cache
from html.parser import HTMLParser
from os.path import relpath
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser import lab
from tools import ledger, notebooks, pictures

BOOK = notebooks.ROOT / "build/book"
# What the theme makes of no page of ours.
LEFT_OUT = {"genindex.html", "search.html", "_static"}


def pages():
    """Return the pages that were built; where there is none, the one that is missing."""
    found = sorted(
        str(path.relative_to(BOOK))
        for path in BOOK.rglob("*.html")
        if path.relative_to(BOOK).parts[0] not in LEFT_OUT
    )
    return found or ["index.html"]


each_page = pytest.mark.parametrize("name", pages())


class Read(HTMLParser):
    """Gather what the tests ask of a page: addresses, anchors, pictures, its head."""

    def __init__(self, text):
        super().__init__()
        self.links, self.ids, self.images, self.meta = [], set(), [], {}
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        about = dict(attributes)
        self.ids |= {about[name] for name in ("id", "name") if about.get(name)}
        if tag == "meta" and (name := about.get("name") or about.get("property")):
            self.meta[name] = about.get("content", "")
        if tag == "img":
            self.images.append(about)
        for name in ("href", "src"):
            if about.get(name):
                self.links.append((tag, about[name]))


@cache
def read(name):
    path = BOOK / name
    if not path.exists():
        pytest.fail(f"{path} is missing: `make book` builds it")
    return Read(path.read_text(encoding="utf-8"))


def test_every_notebook_and_page_is_there():
    for path in notebooks.notebook_paths():
        assert (BOOK / "notebooks" / f"{path.stem}.html").exists()
    for name in ("index", "claims", "figures", "book/glossary", "book/references", "book/about"):
        assert (BOOK / f"{name}.html").exists()


@each_page
def test_links_within_the_book_lead_somewhere(name):
    page = read(name)
    for tag, address in page.links:
        parts = urlsplit(address)
        if parts.scheme == "data":
            continue
        if parts.scheme or parts.netloc:
            assert tag in ("a", "link"), f"{name} loads {address}"
            continue
        target = (BOOK / name).parent / unquote(parts.path) if parts.path else BOOK / name
        target = target / "index.html" if target.is_dir() else target
        assert target.exists(), f"{name}: {address} leads nowhere"
        if parts.fragment and target.suffix == ".html":
            ids = page.ids if target == BOOK / name else read(relpath(target, BOOK)).ids
            assert unquote(parts.fragment) in ids, f"{name}: {address} has no such place"


@each_page
def test_pictures_have_words_and_pages_a_description(name):
    page = read(name)
    for image in page.images:
        assert image.get("alt") is not None, f"{name}: {image.get('src', '')[:80]} has no words"
    about = page.meta["description"]
    assert len(about) > 20
    assert not re.search(r"[$\\]", about), f"{name}: formulas in {about!r}"
    assert page.meta["og:image"].startswith("https://")


@each_page
def test_a_page_is_light(name):
    """What a page loads before anybody scrolls, besides what all pages share."""
    weight = (BOOK / name).stat().st_size
    assert weight <= (500_000 if name == "index.html" else 3_000_000)


def test_notebooks_are_whole():
    """Every figure of an executed notebook has its drawing and its data on the page."""
    for path in notebooks.notebook_paths():
        text = (BOOK / "notebooks" / f"{path.stem}.html").read_text(encoding="utf-8")
        assert "Traceback (most recent call last)" not in text
        names = re.findall(r'data-figure="([\d-]+)"', text)
        assert names, path.name
        for figure in names:
            assert (BOOK / f"figures/{figure}.js").stat().st_size > 100
            assert (BOOK / f"figures/{figure}.svg").stat().st_size > 100
        for number, heading in re.findall(r"Exercise (\d+\.\d+) · ([^<(]+)", text)[:1]:
            assert number.split(".")[0] == str(int(path.name[:2])), heading


def test_the_ledger_has_a_row_for_every_claim():
    ids = read("claims.html").ids
    assert {row.id for row in ledger.rows()} <= ids


def test_pictures_were_drawn_by_the_code_as_it_is():
    for path in pictures.IMAGES.iterdir():
        made = re.findall(rb"drawn by code (\w{16})", path.read_bytes())
        assert made == [pictures.digest().encode()], (
            f"{path.name} is older than the code that draws it: python tools/pictures.py"
        )


# ------------------------------------------------------------------------------------ a browser


@pytest.fixture(scope="module")
def browser():
    with lab.open_browser() as page:
        yield page.context.browser


@pytest.fixture(scope="module")
def served():
    with lab.serve(BOOK) as address:
        yield address


LOOKS = {
    "wide, light, served": (1280, "light", True),
    "phone, dark, from disk": (375, "dark", False),
    "wide, dark, from disk": (1280, "dark", False),
    "phone, light, served": (375, "light", True),
}


# What the titles and notes of a page's figures do to each other, and what is cut off.
TITLES = """() => [...document.querySelectorAll('.js-plotly-plot')].flatMap(plot => {
  const whole = plot.querySelector('.main-svg').getBoundingClientRect();
  const texts = [...plot.querySelectorAll('text[class$="title"], text.annotation-text')]
    .filter(text => text.textContent.trim())
    .map(text => ({ name: text.textContent, box: text.getBoundingClientRect() }));
  const cut = texts.filter(({ box }) => box.left < whole.left - 2 || box.right > whole.right + 2
    || box.top < whole.top - 2 || box.bottom > whole.bottom + 2);
  const meet = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2
    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3;
  return [
    ...cut.map(({ name }) => `${name} is cut off`),
    ...texts.flatMap((one, k) => texts.slice(k + 1).filter(other => meet(one.box, other.box))
      .map(other => `${one.name} lies on ${other.name}`)),
  ];
})"""


def visit(browser, name, width, scheme, base):
    """Return a page when all of it is drawn, with complaints: it was so tall that all was seen."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    complaints, foreign = [], []
    page.on("console", lambda m: m.type == "error" and complaints.append(m.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request",
        lambda r: r.url.startswith((base, "data:", "blob:")) or foreign.append(r.url),
    )
    page.goto(base + name)
    height = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": width, "height": min(height, 60_000)})
    page.wait_for_function(
        """() => [...document.querySelectorAll(".tu-figure, .tu-widget, .tu-front-story")]
            .every(place => place.dataset.drawn)""",
        timeout=180_000,
    )
    page.set_viewport_size({"width": width, "height": 900})
    return page, complaints, foreign


def visits():
    """Return (page, look): every page in one of two looks on each push, in all four weekly."""
    return [
        pytest.param(name, look, marks=() if k == i % 2 else pytest.mark.weekly)
        for i, name in enumerate(pages())
        for k, look in enumerate(LOOKS)
    ]


@pytest.mark.parametrize(("name", "look"), visits())
def test_a_page_in_a_browser(browser, served, name, look):
    width, scheme, by_http = LOOKS[look]
    base = served if by_http else BOOK.as_uri() + "/"
    page, complaints, foreign = visit(browser, name, width, scheme, base)
    try:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(TITLES) == []
        assert complaints == []
        assert foreign == []
        # The live parts have tests of their own (tests/browser), once their models have trained.
        without = {"exclude": [[".tu-widget"]]}
        found = Axe().run(page, context=without, options={"preload": False})
        violations = found.response["violations"]
        serious = [
            f"{v['id']}: {v['nodes'][0]['html'][:200]}"
            for v in violations
            if v["impact"] in ("serious", "critical")
        ]
        assert serious == []
    finally:
        page.close()


def test_a_film_plays_and_a_widget_listens(browser, served):
    page, *_ = visit(browser, "notebooks/00_start_here.html", 1280, "light", served)
    pentagon = page.locator(".tu-widget").first
    step = pentagon.locator("td, dd").filter(has_text=re.compile(r"^\d+$")).first
    before = step.inner_text()
    pentagon.scroll_into_view_if_needed()
    page.wait_for_timeout(1500)
    assert step.inner_text() != before
    page.close()


def test_the_front_page_begins_to_move_at_once(browser):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto((BOOK / "index.html").as_uri())
    page.wait_for_selector(".tu-front-story[data-drawn]", timeout=20_000)
    assert page.locator("#live-pentagon .tu-plane").is_visible()
    still = page.locator("#live-pentagon .tu-plane").inner_html()
    page.wait_for_function(
        "before => document.querySelector('#live-pentagon .tu-plane').innerHTML !== before",
        arg=still, timeout=20_000,
    )  # fmt: skip
    page.close()


def test_the_ledger_is_filtered(browser):
    page = browser.new_page()
    page.goto((BOOK / "claims.html").as_uri())
    rows = page.locator(".tu-ledger tbody tr:visible")
    every = rows.count()
    page.get_by_label("notebook").select_option("05")
    some = rows.count()
    assert 0 < some < every
    assert f"{some} of {every} rows" in page.locator(".tu-filters").inner_text()
    page.close()


def test_a_visitor_needs_three_clicks():
    """From the front page to an exercise, to a claim, and to the teacher's first session."""
    front = {address for tag, address in read("index.html").links if tag == "a"}
    assert "notebooks/00_start_here.html" in front
    assert "claims.html" in front
    assert "book/teaching.html" in front
    first = Path(BOOK / "notebooks/00_start_here.html").read_text(encoding="utf-8")
    assert "Exercise 0.1" in first
    assert re.search(r'href="\.\./claims\.html#00\.', first)
    assert "Session 1" in Path(BOOK / "book/teaching.html").read_text(encoding="utf-8")
