"""Rows of v1 in the form v2 has them: expressions over v1's columns for every column of a table of v2."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from chtui.errors import MigrateError
from chtui.fleet.literal import literal, quote_identifier
from chtui.migrate import definitions, expressions
from chtui.migrate.spec import SourceTable, TableSpec

DATE_TYPES = ("Date", "Date32")
WHOLE_NUMBERS = ("UInt8", "UInt16", "UInt32", "UInt64", "Int8", "Int16", "Int32", "Int64")
HASHED = r"String|FixedString|LowCardinality|Array|U?Int(?:8|16|32|64)|Float32|Float64|Date|DateTime|DateTime64|Enum8|Enum16|UUID"
"""The names in types whose values are hashed as they are. Nullable is none of them."""
FORMAT_ROW_SINCE = (20, 8)
"""The first version with `formatRow`. Source: ClickHouse 20.8 changelog."""
FIRST, SECOND = "cityHash64", "sipHash64"
"""What rows are hashed by, and once more where equal rows are to be told from rows of one hash."""


class Shape(NamedTuple):
    """How one table of v1 gives the rows of one table of v2."""

    columns: tuple[str, ...]
    """The columns of v2 that INSERT names."""
    given: tuple[str, ...]
    """The expression over v1's columns for each of them, of v2's type."""
    values: Mapping[str, str]
    """The same for every column of v2, computed ones too."""

    def over_source(self, text: str) -> str:
        """Return an expression over v2's columns as one over v1's."""
        return expressions.replaced(text, dict(self.values))


def shape_of(table: TableSpec, source: SourceTable, types: Mapping[str, str]) -> Shape:
    """Return the shape of a table of v1 whose columns have these types.

    Raises:
        MigrateError: a column of v2 has neither an expression, nor a column of its name in v1, nor a default.
    """
    values: dict[str, str] = {}
    columns: list[str] = []
    for name, text in table.columns.items():
        definition = definitions.parse(text)
        if name in source.mapping:
            values[name] = _cast(source.mapping[name], definition.type)
        elif definition.kind in ("", definitions.DEFAULT) and name in types:
            values[name] = _taken(name, types[name], definition.type)
        elif definition.kind:
            continue  # computed from the others, below
        else:
            raise MigrateError(
                f"{table.name}.{name} has nothing in {source.name} that gives it",
                where=f"table.{table.name}.source.{source.name}.mapping",
                fix=f"give {name} an expression there, or a DEFAULT in its definition",
            )
        if definition.is_given:
            columns.append(name)
    _compute(table, values)
    return Shape(tuple(columns), tuple(values[name] for name in columns), values)


def partition_id(value: object) -> str:
    """Return ClickHouse's partition id of a partition key's value as `toString` gives it: a whole number or a date."""
    return str(value).replace("-", "")


def row_hash(columns: Sequence[str], types: Sequence[str] = (), *, old: bool, by: str = FIRST) -> str:
    """Return the expression that hashes a row by a function, given expressions for its columns and their types.

    It must see NULLs: a hash of several arguments is NULL where one is. Columns that can hold none are hashed as they
    are, in less than half the time; those of any other type, and of none given, as bytes. `old` is for servers without
    `formatRow`, whose columns are hashed one by one. All give the same for equal values of equal types on every version.
    """
    if old:
        each = [f"isNull({column}), toString(assumeNotNull({column}))" for column in columns]
        return f"{by}({', '.join(each)})"
    pieces: list[str] = []
    written: list[str] = []
    for column, kind in zip(columns, types or ("",) * len(columns), strict=True):
        name, parts = definitions.arguments(kind)
        if name == "Map" and all(map(is_hashed, parts)):
            # Old servers do not hash a Map, and none a Map other than by these two.
            pieces += [f"mapKeys({column})", f"mapValues({column})"]
        elif is_hashed(kind):
            pieces.append(column)
        else:
            written.append(column)
    if written:
        pieces.append(f"formatRow('RowBinary', {', '.join(written)})")
    return f"{by}({', '.join(pieces)})"


def is_hashed(kind: str) -> bool:
    """Return whether `cityHash64` takes values of a type as they are and tells any two apart; no type is not."""
    words = re.findall(r"[A-Za-z_]\w*", re.sub(r"'(?:[^'\\]|\\.)*'", "", kind))
    return bool(words) and all(re.fullmatch(HASHED, word) for word in words)


def hour_of(time: str) -> str:
    """Return the expression for the hour of an instant: its first second since 1970, the same in every time zone."""
    return bucket_of(time, 3600)


def bucket_of(time: str, seconds: int) -> str:
    """Return the expression for the hour, minute or the like of an instant: its first second since 1970."""
    return f"toInt64(intDiv(toUnixTimestamp({time}), {seconds}) * {seconds})"


def nanoseconds_of(time: str, kind: str) -> str:
    """Return the expression for an instant of type `kind` in nanoseconds since 1970."""
    name, arguments = definitions.arguments(kind)
    if name != "DateTime64":
        return f"toInt64(toUnixTimestamp({time})) * 1000000000"
    exact = time if arguments and arguments[0] == "9" else f"CAST({time} AS DateTime64(9))"
    return f"toUnixTimestamp64Nano({exact})"


def _compute(table: TableSpec, values: dict[str, str]) -> None:
    """Add the columns that are computed from others, whatever their order."""
    left = {name: definitions.parse(text) for name, text in table.columns.items() if name not in values}
    while left:
        ready = [
            name
            for name, definition in left.items()
            if not (expressions.names(definition.expression) & (left.keys() - {name}))
        ]
        if not ready:
            raise MigrateError(
                f"{', '.join(left)} are computed from each other", where=f"table.{table.name}.columns"
            )
        for name in ready:
            definition = left.pop(name)
            values[name] = _cast(expressions.replaced(definition.expression, values), definition.type)


def _taken(name: str, kind: str, wanted: str) -> str:
    quoted = quote_identifier(name)
    same = definitions.type_text(kind) == definitions.type_text(wanted)
    # A cast that changes nothing would still keep the server from reading only the partitions it needs.
    return quoted if same else _cast(quoted, wanted)


def _cast(expression: str, kind: str) -> str:
    return f"CAST(({expression}), {literal(kind)})"
