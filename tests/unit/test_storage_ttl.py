"""What TTL will do, without a server: clauses, forecasts, when volumes fill."""

from __future__ import annotations

from typing import Any

import pytest

from chtui.records import HostId, Sample
from chtui.records.storage import (
    DiskGrowth,
    StorageDisk,
    StorageVolume,
    TablePolicy,
    TtlRules,
    TtlSums,
)
from chtui.views.pages import table, unavailable
from chtui.views.storage.rules import MoveRule, Rules, parse_clause
from chtui.views.storage.ttl import PART as TTL
from chtui.views.storage.ttl import TtlFact, ttl_facts, ttl_figures
from chtui.views.storage.volumes import PART as VOLUMES
from chtui.views.storage.volumes import VolumeFact, volume_facts
from chtui.views.table import Link
from tests.unit.hand import HOSTILE, A, B, blank, good, snapshot, status

HOT_TO_COLD = MoveRule("d + toIntervalDay(1)", False, "cold")
CLAUSE = " TTL d + toIntervalDay(1) TO VOLUME 'cold', d + toIntervalDay(9) SETTINGS storage_policy = 'tiered'"
GIB = 2**30
Samples = dict[tuple[HostId, str], Sample]


@pytest.mark.parametrize(
    ("clause", "expected"),
    [
        (CLAUSE, Rules(True, (), (HOT_TO_COLD,))),
        (" TTL d", Rules(True, (), ())),
        (" TTL d + toIntervalDay(1) TO VOLUME IF EXISTS 'cold'", Rules(False, (), (HOT_TO_COLD,))),
        (" TTL f(d, 'it\\'s, TO DISK \\'x\\'') TO DISK 'a, b\\\\'", Rules(False, (), (MoveRule("f(d, 'it\\'s, TO DISK \\'x\\'')", True, "a, b\\"),))),
        (" TTL d WHERE (k = 1) OR (v IN ('a', ' SETTINGS ')), e SETTINGS x = 1", Rules(True, ("d",), ())),
        (" TTL d DELETE WHERE k = 1, e DELETE", Rules(True, ("d",), ())),
        (" TTL d GROUP BY k, j SET v = max(v), w = min(w), e TO VOLUME 'cold'", Rules(False, (), (MoveRule("e", False, "cold"),))),
        (" TTL d RECOMPRESS CODEC(ZSTD(9)), e", Rules(True, (), ())),
        (" TTL d RECOMPRESS CODEC(ZSTD(9))", Rules(False, (), ())),
        (" TTL `a, TO VOLUME 'x'` + 1", Rules(True, (), ())),
        (" TTL if(k > 5, d, d + toIntervalMonth(1))", Rules(True, (), ())),
        (" TTL d TO VOLUME 'cut in the mid", Rules(False, (), ())),
        ("", Rules(True, (), ())),
    ],
)  # fmt: skip
def test_a_clause_is_read(clause: str, expected: Rules) -> None:
    assert parse_clause(clause) == expected


@pytest.mark.parametrize("name", HOSTILE)
def test_no_clause_breaks_the_reader(name: str) -> None:
    assert parse_clause(f" TTL {name}").moves == ()
    escaped = name.replace("\\", "\\\\").replace("'", "\\'")
    assert parse_clause(f" TTL d TO DISK '{escaped}'").moves == (MoveRule("d", True, name),)


def disk(name: str, free: int = 100) -> StorageDisk:
    return blank(
        StorageDisk, disk=name, free_bytes=free * GIB, total_bytes=200 * GIB, unreserved_bytes=free * GIB
    )


def volume(name: str, priority: int, *disks: str) -> StorageVolume:
    return blank(
        StorageVolume, policy="tiered", volume=name, priority=priority, disks=list(disks), move_factor=0.1
    )


def rules(clause: str = CLAUSE, table: str = "t", **values: str) -> TtlRules:
    given = {"default_only_drop_parts": "0", "default_merge_timeout": "14400", **values}
    return blank(TtlRules, database="otel", table=table, clause=clause, **given)


def sums(kind: str, sizes: tuple[int, ...] = (0,) * 5, first: int = 60, **values: Any) -> TtlSums:
    """Sums in GiB; rows one by one are half of them."""
    whole = tuple(size * GIB for size in sizes)
    half = tuple(size / 2 for size in whole)
    given = {
        "database": "otel", "table": "t", "disk": "nvme", "expression": "d + toIntervalDay(1)" if kind == "move" else "",
        "rows": 1000, "active_bytes": 7 * GIB, "whole_rows": sizes, "whole_bytes": whole, "whole_first_seconds": first,
        "spread_rows": tuple(float(size) for size in sizes), "spread_bytes": half, "spread_first_seconds": first - 10,
        **values,
    }  # fmt: skip
    return blank(TtlSums, kind=kind, **given)


