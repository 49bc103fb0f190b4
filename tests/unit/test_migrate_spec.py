"""The shipped spec, and what a spec's file may not hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chtui.errors import MigrateError
from chtui.migrate import spec_file
from chtui.migrate.spec import DdlMode, Flavour, Hook, Retries, Spec
from chtui.migrate.spec_checks import view_order
from chtui.migrate.spec_file import SpecError
from chtui.records import HostId

SMALL = """\
version = 1
name = "small"

[source]
host = "v1.example:9000"
database = "old"
cluster = "old_one"

[target]
cluster = "both"
database = "new"
engine = "replicated"
ddl = "on_cluster"

[table.spans]
time = "Time"
sharding_key = "cityHash64(Id)"
partition_by = "toYYYYMM(Day)"
order_by = "(Service, Time)"

[table.spans.columns]
Time = "DateTime64(9) CODEC(DoubleDelta, ZSTD(1))"
Day = "Date DEFAULT toDate(Time)"
Id = "String"
Service = "LowCardinality(String)"
Length = "UInt64"
Upper = "String MATERIALIZED upper(Service)"

[table.spans.source.spans.mapping]
Length = "toUInt64(Duration)"

[table.spans.source.spans.drop]
Junk = true

[aggregate.hourly]
base = "spans"
where = "Length > 0"
partition_by = "toYYYYMM(Day)"
order_by = "(Day, Hour, Service)"
time = "Hour"

[aggregate.hourly.columns]
Day = "Date"
Hour = "DateTime"
Service = "LowCardinality(String)"
Calls = "AggregateFunction(count)"
Total = "SimpleAggregateFunction(sum, UInt64)"

[aggregate.hourly.select]
Day = "Day"
Hour = "toStartOfHour(Time)"
Service = "Service"
Calls = "countState()"
Total = "sum(Length)"

[view.last]
select = "SELECT * FROM {database}.first"

[view.first]
select = "SELECT Service, countMerge(Calls) FROM {database}.hourly GROUP BY Service"

[hook.reads_v2]
command = ["switch", "v2"]

