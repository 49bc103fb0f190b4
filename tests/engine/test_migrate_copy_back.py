"""Dual writing ended, and rows copied back to v1, through kills, on ClickHouse 26.9."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chtui.errors import MigrateError
from chtui.fleet.literal import Value
from chtui.migrate import facts
from chtui.migrate.cutover import copy_back, observe, retention, switch
from chtui.migrate.hands import Hands
from chtui.migrate.hosts import Host
from chtui.migrate.live import tending
from chtui.migrate.live.rounds import Rounds
from chtui.migrate.live.tending import Tending
from chtui.migrate.live.words import Words
from chtui.migrate.spec import Hook
from tests.engine.moving import FAST, HASTY, Services, hooked, nobody, readers_and_writers
from tests.engine.standing import Standing, assert_equal, opened
from tests.support import ModernRig, wait_until

OF_WRITER = "SELECT id FROM v2.events WHERE id LIKE 'w%' EXCEPT SELECT id FROM v1.events"


@pytest.fixture
def standing(modern: ModernRig, tmp_path: Path) -> Iterator[Standing]:
    with opened(modern, "returned", tmp_path) as found:
        yield found


@pytest.fixture
def services(standing: Standing) -> Iterator[Services]:
    with readers_and_writers(standing) as found:
        yield found


def hurried(standing: Standing, services: Services) -> Standing:
    """The same migration with the hooks that move these services, whose rows are late by two seconds at most."""
    retention = replace(standing.stand.ground.spec.retention, lateness_seconds=3.0)
    return hooked(standing, services).with_spec(retention=retention)


def bringing(standing: Standing) -> switch.Bring:
    """What brings v2 what it lacks, as a run does."""
    rounds = Rounds(standing.stand, Words(standing.stand))
    tables = standing.stand.ground.spec.tables
    return lambda since, until: sum(rounds.again(table, until, since) for table in tables)


def lacking(standing: Standing) -> None:
    """Wait until v1 lacks some rows."""
    wait_until(lambda: len(standing.query(0, OF_WRITER).split()) > 10, 20, "rows v1 lacks")


def test_dual_writing_ends_and_rows_come_back(standing: Standing, services: Services) -> None:
    there = hurried(standing, services)
    with pytest.raises(MigrateError, match="readers are on v1"):
        switch.stop_dual_write(there.stand, nobody, bring=bringing(there), timing=FAST)
    switch.cutover(there.stand, nobody, timing=FAST)
    assert "in seconds" in switch.rollback_means(there.stand)
    with pytest.raises(MigrateError, match="v1 is to be kept complete for 30 days"):
        switch.stop_dual_write(there.stand, nobody, bring=bringing(there), timing=FAST)
    assert services.writes_v1
    stopped = switch.stop_dual_write(there.stand, nobody, bring=bringing(there), early=True, timing=FAST)
    assert stopped.what == "dual write off"
    assert standing.facts.dual_write is False
    assert "those rows are copied back and proven" in switch.rollback_means(there.stand)
    lacking(standing)
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


def alone(standing: Standing, number: int) -> None:
    """Write rows to v1 alone, as a writer does that is between both ways."""
    standing.query(
        0,
        "INSERT INTO v1.events (ts, id, kind, value, note) "
        f"SELECT now() - number, concat('alone', toString(number)), 'Red', 1, NULL FROM numbers({number})",
    )


def alone_in_v2(standing: Standing) -> list[int]:
    """How many of those rows each host has."""
    return [
        int(standing.query(index, "SELECT count() FROM v2.events_local WHERE id LIKE 'alone%'"))
        for index in range(4)
    ]


def test_rows_that_reached_v1_alone_come_to_v2_before_dual_writing_ends(
    standing: Standing, services: Services
) -> None:
    there = hurried(standing, services)
    switch.cutover(there.stand, nobody, timing=FAST)
    alone(standing, 9)
    switch.stop_dual_write(there.stand, nobody, bring=bringing(there), early=True, timing=FAST)
    first, second, third, fourth = alone_in_v2(standing)
    assert (first, third, first + third) == (second, fourth, 9)
    assert (standing.facts.dual_write, standing.facts.behind) == (False, None)
    lacking(standing)
    switch.rollback(there.stand, nobody, timing=FAST)
    assert standing.facts.behind is None, "nothing was written to v1 alone since"
    services.__exit__()
    assert_equal(standing)


def test_whoever_wants_readers_back_does_not_wait_for_the_end_of_dual_writing(
    standing: Standing, services: Services
) -> None:
    there = hurried(standing, services)
    switch.cutover(there.stand, nobody, timing=FAST)
    services.confuses = True
    progress = there.stand.progress
    with ThreadPoolExecutor(1) as pool:
        ending = pool.submit(
            switch.stop_dual_write,
            there.stand,
            nobody,
            bring=bringing(there),
            early=True,
            timing=replace(FAST, quiet_seconds=500.0, most_seconds=1000.0),
        )
        wait_until(lambda: standing.facts.unseen, 10, "the hook")
        with pytest.raises(MigrateError, match="takes no rollback now"):
            progress.errand("rollback", {}, 3.0)
        with pytest.raises(MigrateError, match="given up, for rollback was asked for"):
            ending.result(20)


def test_writers_that_leave_v2_instead_of_v1(
    standing: Standing, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hook does the opposite of what it should: nothing is lost, and readers can go back."""
    there = hurried(standing, services)
    for table in there.stand.ground.spec.tables:
        standing.note(facts.WATERMARK, table=table.name, at_ns="1000000000")
    switch.cutover(there.stand, nobody, timing=FAST)
    services.confuses = True
    with pytest.raises(MigrateError, match="v1 still gets rows: events"):
        switch.stop_dual_write(there.stand, nobody, bring=bringing(there), early=True, timing=HASTY)
    alone(standing, 9)
    known = standing.facts
    assert (known.reads, known.are_both_whole, known.behind is None) == ("v2", False, False)
    found = switch.rollback(there.stand, nobody, timing=FAST)
    assert {each.rows for each in found.copied_back} == {0}
    known = standing.facts
    assert (known.reads, known.are_both_whole) == ("v1", True)
    assert known.behind is not None
    with pytest.raises(MigrateError, match="v2 may lack rows that came while"):
        retention.demand_droppable(there.stand)
    monkeypatch.setattr(tending, "LOOK_SECONDS", 1.0)
    run = Tending(there.stand, Words(there.stand))
    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(run.run)
        try:
            wait_until(lambda: standing.facts.behind is None, 60, "v2 to be whole again")
        finally:
            there.stand.progress.abort(MigrateError("enough", fix="none"))
        with pytest.raises(MigrateError):
            ended.result(30)
    assert sum(alone_in_v2(standing)) == 18
    services.__exit__()
    assert_equal(standing)


