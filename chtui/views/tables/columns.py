"""The columns of one table over all hosts: what they are, and how well they are compressed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.records.tables import TableColumn
from chtui.text import format_bytes, format_percent
from chtui.views.pages import Part, Subject
from chtui.views.pieces import Figure
from chtui.views.table import Cell, Column, Row, cell, number
from chtui.views.tables.compare import ratio, ratio_cell


@dataclass(frozen=True, slots=True)
class ColumnFact:
    """A column of a table; bytes are those of wide parts on all hosts."""

    position: int
    """From 1, in the order of the first host that has it."""
    name: str
    type: str
    """Of several, where hosts differ, all."""
    codec: str | None
    """Empty for the default one."""
    compressed_bytes: int | None
    """None where no host tells any: compact parts do not."""
    uncompressed_bytes: int | None
    compression_ratio: float | None
    table_share_ratio: float | None
    """Of the compressed bytes of all columns, 0 to 1."""
    default_kind: str
    """DEFAULT, MATERIALIZED, ALIAS, EPHEMERAL, or empty."""
    default_expression: str
    is_in_partition_key: bool
    is_in_sorting_key: bool
    is_in_primary_key: bool
    is_in_sampling_key: bool
    hosts: int
    """Hosts that have it."""
    hosts_with_table: int
    hosts_differ: bool
    """Whether type, codec, default or keys differ between hosts, or some host of the table lacks the column."""


def column_wants(subject: Subject) -> tuple[Want, ...]:
    """Return the probes: the columns, and the table's bytes to tell how many of them columns account for."""
    args = (("database", subject[0]), ("table", subject[1]))
    return (Want("table_columns", args=args), Want("table_parts", args=args))


def column_facts(snapshot: Snapshot, subject: Subject) -> tuple[ColumnFact, ...]:
    """Return the table's columns in its order."""
    key = column_wants(subject)[0].key
    hosts = [rows for status in snapshot.hosts if (rows := snapshot.rows(status.id, key))]
    by_name: dict[str, list[TableColumn]] = {}
    for rows in hosts:
        for row in rows:
            by_name.setdefault(row.name, []).append(row)
    total = sum(row.compressed_bytes for rows in hosts for row in rows)
    return tuple(
        _fact(position, rows, len(hosts), total) for position, rows in enumerate(by_name.values(), 1)
    )


def _fact(position: int, rows: Sequence[TableColumn], hosts: int, total_bytes: int) -> ColumnFact:
    first = rows[0]
    compressed, uncompressed = (
        sum(row.compressed_bytes for row in rows),
        sum(row.uncompressed_bytes for row in rows),
    )
    codecs = {row.codec for row in rows if row.codec is not None}
    return ColumnFact(
        position=position,
        name=first.name,
        type=_all(row.type for row in rows),
        codec=_all(codecs) if codecs else None,
        compressed_bytes=compressed or None,
        uncompressed_bytes=uncompressed or None,
        compression_ratio=ratio(uncompressed, compressed),
        table_share_ratio=compressed / total_bytes if total_bytes else None,
        default_kind=_all(row.default_kind for row in rows),
        default_expression=_all(row.default_expression for row in rows),
        is_in_partition_key=any(row.is_in_partition_key for row in rows),
        is_in_sorting_key=any(row.is_in_sorting_key for row in rows),
        is_in_primary_key=any(row.is_in_primary_key for row in rows),
        is_in_sampling_key=any(row.is_in_sampling_key for row in rows),
        hosts=len(rows),
        hosts_with_table=hosts,
        hosts_differ=len(rows) < hosts
        or len({row._replace(compressed_bytes=0, uncompressed_bytes=0) for row in rows}) > 1,
    )


def _all(values: Iterable[str]) -> str:
    return " | ".join(dict.fromkeys(values))


COLUMN_COLUMNS = (
    Column("name", "COLUMN", max_width=30, help="the column's name"),
    Column("compressed_bytes", "SIZE", True, help="compressed bytes on all hosts; compact parts do not tell theirs"),
    Column("compression_ratio", "RATIO", True, help="uncompressed to compressed bytes"),
    Column("table_share_ratio", "SHARE", True, help="of the compressed bytes of all columns"),
    Column("type", "TYPE", max_width=40, help="the column's type; of several, where hosts differ, all"),
    Column("keys", "KEYS", help="P primary key, S sorting key, D partition key, M sampling key"),
    Column("codec", "CODEC", max_width=30, help="the column's own codec; default: that of the table or server"),
    Column("uncompressed_bytes", "UNCOMPR", True, help="uncompressed bytes on all hosts"),
    Column("default_expression", "DEFAULT", max_width=60, help="default, materialized or alias expression"),
    Column("hosts", "HOSTS", help="hosts that have it, of those that have the table; differs: type, codec, default or keys do"),
)  # fmt: skip


def column_rows(_snapshot: Snapshot, _subject: Subject, facts: Sequence[ColumnFact]) -> tuple[Row, ...]:
    """Return a row for each column."""
    return tuple(_row(fact) for fact in facts)


def _row(fact: ColumnFact) -> Row:
    keys = "".join(
        letter
        for letter, is_in in (
            ("P", fact.is_in_primary_key),
            ("S", fact.is_in_sorting_key),
            ("D", fact.is_in_partition_key),
            ("M", fact.is_in_sampling_key),
        )
        if is_in
    )
    return Row(
        fact.name,
        (
            cell(fact.name, sort=fact.position),
            number(fact.compressed_bytes, format_bytes),
            ratio_cell(fact.uncompressed_bytes, fact.compressed_bytes),
            number(fact.table_share_ratio, format_percent),
            cell(fact.type, "warning" if " | " in fact.type else ""),
            Cell(keys, "accent"),
            _codec(fact.codec),
            number(fact.uncompressed_bytes, format_bytes),
            cell(f"{fact.default_kind} {fact.default_expression}".strip()),
            Cell(
                f"{fact.hosts} of {fact.hosts_with_table}{' differs' if fact.hosts_differ else ''}",
                "warning" if fact.hosts_differ else "muted",
                fact.hosts,
            ),
        ),
        copy=fact.name,
    )


def _codec(codec: str | None) -> Cell:
    if codec is None:
        return Cell("-", "muted")
    return cell(codec) if codec else Cell("default", "muted")


def column_figures(snapshot: Snapshot, subject: Subject) -> tuple[Figure, ...]:
    """Return how many of the table's bytes the columns account for."""
    _, parts = column_wants(subject)
    facts = column_facts(snapshot, subject)
    if not facts:
        return ()
    told = sum(fact.compressed_bytes or 0 for fact in facts)
    stored = sum(row.compressed_bytes for each in snapshot.hosts for row in snapshot.rows(each.id, parts.key))
    differ = sum(fact.hosts_differ for fact in facts)
    figures = [
        Figure("columns", str(len(facts))),
        Figure("told by column", f"{format_bytes(told)} of {format_bytes(stored)}" if stored else "no parts"),
        Figure("differ on hosts", str(differ), "warning" if differ else "ok"),
    ]
    if told < stored:
        # Compact parts do not tell bytes by column.
        figures.insert(2, Figure("not told, compact", format_bytes(stored - told), "muted"))
    return tuple(figures)


COLUMNS_PART = Part(
    "columns",
    "columns",
    ColumnFact,
    COLUMN_COLUMNS,
    column_wants,
    column_facts,
    column_rows,
    {"table_columns": ("*",), "table_parts": ()},
    empty="no table of this name",
    frozen=1,
    figures=column_figures,
)
"""The part of a table's page that lists its columns."""
