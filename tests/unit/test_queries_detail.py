"""One query: how it runs or ended, its text, settings, counters, parts."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from chtui.errors import UsageError
from chtui.records import HostId
from chtui.records.queries import LoggedQuery, QueryProcess, QueryText
from chtui.views import pages
from chtui.views.pages import Part
from chtui.views.queries import PAGES
from chtui.views.queries.detail import SUMMARY, QuerySummaryFact, detail_want, summary_facts
from chtui.views.queries.texts import (
    EVENTS,
    PARTS,
    SETTINGS,
    SQL,
    QueryEventFact,
    QueryLineFact,
    QueryPartFact,
    QuerySettingFact,
)
from chtui.views.table import Link
from tests.unit.hand import HOSTILE, A, B, good, snapshot, status

ID = ("q",)
ERROR = "Code: 241. DB::Exception: Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED) (version 26.9.2.1)"
NOTHING: dict[str, Any] = {"setting_names": (), "setting_values": (), "event_names": (), "event_values": ()}


def logged(kind: str, name: str = "q", part_of: str = "", **values: Any) -> LoggedQuery:
    made: dict[str, Any] = {
        "user": "ann",
        "interface": "HTTP",
        "client": "curl",
        "client_address": "::ffff:10.0.0.7",
        "age_seconds": 10,
        "duration_seconds": 2.0,
        "memory_bytes": 100,
        "read_rows": 50,
        "read_bytes": 60,
        "written_rows": 0,
        "written_bytes": 0,
        "result_rows": 3,
        "result_bytes": 4,
        "exception": "",
        "query": "SELECT 1",
        **NOTHING,
        **values,
    }
    return LoggedQuery(name, part_of or name, not part_of, kind, **made)


def process(name: str = "q", part_of: str = "", **values: Any) -> QueryProcess:
    made: dict[str, Any] = {
        "user": "ann",
        "initial_user": "ann",
        "interface": "2",
        "elapsed_seconds": 10.0,
        "memory_bytes": 100,
        "peak_memory_bytes": 200,
        "read_rows": 500,
        "total_rows": 1000,
        "is_cancelled": False,
        "client_name": "",
        "http_user_agent": "curl",
        "client_address": "10.0.0.7",
        "query": "SELECT 1",
        **NOTHING,
        **values,
    }
    return QueryProcess(name, part_of or name, not part_of, **made)


def told(
    running: dict[HostId, list[QueryProcess]] | None = None,
    log: dict[HostId, list[LoggedQuery]] | None = None,
    day: dict[HostId, list[LoggedQuery]] | None = None,
    before: dict[HostId, list[QueryProcess]] | None = None,
    texts: dict[HostId, list[QueryText]] | None = None,
) -> Any:
    samples = {}
    for probe, rows in (
        ("query_processes", running),
        ("query_logged", log),
        ("query_logged_day", day),
        ("query_text", texts),
    ):
        for host in (A, B):
            previous = good(*before.get(host, []), age=4) if before and probe == "query_processes" else None
            samples[host, detail_want(probe, ID).key] = good(*(rows or {}).get(host, []), previous=previous)
    return snapshot(status(A), status(B), samples=samples)


def summary(found: Any) -> QuerySummaryFact:
    (fact,) = summary_facts(found, ID)
    return fact


def test_keys_of_the_json() -> None:
    def keys(record: Any) -> list[str]:
        return [field.name for field in dataclasses.fields(record)]

    assert keys(QuerySummaryFact) == [
        "query_id",
        "initial_query_id",
        "state",
        "host",
        "user",
        "interface",
        "client",
        "client_address",
        "query_kind",
        "duration_seconds",
        "ended_age_seconds",
        "memory_bytes",
        "peak_memory_bytes",
        "read_rows",
        "read_rows_per_second",
        "total_rows",
        "progress_ratio",
        "read_bytes",
        "written_rows",
        "written_bytes",
        "result_rows",
        "result_bytes",
        "parts",
        "error_code",
        "error_name",
        "exception",
    ]
    assert keys(QueryLineFact) == ["line", "text", "is_formatted"]
    assert keys(QuerySettingFact) == ["name", "value"]
    assert keys(QueryEventFact) == ["name", "value", "unit"]
    assert keys(QueryPartFact) == [
        "host",
        "query_id",
        "state",
        "duration_seconds",
        "memory_bytes",
        "read_rows",
        "result_rows",
        "exception",
        "query",
    ]


def test_a_running_query() -> None:
    found = told(
        {A: [process()], B: [process("p", "q")]},
        {A: [logged("QueryStart")]},
        before={A: [process(elapsed_seconds=6.0, read_rows=100)]},
    )
    fact = summary(found)
    assert (fact.state, fact.host, fact.interface, fact.duration_seconds) == ("running", str(A), "HTTP", 10.0)
    assert (fact.read_rows_per_second, fact.progress_ratio, fact.parts) == (100.0, 0.5, 1)
    assert (fact.ended_age_seconds, fact.result_rows, fact.error_code) == (None, None, None)
    names = {row.cells[0].text: row.cells[1].text for row in SUMMARY.rows(found, ID, [fact])}
    assert (names["state"], names["progress"]) == ("running", "50 %")
    assert "bytes read" not in names
    assert [piece.text for piece in pages.heading(PAGES[1], found, ID)] == ["query", "q", "running"]


@pytest.mark.parametrize("finish", ["QueryFinish", "2"])
def test_an_end_is_the_last_word_of_the_log(finish: str) -> None:
    rows = [logged("QueryStart", age_seconds=10), logged(finish, age_seconds=10)]
    for order in (rows, rows[::-1]):
        fact = summary(told(log={A: order}))
        assert (fact.state, fact.ended_age_seconds, fact.duration_seconds) == ("finished", 10, 2.0)
        assert (fact.client_address, fact.read_rows_per_second, fact.memory_bytes) == ("10.0.0.7", 25.0, None)
    assert (
        summary(told(log={A: rows[:1]}, day={A: [logged("QueryStart", age_seconds=9000)]})).state == "begun"
    )


def test_a_failed_query_and_its_words() -> None:
    found = told(day={B: [logged("ExceptionWhileProcessing", exception=ERROR, age_seconds=9000)]})
    fact = summary(found)
    assert (fact.state, fact.error_code, fact.error_name, fact.exception) == (
        "failed",
        241,
        "MEMORY_LIMIT_EXCEEDED",
        ERROR,
    )
    rows = {row.cells[0].text: row for row in SUMMARY.rows(found, ID, [fact])}
    assert rows["error"].cells[1].text == "241 MEMORY_LIMIT_EXCEEDED"
    assert rows["exception"].cells[1].text == "Memory limit exceeded."
    assert rows["exception"].copy == ERROR
    assert rows["ended"].cells[1].text == "2h 30m ago"


def test_of_a_query_that_is_a_part_the_whole_can_be_opened() -> None:
    found = told(log={A: [logged("QueryFinish", part_of="whole")]})
    fact = summary(found)
    assert (fact.initial_query_id, fact.parts) == ("whole", 0)
    assert Link("query", ("whole",)) in [link for _, link in SUMMARY.rows(found, ID, [fact])[0].links]


def test_nothing_is_known() -> None:
    assert summary_facts(told(), ID) == ()
    assert (
        pages.table(SUMMARY, told(), ID).empty
        == "no such query runs, and the logs of the last 26 hours have none"
    )
    only_parts = told(log={A: [logged("QueryFinish", "p", "q")]})
    assert summary_facts(only_parts, ID) == ()
    assert [fact.query_id for fact in PARTS.facts(only_parts, ID)] == ["p"]


def test_the_text_formatted_or_as_it_was_sent() -> None:
    running = {A: [process(query="SELECT\t1,\n  2")]}
    sent = SQL.facts(told(running), ID)
    assert [(fact.line, fact.text, fact.is_formatted) for fact in sent] == [
        (1, "SELECT\t1,", False),
        (2, "  2", False),
    ]
    found = told(running, texts={B: [QueryText("SELECT 1,2", "SELECT\n    1,\n    2")]})
    rows = SQL.rows(found, ID, SQL.facts(found, ID))
    assert [row.cells[1].text for row in rows] == ["SELECT", "    1,", "    2"]
    assert {row.copy for row in rows} == {"SELECT\n    1,\n    2"}
    assert [fact.text for fact in SQL.facts(told(texts={A: [QueryText("SELECT 3", "")]}), ID)] == ["SELECT 3"]


def test_settings_and_counters_are_the_querys_own() -> None:
    values: dict[str, Any] = {
        "setting_names": ("max_threads", "a"),
        "setting_values": ("4", "x"),
        "event_names": ("SelectedBytes", "Query", "RealTimeMicroseconds", "TinyMicroseconds"),
        "event_values": (2048, 1, 1_500_000, 3),
    }
    found = told(
        log={
            A: [logged("QueryFinish", **values)],
            B: [logged("QueryFinish", "p", "q", setting_names=("b",), setting_values=("1",))],
        }
    )
    assert [(fact.name, fact.value) for fact in SETTINGS.facts(found, ID)] == [
        ("a", "x"),
        ("max_threads", "4"),
    ]
    events = EVENTS.facts(found, ID)
    assert [(fact.name, fact.unit) for fact in events] == [
        ("RealTimeMicroseconds", "us"),
        ("SelectedBytes", "B"),
        ("TinyMicroseconds", "us"),
        ("Query", ""),
    ]
    assert [row.cells[1].text for row in EVENTS.rows(found, ID, events)] == ["1.5s", "2.0 KiB", "<1ms", "1"]


def test_parts_running_and_ended() -> None:
    found = told(
        {A: [process()], B: [process("p1", "q", elapsed_seconds=9.0)]},
        {
            A: [logged("ExceptionWhileProcessing", "p2", "q", exception=ERROR)],
            B: [logged("QueryStart", "p1", "q"), logged("QueryStart", "p3", "q", age_seconds=30)],
        },
    )
    facts = PARTS.facts(found, ID)
    assert [(fact.query_id, fact.state, fact.duration_seconds, fact.result_rows) for fact in facts] == [
        ("p3", "begun", 30.0, 3),
        ("p1", "running", 9.0, None),
        ("p2", "failed", 2.0, 3),
    ]
    rows = PARTS.rows(found, ID, facts)
    assert rows[2].cells[6].text == "Memory limit exceeded."
    assert rows[1].link == Link("query", ("p1",))


@pytest.mark.parametrize("part", [SUMMARY, SQL, SETTINGS, EVENTS])
def test_what_is_killed_is_this_query_where_it_runs(part: Part) -> None:
    assert part.plan is not None
    found = told({A: [process()], B: [process("p", "q")]}, {B: [logged("QueryStart")]})
    for keys in ([], ["state"], [f"{B} p"]):
        plan = part.plan(found, ID, keys)
        assert [(target.host, target.name) for target in plan.targets] == [(A, "q")]
        assert [(step.host, step.params) for step in plan.steps] == [(A, {"query_ids": ["q"]})]
    own = part.plan(told({A: [process(user="", interface="6")]}), ID, [])
    assert (own.steps, [left.name for left in own.left_out]) == ((), ["q"])
    with pytest.raises(UsageError, match="does not run any more"):
        part.plan(told(log={A: [logged("QueryFinish")]}), ID, [])
    with pytest.raises(UsageError, match="no host has told of this query"):
        part.plan(told(), ID, [])
    with pytest.raises(UsageError, match="its parts are"):
        part.plan(told({B: [process("p", "q")]}), ID, [])


def test_what_is_killed_of_the_parts_is_what_was_chosen() -> None:
    assert PARTS.plan is not None
    found = told(
        {A: [process()], B: [process("p1", "q"), process("p2", "q")]}, {A: [logged("QueryFinish", "p3", "q")]}
    )
    rows = PARTS.rows(found, ID, PARTS.facts(found, ID))
    assert {row.key for row in rows} == {f"{B} p1", f"{B} p2", f"{A} p3"}
    plan = PARTS.plan(found, ID, [f"{B} p2", f"{A} p3"])
    assert [(target.host, target.name) for target in plan.targets] == [(B, "p2")]
    with pytest.raises(UsageError, match="does not run any more"):
        PARTS.plan(found, ID, [f"{A} p3"])


@pytest.mark.parametrize("part", [SUMMARY, SQL, SETTINGS, EVENTS, PARTS])
def test_hostile_texts_are_drawn_inert(part: Part) -> None:
    for text in HOSTILE:
        values: dict[str, Any] = {
            "user": text,
            "client": text,
            "client_address": text,
            "interface": text,
            "query": text,
            "exception": text,
            "setting_names": (text,),
            "setting_values": (text,),
            "event_names": (text,),
            "event_values": (1,),
        }
        found = told(log={A: [logged(text, **values), logged(text, text, "q", **values)]})
        rows = part.rows(found, ID, part.facts(found, ID))
        assert rows
        assert all(cell.text.isprintable() for row in rows for cell in row.cells)
