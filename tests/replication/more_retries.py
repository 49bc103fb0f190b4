"""Rows v1 has more than once and v2 is to have once, into Replicated tables on 18.16."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from chtui.demo.selftest.oracle import clean, prepare
from chtui.migrate import drill, facts, journal, layout, verify
from chtui.migrate.drill import Kind
from chtui.migrate.verification import State
from tests.engine.collapsing import Case, assert_once, retry
from tests.rigs import migrating
from tests.rigs.faults_rigs import asking, replicated_case
from tests.rigs.fixtures import ReplicatedCluster

SHARDS = ((0, 1), (2, 3))


@pytest.fixture
def case(replicated_cluster: ReplicatedCluster, tmp_path: Path) -> Iterator[Case]:
    found = replicated_case(replicated_cluster, tmp_path, "rretried")
    yield Case(**{field.name: getattr(found, field.name) for field in fields(migrating.Case)})
    clean(found, asking(replicated_cluster), 4)


def test_equal_rows_come_once(case: Case, replicated_cluster: ReplicatedCluster) -> None:
    ask = asking(replicated_cluster)
    prepare(case, ask)
    retry(case, ask)
    assert case.start().wait(120) == 0, case.output()
    collapsed = assert_once(case, ask, SHARDS)
    assert collapsed > 0
    _, events = journal.read(case.name, directory=Path(case.directory) / "run")
    known = facts.of(events)
    assert known.collapsed == {"events": collapsed}
    hosts = case.hosts()
    try:
        ground = layout.lay_out(case.spec(), hosts)
        found = verify.run(ground)
        assert (found.state, found.failures) == (State.EQUAL, ())
        assert [each.collapsed_rows for each in found.totals] == [collapsed, 0]
        ask(
            3,
            f"INSERT INTO {case.target_database}.events_local SELECT * FROM {case.target_database}.events_local LIMIT 1",
        )
        wrong = [
            hour
            for hour in verify.run(ground, tables=["events"]).differing
            if hour.host.port == hosts.targets[3].id.port
        ]
        ((minute,),) = [drill.down(ground, hour).minutes for hour in wrong]
        assert minute.rows == {Kind.DUPLICATED: 1}
    finally:
        hosts.close()
