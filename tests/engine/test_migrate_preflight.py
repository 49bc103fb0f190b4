"""Preflight on ClickHouse 26.9: everything that would spoil a migration is planted, and found before the first write."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from xml.etree import ElementTree

import pytest

from chtui.clock import SystemClock
from chtui.migrate import spec_file
from chtui.migrate.preflight import Kind, Severity
from chtui.migrate.spec import AggregateSpec, DdlMode, Flavour, Spec
from tests.engine.fleets import ids, query_log, reconfigured
from tests.engine.planting import (
    USERS,
    V1,
    V2,
    Planting,
    found,
    host_of,
    the,
    users,
    with_columns,
    with_table,
)
from tests.support import CLUSTER, ModernRig, replace, wait_until

BLOCKER, WARNING, NOTE = Severity.BLOCKER, Severity.WARNING, Severity.NOTE
READ_KINDS = {"Select", "Describe", "Show", "Check"}


@pytest.fixture
def planting(modern: ModernRig) -> Iterator[Planting]:
    """The rig without anything planted."""
    field = Planting(modern)
    field.clear()
    yield field
    modern.heal()
    field.clear()


def shipped(rig: ModernRig) -> Spec:
    """The shipped spec, as the demo can hold it."""
    spec = spec_file.shipped("otel_v2")
    return replace(
        spec,
        source=replace(spec.source, host=ids(rig)[0]),
        target=replace(spec.target, flavour=Flavour.PLAIN, ddl=DdlMode.PER_HOST),
    )


def test_the_shipped_spec_on_a_healthy_cluster_has_no_blocker(planting: Planting) -> None:
    report = planting.look(shipped(planting.rig))
    assert [(each.object, each.what, each.evidence) for each in report.blockers] == []
    assert report.exit_code == 0
    assert found(report, Kind.UNCHECKED) == []
    partitions = the(report, Kind.PARTITIONS, NOTE, "traces > traces")
    assert re.search(r"\d+ partitions of v2, 2000 rows, [\d.]+ [KM]iB on v1", partitions.what)
    assert the(report, Kind.ROUTE, NOTE, "logs").what == "all hosts see the 2000 rows that v1 has"
    assert re.search(r"the copy takes \S+ to .+, limits on load aside", the(report, Kind.DURATION, NOTE).what)
    assert [each.host for each in found(report, Kind.PRIVILEGE, NOTE)] == sorted(ids(planting.rig), key=str)
    document = json.loads(json.dumps(report.as_dict()))
    assert document["counts"]["blocker"] == 0
    assert len(document["findings"]) == len(report.findings)
    ranks = [list(Severity).index(each.severity) for each in report.findings]
    assert ranks == sorted(ranks)


def test_nothing_is_changed(planting: Planting) -> None:
    rig = planting.rig
    planting.v1()
    state = "SELECT database, name, uuid, metadata_modification_time FROM system.tables WHERE database != 'system' ORDER BY ALL"
    before = [rig.query(index, state) for index in range(4)]
    with ExitStack() as logs:
        entered = [logs.enter_context(query_log(rig, index, "admin")) for index in range(4)]
        planting.look()
    assert [rig.query(index, state) for index in range(4)] == before
    for index, sent in enumerate(entered):
        ours = [each for each in sent if each.query_id.startswith("chtui-")]
        assert len(ours) > 20, index
        assert {each.kind for each in ours} <= READ_KINDS
        # 1 reads; 2 may change settings besides; rights and settings are asked for without, as no right is there under 1.
        unbound = {each.query for each in ours if each.settings.get("readonly", "0") == "0"}
        assert {
            query
            for query in unbound
            if not re.search(r"^CHECK GRANT|system\.settings|^SELECT (1 AS check|version)", query)
        } == set()
    for index in range(4):
        legs = rig.query(
            index,
            "SELECT DISTINCT query_kind FROM system.query_log WHERE user = 'internode' AND startsWith(initial_query_id, 'chtui-')",
        )
        assert set(legs.split()) <= READ_KINDS


def test_a_host_that_is_down_is_a_blocker(planting: Planting) -> None:
    planting.v1()
    planting.rig.nodes[3].kill()
    report = planting.look()
    down = host_of(planting.rig, 3)
    unchecked = found(report, Kind.UNCHECKED)
    assert [(each.host, each.severity) for each in unchecked] == [(down, BLOCKER)]
    assert report.exit_code == 1
    assert the(report, Kind.ROUTE, NOTE).what == "all hosts see the 1000 rows that v1 has"


def test_without_v1s_host_the_targets_are_looked_at_all_the_same(planting: Planting) -> None:
    planting.v1()
    planting.rig.nodes[0].kill()
    report = planting.look()
    assert the(report, Kind.UNCHECKED, BLOCKER).host == host_of(planting.rig, 0)
    assert len(found(report, Kind.TARGET_OBJECT, NOTE)) == 3


class Ahead(SystemClock):
    """This machine's clock, so much ahead of everybody."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.seconds)


