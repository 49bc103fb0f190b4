"""The statements of `sql/migrate` that serve while writers go on: what each gives, and what it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from chtui.fleet.literal import Value
from chtui.migrate.copying import settings_text
from chtui.migrate.live.delta import SIFTING
from chtui.migrate.shape import row_hash
from tests.engine.migrating import COLUMNS, FIRST_SECOND, JANUARY, MERGE_TREE, Ground

HASHED = ("`day`", "`at`", "`key`", "`name`")
GIVEN = ", ".join(HASHED)


def short(ground: Ground, name: str) -> None:
    """Make a table that has the first 100 rows of `rows`, two of them twice, and one row of its own."""
    ground.query(f"CREATE TABLE v2.{name} ({COLUMNS}) {MERGE_TREE}")
    ground.query(f"INSERT INTO v2.{name} SELECT * FROM v2.rows WHERE key < 100")
    ground.query(f"INSERT INTO v2.{name} SELECT * FROM v2.rows WHERE key < 2")
    ground.query(f"INSERT INTO v2.{name} SELECT day, at, key, 'its own' FROM v2.rows WHERE key = 3")


def compared(ground: Ground, name: str) -> dict[str, Value]:
    """Parameters that compare a table with `rows`."""
    return {
        "from": ground.table("rows"),
        "row_hash": row_hash(HASHED, old=ground.old),
        "table": ground.table(name),
        "where": "key < 1000",
    }


def delta_counts(ground: Ground) -> dict[str, Value]:
    """Parameters with which three rows are found: two that are there twice, one that is only there."""
    short(ground, "short")
    return {**compared(ground, "short"), "limit": 10}


def no_counts(ground: Ground) -> dict[str, Value]:
    """Parameters with which nothing differs but what is lacking altogether."""
    return {**compared(ground, "nothing"), "limit": 10}


def partition_at(_: Ground) -> dict[str, Value]:
    """Parameters of the partition of an instant."""
    return {
        "partition": "toYYYYMM(day)",
        "columns": f"toDateTime({FIRST_SECOND}) AS `at`, toDate(at) AS `day`",
    }


def logged(ground: Ground) -> int:
    """Insert a row into `rows` and have it logged; return the second before."""
    since = int(ground.query("SELECT toUnixTimestamp(now())")) - 1
    ground.query("INSERT INTO v2.rows SELECT * FROM v2.nothing")
    ground.query("INSERT INTO v2.rows (key, name) VALUES (5000, 'logged')")
    ground.query("SYSTEM FLUSH LOGS")
    return since


def dual_writers(ground: Ground) -> dict[str, Value]:
    """Parameters with which one writer is found."""
    return {"database": ground.database, "table": "rows", "since_seconds": logged(ground)}


def dual_writers_old(ground: Ground) -> dict[str, Value]:
    """The same for servers that log no tables."""
    return {"since_seconds": logged(ground), "pattern": f"INSERT INTO {ground.database}.rows"}


READS: Mapping[str, tuple[Callable[[Ground], dict[str, Value]], int]] = MappingProxyType(
    {
        "delta_counts": (delta_counts, 3),
        "dual_writers": (dual_writers, 1),
        "dual_writers_old": (dual_writers_old, 1),
        "partition_at": (partition_at, 1),
    }
)
"""Parameters with which each finds so many rows."""
NOTHING: Mapping[str, Callable[[Ground], dict[str, Value]]] = MappingProxyType(
    {
        "delta_counts": no_counts,
        "dual_writers": lambda _: {"database": "chtui-none", "table": "it's", "since_seconds": 1},
        "dual_writers_old": lambda _: {"since_seconds": 1, "pattern": "^no query begins so$"},
    }
)
"""Parameters with which it finds none."""


def delta_rows(ground: Ground) -> None:
    short(ground, "there")
    ground.query(f"CREATE TABLE v2.january ({COLUMNS}) {MERGE_TREE}")
    ground.query("INSERT INTO v2.january SELECT * FROM v2.rows WHERE toYYYYMM(day) = 202601")
    ground.query(f"CREATE TABLE v2.lacking ({COLUMNS}) {MERGE_TREE}")
    ground.run(
        "delta_rows",
        staging=ground.table("lacking"),
        columns=GIVEN,
        settings=settings_text(ground.host.known(SIFTING)),
        **{**compared(ground, "there"), "from": ground.table("january")},
    )
    assert ground.query("SELECT count(), min(key) FROM v2.lacking") == f"{JANUARY - 100}\t100"


def delta_more(ground: Ground) -> None:
    hashed = row_hash(HASHED, old=ground.old)
    for _ in range(2):
        ground.query("INSERT INTO v2.nothing SELECT * FROM v2.rows WHERE key IN (1, 2, 3)")
    ground.query("INSERT INTO v2.nothing SELECT * FROM v2.rows WHERE key IN (1, 4)")
    hashes: list[Value] = [
        *ground.query(f"SELECT DISTINCT {hashed} FROM v2.nothing WHERE key IN (1, 2)").split()
    ]
    ground.query(f"CREATE TABLE v2.more ({COLUMNS}) {MERGE_TREE}")
    ground.run(
        "delta_more",
        staging=ground.table("more"),
        columns=GIVEN,
        row_hash=hashed,
        hashes=hashes,
        times=2,
        settings=settings_text(ground.host.known(SIFTING)),
        **{"from": ground.table("nothing")},
    )
    assert ground.query("SELECT key, count() FROM v2.more GROUP BY key ORDER BY key") == "1\t2\n2\t2"


def flush_distributed(ground: Ground) -> None:
    cluster = ground.query("SELECT any(cluster) FROM system.clusters WHERE is_local AND shard_num = 1")
    ground.query(
        f"CREATE TABLE v2.spread ({COLUMNS}) ENGINE = Distributed('{cluster}', v2, nothing, key)".replace(
            "v2,", f"{ground.database},"
        )
    )
    ground.run("flush_distributed", table=ground.table("spread"))
    assert ground.query("SELECT count() FROM v2.nothing") == "0"


CHANGES = (delta_rows, delta_more, flush_distributed)
"""What each statement that changes something is seen to do."""
