"""How far a migration is, as its socket, its status command and every screen tell it; and whether it may go on."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, NamedTuple

from chtui.errors import MigrateError
from chtui.migrate.brake import Brake
from chtui.migrate.errands import Errand, Errands
from chtui.migrate.spec import Limits

RATE_SECONDS = 120.0
"""Over how long the rate is averaged: the time to come is told from it."""
WINDOWS = 6
"""Into how many parts that time is cut: their rates give the range."""

LISTEN_SECONDS = 0.5
"""How soon a wait that somebody may cut short is."""


class CellState(StrEnum):
    """Where a cell is."""

    PLANNED = "planned"
    COPYING = "copying"
    FAILED = "failed"
    """Its last try failed; it is tried again."""
    PROVEN = "proven"
    """Every replica was seen to have its rows, all of them once and no others."""
    SKIPPED = "skipped"
    """Somebody said that it is left out."""


class Range(NamedTuple):
    """A value and what it may be at least and at most, as the last minutes say; None where they say nothing."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Status:
    """How far it is."""

    run: str
    stage: str
    cells: Mapping[str, int]
    """Cells by state."""
    rows: int
    """Rows of v1 to be copied, each counted once."""
    rows_done: int
    rows_per_second: float | None
    eta_seconds: float | None
    eta_low_seconds: float | None
    eta_high_seconds: float | None
    held_up_by: str
    """Why nothing new is begun now; empty where nothing holds it up."""
    reasons: tuple[str, ...]
    """All such reasons."""
    last_error: str
    started_seconds: float
    """How long ago this process began."""


