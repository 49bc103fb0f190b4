"""What the writers of `telemetry-ingestion` are told: when to write, how much, and to which version."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Condition

from chtui.clock import rfc3339
from chtui.demo.rates import Rates, changed
from chtui.demo.record import Version

VERSIONS: tuple[Version, ...] = ("v1", "v2")
V1_ONLY: tuple[Version, ...] = ("v1",)


@dataclass(frozen=True, slots=True)
class Orders:
    """What holds for one batch, from its beginning to its end."""

    rates: Rates
    versions: tuple[Version, ...]
    """Where it goes, in this order."""


@dataclass(slots=True)
class _Told:
    """What one writer was told."""

    versions: tuple[Version, ...]
    next_versions: tuple[Version, ...] | None = None
    """Obeyed from `switches_at` (monotonic) on, beginning with the next batch."""
    switches_at: float = 0.0
    switches_on: datetime | None = None
    in_flight: bool = False


class Controls:
    """Shared by the writers and by those who tell them what to do."""

    def __init__(
        self, writers: int, versions: tuple[Version, ...] = V1_ONLY, rates: Rates | None = None
    ) -> None:
        self.writers = writers
        self._turn = Condition()
        self._told = [_Told(versions) for _ in range(writers)]
        self._wanted = versions
        self._rates = rates or Rates()
        self._paused = False

    @property
    def rates(self) -> Rates:
        """What all writers together do."""
        return self._rates

    @property
    def wanted(self) -> tuple[Version, ...]:
        """Where writers were told to write; each obeys at its own moment."""
        return self._wanted

    @property
    def paused(self) -> bool:
        """No batch is begun; some may still be under way."""
        return self._paused

    def tick(self, last: float) -> float:
        """Wait until the next round is due, `batch_seconds` after the one at `last` (monotonic); return its moment."""
        with self._turn:
            while (left := last + self._rates.batch_seconds - time.monotonic()) > 0:
                self._turn.wait(left)
            # who is late by a round or more does not make up for it
            return last + self._rates.batch_seconds if -left < self._rates.batch_seconds else time.monotonic()

    def begin(self, writer: int) -> Orders:
        """Wait while writers are paused, count the writer's batch as in flight, and return what holds for it."""
        with self._turn:
            while self._paused:
                self._turn.wait()
            told = self._told[writer]
            if told.next_versions is not None and time.monotonic() >= told.switches_at:
                told.versions, told.next_versions, told.switches_on = told.next_versions, None, None
            told.in_flight = True
            return Orders(self._rates, told.versions)

    def end(self, writer: int) -> None:
        """Count the writer's batch as in flight no more."""
        with self._turn:
            self._told[writer].in_flight = False
            self._turn.notify_all()

    def switch(self, versions: tuple[Version, ...], spread_seconds: float) -> None:
        """Tell the writers where to write: the first at once, the last after `spread_seconds`, the others between."""
        with self._turn:
            self._wanted = versions
            for number, told in enumerate(self._told):
                delay = spread_seconds * number / max(1, self.writers - 1)
                told.next_versions = versions
                told.switches_at = time.monotonic() + delay
                told.switches_on = datetime.now(UTC) + timedelta(seconds=delay)

    def change_rates(self, wanted: Mapping[str, object]) -> Rates:
        """Change some rates and return all of them.

        Raises:
            ValueError: one cannot be changed so; then none is.
        """
        with self._turn:
            self._rates = changed(self._rates, wanted)
            self._turn.notify_all()
            return self._rates

    def pause(self) -> None:
        """Let no writer begin another batch."""
        with self._turn:
            self._paused = True

    def resume(self) -> None:
        """Let the writers go on."""
        with self._turn:
            self._paused = False
            self._turn.notify_all()

    def await_idle(self, seconds: float) -> bool:
        """Wait until no batch is in flight; return whether that came within so many seconds."""
        with self._turn:
            return self._turn.wait_for(lambda: not any(told.in_flight for told in self._told), seconds)

    def in_flight(self) -> int:
        """Return how many batches are under way, those that are sent again and again included."""
        with self._turn:
            return sum(told.in_flight for told in self._told)

    def writer_status(self, writer: int) -> dict[str, object]:
        """Return what a writer was told, as JSON; the switch that is named is still to come."""
        with self._turn:
            told = self._told[writer]
            return {
                "writes_to": list(told.versions),
                "dual_write": len(told.versions) > 1,
                "switches_at": rfc3339(told.switches_on) if told.switches_on else None,
                "skew_seconds": self._rates.skew_of(writer),
            }
