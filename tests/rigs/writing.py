"""Writers of a small v1 that go on while it is migrated: late, early, skewed, retried; switched, paused and resumed over HTTP."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.rigs.migrating import LATENESS_SECONDS, Case

Query = Callable[[int, str], str]
BATCH_SECONDS = 0.4
AGAIN_SECONDS = 0.3
KINDS = ("Red", "GREEN", "blue")


@dataclass(frozen=True)
class Habits:
    """How badly they write."""

    late_ratio: float = 0.1
    late_seconds: float = LATENESS_SECONDS * 0.7
    early_ratio: float = 0.02
    early_seconds: float = 6.0
    retry_ratio: float = 0.1
    skew_seconds: Sequence[float] = (0.0, 3.0, -2.0)
    """Of each writer; there are as many as this has."""
    switching_seconds: float = 3.0
    """How long after the first the last writer obeys the switch."""
    rows: int = 6
    """Of a batch, of each table."""
    v2_failure_ratio: float = 0.0
    """This share of batches never reaches v2: the writer gives up."""


@dataclass
class Writers:
    """All writers of one case."""

    case: Case
    query: Query
    servers: int
    habits: Habits = field(default_factory=Habits)
    is_dual: bool = False
    switched_at: float = 0.0
    batches: int = 0
    failures: list[str] = field(default_factory=list)
    _gate: threading.Condition = field(default_factory=threading.Condition)
    _paused: bool = False
    _over: bool = False
    _busy: int = 0

    def told(self, hook: str) -> bool:
        """Do what a hook says; return whether there is such a hook."""
        if hook == "dual_write_on":
            self.is_dual, self.switched_at = True, self.switched_at or time.monotonic()
        elif hook == "dual_write_off":
            self.is_dual = False
        elif hook == "pause_writers":
            with self._gate:
                self._paused = True
                self._gate.wait_for(lambda: not self._busy, 60)
        elif hook == "resume_writers":
            with self._gate:
                self._paused = False
                self._gate.notify_all()
        else:
            return False
        return True

    def write(self, number: int) -> None:
        """Write until it is over."""
        chance = random.Random(number)
        while True:
            with self._gate:
                self._gate.wait_for(lambda: self._over or not self._paused)
                if self._over:
                    return
                self._busy += 1
            try:
                self._batch(number, chance)
            finally:
                with self._gate:
                    self._busy -= 1
                    self._gate.notify_all()
            time.sleep(BATCH_SECONDS)

    def end(self) -> None:
        """Let every writer end after its batch."""
        with self._gate:
            self._over = True
            self._gate.notify_all()

    def _batch(self, number: int, chance: random.Random) -> None:
        habits = self.habits
        obeys = self.switched_at + habits.switching_seconds * number / max(1, len(habits.skew_seconds) - 1)
        is_dual = self.is_dual and time.monotonic() >= obeys
        events, clicks = self._rows(number, chance)
        copies = 2 if chance.random() < habits.retry_ratio else 1
        gives_up = chance.random() < habits.v2_failure_ratio
        databases = [self.case.source_database] + [self.case.target_database] * (is_dual and not gives_up)
        for _ in range(copies):
            for database in databases:
                # v1's own columns are v2's here but for kind, which v2 has in lower case.
                made = events if database == self.case.source_database else [row.lower() for row in events]
                self._insert(database, "events (ts, id, kind, value, note)", made)
                self._insert(database, "clicks (ts, page, times)", clicks)
        self.batches += 1

    def _rows(self, number: int, chance: random.Random) -> tuple[list[str], list[str]]:
        habits, events, clicks = self.habits, [], []
        for index in range(habits.rows):
            at = time.time() + habits.skew_seconds[number]
            if chance.random() < habits.late_ratio:
                at -= chance.random() * habits.late_seconds
            elif chance.random() < habits.early_ratio:
                at += chance.random() * habits.early_seconds
            name = f"w{number}b{self.batches}r{index}"
            note = "NULL" if index % 4 == 0 else f"'note {index}'"
            events.append(f"({int(at)}, '{name}', '{KINDS[index % 3]}', {index / 4}, {note})")
            clicks.append(f"({int(at)}, '/{index % 5}', {index})")
        return events, clicks

    def _insert(self, database: str, into: str, rows: Sequence[str]) -> None:
        """Send to v1 on the first server until it is acknowledged, to v2 on any, once: what becomes of it nobody knows then."""
        statement = f"INSERT INTO {database}.{into} VALUES {', '.join(rows)}"
        while not self._over:
            server = 0 if database == self.case.source_database else random.randrange(self.servers)
            try:
                self.query(server, statement)
                return
            except Exception as error:  # noqa: BLE001 - a server that was killed, or hangs: whatever the client calls that
                self.failures.append(f"{server} {type(error).__name__}: {error}"[:200])
                if database == self.case.target_database:
                    return
                time.sleep(AGAIN_SECONDS)


@contextmanager
def writing(case: Case, query: Query, servers: int, habits: Habits | None = None) -> Iterator[Writers]:
    """Writers that write, and the URL at which they are told what to do in `case.hooks_url`, which must be ''."""
    writers = Writers(case, query, servers, habits or Habits())

    class Hooks(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            is_known = writers.told(self.path.strip("/"))
            self.send_response(200 if is_known else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hooks)
    threads = [threading.Thread(target=server.serve_forever, daemon=True)]
    threads += [
        threading.Thread(target=writers.write, args=(number,), daemon=True)
        for number in range(len(writers.habits.skew_seconds))
    ]
    object.__setattr__(case, "hooks_url", f"http://127.0.0.1:{server.server_address[1]}")
    for thread in threads:
        thread.start()
    try:
        yield writers
    finally:
        writers.end()
        for thread in threads[1:]:
            thread.join(30)
        server.shutdown()
        server.server_close()
