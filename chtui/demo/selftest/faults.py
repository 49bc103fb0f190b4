"""What stands between a run and its journal, and sends the signals of a case."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import Any

from chtui.demo.selftest.case import Case
from chtui.demo.selftest.points import SCHEMA, SEAL, stage_of
from chtui.migrate.hands import Diary

SEND, DONE = "send", "done"
SEALED = "_sealed`"
"""What the name of a table's successor ends with while names change."""


class Faults:
    """Sends the signals of a case, each at its point, over all processes of the case once."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._lock = threading.Lock()
        self._passed = 0

    def reach(self, stage: str, point: str, host: str = "") -> None:
        """Strike where this is the point of the blow whose turn it is."""
        with self._lock:
            blows, struck = self._case.blows, self._case.struck
            if struck >= len(blows):
                return
            blow = blows[struck]
            if (stage, point) != (blow.stage, blow.point) or (blow.host and blow.host != host):
                return
            self._passed += 1
            if self._passed <= blow.skip:
                return
            self._passed = 0
            with self._case.fired.open("a") as fired:
                fired.write("\n" * bool(struck) + f"{stage} {point}")
            for pid in sorted(blow.pids, reverse=True):
                os.kill(pid or os.getpid(), blow.signal)


class FaultyJournal:
    """A journal at some lines of which signals are sent."""

    def __init__(self, journal: Diary, case: Case) -> None:
        self._journal = journal
        self._faults = Faults(case)
        self._sent: dict[str, tuple[str, str]] = {}
        self._made: tuple[str, str, str] | None = None
        """The point when an object of the schema that was begun is done, which shows at the next line."""

    def append(self, kind: str, facts: Mapping[str, Any]) -> int:
        """Write the line down; strike before or after it, where the case says so."""
        query_id, host = str(facts.get("query_id", "")), str(facts.get("host", ""))
        if self._made:
            self._faults.reach(*self._made)
            self._made = None
        if kind == SEND:
            self._sent[query_id] = (stage_of(str(facts["statement"])), host)
        if kind == SCHEMA:
            stage = SEAL if SEALED in str(facts["statement"]) else SCHEMA
        else:
            stage, host = self._sent.get(query_id, ("", host))
        if kind in (SEND, SCHEMA):
            self._faults.reach(stage, "before", host)
        elif kind == DONE:
            self._faults.reach(stage, "done", host)
        number = self._journal.append(kind, facts)
        if kind not in (SEND, DONE, SCHEMA):
            # Events that no statement stands for: what a live run has come to.
            self._faults.reach(str(facts.get("name", kind)) if kind == "hook" else kind, "event")
        if kind in (SEND, SCHEMA):
            self._faults.reach(stage, "sent", host)
        if kind == SCHEMA:
            self._made = (stage, "done", host)
        return number
