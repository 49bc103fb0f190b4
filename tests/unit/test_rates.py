"""Rates out of counters."""

from __future__ import annotations

import pytest

from chtui.monitor.rates import rate
from chtui.records import HostMetrics, Sample
from tests.unit.hand import blank, good


def metrics(uptime: int, rows: int) -> HostMetrics:
    return blank(HostMetrics, uptime_seconds=uptime, inserted_rows_total=rows)


def pair(before: HostMetrics, now: HostMetrics, seconds: float = 10.0) -> Sample:
    return good(now, previous=good(before, age=seconds))


@pytest.mark.parametrize(
    ("sample", "found"),
    [
        (pair(metrics(100, 5_000), metrics(110, 6_000)), (100.0, "")),
        (pair(metrics(100, 5_000), metrics(110, 5_000)), (0.0, "")),
        (pair(metrics(100, 5), metrics(105, 6), seconds=4.0), (0.25, "")),
        (None, (None, "needs two samples")),
        (good(metrics(100, 1)), (None, "needs two samples")),
        (good(metrics(100, 1), previous=Sample()), (None, "needs two samples")),
        (pair(metrics(100, 5_000), metrics(3, 10)), (None, "the server restarted between the samples")),
        (pair(metrics(100, 10), metrics(3, 5_000)), (None, "the server restarted between the samples")),
        (pair(metrics(5, 10), metrics(6, 4)), (None, "the server restarted between the samples")),
        (pair(metrics(5, 10), metrics(5, 10), seconds=0.0), (None, "needs two samples")),
        (Sample(unavailable="too old"), (None, "too old")),
        (Sample(error="hung"), (None, "hung")),
    ],
)
def test_rates(sample: Sample | None, found: tuple[float | None, str]) -> None:
    assert rate(sample, "inserted_rows_total") == found
