"""What the demo's writers are told, how they count out shares, and what the record of their sendings says."""

from __future__ import annotations

import math
import time
from itertools import pairwise
from pathlib import Path
from threading import Thread

import pytest

from chtui.demo.controls import VERSIONS, Controls
from chtui.demo.rates import Rates, Share, changed, number_in
from chtui.demo.record import Batch, Copies, Record, first_id, read
from chtui.demo.writers import TEXTS, WEIGHTS
from tests.support import replace, wait_until

BATCH = Batch(
    run=3, writer=1, number=7, table="logs", seed=5, first=first_id(3, 1), rows=4, at_ns=10**18, step_ns=10**6
)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"rows_per_secondd": 1}, "unknown rate; there are: rows_per_second, batch_seconds, late_ratio"),
        ({"rows_per_second": "1"}, "rows_per_second is a number from 0 to 100000"),
        ({"rows_per_second": True}, "rows_per_second is a number"),
        ({"rows_per_second": None}, "rows_per_second is a number"),
        ({"late_ratio": 1.01}, "late_ratio is a number from 0 to 1"),
        ({"early_ratio": -0.1}, "early_ratio is a number"),
        ({"retry_ratio": math.nan}, "retry_ratio is a number"),
        ({"late_seconds": 10**400}, "late_seconds is a number"),
        ({"batch_seconds": 0}, "batch_seconds is a number from 0.05 to 60"),
        ({"skew_seconds": 30}, "skew_seconds is a list"),
        ({"skew_seconds": [1, "2"]}, "skew_seconds is a number from -86400 to 86400"),
        ({"skew_seconds": [0] * 257}, "skew_seconds is a list of at most 256"),
        ({"late_ratio": 0.6, "early_ratio": 0.6}, "more than 1 together"),
    ],
)
def test_a_rate_that_cannot_be_is_refused(wanted: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        changed(Rates(), wanted)


def test_rates_change_one_by_one_and_come_back_from_json() -> None:
    found = changed(changed(Rates(), {"late_ratio": 0.01}), {"skew_seconds": [-30, 30.5]})
    assert found == Rates(late_ratio=0.01, skew_seconds=(-30.0, 30.5))
    assert [found.skew_of(writer) for writer in range(3)] == [-30.0, 30.5, 0.0]
    assert changed(Rates(), found.as_dict()) == found
    assert number_in({}, "spread_seconds", 2.0, 3600.0) == 2.0
    assert number_in({"spread_seconds": 60}, "spread_seconds", 2.0, 3600.0) == 60.0


def test_a_small_share_is_exact_over_time() -> None:
    share = Share()
    counts = [share.of(30 * 0.01, 30) for _ in range(1000)]
    assert sum(counts) == 300
    assert set(counts) == {0, 1}
    assert Share().of(30 * 1.0, 30) == 30


def test_what_cannot_be_given_is_not_saved_up() -> None:
    share = Share()
    assert [share.of(100, 10) for _ in range(5)] == [10] * 5
    assert [share.of(0, 10) for _ in range(3)] == [10, 1, 0]


def test_the_tables_share_all_rows() -> None:
    assert sum(WEIGHTS.values()) == pytest.approx(1)
    assert {table for table, _ in TEXTS} == set(WEIGHTS)
    for (table, version), text in TEXTS.items():
        assert f"INSERT INTO {'otel' if version == 'v1' else 'otel_v2'}.{table}\n" in text
        assert "{rows}" not in text
        assert "{rows:UInt64}" in text


def test_ids_of_runs_and_writers_never_meet() -> None:
    firsts = [first_id(run, writer) for run in range(1, 5) for writer in range(16)]
    assert firsts == sorted(firsts)
    assert min(after - before for before, after in pairwise(firsts)) == 2**44
    assert BATCH.ids[:2] == ["0030100000000000", "0030100000000001"]
    assert first_id(2**12 - 1, 255) + 2**44 <= 2**64


def test_late_and_early_rows_are_off_by_no_more_than_they_may() -> None:
    batch = replace(BATCH, rows=1000, late_rows=500, late_ns=10**9, early_rows=300, early_ns=10**8)
    planned = [batch.at_ns - (999 - number) * batch.step_ns for number in range(1000)]
    off = [time_ns - due for time_ns, due in zip(batch.times_ns, planned, strict=True)]
    assert all(-(10**9) <= one < 0 for one in off[:500])
    assert all(0 < one <= 10**8 for one in off[500:800])
    assert set(off[800:]) == {0}
    # they spread over all of it
    assert min(off) < -0.99 * 10**9
    assert max(off) > 0.99 * 10**8


def test_a_record_tells_what_was_acknowledged_and_what_is_unknown(tmp_path: Path) -> None:
    record = Record(tmp_path / "r.jsonl")
    whole, open_one = BATCH, replace(BATCH, number=8, table="traces", first=BATCH.first + 4)
    record.begin(whole, ("v1", "v2"))
    for version, outcome in (("v1", "ok"), ("v2", "refused"), ("v2", "unknown"), ("v2", "ok"), ("v1", "ok")):
        record.sent(whole, version, outcome)  # type: ignore[arg-type]
    record.end(whole)
    record.begin(open_one, ("v1",))
    first, second = read(record.path)
    assert (first.batch, first.to, first.ended) == (whole, ("v1", "v2"), True)
    assert first.copies == {"v1": Copies(2, 0), "v2": Copies(1, 1)}
    assert (first.copies["v2"].least, first.copies["v2"].most) == (1, 2)
    assert (second.batch, second.ended) == (open_one, False)
    assert second.copies == {"v1": Copies(0, 1), "v2": Copies(0, 0)}
    assert record.path.stat().st_mode & 0o777 == 0o600


def test_a_line_cut_short_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    record = Record(path)
    record.begin(BATCH, ("v1",))
    with path.open("a") as stream:
        stream.write('{"sent": "3.1.')
    again = Record(path)
    later = replace(BATCH, run=4, first=first_id(4, 1))
    again.begin(later, ("v1",))
    again.sent(later, "v1", "ok")
    again.end(later)
    cut, whole = read(path)
    assert (cut.batch, cut.ended, cut.copies["v1"]) == (BATCH, False, Copies(0, 1))
    assert (whole.batch, whole.copies["v1"]) == (later, Copies(1, 0))
    (tmp_path / "other").write_text('{"a": 1}\n')
    with pytest.raises(KeyError):
        read(tmp_path / "other")


def test_writers_switch_evenly_over_the_spread() -> None:
    controls = Controls(3)
    controls.switch(VERSIONS, 600.0)
    assert [controls.begin(writer).versions for writer in range(3)] == [("v1", "v2"), ("v1",), ("v1",)]
    assert controls.wanted == ("v1", "v2")
    moments = [controls.writer_status(writer)["switches_at"] for writer in range(3)]
    assert moments[0] is None
    assert str(moments[1]) < str(moments[2])
    controls.switch(("v2",), 0.0)
    assert [controls.begin(writer).versions for writer in range(3)] == [("v2",)] * 3


def test_a_pause_waits_for_what_is_in_flight_and_lets_nothing_new_begin() -> None:
    controls = Controls(2)
    controls.begin(0)
    controls.pause()
    assert not controls.await_idle(0.01)
    begun: list[int] = []
    waiting = Thread(target=lambda: begun.append(len(controls.begin(1).versions)), daemon=True)
    waiting.start()
    controls.end(0)
    assert controls.await_idle(5)
    assert (controls.in_flight(), begun) == (0, [])
    controls.resume()
    wait_until(lambda: begun == [1])
    assert controls.in_flight() == 1


def test_rounds_keep_their_beat_and_are_not_made_up_for() -> None:
    controls = Controls(1, rates=Rates(batch_seconds=0.2))
    now = time.monotonic()
    assert controls.tick(now - 0.3) == pytest.approx(now - 0.1)
    assert controls.tick(now - 60) >= now
    assert controls.tick(now) == pytest.approx(now + 0.2)
    assert time.monotonic() >= now + 0.2
    # a faster beat is heard at once
    slow = Controls(1, rates=Rates(batch_seconds=60.0))
    ticked: list[float] = []
    began = time.monotonic()
    Thread(target=lambda: ticked.append(slow.tick(began)), daemon=True).start()
    slow.change_rates({"batch_seconds": 0.05})
    wait_until(lambda: ticked, 5)
