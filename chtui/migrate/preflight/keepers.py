"""What the target hosts have of Keeper: whether it answers, paths that are taken, the DDL queue, replicas that cannot be written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from chtui.errors import QueryError
from chtui.keeper.ddl import ENTRY, QUOTED, parse_entry, readable_host, unescape
from chtui.migrate import ddl
from chtui.migrate.hosts import Host
from chtui.migrate.preflight import clusters
from chtui.migrate.preflight.findings import Finding, Kind, blocker, note, warning
from chtui.migrate.preflight.look import Look, stored_by
from chtui.migrate.spec import DdlMode, Flavour, Spec
from chtui.records import HostId

DDL_PATH = "/clickhouse/task_queue/ddl"
"""Where the queue is unless told otherwise. Source: `distributed_ddl.path` of ClickHouse's own configuration file."""
NEWEST_ENTRIES = 30
"""Entries looked at: hosts run them one after the other, so what holds the queue up is among the newest not finished."""
NO_NODE = "No node"
"""What servers say of a path that is not there. Source: ZooKeeper's ZNONODE, seen on 18.16."""


class Place(NamedTuple):
    """Where one host's replica of one table will be in Keeper."""

    host: HostId
    table: str
    path: str
    replica: str


class Replica(NamedTuple):
    """A Replicated table that a host has."""

    database: str
    table: str
    path: str
    replica: str
    is_readonly: bool
    is_session_expired: bool


class Entry(NamedTuple):
    """One statement of the DDL queue that is not finished everywhere."""

    name: str
    query: str
    waiting: tuple[str, ...]
    """The hosts that have not run it, as `host:port`."""


def check(look: Look) -> None:
    """Look at Keeper by way of the target hosts, where the spec needs it."""
    if not clusters.needs_keeper(look.spec):
        return
    able = []
    for host in look.targets:
        if look.has(host, "system.zookeeper"):
            able.append(host)
        else:
            what = "this host has no Keeper configured, which the spec needs (engine or ddl)"
            remedy = 'configure <zookeeper>, or set engine = "plain" and ddl = "per_host"'
            look.add([blocker(Kind.KEEPER, "", host.id, what, remedy=remedy)])
    answering = look.each(able, "Keeper", lambda host: children(host, "/"))
    hosts = [host for host in able if host.id in answering]
    databases = [look.spec.target.database, look.spec.source.database]
    replicas = look.each(able, "Replicated tables", lambda host: _replicas(host, databases))
    for host_id, own in replicas.items():
        look.add(judge_replicas(host_id, own))
    if look.spec.target.flavour is Flavour.REPLICATED:
        macros = look.each(hosts, "macros", clusters.macros_of)
        places = [place for host in macros for place in places_of(look.spec, host, macros[host])]
        taken = look.each(hosts, "Keeper paths", lambda host: _taken(host, places))
        look.add(judge_paths(places, taken, replicas))
    if look.spec.target.ddl is DdlMode.ON_CLUSTER and hosts:
        told = look.one(hosts[0], "the DDL queue", lambda host: _queue(look, host))
        if told is not None:
            look.add(judge_queue(told[0], told[1], {host.id for host in look.all_targets}))


def places_of(spec: Spec, host: HostId, macros: Mapping[str, str]) -> list[Place]:
    """Return where a host's replicas of v2's tables will be."""
    return [
        Place(
            host,
            each.local,
            clusters.filled(ddl.keeper_path(spec, each.local), macros).rstrip("/"),
            clusters.filled(spec.target.replica, macros),
        )
        for each in stored_by(spec)
    ]


def judge_replicas(host: HostId, replicas: Sequence[Replica]) -> list[Finding]:
    """A replica that cannot be written stops the migration at its first row."""
    return [
        blocker(
            Kind.REPLICA,
            f"{each.database}.{each.table}",
            host,
            "this replica is read-only"
            + (": its Keeper session has expired" if each.is_session_expired else ""),
            evidence=f"{each.path} as {each.replica}",
            remedy="see why in system.replicas and the server's log; SYSTEM RESTART REPLICA once Keeper is back",
        )
        for each in replicas
        if each.is_readonly
    ]


