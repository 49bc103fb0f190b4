"""Facts as JSON, CSV and text: a contract, so keys stand here literally."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from datetime import datetime
from math import nan
from typing import Any

import pytest

from chtui.health.findings import Assessment, Finding, Severity, Unchecked
from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.records import HostId, HostState, Sample
from chtui.text import UNSAFE
from chtui.views import export, replicas
from chtui.views.pages import unavailable
from chtui.views.panes import page
from chtui.views.table import Column, Row, Table, cell
from tests.unit.hand import HOSTILE, NOW, A, B, ago, good, snapshot, status

FACT_KEYS = [
    "shard_num", "replica_num", "host_name", "port", "address", "state", "state_seconds", "error", "round_trip_seconds",
    "age_seconds", "version", "uptime_seconds", "replicated_tables", "readonly_tables", "readonly_reason",
    "session_expired_tables", "never_synced_tables", "max_delay_seconds", "queue_entries", "max_queue_entries", "oldest_queue_entry_seconds",
    "active_parts", "max_parts_in_partition", "active_replicas", "total_replicas", "fullest_disk", "disk_used_ratio",
    "disk_free_bytes", "sees_all_tables",
]  # fmt: skip
FINDING_KEYS = ["severity", "rule", "host", "object", "summary", "evidence", "since_seconds", "advice"]
UP = status(A, answered_at=ago(2.5))
DOWN = status(B, HostState.DOWN, error="ch2: no route", answered_at=None, version="", round_trip_seconds=None)


@dataclass(frozen=True)
class Fact:
    """One row."""

    name: str
    at: datetime | None = None
    value_ratio: float | None = None
    is_well: bool = True


def document(given: Snapshot, *rows: Any, **reasons: str) -> dict[str, Any]:
    found = json.loads(export.envelope(given, "replicas", rows, reasons))
    assert isinstance(found, dict)
    return found


def test_the_envelope() -> None:
    found = document(snapshot(UP, DOWN), Fact("x", NOW, 0.5), disks="why")
    assert found == {
        "schema": "chtui/1 replicas",
        "generated_at": "2026-03-04T05:06:07.089Z",
        "profile": "test",
        "cluster": "c",
        "hosts": [
            {"id": "ch1.example:9000", "state": "up", "age_seconds": 2.5, "error": None},
            {"id": "ch2.example:9000", "state": "down", "age_seconds": None, "error": "ch2: no route"},
        ],
        "rows": [{"name": "x", "at": "2026-03-04T05:06:07.089Z", "value_ratio": 0.5, "is_well": True}],
        "unavailable": {"disks": "why"},
    }
    assert list(found) == ["schema", "generated_at", "profile", "cluster", "hosts", "rows", "unavailable"]


def test_the_keys_of_the_replicas_pane() -> None:
    found = document(snapshot(UP), *replicas.facts(snapshot(UP)))
    assert [list(row) for row in found["rows"]] == [FACT_KEYS]


def test_there_is_no_nan_in_json() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        export.envelope(snapshot(UP), "replicas", [Fact("x", value_ratio=nan)], {})


def test_what_has_no_json_form_is_an_error() -> None:
    with pytest.raises(TypeError, match="EnumType has no JSON form"):
        export.envelope(snapshot(UP), "replicas", [Fact(HostState)], {})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", HOSTILE)
def test_json_gives_names_as_they_are_and_no_terminal_obeys_it(name: str) -> None:
    written = export.envelope(snapshot(UP), "replicas", [Fact(name)], {})
    assert json.loads(written)["rows"][0]["name"] == name
    # DEL is the one that JSON lets through and terminals do nothing for.
    assert UNSAFE.search(written.replace("\n", "").replace("\x7f", "")) is None


FIELDS = {"disks": ("disk_free_bytes", "fullest_disk"), "parts_summary": ("active_parts",)}


def reasons(disks_a: Sample | None, disks_b: Sample | None) -> dict[str, str]:
    given = {
        (A, "disks"): disks_a,
        (B, "disks"): disks_b,
        (A, "parts_summary"): good(1),
        (B, "parts_summary"): good(1),
    }
    kept = {key: sample for key, sample in given.items() if sample is not None}
    part = page("replicas").parts[0]._replace(wants=lambda _: tuple(map(Want, FIELDS)), fields=FIELDS)
    return unavailable(part, snapshot(UP, DOWN, samples=kept), ())


def test_reasons_for_what_is_not_there() -> None:
    assert reasons(good(1), good(1)) == {}
    old = Sample(unavailable="too old")
    assert reasons(old, old) == {"disk_free_bytes": "too old", "fullest_disk": "too old"}
    assert reasons(good(1), old) == dict.fromkeys(FIELDS["disks"], "ch2.example:9000: too old")
    assert reasons(Sample(error="hung"), None) == dict.fromkeys(
        FIELDS["disks"], "ch1.example:9000: hung; ch2.example:9000: ch2: no route"
    )
    assert reasons(None, good(1)) == dict.fromkeys(FIELDS["disks"], "ch1.example:9000: no answer yet")


def test_old_rows_are_values_even_while_the_host_is_down() -> None:
    assert reasons(good(1), Sample((1,), ago(60), error="hung", failed_at=NOW)) == {}


def rows_of(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def test_csv() -> None:
    written = export.to_csv(Fact, [Fact('a "b", c', NOW, 0.25), Fact("d", is_well=False)])
    assert written.splitlines()[0] == "name,at,value_ratio,is_well"
    assert rows_of(written)[1:] == [
        ['a "b", c', "2026-03-04T05:06:07.089Z", "0.25", "1"],
        ["d", "", "", "0"],
    ]
    assert rows_of(export.to_csv(replicas.ReplicaFact, ()))[0] == FACT_KEYS


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0"])
def test_a_spreadsheet_runs_no_name(name: str) -> None:
    assert rows_of(export.to_csv(Fact, [Fact(name)]))[1][0] == f"'{name}"


def test_a_negative_number_is_a_number_in_csv() -> None:
    assert rows_of(export.to_csv(Fact, [Fact("x", value_ratio=-0.5)]))[1][2] == "-0.5"


@pytest.mark.parametrize("name", HOSTILE)
def test_csv_is_a_line_a_row_and_safe_to_print(name: str) -> None:
    written = export.to_csv(Fact, [Fact(name)])
    assert written.count("\n") == 2
    assert UNSAFE.search(written.replace("\n", "")) is None


COLUMNS = (Column("name", "NAME", max_width=8), Column("count", "COUNT", True))


def test_text_is_aligned() -> None:
    table = Table(
        COLUMNS, (Row("1", (cell("日本"), cell("7"))), Row("2", (cell("longer than that"), cell("12345"))))
    )
    assert export.to_text(table).splitlines() == [
        "NAME       COUNT",
        "日本           7",
        "longer ~   12345",
    ]


def test_text_without_rows_says_so() -> None:
    assert export.to_text(Table(COLUMNS, (), "asking ...")) == "asking ..."


FINDING = Finding(
    Severity.CRITICAL, "disk_full", A, "default", "disk is full", "/var/\x1b[2J", 61.9, "make room"
)
ASSESSMENT = Assessment(
    (FINDING,),
    (Unchecked(B, "disks", "hung"), Unchecked(None, "all", "why\nso")),
    (Unchecked(A, "x", "old"),),
)


def test_check_in_text() -> None:
    assert export.assessment_text(snapshot(UP), ASSESSMENT).splitlines() == [
        "CRITICAL ch1.example:9000: default: disk is full for 1m 1s (/var/?[2J); make room",
        "UNCHECKED ch2.example:9000: disks: hung",
        "UNCHECKED all: why so",
        "NOT AVAILABLE ch1.example:9000: x: old",
    ]


def test_check_in_text_when_all_is_well() -> None:
    well = "OK: cluster c, 1 of 1 hosts up, nothing found"
    assert export.assessment_text(snapshot(UP), Assessment((), ())) == well
    old = Assessment((), (), (Unchecked(A, "disks", "too old"),))
    assert export.assessment_text(snapshot(UP), old).splitlines() == [
        "NOT AVAILABLE ch1.example:9000: disks: too old",
        well,
    ]


@pytest.mark.parametrize("name", HOSTILE)
def test_check_in_text_is_safe_to_print(name: str) -> None:
    host = HostId(name, 9000)
    finding = Finding(Severity.WARNING, "r", host, name, name, name, 1.0, "advice")
    written = export.assessment_text(
        snapshot(status(host), cluster=name), Assessment((finding,), (Unchecked(host, "what", name),))
    )
    assert len(written.splitlines()) == 2
    assert UNSAFE.search(written.replace("\n", "")) is None


def test_check_in_json() -> None:
    found = json.loads(export.assessment_json(snapshot(UP), ASSESSMENT))
    envelope = ["schema", "generated_at", "profile", "cluster", "hosts", "rows", "unavailable"]
    assert list(found) == [*envelope, "unchecked", "too_old", "exit_code"]
    assert found["schema"] == "chtui/1 check"
    assert [list(row) for row in found["rows"]] == [FINDING_KEYS]
    assert found["rows"][0]["severity"] == "critical"
    assert (found["rows"][0]["host"], found["rows"][0]["since_seconds"]) == ("ch1.example:9000", 61.9)
    assert found["unchecked"] == [
        {"host": "ch2.example:9000", "what": "disks", "reason": "hung"},
        {"host": None, "what": "all", "reason": "why\nso"},
    ]
    assert found["too_old"] == [{"host": "ch1.example:9000", "what": "x", "reason": "old"}]
    assert found["exit_code"] == 2
