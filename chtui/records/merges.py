"""Records of merges, mutations, background pools and parts."""

from __future__ import annotations

from typing import NamedTuple


class Merge(NamedTuple):
    """A row of `system.merges`: a merge, or a part being mutated."""

    database: str
    table: str
    result_part_name: str
    partition_id: str | None
    num_parts: int
    is_mutation: bool | None
    merge_type: str | None
    elapsed_seconds: float
    progress_ratio: float
    total_size_bytes: int
    rows_read: int
    rows_written: int
    bytes_written: int
    memory_bytes: int


class Mutation(NamedTuple):
    """A row of `system.mutations` that is not done, on one host."""

    database: str
    table: str
    mutation_id: str
    command: str
    age_seconds: int
    parts_to_do: int
    parts_in_progress: int | None
    is_killed: bool | None
    latest_failed_part: str | None
    latest_fail_age_seconds: int | None
    latest_fail_reason: str | None
    """Empty if no part has failed."""
    postpone_reason: str | None
    """Why parts are not mutated now, in the server's words; empty if it has none."""


class MutationEntries(NamedTuple):
    """The parts of one Replicated table on one host that wait in the replication queue to be mutated."""

    database: str
    table: str
    entries: int
    executing: int
    failing: int
    tries: int
    """Of the entry that was tried most often."""
    entry_exception: str
    """What one of them failed with; empty if none has."""
    failed_part: str
    entry_postpone_reason: str


class PoolGauge(NamedTuple):
    """A gauge of a background pool: tasks in it, or how many it takes at most."""

    name: str
    value: int


class PoolSetting(NamedTuple):
    """A setting of the background pools: a size, a ratio, or how many free entries something asks for."""

    name: str
    value: float


class CrowdedPartition(NamedTuple):
    """A partition with many active parts on one host."""

    database: str
    table: str
    partition_id: str
    parts: int
    bytes_on_disk: int
    table_parts: int
    """Active parts of the whole table."""


class PartLimits(NamedTuple):
    """How many parts delay and refuse inserts: a default of the server, or what a table has set for itself."""

    kind: str
    """`defaults` or `own`."""
    database: str
    table: str
    is_replicated: bool
    parts_to_delay: int | None
    """None: not set by the table. 0: no limit."""
    parts_to_throw: int | None
    max_table_parts: int | None
    exempt_part_bytes: int | None


class PartMinute(NamedTuple):
    """What became of parts on one host within one minute, by kind of event."""

    minutes_ago: int
    """0 is the minute before the answer."""
    event: str
    """`new`, `merge`, `download`, `remove`, `mutate` or `move`."""
    parts: int
    source_parts: int
    """Parts that merges took in."""
    rows: int
    bytes: int
    duration_seconds: float
    errors: int


class PartTable(NamedTuple):
    """What became of the parts of one table on one host within the last hour."""

    database: str
    table: str
    new_parts: int
    new_rows: int
    new_bytes: int
    merges: int
    merged_parts: int
    merged_rows: int
    merged_bytes: int
    merge_seconds: float
    mutated_parts: int
    mutation_seconds: float
    downloaded_parts: int
    downloaded_bytes: int
    removed_parts: int
    errors: int
    last_error_part: str
    last_error: str
