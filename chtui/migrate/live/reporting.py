"""The sealed report of a run that stays up: made beside everything else, and again while it does not prove that all is there."""

from __future__ import annotations

import threading
import time

from chtui.errors import ChtuiError
from chtui.migrate import sealed_report
from chtui.migrate.stand import Stand

PAUSE_SECONDS = (60.0, 120.0, 300.0, 900.0, 3600.0)
"""The pauses between tries, in which rows may be brought over; the last one for all further. Each compares all rows."""


class Reporting:
    """One process's share of it; one thread asks, another works."""

    def __init__(self, stand: Stand) -> None:
        self._stand = stand
        self._thread: threading.Thread | None = None
        self._tries = 0
        self._not_before = 0.0
        self.is_whole = sealed_report.is_whole(stand)
        """Whether nothing is left to be done."""

    def go_on(self) -> None:
        """See that the report is being made where it is wanted."""
        is_busy = self._thread is not None and self._thread.is_alive()
        if self.is_whole or is_busy or time.monotonic() < self._not_before:
            return
        self._thread = threading.Thread(target=self._make, name="report", daemon=True)
        self._thread.start()

    def _make(self) -> None:
        try:
            sealed_report.ensure(self._stand)
            self.is_whole = sealed_report.is_whole(self._stand)
        except ChtuiError as error:
            self._stand.progress.trouble(error.line)
        finally:
            self._not_before = time.monotonic() + PAUSE_SECONDS[min(self._tries, len(PAUSE_SECONDS) - 1)]
            self._tries += 1
