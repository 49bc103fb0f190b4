"""What planning a migration costs."""

from __future__ import annotations

import time

from chtui.migrate.layout import HOUR_SECONDS, Hour, cut

CHUNKS = 10_000
BOUND_SECONDS = 2.0


def test_ten_thousand_chunks_are_planned_at_once() -> None:
    hours = [Hour(str(hour // 24), hour * HOUR_SECONDS, str(hour // 24), 100) for hour in range(CHUNKS)]
    began = time.perf_counter()
    groups = cut("logs", {"logs": hours}, {"logs": {}}, 100)
    seconds = time.perf_counter() - began
    print(f"\nplanning {CHUNKS} chunks: {seconds:.3f} s (bound {BOUND_SECONDS:.0f} s)")
    assert sum(len(group.slices) for group in groups) == CHUNKS
    assert seconds < BOUND_SECONDS
