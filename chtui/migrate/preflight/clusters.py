"""The target cluster and v1's entry as every host knows them: shards, weights, internal_replication, macros."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from chtui.migrate.hosts import Host
from chtui.migrate.preflight.findings import Finding, Kind, blocker, note, warning
from chtui.migrate.preflight.look import Look
from chtui.migrate.spec import DdlMode, Flavour, Spec
from chtui.records import HostId

OWN_MACROS = frozenset(("database", "table", "uuid"))
"""What stands in braces in a Keeper path and is no macro of the server's configuration."""
MACRO = re.compile(r"\{(\w+)\}")


class Replica(NamedTuple):
    """One replica of one cluster, as a host's configuration has it."""

    cluster: str
    shard_num: int
    weight: int
    replica_num: int
    host: HostId
    internal_replication: bool | None
    """None where the server does not tell."""


def check(look: Look) -> None:
    """Compare what all target hosts say of the clusters, and of their macros."""
    target, source = look.spec.target.cluster, look.spec.source.cluster
    layouts = look.each(look.targets, f"cluster {target}", lambda host: _replicas(look, host))
    look.add(judge_cluster(look.spec, layouts))
    look.add(judge_replication(look.spec, layouts))
    if source:
        look.add(judge_source_entry(source, layouts))
    if look.spec.target.flavour is Flavour.REPLICATED:
        macros = look.each(look.targets, "macros", _macros)
        shards = {host.id: host.shard_num for host in look.targets}
        look.add(judge_macros(look.spec, macros, shards))


def judge_cluster(spec: Spec, layouts: Mapping[HostId, Sequence[Replica]]) -> list[Finding]:
    """All hosts must know the target cluster alike: the sharding key's slots come from weights and order."""
    name = spec.target.cluster
    found = []
    seen: dict[tuple[tuple[int, int, int, HostId], ...], HostId] = {}
    for host, replicas in layouts.items():
        own = [each for each in replicas if each.cluster == name]
        if not own:
            remedy = "add it to remote_servers of this host: chtui config render writes it"
            found.append(
                blocker(Kind.CLUSTER, name, host, f"this host does not know cluster {name}", remedy=remedy)
            )
            continue
        seen.setdefault(tuple((r.shard_num, r.weight, r.replica_num, r.host) for r in own), host)
    if len(seen) > 1:
        told = "; ".join(f"{host}: {_layout(layout)}" for layout, host in seen.items())
        remedy = "give all hosts the same remote_servers: rows would go to other shards by way of each"
        found.append(
            blocker(
                Kind.CLUSTER,
                name,
                None,
                "the hosts know the cluster differently",
                evidence=told,
                remedy=remedy,
            )
        )
    for layout in list(seen)[:1]:
        found += _judge_weights(name, layout)
        shards = {shard for shard, *_ in layout}
        found.append(
            note(
                Kind.CLUSTER,
                name,
                None,
                f"{len(shards)} shards, {len(layout)} replicas",
                evidence=_layout(layout),
            )
        )
    return found


def judge_replication(spec: Spec, layouts: Mapping[HostId, Sequence[Replica]]) -> list[Finding]:
    """Whether a Distributed table writes one replica of a shard, or all, must fit the engine of the tables below it."""
    name, replicated = spec.target.cluster, spec.target.flavour is Flavour.REPLICATED
    found = []
    for host, replicas in layouts.items():
        own = [each for each in replicas if each.cluster == name]
        shards = {each.shard_num for each in own}
        if len(own) <= len(shards):
            continue  # one replica each: nothing is written twice, or only once of two
        told = {each.internal_replication for each in own}
        wanted = "true" if replicated else "false"
        remedy = f"set internal_replication to {wanted} for every shard: chtui config render writes it"
        if None in told:
            what = "this version does not tell internal_replication: nobody can see it from outside"
            fix = f"look into its remote_servers: it must be {wanted} for every shard"
            found.append(warning(Kind.INTERNAL_REPLICATION, name, host, what, remedy=fix))
        elif replicated and False in told:
            what = "internal_replication is false over Replicated tables: every row is written to all replicas, and replicated too"
            found.append(blocker(Kind.INTERNAL_REPLICATION, name, host, what, remedy=remedy))
        elif not replicated and True in told:
            what = "internal_replication is true over plain tables: every row reaches one replica of its shard only"
            found.append(blocker(Kind.INTERNAL_REPLICATION, name, host, what, remedy=remedy))
    return found


