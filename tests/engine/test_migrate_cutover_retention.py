"""Expiry after the seal, the end of v1, and chtui's own leftovers, on ClickHouse 26.9."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chtui.errors import MigrateError
from chtui.migrate import ddl, drill, facts, verify
from chtui.migrate.cutover import retention
from chtui.migrate.run import Run
from chtui.migrate.verification import State, Verdict
from tests.engine.standing import Standing, opened
from tests.support import ModernRig, wait_until

DAY_SECONDS = 86400


@pytest.fixture
def standing(modern: ModernRig, tmp_path: Path) -> Iterator[Standing]:
    with opened(modern, "retained", tmp_path) as found:
        yield found


def expiring(standing: Standing) -> Standing:
    """All rows but those of the last hours are older than their expiry; those of the aggregate are not."""
    spec = standing.stand.ground.spec
    events, clicks = spec.tables
    aggregates = tuple(replace(each, expires="day + toIntervalDay(9000)") for each in spec.aggregates)
    return standing.with_spec(
        tables=(replace(events, expires="toDate(ts) + toIntervalDay(30) DELETE"), clicks),
        aggregates=aggregates,
    )


def parts(standing: Standing, index: int, table: str) -> tuple[int, int]:
    """The active parts of a table, and how many of them know no time at which their rows expire."""
    text = (
        "SELECT count(), countIf(toUnixTimestamp(delete_ttl_info_max) = 0) FROM system.parts "
        f"WHERE active AND database = '{standing.case.target_database}' AND table = '{table}' AND rows > 0"
    )
    number, unknown = standing.query(index, text).split()
    return int(number), int(unknown)


def test_a_run_goes_on_where_an_expiry_was_cut_short(standing: Standing) -> None:
    there = expiring(standing)
    spec, hosts = there.stand.ground.spec, there.stand.ground.hosts
    standing.note(facts.EXPIRING, table="events", state="begun")
    item = ddl.expiry(spec, spec.tables[0])
    assert item is not None
    there.stand.hands.do(hosts.targets[2], item.statement, item.params, tag="expire")
    Run(there.stand).carry_out()
    retention.expire(there.stand, "events")
    assert standing.facts.expiring == {"events"}
    Run(there.stand).carry_out()


def test_every_part_learns_when_its_rows_expire(standing: Standing) -> None:
    there = expiring(standing)
    old = standing.query(1, "SELECT count() FROM v2.events_local WHERE toDate(ts) + 30 <= now()")
    rows = int(standing.query(1, "SELECT count() FROM v2.events_local"))
    before = retention.old_rows(there.stand, "events")
    assert (
        sum(each.rows for each in before if each.host == there.stand.ground.hosts.targets[1].id)
        == int(old)
        > 0
    )
    assert {each.table for each in before} == {"events"}
    assert parts(standing, 1, "events_local")[1] == parts(standing, 1, "events_local")[0]
    lines: list[str] = []
    found = retention.expire(there.stand, "events", say=lines.append)
    assert found.table == "events"
    assert found.old == before
    assert found.partitions > 0
    assert any("rows are older already and go" in line for line in lines)
    for index in range(4):
        for name in ("events_local", "events_daily_local"):
            number, unknown = parts(standing, index, name)
            assert number > 0
            assert unknown == 0, (index, name)
    assert int(standing.query(1, "SELECT count() FROM v2.events_local")) == rows - int(old)
    assert standing.facts.expiring == {"events"}
    # What has gone is missing, unless it is left out on both sides; what has not is looked at all the same.
    ground = there.stand.ground
    assert verify.run(ground, tables=["events"]).state is State.DIFFERS
    until = int(standing.now()) + 86_400
    compared = verify.run(ground._replace(left_out={"events": until}), tables=["events"])
    assert compared.state is State.EQUAL, compared
    assert (compared.totals[0].source_rows, compared.totals[0].target_rows) == (180, 180)
    assert sum(check.keys for check in compared.aggregates) > 0
    assert compared.not_verified["events"].endswith("v2 lets them go")
    # Again: nothing is left to do.
    again = retention.expire(there.stand, "events")
    assert (again.old, again.partitions) == ((), 0)
    sent = [line for line in standing.kinds("send") if "MATERIALIZE TTL" in str(line["statement"])]
    assert len(sent) == found.partitions
    assert retention.expire(there.stand, "clicks") == retention.Expiring("clicks", (), 0)
    one = standing.query(1, "SELECT any(id) FROM v2.events_local")
    standing.query(1, f"ALTER TABLE v2.events_local DELETE WHERE id = '{one}' SETTINGS mutations_sync = 1")
    compared = verify.run(ground._replace(left_out={"events": until}), tables=["events"])
    (hour,) = compared.differing
    assert hour.host == ground.hosts.targets[1].id
    (minute,) = drill.down(ground._replace(left_out={"events": until}), hour).minutes
    assert minute.rows == {drill.Kind.MISSING: 1}


def test_what_is_not_sealed_does_not_expire(standing: Standing) -> None:
    stand = expiring(standing).stand._replace(facts=facts.Facts)
    with pytest.raises(MigrateError, match="events is not sealed"):
        retention.expire(stand, "events")
    with pytest.raises(MigrateError, match="other is no table of the spec"):
        retention.old_rows(stand, "other")


def yes(_: str) -> bool:
    return True


@pytest.fixture
def refused(standing: Standing) -> Callable[..., str]:
    """What is said to whoever would drop v1, given what has come about."""

    def ask(**told: Any) -> str:
        known = replace(standing.facts, **told)
        with pytest.raises(MigrateError) as caught:
            retention.drop_source(standing.stand._replace(facts=lambda: known), yes)
        assert caught.value.exit_code == 1
        assert standing.query(0, "SELECT count() > 0 FROM v1.events") == "1"
        return caught.value.what

    return ask


def test_v1_is_dropped_at_its_time_and_nothing_else(
    standing: Standing, refused: Callable[..., str], tmp_path: Path
) -> None:
    now = standing.now()
    moved: dict[str, Any] = {"reads": "v2", "reads_at": now - 31 * DAY_SECONDS}
    assert "readers are on v1" in refused()
    assert "v1 is kept for 30 days after readers moved" in refused(
        reads="v2", reads_at=now - 29 * DAY_SECONDS
    )
    assert "clicks: nobody has proven" in refused(**moved, sealed={"events": 1.0})
    assert "writers still write to it" in refused(**moved, dual_write=True)
    assert "whether they do" in refused(**moved, unseen=frozenset({"dual_write_on"}))
    assert "nobody has seen where they are" in refused(**moved, unseen=frozenset({"reads_v1"}))
    assert "readers are on v1" in refused(reads="v1", reads_at=now - 90 * DAY_SECONDS)

    # All of that is so, and still nothing but the file that proves it lets v1 go.
    path = tmp_path / "report.json"
    path.write_text("{}")
    told = facts.Report(str(path), hashlib.sha256(b"{}").hexdigest(), Verdict.EQUAL, None, "2026-01-01")
    assert "no sealed report proves that v2 has all rows" in refused(**moved)
    assert "report says differs" in refused(**moved, report=told._replace(verdict=Verdict.DIFFERS))
    assert "was changed since" in refused(**moved, report=told._replace(sha256="0" * 64))
    assert "cannot be read" in refused(**moved, report=told._replace(path=str(tmp_path / "none")))
    standing.note(facts.READS, version="v2", clock_seconds=now - 31 * DAY_SECONDS)
    standing.note(facts.REPORT, **told._asdict())
    standing.query(0, "CREATE TABLE v1.foreign_table (n UInt8) ENGINE = Memory")
    with pytest.raises(MigrateError, match="nobody confirmed it"):
        retention.drop_source(standing.stand, lambda name: name != retention.DROP_SOURCE)
    assert standing.facts.dropped == frozenset()
    found = retention.drop_source(standing.stand, yes)
    assert found.tables == ("events", "clicks")
    assert "foreign_table" in found.kept
    assert standing.facts.dropped == {"events", "clicks"}
    for name, there in (("events", "0"), ("clicks", "0"), ("foreign_table", "1")):
        assert standing.query(0, f"EXISTS TABLE v1.{name}") == there
    assert retention.drop_source(standing.stand, yes).tables == ("events", "clicks"), "again, after any end"
    assert len(standing.kinds(facts.DROPPED)) == 2


def test_what_served_the_migration_goes(standing: Standing) -> None:
    kept = standing.query(0, "SHOW TABLES FROM v2.".replace("v2.", standing.case.target_database))
    assert {"events_unsealed", "events_ingest"} <= set(kept.split())
    own = f"{standing.stand.hands.table_prefix('x')}g1a1"
    standing.query(2, f"CREATE TABLE v2.{own} (n UInt8) ENGINE = Memory")
    standing.query(3, "DROP TABLE v2.clicks_ingest")
    standing.query(3, "CREATE TABLE v2.clicks_ingest (n UInt8) ENGINE = Memory")
    found = retention.cleanup(standing.stand)
    assert found == ("clicks_ingest", "clicks_unsealed", "events_ingest", "events_unsealed")
    for index in range(4):
        left = set(
            standing.query(
                index, "SHOW TABLES FROM v2.".replace("v2.", standing.case.target_database)
            ).split()
        )
        foreign = {"clicks_ingest"} if index == 3 else set()
        assert left == foreign | {
            "clicks", "clicks_local", "events", "events_daily", "events_daily_local", "events_daily_mv", "events_local",
        }  # fmt: skip
    assert retention.cleanup(standing.stand) == ()


def test_a_name_with_rows_to_deliver_stays(standing: Standing) -> None:
    standing.query(2, "SYSTEM STOP DISTRIBUTED SENDS v2.clicks_unsealed")
    standing.query(
        2,
        "INSERT INTO v2.clicks_unsealed (ts, page, times) SELECT now(), toString(number), 1 FROM numbers(20)",
    )
    with pytest.raises(MigrateError, match="clicks_unsealed still has rows to deliver"):
        retention.cleanup(standing.stand)
    # Not on other hosts either: the rows go through their tables.
    assert [standing.query(index, "EXISTS TABLE v2.clicks_ingest") for index in range(4)] == ["1"] * 4
    standing.query(2, "SYSTEM START DISTRIBUTED SENDS v2.clicks_unsealed")
    files = f"SELECT sum(data_files) FROM system.distribution_queue WHERE database = '{standing.case.target_database}'"
    wait_until(lambda: standing.query(2, files) == "0", 60, "the delivery")
    assert "clicks_unsealed" in retention.cleanup(standing.stand)
