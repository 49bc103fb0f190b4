"""Rows v1 has more than once and v2 is to have once, on ClickHouse 26.9: copied, compared, mended, counted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chtui.demo.selftest.oracle import clean
from chtui.migrate import drill, verify
from chtui.migrate.drill import Kind
from chtui.migrate.live.comparing import differing
from chtui.migrate.live.repair import Repair
from chtui.migrate.preflight import retries
from chtui.migrate.preflight.look import Look
from chtui.migrate.preflight.source import check
from chtui.migrate.remembered import Remembered
from chtui.migrate.verification import State
from tests.engine.collapsing import Case, assert_once, events_of, retry
from tests.engine.standing import Standing, start
from tests.support import ModernRig

SHARDS = ((0, 1), (2, 3))


@pytest.fixture
def standing(modern: ModernRig, tmp_path: Path) -> Iterator[Standing]:
    case = Case(
        name="retried",
        directory=str(tmp_path / "case"),
        addresses=modern.addresses(),
        seeds=modern.http_ports,
        source_port=modern.ports[0],
        user="admin",
        password=modern.password("admin"),
    )
    try:
        found = start(case, modern.query, tmp_path / "run")
        yield found
        found.close()
    finally:
        clean(case, modern.query, len(modern.nodes))


def mended(standing: Standing) -> None:
    """Repair what differs, as a run does."""
    events, clicks = standing.stand.ground.spec.tables
    for table in (events, clicks):
        if wrong := differing(standing.stand, table, None):
            assert Repair.of(standing.stand, table, None).mend(wrong).extra == {}
            assert differing(standing.stand, table, None) == {}


def rows_that_come_again_change_nothing_but_the_count(standing: Standing) -> None:
    stand, ask = standing.stand, standing.ask
    before = events_of(standing.case, ask).total()
    events = stand.ground.spec.tables[0]
    assert differing(stand, events, None) == {}
    retry(standing.case, ask)
    assert events_of(standing.case, ask).total() > before
    assert differing(stand, events, None) == {}, "v2 has them"
    mended(standing)
    collapsed = assert_once(standing.case, ask, SHARDS)
    found = verify.run(stand.ground)
    assert (found.state, found.failures) == (State.EQUAL, ())
    assert found.totals[0].collapsed_rows == collapsed
    assert found.totals[0].source_rows == found.totals[0].target_rows
    assert found.totals[1].collapsed_rows == 0


def a_row_that_is_gone_or_doubled_is_one_row(standing: Standing) -> None:
    stand = standing.stand
    row = "id = '40' AND kind = 'red'"
    many = int(standing.query(0, "SELECT count() FROM v1.events WHERE id = '40' AND lower(kind) = 'red'"))
    here = next(
        n for n in (0, 2) if standing.query(n, f"SELECT count() FROM v2.events_local WHERE {row}") == "1"
    )
    assert many > 1
    standing.query(here, f"INSERT INTO v2.events_local SELECT * FROM v2.events_local WHERE {row}")
    standing.query(here + 1, f"ALTER TABLE v2.events_local DELETE WHERE {row} SETTINGS mutations_sync = 2")
    found = verify.run(stand.ground, tables=["events"])
    troubles = {}
    for hour in found.differing:
        ((minute,),) = [drill.down(stand.ground, hour).minutes]
        troubles[stand.ground.hosts.targets.index(stand.ground.hosts.host(hour.host))] = minute.rows
        assert {example.oddity.wanted for example in minute.examples} == {1}
    assert troubles == {here: {Kind.DUPLICATED: 1}, here + 1: {Kind.MISSING: 1}}
    mended(standing)
    assert verify.run(stand.ground).state is State.EQUAL


def what_was_left_out_is_in_the_journal(standing: Standing) -> None:
    told = {(each["partition_id"]): each["rows"] for each in standing.kinds("collapsed")}
    assert {each["table"] for each in standing.kinds("collapsed")} == {"events"}
    assert standing.facts.collapsed == {"events": sum(told.values())}
    assert sum(told.values()) > 0


def partitions_of_v1_are_looked_at(standing: Standing) -> None:
    """Its key is of the event time, which v2 has as v1 has it; of another one the rows decide."""
    look = Look(standing.stand.ground.spec, standing.stand.ground.hosts)
    check(look)
    assert look.source
    retries.check(look)
    assert [each for each in look.findings if "partitions of v1" in each.what] == []
    (feed, _) = look.feeds
    apart = retries.shared(retries.hours_of(look, feed, look.source))
    assert apart == 0


def test_equal_rows_come_once(standing: Standing) -> None:
    standing = standing._replace(stand=standing.stand._replace(remembered=Remembered()))
    rows_that_come_again_change_nothing_but_the_count(standing)
    a_row_that_is_gone_or_doubled_is_one_row(standing)
    what_was_left_out_is_in_the_journal(standing)
    partitions_of_v1_are_looked_at(standing)
