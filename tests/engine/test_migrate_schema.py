"""The whole of otel_v2 on ClickHouse 26.9: made, compared, changed behind its back, written to, sealed."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from chtui.demo import DemoCluster, DemoOptions
from chtui.errors import MigrateError, QueryError
from chtui.migrate import ddl, hosts, init, mapping, schema, spec_file
from chtui.migrate.ddl import SchemaObject
from chtui.migrate.schema import State
from chtui.migrate.spec import DdlMode, Flavour, Spec
from chtui.records import HostId
from tests.support import CLUSTER, ModernRig, replace, rig_of

DAY_NS = 86400 * 10**9
EVERY = ("traces", "metrics", "logs")
BOTH_REPLICAS = "SETTINGS distributed_foreground_insert = 1"


@dataclass
class Made:
    """v2 in a database of its own on the whole rig."""

    rig: ModernRig
    spec: Spec
    hosts: hosts.Hosts
    watermarks: dict[str, int]

    @property
    def wanted(self) -> list[SchemaObject]:
        return ddl.objects(self.spec, self.watermarks)

    def query(self, index: int, text: str) -> str:
        return self.rig.query(index, text.replace("v2.", f"{self.spec.target.database}.")).rstrip("\n")

    def states(self, index: int = 0, *, sealed: tuple[str, ...] = ()) -> dict[str, tuple[State, str]]:
        """What is not as wanted on a host."""
        wanted = ddl.objects(self.spec, self.watermarks, sealed)
        found = schema.compare(self.hosts.targets[index], wanted)
        return {
            state.wanted.name: (state.state, "; ".join(state.differences))
            for state in found
            if state.state is not State.EQUAL
        }


@pytest.fixture
def made(modern: ModernRig) -> Iterator[Made]:
    """All objects of otel_v2; the watermark is 20 days ago, so that the demo's rows are on both sides of it."""
    shipped = spec_file.shipped("otel_v2")
    source = HostId("127.0.0.1", modern.ports[0])
    spec = replace(
        shipped,
        source=replace(shipped.source, host=source),
        target=replace(
            shipped.target,
            database=f"v2_{secrets.token_hex(4)}",
            flavour=Flavour.PLAIN,
            ddl=DdlMode.PER_HOST,
        ),
    )
    found = hosts.connect(modern.effective("admin").profile, CLUSTER, source)
    today = int(modern.query(0, "SELECT toUnixTimestamp(toStartOfDay(now()))"))
    watermark = today * 10**9 - 20 * DAY_NS
    try:
        schema.ensure(found.targets, ddl.objects(spec, dict.fromkeys(EVERY, watermark)))
        yield Made(modern, spec, found, dict.fromkeys(EVERY, watermark))
    finally:
        modern.heal()
        for index in range(4):
            modern.query(index, f"DROP DATABASE IF EXISTS {spec.target.database} SYNC")
        found.close()


def copied(made: Made, table: str, *, where: str = "1") -> None:
    """Write v1's rows to the name that writers use."""
    (spec,) = (found for found in made.spec.tables if found.name == table)
    rows = made.query(
        0,
        f"SELECT name, type, default_kind FROM system.columns WHERE database = 'otel' AND table = '{table}'",
    )
    columns = [tuple(line.split("\t")) for line in rows.replace("\\'", "'").splitlines()]
    found = mapping.mapping(spec, spec.sources[0], [(c[0], c[1], c[2]) for c in columns])
    assert (found.left, found.unknown) == ((), ())
    names = ", ".join(f"`{column.name}`" for column in found.copied)
    values = ", ".join(column.expression for column in found.copied)
    made.query(
        0,
        f"INSERT INTO v2.{table} ({names}) SELECT {values} FROM otel.{table} WHERE {where} {BOTH_REPLICAS}",
    )


def test_everything_is_made_and_made_once(made: Made) -> None:
    states = schema.demand(made.hosts.targets, made.wanted)
    assert len(states) == 4
    for found in states.values():
        assert [state.state for state in found] == [State.EQUAL] * 29
    again: list[str] = []
    schema.ensure(made.hosts.targets, made.wanted, lambda _, item: again.append(item.name))
    assert again == []
    assert schema.strangers(made.hosts.targets[0], made.wanted) == []
    made.query(0, "CREATE TABLE v2.someones (x UInt8) ENGINE = Log")
    made.query(0, "CREATE TABLE v2.chtui_staging (x UInt8) ENGINE = Log")
    assert schema.strangers(made.hosts.targets[0], made.wanted) == ["someones"]


