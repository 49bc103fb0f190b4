"""The embedded cluster itself: hosts, users, data, volumes, and nodes that hang, die and come back."""

from __future__ import annotations

import json
import os
import stat
import time
import tomllib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from chtui.demo import DemoCluster, DemoNode, DemoOptions
from chtui.errors import ConnectError, DeadlineError, DemoError, QueryError

ROWS = 4000


@pytest.fixture(scope="module")
def demo() -> Iterator[DemoCluster]:
    """A 2x2 cluster with few rows and no load."""
    with DemoCluster(DemoOptions(shards=2, replicas=2, rows=ROWS, load=False)) as cluster:
        yield cluster


def wait_until(seen: Callable[[], bool], seconds: float = 15.0) -> None:
    """Wait until `seen()` is true."""
    deadline = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < deadline, "not seen in time"
        time.sleep(0.1)


def test_every_host_answers_as_itself(demo: DemoCluster) -> None:
    import httpx

    for node in demo.nodes:
        assert httpx.get(f"http://127.0.0.1:{node.http_port}/ping", trust_env=False).text == "Ok.\n"
        local = demo.query(
            node,
            "SELECT shard_num, replica_num, port FROM system.clusters WHERE cluster = 'appsentry_cluster' AND is_local",
            "oncall",
        )
        assert local.split() == [str(node.shard_num), str(node.replica_num), str(node.port)]
    assert demo.query(0, "SELECT count() FROM system.clusters WHERE cluster = 'appsentry_cluster'") == "4\n"


def test_what_it_tells_about_itself(demo: DemoCluster) -> None:
    told = json.loads(demo.info.as_json())
    assert told["profile"] == "demo"
    assert told["cluster"] == "appsentry_cluster"
    assert len(told["hosts"]) == 4
    assert {host["pid"] for host in told["hosts"]} < set(told["pids"])
    assert told["temporary"] is True
    config = tomllib.loads(demo.info.config_file.read_text())
    profile = config["profile"]["demo"]
    assert Path(profile["password_file"]).read_text().strip() == demo.password("oncall")
    assert profile["http_addresses"] == {
        f"127.0.0.1:{n.port}": f"127.0.0.1:{n.http_port}" for n in demo.nodes
    }


def test_secrets_are_nowhere_but_in_private_files(demo: DemoCluster) -> None:
    secrets = [demo.password(user) for user in ("admin", "oncall", "internode")]
    for pid in demo.info.pids:
        process = Path(f"/proc/{pid}")
        for text in ((process / "cmdline").read_text(), (process / "environ").read_text()):
            assert not any(secret in text for secret in secrets)
    for path in demo.info.directory.rglob("*"):
        if path.is_file() and "data" not in path.parts and "disks" not in path.parts:
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
            if path.suffix == ".log":
                assert not any(secret in path.read_text() for secret in secrets), path
    assert stat.S_IMODE(demo.info.directory.stat().st_mode) == 0o700


def test_a_second_start_is_refused(demo: DemoCluster) -> None:
    with pytest.raises(DemoError, match="started already"):
        demo.start()


def refused(demo: DemoCluster, sql: str, user: str) -> int:
    """Return the code with which the server refuses a statement."""
    with pytest.raises(QueryError) as caught:
        demo.query(0, sql, user)
    return caught.value.code


def test_oncall_reads_system_tables_and_changes_nothing(demo: DemoCluster) -> None:
    assert int(demo.query(0, "SELECT count() FROM system.parts WHERE database = 'otel'", "oncall")) > 100
    assert demo.query(0, "SELECT count() FROM system.tables WHERE database = 'otel'", "oncall") == "3\n"
    hosts = "SELECT count() FROM clusterAllReplicas('appsentry_cluster', system.one)"
    assert demo.query(0, hosts, "oncall") == "4\n"
    for sql in (
        "INSERT INTO demo.events (EventId) VALUES (1)",
        "DROP TABLE otel.traces",
        "CREATE TABLE demo.x (a Int8) ENGINE = Memory",
        "ALTER TABLE otel.traces DROP PARTITION '2020-01-01'",
        "SYSTEM STOP MERGES otel.traces",
    ):
        assert refused(demo, sql, "oncall") in (164, 497), sql
    assert refused(demo, "SELECT count() FROM otel.traces", "oncall") == 497
    assert refused(demo, "SET max_threads = 1", "oncall") == 164


