"""The storage pane's part `tables`: in which volume each table's bytes live."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.records.storage import TableOnDisk
from chtui.text import format_bytes, format_seconds, plural, sanitize
from chtui.views.links import to_table
from chtui.views.pages import Part, Subject
from chtui.views.storage.places import places
from chtui.views.table import Cell, Column, Link, Row, cell, number

WANTS = tuple(Want(name) for name in ("storage_table_parts", "storage_table_policies", "storage_policies"))
SHOWN_VOLUMES = 3
"""So many volumes of a table have a column of their own; a policy has seldom more."""


@dataclass(frozen=True, slots=True)
class TableVolumeFact:
    """One table's parts in one volume, over all hosts; every replica counts."""

    database: str
    table: str
    storage_policy: str
    volume: str
    volume_priority: int
    hosts: int
    """Hosts that have parts there."""
    active_parts: int
    rows: int
    active_bytes: int
    inactive_bytes: int
    """Parts that are merged or dropped and not yet removed."""
    table_ratio: float | None
    """Its share of the table's active bytes."""
    oldest_data_seconds: int | None
    """Age of the oldest row there by the partition key's date; null where the key holds none."""


Key = tuple[str, str, str, int, str]


def table_facts(snapshot: Snapshot, _subject: Subject) -> tuple[TableVolumeFact, ...]:
    """Return what each table has in each volume, the largest table first, its volumes by priority."""
    groups: dict[Key, list[tuple[str, TableOnDisk]]] = defaultdict(list)
    totals: dict[tuple[str, str], int] = defaultdict(int)
    for status in snapshot.hosts:
        where = places(snapshot, status.id)
        for row in snapshot.rows(status.id, "storage_table_parts"):
            policy = where.policy(row.database, row.table)
            volume, priority = where.volume(policy, row.disk)
            groups[row.database, row.table, policy, priority, volume].append((str(status.id), row))
            totals[row.database, row.table] += row.active_bytes
    return tuple(
        _fact(key, groups[key], totals[key[0], key[1]])
        for key in sorted(groups, key=lambda key: (-totals[key[0], key[1]], key))
    )


def _fact(key: Key, found: Sequence[tuple[str, TableOnDisk]], total: int) -> TableVolumeFact:
    database, table, policy, priority, volume = key
    rows = [row for _, row in found]
    size = sum(row.active_bytes for row in rows)
    ages = [row.oldest_data_seconds for row in rows if row.oldest_data_seconds >= 0]
    return TableVolumeFact(
        database=database,
        table=table,
        storage_policy=policy,
        volume=volume,
        volume_priority=priority,
        hosts=len({host for host, _ in found}),
        active_parts=sum(row.active_parts for row in rows),
        rows=sum(row.rows for row in rows),
        active_bytes=size,
        inactive_bytes=sum(row.inactive_bytes for row in rows),
        table_ratio=size / total if total else None,
        oldest_data_seconds=max(ages, default=None),
    )


COLUMNS = (
    Column("table", "TABLE", max_width=28, help="database and table; all hosts together, every replica counts"),
    Column("active_bytes", "SIZE", True, help="active parts in all volumes"),
    Column("volume_1", "1ST VOLUME", max_width=40, help="the policy's first volume: bytes of active parts, age of the oldest data there"),
    Column("volume_2", "2ND VOLUME", max_width=40, help="its second volume"),
    Column("volume_3", "3RD VOLUME", max_width=40, help="its third volume"),
    Column("volume_more", "FURTHER", max_width=40, help="all volumes after the third"),
    Column("inactive_bytes", "OUTDATED", True, help="parts that are merged or dropped and not yet removed"),
    Column("active_parts", "PARTS", True, help="active parts"),
    Column("storage_policy", "POLICY", max_width=28, help="the table's storage policy"),
)  # fmt: skip


def table_rows(_snapshot: Snapshot, _subject: Subject, facts: Sequence[TableVolumeFact]) -> tuple[Row, ...]:
    """Return a row for each table."""
    groups: dict[tuple[str, str], list[TableVolumeFact]] = defaultdict(list)
    for fact in facts:
        groups[fact.database, fact.table].append(fact)
    return tuple(_row(database, table, found) for (database, table), found in groups.items())


def _row(database: str, table: str, found: Sequence[TableVolumeFact]) -> Row:
    name = f"{database}.{table}"
    size = sum(fact.active_bytes for fact in found)
    shown = [
        [fact for fact in found if fact.volume_priority == place] for place in range(1, SHOWN_VOLUMES + 1)
    ]
    # A disk that no volume of the policy holds has priority 0; where a part can be read it is shown.
    more = [fact for fact in found if not 1 <= fact.volume_priority <= SHOWN_VOLUMES]
    return Row(
        name,
        (
            cell(name),
            number(size, format_bytes),
            *(_volume(facts) for facts in shown),
            _more(more),
            number(sum(fact.inactive_bytes for fact in found), format_bytes, "muted"),
            number(sum(fact.active_parts for fact in found), lambda value: f"{value:.0f}"),
            cell(", ".join(dict.fromkeys(fact.storage_policy for fact in found)), "muted"),
        ),
        link=Link("table", (database, table)),
        links=(to_table(database, table),),
    )


def _volume(facts: Sequence[TableVolumeFact]) -> Cell:
    if not facts:
        return Cell("-", "muted")
    size = sum(fact.active_bytes for fact in facts)
    ages = [fact.oldest_data_seconds for fact in facts if fact.oldest_data_seconds is not None]
    names = "/".join(dict.fromkeys(fact.volume for fact in facts))
    age = f" {format_seconds(max(ages) // 3600 * 3600 or max(ages))}" if ages else ""
    return Cell(sanitize(f"{names} {format_bytes(size)}{age}"), "", size)


def _more(facts: Sequence[TableVolumeFact]) -> Cell:
    if not facts:
        return Cell("-", "muted")
    if len(facts) == 1:
        return _volume(facts)
    size = sum(fact.active_bytes for fact in facts)
    return Cell(f"{plural(len(facts), 'volume')} {format_bytes(size)}", "", size)


PART = Part(
    "tables",
    "tables",
    TableVolumeFact,
    COLUMNS,
    lambda _: WANTS,
    table_facts,
    table_rows,
    {
        "storage_table_policies": ("storage_policy", "volume", "volume_priority"),
        "storage_policies": ("volume", "volume_priority"),
    },
    empty="no table has a part",
)
