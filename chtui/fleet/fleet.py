"""The hosts of one cluster: who they are, where they are asked, and how they answer.

One thread owns a fleet; what others see are the frozen statuses it hands out.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from chtui.clock import Clock
from chtui.errors import ChtuiError, ConfigError, ConnectError
from chtui.fleet.cache import AddressCache
from chtui.fleet.lane import Outcome
from chtui.fleet.link import Link
from chtui.fleet.liveness import Liveness
from chtui.fleet.topology import Address, address_of, choose, match_host, match_ports
from chtui.profile.endpoint import Endpoint
from chtui.profile.model import Profile
from chtui.records import Cluster, ClusterReplica, HostId, HostState, HostStatus

CORRECTABLE = (HostState.MISMATCH, HostState.REFUSED, HostState.NOT_CLICKHOUSE, HostState.DOWN)
"""States that may come from a wrong guess of the host's HTTP address."""


@dataclass
class Target:
    """Something a link leads to: one host, or with `access = "through"` the gateway to all of them."""

    key: HostId
    link: Link
    hosts: tuple[HostId, ...]
    liveness: Liveness = field(default_factory=Liveness)
    discover_at: float = 0.0
    """Monotonic instant before which it is not asked again what it has."""
    discovered_at: float = 0.0
    """Monotonic instant at which it told what it has."""
    overdue: dict[str, str] = field(default_factory=dict)
    """Probe to the `query_id` of its query that missed its deadline and may still run."""
    killed: set[str] = field(default_factory=set)
    """Those of them a KILL QUERY was sent for."""
    late: dict[str, str] = field(default_factory=dict)
    """Probe to error, for data probes whose last call missed its deadline while the host answers otherwise."""


@dataclass
class Entry:
    """One host of the cluster."""

    replica: ClusterReplica
    liveness: Liveness = field(default_factory=Liveness)
    version: str = ""


