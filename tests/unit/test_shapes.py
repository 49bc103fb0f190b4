"""Rows made into records."""

from __future__ import annotations

import pytest

from chtui.monitor.probes import PROBES, Context, to_records
from chtui.monitor.shapes import to_host_limits, to_host_load, to_host_metrics
from chtui.profile.model import Thresholds
from chtui.records import Disk, HostLimits, HostLoad, HostMetrics, HostTable, Sample, SuspectReplica
from tests.unit.hand import blank, good, summary


def test_gauges_and_counters_of_one_name_are_told_apart() -> None:
    (found,) = to_host_metrics(
        [
            ("gauge", "uptime", 77),
            ("gauge", "Query", 3),
            ("counter", "Query", 5000),
            ("gauge", "DelayedInserts", 1),
            ("counter", "DelayedInserts", 9),
            ("gauge", "Unheard", 1),
        ]
    )
    assert (found.uptime_seconds, found.queries, found.queries_total) == (77, 3, 5000)
    assert (found.delayed_inserts_now, found.delayed_inserts_total) == (1, 9)


def test_an_absent_gauge_is_unknown_and_an_absent_counter_has_not_counted() -> None:
    (found,) = to_host_metrics([])
    gauges = {"queries", "merges", "mutations", "fetches", "http_connections", "tcp_connections", "memory_bytes",
              "delayed_inserts_now", "readonly_replicas", "keeper_sessions", "distributed_files"}  # fmt: skip
    assert {name for name in HostMetrics._fields if getattr(found, name) is None} == gauges
    assert {getattr(found, name) for name in HostMetrics._fields if name not in gauges} == {0}


def test_every_value_asked_for_has_its_field() -> None:
    text = PROBES["host_metrics"].statement.text
    asked = [part.partition(")")[0] for part in text.split(" IN (")[1:]]
    gauges, counters = ([name.strip(" '") for name in part.split(",")] for part in asked)
    rows = [("gauge", name, 10 + index) for index, name in enumerate(gauges)]
    rows += [("counter", name, 100 + index) for index, name in enumerate(counters)]
    (found,) = to_host_metrics([*rows, ("gauge", "uptime", 1)])
    values = [getattr(found, name) for name in HostMetrics._fields]
    assert sorted(values) == sorted([1, *(value for _, _, value in rows)])


def test_load_that_is_not_measured_is_unknown() -> None:
    assert to_host_load([]) == (HostLoad(None, None, None, None, None, None, None),)
    (found,) = to_host_load(
        [("LoadAverage1", 1.5), ("OSUserTimeNormalized", 0.25), ("MemoryResident", 1024.0)]
    )
    assert found == HostLoad(1.5, 0.25, None, None, 1024, None, None)
    assert isinstance(found.resident_bytes, int)


def test_limits() -> None:
    assert to_host_limits([]) == (HostLimits(None, None),)
    rows = [("max_server_memory_usage", 0), ("max_concurrent_queries", 100)]
    assert to_host_limits(rows) == (HostLimits(100, 0),)


def test_fields_are_found_by_the_columns_names() -> None:
    columns = ["more", "total_bytes", "name", "free_bytes", "path", "keep_free_bytes", "type"]
    (found,) = to_records(Disk, columns, [("x", 100, "default", 25, "/d/", 0, None)])
    assert found == Disk("default", "/d/", None, 25, 100, 0)
    assert found.used_ratio == 0.75
    assert to_records(Disk, [], []) == ()
    with pytest.raises(ValueError, match="'type' is not in list"):
        to_records(Disk, columns[:6], [("x", 100, "default", 25, "/d/", 0)])


def test_a_disk_without_a_size_has_no_share() -> None:
    assert Disk("s3", "/", "s3", 0, 0, 0).used_ratio is None


def test_flags_become_bools() -> None:
    columns = [column.name for column in PROBES["host_tables"].statement.columns]
    (found,) = to_records(HostTable, columns, [("d", "t", "MergeTree", 1, 2, 3, 0, 1, 0, 0, 0)])
    assert (found.is_replicated, found.is_readonly) == (False, True)
    assert isinstance(found.is_readonly, bool)


def test_a_shaped_probe_reads_its_own_columns_only() -> None:
    probe = PROBES["host_limits"]
    rows = [(1, "max_concurrent_queries", 5)]
    assert probe.records(["through_shard_num", "name", "value"], rows) == (HostLimits(5, None),)
    assert probe.records([], []) == (HostLimits(None, None),)


def context(peer_missing: bool = False, **samples: Sample) -> Context:
    return Context(Thresholds(), samples.get, peer_missing)


def test_suspects_are_asked_for_while_there_are_any_or_a_peer_is_gone() -> None:
    ask = PROBES["suspect_replicas"].params
    ill, well = good(summary(suspect_tables=1)), good(summary())
    values = {"delay_seconds": 300, "queue_entries": 100, "every_table": 0}
    assert ask(context()) is None
    assert ask(context(replication_summary=well)) is None
    assert ask(context(replication_summary=ill)) == values
    assert ask(context(True, replication_summary=well)) == {**values, "every_table": 1}
    assert ask(context(True, replication_summary=good(summary(tables=0)))) is None


def test_keeper_is_asked_about_twenty_suspects_at_most() -> None:
    ask = PROBES["replica_keeper_state"].params
    rows = [blank(SuspectReplica, database="dé.b", table=f"t{number}") for number in range(30)]
    assert ask(context()) is None
    assert ask(context(suspect_replicas=good())) is None
    asked = ask(context(suspect_replicas=good(*rows)))
    assert asked is not None
    tables = asked["tables"]
    assert isinstance(tables, list)
    assert len(tables) == 20
    # The length is in bytes, as the server counts: no two names of database and table read alike.
    assert tables[0] == "5:dé.b.t0"
