"""A client of the ensemble that can only read: a thin wrapper of kazoo, every call with its own deadline.

It connects to one member at a time, since kazoo by itself may wait for a hung one longer than any deadline here.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from chtui.errors import ChtuiError, ConnectError, DeadlineError, UnavailableError
from chtui.records import HostId
from chtui.text import one_line

if TYPE_CHECKING:
    from kazoo.client import KazooClient

SESSION_SECONDS = 6.0
"""How long the ensemble keeps a session that is silent; a hung connection is noticed within it."""
MEMBER_SECONDS = 2.0
"""How long one member may take to open a session before the next is tried."""
IN_FLIGHT = 100
"""Requests sent before the first answer is waited for."""
LONGEST_PATH = 4096
NEVER = logging.CRITICAL + 1


class Stat(NamedTuple):
    """The parts of a znode's stat that are used; instants in milliseconds since 1970."""

    version: int
    created_milliseconds: int
    modified_milliseconds: int
    ephemeral_owner: int
    data_bytes: int
    children: int
    created_zxid: int
    modified_zxid: int


class Budget:
    """How long an answer may take, and how many requests it may cost."""

    def __init__(self, seconds: float, requests: int) -> None:
        self.deadline_at = time.monotonic() + seconds
        self.requests = requests
        """How many are left."""

    def take(self, count: int) -> int:
        """Take as many of `count` requests as are left; return how many."""
        taken = min(count, self.requests)
        self.requests -= taken
        return taken


class Zoo:
    """A session with the ensemble. Paths are below `root`, as ClickHouse writes them. Used by one thread."""

    def __init__(self, client: KazooClient, member: HostId, root: str) -> None:
        self._client = client
        self.member = member
        """The member the session was opened with."""
        self._root = root.rstrip("/")

    @property
    def sid(self) -> str:
        """The session's own id, `0x...`."""
        client_id = self._client.client_id
        return f"0x{client_id[0] & 0xFFFF_FFFF_FFFF_FFFF:x}" if client_id else ""

    def stats(self, paths: Sequence[str], budget: Budget) -> list[Stat | None]:
        """Return the stat of each znode, None for one that is not there.

        Raises:
            UnavailableError: this session may not read one of them.
            ConnectError: the session was lost.
            DeadlineError: no answer in time.
        """
        return [None if found is None else _stat(found) for found in self._all("exists", paths, budget)]

    def data(self, paths: Sequence[str], budget: Budget) -> list[tuple[bytes, Stat] | None]:
        """Return data and stat of each znode, None for one that is not there; raises as `stats`."""
        answers = self._all("get", paths, budget)
        return [None if found is None else (bytes(found[0] or b""), _stat(found[1])) for found in answers]

    def children(self, paths: Sequence[str], budget: Budget) -> list[list[str] | None]:
        """Return the names of each znode's children, None for one that is not there; raises as `stats`."""
        return [None if found is None else sorted(found) for found in self._all("children", paths, budget)]

    def close(self) -> None:
        """End the session; returns at once."""
        _leave(self._client)

    def _all(self, what: str, paths: Sequence[str], budget: Budget) -> list[Any]:
        found: list[Any] = []
        for start in range(0, len(paths), IN_FLIGHT):
            found += self._some(what, paths[start : start + IN_FLIGHT], budget)
        return found

    def _some(self, what: str, paths: Iterable[str], budget: Budget) -> list[Any]:
        from kazoo.exceptions import KazooException, NoAuthError, NoNodeError
        from kazoo.handlers.threading import KazooTimeoutError

        client = self._client
        send: Callable[[str], Any] = {
            "exists": client.exists_async,
            "get": client.get_async,
            "children": client.get_children_async,
        }[what]
        where, found = str(self.member), []
        if not client.connected:
            # kazoo would hold the requests until it has a session again.
            raise ConnectError("closed", "the session was lost", where=where)
        waiting = [(path, send(place)) for path, place in [(path, self._absolute(path)) for path in paths]]
        for path, answer in waiting:
            try:
                found.append(answer.get(timeout=max(0.0, budget.deadline_at - time.monotonic())))
            except NoNodeError:
                found.append(None)
            except NoAuthError as error:
                raise UnavailableError(f"this session may not read {one_line(path, 200)}") from error
            except KazooTimeoutError as error:
                raise DeadlineError("no answer in time", where=where) from error
            except KazooException as error:
                name = type(error).__name__
                raise ConnectError("closed", f"the session was lost ({name})", where=where) from error
        return found

    def _absolute(self, path: str) -> str:
        # What stands beside ClickHouse's own root is the ensemble's, not ClickHouse's.
        if path in ENSEMBLE_PATHS:
            return path
        if not is_path(path):
            raise UnavailableError(
                f"'{one_line(path, 60)}' is no path of a znode",
                fix="it begins with a slash and ends with none",
            )
        return (self._root + path).rstrip("/") or "/"


