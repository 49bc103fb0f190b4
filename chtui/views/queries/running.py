"""Running queries of all hosts: each with the parts other hosts run for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from chtui.act.kill import Candidate, kill_plan
from chtui.act.plans import Plan
from chtui.act.predicate import Field, Kind, parse_predicate
from chtui.errors import UsageError
from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.records import HostId, Sample
from chtui.records.queries import QueryProcess, RunningQuery
from chtui.text import format_bytes, format_count, format_percent, format_seconds, one_line
from chtui.views.links import to_host
from chtui.views.pages import Part, Subject
from chtui.views.pieces import Figure
from chtui.views.queries.words import client_of, interface_word, is_own, kind_of, plain_address
from chtui.views.table import Column, Link, Row, cell, number

LONG_SECONDS = 600.0
"""A query that runs longer is coloured. Source: peers.md 4, runaway queries, the operator's alert."""
MANY_QUERIES = 80
"""More queries on one host are coloured. Source: as above."""


@dataclass(frozen=True, slots=True)
class RunningQueryFact:
    """A running query with its parts on other hosts; or parts alone, where the query itself is not seen."""

    host: str
    """Where it was begun, or where its longest part runs."""
    query_id: str
    initial_query_id: str
    is_initial_query: bool
    """False: the query itself is not seen, only parts of it are."""
    user: str
    """Who sent it; empty for the server's own."""
    interface: str
    query_kind: str
    """By the text's first word."""
    elapsed_seconds: float
    memory_bytes: int
    """Now, the parts' added."""
    peak_memory_bytes: int
    """The peaks of the query and its parts added, which need not have been at one time."""
    read_rows: int
    read_rows_per_second: float | None
    """Between the last two samples; None before the second."""
    total_rows: int | None
    """Rows it will read, as the servers guess; None while they do not."""
    progress_ratio: float | None
    hosts: int
    """Hosts it runs on."""
    parts: int
    """Parts of it that run."""
    is_cancelled: bool
    client: str
    client_address: str
    query: str
    """The first 2000 characters."""


class _Seen(NamedTuple):
    host: HostId
    query: RunningQuery


class _Group(NamedTuple):
    """A query and its parts; or parts alone, the longest as head."""

    head: _Seen
    parts: tuple[_Seen, ...]

    @property
    def all(self) -> tuple[_Seen, ...]:
        return (self.head, *self.parts)

    @property
    def read_rows(self) -> int:
        return _rolled(self, [seen.query.read_rows for seen in self.parts], self.head.query.read_rows)

    @property
    def total_rows(self) -> int:
        return _rolled(self, [seen.query.total_rows for seen in self.parts], self.head.query.total_rows)


def _rolled(group: _Group, parts: Sequence[int], head: int) -> int:
    """Rows of a query and its parts: a query counts what its parts have reported, but they report rarely."""
    return max(head, sum(parts)) if group.head.query.is_initial_query else head + sum(parts)


def _groups(seen: Iterable[_Seen]) -> list[_Group]:
    """Parts under their queries. The first of several queries of one id gets the parts."""
    heads: list[_Seen] = []
    orphans: dict[str, list[_Seen]] = {}
    for item in sorted(seen, key=lambda item: (-item.query.elapsed_seconds, str(item.host))):
        if item.query.is_initial_query:
            heads.append(item)
        else:
            orphans.setdefault(item.query.initial_query_id, []).append(item)
    groups = [_Group(head, tuple(orphans.pop(head.query.query_id, ()))) for head in heads]
    return [*groups, *(_Group(parts[0], tuple(parts[1:])) for parts in orphans.values())]


def _seen(snapshot: Snapshot) -> list[_Seen]:
    return [
        _Seen(status.id, query)
        for status in snapshot.hosts
        for query in snapshot.rows(status.id, "running_queries")
    ]


def _seen_before(snapshot: Snapshot) -> list[_Seen]:
    found: list[_Seen] = []
    for status in snapshot.hosts:
        sample = snapshot.sample(status.id, "running_queries")
        previous: Sample | None = sample.previous if sample else None
        found += [_Seen(status.id, query) for query in (previous.rows if previous else ())]
    return found


