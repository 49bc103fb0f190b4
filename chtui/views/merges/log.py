"""What became of parts in the last hour, from `system.part_log`: by minutes, and by tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.records.merges import PartMinute, PartTable
from chtui.text import format_bytes, format_count, format_seconds, plural
from chtui.views.links import to_host
from chtui.views.pages import Part, Subject
from chtui.views.pieces import Figure
from chtui.views.plot import Plot, Series
from chtui.views.table import Column, Link, Row, Style, cell, number

MINUTES = 60
SECONDS = 60
"""In a minute: rates are made of whole ones."""
MINUTE_WANTS = (Want("part_minutes"),)
TABLE_WANTS = (Want("part_tables"), Want("part_minutes"))


@dataclass(frozen=True, slots=True)
class MinuteFact:
    """What became of parts on all hosts within one minute."""

    minutes_ago: int
    """0 is the minute before the servers answered."""
    new_parts: int
    new_rows: int
    new_bytes: int
    """Compressed, as are the bytes that follow."""
    merges: int
    merged_parts: int
    """Parts that the merges took in."""
    merged_rows: int
    merged_bytes: int
    mutated_parts: int
    downloaded_parts: int
    downloaded_bytes: int
    moved_parts: int
    removed_parts: int
    errors: int


def minute_facts(snapshot: Snapshot, _subject: Subject = ()) -> tuple[MinuteFact, ...]:
    """Return the minutes of the last hour in which anything was logged, the newest first."""
    minutes: dict[int, list[PartMinute]] = {}
    for status in snapshot.hosts:
        for row in snapshot.rows(status.id, "part_minutes"):
            if row.minutes_ago < MINUTES:
                minutes.setdefault(row.minutes_ago, []).append(row)
    return tuple(_minute(ago, minutes[ago]) for ago in sorted(minutes))


def _minute(ago: int, rows: Sequence[PartMinute]) -> MinuteFact:
    def total(event: str, field: str) -> int:
        return sum(getattr(row, field) for row in rows if row.event == event)

    return MinuteFact(
        minutes_ago=ago,
        new_parts=total("new", "parts"),
        new_rows=total("new", "rows"),
        new_bytes=total("new", "bytes"),
        merges=total("merge", "parts"),
        merged_parts=total("merge", "source_parts"),
        merged_rows=total("merge", "rows"),
        merged_bytes=total("merge", "bytes"),
        mutated_parts=total("mutate", "parts"),
        downloaded_parts=total("download", "parts"),
        downloaded_bytes=total("download", "bytes"),
        moved_parts=total("move", "parts"),
        removed_parts=total("remove", "parts"),
        errors=sum(row.errors for row in rows),
    )


def _asked_at(snapshot: Snapshot) -> datetime | None:
    """When the newest answer came: minutes count back from there."""
    samples = (snapshot.sample(status.id, "part_minutes") for status in snapshot.hosts)
    return max((sample.taken_at for sample in samples if sample and sample.taken_at), default=None)


def _plot(
    snapshot: Snapshot,
    title: str,
    render: Callable[[float | None], str],
    curves: Sequence[tuple[str, Style, Callable[[MinuteFact], float]]],
) -> Plot | None:
    end = _asked_at(snapshot)
    if end is None:
        return None
    by_minute = {fact.minutes_ago: fact for fact in minute_facts(snapshot)}
    minutes = [by_minute.get(ago) for ago in reversed(range(MINUTES))]
    series = tuple(
        # A minute without an entry is one in which nothing happened.
        Series(name, style, tuple(value(fact) if fact else 0.0 for fact in minutes))
        for name, style, value in curves
    )
    return Plot(title, end - timedelta(minutes=MINUTES), end, series, render)


def parts_plot(snapshot: Snapshot, _subject: Subject) -> Plot | None:
    """Return new and merged parts a minute over the last hour; None before the first answer."""
    return _plot(
        snapshot,
        "parts a minute",
        format_count,
        (
            ("new", "accent", lambda fact: float(fact.new_parts)),
            ("merged", "ok", lambda fact: float(fact.merged_parts)),
            ("mutated", "warning", lambda fact: float(fact.mutated_parts)),
        ),
    )


def bytes_plot(snapshot: Snapshot, _subject: Subject) -> Plot | None:
    """Return compressed bytes a second that inserts and merges wrote over the last hour; None before the first answer."""
    return _plot(
        snapshot,
        "bytes/s",
        _rate,
        (
            ("inserts", "accent", lambda fact: fact.new_bytes / SECONDS),
            ("merges", "ok", lambda fact: fact.merged_bytes / SECONDS),
            ("fetches", "warning", lambda fact: fact.downloaded_bytes / SECONDS),
        ),
    )


def _rate(value: float | None) -> str:
    return format_bytes(value).replace(" ", "")


MINUTE_COLUMNS = (
    Column("minutes_ago", "AGO", True, help="minutes before the servers answered"),
    Column("new_parts", "NEW", True, help="parts that inserts wrote"),
    Column("merged_parts", "MERGED", True, help="parts that merges took in"),
    Column("merges", "MERGES", True, help="merges that ended"),
    Column("new_rows", "ROWS NEW", True, help="rows that inserts wrote"),
    Column("merged_rows", "MERGED ROWS", True, help="rows that merges wrote"),
    Column("new_bytes", "WRITTEN", True, help="compressed bytes that inserts wrote"),
    Column("merged_bytes", "MERGED SIZE", True, help="compressed bytes that merges wrote"),
    Column("errors", "ERRORS", True, help="entries with an error"),
    Column("mutated_parts", "MUTATED", True, help="parts that were mutated"),
    Column("downloaded_parts", "FETCHED", True, help="parts from other replicas"),
    Column("moved_parts", "MOVED", True, help="parts moved to another disk"),
    Column("removed_parts", "REMOVED", True, help="parts that were removed"),
)


def minute_rows(_snapshot: Snapshot, _subject: Subject, facts: Sequence[MinuteFact]) -> tuple[Row, ...]:
    """Return a row for each minute."""
    return tuple(
        Row(
            f"{fact.minutes_ago}",
            (
                number(fact.minutes_ago, lambda value: f"{value:.0f}m"),
                number(fact.new_parts, format_count),
                number(fact.merged_parts, format_count),
                number(fact.merges, format_count),
                number(fact.new_rows, format_count),
                number(fact.merged_rows, format_count),
                number(fact.new_bytes, format_bytes),
                number(fact.merged_bytes, format_bytes),
                number(fact.errors, format_count, "warning" if fact.errors else ""),
                number(fact.mutated_parts, format_count),
                number(fact.downloaded_parts, format_count),
                number(fact.moved_parts, format_count),
                number(fact.removed_parts, format_count),
            ),
        )
        for fact in facts
    )


@dataclass(frozen=True, slots=True)
class TableWorkFact:
    """What became of one table's parts on all hosts in the last hour."""

    database: str
    table: str
    hosts: int
    """That logged anything of it."""
    new_parts: int
    new_rows: int
    new_bytes: int
    """Compressed, as are the bytes that follow."""
    merges: int
    merged_parts: int
    """Parts that the merges took in."""
    merged_rows: int
    merged_bytes: int
    merge_seconds: float
    """Of all merges together."""
    mutated_parts: int
    mutation_seconds: float
    downloaded_parts: int
    downloaded_bytes: int
    removed_parts: int
    errors: int
    last_error_host: str | None
    last_error_part: str | None
    last_error: str | None
    """The exception of the last entry with an error, on the host with the most."""


