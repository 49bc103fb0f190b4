"""The tables pane and its details on 26.9: sizes, skew, replicas that differ, growth, columns, partitions, detached parts, DDL."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chtui.text import format_ratio
from chtui.views.pages import table as drawn
from chtui.views.panes import page
from tests.engine.commands import command
from tests.engine.fleets import collected, ids
from tests.support import ModernRig

DATABASE = "shop"
MANY, FEW = 30_000, 10_000
"""Rows of the table in the first and the second shard: three to one is 1.5 times the mean."""
TABLE = (DATABASE, "orders")
CREATE = """
CREATE TABLE shop.orders
(
    day Date,
    at DateTime,
    key UInt64 CODEC(Delta, ZSTD(1)),
    note String DEFAULT 'none'
)
ENGINE = MergeTree PARTITION BY toYYYYMM(at) ORDER BY (day, key)
SETTINGS min_bytes_for_wide_part = 0
"""
FILL = """
INSERT INTO shop.orders
SELECT toDate('2026-01-01') + number % 40 AS day, toDateTime(day, 'UTC') + 3600, number, repeat('x', number % 10) FROM numbers({rows})
"""


@pytest.fixture
def shop(modern: ModernRig) -> Iterator[ModernRig]:
    """A table of two partitions on every host, replicas alike, merged; the first shard holds three times as much as the second."""
    for index in range(4):
        modern.query(index, f"DROP DATABASE IF EXISTS {DATABASE} SYNC")
        modern.query(index, f"CREATE DATABASE {DATABASE}")
        modern.query(index, CREATE)
        for _ in range(2):
            modern.query(index, FILL.format(rows=(MANY if index < 2 else FEW) // 2))
        modern.query(index, "OPTIMIZE TABLE shop.orders FINAL")
        modern.query(index, "SYSTEM FLUSH LOGS")
    yield modern
    modern.heal()
    for index in range(4):
        modern.query(index, f"DROP DATABASE IF EXISTS {DATABASE} SYNC")


def facts(rig: ModernRig, name: str, part_name: str = "", subject: tuple[str, ...] = ()) -> Any:
    """The facts of one part of a page, as one look at the cluster gives them."""
    part = page(name).part(part_name)
    assert part is not None
    snapshot = collected(rig.effective(), part.wants(subject))
    assert [host.state.answers for host in snapshot.hosts] == [True] * 4
    return part.facts(snapshot, subject)


def orders(rig: ModernRig) -> Any:
    return next(fact for fact in facts(rig, "tables") if (fact.database, fact.table) == TABLE)


def stored(rig: ModernRig, index: int, what: str, where: str = "active") -> int:
    """A sum over the parts one host has of the table, by a query of the test's own."""
    return int(
        rig.query(
            index, f"SELECT {what} FROM system.parts WHERE database = 'shop' AND table = 'orders' AND {where}"
        )
    )


def test_sizes_and_ratio_are_those_of_the_active_parts(shop: ModernRig) -> None:
    assert stored(shop, 0, "count()", "NOT active") > 0, "merged parts are still there, and must not count"
    fact = orders(shop)
    sums = {
        "rows_all_replicas": "sum(rows)",
        "active_parts": "count()",
        "bytes_on_disk": "sum(bytes_on_disk)",
        "compressed_bytes": "sum(data_compressed_bytes)",
        "uncompressed_bytes": "sum(data_uncompressed_bytes)",
    }
    for field, what in sums.items():
        assert getattr(fact, field) == sum(stored(shop, index, what) for index in range(4)), field
    assert fact.compressed_once_bytes == sum(
        stored(shop, index, "sum(data_compressed_bytes)") for index in (0, 2)
    )
    assert fact.compression_ratio == fact.uncompressed_bytes / fact.compressed_bytes > 2
    assert (fact.rows, fact.hosts, fact.shards, fact.partitions) == (MANY + FEW, 4, 2, 2)
    largest = "argMax(partition_id, bytes_on_disk)"
    assert fact.largest_partition_bytes == stored(shop, 0, "max(bytes_on_disk)")
    assert (
        fact.largest_partition_id
        == shop.query(0, f"SELECT {largest} FROM system.parts WHERE database = 'shop' AND active").strip()
    )
    part = page("tables").parts[0]
    row = next(
        row
        for row in drawn(part, collected(shop.effective(), part.wants(())), ()).rows
        if row.key == "shop.orders"
    )
    shown = dict(zip([column.key for column in part.columns], [cell.text for cell in row.cells], strict=True))
    assert shown["compression_ratio"] == format_ratio(fact.uncompressed_bytes, fact.compressed_bytes)


