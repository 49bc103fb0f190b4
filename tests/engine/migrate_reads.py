"""Every statement of `sql/migrate` that reads: what it is asked for, and what it gives of many rows and of none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from chtui.fleet.literal import Value, literal
from chtui.migrate.shape import hour_of, nanoseconds_of
from tests.engine import migrate_cutover_sql, migrate_live_sql
from tests.engine.migrate_digests_sql import Make, Params, digest, hashed_rows, hashes, once
from tests.engine.migrating import COLUMNS, FIRST_SECOND, JANUARY, ROWS, STEP_SECONDS, Ground
from tests.support import CLUSTER

Rows = Sequence[tuple[Any, ...]]
LEASES = "^lease_[0-9]+$"
STATES = "slot UInt64, calls AggregateFunction(count)"


class Reading(NamedTuple):
    """How one statement is asked."""

    many: Make
    """Parameters with which it finds something; what it needs is made first."""
    found: int | Rows
    """The rows it gives then, or at least how many."""
    few: Make | None = None
    """Parameters with which there is nothing to be found; None for one that always gives the same."""
    left: int | Rows = ()
    """The rows it gives then, or at least how many."""


def of_database(**more: Value) -> Make:
    """Parameters of a statement about the database."""
    return lambda ground: {"database": ground.database, **more}


def of_table(name: str, **more: Value) -> Make:
    """Parameters of a statement that reads a table."""
    return lambda ground: {"table": ground.table(name), **more}


def given(**params: Value) -> Make:
    """Parameters that are the same everywhere."""
    return lambda _: dict(params)


def read_by(name: str, **more: Value) -> Make:
    """Parameters of a statement that reads a table as hosts of the target do."""
    return lambda ground: {"from": ground.read_by(name), **more}


def states(name: str, source: str) -> Make:
    """Parameters of the count of an aggregate's states, of which there is a table then."""

    def make(ground: Ground) -> Params:
        ground.query(f"CREATE TABLE v2.{name} ({STATES}) ENGINE = AggregatingMergeTree ORDER BY slot")
        ground.query(
            f"INSERT INTO v2.{name} SELECT key % 10 AS slot, countState() FROM v2.{source} GROUP BY slot"
        )
        return {"table": ground.table(name), "count": "countMerge(calls)"}

    return make


def lease(beats: int) -> Make:
    """Parameters of a lease's state, after so many signs of life."""

    def make(ground: Ground) -> Params:
        name = "lease_create_old" if ground.old else "lease_create"
        for generation in (1, 2):
            if not int(ground.query(f"EXISTS TABLE v2.lease_{generation}")):
                ground.run(name, lease=ground.table(f"lease_{generation}"), comment=literal("it's\nmine"))
        for beat in range(beats):
            ground.query(f"INSERT INTO v2.lease_2 VALUES (now() + 60, 0, {beat + 7})")
        return {
            "lease": ground.table("lease_2"),
            "database": ground.database,
            "table": "lease_2",
            "pattern": LEASES,
            "ttl_seconds": 60,
        }

    return make


def leases(ground: Ground) -> Params:
    """Parameters of the list of two leases."""
    lease(0)(ground)
    return {"database": ground.database, "pattern": LEASES}


def indexed(ground: Ground) -> Params:
    """Parameters of the list of skip indexes, of which there is one then."""
    ground.query("ALTER TABLE v2.rows ADD INDEX by_name name TYPE set(10) GRANULARITY 1")
    return {"database": ground.database}


def spooled(ground: Ground) -> Params:
    """Parameters of the spool of Distributed tables, one of which has taken rows for hosts that cannot store them."""
    ground.query(
        f"CREATE TABLE v2.far ({COLUMNS}) ENGINE = Distributed('{CLUSTER}', {ground.database}, rows, key)"
    )
    ground.query("SYSTEM STOP DISTRIBUTED SENDS v2.far")
    ground.query("INSERT INTO v2.far (key) SELECT number FROM numbers(10)")
    return {"databases": [ground.database]}


def dictionary(ground: Ground) -> Params:
    """Parameters of the list of dictionaries that read the database; servers that can make one by a statement have one."""
    if not ground.old:
        ground.query(
            "CREATE DICTIONARY v2.by_key (key UInt64, name String) PRIMARY KEY key "
            f"SOURCE(CLICKHOUSE(TABLE 'rows' DB '{ground.database}' {ground.login})) LAYOUT(FLAT()) LIFETIME(0)"
        )
    return {"database": ground.database}


def replicated(ground: Ground) -> Params:
    """Parameters of the list of Replicated tables; servers with Keeper have one then."""
    if ground.old:
        ground.replicate("copies")
    return {"databases": [ground.database]}


def replicated_tables(ground: Ground) -> Params:
    """Parameters of the state of a Replicated table; servers with Keeper have it then."""
    replicated(ground)
    return {"database": ground.database, "tables": ["copies"]}


