"""Every statement of the monitor on ClickHouse 18.16, through the driver, against what its header declares."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from functools import partial

import pytest

from chtui import sql
from chtui.errors import QueryError
from chtui.fleet.driver import Driver, parse_version
from chtui.fleet.literal import Value, literal, quote_identifier
from chtui.monitor.probes import PROBES
from tests.engine import contract
from tests.replication.conftest import effective_of
from tests.rigs.fixtures import ReplicatedCluster
from tests.rigs.servers import ServerNode
from tests.support import wait_until

WRITTEN_FOR_IT = tuple(
    name for name in contract.SELECTS if parse_version(sql.load(name).engines.partition("+")[0]) <= (18, 16)
)


@pytest.fixture
def node(replicated_cluster: ReplicatedCluster) -> ServerNode:
    """The first server."""
    return replicated_cluster.servers.nodes[0]


@pytest.fixture
def driver(replicated_cluster: ReplicatedCluster, node: ServerNode) -> Iterator[Driver]:
    """The on-call user on the first server."""
    found = effective_of(replicated_cluster)
    with contract.connected(found, replicated_cluster.http_port(node)) as connection:
        yield connection


def answered_types(
    cluster: ReplicatedCluster,
    node: ServerNode,
    statement: sql.Statement,
    text: str,
    params: Mapping[str, Value],
) -> list[tuple[str, str]]:
    """The columns and types the server itself gives the text the driver would send."""
    bound = statement.bound(text, {name: literal(value) for name, value in params.items()})
    body = cluster.servers.query(node, f"{bound}\nFORMAT TabSeparatedWithNamesAndTypes", user="oncall")
    names, types = body.splitlines()[:2]
    return list(zip(names.split("\t"), (kind.replace("\\'", "'") for kind in types.split("\t")), strict=True))


def test_most_of_the_folder_is_written_for_it(driver: Driver) -> None:
    able = contract.capabilities_of(driver)
    assert (able.version[:3], driver.version[:8]) == ((18, 16, 1), "18.16.1")
    assert driver.binds_parameters is False
    assert able.sees_all_tables is True
    assert able.readonly_level == 1
    assert len(WRITTEN_FOR_IT) >= 11
    for name in contract.STATEMENTS:
        statement = sql.load(name)
        too_old = name not in WRITTEN_FOR_IT and name != "monitor/kill_own_query"
        assert able.is_too_old(statement) is too_old, name
        missing = ", ".join(sorted(statement.needs - able.tables - able.columns))
        if missing and not able.is_too_old(statement):
            # Logs are made when there is first something to write.
            assert missing.endswith("_log"), name
            continue
        if missing:
            since = statement.engines.partition("+")[0]
            assert able.lacks(statement) == f"this server is older than {since}, which brought {missing}"
        if not too_old:
            assert able.lacks(statement) == "", name


OTHERS_SHOW_ROWS = frozenset(
    f"monitor/{name}"
    for name in (
        "failed_queries", "host_load", "merges", "mutation_entries", "mutations", "other_tables", "outstanding",
        "query_latency_by_word", "query_logged", "query_percentiles_by_word", "query_processes",
        "query_text_as_sent", "queue_entries", "queue_entry", "queue_groups", "slow_queries", "table_growth",
    )
)  # fmt: skip
"""Statements that may give no row on a cluster that is well and at rest: the tests of their panes make the rows they find."""


@pytest.mark.parametrize("name", WRITTEN_FOR_IT)
def test_columns_and_types_are_as_declared(
    driver: Driver, replicated_cluster: ReplicatedCluster, replicated_table: str, node: ServerNode, name: str
) -> None:
    replicated_cluster.servers.query(node, f"INSERT INTO {replicated_table} VALUES ('2026-01-01', 1)")
    if name == "monitor/host_load":
        # The server measures them a minute after its start, some only.
        wait_until(lambda: "system.asynchronous_metrics" in contract.capabilities_of(driver).tables)
    able, statement = contract.capabilities_of(driver), sql.load(name)
    database, _, table = replicated_table.partition(".")
    partition = replicated_cluster.servers.query(
        node, f"SELECT any(partition_id) FROM system.parts WHERE active AND table = '{table}'"
    )
    params = contract.params_of(
        name,
        every_table=1,
        tables=[f"{len(database)}:{replicated_table}"],
        database=database,
        table=table,
        partition_id=partition.strip(),
    )
    absent = able.absent(statement)
    text, missing = statement.adapted(absent)
    answered = partial(answered_types, replicated_cluster, node, statement, params=params)
    assert answered(text) == contract.declared(statement, missing)
    empty = contract.without_rows(statement)
    assert answered(empty.adapted(absent)[0]) == contract.declared(statement, missing)

    nothing = contract.ask(driver, empty, params, absent)
    assert list(nothing.rows) == []
    contract.records_of(name, nothing)
    given = contract.ask(driver, statement, params, absent)
    assert dict(given.missing) == missing
    if not given.rows and name in OTHERS_SHOW_ROWS:
        return
    assert given.rows
    assert list(given.columns) == [column.name for column in statement.columns]
    if name.removeprefix("monitor/") in PROBES:
        records = contract.records_of(name, given)
        assert records
        assert all(getattr(record, field) is None for record in records for field in missing)


def test_what_it_lacks_are_typed_nulls_with_a_reason(driver: Driver) -> None:
    able = contract.capabilities_of(driver)
    found: dict[str, str] = {}
    for name in WRITTEN_FOR_IT:
        statement = sql.load(name)
        for column, reason in statement.adapted(able.absent(statement))[1].items():
            found[f"{name.removeprefix('monitor/')}.{column}"] = reason.removeprefix(
                "this server has no system."
            )
    assert found == {
        "merges.is_mutation": "merges.is_mutation",
        "merges.merge_type": "merges.merge_type",
        "mutations.is_killed": "mutations.is_killed",
        "mutations.latest_fail_age_seconds": "mutations.latest_fail_time",
        "mutations.latest_fail_reason": "mutations.latest_fail_reason",
        "mutations.latest_failed_part": "mutations.latest_failed_part",
        "mutations.parts_in_progress": "mutations.parts_in_progress_names",
        "mutations.postpone_reason": "mutations.parts_postpone_reasons",
        "partition_parts.disk": "parts.disk_name",
        "partition_parts.part_type": "parts.part_type",
        "queue_entry.merge_type": "replication_queue.merge_type",
        "replica_keeper_state.lost_part_count": "replicas.lost_part_count",
        "replica_keeper_state.zookeeper_exception": "replicas.zookeeper_exception",
        "replica_requests.lost_part_count": "replicas.lost_part_count",
        "replica_requests.zookeeper_exception": "replicas.zookeeper_exception",
        "replica_state.last_queue_update_exception": "replicas.last_queue_update_exception",
        "replica_state.readonly_seconds": "replicas.readonly_start_time",
        "suspect_replicas.last_queue_update_exception": "replicas.last_queue_update_exception",
        "suspect_replicas.readonly_seconds": "replicas.readonly_start_time",
        "table_columns.codec": "columns.compression_codec",
        "table_partitions.disks": "parts.disk_name",
    }


def test_statements_that_are_no_selects(driver: Driver) -> None:
    for name in ("monitor/show_grant", "monitor/show_grants"):
        with pytest.raises(QueryError) as refused:
            contract.ask(driver, sql.load(name), {})
        assert refused.value.code == 62
    hostile = {"query_id": "'; DROP TABLE x; --"}
    driver.command(sql.load("monitor/kill_own_query"), hostile, query_id=next(contract.IDS), seconds=10)


def test_hostile_values_come_back_unchanged(driver: Driver) -> None:
    for text in contract.HOSTILE_TEXTS:
        answer = contract.ask(driver, contract.scalar("String"), {"value": text})
        assert [tuple(row) for row in answer.rows] == [(text, len(text.encode()))], repr(text)
    texts: list[Value] = list(contract.HOSTILE_TEXTS)
    answer = contract.ask(driver, contract.scalar("Array(String)"), {"value": texts})
    assert list(answer.rows[0][0]) == texts
    number = contract.text_statement("SELECT {value:UInt64} AS value")
    for value in (0, 2**64 - 1):
        assert contract.ask(driver, number, {"value": value}).rows[0][0] == value


def test_outstanding_finds_a_query_by_its_id(driver: Driver) -> None:
    own = next(contract.IDS)
    for ids, expected in (([own, "it's \\ not"], [(own,)]), (["it's \\ not"], [])):
        answer = driver.read(
            sql.load("monitor/outstanding"), {"query_ids": list(ids)}, query_id=own, seconds=10
        )
        assert list(answer.rows) == expected


@pytest.mark.parametrize("name", contract.HOSTILE_NAMES)
def test_hostile_names_are_quoted(
    driver: Driver, replicated_cluster: ReplicatedCluster, node: ServerNode, name: str
) -> None:
    query = partial(replicated_cluster.servers.query, node, user="admin")
    database = f"{name}-{secrets.token_hex(3)}"
    where, column = f"{quote_identifier(database)}.{quote_identifier(name)}", quote_identifier(name)
    query(f"CREATE DATABASE {quote_identifier(database)}")
    try:
        query(f"CREATE TABLE {where} ({column} UInt8) ENGINE = MergeTree ORDER BY {column}")
        query(f"INSERT INTO {where} VALUES (7)")
        answer = contract.ask(driver, contract.text_statement(f"SELECT {column} FROM {where}"), {})
        assert (tuple(answer.columns), list(answer.rows)) == ((name,), [(7,)])
        listed = contract.ask(driver, sql.load("monitor/host_tables"), {"max_rows": 1000})
        tables = {(row.database, row.table): row.rows for row in contract.records_of("host_tables", listed)}
        assert tables[database, name] == 1
    finally:
        query(f"DROP TABLE IF EXISTS {where}")
        query(f"DROP DATABASE {quote_identifier(database)}")
    assert query(f"SELECT count() FROM system.databases WHERE name = {literal(database)}") == "0\n"
