"""A spec's file written from the live source: a template fitted to the tables v1 has, or one made of them alone.

What v2 would lose is marked: by a comment at the column, and by `drop = false` for the column of v1, which stops the
migration until a person writes true or gives the column a place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from chtui.errors import MigrateError
from chtui.fleet.literal import quote_identifier
from chtui.migrate import created, definitions, expressions
from chtui.migrate.hosts import Host
from chtui.migrate.mapping import Mark, TableMapping, mapping
from chtui.migrate.schema import OWN
from chtui.migrate.spec import Source, SourceTable, Spec, TableSpec, Target
from chtui.migrate.spec_checks import TIME_TYPES, reads
from chtui.migrate.spec_values import NAME
from chtui.migrate.spec_write import Path, written
from chtui.text import one_line

PLAIN = ("MergeTree", "ReplicatedMergeTree")
"""Engines which keep every row: only their tables can be migrated row by row."""
HEAD = (
    "Made from v1's own tables. Look through sharding_key, partition_by, order_by and codecs; give moves and expires;",
    "add the hooks dual_write_on, dual_write_off, reads_v2 and reads_v1.",
)
Notes = dict[Path, list[str]]


class FoundTable(NamedTuple):
    """A table or view of v1."""

    name: str
    engine: str
    create: str
    """Its CREATE statement."""
    columns: tuple[tuple[str, str, str], ...]
    """Name, type and kind (empty, DEFAULT, MATERIALIZED, ALIAS)."""


def run(host: Host, name: str, source: Source, target: Target, template: Spec | None = None) -> str:
    """Return the text of a spec's file for v1 as it is now.

    Raises:
        MigrateError: v1 has no table that could be migrated.
        QueryError, ConnectError: v1 cannot be asked.
    """
    return text(name, source, target, read(host, source.database), template)


def read(host: Host, database: str) -> list[FoundTable]:
    """Return what a database holds.

    Raises:
        QueryError, ConnectError: the host cannot be asked.
    """
    columns: dict[str, list[tuple[str, str, str]]] = {}
    for table, name, type_name, kind in host.rows("schema_columns", {"database": database}):
        columns.setdefault(str(table), []).append((str(name), str(type_name), str(kind)))
    return [
        FoundTable(str(name), str(engine), str(create), tuple(columns.get(str(name), ())))
        for name, engine, create in host.rows("schema_tables", {"database": database})
    ]


def text(
    name: str, source: Source, target: Target, found: Sequence[FoundTable], template: Spec | None = None
) -> str:
    """Return the text of a spec's file for these tables of v1.

    Raises:
        MigrateError: none of them can be migrated.
    """
    notes: Notes = {}
    start = template or Spec(name, source, target, _generated(found, notes))
    spec = _fitted(replace(start, name=name, source=source, target=target), found, notes)
    if not spec.tables:
        raise MigrateError(
            f"database {source.database} has no table that can be migrated",
            where=str(source.host),
            fix="name v1's database, or write the spec by hand",
        )
    return written(spec, notes)


def _fitted(spec: Spec, found: Sequence[FoundTable], notes: Notes) -> Spec:
    """The spec without what v1 has no tables for, and with every loss marked."""
    there = {table.name: table for table in found}
    tables: list[TableSpec] = []
    for table in spec.tables:
        sources = [source for source in table.sources if source.name in there]
        for source in table.sources:
            if source.name not in there:
                _note(notes, (), f"{table.name}: v1 has no table {source.name}")
        if sources:
            marked = tuple(_marked(table, source, there[source.name], notes) for source in sources)
            tables.append(replace(table, sources=marked))
    kept = {table.name for table in tables}
    aggregates = tuple(aggregate for aggregate in spec.aggregates if aggregate.base in kept)
    gone = {table.name for table in spec.tables} - kept
    gone |= {aggregate.name for aggregate in spec.aggregates if aggregate not in aggregates}
    views, before = list(spec.views), -1
    while len(views) != before:
        before = len(views)
        gone |= {view.name for view in spec.views if view not in views}
        views = [view for view in views if not reads(view, spec) & gone]
    for lost in sorted(gone - {table.name for table in spec.tables}):
        _note(notes, (), f"{lost} is left out: what it is computed from is")
    taken = {source.name for table in tables for source in table.sources}
    for other in found:
        if (
            other.name not in taken
            and other.name not in spec.not_mapped
            and not other.name.startswith((OWN, ".inner"))
        ):
            what = (
                f"{other.name} ({other.engine}) has no place in v2: name it here, and why, once that is right"
            )
            _note(notes, ("not_mapped",), what)
    return replace(spec, tables=tuple(tables), aggregates=aggregates, views=tuple(views))


def _marked(table: TableSpec, source: SourceTable, found: FoundTable, notes: Notes) -> SourceTable:
    mapped = mapping(table, source, found.columns)
    path = ("table", table.name, "source", source.name)
    types = {name: type_name for name, type_name, _ in found.columns}
    drops = {name: accepted for name, accepted in source.drops.items() if name in types}
    for column in mapped.columns:
        at = ("table", table.name, "columns", column.name)
        if column.mark is Mark.LOSSY:
            _note(notes, at, f"LOSSY: {column.why} (v1: {column.of} {types[column.of]})")
            if column.of not in drops:
                drops[column.of] = False
                _note(
                    notes,
                    (*path, "drop", column.of),
                    f"{column.name} of v2 loses: {column.why}; true accepts that",
                )
        elif column.mark is Mark.UNMAPPED:
            _note(notes, at, f"UNMAPPED: {column.why}; every row would get the type's default")
    for left in mapped.left:
        if left.accepted is None:
            drops[left.name] = False
            kind = f" {left.kind}" if left.kind else ""
            _note(
                notes,
                (*path, "drop", left.name),
                f"{left.type}{kind}: no column of v2 takes it; true accepts that it is lost",
            )
    _note_unknown(mapped, path, notes)
    return replace(source, drops=MappingProxyType(drops))


def _note_unknown(mapped: TableMapping, path: Path, notes: Notes) -> None:
    for column, name in mapped.unknown:
        if column:
            _note(notes, (*path, "mapping", column), f"UNMAPPED: v1 has no column {name}")


def _generated(found: Sequence[FoundTable], notes: Notes) -> tuple[TableSpec, ...]:
    """Tables of v2 with v1's own columns and keys."""
    for line in HEAD:
        _note(notes, (), line)
    return tuple(made for table in found if (made := _as_it_is(table, notes)) is not None)


