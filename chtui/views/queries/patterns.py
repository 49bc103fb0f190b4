"""Queries by their text without its values: what takes most time, and what has become slower."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.records import Sample
from chtui.records.queries import PatternBefore, QueryPattern
from chtui.text import format_bytes, format_count, format_percent, format_seconds, one_line
from chtui.views.pages import Part, Subject
from chtui.views.pieces import Figure
from chtui.views.queries.buckets import Rows, add, percentile, remembered, tally
from chtui.views.queries.latency import EMPTY, failed_cell, kind_cell
from chtui.views.queries.words import logged_kind
from chtui.views.table import Cell, Column, Link, Row, cell, number

REGRESSION_FACTOR = 2.0
"""A p95 so many times that of the day before is a regression. Source: peers.md 1, row 11."""
LEAST_SAMPLES = 20
"""Of fewer queries the p95 is no more than the longest: nothing is compared then."""
LEAST_SECONDS = 0.01
"""A shorter p95 is no regression: the log has whole milliseconds, and 1 ms to 2 ms is nobody's trouble."""


@dataclass(frozen=True, slots=True)
class PatternFact:
    """Initial queries of one pattern that ended within the last hour, of all hosts, against the day before."""

    normalized_query_hash: str
    query_kind: str
    queries: int
    failed: int
    failed_ratio: float
    avg_seconds: float | None
    p50_seconds: float | None
    """Percentiles are within 5 % of the exact ones."""
    p95_seconds: float | None
    total_seconds: float
    total_ratio: float | None
    """Its share of the time of all patterns listed."""
    max_memory_bytes: int
    """Of the query that used most on one host."""
    read_rows: int
    baseline_queries: int | None
    """Of the 24 hours before the last one; None while no host has told."""
    baseline_p95_seconds: float | None
    regression_factor: float | None
    """p95 now to p95 then; None where either has too few queries."""
    is_regression: bool
    hosts: int
    query: str | None
    """The first 500 characters of one of them; None while it is not known."""


def _summed(given: tuple[Rows | None, ...]) -> tuple[PatternFact, ...]:
    """Facts of the rows of all hosts: first their patterns, then their baselines, then their texts."""
    count = len(given) // 3
    now: dict[str, list[QueryPattern]] = {}
    for host in given[:count]:
        for row in host or ():
            now.setdefault(row.normalized_query_hash, []).append(row)
    before: dict[str, list[PatternBefore]] = {}
    for host in given[count : 2 * count]:
        for row in host or ():
            before.setdefault(row.normalized_query_hash, []).append(row)
    has_baseline = any(host is not None for host in given[count : 2 * count])
    texts = {row.normalized_query_hash: row.query for host in given[2 * count :] for row in host or ()}
    total = sum(row.total_seconds for rows in now.values() for row in rows)
    facts = [
        _fact(name, rows, before.get(name, []) if has_baseline else None, texts.get(name), total)
        for name, rows in now.items()
    ]
    return tuple(sorted(facts, key=lambda fact: (-fact.total_seconds, fact.normalized_query_hash)))


def _fact(
    name: str, rows: list[QueryPattern], before: list[PatternBefore] | None, text: str | None, total: float
) -> PatternFact:
    whole = tally(rows)
    baseline: Counter[int] = Counter()
    for row in before or ():
        add(baseline, row.buckets, row.counts)
    p95, p95_before = whole.percentile(0.95), percentile(baseline, 0.95)
    enough = min(whole.finished, sum(baseline.values())) >= LEAST_SAMPLES
    factor = p95 / p95_before if enough and p95 is not None and p95_before else None
    return PatternFact(
        normalized_query_hash=name,
        query_kind=logged_kind(rows[0].query_kind),
        queries=whole.queries,
        failed=whole.failed,
        failed_ratio=whole.failed_ratio or 0.0,
        avg_seconds=whole.avg_seconds,
        p50_seconds=whole.percentile(0.5),
        p95_seconds=p95,
        total_seconds=whole.total_seconds,
        total_ratio=whole.total_seconds / total if total else None,
        max_memory_bytes=max(row.max_memory_bytes for row in rows),
        read_rows=sum(row.read_rows for row in rows),
        baseline_queries=None if before is None else sum(baseline.values()),
        baseline_p95_seconds=p95_before,
        regression_factor=factor,
        is_regression=factor is not None and factor >= REGRESSION_FACTOR and (p95 or 0.0) >= LEAST_SECONDS,
        hosts=len(rows),
        query=text,
    )


