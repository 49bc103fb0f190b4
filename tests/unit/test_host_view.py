"""The detail of a host without a screen."""

from __future__ import annotations

from typing import Any

import pytest

from chtui.monitor.probe_sets.hosts import PROBES
from chtui.monitor.snapshot import Snapshot
from chtui.records import (
    HostId,
    HostInfo,
    HostLimits,
    HostLoad,
    HostMetrics,
    HostState,
    HostTable,
    Sample,
    ServerError,
    ServerWarning,
)
from chtui.text import UNSAFE
from chtui.views import host as host_view
from chtui.views.host import parse_host
from chtui.views.pieces import Figure, Piece
from chtui.views.table import Table
from tests.unit.hand import HOSTILE, NOW, A, B, ago, blank, good, snapshot, status

GIB = 1024**3


def one(state: HostState = HostState.UP, *, error: str = "", **samples: Sample) -> Snapshot:
    given = {(A, probe): sample for probe, sample in samples.items()}
    return snapshot(status(A, state, error=error), samples=given)


def figure(given: Snapshot, label: str) -> Figure:
    (found,) = [item for item in host_view.figures(given, A) if item.label == label]
    return found


def metrics(seconds: float = 0.0, **values: Any) -> HostMetrics:
    return blank(HostMetrics, **{"uptime_seconds": int(1000 + seconds), **values})


def counted(**values: int) -> Sample:
    """Two samples ten seconds apart in which the counters rose from 0."""
    return good(metrics(10, **values), previous=good(metrics(0), age=10))


def texts(table: Table) -> list[list[str]]:
    return [[item.text for item in row.cells] for row in table.rows]


def test_it_wants_its_probes_of_its_host_only() -> None:
    assert {want.host for want in host_view.wants(B)} == {B}
    assert (
        {"host_metrics", "disks"}
        < {want.probe for want in host_view.wants(B)}
        < {probe.name for probe in PROBES}
    )


@pytest.mark.parametrize("host", [A, HostId("::1", 9000), HostId("a:b", 1)])
def test_a_key_leads_back_to_its_host(host: HostId) -> None:
    assert parse_host(str(host)) == host


def test_the_heading() -> None:
    info = HostInfo("26.9.2.1", 90061, NOW, "ch1")
    assert host_view.view(one(host_state=good(info)), A).heading == (
        Piece("ch1.example:9000", "accent"),
        Piece("shard 1 replica 1"),
        Piece("up", "ok"),
        Piece("version 26.9.2.1, up 1d 1h", "muted"),
    )
    hung = host_view.view(one(HostState.HUNG, error="no answer"), A).heading
    assert hung[2:] == (Piece("hung", "critical"), Piece("no answer", "critical"))
    assert host_view.view(one(HostState.SLOW), A).heading[2] == Piece("slow", "warning")


def test_old_figures_say_so() -> None:
    for age, pieces in ((6.0, ()), (6.1, (Piece("figures are 6s old", "warning"),))):
        given = one(host_metrics=good(metrics(), age=age))
        assert host_view.view(given, A).heading[3:] == pieces


def test_a_host_that_left_says_so() -> None:
    assert host_view.view(one(), B).heading == (
        Piece("ch2.example:9000 is not in the cluster any more", "critical"),
    )


def test_the_machine() -> None:
    load = HostLoad(1.5, 0.5, 0.31, 0.125, 2 * GIB, None, None)
    given = one(host_load=good(load))
    assert figure(given, "CPU") == Figure("CPU", "81 %", "warning")
    assert figure(given, "I/O wait") == Figure("I/O wait", "12 %")
    assert figure(given, "load 1 min") == Figure("load 1 min", "1.50")
    assert figure(given, "memory resident") == Figure("memory resident", "2.0 GiB")


@pytest.mark.parametrize(
    ("user", "style"), [(0.8, ""), (0.81, "warning"), (0.95, "warning"), (0.96, "critical")]
)
def test_a_busy_machine(user: float, style: str) -> None:
    load = HostLoad(1.0, user, 0.0, None, None, None, None)
    assert figure(one(host_load=good(load)), "CPU").style == style


