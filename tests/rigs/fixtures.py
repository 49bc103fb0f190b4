"""Pytest fixtures of the rigs; the project's conftest names this module in `pytest_plugins`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, cast

import pytest

from tests.rigs.forwarder import SettingsForwarder
from tests.rigs.impostors import PlainHttpServer
from tests.rigs.server_config import Flavour
from tests.rigs.servers import ServerCluster, ServerNode, server_binary
from tests.rigs.zookeeper import ZooKeeperQuorum

T = TypeVar("T")


@dataclass
class _Running:
    name: str
    rig: object
    context: AbstractContextManager[object]


_running: _Running | None = None


def exclusive(name: str, starter: Callable[[], AbstractContextManager[T]]) -> T:
    """The running rig of that name; where another one runs it is stopped first, for only one is up at a time.

    Ask again in every test (from a function-scoped fixture): what was returned earlier may be stopped by now.
    """
    global _running
    if _running is None or _running.name != name:
        stop_running_rig()
        context = starter()
        _running = _Running(name, context.__enter__(), context)
    return cast(T, _running.rig)


def stop_running_rig() -> None:
    """Stop the rig that is up, if one is."""
    global _running
    if _running is not None:
        stopping, _running = _running, None
        stopping.context.__exit__(None, None, None)


def pytest_sessionfinish() -> None:
    """Leave nothing running after the last test."""
    stop_running_rig()


@dataclass(frozen=True)
class ReplicatedCluster:
    """Two shards of two servers with real replication, on a ZooKeeper quorum of three."""

    servers: ServerCluster
    zookeeper: ZooKeeperQuorum
    forwarders: list[SettingsForwarder]
    """One for each server, in their order; none where the servers need none."""

    @property
    def http_ports(self) -> list[int]:
        """The HTTP ports of the servers, in their order, as chtui is to see them."""
        return [forwarder.port for forwarder in self.forwarders] or [
            node.http_port for node in self.servers.nodes
        ]

    def http_port(self, node: ServerNode) -> int:
        """The HTTP port of one server as chtui is to see it."""
        return self.http_ports[self.servers.nodes.index(node)]

    def heal(self) -> None:
        """Bring back whatever was killed, suspended, cut or stalled."""
        for keeper in self.zookeeper.nodes:
            if keeper.process.is_suspended:
                keeper.process.kill()  # not resumed: see ZooKeeperQuorum.lose_quorum
            if not keeper.process.is_alive:
                keeper.process.start()
        # First: 18.16 crashes on ON CLUSTER where its DDL worker found no quorum when the server started.
        self.zookeeper.wait_for_quorum()
        for node in self.servers.nodes:
            if node.process.is_suspended:
                node.process.resume()
            elif not node.process.is_alive:
                node.process.start()
        for forwarder in self.forwarders:
            forwarder.restore()
        self.servers.wait_ready()
        self.servers.wait_whole()


@contextmanager
def replicated_rig(directory: Path, shards: int = 2, replicas: int = 2) -> Iterator[ReplicatedCluster]:
    """Start the replicated rig in an empty directory, and stop it at the end."""
    zookeeper = ZooKeeperQuorum(directory)
    servers = ServerCluster(directory, server_binary(), zookeeper.hosts, shards, replicas)
    needs_forwarders = servers.flavour is Flavour.LEGACY
    forwarders = [SettingsForwarder(node.http_port) for node in servers.nodes] if needs_forwarders else []
    try:
        zookeeper.start()
        servers.start()
        for forwarder in forwarders:
            forwarder.start()
        servers.wait_whole()
        yield ReplicatedCluster(servers, zookeeper, forwarders)
    finally:
        for forwarder in forwarders:
            forwarder.stop()
        servers.stop()
        zookeeper.stop()


@pytest.fixture
def replicated_cluster(tmp_path_factory: pytest.TempPathFactory) -> ReplicatedCluster:
    """The replicated rig, up and whole; tables that earlier tests made are still there."""
    cluster = exclusive("replicated", lambda: replicated_rig(tmp_path_factory.mktemp("replicated")))
    cluster.heal()
    return cluster


@pytest.fixture
def plain_http_server() -> Iterator[PlainHttpServer]:
    """A web server that is not ClickHouse."""
    with PlainHttpServer() as server:
        yield server
