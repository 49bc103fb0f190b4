"""The hosts of a cluster and how they answer. No lane is used: nothing is connected to."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from chtui.errors import ConnectError, DeadlineError, UsageError
from chtui.fleet.cache import AddressCache
from chtui.fleet.capabilities import Capabilities, grants_show_all
from chtui.fleet.fleet import Fleet
from chtui.fleet.lane import Outcome
from chtui.fleet.link import Link
from chtui.profile.endpoint import Endpoint
from chtui.records import ClusterReplica, HostId, HostState
from tests.unit.hand import NOW, A, B, C, D, HandClock, cluster, profile, replica

FOUR = (replica(A, 1, 1), replica(B, 1, 2), replica(C, 2, 1), replica(D, 2, 2))
HUNG = DeadlineError("no answer within 2 s")
MISMATCH = ConnectError("mismatch", "the server there is ch4.example:9000, not ch1.example:9000")


class Bench:
    """A fleet, its clock and its seed."""

    def __init__(self, directory: Path, **changes: Any) -> None:
        self.clock = HandClock()
        self.directory = directory
        self.changes = changes
        self.ended: list[Outcome] = []
        self.fleet = Fleet(
            profile(**changes), self.clock, 1.0, self.ended.append, AddressCache("test", directory)
        )
        self.seed = self.fleet.seed_link(self.fleet.seed_endpoints()[0])

    def find(self, *replicas: ClusterReplica, seed: Link | None = None) -> None:
        self.fleet.found(cluster(*replicas), seed or self.seed)

    def answer(self, *hosts: HostId, seconds: float = 0.004) -> list[bool]:
        return [self.fleet.answered(self.fleet.targets[host], seconds, "26.9.2.1") for host in hosts]

    def fail(self, host: HostId, error: ConnectError | DeadlineError = HUNG) -> None:
        self.fleet.failed(self.fleet.targets[host], error)

    @property
    def states(self) -> dict[HostId, HostState]:
        return {status.id: status.state for status in self.fleet.statuses()}

    @property
    def addresses(self) -> dict[HostId, str]:
        return {status.id: status.address for status in self.fleet.statuses()}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_topology_makes_the_hosts(bench: Bench) -> None:
    bench.find(*FOUR)
    first = bench.fleet.statuses()[0]
    assert [status.id for status in bench.fleet.statuses()] == [A, B, C, D]
    assert [(status.shard_num, status.replica_num) for status in bench.fleet.statuses()] == [
        (1, 1),
        (1, 2),
        (2, 1),
        (2, 2),
    ]
    assert (first.state, first.address, first.since, first.version) == (
        HostState.CONNECTING,
        "ch1.example:8123",
        None,
        "",
    )
    assert first.sees_all_tables is None
    assert bench.fleet.clusters == ("c",)


def test_a_host_in_two_shards_is_one_host_of_the_first(bench: Bench) -> None:
    bench.find(replica(A, 1, 1), replica(B, 1, 2), replica(B, 2, 1), replica(A, 2, 2))
    assert [(status.id, status.shard_num) for status in bench.fleet.statuses()] == [(A, 1), (B, 1)]


def test_a_cluster_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    bench = Bench(tmp_path, cluster="nope")
    with pytest.raises(UsageError, match="'nope' does not exist"):
        bench.find(*FOUR)
    assert bench.fleet.cluster is None


def test_a_seed_that_knows_itself_keeps_its_connection(bench: Bench) -> None:
    bench.find(replica(A, 1, 1), replica(B, 1, 2, local=True))
    assert bench.fleet.targets[B].link is bench.seed
    assert (bench.seed.host, bench.seed.cluster, bench.seed.address.origin) == (B, "c", "proven")
    assert bench.addresses == {A: "ch1.example:8123", B: "seed.example:8123"}


def test_a_seed_that_recognises_two_hosts_proves_nothing(bench: Bench) -> None:
    bench.find(replica(A, 1, 1, local=True), replica(B, 1, 2, local=True))
    assert all(target.link is not bench.seed for target in bench.fleet.targets.values())


def test_statuses_after_answers_and_failures(bench: Bench) -> None:
    bench.find(*FOUR)
    assert bench.answer(A, B) == [True, True]
    assert bench.answer(A, seconds=1.5) == [False]
    bench.fail(C)
    bench.fail(D, ConnectError("refused", "connection refused", where="ch4.example:8123"))
    assert bench.states == {A: HostState.SLOW, B: HostState.UP, C: HostState.HUNG, D: HostState.REFUSED}
    up, last = bench.fleet.statuses()[1], bench.fleet.statuses()[3]
    assert (up.version, up.answered_at, up.round_trip_seconds, up.error) == ("26.9.2.1", NOW, 0.004, "")
    assert (last.error, last.answered_at) == ("connection refused", None)


def test_a_failure_keeps_when_the_host_last_answered_and_a_return_is_told(bench: Bench) -> None:
    bench.find(*FOUR)
    bench.answer(A)
    bench.clock.seconds += 30
    bench.fail(A)
    status = bench.fleet.statuses()[0]
    assert (status.answered_at, status.since) == (NOW, bench.clock.now())
    assert bench.fleet.targets[A].link.is_hung
    assert bench.answer(A) == [True]
    assert not bench.fleet.targets[A].link.is_hung


def test_an_answer_of_another_host_is_a_state(bench: Bench) -> None:
    bench.find(*FOUR)
    bench.fail(A, MISMATCH)
    assert bench.states[A] is HostState.MISMATCH
    assert str(bench.states[A]) == "answers as another host"
    assert not bench.fleet.targets[A].link.is_hung


def test_late_data_make_a_host_slow(bench: Bench) -> None:
    bench.find(*FOUR)
    bench.answer(A)
    bench.fleet.targets[A].late["disks"] = "disks: no answer within 10 s"
    assert (bench.fleet.statuses()[0].state, bench.fleet.statuses()[0].error) == (
        HostState.SLOW,
        "disks: no answer within 10 s",
    )
    bench.fail(A)
    assert bench.states[A] is HostState.HUNG


def test_capabilities_show_in_the_status(bench: Bench) -> None:
    bench.find(*FOUR)
    bench.fleet.targets[A].link.capabilities = Capabilities((26, 9), 1, False)
    assert (bench.fleet.statuses()[0].sees_all_tables, bench.fleet.statuses()[0].readonly_level) == (False, 1)


def test_a_peer_is_missing_once_it_is_known_not_to_answer(bench: Bench) -> None:
    bench.find(*FOUR)
    assert not bench.fleet.peer_missing(A)
    bench.answer(A, C)
    assert not bench.fleet.peer_missing(A)
    bench.fail(B)
    assert bench.fleet.peer_missing(A)
    assert not bench.fleet.peer_missing(B)
    assert not bench.fleet.peer_missing(C)
    bench.answer(B)
    assert not bench.fleet.peer_missing(A)


def test_a_host_that_joins_or_leaves(bench: Bench) -> None:
    bench.find(replica(A, 1, 1), replica(B, 1, 2))
    bench.answer(A, B)
    kept = bench.fleet.targets[A]
    bench.find(replica(A, 1, 1), replica(C, 1, 2))
    assert bench.states == {A: HostState.UP, C: HostState.CONNECTING}
    assert bench.fleet.targets[A] is kept
    assert set(bench.fleet.targets) == {A, C}


def test_hosts_are_in_the_order_of_shard_and_replica_after_a_change(bench: Bench) -> None:
    bench.find(replica(A, 1, 1), replica(C, 2, 1))
    bench.find(replica(A, 1, 1), replica(B, 1, 2), replica(C, 2, 1))
    assert [status.id for status in bench.fleet.statuses()] == [A, B, C]


def test_a_host_that_moved_to_another_shard_is_shown_there(bench: Bench) -> None:
    bench.find(replica(A, 1, 1), replica(B, 1, 2))
    bench.answer(A, B)
    bench.find(replica(A, 1, 1), replica(B, 2, 1))
    moved = bench.fleet.statuses()[1]
    assert (moved.id, moved.shard_num, moved.replica_num, moved.state) == (B, 2, 1, HostState.UP)


def test_what_comes_late_from_a_host_that_left_changes_nothing(bench: Bench) -> None:
    bench.find(replica(A, 1, 1), replica(B, 1, 2))
    gone = bench.fleet.targets[B]
    bench.find(replica(A, 1, 1))
    bench.fleet.failed(gone, HUNG)
    bench.fleet.answered(gone, 0.1, "26.9.2.1")
    assert bench.states == {A: HostState.CONNECTING}


def test_a_guessed_address_is_corrected_by_what_peers_tell(bench: Bench) -> None:
    bench.find(*FOUR)
    bench.answer(A, B)
    assert not bench.fleet.correctable()
    bench.fail(C, MISMATCH)
    assert bench.fleet.correctable()
    rows = [(1, "ch1", 9000, 8001), (2, "ch2", 9000, 8002), (3, "ch3", 9000, 8003), (4, "ch4", 9000, 8123)]
    assert bench.fleet.correct(rows) == [C]
    assert bench.addresses[C] == "ch3.example:8003"
    assert bench.addresses[A] == "ch1.example:8123"
    assert bench.states[C] in (HostState.MISMATCH, HostState.CONNECTING)
    assert bench.fleet.targets[C].liveness.state is HostState.CONNECTING


def test_an_address_of_the_profile_is_never_corrected(tmp_path: Path) -> None:
    bench = Bench(tmp_path, http_addresses=MappingProxyType({str(A): "told.example:1"}))
    bench.find(replica(A, 1, 1))
    bench.fail(A, MISMATCH)
    assert not bench.fleet.correctable()
    assert bench.fleet.correct([(1, "ch1", 9000, 8001)]) == []
    assert bench.addresses[A] == "told.example:1"


def test_proven_addresses_are_kept_and_lead_on_when_the_seed_is_gone(bench: Bench) -> None:
    bench.find(*FOUR)
    bench.fail(D, MISMATCH)
    bench.answer(A, B)
    bench.fleet.remember()
    again = Bench(bench.directory)
    assert again.fleet.seed_endpoints() == [
        Endpoint("seed.example", 8123),
        Endpoint("ch1.example", 8123),
        Endpoint("ch2.example", 8123),
    ]
    again.find(*FOUR)
    assert [again.fleet.targets[host].link.address.origin for host in (A, C)] == ["cache", "seed port"]
    assert again.fleet.notes == ()


def test_a_cache_of_rubbish_is_no_seed(tmp_path: Path) -> None:
    AddressCache("test", tmp_path).save({"a:1": "http://[nonsense", "b:2": "good.example:2"})
    assert [str(seed) for seed in Bench(tmp_path).fleet.seed_endpoints()] == [
        "seed.example:8123",
        "good.example:2",
    ]


@pytest.fixture
def gateway(tmp_path: Path) -> Bench:
    """A fleet asked through its seed."""
    made = Bench(tmp_path, access="through")
    made.find(*FOUR)
    return made


def test_through_a_gateway_there_is_one_target(gateway: Bench) -> None:
    (target,) = gateway.fleet.targets.values()
    assert target.link is gateway.seed
    assert target.hosts == (A, B, C, D)
    assert set(gateway.addresses.values()) == {""}


def test_hosts_that_do_not_answer_through_the_gateway_are_named(gateway: Bench) -> None:
    (target,) = gateway.fleet.targets.values()
    gateway.fleet.answered(target, 0.01, "")
    gateway.fleet.answered_through(target, 0.01, {A: "26.9", B: "26.9", C: "26.8"})
    assert gateway.states == {A: HostState.UP, B: HostState.UP, C: HostState.UP, D: HostState.DOWN}
    assert [status.version for status in gateway.fleet.statuses()] == ["26.9", "26.9", "26.8", ""]
    assert gateway.fleet.statuses()[3].error == "did not answer through seed.example:8123"
    assert gateway.fleet.peer_missing(C)
    assert gateway.fleet.host_of(3, "ch3", 9000) == C
    assert gateway.fleet.host_of(9, "ch9", 9000) is None


def test_a_gateway_that_fails_blinds_all_hosts(gateway: Bench) -> None:
    (target,) = gateway.fleet.targets.values()
    gateway.fleet.answered_through(target, 0.01, dict.fromkeys((A, B, C, D), "26.9"))
    gateway.fleet.failed(target, HUNG)
    assert set(gateway.states.values()) == {HostState.HUNG}
    assert {status.answered_at for status in gateway.fleet.statuses()} == {NOW}


def test_a_topology_change_through_a_gateway(gateway: Bench) -> None:
    gateway.find(replica(A, 1, 1), replica(B, 1, 2))
    (target,) = gateway.fleet.targets.values()
    assert target.hosts == (A, B)
    assert list(gateway.states) == [A, B]
    assert not gateway.fleet.correctable()


def test_closing_and_seeing_use_no_lane(bench: Bench) -> None:
    bench.find(*FOUR)
    bench.fleet.statuses()
    bench.fleet.close()
    assert bench.ended == []


@pytest.mark.parametrize(
    ("grants", "sees"),
    [
        (["GRANT SELECT ON *.* TO u"], True),
        (["GRANT INSERT, SHOW TABLES ON *.* TO u"], True),
        (["GRANT ALL ON *.* TO u WITH GRANT OPTION"], True),
        (["GRANT SELECT ON db.* TO u", "GRANT INSERT ON *.* TO u"], False),
        (["GRANT SHOW DATABASES ON *.* TO u"], False),
        ([], False),
    ],
)
def test_grants_that_show_every_table(grants: list[str], sees: bool) -> None:
    assert grants_show_all(grants) is sees
