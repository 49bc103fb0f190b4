"""Every statement of preflight on ClickHouse 26.9, against what its header declares."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chtui import sql
from chtui.fleet.driver import Driver
from chtui.fleet.literal import Value
from chtui.migrate.preflight.servers import WHOLE_NUMBERS
from chtui.migrate.statements import shaped
from tests.engine import contract
from tests.support import ModernRig, replace

NAMES = tuple(name for name in sql.names("migrate") if name.startswith("migrate/preflight_"))
NOT_SELECTS = frozenset({"migrate/preflight_grant", "migrate/preflight_types"})
KEEPERLESS = frozenset({"migrate/preflight_keeper_children"})
"""Read Keeper, which this engine has not; they are seen to work on the replicated rig."""
PARAMS: dict[str, Value] = {
    "table": ("otel", "traces"),
    "database": "otel",
    "databases": ["otel"],
    "clusters": ["appsentry_cluster"],
    "names": ["limit", "replicated_deduplication_window", "Map"],
    "path": "/",
    "rights": "SELECT",
    "where": "*.*",
    "expressions": "(TraceId) AS chtui_0",
    "conditions": "countIf(Duration > 0)",
    "condition": "Duration > 0",
    "value": "Duration",
    "partition": "toYYYYMM(Timestamp)",
    "time": "Timestamp",
    "seconds": 60,
    "max_rows": 10,
    "from": "cluster('otel_v1', `otel`.`traces`)",
    "given": "cityHash64(TraceId)",
}


@pytest.fixture
def driver(modern: ModernRig) -> Iterator[Driver]:
    """The first host, as who migrates."""
    with contract.connected(modern.effective("admin"), modern.http_ports[0]) as connection:
        yield connection


def filled(name: str) -> tuple[sql.Statement, dict[str, Value]]:
    wanted = {param.name for param in sql.load(name).params}
    if name == "migrate/preflight_columns":
        return shaped(name, {"database": "otel", "table": "traces"})
    return shaped(name, {key: value for key, value in PARAMS.items() if key in wanted})


def test_headers_are_whole() -> None:
    assert len(NAMES) > 25
    for name in NAMES:
        statement = sql.load(name)
        assert statement.purpose.endswith("."), name
        assert statement.cost.split(",")[0] in ("cheap", "moderate", "costly"), name
        assert statement.engines, name
        used = {match["name"]: match["type"] for match in sql.PLACEHOLDER.finditer(statement.text)}
        assert used == {param.name: param.type for param in statement.params}, name


@pytest.mark.parametrize("name", sorted(set(NAMES) - NOT_SELECTS - KEEPERLESS))
def test_columns_and_types_are_as_declared(driver: Driver, name: str) -> None:
    able = contract.capabilities_of(driver)
    statement, values = filled(name)
    assert able.lacks(statement) == ""
    assert able.absent(statement) == frozenset()
    text = replace(statement, text=f"DESCRIBE (\n{statement.adapted(())[0]}\n)")
    told = [(str(row[0]), str(row[1])) for row in contract.ask(driver, text, values).rows]
    assert told == contract.declared(statement)
    rows = contract.ask(driver, statement, values).rows
    if name == "migrate/preflight_whole":
        assert [row[0] for row in rows] == list(range(WHOLE_NUMBERS))


def test_a_right_and_types(driver: Driver) -> None:
    statement, values = filled("migrate/preflight_grant")
    assert [list(row) for row in contract.ask(driver, statement, values).rows] == [[1]]
    statement, values = filled("migrate/preflight_types")
    rows = contract.ask(driver, statement, values).rows
    assert [tuple(row[:2]) for row in rows] == [("chtui_0", "String")]
