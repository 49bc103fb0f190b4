"""What a verification makes of what servers told, and its report: pure."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from chtui import sql
from chtui.errors import ConnectError
from chtui.migrate import drill, look, questions, verify_states
from chtui.migrate.digests import NOTHING, Digest
from chtui.migrate.drill import Kind, Minute
from chtui.migrate.spec import AggregateSpec, TableSpec
from chtui.migrate.verification import (
    AggregateCheck,
    State,
    Told,
    compare,
    replicas_differing,
)
from tests.unit.verifications import HOUR, SHARDS, SOURCE, WHOLE, A, B, C, D, at, states, told, verified


def test_all_is_equal() -> None:
    found = verified(SOURCE, WHOLE)
    assert states(found) == dict.fromkeys((A, B, C, D), State.EQUAL)
    assert (found.exit_code, found.replicas_differing, found.differing) == (0, (), ())
    (figures,) = found.totals
    assert (figures.source_rows, figures.target_rows, figures.hours, figures.hours_differing) == (
        30,
        30,
        1,
        0,
    )


def test_one_replica_that_differs_is_told_and_so_is_that_replicas_differ() -> None:
    found = verified(SOURCE, {**WHOLE, B: told((at(1), 9))})
    assert states(found) == {A: State.EQUAL, B: State.DIFFERS, C: State.EQUAL, D: State.EQUAL}
    (each,) = found.replicas_differing
    assert (each.shard_num, dict(each.rows)) == (1, {A: 10, B: 9})
    assert found.exit_code == 1


def test_replicas_may_agree_and_differ_from_v1() -> None:
    found = verified(SOURCE, {**WHOLE, A: told((at(1), 9)), B: told((at(1), 9))})
    assert [each.host for each in found.differing] == [A, B]
    assert found.replicas_differing == ()


def test_the_same_number_of_rows_is_not_enough() -> None:
    changed = Told({at(1): Digest(10, 11, 5, 9)}, {})
    found = verified(SOURCE, {**WHOLE, A: changed})
    assert states(found)[A] is State.DIFFERS
    assert dict(found.replicas_differing[0].rows) == {A: 10, B: 10}


def test_a_host_without_any_row_differs() -> None:
    assert states(verified(SOURCE, {**WHOLE, D: told()}))[D] is State.DIFFERS


def test_a_host_that_cannot_be_asked_is_unknown_and_the_others_are_compared() -> None:
    found = verified(SOURCE, {**WHOLE, B: told(failed={"": "b:9000: down"})})
    assert states(found) == {A: State.EQUAL, B: State.UNKNOWN, C: State.EQUAL, D: State.EQUAL}
    assert next(each.error for each in found.compared if each.host == B) == "b:9000: down"
    (figures,) = found.totals
    assert (figures.hosts_unknown, figures.hours, figures.hours_unknown, figures.target_rows) == (1, 1, 1, 30)
    assert found.exit_code == 3


def test_a_difference_outweighs_what_is_unknown() -> None:
    found = verified(SOURCE, {**WHOLE, B: told(failed={"": "down"}), C: told((at(2), 1))})
    assert found.exit_code == 1


def test_a_host_without_rows_to_have_that_cannot_be_asked_is_unknown_all_the_same() -> None:
    found = verified(told((at(1), 10)), {**WHOLE, C: told(failed={"": "down"}), D: told()})
    assert C not in states(found)
    assert found.exit_code == 3


def test_a_host_the_cluster_no_longer_has_is_unknown() -> None:
    found = verified(SOURCE, {host: each for host, each in WHOLE.items() if host != D})
    assert states(found)[D] is State.UNKNOWN
    assert found.exit_code == 3


def test_one_partition_that_cannot_be_read_leaves_the_others_known() -> None:
    later = at(1, partition="202602")
    source = told((at(1), 10), (at(2), 20), (later, 7))
    targets = {**WHOLE, A: told((at(1), 10), failed={"202602": "broken"}), B: told((at(1), 10), (later, 7))}
    found = verified(source, targets)
    of_a = {each.partition_id: each.state for each in found.compared if each.host == A}
    assert of_a == {"202601": State.EQUAL, "202602": State.UNKNOWN}
    assert A not in found.totals[0].rows_by_host


def test_without_v1_nothing_is_equal_and_replicas_are_still_compared() -> None:
    source = Told(SOURCE.digests, {"events 20260131": "v1 is away"})
    found = verified(source, {**WHOLE, B: told((at(1), 9))})
    assert set(states(found).values()) == {State.UNKNOWN}
    assert found.compared[0].error == "v1: v1 is away"
    assert len(found.replicas_differing) == 1
    assert found.totals[0].source_rows is None
    assert found.exit_code == 3


def test_rows_on_the_wrong_shard_are_counted_where_they_are() -> None:
    found = verified(SOURCE, {**WHOLE, A: told((at(1), 10), (at(2), 3))})
    wrong = {each.host: each.wrong_shard_rows for each in found.compared if each.wrong_shard_rows}
    assert wrong == {A: 3}
    assert states(found)[A] is State.DIFFERS
    assert found.totals[0].wrong_shard_rows == 3
    assert dict(found.replicas_differing[0].rows) == {A: 13, B: 10}


def test_rows_whose_key_leads_to_no_shard_are_a_difference() -> None:
    found = verified(Told({**SOURCE.digests, at(0): Digest(2, 1, 5, 9)}, {}), WHOLE)
    assert set(states(found).values()) == {State.EQUAL}
    assert found.totals[0].no_shard_rows == 2
    assert found.exit_code == 1


def test_a_partition_v1_does_not_have_is_extra() -> None:
    foreign = at(1, partition="199901")
    found = verified(SOURCE, {**WHOLE, A: told((at(1), 10), (foreign, 4))})
    extra = [(each.host, each.partition_id, each.wanted) for each in found.differing]
    assert extra == [(A, "199901", NOTHING)]
    assert [each.is_extra for each in found.differing] == [True]
    assert found.totals[0].extra_rows == 4


def test_another_hour_of_a_known_partition_is_not_extra() -> None:
    (wrong,) = verified(SOURCE, {**WHOLE, A: told((at(1), 10), (at(1, HOUR + 3600), 4))}).differing
    assert (wrong.hour_seconds, wrong.is_extra) == (HOUR + 3600, False)


def test_an_aggregate_counts_like_rows_do() -> None:
    wrong = AggregateCheck("agg", "202601", A, keys=5, keys_without_states=1)
    away = AggregateCheck("agg", "202601", A, error="down")
    assert verified(SOURCE, WHOLE, AggregateCheck("agg", "202601", A, keys=5)).exit_code == 0
    assert verified(SOURCE, WHOLE, wrong).exit_code == 1
    assert verified(SOURCE, WHOLE, away).exit_code == 3


def test_replicas_of_different_shards_are_not_compared() -> None:
    assert replicas_differing(compare("t", SOURCE, WHOLE, SHARDS)) == []


# Rows


def test_rows_are_sorted_out_by_how_often_they_are_there() -> None:
    odd = drill.sort_out({1: 1, 2: 2, 3: 1, 5: 3}, {2: 2, 3: 3, 4: 1, 5: 1}, {9: 2})
    assert [(each.kind, each.row_hash, each.copies) for each in odd] == [
        (Kind.WRONG_SHARD, 9, 2),
        (Kind.MISSING, 1, 1),
        (Kind.DUPLICATED, 3, 2),
        (Kind.EXTRA, 4, 1),
        (Kind.LACKING, 5, 2),
    ]


def test_more_rows_than_may_be_compared_are_cut_at_the_greatest_hash_told() -> None:
    found = drill.counted([(1, 0, 1), (4, 1, 2), (7, 0, 5), (8, 0, 1)], 3, 1, SHARDS)
    assert found == drill.Counted(Counter({1: 1, 7: 5}), Counter({4: 2}), 7)
    assert drill.counted([(1, 0, 1)], 3, 1, SHARDS).last is None
    assert drill.up_to({1: 1, 7: 5, 9: 1}, 7) == {1: 1, 7: 5}


def test_a_minute_with_missing_and_extra_rows_says_they_may_be_changed_ones() -> None:
    rows = {Kind.MISSING: 2, Kind.EXTRA: 3}
    minute = Minute(HOUR, NOTHING, NOTHING, rows, (), cut=True)
    assert minute.note == "2 missing and 2 extra rows may be 2 changed ones; more rows than were compared"
    assert Minute(HOUR, NOTHING, NOTHING, {Kind.MISSING: 2}, (), cut=False).note == ""


def test_slots_lead_to_shards_or_to_none() -> None:
    rows = [("202601", HOUR, slot, 1, 2**64 - 1, 3, 4) for slot in (0, 1, 2, -1)]
    places = look.to_places(rows, SHARDS)
    assert [place[2] for place, _ in places] == [1, 2, 0, 0]
    assert places[0][1] == Digest(1, 2**64 - 1, 3, 4)


# Aggregates


def aggregate(*columns: tuple[str, str, str]) -> AggregateSpec:
    return AggregateSpec(
        name="agg",
        base="t",
        columns={"day": "Date", **{name: kind for name, kind, _ in columns}},
        select={"day": "day", **{name: text for name, _, text in columns}},
        where="",
        partition_by="toYYYYMM(day)",
        order_by="day",
        time="day",
    )


@pytest.mark.parametrize(
    ("kind", "apart"),
    [
        ("AggregateFunction(count)", 0.0),
        ("AggregateFunction(countIf, UInt8)", 0.0),
        ("AggregateFunction(sum, UInt64)", 0.0),
        ("AggregateFunction(sum, Nullable(Float64))", 1e-9),
        ("AggregateFunction(sumIf, Float32, UInt8)", 1e-9),
        ("AggregateFunction(min, Float64)", 0.0),
        ("AggregateFunction(avg, UInt64)", 1e-9),
        ("AggregateFunction(uniq, String)", 0.01),
        ("AggregateFunction(quantilesDD(0.01, 0.5, 0.95), UInt64)", 0.0),
        ("SimpleAggregateFunction(max, UInt64) CODEC(ZSTD(1))", 0.0),
    ],
)
def test_how_a_column_is_compared_comes_from_its_type(kind: str, apart: float) -> None:
    (column,) = verify_states.columns_of(aggregate(("x", kind, "state")))
    assert column.apart == apart
    assert verify_states.not_verified(aggregate(("x", kind, "state"))) == {}


@pytest.mark.parametrize(
    "kind", ["AggregateFunction(quantilesTDigest(0.5), Float64)", "AggregateFunction(any, String)"]
)
def test_states_of_an_unknown_kind_are_named(kind: str) -> None:
    spec = aggregate(("x", kind, "state"), ("rows", "AggregateFunction(count)", "countState()"))
    assert [column.name for column in verify_states.columns_of(spec)] == ["rows"]
    (why,) = verify_states.not_verified(spec).values()
    assert why.startswith("nothing is known of how equal states of")


def test_values_come_out_of_states_and_out_of_rows_by_the_same_function() -> None:
    (quantiles,) = verify_states.columns_of(
        aggregate(
            ("q", "AggregateFunction(quantilesDD(0.01, 0.5), UInt64)", "quantilesDDState(0.01, 0.5)(n)")
        )
    )
    assert quantiles.merged == "quantilesDDMerge(0.01, 0.5)(`q`)"
    assert quantiles.computed == "finalizeAggregation(quantilesDDState(0.01, 0.5)(n))"
    (simple,) = verify_states.columns_of(aggregate(("m", "SimpleAggregateFunction(max, UInt64)", "max(n)")))
    assert (simple.merged, simple.computed) == ("max(`m`)", "max(n)")


def test_the_end_of_a_bucket_is_computed_from_columns_that_follow_from_the_time() -> None:
    table = TableSpec(
        name="t",
        sources=(),
        time="ts",
        columns={
            "day": "Date DEFAULT toDate(ts)",
            "ts": "DateTime",
            "n": "UInt64",
            "twice": "UInt64 DEFAULT n * 2",
        },
        sharding_key="n",
        partition_by="toYYYYMM(day)",
        order_by="ts",
    )
    assert verify_states._at(table, f"toDateTime({HOUR})") == {
        "ts": f"CAST((toDateTime({HOUR})), 'DateTime')",
        "day": f"CAST((toDate(CAST((toDateTime({HOUR})), 'DateTime'))), 'Date')",
    }


# Asking


class Silent:
    """A host that answers nothing after so many answers."""

    id = A

    def __init__(self, answers: int) -> None:
        self.left = answers
        self.asked = 0

    def rows(self, *_: object, **__: object) -> list[tuple[str]]:
        self.asked += 1
        if self.asked > self.left:
            raise ConnectError("down", "timed out")
        return [("26.9",)]


def test_a_host_that_falls_silent_is_given_up_while_it_works() -> None:
    import threading

    host, never = Silent(2), threading.Event()
    with pytest.raises(ConnectError, match="stopped answering: timed out"):
        questions.watched(host, never.wait, 0.01)  # type: ignore[arg-type]
    assert host.asked == 2 + questions.TRIES
    never.set()


def test_a_host_that_lives_is_waited_for() -> None:
    import threading

    host, done = Silent(1_000_000), threading.Event()

    def work() -> str:
        done.wait()
        return "rows"

    threading.Timer(0.1, done.set).start()
    assert questions.watched(host, work, 0.01) == "rows"  # type: ignore[arg-type]
    assert host.asked > 1


@pytest.mark.parametrize(
    "name",
    [
        "counted", "digest", "digest_once", "drill_hashes", "drill_rows", "preflight_losses", "preflight_partitions", "preflight_rate",
        "preflight_times", "preflight_values", "source_hours", "states_count",
    ],
)  # fmt: skip
def test_no_name_a_question_gives_can_be_that_of_a_column(name: str) -> None:
    """The server would take the one for the other: rows would be hashed without that column."""
    given = re.findall(r" AS (\w+)", sql.load(f"migrate/{name}").text)
    assert given
    assert all(each.startswith("chtui_") for each in given)
