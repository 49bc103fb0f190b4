"""Rates per second out of two samples of counters that count since server start."""

from __future__ import annotations

from chtui.records import HostMetrics, Sample

RESTARTED = "the server restarted between the samples"
FIRST = "needs two samples"


def rate(sample: Sample | None, counter: str) -> tuple[float | None, str]:
    """Return a counter's increase per second between a sample and the one before, or None and why there is none."""
    if sample is None or not sample.rows or sample.taken_at is None:
        return None, sample.unavailable or sample.error if sample else FIRST
    previous = sample.previous
    if previous is None or not previous.rows or previous.taken_at is None:
        return None, FIRST
    now, before = sample.rows[0], previous.rows[0]
    if restarted(now, before):
        return None, RESTARTED
    seconds = (sample.taken_at - previous.taken_at).total_seconds()
    increase = getattr(now, counter) - getattr(before, counter)
    if seconds <= 0 or increase < 0:
        return None, RESTARTED if increase < 0 else FIRST
    return increase / seconds, ""


def restarted(now: HostMetrics, before: HostMetrics) -> bool:
    """Return whether the server started anew between two samples: its counters begin at zero again."""
    return now.uptime_seconds < before.uptime_seconds
