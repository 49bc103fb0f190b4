"""The work of a migration cut into pieces: partitions of v2, slices of time within them, the hosts that pull them.

A group is one partition of one table of v2: what is published at once. A slice of it is some hours of one table of v1: what
one statement copies. Every shard gets its share of every slice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from types import MappingProxyType
from typing import NamedTuple

from chtui.errors import MigrateError
from chtui.fleet.literal import Value
from chtui.migrate.hosts import Hosts
from chtui.migrate.shape import Shape, hour_of, partition_id, shape_of
from chtui.migrate.spec import Flavour, SourceTable, Spec, TableSpec
from chtui.records import HostId

HOUR_SECONDS = 3600
NO_SHARD = 0
"""Where rows stand whose sharding key leads to no shard."""
SCAN_SECONDS = 3600.0
"""How long one table's hours may take to count."""


class Hour(NamedTuple):
    """Rows of one table of v1 in one hour and one partition of v2, by v1's own partition."""

    partition_id: str
    hour_seconds: int
    source_partition_id: str
    rows: int


@dataclass(frozen=True, slots=True)
class Slice:
    """Some hours of one table of v1 within one partition of v2."""

    source: str
    from_seconds: int
    to_seconds: int
    """Exclusive."""
    rows: int
    source_partitions: tuple[str, ...]
    is_shared: bool
    """Whether its first or last hour has rows in another partition too, so that the hours alone do not tell its rows."""


@dataclass(frozen=True, slots=True)
class Group:
    """One partition of one table of v2."""

    table: str
    partition_id: str
    rows: int
    bytes_on_disk: int
    """What its rows take on v1's disk."""
    slices: tuple[Slice, ...]

    @property
    def name(self) -> str:
        """`traces 202601`."""
        return f"{self.table} {self.partition_id}"


