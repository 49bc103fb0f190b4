"""The queues pane on real replication: fetches stopped, a source gone, merges stopped; its statements on 18.16."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from chtui import sql
from chtui.fleet.literal import Value
from chtui.monitor.scheduler import Want
from chtui.records import HostId
from chtui.session import Session, Watch
from chtui.views import panes
from chtui.views.panes import typed_link
from tests.engine import contract
from tests.engine.commands import command
from tests.engine.queue_texts import SAID, queue_of, reading
from tests.replication.conftest import effective_of
from tests.rigs.fixtures import ReplicatedCluster
from tests.rigs.server_config import CLUSTER
from tests.rigs.servers import ServerNode
from tests.support import fast, started, wait_until

WAIT = 90.0
TOO_OLD = "this server is older than {}, which brought {}"


@pytest.fixture
def session(replicated_cluster: ReplicatedCluster, sessions: list[Session]) -> Session:
    """A session that asks every second."""
    return started(fast(effective_of(replicated_cluster), queues=1.0, tables=1.0), sessions)


def watched(session: Session, *words: str) -> Any:
    """Poll what a page's part needs; returns what gives its facts."""
    link = typed_link(words)
    part = panes.page(link.page).part(link.part)
    assert part is not None
    session.watch(words[0], Watch(lambda _: None, lambda _: None), part.wants(link.subject))
    return lambda: part.facts(session.snapshot, link.subject)


def groups_of(found: Any, table: str, cause: str) -> list[Any]:
    return [fact for fact in found if (f"{fact.database}.{fact.table}", fact.cause) == (table, cause)]


def host_of(node: ServerNode) -> str:
    return str(HostId(node.host, node.tcp_port))


def znode_is_there(cluster: ReplicatedCluster, path: str) -> bool:
    parent, _, name = path.rpartition("/")
    node = cluster.servers.nodes[0]
    text = f"SELECT count() FROM system.zookeeper WHERE path = '{parent}' AND name = '{name}'"
    return cluster.servers.query(node, text) == "1\n"


@pytest.fixture
def held_fetches(replicated_cluster: ReplicatedCluster, replicated_table: str) -> Iterator[str]:
    """Three parts on the first server that its peer, whose fetches are stopped, has not got; `database.table`."""
    servers = replicated_cluster.servers
    first, second = servers.nodes[:2]
    servers.query(second, "SYSTEM STOP FETCHES")
    for number in range(3):
        servers.query(first, f"INSERT INTO {replicated_table} VALUES ('2026-01-01', {number})")
    yield replicated_table
    replicated_cluster.heal()
    servers.query(second, "SYSTEM START FETCHES")


def test_stopped_fetches_are_grouped_opened_and_drained(
    replicated_cluster: ReplicatedCluster, held_fetches: str, session: Session
) -> None:
    servers, (database, table) = replicated_cluster.servers, held_fetches.split(".")
    second = servers.nodes[1]
    groups = watched(session, "queues")

    def stopped() -> Any:
        return groups_of(groups(), held_fetches, "fetches stopped")

    wait_until(lambda: stopped() and stopped()[0].max_tries >= 3, WAIT, "tries that grow")
    wait_until(lambda: stopped()[0].total_replicas == 4, WAIT, "the table on every host")
    (fact,) = stopped()
    assert (fact.type, fact.hosts, fact.sample_host) == ("GET_PART", (host_of(second),), host_of(second))
    assert (fact.affected_replicas, fact.affected_ratio) == (1, 0.25)
    assert "Fetching of part was cancelled" in fact.sample
    mine = [fact for fact in groups() if (fact.database, fact.table) == (database, table)]
    assert sum(fact.entries for fact in mine) == 3
    # The first try of an entry may be under way.
    assert {fact.cause for fact in mine} <= {"fetches stopped", "not tried yet", "executing"}
    tries = fact.max_tries
    wait_until(lambda: stopped()[0].max_tries > tries, WAIT, "another try")

    entries = watched(session, "queue", database, table)
    wait_until(lambda: len(entries()) == 3 and entries()[0].znode, WAIT, "the entries")
    worst = entries()[0]
    assert (worst.cause, worst.host, worst.source_replica) == ("fetches stopped", host_of(second), "01")
    assert (worst.partition_id, worst.type, worst.is_executing) == ("202601", "GET_PART", False)
    assert worst.exception.startswith("Code: 236")
    assert worst.age_seconds >= worst.attempt_age_seconds >= 0
    assert znode_is_there(replicated_cluster, worst.znode)

    detail = watched(session, "queue_entry", database, table, worst.host, worst.node_name)
    wait_until(detail, WAIT, "the entry")
    (whole,) = detail()
    wait_until(lambda: detail()[0].znode == worst.znode, WAIT, "the entry's znode")
    assert (whole.new_part_name, whole.replica_name, whole.merge_type) == (worst.new_part_name, "02", None)
    assert whole.exception == worst.exception

    servers.query(second, "SYSTEM START FETCHES")
    wait_until(lambda: not groups_of(groups(), held_fetches, "fetches stopped"), WAIT, "the drained queue")
    wait_until(lambda: not entries() and not detail(), WAIT, "no entry any more")


