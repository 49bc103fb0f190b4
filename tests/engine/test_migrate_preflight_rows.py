"""Preflight on ClickHouse 26.9: what v1 holds that v2 would not, planted and found."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType

import pytest

from chtui.migrate.preflight import Kind, Severity
from tests.engine.planting import V1, Planting, found, the, with_columns, with_source, with_table
from tests.support import ModernRig, replace

BLOCKER, WARNING, NOTE = Severity.BLOCKER, Severity.WARNING, Severity.NOTE
ORDER = "PARTITION BY toYYYYMM(Time) ORDER BY Time"


@pytest.fixture
def planting(modern: ModernRig) -> Iterator[Planting]:
    """The rig without anything planted."""
    field = Planting(modern)
    field.clear()
    yield field
    field.clear()


def test_values_an_enum_does_not_have(planting: Planting) -> None:
    kinds = "['Client', 'SERVER', 'SPAN_KIND_CLIENT', ''][1 + number % 4]"
    planting.v1(
        "Time DateTime, Service String, Kind LowCardinality(String)",
        f"toDateTime('2026-09-01 00:00:00'), 'a', {kinds}",
        rest=ORDER,
    )
    kind = "Enum8('UNSPECIFIED' = 0, 'CLIENT' = 1, 'SERVER' = 2)"
    spec = with_table(
        planting.spec, columns=MappingProxyType({"Time": "DateTime", "Service": "String", "Kind": kind})
    )
    finding = the(planting.look(spec), Kind.VALUE, BLOCKER, "events.Kind")
    assert finding.what.startswith("750 rows of v1: Enum8 has no such value; the copy would stop there")
    assert finding.evidence == "'': 250, 'Client': 250, 'SPAN_KIND_CLIENT': 250"

    mapping = MappingProxyType(
        {
            "Kind": "transform(upper(Kind), ['', 'CLIENT', 'SERVER'], ['UNSPECIFIED', 'CLIENT', 'SERVER'], NULL)"
        }
    )
    finding = the(planting.look(with_source(spec, mapping=mapping)), Kind.VALUE, BLOCKER, "events.Kind")
    assert "250 rows of v1: the mapping has no value for it" in finding.what
    assert finding.evidence == "'SPAN_KIND_CLIENT': 250"

    whole = MappingProxyType(
        {"Kind": mapping["Kind"].replace("upper(Kind)", "replaceOne(upper(Kind), 'SPAN_KIND_', '')")}
    )
    assert found(planting.look(with_source(spec, mapping=whole)), Kind.VALUE, BLOCKER) == []

    loose = MappingProxyType({"Kind": "upper(Kind)"})
    finding = the(planting.look(with_source(spec, mapping=loose)), Kind.VALUE, BLOCKER, "events.Kind")
    assert finding.evidence == "'': 250, 'SPAN_KIND_CLIENT': 250"


def test_nulls_where_v2_has_none(planting: Planting) -> None:
    planting.v1(
        "Time DateTime64(3), Service String, Value Nullable(Int64)",
        "toDateTime64('2026-09-01 00:00:00', 3), 'a', if(number % 10 = 0, NULL, number)",
    )
    finding = the(planting.look(), Kind.NULL, BLOCKER, "events.Value")
    assert "100 rows of v1: NULL has no value in Int64" in finding.what
    assert (
        found(planting.look(with_columns(planting.spec, Value="Nullable(Int64)")), Kind.NULL, BLOCKER) == []
    )


@pytest.mark.parametrize(
    ("from_type", "value", "to_type", "rows"),
    [
        ("Int64", "toInt64(number) - 1", "UInt32", 1),
        ("Int32", "toInt32(number) - 7", "UInt32", 7),
        ("UInt64", "number + 4294967295", "UInt32", 999),
        ("Int64", "number * 100", "Int16", 672),
        ("Float64", "number / 2", "Int32", 500),
        ("String", "repeat('x', number % 10)", "FixedString(8)", 100),
        ("Array(Int64)", "[toInt64(number), -1]", "Array(UInt8)", 1000),
    ],
)
def test_numbers_out_of_range(
    planting: Planting, from_type: str, value: str, to_type: str, rows: int
) -> None:
    planting.v1(
        f"Time DateTime64(3), Service String, Value {from_type}",
        f"toDateTime64('2026-09-01 00:00:00', 3), 'a', {value}",
    )
    report = planting.look(with_columns(planting.spec, Service="String", Value=to_type))
    finding = the(report, Kind.RANGE, BLOCKER, "events.Value")
    assert finding.what.startswith(f"{rows} row")


def test_digits_that_are_lost(planting: Planting) -> None:
    planting.v1(
        "Time DateTime64(9), Service LowCardinality(String), Value Int64",
        "fromUnixTimestamp64Nano(toInt64(1788220800000000000 + number * 100000000)), 'a', number",
    )
    finding = the(
        planting.look(with_columns(planting.spec, Time="DateTime")), Kind.PRECISION, BLOCKER, "events.Time"
    )
    assert finding.what.startswith(
        "900 rows of v1: digits of the second are cut off; values that differ would become one"
    )
    chosen = with_source(
        with_columns(planting.spec, Time="DateTime"), mapping=MappingProxyType({"Time": "toDateTime(Time)"})
    )
    finding = the(planting.look(chosen), Kind.PRECISION, WARNING, "events.Time")
    assert finding.what.startswith("900 rows of v1")
    day = with_source(
        with_columns(planting.spec, Time="DateTime64(9)", Day="Date DEFAULT toDate(Time)"),
        mapping=MappingProxyType({"Day": "toDate(Time)"}),
    )
    assert (
        found(planting.look(day), Kind.PRECISION, BLOCKER)
        + found(planting.look(day), Kind.PRECISION, WARNING)
        == []
    )


def test_columns_that_are_computed_on_v1(planting: Planting) -> None:
    planting.v1(
        "Time DateTime64(3), Service LowCardinality(String), Value Int64, "
        "Half Float64 MATERIALIZED Value / 2, Loud String ALIAS upper(Service), Double Int64 MATERIALIZED Value * 2",
    )
    report = planting.look(with_columns(planting.spec, Double="Int64 MATERIALIZED Value + Value"))
    lost = {each.object: each for each in found(report, Kind.COMPUTED_COLUMN, BLOCKER)}
    assert set(lost) == {"events.Half", "events.Loud"}
    assert "no column of v2 takes this MATERIALIZED column" in lost["events.Half"].what
    differs = the(report, Kind.COMPUTED_COLUMN, WARNING, "events.Double")
    assert differs.evidence == "v1 Value * 2; v2 Value + Value"
    drops = MappingProxyType({"Half": True, "Loud": False})
    report = planting.look(with_source(planting.spec, drops=MappingProxyType({**drops, "Double": True})))
    assert [each.object for each in found(report, Kind.COMPUTED_COLUMN, BLOCKER)] == ["events.Loud"]
    assert "dropped, which the spec accepts" in the(report, Kind.COMPUTED_COLUMN, NOTE, "events.Half").what


def test_columns_that_nobody_takes(planting: Planting) -> None:
    planting.v1(
        "Time DateTime64(3), Service LowCardinality(String), Value Int64, Body String",
        "toDateTime64('2026-09-01 00:00:00', 3) + number, 'a', number, randomPrintableASCII(100)",
        rest=f"{ORDER} SETTINGS min_bytes_for_wide_part = 0",
    )
    finding = the(planting.look(), Kind.COLUMN, BLOCKER, "events.Body")
    assert "KiB on v1 would be left behind" in finding.what
    assert "Body = true" in finding.remedy
    missing = the(
        planting.look(with_columns(planting.spec, Other="String")), Kind.COLUMN, BLOCKER, f"{V1}.events"
    )
    assert "events.Other has nothing" in missing.what


def test_rows_that_would_expire_at_once(planting: Planting) -> None:
    planting.v1(rows="now() - toIntervalDay(number % 100), 's', number", number=100)
    spec = with_table(planting.spec, expires="toDateTime(Time) + INTERVAL 30 DAY DELETE WHERE Value >= 90")
    finding = the(planting.look(spec), Kind.EXPIRED_ROWS, WARNING, "events")
    assert finding.what.startswith("10 rows of events are older than events keeps them")
    assert found(planting.look(), Kind.EXPIRED_ROWS) == []
    every = with_table(planting.spec, expires="toDateTime(Time) + INTERVAL 30 DAY")
    assert the(planting.look(every), Kind.EXPIRED_ROWS, WARNING).what.startswith("70 rows")


def test_a_ttl_of_v1_itself(planting: Planting) -> None:
    planting.v1(
        rest="PARTITION BY toYYYYMM(Time) ORDER BY (Service, Time) TTL toDateTime(Time) + INTERVAL 10 YEAR"
    )
    assert "TTL of its own" in the(planting.look(), Kind.SOURCE_EXPIRY, WARNING, "events").what


def test_rows_of_the_future(planting: Planting) -> None:
    planting.v1(rows="now() + toIntervalDay(if(number < 3, 2, -2)), 's', number")
    finding = the(planting.look(), Kind.FUTURE_ROWS, WARNING, "events")
    assert finding.what.startswith("3 rows of v1 are of the future")


def test_a_table_without_rows_and_one_that_is_not_there(planting: Planting) -> None:
    planting.v1(number=0)
    assert (
        "nothing will be copied, with success"
        in the(planting.look(), Kind.SOURCE_TABLE, WARNING, "events").what
    )
    source = replace(planting.spec.tables[0].sources[0], name="traces_2024")
    report = planting.look(with_table(planting.spec, sources=(source,)))
    assert "v1 has no such table" in the(report, Kind.SOURCE_TABLE, BLOCKER, f"{V1}.traces_2024").what


def test_rows_that_merges_change(planting: Planting) -> None:
    planting.rig.query(0, f"CREATE DATABASE {V1}")
    columns = "Time DateTime64(3), Service LowCardinality(String), Value Int64"
    planting.rig.query(
        0, f"CREATE TABLE {V1}.events ({columns}) ENGINE = ReplacingMergeTree ORDER BY Service"
    )
    assert "merges change its rows" in the(planting.look(), Kind.SOURCE_TABLE, WARNING, f"{V1}.events").what
    planting.rig.query(0, f"DROP TABLE {V1}.events SYNC")
    planting.rig.query(0, f"CREATE TABLE {V1}.events ({columns}) ENGINE = Log")
    assert "no partitions" in the(planting.look(), Kind.SOURCE_TABLE, BLOCKER, "events").what


def test_what_else_v1_has(planting: Planting) -> None:
    planting.v1(
        "Time DateTime64(3), Service LowCardinality(String), Value Int64, INDEX idx_value Value TYPE minmax GRANULARITY 1, "
        "INDEX idx_service Service TYPE bloom_filter(0.01) GRANULARITY 1",
    )
    rig = planting.rig
    rig.query(0, f"CREATE TABLE {V1}.others (x UInt8) ENGINE = MergeTree ORDER BY x")
    rig.query(0, f"CREATE VIEW {V1}.recent AS SELECT * FROM {V1}.events")
    rig.query(
        0,
        f"CREATE MATERIALIZED VIEW {V1}.counts ENGINE = SummingMergeTree ORDER BY s AS SELECT Service AS s, count() AS n FROM {V1}.events GROUP BY s",
    )
    rig.query(
        0,
        f"CREATE DICTIONARY {V1}.names (Service String, Value Int64) PRIMARY KEY Service "
        f"SOURCE(CLICKHOUSE(DB '{V1}' TABLE 'events')) LAYOUT(COMPLEX_KEY_HASHED()) LIFETIME(0)",
    )
    spec = with_table(
        replace(planting.spec, not_mapped={"others": "a scratch table"}),
        indexes=("i Value TYPE minmax GRANULARITY 4",),
    )
    report = planting.look(spec)
    listed = {each.object for each in found(report, Kind.SOURCE_OBJECT, WARNING)}
    assert {f"{V1}.recent", f"{V1}.counts", f"{V1}.names", "events.idx_service"} <= listed
    assert "events.idx_value" not in listed
    assert "a scratch table" in the(report, Kind.SOURCE_OBJECT, NOTE, f"{V1}.others").what
