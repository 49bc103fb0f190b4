"""Watermarks: from which event time on a table's rows are the live writers', and before which they are the backfill's."""

from __future__ import annotations

import math

from chtui.errors import MigrateError
from chtui.fleet.literal import literal, quote_identifier
from chtui.migrate import ddl, definitions, expressions, schema
from chtui.migrate.facts import WATERMARK
from chtui.migrate.hosts import Host
from chtui.migrate.layout import Group
from chtui.migrate.shape import partition_id
from chtui.migrate.spec import Limits, TableSpec
from chtui.migrate.stand import Stand
from chtui.migrate.traits import traits_of

NANOSECONDS = 10**9
CLOCK64_SINCE = (20, 6)
"""The first version with `now64`. Source: ClickHouse 20.6 changelog."""


def clock_seconds(host: Host) -> float:
    """Return a server's clock, in seconds since 1970.

    Raises:
        QueryError, ConnectError: it cannot be asked.
    """
    name = "preflight_clock" if host.version >= CLOCK64_SINCE else "preflight_clock_old"
    return float(host.rows(name)[0][0]) / 1000


def after(seconds: float, limits: Limits) -> int:
    """Return the first watermark, in nanoseconds since 1970, that is late enough when writers are all seen at `seconds`."""
    earliest = seconds + limits.watermark_after_seconds
    return math.ceil(earliest / limits.watermark_align_seconds) * limits.watermark_align_seconds * NANOSECONDS


def place(stand: Stand) -> None:
    """Choose every table's watermark where none is chosen, and make the live views.

    The journal has the watermark before any host has the view: a row's owner is the same for every process.

    Raises:
        MigrateError: the journal or the lease does not allow it, a view is another, or a host does not make it.
        QueryError, ConnectError: v1's clock cannot be read, or a host refused a view.
    """
    spec, hosts = stand.ground.spec, stand.ground.hosts
    chosen = stand.facts().watermarks
    for table in spec.tables:
        if table.name not in chosen:
            at_ns = after(clock_seconds(hosts.source), spec.limits)
            stand.hands.diary.append(WATERMARK, {"table": table.name, "at_ns": str(at_ns)})
    facts = stand.facts()
    passing = (ddl.Kind.LIVE, ddl.Kind.AGGREGATE_VIEW)
    wanted = [
        item
        for item in ddl.objects(spec, facts.watermarks, traits=traits_of(hosts.targets))
        if item.kind in passing and item.of not in facts.sealed
    ]
    schema.ensure(hosts.targets, wanted, stand.hands.before)


def partition_at(host: Host, table: TableSpec, at_ns: int) -> str:
    """Return the id of the partition of v2 in which a row of an instant lies.

    Raises:
        MigrateError: the partition key needs more than the event time.
        QueryError, ConnectError: the server cannot tell.
    """
    if table.partition_by.strip() in ("", "tuple()"):
        return "all"
    return partition_id(
        host.rows(
            "partition_at", {"partition": table.partition_by, "columns": ", ".join(given(table, at_ns))}
        )[0][0]
    )


def is_closed(group: Group, watermark_ns: int | None, partition: str) -> bool:
    """Return whether no live row can lie in a group's partition; `partition` is the one of the watermark."""
    if watermark_ns is None:
        return True
    return group.partition_id != partition and all(
        piece.to_seconds * NANOSECONDS <= watermark_ns for piece in group.slices
    )


def given(table: TableSpec, at_ns: int) -> list[str]:
    """Return the columns a partition key is made of, the event time first, as expressions over one instant.

    Raises:
        MigrateError: one of them is not computed from the event time.
    """
    columns = {name: definitions.parse(text) for name, text in table.columns.items()}
    needed = expressions.names(table.partition_by) & columns.keys()
    found: dict[str, str] = {}
    while left := sorted(needed - found.keys()):
        for name in left:
            definition = columns[name]
            if name == table.time:
                found[name] = f"CAST(({ddl.instant(table, at_ns)}), {literal(definition.type)})"
                continue
            if not definition.expression:
                raise MigrateError(
                    f"the partition key of {table.name} needs {name}, which the event time does not give",
                    where=f"table.{table.name}.partition_by",
                    fix=f"partition by {table.time} alone: only so live rows can be told from the backfill's",
                )
            found[name] = definition.expression
            needed |= expressions.names(definition.expression) & columns.keys()
    ordered = sorted(found, key=lambda name: name != table.time)
    return [f"{found[name]} AS {quote_identifier(name)}" for name in ordered]
