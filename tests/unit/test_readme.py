"""What README and CONTRIBUTING say, held against the program."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from chtui import sql
from chtui.app import ChtuiApp
from chtui.cli.parser import build_parser
from chtui.commands import REGISTRY, completions
from chtui.health import rules
from chtui.health.findings import Assessment, Finding, Severity
from chtui.monitor.snapshot import Snapshot
from chtui.profile.check import check_file
from chtui.profile.environment import VARIABLES
from chtui.profile.model import Intervals, Thresholds, Ui
from chtui.profile.toml_file import PROFILE_KEYS
from chtui.records import HostState
from chtui.views import export, replicas

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMAND = re.compile(r"(?<![\w/.'])chtui(?P<arguments>(?: +[^\s#|)`\"']+)*)")
EMPTY = Snapshot("prod", "main", datetime(2026, 1, 1, tzinfo=UTC))


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def table(head: str) -> list[list[str]]:
    """The rows of the table whose first title is `head`."""
    found = re.search(rf"^\| {head} \|.*\n\|[-|]+\n((?:\|.*\n)+)", README, re.MULTILINE)
    assert found is not None, head
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in found[1].splitlines()]


def code(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def only(found: list[str]) -> str:
    (one,) = found
    return one


CONFIG = only(blocks("toml"))
EXAMPLE = only(blocks("json"))
SHELL_LINES = [line for block in blocks("sh") for line in block.splitlines()]
INLINE = [span for span in code(re.sub(r"```.*?```", "", README, flags=re.DOTALL)) if "chtui " in span]
CALLS = [
    match["arguments"].strip()
    for line in [*SHELL_LINES, *INLINE]
    if not line.startswith("pip ")
    for match in COMMAND.finditer(line.partition(" #")[0])
]


def test_the_configuration_has_no_problem(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG)
    assert [problem.line for problem in check_file(path, {}, tmp_path)] == []


def test_the_configuration_shows_every_setting_with_its_default() -> None:
    written = tomllib.loads(CONFIG)
    for name, defaults in (("intervals", Intervals()), ("thresholds", Thresholds()), ("ui", Ui())):
        keys = set(get_type_hints(type(defaults)))
        expected = {key: getattr(defaults, key) for key in keys if getattr(defaults, key) is not None}
        assert {key: written[name][key] for key in expected} == expected
        assert set(written[name]) == keys
    assert written["ui"]["theme"] == ChtuiApp(lambda: pytest.fail("no session is made")).theme


def test_every_key_of_a_profile_is_explained() -> None:
    assert [key for key in PROFILE_KEYS if not re.search(rf"\b{key}\b", README)] == []
    assert {f"CLICKHOUSE_{name}" for name in re.findall(r"`CLICKHOUSE_(\w+)`", README)} == set(VARIABLES)


def test_every_key_of_the_console_is_in_the_table_and_no_other() -> None:
    written = [key for row in table("key") for key in code(row[0])]
    assert sorted(written) == sorted(command.shown for command in REGISTRY.values() if command.keys)


def test_every_typed_command_is_named_and_no_other() -> None:
    sentence = re.search(r"^After `:` there are (.*?);", README, re.MULTILINE | re.DOTALL)
    assert sentence is not None
    assert sorted(word.split()[0] for word in code(sentence[1])) == completions()
    takes = {name: command.takes for command in REGISTRY.values() for name in command.names}
    assert {word.split()[0]: word.partition(" ")[2] for word in code(sentence[1])} == takes


def test_there_are_calls_to_parse() -> None:
    assert {"", "demo", "-C prod config show", "completion bash"} <= set(CALLS)
    assert len(CALLS) > 20


@pytest.mark.parametrize("call", sorted(set(CALLS)))
def test_every_call_can_be_parsed(call: str) -> None:
    build_parser().parse_args(shlex.split(call))


def test_every_flag_that_is_named_exists() -> None:
    usage = "".join(call.format_help() for call in parsers())
    flags = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", README))
    assert {flag for flag in flags if flag not in usage} == set()


def parsers() -> list[Any]:
    found = [build_parser()]
    for parser in found:
        for action in parser._actions:
            choices = action.choices
            found.extend(choices.values() if isinstance(choices, dict) else ())
    return found


def test_the_json_example_has_the_keys_of_the_program() -> None:
    example = json.loads(EXAMPLE)
    real = json.loads(export.envelope(EMPTY, "replicas", (), {}))
    assert list(example) == list(real)
    assert example["schema"] == real["schema"]
    assert list(example["hosts"][0]) == ["id", "state", "age_seconds", "error"]
    assert [list(row) for row in example["rows"]] == [list(get_type_hints(replicas.ReplicaFact))]


def test_the_keys_of_check_are_those_of_the_program() -> None:
    finding = Finding(Severity.WARNING, "disk_full", None, "", "")
    real = json.loads(export.assessment_json(EMPTY, Assessment((finding,), ())))
    sentence = re.search(r"its rows have (.*?), and beside them stand (.*?)\.", README, re.DOTALL)
    assert sentence is not None
    assert code(sentence[1]) == list(real["rows"][0])
    assert code(sentence[2]) == [key for key in real if key not in json.loads(EXAMPLE)]


def test_every_column_state_and_rule_is_explained() -> None:
    assert [row[0] for row in table("column")] == [column.title for column in replicas.COLUMNS]
    assert [row[0] for row in table("state")] == [str(state) for state in HostState]
    source = Path(rules.__file__).read_text(encoding="utf-8")
    named = {only(code(row[0])) for row in table("rule")}
    assert named == set(re.findall(r'"((?:host|replica|replication|disk|version)_\w+)"', source)) - {
        want.probe for want in rules.WANTS
    } | {"host_state"}


def test_the_files_that_are_linked_exist() -> None:
    links = re.findall(r"\]\(([^)]+)\)", README)
    assert len(links) >= 3
    assert [link for link in links if not (ROOT / link).is_file()] == []


def test_the_example_of_a_statement_is_one() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```sql\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    found = sql.parse("example", example)
    assert [column.name for column in found.columns] == ["name", "bytes_on_disk", "type"]
    assert [column.unit for column in found.columns] == ["", "B", ""]
    assert found.optional_needs() == {"system.things.type"}
    assert found.needs == {"system.things"}
    assert "CAST(NULL, 'Nullable(String)') AS type" in found.adapted(found.optional_needs())[0]
    assert (found.purpose[-1], found.cost[:6], found.engines) == (".", "cheap,", "18.16+")