class Died(BaseException):
    """The process ended as by `kill -9`: nothing is cleaned up after it."""

    @classmethod
    def now(cls, *_: object, **__: object) -> None:
        raise cls


@contextmanager
def died_before(monkeypatch: pytest.MonkeyPatch, seen: str) -> Iterator[None]:
    """What is done inside ends when it would look whether a hook had its effect."""
    with monkeypatch.context() as patched:
        patched.setattr(observe, seen, Died.now)
        with pytest.raises(Died):
            yield


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


@pytest.mark.parametrize("after", [False, True])
def test_whoever_brings_rows_back_is_killed(standing: Standing, services: Services, after: bool) -> None:
    """Writers write both again by then, which does not mean that v1 has all."""
    there = hurried(standing, services)
    switch.cutover(there.stand, nobody, timing=FAST)
    switch.stop_dual_write(there.stand, nobody, bring=bringing(there), early=True, timing=FAST)
    lacking(standing)
    dying = there.stand._replace(hands=Dying(there.stand.hands, after=after))
    with pytest.raises(Died):
        switch.rollback(dying, nobody, timing=FAST)
    known = standing.facts
    assert (known.reads, known.dual_write, known.are_both_whole) == ("v2", True, False)
    assert "v1 may lack rows since" in switch.rollback_means(there.stand)
    found = switch.rollback(there.stand, nobody, timing=FAST)
    assert (found.copied_back[0].rows > 10) is not after
    assert (standing.facts.reads, standing.facts.are_both_whole) == ("v1", True)
    assert "in seconds" in switch.rollback_means(there.stand)
    services.__exit__()
    assert_equal(standing)


