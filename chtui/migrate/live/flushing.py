"""Rows that a Distributed table has taken and not sent on: they must arrive before anybody says that they are missing."""

from __future__ import annotations

from collections.abc import Sequence

from chtui.errors import ChtuiError, MigrateError
from chtui.migrate.hosts import Host, each
from chtui.migrate.spec import TableSpec
from chtui.migrate.stand import Stand

SINCE = (22, 3)
"""The oldest version on which this asks for it, as its header says."""
SECONDS = 60.0
OLD_SECONDS = 3.0
"""How long rows on their way are waited for where a server cannot be asked. Source: a table sends every 100 ms by default
(`distributed_directory_monitor_sleep_time_ms`)."""


def flush(stand: Stand, tables: Sequence[TableSpec]) -> None:
    """Return when every host of v2 has sent on what it held for others.

    Raises:
        MigrateError: one could not; what lies there may still arrive. Or the run was told to end.
    """
    database = stand.ground.spec.target.database
    hosts = [host for host in stand.ground.hosts.targets if host.version >= SINCE]

    def one(host: Host) -> None:
        for table in tables:
            host.run("flush_distributed", {"table": (database, table.name)}, seconds=SECONDS)

    for where, outcome in each(hosts, one).items():
        if isinstance(outcome, ChtuiError):
            raise MigrateError(
                f"rows it holds for other hosts could not be sent: {outcome.what}",
                where=str(where),
                exit_code=3,
            )
    if len(hosts) < len(stand.ground.hosts.targets):
        stand.progress.sleep(OLD_SECONDS)
