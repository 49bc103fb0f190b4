"""`chtui migrate rehearse`: v1 as it is, on a cluster of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.commands import Command, command
from tests.support import ModernRig

REHEARSE = ("migrate", "rehearse")
V1 = "rehearsed_v1"
TABLES = ("traces", "logs", "metrics")
ROWS, PARTITIONS, DAYS = 300, 3, 5


@pytest.fixture
def chtui(modern: ModernRig) -> Iterator[Command]:
    """The command with a profile of the rig's administrator, beside a v1 of some days."""
    with command() as made:
        made.profile(modern, "admin")
        modern.query(0, f"CREATE DATABASE {V1}")
        try:
            for table in TABLES:
                modern.query(0, f"CREATE TABLE {V1}.{table} AS otel.{table}")
                newest = f"(SELECT max(Timestamp) FROM otel.{table})"
                modern.query(
                    0,
                    f"INSERT INTO {V1}.{table} SELECT * FROM otel.{table} WHERE Timestamp > {newest} - INTERVAL {DAYS} DAY",
                )
            yield made
        finally:
            modern.query(0, f"DROP DATABASE {V1}")


@pytest.fixture
def spec(chtui: Command, tmp_path: Path) -> Path:
    """The shipped spec for that v1."""
    path = tmp_path / "spec.toml"
    made = chtui("migrate", "init", str(path), "--template", "otel_v2", "--source-database", V1)
    assert made.code == 0, made.err
    return path


def temporary(chtui: Command) -> dict[str, str]:
    """An environment in which temporary files are in a folder of the test's own, which is made."""
    folder = chtui.home / "t"
    folder.mkdir(exist_ok=True)
    return {"TMPDIR": str(folder)}


def states(modern: ModernRig) -> list[str]:
    """All objects of every server of the rig."""
    text = "SELECT database, name, uuid, total_rows FROM system.tables WHERE database IN ('rehearsed_v1', 'otel_v2') ORDER BY 1, 2"
    return [modern.query(index, text) for index in range(len(modern.ports))]


def test_a_rehearsal_moves_v1s_own_rows_and_touches_nothing(
    chtui: Command, modern: ModernRig, spec: Path
) -> None:
    before = states(modern)
    size = ("--rows", str(ROWS), "--partitions", str(PARTITIONS))
    done = chtui(*REHEARSE, str(spec), *size, "--json", env=temporary(chtui), seconds=200)
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["schema"] == "chtui/1 migrate rehearsal"
    assert (found["is_exact"], found["verdict"]) == (True, "exact")
    assert found["left_out"][0].startswith("Replicated engines")
    assert {each["table"] for each in found["samples"]} == set(TABLES)
    for sample in found["samples"]:
        there = f"FROM {V1}.{sample['table']}"
        rows, partitions = modern.query(0, f"SELECT count(), uniqExact(_partition_id) {there}").split()
        assert (sample["source_rows"], sample["source_partitions"]) == (int(rows), int(partitions))
        assert sample["partitions"] == min(PARTITIONS, int(partitions))
        assert sample["partitions"] <= sample["rows"] <= ROWS
    assert max(each["source_partitions"] for each in found["samples"]) > PARTITIONS
    assert found["status"]["rows_done"] == sum(each["rows"] for each in found["samples"])
    assert {each["state"] for each in found["report"]["aggregates"]} == {"equal"}
    assert states(modern) == before
    assert list((chtui.home / "t").iterdir()) == []


def test_what_v2_cannot_hold_is_found_before_it_has_a_server(chtui: Command, spec: Path) -> None:
    text = spec.read_text()
    assert 'Duration = "UInt64' in text
    assert 'cluster = "appsentry_cluster"' in text
    text = text.replace('cluster = "appsentry_cluster"', 'cluster = "not_yet"')
    spec.write_text(text.replace('Duration = "UInt64', 'Duration = "UInt8'))
    done = chtui(*REHEARSE, str(spec), "--rows", "200", env=temporary(chtui), seconds=200)
    assert done.code == 1, done.err
    assert "blocker" in done.out
    assert "Duration" in done.out
    assert done.out.splitlines()[-1] == "verdict: stopped by preflight"


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("no/such.toml",), "no/such.toml"),
        (("otel_v2", "--rows", "0"), "argument --rows: invalid number value: '0'"),
        (("otel_v2", "--partitions", "-1"), "argument --partitions: invalid number value: '-1'"),
        (("otel_v2", "--rows", "many"), "argument --rows: invalid number value: 'many'"),
    ],
)
def test_bad_input_has_its_line(chtui: Command, arguments: tuple[str, ...], what: str) -> None:
    done = chtui(*REHEARSE, *arguments)
    assert done.code == 2
    assert what in done.refusal()