def _as_it_is(found: FoundTable, notes: Notes) -> TableSpec | None:
    if found.engine not in PLAIN or found.name.startswith(OWN):
        return None
    elements, clauses = created.taken_apart(found.create)
    columns: dict[str, str] = {}
    indexes: list[str] = []
    for written_element in elements:
        word, name, rest = created.element(written_element)
        if word == "INDEX":
            indexes.append(f"{name} {rest}")
        elif word:
            _note(notes, ("table", found.name), f"v1's {word} {name} is not carried over")
        else:
            columns[name] = _definition(found, name, rest, notes)
    types = {name: definitions.parse(definition) for name, definition in columns.items()}
    order_by = clauses.get("ORDER BY", "")
    keys = [
        name
        for part in expressions.parts(order_by)
        for name in sorted(expressions.names(part))
        if name in types
    ]
    times = [
        name
        for name, column in types.items()
        if definitions.arguments(column.type)[0] in TIME_TYPES and column.is_given
    ]
    if not times or not keys:
        what = "no DateTime column" if not times else "no sorting key that is understood"
        _note(notes, (), f"{found.name} is left out: it has {what}")
        return None
    in_keys = [name for name in times if name in {*keys, *expressions.names(clauses.get("PARTITION BY", ""))}]
    time = (in_keys or times)[0]
    if "PARTITION BY" not in clauses:
        _note(
            notes, ("table", found.name, "partition_by"), "v1 has no partitions: by month is chtui's proposal"
        )
    if "TTL" in clauses:
        _note(
            notes,
            ("table", found.name),
            f"v1's TTL is {one_line(clauses['TTL'])}: give it as moves and expires",
        )
    return TableSpec(
        name=found.name,
        sources=(SourceTable(found.name),),
        time=time,
        columns=MappingProxyType(columns),
        sharding_key=f"cityHash64({_name(keys[0])})",
        partition_by=clauses.get("PARTITION BY", f"toYYYYMM({_name(time)})"),
        order_by=order_by,
        indexes=tuple(indexes),
    )


def _definition(found: FoundTable, name: str, rest: str, notes: Notes) -> str:
    """A column's definition as v1 has it, or, where it holds what a spec may not, its type alone."""
    try:
        definitions.parse(rest)
        return rest
    except MigrateError as error:
        _note(
            notes,
            ("table", found.name, "columns", name),
            f"v1's definition {error.what}: only its type is kept",
        )
        return next(type_name for known, type_name, _ in found.columns if known == name)


def _name(name: str) -> str:
    """A column's name as an expression has it."""
    return name if NAME.fullmatch(name) else quote_identifier(name)


def _note(notes: Notes, path: Path, line: str) -> None:
    # What a server wrote must not end the comment.
    safe = one_line(line)
    if safe not in notes.setdefault(path, []):
        notes[path].append(safe)