def table_facts(snapshot: Snapshot, _subject: Subject = ()) -> tuple[TableWorkFact, ...]:
    """Return the tables that wrote parts in the last hour, those with errors first, then the most new parts and merge time."""
    tables: dict[tuple[str, str], list[tuple[str, PartTable]]] = {}
    for status in snapshot.hosts:
        for row in snapshot.rows(status.id, "part_tables"):
            tables.setdefault((row.database, row.table), []).append((str(status.id), row))
    found = [_work(rows) for rows in tables.values()]
    return tuple(sorted(found, key=lambda fact: (not fact.errors, -fact.new_parts, -fact.merge_seconds)))


SUMS = ("new_parts", "new_rows", "new_bytes", "merges", "merged_parts", "merged_rows", "merged_bytes", "merge_seconds",
        "mutated_parts", "mutation_seconds", "downloaded_parts", "downloaded_bytes", "removed_parts", "errors")  # fmt: skip


def _work(rows: Sequence[tuple[str, PartTable]]) -> TableWorkFact:
    host, worst = max(rows, key=lambda item: item[1].errors)
    return TableWorkFact(
        database=worst.database,
        table=worst.table,
        hosts=len(rows),
        **{name: sum(getattr(row, name) for _, row in rows) for name in SUMS},
        last_error_host=host if worst.errors else None,
        last_error_part=worst.last_error_part if worst.errors else None,
        last_error=worst.last_error if worst.errors else None,
    )


