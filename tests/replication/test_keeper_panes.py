"""The keeper pane, a stuck DDL entry and dead peers, in facts and JSON of a session on the real ensemble."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from chtui.keeper.ensemble import Quorum
from chtui.profile.endpoint import Endpoint
from chtui.profile.options import Effective
from chtui.session import Session, Watch
from chtui.views import export, pages
from chtui.views.panes import page
from tests.replication.conftest import DATABASE, effective_of
from tests.rigs.fixtures import ReplicatedCluster
from tests.rigs.server_config import CHROOT, CLUSTER, DDL_PATH
from tests.support import fast, wait_until

WAIT = 60.0


def effective(cluster: ReplicatedCluster) -> Effective:
    members = tuple(Endpoint("127.0.0.1", node.client_port) for node in cluster.zookeeper.nodes)
    found = effective_of(cluster)
    profile = found.profile._replace(keeper=members, keeper_root=CHROOT, ddl_queue_path=DDL_PATH)
    return fast(found._replace(profile=profile), keeper=0.5, queues=1.0)


class Shown:
    """One part of a page that a running session keeps fresh."""

    def __init__(
        self, cluster: ReplicatedCluster, name: str, part_name: str, subject: tuple[str, ...] = ()
    ) -> None:
        part = page(name).part(part_name)
        assert part is not None
        self.part, self.subject = part, subject
        self.session = Session(effective(cluster))
        self.session.start()
        watch = Watch(lambda snapshot: pages.table(part, snapshot, subject), lambda _: None)
        self.session.watch("test", watch, part.wants(subject))

    @property
    def facts(self) -> list[Any]:
        """The facts now."""
        return list(self.part.facts(self.session.snapshot, self.subject))

    @property
    def figures(self) -> dict[str, tuple[str, str]]:
        """Label to value and style."""
        assert self.part.figures is not None
        found = self.part.figures(self.session.snapshot, self.subject)
        return {figure.label: (figure.value, figure.style) for figure in found}

    def rows(self, name: str) -> list[dict[str, Any]]:
        """The rows of the JSON."""
        snapshot = self.session.snapshot
        missing = pages.unavailable(self.part, snapshot, self.subject)
        document = json.loads(export.envelope(snapshot, name, self.facts, missing))
        assert document["schema"] == f"chtui/1 {name}"
        rows: list[dict[str, Any]] = document["rows"]
        return rows


@pytest.fixture
def members(replicated_cluster: ReplicatedCluster) -> Iterator[Shown]:
    shown = Shown(replicated_cluster, "keeper", "members")
    wait_until(lambda: shown.figures.get("serving", ("",))[0] == "3 of 3", WAIT, "three members")
    yield shown
    shown.session.stop()


def test_a_stopped_leader_is_replaced_on_the_pane(
    replicated_cluster: ReplicatedCluster, members: Shown
) -> None:
    quorum = replicated_cluster.zookeeper
    old = quorum.leader()
    assert members.figures["leader"][0] == old.address
    assert {row["role"] for row in members.rows("keeper.members")} == {"leader", "follower"}
    quorum.kill(old)
    wait_until(lambda: members.figures["leader"][0] not in ("none seen", old.address), WAIT, "another leader")
    assert members.figures["ensemble"] == (str(Quorum.HELD), "ok")
    assert members.figures["can lose"][0] == "0"
    first = wait_until(
        lambda: (rows := members.rows("keeper.members")) and rows[0]["member"] == old.address and rows[0],
        WAIT,
    )
    assert (first["state"], first["role"], first["latency_avg_milliseconds"]) == ("refused", None, None)
    assert first["error"]


def test_a_lost_quorum_is_unmistakable_on_the_pane(
    replicated_cluster: ReplicatedCluster, members: Shown
) -> None:
    quorum = replicated_cluster.zookeeper
    for node in quorum.followers():
        quorum.kill(node)
    wait_until(lambda: members.figures["ensemble"] == ("QUORUM LOST", "critical"), WAIT, "the lost quorum")
    assert members.figures["leader"] == ("none seen", "critical")
    assert {row["state"] for row in members.rows("keeper.members")} == {"refused", "not serving"}
    hosts = members.session.snapshot.hosts
    assert all(status.state.answers for status in hosts), "a dead ensemble costs ClickHouse's panes nothing"
    replicated_cluster.heal()
    wait_until(lambda: members.figures["ensemble"] == ("quorum held", "ok"), WAIT, "the quorum again")


def test_a_stuck_ddl_entry_names_the_host_that_is_missing(replicated_cluster: ReplicatedCluster) -> None:
    servers = replicated_cluster.servers
    stopped, name = servers.node(2, 2), f"{DATABASE}.stuck_once"
    missing = f"{stopped.host}:{stopped.tcp_port}"
    servers.sql_on_cluster(f"CREATE DATABASE IF NOT EXISTS {DATABASE} ON CLUSTER {CLUSTER}")
    servers.kill(stopped)
    shown = Shown(replicated_cluster, "queues", "ddl")
    try:
        statement = f"CREATE TABLE {name} ON CLUSTER {CLUSTER} (x UInt8) ENGINE = Memory"
        servers.query(servers.nodes[0], statement, settings={"distributed_ddl_task_timeout": "0"})

        def entry() -> dict[str, Any] | None:
            found = [row for row in shown.rows("queues.ddl") if row["query"].startswith(statement[:40])]
            return found[0] if found and len(found[0]["finished_hosts"]) == 3 else None

        found = wait_until(entry, WAIT, "the entry, run by three")
        assert (found["source"], found["state"], found["total_hosts"]) == ("ZooKeeper", "waiting", 4)
        assert found["missing_hosts"] == [missing]
        hosts = Shown(replicated_cluster, "ddl_entry", "hosts", (found["entry"],))
        try:
            states = wait_until(
                lambda: {row["host"]: row["state"] for row in hosts.rows("ddl_entry.hosts")}, WAIT
            )
            assert states[missing] == "waiting"
            assert sorted(states.values()) == ["finished", "finished", "finished", "waiting"]
        finally:
            hosts.session.stop()
        servers.restart(stopped)
        wait_until(lambda: not entry() or entry()["missing_hosts"] == [], WAIT, "the last host to run it")  # type: ignore[index]
    finally:
        shown.session.stop()
        replicated_cluster.heal()
        servers.sql_on_cluster(f"DROP TABLE IF EXISTS {name} ON CLUSTER {CLUSTER}")


def test_a_dead_peer_is_seen_in_the_replica_set(
    replicated_cluster: ReplicatedCluster, replicated_table: str
) -> None:
    servers = replicated_cluster.servers
    path = f"/clickhouse/tables/{servers.node(1, 1).shard}/{replicated_table}"
    shown = Shown(replicated_cluster, "replica_set", "members", (path,))
    try:
        wait_until(
            lambda: [row["is_active"] for row in shown.rows("replica_set.members")] == [True, True], WAIT
        )
        servers.kill(servers.node(1, 2))
        wait_until(
            lambda: sorted(row["is_active"] for row in shown.rows("replica_set.members")) == [False, True],
            WAIT,
            "the dead peer",
        )
    finally:
        shown.session.stop()


def test_the_znodes_of_a_table_are_browsed(
    replicated_cluster: ReplicatedCluster, replicated_table: str
) -> None:
    path = f"/clickhouse/tables/{replicated_cluster.servers.node(1, 1).shard}/{replicated_table}"
    shown = Shown(replicated_cluster, "znode", "children", (path,))
    try:
        names = wait_until(lambda: [row["name"] for row in shown.rows("znode.children")], WAIT, "the znodes")
        assert {"replicas", "log", "blocks", "metadata", "columns"} <= set(names)
        assert names == sorted(names)
    finally:
        shown.session.stop()
