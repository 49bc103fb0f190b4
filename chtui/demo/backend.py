"""A stand-in for `appsentry-backend`, a process of its own: `python -m chtui.demo.backend DIRECTORY`; it ends with its standard input.

It asks the plan's kinds of questions in turn, of v1 on the first host or of v2 through all hosts, as it is told over HTTP.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock, Thread

from chtui.clock import rfc3339
from chtui.demo.client import Client
from chtui.demo.directory import STATE, Held, State, decode
from chtui.demo.http_service import Answer, JsonService, Refusal, Routes
from chtui.demo.load import BACKEND, password_of
from chtui.demo.options import BACKEND_SERVICE
from chtui.demo.render import places
from chtui.errors import ConnectError, DeadlineError, DemoError, QueryError
from chtui.paths import write_private
from chtui.sql import load

SCHEMA = "chtui.backend/1"
MEMORY = "backend.json"
VERSIONS = ("v1", "v2")
QUESTIONS = ("overview", "search", "metrics", "logs")
EVERY_SECONDS = 0.5
ASK_SECONDS = 30.0


@dataclass(slots=True)
class Asked:
    """What became of one question, asked of one version, since the start."""

    question: str
    version: str
    queries: int = 0
    """Answered."""
    failures: int = 0
    last_seconds: float | None = None
    """How long the last answer took."""
    last_error: str = ""


class Backend:
    """The service: what it asks, and of which version."""

    def __init__(self, directory: Path, state: State) -> None:
        """Prepare the service on a demo's directory.

        Raises:
            DemoError: what it remembers is damaged.
        """
        self._memory = directory / MEMORY
        self._guard = Lock()
        self._version = _remembered(self._memory)
        self._client = Client(BACKEND, password_of(directory, BACKEND))
        self._ports = [place.http_port for place in places(state.shape, state.ports)]
        self._asked = {
            (question, version): Asked(question, version) for version in VERSIONS for question in QUESTIONS
        }

    def run(self) -> None:
        """Ask one question after another, for ever."""
        turn = 0
        while True:
            question = QUESTIONS[turn % len(QUESTIONS)]
            version = self._version
            # every host gets every question in time
            host = (turn + turn // len(QUESTIONS)) % len(self._ports) if version == "v2" else 0
            self._ask(self._asked[question, version], self._ports[host])
            turn += 1
            time.sleep(EVERY_SECONDS)

    def routes(self) -> Routes:
        """Return what it answers to."""
        return {("GET", "/status"): self._status, ("POST", "/clickhouse-version"): self._switch}

    def _ask(self, asked: Asked, port: int) -> None:
        text = load(f"demo/service_read_{asked.question}_{asked.version}").text
        began = time.monotonic()
        try:
            self._client.ask(port, text, seconds=ASK_SECONDS)
        except (ConnectError, DeadlineError, QueryError) as error:
            asked.failures += 1
            asked.last_error = f"{rfc3339(datetime.now(UTC))} {error.line}"
        else:
            asked.queries += 1
            asked.last_seconds = round(time.monotonic() - began, 6)

    def _status(self, _wanted: Mapping[str, object]) -> Answer:
        return {
            "schema": SCHEMA,
            "pid": os.getpid(),
            "version": self._version,
            "queries": {
                version: sum(one.queries for one in self._asked.values() if one.version == version)
                for version in VERSIONS
            },
            "questions": [asdict(one) for one in self._asked.values()],
        }

    def _switch(self, wanted: Mapping[str, object]) -> Answer:
        version = wanted.get("version")
        if set(wanted) != {"version"} or version not in VERSIONS:
            raise Refusal("version is v1 or v2, and there is nothing else")
        with self._guard:
            self._version = str(version)
            write_private(self._memory, json.dumps({"version": self._version}))
        return self._status({})


def _remembered(path: Path) -> str:
    if not path.exists():
        return VERSIONS[0]
    try:
        return VERSIONS[VERSIONS.index(json.loads(path.read_text(encoding="ascii"))["version"])]
    except (ValueError, KeyError, TypeError) as error:
        raise DemoError(f"damaged: {error}", where=str(path), fix="remove the file") from error


def main(directory: Path) -> int:
    """Serve until standard input ends."""
    _held = Held(directory / f"{BACKEND_SERVICE}.lock")
    state = decode((directory / STATE).read_text(encoding="utf-8"), where=str(directory / STATE))
    backend = Backend(directory, state)
    service = JsonService(state.ports[BACKEND_SERVICE], backend.routes())
    Thread(target=service.serve_forever, name="http", daemon=True).start()
    Thread(target=backend.run, name="questions", daemon=True).start()
    sys.stdin.buffer.read()
    # no question is worth waiting for
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
