"""How the target hosts read v1: whether they can, whether they see its rows once, and how fast."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from chtui.fleet.literal import Value
from chtui.migrate.hosts import Host
from chtui.migrate.layout import UNBOUND
from chtui.migrate.preflight.findings import Finding, Kind, blocker, note, warning
from chtui.migrate.preflight.look import Feed, Look
from chtui.migrate.shape import FORMAT_ROW_SINCE, row_hash
from chtui.migrate.snapshot import read_by
from chtui.migrate.statements import table_name
from chtui.records import HostId
from chtui.text import format_count, format_seconds

COUNT_SECONDS = 300.0
RATE_SECONDS = 60.0
RATE_ROWS = 200_000
"""Rows read to measure a rate: enough to outlast connecting, few enough to disturb nobody."""
WRITING_FACTOR = 6.0
"""How much longer a migration takes at worst than one thread takes to read and hash the same rows. Source: measured on the
embedded 2x2 cluster on two cores, 400,000 spans: 9.4 s against 1.5 s (tests/bench/test_migrate.py, `migrate preflight`)."""


class Count(NamedTuple):
    """A table of v1 counted on v1 itself before and after the target hosts counted it by their way."""

    before: int
    after: int
    by_host: Mapping[HostId, int]


class Rate(NamedTuple):
    """A measured sample."""

    rows: int
    seconds: float


def check(look: Look, monotonic: Callable[[], float]) -> None:
    """Read v1 from every target host."""
    source = look.source
    if source is None:
        return
    rates: dict[str, Rate] = {}
    counts: dict[str, Count] = {}
    for feed in look.feeds:
        name = feed.source.name
        about, way = f"reading v1's {name}", read_by(look.spec.source, name)
        here = partial(_count, table_name(look.spec.source.database, name))
        before = look.one(source, about, here)
        by_host = look.each(look.targets, about, partial(_count, way))
        after = look.one(source, about, here)
        if before is None or after is None:
            continue
        counts[name] = Count(before, after, by_host)
        look.add(judge_counts(name, counts[name], way))
        able = [host for host in look.targets if host.id in by_host]
        if able and before:
            rate = look.one(able[-1], f"the rate of {name}", partial(_rate, feed, way, monotonic))
            if rate is not None:
                rates[name] = rate
    rows = {name: count.after for name, count in counts.items()}
    look.add(judge_duration(rows, rates, max(1, len(look.shards())), look.spec.limits.workers))


def judge_counts(name: str, count: Count, way: str) -> list[Finding]:
    """What a host sees lies between what v1 had before and after; more means that something is read twice."""
    least, most = sorted((count.before, count.after))
    found = []
    for host, rows in count.by_host.items():
        if least <= rows <= most:
            continue
        evidence = f"v1 has {least} to {most} rows, by {way} this host sees {rows}"
        twice = rows > most
        what = (
            "this host sees more rows of v1 than v1 has: replicas are listed as shards, or two tables are read"
            if twice
            else "this host sees fewer rows of v1 than v1 has: another server, or a filter"
        )
        remedy = "let source.cluster have one shard that is v1's host; in remote() write replicas as {a|b}, not {a,b}"
        found.append(blocker(Kind.ROUTE, name, host, what, evidence=evidence, remedy=remedy))
    if not found and count.by_host:
        what = f"all hosts see the {format_count(count.after)} rows that v1 has"
        found.append(note(Kind.ROUTE, name, None, what, evidence=way))
    return found


def judge_duration(
    rows: Mapping[str, int], rates: Mapping[str, Rate], shards: int, workers: int
) -> list[Finding]:
    """A range: as fast as reading on all streams at once, or as slow as one stream that also stores and proves."""
    known = {name: rate for name, rate in rates.items() if rate.rows and rate.seconds > 0}
    if not known:
        return []
    found = []
    fast = slow = 0.0
    for name, rate in known.items():
        measured = rate.rows / rate.seconds
        least, most = measured / WRITING_FACTOR, measured * shards * workers
        fast += rows[name] / most
        slow += rows[name] / least
        what = f"{format_count(least)} to {format_count(most)} rows/s expected"
        evidence = f"{rate.rows} rows read, mapped and hashed by one stream in {format_seconds(rate.seconds)}: {format_count(measured)} rows/s"
        found.append(note(Kind.DURATION, name, None, what, evidence=evidence))
    missing = sorted(name for name, number in rows.items() if number and name not in known)
    without = f", without {', '.join(missing)}" if missing else ""
    what = f"the copy takes {format_seconds(fast)} to {format_seconds(slow)}{without}, limits on load aside"
    judge = warning if missing else note
    found.append(judge(Kind.DURATION, "", None, what, evidence=f"{shards} shards, {workers} workers"))
    return found


def _count(origin: str, host: Host) -> int:
    return int(
        host.rows("preflight_route", {"from": origin}, seconds=COUNT_SECONDS, settings=_settings(host))[0][0]
    )


def _rate(feed: Feed, way: str, monotonic: Callable[[], float], host: Host) -> Rate:
    old = host.version < FORMAT_ROW_SINCE
    params: dict[str, Value] = {
        "given": row_hash(feed.shape.given, old=old),
        "from": way,
        "max_rows": RATE_ROWS,
    }
    started = monotonic()
    rows = host.rows("preflight_rate", params, seconds=RATE_SECONDS, settings=_settings(host))
    return Rate(int(rows[0][0]), monotonic() - started)


def _settings(host: Host) -> dict[str, int | str]:
    # Old servers refuse table functions under readonly = 1; 2 only reads too.
    return {**host.known(UNBOUND), "readonly": 2}