def test_a_machine_that_is_not_measured_shows_the_threads_of_queries() -> None:
    unknown = HostLoad(None, None, None, None, None, None, None)
    given = one(host_load=good(unknown), host_metrics=counted(cpu_microseconds_total=25_000_000))
    assert figure(given, "query threads").value == "2.50 cores"
    assert figure(given, "load 1 min") == Figure("load 1 min", "-", "muted", "the server does not measure it")
    assert figure(one(), "load 1 min").why == "no answer yet"
    assert figure(one(host_load=Sample(unavailable="no table")), "load 1 min").why == "no table"


@pytest.mark.parametrize(
    ("used", "limit", "value", "style"),
    [
        (GIB, 10 * GIB, "1.0 GiB of 10.0 GiB", ""),
        (9 * GIB, 10 * GIB, "9.0 GiB of 10.0 GiB", "warning"),
        (10 * GIB, 10 * GIB, "10.0 GiB of 10.0 GiB", "critical"),
        (GIB, 0, "1.0 GiB, no limit", ""),
        (GIB, None, "1.0 GiB", ""),
        (None, 10 * GIB, "- of 10.0 GiB", ""),
    ],
)
def test_memory_and_its_limit(used: int | None, limit: int | None, value: str, style: str) -> None:
    given = one(host_metrics=good(metrics(memory_bytes=used)), host_limits=good(HostLimits(None, limit)))
    assert figure(given, "memory") == Figure("memory", value, style)  # type: ignore[arg-type]


def test_limits_that_a_server_does_not_tell_have_a_reason() -> None:
    given = one(host_metrics=good(metrics(queries=3)), host_limits=Sample(unavailable="older than 23.3"))
    assert figure(given, "running queries") == Figure("running queries", "3", "", "older than 23.3")


@pytest.mark.parametrize(
    ("label", "counter", "count", "value", "style"),
    [
        ("rows inserted", "inserted_rows_total", 5_000_000, "500k/s", ""),
        ("bytes inserted", "inserted_bytes_total", 10 * GIB, "1.0 GiB/s", ""),
        ("queries", "queries_total", 25, "2.5/s", ""),
        ("failed queries", "failed_queries_total", 1, "0.10/s", "warning"),
        ("failed queries", "failed_queries_total", 0, "0.00/s", ""),
        ("delayed inserts", "delayed_inserts_total", 1, "0.10/s", "warning"),
        ("rejected inserts", "rejected_inserts_total", 1, "0.10/s", "critical"),
        ("Keeper exceptions", "keeper_exceptions_total", 5, "0.50/s", "warning"),
    ],
)
def test_rates(label: str, counter: str, count: int, value: str, style: str) -> None:
    given = one(host_metrics=counted(**{counter: count}))
    assert figure(given, label) == Figure(label, value, style)  # type: ignore[arg-type]


def test_rates_that_there_are_not_have_a_reason() -> None:
    assert figure(one(), "queries") == Figure("queries", "-", "muted", "needs two samples")
    again = good(metrics(uptime_seconds=1), previous=good(metrics(), age=10))
    assert figure(one(host_metrics=again), "queries").why == "the server restarted between the samples"


def test_gauges() -> None:
    given = one(host_metrics=good(metrics(merges=3, mutations=None, distributed_files=12_345)))
    assert [figure(given, label).value for label in ("merges", "mutations", "Distributed files")] == [
        "3",
        "-",
        "12 345",
    ]
    assert figure(one(), "merges").value == "-"


def error(name: str, count: int, code: int = 1, age: int = 60) -> ServerError:
    return ServerError(name, code, count, age, f"{name} happened")


def test_errors_that_grew_come_first_then_others_then_warnings() -> None:
    before = good(error("OLD", 5), error("GROWN", 5, 2), error("RESTARTED", 9, 4), age=10)
    now = good(
        error("OLD", 5), error("GROWN", 7, 2), error("NEW", 1, 3), error("RESTARTED", 2, 4), previous=before
    )
    table = host_view.trouble(one(server_errors=now, server_warnings=good(ServerWarning("be warned"))), A)
    assert texts(table) == [
        ["error", "GROWN (2)", "7", "+2", "1m", "GROWN happened"],
        ["error", "NEW (3)", "1", "+1", "1m", "NEW happened"],
        ["error", "OLD (1)", "5", "", "1m", "OLD happened"],
        ["error", "RESTARTED (4)", "2", "", "1m", "RESTARTED happened"],
        ["warning", "", "", "", "", "be warned"],
    ]
    assert [row.cells[0].style for row in table.rows] == ["critical", "critical", "", "", "warning"]
    assert len({row.key for row in table.rows}) == 5


