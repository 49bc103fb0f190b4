"""Every statement of `sql/migrate` on ClickHouse 18.16, with ON CLUSTER: what its header declares, what it does, what is too new."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from functools import partial

import pytest

from chtui.errors import QueryError
from chtui.migrate import hosts
from chtui.records import HostId
from chtui.sql import load
from tests.engine.migrate_changes import CHANGES
from tests.engine.migrate_reads import ALL, holds
from tests.engine.migrating import Ground, for_old, is_as_declared
from tests.replication.conftest import effective_of
from tests.replication.test_migrate_schema import dropped
from tests.rigs.fixtures import ReplicatedCluster
from tests.rigs.server_config import CLUSTER, SOURCE_CLUSTERS

NO_ROWS = {"migrate/preflight_dictionaries"}
"""Statements that find nothing here: no statement makes a dictionary."""
UNKNOWN = {46, 47, 60, 62, 115}
"""What 18.16 says to a statement that is too new: unknown function, column, table, syntax or setting."""


@pytest.fixture
def ground(replicated_cluster: ReplicatedCluster) -> Iterator[Ground]:
    servers = replicated_cluster.servers
    database = f"contract_{secrets.token_hex(4)}"
    source = HostId("127.0.0.1", servers.nodes[0].tcp_port)
    found = hosts.connect(effective_of(replicated_cluster, "admin").profile, CLUSTER, source)
    queries = [partial(servers.query, node, user="admin") for node in servers.nodes]
    made = Ground(found.targets[0], queries, database, SOURCE_CLUSTERS[servers.flavour], CLUSTER)
    servers.sql_on_cluster(f"CREATE DATABASE {database} ON CLUSTER {CLUSTER}")
    try:
        made.fill()
        yield made
    finally:
        found.close()
        for node in servers.nodes:
            dropped(replicated_cluster, node, database)


@pytest.mark.parametrize("name", sorted(filter(for_old, ALL)))
def test_columns_types_and_rows_are_as_declared(ground: Ground, name: str) -> None:
    reading = ALL[name]
    found = is_as_declared(ground, name, reading.many(ground))
    assert holds(found, [] if name in NO_ROWS else reading.found)
    if reading.few is not None:
        assert holds(is_as_declared(ground, name, reading.few(ground)), reading.left)


@pytest.mark.parametrize("name", sorted(filter(for_old, CHANGES)))
def test_what_changes_something_does(ground: Ground, name: str) -> None:
    CHANGES[name](ground)


@pytest.mark.parametrize("name", sorted(name for name in (*ALL, *CHANGES) if not for_old(name)))
def test_what_is_newer_is_refused(ground: Ground, name: str) -> None:
    def ask() -> None:
        if name in CHANGES:
            CHANGES[name](ground)
        else:
            ground.rows(name, (ALL[name].few or ALL[name].many)(ground))

    with pytest.raises(QueryError) as refused:
        ask()
    assert refused.value.code in UNKNOWN, refused.value


def test_what_it_lacks_are_typed_nulls(ground: Ground) -> None:
    lacking = {name: ground.absent(load(name)) for name in filter(for_old, ALL)}
    assert {column for columns in lacking.values() for column in columns} == {
        "system.clusters.internal_replication",
        "system.settings.max",
        "system.settings.min",
        "system.settings.readonly",
        "system.tables.storage_policy",
    }
    for name in (name for name, columns in lacking.items() if columns):
        _, missing = load(name).adapted(lacking[name])
        columns = [column.name for column in load(name).columns]
        rows = ground.rows(name, ALL[name].many(ground))
        assert rows
        assert {row[columns.index(column)] for row in rows for column in missing} == {None}
