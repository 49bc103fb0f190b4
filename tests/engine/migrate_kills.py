"""The statements of `sql/migrate` that stop others: whose statements end, and whose go on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from chtui.fleet.literal import Value
from tests.engine.killing import LongQuery
from tests.engine.migrating import Ground
from tests.support import wait_until

PREFIX, READS, OTHERS = "contract-kill-", "contract-read-", "contract-other"
SLOW: dict[str, Value] = {
    "given": "sleepEachRow(0.5) + number",
    "from": "(SELECT number FROM system.numbers LIMIT 200)",
    "max_rows": 200,
}


def running(ground: Ground, prefix: str) -> int:
    """How many statements run whose ids begin so."""
    return len(ground.host.rows("own_queries", {"prefix": prefix}))


def asking(ground: Ground, query_id: str) -> LongQuery:
    """A read that takes long."""
    settings = {"max_block_size": 1}
    return LongQuery(
        lambda: str(
            ground.host.rows("preflight_rate", SLOW, query_id=query_id, settings=settings, seconds=120)
        )
    )


def filling(ground: Ground, query_id: str, table: str) -> LongQuery:
    """A copy into a table that takes long."""
    ground.make(table, "    key Float64")
    copy: dict[str, Value] = {
        "staging": ground.table(table),
        "columns": "key",
        "distinct": "",
        "given": "sleepEachRow(0.5) + number",
        "from": SLOW["from"],
        "where": "number >= 0",
        "shard": "",
        "settings": "max_block_size = 1",
    }

    def fill() -> str:
        ground.host.run("copy_slice", copy, query_id=query_id, seconds=120)
        return "done"

    return LongQuery(fill)


@contextmanager
def slow(ground: Ground, queries: Mapping[str, LongQuery]) -> Iterator[list[LongQuery]]:
    """Statements that run until they are stopped, by their ids."""
    try:
        for query in queries.values():
            query.start()
        wait_until(lambda: all(running(ground, each) for each in queries), 20, "all of them")
        yield list(queries.values())
    finally:
        ground.run("kill_own", prefix="contract-")
        for query in queries.values():
            query.join(20)


def kill_own(ground: Ground) -> None:
    both = {name: asking(ground, name) for name in (f"{PREFIX}1", OTHERS)}
    with slow(ground, both) as (mine, _):
        ground.run("kill_own", prefix=PREFIX)
        wait_until(lambda: mine.end, 20, "the end of the query")
        assert "cancelled" in mine.end.lower(), mine.end
        assert (running(ground, PREFIX), running(ground, OTHERS)) == (0, 1)


def kill_moving(ground: Ground) -> None:
    staging, published, read = f"{PREFIX}1", f"{PREFIX}2", f"{READS}1"
    queries = {
        staging: filling(ground, staging, "chtui_staging"),
        published: filling(ground, published, "events_local"),
        read: asking(ground, read),
        OTHERS: asking(ground, OTHERS),
    }
    with slow(ground, queries) as (copy, _, reading, _):
        ground.run("kill_moving", prefix=PREFIX, reads=READS, read_seconds=1000.0)
        wait_until(lambda: copy.end, 20, "the end of the copy")
        assert "cancelled" in copy.end.lower(), copy.end
        assert [bool(running(ground, each)) for each in (published, read, OTHERS)] == [True] * 3
        ground.run("kill_moving", prefix=PREFIX, reads=READS, read_seconds=0.1)
        wait_until(lambda: reading.end, 20, "the end of a read that lasts")
        assert "cancelled" in reading.end.lower(), reading.end
        assert [bool(running(ground, each)) for each in (published, OTHERS)] == [True] * 2
