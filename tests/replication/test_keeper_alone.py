"""One ZooKeeper as it comes out of the box (only `srvr` is allowed) with its AdminServer; a long DDL queue in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from kazoo.client import KazooClient

from chtui.keeper.ddl import MOST_ENTRIES
from chtui.keeper.ensemble import Quorum
from chtui.records import HostId
from chtui.records.keeper import DdlEntry, MemberState
from tests.replication.keeper import NODE, QUEUE, SESSIONS, Watched, replica_set, znode
from tests.rigs.processes import LOOPBACK, ManagedProcess, free_ports
from tests.rigs.zookeeper import CLASSPATH, JVM_OPTIONS
from tests.support import wait_until

WAIT = 40.0
JETTY = "/usr/share/java/servlet-api.jar:/usr/share/java/jetty9-util-ajax.jar"


class Alone(NamedTuple):
    """The server."""

    host: HostId
    admin_port: int
    process: ManagedProcess


@contextmanager
def running(directory: Path) -> Iterator[Alone]:
    port, admin_port = free_ports(2)
    directory.joinpath("data").mkdir(parents=True)
    settings = {
        "dataDir": directory / "data",
        "clientPort": port,
        "clientPortAddress": LOOPBACK,
        "tickTime": 500,
        "admin.serverAddress": LOOPBACK,
        "admin.serverPort": admin_port,
    }
    config = directory / "zoo.cfg"
    config.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
    main = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
    command = ["java", *JVM_OPTIONS, "-cp", f"{CLASSPATH}:{JETTY}", main, str(config)]
    process = ManagedProcess("zookeeper-alone", command, directory, directory / "zookeeper.log")
    process.start()
    try:
        yield Alone(HostId(LOOPBACK, port), admin_port, process)
    finally:
        process.stop()


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alone]:
    with running(tmp_path_factory.mktemp("alone") / "zookeeper") as found:
        yield found


@pytest.fixture
def client(alone: Alone) -> Iterator[KazooClient]:
    made = KazooClient(hosts=str(alone.host))
    made.start(timeout=30)
    yield made
    made.stop()
    made.close()


def test_a_word_that_is_not_allowed_is_no_failure(alone: Alone, client: KazooClient) -> None:
    watched = Watched([alone.host], root="")
    try:
        watched.want(NODE, SESSIONS)
        (told,) = wait_until(lambda: watched.rows(NODE, alone.host), WAIT, "the member")
        assert (told.role, told.source, told.version[:3]) == ("standalone", "4lw", "3.8")
        assert (told.watch_count, told.data_size_bytes) == (None, None)
        missing = watched.sample(NODE, alone.host).missing
        assert "mntr is not allowed there" in missing["watch_count"]
        assert missing["followers"] == "only a leader tells"
        wait_until(lambda: watched.sample(SESSIONS, alone.host).unavailable, WAIT, "the reason")
        assert "cons is not allowed there" in watched.sample(SESSIONS, alone.host).unavailable
        assert watched.state(alone.host) is MemberState.STANDALONE
        assert (watched.verdict.quorum, watched.verdict.voters) == (Quorum.HELD, 1)
    finally:
        watched.watch.stop()


def test_the_admin_server_tells_what_the_words_may_not(alone: Alone, client: KazooClient) -> None:
    watched = Watched([alone.host], root="", admin_port=alone.admin_port)
    try:
        watched.want(NODE, SESSIONS)
        (told,) = wait_until(lambda: watched.rows(NODE, alone.host), WAIT, "the member")
        assert (told.role, told.source, told.version[:3]) == ("standalone", "admin server", "3.8")
        assert told.watch_count is not None
        assert told.data_size_bytes > 0
        assert told.alive_connections >= 1
        own = f"0x{client.client_id[0]:x}"
        found = wait_until(
            lambda: [row for row in watched.rows(SESSIONS, alone.host) if row.sid == own], WAIT, "the session"
        )[0]
        assert found.client.startswith("127.0.0.1:")
        assert found.timeout_milliseconds > 0
    finally:
        watched.watch.stop()


def test_an_admin_server_that_is_not_there_leaves_what_srvr_tells(alone: Alone) -> None:
    (closed,) = free_ports(1)
    watched = Watched([alone.host], root="", admin_port=closed)
    try:
        watched.want(NODE)
        (told,) = wait_until(lambda: watched.rows(NODE, alone.host), WAIT, "the member")
        assert (told.role, told.source) == ("standalone", "4lw")
        assert "no AdminServer listens" in watched.sample(NODE, alone.host).missing["watch_count"]
    finally:
        watched.watch.stop()


HOSTS = [f"ch%2D{number}:9000" for number in range(8)]


def queue(client: KazooClient, entries: int) -> None:
    """Write a queue as ClickHouse does, all of it run everywhere; the newest entry is broken, the one before stuck."""
    top = "/clickhouse/task_queue/ddl"
    client.ensure_path(top)
    listed = ",".join(f"'{host}'" for host in HOSTS)
    for number in range(entries):
        text = f"version: 1\nquery: SELECT {number}\nhosts: [{listed}]\ninitiator: ch%2D0:9000\n"
        data = b"\xff\x1b" if number == entries - 1 else text.encode()
        writes = client.transaction()
        path = f"{top}/query-{number:010}"
        writes.create(path, data)
        writes.create(f"{path}/active", b"")
        writes.create(f"{path}/finished", b"")
        stuck = number == entries - 2
        for host in HOSTS[:3] if stuck else HOSTS:
            writes.create(f"{path}/finished/{host}", b"0\n")
        if stuck:
            writes.create(f"{path}/active/{HOSTS[3]}", b"")
        assert not [result for result in writes.commit() if isinstance(result, Exception)]
    client.create(f"{top}/not-an-entry", b"")


def test_a_long_queue_is_read_in_bounds_and_says_what_is_left_out(alone: Alone, client: KazooClient) -> None:
    queue(client, 260)
    watched = Watched([alone.host], root="")
    try:
        watched.want(QUEUE)
        entries: tuple[DdlEntry, ...] = wait_until(lambda: watched.rows(QUEUE), WAIT, "the queue")
        assert len(entries) == MOST_ENTRIES
        assert watched.sample(QUEUE).missing == {"rows": "the newest 200 of 260 entries"}
        assert entries[0].entry == "query-0000000259"
        assert entries[0].problem
        assert not entries[0].is_done
        assert entries[1].active == ("ch-3:9000",)
        assert entries[1].missing == ("ch-4:9000", "ch-5:9000", "ch-6:9000", "ch-7:9000")
        assert all(entry.missing == () for entry in entries[2:])
        # One answer has not requests enough for all of how they ended; the next ones go on.
        assert any(state.exception_code is None for entry in entries for state in entry.finished)
        wait_until(
            lambda: (
                {state.exception_code for entry in watched.rows(QUEUE) for state in entry.finished} == {0}
            ),
            WAIT,
            "all of how they ended",
        )
        before = received(client, alone)
        taken_at = watched.sample(QUEUE).taken_at
        wait_until(lambda: watched.sample(QUEUE).taken_at != taken_at, WAIT, "one more answer")
        assert received(client, alone) - before < 100
    finally:
        watched.watch.stop()


def received(client: KazooClient, alone: Alone) -> int:
    """How many packets the server has taken."""
    return int(client.command(b"srvr").split("Received: ")[1].split("\n")[0])


def test_hostile_replicas_are_read_as_what_they_are(alone: Alone, client: KazooClient) -> None:
    top = "/hostile/replicas"
    client.create(f"{top}/r\u202e[red]", b"", makepath=True)
    client.create(f"{top}/r1", b"")
    client.create(
        f"{top}/r1/host", b"host: \\x1b]0;x\nport: 1\ntcp_port: 99999999\ndatabase: \xff\ntable: a\\tb\n"
    )
    client.create(f"{top}/r1/log_pointer", b"-- 1e999")
    client.create(f"{top}/r1/is_active", b"", ephemeral=True)
    watched = Watched([alone.host], root="")
    wish, empty = replica_set("/hostile"), replica_set("/nothing here")
    try:
        watched.want(wish, empty, znode("/"))
        first, second = wait_until(lambda: watched.rows(wish), WAIT, "the replicas")
        by_name = {row.replica_name: row for row in (first, second)}
        assert not by_name["r\u202e[red]"].is_active
        row = by_name["r1"]
        assert (row.is_active, row.ephemeral_owner) == (True, f"0x{client.client_id[0]:x}")
        assert (row.log_pointer, row.host, row.table) == (None, "\x1b]0;x", "a\tb")
        assert row.database == "\ufffd"
        reason = wait_until(lambda: watched.sample(empty).unavailable, WAIT, "the reason")
        assert "there is no znode /nothing here/replicas" in reason
    finally:
        watched.watch.stop()
