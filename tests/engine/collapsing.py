"""A small migration in which equal rows of one table are to come once, and what v2 must have then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from chtui.demo.selftest.oracle import CLICKS_V1, CLICKS_V2, EVENTS_V1, EVENTS_V2, Query, rows_of
from chtui.migrate.spec import Retries, Spec
from tests.rigs import migrating

EQUAL_IN_V2 = (
    "INSERT INTO {database}.events SELECT ts, id, upper(kind), value, note FROM {database}.events "
    "WHERE toUInt32OrZero(id) % 4 = 0"
)
"""Rows that v1 tells from those it has, and v2 does not: it has the kind in small letters."""
AGAIN = "INSERT INTO {database}.clicks SELECT * FROM {database}.clicks WHERE times % 3 = 0"
COUNTED = "SELECT countMerge(rows) FROM {database}.events_daily_local"


@dataclass(frozen=True)
class Case(migrating.Case):
    """The small migration; of its first table equal rows come once, of its second as often as v1 has them."""

    def spec(self) -> Spec:
        """What it migrates."""
        found = super().spec()
        events, clicks = found.tables
        return replace(found, tables=(replace(events, retries=Retries.COLLAPSE), clicks))


def retry(case: migrating.Case, ask: Query) -> None:
    """Have writers of v1 send some rows of both tables again."""
    for text in (EQUAL_IN_V2, AGAIN):
        ask(0, text.format(database=case.source_database))


def events_of(case: migrating.Case, ask: Query) -> Counter[str]:
    """Return v1's events as v2 has them, each as often as v1 has it."""
    return rows_of(ask, 0, EVENTS_V1, case.source_database)


def assert_once(case: migrating.Case, ask: Query, shards: Sequence[Sequence[int]]) -> int:
    """Make sure that every replica has v1's different events once, and its clicks as they are; return the events that leaves out."""
    events = events_of(case, ask)
    wanted = {EVENTS_V2: Counter(events.keys()), CLICKS_V2: rows_of(ask, 0, CLICKS_V1, case.source_database)}
    assert max(wanted[CLICKS_V2].values()) > 1
    for replica in range(len(shards[0])):
        for name, rows in wanted.items():
            there: Counter[str] = Counter()
            for shard in shards:
                there += rows_of(ask, shard[replica], name, case.target_database)
            assert there == rows, (name, replica)
        counted = sum(
            int(ask(shard[replica], COUNTED.format(database=case.target_database))) for shard in shards
        )
        assert counted == sum("\tblue\t" not in row for row in events)
    return events.total() - len(events)
