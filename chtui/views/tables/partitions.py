"""The partitions of one table over all hosts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf

from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.records import HostId
from chtui.records.tables import TablePartition
from chtui.text import format_bytes, format_count, format_seconds
from chtui.views.pages import Part, Subject
from chtui.views.table import Cell, Column, Link, Row, cell, number
from chtui.views.tables.compare import (
    OWN_DATABASES,
    QUIET_SECONDS,
    Comparison,
    compare,
    copies_of,
    difference_cell,
    ratio,
    ratio_cell,
    words_of,
)

NO_DATES = frozenset({"1970-01-01", "0000-00-00"})
"""What servers tell where the partition key holds no date."""


@dataclass(frozen=True, slots=True)
class PartitionFact:
    """A partition of a table over all hosts."""

    partition_id: str
    partition: str
    hosts: int
    """Hosts that have it."""
    rows: int
    """In one replica of each shard, the one with the most."""
    rows_all_replicas: int
    active_parts: int
    """On all replicas, as are the bytes that follow."""
    bytes_on_disk: int
    compressed_bytes: int
    uncompressed_bytes: int
    compression_ratio: float | None
    min_time: datetime | None
    """Of the time in the partition key; None if it holds none."""
    max_time: datetime | None
    min_date: str | None
    """Of the date in the partition key; None if it holds none."""
    max_date: str | None
    oldest_part_seconds: int
    """Since the part was written that was not touched for the longest time."""
    newest_part_seconds: int
    disks: str | None
    """Of all hosts; None where the servers do not tell."""
    replicas_differ: bool | None
    """Whether replicas of a shard differ in rows, and nothing was written just now; None: nothing to compare."""
    replica_rows_difference: int | None
    replica_parts_difference: int | None
    replicas_missing: int
    differing_replicas: str
    """Which differ, and by what, in words."""


def partition_wants(subject: Subject, partition_id: str = "") -> tuple[Want, Want]:
    """Return the probes for all partitions of a table, or for one: the partitions, and which hosts have the table."""
    table = (("database", subject[0]), ("table", subject[1]))
    return (
        Want("table_partitions", args=(*table, ("partition_id", partition_id))),
        Want("table_engines", args=table),
    )


ByHost = Mapping[HostId, Mapping[str, TablePartition]]


def by_host(snapshot: Snapshot, wants: tuple[Want, Want]) -> ByHost:
    """Return each host's partitions by id."""
    return {
        status.id: {row.partition_id: row for row in snapshot.rows(status.id, wants[0].key)}
        for status in snapshot.hosts
    }


def compared(
    snapshot: Snapshot, subject: Subject, wants: tuple[Want, Want], found: ByHost, partition_id: str
) -> Comparison:
    """Compare what hosts have of a partition that some host has; one that has the table and not the partition has no rows of it."""
    partitions, engines = (want.key for want in wants)

    def find(host: HostId) -> tuple[int, int] | None:
        row = found[host].get(partition_id)
        if row is not None:
            return (row.rows, row.active_parts)
        return (0, 0) if found[host] or snapshot.rows(host, engines) else None

    newest = min(rows[partition_id].newest_part_seconds for rows in found.values() if partition_id in rows)
    pace = inf if newest < QUIET_SECONDS else 0.0
    return compare(copies_of(snapshot, partitions, find), pace, subject[0] in OWN_DATABASES)


def partition_facts(snapshot: Snapshot, subject: Subject) -> tuple[PartitionFact, ...]:
    """Return the partitions of all hosts, the newest id first."""
    wants = partition_wants(subject)
    found = by_host(snapshot, wants)
    ids = {partition_id for rows in found.values() for partition_id in rows}
    facts = (
        _fact(
            [rows[partition_id] for rows in found.values() if partition_id in rows],
            compared(snapshot, subject, wants, found, partition_id),
        )
        for partition_id in ids
    )
    return tuple(sorted(facts, key=lambda fact: fact.partition_id, reverse=True))


