"""Znodes as a person browses them, and the replicas of a table. Every answer is bounded, and says where it was cut."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from chtui.keeper.ddl import host_id, unescape
from chtui.keeper.parse import Peer, hexadecimal, instant, parse_peers, whole
from chtui.keeper.zoo import ENSEMBLE_PATHS, Budget, Stat, Zoo, is_path, missing_path
from chtui.records import HostId
from chtui.records.keeper import HostSession, ReplicaMember, Znode
from chtui.text import plural

MOST_CHILDREN = 500
"""Children whose stat is read."""
MOST_LISTED = 20_000
"""Children from which on even their names are not asked for: the answer would come near ZooKeeper's limit of 1 MiB."""
LONGEST_DATA_BYTES = 64 << 10
MOST_REPLICAS = 200
EPOCH = datetime.fromtimestamp(0, UTC)


class Browsed(NamedTuple):
    """Records and what was left out."""

    rows: tuple[Znode, ...]
    cut: str = ""
    """What was left out, in one line; empty for nothing."""


class Sessions(NamedTuple):
    """The sessions of ClickHouse hosts."""

    rows: tuple[HostSession, ...]
    cut: str = ""


class Replicas(NamedTuple):
    """The replicas of a table."""

    rows: tuple[ReplicaMember, ...]
    cut: str = ""


def browse(zoo: Zoo, path: str, budget: Budget) -> Browsed:
    """Return a znode with its data, then its children by name, without theirs.

    Raises:
        UnavailableError: there is no such znode, or this session may not read it.
        ConnectError: the session was lost.
        DeadlineError: no answer in time.
    """
    budget.take(2)
    (own,) = zoo.data([path], budget)
    if own is None:
        raise missing_path(path)
    data, stat = own
    cut = data[:LONGEST_DATA_BYTES]
    first = znode(path, stat)._replace(data=cut.decode("utf-8", "replace"), is_data_cut=len(cut) < len(data))
    if stat.children > MOST_LISTED:
        return Browsed((first,), f"{stat.children} children are too many to list")
    (names,) = zoo.children([path], budget)
    given = names or []
    kept = given[: budget.take(min(len(given), MOST_CHILDREN))]
    paths = [join(path, name) for name in kept]
    stats = zoo.stats(paths, budget)
    rows = [znode(below, found) for below, found in zip(paths, stats, strict=True) if found is not None]
    note = f"the first {len(kept)} of {len(given)} children" if len(kept) < len(given) else ""
    return Browsed((first, *rows), note)


def znode(path: str, stat: Stat) -> Znode:
    """Return the record of a znode without its data."""
    return Znode(
        path=path,
        name=path.rstrip("/").rpartition("/")[2] or "/",
        children=stat.children,
        data_size_bytes=stat.data_bytes,
        version=stat.version,
        created_at=instant(stat.created_milliseconds) or EPOCH,
        modified_at=instant(stat.modified_milliseconds) or EPOCH,
        ephemeral_owner=owner(stat),
        zxid=hexadecimal(stat.modified_zxid),
    )


def owner(stat: Stat) -> str:
    """Return the session a znode ends with as `0x...`, empty if it stays."""
    return hexadecimal(stat.ephemeral_owner) if stat.ephemeral_owner else ""


def join(path: str, name: str) -> str:
    """Return the path of a child."""
    return f"{path.rstrip('/')}/{name}"


def replica_set(zoo: Zoo, zookeeper_path: str, budget: Budget) -> Replicas:
    """Return the replicas of a Replicated table by its `zookeeper_path`.

    Raises:
        UnavailableError: there is no such table, or this session may not read it.
        ConnectError: the session was lost.
        DeadlineError: no answer in time.
    """
    top = join(zookeeper_path, "replicas")
    budget.take(1)
    (names,) = zoo.children([top], budget)
    if names is None:
        raise missing_path(top)
    kept = names[: min(MOST_REPLICAS, budget.requests // 3)]
    budget.take(3 * len(kept))
    homes = [join(top, name) for name in kept]
    active = zoo.stats([join(home, "is_active") for home in homes], budget)
    pointers = zoo.data([join(home, "log_pointer") for home in homes], budget)
    hosts = zoo.data([join(home, "host") for home in homes], budget)
    rows = [
        _replica(zookeeper_path, name, stat, pointer[0] if pointer else b"", host[0] if host else b"")
        for name, stat, pointer, host in zip(kept, active, pointers, hosts, strict=True)
    ]
    cut = f"the first {len(kept)} of {plural(len(names), 'replica')}" if len(kept) < len(names) else ""
    return Replicas(tuple(rows), cut)


def _replica(
    zookeeper_path: str, name: str, active: Stat | None, pointer: bytes, host: bytes
) -> ReplicaMember:
    values: dict[str, str] = {}
    for line in host.decode("utf-8", "replace").splitlines():
        key, colon, value = line.partition(": ")
        if colon:
            values.setdefault(key, unescape(value))
    return ReplicaMember(
        zookeeper_path=zookeeper_path,
        replica_name=name,
        is_active=active is not None,
        ephemeral_owner=owner(active) if active is not None else "",
        log_pointer=whole(pointer.decode("utf-8", "replace")),
        host=host_id(values.get("host", ""), values.get("tcp_port", "")),
        database=values.get("database", ""),
        table=values.get("table", ""),
    )


def host_sessions(zoo: Zoo, homes: Mapping[HostId, Sequence[str]], budget: Budget) -> Sessions:
    """Return the sessions of hosts by the paths of their replicas, of which each may have several.

    One znode a host is read; another only where that one is not there: a replica may be readonly for a reason of its own.

    Raises:
        UnavailableError: this session may not read one of them.
        ConnectError: the session was lost.
        DeadlineError: no answer in time.
    """
    valid = {host: [path for path in paths if is_path(path)] for host, paths in homes.items()}
    found: dict[HostId, HostSession] = {}
    for turn in range(max(map(len, valid.values()), default=0)):
        asked = [
            (host, paths[turn])
            for host, paths in valid.items()
            if turn < len(paths) and not (host in found and found[host].ephemeral_owner)
        ]
        kept = asked[: budget.take(len(asked))]
        stats = zoo.stats([join(path, "is_active") for _, path in kept], budget)
        for (host, path), stat in zip(kept, stats, strict=True):
            if stat is not None or host not in found:
                found[host] = HostSession(host, path, "" if stat is None else owner(stat))
    cut = f"the first {len(found)} of {plural(len(valid), 'host')}" if len(found) < len(valid) else ""
    return Sessions(tuple(found.values()), cut)


def configured_peers(zoo: Zoo, budget: Budget) -> Sequence[Peer]:
    """Return the ensemble's members by its own configuration znode; empty where there is none or it may not be read.

    Raises:
        UnavailableError: this session may not read it.
        ConnectError: the session was lost.
        DeadlineError: no answer in time.
    """
    budget.take(len(ENSEMBLE_PATHS))
    for found in zoo.data(ENSEMBLE_PATHS, budget):
        if found is not None and (peers := parse_peers(found[0].decode("utf-8", "replace"))):
            return peers
    return ()
