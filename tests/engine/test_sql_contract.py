"""Every statement of the monitor on ClickHouse 26.9, through the driver, against what its header declares."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from chtui import sql
from chtui.demo import DemoCluster, DemoOptions
from chtui.errors import QueryError
from chtui.fleet.capabilities import Capabilities, grants_show_all
from chtui.fleet.driver import Driver, parse_version
from chtui.fleet.literal import Value, quote_identifier, quote_string
from chtui.monitor.probes import PROBES
from chtui.profile.endpoint import Endpoint
from tests.engine import contract
from tests.support import CLUSTER, ModernRig, effective, replace

REPLICATED = "demo.replicated_orders"


@pytest.fixture
def driver(modern: ModernRig) -> Iterator[Driver]:
    """The on-call user on the first host."""
    with contract.connected(modern.effective(), modern.http_ports[0]) as connection:
        yield connection


@pytest.fixture(scope="module")
def keepered() -> Iterator[DemoCluster]:
    """One node with Replicated tables: this engine leaves them read-only."""
    with DemoCluster(DemoOptions(shards=1, replicas=1, rows=10, load=False, zookeeper=True)) as demo:
        yield demo


def described(
    driver: Driver, statement: sql.Statement, params: dict[str, Value], able: Capabilities
) -> list[tuple[str, str]]:
    text = replace(statement, text=f"DESCRIBE (\n{statement.text}\n)")
    answer = contract.ask(driver, text, params, able.absent(statement))
    return [(str(row[0]), str(row[1])) for row in answer.rows]


def test_nothing_in_the_folder_is_left_out(driver: Driver) -> None:
    able = contract.capabilities_of(driver)
    assert set(contract.STATEMENTS) | contract.NOT_ALONE == set(sql.names("monitor"))
    asked = {statement.name for probe in PROBES.values() for statement in probe.statements}
    assert asked <= set(contract.SELECTS) | contract.NOT_SELECTS
    assert able.version == parse_version(driver.version) >= (25,)
    for name in sql.names("monitor"):
        statement = sql.load(name)
        assert not able.is_too_old(statement), statement.engines
        assert statement.purpose
        assert statement.cost


PORTLESS = "monitor/https_ports"
"""The embedded engine has no HTTPS port: what the server says then, and that the text is its sister's, is what can be seen."""


def test_https_ports_of_servers_that_have_none(driver: Driver) -> None:
    with pytest.raises(QueryError, match="There is no port named https_port") as refused:
        contract.ask(driver, sql.load(PORTLESS), contract.params_of(PORTLESS))
    assert refused.value.code == 701
    sister = sql.load("monitor/http_ports")
    assert sql.load(PORTLESS).text.replace("https_port", "http_port") == sister.text
    assert sql.load(PORTLESS).columns == sister.columns


KEEPERLESS = ("monitor/ddl_entries", "monitor/ddl_hosts")
"""Statements that read Keeper, which the embedded engine refuses to be without; their rows are tested as recorded."""
UNSERVED = (PORTLESS, *KEEPERLESS)


@pytest.mark.parametrize("name", KEEPERLESS)
def test_the_ddl_queue_of_servers_without_keeper(driver: Driver, name: str) -> None:
    with pytest.raises(QueryError, match="There is no Zookeeper configuration") as refused:
        contract.ask(driver, sql.load(name), contract.params_of(name))
    assert refused.value.code == 139


@pytest.mark.parametrize("name", [name for name in contract.SELECTS if name not in UNSERVED])
def test_columns_and_types_are_as_declared(driver: Driver, name: str) -> None:
    able, statement = contract.capabilities_of(driver), sql.load(name)
    params = contract.params_of(name)
    if reason := able.lacks(statement):
        missing = statement.needs - able.tables
        assert reason == f"this server has no {', '.join(sorted(missing))}, or this user may not see it"
        with pytest.raises(QueryError, match="UNKNOWN_TABLE") as refused:
            contract.ask(driver, statement, params)
        assert refused.value.code == 60
        return
    assert able.absent(statement) == frozenset()
    assert described(driver, statement, params, able) == contract.declared(statement)
    assert {placeholder["name"] for placeholder in sql.PLACEHOLDER.finditer(statement.text)} == set(params)

    empty = contract.ask(driver, contract.without_rows(statement), params)
    assert list(empty.rows) == []
    assert contract.records_of(name, empty) in ((), PROBES_OF_NOTHING.get(name, ()))
    given = contract.ask(driver, statement, params)
    if given.rows:
        assert list(given.columns) == [column.name for column in statement.columns]
    contract.records_of(name, given)


