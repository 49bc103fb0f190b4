"""What readers and writers really do, whatever a hook said: seen in query logs and in the blocks of tables."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chtui.errors import ChtuiError, MigrateError
from chtui.fleet.literal import Value
from chtui.migrate.cutover.server import PATTERNS_SINCE, now_seconds, write_logs
from chtui.migrate.errands import WAY_BACK
from chtui.migrate.hosts import Host, each
from chtui.migrate.stand import Stand
from chtui.text import format_seconds, one_line, plural

EVERY_SECONDS = 1.0
QUIET_SECONDS = 10.0
"""For so long nobody may have asked the version that was left. Readers that ask less often are found by the last check alone."""
MOST_SECONDS = 300.0
"""So long readers and writers may take to move after a hook: pods restart one after another."""
UNKNOWN = 3

Blocks = Mapping[tuple[str, str, str], int]
"""By host, table and partition: the newest block."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What readers did since an instant."""

    queries: Mapping[str, int]
    """By version, `v1` and `v2`; of v1 those that other hosts brought there too."""
    last_seconds: Mapping[str, float]
    """When the last of them began, since 1970; 0 for none."""
    failures: int
    """Queries of v2 that ended in an error."""
    users: tuple[str, ...]
    """Who asked v1."""
    log_delay_seconds: float
    """How late the logs may be."""


def readers_seen(stand: Stand, since_seconds: float) -> Seen:
    """Return what readers did since an instant, as all logs tell it.

    Raises:
        MigrateError: a host does not tell, exit code 3.
    """
    hosts, spec = stand.ground.hosts, stand.ground.spec

    def one(host: Host) -> tuple[float, Sequence[Any]]:
        late = write_logs(host)
        new = host.version >= PATTERNS_SINCE
        source, target = spec.source.database, spec.target.database
        params: dict[str, Value] = {
            "source": source if new else pattern_of(source),
            "target": target if new else pattern_of(target),
            "since_seconds": int(since_seconds),
        }
        return late, host.rows("cutover_seen" if new else "cutover_seen_old", params)[0]

    queries, last = {"v1": 0, "v2": 0}, {"v1": 0.0, "v2": 0.0}
    users: tuple[str, ...] = ()
    delay, failures = 0.0, 0
    for host, told in each(hosts.everyone, one).items():
        if isinstance(told, ChtuiError):
            raise MigrateError(
                f"what readers do is not known: {one_line(told.what)}",
                where=str(host),
                fix=told.fix or "try again",
                exit_code=UNKNOWN,
            )
        late, (asked, asked_last, who, answered, answered_last, failed) = told
        delay = max(delay, late)
        if host == hosts.source.id:
            queries["v1"], last["v1"] = int(asked), float(asked_last)
            users = tuple(str(name) for name in who)
        queries["v2"] += int(answered)
        last["v2"] = max(last["v2"], float(answered_last))
        failures += int(failed)
    return Seen(queries, last, failures, users, delay)


def pattern_of(database: str) -> str:
    """Return the pattern by which a text names a table of a database."""
    return rf"(?:^|[^A-Za-z0-9_])[`\"]?{re.escape(database)}[`\"]?\."


def await_readers(
    stand: Stand,
    version: str,
    since_seconds: float,
    *,
    quiet_seconds: float = QUIET_SECONDS,
    most_seconds: float = MOST_SECONDS,
    nobody_reads: bool = False,
) -> Seen:
    """Return when readers were seen on `version` and nobody on the other one for a while.

    With `nobody_reads` it is enough that nobody was seen on the other one.

    Raises:
        MigrateError: they were not in time, or are to go back, exit code 1; a host does not tell, exit code 3.
    """
    other = "v1" if version == "v2" else "v2"
    until = time.monotonic() + most_seconds
    while True:
        # Whoever wants readers back does not wait for those that go the other way.
        stand.progress.sleep_unless(WAY_BACK if version == "v2" else (), EVERY_SECONDS)
        seen = readers_seen(stand, since_seconds)
        now = now_seconds(stand.ground.hosts.source)
        quiet = now - max(since_seconds, seen.last_seconds[other])
        if quiet >= quiet_seconds + seen.log_delay_seconds and (seen.queries[version] or nobody_reads):
            return seen
        if time.monotonic() > until:
            raise _not_moved(seen, version, other, most_seconds)