def test_memory_of_primary_keys_is_that_of_the_host_with_the_most(shop: ModernRig) -> None:
    for index in range(4):
        shop.query(index, "SELECT count() FROM shop.orders WHERE key = 7 AND day = '2026-01-03'")
    most = max(stored(shop, index, "sum(primary_key_bytes_in_memory)") for index in range(4))
    assert orders(shop).primary_key_memory_bytes == most > 0


def test_a_skewed_shard_is_told(shop: ModernRig) -> None:
    fact = orders(shop)
    assert (fact.shard_skew_ratio, fact.largest_shard_num) == (1.5, 1)
    assert (fact.replicas_differ, fact.replica_rows_difference, fact.differing_replicas) == (False, 0, "")


def test_growth_is_what_inserts_wrote_once_for_all_replicas(shop: ModernRig) -> None:
    # Of its own name: the log tells tables by their names, one that was dropped is the same.
    for index in range(4):
        shop.query(index, "CREATE TABLE shop.grown (key UInt64) ENGINE = MergeTree ORDER BY key")
        for rows in (1000, 500) if index < 2 else (200,):
            shop.query(index, f"INSERT INTO shop.grown SELECT number FROM numbers({rows})")
        shop.query(index, "OPTIMIZE TABLE shop.grown FINAL")
        shop.query(index, "SYSTEM FLUSH LOGS")
    fact = next(fact for fact in facts(shop, "tables") if fact.table == "grown")
    assert (fact.growth_rows_per_hour, fact.growth_rows_per_day) == (1700, 1700)
    written = "SELECT sum(size_in_bytes) FROM system.part_log WHERE database = 'shop' AND table = 'grown' AND event_type = 'NewPart'"
    logged = sum(int(shop.query(index, written)) for index in (0, 2))
    assert fact.growth_bytes_per_hour == fact.growth_bytes_per_day == logged > 0
    part = page("table").parts[0]
    assert part.figures is not None
    subject = (DATABASE, "grown")
    figures = {
        figure.label: figure.value
        for figure in part.figures(collected(shop.effective(), part.wants(subject)), subject)
    }
    assert figures["rows, size in 1 h"].startswith("1700 ")
    assert figures["log reaches back"] in ("1m", "2m")


def test_a_replica_with_one_more_row_is_named_everywhere(shop: ModernRig) -> None:
    shop.query(1, "INSERT INTO shop.orders VALUES ('2025-12-31', '2025-12-31 10:00:00', 1, 'one more')")
    first, second, *_ = map(str, ids(shop))
    fact = orders(shop)
    assert (fact.rows, fact.rows_all_replicas) == (MANY + FEW + 1, 2 * (MANY + FEW) + 1)
    assert (fact.replica_rows_difference, fact.differing_replicas) == (1, f"{first} lacks 1 row")
    hosts = {each.host: each for each in facts(shop, "table", "hosts", TABLE)}
    assert [each.lacking_rows for each in hosts.values()] == [1, 0, 0, 0]
    assert (hosts[first].rows, hosts[second].rows) == (MANY, MANY + 1)
    partitions = {each.partition: each for each in facts(shop, "table", "partitions", TABLE)}
    extra = partitions["202512"]
    assert (extra.hosts, extra.replica_rows_difference, extra.differing_replicas) == (
        1,
        1,
        f"{first} lacks 1 row",
    )
    assert partitions["202601"].differing_replicas == ""
    replicas = facts(shop, "partition", "replicas", (*TABLE, extra.partition_id))
    assert [(each.host, each.rows, each.lacking_rows) for each in replicas[:2]] == [
        (first, 0, 1),
        (second, 1, 0),
    ]


def test_a_difference_that_no_insert_explains_is_an_alarm(shop: ModernRig) -> None:
    # A partition dropped on one replica: so many rows no insert of the moment can explain.
    (dropped,) = {
        each.partition_id for each in facts(shop, "table", "partitions", TABLE) if each.partition == "202602"
    }
    shop.query(3, f"ALTER TABLE shop.orders DROP PARTITION ID '{dropped}'")
    fact = orders(shop)
    gone = stored(shop, 2, "sum(rows)", f"active AND partition_id = '{dropped}'")
    assert (fact.replicas_differ, fact.replica_rows_difference) == (True, gone)
    assert fact.differing_replicas == f"{ids(shop)[3]} lacks {gone} rows"


