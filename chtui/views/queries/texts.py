"""One query's text, settings and counters, and its parts on other hosts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chtui.monitor.snapshot import Snapshot
from chtui.records.queries import LoggedQuery, QueryProcess
from chtui.text import format_bytes, format_count, format_seconds, one_line
from chtui.views import lines
from chtui.views.links import to_host
from chtui.views.pages import Part, Subject
from chtui.views.queries.detail import (
    EMPTY,
    NAME_VALUE,
    STYLES,
    detail_want,
    known_of,
    part_key,
    part_plan,
    query_plan,
    wants,
)
from chtui.views.queries.words import error_message
from chtui.views.table import Cell, Column, Link, Row, cell, number


@dataclass(frozen=True, slots=True)
class QueryLineFact:
    """A line of the query's text."""

    line: int
    text: str
    is_formatted: bool
    """Whether the server formatted the text; else it is as it was sent."""


def _text(snapshot: Snapshot, subject: Subject) -> tuple[str, bool]:
    rows = [
        row
        for status in snapshot.hosts
        for row in snapshot.rows(status.id, detail_want("query_text", subject).key)
    ]
    formatted = next((row.formatted for row in rows if row.formatted), "")
    if formatted:
        return formatted, True
    sent = [known.row.query for known in known_of(snapshot, subject)[:1]] + [row.query for row in rows]
    return next((text for text in sent if text), ""), False


def line_facts(snapshot: Snapshot, subject: Subject) -> tuple[QueryLineFact, ...]:
    """Return the lines of the query's text, formatted where a server could."""
    text, is_formatted = _text(snapshot, subject)
    return tuple(
        QueryLineFact(number, line, is_formatted) for number, line in enumerate(text.splitlines(), 1)
    )


LINE_COLUMNS = (
    Column("line", "LINE", True, help="line number"),
    Column("text", "SQL", max_width=400, help="the text as the server formats it, or as it was sent; Y copies all of it"),
)  # fmt: skip


def line_rows(snapshot: Snapshot, subject: Subject, facts: Sequence[QueryLineFact]) -> tuple[Row, ...]:
    """Return a row for each line."""
    whole, _ = _text(snapshot, subject)
    return lines.line_rows(facts, whole)


SQL = Part(
    "sql",
    "sql",
    QueryLineFact,
    LINE_COLUMNS,
    lambda subject: (*wants(subject), detail_want("query_text", subject)),
    line_facts,
    line_rows,
    {},
    empty=EMPTY,
    plan=query_plan,
)


@dataclass(frozen=True, slots=True)
class QuerySettingFact:
    """A setting the query ran with that is not the server's default."""

    name: str
    value: str


def _head(snapshot: Snapshot, subject: Subject) -> QueryProcess | LoggedQuery | None:
    return next((known.row for known in known_of(snapshot, subject)), None)


def setting_facts(snapshot: Snapshot, subject: Subject) -> tuple[QuerySettingFact, ...]:
    """Return the query's settings by name."""
    row = _head(snapshot, subject)
    pairs = zip(row.setting_names, row.setting_values, strict=True) if row else ()
    return tuple(QuerySettingFact(name, value) for name, value in sorted(pairs))


def setting_rows(
    _snapshot: Snapshot, _subject: Subject, facts: Sequence[QuerySettingFact]
) -> tuple[Row, ...]:
    """Return a row for each setting."""
    return tuple(
        Row(fact.name, (cell(fact.name), cell(fact.value)), copy=f"{fact.name} = {fact.value}")
        for fact in facts
    )


SETTINGS = Part(
    "settings",
    "settings",
    QuerySettingFact,
    NAME_VALUE,
    wants,
    setting_facts,
    setting_rows,
    {},
    empty="no setting that is not the default, or no such query",
    plan=query_plan,
)


@dataclass(frozen=True, slots=True)
class QueryEventFact:
    """One of the query's counters, of the host where it was begun."""

    name: str
    value: int
    """In the counter's own unit."""
    unit: str
    """`us`, `ns`, `ms`, `B`, or empty for a count; by the counter's name."""


UNITS = (("Microseconds", "us"), ("Nanoseconds", "ns"), ("Milliseconds", "ms"), ("Bytes", "B"))
LEAST_SECONDS = 0.0005
"""Less reads 0s otherwise, which is not what was counted."""
SECONDS = {"us": 1e-6, "ns": 1e-9, "ms": 1e-3}


def _unit(name: str) -> str:
    return next((unit for ending, unit in UNITS if name.endswith(ending)), "")


def event_facts(snapshot: Snapshot, subject: Subject) -> tuple[QueryEventFact, ...]:
    """Return the query's counters, the largest first."""
    row = _head(snapshot, subject)
    pairs = zip(row.event_names, row.event_values, strict=True) if row else ()
    facts = [QueryEventFact(name, value, _unit(name)) for name, value in pairs]
    return tuple(sorted(facts, key=lambda fact: (-fact.value, fact.name)))


