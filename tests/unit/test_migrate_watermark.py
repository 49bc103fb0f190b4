"""Watermarks, and which partitions live rows cannot reach."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chtui.errors import MigrateError
from chtui.migrate import spec_file
from chtui.migrate.layout import Group, Slice
from chtui.migrate.live import watermark
from chtui.migrate.spec import Limits

HOUR = 3600
AT_NS = 100 * HOUR * watermark.NANOSECONDS


def group(partition_id: str, *hours: int) -> Group:
    slices = tuple(Slice("v1", hour * HOUR, (hour + 1) * HOUR, 1, ("p",), is_shared=False) for hour in hours)
    return Group("t", partition_id, len(hours), 1, slices)


@pytest.mark.parametrize(
    ("seconds", "after", "align", "wanted"),
    [(1000.0, 0, 60, 1020), (1020.0, 0, 60, 1020), (1000.5, 120, 3600, 3600), (1000.2, 1, 1, 1002)],
)
def test_a_watermark_is_late_enough_and_aligned(
    seconds: float, after: float, align: int, wanted: int
) -> None:
    limits = replace(Limits(), watermark_after_seconds=after, watermark_align_seconds=align)
    assert watermark.after(seconds, limits) == wanted * watermark.NANOSECONDS


def test_a_partition_is_closed_where_no_live_row_can_come() -> None:
    assert watermark.is_closed(group("1", 98, 99), AT_NS, "2")
    assert not watermark.is_closed(group("2", 98, 99), AT_NS, "2"), "the watermark's own"
    assert not watermark.is_closed(group("3", 100), AT_NS, "2"), "of after it: rows from the future"
    assert not watermark.is_closed(group("1", 1, 100), AT_NS, "2")
    assert not watermark.is_closed(group("1", 99), AT_NS - 1, "2"), "the hour is cut in two"
    assert watermark.is_closed(group("3", 100), None, ""), "v1 is still"


def test_a_partition_key_is_computed_from_the_columns_it_needs() -> None:
    logs = next(table for table in spec_file.shipped("otel_v2").tables if table.name == "logs")
    time, date = watermark.given(logs, AT_NS)
    assert time == "CAST((fromUnixTimestamp64Nano(toInt64(360000000000000))), 'DateTime64(9)') AS `Timestamp`"
    assert date.endswith("AS `Date`")


def test_a_partition_key_of_more_than_the_time_is_refused() -> None:
    logs = next(table for table in spec_file.shipped("otel_v2").tables if table.name == "logs")
    wrong = replace(logs, partition_by="(ServiceName, toDate(Timestamp))")
    with pytest.raises(MigrateError, match="needs ServiceName"):
        watermark.given(wrong, AT_NS)
