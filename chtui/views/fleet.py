"""All profiles beside each other, one row each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chtui.monitor.snapshot import Snapshot
from chtui.records import HostState, ReplicationSummary
from chtui.text import NEVER_SECONDS, format_count, format_delay
from chtui.views.table import Cell, Column, Row, Style, Table, cell, number

Seen = tuple[str, Snapshot | None, str]
"""A profile's name, what is known of its cluster, and why nothing is."""


@dataclass(frozen=True, slots=True)
class FleetFact:
    """One profile's cluster in a row."""

    profile: str
    cluster: str | None
    hosts_up: int | None
    hosts: int | None
    worst_state: str | None
    readonly_tables: int | None
    never_synced_tables: int | None
    max_delay_seconds: int | None
    queue_entries: int | None
    versions: tuple[str, ...]
    partly_blind_hosts: int
    """Hosts on which the profile's user sees only part of the tables."""
    error: str


COLUMNS = (
    Column("profile", "PROFILE", max_width=30, help="the profile's name; enter switches to it"),
    Column("hosts_up", "HOSTS", True, help="hosts that answer, of all"),
    Column("worst_state", "WORST", max_width=24, help="the worst state of a host"),
    Column("readonly_tables", "R/O", True, help="readonly replicas on all hosts"),
    Column("max_delay_seconds", "LAG", True, max_width=14, help="largest absolute_delay of a replica"),
    Column("queue_entries", "QUEUE", True, help="entries in the replication queues of all hosts"),
    Column("cluster", "CLUSTER", max_width=30, help="the cluster of system.clusters"),
    Column("versions", "VERSION", max_width=30, help="the hosts' versions"),
    Column("error", "WHY", max_width=120, help="why nothing, or not all, is known"),
)


def facts(seen: Sequence[Seen]) -> tuple[FleetFact, ...]:
    """Return a fact for each profile, the worst first, then by name."""
    found = [_fact(*one) for one in seen]
    return tuple(sorted(found, key=lambda fact: (-_badness(fact), fact.profile)))


def is_complete(one: Seen) -> bool:
    """Return whether a profile's row will not change by waiting: everything was answered or failed."""
    _, snapshot, error = one
    if error or (snapshot is not None and snapshot.error and not snapshot.hosts):
        return True
    if snapshot is None or not snapshot.hosts:
        return False
    return all(
        snapshot.sample(status.id, "replication_summary") is not None
        if status.state.answers
        else status.state is not HostState.CONNECTING
        for status in snapshot.hosts
    )


def _badness(fact: FleetFact) -> int:
    if fact.hosts is None or fact.worst_state is None:
        return 100
    return HostState(fact.worst_state).severity * 2 + bool(fact.readonly_tables)


def _fact(name: str, snapshot: Snapshot | None, error: str) -> FleetFact:
    if snapshot is None or not snapshot.hosts:
        why = error or (snapshot.error if snapshot else "") or "connecting ..."
        return FleetFact(name, None, None, None, None, None, None, None, None, (), 0, why)
    summaries: list[ReplicationSummary] = [
        summary
        for status in snapshot.hosts
        if (summary := snapshot.one(status.id, "replication_summary")) is not None
    ]
    worst = max((status.state for status in snapshot.hosts), key=lambda state: state.severity)
    told = bool(summaries)
    blind = "this user sees only part of the tables" if snapshot.partly_blind else ""
    ill = [status.error for status in snapshot.hosts if not status.state.answers and status.error]
    return FleetFact(
        profile=name,
        cluster=snapshot.cluster,
        hosts_up=sum(status.state.answers for status in snapshot.hosts),
        hosts=len(snapshot.hosts),
        worst_state=str(worst),
        readonly_tables=sum(row.readonly_tables for row in summaries) if told else None,
        never_synced_tables=sum(row.never_synced_tables for row in summaries) if told else None,
        max_delay_seconds=max(row.max_delay_seconds for row in summaries) if told else None,
        queue_entries=sum(row.queue_entries for row in summaries) if told else None,
        versions=tuple(sorted({status.version for status in snapshot.hosts if status.version})),
        partly_blind_hosts=len(snapshot.partly_blind),
        error=error or snapshot.error or (ill[0] if ill else blind),
    )


def table(seen: Sequence[Seen]) -> Table:
    """Return the table of all profiles."""
    return Table(COLUMNS, tuple(_row(fact) for fact in facts(seen)), "no profiles in the configuration")


def _row(fact: FleetFact) -> Row:
    known = fact.hosts is not None
    state: Style = "muted"
    if fact.worst_state is not None:
        severity = HostState(fact.worst_state).severity
        state = "ok" if severity == 0 else "critical" if severity > 2 else "warning"
    lag = NEVER_SECONDS if fact.never_synced_tables else fact.max_delay_seconds
    return Row(
        fact.profile,
        (
            cell(fact.profile, "accent"),
            Cell(f"{fact.hosts_up}/{fact.hosts}", state, fact.hosts_up) if known else Cell("-", "muted"),
            cell(fact.worst_state or "-", state),
            number(fact.readonly_tables, format_count, "critical" if fact.readonly_tables else ""),
            number(lag, format_delay, "critical" if fact.never_synced_tables else ""),
            number(fact.queue_entries, format_count),
            cell(fact.cluster or "-"),
            cell(", ".join(fact.versions) or "-", "warning" if len(fact.versions) > 1 else ""),
            cell(fact.error, "muted"),
        ),
    )
