"""What the command line and the console build alike: one profile's fleet, scheduler, store and the threads that run them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import cached_property
from time import thread_time
from typing import TYPE_CHECKING, Any, NamedTuple

from chtui.act.arming import Arming
from chtui.clock import Clock, SystemClock
from chtui.errors import ChtuiError
from chtui.fleet.fleet import Fleet
from chtui.monitor.keeper_side import KeeperSide
from chtui.monitor.probe import Ask
from chtui.monitor.pump import Pump
from chtui.monitor.scheduler import Scheduler, Want
from chtui.monitor.snapshot import Snapshot
from chtui.monitor.store import Store
from chtui.profile.effective import Effective, Options, list_profiles, resolve
from chtui.records import HostId, HostState
from chtui.text import one_line

if TYPE_CHECKING:
    from chtui.act.executor import Executor

FRAME_SECONDS = 0.05
"""Views are built at most this often, however fast samples come in."""
OPENING_FRAME_SECONDS = 0.005
"""The same while a host has not said yet how it is: whoever has just opened the console waits for that answer."""
BUILD_SHARE = 0.1
"""The share of its time the builder may work for one screen: after a dear view it rests nine times as long."""
TICK_SECONDS = 1.0
"""Views are built at least this often: ages grow while nothing comes in."""

METER_SECONDS = 5.0
"""How often the figure of chtui's own cost changes: each change sends the status line to the terminal."""


class Watch(NamedTuple):
    """A screen's standing order: what to build of each snapshot, and where to put it."""

    build: Callable[[Snapshot], Any]
    """Makes what is drawn; runs off the event loop; pure."""
    deliver: Callable[[Any], None]
    """Takes what `build` made, or the exception it raised; must not block."""


