"""What a journal's events come to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from chtui.migrate import facts
from chtui.migrate.facts import Facts
from chtui.migrate.journal_lines import Event
from chtui.migrate.verification import Verdict

AT = datetime(2026, 3, 4, tzinfo=UTC)


def folded(*events: tuple[str, Mapping[str, Any]]) -> Facts:
    return facts.of(Event(number, AT, kind, told) for number, (kind, told) in enumerate(events, 1))


def hook(name: str, outcome: str) -> tuple[str, Mapping[str, Any]]:
    return facts.HOOK, {"name": name, "outcome": outcome}


def delta(state: str, host: str = "a:9000") -> tuple[str, Mapping[str, Any]]:
    return facts.DELTA, {"table": "t", "partition_id": "1", "host": host, "state": state}


def test_an_empty_journal_says_nothing() -> None:
    assert folded() == Facts()
    assert folded(("send", {"host": "a"}), ("lease", {"generation": 1})) == Facts()


def test_the_last_word_counts() -> None:
    found = folded(
        (facts.DUAL_WRITE, {"is_on": True, "clock_seconds": 5.0}),
        (facts.READS, {"version": "v2", "clock_seconds": 6.0}),
        (facts.READS, {"version": "v1", "clock_seconds": 7.5}),
        (facts.DUAL_WRITE, {"is_on": False, "clock_seconds": 8.0}),
    )
    assert (found.dual_write, found.lacking_since) == (False, 8.0)
    assert (found.reads, found.reads_at) == ("v1", 7.5)


def test_v1_lacks_rows_until_it_was_seen_to_have_all() -> None:
    begun = (facts.LACKING, {"since_seconds": 7.0})
    off = (facts.DUAL_WRITE, {"is_on": False, "clock_seconds": 8.0})
    on = (facts.DUAL_WRITE, {"is_on": True, "clock_seconds": 9.0})
    back = (facts.LACKING, {"since_seconds": None})
    assert [folded(*told).lacking_since for told in ((begun,), (begun, off), (off, on), (begun, off, on))] == [
        7.0, 7.0, 8.0, 7.0,
    ]  # fmt: skip
    assert not folded(begun, off, on).are_both_whole, "whoever brought rows back was killed in the middle"
    assert folded(begun, off, on, back) == folded(on)
    assert folded(on).are_both_whole
    assert folded(begun, off, on, back, begun).lacking_since == 7.0


def test_v2_lacks_rows_until_it_was_seen_to_have_all() -> None:
    begun = (facts.BEHIND, {"since_seconds": 7.0, "until_seconds": None})
    both = (facts.BEHIND, {"since_seconds": 7.0, "until_seconds": 9.5})
    whole = (facts.BEHIND, {"since_seconds": None, "until_seconds": None})
    assert folded(begun).behind == (7.0, None)
    assert folded(begun, both).behind == (7.0, 9.5)
    assert folded(begun, both, whole) == Facts()


def test_what_a_hook_did_is_open_until_it_was_seen() -> None:
    there = (facts.READS, {"version": "v2", "clock_seconds": 6.0})
    on = (facts.DUAL_WRITE, {"is_on": True, "clock_seconds": 9.0})
    told = [hook("reads_v1", "begun"), hook("reads_v1", "done")]
    assert folded(there, *told).unseen == {"reads_v1"}
    assert folded(there, hook("reads_v1", "failed")).unseen == {"reads_v1"}, "it may have had its effect"
    assert folded(there, *told, there).unseen == frozenset()
    assert folded(there, *told, on).unseen == {"reads_v1"}
    assert folded(*told, hook("dual_write_on", "begun"), on).unseen == {"reads_v1"}
    assert folded(hook("pause_writers", "begun")).unseen == frozenset()


def test_what_was_begun_and_not_done_is_open() -> None:
    assert folded(delta("begun"), delta("begun", "b:9000"), delta("done")).half_added == {
        ("t", "1", "b:9000")
    }
    assert folded(delta("begun"), delta("done")).half_added == frozenset()


def test_rows_are_collapsed_as_often_as_a_partition_was_last_seen_to_have_them() -> None:
    def of(table: str, partition: str, rows: int) -> tuple[str, Mapping[str, Any]]:
        return facts.COLLAPSED, {"table": table, "partition_id": partition, "rows": rows}

    found = folded(of("t", "1", 5), of("t", "2", 7), of("u", "1", 0), of("t", "1", 6))
    assert found.collapsed == {"t": 13, "u": 0}


def test_writers_are_paused_until_they_were_let_go_on() -> None:
    assert folded(hook("pause_writers", "begun")).writers_paused
    assert folded(hook("pause_writers", "failed")).writers_paused, "nobody knows how far it got"
    assert folded(hook("pause_writers", "done"), hook("resume_writers", "failed")).writers_paused
    assert not folded(hook("pause_writers", "done"), hook("resume_writers", "done")).writers_paused
    assert not folded(hook("resume_writers", "begun"), hook("dual_write_on", "failed")).writers_paused


def test_seals_and_what_they_vouch_for() -> None:
    found = folded(
        (facts.WATERMARK, {"table": "t", "at_ns": "1700000000000000001"}),
        (facts.SEALING, {"table": "t"}),
        (facts.SEALED, {"table": "t", "clock_seconds": 9.0, "exact_until": 0}),
        (facts.SEALED, {"table": "u", "clock_seconds": 9.5, "exact_until": 8}),
    )
    assert found.watermarks == {"t": 1_700_000_000_000_000_001}
    assert found.sealing == {"t"}
    assert found.sealed == {"t": 9.0, "u": 9.5}
    assert found.exact_until == {"u": 8.0}, "all of t is there"


def test_the_last_report_counts() -> None:
    told = {"path": "/r", "sha256": "a", "verdict": "differs", "until_seconds": None, "made_at": "x"}
    first = folded((facts.REPORT, told))
    assert first.report == facts.Report("/r", "a", Verdict.DIFFERS, None, "x")
    assert not first.is_proven
    later = {**told, "verdict": "equal but for what was accepted", "until_seconds": 5}
    last = folded((facts.REPORT, told), (facts.REPORT, later))
    assert last.report is not None
    assert (last.report.until_seconds, last.is_proven) == (5.0, True)
    assert not folded().is_proven


def test_names_are_collected() -> None:
    found = folded(
        (facts.PROVEN, {"cell": "a"}),
        (facts.SKIPPED, {"cell": "b"}),
        (facts.ACCEPTED, {"name": "c"}),
        (facts.EXPIRING, {"table": "d", "state": "begun"}),
        (facts.EXPIRING, {"table": "d"}),
        (facts.EXPIRING, {"table": "half", "state": "begun"}),
        (facts.DROPPED, {"table": "e"}),
    )
    assert found.proven == {"a"}
    assert found.skipped == {"b"}
    assert found.accepted == {"c"}
    assert found.expiring == {"d"}
    assert found.aging == {"d", "half"}
    assert found.dropped == {"e"}
