"""The DDL queue: statements sent with ON CLUSTER and what each host has made of them, by ClickHouse or by ZooKeeper."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.records import KEEPER, HostId, Sample
from chtui.records.keeper import DdlEntry
from chtui.records.queues import DdlHostStatus, DdlStatus
from chtui.text import format_seconds, one_line, sanitize
from chtui.views.links import to_host
from chtui.views.pages import Page, Part, Subject, trouble
from chtui.views.pieces import Piece
from chtui.views.table import Cell, Column, Link, Row, Style, cell, number

BY_TABLE, BY_ZOOKEEPER = "system.distributed_ddl_queue", "ZooKeeper"
"""Which source said so."""
FIELDS: Mapping[str, Sequence[str]] = MappingProxyType({"ddl_entries": (), "ddl_hosts": ()})
"""The table repeats what ZooKeeper has: where only the table is missing, nothing is."""
STUCK_SECONDS = 180
"""An entry that is not done after so long is stuck. Source: the default of `distributed_ddl_task_timeout`."""

STATES: dict[str, Style] = {
    "stuck": "critical",
    "active": "accent",
    "waiting": "warning",
    "failed": "critical",
    "unreadable": "warning",
    "finished": "ok",
}
"""States of entries and hosts, in the order in which they are listed. Stuck: some host has not done it for too long."""


@dataclass(frozen=True, slots=True)
class DdlFact:
    """One statement that was sent with ON CLUSTER."""

    entry: str
    source: str
    """`system.distributed_ddl_queue` or `ZooKeeper`."""
    state: str
    """`stuck`, `active`, `waiting`, `failed`, `finished` or `unreadable`."""
    age_seconds: float
    initiator: str
    total_hosts: int
    finished_hosts: tuple[str, ...]
    """Those that have run it, well or not; each `host_name:native_port`."""
    active_hosts: tuple[str, ...]
    missing_hosts: tuple[str, ...]
    """Those that have not begun."""
    failed_hosts: tuple[str, ...]
    exception: str | None
    """Of one of the hosts on which it failed, or why the entry cannot be read."""
    query: str


class _Told(NamedTuple):
    """One source's word on one entry."""

    is_fresh: bool
    """Whether the source still answers."""
    is_table: bool
    taken_at: datetime
    fact: DdlFact


def ddl_facts(snapshot: Snapshot, _subject: Subject) -> tuple[DdlFact, ...]:
    """Return the entries, those that are not done first, of the same state the newest first."""
    told: dict[str, _Told] = {}
    for word in _words(snapshot):
        known = told.get(word.fact.entry)
        if known is None or word[:3] > known[:3]:
            told[word.fact.entry] = word
    order = list(STATES)
    return tuple(
        sorted(
            sorted((word.fact for word in told.values()), key=lambda fact: fact.entry, reverse=True),
            key=lambda fact: order.index(fact.state),
        )
    )


def _words(snapshot: Snapshot) -> Iterable[_Told]:
    """What all hosts and ZooKeeper say: the table is believed where it answers, ZooKeeper where it does not."""
    for status in snapshot.hosts:
        sample = snapshot.sample(status.id, "ddl_entries")
        if sample is not None and sample.taken_at is not None:
            is_fresh = status.state.answers and not trouble(sample)
            for row in sample.rows:
                yield _Told(is_fresh, True, sample.taken_at, _by_table(row))
    sample = snapshot.sample(KEEPER, "ddl_queue")
    if sample is not None and sample.taken_at is not None:
        for entry in sample.rows:
            yield _Told(not trouble(sample), False, sample.taken_at, _by_zookeeper(entry))


def _by_table(row: DdlStatus) -> DdlFact:
    begun = {*row.finished_hosts, *row.active_hosts}
    missing = tuple(host for host in row.hosts if host not in begun)
    return DdlFact(
        entry=row.entry,
        source=BY_TABLE,
        state=_state(row.age_seconds, row.active_hosts, missing, row.failed_hosts),
        age_seconds=row.age_seconds,
        initiator=row.initiator,
        total_hosts=len(row.hosts),
        finished_hosts=tuple(row.finished_hosts),
        active_hosts=tuple(row.active_hosts),
        missing_hosts=missing,
        failed_hosts=tuple(row.failed_hosts),
        exception=row.exception_text or None,
        query=row.query,
    )


