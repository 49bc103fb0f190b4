"""The questions to one member of the ensemble, each with one deadline whatever it takes to answer them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import NamedTuple

from chtui.errors import ChtuiError, ConnectError, DeadlineError, UnavailableError
from chtui.keeper import admin
from chtui.keeper.parse import Conf, is_not_serving, parse_conf, parse_cons, parse_mntr, parse_srvr
from chtui.keeper.words import ask
from chtui.records import HostId
from chtui.records.keeper import KeeperNode, KeeperSession, MemberState

MOST_SESSIONS = 5000
"""Sessions kept of one member; more are counted only."""
LEADER_FIELDS = frozenset({"followers", "synced_followers"})
STATES = {
    "refused": MemberState.REFUSED,
    "closed": MemberState.REFUSED,
    "not_keeper": MemberState.NOT_KEEPER,
}


class NodeTold(NamedTuple):
    """A member's word on itself."""

    node: KeeperNode
    missing: Mapping[str, str]
    """Record field to reason, for what it did not tell."""


class SessionsTold(NamedTuple):
    """A member's connections."""

    sessions: tuple[KeeperSession, ...]
    cut: str
    """What was left out, in one line; empty for nothing."""


def node(member: HostId, seconds: float, admin_port: int | None = None) -> NodeTold:
    """Return what a member tells about itself: by `mntr`, else by the AdminServer, else by `srvr`.

    Raises:
        UnavailableError: it allows none of these.
        ConnectError: it cannot be reached, or is no Keeper.
        DeadlineError: it has not answered in time.
    """
    deadline_at = time.monotonic() + seconds
    where = str(member)
    try:
        told = parse_mntr(ask(member, "mntr", deadline_at), where)
    except UnavailableError as refused:
        return _without_mntr(member, deadline_at, admin_port, refused)
    if told.role == "not serving":
        return NodeTold(told, _missing(told, "it serves nobody now"))
    try:
        told = told._replace(zxid=parse_srvr(ask(member, "srvr", deadline_at), where).zxid)
    except UnavailableError as refused:
        return NodeTold(told, {**_missing(told, "not told by this version"), "zxid": refused.what})
    return NodeTold(told, _missing(told, "not told by this version"))


def _without_mntr(
    member: HostId, deadline_at: float, admin_port: int | None, refused: UnavailableError
) -> NodeTold:
    if admin_port is not None:
        try:
            told = admin.node(member.host_name, admin_port, deadline_at)
            return NodeTold(told, {"zxid": "the AdminServer does not tell", **_missing(told, refused.what)})
        except ConnectError as error:
            refused = UnavailableError(f"{refused.what}, and {error.line}", where=str(member))
    told = parse_srvr(ask(member, "srvr", deadline_at), str(member))
    return NodeTold(told, _missing(told, refused.what))


def _missing(told: KeeperNode, reason: str) -> dict[str, str]:
    special = {"server_id": "its configuration was not read yet, or may not be"}
    if told.role != "leader":
        special |= dict.fromkeys(LEADER_FIELDS, "only a leader tells")
    return {
        name: special.get(name, reason)
        for name, value in zip(told._fields, told, strict=True)
        if value is None
    }


def sessions(member: HostId, seconds: float, admin_port: int | None = None) -> SessionsTold:
    """Return the sessions of a member's clients: by `cons`, else by the AdminServer.

    Raises:
        UnavailableError: it allows neither.
        ConnectError: it cannot be reached.
        DeadlineError: it has not answered in time.
    """
    deadline_at = time.monotonic() + seconds
    try:
        found, count = parse_cons(ask(member, "cons", deadline_at), MOST_SESSIONS)
    except UnavailableError:
        if admin_port is None:
            raise
        found, count = admin.sessions(member.host_name, admin_port, deadline_at, MOST_SESSIONS)
    cut = f"the first {len(found)} of {count} sessions" if count > len(found) else ""
    return SessionsTold(found, cut)


def conf(member: HostId, seconds: float) -> Conf:
    """Return what a member tells of the ensemble's configuration; nothing where it may not.

    Raises:
        ConnectError: it cannot be reached.
        DeadlineError: it has not answered in time.
    """
    try:
        text = ask(member, "conf", time.monotonic() + seconds)
    except UnavailableError:
        return Conf(None, ())
    return Conf(None, ()) if is_not_serving(text) else parse_conf(text)


def state_of(outcome: KeeperNode | ChtuiError) -> MemberState:
    """Return how a member answers, by its answer or by what went wrong."""
    if isinstance(outcome, KeeperNode):
        return MemberState(outcome.role)
    if isinstance(outcome, UnavailableError):
        return MemberState.TELLS_NOTHING
    if isinstance(outcome, DeadlineError):
        return MemberState.HUNG
    return STATES.get(getattr(outcome, "kind", ""), MemberState.DOWN)
