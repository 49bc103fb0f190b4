"""Values and names written into SQL."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone

import pytest

from chtui.fleet.literal import Value, literal, quote_identifier, quote_string

BACK = "\\"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "NULL"),
        (True, "1"),
        (False, "0"),
        (0, "0"),
        (-7, "-7"),
        (2**64 - 1, "18446744073709551615"),
        (1.5, "1.5"),
        (-0.001, "-0.001"),
        (1e300, "1e+300"),
        ("", "''"),
        ("plain", "'plain'"),
        ("it's", f"'it{BACK}'s'"),
        (BACK, f"'{BACK}{BACK}'"),
        (f"{BACK}'", f"'{BACK}{BACK}{BACK}''"),
        ("a\0b", f"'a{BACK}0b'"),
        ("a\n\r\t\b\fb", f"'a{BACK}n{BACK}r{BACK}t{BACK}b{BACK}fb'"),
        ('`"--;/*', "'`\"--;/*'"),
        ("日本 é 🙂", "'日本 é 🙂'"),
        ("\x1b\x01", "'\x1b\x01'"),
        ("{x:String}", "'{x:String}'"),
        ([], "[]"),
        ([1, 2], "[1, 2]"),
        (["a'", None], f"['a{BACK}'', NULL]"),
        ((1, "x"), "(1, 'x')"),
        ((1,), "tuple(1)"),
        ([("a", [1, 2]), ("b", [])], "[('a', [1, 2]), ('b', [])]"),
        (([True],), "tuple([1])"),
        (datetime(1970, 1, 1, 0, 1, tzinfo=UTC), "toDateTime(60)"),
        (datetime(1970, 1, 1, 2, 0, tzinfo=timezone(timedelta(hours=2))), "toDateTime(0)"),
    ],
)
def test_literals(value: Value, written: str) -> None:
    assert literal(value) == written


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (math.nan, "nan"),
        (math.inf, "inf"),
        (-math.inf, "inf"),
        ([1.0, math.nan], "nan"),
        ((1, (math.inf,)), "inf"),
        (datetime(2026, 1, 1), "time zone"),
        ("\ud800", "surrogate"),
        (["ok", "\udfff"], "surrogate"),
    ],
)
def test_values_without_a_literal_are_refused(value: Value, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        literal(value)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("events", "`events`"),
        ("a b", "`a b`"),
        ("`", f"`{BACK}``"),
        ("it's", f"`it{BACK}'s`"),
        (BACK, f"`{BACK}{BACK}`"),
        (f"{BACK}`; --", f"`{BACK}{BACK}{BACK}`; --`"),
        ("a\n\0", f"`a{BACK}n{BACK}0`"),
        ('db"."t', '`db"."t`'),
        ("таблица", "`таблица`"),
    ],
)
def test_identifiers(name: str, written: str) -> None:
    assert quote_identifier(name) == written


@pytest.mark.parametrize("name", ["", "\ud800"])
def test_names_that_cannot_be_written_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"empty|surrogate"):
        quote_identifier(name)


def test_no_text_ends_its_quotes_early() -> None:
    pieces = ["'", BACK, "`", "\n", "\0", "x", "é"]
    for first in pieces:
        for second in pieces:
            for third in pieces:
                raw = first + second + third
                assert unescaped(quote_string(raw), "'") == raw
                assert unescaped(quote_identifier(raw), "`") == raw


def unescaped(written: str, quote: str) -> str:
    """Read a quoted text as ClickHouse does; fails if it ends before its last character."""
    assert written[0] == written[-1] == quote
    body, found, index = written[1:-1], "", 0
    while index < len(body):
        char = body[index]
        assert char != quote
        if char == BACK:
            index += 1
            char = {"n": "\n", "0": "\0"}.get(body[index], body[index])
        found += char
        index += 1
    return found