_remembered = remembered(_summed)


def pattern_facts(snapshot: Snapshot, _subject: Subject) -> tuple[PatternFact, ...]:
    """Return the patterns of all hosts, those that took most time in all first."""
    probes = ("query_patterns", "query_patterns_before", "query_pattern_texts")
    return _remembered(
        tuple(_rows(snapshot.sample(status.id, probe)) for probe in probes for status in snapshot.hosts)
    )


def _rows(sample: Sample | None) -> Rows | None:
    return sample.rows if sample is not None and sample.taken_at is not None else None


PATTERN_COLUMNS = (
    Column("query", "QUERY", max_width=28, help="one of them, the first 500 characters; enter opens runs and trend"),
    Column("total_ratio", "TIME", True, help="share of the time of all patterns listed"),
    Column("queries", "QUERIES", True, help="initial queries that ended within the last hour"),
    Column("p95_seconds", "P95", True, help="95 of 100 that finished took no longer; within 5 %"),
    Column("regression_factor", "NOW/THEN", True, help="p95 to that of the 24 hours before; SLOWER from 2x on, with 20 queries in both"),
    Column("failed_ratio", "FAILED", True, help="share of them that failed; coloured from 1 and 5 % on"),
    Column("avg_seconds", "AVG", True, help="mean duration of those that finished"),
    Column("max_memory_bytes", "MEMORY", True, help="of the one that used most on one host"),
    Column("read_rows", "ROWS", True, help="rows they read"),
    Column("total_seconds", "TOTAL", True, help="their durations added"),
    Column("baseline_p95_seconds", "P95 THEN", True, help="of the 24 hours before the last one"),
    Column("baseline_queries", "THEN", True, help="how many finished in the 24 hours before"),
    Column("query_kind", "KIND", max_width=14, help="kind of query"),
    Column("hosts", "HOSTS", True, help="hosts that had one"),
    Column("normalized_query_hash", "HASH", max_width=20, help="normalized_query_hash in system.query_log"),
)  # fmt: skip


def pattern_rows(_snapshot: Snapshot, _subject: Subject, facts: Sequence[PatternFact]) -> tuple[Row, ...]:
    """Return a row for each pattern."""
    return tuple(
        Row(
            fact.normalized_query_hash,
            (
                cell(one_line(fact.query)) if fact.query is not None else cell("not asked yet", "muted"),
                number(fact.total_ratio, format_percent),
                number(fact.queries, format_count),
                number(fact.p95_seconds, format_seconds),
                _factor_cell(fact),
                failed_cell(fact.failed_ratio, fact.failed),
                number(fact.avg_seconds, format_seconds),
                number(fact.max_memory_bytes, format_bytes),
                number(fact.read_rows, format_count),
                number(fact.total_seconds, format_seconds),
                number(fact.baseline_p95_seconds, format_seconds),
                number(fact.baseline_queries, format_count),
                kind_cell(fact.query_kind),
                number(fact.hosts, format_count),
                cell(fact.normalized_query_hash, "muted"),
            ),
            link=Link("query_pattern", (fact.normalized_query_hash,)),
            copy=fact.query or "",
        )
        for fact in facts
    )


def _factor_cell(fact: PatternFact) -> Cell:
    if fact.is_regression:
        return cell(f"SLOWER {fact.regression_factor:.1f}x", "warning", fact.regression_factor)
    return number(fact.regression_factor, lambda value: "-" if value is None else f"{value:.1f}x")


def pattern_figures(snapshot: Snapshot, subject: Subject) -> tuple[Figure, ...]:
    """Return how many patterns there are, and how many have become slower."""
    facts = pattern_facts(snapshot, subject)
    slower = sum(fact.is_regression for fact in facts)
    new = sum(fact.baseline_queries == 0 for fact in facts)
    return (
        Figure("patterns", format_count(len(facts))),
        Figure("slower than before", format_count(slower), "warning" if slower else ""),
        Figure("not seen before", format_count(new)),
        Figure("compared with", "the 24 h before"),
    )


PATTERNS = Part(
    "patterns",
    "patterns",
    PatternFact,
    PATTERN_COLUMNS,
    lambda _: (Want("query_patterns"), Want("query_patterns_before"), Want("query_pattern_texts")),
    pattern_facts,
    pattern_rows,
    {
        "query_patterns_before": ("baseline_queries", "baseline_p95_seconds", "regression_factor"),
        "query_pattern_texts": ("query",),
    },
    empty=EMPTY,
    figures=pattern_figures,
)
