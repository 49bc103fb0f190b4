"""What the times of the spec's queries on both sides come to: pure."""

from __future__ import annotations

import json

import pytest

from chtui.migrate import benchmarks
from chtui.migrate.benchmarks import MOST_ROWS, Ran, Side, Timed
from chtui.records import HostId

V1, V2 = HostId("old", 9000), HostId("new", 9000)


def side(host: HostId, *seconds: float, error: str = "", rows: int = 5) -> Side:
    return Side(host, tuple(Ran(each, True, rows, 1000, 2048) for each in seconds), error)


def timed(v1: Side, v2: Side, after: float = 0.2) -> Timed:
    return Timed("overview", v1, v2, 45.0, after)


def test_median_and_worst_and_how_much_faster_it_is() -> None:
    found = timed(side(V1, 3.0, 1.0, 9.0), side(V2, 0.1, 0.3, 0.15))
    assert (found.v1.median_seconds, found.v1.worst_seconds) == (3.0, 9.0)
    assert found.ratio == 20.0
    assert found.is_met
    assert found.notes == ()
    document = found.as_dict()
    assert json.loads(json.dumps(document)) == document
    assert (document["v1"]["runs"], document["v2"]["read_bytes"], document["is_met"]) == (3, 2048, True)
    assert list(benchmarks.lines([found])) == [
        "benchmark overview: 20.0 x as fast on v2; the plan's 0.2 s met",
        "  v1 old:9000: median 3.000 s, worst 9.000 s of 3 runs (the plan says 45 s); 1000 rows and 2.0 KiB read, 5 rows given",
        "  v2 new:9000: median 0.150 s, worst 0.300 s of 3 runs; 1000 rows and 2.0 KiB read, 5 rows given",
    ]


def test_what_is_slower_than_v1_and_than_promised_is_noted() -> None:
    found = timed(side(V1, 0.1), side(V2, 0.4))
    assert found.is_met is False
    assert found.notes == (
        "benchmark overview is slower on v2 than on v1",
        "benchmark overview takes longer on v2 than the plan's 0.2 s",
    )
    assert "not met" in next(benchmarks.lines([found]))


def test_a_query_that_failed_has_no_figures_and_says_why() -> None:
    found = timed(side(V1, 1.0), side(V2, 0.1, error="no such table"))
    assert (found.v2.median_seconds, found.ratio, found.is_met) == (None, None, None)
    assert found.notes == ("benchmark overview fails on v2: no such table",)
    lines = list(benchmarks.lines([found]))
    assert (lines[0], lines[2]) == ("benchmark overview", "  v2 new:9000: no such table")
    assert found.as_dict()["v2"]["error"] == "no such table"


@pytest.mark.parametrize(
    ("found", "what"),
    [
        (side(V2, 1.0, rows=MOST_ROWS), f"{MOST_ROWS} rows given, cut there"),
        (Side(V2, (Ran(1.0, False, 1, None, None),)), "what it reads is not told, 1 row given"),
    ],
)
def test_what_is_cut_and_what_is_not_told(found: Side, what: str) -> None:
    assert list(benchmarks.lines([timed(side(V1, 1.0), found)]))[2].endswith(what)


def test_nothing_is_promised_where_the_plan_says_nothing() -> None:
    found = timed(side(V1, 1.0), side(V2, 5.0), after=0.0)
    assert found.is_met is None
    assert found.as_dict()["plan_after_seconds"] is None