def test_partitions_over_hosts(shop: ModernRig) -> None:
    found = {each.partition: each for each in facts(shop, "table", "partitions", TABLE)}
    assert set(found) == {"202601", "202602"}
    january = found["202601"]
    of_it = f"active AND partition_id = '{january.partition_id}'"
    for field, what in (
        ("rows_all_replicas", "sum(rows)"), ("active_parts", "count()"), ("bytes_on_disk", "sum(bytes_on_disk)"),
        ("compressed_bytes", "sum(data_compressed_bytes)"), ("uncompressed_bytes", "sum(data_uncompressed_bytes)"),
    ):  # fmt: skip
        assert getattr(january, field) == sum(stored(shop, index, what, of_it) for index in range(4)), field
    assert january.rows == sum(stored(shop, index, "sum(rows)", of_it) for index in (0, 2))
    assert (january.min_date, january.max_date) == (None, None)
    assert (january.min_time, january.max_time) == (
        datetime(2026, 1, 1, 1, tzinfo=UTC),
        datetime(2026, 1, 31, 1, tzinfo=UTC),
    )
    assert 0 <= january.newest_part_seconds <= january.oldest_part_seconds < 3600
    assert (january.disks, january.hosts) == ("default", 4)


def test_parts_of_a_partition(shop: ModernRig) -> None:
    (january,) = [each for each in facts(shop, "table", "partitions", TABLE) if each.partition == "202601"]
    found = facts(shop, "partition", "parts", (*TABLE, january.partition_id))
    for index, host in enumerate(ids(shop)):
        expected = shop.query(
            index,
            "SELECT name, rows, bytes_on_disk, level, disk_name FROM system.parts WHERE database = 'shop' AND active "
            f"AND partition_id = '{january.partition_id}' ORDER BY bytes_on_disk DESC, name FORMAT JSONCompactEachRow",
        )
        told = [
            [fact.name, fact.rows, fact.bytes_on_disk, fact.level, fact.disk]
            for fact in found
            if fact.host == str(host) and fact.active
        ]
        rows = [json.loads(line) for line in expected.splitlines()]
        assert told == [[row[0], int(row[1]), int(row[2]), int(row[3]), row[4]] for row in rows]
    assert {fact.part_type for fact in found} == {"Wide"}
    assert any(not fact.active for fact in found), "merged parts wait to be removed"
    assert [fact.active for fact in found] == sorted((fact.active for fact in found), reverse=True)


def test_columns_and_what_differs_between_hosts(shop: ModernRig) -> None:
    found = {fact.name: fact for fact in facts(shop, "table", "columns", TABLE)}
    assert list(found) == ["day", "at", "key", "note"]
    assert found["key"].codec == "CODEC(Delta(8), ZSTD(1))"
    assert (found["note"].default_kind, found["note"].default_expression) == ("DEFAULT", "'none'")
    keys = [(fact.is_in_partition_key, fact.is_in_primary_key) for fact in found.values()]
    assert keys == [(False, True), (True, False), (False, True), (False, False)]
    for name, fact in found.items():
        columns = (
            "SELECT sum(column_data_compressed_bytes), sum(column_data_uncompressed_bytes) FROM system.parts_columns "
            f"WHERE active AND database = 'shop' AND table = 'orders' AND column = '{name}'"
        )
        sums = [[int(word) for word in shop.query(index, columns).split()] for index in range(4)]
        assert (fact.compressed_bytes, fact.uncompressed_bytes) == tuple(map(sum, zip(*sums, strict=True)))
    assert sum(fact.table_share_ratio for fact in found.values()) == pytest.approx(1)
    assert not any(fact.hosts_differ for fact in found.values())
    shop.query(
        2,
        "ALTER TABLE shop.orders MODIFY COLUMN note LowCardinality(String) DEFAULT 'none' SETTINGS mutations_sync = 2",
    )
    shop.query(3, "ALTER TABLE shop.orders ADD COLUMN more UInt8")
    found = {fact.name: fact for fact in facts(shop, "table", "columns", TABLE)}
    assert (found["note"].type, found["note"].hosts_differ) == ("String | LowCardinality(String)", True)
    assert (found["more"].hosts, found["more"].hosts_with_table, found["more"].hosts_differ) == (1, 4, True)
    assert (found["key"].hosts_differ, found["more"].compressed_bytes) == (False, None)
    (same, changed, added) = facts(shop, "table", "ddl", TABLE)
    assert (same.hosts, same.hosts_differ) == (tuple(map(str, ids(shop)[:2])), True)
    assert {changed.hosts, added.hosts} == {(str(ids(shop)[2]),), (str(ids(shop)[3]),)}


def test_the_statement_of_a_table_is_that_of_the_server(shop: ModernRig) -> None:
    (fact,) = facts(shop, "table", "ddl", TABLE)
    assert fact.hosts == tuple(map(str, ids(shop)))
    assert f"{fact.create_table_query}\n" == shop.query(
        0,
        "SELECT create_table_query FROM system.tables WHERE database = 'shop' AND name = 'orders' FORMAT TSVRaw",
    )


