"""The files of `sql/migrate`: statements with names and the spec's own text in them, some of which change something.

What they share with the other folders `test_sql_files.py` holds.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chtui import sql
from chtui.fleet.literal import Value
from chtui.migrate.statements import IDENTIFIER, SHAPING, SQL, TABLE, shaped, text
from chtui.sql import PLACEHOLDER, load, names

MIGRATE = names("migrate")
READING = ("SELECT", "WITH", "DESCRIBE TABLE", "CHECK GRANT")
"""What statements begin with that give rows; all others change something and give none."""
UNITS = {"_seconds": "s", "_ms": "ms", "_ns": "ns"}
"""What a name ends in, and its unit."""
PACKAGE = Path(sql.__file__).resolve().parents[1] / "chtui" / "migrate"


@pytest.mark.parametrize("name", MIGRATE)
def test_what_reads_says_its_columns_and_what_changes_something_has_none(name: str) -> None:
    statement = load(name)
    assert bool(statement.columns) is statement.text.startswith(READING)


@pytest.mark.parametrize("name", MIGRATE)
def test_columns_have_types_and_known_units(name: str) -> None:
    columns = load(name).columns
    assert len({column.name for column in columns}) == len(columns)
    for column in columns:
        assert re.fullmatch(r"(Nullable|Array)?\(?(String|U?Int\d+|Float64)\)?", column.type), column
        unit = next((unit for end, unit in UNITS.items() if column.name.endswith(end)), "")
        if re.search(r"(^|_)bytes(_|$)", column.name):
            unit = "B"
        assert column.unit == unit, column


@pytest.mark.parametrize("name", MIGRATE)
def test_parameters_have_types_and_say_their_units(name: str) -> None:
    params = load(name).params
    assert len({param.name for param in params}) == len(params)
    for param in params:
        value = re.fullmatch(r"String|Array\(String\)|UInt\d+|Int\d+|Float64", param.type)
        assert value or param.type in SHAPING, param
        # Of a parameter the last column says its meaning; what it is measured in comes first.
        unit = next((unit for end, unit in UNITS.items() if f"_{param.name}".endswith(end)), "")
        if unit and value:
            assert re.match(rf"{unit}(,|$)", param.unit), param


@pytest.mark.parametrize("name", MIGRATE)
def test_the_system_tables_a_text_reads_are_those_it_needs(name: str) -> None:
    statement = load(name)
    read = set(re.findall(r"\b(?:FROM|JOIN)\s+(system\.\w+)", statement.text))
    tables = {need for need in statement.needs if need.count(".") == 1}
    columns = statement.needs - tables
    assert tables <= read <= tables | {column.rpartition(".")[0] for column in columns}
    for column in columns:
        # Either it is read, or it is the sign of a server that knows the word.
        assert re.search(rf"\b{column.rpartition('.')[2]}\b", statement.text, re.IGNORECASE), column


@pytest.mark.parametrize("name", MIGRATE)
def test_a_line_that_may_be_left_out_has_no_other_parameter_that_is_needed(name: str) -> None:
    """A line goes when its name or text is empty: two of them on one line would take each other along."""
    statement = load(name)
    empty = {param.name for param in statement.params if re.search(r"\bempty\b", param.unit)}
    for line in statement.text.splitlines():
        found = [match["name"] for match in PLACEHOLDER.finditer(line)]
        assert len(found) == 1 or not empty & set(found), line


EXPRESSION = "an {x:UInt8} expression"
VALUES: dict[str, Value] = {
    IDENTIFIER: 'na"me`',
    TABLE: ("data`base", "ta'ble"),
    SQL: EXPRESSION,
    "String": "it's",
    "Array(String)": ["it's", "\\"],
}


@pytest.mark.parametrize("name", MIGRATE)
def test_a_file_is_filled_in_whole(name: str) -> None:
    """The names and texts of a statement are written into it, its values are left to the server or written too."""
    statement = load(name)
    params: dict[str, Value] = {param.name: VALUES.get(param.type, 7) for param in statement.params}
    half, values = shaped(name, params)
    own = {param.name for param in statement.params if param.type not in SHAPING}
    assert set(values) == own
    left = half.text.replace(EXPRESSION, "")
    assert {match["name"] for match in PLACEHOLDER.finditer(left)} == own
    whole = text(name, params)
    assert PLACEHOLDER.findall(whole.replace(EXPRESSION, "")) == []
    types = [param.type for param in statement.params]
    written = {IDENTIFIER: '`na"me\\``', TABLE: "`data\\`base`.`ta\\'ble`", SQL: EXPRESSION}
    for kind, expected in written.items():
        assert (expected in whole) is (kind in types)
    assert len(half.text.splitlines()) == len(statement.text.splitlines())


def test_every_file_is_used() -> None:
    sources = [path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")]
    asked = {f"migrate/{name}" for source in sources for name in re.findall(r"\"(\w+)\"", source)}
    assert set(MIGRATE) - asked == set()
