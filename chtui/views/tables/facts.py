"""What is known of every table over all hosts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from chtui.monitor.probes import PROBES
from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.records import HostStatus, Sample
from chtui.records.tables import TableEngine, TableGrowth, TableParts
from chtui.views.pages import Subject
from chtui.views.tables.compare import OWN_DATABASES, Copy, Kept, Memory, compare, ratio, words_of

Name = tuple[str, str]
"""Database and table."""
WANTS = (Want("table_engines"), Want("table_parts"), Want("table_growth"))
HOUR_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class TableFact:
    """A MergeTree table over all hosts; what no host has told is None."""

    database: str
    table: str
    engine: str | None
    hosts: int
    """Hosts that have it."""
    shards: int
    """Shards that have it."""
    rows: int | None
    """In one replica of each shard, the one with the most; of system tables in all, for there each host has its own."""
    rows_all_replicas: int | None
    active_parts: int | None
    """In all replicas, as are the bytes that follow."""
    bytes_on_disk: int | None
    compressed_bytes: int | None
    """Of the data alone, active parts only, as is the next."""
    uncompressed_bytes: int | None
    compression_ratio: float | None
    """Uncompressed to compressed, as many to one."""
    compressed_once_bytes: int | None
    """In one replica of each shard, the one with the most rows."""
    shard_skew_ratio: float | None
    """Rows of the largest shard against the mean."""
    largest_shard_num: int | None
    replicas_differ: bool | None
    """Whether replicas of a shard differ in rows by more than inserts between the samples explain; None: nothing to compare."""
    replica_rows_difference: int | None
    replica_parts_difference: int | None
    replicas_missing: int
    """Hosts without it whose shard has it on another."""
    differing_replicas: str
    """Which differ, and by what, in words."""
    growth_rows_per_hour: int | None
    """What inserts wrote within the last hour; replicas count once, merges never."""
    growth_rows_per_day: int | None
    """Within the last 24 hours."""
    growth_bytes_per_hour: int | None
    """Compressed, as the inserts wrote them."""
    growth_bytes_per_day: int | None
    primary_key_memory_bytes: int | None
    """Of loaded primary keys, on the host that has the most."""
    partitions: int | None
    """On the host that has the most."""
    largest_partition_id: str | None
    largest_partition_bytes: int | None
    """On one host."""


class TableHost(NamedTuple):
    """What one host told of its tables."""

    status: HostStatus
    engines: dict[Name, TableEngine]
    parts: dict[Name, TableParts] | None
    """None: it has not told."""
    growth: dict[Name, TableGrowth] | None
    parts_sample: Sample | None
    is_cut: bool
    """Whether there are more tables than it may tell at once."""


def _hosts(snapshot: Snapshot, keys: Sequence[str]) -> list[TableHost]:
    engines, parts, growth = keys
    limit = PROBES["table_parts"].max_rows or 0
    found = []
    for status in snapshot.hosts:
        sample, grown = snapshot.sample(status.id, parts), snapshot.sample(status.id, growth)
        found.append(
            TableHost(
                status,
                {(row.database, row.table): row for row in snapshot.rows(status.id, engines)},
                {(row.database, row.table): row for row in sample.rows}
                if sample and sample.taken_at
                else None,
                {(row.database, row.table): row for row in grown.rows} if grown and grown.taken_at else None,
                sample,
                sample is not None and len(sample.rows) >= limit,
            )
        )
    return found


_facts = Memory()
_by_name: Kept[dict[Name, tuple[tuple[object, ...], TableFact]]] = Kept({})


def table_facts(snapshot: Snapshot, _subject: Subject) -> tuple[TableFact, ...]:
    """Return the MergeTree tables of all hosts, those with the most bytes first."""
    made: tuple[TableFact, ...] = _facts.of(_inputs(snapshot), lambda: _all_facts(snapshot))
    return made


def _inputs(snapshot: Snapshot) -> tuple[object, ...]:
    """What the facts are made of: while it is the very same, so are they."""
    hosts = [f"{each.id} {each.shard_num} {each.state.answers}" for each in snapshot.hosts]
    samples = [snapshot.sample(each.id, want.key) for each in snapshot.hosts for want in WANTS]
    return (*hosts, *samples)


def _all_facts(snapshot: Snapshot) -> tuple[TableFact, ...]:
    hosts = _hosts(snapshot, [want.key for want in WANTS])
    names = {name for host in hosts for name in (*host.engines, *(host.parts or ()))}
    before, made = _by_name.get(), {name: _told(hosts, name) for name in names}
    # Most tables are as they were when one host of many has told anew.
    facts = {
        name: (told, before[name][1] if _is_as_before(before.get(name), told) else table_fact(hosts, name))
        for name, told in made.items()
    }
    _by_name.put(facts)
    return tuple(
        sorted(
            (fact for _, fact in facts.values()),
            key=lambda fact: (-(fact.compressed_bytes or 0), fact.database, fact.table),
        )
    )


def _told(hosts: Sequence[TableHost], name: Name) -> tuple[object, ...]:
    """All that a table's fact is made of, but for the instants at which it was told."""
    return tuple(
        (
            host.status.id,
            host.status.shard_num,
            host.status.state.answers,
            host.is_cut,
            bool(host.engines),
            bool(host.parts_sample and host.parts_sample.error),
            host.engines.get(name),
            host.parts is None or host.parts.get(name),
            host.growth is None or host.growth.get(name),
        )
        for host in hosts
    )


