"""A migration into Replicated tables, ON CLUSTER, through the loss of processes, of Keeper and of the network."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from chtui.demo.selftest.oracle import prepare
from chtui.demo.selftest.points import SHARDS, STAGES, Blow
from tests.faults.comparing import assert_exact
from tests.faults.test_migration_faults import CASE_SECONDS, finish
from tests.replication.test_migrate_schema import dropped
from tests.rigs.faults_rigs import asking, replicated_case
from tests.rigs.fixtures import ReplicatedCluster
from tests.rigs.migrating import Case
from tests.support import wait_until


def gone(rig: ReplicatedCluster, case: Case) -> None:
    """Drop both databases everywhere, with what renamed tables leave behind on 18.16."""
    for node in rig.servers.nodes:
        dropped(rig, node, case.target_database)
        dropped(rig, node, case.source_database)


def test_nothing_befalls_it(replicated_cluster: ReplicatedCluster, tmp_path: Path) -> None:
    case, query = replicated_case(replicated_cluster, tmp_path, "rcalm"), asking(replicated_cluster)
    prepare(case, query)
    assert finish(case) == 1
    assert_exact(case, query, SHARDS)
    gone(replicated_cluster, case)


@pytest.mark.parametrize(("stage", "point"), [("copy", "sent"), ("publish", "done")])
def test_the_wizard_is_killed(
    replicated_cluster: ReplicatedCluster, tmp_path: Path, stage: str, point: str
) -> None:
    name = f"rw{STAGES.index(stage)}_{point}"
    case = replicated_case(replicated_cluster, tmp_path, name, blows=(Blow(stage, point, 2),))
    query = asking(replicated_cluster)
    prepare(case, query)
    assert finish(case) == 2
    assert_exact(case, query, SHARDS)
    gone(replicated_cluster, case)


@pytest.mark.parametrize("stage", ["publish"])
def test_a_target_replica_is_killed(
    replicated_cluster: ReplicatedCluster, tmp_path: Path, stage: str
) -> None:
    node = replicated_cluster.servers.nodes[2]
    case = replicated_case(
        replicated_cluster,
        tmp_path,
        f"rt{STAGES.index(stage)}",
        blows=(Blow(stage, "sent", 2, [node.process.pid]),),
    )

    def heal() -> None:
        replicated_cluster.heal()

    befall(replicated_cluster, case, heal)


def test_keeper_loses_its_leader(replicated_cluster: ReplicatedCluster, tmp_path: Path) -> None:
    leader = replicated_cluster.zookeeper.leader()
    case = replicated_case(
        replicated_cluster, tmp_path, "rk", blows=(Blow("publish", "sent", 1, [leader.process.pid]),)
    )
    befall(replicated_cluster, case, replicated_cluster.heal)


def test_a_host_is_cut_off(replicated_cluster: ReplicatedCluster, tmp_path: Path) -> None:
    """The forwarder of one host drops every connection, in the middle of whatever was asked."""
    case = replicated_case(
        replicated_cluster, tmp_path, "rcut", blows=(Blow("copy", "sent", 4, signal=signal.SIGCONT),)
    )
    forwarder = replicated_cluster.forwarders[3]
    befall(replicated_cluster, case, forwarder.restore, forwarder.cut)


def befall(
    rig: ReplicatedCluster,
    case: Case,
    heal: Callable[[], object],
    strike: Callable[[], object] = lambda: None,
) -> None:
    """Run the case; when its fault has struck, strike too, heal after a while, and see that every row is there once."""
    query = asking(rig)
    prepare(case, query)
    process = case.start()
    try:
        wait_until(case.fired.exists, 60, "the fault")
        strike()
        time.sleep(3)  # the run goes on meanwhile, as far as it can
        heal()
        assert process.wait(CASE_SECONDS) == 0, case.output()
    finally:
        process.kill()
        rig.heal()
    assert_exact(case, query, SHARDS)
    gone(rig, case)
