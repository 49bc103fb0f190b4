"""The storage pane's parts `moves` and `history`: parts on their way between disks, and what came of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.records import HostId
from chtui.records.storage import DiskGrowth, LoggedMove, MoveUnderWay, NoSpace
from chtui.text import format_bytes, format_count, format_seconds, one_line
from chtui.views.links import to_host, to_table
from chtui.views.pages import Part, Subject
from chtui.views.table import Cell, Column, Link, Row, cell, number

NOT_ENOUGH_SPACE = 243
"""ClickHouse's error code."""


@dataclass(frozen=True, slots=True)
class MoveFact:
    """A part on its way to another disk of its host."""

    host: str
    database: str
    table: str
    part_name: str
    target_disk: str
    size_bytes: int
    elapsed_seconds: float
    usual_bytes_per_second: float | None
    """Of all moves onto that disk in the last 24 hours: a move under way tells no progress."""
    remaining_seconds: float | None
    """At that pace; 0 when it takes longer than usual."""


def move_facts(snapshot: Snapshot, _subject: Subject) -> tuple[MoveFact, ...]:
    """Return the moves under way on all hosts, the longest first."""
    found = [
        _move(snapshot, status.id, move)
        for status in snapshot.hosts
        for move in snapshot.rows(status.id, "storage_moves")
    ]
    return tuple(sorted(found, key=lambda fact: -fact.elapsed_seconds))


def _move(snapshot: Snapshot, host: HostId, move: MoveUnderWay) -> MoveFact:
    rows: Sequence[DiskGrowth] = snapshot.rows(host, "storage_growth")
    past = next((row for row in rows if row.disk == move.target_disk), None)
    pace = past.moved_bytes / past.moved_seconds if past and past.moved_seconds > 0 else None
    return MoveFact(
        host=str(host),
        database=move.database,
        table=move.table,
        part_name=move.part_name,
        target_disk=move.target_disk,
        size_bytes=move.size_bytes,
        elapsed_seconds=move.elapsed_seconds,
        usual_bytes_per_second=pace,
        remaining_seconds=max(0.0, move.size_bytes / pace - move.elapsed_seconds) if pace else None,
    )


MOVE_COLUMNS = (
    Column("table", "TABLE", max_width=32, help="database and table"),
    Column("target_disk", "TO DISK", max_width=20, help="the disk it is moved to"),
    Column("size_bytes", "SIZE", True, help="the part's size"),
    Column("elapsed_seconds", "ELAPSED", True, help="since the move began"),
    Column("remaining_seconds", "ETA", True, help="at the usual pace; late: it takes longer than that"),
    Column("usual_bytes_per_second", "USUAL PACE", True, help="bytes per second of all moves onto that disk in the last 24 hours, from part_log"),
    Column("host", "HOST", max_width=30, help="host_name and native port in system.clusters"),
    Column("part_name", "PART", max_width=60, help="the part"),
)  # fmt: skip


def move_rows(_snapshot: Snapshot, _subject: Subject, facts: Sequence[MoveFact]) -> tuple[Row, ...]:
    """Return a row for each move."""
    return tuple(
        Row(
            f"{fact.host} {fact.database}.{fact.table} {fact.part_name}",
            (
                cell(f"{fact.database}.{fact.table}"),
                cell(fact.target_disk, "accent"),
                number(fact.size_bytes, format_bytes),
                number(fact.elapsed_seconds, format_seconds),
                Cell("late", "warning", 0.0)
                if fact.remaining_seconds == 0
                else number(fact.remaining_seconds, format_seconds),
                number(fact.usual_bytes_per_second, _pace),
                cell(fact.host, "muted"),
                cell(fact.part_name),
            ),
            link=Link("table", (fact.database, fact.table)),
            links=_links(fact.host, fact.database, fact.table),
            copy=fact.part_name,
        )
        for fact in facts
    )


def _pace(value: float | None) -> str:
    return "-" if value is None else f"{format_bytes(value)}/s"


def _links(host: str, database: str, table: str) -> tuple[tuple[str, Link], ...]:
    found = [to_host(host)]
    if table:
        found.insert(0, to_table(database, table))
    return tuple(found)


MOVES = Part(
    "moves",
    "moves",
    MoveFact,
    MOVE_COLUMNS,
    lambda _: (Want("storage_moves"), Want("storage_growth")),
    move_facts,
    move_rows,
    {"storage_growth": ("usual_bytes_per_second", "remaining_seconds")},
    empty="no move under way",
)


@dataclass(frozen=True, slots=True)
class HistoryFact:
    """A move of the last 24 hours, or a statement that failed for want of space; attempts that failed alike are one."""

    host: str
    kind: str
    """`move` (by TTL, move_factor or ALTER, from part_log) or `statement` (Code 243, from query_log)."""
    database: str | None
    table: str | None
    """Null for a statement that does not name it plainly."""
    part_name: str | None
    target_disk: str | None
    """Null where it failed."""
    error_code: int
    """0 for a move that went well."""
    exception: str | None
    attempts: int
    first_seconds: int
    """Since the first of them."""
    last_seconds: int
    """Since the last."""
    rows: int | None
    size_bytes: int | None
    duration_seconds: float | None
    statement: str | None
    user: str | None


