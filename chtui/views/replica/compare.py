"""Rows of a table's partitions on each replica, held against the other replicas of the same shard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chtui.monitor.snapshot import Snapshot
from chtui.records import HostStatus
from chtui.text import format_bytes, format_count
from chtui.views.links import to_host
from chtui.views.pages import Part, Subject
from chtui.views.table import Cell, Column, Link, Row, cell, number
from chtui.views.tables.compare import SETTLING_SECONDS
from chtui.views.tables.partitions import ByHost, by_host, partition_wants


@dataclass(frozen=True, slots=True)
class ReplicaPartitionFact:
    """A partition on one host, against what other hosts of its shard have of it."""

    partition_id: str
    shard_num: int
    host: str
    rows: int
    rows_lacking: int | None
    """Against the replica of the shard with the most; None where there is no other to compare with, or the host does not answer."""
    is_different: bool | None
    """Whether rows are lacking and the partition's newest part is older than parts take to reach other replicas: 5 s, and
    the time between the hosts' answers."""
    active_parts: int
    bytes_on_disk: int
    newest_part_seconds: int | None
    """None where the host has none of it."""


def compare_facts(snapshot: Snapshot, subject: Subject) -> tuple[ReplicaPartitionFact, ...]:
    """Return every partition on every host that has the table: differing ones first, then by partition, newest id first."""
    wants = partition_wants(subject)
    found = by_host(snapshot, wants)
    having = [
        status for status in snapshot.hosts if found[status.id] or snapshot.rows(status.id, wants[1].key)
    ]
    facts = []
    for shard_num in sorted({status.shard_num for status in having}):
        shard = [status for status in having if status.shard_num == shard_num]
        for partition_id in {name for status in shard for name in found[status.id]}:
            facts.extend(_partition(shard, found, partition_id, _apart(snapshot, shard, wants[0].key)))
    facts.sort(key=lambda fact: (fact.shard_num, fact.host))
    facts.sort(key=lambda fact: fact.partition_id, reverse=True)
    return tuple(sorted(facts, key=lambda fact: (not fact.is_different, -(fact.rows_lacking or 0))))


def _apart(snapshot: Snapshot, shard: Sequence[HostStatus], key: str) -> float:
    """Return the seconds between the first and the last answer of a shard's hosts."""
    samples = (snapshot.sample(status.id, key) for status in shard if status.state.answers)
    moments = [sample.taken_at for sample in samples if sample and sample.taken_at]
    return (max(moments) - min(moments)).total_seconds() if moments else 0.0


def _partition(
    shard: Sequence[HostStatus], found: ByHost, partition_id: str, apart_seconds: float
) -> list[ReplicaPartitionFact]:
    rows = {status.id: found[status.id].get(partition_id) for status in shard}
    # What a host had before it stopped answering proves no difference.
    current = [status.id for status in shard if status.state.answers]
    most = max((row.rows for host in current if (row := rows[host])), default=0)
    newest = min((row.newest_part_seconds for row in rows.values() if row), default=0)
    facts = []
    for status in shard:
        row = rows[status.id]
        has = row.rows if row else 0
        lacking = most - has if len(current) > 1 and status.id in current else None
        facts.append(
            ReplicaPartitionFact(
                partition_id=partition_id,
                shard_num=status.shard_num,
                host=str(status.id),
                rows=has,
                rows_lacking=lacking,
                is_different=None
                if lacking is None
                else lacking > 0 and newest >= SETTLING_SECONDS + apart_seconds,
                active_parts=row.active_parts if row else 0,
                bytes_on_disk=row.bytes_on_disk if row else 0,
                newest_part_seconds=row.newest_part_seconds if row else None,
            )
        )
    return facts


COMPARE_COLUMNS = (
    Column("partition_id", "PARTITION", max_width=24, help="partition_id"),
    Column("shard_num", "SHARD", True, help="shard number in system.clusters"),
    Column("host", "HOST", max_width=40, help="host_name and native port in system.clusters"),
    Column("rows", "ROWS", True, help="rows in active parts"),
    Column("rows_lacking", "LACKS", max_width=16, help="rows that another replica of the shard has more; same; - without another"),
    Column("active_parts", "PARTS", True, help="active parts; replicas may differ in these while they merge"),
    Column("bytes_on_disk", "SIZE", True, help="bytes on disk of active parts"),
)  # fmt: skip


def compare_rows(
    _snapshot: Snapshot, subject: Subject, facts: Sequence[ReplicaPartitionFact]
) -> tuple[Row, ...]:
    """Return a row for each partition on each host; enter leads to its parts."""
    return tuple(
        Row(
            f"{fact.host} {fact.partition_id}",
            (
                cell(fact.partition_id),
                number(fact.shard_num, format_count),
                cell(fact.host, "muted"),
                number(fact.rows, format_count),
                _lacking(fact),
                number(fact.active_parts, format_count),
                number(fact.bytes_on_disk, format_bytes),
            ),
            link=Link("partition", (*subject, fact.partition_id)),
            links=(to_host(fact.host),),
        )
        for fact in facts
    )


def _lacking(fact: ReplicaPartitionFact) -> Cell:
    if fact.rows_lacking is None:
        return Cell("-", "muted")
    if not fact.rows_lacking:
        return Cell("same", "ok", 0)
    return Cell(
        f"-{format_count(fact.rows_lacking)}", "warning" if fact.is_different else "muted", fact.rows_lacking
    )


COMPARE_PART = Part(
    "compare",
    "rows by replica",
    ReplicaPartitionFact,
    COMPARE_COLUMNS,
    partition_wants,
    compare_facts,
    compare_rows,
    {"table_engines": ()},
    empty="no active parts",
)
"""The part of a Replicated table's page that compares its replicas."""
