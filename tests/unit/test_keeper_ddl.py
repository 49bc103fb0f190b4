"""The DDL queue's entries as they are written, and the text around them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from chtui.keeper.ddl import host_id, parse_ended, parse_entry, readable_host, unescape
from chtui.keeper.znodes import join
from chtui.keeper.zoo import Budget
from chtui.records.keeper import DdlEntry, DdlHostState

OLD_ENTRY = (
    "version: 1\n"
    "query: CREATE TABLE d.t ON CLUSTER c ( day Date) ENGINE = ReplicatedMergeTree(\\'/t/{shard}\\', \\'{replica}\\')\n"
    "hosts: ['127%2E0%2E0%2E1:31042','127%2E0%2E0%2E1:29581']\n"
    "initiator: vm:31042\n"
)
NEW_ENTRY = (
    "version: 5\n"
    "query: ALTER TABLE d.t ON CLUSTER c ADD COLUMN `a\\nb` String\n"
    "hosts: ['ch%2D1:9000', 'ch%2D2:9000', '%3A%3A1:9000']\n"
    "initiator: ch%2D1:9000\n"
    "settings: load_balancing = \\'random\\', max_threads = 3\n"
    "tracing: 00000000-0000-0000-0000-000000000000\n"
    "initial_query_id: 5b1b3b0a-0000-4c1b-8c1b-0123456789ab\n"
)


def test_an_old_entry() -> None:
    values = parse_entry(OLD_ENTRY)
    assert unescape(values["query"]).endswith("ReplicatedMergeTree('/t/{shard}', '{replica}')")
    assert values["initiator"] == "vm:31042"


def test_a_new_entry_has_more() -> None:
    values = parse_entry(NEW_ENTRY)
    assert unescape(values["query"]) == "ALTER TABLE d.t ON CLUSTER c ADD COLUMN `a\nb` String"
    assert set(values) == {"query", "hosts", "initiator", "settings", "tracing", "initial_query_id"}


@pytest.mark.parametrize("text", ["", "query: x", "version: \nquery: x", "version: one\n", "\0" * 100, "{}"])
def test_what_is_no_entry(text: str) -> None:
    assert parse_entry(text) == {}


def test_hosts_are_read_as_the_queue_escapes_them() -> None:
    assert readable_host("127%2E0%2E0%2E1:31042") == "127.0.0.1:31042"
    assert readable_host("%3A%3A1:9000") == "[::1]:9000"
    assert readable_host("ch%2D1") == "ch-1"
    assert readable_host("%ff%1b:x") == "\ufffd\x1b"
    assert host_id("", "9000") == ""
    assert host_id("a", "99999999") == "a"


def test_how_an_entry_ended() -> None:
    assert parse_ended("q", "h", b"0\n") == DdlHostState("q", "h", "finished", 0, "")
    text = b"60\nCode: 60, e.displayText() = DB::Exception: Table \\'d.t\\' doesn\\'t exist., e.what() = DB::Exception\n"
    failed = parse_ended("q", "h", text)
    assert (failed.state, failed.exception_code) == ("failed", 60)
    assert "Table 'd.t' doesn't exist" in failed.exception_text
    for broken in (b"", b"\xff\xfe", b"lots\n", b"9" * 50):
        assert parse_ended("q", "h", broken).exception_code is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a\\tb", "a\tb"), ("\\\\n", "\\n"), ("\\x41", "A"), ("\\x4", "x4"), ("end\\", "end\\"), ("\\q", "q")],
)
def test_escapes(text: str, expected: str) -> None:
    assert unescape(text) == expected


def entry(**changes: Any) -> DdlEntry:
    whole = DdlEntry(
        "query-0000000001", datetime(2026, 1, 1, tzinfo=UTC), 5.0, "a:1", "q", ("a:1", "b:1", "c:1"), (), ()
    )
    return whole._replace(**changes)


def test_every_host_has_a_state() -> None:
    ended = (
        DdlHostState("query-0000000001", "a:1", "finished", 0),
        DdlHostState("query-0000000001", "z:1", "failed", 60, "no"),
    )
    found = entry(active=("b:1",), finished=ended)
    assert [(state.host, state.state) for state in found.host_states] == [
        ("a:1", "finished"),
        ("b:1", "active"),
        ("c:1", "waiting"),
        ("z:1", "failed"),
    ]
    assert found.missing == ("c:1",)
    assert [state.host for state in found.failed] == ["z:1"]
    assert not found.is_done
    assert entry(hosts=("z:1",), finished=ended[1:]).is_done
    assert not entry(hosts=(), problem="unreadable").is_done


def test_paths_are_joined_below_the_root_too() -> None:
    assert join("/", "a") == "/a"
    assert join("/a", "b") == "/a/b"


def test_a_budget_gives_what_is_left() -> None:
    budget = Budget(1.0, 10)
    assert (budget.take(7), budget.take(7), budget.take(7)) == (7, 3, 0)
