"""Frozen records of ZooKeeper and ClickHouse Keeper: the ensemble, its sessions and znodes, what ClickHouse keeps there."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from chtui.records import HostId


class MemberState(StrEnum):
    """How a member of the ensemble answers. The order is by how bad it is, best first."""

    LEADER = "leader"
    STANDALONE = "standalone"
    """The only member, without an ensemble."""
    FOLLOWER = "follower"
    OBSERVER = "observer"
    """Serves, but has no vote."""
    CONNECTING = "connecting"
    """Has not answered yet, and no deadline has passed."""
    TELLS_NOTHING = "tells nothing"
    """Listens, but no four-letter word is allowed there: what it is cannot be known."""
    READ_ONLY = "read-only"
    """Has lost the quorum and still answers reads."""
    NOT_SERVING = "not serving"
    """Answers that it belongs to no quorum now."""
    NOT_KEEPER = "not Keeper"
    """Something else listens there."""
    HUNG = "hung"
    """The connection stands but no answer came within the deadline."""
    REFUSED = "refused"
    """The machine answers, the port is closed."""
    DOWN = "down"
    """The machine cannot be reached, or its name is unknown."""

    @property
    def severity(self) -> int:
        """How bad the state is; 0 is best."""
        return list(MemberState).index(self)

    @property
    def serves(self) -> bool:
        """Whether it takes part in a quorum in this state."""
        return self.severity <= MemberState.OBSERVER.severity

    @property
    def answers(self) -> bool:
        """Whether it has told what it is."""
        return self.serves or self in (MemberState.READ_ONLY, MemberState.NOT_SERVING)


class KeeperMember(NamedTuple):
    """A member of the ensemble and how it answers now."""

    host: HostId
    """Its name and client port."""
    state: MemberState = MemberState.CONNECTING
    since: datetime | None = None
    """When the state began."""
    error: str = ""
    """The last error in one line; empty when the last question was answered."""
    answered_at: datetime | None = None
    """When it last answered anything."""
    origin: str = ""
    """How it is known: `profile`, `ClickHouse` (a server's session leads there) or `ensemble` (another member told)."""
    voters: int | None = None
    """How many members have a vote, as far as this one or the ensemble's own configuration told; None while unknown."""


class KeeperNode(NamedTuple):
    """What one member tells about itself; None (text: empty) where it does not."""

    role: str
    """`leader`, `follower`, `observer`, `standalone`, `read-only` or `not serving`."""
    version: str = ""
    product: str = ""
    """`ZooKeeper` or `ClickHouse Keeper`."""
    latency_min_milliseconds: float | None = None
    """The fastest request since the member started or its figures were reset."""
    latency_avg_milliseconds: float | None = None
    latency_max_milliseconds: float | None = None
    outstanding_requests: int | None = None
    alive_connections: int | None = None
    znode_count: int | None = None
    watch_count: int | None = None
    ephemeral_count: int | None = None
    data_size_bytes: int | None = None
    """Approximate size of all data, by the member's own count."""
    followers: int | None = None
    """Only a leader tells."""
    synced_followers: int | None = None
    """Only a leader tells."""
    voters: int | None = None
    """How many members have a vote; ZooKeeper tells, ClickHouse Keeper does not."""
    server_id: int | None = None
    """Its number in the ensemble's configuration."""
    zxid: str = ""
    """The last transaction it has, in hexadecimal (`0x...`)."""
    uptime_seconds: float | None = None
    is_read_only: bool = False
    source: str = "4lw"
    """`4lw` (four-letter words) or `admin server`."""


class KeeperSession(NamedTuple):
    """One client connection of one member."""

    sid: str
    """The session's id in hexadecimal (`0x...`), as `Znode.ephemeral_owner` has it."""
    client: str
    """The client's address, `host:port`."""
    outstanding_requests: int | None = None
    received: int | None = None
    """Packets since the connection was made."""
    sent: int | None = None
    last_operation: str = ""
    established_at: datetime | None = None
    timeout_milliseconds: int | None = None
    latency_last_milliseconds: float | None = None
    latency_min_milliseconds: float | None = None
    latency_avg_milliseconds: float | None = None
    latency_max_milliseconds: float | None = None


class Znode(NamedTuple):
    """One znode."""

    path: str
    """Below the profile's `keeper_root`, as ClickHouse writes its paths."""
    name: str
    children: int
    data_size_bytes: int
    version: int
    """How often its data was changed."""
    created_at: datetime
    modified_at: datetime
    ephemeral_owner: str = ""
    """The session (`0x...`) it ends with; empty if it stays."""
    zxid: str = ""
    """The transaction that changed its data last, in hexadecimal."""
    data: str | None = None
    """Its data as UTF-8, what is none replaced; untrusted; None where it was not read."""
    is_data_cut: bool = False
    """Whether only the beginning of the data was kept."""

    @property
    def is_ephemeral(self) -> bool:
        """Whether it ends with a session."""
        return bool(self.ephemeral_owner)


class DdlHostState(NamedTuple):
    """What one host has made of one entry of the DDL queue."""

    entry: str
    host: str
    """`host_name:native_port`."""
    state: str
    """`waiting` (not begun), `active`, `finished` or `failed`."""
    exception_code: int | None = None
    """ClickHouse's error code, 0 for none; None where it is not known."""
    exception_text: str = ""


class DdlEntry(NamedTuple):
    """One statement that was sent with ON CLUSTER."""

    entry: str
    """The znode's name, `query-` and ten digits."""
    created_at: datetime
    """By the clock of the member that led then."""
    age_seconds: float
    """By this machine's clock."""
    initiator: str
    """The host it was sent to, `host_name:native_port`."""
    query: str
    hosts: tuple[str, ...]
    """The hosts that have to run it, each `host_name:native_port`."""
    active: tuple[str, ...]
    """The hosts that run it now."""
    finished: tuple[DdlHostState, ...]
    """The hosts that have run it, and how that ended."""
    problem: str = ""
    """Why the entry could not be read as one; empty if it could."""

    @property
    def missing(self) -> tuple[str, ...]:
        """The hosts that neither run it nor have run it."""
        begun = {*self.active, *(state.host for state in self.finished)}
        return tuple(host for host in self.hosts if host not in begun)

    @property
    def failed(self) -> tuple[DdlHostState, ...]:
        """The hosts on which it ended with an exception."""
        return tuple(state for state in self.finished if state.state == "failed")

    @property
    def is_done(self) -> bool:
        """Whether every host has run it, well or not."""
        return not self.problem and not self.active and not self.missing

    @property
    def host_states(self) -> tuple[DdlHostState, ...]:
        """Every host that has to run it, in the entry's order, and any other that has."""
        ended = {state.host: state for state in self.finished}
        names = dict.fromkeys((*self.hosts, *self.active, *ended))
        return tuple(
            ended.get(name) or DdlHostState(self.entry, name, "active" if name in self.active else "waiting")
            for name in names
        )


class ReplicaMember(NamedTuple):
    """One replica of a Replicated table as ZooKeeper has it, whether its server lives or not."""

    zookeeper_path: str
    replica_name: str
    is_active: bool
    """Whether its `is_active` znode is there, which its server's session keeps."""
    ephemeral_owner: str = ""
    """That session (`0x...`); empty for a dead peer."""
    log_pointer: int | None = None
    """The next entry of the table's log it has to take; None where it has none."""
    host: str = ""
    """`host_name:native_port` of its server, by its `host` znode."""
    database: str = ""
    """The table's database on that server; empty if not told."""
    table: str = ""


class ReplicaPath(NamedTuple):
    """A replica of a ClickHouse host."""

    replica_path: str
    """Below the profile's `keeper_root`, as ClickHouse writes it."""


class HostSession(NamedTuple):
    """A ClickHouse host's session, as ZooKeeper has it."""

    host: HostId
    replica_path: str
    """The host's replica whose `is_active` znode was read."""
    ephemeral_owner: str
    """The session (`0x...`) that holds the znode; empty if there is none."""


class KeeperConnection(NamedTuple):
    """A row of `system.zookeeper_connection`: a ClickHouse host's session, as the host sees it."""

    name: str
    """The ensemble's name in the host's configuration."""
    host: str
    port: int
    is_expired: bool
    session_uptime_seconds: int
    session_id: str | None
