"""Readers moved to v2 and back, dual writing ended, and rows copied back, with real readers and writers on ClickHouse 26.9."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chtui.demo.selftest.oracle import EVENTS_V1, EVENTS_V2, clean, rows_of
from chtui.errors import MigrateError
from chtui.fleet.literal import Value
from chtui.migrate import facts
from chtui.migrate.cutover import checks, copy_back, gate, switch
from chtui.migrate.cutover.switch import NOBODY_READS, Timing
from chtui.migrate.hands import Hands
from chtui.migrate.hosts import Host
from chtui.migrate.live.rounds import Rounds
from chtui.migrate.live.words import Words
from chtui.migrate.spec import Hook
from tests.engine.moving import Services
from tests.engine.standing import Standing, start
from tests.engine.test_migrate_cutover_readers import case_on
from tests.support import ModernRig, wait_until

FAST = Timing(checks=2, every_seconds=0.2, quiet_seconds=3.0, most_seconds=25.0)
HASTY = replace(FAST, most_seconds=5.0)
CHECKS = ["sealed", "resolved", "report", "freshness", "hours", "spool", "replicas", "readers", "rights"]


@pytest.fixture(scope="module")
def cleaning() -> Iterator[list[Callable[[], None]]]:
    """What is to be done after the last test of this file."""
    found: list[Callable[[], None]] = []
    yield found
    for each in found:
        each()


@pytest.fixture
def standing(modern: ModernRig, tmp_path: Path, cleaning: list[Callable[[], None]]) -> Iterator[Standing]:
    """The migration, made anew for each test: most of them leave it changed."""
    case = case_on(modern, "switched", tmp_path)
    if not cleaning:
        cleaning.append(lambda: clean(case, modern.query, len(modern.nodes)))
    clean(case, modern.query, len(modern.nodes))
    found = start(case, modern.query, tmp_path / "run")
    found.query(0, "SYSTEM FLUSH LOGS")
    found.query(0, "TRUNCATE TABLE system.query_log")
    yield found
    found.close()


@pytest.fixture
def services(standing: Standing) -> Iterator[Services]:
    """A reader, and a writer of both tables: to v1 as it is told, to v2 always, the same rows."""

    def read(version: str) -> None:
        standing.query(
            1 if version == "v2" else 0,
            f"SELECT count(), max(value) FROM {version}.events WHERE ts > now() - 900",
        )

    def write(to_v1: bool, number: int) -> None:
        row = f"toDateTime({int(time.time()) - number % 3}), 'w{number}', '{{}}', {number} / 4, NULL"
        if to_v1:
            standing.query(0, f"INSERT INTO v1.events (ts, id, kind, value, note) SELECT {row.format('Red')}")
        standing.query(
            number % 4,
            f"INSERT INTO v2.events (ts, id, kind, value, note) SETTINGS distributed_foreground_insert = 1 SELECT {row.format('red')}",
        )

    with Services(read, write) as found:
        yield found


def hooked(standing: Standing, services: Services) -> Standing:
    return standing.with_hooks(**services.hooks)


def nobody(_: str) -> bool:
    return False


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


def test_dual_writing_ends_and_rows_come_back(standing: Standing, services: Services) -> None:
    there = hooked(standing, services)
    with pytest.raises(MigrateError, match="readers are on v1"):
        switch.stop_dual_write(there.stand, nobody, timing=FAST)
    switch.cutover(there.stand, nobody, timing=FAST)
    assert "in seconds" in switch.rollback_means(there.stand)
    with pytest.raises(MigrateError, match="v1 is to be kept complete for 30 days"):
        switch.stop_dual_write(there.stand, nobody, timing=FAST)
    assert services.writes_v1
    stopped = switch.stop_dual_write(there.stand, nobody, early=True, timing=FAST)
    assert stopped.what == "dual write off"
    assert standing.facts.dual_write is False
    assert "those rows are copied back and proven" in switch.rollback_means(there.stand)
    of_writer = "SELECT id FROM v2.events WHERE id LIKE 'w%' EXCEPT SELECT id FROM v1.events"
    wait_until(lambda: len(standing.query(0, of_writer).split()) > 10, 20, "rows v1 lacks")
    # Rows that are equal, some of which v1 has, and a late one.
    twin = "SELECT toDateTime('{at}') AS ts, 'twin', 'red', 1, 'x' FROM numbers({number})"
    at = standing.query(0, "SELECT now() - 60")
    standing.query(0, f"INSERT INTO v1.events (ts, id, kind, value, note) {twin.format(at=at, number=1)}")
    standing.query(
        1,
        f"INSERT INTO v2.events (ts, id, kind, value, note) SETTINGS distributed_foreground_insert = 1 {twin.format(at=at, number=3)}",
    )
    found = switch.rollback(there.stand, nobody, timing=FAST)
    assert standing.facts.reads == "v1"
    assert standing.kinds(facts.DUAL_WRITE)[-1]["is_on"]
    by_table = {each.table: each.rows for each in found.copied_back}
    assert by_table["events"] > 10
    assert by_table["clicks"] == 0
    assert standing.query(0, "SELECT count(), uniqExact(kind) FROM v1.events WHERE id = 'twin'") == "3\t2"
    services.__exit__()
    assert_equal(standing)
    names = standing.query(
        0,
        f"SELECT name FROM system.tables WHERE database = '{standing.case.source_database}' AND name LIKE '%back%'",
    )
    assert names == ""


def assert_equal(standing: Standing) -> None:
    """v1 and v2 have the same events, each as often, read one by one."""
    one = rows_of(standing.ask, 0, EVENTS_V1, standing.case.source_database)
    other = rows_of(standing.ask, 0, EVENTS_V2, standing.case.target_database, "events")
    assert (one - other, other - one) == ({}, {})


class Died(BaseException):
    """The process that copied back ended as by `kill -9`: nothing is cleaned up after it."""


class Dying(Hands):
    """Those of a process that ends just before rows are added to v1, or just after."""

    def __init__(self, hands: Hands, *, after: bool) -> None:
        super().__init__(hands.run, hands.diary, hands.permit)
        self._after = after

    def do(self, host: Host, name: str, params: Mapping[str, Value], **options: Any) -> None:
        if name == "attach_partition" and not self._after:
            raise Died
        super().do(host, name, params, **options)
        if name == "attach_partition":
            raise Died


def test_an_end_beside_adding_adds_nothing_twice(standing: Standing) -> None:
    """What was added is found by content: doing all of it again adds what lacks, or nothing."""
    since = standing.now() - 700
    at = standing.query(0, "SELECT now() - 600")
    for after, rows_again in ((False, 50), (True, 0)):
        standing.query(
            0,
            "INSERT INTO v2.events (ts, id, kind, value, note) SETTINGS distributed_foreground_insert = 1 "
            f"SELECT toDateTime('{at}') + number, 'lost {after}', 'green', number, NULL FROM numbers(50)",
        )
        with pytest.raises(Died):
            copy_back.run(standing.stand._replace(hands=Dying(standing.stand.hands, after=after)), since)
        again = copy_back.run(standing.stand, since)
        assert {each.table: each.rows for each in again} == {"events": rows_again, "clicks": 0}
        assert_equal(standing)


def test_rows_that_v2_lacks_are_no_way_back(standing: Standing) -> None:
    standing.query(0, "INSERT INTO v1.events SELECT now() - 300, 'extra', 'Red', 1, NULL")
    with pytest.raises(MigrateError, match="and 0 that came back are not the") as caught:
        copy_back.run(standing.stand, standing.now() - 3600)
    assert caught.value.exit_code == 1
    assert standing.kinds("returned") == []


def test_what_cannot_be_given_back_is_listed(standing: Standing) -> None:
    spec = standing.stand.ground.spec
    events = spec.tables[0]
    without = replace(events, sources=(replace(events.sources[0], inverse={}),))
    lossy = standing.with_spec(tables=(without, spec.tables[1]))
    lossy.note(facts.READS, version="v2", clock_seconds=standing.now())
    lossy.note(facts.DUAL_WRITE, is_on=False, clock_seconds=standing.now())
    assert copy_back.not_invertible(lossy.stand) == [
        "events.kind: v2 has lower(kind), and there is no inverse"
    ]
    assert "no way back without loss" in switch.rollback_means(lossy.stand)
    hooked_up = lossy.with_hooks(reads_v1=Hook(command=("true",)), dual_write_on=Hook(command=("true",)))
    with pytest.raises(MigrateError, match="there is no inverse"):
        switch.rollback(hooked_up.stand, nobody, timing=FAST)
    assert standing.kinds(facts.HOOK) == []
    # An inverse that gives something else is found out before anything is added.
    wrong = replace(events, sources=(replace(events.sources[0], inverse={"kind": "'blue'"}),))
    standing.query(
        0,
        "INSERT INTO v2.events (ts, id, kind, value, note) SETTINGS distributed_foreground_insert = 1 SELECT now() - 600, 'lost', 'green', 1, NULL",
    )
    lying = standing.with_spec(tables=(wrong, spec.tables[1]))
    with pytest.raises(MigrateError, match="1 that came back are not the"):
        copy_back.run(lying.stand, standing.now() - 3600)
    assert standing.kinds("returned") == []
