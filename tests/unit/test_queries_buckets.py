"""Durations in buckets: their percentiles, and what is computed once."""

from __future__ import annotations

import math
import random
from collections import Counter
from typing import NamedTuple

import pytest

from chtui import sql
from chtui.views.queries.buckets import BUCKET_RATIO, middle_seconds, percentile, remembered, tally


class Buckets(NamedTuple):
    finished: int
    failed: int
    total_seconds: float
    max_seconds: float
    buckets: tuple[int, ...]
    counts: tuple[int, ...]


def bucket(milliseconds: int) -> int:
    return -1 if milliseconds == 0 else math.floor(math.log(milliseconds) / math.log(BUCKET_RATIO))


def exact(milliseconds: list[int], level: float) -> float:
    """As quantileExact has it."""
    return sorted(milliseconds)[min(len(milliseconds) - 1, int(level * len(milliseconds)))] / 1000


@pytest.mark.parametrize("level", [0.5, 0.95, 0.99])
@pytest.mark.parametrize("spread", [0.1, 1.0, 2.5])
def test_percentiles_are_within_the_buckets_bound(level: float, spread: float) -> None:
    chosen = random.Random(spread)
    for count in (1, 2, 19, 20, 1000):
        times = [int(chosen.lognormvariate(4, spread)) for _ in range(count)]
        found = percentile(Counter(map(bucket, times)), level)
        assert found is not None
        assert found == pytest.approx(exact(times, level), rel=0.025)


def test_every_duration_is_within_half_a_bucket_of_its_middle() -> None:
    assert middle_seconds(bucket(0)) == 0.0
    for milliseconds in (*range(1, 3000), 10**5, 86_400_000):
        middle = middle_seconds(bucket(milliseconds)) * 1000
        assert 1 / BUCKET_RATIO < middle / milliseconds < BUCKET_RATIO


def test_nothing_has_no_percentile() -> None:
    assert percentile({}, 0.5) is None
    empty = tally(())
    assert (empty.queries, empty.failed_ratio, empty.avg_seconds, empty.percentile(0.95)) == (
        0,
        None,
        None,
        None,
    )


def test_hosts_add_up() -> None:
    rows = (Buckets(3, 1, 0.3, 0.2, (10, 5), (1, 2)), Buckets(2, 0, 1.7, 1.5, (5, 80), (1, 1)))
    found = tally(rows)
    assert (found.finished, found.failed, found.queries, found.max_seconds) == (5, 1, 6, 1.5)
    assert found.durations == {5: 3, 10: 1, 80: 1}
    assert found.avg_seconds == pytest.approx(0.4)
    assert found.failed_ratio == pytest.approx(1 / 6)


def test_the_sum_is_made_anew_only_for_other_rows() -> None:
    asked: list[int] = []

    def lengths(given: tuple[tuple[int, ...], ...]) -> int:
        asked.append(len(given))
        return sum(len(rows) for rows in given)

    summed = remembered(lengths)
    one, two = (1, 2), (3,)
    assert summed((one, two)) == summed((one, two)) == 3
    assert asked == [2]
    assert summed((one, (3, 4))) == 4
    assert summed((one,)) == 2
    assert summed(()) == summed(()) == 0
    assert len(asked) == 4


def test_the_statements_use_this_ratio() -> None:
    for name in (
        "query_latency",
        "query_latency_by_word",
        "query_patterns",
        "query_patterns_before",
        "query_pattern_trend",
    ):
        assert f"log({BUCKET_RATIO})" in sql.load(f"monitor/{name}").text, name
