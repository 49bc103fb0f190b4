"""One query: how it runs or ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from chtui.act.kill import kill_plan
from chtui.act.plans import Plan
from chtui.errors import UsageError
from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.records import HostId, Sample
from chtui.records.queries import LoggedQuery, QueryProcess
from chtui.text import format_bytes, format_count, format_percent, format_seconds, one_line, sanitize
from chtui.views.links import to_host
from chtui.views.pages import Part, Subject
from chtui.views.pieces import Piece
from chtui.views.queries.running import candidate
from chtui.views.queries.words import (
    client_of,
    error_code,
    error_message,
    error_name,
    interface_word,
    kind_of,
    log_type,
    plain_address,
)
from chtui.views.table import Cell, Column, Link, Row, Style, cell, number

RUNNING, FINISHED, FAILED, BEGUN = "running", "finished", "failed", "begun"
STATES = {
    "QueryStart": BEGUN,
    "QueryFinish": FINISHED,
    "ExceptionBeforeStart": FAILED,
    "ExceptionWhileProcessing": FAILED,
}
STYLES: Mapping[str, Style] = {RUNNING: "accent", FINISHED: "ok", FAILED: "critical", BEGUN: "warning"}
EMPTY = "no such query runs, and the logs of the last 26 hours have none"
LOGS = ("query_logged", "query_logged_day")


def detail_want(probe: str, subject: Subject) -> Want:
    """Return what is asked of a probe about one query."""
    return Want(probe, args=(("query_id", subject[0]),))


def wants(subject: Subject) -> tuple[Want, ...]:
    """Return what tells of a query: the processes, the log's last hours, and once the day before."""
    return tuple(detail_want(probe, subject) for probe in ("query_processes", *LOGS))


class Known(NamedTuple):
    """What is known of the query, or of one part of it, on one host: the process, or the log's last word."""

    host: HostId
    process: QueryProcess | None
    logged: LoggedQuery | None

    @property
    def row(self) -> QueryProcess | LoggedQuery:
        """The process if there is one."""
        found = self.process or self.logged
        assert found is not None
        return found

    @property
    def logged_seconds(self) -> float:
        """How long the log says it took; since it began, where no end is logged."""
        if self.logged is None:
            return 0.0
        return float(self.logged.age_seconds) if self.state == BEGUN else self.logged.duration_seconds

    @property
    def state(self) -> str:
        """How it runs or ended."""
        if self.process is not None:
            return RUNNING
        assert self.logged is not None
        return STATES.get(log_type(self.logged.type), BEGUN)


def known_of(snapshot: Snapshot, subject: Subject) -> list[Known]:
    """Return the query first, then its parts; of each what is latest."""
    found: dict[tuple[HostId, str], Known] = {}
    for status in snapshot.hosts:
        for probe in LOGS:
            for row in snapshot.rows(status.id, detail_want(probe, subject).key):
                key = (status.id, row.query_id)
                before = found[key].logged if key in found else None
                if before is None or _is_later(row, before):
                    found[key] = Known(status.id, None, row)
        for process in snapshot.rows(status.id, detail_want("query_processes", subject).key):
            key = (status.id, process.query_id)
            found[key] = Known(status.id, process, found[key].logged if key in found else None)
    order = {RUNNING: 0, FAILED: 1, FINISHED: 2, BEGUN: 3}
    return sorted(
        found.values(),
        key=lambda known: (
            known.row.query_id != subject[0],
            not known.row.is_initial_query,
            order[known.state],
            known.logged.age_seconds if known.logged else 0,
            str(known.host),
        ),
    )


def _is_later(row: LoggedQuery, other: LoggedQuery) -> bool:
    """Whether a row of the log is the later word; an end is later than a beginning of the same second."""
    begun = log_type(row.type) == "QueryStart"
    return (row.age_seconds, begun) < (other.age_seconds, log_type(other.type) == "QueryStart")


# Summary


@dataclass(frozen=True, slots=True)
class QuerySummaryFact:
    """How a query runs or ended."""

    query_id: str
    initial_query_id: str
    state: str
    """`running`, `finished`, `failed`; `begun`: neither runs nor has its end been logged."""
    host: str
    user: str
    interface: str
    client: str
    client_address: str
    query_kind: str
    duration_seconds: float
    """So far, for one that runs."""
    ended_age_seconds: int | None
    """Since it ended, when the host was asked; None before."""
    memory_bytes: int | None
    """Now, on that host; None for one that ended."""
    peak_memory_bytes: int
    """On that host."""
    read_rows: int
    read_rows_per_second: float | None
    """Between the last two samples of one that runs, over its whole time for one that ended."""
    total_rows: int | None
    """Rows it will read, as the servers guess; None where they do not, and for one that ended."""
    progress_ratio: float | None
    read_bytes: int | None
    """None while it runs, as the next four are."""
    written_rows: int | None
    written_bytes: int | None
    result_rows: int | None
    result_bytes: int | None
    parts: int
    """Its parts on hosts that run or were logged."""
    error_code: int | None
    error_name: str | None
    """None from servers that write no names."""
    exception: str | None


