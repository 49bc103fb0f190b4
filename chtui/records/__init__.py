"""Frozen records of what servers said: the vocabulary every layer above shares. No behaviour beyond reading itself.

Named tuples: making a dataclass of each would cost the console's start six times as much.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple


class HostId(NamedTuple):
    """One server: `host_name` and native `port` as `system.clusters` tells them."""

    host_name: str
    port: int

    def __str__(self) -> str:
        name = f"[{self.host_name}]" if ":" in self.host_name else self.host_name
        return f"{name}:{self.port}"


KEEPER = HostId("keeper", 0)
"""What answers of the ensemble as a whole are stored under, where those of one member stand under its own address."""


class HostState(StrEnum):
    """How a host answers. The order is by how bad it is, best first."""

    UP = "up"
    """Answers in time."""
    SLOW = "slow"
    """Answers, but its round trip is above the threshold, or its data queries miss their deadlines."""
    CONNECTING = "connecting"
    """Has not answered yet, and no deadline has passed."""
    DENIED = "denied"
    """The user is known but may not even ask for the version."""
    AUTH_FAILED = "auth failed"
    """User or password is wrong."""
    MISMATCH = "answers as another host"
    """The address leads to a server other than the one the cluster names."""
    NOT_CLICKHOUSE = "not ClickHouse"
    """Something else listens there, or another protocol is spoken."""
    HUNG = "hung"
    """The connection stands but no answer came within the deadline."""
    REFUSED = "refused"
    """The machine answers, the port is closed."""
    DOWN = "down"
    """The machine cannot be reached, or its name is unknown."""

    @property
    def severity(self) -> int:
        """How bad the state is; 0 is best."""
        return list(HostState).index(self)

    @property
    def answers(self) -> bool:
        """Whether the host gives data in this state."""
        return self in (HostState.UP, HostState.SLOW)


class ClusterReplica(NamedTuple):
    """One row of `system.clusters`."""

    cluster: str
    shard_num: int
    replica_num: int
    host: HostId
    is_local: bool = False
    """Whether the server that was asked recognises itself in this row."""


class Cluster(NamedTuple):
    """One cluster as a seed host knows it."""

    name: str
    replicas: tuple[ClusterReplica, ...]

    @property
    def hosts(self) -> tuple[HostId, ...]:
        """Every host once, in the order of shard and replica."""
        return tuple(dict.fromkeys(replica.host for replica in self.replicas))


class Cost(NamedTuple):
    """What one answer cost."""

    seconds: float
    is_server_time: bool
    """True: the server's own figure (`X-ClickHouse-Summary`); False: time seen by the client, transfer included."""
    read_rows: int | None = None
    read_bytes: int | None = None


class Sample(NamedTuple):
    """The last answer of one host to one probe; immutable."""

    rows: tuple[Any, ...] = ()
    """Records of the probe's record type; the last good ones while `error` is set."""
    taken_at: datetime | None = None
    """When the rows arrived, None before the first answer."""
    error: str = ""
    """Why the last attempt gave nothing, in one line; empty when it gave rows."""
    failed_at: datetime | None = None
    """When the last attempt failed."""
    cost: Cost | None = None
    missing: Mapping[str, str] = MappingProxyType({})
    """Record field to reason, for fields this server cannot fill."""
    unavailable: str = ""
    """Why this server or user can never answer the probe; empty when it can."""
    is_too_old: bool = False
    """Whether the reason is the server's version alone: newer ones can answer."""
    previous: Any = None
    """The sample before this one (without its own `previous`), or None; for rates."""


class HostStatus(NamedTuple):
    """A host of the cluster and how it answers now."""

    id: HostId
    shard_num: int
    replica_num: int
    address: str
    """The HTTP address in use, `host:port`; empty when asked through another host."""
    state: HostState = HostState.CONNECTING
    since: datetime | None = None
    """When the state began."""
    error: str = ""
    """The last error in one line; empty when the last call went well."""
    answered_at: datetime | None = None
    """When it last answered anything."""
    round_trip_seconds: float | None = None
    version: str = ""
    sees_all_tables: bool | None = None
    """Whether this user sees every table there; None while unknown."""
    readonly_level: int | None = None
    """The user's `readonly` setting there: 0, 1 or 2."""


