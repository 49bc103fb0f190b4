"""One cell: a shard's share of a group, pulled by one host, staged, proven, put in its place, proven again.

Everything before the publication happens in tables that carry the attempt in their names, so that doubt is answered by
dropping them. The publication replaces a whole partition: doing it again gives the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from chtui.errors import ChtuiError, MigrateError
from chtui.fleet.literal import Value, quote_identifier
from chtui.migrate import ddl
from chtui.migrate.copying import COMPUTING, COPYING, settings_text
from chtui.migrate.digests import (
    DIGEST,
    DIGEST_SECONDS,
    MODULUS,
    NOTHING,
    SETTINGS,
    Asking,
    Digest,
    differing,
    of_shard,
    of_slots,
    partition_condition,
    to_digests,
    total,
    within,
)
from chtui.migrate.hands import DROPPING, Hands
from chtui.migrate.hosts import Host
from chtui.migrate.layout import Cell, Slice
from chtui.migrate.shape import Shape
from chtui.migrate.snapshot import Snapshot
from chtui.migrate.spec import AggregateSpec, Flavour, Spec, TableSpec

SYNC_SECONDS = 3600.0

Gate = Callable[[str], None]
"""Called before each step with its name; waits while the migration is held up, raises where it was told to stop."""


@dataclass(frozen=True, slots=True)
class Work:
    """What every cell of one table needs."""

    spec: Spec
    table: TableSpec
    shapes: Mapping[str, Shape]
    """By table of v1."""
    asking: Asking
    hands: Hands
    gate: Gate


class Staged(NamedTuple):
    """What stands ready to be published, on the host that is to have it."""

    table: str
    """The staging table with the rows."""
    states: Mapping[str, str]
    """Table of an aggregate to the staging table with its states; without those that count no row."""


class Copied(NamedTuple):
    """What was brought into a partition."""

    digest: Digest
    files: Counter[str]
    """The files of the parts that were put there, by their hash; empty where a server does not tell it."""


@dataclass(frozen=True, slots=True)
class CellWork:
    """One cell and the host that pulls it."""

    work: Work
    cell: Cell
    host: Host
    purpose: str = ""
    """What sets work on the cell apart from copying it, where both may be under way."""

    @property
    def tag(self) -> str:
        """The word for the cell's statements and tables."""
        return self.work.hands.tag(f"{self.purpose}{self.cell.name}")

    def copy(self, snapshot: Snapshot, wanted: Mapping[Slice, Mapping[int, Digest]]) -> Copied:
        """Bring the cell from v1 into its partition of v2, and return what that is; what was tried before is dropped first.

        `wanted` is what the shard's rows of each slice of the snapshot are, by hour.

        Raises:
            MigrateError: what arrived is not what v1 has.
            QueryError, ConnectError: a server failed a statement; the cell can be copied again.
        """
        self.work.gate("sweep")
        self.work.hands.sweep(self.host, self.database, self.tag)
        staged = self.stage(self.work.hands.attempt(self.tag), snapshot, wanted)
        if staged is None:
            # Replacing from an empty table would empty the partition.
            return Copied(NOTHING, Counter())
        self.work.gate("publish")
        files, _ = self._parts(staged.table)
        self.replace(staged)
        return Copied(total(each for hours in wanted.values() for each in hours.values()), files)

    def stage(
        self, prefix: str, snapshot: Snapshot, wanted: Mapping[Slice, Mapping[int, Digest]]
    ) -> Staged | None:
        """Bring the cell from v1 into a table whose name begins so, prove it, and compute its aggregates; None for no rows.

        Raises:
            MigrateError, QueryError, ConnectError: as of `copy`.
        """
        pieces: list[str] = []
        for number, piece in enumerate(self.cell.group.slices):
            name = f"{prefix}_s{number}"
            self.copy_slice(name, piece, snapshot, wanted)
            if wanted[piece]:
                pieces.append(name)
        if not pieces:
            return None
        self.work.gate("assemble")
        expected = total(each for hours in wanted.values() for each in hours.values())
        return self.with_states(prefix, self.assemble(prefix, pieces, expected.rows))

    def copy_slice(
        self, name: str, piece: Slice, snapshot: Snapshot, wanted: Mapping[Slice, Mapping[int, Digest]]
    ) -> None:
        """Copy the cell's share of one slice into a staging table, which is made, and prove it.

        What is wanted is asked for after the copy: it may be measured meanwhile, and v1 then has the slice in its cache.

        Raises:
            MigrateError, QueryError, ConnectError: as of `copy`.
        """
        self.work.gate("copy")
        self.make(name)
        self.do("copy_slice", self.copy_params(name, piece, snapshot))
        self.work.gate("verify")
        self._compare(name, wanted[piece], "staged hours")

    def with_states(self, prefix: str, table: str) -> Staged:
        """Compute the aggregates of the rows that stand ready in a staging table.

        Raises:
            MigrateError, QueryError, ConnectError: as of `copy`.
        """
        states = {
            each.local: self._states(each, f"{prefix}_agg{number}", table)
            for number, each in enumerate(self.work.spec.aggregates)
            if each.base == self.work.table.name
        }
        return Staged(table, {name: staged for name, staged in states.items() if staged})

    def replace(self, staged: Staged) -> None:
        """Put what stands ready in the place of the partition, of the base and of its aggregates.

        Raises:
            MigrateError, QueryError, ConnectError: as of `copy`.
        """
        self._replace(self.work.table.local, staged.table)
        self.replace_states(staged)

    def replace_states(self, staged: Staged) -> None:
        """Put the states that stand ready in the place of those of the aggregates' partition.

        Raises:
            MigrateError, QueryError, ConnectError: as of `copy`.
        """
        for table, name in staged.states.items():
            self._replace(table, name)

    def attach(self, table: str, staged: str) -> None:
        """Add what stands ready to a table's partition; sent twice it is there twice.

        Raises:
            MigrateError, QueryError, ConnectError: as of `copy`.
        """
        self.do("attach_partition", self._between(table, staged))

    def finish(self) -> None:
        """Drop what the cell was staged in.

        Raises:
            MigrateError, QueryError, ConnectError: it could not be.
        """
        self.work.hands.sweep(self.host, self.database, self.tag)

    def prove(self, wanted: Mapping[int, Digest], files: Mapping[str, int]) -> int | None:
        """Make sure that this host has the cell's rows in v2, all of them once and no others.

        Return the partition's mark where its parts have the very files that were proven and put there; None where they
        were merged since, or a server does not tell, and the rows were read.

        Raises:
            MigrateError: it has not; the first hour is named.
            QueryError, ConnectError: it cannot be asked.
        """
        if files:
            found, mark = self._parts(self.work.table.local)
            if found == files:
                return mark
        where = partition_condition(self.work.table, self.cell.group.partition_id)
        self._compare(self.work.table.local, wanted, f"hours on {self.host.id}", where)
        return None

    def catch_up(self) -> None:
        """Wait until this host has fetched what was published on another.

        Raises:
            QueryError, ConnectError: it has not, or cannot be asked.
        """
        work = self.work
        if work.spec.target.flavour is not Flavour.REPLICATED:
            return
        own = [each.local for each in work.spec.aggregates if each.base == work.table.name]
        for name in (work.table.local, *own):
            self.host.run("sync_replica", {"table": (self.database, name)}, seconds=SYNC_SECONDS)

    def copy_params(self, name: str, piece: Slice, snapshot: Snapshot) -> dict[str, Value]:
        """Return the parameters of the statement that copies one slice of the cell into a staging table."""
        work, shape = self.work, self.work.shapes[piece.source]
        return {
            "staging": (self.database, name),
            "columns": ", ".join(map(quote_identifier, shape.columns)),
            "distinct": "DISTINCT" if work.asking.is_collapsing else "",
            "given": ", ".join(shape.given),
            "from": snapshot.origin(work.spec.source, piece.source),
            "where": within(work.table, piece, shape, self.cell.group.partition_id),
            "shard": of_slots(work.table, work.asking.layout, self.cell.shard, shape),
            "settings": settings_text(self.host.known(COPYING)),
        }

    # Steps

    @property
    def database(self) -> str:
        """v2's."""
        return self.work.spec.target.database

    def do(
        self, name: str, params: Mapping[str, Value], settings: Mapping[str, int | str] | None = None
    ) -> None:
        """Run a statement of the cell's on its host.

        Raises:
            MigrateError, QueryError, ConnectError: as of `Hands.do`.
        """
        self.work.hands.do(self.host, name, params, tag=self.tag, settings=settings)

    def make(self, name: str) -> None:
        """Make a staging table: plain, for its parts can replace those of a Replicated one (seen on 18.16), so Keeper
        has no part in staging.

        Raises:
            MigrateError, QueryError, ConnectError: as of `Hands.do`.
        """
        made = ddl.local(plain(self.work.spec), self.work.table, name=name).alone()
        self.do(made.statement, made.params)

    def _compare(self, name: str, wanted: Mapping[int, Digest], what: str, where: str = "") -> None:
        params = self.work.asking.of_target(self.database, name, where)
        rows = self.host.rows(DIGEST, params, seconds=DIGEST_SECONDS, settings=SETTINGS)
        found = to_digests(rows, self.work.asking.layout.shards)
        own = of_shard(found, self.cell.shard.number)
        foreign = total(each for (_, shard), each in found.items() if shard != self.cell.shard.number).rows
        wrong = differing(wanted, own)
        if not wrong and not foreign:
            return
        told = f"{total(own.values()).rows} rows where v1 has {total(wanted.values()).rows}"
        hours = f", {len(wrong)} hours differ, the first {wrong[0]} s since 1970" if wrong else ""
        others = f", {foreign} rows of another shard" if foreign else ""
        raise difference(f"{self.cell.name}, {what}: {told}{hours}{others}")

    def assemble(self, prefix: str, pieces: Sequence[str], rows: int) -> str:
        """Put some staging tables, which together hold so many rows, into one by hard links, and return it.

        Raises:
            MigrateError, QueryError, ConnectError: as of `copy`.
        """
        name = pieces[0]
        if len(pieces) > 1:
            name = f"{prefix}_all"
            self.make(name)
            for piece in pieces:
                self.do("attach_partition", self._between(name, piece))
        found = self.rows_of(name)
        if found != rows:
            raise difference(f"{self.cell.name}: {found} rows stand ready where {rows} were proven")
        return name

    def _states(self, aggregate: AggregateSpec, name: str, base: str) -> str:
        """Compute an aggregate's states from the rows that stand ready; return their table, empty where no row counts."""
        made = ddl.states(plain(self.work.spec), aggregate, name=name).alone()
        self.do(made.statement, made.params)
        self.do("aggregate_stage", self._aggregation(aggregate, name, base))
        counted = self._number("counted", {"table": (self.database, base), "where": aggregate.where})
        if counted and aggregate.counting:
            merged = f"countMerge({quote_identifier(aggregate.counting)})"
            states = self._number("states_count", {"table": (self.database, name), "count": merged})
            if states != counted:
                raise difference(
                    f"{self.cell.name}: {aggregate.name} counts {states} rows where its base has {counted}"
                )
        return name if counted else ""

    def _aggregation(self, aggregate: AggregateSpec, name: str, base: str) -> dict[str, Value]:
        return {
            "staging": (self.database, name),
            "columns": ", ".join(map(quote_identifier, aggregate.columns)),
            "select": ddl.aggregate_columns(aggregate),
            "base": (self.database, base),
            "condition": aggregate.where,
            "keys": ddl.aggregate_keys(aggregate),
            "settings": settings_text(self.host.known(COMPUTING)),
        }

    def _replace(self, table: str, name: str) -> None:
        if not self.rows_of(name):
            raise difference(f"{self.cell.name}: {name} is empty: it would empty the partition")
        self.do("replace_partition", self._between(table, name), DROPPING)

    def _between(self, table: str, other: str) -> dict[str, Value]:
        return {
            "table": (self.database, table),
            "partition_id": self.cell.group.partition_id,
            "from": (self.database, other),
        }

    def rows_of(self, table: str) -> int:
        """Return the rows a table of v2's database has in the cell's partition, on the cell's host.

        Raises:
            QueryError, ConnectError: it cannot be asked.
        """
        return int(self.host.rows("partition_rows", self._partition(table))[0][1])

    def _parts(self, table: str) -> tuple[Counter[str], int]:
        """The files of the partition's parts in a table, by their hash, and its mark."""
        if self.work.asking.old:
            return Counter(), 0
        rows = self.host.rows("partition_parts", self._partition(table))
        return Counter(str(row[0]) for row in rows), sum(int(row[1]) for row in rows) % MODULUS

    def _partition(self, table: str) -> dict[str, Value]:
        return {"database": self.database, "table": table, "partition_id": self.cell.group.partition_id}

    def _number(self, name: str, params: Mapping[str, Value]) -> int:
        return int(self.host.rows(name, params, seconds=DIGEST_SECONDS, settings=SETTINGS)[0][0])


def difference(what: str) -> MigrateError:
    """Return the error for rows that are not as they should be."""
    return MigrateError(what, fix="the cell is copied again; the journal has every statement", exit_code=1)


def plain(spec: Spec) -> Spec:
    """Return the same spec without replication, for tables of one host alone."""
    return replace(spec, target=replace(spec.target, flavour=Flavour.PLAIN))


def is_worth_again(error: ChtuiError) -> bool:
    """Return whether work that failed may go well the next time: not where the journal or the lease said no."""
    return not isinstance(error, MigrateError) or error.exit_code in (1, 3)
