"""What tests of killing share: long queries that really run, what a server says of them, and whoever watches a run."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from chtui.act.arming import Arming
from chtui.act.audit import FILE_NAME, Audit
from chtui.act.executor import Executor
from chtui.act.kill import Candidate
from chtui.act.predicate import Field, Kind
from chtui.act.progress import Progress
from chtui.clock import SystemClock
from chtui.profile.model import Credentials
from chtui.profile.options import Effective
from chtui.profile.secret import Secret
from chtui.records import HostId
from tests.support import CLUSTER, replace, wait_until

PROCESSES = (
    "SELECT query_id, initial_query_id, user, toString(interface) AS interface, query, elapsed AS elapsed_seconds "
    "FROM system.processes FORMAT JSONEachRow"
)


KILL_FIELDS: Mapping[str, Field] = MappingProxyType(
    {
        "host": Field(Kind.TEXT, lambda query: str(query.host)),
        "user": Field(Kind.TEXT, lambda query: query.user),
        "query": Field(Kind.TEXT, lambda query: query.query),
        "query_id": Field(Kind.TEXT, lambda query: query.query_id),
        "initial_query_id": Field(Kind.TEXT, lambda query: query.initial_query_id),
        "interface": Field(Kind.WORD, lambda query: query.interface),
        "elapsed": Field(Kind.SECONDS, lambda query: query.elapsed_seconds),
    }
)
"""What a predicate over candidates may name."""


class LongQuery(threading.Thread):
    """A query somebody else runs, over HTTP."""

    def __init__(self, ask: Callable[[], str]) -> None:
        super().__init__(daemon=True)
        self.end = ""
        """How it ended: the server's answer or error; empty while it runs."""
        self._ask = ask

    def run(self) -> None:
        try:
            self.end = self._ask() or "nothing"
        except Exception as error:  # noqa: BLE001 - how it ended is what is looked at
            self.end = str(error)


def candidates(host: HostId, rows: str) -> list[Candidate]:
    """What a server answered to PROCESSES."""
    return [
        Candidate(host, **{**row, "elapsed_seconds": float(row["elapsed_seconds"])})
        for row in map(json.loads, rows.splitlines())
    ]


class Watcher:
    """Takes the states of a run."""

    def __init__(self) -> None:
        self.states: list[Progress] = []

    def __call__(self, progress: Progress) -> None:
        self.states.append(progress)

    @property
    def now(self) -> Progress:
        return self.states[-1]

    def last(self, seconds: float = 60) -> Progress:
        """The final state."""
        wait_until(lambda: self.states and self.states[-1].is_over, seconds, "the end of the run")
        return self.states[-1]


def executor_of(found: Effective, folder: Path, audit: Audit | None = None) -> Executor:
    """One that is armed for the rig's cluster."""
    clock = SystemClock()
    arming = Arming(found.profile, clock)
    arming.arm(CLUSTER)
    return Executor(found.profile, arming, audit or Audit(clock, folder), clock)


def writing(found: Effective, user: str, password: str) -> Effective:
    """The same settings with a second user, who writes."""
    write = Credentials(user, Secret.literal(password, "test"))
    return replace(found, profile=replace(found.profile, write=write))


def audited(folder: Path) -> list[dict[str, Any]]:
    """The lines of the audit log after its first."""
    return [json.loads(line) for line in (folder / FILE_NAME).read_text().splitlines()[1:]]


class MarkingAudit(Audit):
    """Does something after a line was written, before what it announces is done."""

    def __init__(self, folder: Path, after: Callable[[str, Mapping[str, Any]], None]) -> None:
        super().__init__(SystemClock(), folder)
        self._after = after

    def write(self, event: str, facts: Mapping[str, Any]) -> None:
        super().write(event, facts)
        self._after(event, facts)
