"""The last hours of a table, on v1 and on every host of v2: how fresh they are, and whether they are equal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from chtui.errors import ChtuiError
from chtui.fleet.literal import literal, quote_identifier
from chtui.migrate import definitions
from chtui.migrate.ddl import instant
from chtui.migrate.digests import DIGEST, NANOSECONDS, NOTHING, Digest
from chtui.migrate.hosts import Host
from chtui.migrate.look import OWN_PARTITION, Look, both, to_places
from chtui.migrate.questions import Questions
from chtui.migrate.shape import FORMAT_ROW_SINCE, nanoseconds_of
from chtui.migrate.spec import TableSpec
from chtui.migrate.stand import Stand
from chtui.migrate.statements import table_name
from chtui.migrate.verification import Compared, Place, Told, compare
from chtui.records import HostId

HOURS = 6
"""How far back hours are compared: all before was proven when the table was sealed."""
MINUTE_SECONDS, HOUR_SECONDS, DAY_SECONDS = 60, 3600, 86400
AHEAD_SECONDS = 60
"""How far in the future an event may be to count as fresh: clocks of writers differ."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old the newest row of a table is."""

    table: str
    source_age_seconds: float | None
    """None where v1 had no row for a day."""
    target_age_seconds: float | None

    @property
    def behind_seconds(self) -> float:
        """How much later v2 is than v1; a day where it has nothing of what v1 has."""
        if self.source_age_seconds is None:
            return 0.0
        target = DAY_SECONDS if self.target_age_seconds is None else self.target_age_seconds
        return max(0.0, target - self.source_age_seconds)


def freshness(stand: Stand, table: TableSpec, now: float) -> Freshness:
    """Return how fresh a table is where readers ask: v1's own tables, and v2's by their name on its first host.

    Raises:
        ConnectError, QueryError: a host does not tell.
    """
    spec, hosts = stand.ground.spec, stand.ground.hosts
    low, high = (instant(table, int(now + more) * NANOSECONDS) for more in (-DAY_SECONDS, AHEAD_SECONDS))
    kind = definitions.parse(table.columns[table.time]).type

    def newest(host: Host, name: str, time: str) -> float | None:
        params = {
            "from": name,
            "time_ns": nanoseconds_of(time, kind),
            "where": f"{time} >= {low} AND {time} <= {high}",
        }
        found = int(host.rows("cutover_newest", params)[0][0])
        return now - found / NANOSECONDS if found else None

    ages = [
        newest(
            hosts.source,
            table_name(spec.source.database, source.name),
            stand.ground.shapes[table.name, source.name].values[table.time],
        )
        for source in table.sources
    ]
    mine = newest(
        hosts.targets[0], table_name(spec.target.database, table.name), quote_identifier(table.time)
    )
    return Freshness(table.name, min((age for age in ages if age is not None), default=None), mine)


def compared(stand: Stand, table: TableSpec, until_seconds: int, asker: Questions) -> list[Compared]:
    """Compare the hours before an instant, which must be a whole minute, on every host; those of v1's partitions alone."""
    hosts = stand.ground.hosts
    try:
        old = any(host.version < FORMAT_ROW_SINCE for host in hosts.everyone)
    except ChtuiError as error:
        # Without versions nobody knows how to ask: all of it is unknown.
        silent = Told({}, {"": error.line})
        return compare(
            table.name, silent, {host.id: silent for host in hosts.targets}, stand.ground.layout.shards
        )
    look = Look(stand.ground, table, old, until_seconds, asker)
    since = until_seconds - HOURS * HOUR_SECONDS
    source = _source(look, since, asker)
    ids = sorted({partition for partition, _, _ in source.digests})

    def one(host: Host) -> Told:
        return _target(look, host, since, ids, asker)

    with ThreadPoolExecutor(len(hosts.targets), thread_name_prefix="recent") as pool:
        told = dict(zip([host.id for host in hosts.targets], pool.map(one, hosts.targets), strict=True))
    return compare(table.name, source, told, stand.ground.layout.shards)


def unknown_hosts(rows: list[Compared]) -> Mapping[HostId, str]:
    """Return the hosts that could not be asked, and why."""
    return {row.host: row.error for row in rows if row.error}


def _source(look: Look, since: int, asker: Questions) -> Told:
    spec, host = look.ground.spec, look.ground.hosts.source
    digests: dict[Place, Digest] = {}
    failed: dict[str, str] = {}
    for source in look.table.sources:
        shape = look.ground.shapes[look.table.name, source.name]
        where = both(look.source_bounds(shape), _from(look.table, shape.values[look.table.time], since))
        params = look.source_params(shape, table_name(spec.source.database, source.name), where)
        try:
            rows = asker.rows(host, look.asking.statement, params)
        except ChtuiError as error:
            failed[source.name] = error.line
            continue
        for place, digest in to_places(rows, look.ground.layout.shards):
            digests[place] = digests.get(place, NOTHING) + digest
    return Told(digests, failed)


def _target(look: Look, host: Host, since: int, ids: Sequence[str], asker: Questions) -> Told:
    if not ids:
        return Told({}, {})
    of_partitions = f"has({literal([*ids])}, {OWN_PARTITION})"
    where = both(
        of_partitions, look.target_bounds(), _from(look.table, quote_identifier(look.table.time), since)
    )
    try:
        rows = asker.rows(host, DIGEST, look.target_params(where))
    except ChtuiError as error:
        return Told({}, {"": error.line})
    return Told(dict(to_places(rows, look.ground.layout.shards)), {})


def _from(table: TableSpec, time: str, since: int) -> str:
    return f"{time} >= {instant(table, since * NANOSECONDS)}"
