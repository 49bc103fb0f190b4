"""v1's rows by v2's partitions: how many, how large, how old; which would expire at once, which are of the future."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

from chtui.fleet.literal import Value
from chtui.migrate.expiry import rule_of
from chtui.migrate.hosts import Host
from chtui.migrate.layout import UNBOUND, partition_of
from chtui.migrate.preflight.findings import Finding, Kind, blocker, note, warning
from chtui.migrate.preflight.look import SCAN_SECONDS, Feed, Look, stored_by
from chtui.migrate.preflight.losses import bare
from chtui.migrate.shape import DATE_TYPES, WHOLE_NUMBERS, partition_id
from chtui.migrate.spec import AggregateSpec, TableSpec
from chtui.text import format_bytes, format_count, plural

FUTURE_SECONDS = 60
"""How far ahead of v1's clock a row may be before it counts as one of the future."""
SHOWN = 12
EVERY_ROW = "1"


class Times(NamedTuple):
    """What the event times of a table say."""

    rows: int
    first_second: int
    last_second: int
    future_rows: int


class Size(NamedTuple):
    """One partition of v2."""

    rows: int
    bytes_on_disk: int
    """What its rows take on v1's disk, by the table's mean."""


def check(look: Look) -> None:
    """Count v1's rows by v2's partitions."""
    source = look.source
    if source is None:
        return
    stored = look.one(source, "v1's parts", lambda host: _stored(host, look.spec.source.database)) or {}
    for feed in look.feeds:
        name = f"{look.spec.source.database}.{feed.source.name}"
        types = look.one(source, f"keys of {name}", partial(_key_types, look, feed))
        if types is None:
            continue
        wrong = judge_key_types(feed, *types)
        look.add(wrong)
        if wrong:
            continue
        counted = look.one(source, f"partitions of {name}", partial(_counted, look, feed, EVERY_ROW))
        times = look.one(source, f"times of {name}", partial(_times, look, feed))
        if counted is None or times is None:
            continue
        rows, size = stored.get(feed.source.name, (0, 0))
        sizes = {key: Size(number, round(number * size / max(1, rows))) for key, number in counted.items()}
        for key, each in sizes.items():
            where = (feed.table.name, key)
            look.partition_bytes[where] = look.partition_bytes.get(where, 0) + each.bytes_on_disk
        look.add(judge_partitions(feed, sizes, times))
        look.add(judge_times(feed, times))
        _check_expired(look, source, feed)


def _check_expired(look: Look, source: Host, feed: Feed) -> None:
    for expiring in stored_by(look.spec):
        base = expiring.base if isinstance(expiring, AggregateSpec) else expiring.name
        condition = expired_condition(feed, expiring) if base == feed.table.name else ""
        if condition:
            about = f"expired rows of {look.spec.source.database}.{feed.source.name}"
            expired = look.one(source, about, partial(_counted, look, feed, condition))
            look.add(judge_expired(feed, expiring, expired or {}))


def judge_key_types(feed: Feed, partition_type: str, sharding_type: str) -> list[Finding]:
    """Partitions are compared as numbers or dates; of texts, '2025-9' comes after '2025-10' and months are skipped."""
    found = []
    table = feed.table
    if partition_type and bare(partition_type).head not in (*WHOLE_NUMBERS, *DATE_TYPES):
        what = f"the partition key is {partition_type}, neither a whole number nor a date: its partitions have no order"
        remedy = "partition by toYYYYMM, toYYYYMMDD or a Date"
        found.append(
            blocker(Kind.PARTITION_KEY, table.name, None, what, evidence=table.partition_by, remedy=remedy)
        )
    if bare(sharding_type).head not in WHOLE_NUMBERS:
        what = f"the sharding key is {sharding_type}, not a whole number"
        remedy = "hash it: cityHash64(...)"
        found.append(
            blocker(Kind.SHARDING_KEY, table.name, None, what, evidence=table.sharding_key, remedy=remedy)
        )
    return found


