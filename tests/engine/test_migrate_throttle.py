"""What holds a migration up, seen on servers that suffer: every reason names host, figure and limit, and goes away again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from chtui.errors import MigrateError
from chtui.migrate import hosts, spec_file
from chtui.migrate.progress import Progress
from chtui.migrate.throttle import Throttle, probe
from chtui.records import HostId
from tests.rigs.migrating import SPEC
from tests.support import CLUSTER, ModernRig, replace, wait_until

NAME = "throttled"


class Watched:
    """A throttle that looks when it is told to."""

    def __init__(self, rig: ModernRig) -> None:
        source = HostId("127.0.0.1", rig.ports[0])
        spec = spec_file.read(SPEC)
        self.spec = replace(
            spec,
            source=replace(spec.source, host=source, database=f"{NAME}_v1"),
            target=replace(spec.target, database=f"{NAME}_v2"),
        )
        self.hosts = hosts.connect(rig.effective("admin").profile, CLUSTER, source)
        self.progress = Progress(NAME, self.spec.limits)
        self.throttle = Throttle(self.spec, self.hosts, self.progress, every_seconds=0.2)

    def reasons(self, **limits: Any) -> tuple[str, ...]:
        """Why the run is held up with these limits."""
        self.progress.limit(limits)
        self.throttle.look()
        return self.progress.status().reasons


@pytest.fixture
def watched(modern: ModernRig) -> Iterator[Watched]:
    found = Watched(modern)
    for server in range(4):
        modern.query(server, f"CREATE DATABASE {NAME}_v2")
        modern.query(server, f"CREATE TABLE {NAME}_v2.events_local (x UInt8) ENGINE = MergeTree ORDER BY x")
    modern.query(0, f"CREATE DATABASE {NAME}_v1")
    modern.query(0, f"CREATE TABLE {NAME}_v1.events (x UInt8) ENGINE = MergeTree ORDER BY x")
    modern.query(0, f"INSERT INTO {NAME}_v1.events VALUES (1)")
    try:
        yield found
    finally:
        modern.heal()
        found.hosts.close()
        for server in range(4):
            for database in ("v1", "v2"):
                modern.query(server, f"DROP DATABASE IF EXISTS {NAME}_{database} SYNC")


def test_healthy_servers_hold_nothing_up(watched: Watched) -> None:
    assert watched.reasons(free_space_ratio=0.001) == ()
    assert watched.throttle.notes == []


def test_parts(watched: Watched, modern: ModernRig) -> None:
    modern.query(2, f"SYSTEM STOP MERGES {NAME}_v2.events_local")
    for _ in range(3):
        modern.query(2, f"INSERT INTO {NAME}_v2.events_local VALUES (1)")
    assert watched.reasons(parts_per_partition=3) == (
        f"127.0.0.1:{modern.ports[2]}: 3 parts in partition all of events_local, the limit is 3",
    )
    assert watched.reasons(parts_per_partition=4) == ()


def test_room_on_v1_holds_snapshots_alone_and_room_on_targets_everything(
    watched: Watched, modern: ModernRig
) -> None:
    reasons = watched.reasons(free_space_ratio=0.99)
    assert len(reasons) == 5
    for reason in reasons:
        assert re.search(r": [\d.]+ ?% of disk \w+ is free \([\d.]+ \wiB\), the limit is 99 ?%", reason), (
            reason
        )
    assert reasons[-1].startswith(f"127.0.0.1:{modern.ports[0]}: ")
    assert reasons[-1].endswith("; no snapshot of v1 is taken")
    for host in watched.hosts.targets:
        watched.progress.hold(f"{host.id} disks", "")
    watched.progress.gate("copy")
    assert watched.progress.status().held_up_by == reasons[-1]


def test_slow_queries_of_others(watched: Watched, modern: ModernRig) -> None:
    def slow() -> tuple[str, ...]:
        # Quick ones of the minute before, of whoever used the rig, may outnumber it at first.
        for _ in range(5):
            modern.query(1, "SELECT sleep(0.3)", user="oncall")
        modern.query(1, "SYSTEM FLUSH LOGS")
        return watched.reasons(query_p95_seconds=0.2)

    (reason,) = wait_until(slow, 90, "the reason")
    assert reason.startswith(f"127.0.0.1:{modern.ports[1]}: SELECTs of the last minute took 0.3")
    assert reason.endswith("the limit is 0.2 s")
    assert watched.reasons(query_p95_seconds=20.0) == ()
    assert watched.reasons(query_p95_seconds=0.0) == ()


def test_a_probe(watched: Watched, modern: ModernRig) -> None:
    port = modern.http_ports[0]
    assert probe(f"http://127.0.0.1:{port}/ping") == ""
    (reason,) = watched.reasons(probe_url=f"http://127.0.0.1:{port}/nowhere")
    assert reason == f"the probe http://127.0.0.1:{port}/nowhere answers 404, not 2xx"
    (reason,) = watched.reasons(probe_url="http://127.0.0.1:1/")
    assert reason.startswith("the probe http://127.0.0.1:1/ fails: ")
    assert watched.reasons(probe_url="") == ()


def test_a_host_that_hangs(watched: Watched, modern: ModernRig) -> None:
    modern.nodes[3].suspend()
    watched.throttle.start()
    reason = wait_until(lambda: watched.progress.status().held_up_by, 40, "a reason")
    assert reason.startswith(f"127.0.0.1:{modern.ports[3]} does not answer: ")
    modern.nodes[3].resume()
    wait_until(lambda: not watched.progress.status().held_up_by, 40, "an answer")
    watched.throttle.stop()


def test_what_ends_takes_its_reasons_along(watched: Watched) -> None:
    watched.progress.limit({"free_space_ratio": 0.99})
    watched.throttle.start()
    wait_until(lambda: watched.progress.status().reasons, 20, "reasons")
    watched.progress.end("enough")
    with pytest.raises(MigrateError, match="enough"):
        watched.progress.gate("copy")
    watched.throttle.stop()
    assert watched.progress.status().reasons == ()