def _not_moved(seen: Seen, version: str, other: str, seconds: float) -> MigrateError:
    told = [
        f"{plural(seen.queries[each_of], 'query', 'queries')} of {each_of}" for each_of in (version, other)
    ]
    who = f", by {', '.join(seen.users[:3])}" if seen.users and other == "v1" else ""
    failed = f", {plural(seen.failures, 'query', 'queries')} of v2 failed" if seen.failures else ""
    fix = (
        f"see who still asks {other}, or have readers moved by hand, then ask again"
        if seen.queries[other]
        else "see whether readers run at all; where nobody reads, say so with force_names"
    )
    return MigrateError(
        f"readers were not seen to have moved to {version} within {format_seconds(seconds)}: {', '.join(told)}{who}{failed}",
        fix=fix,
        exit_code=1,
    )


# Writers


def blocks(stand: Stand, version: str) -> Blocks:
    """Return the newest blocks of a version's tables that hold rows, on all its hosts.

    Raises:
        MigrateError: a host does not tell, exit code 3.
    """
    spec, hosts = stand.ground.spec, stand.ground.hosts
    names: list[Value] = (
        [source.name for table in spec.tables for source in table.sources]
        if version == "v1"
        else [table.local for table in spec.tables]
    )
    database = spec.source.database if version == "v1" else spec.target.database
    asked = (hosts.source,) if version == "v1" else hosts.targets
    found: dict[tuple[str, str, str], int] = {}
    for host, rows in each(
        asked, lambda one: one.rows("cutover_blocks", {"database": database, "names": names})
    ).items():
        if isinstance(rows, ChtuiError):
            raise MigrateError(
                f"what writers do is not known: {one_line(rows.what)}",
                where=str(host),
                fix="try again",
                exit_code=UNKNOWN,
            )
        found.update({(str(host), str(table), str(key)): int(block) for table, key, block in rows})
    return found


def grew(before: Blocks, after: Blocks) -> tuple[str, ...]:
    """Return the tables that got rows between two looks."""
    return tuple(
        sorted(
            {
                table
                for (host, table, key), block in after.items()
                if block > before.get((host, table, key), -1)
            }
        )
    )


def await_writers(
    stand: Stand,
    *,
    quiet_seconds: float = QUIET_SECONDS,
    most_seconds: float = MOST_SECONDS,
    nobody_writes: bool = False,
) -> tuple[str, ...]:
    """Return the tables of v2 that got rows while v1's got none for a while.

    With `nobody_writes` it is enough that v1's got none.

    Raises:
        MigrateError: that was not seen in time, or readers are to go back, exit code 1; a host does not tell, exit code 3.
    """
    until = time.monotonic() + most_seconds
    while True:
        before = {version: blocks(stand, version) for version in ("v1", "v2")}
        # Whoever wants v1 back does not wait until it is seen to get nothing.
        stand.progress.sleep_unless(WAY_BACK, quiet_seconds)
        left = grew(before["v1"], blocks(stand, "v1"))
        going = grew(before["v2"], blocks(stand, "v2"))
        if not left and (going or nobody_writes):
            return going
        if time.monotonic() > until:
            what = (
                f"v1 still gets rows: {', '.join(left)}"
                if left
                else "nobody was seen writing to v2 either: writers may be off altogether"
            )
            raise MigrateError(
                f"dual writing was not seen to have ended within {format_seconds(most_seconds)}: {what}",
                fix="see that writers write to v2 alone, then ask again",
                exit_code=1,
            )


def await_source(stand: Stand, *, most_seconds: float = MOST_SECONDS, nobody_writes: bool = False) -> None:
    """Return when every table of v1 that writers write to got rows again: all whose counterpart in v2 got some meanwhile.

    Raises:
        MigrateError: that was not seen in time, exit code 1; a host does not tell, exit code 3.
    """
    if nobody_writes:
        return
    sources = {table.local: {source.name for source in table.sources} for table in stand.ground.spec.tables}
    before = {version: blocks(stand, version) for version in ("v1", "v2")}
    until = time.monotonic() + most_seconds
    while True:
        stand.progress.sleep(EVERY_SECONDS)
        here = set(grew(before["v1"], blocks(stand, "v1")))
        there = grew(before["v2"], blocks(stand, "v2"))
        lacking = [table for table in there if not sources[table] & here]
        if there and not lacking:
            return
        if time.monotonic() > until:
            raise MigrateError(
                f"v1 was not seen getting rows again within {format_seconds(most_seconds)}: {', '.join(lacking) or 'nobody writes'}",
                fix="see that writers write to both, then ask again",
                exit_code=1,
            )
