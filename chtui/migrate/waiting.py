"""Waiting for a server no longer than one said."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from chtui.errors import ConnectError, DeadlineError

T = TypeVar("T")
RETRY_SECONDS = 0.1
PASSING = ("down", "refused")
"""Kinds of a ConnectError that a server's restart explains."""


def awake() -> float:
    """Return seconds that never go back and count while the machine sleeps too, where it can tell."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def within(seconds: float, work: Callable[[], T]) -> T:
    """Return what `work` gives, or raise what it raises; it goes on by itself where it takes longer.

    Raises:
        DeadlineError: it takes longer.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except Exception as error:  # noqa: BLE001 - whoever waits gets it
            future.set_exception(error)

    threading.Thread(target=run, name="within", daemon=True).start()
    try:
        return future.result(seconds)
    except TimeoutError as error:
        raise DeadlineError(f"no answer within {seconds:g} s") from error


def insisting(seconds: float, work: Callable[[float], T]) -> T:
    """Return what `work` gives, called with the seconds left, and again as long as the connection breaks under it.

    `work` must do no harm where it is done twice.

    Raises:
        ConnectError: it still breaks when so many seconds are over, or no server's restart explains it.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return work(max(RETRY_SECONDS, deadline - time.monotonic()))
        except ConnectError as error:
            if error.kind not in PASSING or time.monotonic() + RETRY_SECONDS >= deadline:
                raise
        time.sleep(RETRY_SECONDS)