[hook.reads_v1]
confirm = "Switch the readers back"
"""


def read(tmp_path: Path, text: str) -> Spec:
    file = tmp_path / "spec.toml"
    file.write_text(text, encoding="utf-8")
    return spec_file.read(file)


def refused(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(SpecError) as error:
        read(tmp_path, text)
    assert error.value.exit_code == 2
    return [problem.line.removeprefix(f"{tmp_path}/") for problem in error.value.problems]


def line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


def test_a_small_spec_is_read(tmp_path: Path) -> None:
    spec = read(tmp_path, SMALL)
    assert spec.source.host == HostId("v1.example", 9000)
    assert (spec.target.flavour, spec.target.ddl) == (Flavour.REPLICATED, DdlMode.ON_CLUSTER)
    assert spec.target.keeper_path == "/clickhouse/tables/{shard}/{database}/{table}"
    (table,) = spec.tables
    assert list(table.columns) == ["Time", "Day", "Id", "Service", "Length", "Upper"]
    assert table.sources[0].mapping == {"Length": "toUInt64(Duration)"}
    assert table.sources[0].drops == {"Junk": True}
    assert table.retries is Retries.KEEP
    (aggregate,) = spec.aggregates
    assert (aggregate.keys, aggregate.states) == (("Day", "Hour", "Service"), ("Calls", "Total"))
    assert [view.name for view in view_order(spec)] == ["first", "last"]
    assert spec.hooks == {
        "reads_v2": Hook(command=("switch", "v2")),
        "reads_v1": Hook(confirm="Switch the readers back"),
    }


CASES = [
    ("version = 1", "", r"spec\.toml: version is missing; write version = 1 at the top"),
    ("version = 1", "version = 2", r"version is 2, this chtui knows 1; use a newer chtui"),
    ('name = "small"', 'name = "small"\nlimit = 1', r"unknown key limit; did you mean limits\?"),
    ('database = "old"', 'databse = "old"', r"unknown key source\.databse; did you mean database\?"),
    ('database = "old"', "", r"spec\.toml:4: source\.database is missing; add database"),
    ('database = "old"', "database = 5", r"source\.database must be a string, not a number"),
    ('database = "old"', 'database = "new"', r"target\.database is v1's too; give v2 a database of its own"),
    ("v1.example:9000", "v1.example", r"source\.host: 'v1\.example' has no port; write host:port"),
    ('cluster = "old_one"', 'cluster = "a"\ncollection = "b"', r"source\.collection and cluster both lead to v1"),
    ('cluster = "old_one"', "", r"source\.cluster is missing; give the one-shard entry"),
    ('engine = "replicated"', 'engine = "copied"', r"target\.engine is 'copied'; write one of replicated, plain"),
    ('ddl = "on_cluster"', 'ddl = "on_cluster"\nkeeper_path = "/t/{shard}"', r"keeper_path has no \{table\}"),
    ('ddl = "on_cluster"', 'ddl = "on_cluster"\nkeeper_path = "/t/{table}"', r"no macro: all shards would be one"),
    ('time = "Time"\nsharding', 'time = "Times"\nsharding', r"table\.spans\.time is 'Times', which is no column; did you mean"),
    ('time = "Time"\nsharding', 'time = "Id"\nsharding', r"table\.spans\.time must be a DateTime or DateTime64 column"),
    ("cityHash64(Id)", "cityHash64(Ib)", r"sharding_key names Ib, which is no column"),
    ("cityHash64(Id)", "cityHash64(Id", r"sharding_key has a \( that is not closed"),
    ("cityHash64(Id)", "cityHash64(Id), 1", r"sharding_key has a comma outside of brackets"),
    ("cityHash64(Id)", "Id; DROP TABLE x", r"sharding_key holds a semicolon"),
    ("cityHash64(Id)", "Id -- yes", r"sharding_key holds an SQL comment"),
    ('order_by = "(Service, Time)"', 'order_by = "(Server, Time)"', r"order_by names Server, .*did you mean Service"),
    ('order_by = "(Service, Time)"', "", r"spec\.toml:\d+: table\.spans\.order_by is missing"),
    ('Id = "String"', 'Id = "String TTL Day"', r"columns\.Id has TTL; a column's own TTL empties values"),
    ('Id = "String"', "Id = \"String DEFAULT 'a\"", r"columns\.Id has a ' that is not closed"),
    ('Id = "String"', 'Id = ""', r"columns\.Id (is empty|has no type)"),
    ('"String MATERIALIZED upper(Service)"', '"String MATERIALIZED upper(Servce)"', r"columns\.Upper names Servce"),
    ('Length = "toUInt64', 'Lenght = "toUInt64', r"mapping\.Lenght is no column of v2; did you mean Length"),
    ('Length = "toUInt64(Duration)"', 'Upper = "x"', r"mapping\.Upper is computed \(MATERIALIZED\)"),
    ("Junk = true", 'Junk = "yes"', r"drop\.Junk must be true or false, not a string"),
    ('base = "spans"', 'base = "span"', r"aggregate\.hourly\.base is 'span', which is no table .*did you mean spans"),
    ('base = "spans"', 'base = "hourly"', r"base is 'hourly', an aggregate itself"),
    ('"(Day, Hour, Service)"', '"(Day, Hour)"', r"columns\.Service is grouped by but not in order_by: .*add Service"),
    ('"(Day, Hour, Service)"', '"(Day, Hour, Service, Calls)"', r"order_by has Calls, which holds states"),
    ('"AggregateFunction(count)"', '"UInt64"', r"columns\.Calls is grouped by but not in order_by"),
    ('Calls = "countState()"', 'Calls = "count()"', r"select\.Calls gives no state of count; write countState"),
    ('Total = "sum(Length)"', 'Total = "avg(Length)"', r"select\.Total is not of sum: .*cannot be merged"),
    ('Total = "sum(Length)"', 'Total = "sum(Lenght)"', r"select\.Total names Lenght, .*did you mean Length"),
    ('where = "Length > 0"', 'where = "Long > 0"', r"aggregate\.hourly\.where names Long"),
    ('Service = "Service"', 'Service = "upper(Service)"', r"select\.Service hides the column of that name of spans"),
    ('Total = "sum(Length)"', "", r"columns\.Total is not in select"),
    ('Total = "Simple', 'Sum = "Simple', r"select\.Total is not in columns"),
    ('time = "Hour"', 'time = "Calls"', r"aggregate\.hourly\.time is 'Calls', which is no key"),
    ("[view.last]", "[view.spans_local]", r"view\.spans_local makes spans_local, which table\.spans makes already"),
    ("{database}.first", "{database}.frist", r"view\.last\.select reads frist, .*did you mean first"),
    ("FROM {database}.hourly GROUP", "FROM {database}.last GROUP", r"reads itself by way of .*; break the circle"),
    ("FROM {database}.hourly GROUP", "FROM {database}.hourly_local GROUP", r"reads hourly_local: one shard's rows only"),
    ("FROM {database}.hourly GROUP", "FROM hourly GROUP", r"view\.first\.select reads nothing of v2"),
    ('command = ["switch", "v2"]', 'command = ["a"]\nurl = "http://a"', r"hook\.reads_v2 has command and url; give exactly one"),
    ('command = ["switch", "v2"]', "", r"hook\.reads_v2 says neither command, url nor confirm"),
    ('command = ["switch", "v2"]', 'url = "ftp://a"', r"hook\.reads_v2\.url is 'ftp://a'"),
    ("[hook.reads_v1]", "[hook.dual_write_on]", r"hook\.reads_v2 has no reads_v1 beside it"),
    ("[hook.reads_v1]", "[hook.read_v1]", r"unknown key hook\.read_v1; did you mean reads_v1\?"),
    ("[view.last]", "[not_mapped]\nspans = \"old\"\n[view.last]", r"not_mapped\.spans is mapped: it feeds spans"),
    ("[view.last]", "[limits]\nworkers = 0\n[view.last]", r"limits\.workers is 0, out of range; it goes from 1 to 64"),
    ("[view.last]", "[retention]\nkeep = 1\n[view.last]", r"unknown key retention\.keep"),
    ("[table.spans]\n", "[table.chtui_x]\n", r"table\.chtui_x cannot be a name here"),
]  # fmt: skip


@pytest.mark.parametrize(("part", "instead", "expected"), CASES, ids=[case[2][:40] for case in CASES])
def test_what_is_wrong_is_told_at_its_line(tmp_path: Path, part: str, instead: str, expected: str) -> None:
    assert part in SMALL
    lines = refused(tmp_path, SMALL.replace(part, instead, 1))
    assert any(re.search(expected, line) for line in lines), lines
    assert all(re.match(r"spec\.toml(:\d+)?: ", line) for line in lines), lines


@pytest.mark.parametrize("function", ["avg", "quantile", "uniq", "count", "argMax"])
def test_a_result_that_cannot_be_merged_is_no_column_of_an_aggregate(tmp_path: Path, function: str) -> None:
    text = SMALL.replace('"SimpleAggregateFunction(sum, UInt64)"', '"Float64"')
    text = text.replace('"sum(Length)"', f'"{function}(Length)"')
    (line,) = refused(tmp_path, text)
    number = line_of(text, 'Total = "Float64"')
    assert line.startswith(
        f"spec.toml:{number}: aggregate.hourly.columns.Total holds results of {function}, "
    )
    assert line.endswith(f"make it AggregateFunction({function}, ...) and select {function}State")


@pytest.mark.parametrize("function", ["quantile", "any", "topK", "quantileTDigest"])
def test_states_that_depend_on_the_order_of_rows_are_refused(tmp_path: Path, function: str) -> None:
    text = SMALL.replace('"SimpleAggregateFunction(sum, UInt64)"', f'"AggregateFunction({function}, UInt64)"')
    text = text.replace('"sum(Length)"', f'"{function}State(Length)"')
    (line,) = refused(tmp_path, text)
    assert f"select.Total keeps states of {function}, which depend on the order of rows" in line


@pytest.mark.parametrize("partition", ["Day", "toMonday(Day)", "toYYYYMM(toDate(Hour))", "toYYYYMM(Hour)"])
def test_an_aggregate_has_the_partitions_of_its_base(tmp_path: Path, partition: str) -> None:
    before, _, after = SMALL.rpartition("toYYYYMM(Day)")
    (line,) = refused(tmp_path, before + partition + after)
    assert "aggregate.hourly.partition_by is not the partitioning of spans, toYYYYMM(Day)" in line


def test_all_problems_are_told_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = (
        SMALL.replace('database = "old"', "")
        .replace('time = "Time"', "tme = 1")
        .replace("Junk = true", "Junk = 1")
    )
    lines = refused(tmp_path, text)
    assert [line.partition(" ")[2].partition(" ")[0] for line in lines] == [
        "source.database", "table.spans.time", "unknown", "table.spans.source.spans.drop.Junk",
    ]  # fmt: skip
    with pytest.raises(SpecError) as error:
        read(tmp_path, text)
    assert error.value.line.endswith("source.database is missing (and 3 more); add database")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = ", r"spec\.toml:1: is not TOML"),
        ("version = 1\nname = 'x'\n", r"spec\.toml: source is missing; add a table \[source\]"),
        ("version = 1\nname = 'x'\n", r"spec\.toml: no table to migrate; add \[table\.NAME\]"),
        ("\udcff", r"spec\.toml:1: is no UTF-8 text"),
    ],
)
def test_a_file_that_is_no_spec(tmp_path: Path, text: str, expected: str) -> None:
    file = tmp_path / "spec.toml"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(SpecError) as error:
        spec_file.read(file)
    assert any(re.search(expected, problem.line) for problem in error.value.problems)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="cannot be read: No such file or directory"):
        spec_file.read(tmp_path / "none.toml")


def test_no_other_spec_is_shipped() -> None:
    assert spec_file.shipped_names() == ["otel_v2"]
    with pytest.raises(MigrateError, match="no spec otel_v3 comes with chtui; known: otel_v2"):
        spec_file.shipped("otel_v3")


def test_the_shipped_spec_has_every_object_of_the_plan() -> None:
    spec = spec_file.shipped("otel_v2")
    assert {table.name for table in spec.tables} == {"traces", "metrics", "logs"}
    assert {aggregate.name for aggregate in spec.aggregates} == {
        "service_metrics_5min", "service_errors_hourly", "service_dependencies", "traces_daily_summary",
    }  # fmt: skip
    assert {"service_overview", "trace_search"} <= {view.name for view in spec.views}
    assert [policy.name for policy in spec.policies] == ["tiered_storage"]
    assert [volume.name for volume in spec.policies[0].volumes] == [
        "hot_volume",
        "cold_volume",
        "archive_volume",
    ]
    assert {disk for volume in spec.policies[0].volumes for disk in volume.disks} == set(spec.disks)
    assert {len(shard) for shard in spec.layout.shards} == {2}
    assert len(spec.layout.keepers) == 3
    moves = {rule for table in spec.tables for rule in table.moves}
    assert all(rule.split("'")[1] in ("cold_volume", "archive_volume") for rule in moves)
    assert {table.name: table.expires for table in spec.tables} == {
        "traces": "Date + INTERVAL 90 DAY",
        "metrics": "Date + INTERVAL 30 DAY",
        "logs": "Date + INTERVAL 14 DAY",
    }
    assert set(spec.hooks) == {"dual_write_on", "dual_write_off", "reads_v1", "reads_v2"}
    assert [benchmark.plan_before_seconds for benchmark in spec.benchmarks] == [45, 120, 60, 90]
    for deviation in spec.deviations:
        assert all((deviation.object, deviation.what, deviation.why)), deviation


def test_a_deviation_names_objects_of_the_spec() -> None:
    spec = spec_file.shipped("otel_v2")
    known = {spec.target.cluster, spec.target.policy, "every Replicated table"}
    known |= {view.name for view in spec.views}
    known |= {name for table in spec.tables for name in (table.name, table.local)}
    known |= {aggregate.name for aggregate in spec.aggregates}
    assert {name for deviation in spec.deviations for name in deviation.object.split(", ")} <= known


def test_databases_of_views_are_filled_in() -> None:
    spec = spec_file.shipped("otel_v2")
    (overview,) = (view for view in spec.views if view.name == "service_overview")
    assert "FROM `otel_v2`.service_metrics_5min\n" in spec.filled(overview.select)
    assert "FROM `otel`.logs\n" in spec.filled(spec.benchmarks[-1].v1)
    for text in (
        *(view.select for view in spec.views),
        *(b.v1 for b in spec.benchmarks),
        *(b.v2 for b in spec.benchmarks),
    ):
        assert "{" not in spec.filled(text)