def summary_facts(snapshot: Snapshot, subject: Subject) -> tuple[QuerySummaryFact, ...]:
    """Return the one fact there is about the query; nothing where it is not known."""
    known = known_of(snapshot, subject)
    if not known or known[0].row.query_id != subject[0]:
        return ()
    head = known[0]
    parts = sum(item.row.query_id != subject[0] for item in known)
    if head.process is not None:
        return (_running(head.host, head.process, parts, _before(snapshot, subject, head)),)
    assert head.logged is not None
    return (_ended(head.host, head.logged, head.state, parts),)


def _before(snapshot: Snapshot, subject: Subject, head: Known) -> QueryProcess | None:
    sample = snapshot.sample(head.host, detail_want("query_processes", subject).key)
    previous: Sample | None = sample.previous if sample else None
    return next((row for row in previous.rows if row.query_id == subject[0]), None) if previous else None


def _running(host: HostId, row: QueryProcess, parts: int, before: QueryProcess | None) -> QuerySummaryFact:
    seconds = row.elapsed_seconds - before.elapsed_seconds if before else 0.0
    return QuerySummaryFact(
        query_id=row.query_id,
        initial_query_id=row.initial_query_id,
        state=RUNNING,
        host=str(host),
        user=row.user,
        interface=interface_word(row.interface),
        client=client_of(row.client_name, row.http_user_agent),
        client_address=plain_address(row.client_address),
        query_kind=kind_of(row.query),
        duration_seconds=row.elapsed_seconds,
        ended_age_seconds=None,
        memory_bytes=max(0, row.memory_bytes),
        peak_memory_bytes=max(0, row.peak_memory_bytes),
        read_rows=row.read_rows,
        read_rows_per_second=max(0.0, (row.read_rows - before.read_rows) / seconds) if before and seconds > 0 else None,
        total_rows=row.total_rows or None,
        progress_ratio=min(1.0, row.read_rows / row.total_rows) if row.total_rows else None,
        read_bytes=None,
        written_rows=None,
        written_bytes=None,
        result_rows=None,
        result_bytes=None,
        parts=parts,
        error_code=None,
        error_name=None,
        exception=None,
    )  # fmt: skip


def _ended(host: HostId, row: LoggedQuery, state: str, parts: int) -> QuerySummaryFact:
    ended = state != BEGUN
    return QuerySummaryFact(
        query_id=row.query_id,
        initial_query_id=row.initial_query_id,
        state=state,
        host=str(host),
        user=row.user,
        interface=interface_word(row.interface),
        client=row.client,
        client_address=plain_address(row.client_address),
        query_kind=kind_of(row.query),
        duration_seconds=row.duration_seconds if ended else float(row.age_seconds),
        ended_age_seconds=row.age_seconds if ended else None,
        memory_bytes=None,
        peak_memory_bytes=row.memory_bytes,
        read_rows=row.read_rows,
        read_rows_per_second=row.read_rows / row.duration_seconds if row.duration_seconds else None,
        total_rows=None,
        progress_ratio=None,
        read_bytes=row.read_bytes if ended else None,
        written_rows=row.written_rows if ended else None,
        written_bytes=row.written_bytes if ended else None,
        result_rows=row.result_rows if ended else None,
        result_bytes=row.result_bytes if ended else None,
        parts=parts,
        error_code=error_code(row.exception),
        error_name=error_name(row.exception),
        exception=row.exception or None,
    )


NAME_VALUE = (
    Column("name", "NAME", max_width=28, help="what is told"),
    Column("value", "VALUE", max_width=400, help="the value with its unit"),
)


def summary_rows(
    _snapshot: Snapshot, _subject: Subject, facts: Sequence[QuerySummaryFact]
) -> tuple[Row, ...]:
    """Return a row for each thing that is known of the query."""
    return tuple(row for fact in facts for row in _summary_rows(fact))


