"""What `telemetry-ingestion` sent, in an append-only file: enough to know, without asking a server, which rows must be where.

A line is written before a batch is first sent, one after each answer, and one when nothing more will be sent of it; so what a killed
writer leaves behind is known too, or known to be unknown.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, Literal

from chtui.demo.client import Param

TABLES = ("traces", "logs", "metrics")
RECORD = "ingestion.jsonl"
RUN_BITS, WRITER_BITS, ROW_BITS = 12, 8, 44
MASK = 2**64 - 1
SCATTER = 11400714819323198485
"""As in the statements that make the rows."""

Version = Literal["v1", "v2"]
Outcome = Literal["ok", "refused", "unknown"]
"""`refused`: nothing of it was written; `unknown`: no answer, so it may have been."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows sent together; they are the same whenever they are made from the same batch."""

    run: int
    """The how many-th start of the service on this directory, from 1."""
    writer: int
    number: int
    """Counted by the writer, over all tables."""
    table: str
    seed: int
    first: int
    """The id of the first row; the others follow."""
    rows: int
    at_ns: int
    """The last row's event time, where it is neither late nor early; ns since 1970."""
    step_ns: int
    late_rows: int = 0
    late_ns: int = 1
    early_rows: int = 0
    early_ns: int = 1

    @property
    def key(self) -> str:
        """Unique in a directory."""
        return f"{self.run}.{self.writer}.{self.number}"

    @property
    def ids(self) -> list[str]:
        """The rows' ids as the tables hold them: SpanId, `log.record.uid`, `point.uid`."""
        return [f"{self.first + number:016x}" for number in range(self.rows)]

    @property
    def times_ns(self) -> list[int]:
        """The rows' event times, ns since 1970."""
        return [self._time_ns(number) for number in range(self.rows)]

    def params(self) -> dict[str, Param]:
        """Return the parameters of the statements that make and write these rows."""
        names = (
            "seed",
            "first",
            "rows",
            "at_ns",
            "step_ns",
            "late_rows",
            "late_ns",
            "early_rows",
            "early_ns",
        )
        return {name: getattr(self, name) for name in names}

    def _time_ns(self, number: int) -> int:
        scattered = (self.first + number) * SCATTER & MASK
        time_ns = self.at_ns - (self.rows - 1 - number) * self.step_ns
        if number < self.late_rows:
            return time_ns - (scattered % self.late_ns + 1)
        if number < self.late_rows + self.early_rows:
            return time_ns + (scattered % self.early_ns + 1)
        return time_ns


def first_id(run: int, writer: int) -> int:
    """Return the id of the first row a writer makes in a run; no other writer or run has the ids that follow."""
    return (run % (1 << RUN_BITS)) << (WRITER_BITS + ROW_BITS) | writer << ROW_BITS


class Record:
    """The file, open for writing; may be used by several threads."""

    def __init__(self, path: Path) -> None:
        """Open it, behind what is there.

        Raises:
            OSError: it cannot be opened.
        """
        self.path = path
        self._guard = Lock()
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        size = os.fstat(self._handle).st_size
        if size and os.pread(self._handle, 1, size - 1) != b"\n":
            # a line that was cut short must not spoil the next one
            os.write(self._handle, b"\n")

    def begin(self, batch: Batch, versions: tuple[Version, ...]) -> None:
        """Record a batch that will be sent to these versions.

        Raises:
            OSError: it cannot be written.
        """
        numbers = {name: str(getattr(batch, name)) for name in Batch.__slots__ if name != "table"}
        self._write({"begin": batch.key, "table": batch.table, "to": list(versions), **numbers})

    def sent(self, batch: Batch, version: Version, outcome: Outcome) -> None:
        """Record how one sending ended."""
        self._write({"sent": batch.key, "to": version, "outcome": outcome})

    def end(self, batch: Batch) -> None:
        """Record that nothing more will be sent of a batch."""
        self._write({"end": batch.key})

    def _write(self, content: Mapping[str, object]) -> None:
        line = json.dumps(content).encode() + b"\n"
        with self._guard:
            while line:
                line = line[os.write(self._handle, line) :]


@dataclass(slots=True)
class Copies:
    """How often each row of a batch may be in one version's table."""

    least: int = 0
    """Acknowledged so many times."""
    unknown: int = 0
    """So many more sendings had no answer; of a v2 of several shards any part of the rows may have come."""

    @property
    def most(self) -> int:
        """No more than this."""
        return self.least + self.unknown


@dataclass(slots=True)
class Sent:
    """One batch and what became of it."""

    batch: Batch
    to: tuple[Version, ...]
    """Where its writer meant to send it."""
    copies: dict[Version, Copies] = field(default_factory=lambda: {"v1": Copies(), "v2": Copies()})
    ended: bool = False
    """Nothing more will be sent of it; where this is missing the last sending has no answer yet, or never got one."""


def read(path: Path) -> list[Sent]:
    """Return every batch in a record, in the order in which they were begun; of a batch that did not end one more copy is unknown.

    Raises:
        OSError: it cannot be read.
        KeyError: it is no record.
    """
    found: dict[str, Sent] = {}
    for content in _lines(path):
        if "begin" in content:
            numbers = {name: int(content[name]) for name in Batch.__slots__ if name != "table"}
            batch = Batch(table=str(content["table"]), **numbers)
            found[batch.key] = Sent(batch, tuple(content["to"]))
        elif "sent" in content:
            copies = found[content["sent"]].copies[content["to"]]
            copies.least += content["outcome"] == "ok"
            copies.unknown += content["outcome"] == "unknown"
        else:
            found[content["end"]].ended = True
    for sent in found.values():
        for version in sent.to if not sent.ended else ():
            sent.copies[version].unknown += 1
    return list(found.values())


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_text(encoding="ascii").splitlines():
        try:
            content = json.loads(line)
        except ValueError:
            # cut short by a kill: what it would have announced was never sent, what it would have told is unknown
            continue
        yield content
