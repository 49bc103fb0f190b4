"""The storage pane's part `ttl`: what moves or expires when, what should have and did not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.text import format_bytes, format_count, format_seconds
from chtui.views.links import to_host, to_table
from chtui.views.pages import Part, Subject
from chtui.views.pieces import Figure
from chtui.views.storage.forecast import Forecast, forecasts, within
from chtui.views.storage.places import places
from chtui.views.table import Cell, Column, Link, Row, cell, number

WANTS = tuple(
    Want(name)
    for name in (
        "storage_ttl",
        "storage_ttl_rules",
        "storage_table_policies",
        "storage_policies",
        "storage_disks",
    )
)


@dataclass(frozen=True, slots=True)
class TtlFact:
    """What one rule of a table does to its parts in one volume, over all hosts; every replica counts."""

    database: str
    table: str
    kind: str
    """`delete`, `delete where` (rows at most: how many the condition holds for is not known) or `move`."""
    volume: str
    """Where the rows are now."""
    target: str | None
    """The volume or disk they move to."""
    is_whole_parts: bool
    """Whether a part goes when its last row expires (moves, and `ttl_only_drop_parts`), or rows as they expire; then a part's rows are taken as evenly spread."""
    is_late: bool
    """Due for longer than normal: deletes longer than the table's `merge_with_ttl_timeout`, moves longer than 600 s."""
    overdue_rows: int
    overdue_bytes: int
    overdue_seconds: int | None
    """Since the oldest of them is due."""
    overdue_host: str | None
    """The host with the most overdue bytes."""
    overdue_reason: str | None
    """Why a move cannot happen, where that can be told."""
    next_1h_rows: int
    next_1h_bytes: int
    next_6h_rows: int
    next_6h_bytes: int
    next_1d_rows: int
    next_1d_bytes: int
    next_7d_rows: int
    next_7d_bytes: int
    next_seconds: int | None
    """Until the first is due, where none is yet; None without any within 7 days."""
    never_rows: int
    never_bytes: int
    """Of parts that have no info for the rule: it never touches them until they are merged or TTL is materialized."""
    hosts: int


def ttl_facts(snapshot: Snapshot, _subject: Subject) -> tuple[TtlFact, ...]:
    """Return what TTL does, what is late first, then by what comes due within 7 days, by bytes."""
    groups: dict[tuple[str, str, str, str, str], list[Forecast]] = defaultdict(list)
    for status in snapshot.hosts:
        for found in forecasts(snapshot, status.id):
            groups[found.database, found.table, found.kind, found.volume, found.target].append(found)
    facts = [_fact(snapshot, group) for group in groups.values()]
    return tuple(
        sorted(
            facts,
            key=lambda fact: (
                not fact.is_late, -fact.overdue_bytes, -fact.next_7d_bytes, -fact.never_bytes,
                fact.database, fact.table, fact.kind, fact.volume,
            ),
        )
    )  # fmt: skip


def _fact(snapshot: Snapshot, group: Sequence[Forecast]) -> TtlFact:
    first, worst = group[0], max(group, key=lambda found: found.size_bytes[0])
    due = [found.first_seconds for found in group if found.first_seconds is not None]
    earliest = min(due, default=None)
    overdue = round(sum(found.size_bytes[0] for found in group))
    rows = [sum(within(found.rows, horizon) for found in group) for horizon in range(5)]
    sizes = [sum(within(found.size_bytes, horizon) for found in group) for horizon in range(5)]
    is_due = overdue > 0 and earliest is not None and earliest <= 0
    return TtlFact(
        database=first.database,
        table=first.table,
        kind=first.kind,
        volume=first.volume,
        target=first.target or None,
        is_whole_parts=first.is_whole,
        is_late=any(found.is_late for found in group),
        overdue_rows=round(sum(found.rows[0] for found in group)),
        overdue_bytes=overdue,
        overdue_seconds=-earliest if is_due and earliest is not None else None,
        overdue_host=str(worst.host) if is_due else None,
        overdue_reason=_reason(snapshot, worst) if is_due else None,
        next_1h_rows=rows[1],
        next_1h_bytes=sizes[1],
        next_6h_rows=rows[2],
        next_6h_bytes=sizes[2],
        next_1d_rows=rows[3],
        next_1d_bytes=sizes[3],
        next_7d_rows=rows[4],
        next_7d_bytes=sizes[4],
        next_seconds=earliest if not is_due else None,
        never_rows=sum(found.never_rows for found in group),
        never_bytes=sum(found.never_bytes for found in group),
        hosts=len({found.host for found in group}),
    )


def _reason(snapshot: Snapshot, late: Forecast) -> str | None:
    """Return why a move has not happened: what background moves lack is written to no log that can be asked."""
    if late.kind != "move":
        return None
    where = places(snapshot, late.host)
    if not any(found.policy == late.policy and found.volume == late.target_volume for found in where.volumes):
        return f"policy {late.policy} has no {late.target}" if where.volumes else None
    disks = where.disks_of(late.policy, late.target_volume)
    free = sum(_unreserved(disk.unreserved_bytes, disk.free_bytes) for disk in disks)
    if disks and free < late.size_bytes[0]:
        return f"{late.target} has {format_bytes(free)} free, {format_bytes(late.size_bytes[0])} wait"
    return None