class Session:
    """One profile at work."""

    def __init__(self, effective: Effective, clock: Clock | None = None) -> None:
        self.effective = effective
        self._clock = clock or SystemClock()
        self.store = Store()
        self.arming = Arming(effective.profile, self._clock)
        """Whether the cluster may be changed now; it may not before `arm` was called."""
        self.scheduler = Scheduler(effective.intervals)
        profile, slow = effective.profile, effective.thresholds.slow_host_round_trip_seconds
        self._pump = Pump(
            lambda ended: Fleet(profile, self._clock, slow, ended),
            self.scheduler,
            self.store,
            self._clock,
            effective.thresholds,
        )
        self._keeper = KeeperSide(
            profile, effective.intervals, self.store, self._clock, lambda: self._pump.ask(lambda: None)
        )
        self._watches: dict[str, Watch] = {}
        self._lock = threading.Lock()
        self._changed = threading.Event()
        self._stopping = threading.Event()
        self._trouble = ""
        """A fault of chtui's own, in one line; it stays on screen until chtui is left."""
        self._meter: tuple[float | None, bool] = (None, True)
        self._meter_at = 0.0
        self._snapshot = Snapshot(effective.profile.name, "", self._clock.now())

    # For the console

    def start(self) -> None:
        """Begin to monitor, in threads of its own."""
        for name, run in (("pump", self._run_pump), ("builder", self._run_builder)):
            threading.Thread(target=run, name=name, daemon=True).start()

    def stop(self) -> None:
        """End monitoring; returns at once, no host is waited for."""
        self._stopping.set()
        self.arming.disarm()
        self._keeper.stop()
        self._changed.set()
        self._pump.ask(lambda: None)

    def watch(self, owner: str, watch: Watch, wants: Collection[Want]) -> None:
        """Build and deliver for `owner` from now on, and poll the probes it wants."""
        with self._lock:
            self._watches[owner] = watch
        self._pump.ask(lambda: self.scheduler.want(owner, wants))
        self._keeper.want(owner, wants)
        self._changed.set()

    def unwatch(self, owner: str) -> None:
        """Build nothing for `owner` any more and poll nothing on its behalf."""
        with self._lock:
            self._watches.pop(owner, None)

        def leave() -> None:
            self.store.drop(self.scheduler.leave(owner))

        self._pump.ask(leave)
        self._keeper.want(owner, ())

    def refresh(self) -> None:
        """Ask everything that is wanted at once."""
        self._pump.ask(self.scheduler.hasten)
        self._keeper.hasten()

    def pause(self, paused: bool) -> None:
        """Stop asking, or go on; host states are asked always."""

        def change() -> None:
            self.scheduler.paused = paused

        self._pump.ask(change)
        self._keeper.pause(paused)

    @property
    def snapshot(self) -> Snapshot:
        """The latest snapshot; any thread may read it."""
        return self._snapshot

    @cached_property
    def executor(self) -> Executor:
        """What runs confirmed plans."""
        from chtui.act.audit import Audit
        from chtui.act.executor import Executor

        return Executor(self.effective.profile, self.arming, Audit(self._clock), self._clock)

    @property
    def query_id_prefix(self) -> str:
        """What the ids of the session's queries begin with."""
        return self._pump.query_id_prefix

    def touch(self) -> None:
        """Have a new snapshot taken now."""
        self._pump.ask(lambda: None)

    def of_cluster(self, name: str) -> Session:
        """Return another session, not started, of another cluster with everything else the same."""
        profile = self.effective.profile._replace(cluster=name)
        return Session(self.effective._replace(profile=profile), self._clock)

    # For one question

    def collect(self, wants: Collection[Want], seconds: float, samples: int = 1) -> Snapshot:
        """Ask every host the wanted probes, in the calling thread, and return what is known then.

        Returns as soon as every host has answered or failed everything; at the latest after `seconds`. With two
        `samples` each probe is asked twice, an interval apart, so that there are rates.
        """
        self.scheduler.want("collect", wants)
        self._keeper.want("collect", wants)
        deadline = self._clock.monotonic() + seconds
        while (left := deadline - self._clock.monotonic()) > 0:
            if self._is_complete(samples) and self._keeper.is_complete(wants):
                break
            self._pump.step(min(left, 0.5))
        self._take()
        self._keeper.stop()
        self._pump.fleet.close()
        return self._snapshot

    def _is_complete(self, samples: int) -> bool:
        fleet = self._pump.fleet
        if fleet.cluster is None:
            return fleet.error is not None and not fleet.seeds_asked and not fleet.seeds_left
        correcting = fleet.correctable()
        for key, target in fleet.targets.items():
            state = target.liveness.state
            if state is HostState.CONNECTING or (
                correcting and not state.answers and target.liveness.failures < 2
            ):
                return False
            if state.answers and not all(
                self._has(host, ask, samples)
                for host in target.hosts
                if fleet.entries[host].liveness.state.answers
                for ask in self.scheduler.wanted(key)
            ):
                return False
        return bool(fleet.targets)

    def _has(self, host: HostId, ask: Ask, samples: int) -> bool:
        sample = self.store.get(host, ask.key)
        if sample is None:
            return False
        enough = samples == 1 or not ask.probe.counts or sample.previous
        return bool(sample.error or sample.unavailable or enough)

    # Threads

    def _run_pump(self) -> None:
        while not self._stopping.is_set():
            try:
                self._pump.step(TICK_SECONDS)
                self._take()
            except Exception as error:  # noqa: BLE001 - a frozen screen that looks alive would be worse than any fault
                self._trouble = (
                    f"chtui failed: {type(error).__name__}: {one_line(error, 200)}; please report it"
                )
                self._snapshot = replace(self._snapshot, error=self._trouble)
                self._stopping.wait(TICK_SECONDS)
            self._changed.set()
        self._pump.fleet.close()

    def _run_builder(self) -> None:
        rests: dict[str, tuple[Watch, float]] = {}
        while not self._stopping.is_set():
            now = self._clock.monotonic()
            waiting = [until - now for _, until in rests.values() if until > now]
            self._changed.wait(min([TICK_SECONDS, *waiting]))
            self._changed.clear()
            with self._lock:
                watches = dict(self._watches)
            rests = {owner: rest for owner, rest in rests.items() if watches.get(owner) is rest[0]}
            for owner, watch in watches.items():
                if owner in rests and rests[owner][1] > self._clock.monotonic():
                    continue
                began = thread_time()
                watch.deliver(_built(watch, self._snapshot))
                # Thousands of rows take their time, and the keys share the interpreter with whoever builds them.
                # What counts is the time taken from them, not the time spent waiting while others had the interpreter.
                worked = thread_time() - began
                rests[owner] = (watch, self._clock.monotonic() + worked * (1 / BUILD_SHARE - 1))
            is_opening = any(host.state is HostState.CONNECTING for host in self._snapshot.hosts)
            self._stopping.wait(OPENING_FRAME_SECONDS if is_opening else FRAME_SECONDS)

    def _take(self) -> None:
        fleet, now = self._pump.fleet, self._clock.now()
        if self._clock.monotonic() >= self._meter_at:
            self._meter_at = self._clock.monotonic() + METER_SECONDS
            self._meter = self._pump.meter.share(self._clock.monotonic())
        ratio, is_server_time = self._meter
        self._snapshot = Snapshot(
            profile=self.effective.profile.name,
            cluster=fleet.cluster.name if fleet.cluster else "",
            taken_at=now,
            hosts=fleet.statuses(),
            samples=self.store.at(now),
            keeper_members=self._keeper.members,
            error=self._trouble or self._keeper.error or (fleet.error.line if fleet.error else ""),
            clusters=fleet.clusters,
            access=self.effective.profile.access,
            notes=fleet.notes + tuple(self.effective.warnings),
            meter_ratio=ratio,
            meter_is_server_time=is_server_time,
            slowed=self._slowed(),
            paused=self.scheduler.paused,
            armed_seconds=self.arming.remaining_seconds,
            intervals=self.effective.intervals,
            thresholds=self.effective.thresholds,
        )

    def _slowed(self) -> dict[str, float]:
        found: dict[str, float] = {}
        for key in self._pump.fleet.targets:
            for ask in self.scheduler.wanted(key):
                seconds = self.scheduler.slowed(key, ask)
                if seconds is not None:
                    found[ask.probe.name] = max(seconds, found.get(ask.probe.name, 0.0))
        return found


