"""Work cut into pieces, digests added up: pure."""

from __future__ import annotations

import random

import pytest

from chtui.migrate import layout
from chtui.migrate.digests import MODULUS, NOTHING, Digest, differing, of_shard, to_digests, total
from chtui.migrate.facts import Facts
from chtui.migrate.layout import HOUR_SECONDS, Group, Hour, Layout, Shard
from chtui.migrate.spec import Flavour
from chtui.migrate.status import proven
from chtui.records import HostId
from tests.support import replace

MIDNIGHT = 1_767_225_600


def hours(*rows: tuple[str, int, int], own: str = "20260101") -> dict[str, list[Hour]]:
    return {
        "traces": [
            Hour(partition, MIDNIGHT + hour * HOUR_SECONDS, own, number) for partition, hour, number in rows
        ]
    }


def test_hours_are_put_together_up_to_the_limit_and_never_across_partitions() -> None:
    found = layout.cut(
        "traces",
        hours(("202601", 0, 60), ("202601", 1, 40), ("202601", 2, 1), ("202602", 800, 5)),
        {"traces": {"20260101": 2.0}},
        100,
    )
    assert [(group.partition_id, group.rows, group.bytes_on_disk) for group in found] == [
        ("202601", 101, 202),
        ("202602", 5, 10),
    ]
    first, second = found[0].slices
    assert (first.from_seconds, first.to_seconds, first.rows) == (MIDNIGHT, MIDNIGHT + 2 * HOUR_SECONDS, 100)
    assert (second.from_seconds, second.rows, second.is_shared) == (MIDNIGHT + 2 * HOUR_SECONDS, 1, False)


def test_one_hour_that_is_too_large_is_a_slice_of_its_own() -> None:
    (group,) = layout.cut("traces", hours(("1", 0, 5), ("1", 1, 500), ("1", 2, 5)), {"traces": {}}, 100)
    assert [piece.rows for piece in group.slices] == [5, 500, 5]


def test_an_hour_with_rows_in_two_partitions_is_marked_in_both() -> None:
    found = layout.cut(
        "traces", hours(("202601", 0, 1), ("202601", 1, 2), ("202602", 1, 3)), {"traces": {}}, 10
    )
    assert [(group.partition_id, [piece.is_shared for piece in group.slices]) for group in found] == [
        ("202601", [True]),
        ("202602", [True]),
    ]


def test_v1_partitions_of_an_hour_stay_together() -> None:
    rows = [Hour("202601", MIDNIGHT, own, 70) for own in ("20251231", "20260101")]
    (group,) = layout.cut("traces", {"traces": rows}, {"traces": {}}, 100)
    (piece,) = group.slices
    assert (piece.rows, piece.source_partitions) == (140, ("20251231", "20260101"))


def test_several_tables_of_v1_feed_one_group() -> None:
    both = {name: [Hour("202601", MIDNIGHT, "20260101", 5)] for name in ("gauge", "sum")}
    (group,) = layout.cut("metrics", both, {"gauge": {}, "sum": {}}, 100)
    assert [(piece.source, piece.rows) for piece in group.slices] == [("gauge", 5), ("sum", 5)]


def test_no_row_is_in_no_slice_or_in_two() -> None:
    chance = random.Random(7)
    rows = [
        Hour(
            f"2026{1 + hour // 700:02}",
            MIDNIGHT + hour * HOUR_SECONDS,
            f"d{hour // 24}",
            chance.randrange(1, 90),
        )
        for hour in range(2000)
        if chance.random() < 0.8
    ]
    groups = layout.cut("traces", {"traces": rows}, {"traces": {}}, 1000)
    for row in rows:
        holders = [
            piece
            for group in groups
            if group.partition_id == row.partition_id
            for piece in group.slices
            if piece.from_seconds <= row.hour_seconds < piece.to_seconds
        ]
        assert len(holders) == 1
        assert row.source_partition_id in holders[0].source_partitions
    assert sum(group.rows for group in groups) == sum(row.rows for row in rows)


