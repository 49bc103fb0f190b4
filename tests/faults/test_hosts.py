"""Hosts that hang, die, slow down and come back while a session watches; the others must not notice."""

from __future__ import annotations

import re
import threading
import time

import pytest

from chtui.health.rules import assess
from chtui.monitor.rates import RESTARTED, rate
from chtui.monitor.scheduler import Want
from chtui.records import HostState
from chtui.session import Session
from tests.engine.fleets import ids, query_log
from tests.faults.watching import (
    METRICS,
    age_seconds,
    lanes,
    last_behind,
    monitored,
    sample,
    seconds_until,
    sockets,
    status,
)
from tests.rigs.forwarder import Filter, TcpForwarder
from tests.support import ModernRig, fast, wait_until

INTERVAL, DEADLINE, MARGIN, BACKOFF_CAP = 5.0, 2.0, 3.0, 10.0
PROBE_DEADLINE = 5.0
HUNG_SECONDS = 30.0
LANES = 6
"""Threads and sockets to a hung host: its three lanes, and as many left behind that have not ended yet."""


def running(modern: ModernRig, index: int, seconds: int) -> list[str]:
    """chtui's queries that run there for longer than so many seconds."""
    sql = f"SELECT query_id FROM system.processes WHERE query_id LIKE 'chtui-%' AND elapsed > {seconds}"
    return modern.query(index, sql).split()


def test_a_hung_host_is_red_and_the_others_stay_live(modern: ModernRig, sessions: list[Session]) -> None:
    *others, last = ids(modern)
    port = modern.http_ports[3]
    before = lanes(port), sockets(port)
    session = monitored(modern.effective(), sessions)
    modern.nodes[3].suspend()
    began = time.monotonic()
    limit = INTERVAL + DEADLINE + MARGIN
    seen = seconds_until(lambda: status(session, last).state is HostState.HUNG, limit, "the hung host")
    assert "no answer within 2 s" in status(session, last).error
    oldest, most_lanes, most_sockets = 0.0, 0, 0
    while time.monotonic() - began < HUNG_SECONDS:
        oldest = max(oldest, *(age_seconds(session, host) for host in others))
        oldest_data = max(age_seconds(session, host, "host_metrics") for host in others)
        assert oldest <= INTERVAL + 1, "another host's state grew old"
        assert oldest_data <= INTERVAL + MARGIN, "another host's data grew old"
        most_lanes = max(most_lanes, lanes(port) - before[0])
        most_sockets = max(most_sockets, sockets(port) - before[1])
        assert most_lanes <= LANES
        assert most_sockets <= LANES
        assert status(session, last).state is HostState.HUNG
        time.sleep(0.05)
    snapshot = session.snapshot
    assert [host.state.answers for host in snapshot.hosts] == [True, True, True, False]
    assert assess(snapshot).findings[0].host == last
    assert "host_state" not in snapshot.slowed, "silence is no cost"
    assert age_seconds(session, last) > HUNG_SECONDS - INTERVAL - 1
    modern.nodes[3].resume()
    limit = BACKOFF_CAP + INTERVAL
    back = seconds_until(lambda: status(session, last).state.answers, limit, "the host's return")
    wait_until(lambda: running(modern, 3, 3) == [], 20, "the end of what was asked before")
    wait_until(lambda: lanes(port) - before[0] <= 3, 20, "the end of the threads left behind")
    wait_until(lambda: sockets(port) - before[1] <= 3, 20, "the end of the sockets left behind")
    wait_until(lambda: age_seconds(session, last, "host_metrics") < INTERVAL + 1, 20, "its data again")
    print(
        f"hung seen {seen:.1f} s, back {back:.1f} s, oldest {oldest:.1f} s, {most_lanes} lanes, {most_sockets} sockets"
    )


def test_leaving_does_not_wait_for_a_hung_host(modern: ModernRig, sessions: list[Session]) -> None:
    session = monitored(fast(modern.effective()), sessions)
    modern.nodes[2].suspend()
    modern.nodes[3].suspend()
    for host in ids(modern)[2:]:
        wait_until(lambda host=host: status(session, host).state is HostState.HUNG, 10)  # type: ignore[misc]
    began = time.monotonic()
    session.stop()
    assert time.monotonic() - began < 0.1
    wait_until(lambda: not threads("pump", "builder"), 1.0, "the end of the session's own threads")
    assert all(thread.daemon for thread in threading.enumerate() if thread.name.startswith("lane "))


def threads(*names: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name in names]


def test_a_killed_host_is_refused_until_it_is_back(modern: ModernRig, sessions: list[Session]) -> None:
    last = ids(modern)[3]
    session = monitored(modern.effective(), sessions)
    modern.nodes[3].kill()
    limit = INTERVAL + DEADLINE + MARGIN
    seen = seconds_until(lambda: status(session, last).state is HostState.REFUSED, limit, "the dead host")
    assert "connection refused: nothing listens there" in status(session, last).error
    assert assess(session.snapshot).exit_code == 2
    modern.nodes[3].restart()
    back = seconds_until(
        lambda: status(session, last).state is HostState.UP, BACKOFF_CAP + INTERVAL, "the host's return"
    )
    assert status(session, last).error == ""
    wait_until(lambda: assess(session.snapshot).exit_code == 0 or assess(session.snapshot).findings == (), 20)
    print(f"dead seen {seen:.1f} s, back {back:.1f} s")