EVENT_COLUMNS = (
    Column("name", "EVENT", max_width=60, help="name in system.events, where it is described"),
    Column("value", "VALUE", True, help="with the unit its name tells"),
    Column("unit", "RAW", True, max_width=30, help="the number as the server counts it"),
)


def event_rows(_snapshot: Snapshot, _subject: Subject, facts: Sequence[QueryEventFact]) -> tuple[Row, ...]:
    """Return a row for each counter."""
    return tuple(
        Row(
            fact.name,
            (cell(fact.name), _value_cell(fact), cell(f"{fact.value} {fact.unit}".strip(), "muted", fact.value)),
            copy=f"{fact.name} {fact.value}",
        )
        for fact in facts
    )  # fmt: skip


def _value_cell(fact: QueryEventFact) -> Cell:
    if fact.unit in SECONDS:
        seconds = fact.value * SECONDS[fact.unit]
        return Cell("<1ms" if 0 < seconds < LEAST_SECONDS else format_seconds(seconds), sort=fact.value)
    return number(fact.value, format_bytes if fact.unit == "B" else format_count)


EVENTS = Part(
    "events",
    "events",
    QueryEventFact,
    EVENT_COLUMNS,
    wants,
    event_facts,
    event_rows,
    {},
    empty="no counters were logged for it (log_profile_events = 0?), or no such query",
    plan=query_plan,
)


@dataclass(frozen=True, slots=True)
class QueryPartFact:
    """A part of the query on one host."""

    host: str
    query_id: str
    state: str
    """As the summary's."""
    duration_seconds: float
    """So far, for one that runs."""
    memory_bytes: int
    """At its peak."""
    read_rows: int
    result_rows: int | None
    """None while it runs."""
    exception: str | None
    query: str


def part_facts(snapshot: Snapshot, subject: Subject) -> tuple[QueryPartFact, ...]:
    """Return the query's parts on all hosts, the longest first."""
    facts = []
    for known in known_of(snapshot, subject):
        if known.row.query_id == subject[0]:
            continue
        process, logged = known.process, known.logged
        facts.append(
            QueryPartFact(
                host=str(known.host),
                query_id=known.row.query_id,
                state=known.state,
                duration_seconds=process.elapsed_seconds if process else known.logged_seconds,
                memory_bytes=max(0, process.peak_memory_bytes if process else known.row.memory_bytes),
                read_rows=known.row.read_rows,
                result_rows=None if process or logged is None else logged.result_rows,
                exception=None if process or logged is None else logged.exception or None,
                query=known.row.query,
            )
        )
    return tuple(sorted(facts, key=lambda fact: (-fact.duration_seconds, fact.host, fact.query_id)))


PART_COLUMNS = (
    Column("host", "HOST", max_width=30, help="host the part runs on"),
    Column("state", "STATE", max_width=10, help="running, finished, failed; begun: its end is not logged (yet)"),
    Column("duration_seconds", "TOOK", True, help="how long it took, or has taken so far"),
    Column("memory_bytes", "MEMORY", True, help="most memory it used"),
    Column("read_rows", "ROWS", True, help="rows read"),
    Column("result_rows", "RESULT", True, help="rows sent back; none while it runs"),
    Column("exception", "MESSAGE", max_width=60, help="why it failed"),
    Column("query", "QUERY", max_width=80, help="what the host was sent"),
    Column("query_id", "QUERY ID", max_width=40, help="the part's own name"),
)  # fmt: skip


def part_rows(_snapshot: Snapshot, _subject: Subject, facts: Sequence[QueryPartFact]) -> tuple[Row, ...]:
    """Return a row for each part."""
    return tuple(
        Row(
            part_key(fact.host, fact.query_id),
            (
                cell(fact.host),
                cell(fact.state, STYLES[fact.state]),
                number(fact.duration_seconds, format_seconds),
                number(fact.memory_bytes, format_bytes),
                number(fact.read_rows, format_count),
                number(fact.result_rows, format_count),
                cell(one_line(error_message(fact.exception or "")) or "-"),
                cell(one_line(fact.query)),
                cell(fact.query_id, "muted"),
            ),
            link=Link("query", (fact.query_id,)),
            links=(to_host(fact.host),),
            copy=fact.exception or fact.query,
        )
        for fact in facts
    )


PARTS = Part(
    "children",
    "children",
    QueryPartFact,
    PART_COLUMNS,
    wants,
    part_facts,
    part_rows,
    {},
    empty="no part of it ran on another host within the last 26 hours",
    plan=part_plan,
)