def host(*found: TtlSums, at: HostId = A, **samples: Any) -> Samples:
    given = {
        "storage_ttl": good(*found),
        "storage_ttl_rules": good(rules()),
        "storage_table_policies": good(TablePolicy("otel", "t", "tiered")),
        "storage_policies": good(volume("hot", 1, "nvme"), volume("cold", 2, "ssd"), volume("old", 3, "s3")),
        "storage_disks": good(disk("nvme"), disk("ssd"), disk("s3")),
        "storage_growth": good(DiskGrowth("nvme", 86400, 24 * GIB, 24 * GIB, 999 * GIB, 9.0)),
        **samples,
    }
    return {(at, name): sample for name, sample in given.items()}


def of(*found: TtlSums, **samples: Any) -> tuple[TtlFact, ...]:
    return ttl_facts(snapshot(status(), samples=host(*found, **samples)), ())


def test_rows_go_one_by_one_or_a_part_as_a_whole() -> None:
    made = sums("delete", (2, 4, 8, 16, 32), -20_000)
    (one_by_one,) = of(made)
    assert (one_by_one.is_whole_parts, one_by_one.overdue_bytes, one_by_one.overdue_seconds) == (
        False,
        GIB,
        20_010,
    )
    assert (one_by_one.next_1h_bytes, one_by_one.next_7d_bytes) == (GIB, 15 * GIB)
    for settings in ({"only_drop_parts": "1"}, {"only_drop_parts": "true"}, {"default_only_drop_parts": "1"}):
        (whole,) = of(made, storage_ttl_rules=good(rules(**settings)))
        assert (whole.is_whole_parts, whole.overdue_bytes, whole.overdue_seconds) == (True, 2 * GIB, 20_000)
        assert (whole.next_1h_bytes, whole.next_6h_bytes, whole.next_1d_bytes, whole.next_7d_bytes) == (
            2 * GIB, 6 * GIB, 14 * GIB, 30 * GIB,
        )  # fmt: skip
        assert (whole.next_1h_rows, whole.next_7d_rows, whole.overdue_rows) == (2, 30, 2)
    own = good(rules(only_drop_parts="0", default_only_drop_parts="1"))
    assert of(made, storage_ttl_rules=own)[0].is_whole_parts is False


def test_a_delete_is_late_after_the_tables_own_pause_between_merges() -> None:
    for since, settings, late in (
        (14_000, {}, False),
        (14_500, {}, True),
        (14_500, {"merge_timeout": "20000"}, False),
        (100, {"merge_timeout": "50"}, True),
    ):
        (fact,) = of(sums("delete", (1,) * 5, -since), storage_ttl_rules=good(rules(**settings)))
        assert fact.is_late is late, (since, settings)
    (due,) = of(sums("delete", (1,) * 5, -14_000))
    given = snapshot(status(), samples=host(sums("delete", (1,) * 5, -14_500)))
    cells = {c.key: x for c, x in zip(TTL.columns, table(TTL, given, ()).rows[0].cells, strict=True)}
    assert (cells["overdue_seconds"].text, cells["overdue_seconds"].style) == ("late 4h 1m", "warning")
    assert due.overdue_host == str(A)


def test_a_move_counts_until_the_part_is_there() -> None:
    waiting = sums("move", (1, 1, 1, 3, 3), -700)
    (fact,) = of(waiting)
    assert (fact.kind, fact.volume, fact.target, fact.is_late) == ("move", "hot", "cold", True)
    assert (fact.overdue_bytes, fact.next_1d_bytes, fact.overdue_reason) == (GIB, 2 * GIB, None)
    assert of(sums("move", (1,) * 5, -700, disk="ssd")) == ()
    assert of(sums("move", (1,) * 5, -300))[0].is_late is False
    to_disk = good(rules(" TTL d + toIntervalDay(1) TO DISK 's3'"))
    assert of(waiting, storage_ttl_rules=to_disk)[0].target == "s3"
    assert of(sums("move", (1,) * 5, -700, disk="s3"), storage_ttl_rules=to_disk) == ()


def test_why_a_move_cannot_happen() -> None:
    waiting = sums("move", (2,) * 5, -700)
    (full,) = of(waiting, storage_disks=good(disk("nvme"), disk("ssd", 1)))
    assert full.overdue_reason == "cold has 1.0 GiB free, 2.0 GiB wait"
    gone = good(rules(" TTL d + toIntervalDay(1) TO VOLUME 'gone'"))
    assert of(waiting, storage_ttl_rules=gone)[0].overdue_reason == "policy tiered has no gone"
    assert of(sums("delete", (2,) * 5, -20_000))[0].overdue_reason is None


def test_rules_that_are_gone_do_nothing_whatever_the_parts_say() -> None:
    found = (sums("delete", (1,) * 5), sums("move", (1,) * 5), sums("delete where", (1,) * 5, expression="d"))
    assert of(*found, storage_ttl_rules=good()) == ()
    other = good(rules(" TTL e TO VOLUME 'cold'"))
    assert of(*found, storage_ttl_rules=other) == ()
    partial = of(*found, storage_ttl_rules=good(rules(" TTL d WHERE k = 1")))
    assert [fact.kind for fact in partial] == ["delete where"]


