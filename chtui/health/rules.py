"""The rules: pure functions from a snapshot to findings. Thresholds come with the snapshot; their sources stand there."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from chtui.health.findings import Assessment, Finding, Severity, Unchecked
from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.records import Disk, HostId, HostState, HostStatus, ReplicationSummary
from chtui.text import NEVER_SECONDS, format_bytes, format_percent, format_seconds, plural

WANTS = tuple(
    Want(name)
    for name in ("host_state", "replication_summary", "suspect_replicas", "replica_keeper_state", "disks")
)
"""The probes the rules read."""

Rule = Callable[[Snapshot, HostStatus], Iterator[Finding]]

ADVICE = {
    HostState.HUNG: "look at the host: load, memory, disk, a stopped process; its connections stand but nothing answers",
    HostState.REFUSED: "start clickhouse-server there, or correct the port",
    HostState.DOWN: "check the machine and the network",
    HostState.AUTH_FAILED: "check user and password on that host",
    HostState.DENIED: "grant this user SELECT ON system.*, SHOW ON *.*, REMOTE ON *.* there",
    HostState.MISMATCH: "give the host's HTTP address in http_addresses of the profile",
    HostState.NOT_CLICKHOUSE: "give the host's HTTP address in http_addresses of the profile",
    HostState.SLOW: "look at the host's load and at the network",
}


def assess(snapshot: Snapshot) -> Assessment:
    """Return what is wrong, worst first, and what could not be checked."""
    findings = [finding for status in snapshot.hosts for rule in RULES for finding in rule(snapshot, status)]
    findings.extend(_versions(snapshot))
    findings.sort(key=lambda finding: (-finding.severity, finding.rule, str(finding.host), finding.object))
    unchecked = [*_unchecked(snapshot)]
    return Assessment(tuple(findings), tuple(unchecked), tuple(_too_old(snapshot)))


def _host_state(snapshot: Snapshot, status: HostStatus) -> Iterator[Finding]:
    if status.state in (HostState.UP, HostState.CONNECTING):
        return
    severity = Severity.WARNING if status.state is HostState.SLOW else Severity.CRITICAL
    since = (snapshot.taken_at - status.since).total_seconds() if status.since else None
    yield Finding(
        severity,
        "host_state",
        status.id,
        "",
        f"host is {status.state}",
        status.error,
        since,
        ADVICE[status.state],
    )


def _readonly(snapshot: Snapshot, status: HostStatus) -> Iterator[Finding]:
    summary: ReplicationSummary | None = snapshot.one(status.id, "replication_summary")
    if summary is None or not summary.readonly_tables:
        return
    suspects = [row for row in snapshot.rows(status.id, "suspect_replicas") if row.is_readonly]
    longest = max(
        (row.readonly_seconds for row in suspects if row.readonly_seconds is not None), default=None
    )
    fresh = longest is not None and longest < snapshot.thresholds.readonly_grace_seconds
    tables = ", ".join(f"{row.database}.{row.table}" for row in suspects[:3])
    more = f" and {summary.readonly_tables - 3} more" if suspects and summary.readonly_tables > 3 else ""
    yield Finding(
        Severity.WARNING if fresh else Severity.CRITICAL,
        "replica_readonly",
        status.id,
        tables + more,
        f"{plural(summary.readonly_tables, 'replica')} of {summary.tables} readonly: inserts are refused",
        readonly_reason(snapshot, status.id),
        float(longest) if longest is not None else None,
        "look at Keeper first; SYSTEM RESTART REPLICA for tables that stay readonly after it is back",
    )


def readonly_reason(snapshot: Snapshot, host: HostId) -> str:
    """Return why replicas of a host are readonly, in the server's words, or in ours where it has none; empty if none is."""
    suspects = [row for row in snapshot.rows(host, "suspect_replicas") if row.is_readonly]
    if not suspects:
        return ""
    keeper = {(row.database, row.table): row for row in snapshot.rows(host, "replica_keeper_state")}
    for row in suspects:
        state = keeper.get((row.database, row.table))
        told = (state.zookeeper_exception if state else None) or row.last_queue_update_exception
        if told:
            return str(told)
    if any(row.is_session_expired for row in suspects):
        return "the Keeper session has expired"
    return "the server gives no reason: it has no Keeper session, or has not initialised the replica"


def _never_synced(snapshot: Snapshot, status: HostStatus) -> Iterator[Finding]:
    summary: ReplicationSummary | None = snapshot.one(status.id, "replication_summary")
    if summary is not None and summary.never_synced_tables and not summary.readonly_tables:
        what = f"{plural(summary.never_synced_tables, 'replica')} never synced"
        yield Finding(
            Severity.CRITICAL,
            "replica_never_synced",
            status.id,
            "",
            what,
            advice="SYSTEM RESTART REPLICA; see the server's log",
        )


def _lag(snapshot: Snapshot, status: HostStatus) -> Iterator[Finding]:
    summary: ReplicationSummary | None = snapshot.one(status.id, "replication_summary")
    limits = snapshot.thresholds
    if summary is None or summary.max_delay_seconds < limits.replica_lag_warning_seconds:
        return
    severity = (
        Severity.CRITICAL
        if summary.max_delay_seconds >= limits.replica_lag_critical_seconds
        else Severity.WARNING
    )
    what = f"replica is {format_seconds(summary.max_delay_seconds)} behind"
    yield Finding(severity, "replica_lag", status.id, _latest(snapshot, status.id), what,
                  advice="see the replication queue for exceptions; without any it drains by itself")  # fmt: skip


