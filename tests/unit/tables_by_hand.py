"""Tables made by hand, and what the pages make of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.records import HostId, Sample
from chtui.records.tables import (
    DetachedPart,
    TableColumn,
    TableDefinition,
    TableEngine,
    TableGrowth,
    TablePartition,
    TableParts,
    TableReplica,
)
from chtui.views.pages import Part, table
from chtui.views.panes import page
from chtui.views.table import Cell
from tests.unit.hand import A, B, C, D, blank, good, status

TABLE = ("shop", "orders")
ARGS = (("database", "shop"), ("table", "orders"))
PARTITION = (*TABLE, "202601")
FOUR = (
    status(A, shard_num=1, replica_num=1),
    status(B, shard_num=1, replica_num=2),
    status(C, shard_num=2, replica_num=1),
    status(D, shard_num=2, replica_num=2),
)
Samples = dict[tuple[HostId, str], Sample]


def part(page_name: str, name: str = "") -> Part:
    found = page(page_name).part(name)
    assert found is not None
    return found


def facts(given: Snapshot, page_name: str, name: str = "", subject: tuple[str, ...] = ()) -> Any:
    return part(page_name, name).facts(given, subject)


def cells(
    given: Snapshot, page_name: str, name: str = "", subject: tuple[str, ...] = (), row: int = 0
) -> dict[str, Cell]:
    made = table(part(page_name, name), given, subject)
    return {column.key: item for column, item in zip(made.columns, made.rows[row].cells, strict=True)}


def engine(name: str = "MergeTree", of: tuple[str, str] = TABLE) -> TableEngine:
    return TableEngine(*of, name)


def parts(rows: int, of: tuple[str, str] = TABLE, **values: Any) -> TableParts:
    given = {
        "active_parts": 1, "partitions": 1, "compressed_bytes": rows, "uncompressed_bytes": rows * 10, "bytes_on_disk": rows * 2,
        "largest_partition_id": "all", "largest_partition_bytes": rows * 2,
    }  # fmt: skip
    return blank(TableParts, **{**given, "database": of[0], "table": of[1], "rows": rows, **values})


def growth(hour: int, day: int, of: tuple[str, str] = TABLE, oldest: int = 50) -> TableGrowth:
    return TableGrowth(*of, hour, day, hour * 7, day * 7, oldest)


def fleet(*rows: int | None, name: str = "MergeTree", grown: tuple[int, ...] = ()) -> Samples:
    """The table on up to four hosts; None: it is not there."""
    made: Samples = {}
    for index, (host, count) in enumerate(zip((A, B, C, D), rows, strict=False)):
        made[host, "table_engines"] = good(*([engine(name)] if count is not None else []))
        made[host, "table_parts"] = good(*([parts(count)] if count else []))
        if grown:
            made[host, "table_growth"] = good(growth(grown[index], grown[index] * 2))
    return made


def detached(reason: str = "", size: int | None = 10, **values: Any) -> DetachedPart:
    given = {
        "database": "shop", "table": "orders", "partition_id": "202601", "name": "202601_1_1_0", "reason": reason,
        "bytes_on_disk": size, "disk": "cold", "age_seconds": 61,
    }  # fmt: skip
    return DetachedPart(**{**given, **values})


def host_samples(rows: tuple[int, int], queue: int | None = None, age: float = 0.0) -> Samples:
    made: Samples = {}
    for host, count in zip((A, B), rows, strict=True):
        made[host, Want("table_engines", args=ARGS).key] = good(engine())
        made[host, Want("table_parts", args=ARGS).key] = good(parts(count), age=age)
        replicas = [TableReplica("/t", "r1", False, False, 3, queue)] if queue is not None else []
        made[host, Want("table_replica", args=ARGS).key] = good(*replicas)
    return made


def column(name: str = "id", kind: str = "UInt64", **values: Any) -> TableColumn:
    return blank(
        TableColumn,
        **{
            "name": name,
            "type": kind,
            "codec": "",
            "compressed_bytes": 10,
            "uncompressed_bytes": 40,
            **values,
        },
    )


def partition(rows: int, **values: Any) -> TablePartition:
    given = {
        "partition_id": "202601", "partition": "202601", "active_parts": 2, "rows": rows, "compressed_bytes": rows,
        "uncompressed_bytes": rows * 3, "bytes_on_disk": rows * 2, "min_date": "1970-01-01", "max_date": "1970-01-01",
        "min_time": datetime(1970, 1, 1, tzinfo=UTC), "max_time": datetime(1970, 1, 1, tzinfo=UTC), "oldest_part_seconds": 900,
        "newest_part_seconds": 600, "disks": "hot",
    }  # fmt: skip
    return TablePartition(**{**given, **values})


def partition_samples(*rows: TablePartition | None, one: bool = False) -> Samples:
    args = (*ARGS, ("partition_id", "202601" if one else ""))
    made: Samples = {}
    for host, row in zip((A, B, C, D), rows, strict=False):
        made[host, Want("table_partitions", args=args).key] = good(*([row] if row else []))
        made[host, Want("table_engines", args=ARGS).key] = good(engine())
    return made


def definition(text: str, of: str = "MergeTree") -> Sample:
    return good(TableDefinition(of, text))