def test_a_clock_that_is_off(planting: Planting) -> None:
    planting.v1()
    behind = found(planting.look(clock=Ahead(30.0)), Kind.CLOCK, WARNING)
    assert len(behind) == 4
    assert "behind this machine's" in behind[0].what
    assert not found(planting.look(), Kind.CLOCK, WARNING)


def test_users_whose_profiles_and_rights_would_spoil_it(planting: Planting) -> None:
    planting.v1()
    with users(planting.rig):
        reports = {user: planting.look(user=user) for user in USERS}
    second = host_of(planting.rig, 1)
    zones = the(reports["berlin"], Kind.TIME_ZONE, BLOCKER)
    assert f"{second} Europe/Berlin" in zones.evidence
    assert the(reports["berlin"], Kind.SETTING, WARNING, "session_timezone").host == second

    cut = found(reports["cut"], Kind.SETTING, BLOCKER, "limit")
    assert [each.evidence for each in cut] == ["of 10000 numbers 500 came, from 0 on"] * 4
    assert found(reports["cut"], Kind.PARTITIONS) == []

    skipping = reports["skipping"]
    assert the(skipping, Kind.SETTING, WARNING, "read_overflow_mode").evidence == "read_overflow_mode = break"
    assert the(skipping, Kind.ROUTE, NOTE).what == "all hosts see the 1000 rows that v1 has"

    limited = reports["limited"]
    for name in ("read_overflow_mode", "timeout_overflow_mode", "max_rows_to_read"):
        own = [each for each in found(limited, Kind.SETTING, WARNING, name) if each.object == name]
        assert len(own) == 4, name
    assert the(limited, Kind.ROUTE, NOTE).what == "all hosts see the 1000 rows that v1 has"
    assert "before they are stored" in the(limited, Kind.ASYNC_INSERT, WARNING, "wait_for_async_insert").what
    assert the(limited, Kind.ASYNC_INSERT, NOTE, "async_insert").evidence == "async_insert = 1"
    assert "before any shard has them" in the(limited, Kind.BACKGROUND_INSERT, WARNING).what

    fixed = reports["fixed"]
    assert "not to be changed" in the(fixed, Kind.SETTING, BLOCKER, "result_overflow_mode").evidence
    assert the(fixed, Kind.SETTING, BLOCKER, "insert_null_as_default").remedy.startswith(
        "take the constraint"
    )
    assert the(fixed, Kind.SETTING, WARNING, "profile cut: limit").evidence == "limit = 500"
    limit = the(fixed, Kind.DROP_LIMIT, BLOCKER, "max_partition_size_to_drop")
    assert "more than this host drops at once (1 B)" in limit.what

    lacking = {each.object for each in found(reports["poor"], Kind.PRIVILEGE, BLOCKER)}
    assert {f"INSERT ON `{V2}`.*", f"CREATE TABLE ON `{V1}`.*", "KILL QUERY ON *.*"} <= lacking
    assert not lacking & {f"SELECT ON `{V1}`.*", "SELECT ON system.*"}


def test_windows_that_drop_repetitions(planting: Planting) -> None:
    planting.v1()
    report = planting.look()
    told = the(report, Kind.DEDUPLICATION, NOTE)
    assert (
        "replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 3600"
        in told.evidence
    )
    assert "hold without ORDER BY ALL" in told.what
    settings = MappingProxyType({"non_replicated_deduplication_window": "100"})
    finding = the(
        planting.look(with_table(planting.spec, settings=settings)), Kind.DEDUPLICATION, WARNING, "events"
    )
    assert "where v1 keeps them" in finding.what


