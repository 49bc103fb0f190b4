"""Durations in buckets: merging those of several hosts, and the percentiles of the merged. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

BUCKET_RATIO = 1.05
"""How much longer the durations of a bucket are than those of the one before; as in `monitor/query_latency`."""
NO_TIME_BUCKET = -1
"""The bucket of durations under 1 ms, which the log tells as 0."""

R = TypeVar("R")
T = TypeVar("T")
Rows = tuple[Any, ...]


class Tally(NamedTuple):
    """Queries of one sort, of all hosts."""

    finished: int
    failed: int
    total_seconds: float
    """Of those that finished."""
    max_seconds: float
    durations: Mapping[int, int]
    """Bucket to how many finished in it."""

    @property
    def queries(self) -> int:
        """How many ended."""
        return self.finished + self.failed

    @property
    def failed_ratio(self) -> float | None:
        """The share that failed; None where none ended."""
        return self.failed / self.queries if self.queries else None

    @property
    def avg_seconds(self) -> float | None:
        """The mean duration of those that finished; None where none did."""
        return self.total_seconds / self.finished if self.finished else None

    def percentile(self, level: float) -> float | None:
        """Return the duration in seconds that this share of those that finished did not exceed; see `percentile`."""
        return percentile(self.durations, level)


def tally(rows: Iterable[Any]) -> Tally:
    """Return the sum of records with the fields of `KindLatency`, `QueryPattern` or `PatternStep`."""
    finished = failed = 0
    total = longest = 0.0
    durations: Counter[int] = Counter()
    for row in rows:
        finished += row.finished
        failed += row.failed
        total += row.total_seconds
        longest = max(longest, getattr(row, "max_seconds", 0.0))
        add(durations, row.buckets, row.counts)
    return Tally(finished, failed, total, longest, durations)


def add(durations: Counter[int], buckets: Sequence[int], counts: Sequence[int]) -> None:
    """Add one host's buckets to `durations`."""
    for bucket, count in zip(buckets, counts, strict=True):
        durations[bucket] += count


def percentile(durations: Mapping[int, int], level: float) -> float | None:
    """Return a percentile in seconds, within 2.5 % of the exact one of whole milliseconds; None of nothing.

    The rank is the server's own (`quantileExact`): of n sorted durations the one at level * n, counted from 0.
    """
    total = sum(durations.values())
    if not total:
        return None
    left = min(total - 1, int(level * total))
    for bucket in sorted(durations):
        left -= durations[bucket]
        if left < 0:
            return middle_seconds(bucket)
    raise AssertionError("unreachable")


def middle_seconds(bucket: int) -> float:
    """Return the geometric middle of a bucket's durations."""
    return 0.0 if bucket == NO_TIME_BUCKET else BUCKET_RATIO ** (bucket + 0.5) / 1000


def remembered(compute: Callable[[tuple[R, ...]], T]) -> Callable[[tuple[R, ...]], T]:
    """Return `compute`, which is done anew only when it is given other rows.

    Views are built every second, samples of the log come once a minute; rows of a sample are never changed.
    """
    last: list[tuple[tuple[R, ...], T]] = []

    def recall(given: tuple[R, ...]) -> T:
        known = last[:]
        if known and len(known[0][0]) == len(given):
            before, value = known[0]
            if all(one is other for one, other in zip(before, given, strict=True)):
                return value
        value = compute(given)
        last[:] = [(given, value)]
        return value

    return recall
