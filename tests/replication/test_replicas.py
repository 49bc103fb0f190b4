"""The replicas pane and `check` on real replication: ZooKeeper lost, a server killed, fetches stopped."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from secrets import token_hex

import pytest

from chtui.health.findings import Severity
from chtui.health.rules import WANTS, assess
from chtui.monitor.snapshot import Snapshot
from chtui.profile.model import Thresholds
from chtui.records import HostId, HostState
from chtui.session import Session, Watch
from chtui.views import pages, replicas
from chtui.views.panes import page
from tests.engine.commands import Command, command
from tests.engine.fleets import collected
from tests.replication.conftest import effective_of
from tests.rigs.fixtures import ReplicatedCluster
from tests.rigs.server_config import CLUSTER
from tests.support import fast, replace, started, wait_until

ALL_WANTS = frozenset((*WANTS, *replicas.WANTS))
WAIT = 60.0
KEEPER_COLUMNS = "log_max_index"
"""Stands in no query but the one that costs Keeper requests."""


@pytest.fixture
def session(
    replicated_cluster: ReplicatedCluster, replicated_table: str, sessions: list[Session]
) -> Iterator[Session]:
    """A session that asks everything every second; all four hosts are up, the table is whole."""
    found = fast(effective_of(replicated_cluster), tables=1.0, parts=1.0, disks=1.0)
    thresholds = replace(Thresholds(), replica_lag_warning_seconds=2.0, replica_lag_critical_seconds=4.0)
    made = started(replace(found, thresholds=thresholds), sessions)
    made.watch("test", Watch(lambda _: None, lambda _: None), ALL_WANTS)
    wait_until(
        lambda: [fact.replicated_tables for fact in facts(made)] == [1] * 4, WAIT, "the table everywhere"
    )
    wait_until(lambda: assess(made.snapshot).exit_code == 0, WAIT, "a clean bill")
    yield made
    made.stop()


def facts(session: Session) -> tuple[replicas.ReplicaFact, ...]:
    return replicas.facts(session.snapshot)


def host_ids(cluster: ReplicatedCluster) -> list[HostId]:
    return [HostId(node.host, node.tcp_port) for node in cluster.servers.nodes]


def keeper_rows(snapshot: Snapshot) -> list[int]:
    """How many tables each host was asked about in Keeper."""
    return [len(snapshot.rows(host.id, "replica_keeper_state")) for host in snapshot.hosts]


def keeper_queries(cluster: ReplicatedCluster, index: int) -> int:
    """How many queries that cost Keeper requests one server has logged, of all users."""
    node, query = cluster.servers.nodes[index], cluster.servers.query
    # Logged like any other, so the log is flushed as far as this one's predecessors when it has come.
    marker = f"SELECT 0x{token_hex(7)}"
    query(node, marker)
    logged = "SELECT count() FROM system.query_log WHERE type = 2 AND "
    wait_until(lambda: query(node, f"{logged} query = '{marker}'") == "1\n", WAIT, "the query log")
    return int(query(node, f"{logged} query LIKE '%{KEEPER_COLUMNS}%' AND query NOT LIKE '%query_log%'"))


@pytest.mark.parametrize(("user", "level"), [("default", 0), ("admin", 0), ("oncall", 1)])
def test_facts_of_a_healthy_cluster(
    replicated_cluster: ReplicatedCluster, replicated_table: str, user: str, level: int
) -> None:
    servers = replicated_cluster.servers
    servers.query(servers.nodes[0], f"INSERT INTO {replicated_table} VALUES ('2026-01-01', 1)")
    wait_until(
        lambda: servers.query(servers.nodes[1], f"SELECT count() FROM {replicated_table}") == "1\n", WAIT
    )
    before = [keeper_queries(replicated_cluster, index) for index in range(4)]
    snapshot = collected(effective_of(replicated_cluster, user), ALL_WANTS)
    assert [host.id for host in snapshot.hosts] == host_ids(replicated_cluster)
    assert [(host.shard_num, host.replica_num) for host in snapshot.hosts] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert {(host.sees_all_tables, host.readonly_level) for host in snapshot.hosts} == {(True, level)}
    for fact in replicas.facts(snapshot):
        assert fact.state == "up", fact.error
        assert fact.version == "18.16.1"
        assert (fact.replicated_tables, fact.readonly_tables, fact.readonly_reason) == (1, 0, None)
        assert (fact.session_expired_tables, fact.never_synced_tables, fact.queue_entries) == (0, 0, 0)
        assert fact.max_delay_seconds == 0
        assert (fact.active_replicas, fact.total_replicas) == (2, 2)
        assert fact.uptime_seconds is not None
        assert fact.active_parts is not None
        assert fact.active_parts >= 0
    assert keeper_rows(snapshot) == [0] * 4
    assert [keeper_queries(replicated_cluster, index) for index in range(4)] == before


def test_what_its_version_cannot_tell_is_none_with_a_reason(
    replicated_cluster: ReplicatedCluster, replicated_table: str
) -> None:
    snapshot = collected(effective_of(replicated_cluster), ALL_WANTS)
    for fact in replicas.facts(snapshot):
        assert (fact.fullest_disk, fact.disk_used_ratio, fact.disk_free_bytes) == (None, None, None)
    reason = "this server is older than 19.15, which brought system.disks"
    names = ("fullest_disk", "disk_used_ratio", "disk_free_bytes")
    missing = pages.unavailable(page("replicas").parts[0], snapshot, ())
    assert missing == dict.fromkeys(names, reason)
    assessment = assess(snapshot)
    assert (assessment.findings, assessment.unchecked, assessment.exit_code) == ((), (), 0)
    assert [(item.host, item.what, item.reason) for item in assessment.too_old] == [
        (host, "disks", reason) for host in host_ids(replicated_cluster)
    ]


@pytest.fixture
def chtui(replicated_cluster: ReplicatedCluster) -> Iterator[Command]:
    """The real command with a profile that leads to the rig."""
    found = effective_of(replicated_cluster).profile
    with command() as made:
        password = made.password_file(replicated_cluster.servers.passwords["oncall"])
        addresses = "\n".join(f'"{host}" = "{address}"' for host, address in found.http_addresses.items())
        made.config(
            f"version = 1\n[profile.rig]\nhosts = {json.dumps([str(seed) for seed in found.seeds])}\n"
            f'cluster = "{CLUSTER}"\nuser = "oncall"\npassword_file = "{password}"\n'
            f"[profile.rig.http_addresses]\n{addresses}\n"
        )
        yield made


def test_readonly_while_the_quorum_is_lost(
    replicated_cluster: ReplicatedCluster, replicated_table: str, session: Session, chtui: Command
) -> None:
    zookeeper = replicated_cluster.zookeeper
    healthy = chtui("check", "--timeout", "30")
    assert healthy.code == 0, healthy.out
    hung = zookeeper.lose_quorum()
    wait_until(
        lambda: [fact.readonly_tables for fact in facts(session)] == [1] * 4, WAIT, "readonly replicas"
    )
    wait_until(lambda: all(fact.readonly_reason for fact in facts(session)), WAIT, "the reason")
    found = [finding for finding in assess(session.snapshot).findings if finding.rule == "replica_readonly"]
    assert [finding.host for finding in found] == sorted(host_ids(replicated_cluster), key=str)
    assert {(finding.severity, finding.object) for finding in found} == {
        (Severity.CRITICAL, replicated_table)
    }
    assert {finding.summary for finding in found} == {"1 replica of 1 readonly: inserts are refused"}
    assert assess(session.snapshot).exit_code == 2
    done = chtui("check", "--timeout", "30", "--json")
    told = json.loads(done.out)
    assert (done.code, told["exit_code"]) == (2, 2)
    assert [row["rule"] for row in told["rows"]].count("replica_readonly") == 4
    for keeper in hung:
        zookeeper.resume(keeper)
    zookeeper.wait_for_quorum()
    wait_until(
        lambda: [fact.readonly_tables for fact in facts(session)] == [0] * 4, WAIT, "writable replicas"
    )
    wait_until(lambda: assess(session.snapshot).exit_code == 0, WAIT, "a clean bill again")
    assert {fact.readonly_reason for fact in facts(session)} == {None}


def test_a_killed_server_is_missed_by_its_peer(
    replicated_cluster: ReplicatedCluster, replicated_table: str, session: Session
) -> None:
    servers = replicated_cluster.servers
    assert keeper_rows(session.snapshot) == [0] * 4
    asked = [keeper_queries(replicated_cluster, index) for index in range(4)]
    servers.kill(servers.nodes[1])
    wait_until(lambda: not session.snapshot.hosts[1].state.answers, WAIT, "the dead host")

    def peer() -> tuple[int, int]:
        rows = session.snapshot.rows(host_ids(replicated_cluster)[0], "replica_keeper_state")
        return (rows[0].active_replicas, rows[0].total_replicas) if rows else (0, 0)

    wait_until(lambda: peer() == (1, 2), WAIT, "what Keeper says of the peer's table")
    (state,) = session.snapshot.rows(host_ids(replicated_cluster)[0], "replica_keeper_state")
    assert f"{state.database}.{state.table}" == replicated_table
    assert (state.lost_part_count, state.zookeeper_exception) == (None, None)
    shown = facts(session)
    assert [(fact.active_replicas, fact.total_replicas) for fact in shown] == [(1, 2), (1, 2), (2, 2), (2, 2)]
    # Only the peer of the dead host was asked for what costs Keeper requests.
    assert keeper_rows(session.snapshot)[2:] == [0, 0]
    assert keeper_queries(replicated_cluster, 0) > asked[0]
    assert [keeper_queries(replicated_cluster, index) for index in (2, 3)] == asked[2:]
    assessment = assess(session.snapshot)
    critical = [finding for finding in assessment.findings if finding.severity is Severity.CRITICAL]
    assert [(finding.rule, finding.host) for finding in critical] == [
        ("host_state", host_ids(replicated_cluster)[1])
    ]
    assert "replica_missing" not in {finding.rule for finding in assessment.findings}
    servers.restart(servers.nodes[1])
    wait_until(lambda: session.snapshot.hosts[1].state is HostState.UP, WAIT, "the host's return")
    wait_until(lambda: keeper_rows(session.snapshot) == [0] * 4, WAIT, "no suspect any more")
    wait_until(lambda: assess(session.snapshot).exit_code == 0, WAIT, "a clean bill again")


def test_stopped_fetches_are_a_queue_and_a_lag(
    replicated_cluster: ReplicatedCluster, replicated_table: str, session: Session
) -> None:
    servers = replicated_cluster.servers
    first, second = servers.nodes[:2]
    lagging = host_ids(replicated_cluster)[1]
    servers.query(second, "SYSTEM STOP FETCHES")
    try:
        for number in range(3):
            servers.query(first, f"INSERT INTO {replicated_table} VALUES ('2026-01-01', {number})")
        wait_until(lambda: facts(session)[1].queue_entries == 3, WAIT, "the queue")

        def lag() -> int:
            return facts(session)[1].max_delay_seconds or 0

        wait_until(partial(above, lag, 4), WAIT, "the lag")
        fact = facts(session)[1]
        assert fact.oldest_queue_entry_seconds is not None
        assert fact.oldest_queue_entry_seconds >= 4
        assert facts(session)[0].queue_entries == 0
        wait_until(lambda: session.snapshot.rows(lagging, "suspect_replicas"), WAIT, "the suspect")
        (suspect,) = session.snapshot.rows(lagging, "suspect_replicas")
        assert (suspect.is_readonly, suspect.queue_entries) == (False, 3)
        assert suspect.readonly_seconds is suspect.last_queue_update_exception is None
        wait_until(lambda: assess(session.snapshot).exit_code == 2, WAIT, "the finding")
        (finding,) = assess(session.snapshot).findings
        assert (finding.severity, finding.rule, finding.host) == (Severity.CRITICAL, "replica_lag", lagging)
        assert finding.object == replicated_table
    finally:
        servers.query(second, "SYSTEM START FETCHES")
    wait_until(lambda: facts(session)[1].queue_entries == 0 and lag() == 0, WAIT, "the drained queue")
    wait_until(lambda: assess(session.snapshot).exit_code == 0, WAIT, "a clean bill again")


def above(value: Callable[[], int], limit: int) -> bool:
    return value() >= limit
