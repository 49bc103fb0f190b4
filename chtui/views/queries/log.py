"""Slow and failed queries of the last hour, and the runs of one pattern with their trend."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.records import HostId
from chtui.records.queries import EndedQuery
from chtui.text import format_bytes, format_count, format_seconds, one_line, sanitize
from chtui.views.links import to_host
from chtui.views.pages import Part, Subject
from chtui.views.pieces import Figure, Piece
from chtui.views.plot import Plot
from chtui.views.queries.buckets import Tally, tally
from chtui.views.queries.latency import failed_cell, percentile_plot
from chtui.views.queries.words import error_message, error_name, kind_of
from chtui.views.table import Column, Link, Row, cell, number

QUARTER_SECONDS = 900
QUARTERS = 100
"""The steps of a pattern's trend: 25 hours of quarters."""
MOST_ERRORS = 4
"""So many kinds of errors are counted above the list."""


@dataclass(frozen=True, slots=True)
class EndedQueryFact:
    """A query that finished or failed within the last hour."""

    host: str
    """Where it was begun; for a part that failed alone, where the part ran."""
    query_id: str
    initial_query_id: str
    user: str
    query_kind: str
    """By the text's first word."""
    age_seconds: int
    """Since it ended, when the host was asked."""
    duration_seconds: float
    memory_bytes: int
    """At its peak on that host."""
    read_rows: int
    result_rows: int
    client: str
    query: str
    """The first 2000 characters."""
    error_code: int | None
    """None for one that finished, as the next two are."""
    error_name: str | None
    """None from servers that write no names."""
    exception: str | None
    """The first 2000 characters."""
    failed_parts: int
    """Parts of it that failed on hosts."""


def _ended(snapshot: Snapshot, key: str) -> list[tuple[HostId, EndedQuery]]:
    return [(status.id, row) for status in snapshot.hosts for row in snapshot.rows(status.id, key)]


def _fact(host: HostId, row: EndedQuery, failed_parts: int = 0) -> EndedQueryFact:
    failed = bool(row.exception)
    return EndedQueryFact(
        host=str(host),
        query_id=row.query_id,
        initial_query_id=row.initial_query_id,
        user=row.user,
        query_kind=kind_of(row.query),
        age_seconds=row.age_seconds,
        duration_seconds=row.duration_seconds,
        memory_bytes=row.memory_bytes,
        read_rows=row.read_rows,
        result_rows=row.result_rows,
        client=row.client,
        query=row.query,
        error_code=row.exception_code if failed else None,
        error_name=error_name(row.exception) if failed else None,
        exception=row.exception if failed else None,
        failed_parts=failed_parts,
    )


def slow_facts(snapshot: Snapshot, _subject: Subject) -> tuple[EndedQueryFact, ...]:
    """Return the slowest queries of all hosts, the slowest first."""
    facts = [_fact(host, row) for host, row in _ended(snapshot, "slow_queries")]
    return tuple(sorted(facts, key=lambda fact: (-fact.duration_seconds, fact.query_id)))


def failed_facts(snapshot: Snapshot, _subject: Subject) -> tuple[EndedQueryFact, ...]:
    """Return the queries of all hosts that failed, the latest first; failed parts count with their query."""
    rows = _ended(snapshot, "failed_queries")
    initial = {row.query_id for _, row in rows if row.query_id == row.initial_query_id}
    parts = Counter(row.initial_query_id for _, row in rows if row.query_id != row.initial_query_id)
    facts = [
        _fact(host, row, parts[row.query_id])
        for host, row in rows
        if row.query_id == row.initial_query_id or row.initial_query_id not in initial
    ]
    return tuple(sorted(facts, key=lambda fact: (fact.age_seconds, fact.host, fact.query_id)))


def run_facts(snapshot: Snapshot, subject: Subject) -> tuple[EndedQueryFact, ...]:
    """Return the latest runs of one pattern on all hosts, the latest first."""
    facts = [_fact(host, row) for host, row in _ended(snapshot, runs_want(subject).key)]
    return tuple(sorted(facts, key=lambda fact: (fact.age_seconds, fact.host, fact.query_id)))


DURATION = Column("duration_seconds", "TOOK", True, help="how long it took; the log has whole milliseconds")
AGE = Column("age_seconds", "AGO", True, help="when it ended")
USER = Column("user", "USER", max_width=12, help="who sent it")
KIND = Column("query_kind", "KIND", max_width=10, help="by the text's first word")
MEMORY = Column("memory_bytes", "MEMORY", True, help="most memory it used on the host")
READ = Column("read_rows", "ROWS", True, help="rows read")
RESULT = Column("result_rows", "RESULT", True, help="rows of the result")
QUERY = Column(
    "query", "QUERY", max_width=80, help="its text; enter opens all of it, Y copies the first 2000 characters"
)
HOST = Column("host", "HOST", max_width=30, help="where it was begun")
CLIENT = Column("client", "CLIENT", max_width=30, help="the program that sent it, as it calls itself")
QUERY_ID = Column("query_id", "QUERY ID", max_width=40, help="its name in the log")
CODE = Column("error_code", "CODE", True, help="the error's number")
ERROR = Column(
    "error_name",
    "ERROR",
    max_width=18,
    help="the error's name, or its number from servers that write no names",
)
MESSAGE = Column(
    "exception", "MESSAGE", max_width=60, help="what the server said; Y copies the first 2000 characters"
)
PARTS = Column("failed_parts", "PARTS", True, help="parts of it on other hosts that failed too")

