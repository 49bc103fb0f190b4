"""Clusters out of `system.clusters`, the choice of one, and which HTTP address a host has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from chtui.errors import UsageError
from chtui.profile.endpoint import Endpoint, parse_endpoint
from chtui.profile.model import Profile
from chtui.records import Cluster, ClusterReplica, HostId
from chtui.text import one_line


class Address(NamedTuple):
    """Where a host is asked over HTTP, and how that is known."""

    endpoint: Endpoint
    origin: str
    """`profile`, `proven` (it answered there as itself), `discovered` (a peer told), `cache` or `seed port`."""

    @property
    def is_firm(self) -> bool:
        """Whether the user or the host itself said so; anything else may be corrected by discovery."""
        return self.origin in ("profile", "proven")


def to_clusters(rows: Iterable[Sequence[object]]) -> dict[str, Cluster]:
    """Return the clusters in the rows of `monitor/topology`, by name."""
    found: dict[str, list[ClusterReplica]] = {}
    for cluster, shard_num, replica_num, host_name, port, is_local in rows:
        host = HostId(str(host_name), int(str(port)))
        replica = ClusterReplica(
            str(cluster), int(str(shard_num)), int(str(replica_num)), host, bool(is_local)
        )
        found.setdefault(replica.cluster, []).append(replica)
    return {name: Cluster(name, tuple(replicas)) for name, replicas in found.items()}


def choose(clusters: Mapping[str, Cluster], wanted: str | None, where: str) -> Cluster:
    """Return the wanted cluster; without a wish the largest one that holds the asked server itself, then by name.

    Raises:
        UsageError: there is no such cluster, or none at all.
    """
    if wanted is not None:
        if wanted in clusters:
            return clusters[wanted]
        names = ", ".join(one_line(name, 60) for name in sorted(clusters)) or "none"
        raise UsageError(
            f"cluster '{one_line(wanted, 60)}' does not exist; the server knows: {names}",
            where=where,
            fix="choose one with --cluster",
        )
    if not clusters:
        raise UsageError("the server knows no cluster", where=where, fix="define one in remote_servers")
    own = [cluster for cluster in clusters.values() if any(replica.is_local for replica in cluster.replicas)]
    return min(own or clusters.values(), key=lambda cluster: (-len(cluster.hosts), cluster.name))


def address_of(host: HostId, profile: Profile, seed: Endpoint, cached: Mapping[str, str]) -> Address:
    """Return where to ask a host: what the profile says, an address proven in an earlier run, or the seed's port.

    Raises:
        ConfigError: the profile's template makes no address of the host's name.
    """
    told = profile.http_address(host.host_name, host.port)
    if told is not None:
        return Address(told, "profile")
    if str(host) in cached:
        return Address(parse_endpoint(cached[str(host)], seed.port, "address cache"), "cache")
    return Address(Endpoint(host.host_name, seed.port), "seed port")


def match_ports(cluster: Cluster, rows: Iterable[Sequence[object]]) -> dict[HostId, int]:
    """Return the HTTP port of each host that the rows of `monitor/http_ports` tell without doubt."""
    found: dict[HostId, int] = {}
    for shard_num, display_name, tcp_port, http_port in rows:
        host = match_host(cluster, int(str(shard_num)), str(display_name), int(str(tcp_port)))
        if host is not None:
            found[host] = int(str(http_port))
    return found


def match_host(cluster: Cluster, number: int, display_name: str, tcp_port: int) -> HostId | None:
    """Return the host of the cluster behind one row of `clusterAllReplicas`; None if unsure.

    `number` is the row's `_shard_num`: that function makes every replica a shard of its own, numbered from 1 in the
    cluster's order (seen on 26.9). The native port the host tells of itself must agree; else port and name decide.
    """
    hosts = [replica.host for replica in cluster.replicas]
    if 1 <= number <= len(hosts) and hosts[number - 1].port == tcp_port:
        return hosts[number - 1]
    same = {host for host in hosts if host.port == tcp_port}
    if len(same) == 1:
        return same.pop()
    named = {host for host in same if _same_name(host.host_name, display_name)}
    return named.pop() if len(named) == 1 else None


def _same_name(host_name: str, display_name: str) -> bool:
    """`hostName()` is often the short form of the name in the cluster's definition, or the other way round."""
    first, second = host_name.lower(), display_name.lower()
    return first == second or first.startswith(second + ".") or second.startswith(first + ".")
