"""The ensemble: who belongs to it, and whether it has a quorum. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from chtui.keeper.parse import Peer
from chtui.records import HostId
from chtui.records.keeper import KeeperMember, MemberState
from chtui.text import plural


class Quorum(StrEnum):
    """Whether the ensemble can commit. The order is by how bad it is, best first."""

    HELD = "quorum held"
    UNKNOWN = "unknown"
    """No member has told yet."""
    NO_LEADER = "no leader"
    """Enough members for a quorum answer, but none leads: an election is under way, or fails again and again."""
    LOST = "quorum lost"
    """Fewer members than a quorum needs answer, and none serves."""
    NO_ANSWER = "no member answers"

    @property
    def severity(self) -> int:
        """How bad it is; 0 is best."""
        return list(Quorum).index(self)


class Verdict(NamedTuple):
    """What the members' states mean together."""

    quorum: Quorum
    voters: int
    """How many members have a vote."""
    needed: int
    """How many of them a quorum needs."""
    serving: int
    """How many of them are seen to serve."""
    leader: HostId | None
    absent: tuple[HostId, ...]
    """Members that do not serve."""
    line: str
    """All of it in one line."""

    @property
    def spare(self) -> int:
        """How many more members can be lost before the quorum is; negative when it is lost."""
        return self.serving - self.needed


def verdict(members: Sequence[KeeperMember]) -> Verdict:
    """Return what the states of all known members mean.

    One member that serves is enough for a quorum to be held: a leader without a quorum, or a follower without a leader,
    steps down by itself.
    """
    voting = [member for member in members if member.state is not MemberState.OBSERVER]
    voters = max([len(voting), *(member.voters for member in members if member.voters is not None)])
    needed = voters // 2 + 1
    serving = [member for member in voting if member.state.serves]
    leads = [member for member in serving if member.state in (MemberState.LEADER, MemberState.STANDALONE)]
    is_serving = any(member.state.serves for member in members)
    absent = tuple(member.host for member in members if not member.state.serves)
    quorum = _quorum(voting, is_serving, voters, needed)
    leader = leads[0].host if len(leads) == 1 else None
    parts = [str(quorum)]
    if quorum in (Quorum.HELD, Quorum.LOST, Quorum.NO_LEADER):
        parts.append(f"{len(serving)} of {plural(voters, 'member')} serve, {needed} needed")
    if len(leads) > 1:
        # One that was hung calls itself leader until it finds that it has been replaced.
        parts.append(f"{len(leads)} members call themselves leader")
    elif quorum is Quorum.HELD and not leads:
        parts.append("the leader does not answer here")
    if absent:
        parts.append("not serving: " + ", ".join(str(host) for host in absent))
    line = "; ".join(parts)
    return Verdict(quorum, voters, needed, len(serving), leader, absent, line)


def _quorum(voting: Sequence[KeeperMember], is_serving: bool, voters: int, needed: int) -> Quorum:
    if is_serving:
        return Quorum.HELD
    answering = sum(member.state.answers for member in voting)
    silent = sum(member.state in (MemberState.CONNECTING, MemberState.TELLS_NOTHING) for member in voting)
    if not voting:
        return Quorum.UNKNOWN
    if not answering and not silent:
        return Quorum.NO_ANSWER
    unheard = silent + voters - len(voting)
    if unheard and answering + unheard >= needed:
        # Those that have told nothing may hold a quorum among themselves.
        return Quorum.UNKNOWN
    return Quorum.NO_LEADER if answering >= needed else Quorum.LOST


def widened(
    known: Mapping[HostId, int | None], peers: Iterable[Peer], teller_port: int
) -> tuple[HostId, ...]:
    """Return members the ensemble's configuration has beyond the known ones; none where it cannot be said which they are.

    Args:
        known: the known members, each with its server id where it has told it.
        peers: the configuration.
        teller_port: the client port of the member that told it, taken for those of which it names none.
    """
    configured = list(peers)
    told = {server_id for server_id in known.values() if server_id is not None}
    names = {host.host_name.lower() for host in known}
    others = [
        peer
        for peer in configured
        if peer.server_id not in told and peer.host_name.lower() not in names and peer.host_name != "0.0.0.0"
    ]
    # One known by another name, which has not told its number, would be counted twice.
    if len(others) + len(known) > len(configured):
        return ()
    return tuple(dict.fromkeys(HostId(peer.host_name, peer.client_port or teller_port) for peer in others))
