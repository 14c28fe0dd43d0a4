"""Keep the notebooks in shape: stamp their common cells, fill in the reference answers.

    python tools/notebooks.py stamp           write minutes, badges, set-up cell and terms into all
                                              of them, the table of notebooks into README.md,
                                              book/overview.md, and the plan into book/teaching.md
    python tools/notebooks.py stamp --check   exit 1 and name what would change
    python tools/notebooks.py rehome URL [--ref REF]
                                            name another repository, or a branch or tag of it, in
                                            pyproject.toml, and stamp
    python tools/notebooks.py fill DEST       write copies with the reference answers in the stubs

Cells are found by tag. `badges`, `setup` and `terms` belong to this tool: edit the source below,
pyproject.toml or book/glossary.md, not the cell. Links to the glossary and to the README's table
follow the repository that pyproject.toml names. An exercise is four cells in a row, tagged
`exercise` (task with two hints), `stub`, `check` and `solution`. Cell ids are kept.
"""

import argparse
import ast
import itertools
import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent

SETUP = """\
import os

if "COLAB_RELEASE_TAG" in os.environ:  # elsewhere, if toyutils is missing: make lab
    !pip install -qqq --no-deps git+{repository}@{ref} \\
        || echo "toyutils is missing. With a network and Python 3.11 or newer, run this again."\
"""

BADGES = """\
[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]\
(https://colab.research.google.com/github/{slug}/blob/{ref}/notebooks/{file})
[![Launch on Binder](https://mybinder.org/badge_logo.svg)]\
(https://mybinder.org/v2/gh/{slug}/{ref}?urlpath=lab/tree/notebooks/{file})"""


# Each part of the course by the number of its first notebook.
PARTS = {
    "00": "Part I · Superposition in the smallest models",
    "11": "Part II · The rest of the paper, and out of superposition",
    "17": "Part III · Beyond the paper",
}

# Pages that name the repository in their own words.
NAMED = ("CITATION.cff", "README.md", "book/index.md")


class NotebookError(ValueError):
    """What is wrong with a notebook, one fault per line."""


@dataclass(frozen=True)
class Exercise:
    """One exercise: what its heading says, the objective it serves, its function, its four cells.

    `objective` counts the lines of the notebook's "You will" from 1. An exercise of n minutes is
    worth n points.
    """

    number: str
    title: str
    minutes: int
    objective: int
    function: str
    task: int
    stub: int
    check: int
    solution: int


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("stamp", help="write the common cells into every notebook")
    command.add_argument("--check", action="store_true", help="change nothing, name differences")
    command = commands.add_parser("rehome", help="name another repository, and stamp")
    command.add_argument("repository", help="https://github.com/owner/name")
    command.add_argument("--ref", default="main", help="its branch or tag; main by default")
    command = commands.add_parser("fill", help="write copies with the reference answers filled in")
    command.add_argument("destination", type=Path, help="folder for the copies")
    options = parser.parse_args(arguments)
    try:
        if options.command == "fill":
            for path in notebook_paths():
                print(fill(path, options.destination))
            return 0
        if options.command == "rehome":
            rehome(options.repository, options.ref)
        check = options.command == "stamp" and options.check
        changed = [line for path in notebook_paths() for line in stamp(path, check)]
        changed += stamp_readme(check)
        changed += stamp_overview(check)
        changed += stamp_plan(check)
    except NotebookError as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(changed) or "nothing to stamp")
    return 1 if check and changed else 0


def notebook_paths(root=ROOT):
    """Return the paths of all notebooks, in order."""
    return sorted((root / "notebooks").glob("*.ipynb"))


def part_of(number):
    """Return the heading of the part that a notebook such as "07" belongs to."""
    return PARTS[max(first for first in PARTS if first <= number)]


def in_parts(paths):
    """Return (heading, its paths) for every part that has notebooks, in order."""
    return [
        (heading, list(group))
        for heading, group in itertools.groupby(paths, key=lambda path: part_of(path.name[:2]))
    ]


