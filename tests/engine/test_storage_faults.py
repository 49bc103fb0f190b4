"""The storage pane on ClickHouse 26.9 with a full disk, a move that fails, one that takes its time, and hosts that differ."""

from __future__ import annotations

import re
import secrets
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from chtui.errors import QueryError
from chtui.views.storage.moves import HistoryFact, MoveFact
from tests.engine.fleets import ids, reconfigured
from tests.engine.storing import (
    DATABASE,
    TTL,
    create,
    database,
    facts,
    insert,
    on_disks,
    partition,
    parts,
    ttl,
)
from tests.support import ModernRig, wait_until


@pytest.fixture
def rig(modern: ModernRig) -> Iterator[ModernRig]:
    """The rig with an empty database on its first host."""
    with database(modern):
        yield modern


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