def made(flavour: Flavour, groups: int = 3) -> Layout:
    one, two, three, four = (HostId("ch", port) for port in range(1, 5))
    shards = (Shard(1, 0, 1, (one, two)), Shard(2, 1, 4, (three, four)))
    return Layout(tuple(Group("t", str(n), 1, 1, ()) for n in range(groups)), shards, flavour)


def test_a_seal_proves_what_its_table_has_but_for_what_was_skipped() -> None:
    found = made(Flavour.PLAIN)
    first, second, *others = [cell.name for group in found.groups for cell in found.cells(group)]
    assert proven(found, Facts()) == set()
    known = Facts(proven=frozenset({first, "of another plan"}), skipped=frozenset({second}))
    assert proven(found, known) == {first}
    assert proven(found, replace(known, sealed={"other": 1.0})) == {first}
    assert proven(found, replace(known, sealed={"t": 1.0})) == {first, *others}


def test_who_pulls() -> None:
    plain = made(Flavour.PLAIN)
    assert [cell.host.port for cell in plain.cells(plain.groups[0])] == [1, 2, 3, 4]
    replicated = made(Flavour.REPLICATED)
    assert [[cell.host.port for cell in replicated.cells(group)] for group in replicated.groups] == [
        [1, 3],
        [2, 4],
        [1, 3],
    ]
    assert replicated.total_weight == 4
    names = {cell.name for group in plain.groups for cell in plain.cells(group)}
    assert len(names) == 12


def test_digests_add_up_in_any_order_and_modulo() -> None:
    one, two = Digest(2, MODULUS - 1, 5, 9), Digest(1, 3, 1, 1)
    assert one + two == two + one == Digest(3, 2, 1, 9)
    assert total([]) == NOTHING
    assert NOTHING + one == one + NOTHING == one


def test_what_was_collapsed_is_counted_and_no_difference() -> None:
    once = Digest(2, 50, 2, 3, collapsed=4)
    assert once == Digest(2, 50, 2, 3)
    assert differing({0: once}, {0: Digest(2, 50, 2, 3)}) == []
    assert len({once, Digest(2, 50, 2, 3), Digest(3, 50, 2, 3)}) == 2
    assert once != (2, 50, 2, 3, 4)
    assert total([once, Digest(1, 7, 5, 5), once]).collapsed == 8
    shards = made(Flavour.PLAIN).shards
    assert to_digests([("", 0, 0, 2, 50, 2, 3, 4)], shards)[0, 1].collapsed == 4


def test_rows_of_slots_are_rows_of_shards() -> None:
    shards = made(Flavour.PLAIN).shards
    rows = [
        ("", 0, 0, 1, 10, 1, 1),
        ("", 0, 1, 1, 20, 2, 2),
        ("", 0, 3, 1, 30, 3, 3),
        ("", 3600, 1, 2, 5, 4, 9),
        ("", 3600, 4, 1, 7, 5, 5),
    ]
    found = to_digests(rows, shards)
    assert of_shard(found, 2) == {0: Digest(2, 50, 2, 3), 3600: Digest(2, 5, 4, 9)}
    assert of_shard(found, 0) == {3600: Digest(1, 7, 5, 5)}
    assert sum(each.rows for each in found.values()) == 6


@pytest.mark.parametrize("changed", [Digest(2, 50, 2, 4), Digest(3, 50, 2, 3), Digest(2, 51, 2, 3), NOTHING])
def test_any_change_is_a_difference(changed: Digest) -> None:
    wanted = {0: Digest(2, 50, 2, 3), 3600: Digest(1, 1, 1, 1)}
    assert differing(wanted, {**wanted, 0: changed}) == [0]
    assert differing(wanted, dict(wanted)) == []
    assert differing({}, wanted) == [0, 3600]