PROBES_OF_NOTHING = {
    f"monitor/{name}": probe.records((), ()) for name, probe in PROBES.items() if probe.shape is not None
}
"""Probes that make one record of many rows make one of none, too."""


OTHERS_SHOW_ROWS = frozenset(
    f"monitor/{name}"
    for name in (
        "detached_parts", "distribution_queue", "failed_queries", "host_load", "merges", "mutation_entries", "mutations",
        "outstanding", "query_explainable", "query_logged", "query_pattern_runs", "query_pattern_trend",
        "query_patterns_before", "query_processes", "query_text", "query_text_as_sent", "queue_entries", "queue_entry",
        "queue_groups", "queue_tables", "replica_keeper_state", "replica_paths", "replica_requests", "replica_state", "replicated_fetches",
        "server_warnings", "storage_detached", "storage_move_log", "storage_moves", "storage_no_space", "suspect_replicas", "table_growth", "table_replica",
        "zookeeper_connection",
    )
)  # fmt: skip
"""Statements that may give no row on a cluster that is well and at rest: the tests of their panes make the rows they find."""


@pytest.mark.parametrize("name", [name for name in contract.SELECTS if name not in UNSERVED])
def test_rows_come_and_make_records(driver: Driver, modern: ModernRig, name: str) -> None:
    with pytest.raises(QueryError):  # so that there is an error to count
        contract.ask(driver, contract.text_statement("SELECT throwIf(1, 'asked for')"), {})
    partition = modern.query(
        0,
        "SELECT any(partition_id) FROM system.parts WHERE active AND database = 'otel' AND table = 'traces'",
    )
    able, statement = contract.capabilities_of(driver), sql.load(name)
    if able.lacks(statement):
        assert name in OTHERS_SHOW_ROWS
        return
    params = contract.params_of(name, database="otel", table="traces", partition_id=partition.strip())
    answer = contract.ask(driver, statement, params)
    assert answer.rows or name in OTHERS_SHOW_ROWS
    assert answer.missing == {}
    assert answer.cost.is_server_time == bool(answer.cost.read_rows is not None)
    records = contract.records_of(name, answer)
    assert bool(records) is bool(answer.rows and name.removeprefix("monitor/") in PROBES)


def test_optional_columns_become_typed_nulls(driver: Driver) -> None:
    able, checked = contract.capabilities_of(driver), 0
    for name in contract.SELECTS:
        statement = sql.load(name)
        if name in UNSERVED:
            continue
        if not (absent := statement.optional_needs()) or able.lacks(statement):
            continue
        lesser = replace(able, columns=able.columns - absent)
        _, missing = statement.adapted(lesser.absent(statement))
        assert set(missing.values()) == {f"this server has no {need}" for need in absent}
        params = contract.params_of(name)
        assert described(driver, statement, params, lesser) == contract.declared(statement, missing)
        answer = contract.ask(driver, statement, params, absent)
        records = contract.records_of(name, answer)
        assert all(getattr(record, field) is None for record in records for field in missing)
        checked += len(missing)
    assert checked >= 5


def test_statements_asked_through_one_host(driver: Driver) -> None:
    able = contract.capabilities_of(driver)
    for name in sorted({probe.statement.name for probe in PROBES.values()}):
        statement = sql.through(sql.load(name))
        if able.lacks(statement) or name in (*KEEPERLESS, *contract.NOT_SELECTS):
            continue
        params: dict[str, Value] = {**contract.params_of(name), "cluster": CLUSTER}
        assert described(driver, statement, params, able) == contract.declared(statement)
    answer = contract.ask(driver, sql.through(sql.load("monitor/host_state")), {"cluster": CLUSTER})
    ports = [row[answer.columns.index("through_tcp_port")] for row in answer.rows]
    assert len(set(ports)) == 4


def test_statements_that_are_no_selects(driver: Driver, modern: ModernRig) -> None:
    with contract.connected(modern.effective("blind"), modern.http_ports[0]) as blind:
        for connection, sees in ((driver, True), (blind, False)):
            # The driver tells no column names for CHECK, and the server's own choice for SHOW.
            assert list(map(list, contract.ask(connection, sql.load("monitor/show_grant"), {}).rows)) == [
                [sees]
            ]
            grants = [
                str(row[0]) for row in contract.ask(connection, sql.load("monitor/show_grants"), {}).rows
            ]
            assert "GRANT SELECT ON system.* TO" in " ".join(grants)
            assert grants_show_all(grants) is sees
            assert contract.capabilities_of(connection).sees_all_tables is sees
    hostile = {"query_id": "'; DROP TABLE x; --"}
    driver.command(sql.load("monitor/kill_own_query"), hostile, query_id=next(contract.IDS), seconds=10)


