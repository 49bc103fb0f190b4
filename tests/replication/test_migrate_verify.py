"""A small migration into Replicated tables on 18.16, verified, damaged, and verified again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from chtui.demo.selftest.oracle import clean, prepare
from chtui.migrate import benchmarks, drill, layout, sealed_report, verify
from chtui.migrate.drill import Kind
from chtui.migrate.layout import Ground
from chtui.migrate.spec import Benchmark
from chtui.migrate.verification import State
from tests.rigs.faults_rigs import asking, replicated_case
from tests.rigs.fixtures import ReplicatedCluster
from tests.support import wait_until

FIRST_SHARD = (0, 1)
LATE = 2
"""A replica of the second shard, which stops fetching."""


class Migrated(NamedTuple):
    """A migration that is done."""

    ground: Ground
    query: Callable[[int, str], str]
    """Asks the server of this number; `v2.` is its database."""
    folder: Path
    """The run's."""

    @property
    def ports(self) -> list[int]:
        return [host.id.port for host in self.ground.hosts.targets]

    def is_none(self, index: int, rows: str) -> bool:
        return self.query(index, f"SELECT count() FROM {rows}") == "0"


@pytest.fixture
def migrated(replicated_cluster: ReplicatedCluster, tmp_path: Path) -> Iterator[Migrated]:
    case, asked = replicated_case(replicated_cluster, tmp_path, "rverify"), asking(replicated_cluster)

    def query(index: int, text: str) -> str:
        return asked(index, re.sub(r"\bv2\.", f"{case.target_database}.", text)).rstrip("\n")

    prepare(case, asked)
    assert case.start().wait(120) == 0, case.output()
    ground = layout.lay_out(case.spec(), case.hosts())
    made = Migrated(ground, query, Path(case.directory) / "run")
    yield made
    replicated_cluster.heal()
    for index in range(4):
        # A server that hung must have a new session with Keeper before it can drop anything.
        lost = "system.replicas WHERE is_session_expired OR is_readonly"
        wait_until(partial(made.is_none, index, lost), 30, "the session with Keeper")
    ground.hosts.close()
    clean(case, asked, 4)


def test_what_was_migrated_is_equal_until_all_replicas_lose_a_row_and_a_state(migrated: Migrated) -> None:
    whole = verify.run(migrated.ground)
    assert (whole.state, whole.failures) == (State.EQUAL, ())
    assert {each.host.port for each in whole.compared} == set(migrated.ports)
    assert sum(check.keys for check in whole.aggregates) > 0
    sealed = sealed_report.read(migrated.folder / sealed_report.FILE_NAME)
    assert (sealed["exact"], len(sealed["hours"])) == ("exact", len(whole.compared))
    count = Benchmark(
        "count", "SELECT count() FROM {source_database}.events", "SELECT count() FROM {database}.events"
    )
    timed = benchmarks.run(
        migrated.ground._replace(spec=replace(migrated.ground.spec, benchmarks=(count,))), times=2
    )
    for side in (timed[0].v1, timed[0].v2):
        # This version does not tell what was read.
        assert [(each.result_rows, each.read_rows) for each in side.ran] == [(1, None)] * 2, side.error

    at, row_id, day = migrated.query(
        0,
        "SELECT toUInt32(ts), any(id), toString(any(day)) FROM v2.events_local WHERE isNull(note) AND kind = 'red' "
        "GROUP BY ts HAVING count() = 1 ORDER BY ts LIMIT 1",
    ).split("\t")
    for table, rows in (
        ("events_local", f"toUInt32(ts) = {at}"),
        ("events_daily_local", f"day = '{day}' AND kind = 'green'"),
    ):
        assert not migrated.is_none(0, f"v2.{table} WHERE {rows}")
        migrated.query(0, f"ALTER TABLE v2.{table} DELETE WHERE {rows}")
        for index in FIRST_SHARD:
            wait_until(partial(migrated.is_none, index, f"v2.{table} WHERE {rows}"), 30, "the mutation")
    found = verify.run(migrated.ground)
    assert [each.host.port for each in found.differing] == migrated.ports[:2]
    assert found.replicas_differing == ()
    for each in found.differing:
        (minute,) = drill.down(migrated.ground, each).minutes
        assert minute.minute_seconds == int(at) // 60 * 60
        assert minute.rows == {Kind.MISSING: 1}
        assert minute.examples[0].key == row_id
    wrong = [check for check in found.aggregates if check.state is State.DIFFERS]
    assert [check.host.port for check in wrong] == migrated.ports[:2]
    troubles = {key.key: key.trouble for check in wrong for key in check.examples}
    assert troubles[day, "green"] == "no states"
    assert troubles[day, "red"] in ("differs", "no rows")


def test_a_replica_that_is_behind_and_one_that_hangs(
    migrated: Migrated, replicated_cluster: ReplicatedCluster
) -> None:
    query = migrated.query
    query(LATE, "SYSTEM STOP FETCHES v2.clicks_local")
    page = query(3, "SELECT page FROM v2.clicks_local LIMIT 1")
    query(3, f"INSERT INTO v2.clicks_local (ts, page, times) VALUES (1769947200, '{page}', 1)")
    replicated_cluster.servers.nodes[1].process.suspend()
    found = verify.run(migrated.ground)
    (behind,) = found.replicas_differing
    assert (behind.table, behind.shard_num, sorted(behind.rows.values())) == ("clicks", 2, [0, 1])
    hung = migrated.ports[1]
    assert {each.state for each in found.compared if each.host.port == hung} == {State.UNKNOWN}
    assert {each.host.port for each in found.differing} == {migrated.ports[3]}
    assert found.exit_code == 1
    query(LATE, "SYSTEM START FETCHES v2.clicks_local")
