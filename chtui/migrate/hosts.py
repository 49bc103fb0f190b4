"""The servers of a migration, each asked directly, by whoever needs them, on connections of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple, TypeVar

from chtui import sql
from chtui.errors import (
    ChtuiError,
    ConnectError,
    DeadlineError,
    MigrateError,
    QueryError,
    UnreachableError,
    UsageError,
)
from chtui.fleet.cache import AddressCache
from chtui.fleet.driver import Answer, Driver, parse_version, query_id_prefix, query_ids
from chtui.fleet.link import prove_identity
from chtui.fleet.literal import Value
from chtui.fleet.topology import address_of, choose, to_clusters
from chtui.migrate.statements import shaped
from chtui.profile.endpoint import Endpoint
from chtui.profile.model import Profile
from chtui.records import Cluster, ClusterReplica, HostId
from chtui.sql import Statement

T = TypeVar("T")
LOGIN_SECONDS = 8.0
READ_SECONDS = 60.0
COMMAND_SECONDS = 180.0
"""How long a statement that changes something may take, unless told otherwise. Source: `distributed_ddl_task_timeout`."""
READS = f"{query_id_prefix()}migrate-"
"""What the ids of this process's questions begin with."""
IDS = query_ids("read", READS)

AWAY = ("down", "refused")
"""Kinds of `ConnectError` of a server that may come back."""

Connect = Callable[[], Driver]


class Host:
    """One server. Any thread may ask it; threads that ask at the same time do so on connections of their own."""

    def __init__(self, host: HostId, shard_num: int, connect: Connect) -> None:
        self.id = host
        self.shard_num = shard_num
        """0 where the host is none of the target cluster's."""
        self._connect = connect
        self._free: list[Driver] = []
        self._lock = threading.Lock()
        self._version: tuple[int, ...] | None = None
        self._known: dict[str, bool] = {}

    @property
    def version(self) -> tuple[int, ...]:
        """The server's version.

        Raises:
            ConnectError: it cannot be asked.
        """
        if self._version is None:
            self._version = self._call(lambda driver: parse_version(driver.version))
        return self._version

    def known(self, settings: Mapping[str, int | str]) -> dict[str, int | str]:
        """Return those of some settings that this server knows.

        Raises:
            ConnectError, QueryError: it cannot be asked.
        """
        new: list[Value] = [name for name in settings if name not in self._known]
        if new:
            told = {str(name) for (name,) in self.rows("settings_known", {"names": new})}
            self._known.update({str(name): name in told for name in new})
        return {name: value for name, value in settings.items() if self._known[name]}

    def rows(
        self,
        name: str,
        params: Mapping[str, Value] | None = None,
        *,
        seconds: float = READ_SECONDS,
        settings: Mapping[str, int | str] | None = None,
        query_id: str = "",
        absent: frozenset[str] = frozenset(),
    ) -> Sequence[Sequence[Any]]:
        """Return the rows a statement of `sql/migrate` gives; `name` may be in another folder, as `monitor/topology`.

        `absent` are optional columns (`database.table.column`) this server lacks.

        Raises:
            QueryError: the server refused or failed it.
            ConnectError: the server cannot be asked.
            ValueError: the parameters do not fit.
        """
        statement, values = shaped(name, params or {})
        sent = query_id or next(IDS)
        return self._call(
            lambda driver: (
                driver.read(
                    statement, values, query_id=sent, seconds=seconds, settings=settings, absent=absent
                ).rows
            )
        )

    def run(
        self,
        name: str,
        params: Mapping[str, Value] | None = None,
        *,
        query_id: str = "",
        seconds: float = COMMAND_SECONDS,
        settings: Mapping[str, int | str] | None = None,
        body: bytes | None = None,
    ) -> None:
        """Run a statement that changes something. Every setting must be known to the server. `body` are the rows of an INSERT.

        Raises:
            QueryError: the server refused or failed it; with code 0 nobody knows what became of it.
            ConnectError: the server cannot be asked; unless `kind` is another than `down`, nobody knows what became of it.
            ValueError: the parameters do not fit.
        """
        statement, values = shaped(name, params or {})
        sent = query_id or next(IDS)
        self._call(
            lambda driver: driver.command(
                statement, values, query_id=sent, seconds=seconds, settings=settings, body=body
            )
        )

    def raw(
        self,
        name: str,
        params: Mapping[str, Value],
        *,
        output_format: str,
        seconds: float = READ_SECONDS,
    ) -> bytes:
        """Return what a statement gives in a format of ClickHouse's.

        Raises:
            QueryError, ConnectError, ValueError: as of `rows`.
        """
        statement, values = shaped(name, params)
        sent = next(IDS)
        return self._call(
            lambda driver: driver.raw(
                statement, values, query_id=sent, seconds=seconds, output_format=output_format
            )
        )

    def answer(
        self, text: str, *, query_id: str = "", seconds: float, settings: Mapping[str, int | str]
    ) -> Answer:
        """Return what a SELECT of the spec gives, as it stands there, and what it cost.

        Raises:
            QueryError: the server refused or failed it.
            ConnectError: the server cannot be asked.
        """
        sent = query_id or next(IDS)
        statement = Statement("spec", text, "a query of the spec")
        return self._call(
            lambda driver: driver.read(statement, {}, query_id=sent, seconds=seconds, settings=settings)
        )

    def close(self) -> None:
        """Drop all connections. What still runs on the server goes on there."""
        with self._lock:
            free, self._free = self._free, []
        for driver in free:
            driver.close()

    def _call(self, work: Callable[[Driver], T]) -> T:
        with self._lock:
            driver = self._free.pop() if self._free else None
        driver = driver or self._connect()
        try:
            result = work(driver)
        except (ConnectError, DeadlineError):
            driver.close()
            # Those that wait would be waited for in vain one after another; a new one is refused within seconds.
            self.close()
            raise
        except BaseException:
            self._keep(driver)
            raise
        self._keep(driver)
        return result

    def _keep(self, driver: Driver) -> None:
        with self._lock:
            self._free.append(driver)


