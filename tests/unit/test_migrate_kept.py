"""What a run keeps and changes: its plan, its limits, its slices, its ledger."""

from __future__ import annotations

import json
import stat
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from chtui.errors import MigrateError
from chtui.migrate import changeable, kept_plan, spec_file, status
from chtui.migrate.facts import PROVEN, SKIPPED, Facts, Report
from chtui.migrate.journal_lines import Event
from chtui.migrate.layout import HOUR_SECONDS, Group, Slice
from chtui.migrate.ledger import LIMITS, Ledger
from chtui.migrate.progress import CellState, Progress
from chtui.migrate.recut import recut, slices
from chtui.migrate.spec import Hook, Limits
from chtui.migrate.verification import Verdict
from tests.rigs.migrating import SPEC
from tests.support import replace

NOW = datetime(2026, 1, 31, tzinfo=UTC)
DAY = 24 * HOUR_SECONDS
DOCUMENT: dict[str, Any] = {
    "schema": "chtui/1 migrate plan",
    "spec_hash": "1",
    "cluster": "main",
    "flavour": "plain",
    "source_host": "ch-1:9000",
    "shards": [],
    "schema_statements": [],
    "groups": [{"table": "traces", "partition_id": "202601", "rows": 5, "slices": [], "hosts": []}],
}


class Clock:
    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0


