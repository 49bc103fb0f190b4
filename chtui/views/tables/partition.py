"""The detail of one partition: its parts on all hosts, and its replicas side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.text import format_bytes, format_count, format_delay, format_seconds
from chtui.views.links import to_host, to_table
from chtui.views.pages import Page, Part, Subject
from chtui.views.pieces import Figure
from chtui.views.table import Cell, Column, Link, Row, cell, number
from chtui.views.tables.compare import (
    OWN_DATABASES,
    Comparison,
    difference_cell,
    lacking_cell,
    ratio,
    ratio_cell,
)
from chtui.views.tables.partitions import by_host, compared, partition_wants


@dataclass(frozen=True, slots=True)
class PartFact:
    """A part of the partition on one host."""

    host: str
    name: str
    active: bool
    """Inactive ones were merged, mutated or dropped, and wait to be removed."""
    rows: int
    bytes_on_disk: int
    compressed_bytes: int
    uncompressed_bytes: int
    compression_ratio: float | None
    level: int
    """How often it was merged; 0 as an insert wrote it."""
    data_version: int
    """The number of the last mutation in it."""
    refcount: int
    """How many use it; queries and merges hold what they read."""
    age_seconds: int
    """Since it was written."""
    disk: str | None
    part_type: str | None
    """Wide, with files for each column, or Compact, with one for all."""


def part_wants(subject: Subject) -> tuple[Want, ...]:
    """Return the probe of the partition's parts."""
    names = ("database", "table", "partition_id")
    return (Want("partition_parts", args=tuple(zip(names, subject, strict=True))),)


def part_facts(snapshot: Snapshot, subject: Subject) -> tuple[PartFact, ...]:
    """Return the parts of all hosts: active ones first, largest first."""
    (want,) = part_wants(subject)
    found = [
        PartFact(
            host=str(status.id),
            name=part.name,
            active=part.active,
            rows=part.rows,
            bytes_on_disk=part.bytes_on_disk,
            compressed_bytes=part.compressed_bytes,
            uncompressed_bytes=part.uncompressed_bytes,
            compression_ratio=ratio(part.uncompressed_bytes, part.compressed_bytes),
            level=part.level,
            data_version=part.data_version,
            refcount=part.refcount,
            age_seconds=part.age_seconds,
            disk=part.disk,
            part_type=part.part_type,
        )
        for status in snapshot.hosts
        for part in snapshot.rows(status.id, want.key)
    ]
    return tuple(sorted(found, key=lambda fact: (not fact.active, -fact.bytes_on_disk, fact.name, fact.host)))


PART_COLUMNS = (
    Column("name", "PART", max_width=40, help="the part's name: partition, first and last block, level, mutation"),
    Column("rows", "ROWS", True, help="rows in the part"),
    Column("bytes_on_disk", "SIZE", True, help="bytes on disk, marks and indexes included"),
    Column("compression_ratio", "RATIO", True, help="uncompressed to compressed bytes"),
    Column("level", "LEVEL", True, help="how often it was merged; 0 as an insert wrote it"),
    Column("age_seconds", "AGE", True, help="since it was written"),
    Column("active", "STATE", help="active, or outdated: merged, mutated or dropped, waiting to be removed"),
    Column("host", "HOST", max_width=30, help="host_name and native port in system.clusters"),
    Column("disk", "DISK", max_width=20, help="the disk it is on"),
    Column("refcount", "REFS", True, help="how many use it; queries and merges hold what they read"),
    Column("part_type", "TYPE", help="Wide, with files for each column, or Compact, with one for all"),
    Column("data_version", "MUTATION", True, help="the number of the last mutation in it"),
)  # fmt: skip


def part_rows(_snapshot: Snapshot, subject: Subject, facts: Sequence[PartFact]) -> tuple[Row, ...]:
    """Return a row for each part."""
    return tuple(_part_row(fact, subject) for fact in facts)


