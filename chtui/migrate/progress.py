"""How far a migration is, as its socket, its status command and every screen tell it."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from chtui.errors import MigrateError

RATE_SECONDS = 120.0
"""Over how long the rate is averaged: the time to come is told from it."""


class CellState(StrEnum):
    """Where a cell is."""

    PLANNED = "planned"
    COPYING = "copying"
    FAILED = "failed"
    """Its last try failed; it is tried again."""
    PROVEN = "proven"
    """Every replica was seen to have its rows, all of them once and no others."""


@dataclass(frozen=True, slots=True)
class Status:
    """What a status command prints."""

    run: str
    stage: str
    cells: Mapping[str, int]
    """Cells by state."""
    rows: int
    """Rows of v1 to be copied, each counted once."""
    rows_done: int
    rows_per_second: float | None
    eta_seconds: float | None
    held_up_by: str
    """Why nothing new is begun now; empty where nothing holds it up."""
    last_error: str
    started_seconds: float
    """How long ago this process began."""


class Progress:
    """What is being done, and whether it may go on; threads share it."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._lock = threading.Condition()
        self._stage = "starting"
        self._states: dict[str, CellState] = {}
        self._rows: dict[str, float] = {}
        self._done: list[tuple[float, float]] = []
        self._error = ""
        self._paused = False
        self._reasons: dict[str, str] = {}
        self._aborted = ""
        self._began = time.monotonic()

    def plan(self, rows: Mapping[str, float]) -> None:
        """Take the cells there are, with the share of v1's rows each stands for."""
        with self._lock:
            self._rows = dict(rows)
            self._states = dict.fromkeys(rows, CellState.PLANNED)

    def stage(self, name: str) -> None:
        """Note what is being done."""
        with self._lock:
            self._stage = name

    def cell(self, name: str, state: CellState, error: str = "") -> None:
        """Note where a cell is."""
        with self._lock:
            if state is CellState.PROVEN and self._states.get(name) is not CellState.PROVEN:
                self._done.append((time.monotonic(), self._rows.get(name, 0.0)))
            self._states[name] = state
            self._error = error or self._error

    def trouble(self, error: str) -> None:
        """Note what went wrong last."""
        with self._lock:
            self._error = error

    def skip(self, name: str) -> None:
        """Note a cell that an earlier process has proven."""
        with self._lock:
            self._states[name] = CellState.PROVEN

    # Holding up

    def pause(self, paused: bool) -> None:
        """Begin nothing new, or go on."""
        with self._lock:
            self._paused = paused
            self._lock.notify_all()

    def hold(self, who: str, reason: str) -> None:
        """Begin nothing new for this reason, or, where it is empty, no longer for it."""
        with self._lock:
            self._reasons = (
                {**self._reasons, who: reason}
                if reason
                else {key: value for key, value in self._reasons.items() if key != who}
            )
            self._lock.notify_all()

    def abort(self, why: str) -> None:
        """Let every thread end at its next step."""
        with self._lock:
            self._aborted = self._aborted or why
            self._lock.notify_all()

    def gate(self, step: str) -> None:
        """Return when the next step may begin.

        Raises:
            MigrateError: the run was told to end.
        """
        with self._lock:
            while not self._aborted and self._held_up():
                self._lock.wait(1.0)
            if self._aborted:
                raise MigrateError(f"ended before '{step}': {self._aborted}", exit_code=5)

    def wait(self, seconds: float) -> None:
        """Let some time pass, less if the run is told to end.

        Raises:
            MigrateError: it is.
        """
        with self._lock:
            self._lock.wait_for(lambda: bool(self._aborted), seconds)
        self.gate("the next try")

    def status(self) -> Status:
        """Return how far it is."""
        with self._lock:
            now = time.monotonic()
            done = sum(
                self._rows.get(name, 0.0) for name, state in self._states.items() if state is CellState.PROVEN
            )
            rows = sum(self._rows.values())
            rate = self._rate(now)
            return Status(
                run=self._run,
                stage=self._stage,
                cells={
                    str(state): sum(each is state for each in self._states.values()) for state in CellState
                },
                rows=round(rows),
                rows_done=round(done),
                rows_per_second=rate,
                eta_seconds=(rows - done) / rate if rate else None,
                held_up_by=self._held_up(),
                last_error=self._error,
                started_seconds=now - self._began,
            )

    def _held_up(self) -> str:
        return "paused" if self._paused else next(iter(self._reasons.values()), "")

    def _rate(self, now: float) -> float | None:
        since = max(self._began, now - RATE_SECONDS)
        recent = sum(rows for at, rows in self._done if at >= since)
        return recent / (now - since) if recent and now > since else None
