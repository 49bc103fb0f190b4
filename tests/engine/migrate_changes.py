"""Every statement of `sql/migrate` that changes something: run as the migration runs it, and its effect seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import pytest

from chtui.errors import QueryError
from chtui.fleet.literal import Value, literal
from chtui.migrate.copying import COMPUTING, COPYING, settings_text
from chtui.migrate.ddl import AS_DEFINER
from chtui.migrate.hands import DROPPING
from tests.engine import migrate_cutover_sql, migrate_live_sql
from tests.engine.migrate_kills import kill_moving, kill_own
from tests.engine.migrating import COLUMNS, JANUARY, MERGE_TREE, ROWS, Ground

STATES = "    slot UInt64,\n    calls AggregateFunction(count)"


def create_database(ground: Ground) -> None:
    name = f"{ground.database}_more"
    for _ in range(2):
        ground.run("create_database", database=name, cluster=ground.ddl_cluster)
        assert ground.everywhere(f"SELECT count() FROM system.databases WHERE name = '{name}'") == "1"
    for query in ground.queries:
        query(f"DROP DATABASE {name}")


def create_table(ground: Ground) -> None:
    params: dict[str, Value] = {
        "table": ground.table("made"),
        "cluster": ground.ddl_cluster,
        "columns": "    `at` DateTime,\n    `key` UInt64",
        "engine": "MergeTree",
        "partition_by": "toYYYYMM(at)",
        "order_by": "(key, at)",
        "ttl": "" if ground.old else "at + toIntervalDay(9000)",
        "settings": "index_granularity = 1024",
    }
    for _ in range(2):
        ground.run("create_table", **params)
    found = ground.everywhere(
        "SELECT partition_key, sorting_key, position(create_table_query, 'index_granularity = 1024') > 0, "
        f"position(create_table_query, 'TTL') > 0 FROM system.tables WHERE database = '{ground.database}' AND name = 'made'"
    )
    assert found == f"toYYYYMM(at)\tkey, at\t1\t{int(not ground.old)}"


def create_view(ground: Ground) -> None:
    ground.make("seen", "    key UInt64")
    for _ in range(2):
        ground.run(
            "create_view",
            view=ground.table("view"),
            cluster=ground.ddl_cluster,
            select=f"SELECT max(key) AS greatest FROM {ground.database}.seen",
        )
    ground.query("INSERT INTO v2.seen VALUES (7)")
    assert ground.query("SELECT greatest FROM v2.view") == "7"
    assert (
        ground.everywhere(
            f"SELECT engine FROM system.tables WHERE database = '{ground.database}' AND name = 'view'"
        )
        == "View"
    )


def create_materialized_view(ground: Ground) -> None:
    ground.make("fed", "    key UInt64")
    ground.make("states", STATES, engine="AggregatingMergeTree", order_by="slot")
    ground.query("INSERT INTO v2.fed VALUES (1)")
    for _ in range(2):
        ground.run(
            "create_materialized_view",
            view=ground.table("fed_mv"),
            cluster=ground.ddl_cluster,
            target=ground.table("states"),
            rights="" if ground.old else AS_DEFINER,
            columns="    toUInt64(key % 2) AS slot,\n    countState() AS calls",
            source=ground.table("fed"),
            condition="key < 100",
            keys="slot",
        )
    ground.query("INSERT INTO v2.fed SELECT number FROM system.numbers LIMIT 1000")
    counted = "SELECT slot, countMerge(calls) FROM v2.states GROUP BY slot ORDER BY slot"
    assert ground.query(counted) == "0\t50\n1\t50"


def exchange_names(ground: Ground) -> None:
    for name, rows in (("old", 1), ("new", 2)):
        ground.make(name, "    key UInt64")
        ground.query(f"INSERT INTO v2.{name} SELECT number FROM system.numbers LIMIT {rows}")
    ground.run(
        "exchange_names",
        table=ground.table("old"),
        aside=ground.table("aside"),
        successor=ground.table("new"),
        cluster=ground.ddl_cluster,
    )
    assert ground.query("SELECT count() FROM v2.old") == "2"
    assert ground.query("SELECT count() FROM v2.aside") == "1"
    assert ground.everywhere("EXISTS TABLE v2.new") == "0"


def modify_ttl(ground: Ground) -> None:
    ground.make("aging", "    at DateTime,\n    key UInt64")
    ground.query("INSERT INTO v2.aging SELECT toDateTime(1), number FROM system.numbers LIMIT 10")
    expiry = "at + toIntervalDay(9000)"
    ground.run("modify_ttl", table=ground.table("aging"), cluster=ground.ddl_cluster, ttl=expiry)
    found = ground.query(
        f"SELECT engine_full FROM system.tables WHERE database = '{ground.database}' AND name = 'aging'"
    )
    assert f"TTL {expiry}" in found
    mutations = f"SELECT count() FROM system.mutations WHERE database = '{ground.database}'"
    assert ground.query(mutations) == "0"
    assert ground.query("SELECT count() FROM v2.aging") == "10"


def partitions(ground: Ground, table: str) -> dict[str, int]:
    """The rows of a table by partition."""
    rows = ground.query(f"SELECT toYYYYMM(day) AS month, count() FROM v2.{table} GROUP BY month")
    return {month: int(number) for month, number in (line.split("\t") for line in rows.splitlines())}


def copy(ground: Ground, name: str = "copy") -> None:
    """Make an empty table of v1's form."""
    ground.query(f"CREATE TABLE v2.{name} ({COLUMNS}) {MERGE_TREE}")


