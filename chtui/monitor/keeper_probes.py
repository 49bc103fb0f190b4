"""What can be asked of the ensemble, and where the answers stand."""

from __future__ import annotations

MEMBER_PROBES = frozenset({"keeper_node", "keeper_sessions"})
"""Asked of every member; samples stand under the member's own address."""
HOST_SESSIONS = "host_sessions"
"""Whose sessions hold the replicas of hosts that do not tell of their sessions themselves; what hosts those are nobody names in a wish."""
ZNODE_PROBES = frozenset({"znode", "ddl_queue", "replica_set", HOST_SESSIONS})
"""Read by a session with the ensemble; samples stand under `KEEPER`."""
KEEPER_PROBES = MEMBER_PROBES | ZNODE_PROBES
CONNECTION = "zookeeper_connection"
"""The probe of ClickHouse hosts that tells which members their sessions are with."""
REPLICA_PATHS = "replica_paths"
"""The probe of ClickHouse hosts that tells where replicas of theirs are, asked where the one above tells nothing."""
