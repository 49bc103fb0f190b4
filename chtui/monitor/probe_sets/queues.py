"""Probes of replication queues, fetches, Distributed sends, and of the DDL queue where ClickHouse itself tells it."""

from __future__ import annotations

from chtui.monitor.probe import Context, Params, Probe
from chtui.records import queues

GROUP_ROWS = 500
"""At most so many groups of one host's replication queue are listed."""
ENTRY_ROWS = 500
"""At most so many entries of one table on one host are listed."""
TABLE_ROWS = 5000
"""At most so many Replicated tables of one host are counted."""
FETCH_ROWS = 500
"""At most so many fetches of one host are listed."""
SEND_ROWS = 500
"""At most so many destinations of one host's Distributed tables are listed."""
DDL_ROWS = 200
"""At most so many entries of the DDL queue are listed."""


def _queued(context: Context) -> Params | None:
    """Queues are read while the summary, which is asked always, counts any entry."""
    summary = context.sample("replication_summary")
    return None if summary and summary.rows and not summary.rows[0].queue_entries else {}


PROBES = (
    Probe("queue_groups", queues.QueueGroup, "queues", 5.0, params=_queued, max_rows=GROUP_ROWS),
    Probe("queue_tables", queues.QueueTable, "tables", 5.0, max_rows=TABLE_ROWS),
    Probe("queue_entries", queues.QueueEntry, "queues", 5.0, params=_queued, max_rows=ENTRY_ROWS),
    Probe("queue_entry", queues.QueueEntryDetail, "queues", 5.0),
    Probe("replicated_fetches", queues.ReplicatedFetch, "queues", 5.0, max_rows=FETCH_ROWS, counts=True),
    Probe("distribution_queue", queues.DistributionQueue, "queues", 5.0, max_rows=SEND_ROWS, counts=True),
    Probe("ddl_entries", queues.DdlStatus, "tables", 3.0, max_rows=DDL_ROWS),
    Probe("ddl_hosts", queues.DdlHostStatus, "tables", 3.0, max_rows=1000),
)
