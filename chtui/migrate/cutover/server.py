"""What several steps ask servers: their clock, their logs written out."""

from __future__ import annotations

from chtui.errors import QueryError
from chtui.migrate.hosts import Host

CLOCK_SINCE = (20, 6)
"""The first version whose clock tells milliseconds here. Source: `migrate/preflight_clock`."""
PATTERNS_SINCE = (20, 12)
"""The first version whose query_log tells patterns, kinds and tables. Source: `migrate/cutover_readers`."""
SPOOL_SINCE = (19, 17)
"""The first version with `system.distribution_queue`. Source: the header of `migrate/preflight_spool`."""
FLUSH_SECONDS = 30.0
LOG_DELAY_SECONDS = 10.0
"""How late the query log may be where nobody may have it written out. Source: `flush_interval_milliseconds`, 7500."""
DENIED = 497
"""ACCESS_DENIED. Source: ErrorCodes.cpp."""


def now_seconds(host: Host) -> float:
    """Return the host's clock, in seconds since 1970.

    Raises:
        QueryError, ConnectError: it does not tell.
    """
    name = "preflight_clock" if host.version >= CLOCK_SINCE else "preflight_clock_old"
    return int(host.rows(name)[0][0]) / 1000


def write_logs(host: Host) -> float:
    """Have a host write its logs out, and return how late they may still be, in seconds.

    Raises:
        QueryError, ConnectError: the host failed.
    """
    try:
        host.run("cutover_flush_logs", seconds=FLUSH_SECONDS)
    except QueryError as error:
        if error.code != DENIED:
            raise
        return LOG_DELAY_SECONDS
    return 0.0