def _part_row(fact: PartFact, subject: Subject) -> Row:
    return Row(
        f"{fact.host} {fact.name}",
        (
            cell(fact.name),
            number(fact.rows, format_count),
            number(fact.bytes_on_disk, format_bytes),
            ratio_cell(fact.uncompressed_bytes, fact.compressed_bytes),
            number(fact.level, format_count),
            number(fact.age_seconds, format_seconds),
            Cell("active", "ok", 1) if fact.active else Cell("outdated", "muted", 0),
            cell(fact.host, "muted"),
            cell(fact.disk) if fact.disk else Cell("-", "muted"),
            number(fact.refcount, format_count),
            cell(fact.part_type or "-", "muted"),
            number(fact.data_version, format_count),
        ),
        links=(
            to_host(fact.host),
            to_table(*subject[:2]),
        ),
        copy=fact.name,
    )


@dataclass(frozen=True, slots=True)
class PartitionReplicaFact:
    """The partition on one host, against the other replicas of its shard."""

    host: str
    shard_num: int
    replica_num: int
    rows: int
    """0 where the host has the table and not the partition."""
    active_parts: int
    bytes_on_disk: int
    compressed_bytes: int
    uncompressed_bytes: int
    compression_ratio: float | None
    lacking_rows: int | None
    """Rows it has less than the replica of its shard that has the most; None where there is nothing to compare."""
    rows_differ: bool | None
    """Whether replicas of the cluster differ while nothing is being written."""
    newest_part_seconds: int | None
    disks: str | None
    queue_entries: int | None
    """Of the table's replica, if it is Replicated: while there are any, rows may be lacking."""
    absolute_delay_seconds: int | None


def replica_wants(subject: Subject) -> tuple[Want, ...]:
    """Return the probes of the replicas."""
    table = (("database", subject[0]), ("table", subject[1]))
    return (*partition_wants(subject, subject[2]), Want("table_replica", args=table))


def replica_facts(snapshot: Snapshot, subject: Subject) -> tuple[PartitionReplicaFact, ...]:
    """Return what each host that has the table has of the partition, in the order of shard and replica."""
    partitions, engines, replica = replica_wants(subject)
    verdict = _verdict(snapshot, subject)
    differ = verdict.is_different if verdict else None
    found = {host: rows.get(subject[2]) for host, rows in by_host(snapshot, (partitions, engines)).items()}
    made = []
    for status in snapshot.hosts:
        row, says = found[status.id], snapshot.one(status.id, replica.key)
        sample = snapshot.sample(status.id, partitions.key)
        told = sample is not None and sample.taken_at is not None
        if not told or (row is None and not snapshot.rows(status.id, engines.key)):
            continue
        shard = [
            other_row.rows if other_row else 0
            for other in snapshot.hosts
            if other.shard_num == status.shard_num
            and other.state.answers
            and ((other_row := found[other.id]) or snapshot.rows(other.id, engines.key))
        ]
        rows = row.rows if row else 0
        can_compare = len(shard) > 1 and status.state.answers and subject[0] not in OWN_DATABASES
        made.append(
            PartitionReplicaFact(
                host=str(status.id),
                shard_num=status.shard_num,
                replica_num=status.replica_num,
                rows=rows,
                active_parts=row.active_parts if row else 0,
                bytes_on_disk=row.bytes_on_disk if row else 0,
                compressed_bytes=row.compressed_bytes if row else 0,
                uncompressed_bytes=row.uncompressed_bytes if row else 0,
                compression_ratio=ratio(row.uncompressed_bytes, row.compressed_bytes) if row else None,
                lacking_rows=max(shard) - rows if can_compare else None,
                rows_differ=differ,
                newest_part_seconds=row.newest_part_seconds if row else None,
                disks=row.disks if row else None,
                queue_entries=says.queue_entries if says else None,
                absolute_delay_seconds=says.absolute_delay_seconds if says else None,
            )
        )
    return tuple(made)


