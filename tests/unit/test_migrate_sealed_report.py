"""What a run leaves of its seal, and what it proves: pure, but for the file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

import chtui
from chtui.errors import MigrateError
from chtui.migrate import facts, sealed_report, spec_file
from chtui.migrate.facts import Facts
from chtui.migrate.hands import Hands
from chtui.migrate.hosts import Hosts
from chtui.migrate.journal_lines import Event
from chtui.migrate.layout import Ground, Layout
from chtui.migrate.progress import Progress
from chtui.migrate.spec import Flavour
from chtui.migrate.stand import Stand
from chtui.migrate.verification import AggregateCheck, Told, Verdict, Verification
from tests.unit.verifications import SHARDS, SOURCE, WHOLE, A, B, D, at, told, verified

AT = datetime(2026, 3, 1, tzinfo=UTC)
LACKING = "t 202601 shard 1 b:9000"
EQUAL = verified(SOURCE, WHOLE)
WRONG = verified(SOURCE, {**WHOLE, B: told((at(1), 9))})
UNKNOWN = verified(SOURCE, {**WHOLE, D: told(failed={"": "d is down"})})
WRONG_AGGREGATE = verified(SOURCE, WHOLE, AggregateCheck("agg", "202601", A, 3, 0, 0, 1))


class Fixed:
    """A clock that stands."""

    def now(self) -> datetime:
        return AT

    def monotonic(self) -> float:
        return 0.0


class Book:
    """A journal in memory, and a lease that is held."""

    generation = 7

    def __init__(self, known: Facts) -> None:
        self.known = known
        self.lines: list[tuple[str, Mapping[str, Any]]] = []

    def append(self, kind: str, told: Mapping[str, Any]) -> int:
        self.lines.append((kind, told))
        found = facts.of([Event(1, AT, kind, MappingProxyType(dict(told)))])
        self.known = replace(self.known, report=found.report)
        return len(self.lines)

    def check(self) -> None:
        """Everything is allowed."""


def sealed(folder: Path, **known: Any) -> tuple[Stand, Book]:
    spec = replace(spec_file.shipped("otel_v2"), benchmarks=())
    at_seconds = {table.name: 1_769_900_000.5 for table in spec.tables}
    book = Book(Facts(sealed=at_seconds, **known))
    ground = Ground(spec, Hosts(None, ()), Layout((), SHARDS, Flavour.PLAIN), {})  # type: ignore[arg-type]
    hands = Hands("otel", book, book)
    return Stand(ground, hands, Progress("otel"), lambda: book.known, folder, "p" * 64), book


@pytest.mark.parametrize(
    ("found", "accepted", "verdict"),
    [
        (EQUAL, (), Verdict.EQUAL),
        (EQUAL, (LACKING,), Verdict.EQUAL),
        (WRONG, (), Verdict.DIFFERS),
        (WRONG, (LACKING,), Verdict.ACCEPTED),
        (WRONG, ("t 202601 shard 1 a:9000", "query 3f2a9c"), Verdict.DIFFERS),
        (WRONG_AGGREGATE, (LACKING, "agg"), Verdict.DIFFERS),
        (UNKNOWN, (), Verdict.UNKNOWN),
        (verified(Told({**SOURCE.digests, at(0): EQUAL.compared[0].wanted}, {}), WHOLE), (), Verdict.DIFFERS),  # type: ignore[dict-item]
    ],
)
def test_what_a_verification_proves(found: Verification, accepted: tuple[str, ...], verdict: Verdict) -> None:
    assert sealed_report.judge(found, accepted) is verdict
    assert verdict.is_proof is (verdict in (Verdict.EQUAL, Verdict.ACCEPTED))


def test_up_to_when_all_can_be_equal() -> None:
    assert sealed_report.comparable_until(Facts(), 600, 5000) is None
    assert sealed_report.comparable_until(Facts(dual_write=True), 600, 5000) == 4400
    ended = Facts(dual_write=False, lacking_since=3000)
    assert sealed_report.comparable_until(ended, 600, 5000) == 2400, "v1 gets no more rows since"
    begun_again = Facts(dual_write=True, lacking_since=3000)
    assert sealed_report.comparable_until(begun_again, 600, 5000) == 2400, "nor has it got those back"


def test_a_report_says_who_sealed_what_and_when_and_is_whole(tmp_path: Path) -> None:
    stand, book = sealed(
        tmp_path / "run",
        watermarks={"traces": 1_769_800_000 * 10**9},
        exact_until={"traces": 1_769_890_000.0},
        dual_write=True,
        accepted=frozenset({"query 3f2a9c"}),
    )
    assert not sealed_report.is_whole(stand)
    seen = replace(EQUAL, until_seconds=1_769_860_800)
    sealed_report.ensure(stand, seen, clock=Fixed())
    path = tmp_path / "run" / "report.json"
    found = sealed_report.read(path)
    assert list(found)[:2] == ["schema", "version"]
    assert list(found)[-1] == "sha256"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]
    assert (found["verdict"], found["is_proof"]) == ("equal", True)
    assert found["exact"] == "exact up to 2026-01-31T12:00:00.000Z"
    assert (found["plan_hash"], found["spec"], found["run"]) == ("p" * 64, "otel_v2", "otel")
    assert (found["chtui_version"], found["generated_at"]) == (chtui.__version__, "2026-03-01T00:00:00.000Z")
    assert found["sealed_by"]["generation"] == 7
    assert " pid " in found["sealed_by"]["holder"]
    by_table = {each["table"]: each for each in found["tables"]}
    assert by_table["traces"] == {
        "table": "traces",
        "sealed_at": "2026-01-31T22:53:20.500Z",
        "seal_exact_until": "2026-01-31T20:06:40.000Z",
        "watermark": "2026-01-30T19:06:40.000Z",
        "watermark_ns": "1769800000000000000",
    }
    assert by_table["logs"]["seal_exact_until"] is None
    assert found["accepted"] == ["query 3f2a9c"]
    assert found["deviations"]
    assert {each["host"] for each in found["hours"]} == {"a:9000", "b:9000", "c:9000", "d:9000"}
    assert found["hours"][0]["v1"] == found["hours"][0]["v2"]
    (line,) = book.lines
    assert line[0] == facts.REPORT
    assert line[1]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert line[1]["path"] == str(path)
    assert sealed_report.is_whole(stand)
    sealed_report.ensure(stand, clock=Fixed())
    assert len(book.lines) == 1, "there is one"
    assert sealed_report.demand(book.known) == ""


def test_a_report_that_is_gone_or_changed_is_made_anew(tmp_path: Path) -> None:
    stand, book = sealed(tmp_path)
    sealed_report.ensure(stand, EQUAL, clock=Fixed())
    path = tmp_path / "report.json"
    assert sealed_report.read(path)["exact"] == "exact"
    path.write_text(path.read_text().replace("otel_v2", "other"))
    assert "was changed since" in sealed_report.demand(book.known)
    with pytest.raises(MigrateError, match="was changed since"):
        sealed_report.read(path)
    sealed_report.ensure(stand, EQUAL, clock=Fixed())
    assert sealed_report.demand(book.known) == ""
    path.unlink()
    assert "cannot be read" in sealed_report.demand(book.known)
    sealed_report.ensure(stand, EQUAL, clock=Fixed())
    assert (sealed_report.demand(book.known), len(book.lines)) == ("", 3)


def test_what_differs_is_said_and_proves_nothing(tmp_path: Path) -> None:
    stand, book = sealed(tmp_path)
    sealed_report.ensure(stand, WRONG, clock=Fixed())
    found = sealed_report.read(tmp_path / "report.json")
    assert (found["verdict"], found["is_proof"], found["exact"]) == ("differs", False, "not exact: differs")
    assert found["not_exact"] == [LACKING]
    assert sealed_report.demand(book.known) == "the sealed report says differs"
    assert not sealed_report.is_whole(stand), "it is tried again"
    sealed_report.ensure(stand, EQUAL, clock=Fixed())
    assert book.known.is_proven


def test_what_was_accepted_is_named(tmp_path: Path) -> None:
    stand, book = sealed(tmp_path, accepted=frozenset({LACKING}))
    sealed_report.ensure(stand, WRONG, clock=Fixed())
    found = sealed_report.read(tmp_path / "report.json")
    assert (found["exact"], found["is_proof"]) == ("exact, but for what was accepted", True)
    assert (found["accepted"], found["not_exact"]) == ([LACKING], [LACKING])
    assert book.known.is_proven


def test_what_is_unknown_is_no_report(tmp_path: Path) -> None:
    stand, book = sealed(tmp_path)
    with pytest.raises(MigrateError, match="d is down") as refused:
        sealed_report.ensure(stand, UNKNOWN, clock=Fixed())
    assert refused.value.exit_code == 3
    assert (book.lines, list(tmp_path.iterdir())) == ([], [])
    assert sealed_report.demand(book.known) == "no sealed report proves that v2 has all rows"


def test_where_none_can_be_made_none_is(tmp_path: Path) -> None:
    for known in ({"aging": frozenset({"logs"})}, {"dropped": frozenset({"logs"})}):
        stand, book = sealed(tmp_path, **known)
        sealed_report.ensure(stand, EQUAL, clock=Fixed())
        assert book.lines == []
    stand, book = sealed(tmp_path)
    book.known = replace(book.known, sealed={"traces": 1.0})
    sealed_report.ensure(stand, EQUAL, clock=Fixed())
    sealed_report.ensure(stand._replace(folder=None), EQUAL, clock=Fixed())
    assert (book.lines, list(tmp_path.iterdir())) == ([], [])


def test_a_newer_or_another_report_is_refused(tmp_path: Path) -> None:
    stand, _ = sealed(tmp_path)
    sealed_report.ensure(stand, EQUAL, clock=Fixed())
    path = tmp_path / "report.json"
    document = json.loads(path.read_text())
    for change, what in (
        ({"version": 2}, "version 2"),
        ({"schema": "chtui/1 migrate plan"}, "no report of a seal"),
    ):
        path.write_text(json.dumps({**document, **change}))
        with pytest.raises(MigrateError, match=what) as refused:
            sealed_report.read(path)
        assert refused.value.fix