def _fact(rows: Sequence[TablePartition], found: Comparison) -> PartitionFact:
    compressed, uncompressed = (
        sum(row.compressed_bytes for row in rows),
        sum(row.uncompressed_bytes for row in rows),
    )
    times = [
        moment for row in rows for moment in (row.min_time, row.max_time) if moment and moment.year > 1970
    ]
    dates = [date for row in rows for date in (row.min_date, row.max_date) if date not in NO_DATES]
    disks = [name for row in rows for name in (row.disks or "").split(", ")]
    return PartitionFact(
        partition_id=rows[0].partition_id,
        partition=rows[0].partition,
        hosts=len(rows),
        rows=found.rows,
        rows_all_replicas=found.rows_all_replicas,
        active_parts=sum(row.active_parts for row in rows),
        bytes_on_disk=sum(row.bytes_on_disk for row in rows),
        compressed_bytes=compressed,
        uncompressed_bytes=uncompressed,
        compression_ratio=ratio(uncompressed, compressed),
        min_time=min(times, default=None),
        max_time=max(times, default=None),
        min_date=min(dates, default=None),
        max_date=max(dates, default=None),
        oldest_part_seconds=max(row.oldest_part_seconds for row in rows),
        newest_part_seconds=min(row.newest_part_seconds for row in rows),
        disks=words_of(disks) or None,
        replicas_differ=found.is_different,
        replica_rows_difference=found.rows_difference,
        replica_parts_difference=found.parts_difference,
        replicas_missing=len(found.missing),
        differing_replicas=found.words,
    )


PARTITION_COLUMNS = (
    Column("partition", "PARTITION", max_width=24, help="the partition's value, and its id where that is another"),
    Column("rows", "ROWS", True, help="rows in one replica of each shard"),
    Column("compressed_bytes", "SIZE", True, help="compressed bytes of active parts on all replicas"),
    Column("compression_ratio", "RATIO", True, help="uncompressed to compressed bytes"),
    Column("replicas_differ", "REPLICAS", max_width=14, help="whether replicas of a shard have the same: rows one lacks, hosts without it, parts"),
    Column("active_parts", "PARTS", True, help="active parts on all replicas"),
    Column("oldest_part_seconds", "OLDEST", True, help="age of the part that was written longest ago"),
    Column("newest_part_seconds", "NEWEST", True, help="age of the part that was written last"),
    Column("disks", "DISKS", max_width=30, help="disks of all hosts it is on"),
    Column("min_time", "FROM", max_width=22, help="least time or date in the partition key, local time"),
    Column("max_time", "TO", max_width=22, help="greatest time or date in the partition key, local time"),
    Column("bytes_on_disk", "ON DISK", True, help="bytes on disk of active parts on all replicas"),
    Column("rows_all_replicas", "ROWS ALL", True, help="rows on all replicas"),
    Column("hosts", "HOSTS", True, help="hosts that have it"),
    Column("differing_replicas", "WHICH DIFFER", max_width=80, help="replicas that differ from another of their shard, and by what"),
)  # fmt: skip


def partition_rows(_snapshot: Snapshot, subject: Subject, facts: Sequence[PartitionFact]) -> tuple[Row, ...]:
    """Return a row for each partition."""
    return tuple(_row(fact, subject) for fact in facts)


def _row(fact: PartitionFact, subject: Subject) -> Row:
    return Row(
        fact.partition_id,
        (
            cell(_name(fact), sort=fact.partition_id),
            number(fact.rows, format_count),
            number(fact.compressed_bytes, format_bytes),
            ratio_cell(fact.uncompressed_bytes, fact.compressed_bytes),
            difference_cell(
                fact.replicas_differ,
                fact.replica_rows_difference,
                fact.replica_parts_difference,
                fact.replicas_missing,
            ),
            number(fact.active_parts, format_count),
            number(fact.oldest_part_seconds, format_seconds),
            number(fact.newest_part_seconds, format_seconds),
            cell(fact.disks) if fact.disks else Cell("-", "muted"),
            _moment(fact.min_time, fact.min_date),
            _moment(fact.max_time, fact.max_date),
            number(fact.bytes_on_disk, format_bytes),
            number(fact.rows_all_replicas, format_count),
            number(fact.hosts, format_count),
            cell(fact.differing_replicas, "warning" if fact.replicas_differ else "muted"),
        ),
        link=Link("partition", (*subject, fact.partition_id)),
        copy=fact.partition_id,
    )


def _name(fact: PartitionFact) -> str:
    return (
        fact.partition_id
        if fact.partition in (fact.partition_id, "tuple()")
        else f"{fact.partition} ({fact.partition_id})"
    )


def _moment(time: datetime | None, date: str | None) -> Cell:
    """Times in the local zone with its offset; dates are dates everywhere."""
    if time is not None:
        return Cell(time.astimezone().strftime("%Y-%m-%d %H:%M %z"), "", time.timestamp())
    return cell(date) if date else Cell("-", "muted")


PARTITIONS_PART = Part(
    "partitions",
    "partitions",
    PartitionFact,
    PARTITION_COLUMNS,
    partition_wants,
    partition_facts,
    partition_rows,
    {"table_partitions": ("*",), "table_engines": ("replicas_missing",)},
    empty="no active parts",
    frozen=1,
)
"""The part of a table's page that lists its partitions."""