def _verdict(snapshot: Snapshot, subject: Subject) -> Comparison | None:
    """What the hosts' copies of the partition say together; None while no host has any."""
    wants = partition_wants(subject, subject[2])
    found = by_host(snapshot, wants)
    return compared(snapshot, subject, wants, found, subject[2]) if any(found.values()) else None


REPLICA_COLUMNS = (
    Column("shard_num", "S/R", help="shard and replica number in system.clusters"),
    Column("host", "HOST", max_width=36, help="host_name and native port in system.clusters"),
    Column("rows", "ROWS", True, help="rows in active parts of the partition"),
    Column("lacking_rows", "AGAINST REPLICA", max_width=16, help="rows it has less than the replica of its shard that has the most"),
    Column("active_parts", "PARTS", True, help="active parts of the partition"),
    Column("queue_entries", "QUEUE", True, help="entries in the table's replication queue; while there are any, rows may be lacking"),
    Column("absolute_delay_seconds", "LAG", True, max_width=14, help="absolute_delay of the table's replica"),
    Column("bytes_on_disk", "SIZE", True, help="bytes on disk of the partition"),
    Column("compression_ratio", "RATIO", True, help="uncompressed to compressed bytes"),
    Column("newest_part_seconds", "NEWEST", True, help="age of the part that was written last"),
    Column("disks", "DISKS", max_width=30, help="disks it is on"),
)  # fmt: skip


def replica_rows(
    _snapshot: Snapshot, _subject: Subject, facts: Sequence[PartitionReplicaFact]
) -> tuple[Row, ...]:
    """Return a row for each host that has the table."""
    return tuple(_replica_row(fact) for fact in facts)


def _replica_row(fact: PartitionReplicaFact) -> Row:
    return Row(
        fact.host,
        (
            Cell(f"{fact.shard_num}/{fact.replica_num}", "accent", (fact.shard_num, fact.replica_num)),
            cell(fact.host),
            number(fact.rows, format_count),
            lacking_cell(fact.lacking_rows, fact.rows_differ, fact.queue_entries),
            number(fact.active_parts, format_count),
            number(fact.queue_entries, format_count),
            number(fact.absolute_delay_seconds, format_delay),
            number(fact.bytes_on_disk, format_bytes),
            ratio_cell(fact.uncompressed_bytes, fact.compressed_bytes),
            number(fact.newest_part_seconds, format_seconds),
            cell(fact.disks) if fact.disks else Cell("-", "muted"),
        ),
        link=Link("host", (fact.host,)),
        copy=fact.host,
    )


def replica_figures(snapshot: Snapshot, subject: Subject) -> tuple[Figure, ...]:
    """Return whether the replicas have the same rows, and if not which lack some."""
    verdict = _verdict(snapshot, subject)
    if verdict is None:
        return ()
    if verdict.rows_difference is None:
        return (Figure("replicas", "none to compare", "muted"),)
    rows = (
        Figure("rows once", format_count(verdict.rows)),
        Figure("rows in all", format_count(verdict.rows_all_replicas)),
    )
    found = difference_cell(
        verdict.is_different, verdict.rows_difference, verdict.parts_difference, len(verdict.missing)
    )
    return (*rows, Figure("replicas", found.text, found.style))


PAGES = (
    Page(
        "partition",
        (
            Part(
                "parts",
                "parts",
                PartFact,
                PART_COLUMNS,
                part_wants,
                part_facts,
                part_rows,
                {"partition_parts": ("*",)},
                empty="no parts in this partition",
                frozen=1,
            ),
            Part(
                "replicas",
                "replicas",
                PartitionReplicaFact,
                REPLICA_COLUMNS,
                replica_wants,
                replica_facts,
                replica_rows,
                {
                    "table_partitions": ("*",),
                    "table_engines": ("lacking_rows",),
                    "table_replica": ("queue_entries", "absolute_delay_seconds"),
                },
                empty="no MergeTree table of this name",
                frozen=2,
                figures=replica_figures,
            ),
        ),
        ("database", "table", "partition_id"),
    ),
)
