"""The rigs of the fault matrix: the self test's own, and the replicated one, where Keeper can be struck too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chtui import errors
from chtui.demo.selftest.cases import EMBEDDED, MODERN, Setting
from chtui.demo.selftest.points import SOURCE, TARGET, TARGETS, WIZARD
from chtui.demo.selftest.rig import FaultRig, embedded
from tests.rigs.fixtures import ReplicatedCluster, replicated_rig
from tests.rigs.migrating import Case
from tests.rigs.processes import wait_until
from tests.rigs.servers import QueryError
from tests.support import ModernRig

KEEPER, QUORUM = "keeper", "quorum"
"""Keeper's leader; most of Keeper."""
REPLICATED = Setting(
    "replicated",
    (WIZARD, SOURCE, TARGET, KEEPER),
    (SOURCE, TARGET, QUORUM),
    (*EMBEDDED.together, (WIZARD, KEEPER), (TARGET, KEEPER)),
    is_per_host=False,
)
DEATH_SECONDS = 30.0
NOT_EMPTY = "Directory not empty"


def modern_case(rig: ModernRig, directory: Path, name: str, **fields: Any) -> Case:
    """Return a case on the embedded cluster."""
    return Case(
        name=name,
        directory=str(directory / name),
        addresses=rig.addresses(),
        seeds=rig.http_ports,
        source_port=rig.ports[0],
        user="admin",
        password=rig.password("admin"),
        **fields,
    )


def replicated_case(rig: ReplicatedCluster, directory: Path, name: str, **fields: Any) -> Case:
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
        **fields,
    )


def asking(rig: ReplicatedCluster) -> Callable[[int, str], str]:
    """Return what asks the server with a number."""

    def ask(index: int, text: str) -> str:
        node = rig.servers.nodes[index]
        try:
            return rig.servers.query(node, text, "admin")
        except QueryError as error:
            # 18.16 keeps the folder where a thread wrote into it meanwhile; the database is gone all the same.
            if NOT_EMPTY not in error.text or not text.startswith("DROP DATABASE"):
                raise
            return rig.servers.query(node, text, "admin")

    return ask


@dataclass(frozen=True)
class KeeperRig(FaultRig):
    """A rig that has a Keeper."""

    keeper_pids: Callable[[], list[int]] = list
    """The leader, then the others."""

    def pids(self, victim: str, number: int = TARGETS[-1]) -> list[int]:
        """Return the processes a victim is; `number` is the server where it is a target."""
        if victim == KEEPER:
            return self.keeper_pids()[:1]
        return self.keeper_pids()[1:] if victim == QUORUM else super().pids(victim, number)

    def bring_back(self, victim: str, number: int, is_hung: bool, pids: list[int]) -> None:
        """Let a victim go on, or start it again."""
        if is_hung or victim in (SOURCE, TARGET):
            super().bring_back(victim, number, is_hung, pids)
        else:
            self.heal()


@contextmanager
def modern_faults(directory: Path) -> Iterator[FaultRig]:
    """Start the self test's own rig; `directory` is of no use to it."""
    with embedded(lambda _: None) as (rig, _):
        yield rig


@contextmanager
def replicated_faults(directory: Path) -> Iterator[FaultRig]:
    """Start the replicated cluster with its Keeper."""
    with replicated_rig(directory) as rig:
        nodes, ask = rig.servers.nodes, asking(rig)

        def query(index: int, text: str) -> str:
            try:
                return ask(index, text)
            except QueryError as error:
                raise errors.QueryError(error.text, code=error.code or 0, where=nodes[index].name) from error

        def restart(index: int) -> None:
            wait_until(lambda: not nodes[index].process.is_alive, DEATH_SECONDS, "its end")
            rig.heal()

        def keepers() -> list[int]:
            leader = rig.zookeeper.leader()
            others = [node for node in rig.zookeeper.nodes if node is not leader]
            return [leader.process.pid, *(node.process.pid for node in others)]

        yield KeeperRig(
            REPLICATED,
            lambda folder, name, **fields: replicated_case(rig, folder, name, **fields),
            query,
            lambda index: nodes[index].process.pid,
            restart,
            rig.heal,
            [f"127.0.0.1:{node.tcp_port}" for node in nodes],
            keepers,
        )


RIGS: dict[str, Callable[[Path], AbstractContextManager[FaultRig]]] = {
    MODERN: modern_faults,
    REPLICATED.name: replicated_faults,
}
SETTINGS = {MODERN: EMBEDDED, REPLICATED.name: REPLICATED}
