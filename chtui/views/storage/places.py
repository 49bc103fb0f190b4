"""Which volume a disk is in, as one host's policies say; shared by the parts of the storage pane. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from chtui.monitor.snapshot import Snapshot
from chtui.records import HostId
from chtui.records.storage import DiskGrowth, StorageDisk, StorageVolume

DEFAULT_POLICY = "default"
"""The policy of tables that name none."""
UNLIMITED_BYTES = 2**60
"""A disk that says it is larger has no size of its own: object storage reports the largest number there is."""
GROWTH_SPAN_SECONDS = 600
"""A shorter part_log says nothing about a day. Source: chtui's choice."""
DAY_SECONDS = 86400


class Place(NamedTuple):
    """A volume that a disk belongs to."""

    policy: str
    volume: str
    priority: int
    move_factor: float
    is_last: bool
    """Whether no volume comes after it: nothing moves on from there."""


@dataclass(frozen=True, slots=True)
class Places:
    """One host's disks, volumes and policies."""

    volumes: tuple[StorageVolume, ...]
    disks: dict[str, StorageDisk]
    policies: dict[tuple[str, str], str]
    """Table to policy, for those that have another than the default one."""

    def policy(self, database: str, table: str) -> str:
        """Return a table's policy."""
        return self.policies.get((database, table), DEFAULT_POLICY)

    def of_disk(self, disk: str) -> tuple[Place, ...]:
        """Return the volumes a disk is in, by policy and priority."""
        last = {volume.policy: volume.priority for volume in self.volumes}
        return tuple(
            Place(
                volume.policy,
                volume.volume,
                volume.priority,
                volume.move_factor,
                volume.priority == last[volume.policy],
            )
            for volume in self.volumes
            if disk in volume.disks
        )

    def volume(self, policy: str, disk: str) -> tuple[str, int]:
        """Return name and priority of a policy's volume that a disk is in; the disk's own name and 0 where none is known."""
        for volume in self.volumes:
            if volume.policy == policy and disk in volume.disks:
                return volume.volume, volume.priority
        return disk, 0

    def disks_of(self, policy: str, volume: str) -> tuple[StorageDisk, ...]:
        """Return the disks of a volume, as far as they are known."""
        names = next(
            (found.disks for found in self.volumes if (found.policy, found.volume) == (policy, volume)), ()
        )
        return tuple(self.disks[name] for name in names if name in self.disks)


def places(snapshot: Snapshot, host: HostId) -> Places:
    """Return what a host's samples say about its disks, volumes and policies."""
    volumes: Iterable[StorageVolume] = snapshot.rows(host, "storage_policies")
    return Places(
        tuple(sorted(volumes, key=lambda volume: (volume.policy, volume.priority))),
        {disk.disk: disk for disk in snapshot.rows(host, "storage_disks")},
        {(row.database, row.table): row.policy for row in snapshot.rows(host, "storage_table_policies")},
    )


def has_size(disk: StorageDisk) -> bool:
    """Return whether a disk tells a size that it can fill."""
    return 0 < disk.total_bytes < UNLIMITED_BYTES


class Growth(NamedTuple):
    """What was written to a disk, by the host's part_log of the last 24 hours."""

    bytes_per_hour: float | None
    """Inserts and fetches; None where unknown."""
    moved_bytes_per_hour: float | None
    """Moves onto the disk."""
    reason: str
    """Why there is none, empty if there is one."""


def growth(snapshot: Snapshot, host: HostId, disks: Sequence[str]) -> Growth:
    """Return what is written to some disks of a host in an hour."""
    sample = snapshot.sample(host, "storage_growth")
    if sample is None or sample.taken_at is None:
        reason = (sample.unavailable or sample.error) if sample else ""
        return Growth(None, None, reason or "no answer yet")
    rows: Sequence[DiskGrowth] = sample.rows
    span = max((row.first_event_seconds for row in rows), default=0)
    if span < GROWTH_SPAN_SECONDS:
        return Growth(None, None, f"part_log reaches back only {span} s")
    hours = min(span, DAY_SECONDS) / 3600
    found = [row for row in rows if row.disk in disks]
    return Growth(
        sum(row.inserted_bytes + row.fetched_bytes for row in found) / hours,
        sum(row.moved_bytes for row in found) / hours,
        "",
    )
