"""Values a query compares an Enum column with, which the column cannot have: v2 gives no rows then, and no error. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

from chtui.migrate import definitions
from chtui.migrate.expressions import Token, tokens, unquoted
from chtui.migrate.spec import TableSpec

ENUM = re.compile(r"(?:Nullable\()?Enum(?:8|16)?\((?P<values>.*)\)+$", re.DOTALL)
COMPARING = frozenset(("=", "==", "!=", "<>", "<", ">", "<=", ">=", "LIKE", "ILIKE"))
FUNCTIONS = frozenset(("equals", "notEquals", "in", "notIn", "like", "notLike", "has"))


class Unknown(NamedTuple):
    """One value."""

    column: str
    value: str


def enums_of(tables: Collection[TableSpec]) -> dict[str, frozenset[str]]:
    """Return the Enum columns of some tables of v2 and their values; of columns of one name the values all of them have."""
    found: dict[str, frozenset[str]] = {}
    for table in tables:
        for name, text in table.columns.items():
            match = ENUM.match(definitions.parse(text).type)
            if match:
                values = frozenset(
                    _value(token.text) for token in tokens(match["values"]) if token.kind == "string"
                )
                found[name] = found[name] & values if name in found else values
    return found


def unknown(text: str, enums: Mapping[str, frozenset[str]]) -> list[Unknown]:
    """Return the values in a query that its Enum columns cannot have, each once."""
    found = tokens(text)
    result: list[Unknown] = []
    for index, token in enumerate(found):
        if token.kind not in ("word", "quoted") or unquoted(token.text) not in enums:
            continue
        column = unquoted(token.text)
        values = [*_after(found, index), *_before(found, index), *_in_call(found, index)]
        result += [Unknown(column, value) for value in values if value not in enums[column]]
    return list(dict.fromkeys(result))


def _after(found: list[Token], index: int) -> list[str]:
    """The values after a column and an operator."""
    place = index + 1
    words = [token.text.upper() for token in found[place : place + 3]]
    if words[:1] == ["NOT"]:
        place, words = place + 1, words[1:]
    if words[:1] == ["IN"]:
        return _listed(found, place + 1)
    if words and words[0] in COMPARING and place + 1 < len(found) and found[place + 1].kind == "string":
        return [_value(found[place + 1].text)]
    return []


def _before(found: list[Token], index: int) -> list[str]:
    """The value before an operator and a column, which may be named with its table."""
    start = index
    while start >= 2 and found[start - 1].text == ".":
        start -= 2
    if start >= 2 and found[start - 1].text in COMPARING and found[start - 2].kind == "string":
        return [_value(found[start - 2].text)]
    return []


def _in_call(found: list[Token], index: int) -> list[str]:
    """The values beside a column in a call of a function that compares."""
    start = index
    while start >= 2 and found[start - 1].text == ".":
        start -= 2
    if start >= 2 and found[start - 1].text == "(" and found[start - 2].text in FUNCTIONS:
        return _listed(found, start - 1)
    return []


def _listed(found: list[Token], start: int) -> list[str]:
    """The texts directly within the brackets that open at a token, or in a list of them."""
    if start >= len(found) or found[start].text not in ("(", "["):
        return []
    depth, values = 0, []
    for token in found[start:]:
        depth += (token.text in ("(", "[")) - (token.text in (")", "]"))
        if not depth:
            break
        if token.kind == "word" and token.text.upper() == "SELECT":
            return []
        if token.kind == "string":
            values.append(_value(token.text))
    return values


def _value(text: str) -> str:
    return re.sub(r"\\(.)|''", lambda match: match[1] or "'", text[1:-1])
