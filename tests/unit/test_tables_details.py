"""The details of a table and of a partition, without a screen."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from chtui.monitor.scheduler import Want
from chtui.records.tables import (
    PartitionPart,
    TableReplica,
)
from chtui.views.pages import table
from chtui.views.table import Link
from tests.unit.hand import A, B, C, D, blank, good, snapshot
from tests.unit.tables_by_hand import (
    ARGS,
    FOUR,
    PARTITION,
    TABLE,
    cells,
    column,
    definition,
    facts,
    growth,
    host_samples,
    part,
    partition,
    partition_samples,
    parts,
)

# One table


def test_a_table_on_its_hosts() -> None:
    given = snapshot(*FOUR, samples=host_samples((100, 97)))
    first, second = facts(given, "table", "hosts", TABLE)
    assert (first.host, first.shard_num, first.replica_num, first.rows) == (str(A), 1, 1, 100)
    assert (first.lacking_rows, second.lacking_rows, second.rows_differ) == (0, 3, True)
    assert (first.compression_ratio, first.queue_entries, first.zookeeper_path) == (10.0, None, None)
    shown = cells(given, "table", "hosts", TABLE, row=1)
    assert shown["lacking_rows"][:2] == ("-3", "warning")


def test_a_queue_explains_what_a_replica_lacks_and_leads_to_keeper() -> None:
    given = snapshot(*FOUR, samples=host_samples((100, 97), queue=2))
    (_, second) = facts(given, "table", "hosts", TABLE)
    assert (second.queue_entries, second.absolute_delay_seconds) == (2, 3)
    assert cells(given, "table", "hosts", TABLE, row=1)["lacking_rows"][:2] == ("-3", "muted")
    links = dict(table(part("table", "hosts"), given, TABLE).rows[0].links)
    assert links["znode /t/replicas/r1"] == Link("znode", ("/t/replicas/r1",))
    assert links["replication queue of shop.orders"] == Link("queue", TABLE)


def test_a_readonly_replica_is_said_to_be() -> None:
    samples = host_samples((1, 1))
    samples[A, Want("table_replica", args=ARGS).key] = good(TableReplica("/t", "r1", True, False, 0, 0))
    shown = cells(snapshot(*FOUR, samples=samples), "table", "hosts", TABLE)
    assert shown["engine"][:2] == ("MergeTree readonly", "critical")


def test_figures_of_a_table() -> None:
    samples = host_samples((100, 97))
    for host in (A, B):
        samples[host, Want("table_growth", args=ARGS).key] = good(growth(4, 9))
    figures = part("table", "hosts").figures
    assert figures is not None
    found = {figure.label: figure.value for figure in figures(snapshot(*FOUR[:2], samples=samples), TABLE)}
    assert (found["rows once"], found["rows in all"], found["ratio"]) == ("100", "197", "10.0:1")
    assert (found["replicas"], found["rows, size in 1 h"], found["rows, size in 1 d"]) == (
        "-3 rows",
        "4 28 B",
        "9 63 B",
    )
    assert figures(snapshot(*FOUR[:2]), TABLE) == ()


def test_a_table_nobody_has_is_said_to_be_nowhere() -> None:
    keys = [Want(name, args=ARGS).key for name in ("table_engines", "table_parts", "table_growth", "table_replica")]  # fmt: skip
    given = snapshot(FOUR[0], samples={(A, key): good() for key in keys})
    assert table(part("table", "hosts"), given, TABLE).empty == "no MergeTree table of this name"


def test_columns_over_hosts() -> None:
    key = Want("table_columns", args=ARGS).key
    samples = {
        (A, key): good(column(is_in_primary_key=True, is_in_sorting_key=True), column("name", "String", compressed_bytes=30)),
        (B, key): good(column(is_in_primary_key=True, is_in_sorting_key=True), column("name", "LowCardinality(String)")),
        (A, Want("table_parts", args=ARGS).key): good(parts(100)),
    }  # fmt: skip
    given = snapshot(*FOUR[:2], samples=samples)
    first, second = facts(given, "table", "columns", TABLE)
    assert (first.position, first.name, first.type, first.hosts_differ) == (1, "id", "UInt64", False)
    assert (first.compressed_bytes, first.uncompressed_bytes, first.compression_ratio) == (20, 80, 4.0)
    assert first.table_share_ratio == pytest.approx(20 / 60)
    assert (second.type, second.hosts_differ) == ("String | LowCardinality(String)", True)
    shown = cells(given, "table", "columns", TABLE)
    assert (shown["keys"].text, shown["codec"][:2], shown["table_share_ratio"].text) == (
        "PS",
        ("default", "muted"),
        "33 %",
    )
    assert cells(given, "table", "columns", TABLE, row=1)["hosts"][:2] == ("2 of 2 differs", "warning")
    figures = part("table", "columns").figures
    assert figures is not None
    assert [(figure.label, figure.value) for figure in figures(given, TABLE)] == [
        ("columns", "2"), ("told by column", "60 B of 100 B"), ("not told, compact", "40 B"), ("differ on hosts", "1"),
    ]  # fmt: skip


def test_a_column_that_a_host_lacks_differs() -> None:
    key = Want("table_columns", args=ARGS).key
    given = snapshot(*FOUR[:2], samples={(A, key): good(column(), column("new")), (B, key): good(column())})
    assert [fact.hosts_differ for fact in facts(given, "table", "columns", TABLE)] == [False, True]


def test_compact_parts_do_not_tell_and_old_servers_know_no_codec() -> None:
    key = Want("table_columns", args=ARGS).key
    blind = column(
        compressed_bytes=0, uncompressed_bytes=0, codec=None, default_kind="DEFAULT", default_expression="1"
    )
    given = snapshot(FOUR[0], samples={(A, key): good(blind)})
    (fact,) = facts(given, "table", "columns", TABLE)
    assert (fact.compressed_bytes, fact.compression_ratio, fact.table_share_ratio, fact.codec) == (None,) * 4
    shown = cells(given, "table", "columns", TABLE)
    assert (shown["codec"].text, shown["default_expression"].text) == ("-", "DEFAULT 1")


def test_partitions_over_hosts() -> None:
    samples = partition_samples(
        partition(100, min_time=datetime(2026, 1, 2, tzinfo=UTC), max_time=datetime(2026, 1, 9, tzinfo=UTC)),
        partition(
            100, active_parts=3, disks="cold, hot", oldest_part_seconds=950, newest_part_seconds=500,
            min_time=datetime(2026, 1, 1, tzinfo=UTC), max_time=datetime(2026, 1, 8, tzinfo=UTC),
        ),
    )  # fmt: skip
    given = snapshot(*FOUR[:2], samples=samples)
    (fact,) = facts(given, "table", "partitions", TABLE)
    assert (fact.hosts, fact.rows, fact.rows_all_replicas, fact.active_parts) == (2, 100, 200, 5)
    assert (fact.compressed_bytes, fact.compression_ratio, fact.disks) == (200, 3.0, "cold, hot")
    assert (fact.min_time, fact.max_time) == (
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2026, 1, 9, tzinfo=UTC),
    )
    assert (fact.min_date, fact.max_date) == (None, None)
    assert (fact.oldest_part_seconds, fact.newest_part_seconds) == (950, 500)
    assert (fact.replicas_differ, fact.replica_parts_difference) == (False, 1)
    assert fact.differing_replicas == f"{B} has 1 part more"
    made = table(part("table", "partitions"), given, TABLE)
    assert made.rows[0].link == Link("partition", PARTITION)


def test_a_partition_one_replica_lacks_and_one_that_is_being_written() -> None:
    (fact,) = facts(
        snapshot(*FOUR[:2], samples=partition_samples(partition(9), None)), "table", "partitions", TABLE
    )
    assert (fact.replica_rows_difference, fact.replicas_differ, fact.hosts) == (9, True, 1)
    busy = partition_samples(partition(9, newest_part_seconds=1), partition(5))
    (fact,) = facts(snapshot(*FOUR[:2], samples=busy), "table", "partitions", TABLE)
    assert (fact.replica_rows_difference, fact.replicas_differ) == (4, False)


def test_dates_of_partitions_without_times() -> None:
    for lower in ("0000-00-00", "1970-01-01"):
        rows = partition(1, min_date=lower, max_date="2026-01-31", partition="(1,'x')")
        given = snapshot(FOUR[0], samples=partition_samples(rows))
        (fact,) = facts(given, "table", "partitions", TABLE)
        assert (fact.min_time, fact.min_date, fact.max_date) == (None, "2026-01-31", "2026-01-31")
        shown = cells(given, "table", "partitions", TABLE)
        assert (shown["partition"].text, shown["max_time"].text) == ("(1,'x') (202601)", "2026-01-31")


def test_ddl_that_all_hosts_share_and_ddl_that_differs() -> None:
    key = Want("table_definition", args=ARGS).key
    one, other = "CREATE TABLE s.o (`a` UInt8) ENGINE = Log", "CREATE TABLE s.o (`a` UInt16) ENGINE = Log"
    given = snapshot(*FOUR[:2], samples={(A, key): definition(one), (B, key): definition(one)})
    (fact,) = facts(given, "table", "ddl", TABLE)
    assert (fact.hosts, fact.create_table_query, fact.hosts_differ) == ((str(A), str(B)), one, False)
    shown = [row.cells[0][:2] for row in table(part("table", "ddl"), given, TABLE).rows]
    assert shown[:3] == [(f"-- on {A}, {B}", "muted"), ("CREATE TABLE s.o (", ""), ("    `a` UInt8", "")]
    samples = {(A, key): definition(other), (B, key): definition(one), (C, key): definition(one)}
    given = snapshot(*FOUR[:3], samples=samples)
    first, second = facts(given, "table", "ddl", TABLE)
    assert (first.hosts, second.hosts) == ((str(B), str(C)), (str(A),))
    assert first.hosts_differ
    assert second.hosts_differ
    rows = table(part("table", "ddl"), given, TABLE).rows
    assert (f"-- DIFFERS BETWEEN HOSTS: so it is on {A}", "warning") in [row.cells[0][:2] for row in rows]
    assert ("    `a` UInt16  -- differs", "warning") in [row.cells[0][:2] for row in rows]
    assert {row.copy for row in rows} == {one, other}
    assert len({row.key for row in rows}) == len(rows)


def test_passwords_of_old_servers_are_not_told() -> None:
    key = Want("table_definition", args=ARGS).key
    secret = "CREATE TABLE s.o (a UInt8) ENGINE = MySQL('h', 'd', 't', 'u', 'hunter2')"
    given = snapshot(FOUR[0], samples={(A, key): definition(secret, "MySQL")})
    (fact,) = facts(given, "table", "ddl", TABLE)
    assert "hunter2" not in fact.create_table_query
    assert "hunter2" not in str(table(part("table", "ddl"), given, TABLE))


# One partition


def test_parts_of_a_partition_active_ones_first() -> None:
    key = Want("partition_parts", args=(*ARGS, ("partition_id", "202601"))).key
    small = blank(PartitionPart, name="a", active=True, bytes_on_disk=1, compressed_bytes=1, uncompressed_bytes=4, level=2,
                  refcount=3, age_seconds=70, disk="hot", part_type="Wide")  # fmt: skip
    large = small._replace(name="b", bytes_on_disk=9)
    old = small._replace(name="c", active=False, bytes_on_disk=99, disk=None, part_type=None)
    given = snapshot(*FOUR[:2], samples={(A, key): good(old, small), (B, key): good(large)})
    found = facts(given, "partition", "parts", PARTITION)
    assert [(fact.name, fact.host, fact.active) for fact in found] == [
        ("b", str(B), True),
        ("a", str(A), True),
        ("c", str(A), False),
    ]
    assert (found[1].compression_ratio, found[1].level, found[1].refcount, found[1].age_seconds) == (
        4.0,
        2,
        3,
        70,
    )
    states = [cells(given, "partition", "parts", PARTITION, row=row)["active"].text for row in range(3)]
    assert states == ["active", "active", "outdated"]


def test_replicas_of_a_partition_side_by_side() -> None:
    samples = partition_samples(partition(9), partition(7), None, None, one=True)
    samples[B, Want("table_replica", args=ARGS).key] = good(TableReplica("/t", "r2", False, False, 5, 2))
    given = snapshot(*FOUR, samples=samples)
    found = facts(given, "partition", "replicas", PARTITION)
    assert [(fact.host, fact.rows, fact.lacking_rows) for fact in found] == [
        (str(A), 9, 0), (str(B), 7, 2), (str(C), 0, 0), (str(D), 0, 0),
    ]  # fmt: skip
    assert (found[1].queue_entries, found[1].absolute_delay_seconds, found[0].queue_entries) == (2, 5, None)
    assert found[1].rows_differ is True
    figures = part("partition", "replicas").figures
    assert figures is not None
    assert [(figure.label, figure.value, figure.style) for figure in figures(given, PARTITION)] == [
        ("rows once", "9", ""), ("rows in all", "16", ""), ("replicas", "-2 rows", "warning"),
    ]  # fmt: skip
    same = snapshot(*FOUR[:2], samples=partition_samples(partition(9), partition(9), one=True))
    assert figures(same, PARTITION)[-1].value == "same"
    alone = snapshot(FOUR[0], samples=partition_samples(partition(9), one=True))
    assert figures(alone, PARTITION)[-1].value == "none to compare"
    assert figures(snapshot(FOUR[0]), PARTITION) == ()
