"""The detail of one host: its figures, its errors and warnings, its tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from chtui.errors import UsageError
from chtui.monitor.rates import rate
from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.records import HostId, HostLimits, HostLoad, HostMetrics, HostTable, Sample, ServerError
from chtui.text import format_bytes, format_count, format_delay, format_percent, format_seconds, sanitize
from chtui.views.pieces import Figure, Piece
from chtui.views.table import Cell, Column, Link, Row, Style, Table, cell, number

PROBES = ("host_state", "replication_summary", "suspect_replicas", "replica_keeper_state", "host_metrics", "host_load",
          "host_limits", "parts_summary", "disks", "host_tables", "server_errors", "server_warnings")  # fmt: skip
MICROSECONDS = 1_000_000


class HostView(NamedTuple):
    """What the detail draws."""

    heading: tuple[Piece, ...]
    figures: tuple[Figure, ...]
    trouble: Table
    tables: Table


def wants(host: HostId) -> tuple[Want, ...]:
    """Return the probes of the detail."""
    return tuple(Want(name, host) for name in PROBES)


def parse_host(key: str) -> HostId:
    """Return the host of a row's key (`host_name:port`).

    Raises:
        UsageError: it is no such key.
    """
    name, _, port = key.rpartition(":")
    if not name or not port.isascii() or not port.isdecimal():
        raise UsageError(
            f"no host '{sanitize(key)}'", fix="write HOST_NAME:PORT, as the replicas pane has it"
        )
    return HostId(name.removeprefix("[").removesuffix("]"), int(port))


def view(snapshot: Snapshot, host: HostId) -> HostView:
    """Return the detail of a host."""
    return HostView(
        _heading(snapshot, host), figures(snapshot, host), trouble(snapshot, host), tables(snapshot, host)
    )


def _heading(snapshot: Snapshot, host: HostId) -> tuple[Piece, ...]:
    status = snapshot.host(host)
    if status is None:
        return (Piece(f"{cell(host).text} is not in the cluster any more", "critical"),)
    style: Style = (
        "ok" if status.state.severity == 0 else "critical" if status.state.severity > 2 else "warning"
    )
    info = snapshot.one(host, "host_state")
    pieces = [
        Piece(cell(host).text, "accent"),
        Piece(f"shard {status.shard_num} replica {status.replica_num}"),
        Piece(str(status.state), style),
    ]
    if info:
        pieces.append(
            Piece(f"version {cell(info.version).text}, up {format_seconds(info.uptime_seconds)}", "muted")
        )
    age = snapshot.age_seconds(host, "host_metrics")
    if age is not None and age > snapshot.intervals.metrics + 1:
        pieces.append(Piece(f"figures are {format_seconds(int(age))} old", "warning"))
    if status.error:
        pieces.append(Piece(cell(status.error).text, "critical"))
    return tuple(pieces)


def figures(snapshot: Snapshot, host: HostId) -> tuple[Figure, ...]:
    """Return the host's figures; rates are per second between the last two samples."""
    sample = snapshot.sample(host, "host_metrics")
    metrics: HostMetrics | None = snapshot.one(host, "host_metrics")
    return (
        *_machine(snapshot, host),
        *_use(snapshot, host, metrics),
        _rate("rows inserted", sample, "inserted_rows_total", lambda value: f"{format_count(value)}/s"),
        _rate("bytes inserted", sample, "inserted_bytes_total", lambda value: f"{format_bytes(value)}/s"),
        _rate("queries", sample, "queries_total", lambda value: f"{value:.1f}/s"),
        _rate("failed queries", sample, "failed_queries_total", lambda value: f"{value:.2f}/s", "warning"),
        _rate("delayed inserts", sample, "delayed_inserts_total", lambda value: f"{value:.2f}/s", "warning"),
        _rate(
            "rejected inserts", sample, "rejected_inserts_total", lambda value: f"{value:.2f}/s", "critical"
        ),
        _rate(
            "Keeper exceptions", sample, "keeper_exceptions_total", lambda value: f"{value:.2f}/s", "warning"
        ),
        *_gauges(metrics),
    )


def _machine(snapshot: Snapshot, host: HostId) -> tuple[Figure, ...]:
    load: HostLoad | None = snapshot.one(host, "host_load")
    sample = snapshot.sample(host, "host_load")
    why = (sample.unavailable or sample.error) if sample else "no answer yet"
    if load is None or load.load_average_1m is None:
        why = why or "the server does not measure it"
        return (
            _rate(
                "query threads",
                snapshot.sample(host, "host_metrics"),
                "cpu_microseconds_total",
                lambda value: f"{value / MICROSECONDS:.2f} cores",
            ),
            Figure("load 1 min", "-", "muted", why),
        )
    cpu = (load.cpu_user_ratio or 0.0) + (load.cpu_system_ratio or 0.0)
    return (
        Figure("CPU", format_percent(cpu), "critical" if cpu > 0.95 else "warning" if cpu > 0.8 else ""),
        Figure("I/O wait", format_percent(load.cpu_iowait_ratio)),
        Figure("load 1 min", f"{load.load_average_1m:.2f}"),
        Figure("memory resident", format_bytes(load.resident_bytes)),
    )


def _use(snapshot: Snapshot, host: HostId, metrics: HostMetrics | None) -> tuple[Figure, ...]:
    limits: HostLimits | None = snapshot.one(host, "host_limits")
    memory = metrics.memory_bytes if metrics else None
    most = limits.max_server_memory_usage_bytes if limits else None
    running = metrics.queries if metrics else None
    allowed = limits.max_concurrent_queries if limits else None
    sample = snapshot.sample(host, "host_limits")
    why = (sample.unavailable or sample.error) if sample and not limits else ""
    return (
        Figure("memory", _of(memory, most, format_bytes), _share_style(memory, most), why),
        Figure("running queries", _of(running, allowed, format_count), _share_style(running, allowed), why),
    )


