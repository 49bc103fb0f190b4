"""How far a run is, and what holds it up: pure, and with threads where several wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from chtui.errors import ChtuiError, MigrateError
from chtui.migrate.brake import ENDED
from chtui.migrate.errands import ACCEPTED, WAY_BACK
from chtui.migrate.progress import WINDOWS, CellState, Progress, rates
from chtui.migrate.turns import Turns
from tests.support import wait_until

CELLS = {"a": 100.0, "b": 300.0, "c": 600.0}


@pytest.fixture
def progress() -> Progress:
    made = Progress("otel")
    made.plan(CELLS)
    return made


class Waiting(threading.Thread):
    """Somebody who waits, and how that ended."""

    def __init__(self, work: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self.result: object = None
        self.error: ChtuiError | None = None
        self._work = work
        self.start()

    def run(self) -> None:
        try:
            self.result = self._work()
        except ChtuiError as error:
            self.error = error

    @property
    def is_waiting(self) -> bool:
        self.join(0.2)
        return self.is_alive()

    def ended(self) -> Waiting:
        self.join(5)
        assert not self.is_alive()
        return self


def test_cells_are_counted_by_state_and_rows_by_cell(progress: Progress) -> None:
    progress.skip("a")
    progress.cell("b", CellState.COPYING)
    progress.cell("c", CellState.FAILED, "ch-1: no room")
    found = progress.status()
    assert found.cells == {"planned": 0, "copying": 1, "failed": 1, "proven": 1, "skipped": 0}
    assert (found.rows, found.rows_done, found.last_error) == (1000, 100, "ch-1: no room")
    assert found.rows_per_second is None, "what an earlier process did says nothing of this one's pace"


def test_what_is_left_out_stays_so_and_is_not_to_come(progress: Progress) -> None:
    progress.leave_out("c")
    progress.cell("c", CellState.COPYING)
    progress.cell("a", CellState.PROVEN)
    assert progress.state_of("c") is CellState.SKIPPED
    found = progress.status()
    assert found.cells["skipped"] == 1
    assert found.eta_seconds == pytest.approx(300 / (found.rows_per_second or 0), rel=0.01)
    progress.plan(CELLS)
    assert progress.is_left_out("c")
    assert progress.status().cells["skipped"] == 1


def test_what_fails_in_a_pause_did_not_fail(progress: Progress) -> None:
    progress.pause(True)
    progress.cell("a", CellState.FAILED, "Query was cancelled")
    assert progress.status().last_error == ""
    assert progress.state_of("a") is CellState.PLANNED
    progress.pause(False)
    progress.cell("b", CellState.FAILED, "Query was cancelled")
    assert progress.state_of("b") is CellState.PLANNED, "it was stopped before, and tells only now"


def test_work_that_stumbles_says_why_unless_it_was_stopped(progress: Progress) -> None:
    progress.stumble("ch-1 is away")
    progress.pause(True)
    progress.stumble("Query was cancelled")
    assert progress.status().last_error == "ch-1 is away"


def test_rates_tell_a_range() -> None:
    assert rates([], 0.0, 60.0) == (None, None, None)
    even = rates([(second + 0.5, 10.0) for second in range(120)], 0.0, 120.0)
    assert even == (10.0, 10.0, 10.0)
    uneven = rates([(10.0, 600.0), (110.0, 1800.0)], 0.0, 120.0)
    assert uneven.value == 20.0
    assert (uneven.low, uneven.high) == (20.0, 1800 / (120 / WINDOWS))
    assert rates([(10.0, 600.0)], 0.0, 1000.0).value is None, "that is too long ago"


def test_the_first_reason_is_told_and_those_of_one_step_come_last(progress: Progress) -> None:
    progress.hold("room", "ch-1: 10 % free", ("snapshot",))
    progress.gate("copy")
    snapshot = Waiting(lambda: progress.gate("snapshot"))
    assert snapshot.is_waiting
    assert progress.status().held_up_by == "ch-1: 10 % free"
    progress.hold("parts", "ch-2: 200 parts")
    copy = Waiting(lambda: progress.gate("copy"))
    assert copy.is_waiting
    assert progress.status().reasons == ("ch-2: 200 parts", "ch-1: 10 % free")
    progress.pause(True)
    assert progress.status().held_up_by == "paused"
    progress.pause(False)
    progress.hold("parts", "")
    copy.ended()
    assert snapshot.is_waiting
    progress.hold("room", "")
    snapshot.ended()
    assert progress.status().held_up_by == ""


def test_ending_ends_whoever_waits_for_good(progress: Progress) -> None:
    progress.pause(True)
    waiting = Waiting(lambda: progress.gate("publish"))
    assert progress.stopped_seconds is not None
    progress.end("SIGTERM came")
    error = waiting.ended().error
    assert isinstance(error, MigrateError)
    assert error.exit_code == ENDED
    assert error.line == (
        "otel: ended before 'publish': SIGTERM came; chtui migrate run goes on where it ended"
    )
    progress.begin()
    with pytest.raises(MigrateError, match="SIGTERM came"):
        progress.gate("copy")


def test_a_failure_ends_all_and_can_be_begun_after(progress: Progress) -> None:
    cause = MigrateError("the lease ran out", exit_code=4)
    progress.abort(cause)
    progress.abort("something later")
    with pytest.raises(MigrateError, match="the lease ran out"):
        progress.sleep(60)
    assert progress.failure is cause
    assert progress.stopped_seconds is None, "nobody asked for quiet"
    progress.begin()
    progress.gate("copy")
    assert progress.failure is None


def test_an_errand_is_answered(progress: Progress) -> None:
    asked = Waiting(lambda: progress.errand("cutover", {"when": "now"}, 5))
    errand = progress.next_errand(5)
    assert errand is not None
    assert (errand.verb, errand.args) == ("cutover", {"when": "now"})
    errand.answer({"reads": "v2"})
    errand.fail(MigrateError("too late"))
    assert asked.ended().result == {"reads": "v2"}
    refused = Waiting(lambda: progress.errand("rollback", {}, 5))
    other = progress.next_errand(5)
    assert other is not None
    other.fail(MigrateError("not built"))
    error = refused.ended().error
    assert error is not None
    assert error.line == "not built"


def test_an_errand_that_takes_long_is_accepted_and_one_nobody_took_is_withdrawn(progress: Progress) -> None:
    progress.stage("backfill")
    asked = Waiting(lambda: progress.errand("cutover", {}, 0.5))
    assert progress.next_errand(5) is not None
    assert asked.ended().result == ACCEPTED
    error = Waiting(lambda: progress.errand("cutover", {}, 0.05)).ended().error
    assert isinstance(error, MigrateError)
    assert error.exit_code == 5
    assert "busy with backfill" in error.line
    assert progress.next_errand(0.0) is None
    with pytest.raises(MigrateError, match="knows no reboot"):
        progress.errand("reboot", {}, 1)


def test_a_hook_takes_its_confirmation_past_others(progress: Progress) -> None:
    answers: list[Mapping[str, Any]] = []
    cutover = Waiting(lambda: answers.append(progress.errand("cutover", {}, 5)))
    wait_until(lambda: len(progress._errands._waiting) == 1, 5, "the first")
    confirm = Waiting(lambda: progress.errand("confirm", {"hook": "reads_v2"}, 5))
    errand = progress.next_errand(5, ("confirm",))
    assert errand is not None
    assert errand.args == {"hook": "reads_v2"}
    errand.answer({"confirmed": True})
    confirm.ended()
    assert cutover.is_waiting
    progress.close("the run ended")
    assert "the run ended" in str(cutover.ended().error)
    with pytest.raises(MigrateError, match="the run ended"):
        progress.errand("cutover", {}, 1)


def test_who_waits_for_errands_ends_with_the_run(progress: Progress) -> None:
    waiting = Waiting(lambda: progress.next_errand(60))
    assert waiting.is_waiting
    progress.end("SIGINT came")
    assert "SIGINT came" in str(waiting.ended().error)


def test_a_wait_is_cut_short_for_what_it_gives_way_to() -> None:
    progress = Progress("r")
    asked = threading.Thread(target=progress.errand, args=("rollback", {}, 60.0), daemon=True)
    asked.start()
    wait_until(lambda: progress.status() and asked.is_alive(), 5, "the question")
    began = time.monotonic()
    progress.sleep_unless(("cutover",), 0.2)
    assert time.monotonic() - began >= 0.2
    with pytest.raises(MigrateError, match="given up, for rollback was asked for; ask again") as caught:
        progress.sleep_unless(WAY_BACK, 60)
    assert caught.value.exit_code == 1
    errand = progress.next_errand(5)
    assert errand is not None
    progress.sleep_unless(WAY_BACK, 0.0)
    errand.answer({})
    asked.join(5)
    assert not asked.is_alive()


def test_turns_follow_a_number_that_changes() -> None:
    limit = [2]
    turns = Turns(lambda: limit[0])
    inside: list[int] = []
    leave = threading.Event()

    def work(number: int) -> None:
        with turns:
            inside.append(number)
            leave.wait(10)

    threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(5)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(inside) == 2, 5, "two of them")
    time.sleep(0.1)  # a third would come now
    assert len(inside) == 2
    limit[0] = 4
    wait_until(lambda: len(inside) == 4, 5, "four of them")
    leave.set()
    for thread in threads:
        thread.join(5)
    assert sorted(inside) == [0, 1, 2, 3, 4]