def running_facts(snapshot: Snapshot, _subject: Subject) -> tuple[RunningQueryFact, ...]:
    """Return the running queries of all hosts but chtui's own, the longest first, the servers' own last."""
    before = {
        (group.head.host, group.head.query.query_id): group for group in _groups(_seen_before(snapshot))
    }
    facts = [
        _fact(group, before.get((group.head.host, group.head.query.query_id)))
        for group in _groups(_seen(snapshot))
        if not is_own(group.head.query.initial_query_id or group.head.query.query_id)
    ]
    return tuple(sorted(facts, key=lambda fact: (not fact.user, -fact.elapsed_seconds, fact.query_id)))


def _fact(group: _Group, before: _Group | None) -> RunningQueryFact:
    query, total = group.head.query, group.total_rows
    return RunningQueryFact(
        host=str(group.head.host),
        query_id=query.query_id,
        initial_query_id=query.initial_query_id,
        is_initial_query=query.is_initial_query,
        user=sender(query),
        interface=interface_word(query.interface),
        query_kind=kind_of(query.query),
        elapsed_seconds=query.elapsed_seconds,
        memory_bytes=sum(max(0, seen.query.memory_bytes) for seen in group.all),
        peak_memory_bytes=sum(max(0, seen.query.peak_memory_bytes) for seen in group.all),
        read_rows=group.read_rows,
        read_rows_per_second=_rate(group, before),
        total_rows=total or None,
        progress_ratio=min(1.0, group.read_rows / total) if total else None,
        hosts=len({seen.host for seen in group.all}),
        parts=len(group.parts) + (not query.is_initial_query),
        is_cancelled=query.is_cancelled,
        client=client_of(query.client_name, query.http_user_agent),
        client_address=plain_address(query.client_address),
        query=query.query,
    )


def sender(query: RunningQuery) -> str:
    """Return who sent a query: between hosts a part goes under a name of their own."""
    return query.user if query.is_initial_query else query.initial_user or query.user


def _rate(group: _Group, before: _Group | None) -> float | None:
    if before is None:
        return None
    # By the server's own clock. A smaller age is another query of the same id.
    seconds = group.head.query.elapsed_seconds - before.head.query.elapsed_seconds
    return max(0.0, (group.read_rows - before.read_rows) / seconds) if seconds > 0 else None


# What is done with them

RUNNING_FIELDS: Mapping[str, Field] = MappingProxyType(
    {
        "host": Field(Kind.TEXT, lambda fact: fact.host),
        "user": Field(Kind.TEXT, lambda fact: fact.user),
        "kind": Field(Kind.WORD, lambda fact: fact.query_kind),
        "interface": Field(Kind.WORD, lambda fact: fact.interface),
        "client": Field(Kind.TEXT, lambda fact: fact.client),
        "query": Field(Kind.TEXT, lambda fact: fact.query),
        "query_id": Field(Kind.TEXT, lambda fact: fact.query_id),
        "elapsed": Field(Kind.SECONDS, lambda fact: fact.elapsed_seconds),
        "memory": Field(Kind.BYTES, lambda fact: fact.memory_bytes),
        "rows": Field(Kind.NUMBER, lambda fact: fact.read_rows),
    }
)
"""What a predicate over running queries may name."""


def row_key(fact: RunningQueryFact) -> str:
    """Return the key of a query's row."""
    return f"{fact.host} {fact.query_id}"


def running_plan(snapshot: Snapshot, _subject: Subject, keys: Sequence[str]) -> Plan:
    """Return the plan that kills the queries of these rows, and their parts on all hosts.

    Raises:
        UsageError: none of them runs any more.
    """
    wanted = set(keys)
    chosen = [
        seen
        for group in _groups(_seen(snapshot))
        if f"{group.head.host} {group.head.query.query_id}" in wanted
        for seen in group.all
    ]
    if not chosen:
        raise UsageError("none of these queries runs any more")
    return kill_plan(snapshot.cluster, [candidate(seen.host, seen.query) for seen in chosen])


def kill_by_predicate(snapshot: Snapshot, text: str) -> Plan:
    """Return the plan that kills the running queries a predicate selects, and their parts on all hosts.

    Raises:
        UsageError: the predicate cannot be read, or selects none.
    """
    predicate = parse_predicate(text, RUNNING_FIELDS)
    keys = [row_key(fact) for fact in running_facts(snapshot, ()) if predicate.matches(fact)]
    if not keys:
        raise UsageError("no running query is meant", where=predicate.text)
    return running_plan(snapshot, (), keys)


def candidate(host: HostId, query: RunningQuery | QueryProcess) -> Candidate:
    """Return a running query as one that may be killed."""
    return Candidate(
        host,
        query.query_id,
        query.initial_query_id,
        query.user,
        interface_word(query.interface),
        query.query,
        query.elapsed_seconds,
    )


