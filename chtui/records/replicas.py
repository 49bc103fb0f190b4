"""Records of one Replicated table's replicas."""

from __future__ import annotations

from typing import NamedTuple


class ReplicaState(NamedTuple):
    """What one Replicated table says of its replica on one host; cheap columns of `system.replicas` only."""

    zookeeper_path: str
    replica_name: str
    is_leader: bool
    is_readonly: bool
    is_session_expired: bool
    absolute_delay_seconds: int
    queue_entries: int
    inserts_in_queue: int
    merges_in_queue: int
    mutations_in_queue: int
    parts_to_check: int
    future_parts: int
    oldest_queue_entry_seconds: int | None
    """None while the queue is empty."""
    last_queue_update_seconds: int | None
    """None: the queue was never updated."""
    readonly_seconds: int | None
    last_queue_update_exception: str | None


class ReplicaRequests(NamedTuple):
    """What Keeper knows of one table's replica on one host; asking costs Keeper requests."""

    replica_name: str
    log_max_index: int
    log_pointer: int
    log_lag_entries: int
    """Entries of the table's log that the replica has not taken yet."""
    total_replicas: int
    active_replicas: int
    lost_part_count: int | None
    zookeeper_exception: str | None
