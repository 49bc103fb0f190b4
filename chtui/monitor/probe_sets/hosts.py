"""Probes of hosts and their replicas: what is asked always, and what a host's detail shows."""

from __future__ import annotations

from collections.abc import Sequence

from chtui import records
from chtui.fleet.link import LIVENESS
from chtui.monitor import shapes
from chtui.monitor.probe import Context, Params, Probe
from chtui.records import Sample, SuspectReplica, replicas

SUSPECT_ROWS = 200
"""At most so many suspect tables of one host are listed."""
KEEPER_TABLES = 20
"""At most so many tables of one host are asked about in Keeper at once; each costs several requests."""
TABLE_ROWS = 5000
"""At most so many tables of one host are listed."""


def _limits(context: Context) -> Params:
    thresholds = context.thresholds
    return {
        "delay_seconds": int(thresholds.replica_lag_warning_seconds),
        "queue_entries": thresholds.queue_size_warning,
    }


def _has_no_tables(sample: Sample) -> bool:
    return bool(sample.rows) and sample.rows[0].tables == 0


def _suspects(context: Context) -> Params | None:
    """Suspects are listed while the summary counts any, or while a peer is gone and every table may miss a replica."""
    summary = context.sample("replication_summary")
    counts = summary.rows[0] if summary and summary.rows else None
    if counts is None or not (counts.suspect_tables or (context.peer_missing and counts.tables)):
        return None
    return {**_limits(context), "every_table": int(context.peer_missing)}


def _keeper_tables(context: Context) -> Params | None:
    suspects = context.sample("suspect_replicas")
    rows: Sequence[SuspectReplica] = suspects.rows[:KEEPER_TABLES] if suspects else ()
    if not rows:
        return None
    return {"tables": [f"{len(row.database.encode())}:{row.database}.{row.table}" for row in rows]}


def _no_table(_context: Context) -> Params:
    """A page names the table; without a name no table is asked for, and Keeper nothing."""
    return {"database": "", "table": ""}


PROBES = (
    Probe("host_state", records.HostInfo, "host_state", 2.0, always=True, lane=LIVENESS),
    Probe(
        "replication_summary",
        records.ReplicationSummary,
        "replicas",
        5.0,
        always=True,
        params=_limits,
        is_idle=_has_no_tables,
    ),
    Probe(
        "suspect_replicas",
        records.SuspectReplica,
        "replicas",
        5.0,
        always=True,
        params=_suspects,
        max_rows=SUSPECT_ROWS,
    ),
    Probe("replica_keeper_state", records.ReplicaKeeperState, "tables", 5.0, params=_keeper_tables),
    Probe("host_metrics", records.HostMetrics, "metrics", 5.0, counts=True, shape=shapes.to_host_metrics),
    Probe("host_load", records.HostLoad, "metrics", 5.0, shape=shapes.to_host_load),
    Probe("host_limits", records.HostLimits, "tables", 5.0, shape=shapes.to_host_limits),
    Probe("parts_summary", records.PartsSummary, "parts", 10.0),
    Probe("disks", records.Disk, "disks", 10.0),
    Probe("host_tables", records.HostTable, "tables", 10.0, max_rows=TABLE_ROWS),
    Probe("server_errors", records.ServerError, "metrics", 5.0, max_rows=100),
    Probe("server_warnings", records.ServerWarning, "tables", 5.0),
    Probe("replica_state", replicas.ReplicaState, "replicas", 5.0, params=_no_table),
    Probe("replica_requests", replicas.ReplicaRequests, "once", 10.0, params=_no_table),
)
