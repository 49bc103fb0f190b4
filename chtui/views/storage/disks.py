"""The storage pane's parts `disks` and `policies`: what each host's disks are for, how full they are and of what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.records import HostId
from chtui.records.storage import DetachedOnDisk, DiskParts, StorageDisk, StorageVolume
from chtui.text import format_bytes, format_percent
from chtui.views.links import to_host
from chtui.views.pages import Part, Subject
from chtui.views.storage.places import Growth, Place, Places, growth, has_size, places
from chtui.views.storage.volumes import full_cell, used_style
from chtui.views.table import Cell, Column, Row, cell, number

OnDisk = TypeVar("OnDisk", DiskParts, DetachedOnDisk)
DISK_WANTS = tuple(
    Want(name)
    for name in (
        "storage_disks",
        "storage_policies",
        "storage_disk_parts",
        "storage_detached",
        "storage_growth",
    )
)


@dataclass(frozen=True, slots=True)
class DiskFact:
    """One disk of one host; `unavailable` and `full_reason` say why a field is null."""

    host: str
    disk: str
    volumes: str | None
    """`policy/volume` of those it is in."""
    type: str | None
    path: str
    state: str
    """`ok`, `broken` or `read-only`."""
    free_bytes: int | None
    """What is kept free is left out; null for a disk that tells no size."""
    total_bytes: int | None
    keep_free_bytes: int
    unreserved_bytes: int | None
    """Free, and not reserved by inserts, merges and moves under way."""
    used_bytes: int | None
    used_ratio: float | None
    active_bytes: int | None
    """Active parts."""
    inactive_bytes: int | None
    """Parts that are merged or dropped and not yet removed."""
    detached_bytes: int | None
    other_bytes: int | None
    """Everything else on the file system: its reserve, other disks on it, logs, what is not ClickHouse's."""
    written_bytes_per_hour: float | None
    """Inserts, fetches and moves onto it in the last 24 hours."""
    full_seconds: float | None
    """Until nothing is free if that goes on and nothing leaves; part `volumes` counts what TTL takes away."""
    full_reason: str | None
    """Why it is not said."""
    move_factor: float | None
    """The largest of its volumes that have a next one."""
    is_move_factor_crossed: bool | None
    """Whether less than that share is unreserved, so that parts move on to the next volume."""


def disk_facts(snapshot: Snapshot, _subject: Subject) -> tuple[DiskFact, ...]:
    """Return the disks of all hosts, in the order of policy, volume and host."""
    found: list[tuple[tuple[str, int, str], DiskFact]] = []
    for status in snapshot.hosts:
        where = places(snapshot, status.id)
        for disk in where.disks.values():
            within = where.of_disk(disk.disk)
            # The default policy's volume comes after those that somebody made.
            first = min(
                within,
                key=lambda place: (place.policy == "default", place.policy, place.priority),
                default=None,
            )
            order = (first.policy, first.priority, disk.disk) if first else ("\U0010ffff", 0, disk.disk)
            found.append((order, _fact(snapshot, status.id, disk, within, where)))
    found.sort(key=lambda pair: (pair[0][0] == "default", pair[0]))
    return tuple(fact for _, fact in found)


def _fact(
    snapshot: Snapshot, host: HostId, disk: StorageDisk, within: Sequence[Place], where: Places
) -> DiskFact:
    parts = _of_disk(snapshot, host, "storage_disk_parts", DiskParts(disk.disk, 0, 0, 0, 0))
    detached = _of_disk(snapshot, host, "storage_detached", DetachedOnDisk(disk.disk, 0, 0))
    sized = has_size(disk)
    used = disk.total_bytes - disk.free_bytes if sized else None
    known = [
        parts.active_bytes if parts else None,
        parts.inactive_bytes if parts else None,
        detached.detached_bytes if detached else None,
    ]
    other = None if used is None or None in known else max(0, used - sum(size or 0 for size in known))
    factor = max((place.move_factor for place in within if not place.is_last), default=None)
    unreserved = disk.unreserved_bytes if sized else None
    written = growth(snapshot, host, (disk.disk,))
    pace = None
    if written.bytes_per_hour is not None and written.moved_bytes_per_hour is not None:
        pace = written.bytes_per_hour + written.moved_bytes_per_hour
    full, reason = _full(disk, pace, written)
    return DiskFact(
        host=str(host),
        disk=disk.disk,
        volumes=", ".join(f"{place.policy}/{place.volume}" for place in within) if where.volumes else None,
        type=disk.type,
        path=disk.path,
        state="broken" if disk.is_broken else "read-only" if disk.is_read_only else "ok",
        free_bytes=disk.free_bytes if sized else None,
        total_bytes=disk.total_bytes if sized else None,
        keep_free_bytes=disk.keep_free_bytes,
        unreserved_bytes=unreserved,
        used_bytes=used,
        used_ratio=used / disk.total_bytes if used is not None else None,
        active_bytes=known[0],
        inactive_bytes=known[1],
        detached_bytes=known[2],
        other_bytes=other,
        written_bytes_per_hour=pace,
        full_seconds=full,
        full_reason=reason,
        move_factor=factor,
        is_move_factor_crossed=unreserved < disk.total_bytes * factor
        if factor is not None and unreserved is not None
        else None,
    )


