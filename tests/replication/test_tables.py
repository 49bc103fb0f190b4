"""The tables pane and its details on real replication: replicas alike, one that lags, and what 18.16 cannot tell."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from chtui.session import Session, Watch
from chtui.views.pages import Part, unavailable
from chtui.views.panes import page
from tests.engine.fleets import collected
from tests.replication.conftest import DATABASE, effective_of
from tests.rigs.fixtures import ReplicatedCluster
from tests.support import fast, started, wait_until

WAIT = 60.0
ROWS = ((0, 600), (2, 200))
"""Which server gets how many rows: one of each shard, the other fetches them."""


@pytest.fixture
def filled(replicated_cluster: ReplicatedCluster, replicated_table: str) -> tuple[str, str]:
    """Database and name of a table with rows in two partitions and both shards, the same on both replicas."""
    query, nodes = replicated_cluster.servers.query, replicated_cluster.servers.nodes
    for index, rows in ROWS:
        insert = f"SELECT toDate('2026-01-01') + number % 40, number FROM numbers({rows})"
        query(nodes[index], f"INSERT INTO {replicated_table} {insert}")
        for node in nodes[index : index + 2]:
            count = partial(query, node, f"SELECT count() FROM {replicated_table}")
            wait_until(lambda count=count, rows=rows: count() == f"{rows}\n", WAIT, "the rows")  # type: ignore[misc]
    return (DATABASE, replicated_table.removeprefix(f"{DATABASE}."))


def part_of(name: str, part_name: str = "") -> Part:
    part = page(name).part(part_name)
    assert part is not None
    return part


def facts(cluster: ReplicatedCluster, part: Part, subject: tuple[str, ...] = ()) -> Any:
    return part.facts(collected(effective_of(cluster), part.wants(subject)), subject)


def one(found: Any, table: tuple[str, str]) -> Any:
    return next((fact for fact in found if (fact.database, fact.table) == table), None)


def test_replicas_that_are_alike(replicated_cluster: ReplicatedCluster, filled: tuple[str, str]) -> None:
    fact = one(facts(replicated_cluster, part_of("tables")), filled)
    assert (fact.engine, fact.hosts, fact.shards) == ("ReplicatedMergeTree", 4, 2)
    assert (fact.rows, fact.rows_all_replicas) == (800, 1600)
    assert (fact.replicas_differ, fact.replica_rows_difference, fact.differing_replicas) == (False, 0, "")
    assert (fact.shard_skew_ratio, fact.largest_shard_num) == (1.5, 1)
    query, nodes = replicated_cluster.servers.query, replicated_cluster.servers.nodes
    for field, what in (
        ("active_parts", "count()"),
        ("bytes_on_disk", "sum(bytes_on_disk)"),
        ("compressed_bytes", "sum(data_compressed_bytes)"),
        ("uncompressed_bytes", "sum(data_uncompressed_bytes)"),
    ):
        where = f"active AND database = '{filled[0]}' AND table = '{filled[1]}'"
        told = [int(query(node, f"SELECT {what} FROM system.parts WHERE {where}")) for node in nodes]
        assert getattr(fact, field) == sum(told) > 0, field
    assert fact.compression_ratio == fact.uncompressed_bytes / fact.compressed_bytes
    hosts = facts(replicated_cluster, part_of("table", "hosts"), filled)
    assert [(host.rows, host.lacking_rows, host.queue_entries) for host in hosts] == [
        (600, 0, 0), (600, 0, 0), (200, 0, 0), (200, 0, 0),
    ]  # fmt: skip
    assert [host.absolute_delay_seconds for host in hosts] == [0] * 4
    assert {host.replica_name for host in hosts} == {node.replica for node in nodes}
    assert all(host.zookeeper_path.endswith(".".join(filled)) for host in hosts)


def test_inserts_that_were_fetched_count_once(
    replicated_cluster: ReplicatedCluster, filled: tuple[str, str]
) -> None:
    def grown() -> Any:
        fact = one(facts(replicated_cluster, part_of("tables")), filled)
        return fact if fact.growth_rows_per_hour == 800 else None

    fact = wait_until(grown, WAIT, "all inserts in part_log")
    assert fact.growth_rows_per_day == 800
    assert fact.growth_bytes_per_day == fact.growth_bytes_per_hour > 0


def test_partitions_are_compared_one_by_one(
    replicated_cluster: ReplicatedCluster, filled: tuple[str, str]
) -> None:
    found = facts(replicated_cluster, part_of("table", "partitions"), filled)
    assert [fact.partition_id for fact in found] == ["202602", "202601"]
    assert [(fact.rows, fact.rows_all_replicas, fact.hosts) for fact in found] == [
        (180, 360, 4),
        (620, 1240, 4),
    ]
    assert [fact.replicas_differ for fact in found] == [False, False]
    assert (found[0].min_date, found[0].max_date, found[0].min_time) == ("2026-02-01", "2026-02-09", None)
    replicas = facts(replicated_cluster, part_of("partition", "replicas"), (*filled, "202602"))
    assert [(fact.rows, fact.lacking_rows, fact.queue_entries) for fact in replicas] == [
        (135, 0, 0), (135, 0, 0), (45, 0, 0), (45, 0, 0),
    ]  # fmt: skip
    parts = facts(replicated_cluster, part_of("partition", "parts"), (*filled, "202602"))
    assert len({fact.host for fact in parts if fact.active}) == 4
    assert sum(fact.rows for fact in parts if fact.active) == 360


@pytest.fixture
def session(
    replicated_cluster: ReplicatedCluster, filled: tuple[str, str], sessions: list[Session]
) -> Iterator[Session]:
    """A session that asks for tables, one table and one of its partitions every second."""
    intervals = {"tables": 1.0, "parts": 1.0, "logs": 1.0}
    made = started(fast(effective_of(replicated_cluster), **intervals), sessions)
    wants = {
        *part_of("tables").wants(()),
        *part_of("table", "hosts").wants(filled),
        *part_of("table", "partitions").wants(filled),
        *part_of("partition", "replicas").wants((*filled, "202603")),
    }
    made.watch("test", Watch(lambda _: None, lambda _: None), wants)
    yield made
    made.stop()


def test_a_replica_that_may_not_fetch_lacks_rows(
    replicated_cluster: ReplicatedCluster, filled: tuple[str, str], session: Session
) -> None:
    query, nodes = replicated_cluster.servers.query, replicated_cluster.servers.nodes

    def seen(name: str, part_name: str = "", subject: tuple[str, ...] = ()) -> Any:
        return part_of(name, part_name).facts(session.snapshot, subject)

    def lacking() -> int | None:
        fact = one(seen("tables"), filled)
        return fact.replica_rows_difference if fact and (fact.rows_all_replicas or 0) >= 1600 else None

    wait_until(lambda: lacking() == 0, WAIT, "replicas alike")
    query(nodes[1], "SYSTEM STOP FETCHES")
    try:
        query(
            nodes[0], f"INSERT INTO {'.'.join(filled)} SELECT toDate('2026-03-01'), number FROM numbers(5000)"
        )
        wait_until(lambda: lacking() == 5000, WAIT, "the rows that one replica lacks")
        lagging = f"{nodes[1].host}:{nodes[1].tcp_port}"
        fact = one(seen("tables"), filled)
        assert fact.differing_replicas == f"{lagging} lacks 5000 rows"
        assert (fact.rows, fact.rows_all_replicas) == (5800, 6600)
        wait_until(lambda: one(seen("tables"), filled).replicas_differ, WAIT, "the alarm")

        def host() -> Any:
            return next(each for each in seen("table", "hosts", filled) if each.host == lagging)

        wait_until(lambda: host().queue_entries, WAIT, "the queue that explains it")
        assert (host().rows, host().lacking_rows) == (600, 5000)
        subject = (*filled, "202603")

        def partition() -> list[Any]:
            found = [each for each in seen("table", "partitions", filled) if each.partition_id == "202603"]
            return [(each.hosts, each.replica_rows_difference) for each in found]

        def replicas() -> list[Any]:
            return [(each.rows, each.lacking_rows) for each in seen("partition", "replicas", subject)]

        wait_until(lambda: partition() == [(1, 5000)], WAIT, "the partition only one host holds")
        wait_until(lambda: replicas() == [(5000, 0), (0, 5000), (0, 0), (0, 0)], WAIT, "its replicas")
    finally:
        query(nodes[1], "SYSTEM START FETCHES")
    wait_until(lambda: lacking() == 0, WAIT, "replicas alike again")
    assert one(seen("tables"), filled).rows_all_replicas == 11_600


def test_what_its_version_cannot_tell_is_null_with_the_reason(
    replicated_cluster: ReplicatedCluster, filled: tuple[str, str]
) -> None:
    part = part_of("tables", "detached")
    snapshot = collected(effective_of(replicated_cluster), part.wants(()))
    (reason,) = unavailable(part, snapshot, ()).values()
    assert reason.startswith("this server is older than")
    assert "system.detached_parts" in reason
    for name, subject, field, column in (
        ("columns", filled, "codec", "system.columns.compression_codec"),
        ("partitions", filled, "disks", "system.parts.disk_name"),
    ):
        part = part_of("table", name)
        snapshot = collected(effective_of(replicated_cluster), part.wants(subject))
        found = part.facts(snapshot, subject)
        assert found
        assert {getattr(fact, field) for fact in found} == {None}
        assert unavailable(part, snapshot, subject) == {field: f"this server has no {column}"}


def test_columns_are_told_with_their_bytes(
    replicated_cluster: ReplicatedCluster, filled: tuple[str, str]
) -> None:
    day, key = facts(replicated_cluster, part_of("table", "columns"), filled)
    assert (day.name, day.type, day.is_in_partition_key, day.is_in_sorting_key) == (
        "day",
        "Date",
        True,
        False,
    )
    assert (key.name, key.type, key.is_in_primary_key) == ("key", "UInt64", True)
    assert (day.uncompressed_bytes, key.uncompressed_bytes) == (1600 * 2, 1600 * 8)
    assert (day.hosts, day.hosts_differ) == (4, False)


def test_passwords_that_the_server_shows_are_hidden(
    replicated_cluster: ReplicatedCluster, filled: tuple[str, str]
) -> None:
    node, name = replicated_cluster.servers.nodes[0], f"{filled[1]}_far"
    query = partial(replicated_cluster.servers.query, node)
    query(
        f"CREATE TABLE {DATABASE}.{name} (a UInt8) ENGINE = MySQL('127.0.0.1:1', 'db', 't', 'user', 'hunter2')"
    )
    try:
        shown = query(f"SELECT create_table_query FROM system.tables WHERE name = '{name}'")
        assert "hunter2" in shown, "this server shows it: chtui has something to hide"
        (fact,) = facts(replicated_cluster, part_of("table", "ddl"), (DATABASE, name))
        assert fact.create_table_query.endswith(
            "ENGINE = MySQL('127.0.0.1:1', 'db', 't', 'user', '[HIDDEN]')"
        )
    finally:
        query(f"DROP TABLE {DATABASE}.{name}")
    (told,) = facts(replicated_cluster, part_of("table", "ddl"), filled)
    assert len(told.hosts) == 4, "the same statement on all, macros unreplaced"


def test_statements_differ_after_a_change_on_one_shard(
    replicated_cluster: ReplicatedCluster, filled: tuple[str, str]
) -> None:
    query, nodes = replicated_cluster.servers.query, replicated_cluster.servers.nodes
    query(nodes[2], f"ALTER TABLE {'.'.join(filled)} ADD COLUMN more UInt8")

    def both() -> Any:
        found = facts(replicated_cluster, part_of("table", "ddl"), filled)
        return found if sorted(len(fact.hosts) for fact in found) == [2, 2] else None

    first, second = wait_until(both, WAIT, "the changed statement on both replicas of the shard")
    assert first.hosts_differ
    assert second.hosts_differ
    found = {fact.name: fact for fact in facts(replicated_cluster, part_of("table", "columns"), filled)}
    assert (found["more"].hosts, found["more"].hosts_differ, found["key"].hosts_differ) == (2, True, False)
