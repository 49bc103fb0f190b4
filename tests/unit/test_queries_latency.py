"""Latency by kind, host and minute; patterns against their baseline."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

import pytest

from chtui.records import HostId, Sample
from chtui.records.queries import KindLatency, KindPercentiles, PatternBefore, PatternText, QueryPattern
from chtui.text import format_seconds
from chtui.views import pages
from chtui.views.plot import draw
from chtui.views.queries.buckets import middle_seconds
from chtui.views.queries.latency import (
    LATENCY,
    LATENCY_HOSTS,
    HostLatencyFact,
    LatencyFact,
    failed_cell,
    latency_facts,
    latency_figures,
    latency_plot,
)
from chtui.views.queries.patterns import LEAST_SAMPLES, PATTERNS, PatternFact, pattern_facts, pattern_figures
from chtui.views.table import Link
from tests.unit.hand import HOSTILE, NOW, A, B, good, snapshot, status

MS_10, MS_20, MS_100, S_1 = 47, 61, 94, 141
"""Buckets that hold durations of 10, 20, 100 ms and 1 s."""


def minute(ago: int, kind: str = "Select", **values: Any) -> KindLatency:
    made = {
        "finished": 0,
        "failed": 0,
        "total_seconds": 0.0,
        "max_seconds": 0.0,
        "buckets": (),
        "counts": (),
        **values,
    }
    return KindLatency(ago, kind, **made)


def finished(ago: int, kind: str, bucket: int, count: int, seconds: float) -> KindLatency:
    return minute(
        ago,
        kind,
        finished=count,
        total_seconds=seconds * count,
        max_seconds=seconds,
        buckets=(bucket,),
        counts=(count,),
    )


def asked(probe: str, rows: dict[HostId, list[Any]]) -> Any:
    samples = {(host, probe): good(*found) for host, found in rows.items()}
    return snapshot(status(A), status(B), samples=samples)


def test_keys_of_the_json() -> None:
    assert [field.name for field in dataclasses.fields(LatencyFact)] == [
        "query_kind",
        "queries",
        "failed",
        "failed_ratio",
        "avg_seconds",
        "p50_seconds",
        "p95_seconds",
        "p99_seconds",
        "max_seconds",
        "total_seconds",
        "queries_1m",
        "p95_1m_seconds",
        "queries_5m",
        "p95_5m_seconds",
        "queries_15m",
        "p95_15m_seconds",
        "hosts",
    ]
    assert [field.name for field in dataclasses.fields(HostLatencyFact)] == [
        "host",
        "query_kind",
        "queries",
        "failed",
        "failed_ratio",
        "avg_seconds",
        "p50_seconds",
        "p95_seconds",
        "p99_seconds",
        "max_seconds",
        "total_seconds",
    ]
    assert [field.name for field in dataclasses.fields(PatternFact)] == [
        "normalized_query_hash",
        "query_kind",
        "queries",
        "failed",
        "failed_ratio",
        "avg_seconds",
        "p50_seconds",
        "p95_seconds",
        "total_seconds",
        "total_ratio",
        "max_memory_bytes",
        "read_rows",
        "baseline_queries",
        "baseline_p95_seconds",
        "regression_factor",
        "is_regression",
        "hosts",
        "query",
    ]


def test_percentiles_of_several_hosts_are_those_of_all_queries_together() -> None:
    # 94 quick ones on one host, 6 slow ones on the other: no mean of the hosts' percentiles gives this.
    found = asked(
        "query_latency",
        {
            A: [finished(3, "Select", MS_10, 94, 0.01)],
            B: [finished(40, "Select", S_1, 6, 1.0), minute(2, failed=4)],
        },
    )
    (fact,) = latency_facts(found, ())
    assert (fact.queries, fact.failed, fact.hosts) == (104, 4, 2)
    assert fact.failed_ratio == pytest.approx(4 / 104)
    assert fact.avg_seconds == pytest.approx((0.94 + 6) / 100)
    assert fact.p50_seconds == pytest.approx(0.01, rel=0.025)
    assert fact.p95_seconds == fact.p99_seconds == pytest.approx(1.0, rel=0.025)
    assert fact.max_seconds == 1.0
    assert fact.total_seconds == pytest.approx(6.94)


def test_windows_hold_what_ended_in_them() -> None:
    rows = [
        finished(ago, "Insert", bucket, 1, 0.0)
        for ago, bucket in ((0, MS_10), (4, MS_20), (14, MS_100), (59, S_1))
    ]
    (fact,) = latency_facts(asked("query_latency", {A: rows}), ())
    assert (fact.queries_1m, fact.queries_5m, fact.queries_15m, fact.queries) == (1, 2, 3, 4)
    assert fact.p95_1m_seconds == pytest.approx(0.010, rel=0.025)
    assert fact.p95_5m_seconds == pytest.approx(0.020, rel=0.025)
    assert fact.p95_15m_seconds == pytest.approx(0.100, rel=0.025)
    assert fact.p95_seconds == pytest.approx(1.0, rel=0.025)


def test_a_kind_that_only_failed_has_no_latency() -> None:
    found = asked(
        "query_latency",
        {
            A: [minute(1, "None", failed=3), finished(1, "Select", MS_10, 1, 0.01)],
            B: [minute(9, "", failed=1)],
        },
    )
    facts = latency_facts(found, ())
    assert [(fact.query_kind, fact.queries) for fact in facts] == [("", 4), ("Select", 1)]
    assert (facts[0].p95_seconds, facts[0].max_seconds, facts[0].avg_seconds, facts[0].hosts) == (
        None,
        None,
        None,
        2,
    )
    row = LATENCY.rows(found, (), facts)[0]
    assert [cell.text for cell in row.cells[:4]] == ["(not parsed)", "4", "100.0 %", "-"]
    assert row.cells[2].style == "critical"


def test_shares_of_failures() -> None:
    assert failed_cell(0.0, 0).text == "0.0 %"
    assert failed_cell(0.0001, 1).text == "<0.1 %"
    assert [failed_cell(ratio, 1).style for ratio in (0.009, 0.01, 0.05)] == ["", "warning", "critical"]


def test_figures_and_plot_are_of_all_kinds() -> None:
    found = asked(
        "query_latency",
        {
            A: [finished(0, "Select", MS_10, 30, 0.01), finished(59, "Insert", S_1, 30, 1.0)],
            B: [minute(0, failed=30)],
        },
    )
    figures = {figure.label: figure.value for figure in latency_figures(found, ())}
    assert figures["1 min: queries/s"] == "1.00"
    assert figures["1 min: failed"] == "50.0 %"
    assert figures["1 h: queries/s"] == "0.03"
    assert len(figures) == 12
    plot = latency_plot(found, ())
    assert plot is not None
    assert (plot.end, plot.end - plot.start) == (NOW, timedelta(hours=1))
    assert [series.name for series in plot.series] == ["p99", "p95", "p50"]
    values = plot.series[1].values
    assert len(values) == 60
    assert values[0] == pytest.approx(1.0, rel=0.025)
    assert values[-1] == pytest.approx(0.01, rel=0.025)
    assert set(values[1:-1]) == {None}
    lines = draw(plot, 80, 10)
    assert any(format_seconds(middle_seconds(S_1)) in piece.text for line in lines for piece in line)


def test_no_plot_of_nothing() -> None:
    assert latency_plot(asked("query_latency", {A: [], B: []}), ()) is None
    assert latency_plot(asked("query_latency", {A: [minute(0, failed=1)]}), ()) is None
    assert latency_plot(snapshot(status(A)), ()) is None
    assert latency_facts(snapshot(status(A)), ()) == ()


def test_an_empty_log_and_a_missing_one_are_two_things() -> None:
    empty = pages.table(LATENCY, asked("query_latency", {A: [], B: []}), ())
    assert empty.empty.startswith("the logs have no query that ended within the last hour")
    reason = "this server has no system.query_log, or this user may not see it"
    missing = snapshot(status(A), samples={(A, "query_latency"): Sample(unavailable=reason)})
    assert pages.table(LATENCY, missing, ()).empty == f"not known: {reason}"
    assert pages.unavailable(LATENCY, missing, ()) == {"*": reason}


def test_hosts_have_their_own_percentiles() -> None:
    found = asked(
        "query_percentiles",
        {
            A: [KindPercentiles("Select", 10, 0, 1.0, 0.1, 0.2, 0.3, 0.4)],
            B: [
                KindPercentiles("Select", 3, 1, 1.5, 0.5, 0.6, 0.7, 0.8),
                KindPercentiles("None", 0, 2, 0.0, 0.0, 0.0, 0.0, 0.0),
            ],
        },
    )
    facts = LATENCY_HOSTS.facts(found, ())
    assert [(fact.host, fact.query_kind, fact.p95_seconds) for fact in facts] == [
        (str(B), "Select", 0.6),
        (str(A), "Select", 0.2),
        (str(B), "", None),
    ]
    assert (facts[0].avg_seconds, facts[0].failed_ratio, facts[2].failed_ratio) == (0.5, 0.25, 1.0)
    rows = LATENCY_HOSTS.rows(found, (), facts)
    assert [cell.text for cell in rows[1].cells] == [
        str(A),
        "Select",
        "10",
        "0.0 %",
        "100ms",
        "100ms",
        "200ms",
        "300ms",
        "400ms",
        "1s",
    ]


# Patterns


def pattern(name: str, bucket: int, count: int, failed: int = 0, **values: Any) -> QueryPattern:
    made = {"query_kind": "Select", "total_seconds": 1.0, "max_memory_bytes": 5, "read_rows": 7, **values}
    return QueryPattern(name, finished=count, failed=failed, buckets=(bucket,), counts=(count,), **made)


def patterns(
    now: dict[HostId, list[QueryPattern]],
    before: dict[HostId, list[PatternBefore]] | None,
    texts: list[PatternText],
) -> Any:
    samples = {(host, "query_patterns"): good(*rows) for host, rows in now.items()}
    samples |= {(host, "query_patterns_before"): good(*rows) for host, rows in (before or {}).items()}
    samples[A, "query_pattern_texts"] = good(*texts)
    return snapshot(status(A), status(B), samples=samples)


def test_a_pattern_that_became_slower() -> None:
    found = patterns(
        {
            A: [pattern("1", MS_100, 15, total_seconds=2.0)],
            B: [pattern("1", MS_100, 5, 5, max_memory_bytes=9), pattern("2", MS_10, 50)],
        },
        {
            A: [PatternBefore("1", 12, (MS_20,), (12,))],
            B: [PatternBefore("1", 8, (MS_20,), (8,)), PatternBefore("2", 99, (MS_10,), (99,))],
        },
        [PatternText("1", "SELECT 1")],
    )
    slower, same = pattern_facts(found, ())
    assert (slower.normalized_query_hash, slower.queries, slower.failed, slower.hosts) == ("1", 25, 5, 2)
    assert (slower.baseline_queries, slower.is_regression, slower.query) == (20, True, "SELECT 1")
    assert slower.regression_factor == pytest.approx(5, rel=0.05)
    assert (slower.max_memory_bytes, slower.read_rows, slower.total_ratio) == (9, 14, 0.75)
    assert (same.regression_factor, same.is_regression, same.query) == (1.0, False, None)
    first, second = PATTERNS.rows(found, (), (slower, same))
    assert [cell.text for cell in first.cells][4] == "SLOWER 5.0x"
    assert first.link == Link("query_pattern", ("1",))
    assert second.cells[0].text == "not asked yet"
    figures = {figure.label: (figure.value, figure.style) for figure in pattern_figures(found, ())}
    assert figures["slower than before"] == ("1", "warning")


@pytest.mark.parametrize(
    ("now", "before", "has_factor", "is_regression"),
    [
        ((MS_100, LEAST_SAMPLES), (MS_20, LEAST_SAMPLES), True, True),
        ((MS_100, LEAST_SAMPLES - 1), (MS_20, LEAST_SAMPLES), False, False),
        ((MS_100, LEAST_SAMPLES), (MS_20, LEAST_SAMPLES - 1), False, False),
        ((14, LEAST_SAMPLES), (0, LEAST_SAMPLES), True, False),  # 1 ms to 2 ms
        ((MS_20, LEAST_SAMPLES), (-1, LEAST_SAMPLES), False, False),  # from under 1 ms: no ratio
        ((MS_20, LEAST_SAMPLES), (MS_100, LEAST_SAMPLES), True, False),
    ],
)
def test_a_regression_needs_enough_of_both(
    now: tuple[int, int], before: tuple[int, int], has_factor: bool, is_regression: bool
) -> None:
    found = patterns(
        {A: [pattern("1", *now)]}, {A: [PatternBefore("1", before[1], (before[0],), (before[1],))]}, []
    )
    (fact,) = pattern_facts(found, ())
    assert (fact.regression_factor is not None, fact.is_regression) == (has_factor, is_regression)


def test_new_and_unknown_are_two_things() -> None:
    (new,) = pattern_facts(patterns({A: [pattern("1", MS_10, 1)]}, {A: []}, []), ())
    assert (new.baseline_queries, new.baseline_p95_seconds) == (0, None)
    (unknown,) = pattern_facts(patterns({A: [pattern("1", MS_10, 1)]}, None, []), ())
    assert unknown.baseline_queries is None


def test_hostile_patterns_are_drawn_inert() -> None:
    rows = [pattern(text, MS_10, 1, query_kind=text) for text in HOSTILE]
    found = patterns({A: rows}, None, [PatternText(text, text) for text in HOSTILE])
    drawn = PATTERNS.rows(found, (), pattern_facts(found, ()))
    assert len(drawn) == len(HOSTILE)
    assert all(cell.text.isprintable() for row in drawn for cell in row.cells)