class Memory:
    """A diary without a disk."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, Mapping[str, Any]]] = []

    def append(self, kind: str, facts: Mapping[str, Any]) -> int:
        self.lines.append((kind, facts))
        return len(self.lines) + 1


def test_limits_are_read_and_bounded() -> None:
    read = changeable.read({"workers": "4", "query_p95_seconds": "0.5", "probe_url": "http://up/ready"})
    assert read == {"workers": 4, "query_p95_seconds": 0.5, "probe_url": "http://up/ready"}
    assert set(changeable.NAMES) <= set(Limits.__slots__)
    for name in changeable.BOUNDS:
        assert changeable.read({name: str(getattr(Limits(), name))})[name] == getattr(Limits(), name)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("workers", "0"),
        ("workers", "2.5"),
        ("workers", "many"),
        ("free_space_ratio", "1"),
        ("free_space_ratio", "nan"),
        ("query_p95_seconds", "inf"),
        ("probe_url", "file:///etc/passwd"),
        ("ssh", "1"),
        ("workers\n", "1"),
    ],
)
def test_what_is_no_limit_is_refused(name: str, text: str) -> None:
    with pytest.raises(MigrateError) as refused:
        changeable.read({name: text})
    assert refused.value.exit_code == 2
    assert "\n" not in refused.value.line


def piece(hours_from: int, hours_to: int, rows: int, source: str = "traces", key: str = "202601") -> Slice:
    return Slice(source, hours_from * HOUR_SECONDS, hours_to * HOUR_SECONDS, rows, (key,), False)


@pytest.mark.parametrize("chunk_rows", [1, 7, 100, 250, 1000, 10**9])
def test_slices_cut_anew_are_the_same_hours(chunk_rows: int) -> None:
    old = [piece(0, 24, 480), piece(24, 25, 900), piece(25, 40, 30, key="202602"), piece(0, 9, 90, "more")]
    new = slices(old, chunk_rows)
    for source in ("traces", "more"):
        mine = [each for each in new if each.source == source]
        before = [each for each in old if each.source == source]
        assert sum(each.rows for each in mine) == sum(each.rows for each in before)
        assert (mine[0].from_seconds, mine[-1].to_seconds) == (before[0].from_seconds, before[-1].to_seconds)
        assert all(one.to_seconds == other.from_seconds for one, other in pairwise(mine))
        assert all(
            each.from_seconds % HOUR_SECONDS == 0 < each.to_seconds - each.from_seconds for each in mine
        )
        assert {key for each in mine for key in each.source_partitions} == {
            key for each in before for key in each.source_partitions
        }
    assert all(each.rows <= chunk_rows or each.to_seconds - each.from_seconds == HOUR_SECONDS for each in new)


def test_a_group_cut_anew_has_the_same_cells() -> None:
    group = Group("traces", "202601", 480, 1000, (piece(0, 24, 480),))
    new, cells = recut(group, [], 100)
    assert (new.name, new.rows, cells) == (group.name, group.rows, [])
    assert len(new.slices) == 5


def test_slices_with_a_gap_between_them_are_joined_with_care() -> None:
    (joined,) = slices([piece(0, 2, 5), piece(6, 8, 5)], 100)
    assert joined.is_shared, "hours between may have rows of another partition"


def test_a_plan_is_kept_whole_and_for_its_owner(tmp_path: Path) -> None:
    path = kept_plan.keep(tmp_path, DOCUMENT)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert kept_plan.read(path) == DOCUMENT
    path.write_text(json.dumps(DOCUMENT)[:-9])
    with pytest.raises(MigrateError, match="no plan"):
        kept_plan.read(path)
    path.write_text('{"schema": "chtui/1 check"}')
    with pytest.raises(MigrateError, match="no plan"):
        kept_plan.read(path)
    with pytest.raises(MigrateError, match="cannot be read"):
        kept_plan.read(tmp_path / "none")


def test_what_changed_since_a_plan_is_told() -> None:
    spec = spec_file.read(SPEC)
    assert kept_plan.changes(DOCUMENT, {**DOCUMENT, "generated_at": "later"}, spec) == []
    grown = {**DOCUMENT, "groups": [{**DOCUMENT["groups"][0], "rows": 6}]}
    assert kept_plan.changes(DOCUMENT, grown, spec) == ["traces 202601 has 6 rows, not 5"]
    other = {**DOCUMENT, "groups": [{**DOCUMENT["groups"][0], "partition_id": "202602"}]}
    assert kept_plan.changes(DOCUMENT, other, spec) == [
        "traces 202601 is gone",
        "traces 202602 is new, with 5 rows",
    ]
    live = replace(spec, hooks=MappingProxyType({"dual_write_on": Hook(url="http://up")}))
    assert kept_plan.changes(DOCUMENT, grown, live) == [], "v1 is written to all the time"
    moved = {**DOCUMENT, "source_host": "ch-2:9000"}
    assert kept_plan.changes(DOCUMENT, moved, live) == ["source host changed"]


def test_one_process_at_a_time_holds_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    kept_plan.hold("otel")
    kept_plan.hold("other")
    with pytest.raises(MigrateError) as refused:
        kept_plan.hold("otel")
    assert refused.value.exit_code == 4
    assert "the run is up already" in refused.value.line


def test_a_ledger_knows_what_the_journal_says() -> None:
    memory = Memory()
    before = [Event(1, NOW, PROVEN, {"cell": "a"}), Event(2, NOW, "send", {"query_id": "q"})]
    ledger = Ledger(memory, before, Clock())
    ledger.append("send", {"query_id": "r"})
    ledger.append(SKIPPED, {"cell": "b"})
    ledger.append(LIMITS, {"values": {"workers": 4, "chunk_rows": 10}})
    ledger.append(LIMITS, {"values": {"workers": 1}})
    assert [kind for kind, _ in memory.lines] == ["send", SKIPPED, LIMITS, LIMITS]
    assert (sorted(ledger.facts().proven), sorted(ledger.facts().skipped)) == (["a"], ["b"])
    assert ledger.limits() == {"workers": 1, "chunk_rows": 10}


def test_a_status_is_json_and_says_what_is_not_exact() -> None:
    progress = Progress("otel", Limits(workers=3))
    progress.plan({"a": 10.0, "b": 20.0})
    progress.cell("a", CellState.PROVEN)
    facts = Facts(skipped=frozenset({"b"}), watermarks={"traces": 2**60}, collapsed={"logs": 5})
    document = status.to_document(
        progress.status(), facts, progress.limits, Clock(), plan_hash="p", generation=2, notes=["more"]
    )
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert (document["schema"], document["workers"], document["generation"]) == (
        "chtui/1 migrate status",
        3,
        2,
    )
    assert document["watermarks"] == {"traces": str(2**60)}
    assert document["notes"][1:] == ["more"]
    assert "nothing this run says of itself can be exact" in document["notes"][0]
    assert document["report"] is None
    text = status.to_text(document)
    assert document["collapsed_rows"] == {"logs": 5}
    assert "collapsed: 5 rows of logs that v1 has once more" in text
    assert "skipped: b" in text
    assert text.startswith("run otel: starting\ncells: 1 planned, 1 proven\nrows: 10 of 30")


def test_a_status_says_what_the_sealed_report_says() -> None:
    told = Report("/r/report.json", "a" * 64, Verdict.EQUAL, 1_769_860_800.0, "2026-02-01T00:00:00.000Z")
    facts = Facts(sealed={"traces": 5.0}, report=told)
    progress = Progress("otel")

    def document(facts: Facts) -> dict[str, Any]:
        found = status.to_document(
            progress.status(), facts, progress.limits, Clock(), plan_hash="p", generation=1
        )
        assert json.loads(json.dumps(found, allow_nan=False)) == found
        return found

    proven = document(facts)
    assert (proven["report"]["path"], proven["report"]["is_proof"]) == ("/r/report.json", True)
    assert "report: /r/report.json: exact up to 2026-01-31T12:00:00.000Z;" in status.to_text(proven)
    assert proven["notes"] == []
    red = document(replace(facts, report=told._replace(verdict=Verdict.DIFFERS)))
    assert "report: /r/report.json: not exact: differs;" in status.to_text(red)
    assert red["notes"] == ["the sealed report says differs: it is not proven that v2 has v1's rows"]
    assert "report: none yet" in status.to_text(document(replace(facts, report=None)))
