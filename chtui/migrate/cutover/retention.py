"""After the seal: rows of v2 expire, v1 is dropped when its time is over, and chtui's own tables go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from chtui.errors import ChtuiError, MigrateError
from chtui.fleet.literal import Value
from chtui.migrate import ddl, facts, sealed_report
from chtui.migrate.cutover.server import SPOOL_SINCE, now_seconds
from chtui.migrate.expiry import TTL_SINCE, rule_of
from chtui.migrate.hands import DROPPING
from chtui.migrate.hooks import Confirmed
from chtui.migrate.hosts import Host, each
from chtui.migrate.spec import AggregateSpec, Flavour, TableSpec
from chtui.migrate.stand import Stand
from chtui.records import HostId
from chtui.text import format_seconds, one_line

COUNT_SECONDS = 3600.0
EVERY_SECONDS = 0.5
DAY_SECONDS = 86400
DROP_SOURCE = "drop_source"
"""What somebody must confirm before v1 is dropped."""

Say = Callable[[str], None]
Stored = TableSpec | AggregateSpec


@dataclass(frozen=True, slots=True)
class OldRows:
    """Rows that go as soon as the expiry holds."""

    table: str
    host: HostId
    partition_id: str
    rows: int


@dataclass(frozen=True, slots=True)
class Expiring:
    """A table whose rows expire from now on."""

    table: str
    old: tuple[OldRows, ...]
    """What was older already, on every host."""
    partitions: int
    """Partitions whose parts learned their time, over all hosts; those that knew it are left out."""

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {
            "table": self.table,
            "old": [{**asdict(each_of), "host": str(each_of.host)} for each_of in self.old],
            "partitions": self.partitions,
        }


def old_rows(stand: Stand, table: str) -> tuple[OldRows, ...]:
    """Return the rows of a table and its aggregates that are older than their expiry already; nothing is changed.

    Raises:
        MigrateError: there is no such table, or a host does not tell, exit code 3.
    """
    found: list[OldRows] = []
    database = stand.ground.spec.target.database
    for stored in _stored(stand, table):
        expires = rule_of(stored.expires).instant
        if not expires:
            continue
        params = {"table": (database, stored.local), "expires": expires}

        def one(host: Host, params: Any = params) -> Sequence[Sequence[Any]]:
            return host.rows("cutover_expired", params, seconds=COUNT_SECONDS)

        for host, rows in each(stand.ground.hosts.targets, one).items():
            if isinstance(rows, ChtuiError):
                raise _silent(host, rows)
            found += [OldRows(stored.name, host, str(key), int(count)) for key, count in rows]
    return tuple(found)


def expire(stand: Stand, table: str, *, say: Say = lambda _: None) -> Expiring:
    """Set the expiry of a sealed table and of its aggregates, and have every part learn it, one partition at a time.

    May be called again after any end: parts that know their time are left alone.

    Raises:
        MigrateError: it is not sealed, exit code 1; a server cannot, or a host does not tell, exit code 3.
        QueryError, ConnectError: a server failed a statement.
    """
    if table not in stand.facts().sealed:
        raise MigrateError(
            f"{table} is not sealed: rows must not expire yet", fix="wait for the seal", exit_code=1
        )
    wanted = [stored for stored in _stored(stand, table) if stored.expires]
    hosts = stand.ground.hosts.targets
    old = [str(host.id) for host in hosts if host.version < TTL_SINCE]
    if wanted and old:
        raise MigrateError(
            "this version has no TTL", where=", ".join(old), fix="leave out expires in the spec"
        )
    before = old_rows(stand, table)
    for each_of in before:
        say(
            f"{each_of.table} {each_of.partition_id} on {each_of.host}: {each_of.rows} rows are older already and go"
        )
    partitions = 0
    stand.hands.diary.append(facts.EXPIRING, {"table": table, "state": "begun"})
    for stored in wanted:
        item = ddl.expiry(stand.ground.spec, stored)
        assert item is not None
        for host in hosts[:1] if item.params["cluster"] else hosts:
            stand.hands.do(host, item.statement, item.params, tag="expire")
        for host in _mutated(stand):
            partitions += _Expiry(stand, stored, host).all(say)
    rows = sum(each_of.rows for each_of in before)
    stand.hands.diary.append(facts.EXPIRING, {"table": table, "rows_old": rows, "partitions": partitions})
    return Expiring(table, before, partitions)


def _mutated(stand: Stand) -> list[Host]:
    """The hosts a mutation is sent to: one of each shard where replicas pass it on."""
    if stand.ground.spec.target.flavour is Flavour.REPLICATED:
        return [members[0] for members in stand.ground.hosts.shards.values()]
    return list(stand.ground.hosts.targets)


class _Expiry:
    """One table's parts on one host, and on those that follow it."""

    def __init__(self, stand: Stand, stored: Stored, host: Host) -> None:
        self._stand, self._stored, self._host = stand, stored, host
        self._database = stand.ground.spec.target.database
        replicated = stand.ground.spec.target.flavour is Flavour.REPLICATED
        self._witnesses = stand.ground.hosts.shards[host.shard_num] if replicated else (host,)

    def all(self, say: Say) -> int:
        """Return how many partitions were done."""
        done = 0
        for partition in sorted({key for host in self._witnesses for key in self._ignorant(host)[0]}):
            self._stand.progress.gate(f"expire {self._stored.name} {partition}")
            say(f"{self._stored.name} {partition} on {self._host.id}")
            self._stand.hands.do(
                self._host,
                "cutover_materialize_ttl",
                {"table": (self._database, self._stored.local), "partition_id": partition},
                tag="expire",
            )
            for host in self._witnesses:
                self._await(host, partition)
            done += 1
        return done

    def _await(self, host: Host, partition: str) -> None:
        while True:
            left, mutations, failure = self._ignorant(host)
            if failure:
                raise MigrateError(
                    f"{self._stored.local} {partition}: its expiry cannot be applied: {one_line(failure)}",
                    where=str(host.id),
                    fix="see system.mutations there; KILL MUTATION, then ask again",
                    exit_code=1,
                )
            if partition not in left and not mutations:
                return
            if not mutations:
                # Parts that came since the mutation began know their time by themselves; these do not.
                raise MigrateError(
                    f"{self._stored.local} {partition}: parts still know no time at which their rows expire",
                    where=str(host.id),
                    fix="ask again",
                    exit_code=1,
                )
            self._stand.progress.sleep(EVERY_SECONDS)

    def _ignorant(self, host: Host) -> tuple[set[str], int, str]:
        """The partitions with parts that know no time, how many mutations are under way, and what one of them fails at."""
        rows = host.rows("cutover_ttl_parts", {"database": self._database, "table": self._stored.local})
        return (
            {str(key) for key, _, unknown, _, _ in rows if int(unknown)},
            max((int(row[3]) for row in rows), default=0),
            max((str(row[4]) for row in rows), default=""),
        )