def _is_as_before(before: tuple[tuple[object, ...], TableFact] | None, told: tuple[object, ...]) -> bool:
    """Whether a fact holds still. Where replicas differ, the instants decide what inserts explain."""
    return before is not None and not before[1].replica_rows_difference and before[0] == told


def one_table(snapshot: Snapshot, name: Name, keys: Sequence[str]) -> TableFact | None:
    """Return the fact of one table from samples under `keys` (engines, parts, growth); None if no host has it."""
    hosts = _hosts(snapshot, keys)
    known = any(name in host.engines or name in (host.parts or ()) for host in hosts)
    return table_fact(hosts, name) if known else None


def table_fact(hosts: Sequence[TableHost], name: Name) -> TableFact:
    """Return what hosts told of one table together."""
    copies = [copy for host in hosts if (copy := _copy(host, name)) is not None]
    known = [parts for host in hosts if (parts := _parts(host, name)) is not None]
    have = [host for host in hosts if name in host.engines or name in (host.parts or ())]
    engines = {host.engines[name].engine for host in have if name in host.engines}
    is_own = name[0] in OWN_DATABASES
    growth = _growth(have, name, is_own or any(map(is_replicated, engines)))
    found = compare(copies, growth.rows_last_hour / HOUR_SECONDS if growth else 0.0, is_own)
    compressed, uncompressed = (
        sum(parts.compressed_bytes for parts in known),
        sum(parts.uncompressed_bytes for parts in known),
    )
    largest = max(known, key=lambda parts: parts.largest_partition_bytes, default=None)
    return TableFact(
        database=name[0],
        table=name[1],
        engine=words_of(engines) or None,
        hosts=len(have),
        shards=len({host.status.shard_num for host in have}),
        rows=found.rows if known else None,
        rows_all_replicas=found.rows_all_replicas if known else None,
        active_parts=sum(parts.active_parts for parts in known) if known else None,
        bytes_on_disk=sum(parts.bytes_on_disk for parts in known) if known else None,
        compressed_bytes=compressed if known else None,
        uncompressed_bytes=uncompressed if known else None,
        compression_ratio=ratio(uncompressed, compressed),
        compressed_once_bytes=_once(hosts, name, is_own) if known else None,
        shard_skew_ratio=found.skew_ratio,
        largest_shard_num=found.largest_shard_num,
        replicas_differ=found.is_different,
        replica_rows_difference=found.rows_difference,
        replica_parts_difference=found.parts_difference,
        replicas_missing=len(found.missing),
        differing_replicas=found.words,
        growth_rows_per_hour=growth.rows_last_hour if growth else None,
        growth_rows_per_day=growth.rows_last_day if growth else None,
        growth_bytes_per_hour=growth.bytes_last_hour if growth else None,
        growth_bytes_per_day=growth.bytes_last_day if growth else None,
        primary_key_memory_bytes=max((parts.primary_key_memory_bytes for parts in known), default=None),
        partitions=max((parts.partitions for parts in known), default=None),
        largest_partition_id=(largest.largest_partition_id or None) if largest else None,
        largest_partition_bytes=largest.largest_partition_bytes if largest else None,
    )


def is_replicated(engine: str) -> bool:
    """Return whether ClickHouse itself keeps replicas of such a table alike; Shared ones are of ClickHouse Cloud."""
    return engine.startswith(("Replicated", "Shared"))


def _parts(host: TableHost, name: Name) -> TableParts | None:
    """The parts a host has of a table, none at all if it has the table without any; None: it has not told."""
    if host.parts is None:
        return None
    if name in host.parts:
        return host.parts[name]
    return TableParts(*name, 0, 0, 0, 0, 0, 0, 0, "", 0) if name in host.engines and not host.is_cut else None


def _copy(host: TableHost, name: Name) -> Copy | None:
    parts, sample, status = _parts(host, name), host.parts_sample, host.status
    if parts is None and (host.parts is None or host.is_cut or not host.engines):
        return None
    return Copy(
        status.id,
        status.shard_num,
        parts.rows if parts else None,
        parts.active_parts if parts else 0,
        sample.taken_at if sample else None,
        status.state.answers and not (sample and sample.error),
    )


def _once(hosts: Sequence[TableHost], name: Name, is_own: bool) -> int:
    """Compressed bytes of one replica a shard, the one with the most rows; of all where each host has rows of its own."""
    shards: dict[object, tuple[int, int]] = {}
    for host in hosts:
        parts = _parts(host, name)
        if parts is not None:
            key = host.status.id if is_own else host.status.shard_num
            shards[key] = max(shards.get(key, (0, 0)), (parts.rows, parts.compressed_bytes))
    return sum(size for _, size in shards.values())


def _growth(hosts: Sequence[TableHost], name: Name, adds_up: bool) -> TableGrowth | None:
    """What inserts wrote, replicas once: a Replicated table logs an insert on one replica (the others fetch it), another on each."""
    told = [host for host in hosts if host.growth is not None]
    if not told:
        return None
    shards: dict[int, list[TableGrowth]] = {}
    for host in told:
        row = (host.growth or {}).get(name, TableGrowth(*name, 0, 0, 0, 0, 0))
        shards.setdefault(host.status.shard_num, []).append(row)
    counted = [
        row
        for rows in shards.values()
        for row in (rows if adds_up else [max(rows, key=lambda each: each.rows_last_day)])
    ]
    return TableGrowth(
        *name,
        sum(row.rows_last_hour for row in counted),
        sum(row.rows_last_day for row in counted),
        sum(row.bytes_last_hour for row in counted),
        sum(row.bytes_last_day for row in counted),
        max(row.oldest_insert_seconds for row in counted),
    )
