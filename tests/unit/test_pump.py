"""What the pump does with calls that outlive what they were for. The clock is moved by hand; hosts never answer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType

import pytest

from chtui.fleet.cache import AddressCache
from chtui.fleet.fleet import Fleet
from chtui.monitor.pump import Pump
from chtui.monitor.scheduler import Scheduler
from chtui.monitor.store import Store
from chtui.profile.model import Intervals, Thresholds
from chtui.records import HostState
from tests.rigs.impostors import SilentServer
from tests.unit.hand import A, B, HandClock, cluster, profile, replica


class Bench:
    """A pump whose hosts are all one silent server."""

    def __init__(self, server: SilentServer, directory: Path) -> None:
        self.clock = HandClock()
        self.store = Store()
        addresses = {str(host): f"{server.host}:{server.port}" for host in (A, B)}
        told = profile(http_addresses=MappingProxyType(addresses))
        self.pump = Pump(
            lambda ended: Fleet(told, self.clock, 1.0, ended, AddressCache("test", directory)),
            Scheduler(Intervals()),
            self.store,
            self.clock,
            Thresholds(),
        )
        self.fleet = self.pump.fleet
        self.fleet.found(cluster(replica(A, 1, 1), replica(B, 1, 2)), self.fleet.seed_link(told.seeds[0]))

    def step(self, seconds: float = 0.0) -> None:
        self.clock.seconds += seconds
        self.pump.step(0.0)

    @property
    def states(self) -> dict[str, HostState]:
        return {str(status.id): status.state for status in self.fleet.statuses()}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Two hosts that accept connections and never answer."""
    with SilentServer() as server:
        made = Bench(server, tmp_path)
        yield made
        made.fleet.close()


def test_a_host_that_does_not_answer_hangs_when_its_deadline_has_passed(bench: Bench) -> None:
    bench.step()
    bench.step(1.9)
    assert set(bench.states.values()) == {HostState.CONNECTING}
    bench.step(0.2)
    assert set(bench.states.values()) == {HostState.HUNG}
    sample = bench.store.get(A, "host_state")
    assert sample is not None
    assert sample.error == "ch1.example:9000: no answer within 2 s"


def test_a_hung_host_is_asked_again_after_its_pause(bench: Bench) -> None:
    bench.step()
    bench.step(2.1)
    failures = [target.liveness.failures for target in bench.fleet.targets.values()]
    for _ in range(40):
        bench.step(0.1)
    assert failures == [1, 1]
    assert [target.liveness.failures for target in bench.fleet.targets.values()] == [2, 2]


def test_a_host_that_left_the_cluster_with_a_call_in_flight_is_forgotten(bench: Bench) -> None:
    bench.step()
    bench.fleet.found(cluster(replica(A, 1, 1)), bench.fleet.targets[A].link)
    bench.step(2.1)
    assert bench.states == {str(A): HostState.HUNG}
    assert [host for host, _ in bench.store.at()] == [A]


def test_a_seed_that_is_not_needed_any_more_wakes_nobody(bench: Bench) -> None:
    bench.step()
    bench.fleet.seeds_left.append(profile().seeds[0])
    began = time.monotonic()
    bench.pump.step(0.3)
    assert time.monotonic() - began > 0.25
