"""The cutover on 18.16: what reads v1 by its text, rows copied back, readers moved, the gate over Replicated tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chtui.demo.selftest.oracle import EVENTS_V1, EVENTS_V2, clean, rows_of
from chtui.errors import MigrateError
from chtui.migrate import facts
from chtui.migrate.cutover import copy_back, gate, readers, retention, switch
from chtui.migrate.cutover.readers import Verdict
from chtui.migrate.cutover.switch import Timing
from tests.engine.moving import Services
from tests.engine.standing import Standing, start
from tests.rigs.faults_rigs import asking, replicated_case
from tests.rigs.fixtures import ReplicatedCluster
from tests.support import wait_until

FAST = Timing(checks=2, every_seconds=0.2, quiet_seconds=3.0, most_seconds=40.0)


@pytest.fixture
def standing(replicated_cluster: ReplicatedCluster, tmp_path: Path) -> Iterator[Standing]:
    case, asked = replicated_case(replicated_cluster, tmp_path, "rcutover"), asking(replicated_cluster)
    clean(case, asked, 4)
    try:
        # What a start that failed left behind would stand in the way of every other test of these servers.
        found = start(case, asked, tmp_path / "run")
        yield found
        found.close()
    finally:
        replicated_cluster.heal()
        clean(case, asked, 4)


def nobody(_: str) -> bool:
    return False


def test_readers_are_found_compared_and_moved(standing: Standing) -> None:
    standing.query(0, "SELECT count(), sum(value) FROM v1.events WHERE id != '3'")
    standing.query(0, "SELECT countIf(kind = 'Red') FROM v1.events")
    found = readers.look(standing.stand)
    mine = {
        each.verdict: each.why for each in found.readers if "rcutover_v1" in each.text and each.queries == 1
    }
    assert mine[Verdict.EQUAL] == ""
    assert "in v2 kind has no 'Red'" in mine[Verdict.UNKNOWN_VALUE]

    def read(version: str) -> None:
        standing.query(1 if version == "v2" else 0, f"SELECT count() FROM {version}.clicks")

    with Services(read, lambda *_: None) as services:
        there = standing.with_hooks(**services.hooks)
        look = gate.look(there.stand)
        states = {check.name: check for check in look.checks}
        assert states["replicas"].ok, states["replicas"]
        assert "cannot be compared by SQL" in states["rights"].evidence
        assert states["rights"].ok
        assert states["hours"].ok
        # Whoever else has asked this server in its life is accepted.
        names = [finding.name for finding in look.open if finding.name.startswith("query ")]
        assert {finding.name for finding in look.open} == set(names)
        switch.cutover(there.stand, nobody, timing=FAST, force_names=names)
        assert standing.facts.reads == "v2"
        switch.rollback(there.stand, nobody, timing=FAST)
        assert standing.facts.reads == "v1"


def test_rows_come_back_to_v1(standing: Standing) -> None:
    at = standing.query(0, "SELECT toUnixTimestamp(now()) - 600")
    first = 2 * int(standing.query(0, "SELECT cityHash64('lost') % 2"))
    standing.query(
        first,
        "INSERT INTO v2.events_local (ts, id, kind, value, note) "
        f"SELECT toDateTime({at}) + number, 'lost', 'green', number / 4, NULL FROM numbers(50)",
    )
    count = "SELECT count() FROM v2.events_local WHERE id = 'lost'"
    wait_until(lambda: standing.query(first + 1, count) == "50", 30, "the rows on the other replica")
    found = copy_back.run(standing.stand, standing.now() - 660)
    assert {each.table: each.rows for each in found} == {"events": 50, "clicks": 0}
    assert {each.rows for each in copy_back.run(standing.stand, standing.now() - 660)} == {0}
    one = rows_of(standing.ask, 0, EVENTS_V1, standing.case.source_database)
    assert one == rows_of(standing.ask, 0, EVENTS_V2, standing.case.target_database, "events")


def test_what_this_version_cannot_is_refused(standing: Standing) -> None:
    events, clicks = standing.stand.ground.spec.tables
    expiring = standing.with_spec(tables=(replace(events, expires="day + 30"), clicks))
    with pytest.raises(MigrateError, match="this version has no TTL"):
        retention.expire(expiring.stand, "events")
    assert standing.kinds(facts.EXPIRING) == []
    assert {"events_ingest", "events_unsealed"} <= set(retention.cleanup(standing.stand))