def test_rates_begin_anew_after_a_restart(modern: ModernRig, sessions: list[Session]) -> None:
    last = ids(modern)[3]
    wait_until(
        lambda: int(modern.query(3, "SELECT toUInt32(uptime())")) >= 8, 30, "a server not just started"
    )
    session = monitored(fast(modern.effective()), sessions)

    def told() -> tuple[float | None, str]:
        return rate(sample(session, last, "host_metrics"), "queries_total")

    value, _ = wait_until(lambda: (found := told())[0] is not None and found, 20, "a rate")
    assert value > 0
    modern.nodes[3].kill()
    modern.nodes[3].restart()
    wait_until(lambda: told() == (None, RESTARTED), 20, "the restart between two samples")
    value, _ = wait_until(lambda: (found := told())[0] is not None and found, 20, "a rate again")
    assert 0 < value < 1000


class SlowedForwarder(TcpForwarder):
    """Makes the server take long over the metrics, for as long as it is told to; everything else passes."""

    slowing = False
    FAST, SLOW = b"toInt64(uptime())", b"toInt64(sleep(3) + sleep(2.9) + sleep(2.8) + sleep(2.7))"

    def request_filter(self) -> Filter:
        held = bytearray()

        def whole_requests(data: bytes) -> bytes:
            held.extend(data)
            head, mark, body = bytes(held).partition(b"\r\n\r\n")
            length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
            if not mark or (length and len(body) < int(length[1])):
                return b""
            held.clear()
            if not (self.slowing and length and self.FAST in body):
                return head + mark + body
            slow = body.replace(self.FAST, self.SLOW)
            return head.replace(length[0], b"\r\nContent-Length: %d" % len(slow)) + mark + slow

        return whole_requests


def test_a_slow_question_is_stopped_and_the_host_recovers(modern: ModernRig, sessions: list[Session]) -> None:
    *others, last = ids(modern)
    with (
        SlowedForwarder("127.0.0.1", modern.http_ports[3]) as forwarder,
        query_log(modern, 3, "oncall") as logged,
    ):
        both = (METRICS, Want("merges"))
        session = monitored(
            fast(last_behind(modern, f"127.0.0.1:{forwarder.port}"), merges=1.0), sessions, both
        )
        forwarder.slowing = True
        wait_until(lambda: status(session, last).state is HostState.SLOW, 15, "the slow host")
        error = status(session, last).error
        assert error == "host_metrics: no answer within 5 s"
        began = time.monotonic()
        while time.monotonic() - began < 6:
            assert age_seconds(session, last) < 1 + DEADLINE, "the host itself answers all the while"
            others_age = age_seconds(session, last, "merges")
            assert others_age < 1 + PROBE_DEADLINE + MARGIN, (
                "other questions wait for its deadline, not for its end"
            )
            assert all(age_seconds(session, host, "host_metrics") < 1 + MARGIN for host in others)
            time.sleep(0.05)
        forwarder.slowing = False
        wait_until(lambda: status(session, last).state is HostState.UP, 20, "the host's recovery")
        assert age_seconds(session, last, "host_metrics") < 1 + MARGIN
        assert running(modern, 3, 3) == []
        session.stop()
        wait_until(lambda: lanes(forwarder.port) == 0, 10, "the end of the lanes")
    slow = [entry for entry in logged if "sleep(3)" in entry.query and entry.kind == "Select"]
    killed = [entry for entry in logged if entry.kind == "KillQuery" or entry.query.startswith("KILL")]
    assert len(slow) >= 1
    assert slow[0].exception_code == 394, "the server was told to stop it"
    assert killed
    assert all(entry.exception_code == 0 for entry in killed)
    assert len(killed) <= len(slow), "each is stopped once"


@pytest.mark.parametrize(
    ("fault", "state"), [("cut", HostState.REFUSED), ("stall", HostState.HUNG)], ids=["cut", "stall"]
)
def test_a_network_that_is_cut_or_stalls(
    modern: ModernRig, sessions: list[Session], fault: str, state: HostState
) -> None:
    *others, last = ids(modern)
    with TcpForwarder("127.0.0.1", modern.http_ports[3]) as forwarder:
        session = monitored(last_behind(modern, f"127.0.0.1:{forwarder.port}"), sessions, (METRICS,))
        getattr(forwarder, fault)()
        seen = seconds_until(lambda: status(session, last).state is state, 1 + DEADLINE + MARGIN, str(state))
        assert all(age_seconds(session, host) < 1 + 1 for host in others)
        forwarder.restore()
        back = seconds_until(
            lambda: status(session, last).state is HostState.UP, BACKOFF_CAP + 1, "its return"
        )
        wait_until(lambda: age_seconds(session, last, "host_metrics") < 1 + MARGIN, 15, "its data")
        session.stop()
        print(f"{fault} seen {seen:.1f} s, back {back:.1f} s")