def test_default_may_do_next_to_nothing(demo: DemoCluster) -> None:
    assert demo.query(0, "SELECT 1", "default") == "1\n"
    for sql in (
        "SELECT count() FROM otel.traces",
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "SELECT * FROM file('/dev/stdin', 'LineAsString')",
        "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
        "INSERT INTO FUNCTION file('/tmp/written_by_default', 'TSV', 'a Int8') SELECT 1",
        "CREATE TABLE demo.x (a Int8) ENGINE = Memory",
        "CREATE USER other",
        "SELECT query FROM system.query_log",
    ):
        assert refused(demo, sql, "default") == 497, sql


def test_blind_sees_an_empty_healthy_server(demo: DemoCluster) -> None:
    for table, name in (("tables", "otel"), ("parts", "otel"), ("columns", "otel"), ("tables", "demo")):
        assert (
            demo.query(0, f"SELECT count() FROM system.{table} WHERE database = '{name}'", "blind") == "0\n"
        )
    assert (
        demo.query(0, "SELECT count() FROM system.clusters WHERE cluster = 'appsentry_cluster'", "blind")
        == "4\n"
    )


def test_a_wrong_password_is_refused(demo: DemoCluster) -> None:
    from chtui.demo.client import Client

    with pytest.raises(QueryError) as caught:
        Client("admin", "wrong").ask(demo.nodes[0].http_port, "SELECT 1")
    assert caught.value.code == 516


