"""One host outside the console, whose own screen shows the same: tables, errors and warnings, figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chtui.monitor.rates import rate
from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.records import (
    HostId,
    HostLimits,
    HostLoad,
    HostMetrics,
    HostTable,
    PartsSummary,
    Sample,
    ServerError,
)
from chtui.text import (
    NEVER_SECONDS,
    format_bytes,
    format_count,
    format_percent,
    format_seconds,
    plural,
    sanitize,
)
from chtui.views import host as host_view
from chtui.views.pages import Page, Part, Subject
from chtui.views.pieces import Piece
from chtui.views.table import Cell, Column, Row, cell, number

FIGURE_PROBES = ("host_state", "host_metrics", "host_load", "host_limits", "parts_summary")
TROUBLE_PROBES = ("server_errors", "server_warnings")


@dataclass(frozen=True, slots=True)
class HostTableFact:
    """A MergeTree table of the host; replica fields are None where it is not Replicated."""

    database: str
    table: str
    engine: str
    parts: int
    rows: int
    bytes_on_disk: int
    is_replicated: bool
    is_readonly: bool | None
    is_session_expired: bool | None
    never_synced: bool | None
    """Whether the replica has never initialised: its delay counts from 1970."""
    absolute_delay_seconds: int | None
    """None for one that has never synced."""
    queue_entries: int | None


@dataclass(frozen=True, slots=True)
class HostTroubleFact:
    """An error counted since the server started, or a warning of the server."""

    kind: str
    """`error` or `warning`."""
    name: str | None
    code: int | None
    count: int | None
    new: int | None
    """Between the last two samples; None before the second, and after a restart."""
    last_error_age_seconds: int | None
    message: str


@dataclass(frozen=True, slots=True)
class HostFigureFact:
    """One figure of the host."""

    name: str
    value: float | None
    unit: str
    """`B`, `s`, `1/s`, `B/s`, `cores`, `ratio` (0..1), or empty for a count."""
    why: str | None
    """Why there is no value."""


def _host(subject: Subject) -> HostId:
    return host_view.parse_host(subject[0])


def _wants(*names: str) -> Callable[[Subject], tuple[Want, ...]]:
    return lambda subject: tuple(Want(name, _host(subject)) for name in names)


def table_facts(snapshot: Snapshot, subject: Subject) -> tuple[HostTableFact, ...]:
    """Return the host's MergeTree tables, the largest first."""
    return tuple(_table(row) for row in snapshot.rows(_host(subject), "host_tables"))


def _table(row: HostTable) -> HostTableFact:
    never = row.absolute_delay_seconds >= NEVER_SECONDS
    told = row.is_replicated
    return HostTableFact(
        database=row.database,
        table=row.table,
        engine=row.engine,
        parts=row.parts,
        rows=row.rows,
        bytes_on_disk=row.bytes_on_disk,
        is_replicated=row.is_replicated,
        is_readonly=row.is_readonly if told else None,
        is_session_expired=row.is_session_expired if told else None,
        never_synced=never if told else None,
        absolute_delay_seconds=row.absolute_delay_seconds if told and not never else None,
        queue_entries=row.queue_entries if told else None,
    )


def trouble_facts(snapshot: Snapshot, subject: Subject) -> tuple[HostTroubleFact, ...]:
    """Return errors, those that grew first and then the latest, then warnings."""
    host = _host(subject)
    sample = snapshot.sample(host, "server_errors")
    errors = [_error(row, sample) for row in (sample.rows if sample else ())]
    errors.sort(key=lambda fact: (not fact.new, fact.last_error_age_seconds or 0))
    warnings = [
        HostTroubleFact("warning", None, None, None, None, None, row.message)
        for row in snapshot.rows(host, "server_warnings")
    ]
    return (*errors, *warnings)


def _error(row: ServerError, sample: Sample | None) -> HostTroubleFact:
    new: int | None = None
    if sample is not None and sample.previous is not None:
        before = {(old.name, old.code): old.errors for old in sample.previous.rows}
        known = before.get((row.name, row.code), 0)
        # A smaller count than before means that the server restarted in between.
        new = row.errors - known if row.errors >= known else None
    return HostTroubleFact(
        "error", row.name, row.code, row.errors, new, row.last_error_age_seconds, row.last_error_message
    )


RATES = (
    ("rows inserted", "inserted_rows_total", "1/s"),
    ("bytes inserted", "inserted_bytes_total", "B/s"),
    ("queries", "queries_total", "1/s"),
    ("failed queries", "failed_queries_total", "1/s"),
    ("delayed inserts", "delayed_inserts_total", "1/s"),
    ("rejected inserts", "rejected_inserts_total", "1/s"),
    ("Keeper exceptions", "keeper_exceptions_total", "1/s"),
)
GAUGES = (
    ("running queries", "queries", ""),
    ("memory", "memory_bytes", "B"),
    ("merges", "merges", ""),
    ("mutations", "mutations", ""),
    ("fetches", "fetches", ""),
    ("inserts waiting", "delayed_inserts_now", ""),
    ("readonly replicas", "readonly_replicas", ""),
    ("Distributed files", "distributed_files", ""),
    ("Keeper sessions", "keeper_sessions", ""),
    ("HTTP connections", "http_connections", ""),
    ("TCP connections", "tcp_connections", ""),
    ("uptime", "uptime_seconds", "s"),
)
LOADS = (
    ("CPU user", "cpu_user_ratio", "ratio"),
    ("CPU system", "cpu_system_ratio", "ratio"),
    ("I/O wait", "cpu_iowait_ratio", "ratio"),
    ("load 1 min", "load_average_1m", ""),
    ("memory resident", "resident_bytes", "B"),
    ("memory of the machine", "os_memory_total_bytes", "B"),
    ("memory available", "os_memory_available_bytes", "B"),
)
LIMITS = (
    ("memory limit", "max_server_memory_usage_bytes", "B"),
    ("running queries limit", "max_concurrent_queries", ""),
)
PARTS = (
    ("tables", "tables", ""),
    ("active parts", "active_parts", ""),
    ("rows", "rows", ""),
    ("bytes on disk", "bytes_on_disk", "B"),
    ("most parts in a partition", "max_parts_in_partition", ""),
)


