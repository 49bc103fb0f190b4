"""The detail of one table: its hosts, columns, partitions, detached parts, and the statements that made it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chtui.monitor.probe import Args
from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.records import HostStatus
from chtui.records.tables import TableEngine, TableParts, TableReplica
from chtui.text import format_bytes, format_count, format_delay
from chtui.views.links import to_host, to_queue, to_znode
from chtui.views.pages import Page, Part, Subject
from chtui.views.pieces import Figure
from chtui.views.table import Cell, Column, Link, Row, Style, cell, number
from chtui.views.tables import growth_figure
from chtui.views.tables.columns import COLUMNS_PART
from chtui.views.tables.compare import (
    OWN_DATABASES,
    difference_cell,
    format_skew,
    lacking_cell,
    ratio,
    ratio_cell,
    skew_style,
)
from chtui.views.tables.ddl import DDL_PART
from chtui.views.tables.detached import DETACHED
from chtui.views.tables.facts import TableFact, one_table
from chtui.views.tables.partitions import PARTITIONS_PART


@dataclass(frozen=True, slots=True)
class TableHostFact:
    """A table on one host."""

    host: str
    shard_num: int
    replica_num: int
    engine: str | None
    rows: int | None
    active_parts: int | None
    partitions: int | None
    bytes_on_disk: int | None
    compressed_bytes: int | None
    uncompressed_bytes: int | None
    compression_ratio: float | None
    primary_key_memory_bytes: int | None
    lacking_rows: int | None
    """Rows that it has less than the replica of its shard that has the most; None where there is nothing to compare."""
    rows_differ: bool | None
    """Whether replicas of the table differ by more than inserts between the samples explain."""
    is_readonly: bool | None
    """Of a Replicated table, as is what follows."""
    queue_entries: int | None
    """In its replication queue: while there are any, rows may be lacking."""
    absolute_delay_seconds: int | None
    replica_name: str | None
    zookeeper_path: str | None


def args_of(subject: Subject) -> Args:
    """Return the table a page is about, as its probes are asked for it."""
    return (("database", subject[0]), ("table", subject[1]))


def host_wants(subject: Subject) -> tuple[Want, ...]:
    """Return the probes of the table's hosts."""
    args = args_of(subject)
    names = ("table_engines", "table_parts", "table_growth", "table_replica")
    return tuple(Want(name, args=args) for name in names)


def host_facts(snapshot: Snapshot, subject: Subject) -> tuple[TableHostFact, ...]:
    """Return what each host has of the table, in the order of shard and replica; hosts without it are left out."""
    keys = [want.key for want in host_wants(subject)]
    whole = one_table(snapshot, (subject[0], subject[1]), keys[:3])
    differ = whole.replicas_differ if whole else None
    found = (_fact(snapshot, subject, status, differ) for status in snapshot.hosts)
    return tuple(fact for fact in found if fact is not None)


def _fact(
    snapshot: Snapshot, subject: Subject, status: HostStatus, differ: bool | None
) -> TableHostFact | None:
    keys = [want.key for want in host_wants(subject)]
    engine: TableEngine | None = snapshot.one(status.id, keys[0])
    parts: TableParts | None = snapshot.one(status.id, keys[1])
    replica: TableReplica | None = snapshot.one(status.id, keys[3])
    if engine is None and parts is None:
        return None
    sample = snapshot.sample(status.id, keys[1])
    if parts is None and sample is not None and sample.taken_at is not None:
        parts = TableParts(subject[0], subject[1], 0, 0, 0, 0, 0, 0, 0, "", 0)
    return TableHostFact(
        host=str(status.id),
        shard_num=status.shard_num,
        replica_num=status.replica_num,
        engine=engine.engine if engine else None,
        rows=parts.rows if parts else None,
        active_parts=parts.active_parts if parts else None,
        partitions=parts.partitions if parts else None,
        bytes_on_disk=parts.bytes_on_disk if parts else None,
        compressed_bytes=parts.compressed_bytes if parts else None,
        uncompressed_bytes=parts.uncompressed_bytes if parts else None,
        compression_ratio=ratio(parts.uncompressed_bytes, parts.compressed_bytes) if parts else None,
        primary_key_memory_bytes=parts.primary_key_memory_bytes if parts else None,
        lacking_rows=_lacking(snapshot, subject, status, parts.rows) if parts else None,
        rows_differ=differ,
        is_readonly=replica.is_readonly if replica else None,
        queue_entries=replica.queue_entries if replica else None,
        absolute_delay_seconds=replica.absolute_delay_seconds if replica else None,
        replica_name=replica.replica_name if replica else None,
        zookeeper_path=replica.zookeeper_path if replica else None,
    )


def _lacking(snapshot: Snapshot, subject: Subject, status: HostStatus, rows: int) -> int | None:
    if subject[0] in OWN_DATABASES:
        return None
    engines, parts = (want.key for want in host_wants(subject)[:2])
    shard = [
        row.rows if (row := snapshot.one(other.id, parts)) else 0
        for other in snapshot.hosts
        if other.shard_num == status.shard_num
        and other.state.answers
        and (snapshot.rows(other.id, engines) or snapshot.rows(other.id, parts))
    ]
    return max(shard) - rows if len(shard) > 1 and status.state.answers else None


