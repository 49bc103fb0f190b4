"""The plan's migration script, as a process of its own that faults can strike: the control of the fault matrix.

It is a loop over months that sends `INSERT INTO otel_v2.traces SELECT ... WHERE toYYYYMM(Timestamp) = month` to one server. What keeps it from running at all is mended here: months are what v1 has, columns are listed, values are
mapped, all tables are copied. Its ways are its own: no staging, no proof, and after a kill it is started again.
"""

from __future__ import annotations

import http.client
import sys
import time
from pathlib import Path

from chtui.demo.selftest import case as cases
from chtui.demo.selftest.case import Case
from chtui.demo.selftest.faults import Faults

COPY = "copy"
AS_WRITTEN, STOPS, REMEMBERS = "as_written", "stops", "remembers"
"""It goes on after an error, as a shell does; it stops at one; it stops, and skips the months it has finished."""
DISTRIBUTED = {"events": "cityHash64(id)", "clicks": "cityHash64(page)"}
COPIES = {
    "events": """INSERT INTO {v2}.events_plan (ts, day, id, kind, value, note)
SELECT ts, toDate(ts), id, lower(kind), value, note FROM {v1}.events WHERE toYYYYMM(ts) = {month}""",
    "clicks": """INSERT INTO {v2}.clicks_plan (ts, page, times)
SELECT ts, page, toInt32(times) FROM {v1}.clicks WHERE toYYYYMM(ts) = {month}""",
}
MONTHS = ("202601", "202602", "202603")
SETTINGS = " SETTINGS max_execution_time = 3600, max_block_size = 16, min_insert_block_size_rows = 16, min_insert_block_size_bytes = 0"
"""The limit is the plan's. Blocks are as small against these months as a server's own are against real ones."""
RUNNING = "running"
"""A point of the script alone: a statement's first rows have arrived, and it is under way."""
POLL_SECONDS = 20.0


class Script:
    """One run of it."""

    def __init__(self, case: Case, way: str) -> None:
        self._case, self._way = case, way
        self._faults = Faults(case)
        self._finished = Path(case.directory) / "finished"

    def run(self) -> int:
        """Return the exit code."""
        v1, v2 = self._case.source_database, self._case.target_database
        for table, statement in COPIES.items():
            for month in MONTHS:
                if self._is_finished(table, month):
                    continue
                self._faults.reach(COPY, "before")
                trouble = self._copy(statement.format(v1=v1, v2=v2, month=month) + SETTINGS)
                if not trouble:
                    self._faults.reach(COPY, "done")
                    self._finish(table, month)
                    continue
                print(trouble, flush=True)
                if self._way != AS_WRITTEN:
                    return 1
        return 0

    def _copy(self, statement: str) -> str:
        try:
            before = self._arrived()
            connection = self._send(statement)
            self._faults.reach(COPY, "sent")
            self._await_rows(before)
            self._faults.reach(COPY, RUNNING)
            status, text = self._answer(connection)
        except OSError as error:
            return f"{error}"
        except http.client.HTTPException as error:
            return f"{error!r}"
        return "" if status == 200 else text

    def _arrived(self) -> int:
        """Rows of v2 on the script's server."""
        v2 = self._case.target_database
        counts = [f"SELECT count() AS rows FROM {v2}.{table}_local" for table in COPIES]
        status, text = self._answer(self._send(f"SELECT sum(rows) FROM ({' UNION ALL '.join(counts)})"))
        return int(text) if status == 200 else 0

    def _await_rows(self, before: int) -> None:
        if not self._case.blows or self._case.blows[0].point != RUNNING:
            return
        until = time.monotonic() + POLL_SECONDS
        while self._arrived() <= before and time.monotonic() < until:
            pass

    def _send(self, statement: str) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection("127.0.0.1", self._case.seeds[0], timeout=3600)
        login = {"X-ClickHouse-User": self._case.user, "X-ClickHouse-Key": self._case.password}
        connection.request("POST", "/", statement.encode(), login)
        return connection

    @staticmethod
    def _answer(connection: http.client.HTTPConnection) -> tuple[int, str]:
        with connection.getresponse() as response:
            return response.status, response.read().decode(errors="replace")

    def _is_finished(self, table: str, month: str) -> bool:
        told = self._finished.read_text().splitlines() if self._finished.exists() else []
        return self._way == REMEMBERS and f"{table} {month}" in told

    def _finish(self, table: str, month: str) -> None:
        with self._finished.open("a") as stream:
            stream.write(f"{table} {month}\n")


if __name__ == "__main__":
    sys.exit(Script(cases.read(Path(sys.argv[1]))[0], sys.argv[2]).run())
