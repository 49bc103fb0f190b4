"""The statements that make one table, as its hosts have them: laid out in lines, passwords hidden, differences flagged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.views.pages import Part, Subject
from chtui.views.table import Cell, Column, Link, Row, cell
from chtui.views.tables.statement import hidden, laid_out

LINE_LIMIT = 4096
"""A line of a statement is cut at so many characters."""


@dataclass(frozen=True, slots=True)
class DdlFact:
    """A statement that makes the table, and who has it."""

    hosts: tuple[str, ...]
    """The hosts on which it is exactly this."""
    engine: str
    create_table_query: str
    """Without passwords: newer servers leave them out, chtui does for older ones."""
    hosts_differ: bool
    """Whether other hosts have another statement."""


def ddl_wants(subject: Subject) -> tuple[Want, ...]:
    """Return the probe of the statements."""
    return (Want("table_definition", args=(("database", subject[0]), ("table", subject[1]))),)


def ddl_facts(snapshot: Snapshot, subject: Subject) -> tuple[DdlFact, ...]:
    """Return each different statement once, the one that most hosts have first."""
    (want,) = ddl_wants(subject)
    found: dict[tuple[str, str], list[str]] = {}
    for status in snapshot.hosts:
        for row in snapshot.rows(status.id, want.key):
            found.setdefault((row.engine, row.create_table_query), []).append(str(status.id))
    facts = (
        DdlFact(tuple(hosts), engine, hidden(query), len(found) > 1)
        for (engine, query), hosts in found.items()
    )
    return tuple(sorted(facts, key=lambda fact: -len(fact.hosts)))


DDL_COLUMNS = (
    Column("ddl", "STATEMENT", max_width=400, help="the statement that makes the table; Y copies it whole"),
)


def ddl_rows(_snapshot: Snapshot, _subject: Subject, facts: Sequence[DdlFact]) -> tuple[Row, ...]:
    """Return a row for each line of each statement, below one that says which hosts have it."""
    lines = [laid_out(fact.create_table_query) for fact in facts]
    return tuple(
        row
        for index, fact in enumerate(facts)
        for row in _rows(index, fact, lines[index], lines[0] if index else ())
    )


def _rows(index: int, fact: DdlFact, lines: Sequence[str], others: Sequence[str]) -> list[Row]:
    hosts = ", ".join(fact.hosts)
    words = f"-- DIFFERS BETWEEN HOSTS: so it is on {hosts}" if fact.hosts_differ else f"-- on {hosts}"
    link = Link("host", (fact.hosts[0],))
    copy = fact.create_table_query
    rows = [
        Row(f"{index}", (cell(words, "warning" if fact.hosts_differ else "muted"),), link=link, copy=copy)
    ]
    for number, line in enumerate(lines):
        is_other = bool(others) and line not in others
        text = cell(
            f"{line}  -- differs" if is_other else line, "warning" if is_other else "", limit=LINE_LIMIT
        )
        rows.append(
            Row(f"{index} {number}", (Cell(text.text, text.style, index * 100_000 + number),), copy=copy)
        )
    return rows


DDL_PART = Part(
    "ddl",
    "ddl",
    DdlFact,
    DDL_COLUMNS,
    ddl_wants,
    ddl_facts,
    ddl_rows,
    {"table_definition": ("*",)},
    empty="no table of this name",
    frozen=0,
)
"""The part of a table's page that shows its statements."""
