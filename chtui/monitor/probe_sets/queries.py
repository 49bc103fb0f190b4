"""Probes of running queries and the query log."""

from __future__ import annotations

from types import MappingProxyType

from chtui.monitor.probe import Params, Probe
from chtui.records import queries

RUNNING_ROWS = 1000
"""At most so many running queries of one host are listed."""
PATTERN_ROWS = 500
"""At most so many patterns of one host are listed, those that took most time."""
BASELINE_ROWS = 2000
"""At most so many patterns of one host have something to be compared with, the most frequent."""
ENDED_ROWS = 100
"""At most so many slow or failed queries of one host are listed; newer servers read texts only of these."""
DETAIL_ROWS = 200
"""At most so many rows tell of one query and its parts on one host."""
RECENT: Params = MappingProxyType({"oldest_seconds": 7200, "newest_seconds": 0})
DAY_BEFORE: Params = MappingProxyType({"oldest_seconds": 93_600, "newest_seconds": 7200})
"""Two spans of the log: what is read again and again, and what is read once."""

PROBES: tuple[Probe, ...] = (
    Probe("running_queries", queries.RunningQuery, "queries", 3.0, max_rows=RUNNING_ROWS, counts=True),
    Probe("query_latency", queries.KindLatency, "logs", 10.0, fallback="query_latency_by_word"),
    Probe("query_percentiles", queries.KindPercentiles, "logs", 10.0, fallback="query_percentiles_by_word"),
    Probe("query_patterns", queries.QueryPattern, "logs", 10.0, max_rows=PATTERN_ROWS),
    Probe("query_patterns_before", queries.PatternBefore, "once", 20.0, max_rows=BASELINE_ROWS),
    Probe("query_pattern_texts", queries.PatternText, "once", 20.0, max_rows=BASELINE_ROWS),
    Probe("slow_queries", queries.EndedQuery, "logs", 10.0, max_rows=ENDED_ROWS),
    Probe("failed_queries", queries.EndedQuery, "logs", 10.0, max_rows=ENDED_ROWS),
    Probe("query_processes", queries.QueryProcess, "queries", 3.0, max_rows=DETAIL_ROWS),
    Probe("query_logged", queries.LoggedQuery, "logs", 10.0, max_rows=DETAIL_ROWS, params=lambda _: RECENT),
    Probe(
        "query_logged_day",
        queries.LoggedQuery,
        "once",
        20.0,
        max_rows=DETAIL_ROWS,
        params=lambda _: DAY_BEFORE,
        file="query_logged",
    ),
    Probe("query_text", queries.QueryText, "once", 20.0, fallback="query_text_as_sent"),
    Probe("query_explain", queries.ExplainLine, "once", 15.0, text_from="query_explainable"),
    Probe("query_pattern_trend", queries.PatternStep, "once", 20.0),
    Probe("query_pattern_runs", queries.EndedQuery, "logs", 10.0, max_rows=ENDED_ROWS),
)