def test_parts_without_an_info_are_never_touched() -> None:
    both = of(sums("never"))
    assert [(fact.kind, fact.never_rows, fact.never_bytes) for fact in both] == [
        ("delete", 1000, 7 * GIB),
        ("move", 1000, 7 * GIB),
    ]
    assert [fact.kind for fact in of(sums("never delete"))] == ["delete"]
    assert [fact.kind for fact in of(sums("never move"))] == ["move"]
    assert of(sums("never"), storage_ttl_rules=good()) == ()
    figures = ttl_figures(snapshot(status(), samples=host(sums("never delete"))), ())
    assert [(figure.label, figure.value) for figure in figures] == [
        ("late moves", "0 B"),
        ("late deletes", "0 B"),
        ("without TTL info", "7.0 GiB"),
    ]


def test_hosts_are_added_and_the_worst_is_named() -> None:
    little, much = sums("delete", (2, 2, 2, 2, 4), -20_000), sums("delete", (6, 6, 6, 6, 6), -30_000)
    samples = {**host(little), **host(much, at=B)}
    (fact,) = ttl_facts(snapshot(status(), status(B), samples=samples), ())
    assert (fact.overdue_bytes, fact.next_7d_bytes, fact.hosts) == (4 * GIB, GIB, 2)
    assert (fact.overdue_host, fact.overdue_seconds) == (str(B), 30_010)


def test_what_is_late_stands_first() -> None:
    found = of(
        sums("delete", (0, 0, 0, 0, 50), 90_000),
        sums("move", (1,) * 5, -700),
        storage_disks=good(),
    )
    assert [fact.kind for fact in found] == ["move", "delete"]
    assert (found[1].next_seconds, found[1].overdue_seconds, found[1].overdue_host) == (89_990, None, None)
    given = snapshot(status(), samples=host(sums("move", (1,) * 5, -700)))
    row = table(TTL, given, ()).rows[0]
    assert row.link == Link("table", ("otel", "t"))
    assert [name for name, _ in row.links] == ["table otel.t", f"host {A}"]


def volumes(*found: TtlSums, **samples: Any) -> dict[str, VolumeFact]:
    return {
        fact.volume: fact for fact in volume_facts(snapshot(status(), samples=host(*found, **samples)), ())
    }


def test_a_volume_fills_by_what_comes_less_what_goes() -> None:
    found = volumes(sums("move", (0, 0, 0, 24, 24)), sums("delete", (0, 0, 0, 0, 336)))
    hot, cold, old = found["hot"], found["cold"], found["old"]
    assert (hot.written_bytes_per_hour, hot.ttl_moved_bytes_per_hour) == (2 * GIB, GIB)
    # 168 GiB of rows one by one in 7 days is more in an hour than the nothing of the first day.
    assert (hot.ttl_deleted_bytes_per_hour, hot.net_bytes_per_hour) == (GIB, 0)
    assert (hot.full_seconds, hot.full_reason) == (None, "it does not grow")
    assert (cold.written_bytes_per_hour, cold.ttl_in_bytes_per_hour, cold.net_bytes_per_hour) == (0, GIB, GIB)
    assert cold.full_seconds == 100 * 3600
    assert (old.net_bytes_per_hour, old.full_reason) == (0, "it does not grow")
    assert list(found) == ["cold", "hot", "old"]


def test_a_full_volume_and_one_of_unknown_size() -> None:
    found = volumes(storage_disks=good(disk("nvme", 0), blank(StorageDisk, disk="s3", total_bytes=2**63)))
    assert (found["hot"].full_seconds, found["hot"].used_ratio) == (0.0, 1.0)
    assert {found[name].full_reason for name in ("cold", "old")} == {"its size is not known"}


def test_when_a_volume_fills_is_not_said_without_its_grounds() -> None:
    for probe in ("storage_growth", "storage_ttl", "storage_ttl_rules", "storage_table_policies"):
        asked: dict[str, Any] = {probe: Sample(error="no answer within 10 s")}
        lacking = host(**asked)
        given = snapshot(status(), samples=lacking)
        facts = volume_facts(given, ())
        assert {(fact.full_seconds, fact.net_bytes_per_hour) for fact in facts} == {(None, None)}
        assert {fact.full_reason for fact in facts} == {"no answer within 10 s"}
        assert unavailable(VOLUMES, given, ())["full_seconds"] == "no answer within 10 s"


def test_overdue_rows_are_not_counted_as_leaving() -> None:
    found = volumes(sums("move", (24,) * 5, -700))
    assert (found["hot"].ttl_moved_bytes_per_hour, found["cold"].ttl_in_bytes_per_hour) == (0, 0)
