"""Some of v1's rows, taken over to a stand-in for v1: every partition's first ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from chtui.errors import MigrateError
from chtui.fleet.literal import Value, quote_identifier
from chtui.migrate import snapshot
from chtui.migrate.hosts import Host
from chtui.migrate.spec import Spec

STORED = ("", "DEFAULT", "MATERIALIZED")
"""Kinds of columns that have values on disk."""
ANY_TYPE: dict[str, int | str] = {
    "allow_suspicious_low_cardinality_types": 1,
    "allow_suspicious_fixed_string_types": 1,
    "allow_suspicious_indices": 1,
}
"""What an old server made without being asked. Known to the embedded engine, 26.9."""


class Sample(NamedTuple):
    """What was taken of one table of v1."""

    table: str
    partitions: int
    """That rows were taken of."""
    source_partitions: int
    rows: int
    """In the stand-in."""
    source_rows: int
    """In v1, by its parts."""


class Wanted(NamedTuple):
    """What is taken of one partition."""

    table: tuple[str, str]
    columns: str
    rows: int


class Size(NamedTuple):
    """How much is taken of each table, at most."""

    rows: int
    """An equal share of each partition; of each one at least, however few are asked for."""
    partitions: int
    """The first, the last, and some evenly between."""


def take(
    live: Host, stand_in: Host, spec: Spec, size: Size, say: Callable[[str], None]
) -> tuple[Sample, ...]:
    """Make a stand-in for each of v1's tables and fill it.

    Raises:
        MigrateError: v1 lacks a table.
        QueryError, ConnectError: v1 would not tell, or the stand-in not take it.
    """
    database = spec.source.database
    stand_in.run("create_database", {"database": database, "cluster": ""})
    found = []
    for name in dict.fromkeys(source.name for table in spec.tables for source in table.sources):
        columns = _made(live, stand_in, database, name)
        parts = live.rows("source_partitions", {"database": database, "table": name})
        chosen = spread([str(partition_id) for partition_id, *_ in parts], size.partitions)
        share = max(1, size.rows // max(1, len(chosen)))
        say(f"{database}.{name}: up to {share} rows of each of {len(chosen)} of {len(parts)} partitions")
        for partition_id in chosen:
            _copy(live, stand_in, partition_id, Wanted((database, name), columns, share))
        there = stand_in.rows("source_partitions", {"database": database, "table": name})
        found.append(Sample(name, len(chosen), len(parts), _rows(there), _rows(parts)))
    return tuple(found)


def spread(found: Sequence[str], number: int) -> list[str]:
    """Return so many of these at most: the first, the last, and some evenly between; of one, the last."""
    if len(found) <= number:
        return list(found)
    if number == 1:
        return [found[-1]]
    return [found[round(turn * (len(found) - 1) / (number - 1))] for turn in range(number)]


def _rows(parts: Sequence[Sequence[Any]]) -> int:
    return sum(int(rows) for _, _, rows, *_ in parts)


def _made(live: Host, stand_in: Host, database: str, name: str) -> str:
    """Make the stand-in for a table, without TTL, codecs and replication; return its stored columns as a list."""
    where: dict[str, Value] = {"database": database, "table": name}
    columns = live.rows("demo/rehearse_columns", where)
    if not columns:
        raise MigrateError(
            f"v1 has no table {database}.{name}", where=str(live.id), fix="name v1's table in the spec"
        )
    _, partition_by, order_by, *_ = live.rows("source_table", where, absent=snapshot.absent(live))[0]
    stand_in.run(
        "create_table",
        {
            "table": (database, name),
            "cluster": "",
            "columns": ",\n".join(
                " ".join(word for word in (f"    {quote_identifier(str(column))}", *map(str, rest)) if word)
                for column, *rest in columns
            ),
            "engine": "MergeTree",
            "partition_by": str(partition_by),
            "order_by": f"({order_by or 'tuple()'})",
            "ttl": "",
            "settings": "allow_nullable_key = 1",
        },
        settings=ANY_TYPE,
    )
    return ", ".join(quote_identifier(str(column)) for column, _, kind, _ in columns if kind in STORED)


def _copy(live: Host, stand_in: Host, partition_id: str, wanted: Wanted) -> None:
    body = live.raw(
        "demo/rehearse_rows",
        {**wanted._asdict(), "parts": parts_pattern(partition_id)},
        output_format="Native",
    )
    # Its rows may be gone since.
    if body:
        params: dict[str, Value] = {"table": wanted.table, "columns": wanted.columns}
        stand_in.run("demo/rehearse_insert", params, body=body)


def parts_pattern(partition_id: str) -> str:
    """Return the pattern of the names of a partition's parts; those of a month by the oldest syntax begin with two days.

    Source: `MergeTreePartInfo`, `MERGE_TREE_DATA_MIN_FORMAT_VERSION_WITH_CUSTOM_PARTITIONING`.
    """
    return rf"^{re.escape(partition_id)}(_|[0-9]{{2}}_[0-9]{{8}}_)"
