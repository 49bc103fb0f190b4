"""The replicated rig and the ways to break it, each seen working on the real engines."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import clickhouse_connect
import pytest

from tests.rigs.fixtures import ReplicatedCluster, exclusive, replicated_rig, stop_running_rig
from tests.rigs.forwarder import TcpForwarder
from tests.rigs.http_probe import ping
from tests.rigs.impostors import PAGE, PlainHttpServer
from tests.rigs.processes import LOOPBACK, wait_until
from tests.rigs.server_config import CLUSTER, SOURCE_CLUSTERS
from tests.rigs.servers import QueryError, ServerNode
from tests.rigs.tls import Certificate, TlsProxy

ROOT = Path(__file__).parents[2]
WAIT = 40.0


@pytest.fixture
def table(replicated_cluster: ReplicatedCluster, request: pytest.FixtureRequest) -> Iterator[str]:
    servers = replicated_cluster.servers
    name = f"rig.{request.node.name.removeprefix('test_')}"
    servers.sql_on_cluster(f"CREATE DATABASE IF NOT EXISTS rig ON CLUSTER {CLUSTER}")
    servers.sql_on_cluster(
        f"CREATE TABLE {name} ON CLUSTER {CLUSTER} (day Date, key UInt64, word LowCardinality(String)) "
        f"ENGINE = ReplicatedMergeTree('/clickhouse/tables/{{shard}}/{name}', '{{replica}}') "
        "PARTITION BY toYYYYMM(day) ORDER BY key"
    )
    yield name
    replicated_cluster.heal()
    servers.sql_on_cluster(f"DROP TABLE {name} ON CLUSTER {CLUSTER}")


def count(cluster: ReplicatedCluster, node: ServerNode, table: str) -> int:
    return int(cluster.servers.query(node, f"SELECT count() FROM {table}"))


def readonly_is(expected: bool, cluster: ReplicatedCluster, node: ServerNode, table: str) -> bool:
    sql = f"SELECT is_readonly FROM system.replicas WHERE concat(database, '.', table) = '{table}'"
    return cluster.servers.query(node, sql) == f"{int(expected)}\n"


def test_the_first_server_is_read_by_all_others_as_the_source(
    replicated_cluster: ReplicatedCluster, table: str
) -> None:
    servers = replicated_cluster.servers
    source = SOURCE_CLUSTERS[servers.flavour]
    servers.query(servers.nodes[0], f"INSERT INTO {table} VALUES ('2026-01-01', 1, 'a')")
    for node in servers.nodes:
        hosts = f"SELECT shard_num, replica_num, port FROM system.clusters WHERE cluster = '{source}'"
        assert servers.query(node, hosts).split() == ["1", "1", str(servers.nodes[0].tcp_port)]
        database, _, name = table.partition(".")
        assert servers.query(node, f"SELECT count() FROM cluster('{source}', {database}, {name})") == "1\n"


def test_insert_on_one_replica_arrives_on_the_other(
    replicated_cluster: ReplicatedCluster, table: str
) -> None:
    first, second, *other_shard = replicated_cluster.servers.nodes
    replicated_cluster.servers.query(first, f"INSERT INTO {table} VALUES ('2026-01-01', 1, 'one')")
    wait_until(lambda: count(replicated_cluster, second, table) == 1, WAIT, "the row on the other replica")
    assert [count(replicated_cluster, node, table) for node in other_shard] == [0, 0]


def test_users_may_do_what_they_are_meant_to(replicated_cluster: ReplicatedCluster, table: str) -> None:
    node, servers = replicated_cluster.servers.nodes[0], replicated_cluster.servers
    servers.query(node, f"INSERT INTO {table} VALUES ('2026-01-01', 1, 'one')", user="admin")
    assert servers.query(node, f"SELECT count() FROM {table}", user="oncall") == "1\n"
    with pytest.raises(QueryError, match="readonly") as refused:
        servers.query(node, f"INSERT INTO {table} VALUES ('2026-01-01', 2, 'two')", user="oncall")
    assert refused.value.code == 164


def test_clickhouse_connect_works_through_the_forwarders(
    replicated_cluster: ReplicatedCluster, table: str
) -> None:
    passwords = replicated_cluster.servers.passwords
    for node in replicated_cluster.servers.nodes:
        for user in ("default", "admin", "oncall"):
            client = clickhouse_connect.get_client(
                host=node.host,
                port=replicated_cluster.http_port(node),
                username=user,
                password=passwords[user],
                autogenerate_session_id=False,
            )
            rows = client.query("SELECT concat(database, '.', table), is_readonly FROM system.replicas")
            assert list(rows.result_rows) == [(table, 0)]
            ports = client.query(
                "SELECT port, host_address, is_local FROM system.clusters WHERE cluster = %(c)s",
                parameters={"c": CLUSTER},
            )
            assert node.tcp_port in [row[0] for row in ports.result_rows]
            client.close()
    node = replicated_cluster.servers.nodes[0]
    client = clickhouse_connect.get_client(
        host=node.host,
        port=replicated_cluster.http_port(node),
        compress=False,  # 18.16 cannot read an insert in LZ4
    )
    client.insert(
        table,
        [[18262, number, "word"] for number in range(100_000)],
        ["day", "key", "word"],
        column_type_names=["Date", "UInt64", "LowCardinality(String)"],
    )
    assert client.query(f"SELECT count(), uniq(key) > 99000, any(word) FROM {table}").result_rows == [
        (100_000, 1, "word")
    ]
    client.close()


def test_query_log_and_part_log_fill(replicated_cluster: ReplicatedCluster, table: str) -> None:
    node, servers = replicated_cluster.servers.nodes[0], replicated_cluster.servers
    servers.query(node, f"INSERT INTO {table} VALUES ('2026-01-01', 1, 'logged')")
    new_part = (
        "SELECT count() FROM system.part_log "
        # NEW_PART on 18.16, NewPart on modern servers
        f"WHERE toInt8(event_type) = 1 AND concat(database, '.', table) = '{table}'"
    )
    logged = "SELECT count() FROM system.query_log WHERE type = 2 AND query LIKE 'INSERT INTO rig.%'"
    for sql in (new_part, logged):

        def found(sql: str = sql) -> bool:
            tables = servers.query(node, "SELECT name FROM system.tables WHERE database = 'system'").split()
            return {"query_log", "part_log"} <= set(tables) and int(servers.query(node, sql)) >= 1

        wait_until(found, WAIT, sql)


def test_tables_are_readonly_while_the_quorum_is_lost(
    replicated_cluster: ReplicatedCluster, table: str
) -> None:
    zookeeper, nodes = replicated_cluster.zookeeper, replicated_cluster.servers.nodes
    hung = zookeeper.lose_quorum()
    assert len(hung) == 2
    assert [zookeeper.role(keeper) for keeper in zookeeper.nodes] == [None, None, None]
    for node in nodes:
        wait_until(
            partial(readonly_is, True, replicated_cluster, node, table), WAIT, "a table to be read-only"
        )
    for keeper in hung:
        zookeeper.resume(keeper)
    zookeeper.wait_for_quorum()
    for node in nodes:
        wait_until(partial(readonly_is, False, replicated_cluster, node, table), WAIT, "writing again")
    replicated_cluster.servers.query(nodes[0], f"INSERT INTO {table} VALUES ('2026-01-01', 1, 'back')")


def test_another_node_leads_when_the_leader_is_killed(replicated_cluster: ReplicatedCluster) -> None:
    zookeeper = replicated_cluster.zookeeper
    old = zookeeper.leader()
    assert len(zookeeper.followers()) == 2
    zookeeper.kill(old)
    zookeeper.wait_for_quorum(serving=2)
    assert zookeeper.leader() is not old
    assert zookeeper.role(old) is None
    zookeeper.restart(old)
    zookeeper.wait_for_quorum(serving=3)
    assert zookeeper.role(old) == "follower"


def test_stopped_fetches_leave_an_entry_in_the_queue(
    replicated_cluster: ReplicatedCluster, table: str
) -> None:
    servers = replicated_cluster.servers
    first, second = servers.nodes[:2]
    queue = (
        "SELECT type, num_tries > 1, last_exception != '' FROM system.replication_queue "
        f"WHERE concat(database, '.', table) = '{table}'"
    )
    servers.query(second, "SYSTEM STOP FETCHES")
    try:
        servers.query(first, f"INSERT INTO {table} VALUES ('2026-01-01', 1, 'held')")
        wait_until(
            lambda: servers.query(second, queue) == "GET_PART\t1\t1\n", WAIT, "a failing GET_PART entry"
        )
        assert count(replicated_cluster, second, table) == 0
    finally:
        servers.query(second, "SYSTEM START FETCHES")
    wait_until(lambda: count(replicated_cluster, second, table) == 1, WAIT, "the part after START FETCHES")


def test_a_server_is_hung_killed_and_started_again(replicated_cluster: ReplicatedCluster, table: str) -> None:
    servers = replicated_cluster.servers
    first, second = servers.nodes[:2]
    servers.query(first, f"INSERT INTO {table} VALUES ('2026-01-01', 1, 'kept')")
    servers.suspend(second)
    assert second.process.is_alive
    assert not servers.answers(second)
    with pytest.raises(TimeoutError):
        ping(replicated_cluster.http_port(second), timeout=0.5)
    servers.resume(second)
    servers.kill(second)
    assert second.process.returncode == -signal.SIGKILL
    assert not servers.answers(second)
    with pytest.raises(ConnectionError):
        ping(replicated_cluster.http_port(second))
    servers.restart(second)
    wait_until(lambda: count(replicated_cluster, second, table) == 1, WAIT, "the row after the restart")
    assert ping(replicated_cluster.http_port(second)) == "Ok.\n"


def test_a_rig_is_stopped_for_another_and_started_again(
    replicated_cluster: ReplicatedCluster, tmp_path: Path
) -> None:
    processes = [node.process for node in replicated_cluster.servers.nodes]

    @contextmanager
    def other() -> Iterator[str]:
        yield "other"

    assert exclusive("replicated", lambda: replicated_rig(tmp_path)) is replicated_cluster
    assert exclusive("other", other) == "other"
    assert not any(process.is_alive for process in processes)
    small = exclusive("replicated", lambda: replicated_rig(tmp_path, shards=1, replicas=1))
    assert small.servers.answers(small.servers.node(1, 1))
    stop_running_rig()
    assert not small.servers.node(1, 1).process.is_alive


def test_tls_proxy_is_trusted_by_who_trusts_its_ca(
    plain_http_server: PlainHttpServer, tmp_path: Path
) -> None:
    with TlsProxy(plain_http_server.port, tmp_path) as proxy:
        trusting = ssl.create_default_context(cafile=str(proxy.ca_file))
        assert ping(proxy.port, trusting) == PAGE.decode()
        with pytest.raises(ssl.SSLCertVerificationError, match="issuer"):
            ping(proxy.port, ssl.create_default_context())
        old = ssl.create_default_context(cafile=str(proxy.ca_file))
        with pytest.warns(DeprecationWarning, match="TLSv1 is deprecated"):
            old.minimum_version = ssl.TLSVersion.TLSv1
        with pytest.warns(DeprecationWarning, match="TLSv1_1 is deprecated"):
            old.maximum_version = ssl.TLSVersion.TLSv1_1
        old.set_ciphers("DEFAULT@SECLEVEL=0")
        with pytest.raises(ssl.SSLError):
            ping(proxy.port, old)


@pytest.mark.parametrize(
    ("certificate", "complaint"),
    [
        (Certificate.EXPIRED, "expired"),
        (Certificate.OTHER_CA, "unable to get local issuer"),
        (Certificate.SELF_SIGNED, "self-signed"),
        (Certificate.WRONG_HOST, "not valid for '127.0.0.1'"),
    ],
)
def test_tls_proxy_with_a_bad_certificate_is_refused(
    plain_http_server: PlainHttpServer, tmp_path: Path, certificate: Certificate, complaint: str
) -> None:
    with TlsProxy(plain_http_server.port, tmp_path, certificate) as proxy:
        trusting = ssl.create_default_context(cafile=str(proxy.ca_file))
        with pytest.raises(ssl.SSLCertVerificationError, match=complaint):
            ping(proxy.port, trusting)


def test_forwarder_is_cut_stalled_and_restored(plain_http_server: PlainHttpServer) -> None:
    with TcpForwarder(plain_http_server.host, plain_http_server.port) as forwarder:
        assert ping(forwarder.port) == PAGE.decode()
        wait_until(lambda: forwarder.open_connections == 0, 5, "the closed connection to be forgotten")
        assert forwarder.connections == 1
        assert forwarder.bytes_to_target > len(b"SELECT 1")
        assert forwarder.bytes_to_client > len(PAGE)

        kept = http.client.HTTPConnection(LOOPBACK, forwarder.port, timeout=0.3)
        kept.request("GET", "/")
        assert kept.getresponse().read() == PAGE
        sent = forwarder.bytes_to_target
        forwarder.stall()
        kept.request("GET", "/")
        with pytest.raises(TimeoutError):
            kept.getresponse()
        with pytest.raises(TimeoutError):
            ping(forwarder.port, timeout=0.3)
        assert forwarder.bytes_to_target == sent
        kept.close()

        waiting = socket.create_connection((LOOPBACK, forwarder.port), timeout=5)
        waiting.sendall(b"GET / HTTP/1.1\r\n\r\n")
        forwarder.restore()
        assert waiting.recv(15) == b"HTTP/1.1 200 OK"
        forwarder.cut()
        with pytest.raises(ConnectionResetError):
            deque(iter(lambda: waiting.recv(4096), b""), maxlen=0)
        waiting.close()
        with pytest.raises(ConnectionRefusedError):
            ping(forwarder.port)
        forwarder.restore()
        assert ping(forwarder.port) == PAGE.decode()


def test_nothing_runs_on_after_the_runner_is_killed(tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path
from tests.rigs.servers import ServerCluster, server_binary
from tests.rigs.zookeeper import ZooKeeperQuorum
directory = Path(sys.argv[1])
zookeeper = ZooKeeperQuorum(directory, size=1)
zookeeper.start()
servers = ServerCluster(directory, server_binary(), zookeeper.hosts, shards=1, replicas=2)
servers.start()
servers.suspend(servers.nodes[1])
print(*[part.process.pid for part in [*zookeeper.nodes, *servers.nodes]], flush=True)
input()
"""
    runner = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert runner.stdout is not None
    pids = [int(pid) for pid in runner.stdout.readline().split()]
    assert [runs(pid) for pid in pids] == [True, True, True]
    os.kill(runner.pid, signal.SIGKILL)
    runner.communicate()
    wait_until(lambda: not any(runs(pid) for pid in pids), 5, "the engines to end with their runner")


def runs(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    try:
        return status.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
