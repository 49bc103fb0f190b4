"""What becomes of v1's columns in v2."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from chtui.migrate.mapping import Mark, compared, mapping
from chtui.migrate.spec import SourceTable, TableSpec


def table(**columns: str) -> TableSpec:
    return TableSpec(
        "t", (), "Time", MappingProxyType({"Time": "DateTime", **columns}), "1", "toYYYYMM(Time)", "Time"
    )


V1 = [("Time", "DateTime", "")]


@pytest.mark.parametrize(
    ("one", "other", "mark", "why"),
    [
        ("String", "String", Mark.EXACT, ""),
        ("DateTime64(9)", "DateTime64( 9 )", Mark.EXACT, ""),
        ("Map(LowCardinality(String), String)", "Map(LowCardinality(String),String)", Mark.EXACT, ""),
        ("String", "LowCardinality(String)", Mark.WIDENED, ""),
        ("LowCardinality(String)", "String", Mark.WIDENED, ""),
        ("UInt8", "UInt16", Mark.WIDENED, ""),
        ("UInt8", "Int16", Mark.WIDENED, ""),
        ("UInt8", "Int8", Mark.LOSSY, "Int8 does not hold every UInt8: it wraps around"),
        ("Int8", "UInt64", Mark.LOSSY, "UInt64 does not hold every Int8: it wraps around"),
        ("UInt64", "UInt32", Mark.LOSSY, "UInt32 does not hold every UInt64: it wraps around"),
        ("UInt32", "Float64", Mark.WIDENED, ""),
        ("UInt64", "Float64", Mark.LOSSY, "Float64 rounds large numbers"),
        ("Float64", "Float32", Mark.LOSSY, "Float32 does not hold every Float64"),
        ("Float64", "UInt8", Mark.LOSSY, "UInt8 does not hold every Float64"),
        ("String", "Nullable(String)", Mark.WIDENED, ""),
        ("Nullable(String)", "String", Mark.LOSSY, "NULL has no value there"),
        ("LowCardinality(Nullable(String))", "LowCardinality(String)", Mark.LOSSY, "NULL has no value there"),
        ("DateTime", "DateTime64(3)", Mark.WIDENED, ""),
        ("DateTime64(3)", "DateTime64(9)", Mark.WIDENED, ""),
        ("DateTime64(9)", "DateTime64(3)", Mark.LOSSY, "digits after the 3th are cut off"),
        ("DateTime64(9)", "DateTime", Mark.LOSSY, "what is below the second is cut off"),
        ("DateTime", "DateTime('UTC')", Mark.WIDENED, ""),
        ("DateTime", "Date", Mark.LOSSY, "the time of day is cut off"),
        ("String", "Enum8('a' = 1)", Mark.LOSSY, "only the names of Enum8 are held"),
        ("Enum8('a' = 1)", "String", Mark.WIDENED, ""),
        ("Enum8('a' = 1)", "Enum8('a' = 2, 'b' = 1)", Mark.WIDENED, ""),
        ("Enum8('a' = 1, 'b, c' = 2)", "Enum8('a' = 1)", Mark.LOSSY, "'b, c' cannot be held"),
        ("String", "UInt64", Mark.LOSSY, "only texts that are numbers are held"),
        ("Array(UInt8)", "Array(UInt16)", Mark.WIDENED, ""),
        ("Array(UInt16)", "Array(UInt8)", Mark.LOSSY, "UInt8 does not hold every UInt16: it wraps around"),
    ],
)
def test_types_are_compared(one: str, other: str, mark: Mark, why: str) -> None:
    assert compared(one, other) == (mark, why)


def test_what_has_no_conversion_is_unmapped() -> None:
    mark, why = compared("Map(String, String)", "UInt8")
    assert mark is Mark.UNMAPPED
    assert why == "Map(String, String) does not become UInt8 by itself: give an expression"


def test_columns_are_taken_by_name_or_expression() -> None:
    source = SourceTable("t", MappingProxyType({"Kind": "upper(Sort)", "Renamed": "`Old name`"}))
    wanted = table(
        Kind="Enum8('A' = 1)", Renamed="String", Wide="UInt64", Extra="UInt8 DEFAULT 7", Gone="UInt8"
    )
    v1 = [*V1, ("Sort", "String", ""), ("Old name", "String", ""), ("Wide", "UInt32", "")]
    found = mapping(wanted, source, v1)
    assert [
        (column.name, column.mark, column.expression if column.raw else "") for column in found.columns
    ] == [
        ("Time", Mark.EXACT, "`Time`"),
        ("Kind", Mark.MAPPED, "CAST(upper(Sort) AS Enum8('A' = 1))"),
        ("Renamed", Mark.EXACT, "`Old name`"),
        ("Wide", Mark.WIDENED, "CAST(`Wide` AS UInt64)"),
        ("Extra", Mark.DEFAULT, ""),
        ("Gone", Mark.UNMAPPED, ""),
    ]
    assert [column.name for column in found.copied] == ["Time", "Kind", "Renamed", "Wide"]
    assert (found.left, found.unknown) == ((), ())
    assert found.columns[1].lost == "isNull(upper(Sort))"


@pytest.mark.parametrize(
    ("from_type", "to_type", "lost"),
    [
        ("UInt64", "UInt32", "CAST(`X` AS UInt32) != `X`"),
        ("Int32", "UInt32", "CAST(`X` AS UInt32) != `X`"),
        ("Float64", "Float32", "CAST(CAST(`X` AS Float32) AS Float64) != `X`"),
        (
            "Nullable(UInt64)",
            "UInt32",
            "isNull(`X`) OR CAST(`X` AS Nullable(UInt32)) != `X`",
        ),
        ("Nullable(String)", "String", "isNull(`X`)"),
        ("String", "Enum8('a' = 1, 'b''c' = 2)", "`X` NOT IN ('a', 'b''c')"),
        ("String", "UInt16", "ifNull(toString(toUInt16OrNull(`X`)), '') != `X`"),
        ("DateTime64(9)", "DateTime", "CAST(CAST(`X` AS DateTime) AS DateTime64(9)) != `X`"),
    ],
)
def test_rows_that_lose_something_can_be_counted(from_type: str, to_type: str, lost: str) -> None:
    found = mapping(table(X=to_type), SourceTable("t"), [*V1, ("X", from_type, "")])
    column = found.columns[1]
    assert (column.mark, column.lost, column.of, column.accepted) == (Mark.LOSSY, lost, "X", None)
    accepting = SourceTable("t", drops=MappingProxyType({"X": True}))
    assert mapping(table(X=to_type), accepting, [*V1, ("X", from_type, "")]).columns[1].accepted is True


def test_what_nobody_takes_is_told() -> None:
    source = SourceTable(
        "t", MappingProxyType({"A": "concat(B, E.x)"}), drops=MappingProxyType({"C": True, "D": False})
    )
    v1 = [*V1, ("B", "String", ""), ("C", "String", ""), ("D", "String", "MATERIALIZED"), ("E.x", "String", ""), ("F", "UInt8", "ALIAS"), ("M", "UInt8", "MATERIALIZED")]  # fmt: skip
    found = mapping(table(A="String", M="UInt8 MATERIALIZED 1"), source, v1)
    assert [(left.name, left.kind, left.accepted) for left in found.left] == [
        ("C", "", True),
        ("D", "MATERIALIZED", False),
        ("F", "ALIAS", None),
    ]


def test_names_that_v1_lacks_are_told() -> None:
    source = SourceTable(
        "t", MappingProxyType({"A": "concat(B, arrayMap(x -> x, C))"}), drops=MappingProxyType({"Z": True})
    )
    found = mapping(table(A="String"), source, [*V1, ("C", "Array(String)", "")])
    assert found.unknown == (("A", "B"), ("", "Z"))
