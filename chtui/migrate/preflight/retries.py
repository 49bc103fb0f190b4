"""Rows that are to be collapsed: whether v1's equal rows lie together, so that each is seen beside all that equal it.

v1 is compared partition by partition. Equal rows have the same hour and the same partition of v2, for those follow from what
v2 keeps; that they have the same partition of v1 must follow too, or be so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

from chtui.fleet.literal import Value, quote_identifier
from chtui.migrate import expressions
from chtui.migrate.hosts import Host
from chtui.migrate.layout import UNBOUND, partition_of
from chtui.migrate.preflight.findings import Finding, Kind, blocker
from chtui.migrate.preflight.look import SCAN_SECONDS, Feed, Look
from chtui.migrate.shape import hour_of
from chtui.migrate.snapshot import POLICY_COLUMN
from chtui.migrate.spec import Retries
from chtui.text import plural


def check(look: Look) -> None:
    """Look at the partitions of v1's tables whose rows are collapsed."""
    source = look.source
    if source is None:
        return
    for feed in look.feeds:
        if feed.table.retries is not Retries.COLLAPSE:
            continue
        about = f"partitions of {look.spec.source.database}.{feed.source.name}"
        key = look.one(source, about, partial(_partition_key, look, feed))
        if key is None or follows(feed, key):
            continue
        hours = look.one(source, about, partial(hours_of, look, feed))
        look.add(judge_partitions(feed, key, shared(hours or ())))


def follows(feed: Feed, partition_key: str) -> bool:
    """Return whether a row's partition of v1 follows from columns that v2 has as v1 has them."""
    kept = {feed.shape.values[name] for name in feed.shape.columns}
    return all(quote_identifier(name) in kept for name in expressions.names(partition_key))


def shared(hours: Iterable[Sequence[object]]) -> int:
    """Return how many hours of a partition of v2 have rows in more than one partition of v1, given `source_hours`."""
    seen: dict[tuple[object, object], set[object]] = {}
    for own, key, hour, _ in hours:
        seen.setdefault((key, hour), set()).add(own)
    return sum(len(partitions) > 1 for partitions in seen.values())


def judge_partitions(feed: Feed, partition_key: str, shared_hours: int) -> list[Finding]:
    """Equal rows in two partitions would each be counted, and v2, which has one, would be found to lack the other."""
    if not shared_hours:
        return []
    what = (
        f"equal rows may lie in different partitions of v1, which are compared one by one: "
        f"{plural(shared_hours, 'hour')} of v2 {'has' if shared_hours == 1 else 'have'} rows in more than one"
    )
    names = ", ".join(sorted(expressions.names(partition_key)))
    remedy = f'let v2 keep {names} as v1 has it, or say retries = "keep"'
    return [
        blocker(
            Kind.DEDUPLICATION,
            f"{feed.source.name} > {feed.table.name}",
            None,
            what,
            evidence=f"PARTITION BY {partition_key}",
            remedy=remedy,
        )
    ]


def _partition_key(look: Look, feed: Feed, host: Host) -> str:
    params = {"database": look.spec.source.database, "table": feed.source.name}
    rows = host.rows("source_table", params, absent=look.absent(host, POLICY_COLUMN))
    return str(rows[0][1])


def hours_of(look: Look, feed: Feed, host: Host) -> Sequence[Sequence[object]]:
    """Return what `source_hours` tells of a table of v1.

    Raises:
        QueryError, ConnectError: v1 would not tell.
    """
    params: dict[str, Value] = {
        "table": (look.spec.source.database, feed.source.name),
        "partition": partition_of(feed.table, feed.shape),
        "hour": hour_of(feed.shape.values[feed.table.time]),
    }
    return host.rows("source_hours", params, seconds=SCAN_SECONDS, settings=host.known(UNBOUND))