def read(path):
    """Read a notebook. Raises NotebookError if it is none."""
    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
    except (ValueError, nbformat.ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise NotebookError(f"{path.name}: not a valid notebook: {reason}") from None
    return notebook


def tags(cell):
    return cell.metadata.get("tags", [])


def stamp(path, check=False, root=ROOT):
    """Write the common cells of one notebook; return one line per cell that differed.

    A cell that is missing is added: badges and set-up after the title, the terms at the end.
    """
    notebook = read(path)
    places = {"badges": 1, "setup": 2, "terms": len(notebook.cells) + 2}
    changed = []
    for tag, source in common_cells(path, root).items():
        found = [cell for cell in notebook.cells if tag in tags(cell)]
        if len(found) > 1:
            raise NotebookError(
                f"{path.name}: {len(found)} cells are tagged `{tag}`; one is wanted"
            )
        if not found:
            new = nbformat.v4.new_code_cell if tag == "setup" else nbformat.v4.new_markdown_cell
            found = [new(metadata={"tags": [tag]})]
            notebook.cells.insert(places[tag], found[0])
        elif (found[0].cell_type == "code") != (tag == "setup"):
            raise NotebookError(f"{path.name}: the cell `{tag}` is a {found[0].cell_type} cell")
        if found[0].source != source:
            found[0].source = source
            changed.append(f"{path.name}: {tag}")
    address = home(root)
    for i, cell in enumerate(notebook.cells):
        source = relinked(cell.source, address) if cell.cell_type == "markdown" else cell.source
        if source != cell.source:
            cell.source = source
            changed.append(f"{path.name}: links in cell {i}")
    title = re.sub(r"^\d+ minutes to read[^·\n]*(?= · )", announced(notebook, path.name),
                   notebook.cells[0].source, flags=re.MULTILINE)  # fmt: skip
    if title != notebook.cells[0].source:
        notebook.cells[0].source = title
        changed.append(f"{path.name}: minutes")
    if changed and not check:
        nbformat.write(notebook, path)
    return changed


def stamp_readme(check=False, root=ROOT):
    """Write the table of notebooks, and the address to clone, into README.md.

    The table stands between `<!-- notebooks -->` and `<!-- /notebooks -->`. Returns a list that
    says whether anything differed. Raises NotebookError where the markers or a title are missing.
    """
    path = root / "README.md"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    before, start, rest = text.partition("<!-- notebooks -->\n")
    _, end, after = rest.partition("<!-- /notebooks -->")
    if not start or not end:
        raise NotebookError("README.md: `<!-- notebooks -->` … `<!-- /notebooks -->` is missing")
    address = home(root)
    rows = []
    for heading, paths in in_parts(notebook_paths(root)):
        rows += ["", f"### {heading}\n"] if rows else [f"### {heading}\n"]
        rows += ["| notebook | question | open |", "| --- | --- | --- |"]
        rows += [_readme_row(path, address) for path in paths]
    name = address["slug"].partition("/")[2]
    clone = rf"\g<1>{address['repository']}\g<2>{name}"
    before, after = (
        re.sub(r"(git clone )https://\S+(\s+cd )\S+", clone, part) for part in (before, after)
    )
    new = before + start + "\n".join(rows) + "\n" + end + after
    if new == text:
        return []
    if not check:
        path.write_text(new, encoding="utf-8")
    return ["README.md"]


def _readme_row(path, address):
    title, question = title_and_question(path)
    # The badges' links without their pictures, which would make the table wide.
    badges = BADGES.format(**address, file=path.name)
    colab, binder = re.findall(r"\]\((https://[^)]+)\)$", badges, re.M)
    ways = f"[Colab]({colab}) · [Binder]({binder})"
    return f"| [{title}](notebooks/{path.name}) | {question} | {ways} |"


def stamp_overview(check=False, root=ROOT):
    """Write book/overview.md: each notebook's objectives, exercises, minutes and points.

    Returns a list that says whether anything differed.
    """
    return _rewritten(root / "book" / "overview.md", overview(root), check)


def stamp_plan(check=False, root=ROOT):
    """Write the plans of book/plan.toml into teaching.md, between `<!-- plan -->` and its end.

    The module that follows stands between `<!-- further -->` and `<!-- /further -->`. Returns a
    list that says whether anything differed.
    """
    path = root / "book" / "teaching.md"
    text = path.read_text(encoding="utf-8")
    for name, which in (("plan", "session"), ("further", "further")):
        table = "\n".join(plan(which, root))
        place = rf"(?s)(<!-- {name} -->\n).*(<!-- /{name} -->)"
        text = re.sub(place, rf"\g<1>{table}\n\g<2>", text)
    return _rewritten(path, text, check)


def _rewritten(path, new, check):
    if path.exists() and path.read_text(encoding="utf-8") == new:
        return []
    if not check:
        path.write_text(new, encoding="utf-8")
    return [f"{path.parent.name}/{path.name}"]


def plan(which, root=ROOT):
    """Return a plan as Markdown: what each session does in class and at home, in minutes.

    `which` is "session", or "further" for the module that follows.
    """
    whole = tomllib.loads((root / "book" / "plan.toml").read_text(encoding="utf-8"))
    sessions, first = whole[which], 1 if which == "session" else 1 + len(whole["session"])
    books = {path.name[:2]: (read(path), path.name) for path in notebook_paths(root)}
    points = {e.number: e.minutes for book in books.values() for e in exercises(*book)}
    rows, sums = [], [0, 0]
    for k, session in enumerate(sessions, first):
        cells = []
        for i, part in enumerate((session["class"], session["home"])):
            took = sum(minutes(*books[number])[0] for number in part["read"])
            took += sum(points[number] for number in part["exercises"])
            sums[i] += took
            cells += [f"{', '.join(part['read'])}; {', '.join(part['exercises'])}", took]
        rows.append("| {} · {} | {} | {} | {} | {} |".format(k, session["title"], *cells))
    return [
        "| session | in class: read; solve | minutes of 120 | at home: read; solve | minutes |",
        "| --- | --- | --- | --- | --- |",
        *rows,
        f"| together | | {sums[0]} | | {sums[1]} |",
    ]


def minutes(notebook, name):
    """Return how many minutes a notebook takes to read, and its exercises to solve.

    Words are read at 180 a minute, a figure is looked at for 45 seconds. Hints to unfold, reference
    answers and terms are not counted.
    """
    n_words, n_figures, drawing = 0, 0, {"plots", "live"}
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and not {"badges", "terms"} & set(tags(cell)):
            text = re.sub(r"(?s)<details>.*?</details>", "", cell.source)
            text = re.sub(r"(?s)\$\$.*?\$\$|\$[^$]*\$|\]\([^)]*\)", " x ", text)
            n_words += len(re.findall(r"\w[\w'’-]*", text))
        elif cell.cell_type == "code" and not {"setup", "stub", "check", "solution"} & set(
            tags(cell)
        ):
            source = re.sub(r"^(\s*)[%!].*$", r"\1pass", cell.source, flags=re.MULTILINE)
            for node in ast.parse(source).body:
                names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
                if isinstance(node, ast.Import | ast.ImportFrom) or not drawing & names:
                    continue
                if isinstance(node, ast.Expr):
                    n_figures += 1
                elif isinstance(node, ast.FunctionDef):
                    drawing |= {node.name}
                elif isinstance(node, ast.Assign):
                    drawing |= {t.id for t in node.targets if isinstance(t, ast.Name)}
    return round(n_words / 180 + n_figures * 0.75), sum(
        e.minutes for e in exercises(notebook, name)
    )


def announced(notebook, name):
    """Return a notebook's minutes in words."""
    return "{} minutes to read and {} to solve the exercises".format(*minutes(notebook, name))


def overview(root=ROOT):
    """Return Markdown that leads from each notebook to its objectives, exercises and points."""
    rows, parts, counts = [], [], []
    for path in notebook_paths(root):
        notebook = read(path)
        title, question = title_and_question(path)
        goals = objectives(notebook, path.name)
        found = exercises(notebook, path.name)
        counts.append((len(found), *minutes(notebook, path.name)))
        rows.append("| [{}](#{}) | {} | {} | {} |".format(title, anchor(title), *counts[-1]))
        parts += [f"\n## {title}\n\n{question}\n\nYou will\n"]
        parts += [f"{k}. {goal}" for k, goal in enumerate(goals, 1)]
        parts += ["\n| exercise | for objective | points |\n| --- | --- | --- |"]
        parts += [f"| {e.number} · {e.title} | {e.objective} | {e.minutes} |" for e in found]
    return "\n".join(
        [
            "# Notebooks, objectives, exercises, points\n",
            "<!-- Written by `make stamp` from the notebooks. -->\n",
            "An exercise of *n* minutes earns *n* points. Reading counts 180 words a minute and",
            "45 seconds a figure.\n",
            "| notebook | exercises | minutes to read | minutes to solve = points |",
            "| --- | --- | --- | --- |",
            *rows,
            "| together | {} | {} | {} |".format(*map(sum, zip(*counts, strict=True))),
            *parts,
            "",
        ]
    )


def objectives(notebook, name):
    """Return the lines of a notebook's "You will". Raises NotebookError if there are none."""
    lists = [c.source for c in notebook.cells if c.source.startswith("**You will**")]
    found = re.findall(r"^- (.+)$", lists[0], re.MULTILINE) if len(lists) == 1 else []
    if not found:
        raise NotebookError(f"{name}: one cell should begin `**You will**` and list objectives")
    beyond = [e for e in exercises(notebook, name) if not 1 <= e.objective <= len(found)]
    if beyond:
        raise NotebookError(
            f"{name}: exercise {beyond[0].number} serves objective {beyond[0].objective}; "
            f"there are {len(found)}"
        )
    return found


def relinked(text, address):
    """Return Markdown whose links to the glossary and to the README's table lead to `address`."""
    page = r"https://github\.com/[^/\s)]+/[^/\s)#]+"
    glossary_page = "{repository}/blob/{ref}/book/glossary.md".format(**address)
    text = re.sub(rf"{page}/blob/[^/\s)]+/book/glossary\.md", glossary_page, text)
    return re.sub(rf"{page}#notebooks\b", f"{address['repository']}#notebooks", text)


def common_cells(path, root=ROOT):
    """Return {tag: source} of the cells that the notebook at `path` must have."""
    address = home(root)
    names = address | {"file": path.name}
    page = "{repository}/blob/{ref}/book/glossary.md".format(**address)
    return {
        "badges": BADGES.format(**names),
        "setup": SETUP.format(**names),
        "terms": terms_cell(glossary(root), path.name[:2], page),
    }


def home(root=ROOT):
    """Return where the project lives: its repository, slug `owner/name`, and branch or tag."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    repository = project["project"]["urls"]["Repository"].removesuffix(".git").rstrip("/")
    ref = project.get("tool", {}).get("notebooks", {}).get("ref", "main")
    return {"repository": repository, "ref": ref, "slug": _slug(repository)}


def _slug(repository):
    repository = repository.removesuffix(".git").rstrip("/")
    slug = repository.removeprefix("https://github.com/")
    if slug == repository or slug.count("/") != 1:
        raise NotebookError(
            f"pyproject.toml: [project.urls] Repository is {repository!r}; Colab and Binder need "
            "the form https://github.com/owner/name"
        )
    return slug


def rehome(repository, ref="main", root=ROOT):
    """Write the address and the branch or tag into pyproject.toml; `stamp` does the rest.

    Raises NotebookError, and changes nothing, when the address has another form or a setting is
    missing.
    """
    _slug(repository)  # raises
    path, old = root / "pyproject.toml", home(root)
    text = path.read_text(encoding="utf-8")
    for name, value in (("Repository", repository), ("ref", ref)):
        text, n = re.subn(rf'^{name} = ".*"$', f'{name} = "{value}"', text, flags=re.MULTILINE)
        if n != 1:
            raise NotebookError(f"pyproject.toml: {n} lines `{name} = …`; one is wanted")
    path.write_text(text, encoding="utf-8")
    new = home(root)
    for name in NAMED:
        page = root / name
        if page.exists():
            words = page.read_text(encoding="utf-8")
            for was, now in ((old["slug"], new["slug"]), (book_address(old), book_address(new))):
                words = words.replace(was, now)
            page.write_text(words, encoding="utf-8")


def book_address(address):
    """Return where the book of a project is served; `address` as from `home`."""
    owner, name = address["slug"].split("/")
    return f"https://{owner}.github.io/{name}/"


def glossary(root=ROOT):
    """Return {term: (definition, number of the notebook that introduces it)}.

    In book/glossary.md a term is a heading `## term`, then its definition, then a line that
    begins `*Introduced in [01]`. Headings of level 1 group the terms.
    """
    path = root / "book" / "glossary.md"
    if not path.exists():
        raise NotebookError(f"{path.relative_to(root)}: missing; the terms come from there")
    terms = {}
    for part in re.split(r"^(?=#{1,2} )", path.read_text(encoding="utf-8"), flags=re.MULTILINE):
        if not part.startswith("## "):
            continue
        heading, _, body = part.partition("\n")
        definition, introduced, rest = body.partition("*Introduced in ")
        number = re.match(r"\[?(\d\d)\b", rest)
        if not introduced or not number or not definition.strip():
            raise NotebookError(
                f"book/glossary.md: {heading!r} needs a definition and, after it, a line "
                "`*Introduced in [01](…)*`"
            )
        terms[heading[3:].strip()] = (" ".join(definition.split()), number[1])
    return terms


def terms_cell(terms, number, page):
    """Return the Markdown that lists the terms introduced in notebook `number`."""
    lines = [
        f"- [**{term}**]({page}#{anchor(term)}): {definition}"
        for term, (definition, introduced) in terms.items()
        if introduced == number
    ]
    return "## Terms\n\n" + ("\n".join(lines) or "This notebook introduces no new term.")


def anchor(heading):
    """Return the anchor that the code host gives to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def exercises(notebook, name):
    """Return the exercises of a notebook, in order.

    Raises NotebookError naming every fault: cells missing or out of order, fewer than two hints,
    names or numbers that disagree, a learner's function that other cells use or redefine.
    """
    found, faults, used = [], [], set()
    for i, cell in enumerate(notebook.cells):
        if "exercise" in tags(cell):
            used.update(range(i, i + 4))
            try:
                found.append(_exercise(notebook.cells, i))
            except NotebookError as error:
                faults.append(f"{name}, cell {i}: {error}")
    for i, cell in enumerate(notebook.cells):
        stray = {"stub", "check", "solution"} & set(tags(cell))
        if stray and i not in used:
            faults.append(f"{name}, cell {i}: `{stray.pop()}` without its `exercise` cell above")
    for exercise in found:
        own = {exercise.stub, exercise.check, exercise.solution}
        faults += [
            f"{name}, cell {i}: uses `{exercise.function}`, which is the learner's to write "
            f"in exercise {exercise.number}; use toyutils"
            for i, cell in enumerate(notebook.cells)
            if cell.cell_type == "code" and i not in own and exercise.function in _names(cell)
        ]
    if faults:
        raise NotebookError("\n".join(faults))
    return found


def filled(notebook, name):
    """Return the notebook with every stub replaced by its reference answer."""
    for exercise in exercises(notebook, name):
        lines = notebook.cells[exercise.solution].source.splitlines()[1:]
        last = ast.parse("\n".join(lines)).body[-1]
        answer = "\n".join(lines[: last.lineno - 1]).strip()
        answer = re.sub(rf"\b{exercise.function}_answer\b", exercise.function, answer)
        notebook.cells[exercise.stub].source = answer
    return notebook


def fill(path, destination):
    """Write a filled copy of the notebook at `path` into the folder; return the copy's path."""
    notebook = filled(read(path), path.name)
    destination.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, destination / path.name)
    return destination / path.name


