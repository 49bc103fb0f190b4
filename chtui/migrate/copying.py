"""Under which settings rows are copied and aggregates computed: none drops a row, and none ends early."""

from __future__ import annotations

from collections.abc import Mapping

from chtui.fleet.literal import literal

COPYING: Mapping[str, int | str] = {
    # Content dedup drops rows that v1 really has twice; the attempt's own table is what makes a retry safe.
    "insert_deduplicate": 0,
    "deduplicate_insert_select": "disable",
    "async_insert": 0,
    "insert_null_as_default": 0,
    # Assertions: a slice lies in one partition.
    "max_partitions_per_insert_block": 1,
    # A profile's bounds would end the copy early, some of them with success.
    "max_execution_time": 0,
    "max_rows_to_read": 0,
    "max_bytes_to_read": 0,
    "max_result_rows": 0,
    "max_result_bytes": 0,
    "max_rows_in_distinct": 0,
    "max_bytes_in_distinct": 0,
    "timeout_overflow_mode": "throw",
    "read_overflow_mode": "throw",
    "result_overflow_mode": "throw",
    "distinct_overflow_mode": "throw",
    "limit": 0,
    "offset": 0,
}
COMPUTING: Mapping[str, int | str] = {
    **{name: value for name, value in COPYING.items() if name != "max_partitions_per_insert_block"},
    "max_rows_to_group_by": 0,
    "group_by_overflow_mode": "throw",
}


def settings_text(settings: Mapping[str, int | str]) -> str:
    """Return settings as a statement's SETTINGS clause has them."""
    return ", ".join(f"{name} = {literal(value)}" for name, value in settings.items())
