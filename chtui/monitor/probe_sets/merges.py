"""Probes of merges, mutations, background pools, parts of partitions."""

from __future__ import annotations

from chtui.fleet.literal import Value
from chtui.monitor.probe import Context, Params, Probe
from chtui.records import merges
from chtui.records.merges import CrowdedPartition

MERGE_ROWS = 500
"""At most so many merges, and as many mutations, of one host are listed."""
PARTITION_ROWS = 1000
"""At most so many partitions of one host are listed: as many as the statement gives."""
LIMITED_TABLES = 200
"""Of at most so many tables the own limits are asked for: each definition costs the server a quarter of a millisecond."""
CROWD_PARTS = 10
"""Tables with fewer parts in every partition are not asked for their own limits: none so low would be set. Source: chtui's choice."""
LOG_ROWS = 200
"""At most so many tables of one host are listed with what became of their parts."""


def _crowded_tables(context: Context) -> Params:
    """The tables with the most parts in a partition, by name; none is no reason not to ask: the defaults come along."""
    sample = context.sample("crowded_partitions")
    rows: tuple[CrowdedPartition, ...] = sample.rows if sample else ()
    crowded = [
        row for row in rows if row.parts >= CROWD_PARTS or row.table_parts >= CROWD_PARTS * CROWD_PARTS
    ]
    found = list(dict.fromkeys((row.database, row.table) for row in crowded))[:LIMITED_TABLES]
    tables: list[Value] = [f"{len(database.encode())}:{database}.{table}" for database, table in found]
    names: list[Value] = [*sorted({table for _, table in found})]
    return {"tables": tables, "names": names}


def _queued(context: Context) -> Params | None:
    """The queues are read while the summary, which is asked always, counts any entry."""
    summary = context.sample("replication_summary")
    return None if summary and summary.rows and not summary.rows[0].queue_entries else {}


PROBES: tuple[Probe, ...] = (
    Probe("merges", merges.Merge, "merges", 5.0, max_rows=MERGE_ROWS, counts=True),
    Probe("background_pools", merges.PoolGauge, "merges", 5.0),
    Probe("pool_settings", merges.PoolSetting, "tables", 5.0, fallback="pool_settings_old"),
    Probe("mutations", merges.Mutation, "mutations", 10.0, max_rows=MERGE_ROWS, counts=True),
    Probe(
        "mutation_entries",
        merges.MutationEntries,
        "mutations",
        10.0,
        params=_queued,
        max_rows=MERGE_ROWS,
    ),
    Probe("crowded_partitions", merges.CrowdedPartition, "parts", 10.0, max_rows=PARTITION_ROWS, counts=True),
    Probe(
        "part_limits",
        merges.PartLimits,
        "tables",
        10.0,
        params=_crowded_tables,
        fallback="part_limits_old",
    ),
    Probe("part_minutes", merges.PartMinute, "logs", 10.0),
    Probe("part_tables", merges.PartTable, "logs", 10.0, max_rows=LOG_ROWS),
)