# The end of v1


@dataclass(frozen=True, slots=True)
class Dropped:
    """What was dropped of v1."""

    tables: tuple[str, ...]
    kept: tuple[str, ...]
    """What else is in its database: never chtui's to drop."""

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return asdict(self)


def demand_droppable(stand: Stand) -> None:
    """Return where v1 may be dropped.

    Raises:
        MigrateError: it must not be yet, exit code 1; says all reasons.
    """
    known, spec = stand.facts(), stand.ground.spec
    why: list[str] = []
    unsealed = [table.name for table in spec.tables if table.name not in known.sealed]
    if unsealed:
        why.append(f"{', '.join(unsealed)}: nobody has proven that v2 has all rows")
    elif not known.dropped and (lacks := sealed_report.demand(known)):
        # Where some of v1 is gone it was proven; no other report can be made.
        why.append(lacks)
    if known.reads != "v2" or known.reads_at is None:
        why.append("readers are on v1")
    else:
        until = known.reads_at + spec.retention.keep_source_days * DAY_SECONDS
        left = until - now_seconds(stand.ground.hosts.source)
        if left > 0:
            days = spec.retention.keep_source_days
            why.append(f"v1 is kept for {days:g} days after readers moved, {format_seconds(left)} more")
    if "reads_v1" in known.unseen:
        why.append("readers were told to move back to it, and nobody has seen where they are")
    if known.dual_write:
        why.append("writers still write to it")
    elif "dual_write_on" in known.unseen:
        why.append("writers were told to write to it again, and nobody has seen whether they do")
    if known.behind is not None:
        why.append("v2 may lack rows that came while dual writing was being ended")
    if why:
        raise MigrateError(
            f"v1 must not be dropped: {'; '.join(why)}", fix="see chtui migrate status", exit_code=1
        )


