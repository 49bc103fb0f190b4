"""Readers and writers that can be moved from one version to the other over HTTP, as hooks do it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from chtui.errors import ChtuiError
from chtui.migrate.cutover.switch import Timing
from chtui.migrate.spec import Hook
from tests.engine.standing import Standing

EVERY_SECONDS = 0.2
FAST = Timing(checks=2, every_seconds=0.2, quiet_seconds=3.0, most_seconds=25.0)
HASTY = replace(FAST, most_seconds=5.0)


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.told(told)  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, told: Callable[[dict[str, object]], None]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.told = told


class Services:
    """One reader and one writer, each a thread; `read` and `write` are called with what they are told, again and again."""

    def __init__(self, read: Callable[[str], None], write: Callable[[bool, bool, int], None]) -> None:
        self.version = "v1"
        self.writes_v1 = True
        self.obeys = True
        """Whether it does what it says it does."""
        self.confuses = False
        """Whether the writer, told to write to v2 alone, writes to v1 alone."""
        self.writes_v2 = True
        self.errors: list[ChtuiError] = []
        self._read, self._write = read, write
        self._stopped = threading.Event()
        self._server = _Server(self._told)
        works = (self._server.serve_forever, self._reading, self._writing)
        self._threads = [threading.Thread(target=work, daemon=True) for work in works]

    @property
    def hooks(self) -> dict[str, Hook]:
        """What moves them."""
        url = f"http://127.0.0.1:{self._server.server_address[1]}/"
        told = {
            "reads_v1": {"version": "v1"},
            "reads_v2": {"version": "v2"},
            "dual_write_on": {"writes_v1": True},
            "dual_write_off": {"writes_v1": False},
        }
        return {name: Hook(url=url, body=json.dumps(body)) for name, body in told.items()}

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()
        for thread in self._threads:
            thread.join(20)

    def _told(self, told: dict[str, object]) -> None:
        if self.obeys:
            self.version = str(told.get("version", self.version))
            both = bool(told.get("writes_v1", self.writes_v1 and self.writes_v2))
            self.writes_v1 = both or self.confuses
            self.writes_v2 = both or not self.confuses

    def _reading(self) -> None:
        while not self._stopped.wait(EVERY_SECONDS):
            self._try(partial(self._read, self.version))

    def _writing(self) -> None:
        number = 0
        while not self._stopped.wait(EVERY_SECONDS):
            number += 1
            self._try(partial(self._write, self.writes_v1, self.writes_v2, number))

    def _try(self, work: Callable[[], None]) -> None:
        try:
            work()
        except ChtuiError as error:
            self.errors.append(error)


@contextmanager
def readers_and_writers(standing: Standing) -> Iterator[Services]:
    """A reader, and a writer of events, the same rows to both unless it is told otherwise."""

    def read(version: str) -> None:
        standing.query(
            1 if version == "v2" else 0,
            f"SELECT count(), max(value) FROM {version}.events WHERE ts > now() - 900",
        )

    def write(to_v1: bool, to_v2: bool, number: int) -> None:
        row = f"toDateTime({int(time.time()) - number % 3}), 'w{number}', '{{}}', {number} / 4, NULL"
        if to_v1:
            standing.query(0, f"INSERT INTO v1.events (ts, id, kind, value, note) SELECT {row.format('Red')}")
        if to_v2:
            standing.query(
                number % 4,
                f"INSERT INTO v2.events (ts, id, kind, value, note) SETTINGS distributed_foreground_insert = 1 SELECT {row.format('red')}",
            )

    with Services(read, write) as found:
        yield found


def hooked(standing: Standing, services: Services) -> Standing:
    """The same migration with the hooks that move these services."""
    return standing.with_hooks(**services.hooks)


def nobody(_: str) -> bool:
    """Nobody confirms anything."""
    return False
