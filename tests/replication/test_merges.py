"""Mutations, pools and a Replicated table's own pages on 18.16: a failing mutation, a dead peer, rows that one replica lacks."""

from __future__ import annotations

from collections.abc import Iterator
from secrets import token_hex
from typing import Any

import pytest

from chtui.monitor.snapshot import Snapshot
from chtui.session import Session, Watch
from chtui.views.pages import Part, table, unavailable
from chtui.views.panes import page
from tests.engine.fleets import collected
from tests.replication.conftest import effective_of
from tests.replication.test_replicas import host_ids, keeper_queries
from tests.rigs.fixtures import ReplicatedCluster
from tests.rigs.server_config import CLUSTER
from tests.support import fast, started, wait_until

WAIT = 60.0


def part_of(name: str, part_name: str = "") -> Part:
    part = page(name).part(part_name)
    assert part is not None
    return part


def look(cluster: ReplicatedCluster, part: Part, subject: tuple[str, ...] = ()) -> Snapshot:
    """One look at what a part wants."""
    return collected(effective_of(cluster), part.wants(subject))


@pytest.fixture
def mutated_table(replicated_cluster: ReplicatedCluster) -> Iterator[tuple[str, str]]:
    """Database and table of a Replicated table with two partitions and a text, on every server."""
    # A name of its own each time: the part log keeps what an earlier one did.
    servers, name = replicated_cluster.servers, f"chtui_tests.mutated_{token_hex(3)}"
    servers.sql_on_cluster(f"CREATE DATABASE IF NOT EXISTS chtui_tests ON CLUSTER {CLUSTER}")
    servers.sql_on_cluster(
        f"CREATE TABLE {name} ON CLUSTER {CLUSTER} (day Date, key UInt64, text String) "
        f"ENGINE = ReplicatedMergeTree('/clickhouse/tables/{{shard}}/{name}', '{{replica}}') "
        "PARTITION BY toYYYYMM(day) ORDER BY key"
    )
    for month in ("01", "02"):
        servers.query(servers.nodes[0], f"INSERT INTO {name} VALUES ('2026-{month}-01', 1, 'text')")
    yield ("chtui_tests", name.partition(".")[2])
    replicated_cluster.heal()
    servers.sql_on_cluster(f"DROP TABLE {name} ON CLUSTER {CLUSTER}")


def test_why_a_mutation_fails_is_read_in_the_queue(
    replicated_cluster: ReplicatedCluster, mutated_table: tuple[str, str], sessions: list[Session]
) -> None:
    servers, part = replicated_cluster.servers, part_of("merges", "mutations")
    session = started(fast(effective_of(replicated_cluster), merges=1.0, mutations=1.0, tables=1.0), sessions)
    session.watch("test", Watch(lambda _: None, lambda _: None), part.wants(()))

    def facts() -> Any:
        return [fact for fact in part.facts(session.snapshot, ()) if fact.table == mutated_table[1]]

    command = "UPDATE text = toString(toUInt32(text)) WHERE 1"
    servers.query(servers.nodes[0], f"ALTER TABLE {'.'.join(mutated_table)} {command}")
    wait_until(lambda: facts() and facts()[0].is_failing and facts()[0].hosts == 2, WAIT, "the failure")
    (fact,) = facts()
    assert (fact.database, fact.command, fact.mutation_id) == (mutated_table[0], command, "0000000000")
    assert fact.stuck_reason.startswith(
        "fails: Code: 6, e.displayText() = DB::Exception: Cannot parse string"
    )
    assert "Cannot parse string 'text' as UInt32" in fact.latest_fail_reason
    assert fact.latest_failed_part.startswith(("202601_", "202602_"))
    assert fact.parts_to_do == 4
    reason = "this server has no system.mutations.is_killed"
    wait_until(
        lambda: unavailable(part, session.snapshot, ()).get("is_killed") == reason, WAIT, "all hosts' reason"
    )
    row = next(row for row in table(part, session.snapshot, ()).rows if row.link)
    assert row.copy == command
    assert "FAILS" in [cell.text for cell in row.cells]


def test_pools_and_limits_of_an_old_server(
    replicated_cluster: ReplicatedCluster, mutated_table: tuple[str, str]
) -> None:
    servers, part = replicated_cluster.servers, part_of("merges", "pools")
    facts = part.facts(look(replicated_cluster, part), ())
    assert {(fact.host, fact.pool) for fact in facts} == {
        (str(host), pool) for host in host_ids(replicated_cluster) for pool in ("all", "schedule")
    }
    sizes = {fact.pool: fact.max_tasks for fact in facts}
    told = servers.query(
        servers.nodes[0], "SELECT value FROM system.settings WHERE name = 'background_pool_size'"
    )
    assert sizes["all"] == int(told)
    assert {fact.size_source for fact in facts} == {"setting"}
    part = part_of("merges", "partitions")
    found = [
        fact for fact in part.facts(look(replicated_cluster, part), ()) if fact.table == mutated_table[1]
    ]
    assert {(fact.partition_id, fact.parts) for fact in found} == {("202601", 1), ("202602", 1)}
    assert {(fact.parts_to_delay, fact.parts_to_throw, fact.max_table_parts) for fact in found} == {
        (150, 300, 0)
    }
    assert {(fact.state, fact.fill_ratio) for fact in found} == {("ok", 1 / 300)}