def judge_partitions(feed: Feed, sizes: Mapping[str, Size], times: Times) -> list[Finding]:
    """What will be copied, by v2's partitions; a table without rows is a surprise."""
    name = f"{feed.source.name} > {feed.table.name}"
    if not sizes:
        what = "v1's table has no rows: nothing will be copied, with success"
        return [
            warning(
                Kind.SOURCE_TABLE,
                name,
                None,
                what,
                remedy="see that source.host and source.database are right",
            )
        ]
    rows = sum(size.rows for size in sizes.values())
    total = sum(size.bytes_on_disk for size in sizes.values())
    listed = [
        f"{partition_id(key)}: {format_count(size.rows)} rows, {format_bytes(size.bytes_on_disk)}"
        for key, size in list(sizes.items())[-SHOWN:]
    ]
    more = [f"{len(sizes) - SHOWN} earlier ones"] if len(sizes) > SHOWN else []
    what = (
        f"{plural(len(sizes), 'partition')} of v2, {format_count(rows)} rows, {format_bytes(total)} on v1, "
        f"{_day(times.first_second)} to {_day(times.last_second)}"
    )
    return [note(Kind.PARTITIONS, name, None, what, evidence="; ".join([*more, *listed]))]


def judge_times(feed: Feed, times: Times) -> list[Finding]:
    """Rows of the future are past any watermark, and the writers' second copy of them never comes."""
    if not times.future_rows:
        return []
    what = f"{plural(times.future_rows, 'row')} of v1 {'is' if times.future_rows == 1 else 'are'} of the future, the last of {_day(times.last_second)}"
    remedy = "find the writer whose clock is ahead; the watermark must lie behind them, or they are copied as live rows"
    return [warning(Kind.FUTURE_ROWS, feed.source.name, None, what, remedy=remedy)]


def judge_expired(
    feed: Feed, expiring: TableSpec | AggregateSpec, expired: Mapping[str, int]
) -> list[Finding]:
    """Rows older than v2's TTL are copied and proven, and deleted at the first merge after the seal."""
    rows = sum(expired.values())
    if not rows:
        return []
    listed = [f"{partition_id(key)}: {format_count(number)}" for key, number in list(expired.items())[:SHOWN]]
    more = [f"and {len(expired) - SHOWN} more partitions"] if len(expired) > SHOWN else []
    what = f"{plural(rows, 'row')} of {feed.source.name} are older than {expiring.name} keeps them: the first merge after the seal deletes them"
    remedy = "raise expires to keep them; v1 has them until it is dropped"
    return [
        warning(
            Kind.EXPIRED_ROWS, expiring.name, None, what, evidence="; ".join([*listed, *more]), remedy=remedy
        )
    ]


def expired_condition(feed: Feed, expiring: TableSpec | AggregateSpec) -> str:
    """Return the condition over v1's columns for rows that a table or aggregate of v2 would delete; empty if none."""
    if not expiring.expires:
        return ""
    rule = rule_of(expiring.expires)
    if isinstance(expiring, AggregateSpec):
        given = {
            name: f"({expression})" for name, expression in expiring.select.items() if name in expiring.keys
        }
        rule = rule.over(given)
    return rule.over(dict(feed.shape.values)).expired("now()")


def _day(second: int) -> str:
    try:
        return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return f"second {second} since 1970"


def _stored(host: Host, database: str) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for table, _, rows, size in host.rows("preflight_table_parts", {"database": database}):
        before = found.get(str(table), (0, 0))
        found[str(table)] = before[0] + int(rows), before[1] + int(size)
    return found


def _key_types(look: Look, feed: Feed, host: Host) -> tuple[str, str]:
    partition = partition_of(feed.table, feed.shape)
    has_partitions = feed.table.partition_by.strip() not in ("", "tuple()")
    texts: Sequence[str] = (partition, feed.shape.over_source(feed.table.sharding_key))
    params: dict[str, Value] = {
        "expressions": ",\n".join(f"({text}) AS chtui_{number}" for number, text in enumerate(texts)),
        "table": (look.spec.source.database, feed.source.name),
    }
    types = [str(row[1]) for row in host.rows("preflight_types", params)]
    return types[0] if has_partitions else "", types[1]


def _counted(look: Look, feed: Feed, condition: str, host: Host) -> dict[str, int]:
    params: dict[str, Value] = {
        "partition": partition_of(feed.table, feed.shape),
        "condition": condition,
        "table": (look.spec.source.database, feed.source.name),
    }
    rows = host.rows("preflight_partitions", params, seconds=SCAN_SECONDS, settings=host.known(UNBOUND))
    return {str(key): int(number) for key, number in rows}


def _times(look: Look, feed: Feed, host: Host) -> Times:
    params: dict[str, Value] = {
        "time": feed.shape.values[feed.table.time],
        "seconds": FUTURE_SECONDS,
        "table": (look.spec.source.database, feed.source.name),
    }
    rows = host.rows("preflight_times", params, seconds=SCAN_SECONDS, settings=host.known(UNBOUND))
    return Times(*(int(value) for value in rows[0]))