def test_parts_of_a_killed_server_are_nowhere(
    replicated_cluster: ReplicatedCluster, held_fetches: str, session: Session
) -> None:
    servers = replicated_cluster.servers
    first, second = servers.nodes[:2]
    groups = watched(session, "queues")
    wait_until(lambda: groups_of(groups(), held_fetches, "fetches stopped"), WAIT, "the queue")
    servers.kill(first)
    servers.query(second, "SYSTEM START FETCHES")

    def lost() -> Any:
        return groups_of(groups(), held_fetches, "no replica has the part")

    # Until ZooKeeper gives the dead server's session up, its replica counts as active, and refuses.
    wait_until(lambda: lost() and lost()[0].entries == 3, WAIT, "parts that no replica has")
    (fact,) = lost()
    assert (fact.hosts, fact.type) == ((host_of(second),), "GET_PART")
    assert fact.sample.startswith("Code: 234")
    assert not session.snapshot.hosts[0].state.answers
    servers.restart(first)
    wait_until(lambda: not lost(), WAIT, "the drained queue")


def test_stopped_merges_are_put_off_with_their_reason(
    replicated_cluster: ReplicatedCluster, replicated_table: str, session: Session
) -> None:
    servers = replicated_cluster.servers
    database, _, table = replicated_table.partition(".")
    leads = f"SELECT is_leader FROM system.replicas WHERE database = '{database}' AND table = '{table}'"
    shard = servers.nodes[:2]
    leader = wait_until(lambda: next((node for node in shard if servers.query(node, leads) == "1\n"), None))
    (follower,) = (node for node in shard if node is not leader)
    servers.query(follower, "SYSTEM STOP MERGES")
    try:
        # So many small parts the leader merges by itself; OPTIMIZE would wait for the follower.
        for number in range(12):
            servers.query(leader, f"INSERT INTO {replicated_table} VALUES ('2026-01-01', {number})")
        groups = watched(session, "queues")

        def held() -> Any:
            return groups_of(groups(), replicated_table, "merges stopped")

        wait_until(lambda: held() and held()[0].max_postponed > 0, WAIT, "a merge put off")
        (fact,) = held()
        assert (fact.type, fact.hosts, fact.max_tries) == ("MERGE_PARTS", (host_of(follower),), 0)
        assert "merges and mutations are cancelled now" in fact.sample
        times = fact.max_postponed
        wait_until(lambda: held()[0].max_postponed > times, WAIT, "another postponement")
    finally:
        servers.query(follower, "SYSTEM START MERGES")
    wait_until(lambda: not held(), WAIT, "the drained queue")


def test_what_its_version_cannot_tell_is_said(
    replicated_cluster: ReplicatedCluster, replicated_table: str
) -> None:
    wants = [
        Want(name) for name in ("queue_groups", "replicated_fetches", "distribution_queue", "ddl_entries")
    ]
    snapshot = Session(effective_of(replicated_cluster)).collect(wants, 40.0)
    for host in snapshot.hosts:
        told = {want.probe: snapshot.sample(host.id, want.key) for want in wants}
        assert told["queue_groups"] is not None
        assert told["queue_groups"].taken_at is not None
        assert {
            name: sample.unavailable for name, sample in told.items() if sample and name != "queue_groups"
        } == {
            "replicated_fetches": TOO_OLD.format("20.12", "system.replicated_fetches"),
            "distribution_queue": TOO_OLD.format("20.10", "system.distribution_queue"),
            "ddl_entries": TOO_OLD.format("21.11", "system.distributed_ddl_queue"),
        }


@pytest.mark.parametrize("name", ["monitor/queue_groups", "monitor/queue_entries"])
def test_texts_are_classified_as_on_new_servers(replicated_cluster: ReplicatedCluster, name: str) -> None:
    node = replicated_cluster.servers.nodes[0]
    with contract.connected(effective_of(replicated_cluster), replicated_cluster.http_port(node)) as driver:
        for said in SAID:
            statement = reading(sql.load(name), "system.replication_queue", queue_of([said]))
            params: dict[str, Value] = {"max_rows": 10, "database": "d", "table": "t"}
            asked = {key: params[key] for key in (column.name for column in statement.params)}
            answer = contract.ask(driver, statement, asked)
            assert [row[answer.columns.index("cause")] for row in answer.rows] == [said.cause], said


def test_the_command_prints_it_as_json(replicated_cluster: ReplicatedCluster, held_fetches: str) -> None:
    found = effective_of(replicated_cluster).profile
    database, table = held_fetches.split(".")
    with command() as chtui:
        password = chtui.password_file(replicated_cluster.servers.passwords["oncall"])
        addresses = "\n".join(f'"{host}" = "{address}"' for host, address in found.http_addresses.items())
        chtui.config(
            f"version = 1\n[profile.rig]\nhosts = {json.dumps([str(seed) for seed in found.seeds])}\n"
            f'cluster = "{CLUSTER}"\nuser = "oncall"\npassword_file = "{password}"\n'
            f"[profile.rig.http_addresses]\n{addresses}\n"
        )

        def told(*words: str) -> Any:
            done = chtui("show", *words, "--json", "--timeout", "30")
            assert done.code == 0, done.err
            return json.loads(done.out)

        def mine() -> Any:
            return [
                row for row in told("queues")["rows"] if (row["database"], row["table"]) == (database, table)
            ]

        rows = wait_until(mine, WAIT, "the groups")
        assert sum(row["entries"] for row in rows) == 3
        assert {row["type"] for row in rows} == {"GET_PART"}
        entries = told("queue", database, table)["rows"]
        assert len(entries) == 3
        assert {row["partition_id"] for row in entries} == {"202601"}
        fetches = told("queues.fetches")
        assert fetches["rows"] == []
        assert fetches["unavailable"]["*"] == TOO_OLD.format("20.12", "system.replicated_fetches")