HOST_COLUMNS = (
    Column("shard_num", "S/R", help="shard and replica number in system.clusters"),
    Column("host", "HOST", max_width=36, help="host_name and native port in system.clusters"),
    Column("rows", "ROWS", True, help="rows in active parts"),
    Column("lacking_rows", "AGAINST REPLICA", max_width=16, help="rows it has less than the replica of its shard that has the most"),
    Column("compressed_bytes", "SIZE", True, help="compressed bytes of active parts"),
    Column("compression_ratio", "RATIO", True, help="uncompressed to compressed bytes"),
    Column("active_parts", "PARTS", True, help="active parts"),
    Column("queue_entries", "QUEUE", True, help="entries in the replication queue; while there are any, rows may be lacking"),
    Column("absolute_delay_seconds", "LAG", True, max_width=14, help="absolute_delay of the replica"),
    Column("partitions", "PARTITIONS", True, help="partitions with active parts"),
    Column("bytes_on_disk", "ON DISK", True, help="bytes on disk of active parts, marks and indexes included"),
    Column("uncompressed_bytes", "UNCOMPR", True, help="uncompressed bytes of active parts"),
    Column("primary_key_memory_bytes", "KEY MEM", True, help="memory of loaded primary keys"),
    Column("engine", "ENGINE", max_width=36, help="the table's engine"),
    Column("replica_name", "REPLICA", max_width=30, help="the replica's name in Keeper"),
)  # fmt: skip


def host_rows(_snapshot: Snapshot, subject: Subject, facts: Sequence[TableHostFact]) -> tuple[Row, ...]:
    """Return a row for each host that has the table."""
    return tuple(_host_row(fact, subject) for fact in facts)


def _host_row(fact: TableHostFact, subject: Subject) -> Row:
    links = [to_host(fact.host)]
    if fact.replica_name is not None and fact.zookeeper_path is not None:
        path = f"{fact.zookeeper_path}/replicas/{fact.replica_name}"
        links.append(to_queue(*subject))
        links.append(to_znode(path))
    return Row(
        fact.host,
        (
            Cell(f"{fact.shard_num}/{fact.replica_num}", "accent", (fact.shard_num, fact.replica_num)),
            cell(fact.host),
            number(fact.rows, format_count),
            lacking_cell(fact.lacking_rows, fact.rows_differ, fact.queue_entries),
            number(fact.compressed_bytes, format_bytes),
            ratio_cell(fact.uncompressed_bytes, fact.compressed_bytes),
            number(fact.active_parts, format_count),
            number(fact.queue_entries, format_count),
            number(fact.absolute_delay_seconds, format_delay),
            number(fact.partitions, format_count),
            number(fact.bytes_on_disk, format_bytes),
            number(fact.uncompressed_bytes, format_bytes),
            number(fact.primary_key_memory_bytes, format_bytes),
            cell(f"{fact.engine or '-'}{' readonly' if fact.is_readonly else ''}", _engine_style(fact)),
            cell(fact.replica_name or "-", "muted"),
        ),
        link=Link("host", (fact.host,)),
        links=tuple(links),
        copy=fact.host,
    )


def _engine_style(fact: TableHostFact) -> Style:
    return "critical" if fact.is_readonly else "muted"


def host_figures(snapshot: Snapshot, subject: Subject) -> tuple[Figure, ...]:
    """Return the table's sums: rows once, bytes on all replicas, growth."""
    keys = [want.key for want in host_wants(subject)]
    fact = one_table(snapshot, (subject[0], subject[1]), keys[:3])
    if fact is None:
        return ()
    differ = difference_cell(
        fact.replicas_differ,
        fact.replica_rows_difference,
        fact.replica_parts_difference,
        fact.replicas_missing,
    )
    return (
        Figure("rows once", format_count(fact.rows)),
        Figure("rows in all", format_count(fact.rows_all_replicas)),
        Figure("compressed in all", format_bytes(fact.compressed_bytes)),
        Figure("ratio", ratio_cell(fact.uncompressed_bytes, fact.compressed_bytes).text),
        Figure("skew", format_skew(fact.shard_skew_ratio), skew_style(fact.shard_skew_ratio, fact.rows)),
        Figure("replicas", differ.text, differ.style),
        *_growth_figures(fact),
        growth_figure(snapshot, keys[2]),
    )


def _growth_figures(fact: TableFact) -> tuple[Figure, ...]:
    return tuple(
        Figure(label, "-" if rows is None else f"{format_count(rows)} {format_bytes(size)}")
        for label, rows, size in (
            ("rows, size in 1 h", fact.growth_rows_per_hour, fact.growth_bytes_per_hour),
            ("rows, size in 1 d", fact.growth_rows_per_day, fact.growth_bytes_per_day),
        )
    )


HOSTS_PART = Part(
    "hosts",
    "hosts",
    TableHostFact,
    HOST_COLUMNS,
    host_wants,
    host_facts,
    host_rows,
    {
        "table_engines": ("engine",),
        "table_parts": ("rows", "active_parts", "partitions", "bytes_on_disk", "compressed_bytes", "uncompressed_bytes",
                        "compression_ratio", "primary_key_memory_bytes", "lacking_rows"),
        "table_growth": (),
        "table_replica": (),
    },
    empty="no MergeTree table of this name",
    frozen=2,
    figures=host_figures,
)  # fmt: skip

PAGES = (
    Page("table", (HOSTS_PART, COLUMNS_PART, PARTITIONS_PART, DETACHED, DDL_PART), ("database", "table")),
)