def test_the_cluster(planting: Planting) -> None:
    planting.v1()
    plain = planting.look()
    assert the(plain, Kind.CLUSTER, NOTE).what == "2 shards, 4 replicas"
    target = replace(
        planting.spec.target,
        flavour=Flavour.REPLICATED,
        ddl=DdlMode.ON_CLUSTER,
        keeper_path="/clickhouse/{layer}/{shard}/{database}/{table}",
        replica="{shard}",
    )
    report = planting.look(replace(planting.spec, target=target))
    assert "every row is written to all replicas" in the(report, Kind.INTERNAL_REPLICATION, BLOCKER).what
    assert the(report, Kind.MACRO, BLOCKER, "layer").what == "this host has no macro layer"
    assert len(found(report, Kind.KEEPER, BLOCKER)) == 4
    same = planting.look(replace(planting.spec, target=replace(target, keeper_path="/x/{table}")))
    assert {each.what.partition(" ")[2].split(" ", 2)[2] for each in found(same, Kind.MACRO, BLOCKER)} >= {
        "would be the same replica",
        "are of two shards but would be replicas of each other",
    }


def test_replicas_that_are_listed_as_shards(planting: Planting) -> None:
    planting.v1(hosts=(0, 1))
    rig = planting.rig
    both = f"127.0.0.1:{{{rig.ports[0]},{rig.ports[1]}}}"
    access = f"user = 'internode', password = '{rig.password('internode')}'"
    for index in range(4):
        rig.query(index, f"CREATE NAMED COLLECTION preflight_v1 AS host = '{both}', {access}")
    try:
        source = replace(planting.spec.source, cluster="", collection="preflight_v1")
        report = planting.look(replace(planting.spec, source=source))
    finally:
        for index in range(4):
            rig.query(index, "DROP NAMED COLLECTION preflight_v1")
    twice = [each for each in found(report, Kind.ROUTE, BLOCKER) if "more rows" in each.what]
    assert len(twice) == 4
    assert "v1 has 1000 to 1000 rows" in twice[0].evidence
    assert "sees 2000" in twice[0].evidence


def test_v1s_entry_must_be_one_server_that_every_host_knows(planting: Planting) -> None:
    planting.v1()
    shards = planting.look(replace(planting.spec, source=replace(planting.spec.source, cluster=CLUSTER)))
    assert "has 2 shards" in the(shards, Kind.ROUTE, BLOCKER).what
    unknown = planting.look(replace(planting.spec, source=replace(planting.spec.source, cluster="nowhere")))
    assert "does not know nowhere" in the(unknown, Kind.ROUTE, BLOCKER).what
    assert the(unknown, Kind.UNCHECKED, BLOCKER, "reading v1's events")


def test_policies_volumes_and_disks(planting: Planting) -> None:
    planting.v1()
    spec = replace(planting.spec, target=replace(planting.spec.target, policy="tiered_storage"))
    assert len(found(planting.look(spec), Kind.POLICY, NOTE)) == 4
    moving = with_table(spec, moves=("Time + INTERVAL 3 DAY TO VOLUME 'cold_storage'",))
    finding = the(planting.look(moving), Kind.POLICY, BLOCKER, "cold_storage")
    assert "rows are to move to volume cold_storage" in finding.what
    assert "cold_volume: disk_ssd" in finding.evidence
    none = replace(planting.spec, target=replace(planting.spec.target, policy="none_such"))
    assert len(found(planting.look(none), Kind.POLICY, BLOCKER, "none_such")) == 4


def test_a_disk_without_room(planting: Planting, tmp_path: Path) -> None:
    planting.v1()

    def full(tree: ElementTree.Element) -> None:
        storage = tree.find("storage_configuration")
        assert storage is not None
        disks, policies = storage.find("disks"), storage.find("policies")
        assert disks is not None
        assert policies is not None
        disk = ElementTree.SubElement(disks, "disk_full")
        ElementTree.SubElement(disk, "path").text = f"{tmp_path}/disk_full/"
        kept = shutil.disk_usage(tmp_path).free + 2 * 2**30
        ElementTree.SubElement(disk, "keep_free_space_bytes").text = str(kept)
        volumes = ElementTree.SubElement(ElementTree.SubElement(policies, "full"), "volumes")
        ElementTree.SubElement(ElementTree.SubElement(volumes, "main"), "disk").text = "disk_full"

    spec = replace(planting.spec, target=replace(planting.spec.target, policy="full"))
    with reconfigured(planting.rig, {1: full}):
        report = planting.look(spec)
    space = the(report, Kind.SPACE, BLOCKER, "full")
    assert space.host == host_of(planting.rig, 1)
    assert "free: 0 B on the first volume" in space.evidence
    lacking = {each.host for each in found(report, Kind.POLICY, BLOCKER, "full")}
    assert lacking == {host_of(planting.rig, index) for index in (0, 2, 3)}


