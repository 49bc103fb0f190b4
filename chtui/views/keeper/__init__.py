"""The keeper pane: the members of the ensemble and whether they hold a quorum, their sessions, those of ClickHouse hosts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chtui.keeper.ensemble import Quorum, verdict
from chtui.monitor.keeper_probes import CONNECTION
from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.records.keeper import (
    KeeperMember,
    KeeperNode,
    MemberState,
)
from chtui.text import format_bytes, format_count, format_seconds, sanitize
from chtui.views.keeper.hosts import HOSTS
from chtui.views.keeper.sessions import (
    SESSION_COLUMNS,
    SessionFact,
    milliseconds,
    session_facts,
    session_rows,
)
from chtui.views.pages import Page, Part, Subject
from chtui.views.pieces import Figure
from chtui.views.table import Cell, Column, Link, Row, Style, cell, number

OUTSTANDING_WARNING = 10
"""Requests waiting in a member that are a warning. Source: on-call runbooks, `outstanding_requests` above 10."""
LATENCY_WARNING_MILLISECONDS = 100.0
"""Average latency that is a warning. Source: on-call runbooks: above 100 ms Keeper is degraded."""
MEMBER_WANTS = (Want("keeper_node"), Want(CONNECTION))


@dataclass(frozen=True, slots=True)
class MemberFact:
    """One member of the ensemble; None where it does not tell."""

    member: str
    state: str
    state_seconds: float | None
    error: str
    origin: str
    """How it is known: the profile, a ClickHouse host, or another member."""
    role: str | None
    product: str | None
    version: str | None
    latency_min_milliseconds: float | None
    latency_avg_milliseconds: float | None
    latency_max_milliseconds: float | None
    outstanding_requests: int | None
    alive_connections: int | None
    znode_count: int | None
    watch_count: int | None
    ephemeral_count: int | None
    data_size_bytes: int | None
    followers: int | None
    synced_followers: int | None
    voters: int | None
    zxid: str | None
    uptime_seconds: float | None
    source: str | None


def member_facts(snapshot: Snapshot, _subject: Subject) -> tuple[MemberFact, ...]:
    """Return the members, the worst first."""
    members = sorted(snapshot.keeper_members, key=lambda member: (-member.state.severity, member.host))
    return tuple(_member(snapshot, member) for member in members)


def _member(snapshot: Snapshot, member: KeeperMember) -> MemberFact:
    # The figures of a member that no longer answers are of another time.
    node: KeeperNode | None = snapshot.one(member.host, "keeper_node") if member.state.answers else None
    return MemberFact(
        member=str(member.host),
        state=str(member.state),
        state_seconds=(snapshot.taken_at - member.since).total_seconds() if member.since else None,
        error=member.error,
        origin=member.origin,
        role=node.role if node else None,
        product=node.product or None if node else None,
        version=node.version or None if node else None,
        latency_min_milliseconds=node.latency_min_milliseconds if node else None,
        latency_avg_milliseconds=node.latency_avg_milliseconds if node else None,
        latency_max_milliseconds=node.latency_max_milliseconds if node else None,
        outstanding_requests=node.outstanding_requests if node else None,
        alive_connections=node.alive_connections if node else None,
        znode_count=node.znode_count if node else None,
        watch_count=node.watch_count if node else None,
        ephemeral_count=node.ephemeral_count if node else None,
        data_size_bytes=node.data_size_bytes if node else None,
        followers=node.followers if node else None,
        synced_followers=node.synced_followers if node else None,
        voters=member.voters,
        zxid=node.zxid or None if node else None,
        uptime_seconds=node.uptime_seconds if node else None,
        source=node.source if node else None,
    )


MEMBER_COLUMNS = (
    Column("member", "MEMBER", max_width=40, help="name and client port"),
    Column(
        "state", "STATE", max_width=24, help="its role if it serves, else how it answers and for how long"
    ),
    Column("latency_avg_milliseconds", "AVG", True, help="average latency of a request since it started"),
    Column("latency_max_milliseconds", "MAX", True, help="longest latency of a request since it started"),
    Column("outstanding_requests", "WAIT", True, help="requests that wait in it (outstanding)"),
    Column("alive_connections", "CONN", True, help="client connections"),
    Column("znode_count", "ZNODES", True, help="znodes it holds"),
    Column("watch_count", "WATCHES", True, help="watches its clients have set"),
    Column("synced_followers", "SYNCED", True, help="synced followers of all, told by the leader"),
    Column("data_size_bytes", "DATA", True, help="approximate size of all data"),
    Column("version", "VERSION", max_width=26, help="product and version"),
    Column("error", "WHY", max_width=120, help="why it does not answer"),
)


def member_rows(_snapshot: Snapshot, _subject: Subject, facts: Sequence[MemberFact]) -> tuple[Row, ...]:
    """Return a row for each member."""
    return tuple(_member_row(fact) for fact in facts)


def _member_row(fact: MemberFact) -> Row:
    state = MemberState(fact.state)
    style: Style = "ok" if state.serves else "warning" if state is MemberState.CONNECTING else "critical"
    since = f" {format_seconds(int(fact.state_seconds))}" if fact.state_seconds is not None else ""
    text = fact.state if state.serves else f"{fact.state.upper()}{since}"
    synced = f"{fact.synced_followers}/{fact.followers}" if fact.synced_followers is not None else ""
    behind = fact.followers is not None and (fact.synced_followers or 0) < fact.followers
    return Row(
        fact.member,
        (
            cell(fact.member, "accent" if state is MemberState.LEADER else ""),
            cell(text, style, state.severity),
            number(
                fact.latency_avg_milliseconds,
                milliseconds,
                _above(fact.latency_avg_milliseconds, LATENCY_WARNING_MILLISECONDS),
            ),
            number(fact.latency_max_milliseconds, milliseconds),
            number(
                fact.outstanding_requests,
                format_count,
                _above(fact.outstanding_requests, OUTSTANDING_WARNING),
            ),
            number(fact.alive_connections, format_count),
            number(fact.znode_count, format_count),
            number(fact.watch_count, format_count),
            Cell(synced, "warning" if behind else "", fact.synced_followers),
            number(fact.data_size_bytes, format_bytes),
            cell(" ".join(word for word in (fact.product, fact.version) if word) or "-"),
            cell(fact.error, "muted"),
        ),
        links=(("znodes from /", Link("znode", ("/",))),),
    )


def _above(value: float | None, limit: float) -> Style:
    return "warning" if value is not None and value > limit else ""


def member_figures(snapshot: Snapshot, _subject: Subject) -> tuple[Figure, ...]:
    """Return whether there is a quorum, first and unmistakably."""
    members = snapshot.keeper_members
    if not members:
        return (Figure("ensemble", "not known", "warning", "no member is named by the profile or by a host"),)
    found = verdict(members)
    style: Style = (
        "ok" if found.quorum is Quorum.HELD else "warning" if found.quorum is Quorum.UNKNOWN else "critical"
    )
    word = str(found.quorum) if style == "ok" else str(found.quorum).upper()
    spare = found.spare
    return (
        Figure("ensemble", word, style),
        Figure(
            "serving",
            f"{found.serving} of {found.voters}",
            "" if found.serving == found.voters else "warning",
        ),
        Figure("needed", str(found.needed)),
        Figure("can lose", str(max(0, spare)), "warning" if spare < 1 < found.voters else ""),
        Figure(
            "leader",
            sanitize(found.leader) if found.leader else "none seen",
            "" if found.leader else "critical",
        ),
    )


def _member_fields() -> tuple[str, ...]:
    known = ("member", "state", "state_seconds", "error", "origin", "voters")
    return tuple(name for name in MemberFact.__slots__ if name not in known)


PAGES = (
    Page(
        "keeper",
        (
            Part(
                "members",
                "members",
                MemberFact,
                MEMBER_COLUMNS,
                lambda _: MEMBER_WANTS,
                member_facts,
                member_rows,
                {"keeper_node": _member_fields(), CONNECTION: ()},
                empty='no member of an ensemble is known: name them in the profile, keeper = ["host:port"]',
                figures=member_figures,
            ),
            Part(
                "sessions",
                "sessions",
                SessionFact,
                SESSION_COLUMNS,
                lambda _: (Want("keeper_sessions"), Want(CONNECTION)),
                session_facts,
                session_rows,
                {CONNECTION: ()},
                empty="no session",
            ),
            HOSTS,
        ),
    ),
)
