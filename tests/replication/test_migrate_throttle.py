"""What holds a migration into Replicated tables up on 18.16, and what such a server does not tell."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chtui.migrate import hosts, spec_file
from chtui.migrate.progress import Progress
from chtui.migrate.spec import Flavour
from chtui.migrate.throttle import Throttle
from chtui.records import HostId
from tests.replication.conftest import effective_of
from tests.replication.test_migrate_schema import dropped
from tests.rigs.fixtures import ReplicatedCluster
from tests.rigs.migrating import SPEC
from tests.rigs.server_config import CLUSTER
from tests.support import replace, wait_until

DATABASE = "throttled_v2"


@pytest.fixture
def progress(replicated_cluster: ReplicatedCluster) -> Iterator[Progress]:
    """Of a migration that is watched; its tables are there."""
    servers = replicated_cluster.servers
    source = HostId("127.0.0.1", servers.nodes[0].tcp_port)
    spec = spec_file.read(SPEC)
    spec = replace(
        spec,
        source=replace(spec.source, host=source, database="default"),
        target=replace(spec.target, database=DATABASE, flavour=Flavour.REPLICATED),
        limits=replace(spec.limits, free_space_ratio=0.2),
    )
    servers.sql_on_cluster(f"CREATE DATABASE {DATABASE} ON CLUSTER {CLUSTER}")
    servers.sql_on_cluster(
        f"CREATE TABLE {DATABASE}.events_local ON CLUSTER {CLUSTER} (x UInt8) "
        f"ENGINE = ReplicatedMergeTree('/clickhouse/tables/{{shard}}/{DATABASE}/events', '{{replica}}') ORDER BY x"
    )
    found = hosts.connect(effective_of(replicated_cluster, "admin").profile, CLUSTER, source)
    made = Progress("throttled", spec.limits)
    throttle = Throttle(spec, found, made, every_seconds=0.2)
    throttle.start()
    try:
        wait_until(lambda: throttle.notes, 20, "what it cannot see")
        assert all(
            note.endswith("cannot be watched: this version does not tell what is free on its disks")
            for note in throttle.notes
        )
        yield made
    finally:
        throttle.stop()
        found.close()
        for node in servers.nodes:
            dropped(replicated_cluster, node, DATABASE)


def test_the_queue_of_a_replica_that_fetches_nothing(
    replicated_cluster: ReplicatedCluster, progress: Progress
) -> None:
    servers = replicated_cluster.servers
    first, second = servers.nodes[:2]
    assert progress.status().held_up_by == ""
    servers.query(second, "SYSTEM STOP FETCHES", "admin")
    try:
        for number in range(3):
            servers.query(first, f"INSERT INTO {DATABASE}.events_local VALUES ({number})", "admin")
        progress.limit({"queue_entries": 3})
        host = f"127.0.0.1:{second.tcp_port}"
        wanted = f"{host}: 3 entries in the replication queue of events_local, the limit is 3"
        wait_until(lambda: progress.status().reasons == (wanted,), 20, "the queue")
        progress.limit({"queue_entries": 100, "replica_delay_seconds": 2})
        behind = wait_until(lambda: progress.status().held_up_by, 20, "the delay")
        assert behind.startswith(f"{host}: ")
    finally:
        servers.query(second, "SYSTEM START FETCHES", "admin")
    wait_until(lambda: not progress.status().reasons, 30, "all is well")