def test_keys_that_do_not_follow_from_the_row(planting: Planting) -> None:
    planting.v1()
    random = the(planting.look(with_table(planting.spec, sharding_key="rand()")), Kind.SHARDING_KEY, BLOCKER)
    assert "calls rand" in random.what
    text = the(planting.look(with_table(planting.spec, sharding_key="Service")), Kind.SHARDING_KEY, BLOCKER)
    assert "not a whole number" in text.what
    changing = with_columns(planting.spec, Stored="DateTime DEFAULT now()")
    assert the(planting.look(changing), Kind.NOT_REPEATABLE, BLOCKER, "events.Stored").evidence == "now()"


def test_months_that_are_compared_as_texts(planting: Planting) -> None:
    planting.v1()
    key = "concat(toString(toYear(Time)), '-', toString(toMonth(Time)))"
    finding = the(planting.look(with_table(planting.spec, partition_by=key)), Kind.PARTITION_KEY, BLOCKER)
    assert "neither a whole number nor a date" in finding.what


def test_an_aggregate_that_does_not_add_up(planting: Planting) -> None:
    planting.v1()
    aggregate = AggregateSpec(
        "hourly",
        "events",
        MappingProxyType({"Hour": "DateTime", "Mean": "Float64"}),
        MappingProxyType({"Hour": "toStartOfHour(Time)", "Mean": "avg(Value)"}),
        "",
        "toYYYYMM(Hour)",
        "(Hour, Mean)",
    )
    finding = the(planting.look(replace(planting.spec, aggregates=(aggregate,))), Kind.NOT_ADDITIVE, BLOCKER)
    assert finding.object == "hourly.Mean"
    assert "avgState" in finding.remedy


def test_what_v2_has_already(planting: Planting) -> None:
    planting.v1()
    where = f"{V2}.events_local"
    columns = "Time DateTime64(3), Service LowCardinality(String), Value Int64"
    keys = "PARTITION BY toYYYYMM(Time) ORDER BY (Service, Time)"
    planting.v2(f"CREATE TABLE {where} ({columns}) ENGINE = MergeTree {keys}", 1)
    planting.v2(f"CREATE TABLE {where} ({columns}, More UInt8) ENGINE = MergeTree {keys}", 2)
    planting.v2(f"CREATE VIEW {where} AS SELECT 1 AS x", 3)
    planting.rig.query(
        1, f"INSERT INTO {where} VALUES ('2026-09-01 00:00:00', 'x', 1), ('2026-10-01 00:00:00', 'x', 1)"
    )
    planting.v2(f"CREATE TABLE {V2}.tmp_traces (x UInt8) ENGINE = MergeTree ORDER BY x")
    planting.v2(f"CREATE TABLE {V2}.chtui_lease_old_1 (x UInt8) ENGINE = MergeTree ORDER BY x")
    planting.v2(
        f"CREATE MATERIALIZED VIEW {V2}.counting ENGINE = SummingMergeTree ORDER BY s AS SELECT Service AS s, count() AS n FROM {where} GROUP BY s"
    )
    report = planting.look()
    states = {each.host: each.what for each in found(report, Kind.TARGET_OBJECT, BLOCKER)}
    assert states == {
        host_of(planting.rig, 2): "local events_local is there, but made otherwise",
        host_of(planting.rig, 3): "something else has the name of local events_local",
    }
    rows = the(report, Kind.FOREIGN_ROWS, BLOCKER, "events_local")
    assert (rows.host, rows.evidence) == (host_of(planting.rig, 1), "202609: 1; 202610: 1")
    assert "counted or stored again" in the(report, Kind.LEFTOVER, BLOCKER, "counting").what
    assert {each.object for each in found(report, Kind.LEFTOVER, WARNING)} == {
        f"{V2}.tmp_traces",
        f"{V2}.chtui_lease_old_1",
    }


def test_rows_that_cannot_be_delivered(planting: Planting) -> None:
    planting.v1()
    rig = planting.rig
    planting.v2(f"CREATE TABLE {V2}.anywhere (x UInt8) ENGINE = Distributed({CLUSTER}, {V2}, nowhere, x)")
    insert = (
        f"INSERT INTO {V2}.anywhere SELECT number FROM numbers(10) SETTINGS distributed_foreground_insert = 0"
    )
    rig.query(1, f"{insert}, prefer_localhost_replica = 0")
    count = f"SELECT sum(error_count) FROM system.distribution_queue WHERE database = '{V2}'"
    wait_until(lambda: int(rig.query(1, count)) > 0, what="a failed delivery")
    finding = the(planting.look(), Kind.BACKGROUND_INSERT, BLOCKER, "anywhere")
    assert "cannot be delivered" in finding.what