def _by_zookeeper(entry: DdlEntry) -> DdlFact:
    failed = tuple(state.host for state in entry.failed)
    said = next((state.exception_text for state in entry.failed if state.exception_text), "")
    return DdlFact(
        entry=entry.entry,
        source=BY_ZOOKEEPER,
        state="unreadable"
        if entry.problem
        else _state(entry.age_seconds, entry.active, entry.missing, failed),
        age_seconds=entry.age_seconds,
        initiator=entry.initiator,
        total_hosts=len(entry.host_states),
        finished_hosts=tuple(state.host for state in entry.finished),
        active_hosts=entry.active,
        missing_hosts=entry.missing,
        failed_hosts=failed,
        exception=said or entry.problem or None,
        query=entry.query,
    )


def _state(age_seconds: float, active: Sequence[str], missing: Sequence[str], failed: Sequence[str]) -> str:
    if active or missing:
        return "stuck" if age_seconds > STUCK_SECONDS else "active" if active else "waiting"
    return "failed" if failed else "finished"


DDL_COLUMNS = (
    Column("entry", "ENTRY", help="the entry's znode below the queue"),
    Column("state", "STATE", help=f"stuck: not done by all hosts for more than {STUCK_SECONDS} s"),
    Column("age_seconds", "AGE", True, help="since it was sent"),
    Column("finished_hosts", "DONE", True, help="hosts that have run it, of all that have to"),
    Column(
        "missing_hosts", "MISSING", max_width=32, help="hosts that have not begun; active: that run it now"
    ),
    Column("query", "STATEMENT", max_width=100, help="what was sent"),
    Column("initiator", "SENT TO", max_width=30, help="the host it was sent to"),
    Column("exception", "EXCEPTION", max_width=120, help="of one of the hosts on which it failed"),
    Column("source", "SOURCE", help="which source said so"),
)


def ddl_rows(_snapshot: Snapshot, _subject: Subject, facts: Sequence[DdlFact]) -> tuple[Row, ...]:
    """Return a row for each entry."""
    return tuple(_ddl_row(fact) for fact in facts)


def _ddl_row(fact: DdlFact) -> Row:
    waited_for = (*fact.missing_hosts, *(f"{host} active" for host in fact.active_hosts))
    return Row(
        fact.entry,
        (
            cell(fact.entry),
            cell(fact.state, STATES[fact.state], sort=(list(STATES).index(fact.state),)),
            number(fact.age_seconds, _whole_seconds),
            Cell(f"{len(fact.finished_hosts)}/{fact.total_hosts}", "", len(fact.finished_hosts)),
            cell(", ".join(waited_for) or "-", "warning" if waited_for else "muted"),
            cell(one_line(fact.query, 4000), limit=4000),
            cell(fact.initiator, "muted"),
            cell(
                one_line(fact.exception or "", 4000), "critical" if fact.failed_hosts else "muted", limit=4000
            ),
            cell(fact.source, "muted"),
        ),
        link=Link("ddl_entry", (fact.entry,)),
        links=tuple(to_host(host) for host in (*fact.missing_hosts, *fact.active_hosts)),
        copy=fact.query,
    )


def _whole_seconds(seconds: float | None) -> str:
    return format_seconds(None if seconds is None else int(seconds))


# One entry


@dataclass(frozen=True, slots=True)
class DdlHostFact:
    """What one host has made of one entry."""

    entry: str
    source: str
    """`system.distributed_ddl_queue` or `ZooKeeper`."""
    host: str
    state: str
    """`waiting` (not begun), `active`, `finished` or `failed`."""
    age_seconds: float
    """Of the entry."""
    duration_seconds: float | None
    """How long the host took; None where it has not ended, and by ZooKeeper."""
    exception_code: int | None
    exception: str | None
    query: str


def ddl_host_facts(snapshot: Snapshot, subject: Subject) -> tuple[DdlHostFact, ...]:
    """Return the hosts of the entry, failed ones first, then those that have not done it."""
    found = (
        _hosts_by_table(snapshot, subject, is_fresh=True)
        or _hosts_by_zookeeper(snapshot, subject[0])
        or _hosts_by_table(snapshot, subject, is_fresh=False)
    )
    order = ("failed", "waiting", "active", "finished")
    return tuple(sorted(found, key=lambda fact: (order.index(fact.state), fact.host)))


def _table_want(subject: Subject) -> Want:
    return Want("ddl_hosts", None, (("entry", subject[0]),))


