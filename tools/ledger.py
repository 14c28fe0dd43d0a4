"""The ledger: a row for every claim of the notebooks and of the sources they build on.

    python tools/ledger.py FOLDER       write claims.json and claims.csv there

A row for a notebook's claim comes from its function and from the evidence that is kept of it
(`book/evidence.json`, see tools/claims.py). A row for a source's statement comes from
`book/sources.toml`: what it says, in our words, how we read terms that it leaves undefined, and
which claims decide. Its verdict stands while all of these hold, and is *undecided* otherwise.
How far each source was read stands beside its title, on the page and in claims.json.
"""

import csv
import html
import io
import json
import sys
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools import claims as evidence  # noqa: E402
from tools import notebooks  # noqa: E402
from toyutils import claims  # noqa: E402

VERDICTS = (
    "holds", "holds in part", "does not hold", "undecided", "not stated precisely enough to test",
    "not yet tested", "crashed",
)  # fmt: skip
KINDS = ("computed", "observed", "proved", "assessed by reading")
FIDELITIES = ("", "same set-up", "smaller", "our reading")


@dataclass(frozen=True)
class Row:
    """One claim. `rests_on` names the claims that decide it, `notebook` where it is measured.

    `section` is a source's, or, for a claim of ours, whose claim it takes up.
    """

    id: str
    kind: str
    source: str
    statement: str
    verdict: str
    section: str = ""
    number: str = ""
    reading: str = ""
    fidelity: str = ""
    corrected: str = ""
    measured: str = ""
    threshold: str = ""
    seeds: int = 0
    rests_on: str = ""
    notebook: str = ""
    last_run: str = ""


def rows() -> list[Row]:
    """Return all rows, the sources' statements first."""
    own = notebook_rows()
    verdicts = {row.id: row.verdict for row in own}
    return source_rows(verdicts) + own


def notebook_rows() -> list[Row]:
    """Return a row for each claim of each notebook."""
    kept = evidence.kept()
    made = []
    for number in claims.numbers():
        entry = kept.get(number, {"seeds": {}, "certificate": {}})
        for claim in claims.of(number).all.values():
            results = [run[claim.id] for run in entry["seeds"].values() if claim.id in run]
            first = results[0] if results else {}
            made.append(
                Row(
                    id=claim.id,
                    kind=claim.kind,
                    source="this course",
                    section=f"after {claim.source}" if claim.source else "",
                    statement=claim.statement,
                    verdict=verdict(results),
                    measured=shown(first),
                    threshold=first.get("threshold", ""),
                    seeds=len(results),
                    notebook=number,
                    last_run=entry["certificate"].get("date", ""),
                )
            )
    return made


def verdict(results: list[dict]) -> str:
    """Return what several sets of seeds say of one claim."""
    if not results:
        return "not yet tested"
    if any("crashed" in result for result in results):
        return "crashed"
    held = [bool(result["holds"]) for result in results]
    return "holds" if all(held) else "does not hold" if not any(held) else "undecided"


def shown(result: dict) -> str:
    """Return a statistic with its interval, as a reader sees it."""
    if "shown" not in result:
        return result.get("crashed", "")
    if result["low"] == result["high"]:
        return result["shown"]
    return f"{result['shown']} ({result['low']:.3g} to {result['high']:.3g})"


def sources() -> dict:
    """Return book/sources.toml: `source` tables (title, address, read) and `statement`s."""
    path = ROOT / "book/sources.toml"
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def source_rows(verdicts: dict[str, str]) -> list[Row]:
    """Return a row for each statement of a source; `verdicts` are those of our own claims."""
    made, told = [], sources()
    for one in told.get("statement", ()):
        decided = one["verdict"]
        if any(verdicts.get(name) != "holds" for name in one.get("evidence", ())):
            decided = "undecided"
        made.append(
            Row(
                id=one["id"],
                kind=one.get("kind", "computed"),
                source=told["source"][one["source"]]["title"],
                statement=one["says"],
                verdict=decided,
                section=one.get("section", ""),
                number=one.get("number", ""),
                reading=one.get("reading", ""),
                fidelity=one.get("fidelity", ""),
                corrected=one.get("true", ""),
                rests_on=" ".join(one.get("evidence", ())),
                notebook=next(iter(one.get("evidence", ())), "")[:2],
            )
        )
    return made


def as_json() -> str:
    certificates = {number: entry["certificate"] for number, entry in evidence.kept().items()}
    whole = {
        "rows": [asdict(row) for row in rows()],
        "sources": list(sources().get("source", {}).values()),
        "certificates": certificates,
    }
    return json.dumps(whole, indent=1, ensure_ascii=False)


