"""The queries pane: what runs, how long queries take, what became slower, what was slow, what failed; and one query."""

from __future__ import annotations

from chtui.views.pages import Page
from chtui.views.queries.detail import SUMMARY, query_heading
from chtui.views.queries.explain import EXPLAIN
from chtui.views.queries.latency import LATENCY, LATENCY_HOSTS
from chtui.views.queries.log import FAILED, RUNS, SLOW, TREND, pattern_heading
from chtui.views.queries.patterns import PATTERNS
from chtui.views.queries.running import RUNNING, kill_by_predicate
from chtui.views.queries.texts import EVENTS, PARTS, SETTINGS, SQL

__all__ = ["PAGES", "kill_by_predicate"]

PAGES = (
    Page("queries", (RUNNING, LATENCY, LATENCY_HOSTS, PATTERNS, SLOW, FAILED)),
    Page("query", (SUMMARY, SQL, SETTINGS, EVENTS, PARTS, EXPLAIN), ("query_id",), query_heading),
    Page("query_pattern", (RUNS, TREND), ("normalized_query_hash",), pattern_heading),
)
