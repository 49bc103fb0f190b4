"""More of a migration into Replicated tables while writers go on: name this file to pytest to run it."""

from __future__ import annotations

from pathlib import Path

import pytest

from chtui.demo.selftest.oracle import prepare
from chtui.demo.selftest.points import Blow
from tests.faults.living import TABLES, assert_exact, sealed, so_far, under_way
from tests.replication.test_migration_faults import gone
from tests.rigs.faults_rigs import asking, replicated_case
from tests.rigs.fixtures import ReplicatedCluster
from tests.rigs.writing import writing
from tests.support import wait_until

EXACT_SECONDS = 180.0


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["", "pause_writers"])
def test_writers_go_on(replicated_cluster: ReplicatedCluster, tmp_path: Path, kind: str) -> None:
    blows = (Blow(kind, "event"),) if kind else ()
    case = replicated_case(replicated_cluster, tmp_path, f"rl_{kind[:5]}", blows=blows)
    query = asking(replicated_cluster)
    prepare(case, query)
    with writing(case, query, 4) as writers, sealed(case) as starts:
        assert starts == (2 if kind else 1)
        # What is sent twice 18.16 takes once, and v1 has it twice: the run goes on bringing what lacks.
        assert_exact(case, query, writers, EXACT_SECONDS)
    gone(replicated_cluster, case)


@pytest.mark.timeout(600)
def test_keeper_loses_its_leader(replicated_cluster: ReplicatedCluster, tmp_path: Path) -> None:
    case, query = replicated_case(replicated_cluster, tmp_path, "rl_keeper"), asking(replicated_cluster)
    prepare(case, query)
    with writing(case, query, 4) as writers, under_way(case):
        wait_until(lambda: so_far(case).watermarks, 120, "watermarks")
        replicated_cluster.zookeeper.leader().process.kill()
        replicated_cluster.heal()
        wait_until(lambda: set(so_far(case).sealed) == TABLES, 240, "the seal")
        wait_until(lambda: not so_far(case).writers_paused, 60, "writers go on")
        assert_exact(case, query, writers, EXACT_SECONDS)
    gone(replicated_cluster, case)
