"""The demo's stand-ins for telemetry-ingestion and appsentry-backend: what they send, where, and that a record tells all of it."""

from __future__ import annotations

import os
import signal
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from chtui import sql
from chtui.demo import DemoCluster, DemoOptions
from chtui.demo.options import BACKEND_SERVICE, INGESTION_SERVICE
from chtui.demo.record import RECORD, TABLES, read
from tests.engine.telemetry import (
    ANCHOR,
    MAPPED,
    Tell,
    backend,
    calmed,
    grew,
    recorded,
    sent_since,
    stored,
    v2_rows,
    whole_rows,
    writers,
)
from tests.support import CLUSTER, wait_until

SECURITY = "DEFINER = CURRENT_USER SQL SECURITY DEFINER"
"""Else a view asks for SELECT of whoever writes through a host that holds a shard itself."""


@pytest.fixture(scope="module")
def demo() -> Iterator[DemoCluster]:
    """Two shards with services and load; what was filled in is of long ago."""
    options = DemoOptions(2, 1, rows=500, days=3, anchor=ANCHOR, services=True)
    with DemoCluster(options) as cluster:
        yield cluster


@pytest.fixture
def tell(demo: DemoCluster) -> Tell:
    """What asks the ingestion, which runs fast, calmly, and to v1 only."""
    return calmed(demo)


@pytest.fixture
def v2(demo: DemoCluster, tell: Tell) -> Iterator[None]:
    """The tables of the shipped migration, as they are before a partition is sealed: through a Null table and a view."""
    path = Path(sql.__file__).parent / "migrate" / "otel_v2.toml"
    spec = tomllib.loads(path.read_text(encoding="utf-8"))
    for index in range(len(demo.nodes)):
        demo.query(index, "CREATE DATABASE otel_v2")
        for name in TABLES:
            table = spec["table"][name]
            columns = ", ".join(f"`{column}` {text}" for column, text in table["columns"].items())
            local = f"MergeTree PARTITION BY {table['partition_by']} ORDER BY {table['order_by']}"
            over = f"Distributed({CLUSTER}, otel_v2, {name}_ingest, {table['sharding_key']})"
            for made, engine in (("_local", local), ("_ingest", "Null"), ("", over)):
                demo.query(index, f"CREATE TABLE otel_v2.{name}{made} ({columns}) ENGINE = {engine}")
            kept = ", ".join(
                f"`{column}`" for column, text in table["columns"].items() if "MATERIALIZED" not in text
            )
            view = f"SELECT {kept} FROM otel_v2.{name}_ingest WHERE Timestamp >= toDateTime64(0, 9)"
            demo.query(
                index,
                f"CREATE MATERIALIZED VIEW otel_v2.{name}_live TO otel_v2.{name}_local {SECURITY} AS {view}",
            )
    yield
    tell("dual-write", on=False, spread_seconds=0)
    tell("pause")
    for index in range(len(demo.nodes)):
        demo.query(index, "DROP DATABASE otel_v2 SYNC")


def test_v2_that_is_not_there_is_a_known_gap_and_v1_has_everything(demo: DemoCluster, tell: Tell) -> None:
    tell("dual-write", on=True, spread_seconds=0)
    wait_until(lambda: all(writers(tell(), "v2_failed_rows")), 40)
    tell("dual-write", on=False, spread_seconds=0)
    status = tell("pause")
    assert writers(status, "v2_rows") == [0, 0, 0]
    assert "otel_v2" in status["writers"][0]["last_error"]
    for table in TABLES:
        assert stored(demo, table, f"otel.{table}") == recorded(demo, table, "v1")
    tried = [sent for sent in read(demo.info.directory / RECORD) if "v2" in sent.to]
    assert sum(sent.batch.rows for sent in tried) == sum(writers(status, "v2_failed_rows"))
    assert not any(sent.copies["v2"].least for sent in tried)


def test_late_early_skewed_and_retried_rows_are_in_v1_as_recorded(demo: DemoCluster, tell: Tell) -> None:
    wrong = {"late_ratio": 0.1, "late_seconds": 600, "early_ratio": 0.05, "early_seconds": 90}
    tell("rates", **wrong, retry_ratio=0.5, skew_seconds=[-30, 0, 30])
    before = tell()
    for name in ("late_rows", "early_rows", "retried_rows"):
        grew(tell, before, name)
    grew(tell, before, "batches", 3 * len(TABLES))
    status = tell("pause")
    batches = [sent.batch for sent in read(demo.info.directory / RECORD)]
    assert sum(batch.late_rows for batch in batches) == sum(writers(status, "late_rows"))
    assert sum(batch.early_rows for batch in batches) == sum(writers(status, "early_rows"))
    assert sum(batch.rows for batch in batches) + sum(writers(status, "retried_rows")) == sum(
        writers(status, "v1_rows")
    )
    skewed = [max(batch.at_ns for batch in batches if batch.writer == number) for number in range(3)]
    assert 20e9 < skewed[2] - skewed[1] < 40e9
    for table in TABLES:
        found = stored(demo, table, f"otel.{table}")
        assert found == recorded(demo, table, "v1")
        assert 2 in found.values()


