"""Sessions with the ensemble as its members see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chtui.monitor.snapshot import Snapshot
from chtui.records.keeper import KeeperSession
from chtui.text import format_count, format_seconds
from chtui.views.pages import Subject
from chtui.views.table import Column, Row, cell, number


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


def milliseconds(value: float | None) -> str:
    """Return milliseconds as a duration."""
    return format_seconds(None if value is None else value / 1000)