def test_only_what_a_host_lacks_is_made_there(made: Made) -> None:
    made.query(2, "DROP TABLE v2.service_errors_hourly_mv SYNC")
    made.query(2, "DROP TABLE v2.trace_search SYNC")
    assert made.states(2) == {
        "service_errors_hourly_mv": (State.MISSING, ""),
        "trace_search": (State.MISSING, ""),
    }
    done: list[tuple[int, str]] = []
    schema.ensure(made.hosts.targets, made.wanted, lambda host, item: done.append((host.port, item.name)))
    third = made.rig.ports[2]
    assert done == [(third, "service_errors_hourly_mv"), (third, "trace_search")]
    assert made.states(2) == {}


CHANGES = [
    ("traces_local", "ALTER TABLE v2.traces_local MODIFY COLUMN Duration UInt32", "column Duration: UInt32 CODEC(T64, ZSTD(1)), wanted UInt64"),
    ("logs_local", "ALTER TABLE v2.logs_local MODIFY COLUMN Body String CODEC(ZSTD(9))", "column Body: String CODEC(ZSTD(9)), wanted String CODEC(ZSTD(3))"),
    ("metrics_local", "ALTER TABLE v2.metrics_local ADD COLUMN Extra UInt8", "column Extra: UInt8, wanted none"),
    ("traces_local", "ALTER TABLE v2.traces_local DROP COLUMN K8sPodName", "column K8sPodName: none, wanted LowCardinality(String) MATERIALIZED"),
    ("logs_local", "ALTER TABLE v2.logs_local MODIFY COLUMN SpanId String AFTER TraceFlags", "columns: "),
    ("logs_local", "ALTER TABLE v2.logs_local MODIFY TTL Date + INTERVAL 4 DAY TO VOLUME 'cold_volume'", "ttl: Date + toIntervalDay ( 4 )"),
    ("traces_local", "ALTER TABLE v2.traces_local DROP INDEX idx_trace_id", "index idx_trace_id: none, wanted TraceId TYPE bloom_filter"),
    ("traces_local", "ALTER TABLE v2.traces_local MODIFY SETTING merge_with_ttl_timeout = 60", "setting merge_with_ttl_timeout: 60, wanted 86400"),
    ("metrics_local", "ALTER TABLE v2.metrics_local MODIFY SETTING min_bytes_for_wide_part = 1", "setting min_bytes_for_wide_part: 1, wanted none"),
    ("metrics_local", "ALTER TABLE v2.metrics_local ADD COLUMN Z UInt8, MODIFY ORDER BY (ServiceName, MetricName, toStartOfFiveMinute(Timestamp), Z)", "order by: ServiceName"),
    ("service_metrics_5min_mv", "ALTER TABLE v2.service_metrics_5min_mv MODIFY QUERY SELECT Date, toStartOfFiveMinute(Timestamp) AS Time5Min, ServiceName, MetricName, MetricType, Environment, K8sCluster, avgState(Value) AS AvgValue, maxState(Value) AS MaxValue, minState(Value) AS MinValue, countState() AS SampleCount, uniqState(ResourceAttributes['k8s.pod.name']) AS UniquePods FROM v2.metrics_local WHERE Value > 0 GROUP BY ALL", "select: SELECT Date"),
    ("trace_search", "CREATE OR REPLACE VIEW v2.trace_search AS SELECT TraceId FROM v2.traces", "select: SELECT TraceId"),
    ("traces", "CREATE OR REPLACE TABLE v2.traces AS v2.traces ENGINE = Distributed('appsentry_cluster', currentDatabase(), 'traces_ingest', rand())", "engine: Distributed"),
]  # fmt: skip


