"""Values and names written into SQL text, where a server or a statement binds no parameters."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime

ESCAPES = {
    "\\": "\\\\",
    "'": "\\'",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\0": "\\0",
    "\b": "\\b",
    "\f": "\\f",
}

Value = str | int | float | bool | datetime | None | tuple["Value", ...] | list["Value"]
"""What may be written into SQL: a scalar, a tuple, or a list (an array)."""


def literal(value: Value) -> str:
    """Return `value` as a ClickHouse literal.

    Raises:
        ValueError: the value has no literal (NaN, infinity, a naive instant, a lone surrogate).
    """
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"no literal for {value}")
        return repr(value)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("an instant without a time zone has no literal")
        return f"toDateTime({int(value.astimezone(UTC).timestamp())})"
    if isinstance(value, tuple):
        return _joined("(", value, ")") if len(value) != 1 else f"tuple({literal(value[0])})"
    if isinstance(value, list):
        return _joined("[", value, "]")
    return quote_string(value)


def quote_string(text: str) -> str:
    """Return `text` between single quotes, escaped as ClickHouse reads it on every version.

    Raises:
        ValueError: the text cannot be written as UTF-8.
    """
    _check(text)
    return "'" + "".join(ESCAPES.get(char, char) for char in text) + "'"


def quote_identifier(name: str) -> str:
    """Return `name` between backquotes.

    Raises:
        ValueError: the name is empty or cannot be written as UTF-8.
    """
    if not name:
        raise ValueError("an identifier cannot be empty")
    _check(name)
    return "`" + "".join("\\`" if char == "`" else ESCAPES.get(char, char) for char in name) + "`"


def _joined(opening: str, values: Iterable[Value], closing: str) -> str:
    return opening + ", ".join(literal(value) for value in values) + closing


def _check(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError("text with a lone surrogate cannot be sent") from error
