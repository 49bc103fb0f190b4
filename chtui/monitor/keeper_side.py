"""A session's part that has to do with the ensemble: made when a screen first wants something of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING

from chtui.clock import Clock
from chtui.monitor.keeper_probes import (
    CONNECTION,
    HOST_SESSIONS,
    KEEPER_PROBES,
    MEMBER_PROBES,
    REPLICA_PATHS,
)
from chtui.monitor.scheduler import Want
from chtui.monitor.store import EMPTY, Store
from chtui.profile.model import Intervals, Profile
from chtui.records import KEEPER, HostId

if TYPE_CHECKING:
    from chtui.monitor.keeper_watch import KeeperWatch
    from chtui.records.keeper import KeeperMember

ROLL_SECONDS = 3.0
"""How long one question waits for hosts to name a member of the ensemble where the profile names none."""


class KeeperSide:
    """Asks the ensemble what screens want of it, and nothing before they do."""

    def __init__(
        self, profile: Profile, intervals: Intervals, store: Store, clock: Clock, changed: Callable[[], None]
    ) -> None:
        self._profile = profile
        self._interval_seconds = intervals.keeper
        self._store = store
        self._clock = clock
        self._changed = changed
        self._watch: KeeperWatch | None = None
        self._paused = False
        self._began = 0.0

    def want(self, owner: str, wants: Collection[Want]) -> None:
        """Let `owner` want exactly the probes of the ensemble among these."""
        wanted = [want for want in wants if want.probe in KEEPER_PROBES]
        if self._watch is None and wanted:
            self._watch, self._began = self._made(), self._clock.monotonic()
            self._watch.paused = self._paused
            self._watch.start()
        if self._watch is not None:
            self._watch.want(owner, wanted)

    def pause(self, paused: bool) -> None:
        """Ask nothing any more, or go on."""
        self._paused = paused
        if self._watch is not None:
            self._watch.paused = paused

    def hasten(self) -> None:
        """Ask everything that is wanted at once."""
        if self._watch is not None:
            self._watch.hasten()

    def stop(self) -> None:
        """Ask nothing any more; returns at once."""
        if self._watch is not None:
            self._watch.stop()

    @property
    def members(self) -> tuple[KeeperMember, ...]:
        """The known members and how they answer; none before anything was wanted."""
        return self._watch.members if self._watch is not None else ()

    @property
    def error(self) -> str:
        """A fault of chtui's own in one line, empty for none."""
        return self._watch.error if self._watch is not None else ""

    def is_complete(self, wants: Collection[Want]) -> bool:
        """Return whether everything wanted of the ensemble has been answered or has failed once."""
        for want in wants:
            if want.probe not in KEEPER_PROBES:
                continue
            hosts = [member.host for member in self.members] if want.probe in MEMBER_PROBES else [KEEPER]
            if not hosts and self._clock.monotonic() - self._began > ROLL_SECONDS:
                continue  # Nobody names a member: there is nothing to wait for.
            if not hosts or any(self._store.get(host, want.key) is None for host in hosts):
                return False
            if want.probe == HOST_SESSIONS and not self._are_hosts_found():
                return False
        return True

    def _are_hosts_found(self) -> bool:
        """Whether the sessions of all hosts that do not tell them have been looked for, well or not."""
        sample = self._store.get(KEEPER, HOST_SESSIONS) or EMPTY
        ended = bool(sample.error or sample.unavailable or sample.missing)
        return ended or {row.host for row in sample.rows} >= set(self._homes())

    def _made(self) -> KeeperWatch:
        from chtui.monitor.keeper_watch import KeeperWatch

        profile = self._profile
        return KeeperWatch(
            [(endpoint.host, endpoint.port) for endpoint in profile.keeper],
            self._told,
            self._store,
            self._clock,
            self._changed,
            interval_seconds=self._interval_seconds,
            ddl_queue_path=profile.ddl_queue_path,
            root=profile.keeper_root,
            admin_port=profile.keeper_admin_port,
            homes=self._homes,
        )

    def _told(self) -> Iterator[HostId]:
        """The members that ClickHouse hosts have sessions with."""
        for (_, key), sample in self._store.at().items():
            if key == CONNECTION:
                yield from (HostId(row.host, row.port) for row in sample.rows)

    def _homes(self) -> dict[HostId, tuple[str, ...]]:
        """The hosts that do not tell of their sessions themselves, each with paths of its replicas."""
        return {
            host: tuple(row.replica_path for row in sample.rows)
            for (host, key), sample in self._store.at().items()
            if key == REPLICA_PATHS and sample.rows
        }
