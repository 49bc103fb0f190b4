"""Records of tables, their columns, partitions, parts and what they grow by."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple


class TableEngine(NamedTuple):
    """A table of one host, and its engine."""

    database: str
    table: str
    engine: str


class TableParts(NamedTuple):
    """The active parts of one table on one host."""

    database: str
    table: str
    partitions: int
    active_parts: int
    rows: int
    bytes_on_disk: int
    compressed_bytes: int
    uncompressed_bytes: int
    primary_key_memory_bytes: int
    largest_partition_id: str
    largest_partition_bytes: int


class TableGrowth(NamedTuple):
    """What inserts wrote to one table on one host, from `system.part_log`."""

    database: str
    table: str
    rows_last_hour: int
    rows_last_day: int
    bytes_last_hour: int
    bytes_last_day: int
    oldest_insert_seconds: int
    """Age of the oldest insert within the day."""


class TableColumn(NamedTuple):
    """A column of one table on one host; bytes are those of wide parts."""

    name: str
    type: str
    codec: str | None
    default_kind: str
    default_expression: str
    compressed_bytes: int
    uncompressed_bytes: int
    is_in_partition_key: bool
    is_in_sorting_key: bool
    is_in_primary_key: bool
    is_in_sampling_key: bool


class TablePartition(NamedTuple):
    """A partition of one table on one host."""

    partition_id: str
    partition: str
    active_parts: int
    rows: int
    bytes_on_disk: int
    compressed_bytes: int
    uncompressed_bytes: int
    min_date: str
    max_date: str
    min_time: datetime
    max_time: datetime
    oldest_part_seconds: int
    newest_part_seconds: int
    disks: str | None


class PartitionPart(NamedTuple):
    """A part of one partition on one host."""

    name: str
    active: bool
    rows: int
    bytes_on_disk: int
    compressed_bytes: int
    uncompressed_bytes: int
    level: int
    data_version: int
    refcount: int
    age_seconds: int
    disk: str | None
    part_type: str | None


class TableReplica(NamedTuple):
    """What a Replicated table says of its replica on one host; cheap columns of `system.replicas` only."""

    zookeeper_path: str
    replica_name: str
    is_readonly: bool
    is_session_expired: bool
    absolute_delay_seconds: int
    queue_entries: int


class TableDefinition(NamedTuple):
    """The statement that makes a table, as one host has it."""

    engine: str
    create_table_query: str


class DetachedPart(NamedTuple):
    """A detached part of one host."""

    database: str
    table: str
    partition_id: str
    name: str
    reason: str
    disk: str | None
    bytes_on_disk: int | None
    age_seconds: int | None