# How they are drawn

RUNNING_COLUMNS = (
    Column("elapsed_seconds", "ELAPSED", True, help="since it began; coloured from 10 minutes on"),
    Column("user", "USER", max_width=12, help="who sent it; (server): the server's own, which cannot be killed"),
    Column("memory_bytes", "MEMORY", True, help="memory it uses now, with its parts on other hosts"),
    Column("read_rows_per_second", "ROWS/S", True, help="rows read per second between the last two samples"),
    Column("progress_ratio", "DONE", True, help="rows read of the rows it will read, as the servers guess"),
    Column("query", "QUERY", max_width=80, help="its text; enter opens all of it, Y copies the first 2000 characters"),
    Column("hosts", "HOSTS", True, help="hosts it runs on"),
    Column("host", "HOST", max_width=30, help="where it was begun; where only parts of it are seen, one of them"),
    Column("query_kind", "KIND", max_width=10, help="by the text's first word"),
    Column("peak_memory_bytes", "PEAK", True, help="most memory it used, its parts' peaks added"),
    Column("read_rows", "ROWS", True, help="rows read"),
    Column("interface", "VIA", max_width=16, help="how it came: HTTP, TCP (the native protocol), MySQL ..."),
    Column("client", "CLIENT", max_width=30, help="the program that sent it, as it calls itself"),
    Column("client_address", "FROM", max_width=40, help="the address it came from"),
    Column("query_id", "QUERY ID", max_width=40, help="its name; what kill and the log know it by"),
)  # fmt: skip


def running_rows(
    _snapshot: Snapshot, _subject: Subject, facts: Sequence[RunningQueryFact]
) -> tuple[Row, ...]:
    """Return a row for each query."""
    return tuple(_row(fact) for fact in facts)


def _row(fact: RunningQueryFact) -> Row:
    own = not fact.user
    text = one_line(fact.query)
    if fact.is_cancelled:
        text = f"(being killed) {text}"
    elif not fact.is_initial_query:
        text = f"(part of {one_line(fact.initial_query_id, 40)}) {text}"
    is_long = fact.elapsed_seconds >= LONG_SECONDS and not own
    return Row(
        row_key(fact),
        (
            number(fact.elapsed_seconds, format_seconds, "warning" if is_long else ""),
            cell(fact.user or "(server)", "" if fact.user else "muted"),
            number(fact.memory_bytes, format_bytes),
            number(fact.read_rows_per_second, format_count),
            number(fact.progress_ratio, format_percent),
            cell(text, "muted" if own or fact.is_cancelled else ""),
            number(fact.hosts, format_count),
            cell(fact.host, "muted"),
            cell(fact.query_kind or "-"),
            number(fact.peak_memory_bytes, format_bytes),
            number(fact.read_rows, format_count),
            cell(fact.interface),
            cell(fact.client),
            cell(fact.client_address),
            cell(fact.query_id, "muted"),
        ),
        link=Link("query", (fact.initial_query_id or fact.query_id,)),
        links=(to_host(fact.host),),
        copy=fact.query,
    )


def running_figures(snapshot: Snapshot, subject: Subject) -> tuple[Figure, ...]:
    """Return how many queries run, the most on one host, their memory; and how many of chtui's own do."""
    facts = running_facts(snapshot, subject)
    seen = _seen(snapshot)
    counts = [sum(item.host == status.id for item in seen) for status in snapshot.hosts]
    most = max(counts, default=0)
    sent = [fact for fact in facts if fact.user]
    own = sum(is_own(item.query.initial_query_id or item.query.query_id) for item in seen)
    longest = max((fact.elapsed_seconds for fact in sent), default=None)
    return (
        Figure("running", format_count(len(sent))),
        Figure("most on a host", format_count(most), "warning" if most > MANY_QUERIES else ""),
        Figure("longest", format_seconds(longest), "warning" if (longest or 0) >= LONG_SECONDS else ""),
        Figure("memory", format_bytes(sum(fact.memory_bytes for fact in sent))),
        Figure("servers' own", format_count(len(facts) - len(sent)), "muted"),
        Figure("chtui's own", f"{own} (not listed)", "muted"),
    )


RUNNING = Part(
    "running",
    "running",
    RunningQueryFact,
    RUNNING_COLUMNS,
    lambda _: (Want("running_queries"),),
    running_facts,
    running_rows,
    {},
    empty="no query runs",
    figures=running_figures,
    plan=running_plan,
)
