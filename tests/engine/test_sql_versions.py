"""Every statement of the monitor on other versions of ClickHouse, in process and through the driver; and what no engine here verifies.

These engines open no port of their own and have no replication: what they can show is that a statement is understood there, what columns
and types it gives, and rows of what they do have.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from chtui import sql
from chtui.errors import QueryError
from chtui.fleet.capabilities import Capabilities
from chtui.fleet.driver import Driver, parse_version
from chtui.fleet.literal import Value
from chtui.profile.endpoint import Endpoint
from tests.engine import contract
from tests.rigs.http_probe import request
from tests.rigs.in_process import in_process
from tests.rigs.wheels import WHEELS, Wheel
from tests.support import CLUSTER, ModernRig, effective, replace

UNVERIFIED = Path(__file__).resolve().parents[2] / "docs" / "unverified.md"
RELEASES = tuple(wheel.release for wheel in WHEELS)

LACKS = dict.fromkeys(
    RELEASES,
    frozenset(
        {"system.asynchronous_metrics", "system.part_log", "system.query_log", "system.zookeeper_connection"}
    ),
)
"""Tables that statements need and an engine in process has not: it has no background thread that would fill them."""
TOO_OLD = {"24.8": frozenset({"monitor/show_grant"})}
"""Statements whose header demands more than a version that has all they need."""
NO_PORT, NO_KEEPER = "There is no port named", "There is no Zookeeper configuration"
REFUSED = {
    "monitor/ddl_entries": NO_KEEPER,
    "monitor/ddl_hosts": NO_KEEPER,
    "monitor/http_ports": NO_PORT,
    "monitor/https_ports": NO_PORT,
}
"""Statements that have all they need in process and are refused all the same, and what the engine says."""
NEVER_SERVED = frozenset({"monitor/ddl_entries", "monitor/ddl_hosts", "monitor/https_ports"})
"""Those of them that the served 26.9 refuses too: it has no Keeper and no HTTPS port."""
EMPTY = (
    "system.moves",
    "system.replicas",
    "system.replicated_fetches",
    "system.replication_queue",
    "system.warnings",
)
"""Tables without a row in process: nothing moves, there is no Keeper, and only a server's start finds what to warn of."""
NO_ROWS = {
    "monitor/merges": "merges here end at once, though not always in time",
    "monitor/outstanding": "asks for ids that are nobody's",
    "monitor/query_processes": "asks for an id that is nobody's",
}
"""Statements that need not give a row though their tables have some."""

DATABASE, TABLE, PARTITION = "contract", "many", "2"
DATA = (
    f"CREATE DATABASE {DATABASE}",
    (
        f"CREATE TABLE {DATABASE}.{TABLE} (p Int32, key UInt64, name LowCardinality(String) CODEC(ZSTD(3)), at DateTime DEFAULT now())"
        " ENGINE = MergeTree PARTITION BY p ORDER BY key TTL at + INTERVAL 30 DAY DELETE SETTINGS storage_policy = 'tiered'"
    ),
    f"INSERT INTO {DATABASE}.{TABLE} (p, key, name) SELECT number % 5, number, toString(number % 7) FROM numbers(1000)",
    f"ALTER TABLE {DATABASE}.{TABLE} DETACH PARTITION ID '1'",
    f"CREATE TABLE {DATABASE}.plain (key UInt64, text String) ENGINE = MergeTree ORDER BY key",
    f"INSERT INTO {DATABASE}.plain (key) SELECT number FROM numbers(10)",
    f"ALTER TABLE {DATABASE}.plain UPDATE text = toString(throwIf(1)) WHERE 1 SETTINGS mutations_sync = 0",
    f"CREATE TABLE {DATABASE}.empty (key UInt64) ENGINE = MergeTree ORDER BY key",
    f"CREATE VIEW {DATABASE}.seen AS SELECT key FROM {DATABASE}.plain",
    f"CREATE TABLE {DATABASE}.far (key UInt64) ENGINE = Distributed(unreachable, {DATABASE}, plain)",
    f"INSERT INTO {DATABASE}.far VALUES (1)",
)
"""Many parts, a detached part, a mutation that fails, rows that wait for a host that is down."""