def history_facts(snapshot: Snapshot, _subject: Subject) -> tuple[HistoryFact, ...]:
    """Return what failed first, then the moves that went well, the latest first in both."""
    found: list[HistoryFact] = []
    for status in snapshot.hosts:
        found += [_logged(status.id, row) for row in snapshot.rows(status.id, "storage_move_log")]
        found += [_statement(status.id, row) for row in snapshot.rows(status.id, "storage_no_space")]
    return tuple(sorted(found, key=lambda fact: (fact.error_code == 0, fact.last_seconds)))


def _logged(host: HostId, move: LoggedMove) -> HistoryFact:
    failed = bool(move.error_code)
    return HistoryFact(
        host=str(host),
        kind="move",
        database=move.database,
        table=move.table,
        part_name=move.part_name,
        target_disk=move.target_disk or None,
        error_code=move.error_code,
        exception=move.exception or None,
        attempts=move.attempts,
        first_seconds=move.first_seconds,
        last_seconds=move.last_seconds,
        rows=None if failed else move.rows,
        size_bytes=None if failed else move.size_bytes,
        duration_seconds=None if failed else move.duration_seconds,
        statement=None,
        user=None,
    )


NAMED = re.compile(
    r"\s*(?:INSERT\s+INTO|ALTER|OPTIMIZE)\s+(?:TABLE\s+)?(\w+)\.(\w+)\b(?![`.])", re.IGNORECASE
)
"""A statement's table, where it is written plainly; the log names none."""


def _statement(host: HostId, failed: NoSpace) -> HistoryFact:
    name = NAMED.match(failed.query)
    return HistoryFact(
        host=str(host),
        kind="statement",
        database=name[1] if name else None,
        table=name[2] if name else None,
        part_name=None,
        target_disk=None,
        error_code=NOT_ENOUGH_SPACE,
        exception=failed.exception,
        attempts=failed.attempts,
        first_seconds=failed.first_seconds,
        last_seconds=failed.last_seconds,
        rows=None,
        size_bytes=None,
        duration_seconds=None,
        statement=failed.query,
        user=failed.user,
    )


HISTORY_COLUMNS = (
    Column("last_seconds", "AGO", True, help="since it happened, of several attempts since the last"),
    Column("table", "TABLE", max_width=28, help="database and table"),
    Column("error_code", "RESULT", max_width=20, help="ok, or the error code"),
    Column("target_disk", "TO DISK", max_width=20, help="the disk it was moved to; the log does not say where it failed to"),
    Column("size_bytes", "SIZE", True, help="the part's size"),
    Column("attempts", "TIMES", True, help="attempts that ended alike within 24 hours"),
    Column("exception", "WHY", max_width=100, help="the error"),
    Column("duration_seconds", "TOOK", True, help="how long the move took"),
    Column("rows", "ROWS", True, help="the part's rows"),
    Column("host", "HOST", max_width=30, help="host_name and native port in system.clusters"),
    Column("part_name", "PART OR STATEMENT", max_width=80, help="the part that was moved, or the statement that found no space"),
)  # fmt: skip


def history_rows(_snapshot: Snapshot, _subject: Subject, facts: Sequence[HistoryFact]) -> tuple[Row, ...]:
    """Return a row for each move or failed statement."""
    return tuple(_history_row(fact) for fact in facts)


def _history_row(fact: HistoryFact) -> Row:
    name = f"{fact.database}.{fact.table}" if fact.table else "-"
    failed = fact.error_code != 0
    result = "no space 243" if fact.error_code == NOT_ENOUGH_SPACE else f"error {fact.error_code}"
    what = fact.part_name or fact.statement or ""
    return Row(
        f"{fact.host} {fact.kind} {name} {what} {fact.error_code} {fact.target_disk} {fact.user}",
        (
            number(fact.last_seconds, format_seconds),
            cell(name),
            cell(result if failed else "ok", "critical" if failed else "ok", fact.error_code),
            cell(fact.target_disk or "-", "accent" if fact.target_disk else "muted"),
            number(fact.size_bytes, format_bytes),
            number(fact.attempts, format_count),
            cell(one_line(fact.exception or ""), "critical" if failed else ""),
            number(fact.duration_seconds, format_seconds),
            number(fact.rows, format_count),
            cell(fact.host, "muted"),
            cell(one_line(what)),
        ),
        link=Link("table", (fact.database, fact.table)) if fact.database and fact.table else None,
        links=_links(fact.host, fact.database or "", fact.table or ""),
        copy=fact.exception or what,
    )


HISTORY = Part(
    "history",
    "move history",
    HistoryFact,
    HISTORY_COLUMNS,
    lambda _: (Want("storage_move_log"), Want("storage_no_space")),
    history_facts,
    history_rows,
    {},
    empty="no part was moved in the last 24 hours, and nothing failed for want of space",
    frozen=2,
)
