"""A migration while writers go on: carried to its seal, and what it must have come to."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chtui.errors import MigrateError
from chtui.migrate import facts, journal
from chtui.migrate.facts import Facts
from chtui.migrate.journal_lines import Event
from tests.faults.migrations import Query, findings
from tests.rigs.faults_rigs import SHARDS
from tests.rigs.migrating import Case
from tests.rigs.writing import Writers
from tests.support import wait_until

SEALED_SECONDS = 240.0
MORE = os.environ.get("CHTUI_FAULTS", "") == "all"
"""Whether the cases are run too that `make test` has no time for."""
TABLES = {"events", "clicks"}
EXACT_SECONDS = 150.0
"""When what never reached v2 must have been brought: the run looks once a minute."""


def events(case: Case, kind: str) -> list[Event]:
    """What the journal has of a kind."""
    try:
        _, found = journal.read(case.name, directory=Path(case.directory) / "run")
        return [event for event in found if event.kind == kind]
    except MigrateError:
        return []  # it is not begun yet


def so_far(case: Case) -> Facts:
    """What the journal comes to."""
    try:
        _, found = journal.read(case.name, directory=Path(case.directory) / "run")
        return facts.of(found)
    except MigrateError:
        return Facts()  # it is not begun yet


@contextmanager
def under_way(case: Case) -> Iterator[subprocess.Popen[bytes]]:
    """The run as a process, killed at the end."""
    process = case.start()
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def sealed(case: Case) -> Iterator[int]:
    """Start the run, and again whenever it was killed, until all is sealed and writers go on; it stays. Gives how often."""
    starts, until = 0, time.monotonic() + SEALED_SECONDS
    while True:
        with under_way(case) as process:
            starts += 1
            while process.poll() is None:
                assert time.monotonic() < until, f"not sealed: {so_far(case)}\n{case.output()}"
                found = so_far(case)
                if set(found.sealed) == TABLES and not found.writers_paused:
                    yield starts
                    return
                time.sleep(0.1)
            assert process.returncode == -signal.SIGKILL, case.output()


def assert_exact(case: Case, query: Query, writers: Writers, seconds: float = EXACT_SECONDS) -> None:
    """Stop the writers, let what is on its way arrive, and compare every row on every replica."""
    writers.told("pause_writers")
    wait_until(
        lambda: findings(case, query, SHARDS).is_exact, seconds, "all rows, each as often as v1 has it"
    )
    time.sleep(1)
    assert findings(case, query, SHARDS).is_exact
    assert writers.batches > 10
