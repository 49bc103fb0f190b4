"""What preflight makes of the rows it is told: every judge by itself, without servers."""

from __future__ import annotations

import json
from types import MappingProxyType

import pytest

from chtui.errors import QueryError
from chtui.migrate.preflight import clusters, keepers, routes, servers, source, storage
from chtui.migrate.preflight.clusters import Replica
from chtui.migrate.preflight.findings import Finding, Kind, Severity, blocker, note, report, warning
from chtui.migrate.preflight.keepers import Entry, Place
from chtui.migrate.preflight.look import unchecked
from chtui.migrate.preflight.routes import Count, Rate
from chtui.migrate.preflight.servers import Reading, Server
from chtui.migrate.preflight.source import Index, Made
from chtui.migrate.preflight.storage import Disk, Limit, Sizes, Storage
from chtui.migrate.spec import (
    DdlMode,
    Flavour,
    Source,
    SourceTable,
    Spec,
    StoragePolicy,
    TableSpec,
    Target,
    Volume,
)
from chtui.records import HostId
from tests.support import replace

A, B, C, D = (HostId("ch", port) for port in (9001, 9002, 9003, 9004))
BLOCKER, WARNING, NOTE = Severity.BLOCKER, Severity.WARNING, Severity.NOTE
TABLE = TableSpec(
    "events",
    (SourceTable("old"),),
    "Time",
    MappingProxyType({"Time": "DateTime"}),
    "cityHash64(Time)",
    "toYYYYMM(Time)",
    "Time",
    moves=("Time + INTERVAL 1 DAY TO VOLUME 'cold'", "Time + INTERVAL 9 DAY TO DISK 's3'"),
)
SPEC = Spec(
    "s",
    Source(A, "v1", cluster="one"),
    Target("all", "v2", Flavour.REPLICATED, DdlMode.ON_CLUSTER, "tiered", "/t/{shard}/{database}/{table}"),
    (TABLE,),
    policies=(StoragePolicy("tiered", (Volume("hot", ("nvme",)), Volume("cold", ("ssd", "s3")))),),
)
PLAIN = replace(SPEC, target=replace(SPEC.target, flavour=Flavour.PLAIN))


def told(findings: list[Finding], severity: Severity | None = None) -> list[str]:
    return [each.what for each in findings if severity in (None, each.severity)]


def test_a_report_is_sorted_by_how_bad_it_is_and_says_everything_once() -> None:
    findings = [
        note(Kind.VERSION, "", A, "n"),
        warning(Kind.CLOCK, "", B, "w"),
        blocker(Kind.SPACE, "x", B, "b"),
    ]
    made = report(
        "s", [*findings, findings[0], blocker(Kind.CLOCK, "", None, "b2", evidence="e", remedy="r")]
    )
    assert told(list(made.findings)) == ["b2", "b", "w", "n"]
    assert (made.exit_code, len(made.blockers)) == (1, 2)
    document = json.loads(json.dumps(made.as_dict()))
    assert document["counts"] == {"blocker": 2, "warning": 1, "note": 1}
    assert document["findings"][0] == {
        "kind": "clock",
        "severity": "blocker",
        "object": "",
        "host": None,
        "what": "b2",
        "evidence": "e",
        "remedy": "r",
    }
    assert document["findings"][1]["host"] == "ch:9002"
    assert report("s", findings[:2]).exit_code == 0


def test_silence_is_a_finding() -> None:
    finding = unchecked("the clock", A, QueryError("Code 1: no", fix="do"))
    assert (finding.kind, finding.severity, finding.host) == (Kind.UNCHECKED, BLOCKER, A)
    assert (finding.what, finding.evidence, finding.remedy) == (
        "could not check the clock",
        "Code 1: no",
        "do",
    )


def test_versions_that_differ_in_their_first_two_numbers() -> None:
    same = {A: Server("26.9.1.1", "UTC"), B: Server("26.9.2.1", "UTC")}
    assert told(servers.judge_versions(same), WARNING) == []
    assert told(servers.judge_versions({**same, C: Server("26.1.2.1", "UTC")}), WARNING) == [
        "the servers' versions differ"
    ]


def test_servers_on_which_rows_cannot_expire() -> None:
    assert servers.judge_expiry(SPEC, {A: (18, 16)}) == []
    expiring = replace(SPEC, tables=(replace(SPEC.tables[0], expires="Time + INTERVAL 1 DAY"),))
    (finding,) = servers.judge_expiry(expiring, {A: (18, 16), B: (26, 9)})
    assert (finding.severity, finding.host) == (BLOCKER, A)
    assert finding.evidence.startswith("expires of ")


