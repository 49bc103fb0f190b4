"""What preflight makes of settings, and of types that hold less than others; without servers."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest

from chtui.fleet.driver import Driver
from chtui.migrate.hosts import Host
from chtui.migrate.preflight import settings
from chtui.migrate.preflight.findings import Finding, Kind, Severity
from chtui.migrate.preflight.losses import losses
from chtui.migrate.preflight.reader import Reader
from chtui.migrate.preflight.settings import Element, Setting
from chtui.migrate.spec import DdlMode, Flavour, Source, SourceTable, Spec, TableSpec, Target
from chtui.records import HostId
from tests.support import replace

A, B = HostId("ch", 9001), HostId("ch", 9002)
BLOCKER, WARNING, NOTE = Severity.BLOCKER, Severity.WARNING, Severity.NOTE
TABLE = TableSpec(
    "events",
    (SourceTable("old"),),
    "Time",
    MappingProxyType({"Time": "DateTime"}),
    "cityHash64(Time)",
    "toYYYYMM(Time)",
    "Time",
)
SPEC = Spec("s", Source(A, "v1"), Target("all", "v2", Flavour.REPLICATED, DdlMode.ON_CLUSTER), (TABLE,))
PLAIN = replace(SPEC, target=replace(SPEC.target, flavour=Flavour.PLAIN))


def told(findings: list[Finding], severity: Severity) -> list[str]:
    return [each.what for each in findings if each.severity is severity]


def setting(name: str, value: str, *, changed: bool = False, fixed: bool | None = False) -> Setting:
    return Setting(name, value, changed, fixed)


def test_settings() -> None:
    def severities(*given: Setting) -> list[Any]:
        return [(each.kind, each.severity) for each in settings.judge(A, given)]

    assert severities(setting("read_overflow_mode", "throw"), setting("limit", "0")) == []
    assert severities(setting("read_overflow_mode", "break", changed=True)) == [(Kind.SETTING, WARNING)]
    assert severities(setting("read_overflow_mode", "break", changed=True, fixed=True)) == [
        (Kind.SETTING, BLOCKER)
    ]
    assert severities(setting("max_execution_time", "60", fixed=True)) == [(Kind.SETTING, BLOCKER)]
    assert severities(setting("async_insert", "1")) == [(Kind.ASYNC_INSERT, NOTE)]
    assert severities(setting("insert_distributed_sync", "0")) == [(Kind.BACKGROUND_INSERT, WARNING)]
    both = (setting("insert_distributed_sync", "0"), setting("distributed_foreground_insert", "0"))
    assert len(severities(*both)) == 1
    assert severities(setting("limit", "0", fixed=None)) == [(Kind.SETTING, NOTE)]
    assert severities(setting("readonly", "1", fixed=True), setting("limit", "9", fixed=True)) == [
        (Kind.PRIVILEGE, BLOCKER)
    ]


def test_settings_of_others() -> None:
    elements = [
        Element("profile web", False, "limit", "100"),
        Element("profile own", True, "limit", "100"),
        Element("profile own", True, "read_overflow_mode", "break"),
        Element("user x", False, "limit", "0"),
    ]
    found = settings.judge_profiles(A, elements)
    assert [(each.object, each.severity) for each in found] == [
        ("profile web: limit", WARNING),
        ("profile own: limit", BLOCKER),
    ]


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ((18, 16), "there are none"),
        ((25, 8), "force one stream"),
        ((26, 1), "are ignored"),
        ((26, 9), "hold without"),
    ],
)
def test_what_tokens_mean(version: tuple[int, ...], words: str) -> None:
    assert words in settings.judge_windows(PLAIN, A, version, {})[0].what


def test_windows() -> None:
    window = {"replicated_deduplication_window": "100", "non_replicated_deduplication_window": "0"}
    assert told(settings.judge_windows(PLAIN, A, (26, 9), window), WARNING) == []
    assert len(told(settings.judge_windows(SPEC, A, (26, 9), window), WARNING)) == 1
    off = replace(SPEC, tables=(replace(TABLE, settings={"replicated_deduplication_window": "0"}),))
    assert told(settings.judge_windows(off, A, (26, 9), window), WARNING) == []


def test_rows_that_come_after_they_were_missed() -> None:
    def hosts(lateness_seconds: float) -> list[HostId | None]:
        spec = replace(SPEC, retention=replace(SPEC.retention, lateness_seconds=lateness_seconds))
        found = settings.judge_delivery(spec, {A: (18, 16, 1), B: (26, 9, 1)})
        assert all((each.kind, each.severity) == (Kind.BACKGROUND_INSERT, WARNING) for each in found)
        return [each.host for each in found]

    assert hosts(45.0) == [A]  # a host that can be told to send on what it holds is told so
    assert hosts(600.0) == []


@pytest.mark.parametrize(
    ("from_type", "to_type", "kinds"),
    [
        ("UInt8", "UInt64", []),
        ("LowCardinality(String)", "String", []),
        ("Int32", "UInt32", [Kind.RANGE]),
        ("UInt32", "Int64", []),
        ("Nullable(UInt64)", "UInt8", [Kind.NULL, Kind.RANGE]),
        ("String", "Enum8('a' = 1)", [Kind.VALUE]),
        ("Enum8('a' = 1)", "Enum8('a' = 2, 'b' = 1)", []),
        ("Enum8('a' = 1, 'c' = 2)", "Enum8('a' = 1)", [Kind.VALUE]),
        ("Int8", "Enum8('a' = 1)", [Kind.VALUE]),
        ("DateTime64(9)", "DateTime64(3)", [Kind.PRECISION]),
        ("DateTime64(3)", "DateTime64(9)", []),
        ("DateTime64(3, 'UTC')", "DateTime64(3)", []),
        ("DateTime", "Date", [Kind.PRECISION]),
        ("Date", "DateTime", []),
        ("Float64", "Float32", [Kind.PRECISION]),
        ("Float32", "Float64", []),
        ("UInt64", "Float64", [Kind.PRECISION]),
        ("UInt32", "Float64", []),
        ("Float64", "UInt8", [Kind.RANGE]),
        ("Decimal(18, 4)", "Decimal(18, 2)", [Kind.PRECISION]),
        ("String", "UInt16", [Kind.VALUE]),
        ("String", "FixedString(4)", [Kind.RANGE]),
        ("Array(Nullable(String))", "Array(String)", [Kind.NULL]),
        ("Map(String, String)", "Map(LowCardinality(String), String)", []),
    ],
)
def test_what_a_type_cannot_hold(from_type: str, to_type: str, kinds: list[Kind]) -> None:
    assert [each.kind for each in losses("`c`", from_type, to_type)] == kinds


def test_a_reader_cannot_be_told_to_change_anything() -> None:
    def never() -> Driver:
        raise AssertionError("nobody is asked")

    reader = Reader(Host(A, 1, never))
    with pytest.raises(AssertionError, match="preflight changes nothing, and drop_table would"):
        reader.run("drop_table", {"table": ("a", "b")})
