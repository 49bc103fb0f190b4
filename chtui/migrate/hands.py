"""How a migration changes anything: written down first, only under the lease, and never taken for failed when unknown."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Mapping
from typing import Any, Protocol

from chtui.errors import ChtuiError, ConnectError, MigrateError, QueryError
from chtui.fleet.literal import Value
from chtui.migrate.ddl import SchemaObject
from chtui.migrate.hosts import Host
from chtui.migrate.statements import text
from chtui.records import HostId

HUNT_SECONDS = 120.0
"""How long a statement of an earlier attempt is waited for after it was told to stop."""
HUNT_EVERY_SECONDS = 0.2
STATEMENT_SECONDS = 6 * 3600.0
"""How long one statement that moves rows may take; a host that hangs is seen by its other connections."""
DROPPING: Mapping[str, int | str] = {
    "max_table_size_to_drop": 0,
    "max_partition_size_to_drop": 0,
    "database_atomic_wait_for_drop_and_detach_synchronously": 1,
}
"""Settings for what drops or replaces: no limit of the server stops it half-way, and the space is free when it returns."""


class Diary(Protocol):
    """Where events are written down before they happen."""

    def append(self, kind: str, facts: Mapping[str, Any]) -> int:
        """Return the event's number once it is on disk."""
        ...


class Permit(Protocol):
    """What says whether this process may act."""

    generation: int

    def check(self) -> object:
        """Return if it may.

        Raises:
            MigrateError: it may not, or nobody knows.
        """
        ...


class Hands:
    """Changes servers for one run, under one lease; threads share it."""

    def __init__(self, run: str, diary: Diary, permit: Permit) -> None:
        self.run = run
        self.diary = diary
        self.permit = permit
        self._number = 0
        self._lock = threading.Lock()

    @property
    def prefix(self) -> str:
        """What the ids of all statements of this run begin with, those of earlier generations too."""
        return f"chtui-migrate-{self.run}-"

    def tag(self, name: str) -> str:
        """Return a short word for a piece of work, for ids and names of tables."""
        return hashlib.sha256(name.encode()).hexdigest()[:10]

    def table_prefix(self, tag: str = "") -> str:
        """Return what the names of this run's own tables begin with, or those of one piece of work.

        A word of fixed length stands before the run's name, so that no run's tables begin as another's: `a` and `a_b` may both be runs.
        """
        own = f"chtui_{self.tag(self.run)}_{self.run}_"
        return f"{own}{tag}_" if tag else own

    def attempt(self, tag: str) -> str:
        """Return the beginning of names no earlier attempt at this piece of work has used."""
        with self._lock:
            self._number += 1
            return f"{self.table_prefix(tag)}g{self.permit.generation}a{self._number}"

    def do(
        self,
        host: Host,
        name: str,
        params: Mapping[str, Value],
        *,
        tag: str,
        seconds: float = STATEMENT_SECONDS,
        settings: Mapping[str, int | str] | None = None,
    ) -> None:
        """Run a statement: its text is in the journal, on disk, and the lease was seen, before it is sent.

        Raises:
            MigrateError: the journal or the lease does not allow it; nothing was sent.
            QueryError: the server refused it; with code 0 nobody knows what became of it.
            ConnectError: nobody knows what became of it, unless the connection never came about.
        """
        with self._lock:
            self._number += 1
            query_id = f"{self.prefix}{tag}-g{self.permit.generation}-{self._number}"
        sent = host.known(settings or {})
        line = {"host": str(host.id), "query_id": query_id, "statement": text(name, params)}
        if sent:
            line["settings"] = ", ".join(f"{key} = {value}" for key, value in sent.items())
        self.diary.append("send", line)
        self.permit.check()
        try:
            host.run(name, params, query_id=query_id, seconds=seconds, settings=sent)
        except ChtuiError as error:
            outcome = "refused" if is_refusal(error) else "unknown"
            self.diary.append(outcome, {"query_id": query_id, "error": error.line})
            raise
        self.diary.append("done", {"query_id": query_id})

    def before(self, host: HostId, item: SchemaObject) -> None:
        """Write down that an object is made on a host, or by it on all; `schema.ensure` calls it.

        Raises:
            MigrateError: the journal or the lease does not allow it.
        """
        self.diary.append("schema", {"host": str(host), "statement": item.text})
        self.permit.check()

    def hunt(self, host: Host, tag: str = "") -> None:
        """Stop every statement this run, or one piece of its work, has on a host, and return when none is left.

        Raises:
            MigrateError: one does not end.
            ConnectError, QueryError: the host cannot be asked.
        """
        prefix = f"{self.prefix}{tag}-" if tag else self.prefix
        until = time.monotonic() + HUNT_SECONDS
        while True:
            left = [str(row[0]) for row in host.rows("own_queries", {"prefix": prefix})]
            if not left:
                return
            if time.monotonic() > until:
                raise MigrateError(
                    f"{left[0]} was told to stop {HUNT_SECONDS:.0f} s ago and still runs",
                    where=str(host.id),
                    fix="wait for it, or restart that server, then start again",
                    exit_code=3,
                )
            self.diary.append("hunt", {"host": str(host.id), "query_ids": left})
            host.run("kill_own", {"prefix": prefix})
            time.sleep(HUNT_EVERY_SECONDS)

    def drop(self, host: Host, database: str, name: str, *, tag: str) -> None:
        """Drop one of this run's own tables, if it is there.

        Raises:
            MigrateError, QueryError, ConnectError: as of `do`.
        """
        self.do(host, "drop_table", {"table": (database, name), "settings": ""}, tag=tag, settings=DROPPING)

    def sweep(self, host: Host, database: str, tag: str = "", *, keep: tuple[str, ...] = ()) -> None:
        """End all this run, or one piece of its work, has on a host: statements first, then tables.

        After that a statement that was sent and has not been read yet finds its tables gone.

        Raises:
            MigrateError, QueryError, ConnectError: as of `do` and `hunt`.
        """
        self.hunt(host, tag)
        params = {"database": database, "prefix": self.table_prefix(tag)}
        for (name,) in host.rows("own_tables", params):
            if not any(str(name).startswith(kept) for kept in keep):
                self.drop(host, database, str(name), tag=tag or "sweep")


def is_refusal(error: ChtuiError) -> bool:
    """Return whether an error means that a statement had no lasting effect; all others mean that nobody knows.

    An INSERT that was refused half-way leaves rows behind all the same: only what it was staged in may be dropped.
    """
    if isinstance(error, QueryError):
        return bool(error.code)
    return isinstance(error, ConnectError) and error.kind != "down"