@dataclass(frozen=True)
class Engine:
    """One version, up, with data."""

    release: str
    driver: Driver
    able: Capabilities

    def missing(self, statement: sql.Statement) -> frozenset[str]:
        """What the statement needs and the version lacks; of a table that is missing only its name."""
        absent = statement.needs - self.able.tables - self.able.columns
        return frozenset(need for need in absent if need.rpartition(".")[0] not in absent)


@pytest.fixture(scope="module", params=WHEELS, ids=RELEASES)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Every version in turn."""
    wheel: Wheel = request.param
    directory = tmp_path_factory.mktemp(f"clickhouse-{wheel.release}")
    with in_process(wheel.module_folder, directory, cluster=CLUSTER) as port:
        for statement in DATA:
            post(port, statement)
        found = effective("default", "", seeds=(Endpoint("127.0.0.1", port),))
        with contract.connected(found, port) as driver:
            yield Engine(wheel.release, driver, contract.capabilities_of(driver))


def post(port: int, text: str) -> None:
    status, answer = request(port, "POST", "/", body=text.encode(), timeout=30)
    assert status == 200, f"{text}\n{answer}"


def params_of(name: str) -> dict[str, Value]:
    return contract.params_of(name, database=DATABASE, table=TABLE, partition_id=PARTITION)


def described(engine: Engine, statement: sql.Statement, params: dict[str, Value]) -> list[tuple[str, str]]:
    text = replace(statement, text=f"DESCRIBE (\n{statement.text}\n)")
    answer = contract.ask(engine.driver, text, params, engine.able.absent(statement))
    return [(str(row[0]), str(row[1])) for row in answer.rows]


def too_old(able: Capabilities, missing: Collection[str]) -> frozenset[str]:
    """The statements that the version is too old for though it has all they need."""
    found = (sql.load(name) for name in contract.STATEMENTS)
    return frozenset(
        each.name for each in found if able.is_too_old(each) and not each.needs & frozenset(missing)
    )


def test_it_is_that_version_and_what_it_lacks_is_listed(engine: Engine) -> None:
    assert ".".join(map(str, engine.able.version[:2])) == engine.release
    assert engine.driver.binds_parameters
    assert engine.able.sees_all_tables is True
    lacking = {name: engine.missing(sql.load(name)) for name in contract.STATEMENTS}
    assert frozenset().union(*lacking.values()) == LACKS[engine.release], (
        f"ClickHouse {engine.release} in process lacks other tables than LACKS says: "
        f"{ {name: sorted(missing) for name, missing in lacking.items() if missing} }"
    )
    assert too_old(engine.able, LACKS[engine.release]) == TOO_OLD.get(engine.release, frozenset())


def test_tables_that_are_empty_here(engine: Engine) -> None:
    counts = " UNION ALL ".join(f"SELECT '{table}' AS name, count() AS rows FROM {table}" for table in EMPTY)
    answer = contract.ask(engine.driver, contract.text_statement(counts), {})
    assert {str(name): rows for name, rows in answer.rows} == dict.fromkeys(EMPTY, 0)


@pytest.mark.parametrize("name", contract.SELECTS)
def test_columns_types_and_rows_are_as_declared(engine: Engine, name: str) -> None:
    statement, params = sql.load(name), params_of(name)
    refusal = None
    if name in REFUSED:
        refusal = REFUSED[name]
    elif missing := engine.missing(statement):
        assert engine.able.lacks(statement)
        refusal = "|".join(re.escape(need.removeprefix("system.")) for need in sorted(missing))
    if refusal is not None:
        with pytest.raises(QueryError, match=refusal):
            contract.ask(engine.driver, statement, params, engine.able.absent(statement))
        return
    absent = engine.able.absent(statement)
    _, missing_columns = statement.adapted(absent)
    assert described(engine, statement, params) == contract.declared(statement, missing_columns)

    empty = contract.ask(engine.driver, contract.without_rows(statement), params, absent)
    assert list(empty.rows) == []
    contract.records_of(name, empty)

    given = contract.ask(engine.driver, statement, params, absent)
    assert dict(given.missing) == missing_columns
    assert given.rows or name in NO_ROWS or statement.needs & set(EMPTY), (
        f"{name} gives no row on {engine.release}: add to DATA what it could read, or say in NO_ROWS why"
    )
    if not given.rows:
        return
    assert list(given.columns) == [column.name for column in statement.columns]
    for record in contract.records_of(name, given):
        assert all(getattr(record, column) is None for column in missing_columns)


def test_statements_that_are_no_selects(engine: Engine) -> None:
    # The plan of a logged query needs a log, which no engine in process has.
    asked = {"monitor/kill_own_query", "monitor/show_grant", "monitor/show_grants"}
    assert asked | {"monitor/query_explain"} == contract.NOT_SELECTS, "a statement is asked nowhere here"
    grants = contract.ask(engine.driver, sql.load("monitor/show_grants"), {})
    assert "GRANT " in str(grants.rows[0][0])
    if "monitor/show_grant" in TOO_OLD.get(engine.release, ()):
        with pytest.raises(QueryError) as refused:
            contract.ask(engine.driver, sql.load("monitor/show_grant"), {})
        assert refused.value.code == 62
    else:
        assert list(map(list, contract.ask(engine.driver, sql.load("monitor/show_grant"), {}).rows)) == [[1]]
    hostile = {"query_id": "'; DROP TABLE x; --"}
    engine.driver.command(
        sql.load("monitor/kill_own_query"), hostile, query_id=next(contract.IDS), seconds=10
    )


def test_hostile_values_come_back_unchanged(engine: Engine) -> None:
    # What is longer the driver sends as a form, which the port in front of these engines does not read.
    texts: list[Value] = [text for text in contract.HOSTILE_TEXTS if len(text) < 1000]
    for text in texts:
        answer = contract.ask(engine.driver, contract.scalar("String"), {"value": text})
        assert [tuple(row) for row in answer.rows] == [(text, len(str(text).encode()))], repr(text)
    answer = contract.ask(engine.driver, contract.scalar("Array(String)"), {"value": texts})
    assert list(answer.rows[0][0]) == texts


def in_document(heading: str, pattern: str) -> set[str]:
    """What one section of the document lists, each at the start of a line."""
    sections = re.split(r"^## ", UNVERIFIED.read_text(encoding="utf-8"), flags=re.MULTILINE)
    (section,) = (text for text in sections if text.startswith(f"{heading}\n"))
    return set(re.findall(rf"^- `({pattern})`", section, re.MULTILINE))


def engines_of(name: str, served: Capabilities) -> set[str]:
    """The engines some test runs the statement on."""
    statement, found = sql.load(name), set[str]()
    if parse_version(statement.engines.partition("+")[0]) <= (18, 16):
        found.add("18.16")  # tests/replication holds that all of these run there
    if not served.lacks(statement) and name not in NEVER_SERVED:
        found.add("26.9 served")
    if name in REFUSED or name in contract.NOT_ALONE:
        return found
    for release in RELEASES:
        if not statement.needs & LACKS[release] and name not in TOO_OLD.get(release, ()):
            found.add(release)
    return found


def test_the_document_lists_what_is_not_verified(modern: ModernRig) -> None:
    with contract.connected(modern.effective(), modern.http_ports[0]) as driver:
        served = contract.capabilities_of(driver)
        for name in NEVER_SERVED:
            with pytest.raises(QueryError, match=f"{NO_KEEPER}|{NO_PORT}"):
                contract.ask(driver, sql.load(name), params_of(name))
    engines = {name: engines_of(name, served) for name in sql.names("monitor")}
    assert in_document("Statements no engine here runs", r"monitor/\w+") == {
        name for name, found in engines.items() if not found
    }
    older = {"24.8", "25.8", "26.1"}
    newest = {name for name, found in engines.items() if found and not found & older}
    lacking = frozenset.intersection(*(LACKS[release] for release in older))
    heading = "Not run on 24.8, 25.8 and 26.1"
    assert in_document(heading, r"monitor/\w+") == {
        name for name in newest if not sql.load(name).needs & lacking
    }
    needed = {need for name in newest for need in sql.load(name).needs & lacking}
    assert in_document(heading, r"system\.\w+") == needed
    optional = {need for name in engines for need in sql.load(name).optional_needs()}
    assert in_document("Columns no engine here has", r"system\.\w+\.\w+") == optional - served.columns
    never = in_document("Rows no engine here gives", r"monitor/\w+")
    assert never
    assert all(sql.load(name).needs & set(EMPTY) or not engines[name] for name in never)
