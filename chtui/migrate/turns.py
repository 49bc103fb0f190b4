"""Room for so many at a time, a number that may change while some are waiting."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType

AGAIN_SECONDS = 0.5
"""How soon a greater number is noticed by those who wait."""


class Turns:
    """What a thread enters before it works, and leaves after it."""

    def __init__(self, limit: Callable[[], int]) -> None:
        """Name what tells how many may work at a time; it is asked again and again."""
        self._limit = limit
        self._changed = threading.Condition()
        self._working = 0

    def __enter__(self) -> None:
        with self._changed:
            while self._working >= self._limit():
                self._changed.wait(AGAIN_SECONDS)
            self._working += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._working -= 1
            self._changed.notify()
