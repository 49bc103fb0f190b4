"""The storage pane's part `volumes`: how full each volume is and when it fills, counting what TTL brings and takes away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.profile.model import Thresholds
from chtui.records import HostId
from chtui.records.storage import StorageVolume
from chtui.text import format_bytes, format_percent, format_seconds
from chtui.views.links import to_host
from chtui.views.pages import Part, Subject
from chtui.views.storage.forecast import Forecast, forecasts, within
from chtui.views.storage.places import Places, growth, has_size, places
from chtui.views.table import Cell, Column, Row, Style, cell, number

WANTS = tuple(
    Want(name)
    for name in (
        "storage_policies",
        "storage_disks",
        "storage_growth",
        "storage_ttl",
        "storage_ttl_rules",
        "storage_table_policies",
    )
)
HOURS = ((3, 24.0), (4, 168.0))
"""The horizons of `Forecast` that a rate is made of, and their hours."""


@dataclass(frozen=True, slots=True)
class VolumeFact:
    """One volume of one host, and when it fills."""

    host: str
    policy: str
    volume: str
    priority: int
    disks: str
    free_bytes: int | None
    total_bytes: int | None
    used_ratio: float | None
    written_bytes_per_hour: float | None
    """Inserts and fetches onto its disks in the last 24 hours."""
    ttl_in_bytes_per_hour: float | None
    """What TTL moves to it, by the forecast of a day or of 7 days, whichever is more in an hour."""
    ttl_moved_bytes_per_hour: float | None
    """What TTL moves away, likewise."""
    ttl_deleted_bytes_per_hour: float | None
    """What TTL deletes there, likewise."""
    net_bytes_per_hour: float | None
    full_seconds: float | None
    """Until nothing is free at this pace."""
    full_reason: str | None
    """Why it is not said."""


def volume_facts(snapshot: Snapshot, _subject: Subject) -> tuple[VolumeFact, ...]:
    """Return the volumes of all hosts, those that fill first before the others, these in the order of policy and priority."""
    found: list[VolumeFact] = []
    for status in snapshot.hosts:
        where, coming = places(snapshot, status.id), _forecasts(snapshot, status.id)
        found.extend(_fact(snapshot, status.id, volume, where, coming) for volume in where.volumes)
    return tuple(
        sorted(
            found,
            key=lambda fact: (
                fact.full_seconds if fact.full_seconds is not None else float("inf"),
                fact.policy,
                fact.priority,
            ),
        )
    )


def _forecasts(snapshot: Snapshot, host: HostId) -> tuple[Forecast, ...] | str:
    """Return what TTL does, or why that is not known."""
    for probe in ("storage_ttl", "storage_ttl_rules", "storage_table_policies"):
        sample = snapshot.sample(host, probe)
        if sample is None or sample.taken_at is None:
            return ((sample.unavailable or sample.error) if sample else "") or "no answer yet"
    return forecasts(snapshot, host)


def _fact(
    snapshot: Snapshot, host: HostId, volume: StorageVolume, where: Places, coming: tuple[Forecast, ...] | str
) -> VolumeFact:
    disks = where.disks_of(volume.policy, volume.volume)
    sized = bool(disks) and len(disks) == len(volume.disks) and all(has_size(disk) for disk in disks)
    free = sum(disk.free_bytes for disk in disks) if sized else None
    total = sum(disk.total_bytes for disk in disks) if sized else None
    written = growth(snapshot, host, volume.disks)
    brought = taken = deleted = net = None
    if not isinstance(coming, str):
        policies = {other.policy for other in where.volumes if set(other.disks) & set(volume.disks)}
        here = [found for found in coming if found.policy in policies]
        names = {other.volume for other in where.volumes if set(other.disks) & set(volume.disks)}
        brought = _rate([found for found in here if found.kind == "move" and found.target_volume in names])
        taken = _rate([found for found in here if found.kind == "move" and found.volume in names])
        deleted = _rate([found for found in here if found.kind == "delete" and found.volume in names])
        if written.bytes_per_hour is not None:
            net = written.bytes_per_hour + brought - taken - deleted
    full, reason = _full(free, net, written.reason or (coming if isinstance(coming, str) else ""))
    return VolumeFact(
        host=str(host),
        policy=volume.policy,
        volume=volume.volume,
        priority=volume.priority,
        disks=", ".join(volume.disks),
        free_bytes=free,
        total_bytes=total,
        used_ratio=(total - free) / total if total and free is not None else None,
        written_bytes_per_hour=written.bytes_per_hour,
        ttl_in_bytes_per_hour=brought,
        ttl_moved_bytes_per_hour=taken,
        ttl_deleted_bytes_per_hour=deleted,
        net_bytes_per_hour=net,
        full_seconds=full,
        full_reason=reason,
    )


def _rate(found: Sequence[Forecast]) -> float:
    """Return bytes per hour. Of a table that drops a part a month a day may show nothing, and of one that keeps rows
    for two days a week cannot: what is not written yet has no TTL info. So the longer look counts only where it shows more."""
    return max(sum(within(one.size_bytes, horizon) for one in found) / hours for horizon, hours in HOURS)


def _full(free: int | None, net: float | None, reason: str) -> tuple[float | None, str | None]:
    if free is None:
        return None, "its size is not known"
    if free == 0:
        return 0.0, None
    if net is None:
        return None, reason or "no answer yet"
    if net <= 0:
        return None, "it does not grow"
    return free / net * 3600, None


COLUMNS = (
    Column("volume", "VOLUME", max_width=20, help="the volume"),
    Column("host", "HOST", max_width=30, help="host_name and native port in system.clusters"),
    Column("used_ratio", "USED", True, help="used share of its disks"),
    Column("free_bytes", "FREE", True, help="free on its disks, what is kept free left out"),
    Column("full_seconds", "FULL IN", True, max_width=24, help="at the pace of NET"),
    Column("net_bytes_per_hour", "NET/H", True, help="written, plus what TTL brings, less what it moves away and deletes; parts not written yet are in no forecast"),
    Column("written_bytes_per_hour", "WRITTEN/H", True, help="inserts and fetches of the last 24 hours, from part_log; merges, mutations and drops are left out"),
    Column("ttl_in_bytes_per_hour", "TTL IN/H", True, help="what TTL moves there, by the forecast of a day or of 7 days, whichever is more in an hour"),
    Column("ttl_moved_bytes_per_hour", "TTL OUT/H", True, help="what TTL moves away, likewise"),
    Column("ttl_deleted_bytes_per_hour", "TTL DEL/H", True, help="what TTL deletes there, likewise; DELETE WHERE is left out"),
    Column("policy", "POLICY", max_width=24, help="the storage policy"),
    Column("total_bytes", "TOTAL", True, help="size of its disks, what is kept free left out"),
    Column("disks", "DISKS", max_width=40, help="its disks"),
    Column("full_reason", "WHY", max_width=60, help="why it is not said when it is full"),
)  # fmt: skip


def volume_rows(snapshot: Snapshot, _subject: Subject, facts: Sequence[VolumeFact]) -> tuple[Row, ...]:
    """Return a row for each volume."""
    return tuple(
        Row(
            f"{fact.policy} {fact.volume} {fact.host}",
            (
                cell(fact.volume),
                cell(fact.host, "muted"),
                number(fact.used_ratio, format_percent, used_style(fact.used_ratio, snapshot.thresholds)),
                number(fact.free_bytes, format_bytes),
                full_cell(fact.full_seconds, fact.full_reason),
                number(fact.net_bytes_per_hour, format_bytes),
                number(fact.written_bytes_per_hour, format_bytes),
                number(fact.ttl_in_bytes_per_hour, format_bytes),
                number(fact.ttl_moved_bytes_per_hour, format_bytes),
                number(fact.ttl_deleted_bytes_per_hour, format_bytes),
                cell(fact.policy),
                number(fact.total_bytes, format_bytes),
                cell(fact.disks, "muted"),
                cell(fact.full_reason or "", "muted"),
            ),
            links=(to_host(fact.host),),
        )
        for fact in facts
    )


def used_style(ratio: float | None, limits: Thresholds) -> Style:
    """Return how bad a used share is by the profile's thresholds."""
    if ratio is None or ratio < limits.disk_used_warning_ratio:
        return ""
    return "critical" if ratio >= limits.disk_used_critical_ratio else "warning"