def compared(name: str, base: str, **more: Value) -> Make:
    """Parameters of the comparison of an aggregate's states with a base."""

    def make(ground: Ground) -> Params:
        source = "rows" if name == "states" else "nothing"
        if not int(ground.query(f"EXISTS TABLE v2.{name}")):
            states(name, source)(ground)
        return {
            "states": ground.table(name),
            "state_columns": "toString(slot) AS k0,\n    countMerge(calls) AS v0",
            "of_states": "slot < 7",
            "state_groups": "k0",
            "base": ground.table(base),
            "base_columns": "toString(key % 10) AS k0,\n    count() AS v0",
            "of_base": "key % 10 < 8",
            "base_groups": "k0",
            "keys": "k0",
            "differs": "[toUInt8(sumIf(v0, chtui_side = 1) != sumIf(v0, chtui_side = 0))]",
            **more,
        }

    return make


SIDES: Mapping[str, Value] = MappingProxyType(
    {
        "of_state": "[toString(sumIf(v0, chtui_side = 1))]",
        "of_rows": "[toString(sumIf(v0, chtui_side = 0))]",
        "limit": 5,
    }
)


def no_child(ground: Ground) -> Params:
    """Parameters of the names below a path below which there are none."""
    ground.replicate("copies")
    return {"path": f"/clickhouse/tables/01/{ground.database}/copies/blocks"}


