"""The storage pane on ClickHouse 26.9: where parts are, what TTL will do, what it should have done, what fills the disks."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from tests.engine.fleets import ids
from tests.engine.storing import (
    DATABASE,
    TTL,
    create,
    database,
    facts,
    insert,
    look,
    on_disks,
    partition,
    parts,
    tables,
    ttl,
)
from tests.support import ModernRig, wait_until

VOLUMES = ("hot_volume", "cold_volume", "archive_volume")
HOUR = 3600


@pytest.fixture
def rig(modern: ModernRig) -> Iterator[ModernRig]:
    """The rig with an empty database on its first host."""
    with database(modern):
        yield modern


def test_parts_are_moved_and_found_where_they_are(rig: ModernRig) -> None:
    table = create(rig, TTL, stopped="MOVES, TTL MERGES")
    insert(rig, table, "number * 43200 + 1800", 10)
    (before,) = tables(rig, table)
    assert (before.volume, before.volume_priority, before.rows) == ("hot_volume", 1, 10)
    assert before.storage_policy == "tiered_storage"
    rig.query(0, f"SYSTEM START MOVES {DATABASE}.{table}")
    disks = {"disk_nvme", "disk_ssd", "disk_s3"}
    wait_until(lambda: on_disks(rig, table) == disks, 60, "the moves")
    wait_until(
        lambda: not [fact for fact in ttl(rig, table) if fact.kind == "move" and fact.overdue_bytes], 60
    )
    found = tables(rig, table)
    assert tuple(fact.volume for fact in found) == VOLUMES
    engine = parts(rig, table)
    for fact, disk in zip(found, ("disk_nvme", "disk_ssd", "disk_s3"), strict=True):
        there = [part for part in engine if part["disk_name"] == disk]
        assert fact.active_bytes == sum(part["size"] for part in there)
        assert fact.rows == sum(part["rows"] for part in there)
        assert fact.active_parts == len(there)
        assert fact.hosts == 1
    ages = [fact.oldest_data_seconds for fact in found]
    assert all(age is not None for age in ages)
    assert ages[2] == pytest.approx(9 * 43200 + 1800, abs=60)
    assert sum(fact.table_ratio or 0 for fact in found) == pytest.approx(1)
    rig.query(0, "SYSTEM FLUSH LOGS")
    moved = [fact for fact in facts(rig.effective(), "history") if fact.table == table]
    logged = rig.query(
        0,
        "SELECT part_name, disk_name, size_in_bytes FROM system.part_log WHERE event_type = 'MovePart' "
        f"AND database = '{DATABASE}' AND table = '{table}' ORDER BY part_name FORMAT TSV",
    )
    assert sorted(f"{fact.part_name}\t{fact.target_disk}\t{fact.size_bytes}" for fact in moved) == sorted(
        logged.splitlines()
    )
    assert {(fact.error_code, fact.attempts, fact.host) for fact in moved} == {(0, 1, str(ids(rig)[0]))}


def share(at: int, first: int, last: int, is_whole: bool) -> float:
    """What of a part is gone at an instant, worked out once more."""
    if at >= last:
        return 1.0
    return 0.0 if is_whole or at <= first else (at - first) / (last - first)


@pytest.mark.parametrize("only_drop_parts", [0, 1])
def test_the_forecast_is_what_the_parts_say(rig: ModernRig, only_drop_parts: int) -> None:
    table = create(rig, TTL, f", ttl_only_drop_parts = {only_drop_parts}", "MOVES, TTL MERGES, MERGES")
    insert(rig, table, "number * 7200 + 1800", 96, 100)
    engine = parts(rig, table)
    # Rows are two hours apart, and parts are days: about midnight none is half gone.
    assert any(
        part["delete_min"] - 2 * HOUR < part["present"] < part["delete_max"] + 2 * HOUR for part in engine
    )
    found = {(fact.kind, fact.target): fact for fact in ttl(rig, table)}
    assert set(found) == {("delete", None), ("move", "cold_volume"), ("move", "archive_volume")}
    assert {fact.volume for fact in found.values()} == {"hot_volume"}
    delete = found["delete", None]
    assert delete.is_whole_parts == bool(only_drop_parts)
    present = engine[0]["present"]
    instants = [present, present + HOUR, present + 6 * HOUR, present + 24 * HOUR, present + 168 * HOUR]
    for field in ("rows", "bytes"):
        size = "rows" if field == "rows" else "size"
        gone = [
            sum(
                part[size] * share(at, part["delete_min"], part["delete_max"], bool(only_drop_parts))
                for part in engine
            )
            for at in instants
        ]
        told = [getattr(delete, f"overdue_{field}")] + [
            getattr(delete, f"next_{horizon}_{field}") for horizon in ("1h", "6h", "1d", "7d")
        ]
        # The rows are spread over 22 h of a part: in the seconds between the two looks hardly anything expires.
        tolerance = {"rows": 1, "bytes": 100}[field] + (0 if only_drop_parts else gone[4] * 0.001)
        assert told[0] == pytest.approx(gone[0], abs=tolerance)
        assert told[1:] == pytest.approx([later - gone[0] for later in gone[1:]], abs=tolerance)
    for index, target in enumerate(("cold_volume", "archive_volume")):
        fact = found["move", target]
        # A part for which both moves are due waits for the later one only.
        waits = [
            part
            for part in engine
            if part["move_max"][index] > present or (index == 1 or part["move_max"][1] > present)
        ]
        due = [sum(part["size"] for part in waits if part["move_max"][index] <= at) for at in instants]
        assert fact.overdue_bytes == due[0]
        assert [fact.next_1h_bytes, fact.next_6h_bytes, fact.next_1d_bytes, fact.next_7d_bytes] == [
            size - due[0] for size in due[1:]
        ]
        assert fact.is_whole_parts


def test_the_last_row_decides_where_only_whole_parts_are_dropped(rig: ModernRig) -> None:
    rows = create(rig, "d + INTERVAL 1 DAY", stopped="TTL MERGES, MERGES")
    whole = create(rig, "d + INTERVAL 1 DAY", ", ttl_only_drop_parts = 1", "TTL MERGES, MERGES")
    for table in (rows, whole):
        # One part a day in UTC; of yesterday's, some rows have expired and some have not, whatever time it is.
        insert(
            rig,
            table,
            "toUnixTimestamp(now()) - toUnixTimestamp(toStartOfDay(now())) + 1 + number * 4",
            21_600,
        )
    (engine,) = parts(rig, whole)
    assert engine["delete_min"] < engine["present"] < engine["delete_max"]
    (by_rows,), (by_parts,) = ttl(rig, rows), ttl(rig, whole)
    assert (by_parts.overdue_bytes, by_parts.overdue_rows, by_parts.is_late) == (0, 0, False)
    assert by_parts.next_seconds == pytest.approx(engine["delete_max"] - engine["present"], abs=30)
    assert by_parts.next_1d_bytes == engine["size"]
    assert 0 < by_rows.overdue_bytes < engine["size"]
    assert by_rows.overdue_seconds == pytest.approx(engine["present"] - engine["delete_min"], abs=30)


def test_what_should_have_happened_is_late_until_it_does(rig: ModernRig) -> None:
    table = create(rig, TTL, stopped="MOVES, TTL MERGES")
    insert(rig, table, f"{2 * 86400} + number", 10)
    insert(rig, table, f"{8 * 86400} + number", 5)
    size = sum(part["size"] for part in parts(rig, table))
    found = {(fact.kind, fact.target): fact for fact in ttl(rig, table)}
    delete, cold, archive = (
        found["delete", None],
        found["move", "cold_volume"],
        found["move", "archive_volume"],
    )
    assert (delete.is_late, cold.is_late, archive.is_late) == (True, True, True)
    assert (delete.overdue_rows, cold.overdue_rows, archive.overdue_rows) == (5, 10, 5)
    assert cold.overdue_bytes + archive.overdue_bytes == size
    assert delete.overdue_seconds == pytest.approx(2 * 86400, abs=120)
    assert cold.overdue_seconds == pytest.approx(86400, abs=120)
    assert {fact.overdue_host for fact in found.values()} == {str(ids(rig)[0])}
    assert {fact.overdue_reason for fact in found.values()} == {None}
    rig.query(0, f"SYSTEM START MOVES {DATABASE}.{table}")
    rig.query(0, f"SYSTEM START TTL MERGES {DATABASE}.{table}")

    def is_done() -> bool:
        rig.query(0, f"OPTIMIZE TABLE {DATABASE}.{table} FINAL")
        return not any(fact.overdue_bytes for fact in ttl(rig, table))

    wait_until(is_done, 60, "nothing overdue")
    assert sum(part["rows"] for part in parts(rig, table)) == 10
    assert on_disks(rig, table) == {"disk_ssd"}


def test_parts_without_an_info_never_go(rig: ModernRig) -> None:
    table = f"t{secrets.token_hex(4)}"
    rig.query(
        0, f"CREATE TABLE {DATABASE}.{table} (d DateTime, k UInt64, v String) ENGINE = MergeTree ORDER BY k"
    )
    insert(rig, table, "40 * 86400", 100)
    rig.query(
        0,
        f"ALTER TABLE {DATABASE}.{table} MODIFY TTL d + INTERVAL 30 DAY SETTINGS materialize_ttl_after_modify = 0",
    )
    (fact,) = ttl(rig, table)
    assert (fact.kind, fact.never_rows, fact.overdue_rows, fact.is_late) == ("delete", 100, 0, False)
    assert fact.never_bytes == sum(part["size"] for part in parts(rig, table))
    rig.query(0, f"SYSTEM STOP TTL MERGES {DATABASE}.{table}")
    insert(rig, table, "0", 10)
    (fact,) = ttl(rig, table)
    assert fact.never_rows == 100


def test_disks_add_up(rig: ModernRig) -> None:
    table = create(rig, TTL, stopped="MOVES, TTL MERGES, MERGES")
    insert(rig, table, "number * 60", 1000, 1000)
    rig.query(0, f"ALTER TABLE {DATABASE}.{table} DETACH PARTITION ID '{partition(rig, table)}'")
    insert(rig, table, "0", 10)
    found = [fact for fact in facts(rig.effective(), "disks") if fact.host == str(ids(rig)[0])]
    assert [fact.disk for fact in found] == ["disk_nvme", "disk_ssd", "disk_s3", "default"]
    assert [fact.volumes for fact in found] == [
        *(f"tiered_storage/{volume}" for volume in VOLUMES),
        "default/default",
    ]
    hot = found[0]
    active, inactive = (
        int(
            rig.query(
                0, f"SELECT sum(bytes_on_disk) FROM system.parts WHERE disk_name = 'disk_nvme' AND {which}"
            )
        )
        for which in ("active", "NOT active")
    )
    detached = int(
        rig.query(0, "SELECT sum(bytes_on_disk) FROM system.detached_parts WHERE disk = 'disk_nvme'")
    )
    assert detached > 0
    assert (hot.active_bytes, hot.inactive_bytes, hot.detached_bytes) == (active, inactive, detached)
    assert hot.used_bytes == hot.total_bytes - hot.free_bytes
    assert hot.used_bytes == active + inactive + detached + hot.other_bytes
    assert hot.is_move_factor_crossed is False
    assert (hot.move_factor, found[2].move_factor) == (0.001, None)
    # The log of a server that has just started says nothing about a day.
    assert hot.full_seconds is None or hot.written_bytes_per_hour
    assert bool(hot.full_reason) == (hot.full_seconds is None)


def test_growth_is_what_part_log_says(rig: ModernRig) -> None:
    table = create(rig, TTL, stopped="MOVES, TTL MERGES, MERGES")
    insert(rig, table, "0", 1000, 1000)
    rig.query(0, "SYSTEM FLUSH LOGS")
    snapshot = look(rig.effective(), "disks")
    rows = {row.disk: row for row in snapshot.rows(ids(rig)[0], "storage_growth")}
    logged = rig.query(
        0,
        "SELECT sum(size_in_bytes) FROM system.part_log WHERE event_type = 'NewPart' AND error = 0 "
        "AND disk_name = 'disk_nvme' AND event_time > now() - 86400",
    )
    assert rows["disk_nvme"].inserted_bytes == int(logged) > 1_000_000
