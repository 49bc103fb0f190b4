"""A migration while writers go on: carried to its seal, and what it must have come to."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chtui.demo.selftest.case import RunProcess
from chtui.demo.selftest.oracle import Query, findings
from chtui.demo.selftest.points import SHARDS
from chtui.errors import MigrateError
from chtui.migrate import facts, journal
from chtui.migrate.facts import Facts
from chtui.migrate.journal_lines import Event
from tests.rigs.migrating import Case
from tests.rigs.writing import Writers
from tests.support import wait_until

SEALED_SECONDS = 240.0
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
def under_way(case: Case) -> Iterator[RunProcess]:
    """The run as a process, killed at the end."""
    process = case.start()
    try:
        yield process
    finally:
        process.kill()


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
            assert process.poll() == -signal.SIGKILL, case.output()


def assert_exact(case: Case, query: Query, writers: Writers, seconds: float = EXACT_SECONDS) -> None:
    """Stop the writers, let what is on its way arrive, and compare every row on every replica."""
    writers.told("pause_writers")
    wait_until(
        lambda: findings(case, query, SHARDS).is_exact, seconds, "all rows, each as often as v1 has it"
    )
    time.sleep(1)
    assert findings(case, query, SHARDS).is_exact
    assert writers.batches > 10


GHOST = "INSERT INTO {database}.events (ts, id, kind, value) VALUES (now(), 'ghost', 'red', 1), (now(), 'ghost', 'red', 1)"


def haunted(case: Case, query: Query) -> None:
    """Put rows into v2 that v1 has not, once there is a watermark and it has passed."""
    wait_until(lambda: len(so_far(case).watermarks) == len(TABLES), 60, "watermarks")
    passed = max(so_far(case).watermarks.values()) / 1e9
    wait_until(lambda: time.time() > passed + 1, 60, "the watermark")
    query(1, GHOST.format(database=case.target_database))
