"""The queries pane on 18.16: what it has no columns for is derived, or said to be missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from chtui.monitor.snapshot import Snapshot
from chtui.session import Session, Watch
from chtui.views import pages
from chtui.views.panes import page
from chtui.views.queries.running import running_facts
from tests.engine.fleets import collected
from tests.engine.killing import LongQuery
from tests.replication.conftest import effective_of
from tests.rigs.fixtures import ReplicatedCluster
from tests.rigs.server_config import CLUSTER
from tests.support import fast, started, wait_until

WAIT = 60.0
LONG = "/* report */ SELECT count() FROM (SELECT sleepEachRow(0.02) AS nap, number FROM numbers(100000)) WHERE nap = 0"
MISSING = "this server is older than 20.12, which brought "


def ask(cluster: ReplicatedCluster, index: int, sql: str, query_id: str, user: str = "admin") -> LongQuery:
    servers = cluster.servers
    asked = LongQuery(
        lambda: servers.query(servers.nodes[index], sql, user, {"query_id": query_id, "max_block_size": "20"})
    )
    asked.start()
    return asked


@contextmanager
def running(cluster: ReplicatedCluster, index: int, sql: str, query_id: str) -> Iterator[None]:
    """A query that runs until the block is left."""
    asked = ask(cluster, index, sql, query_id)
    try:
        yield
    finally:
        for node in cluster.servers.nodes:
            cluster.servers.query(
                node, f"KILL QUERY WHERE initial_query_id = '{query_id}' ASYNC", user="admin"
            )
        asked.join(30)
        assert not asked.is_alive()


def facts(cluster: ReplicatedCluster, name: str, part_name: str = "", subject: tuple[str, ...] = ()) -> Any:
    part = page(name).part(part_name)
    assert part is not None
    return part.facts(collected(effective_of(cluster), part.wants(subject)), subject)


def logged(cluster: ReplicatedCluster, query_id: str) -> None:
    """Wait until the end of a query is in some server's log."""
    text = f"SELECT count() FROM system.query_log WHERE type > 1 AND query_id = '{query_id}'"
    servers = cluster.servers
    wait_until(
        lambda: any(servers.query(node, text) != "0\n" for node in servers.nodes), WAIT, "the query log"
    )


@pytest.fixture
def live(replicated_cluster: ReplicatedCluster, sessions: list[Session]) -> Callable[[], Snapshot]:
    """What runs, asked every second."""
    session = started(fast(effective_of(replicated_cluster), queries=1.0), sessions)
    session.watch("test", Watch(lambda _: None, lambda _: None), page("queries").parts[0].wants(()))
    return lambda: session.snapshot


def test_running_queries_with_their_parts(
    replicated_cluster: ReplicatedCluster, live: Callable[[], Snapshot]
) -> None:
    two = LONG.replace("numbers(100000)", f"cluster('{CLUSTER}', system.numbers) LIMIT 100000")

    def found() -> dict[str, Any]:
        return {fact.query_id: fact for fact in running_facts(live(), ())}

    with running(replicated_cluster, 1, LONG, "old-long"), running(replicated_cluster, 0, two, "old-two"):
        long = wait_until(
            lambda: (fact := found().get("old-long")) and fact.read_rows_per_second and fact, WAIT
        )
        node = replicated_cluster.servers.nodes[1]
        assert (long.host, long.user) == (f"{node.host}:{node.tcp_port}", "admin")
        assert (long.query_kind, long.interface, long.query) == ("Select", "HTTP", LONG)
        assert long.elapsed_seconds > 0
        whole = wait_until(lambda: (fact := found().get("old-two")) and fact.parts and fact, WAIT)
        assert (whole.hosts, whole.is_initial_query) == (2, True)
        assert not [query_id for query_id in found() if query_id.startswith("chtui-")]
        (summary,) = facts(replicated_cluster, "query", "summary", ("old-long",))
        assert (summary.state, summary.interface) == ("running", "HTTP")


def test_latency_by_kind_of_the_first_word(replicated_cluster: ReplicatedCluster) -> None:
    for index in range(4):
        for number, text in enumerate(
            ("SELECT sleep(0.05)", "/* why */ select 1", "SHOW TABLES FROM system", "WITH 1 AS x SELECT x")
        ):
            ask(replicated_cluster, index, text, f"old-{index}-{number}").join(30)
            logged(replicated_cluster, f"old-{index}-{number}")
    merged = {fact.query_kind: fact for fact in facts(replicated_cluster, "queries", "latency")}
    assert merged["Select"].queries >= 12
    assert merged["Show"].queries >= 4
    assert merged["Select"].hosts == merged["Show"].hosts == 4
    assert merged["Select"].max_seconds >= 0.05
    hosts = facts(replicated_cluster, "queries", "latency_hosts")
    for fact in hosts:
        assert fact.p50_seconds is None or fact.p50_seconds <= fact.p95_seconds <= fact.max_seconds
    slowest = max(fact.max_seconds or 0 for fact in hosts if fact.query_kind == "Select")
    assert merged["Select"].max_seconds == pytest.approx(slowest)


def test_slow_and_failed_queries(replicated_cluster: ReplicatedCluster) -> None:
    ask(replicated_cluster, 2, "SELECT sleep(1.5)", "old-slow").join(30)
    ask(replicated_cluster, 3, "SELECT count() FROM no_such_table", "old-failed").join(30)
    logged(replicated_cluster, "old-slow")
    logged(replicated_cluster, "old-failed")
    (slow,) = (fact for fact in facts(replicated_cluster, "queries", "slow") if fact.query_id == "old-slow")
    assert 1.5 <= slow.duration_seconds < 20
    assert (slow.user, slow.query_kind) == ("admin", "Select")
    (failed,) = (
        fact for fact in facts(replicated_cluster, "queries", "failed") if fact.query_id == "old-failed"
    )
    assert (failed.error_code, failed.error_name, failed.query) == (
        60,
        None,
        "SELECT count() FROM no_such_table",
    )
    assert "no_such_table" in failed.exception
    (summary,) = facts(replicated_cluster, "query", "summary", ("old-slow",))
    assert (summary.state, summary.user) == ("finished", "admin")
    (line,) = facts(replicated_cluster, "query", "sql", ("old-slow",))
    assert (line.text, line.is_formatted) == ("SELECT sleep(1.5)", False)
    assert {fact.name for fact in facts(replicated_cluster, "query", "settings", ("old-slow",))} >= {
        "max_block_size"
    }
    assert {fact.name for fact in facts(replicated_cluster, "query", "events", ("old-slow",))} >= {
        "RealTimeMicroseconds"
    }
    assert facts(replicated_cluster, "query", "summary", ("it's \\ no query",)) == ()


def test_patterns_are_not_available_and_say_why(replicated_cluster: ReplicatedCluster) -> None:
    part = page("queries").part("patterns")
    assert part is not None
    snapshot = collected(effective_of(replicated_cluster), part.wants(()))
    assert pages.table(part, snapshot, ()).empty.startswith(
        f"not known: {MISSING}system.query_log.normalized_query_hash"
    )
    assert pages.unavailable(part, snapshot, ())["*"].startswith(MISSING)