class HostInfo(NamedTuple):
    """Answer of the liveness probe."""

    version: str
    uptime_seconds: int
    server_time: datetime
    display_name: str


class ReplicationSummary(NamedTuple):
    """All Replicated tables of one host in one row; cheap columns of `system.replicas` only."""

    tables: int
    readonly_tables: int
    expired_tables: int
    never_synced_tables: int
    """Tables whose `absolute_delay` counts from 1970: the replica has never initialised."""
    max_delay_seconds: int
    """The largest `absolute_delay` of the others."""
    queue_entries: int
    max_queue_entries: int
    inserts_in_queue: int
    merges_in_queue: int
    parts_to_check: int
    oldest_queue_entry_seconds: int
    suspect_tables: int


class SuspectReplica(NamedTuple):
    """A Replicated table that looks ill by its cheap columns."""

    database: str
    table: str
    is_readonly: bool
    is_session_expired: bool
    absolute_delay_seconds: int
    queue_entries: int
    parts_to_check: int
    zookeeper_path: str
    replica_name: str
    last_queue_update_exception: str | None
    readonly_seconds: int | None


class ReplicaKeeperState(NamedTuple):
    """The columns of `system.replicas` that cost Keeper requests, for one suspect table."""

    database: str
    table: str
    total_replicas: int
    active_replicas: int
    log_lag_entries: int
    lost_part_count: int | None
    zookeeper_exception: str | None


class HostMetrics(NamedTuple):
    """Gauges (`system.metrics`) and counters since server start (`system.events`) of one host."""

    uptime_seconds: int
    queries: int | None
    merges: int | None
    mutations: int | None
    fetches: int | None
    http_connections: int | None
    tcp_connections: int | None
    memory_bytes: int | None
    delayed_inserts_now: int | None
    readonly_replicas: int | None
    keeper_sessions: int | None
    distributed_files: int | None
    inserted_rows_total: int
    inserted_bytes_total: int
    delayed_inserts_total: int
    rejected_inserts_total: int
    queries_total: int
    failed_queries_total: int
    keeper_exceptions_total: int
    cpu_microseconds_total: int


class HostLoad(NamedTuple):
    """The operating system's load on one host, from `system.asynchronous_metrics`."""

    load_average_1m: float | None
    cpu_user_ratio: float | None
    cpu_system_ratio: float | None
    cpu_iowait_ratio: float | None
    resident_bytes: int | None
    os_memory_total_bytes: int | None
    os_memory_available_bytes: int | None


class HostLimits(NamedTuple):
    """Limits from `system.server_settings`; 0 means none."""

    max_concurrent_queries: int | None
    max_server_memory_usage_bytes: int | None


class PartsSummary(NamedTuple):
    """Active parts of one host."""

    tables: int
    active_parts: int
    rows: int
    bytes_on_disk: int
    max_parts_in_partition: int
    max_parts_table: str


class Disk(NamedTuple):
    """One disk of one host."""

    name: str
    path: str
    type: str | None
    free_bytes: int
    total_bytes: int
    keep_free_bytes: int

    @property
    def used_ratio(self) -> float | None:
        """Share of the disk in use, 0..1; None for a disk that tells no size (object storage)."""
        return (self.total_bytes - self.free_bytes) / self.total_bytes if self.total_bytes else None


class HostTable(NamedTuple):
    """One table with its active parts, and its replica's cheap columns if it is Replicated."""

    database: str
    table: str
    engine: str
    parts: int
    rows: int
    bytes_on_disk: int
    is_replicated: bool
    is_readonly: bool
    is_session_expired: bool
    absolute_delay_seconds: int
    queue_entries: int


class ServerError(NamedTuple):
    """One row of `system.errors`, counted since server start."""

    name: str
    code: int
    errors: int
    last_error_age_seconds: int
    last_error_message: str


class ServerWarning(NamedTuple):
    """One message of `system.warnings`."""

    message: str