def test_a_pause_stops_all_writing(demo: DemoCluster, tell: Tell) -> None:
    wait_until(lambda: all(writers(tell(), "batches")))
    status = tell("pause")
    assert (status["state"], status["in_flight"], status["unsettled"]) == ("paused", 0, 0)
    assert set(writers(status, "state")) == {"waiting"}
    size = (demo.info.directory / RECORD).stat().st_size
    before = [demo.query(0, f"SELECT count() FROM otel.{table}") for table in TABLES]
    asked = backend(demo)["queries"]["v1"]
    # several rounds of the writers pass meanwhile
    wait_until(lambda: backend(demo)["queries"]["v1"] > asked + 2)
    assert [demo.query(0, f"SELECT count() FROM otel.{table}") for table in TABLES] == before
    assert (demo.info.directory / RECORD).stat().st_size == size
    assert tell("resume")["state"] == "running"
    wait_until(lambda: (demo.info.directory / RECORD).stat().st_size > size)


def test_dual_writing_gives_v2_the_same_rows(demo: DemoCluster, tell: Tell, v2: None) -> None:
    tell("pause")
    for table in TABLES:
        demo.query(0, f"TRUNCATE TABLE otel.{table}")
    mark = len(sent_since(demo))
    tell("rates", late_ratio=0.1, early_ratio=0.05, retry_ratio=0.5, skew_seconds=[-30, 0, 30])
    tell("dual-write", on=True, spread_seconds=0)
    before = tell("resume")
    grew(tell, before, "v2_rows", 100)
    grew(tell, before, "batches", 3 * len(TABLES))
    status = tell("pause")
    assert writers(status, "dual_write") == [True, True, True]
    for table in TABLES:
        rows = v2_rows(demo, table)
        assert rows == stored(demo, table, f"otel.{table}") == recorded(demo, table, "v2", mark)
        assert 2 in rows.values()
        # one shard has not everything
        assert v2_rows(demo, table) != stored(demo, table, f"otel_v2.{table}_local")
        assert whole_rows(demo, f"cluster('{CLUSTER}', otel_v2, {table}_local)", table) == whole_rows(
            demo, f"otel.{table}", table, MAPPED
        )
    hosts = "SELECT count() FROM system.query_log WHERE type = 'QueryFinish' AND is_initial_query AND user = 'telemetry-ingestion' AND has(tables, 'otel_v2.traces')"
    for node in demo.nodes:
        demo.query(node, "SYSTEM FLUSH LOGS")
        assert int(demo.query(node, hosts)) > 0, "every host is written to"


def test_writers_switch_one_after_another(demo: DemoCluster, tell: Tell, v2: None) -> None:
    status = tell("dual-write", on=True, spread_seconds=3)
    assert (status["dual_write"], status["writes_to"]) == (True, ["v1", "v2"])
    planned = [at for at in writers(status, "switches_at") if at]
    assert len(set(planned)) >= 2
    wait_until(lambda: writers(tell(), "dual_write") == [True, False, False])
    wait_until(lambda: writers(tell(), "dual_write") == [True, True, False])
    wait_until(lambda: writers(tell(), "dual_write") == [True, True, True])
    status = tell("dual-write", on=False, only="v2", spread_seconds=0)
    assert (status["dual_write"], status["writes_to"]) == (False, ["v2"])
    wait_until(lambda: writers(tell(), "writes_to") == [["v2"]] * 3)
    had = tell("pause")
    v1_before = [stored(demo, table, f"otel.{table}") for table in TABLES]
    tell("resume")
    grew(tell, had, "v2_rows")
    tell("pause")
    assert [stored(demo, table, f"otel.{table}") for table in TABLES] == v1_before


def test_a_failed_write_to_v2_is_sent_through_another_host(demo: DemoCluster, tell: Tell, v2: None) -> None:
    before = tell("pause")
    mark = len(sent_since(demo))
    tell("resume")
    demo.query(1, "DETACH TABLE otel_v2.traces")
    tell("dual-write", on=True, spread_seconds=0)
    for name in ("v2_failures", "v2_rows"):
        grew(tell, before, name)
    status = tell("pause")
    demo.query(1, "ATTACH TABLE otel_v2.traces")
    assert writers(status, "v2_failed_rows") == writers(before, "v2_failed_rows")
    rows = v2_rows(demo, "traces")
    tried = [one for one in sent_since(demo, mark) if one.batch.table == "traces" and "v2" in one.to]
    assert {sent.copies["v2"].least for sent in tried} == {1}
    assert any(sent.copies["v2"].unknown for sent in tried)
    for sent in tried:
        for row in zip(sent.batch.ids, sent.batch.times_ns, strict=True):
            assert 1 <= rows[row] <= sent.copies["v2"].most
    assert sum(sent.batch.rows for sent in tried) == len(rows)


