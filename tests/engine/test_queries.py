"""The queries pane on 26.9: running queries with their parts, latency, patterns, slow and failed ones, one query."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from chtui.demo.client import Client
from chtui.monitor.snapshot import Snapshot
from chtui.session import Session, Watch
from chtui.views import export, pages
from chtui.views.panes import page
from chtui.views.queries.latency import latency_plot
from chtui.views.queries.running import row_key, running_facts, running_figures, running_plan
from tests.engine.fleets import collected, ids
from tests.engine.killing import LongQuery
from tests.support import CLUSTER, ModernRig, fast, started, wait_until

WAIT = 60.0
OF_TWO_SHARDS = (
    f"SELECT count(), max(nap) FROM (SELECT sleepEachRow(0.01) AS nap FROM cluster('{CLUSTER}', numbers(20000))) "
    "SETTINGS max_block_size = 20, max_threads = 2"
)
"""Runs 200 s, nearly all of them asleep, on the host that is asked and one host of the other shard."""
ASLEEP = "SELECT count(), max(nap) FROM (SELECT sleepEachRow(0.01) AS nap FROM numbers(20000)) SETTINGS max_block_size = 20"
FAILING = "SELECT throwIf(number = 3, 'asked for') FROM numbers(10)"
OURS = "query_id NOT LIKE 'chtui-%'"


def client(rig: ModernRig, user: str) -> Client:
    return Client(user, rig.password(user))


@contextmanager
def running(rig: ModernRig, index: int, user: str, sql: str, query_id: str) -> Iterator[LongQuery]:
    """A query that runs until the block is left, however long it would take."""
    asked = LongQuery(
        lambda: client(rig, user).ask(rig.http_ports[index], sql, seconds=300, query_id=query_id)
    )
    asked.start()
    try:
        yield asked
    finally:
        for node in range(4):
            rig.query(node, f"KILL QUERY WHERE initial_query_id = '{query_id}' ASYNC")
        asked.join(30)
        assert not asked.is_alive()


def run(rig: ModernRig, index: int, user: str, sql: str, query_id: str) -> str:
    """How a query ends: its answer or its error."""
    asked = LongQuery(lambda: client(rig, user).ask(rig.http_ports[index], sql, query_id=query_id))
    asked.start()
    asked.join(60)
    return asked.end


def flush(rig: ModernRig) -> None:
    for index in range(4):
        rig.query(index, "SYSTEM FLUSH LOGS")


def facts(rig: ModernRig, name: str, part_name: str = "", subject: tuple[str, ...] = ()) -> Any:
    """The facts of one part, as one look at the cluster gives them."""
    part = page(name).part(part_name)
    assert part is not None

    def whole() -> Snapshot | None:
        snapshot = collected(rig.effective(), part.wants(subject))
        return None if pages.unavailable(part, snapshot, subject) else snapshot

    # A host that a busy machine keeps from answering is asked again.
    snapshot = wait_until(whole, WAIT, "all hosts")
    found = part.facts(snapshot, subject)
    document = json.loads(export.envelope(snapshot, name, found, {}))
    assert len(document["rows"]) == len(found)
    assert len(part.rows(snapshot, subject, found)) >= len(found)
    return found


@pytest.fixture
def live(modern: ModernRig, sessions: list[Session]) -> Callable[[], Snapshot]:
    """What runs, asked every second."""
    session = started(fast(modern.effective(), queries=1.0), sessions)
    part = page("queries").parts[0]
    session.watch("test", Watch(lambda _: None, lambda _: None), part.wants(()))
    return lambda: session.snapshot


def test_running_queries_of_several_users_with_their_parts(
    modern: ModernRig, live: Callable[[], Snapshot]
) -> None:
    def found() -> dict[str, Any]:
        return {fact.query_id: fact for fact in running_facts(live(), ())}

    with (
        running(modern, 0, "admin", OF_TWO_SHARDS, "two-shards"),
        running(modern, 3, "analyst", ASLEEP, "one-host"),
    ):
        whole = wait_until(lambda: (fact := found().get("two-shards")) and fact.hosts == 2 and fact.read_rows_per_second and fact, WAIT)  # fmt: skip
        assert (whole.host, whole.user, whole.query_kind) == (str(ids(modern)[0]), "admin", "Select")
        assert (whole.is_initial_query, whole.parts, whole.interface) == (True, 1, "HTTP")
        assert (whole.query, whole.client.partition("/")[0]) == (OF_TWO_SHARDS, "python-httpx")
        assert whole.total_rows >= 20_000
        assert 0 < whole.progress_ratio < 1
        assert whole.peak_memory_bytes >= whole.memory_bytes > 0
        assert whole.elapsed_seconds > 0

        alone = wait_until(
            lambda: (fact := found().get("one-host")) and fact.read_rows_per_second and fact, WAIT
        )
        assert (alone.host, alone.user, alone.hosts, alone.parts) == (str(ids(modern)[3]), "analyst", 1, 0)
        # 100 rows a second, in blocks of 20.
        assert 40 < alone.read_rows_per_second < 200

        listed = running_facts(live(), ())
        assert "two-shards" not in {fact.initial_query_id for fact in listed if fact.query_id != "two-shards"}
        assert not [fact for fact in listed if fact.query_id.startswith("chtui-")]
        figures = {figure.label: figure.value for figure in running_figures(live(), ())}
        assert int(figures["chtui's own"].split()[0]) >= 1
        # The engine's own: interface Local, no user.
        assert {fact.interface for fact in listed if not fact.user} <= {"Local"}

        plan = running_plan(live(), (), [row_key(whole)])
        assert plan.targets[0].name == "two-shards"
        assert len({target.host for target in plan.targets}) == 2
        (summary,) = facts(modern, "query", "summary", ("two-shards",))
        assert (summary.state, summary.user, summary.parts) == ("running", "admin", 1)
        (part,) = facts(modern, "query", "children", ("two-shards",))
        assert (part.state, part.query_id) == ("running", plan.targets[1].name)
        assert facts(modern, "query", "sql", ("two-shards",))[0].text.startswith("SELECT")
        assert {fact.name for fact in facts(modern, "query", "events", ("two-shards",))} > {
            "Query",
            "SelectQuery",
        }
    wait_until(lambda: not {"two-shards", "one-host"} & set(found()), WAIT, "both gone")


def test_percentiles_agree_with_those_computed_from_the_log(modern: ModernRig) -> None:
    for index in range(4):
        for nap in (0, 5, 12, 30, 80, 150 + 50 * index):
            run(modern, index, "analyst", f"SELECT sleep({nap / 1000})", f"nap-{index}-{nap}")
    flush(modern)
    snapshot = collected(modern.effective(), page("queries").part("latency").wants(()))  # type: ignore[union-attr]
    merged = {fact.query_kind: fact for fact in page("queries").part("latency").facts(snapshot, ())}  # type: ignore[union-attr]
    by_host = {(fact.host, fact.query_kind): fact for fact in facts(modern, "queries", "latency_hosts")}

    ended: dict[str, list[int]] = {}
    for index, host in enumerate(ids(modern)):
        rows = modern.query(
            index,
            "SELECT query_kind, groupArray(query_duration_ms) FROM system.query_log WHERE type = 'QueryFinish' "
            f"AND is_initial_query AND {OURS} AND event_date >= yesterday() AND event_time > now() - 3600 "
            "AND query_kind IN ('Select', 'Create') GROUP BY query_kind FORMAT JSONCompactEachRow",
        )
        for kind, durations in map(json.loads, rows.splitlines()):
            times = sorted(map(int, durations))
            ended.setdefault(kind, []).extend(times)
            fact = by_host[str(host), kind]
            assert fact.queries - fact.failed == pytest.approx(len(times), abs=5)
            if kind == "Select":
                # A few queries of this test itself may have been logged between the two looks.
                near = {
                    times[min(len(times) - 1, max(0, int(0.95 * len(times)) + step))] / 1000
                    for step in range(-3, 4)
                }
                assert fact.p95_seconds in near
                assert fact.max_seconds == times[-1] / 1000
    for kind, unsorted in ended.items():
        fact, times = merged[kind], sorted(unsorted)
        assert fact.queries - fact.failed == pytest.approx(len(times), abs=20)
        for level, seconds in ((0.5, fact.p50_seconds), (0.95, fact.p95_seconds), (0.99, fact.p99_seconds)):
            middle = int(level * len(times))
            low, high = (times[min(len(times) - 1, max(0, middle + step))] / 1000 for step in (-10, 10))
            assert low * 0.95 <= seconds <= high * 1.05 + 0.0005, (kind, level)
        assert fact.max_seconds == pytest.approx(times[-1] / 1000)
    assert merged["Select"].queries_1m <= merged["Select"].queries_5m <= merged["Select"].queries
    plot = latency_plot(snapshot, ())
    assert plot is not None
    assert any(value is not None for value in plot.series[1].values[-10:])


def test_percentiles_of_recorded_rows_are_exact_or_within_five_percent(modern: ModernRig) -> None:
    # A kind nobody else uses, so that every row is known; each host with times of its own.
    truth: list[int] = []
    for index in range(4):
        modern.query(index, "SELECT 'a row to copy'")
        flush(modern)
        modern.query(
            index,
            "INSERT INTO system.query_log SELECT row.* REPLACE('Recorded' AS query_kind, toUInt64(exp(7 * (number + 0.5) / 3000) "
            f"* {index + 1}) AS query_duration_ms, concat('recorded-', toString(number)) AS query_id) FROM (SELECT * FROM system.query_log "
            "WHERE type = 'QueryFinish' AND is_initial_query AND query LIKE '%a row to copy%' LIMIT 1) AS row CROSS JOIN numbers(3000) AS n",
        )
        rows = modern.query(
            index, "SELECT query_duration_ms FROM system.query_log WHERE query_kind = 'Recorded'"
        )
        truth += map(int, rows.split())
    by_host = [fact for fact in facts(modern, "queries", "latency_hosts") if fact.query_kind == "Recorded"]
    for index, host in enumerate(map(str, ids(modern))):
        exact = modern.query(
            index,
            "SELECT quantilesExact(0.5, 0.95, 0.99)(query_duration_ms) FROM system.query_log WHERE query_kind = 'Recorded'",
        )
        (fact,) = (fact for fact in by_host if fact.host == host)
        assert [fact.p50_seconds, fact.p95_seconds, fact.p99_seconds] == [
            value / 1000 for value in json.loads(exact)
        ]
        assert (fact.queries, fact.failed) == (3000, 0)
    (merged,) = (fact for fact in facts(modern, "queries", "latency") if fact.query_kind == "Recorded")
    assert (merged.queries, merged.hosts) == (12_000, 4)
    for level, seconds in ((0.5, merged.p50_seconds), (0.95, merged.p95_seconds), (0.99, merged.p99_seconds)):
        assert seconds == pytest.approx(sorted(truth)[int(level * len(truth))] / 1000, rel=0.05)
    for index in range(4):
        modern.query(index, "DELETE FROM system.query_log WHERE query_kind = 'Recorded'")


def test_slow_and_failed_queries_and_what_is_told_of_them(modern: ModernRig) -> None:
    assert run(modern, 1, "analyst", "SELECT sleep(2) AS slowly, 1 AS one SETTINGS max_threads = 1", "slow-1")
    assert "asked for" in run(modern, 2, "appsentry-backend", FAILING, "failed-1")
    assert "Syntax error" in run(modern, 2, "analyst", "SELEC 1", "failed-2")
    assert "UNKNOWN_TABLE" in run(modern, 0, "analyst", "SELECT count() FROM demo.orders_2019", "failed-3")
    flush(modern)

    (slow,) = (fact for fact in facts(modern, "queries", "slow") if fact.query_id == "slow-1")
    assert (slow.host, slow.user, slow.query_kind) == (str(ids(modern)[1]), "analyst", "Select")
    assert 2 <= slow.duration_seconds < 20
    assert (slow.result_rows, slow.exception) == (1, None)

    failed = {fact.query_id: fact for fact in facts(modern, "queries", "failed")}
    told = {
        name: (failed[name].user, failed[name].error_code, failed[name].error_name)
        for name in ("failed-1", "failed-2", "failed-3")
    }
    assert told == {
        "failed-1": ("appsentry-backend", 395, "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO"),
        "failed-2": ("analyst", 62, "SYNTAX_ERROR"),
        "failed-3": ("analyst", 60, "UNKNOWN_TABLE"),
    }
    assert failed["failed-1"].query == FAILING
    assert "asked for" in failed["failed-1"].exception
    assert 0 <= failed["failed-1"].age_seconds < 120
    kinds = {fact.query_kind: fact.failed for fact in facts(modern, "queries", "latency")}
    assert kinds[""] >= 1
    assert kinds["Select"] >= 2

    (summary,) = facts(modern, "query", "summary", ("slow-1",))
    assert (summary.state, summary.host, summary.interface) == ("finished", str(ids(modern)[1]), "HTTP")
    assert summary.duration_seconds == slow.duration_seconds
    lines = facts(modern, "query", "sql", ("slow-1",))
    assert {fact.is_formatted for fact in lines} == {True}
    assert [fact.text for fact in lines][:3] == ["SELECT", "    sleep(2) AS slowly,", "    1 AS one"]
    settings = {fact.name: fact.value for fact in facts(modern, "query", "settings", ("slow-1",))}
    assert settings["max_threads"] == "1"
    events = {fact.name: fact for fact in facts(modern, "query", "events", ("slow-1",))}
    assert events["RealTimeMicroseconds"].value >= 2_000_000
    assert events["RealTimeMicroseconds"].unit == "us"
    (summary,) = facts(modern, "query", "summary", ("failed-1",))
    assert (summary.state, summary.error_code, summary.error_name) == ("failed", 395, told["failed-1"][2])
    assert facts(modern, "query", "summary", ("it's \\ no query",)) == ()


def test_parts_of_an_ended_query_are_found_by_host(modern: ModernRig) -> None:
    sql = f"SELECT count() FROM cluster('{CLUSTER}', numbers(1000)) WHERE number % 7 = 3"
    run(modern, 0, "admin", sql, "ended-parts")
    flush(modern)
    (part,) = facts(modern, "query", "children", ("ended-parts",))
    assert part.host in {str(host) for host in ids(modern)[2:]}
    assert (part.state, part.read_rows) == ("finished", 1000)
    (own,) = facts(modern, "query", "summary", (part.query_id,))
    assert (own.initial_query_id, own.state) == ("ended-parts", "finished")


def test_a_pattern_that_became_slower_than_the_day_before(modern: ModernRig) -> None:
    text = "SELECT sleep({}) AS regressed"
    for number in range(20):
        run(modern, 0, "analyst", text.format(0.03 + number / 10_000), f"regressed-{number}")
    flush(modern)
    where = "WHERE query LIKE 'SELECT sleep(%) AS regressed' AND type = 'QueryFinish'"
    pattern = modern.query(0, f"SELECT any(normalized_query_hash) FROM system.query_log {where}").strip()

    def fact() -> Any:
        found = {one.normalized_query_hash: one for one in facts(modern, "queries", "patterns")}
        return found[pattern]

    new = fact()
    assert (new.queries, new.baseline_queries, new.regression_factor, new.is_regression) == (
        20,
        0,
        None,
        False,
    )
    assert new.p95_seconds >= 0.03
    assert new.query.startswith("SELECT sleep(0.0")
    # The same rows as they would have been logged three hours ago on two hosts, four times as quick.
    now = json.loads(modern.query(0, f"SELECT groupArray(query_duration_ms) FROM system.query_log {where}"))
    for index in (0, 1):
        modern.query(
            index,
            "INSERT INTO system.query_log SELECT * REPLACE(toDate(event_time - 10800) AS event_date, "
            "event_time - 10800 AS event_time, intDiv(query_duration_ms, 4) AS query_duration_ms) FROM (SELECT * FROM "
            f"remote('127.0.0.1:{modern.ports[0]}', system.query_log, 'internode', '{modern.password('internode')}') "
            f"{where} AND event_time > now() - 3600)",
        )
    slower = fact()
    assert (slower.queries, slower.baseline_queries, slower.is_regression) == (20, 40, True)
    p95 = sorted(map(int, now))[19]
    assert slower.regression_factor == pytest.approx(p95 / (p95 // 4), rel=0.06)
    subject = (pattern,)
    runs = facts(modern, "query_pattern", "runs", subject)
    assert {one.query_id for one in runs} == {f"regressed-{number}" for number in range(20)}
    trend = {one.quarters_ago: one for one in facts(modern, "query_pattern", "trend", subject)}
    assert sum(one.queries for one in trend.values()) == 60
    assert sum(one.queries for ago, one in trend.items() if 11 <= ago <= 13) == 40
    for index in (0, 1):
        modern.query(index, f"DELETE FROM system.query_log {where}")


def test_a_host_without_the_log_is_told(modern: ModernRig) -> None:
    part = page("queries").part("latency")
    assert part is not None

    def said() -> str:
        # The server makes the table again when it next has something to log.
        modern.query(3, "DROP TABLE IF EXISTS system.query_log SYNC")
        return " ".join(
            piece.text for piece in pages.notes(part, collected(modern.effective(), part.wants(())), ())
        )

    wait_until(
        lambda: f"{ids(modern)[3]}: this server has no system.query_log, " in said(), WAIT, "the missing log"
    )