def title_and_question(path):
    """Return the title and the question in the first cell of a notebook."""
    first = read(path).cells[0].source
    title = re.match(r"# (.+)", first)
    question = re.search(r"^\*\*Question: (.+?)\*\*$", first, flags=re.MULTILINE)
    if not title or not question:
        raise NotebookError(
            f"{path.name}: the first cell should hold `# 01 · Title` and `**Question: …?**`"
        )
    return title[1], question[1][0].upper() + question[1][1:]


def _exercise(cells, i):
    """Read the exercise whose task is cell `i`."""
    here = cells[i : i + 4]
    order = ["exercise", "stub", "check", "solution"]
    for k, tag in enumerate(order):
        if k >= len(here) or tag not in tags(here[k]):
            raise NotebookError(f"cell {i + k} should be tagged `{tag}`; an exercise is {order}")
        if (here[k].cell_type == "code") != (k > 0):
            raise NotebookError(f"cell {i + k}, `{tag}`, is a {here[k].cell_type} cell")
    task, stub, check, solution = (cell.source for cell in here)

    heading = re.match(r"#+ Exercise (\d+\.\d+) · (.+) \((\d+) minutes?\)$", task.splitlines()[0])
    if not heading:
        raise NotebookError("the task should begin `### Exercise 1.2 · Title (5 minutes)`")
    number, title, minutes = heading.groups()
    if len(re.findall(r"<details>\s*<summary>Hint \d", task)) < 2:
        raise NotebookError(f"exercise {number} has fewer than two hints to unfold")

    functions = [node for node in _parse(stub, "stub").body if isinstance(node, ast.FunctionDef)]
    if len(functions) != 1:
        raise NotebookError(f"the stub {number} should define one function")
    function = functions[0].name
    if f'raise NotImplementedError("Exercise {number}")' not in stub:
        raise NotebookError(
            f'the stub should end with raise NotImplementedError("Exercise {number}")'
        )
    if check.strip() != f"exercises.check_{function}({function})":
        raise NotebookError(f"the check should be `exercises.check_{function}({function})`")

    folded_title = re.match(r"# ?@title Reference answer (\d+\.\d+): ", solution)
    if not folded_title or folded_title[1] != number:
        raise NotebookError(f"the solution should begin `# @title Reference answer {number}: …`")
    body = _parse(solution, "solution").body
    signature = f"{function}_answer({ast.unparse(functions[0].args)})"
    defined = [f"{n.name}({ast.unparse(n.args)})" for n in body if isinstance(n, ast.FunctionDef)]
    if signature not in defined:
        raise NotebookError(f"the solution {number} should define `{signature}`, not {defined}")
    call = f"exercises.check_{function}({function}_answer, reference=True)"
    if ast.unparse(body[-1]) != call:
        raise NotebookError(f"the solution {number} should end with `{call}`")
    folded = here[3].metadata
    if not folded.get("jupyter", {}).get("source_hidden") or folded.get("cellView") != "form":
        raise NotebookError(
            f"the solution {number} is not folded: its metadata should have "
            'jupyter.source_hidden = true and cellView = "form"'
        )
    objective = cells[i].metadata.get("objective")
    if not isinstance(objective, int):
        raise NotebookError(
            f"the task {number} names no objective: its metadata should have `objective`, "
            'the line of "You will" that it serves'
        )
    cell = (i, i + 1, i + 2, i + 3)
    return Exercise(number, title, int(minutes), objective, function, *cell)


def _parse(source, what):
    try:
        return ast.parse(source)
    except SyntaxError as error:
        raise NotebookError(f"the {what} is not Python: {error}") from None


def _names(cell):
    """Return the names that a code cell uses, defines or imports."""
    # Magics (%time, !ls) are not Python; they are blanked out.
    source = re.sub(r"^(\s*)[%!](?:.*\\\n)*.*$", r"\1pass", cell.source, flags=re.MULTILINE)
    # `exercises.answer(f, reference)` may name the learner's f: it falls back on the reference.
    source = re.sub(r"\bexercises\.answer\(\w+,", "exercises.answer(None,", source)
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.alias):
            names.add(node.asname or node.name)
    return names


if __name__ == "__main__":
    sys.exit(main())