def judge_source_entry(name: str, layouts: Mapping[HostId, Sequence[Replica]]) -> list[Finding]:
    """v1's entry must be one server: of two shards each has its own rows, and two that are one give every row twice."""
    found = []
    for host, replicas in layouts.items():
        own = [each for each in replicas if each.cluster == name]
        shards = {each.shard_num for each in own}
        if not own:
            remedy = "add an entry of one shard and one replica: chtui config render writes it"
            found.append(
                blocker(
                    Kind.ROUTE,
                    name,
                    host,
                    f"this host does not know {name}, by which it should read v1",
                    remedy=remedy,
                )
            )
        elif len(shards) > 1:
            what = f"{name} has {len(shards)} shards: what they have in common would be read as often"
            remedy = "list replicas in one shard ({a|b} in remote(), not {a,b}); one v1 server has one shard"
            found.append(
                blocker(
                    Kind.ROUTE,
                    name,
                    host,
                    what,
                    evidence=_layout([(r.shard_num, r.weight, r.replica_num, r.host) for r in own]),
                    remedy=remedy,
                )
            )
        elif len(own) > 1:
            what = f"{name} has {len(own)} replicas: slices may be read from different ones, which may differ"
            found.append(
                warning(Kind.ROUTE, name, host, what, remedy="leave the one which source.host names")
            )
    return found


def judge_macros(
    spec: Spec, macros: Mapping[HostId, Mapping[str, str]], shards: Mapping[HostId, int]
) -> list[Finding]:
    """Within a shard all Keeper paths are one and all replica names differ; two shards never share a path."""
    path, replica = spec.target.keeper_path, spec.target.replica
    needed = (set(MACRO.findall(path)) | set(MACRO.findall(replica))) - OWN_MACROS
    found = []
    places: dict[HostId, tuple[str, str]] = {}
    for host, own in macros.items():
        lacking = sorted(needed - own.keys())
        for name in lacking:
            remedy = "set it in the server's configuration: chtui config render writes it"
            found.append(blocker(Kind.MACRO, name, host, f"this host has no macro {name}", remedy=remedy))
        if not lacking:
            places[host] = (filled(path, own), filled(replica, own))
    for host, (place, name) in places.items():
        for other, (other_place, other_name) in places.items():
            if str(other) <= str(host):
                continue
            pair = f"{host} and {other}"
            evidence = f"{place} as {name}, {other_place} as {other_name}"
            remedy = "set the macros of each host in its configuration: chtui config render writes them"
            if shards[host] == shards[other] and place != other_place:
                what = f"{pair} are of one shard but would not replicate: their Keeper paths differ"
            elif shards[host] == shards[other] and name == other_name:
                what = f"{pair} would be the same replica"
            elif shards[host] != shards[other] and place == other_place:
                what = f"{pair} are of two shards but would be replicas of each other"
            else:
                continue
            found.append(blocker(Kind.MACRO, "", host, what, evidence=evidence, remedy=remedy))
    return found


def filled(text: str, macros: Mapping[str, str]) -> str:
    """Return a text with a server's macros put in; what it does not know stays."""
    return MACRO.sub(lambda match: macros.get(match[1], match[0]), text)


def macros_of(host: Host) -> dict[str, str]:
    """Return a server's macros.

    Raises:
        QueryError, ConnectError: it cannot be asked.
    """
    return _macros(host)


def needs_keeper(spec: Spec) -> bool:
    """Return whether the migration needs Keeper on the target hosts at all."""
    return spec.target.flavour is Flavour.REPLICATED or spec.target.ddl is DdlMode.ON_CLUSTER


def _judge_weights(name: str, layout: Sequence[tuple[int, int, int, HostId]]) -> list[Finding]:
    weights = {shard: weight for shard, weight, *_ in layout}
    if not any(weights.values()):
        return [
            blocker(
                Kind.CLUSTER,
                name,
                None,
                "all shards have weight 0: no row would go anywhere",
                remedy="set weights",
            )
        ]
    if len(set(weights.values())) > 1:
        told = ", ".join(f"shard {shard}: {weight}" for shard, weight in weights.items())
        return [
            warning(
                Kind.CLUSTER,
                name,
                None,
                "the shards' weights differ, and so will their share of rows",
                evidence=told,
            )
        ]
    return []


def _layout(layout: Sequence[tuple[int, int, int, HostId]]) -> str:
    return ", ".join(f"{shard}/{replica} {host} weight {weight}" for shard, weight, replica, host in layout)


def _replicas(look: Look, host: Host) -> list[Replica]:
    names = [name for name in (look.spec.target.cluster, look.spec.source.cluster) if name]
    rows = host.rows(
        "preflight_clusters",
        {"clusters": [*names]},
        absent=look.absent(host, "system.clusters.internal_replication"),
    )
    return [
        Replica(
            str(cluster),
            int(shard),
            int(weight),
            int(replica),
            HostId(str(name), int(port)),
            None if internal is None else bool(internal),
        )
        for cluster, shard, weight, replica, name, port, internal in rows
    ]


def _macros(host: Host) -> dict[str, str]:
    return {str(name): str(value) for name, value in host.rows("preflight_macros")}
