"""Slow and failed queries, one pattern's runs and trend."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from chtui.records import HostId
from chtui.records.queries import EndedQuery, PatternStep
from chtui.views import pages
from chtui.views.queries import PAGES
from chtui.views.queries.log import (
    FAILED,
    RUNS,
    SLOW,
    TREND,
    EndedQueryFact,
    PatternStepFact,
    failed_figures,
    runs_want,
    trend_plot,
    trend_want,
)
from chtui.views.table import Link
from tests.unit.hand import HOSTILE, A, B, blank, good, snapshot, status

HASH = ("18446744073709551615",)
UNKNOWN_TABLE = "Code: 60. DB::Exception: Unknown table x. (UNKNOWN_TABLE) (version 26.9.2.1)"


def ended(name: str, **values: Any) -> EndedQuery:
    return blank(
        EndedQuery,
        **{"query_id": name, "initial_query_id": name, "user": "ann", "query": "SELECT 1", **values},
    )


def told(key: str, rows: dict[HostId, list[Any]]) -> Any:
    return snapshot(status(A), status(B), samples={(host, key): good(*found) for host, found in rows.items()})


def test_keys_of_the_json() -> None:
    assert [field.name for field in dataclasses.fields(EndedQueryFact)] == [
        "host",
        "query_id",
        "initial_query_id",
        "user",
        "query_kind",
        "age_seconds",
        "duration_seconds",
        "memory_bytes",
        "read_rows",
        "result_rows",
        "client",
        "query",
        "error_code",
        "error_name",
        "exception",
        "failed_parts",
    ]
    assert [field.name for field in dataclasses.fields(PatternStepFact)] == [
        "quarters_ago",
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


def test_the_slowest_of_all_hosts_first() -> None:
    found = told(
        "slow_queries",
        {
            A: [ended("a", duration_seconds=9.0), ended("b", duration_seconds=1.0)],
            B: [ended("c", duration_seconds=5.0)],
        },
    )
    facts = SLOW.facts(found, ())
    assert [(fact.host, fact.query_id) for fact in facts] == [(str(A), "a"), (str(B), "c"), (str(A), "b")]
    assert (facts[0].error_code, facts[0].exception, facts[0].query_kind) == (None, None, "Select")
    row = SLOW.rows(found, (), facts)[0]
    assert row.cells[0].text == "9s"
    assert row.link == Link("query", ("a",))
    assert row.copy == "SELECT 1"


def test_failures_the_latest_first_parts_under_their_query() -> None:
    found = told(
        "failed_queries",
        {
            A: [
                ended(
                    "old",
                    age_seconds=50,
                    exception="Code: 241, e.displayText() = DB::Exception: Memory, e.what() = x",
                    exception_code=241,
                ),
                ended("q", age_seconds=10, exception=UNKNOWN_TABLE, exception_code=60),
            ],
            B: [
                ended("p", initial_query_id="q", age_seconds=11, exception=UNKNOWN_TABLE, exception_code=60),
                ended(
                    "alone",
                    initial_query_id="elsewhere",
                    age_seconds=20,
                    exception=UNKNOWN_TABLE,
                    exception_code=60,
                ),
            ],
        },
    )
    facts = FAILED.facts(found, ())
    assert [(fact.query_id, fact.failed_parts) for fact in facts] == [("q", 1), ("alone", 0), ("old", 0)]
    assert (facts[0].error_code, facts[0].error_name, facts[0].exception) == (
        60,
        "UNKNOWN_TABLE",
        UNKNOWN_TABLE,
    )
    assert (facts[2].error_code, facts[2].error_name) == (241, None)
    rows = FAILED.rows(found, (), facts)
    texts = [cell.text for cell in rows[0].cells]
    assert texts[:4] == ["10s", "UNKNOWN_TABLE", "ann", "Unknown table x."]
    assert rows[2].cells[1].text == "code 241"
    assert rows[0].copy == UNKNOWN_TABLE
    assert rows[1].link == Link("query", ("elsewhere",))
    assert [(figure.label, figure.value) for figure in failed_figures(found, ())] == [
        ("UNKNOWN_TABLE", "2 in this list"),
        ("code 241", "1 in this list"),
    ]


@pytest.mark.parametrize("part", [SLOW, FAILED])
def test_hostile_texts_are_drawn_inert(part: pages.Part) -> None:
    rows = [
        ended(
            text,
            user=text,
            client=text,
            query=text,
            exception=f"Code: 1. DB::Exception: {text} ({text}) (version 1)",
        )
        for text in HOSTILE
    ]
    found = told(part.wants(())[0].probe, {A: rows})
    drawn = part.rows(found, (), part.facts(found, ()))
    assert len(drawn) == len(HOSTILE)
    assert all(cell.text.isprintable() for row in drawn for cell in row.cells)
    if part.figures:
        assert all(figure.label.isprintable() for figure in part.figures(found, ()))


def step(ago: int, count: int, bucket: int = 94, failed: int = 0) -> PatternStep:
    return PatternStep(ago, count, failed, count * 0.1, 0.1, (bucket,), (count,))


def test_a_patterns_trend_over_all_hosts() -> None:
    found = told(trend_want(HASH).key, {A: [step(0, 5), step(99, 1, 141)], B: [step(0, 5, 141, failed=2)]})
    facts = TREND.facts(found, HASH)
    assert [(fact.quarters_ago, fact.queries, fact.failed) for fact in facts] == [(0, 12, 2), (99, 1, 0)]
    assert facts[0].p50_seconds == facts[0].p95_seconds == pytest.approx(1.0, rel=0.025)
    assert [row.cells[0].text for row in TREND.rows(found, HASH, facts)] == ["15m", "1d 1h"]
    plot = trend_plot(found, HASH)
    assert plot is not None
    assert (len(plot.series[0].values), (plot.end - plot.start).total_seconds()) == (100, 90_000)
    assert plot.series[0].values[1:99] == (None,) * 98
    assert trend_plot(told(trend_want(HASH).key, {A: []}), HASH) is None


def test_a_patterns_runs_and_its_text_as_heading() -> None:
    found = told(
        runs_want(HASH).key,
        {
            A: [ended("a", age_seconds=5, query="SELECT\n 2")],
            B: [ended("b", age_seconds=1, exception=UNKNOWN_TABLE)],
        },
    )
    facts = RUNS.facts(found, HASH)
    assert [(fact.query_id, fact.error_name) for fact in facts] == [("b", "UNKNOWN_TABLE"), ("a", None)]
    page = PAGES[2]
    assert [piece.text for piece in pages.heading(page, found, HASH)] == ["pattern", HASH[0], "SELECT 2"]
    assert [piece.text for piece in pages.heading(page, snapshot(status(A)), HASH)] == ["pattern", HASH[0]]
    (row, _) = RUNS.rows(found, HASH, facts)
    assert [cell.text for cell in row.cells][5] == "UNKNOWN_TABLE"


def test_what_a_pattern_page_asks_is_about_its_hash() -> None:
    assert runs_want(HASH).key == f"query_pattern_runs?normalized_query_hash={HASH[0]}"
    assert {want.probe for want in RUNS.wants(HASH)} == {"query_pattern_runs", "query_pattern_trend"}
