"""Merges, mutations, pools, crowded partitions and the part log, as facts and rows of records made by hand."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from chtui.monitor.probe import Context
from chtui.monitor.probes import PROBES
from chtui.monitor.snapshot import Snapshot
from chtui.profile.model import Thresholds
from chtui.records import ReplicationSummary, Sample
from chtui.records.merges import (
    CrowdedPartition,
    Merge,
    Mutation,
    MutationEntries,
    PartLimits,
    PartMinute,
    PartTable,
    PoolGauge,
    PoolSetting,
)
from chtui.views import merges
from chtui.views.merges import mutations as merges_mutations
from chtui.views.merges import pools as merges_pools
from chtui.views.pages import Part, table
from chtui.views.panes import page
from chtui.views.table import Link
from tests.support import replace
from tests.unit.hand import HOSTILE, A, B, blank, good, snapshot, status

MERGE = blank(Merge, database="otel", table="traces", result_part_name="202601_1_9_1", num_parts=5, is_mutation=False,
              merge_type="Regular", elapsed_seconds=10.0, progress_ratio=0.25, memory_bytes=1024)  # fmt: skip
MUTATION = blank(Mutation, database="otel", table="traces", mutation_id="mutation_7.txt", command="(DELETE WHERE x = 1)",
                 age_seconds=900, parts_to_do=10, latest_failed_part="", latest_fail_reason="", postpone_reason="")  # fmt: skip
POOL = (
    PoolGauge("BackgroundMergesAndMutationsPoolTask", 1),
    PoolGauge("BackgroundMergesAndMutationsPoolSize", 16),
)
SETTINGS = (PoolSetting("number_of_free_entries_in_pool_to_execute_mutation", 4.0),)
CROWD = CrowdedPartition("otel", "traces", "202601", 900, 900_000, 1200)
DEFAULTS = PartLimits("defaults", "", "", False, 1000, 3000, 100_000, 1 << 30)
MINUTE = blank(PartMinute, minutes_ago=3, event="new", parts=12, rows=120, bytes=6000)
WORK = blank(
    PartTable, database="otel", table="traces", new_parts=3, merges=2, merged_parts=8, merge_seconds=1.5
)
KEYS = {
    "merges": "host database table result_part_name partition_id is_mutation merge_type num_parts elapsed_seconds progress_ratio "
    "progress_ratio_per_second remaining_seconds total_size_bytes bytes_written memory_bytes",
    "mutations": "database table mutation_id command hosts age_seconds parts_to_do parts_in_progress parts_done_per_second "
    "remaining_seconds is_failing is_stuck stuck_hosts stuck_reason stuck_host latest_failed_part latest_fail_age_seconds "
    "latest_fail_reason",
    "pools": "host pool tasks max_tasks used_ratio free_tasks_to_mutate size_source",
    "partitions": "host database table partition_id parts parts_to_delay parts_to_throw fill_ratio state table_parts max_table_parts "
    "limits_are_own average_part_bytes growth_parts_per_minute seconds_to_throw",
    "throughput": "database table hosts new_parts new_rows new_bytes merges merged_parts merged_rows merged_bytes merge_seconds "
    "mutated_parts mutation_seconds downloaded_parts downloaded_bytes removed_parts errors last_error_host last_error_part last_error",
    "minutes": "minutes_ago new_parts new_rows new_bytes merges merged_parts merged_rows merged_bytes mutated_parts downloaded_parts "
    "downloaded_bytes moved_parts removed_parts errors",
}

HOST_KEYS = (
    "host database table mutation_id command age_seconds parts_to_do parts_in_progress parts_done_per_second remaining_seconds "
    "is_killed is_failing is_stuck stuck_reason latest_failed_part latest_fail_age_seconds latest_fail_reason postpone_reason"
)


def part_of(name: str) -> Part:
    part = page("merges").part(name)
    assert part is not None
    return part


def seen(**samples: Sample) -> Snapshot:
    """What host A gives."""
    return snapshot(status(A), samples={(A, name): sample for name, sample in samples.items()})


@pytest.mark.parametrize("name", KEYS)
def test_the_keys_of_the_json(name: str) -> None:
    assert [field.name for field in fields(part_of(name).record)] == KEYS[name].split()


def test_the_keys_of_one_mutation_on_its_hosts() -> None:
    assert [field.name for field in fields(page("mutation").parts[0].record)] == HOST_KEYS.split()


# Merges


def test_a_merge_s_progress_between_two_samples() -> None:
    before = good(replace(MERGE, elapsed_seconds=5.0, progress_ratio=0.15), age=5)
    (fact,) = merges.merge_facts(seen(merges=good(MERGE, previous=before)), ())
    assert fact.progress_ratio_per_second == pytest.approx(0.02)
    assert fact.remaining_seconds == pytest.approx(37.5)
    (first,) = merges.merge_facts(seen(merges=good(MERGE)), ())
    assert (first.progress_ratio_per_second, first.remaining_seconds) == (None, 30.0)


def test_a_server_that_does_not_tell_what_is_a_mutation() -> None:
    (fact,) = merges.merge_facts(seen(merges=good(replace(MERGE, is_mutation=None))), ())
    assert fact.is_mutation is None


def test_figures_of_merges() -> None:
    found = snapshot(
        status(A),
        status(B),
        samples={
            (A, "merges"): good(MERGE, replace(MERGE, is_mutation=True)),
            (A, "background_pools"): good(*POOL),
            (B, "background_pools"): good(replace(POOL[0], value=16), POOL[1]),
        },
    )
    figures = {figure.label: figure for figure in merges.merge_figures(found, ())}
    assert (figures["merges"].value, figures["mutated parts"].value) == ("1", "1")
    assert figures["memory"].value == "2.0 KiB"
    assert figures["merge pool"].value == f"16 of 16 FULL on {B}"
    assert figures["merge pool"].style == "critical"
    nothing = {figure.label: figure for figure in merges.merge_figures(snapshot(status(A)), ())}
    assert nothing["merge pool"].why == "no host has answered"


# Mutations


def standing(mutation: Mutation, before: Mutation | None = None, **samples: Sample) -> Any:
    """The one mutation of host A, a minute after `before`."""
    previous = good(before, age=60) if before else None
    found = seen(mutations=good(mutation, previous=previous), **samples)
    (fact,) = merges_mutations.host_facts(found)
    return fact


def test_a_mutation_s_rate_and_what_is_left() -> None:
    fact = standing(MUTATION, replace(MUTATION, parts_to_do=40, age_seconds=840))
    assert fact.parts_done_per_second == 0.5
    assert (fact.remaining_seconds, fact.is_stuck, fact.stuck_reason) == (20.0, False, None)
    first = standing(MUTATION)
    assert (first.parts_done_per_second, first.remaining_seconds, first.is_stuck) == (None, None, False)


def test_a_large_part_in_progress_is_no_standstill() -> None:
    mutating = replace(MERGE, is_mutation=True, num_parts=1, elapsed_seconds=100.0, progress_ratio=0.5)
    fact = standing(MUTATION, MUTATION, merges=good(mutating))
    assert (fact.parts_done_per_second, fact.parts_in_progress, fact.is_stuck) == (0.0, 1, False)
    assert fact.remaining_seconds == pytest.approx(9.5 / 0.005)
    other_table = standing(MUTATION, MUTATION, merges=good(replace(mutating, table="logs")))
    assert (other_table.parts_in_progress, other_table.is_stuck) == (0, True)
    # Servers that do not tell what is a mutation: a merge has several source parts.
    untold = standing(MUTATION, MUTATION, merges=good(replace(mutating, is_mutation=None)))
    assert untold.parts_in_progress == 1
    merge = standing(MUTATION, MUTATION, merges=good(replace(MERGE, is_mutation=None)))
    assert merge.parts_in_progress == 0


def test_it_is_stuck_when_it_fails_however_young() -> None:
    failing = replace(
        MUTATION,
        age_seconds=3,
        latest_failed_part="p",
        latest_fail_age_seconds=1,
        latest_fail_reason="Code: 6.\nno",
    )
    fact = standing(failing)
    assert (fact.is_failing, fact.is_stuck, fact.stuck_reason) == (True, True, "fails: Code: 6. no")
    assert fact.latest_fail_reason == "Code: 6.\nno"


def test_an_old_server_s_reason_is_that_of_the_queue() -> None:
    old = replace(
        MUTATION,
        latest_failed_part=None,
        latest_fail_reason=None,
        postpone_reason=None,
        parts_in_progress=None,
        is_killed=None,
    )
    entries = MutationEntries("otel", "traces", 2, 0, 2, 83, "Code: 6, broken", "202601_0_0_0_1", "")
    fact = standing(old, mutation_entries=good(entries))
    assert (fact.stuck_reason, fact.latest_failed_part) == ("fails: Code: 6, broken", "202601_0_0_0_1")
    assert fact.is_killed is None
    elsewhere = standing(old, mutation_entries=good(entries._replace(table="logs")))
    assert (elsewhere.is_failing, elsewhere.latest_failed_part) == (False, None)


@pytest.mark.parametrize(
    ("pool", "postponed", "age", "reason"),
    [
        (16, "", 900, "the merge pool is full: 16 of 16"),
        (13, "", 900, "too few entries of the merge pool are free: 3, a mutation waits for 4"),
        (
            12,
            "",
            900,
            "no part done between the samples, none in progress: merges are stopped, or have no room",
        ),
        (12, "part is too large", 900, "postponed: part is too large"),
        (16, "part is too large", 599, None),
    ],
)
def test_why_a_mutation_is_stuck(pool: int, postponed: str, age: int, reason: str | None) -> None:
    mutation = replace(MUTATION, age_seconds=age, postpone_reason=postponed)
    gauges = good(replace(POOL[0], value=pool), POOL[1])
    fact = standing(
        mutation,
        replace(mutation, age_seconds=age - 60),
        background_pools=gauges,
        pool_settings=good(*SETTINGS),
    )
    assert (fact.stuck_reason, fact.is_stuck) == (reason, reason is not None)


def test_it_is_not_called_stuck_for_lack_of_a_second_sample() -> None:
    assert standing(MUTATION, background_pools=good(*POOL)).is_stuck is False
    assert standing(replace(MUTATION, parts_to_do=0), replace(MUTATION, parts_to_do=0)).is_stuck is False


def test_one_mutation_of_several_hosts_is_one_row() -> None:
    failing = replace(
        MUTATION, parts_to_do=3, latest_fail_reason="no", latest_failed_part="p", latest_fail_age_seconds=2
    )
    other = replace(MUTATION, command="(DELETE WHERE y = 2)", age_seconds=1)
    found = snapshot(
        status(A),
        status(B),
        samples={(A, "mutations"): good(MUTATION, other), (B, "mutations"): good(failing)},
    )
    first, second = merges_mutations.mutation_facts(found)
    assert (first.command, first.hosts, first.parts_to_do, first.stuck_hosts) == (MUTATION.command, 2, 13, 1)
    assert (first.stuck_host, first.stuck_reason, first.latest_failed_part) == (str(B), "fails: no", "p")
    assert (second.command, second.hosts, second.is_stuck) == (other.command, 1, False)
    rows = table(part_of("mutations"), found, ()).rows
    assert [cell.text for cell in rows[0].cells[:4]] == ["otel.traces", "FAILS", "2, 1 stuck", "13"]
    assert rows[0].link == Link("mutation", ("otel", "traces", "mutation_7.txt"))
    assert rows[0].copy == MUTATION.command
    assert [fact.host for fact in merges_mutations.facts_of_one(found, ("otel", "traces", "mutation_7.txt"))] == [str(B), str(A), str(A)]  # fmt: skip
    assert len({row.key for row in rows}) == 2


def test_what_is_asked_of_the_queue() -> None:
    def params(entries: int) -> Any:
        summary = good(blank(ReplicationSummary, queue_entries=entries))
        return PROBES["mutation_entries"].params(Context(Thresholds(), lambda _: summary, False))

    assert params(0) is None
    assert params(1) == {}


# Pools


def test_pools_by_their_own_gauges_and_by_settings() -> None:
    old = (
        PoolGauge("BackgroundPoolTask", 15),
        PoolGauge("BackgroundSchedulePoolTask", 0),
        PoolGauge("BackgroundSomethingElsePoolTask", 3),
    )
    found = snapshot(
        status(A),
        status(B),
        samples={
            (A, "background_pools"): good(*POOL, PoolGauge("BackgroundMovePoolTask", 0), PoolGauge("BackgroundMovePoolSize", 0)),
            (A, "pool_settings"): good(*SETTINGS, PoolSetting("background_pool_size", 99.0)),
            (B, "background_pools"): good(*old),
            (B, "pool_settings"): good(PoolSetting("background_pool_size", 16.0)),
        },
    )  # fmt: skip
    facts = {(fact.host, fact.pool): fact for fact in merges_pools.pool_facts(found)}
    assert set(facts) == {(str(A), "merges"), (str(A), "moves"), (str(B), "all"), (str(B), "schedule")}
    merging = facts[str(A), "merges"]
    assert (merging.max_tasks, merging.used_ratio, merging.size_source, merging.free_tasks_to_mutate) == (
        16,
        1 / 16,
        "gauge",
        4,
    )
    assert facts[str(A), "moves"].used_ratio is None
    whole = facts[str(B), "all"]
    assert (whole.max_tasks, whole.used_ratio, whole.size_source) == (16, 15 / 16, "setting")
    assert (facts[str(B), "schedule"].max_tasks, facts[str(B), "schedule"].size_source) == (None, None)
    rows = table(part_of("pools"), found, ()).rows
    assert [(row.cells[0].text, row.cells[5].text) for row in rows] == [
        ("all", "busy"), ("merges", "ok"), ("moves", "not in use"), ("schedule", "ok"),
    ]  # fmt: skip


def test_a_merge_pool_s_size_from_settings_has_its_ratio() -> None:
    settings = good(
        PoolSetting("background_pool_size", 16.0),
        PoolSetting("background_merges_mutations_concurrency_ratio", 2.0),
    )
    pool = merges_pools.merge_pool(seen(background_pools=good(POOL[0]), pool_settings=settings), A)
    assert pool is not None
    assert (pool.max_tasks, pool.size_source) == (32, "setting")


def test_used_styles() -> None:
    styles = [merges_pools.used_style(ratio) for ratio in (None, 0.89, 0.9, 0.99, 1.0)]
    assert styles == ["", "", "warning", "warning", "critical"]


# All of them


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_drawn_inert(name: str) -> None:
    found = seen(
        merges=good(replace(MERGE, database=name, table=name, result_part_name=name, partition_id=name, merge_type=name)),
        mutations=good(replace(MUTATION, database=name, table=name, mutation_id=name, command=name, latest_fail_reason=name,
                               latest_failed_part=name, postpone_reason=name)),
        background_pools=good(*POOL),
        crowded_partitions=good(CROWD._replace(database=name, table=name, partition_id=name)),
        part_limits=good(DEFAULTS),
        part_minutes=good(MINUTE),
        part_tables=good(WORK._replace(database=name, table=name, errors=1, last_error=name, last_error_part=name)),
    )  # fmt: skip
    parts = [*page("merges").parts, *page("mutation").parts]
    for part in parts:
        subject = (name, name, name) if part.name == "hosts" else ()
        rows = table(part, found, subject).rows
        assert rows, part.name
        for cell in (cell for row in rows for cell in row.cells):
            assert not set(cell.text) & set("\x00\x07\x1b\x7f\x9b\n\r\t\u202e\u200b\ud800\U000e0041"), (
                part.name
            )
