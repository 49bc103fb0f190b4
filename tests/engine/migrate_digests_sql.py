"""Statements of `sql/migrate` that hash rows: what they are asked for."""

from __future__ import annotations

from collections.abc import Callable

from chtui.fleet.literal import Value
from chtui.migrate.shape import FIRST, SECOND, hour_of, nanoseconds_of, row_hash
from chtui.migrate.statements import table_name
from tests.engine.migrating import Ground

Params = dict[str, Value]
Make = Callable[[Ground], Params]
HASHED = ("`day`", "`at`", "`key`", "`name`")


def digest(name: str) -> Make:
    """Parameters of a digest, made as the migration makes them."""
    return lambda ground: {
        "from": table_name(ground.database, name),
        "where": "key < 999",
        "partition": "toString(toYYYYMM(day))",
        "bucket": hour_of("`at`"),
        "slot": "(cityHash64(`name`)) % 3",
        "row_hash": row_hash(HASHED, old=ground.old),
        "time_ns": nanoseconds_of("`at`", "DateTime"),
    }


def once(make: Make) -> Make:
    """The same of a digest that counts equal rows once, of a table in which each row is there twice."""

    def made(ground: Ground) -> Params:
        params = make(ground)
        second = str(params["row_hash"]).replace(FIRST, SECOND, 1)
        twice = f"(SELECT * FROM {params['from']} UNION ALL SELECT * FROM {params['from']})"
        return {**params, "second_hash": second, "from": twice}

    return made


def hashes(name: str, **more: Value) -> Make:
    """Parameters of a statement about rows by their hashes, of some rows of a table."""
    return lambda ground: {
        "from": table_name(ground.database, name),
        "where": "key < 10",
        "row_hash": row_hash(HASHED, old=ground.old),
        **more,
    }


def hashed_rows(ground: Ground) -> Params:
    """Parameters of the rows of three hashes, and one that is nobody's."""
    own = ground.query(f"SELECT toString({row_hash(HASHED, old=ground.old)}) FROM v2.rows WHERE key < 3")
    return hashes(
        "rows",
        hashes=[*own.splitlines(), "1"],
        time_ns=nanoseconds_of("`at`", "DateTime"),
        key="toString(key)",
    )(ground)
