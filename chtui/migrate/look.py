"""One table of v2 beside the tables of v1 that feed it: what is asked of whom."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from chtui.errors import ChtuiError
from chtui.fleet.driver import parse_version
from chtui.fleet.literal import Value, literal, quote_identifier
from chtui.migrate.ddl import given_columns, instant
from chtui.migrate.digests import DIGEST, NANOSECONDS, NOTHING, Asking, Digest
from chtui.migrate.expiry import kept
from chtui.migrate.hosts import Host
from chtui.migrate.layout import HOUR_SECONDS, Ground, Shard, partition_of, shard_of
from chtui.migrate.questions import Questions
from chtui.migrate.remembered import Found, Partition, Remembered
from chtui.migrate.shape import FORMAT_ROW_SINCE, Shape, bucket_of
from chtui.migrate.spec import TableSpec
from chtui.migrate.statements import table_name
from chtui.migrate.verification import Place, Told
from chtui.records import HostId

OWN_PARTITION = "splitByChar('_', _part)[1]"
"""The id of the partition a row lies in: the first word of its part's name."""


@dataclass(frozen=True, slots=True)
class Look:
    """One table, looked at on all its hosts."""

    ground: Ground
    table: TableSpec
    old: bool
    """Whether a server lacks `formatRow`."""
    until_seconds: int | None
    asker: Questions
    since_seconds: int | None = None
    remembered: Remembered | None = None
    """What is known of partitions that have not changed; None for a look that takes nobody's word."""

    @property
    def asking(self) -> Asking:
        """How its rows are hashed."""
        return Asking(self.table, self.ground.layout, tuple(given_columns(self.table)), self.old)

    def all(self) -> tuple[Told, dict[HostId, Told]]:
        """Return what v1 and every host tell, all asked side by side."""
        hosts = self.ground.hosts.targets
        with ThreadPoolExecutor(len(hosts) + 1, thread_name_prefix="verify") as pool:
            source = pool.submit(self.of_source)
            targets = list(pool.map(self.of_target, hosts))
        return source.result(), {host.id: told for host, told in zip(hosts, targets, strict=True)}

    def of_source(self) -> Told:
        """Return v1's rows in the form v2 has them: one question for each of v1's partitions."""
        host, database = self.ground.hosts.source, self.ground.spec.source.database
        digests: dict[Place, Digest] = {}
        failed: dict[str, str] = {}
        for source in self.table.sources:
            shape = self.ground.shapes[self.table.name, source.name]
            params = partial(self.source_params, shape, table_name(database, source.name))
            bounds = self.source_bounds(shape)
            found = self._partitions(
                host, database, source.name, params, bounds, statement=self.asking.statement
            )
            add(found.digests, digests)
            failed.update({f"{source.name} {key}".rstrip(): error for key, error in found.failed.items()})
        return Told(digests, failed)

    def of_target(self, host: Host) -> Told:
        """Return what one host of v2 has: one question for each of its partitions."""
        database = self.ground.spec.target.database
        return self._partitions(host, database, self.table.local, self.target_params, self.target_bounds())

    def source_params(
        self, shape: Shape, origin: str, where: str, *, bucket_seconds: int = HOUR_SECONDS
    ) -> dict[str, Value]:
        """Return the parameters of `digest`, or its twin, for rows of a table of v1."""
        params = self.asking.of_source(shape, origin, where)
        key = f"replaceAll(toString({partition_of(self.table, shape)}), '-', '')"
        return {
            **params,
            "partition": key,
            "bucket": bucket_of(shape.values[self.table.time], bucket_seconds),
        }

    def target_params(self, where: str, *, bucket_seconds: int = HOUR_SECONDS) -> dict[str, Value]:
        """Return the parameters of `digest` for rows of v2."""
        params = self.asking.of_target(self.ground.spec.target.database, self.table.local, where)
        bucket = bucket_of(quote_identifier(self.table.time), bucket_seconds)
        return {**params, "partition": OWN_PARTITION, "bucket": bucket}

    def source_bounds(self, shape: Shape) -> str:
        """Return the condition over v1's columns for hours that are looked at; empty for all."""
        return both(self._bounds(shape.values[self.table.time]), self._kept(dict(shape.values)))

    def target_bounds(self) -> str:
        """Return the same over v2's columns."""
        return both(self._bounds(quote_identifier(self.table.time)), self._kept({}))

    def _bounds(self, time: str) -> str:
        ends = ((">=", self.since_seconds), ("<", self.until_seconds))
        return " AND ".join(
            f"{time} {sign} {instant(self.table, seconds * NANOSECONDS)}"
            for sign, seconds in ends
            if seconds is not None
        )

    def _kept(self, values: dict[str, str]) -> str:
        """The condition for rows that cannot be gone, over columns that `values` gives; empty for all."""
        return kept(self.table.expires, self.ground.left_out.get(self.table.name), values)

    def _partitions(
        self,
        host: Host,
        database: str,
        name: str,
        params: Callable[[str], dict[str, Value]],
        bounds: str,
        *,
        statement: str = DIGEST,
    ) -> Told:
        """One table's rows on one host, partition by partition, so that no question reads everything.

        A look at a few hours asks once for all partitions nothing is known of: there may be thousands that hold none of them.
        """
        digests: dict[Place, Digest] = {}
        failed: dict[str, str] = {}
        read: dict[str, Found] = {}
        try:
            marks = self._marks(host, database, name)
        except ChtuiError as error:
            return Told({}, {"": error.line})

        def ask(condition: str, bounds: str) -> Found:
            rows = self.asker.rows(host, statement, params(both(condition, bounds)))
            return added(to_places(rows, self.ground.layout.shards))

        together: list[str] = []
        for partition_id, mark in marks.items():
            try:
                found = self._known(Partition(host.id, database, name, self.table.name, partition_id), mark)
                if found is None and self._is_worth_keeping(partition_id, marks):
                    found = read[partition_id] = ask(of_partition(partition_id), "")
                inside = None if found is None else self._inside(found)
                if inside is None and self.since_seconds is not None:
                    together.append(partition_id)
                    continue
                told = ask(of_partition(partition_id), bounds) if inside is None else inside
                add(told, digests)
            except ChtuiError as error:
                failed[partition_id] = error.line
        if together:
            try:
                add(ask(of_partitions(together), bounds), digests)
            except ChtuiError as error:
                failed.update(dict.fromkeys(together, error.line))
        self._keep(host, database, name, marks, read)
        return Told(digests, failed)

    def _marks(self, host: Host, database: str, name: str) -> dict[str, int]:
        """The partitions of a table and their marks."""
        rows = self.asker.rows(host, "partition_marks", {"database": database, "table": name})
        return {str(partition_id): int(mark) for partition_id, mark in rows}

    def _known(self, partition: Partition, mark: int) -> Found | None:
        return self.remembered.get(partition, mark) if self.remembered else None

    def _is_worth_keeping(self, partition_id: str, marks: Mapping[str, int]) -> bool:
        """Whether a partition is read whole: not the newest where a look ends early, for it changes, and would be read twice."""
        if self.remembered is None:
            return False
        return self.since_seconds is None and (self.until_seconds is None or partition_id != max(marks))

    def _inside(self, found: Found) -> Found | None:
        """What of a partition is looked at; None where an hour lies on both sides of an end."""
        low = -sys.maxsize if self.since_seconds is None else self.since_seconds * NANOSECONDS
        high = sys.maxsize if self.until_seconds is None else self.until_seconds * NANOSECONDS
        inside: dict[Place, Digest] = {}
        for place, digest in found.items():
            if low <= digest.first_ns and digest.last_ns < high:
                inside[place] = digest
            elif digest.last_ns >= low and digest.first_ns < high:
                return None
        return inside

    def _keep(
        self, host: Host, database: str, name: str, marks: Mapping[str, int], read: Mapping[str, Found]
    ) -> None:
        """Remember what was read of partitions that have not changed meanwhile."""
        if not self.remembered or not read:
            return
        try:
            now = self._marks(host, database, name)
        except ChtuiError:
            # What was read holds all the same; it is only read again the next time.
            return
        for partition_id, found in read.items():
            if now.get(partition_id) == marks[partition_id]:
                place = Partition(host.id, database, name, self.table.name, partition_id)
                self.remembered.put(place, marks[partition_id], found)


