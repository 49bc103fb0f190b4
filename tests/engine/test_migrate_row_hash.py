"""Rows are told apart by their hashes, whatever their types; NULL is a value of its own."""

from __future__ import annotations

from itertools import combinations

import pytest

from chtui.migrate.shape import row_hash
from tests.support import ModernRig

ROWS: dict[tuple[str, ...], tuple[tuple[str, ...], ...]] = {
    ("String", "String"): (("'ab'", "''"), ("'a'", "'b'"), ("''", "'ab'"), ("''", "''"), ("'a\\0'", "'b'")),
    ("Array(UInt8)", "Array(UInt8)"): (
        ("[1, 2]", "[3]"),
        ("[1]", "[2, 3]"),
        ("[]", "[1, 2, 3]"),
        ("[1, 2, 3]", "[]"),
        ("[]", "[]"),
        ("[0]", "[]"),
    ),
    ("Array(Array(String))",): (
        ("[[], ['a']]",),
        ("[['a'], []]",),
        ("[['a']]",),
        ("[[]]",),
        ("[]",),
        ("[['']]",),
    ),
    ("Array(LowCardinality(String))",): (("['a', 'b']",), ("['ab']",), ("['b', 'a']",), ("['']",), ("[]",)),
    ("Map(LowCardinality(String), String)", "Map(String, String)"): (
        ("map('a', 'b')", "map()"),
        ("map()", "map('a', 'b')"),
        ("map('a', '', 'b', '')", "map()"),
        ("map('b', '', 'a', '')", "map()"),
        ("map('a', 'b', 'c', 'd')", "map()"),
        ("map()", "map()"),
    ),
    ("Array(Map(LowCardinality(String), String))",): (
        ("[map('a', 'b')]",),
        ("[map('a', 'b'), map()]",),
        ("[map(), map('a', 'b')]",),
        ("[]",),
    ),
    ("Nullable(String)", "LowCardinality(Nullable(String))"): (
        ("NULL", "''"),
        ("''", "NULL"),
        ("''", "''"),
        ("NULL", "NULL"),
        ("'a'", "NULL"),
    ),
    ("Array(Nullable(UInt8))",): (("[NULL]",), ("[0]",), ("[]",), ("[0, NULL]",), ("[NULL, 0]",)),
    ("Tuple(UInt8, String)", "Tuple(a UInt8)"): (
        ("(1, '2')", "tuple(3)"),
        ("(3, '2')", "tuple(1)"),
        ("(1, '')", "tuple(3)"),
    ),
    ("DateTime64(9)", "Date", "DateTime('UTC')"): (
        ("'2026-01-01 00:00:00.000000001'", "'2026-01-01'", "0"),
        ("'2026-01-01 00:00:00.000000000'", "'2026-01-01'", "0"),
        ("'2026-01-01 00:00:00.000000000'", "'2026-01-02'", "0"),
        ("'2026-01-01 00:00:00.000000000'", "'2026-01-01'", "1"),
    ),
    ("Float64", "Decimal(9, 2)", "UUID"): (
        ("0", "1.1", "'00000000-0000-0000-0000-000000000001'"),
        ("-0.", "1.1", "'00000000-0000-0000-0000-000000000001'"),
        ("nan", "1.1", "'00000000-0000-0000-0000-000000000001'"),
        ("0", "1.10", "'00000000-0000-0001-0000-000000000000'"),
        ("0", "1.11", "'00000000-0000-0000-0000-000000000001'"),
    ),
    ("Enum8('a, Nullable' = 1, 'it\\'s' = 2)", "FixedString(2)", "Int64"): (
        ("'a, Nullable'", "'a'", "-1"),
        ("'it\\'s'", "'a'", "-1"),
        ("'it\\'s'", "'b'", "-1"),
        ("'it\\'s'", "'b'", "1"),
    ),
}


@pytest.mark.parametrize("types", ROWS, ids=lambda types: ", ".join(types))
def test_rows_that_differ_have_different_hashes(modern: ModernRig, types: tuple[str, ...]) -> None:
    table = f"row_hash_{abs(hash(types))}"
    columns = tuple(f"c{number}" for number in range(len(types)))
    made = ", ".join(f"{column} {kind}" for column, kind in zip(columns, types, strict=True))
    modern.query(0, "CREATE DATABASE IF NOT EXISTS hashes")
    modern.query(0, f"CREATE TABLE hashes.{table} (number UInt8, {made}) ENGINE = Memory")
    try:
        for number, row in enumerate((*ROWS[types], *ROWS[types])):
            modern.query(0, f"INSERT INTO hashes.{table} VALUES ({number}, {', '.join(row)})")
        for given in (types, ()):
            hashed = row_hash(columns, given, old=False)
            told = modern.query(0, f"SELECT toString({hashed}) FROM hashes.{table} ORDER BY number").split()
            once, again = told[: len(told) // 2], told[len(told) // 2 :]
            assert once == again
            for (one, first), (other, second) in combinations(zip(ROWS[types], once, strict=True), 2):
                assert first != second, f"{one} and {other} by {hashed}"
    finally:
        modern.query(0, f"DROP TABLE hashes.{table}")
