"""What tests of several rooms need: profiles of the rigs, waiting, a store filled by hand."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, Protocol, TypeVar

from chtui.demo import DemoCluster, DemoOptions
from chtui.profile.endpoint import Endpoint
from chtui.profile.model import Credentials, Intervals, Profile, Thresholds, Tls, Ui
from chtui.profile.options import Effective
from chtui.profile.secret import Secret
from chtui.session import Session

CLUSTER = "appsentry_cluster"
SOURCE_CLUSTER = "otel_v1"
"""The modern rig's first host alone."""
T = TypeVar("T")


def replace(record: T, **changes: Any) -> T:
    """Return a copy of a record, named tuple or dataclass, with other values in some fields."""
    if isinstance(record, tuple):
        return record._replace(**changes)  # type: ignore[attr-defined,no-any-return]
    return dataclasses.replace(record, **changes)  # type: ignore[type-var]


class Node(Protocol):
    """One server of the modern rig, whatever runs it."""

    def suspend(self) -> None: ...
    def resume(self) -> None: ...
    def kill(self) -> None: ...
    def restart(self) -> None: ...


@dataclass
class ModernRig:
    """Two shards of two hosts of the newest ClickHouse."""

    nodes: list[Node]
    ports: list[int]
    """Native ports, in the order of shard and replica."""
    http_ports: list[int]
    query: Callable[..., str]
    """`query(index, sql, user="admin")`."""
    password: Callable[[str], str]
    is_alive: Callable[[int], bool]

    def heal(self) -> None:
        """Resume what is suspended, restart what is dead."""
        for index, node in enumerate(self.nodes):
            if self.is_alive(index):
                node.resume()
            else:
                node.restart()

    def addresses(self) -> dict[str, str]:
        """The address of every host, as a profile's `http_addresses` has it."""
        return {
            f"127.0.0.1:{port}": f"127.0.0.1:{http}"
            for port, http in zip(self.ports, self.http_ports, strict=True)
        }

    def effective(self, user: str = "oncall", **changes: Any) -> Effective:
        """Settings that lead to the whole rig as `user`; `changes` are fields of the profile."""
        fields = {
            "seeds": tuple(Endpoint("127.0.0.1", port) for port in self.http_ports),
            "http_addresses": MappingProxyType(self.addresses()),
            **changes,
        }
        return effective(user, self.password(user), **fields)


def effective(
    user: str,
    password: str,
    *,
    seeds: tuple[Endpoint, ...],
    cluster: str | None = CLUSTER,
    tls: Tls | None = None,
    access: Literal["direct", "through"] = "direct",
    http_addresses: Mapping[str, str] = MappingProxyType({}),
    intervals: Intervals | None = None,
    name: str = "rig",
) -> Effective:
    """Settings made by hand, with no file and no environment."""
    profile = Profile(
        name=name,
        seeds=seeds,
        cluster=cluster,
        credentials=Credentials(user, Secret.literal(password, "test")),
        tls=tls or Tls(),
        access=access,
        http_addresses=http_addresses,
    )
    return Effective(profile, Ui(), intervals or Intervals(), Thresholds(), ())


@contextmanager
def demo_rig(directory: Path) -> Iterator[ModernRig]:
    """The embedded cluster as a rig."""
    with DemoCluster(DemoOptions(directory=directory / "demo", rows=2000, load=False)) as demo:
        yield rig_of(demo)


def rig_of(demo: DemoCluster) -> ModernRig:
    """A demo that runs, as a rig."""
    return ModernRig(
        nodes=list(demo.nodes),
        ports=[node.port for node in demo.nodes],
        http_ports=[node.http_port for node in demo.nodes],
        query=demo.query,
        password=demo.password,
        is_alive=lambda index: demo.nodes[index].alive,
    )


@contextmanager
def server_rig(directory: Path) -> Iterator[ModernRig]:
    """The user's own server binary as a rig, on a ZooKeeper of one."""
    from tests.rigs.servers import ServerCluster, server_binary
    from tests.rigs.zookeeper import ZooKeeperQuorum

    zookeeper = ZooKeeperQuorum(directory, size=1)
    servers = ServerCluster(directory, server_binary(), zookeeper.hosts)
    try:
        zookeeper.start()
        servers.start()
        servers.wait_whole()
        yield ModernRig(
            nodes=[node.process for node in servers.nodes],
            ports=[node.tcp_port for node in servers.nodes],
            http_ports=[node.http_port for node in servers.nodes],
            query=lambda index, sql, user="admin": servers.query(servers.nodes[index], sql, user=user),
            password=lambda user: servers.passwords[user],
            is_alive=lambda index: servers.nodes[index].process.is_alive,
        )
    finally:
        servers.stop()
        zookeeper.stop()


def wait_until(seen: Callable[[], Any], seconds: float = 20.0, what: str = "the condition") -> Any:
    """Return what `seen` returns once it is true; fail after so many seconds."""
    deadline = time.monotonic() + seconds
    while not (found := seen()):
        assert time.monotonic() < deadline, f"{what} was not seen within {seconds:.0f} s"
        time.sleep(0.02)
    return found


def started(found: Effective, into: list[Session]) -> Session:
    """A session that monitors, to be stopped by the fixture whose list is given."""
    session = Session(found)
    into.append(session)
    session.start()
    return session


def fast(found: Effective, **seconds: float) -> Effective:
    """The same settings with other intervals."""
    return replace(
        found, intervals=Intervals(**{"host_state": 1.0, "replicas": 1.0, "metrics": 1.0, **seconds})
    )