def partitions(asker: Questions, host: Host, database: str, name: str) -> list[str]:
    """Return the ids of a table's partitions.

    Raises:
        QueryError, ConnectError, DeadlineError: the host would not tell.
    """
    rows = asker.rows(host, "source_partitions", {"database": database, "table": name})
    return [str(row[0]) for row in rows if int(row[2])]


def of_partition(partition_id: str) -> str:
    """Return the condition for rows that lie in a partition, by which a server reads that one alone."""
    return f"{OWN_PARTITION} = {literal(partition_id)}"


def of_partitions(partition_ids: Sequence[str]) -> str:
    """Return the same for rows that lie in one of some partitions."""
    return f"has({literal(list(partition_ids))}, {OWN_PARTITION})"


def both(*conditions: str) -> str:
    """Return the condition that all of these hold; empty ones do."""
    return " AND ".join(f"({each})" for each in conditions if each)


def to_places(rows: Iterable[Sequence[object]], shards: Sequence[Shard]) -> list[tuple[Place, Digest]]:
    """Return the digests in the rows of `digest` or its twin, with their places."""
    found: list[tuple[Place, Digest]] = []
    for partition_id, bucket, slot, *values in rows:
        place = (str(partition_id), int(str(bucket)), shard_of(int(str(slot)), shards))
        found.append((place, Digest(*(int(str(value)) for value in values))))
    return found


def added(found: Iterable[tuple[Place, Digest]]) -> dict[Place, Digest]:
    """Return the digests by place, those of one place together."""
    together: dict[Place, Digest] = {}
    for place, digest in found:
        together[place] = together.get(place, NOTHING) + digest
    return together


def add(found: Mapping[Place, Digest], into: dict[Place, Digest]) -> None:
    """Add digests to those there are."""
    for place, digest in found.items():
        into[place] = into.get(place, NOTHING) + digest


def is_old(versions: Iterable[str]) -> bool:
    """Return whether one of the servers lacks `formatRow`, so that all must hash rows without it."""
    return any(parse_version(version) < FORMAT_ROW_SINCE for version in versions)