def _unreserved(unreserved_bytes: int | None, free_bytes: int) -> int:
    return free_bytes if unreserved_bytes is None else min(free_bytes, unreserved_bytes)


COLUMNS = (
    Column("table", "TABLE", max_width=28, help="database and table; all hosts together, every replica counts"),
    Column("kind", "WHAT", max_width=26, help="delete: rows expire; to: parts move to that volume or disk"),
    Column("overdue_bytes", "DUE", True, help="what should have happened already: expired rows still there, parts still in their old place"),
    Column("overdue_seconds", "SINCE", True, help="late: longer than normal, deletes than the table's merge_with_ttl_timeout, moves than 10 minutes"),
    Column("next_1h_bytes", "1 H", True, help="bytes that come due within an hour; what is due already is left out"),
    Column("next_1d_bytes", "1 DAY", True, help="bytes that come due within a day"),
    Column("next_7d_bytes", "7 DAYS", True, help="bytes that come due within 7 days"),
    Column("volume", "FROM", max_width=24, help="the volume where the rows are"),
    Column("never_bytes", "NEVER", True, help="bytes of parts without a TTL info: the rule does not touch them until they are merged or TTL is materialized"),
    Column("next_6h_bytes", "6 H", True, help="bytes that come due within 6 hours"),
    Column("overdue_rows", "ROWS DUE", True, help="rows that are due; of parts that lose rows one by one an estimate, as evenly spread"),
    Column("next_1d_rows", "ROWS 1 DAY", True, help="rows that come due within a day"),
    Column("next_7d_rows", "ROWS 7 DAYS", True, help="rows that come due within 7 days"),
    Column("is_whole_parts", "BY", help="parts: a part goes when its last row expires; rows: they go as they expire"),
    Column("overdue_host", "HOST", max_width=30, help="the host where most is due"),
    Column("overdue_reason", "WHY", max_width=80, help="why a move cannot happen, where that can be told"),
)  # fmt: skip


def ttl_rows(_snapshot: Snapshot, _subject: Subject, facts: Sequence[TtlFact]) -> tuple[Row, ...]:
    """Return a row for each table, rule and volume."""
    return tuple(_row(fact) for fact in facts)


def _row(fact: TtlFact) -> Row:
    name = f"{fact.database}.{fact.table}"
    what = f"to {fact.target}" if fact.target else fact.kind
    links = [to_table(fact.database, fact.table)]
    if fact.overdue_host:
        links.append(to_host(fact.overdue_host))
    return Row(
        f"{name} {what} {fact.volume}",
        (
            cell(name),
            cell(what, "accent" if fact.kind == "move" else ""),
            _size(fact.overdue_bytes, fact.is_late),
            _since(fact),
            _size(fact.next_1h_bytes),
            _size(fact.next_1d_bytes),
            _size(fact.next_7d_bytes),
            cell(fact.volume),
            _size(fact.never_bytes, fact.never_bytes > 0),
            _size(fact.next_6h_bytes),
            number(fact.overdue_rows, format_count),
            number(fact.next_1d_rows, format_count),
            number(fact.next_7d_rows, format_count),
            cell("parts" if fact.is_whole_parts else "rows", "muted"),
            cell(fact.overdue_host or "", "muted"),
            cell(fact.overdue_reason or "", "muted"),
        ),
        link=Link("table", (fact.database, fact.table)),
        links=tuple(links),
        copy=fact.overdue_reason or "",
    )


def _size(size_bytes: int, is_bad: bool = False) -> Cell:
    return Cell(
        format_bytes(size_bytes) if size_bytes else "0",
        "warning" if is_bad else "" if size_bytes else "muted",
        size_bytes,
    )


def _since(fact: TtlFact) -> Cell:
    if fact.overdue_seconds is not None:
        text = format_seconds(fact.overdue_seconds)
        return Cell(
            f"late {text}" if fact.is_late else text, "warning" if fact.is_late else "", fact.overdue_seconds
        )
    if fact.next_seconds is not None:
        return Cell(f"in {format_seconds(fact.next_seconds)}", "muted", -fact.next_seconds)
    return Cell("-", "muted")


def ttl_figures(snapshot: Snapshot, subject: Subject) -> tuple[Figure, ...]:
    """Return what is late, and what never happens, over all tables."""
    facts = ttl_facts(snapshot, subject)
    if not facts:
        return ()
    late = {
        kind: sum(
            fact.overdue_bytes for fact in facts if fact.is_late and (fact.kind == "move") == (kind == "move")
        )
        for kind in ("move", "delete")
    }
    never = sum(fact.never_bytes for fact in facts)
    return (
        Figure("late moves", format_bytes(late["move"]), "warning" if late["move"] else "ok"),
        Figure("late deletes", format_bytes(late["delete"]), "warning" if late["delete"] else "ok"),
        Figure("without TTL info", format_bytes(never), "warning" if never else "ok"),
    )


PART = Part(
    "ttl",
    "TTL",
    TtlFact,
    COLUMNS,
    lambda _: WANTS,
    ttl_facts,
    ttl_rows,
    {
        "storage_disks": ("overdue_reason",),
        "storage_policies": ("volume",),
        "storage_table_policies": ("volume",),
    },
    empty="no table has a TTL that does anything within 7 days",
    figures=ttl_figures,
)