class Profiles:
    """The profiles one configuration holds, each of which can be opened."""

    def __init__(self, options: Options, environ: Mapping[str, str]) -> None:
        # What the flags say holds for the profile they were given with, and for no other.
        self._options = Options(config_file=options.config_file)
        self._environ = environ

    def names(self) -> tuple[str, ...]:
        """Return what can be opened.

        Raises:
            ConfigError: a file cannot be read.
        """
        return tuple(entry.name for entry in list_profiles(self._options, self._environ))

    def open(self, name: str, cluster: str | None = None) -> Session:
        """Return a session of a profile, not started. Its password may come from a slow command: not for the event loop.

        Raises:
            ConfigError: there is no such profile, or its password cannot be had without asking a person.
        """
        found = resolve(self._options._replace(profile_name=name, cluster=cluster), self._environ)
        found.profile.credentials.secret.reveal()
        return Session(found)


class Comparison:
    """All profiles at once, each with a session that asks for nothing but what is asked always."""

    def __init__(self, profiles: Profiles) -> None:
        self._profiles = profiles
        self._sessions: dict[str, Session] = {}
        self._errors: dict[str, str] = {}
        self._lock = threading.Lock()
        self._stopped = False

    def start(self) -> None:
        """Begin to ask, in threads of its own; a profile that cannot be opened holds up no other.

        Raises:
            ConfigError: the configuration cannot be read.
        """
        for name in self._profiles.names():
            with self._lock:
                self._errors[name] = ""
            threading.Thread(target=self._open, args=(name,), name=f"open {name}", daemon=True).start()

    def stop(self) -> None:
        """End it; returns at once."""
        with self._lock:
            self._stopped = True
            for session in self._sessions.values():
                session.stop()

    def seen(self) -> tuple[tuple[str, Snapshot | None, str], ...]:
        """Return each profile's name, its latest snapshot or None, and why it cannot be opened."""
        with self._lock:
            return tuple(
                (name, self._sessions[name].snapshot if name in self._sessions else None, error)
                for name, error in self._errors.items()
            )

    def _open(self, name: str) -> None:
        try:
            session = self._profiles.open(name)
        except ChtuiError as error:
            with self._lock:
                self._errors[name] = error.line
            return
        with self._lock:
            if not self._stopped:
                self._sessions[name] = session
                session.start()


def _built(watch: Watch, snapshot: Snapshot) -> Any:
    try:
        return watch.build(snapshot)
    except Exception as error:  # noqa: BLE001 - shown by whoever asked: a view that cannot be built must not end the others
        return error
