"""How long queries take, by kind: of the whole cluster out of buckets, of each host exactly, and over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.records.queries import KindLatency
from chtui.text import format_count, format_percent, format_seconds
from chtui.views.pages import Part, Subject
from chtui.views.pieces import Figure
from chtui.views.plot import Plot, Series
from chtui.views.queries.buckets import Rows, Tally, remembered, tally
from chtui.views.queries.words import logged_kind
from chtui.views.table import Cell, Column, Row, Style, cell, number

MINUTES = 60
WINDOWS = (1, 5, 15)
"""The live windows in minutes, beside the hour."""
FAILED_WARNING_RATIO = 0.01
FAILED_CRITICAL_RATIO = 0.05
"""The share of failed queries that is coloured. Source: chtui's choice; the server sets no limit."""
EMPTY = "the logs have no query that ended within the last hour (they are written only with log_queries = 1)"


@dataclass(frozen=True, slots=True)
class LatencyFact:
    """Initial queries of one kind that ended within the last hour, of all hosts."""

    query_kind: str
    """Empty for texts the server could not parse."""
    queries: int
    failed: int
    failed_ratio: float
    avg_seconds: float | None
    """Of those that finished, as the percentiles are; None where none did."""
    p50_seconds: float | None
    """Percentiles are within 5 % of the exact ones."""
    p95_seconds: float | None
    p99_seconds: float | None
    max_seconds: float | None
    total_seconds: float
    queries_1m: int
    p95_1m_seconds: float | None
    """Of the minute before the hosts were asked, as the next are of 5 and 15 minutes."""
    queries_5m: int
    p95_5m_seconds: float | None
    queries_15m: int
    p95_15m_seconds: float | None
    hosts: int
    """Hosts that had such a query."""


class _Hour(NamedTuple):
    """The last hour of all hosts, by kind and window, and by minute."""

    kinds: Mapping[str, Mapping[int, Tally]]
    """Kind to minutes back to what ended in them."""
    whole: Mapping[int, Tally]
    """The same of all kinds."""
    minutes: tuple[Tally, ...]
    """Minute by minute, the latest first."""
    hosts: Mapping[str, int]


def _summed(given: tuple[Rows, ...]) -> _Hour:
    rows: list[KindLatency] = [
        row._replace(query_kind=logged_kind(row.query_kind)) for host in given for row in host
    ]
    kinds = {row.query_kind for row in rows}
    by_kind = {
        kind: {
            window: tally(row for row in rows if row.query_kind == kind and row.minutes_ago < window)
            for window in (*WINDOWS, MINUTES)
        }
        for kind in kinds
    }
    by_minute: list[list[KindLatency]] = [[] for _ in range(MINUTES)]
    for row in rows:
        by_minute[row.minutes_ago].append(row)
    return _Hour(
        by_kind,
        {window: tally(row for row in rows if row.minutes_ago < window) for window in (*WINDOWS, MINUTES)},
        tuple(tally(minute) for minute in by_minute),
        {
            kind: sum(any(logged_kind(row.query_kind) == kind for row in host) for host in given)
            for kind in kinds
        },
    )


_remembered = remembered(_summed)


def _hour(snapshot: Snapshot) -> _Hour:
    return _remembered(tuple(snapshot.rows(status.id, "query_latency") for status in snapshot.hosts))


def latency_facts(snapshot: Snapshot, _subject: Subject) -> tuple[LatencyFact, ...]:
    """Return each kind's latency over all hosts, the kind with most queries first."""
    hour = _hour(snapshot)
    facts = [_fact(kind, windows, hour.hosts[kind]) for kind, windows in hour.kinds.items()]
    return tuple(sorted(facts, key=lambda fact: (-fact.queries, fact.query_kind)))


def _fact(kind: str, windows: Mapping[int, Tally], hosts: int) -> LatencyFact:
    whole = windows[MINUTES]
    return LatencyFact(
        query_kind=kind,
        queries=whole.queries,
        failed=whole.failed,
        failed_ratio=whole.failed_ratio or 0.0,
        avg_seconds=whole.avg_seconds,
        p50_seconds=whole.percentile(0.5),
        p95_seconds=whole.percentile(0.95),
        p99_seconds=whole.percentile(0.99),
        max_seconds=whole.max_seconds if whole.finished else None,
        total_seconds=whole.total_seconds,
        queries_1m=windows[1].queries,
        p95_1m_seconds=windows[1].percentile(0.95),
        queries_5m=windows[5].queries,
        p95_5m_seconds=windows[5].percentile(0.95),
        queries_15m=windows[15].queries,
        p95_15m_seconds=windows[15].percentile(0.95),
        hosts=hosts,
    )


