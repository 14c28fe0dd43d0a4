"""The ledger: its rows are complete, rest on claims that exist, and cannot pass on nothing."""

import csv
import io
import json

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
