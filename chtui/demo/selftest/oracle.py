"""v1 of the self test, and the oracle that tells whether v2 has its rows, each as often.

Rows are read one by one on every replica and compared here: nothing of the product's own proofs has a part in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from chtui.demo.selftest.case import Case
from chtui.fleet.literal import Value
from chtui.migrate import statements

Query = Callable[[int, str], str]
"""Asks the server with this number, and gives its answer as tab separated text."""
ROWS = 500
"""Of each table of v1."""
TABLES = ("events", "clicks")
EVENTS_V1, EVENTS_V2 = "events_v1", "events_v2"
CLICKS_V1, CLICKS_V2 = "clicks_v1", "clicks_v2"
DAILY_V1, DAILY_V2 = "daily_v1", "daily_v2"
READ_FROM = {
    EVENTS_V1: "events",
    EVENTS_V2: "events_local",
    CLICKS_V1: "clicks",
    CLICKS_V2: "clicks_local",
    DAILY_V1: "events",
    DAILY_V2: "events_daily_local",
}
"""The table each statement reads."""


def prepare(case: Case, query: Query, rows: int = ROWS) -> None:
    """Make and fill v1 on the first server; some of its rows are there twice, and some hold NULL.

    Raises:
        ChtuiError: the server cannot do it.
    """
    database = case.source_database
    query(0, statements.text("demo/drop_database", {"database": database}))
    query(0, statements.text("create_database", {"database": database, "cluster": ""}))
    events, clicks = (database, "events"), (database, "clicks")
    query(0, _text("create_events", table=events))
    query(0, _text("create_clicks", table=clicks))
    query(0, _text("fill_events", table=events, rows=rows))
    query(0, _text("double_events", table=events))
    query(0, _text("fill_clicks", table=clicks, rows=rows))


def clean(case: Case, query: Query, servers: int) -> None:
    """Drop both databases everywhere.

    Raises:
        ChtuiError: a server cannot do it.
    """
    for server in range(servers):
        for database in (case.source_database, case.target_database):
            query(server, statements.text("demo/drop_database", {"database": database}))


def rows_of(query: Query, server: int, statement: str, database: str, table: str = "") -> Counter[str]:
    """Return the multiset of rows one of the statements above gives on a server, of another table where one is named.

    Raises:
        ChtuiError: the server cannot tell.
    """
    read_from = (database, table or READ_FROM[statement])
    return Counter(query(server, _text(statement, table=read_from)).splitlines())


class Findings(NamedTuple):
    """What is wrong with v2, over all replicas."""

    missing: int
    """Rows of v1 that a replica of v2 lacks, each as often as it is lacking."""
    extra: int
    """Rows that a replica of v2 has more often than v1."""
    aggregates: int
    """Keys of the aggregate, over replicas, whose count or sum is not that of v1's rows."""
    left_over: tuple[str, ...]
    """Tables and statements of the run that are still there."""

    @property
    def is_exact(self) -> bool:
        """Whether nothing is wrong."""
        return self == Findings(0, 0, 0, ())


def findings(case: Case, query: Query, shards: Sequence[Sequence[int]]) -> Findings:
    """Compare v2 with v1, on every replica; `shards` are the servers' numbers, by shard and replica.

    Raises:
        ChtuiError: a server cannot tell.
    """
    missing = extra = aggregates = 0
    for wanted, found in ((EVENTS_V1, EVENTS_V2), (CLICKS_V1, CLICKS_V2)):
        whole = rows_of(query, 0, wanted, case.source_database)
        for replica in range(len(shards[0])):
            there: Counter[str] = Counter()
            for shard in shards:
                there += rows_of(query, shard[replica], found, case.target_database)
            missing += (whole - there).total()
            extra += (there - whole).total()
    totals = added([rows_of(query, 0, DAILY_V1, case.source_database)])
    for replica in range(len(shards[0])):
        states = added(rows_of(query, shard[replica], DAILY_V2, case.target_database) for shard in shards)
        aggregates += sum(totals.get(key) != states.get(key) for key in totals.keys() | states.keys())
    left = [name for shard in shards for server in shard for name in left_over(case, query, server)]
    return Findings(missing, extra, aggregates, tuple(left))


def left_over(case: Case, query: Query, server: int) -> list[str]:
    """Return the run's own tables but for its lease, and its statements, that are still on a server.

    Raises:
        ChtuiError: the server cannot tell.
    """
    found: list[str] = []
    for database in (case.source_database, case.target_database):
        found += query(server, _text("left_tables", database=database, run=case.name)).splitlines()
    running = _text("left_queries", prefix=f"chtui-migrate-{case.name}-")
    return [*found, *query(server, running).splitlines()]


def misled(case: Case, query: Query, shards: Sequence[Sequence[int]]) -> list[str]:
    """Return the names of v2, by server, that do not lead to as many rows as v1 has.

    Raises:
        ChtuiError: a server cannot tell.
    """
    found = []
    for table in TABLES:
        wanted = query(0, _text("rows", table=(case.source_database, table)))
        for server in (server for shard in shards for server in shard):
            if query(server, _text("rows", table=(case.target_database, table))) != wanted:
                found.append(f"{table} on server {server}")
    return found


def added(counts: Iterable[Counter[str]]) -> dict[tuple[str, str], tuple[int, float]]:
    """Return aggregates of several shards as one: day and kind to count and total."""
    found: dict[tuple[str, str], tuple[int, float]] = {}
    for rows in counts:
        for line in rows:
            day, kind, number, total = line.split("\t")
            count, sum_ = found.get((day, kind), (0, 0.0))
            found[day, kind] = (count + int(number), sum_ + float(total))
    return found


def _text(name: str, **params: Value) -> str:
    # All values are written into it: 18.16 binds none.
    return statements.text(f"demo/selftest_{name}", params)
