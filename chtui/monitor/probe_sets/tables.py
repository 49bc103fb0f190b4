"""Probes of tables, columns, partitions, detached parts."""

from __future__ import annotations

from chtui.monitor.probe import Context, Params, Probe
from chtui.records import tables

TABLE_ROWS = 5000
"""At most so many tables of one host are listed."""
PART_ROWS = 1000
"""At most so many partitions of a table, parts of a partition, and detached parts of one host are listed."""
COLUMN_ROWS = 5000
"""At most so many columns of a table are listed."""


def _every_table(_context: Context) -> Params:
    """No names: all tables; a page about one of them gives its names."""
    return {"database": "", "table": ""}


def _one_partition(_context: Context) -> Params:
    return {"database": "", "table": "", "partition_id": ""}


PROBES: tuple[Probe, ...] = (
    Probe("table_engines", tables.TableEngine, "tables", 10.0, max_rows=TABLE_ROWS, params=_every_table),
    Probe("table_parts", tables.TableParts, "parts", 10.0, max_rows=TABLE_ROWS, params=_every_table),
    Probe("table_growth", tables.TableGrowth, "logs", 10.0, max_rows=TABLE_ROWS, params=_every_table),
    Probe("other_tables", tables.TableEngine, "tables", 10.0, max_rows=TABLE_ROWS),
    Probe("table_replica", tables.TableReplica, "parts", 5.0, params=_every_table),
    Probe("table_columns", tables.TableColumn, "tables", 10.0, max_rows=COLUMN_ROWS, params=_every_table),
    Probe(
        "table_partitions",
        tables.TablePartition,
        "parts",
        10.0,
        max_rows=PART_ROWS,
        params=_one_partition,
    ),
    Probe("partition_parts", tables.PartitionPart, "parts", 10.0, max_rows=PART_ROWS, params=_one_partition),
    Probe("table_definition", tables.TableDefinition, "tables", 10.0, params=_every_table),
    Probe("detached_parts", tables.DetachedPart, "detached", 15.0, max_rows=PART_ROWS, params=_every_table),
)