def test_changes_behind_its_back_are_told(made: Made) -> None:
    for _, change, _ in CHANGES:
        made.query(3, change)
    states = made.states(3)
    assert set(states) == {name for name, _, _ in CHANGES}
    for name, change, difference in CHANGES:
        assert states[name][0] is State.DIFFERENT, name
        assert difference in states[name][1], change
    assert made.states(2) == {}
    made.query(2, "ALTER TABLE v2.logs_local REMOVE TTL")
    assert made.states(2)["logs_local"][1].startswith("ttl: none, wanted Date + toIntervalDay ( 3 )")
    with pytest.raises(MigrateError, match="logs_local is different: ttl: none") as error:
        schema.ensure(made.hosts.targets[:3], made.wanted)
    assert error.value.exit_code == 1
    assert error.value.where == f"127.0.0.1:{made.rig.ports[2]}"


def test_another_thing_of_the_name_is_foreign(made: Made) -> None:
    made.query(1, "DROP TABLE v2.logs_ingest SYNC")
    made.query(1, "CREATE TABLE v2.logs_ingest (x UInt8) ENGINE = Log")
    made.query(1, "DROP VIEW v2.service_overview SYNC")
    made.query(1, "CREATE TABLE v2.service_overview (x UInt8) ENGINE = MergeTree ORDER BY x")
    assert made.states(1) == {
        "logs_ingest": (State.FOREIGN, "engine: Log, wanted Null"),
        "service_overview": (State.FOREIGN, "engine: MergeTree, wanted View"),
    }


def test_a_host_that_hangs_is_no_host_that_lacks_everything(made: Made) -> None:
    made.rig.nodes[3].kill()
    with pytest.raises(MigrateError, match="its schema cannot be read") as error:
        schema.ensure(made.hosts.targets, made.wanted)
    assert error.value.exit_code == 3


def test_rows_go_to_their_shard_from_the_watermark_on(made: Made) -> None:
    watermark = made.watermarks["traces"]
    live = f"Timestamp >= fromUnixTimestamp64Nano({watermark})"
    for table in EVERY:
        copied(made, table)
        (spec,) = (found for found in made.spec.tables if found.name == table)
        before, after = made.query(
            0, f"SELECT countIf(NOT ({live})), countIf({live}) FROM otel.{table}"
        ).split("\t")
        assert int(before) > 0 < int(after)
        shards = [made.query(index, f"SELECT count() FROM v2.{table}_local") for index in range(4)]
        assert shards[0] == shards[1] != "0"
        assert shards[2] == shards[3] != "0"
        assert int(shards[0]) + int(shards[2]) == int(after)
        for index in range(4):
            key = f"({spec.sharding_key}) % 2"
            wrong = f"SELECT countIf({key} != {index // 2}), countIf(NOT ({live})) FROM v2.{table}_local"
            assert made.query(index, wrong) == "0\t0"


def test_aggregates_have_every_live_row_once(made: Made) -> None:
    for table in ("traces", "metrics"):
        copied(made, table)
    for aggregate in made.spec.aggregates:
        count = next(name for name in aggregate.states if aggregate.select[name] == "countState()")
        states = f"SELECT countMerge({count}) FROM v2.{aggregate.local}"
        rows = f"SELECT count() FROM v2.{aggregate.base}_local WHERE {aggregate.where or 1}"
        counts = [(made.query(index, states), made.query(index, rows)) for index in range(4)]
        assert all(merged == counted for merged, counted in counts), aggregate.name
        assert sum(int(counted) for _, counted in counts) > 0
    errors = "sum(ErrorCount), max(P95Duration), max(P99Duration)"
    count, p95, p99 = made.query(0, f"SELECT {errors} FROM v2.service_errors_hourly_merged").split("	")
    failed = "SELECT count() FROM v2.traces_local WHERE StatusCode = 'ERROR'"
    assert int(count) == int(made.query(0, failed)) + int(made.query(2, failed)) > 0
    assert 0 < float(p95) <= float(p99)
    daily = "sum(TotalSpans), sum(ErrorSpans), max(P50Duration) > 0, sum(UniqueTraces) > 0"
    spans, errored, *_ = made.query(0, f"SELECT {daily} FROM v2.traces_daily_summary_merged").split("\t")
    assert int(spans) == sum(
        int(made.query(index, "SELECT count() FROM v2.traces_local")) for index in (0, 2)
    )
    assert errored == count