def test_time_zones() -> None:
    zones = {A: Server("1.1", "UTC"), B: Server("1.1", "Etc/UTC")}
    assert told(servers.judge_zones(zones, A)) == ["all queries see days in time zone UTC"]
    (finding,) = servers.judge_zones({**zones, C: Server("1.1", "Europe/Berlin")}, A)
    assert finding.severity is BLOCKER
    assert finding.evidence == "ch:9001 (v1) UTC, ch:9002 Etc/UTC, ch:9003 Europe/Berlin"
    assert servers.judge_zones({}, None) == []


@pytest.mark.parametrize(
    ("reading", "severities"),
    [
        (Reading(-0.9, 0.9), [NOTE]),
        (Reading(-0.2, 1.3), [NOTE]),
        (Reading(1.2, 1.3), [WARNING]),
        (Reading(1.6, 1.7), [WARNING, WARNING]),
        (Reading(-3.0, -2.9), [WARNING, WARNING]),
        (Reading(700.0, 701.0), [BLOCKER, WARNING]),
    ],
)
def test_a_clock_is_judged_by_what_is_certain(reading: Reading, severities: list[Severity]) -> None:
    findings = servers.judge_clocks({A: Reading(-0.5, 0.5), B: reading}, A, 600.0)
    assert [each.severity for each in findings] == severities, findings


def test_a_clock_of_this_machine_that_is_off_stops_nothing() -> None:
    findings = servers.judge_clocks({A: Reading(900.0, 900.1), B: Reading(900.0, 900.2)}, A, 600.0)
    assert told(findings, WARNING) == ["its clock is 15m ahead of this machine's"] * 2
    assert told(findings, BLOCKER) == []
    alone = servers.judge_clocks({B: Reading(900.0, 900.2)}, None, 600.0)
    assert [each.severity for each in alone] == [WARNING]


def test_types_are_taken_apart() -> None:
    columns = {
        "a": "Map(LowCardinality(String), Array(Nullable(UUID)))",
        "b": "AggregateFunction(avg, Float64)",
        "c": "Tuple(x Date32, IPv4)",
    }
    names = servers.type_names(replace(SPEC, tables=(replace(TABLE, columns=columns),)))
    assert names == sorted(
        [
            "Map",
            "LowCardinality",
            "String",
            "Array",
            "Nullable",
            "UUID",
            "AggregateFunction",
            "Float64",
            "Tuple",
            "Date32",
            "IPv4",
        ]
    )
    assert [each.object for each in servers.judge_types(A, names, set(names) - {"UUID"})] == ["UUID"]


def replicas(*, internal: bool | None = True, weights: tuple[int, int] = (1, 1)) -> list[Replica]:
    layout = [(1, 1, A), (1, 2, B), (2, 1, C), (2, 2, D)]
    own = [
        Replica("all", shard, weights[shard - 1], number, host, internal) for shard, number, host in layout
    ]
    return [*own, Replica("one", 1, 1, 1, A, False)]


def test_clusters_must_be_known_alike() -> None:
    good = {A: replicas(), B: replicas()}
    assert told(clusters.judge_cluster(SPEC, good), BLOCKER) == []
    assert told(clusters.judge_cluster(SPEC, {**good, C: replicas()[:3]}), BLOCKER) == [
        "the hosts know the cluster differently"
    ]
    assert told(clusters.judge_cluster(SPEC, {**good, C: []}), BLOCKER) == [
        "this host does not know cluster all"
    ]
    heavy = clusters.judge_cluster(SPEC, {A: replicas(weights=(1, 3))})
    assert told(heavy, WARNING) == ["the shards' weights differ, and so will their share of rows"]
    assert told(clusters.judge_cluster(SPEC, {A: replicas(weights=(0, 0))}), BLOCKER)


@pytest.mark.parametrize(
    ("spec", "internal", "severities"),
    [
        (SPEC, True, []),
        (SPEC, False, [BLOCKER]),
        (SPEC, None, [WARNING]),
        (PLAIN, False, []),
        (PLAIN, True, [BLOCKER]),
        (PLAIN, None, [WARNING]),
    ],
)
def test_internal_replication_must_fit_the_engine(
    spec: Spec, internal: bool | None, severities: list[Severity]
) -> None:
    findings = clusters.judge_replication(spec, {A: replicas(internal=internal)})
    assert [each.severity for each in findings] == severities
    alone = [Replica("all", 1, 1, 1, A, internal), Replica("all", 2, 1, 1, C, internal)]
    assert clusters.judge_replication(spec, {A: alone}) == []


