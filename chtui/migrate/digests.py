"""Digests: what the rows of a table are, told apart by hour and shard, so that two sides can be compared without their rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from chtui.fleet.literal import Value, quote_identifier
from chtui.migrate import definitions
from chtui.migrate.ddl import instant
from chtui.migrate.layout import UNBOUND, Layout, Shard, Slice, partition_of, shard_of
from chtui.migrate.shape import FIRST, SECOND, Shape, hour_of, nanoseconds_of, row_hash
from chtui.migrate.spec import Retries, TableSpec
from chtui.migrate.statements import table_name

DIGEST, DIGEST_ONCE = "digest", "digest_once"
MODULUS = 1 << 64
NANOSECONDS = 10**9
DIGEST_SECONDS = 6 * 3600.0
"""How long one digest may take."""


class Digest(NamedTuple):
    """What some rows are; two are equal where the rows are, whatever was collapsed."""

    rows: int
    digest: int
    """The sum of the rows' hashes, modulo 2^64."""
    first_ns: int
    last_ns: int
    """The first and the last event time; of no rows both are 0."""
    collapsed: int = 0
    """Rows that were there once more and are not among these, where the spec wants each but once."""

    def __eq__(self, other: object) -> bool:
        """Return whether the rows are the same."""
        return isinstance(other, Digest) and self[:-1] == other[:-1]

    def __ne__(self, other: object) -> bool:
        """Return whether they are not."""
        return not self == other

    def __hash__(self) -> int:
        """Return the same number for equal ones."""
        return hash(self[:-1])

    def __add__(self, other: object) -> Digest:
        """The digest of both multisets together."""
        if not isinstance(other, Digest):
            return NotImplemented
        if not self.rows or not other.rows:
            return self if self.rows else other
        return Digest(
            self.rows + other.rows,
            (self.digest + other.digest) % MODULUS,
            min(self.first_ns, other.first_ns),
            max(self.last_ns, other.last_ns),
            self.collapsed + other.collapsed,
        )


NOTHING = Digest(0, 0, 0, 0)
Digests = Mapping[tuple[int, int], Digest]
"""By hour (its first second since 1970) and shard number; 0 for rows of no shard that was asked for."""


def total(digests: Iterable[Digest]) -> Digest:
    """Return the digest of all of them together."""
    found = NOTHING
    for each in digests:
        found = found + each
    return found


def of_shard(digests: Digests, number: int) -> dict[int, Digest]:
    """Return one shard's digests by hour; hours without rows are left out."""
    return {hour: each for (hour, shard), each in digests.items() if shard == number and each.rows}


def differing(wanted: Mapping[int, Digest], found: Mapping[int, Digest]) -> list[int]:
    """Return the hours whose rows differ, in order."""
    hours = wanted.keys() | found.keys()
    return sorted(hour for hour in hours if wanted.get(hour, NOTHING) != found.get(hour, NOTHING))


def to_digests(rows: Iterable[Sequence[Any]], shards: Sequence[Shard]) -> dict[tuple[int, int], Digest]:
    """Return the digests in the rows of `migrate/digest` or `migrate/digest_once`, whatever their partition."""
    found: dict[tuple[int, int], Digest] = {}
    for _, hour, slot, *values in rows:
        key = (int(hour), shard_of(int(slot), shards))
        found[key] = found.get(key, NOTHING) + Digest(*map(int, values))
    return found


