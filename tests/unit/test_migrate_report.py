"""The report of a verification, and how it tells that it was changed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chtui.errors import MigrateError
from chtui.migrate import report
from chtui.migrate.digests import NOTHING, Digest
from chtui.migrate.drill import Drilled, Example, Kind, Minute, Oddity
from chtui.migrate.verification import AggregateCheck, KeyDifference, State, Told, Verification
from tests.unit.verifications import HOUR, SOURCE, WHOLE, A, D, at, told, verified


class Fixed:
    """A clock that stands."""

    def now(self) -> datetime:
        return datetime(2026, 3, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0


def full() -> tuple[Verification, Drilled]:
    key = KeyDifference(("2026-01-31", "red"), "differs", {"rows": ("1", "2")})
    check = AggregateCheck("agg", "202601", A, 3, 0, 0, 1, {"rows": 1}, (key,))
    found = verified(SOURCE, {**WHOLE, A: told((at(1), 9)), D: told(failed={"": "down"})}, check)
    odd = Example(Oddity(Kind.MISSING, 2**64 - 1, 1, 0), HOUR * 10**9, "/a")
    minute = Minute(HOUR, Digest(10, 2**64 - 1, 1, 2), NOTHING, {Kind.MISSING: 1}, (odd,), cut=False)
    return found, Drilled(found.differing[0], (minute,))


def test_a_report_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "new" / "report.json"
    found, drilled = full()
    written = report.write(path, found, "a" * 64, Fixed(), run="r", drilled=[drilled])
    assert report.read(path) == written
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]
    assert list(written)[-1] == "sha256"
    assert (written["verdict"], written["exit_code"]) == ("differs", 1)
    assert written["generated_at"] == "2026-03-01T00:00:00.000Z"
    assert written["hours"][0]["v1"] == {"rows": 10, "digest": "10", "first_ns": "5", "last_ns": "9"}
    assert [each["v2"] for each in written["hours"] if each["host"] == "d:9000"] == [None]
    minute = written["drilled"][0]["minutes"][0]
    assert minute["examples"][0]["hash"] == minute["v1"]["digest"] == str(2**64 - 1)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda text: text.replace('"differs"', '"equal"'), "was changed"),
        (lambda text: text.replace('"digest": "9"', '"digest": "10"'), "was changed"),
        (lambda text: text[: len(text) // 2], "no JSON, or was cut"),
        (lambda text: f"[{len(text)}]", "no report"),
        (lambda text: text.replace('"version": 1', '"version": 2'), "version 2"),
        (lambda text: text.replace('"sha256"', '"sha255"'), "was changed"),
    ],
)
def test_a_changed_report_is_refused(tmp_path: Path, change: object, what: str) -> None:
    path = tmp_path / "report.json"
    found, drilled = full()
    report.write(path, found, "a" * 64, Fixed(), drilled=[drilled])
    changed = change(path.read_text())  # type: ignore[operator]
    assert changed != path.read_text()
    path.write_text(changed)
    with pytest.raises(MigrateError, match=what) as refused:
        report.read(path)
    assert "\n" not in refused.value.line
    assert refused.value.fix


def test_rows_v1_has_once_more_are_counted_apart() -> None:
    collapsing = Told({at(1): Digest(10, 10, 5, 9, collapsed=3), at(2): SOURCE.digests[at(2)]}, {})
    found = verified(collapsing, WHOLE)
    assert found.state is State.EQUAL
    assert (found.totals[0].source_rows, found.totals[0].collapsed_rows) == (30, 3)
    told = report.found_in(found)
    assert [each["collapsed_rows"] for each in told["hours"]] == [3, 3, 0, 0]
    assert told["totals"][0]["collapsed_rows"] == 3
    assert told["hours"][0]["v1"] == told["hours"][0]["v2"]


def test_no_report_and_nowhere_to_write_one(tmp_path: Path) -> None:
    with pytest.raises(MigrateError, match="No such file"):
        report.read(tmp_path / "none.json")
    (tmp_path / "file").write_text("")
    with pytest.raises(MigrateError, match="cannot be written"):
        report.write(tmp_path / "file" / "report.json", full()[0], "", Fixed())


def test_the_report_is_json_alone() -> None:
    found, drilled = full()
    document = report.to_document(found, "", Fixed(), drilled=[drilled])
    assert json.loads(json.dumps(document)) == document
