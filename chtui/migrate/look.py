"""One table of v2 beside the tables of v1 that feed it: what is asked of whom."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from chtui.errors import ChtuiError
from chtui.fleet.driver import parse_version
from chtui.fleet.literal import Value, literal, quote_identifier
from chtui.migrate.ddl import given_columns, instant
from chtui.migrate.digests import NANOSECONDS, NOTHING, Asking, Digest
from chtui.migrate.hosts import Host
from chtui.migrate.layout import HOUR_SECONDS, Ground, Shard, partition_of
from chtui.migrate.questions import Questions
from chtui.migrate.shape import FORMAT_ROW_SINCE, Shape
from chtui.migrate.spec import TableSpec
from chtui.migrate.statements import table_name
from chtui.migrate.verification import NO_SHARD, Place, Told
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
            found = self._partitions(host, database, source.name, params, self.source_bounds(shape))
            for place, digest in found.digests.items():
                digests[place] = digests.get(place, NOTHING) + digest
            failed.update({f"{source.name} {key}".rstrip(): error for key, error in found.failed.items()})
        return Told(digests, failed)

    def of_target(self, host: Host) -> Told:
        """Return what one host of v2 has: one question for each of its partitions."""
        database = self.ground.spec.target.database
        return self._partitions(host, database, self.table.local, self.target_params, self.target_bounds())

    def source_params(
        self, shape: Shape, origin: str, where: str, *, bucket_seconds: int = HOUR_SECONDS
    ) -> dict[str, Value]:
        """Return the parameters of `verify_digest` for rows of a table of v1."""
        params = self.asking.of_source(shape, origin, where)
        key = f"replaceAll(toString({partition_of(self.table, shape)}), '-', '')"
        return _by_bucket(params, key, bucket_of(shape.values[self.table.time], bucket_seconds))

    def target_params(self, where: str, *, bucket_seconds: int = HOUR_SECONDS) -> dict[str, Value]:
        """Return the parameters of `verify_digest` for rows of v2."""
        params = self.asking.of_target(self.ground.spec.target.database, self.table.local, where)
        return _by_bucket(params, OWN_PARTITION, bucket_of(quote_identifier(self.table.time), bucket_seconds))

    def source_bounds(self, shape: Shape) -> str:
        """Return the condition over v1's columns for hours that are looked at; empty for all."""
        return self._bounds(shape.values[self.table.time])

    def target_bounds(self) -> str:
        """Return the same over v2's columns."""
        return self._bounds(quote_identifier(self.table.time))

    def _bounds(self, time: str) -> str:
        ends = ((">=", self.since_seconds), ("<", self.until_seconds))
        return " AND ".join(
            f"{time} {sign} {instant(self.table, seconds * NANOSECONDS)}"
            for sign, seconds in ends
            if seconds is not None
        )

    def _partitions(
        self, host: Host, database: str, name: str, params: Callable[[str], dict[str, Value]], bounds: str
    ) -> Told:
        """One table's rows on one host, partition by partition, so that no question reads everything."""
        digests: dict[Place, Digest] = {}
        failed: dict[str, str] = {}
        try:
            ids = partitions(self.asker, host, database, name)
        except ChtuiError as error:
            return Told({}, {"": error.line})
        for partition_id in ids:
            where = both(of_partition(partition_id), bounds)
            try:
                rows = self.asker.rows(host, "verify_digest", params(where))
            except ChtuiError as error:
                failed[partition_id] = error.line
                continue
            for place, digest in to_places(rows, self.ground.layout.shards):
                digests[place] = digests.get(place, NOTHING) + digest
        return Told(digests, failed)


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


def both(*conditions: str) -> str:
    """Return the condition that all of these hold; empty ones do."""
    return " AND ".join(f"({each})" for each in conditions if each)


def to_places(rows: Iterable[Sequence[object]], shards: Sequence[Shard]) -> list[tuple[Place, Digest]]:
    """Return the digests in the rows of `verify_digest`, with their places."""
    found: list[tuple[Place, Digest]] = []
    for partition_id, bucket, slot, *values in rows:
        number, digest, first, last = (int(str(value)) for value in values)
        place = (str(partition_id), int(str(bucket)), shard_of(int(str(slot)), shards))
        found.append((place, Digest(number, digest, first, last)))
    return found


def shard_of(slot: int, shards: Sequence[Shard]) -> int:
    """Return the number of the shard that has a slot."""
    return next((shard.number for shard in shards if shard.low <= slot < shard.high), NO_SHARD)


def bucket_of(time: str, seconds: int) -> str:
    """Return the expression for the hour, minute or the like of an instant: its first second since 1970."""
    return f"toInt64(intDiv(toUnixTimestamp({time}), {seconds}) * {seconds})"


def _by_bucket(params: dict[str, Value], partition: str, bucket: str) -> dict[str, Value]:
    """The parameters of `digest` as those of `verify_digest`."""
    rest = {name: value for name, value in params.items() if name != "hour"}
    return {**rest, "partition": partition, "bucket": bucket}


def is_old(versions: Iterable[str]) -> bool:
    """Return whether one of the servers lacks `formatRow`, so that all must hash rows without it."""
    return any(parse_version(version) < FORMAT_ROW_SINCE for version in versions)