def test_views_answer(made: Made) -> None:
    made.query(
        0,
        "INSERT INTO v2.metrics (Timestamp, MetricName, ServiceName, Value, MetricType) SELECT now64(9) - number, "
        f"['cpu', 'lag'][number % 2 + 1], 'shop', number, 'GAUGE' FROM numbers(10) {BOTH_REPLICAS}",
    )
    overview = "SELECT MetricName, AvgResponseTime, MaxResponseTime, TotalRequests FROM v2.service_overview ORDER BY 1"
    for index in (0, 3):
        assert made.query(index, overview) == "cpu\t4\t8\t5\nlag\t5\t9\t5"
    made.query(
        0,
        "INSERT INTO v2.traces (Timestamp, TraceId, SpanId, ParentSpanId, ServiceName, SpanKind, Duration, StatusCode) "
        "SELECT now64(9) - 60 + 2 - number, 'a', toString(number), if(number = 1, '', '1'), ['late', 'root', 'early'][number + 1], "
        f"'SERVER', number, if(number = 2, 'ERROR', 'OK') FROM numbers(3) {BOTH_REPLICAS}",
    )
    for item in sealed_names(made, "traces"):
        made.query(0, item)
    found = "SELECT TraceId, SpanCount, RootService, TotalDuration, ErrorCount FROM v2.trace_search"
    assert made.query(0, found) == "a\t3\troot\t2\t1"


def sealed_names(made: Made, table: str) -> list[str]:
    """The statements by which a table's name leads to its rows, on one host."""
    (spec,) = (found for found in made.spec.tables if found.name == table)
    return [statement.text for statement in ddl.seal(made.spec, spec)]


def test_a_sealed_table_leads_to_its_rows_and_expires(made: Made) -> None:
    copied(made, "traces")
    assert made.query(0, "SELECT count() FROM v2.traces") == "0"
    wanted = made.states(0, sealed=("traces",))
    assert wanted.pop("traces")[1].startswith("engine: Distributed ( 'appsentry_cluster'")
    assert wanted.pop("traces_local")[1].startswith("ttl: ")
    assert wanted == {}
    table = made.spec.tables[0]
    expires = ddl.expiry(made.spec, table)
    assert expires is not None
    for item in (*ddl.seal(made.spec, table), expires):
        for host in made.hosts.targets:
            host.run(item.statement, item.params)
    for index in range(4):
        assert made.states(index, sealed=("traces",)) == {}
        assert int(made.query(index, "SELECT count() FROM v2.traces")) > 0
    made.query(1, "INSERT INTO v2.traces (Timestamp, TraceId) SELECT toDateTime64('2020-01-01', 9), 'old'")
    assert schema.strangers(made.hosts.targets[0], made.wanted) == ["traces_unsealed"]


def test_an_unknown_spelling_stops_the_copy_and_can_be_listed(made: Made) -> None:
    (spec,) = (found for found in made.spec.tables if found.name == "traces")
    types = [("SpanKind", "LowCardinality(String)", ""), ("StatusCode", "LowCardinality(String)", "")]
    columns = {column.name: column for column in mapping.mapping(spec, spec.sources[0], types).columns}
    given = "arrayJoin(['Client', 'SPAN_KIND_CLIENT', 'client', 'CLIENT', 'Klient', ''])"
    source = f"(SELECT CAST({given} AS LowCardinality(String)) AS SpanKind)"
    kind = columns["SpanKind"]
    assert made.query(0, f"SELECT SpanKind FROM {source} WHERE {kind.lost}") == "Klient"
    known = f"SELECT groupUniqArray({kind.expression}) FROM {source} WHERE NOT ({kind.lost})"
    assert made.query(0, known) in ("['CLIENT','UNSPECIFIED']", "['UNSPECIFIED','CLIENT']")
    with pytest.raises(Exception, match="Cannot convert NULL value to non-Nullable type"):
        made.query(0, f"SELECT {kind.expression} FROM {source}")
    status = columns["StatusCode"]
    spelled = (
        "['Ok', 'STATUS_CODE_OK', 'ERROR', 'Status_Code_Error', 'Unset', 'STATUS_CODE_UNSET', '', 'Okay']"
    )
    source = f"(SELECT CAST(arrayJoin({spelled}) AS LowCardinality(String)) AS StatusCode)"
    assert made.query(0, f"SELECT StatusCode FROM {source} WHERE {status.lost}") == "Okay"
    back = spec.sources[0].inverse["StatusCode"]
    mapped = f"(SELECT {status.expression} AS given FROM {source} WHERE NOT ({status.lost}))"
    enum = f"(SELECT given AS StatusCode FROM {mapped})"
    assert made.query(0, f"SELECT arraySort(groupUniqArray({back})) FROM {enum}") == "['Error','Ok','Unset']"


