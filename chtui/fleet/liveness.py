"""How a host answers: a pure state machine with its backoff."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from chtui.errors import ChtuiError, ConnectError, DeadlineError, QueryError
from chtui.records import HostState

BACKOFF_FIRST_SECONDS = 1.0
"""The pause after the first failure; it doubles with each further one."""
BACKOFF_CAP_SECONDS = 10.0
"""The longest pause, so that a host's return is seen within it and one interval."""
JITTER = 0.2
"""Share of a pause that is left to chance, so that many consoles do not knock together."""

KIND_STATES = {
    "down": HostState.DOWN,
    "refused": HostState.REFUSED,
    "auth_failed": HostState.AUTH_FAILED,
    "denied": HostState.DENIED,
    "not_clickhouse": HostState.NOT_CLICKHOUSE,
    "mismatch": HostState.MISMATCH,
}


class Liveness(NamedTuple):
    """What the liveness calls to one host told so far."""

    state: HostState = HostState.CONNECTING
    since: datetime | None = None
    error: str = ""
    answered_at: datetime | None = None
    round_trip_seconds: float | None = None
    failures: int = 0
    """Failed attempts since the last answer."""
    retry_at: float = 0.0
    """Monotonic instant before which the host is not asked again."""

    def answered(self, now: datetime, round_trip_seconds: float, slow_seconds: float) -> Liveness:
        """Return the state after an answer."""
        state = HostState.SLOW if round_trip_seconds > slow_seconds else HostState.UP
        return self._entered(state, now)._replace(
            error="",
            answered_at=now,
            round_trip_seconds=round_trip_seconds,
            failures=0,
            retry_at=0.0,
        )

    def failed(self, now: datetime, monotonic: float, error: ChtuiError, chance: float) -> Liveness:
        """Return the state after a failed attempt; `chance` of 0..1 shortens the pause by up to `JITTER`."""
        pause = backoff_seconds(self.failures + 1) * (1 - JITTER * chance)
        return self._entered(state_of(error), now)._replace(
            error=error.what,
            failures=self.failures + 1,
            retry_at=monotonic + pause,
        )

    def _entered(self, state: HostState, now: datetime) -> Liveness:
        return self if state == self.state else self._replace(state=state, since=now)


def backoff_seconds(failures: int) -> float:
    """Return the pause after so many failures in a row, without jitter."""
    return min(BACKOFF_CAP_SECONDS, BACKOFF_FIRST_SECONDS * 2.0 ** min(failures - 1, 10))


def state_of(error: ChtuiError) -> HostState:
    """Return the state a failed liveness call puts a host into."""
    if isinstance(error, ConnectError):
        return KIND_STATES.get(error.kind, HostState.DOWN)
    if isinstance(error, DeadlineError):
        return HostState.HUNG
    if isinstance(error, QueryError) and error.code == 497:
        return HostState.DENIED
    return HostState.DOWN