LAST_SECOND = FIRST_SECOND + (ROWS - 1) * STEP_SECONDS
NO_TABLE = {"database": "chtui-none", "table": "rows"}
READINGS: Mapping[str, Reading] = MappingProxyType(
    {
        "counted": Reading(
            of_table("rows", where="key < 10"), [(10,)], of_table("nothing", where=""), [(0,)]
        ),
        "digest": Reading(digest("rows"), 3 * 60, digest("nothing")),
        "digest_once": Reading(once(digest("rows")), 3 * 60, once(digest("nothing"))),
        "formatted": Reading(
            given(texts=["select\n1", "CREATE VIEW `v` AS select 'it''s'"]),
            [("SELECT 1",), ("CREATE VIEW v AS SELECT 'it\\'s'",)],
            given(texts=[]),
        ),
        "lease_comments": Reading(given(), 1),
        "lease_state": Reading(lease(3), 1, lease(0), 1),
        "lease_tables": Reading(
            leases, [("lease_1", "it's\nmine"), ("lease_2", "it's\nmine")], of_database(pattern="^none$")
        ),
        "lease_tables_old": Reading(leases, 2, of_database(pattern="^none$")),
        "own_queries": Reading(given(prefix="contract-"), 1, given(prefix="chtui-none")),
        "own_tables": Reading(of_database(prefix="ro"), [("rows",)], of_database(prefix="v2_")),
        "partition_marks": Reading(of_database(table="rows"), 2, of_database(table="nothing")),
        "partition_parts": Reading(
            of_database(table="rows", partition_id="202601"),
            1,
            of_database(table="rows", partition_id="202603"),
        ),
        "partition_rows": Reading(
            of_database(table="rows", partition_id="202601"),
            [(1, JANUARY)],
            of_database(table="rows", partition_id="202603"),
            [(0, 0)],
        ),
        "schema_columns": Reading(of_database(), 8, given(database="chtui-none")),
        "schema_databases": Reading(of_database(), 1, given(database="chtui-none")),
        "schema_tables": Reading(of_database(), 2, given(database="chtui-none")),
        "settings_known": Reading(
            given(names=["max_threads", "max_block_size", "it's"]), 2, given(names=["it's"])
        ),
        "shards": Reading(given(cluster=CLUSTER), [(1, 1), (2, 1)], given(cluster="chtui-none")),
        "source_hours": Reading(
            of_table("rows", partition="toYYYYMM(day)", hour=hour_of("`at`")),
            67,
            of_table("nothing", partition="toYYYYMM(day)", hour=hour_of("`at`")),
        ),
        "source_partitions": Reading(of_database(table="rows"), 2, of_database(table="nothing")),
        "source_table": Reading(of_database(table="rows"), 1, given(**NO_TABLE)),
        "states_count": Reading(states("states", "rows"), [(ROWS,)], states("no_states", "nothing"), [(0,)]),
        "table_types": Reading(
            of_database(table="rows"),
            [("day", "Date", ""), ("at", "DateTime", ""), ("key", "UInt64", ""), ("name", "String", "")],
            given(**NO_TABLE),
        ),
    }
)
"""Those of the migration itself."""
LOOKS: Mapping[str, Reading] = MappingProxyType(
    {
        "clock": Reading(given(), 1),
        "clock_old": Reading(given(), 1),
        "clusters": Reading(given(clusters=[CLUSTER]), 4, given(clusters=["chtui-none"])),
        "columns": Reading(of_database(table="rows"), 4, given(**NO_TABLE)),
        "ddl_path": Reading(given(), 1),
        "dictionaries": Reading(dictionary, 1, given(database="chtui-none")),
        "disks": Reading(given(), 1),
        "grant": Reading(given(rights="SELECT", where="system.*"), [(1,)]),
        "indexes": Reading(indexed, [("rows", "by_name", "set", "name")], given(database="chtui-none")),
        "keeper_children": Reading(given(path="/"), 1, no_child),
        "losses": Reading(
            of_table("rows", conditions="countIf(key < 10),\ncountIf(key < 20)"),
            [(ROWS, [10, 20])],
            of_table("nothing", conditions="countIf(key < 10)"),
            [(0, [0])],
        ),
        "macros": Reading(given(), 2),
        "merge_tree_settings": Reading(given(names=["index_granularity", "it's"]), 1, given(names=["it's"])),
        "partitions": Reading(
            of_table("rows", partition="toYYYYMM(day)", condition="key < 500"),
            [("202601", JANUARY), ("202602", 500 - JANUARY)],
            of_table("nothing", partition="toYYYYMM(day)", condition="key < 500"),
        ),
        "policies": Reading(given(), 1),
        "profiles": Reading(given(names=["readonly"]), 1, given(names=["it's"])),
        "rate": Reading(
            read_by("rows", given="cityHash64(key, name)", max_rows=100),
            1,
            read_by("nothing", given="cityHash64(key, name)", max_rows=100),
            [(0, 0)],
        ),
        "replicas": Reading(replicated, 1, given(databases=["chtui-none"])),
        "route": Reading(read_by("rows"), [(ROWS,)], read_by("nothing"), [(0,)]),
        "server": Reading(given(), 1),
        "settings": Reading(given(names=["max_threads", "it's"]), 1, given(names=["it's"])),
        "spool": Reading(spooled, 1, given(databases=["chtui-none"])),
        "table_parts": Reading(of_database(), 2, given(database="chtui-none")),
        "times": Reading(
            of_table("rows", time="at", seconds=3600),
            [(ROWS, FIRST_SECOND, LAST_SECOND, 0)],
            of_table("nothing", time="at", seconds=3600),
            [(0, 0, 0, 0)],
        ),
        "type_names": Reading(given(names=["UInt8", "Date", "it's"]), 2, given(names=["it's"])),
        "types": Reading(
            of_table("nothing", expressions="    key + 1 AS more,\n    name"),
            [("more", "UInt64"), ("name", "String")],
        ),
        "values": Reading(
            of_table("rows", value="name", condition="key < 100", max_rows=3),
            [("name 0", 15), ("name 1", 15), ("name 2", 14)],
            of_table("nothing", value="name", condition="key < 100", max_rows=3),
        ),
        "whole": Reading(given(), [(number,) for number in range(10000)]),
    }
)
"""Those of preflight, without the beginning of their names."""
VERIFIES: Mapping[str, Reading] = MappingProxyType(
    {
        "drill_hashes": Reading(
            hashes("rows", slot="key % 3", copies="count()", limit=5),
            5,
            hashes("nothing", slot="key % 3", copies="uniqExact(sipHash64(key))", limit=5),
        ),
        "drill_rows": Reading(
            hashed_rows,
            3,
            hashes("rows", hashes=["1"], time_ns=nanoseconds_of("`at`", "DateTime"), key="toString(key)"),
        ),
        "verify_aggregate": Reading(
            compared("states", "rows"),
            [(8, 1, 0, 1, [1])],
            compared("no_states", "nothing"),
            [(0, 0, 0, 0, [])],
        ),
        "verify_aggregate_keys": Reading(
            compared("states", "rows", **SIDES),
            [(["7"], 0, 1, [1], ["0"], ["100"])],
            compared("no_states", "nothing", **SIDES),
        ),
        "verify_version": Reading(given(), 1),
    }
)
"""Those that compare v1 and v2."""
THROTTLES: Mapping[str, Reading] = MappingProxyType(
    {
        "disks": Reading(given(policy="default"), 1, given(policy="chtui-none")),
        "merges": Reading(given(), 1),
        "parts": Reading(of_database(tables=["rows", "nothing"]), 1, of_database(tables=["nothing", "it's"])),
        "queries": Reading(given(), 1),
        "replicas": Reading(
            replicated_tables,
            1,
            of_database(tables=["it's"]),
        ),
        "source_disks": Reading(of_database(), 1, given(database="chtui-none")),
    }
)
"""Those that watch servers while it goes on, without the beginning of their names."""
ALL: Mapping[str, Reading] = MappingProxyType(
    {
        **{f"migrate/{name}": reading for name, reading in (*READINGS.items(), *VERIFIES.items())},
        **{f"migrate/preflight_{name}": reading for name, reading in LOOKS.items()},
        **{f"migrate/throttle_{name}": reading for name, reading in THROTTLES.items()},
        **{
            f"migrate/{name}": Reading(many, found, migrate_live_sql.NOTHING.get(name))
            for name, (many, found) in migrate_live_sql.READS.items()
        },
        **{
            f"migrate/cutover_{name}": Reading(many, found, migrate_cutover_sql.NOTHING.get(name))
            for name, (many, found) in migrate_cutover_sql.READS.items()
        },
    }
)


def holds(rows: Rows, wanted: int | Rows) -> bool:
    """Whether rows are those wanted, in any order, or at least as many."""
    if isinstance(wanted, int):
        return len(rows) >= wanted
    return sorted(map(repr, rows)) == sorted(map(repr, wanted))
