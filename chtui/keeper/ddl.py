"""The queue of statements sent with ON CLUSTER, as ClickHouse keeps it in ZooKeeper.

Entries and how they ended never change, so each is read once; a poll costs a request for the list and two for each
entry that some host has not run yet.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import unquote

from chtui.errors import UnavailableError
from chtui.keeper.parse import instant
from chtui.keeper.zoo import Budget, Stat, Zoo
from chtui.records import HostId
from chtui.records.keeper import DdlEntry, DdlHostState
from chtui.text import one_line

MOST_ENTRIES = 200
"""Entries kept, the newest."""
MOST_HOSTS = 1000
LONGEST_QUERY = 64 << 10
ENTRY = re.compile(r"query-\d{10,}")
ESCAPED = re.compile(r"\\(x[0-9A-Fa-f]{2}|.)", re.DOTALL)
ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "0": "\0", "a": "\a", "v": "\v"}
QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL)
SOONEST = datetime.fromtimestamp(0, UTC)


class Told(NamedTuple):
    """The queue."""

    entries: tuple[DdlEntry, ...]
    """The newest first."""
    cut: str
    """What was left out, in one line; empty for nothing."""


class _Known(NamedTuple):
    """What an entry says, without how it goes on."""

    created_at: datetime
    initiator: str
    query: str
    hosts: tuple[str, ...]
    problem: str


class DdlQueue:
    """Reads the queue again and again; used by one thread."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._created_zxid = 0
        self._known: dict[str, _Known] = {}
        self._ended: dict[tuple[str, str], DdlHostState] = {}
        self._done: dict[str, DdlEntry] = {}

    def read(self, zoo: Zoo, budget: Budget, now: datetime) -> Told:
        """Return the newest entries of the queue; `now` is the instant their ages are told for.

        Raises:
            UnavailableError: there is no queue at the path, or this session may not read it.
            ConnectError: the session was lost.
            DeadlineError: no answer in time.
        """
        budget.take(2)
        (stat,) = zoo.stats([self.path], budget)
        (names,) = zoo.children([self.path], budget) if stat is not None else (None,)
        if stat is None or names is None:
            raise UnavailableError(
                f"there is no DDL queue at {one_line(self.path, 200)}: nothing was sent with ON CLUSTER, or it is elsewhere",
                fix="set ddl_queue_path and keeper_root in the profile as in the servers' configuration",
            )
        if stat.created_zxid != self._created_zxid:
            self._forget_all(stat)
        entries = sorted((name for name in names if ENTRY.fullmatch(name)), key=_number, reverse=True)
        kept = entries[:MOST_ENTRIES]
        self._forget_others(set(kept))
        self._read_entries(zoo, [name for name in kept if name not in self._known], budget)
        running = [name for name in kept if name in self._known and name not in self._done]
        found = {**self._done, **self._read_states(zoo, running, budget, now)}
        self._done = {name: entry for name, entry in found.items() if entry.is_done and _is_known(entry)}
        rows = tuple(_aged(found[name], now) for name in kept if name in found)
        return Told(rows, _cut(len(entries), len(kept), len(rows)))

    def _forget_all(self, stat: Stat) -> None:
        """The queue was made anew: its numbers start again."""
        self._created_zxid = stat.created_zxid
        self._known.clear()
        self._ended.clear()
        self._done.clear()

    def _forget_others(self, kept: set[str]) -> None:
        self._known = {name: known for name, known in self._known.items() if name in kept}
        self._ended = {key: state for key, state in self._ended.items() if key[0] in kept}
        self._done = {name: entry for name, entry in self._done.items() if name in kept}

    def _read_entries(self, zoo: Zoo, names: Sequence[str], budget: Budget) -> None:
        asked = names[: budget.take(len(names))]
        for name, found in zip(
            asked, zoo.data([f"{self.path}/{name}" for name in asked], budget), strict=True
        ):
            if found is not None:
                self._known[name] = _parsed(found[0], found[1])

    def _read_states(
        self, zoo: Zoo, names: Sequence[str], budget: Budget, now: datetime
    ) -> dict[str, DdlEntry]:
        asked = names[: budget.take(2 * len(names)) // 2]
        active = zoo.children([f"{self.path}/{name}/active" for name in asked], budget)
        finished = zoo.children([f"{self.path}/{name}/finished" for name in asked], budget)
        ended = dict(zip(asked, finished, strict=True))
        fresh = [
            (name, host)
            for name in asked
            for host in (ended[name] or [])[:MOST_HOSTS]
            if (name, host) not in self._ended
        ]
        fresh = fresh[: budget.take(len(fresh))]
        paths = [f"{self.path}/{name}/finished/{host}" for name, host in fresh]
        for (name, host), found in zip(fresh, zoo.data(paths, budget), strict=True):
            if found is not None:
                self._ended[name, host] = parse_ended(name, readable_host(host), found[0])
        return {
            name: self._entry(name, running or [], (ended[name] or [])[:MOST_HOSTS], now)
            for name, running in zip(asked, active, strict=True)
        }

    def _entry(self, name: str, active: Sequence[str], finished: Sequence[str], now: datetime) -> DdlEntry:
        known = self._known[name]
        states = [
            self._ended.get((name, host)) or DdlHostState(name, readable_host(host), "finished")
            for host in finished
        ]
        ended = {state.host for state in states}
        return DdlEntry(
            entry=name,
            created_at=known.created_at,
            age_seconds=_age(known.created_at, now),
            initiator=known.initiator,
            query=known.query,
            hosts=known.hosts,
            active=tuple(host for host in map(readable_host, active[:MOST_HOSTS]) if host not in ended),
            finished=tuple(states),
            problem=known.problem,
        )


def parse_entry(text: str) -> Mapping[str, str]:
    """Return the lines of an entry by name, their values as written; empty for what is no entry.

    Version 1 has query, hosts and initiator; later ones have settings and more besides.
    """
    lines = text.split("\n")
    version, _, number = lines[0].partition(": ")
    if version != "version" or not number.strip().isdecimal():
        return {}
    values: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon:
            values.setdefault(name, value.strip())
    return values


def parse_ended(entry: str, host: str, data: bytes) -> DdlHostState:
    """Return how an entry ended on a host, by the znode `finished/HOST`: a code, and a line of text."""
    code_text, _, text = data.decode("utf-8", "replace").partition("\n")
    if not re.fullmatch(r"-?[0-9]{1,9}", code_text.strip()):
        return DdlHostState(entry, host, "finished", None, "how it ended cannot be read")
    code = int(code_text)
    return DdlHostState(entry, host, "failed" if code else "finished", code, unescape(text.rstrip("\n")))


def readable_host(name: str) -> str:
    """Return a host as the queue writes it (`127%2E0%2E0%2E1:9000`) as `host_name:native_port`."""
    host, colon, port = name.rpartition(":")
    return host_id(unquote(host, errors="replace"), port) if colon else unquote(name, errors="replace")


def host_id(host: str, port: str) -> str:
    """Return `host_name:native_port`; the name alone without a port, and nothing without a name."""
    if not host or not re.fullmatch(r"[0-9]{1,5}", port):
        return host
    return str(HostId(host, int(port)))


def unescape(text: str) -> str:
    """Return a text of ClickHouse's TSV without its escapes."""

    def plain(match: re.Match[str]) -> str:
        found = match[1]
        if len(found) == 3:
            return chr(int(found[1:], 16))
        return ESCAPES.get(found, found)

    return ESCAPED.sub(plain, text)


def _parsed(data: bytes, stat: Stat) -> _Known:
    created = instant(stat.created_milliseconds) or SOONEST
    values = parse_entry(data.decode("utf-8", "replace"))
    if "query" not in values or "hosts" not in values:
        return _Known(created, "", "", (), "the entry is not written as any known version writes it")
    hosts = [readable_host(unescape(found)) for found in QUOTED.findall(values["hosts"])]
    return _Known(
        created_at=created,
        initiator=readable_host(unescape(values.get("initiator", ""))),
        query=unescape(values["query"])[:LONGEST_QUERY],
        hosts=tuple(dict.fromkeys(hosts[:MOST_HOSTS])),
        problem="",
    )


def _is_known(entry: DdlEntry) -> bool:
    """Whether nothing about it is left to read."""
    return all(state.exception_code is not None for state in entry.finished)


def _age(created_at: datetime, now: datetime) -> float:
    return max(0.0, (now - created_at).total_seconds())


def _aged(entry: DdlEntry, now: datetime) -> DdlEntry:
    return entry._replace(age_seconds=_age(entry.created_at, now))


def _number(name: str) -> int:
    return int(name.removeprefix("query-"))


def _cut(there: int, kept: int, read: int) -> str:
    parts = [f"the newest {kept} of {there} entries"] if kept < there else []
    if read < kept:
        parts.append(f"{kept - read} of them not read yet")
    return ", ".join(parts)
