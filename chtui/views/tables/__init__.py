"""The tables pane: every table over all hosts, tables that are no MergeTree tables, detached parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.text import format_bytes, format_count, format_ratio, format_seconds, sanitize
from chtui.views.links import to_queue
from chtui.views.pages import Page, Part, Subject
from chtui.views.pieces import Figure
from chtui.views.table import Cell, Column, Link, Row, cell, number
from chtui.views.tables.compare import (
    Kept,
    Memory,
    difference_cell,
    format_skew,
    ratio_cell,
    skew_style,
    words_of,
)
from chtui.views.tables.detached import DETACHED
from chtui.views.tables.facts import WANTS, TableFact, is_replicated, table_facts

TABLE_COLUMNS = (
    Column("table", "TABLE", max_width=32, help="database and table"),
    Column("rows", "ROWS", True, help="rows in one replica of each shard; of system tables on all hosts, which have their own"),
    Column("compressed_bytes", "SIZE", True, help="compressed bytes of active parts on all replicas"),
    Column("compression_ratio", "RATIO", True, help="uncompressed to compressed bytes of active parts"),
    Column("replicas_differ", "REPLICAS", max_width=14, help="whether replicas of a shard have the same: rows one lacks, hosts without the table, parts"),
    Column("growth_rows_per_hour", "+ROWS/H", True, help="rows that inserts wrote within the last hour; replicas count once"),
    Column("shard_skew_ratio", "SKEW", True, help="rows of the largest shard against the mean of the shards"),
    Column("active_parts", "PARTS", True, help="active parts on all replicas"),
    Column("growth_rows_per_day", "+ROWS/D", True, help="rows that inserts wrote within the last 24 hours"),
    Column("growth_bytes_per_hour", "+BYTES/H", True, help="compressed bytes that inserts wrote within the last hour"),
    Column("growth_bytes_per_day", "+BYTES/D", True, help="compressed bytes that inserts wrote within the last 24 hours"),
    Column("uncompressed_bytes", "UNCOMPR", True, help="uncompressed bytes of active parts on all replicas"),
    Column("compressed_once_bytes", "SIZE ONCE", True, help="compressed bytes in one replica of each shard"),
    Column("rows_all_replicas", "ROWS ALL", True, help="rows on all replicas"),
    Column("partitions", "PARTITIONS", True, help="on the host that has the most"),
    Column("largest_partition_bytes", "LARGEST", True, help="bytes on disk of the largest partition on one host"),
    Column("largest_partition_id", "PARTITION", max_width=20, help="id of the largest partition"),
    Column("primary_key_memory_bytes", "KEY MEM", True, help="memory of loaded primary keys on the host that has the most"),
    Column("hosts", "HOSTS", True, help="hosts that have the table"),
    Column("engine", "ENGINE", max_width=36, help="the table's engine"),
    Column("differing_replicas", "WHICH DIFFER", max_width=80, help="replicas that differ from another of their shard, and by what"),
)  # fmt: skip

_rows = Memory()
_by_name: Kept[dict[tuple[str, str], tuple[TableFact, Row]]] = Kept({})


def table_rows(_snapshot: Snapshot, _subject: Subject, facts: Sequence[TableFact]) -> tuple[Row, ...]:
    """Return a row for each table."""
    made: tuple[Row, ...] = _rows.of((facts,), lambda: _all_rows(facts))
    return made


def _all_rows(facts: Sequence[TableFact]) -> tuple[Row, ...]:
    before = _by_name.get()
    made = {
        (fact.database, fact.table): (
            fact,
            known[1]
            if (known := before.get((fact.database, fact.table))) and known[0] is fact
            else _table_row(fact),
        )
        for fact in facts
    }
    _by_name.put(made)
    return tuple(row for _, row in made.values())


def _table_row(fact: TableFact) -> Row:
    name, subject = f"{fact.database}.{fact.table}", (fact.database, fact.table)
    replicated = is_replicated(fact.engine or "")
    return Row(
        name,
        (
            cell(name),
            number(fact.rows, format_count),
            number(fact.compressed_bytes, format_bytes),
            ratio_cell(fact.uncompressed_bytes, fact.compressed_bytes),
            difference_cell(
                fact.replicas_differ,
                fact.replica_rows_difference,
                fact.replica_parts_difference,
                fact.replicas_missing,
                replicated,
            ),
            number(fact.growth_rows_per_hour, format_count),
            number(fact.shard_skew_ratio, format_skew, skew_style(fact.shard_skew_ratio, fact.rows)),
            number(fact.active_parts, format_count),
            number(fact.growth_rows_per_day, format_count),
            number(fact.growth_bytes_per_hour, format_bytes),
            number(fact.growth_bytes_per_day, format_bytes),
            number(fact.uncompressed_bytes, format_bytes),
            number(fact.compressed_once_bytes, format_bytes),
            number(fact.rows_all_replicas, format_count),
            number(fact.partitions, format_count),
            number(fact.largest_partition_bytes, format_bytes),
            cell(fact.largest_partition_id or "-", "" if fact.largest_partition_id else "muted"),
            number(fact.primary_key_memory_bytes, format_bytes),
            number(fact.hosts, format_count),
            cell(fact.engine or "-", "muted"),
            cell(fact.differing_replicas, "warning" if fact.replicas_differ else "muted"),
        ),
        link=Link("table", subject),
        links=table_links(name, subject, replicated),
        copy=name,
    )


def table_links(name: str, subject: Subject, replicated: bool) -> tuple[tuple[str, Link], ...]:
    """Return where one may go from a table."""
    parts = ("columns", "partitions", "detached", "ddl")
    name = sanitize(name)
    links = [(f"{part} of {name}", Link("table", subject, part)) for part in parts]
    if replicated:
        links.append(to_queue(*subject))
    return tuple(links)


def table_figures(snapshot: Snapshot, subject: Subject) -> tuple[Figure, ...]:
    """Return the sums over all tables, and how far back the growth is known."""
    facts = table_facts(snapshot, subject)
    if not facts:
        return ()
    compressed = sum(fact.compressed_bytes or 0 for fact in facts)
    uncompressed = sum(fact.uncompressed_bytes or 0 for fact in facts)
    return (
        Figure("tables", format_count(len(facts))),
        Figure("compressed", format_bytes(compressed)),
        Figure("ratio", format_ratio(uncompressed, compressed)),
        growth_figure(snapshot, Want("table_growth").key),
    )


def growth_figure(snapshot: Snapshot, key: str) -> Figure:
    """Return how far back within the last day inserts are logged; a shorter log makes less of the growth."""
    ages = [row.oldest_insert_seconds for each in snapshot.hosts for row in snapshot.rows(each.id, key)]
    samples = [sample for each in snapshot.hosts if (sample := snapshot.sample(each.id, key))]
    why = next((sample.unavailable or sample.error for sample in samples if sample.taken_at is None), "")
    if not ages:
        known = any(sample.taken_at for sample in samples)
        return Figure("log reaches back", "no insert" if known else "-", "muted", why)
    # In minutes: a figure that changes every second would be sent every second.
    return Figure("log reaches back", format_seconds(max(ages) // 60 * 60 + 60))


@dataclass(frozen=True, slots=True)
class OtherTableFact:
    """A table or view that is no MergeTree table; it has no parts."""

    database: str
    table: str
    engine: str
    """Of several, where hosts differ, all."""
    hosts: int
    """Hosts that have it."""


def other_facts(snapshot: Snapshot, _subject: Subject) -> tuple[OtherTableFact, ...]:
    """Return the tables that are no MergeTree tables, by name."""
    found: dict[tuple[str, str], list[str]] = {}
    for status in snapshot.hosts:
        for row in snapshot.rows(status.id, "other_tables"):
            found.setdefault((row.database, row.table), []).append(row.engine)
    return tuple(
        OtherTableFact(*name, ", ".join(sorted(set(engines))), len(engines))
        for name, engines in sorted(found.items())
    )


OTHER_COLUMNS = (
    Column("table", "TABLE", max_width=50, help="database and table"),
    Column("engine", "ENGINE", max_width=40, help="the table's engine"),
    Column("hosts", "HOSTS", True, help="hosts that have the table"),
)


def other_rows(snapshot: Snapshot, _subject: Subject, facts: Sequence[OtherTableFact]) -> tuple[Row, ...]:
    """Return a row for each table that is no MergeTree table."""
    every = len(snapshot.hosts)
    return tuple(_other_row(fact, every) for fact in facts)


def _other_row(fact: OtherTableFact, every: int) -> Row:
    name = f"{fact.database}.{fact.table}"
    return Row(
        name,
        (
            cell(name),
            cell(words_of([fact.engine])),
            Cell(f"{fact.hosts} of {every}", "" if fact.hosts == every else "muted", fact.hosts),
        ),
        link=Link("table", (fact.database, fact.table), "ddl"),
        copy=name,
    )


GROWTH_FIELDS = (
    "growth_rows_per_hour",
    "growth_rows_per_day",
    "growth_bytes_per_hour",
    "growth_bytes_per_day",
)
SIZE_FIELDS = (
    "rows", "rows_all_replicas", "active_parts", "bytes_on_disk", "compressed_bytes", "uncompressed_bytes", "compression_ratio",
    "compressed_once_bytes", "shard_skew_ratio", "largest_shard_num", "replicas_differ", "replica_rows_difference",
    "replica_parts_difference", "primary_key_memory_bytes", "partitions", "largest_partition_id", "largest_partition_bytes",
)  # fmt: skip

PAGES = (
    Page(
        "tables",
        (
            Part(
                "tables",
                "tables",
                TableFact,
                TABLE_COLUMNS,
                lambda _: WANTS,
                table_facts,
                table_rows,
                {"table_engines": ("engine",), "table_parts": SIZE_FIELDS, "table_growth": GROWTH_FIELDS},
                empty="no MergeTree tables that this user may see",
                frozen=1,
                figures=table_figures,
            ),
            DETACHED,
            Part(
                "other",
                "other tables",
                OtherTableFact,
                OTHER_COLUMNS,
                lambda _: (Want("other_tables"),),
                other_facts,
                other_rows,
                {"other_tables": ("*",)},
                empty="no tables but MergeTree tables",
                frozen=1,
            ),
        ),
    ),
)
