"""What keeps samples of the ensemble fresh: one lane for each member, one for the session that reads znodes.

One thread hands out what is due and files what comes back; it never waits for a member. A member that hangs holds its own
lane only, and is not asked again before what it was asked has ended.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from chtui.clock import Clock
from chtui.errors import UnavailableError
from chtui.fleet.lane import Call, Lane, Outcome
from chtui.keeper import member
from chtui.keeper.ensemble import Quorum, verdict
from chtui.keeper.reader import CONNECT_SECONDS, ZNODE_SECONDS, Reader
from chtui.keeper.roll import Entry, Roll, backoff_seconds, said_by
from chtui.monitor.keeper_probes import HOST_SESSIONS, MEMBER_PROBES, ZNODE_PROBES
from chtui.monitor.keeper_track import Track
from chtui.monitor.scheduler import Want
from chtui.monitor.store import Store
from chtui.profile.model import DDL_QUEUE_PATH
from chtui.records import KEEPER, Cost, HostId, Sample
from chtui.records.keeper import KeeperMember
from chtui.text import one_line

MEMBERS = "keeper_members"
"""What the states of all members are stored under, with `KEEPER`, while `keeper_node` is wanted."""
SLOWER = {"znode": 2.0}
"""Probe to how many intervals lie between two of its answers, where that is not one."""

DEAD = (Quorum.NO_LEADER, Quorum.LOST, Quorum.NO_ANSWER)
"""An ensemble in these states opens no session: by itself nothing is read of it then."""
NODE_SECONDS = 3.0
SESSIONS_SECONDS = 5.0
ROLL_SECONDS = 1.0
"""How often it is looked who belongs to the ensemble."""
CONFIGURATION_SECONDS = 60.0
IDLE_SECONDS = 30.0
"""How long a session is kept that nobody needs."""
PAUSE_SECONDS = 0.5


class _Nothing:
    """What a member's lane keeps between calls: each question has a connection of its own."""

    def close(self) -> None:
        """Do nothing."""