def drop_source(stand: Stand, confirmed: Confirmed) -> Dropped:
    """Drop v1's tables of the spec, one by one; may be called again after any end. Nothing else of v1 is touched.

    Raises:
        MigrateError: it must not be dropped yet, or nobody confirmed it, exit code 1.
        QueryError, ConnectError: a server failed a statement.
    """
    demand_droppable(stand)
    if not confirmed(DROP_SOURCE):
        raise MigrateError(
            "dropping v1 cannot be undone, and nobody confirmed it", fix=f"confirm {DROP_SOURCE}", exit_code=1
        )
    spec, host = stand.ground.spec, stand.ground.hosts.source
    database = spec.source.database
    names = list(dict.fromkeys(source.name for table in spec.tables for source in table.sources))
    for name in names:
        stand.progress.gate(f"drop {name}")
        stand.hands.do(
            host,
            "drop_table",
            {"table": (database, name), "settings": ""},
            tag="drop_source",
            settings=DROPPING,
        )
        if name not in stand.facts().dropped:
            stand.hands.diary.append(facts.DROPPED, {"table": name})
    left = [str(row[0]) for row in host.rows("schema_tables", {"database": database})]
    return Dropped(tuple(names), tuple(sorted(left)))


# chtui's own


def cleanup(stand: Stand) -> tuple[str, ...]:
    """Drop everything that served the migration alone, on every host, and return its names; v2's tables stay as they are.

    Of a sealed table that is its Null table, the view behind it and the name it had before; of the run all its own tables.

    Raises:
        MigrateError: rows are still on their way through them, exit code 1; a host does not tell, exit code 3.
        QueryError, ConnectError: a server failed a statement.
    """
    spec, hosts = stand.ground.spec, stand.ground.hosts
    for host in hosts.everyone:
        databases = {spec.target.database} if host in hosts.targets else set()
        databases |= {spec.source.database} if host is hosts.source else set()
        for database in sorted(databases):
            stand.hands.sweep(host, database)
    dropped: set[str] = set()
    # What is on its way on one host needs the tables of all others: no host loses one before all have delivered.
    names = _leftovers(stand)
    _everywhere(stand, partial(_demand_delivered, stand, tuple(names)))
    for name, engine in names.items():
        if any(_everywhere(stand, partial(_drop_leftover, stand, name, engine))):
            dropped.add(name)
    return tuple(sorted(dropped))


def _everywhere(stand: Stand, work: Callable[[Host], bool]) -> list[bool]:
    """Return what work gives on every host of v2.

    Raises:
        MigrateError: it failed on one.
    """
    found: list[bool] = []
    for host, told in each(stand.ground.hosts.targets, work).items():
        if isinstance(told, ChtuiError):
            raise told if isinstance(told, MigrateError) else _silent(host, told)
        found.append(told)
    return found


def _leftovers(stand: Stand) -> dict[str, str]:
    """Names and engines of what is not needed after the seal, in the order in which it goes."""
    spec, sealed = stand.ground.spec, stand.facts().sealed
    tables = [table for table in spec.tables if table.name in sealed]
    aggregates = [each_of for each_of in spec.aggregates if each_of.base in sealed]
    return {
        **{f"{table.name}_unsealed": "Distributed" for table in tables},
        **{each_of.live: "MaterializedView" for each_of in aggregates},
        **{table.live: "MaterializedView" for table in tables},
        **{table.ingest: "Null" for table in tables},
    }


def _drop_leftover(stand: Stand, name: str, engine: str, host: Host) -> bool:
    """Drop a table if it is there and is what it should be; return whether it was."""
    database = stand.ground.spec.target.database
    rows = host.rows("schema_tables", {"database": database})
    if (name, engine) not in {(str(row[0]), str(row[1])) for row in rows}:
        return False
    stand.hands.drop(host, database, name, tag="cleanup")
    return True


def _demand_delivered(stand: Stand, names: Sequence[str], host: Host) -> bool:
    """Raise where a name that goes still has rows to deliver."""
    if host.version < SPOOL_SINCE:
        return True
    params: dict[str, Value] = {"databases": [stand.ground.spec.target.database]}
    for _, table, files, broken, _ in host.rows("preflight_spool", params):
        if table in names and (int(files) or int(broken)):
            raise MigrateError(
                f"{table} still has rows to deliver: {files} files, {broken} broken",
                where=str(host.id),
                fix="have it flushed there, then ask again; nothing was dropped",
                exit_code=1,
            )
    return True


def _stored(stand: Stand, name: str) -> list[Stored]:
    """A table and its aggregates."""
    spec = stand.ground.spec
    table = next((each_of for each_of in spec.tables if each_of.name == name), None)
    if table is None:
        raise MigrateError(
            f"{name} is no table of the spec",
            fix=f"it has {', '.join(each_of.name for each_of in spec.tables)}",
        )
    return [table, *(each_of for each_of in spec.aggregates if each_of.base == name)]


def _silent(host: HostId, error: ChtuiError) -> MigrateError:
    return MigrateError(one_line(error.what), where=str(host), fix=error.fix or "try again", exit_code=3)
