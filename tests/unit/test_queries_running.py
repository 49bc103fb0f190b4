"""Running queries with their parts: facts, rows, figures, what may be killed."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from chtui.errors import UsageError
from chtui.monitor.snapshot import Snapshot
from chtui.records import HostId, Sample
from chtui.records.queries import RunningQuery
from chtui.views import pages
from chtui.views.queries import PAGES, kill_by_predicate
from chtui.views.queries.running import (
    RUNNING,
    RUNNING_FIELDS,
    RunningQueryFact,
    row_key,
    running_facts,
    running_figures,
    running_plan,
)
from chtui.views.queries.words import (
    INTERFACES,
    error_code,
    error_message,
    error_name,
    interface_word,
    kind_of,
)
from chtui.views.table import Link
from tests.unit.hand import HOSTILE, A, B, C, blank, good, snapshot, status


def query(name: str, **values: Any) -> RunningQuery:
    """A query of its own, or with `part_of` a part of another."""
    part_of = values.pop("part_of", "")
    made = {
        "query_id": name,
        "initial_query_id": part_of or name,
        "is_initial_query": not part_of,
        "user": "internode" if part_of else "ann",
        "initial_user": "ann",
        "interface": "HTTP",
        "elapsed_seconds": 10.0,
        "query": "SELECT 1",
        **values,
    }
    return blank(RunningQuery, **made)


def taken(
    rows: dict[HostId, list[RunningQuery]], before: dict[HostId, list[RunningQuery]] | None = None
) -> Snapshot:
    """What three hosts run now, and ran 3 s before."""
    samples = {}
    for host in (A, B, C):
        previous = good(*before.get(host, []), age=3) if before is not None else None
        samples[host, "running_queries"] = good(*rows.get(host, []), previous=previous)
    return snapshot(status(A), status(B), status(C), samples=samples)


def facts(found: Snapshot) -> tuple[RunningQueryFact, ...]:
    return running_facts(found, ())


def test_keys_of_the_json() -> None:
    assert [field.name for field in dataclasses.fields(RunningQueryFact)] == [
        "host",
        "query_id",
        "initial_query_id",
        "is_initial_query",
        "user",
        "interface",
        "query_kind",
        "elapsed_seconds",
        "memory_bytes",
        "peak_memory_bytes",
        "read_rows",
        "read_rows_per_second",
        "total_rows",
        "progress_ratio",
        "hosts",
        "parts",
        "is_cancelled",
        "client",
        "client_address",
        "query",
    ]


def test_parts_are_rolled_up_under_their_query() -> None:
    found = facts(
        taken(
            {
                A: [query("q", memory_bytes=100, peak_memory_bytes=150, read_rows=900, total_rows=1000)],
                B: [
                    query(
                        "p1",
                        part_of="q",
                        memory_bytes=10,
                        peak_memory_bytes=20,
                        read_rows=300,
                        total_rows=400,
                    )
                ],
                C: [
                    query(
                        "p2", part_of="q", memory_bytes=1, peak_memory_bytes=2, read_rows=200, total_rows=400
                    ),
                    query("p3", part_of="q", memory_bytes=-5, peak_memory_bytes=0),
                ],
            }
        )
    )
    (fact,) = found
    assert (fact.host, fact.query_id, fact.is_initial_query) == (str(A), "q", True)
    assert (fact.memory_bytes, fact.peak_memory_bytes) == (111, 172)
    assert (fact.hosts, fact.parts) == (3, 3)
    # The query counts what its parts have reported: they are not counted twice.
    assert (fact.read_rows, fact.total_rows, fact.progress_ratio) == (900, 1000, 0.9)


def test_rows_that_parts_have_not_reported_yet_count() -> None:
    (fact,) = facts(
        taken({A: [query("q", read_rows=5)], B: [query("p", part_of="q", read_rows=70, total_rows=100)]})
    )
    assert (fact.read_rows, fact.total_rows, fact.progress_ratio) == (70, 100, 0.7)


def test_parts_whose_query_is_not_seen_are_one_row_under_its_name() -> None:
    (fact,) = facts(
        taken(
            {
                A: [query("p1", part_of="gone", elapsed_seconds=3.0, memory_bytes=5, read_rows=1)],
                B: [query("p2", part_of="gone", elapsed_seconds=9.0, memory_bytes=7, read_rows=2)],
            }
        )
    )
    assert (fact.host, fact.query_id, fact.initial_query_id, fact.is_initial_query) == (
        str(B),
        "p2",
        "gone",
        False,
    )
    assert (fact.user, fact.memory_bytes, fact.read_rows, fact.hosts, fact.parts) == ("ann", 12, 3, 2, 2)
    (row,) = RUNNING.rows(taken({}), (), [fact])
    assert row.link == Link("query", ("gone",))
    assert any(cell.text.startswith("(part of gone) SELECT") for cell in row.cells)


def test_the_longest_first_the_servers_own_last_chtuis_own_not() -> None:
    found = taken(
        {
            A: [
                query("short", elapsed_seconds=1.0),
                query("own", user="", initial_user="", interface="Local", elapsed_seconds=9000.0),
                query("chtui-probe-1", elapsed_seconds=50.0),
            ],
            B: [query("long", elapsed_seconds=700.0), query("chtui-part", part_of="chtui-probe-1")],
        }
    )
    assert [fact.query_id for fact in facts(found)] == ["long", "short", "own"]
    figures = {figure.label: (figure.value, figure.style) for figure in running_figures(found, ())}
    assert figures == {
        "running": ("2", ""),
        "most on a host": ("3", ""),
        "longest": ("11m 40s", "warning"),
        "memory": ("0 B", ""),
        "servers' own": ("1", "muted"),
        "chtui's own": ("2 (not listed)", "muted"),
    }
    long, _, own = RUNNING.rows(found, (), facts(found))
    assert long.cells[0].style == "warning"
    assert (own.cells[0].style, own.cells[1].text) == ("", "(server)")


def test_many_queries_on_a_host_are_coloured() -> None:
    found = running_figures(taken({A: [query(f"q{number}") for number in range(81)]}), ())
    assert {figure.label: figure.style for figure in found}["most on a host"] == "warning"


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (None, None),
        ({}, None),
        ({A: [query("q", elapsed_seconds=6.0, read_rows=100)]}, 50.0),
        ({A: [query("q", elapsed_seconds=10.0, read_rows=100)]}, None),
        ({A: [query("q", elapsed_seconds=99.0, read_rows=100)]}, None),
        ({A: [query("q", elapsed_seconds=6.0, read_rows=900)]}, 0.0),
        ({B: [query("q", elapsed_seconds=6.0, read_rows=100)]}, None),
    ],
)
def test_rows_per_second_need_two_samples_of_one_query(
    before: dict[HostId, list[RunningQuery]] | None, expected: float | None
) -> None:
    (fact,) = facts(taken({A: [query("q", elapsed_seconds=10.0, read_rows=300)]}, before))
    assert fact.read_rows_per_second == expected


def test_words_of_older_servers() -> None:
    (fact,) = facts(
        taken(
            {
                A: [
                    query(
                        "q",
                        interface="2",
                        client_name="",
                        http_user_agent="curl/8",
                        client_address="::ffff:10.0.0.7",
                    )
                ]
            }
        )
    )
    assert (fact.interface, fact.client, fact.client_address) == ("HTTP", "curl/8", "10.0.0.7")
    assert interface_word("77") == "interface 77"
    assert interface_word("gRPC") == "gRPC"
    assert len(set(INTERFACES.values())) == 11


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("select 1", "Select"),
        ("  (SELECT 1) UNION ALL SELECT 2", "Select"),
        ("-- why\n/* app:\nreport */ WITH 1 AS x SELECT x", "Select"),
        ("INSERT INTO t VALUES", "Insert"),
        ("desc t", "Describe"),
        ("OPTIMIZE TABLE t", "Optimize"),
        ("", ""),
        ("/* never closed", ""),
        ("\x00", ""),
        ("(" * 5000 + "SELECT", ""),
        ("/**/" * 240 + "1", ""),
    ],
)
def test_a_kind_is_the_first_word(text: str, kind: str) -> None:
    assert kind_of(text) == kind


def test_words_of_an_exception() -> None:
    new = "Code: 60. DB::Exception: Unknown table (it's (gone)). (UNKNOWN_TABLE) (version 26.9.2.1 (official build))"
    old = "Code: 60, e.displayText() = DB::Exception: Table x doesn't exist., e.what() = DB::Exception"
    assert (error_code(new), error_name(new), error_message(new)) == (
        60,
        "UNKNOWN_TABLE",
        "Unknown table (it's (gone)).",
    )
    assert (error_code(old), error_name(old)) == (60, None)
    assert error_message(old).startswith("Table x doesn't exist.")
    assert (error_code(""), error_name(""), error_message("")) == (None, None, "")


def test_hostile_texts_are_drawn_inert() -> None:
    rows = [query(text, user=text, query=text, client_name=text, part_of=text) for text in HOSTILE]
    found = taken({A: rows})
    for row in RUNNING.rows(found, (), facts(found)):
        for cell in row.cells:
            assert cell.text.isprintable(), cell.text


def test_what_is_killed_is_the_query_and_its_parts_everywhere() -> None:
    found = taken(
        {
            A: [query("q"), query("other")],
            B: [query("p1", part_of="q")],
            C: [query("p2", part_of="q"), query("own", user="", initial_user="", interface="6")],
        }
    )
    keys = [row_key(fact) for fact in facts(found) if fact.query_id == "q"]
    plan = running_plan(found, (), keys)
    assert {(target.host, target.name) for target in plan.targets} == {(A, "q"), (B, "p1"), (C, "p2")}
    assert {step.host for step in plan.steps} == {A, B, C}
    own = running_plan(found, (), [row_key(fact) for fact in facts(found) if fact.query_id == "own"])
    assert (own.steps, [left.name for left in own.left_out]) == ((), ["own"])
    with pytest.raises(UsageError, match="none of these queries runs any more"):
        running_plan(found, (), ["ch1.example:9000 ended"])


def test_a_predicate_selects_queries() -> None:
    found = taken(
        {
            A: [
                query("a", user="bob", elapsed_seconds=100.0, memory_bytes=1 << 30),
                query("b", elapsed_seconds=100.0),
            ],
            B: [query("c", user="bob", elapsed_seconds=2.0), query("p", part_of="a")],
        }
    )
    for text, names in (
        ("user=bob elapsed>1m", {"a", "p"}),
        ("memory>=1GiB", {"a", "p"}),
        ("kind=select host=ch2.example:9000", {"c"}),
        ("query_id=b", {"b"}),
        ("query~^select rows<1 interface=http client=''", {"a", "b", "c", "p"}),
    ):
        assert {target.name for target in kill_by_predicate(found, text).targets} == names, text
    with pytest.raises(UsageError, match="no running query is meant"):
        kill_by_predicate(found, "user=nobody")
    with pytest.raises(UsageError, match="no field 'table'"):
        kill_by_predicate(found, "table=x")
    fields = {name: field.get(facts(found)[0]) for name, field in RUNNING_FIELDS.items()}
    assert set(fields) == {
        "host",
        "user",
        "kind",
        "interface",
        "client",
        "query",
        "query_id",
        "elapsed",
        "memory",
        "rows",
    }
    assert (fields["user"], fields["elapsed"], fields["memory"]) == ("bob", 100.0, 1 << 30)


def test_no_query_and_no_answer_are_two_things() -> None:
    part = PAGES[0].parts[0]
    assert pages.table(part, taken({}), ()).empty == "no query runs"
    refused = snapshot(status(A), samples={(A, "running_queries"): Sample(unavailable="no grant")})
    assert pages.table(part, refused, ()).empty == "not known: no grant"
