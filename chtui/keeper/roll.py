"""Who belongs to the ensemble and how each member answers: a book that is kept, with time given from outside."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from chtui.errors import ChtuiError
from chtui.keeper.ensemble import widened
from chtui.keeper.member import NodeTold, state_of
from chtui.keeper.parse import Peer
from chtui.records import HostId
from chtui.records.keeper import KeeperMember, KeeperNode, MemberState
from chtui.text import sanitize

MOST_MEMBERS = 99
FIRST_BACKOFF_SECONDS = 1.0
LONGEST_BACKOFF_SECONDS = 10.0
FORGET_SECONDS = 600.0
"""A member that no ClickHouse host names any more and that has not answered for so long has left the ensemble."""


def backoff_seconds(failures: int) -> float:
    """Return how long to wait after so many failures in a row: doubling from 1 s to 10 s, less up to a third at random."""
    longest = min(LONGEST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2.0 ** min(failures - 1, 10))
    return longest * random.uniform(2 / 3, 1)


@dataclass(slots=True)
class Entry:
    """One member in the book."""

    member: KeeperMember
    told_at: float
    """When it was last named, monotonic."""
    server_id: int | None = None
    failures: int = 0
    """In a row."""
    retry_at: float = 0.0
    """Before this instant it is not asked again, monotonic."""


class Roll:
    """The book of members. The profile's list is the ensemble; without one, what ClickHouse hosts tell."""

    def __init__(self, listed: Iterable[HostId]) -> None:
        self._listed = tuple(dict.fromkeys(listed))
        self._peers: tuple[Peer, ...] = ()
        self._teller_port = 0
        self.entries: dict[HostId, Entry] = {}
        for host in self._listed:
            self._enter(host, "profile", 0.0)

    @property
    def members(self) -> tuple[KeeperMember, ...]:
        """Every member, by name and port."""
        voters = self._voters
        return tuple(self.entries[host].member._replace(voters=voters) for host in sorted(self.entries))

    @property
    def peers(self) -> tuple[Peer, ...]:
        """The ensemble's own configuration; empty while unknown."""
        return self._peers

    def told(self, hosts: Iterable[HostId], now: float) -> bool:
        """Note members that ClickHouse hosts name now; return whether that changed the book."""
        before = set(self.entries)
        if not self._listed:
            for host in list(dict.fromkeys(hosts))[:MOST_MEMBERS]:
                self._enter(host, "ClickHouse", now)
            for host, entry in list(self.entries.items()):
                if not entry.member.state.answers and now - entry.told_at > FORGET_SECONDS:
                    del self.entries[host]
        self._widen(now)
        return set(self.entries) != before

    def configured(self, teller: HostId | None, server_id: int | None, peers: Iterable[Peer]) -> None:
        """Note what a member, or the ensemble's configuration znode, tells of the ensemble."""
        found = tuple(peers)
        if found:
            self._peers = found
        if teller is not None:
            self._teller_port = teller.port
            if teller in self.entries and server_id is not None:
                self.entries[teller].server_id = server_id

    def numbered(self, host: HostId, told: NodeTold) -> NodeTold:
        """Return a member's answer with its number in the configuration, which it tells apart, where it is known."""
        entry = self.entries.get(host)
        if entry is None or entry.server_id is None:
            return told
        missing = {name: reason for name, reason in told.missing.items() if name != "server_id"}
        return NodeTold(told.node._replace(server_id=entry.server_id), missing)

    def answered(self, host: HostId, node: KeeperNode, at: datetime) -> None:
        """Note a member's answer."""
        entry = self.entries.get(host)
        if entry is not None:
            entry.failures, entry.retry_at = 0, 0.0
            self._turn(entry, state_of(node), at)
            voters = node.voters if node.voters is not None else entry.member.voters
            entry.member = entry.member._replace(answered_at=at, error="", voters=voters)

    def failed(self, host: HostId, error: ChtuiError, now: float, at: datetime) -> None:
        """Note that a member could not be asked; `now` is monotonic, `at` the same instant on the wall."""
        entry = self.entries.get(host)
        if entry is None:
            return
        state = state_of(error)
        if state is MemberState.TELLS_NOTHING:
            entry.failures, entry.retry_at = 0, 0.0
        else:
            entry.failures += 1
            entry.retry_at = now + backoff_seconds(entry.failures)
        unreachable = getattr(error, "kind", "") == "unreachable"
        if unreachable and entry.member.state is MemberState.HUNG:
            # A hung process takes no connections any more once the kernel's queue for it is full.
            state = MemberState.HUNG
        self._turn(entry, state, at)
        entry.member = entry.member._replace(error=said_by(host, error))

    def order(self) -> tuple[HostId, ...]:
        """Return the members in the order to try them for a session: those that serve first, the leader spared."""

        def rank(entry: Entry) -> tuple[int, float]:
            state = entry.member.state
            if state is MemberState.LEADER:
                return 1, 0.0
            return (0 if state.serves else 2 + state.severity), random.random()

        return tuple(entry.member.host for entry in sorted(self.entries.values(), key=rank))

    @property
    def _voters(self) -> int | None:
        told = [entry.member.voters for entry in self.entries.values() if entry.member.voters is not None]
        configured = sum(peer.votes for peer in self._peers)
        return max(told, default=0) or configured or None

    def _widen(self, now: float) -> None:
        known = {host: entry.server_id for host, entry in self.entries.items()}
        for host in widened(known, self._peers, self._teller_port) if self._teller_port else ():
            self._enter(host, "ensemble", now)
        configured = {peer.server_id for peer in self._peers}
        for entry in self.entries.values():
            if entry.member.origin == "ensemble" and configured:
                entry.told_at = now

    def _enter(self, host: HostId, origin: str, now: float) -> None:
        if host in self.entries:
            self.entries[host].told_at = now
        elif len(self.entries) < MOST_MEMBERS and 0 < host.port < 65536:
            clean = HostId(sanitize(host.host_name, 253), host.port)
            if clean == host and host.host_name:
                self.entries[host] = Entry(KeeperMember(host, origin=origin), now)

    def _turn(self, entry: Entry, state: MemberState, at: datetime) -> None:
        if entry.member.state is not state or entry.member.since is None:
            entry.member = entry.member._replace(state=state, since=at)


def said_by(host: HostId, error: ChtuiError) -> str:
    """Return an error's line as it stands beside the member's name: without that name."""
    return error.what if error.where == str(host) and not error.fix else error.line
