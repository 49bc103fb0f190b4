"""One table's replication queue: its entries on all hosts, and one entry with everything that is told of it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.records import HostId
from chtui.records.queues import QueueEntry
from chtui.text import format_count, format_seconds, one_line, plural, sanitize_block
from chtui.views.links import to_host, to_partition, to_table, to_znode
from chtui.views.pages import Page, Part, Subject
from chtui.views.queues.causes import (
    LONG_RUN_SECONDS,
    age_style,
    cause_cell,
    homes,
    postponed_style,
    rank,
    tries_style,
)
from chtui.views.table import Cell, Column, Link, Row, cell, number

OLD_PART = re.compile(r"(\d{6})\d\d_\d{8}_\d+_\d+_\d+")
"""A part's name in a table of the old syntax: it begins with the first and the last day."""
TEXT_WIDTH = 58
"""Long texts are folded at so many characters: beside the field's name a line fits into 80 columns."""
CUT_CHARACTERS = 65_536
"""Of an exception so much is shown."""


@dataclass(frozen=True, slots=True)
class QueueEntryFact:
    """An entry of one table's replication queue on one host."""

    host: str
    node_name: str
    type: str
    new_part_name: str
    partition_id: str | None
    """By the part's name; None for an entry about no part."""
    source_replica: str
    cause: str
    age_seconds: int
    attempt_age_seconds: int | None
    """Since it was tried last; None if it never was."""
    num_tries: int
    num_postponed: int
    is_executing: bool
    exception: str | None
    """The last one, at most 4000 characters."""
    postpone_reason: str | None
    """The last one, at most 4000 characters."""
    znode: str | None
    """Where the entry is in ZooKeeper; None while the replica's path is not known."""


def entry_facts(snapshot: Snapshot, subject: Subject) -> tuple[QueueEntryFact, ...]:
    """Return the entries of the table on all hosts, the worst cause first, of one cause the oldest."""
    database, table = subject
    paths = homes(snapshot).get((database, table), {})
    key = Want("queue_entries", None, _of_table(subject)).key
    found = [
        _entry(status.id, entry, paths.get(status.id))
        for status in snapshot.hosts
        for entry in snapshot.rows(status.id, key)
    ]
    return tuple(
        sorted(found, key=lambda fact: (rank(fact.cause), -fact.age_seconds, fact.host, fact.node_name))
    )


def _of_table(subject: Subject) -> tuple[tuple[str, str], ...]:
    return (("database", subject[0]), ("table", subject[1]))


def _entry(host: HostId, entry: QueueEntry, replica_path: str | None) -> QueueEntryFact:
    return QueueEntryFact(
        host=str(host),
        node_name=entry.node_name,
        type=entry.type,
        new_part_name=entry.new_part_name,
        partition_id=partition_of(entry.new_part_name),
        source_replica=entry.source_replica,
        cause=entry.cause,
        age_seconds=entry.age_seconds,
        attempt_age_seconds=_since(entry.attempt_age_seconds),
        num_tries=entry.num_tries,
        num_postponed=entry.num_postponed,
        is_executing=entry.is_executing,
        exception=entry.exception or None,
        postpone_reason=entry.reason or None,
        znode=f"{replica_path}/queue/{entry.node_name}" if replica_path else None,
    )


def partition_of(part_name: str) -> str | None:
    """Return the partition a part belongs to by its name; None for no name."""
    old = OLD_PART.fullmatch(part_name)
    return old[1] if old else part_name.partition("_")[0] or None


def _since(seconds: int) -> int | None:
    return seconds if seconds >= 0 else None


ENTRY_COLUMNS = (
    Column("new_part_name", "PART", max_width=32, help="the part the entry makes or is about"),
    Column("cause", "CAUSE", help="what keeps it in the queue, by its exception or postpone reason"),
    Column("age_seconds", "AGE", True, help="since the entry was made"),
    Column("num_tries", "TRIES", True, help="how often it was tried"),
    Column("type", "TYPE", max_width=16, help="what the entry does"),
    Column("host", "HOST", max_width=30, help="whose queue it is in"),
    Column("source_replica", "FROM", max_width=20, help="the replica that made the entry"),
    Column("is_executing", "RUNS", True, help="for how long it runs now; empty if it does not"),
    Column("num_postponed", "POSTP", True, help="how often it was put off"),
    Column("attempt_age_seconds", "TRIED", True, help="since it was tried last"),
    Column("exception", "EXCEPTION", max_width=120, help="the last exception"),
    Column("postpone_reason", "POSTPONED BECAUSE", max_width=120, help="why it was put off last"),
    Column("node_name", "NODE", help="its znode below the replica's queue"),
)


