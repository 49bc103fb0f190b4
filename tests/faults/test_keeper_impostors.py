"""Ports behind which there is no Keeper: each is a state of its own, and nothing piles up there."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from chtui.errors import ConnectError, DeadlineError
from chtui.keeper import admin
from chtui.keeper.ensemble import Quorum
from chtui.keeper.words import ask
from chtui.records import HostId
from chtui.records.keeper import MemberState
from tests.replication.keeper import NODE, SESSIONS, Watched, znode
from tests.rigs.impostors import ClosedPort, PlainHttpServer, SilentServer
from tests.support import wait_until


@pytest.fixture
def silent() -> Iterator[SilentServer]:
    with SilentServer() as server:
        yield server


@pytest.fixture
def web() -> Iterator[PlainHttpServer]:
    with PlainHttpServer() as server:
        yield server


def test_each_impostor_is_a_state(silent: SilentServer) -> None:
    closed = ClosedPort()
    hosts = {
        HostId(silent.host, silent.port): MemberState.HUNG,
        HostId(closed.host, closed.port): MemberState.REFUSED,
        HostId("no-such-name.invalid", 2181): MemberState.DOWN,
    }
    watched = Watched(hosts)
    try:
        watched.want(NODE, SESSIONS, znode("/"))
        wait_until(lambda: {host: watched.state(host) for host in hosts} == hosts, 30, "every state")
        assert watched.verdict.quorum is Quorum.NO_ANSWER
        assert all(watched.sample(NODE, host).error for host in hosts)
        wait_until(lambda: "no session could be opened" in watched.sample(znode("/")).error, 30, "no session")
    finally:
        watched.watch.stop()


def test_a_hung_member_is_asked_one_thing_at_a_time_and_ever_less_often(silent: SilentServer) -> None:
    watched = Watched([(silent.host, silent.port)])
    try:
        watched.want(NODE, SESSIONS)
        host = HostId(silent.host, silent.port)
        wait_until(lambda: watched.state(host) is MemberState.HUNG, 30, "the hung member")
        most, end = 0, time.monotonic() + 10.0
        while time.monotonic() < end:
            most = max(most, len(silent._open))
            time.sleep(0.02)
        assert most == 1
        # Each question waits 3 s and the pauses between them grow: at most four in 13 s.
        assert silent.connections <= 4
    finally:
        watched.watch.stop()


def test_what_the_words_meet_is_told_apart(silent: SilentServer) -> None:
    started = time.monotonic()
    with pytest.raises(DeadlineError, match="no answer to mntr in time"):
        ask(HostId(silent.host, silent.port), "mntr", time.monotonic() + 0.5)
    assert time.monotonic() - started < 1.5
    closed = ClosedPort()
    with pytest.raises(ConnectError) as refused:
        ask(HostId(closed.host, closed.port), "mntr", time.monotonic() + 5)
    assert refused.value.kind == "refused"
    for name in ("no-such-name.invalid", "a" * 300, "\u202e"):
        with pytest.raises(ConnectError) as unknown:
            ask(HostId(name, 2181), "mntr", time.monotonic() + 5)
        assert unknown.value.kind == "down"


def test_no_admin_server_is_an_error_and_not_an_answer(web: PlainHttpServer) -> None:
    with pytest.raises(ConnectError, match="is no AdminServer") as caught:
        admin.node(web.host, web.port, time.monotonic() + 5)
    assert caught.value.kind == "not_keeper"
    with pytest.raises(ConnectError, match="no AdminServer listens"):
        admin.node("127.0.0.1", ClosedPort().port, time.monotonic() + 5)