ENSEMBLE_PATHS = ("/zookeeper/config", "/keeper/config")
"""Where ZooKeeper and ClickHouse Keeper hold the ensemble's configuration, whatever root ClickHouse has."""


def is_path(path: str) -> bool:
    """Whether this can be a znode's path; kazoo may lose its connection over what cannot."""
    if path == "/":
        return True
    # Lone surrogates stand for no character and cannot be sent.
    is_text = not re.search("[\0\ud800-\udfff]", path)
    parts = path.split("/")
    return is_text and len(path) <= LONGEST_PATH and not parts[0] and not {"", ".", ".."} & {*parts[1:]}


def connect(members: Sequence[HostId], root: str, seconds: float) -> Zoo:
    """Return a session with the first of the members that opens one; blocks for `seconds` at most.

    Raises:
        ConnectError: there is no member to try.
        DeadlineError: none has opened a session in time.
    """
    from kazoo.client import KazooClient

    if not members:
        raise ConnectError("down", "no member of the ensemble is known", fix="set keeper in the profile")
    silence = logging.getLogger("kazoo")
    silence.setLevel(NEVER)
    deadline_at = time.monotonic() + seconds
    for index, member in enumerate(members):
        left = deadline_at - time.monotonic()
        if left <= 0:
            break
        # kazoo takes a connection string apart by comma and slash.
        if any(character in member.host_name for character in ",/ "):
            continue
        client = KazooClient(
            hosts=str(member), timeout=SESSION_SECONDS, read_only=True, logger=silence, randomize_hosts=False
        )
        event = client.start_async()
        event.wait(left if index == len(members) - 1 else min(left, MEMBER_SECONDS))
        if client.connected:
            return Zoo(client, member, root)
        _leave(client)
    names = ", ".join(str(member) for member in members)
    raise DeadlineError(f"no session could be opened in {seconds:.0f} s", where=names)


def _leave(client: KazooClient) -> None:
    """Stop a client in a thread of its own: kazoo waits there for a connection that may hang."""

    def stop() -> None:
        from kazoo.exceptions import KazooException

        try:
            client.stop()
            client.close()
        except (KazooException, OSError, AttributeError) as error:
            logging.getLogger("chtui").debug("leaving Keeper failed: %s", type(error).__name__)

    threading.Thread(target=stop, name="leaving keeper", daemon=True).start()


def _stat(stat: Any) -> Stat:
    return Stat(
        version=stat.version,
        created_milliseconds=stat.ctime,
        modified_milliseconds=stat.mtime,
        ephemeral_owner=stat.ephemeralOwner,
        data_bytes=stat.dataLength,
        children=stat.numChildren,
        created_zxid=stat.czxid,
        modified_zxid=stat.mzxid,
    )


def missing_path(path: str) -> ChtuiError:
    """Return the error for a znode that is not there."""
    return UnavailableError(
        f"there is no znode {one_line(path, 200)}",
        fix="if ClickHouse has a root in its zookeeper configuration, set keeper_root in the profile",
    )