def test_v1s_entry() -> None:
    assert clusters.judge_source_entry("one", {A: replicas()}) == []
    assert [each.severity for each in clusters.judge_source_entry("all", {A: replicas()})] == [BLOCKER]
    two = [Replica("one", 1, 1, number, host, True) for number, host in ((1, A), (2, B))]
    assert [each.severity for each in clusters.judge_source_entry("one", {A: two})] == [WARNING]
    assert [each.severity for each in clusters.judge_source_entry("other", {A: replicas()})] == [BLOCKER]


def test_macros_tell_shards_and_replicas_apart() -> None:
    shards = {A: 1, B: 1, C: 2}
    good = {
        A: {"shard": "1", "replica": "a"},
        B: {"shard": "1", "replica": "b"},
        C: {"shard": "2", "replica": "a"},
    }
    assert clusters.judge_macros(SPEC, good, shards) == []
    cases = {
        "would be the same replica": {**good, B: {"shard": "1", "replica": "a"}},
        "of two shards but would be replicas of each other": {**good, C: {"shard": "1", "replica": "c"}},
        "of one shard but would not replicate": {**good, B: {"shard": "7", "replica": "b"}},
        "has no macro replica": {**good, C: {"shard": "2"}},
    }
    for words, macros in cases.items():
        findings = clusters.judge_macros(SPEC, macros, shards)
        assert any(words in each.what for each in findings), (words, findings)
        assert all(each.severity is BLOCKER for each in findings)


def test_keeper_paths() -> None:
    places = [Place(A, "t", "/p/1", "a"), Place(B, "t", "/p/1", "b")]
    none: dict[HostId, dict[str, list[str]]] = {A: {}, B: {}}
    assert told(keepers.judge_paths(places, none, {}), NOTE) == ["1 Keeper paths are free or ours"]
    ours = {
        A: [keepers.Replica("v2", "t", "/p/1", "a", False, False)],
        B: [keepers.Replica("v2", "t", "/p/1", "b", False, False)],
    }
    there = {host: {"/p/1": ["a", "b"]} for host in (A, B)}
    assert told(keepers.judge_paths(places, there, ours), BLOCKER) == []
    left = keepers.judge_paths(places, there, {**ours, B: []})
    assert [(each.host, each.severity) for each in left] == [(B, BLOCKER)]
    foreign = keepers.judge_paths(places, {host: {"/p/1": ["a", "b", "x"]} for host in (A, B)}, ours)
    assert told(foreign) == ["replicas of others are at this path: x"] * 2


def test_the_ddl_queue() -> None:
    assert [each.severity for each in keepers.judge_queue("/q", None, {A})] == [WARNING]
    assert told(keepers.judge_queue("/q", [], {A})) == ["no statement waits in the DDL queue"]
    entry = Entry("query-0000000001", "CREATE DATABASE x", ("gone:9000", str(B)))
    (finding,) = keepers.judge_queue("/q", [entry], {A, B})
    assert (finding.severity, finding.what) == (BLOCKER, "a statement waits in the DDL queue for ch:9002")
    assert [each.severity for each in keepers.judge_queue("/q", [entry], {A})] == [NOTE]


def stored(**free: int) -> Storage:
    disks = {name: Disk(free.get(name, 10**9), 2 * 10**9, True) for name in ("nvme", "ssd", "s3")}
    return Storage(
        {"tiered": {"hot": ("nvme",), "cold": ("ssd", "s3")}, "default": {"default": ("nvme",)}}, disks
    )


def test_policies() -> None:
    assert [each.severity for each in storage.judge_policy(SPEC, A, stored())] == [NOTE]
    other = replace(SPEC, target=replace(SPEC.target, policy="none"))
    assert told(storage.judge_policy(other, A, stored())) == ["this host has no storage policy none"]
    plain = replace(SPEC, target=replace(SPEC.target, policy=""), policies=())
    assert {each.object for each in storage.judge_policy(plain, A, stored())} == {"cold", "s3"}
    broken = replace(stored(), disks={**stored().disks, "ssd": Disk(1, 1, False)})
    assert told(storage.judge_policy(SPEC, A, broken)) == ["disk ssd of policy tiered is broken or read-only"]
    turned = replace(stored(), policies={"tiered": {"cold": ("ssd", "s3"), "hot": ("nvme",)}})
    assert [each.severity for each in storage.judge_policy(SPEC, A, turned)] == [WARNING]
    assert [each.severity for each in storage.judge_absent(SPEC, A)] == [WARNING, BLOCKER]