def figure_facts(snapshot: Snapshot, subject: Subject) -> tuple[HostFigureFact, ...]:
    """Return the host's figures; rates are per second between the last two samples."""
    host = _host(subject)
    if all(snapshot.sample(host, probe) is None for probe in FIGURE_PROBES):
        return ()
    metrics: HostMetrics | None = snapshot.one(host, "host_metrics")
    load: HostLoad | None = snapshot.one(host, "host_load")
    limits: HostLimits | None = snapshot.one(host, "host_limits")
    parts: PartsSummary | None = snapshot.one(host, "parts_summary")
    found: list[HostFigureFact] = []
    for record, probe, named in (
        (metrics, "host_metrics", GAUGES),
        (load, "host_load", LOADS),
        (limits, "host_limits", LIMITS),
        (parts, "parts_summary", PARTS),
    ):
        why = _why(snapshot.sample(host, probe))
        for name, field, unit in named:
            value = getattr(record, field) if record is not None else None
            found.append(HostFigureFact(name, value, unit, why if value is None else None))
    sample = snapshot.sample(host, "host_metrics")
    for name, counter, unit in RATES:
        per_second, reason = rate(sample, counter)
        found.append(HostFigureFact(name, per_second, unit, reason or None))
    microseconds, reason = rate(sample, "cpu_microseconds_total")
    cores = None if microseconds is None else microseconds / host_view.MICROSECONDS
    found.append(HostFigureFact("query threads", cores, "cores", reason or None))
    return tuple(found)


def _why(sample: Sample | None) -> str:
    reason = (sample.unavailable or sample.error) if sample else "no answer yet"
    return reason or "the server does not measure it"


FIGURE_COLUMNS = (
    Column("name", "FIGURE", help="what is measured"),
    Column("value", "VALUE", True, help="its value, with its unit"),
    Column("why", "WHY NOT", max_width=100, help="why there is none"),
)


def figure_rows(_snapshot: Snapshot, _subject: Subject, facts: Sequence[HostFigureFact]) -> tuple[Row, ...]:
    """Return a row for each figure."""
    return tuple(
        Row(
            f"{fact.name} {fact.unit}",
            (
                Cell(fact.name),
                number(fact.value, lambda value, unit=fact.unit: _with_unit(value, unit)),  # type: ignore[misc]
                cell(fact.why or "", "muted"),
            ),
        )
        for fact in facts
    )


def _with_unit(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    forms: dict[str, Callable[[float], str]] = {
        "B": format_bytes,
        "B/s": lambda known: f"{format_bytes(known)}/s",
        "s": format_seconds,
        "1/s": lambda known: f"{known:.2f}/s",
        "ratio": lambda known: format_percent(known, 1),
        "cores": lambda known: f"{known:.2f} cores",
    }
    return forms.get(unit, _plain)(value)


def _plain(value: float) -> str:
    return format_count(value) if value == int(value) else f"{value:.2f}"


def heading(snapshot: Snapshot, subject: Subject) -> tuple[Piece, ...]:
    """Return the line above: the host, how it answers, its tables."""
    host = _host(subject)
    status = snapshot.host(host)
    if status is None:
        return (Piece(f"{sanitize(subject[0])} is not in the cluster", "critical"),)
    tables = plural(len(snapshot.rows(host, "host_tables")), "table")
    return (Piece(sanitize(host), "accent"), Piece(str(status.state)), Piece(tables, "muted"))


PAGES = (
    Page(
        "host",
        (
            Part(
                "tables",
                "tables",
                HostTableFact,
                host_view.TABLE_COLUMNS,
                _wants("host_tables"),
                table_facts,
                lambda snapshot, subject, _: host_view.tables(snapshot, _host(subject)).rows,
                empty="no MergeTree tables that this user may see",
            ),
            Part(
                "errors",
                "errors and warnings",
                HostTroubleFact,
                host_view.TROUBLE_COLUMNS,
                _wants(*TROUBLE_PROBES),
                trouble_facts,
                lambda snapshot, subject, _: host_view.trouble(snapshot, _host(subject)).rows,
                empty="no errors and no warnings",
            ),
            Part(
                "figures",
                "figures",
                HostFigureFact,
                FIGURE_COLUMNS,
                _wants(*FIGURE_PROBES),
                figure_facts,
                figure_rows,
                dict.fromkeys(FIGURE_PROBES, ("value",)),
            ),
        ),
        subject=("host",),
        heading=heading,
    ),
)
