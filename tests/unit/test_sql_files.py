"""The SQL files, their headers, and what is made of their texts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chtui import sql
from chtui.fleet.driver import parse_version
from chtui.monitor.probes import PROBES
from chtui.sql import Column, load, names, parse

SOURCE = """\
-- Counts things.
-- In two lines.
-- params:
--   limit  UInt64  rows at most
-- columns:
--   name   String
--   size   Nullable(UInt64)  B
--   age    Int64             s
-- needs: system.things, system.others
-- cost: cheap,
--   in memory
-- engines: 18.16+
SELECT
    name,
    toNullable(things.size) AS size, -- optional: system.things.size
    now() - things.born AS age -- optional: system.things.born
FROM system.things AS things
LIMIT {limit:UInt64};
"""
MONITOR, ACT, MIGRATE = names("monitor"), names("act"), names("migrate")
UNITS = {"", "s", "B", "1/s"}
CHTUI = Path(sql.__file__).resolve().parents[1] / "chtui"


def test_a_header_is_read() -> None:
    found = parse("monitor/things", SOURCE)
    assert found.name == "monitor/things"
    assert found.purpose == "Counts things. In two lines."
    assert found.params == (Column("limit", "UInt64", "rows at most"),)
    assert found.columns == (
        Column("name", "String"),
        Column("size", "Nullable(UInt64)", "B"),
        Column("age", "Int64", "s"),
    )
    assert found.needs == {"system.things", "system.others"}
    assert found.cost == "cheap, in memory"
    assert found.engines == "18.16+"
    assert found.text.startswith("SELECT\n")
    assert found.text.endswith("LIMIT {limit:UInt64}")


def test_a_header_line_without_a_type_is_an_error() -> None:
    with pytest.raises(ValueError, match="x: header line has no type: --   name String"):
        parse("x", "-- Text.\n-- columns:\n--   name String\nSELECT 1")


def test_a_file_of_a_header_alone_has_no_text() -> None:
    assert parse("x", "-- Text.\n-- cost: none").text == ""


def test_there_is_no_statement_without_a_file() -> None:
    with pytest.raises(FileNotFoundError):
        load("monitor/no_such_file")


def test_a_whole_server_gets_the_text_without_the_marks() -> None:
    text, missing = parse("x", SOURCE).adapted(())
    assert missing == {}
    assert "optional" not in text
    assert "    toNullable(things.size) AS size,\n    now() - things.born AS age\nFROM" in text


def test_a_column_the_server_lacks_becomes_a_typed_null_with_its_reason() -> None:
    statement = parse("x", SOURCE)
    assert statement.optional_needs() == {"system.things.size", "system.things.born"}
    text, missing = statement.adapted({"system.things.size", "system.things.born", "system.else.where"})
    assert (
        "    CAST(NULL, 'Nullable(UInt64)') AS size,\n    CAST(NULL, 'Nullable(Int64)') AS age\nFROM" in text
    )
    assert missing == {
        "size": "this server has no system.things.size",
        "age": "this server has no system.things.born",
    }


def test_one_column_is_replaced_and_the_other_stays() -> None:
    text, missing = parse("x", SOURCE).adapted({"system.things.born"})
    assert "toNullable(things.size) AS size," in text
    assert list(missing) == ["age"]


def test_parameters_are_bound_by_literals_as_they_are() -> None:
    statement = parse("x", "-- T.\nSELECT {a:String}, {b:Array(String)}, {a:String}")
    text = statement.bound(statement.text, {"a": "'\\\\1 {b:UInt8}'", "b": "['x']"})
    assert text == "SELECT '\\\\1 {b:UInt8}', ['x'], '\\\\1 {b:UInt8}'"
    with pytest.raises(KeyError):
        statement.bound(statement.text, {"a": "1"})


def test_a_probe_is_asked_through_another_host() -> None:
    inner = load("monitor/suspect_replicas")
    outer = sql.through(inner)
    assert outer.name == "monitor/suspect_replicas through"
    assert [param.name for param in outer.params] == ["cluster", *(param.name for param in inner.params)]
    assert [column.name for column in outer.columns[:4]] == [
        "through_shard_num",
        "through_display_name",
        "through_tcp_port",
        "database",
    ]
    assert outer.needs == {"system.replicas"}
    assert "{probe}" not in outer.text
    assert inner.text in outer.text
    assert outer.optional_needs() == inner.optional_needs()
    text, missing = outer.adapted(inner.optional_needs())
    assert set(missing) == {"last_queue_update_exception", "readonly_seconds"}
    assert "CAST(NULL, 'Nullable(Int64)') AS readonly_seconds\n" in text


def test_all_probes_can_be_asked_through_another_host() -> None:
    for probe in PROBES.values():
        text, _ = sql.through(probe.statement).adapted(())
        assert text.count("(") == text.count(")"), probe.name
        assert "--" not in text, probe.name


def test_the_folder_is_listed() -> None:
    assert "monitor/host_state" in MONITOR
    assert sorted(MONITOR) == MONITOR


@pytest.mark.parametrize("name", MONITOR + ACT + MIGRATE)
def test_a_file_says_what_it_gives_what_it_costs_and_where_it_runs(name: str) -> None:
    statement = load(name)
    assert statement.purpose.endswith(".")
    assert statement.text
    assert ";" not in statement.text
    assert re.match(r"(cheap|moderate|costly), \w|as the probe", statement.cost), statement.cost
    assert re.match(r"\d+\.\d+\+( \(|$)", statement.engines), statement.engines
    assert parse_version(statement.engines.partition("+")[0]) >= (18, 16)
    assert all(re.fullmatch(r"system\.\w+(\.\w+)?", table) for table in statement.needs)


@pytest.mark.parametrize("name", MONITOR + ACT + MIGRATE)
def test_the_parameters_in_a_text_are_those_of_its_header(name: str) -> None:
    statement = load(name)
    used = {match["name"]: match["type"] for match in sql.PLACEHOLDER.finditer(statement.text)}
    assert used == {param.name: param.type for param in statement.params}


@pytest.mark.parametrize("name", MONITOR + ACT)
def test_columns_have_types_and_known_units(name: str) -> None:
    statement = load(name)
    assert statement.columns or statement.text.startswith("KILL ")
    assert len({column.name for column in statement.columns}) == len(statement.columns)
    for column in statement.columns:
        assert re.fullmatch(r"(Nullable|Array)?\(?(String|U?Int\d+|Float64|DateTime)\)?", column.type), column
        assert column.unit in UNITS, column
        assert (column.unit == "s") == column.name.endswith("_seconds"), column
        assert (column.unit == "B") == bool(re.search(r"(^|_)bytes(_|$)", column.name)), column


@pytest.mark.parametrize("name", MONITOR + ACT + MIGRATE)
def test_optional_columns_are_nullable_and_of_a_table_that_is_needed(name: str) -> None:
    statement = load(name)
    types = {column.name: column.type for column in statement.columns}
    marked = [line for line in statement.text.splitlines() if "optional" in line]
    found = [sql.OPTIONAL.match(line) for line in marked]
    for match in found:
        assert match is not None
        assert types[match["name"]].startswith("Nullable(")
        assert match["needs"].rpartition(".")[0] in statement.needs
    assert len(found) == len(statement.optional_needs())
    nullable = {column.name for column in statement.columns if column.type.startswith("Nullable(")}
    assert nullable >= {match["name"] for match in found if match}


def test_every_file_is_used() -> None:
    sources = [path.read_text(encoding="utf-8") for path in CHTUI.rglob("*.py")]
    sources.append(Path(sql.__file__).read_text(encoding="utf-8"))
    loaded = {name for source in sources for name in re.findall(r"load\(\"(monitor/\w+)\"\)", source)}
    asked = {statement.name for probe in PROBES.values() for statement in probe.statements}
    asked |= {f"monitor/{probe.text_from}" for probe in PROBES.values() if probe.text_from}
    assert loaded | asked == set(MONITOR)
    assert {name for source in sources for name in re.findall(r"\"(act/\w+)\"", source)} == set(ACT)


@pytest.mark.parametrize("name", list(PROBES))
def test_a_probes_file_fills_its_record(name: str) -> None:
    probe = PROBES[name]
    assert probe.name == name
    assert probe.statement.name == f"monitor/{probe.file or name}"
    columns = [column.name for column in probe.statement.columns]
    if probe.shape is None:
        assert columns == list(probe.record.__annotations__)
    else:
        assert columns in (["name", "value"], ["kind", "name", "value"])