@pytest.mark.parametrize(
    ("nvme", "others", "severity"),
    [(1300, 1000, NOTE), (1100, 1000, WARNING), (300, 1000, BLOCKER), (500, 0, BLOCKER)],
)
def test_room_for_staging_and_result(nvme: int, others: int, severity: Severity) -> None:
    # of two shards: result 1000, staging twice 200
    found = storage.judge_space("tiered", A, stored(nvme=nvme, ssd=others, s3=0), Sizes(2000 - 400, 400), 2)
    assert [each.severity for each in found] == [severity], found


def test_room_on_v1() -> None:
    assert storage.judge_source_space(A, "d", Disk(10, 100, True), 0.2, 0)[0].severity is BLOCKER
    assert storage.judge_source_space(A, "d", Disk(30, 100, True), 0.2, 20)[0].severity is WARNING
    assert storage.judge_source_space(A, "d", Disk(50, 100, True), 0.2, 20)[0].severity is NOTE


def test_limits_on_dropping() -> None:
    sizes = Sizes(10**12, 10**11)
    severity = [
        (Limit("x", 5 * 10**10, True), [NOTE]),
        (Limit("x", 5 * 10**10, False), [BLOCKER]),
        (Limit("x", None, False), [WARNING]),
        (Limit("x", 0, False), []),
        (Limit("x", 10**12, False), []),
    ]
    for limit, wanted in severity:
        assert [each.severity for each in storage.judge_limits(A, [limit], sizes)] == wanted, limit


def test_objects_of_v1() -> None:
    made = {
        "old": Made("MergeTree", "CREATE TABLE v1.old (`Time` DateTime) ENGINE = MergeTree ORDER BY Time"),
        "more": Made("MergeTree", ""),
        "kept": Made("View", ""),
        ".inner.x": Made("MergeTree", ""),
        "chtui_snap": Made("MergeTree", ""),
    }
    found = source.judge_objects(replace(SPEC, not_mapped={"kept": "why"}), made)
    assert [(each.object, each.severity) for each in found] == [("v1.more", WARNING), ("v1.kept", NOTE)]
    assert told(source.judge_objects(SPEC, {}), BLOCKER) == [
        "v1 has no such table: nothing would be copied, with success"
    ]


def test_skip_indexes_are_compared_by_what_they_hold() -> None:
    spec = replace(
        SPEC, tables=(replace(TABLE, indexes=("a lower( Body ) TYPE tokenbf_v1(1, 2, 3) GRANULARITY 1",)),)
    )
    indexes = [
        Index("old", "x", "tokenbf_v1", "lower(Body)"),
        Index("old", "y", "minmax", "lower(Body)"),
        Index("other", "z", "set", "q"),
    ]
    assert [each.object for each in source.judge_indexes(spec, indexes)] == ["old.y"]


def test_what_hosts_see_of_v1() -> None:
    assert [
        each.severity for each in routes.judge_counts("t", Count(10, 20, {A: 10, B: 20, C: 15}), "w")
    ] == [NOTE]
    found = routes.judge_counts("t", Count(10, 10, {A: 20, B: 9, C: 10}), "w")
    assert [(each.host, each.severity, each.what.split()[3]) for each in found] == [
        (A, BLOCKER, "more"),
        (B, BLOCKER, "fewer"),
    ]


def test_how_long_it_takes() -> None:
    found = routes.judge_duration({"t": 4_000_000}, {"t": Rate(100_000, 1.0)}, 2, 2)
    assert told(found) == [
        "16 667 to 400k rows/s expected",
        "the copy takes 10s to 3m 59s, limits on load aside",
    ]
    partly = routes.judge_duration({"t": 4_000_000, "u": 1}, {"t": Rate(100_000, 1.0)}, 2, 2)
    assert partly[-1].severity is WARNING
    assert "without u" in partly[-1].what
    assert routes.judge_duration({}, {}, 1, 1) == []
