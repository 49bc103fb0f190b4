"""The plan of one query, asked only when the person says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chtui.monitor.snapshot import Snapshot
from chtui.views import lines
from chtui.views.pages import Part, Subject
from chtui.views.queries.detail import detail_want
from chtui.views.table import Column, Row

DEMAND = "EXPLAIN runs the query's scalar subqueries and reads its indexes, once, on the host that ran it"


@dataclass(frozen=True, slots=True)
class QueryPlanFact:
    """A line of the query's plan."""

    host: str
    line: int
    text: str


def plan_facts(snapshot: Snapshot, subject: Subject) -> tuple[QueryPlanFact, ...]:
    """Return the lines of the plan, of the first host that has one."""
    key = detail_want("query_explain", subject).key
    for status in snapshot.hosts:
        if rows := snapshot.rows(status.id, key):
            host = str(status.id)
            return tuple(QueryPlanFact(host, number, row.line) for number, row in enumerate(rows, 1))
    return ()


PLAN_COLUMNS = (
    Column("line", "LINE", True, help="line number"),
    Column("text", "PLAN", max_width=400, help="EXPLAIN indexes = 1; Y copies all of it"),
)


def plan_rows(_snapshot: Snapshot, _subject: Subject, facts: Sequence[QueryPlanFact]) -> tuple[Row, ...]:
    """Return a row for each line."""
    whole = "\n".join(fact.text for fact in facts)
    return lines.line_rows(facts, whole)


EXPLAIN = Part(
    "explain",
    "explain",
    QueryPlanFact,
    PLAN_COLUMNS,
    lambda subject: (detail_want("query_explain", subject),),
    plan_facts,
    plan_rows,
    {"query_explain": ("*",)},
    empty="no host has logged it as a finished SELECT within the last 26 hours",
    demand=DEMAND,
)