def test_whoever_ends_dual_writing_is_killed(
    standing: Standing, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hook has stopped it, and nobody has written down that it was seen."""
    there = hurried(standing, services)
    switch.cutover(there.stand, nobody, timing=FAST)
    with died_before(monkeypatch, "await_writers"):
        switch.stop_dual_write(there.stand, nobody, bring=bringing(there), early=True, timing=FAST)
    assert not services.writes_v1
    known = standing.facts
    assert (known.dual_write, known.are_both_whole) == (None, False)
    lacking(standing)
    began = known.lacking_since
    stopped = switch.stop_dual_write(there.stand, nobody, bring=bringing(there), early=True, timing=FAST)
    assert stopped.what == "dual write off"
    assert standing.facts.lacking_since == began, "from the first time on"
    assert switch.rollback(there.stand, nobody, timing=FAST).copied_back[0].rows > 10
    services.__exit__()
    assert_equal(standing)


def test_whoever_moves_readers_back_is_killed(
    standing: Standing, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They read v1 by then, and the journal's last word is that they read v2: v1 must go on getting rows."""
    there = hurried(standing, services)
    switch.cutover(there.stand, nobody, timing=FAST)
    with died_before(monkeypatch, "await_readers"):
        switch.rollback(there.stand, nobody, timing=FAST)
    assert (services.version, standing.facts.reads, standing.facts.unseen) == (
        "v1",
        "v2",
        frozenset({"reads_v1"}),
    )
    with pytest.raises(MigrateError, match="nobody has seen where they are"):
        switch.stop_dual_write(there.stand, nobody, bring=bringing(there), early=True, timing=FAST)
    assert services.writes_v1
    switch.rollback(there.stand, nobody, timing=FAST)
    assert (standing.facts.reads, standing.facts.unseen) == ("v1", frozenset())


def test_rows_v2_has_let_go_stay_in_v1(standing: Standing) -> None:
    events, clicks = standing.stand.ground.spec.tables
    there = standing.with_spec(
        tables=(replace(events, expires="toDate(ts) + toIntervalDay(30) DELETE"), clicks)
    )
    old = standing.query(0, "SELECT toUnixTimestamp(max(ts)) FROM v1.events WHERE toDate(ts) + 30 <= today()")
    retention.expire(there.stand, "events")
    before = standing.query(0, "SELECT count() FROM v1.events")
    said: list[str] = []
    found = copy_back.run(there.stand, int(old) - 60, int(old) + 60, say=said.append)
    assert [each.rows for each in found] == [0, 0]
    assert standing.query(0, "SELECT count() FROM v1.events") == before
    assert "events: rows that expire by tomorrow are left as they are, in v1 too" in said
    recent = "INSERT INTO v2.events (ts, id, kind, value, note) SETTINGS distributed_foreground_insert = 1 SELECT now() - 600, 'lost', 'red', 1, NULL"
    standing.query(0, recent)
    assert [each.rows for each in copy_back.run(there.stand, standing.now() - 1200)] == [1, 0]


def test_rows_that_v2_lacks_are_in_nobodys_way(standing: Standing) -> None:
    """In the same hour as others that v1 lacks, and alone."""
    standing.query(0, "INSERT INTO v1.events SELECT now() - 300, 'extra', 'Red', 1, NULL")
    assert {each.rows for each in copy_back.run(standing.stand, standing.now() - 3600)} == {0}
    standing.query(
        0,
        "INSERT INTO v2.events (ts, id, kind, value, note) SETTINGS distributed_foreground_insert = 1 "
        "SELECT now() - 300, 'lost', 'green', 1, NULL",
    )
    assert [each.rows for each in copy_back.run(standing.stand, standing.now() - 3600)] == [1, 0]
    assert standing.query(0, "SELECT countIf(id = 'extra'), countIf(id = 'lost') FROM v1.events") == "1\t1"


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
    hasty = replace(spec.retention, lateness_seconds=0.5)
    lying = standing.with_spec(tables=(wrong, spec.tables[1]), retention=hasty)
    with pytest.raises(MigrateError, match="1 of 1 row that came back are none that v1 lacks"):
        copy_back.run(lying.stand, standing.now() - 3600)
    assert standing.kinds("returned") == []
