"""Small migrations for fault cases: v1's tables, and the oracle that tells whether v2 has their rows, each as often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from tests.rigs.migrating import Case
from tests.rigs.servers import QueryError as ServerError

Query = Callable[[int, str], str]
"""Asks the server with this number."""
CREATE_EVENTS = """CREATE TABLE {database}.events (ts DateTime, id String, kind String, value Float64, note Nullable(String))
ENGINE = MergeTree PARTITION BY toYYYYMMDD(ts) ORDER BY ts"""
CREATE_CLICKS = """CREATE TABLE {database}.clicks (ts DateTime, page String, times UInt8)
ENGINE = MergeTree PARTITION BY toYYYYMM(ts) ORDER BY page"""
# Quarters have an exact binary form: their sums are the same in any order.
FILL_EVENTS = """INSERT INTO {database}.events SELECT toDateTime('2026-01-30 00:00:00') + number * 7200, toString(intDiv(number, 3)),
['Red', 'GREEN', 'blue'][number % 3 + 1], number / 4, if(number % 5 = 0, NULL, concat('note ', toString(number % 4))) FROM numbers({rows})"""
DOUBLE_EVENTS = (
    "INSERT INTO {database}.events SELECT * FROM {database}.events WHERE toUInt32OrZero(id) % 10 = 0"
)
FILL_CLICKS = """INSERT INTO {database}.clicks SELECT toDateTime('2026-01-31 12:00:00') + number * 5400, concat('/', toString(number % 50)),
number % 200 FROM numbers({rows})"""
ROWS = 500
NOT_EMPTY = "Directory not empty"


def prepare(case: Case, query: Query, rows: int = ROWS) -> None:
    """Make and fill v1 on the first server; some of its rows are there twice, and some hold NULL."""
    query(0, f"DROP DATABASE IF EXISTS {case.source_database}")
    query(0, f"CREATE DATABASE {case.source_database}")
    for statement in (CREATE_EVENTS, CREATE_CLICKS, FILL_EVENTS, DOUBLE_EVENTS, FILL_CLICKS):
        query(0, statement.format(database=case.source_database, rows=rows))


def clean(case: Case, query: Query, servers: int) -> None:
    """Drop both databases everywhere."""
    for server in range(servers):
        for database in (case.source_database, case.target_database):
            try:
                query(server, f"DROP DATABASE IF EXISTS {database}")
            except ServerError as error:
                # 18.16 keeps the folder where a thread wrote into it meanwhile; the database is gone all the same.
                if NOT_EMPTY not in error.text:
                    raise
                query(server, f"DROP DATABASE IF EXISTS {database}")


EVENTS_V1 = "SELECT toUInt32(ts), id, lower(kind), toString(value), ifNull(note, 'NULL!'), toString(toDate(ts)) FROM {database}.events"
EVENTS_V2 = "SELECT toUInt32(ts), id, toString(kind), toString(value), ifNull(note, 'NULL!'), toString(day) FROM {database}.events_local"
CLICKS_V1 = "SELECT toUInt32(ts), page, toInt32(times) FROM {database}.clicks"
CLICKS_V2 = "SELECT toUInt32(ts), page, times FROM {database}.clicks_local"
DAILY_V1 = """SELECT toString(toDate(ts)), lower(kind), count(), sum(value) FROM {database}.events WHERE lower(kind) != 'blue'
GROUP BY toDate(ts), lower(kind)"""
DAILY_V2 = """SELECT toString(day), toString(kind), countMerge(rows), sumMerge(total) FROM {database}.events_daily_local
GROUP BY day, kind"""


def rows_of(query: Query, server: int, statement: str, database: str) -> Counter[str]:
    """The multiset of rows a server gives."""
    return Counter(query(server, statement.format(database=database)).splitlines())


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
    """Compare v2 with v1, on every replica.

    `shards` are the servers' numbers, by shard and replica. Rows are read one by one, and compared here: nothing of the
    product's digests has a part in it.
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
    """The run's own tables but for its lease, and its statements, that are still on a server."""
    found: list[str] = []
    for database in (case.source_database, case.target_database):
        tables = f"SELECT name FROM system.tables WHERE database = '{database}' AND name LIKE 'chtui_%{case.name}%' AND name NOT LIKE 'chtui_lease_%'"
        found += query(server, tables).splitlines()
    running = f"SELECT query_id FROM system.processes WHERE query_id LIKE 'chtui-migrate-{case.name}-%'"
    return [*found, *query(server, running).splitlines()]


def misled(case: Case, query: Query, shards: Sequence[Sequence[int]]) -> list[str]:
    """The names of v2, by server, that do not lead to as many rows as v1 has."""
    found = []
    for table in ("events", "clicks"):
        wanted = query(0, f"SELECT count() FROM {case.source_database}.{table}")
        for server in (server for shard in shards for server in shard):
            if query(server, f"SELECT count() FROM {case.target_database}.{table}") != wanted:
                found.append(f"{table} on server {server}")
    return found


def assert_exact(case: Case, query: Query, shards: Sequence[Sequence[int]]) -> None:
    """Make sure that v2 has v1's rows, each as often, on every replica and by its names, aggregates of just those, and nothing is left over."""
    assert findings(case, query, shards) == Findings(0, 0, 0, ())
    assert misled(case, query, shards) == []


def added(counts: Iterable[Counter[str]]) -> dict[tuple[str, str], tuple[int, float]]:
    """Aggregates of several shards as one: day and kind to count and total."""
    found: dict[tuple[str, str], tuple[int, float]] = {}
    for rows in counts:
        for line in rows:
            day, kind, number, total = line.split("\t")
            count, sum_ = found.get((day, kind), (0, 0.0))
            found[day, kind] = (count + int(number), sum_ + float(total))
    return found