@dataclass(frozen=True, slots=True)
class Shard:
    """One shard of the target and its share of the sharding key."""

    number: int
    low: int
    high: int
    """The first slot of the next shard: a row is this shard's when its key modulo the total weight is in [low, high)."""
    hosts: tuple[HostId, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """One shard's share of one group, as one host pulls it."""

    group: Group
    shard: Shard
    host: HostId

    @property
    def name(self) -> str:
        """`traces 202601 shard 1 ch-1:9000`."""
        return f"{self.group.name} shard {self.shard.number} {self.host}"


@dataclass(frozen=True, slots=True)
class Layout:
    """All of the work."""

    groups: tuple[Group, ...]
    shards: tuple[Shard, ...]
    flavour: Flavour

    @property
    def total_weight(self) -> int:
        """The number of slots."""
        return self.shards[-1].high if self.shards else 0

    def cells(self, group: Group) -> list[Cell]:
        """Return a group's cells: every host of a plain cluster pulls for itself, else one host of each shard does.

        Shards are begun at different replicas for different groups, so that all replicas have some of the work.
        """
        if self.flavour is Flavour.PLAIN:
            return [Cell(group, shard, host) for shard in self.shards for host in shard.hosts]
        turn = self.groups.index(group)
        return [Cell(group, shard, shard.hosts[turn % len(shard.hosts)]) for shard in self.shards]

    def share(self, cell: Cell) -> float:
        """Return the rows of v1 a cell stands for, about: those of a plain cluster's replicas are shared among them."""
        copies = len(cell.shard.hosts) if self.flavour is Flavour.PLAIN else 1
        return cell.group.rows * (cell.shard.high - cell.shard.low) / self.total_weight / copies

    def shares(self) -> dict[str, float]:
        """Return every cell's share by its name."""
        return {cell.name: self.share(cell) for group in self.groups for cell in self.cells(group)}


class Ground(NamedTuple):
    """What a run stands on."""

    spec: Spec
    hosts: Hosts
    layout: Layout
    shapes: Mapping[tuple[str, str], Shape]
    """By table of v2 and table of v1."""
    left_out: Mapping[str, int] = MappingProxyType({})
    """Table of v2 to an instant, seconds since 1970: rows that expire by then may be gone, and are compared on neither side."""


def shard_of(slot: int, shards: Sequence[Shard]) -> int:
    """Return the number of the shard that has a slot."""
    return next((shard.number for shard in shards if shard.low <= slot < shard.high), NO_SHARD)


def lay_out(spec: Spec, hosts: Hosts) -> Ground:
    """Return the work as v1's rows are now, and the shape of every source table.

    Raises:
        MigrateError: a table's partition key or a column cannot be had from v1, or v1 has no such table.
        QueryError, ConnectError: a server would not tell.
    """
    shapes: dict[tuple[str, str], Shape] = {}
    groups: list[Group] = []
    for table in spec.tables:
        hours: dict[str, list[Hour]] = {}
        density: dict[str, dict[str, float]] = {}
        for source in table.sources:
            shape = source_shape(spec, table, source, hosts)
            shapes[table.name, source.name] = shape
            hours[source.name] = count_hours(spec, table, source, shape, hosts)
            density[source.name] = _bytes_per_row(spec, source, hosts)
        groups += cut(table.name, hours, density, spec.limits.chunk_rows)
    return Ground(spec, hosts, Layout(tuple(groups), shards_of(spec, hosts), spec.target.flavour), shapes)


def source_shape(spec: Spec, table: TableSpec, source: SourceTable, hosts: Hosts) -> Shape:
    """Return how a table of v1 gives a table of v2's rows, by v1's own columns.

    Raises:
        MigrateError: v1 has no such table, or it lacks a column.
    """
    params = {"database": spec.source.database, "table": source.name}
    types = {str(name): str(kind) for name, kind, _ in hosts.source.rows("table_types", params)}
    if not types:
        raise MigrateError(
            f"v1 has no table {spec.source.database}.{source.name}",
            where=f"table.{table.name}.source.{source.name}",
            fix="name a table of v1",
        )
    return shape_of(table, source, types)


def count_hours(spec: Spec, table: TableSpec, source: SourceTable, shape: Shape, hosts: Hosts) -> list[Hour]:
    """Return how many rows a table of v1 has by partition of v2 and by hour."""
    params: dict[str, Value] = {
        "table": (spec.source.database, source.name),
        "partition": partition_of(table, shape),
        "hour": hour_of(shape.values[table.time]),
    }
    rows = hosts.source.rows(
        "source_hours", params, seconds=SCAN_SECONDS, settings={"max_threads": 0, **UNBOUND}
    )
    return [Hour(partition_id(key), int(hour), str(own), int(number)) for own, key, hour, number in rows]


def partition_of(table: TableSpec, shape: Shape) -> str:
    """Return v2's partition key over v1's columns; of a table without one it is `'all'`, its partition's id."""
    if table.partition_by.strip() in ("", "tuple()"):
        return "'all'"
    return shape.over_source(table.partition_by)


UNBOUND: Mapping[str, int | str] = {"max_execution_time": 0, "max_rows_to_read": 0, "max_bytes_to_read": 0}
"""Settings for questions about all of v1, which a profile's bounds must not cut."""


def shards_of(spec: Spec, hosts: Hosts) -> tuple[Shard, ...]:
    """Return the target's shards with their shares.

    Raises:
        QueryError, ConnectError: the first host would not tell.
    """
    found, low = [], 0
    rows = hosts.targets[0].rows("shards", {"cluster": spec.target.cluster})
    weights = {int(number): int(weight) for number, weight in rows}
    for number, members in hosts.shards.items():
        high = low + weights[number]
        found.append(Shard(number, low, high, tuple(host.id for host in members)))
        low = high
    return tuple(found)


def cut(
    table: str,
    hours: Mapping[str, Sequence[Hour]],
    density: Mapping[str, Mapping[str, float]],
    chunk_rows: int,
) -> list[Group]:
    """Return a table's groups: hours by source table, cut into slices of at most `chunk_rows`, unless one hour has more.

    `density` is bytes per row by source table and v1's partition.
    """
    slices: dict[str, list[Slice]] = {}
    sizes: dict[str, float] = {}
    for source, found in hours.items():
        partitions_of: dict[int, set[str]] = {}
        for each in found:
            partitions_of.setdefault(each.hour_seconds, set()).add(each.partition_id)
            sizes[each.partition_id] = sizes.get(each.partition_id, 0.0) + each.rows * density[source].get(
                each.source_partition_id, 0.0
            )
        shared = {hour for hour, ids in partitions_of.items() if len(ids) > 1}
        ordered = sorted(found, key=lambda each: (each.partition_id, each.hour_seconds))
        for partition, members in groupby(ordered, key=lambda each: each.partition_id):
            slices.setdefault(partition, []).extend(_slices(source, members, shared, chunk_rows))
    return [
        Group(table, partition, sum(each.rows for each in found), round(sizes[partition]), tuple(found))
        for partition, found in sorted(slices.items())
    ]


def _slices(source: str, hours: Iterable[Hour], shared: set[int], chunk_rows: int) -> list[Slice]:
    found: list[Slice] = []
    pending: list[Hour] = []

    def close() -> None:
        if pending:
            first, last = pending[0].hour_seconds, pending[-1].hour_seconds
            found.append(
                Slice(
                    source,
                    first,
                    last + HOUR_SECONDS,
                    sum(each.rows for each in pending),
                    tuple(sorted({each.source_partition_id for each in pending})),
                    bool({each.hour_seconds for each in pending} & shared),
                )
            )
            pending.clear()

    for _, together in groupby(hours, key=lambda each: each.hour_seconds):
        members = list(together)
        if pending and sum(each.rows for each in (*pending, *members)) > chunk_rows:
            close()
        pending.extend(members)
    close()
    return found


def _bytes_per_row(spec: Spec, source: SourceTable, hosts: Hosts) -> dict[str, float]:
    params = {"database": spec.source.database, "table": source.name}
    rows = hosts.source.rows("source_partitions", params)
    return {str(name): int(size) / int(number) for name, _, number, size, _ in rows if int(number)}
