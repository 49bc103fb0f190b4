"""Readers moved to v2 and back, with real readers and writers, on ClickHouse 26.9."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chtui.errors import MigrateError
from chtui.migrate import facts
from chtui.migrate.cutover import checks, gate, switch
from chtui.migrate.cutover.switch import NOBODY_READS
from chtui.migrate.live.rounds import Rounds
from chtui.migrate.live.words import Words
from chtui.migrate.spec import Hook
from tests.engine.moving import FAST, HASTY, Services, hooked, nobody, readers_and_writers
from tests.engine.standing import Standing, assert_equal, opened
from tests.support import ModernRig, wait_until

CHECKS = ["sealed", "resolved", "report", "freshness", "hours", "spool", "replicas", "readers", "rights"]


@pytest.fixture
def standing(modern: ModernRig, tmp_path: Path) -> Iterator[Standing]:
    with opened(modern, "switched", tmp_path) as found:
        yield found


@pytest.fixture
def services(standing: Standing) -> Iterator[Services]:
    with readers_and_writers(standing) as found:
        yield found


def only(found: gate.Gate) -> dict[str, str]:
    return {finding.name: finding.what for finding in found.open}


def test_the_gate_is_open_when_all_is_well(standing: Standing) -> None:
    standing.query(0, "SELECT count() FROM v1.events WHERE ts >= now() - 3600")
    lines: list[str] = []
    found = gate.hold(standing.stand, 3, 0.1, say=lines.append)
    assert found.ok, only(found)
    assert [check.name for check in found.checks] == CHECKS
    evidence = {check.name: check.evidence for check in found.checks}
    assert evidence["sealed"] == "2 of 2 tables sealed"
    assert "clicks v1 none today" in evidence["freshness"]
    assert "2 tables compared" in evidence["hours"]
    assert "1 equal" in evidence["readers"]
    assert [line for line in lines if line.startswith("green")] == [
        "green 1 of 3",
        "green 2 of 3",
        "green 3 of 3",
    ]
    assert sum(line.startswith("query ") for line in lines) == 1, "queries are compared once"
    document = found.as_dict()
    assert document["ok"]
    assert {check["name"] for check in document["checks"]} == set(CHECKS)


def test_what_shuts_the_gate(standing: Standing) -> None:
    standing.query(
        1,
        "ALTER TABLE v2.events_local DELETE WHERE id = '17' AND ts > now() - 7000 SETTINGS mutations_sync = 1",
    )
    standing.query(
        0,
        "ALTER TABLE v2.events_local DELETE WHERE id = '17' AND ts > now() - 7000 SETTINGS mutations_sync = 1",
    )
    for index in (2, 3):
        standing.query(
            index,
            "ALTER TABLE v2.events_local DELETE WHERE id = '17' AND ts > now() - 7000 SETTINGS mutations_sync = 1",
        )
    standing.query(0, "INSERT INTO v1.clicks SELECT now() - 5, '/new', 1")
    standing.note(facts.SKIPPED, cell="events 202601 shard 1")
    told = {"path": "/nowhere", "sha256": "", "until_seconds": None, "made_at": "", "verdict": "differs"}
    standing.note(facts.REPORT, **told)
    standing.query(2, "SYSTEM STOP DISTRIBUTED SENDS v2.clicks")
    standing.query(
        2,
        "INSERT INTO v2.clicks (ts, page, times) SELECT now() - 86400 * 40, toString(number), 1 FROM numbers(20)",
    )
    standing.query(0, "SELECT countIf(kind = 'Red') FROM v1.events")
    unsealed = standing.stand._replace(facts=lambda: replace(standing.facts, sealed={"events": 1.0}))
    found = gate.look(unsealed)
    names = only(found)
    third = standing.stand.ground.hosts.targets[2].id
    assert {
        "seal of clicks",
        "skipped events 202601 shard 1",
        "hours of events",
        f"spool of clicks on {third}",
    } <= set(names)
    assert {"freshness of clicks", "report"} <= set(names)
    assert any(name.startswith("query ") for name in names)
    with pytest.raises(MigrateError, match="moving readers is not possible yet") as caught:
        gate.hold(unsealed, 3, 0.1)
    assert caught.value.exit_code == 1

    def accepted() -> bool:
        # A row may grow old enough to be missed between two looks.
        look = gate.look(unsealed._replace(facts=lambda: replace(standing.facts, sealed={"events": 1.0})))
        for name in only(look):
            standing.note(facts.ACCEPTED, name=name)
        return look.ok

    wait_until(accepted, 60, "the gate, all findings accepted")
    standing.query(2, "SYSTEM START DISTRIBUTED SENDS v2.clicks")


def test_what_v2_lacks_is_brought_over_before_the_gate_looks(standing: Standing) -> None:
    for index in range(4):
        standing.query(
            index,
            "ALTER TABLE v2.events_local DELETE WHERE id = '17' AND ts > now() - 7000 SETTINGS mutations_sync = 1",
        )
    assert "hours of events" in only(gate.look(standing.stand))
    rounds = Rounds(standing.stand, Words(standing.stand))
    brought: list[int] = []

    def bring(until: int) -> None:
        brought.append(until)
        for table in standing.stand.ground.spec.tables:
            rounds.again(table, until)

    found = gate.hold(standing.stand, 2, 0.1, bring=bring)
    assert found.ok, only(found)
    assert len(brought) == 2
    assert all(until % 60 == 0 and until <= standing.now() for until in brought)
    assert (
        f"compared up to {brought[-1]} s" in {check.name: check.evidence for check in found.checks}["hours"]
    )
    assert len(standing.kinds("repaired")) == 1, "the second time nothing lacks"
    assert_equal(standing)


def test_a_host_that_hangs_is_unknown(standing: Standing, modern: ModernRig) -> None:
    modern.nodes[3].suspend()
    found = gate.look(standing.stand)
    victim = standing.stand.ground.hosts.targets[3].id
    names = only(found)
    assert f"rights on {victim}" in names
    assert f"spool of {victim}" in names
    with pytest.raises(MigrateError) as caught:
        checks.demand(found.checks, "moving readers")
    assert caught.value.exit_code == 3
    modern.nodes[3].resume()


def test_readers_are_moved_and_moved_back(standing: Standing, services: Services) -> None:
    there = hooked(standing, services)
    wait_until(lambda: int(standing.query(0, "SELECT count() FROM v1.events WHERE id LIKE 'w%'")) > 3, 20)
    moved = switch.cutover(there.stand, nobody, timing=FAST)
    assert (moved.what, services.version) == ("reads v2", "v2")
    assert standing.facts.reads == "v2"
    assert abs((standing.facts.reads_at or 0) - standing.now()) < 10
    assert "none of the other for" in moved.seen
    back = switch.rollback(there.stand, nobody, timing=FAST)
    assert (back.what, back.copied_back, services.version) == ("reads v1", (), "v1")
    assert back.took_seconds < 15
    assert standing.facts.reads == "v1"
    assert [told["outcome"] for told in standing.kinds(facts.HOOK)] == ["begun", "done"] * 2
    assert services.errors == []
    # And forward again.
    switch.cutover(there.stand, nobody, timing=FAST)
    assert standing.facts.reads == "v2"


def test_a_hook_that_lies_is_found_out(standing: Standing, services: Services) -> None:
    services.obeys = False
    there = hooked(standing, services)
    with pytest.raises(MigrateError, match="readers were not seen to have moved to v2") as caught:
        switch.cutover(there.stand, nobody, timing=HASTY)
    assert caught.value.exit_code == 1
    assert "by admin" in caught.value.what
    assert standing.facts.reads == "v1"
    progress = there.stand.progress
    asked = threading.Thread(target=progress.errand, args=("rollback", {}, 60.0), daemon=True)
    asked.start()
    with pytest.raises(MigrateError, match="given up, for rollback was asked for"):
        switch.cutover(there.stand, nobody, timing=replace(HASTY, checks=1, most_seconds=60.0))
    errand = progress.next_errand(1)
    assert errand is not None
    assert errand.verb == "rollback"
    errand.answer({})
    asked.join(10)
    services.obeys = True
    switch.cutover(there.stand, nobody, timing=FAST)
    assert standing.facts.reads == "v2"


def test_nobody_reads(standing: Standing) -> None:
    there = standing.with_hooks(reads_v2=Hook(command=("true",)))
    with pytest.raises(MigrateError, match="0 queries of v2, 0 queries of v1"):
        switch.cutover(there.stand, nobody, timing=HASTY)
    moved = switch.cutover(there.stand, nobody, timing=HASTY, force_names=[NOBODY_READS])
    assert moved.what == "reads v2"


def test_a_query_with_an_unknown_value_is_accepted_by_name(standing: Standing, services: Services) -> None:
    standing.query(0, "SELECT countIf(kind = 'Red') FROM v1.events")
    there = hooked(standing, services)
    with pytest.raises(
        MigrateError, match=r"query [0-9a-f]{6}: unknown value: in v2 kind has no 'Red'"
    ) as caught:
        switch.cutover(there.stand, nobody, timing=FAST)
    assert services.version == "v1"
    name = caught.value.what.partition("yet: ")[2].partition(": ")[0]
    switch.cutover(there.stand, nobody, timing=FAST, force_names=[name])
    assert standing.facts.accepted == {name}
    assert standing.facts.reads == "v2"
