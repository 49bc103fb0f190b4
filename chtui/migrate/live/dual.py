"""Dual writing: switched on by a hook, believed only when rows of every writer are seen to arrive at v2."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from chtui.errors import ChtuiError, MigrateError, QueryError
from chtui.fleet.literal import Value
from chtui.migrate import hooks
from chtui.migrate.facts import DUAL_WRITE
from chtui.migrate.hosts import Host, each
from chtui.migrate.live.watermark import clock_seconds
from chtui.migrate.live.words import Words
from chtui.migrate.spec import TableSpec
from chtui.migrate.stand import Stand

HOOK = "dual_write_on"
LOGS_TABLES_SINCE = (22, 3)
"""The first version on which this reads the tables of a query from its log; older ones are read by the query's text."""
FLUSH_SECONDS = 20.0
POLL_SECONDS = 2.0
WINDOW_SECONDS = 15.0
"""Who writes is told by the last so many seconds. Source: exporters of OpenTelemetry send every few seconds by default."""
SAME_RATIO = 0.9
"""A writer that stands for several, as all behind one address do, writes to both when v2 gets so much of what v1 gets."""
ON = "dual-write"


class Writer(NamedTuple):
    """Who inserts, as far as a server can tell."""

    user: str
    address: str
    client: str

    def __str__(self) -> str:
        return " ".join(word for word in (self.user, self.address, self.client) if word)


class Seen(NamedTuple):
    """The rows each writer inserted into one table of v2, and into the tables of v1 that feed it, in the last seconds."""

    table: str
    of_v1: Mapping[Writer, int]
    of_v2: Mapping[Writer, int]

    @property
    def trouble(self) -> str:
        """Who is not seen writing to both as much; empty where nobody is."""
        behind = [
            f"{writer} ({self.of_v2.get(writer, 0)} rows of {rows})"
            for writer, rows in sorted(self.of_v1.items())
            if self.of_v2.get(writer, 0) < SAME_RATIO * rows
        ]
        return f"{self.table}: not seen writing to v2 as to v1 yet: {', '.join(behind)}" if behind else ""


def is_wanted(stand: Stand) -> bool:
    """Return whether the spec says how dual writing is switched on; without it v1 is taken to be still."""
    return HOOK in stand.ground.spec.hooks


def switch_on(stand: Stand, words: Words) -> None:
    """Switch dual writing on and return once every writer of v1 was seen writing to v2; seen to be on or off before, nothing is done.

    Raises:
        MigrateError: the hook failed, or the run was told to end.
    """
    if stand.facts().dual_write is not None:
        return
    hooks.run(stand, HOOK, words.confirmed)
    switched = clock_seconds(stand.ground.hosts.source)
    while True:
        words.listen(POLL_SECONDS)
        now = clock_seconds(stand.ground.hosts.source)
        if now - switched < WINDOW_SECONDS:
            waiting = [f"writers are watched for {WINDOW_SECONDS:.0f} s"]
        else:
            try:
                waiting = [seen.trouble for seen in look(stand, now - WINDOW_SECONDS) if seen.trouble]
            except ChtuiError as error:
                waiting = [error.line]
        # Told where everything else that holds the run up is told; nothing but this waits for it.
        stand.progress.hold(ON, "; ".join(waiting), steps=(ON,))
        if not waiting:
            break
    at = clock_seconds(stand.ground.hosts.source)
    stand.hands.diary.append(DUAL_WRITE, {"is_on": True, "clock_seconds": at})


def look(stand: Stand, since_seconds: float) -> list[Seen]:
    """Return who has written to v1 and to v2 since then, by v1's clock.

    Raises:
        ChtuiError: a host would not tell.
    """
    ground = stand.ground
    source, spec = ground.hosts.source, ground.spec
    for host in ground.hosts.everyone:
        _flush(host)
    offsets = {host.id: clock_seconds(host) - clock_seconds(source) for host in ground.hosts.targets}
    found = []
    for table in spec.tables:
        of_v1: Counter[Writer] = Counter()
        for each_source in table.sources:
            of_v1.update(writers(source, spec.source.database, each_source.name, since_seconds))

        def of_host(host: Host, table: TableSpec = table) -> Mapping[Writer, int]:
            return writers(host, spec.target.database, table.name, since_seconds + offsets[host.id])

        of_v2: Counter[Writer] = Counter()
        for told in each(ground.hosts.targets, of_host).values():
            if isinstance(told, ChtuiError):
                raise told
            of_v2.update(told)
        found.append(Seen(table.name, of_v1, of_v2))
    return found


def writers(host: Host, database: str, table: str, since_seconds: float) -> dict[Writer, int]:
    """Return who inserted into a table on a host since then, by its own clock, with how many rows.

    Raises:
        MigrateError: the host keeps no query log, or the user may not read it.
        QueryError, ConnectError: it would not tell.
    """
    since = int(since_seconds)
    try:
        if host.version >= LOGS_TABLES_SINCE:
            params: dict[str, Value] = {"database": database, "table": table, "since_seconds": since}
            rows = host.rows("dual_writers", params)
        else:
            pattern = rf"(?i)^\s*INSERT\s+INTO\s+`?{re.escape(database)}`?\s*\.\s*`?{re.escape(table)}`?[\s(]"
            rows = host.rows("dual_writers_old", {"since_seconds": since, "pattern": pattern})
    except QueryError as error:
        raise MigrateError(
            f"who writes cannot be seen: {error.what}",
            where=str(host.id),
            fix="let the user read system.query_log, and the server keep it",
            exit_code=3,
        ) from error
    return {
        Writer(str(user), str(address).removeprefix("::ffff:"), str(client)): int(number)
        for user, address, client, _, number in rows
    }


def _flush(host: Host) -> None:
    try:
        host.run("cutover_flush_logs", seconds=FLUSH_SECONDS)
    except QueryError:
        # Not allowed: the log is some seconds old then, and it is looked at again.
        return