def between(ground: Ground) -> dict[str, Value]:
    """Parameters of what moves January from `rows` to `copy`."""
    return {"table": ground.table("copy"), "partition_id": "202601", "from": ground.table("rows")}


def attach_partition(ground: Ground) -> None:
    copy(ground)
    for times in (1, 2):
        ground.run("attach_partition", **between(ground))
        assert partitions(ground, "copy") == {"202601": times * JANUARY}
    assert partitions(ground, "rows") == {"202601": JANUARY, "202602": ROWS - JANUARY}


def replace_partition(ground: Ground) -> None:
    copy(ground)
    ground.query("INSERT INTO v2.copy (day) VALUES ('2026-01-01'), ('2026-02-01')")
    for _ in range(2):
        ground.run("replace_partition", DROPPING, **between(ground))
        assert partitions(ground, "copy") == {"202601": JANUARY, "202602": 1}
    assert partitions(ground, "rows") == {"202601": JANUARY, "202602": ROWS - JANUARY}


def drop_table(ground: Ground) -> None:
    for _ in range(2):
        ground.run("drop_table", DROPPING, table=ground.table("rows"), settings="")
        assert ground.query("EXISTS TABLE v2.rows") == "0"
    assert ground.query("EXISTS TABLE v2.nothing") == "1"


def snapshot_create(ground: Ground) -> None:
    ttl = "" if ground.old else "TTL day + INTERVAL 1 DAY"
    ground.query(
        "CREATE TABLE v2.v1 (day Date, key UInt64, name String) ENGINE = MergeTree PARTITION BY toYYYYMM(day) "
        f"PRIMARY KEY (cityHash64(name), key) ORDER BY (cityHash64(name), key, day) SAMPLE BY cityHash64(name) {ttl}"
    )
    ground.query("CREATE TABLE v2.keyless (day Date, key UInt64) ENGINE = MergeTree ORDER BY tuple()")
    for name in ("v1", "keyless"):
        _snapshot(ground, name)


def _snapshot(ground: Ground, name: str) -> None:
    ground.query(f"INSERT INTO v2.{name} (day, key) VALUES (today(), 1)")
    keys = (
        "SELECT partition_key, sorting_key, primary_key, sampling_key, engine FROM system.tables "
        f"WHERE database = '{ground.database}' AND name = '{{}}'"
    )
    partition_by, order_by, primary_key, sample_by, _ = ground.query(keys.format(name)).split("\t")
    made = f"snapshot_{name}"
    ground.run(
        "snapshot_create",
        table=ground.table(made),
        source=ground.table(name),
        partition_by=partition_by,
        primary_key=f"({primary_key})" if primary_key != order_by else "",
        order_by=order_by or "tuple()",
        sample_by=sample_by,
        settings="index_granularity = 8192",
    )
    assert ground.query(keys.format(made)) == ground.query(keys.format(name))
    text = f"SELECT position(create_table_query, 'TTL') FROM system.tables WHERE database = '{ground.database}' AND name = '{made}'"
    assert ground.query(text) == "0"
    assert ground.query(f"SELECT count() FROM v2.{made}") == "0"
    # It is of use only if parts of the one can be linked into the other.
    partition = ground.query(
        f"SELECT partition_id FROM system.parts WHERE active AND database = '{ground.database}' AND table = '{name}'"
    )
    params: dict[str, Value] = {"partition_id": partition, "from": ground.table(name)}
    ground.run("replace_partition", DROPPING, table=ground.table(made), **params)
    assert ground.query(f"SELECT count() FROM v2.{made}") == "1"