def entry_rows(_snapshot: Snapshot, subject: Subject, facts: Sequence[QueueEntryFact]) -> tuple[Row, ...]:
    """Return a row for each entry."""
    return tuple(_entry_row(subject, fact) for fact in facts)


def _entry_row(subject: Subject, fact: QueueEntryFact) -> Row:
    runs = fact.attempt_age_seconds if fact.is_executing else None
    return Row(
        f"{fact.host} {fact.node_name}",
        (
            cell(fact.new_part_name or "-"),
            cause_cell(fact.cause),
            number(fact.age_seconds, format_seconds, age_style(fact.age_seconds)),
            number(fact.num_tries, format_count, tries_style(fact.num_tries)),
            cell(fact.type),
            cell(fact.host, "muted"),
            cell(fact.source_replica, "muted"),
            Cell("", "", None)
            if runs is None
            else number(runs, format_seconds, "warning" if runs >= LONG_RUN_SECONDS else ""),
            number(fact.num_postponed, format_count, postponed_style(fact.num_postponed)),
            number(fact.attempt_age_seconds, format_seconds),
            cell(one_line(fact.exception or "", 4000), limit=4000),
            cell(one_line(fact.postpone_reason or "", 4000), "muted", limit=4000),
            cell(fact.node_name, "muted"),
        ),
        link=Link("queue_entry", (*subject, fact.host, fact.node_name)),
        links=_links(subject, fact.host, fact.partition_id, fact.znode),
        copy=fact.exception or fact.postpone_reason or "",
    )


def _links(
    subject: Subject, host: str, partition_id: str | None, znode: str | None
) -> tuple[tuple[str, Link], ...]:
    database, table = subject[:2]
    links = [to_table(database, table)]
    if partition_id:
        links.append(to_partition(database, table, partition_id))
    links.append(to_host(host))
    if znode:
        links.append(to_znode(znode))
    return tuple(links)


# One entry


@dataclass(frozen=True, slots=True)
class QueueEntryDetailFact:
    """An entry of a replication queue with everything the server tells of it."""

    host: str
    node_name: str
    type: str
    new_part_name: str
    partition_id: str | None
    replica_name: str
    source_replica: str
    parts_to_merge: tuple[str, ...]
    required_quorum: int
    is_detach: bool
    merge_type: str | None
    is_executing: bool
    position: int
    age_seconds: int
    num_tries: int
    attempt_age_seconds: int | None
    """Since it was tried last; None if it never was."""
    num_postponed: int
    postponed_age_seconds: int | None
    """Since it was put off last; None if it never was."""
    exception: str | None
    """The last one, whole."""
    postpone_reason: str | None
    """The last one, whole."""
    znode: str | None
    """Where the entry is in ZooKeeper; None while the replica's path is not known."""


def _detail_wants(subject: Subject) -> tuple[Want, ...]:
    host = _host_of(subject)
    return (
        Want("queue_entry", host, (*_of_table(subject), ("node_name", subject[3]))),
        Want("queue_tables", host),
    )


def _host_of(subject: Subject) -> HostId:
    name, _, port = subject[2].rpartition(":")
    # What is no host's name leads to a host that is not there.
    return HostId(name.removeprefix("[").removesuffix("]"), int(port) if port.isdecimal() else 0)


