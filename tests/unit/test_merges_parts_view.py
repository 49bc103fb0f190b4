"""Crowded partitions and the part log, as facts and rows of records made by hand."""

from __future__ import annotations

from typing import Any

import pytest

from chtui.monitor.probe import Context
from chtui.monitor.probes import PROBES
from chtui.profile.model import Thresholds
from chtui.records import HostMetrics
from chtui.records.merges import CrowdedPartition, PartLimits
from chtui.views.merges import log as merges_log
from chtui.views.merges import partitions as merges_partitions
from chtui.views.pages import table
from chtui.views.table import Link
from tests.unit.hand import A, B, blank, good, snapshot, status
from tests.unit.test_merges_view import CROWD, DEFAULTS, MINUTE, WORK, part_of, seen


def crowd(row: CrowdedPartition = CROWD, *limits: PartLimits, before: CrowdedPartition | None = None) -> Any:
    """The one partition of host A, half a minute after `before`."""
    sample = good(row, previous=good(before, age=30) if before else None)
    (fact,) = merges_partitions.partition_facts(
        seen(crowded_partitions=sample, part_limits=good(*(limits or (DEFAULTS,))))
    )
    return fact


@pytest.mark.parametrize(
    ("parts", "state"),
    [(799, "ok"), (800, "near"), (999, "near"), (1000, "delays"), (2999, "delays"), (3000, "refuses")],
)
def test_states_by_the_defaults(parts: int, state: str) -> None:
    fact = crowd(CROWD._replace(parts=parts))
    assert (fact.state, fact.fill_ratio, fact.limits_are_own) == (state, parts / 3000, False)


def test_a_table_s_own_limits_come_first_and_zero_is_none() -> None:
    own = PartLimits("own", "otel", "traces", False, 0, 1000, None, None)
    fact = crowd(CROWD, DEFAULTS, own)
    assert (fact.parts_to_delay, fact.parts_to_throw, fact.max_table_parts) == (0, 1000, 100_000)
    assert (fact.state, fact.limits_are_own) == ("near", True)
    never = crowd(CROWD._replace(parts=5000), DEFAULTS, own._replace(parts_to_throw=0, max_table_parts=0))
    assert (never.state, never.fill_ratio, never.seconds_to_throw) == ("ok", None, None)


def test_replicated_tables_have_defaults_of_their_own() -> None:
    replicated = DEFAULTS._replace(is_replicated=True, parts_to_throw=900)
    own = PartLimits("own", "otel", "traces", True, None, None, None, None)
    fact = crowd(CROWD, DEFAULTS, replicated, own)
    assert (fact.parts_to_throw, fact.state, fact.limits_are_own) == (900, "refuses", False)
    assert crowd(CROWD, DEFAULTS, own).parts_to_throw == 3000


def test_large_parts_are_exempt_but_not_from_the_limit_on_the_table() -> None:
    large = CROWD._replace(parts=5000, bytes_on_disk=5001 << 30)
    fact = crowd(large, before=large._replace(parts=4000))
    assert (fact.state, fact.fill_ratio, fact.seconds_to_throw) == ("exempt", 0.012, None)
    assert crowd(large._replace(table_parts=100_000)).state == "refuses"
    assert crowd(CROWD._replace(parts=1, table_parts=80_000)).state == "near"


def test_growth_and_the_time_until_inserts_are_refused() -> None:
    fact = crowd(CROWD, before=CROWD._replace(parts=850))
    assert fact.growth_parts_per_minute == 100
    assert fact.seconds_to_throw == 2100 / 100 * 60
    shrinking = crowd(CROWD, before=CROWD._replace(parts=950))
    assert (shrinking.growth_parts_per_minute, shrinking.seconds_to_throw) == (-100, None)
    first = crowd(CROWD)
    assert (first.growth_parts_per_minute, first.seconds_to_throw) == (None, None)
    new = crowd(CROWD, before=CROWD._replace(partition_id="other"))
    assert new.growth_parts_per_minute is None
    assert crowd(CROWD._replace(parts=3100), before=CROWD).seconds_to_throw == 0


def test_without_limits_the_parts_are_shown() -> None:
    (fact,) = merges_partitions.partition_facts(seen(crowded_partitions=good(CROWD)))
    assert (fact.parts, fact.parts_to_throw, fact.fill_ratio, fact.state) == (900, None, None, None)
    (row,) = table(part_of("partitions"), seen(crowded_partitions=good(CROWD)), ()).rows
    assert [cell.text for cell in row.cells[:6]] == ["otel.traces", "202601", "-", "900", "-", "-"]