def as_csv() -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(Row.__dataclass_fields__))
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows())
    return text.getvalue()


def page() -> str:
    """Return the book's page of all claims, with filters that need no network."""
    all_rows = rows()
    counts = {name: sum(row.verdict == name for row in all_rows) for name in VERDICTS}
    told = ", ".join(f"{n} *{name}*" for name, n in counts.items() if n)
    files = {path.name[:2]: path.stem for path in notebooks.notebook_paths()}
    return (
        "# The ledger of claims\n\n"
        "Every claim of the notebooks and of the sources they build on, with what was measured. "
        "A claim of ours is a function that is measured whenever its notebook runs; its threshold "
        "was fixed beforehand. What a source says is told in our words, and its verdict hangs on "
        "the claims named beside it. Rows cover the sentences that state a result in what was read "
        "of a source, and what our notes keep of the rest.\n\n"
        f"{_reading()}\n\n"
        f"{len(all_rows)} rows: {told}. The same as <a href='claims.json'>JSON</a> and "
        "<a href='claims.csv'>CSV</a>.\n\n"
        '<div class="tu-ledger">\n<p class="tu-filters"></p>\n'
        '<div class="tu-scroll" tabindex="0" role="region" aria-label="Table of claims"><table>'
        "<thead><tr><th>claim</th><th>says</th><th>verdict</th><th>evidence</th></tr></thead>"
        f"<tbody>{''.join(_line(row, files) for row in all_rows)}</tbody></table></div></div>\n"
        f"\n{certificates()}"
    )


def certificates() -> str:
    """Return where, when and with what the evidence of each notebook was made, as a table."""
    lines = [
        "## Certificates\n\nWhen and with what the kept results were made. *Data* is a digest of "
        "them, *code* one of all that they depend on: while it fits, they count. The first set of "
        "seeds is measured anew in every test run.\n\n"
        "| notebook | sets of seeds | commit | date | machine | versions | data | code |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- |"
    ]
    for number, entry in sorted(evidence.kept().items()):
        made = entry["certificate"]
        versions = ", ".join(f"{name} {value}" for name, value in made["versions"].items())
        lines.append(
            f"| {number} | {len(entry['seeds'])} | {made['commit']} | {made['date']} "
            f"| {made['machine']} | {versions} | `{made['data']}` | `{entry['content']}` |"
        )
    return "\n".join(lines) + "\n"


def _reading() -> str:
    """Return a list of the sources, with how far each was read and how many rows it has."""
    told, made = sources(), []
    stated = [one["source"] for one in told["statement"]]
    for name, source in told["source"].items():
        title, address = source["title"], source["address"]
        title = f"[{title}]({address})" if address else title
        made.append(f"- {title}. Rows: {stated.count(name)}. Read: {source['read']}.")
    return "\n".join(made)


def _line(row: Row, files: dict[str, str]) -> str:
    def text(value):
        return html.escape(str(value))

    says = f"{text(row.statement)}"
    if row.number:
        says += f" <em>Their number:</em> {text(row.number)}."
    if row.reading:
        says += f" <em>As we read it:</em> {text(row.reading)}"
    if row.corrected:
        says += f"<br><strong>What holds:</strong> {text(row.corrected)}"
    found = " ".join(f'<a href="#{name}">{name}</a>' for name in row.rests_on.split())
    if row.measured:
        found = f"{text(row.measured)}; asked: {text(row.threshold)}; {row.seeds} sets of seeds"
    if row.notebook in files:
        found += f' <a href="notebooks/{files[row.notebook]}.html">notebook {row.notebook}</a>'
    about = f"{text(row.kind)}{', ' + text(row.fidelity) if row.fidelity else ''}"
    place = f"{text(row.source)}{', ' + text(row.section) if row.section else ''}"
    return (
        f'<tr id="{row.id}" data-verdict="{row.verdict}" data-source="{text(row.source)}" '
        f'data-notebook="{row.notebook}"><td><code>{row.id}</code><br><small>{place}'
        f"<br>{about}</small></td><td>{says}</td><td>{row.verdict}</td><td>{found}</td></tr>"
    )


def main(arguments=None) -> None:
    folder = Path((arguments or sys.argv[1:])[0])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "claims.json").write_text(as_json(), encoding="utf-8")
    (folder / "claims.csv").write_text(as_csv(), encoding="utf-8")
    print(f"{len(rows())} rows in {folder}")


if __name__ == "__main__":
    main()
