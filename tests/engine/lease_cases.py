"""What must hold of a lease on either engine."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

from chtui.clock import SystemClock
from chtui.migrate.lease import Heartbeat, Lease
from chtui.migrate.lease_records import Journalist, LeaseStatus, Taken
from tests.engine.leases import DATABASE, Server, holding, refusal
from tests.support import wait_until


def a_lease_is_taken_shown_renewed_and_let_go_of(server: Server) -> None:
    """The whole life of a lease."""
    anna, boris = server.lease("life"), server.lease("life", 'bo\'ri\\s "ключ"')
    assert anna.status() is None
    refusal(anna.check, 4)
    assert anna.acquire() == Taken(1, (), None)
    assert anna.generation == 1
    state = anna.check()
    assert (state.highest, state.is_released, state.journal_seq) == (1, False, 0)
    assert 55 <= state.expires_seconds <= 60
    assert anna.renew(17).journal_seq == 17

    status = boris.status()
    assert status is not None
    assert (status.run, status.generation, status.lower, status.holder) == ("life", 1, (), "anna@here pid 1")
    assert (status.journal, status.machine, status.journal_seq) == ("/journals/anna", "here", 17)
    assert 0 <= status.age_seconds <= 5
    assert 55 <= status.expires_in_seconds <= 60
    assert status.taken_at.endswith("Z")
    assert not status.is_free
    for call in (boris.acquire, boris.takeover):
        refused = refusal(call, 4)
        assert "anna@here pid 1 holds the lease of run life, generation 1" in refused.what

    anna.release(19)
    assert refusal(anna.check, 4).what == "the lease was let go of"
    old = refusal(lambda: boris.acquire(journal_seq=18), 4)
    assert old.what == "run life went on with another journal: anna@here pid 1 had 19 events, here are 18"
    assert "/journals/anna" in str(old.fix)
    taken = boris.acquire(journal_seq=19)
    assert (taken.generation, taken.lower) == (2, (1,))
    assert taken.before is not None
    assert (taken.before.is_released, taken.before.journal_seq) == (True, 19)
    status = anna.status()
    assert status is not None
    assert (status.holder, status.lower) == ('bo\'ri\\s "ключ"@here pid 1', (1,))
    assert refusal(anna.renew, 4).what == "the lease was taken over by generation 2, this process has 1"
    assert boris.renew().expires_seconds > 55

    boris.clear()
    assert anna.status() is None
    assert refusal(anna.check, 4).what == "somebody dropped the lease"


def a_takeover_waits_for_expiry_or_is_forced(server: Server) -> None:
    """A lease that was not renewed is taken over, one that was only by force; what ran out is not revived."""
    anna, boris, carla = (server.lease("over", name, ttl_seconds=3) for name in ("anna", "boris", "carla"))
    anna.acquire()
    refusal(boris.takeover, 4)
    until = time.monotonic() + 4.5
    while time.monotonic() < until:
        anna.renew()
        time.sleep(0.2)
    refusal(boris.takeover, 4)
    wait_until(lambda: anna.status().is_free, 10)  # type: ignore[union-attr]
    assert refusal(boris.acquire, 4).fix == "go on with chtui migrate takeover"
    assert "the lease ran out" in refusal(anna.renew, 4).what
    before = anna.status()
    assert before is not None
    assert before.is_free
    taken = boris.takeover()
    assert (taken.generation, taken.lower) == (2, (1,))
    assert taken.before is not None
    assert taken.before.holder == "anna@here pid 1"
    assert "taken over by generation 2" in refusal(anna.renew, 4).what
    refusal(carla.takeover, 4)
    taken = carla.takeover(forced=True)
    assert (taken.generation, taken.lower) == (3, (1, 2))
    assert "taken over by generation 3" in refusal(boris.check, 4).what
    assert carla.check().highest == 3


def who_holds_the_same_journal_need_not_wait(server: Server) -> None:
    """The same operator after a crash: the journal has one holder, so whoever had it is dead."""
    first, again = server.lease("crash"), server.lease("crash")
    first.acquire()
    taken = again.acquire()
    assert (taken.generation, taken.lower) == (2, (1,))
    refusal(first.check, 4)
    elsewhere = Lease(
        server.host(),
        DATABASE,
        "crash",
        Journalist("anna@there pid 1", "there", "/journals/anna"),
        SystemClock(),
    )
    refusal(elsewhere.acquire, 4)


def a_stopped_holder_fails_once_it_wakes(server: Server) -> None:
    """Between two checks of a process that was stopped, another operator takes over."""
    with holding(server, "stopped", 4) as holder:
        boris = server.lease("stopped", "boris")
        assert holder.does("check") == "done 1"
        holder.signal(signal.SIGSTOP)
        holder.tell("check")
        wait_until(lambda: boris.status().is_free, 10)  # type: ignore[union-attr]
        assert boris.takeover().generation == 2
        holder.signal(signal.SIGCONT)
        assert holder.answer().startswith("error 4 the lease was taken over by generation 2")
        assert holder.does("renew").startswith("error 4")
        assert boris.check().highest == 2


def a_holder_stopped_with_the_answer_in_hand_does_not_trust_it(server: Server) -> None:
    """The answer said that the lease holds; since then it ran out, and another may have it."""
    with holding(server, "late", 4) as holder:
        boris = server.lease("late", "boris")
        holder.tell("check_late")
        wait_until(lambda: holder.is_stopped, 10)
        wait_until(lambda: boris.status().is_free, 10)  # type: ignore[union-attr]
        assert boris.takeover().generation == 2
        holder.signal(signal.SIGCONT)
        assert holder.answer().startswith("error 4 the lease ran out")


def a_restart_of_the_server_keeps_the_lease(
    server: Server, restart: Callable[[], None], kill: Callable[[], None]
) -> None:
    """Killed and started again, the server still knows who holds it; the holder goes on over new connections."""
    anna, boris = server.lease("restart", ttl_seconds=600), server.lease("restart", "boris")
    anna.acquire()
    anna.renew(5)
    before = anna.status()
    assert before is not None
    kill()
    assert refusal(lambda: anna.check(1.0), 3).fix.startswith("check that the host is up")
    restart()
    state = anna.check(10)
    assert (state.highest, state.journal_seq) == (1, 5)
    assert state.age_seconds >= before.age_seconds
    assert 0 < state.expires_seconds <= before.expires_in_seconds
    refusal(boris.acquire, 4)
    after = boris.status()
    assert after is not None
    assert (after.token, after.holder, after.lower) == (before.token, before.holder, ())
    assert anna.renew(6).journal_seq == 6


def a_host_that_hangs_is_unknown_within_the_deadline(
    server: Server, suspend: Callable[[], None], resume: Callable[[], None]
) -> None:
    """Silence is no answer: not held, not lost."""
    anna, boris = server.lease("hung"), server.lease("hung", "boris")
    anna.acquire()
    refusal(boris.acquire, 4)
    suspend()
    try:
        for call in (anna.check, anna.renew, anna.release, anna.status, boris.acquire, boris.takeover):
            started = time.monotonic()
            refused = refusal(lambda call=call: call(seconds=1.0), 3)  # type: ignore[misc]
            assert time.monotonic() - started < 1.5
            assert "nobody knows who holds the lease" in refused.fix
    finally:
        resume()
    # What was sent while it hung may still be done: the release, for one.
    assert wait_until(lambda: anna.status(), 20).generation == 1


def a_taking_nobody_answered_is_unknown_until_the_host_wakes(
    server: Server, suspend: Callable[[], None], resume: Callable[[], None]
) -> None:
    """The table may be made later: it counts then, and whoever tried goes on from there."""

    class Unlucky(Lease):
        """The host hangs between the question who has the lease and the attempt to take it."""

        def _take(self, before: LeaseStatus | None, seconds: float) -> Taken:
            suspend()
            return super()._take(before, seconds)

    host = server.host()
    me = server.lease("unlucky").me
    unlucky = Unlucky(host, DATABASE, "unlucky", me, SystemClock())
    try:
        assert "nobody knows" in refusal(lambda: unlucky.acquire(1.0), 3).fix
        refusal(unlucky.check, 4)
    finally:
        resume()
    boris = server.lease("unlucky", "boris")
    status = wait_until(boris.status, 20)
    assert (status.generation, status.holder) == (1, "anna@here pid 1")
    refusal(boris.acquire, 4)
    again = server.lease("unlucky")
    assert again.acquire().lower == (1,)
    assert again.check().highest == 2


def a_heartbeat_keeps_a_lease_until_it_is_lost(server: Server) -> None:
    """Signs of life outlast the time to live; once another has the lease they end, and say so."""
    anna, boris = server.lease("beat", ttl_seconds=3), server.lease("beat", "boris")
    anna.acquire()
    told = iter(range(1, 1000))
    heartbeat = Heartbeat(anna, lambda: next(told))
    heartbeat.start()
    until = time.monotonic() + 5
    while time.monotonic() < until:
        assert anna.check().expires_seconds > 0
        time.sleep(0.1)
    assert anna.check().journal_seq >= 5
    assert heartbeat.trouble is None
    boris.takeover(forced=True)
    assert wait_until(lambda: heartbeat.trouble, 5).exit_code == 4
    before = boris.check()
    heartbeat.stop()
    assert boris.check().highest == before.highest == 2


def tables_that_are_no_leases_are_told(server: Server) -> None:
    """A foreign table under a lease's name: nothing is taken over it in silence, and its text is not trusted."""
    anna = server.lease("foreign")
    server.query(f"CREATE TABLE {DATABASE}.chtui_lease_foreign_1 (x UInt8) ENGINE = MergeTree ORDER BY x")
    for call in (anna.acquire, anna.takeover):
        assert refusal(call, 1).what == "a table of a lease's name is no lease: chtui_lease_foreign_*"
    server.query(f"DROP TABLE {DATABASE}.chtui_lease_foreign_1")
    server.query(
        f"CREATE TABLE {DATABASE}.chtui_lease_foreign_1 (until DateTime, is_released UInt8, journal_seq UInt64) "
        "ENGINE = MergeTree ORDER BY until"
    )
    refused = refusal(anna.acquire, 4)
    assert "somebody unknown holds the lease" in refused.what
    assert anna.takeover(forced=True).lower == (1,)
    server.query(f"CREATE TABLE {DATABASE}.chtui_lease_foreign_x (x UInt8) ENGINE = MergeTree ORDER BY x")
    server.query(f"CREATE TABLE {DATABASE}.chtui_lease_foreign_7_8 (x UInt8) ENGINE = MergeTree ORDER BY x")
    assert anna.check().highest == 2
