"""The two rigs of the fault matrix behind one face: who can be struck, how each is brought back, how a case is told to reach them."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.rigs.fixtures import ReplicatedCluster, replicated_rig
from tests.rigs.migrating import Case
from tests.rigs.processes import wait_until
from tests.support import ModernRig, demo_rig

SHARDS = ((0, 1), (2, 3))
"""The servers' numbers by shard and replica, on both rigs."""
MODERN, REPLICATED = "modern", "replicated"
DEATH_SECONDS = 30.0
WIZARD, SOURCE, TARGET, KEEPER, QUORUM = "wizard", "source", "target", "keeper", "quorum"
"""Who is struck: the run itself; v1's server, which is the initiator too; another server; Keeper's leader; most of Keeper."""
TARGETS = (1, 2, 3)
"""The servers that only receive."""


def modern_case(rig: ModernRig, directory: Path, name: str, **fault: Any) -> Case:
    """Return a case on the embedded cluster."""
    return Case(
        name=name,
        directory=str(directory / name),
        addresses=rig.addresses(),
        seeds=rig.http_ports,
        source_port=rig.ports[0],
        user="admin",
        password=rig.password("admin"),
        **fault,
    )


def replicated_case(rig: ReplicatedCluster, directory: Path, name: str, **fault: Any) -> Case:
    """Return a case on the replicated cluster."""
    nodes = rig.servers.nodes
    return Case(
        name=name,
        directory=str(directory / name),
        addresses={f"127.0.0.1:{node.tcp_port}": f"127.0.0.1:{rig.http_port(node)}" for node in nodes},
        seeds=rig.http_ports,
        source_port=nodes[0].tcp_port,
        user="admin",
        password=rig.servers.passwords["admin"],
        flavour="replicated",
        ddl="on_cluster",
        source_cluster="v1",
        **fault,
    )


def asking(rig: ReplicatedCluster) -> Callable[[int, str], str]:
    """Return what asks the server with a number."""
    return lambda index, text: rig.servers.query(rig.servers.nodes[index], text, "admin")


@dataclass(frozen=True)
class FaultRig:
    """A rig as the matrix needs it."""

    name: str
    case: Callable[..., Case]
    """`case(directory, name, **fields)`."""
    query: Callable[[int, str], str]
    pid: Callable[[int], int]
    restart: Callable[[int], None]
    """Start a server again that was killed, once it is dead; return when it answers."""
    heal: Callable[[], None]
    http_ports: list[int]
    hosts: list[str]
    """Each server as the journal names it."""
    keeper_pids: Callable[[], list[int]]
    """The leader, then the others; empty where there is no Keeper."""

    def pids(self, victim: str, number: int = TARGETS[-1]) -> list[int]:
        """Return the processes a victim is; `number` is the server where it is a target."""
        match victim:
            case "wizard":
                return [0]
            case "source":
                return [self.pid(0)]
            case "target":
                return [self.pid(number)]
            case "keeper":
                return self.keeper_pids()[:1]
            case _:
                return self.keeper_pids()[1:]

    def bring_back(self, victim: str, number: int, is_hung: bool, pids: list[int]) -> None:
        """Let a victim go on, or start it again."""
        if is_hung:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
        elif victim in (SOURCE, TARGET):
            self.restart(0 if victim == SOURCE else number)
        else:
            self.heal()

    def version(self) -> str:
        """The servers' version."""
        return self.query(0, "SELECT version()").strip()


@contextmanager
def modern_faults(directory: Path) -> Iterator[FaultRig]:
    """Start the embedded cluster."""
    with demo_rig(directory) as rig:

        def pid(index: int) -> int:
            found: int = rig.nodes[index].pid  # type: ignore[attr-defined]
            return found

        def restart(index: int) -> None:
            wait_until(lambda: not rig.is_alive(index), DEATH_SECONDS, "its end")
            rig.nodes[index].restart()

        yield FaultRig(
            MODERN,
            lambda folder, name, **fault: modern_case(rig, folder, name, **fault),
            lambda index, text: str(rig.query(index, text)),
            pid,
            restart,
            rig.heal,
            rig.http_ports,
            [f"127.0.0.1:{port}" for port in rig.ports],
            list,
        )


@contextmanager
def replicated_faults(directory: Path) -> Iterator[FaultRig]:
    """Start the replicated cluster with its Keeper."""
    with replicated_rig(directory) as rig:
        nodes = rig.servers.nodes

        def restart(index: int) -> None:
            wait_until(lambda: not nodes[index].process.is_alive, DEATH_SECONDS, "its end")
            rig.heal()

        def keepers() -> list[int]:
            leader = rig.zookeeper.leader()
            others = [node for node in rig.zookeeper.nodes if node is not leader]
            return [leader.process.pid, *(node.process.pid for node in others)]

        yield FaultRig(
            REPLICATED,
            lambda folder, name, **fault: replicated_case(rig, folder, name, **fault),
            asking(rig),
            lambda index: nodes[index].process.pid,
            restart,
            rig.heal,
            rig.http_ports,
            [f"127.0.0.1:{node.tcp_port}" for node in nodes],
            keepers,
        )


RIGS = {MODERN: modern_faults, REPLICATED: replicated_faults}