SLOW_COLUMNS = (DURATION, AGE, USER, MEMORY, READ, QUERY, HOST, KIND, RESULT, CLIENT, QUERY_ID)
FAILED_COLUMNS = (AGE, ERROR, USER, MESSAGE, QUERY, HOST, CODE, PARTS, DURATION, KIND, CLIENT, QUERY_ID)
RUN_COLUMNS = (AGE, DURATION, USER, MEMORY, READ, ERROR, QUERY, HOST, RESULT, CLIENT, QUERY_ID)


def _rows(columns: Sequence[Column], facts: Sequence[EndedQueryFact]) -> tuple[Row, ...]:
    keys = [column.key for column in columns]
    rows = []
    for fact in facts:
        cells = {
            "duration_seconds": number(fact.duration_seconds, format_seconds),
            "age_seconds": number(fact.age_seconds, format_seconds),
            "user": cell(fact.user),
            "query_kind": cell(fact.query_kind or "-"),
            "memory_bytes": number(fact.memory_bytes, format_bytes),
            "read_rows": number(fact.read_rows, format_count),
            "result_rows": number(fact.result_rows, format_count),
            "query": cell(one_line(fact.query)),
            "host": cell(fact.host, "muted"),
            "client": cell(fact.client),
            "query_id": cell(fact.query_id, "muted"),
            "error_code": number(fact.error_code, lambda value: "-" if value is None else f"{value:.0f}"),
            "error_name": cell(_error_word(fact), "critical" if fact.exception else "muted"),
            "exception": cell(one_line(error_message(fact.exception or ""))),
            "failed_parts": number(fact.failed_parts, format_count),
        }
        rows.append(
            Row(
                f"{fact.host} {fact.query_id} {fact.age_seconds if not fact.query_id else ''}",
                tuple(cells[key] for key in keys),
                link=Link("query", (fact.initial_query_id or fact.query_id,)),
                links=(to_host(fact.host),),
                copy=fact.exception or fact.query,
            )
        )
    return tuple(rows)


def _error_word(fact: EndedQueryFact) -> str:
    return fact.error_name or (f"code {fact.error_code}" if fact.exception else "-")


def slow_rows(_snapshot: Snapshot, _subject: Subject, facts: Sequence[EndedQueryFact]) -> tuple[Row, ...]:
    """Return a row for each slow query."""
    return _rows(SLOW_COLUMNS, facts)


def failed_rows(_snapshot: Snapshot, _subject: Subject, facts: Sequence[EndedQueryFact]) -> tuple[Row, ...]:
    """Return a row for each failed query."""
    return _rows(FAILED_COLUMNS, facts)


def run_rows(_snapshot: Snapshot, _subject: Subject, facts: Sequence[EndedQueryFact]) -> tuple[Row, ...]:
    """Return a row for each run of a pattern."""
    return _rows(RUN_COLUMNS, facts)


def failed_figures(snapshot: Snapshot, subject: Subject) -> tuple[Figure, ...]:
    """Return how often the most frequent errors are in the list."""
    counts = Counter(_error_word(fact) for fact in failed_facts(snapshot, subject))
    return tuple(
        Figure(sanitize(name, 18), f"{count} in this list") for name, count in counts.most_common(MOST_ERRORS)
    )


SLOW = Part(
    "slow",
    "slow",
    EndedQueryFact,
    SLOW_COLUMNS,
    lambda _: (Want("slow_queries"),),
    slow_facts,
    slow_rows,
    {},
    empty="the logs have no query that finished within the last hour (they are written only with log_queries = 1)",
)
FAILED = Part(
    "failed",
    "failed",
    EndedQueryFact,
    FAILED_COLUMNS,
    lambda _: (Want("failed_queries"),),
    failed_facts,
    failed_rows,
    {},
    empty="the logs have no query that failed within the last hour (they are written only with log_queries = 1)",
    figures=failed_figures,
)


# One pattern


def runs_want(subject: Subject) -> Want:
    """Return what is asked for a pattern's runs."""
    return Want("query_pattern_runs", args=(("normalized_query_hash", subject[0]),))


def trend_want(subject: Subject) -> Want:
    """Return what is asked for a pattern's trend."""
    return Want("query_pattern_trend", args=(("normalized_query_hash", subject[0]),))


