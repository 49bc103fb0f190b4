"""Which probe is due on which host."""

from __future__ import annotations

from collections.abc import Collection

from chtui.fleet.link import DATA, LIVENESS
from chtui.monitor.probe import Ask
from chtui.monitor.probes import PROBES
from chtui.monitor.scheduler import Gate, Job, Scheduler, Want
from chtui.profile.model import Intervals
from chtui.records import HostId
from tests.unit.hand import A, B

ALWAYS = ["host_state", "replication_summary", "suspect_replicas"]


def gate(
    host: HostId = A,
    answers: bool = True,
    retry_at: float = 0.0,
    busy: Collection[str] = (),
    blocked: Collection[str] = (),
) -> Gate:
    return Gate(host, answers, retry_at, frozenset(busy), frozenset(blocked))


def made() -> Scheduler:
    return Scheduler(Intervals())


def due(scheduler: Scheduler, now: float, *gates: Gate) -> list[tuple[HostId, str]]:
    return [(job.host, job.probe.name) for job in scheduler.due(now, gates)]


def start(scheduler: Scheduler, now: float, *gates: Gate) -> list[str]:
    jobs = scheduler.due(now, gates)
    for job in jobs:
        scheduler.started(job, now)
    return [job.probe.name for job in jobs]


def test_a_host_that_has_not_answered_is_asked_for_its_state_only() -> None:
    assert due(made(), 100.0, gate(answers=False)) == [(A, "host_state")]


def test_each_idle_lane_of_each_host_gets_one_job() -> None:
    scheduler = made()
    assert due(scheduler, 0.0, gate(A), gate(B)) == [
        (A, "host_state"),
        (A, "replication_summary"),
        (B, "host_state"),
        (B, "replication_summary"),
    ]
    assert due(scheduler, 0.0, gate(A, busy=[LIVENESS]), gate(B, busy=[DATA])) == [
        (A, "replication_summary"),
        (B, "host_state"),
    ]
    assert due(scheduler, 0.0, gate(busy=[LIVENESS, DATA])) == []


def test_data_probes_come_one_after_another_in_their_order() -> None:
    scheduler = made()
    scheduler.want("pane", [Want("disks"), Want("parts_summary")])
    data = [start(scheduler, 0.0, gate(busy=[LIVENESS])) for _ in range(5)]
    assert data == [["replication_summary"], ["suspect_replicas"], ["parts_summary"], ["disks"], []]


def test_the_most_overdue_goes_first() -> None:
    scheduler = made()
    scheduler.started(Job(A, Ask(PROBES["replication_summary"])), 12.0)
    scheduler.started(Job(A, Ask(PROBES["suspect_replicas"])), 10.0)
    assert due(scheduler, 30.0, gate(busy=[LIVENESS])) == [(A, "suspect_replicas")]


def test_a_started_job_is_due_again_after_its_interval() -> None:
    scheduler = made()
    assert start(scheduler, 10.0, gate(busy=[DATA])) == ["host_state"]
    assert due(scheduler, 14.999, gate(busy=[DATA])) == []
    assert due(scheduler, 15.0, gate(busy=[DATA])) == [(A, "host_state")]


def test_wishes_are_of_one_host_or_of_all_and_end_with_their_owner() -> None:
    scheduler = made()
    scheduler.want("all", [Want("disks")])
    scheduler.want("one", [Want("host_tables", A)])
    assert [ask.key for ask in scheduler.wanted(A)] == [*ALWAYS, "disks", "host_tables"]
    assert [ask.key for ask in scheduler.wanted(B)] == [*ALWAYS, "disks"]
    scheduler.want("one", [Want("host_load", B)])
    assert [ask.key for ask in scheduler.wanted(A)] == [*ALWAYS, "disks"]
    scheduler.want("one", ())
    scheduler.want("all", ())
    assert [ask.key for ask in scheduler.wanted(B)] == ALWAYS


def test_two_owners_of_one_wish_ask_once() -> None:
    scheduler = made()
    scheduler.want("first", [Want("disks"), Want("disks", A)])
    scheduler.want("second", [Want("disks")])
    assert [ask.key for ask in scheduler.wanted(A)].count("disks") == 1
    scheduler.want("first", ())
    assert "disks" in [ask.key for ask in scheduler.wanted(A)]


def test_a_failing_host_is_asked_when_its_pause_is_over() -> None:
    scheduler = made()
    start(scheduler, 0.0, gate(answers=False))
    assert due(scheduler, 0.9, gate(answers=False, retry_at=1.0)) == []
    assert due(scheduler, 1.0, gate(answers=False, retry_at=1.0)) == [(A, "host_state")]
    assert due(scheduler, 9.0, gate(answers=False, retry_at=10.0)) == []


def test_while_paused_only_host_states_are_asked() -> None:
    scheduler = made()
    scheduler.paused = True
    assert due(scheduler, 0.0, gate()) == [(A, "host_state")]
    scheduler.paused = False
    assert len(due(scheduler, 0.0, gate())) == 2


def test_a_probe_whose_query_may_still_run_is_not_asked_again() -> None:
    assert due(made(), 0.0, gate(busy=[LIVENESS], blocked=["replication_summary"])) == [
        (A, "suspect_replicas")
    ]


