"""v1: its tables, columns nobody takes, and what else it has that v2 lacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

from chtui.errors import MigrateError
from chtui.migrate import created, definitions, expressions
from chtui.migrate.definitions import ALIAS, MATERIALIZED
from chtui.migrate.hosts import Host
from chtui.migrate.mapping import TableMapping, mapping
from chtui.migrate.preflight.findings import Finding, Kind, blocker, note, warning
from chtui.migrate.preflight.look import Feed, Look, SourceColumn
from chtui.migrate.schema import OWN
from chtui.migrate.shape import shape_of
from chtui.migrate.spec import SourceTable, Spec, TableSpec
from chtui.text import format_bytes

INNER = ".inner"
"""What the names of tables begin with that views keep for themselves."""
VIEWS = ("View", "MaterializedView", "LiveView", "WindowView")


class Made(NamedTuple):
    """A table or view of v1."""

    engine: str
    text: str
    """The statement that made it, as the server has it."""


class Index(NamedTuple):
    """A skip index of v1."""

    table: str
    name: str
    type: str
    expression: str


def check(look: Look) -> None:
    """Find the feeds, and list what has no counterpart."""
    source = look.source
    if source is None:
        return
    database = look.spec.source.database
    made = look.one(source, f"v1's database {database}", lambda host: _made(host, database))
    if made is None:
        return
    look.add(judge_objects(look.spec, made))
    feeds = []
    for table in look.spec.tables:
        for each in table.sources:
            if each.name not in made:
                continue
            params = {"database": database, "table": each.name}
            columns = look.one(source, f"columns of {each.name}", partial(_columns, params))
            if columns is None:
                continue
            told = mapping(table, each, [(column.name, column.type, column.kind) for column in columns])
            look.add(judge_columns(table, each, columns, told))
            try:
                shape = shape_of(table, each, {column.name: column.type for column in columns})
            except MigrateError as error:
                look.add(
                    [
                        blocker(
                            Kind.COLUMN,
                            f"{database}.{each.name}",
                            source.id,
                            error.what,
                            evidence=error.where,
                            remedy=error.fix,
                        )
                    ]
                )
                continue
            feeds.append(Feed(table, each, tuple(columns), shape))
    look.feeds = tuple(feeds)
    if look.has(source, "system.data_skipping_indices"):
        indexes = look.one(source, "v1's skip indexes", lambda host: _indexes(host, database))
        look.add(judge_indexes(look.spec, indexes or ()))
    dictionaries = look.one(source, "v1's dictionaries", lambda host: _dictionaries(host, database))
    look.add(judge_dictionaries(look.spec, dictionaries or ()))


def judge_objects(spec: Spec, made: Mapping[str, Made]) -> list[Finding]:
    """Every table and view of v1 is migrated, left behind on purpose, or a surprise."""
    found: list[Finding] = []
    feeding = {source.name for table in spec.tables for source in table.sources}
    where = spec.source.database
    for name in sorted(feeding - made.keys()):
        what = "v1 has no such table: nothing would be copied, with success"
        found.append(blocker(Kind.SOURCE_TABLE, f"{where}.{name}", None, what, remedy="name a table of v1"))
    for name, each in made.items():
        if name.startswith((OWN, INNER)):
            continue
        word = "view" if each.engine in VIEWS else "table"
        if name in feeding:
            found += _judge_fed(f"{where}.{name}", each)
        elif name in spec.not_mapped:
            what = f"this {word} is left behind on purpose: {spec.not_mapped[name]}"
            found.append(note(Kind.SOURCE_OBJECT, f"{where}.{name}", None, what, evidence=each.engine))
        else:
            what = f"this {word} of v1 has no counterpart in v2"
            remedy = "map it, or name it in [not_mapped] with the reason"
            found.append(
                warning(
                    Kind.SOURCE_OBJECT, f"{where}.{name}", None, what, evidence=each.engine, remedy=remedy
                )
            )
    return found


def judge_columns(
    table: TableSpec, source: SourceTable, columns: Sequence[SourceColumn], told: TableMapping
) -> list[Finding]:
    """Every column of v1 is taken or dropped by name; what both sides compute must be computed alike."""
    found = []
    sizes = {column.name: column.compressed_bytes for column in columns}
    for left in told.left:
        name, size = f"{source.name}.{left.name}", _size(sizes.get(left.name, 0))
        computed = left.kind in (MATERIALIZED, ALIAS)
        kind = Kind.COMPUTED_COLUMN if computed else Kind.COLUMN
        where = f"[table.{table.name}.source.{source.name}.drop] {left.name} = true"
        if left.accepted:
            found.append(
                note(kind, name, None, f"dropped, which the spec accepts: {size}", evidence=left.type)
            )
        else:
            which = f"{left.kind} column" if computed else "column"
            what = f"no column of v2 takes this {which}: {size} would be left behind"
            found.append(
                blocker(
                    kind, name, None, what, evidence=left.type, remedy=f"map it, or accept that by {where}"
                )
            )
    for name, used in told.unknown:
        what = (
            f"{name} is given by {used}, which v1 does not have"
            if name
            else f"drop names {used}, which v1 does not have"
        )
        found.append(blocker(Kind.COLUMN, f"{source.name}.{used}", None, what, remedy="correct the spec"))
    return found + _judge_computed(table, source, columns)


def judge_indexes(spec: Spec, indexes: Sequence[Index]) -> list[Finding]:
    """A search that v1 answers by an index reads everything on v2 without it."""
    found = []
    for table in spec.tables:
        own = {_index_key(text) for text in table.indexes}
        for index in indexes:
            if index.table not in {source.name for source in table.sources}:
                continue
            if (index.type, expressions.normalized(index.expression)) not in own:
                what = f"v2's {table.name} has no such skip index"
                evidence = f"{index.expression} TYPE {index.type}"
                found.append(
                    warning(
                        Kind.SOURCE_OBJECT,
                        f"{index.table}.{index.name}",
                        None,
                        what,
                        evidence=evidence,
                        remedy="add it to indexes",
                    )
                )
    return found


def judge_dictionaries(spec: Spec, names: Sequence[tuple[str, str]]) -> list[Finding]:
    """A dictionary that reads v1 must read v2 before v1 can go."""
    return [
        warning(
            Kind.SOURCE_OBJECT,
            name,
            None,
            "this dictionary reads v1",
            evidence=source,
            remedy="make one that reads v2 before the reads are switched",
        )
        for name, source in names
        if name not in spec.not_mapped
    ]


def _judge_fed(name: str, made: Made) -> list[Finding]:
    if not made.engine.endswith("MergeTree"):
        what = f"v1's table is {made.engine}: it has no partitions that could be snapshotted"
        return [blocker(Kind.SOURCE_TABLE, name, None, what, remedy="name the table that holds its rows")]
    found = []
    pieces = created.pieces(made.text)
    if expiry := pieces.get("ttl", ""):
        what = "v1 deletes or moves rows by a TTL of its own, also while they are copied and proven"
        remedy = "take the TTL off v1 until the seal: ALTER TABLE ... REMOVE TTL"
        found.append(warning(Kind.SOURCE_EXPIRY, name, None, what, evidence=expiry, remedy=remedy))
    if made.engine.removeprefix("Replicated") not in ("MergeTree",):
        what = f"v1's table is {made.engine}: merges change its rows while they are copied and proven"
        remedy = "make sure that no row is waiting to be merged away, or expect differences"
        found.append(warning(Kind.SOURCE_TABLE, name, None, what, remedy=remedy))
    return found


def _judge_computed(table: TableSpec, source: SourceTable, columns: Sequence[SourceColumn]) -> list[Finding]:
    found = []
    for column in columns:
        wanted = definitions.parse(table.columns[column.name]) if column.name in table.columns else None
        if column.kind not in (MATERIALIZED, ALIAS) or wanted is None or wanted.is_given:
            continue
        if created.canonical(wanted.expression) != created.canonical(column.expression):
            what = f"v1 and v2 compute this {column.kind} column differently"
            evidence = f"v1 {column.expression}; v2 {wanted.expression}"
            remedy = "give v2 v1's expression, or make it an ordinary column that is copied"
            found.append(
                warning(
                    Kind.COMPUTED_COLUMN,
                    f"{source.name}.{column.name}",
                    None,
                    what,
                    evidence=evidence,
                    remedy=remedy,
                )
            )
    return found


def _size(column_bytes: int) -> str:
    """What a column takes on v1. Servers tell nothing of columns in compact parts, which are small."""
    return (
        f"{format_bytes(column_bytes)} on v1"
        if column_bytes
        else "a size on v1 that the server does not tell"
    )


def _index_key(text: str) -> tuple[str, str]:
    """Type and expression of a skip index as CREATE TABLE has it: `NAME EXPRESSION TYPE KIND(...) GRANULARITY n`."""
    found = expressions.tokens(text)
    cut = next((token for token in found if token.text.upper() == "TYPE"), None)
    if cut is None or len(found) < 2:
        return "", ""
    kind = expressions.tokens(text[cut.start :])[1].text
    return kind, expressions.normalized(text[found[1].start : cut.start])


def _made(host: Host, database: str) -> dict[str, Made]:
    rows = host.rows("schema_tables", {"database": database})
    return {str(name): Made(str(engine), str(text)) for name, engine, text in rows}


def _columns(params: Mapping[str, str], host: Host) -> list[SourceColumn]:
    rows = host.rows("preflight_columns", dict(params))
    return [
        SourceColumn(str(name), str(kind), str(default), str(expression), int(size))
        for name, kind, default, expression, size in rows
    ]


def _indexes(host: Host, database: str) -> list[Index]:
    rows = host.rows("preflight_indexes", {"database": database})
    return [Index(*(str(value) for value in row)) for row in rows]


def _dictionaries(host: Host, database: str) -> list[tuple[str, str]]:
    rows = host.rows("preflight_dictionaries", {"database": database})
    return [(str(name), str(source)) for name, source in rows]
