"""The statements of `sql/migrate` that serve the cutover: what each gives, and what it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import pytest

from chtui.errors import QueryError
from chtui.fleet.literal import Value
from chtui.migrate.copying import COPYING, settings_text
from chtui.migrate.shape import nanoseconds_of, row_hash
from chtui.migrate.statements import table_name
from tests.engine.migrating import FIRST_SECOND, JANUARY, ROWS, Ground
from tests.support import wait_until

Make = Callable[[Ground], dict[str, Value]]
HASHED = ("`day`", "`at`", "`key`", "`name`")
BOUNDS: Mapping[str, Value] = MappingProxyType({"window_seconds": 3600, "max_rows": 10})


def asked(ground: Ground) -> int:
    """Have `rows` asked for, have that logged, and return the second before."""
    since = int(ground.query("SELECT toUnixTimestamp(now())")) - 1
    ground.query("SELECT count() FROM v2.rows WHERE name = 'it''s'")
    ground.query("SYSTEM FLUSH LOGS")
    return since


def readers(ground: Ground) -> dict[str, Value]:
    """Parameters with which a reader is found."""
    asked(ground)
    return {"database": ground.database, **BOUNDS}


def readers_old(ground: Ground) -> dict[str, Value]:
    """The same for servers that log no tables."""
    asked(ground)
    return {"names": [f"{ground.database}.rows"], **BOUNDS}


def seen(ground: Ground) -> dict[str, Value]:
    """Parameters of what readers did."""
    return {"source": ground.database, "target": "chtui-none", "since_seconds": asked(ground)}


def blocks(ground: Ground) -> dict[str, Value]:
    """Parameters with which the blocks of two partitions are found."""
    return {"database": ground.database, "names": ["rows", "it's"]}


def newest(name: str) -> Make:
    """Parameters of a table's newest row."""
    return lambda ground: {
        "from": table_name(ground.database, name),
        "time_ns": nanoseconds_of("`at`", "DateTime"),
        "where": f"at < {FIRST_SECOND + 5}",
    }


def replicated(ground: Ground) -> dict[str, Value]:
    """Parameters of the state of a Replicated table; servers with Keeper have it then."""
    if ground.old:
        ground.replicate("copies")
    return {"database": ground.database}


def _until(ground: Ground, text: str) -> None:
    wait_until(lambda: ground.query(text) != "0", 20, text)


def bounds(ground: Ground) -> dict[str, Value]:
    """Parameters of what the user may use."""
    return {"users": ["admin"]}


def policies(ground: Ground) -> dict[str, Value]:
    """Parameters of row policies; of this server's users none has one."""
    return {"databases": [ground.database]}


def answer(ground: Ground) -> dict[str, Value]:
    """Parameters of a reader's query that gives three rows."""
    return {
        "query": f"SELECT name AS chtui_row FROM {ground.database}.rows WHERE key < 30 ORDER BY key",
        "max_rows": 3,
    }


def no_answer(ground: Ground) -> dict[str, Value]:
    """Parameters of a reader's query that gives nothing."""
    return {"query": f"SELECT name AS chtui_row FROM {ground.database}.nothing", "max_rows": 3}


def expired(name: str) -> Make:
    """Parameters of rows that are older than a day."""
    return lambda ground: {"table": ground.table(name), "expires": "at + 86400"}


def lacking(ground: Ground) -> dict[str, Value]:
    """Parameters of the rows a table has once more than it has those of before them."""
    hashed = row_hash(("`key`", "`name`"), old=ground.old)
    return {
        "row_hash": hashed,
        "own_hash": hashed,
        "from": table_name(ground.database, "rows"),
        "where": "key < 20",
        "source": ground.table("rows"),
        "own_where": "key < 10",
    }


def aging(ground: Ground) -> dict[str, Value]:
    """Parameters of the parts of a table; its name."""
    return {"database": ground.database, "table": "rows"}


READS: Mapping[str, tuple[Make, int]] = MappingProxyType(
    {
        "answer": (answer, 3),
        "answer_old": (answer, 3),
        "answer_types": (lambda ground: {"query": answer(ground)["query"]}, 1),
        "blocks": (blocks, 2),
        "bounds": (bounds, 1),
        "expired": (expired("rows"), 2),
        "grants": (lambda ground: {"databases": [ground.database]}, 1),
        "lacking": (lacking, 1),
        "newest": (newest("rows"), 1),
        "policies": (policies, 0),
        "queue": (replicated, 0),
        "readers": (readers, 1),
        "readers_old": (readers_old, 1),
        "replicas": (replicated, 1),
        "roles": (lambda _: {}, 0),
        "seen": (seen, 1),
        "seen_old": (seen, 1),
        "staged": (lambda ground: {**lacking(ground), "staged": ground.table("rows")}, 1),
        "ttl_parts": (aging, 2),
        "users": (lambda _: {}, 1),
    }
)
"""Parameters with which each, without the beginning of its name, finds so many rows or more."""
NOTHING: Mapping[str, Make] = MappingProxyType(
    {
        "answer": no_answer,
        "answer_old": no_answer,
        "blocks": lambda _: {"database": "chtui-none", "names": ["it's"]},
        "expired": expired("nothing"),
        "readers": lambda _: {"database": "chtui-none", **BOUNDS},
        "readers_old": lambda _: {"names": ["chtui none"], **BOUNDS},
        "replicas": lambda _: {"database": "chtui-none"},
        "ttl_parts": lambda _: {"database": "chtui-none", "table": "it's"},
    }
)
"""Parameters with which it finds none."""


