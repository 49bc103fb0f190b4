"""A watch of the rig's ensemble, and what a test asks of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from chtui.clock import SystemClock
from chtui.keeper.ensemble import Verdict, verdict
from chtui.monitor.keeper_watch import KeeperWatch
from chtui.monitor.scheduler import Want
from chtui.monitor.store import EMPTY, Store
from chtui.records import KEEPER, HostId, Sample
from chtui.records.keeper import KeeperMember, MemberState
from tests.rigs.server_config import CHROOT, DDL_PATH
from tests.rigs.zookeeper import ZooKeeperNode

INTERVAL_SECONDS = 0.3


NODE, SESSIONS, QUEUE = Want("keeper_node"), Want("keeper_sessions"), Want("ddl_queue")


def znode(path: str) -> Want:
    """The wish for a znode."""
    return Want("znode", args=(("path", path),))


def replica_set(path: str) -> Want:
    """The wish for the replicas of a table."""
    return Want("replica_set", args=(("zookeeper_path", path),))


def host_of(node: ZooKeeperNode) -> HostId:
    """A member as the watch names it."""
    return HostId("127.0.0.1", node.client_port)


class Watched:
    """A running watch with its store."""

    def __init__(
        self, listed: Iterable[tuple[str, int]], told: Iterable[HostId] = (), **options: Any
    ) -> None:
        self.told = list(told)
        self.store = Store()
        self.changes = 0
        self.watch = KeeperWatch(
            list(listed),
            lambda: self.told,
            self.store,
            SystemClock(),
            self._changed,
            **{"interval_seconds": INTERVAL_SECONDS, "root": CHROOT, "ddl_queue_path": DDL_PATH, **options},
        )
        self.watch.start()

    def _changed(self) -> None:
        self.changes += 1

    def want(self, *wishes: Want) -> None:
        """Want exactly these."""
        self.watch.want("test", wishes)

    def sample(self, wish: Want, host: HostId = KEEPER) -> Sample:
        """The last sample."""
        assert self.watch.error == ""
        return self.store.get(host, wish.key) or EMPTY

    def rows(self, wish: Want, host: HostId = KEEPER) -> tuple[Any, ...]:
        """The last good rows, none while the last attempt failed."""
        found = self.sample(wish, host)
        return () if found.error or found.unavailable else found.rows

    @property
    def verdict(self) -> Verdict:
        """What the members' states mean."""
        return verdict(self.watch.members)

    def member(self, host: HostId) -> KeeperMember:
        """One member."""
        return next(found for found in self.watch.members if found.host == host)

    def state(self, host: HostId) -> MemberState:
        """How one member answers."""
        return self.member(host).state