class Hosts(NamedTuple):
    """All servers of one migration."""

    source: Host
    """v1's."""
    targets: tuple[Host, ...]
    """All hosts of the target cluster, by shard and replica."""

    @property
    def shards(self) -> dict[int, tuple[Host, ...]]:
        """The target hosts by shard number."""
        numbers = dict.fromkeys(host.shard_num for host in self.targets)
        return {
            number: tuple(host for host in self.targets if host.shard_num == number) for number in numbers
        }

    @property
    def everyone(self) -> tuple[Host, ...]:
        """The target hosts, and v1's where it is none of them."""
        return self.targets if self.source in self.targets else (*self.targets, self.source)

    def host(self, wanted: HostId) -> Host:
        """Return one host.

        Raises:
            KeyError: there is none of that name.
        """
        return {host.id: host for host in self.everyone}[wanted]

    def close(self) -> None:
        """Drop all connections."""
        for host in self.everyone:
            host.close()


def each(hosts: Sequence[Host], work: Callable[[Host], T]) -> dict[HostId, T | ChtuiError]:
    """Return what `work` gives for every host, or the error it ended with; hosts are worked on side by side.

    `work` must bound itself in time: all of it is waited for.
    """

    def one(host: Host) -> T | ChtuiError:
        try:
            return work(host)
        except ChtuiError as error:
            return error

    with ThreadPoolExecutor(max(1, len(hosts)), thread_name_prefix="hosts") as pool:
        return dict(zip([host.id for host in hosts], pool.map(one, hosts), strict=True))


def is_away(error: BaseException | None) -> bool:
    """Return whether an error says that a server does not answer now, and nothing else that waiting would not mend."""
    if isinstance(error, ConnectError):
        return error.kind in AWAY
    if isinstance(error, QueryError):
        return not error.code
    return isinstance(error, DeadlineError) or (
        isinstance(error, UnreachableError) and is_away(error.__cause__)
    )