def _of(value: int | None, limit: int | None, render: Callable[[float | None], str]) -> str:
    if limit is None:
        return render(value)
    return f"{render(value)} of {render(limit)}" if limit else f"{render(value)}, no limit"


def _share_style(value: int | None, limit: int | None) -> Style:
    share = value / limit if value is not None and limit else 0.0
    return "critical" if share > 0.95 else "warning" if share > 0.8 else ""


def _gauges(metrics: HostMetrics | None) -> tuple[Figure, ...]:
    named = (("merges", "merges"), ("mutations", "mutations"), ("fetches", "fetches"), ("Distributed files", "distributed_files"),
             ("Keeper sessions", "keeper_sessions"), ("inserts waiting", "delayed_inserts_now"))  # fmt: skip
    return tuple(
        Figure(label, format_count(getattr(metrics, name) if metrics else None)) for label, name in named
    )


def _rate(
    label: str, sample: Sample | None, counter: str, render: Callable[[float], str], alarm: Style = ""
) -> Figure:
    value, why = rate(sample, counter)
    if value is None:
        return Figure(label, "-", "muted", why)
    return Figure(label, render(value), alarm if value > 0 else "")


TROUBLE_COLUMNS = (
    Column("kind", "KIND", help="an error counted since the server started, or a warning of the server"),
    Column("name", "NAME", max_width=44, help="the error's name in system.errors"),
    Column("count", "COUNT", True, help="how often since the server started"),
    Column("new", "NEW", True, help="how often between the last two samples"),
    Column("last", "LAST", True, help="age of the last one, by the server's clock"),
    Column("message", "MESSAGE", max_width=200, help="the server's words"),
)


def trouble(snapshot: Snapshot, host: HostId) -> Table:
    """Return errors, those that grew first, then warnings."""
    errors, warnings = snapshot.sample(host, "server_errors"), snapshot.sample(host, "server_warnings")
    before = (
        {(row.name, row.code): row.errors for row in errors.previous.rows}
        if errors and errors.previous
        else None
    )
    rows = [_error_row(row, before) for row in (errors.rows if errors else ())]
    rows.sort(key=lambda row: row.cells[3].sort in (None, 0))
    for index, warning in enumerate(warnings.rows if warnings else ()):
        rows.append(
            Row(
                f"warning {index}",
                (Cell("warning", "warning"), Cell(""), Cell(""), Cell(""), Cell(""), cell(warning.message)),
            )
        )
    reason = " ".join(sample.unavailable for sample in (errors, warnings) if sample and sample.unavailable)
    return Table(TROUBLE_COLUMNS, tuple(rows), cell(reason or "no errors and no warnings").text)


def _error_row(row: ServerError, before: dict[tuple[str, int], int] | None) -> Row:
    known = before.get((row.name, row.code), 0) if before is not None else None
    # A smaller count than before means that the server restarted in between.
    new = row.errors - known if known is not None and row.errors >= known else None
    return Row(
        f"{row.code} {row.name}",
        (
            Cell("error", "critical" if new else ""),
            cell(f"{row.name} ({row.code})"),
            number(row.errors, format_count),
            number(new, lambda value: f"+{value:.0f}" if value else "", "critical" if new else ""),
            number(row.last_error_age_seconds, format_seconds),
            cell(row.last_error_message),
        ),
    )


TABLE_COLUMNS = (
    Column("table", "TABLE", max_width=50, help="database and table"),
    Column("engine", "ENGINE", max_width=32, help="the table's engine"),
    Column("parts", "PARTS", True, help="active parts"),
    Column("rows", "ROWS", True, help="rows in active parts"),
    Column("bytes_on_disk", "SIZE", True, help="bytes on disk of active parts"),
    Column("state", "STATE", help="readonly, session expired, or ok; of Replicated tables only"),
    Column("absolute_delay_seconds", "LAG", True, max_width=14, help="absolute_delay of the replica"),
    Column("queue_entries", "QUEUE", True, help="entries in the replication queue"),
)


def tables(snapshot: Snapshot, host: HostId) -> Table:
    """Return the host's MergeTree tables, the largest first."""
    sample = snapshot.sample(host, "host_tables")
    rows = tuple(_table_row(row) for row in (sample.rows if sample else ()))
    reason = (sample.unavailable or sample.error) if sample else "asking ..."
    return Table(TABLE_COLUMNS, rows, cell(reason or "no MergeTree tables that this user may see").text)


def _table_row(row: HostTable) -> Row:
    state = (
        "readonly"
        if row.is_readonly
        else "session expired"
        if row.is_session_expired
        else "ok"
        if row.is_replicated
        else ""
    )
    return Row(
        f"{row.database}.{row.table}",
        (
            cell(f"{row.database}.{row.table}"),
            cell(row.engine, "muted"),
            number(row.parts, format_count),
            number(row.rows, format_count),
            number(row.bytes_on_disk, format_bytes),
            cell(
                state,
                "critical"
                if row.is_readonly
                else "warning"
                if row.is_session_expired
                else "ok"
                if state
                else "",
            ),
            Cell(
                format_delay(row.absolute_delay_seconds) if row.is_replicated else "",
                "",
                row.absolute_delay_seconds if row.is_replicated else None,
            ),
            Cell(
                format_count(row.queue_entries) if row.is_replicated else "",
                "",
                row.queue_entries if row.is_replicated else None,
            ),
        ),
        link=Link("replica" if row.is_replicated else "table", (row.database, row.table)),
    )
