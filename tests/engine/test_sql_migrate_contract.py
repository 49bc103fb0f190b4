"""Every statement of `sql/migrate` on ClickHouse 26.9, as the migration runs it: what its header declares, and what it does."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from chtui.errors import QueryError
from chtui.migrate import hosts
from chtui.records import HostId
from chtui.sql import load
from tests.engine.migrate_changes import CHANGES
from tests.engine.migrate_reads import ALL, holds
from tests.engine.migrating import STATEMENTS, Ground, for_old, is_as_declared
from tests.support import CLUSTER, SOURCE_CLUSTER, ModernRig

KEEPERLESS = {
    "migrate/preflight_keeper_children": "Unknown table expression identifier 'system.zookeeper'",
    "migrate/sync_replica": "is not replicated",
}
"""Statements that only a server with Keeper can fulfil, and what this one says; tests/replication runs them."""
NO_ROWS = {
    "migrate/cutover_queue",
    "migrate/cutover_replicas",
    "migrate/preflight_replicas",
    "migrate/throttle_replicas",
}
"""Statements that find nothing here: there is no Replicated table without Keeper."""
UNVERIFIED = Path(__file__).resolve().parents[2] / "docs" / "unverified.md"


@pytest.fixture
def ground(modern: ModernRig) -> Iterator[Ground]:
    database = f"contract_{secrets.token_hex(4)}"
    found = hosts.connect(modern.effective("admin").profile, CLUSTER, HostId("127.0.0.1", modern.ports[0]))
    login = f"USER 'admin' PASSWORD '{modern.password('admin')}'"
    query = partial(modern.query, 0)
    made = Ground(found.targets[0], (query,), database, SOURCE_CLUSTER, "", login)
    modern.query(0, f"CREATE DATABASE {database}")
    try:
        made.fill()
        yield made
    finally:
        modern.query(0, f"DROP DATABASE {database} SYNC")
        found.close()


def test_nothing_in_the_folder_is_left_out() -> None:
    assert {name for name in STATEMENTS if load(name).columns} == set(ALL)
    assert {name for name in STATEMENTS if not load(name).columns} == set(CHANGES)
    assert set(KEEPERLESS) | NO_ROWS <= {name for name in STATEMENTS if for_old(name)}


@pytest.mark.parametrize("name", sorted(set(ALL) - set(KEEPERLESS)))
def test_columns_types_and_rows_are_as_declared(ground: Ground, name: str) -> None:
    reading = ALL[name]
    found = is_as_declared(ground, name, reading.many(ground))
    assert holds(found, [] if name in NO_ROWS else reading.found)
    if reading.few is not None:
        assert holds(is_as_declared(ground, name, reading.few(ground)), reading.left)


@pytest.mark.parametrize("name", sorted(name for name in ALL if load(name).optional_needs()))
def test_optional_columns_become_typed_nulls(ground: Ground, name: str) -> None:
    statement = load(name)
    assert ground.absent(statement) == frozenset()
    lesser = ground.lesser(statement.optional_needs())
    declared = lesser.declared(name)
    rows = is_as_declared(lesser, name, ALL[name].many(lesser))
    _, missing = statement.adapted(statement.optional_needs())
    null = [index for index, (column, _) in enumerate(declared) if column in missing]
    assert rows
    assert null
    assert {row[index] for row in rows for index in null} == {None}


@pytest.mark.parametrize("name", sorted(set(CHANGES) - set(KEEPERLESS)))
def test_what_changes_something_does(ground: Ground, name: str) -> None:
    CHANGES[name](ground)


@pytest.mark.parametrize("name", sorted(KEEPERLESS))
def test_what_needs_keeper_is_refused(ground: Ground, name: str) -> None:
    def ask() -> None:
        if name in ALL:
            ground.rows(name, ALL[name].many(ground))
        else:
            ground.host.run(name, {"table": ground.table("rows")})

    with pytest.raises(QueryError, match=KEEPERLESS[name]):
        ask()


def test_the_document_lists_what_is_not_verified() -> None:
    text = UNVERIFIED.read_text(encoding="utf-8")
    (section,) = re.findall(
        r"^## Statements of a migration\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE
    )
    listed = set(re.findall(r"^- `(migrate/\w+)`", section, re.MULTILINE))
    assert listed == set(KEEPERLESS) | NO_ROWS | {name for name in STATEMENTS if not for_old(name)}