def test_after_one_sample_nothing_is_new() -> None:
    table = host_view.trouble(one(server_errors=good(error("ANY", 5))), A)
    assert texts(table)[0][3] == ""
    assert table.rows[0].cells[0].style == ""


def test_no_trouble_and_why() -> None:
    assert host_view.trouble(one(), A).empty == "no errors and no warnings"
    given = one(server_errors=Sample(unavailable="no system.errors"))
    assert host_view.trouble(given, A).empty == "no system.errors"


def host_table(**values: Any) -> HostTable:
    return blank(HostTable, **{"database": "db", "table": "t", "engine": "ReplicatedMergeTree", **values})


@pytest.mark.parametrize(
    ("row", "shown", "style"),
    [
        (host_table(is_replicated=True), ["ok", "0s", "0"], "ok"),
        (
            host_table(is_replicated=True, is_readonly=True, queue_entries=5),
            ["readonly", "0s", "5"],
            "critical",
        ),
        (host_table(is_replicated=True, is_session_expired=True), ["session expired", "0s", "0"], "warning"),
        (
            host_table(is_replicated=True, absolute_delay_seconds=1_790_000_000),
            ["ok", "never synced", "0"],
            "ok",
        ),
        (host_table(engine="MergeTree"), ["", "", ""], ""),
    ],
)
def test_tables(row: HostTable, shown: list[str], style: str) -> None:
    made = host_view.tables(one(host_tables=good(row)), A)
    assert texts(made)[0][5:] == shown
    assert made.rows[0].cells[5].style == style
    assert made.rows[0].key == "db.t"


def test_figures_of_tables() -> None:
    row = host_table(parts=1234, rows=10**9, bytes_on_disk=5 * GIB)
    made = host_view.tables(one(host_tables=good(row)), A)
    assert texts(made)[0][:5] == ["db.t", "ReplicatedMergeTree", "1234", "1.0G", "5.0 GiB"]
    assert [column.key for column in host_view.TABLE_COLUMNS if column.right] == [
        "parts", "rows", "bytes_on_disk", "absolute_delay_seconds", "queue_entries",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("sample", "empty"),
    [
        (None, "asking ..."),
        (good(), "no MergeTree tables that this user may see"),
        (Sample(error="hung"), "hung"),
        (Sample(unavailable="no rights"), "no rights"),
    ],
)
def test_no_tables_and_why(sample: Sample | None, empty: str) -> None:
    given = one(host_tables=sample) if sample else one()
    assert host_view.tables(given, A).empty == empty


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_of_a_hostile_host_that_is_drawn_holds_a_control_character(name: str) -> None:
    host = HostId(name, 9000)
    samples = {
        (host, "host_state"): good(HostInfo(name, 1, NOW, name)),
        (host, "host_tables"): good(host_table(database=name, table=name, engine=name)),
        (host, "server_errors"): good(ServerError(name, 1, 1, 1, name)),
        (host, "server_warnings"): good(ServerWarning(name)),
        (host, "host_load"): Sample(error=name, failed_at=ago(1)),
    }
    view = host_view.view(snapshot(status(host, HostState.DOWN, error=name), samples=samples), host)
    drawn = [piece.text for piece in view.heading]
    drawn += [text for item in view.figures for text in (item.label, item.value)]
    drawn += [item.text for table in (view.tables, view.trouble) for row in table.rows for item in row.cells]
    drawn += [piece.text for piece in host_view.view(snapshot(), host).heading]
    assert len(view.tables.rows) == 1
    assert len(view.trouble.rows) == 2
    assert [text for text in drawn if UNSAFE.search(text)] == []
