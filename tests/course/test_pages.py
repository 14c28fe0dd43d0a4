"""The pages of the course: they add up, and name what exists."""

import re
import tomllib
from collections import Counter

import nbformat
import pytest

from tools import notebooks, slides

BOOK = notebooks.ROOT / "book"
TEACHING = (BOOK / "teaching.md").read_text(encoding="utf-8")
MODULES = tomllib.loads((BOOK / "plan.toml").read_text(encoding="utf-8"))
PLAN = [*MODULES["session"], *MODULES["further"]]
BOOKS = {path.name[:2]: (notebooks.read(path), path.name) for path in notebooks.notebook_paths()}
EXERCISES = {e.number: e for book in BOOKS.values() for e in notebooks.exercises(*book)}


def numbers(text):
    """Return the exercises that a text names, "3.1 to 3.3" and "3.1 and 3.2" written out."""
    named = []
    for group in re.findall(r"exercises? (\d+\.\d+(?:(?:, | and | to )\d+\.\d+)*)", text):
        parts = re.findall(r"\d+\.\d+", group)
        if " to " in group:
            book, first, last = *parts[0].split("."), parts[-1].split(".")[1]
            parts = [f"{book}.{k}" for k in range(int(first), int(last) + 1)]
        named += parts
    return named


def test_every_exercise_of_the_module_has_its_place():
    placed = Counter(n for s in PLAN for part in (s["class"], s["home"]) for n in part["exercises"])
    books = {b for s in PLAN for part in (s["class"], s["home"]) for b in part["read"]}
    assert placed == Counter(n for n in EXERCISES if f"{int(n.split('.')[0]):02}" in books)
    assert len(books) == sum(len(p["read"]) for s in PLAN for p in (s["class"], s["home"]))


@pytest.mark.parametrize("k", range(len(PLAN)))
def test_a_session_fits_its_two_hours(k):
    """The timetable of each session is seamless, and has room for what the plan puts into it."""
    session = PLAN[k]
    [text] = re.findall(
        rf"^### Session {k + 1} · {session['title']}.*?(?=^##)", TEACHING, re.M | re.S
    )
    rows = re.findall(r"^\| (\d+)–(\d+) \| (.+) \|$", text, re.M)
    assert [int(start) for start, *_ in rows] == [0, *(int(end) for _, end, _ in rows[:-1])]
    assert int(rows[-1][1]) == 120
    named = []
    for start, end, what in rows:
        solved = numbers(what)
        took = sum(EXERCISES[n].minutes for n in solved)
        if book := re.match(r"Notebook (\d\d)", what) if solved else None:
            took += notebooks.minutes(*BOOKS[book[1]])[0]
        assert took <= int(end) - int(start), what
        named += solved
    assert sorted(named) == sorted(session["class"]["exercises"])


def test_homework_is_as_long_as_it_says():
    homes = re.findall(r"^\| together \| \| \d+ \| \| (\d+) \|$", TEACHING, re.M)
    for home in homes:
        assert 240 < int(home) < 330, "about five hours, say teaching.md and the syllabus"
    assert len(homes) == len(MODULES)


def test_a_notebook_announces_its_minutes():
    words = "word " * 360
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_markdown_cell(words + "<details>" + words + "</details> $x + y$"),
            nbformat.v4.new_code_cell("from toyutils import plots"),
            nbformat.v4.new_code_cell("plots.arrows(W)"),
            nbformat.v4.new_code_cell("def film(h):\n    return plots.film(h)\nfilm(1)"),
            nbformat.v4.new_code_cell("drag = live.drag()\nx = 1"),
            nbformat.v4.new_code_cell("drag"),
            nbformat.v4.new_code_cell("%time plots\nprint(1)"),
        ]
    )
    assert notebooks.minutes(notebook, "small") == (2 + round(3 * 0.75), 0)
    for notebook, name in BOOKS.values():
        assert notebooks.announced(notebook, name) in notebook.cells[0].source


def test_notes_and_syllabus_name_what_exists():
    assert set(numbers(TEACHING)) <= set(EXERCISES)
    pages = [
        BOOK / f"{name}.md"
        for name in ("teaching", "syllabus", "prerequisites", "before_and_after", "sample_project")
    ]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert set(re.findall(r"notebooks? (\d\d)", text)) <= set(BOOKS)
        assert all((BOOK / link).exists() for link in re.findall(r"\]\((\w+\.md)", text)), page
    syllabus = pages[1].read_text(encoding="utf-8")
    for k, session in enumerate(MODULES["session"], 1):
        [row] = re.findall(rf"^\| {k} · {session['title']} \|.*$", syllabus, re.M)
        assert all(book in row for book in session["class"]["read"])
    assert sum(map(int, re.findall(r"\| (\d+) % \|", syllabus))) == 100


def test_the_ten_questions_before_are_answered_rightly():
    text = (BOOK / "prerequisites.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| (\S+) \| `(.+?)` \|", text, re.M)
    assert [number for number, *_ in rows] == [str(k) for k in range(1, 11)]
    for _, answer, source in rows:
        assert eval(answer.replace("−", "-")) == pytest.approx(eval(source))


def test_the_ten_questions_before_and_after():
    text = (BOOK / "before_and_after.md").read_text(encoding="utf-8")
    questions = re.findall(r"^\d+\. .+\n(?:(?:   |    )- \(([abc])\) .+\n){3}", text, re.M)
    assert len(questions) == 10
    answers = re.findall(r"^\| \d+ \| ([abc]) \| (\d\d) \|$", text, re.M)
    assert len(answers) == 10
    assert set(Counter(letter for letter, _ in answers).values()) <= {3, 4}
    assert {book for _, book in answers} <= set(BOOKS)


@pytest.mark.weekly
def test_the_sample_project_says_what_its_program_prints(capsys):
    text = (BOOK / "sample_project.md").read_text(encoding="utf-8")
    exec(re.search(r"```python\n(.+?)```", text, re.S)[1], {})
    counts = capsys.readouterr().out.splitlines()
    assert len(counts) == 2
    assert all(count in " ".join(text.split()) for count in counts)
    marks = re.findall(r"^\| (\d+) \| .+? \| ([\d.]+) \|", text, re.M)
    assert sum(float(given) for _, given in marks[:-1]) == float(marks[-1][1])
    assert sum(int(most) for most, _ in marks[:-1]) == 100


def test_slides_are_made_of_the_notebooks_figures():
    """From a notebook with outputs; that notebooks run is tested elsewhere."""
    path = notebooks.notebook_paths()[0]
    notebook = notebooks.read(path)
    figure = nbformat.v4.new_output(
        "display_data",
        data={"image/svg+xml": "<svg>right, wrong</svg>", "text/plain": "five arrows"},
    )
    [i, *_] = [
        i for i, c in enumerate(notebook.cells) if "plots." in c.source and c.cell_type == "code"
    ]
    notebook.cells[i].outputs = [figure]
    text = "".join(slides.notebook_slides(notebook, path, {"0.1"}))
    assert text.count("<section>") == text.count("</section>") == 3
    assert 'alt="five arrows"' in text
    assert "Exercise 0.1 · " in text
    assert "Exercise 0.2" not in text
    page = slides.PAGE.format(title="t", slides=text)
    assert not re.search(r'(src|href)="(?!data:)', page), "works without a network"
    assert slides.image(figure, {"right": "A", "wrong": "B"}) != slides.image(figure)
    assert slides.image(figure, {"another": "A"}) == ""
    assert slides.plain("see [h](x), $W^\\top W$, **`b`**") == "see h, Wᵀ W, b"
