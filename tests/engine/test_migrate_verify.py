"""A small migration that is done, verified, damaged on one replica, and verified again, on ClickHouse 26.9."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chtui.clock import SystemClock
from chtui.demo.selftest.oracle import clean, prepare
from chtui.errors import MigrateError
from chtui.migrate import benchmarks, drill, layout, report, verify
from chtui.migrate.drill import Kind, Minute
from chtui.migrate.spec import Benchmark
from chtui.migrate.verification import Compared, State, Verification
from tests.engine.verifying import GIVEN, OTHER, VICTIM, Migrated, keep
from tests.rigs.migrating import Case
from tests.support import ModernRig

SUM = "SELECT sum(value) FROM"


@pytest.fixture(scope="module")
def cleaning() -> Iterator[list[Callable[[], None]]]:
    """What is to be done after the last test of this file."""
    found: list[Callable[[], None]] = []
    yield found
    for each in found:
        each()


@pytest.fixture
def migrated(modern: ModernRig, tmp_path: Path, cleaning: list[Callable[[], None]]) -> Iterator[Migrated]:
    """The migration, made once, and whole again after each test."""
    case = Case(
        name="verified",
        directory=str(tmp_path / "case"),
        addresses=modern.addresses(),
        seeds=modern.http_ports,
        source_port=modern.ports[0],
        user="admin",
        password=modern.password("admin"),
    )
    if not cleaning:
        cleaning.append(lambda: clean(case, modern.query, len(modern.nodes)))
        prepare(case, modern.query)
        assert case.start().wait(90) == 0, case.output()
        keep(case, modern)
    ground = layout.lay_out(case.spec(), case.hosts())
    found = Migrated(modern, case, ground)
    yield found
    modern.heal()
    found.restore()
    ground.hosts.close()


def only(migrated: Migrated, found: Verification) -> Compared:
    """The one hour on the one host that differs."""
    (wrong,) = found.differing
    assert found.exit_code == 1
    assert wrong.host.port == migrated.rig.ports[VICTIM]
    assert wrong.shard_num == 1
    assert len(found.replicas_differing) == 1
    return wrong


def minutes(migrated: Migrated, found: Verification) -> list[Minute]:
    """All minutes of all hours that differ."""
    told = [drill.down(migrated.ground, each) for each in found.differing]
    return [minute for each in told for minute in each.minutes]


def test_what_was_migrated_is_equal(migrated: Migrated, tmp_path: Path) -> None:
    lines: list[str] = []
    found = verify.run(migrated.ground, say=lines.append)
    assert (found.state, found.exit_code, found.failures, found.not_verified) == (State.EQUAL, 0, (), {})
    by_table = {each.table: each for each in found.totals}
    for name in ("events", "clicks"):
        rows = int(migrated.query(0, f"SELECT count() FROM {migrated.case.source_database}.{name}"))
        figures = by_table[name]
        assert (figures.source_rows, figures.target_rows) == (rows, rows)
        assert len(figures.rows_by_host) == 4
        assert figures.hours > 400
    rows_of_events = by_table["events"].source_rows
    assert rows_of_events
    assert {check.aggregate for check in found.aggregates} == {"events_daily"}
    assert sum(check.keys for check in found.aggregates) == 2 * int(
        migrated.query(
            0,
            f"SELECT sum(n) FROM (SELECT uniqExact(day, kind) AS n FROM cluster('appsentry_cluster', '{migrated.database}', "
            "'events_daily_local') GROUP BY _shard_num)",
        )
    )
    assert len(lines) == 3
    queries = (
        Benchmark("kinds", f"{SUM} {{source_database}}.events", f"{SUM} {{database}}.events"),
        Benchmark("lost", "SELECT 1", "SELECT nothing FROM {database}.nowhere", 1.0, 2.0),
        Benchmark("slow", "SELECT sleepEachRow(3)", "INSERT INTO {database}.clicks (page) VALUES ('x')"),
    )
    ground = migrated.ground._replace(spec=replace(migrated.ground.spec, benchmarks=queries))
    kinds, lost, slow = timed = benchmarks.run(ground, times=2, seconds=1)
    assert [len(side.ran) for side in (kinds.v1, kinds.v2, lost.v1, lost.v2)] == [2, 2, 2, 0]
    for side in (kinds.v1, kinds.v2):
        assert (side.ran[0].is_server_time, side.ran[0].result_rows, side.error) == (True, 1, "")
        assert side.ran[0].read_rows == rows_of_events
        assert (side.ran[0].read_bytes or 0) > rows_of_events
    assert kinds.ratio
    assert "nowhere" in lost.v2.error
    assert "exceeded" in slow.v1.error
    assert "readonly" in slow.v2.error
    written = report.write(tmp_path / "report.json", found, "0" * 64, SystemClock(), timed=timed)
    assert report.read(tmp_path / "report.json") == written
    assert [each["name"] for each in written["benchmarks"]] == ["kinds", "lost", "slow"]
    assert len(written["hours"]) == len(found.compared)
    assert set(written["host_versions"].values()) == {migrated.query(0, "SELECT version()")}


def test_one_partition_is_read_at_a_time(migrated: Migrated) -> None:
    verify.run(migrated.ground, tables=("clicks",), max_threads=1)
    for index, table, name in ((0, "clicks", "v1"), (2, "clicks_local", "v2")):
        database = getattr(migrated.case, "source_database" if name == "v1" else "target_database")
        partitions = int(
            migrated.query(
                index,
                f"SELECT uniqExact(partition_id) FROM system.parts WHERE active AND database = '{database}' AND table = '{table}'",
            )
        )
        migrated.query(index, "SYSTEM FLUSH LOGS")
        rows, most, settings = migrated.query(
            index,
            "SELECT count(), max(read_rows), any(Settings['max_threads']) FROM (SELECT * FROM system.query_log WHERE "
            f"type = 'QueryFinish' AND has(tables, '{database}.{table}') AND query LIKE '%chtui_digest%' "
            f"AND log_comment = 'chtui' ORDER BY event_time_microseconds DESC LIMIT {partitions})",
        ).split("\t")
        whole = int(migrated.query(index, f"SELECT count() FROM {database}.{table}"))
        assert (int(rows), settings) == (partitions, "1")
        assert 0 < int(most) < whole


def test_a_row_that_was_deleted(migrated: Migrated) -> None:
    at = migrated.row()
    row_id = migrated.query(VICTIM, f"SELECT id FROM v2.events_local WHERE ts = {at}")
    migrated.damage(f"ALTER TABLE v2.events_local DELETE WHERE ts = {at}")
    found = migrated.verify()
    assert only(migrated, found).hour_seconds == int(at) // 3600 * 3600
    (minute,) = minutes(migrated, found)
    assert (minute.minute_seconds, minute.rows, minute.note) == (int(at), {Kind.MISSING: 1}, "")
    (example,) = minute.examples
    assert (example.key, example.time_ns) == (row_id, int(at) * 10**9)
    assert (example.oddity.wanted, example.oddity.found) == (1, 0)


def test_a_row_that_was_doubled(migrated: Migrated) -> None:
    at = migrated.row("kind != 'blue'")
    migrated.damage(
        f"INSERT INTO v2.events_local ({GIVEN}) SELECT {GIVEN} FROM v2.events_local WHERE ts = {at}"
    )
    found = migrated.verify()
    only(migrated, found)
    (minute,) = minutes(migrated, found)
    assert (minute.minute_seconds, minute.rows) == (int(at), {Kind.DUPLICATED: 1})
    assert minute.examples[0].oddity[2:] == (1, 2)
    assert {check.state for check in found.aggregates} == {State.EQUAL}, "the view has seen the row too"


def test_a_value_that_was_changed(migrated: Migrated) -> None:
    at = migrated.row("kind = 'red'")
    migrated.damage(f"ALTER TABLE v2.events_local UPDATE value = value + 0.25 WHERE ts = {at}")
    found = migrated.verify()
    wrong = only(migrated, found)
    assert (wrong.wanted and wrong.wanted.rows) == (wrong.found and wrong.found.rows) == 1
    (minute,) = minutes(migrated, found)
    assert minute.rows == {Kind.MISSING: 1, Kind.EXTRA: 1}
    assert minute.note == "1 missing and 1 extra rows may be 1 changed ones"
    (check,) = [each for each in found.aggregates if each.state is State.DIFFERS]
    assert (check.host.port, check.keys_differing) == (migrated.rig.ports[VICTIM], 1)
    assert check.differing == {"total": 1}
    (key,) = check.examples
    assert key.key == (f"{datetime.fromtimestamp(int(at), UTC):%Y-%m-%d}", "red")
    before, after = map(float, key.values["total"])
    assert after - before == 0.25


def test_two_rows_that_were_swapped_between_hours(migrated: Migrated) -> None:
    one, other = sorted((migrated.row("kind = 'red'"), migrated.row("kind = 'green'")))
    swap = f"if(toUnixTimestamp(ts) = {one}, toDateTime({other}), toDateTime({one}))"
    columns = GIVEN.replace("ts, day", f"{swap}, toDate({swap})")
    both = f"toUnixTimestamp(ts) IN ({one}, {other})"
    before = migrated.query(VICTIM, f"SELECT groupArray((ts, id)) FROM v2.events_local WHERE {both}")
    migrated.damage(
        f"CREATE TABLE v2.swapped ENGINE = Memory AS SELECT {columns.replace(swap, f'{swap} AS ts2', 1)} FROM v2.events_local "
        f"WHERE {both}",
        f"ALTER TABLE v2.events_local DELETE WHERE {both}",
        f"INSERT INTO v2.events_local ({GIVEN}) SELECT * FROM v2.swapped",
        "DROP TABLE v2.swapped SYNC",
    )
    assert migrated.query(VICTIM, f"SELECT groupArray((ts, id)) FROM v2.events_local WHERE {both}") != before
    found = migrated.verify()
    assert [each.hour_seconds for each in found.differing] == [
        int(one) // 3600 * 3600,
        int(other) // 3600 * 3600,
    ]
    told = minutes(migrated, found)
    assert [each.minute_seconds for each in told] == [int(one), int(other)]
    assert [each.rows for each in told] == [{Kind.MISSING: 1, Kind.EXTRA: 1}] * 2
    figures = next(each for each in found.totals if each.table == "events")
    assert len(set(figures.rows_by_host.values())) == 2, "the number of rows shows nothing"


def test_a_row_holding_null_that_was_lost(migrated: Migrated) -> None:
    at = migrated.row("isNull(note)")
    migrated.damage(f"ALTER TABLE v2.events_local DELETE WHERE ts = {at}")
    (minute,) = minutes(migrated, migrated.verify())
    assert (minute.minute_seconds, minute.rows) == (int(at), {Kind.MISSING: 1})


PAIR = "SELECT toUnixTimestamp(ts) FROM v2.events_local GROUP BY ts HAVING count() = 2 ORDER BY ts LIMIT 1"


def test_a_pair_of_equal_rows_that_was_removed(migrated: Migrated) -> None:
    at = migrated.query(VICTIM, PAIR)
    migrated.damage(f"ALTER TABLE v2.events_local DELETE WHERE ts = {at}")
    found = migrated.verify()
    only(migrated, found)
    (minute,) = minutes(migrated, found)
    assert minute.rows == {Kind.MISSING: 2}
    assert [each.oddity[2:] for each in minute.examples] == [(2, 0)]


def test_one_of_two_equal_rows_that_was_removed(migrated: Migrated) -> None:
    at = migrated.query(VICTIM, PAIR)
    migrated.damage(
        f"CREATE TABLE v2.one ENGINE = Memory AS SELECT {GIVEN} FROM v2.events_local WHERE ts = {at} LIMIT 1",
        f"ALTER TABLE v2.events_local DELETE WHERE ts = {at}",
        f"INSERT INTO v2.events_local ({GIVEN}) SELECT * FROM v2.one",
        "DROP TABLE v2.one SYNC",
    )
    (minute,) = minutes(migrated, migrated.verify())
    assert minute.rows == {Kind.LACKING: 1}
    assert [each.oddity[2:] for each in minute.examples] == [(2, 1)]


def test_a_foreign_row(migrated: Migrated) -> None:
    at = int(migrated.row()) + 600
    shard_of_it = migrated.query(VICTIM, "SELECT id FROM v2.events_local LIMIT 1")
    migrated.damage(
        f"INSERT INTO v2.events_local (ts, id, kind, value) VALUES ({at}, '{shard_of_it}', 'red', 1)"
    )
    found = migrated.verify()
    assert not only(migrated, found).is_extra
    (minute,) = minutes(migrated, found)
    assert (minute.minute_seconds, minute.rows) == (at, {Kind.EXTRA: 1})


def test_a_partition_v1_does_not_have(migrated: Migrated) -> None:
    row_id = migrated.query(VICTIM, "SELECT id FROM v2.events_local LIMIT 1")
    migrated.damage(
        f"INSERT INTO v2.events_local (ts, id, kind, value) VALUES (1000000000, '{row_id}', 'red', 1)"
    )
    found = migrated.verify()
    wrong = only(migrated, found)
    assert (wrong.partition_id, wrong.is_extra) == ("200109", True)
    assert next(each.extra_rows for each in found.totals if each.table == "events") == 1
    (minute,) = minutes(migrated, found)
    assert minute.rows == {Kind.EXTRA: 1}


def test_a_row_on_the_wrong_shard(migrated: Migrated) -> None:
    foreign = migrated.query(
        OTHER, "SELECT toUnixTimestamp(ts), id, kind, value FROM v2.events_local ORDER BY ts LIMIT 1"
    )
    at, row_id, kind, value = foreign.split("\t")
    migrated.damage(
        f"INSERT INTO v2.events_local (ts, id, kind, value) VALUES ({at}, '{row_id}', '{kind}', {value})"
    )
    found = migrated.verify()
    assert only(migrated, found).wrong_shard_rows == 1
    assert next(each.wrong_shard_rows for each in found.totals if each.table == "events") == 1
    (minute,) = minutes(migrated, found)
    assert (minute.minute_seconds, minute.rows) == (int(at), {Kind.WRONG_SHARD: 1})
    assert minute.examples[0].key == row_id


def test_a_state_that_was_lost_and_one_that_counts_twice(migrated: Migrated) -> None:
    days = migrated.query(
        VICTIM, "SELECT DISTINCT day FROM v2.events_daily_local WHERE kind = 'red' ORDER BY day LIMIT 2"
    )
    lost, twice = days.split()
    migrated.damage(
        f"INSERT INTO v2.events_daily_local SELECT * FROM v2.events_daily_local WHERE day = '{twice}' AND kind = 'red'",
        f"ALTER TABLE v2.events_daily_local DELETE WHERE day = '{lost}' AND kind = 'red'",
    )
    found = migrated.verify()
    assert found.differing == ()
    assert found.exit_code == 1
    (check,) = [each for each in found.aggregates if each.state is State.DIFFERS]
    assert check.host.port == migrated.rig.ports[VICTIM]
    assert (check.keys_without_states, check.keys_without_rows, check.keys_differing) == (1, 0, 1)
    assert check.differing == {"rows": 1, "total": 1}
    assert {each.key: each.trouble for each in check.examples} == {
        (lost, "red"): "no states",
        (twice, "red"): "differs",
    }


def test_states_of_rows_that_are_not_there(migrated: Migrated) -> None:
    day = migrated.query(VICTIM, "SELECT max(day) FROM v2.events_daily_local")
    migrated.damage(f"ALTER TABLE v2.events_local DELETE WHERE day = '{day}' AND kind = 'red'")
    (check,) = [each for each in migrated.verify().aggregates if each.state is State.DIFFERS]
    assert (check.keys_without_states, check.keys_without_rows) == (0, 1)
    assert [(each.key, each.trouble) for each in check.examples] == [((day, "red"), "no rows")]


def test_hours_that_have_not_ended_are_not_looked_at(migrated: Migrated) -> None:
    at = int(
        migrated.query(VICTIM, "SELECT toUnixTimestamp(max(ts)) FROM v2.events_local WHERE kind = 'red'")
    )
    migrated.damage(f"ALTER TABLE v2.events_local DELETE WHERE ts = {at}")
    whole = migrated.verify()
    assert whole.exit_code == 1
    found = migrated.verify(until_seconds=at + 1800)
    assert (found.exit_code, found.until_seconds) == (0, at // 3600 * 3600)
    assert found.totals[0].hours < whole.totals[0].hours
    keys = [sum(check.keys for check in each.aggregates) for each in (found, whole)]
    assert 0 < keys[0] < keys[1], "the day has not ended either"
    assert migrated.verify(until_seconds=at + 3600).exit_code == 1


def test_more_rows_than_may_be_compared(migrated: Migrated) -> None:
    at = int(migrated.row())
    row_id = migrated.query(VICTIM, "SELECT id FROM v2.events_local LIMIT 1")
    migrated.damage(
        f"INSERT INTO v2.events_local (ts, id, kind, value) SELECT {at} + 60, '{row_id}', 'red', number FROM numbers(50)"
    )
    (wrong,) = migrated.verify().differing
    (minute,) = drill.down(migrated.ground, wrong, rows=10, examples=2).minutes
    assert minute.cut
    assert minute.rows == {Kind.EXTRA: 10}
    assert len(minute.examples) == 2
    assert minute.found.rows == 50
    (minute,) = drill.down(migrated.ground, wrong).minutes
    assert (minute.cut, minute.rows) == (False, {Kind.EXTRA: 50})


def test_a_replica_that_hangs_is_unknown_and_the_others_are_compared(migrated: Migrated) -> None:
    equal = migrated.verify()
    migrated.rig.nodes[VICTIM].suspend()
    began = time.monotonic()
    found = migrated.verify()
    assert time.monotonic() - began < 30
    victim = migrated.rig.ports[VICTIM]
    assert {each.state for each in found.compared if each.host.port != victim} == {State.EQUAL}
    unknown = [each for each in found.compared if each.host.port == victim]
    assert {each.state for each in unknown} == {State.UNKNOWN}
    assert len(unknown) == sum(each.host.port == victim for each in equal.compared)
    assert all(each.error for each in unknown)
    assert {check.state for check in found.aggregates if check.host.port == victim} == {State.UNKNOWN}
    assert {each.host.port for each in found.failures} == {victim}
    assert found.exit_code == 3
    assert len(found.versions) == 3
    with pytest.raises(MigrateError, match="unknown"):
        drill.down(migrated.ground, unknown[0])
    migrated.rig.nodes[VICTIM].resume()
    assert migrated.verify().exit_code == 0


def test_a_replica_that_begins_to_hang_is_given_up(migrated: Migrated) -> None:
    began = time.monotonic()

    def say(line: str) -> None:
        if line.startswith("clicks"):
            migrated.rig.nodes[VICTIM].suspend()

    found = verify.run(migrated.ground, say=say)
    assert time.monotonic() - began < 60
    victim = migrated.rig.ports[VICTIM]
    of_victim = {(each.table, each.state) for each in found.compared if each.host.port == victim}
    assert of_victim == {("events", State.EQUAL), ("clicks", State.UNKNOWN)}
    assert {each.state for each in found.compared if each.host.port != victim} == {State.EQUAL}
    assert found.exit_code == 3


def test_v1_that_hangs_makes_all_unknown(migrated: Migrated) -> None:
    migrated.rig.nodes[0].suspend()
    began = time.monotonic()
    found = migrated.verify()
    assert time.monotonic() - began < 30
    assert found.exit_code == 3
    assert {each.state for each in found.compared} == {State.UNKNOWN}
    assert {each.source_rows for each in found.totals} == {None}


def test_a_table_that_is_none(migrated: Migrated) -> None:
    with pytest.raises(MigrateError, match="nothing is no table of the spec"):
        verify.run(migrated.ground, tables=("nothing",))
