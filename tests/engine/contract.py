"""What every engine is held to: statements that answer as their headers declare, hostile values, hostile names."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from chtui import sql
from chtui.fleet.capabilities import Capabilities, discover
from chtui.fleet.driver import Answer, Driver, query_ids
from chtui.fleet.literal import Value
from chtui.monitor.probes import PROBES
from chtui.profile.endpoint import Endpoint
from chtui.profile.options import Effective
from chtui.sql import Statement
from tests.support import CLUSTER, replace

IDS = query_ids("contract")
SECONDS = 30.0
NOT_ALONE = frozenset({"monitor/through"})
"""Texts that are only a part of a statement."""
NOT_SELECTS = frozenset(
    {"monitor/kill_own_query", "monitor/query_explain", "monitor/show_grant", "monitor/show_grants"}
)
"""Statements that DESCRIBE and subqueries do not take, or that hold another statement."""
STATEMENTS = tuple(name for name in sql.names("monitor") if name not in NOT_ALONE)
OF_TYPE: dict[str, Value] = {
    "String": "chtui-none",
    "Array(String)": [],
    "Float64": 1.0,
    **dict.fromkeys(("UInt8", "UInt16", "UInt32", "UInt64", "Int32", "Int64"), 1),
}
"""What a parameter gets that no test names."""
SELECTS = tuple(name for name in STATEMENTS if name not in NOT_SELECTS)

HOSTILE_TEXTS = (
    "'; DROP TABLE otel.traces; --",
    "\"double\" and `back` and 'single'",
    "back\\slash \\' \\n \\\\",
    "two\nlines\r\nand a\ttab",
    "\0 \b \f \x1b[31m \x7f",
    "{other:String} %s %(name)s %%",
    "ключ 表 🜁 e\u0301 \u202e \ufeff",
    "",
    "NULL",
    "\\N",
    "x" * 5000,
)
HOSTILE_NAMES = (
    "it's",
    'say "hi"',
    "back`tick",
    "back\\slash\\",
    "two\nlines\tand tab",
    "ключ 表 🜁",
    "a.b.c",
    "'; DROP TABLE x; --",
    "{name:String} %s",
    " padded ",
    "SELECT",
    "1",
)


@contextmanager
def connected(found: Effective, http_port: int) -> Iterator[Driver]:
    """A driver to one server, as the monitor makes it."""
    profile = found.profile
    driver = Driver(
        Endpoint("127.0.0.1", http_port),
        profile.credentials,
        profile.tls,
        connect_seconds=5.0,
        seconds=SECONDS,
    )
    try:
        yield driver
    finally:
        driver.close()


def capabilities_of(driver: Driver) -> Capabilities:
    """What the monitor finds out about a server before it asks anything."""
    return discover(driver, next(IDS), SECONDS)


def ask(
    driver: Driver, statement: Statement, params: Mapping[str, Value], absent: Collection[str] = ()
) -> Answer:
    """Read a statement as a lane does."""
    return driver.read(statement, params, query_id=next(IDS), seconds=SECONDS, absent=frozenset(absent))


def params_of(
    name: str, *, delay_seconds: int = 300, every_table: int = 0, tables: Sequence[str] = (), **more: Value
) -> dict[str, Value]:
    """Values for the parameters of a statement, by their names; `more` names others; one that is not named gets what its type has."""
    values: dict[str, Value] = {
        "cluster": CLUSTER,
        "max_rows": 1000,
        "delay_seconds": delay_seconds,
        "queue_entries": 100,
        "every_table": every_table,
        "query_id": "chtui-none",
        "query_ids": ["chtui-none"],
        "tables": list(tables),
        **more,
    }
    params = sql.load(name).params
    return {
        column.name: values[column.name] if column.name in values else OF_TYPE[column.type]
        for column in params
    }


def declared(statement: Statement, missing: Collection[str] = ()) -> list[tuple[str, str]]:
    """Columns and types as the header says; those in `missing` are NULL there, and so Nullable."""
    return [
        (column.name, nullable(column.type) if column.name in missing else column.type)
        for column in statement.columns
    ]


def nullable(type_name: str) -> str:
    """The type, able to hold NULL."""
    return type_name if type_name.startswith("Nullable(") else f"Nullable({type_name})"


def without_rows(statement: Statement) -> Statement:
    """The same statement, giving no row."""
    return replace(statement, text=f"SELECT * FROM (\n{statement.text}\n) AS given LIMIT 0")


def records_of(name: str, answer: Answer) -> tuple[Any, ...]:
    """The records the monitor makes of an answer, and that each is of the probe's type; none where no probe asks it."""
    probe = PROBES.get(name.removeprefix("monitor/"))
    if probe is None:
        return ()
    records = probe.records(answer.columns, answer.rows)
    assert all(type(record) is probe.record for record in records)
    return records


def scalar(type_name: str, name: str = "value") -> Statement:
    """A statement that gives its one parameter back, with its length."""
    return sql.parse(
        "test/scalar",
        f"-- A parameter back.\n-- params:\n--   {name}  {type_name}\n-- columns:\n"
        f"SELECT {{{name}:{type_name}}} AS value, length({{{name}:{type_name}}}) AS size",
    )


def text_statement(text: str) -> Statement:
    """A statement without parameters."""
    return Statement("test/text", text, "")