def judge_paths(
    places: Sequence[Place],
    taken: Mapping[HostId, Mapping[str, Sequence[str]]],
    replicas: Mapping[HostId, Sequence[Replica]],
) -> list[Finding]:
    """A Keeper path must be free, or hold the replicas of these very tables."""
    found = []
    expected = {(place.path, place.replica) for place in places}
    for place in places:
        names = taken.get(place.host, {}).get(place.path)
        if names is None:
            continue
        ours = any(
            (each.table, each.path, each.replica) == (place.table, place.path, place.replica)
            for each in replicas.get(place.host, ())
        )
        if place.replica in names and not ours:
            what = f"replica {place.replica} is at this path already, of a table this host does not have"
            remedy = "drop what is left of it (SYSTEM DROP REPLICA), or choose another keeper_path"
            found.append(
                blocker(Kind.KEEPER_PATH, place.table, place.host, what, evidence=place.path, remedy=remedy)
            )
        foreign = [name for name in names if (place.path, name) not in expected]
        if foreign:
            what = f"replicas of others are at this path: {', '.join(foreign)}"
            remedy = "choose another keeper_path: the tables would be replicas of each other"
            found.append(
                blocker(Kind.KEEPER_PATH, place.table, place.host, what, evidence=place.path, remedy=remedy)
            )
    if places and not found and {place.host for place in places} == taken.keys():
        found.append(
            note(Kind.KEEPER_PATH, "", None, f"{len({p.path for p in places})} Keeper paths are free or ours")
        )
    return found


def judge_queue(path: str, entries: Sequence[Entry] | None, targets: set[HostId]) -> list[Finding]:
    """Hosts run the queue's statements in their order: whatever waits there holds up what the migration sends."""
    if entries is None:
        what = f"there is no DDL queue at {path}: nothing was sent with ON CLUSTER yet, or it is elsewhere"
        remedy = "send a harmless statement ON CLUSTER and see that every host runs it"
        return [warning(Kind.DDL_QUEUE, "", None, what, remedy=remedy)]
    wanted = {str(host) for host in targets}
    waiting = [(entry, sorted(wanted & set(entry.waiting))) for entry in entries]
    found = [
        blocker(
            Kind.DDL_QUEUE,
            entry.name,
            None,
            f"a statement waits in the DDL queue for {', '.join(hosts)}",
            evidence=entry.query,
            remedy="bring the host back or see why it does not run it; a time-out of ON CLUSTER is no failure: it may still run",
        )
        for entry, hosts in waiting
        if hosts
    ]
    return found or [note(Kind.DDL_QUEUE, "", None, "no statement waits in the DDL queue", evidence=path)]


def children(host: Host, path: str) -> list[tuple[str, str]] | None:
    """Return names and values below a path of Keeper, as a host sees it; None where there is no such path.

    Raises:
        QueryError, ConnectError: the host cannot tell.
    """
    try:
        rows = host.rows("preflight_keeper_children", {"path": path})
    except QueryError as error:
        if NO_NODE in error.what:
            return None
        raise
    return [(str(name), str(value)) for name, value in rows]


def _replicas(host: Host, databases: list[str]) -> list[Replica]:
    rows = host.rows("preflight_replicas", {"databases": [*databases]})
    return [
        Replica(str(database), str(table), str(path).rstrip("/"), str(name), bool(readonly), bool(expired))
        for database, table, path, name, readonly, expired in rows
    ]


def _taken(host: Host, places: Sequence[Place]) -> dict[str, list[str]]:
    """The replicas' names at each path of the host's tables that exists."""
    found = {}
    for place in places:
        if place.host == host.id:
            names = children(host, f"{place.path}/replicas")
            if names:
                found[place.path] = [name for name, _ in names]
    return found


def _queue(look: Look, host: Host) -> tuple[str, list[Entry] | None]:
    path = DDL_PATH
    if look.has(host, "system.server_settings"):
        for (value,) in host.rows("preflight_ddl_path"):
            path = str(value).rstrip("/")
    names = children(host, path)
    if names is None:
        return path, None
    newest = sorted(((n, v) for n, v in names if ENTRY.fullmatch(n)), reverse=True)[:NEWEST_ENTRIES]
    return path, [entry for name, value in newest if (entry := _entry(host, path, name, value)).waiting]


def _entry(host: Host, path: str, name: str, value: str) -> Entry:
    fields = parse_entry(value)
    hosts = {readable_host(unescape(text)) for text in QUOTED.findall(fields.get("hosts", ""))}
    ended = {readable_host(text) for text, _ in children(host, f"{path}/{name}/finished") or ()}
    return Entry(name, unescape(fields.get("query", "")), tuple(sorted(hosts - ended)))
