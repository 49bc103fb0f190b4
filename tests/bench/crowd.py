"""A crowded host: an embedded node with many tables and parts, made in a minute, for measures of what probes cost there.

`python -m tests.bench.crowd [TABLES [PARTS]]` runs one until its standard input ends, and prints the path of chtui's configuration for it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from chtui.demo import DemoCluster, DemoOptions

DATABASE = "crowd"
TABLES, PARTS = 2000, 20_000
"""The house's measure of a crowded host."""
AT_ONCE = 2
MOST_PARTS_OF_ONE = 100
"""An insert may write no more partitions than a hundred."""


def fill(demo: DemoCluster, tables: int = TABLES, parts: int = PARTS, node: int = 0) -> None:
    """Make so many tables with so many active parts altogether, each part a partition, on one node.

    Raises:
        ValueError: a table would need more parts than one insert can write.
        QueryError: the node failed a statement.
    """
    least, more = divmod(parts, tables)
    if least + bool(more) > MOST_PARTS_OF_ONE:
        raise ValueError(f"{parts} parts in {tables} tables are more than {MOST_PARTS_OF_ONE} for one")
    demo.query(node, f"CREATE DATABASE IF NOT EXISTS {DATABASE}")

    def make(number: int) -> None:
        name, count = f"{DATABASE}.t{number:05}", least + (number < more)
        demo.query(
            node,
            f"CREATE TABLE {name} (day Date, key UInt64, name String, value Float64) ENGINE = MergeTree "
            "PARTITION BY day ORDER BY key",
        )
        demo.query(
            node,
            f"INSERT INTO {name} SELECT toDate('2026-01-01') + number % {count}, number, toString(number), number / 7 "
            f"FROM numbers({count * 10})",
        )

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in pool.map(make, range(tables)):
            pass


@contextmanager
def crowded(tables: int = TABLES, parts: int = PARTS) -> Iterator[DemoCluster]:
    """A cluster of one crowded node; it ends with the block."""
    with DemoCluster(DemoOptions(shards=1, replicas=1, rows=1000, load=False)) as demo:
        fill(demo, tables, parts)
        yield demo


def cpu_seconds(demo: DemoCluster, query_id_prefix: str, node: int = 0) -> dict[str, tuple[int, float]]:
    """Return what finished queries whose `query_id` begins so cost one node: the query's normalized hash to their count and CPU seconds."""
    demo.query(node, "SYSTEM FLUSH LOGS")
    answer = demo.query(
        node,
        "SELECT normalized_query_hash, count(), sum(ProfileEvents['OSCPUVirtualTimeMicroseconds']) / 1e6 "
        "FROM system.query_log WHERE type = 'QueryFinish' AND startsWith(query_id, {prefix:String}) "
        "GROUP BY normalized_query_hash",
        params={"prefix": query_id_prefix},
    )
    found = (line.split("\t") for line in answer.splitlines())
    return {name: (int(count), float(seconds)) for name, count, seconds in found}


def main(arguments: list[str]) -> int:
    """Run a crowded node until standard input ends."""
    tables = int(arguments[0]) if arguments else TABLES
    parts = int(arguments[1]) if len(arguments) > 1 else tables * PARTS // TABLES
    with crowded(tables, parts) as demo:
        print(demo.info.as_json(), flush=True)
        sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