LATENCY_COLUMNS = (
    Column("query_kind", "KIND", max_width=14, help="kind of query; (not parsed): the server could not read it"),
    Column("queries", "QUERIES", True, help="initial queries that ended within the last hour, failed ones too"),
    Column("failed_ratio", "FAILED", True, help="share of them that failed; coloured from 1 and 5 % on"),
    Column("avg_seconds", "AVG", True, help="mean duration of those that finished; the log has whole milliseconds"),
    Column("p50_seconds", "P50", True, help="half of those that finished took no longer; within 5 %"),
    Column("p95_seconds", "P95", True, help="95 of 100 took no longer; within 5 %"),
    Column("p99_seconds", "P99", True, help="99 of 100 took no longer; within 5 %"),
    Column("max_seconds", "MAX", True, help="the longest"),
    Column("p95_1m_seconds", "P95 1M", True, help="of the minute before the hosts were asked"),
    Column("p95_5m_seconds", "P95 5M", True, help="of the 5 minutes before"),
    Column("p95_15m_seconds", "P95 15M", True, help="of the 15 minutes before"),
    Column("total_seconds", "TOTAL", True, help="their durations added"),
    Column("failed", "FAILURES", True, help="how many failed"),
    Column("hosts", "HOSTS", True, help="hosts that had such a query"),
)  # fmt: skip


def latency_rows(_snapshot: Snapshot, _subject: Subject, facts: Sequence[LatencyFact]) -> tuple[Row, ...]:
    """Return a row for each kind."""
    return tuple(
        Row(
            fact.query_kind,
            (
                kind_cell(fact.query_kind),
                number(fact.queries, format_count),
                failed_cell(fact.failed_ratio, fact.failed),
                number(fact.avg_seconds, format_seconds),
                number(fact.p50_seconds, format_seconds),
                number(fact.p95_seconds, format_seconds),
                number(fact.p99_seconds, format_seconds),
                number(fact.max_seconds, format_seconds),
                number(fact.p95_1m_seconds, format_seconds),
                number(fact.p95_5m_seconds, format_seconds),
                number(fact.p95_15m_seconds, format_seconds),
                number(fact.total_seconds, format_seconds),
                number(fact.failed, format_count),
                number(fact.hosts, format_count),
            ),
        )
        for fact in facts
    )


def kind_cell(kind: str) -> Cell:
    """Return a kind of query as a cell."""
    return cell(kind or "(not parsed)", "" if kind else "muted")


def failed_cell(ratio: float | None, failed: int) -> Cell:
    """Return a share of failed queries as a cell; a share above nothing never reads 0 %."""
    style = failed_style(ratio)
    return number(ratio, lambda value: "<0.1 %" if failed and (value or 0) < 0.001 else format_percent(value, 1), style)  # fmt: skip


def failed_style(ratio: float | None) -> Style:
    """Return the colour of a share of failed queries."""
    if (ratio or 0) >= FAILED_CRITICAL_RATIO:
        return "critical"
    return "warning" if (ratio or 0) >= FAILED_WARNING_RATIO else ""


def latency_figures(snapshot: Snapshot, _subject: Subject) -> tuple[Figure, ...]:
    """Return rate, latency and failures of all kinds, for the live windows and the hour."""
    whole = _hour(snapshot).whole
    figures: list[Figure] = []
    for minutes in (*WINDOWS, MINUTES):
        found, name = whole[minutes], "1 h" if minutes == MINUTES else f"{minutes} min"
        figures.append(Figure(f"{name}: queries/s", f"{found.queries / minutes / 60:.2f}"))
        figures.append(Figure(f"{name}: p95", format_seconds(found.percentile(0.95))))
        figures.append(
            Figure(f"{name}: failed", format_percent(found.failed_ratio, 1), failed_style(found.failed_ratio))
        )
    return tuple(figures)


def latency_plot(snapshot: Snapshot, _subject: Subject) -> Plot | None:
    """Return the percentiles of all kinds, minute by minute; None while there are none."""
    minutes = _hour(snapshot).minutes
    taken = _taken_at(snapshot, "query_latency")
    if taken is None or not any(minute.finished for minute in minutes):
        return None
    return percentile_plot(
        "latency of all kinds", tuple(reversed(minutes)), taken, timedelta(minutes=MINUTES)
    )


