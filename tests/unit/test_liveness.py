"""How a host answers."""

from __future__ import annotations

import random

import pytest

from chtui.errors import ChtuiError, ConnectError, DeadlineError, QueryError
from chtui.fleet.liveness import Liveness, backoff_seconds, state_of
from chtui.records import HostState
from tests.unit.hand import NOW, ago

HUNG = DeadlineError("no answer within 2 s", where="a:9000")


def test_a_host_begins_by_connecting() -> None:
    assert (Liveness().state, Liveness().since, Liveness().retry_at) == (HostState.CONNECTING, None, 0.0)


def test_an_answer_in_time_is_up() -> None:
    found = Liveness().answered(NOW, 0.004, 1.0)
    assert found == Liveness(HostState.UP, NOW, "", NOW, 0.004, 0, 0.0)


def test_an_answer_above_the_threshold_is_slow() -> None:
    assert Liveness().answered(NOW, 1.0, 1.0).state is HostState.UP
    assert Liveness().answered(NOW, 1.001, 1.0).state is HostState.SLOW


def test_a_state_that_stays_keeps_its_beginning() -> None:
    first = Liveness().answered(ago(60), 0.1, 1.0)
    second = first.answered(NOW, 0.2, 1.0)
    assert (second.since, second.answered_at, second.round_trip_seconds) == (ago(60), NOW, 0.2)
    hung = second.failed(NOW, 100.0, HUNG, 0.0)
    assert hung.since == NOW
    assert hung.failed(NOW, 101.0, HUNG, 0.0).since == NOW


def test_a_failure_tells_its_error_and_keeps_the_last_answer() -> None:
    found = Liveness().answered(ago(5), 0.1, 1.0).failed(NOW, 100.0, HUNG, 0.0)
    assert found.state is HostState.HUNG
    assert found.error == "no answer within 2 s"
    assert (found.answered_at, found.failures, found.retry_at) == (ago(5), 1, 101.0)


def test_failures_are_repeated_after_1_2_4_8_10_seconds() -> None:
    found, pauses = Liveness(), []
    for _ in range(7):
        found = found.failed(NOW, 100.0, HUNG, 0.0)
        pauses.append(found.retry_at - 100.0)
    assert pauses == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0, 10.0]
    assert backoff_seconds(10_000) == 10.0


def test_chance_shortens_a_pause_by_a_fifth_at_most() -> None:
    assert Liveness().failed(NOW, 0.0, HUNG, 1.0).retry_at == pytest.approx(0.8)
    assert Liveness(failures=9).failed(NOW, 0.0, HUNG, 1.0).retry_at == pytest.approx(8.0)
    chances = random.Random(1)
    for _ in range(100):
        pause = Liveness(failures=2).failed(NOW, 0.0, HUNG, chances.random()).retry_at
        assert 3.2 <= pause <= 4.0


def test_an_answer_ends_trouble_and_its_pauses() -> None:
    down = Liveness().failed(ago(5), 0.0, HUNG, 0.0).failed(ago(4), 1.0, HUNG, 0.0)
    back = down.answered(NOW, 0.1, 1.0)
    assert (back.state, back.since, back.error, back.failures, back.retry_at) == (
        HostState.UP,
        NOW,
        "",
        0,
        0.0,
    )
    assert back.failed(NOW, 50.0, HUNG, 0.0).retry_at == 51.0


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (ConnectError("down", "x"), HostState.DOWN),
        (ConnectError("refused", "x"), HostState.REFUSED),
        (ConnectError("auth_failed", "x"), HostState.AUTH_FAILED),
        (ConnectError("denied", "x"), HostState.DENIED),
        (ConnectError("not_clickhouse", "x"), HostState.NOT_CLICKHOUSE),
        (ConnectError("mismatch", "x"), HostState.MISMATCH),
        (ConnectError("a new kind", "x"), HostState.DOWN),
        (HUNG, HostState.HUNG),
        (QueryError("x", code=497), HostState.DENIED),
        (QueryError("x", code=241), HostState.DOWN),
        (ChtuiError("x"), HostState.DOWN),
    ],
)
def test_states_of_errors(error: ChtuiError, state: HostState) -> None:
    assert state_of(error) is state


def test_states_are_ordered_by_how_bad_they_are() -> None:
    assert [state.severity for state in (HostState.UP, HostState.SLOW, HostState.DOWN)] == [0, 1, 9]
    assert {state for state in HostState if state.answers} == {HostState.UP, HostState.SLOW}