def detail_facts(snapshot: Snapshot, subject: Subject) -> tuple[QueueEntryDetailFact, ...]:
    """Return the one entry; none when it has left the queue."""
    host = _host_of(subject)
    path = homes(snapshot).get((subject[0], subject[1]), {}).get(host)
    return tuple(
        QueueEntryDetailFact(
            host=str(host),
            node_name=subject[3],
            type=entry.type,
            new_part_name=entry.new_part_name,
            partition_id=partition_of(entry.new_part_name),
            replica_name=entry.replica_name,
            source_replica=entry.source_replica,
            parts_to_merge=tuple(entry.parts_to_merge),
            required_quorum=entry.required_quorum,
            is_detach=entry.is_detach,
            merge_type=entry.merge_type or None,
            is_executing=entry.is_executing,
            position=entry.position,
            age_seconds=entry.age_seconds,
            num_tries=entry.num_tries,
            attempt_age_seconds=_since(entry.attempt_age_seconds),
            num_postponed=entry.num_postponed,
            postponed_age_seconds=_since(entry.postponed_age_seconds),
            exception=entry.last_exception or None,
            postpone_reason=entry.postpone_reason or None,
            znode=f"{path}/queue/{subject[3]}" if path else None,
        )
        for entry in snapshot.rows(host, _detail_wants(subject)[0].key)
    )


DETAIL_COLUMNS = (
    Column("field", "FIELD", help="what it is"),
    Column("value", "VALUE", max_width=200, help="its value; a long text goes over several lines"),
)


def detail_rows(
    _snapshot: Snapshot, subject: Subject, facts: Sequence[QueueEntryDetailFact]
) -> tuple[Row, ...]:
    """Return a row for each field, and for each line of a long text."""
    return tuple(row for fact in facts for row in _detail(subject, fact))


def _detail(subject: Subject, fact: QueueEntryDetailFact) -> list[Row]:
    tried = "never" if fact.attempt_age_seconds is None else f"{format_seconds(fact.attempt_age_seconds)} ago"
    put_off = (
        "never" if fact.postponed_age_seconds is None else f"{format_seconds(fact.postponed_age_seconds)} ago"
    )
    texts = {
        "exception": fact.exception or "none",
        "postponed because": fact.postpone_reason or "never postponed",
        "state": "runs now" if fact.is_executing else "waits",
        "type": fact.type,
        "part": fact.new_part_name or "-",
        "parts to merge": "\n".join(fact.parts_to_merge) or "-",
        "tries": f"{fact.num_tries}, the last {tried}",
        "postponed": f"{plural(fact.num_postponed, 'time')}, the last {put_off}",
        "age": format_seconds(fact.age_seconds),
        "made by replica": fact.source_replica,
        "merge type": fact.merge_type or "-",
        "detaches": "yes" if fact.is_detach else "no",
        "quorum": str(fact.required_quorum or "-"),
        "position": str(fact.position),
        "replica": f"{fact.replica_name} on {fact.host}",
        "znode": fact.znode or "-",
    }
    links = _links(subject, fact.host, fact.partition_id, fact.znode)
    bad = {"exception"} if fact.exception else set()
    return [
        Row(
            f"{field} {index}",
            (cell("" if index else field, "accent"), cell(line, "critical" if field in bad else "")),
            links=links,
            copy=text,
        )
        for field, text in texts.items()
        for index, line in enumerate(_folded(text))
    ]


def _folded(text: str) -> list[str]:
    lines = sanitize_block(text, CUT_CHARACTERS).split("\n")
    return [
        part for line in lines for part in textwrap.wrap(line, TEXT_WIDTH, break_on_hyphens=False) or [""]
    ]


QUEUE = Page(
    "queue",
    (
        Part(
            "entries",
            "entries",
            QueueEntryFact,
            ENTRY_COLUMNS,
            lambda subject: (Want("queue_entries", None, _of_table(subject)), Want("queue_tables")),
            entry_facts,
            entry_rows,
            {"queue_entries": ("*",), "queue_tables": ()},
            empty="the table's replication queues are empty",
        ),
    ),
    subject=("database", "table"),
)
QUEUE_ENTRY = Page(
    "queue_entry",
    (
        Part(
            "entry",
            "entry",
            QueueEntryDetailFact,
            DETAIL_COLUMNS,
            _detail_wants,
            detail_facts,
            detail_rows,
            {"queue_entry": ("*",), "queue_tables": ()},
            empty="the entry is not in the queue any more: it is done, or was removed",
        ),
    ),
    subject=("database", "table", "host", "node_name"),
)