def _of_disk(snapshot: Snapshot, host: HostId, probe: str, nothing: OnDisk) -> OnDisk | None:
    """Return a probe's row of the disk that `nothing` names; `nothing` where the answer has no row for it, None without an answer."""
    sample = snapshot.sample(host, probe)
    if sample is None or sample.taken_at is None:
        return None
    return next((row for row in sample.rows if row.disk == nothing.disk), nothing)


def _full(disk: StorageDisk, pace: float | None, written: Growth) -> tuple[float | None, str | None]:
    if not has_size(disk):
        return None, "it tells no size"
    if disk.free_bytes == 0:
        return 0.0, None
    if pace is None:
        return None, written.reason
    return (disk.free_bytes / pace * 3600, None) if pace > 0 else (None, "nothing was written there")


DISK_COLUMNS = (
    Column("disk", "DISK", max_width=20, help="the disk's name in the server's configuration"),
    Column("host", "HOST", max_width=30, help="host_name and native port in system.clusters"),
    Column("used_ratio", "USED", True, help="used share: total less free, both without what is kept free"),
    Column("free_bytes", "FREE", True, help="free space, without what is kept free"),
    Column("full_seconds", "FULL IN", True, help="if what was written in the last 24 hours goes on and nothing leaves; see volumes for what TTL takes away"),
    Column("active_bytes", "ACTIVE", True, help="active parts"),
    Column("volumes", "VOLUME", max_width=40, help="policy/volume it belongs to"),
    Column("inactive_bytes", "OUTDATED", True, help="parts that are merged or dropped and not yet removed"),
    Column("detached_bytes", "DETACHED", True, help="detached parts"),
    Column("other_bytes", "OTHER", True, help="everything else on the file system: its reserve, other disks on it, what is not ClickHouse's"),
    Column("written_bytes_per_hour", "WRITTEN/H", True, help="inserts, fetches and moves onto it in the last 24 hours, from part_log"),
    Column("move_factor", "MOVES AT", max_width=20, help="parts move on to the next volume when less than this share is unreserved"),
    Column("unreserved_bytes", "UNRESERVED", True, help="free, and not reserved by inserts, merges and moves under way"),
    Column("total_bytes", "TOTAL", True, help="size, without what is kept free"),
    Column("keep_free_bytes", "KEPT FREE", True, help="keep_free_space_bytes: never used"),
    Column("type", "TYPE", max_width=16, help="kind of disk, and what is wrong with it"),
    Column("path", "PATH", max_width=60, help="where it is on the host"),
    Column("full_reason", "WHY", max_width=60, help="why it is not said when it is full"),
)  # fmt: skip


def disk_rows(snapshot: Snapshot, _subject: Subject, facts: Sequence[DiskFact]) -> tuple[Row, ...]:
    """Return a row for each disk."""
    return tuple(_row(snapshot, fact) for fact in facts)


def _row(snapshot: Snapshot, fact: DiskFact) -> Row:
    bad = fact.state != "ok"
    return Row(
        f"{fact.host} {fact.disk}",
        (
            cell(fact.disk, "critical" if bad else ""),
            cell(fact.host, "muted"),
            number(fact.used_ratio, format_percent, used_style(fact.used_ratio, snapshot.thresholds)),
            number(fact.free_bytes, format_bytes, used_style(fact.used_ratio, snapshot.thresholds)),
            full_cell(fact.full_seconds, fact.full_reason),
            number(fact.active_bytes, format_bytes),
            cell(fact.volumes if fact.volumes is not None else "-", "accent" if fact.volumes else "muted"),
            number(fact.inactive_bytes, format_bytes),
            number(fact.detached_bytes, format_bytes, "warning" if fact.detached_bytes else ""),
            number(fact.other_bytes, format_bytes),
            number(fact.written_bytes_per_hour, format_bytes),
            _move_factor(fact),
            number(fact.unreserved_bytes, format_bytes),
            number(fact.total_bytes, format_bytes),
            number(fact.keep_free_bytes, format_bytes, "muted"),
            cell(
                f"{fact.state.upper()} {fact.type or ''}" if bad else fact.type or "-",
                "critical" if bad else "muted",
            ),
            cell(fact.path, "muted"),
            cell(fact.full_reason or "", "muted"),
        ),
        links=(to_host(fact.host),),
        copy=fact.path,
    )


def _move_factor(fact: DiskFact) -> Cell:
    if fact.move_factor is None:
        return Cell("-", "muted")
    text = f"{format_percent(fact.move_factor, 1)} free"
    crossed = bool(fact.is_move_factor_crossed)
    return Cell(f"{text} CROSSED" if crossed else text, "warning" if crossed else "", fact.move_factor)


