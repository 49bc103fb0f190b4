"""The replicas pane: shards and replicas of the cluster, one row a host."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chtui.health.rules import readonly_reason
from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import STALE_MARGIN_SECONDS, Snapshot
from chtui.profile.model import Thresholds
from chtui.records import Disk, HostId, HostState, HostStatus
from chtui.text import (
    NEVER_SECONDS,
    format_bytes,
    format_count,
    format_delay,
    format_percent,
    format_seconds,
)
from chtui.views.pages import Page, Part
from chtui.views.table import Cell, Column, Link, Row, Style, cell, number

WANTS = tuple(
    Want(name)
    for name in (
        "host_state",
        "replication_summary",
        "suspect_replicas",
        "replica_keeper_state",
        "parts_summary",
        "disks",
    )
)
"""The probes the pane reads."""


@dataclass(frozen=True, slots=True)
class ReplicaFact:
    """What is known of one replica; a field without a value is None, and `unavailable` of the export says why."""

    shard_num: int
    replica_num: int
    host_name: str
    port: int
    address: str
    state: str
    state_seconds: float | None
    error: str
    round_trip_seconds: float | None
    age_seconds: float | None
    """Since the host last answered anything."""
    version: str | None
    uptime_seconds: int | None
    replicated_tables: int | None
    readonly_tables: int | None
    readonly_reason: str | None
    session_expired_tables: int | None
    never_synced_tables: int | None
    max_delay_seconds: int | None
    """The largest delay of the tables that have synced; None without any."""
    queue_entries: int | None
    max_queue_entries: int | None
    """Of the table with the longest queue; what the thresholds are for."""
    oldest_queue_entry_seconds: int | None
    active_parts: int | None
    max_parts_in_partition: int | None
    active_replicas: int
    """Hosts of the shard that answer, or what Keeper counts for a suspect table, whichever is less."""
    total_replicas: int
    fullest_disk: str | None
    disk_used_ratio: float | None
    disk_free_bytes: int | None
    sees_all_tables: bool | None


COLUMNS = (
    Column("shard_num", "S/R", help="shard and replica number in system.clusters"),
    Column("host_name", "HOST", max_width=40, help="host_name and native port in system.clusters"),
    Column(
        "state",
        "STATE",
        max_width=32,
        help="how the host answers, and for how long it has been so if it is not up",
    ),
    Column("readonly_tables", "R/O", True, help="readonly replicas of all Replicated tables there"),
    Column("max_delay_seconds", "LAG", True, max_width=14, help="largest absolute_delay of a replica"),
    Column("queue_entries", "QUEUE", True, help="entries in the replication queues of all tables"),
    Column("active_parts", "PARTS", True, help="active parts of all tables"),
    Column("active_replicas", "REPL", True, help="replicas of the shard that are active, of all"),
    Column("disk_used_ratio", "DISK", True, max_width=18, help="the fullest disk"),
    Column("uptime_seconds", "UPTIME", True, help="since the server started"),
    Column("version", "VERSION", max_width=16, help="the server's version"),
    Column("round_trip_seconds", "RTT", True, help="round trip of the liveness query"),
    Column(
        "error", "WHY", max_width=120, help="why the host does not answer, or why its replicas are readonly"
    ),
)


def facts(snapshot: Snapshot) -> tuple[ReplicaFact, ...]:
    """Return what is known of every replica, in the order of shard and replica."""
    return tuple(_fact(snapshot, status) for status in snapshot.hosts)


def _fact(snapshot: Snapshot, status: HostStatus) -> ReplicaFact:
    host = status.id
    info, summary = snapshot.one(host, "host_state"), snapshot.one(host, "replication_summary")
    parts, disk = snapshot.one(host, "parts_summary"), fullest(snapshot.rows(host, "disks"))
    shard = [other for other in snapshot.hosts if other.shard_num == status.shard_num]
    keeper = [
        (row.active_replicas, row.total_replicas) for row in snapshot.rows(host, "replica_keeper_state")
    ]
    active, total = min(
        [(sum(other.state.answers for other in shard), len(shard)), *keeper],
        key=lambda pair: pair[0] - pair[1],
    )
    age = (snapshot.taken_at - status.answered_at).total_seconds() if status.answered_at else None
    return ReplicaFact(
        shard_num=status.shard_num,
        replica_num=status.replica_num,
        host_name=host.host_name,
        port=host.port,
        address=status.address,
        state=str(status.state),
        state_seconds=(snapshot.taken_at - status.since).total_seconds() if status.since else None,
        error=status.error,
        round_trip_seconds=status.round_trip_seconds,
        age_seconds=age,
        version=status.version or None,
        uptime_seconds=info.uptime_seconds if info else None,
        replicated_tables=summary.tables if summary else None,
        readonly_tables=summary.readonly_tables if summary else None,
        readonly_reason=(readonly_reason(snapshot, host) or None)
        if summary and summary.readonly_tables
        else None,
        session_expired_tables=summary.expired_tables if summary else None,
        never_synced_tables=summary.never_synced_tables if summary else None,
        max_delay_seconds=summary.max_delay_seconds
        if summary and summary.never_synced_tables < summary.tables
        else None,
        queue_entries=summary.queue_entries if summary else None,
        max_queue_entries=summary.max_queue_entries if summary else None,
        oldest_queue_entry_seconds=summary.oldest_queue_entry_seconds if summary else None,
        active_parts=parts.active_parts if parts else None,
        max_parts_in_partition=parts.max_parts_in_partition if parts else None,
        active_replicas=active,
        total_replicas=total,
        fullest_disk=disk.name if disk else None,
        disk_used_ratio=disk.used_ratio if disk else None,
        disk_free_bytes=disk.free_bytes if disk else None,
        sees_all_tables=status.sees_all_tables,
    )


def fullest(disks: Sequence[Disk]) -> Disk | None:
    """Return the disk with the largest share in use, None if no disk tells its size."""
    sized = [disk for disk in disks if disk.used_ratio is not None]
    return max(sized, key=lambda disk: disk.used_ratio or 0.0, default=None)


def rows(snapshot: Snapshot, found: Sequence[ReplicaFact]) -> tuple[Row, ...]:
    """Return the pane's rows. Ports are left out where all are the same: a narrow terminal has no room for them."""
    same_port = len({fact.port for fact in found}) == 1
    return tuple(_row(snapshot, fact, same_port) for fact in found)