def _hosts_by_table(snapshot: Snapshot, subject: Subject, *, is_fresh: bool) -> list[DdlHostFact]:
    """By the newest answer, of a host that still answers or of one that does not."""
    answers: list[tuple[datetime, HostId, Sample]] = [
        (sample.taken_at, status.id, sample)
        for status in snapshot.hosts
        if (sample := snapshot.sample(status.id, _table_want(subject).key)) is not None
        and sample.taken_at is not None
        and sample.rows
        and (status.state.answers and not trouble(sample)) is is_fresh
    ]
    rows: tuple[DdlHostStatus, ...] = max(answers)[2].rows if answers else ()
    return [
        DdlHostFact(
            entry=subject[0],
            source=BY_TABLE,
            host=row.host,
            state=_host_state(row),
            age_seconds=row.age_seconds,
            duration_seconds=row.duration_seconds if row.status in ("Finished", "Removing") else None,
            exception_code=row.exception_code,
            exception=row.exception_text or None,
            query=row.query,
        )
        for row in rows
    ]


def _host_state(row: DdlHostStatus) -> str:
    if row.exception_code:
        return "failed"
    return {"Finished": "finished", "Removing": "finished", "Active": "active"}.get(row.status, "waiting")


def _hosts_by_zookeeper(snapshot: Snapshot, entry_name: str) -> list[DdlHostFact]:
    entries: tuple[DdlEntry, ...] = snapshot.rows(KEEPER, "ddl_queue")
    return [
        DdlHostFact(
            entry=entry.entry,
            source=BY_ZOOKEEPER,
            host=state.host,
            state=state.state,
            age_seconds=entry.age_seconds,
            duration_seconds=None,
            exception_code=state.exception_code,
            exception=state.exception_text or None,
            query=entry.query,
        )
        for entry in entries
        if entry.entry == entry_name
        for state in entry.host_states
    ]


DDL_HOST_COLUMNS = (
    Column("host", "HOST", max_width=40, help="host_name and native port, as the entry names it"),
    Column("state", "STATE", help="waiting: not begun"),
    Column("duration_seconds", "TOOK", True, help="how long the host took; ZooKeeper does not tell"),
    Column("exception_code", "CODE", True, help="ClickHouse's error code, 0 for none"),
    Column("exception", "EXCEPTION", max_width=160, help="how it failed"),
    Column("source", "SOURCE", help="which source said so"),
)


def ddl_host_rows(_snapshot: Snapshot, _subject: Subject, facts: Sequence[DdlHostFact]) -> tuple[Row, ...]:
    """Return a row for each host."""
    return tuple(_host_row(fact) for fact in facts)


def _host_row(fact: DdlHostFact) -> Row:
    return Row(
        fact.host,
        (
            cell(fact.host),
            cell(fact.state, STATES[fact.state]),
            number(fact.duration_seconds, format_seconds),
            number(fact.exception_code, lambda value: "-" if value is None else f"{value:.0f}"),
            cell(
                one_line(fact.exception or "", 4000),
                "critical" if fact.exception_code else "muted",
                limit=4000,
            ),
            cell(fact.source, "muted"),
        ),
        link=Link("host", (fact.host,)),
        copy=fact.exception or fact.query,
    )


def _heading(snapshot: Snapshot, subject: Subject) -> tuple[Piece, ...]:
    facts = ddl_host_facts(snapshot, subject)
    pieces = (Piece("ddl entry", "muted"), Piece(sanitize(subject[0]), "accent"))
    if not facts:
        return pieces
    age = f"{_whole_seconds(facts[0].age_seconds)} old"
    return (*pieces, Piece(age), Piece(one_line(facts[0].query, 500)))


DDL = Part(
    "ddl",
    "DDL queue",
    DdlFact,
    DDL_COLUMNS,
    lambda _: (Want("ddl_entries"), Want("ddl_queue", KEEPER)),
    ddl_facts,
    ddl_rows,
    FIELDS,
    empty="nothing was sent with ON CLUSTER",
)
DDL_ENTRY = Page(
    "ddl_entry",
    (
        Part(
            "hosts",
            "hosts",
            DdlHostFact,
            DDL_HOST_COLUMNS,
            lambda subject: (_table_want(subject), Want("ddl_queue", KEEPER)),
            ddl_host_facts,
            ddl_host_rows,
            FIELDS,
            empty="the entry is not in the queue any more",
        ),
    ),
    subject=("entry",),
    heading=_heading,
)
