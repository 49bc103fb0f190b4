"""Where v2 differs from v1 now, and what that asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from chtui.errors import ChtuiError, MigrateError
from chtui.migrate.hosts import each
from chtui.migrate.look import Look, is_old
from chtui.migrate.questions import Questions
from chtui.migrate.spec import TableSpec
from chtui.migrate.stand import Stand
from chtui.migrate.verification import Compared, State, compare
from chtui.records import HostId


class Place(NamedTuple):
    """One shard's rows of one partition on one host."""

    table: str
    partition_id: str
    shard_num: int
    host: HostId

    @property
    def name(self) -> str:
        """What somebody calls it who accepts what is wrong with it."""
        return f"{self.table} {self.partition_id} shard {self.shard_num} {self.host}"


def differing(
    stand: Stand, table: TableSpec, until_seconds: int | None, since_seconds: int | None = None
) -> dict[Place, list[Compared]]:
    """Return the hours that differ from v1's, by place; only rows of before `until_seconds`, and from `since_seconds` on.

    Raises:
        MigrateError: a host would not tell.
    """
    ground, asker = stand.ground, Questions()
    told = each(ground.hosts.everyone, asker.version)
    for host, version in told.items():
        if isinstance(version, ChtuiError):
            raise _unknown(str(host), version.line)
    old = is_old([version for version in told.values() if isinstance(version, str)])
    look = Look(ground, table, old, until_seconds, asker, since_seconds, stand.remembered)
    source, targets = look.all()
    found: dict[Place, list[Compared]] = {}
    for hour in compare(table.name, source, targets, ground.layout.shards):
        if hour.state is State.UNKNOWN:
            raise _unknown(str(hour.host), hour.error)
        if hour.state is State.DIFFERS:
            found.setdefault(Place(table.name, hour.partition_id, hour.shard_num, hour.host), []).append(hour)
    return found


def extra_rows(hours: Sequence[Compared]) -> int:
    """Return the rows of hours of which v1 has none, and rows of other shards."""
    return sum(
        hour.wrong_shard_rows
        + (hour.found.rows if hour.found and hour.wanted and not hour.wanted.rows else 0)
        for hour in hours
    )


def _unknown(where: str, why: str) -> MigrateError:
    return MigrateError(f"its rows cannot be compared: {why}", where=where, fix="see the host", exit_code=3)
