"""The servers cases run on: who can be struck, how each is brought back, how a case is told to reach them."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from chtui.demo.cluster import DemoCluster
from chtui.demo.options import DemoOptions
from chtui.demo.selftest.case import Case
from chtui.demo.selftest.cases import EMBEDDED, Setting
from chtui.demo.selftest.oracle import Query
from chtui.demo.selftest.points import SOURCE, TARGETS, WIZARD
from chtui.migrate import statements

CASES, LOCK = "c", "run.lock"
"""In the cluster's directory, which goes when the cluster does: folders of cases; what a run's process holds, so that the warden finds it."""

QUERY_SECONDS = 120.0
"""How long a statement of the oracle may take; a busy machine is no finding."""


@dataclass(frozen=True)
class FaultRig:
    """Two shards of two servers, numbered by shard and replica; v1 is on the first."""

    setting: Setting
    case: Callable[..., Case]
    """`case(folder, name, **fields)`: the case's own folder is made in that one."""
    query: Query
    pid: Callable[[int], int]
    restart: Callable[[int], None]
    """Start a server again that was killed; return when it answers."""
    heal: Callable[[], None]
    """Bring back whatever was killed or hangs."""
    hosts: list[str]
    """Each server as the journal names it."""

    @property
    def name(self) -> str:
        """As results have it."""
        return self.setting.name

    def pids(self, victim: str, number: int = TARGETS[-1]) -> list[int]:
        """Return the processes a victim is, 0 for the run's own; `number` is the server where it is a target."""
        if victim == WIZARD:
            return [0]
        return [self.pid(0 if victim == SOURCE else number)]

    def bring_back(self, victim: str, number: int, is_hung: bool, pids: list[int]) -> None:
        """Let a victim go on, or start it again.

        Raises:
            ChtuiError: it does not come back.
        """
        if is_hung:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
            return
        index = 0 if victim == SOURCE else number
        # Who was struck together with another may have come back with it.
        if not pids or self.pid(index) in pids:
            self.restart(index)

    def version(self) -> str:
        """Return the servers' version.

        Raises:
            ChtuiError: the first does not tell.
        """
        return self.query(0, statements.text("verify_version", {})).strip()


@contextmanager
def embedded(say: Callable[[str], None]) -> Iterator[tuple[FaultRig, Path]]:
    """Start an embedded cluster with nothing on it; give it, and a folder for cases that goes when it does.

    Raises:
        DemoError: it cannot be started.
    """
    with DemoCluster(DemoOptions(shards=2, replicas=2, rows=0, days=1, load=False), say) as demo:
        yield rig_of(demo), demo.info.directory / CASES


def rig_of(demo: DemoCluster) -> FaultRig:
    """Return a running demo of two shards of two replicas as a rig."""
    nodes = demo.nodes

    def case(folder: Path, name: str, **fields: object) -> Case:
        return Case(
            name=name,
            directory=str(folder / name),
            addresses=demo.addresses,
            seeds=[node.http_port for node in nodes],
            source_port=nodes[0].port,
            user="admin",
            password=demo.password("admin"),
            lock=str(demo.info.directory / LOCK),
            **fields,  # type: ignore[arg-type]
        )

    def heal() -> None:
        for node in nodes:
            if node.alive:
                node.resume()
            else:
                node.restart()

    return FaultRig(
        EMBEDDED,
        case,
        lambda number, text: demo.query(number, text, seconds=QUERY_SECONDS),
        lambda number: nodes[number].pid,
        lambda number: nodes[number].restart(),
        heal,
        [f"{node.host_name}:{node.port}" for node in nodes],
    )
