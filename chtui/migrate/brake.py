"""Whether a run may go on: paused by somebody, held up for reasons, told to end, or failed."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection
from typing import NamedTuple

from chtui.errors import ChtuiError, MigrateError

PASSING_SECONDS = 10.0
"""How long after a pause a failure is taken for one of statements that were stopped for it."""
ENDED = 5
"""The exit code of a run that was told to end, and can be started again."""
PAUSED = "paused"


class _Hold(NamedTuple):
    reason: str
    steps: frozenset[str]
    """Which steps it holds up; all where there are none."""


class Brake:
    """What every step asks before it begins; threads share it."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._lock = threading.Condition()
        self._paused_at: float | None = None
        self._quiet_until = 0.0
        self._holds: dict[str, _Hold] = {}
        self._failed = ""
        self._failure: ChtuiError | None = None
        self._ended = ""
        self._ended_at: float | None = None

    def pause(self, paused: bool) -> None:
        """Begin nothing new, or go on."""
        with self._lock:
            now = time.monotonic()
            if paused and self._paused_at is None:
                self._paused_at = now
            elif not paused and self._paused_at is not None:
                self._paused_at = None
                self._quiet_until = now + PASSING_SECONDS
            self._lock.notify_all()

    def hold(self, who: str, reason: str, steps: Collection[str] = ()) -> None:
        """Begin nothing new for this reason, or, where it is empty, no longer for it; with `steps` only those."""
        with self._lock:
            if reason:
                self._holds[who] = _Hold(reason, frozenset(steps))
            else:
                self._holds.pop(who, None)
            self._lock.notify_all()

    def abort(self, why: str | BaseException) -> None:
        """Let every thread end at its next step, for something went wrong; `begin` takes it back."""
        with self._lock:
            if not self._failed:
                self._failed = str(why)
                self._failure = why if isinstance(why, ChtuiError) else None
            self._lock.notify_all()

    def end(self, why: str) -> None:
        """Let every thread end at its next step, for somebody said so."""
        with self._lock:
            if not self._ended:
                self._ended, self._ended_at = why, time.monotonic()
            self._lock.notify_all()

    def begin(self) -> None:
        """Start over after a failure; what was proven stays so."""
        with self._lock:
            self._failed, self._failure = "", None

    @property
    def failure(self) -> ChtuiError | None:
        """What went wrong first, which made every other thread end; None where nothing did, or nobody gave the error."""
        return self._failure

    @property
    def stopped_seconds(self) -> float | None:
        """How long ago it was paused or told to end; None where it was not."""
        with self._lock:
            since = self._ended_at if self._ended_at is not None else self._paused_at
            return None if since is None else time.monotonic() - since

    @property
    def ended(self) -> str:
        """Why it was told to end; empty where it was not."""
        return self._ended

    def gate(self, step: str) -> None:
        """Return when the next step may begin.

        Raises:
            MigrateError: the run was told to end, or failed elsewhere.
        """
        with self._lock:
            while not self._over() and self._held_up(step):
                self._lock.wait(1.0)
            self._demand(step)

    def sleep(self, seconds: float) -> None:
        """Let some time pass, less if the run is to end.

        Raises:
            MigrateError: it is.
        """
        with self._lock:
            self._lock.wait_for(lambda: bool(self._over()), seconds)
            self._demand("the next try")

    def wait(self, seconds: float) -> None:
        """Let some time pass, and more while the run is held up.

        Raises:
            MigrateError: the run was told to end, or failed elsewhere.
        """
        self.sleep(seconds)
        self.gate("the next try")

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why nothing new is begun now, all reasons, those that hold up everything first; empty where nothing holds it up."""
        with self._lock:
            holds = sorted(self._holds.values(), key=lambda each: bool(each.steps))
            return (*([PAUSED] if self._paused_at is not None else []), *(each.reason for each in holds))

    def _held_up(self, step: str) -> bool:
        return self._paused_at is not None or any(
            not hold.steps or step in hold.steps for hold in self._holds.values()
        )

    def _over(self) -> str:
        return self._ended or self._failed

    def _demand(self, step: str) -> None:
        if self._ended:
            raise MigrateError(
                f"ended before {step!r}: {self._ended}",
                where=self._run,
                fix="chtui migrate run goes on where it ended",
                exit_code=ENDED,
            )
        if self._failed:
            raise MigrateError(f"ended before {step!r}: {self._failed}", exit_code=ENDED)

    def _is_passing(self) -> bool:
        """Whether what fails now was stopped rather than failed."""
        return bool(self._ended) or self._paused_at is not None or time.monotonic() < self._quiet_until