class Progress(Brake):
    """What is being done, and whether it may go on; threads share it."""

    def __init__(self, run: str, limits: Limits | None = None) -> None:
        super().__init__(run)
        self._stage = "starting"
        self._states: dict[str, CellState] = {}
        self._rows: dict[str, float] = {}
        self._done: list[tuple[float, float]] = []
        self._error = ""
        self._limits = limits or Limits()
        self._errands = Errands()
        self._left_out: set[str] = set()
        self._named: set[str] = set()
        self._began = time.monotonic()

    def plan(self, rows: Mapping[str, float]) -> None:
        """Take the cells there are, with the share of v1's rows each stands for."""
        with self._lock:
            self._rows = dict(rows)
            self._states = {
                name: CellState.SKIPPED if name in self._left_out else CellState.PLANNED for name in rows
            }

    def stage(self, name: str) -> None:
        """Note what is being done."""
        with self._lock:
            self._stage = name

    def cell(self, name: str, state: CellState, error: str = "") -> None:
        """Note where a cell is. One that failed because of a pause did not fail, and one that is left out stays so."""
        with self._lock:
            if name in self._left_out:
                return
            if state is CellState.FAILED and self._is_passing():
                state, error = CellState.PLANNED, ""
            if state is CellState.PROVEN and self._states.get(name) is not CellState.PROVEN:
                self._done.append((time.monotonic(), self._rows.get(name, 0.0)))
            self._states[name] = state
            self._error = error or self._error

    def trouble(self, error: str) -> None:
        """Note what went wrong last."""
        with self._lock:
            self._error = error

    def stumble(self, error: str) -> None:
        """Note why some work failed that is tried again; what a pause stopped did not fail."""
        with self._lock:
            if not self._is_passing():
                self._error = error

    def name_differences(self, names: Iterable[str]) -> None:
        """Note names by which differences were told, so that one who accepts another is told that there is none."""
        with self._lock:
            self._named |= set(names)

    def has_named(self, name: str) -> bool:
        """Return whether this process has told a difference by this name."""
        with self._lock:
            return name in self._named

    def skip(self, name: str) -> None:
        """Note a cell that an earlier process has proven."""
        with self._lock:
            self._states[name] = CellState.PROVEN

    def leave_out(self, name: str) -> None:
        """Note a cell that is not to be copied, because somebody said so."""
        with self._lock:
            self._left_out.add(name)
            if name in self._states:
                self._states[name] = CellState.SKIPPED

    def is_left_out(self, name: str) -> bool:
        """Return whether a cell is not to be copied."""
        with self._lock:
            return name in self._left_out

    def state_of(self, name: str) -> CellState | None:
        """Return where a cell is; None where there is none of that name."""
        with self._lock:
            return self._states.get(name)

    # How hard it works

    @property
    def limits(self) -> Limits:
        """The spec's, with what was changed since; frozen, asked anew each time."""
        return self._limits

    def limit(self, values: Mapping[str, Any]) -> None:
        """Change some of the limits; the values must be valid."""
        with self._lock:
            self._limits = replace(self._limits, **values)
            self._lock.notify_all()

    # Errands

    def errand(self, verb: str, args: Mapping[str, Any], seconds: float) -> Mapping[str, Any]:
        """Ask the run for something, and return what it answers within so many seconds; later it is only `accepted`.

        Raises:
            ChtuiError: what the run said instead; or it takes none now.
        """
        return self._errands.result(self._errands.add(verb, args), seconds, self._stage)

    def next_errand(self, seconds: float, verbs: Collection[str] = ()) -> Errand | None:
        """Return what was asked for next, of these verbs, all unless given; None where nothing was for so long.

        Raises:
            MigrateError: the run was told to end, or failed elsewhere.
        """
        until = time.monotonic() + seconds
        while True:
            with self._lock:
                self._demand("the next errand")
            left = until - time.monotonic()
            found = self._errands.next(max(0.0, min(left, 1.0)), verbs)
            if found is not None or left <= 1.0:
                return found

    def sleep_unless(self, verbs: Collection[str], seconds: float) -> None:
        """Let some time pass, unless somebody asks for one of these verbs meanwhile.

        Raises:
            MigrateError: somebody did, exit code 1; or the run is to end.
        """
        until = time.monotonic() + seconds
        while True:
            if verb := self._errands.waiting(verbs):
                raise MigrateError(f"given up, for {verb} was asked for", fix="ask again", exit_code=1)
            left = until - time.monotonic()
            if left <= 0:
                return
            self.sleep(min(left, LISTEN_SECONDS))

    def close(self, why: str) -> None:
        """Take no more errands."""
        self._errands.end(why)

    def status(self) -> Status:
        """Return how far it is."""
        with self._lock:
            now = time.monotonic()
            done = sum(
                self._rows.get(name, 0.0) for name, state in self._states.items() if state is CellState.PROVEN
            )
            skipped = sum(
                self._rows.get(name, 0.0)
                for name, state in self._states.items()
                if state is CellState.SKIPPED
            )
            rows = sum(self._rows.values())
            rate = rates(self._done, self._began, now)
            left = max(0.0, rows - done - skipped)
            reasons = self.reasons
            return Status(
                run=self._run,
                stage=self._stage,
                cells={
                    str(state): sum(each is state for each in self._states.values()) for state in CellState
                },
                rows=round(rows),
                rows_done=round(done),
                rows_per_second=rate.value,
                eta_seconds=left / rate.value if rate.value else None,
                eta_low_seconds=left / rate.high if rate.high else None,
                eta_high_seconds=left / rate.low if rate.low else None,
                held_up_by=next(iter(reasons), ""),
                reasons=reasons,
                last_error=self._error,
                started_seconds=now - self._began,
            )


def rates(done: Sequence[tuple[float, float]], began: float, now: float) -> Range:
    """Return the rate of what was done at which instant, in rows per second, over the last RATE_SECONDS.

    Its range is that of the parts of this time in which something was done.
    """
    since = max(began, now - RATE_SECONDS)
    recent = [(at, rows) for at, rows in done if at >= since]
    whole = sum(rows for _, rows in recent)
    if not whole or now <= since:
        return Range(None, None, None)
    width = (now - since) / WINDOWS
    parts = [0.0] * WINDOWS
    for at, rows in recent:
        parts[min(WINDOWS - 1, int((at - since) / width))] += rows / width
    value = whole / (now - since)
    busy = [rate for rate in parts if rate]
    return Range(value, min(value, *busy), max(value, *busy))