def _latest(snapshot: Snapshot, host: HostId) -> str:
    """The table furthest behind of those that have synced."""
    synced = [
        row for row in snapshot.rows(host, "suspect_replicas") if row.absolute_delay_seconds < NEVER_SECONDS
    ]
    worst = max(synced, key=lambda row: row.absolute_delay_seconds, default=None)
    return f"{worst.database}.{worst.table}" if worst else ""


def _queue(snapshot: Snapshot, status: HostStatus) -> Iterator[Finding]:
    summary: ReplicationSummary | None = snapshot.one(status.id, "replication_summary")
    limits = snapshot.thresholds
    if summary is None or summary.max_queue_entries < limits.queue_size_warning:
        return
    severity = (
        Severity.CRITICAL if summary.max_queue_entries >= limits.queue_size_critical else Severity.WARNING
    )
    what = f"replication queue of one table holds {plural(summary.max_queue_entries, 'entry', 'entries')}"
    yield Finding(severity, "replication_queue", status.id, _worst(snapshot, status.id, "queue_entries"), what,
                  since_seconds=float(summary.oldest_queue_entry_seconds), advice="see which entries carry an exception")  # fmt: skip


def _worst(snapshot: Snapshot, host: HostId, field: str) -> str:
    suspects = snapshot.rows(host, "suspect_replicas")
    worst = max(suspects, key=lambda row: getattr(row, field), default=None)
    return f"{worst.database}.{worst.table}" if worst else ""


def _missing_replicas(snapshot: Snapshot, status: HostStatus) -> Iterator[Finding]:
    """A peer that Keeper does not see; a host known not to answer has its own finding and explains it."""
    if shard_is_missing_a_host(snapshot, status):
        return
    suspects = snapshot.rows(status.id, "suspect_replicas")
    # A readonly replica is not active itself: that has its own finding, and says nothing of its peers.
    readonly = {(row.database, row.table) for row in suspects if row.is_readonly}
    short = [
        row
        for row in snapshot.rows(status.id, "replica_keeper_state")
        if row.active_replicas < row.total_replicas and (row.database, row.table) not in readonly
    ]
    if short:
        first = short[0]
        what = f"{first.active_replicas} of {first.total_replicas} replicas active in {plural(len(short), 'table')}"
        yield Finding(Severity.WARNING, "replica_missing", status.id, f"{first.database}.{first.table}", what,
                      advice="a peer is gone: start it; SYSTEM DROP REPLICA, on another replica, only if it never comes back")  # fmt: skip


def shard_is_missing_a_host(snapshot: Snapshot, status: HostStatus) -> bool:
    """Return whether another host of the same shard does not answer."""
    return any(
        other.shard_num == status.shard_num and other.id != status.id and not other.state.answers
        for other in snapshot.hosts
    )


def _disks(snapshot: Snapshot, status: HostStatus) -> Iterator[Finding]:
    limits = snapshot.thresholds
    for disk in snapshot.rows(status.id, "disks"):
        assert isinstance(disk, Disk)
        ratio = disk.used_ratio
        if ratio is None or ratio < limits.disk_used_warning_ratio:
            continue
        severity = Severity.CRITICAL if ratio >= limits.disk_used_critical_ratio else Severity.WARNING
        what = f"disk {disk.name} is {format_percent(ratio)} full, {format_bytes(disk.free_bytes)} free"
        yield Finding(
            severity,
            "disk_full",
            status.id,
            disk.name,
            what,
            disk.path,
            advice="see which tables and detached parts fill it",
        )


def _versions(snapshot: Snapshot) -> Iterator[Finding]:
    versions = sorted({status.version for status in snapshot.hosts if status.version})
    if len(versions) > 1:
        yield Finding(Severity.WARNING, "version_differs", None, "", f"hosts run different versions: {', '.join(versions)}",
                      advice="finish the upgrade")  # fmt: skip


def _unchecked(snapshot: Snapshot) -> Iterator[Unchecked]:
    if not snapshot.hosts:
        yield Unchecked(None, "every host", snapshot.error or "no host has told the cluster yet")
    for status in snapshot.hosts:
        if status.state is HostState.CONNECTING:
            yield Unchecked(status.id, "the host", "it has not answered yet")
        if not status.state.answers:
            continue
        if status.sees_all_tables is False:
            yield Unchecked(
                status.id, "all tables", "this user sees only part of the tables: GRANT SHOW ON *.*"
            )
        elif status.sees_all_tables is None:
            yield Unchecked(status.id, "all tables", "it is not known whether this user sees every table")
        for want in WANTS:
            sample = snapshot.sample(status.id, want.probe)
            if sample is None or not (sample.taken_at or sample.error or sample.unavailable):
                yield Unchecked(status.id, want.probe, "no answer yet")
            elif sample.error or (sample.unavailable and not sample.is_too_old):
                yield Unchecked(status.id, want.probe, sample.error or sample.unavailable)


def _too_old(snapshot: Snapshot) -> Iterator[Unchecked]:
    for status in snapshot.hosts:
        for want in WANTS:
            sample = snapshot.sample(status.id, want.probe)
            if sample is not None and sample.is_too_old:
                yield Unchecked(status.id, want.probe, sample.unavailable)


RULES: tuple[Rule, ...] = (_host_state, _readonly, _never_synced, _lag, _queue, _missing_replicas, _disks)
"""The rules that look at one host at a time."""
