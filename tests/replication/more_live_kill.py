"""A migration into Replicated tables while writers go on, its wizard killed: name this file to pytest to run it."""

from __future__ import annotations

from pathlib import Path

import pytest

from chtui.demo.selftest.oracle import prepare
from chtui.demo.selftest.points import Blow
from tests.faults.living import assert_exact, sealed
from tests.replication.test_migration_faults import gone
from tests.rigs.faults_rigs import asking, replicated_case
from tests.rigs.fixtures import ReplicatedCluster
from tests.rigs.writing import writing

EXACT_SECONDS = 180.0


@pytest.mark.timeout(600)
def test_the_wizard_is_killed_while_rows_are_added(
    replicated_cluster: ReplicatedCluster, tmp_path: Path
) -> None:
    case = replicated_case(replicated_cluster, tmp_path, "rl_delta", blows=(Blow("delta", "event"),))
    query = asking(replicated_cluster)
    prepare(case, query)
    with writing(case, query, 4) as writers, sealed(case) as starts:
        assert starts == 2
        # What is sent twice 18.16 takes once, and v1 has it twice: the run goes on bringing what lacks.
        assert_exact(case, query, writers, EXACT_SECONDS)
    gone(replicated_cluster, case)
