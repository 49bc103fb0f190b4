"""Preflight on ClickHouse 18.16 with real replication: Keeper's paths, the DDL queue, macros, replicas that cannot be written."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType

import pytest

from chtui.demo.rehearsal.run import run as rehearse
from chtui.demo.rehearsal.sample import Sample, Size
from chtui.migrate import schema, spec_file
from chtui.migrate.ddl import objects
from chtui.migrate.hosts import Hosts, connect
from chtui.migrate.preflight import Kind, Report, Severity, run
from chtui.migrate.spec import Spec
from chtui.migrate.traits import traits_of
from chtui.records import HostId
from tests.engine.planting import found, the, with_columns
from tests.replication.conftest import effective_of
from tests.rigs.fixtures import ReplicatedCluster
from tests.rigs.server_config import CLUSTER, SOURCE_CLUSTERS, Flavour
from tests.rigs.servers import QueryError
from tests.support import replace, wait_until

BLOCKER, WARNING, NOTE = Severity.BLOCKER, Severity.WARNING, Severity.NOTE
SPEC = Path(__file__).parent / "specs" / "events_v2.toml"
COLUMNS = "Time DateTime, TraceId String, Service LowCardinality(String), Kind String, Duration UInt64"
ROWS = "toDateTime('2026-10-01 00:00:00') + number * 600, toString(number), 's', ['Client', 'SERVER'][1 + number % 2], number"


@dataclass
class Rig:
    """The cluster with v1 on its first server, and a spec whose v2 is nowhere yet."""

    cluster: ReplicatedCluster
    spec: Spec
    hosts: Hosts

    def look(self, spec: Spec | None = None) -> Report:
        return run(spec or self.spec, self.hosts)

    def query(self, index: int, text: str) -> str:
        nodes = self.cluster.servers.nodes
        return self.cluster.servers.query(nodes[index], text, user="admin").rstrip("\n")

    def host(self, index: int) -> HostId:
        return HostId("127.0.0.1", self.cluster.servers.nodes[index].tcp_port)


@pytest.fixture
def rig(replicated_cluster: ReplicatedCluster) -> Iterator[Rig]:
    spec = spec_file.read(SPEC)
    word = secrets.token_hex(4)
    source = HostId("127.0.0.1", replicated_cluster.servers.nodes[0].tcp_port)
    spec = replace(
        spec,
        source=replace(
            spec.source, host=source, database=f"v1_{word}", cluster=SOURCE_CLUSTERS[Flavour.LEGACY]
        ),
        target=replace(spec.target, database=f"v2_{word}"),
    )
    found_hosts = connect(effective_of(replicated_cluster, "admin").profile, CLUSTER, source)
    made = Rig(replicated_cluster, spec, found_hosts)
    made.query(0, f"CREATE DATABASE v1_{word}")
    made.query(
        0,
        f"CREATE TABLE v1_{word}.spans ({COLUMNS}) ENGINE = MergeTree PARTITION BY toYYYYMM(Time) ORDER BY Time",
    )
    made.query(0, f"INSERT INTO v1_{word}.spans SELECT {ROWS} FROM numbers(1000)")
    try:
        yield made
    finally:
        found_hosts.close()
        replicated_cluster.heal()
        for index in range(4):
            for database in (f"v1_{word}", f"v2_{word}"):
                with suppress(QueryError):
                    made.query(index, f"DROP DATABASE IF EXISTS {database}")


def test_a_healthy_cluster_has_no_blocker(rig: Rig) -> None:
    report = rig.look()
    assert [(each.object, each.what, each.evidence) for each in report.blockers] == []
    assert found(report, Kind.UNCHECKED) == []
    assert the(report, Kind.KEEPER_PATH, NOTE).what == "4 Keeper paths are free or ours"
    assert the(report, Kind.DDL_QUEUE, NOTE).what == "no statement waits in the DDL queue"
    assert the(report, Kind.ROUTE, NOTE).what == "all hosts see the 1000 rows that v1 has"
    unknown = found(report, Kind.INTERNAL_REPLICATION, WARNING)
    assert len(unknown) == 4
    assert "must be true for every shard" in unknown[0].remedy
    assert "no grants" in the(report, Kind.PRIVILEGE, NOTE).what
    window = the(report, Kind.DEDUPLICATION, WARNING, "spans")
    assert window.evidence == "replicated_deduplication_window = 100"
    assert "does not tell its disks" in the(report, Kind.SPACE, WARNING).what


def test_what_an_old_server_has_is_rehearsed_on_a_modern_one(rig: Rig) -> None:
    told: list[str] = []
    done = rehearse(rig.spec, rig.hosts.source, Size(500, 24), told.append)
    assert done.is_exact, (done.verdict, done.preflight.blockers)
    assert (done.source_version[:6], done.version[:5]) == ("18.16.", "26.9.")
    (sample,) = done.samples
    assert sample == Sample("spans", 1, 1, 500, 1000)
    assert done.status is not None
    assert done.status["rows_done"] == 500
    there = f"SELECT count() FROM system.databases WHERE name = '{rig.spec.target.database}'"
    assert [rig.query(index, there) for index in range(4)] == ["0"] * 4


def test_only_reads_are_sent(rig: Rig) -> None:
    names = "SELECT database, name, metadata_modification_time FROM system.tables WHERE database != 'system' ORDER BY database, name"
    before = [rig.query(index, names) for index in range(4)]
    now = "SELECT toUnixTimestamp(now())"
    since = rig.query(0, now)
    # The log tells whole seconds: what others sent in this one is not looked at.
    wait_until(lambda: int(rig.query(0, now)) > int(since), 5, "the next second")
    rig.look()
    assert [rig.query(index, names) for index in range(4)] == before

    def sent(index: int) -> list[str]:
        text = rig.query(
            index,
            "SELECT replaceAll(query, '\\n', ' ') FROM system.query_log WHERE type = 1 AND is_initial_query "
            f"AND query_id LIKE 'chtui-%' AND event_time > toDateTime({since}) FORMAT TSVRaw",
        )
        return text.splitlines()

    for index in range(4):
        wait_until(partial(more_than, 15, sent, index), 20, "the log")
        assert {query.split()[0] for query in sent(index)} <= {"SELECT", "DESCRIBE"}


def more_than(least: int, sent: Callable[[int], list[str]], index: int) -> bool:
    return len(sent(index)) > least


def test_objects_that_are_ours_are_no_trouble(rig: Rig) -> None:
    schema.ensure(rig.hosts.targets, objects(rig.spec, traits=traits_of(rig.hosts.targets)))
    report = rig.look()
    assert [(each.object, each.what) for each in report.blockers] == []
    assert {each.what for each in found(report, Kind.TARGET_OBJECT, NOTE)} == {
        "0 objects will be made, 8 are there as wanted"
    }


def test_keeper_paths_of_others(rig: Rig) -> None:
    database = rig.spec.target.database
    path = f"/clickhouse/tables/01/{database}/spans_local"
    v1 = rig.spec.source.database
    engine = "ENGINE = ReplicatedMergeTree('{}', '{}') PARTITION BY toYYYYMM(Time) ORDER BY Time"
    rig.query(0, f"CREATE TABLE {v1}.stranger ({COLUMNS}) {engine.format(path, 'stranger')}")
    own = rig.query(1, "SELECT substitution FROM system.macros WHERE macro = 'replica'")
    rig.query(0, f"CREATE TABLE {v1}.left_over ({COLUMNS}) {engine.format(path, own)}")
    report = rig.look()
    told = {
        each.host: each.what
        for each in found(report, Kind.KEEPER_PATH, BLOCKER, "spans_local")
        if "others" in each.what
    }
    assert told == dict.fromkeys((rig.host(0), rig.host(1)), "replicas of others are at this path: stranger")
    left = [each for each in found(report, Kind.KEEPER_PATH, BLOCKER) if "already" in each.what]
    assert [(each.host, each.evidence) for each in left] == [(rig.host(1), path)]
    for table in ("stranger", "left_over"):
        rig.query(0, f"DROP TABLE {v1}.{table}")


def test_macros_that_lack_or_make_replicas_of_shards(rig: Rig) -> None:
    target = rig.spec.target
    lacking = rig.look(
        replace(rig.spec, target=replace(target, keeper_path="/x/{layer}/{shard}/{database}/{table}"))
    )
    assert {each.host for each in found(lacking, Kind.MACRO, BLOCKER, "layer")} == {
        rig.host(i) for i in range(4)
    }
    shared = rig.look(replace(rig.spec, target=replace(target, keeper_path="/x/{database}/{table}")))
    assert "are of two shards but would be replicas of each other" in the(shared, Kind.MACRO, BLOCKER).what
    same = rig.look(replace(rig.spec, target=replace(target, replica="{shard}")))
    assert "would be the same replica" in the(same, Kind.MACRO, BLOCKER).what


def test_a_statement_that_waits_in_the_ddl_queue(rig: Rig) -> None:
    node = rig.cluster.servers.nodes[3]
    rig.cluster.servers.suspend(node)
    with suppress(QueryError):
        rig.cluster.servers.query(
            rig.cluster.servers.nodes[0],
            f"CREATE DATABASE {rig.spec.target.database} ON CLUSTER {CLUSTER}",
            user="admin",
            settings={"distributed_ddl_task_timeout": "1"},
        )
    report = rig.look()
    assert the(report, Kind.UNCHECKED, BLOCKER).host == rig.host(3)
    waiting = the(report, Kind.DDL_QUEUE, BLOCKER)
    assert waiting.what == f"a statement waits in the DDL queue for {rig.host(3)}"
    assert f"CREATE DATABASE {rig.spec.target.database}" in waiting.evidence
    assert "it may still run" in waiting.remedy
    rig.cluster.servers.resume(node)


def test_what_this_version_cannot_hold(rig: Rig) -> None:
    spec = with_columns(rig.spec, Time="DateTime64(3)", Labels="Map(String, String) DEFAULT map()")
    spec = replace(spec, target=replace(spec.target, policy="tiered_storage"))
    report = rig.look(spec)
    lacking = {each.object for each in found(report, Kind.VERSION, BLOCKER)}
    assert lacking == {"DateTime64", "Map"}
    assert len(found(report, Kind.POLICY, BLOCKER, "tiered_storage")) == 4


def test_rows_that_v2_cannot_hold(rig: Rig) -> None:
    rig.query(
        0,
        f"INSERT INTO {rig.spec.source.database}.spans SELECT toDateTime('2026-10-02 00:00:00'), 't', 's', 'SPAN_KIND_CLIENT', 7 FROM numbers(5)",
    )
    finding = the(rig.look(), Kind.VALUE, BLOCKER, "spans.Kind")
    assert (finding.what.partition(":")[0], finding.evidence) == ("5 rows of v1", "'SPAN_KIND_CLIENT': 5")
    narrow = with_columns(rig.spec, Duration="UInt8")
    assert the(rig.look(narrow), Kind.RANGE, BLOCKER, "spans.Duration").what.startswith("744 rows of v1")
    mapping = MappingProxyType({**rig.spec.tables[0].sources[0].mapping, "Kind": "upper(Kind)"})
    source = replace(rig.spec.tables[0].sources[0], mapping=mapping)
    table = replace(rig.spec.tables[0], sources=(source,))
    told = the(rig.look(replace(rig.spec, tables=(table,))), Kind.VALUE, BLOCKER, "spans.Kind")
    assert told.evidence == "'SPAN_KIND_CLIENT': 5"