class KeeperWatch:
    """The monitor of one ensemble. Methods may be called from any thread and return at once."""

    def __init__(
        self,
        addresses: Iterable[tuple[str, int]],
        told: Callable[[], Iterable[HostId]],
        store: Store,
        clock: Clock,
        changed: Callable[[], None],
        *,
        interval_seconds: float = 5.0,
        ddl_queue_path: str = DDL_QUEUE_PATH,
        root: str = "",
        admin_port: int | None = None,
        homes: Callable[[], Mapping[HostId, Sequence[str]]] = dict,
    ) -> None:
        """Prepare a watch.

        Args:
            addresses: the profile's members, name and client port; if there are none, `told` decides.
            told: gives the members ClickHouse hosts name now; called in the watch's thread, must not block.
            store: takes the samples.
            clock: tells the time.
            changed: called in the watch's thread after samples changed; must not block.
            interval_seconds: the time between two answers to one probe.
            ddl_queue_path: where the DDL queue is, below `root`.
            root: the znode below which ClickHouse has all its paths; empty for none.
            admin_port: the port of every member's AdminServer; None where there is none.
            homes: gives the ClickHouse hosts whose sessions are to be found, each with paths of its replicas; called as `told`.
        """
        self.paused = False
        """Nothing is asked while paused."""
        self.error = ""
        """A fault of chtui's own in one line; empty while all is well."""
        self._told = told
        self._homes = homes
        self._store = store
        self._clock = clock
        self._changed = changed
        self._interval_seconds = interval_seconds
        self._admin_port = admin_port
        self._reader = Reader(root, ddl_queue_path, clock.now)
        self._roll = Roll(HostId(*address) for address in addresses)
        self._inbox: queue.SimpleQueue[Outcome | None] = queue.SimpleQueue()
        self._guard = threading.Lock()
        self._wants: dict[str, tuple[Want, ...]] = {}
        self._hasty = False
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._members: tuple[KeeperMember, ...] = self._roll.members
        self._tracks: dict[HostId, Track] = {}
        self._zoo = Track(Lane("keeper znodes", self._reader.connect, self._inbox.put))
        self._needed_at = 0.0
        self._roll_at = 0.0
        self._readable: Collection[str] = ZNODE_PROBES - {HOST_SESSIONS}
        """What may be read of znodes now."""

    # For whoever owns it

    def start(self) -> None:
        """Begin to ask what is wanted; a second call does nothing."""
        if self._thread is None and not self._stopping:
            self._thread = threading.Thread(target=self._run, name="keeper watch", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Ask nothing any more; returns at once, threads that wait for a member are left behind."""
        self._stopping = True
        self._inbox.put(None)

    def want(self, owner: str, wants: Collection[Want]) -> None:
        """Let `owner` want exactly these probes; none to want nothing. Probes of others are left out."""
        known = tuple(want for want in wants if want.probe in MEMBER_PROBES | ZNODE_PROBES)
        with self._guard:
            if known:
                self._wants[owner] = known
            else:
                self._wants.pop(owner, None)
        self._inbox.put(None)

    def hasten(self) -> None:
        """Make everything that is wanted due at once."""
        self._hasty = True
        self._inbox.put(None)

    @property
    def nodes(self) -> tuple[HostId, ...]:
        """The known members, by name and port."""
        return tuple(known.host for known in self._members)

    @property
    def members(self) -> tuple[KeeperMember, ...]:
        """The known members and how they answer."""
        return self._members

    # The thread

    def _run(self) -> None:
        while not self._stopping:
            try:
                self._step()
                self.error = ""
            except Exception as surprise:  # noqa: BLE001 - a fault of ours must be shown, not end the watch
                self.error = f"chtui failed: {type(surprise).__name__}: {one_line(surprise, 200)}"
                self._changed()
                threading.Event().wait(PAUSE_SECONDS)
        for track in self._all_tracks():
            track.lane.drop()

    def _step(self) -> None:
        now = self._clock.monotonic()
        if self._hasty:
            self._hasty = False
            self._hurry()
        for track in self._all_tracks():
            track.expire(now)
        self._call_the_roll(now)
        if not self.paused:
            self._dispatch(now)
        try:
            event = self._inbox.get(timeout=PAUSE_SECONDS)
            while True:
                if event is not None:
                    for track in self._all_tracks():
                        track.file(event)
                event = self._inbox.get_nowait()
        except queue.Empty:
            return

    def _hurry(self) -> None:
        for entry in self._roll.entries.values():
            entry.retry_at = 0.0
        for track in self._all_tracks():
            track.hurry()

    def _all_tracks(self) -> tuple[Track, ...]:
        return (*self._tracks.values(), self._zoo)

    def _wanted(self, probes: Collection[str]) -> Mapping[str, Want]:
        with self._guard:
            return {
                want.key: want for wants in self._wants.values() for want in wants if want.probe in probes
            }

    def _call_the_roll(self, now: float) -> None:
        if now < self._roll_at:
            return
        self._roll_at = now + ROLL_SECONDS
        if self._roll.told(self._told(), now):
            for host in set(self._tracks) - set(self._roll.entries):
                self._tracks.pop(host).lane.drop()
                self._store.forget(host)
            self._publish()
        self._look_at_hosts()

    def _look_at_hosts(self) -> None:
        """See whose sessions are to be found: they are where somebody wants it, hosts leave it to us, and the ensemble may answer."""
        self._readable = ZNODE_PROBES - {HOST_SESSIONS}
        if not self._wanted({HOST_SESSIONS}):
            return
        homes, found, at = dict(self._homes()), verdict(self._roll.members), self._clock.now()
        if not homes:
            self._store.clear(KEEPER, HOST_SESSIONS, at)
        elif found.quorum in DEAD:
            self._store.fail(KEEPER, HOST_SESSIONS, f"{found.quorum}: no session is looked for", at)
        else:
            self._readable = ZNODE_PROBES
            if homes != self._reader.homes:
                self._zoo.asked(HOST_SESSIONS, 0.0)
        self._reader.homes = homes

    def _publish(self) -> None:
        """Store how the members answer, and tell that something changed."""
        self._members = self._roll.members
        if self._wanted({"keeper_node"}):
            self._store.put(KEEPER, MEMBERS, Sample(self._members, self._clock.now()))
        self._changed()

    # What is due

    def _dispatch(self, now: float) -> None:
        of_members, of_znodes = self._wanted(MEMBER_PROBES), self._wanted(self._readable)
        for host, entry in self._roll.entries.items():
            track = self._tracks.get(host)
            if track is None:
                lane = Lane(f"keeper {host}", _Nothing, self._inbox.put)
                track = self._tracks[host] = Track(lane)
            if of_members and track.is_free(now) and now >= entry.retry_at:
                self._dispatch_member(host, entry, track, of_members, now)
        if of_znodes:
            self._needed_at = now
        elif now - self._needed_at > IDLE_SECONDS and self._zoo.is_free(now):
            self._zoo.lane.drop()
        if self._zoo.is_free(now) and now >= self._zoo.retry_at:
            if (want := self._zoo.most_overdue(of_znodes, now)) is not None:
                self._ask_zoo(want, now)
            elif of_members and self._lacks_configuration(now):
                self._ask_configuration(now)

    def _dispatch_member(
        self, host: HostId, entry: Entry, track: Track, wanted: Mapping[str, Want], now: float
    ) -> None:
        if (want := track.most_overdue(wanted, now)) is not None:
            self._ask_member(host, track, want, now)
        elif entry.member.state.serves and now >= track.configuration_at:
            track.configuration_at = now + CONFIGURATION_SECONDS
            call = Call(lambda _: member.conf(host, NODE_SECONDS), NODE_SECONDS)
            track.launch(call, now, partial(self._conf_told, host))

    def _ask_member(self, host: HostId, track: Track, want: Want, now: float) -> None:
        track.asked(want.key, now + self._interval_seconds)
        ask: Callable[..., Any] = member.node if want.probe == "keeper_node" else member.sessions
        seconds = NODE_SECONDS if want.probe == "keeper_node" else SESSIONS_SECONDS
        call = Call(lambda _: ask(host, seconds, self._admin_port), seconds)
        track.launch(call, now, partial(self._member_told, host, want))

    def _ask_zoo(self, want: Want, now: float) -> None:
        self._zoo.asked(want.key, now + self._interval_seconds * SLOWER.get(want.probe, 1.0))
        self._reader.order = self._roll.order()
        path = str(next((value for _, value in want.args), "/"))
        call = Call(
            lambda session: self._reader.read(session, want.probe, path), CONNECT_SECONDS + ZNODE_SECONDS
        )
        self._zoo.launch(call, now, partial(self._zoo_told, want))

    # What was told

    def _member_told(self, host: HostId, want: Want, outcome: Outcome) -> None:
        now, at, error = self._clock.monotonic(), self._clock.now(), outcome.error
        cost = Cost(outcome.seconds, False)
        if isinstance(outcome.result, member.NodeTold):
            told = self._roll.numbered(host, outcome.result)
            self._roll.answered(host, told.node, at)
            self._store.put(host, want.key, Sample((told.node,), at, cost=cost, missing=told.missing))
        elif isinstance(outcome.result, member.SessionsTold):
            missing = {"rows": outcome.result.cut} if outcome.result.cut else {}
            self._store.put(host, want.key, Sample(outcome.result.sessions, at, cost=cost, missing=missing))
        elif isinstance(error, UnavailableError):
            if want.probe == "keeper_node":
                self._roll.failed(host, error, now, at)
            self._store.unavailable(host, want.key, error.what)
        elif error is not None:
            self._roll.failed(host, error, now, at)
            for key in self._wanted(MEMBER_PROBES):
                self._store.fail(host, key, said_by(host, error), at)
        self._publish()

    def _conf_told(self, host: HostId, outcome: Outcome) -> None:
        # Where it fails, the question for the member's own state says so, and is asked more often.
        if host in self._tracks:
            self._tracks[host].is_configuration_told = True
        if outcome.error is None:
            self._roll.configured(host, outcome.result.server_id, outcome.result.peers)

    def _lacks_configuration(self, now: float) -> bool:
        """Whether members serve that may not, or do not, tell who else belongs to the ensemble."""
        serves = any(entry.member.state.serves for entry in self._roll.entries.values())
        asked = all(
            track.is_configuration_told
            for host, track in self._tracks.items()
            if self._roll.entries[host].member.state.serves
        )
        return serves and asked and not self._roll.peers and now >= self._zoo.configuration_at

    def _ask_configuration(self, now: float) -> None:
        self._zoo.configuration_at = now + CONFIGURATION_SECONDS
        order = self._reader.order = self._roll.order()

        def told(outcome: Outcome) -> None:
            # It only widens what is known; the members that are known tell their own troubles.
            if outcome.error is None:
                self._roll.configured(order[0], None, outcome.result)

        self._zoo.launch(Call(self._reader.peers, CONNECT_SECONDS + ZNODE_SECONDS), now, told)

    def _zoo_told(self, want: Want, outcome: Outcome) -> None:
        now, at, error = self._clock.monotonic(), self._clock.now(), outcome.error
        if error is None or isinstance(error, UnavailableError):
            self._zoo.failures, self._zoo.retry_at = 0, 0.0
        if error is None:
            rows, cut = outcome.result.rows, outcome.result.cut
            missing = {"rows": cut} if cut else {}
            cost = Cost(outcome.seconds, False, len(rows))
            self._store.put(KEEPER, want.key, Sample(rows, at, cost=cost, missing=missing))
        elif isinstance(error, UnavailableError):
            self._store.unavailable(KEEPER, want.key, error.line)
        else:
            self._zoo.failures += 1
            self._zoo.retry_at = now + backoff_seconds(self._zoo.failures)
            for key in self._wanted(ZNODE_PROBES):
                self._store.fail(KEEPER, key, error.line, at)
        self._publish()
