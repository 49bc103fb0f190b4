"""Who belongs to the ensemble, how its members answer, and what that means together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chtui.errors import ChtuiError, ConnectError, DeadlineError, UnavailableError
from chtui.keeper.ensemble import Quorum, verdict, widened
from chtui.keeper.member import NodeTold
from chtui.keeper.parse import Peer, parse_peers
from chtui.keeper.roll import FORGET_SECONDS, Roll, backoff_seconds
from chtui.records import HostId
from chtui.records.keeper import KeeperMember, KeeperNode, MemberState
from tests.unit import keeper_recorded as recorded

A, B, C, D = (HostId(name, 2181) for name in ("zk-a", "zk-b", "zk-c", "zk-d"))
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def members(*states: MemberState, voters: int | None = None) -> list[KeeperMember]:
    return [
        KeeperMember(HostId(f"zk-{index}", 2181), state, voters=voters)
        for index, state in enumerate(states, 1)
    ]


S = MemberState


@pytest.mark.parametrize(
    ("states", "quorum", "spare"),
    [
        ((S.LEADER, S.FOLLOWER, S.FOLLOWER), Quorum.HELD, 1),
        ((S.FOLLOWER, S.LEADER, S.REFUSED), Quorum.HELD, 0),
        ((S.STANDALONE,), Quorum.HELD, 0),
        ((S.LEADER, S.FOLLOWER, S.FOLLOWER, S.OBSERVER), Quorum.HELD, 1),
        ((S.HUNG, S.FOLLOWER, S.FOLLOWER), Quorum.HELD, 0),
        ((S.HUNG, S.DOWN, S.FOLLOWER), Quorum.HELD, -1),
        ((S.OBSERVER, S.HUNG, S.HUNG), Quorum.HELD, -2),
        ((S.NOT_SERVING, S.NOT_SERVING, S.NOT_SERVING), Quorum.NO_LEADER, -2),
        ((S.NOT_SERVING, S.NOT_SERVING, S.DOWN), Quorum.NO_LEADER, -2),
        ((S.NOT_SERVING, S.HUNG, S.HUNG), Quorum.LOST, -2),
        ((S.READ_ONLY, S.REFUSED, S.REFUSED), Quorum.LOST, -2),
        ((S.NOT_SERVING, S.REFUSED, S.DOWN, S.HUNG, S.NOT_SERVING), Quorum.LOST, -3),
        ((S.HUNG, S.HUNG, S.HUNG), Quorum.NO_ANSWER, -2),
        ((S.REFUSED, S.DOWN, S.NOT_KEEPER), Quorum.NO_ANSWER, -2),
        ((S.CONNECTING, S.CONNECTING, S.CONNECTING), Quorum.UNKNOWN, -2),
        ((S.CONNECTING, S.NOT_SERVING, S.NOT_SERVING), Quorum.UNKNOWN, -2),
        ((S.TELLS_NOTHING, S.TELLS_NOTHING, S.HUNG), Quorum.UNKNOWN, -2),
        ((S.TELLS_NOTHING, S.HUNG, S.HUNG), Quorum.LOST, -2),
        ((), Quorum.UNKNOWN, -1),
    ],
)
def test_the_verdict(states: tuple[MemberState, ...], quorum: Quorum, spare: int) -> None:
    found = verdict(members(*states))
    assert (found.quorum, found.spare) == (quorum, spare)
    assert found.line.startswith(str(quorum))


def test_the_verdict_names_who_is_absent_and_who_leads() -> None:
    found = verdict(members(S.FOLLOWER, S.LEADER, S.HUNG))
    assert found.leader == HostId("zk-2", 2181)
    assert found.absent == (HostId("zk-3", 2181),)
    assert found.line == "quorum held; 2 of 3 members serve, 2 needed; not serving: zk-3:2181"


def test_the_verdict_counts_voters_that_are_told_but_not_known() -> None:
    found = verdict(members(S.FOLLOWER, voters=5))
    assert (found.quorum, found.voters, found.needed) == (Quorum.HELD, 5, 3)
    assert "the leader does not answer here" in found.line
    assert verdict(members(S.NOT_SERVING, voters=5)).quorum is Quorum.UNKNOWN
    assert verdict(members(S.HUNG, voters=5)).quorum is Quorum.NO_ANSWER


def test_two_leaders_are_said() -> None:
    found = verdict(members(S.LEADER, S.LEADER, S.FOLLOWER))
    assert (found.quorum, found.leader) == (Quorum.HELD, None)
    assert "2 members call themselves leader" in found.line


def test_the_configuration_adds_members_that_are_not_known() -> None:
    peers = parse_peers(recorded.KEEPER_CONFIG_ZNODE)
    known = {HostId("keeper-1", 9181): None}
    assert widened(known, peers, 9181) == (HostId("keeper-2", 9181), HostId("keeper-3", 9181))
    assert widened({HostId("KEEPER-1", 9181): None}, peers, 9181) == widened(known, peers, 9181)


def test_a_member_known_by_another_name_is_not_counted_twice() -> None:
    peers = parse_peers(recorded.KEEPER_CONFIG_ZNODE)
    one, two = HostId("10.0.0.1", 9181), HostId("10.0.0.2", 9181)
    assert widened({one: None}, peers, 9181) == ()
    assert widened({one: 1}, peers, 9181) == (HostId("keeper-2", 9181), HostId("keeper-3", 9181))
    assert widened({one: 1, two: None}, peers, 9181) == ()
    assert widened({one: 1, two: 3}, peers, 9181) == (HostId("keeper-2", 9181),)


def test_members_on_one_host_are_told_apart_by_port_only() -> None:
    peers = [Peer(number, "127.0.0.1", None, True) for number in (1, 2, 3)]
    assert widened({HostId("127.0.0.1", 2181): 1}, peers, 2181) == ()


def states(roll: Roll) -> list[tuple[str, MemberState]]:
    return [(member.host.host_name, member.state) for member in roll.members]


def test_the_profiles_list_is_the_ensemble() -> None:
    roll = Roll([B, A, A])
    assert not roll.told([C], 1.0)
    assert states(roll) == [("zk-a", S.CONNECTING), ("zk-b", S.CONNECTING)]


def test_without_a_list_the_hosts_tell_and_what_they_no_longer_tell_leaves_in_time() -> None:
    roll = Roll([])
    assert roll.told([A, B], 1.0)
    roll.answered(A, KeeperNode("leader"), NOW)
    roll.failed(B, ConnectError("refused", "x"), 1.0, NOW)
    assert roll.told([C], FORGET_SECONDS / 2)
    assert [member.host for member in roll.members] == [A, B, C]
    roll.told([C], FORGET_SECONDS + 2)
    assert [member.host for member in roll.members] == [A, C]
    assert {member.origin for member in roll.members} == {"ClickHouse"}


def test_hostile_names_are_no_members() -> None:
    roll = Roll([])
    roll.told(
        [HostId("a\x1bb", 1), HostId("", 1), HostId("ok", 0), HostId("ok", 70000), HostId("x" * 999, 1)], 1.0
    )
    assert roll.members == ()
    roll.told([HostId(f"m{index}", 1) for index in range(500)], 1.0)
    assert len(roll.members) == 99


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (ConnectError("refused", "x"), S.REFUSED),
        (ConnectError("closed", "x"), S.REFUSED),
        (ConnectError("down", "x"), S.DOWN),
        (ConnectError("unreachable", "x"), S.DOWN),
        (ConnectError("not_keeper", "x"), S.NOT_KEEPER),
        (DeadlineError("x"), S.HUNG),
        (UnavailableError("x"), S.TELLS_NOTHING),
        (ChtuiError("x"), S.DOWN),
    ],
)
def test_what_went_wrong_is_a_state(error: ChtuiError, state: MemberState) -> None:
    roll = Roll([A])
    roll.failed(A, error, 5.0, NOW)
    (member,) = roll.members
    assert (member.state, member.since, member.error) == (state, NOW, error.line)
    assert roll.entries[A].failures == (0 if state is S.TELLS_NOTHING else 1)


def test_a_hung_member_whose_queue_is_full_is_still_hung() -> None:
    roll = Roll([A])
    roll.failed(A, DeadlineError("x"), 5.0, NOW)
    roll.failed(A, ConnectError("unreachable", "y"), 6.0, NOW + timedelta(seconds=1))
    assert (roll.members[0].state, roll.members[0].since) == (S.HUNG, NOW)
    roll.failed(A, ConnectError("down", "no route"), 7.0, NOW + timedelta(seconds=2))
    assert roll.members[0].state is S.DOWN


def test_an_answer_ends_the_trouble_and_keeps_what_was_told() -> None:
    roll = Roll([A])
    roll.answered(A, KeeperNode("follower", voters=3), NOW)
    roll.failed(A, DeadlineError("x"), 5.0, NOW + timedelta(seconds=5))
    roll.answered(A, KeeperNode("not serving"), NOW + timedelta(seconds=9))
    (member,) = roll.members
    assert (member.state, member.error, member.voters) == (S.NOT_SERVING, "", 3)
    assert roll.entries[A].retry_at == 0.0


def test_the_number_of_voters_comes_from_the_configuration_where_members_do_not_tell() -> None:
    roll = Roll([HostId("keeper-1", 9181)])
    roll.configured(HostId("keeper-1", 9181), 1, parse_peers(recorded.KEEPER_CONFIG_ZNODE))
    assert roll.told([], 1.0)
    assert [(member.host.host_name, member.voters, member.origin) for member in roll.members] == [
        ("keeper-1", 2, "profile"),
        ("keeper-2", 2, "ensemble"),
        ("keeper-3", 2, "ensemble"),
    ]
    roll.configured(HostId("keeper-1", 9181), None, ())
    told = NodeTold(KeeperNode("leader"), {"server_id": "x", "voters": "y"})
    assert roll.numbered(HostId("keeper-1", 9181), told) == (
        KeeperNode("leader", server_id=1),
        {"voters": "y"},
    )


def test_sessions_are_opened_with_members_that_serve_and_the_leader_is_spared() -> None:
    roll = Roll([A, B, C, D])
    roll.answered(A, KeeperNode("leader"), NOW)
    roll.answered(B, KeeperNode("follower"), NOW)
    roll.failed(C, DeadlineError("x"), 1.0, NOW)
    assert roll.order() == (B, A, D, C)


def test_the_pause_after_failures_grows_to_ten_seconds() -> None:
    pauses = [backoff_seconds(failures) for failures in (1, 2, 3, 4, 5, 50, 5000)]
    for pause, longest in zip(pauses, (1, 2, 4, 8, 10, 10, 10), strict=True):
        assert longest * 2 / 3 <= pause <= longest
    assert len({backoff_seconds(9) for _ in range(20)}) > 1