class Fleet:
    """All hosts of one cluster."""

    def __init__(
        self,
        profile: Profile,
        clock: Clock,
        slow_seconds: float,
        ended: Callable[[Outcome], None],
        cache: AddressCache | None = None,
    ) -> None:
        self.profile = profile
        self.cluster: Cluster | None = None
        self.error: ChtuiError | None = None
        """Why there is no cluster; None before the first try and after success."""
        self.targets: dict[HostId, Target] = {}
        self.entries: dict[HostId, Entry] = {}
        self.seeds_left: deque[Endpoint] = deque()
        """Seeds to ask in this round."""
        self.seeds_asked: list[Link] = []
        """Seeds that have not told the topology yet, nor failed to."""
        self.clusters: tuple[str, ...] = ()
        """Names of all clusters the seed knows."""
        self._clock = clock
        self._slow_seconds = slow_seconds
        self._ended = ended
        self._cache = cache or AddressCache(f"{profile.name} {profile.seeds} {profile.cluster}")
        self._cached = self._cache.load() if profile.access == "direct" else {}

    @property
    def is_through(self) -> bool:
        """Whether all hosts are asked through one."""
        return self.profile.access == "through"

    # Finding the cluster

    def seed_endpoints(self) -> list[Endpoint]:
        """Return where to ask for the topology: the seeds, then addresses proven in earlier runs."""
        from chtui.profile.endpoint import parse_endpoint

        known = list(self.profile.seeds)
        for address in self._cached.values():
            try:
                endpoint = parse_endpoint(address, known[0].port, "address cache")
            except ConfigError:
                continue
            if endpoint not in known:
                known.append(endpoint)
        return known

    def seed_link(self, endpoint: Endpoint) -> Link:
        """Return a new link to a seed whose identity is not known yet."""
        link = Link(self.profile, Address(endpoint, "seed"), None, "", self._ended)
        self.seeds_asked.append(link)
        return link

    def found(self, clusters: Mapping[str, Cluster], seed: Link) -> None:
        """Take the topology a seed told; the first one makes the hosts, a later one corrects them.

        Raises:
            UsageError: the wanted cluster is not among them.
        """
        self.clusters = tuple(sorted(clusters))
        wanted = self.cluster.name if self.cluster else self.profile.cluster
        cluster = choose(clusters, wanted, str(seed.address.endpoint))
        self.error = None
        self.cluster = cluster
        gone = set(self.entries) - set(cluster.hosts)
        self._place(cluster)
        if self.is_through:
            self._take_through(cluster, seed)
            return
        local = [replica.host for replica in cluster.replicas if replica.is_local]
        for host in cluster.hosts:
            if host in self.targets:
                continue
            if local == [host] and seed.host is None:
                self._adopt(host, seed)
            else:
                self._aim(host, address_of(host, self.profile, seed.address.endpoint, self._cached))
        for host in gone:
            self._drop(host)

    def _place(self, cluster: Cluster) -> None:
        """Put every host where the cluster has it first; what is known of it stays."""
        first: dict[HostId, ClusterReplica] = {}
        for replica in cluster.replicas:
            first.setdefault(replica.host, replica)
        old = self.entries
        self.entries = {
            host: replace(old[host], replica=place) if host in old else Entry(place)
            for host, place in first.items()
        }

    def _take_through(self, cluster: Cluster, seed: Link) -> None:
        key = HostId(seed.address.endpoint.host, seed.address.endpoint.port)
        if not self.targets:
            self.targets[key] = Target(key, seed, cluster.hosts)
        else:
            next(iter(self.targets.values())).hosts = cluster.hosts

    def _aim(self, host: HostId, address: Address) -> None:
        assert self.cluster is not None
        link = Link(self.profile, address, host, self.cluster.name, self._ended)
        self.targets[host] = Target(host, link, (host,))

    def _adopt(self, host: HostId, seed: Link) -> None:
        """A seed that has proven which host it is keeps its connection."""
        assert self.cluster is not None
        seed.address = Address(seed.address.endpoint, "proven")
        seed.host, seed.cluster = host, self.cluster.name
        self.targets[host] = Target(host, seed, (host,))

    def _drop(self, host: HostId) -> None:
        target = self.targets.pop(host, None)
        if target:
            target.link.close()

    # Addresses

    def correctable(self) -> bool:
        """Return whether a host is in trouble that a wrong guess of its address may explain."""
        return self.profile.access == "direct" and any(
            not target.link.address.is_firm and target.liveness.state in CORRECTABLE
            for target in self.targets.values()
        )

    def correct(self, rows: Iterable[Sequence[object]]) -> list[HostId]:
        """Aim hosts in trouble at the HTTP ports their peers told; return those that got another address."""
        assert self.cluster is not None
        moved: list[HostId] = []
        for host, http_port in match_ports(self.cluster, rows).items():
            target = self.targets.get(host)
            if target is None or target.link.address.is_firm or target.liveness.state not in CORRECTABLE:
                continue
            endpoint = Endpoint(host.host_name, http_port)
            if endpoint != target.link.address.endpoint:
                target.link.close()
                self._aim(host, Address(endpoint, "discovered"))
                moved.append(host)
        return moved

    def remember(self) -> None:
        """Keep the addresses that hosts have proven, for the next run."""
        proven = {
            str(host): str(target.link.address.endpoint)
            for host, target in self.targets.items()
            if target.liveness.state.answers and target.link.address.origin != "profile"
        }
        if self.profile.access == "direct" and proven and proven.items() - self._cached.items():
            self._cached = {**self._cached, **proven}
            self._cache.save(self._cached)

    @property
    def notes(self) -> tuple[str, ...]:
        """Things the user should know that are no host's fault."""
        return (self._cache.problem,) if self._cache.problem else ()

    # How hosts answer

    def answered(self, target: Target, seconds: float, version: str) -> bool:
        """Note that a target answered its liveness call; return whether it had not before."""
        if self.targets.get(target.key) is not target:
            return False
        returned = not target.liveness.state.answers
        target.liveness = target.liveness.answered(self._clock.now(), seconds, self._slow_seconds)
        target.link.is_hung = False
        if self.profile.access == "direct":
            entry = self.entries[target.key]
            entry.liveness, entry.version = target.liveness, version
        return returned

    def answered_through(self, target: Target, seconds: float, versions: Mapping[HostId, str]) -> None:
        """Note which hosts answered through the gateway; the others are named as missing."""
        for host, entry in self.entries.items():
            if host in versions:
                entry.liveness = entry.liveness.answered(self._clock.now(), seconds, self._slow_seconds)
                entry.version = versions[host]
            else:
                error = ConnectError(
                    "down", f"did not answer through {target.link.address.endpoint}", where=str(host)
                )
                entry.liveness = entry.liveness.failed(self._clock.now(), self._clock.monotonic(), error, 0.0)

    def failed(self, target: Target, error: ChtuiError) -> None:
        """Note that a target's liveness call failed."""
        if self.targets.get(target.key) is not target:
            return
        target.liveness = target.liveness.failed(
            self._clock.now(), self._clock.monotonic(), error, random.random()
        )
        target.link.is_hung = target.liveness.state is HostState.HUNG
        for host in target.hosts:
            self.entries[host].liveness = target.liveness._replace(
                answered_at=self.entries[host].liveness.answered_at
            )

    def host_of(self, shard_num: int, display_name: str, tcp_port: int) -> HostId | None:
        """Return the host that answered through the gateway with this shard, name and native port; None if unsure."""
        return match_host(self.cluster, shard_num, display_name, tcp_port) if self.cluster else None

    def peer_missing(self, host: HostId) -> bool:
        """Return whether another replica of the host's shard is known not to answer."""
        shard = self.entries[host].replica.shard_num
        return any(
            other != host
            and entry.replica.shard_num == shard
            and not entry.liveness.state.answers
            and entry.liveness.state is not HostState.CONNECTING
            for other, entry in self.entries.items()
        )

    def statuses(self) -> tuple[HostStatus, ...]:
        """Return every host's status, in the order of shard and replica."""
        return tuple(self._status(host, entry) for host, entry in self.entries.items())

    def _status(self, host: HostId, entry: Entry) -> HostStatus:
        target = self.targets.get(host) or next(iter(self.targets.values()))
        capabilities = target.link.capabilities
        liveness = entry.liveness
        state, error = liveness.state, liveness.error
        if state is HostState.UP and target.late:
            state, error = HostState.SLOW, next(iter(target.late.values()))
        return HostStatus(
            id=host,
            shard_num=entry.replica.shard_num,
            replica_num=entry.replica.replica_num,
            address=str(target.link.address.endpoint) if self.profile.access == "direct" else "",
            state=state,
            since=liveness.since,
            error=error,
            answered_at=liveness.answered_at,
            round_trip_seconds=liveness.round_trip_seconds,
            version=entry.version,
            sees_all_tables=capabilities.sees_all_tables if capabilities else None,
            readonly_level=capabilities.readonly_level if capabilities else None,
        )

    def close(self) -> None:
        """Drop every lane; nothing is waited for."""
        for link in [*self.seeds_asked, *(target.link for target in self.targets.values())]:
            link.close()
