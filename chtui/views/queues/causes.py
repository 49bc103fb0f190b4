"""Why entries stay in a replication queue, how bad that is, and where the tables are: what both pages of queues go by."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from chtui.monitor.snapshot import Snapshot
from chtui.records import HostId
from chtui.views.table import Cell, Style, cell

CAUSES: Mapping[str, Style] = MappingProxyType(
    {
        "no replica has the part": "critical",
        "disk full": "critical",
        "data damaged": "critical",
        "Keeper failing": "critical",
        "memory limit": "critical",
        "fetch failing": "critical",
        "merge failing": "critical",
        "mutation failing": "critical",
        "other exception": "critical",
        "fetches stopped": "warning",
        "merges stopped": "warning",
        "superseded": "warning",
        "postponed": "",
        "waiting on merge pool": "",
        "waiting on fetch pool": "",
        "waiting on another replica": "",
        "waiting on another entry": "",
        "between tries": "",
        "not tried yet": "muted",
        "executing": "ok",
    }
)
"""Every cause that `monitor/queue_groups` tells, worst first. Critical: an exception that does not pass by itself. Warning:
someone stopped it, or it will never be needed. The others drain (peers: "only postpone_reason and no exception: wait")."""

TRIES_WARNING, TRIES_CRITICAL = 10, 100
"""Tries of one entry from where it is suspicious (netdata) and stuck (Altinity's knowledge base)."""
POSTPONED_WARNING = 1000
"""Postponements of one entry from where it is stuck. Source: Altinity's knowledge base."""
OLD_WARNING_SECONDS, OLD_CRITICAL_SECONDS = 3600, 86_400
"""An entry's age: an hour is chtui's choice, 24 h the on-call runbooks'."""
LONG_RUN_SECONDS = 3600
"""From where an entry runs too long. Source: on-call runbooks."""


def rank(cause: str) -> int:
    """Return how bad a cause is; 0 is worst."""
    return list(CAUSES).index(cause) if cause in CAUSES else len(CAUSES)


def cause_cell(cause: str) -> Cell:
    """Return a cell of a cause, sorted by how bad it is."""
    return cell(cause, CAUSES.get(cause, "warning"), sort=(rank(cause),))


def homes(snapshot: Snapshot) -> dict[tuple[str, str], dict[HostId, str]]:
    """Return Replicated tables to the hosts that have them, and the replica's znode on each."""
    found: dict[tuple[str, str], dict[HostId, str]] = {}
    for status in snapshot.hosts:
        for row in snapshot.rows(status.id, "queue_tables"):
            found.setdefault((row.database, row.table), {})[status.id] = row.replica_path
    return found


def age_style(seconds: int) -> Style:
    """Return how bad an entry's age is."""
    return (
        "critical" if seconds >= OLD_CRITICAL_SECONDS else "warning" if seconds >= OLD_WARNING_SECONDS else ""
    )


def tries_style(tries: int) -> Style:
    """Return how bad so many tries of one entry are."""
    return "critical" if tries > TRIES_CRITICAL else "warning" if tries > TRIES_WARNING else ""


def postponed_style(times: int) -> Style:
    """Return how bad so many postponements of one entry are."""
    return "warning" if times > POSTPONED_WARNING else ""
