"""The storage pane on ClickHouse 26.9: moves and deletes by TTL, forecast, overdue and done; a full disk; a move that fails."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from chtui.errors import QueryError
from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.profile.options import Effective
from chtui.views import storage
from chtui.views.storage_moves import HistoryFact, MoveFact
from chtui.views.storage_tables import TableVolumeFact
from chtui.views.storage_ttl import TtlFact
from tests.engine.fleets import collected, ids, reconfigured
from tests.support import ModernRig, wait_until

(PAGE,) = storage.PAGES
DATABASE = "storage"
VOLUMES = ("hot_volume", "cold_volume", "archive_volume")
TTL = (
    "d + INTERVAL 1 DAY TO VOLUME 'cold_volume', d + INTERVAL 3 DAY TO VOLUME 'archive_volume', "
    "d + INTERVAL 6 DAY DELETE"
)
HOUR = 3600


@pytest.fixture
def rig(modern: ModernRig) -> Iterator[ModernRig]:
    """The rig with an empty database on its first host."""
    modern.query(0, f"CREATE DATABASE {DATABASE}")
    yield modern
    modern.heal()
    modern.query(0, f"DROP DATABASE {DATABASE} SYNC")


def wants(part: str) -> tuple[Want, ...]:
    found = PAGE.part(part)
    assert found is not None
    return found.wants(())


def look(found: Effective, part: str) -> Snapshot:
    """One look at what a part reads, when every host answers: on a busy machine one may miss a deadline."""

    def whole() -> Snapshot | None:
        snapshot = collected(found, wants(part))
        samples = [snapshot.sample(host.id, want.key) for host in snapshot.hosts for want in wants(part)]
        return snapshot if all(sample and sample.taken_at for sample in samples) else None

    seen: Snapshot = wait_until(whole, 120, f"an answer of every host to {part}")
    return seen


def facts(found: Effective, part: str) -> Sequence[Any]:
    """The facts of a part, of all hosts."""
    made = PAGE.part(part)
    assert made is not None
    return made.facts(look(found, part), ())


def ttl(rig: ModernRig, table: str) -> list[TtlFact]:
    return [
        fact for fact in facts(rig.effective(), "ttl") if (fact.database, fact.table) == (DATABASE, table)
    ]


def tables(rig: ModernRig, table: str) -> list[TableVolumeFact]:
    return [
        fact for fact in facts(rig.effective(), "tables") if (fact.database, fact.table) == (DATABASE, table)
    ]


def create(rig: ModernRig, rules: str, settings: str = "", stopped: str = "") -> str:
    """A table on the first host, with what it may not do by itself."""
    name = f"t{secrets.token_hex(4)}"
    rig.query(
        0,
        f"CREATE TABLE {DATABASE}.{name} (d DateTime, k UInt64, v String) ENGINE = MergeTree "
        f"PARTITION BY toDate(d) ORDER BY k TTL {rules} SETTINGS storage_policy = 'tiered_storage' {settings}",
    )
    for what in stopped.split(","):
        if what:
            rig.query(0, f"SYSTEM STOP {what.strip()} {DATABASE}.{name}")
    return name


def insert(rig: ModernRig, table: str, ages: str, count: int, size: int = 10) -> None:
    """Rows whose ages in seconds are an expression of `number`."""
    rig.query(
        0,
        f"INSERT INTO {DATABASE}.{table} SELECT now() - ({ages}), number, randomPrintableASCII({size}) "
        f"FROM numbers({count})",
    )


def parts(rig: ModernRig, table: str) -> list[dict[str, Any]]:
    """The active parts, as the engine tells them."""
    text = rig.query(
        0,
        "SELECT name, disk_name, rows, toInt64(bytes_on_disk) AS size, toInt64(delete_ttl_info_min) AS delete_min, "
        "toInt64(delete_ttl_info_max) AS delete_max, arrayMap(at -> toInt64(at), move_ttl_info.max) AS move_max, "
        "toInt64(now()) AS present FROM system.parts "
        f"WHERE active AND database = '{DATABASE}' AND table = '{table}' ORDER BY name "
        "FORMAT JSONEachRow SETTINGS output_format_json_quote_64bit_integers = 0",
    )
    return [json.loads(line) for line in text.splitlines()]


def on_disks(rig: ModernRig, table: str) -> set[str]:
    return {part["disk_name"] for part in parts(rig, table) if part["rows"]}


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
    assert any(part["delete_min"] < part["present"] < part["delete_max"] for part in engine)
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
        # One part a day in UTC; of yesterday's, some rows have expired and some have not.
        insert(
            rig,
            table,
            "toUnixTimestamp(now()) - toUnixTimestamp(toStartOfDay(now())) + 1 + number * 8640",
            10,
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


def partition(rig: ModernRig, table: str) -> str:
    text = f"SELECT partition_id FROM system.parts WHERE active AND database = '{DATABASE}' AND table = '{table}'"
    return rig.query(0, f"{text} ORDER BY bytes_on_disk DESC LIMIT 1").strip()


def storage_change(directory: Path) -> Callable[[ElementTree.Element], None]:
    """A configuration with a disk that is full, and one that is written slowly."""

    def change(tree: ElementTree.Element) -> None:
        disks, policies = (
            tree.find("storage_configuration/disks"),
            tree.find("storage_configuration/policies"),
        )
        assert disks is not None
        assert policies is not None
        full = ElementTree.SubElement(disks, "disk_full")
        ElementTree.SubElement(full, "path").text = f"{directory}/disk_full/"
        # A little more than there is: what other programs free meanwhile leaves it full.
        kept = shutil.disk_usage(directory).free + 2 * 2**30
        ElementTree.SubElement(full, "keep_free_space_bytes").text = str(kept)
        # Copies between plain disks pass by the limit on reads, those from an encrypted one do not.
        slow = ElementTree.SubElement(disks, "disk_slow")
        for tag, text in (
            ("type", "encrypted"),
            ("disk", "disk_ssd"),
            ("path", "slow/"),
            ("key", "0123456789abcdef"),
        ):
            ElementTree.SubElement(slow, tag).text = text
        for name, second in (("small", "disk_full"), ("slow", "disk_slow")):
            volumes = ElementTree.SubElement(ElementTree.SubElement(policies, name), "volumes")
            for volume, disk in (("hot_volume", "disk_nvme"), ("next_volume", second)):
                element = ElementTree.SubElement(volumes, volume)
                ElementTree.SubElement(element, "disk").text = disk
                ElementTree.SubElement(element, "perform_ttl_move_on_insert").text = "false"
        volumes = ElementTree.SubElement(ElementTree.SubElement(policies, "full"), "volumes")
        ElementTree.SubElement(ElementTree.SubElement(volumes, "main"), "disk").text = "disk_full"

    return change


@pytest.fixture
def limited(rig: ModernRig, tmp_path: Path) -> Iterator[ModernRig]:
    """The rig, its first host with a full disk and a slow one; what stands on them is gone before the disks are."""
    with reconfigured(rig, {0: storage_change(tmp_path)}):
        yield rig
        rig.query(0, f"DROP DATABASE {DATABASE} SYNC")
        rig.query(0, f"CREATE DATABASE {DATABASE}")


def with_policy(rig: ModernRig, policy: str, rules: str = "") -> str:
    name = f"t{secrets.token_hex(4)}"
    rig.query(
        0,
        f"CREATE TABLE {DATABASE}.{name} (d DateTime, k UInt64, v String) ENGINE = MergeTree PARTITION BY toDate(d) "
        f"ORDER BY k {rules} SETTINGS storage_policy = '{policy}'",
    )
    return name


def test_a_full_disk(limited: ModernRig) -> None:
    rig, host = limited, str(ids(limited)[0])
    table = with_policy(rig, "small", "TTL d + INTERVAL 1 DAY TO VOLUME 'next_volume'")
    insert(rig, table, f"{2 * 86400}", 1000, 1000)
    day = partition(rig, table)
    with pytest.raises(QueryError, match="Not enough space on 'disk_full'") as refused:
        rig.query(0, f"ALTER TABLE {DATABASE}.{table} MOVE PARTITION ID '{day}' TO DISK 'disk_full'")
    assert refused.value.code == 243
    only = with_policy(rig, "full")
    for _ in range(2):
        with pytest.raises(QueryError, match="not enough space") as refused:
            insert(rig, only, "0", 10)
        assert refused.value.code == 243
    (disk,) = [fact for fact in facts(rig.effective(), "disks") if fact.disk == "disk_full"]
    assert (disk.host, disk.volumes, disk.used_ratio) == (host, "full/main, small/next_volume", 1.0)
    assert (disk.free_bytes, disk.full_seconds, disk.full_reason) == (0, 0.0, None)
    assert disk.keep_free_bytes > 0
    volumes = [fact for fact in facts(rig.effective(), "volumes") if fact.policy == "small"]
    assert {fact.volume: fact.full_seconds == 0 for fact in volumes}["next_volume"]
    (waiting,) = ttl(rig, table)
    assert (waiting.kind, waiting.target, waiting.is_late) == ("move", "next_volume", True)
    assert re.fullmatch(r"next_volume has 0 B free, .* wait", waiting.overdue_reason or "")
    rig.query(0, "SYSTEM FLUSH LOGS")
    history: list[HistoryFact] = [
        fact for fact in facts(rig.effective(), "history") if fact.error_code == 243
    ]
    (moving,) = [fact for fact in history if table in (fact.statement or "")]
    (inserting,) = [fact for fact in history if only in (fact.statement or "")]
    assert "Not enough space on 'disk_full'" in (moving.exception or "")
    assert "MOVE PARTITION" in (moving.statement or "")
    assert (inserting.attempts, inserting.database, inserting.table) == (2, DATABASE, only)
    assert "Cannot reserve" in (inserting.exception or "")
    assert {(fact.host, fact.kind, fact.user) for fact in (moving, inserting)} == {
        (host, "statement", "admin")
    }


def test_a_move_that_fails(rig: ModernRig) -> None:
    host = str(ids(rig)[0])
    table = create(rig, TTL, stopped="MOVES, TTL MERGES")
    insert(rig, table, f"{2 * 86400}", 10)
    paths = rig.query(0, f"SELECT arrayJoin(data_paths) FROM system.tables WHERE name = '{table}'")
    (cold,) = [Path(path) for path in paths.split() if "disk_ssd" in path]
    (cold / "moving").write_text("in the way of the folder that moved parts are written to")
    rig.query(0, f"SYSTEM START MOVES {DATABASE}.{table}")

    def failed() -> list[HistoryFact]:
        rig.query(0, "SYSTEM FLUSH LOGS")
        return [fact for fact in facts(rig.effective(), "history") if fact.table == table and fact.error_code]

    (fact,) = wait_until(lambda: [found for found in failed() if found.attempts > 1], 60, "a failed move")
    assert (fact.host, fact.kind, fact.target_disk, fact.size_bytes) == (host, "move", None, None)
    assert "Not a directory" in fact.exception
    assert facts(rig.effective(), "history")[0].error_code != 0
    (cold / "moving").unlink()
    wait_until(lambda: on_disks(rig, table) == {"disk_ssd"}, 60, "the move")


def test_a_move_that_takes_its_time(limited: ModernRig) -> None:
    rig, table = limited, with_policy(limited, "slow")
    insert(rig, table, "0", 20_000, 1000)
    move = f"ALTER TABLE {DATABASE}.{table} MOVE PARTITION ID '{partition(rig, table)}' TO DISK"
    for disk in ("disk_slow", "disk_nvme", "disk_slow"):
        rig.query(0, f"{move} '{disk}'")
    rig.query(0, "SYSTEM FLUSH LOGS")
    slowly = f"{move} 'disk_nvme' SETTINGS max_local_read_bandwidth = 1000000"
    mover = threading.Thread(target=rig.query, args=(0, slowly))
    mover.start()
    try:

        def under_way() -> list[MoveFact]:
            return [move for move in facts(rig.effective(), "moves") if move.table == table]

        (seen,) = wait_until(under_way, 60, "a move under way")
    finally:
        mover.join()
    assert (seen.host, seen.target_disk) == (str(ids(rig)[0]), "disk_nvme")
    assert seen.size_bytes == parts(rig, table)[0]["size"]
    assert seen.elapsed_seconds > 0
    logged = rig.query(
        0,
        "SELECT sum(size_in_bytes), sum(duration_ms) FROM system.part_log WHERE event_type = 'MovePart' AND error = 0 "
        "AND disk_name = 'disk_nvme' AND event_time > now() - 86400",
    ).split()
    assert seen.usual_bytes_per_second == pytest.approx(int(logged[0]) / int(logged[1]) * 1000)
    assert seen.remaining_seconds is not None
    assert on_disks(rig, table) == {"disk_nvme"}
    wait_until(lambda: not under_way(), 60, "the end of the move")


def test_policies_of_hosts_that_differ(limited: ModernRig) -> None:
    found = facts(limited.effective(), "policies")
    by_volume = {(fact.policy, fact.volume): fact for fact in found}
    first = str(ids(limited)[0])
    assert by_volume["small", "next_volume"].hosts == (first,)
    assert by_volume["small", "next_volume"].differs
    tiered = [fact for fact in found if fact.policy == "tiered_storage"]
    assert [(fact.volume, fact.priority, fact.disks) for fact in tiered] == [
        ("hot_volume", 1, ("disk_nvme",)),
        ("cold_volume", 2, ("disk_ssd",)),
        ("archive_volume", 3, ("disk_s3",)),
    ]
    assert {(fact.differs, len(fact.hosts)) for fact in tiered} == {(False, 4)}
    assert [fact.perform_ttl_move_on_insert for fact in tiered] == [True, False, False]


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
