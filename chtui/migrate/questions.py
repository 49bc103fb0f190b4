"""Questions to servers that may take hours, and are given up within seconds where the server no longer answers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from chtui.errors import ChtuiError, ConnectError, DeadlineError, QueryError
from chtui.fleet.literal import Value
from chtui.migrate.digests import DIGEST_SECONDS, OWN_SETTINGS, SETTINGS
from chtui.migrate.hosts import Host
from chtui.records import HostId

T = TypeVar("T")
WATCH_SECONDS = 5.0
"""How often a server that still works at a question is asked whether it lives."""
ALIVE_SECONDS = 8.0
"""How long it may take to say so."""
TRIES = 2
"""So often in a row it must have been silent to be given up."""
READING: Mapping[str, int | str] = {
    # A profile's bounds would end a question early, some of them with success, or change what is read.
    **SETTINGS,
    "max_result_rows": 0,
    "max_result_bytes": 0,
    "max_rows_to_group_by": 0,
    "timeout_overflow_mode": "throw",
    "read_overflow_mode": "throw",
    "result_overflow_mode": "throw",
    "group_by_overflow_mode": "throw",
    "limit": 0,
    "offset": 0,
    "final": 0,
}


class Questions:
    """Asks hosts by direct connections and changes nothing; a host that was silent once is not asked again. Threads share it."""

    def __init__(self, max_threads: int = 0) -> None:
        self._settings = {**READING, "max_threads": max_threads}
        self._away: dict[HostId, ChtuiError] = {}

    def version(self, host: Host) -> str:
        """Return a server's version.

        Raises:
            QueryError, ConnectError, DeadlineError: it does not answer.
        """
        return self._asked(host, lambda: str(_alive(host)))

    def rows(self, host: Host, name: str, params: Mapping[str, Value]) -> Sequence[Sequence[Any]]:
        """Return the rows a statement of `sql/migrate` gives.

        Raises:
            QueryError, ConnectError, DeadlineError: the server failed it, or does not answer any more, or was silent before.
        """

        settings = {**self._settings, **OWN_SETTINGS.get(name, {})}

        def work() -> Sequence[Sequence[Any]]:
            return host.rows(name, params, seconds=DIGEST_SECONDS, settings=settings)

        return self._asked(host, lambda: watched(host, work))

    def _asked(self, host: Host, work: Callable[[], T]) -> T:
        if host.id in self._away:
            raise self._away[host.id]
        try:
            return work()
        except (ConnectError, DeadlineError) as error:
            self._away[host.id] = error
            raise


def watched(host: Host, work: Callable[[], T], every_seconds: float = WATCH_SECONDS) -> T:
    """Return what `work` gives, which asks a host; while it takes long, see that the host lives.

    Raises:
        ConnectError: it does not; the thread that asked is left to its own end.
        Exception: what `work` ended with.
    """
    ended: SimpleQueue[tuple[T | None, BaseException | None]] = SimpleQueue()

    def run() -> None:
        try:
            ended.put((work(), None))
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            ended.put((None, error))

    # A daemon: whoever gave it up must be able to end.
    threading.Thread(target=run, name=f"asking {host.id}", daemon=True).start()
    silent = 0
    while True:
        try:
            result, error = ended.get(timeout=every_seconds)
        except Empty:
            try:
                _alive(host)
                silent = 0
            except (ConnectError, DeadlineError, QueryError) as gone:
                silent += 1
                if silent >= TRIES:
                    what = f"the server stopped answering: {gone.what}"
                    raise ConnectError("down", what, where=str(host.id), fix=gone.fix) from gone
            continue
        if error is not None:
            raise error
        return result  # type: ignore[return-value]


def _alive(host: Host) -> Any:
    """The version a server tells now, or an error within seconds."""
    return host.rows("verify_version", seconds=ALIVE_SECONDS)[0][0]