def test_outstanding_finds_a_query_by_its_id(driver: Driver) -> None:
    own = next(contract.IDS)
    for ids, expected in (([own, "it's \\ not"], [(own,)]), (["it's \\ not"], []), ([], [])):
        answer = driver.read(
            sql.load("monitor/outstanding"), {"query_ids": list(ids)}, query_id=own, seconds=10
        )
        assert list(answer.rows) == expected


def test_replicated_tables_give_rows(keepered: DemoCluster) -> None:
    seeds = (Endpoint("127.0.0.1", keepered.nodes[0].http_port),)
    found = effective("oncall", keepered.password("oncall"), seeds=seeds)
    database, table = REPLICATED.split(".")
    with contract.connected(found, keepered.nodes[0].http_port) as driver:
        able = contract.capabilities_of(driver)
        names = ("replication_summary", "suspect_replicas", "replica_keeper_state", "host_tables")
        records = {}
        for name in names:
            statement = sql.load(f"monitor/{name}")
            params = contract.params_of(f"monitor/{name}", tables=[f"{len(database)}:{REPLICATED}"])
            assert described(driver, statement, params, able) == contract.declared(statement)
            records[name] = contract.records_of(f"monitor/{name}", contract.ask(driver, statement, params))
    (summary,) = records["replication_summary"]
    assert summary.tables == summary.readonly_tables == summary.suspect_tables >= 1
    suspects = {(row.database, row.table): row for row in records["suspect_replicas"]}
    assert suspects[database, table].is_readonly is True
    assert suspects[database, table].zookeeper_path
    assert suspects[database, table].last_queue_update_exception is not None
    (state,) = records["replica_keeper_state"]
    assert (state.database, state.table) == (database, table)
    tables = {(row.database, row.table): row for row in records["host_tables"]}
    assert tables[database, table].is_replicated is True
    assert tables[database, table].is_readonly is True
    assert tables["otel", "traces"].is_replicated is False


def test_hostile_values_come_back_unchanged(driver: Driver) -> None:
    assert driver.binds_parameters
    for text in contract.HOSTILE_TEXTS:
        answer = contract.ask(driver, contract.scalar("String"), {"value": text})
        assert [tuple(row) for row in answer.rows] == [(text, len(text.encode()))], repr(text)
    texts: list[Value] = list(contract.HOSTILE_TEXTS)
    answer = contract.ask(driver, contract.scalar("Array(String)"), {"value": texts})
    assert list(answer.rows[0][0]) == texts
    number = contract.text_statement("SELECT {value:UInt64} AS value")
    for value in (0, 2**64 - 1):
        assert contract.ask(driver, number, {"value": value}).rows[0][0] == value


def test_literals_say_what_parameters_say(driver: Driver) -> None:
    for text in contract.HOSTILE_TEXTS:
        answer = contract.ask(driver, contract.text_statement(f"SELECT {quote_string(text)} AS value"), {})
        assert answer.rows[0][0] == text


@pytest.mark.parametrize("name", contract.HOSTILE_NAMES)
def test_hostile_names_are_quoted(driver: Driver, modern: ModernRig, name: str) -> None:
    database = f"{name}-{secrets.token_hex(3)}"
    where, column = f"{quote_identifier(database)}.{quote_identifier(name)}", quote_identifier(name)
    modern.query(0, f"CREATE DATABASE {quote_identifier(database)}")
    try:
        modern.query(0, f"CREATE TABLE {where} ({column} UInt8) ENGINE = MergeTree ORDER BY {column}")
        modern.query(0, f"INSERT INTO {where} VALUES (7)")
        with contract.connected(modern.effective("admin"), modern.http_ports[0]) as admin:
            answer = contract.ask(admin, contract.text_statement(f"SELECT {column} FROM {where}"), {})
            assert (tuple(answer.columns), list(answer.rows)) == ((name,), [(7,)])
        listed = contract.ask(driver, sql.load("monitor/host_tables"), {"max_rows": 1000})
        tables = {(row.database, row.table): row.rows for row in contract.records_of("host_tables", listed)}
        assert tables[database, name] == 1
    finally:
        modern.query(0, f"DROP DATABASE {quote_identifier(database)} SYNC")
    listed = contract.ask(driver, sql.load("monitor/host_tables"), {"max_rows": 1000})
    records = contract.records_of("host_tables", listed)
    assert database not in {row.database for row in records}
