"""The lease of a run on ClickHouse 18.16, whose tables have no comment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.engine import lease_cases
from tests.engine.leases import DATABASE, Server, prepared, races
from tests.rigs.fixtures import ReplicatedCluster
from tests.rigs.servers import ServerNode


@pytest.fixture
def node(replicated_cluster: ReplicatedCluster) -> ServerNode:
    """The last server."""
    return replicated_cluster.servers.nodes[-1]


@pytest.fixture
def server(replicated_cluster: ReplicatedCluster, node: ServerNode) -> Server:
    """The same, without leases."""
    servers = replicated_cluster.servers
    return prepared(
        Server(
            replicated_cluster.http_port(node),
            servers.passwords["admin"],
            lambda sql: servers.query(node, sql, user="admin"),
        )
    )


@pytest.mark.parametrize(
    "case",
    [
        lease_cases.a_lease_is_taken_shown_renewed_and_let_go_of,
        lease_cases.a_takeover_waits_for_expiry_or_is_forced,
        lease_cases.who_holds_the_same_journal_need_not_wait,
        lease_cases.a_stopped_holder_fails_once_it_wakes,
        lease_cases.a_holder_stopped_with_the_answer_in_hand_does_not_trust_it,
        lease_cases.a_heartbeat_keeps_a_lease_until_it_is_lost,
        lease_cases.tables_that_are_no_leases_are_told,
    ],
    ids=lambda case: case.__name__,
)
def test_a_lease_where(server: Server, case: Callable[[Server], None]) -> None:
    case(server)


def test_of_all_who_race_one_wins(server: Server) -> None:
    ended = races(server, 40)
    assert ended["won"] == 40
    assert ended["faster"] + ended["held"] == 80
    assert ended["faster"] > 0


def test_tables_that_come_and_go_meanwhile_do_not_matter(server: Server) -> None:
    lease = server.lease("busy")
    lease.acquire()
    done = threading.Event()

    def come_and_go(number: int) -> None:
        table = f"{DATABASE}.passing_{number}"
        while not done.is_set():
            server.query(f"CREATE TABLE {table} (day Date) ENGINE = TinyLog")
            server.query(f"DROP TABLE {table}")

    with ThreadPoolExecutor() as pool:
        others = [pool.submit(come_and_go, number) for number in range(4)]
        try:
            assert {lease.check(20.0).highest for _ in range(200)} == {1}
        finally:
            done.set()
        for other in others:
            other.result()


def test_the_holder_is_in_the_first_columns_comment(server: Server) -> None:
    server.lease("shown").acquire()
    comment = server.query(
        "SELECT comment FROM system.columns WHERE table = 'chtui_lease_shown_1' AND name = 'until' FORMAT TSVRaw"
    )
    for part in (
        '"holder": "anna@here pid 1"',
        '"journal": "/journals/anna"',
        '"generation": 1',
        '"taken_at": "2',
    ):
        assert part in comment


def test_a_restart_of_the_server_keeps_the_lease(
    server: Server, replicated_cluster: ReplicatedCluster, node: ServerNode
) -> None:
    servers = replicated_cluster.servers
    lease_cases.a_restart_of_the_server_keeps_the_lease(
        server, lambda: servers.restart(node), lambda: servers.kill(node)
    )


def test_a_host_that_hangs(server: Server, replicated_cluster: ReplicatedCluster, node: ServerNode) -> None:
    servers = replicated_cluster.servers

    def suspend() -> None:
        servers.suspend(node)

    def resume() -> None:
        servers.resume(node)

    lease_cases.a_host_that_hangs_is_unknown_within_the_deadline(server, suspend, resume)
    lease_cases.a_taking_nobody_answered_is_unknown_until_the_host_wakes(server, suspend, resume)