TABLE_COLUMNS = (
    Column("table", "TABLE", max_width=36, help="database and table"),
    Column("new_parts", "NEW", True, help="parts that inserts wrote in the last hour, on all hosts"),
    Column("merged_parts", "MERGED", True, help="parts that merges took in"),
    Column("merge_seconds", "MERGE TIME", True, help="time of all merges together"),
    Column("new_rows", "ROWS NEW", True, help="rows that inserts wrote"),
    Column("errors", "ERRORS", True, help="entries with an error"),
    Column("last_error", "LAST ERROR", max_width=80, help="the exception; Y copies all of it"),
    Column("merges", "MERGES", True, help="merges that ended"),
    Column("new_bytes", "WRITTEN", True, help="compressed bytes that inserts wrote"),
    Column("merged_bytes", "MERGED SIZE", True, help="compressed bytes that merges wrote"),
    Column("mutated_parts", "MUTATED", True, help="parts that were mutated"),
    Column("mutation_seconds", "MUTATION TIME", True, help="time of all mutated parts together"),
    Column("downloaded_parts", "FETCHED", True, help="parts from other replicas"),
    Column("removed_parts", "REMOVED", True, help="parts that were removed"),
    Column("hosts", "HOSTS", True, help="hosts that logged anything of it"),
    Column("last_error_part", "ERROR PART", max_width=40, help="the part of the last error"),
)


def table_rows(_snapshot: Snapshot, _subject: Subject, facts: Sequence[TableWorkFact]) -> tuple[Row, ...]:
    """Return a row for each table."""
    return tuple(
        Row(
            f"{fact.database}.{fact.table}",
            (
                cell(f"{fact.database}.{fact.table}"),
                number(fact.new_parts, format_count),
                number(fact.merged_parts, format_count),
                number(fact.merge_seconds, format_seconds),
                number(fact.new_rows, format_count),
                number(fact.errors, format_count, "warning" if fact.errors else ""),
                cell(fact.last_error or "", "warning"),
                number(fact.merges, format_count),
                number(fact.new_bytes, format_bytes),
                number(fact.merged_bytes, format_bytes),
                number(fact.mutated_parts, format_count),
                number(fact.mutation_seconds, format_seconds),
                number(fact.downloaded_parts, format_count),
                number(fact.removed_parts, format_count),
                number(fact.hosts, format_count),
                cell(fact.last_error_part or "", "muted"),
            ),
            link=Link("table", (fact.database, fact.table)),
            links=(to_host(fact.last_error_host),) if fact.last_error_host else (),
            copy=fact.last_error or "",
        )
        for fact in facts
    )


def log_figures(snapshot: Snapshot, _subject: Subject) -> tuple[Figure, ...]:
    """Return the sums of the last hour over all hosts."""
    minutes = minute_facts(snapshot)
    if _asked_at(snapshot) is None:
        return ()
    errors = sum(fact.errors for fact in minutes)
    return (
        Figure("new parts in 1 h", format_count(sum(fact.new_parts for fact in minutes))),
        Figure("merged parts", format_count(sum(fact.merged_parts for fact in minutes))),
        Figure("merges wrote", format_bytes(sum(fact.merged_bytes for fact in minutes))),
        Figure(
            "errors", plural(errors, "entry", "entries") if errors else "none", "warning" if errors else ""
        ),
    )


THROUGHPUT_PART = Part(
    "throughput",
    "throughput",
    TableWorkFact,
    TABLE_COLUMNS,
    lambda _: TABLE_WANTS,
    table_facts,
    table_rows,
    {"part_minutes": ()},
    empty="no part was written in the last hour",
    frozen=1,
    figures=log_figures,
    plot=parts_plot,
)
"""The part of the merges pane with the tables that wrote parts in the last hour."""
MINUTES_PART = Part(
    "minutes",
    "by minutes",
    MinuteFact,
    MINUTE_COLUMNS,
    lambda _: MINUTE_WANTS,
    minute_facts,
    minute_rows,
    empty="no part was written in the last hour",
    frozen=1,
    figures=log_figures,
    plot=bytes_plot,
)
"""The part of the merges pane with the minutes of the last hour."""
