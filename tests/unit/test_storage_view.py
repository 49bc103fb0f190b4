"""The storage pane without a screen: disks, volumes, tables, moves and policies from records made by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import pytest

from chtui.monitor.snapshot import Snapshot
from chtui.records import HostId, HostState, Sample
from chtui.records.storage import (
    DetachedOnDisk,
    DiskGrowth,
    DiskParts,
    LoggedMove,
    MoveUnderWay,
    NoSpace,
    StorageDisk,
    StorageVolume,
    TableOnDisk,
    TablePolicy,
)
from chtui.text import UNSAFE
from chtui.views import storage
from chtui.views.pages import Part, notes, table, unavailable
from chtui.views.table import Link
from tests.unit.hand import HOSTILE, A, B, blank, good, snapshot, status

(PAGE,) = storage.PAGES
GIB = 2**30
Samples = dict[tuple[HostId, str], Sample]
OLD = "this server is older than 19.15, which brought system.disks"


def part_of(name: str) -> Part:
    found = PAGE.part(name)
    assert found is not None
    return found


def facts(given: Snapshot, name: str) -> Sequence[Any]:
    return part_of(name).facts(given, ())


def cells(given: Snapshot, name: str, row: int = 0) -> Mapping[str, str]:
    made = table(part_of(name), given, ())
    return {column.key: cell.text for column, cell in zip(made.columns, made.rows[row].cells, strict=True)}


def disk(name: str, free: int = 60, total: int = 100, **values: Any) -> StorageDisk:
    """A disk of so many GiB."""
    given = {"unreserved_bytes": free * GIB, "path": f"/{name}", "type": "Local", **values}
    return blank(StorageDisk, disk=name, free_bytes=free * GIB, total_bytes=total * GIB, **given)


def volume(name: str, priority: int, *disks: str, policy: str = "tiered", **values: Any) -> StorageVolume:
    given = {"move_factor": 0.1, "prefer_not_to_merge": False, **values}
    return blank(StorageVolume, policy=policy, volume=name, priority=priority, disks=list(disks), **given)


TIERED = (volume("hot", 1, "nvme"), volume("cold", 2, "ssd1", "ssd2"), volume("archive", 3, "s3"))


def host(at: HostId = A, /, **samples: Any) -> Samples:
    """A host of three volumes, with what else was asked."""
    given = {
        "storage_disks": good(disk("nvme"), disk("s3", 50), disk("ssd1"), disk("ssd2")),
        "storage_policies": good(*TIERED),
        "storage_disk_parts": good(DiskParts("nvme", 3, 10 * GIB, 2, 5 * GIB)),
        "storage_detached": good(DetachedOnDisk("nvme", 1, GIB)),
        "storage_growth": good(
            DiskGrowth("", 86000, 0, 0, 0, 0.0), DiskGrowth("nvme", 3600, 12 * GIB, 12 * GIB, 0, 0.0)
        ),
        **samples,
    }
    return {(at, name): sample for name, sample in given.items()}


def test_disks_come_in_the_order_of_their_volumes_with_what_fills_them() -> None:
    given = snapshot(status(), samples=host())
    found = facts(given, "disks")
    assert [fact.disk for fact in found] == ["nvme", "ssd1", "ssd2", "s3"]
    assert [fact.volumes for fact in found] == ["tiered/hot", "tiered/cold", "tiered/cold", "tiered/archive"]
    hot = found[0]
    assert (hot.used_bytes, hot.used_ratio, hot.state) == (40 * GIB, 0.4, "ok")
    assert (hot.active_bytes, hot.inactive_bytes, hot.detached_bytes) == (10 * GIB, 5 * GIB, GIB)
    assert hot.other_bytes == 24 * GIB
    assert hot.written_bytes_per_hour == pytest.approx(24 * GIB / (86000 / 3600))
    assert hot.full_seconds == pytest.approx(60 / 24 * 86000)
    assert (hot.move_factor, hot.is_move_factor_crossed) == (0.1, False)
    assert (found[1].active_bytes, found[1].detached_bytes, found[1].full_reason) == (
        0,
        0,
        "nothing was written there",
    )
    assert (found[3].move_factor, found[3].is_move_factor_crossed) == (None, None)
    shown = cells(given, "disks")
    assert (shown["used_ratio"], shown["free_bytes"], shown["full_seconds"]) == ("40 %", "60.0 GiB", "2d 11h")
    assert (shown["move_factor"], cells(given, "disks", 1)["full_seconds"]) == ("10.0 % free", "no growth")


def test_the_default_policys_disk_comes_last_and_hosts_stand_side_by_side() -> None:
    policies = good(volume("default", 1, "default", policy="default", move_factor=0.0), *TIERED)
    disks = good(disk("default"), disk("nvme"), disk("orphan"))
    samples = host(storage_policies=policies, storage_disks=disks)
    samples.update(host(B, storage_policies=policies, storage_disks=disks))
    found = facts(snapshot(status(), status(B), samples=samples), "disks")
    assert [(fact.disk, fact.host) for fact in found] == [
        (name, str(at)) for name in ("nvme", "orphan", "default") for at in (A, B)
    ]
    assert found[2].volumes == ""


@pytest.mark.parametrize(
    ("made", "shown"),
    [
        (disk("nvme", 20), ("80 %", "warning")),
        (disk("nvme", 5), ("95 %", "critical")),
        (disk("nvme", 21), ("79 %", "")),
    ],
)
def test_a_disk_is_marked_from_the_profiles_thresholds_on(made: StorageDisk, shown: tuple[str, str]) -> None:
    given = snapshot(status(), samples=host(storage_disks=good(made)))
    cell = table(part_of("disks"), given, ()).rows[0].cells[2]
    assert (cell.text, cell.style) == shown


def test_a_full_a_broken_a_readonly_and_an_endless_disk() -> None:
    disks = good(
        disk("nvme", 0, unreserved_bytes=0),
        disk("s3", 2**40, 2**40),
        disk("ssd1", is_broken=True),
        disk("ssd2", is_read_only=True, unreserved_bytes=9 * GIB),
    )
    given = snapshot(status(), samples=host(storage_disks=disks))
    full, broken, readonly, endless = facts(given, "disks")
    assert (full.used_ratio, full.full_seconds, full.is_move_factor_crossed) == (1.0, 0.0, True)
    assert cells(given, "disks")["full_seconds"] == "FULL"
    assert cells(given, "disks")["move_factor"] == "10.0 % free CROSSED"
    assert (broken.state, readonly.state) == ("broken", "read-only")
    assert cells(given, "disks", 1)["type"] == "BROKEN Local"
    assert readonly.is_move_factor_crossed
    assert (endless.disk, endless.free_bytes, endless.used_ratio) == ("s3", None, None)
    assert (endless.full_seconds, endless.full_reason) == (None, "it tells no size")


def test_what_a_host_does_not_tell_is_null_with_the_reason() -> None:
    reason = "this server has no system.part_log, or this user may not see it"
    lacking = host(
        storage_growth=Sample(unavailable=reason),
        storage_detached=Sample(error="no answer within 20 s"),
        storage_policies=Sample(error="no answer within 5 s"),
    )
    given = snapshot(status(), samples=lacking)
    fact = next(fact for fact in facts(given, "disks") if fact.disk == "nvme")
    assert (fact.full_seconds, fact.full_reason, fact.written_bytes_per_hour) == (None, reason, None)
    assert (fact.detached_bytes, fact.other_bytes, fact.volumes, fact.move_factor) == (None, None, None, None)
    assert unavailable(part_of("disks"), given, ()) == {
        "written_bytes_per_hour": reason,
        "full_seconds": reason,
        **dict.fromkeys(("detached_bytes", "other_bytes"), "no answer within 20 s"),
        **dict.fromkeys(("volumes", "move_factor", "is_move_factor_crossed"), "no answer within 5 s"),
    }
    short = host(storage_growth=good(DiskGrowth("nvme", 599, 12 * GIB, 0, 0, 0.0)))
    assert (
        facts(snapshot(status(), samples=short), "disks")[0].full_reason == "part_log reaches back only 599 s"
    )


def test_an_old_server_says_so_in_every_part() -> None:
    for part in PAGE.parts:
        samples = {(A, want.key): Sample(unavailable=OLD, is_too_old=True) for want in part.wants(())}
        given = snapshot(status(), samples=samples)
        made = table(part, given, ())
        assert (made.rows, made.empty) == ((), f"not known: {OLD}"), part.name
        assert OLD in unavailable(part, given, ()).values(), part.name
        assert any(OLD in piece.text for piece in notes(part, given, ())), part.name


def test_a_host_that_is_down_leaves_the_others() -> None:
    given = snapshot(status(), status(B, HostState.DOWN), samples=host())
    assert {fact.host for fact in facts(given, "disks")} == {str(A)}
    assert any(str(B) in piece.text for piece in notes(part_of("disks"), given, ()))


def test_a_table_has_a_row_with_its_volumes_in_order() -> None:
    rows = good(
        TableOnDisk("otel", "traces", "ssd1", 2, 20, 2 * GIB, 0, 90_000),
        TableOnDisk("otel", "traces", "ssd2", 1, 10, GIB, 7, 180_000),
        TableOnDisk("otel", "traces", "nvme", 1, 5, 5 * GIB, 0, -1),
        TableOnDisk("otel", "logs", "default", 1, 5, GIB, 0, 60),
    )
    policies = good(*TIERED, volume("default", 1, "default", policy="default"))
    asked = {
        "storage_table_parts": rows,
        "storage_policies": policies,
        "storage_table_policies": good(TablePolicy("otel", "traces", "tiered")),
    }
    samples = {**host(A, **asked), **host(B, **asked)}
    given = snapshot(status(), status(B), samples=samples)
    hot, cold, logs = facts(given, "tables")
    assert (hot.volume, hot.volume_priority, hot.oldest_data_seconds, hot.hosts) == ("hot", 1, None, 2)
    assert (cold.volume, cold.active_bytes, cold.active_parts, cold.rows) == ("cold", 6 * GIB, 6, 60)
    assert (cold.oldest_data_seconds, cold.inactive_bytes, cold.table_ratio) == (180_000, 14, 0.375)
    assert (logs.table, logs.storage_policy, logs.volume) == ("logs", "default", "default")
    shown = cells(given, "tables")
    assert (shown["table"], shown["active_bytes"]) == ("otel.traces", "16.0 GiB")
    assert (shown["volume_1"], shown["volume_2"], shown["volume_3"]) == (
        "hot 10.0 GiB",
        "cold 6.0 GiB 2d 2h",
        "-",
    )
    made = table(part_of("tables"), given, ())
    assert [row.key for row in made.rows] == ["otel.traces", "otel.logs"]
    assert made.rows[0].link == Link("table", ("otel", "traces"))


def test_parts_on_a_disk_of_no_volume_and_volumes_after_the_third() -> None:
    volumes = [volume(f"v{number}", number, f"d{number}") for number in range(1, 6)]
    rows = [TableOnDisk("a", "b", f"d{number}", 1, 1, GIB, 0, 60) for number in (4, 5, 9)]
    asked = {
        "storage_table_parts": good(*rows),
        "storage_policies": good(*volumes),
        "storage_table_policies": good(TablePolicy("a", "b", "tiered")),
    }
    given = snapshot(status(), samples=host(**asked))
    assert [fact.volume for fact in facts(given, "tables")] == ["d9", "v4", "v5"]
    assert cells(given, "tables")["volume_more"] == "3 volumes 3.0 GiB"


def test_a_move_under_way_is_held_against_the_usual_pace() -> None:
    growth = good(DiskGrowth("ssd1", 86000, 0, 0, 100 * GIB, 100.0))
    moves = good(
        MoveUnderWay("otel", "traces", "p1", "ssd1", 10 * GIB, 4.0),
        MoveUnderWay("otel", "traces", "p2", "ssd1", GIB, 9.0),
        MoveUnderWay("otel", "traces", "p3", "s3", GIB, 1.0),
    )
    given = snapshot(status(), samples=host(storage_moves=moves, storage_growth=growth))
    late, fast, unknown = facts(given, "moves")
    assert (late.part_name, late.remaining_seconds, cells(given, "moves")["remaining_seconds"]) == (
        "p2",
        0,
        "late",
    )
    assert (fast.usual_bytes_per_second, fast.remaining_seconds) == (GIB, 6.0)
    assert (unknown.usual_bytes_per_second, unknown.remaining_seconds) == (None, None)


def logged(name: str, error: int, last: int, **values: Any) -> LoggedMove:
    return blank(
        LoggedMove, database="otel", table="t", part_name=name, error_code=error, last_seconds=last, **values
    )


def test_what_failed_stands_before_what_went_well() -> None:
    log = good(
        logged("p1", 1001, 500, attempts=40, exception="Not a directory"),
        logged("p2", 0, 5, attempts=1, target_disk="ssd1", size_bytes=7, rows=3, duration_seconds=0.5),
    )
    no_space = good(
        NoSpace("Alter", "admin", "ALTER TABLE otel.t MOVE ...", "Not enough space", 2, 900, 20),
        NoSpace("Insert", "app", "INSERT INTO `a.b`.t ...", "Cannot reserve", 1, 30, 30),
        NoSpace("Insert", "app", "insert into table\na.b (x) ...", "Cannot reserve", 1, 40, 40),
    )
    given = snapshot(status(), samples=host(storage_move_log=log, storage_no_space=no_space))
    found = facts(given, "history")
    assert [(fact.kind, fact.error_code, fact.last_seconds) for fact in found] == [
        ("statement", 243, 20),
        ("statement", 243, 30),
        ("statement", 243, 40),
        ("move", 1001, 500),
        ("move", 0, 5),
    ]
    assert (found[0].database, found[0].table, found[0].user) == ("otel", "t", "admin")
    assert [(fact.database, fact.table) for fact in found[1:3]] == [(None, None), ("a", "b")]
    assert (found[3].size_bytes, found[3].duration_seconds, found[3].target_disk) == (None, None, None)
    assert (found[4].size_bytes, found[4].duration_seconds, found[4].exception) == (7, 0.5, None)
    assert [cells(given, "history", row)["error_code"] for row in (0, 3, 4)] == [
        "no space 243",
        "error 1001",
        "ok",
    ]
    made = table(part_of("history"), given, ())
    assert (made.rows[0].copy, made.rows[0].link) == ("Not enough space", Link("table", ("otel", "t")))
    assert made.rows[1].link is None


def test_policies_are_told_once_where_hosts_have_them_alike() -> None:
    other = (volume("hot", 1, "nvme", move_factor=0.5), *TIERED[1:])
    samples = {**host(A), **host(B, storage_policies=good(*other))}
    given = snapshot(status(), status(B), samples=samples)
    found = facts(given, "policies")
    assert [(fact.volume, fact.move_factor, fact.hosts) for fact in found] == [
        ("hot", 0.1, (str(A),)),
        ("hot", 0.5, (str(B),)),
        ("cold", 0.1, (str(A), str(B))),
        ("archive", 0.1, (str(A), str(B))),
    ]
    assert [fact.differs for fact in found] == [True, True, False, False]
    assert cells(given, "policies")["hosts"] == f"only {A}"
    shown = cells(given, "policies", 2)
    assert (shown["hosts"], shown["disks"], shown["max_data_part_bytes"]) == ("all", "ssd1, ssd2", "any")
    assert (shown["prefer_not_to_merge"], shown["perform_ttl_move_on_insert"]) == ("yes", "-")


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_made_safe(name: str) -> None:
    asked = {
        "storage_disks": good(disk(name, path=name, type=name)),
        "storage_policies": good(volume(name, 1, name, policy=name)),
        "storage_table_parts": good(TableOnDisk(name, name, name, 1, 1, 1, 1, 1)),
        "storage_table_policies": good(TablePolicy(name, name, name)),
        "storage_moves": good(MoveUnderWay(name, name, name, name, 1, 1.0)),
        "storage_move_log": good(LoggedMove(name, name, name, name, 1, 1, 1, 1, 1, 1, 1.0, name)),
        "storage_no_space": good(NoSpace(name, name, name, name, 1, 1, 1)),
    }
    given = snapshot(status(), samples=host(**asked))
    for part in PAGE.parts:
        for row in table(part, given, ()).rows:
            assert not any(UNSAFE.search(cell.text) for cell in row.cells), part.name


KEYS = {
    "disks": "host disk volumes type path state free_bytes total_bytes keep_free_bytes unreserved_bytes used_bytes "
    "used_ratio active_bytes inactive_bytes detached_bytes other_bytes written_bytes_per_hour full_seconds "
    "full_reason move_factor is_move_factor_crossed",
    "volumes": "host policy volume priority disks free_bytes total_bytes used_ratio written_bytes_per_hour "
    "ttl_in_bytes_per_hour ttl_moved_bytes_per_hour ttl_deleted_bytes_per_hour net_bytes_per_hour full_seconds "
    "full_reason",
    "tables": "database table storage_policy volume volume_priority hosts active_parts rows active_bytes "
    "inactive_bytes table_ratio oldest_data_seconds",
    "ttl": "database table kind volume target is_whole_parts is_late overdue_rows overdue_bytes overdue_seconds "
    "overdue_host overdue_reason next_1h_rows next_1h_bytes next_6h_rows next_6h_bytes next_1d_rows next_1d_bytes "
    "next_7d_rows next_7d_bytes next_seconds never_rows never_bytes hosts",
    "moves": "host database table part_name target_disk size_bytes elapsed_seconds usual_bytes_per_second "
    "remaining_seconds",
    "history": "host kind database table part_name target_disk error_code exception attempts first_seconds "
    "last_seconds rows size_bytes duration_seconds statement user",
    "policies": "policy volume priority disks max_data_part_bytes move_factor prefer_not_to_merge "
    "perform_ttl_move_on_insert hosts differs",
}


def test_the_keys_of_the_json() -> None:
    assert [part.name for part in PAGE.parts] == list(KEYS)
    for part in PAGE.parts:
        assert " ".join(field.name for field in fields(part.record)) == KEYS[part.name]
        named = {name for names in part.fields.values() for name in names}
        assert named <= {field.name for field in fields(part.record)}
        assert set(part.fields) <= {want.probe for want in part.wants(())}
