"""A lane: one daemon thread that makes calls to one host, one after another.

One call is in flight and at most one waits; a newer one replaces the waiting one. Whoever waits for a call watches its
deadline and drops the lane: the thread is left behind, ends when its call ends, and the next call gets a new thread and a
new connection. Nothing ever joins a lane, so a hung host delays neither another host nor quitting.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from chtui.errors import ChtuiError, ConnectError, DeadlineError
from chtui.text import one_line


class Closable(Protocol):
    """What a lane keeps between calls: a connection."""

    def close(self) -> None:
        """Let go of it."""
        ...


class Call(NamedTuple):
    """One call for a lane."""

    work: Callable[[Any], Any]
    """What to do with the connection; runs in the lane's thread."""
    seconds: float
    """How long it may take, connecting included."""
    query_id: str = ""


class Outcome(NamedTuple):
    """How a call ended."""

    call: Call
    result: Any
    error: ChtuiError | None
    seconds: float
    """From its start, connecting not counted, to its end."""
    late: bool
    """Whether the lane had been dropped before: nobody waits for the result any more."""


class Lane:
    """Calls to one host, one at a time, in a thread of their own."""

    def __init__(self, name: str, connect: Callable[[], Closable], ended: Callable[[Outcome], None]) -> None:
        self._name = name
        self._connect = connect
        self._ended = ended
        """Takes every outcome, in the lane's thread; must not block."""
        self._runner: _Runner | None = None

    @property
    def busy(self) -> bool:
        """Whether a call is in flight."""
        return self._runner is not None and self._runner.busy

    def submit(self, call: Call) -> Call | None:
        """Make `call` next; return the waiting call it replaced, which will have no outcome."""
        if self._runner is None:
            self._runner = _Runner(self._name, self._connect, self._ended)
            self._runner.start()
        return self._runner.put(call)

    def drop(self) -> None:
        """Give up the call in flight and its connection; what waits is forgotten."""
        if self._runner is not None:
            self._runner.abandon()
            self._runner = None

    close = drop


class _Runner(threading.Thread):
    """The thread of a lane, until the lane is dropped."""

    def __init__(self, name: str, connect: Callable[[], Closable], ended: Callable[[Outcome], None]) -> None:
        super().__init__(name=f"lane {name}", daemon=True)
        self._connect = connect
        self._ended = ended
        self._wake = threading.Condition()
        self._waiting: Call | None = None
        self._abandoned = False
        self._connection: Closable | None = None
        self.busy = False

    def put(self, call: Call) -> Call | None:
        with self._wake:
            replaced, self._waiting = self._waiting, call
            self.busy = True
            self._wake.notify()
            return replaced

    def abandon(self) -> None:
        with self._wake:
            self._abandoned = True
            self._waiting = None
            self._wake.notify()

    def run(self) -> None:
        while (call := self._next()) is not None:
            self._finish(self._made(call))
        self._disconnect()

    def _next(self) -> Call | None:
        with self._wake:
            while self._waiting is None and not self._abandoned:
                self.busy = False
                self._wake.wait()
            if self._abandoned:
                return None
            call, self._waiting = self._waiting, None
            return call

    def _made(self, call: Call) -> Outcome:
        started = time.monotonic()
        result, error = None, None
        try:
            if self._connection is None:
                self._connection = self._connect()
                started = time.monotonic()
            result = call.work(self._connection)
        except ChtuiError as expected:
            error = expected
        except Exception as surprise:  # noqa: BLE001 - a fault of ours must show as this host's state, not end the thread
            error = ChtuiError(
                f"chtui failed: {type(surprise).__name__}: {one_line(surprise, 200)}",
                fix="report this as a bug",
            )
        if isinstance(error, (ConnectError, DeadlineError)):
            self._disconnect()
        return Outcome(call, result, error, time.monotonic() - started, False)

    def _finish(self, outcome: Outcome) -> None:
        with self._wake:
            late = self._abandoned
            if self._waiting is None:
                self.busy = False
        self._ended(Outcome(outcome.call, outcome.result, outcome.error, outcome.seconds, late))

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            connection.close()
        except Exception as error:  # noqa: BLE001 - a socket that is broken already must not cost the outcome
            logging.getLogger("chtui").debug("closing %s failed: %s", self.name, type(error).__name__)
