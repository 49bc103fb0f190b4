"""Sessions of ClickHouse hosts with the ensemble: by their own word, or found in ZooKeeper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from chtui.monitor.keeper_probes import CONNECTION, HOST_SESSIONS, REPLICA_PATHS
from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.records import KEEPER, HostId, HostStatus, ReplicationSummary
from chtui.records.keeper import HostSession, KeeperConnection, KeeperSession
from chtui.text import format_count, format_seconds
from chtui.views.keeper.sessions import milliseconds
from chtui.views.links import to_znode
from chtui.views.pages import Part, Subject
from chtui.views.table import Column, Link, Row, Style, cell, number

BY_TABLE, BY_ZOOKEEPER = "system.zookeeper_connection", "ZooKeeper"
ALIVE, EXPIRED, NONE, NO_REPLICA, NOT_TOLD = "alive", "expired", "none", "no replica", "not told"
STYLES: Mapping[str, Style] = {
    ALIVE: "ok",
    EXPIRED: "critical",
    NONE: "critical",
    NO_REPLICA: "muted",
    NOT_TOLD: "muted",
}


@dataclass(frozen=True, slots=True)
class HostSessionFact:
    """A ClickHouse host's session with an ensemble."""

    host: str
    source: str | None
    """Which source told the session: the host's own table, or ZooKeeper as the owner of the host's replica."""
    ensemble: str | None
    """Its name in the host's configuration."""
    member: str | None
    """The member it is with: by the host's own word, or because that member has the session's connection."""
    state: str
    """`alive`; `expired`, by the host's own word; `none`: no session holds its replicas; `no replica` that would tell; `not told`."""
    is_expired: bool | None
    session_uptime_seconds: int | None
    """Since the session began; only the host itself tells."""
    connected_seconds: int | None
    """Since its connection with the member was made, by the member's clock."""
    session_id: str | None
    """As `keeper.sessions` has it."""
    outstanding_requests: int | None
    """Of its requests, those that wait in the member."""
    latency_avg_milliseconds: float | None
    latency_max_milliseconds: float | None
    expired_tables: int | None
    """Replicated tables whose session has expired."""
    readonly_tables: int | None
    replica_path: str | None
    """The host's replica whose `is_active` znode was read; None where the host itself tells."""


class _Carried(NamedTuple):
    """A session, and the member that has its connection."""

    member: str
    session: KeeperSession


def host_session_facts(snapshot: Snapshot, _subject: Subject) -> tuple[HostSessionFact, ...]:
    """Return the sessions of every host; a host of which none is known has one fact without a member."""
    carried, held = _carried(snapshot), _held(snapshot)
    found: list[HostSessionFact] = []
    for status in snapshot.hosts:
        told: Sequence[KeeperConnection] = snapshot.rows(status.id, CONNECTION)
        if told:
            found.extend(_told(snapshot, status, row, carried) for row in told)
        else:
            found.append(_found(snapshot, status, held.get(status.id), carried))
    return tuple(sorted(found, key=lambda fact: (-(fact.expired_tables or 0), fact.state != NONE, fact.host)))


def _carried(snapshot: Snapshot) -> dict[int, _Carried]:
    """Each session's number to the member that has its connection. A session on the move may stand with two: the later one holds."""
    found: dict[int, _Carried] = {}
    for member in snapshot.keeper_members:
        sample = snapshot.sample(member.host, "keeper_sessions")
        # Connections of a member that does not answer are of another time.
        for session in sample.rows if sample and not sample.error else ():
            sid = _number(session.sid)
            if sid is None:
                continue
            other = found.get(sid)
            if other is None or _begun(other.session) < _begun(session):
                found[sid] = _Carried(str(member.host), session)
    return found


def _begun(session: KeeperSession) -> float:
    return session.established_at.timestamp() if session.established_at else 0.0


def _number(sid: str | None) -> int | None:
    try:
        return int(sid, 16) if sid else None
    except ValueError:
        return None


def _held(snapshot: Snapshot) -> dict[HostId, HostSession]:
    """The sessions that hold the hosts' replicas now; none while ZooKeeper does not answer."""
    sample = snapshot.sample(KEEPER, HOST_SESSIONS)
    return {row.host: row for row in sample.rows} if sample and not sample.error else {}


def _told(
    snapshot: Snapshot, status: HostStatus, row: KeeperConnection, carried: Mapping[int, _Carried]
) -> HostSessionFact:
    sid = _number(row.session_id)
    return _fact(
        snapshot,
        status,
        source=BY_TABLE,
        connection=row,
        member=f"{row.host}:{row.port}",
        state=EXPIRED if row.is_expired else ALIVE,
        session_id=row.session_id if sid is None else f"0x{sid:x}",
        carried=carried.get(sid) if sid is not None else None,
    )


def _found(
    snapshot: Snapshot, status: HostStatus, held: HostSession | None, carried: Mapping[int, _Carried]
) -> HostSessionFact:
    sid = _number(held.ephemeral_owner) if held else None
    at = carried.get(sid) if sid is not None else None
    return _fact(
        snapshot,
        status,
        source=BY_ZOOKEEPER if held else None,
        member=at.member if at else None,
        state=_state(snapshot, status, held),
        session_id=held.ephemeral_owner or None if held else None,
        carried=at,
        replica_path=held.replica_path if held else None,
    )