def connect(profile: Profile, cluster: str, source: HostId, source_profile: Profile | None = None) -> Hosts:
    """Return the hosts of the target cluster and v1's; nothing but the topology is asked yet.

    They are asked as the profile's second user, where it has one. `source_profile` leads to v1 where the profile in
    use does not.

    Raises:
        UnreachableError: no seed told the topology.
        UsageError: there is no such cluster.
        MigrateError: v1's host is no host of the cluster it should be in.
    """
    found, seed = _topology(profile, cluster)
    targets = tuple(
        Host(replica.host, replica.shard_num, _connector(profile, found, replica.host, seed))
        for replica in _first_of_each(found)
    )
    by_id = {host.id: host for host in targets}
    if source_profile is None:
        if source not in by_id:
            raise MigrateError(
                f"v1's host {source} is no host of cluster {found.name}",
                where="source.host",
                fix="name one of its hosts, or in source.profile the profile that leads there",
            )
        return Hosts(by_id[source], targets)
    return Hosts(source_host(source_profile, source), targets)


def source_host(profile: Profile, source: HostId) -> Host:
    """Return v1's host alone, of the profile's own cluster; nothing but the topology is asked yet.

    Raises:
        UnreachableError, UsageError, MigrateError: as of `connect`.
    """
    found, seed = _topology(profile, profile.cluster)
    if source not in found.hosts:
        raise MigrateError(
            f"v1's host {source} is no host of cluster {found.name} of profile {profile.name}",
            where="source.host",
            fix="name one of its hosts",
        )
    return Host(source, 0, _connector(profile, found, source, seed))


def first_host(profile: Profile) -> tuple[str, HostId]:
    """Return the name and the first host of the profile's cluster.

    Raises:
        UnreachableError: no seed told the topology.
        UsageError: there is no such cluster.
    """
    found, _ = _topology(profile, profile.cluster)
    return found.name, found.hosts[0]


def _first_of_each(cluster: Cluster) -> list[ClusterReplica]:
    found: dict[HostId, ClusterReplica] = {}
    for replica in cluster.replicas:
        found.setdefault(replica.host, replica)
    return list(found.values())


def _topology(profile: Profile, wanted: str | None) -> tuple[Cluster, Endpoint]:
    """The cluster as the first seed tells it that answers."""
    troubles: list[ChtuiError] = []
    for seed in profile.seeds:
        try:
            driver = _driver(profile, seed)
            try:
                answer = driver.read(
                    sql.load("monitor/topology"), {}, query_id=next(IDS), seconds=LOGIN_SECONDS
                )
            finally:
                driver.close()
            return choose(to_clusters(answer.rows), wanted, str(seed)), seed
        except UsageError:
            raise
        except ChtuiError as error:
            troubles.append(error)
    raise UnreachableError(
        troubles[0].what if troubles else "the profile names no host",
        where=troubles[0].where if troubles else profile.name,
        fix=troubles[0].fix if troubles else "add hosts",
    ) from (troubles[0] if troubles else None)


def _connector(profile: Profile, cluster: Cluster, host: HostId, seed: Endpoint) -> Connect:
    cached = AddressCache(f"{profile.name} {profile.seeds} {profile.cluster}").load()
    return partial(_proven, profile, cluster.name, host, address_of(host, profile, seed, cached).endpoint)


def _proven(profile: Profile, cluster: str, host: HostId, endpoint: Endpoint) -> Driver:
    driver = _driver(profile, endpoint)
    try:
        prove_identity(driver, host, cluster, str(endpoint))
    except BaseException:
        driver.close()
        raise
    return driver


def _driver(profile: Profile, endpoint: Endpoint) -> Driver:
    return Driver(
        endpoint,
        profile.write or profile.credentials,
        profile.tls,
        connect_seconds=profile.connect_timeout_seconds,
        seconds=LOGIN_SECONDS,
        # /ping first: a host that hangs would run every login query sent meanwhile once it wakes.
        ping_first=True,
    )