class Asking(NamedTuple):
    """What digests of one table of v2, and of one table of v1 that feeds it, are made of."""

    table: TableSpec
    layout: Layout
    columns: tuple[str, ...]
    """The columns that are compared: those INSERT names."""
    old: bool
    """Whether a server lacks `formatRow`: then both sides hash column by column."""

    @property
    def is_collapsing(self) -> bool:
        """Whether equal rows of a table of v1 count, and come to v2, but once."""
        return self.table.retries is Retries.COLLAPSE

    @property
    def statement(self) -> str:
        """The statement v1 is asked: `digest`, or its twin."""
        return DIGEST_ONCE if self.is_collapsing else DIGEST

    def of_source(self, shape: Shape, origin: str, where: str) -> dict[str, Value]:
        """Return the parameters of `statement` for rows of v1, hashed in the form v2 has them."""
        hashed = tuple(shape.values[name] for name in self.columns)
        params = self._params(origin, where, shape.values[self.table.time], hashed, shape.over_source)
        if self.is_collapsing:
            params["second_hash"] = self.row_hash(hashed, by=SECOND)
        return params

    def of_target(self, database: str, name: str, where: str = "") -> dict[str, Value]:
        """Return the parameters of `migrate/digest` for a table of v2's form."""
        hashed = tuple(quote_identifier(column) for column in self.columns)
        origin = table_name(database, name)
        return self._params(origin, where, quote_identifier(self.table.time), hashed, str)

    def row_hash(self, columns: Sequence[str], by: str = FIRST) -> str:
        """Return the expression that hashes a row, given expressions for the columns that are compared."""
        types = [definitions.parse(self.table.columns[name]).type for name in self.columns]
        return row_hash(columns, types, old=self.old, by=by)

    def _params(
        self, origin: str, where: str, time: str, hashed: tuple[str, ...], over: Any
    ) -> dict[str, Value]:
        kind = definitions.parse(self.table.columns[self.table.time]).type
        return {
            "from": origin,
            "where": where,
            "partition": "''",
            "bucket": hour_of(time),
            "slot": slot_of(self.table, self.layout, over),
            "row_hash": self.row_hash(hashed),
            "time_ns": nanoseconds_of(time, kind),
        }


def slot_of(table: TableSpec, layout: Layout, over: Any = str) -> str:
    """Return the expression for a row's slot; `over` turns an expression over v2's columns into one over what is asked."""
    return f"({over(table.sharding_key)}) % {layout.total_weight}"


def within(table: TableSpec, piece: Slice, shape: Shape, partition_id: str) -> str:
    """Return the condition over v1's columns for the rows of one slice."""
    time = shape.values[table.time]
    low = instant(table, piece.from_seconds * NANOSECONDS)
    high = instant(table, piece.to_seconds * NANOSECONDS)
    bounds = f"{time} >= {low} AND {time} < {high}"
    if not piece.is_shared:
        return bounds
    key = f"replaceAll(toString({partition_of(table, shape)}), '-', '')"
    return f"{bounds} AND {key} = '{int(partition_id)}'"


def partition_condition(table: TableSpec, partition_id: str) -> str:
    """Return the condition for the rows of one partition of a table of v2."""
    if table.partition_by.strip() in ("", "tuple()"):
        return ""
    return f"replaceAll(toString({table.partition_by}), '-', '') = '{int(partition_id)}'"


def of_slots(table: TableSpec, layout: Layout, shard: Shard, shape: Shape) -> str:
    """Return the condition over v1's columns for the rows of one shard; empty where there is but one."""
    if len(layout.shards) == 1:
        return ""
    slot = slot_of(table, layout, shape.over_source)
    if shard.high - shard.low == 1:
        return f"{slot} = {shard.low}"
    return f"{slot} >= {shard.low} AND {slot} < {shard.high}"


SETTINGS: Mapping[str, int | str] = {**UNBOUND, "max_threads": 0}
"""Settings for digests: a bound of the profile would cut them short, or make them wrong."""
SPILLING: Mapping[str, int | str] = {
    "max_bytes_before_external_group_by": 1 << 30,
    "max_rows_to_group_by": 0,
    "group_by_overflow_mode": "throw",
}
OWN_SETTINGS: Mapping[str, Mapping[str, int | str]] = {
    DIGEST_ONCE: SPILLING,
}
"""Settings of questions that hold every row's hashes: beyond 1 GiB on the server's disk."""