def test_the_server_itself_hides_passwords(shop: ModernRig) -> None:
    shop.query(
        0, "CREATE TABLE shop.far (a UInt8) ENGINE = MySQL('127.0.0.1:1', 'db', 't', 'user', 'hunter2')"
    )
    part = page("table").part("ddl")
    assert part is not None
    subject = (DATABASE, "far")
    snapshot = collected(shop.effective(), part.wants(subject))
    told = [
        row.create_table_query
        for host in snapshot.hosts
        for row in snapshot.rows(host.id, part.wants(subject)[0].key)
    ]
    assert len(told) == 1
    assert "'[HIDDEN]'" in told[0]
    assert "hunter2" not in told[0]
    (other,) = [fact for fact in facts(shop, "tables", "other") if fact.table == "far"]
    assert (other.engine, other.hosts) == ("MySQL", 1)


def test_tables_that_have_no_parts_are_listed_apart(shop: ModernRig) -> None:
    for index in range(4):
        shop.query(index, "CREATE VIEW shop.seen AS SELECT key FROM shop.orders")
        shop.query(index, "CREATE TABLE shop.empty (a UInt8) ENGINE = MergeTree ORDER BY a")
    found = {(fact.database, fact.table): fact for fact in facts(shop, "tables", "other")}
    assert (found[DATABASE, "seen"].engine, found[DATABASE, "seen"].hosts) == ("View", 4)
    assert found["demo", "events_all"].engine == "Distributed"
    assert {"system", "INFORMATION_SCHEMA"} & {database for database, _ in found} == set()
    tables = {(fact.database, fact.table): fact for fact in facts(shop, "tables")}
    assert (DATABASE, "seen") not in tables
    empty = tables[DATABASE, "empty"]
    assert (empty.rows, empty.active_parts, empty.compression_ratio, empty.hosts) == (0, 0, None, 4)
    assert [fact.rows for fact in facts(shop, "table", "hosts", (DATABASE, "empty"))] == [0] * 4


def test_detached_parts_with_their_reasons(shop: ModernRig) -> None:
    name, attached = shop.query(
        0,
        "SELECT name, path FROM system.parts WHERE database = 'shop' AND active ORDER BY name LIMIT 1",
    ).split()
    shop.query(0, f"ALTER TABLE shop.orders DETACH PART '{name}'")
    broken, path = shop.query(
        2, "SELECT name, path FROM system.parts WHERE database = 'shop' AND active ORDER BY name LIMIT 1"
    ).split()
    shop.query(2, "DETACH TABLE shop.orders SYNC")
    (Path(path) / "columns.txt").write_text("no columns at all")
    shop.query(2, "ATTACH TABLE shop.orders")
    found = [fact for fact in facts(shop, "tables", "detached") if fact.database == DATABASE]
    by_host = {fact.host: fact for fact in found if fact.name.endswith((name, broken))}
    user, damaged = by_host[str(ids(shop)[0])], by_host[str(ids(shop)[2])]
    assert (user.name, user.reason, user.table, user.disk) == (name, "", "orders", "default")
    folder = Path(attached.rstrip("/")).parent / "detached" / name
    assert user.bytes_on_disk == sum(file.stat().st_size for file in folder.iterdir())
    assert user.age_seconds is not None
    assert 0 <= user.age_seconds < 600
    assert "attached again" in user.meaning
    assert (damaged.reason, damaged.name) == ("broken-on-start", f"broken-on-start_{broken}")
    assert "look into it" in damaged.meaning
    sizes = [fact.bytes_on_disk for fact in found]
    assert sizes == sorted(sizes, reverse=True)
    of_table = facts(shop, "table", "detached", TABLE)
    assert {(fact.host, fact.name) for fact in of_table} == {(fact.host, fact.name) for fact in found}
    assert facts(shop, "table", "detached", ("demo", "events")) == ()


def test_the_same_as_json(shop: ModernRig) -> None:
    with command() as chtui:
        chtui.profile(shop)
        told = json.loads(chtui("show", "tables", "--json").out)
        (row,) = [row for row in told["rows"] if (row["database"], row["table"]) == TABLE]
        assert (row["rows"], row["shard_skew_ratio"], row["replicas_differ"]) == (MANY + FEW, 1.5, False)
        assert told["unavailable"] == {}
        told = json.loads(chtui("show", "table.partitions", *TABLE, "--json").out)
        assert {row["min_time"] for row in told["rows"]} == {
            "2026-01-01T01:00:00.000Z",
            "2026-02-01T01:00:00.000Z",
        }
        told = json.loads(chtui("show", "table.ddl", *TABLE, "--json").out)
        assert told["rows"][0]["hosts"] == [str(host) for host in ids(shop)]
