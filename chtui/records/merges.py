"""Records of merges, mutations and background pools."""

from __future__ import annotations

from typing import NamedTuple


class Merge(NamedTuple):
    """A row of `system.merges`: a merge, or a part being mutated."""

    database: str
    table: str
    result_part_name: str
    partition_id: str | None
    num_parts: int
    is_mutation: bool
    merge_type: str | None
    elapsed_seconds: float
    progress_ratio: float
    total_size_bytes: int
    rows_read: int
    rows_written: int
    bytes_written: int
    memory_bytes: int
