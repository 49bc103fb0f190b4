"""A journal with what it comes to at hand, so that nobody reads all of it again to know where a run is."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from chtui.clock import Clock
from chtui.migrate import facts
from chtui.migrate.facts import Facts
from chtui.migrate.hands import Diary
from chtui.migrate.journal_lines import Event

LIMITS = "limits"
"""Limits that were changed while the run was up: `values` by name. They hold for the next process too."""
ASKED = "asked"
"""Somebody asked for something: `verb`, `args`."""
NOISE = frozenset(
    {"send", "done", "refused", "unknown", "hunt", "failed", "schema", "source", "lease", ASKED}
)
"""Events that say what was done, but not where the run is."""


class Ledger:
    """Writes events down by another diary, and keeps those that say where the run is; threads share it."""

    def __init__(self, diary: Diary, events: Iterable[Event], clock: Clock) -> None:
        """Name the diary and give what it holds already."""
        self._diary = diary
        self._clock = clock
        self._lock = threading.Lock()
        self._kept = [event for event in events if event.kind not in NOISE]

    def append(self, kind: str, facts: Mapping[str, Any]) -> int:
        """Return the event's number once it is on disk.

        Raises:
            MigrateError: it is not.
        """
        number = self._diary.append(kind, facts)
        if kind not in NOISE:
            with self._lock:
                self._kept.append(Event(number, self._clock.now(), kind, MappingProxyType(dict(facts))))
        return number

    def facts(self) -> Facts:
        """Return what has come about."""
        return facts.of(self._events())

    def limits(self) -> dict[str, Any]:
        """Return the limits that were changed, as they are now."""
        return limits_of(self._events())

    def _events(self) -> list[Event]:
        with self._lock:
            return sorted(self._kept, key=lambda event: event.seq)


def limits_of(events: Iterable[Event]) -> dict[str, Any]:
    """Return the limits that were changed, as they are after these events."""
    found: dict[str, Any] = {}
    for event in events:
        if event.kind == LIMITS:
            found.update(event.facts["values"])
    return found
