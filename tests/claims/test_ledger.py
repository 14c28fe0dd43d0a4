"""The ledger: its rows are complete, rest on claims that exist, and cannot pass on nothing."""

import argparse
import csv
import io
import json
import re
from pathlib import Path

import pytest

from tests.claims.test_claims import SHIFTS, results
from tools import claims as evidence
from tools import ledger
from toyutils import claims

SOURCES = ledger.sources()
STATEMENTS = SOURCES["statement"]
OURS = {claim.id for number in claims.numbers() for claim in claims.of(number).all.values()}
each_statement = pytest.mark.parametrize("one", STATEMENTS, ids=lambda one: one["id"])


@each_statement
def test_a_statement_is_complete(one):
    assert set(one) <= {
        "id", "source", "section", "says", "number", "reading", "kind", "fidelity", "evidence",
        "verdict", "true",
    }  # fmt: skip
    assert one["source"] in SOURCES["source"]
    assert one["verdict"] in ledger.VERDICTS
    assert one.get("kind", "computed") in ledger.KINDS
    assert one.get("fidelity", "") in ledger.FIDELITIES
    assert one["says"].endswith((".", ")."))
    if one["verdict"] in ("holds", "holds in part", "does not hold"):
        assert one["evidence"], f"{one['id']}: a verdict needs evidence"
    if one["verdict"] in ("does not hold", "holds in part"):
        assert one["true"], f"{one['id']}: say what holds instead"


@each_statement
def test_its_evidence_exists_and_holds(one):
    for name in one.get("evidence", ()):
        assert name in OURS, f"{one['id']} rests on {name}, which no notebook claims"
        for shift in SHIFTS:
            assert results(name[:2], shift)[name]["holds"], f"{one['id']}: {name} at +{shift}"


@pytest.fixture(scope="module")
def page():
    return ledger.page()


@pytest.mark.parametrize("name", SOURCES["source"])
def test_a_source_says_how_far_it_was_read(name, page):
    source = SOURCES["source"][name]
    assert set(source) <= {"title", "address", "read", "with_results", "without"}
    # Whole, or naming what was read; anything less would hide what has no row.
    assert re.match(r"whole$|whole, |in part: |no single text: ", source["read"]), (
        f"{name}: begin with 'whole' or 'in part: ', and name the parts"
    )
    assert source["title"] in page
    assert source["read"] in page
    if source["read"].startswith("whole"):
        assert source["with_results"], f"{name}: list its sections"


@pytest.mark.parametrize("name", SOURCES["source"])
def test_a_row_names_a_section_that_exists_and_no_section_is_passed_over(name):
    source = SOURCES["source"][name]
    cited = {
        part.removesuffix(", footnote")
        for one in STATEMENTS
        if one["source"] == name
        for part in one.get("section", "").split("; ")
    }
    assert cited, f"{name} has no row"
    if "with_results" in source:
        assert cited == set(source["with_results"])
        assert not cited & set(source["without"])


def test_a_row_is_filtered_by_its_source_and_not_by_its_section():
    titles = {source["title"] for source in SOURCES["source"].values()}
    assert {row.source for row in ledger.rows()} == titles | {"this course"}


def test_no_source_says_the_same_twice():
    said = [(one["source"], one["says"]) for one in STATEMENTS]
    assert len(said) == len(set(said))


def test_no_row_is_there_twice():
    names = [row.id for row in ledger.rows()]
    assert len(names) == len(set(names))


def test_it_is_as_large_as_promised():
    rows = ledger.source_rows(dict.fromkeys(OURS, "holds"))
    assert len(rows) + len(OURS) >= 120
    against = [row for row in rows if row.verdict in ("does not hold", "holds in part")]
    assert len(against) >= 25


def test_a_verdict_falls_with_its_evidence():
    held = dict.fromkeys(OURS, "holds")
    decided = next(one for one in STATEMENTS if one.get("evidence"))
    [row] = [row for row in ledger.source_rows(held) if row.id == decided["id"]]
    assert row.verdict == decided["verdict"]
    broken = held | {decided["evidence"][0]: "does not hold"}
    [row] = [row for row in ledger.source_rows(broken) if row.id == decided["id"]]
    assert row.verdict == "undecided"


