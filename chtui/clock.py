"""Injected time: wall clock for stamps, monotonic clock for intervals and deadlines."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What tells the time. Tests inject one they move by hand."""

    def now(self) -> datetime:
        """Return the wall clock's instant, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back; only differences mean anything."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> datetime:
        """Return the wall clock's instant, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return time.monotonic()


def rfc3339(instant: datetime) -> str:
    """Return an aware instant as RFC 3339 in UTC with milliseconds (`2026-01-02T03:04:05.678Z`)."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03d}Z"
