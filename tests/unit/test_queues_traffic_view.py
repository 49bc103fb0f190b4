"""Fetches, Distributed sends and the DDL queue: facts and rows from records made by hand."""

from __future__ import annotations

from typing import Any

from chtui.records import KEEPER, HostState
from chtui.records.keeper import DdlHostState
from chtui.records.queues import (
    DdlHostStatus,
    DdlStatus,
)
from chtui.views import pages, panes
from chtui.views.queues.ddl import BY_TABLE, BY_ZOOKEEPER
from chtui.views.table import Link
from tests.unit.hand import A, B, ago, blank, good, snapshot, status
from tests.unit.hand_queues import HOSTS, facts, fetch, given, keeper_entry, send, table

# Fetches


def test_fetches_with_their_rate() -> None:
    before = good(fetch(elapsed_seconds=10.0, read_bytes=1000), age=5)
    now = good(
        fetch(
            elapsed_seconds=20.0,
            read_bytes=3000,
            total_size_bytes=5000,
            progress_ratio=0.6,
            source_replica="r2",
        ),
        fetch(result_part_name="new", elapsed_seconds=2.0, read_bytes=500, total_size_bytes=1000),
        fetch(result_part_name="still", elapsed_seconds=1.0, total_size_bytes=1000, to_detached=True),
        previous=before,
    )
    first, second, third = facts(given({(A, "replicated_fetches"): now}), "queues", "fetches")
    assert (first.bytes_per_second, first.remaining_seconds) == (200.0, 10.0)
    assert (first.source_host, first.source_replica, first.host) == ("ch2:9009", "r2", str(A))
    assert (second.bytes_per_second, second.remaining_seconds) == (None, 2.0)
    assert (third.bytes_per_second, third.remaining_seconds, third.to_detached) == (None, None, True)
    rows = table(given({(A, "replicated_fetches"): now}), "queues", "fetches").rows
    assert [item.text for item in rows[0].cells] == [
        "d.t", "60 %", "200 B/s", "10s", "4.9 KiB", "20s", str(A), "ch2:9009", "r2", "202601_1_9_2",
    ]  # fmt: skip
    assert rows[2].cells[-1].text == "still to detached"
    assert rows[0].link == Link("queue", ("d", "t"))


def test_a_fetch_begun_anew_has_no_rate() -> None:
    before = good(fetch(elapsed_seconds=90.0, read_bytes=4000), age=5)
    now = good(fetch(elapsed_seconds=1.0, read_bytes=10), previous=before)
    (fact,) = facts(given({(A, "replicated_fetches"): now}), "queues", "fetches")
    assert fact.bytes_per_second is None


# Distributed sends


def test_sends_with_their_change() -> None:
    before = good(send(files=30, files_bytes=3000), send(destination="x", files=1), age=10)
    now = good(
        send(files=10, files_bytes=1000),
        send(destination="x", files=6, is_blocked=True),
        send(
            destination="y", files=60, error_count=3, last_exception="refused", last_exception_age_seconds=4
        ),
        send(destination="z", broken_files=2, broken_bytes=9),
        previous=before,
    )
    view = given({(A, "distribution_queue"): now})
    found = {fact.destination: fact for fact in facts(view, "queues", "sends")}
    assert list(found) == ["x", "y", "z", "shard1_replica2"]
    drained = found["shard1_replica2"]
    assert (drained.files_per_second, drained.bytes_per_second, drained.remaining_seconds) == (
        -2.0,
        -200.0,
        5.0,
    )
    assert (drained.exception, drained.exception_age_seconds) == (None, None)
    assert (found["x"].files_per_second, found["x"].remaining_seconds) == (0.5, None)
    assert (found["y"].files_per_second, found["y"].errors, found["y"].exception_age_seconds) == (None, 3, 4)
    rows = {row.cells[1].text: row for row in table(view, "queues", "sends").rows}
    assert [item.text for item in rows["shard1_replica2"].cells[2:11]] == [
        "10", "1000 B", "-2.0/s", "0", "on", "0", str(A), "-200 B/s", "5s",
    ]  # fmt: skip
    assert (rows["x"].cells[6].text, rows["x"].cells[6].style) == ("BLOCKED", "critical")
    assert (rows["x"].cells[4].text, rows["x"].cells[4].style) == ("+0.5/s", "warning")
    assert rows["y"].copy == "refused"
    assert rows["y"].cells[5].style == "critical"
    assert (rows["z"].cells[7].text, rows["z"].cells[7].style) == ("2", "critical")


def test_past_errors_of_a_queue_that_drains_are_no_alarm() -> None:
    now = good(send(files=1, error_count=9), previous=good(send(files=2, error_count=9), age=1))
    (row,) = table(given({(A, "distribution_queue"): now}), "queues", "sends").rows
    assert (row.cells[5].text, row.cells[5].style) == ("9", "warning")


def test_what_an_older_server_does_not_tell_of_sends_is_none() -> None:
    row = send(
        files=1, broken_files=None, broken_bytes=None, last_exception_age_seconds=None, last_exception="x"
    )
    (fact,) = facts(given({(A, "distribution_queue"): good(row)}), "queues", "sends")
    assert (fact.broken_files, fact.broken_bytes, fact.exception_age_seconds) == (None, None, None)


# The DDL queue


def ddl_row(**values: Any) -> DdlStatus:
    common = {
        "entry": "query-0000000001",
        "hosts": HOSTS,
        "finished_hosts": HOSTS,
        "active_hosts": (),
        "failed_hosts": (),
    }
    return blank(DdlStatus, **{**common, "query": "CREATE TABLE x", "age_seconds": 60, **values})


