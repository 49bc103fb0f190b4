"""The queues pane: replication queues of all hosts by cause, fetches, Distributed sends, the DDL queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.records import HostId
from chtui.records.queues import QueueGroup
from chtui.text import format_count, format_seconds, one_line
from chtui.views.links import to_host, to_table
from chtui.views.pages import Page, Part, Subject
from chtui.views.queues.causes import age_style, cause_cell, homes, postponed_style, rank, tries_style
from chtui.views.queues.ddl import DDL, DDL_ENTRY
from chtui.views.queues.entries import QUEUE, QUEUE_ENTRY
from chtui.views.queues.traffic import FETCHES, SENDS
from chtui.views.table import Cell, Column, Link, Row, cell, number


@dataclass(frozen=True, slots=True)
class QueueGroupFact:
    """Entries of one table's replication queues, over all hosts, that have type and cause in common."""

    database: str
    table: str
    type: str
    cause: str
    entries: int
    executing_entries: int
    oldest_age_seconds: int
    max_tries: int
    max_postponed: int
    hosts: tuple[str, ...]
    """The hosts whose queues hold them."""
    affected_replicas: int
    total_replicas: int | None
    """Hosts in view that have the table; None while no host has told."""
    affected_ratio: float | None
    sample_host: str
    """Whose text the sample is."""
    sample: str | None
    """Exception or postpone reason of the entry most often tried or put off, at most 500 characters."""


def group_facts(snapshot: Snapshot, _subject: Subject) -> tuple[QueueGroupFact, ...]:
    """Return the groups of all hosts, the worst cause first, of one cause the largest."""
    found: dict[tuple[str, str, str, str], list[tuple[HostId, QueueGroup]]] = {}
    for status in snapshot.hosts:
        for group in snapshot.rows(status.id, "queue_groups"):
            key = (group.database, group.table, group.type, group.cause)
            found.setdefault(key, []).append((status.id, group))
    tables = homes(snapshot) if found else {}
    facts = [_group(groups, tables) for groups in found.values()]
    return tuple(
        sorted(
            facts, key=lambda fact: (rank(fact.cause), -fact.entries, fact.database, fact.table, fact.type)
        )
    )


def _group(
    groups: Sequence[tuple[HostId, QueueGroup]], tables: Mapping[tuple[str, str], Mapping[HostId, str]]
) -> QueueGroupFact:
    first = groups[0][1]
    hosts = {host for host, _ in groups}
    known = tables.get((first.database, first.table))
    total = len(hosts.union(known)) if known else None
    # One that says something is a better sample than the one most often tried that says nothing.
    speaker, loudest = max(
        groups, key=lambda pair: (pair[1].sample != "", pair[1].max_tries, pair[1].entries)
    )
    return QueueGroupFact(
        database=first.database,
        table=first.table,
        type=first.type,
        cause=first.cause,
        entries=sum(group.entries for _, group in groups),
        executing_entries=sum(group.executing_entries for _, group in groups),
        oldest_age_seconds=max(group.oldest_age_seconds for _, group in groups),
        max_tries=max(group.max_tries for _, group in groups),
        max_postponed=max(group.max_postponed for _, group in groups),
        hosts=tuple(sorted(map(str, hosts))),
        affected_replicas=len(hosts),
        total_replicas=total,
        affected_ratio=len(hosts) / total if total else None,
        sample_host=str(speaker),
        sample=loudest.sample or None,
    )


GROUP_COLUMNS = (
    Column("table", "TABLE", max_width=30, help="database and table"),
    Column(
        "cause", "CAUSE", help="what keeps the entries in the queue, by their exception or postpone reason"
    ),
    Column("entries", "N", True, help="entries in the queues of all hosts"),
    Column("oldest_age_seconds", "OLDEST", True, help="age of the oldest entry"),
    Column("affected_replicas", "REPL", True, help="replicas that have them, of all of the table in view"),
    Column("type", "TYPE", max_width=16, help="what the entries do"),
    Column("max_tries", "TRIES", True, help="the most tries of one entry"),
    Column("max_postponed", "POSTP", True, help="how often one entry was put off, at most"),
    Column("executing_entries", "RUN", True, help="entries that run now"),
    Column("hosts", "HOSTS", max_width=40, help="whose queues hold them"),
    Column("sample", "SAYS", max_width=120, help="what the entry most often tried or put off says"),
)


def group_rows(_snapshot: Snapshot, _subject: Subject, facts: Sequence[QueueGroupFact]) -> tuple[Row, ...]:
    """Return a row for each group."""
    return tuple(_group_row(fact) for fact in facts)


def _group_row(fact: QueueGroupFact) -> Row:
    name, where = f"{fact.database}.{fact.table}", (fact.database, fact.table)
    of = f"/{fact.total_replicas}" if fact.total_replicas else ""
    return Row(
        "\x1f".join((*where, fact.type, fact.cause)),
        (
            cell(name),
            cause_cell(fact.cause),
            number(fact.entries, format_count),
            number(fact.oldest_age_seconds, format_seconds, age_style(fact.oldest_age_seconds)),
            Cell(f"{fact.affected_replicas}{of}", "", fact.affected_replicas),
            cell(fact.type),
            number(fact.max_tries, format_count, tries_style(fact.max_tries)),
            number(fact.max_postponed, format_count, postponed_style(fact.max_postponed)),
            number(fact.executing_entries, format_count),
            cell(", ".join(fact.hosts), "muted"),
            cell(one_line(fact.sample or "", 500), "muted"),
        ),
        link=Link("queue", where),
        links=(
            to_table(*where),
            *(to_host(host) for host in fact.hosts),
        ),
        copy=fact.sample or "",
    )


PAGES = (
    Page(
        "queues",
        (
            Part(
                "groups",
                "replication queue",
                QueueGroupFact,
                GROUP_COLUMNS,
                lambda _: (Want("queue_groups"), Want("queue_tables")),
                group_facts,
                group_rows,
                # The tables are read once a minute; the age of the groups is not theirs.
                {"queue_groups": ("*",), "queue_tables": ()},
                empty="the replication queues are empty",
            ),
            FETCHES,
            SENDS,
            DDL,
        ),
    ),
    QUEUE,
    QUEUE_ENTRY,
    DDL_ENTRY,
)
