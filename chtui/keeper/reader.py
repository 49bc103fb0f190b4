"""Answers to the probes that read znodes, by one session with the ensemble."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from chtui.keeper import zoo
from chtui.keeper.ddl import DdlQueue
from chtui.keeper.parse import Peer
from chtui.keeper.znodes import browse, configured_peers, host_sessions, replica_set
from chtui.keeper.zoo import Budget, Zoo
from chtui.records import HostId

CONNECT_SECONDS = 5.0
"""How long all members together may take to open a session."""
ZNODE_SECONDS = 5.0
"""How long an answer may take once there is a session."""
MOST_REQUESTS = 1500
"""Requests to the ensemble one answer may cost."""


class Read(NamedTuple):
    """Records and what was left out."""

    rows: tuple[Any, ...]
    cut: str
    """What was left out, in one line; empty for nothing."""


class Reader:
    """What is kept between two answers; `connect` and the readers are called in one thread."""

    def __init__(self, root: str, ddl_queue_path: str, now: Callable[[], datetime]) -> None:
        self.order: Sequence[HostId] = ()
        """The members in the order to try them; set anew before each call."""
        self.homes: Mapping[HostId, Sequence[str]] = {}
        """The hosts whose sessions are to be found, each with paths of its replicas; replaced, never changed."""
        self._root = root
        self._queue = DdlQueue(ddl_queue_path)
        self._now = now

    def connect(self) -> Zoo:
        """Return a session.

        Raises:
            ConnectError: there is no member to try.
            DeadlineError: none has opened a session in time.
        """
        return zoo.connect(self.order, self._root, CONNECT_SECONDS)

    def read(self, session: Zoo, probe: str, path: str) -> Read:
        """Return the answer to `ddl_queue`, `host_sessions`, `replica_set` or `znode`.

        Raises:
            UnavailableError: what is asked for is not there, or may not be read.
            ConnectError: the session was lost.
            DeadlineError: no answer in time.
        """
        budget = Budget(ZNODE_SECONDS, MOST_REQUESTS)
        if probe == "ddl_queue":
            told = self._queue.read(session, budget, self._now())
            return Read(told.entries, told.cut)
        if probe == "host_sessions":
            sessions = host_sessions(session, self.homes, budget)
            return Read(sessions.rows, sessions.cut)
        if probe == "replica_set":
            replicas = replica_set(session, path, budget)
            return Read(replicas.rows, replicas.cut)
        browsed = browse(session, path, budget)
        return Read(browsed.rows, browsed.cut)

    def peers(self, session: Zoo) -> Sequence[Peer]:
        """Return the members by the ensemble's own configuration znode; raises as `read`."""
        return configured_peers(session, Budget(ZNODE_SECONDS, MOST_REQUESTS))
