"""Sessions with the ensemble: as its members see them, and as ClickHouse hosts do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chtui.monitor.keeper_probes import CONNECTION
from chtui.monitor.snapshot import Snapshot
from chtui.records import ReplicationSummary
from chtui.records.keeper import (
    KeeperConnection,
    KeeperSession,
)
from chtui.text import format_count, format_seconds
from chtui.views.pages import Subject
from chtui.views.table import Cell, Column, Link, Row, cell, number


@dataclass(frozen=True, slots=True)
class SessionFact:
    """One client's connection with one member."""

    member: str
    client: str
    session_id: str
    outstanding_requests: int | None
    received: int | None
    sent: int | None
    latency_avg_milliseconds: float | None
    latency_max_milliseconds: float | None
    established_at: datetime | None
    timeout_milliseconds: int | None


def session_facts(snapshot: Snapshot, _subject: Subject) -> tuple[SessionFact, ...]:
    """Return the sessions of all members, those that wait first."""
    found = [
        _session(str(member.host), row)
        for member in snapshot.keeper_members
        for row in snapshot.rows(member.host, "keeper_sessions")
    ]
    return tuple(
        sorted(found, key=lambda fact: (-(fact.outstanding_requests or 0), fact.member, fact.client))
    )


def _session(member: str, row: KeeperSession) -> SessionFact:
    return SessionFact(
        member=member,
        client=row.client,
        session_id=row.sid,
        outstanding_requests=row.outstanding_requests,
        received=row.received,
        sent=row.sent,
        latency_avg_milliseconds=row.latency_avg_milliseconds,
        latency_max_milliseconds=row.latency_max_milliseconds,
        established_at=row.established_at,
        timeout_milliseconds=row.timeout_milliseconds,
    )


SESSION_COLUMNS = (
    Column("client", "CLIENT", max_width=40, help="the client's address"),
    Column("member", "MEMBER", max_width=40, help="the member it is connected with"),
    Column("session_id", "SESSION", max_width=20, help="the session's id, the owner of its ephemeral znodes"),
    Column("outstanding_requests", "WAIT", True, help="its requests that wait"),
    Column("received", "RECEIVED", True, help="packets from it since it connected"),
    Column("sent", "SENT", True, help="packets to it since it connected"),
    Column("latency_avg_milliseconds", "AVG", True, help="average latency of its requests"),
    Column("latency_max_milliseconds", "MAX", True, help="longest latency of its requests"),
    Column("timeout_milliseconds", "TIMEOUT", True, help="how long the session outlives silence"),
)


def session_rows(_snapshot: Snapshot, _subject: Subject, facts: Sequence[SessionFact]) -> tuple[Row, ...]:
    """Return a row for each session."""
    return tuple(
        Row(
            f"{fact.member} {fact.client} {fact.session_id}",
            (
                cell(fact.client),
                cell(fact.member),
                cell(fact.session_id),
                number(fact.outstanding_requests, format_count),
                number(fact.received, format_count),
                number(fact.sent, format_count),
                number(fact.latency_avg_milliseconds, milliseconds),
                number(fact.latency_max_milliseconds, milliseconds),
                number(fact.timeout_milliseconds, milliseconds),
            ),
            copy=fact.session_id,
        )
        for fact in facts
    )


@dataclass(frozen=True, slots=True)
class HostSessionFact:
    """A ClickHouse host's session with an ensemble, as the host sees it."""

    host: str
    ensemble: str | None
    """Its name in the host's configuration."""
    member: str | None
    is_expired: bool | None
    session_uptime_seconds: int | None
    session_id: str | None
    expired_tables: int | None
    """Replicated tables whose session has expired."""
    readonly_tables: int | None


def host_session_facts(snapshot: Snapshot, _subject: Subject) -> tuple[HostSessionFact, ...]:
    """Return the sessions of every host; a host that tells of none has one fact without a member."""
    found: list[HostSessionFact] = []
    for status in snapshot.hosts:
        summary: ReplicationSummary | None = snapshot.one(status.id, "replication_summary")
        rows: Sequence[KeeperConnection | None] = snapshot.rows(status.id, CONNECTION) or (None,)
        found.extend(
            HostSessionFact(
                host=str(status.id),
                ensemble=row.name if row else None,
                member=f"{row.host}:{row.port}" if row else None,
                is_expired=row.is_expired if row else None,
                session_uptime_seconds=row.session_uptime_seconds if row else None,
                session_id=row.session_id if row else None,
                expired_tables=summary.expired_tables if summary else None,
                readonly_tables=summary.readonly_tables if summary else None,
            )
            for row in rows
        )
    return tuple(sorted(found, key=lambda fact: (-(fact.expired_tables or 0), fact.host)))


HOST_SESSION_COLUMNS = (
    Column("host", "HOST", max_width=40, help="host_name and native port in system.clusters"),
    Column("member", "MEMBER", max_width=40, help="the member its session is with"),
    Column("state", "SESSION", help="alive or expired, by the host's own word"),
    Column("session_uptime_seconds", "AGE", True, help="since the session began"),
    Column("expired_tables", "EXPIRED", True, help="Replicated tables whose session has expired"),
    Column("readonly_tables", "R/O", True, help="readonly replicas there"),
    Column("ensemble", "ENSEMBLE", max_width=30, help="the ensemble's name in the host's configuration"),
)


def host_session_rows(
    _snapshot: Snapshot, _subject: Subject, facts: Sequence[HostSessionFact]
) -> tuple[Row, ...]:
    """Return a row for each host's session."""
    return tuple(
        Row(
            f"{fact.host} {fact.ensemble}",
            (
                cell(fact.host),
                cell(fact.member or "-"),
                _session_state(fact),
                number(fact.session_uptime_seconds, format_seconds),
                number(fact.expired_tables, format_count, "critical" if fact.expired_tables else ""),
                number(fact.readonly_tables, format_count, "critical" if fact.readonly_tables else ""),
                cell(fact.ensemble or "-", "muted"),
            ),
            link=Link("host", (fact.host,)),
        )
        for fact in facts
    )


def _session_state(fact: HostSessionFact) -> Cell:
    if fact.is_expired is not None:
        return Cell("expired", "critical") if fact.is_expired else Cell("alive", "ok")
    if fact.expired_tables:
        return Cell("expired", "critical")
    return Cell("not told", "muted")


def milliseconds(value: float | None) -> str:
    """Return milliseconds as a duration."""
    return format_seconds(None if value is None else value / 1000)