def test_what_a_hung_host_may_still_write_holds_a_pause_up(demo: DemoCluster, tell: Tell, v2: None) -> None:
    tell("pause")
    mark = len(sent_since(demo))
    demo.nodes[1].suspend()
    try:
        tell("dual-write", on=True, spread_seconds=0)
        tell("resume")
        wait_until(lambda: tell()["unsettled"] > 0, 40)
        with pytest.raises(AssertionError, match="may still run on a host that does not answer"):
            tell("pause", timeout_seconds=1)
        assert tell()["state"] == "pausing"
    finally:
        demo.nodes[1].resume()
    status = tell("pause", timeout_seconds=50)
    assert (status["state"], status["unsettled"]) == ("paused", 0)
    for table in TABLES:
        tried = [one for one in sent_since(demo, mark) if one.batch.table == table]
        ids = {row_id for one in tried for row_id in one.batch.ids}
        found = {row: count for row, count in stored(demo, table, f"otel.{table}").items() if row[0] in ids}
        assert found == recorded(demo, table, "v1", mark)
        rows = v2_rows(demo, table)
        for sent in tried:
            copies = sent.copies["v2"]
            for row in zip(sent.batch.ids, sent.batch.times_ns, strict=True):
                assert copies.least <= rows[row] <= copies.most


def test_a_killed_ingestion_goes_on_as_it_was_told(demo: DemoCluster, tell: Tell, v2: None) -> None:
    tell("dual-write", on=True, spread_seconds=0)
    tell("rates", rows_per_second=120)
    wait_until(lambda: writers(tell(), "dual_write") == [True] * 3)
    first = tell()
    assert demo.services is not None
    os.kill(first["pid"], signal.SIGKILL)
    wait_until(lambda: any("ingestion" in line for line in demo.deaths()))
    demo.services.restart(INGESTION_SERVICE)
    again = tell()
    assert again["pid"] != first["pid"]
    assert (again["run"], again["dual_write"], again["rates"]["rows_per_second"]) == (
        first["run"] + 1,
        True,
        120,
    )
    assert writers(again, "dual_write") == [True] * 3
    wait_until(lambda: all(writers(tell(), "v2_rows")))
    tell("pause")
    for table in TABLES:
        rows = stored(demo, table, f"otel.{table}")
        known = set()
        for sent in read(demo.info.directory / RECORD):
            if sent.batch.table == table and sent.batch.run in (first["run"], again["run"]):
                for row in zip(sent.batch.ids, sent.batch.times_ns, strict=True):
                    known.add(row)
                    # an earlier test emptied the tables
                    assert rows[row] <= sent.copies["v1"].most
                    assert sent.batch.run == first["run"] or rows[row] >= sent.copies["v1"].least
        assert set(rows) <= known


def test_reads_move_to_v2_and_back(demo: DemoCluster, tell: Tell, v2: None) -> None:
    reads = (
        "SELECT countIf(arrayExists(t -> startsWith(t, 'otel.'), tables)), countIf(arrayExists(t -> startsWith(t, 'otel_v2.'), tables))"
        " FROM system.query_log WHERE type = 'QueryFinish' AND is_initial_query AND user = 'appsentry-backend'"
    )

    def seen() -> list[int]:
        for node in demo.nodes:
            demo.query(node, "SYSTEM FLUSH LOGS")
        counts = [[int(text) for text in demo.query(node, reads).split()] for node in demo.nodes]
        assert counts[1][0] == 0, "v1 lies on the first host"
        return [counts[0][0], counts[0][1], counts[1][1]]

    wait_until(lambda: backend(demo)["queries"]["v1"] >= 4)
    v1_before = seen()
    assert v1_before[0] >= 4
    assert v1_before[1:] == [0, 0]
    assert backend(demo, "v2")["version"] == "v2"
    wait_until(lambda: backend(demo)["queries"]["v2"] >= 8)
    found = seen()
    # one question may have been under way
    assert found[0] <= v1_before[0] + 2
    assert found[1] >= 4
    assert found[2] >= 4, "v2 is asked through every host"
    assert {(one["version"], one["failures"]) for one in backend(demo)["questions"]} == {("v1", 0), ("v2", 0)}
    assert demo.services is not None
    demo.services.restart(BACKEND_SERVICE)
    assert backend(demo)["version"] == "v2", "it is remembered"
    assert backend(demo, "v1")["version"] == "v1"
    wait_until(lambda: backend(demo)["queries"]["v1"] >= 4)
