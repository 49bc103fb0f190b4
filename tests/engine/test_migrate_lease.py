"""The lease of a run on ClickHouse 26.9."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.engine import lease_cases
from tests.engine.leases import Server, prepared, races, refusal
from tests.support import ModernRig, wait_until


@pytest.fixture
def server(modern: ModernRig) -> Server:
    """The last host, without leases."""
    last = len(modern.nodes) - 1
    return prepared(
        Server(modern.http_ports[last], modern.password("admin"), lambda sql: modern.query(last, sql))
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


def test_the_holder_is_in_the_tables_comment(server: Server) -> None:
    server.lease("shown").acquire()
    comment = server.query(
        "SELECT comment FROM system.tables WHERE name = 'chtui_lease_shown_1' FORMAT TSVRaw"
    )
    for part in (
        '"holder": "anna@here pid 1"',
        '"journal": "/journals/anna"',
        '"generation": 1',
        '"taken_at": "2',
    ):
        assert part in comment


def test_a_restart_of_the_server_keeps_the_lease(server: Server, modern: ModernRig) -> None:
    node, last = modern.nodes[-1], len(modern.nodes) - 1

    def restart() -> None:
        node.restart()
        wait_until(lambda: modern.is_alive(last))

    lease_cases.a_restart_of_the_server_keeps_the_lease(server, restart, node.kill)


def test_a_host_that_hangs(server: Server, modern: ModernRig) -> None:
    node = modern.nodes[-1]
    lease_cases.a_host_that_hangs_is_unknown_within_the_deadline(server, node.suspend, node.resume)
    lease_cases.a_taking_nobody_answered_is_unknown_until_the_host_wakes(server, node.suspend, node.resume)


def test_a_database_there_is_not(server: Server) -> None:
    server.query("DROP DATABASE leases")
    refused = refusal(server.lease("none").acquire, 1)
    assert refused.what.startswith("Code 81")
