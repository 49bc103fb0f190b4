"""The sessions of ClickHouse hosts found in ZooKeeper, on real servers that do not tell them."""

from __future__ import annotations

import re
from typing import Any

from kazoo.client import KazooClient

from chtui.keeper.znodes import host_sessions, replica_set
from chtui.keeper.zoo import Budget, connect
from chtui.records import KEEPER, HostId, Sample
from chtui.session import Session
from chtui.views import pages
from chtui.views.panes import page
from tests.replication.keeper import host_of
from tests.replication.test_keeper_panes import WAIT, Shown, effective
from tests.rigs.fixtures import ReplicatedCluster
from tests.rigs.server_config import CHROOT
from tests.rigs.servers import ServerNode
from tests.support import wait_until


def connections(cluster: ReplicatedCluster) -> dict[str, str]:
    """Each session's number to the member that has its connection, by the members' own `cons`."""
    found: dict[str, str] = {}
    for node in cluster.zookeeper.nodes:
        told = cluster.zookeeper.four_letter_word(node, "cons") or ""
        found.update(dict.fromkeys(re.findall(r"sid=(0x[0-9a-f]+)", told), node.address))
    return found


def owner(cluster: ReplicatedCluster, node: ServerNode, table: str) -> str:
    """The session that holds a server's replica, asked of ZooKeeper by another client."""
    client = KazooClient(hosts=cluster.zookeeper.hosts)
    client.start(timeout=15)
    try:
        path = f"{CHROOT}/clickhouse/tables/{node.shard}/{table}/replicas/{node.replica}/is_active"
        stat = client.exists(path)
        return f"0x{stat.ephemeralOwner:x}" if stat else ""
    finally:
        client.stop()
        client.close()


def test_the_session_of_each_host_is_found_and_changes_with_it(
    replicated_cluster: ReplicatedCluster, replicated_table: str
) -> None:
    servers = replicated_cluster.servers
    shown = Shown(replicated_cluster, "keeper", "hosts")

    def alive() -> dict[str, dict[str, Any]] | None:
        found = {row["host"]: row for row in shown.rows("keeper.hosts")}
        whole = len(found) == 4 and all(row["state"] == "alive" and row["member"] for row in found.values())
        return found if whole else None

    def true() -> dict[str, dict[str, Any]] | None:
        rows, carried = alive() or {}, connections(replicated_cluster)
        is_true = all(carried.get(row["session_id"]) == row["member"] for row in rows.values())
        return rows if is_true else None

    try:
        before = wait_until(true, WAIT, "the sessions as cons tells them")
        for node in servers.nodes:
            row = before[f"{node.host}:{node.tcp_port}"]
            assert row["session_id"] == owner(replicated_cluster, node, replicated_table)
            assert (row["source"], row["is_expired"], row["ensemble"]) == ("ZooKeeper", False, None)
            assert row["replica_path"].endswith(f"/replicas/{node.replica}")
            assert row["connected_seconds"] >= 0
            assert None not in (row["outstanding_requests"], row["latency_avg_milliseconds"])
        assert len({row["session_id"] for row in before.values()}) == 4

        stopped = servers.node(2, 2)
        name = f"{stopped.host}:{stopped.tcp_port}"
        servers.kill(stopped)
        gone = wait_until(
            lambda: (row := shown.rows("keeper.hosts")[0]) and row["state"] == "none" and row, WAIT, "the end"
        )
        assert (gone["host"], gone["session_id"], gone["member"]) == (name, None, None)
        servers.restart(stopped)
        after = wait_until(true, WAIT, "the new session")
        assert after[name]["session_id"] == owner(replicated_cluster, stopped, replicated_table)
        changed = {host for host, row in after.items() if row["session_id"] != before[host]["session_id"]}
        assert changed == {name}
    finally:
        shown.session.stop()


def test_a_dead_ensemble_is_not_asked_for_sessions(
    replicated_cluster: ReplicatedCluster, replicated_table: str
) -> None:
    shown = Shown(replicated_cluster, "keeper", "hosts")
    quorum = replicated_cluster.zookeeper

    def held() -> Sample:
        return shown.session.store.get(KEEPER, "host_sessions") or Sample()

    try:
        wait_until(lambda: {row["state"] for row in shown.rows("keeper.hosts")} == {"alive"}, WAIT)
        for node in quorum.followers():
            quorum.kill(node)
        wait_until(lambda: held().error.startswith("quorum lost"), WAIT, "the reason")
        failed_at, taken_at = held().failed_at, held().taken_at
        wait_until(lambda: held().failed_at != failed_at, WAIT, "another look at the members")
        assert (held().taken_at, held().error[:11]) == (taken_at, "quorum lost")
        rows = shown.rows("keeper.hosts")
        assert not any(row["state"] == "alive" or row["session_id"] or row["member"] for row in rows)
        assert all(status.state.answers for status in shown.session.snapshot.hosts)
        replicated_cluster.heal()
        wait_until(
            lambda: {row["state"] for row in shown.rows("keeper.hosts")} == {"alive"}, WAIT, "them again"
        )
    finally:
        shown.session.stop()


def test_one_question_waits_until_the_sessions_are_found(
    replicated_cluster: ReplicatedCluster, replicated_table: str
) -> None:
    part = page("keeper").part("hosts")
    assert part is not None
    taken = Session(effective(replicated_cluster)).collect(part.wants(()), 20.0)
    facts = part.facts(taken, ())
    assert {(fact.state, fact.source) for fact in facts} == {("alive", "ZooKeeper")}
    assert len({fact.session_id for fact in facts}) == 4
    reasons = pages.unavailable(part, taken, ())
    assert set(reasons) == {"ensemble", "session_uptime_seconds"}


def test_one_znode_a_host_is_read_and_another_only_where_that_one_is_not_there(
    replicated_cluster: ReplicatedCluster, replicated_table: str
) -> None:
    home = f"/clickhouse/tables/01/{replicated_table}/replicas/"
    a, b, c, d = (HostId(name, 9000) for name in "abcd")
    homes = {
        a: (home + "01", home + "02"),
        b: ("/no/such", home + "02"),
        c: ("/no/such", "/nor/this"),
        d: ("no path", "/a//b", "/\0"),
    }
    session = connect([host_of(replicated_cluster.zookeeper.nodes[0])], CHROOT, WAIT)
    try:
        budget = Budget(WAIT, 100)
        told = host_sessions(session, homes, budget)
        found = {row.host: row for row in told.rows}
        assert 100 - budget.requests == 5
        assert [found[host].replica_path for host in (a, b, c)] == [home + "01", home + "02", "/no/such"]
        owners = {
            row.replica_name: row.ephemeral_owner
            for row in replica_set(session, home.removesuffix("/replicas/"), Budget(WAIT, 100)).rows
        }
        assert [found[host].ephemeral_owner for host in (a, b, c)] == [owners["01"], owners["02"], ""]
        assert told.cut == "the first 3 of 4 hosts"
        few = host_sessions(session, homes, Budget(WAIT, 1))
        assert ([row.host for row in few.rows], few.cut) == ([a], "the first 1 of 4 hosts")
    finally:
        session.close()