def _summary_rows(fact: QuerySummaryFact) -> list[Row]:
    explained = {BEGUN: "begun; it does not run any more, and its end is not logged (yet)"}
    error = f"{fact.error_code or ''} {fact.error_name or ''}".strip()
    values: list[tuple[str, Cell | None]] = [
        ("state", cell(explained.get(fact.state, fact.state), STYLES[fact.state])),
        ("error", cell(error, "critical") if fact.exception else None),
        ("exception", cell(one_line(error_message(fact.exception), 2000)) if fact.exception else None),
        ("duration", number(fact.duration_seconds, format_seconds)),
        ("ended", cell(f"{format_seconds(fact.ended_age_seconds)} ago") if fact.ended_age_seconds is not None else None),
        ("progress", _optional(fact.progress_ratio, format_percent)),
        ("user", cell(fact.user or "(server)")),
        ("host", cell(fact.host)),
        ("kind", cell(fact.query_kind or "-")),
        ("interface", cell(fact.interface)),
        ("client", cell(fact.client or "-")),
        ("from", cell(fact.client_address)),
        ("memory", _optional(fact.memory_bytes, format_bytes)),
        ("peak memory", number(fact.peak_memory_bytes, format_bytes)),
        ("rows read", number(fact.read_rows, format_count)),
        ("rows read per second", number(fact.read_rows_per_second, format_count)),
        ("rows to read", _optional(fact.total_rows, format_count)),
        ("bytes read", _optional(fact.read_bytes, format_bytes)),
        ("rows written", _optional(fact.written_rows, format_count)),
        ("bytes written", _optional(fact.written_bytes, format_bytes)),
        ("rows of the result", _optional(fact.result_rows, format_count)),
        ("bytes of the result", _optional(fact.result_bytes, format_bytes)),
        ("parts on hosts", number(fact.parts, format_count)),
        ("query id", cell(fact.query_id)),
        ("initial query id", cell(fact.initial_query_id) if fact.initial_query_id != fact.query_id else None),
    ]  # fmt: skip
    links: tuple[tuple[str, Link], ...] = (to_host(fact.host),)
    if fact.initial_query_id not in ("", fact.query_id):
        links = (("the query it is part of", Link("query", (fact.initial_query_id,))), *links)
    return [
        Row(name, (cell(name, "muted"), value), links=links, copy=_copied(name, value, fact))
        for name, value in values
        if value is not None
    ]


def _optional(value: float | None, render: Callable[[float | None], str]) -> Cell | None:
    return None if value is None else number(value, render)


def _copied(name: str, value: Cell, fact: QuerySummaryFact) -> str:
    return fact.exception or "" if name in ("error", "exception") else value.text


def query_heading(snapshot: Snapshot, subject: Subject) -> tuple[Piece, ...]:
    """Return the query's id and how it is."""
    facts = summary_facts(snapshot, subject)
    state = facts[0].state if facts else ""
    return (
        Piece("query", "muted"),
        Piece(sanitize(subject[0], 60), "accent"),
        *((Piece(state, STYLES[state]),) if state else ()),
    )


# What is done with it


def query_plan(snapshot: Snapshot, subject: Subject, _keys: Sequence[str]) -> Plan:
    """Return the plan that kills the query the page is about, where it runs; whatever row the cursor is on.

    Raises:
        UsageError: it does not run, as far as any host has told.
    """
    known = known_of(snapshot, subject)
    own = [each for each in known if each.row.query_id == subject[0]]
    if not own and any(each.process for each in known):
        raise UsageError("the query itself is not seen; its parts are, and can be acted on one by one")
    return _kill(snapshot, own)


def part_plan(snapshot: Snapshot, subject: Subject, keys: Sequence[str]) -> Plan:
    """Return the plan that kills the parts of the query with these keys, each on its host.

    Raises:
        UsageError: none of them runs any more.
    """
    wanted = set(keys)
    known = known_of(snapshot, subject)
    return _kill(snapshot, [each for each in known if part_key(str(each.host), each.row.query_id) in wanted])


def part_key(host: str, query_id: str) -> str:
    """Return the key of a part's row."""
    return f"{host} {query_id}"


def _kill(snapshot: Snapshot, chosen: Sequence[Known]) -> Plan:
    running = [(known.host, known.process) for known in chosen if known.process is not None]
    if not running:
        raise UsageError("this query does not run any more" if chosen else "no host has told of this query")
    return kill_plan(snapshot.cluster, [candidate(host, process) for host, process in running])


SUMMARY = Part(
    "summary",
    "summary",
    QuerySummaryFact,
    NAME_VALUE,
    wants,
    summary_facts,
    summary_rows,
    {},
    empty=EMPTY,
    plan=query_plan,
)