def test_the_own_limits_are_asked_of_crowded_tables_only() -> None:
    few = CROWD._replace(table="few", parts=9, table_parts=99)
    spread = CROWD._replace(table="spread", parts=1, table_parts=100)
    umlaut = CROWD._replace(database="ä", table="crowd.ed")
    rows = good(umlaut, umlaut._replace(partition_id="2"), spread, few)
    params = PROBES["part_limits"].params(Context(Thresholds(), lambda _: rows, False))
    assert params == {"tables": ["2:ä.crowd.ed", "4:otel.spread"], "names": ["crowd.ed", "spread"]}
    nothing = PROBES["part_limits"].params(Context(Thresholds(), lambda _: None, False))
    assert nothing == {"tables": [], "names": []}


def test_figures_of_inserts() -> None:
    now = blank(
        HostMetrics,
        uptime_seconds=100,
        delayed_inserts_now=2,
        delayed_inserts_total=30,
        rejected_inserts_total=7,
    )
    before = now._replace(uptime_seconds=90, delayed_inserts_total=10)
    figures = {
        figure.label: figure
        for figure in merges_partitions.partition_figures(
            seen(host_metrics=good(now, previous=good(before, age=10))), ()
        )
    }
    assert (figures["inserts waiting"].value, figures["inserts waiting"].style) == ("2", "warning")
    assert (figures["delayed"].value, figures["delayed"].style) == ("2.00/s, 30 since start", "warning")
    assert (figures["refused"].value, figures["refused"].style) == ("0.00/s, 7 since start", "")
    once = merges_partitions.partition_figures(seen(host_metrics=good(now)), ())
    assert once[2].value == "7 since start"
    assert merges_partitions.partition_figures(snapshot(status(A)), ())[1].why == "no host has answered"


# The part log


def test_minutes_of_all_hosts_add_up() -> None:
    merged = MINUTE._replace(event="merge", parts=2, source_parts=9, bytes=1200, errors=1)
    found = snapshot(
        status(A),
        status(B),
        samples={
            (A, "part_minutes"): good(MINUTE, merged, MINUTE._replace(minutes_ago=60)),
            (B, "part_minutes"): good(MINUTE, MINUTE._replace(minutes_ago=0, parts=1)),
        },
    )
    newest, older = merges_log.minute_facts(found)
    assert (newest.minutes_ago, newest.new_parts, newest.merges) == (0, 1, 0)
    assert (older.minutes_ago, older.new_parts, older.new_rows, older.new_bytes) == (3, 24, 240, 12_000)
    assert (older.merges, older.merged_parts, older.merged_bytes, older.errors) == (2, 9, 1200, 1)
    plot = merges_log.parts_plot(found, ())
    assert plot is not None
    assert [series.name for series in plot.series] == ["new", "merged", "mutated"]
    assert plot.series[0].values[-4:] == (24.0, 0.0, 0.0, 1.0)
    assert plot.series[1].values[-4] == 9.0
    written = merges_log.bytes_plot(found, ())
    assert written is not None
    assert (written.series[0].values[-4], written.series[1].values[-4]) == (200.0, 20.0)
    assert (written.title, written.render(2048.0)) == ("bytes/s", "2.0KiB")
    figures = {figure.label: figure.value for figure in merges_log.log_figures(found, ())}
    assert figures["new parts in 1 h"] == "25"
    assert figures["errors"] == "1 entry"


def test_without_an_answer_there_is_no_plot() -> None:
    assert merges_log.parts_plot(snapshot(status(A)), ()) is None
    assert merges_log.log_figures(snapshot(status(A)), ()) == ()


def test_tables_with_errors_come_first_with_the_last_one() -> None:
    failed = WORK._replace(table="logs", new_parts=0, errors=2, last_error_part="p_1", last_error="Code: 6")
    found = snapshot(
        status(A),
        status(B),
        samples={
            (A, "part_tables"): good(WORK, failed._replace(errors=0, last_error_part="fine", last_error="")),
            (B, "part_tables"): good(WORK, failed),
        },
    )
    first, second = merges_log.table_facts(found)
    assert (first.table, first.errors, first.last_error_host, first.last_error_part, first.last_error) == (
        "logs",
        2,
        str(B),
        "p_1",
        "Code: 6",
    )
    assert (second.table, second.hosts, second.new_parts, second.merged_parts, second.merge_seconds) == (
        "traces",
        2,
        6,
        16,
        3.0,
    )
    assert (second.last_error_host, second.last_error_part, second.last_error) == (None, None, None)
    row = table(part_of("throughput"), found, ()).rows[0]
    assert row.copy == "Code: 6"
    assert row.links == ((f"host {B}", Link("host", (str(B),))),)