FULL_WARNING_SECONDS = 7 * 86400.0
FULL_CRITICAL_SECONDS = 86400.0
"""When something that fills within a week, or a day, is one to act on. Source: chtui's choice."""


def full_cell(seconds: float | None, reason: str | None) -> Cell:
    """Return the time until something is full, or in a word why it is not said."""
    if seconds is None:
        return cell(
            "no growth" if reason in ("it does not grow", "nothing was written there") else "-", "muted", -1.0
        )
    style: Style = (
        "critical" if seconds < FULL_CRITICAL_SECONDS else "warning" if seconds < FULL_WARNING_SECONDS else ""
    )
    years = seconds > 5 * 365 * 86400
    return Cell(
        "FULL" if seconds == 0 else "> 5 years" if years else format_seconds(int(seconds)), style, seconds
    )


TTL_FIELDS = (
    "ttl_in_bytes_per_hour",
    "ttl_moved_bytes_per_hour",
    "ttl_deleted_bytes_per_hour",
    "net_bytes_per_hour",
    "full_seconds",
)
PART = Part(
    "volumes",
    "volumes",
    VolumeFact,
    COLUMNS,
    lambda _: WANTS,
    volume_facts,
    volume_rows,
    {
        "storage_disks": ("free_bytes", "total_bytes", "used_ratio", "full_seconds"),
        "storage_growth": ("written_bytes_per_hour", "net_bytes_per_hour", "full_seconds"),
        **dict.fromkeys(("storage_ttl", "storage_ttl_rules", "storage_table_policies"), TTL_FIELDS),
    },
    empty="no volumes",
    frozen=2,
)