def test_the_part_log_of_an_old_server(
    replicated_cluster: ReplicatedCluster, mutated_table: tuple[str, str]
) -> None:
    part = part_of("merges", "throughput")

    def work() -> Any:
        facts = part.facts(look(replicated_cluster, part), ())
        # Each host writes its log down at a time of its own.
        return [
            fact
            for fact in facts
            if fact.table == mutated_table[1] and (fact.downloaded_parts, fact.new_parts) == (2, 2)
        ]

    (fact,) = wait_until(work, WAIT, "the part log")
    assert (fact.new_rows, fact.hosts, fact.errors) == (2, 2, 0)


def test_replicas_of_a_table_and_a_dead_peer(
    replicated_cluster: ReplicatedCluster, replicated_table: str
) -> None:
    servers, hosts = replicated_cluster.servers, host_ids(replicated_cluster)
    database, _, name = replicated_table.partition(".")
    subject, part, keeper = (database, name), part_of("replica"), part_of("replica", "keeper")
    assert keeper.demand == "several Keeper requests a host"
    asked = [keeper_queries(replicated_cluster, index) for index in range(4)]
    facts = part.facts(look(replicated_cluster, part, subject), subject)
    assert [(fact.host, fact.shard_num, fact.state) for fact in facts] == [
        (str(host), shard, "ok") for host, shard in zip(hosts, (1, 1, 2, 2), strict=True)
    ]
    assert {fact.zookeeper_path for fact in facts} == {
        f"/clickhouse/tables/{shard}/{replicated_table}" for shard in ("01", "02")
    }
    assert {(fact.queue_entries, fact.parts_to_check, fact.oldest_queue_entry_seconds) for fact in facts} == {
        (0, 0, None)
    }
    # What costs Keeper requests was not asked by looking at the replicas, nor at what they hold.
    look(replicated_cluster, part_of("replica", "compare"), subject)
    assert [keeper_queries(replicated_cluster, index) for index in range(4)] == asked
    found = keeper.facts(look(replicated_cluster, keeper, subject), subject)
    assert [keeper_queries(replicated_cluster, index) for index in range(4)] == [count + 1 for count in asked]
    assert {(fact.active_replicas, fact.total_replicas, fact.log_lag_entries) for fact in found} == {
        (2, 2, 0)
    }
    servers.kill(servers.nodes[1])

    def missed() -> Any:
        seen = {fact.host: fact for fact in keeper.facts(look(replicated_cluster, keeper, subject), subject)}
        fact = seen.get(str(hosts[0]))
        return fact if fact and fact.active_replicas == 1 else None

    fact = wait_until(missed, WAIT, "the dead peer in Keeper")
    assert (fact.total_replicas, fact.lost_part_count, fact.zookeeper_exception) == (2, None, None)
    snapshot = look(replicated_cluster, part, subject)
    states = {fact.host: fact.state for fact in part.facts(snapshot, subject)}
    assert states == {str(host): "unknown" if host == hosts[1] else "ok" for host in hosts}
    assert [row.link.page for row in table(part, snapshot, subject).rows if row.link] == ["replica_set"] * 3


def test_rows_that_one_replica_lacks(replicated_cluster: ReplicatedCluster, replicated_table: str) -> None:
    servers, hosts = replicated_cluster.servers, host_ids(replicated_cluster)
    database, _, name = replicated_table.partition(".")
    subject, part = (database, name), part_of("replica", "compare")
    first, second = servers.nodes[:2]
    servers.query(first, f"INSERT INTO {replicated_table} VALUES ('2026-01-01', 1), ('2026-01-01', 2)")
    wait_until(lambda: servers.query(second, f"SELECT count() FROM {replicated_table}") == "2\n", WAIT)

    def facts() -> Any:
        return part.facts(look(replicated_cluster, part, subject), subject)

    assert [(fact.host, fact.rows, fact.rows_lacking, fact.is_different) for fact in facts()] == [
        (str(host), 2, 0, False) for host in sorted(hosts[:2], key=str)
    ]
    servers.query(second, "SYSTEM STOP FETCHES")
    try:
        servers.query(first, f"INSERT INTO {replicated_table} VALUES ('2026-02-01', 3)")
        wait_until(lambda: facts()[0].is_different, WAIT, "the difference, once it is old enough")
        worst, *others = facts()
        assert (worst.host, worst.partition_id, worst.rows, worst.rows_lacking) == (
            str(hosts[1]),
            "202602",
            0,
            1,
        )
        assert [(fact.rows_lacking, fact.is_different) for fact in others] == [(0, False)] * 3
    finally:
        servers.query(second, "SYSTEM START FETCHES")
    wait_until(lambda: not any(fact.rows_lacking for fact in facts()), WAIT, "the same rows")