def copy_slice(ground: Ground) -> None:
    copy(ground)
    columns = "`day`, `at`, `key`, `name`"
    each, same = "day, at, key, upper(name)", "day, toDateTime(day), 0, 'NAME'"
    for shard, distinct, given, rows in (
        ("key % 2 = 1", "", each, 50),
        ("", "DISTINCT", each, 150),
        ("", "DISTINCT", same, 151),
    ):
        ground.run(
            "copy_slice",
            staging=ground.table("copy"),
            columns=columns,
            distinct=distinct,
            given=given,
            where="key < 100",
            shard=shard,
            settings=settings_text(ground.host.known(COPYING)),
            **{"from": ground.read_by("rows")},
        )
        assert ground.query("SELECT count(), countIf(name LIKE 'NAME%') FROM v2.copy") == f"{rows}\t{rows}"


def aggregate_stage(ground: Ground) -> None:
    ground.query(f"CREATE TABLE v2.states ({STATES}) ENGINE = AggregatingMergeTree ORDER BY slot")
    for condition, calls in (("key < 100", 100), ("", 100 + ROWS)):
        ground.run(
            "aggregate_stage",
            staging=ground.table("states"),
            columns="`slot`, `calls`",
            select="    key % 10 AS `slot`,\n    countState() AS `calls`",
            base=ground.table("rows"),
            condition=condition,
            keys="key % 10",
            settings=settings_text(ground.host.known(COMPUTING)),
        )
        found = ground.query("SELECT count(DISTINCT slot), countMerge(calls) FROM v2.states")
        assert found == f"10\t{calls}"


def lease_create(ground: Ground) -> None:
    _leased(ground, "lease_create", "system.tables WHERE name = 'lease'")


def lease_create_old(ground: Ground) -> None:
    _leased(ground, "lease_create_old", "system.columns WHERE name = 'until' AND table = 'lease'")


def _leased(ground: Ground, name: str, where: str) -> None:
    params: dict[str, Value] = {"lease": ground.table("lease"), "comment": literal("it's\nmine")}
    ground.run(name, **params)
    assert ground.query(f"SELECT comment FROM {where} AND database = '{ground.database}'") == "it\\'s\\nmine"
    with pytest.raises(QueryError) as refused:  # of all who try, the server lets one
        ground.run(name, **params)
    assert refused.value.code == 57
    ground.query("INSERT INTO v2.lease (until, is_released, journal_seq) VALUES (now(), 0, 1)")


def lease_beat(ground: Ground) -> None:
    ground.run("lease_create_old", lease=ground.table("lease"), comment="'mine'")

    def beat(is_released: int, journal_seq: int) -> str:
        ground.run(
            "lease_beat",
            lease=ground.table("lease"),
            database=ground.database,
            table="lease",
            ttl_seconds=60,
            is_released=is_released,
            journal_seq=journal_seq,
        )
        seen = "SELECT count(), max(is_released), max(journal_seq), max(until) > now() + 50 FROM v2.lease"
        return ground.query(seen)

    assert beat(0, 7) == "1\t0\t7\t1"
    assert beat(0, 8) == "2\t0\t8\t1"
    ground.run("lease_drop", lease=ground.table("lease"))
    ground.run("lease_create_old", lease=ground.table("lease"), comment="'mine'")
    ground.query("INSERT INTO v2.lease VALUES (now() - 1, 0, 5)")
    assert beat(0, 9) == "1\t0\t5\t0"  # it has run out: nothing is written
    assert beat(1, 10) == "2\t1\t10\t1"  # but that it is let go of


def lease_drop(ground: Ground) -> None:
    ground.run("lease_create_old", lease=ground.table("lease"), comment="'mine'")
    for _ in range(2):
        ground.run("lease_drop", lease=ground.table("lease"))
        assert ground.query("EXISTS TABLE v2.lease") == "0"


def sync_replica(ground: Ground) -> None:
    ground.replicate("copies")
    ground.query("SYSTEM STOP FETCHES")
    try:
        ground.queries[1](f"INSERT INTO {ground.database}.copies SELECT number FROM system.numbers LIMIT 10")
        assert ground.query("SELECT count() FROM v2.copies") == "0"
    finally:
        ground.query("SYSTEM START FETCHES")
    ground.run("sync_replica", table=ground.table("copies"))
    assert ground.query("SELECT count() FROM v2.copies") == "10"


CHANGES: Mapping[str, Callable[[Ground], None]] = MappingProxyType(
    {
        f"migrate/{change.__name__}": change
        for change in (
            aggregate_stage, attach_partition, copy_slice, create_database, create_materialized_view, create_table, create_view,
            drop_table, exchange_names, kill_moving, kill_own, lease_beat, lease_create, lease_create_old, lease_drop,
            modify_ttl, replace_partition, snapshot_create, sync_replica,
            *migrate_cutover_sql.CHANGES, *migrate_live_sql.CHANGES,
        )
    }
)  # fmt: skip
"""What each statement is seen to do."""
