"""The writers of `telemetry-ingestion`: each sends its batches to v1, and where it was told so the same rows to v2."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NoReturn

from chtui.clock import rfc3339
from chtui.demo.client import Client
from chtui.demo.controls import VERSIONS, Controls, Orders
from chtui.demo.rates import Rates, Share
from chtui.demo.record import TABLES, Batch, Record, Version, first_id
from chtui.demo.settling import Unsettled
from chtui.errors import ChtuiError, ConnectError, DeadlineError, QueryError
from chtui.sql import load
from chtui.text import one_line

WEIGHTS: Mapping[str, float] = {"traces": 3 / 6, "logs": 2 / 6, "metrics": 1 / 6}
"""How a writer's rows are shared among the tables."""
MOST_BATCH_ROWS = 10_000
V1_SECONDS, V2_SECONDS = 30.0, 10.0
"""An insert that was not answered within this is sent again, at v2 to another host; nobody knows then what became of it."""
V2_TRIES = 10
LEAST_BACKOFF_SECONDS, MOST_BACKOFF_SECONDS = 0.2, 2.0


def text_of(table: str, version: Version) -> str:
    """Return the statement that writes a batch."""
    rows = load(f"demo/service_rows_{table}").text
    return load(f"demo/service_write_{table}_{version}").text.replace("{rows}", rows)


TEXTS: Mapping[tuple[str, Version], str] = {
    (table, version): text_of(table, version) for table in TABLES for version in VERSIONS
}


@dataclass(slots=True)
class Counters:
    """What a writer did since its start; every copy of a row counts."""

    batches: int = 0
    v1_rows: int = 0
    """Acknowledged."""
    v2_rows: int = 0
    """Acknowledged."""
    retried_rows: int = 0
    """Sent once more though they had been acknowledged."""
    late_rows: int = 0
    early_rows: int = 0
    v1_failures: int = 0
    """Sendings that were not acknowledged."""
    v2_failures: int = 0
    v2_failed_rows: int = 0
    """Given up: v2 never acknowledged them."""
    last_error: str = ""


class Writer:
    """One writer, a thread of its own. It knows where to write, and nothing else about a migration."""

    def __init__(
        self,
        number: int,
        *,
        run: int,
        seed: int,
        client: Client,
        ports: Sequence[int],
        record: Record,
        controls: Controls,
    ) -> None:
        """Prepare a writer; `ports` are the hosts' HTTP ports, v1's first."""
        self.number = number
        self.counters = Counters()
        self.unsettled: list[Unsettled] = []
        """This writer puts in, who settles them takes out."""
        self.state = "waiting"
        self._run = run
        self._seed = seed
        self._client = client
        self._ports = ports
        self._record = record
        self._controls = controls
        self._next_row = first_id(run, number)
        self._next_host = number
        # each table by itself: a share of one in three would else fall on the same table of three for ever
        self._due = {
            (table, what): Share() for table in TABLES for what in ("rows", "late", "early", "retries")
        }

    def run(self) -> None:
        """Write until the process ends, or until what was sent cannot be recorded any more."""
        try:
            self._go()
        except OSError as error:
            self.state = "stopped"
            self.counters.last_error = f"{rfc3339(datetime.now(UTC))} record: {one_line(error)}"

    def status(self) -> dict[str, object]:
        """Return what it was told and what it did, as JSON."""
        counters = {name: getattr(self.counters, name) for name in Counters.__slots__}
        told = self._controls.writer_status(self.number)
        return {"writer": self.number, "state": self.state, **told, **counters}

    def _go(self) -> NoReturn:
        last = time.monotonic() - self._controls.rates.batch_seconds * (
            1 - self.number / self._controls.writers
        )
        while True:
            last = self._controls.tick(last)
            for table in TABLES:
                orders = self._controls.begin(self.number)
                self.state = "writing"
                try:
                    self._write(table, orders)
                finally:
                    self.state = "waiting"
                    self._controls.end(self.number)

    def _write(self, table: str, orders: Orders) -> None:
        rates = orders.rates
        wanted = rates.rows_per_second * rates.batch_seconds * WEIGHTS[table] / self._controls.writers
        rows = self._due[table, "rows"].of(wanted, MOST_BATCH_ROWS)
        if not rows:
            return
        batch = self._made(table, rows, rates)
        copies = 1 + self._due[table, "retries"].of(rates.retry_ratio, 1)
        self._record.begin(batch, orders.versions)
        for copy in range(copies):
            for version in orders.versions:
                # what v1 has not got is lost to everybody, and so is v2's where only v2 is written
                is_needed = version == "v1" or len(orders.versions) == 1
                self._send(batch, version, copy, is_needed=is_needed)
        self._record.end(batch)
        self.counters.batches += 1
        self.counters.retried_rows += rows * (copies - 1)
        self.counters.late_rows += batch.late_rows
        self.counters.early_rows += batch.early_rows

    def _made(self, table: str, rows: int, rates: Rates) -> Batch:
        late = self._due[table, "late"].of(rows * rates.late_ratio, rows)
        early = self._due[table, "early"].of(rows * rates.early_ratio, rows - late)
        first, self._next_row = self._next_row, self._next_row + rows
        return Batch(
            run=self._run,
            writer=self.number,
            number=self.counters.batches + 1,
            table=table,
            seed=self._seed,
            first=first,
            rows=rows,
            at_ns=time.time_ns() + int(rates.skew_of(self.number) * 1e9),
            step_ns=int(rates.batch_seconds * 1e9) // rows,
            late_rows=late,
            late_ns=int(rates.late_seconds * 1e9),
            early_rows=early,
            early_ns=int(rates.early_seconds * 1e9),
        )

    def _send(self, batch: Batch, version: Version, copy: int, *, is_needed: bool) -> None:
        """Send one copy of a batch until it is acknowledged; what is not needed is given up after some tries."""
        backoff, tries = LEAST_BACKOFF_SECONDS, 0
        while not self._sent(batch, version, f"ingestion-{batch.key}-{version}-{copy}-{tries}"):
            tries += 1
            if not is_needed and tries >= V2_TRIES:
                self.counters.v2_failed_rows += batch.rows
                break
            self.state = "retrying"
            time.sleep(backoff)
            backoff = min(backoff * 2, MOST_BACKOFF_SECONDS)
        self.state = "writing"

    def _sent(self, batch: Batch, version: Version, query_id: str) -> bool:
        port, seconds = self._ports[0], V1_SECONDS
        if version == "v2":
            port, seconds = self._ports[self._next_host % len(self._ports)], V2_SECONDS
            self._next_host += 1
        text = TEXTS[batch.table, version]
        try:
            self._client.ask(port, text, batch.params(), seconds=seconds, query_id=query_id)
        except (ConnectError, DeadlineError, QueryError) as error:
            self._failed(batch, version, query_id, error)
            return False
        self._record.sent(batch, version, "ok")
        if version == "v1":
            self.counters.v1_rows += batch.rows
        else:
            self.counters.v2_rows += batch.rows
        return True

    def _failed(self, batch: Batch, version: Version, query_id: str, error: ChtuiError) -> None:
        # a refused connection carried nothing; after anything else some days of the batch may be there, or some shards
        if isinstance(error, ConnectError) and error.kind == "refused":
            self._record.sent(batch, version, "refused")
        else:
            self._record.sent(batch, version, "unknown")
            self.unsettled.append(Unsettled(query_id))
        if version == "v1":
            self.counters.v1_failures += 1
        else:
            self.counters.v2_failures += 1
        self.counters.last_error = f"{rfc3339(datetime.now(UTC))} {version} {error.line}"