def test_a_probe_dear_twice_running_is_asked_less_often() -> None:
    scheduler = made()
    job = Job(A, Ask(PROBES["replication_summary"]))
    scheduler.started(job, 0.0)
    scheduler.ended(job, 1.0, 1.0)
    assert scheduler.slowed(A, Ask(PROBES["replication_summary"])) is None
    scheduler.started(job, 5.0)
    scheduler.ended(job, 6.0, 0.5)
    assert scheduler.slowed(A, Ask(PROBES["replication_summary"])) == 25.0
    blocked = ["suspect_replicas"]
    assert due(scheduler, 30.9, gate(busy=[LIVENESS], blocked=blocked)) == []
    assert due(scheduler, 31.0, gate(busy=[LIVENESS], blocked=blocked)) == [(A, "replication_summary")]
    scheduler.started(job, 31.0)
    scheduler.ended(job, 31.1, 0.01)
    assert scheduler.slowed(A, Ask(PROBES["replication_summary"])) is None


def test_a_probe_within_its_share_keeps_its_interval() -> None:
    scheduler = made()
    job = Job(A, Ask(PROBES["replication_summary"]))
    for _ in range(3):
        scheduler.ended(job, 0.0, 0.1)
    assert scheduler.slowed(A, Ask(PROBES["replication_summary"])) is None
    for _ in range(2):
        scheduler.ended(job, 0.0, 0.101)
    assert scheduler.slowed(A, Ask(PROBES["replication_summary"])) == 0.101 / 0.02


def test_no_probe_waits_longer_than_ten_minutes() -> None:
    scheduler = made()
    job = Job(A, Ask(PROBES["disks"]))
    for _ in range(2):
        scheduler.ended(job, 0.0, 1000.0)
    assert scheduler.slowed(A, Ask(PROBES["disks"])) == 600.0


def test_what_is_hastened_is_due_at_once() -> None:
    scheduler = made()
    scheduler.want("pane", [Want("disks")])
    for _ in range(4):
        start(scheduler, 0.0, gate())
    assert due(scheduler, 1.0, gate()) == []
    scheduler.hasten(["disks"])
    assert due(scheduler, 1.0, gate()) == [(A, "disks")]
    scheduler.hasten()
    assert due(scheduler, 1.0, gate()) == [(A, "host_state"), (A, "replication_summary")]


def test_a_forgotten_host_is_asked_anew_and_others_are_not() -> None:
    scheduler = made()
    for _ in range(3):
        start(scheduler, 0.0, gate(A), gate(B))
    assert due(scheduler, 1.0, gate(A), gate(B)) == []
    scheduler.forget(A)
    assert {host for host, _ in due(scheduler, 1.0, gate(A), gate(B))} == {A}


def test_the_next_moment() -> None:
    scheduler = made()
    assert scheduler.next_at(7.0, [gate()]) == 7.0
    for _ in range(3):
        start(scheduler, 0.0, gate())
    assert scheduler.next_at(1.0, [gate()]) == 2.0
    assert scheduler.next_at(4.5, [gate()]) == 5.0
    assert scheduler.next_at(4.5, [gate(answers=False, retry_at=4.7)]) == 4.7
    assert scheduler.next_at(4.5, [gate(busy=[LIVENESS, DATA])]) == 5.5
    assert scheduler.next_at(4.5, []) == 5.5
    assert scheduler.next_at(50.0, [gate()]) == 50.0


def test_the_profiles_intervals_hold() -> None:
    scheduler = Scheduler(Intervals(disks=7.0))
    assert scheduler.interval(PROBES["disks"]) == 7.0
    assert {
        name: scheduler.interval(probe) for name, probe in PROBES.items() if probe.always
    } == dict.fromkeys(ALWAYS, 5.0)


def test_where_there_is_nothing_to_watch_a_probe_rests_until_it_is_hastened() -> None:
    scheduler = made()
    job = Job(A, Ask(PROBES["replication_summary"]))
    scheduler.started(job, 10.0)
    scheduler.rest(job, 70.0)
    gate_of_a = gate(busy=[LIVENESS], blocked=["suspect_replicas"])
    assert (A, "replication_summary") not in due(scheduler, 69.0, gate_of_a)
    assert (A, "replication_summary") in due(scheduler, 70.0, gate_of_a)
    scheduler.hasten(["replication_summary"])
    assert (A, "replication_summary") in due(scheduler, 11.0, gate_of_a)


def test_a_probe_is_asked_for_each_of_its_subjects_and_dropped_with_the_last_who_wants_it() -> None:
    scheduler = made()
    one, other = (Want("table_columns", args=(("database", "d"), ("table", name))) for name in ("t", "u"))
    scheduler.want("first", [one, other])
    scheduler.want("second", [one])
    keys = [ask.key for ask in scheduler.wanted(A)]
    assert keys[len(ALWAYS) :] == ["table_columns?database=d&table=t", "table_columns?database=d&table=u"]
    assert scheduler.leave("first") == {other.key}
    assert scheduler.leave("second") == {one.key}
    assert scheduler.leave("second") == set()