def test_data_look_like_telemetry(demo: DemoCluster) -> None:
    def one(sql: str) -> list[str]:
        return demo.query(0, sql).split()

    assert one("SELECT count() FROM otel.traces") == [str(ROWS)]
    assert one("SELECT count() FROM otel.logs") == [str(ROWS)]
    assert one("SELECT count() FROM otel.metrics") == [str(ROWS // 2)]
    assert one("SELECT uniqExact(ServiceName) FROM otel.traces") == ["15"]
    assert one("SELECT arrayStringConcat(arraySort(groupUniqArray(SpanKind)), ',') FROM otel.traces") == [
        "Client,Consumer,Internal,Producer,Server"
    ]
    assert one("SELECT arrayStringConcat(arraySort(groupUniqArray(StatusCode)), ',') FROM otel.traces") == [
        "Error,Ok,Unset"
    ]
    failed = float(one("SELECT countIf(StatusCode = 'Error') / count() FROM otel.traces")[0])
    assert 0.008 < failed < 0.03
    spans = "SELECT min(roots), max(roots), max(spans) FROM (SELECT countIf(ParentSpanId = '') AS roots, count() AS spans FROM otel.traces GROUP BY TraceId)"
    assert one(spans) == ["1", "1", "12"]
    orphans = "SELECT count() FROM otel.traces WHERE ParentSpanId != '' AND (TraceId, ParentSpanId) NOT IN (SELECT TraceId, SpanId FROM otel.traces)"
    assert one(orphans) == ["0"]
    assert one(
        "SELECT count() FROM otel.traces WHERE NOT match(TraceId, '^[0-9a-f]{32}$') OR NOT match(SpanId, '^[0-9a-f]{16}$')"
    ) == ["0"]
    assert one("SELECT uniqExact(TraceId, SpanId) FROM otel.traces") == [str(ROWS)]
    assert one("SELECT uniqExact(toDate(Timestamp)) FROM otel.traces") == ["90"]
    busy = "SELECT countIf(toHour(Timestamp) IN (11, 12)) > 2 * countIf(toHour(Timestamp) IN (0, 23)) FROM otel.traces"
    assert one(busy) == ["1"]
    assert one(
        "SELECT countIf(TraceId != '' AND TraceId NOT IN (SELECT TraceId FROM otel.traces)) FROM otel.logs"
    ) == ["0"]
    for node in demo.nodes[1:]:
        assert demo.query(node, "SELECT count() FROM system.tables WHERE database = 'otel'") == "0\n"


def test_replicas_of_a_shard_hold_the_same_and_shards_do_not(demo: DemoCluster) -> None:
    held = [
        demo.query(node, "SELECT count(), sum(cityHash64(*)) FROM demo.events").split() for node in demo.nodes
    ]
    assert held[0] == held[1] != held[2] == held[3]
    assert demo.query(3, "SELECT count() FROM demo.events_all").strip() == str(
        int(held[0][0]) + int(held[2][0])
    )


def on_all_disks(demo: DemoCluster, node: DemoNode) -> bool:
    """Tell whether the sharded table's parts lie on all three disks of a node."""
    disks = "SELECT arrayStringConcat(arraySort(groupUniqArray(disk_name)), ',') FROM system.parts WHERE active AND database = 'demo'"
    return demo.query(node, disks, "oncall").strip() == "disk_nvme,disk_s3,disk_ssd"


def test_parts_really_move_between_volumes(demo: DemoCluster) -> None:
    for node in demo.nodes:
        wait_until(partial(on_all_disks, demo, node))
        demo.query(node, "SYSTEM FLUSH LOGS")
        moved = "SELECT count() FROM system.part_log WHERE event_type = 'MovePart' AND error = 0 AND table = 'events'"
        assert int(demo.query(node, moved, "oncall")) >= 2
    volumes = "SELECT arrayStringConcat(groupArray(volume_name), ',') FROM (SELECT * FROM system.storage_policies WHERE policy_name = 'tiered_storage' ORDER BY volume_priority)"
    assert demo.query(0, volumes, "oncall") == "hot_volume,cold_volume,archive_volume\n"


def test_the_logs_are_there_and_bounded(demo: DemoCluster) -> None:
    for node in demo.nodes:
        create = "SELECT arrayStringConcat(groupArray(create_table_query), ' ') FROM system.tables WHERE database = 'system' AND name IN ('query_log', 'part_log')"
        assert demo.query(node, create, "oncall").count("TTL event_date") == 2


def test_a_distributed_insert_reaches_both_replicas(demo: DemoCluster) -> None:
    before = [int(demo.query(node, "SELECT count() FROM demo.events")) for node in demo.nodes]
    insert = "INSERT INTO demo.events_all (EventTime, EventId, Kind) SETTINGS distributed_foreground_insert = 1 VALUES (now(), 2, 'x'), (now(), 3, 'x')"
    demo.query(0, insert)
    after = [int(demo.query(node, "SELECT count() FROM demo.events")) for node in demo.nodes]
    assert [new - old for old, new in zip(before, after, strict=True)] == [1, 1, 1, 1]


def test_a_hung_node_goes_on(demo: DemoCluster) -> None:
    node = demo.nodes[1]
    node.suspend()
    with pytest.raises(DeadlineError):
        demo.query(node, "SELECT 1", seconds=0.5)
    assert demo.query(0, "SELECT 1") == "1\n"
    assert node.alive
    node.resume()
    assert demo.query(node, "SELECT 1") == "1\n"


def test_a_killed_node_comes_back_with_its_rows(demo: DemoCluster) -> None:
    node = demo.nodes[3]
    rows, pid, port = demo.query(node, "SELECT count() FROM demo.events"), node.pid, node.port
    node.kill()
    assert not node.alive
    with pytest.raises(ConnectError):
        demo.query(node, "SELECT 1")
    assert demo.deaths() == [
        f"node s2r2 (127.0.0.1:{node.http_port}): killed by SIGKILL; see {node.directory}/error.log"
    ]
    node.restart()
    assert demo.deaths() == []
    assert (demo.query(node, "SELECT count() FROM demo.events"), node.port) == (rows, port)
    assert node.pid != pid
    assert os.path.exists(f"/proc/{node.pid}")


def test_a_running_node_restarts(demo: DemoCluster) -> None:
    node = demo.nodes[2]
    pid = node.pid
    node.restart()
    assert node.pid != pid
    assert int(demo.query(node, "SELECT uptime()")) < 20
