"""Killing queries on ClickHouse 18.16, which binds no parameters: the statement it gets is the one that was shown."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from chtui.act.kill import Candidate, kill_plan
from chtui.act.predicate import parse_predicate
from chtui.act.progress import Stage, Verified
from chtui.fleet.literal import literal
from chtui.records import HostId
from tests.engine.killing import (
    KILL_FIELDS,
    PROCESSES,
    LongQuery,
    Watcher,
    audited,
    candidates,
    executor_of,
    writing,
)
from tests.replication.conftest import effective_of
from tests.rigs.fixtures import ReplicatedCluster
from tests.rigs.servers import ServerNode
from tests.support import CLUSTER, wait_until

SLOW = "SELECT sum(sleepEachRow(0.5)) FROM (SELECT number FROM system.numbers LIMIT 200) SETTINGS max_block_size = 1"


def preview(cluster: ReplicatedCluster, *nodes: ServerNode) -> list[Candidate]:
    """Every running query of some servers."""
    return [
        query
        for node in nodes
        for query in candidates(host_of(node), cluster.servers.query(node, PROCESSES, user="admin"))
    ]


def host_of(node: ServerNode) -> HostId:
    """A server as the cluster names it."""
    return HostId(node.host, node.tcp_port)


@pytest.fixture
def mark(replicated_cluster: ReplicatedCluster) -> Iterator[str]:
    """What the names of a test's queries begin with; none of them outlives the test."""
    made = f"kill-{secrets.token_hex(3)}"
    yield made
    for node in replicated_cluster.servers.nodes:
        condition = f"position(query_id, {literal(made)}) > 0"
        replicated_cluster.servers.query(node, f"KILL QUERY WHERE {condition} ASYNC", user="admin")


def started(cluster: ReplicatedCluster, node: ServerNode, user: str, query_id: str) -> LongQuery:
    """A long query that is seen to run."""
    query = LongQuery(
        lambda: cluster.servers.query(node, SLOW, user=user, settings={"query_id": query_id}, timeout=120)
    )
    query.start()
    wait_until(
        lambda: query_id in {one.query_id for one in preview(cluster, node)}, 20, f"{query_id} running"
    )
    return query


def test_queries_on_two_hosts_are_killed_where_they_run(
    replicated_cluster: ReplicatedCluster, mark: str, tmp_path: Path
) -> None:
    cluster = replicated_cluster
    first, second = cluster.servers.nodes[:2]
    killed = [
        started(cluster, first, "default", f"{mark}-it's"),
        started(cluster, first, "admin", f"{mark}-b"),
        started(cluster, second, "default", f"{mark}-c"),
    ]
    spared = started(cluster, first, "default", f"other-{mark}")
    predicate = parse_predicate(f"query_id~^{mark}", KILL_FIELDS)
    plan = kill_plan(CLUSTER, filter(predicate.matches, preview(cluster, first, second)))
    assert plan.title == "kill 3 queries on 2 hosts"
    found = writing(effective_of(cluster), "admin", cluster.servers.passwords["admin"])
    where = {host_of(node): f"{node.host}:{cluster.http_port(node)}" for node in (first, second)}
    watcher = Watcher()
    executor_of(found, tmp_path).run(plan, where, watcher)
    done = watcher.last()
    assert done.is_good, done
    assert [set(host.gone) for host in done.hosts] == [{f"{mark}-it's", f"{mark}-b"}, {f"{mark}-c"}]
    for query in killed:
        query.join(10)
        assert "Query was cancelled" in query.end
    assert spared.is_alive()
    sent = [line for line in audited(tmp_path) if line["event"] == "send"]
    assert {line["statement"] for line in sent} == {step.text for step in plan.steps}
    for node, line in zip(
        (first, second), sorted(sent, key=lambda one: one["host"] != str(host_of(first))), strict=True
    ):
        text = (
            f"SELECT query FROM system.query_log WHERE query_id = {literal(line['query_id'])} FORMAT TSVRaw"
        )
        logged = wait_until(lambda node=node, text=text: cluster.servers.query(node, text).splitlines(), 20)  # type: ignore[misc]
        assert set(logged) == {line["statement"]}


def test_a_readonly_user_gets_the_servers_words(
    replicated_cluster: ReplicatedCluster, mark: str, tmp_path: Path
) -> None:
    node = replicated_cluster.servers.nodes[0]
    query = started(replicated_cluster, node, "default", f"{mark}-a")
    mine = [one for one in preview(replicated_cluster, node) if one.query_id.startswith(mark)]
    where = {host_of(node): f"{node.host}:{replicated_cluster.http_port(node)}"}
    watcher = Watcher()
    executor_of(effective_of(replicated_cluster), tmp_path).run(kill_plan(CLUSTER, mine), where, watcher)
    (told,) = watcher.last().hosts
    assert (told.stage, told.verified) == (Stage.FAILED, Verified.NOTHING)
    assert "Readonly user oncall attempts to kill query created by default" in told.why
    assert query.is_alive()
