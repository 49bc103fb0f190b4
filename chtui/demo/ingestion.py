"""A stand-in for `telemetry-ingestion`, a process of its own: `python -m chtui.demo.ingestion DIRECTORY WRITERS`; it ends with its standard input.

Its writers post telemetry to v1 on the first host, and with dual writing on the same rows to v2 through any host. It is told what to do
over HTTP, and remembers that when it is started again.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from threading import Lock, Thread

from chtui.demo.client import Client
from chtui.demo.controls import V1_ONLY, VERSIONS, Controls
from chtui.demo.directory import STATE, Held, State, decode
from chtui.demo.http_service import Answer, JsonService, Refusal, Routes
from chtui.demo.load import INGESTION, password_of
from chtui.demo.options import INGESTION_SERVICE
from chtui.demo.rates import Rates, changed, number_in
from chtui.demo.record import RECORD, Record, Version
from chtui.demo.render import places
from chtui.demo.settling import settle
from chtui.demo.writers import Writer
from chtui.errors import DemoError
from chtui.paths import write_private

SCHEMA = "chtui.ingestion/1"
MEMORY = "ingestion.json"
SPREAD_SECONDS, MOST_SPREAD_SECONDS = 2.0, 3600.0
PAUSE_SECONDS, MOST_PAUSE_SECONDS = 30.0, 300.0
SETTLE_SECONDS = 0.5


class Ingestion:
    """The service: its writers, what they are told, and what it remembers."""

    def __init__(self, directory: Path, state: State, writers: int) -> None:
        """Prepare the service on a demo's directory.

        Raises:
            OSError: a file of it cannot be read or written.
            DemoError: what it remembers is damaged.
        """
        run, versions, rates = _remembered(directory / MEMORY)
        self._memory = directory / MEMORY
        self._guard = Lock()
        self._run = run + 1
        self._controls = Controls(writers, versions, rates)
        self._record = Record(directory / RECORD)
        self._ports = [place.http_port for place in places(state.shape, state.ports)]
        password = password_of(directory, INGESTION)
        self._settler = Client(INGESTION, password)
        # a client of its own for each writer: a shared pool could be drained by a hung host
        self._writers = [
            Writer(
                number,
                run=self._run,
                seed=state.shape.seed,
                client=Client(INGESTION, password),
                ports=self._ports,
                record=self._record,
                controls=self._controls,
            )
            for number in range(writers)
        ]
        self._remember()

    def start(self) -> None:
        """Start the writers."""
        for writer in self._writers:
            Thread(target=writer.run, name=f"writer {writer.number}", daemon=True).start()
        Thread(target=self._settle, name="settler", daemon=True).start()

    def routes(self) -> Routes:
        """Return what it answers to."""
        return {
            ("GET", "/status"): self._status,
            ("POST", "/dual-write"): self._switch,
            ("POST", "/rates"): self._change_rates,
            ("POST", "/pause"): self._pause,
            ("POST", "/resume"): self._resume,
        }

    def _status(self, _wanted: Mapping[str, object]) -> Answer:
        in_flight, unsettled = self._controls.in_flight(), self._unsettled()
        paused = "pausing" if in_flight or unsettled else "paused"
        return {
            "schema": SCHEMA,
            "pid": os.getpid(),
            "run": self._run,
            "state": paused if self._controls.paused else "running",
            "in_flight": in_flight,
            "unsettled": unsettled,
            "writes_to": list(self._controls.wanted),
            "dual_write": len(self._controls.wanted) > 1,
            "rates": self._controls.rates.as_dict(),
            "record": str(self._record.path),
            "writers": [writer.status() for writer in self._writers],
        }

    def _switch(self, wanted: Mapping[str, object]) -> Answer:
        _known(wanted, "on", "spread_seconds", "only")
        on, only = wanted.get("on"), wanted.get("only", "v1")
        if not isinstance(on, bool):
            raise Refusal("on is true or false")
        if only not in ("v1", "v2"):
            raise Refusal("only is v1 or v2: where to write when dual writing is off")
        spread = number_in(wanted, "spread_seconds", SPREAD_SECONDS, MOST_SPREAD_SECONDS)
        self._controls.switch(VERSIONS if on else (only,), spread)
        self._remember()
        return self._status({})

    def _change_rates(self, wanted: Mapping[str, object]) -> Answer:
        rates = self._controls.change_rates(wanted)
        self._remember()
        return rates.as_dict()

    def _pause(self, wanted: Mapping[str, object]) -> Answer:
        _known(wanted, "timeout_seconds")
        seconds = number_in(wanted, "timeout_seconds", PAUSE_SECONDS, MOST_PAUSE_SECONDS)
        deadline = time.monotonic() + seconds
        self._controls.pause()
        idle = self._controls.await_idle(seconds)
        while idle and self._unsettled() and time.monotonic() < deadline:
            time.sleep(0.05)
        if not idle or self._unsettled():
            raise Refusal(
                f"no writer begins a batch, but {self._controls.in_flight()} are still in flight and "
                f"{self._unsettled()} statements may still run on a host that does not answer; see /status",
                status=503,
            )
        return self._status({})

    def _resume(self, wanted: Mapping[str, object]) -> Answer:
        _known(wanted)
        self._controls.resume()
        return self._status({})

    def _unsettled(self) -> int:
        return sum(len(writer.unsettled) for writer in self._writers)

    def _settle(self) -> None:
        while True:
            for writer in self._writers:
                settle(writer.unsettled, self._settler, self._ports)
            time.sleep(SETTLE_SECONDS)

    def _remember(self) -> None:
        with self._guard:
            content = {
                "run": self._run,
                "writes_to": self._controls.wanted,
                "rates": self._controls.rates.as_dict(),
            }
            write_private(self._memory, json.dumps(content, indent=1))


def _known(wanted: Mapping[str, object], *names: str) -> None:
    if set(wanted) - set(names):
        raise Refusal(f"unknown key; there are: {', '.join(names) or 'none'}")


def _remembered(path: Path) -> tuple[int, tuple[Version, ...], Rates]:
    """Return the last run's number, where to write, and the rates."""
    if not path.exists():
        return 0, V1_ONLY, Rates()
    try:
        content = json.loads(path.read_text(encoding="ascii"))
        versions = tuple(version for version in VERSIONS if version in content["writes_to"])
        return int(content["run"]), versions or V1_ONLY, changed(Rates(), content["rates"])
    except (ValueError, KeyError, TypeError) as error:
        raise DemoError(f"damaged: {error}", where=str(path), fix="remove the file") from error


def main(directory: Path, writers: int) -> int:
    """Serve until standard input ends."""
    _held = Held(directory / f"{INGESTION_SERVICE}.lock")
    state = decode((directory / STATE).read_text(encoding="utf-8"), where=str(directory / STATE))
    ingestion = Ingestion(directory, state, writers)
    service = JsonService(state.ports[INGESTION_SERVICE], ingestion.routes())
    Thread(target=service.serve_forever, name="http", daemon=True).start()
    ingestion.start()
    sys.stdin.buffer.read()
    # what is in flight is in the record as not answered
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
