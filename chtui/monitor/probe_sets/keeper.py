"""What ClickHouse hosts tell of their sessions with ZooKeeper or Keeper."""

from __future__ import annotations

from chtui.monitor.keeper_probes import CONNECTION, REPLICA_PATHS
from chtui.monitor.probe import Context, Params, Probe
from chtui.records.keeper import KeeperConnection, ReplicaPath

PATHS = 3
"""So many replicas of a host are named at most: one is enough while all is well."""


def _untold(context: Context) -> Params | None:
    """Replicas are named where the host does not tell of its sessions itself and has any."""
    told, summary = context.sample(CONNECTION), context.sample("replication_summary")
    has_none = summary is not None and bool(summary.rows) and not summary.rows[0].tables
    return None if has_none or (told is not None and told.rows) else {"replicas": PATHS}


PROBES: tuple[Probe, ...] = (
    Probe(CONNECTION, KeeperConnection, "metrics", 5.0),
    Probe(REPLICA_PATHS, ReplicaPath, "queues", 5.0, params=_untold),
)
