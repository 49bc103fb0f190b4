"""A lane to the ensemble with the call it makes, and when each question is due there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from chtui.errors import DeadlineError
from chtui.fleet.lane import Call, Lane, Outcome
from chtui.monitor.scheduler import Want

GRACE_SECONDS = 1.0
"""Calls keep their own deadlines; one that has not (a name server that hangs) is given up so much later."""
STUCK_SECONDS = 60.0
"""How long a call that was given up keeps its lane closed at most."""


class _Flight(NamedTuple):
    call: Call
    deadline_at: float
    done: Callable[[Outcome], None]


class Track:
    """One lane; used by one thread. At most one call is made at a time, one that was given up included."""

    def __init__(self, lane: Lane) -> None:
        self.lane = lane
        self.failures = 0
        """In a row."""
        self.retry_at = 0.0
        """Before this instant nothing is asked, monotonic."""
        self.configuration_at = 0.0
        """When the ensemble's configuration is asked next, monotonic."""
        self.is_configuration_told = False
        """Whether that question has ever ended, well or not."""
        self._due: dict[str, float] = {}
        self._flight: _Flight | None = None
        self._stuck: Call | None = None
        self._stuck_until = 0.0

    def is_free(self, now: float) -> bool:
        """Whether a call may be launched."""
        return self._flight is None and (self._stuck is None or now >= self._stuck_until)

    def launch(self, call: Call, now: float, done: Callable[[Outcome], None]) -> None:
        """Make a call; `done` is told how it ended, by whoever calls `file` or `expire`."""
        self._flight, self._stuck = _Flight(call, now + call.seconds + GRACE_SECONDS, done), None
        self.lane.submit(call)

    def expire(self, now: float) -> None:
        """Give up the call whose time is up."""
        flight = self._flight
        if flight is not None and flight.deadline_at <= now:
            self._flight, self._stuck, self._stuck_until = None, flight.call, now + STUCK_SECONDS
            self.lane.drop()
            error = DeadlineError(f"no answer within {flight.call.seconds:.0f} s")
            flight.done(Outcome(flight.call, None, error, flight.call.seconds, True))

    def file(self, outcome: Outcome) -> None:
        """Take the outcome of a call, if it is one of this lane's."""
        if self._stuck is outcome.call:
            self._stuck = None
        flight = self._flight
        if flight is not None and flight.call is outcome.call:
            self._flight = None
            flight.done(outcome)

    def most_overdue(self, wanted: Mapping[str, Want], now: float) -> Want | None:
        """Return the wish that has been due longest, None where none is due."""
        self._due = {key: at for key, at in self._due.items() if key in wanted or at > now}
        found = min(wanted, key=lambda key: self._due.get(key, 0.0), default=None)
        return None if found is None or self._due.get(found, 0.0) > now else wanted[found]

    def asked(self, key: str, again_at: float) -> None:
        """Note that a question is asked now and when it is due again."""
        self._due[key] = again_at

    def hurry(self) -> None:
        """Make every question due at once."""
        self._due.clear()
        self.retry_at = 0.0
