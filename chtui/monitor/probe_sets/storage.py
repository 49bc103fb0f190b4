"""Probes of policies, disks, volumes, moves and TTL."""

from __future__ import annotations

from chtui.monitor.probe import Probe
from chtui.records import storage

TABLE_ROWS = 5000
"""At most so many tables and disks, tables or rules of TTL of one host are listed; the largest."""
MOVE_ROWS = 500
"""At most so many moves of one host are listed, of those under way and of those that ended."""

PROBES: tuple[Probe, ...] = (
    Probe("storage_disks", storage.StorageDisk, "disks", 10.0),
    Probe("storage_policies", storage.StorageVolume, "disks", 5.0),
    Probe("storage_disk_parts", storage.DiskParts, "parts", 10.0),
    Probe("storage_detached", storage.DetachedOnDisk, "detached", 20.0),
    Probe("storage_growth", storage.DiskGrowth, "logs", 10.0),
    Probe("storage_table_parts", storage.TableOnDisk, "parts", 10.0, max_rows=TABLE_ROWS),
    Probe("storage_table_policies", storage.TablePolicy, "tables", 10.0, max_rows=TABLE_ROWS),
    Probe("storage_moves", storage.MoveUnderWay, "merges", 5.0, max_rows=MOVE_ROWS),
    Probe("storage_move_log", storage.LoggedMove, "logs", 10.0, max_rows=MOVE_ROWS),
    Probe("storage_no_space", storage.NoSpace, "logs", 10.0, max_rows=MOVE_ROWS),
    # A table's rules change seldom, and formatting its definition is what costs most here: asked with the detached parts.
    Probe("storage_ttl_rules", storage.TtlRules, "detached", 20.0, max_rows=TABLE_ROWS),
    Probe("storage_ttl", storage.TtlSums, "parts", 10.0, max_rows=TABLE_ROWS),
)
