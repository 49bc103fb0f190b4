"""The keeper layer on a real ensemble of three: members lost, hung and back; znodes, sessions, replicas, the DDL queue."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from kazoo.client import KazooClient

from chtui.keeper.ensemble import Quorum
from chtui.monitor.keeper_watch import MEMBERS
from chtui.monitor.scheduler import Want
from chtui.records import KEEPER
from chtui.records.keeper import DdlEntry, MemberState, ReplicaMember, Znode
from tests.replication.conftest import DATABASE
from tests.replication.keeper import NODE, QUEUE, SESSIONS, Watched, host_of, replica_set, znode
from tests.rigs.fixtures import ReplicatedCluster
from tests.rigs.server_config import CHROOT, CLUSTER
from tests.rigs.servers import QueryError
from tests.support import wait_until

WAIT = 40.0


@pytest.fixture
def watched(replicated_cluster: ReplicatedCluster) -> Iterator[Watched]:
    """A watch that was told all three members."""
    made = Watched(tuple(host_of(node) for node in replicated_cluster.zookeeper.nodes))
    yield made
    made.watch.stop()


@pytest.fixture
def zookeeper(replicated_cluster: ReplicatedCluster) -> Iterator[KazooClient]:
    """A client that writes what the tests read."""
    client = KazooClient(hosts=replicated_cluster.zookeeper.hosts)
    client.start(timeout=15)
    yield client
    client.delete(f"{CHROOT}/tests", recursive=True)
    client.stop()
    client.close()


def path_of(table: str, shard: int = 1) -> str:
    return f"/clickhouse/tables/{shard:02}/{table}"


def test_the_roles_of_three_members(replicated_cluster: ReplicatedCluster, watched: Watched) -> None:
    quorum = replicated_cluster.zookeeper
    watched.want(NODE)
    found = wait_until(lambda: watched.verdict.serving == 3 and watched.verdict, WAIT, "three members")
    assert (found.quorum, found.spare, found.absent) == (Quorum.HELD, 1, ())
    assert found.leader == host_of(quorum.leader())
    for node in quorum.nodes:
        (told,) = watched.rows(NODE, host_of(node))
        assert told.role == quorum.role(node)
        assert (told.product, told.voters, told.source) == ("ZooKeeper", 3, "4lw")
        assert told.version.startswith("3.8")
        assert int(told.zxid, 16) > 0
        assert told.znode_count > 3
        assert told.data_size_bytes > 0
        if told.role == "leader":
            assert (told.followers, told.synced_followers) == (2, 2)
        else:
            assert watched.sample(NODE, host_of(node)).missing["followers"] == "only a leader tells"
    wait_until(
        lambda: [watched.rows(NODE, host_of(node))[0].server_id for node in quorum.nodes] == [1, 2, 3],
        WAIT,
        "the members' numbers",
    )
    assert watched.store.get(KEEPER, MEMBERS).rows == watched.watch.members  # type: ignore[union-attr]
    assert set(watched.watch.nodes) == {host_of(node) for node in quorum.nodes}
    assert watched.changes > 0


def test_members_are_told_by_hosts_where_the_profile_names_none(
    replicated_cluster: ReplicatedCluster,
) -> None:
    one, two, _ = [host_of(node) for node in replicated_cluster.zookeeper.nodes]
    watched = Watched((), [one])
    try:
        watched.want(NODE)
        wait_until(lambda: watched.verdict.quorum is Quorum.HELD, WAIT, "a member")
        wait_until(lambda: watched.verdict.voters == 3, WAIT, "the number of voters")
        assert watched.watch.nodes == (one,)
        watched.told.append(two)
        wait_until(lambda: watched.verdict.serving == 2, WAIT, "the member that was told later")
    finally:
        watched.watch.stop()


def test_a_killed_leader_is_replaced(replicated_cluster: ReplicatedCluster, watched: Watched) -> None:
    quorum = replicated_cluster.zookeeper
    watched.want(NODE, znode("/"))
    wait_until(lambda: watched.verdict.serving == 3, WAIT, "three members")
    old = quorum.leader()
    quorum.kill(old)
    wait_until(lambda: watched.state(host_of(old)) is MemberState.REFUSED, WAIT, "the dead member")
    found = wait_until(
        lambda: watched.verdict.serving == 2 and watched.verdict.leader and watched.verdict, WAIT, "a leader"
    )
    assert (found.quorum, found.spare) == (Quorum.HELD, 0)
    assert found.leader not in (None, host_of(old))
    assert found.absent == (host_of(old),)
    killed_at = datetime.now(UTC)
    wait_until(lambda: (watched.sample(znode("/")).taken_at or killed_at) > killed_at, WAIT, "znodes again")


def test_a_lost_quorum_is_unmistakable_and_costs_only_its_deadline(
    replicated_cluster: ReplicatedCluster, watched: Watched
) -> None:
    quorum = replicated_cluster.zookeeper
    watched.want(NODE, SESSIONS, znode("/"), QUEUE)
    wait_until(lambda: watched.verdict.serving == 3 and watched.rows(znode("/")), WAIT, "all well")
    for node in quorum.followers():
        quorum.kill(node)
    left = next(node for node in quorum.nodes if node.process.is_alive)
    found = wait_until(
        lambda: watched.verdict.quorum is Quorum.LOST and watched.verdict, WAIT, "the lost quorum"
    )
    assert found.line.startswith("quorum lost; 0 of 3 members serve, 2 needed")
    assert watched.state(host_of(left)) is MemberState.NOT_SERVING
    failed = wait_until(
        lambda: (
            "no session could be opened" in watched.sample(znode("/")).error and watched.sample(znode("/"))
        ),
        WAIT,
        "the znodes' failure",
    )
    assert failed.rows
    age_seconds = (
        datetime.now(UTC) - (watched.member(host_of(left)).answered_at or failed.failed_at)
    ).total_seconds()
    assert age_seconds < 3.0
    for node in quorum.nodes:
        if not node.process.is_alive:
            node.process.start()
    wait_until(lambda: watched.verdict.serving == 3, WAIT, "the quorum again")
    wait_until(lambda: watched.rows(znode("/")), WAIT, "the znodes again")


def test_a_hung_member_delays_no_other_and_stopping_waits_for_nobody(
    replicated_cluster: ReplicatedCluster, watched: Watched
) -> None:
    quorum = replicated_cluster.zookeeper
    watched.want(NODE, SESSIONS, znode("/"))
    wait_until(lambda: watched.verdict.serving == 3, WAIT, "three members")
    hung = quorum.followers()[0]
    quorum.suspend(hung)
    wait_until(lambda: watched.state(host_of(hung)) is MemberState.HUNG, WAIT, "the hung member")
    assert watched.sample(NODE, host_of(hung)).error.startswith("no answer to"), "its name is not said twice"
    assert watched.sample(NODE, host_of(hung)).rows
    assert watched.verdict.quorum is Quorum.HELD
    end = time.monotonic() + 6.0
    oldest_seconds = 0.0
    while time.monotonic() < end:
        now = datetime.now(UTC)
        for node in quorum.nodes:
            if node is not hung:
                taken_at = watched.sample(NODE, host_of(node)).taken_at
                assert taken_at is not None
                oldest_seconds = max(oldest_seconds, (now - taken_at).total_seconds())
        time.sleep(0.05)
    assert oldest_seconds < 2.5
    since = datetime.now(UTC)
    wait_until(
        lambda: (watched.sample(znode("/")).taken_at or since) > since, WAIT, "znodes by another member"
    )
    quorum.resume(hung)
    wait_until(lambda: watched.state(host_of(hung)).serves, WAIT, "the member to be back")
    quorum.suspend(hung)
    wait_until(lambda: watched.state(host_of(hung)) is MemberState.HUNG, WAIT, "the hung member")
    started = time.monotonic()
    watched.watch.stop()
    assert time.monotonic() - started < 0.1


def test_nothing_is_asked_that_is_not_wanted_or_while_paused(watched: Watched) -> None:
    watched.want(NODE)
    wait_until(lambda: watched.verdict.serving == 3, WAIT, "three members")
    watched.watch.paused = True
    wait_until(lambda: quiet(watched), WAIT, "silence")
    watched.watch.hasten()
    assert quiet(watched)
    watched.watch.paused = False
    wait_until(lambda: not quiet(watched), WAIT, "answers again")
    watched.want()
    wait_until(lambda: quiet(watched), WAIT, "silence")
    assert watched.store.get(KEEPER, QUEUE.key) is None


def quiet(watched: Watched) -> bool:
    """Whether no member answers anything for some intervals."""
    before = [member.answered_at for member in watched.watch.members]
    time.sleep(1.0)
    return before == [member.answered_at for member in watched.watch.members]


def test_the_znodes_of_a_table(watched: Watched, replicated_table: str) -> None:
    wish = znode(path_of(replicated_table))
    watched.want(wish)
    own, *children = wait_until(lambda: watched.rows(wish), WAIT, "the table's znodes")
    assert (own.path, own.name, own.data) == (path_of(replicated_table), replicated_table, "")
    assert own.children == len(children)
    names = {child.name: child for child in children}
    assert {"replicas", "log", "metadata", "columns", "blocks"} <= set(names)
    assert names["replicas"].children == 2
    assert names["metadata"].data is None
    assert names["metadata"].data_size_bytes > 10
    assert abs((datetime.now(UTC) - own.created_at).total_seconds()) < 300
    deeper = znode(names["metadata"].path)
    watched.want(deeper)
    (metadata,) = wait_until(lambda: watched.rows(deeper), WAIT, "the metadata")
    assert "metadata format version" in metadata.data
    active = znode(path_of(replicated_table) + "/replicas/01/is_active")
    watched.want(active)
    (ephemeral,) = wait_until(lambda: watched.rows(active), WAIT, "an ephemeral znode")
    assert ephemeral.is_ephemeral
    absent = znode("/there/is/none")
    watched.want(absent)
    wait_until(lambda: watched.sample(absent).unavailable, WAIT, "the answer that there is none")
    assert "there is no znode /there/is/none" in watched.sample(absent).unavailable


def test_the_replicas_of_a_table_with_a_dead_peer(
    replicated_cluster: ReplicatedCluster, watched: Watched, replicated_table: str
) -> None:
    servers, wish = replicated_cluster.servers, replica_set(path_of(replicated_table))
    watched.want(wish)
    found: tuple[ReplicaMember, ...] = wait_until(lambda: watched.rows(wish), WAIT, "the replicas")
    nodes = [servers.node(1, 1), servers.node(1, 2)]
    assert [(row.replica_name, row.is_active, row.host) for row in found] == [
        (node.replica, True, f"{node.host}:{node.tcp_port}") for node in nodes
    ]
    assert {f"{row.database}.{row.table}" for row in found} == {replicated_table}
    assert all(row.log_pointer is not None and row.ephemeral_owner for row in found)
    servers.kill(nodes[1])
    wait_until(lambda: [row.is_active for row in watched.rows(wish)] == [True, False], WAIT, "the dead peer")
    dead = watched.rows(wish)[1]
    assert (dead.ephemeral_owner, dead.host) == ("", f"{nodes[1].host}:{nodes[1].tcp_port}")


def test_the_session_of_each_host_is_known(
    replicated_cluster: ReplicatedCluster, watched: Watched, replicated_table: str
) -> None:
    wishes = [replica_set(path_of(replicated_table, shard)) for shard in (1, 2)]
    watched.want(SESSIONS, *wishes)
    wait_until(lambda: all(len(watched.rows(wish)) == 2 for wish in wishes), WAIT, "all replicas")
    owners = {row.host: row.ephemeral_owner for wish in wishes for row in watched.rows(wish)}
    assert sorted(owners) == sorted(f"{n.host}:{n.tcp_port}" for n in replicated_cluster.servers.nodes)
    assert len(set(owners.values())) == 4
    members = [host_of(node) for node in replicated_cluster.zookeeper.nodes]

    def carriers() -> dict[str, int]:
        sids = [row.sid for member in members for row in watched.rows(SESSIONS, member)]
        return {host: sids.count(owner) for host, owner in owners.items()}

    wait_until(lambda: set(carriers().values()) == {1}, WAIT, "each host's session with one member")


def entries(watched: Watched, text: str) -> list[DdlEntry]:
    return [entry for entry in watched.rows(QUEUE) if text in entry.query]


def test_the_ddl_queue(
    replicated_cluster: ReplicatedCluster, watched: Watched, replicated_table: str
) -> None:
    servers = replicated_cluster.servers
    hosts = tuple(f"{node.host}:{node.tcp_port}" for node in servers.nodes)
    name = f"{DATABASE}.ddl_once"
    watched.want(QUEUE)
    servers.sql_on_cluster(f"CREATE TABLE {name} ON CLUSTER {CLUSTER} (x UInt8) ENGINE = Memory")
    try:
        made = wait_until(
            lambda: [found for found in entries(watched, "ddl_once") if found.is_done],
            WAIT,
            "the entry to end",
        )[0]
        assert made.query.startswith(f"CREATE TABLE {name} ON CLUSTER {CLUSTER}")
        assert (sorted(made.hosts), made.active, made.missing) == (sorted(hosts), (), ())
        assert {state.exception_code for state in made.finished} == {0}
        assert made.initiator.endswith(f":{servers.nodes[0].tcp_port}")
        assert 0 <= made.age_seconds < 60
        assert [found.entry for found in watched.rows(QUEUE)] == sorted(
            (found.entry for found in watched.rows(QUEUE)), reverse=True
        )
        refused = f"CREATE TABLE {name} ON CLUSTER {CLUSTER} (y UInt8) ENGINE = Memory"
        with pytest.raises(QueryError, match="already exists"):
            servers.query(servers.nodes[0], refused)
        failed = wait_until(
            lambda: [found for found in entries(watched, "y UInt8") if len(found.failed) == 4],
            WAIT,
            "failures",
        )[0]
        assert {state.exception_code for state in failed.failed} == {57}
        assert all("already exists" in state.exception_text for state in failed.failed)
        stopped = servers.node(2, 2)
        servers.kill(stopped)
        statement = f"DROP TABLE {name} ON CLUSTER {CLUSTER}"
        servers.query(servers.nodes[0], statement, settings={"distributed_ddl_task_timeout": "0"})
        stuck = wait_until(
            lambda: [
                found
                for found in entries(watched, "DROP TABLE")
                if len(found.finished) == 3 and name in found.query
            ],
            WAIT,
            "three hosts to have run it",
        )[0]
        assert stuck.missing == (f"{stopped.host}:{stopped.tcp_port}",)
        assert not stuck.is_done
        assert [state.state for state in stuck.host_states if state.host == stuck.missing[0]] == ["waiting"]
        servers.restart(stopped)
        wait_until(lambda: entries(watched, statement)[0].is_done, WAIT, "the last host to have run it")
    finally:
        replicated_cluster.heal()
        servers.sql_on_cluster(f"DROP TABLE IF EXISTS {name} ON CLUSTER {CLUSTER}")


def test_a_queue_that_is_not_there_says_so(replicated_cluster: ReplicatedCluster) -> None:
    watched = Watched(
        [host_of(replicated_cluster.zookeeper.nodes[0])], ddl_queue_path="/elsewhere", interval_seconds=0.3
    )
    try:
        watched.want(QUEUE)
        reason = wait_until(lambda: watched.sample(QUEUE).unavailable, WAIT, "the reason")
        assert "no DDL queue at /elsewhere" in reason
    finally:
        watched.watch.stop()


def test_hostile_znodes_are_read_as_what_they_are(zookeeper: KazooClient, watched: Watched) -> None:
    top = f"{CHROOT}/tests"
    hostile = b"\x1b]0;owned\x07\xff\xfe[red]x[/red]\n" + "\u202eabc".encode()
    zookeeper.create(top, hostile)
    zookeeper.create(f"{top}/large", b"x" * 200_000)
    zookeeper.create(f"{top}/esc\u202e[x]", b"")
    many = zookeeper.transaction()
    for index in range(600):
        many.create(f"{top}/n{index:04}", b"")
    assert not [result for result in many.commit() if isinstance(result, Exception)]
    wish = znode("/tests")
    watched.want(wish)
    rows: tuple[Znode, ...] = wait_until(lambda: watched.rows(wish), WAIT, "the znodes")
    assert (rows[0].data or "").startswith("\x1b]0;owned\x07\ufffd\ufffd[red]x[/red]\n\u202eabc")
    assert rows[0].children == 602
    assert len(rows) == 501
    assert watched.sample(wish).missing == {"rows": "the first 500 of 602 children"}
    assert (rows[1].name, rows[1].path) == ("esc\u202e[x]", "/tests/esc\u202e[x]")
    large = znode("/tests/large")
    watched.want(large)
    (cut,) = wait_until(lambda: watched.rows(large), WAIT, "the large znode")
    assert (len(cut.data), cut.is_data_cut, cut.data_size_bytes) == (65536, True, 200_000)


@pytest.mark.parametrize(
    "path", ["no/slash", "/nul\0", "/" + "x" * 5000, "", "//", "/a/../b", "/a/./b", "/\ud800"]
)
def test_paths_that_are_none_are_answered(replicated_cluster: ReplicatedCluster, path: str) -> None:
    watched = Watched([host_of(replicated_cluster.zookeeper.nodes[0])])
    try:
        wish, good = Want("znode", args=(("path", path),)), znode("/clickhouse")
        watched.want(wish, good)
        wait_until(lambda: watched.sample(wish) != watched.sample(Want("znode")), WAIT, "an answer")
        assert "report this as a bug" not in watched.sample(wish).error
        wait_until(lambda: watched.rows(good), WAIT, "a good path beside it")
    finally:
        watched.watch.stop()