def _state(snapshot: Snapshot, status: HostStatus, held: HostSession | None) -> str:
    summary: ReplicationSummary | None = snapshot.one(status.id, "replication_summary")
    if summary is not None and summary.expired_tables and status.state.answers:
        return EXPIRED
    if held is not None:
        return ALIVE if held.ephemeral_owner else NONE
    return NO_REPLICA if summary is not None and not summary.tables else NOT_TOLD


def _fact(
    snapshot: Snapshot,
    status: HostStatus,
    *,
    source: str | None,
    member: str | None,
    state: str,
    session_id: str | None,
    carried: _Carried | None,
    connection: KeeperConnection | None = None,
    replica_path: str | None = None,
) -> HostSessionFact:
    summary: ReplicationSummary | None = snapshot.one(status.id, "replication_summary")
    session = carried.session if carried else None
    since = session.established_at if session else None
    return HostSessionFact(
        host=str(status.id),
        source=source,
        ensemble=connection.name if connection else None,
        member=member,
        state=state,
        is_expired={ALIVE: False, EXPIRED: True}.get(state),
        session_uptime_seconds=connection.session_uptime_seconds if connection else None,
        connected_seconds=max(0, int((snapshot.taken_at - since).total_seconds())) if since else None,
        session_id=session_id,
        outstanding_requests=session.outstanding_requests if session else None,
        latency_avg_milliseconds=session.latency_avg_milliseconds if session else None,
        latency_max_milliseconds=session.latency_max_milliseconds if session else None,
        expired_tables=summary.expired_tables if summary else None,
        readonly_tables=summary.readonly_tables if summary else None,
        replica_path=replica_path,
    )


COLUMNS = (
    Column("host", "HOST", max_width=40, help="host_name and native port in system.clusters"),
    Column("member", "MEMBER", max_width=40, help="the member its session is with"),
    Column(
        "state",
        "SESSION",
        help="alive; expired, by the host's own word; none: no session holds its replicas in ZooKeeper",
    ),
    Column(
        "session_uptime_seconds",
        "AGE",
        True,
        help="since the session began; where the host does not tell, since its connection with the member was made",
    ),
    Column("outstanding_requests", "WAIT", True, help="its requests that wait in the member"),
    Column("latency_avg_milliseconds", "AVG", True, help="average latency of its requests"),
    Column("expired_tables", "EXPIRED", True, help="Replicated tables whose session has expired"),
    Column("readonly_tables", "R/O", True, help="readonly replicas there"),
    Column("latency_max_milliseconds", "MAX", True, help="longest latency of its requests"),
    Column("session_id", "ID", max_width=20, help="the session's id, the owner of its ephemeral znodes"),
    Column("source", "SOURCE", help="who told the session: the host's own table, or ZooKeeper"),
    Column("ensemble", "ENSEMBLE", max_width=30, help="the ensemble's name in the host's configuration"),
)


def host_session_rows(
    _snapshot: Snapshot, _subject: Subject, facts: Sequence[HostSessionFact]
) -> tuple[Row, ...]:
    """Return a row for each host's session."""
    return tuple(_row(fact) for fact in facts)


def _row(fact: HostSessionFact) -> Row:
    age = fact.connected_seconds if fact.session_uptime_seconds is None else fact.session_uptime_seconds
    return Row(
        f"{fact.host} {fact.ensemble}",
        (
            cell(fact.host),
            cell(fact.member or "-"),
            cell(fact.state, STYLES[fact.state]),
            number(age, format_seconds),
            number(fact.outstanding_requests, format_count),
            number(fact.latency_avg_milliseconds, milliseconds),
            number(fact.expired_tables, format_count, "critical" if fact.expired_tables else ""),
            number(fact.readonly_tables, format_count, "critical" if fact.readonly_tables else ""),
            number(fact.latency_max_milliseconds, milliseconds),
            cell(fact.session_id or "-", "muted"),
            cell(fact.source or "-", "muted"),
            cell(fact.ensemble or "-", "muted"),
        ),
        link=Link("host", (fact.host,)),
        links=(to_znode(fact.replica_path),) if fact.replica_path else (),
        copy=fact.session_id or "",
    )


FOUND = ("source", "member", "is_expired", "session_id", "replica_path")
"""What is found in ZooKeeper where the host does not tell."""

HOSTS = Part(
    "hosts",
    "ClickHouse hosts",
    HostSessionFact,
    COLUMNS,
    lambda _: (
        # What is said first of those that give nothing: the ensemble, then the hosts.
        Want(HOST_SESSIONS),
        Want("keeper_sessions"),
        Want(CONNECTION),
        Want(REPLICA_PATHS),
        # Who of the ensemble answers decides what is asked of it.
        Want("keeper_node"),
        Want("replication_summary"),
    ),
    host_session_facts,
    host_session_rows,
    {
        CONNECTION: ("ensemble", "session_uptime_seconds"),
        REPLICA_PATHS: FOUND,
        HOST_SESSIONS: FOUND,
        "keeper_sessions": (
            "member",
            "connected_seconds",
            "outstanding_requests",
            "latency_avg_milliseconds",
            "latency_max_milliseconds",
        ),
        "keeper_node": (),
        "replication_summary": ("expired_tables", "readonly_tables"),
    },
    empty="no host",
)
