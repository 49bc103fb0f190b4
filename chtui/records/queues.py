"""Frozen records of replication queues, fetches, Distributed sends and the DDL queue as ClickHouse itself tells it."""

from __future__ import annotations

from typing import NamedTuple


class QueueGroup(NamedTuple):
    """Entries of one host's replication queue that have table, type and cause in common."""

    database: str
    table: str
    type: str
    cause: str
    entries: int
    executing_entries: int
    oldest_age_seconds: int
    max_tries: int
    max_postponed: int
    sample: str
    """What the entry most often tried or put off says, its exception or postpone reason; at most 500 characters."""


class QueueTable(NamedTuple):
    """A Replicated table of one host."""

    database: str
    table: str
    replica_path: str
    """The replica's znode."""


class QueueEntry(NamedTuple):
    """A row of `system.replication_queue`."""

    node_name: str
    type: str
    new_part_name: str
    source_replica: str
    cause: str
    age_seconds: int
    attempt_age_seconds: int
    """Since it was tried last, -1 if it never was."""
    num_tries: int
    num_postponed: int
    is_executing: bool
    exception: str
    """The last one, at most 4000 characters; empty for none."""
    reason: str
    """Why it was put off last, at most 4000 characters; empty for never."""


class QueueEntryDetail(NamedTuple):
    """A row of `system.replication_queue` with everything in it."""

    type: str
    new_part_name: str
    replica_name: str
    source_replica: str
    parts_to_merge: tuple[str, ...]
    required_quorum: int
    is_detach: bool
    merge_type: str | None
    is_executing: bool
    num_tries: int
    num_postponed: int
    position: int
    age_seconds: int
    attempt_age_seconds: int
    """Since it was tried last, -1 if it never was."""
    postponed_age_seconds: int
    """Since it was put off last, -1 if it never was."""
    last_exception: str
    postpone_reason: str


class ReplicatedFetch(NamedTuple):
    """A row of `system.replicated_fetches`: a part on its way from another replica."""

    database: str
    table: str
    result_part_name: str
    partition_id: str
    source_replica: str
    source_host_name: str
    source_port: int
    """The interserver port there."""
    elapsed_seconds: float
    progress_ratio: float
    total_size_bytes: int
    read_bytes: int
    to_detached: bool


class DistributionQueue(NamedTuple):
    """A row of `system.distribution_queue`: what a Distributed table has yet to send to one destination."""

    database: str
    table: str
    destination: str
    """The folder's name, `shard1_replica2` or `user@host:port`; a password in it is left out."""
    is_blocked: bool
    error_count: int
    """Failed sends; halved every five minutes in which sends go well."""
    files: int
    files_bytes: int
    broken_files: int | None
    broken_bytes: int | None
    last_exception: str
    last_exception_age_seconds: int | None
    """Means nothing without an exception."""


class DdlStatus(NamedTuple):
    """An entry of `system.distributed_ddl_queue`, its hosts in lists."""

    entry: str
    initiator: str
    query: str
    age_seconds: int
    hosts: tuple[str, ...]
    """Each `host_name:native_port`, as the other lists have them."""
    finished_hosts: tuple[str, ...]
    active_hosts: tuple[str, ...]
    failed_hosts: tuple[str, ...]
    """Those of the finished ones on which it ended with an exception."""
    exception_text: str


class DdlHostStatus(NamedTuple):
    """A row of `system.distributed_ddl_queue`: one entry on one host."""

    host: str
    """`host_name:native_port`."""
    status: str
    """`Inactive`, `Active`, `Finished`, `Removing` or `Unknown`."""
    exception_code: int
    exception_text: str
    duration_seconds: float
    age_seconds: int
    initiator: str
    query: str
