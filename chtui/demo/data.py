"""The demo's tables and their rows: each table is filled once, and again from nothing where a fill was cut short."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from chtui.demo.client import Client, Param
from chtui.demo.directory import DemoDirectory
from chtui.demo.options import Shape
from chtui.demo.render import Place
from chtui.sql import load

EVENT_DAYS = 60
EVENTS_PER_ROW = 0.2
METRICS_PER_ROW = 0.5
AT_ONCE = 2
REPLICATED = ("demo/replicated_orders", "demo/replicated_sessions")


@dataclass(frozen=True, slots=True)
class Fill:
    """One table on one node: how it is made, and how it gets its rows."""

    place: Place
    database: str
    table: str
    create: str
    insert: str
    params: dict[str, Param]

    @property
    def mark(self) -> str:
        """The name under which the directory records that the fill is finished."""
        return f"{self.place.name} {self.database}.{self.table}"


def fills(shape: Shape, places: Sequence[Place]) -> list[Fill]:
    """Return every table's fill, the longest first."""
    end = datetime.combine(shape.anchor, datetime.min.time(), UTC)
    origin_ns = int((end - timedelta(days=shape.days)).timestamp()) * 10**9
    common: dict[str, Param] = {"seed": shape.seed, "days": shape.days, "from_ns": origin_ns}
    first = places[0]
    found = [
        Fill(
            first, "otel", "traces", "demo/otel_traces", "demo/fill_traces", {**common, "count": shape.rows}
        ),
        Fill(
            first,
            "otel",
            "logs",
            "demo/otel_logs",
            "demo/fill_logs",
            {**common, "count": shape.rows, "spans": shape.rows},
        ),
        Fill(
            first,
            "otel",
            "metrics",
            "demo/otel_metrics",
            "demo/fill_metrics",
            {**common, "count": int(shape.rows * METRICS_PER_ROW)},
        ),
    ]
    events: dict[str, Param] = {
        "seed": shape.seed,
        "count": int(shape.rows * EVENTS_PER_ROW),
        "days": EVENT_DAYS,
        "from": int((end - timedelta(days=EVENT_DAYS)).timestamp()),
        "shards": shape.shards,
    }
    found += [
        Fill(place, "demo", "events", "demo/events", "demo/fill_events", {**events, "shard": place.shard_num})
        for place in places
    ]
    return found


def fill_all(
    admin: Client, directory: DemoDirectory, places: Sequence[Place], say: Callable[[str], None]
) -> None:
    """Make and fill what is not finished yet, two tables at a time.

    Raises:
        QueryError, ConnectError: a node failed a statement.
    """
    todo = unfinished(directory, places)
    # what a user dropped on purpose stays dropped: only what an unfinished fill needs is made
    for port, database in sorted({(fill.place.http_port, fill.database) for fill in todo}):
        admin.ask(port, load("demo/create_database").text, {"database": database})
    if todo:
        say(f"filling {len(todo)} tables, {directory.state.shape.rows} spans")

    def work(fill: Fill) -> None:
        port = fill.place.http_port
        admin.ask(
            port, load("demo/drop_table").text, {"database": fill.database, "table": fill.table}, seconds=None
        )
        admin.ask(port, load(fill.create).text)
        admin.ask(port, load(fill.insert).text, fill.params, seconds=None)
        if fill.table == "events":
            admin.ask(port, load("demo/events_all").text)
        directory.mark_filled(fill.mark)

    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="demo-fill")
    try:
        for future in [pool.submit(work, fill) for fill in todo]:
            future.result()
    finally:
        # who is interrupted kills the nodes next, and that ends the statements under way
        pool.shutdown(wait=False, cancel_futures=True)


def unfinished(directory: DemoDirectory, places: Sequence[Place]) -> list[Fill]:
    """Return the fills which the directory does not record as finished."""
    done = directory.state.filled
    return [fill for fill in fills(directory.state.shape, places) if fill.mark not in done]


def make_replicated(admin: Client, places: Sequence[Place]) -> None:
    """Make the Replicated tables on every node.

    Raises:
        QueryError, ConnectError: a node failed a statement.
    """
    for place in places:
        admin.ask(place.http_port, load("demo/create_database").text, {"database": "demo"})
        for name in REPLICATED:
            admin.ask(place.http_port, load(name).text, seconds=60)
