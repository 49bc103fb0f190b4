"""What the command line and the console build alike: one profile's fleet, scheduler, store and the threads that run them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any, NamedTuple

from chtui.clock import Clock, SystemClock
from chtui.fleet.fleet import Fleet
from chtui.monitor.probes import PROBES
from chtui.monitor.pump import Pump
from chtui.monitor.scheduler import Scheduler, Want
from chtui.monitor.snapshot import Snapshot
from chtui.monitor.store import Store
from chtui.profile.effective import Effective
from chtui.records import HostState
from chtui.text import one_line

FRAME_SECONDS = 0.05
"""Views are built at most this often, however fast samples come in."""
TICK_SECONDS = 1.0
"""Views are built at least this often: ages grow while nothing comes in."""


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
        self.scheduler = Scheduler(effective.intervals)
        profile, slow = effective.profile, effective.thresholds.slow_host_round_trip_seconds
        self._pump = Pump(
            lambda ended: Fleet(profile, self._clock, slow, ended),
            self.scheduler,
            self.store,
            self._clock,
            effective.thresholds,
        )
        self._watches: dict[str, Watch] = {}
        self._lock = threading.Lock()
        self._changed = threading.Event()
        self._stopping = threading.Event()
        self._trouble = ""
        """A fault of chtui's own, in one line; it stays on screen until chtui is left."""
        self._snapshot = Snapshot(effective.profile.name, "", self._clock.now())

    # For the console

    def start(self) -> None:
        """Begin to monitor, in threads of its own."""
        for name, run in (("pump", self._run_pump), ("builder", self._run_builder)):
            threading.Thread(target=run, name=name, daemon=True).start()

    def stop(self) -> None:
        """End monitoring; returns at once, no host is waited for."""
        self._stopping.set()
        self._changed.set()
        self._pump.ask(lambda: None)

    def watch(self, owner: str, watch: Watch, wants: Collection[Want]) -> None:
        """Build and deliver for `owner` from now on, and poll the probes it wants."""
        with self._lock:
            self._watches[owner] = watch
        self._pump.ask(lambda: self.scheduler.want(owner, wants))
        self._changed.set()

    def unwatch(self, owner: str) -> None:
        """Build nothing for `owner` any more and poll nothing on its behalf."""
        with self._lock:
            self._watches.pop(owner, None)
        self._pump.ask(lambda: self.scheduler.want(owner, ()))

    def refresh(self) -> None:
        """Ask everything that is wanted at once."""
        self._pump.ask(self.scheduler.hasten)

    def pause(self, paused: bool) -> None:
        """Stop asking, or go on; host states are asked always."""

        def change() -> None:
            self.scheduler.paused = paused

        self._pump.ask(change)

    @property
    def snapshot(self) -> Snapshot:
        """The latest snapshot; any thread may read it."""
        return self._snapshot

    # For one question

    def collect(self, wants: Collection[Want], seconds: float, samples: int = 1) -> Snapshot:
        """Ask every host the wanted probes, in the calling thread, and return what is known then.

        Returns as soon as every host has answered or failed everything; at the latest after `seconds`. With two
        `samples` each probe is asked twice, an interval apart, so that there are rates.
        """
        self.scheduler.want("collect", wants)
        deadline = self._clock.monotonic() + seconds
        while not self._is_complete(samples) and (left := deadline - self._clock.monotonic()) > 0:
            self._pump.step(min(left, 0.5))
        self._take()
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
                self._has(host, probe.name, samples)
                for host in target.hosts
                if fleet.entries[host].liveness.state.answers
                for probe in self.scheduler.wanted(key)
            ):
                return False
        return bool(fleet.targets)

    def _has(self, host: Any, probe: str, samples: int) -> bool:
        sample = self.store.get(host, probe)
        if sample is None:
            return False
        is_gauge = not hasattr(PROBES[probe].record, "uptime_seconds")
        return bool(sample.error or sample.unavailable or is_gauge or samples == 1 or sample.previous)

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
        while not self._stopping.is_set():
            self._changed.wait(TICK_SECONDS)
            self._changed.clear()
            with self._lock:
                watches = list(self._watches.values())
            for watch in watches:
                watch.deliver(_built(watch, self._snapshot))
            self._stopping.wait(FRAME_SECONDS)

    def _take(self) -> None:
        fleet, now = self._pump.fleet, self._clock.now()
        ratio, is_server_time = self._pump.meter.share(self._clock.monotonic())
        self._snapshot = Snapshot(
            profile=self.effective.profile.name,
            cluster=fleet.cluster.name if fleet.cluster else "",
            taken_at=now,
            hosts=fleet.statuses(),
            samples=self.store.at(now),
            error=self._trouble or (fleet.error.line if fleet.error else ""),
            clusters=fleet.clusters,
            access=self.effective.profile.access,
            notes=fleet.notes + tuple(self.effective.warnings),
            meter_ratio=ratio,
            meter_is_server_time=is_server_time,
            slowed=self._slowed(),
            paused=self.scheduler.paused,
            intervals=self.effective.intervals,
            thresholds=self.effective.thresholds,
        )

    def _slowed(self) -> dict[str, float]:
        found: dict[str, float] = {}
        for key in self._pump.fleet.targets:
            for probe in self.scheduler.wanted(key):
                seconds = self.scheduler.slowed(key, probe.name)
                if seconds is not None:
                    found[probe.name] = max(seconds, found.get(probe.name, 0.0))
        return found


def _built(watch: Watch, snapshot: Snapshot) -> Any:
    try:
        return watch.build(snapshot)
    except Exception as error:  # noqa: BLE001 - shown by whoever asked: a view that cannot be built must not end the others
        return error
