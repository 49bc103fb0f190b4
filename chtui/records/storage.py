"""Records of disks, volumes, moves and TTL."""

from __future__ import annotations

from typing import NamedTuple


class StorageDisk(NamedTuple):
    """One disk of one host; what is kept free is in neither `free_bytes` nor `total_bytes`."""

    disk: str
    path: str
    type: str | None
    free_bytes: int
    total_bytes: int
    keep_free_bytes: int
    unreserved_bytes: int | None
    is_broken: bool | None
    is_read_only: bool | None


class StorageVolume(NamedTuple):
    """One volume of one storage policy."""

    policy: str
    volume: str
    priority: int
    disks: tuple[str, ...]
    max_data_part_bytes: int
    """The largest part that is written there, 0 for any."""
    move_factor: float
    """Parts move on to the next volume when less than this share of a disk is free."""
    prefer_not_to_merge: bool | None
    perform_ttl_move_on_insert: bool | None


class DiskParts(NamedTuple):
    """The parts of all tables on one disk."""

    disk: str
    active_parts: int
    active_bytes: int
    inactive_parts: int
    inactive_bytes: int


class DetachedOnDisk(NamedTuple):
    """The detached parts of all tables on one disk."""

    disk: str
    detached_parts: int
    detached_bytes: int | None


class DiskGrowth(NamedTuple):
    """What was written to one disk in the last 24 hours; the row of no disk is of events that name none."""

    disk: str
    first_event_seconds: int
    inserted_bytes: int
    fetched_bytes: int
    moved_bytes: int
    moved_seconds: float
    """The time the moves onto the disk took, added up."""


class TableOnDisk(NamedTuple):
    """The parts of one table on one disk."""

    database: str
    table: str
    disk: str
    active_parts: int
    rows: int
    active_bytes: int
    inactive_bytes: int
    oldest_data_seconds: int
    """The age of the oldest row by the partition key's date, -1 where the key holds none."""


class TablePolicy(NamedTuple):
    """The storage policy of a table that has another than the default one."""

    database: str
    table: str
    policy: str


class MoveUnderWay(NamedTuple):
    """A row of `system.moves`."""

    database: str
    table: str
    part_name: str
    target_disk: str
    size_bytes: int
    elapsed_seconds: float


class LoggedMove(NamedTuple):
    """A part that was moved, or the attempts to move it that failed alike, from `system.part_log`."""

    database: str
    table: str
    part_name: str
    target_disk: str
    """Empty where it failed."""
    error_code: int
    attempts: int
    first_seconds: int
    last_seconds: int
    rows: int
    size_bytes: int
    duration_seconds: float
    exception: str


class NoSpace(NamedTuple):
    """Like statements that failed for want of disk space, from `system.query_log`."""

    query_kind: str
    user: str
    query: str
    exception: str
    attempts: int
    first_seconds: int
    last_seconds: int


class TtlRules(NamedTuple):
    """A table's TTL clause, and the settings that say how it is carried out."""

    database: str
    table: str
    clause: str
    only_drop_parts: str
    """The table's own `ttl_only_drop_parts`, empty where it has the server's."""
    default_only_drop_parts: str
    merge_timeout: str
    """The table's own `merge_with_ttl_timeout`, empty where it has the server's."""
    default_merge_timeout: str


class TtlSums(NamedTuple):
    """What one rule of TTL does to a table's parts on one disk: sums now, in 1 hour, 6 hours, 1 day, 7 days."""

    database: str
    table: str
    disk: str
    kind: str
    """`delete`, `delete where`, `move`; `never delete`, `never move` and `never` for parts without such infos."""
    expression: str
    parts: int
    rows: int
    active_bytes: int
    whole_rows: tuple[int, ...]
    """Where a part goes when its last row expires."""
    whole_bytes: tuple[int, ...]
    whole_first_seconds: int
    """Until the first part goes, negative since then."""
    spread_rows: tuple[float, ...]
    """Where its rows go one by one, taken as evenly spread from first to last."""
    spread_bytes: tuple[float, ...]
    spread_first_seconds: int