def cutover_flush_logs(ground: Ground) -> None:
    ground.query("SELECT 'in the log' FROM v2.rows LIMIT 1")
    ground.run("cutover_flush_logs")
    text = "SELECT count() > 0 FROM system.query_log WHERE position(query, concat('in the', ' log')) > 0"
    assert ground.query(text) == "1"


def cutover_give_back(ground: Ground) -> None:
    """Rows that `rows` has more often than `here`, in the form of `here`: keys less a thousand."""
    ground.query("CREATE TABLE v2.here (id Int64, word Nullable(String)) ENGINE = MergeTree ORDER BY id")
    ground.query("CREATE TABLE v2.back (id Int64, word Nullable(String)) ENGINE = MergeTree ORDER BY id")
    ground.query("INSERT INTO v2.rows SELECT * FROM v2.rows WHERE key < 3")
    ground.query(
        "INSERT INTO v2.here SELECT toInt64(key) - 1000, name FROM v2.rows WHERE key >= 10 AND key < 20"
    )
    ground.query("INSERT INTO v2.here SELECT toInt64(key) - 1000, name FROM v2.rows WHERE key = 1 LIMIT 1")
    own = ("toUInt64(id + 1000)", "assumeNotNull(word)")
    ground.run(
        "cutover_give_back",
        staging=ground.table("back"),
        columns="`id`, `word`",
        picked="anyIf(chtui_c0, chtui_there = 1) AS `id`,\n        anyIf(chtui_c1, chtui_there = 1) AS `word`",
        returned="CAST((toInt64(key) - 1000), 'Int64') AS chtui_c0, CAST((name), 'Nullable(String)') AS chtui_c1",
        kept="`id` AS chtui_c0, `word` AS chtui_c1",
        row_hash=row_hash(("`key`", "`name`"), old=ground.old),
        own_hash=row_hash(own, old=ground.old),
        where="key < 20",
        source=ground.table("here"),
        own_where="id < 0",
        settings=settings_text(ground.host.known({**COPYING, "max_partitions_per_insert_block": 0})),
        **{"from": ground.read_by("rows")},
    )
    # Three are there twice, one of which `here` has once.
    assert (
        ground.query("SELECT count(), uniq(id), countIf(id = -999), min(word) FROM v2.back")
        == "12\t10\t1\tname 0"
    )


def cutover_materialize_ttl(ground: Ground) -> None:
    ground.run("modify_ttl", table=ground.table("rows"), cluster="", ttl="day + INTERVAL 9000 DAY")
    unknown = (
        "SELECT countIf(toUnixTimestamp(delete_ttl_info_max) = 0) FROM system.parts WHERE active "
        f"AND database = '{ground.database}' AND table = 'rows'"
    )
    assert ground.query(unknown) == "2"
    ground.run("cutover_materialize_ttl", table=ground.table("rows"), partition_id="202601")
    _until(
        ground,
        f"SELECT count() > 0 AND min(is_done) FROM system.mutations WHERE database = '{ground.database}'",
    )
    assert ground.query(unknown) == "1"
    assert ground.query("SELECT count() FROM v2.rows") == str(ROWS)
    assert ROWS > JANUARY


KEPT_NOWHERE = (495, 514)
"""What 26.9 says to a statement it has understood: rights are in users.xml, which it does not write."""


def _understood(ground: Ground, statement: str, /, **params: Value) -> None:
    with pytest.raises(QueryError) as refused:
        ground.run(statement, **params)
    if ground.old:
        raise refused.value
    assert refused.value.code in KEPT_NOWHERE, refused.value


def cutover_grant(ground: Ground) -> None:
    _understood(ground, "cutover_grant", where=f"`{ground.database}`.`rows`", user="admin")


def cutover_create_policy(ground: Ground) -> None:
    where = f"`{ground.database}`.`rows`"
    for kind in ("", "RESTRICTIVE"):
        told = {"name": "few", "condition": "key < 10", "kind": kind, "applies_to": "ALL EXCEPT `admin`"}
        _understood(ground, "cutover_create_policy", where=where, **told)


CHANGES = (
    cutover_create_policy,
    cutover_flush_logs,
    cutover_give_back,
    cutover_grant,
    cutover_materialize_ttl,
)
"""What each statement that changes something is seen to do."""
