"""Lanes: real threads, and connections that do what a test says."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chtui.errors import ChtuiError, ConfigError, ConnectError, DeadlineError, QueryError
from chtui.fleet.lane import Call, Lane, Outcome
from tests.support import wait_until

PATIENCE = 20.0


class Connection:
    """What a lane keeps; it counts."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.thread = threading.current_thread()
        self.closed = threading.Event()

    def close(self) -> None:
        self.closed.set()


class Bench:
    """A lane, the connections it made and the outcomes it gave."""

    def __init__(self) -> None:
        self.connections: list[Connection] = []
        self.failures: list[ChtuiError] = []
        """Raised by the next attempts to connect."""
        self.outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self.gates: list[threading.Event] = []
        self.lane = Lane("test", self.connect, self.outcomes.put)

    def connect(self) -> Connection:
        if self.failures:
            raise self.failures.pop(0)
        self.connections.append(Connection(len(self.connections) + 1))
        return self.connections[-1]

    def call(self, work: Callable[[Any], Any]) -> Call:
        return Call(work, 1.0)

    def held(self, result: str = "held") -> tuple[Call, threading.Event, threading.Event]:
        """A call that begins, says so, and ends when it is let go."""
        began, gate = threading.Event(), threading.Event()
        self.gates.append(gate)

        def work(_: Connection) -> str:
            began.set()
            gate.wait(PATIENCE)
            return result

        return self.call(work), began, gate

    def run(self, work: Callable[[Any], Any]) -> Outcome:
        self.lane.submit(self.call(work))
        return self.outcome()

    def outcome(self) -> Outcome:
        return self.outcomes.get(timeout=PATIENCE)


@pytest.fixture
def bench() -> Iterator[Bench]:
    """A lane that is dropped at the end, its calls let go."""
    made = Bench()
    yield made
    for gate in made.gates:
        gate.set()
    made.lane.drop()


def fail(error: Exception) -> Callable[[Any], Any]:
    def work(_: Connection) -> None:
        raise error

    return work


def test_a_call_runs_with_its_connection_in_a_daemon_thread_of_the_lane(bench: Bench) -> None:
    call = bench.call(lambda connection: (connection.number, threading.current_thread()))
    assert bench.lane.submit(call) is None
    outcome = bench.outcome()
    number, thread = outcome.result
    assert (outcome.call, outcome.error, outcome.late, number) == (call, None, False, 1)
    assert thread is bench.connections[0].thread
    assert thread is not threading.current_thread()
    assert thread.daemon


def test_calls_one_after_another_share_thread_and_connection(bench: Bench) -> None:
    first = bench.run(lambda connection: (connection.number, threading.get_ident()))
    second = bench.run(lambda connection: (connection.number, threading.get_ident()))
    assert first.result == second.result
    assert not bench.connections[0].closed.is_set()


def test_one_call_is_in_flight_and_one_waits_and_a_newer_one_replaces_it(bench: Bench) -> None:
    first, began, gate = bench.held("first")
    second, third = bench.call(lambda _: "second"), bench.call(lambda _: "third")
    assert bench.lane.submit(first) is None
    assert began.wait(PATIENCE)
    assert bench.lane.submit(second) is None
    assert bench.lane.submit(third) is second
    assert bench.outcomes.empty()
    assert bench.lane.busy
    gate.set()
    assert [bench.outcome().result for _ in range(2)] == ["first", "third"]
    wait_until(lambda: not bench.lane.busy)
    assert bench.outcomes.empty()


def test_a_dropped_lane_leaves_its_thread_behind_and_goes_on_at_once(bench: Bench) -> None:
    hung, began, gate = bench.held("too late")
    bench.lane.submit(hung)
    assert began.wait(PATIENCE)
    waiting = bench.call(lambda _: "forgotten")
    bench.lane.submit(waiting)
    bench.lane.drop()
    assert not bench.lane.busy
    outcome = bench.run(lambda connection: connection.number)
    assert (outcome.result, outcome.late) == (2, False)
    assert not bench.connections[0].closed.is_set()
    gate.set()
    late = bench.outcome()
    assert (late.call, late.result, late.late) == (hung, "too late", True)
    assert bench.connections[0].closed.wait(PATIENCE)
    bench.connections[0].thread.join(PATIENCE)
    assert not bench.connections[0].thread.is_alive()
    assert bench.outcomes.empty()
    assert not bench.connections[1].closed.is_set()


def test_a_lane_dropped_while_idle_closes_its_connection(bench: Bench) -> None:
    bench.run(lambda _: None)
    bench.lane.drop()
    assert bench.connections[0].closed.wait(PATIENCE)


def test_a_lane_that_never_ran_can_be_dropped(bench: Bench) -> None:
    bench.lane.drop()
    bench.lane.drop()
    assert not bench.lane.busy
    assert bench.connections == []


@pytest.mark.parametrize("error", [ConnectError("down", "gone"), DeadlineError("no answer")])
def test_a_connection_is_closed_after_trouble_with_it(bench: Bench, error: ChtuiError) -> None:
    outcome = bench.run(fail(error))
    assert outcome.error is error
    assert bench.connections[0].closed.is_set()
    assert bench.run(lambda connection: connection.number).result == 2


@pytest.mark.parametrize("error", [QueryError("no such table", code=60), ChtuiError("else")])
def test_a_connection_is_kept_after_a_failed_query(bench: Bench, error: ChtuiError) -> None:
    assert bench.run(fail(error)).error is error
    assert not bench.connections[0].closed.is_set()
    assert bench.run(lambda connection: connection.number).result == 1


def test_an_unexpected_exception_is_an_error_and_not_a_dead_thread(bench: Bench) -> None:
    outcome = bench.run(fail(ZeroDivisionError("by\nzero \x1b")))
    assert outcome.error is not None
    assert type(outcome.error) is ChtuiError
    assert outcome.error.line == "chtui failed: ZeroDivisionError: by zero ?; report this as a bug"
    assert bench.run(lambda connection: connection.number).result == 1


@pytest.mark.parametrize("error", [ConnectError("refused", "no"), ConfigError("no password")])
def test_an_attempt_to_connect_that_fails_is_made_again(bench: Bench, error: ChtuiError) -> None:
    bench.failures.append(error)
    outcome = bench.run(lambda connection: connection.number)
    assert outcome.error is error
    assert outcome.result is None
    assert bench.run(lambda connection: connection.number).result == 1


def test_many_hung_lanes_hold_up_nothing(bench: Bench) -> None:
    lanes = [Lane(f"hung {number}", bench.connect, bench.outcomes.put) for number in range(30)]
    for lane in lanes:
        call, began, _ = bench.held()
        lane.submit(call)
        assert began.wait(PATIENCE)
    assert bench.run(lambda _: "healthy").result == "healthy"
    for lane in lanes:
        lane.drop()
    assert bench.outcomes.empty()