DISKS = Part(
    "disks",
    "disks",
    DiskFact,
    DISK_COLUMNS,
    lambda _: DISK_WANTS,
    disk_facts,
    disk_rows,
    {
        "storage_policies": ("volumes", "move_factor", "is_move_factor_crossed"),
        "storage_disk_parts": ("active_bytes", "inactive_bytes", "other_bytes"),
        "storage_detached": ("detached_bytes", "other_bytes"),
        "storage_growth": ("written_bytes_per_hour", "full_seconds"),
    },
    empty="no disks",
    frozen=2,
)


@dataclass(frozen=True, slots=True)
class PolicyFact:
    """One volume of a policy, once for all hosts that have it alike."""

    policy: str
    volume: str
    priority: int
    disks: tuple[str, ...]
    max_data_part_bytes: int | None
    """The largest part that is written there; null for any."""
    move_factor: float
    prefer_not_to_merge: bool | None
    perform_ttl_move_on_insert: bool | None
    hosts: tuple[str, ...]
    differs: bool
    """Whether not all hosts that answered have it like this."""


def policy_facts(snapshot: Snapshot, _subject: Subject) -> tuple[PolicyFact, ...]:
    """Return the volumes of all policies, by policy and priority; one that differs between hosts comes several times."""
    groups: dict[StorageVolume, list[str]] = defaultdict(list)
    answered = 0
    for status in snapshot.hosts:
        answered += bool(snapshot.rows(status.id, "storage_policies"))
        for volume in places(snapshot, status.id).volumes:
            groups[volume._replace(disks=tuple(volume.disks))].append(str(status.id))
    return tuple(
        PolicyFact(
            policy=volume.policy,
            volume=volume.volume,
            priority=volume.priority,
            disks=tuple(volume.disks),
            max_data_part_bytes=volume.max_data_part_bytes or None,
            move_factor=volume.move_factor,
            prefer_not_to_merge=volume.prefer_not_to_merge,
            perform_ttl_move_on_insert=volume.perform_ttl_move_on_insert,
            hosts=tuple(hosts),
            differs=len(hosts) < answered,
        )
        for volume, hosts in sorted(
            groups.items(), key=lambda item: (item[0].policy, item[0].priority, item[1])
        )
    )


POLICY_COLUMNS = (
    Column("policy", "POLICY", max_width=28, help="the storage policy"),
    Column("priority", "NO", True, help="the order in which its volumes are filled"),
    Column("volume", "VOLUME", max_width=28, help="the volume"),
    Column("disks", "DISKS", max_width=40, help="its disks"),
    Column("move_factor", "MOVE FACTOR", True, help="parts move on when less than this share of a disk is unreserved"),
    Column("max_data_part_bytes", "MAX PART", True, help="the largest part that is written there"),
    Column("prefer_not_to_merge", "MERGES", help="whether parts there are merged (prefer_not_to_merge)"),
    Column("perform_ttl_move_on_insert", "TTL ON INSERT", help="whether rows whose TTL has passed are inserted there at once"),
    Column("hosts", "HOSTS", max_width=60, help="the hosts that have it like this"),
)  # fmt: skip


def policy_rows(snapshot: Snapshot, _subject: Subject, facts: Sequence[PolicyFact]) -> tuple[Row, ...]:
    """Return a row for each volume."""
    return tuple(
        Row(
            f"{fact.policy} {fact.volume} {fact.hosts[0]}",
            (
                cell(fact.policy),
                number(fact.priority, lambda value: f"{value:.0f}"),
                cell(fact.volume, "accent"),
                cell(", ".join(fact.disks)),
                number(fact.move_factor, lambda value: "-" if value is None else f"{value:g}"),
                number(
                    fact.max_data_part_bytes, lambda value: "any" if value is None else format_bytes(value)
                ),
                _switch(fact.prefer_not_to_merge, "avoided", "yes"),
                _switch(fact.perform_ttl_move_on_insert, "yes", "no"),
                _hosts(fact, len(snapshot.hosts)),
            ),
        )
        for fact in facts
    )


def _switch(value: bool | None, yes: str, no: str) -> Cell:
    return Cell("-", "muted") if value is None else Cell(yes if value else no, "", int(value))


def _hosts(fact: PolicyFact, everywhere: int) -> Cell:
    if fact.differs:
        return cell(f"only {', '.join(fact.hosts)}", "warning")
    return cell("all" if len(fact.hosts) == everywhere else ", ".join(fact.hosts), "muted")


POLICIES = Part(
    "policies",
    "policies",
    PolicyFact,
    POLICY_COLUMNS,
    lambda _: (Want("storage_policies"),),
    policy_facts,
    policy_rows,
    {},
    empty="no storage policies",
    frozen=1,
)
