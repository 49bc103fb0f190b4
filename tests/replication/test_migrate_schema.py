"""A spec's schema with Replicated engines and ON CLUSTER on 18.16: made, compared, written to, sealed, with hosts away."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from chtui.errors import MigrateError
from chtui.migrate import ddl, hosts, init, schema, spec_file
from chtui.migrate.live.adopt import Kept, read
from chtui.migrate.schema import State
from chtui.migrate.spec import Spec
from chtui.migrate.traits import Traits, traits_of
from chtui.records import HostId
from tests.replication.conftest import effective_of
from tests.rigs.fixtures import ReplicatedCluster
from tests.rigs.server_config import CLUSTER
from tests.rigs.servers import QueryError, ServerNode
from tests.support import replace, wait_until

SPEC = Path(__file__).parent / "specs" / "events_v2.toml"
WATERMARK = 1_700_006_400
"""2023-11-15 00:00 UTC, in seconds."""


@dataclass
class Rig:
    """The cluster, and the spec in a database of its own on it; nothing is made yet."""

    cluster: ReplicatedCluster
    spec: Spec
    hosts: hosts.Hosts

    def wanted(self, *sealed: str) -> list[ddl.SchemaObject]:
        traits = traits_of(self.hosts.targets)
        assert traits == Traits(passes_on=False, has_definers=False)
        return ddl.objects(self.spec, {"spans": WATERMARK * 10**9}, sealed, traits=traits)

    def query(self, index: int, text: str) -> str:
        text = text.replace("v2.", f"{self.spec.target.database}.")
        return self.cluster.servers.query(self.cluster.servers.nodes[index], text, user="admin").rstrip("\n")

    def missing(self, index: int, wanted: list[ddl.SchemaObject]) -> list[str]:
        states = schema.compare(self.hosts.targets[index], wanted)
        return [state.wanted.name for state in states if state.state is not State.EQUAL]

    def states(self, index: int, *sealed: str) -> dict[str, tuple[State, str]]:
        """What is not as wanted on a host."""
        return {
            state.wanted.name: (state.state, "; ".join(state.differences))
            for state in schema.compare(self.hosts.targets[index], self.wanted(*sealed))
            if state.state is not State.EQUAL
        }


@pytest.fixture
def rig(replicated_cluster: ReplicatedCluster) -> Iterator[Rig]:
    spec = spec_file.read(SPEC)
    source = HostId("127.0.0.1", replicated_cluster.servers.nodes[0].tcp_port)
    target = replace(spec.target, database=f"v2_{secrets.token_hex(4)}")
    spec = replace(spec, source=replace(spec.source, host=source), target=target)
    found = hosts.connect(effective_of(replicated_cluster, "admin").profile, CLUSTER, source)
    try:
        yield Rig(replicated_cluster, spec, found)
    finally:
        found.close()
        replicated_cluster.heal()
        for node in replicated_cluster.servers.nodes:
            dropped(replicated_cluster, node, target.database)


def dropped(cluster: ReplicatedCluster, node: ServerNode, database: str) -> None:
    """18.16 keeps the folder of a Distributed table that was renamed, and then cannot drop the database at once."""
    drop = f"DROP DATABASE IF EXISTS {database}"
    with suppress(QueryError):
        cluster.servers.query(node, drop, user="admin")
    shutil.rmtree(node.process.directory / "data" / "data" / database, ignore_errors=True)
    cluster.servers.query(node, drop, user="admin")


def test_everything_is_made_on_every_host_once(rig: Rig) -> None:
    asked: list[tuple[HostId, str]] = []
    schema.ensure(rig.hosts.targets, rig.wanted(), lambda host, item: asked.append((host, item.name)))
    assert [name for _, name in asked] == [item.name for item in rig.wanted()]
    assert {host for host, _ in asked} == {rig.hosts.targets[0].id}
    for index in range(4):
        assert rig.states(index) == {}
    schema.ensure(rig.hosts.targets, rig.wanted(), lambda host, item: asked.append((host, item.name)))
    assert len(asked) == len(rig.wanted())
    paths = {rig.query(index, f"SELECT zookeeper_path FROM system.replicas WHERE database = '{rig.spec.target.database}' AND table = 'spans_local'") for index in range(4)}  # fmt: skip
    assert paths == {
        f"/clickhouse/tables/{shard}/{rig.spec.target.database}/spans_local" for shard in ("01", "02")
    }


def test_a_run_without_its_journal_reads_the_watermark_and_the_seal(rig: Rig) -> None:
    before = read(rig.hosts.targets[0], rig.spec, rig.spec.tables)
    assert before == Kept({}, set())
    schema.ensure(rig.hosts.targets, rig.wanted())
    for host in rig.hosts.targets:
        assert read(host, rig.spec, rig.spec.tables) == Kept({"spans": WATERMARK * 10**9}, set())
    sealed = ddl.distributed(rig.spec, rig.spec.tables[0], sealed=True)
    for index, host in enumerate(rig.hosts.targets):
        rig.query(index, "DROP TABLE v2.spans")
        host.run(sealed.alone().statement, sealed.alone().params)
        assert read(host, rig.spec, rig.spec.tables).sealed == {"spans"}


def test_rows_are_replicated_and_aggregated_from_the_watermark_on(rig: Rig) -> None:
    schema.ensure(rig.hosts.targets, rig.wanted())
    rig.query(
        1,
        "INSERT INTO v2.spans (Time, TraceId, Service, Kind, Duration) "
        f"SELECT toDateTime({WATERMARK} - 500 + number), toString(number), 'shop', 'SERVER', number * 1000000 FROM numbers(1000)",
    )

    def counts(text: str) -> list[int]:
        return [int(rig.query(index, text)) for index in range(4)]

    def arrived() -> bool:
        found = counts("SELECT count() FROM v2.spans_local")
        return found[0] == found[1] and found[2] == found[3] and found[0] + found[2] == 500

    wait_until(arrived, 30, "the rows from the watermark on")
    for index in range(4):
        wrong = f"countIf(cityHash64(TraceId) % 2 != {index // 2}), countIf(Time < toDateTime({WATERMARK}))"
        assert rig.query(index, f"SELECT {wrong} FROM v2.spans_local") == "0\t0"
    wait_until(
        lambda: (
            counts("SELECT countMerge(Calls) FROM v2.hourly_local")
            == counts("SELECT count() FROM v2.spans_local")
        ),
        30,
        "the aggregate's states",
    )
    assert (
        rig.query(3, "SELECT countMerge(Calls), maxMerge(Longest), sumMerge(Slow) FROM v2.hourly")
        == "500\t999000000\t500"
    )
    assert rig.query(2, "SELECT count() FROM v2.recent") == "0"


def test_a_change_behind_its_back_is_told(rig: Rig) -> None:
    schema.ensure(rig.hosts.targets, rig.wanted())
    columns = (
        "Time DateTime, Date Date DEFAULT toDate(Time), TraceId String, Service LowCardinality(String), "
        "Kind Enum8('UNSPECIFIED' = 0, 'CLIENT' = 1), Duration UInt64, Milliseconds UInt64 ALIAS intDiv(Duration, 1000)"
    )
    select = "SELECT Time, Date, TraceId, Service, Kind, Duration FROM v2.spans_ingest"
    for change in (
        "DROP TABLE v2.spans_ingest",
        f"CREATE TABLE v2.spans_ingest ({columns}) ENGINE = Null",
        "DROP TABLE v2.spans_live",
        f"CREATE MATERIALIZED VIEW v2.spans_live TO v2.spans_local AS {select} WHERE Time > toDateTime({WATERMARK})",
        "DROP TABLE v2.recent",
        "CREATE TABLE v2.recent (x UInt8) ENGINE = Log",
    ):
        rig.query(2, change)
    states = rig.states(2)
    assert set(states) == {"spans_ingest", "spans_live", "recent"}
    assert states["recent"] == (State.FOREIGN, "engine: Log, wanted View")
    assert states["spans_live"][0] is State.DIFFERENT
    assert f"Time > toDateTime {WATERMARK}, wanted" in states["spans_live"][1]
    assert "column Kind: Enum8('UNSPECIFIED' = 0, 'CLIENT' = 1), wanted" in states["spans_ingest"][1]
    assert "column Milliseconds: UInt64 ALIAS intDiv Duration , 1000, wanted" in states["spans_ingest"][1]
    with pytest.raises(MigrateError) as error:
        schema.ensure(rig.hosts.targets, rig.wanted())
    assert error.value.exit_code == 1


def test_a_replicated_table_of_another_key_is_told(rig: Rig) -> None:
    where = rig.spec.target.database
    rig.cluster.servers.sql_on_cluster(f"CREATE DATABASE {where} ON CLUSTER {CLUSTER}")
    columns = "Time DateTime, Date Date DEFAULT toDate(Time), TraceId String, Service LowCardinality(String), Kind Enum8('UNSPECIFIED' = 0, 'CLIENT' = 1, 'SERVER' = 2), Duration UInt64, Milliseconds UInt64 ALIAS intDiv(Duration, 1000000)"  # fmt: skip
    rig.query(
        0,
        f"CREATE TABLE v2.spans_local ({columns}) ENGINE = MergeTree PARTITION BY toYYYYMM(Date) ORDER BY (Service, TraceId)",
    )
    state, lines = rig.states(0)["spans_local"]
    assert state is State.DIFFERENT
    assert lines == (
        f"engine: MergeTree, wanted ReplicatedMergeTree '/clickhouse/tables/{{shard}}/{where}/spans_local' , '{{replica}}'; "
        "order by: Service , TraceId, wanted Service , toStartOfHour Time , TraceId; "
        "setting index_granularity: 8192, wanted 4096"
    )
    rig.query(0, "DROP TABLE v2.spans_local")


def test_what_hosts_hold_decides_and_not_how_the_statement_ended(rig: Rig) -> None:
    first = [item for item in rig.wanted() if item.name in ("", "spans_local", "hourly_local")]
    schema.ensure(rig.hosts.targets, first[:1])
    away = rig.cluster.servers.nodes[3]
    rig.cluster.servers.suspend(away)
    # The statement waits for all four hosts, and ends in a time-out: the three that were asked hold what it makes.
    schema.ensure(rig.hosts.targets[:3], first, seconds=2)
    rig.cluster.servers.resume(away)
    wait_until(lambda: rig.missing(3, first) == [], 90, "the host that was away to catch up")
    asked: list[str] = []
    schema.ensure(rig.hosts.targets, first, lambda _, item: asked.append(item.name))
    assert asked == []


def test_a_host_that_cannot_be_asked_stops_it(rig: Rig) -> None:
    rig.hosts.targets[0].rows("schema_databases", {"database": "x"})
    rig.cluster.servers.kill(rig.cluster.servers.nodes[3])
    with pytest.raises(MigrateError, match="its schema cannot be read") as error:
        schema.ensure(rig.hosts.targets, rig.wanted())
    assert error.value.exit_code == 3
    assert error.value.where == str(rig.hosts.targets[3].id)
    assert (
        rig.query(0, f"SELECT count() FROM system.databases WHERE name = '{rig.spec.target.database}'") == "0"
    )


def test_a_sealed_table_leads_to_its_rows(rig: Rig) -> None:
    schema.ensure(rig.hosts.targets, rig.wanted())
    assert set(rig.states(0, "spans")) == {"spans"}
    for item in ddl.seal(rig.spec, rig.spec.tables[0]):
        rig.cluster.servers.sql_on_cluster(item.text)
    for index in range(4):
        assert rig.states(index, "spans") == {}
    rig.query(
        0, "INSERT INTO v2.spans (Time, TraceId) SELECT toDateTime(86400), toString(number) FROM numbers(100)"
    )
    wait_until(
        lambda: rig.query(3, "SELECT count() FROM v2.spans") == "100", 30, "rows of before the watermark"
    )


def test_a_spec_is_written_from_what_v1_has(rig: Rig, tmp_path: Path) -> None:
    schema.ensure(rig.hosts.targets, rig.wanted())
    source = replace(rig.spec.source, database=rig.spec.target.database)
    text = init.run(rig.hosts.source, "copy", source, replace(rig.spec.target, database="copy"))
    file = tmp_path / "copy.toml"
    file.write_text(text)
    (table,) = spec_file.read(file).tables
    wanted = rig.spec.tables[0]
    assert table.name == "spans_local"
    assert (table.columns, table.order_by, table.partition_by) == (
        wanted.columns,
        wanted.order_by,
        wanted.partition_by,
    )
    assert "# hourly_local (ReplicatedAggregatingMergeTree) has no place in v2" in text