def _row(snapshot: Snapshot, fact: ReplicaFact, same_port: bool) -> Row:
    limits, stale = snapshot.thresholds, _is_stale(snapshot, fact)
    muted: Style = "muted" if stale else ""
    key = str(HostId(fact.host_name, fact.port))
    queue = _above(fact.max_queue_entries, limits.queue_size_warning, limits.queue_size_critical, muted)
    return Row(
        key,
        (
            Cell(f"{fact.shard_num}/{fact.replica_num}", "accent", (fact.shard_num, fact.replica_num)),
            cell(fact.host_name if same_port else key),
            _state(fact),
            _readonly(fact, muted),
            _lag(fact, limits, muted),
            number(fact.queue_entries, format_count, queue),
            number(fact.active_parts, format_count, muted),
            _replicas(fact),
            _disk(fact, limits, muted),
            _uptime(fact, muted),
            cell(fact.version or "-", muted),
            number(fact.round_trip_seconds, _round_trip, muted),
            cell(fact.error or fact.readonly_reason or "", "muted"),
        ),
        link=Link("host", (key,)),
    )


def _uptime(fact: ReplicaFact, muted: Style) -> Cell:
    """Seconds only in the first minute: they would send a cell of every host every time."""
    seconds = fact.uptime_seconds
    return number(
        seconds,
        lambda value: format_seconds(value if value is None or value < 60 else value // 60 * 60),
        muted,
    )


def _round_trip(seconds: float | None) -> str:
    """Below 100 ms no figure: it differs every time, tells nobody anything, and would be sent every time."""
    return "<100ms" if seconds is not None and seconds < 0.1 else format_seconds(seconds)


def _is_stale(snapshot: Snapshot, fact: ReplicaFact) -> bool:
    return fact.age_seconds is None or fact.age_seconds > snapshot.intervals.host_state + STALE_MARGIN_SECONDS


def _state(fact: ReplicaFact) -> Cell:
    state = HostState(fact.state)
    if state is HostState.UP:
        return Cell("up", "ok", 0)
    style: Style = "warning" if state in (HostState.SLOW, HostState.CONNECTING) else "critical"
    text = fact.state.upper() if style == "critical" else fact.state
    since = f" {format_seconds(int(fact.state_seconds))}" if fact.state_seconds is not None else ""
    return Cell(text + since, style, state.severity)


def _readonly(fact: ReplicaFact, muted: Style) -> Cell:
    if fact.readonly_tables is None or fact.replicated_tables is None:
        return Cell("-", "muted")
    if fact.replicated_tables == 0:
        return Cell("none", "muted", -1)
    return Cell(
        f"{fact.readonly_tables}/{fact.replicated_tables}",
        "critical" if fact.readonly_tables else muted,
        fact.readonly_tables,
    )


def _lag(fact: ReplicaFact, limits: Thresholds, muted: Style) -> Cell:
    if fact.never_synced_tables:
        return Cell("never synced", "critical", NEVER_SECONDS)
    if not fact.replicated_tables or fact.max_delay_seconds is None:
        return Cell("-", "muted")
    style = _above(
        fact.max_delay_seconds, limits.replica_lag_warning_seconds, limits.replica_lag_critical_seconds, muted
    )
    return Cell(format_delay(fact.max_delay_seconds), style, fact.max_delay_seconds)


def _replicas(fact: ReplicaFact) -> Cell:
    whole = fact.active_replicas >= fact.total_replicas
    return Cell(
        f"{fact.active_replicas}/{fact.total_replicas}",
        "" if whole else "warning",
        fact.active_replicas - fact.total_replicas,
    )


def _disk(fact: ReplicaFact, limits: Thresholds, muted: Style) -> Cell:
    if fact.disk_used_ratio is None:
        return Cell("-", "muted")
    style = _above(
        fact.disk_used_ratio, limits.disk_used_warning_ratio, limits.disk_used_critical_ratio, muted
    )
    return Cell(
        f"{format_percent(fact.disk_used_ratio)} {format_bytes(fact.disk_free_bytes)}",
        style,
        fact.disk_used_ratio,
    )


def _above(value: float | None, warning: float, critical: float, otherwise: Style) -> Style:
    if value is None or value < warning:
        return otherwise
    return "critical" if value >= critical else "warning"


UNAVAILABLE_FIELDS = {
    "replication_summary": ("replicated_tables", "readonly_tables", "session_expired_tables", "never_synced_tables",
                            "max_delay_seconds", "queue_entries", "max_queue_entries", "oldest_queue_entry_seconds"),
    "parts_summary": ("active_parts", "max_parts_in_partition"),
    "disks": ("fullest_disk", "disk_used_ratio", "disk_free_bytes"),
    "host_state": ("version", "uptime_seconds"),
}  # fmt: skip
"""Probe to the facts that have no value while it gives none."""

PAGES = (
    Page(
        "replicas",
        (
            Part(
                "replicas",
                "replicas",
                ReplicaFact,
                COLUMNS,
                lambda _: WANTS,
                lambda snapshot, _: facts(snapshot),
                lambda snapshot, _, found: rows(snapshot, found),
                UNAVAILABLE_FIELDS,
                frozen=2,
            ),
        ),
    ),
)