def test_crashed_failed_and_untested_look_different():
    good, bad = {"holds": True}, {"holds": False}
    assert ledger.verdict([]) == "not yet tested"
    assert ledger.verdict([good, good]) == "holds"
    assert ledger.verdict([bad, bad]) == "does not hold"
    assert ledger.verdict([good, bad]) == "undecided"
    assert ledger.verdict([good, {"crashed": "ValueError: x"}]) == "crashed"


def test_both_files_hold_all_rows():
    rows = ledger.rows()
    whole = json.loads(ledger.as_json())
    assert [row["id"] for row in whole["rows"]] == [row.id for row in rows]
    assert whole["sources"] == list(SOURCES["source"].values())
    table = list(csv.DictReader(io.StringIO(ledger.as_csv())))
    assert [row["id"] for row in table] == [row.id for row in rows]
    assert all(row["statement"] for row in table)


def test_evidence_of_other_code_is_not_recalled(tmp_path, monkeypatch):
    kept = {
        "00": {"content": evidence.content_of("00"), "certificate": {}, "seeds": {"1009": {}}},
        "01": {"content": "another state", "certificate": {}, "seeds": {"1009": {}}},
    }
    monkeypatch.setattr(evidence, "kept", lambda: kept)
    evidence.recall(tmp_path)
    assert (tmp_path / "1009/00.json").exists()
    assert not (tmp_path / "1009/01.json").exists()
    assert any(path.name.startswith("01") for path in evidence.missing(tmp_path, "1009"))


def test_the_digest_sees_code_and_not_comments():
    assert evidence.meaning("x = 1  \n\n# why\n") == evidence.meaning("x = 1\n")
    assert evidence.meaning("x = 1\n") != evidence.meaning("x = 2\n")


@pytest.mark.parametrize("number", sorted(evidence.kept()))
def test_evidence_is_what_was_measured(number):
    entry = evidence.kept()[number]
    assert entry["certificate"]["data"] == evidence.digest_of(entry["seeds"]), "edited by hand"
    assert set(entry["seeds"]) >= {"1009", "2018"}
    verdicts = [
        {name: r["holds"] for name, r in seeds.items()} for seeds in entry["seeds"].values()
    ]
    assert all(other == verdicts[0] for other in verdicts), "runs with other seeds must agree"


def one_result(number: str, seeds: int, content: str) -> dict:
    """Stand in for a notebook's run; leave a line for each in the file that `content` names."""
    with open(content, "a", encoding="utf-8") as log:
        log.write(f"{number} {seeds}\n")
    return {f"{number}.one": {"holds": True, "shown": str(seeds), "low": 0, "high": 0}}


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Measure notebooks 00 and 01 by a function of a moment, with evidence of its own."""
    log = tmp_path / "log"
    monkeypatch.setattr(evidence, "measured", one_result)
    monkeypatch.setattr(evidence, "content_of", lambda number: str(log))
    monkeypatch.setattr(evidence, "EVIDENCE", tmp_path / "evidence.json")
    options = dict(
        numbers=["00", "01"], first=1, seeds=2, jobs=2, dask=None, dry=False,
        folder=tmp_path / "runs",
    )  # fmt: skip
    return log, options


def test_measuring_again_computes_nothing_anew(stand_in):
    log, options = stand_in
    assert evidence.measure(argparse.Namespace(**options)) == 0
    assert evidence.measure(argparse.Namespace(**options)) == 0
    assert sorted(log.read_text().split("\n")[:-1]) == ["00 1", "00 2", "01 1", "01 2"]
    entry = evidence.kept()["01"]
    assert list(entry["seeds"]) == ["1009", "2018"]
    assert entry["certificate"]["data"] == evidence.digest_of(entry["seeds"])
    next(Path(options["folder"]).glob("*.pt")).unlink()
    evidence.measure(argparse.Namespace(**options))
    assert len(log.read_text().split("\n")) == 6, "only what is missing"


def test_a_cluster_measures_the_same(stand_in):
    from distributed import LocalCluster

    log, options = stand_in
    with LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
    ) as cluster:
        options["dask"] = cluster.scheduler_address
        assert evidence.measure(argparse.Namespace(**options)) == 0
    assert sorted(log.read_text().split("\n")[:-1]) == ["00 1", "00 2", "01 1", "01 2"]
    assert evidence.kept()["00"]["certificate"]["processes"] == 2