@dataclass(frozen=True, slots=True)
class PatternStepFact:
    """Queries of one pattern that ended within one quarter of an hour, of all hosts."""

    quarters_ago: int
    """0: the quarter of an hour before the hosts were asked."""
    queries: int
    failed: int
    failed_ratio: float
    avg_seconds: float | None
    p50_seconds: float | None
    """Percentiles are within 5 % of the exact ones."""
    p95_seconds: float | None
    p99_seconds: float | None
    max_seconds: float | None
    total_seconds: float


def _steps(snapshot: Snapshot, subject: Subject) -> dict[int, Tally]:
    key = trend_want(subject).key
    rows = [row for status in snapshot.hosts for row in snapshot.rows(status.id, key)]
    return {
        step: tally(row for row in rows if row.quarters_ago == step)
        for step in sorted({row.quarters_ago for row in rows})
    }


def trend_facts(snapshot: Snapshot, subject: Subject) -> tuple[PatternStepFact, ...]:
    """Return the quarters of an hour in which a query of the pattern ended, the latest first."""
    return tuple(
        PatternStepFact(
            quarters_ago=step,
            queries=found.queries,
            failed=found.failed,
            failed_ratio=found.failed_ratio or 0.0,
            avg_seconds=found.avg_seconds,
            p50_seconds=found.percentile(0.5),
            p95_seconds=found.percentile(0.95),
            p99_seconds=found.percentile(0.99),
            max_seconds=found.max_seconds if found.finished else None,
            total_seconds=found.total_seconds,
        )
        for step, found in _steps(snapshot, subject).items()
    )


TREND_COLUMNS = (
    Column("quarters_ago", "AGO", True, help="when the quarter of an hour began"),
    Column("queries", "QUERIES", True, help="how many ended in it"),
    Column("failed_ratio", "FAILED", True, help="share of them that failed"),
    Column("avg_seconds", "AVG", True, help="mean duration of those that finished"),
    Column("p50_seconds", "P50", True, help="half of them took no longer; within 5 %"),
    Column("p95_seconds", "P95", True, help="95 of 100 took no longer; within 5 %"),
    Column("p99_seconds", "P99", True, help="99 of 100 took no longer; within 5 %"),
    Column("max_seconds", "MAX", True, help="the longest"),
    Column("total_seconds", "TOTAL", True, help="their durations added"),
)


def trend_rows(_snapshot: Snapshot, _subject: Subject, facts: Sequence[PatternStepFact]) -> tuple[Row, ...]:
    """Return a row for each quarter of an hour."""
    return tuple(
        Row(
            str(fact.quarters_ago),
            (
                number((fact.quarters_ago + 1) * QUARTER_SECONDS, format_seconds),
                number(fact.queries, format_count),
                failed_cell(fact.failed_ratio, fact.failed),
                number(fact.avg_seconds, format_seconds),
                number(fact.p50_seconds, format_seconds),
                number(fact.p95_seconds, format_seconds),
                number(fact.p99_seconds, format_seconds),
                number(fact.max_seconds, format_seconds),
                number(fact.total_seconds, format_seconds),
            ),
        )
        for fact in facts
    )


def trend_plot(snapshot: Snapshot, subject: Subject) -> Plot | None:
    """Return the pattern's percentiles over the last 25 hours; None while there are none."""
    steps = _steps(snapshot, subject)
    taken = [snapshot.sample(status.id, trend_want(subject).key) for status in snapshot.hosts]
    end = max((sample.taken_at for sample in taken if sample and sample.taken_at), default=None)
    if end is None or not any(step.finished for step in steps.values()):
        return None
    nothing = tally(())
    found = tuple(steps.get(step, nothing) for step in reversed(range(QUARTERS)))
    return percentile_plot("25 hours", found, end, timedelta(seconds=QUARTERS * QUARTER_SECONDS))


def pattern_heading(snapshot: Snapshot, subject: Subject) -> tuple[Piece, ...]:
    """Return the pattern's hash and, once a run is known, its text."""
    text = next((row.query for _, row in _ended(snapshot, runs_want(subject).key)), "")
    return (
        Piece("pattern", "muted"),
        Piece(sanitize(subject[0], 24), "accent"),
        *((Piece(one_line(text, 45)),) if text else ()),
    )


RUNS = Part(
    "runs",
    "latest runs",
    EndedQueryFact,
    RUN_COLUMNS,
    lambda subject: (runs_want(subject), trend_want(subject)),
    run_facts,
    run_rows,
    {"query_pattern_trend": ()},
    empty="no run of this pattern ended within the last hour",
    plot=trend_plot,
)
TREND = Part(
    "trend",
    "trend",
    PatternStepFact,
    TREND_COLUMNS,
    lambda subject: (trend_want(subject), runs_want(subject)),
    trend_facts,
    trend_rows,
    {"query_pattern_runs": ()},
    empty="no query of this pattern ended within the last 25 hours",
    plot=trend_plot,
)