@pytest.mark.parametrize(
    ("value", "from_type", "to_type"),
    [("-1", "Int32", "UInt32"), ("4294967295", "UInt32", "Int32"), ("300", "Nullable(UInt64)", "UInt8")],
)
def test_a_number_the_other_type_cannot_hold_is_counted(
    made: Made, value: str, from_type: str, to_type: str
) -> None:
    spec = replace(made.spec.tables[0], columns={"X": to_type})
    (column,) = mapping.mapping(spec, spec.sources[0], [("X", from_type, "")]).columns
    source = f"(SELECT CAST(arrayJoin([7, {value}]) AS {from_type}) AS X)"
    assert made.query(0, f"SELECT X FROM {source} WHERE {column.lost}") == value


def test_replicated_engines_are_accepted_and_compared(tmp_path: Path) -> None:
    """This engine lets Replicated tables be made, and leaves them read-only."""
    options = DemoOptions(
        directory=tmp_path / "demo", shards=1, replicas=1, rows=10, load=False, zookeeper=True
    )
    with DemoCluster(options) as demo:
        rig = rig_of(demo)
        shipped = spec_file.shipped("otel_v2")
        source = HostId("127.0.0.1", rig.ports[0])
        target = replace(shipped.target, ddl=DdlMode.PER_HOST)
        spec = replace(shipped, source=replace(shipped.source, host=source), target=target)
        found = hosts.connect(rig.effective("admin").profile, CLUSTER, source)
        try:
            wanted = ddl.objects(spec, dict.fromkeys(EVERY, DAY_NS))
            schema.ensure(found.targets, wanted)
            states = schema.compare(found.source, wanted)
            assert [state.state for state in states] == [State.EQUAL] * len(wanted)
            paths = "SELECT DISTINCT zookeeper_path FROM system.replicas WHERE database = 'otel_v2' AND table = 'logs_local'"
            assert rig.query(0, paths) == "/clickhouse/tables/1/otel_v2/logs_local\n"
            plain = replace(spec, target=replace(spec.target, flavour=Flavour.PLAIN))
            (state,) = schema.compare(found.source, [ddl.local(plain, plain.tables[0])])
            assert state.state is State.DIFFERENT
            assert state.differences[0].startswith("engine: ReplicatedMergeTree (")
        finally:
            found.close()


def test_a_spec_is_written_from_what_v1_has(made: Made, tmp_path: Path) -> None:
    source = made.hosts.source
    file = tmp_path / "mine.toml"
    v1 = replace(made.spec.source, host=source.id)
    fitted = init.run(source, "otel_v2", v1, made.spec.target, spec_file.shipped("otel_v2"))
    file.write_text(fitted)
    assert spec_file.read(file) == made.spec
    made.query(
        0,
        "CREATE TABLE v2.odd (When DateTime, Id UInt64, Note Nullable(String)) ENGINE = MergeTree ORDER BY (Id, When)",
    )
    file.write_text(
        init.run(
            source,
            "odd",
            replace(v1, database=made.spec.target.database),
            replace(made.spec.target, database="odd"),
        )
    )
    tables = {table.name: table for table in spec_file.read(file).tables}
    assert set(tables) == {"odd", "traces_local", "metrics_local", "logs_local"}
    assert (tables["odd"].time, tables["odd"].partition_by, tables["odd"].sharding_key) == (
        "When",
        "toYYYYMM(When)",
        "cityHash64(Id)",
    )
    local = tables["traces_local"]
    assert local.columns == made.spec.tables[0].columns
    assert local.indexes == made.spec.tables[0].indexes


def test_a_watermark_must_fit_its_time(made: Made) -> None:
    with pytest.raises(QueryError):
        made.hosts.targets[0].run("create_view", {"view": ("none", "x"), "cluster": "", "select": "nonsense"})
    table = replace(made.spec.tables[0], columns={**made.spec.tables[0].columns, "Timestamp": "DateTime"})
    assert ddl.instant(table, 10**9) == "toDateTime(1)"
    with pytest.raises(MigrateError, match="is no whole second, as Timestamp of traces needs"):
        ddl.instant(table, 1)