def percentile_plot(title: str, steps: Sequence[Tally], end: datetime, span: timedelta) -> Plot:
    """Return p50, p95 and p99 over equally long steps of time, the earliest first."""
    levels: tuple[tuple[str, Style, float], ...] = (
        ("p99", "critical", 0.99),
        ("p95", "warning", 0.95),
        ("p50", "ok", 0.5),
    )
    series = tuple(
        Series(name, style, tuple(step.percentile(level) for step in steps)) for name, style, level in levels
    )
    return Plot(title, end - span, end, series, format_seconds, is_log=True)


def _taken_at(snapshot: Snapshot, key: str) -> datetime | None:
    samples = [snapshot.sample(status.id, key) for status in snapshot.hosts]
    return max((sample.taken_at for sample in samples if sample and sample.taken_at), default=None)


LATENCY = Part(
    "latency",
    "latency",
    LatencyFact,
    LATENCY_COLUMNS,
    lambda _: (Want("query_latency"),),
    latency_facts,
    latency_rows,
    {},
    empty=EMPTY,
    figures=latency_figures,
    plot=latency_plot,
)


# Host by host


@dataclass(frozen=True, slots=True)
class HostLatencyFact:
    """Initial queries of one kind that ended on one host within the last hour; percentiles are exact."""

    host: str
    query_kind: str
    queries: int
    failed: int
    failed_ratio: float
    avg_seconds: float | None
    p50_seconds: float | None
    p95_seconds: float | None
    p99_seconds: float | None
    max_seconds: float | None
    total_seconds: float


def host_latency_facts(snapshot: Snapshot, _subject: Subject) -> tuple[HostLatencyFact, ...]:
    """Return each kind's latency on each host, the largest p95 first."""
    facts = []
    for status in snapshot.hosts:
        for row in snapshot.rows(status.id, "query_percentiles"):
            known = row.finished > 0
            queries = row.finished + row.failed
            facts.append(
                HostLatencyFact(
                    host=str(status.id),
                    query_kind=logged_kind(row.query_kind),
                    queries=queries,
                    failed=row.failed,
                    failed_ratio=row.failed / queries if queries else 0.0,
                    avg_seconds=row.total_seconds / row.finished if known else None,
                    p50_seconds=row.p50_seconds if known else None,
                    p95_seconds=row.p95_seconds if known else None,
                    p99_seconds=row.p99_seconds if known else None,
                    max_seconds=row.max_seconds if known else None,
                    total_seconds=row.total_seconds,
                )
            )
    return tuple(sorted(facts, key=lambda fact: (-(fact.p95_seconds or 0.0), fact.host, fact.query_kind)))


HOST_LATENCY_COLUMNS = (
    Column("host", "HOST", max_width=30, help="host_name and native port in system.clusters"),
    *(column for column in LATENCY_COLUMNS if column.key in ("query_kind", "queries", "failed_ratio")),
    Column("avg_seconds", "AVG", True, help="mean duration of those that finished"),
    Column("p50_seconds", "P50", True, help="half of those that finished took no longer; exact"),
    Column("p95_seconds", "P95", True, help="95 of 100 took no longer; exact"),
    Column("p99_seconds", "P99", True, help="99 of 100 took no longer; exact"),
    Column("max_seconds", "MAX", True, help="the longest"),
    Column("total_seconds", "TOTAL", True, help="their durations added"),
)


def host_latency_rows(
    _snapshot: Snapshot, _subject: Subject, facts: Sequence[HostLatencyFact]
) -> tuple[Row, ...]:
    """Return a row for each kind on each host."""
    return tuple(
        Row(
            f"{fact.host} {fact.query_kind}",
            (
                cell(fact.host),
                kind_cell(fact.query_kind),
                number(fact.queries, format_count),
                failed_cell(fact.failed_ratio, fact.failed),
                number(fact.avg_seconds, format_seconds),
                number(fact.p50_seconds, format_seconds),
                number(fact.p95_seconds, format_seconds),
                number(fact.p99_seconds, format_seconds),
                number(fact.max_seconds, format_seconds),
                number(fact.total_seconds, format_seconds),
            ),
        )
        for fact in facts
    )


LATENCY_HOSTS = Part(
    "latency_hosts",
    "latency by host",
    HostLatencyFact,
    HOST_LATENCY_COLUMNS,
    lambda _: (Want("query_percentiles"),),
    host_latency_facts,
    host_latency_rows,
    {},
    empty=EMPTY,
)
