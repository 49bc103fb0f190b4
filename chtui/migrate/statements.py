"""The statements of `sql/migrate`, with their names and the spec's own text filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from chtui import sql
from chtui.fleet.literal import Value, literal, quote_identifier
from chtui.sql import PLACEHOLDER, Statement

IDENTIFIER, TABLE, SQL = "Identifier", "Table", "Sql"
SHAPING = (IDENTIFIER, TABLE, SQL)
"""Types of parameters that are part of the text, not values: no server binds them alike."""

Params = Mapping[str, Value]


def shaped(name: str, params: Params, *, values: bool = False) -> tuple[Statement, dict[str, Value]]:
    """Return a statement with its names and texts written into it, and the values left for the server to bind.

    With `values` those are written into it too. A line whose name or text is empty is left out whole.

    Raises:
        ValueError: the parameters are not those of the header, or one cannot be written.
    """
    statement = sql.load(name if "/" in name else f"migrate/{name}")
    types = {column.name: column.type for column in statement.params}
    if set(types) != set(params):
        raise ValueError(f"{statement.name} takes {sorted(types)}, not {sorted(params)}")
    written = {key: _written(types[key], value) for key, value in params.items()}
    lines: list[str] = []
    for line in statement.text.splitlines():
        found = PLACEHOLDER.findall(line)
        if any(params[key] == "" for key, kind in found if kind in (IDENTIFIER, SQL)):
            continue
        # In one pass: what a value holds is never taken for a parameter.
        lines.append(
            PLACEHOLDER.sub(
                lambda match: written[match[1]] if values or types[match[1]] in SHAPING else match[0], line
            )
        )
    left = () if values else tuple(column for column in statement.params if column.type not in SHAPING)
    text = "\n".join(lines)
    return replace(statement, text=text, params=left), {column.name: params[column.name] for column in left}


def text(name: str, params: Params) -> str:
    """Return the exact statement, all its values written into it.

    Raises:
        ValueError: the parameters are not those of the header, or one cannot be written.
    """
    return shaped(name, params, values=True)[0].text


def table_name(database: str, table: str) -> str:
    """Return a table's quoted name."""
    return f"{quote_identifier(database)}.{quote_identifier(table)}"


def _written(kind: str, value: Value) -> str:
    if kind == SQL:
        return str(value)
    if kind == IDENTIFIER:
        return quote_identifier(str(value)) if value != "" else ""
    if kind == TABLE:
        if not isinstance(value, tuple) or len(value) != 2:
            raise ValueError(f"a table is given as database and name, not {value!r}")
        return table_name(str(value[0]), str(value[1]))
    return literal(value)