def test_ddl_entries_by_both_sources() -> None:
    failed = DdlHostState("query-0000000003", "ch1:9000", "failed", 57, "Table exists")
    view = given(
        {
            (A, "ddl_entries"): good(ddl_row(), ddl_row(entry="query-0000000002", finished_hosts=HOSTS[:1], active_hosts=HOSTS[1:2], age_seconds=181)),
            (KEEPER, "ddl_queue"): good(
                keeper_entry(),
                keeper_entry(entry="query-0000000003", finished=(failed,), hosts=HOSTS[:1]),
                keeper_entry(entry="query-0000000004", finished=()),
                keeper_entry(entry="query-0000000005", finished=(), hosts=(), problem="not an entry"),
            ),
        }
    )  # fmt: skip
    found = facts(view, "queues", "ddl")
    assert [(fact.entry[-1], fact.state, fact.source) for fact in found] == [
        ("2", "stuck", BY_TABLE),
        ("4", "waiting", BY_ZOOKEEPER),
        ("3", "failed", BY_ZOOKEEPER),
        ("5", "unreadable", BY_ZOOKEEPER),
        ("1", "finished", BY_TABLE),
    ]
    stuck, waiting, broken, unreadable, _ = found
    assert (stuck.missing_hosts, stuck.active_hosts, stuck.total_hosts) == (HOSTS[2:], HOSTS[1:2], 3)
    assert (waiting.missing_hosts, waiting.finished_hosts) == (HOSTS, ())
    assert (broken.failed_hosts, broken.exception) == (("ch1:9000",), "Table exists")
    assert unreadable.exception == "not an entry"
    rows = table(view, "queues", "ddl").rows
    assert [item.text for item in rows[0].cells[:6]] == [
        "query-0000000002", "stuck", "3m 1s", "1/3", "ch3:9000, ch2:9000 active", "CREATE TABLE x",
    ]  # fmt: skip
    assert rows[0].link == Link("ddl_entry", ("query-0000000002",))
    assert rows[0].copy == "CREATE TABLE x"


def test_zookeeper_is_believed_where_the_table_answers_no_more() -> None:
    stale = good(ddl_row(finished_hosts=())).__class__(
        (ddl_row(finished_hosts=()),), ago(600), "Keeper is gone"
    )
    view = given({(A, "ddl_entries"): stale, (KEEPER, "ddl_queue"): good(keeper_entry())})
    (fact,) = facts(view, "queues", "ddl")
    assert (fact.source, fact.state) == (BY_ZOOKEEPER, "finished")
    (kept,) = facts(given({(A, "ddl_entries"): stale}), "queues", "ddl")
    assert (kept.source, kept.state) == (BY_TABLE, "waiting")


def test_of_two_hosts_the_newer_answer_counts() -> None:
    view = given(
        {
            (A, "ddl_entries"): good(ddl_row(finished_hosts=()), age=30),
            (B, "ddl_entries"): good(ddl_row(), age=1),
        }
    )
    (fact,) = facts(view, "queues", "ddl")
    assert fact.state == "finished"


ENTRY = ("query-0000000001",)


def host_row(**values: Any) -> DdlHostStatus:
    return blank(
        DdlHostStatus, **{"host": "ch1:9000", "status": "Finished", "query": "CREATE TABLE x", **values}
    )


def test_hosts_of_a_ddl_entry() -> None:
    rows = (
        host_row(duration_seconds=1.5),
        host_row(host="ch2:9000", status="Inactive"),
        host_row(host="ch3:9000", status="Active"),
        host_row(host="ch4:9000", exception_code=57, exception_text="Table exists"),
    )
    by_table = {(A, "ddl_hosts?entry=query-0000000001"): good(*rows)}
    found = facts(given(by_table), "ddl_entry", "", ENTRY)
    assert [(fact.host, fact.state, fact.duration_seconds) for fact in found] == [
        ("ch4:9000", "failed", 0.0), ("ch2:9000", "waiting", None), ("ch3:9000", "active", None), ("ch1:9000", "finished", 1.5),
    ]  # fmt: skip
    assert (found[0].exception_code, found[0].exception, found[0].source) == (57, "Table exists", BY_TABLE)
    page = panes.page("ddl_entry")
    assert [piece.text for piece in pages.heading(page, given(by_table), ENTRY)] == [
        "ddl entry", "query-0000000001", "0s old", "CREATE TABLE x",
    ]  # fmt: skip
    by_zookeeper = {(KEEPER, "ddl_queue"): good(keeper_entry(finished=(), active=HOSTS[:1]))}
    found = facts(given(by_zookeeper), "ddl_entry", "", ENTRY)
    assert [(fact.host, fact.state, fact.source) for fact in found] == [
        ("ch2:9000", "waiting", BY_ZOOKEEPER), ("ch3:9000", "waiting", BY_ZOOKEEPER), ("ch1:9000", "active", BY_ZOOKEEPER),
    ]  # fmt: skip
    assert table(given(by_zookeeper), "ddl_entry", "", ENTRY).rows[0].copy == "CREATE TABLE x"


def test_hosts_of_a_ddl_entry_by_a_table_that_answers_no_more() -> None:
    key = "ddl_hosts?entry=query-0000000001"
    old = snapshot(status(A, HostState.DOWN), samples={(A, key): good(host_row(status="Active"))})
    assert [fact.state for fact in facts(old, "ddl_entry", "", ENTRY)] == ["active"]
    both = snapshot(
        status(A, HostState.DOWN),
        samples={(A, key): good(host_row(status="Active")), (KEEPER, "ddl_queue"): good(keeper_entry())},
    )
    assert {fact.state for fact in facts(both, "ddl_entry", "", ENTRY)} == {"finished"}
