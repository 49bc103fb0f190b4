"""`chtui migrate verify`: v2 compared with v1, at any time, alone."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from chtui.cli.migrating import common

if TYPE_CHECKING:
    from chtui.cli.migrating.common import Connect
    from chtui.migrate.benchmarks import Timed
    from chtui.migrate.drill import Drilled
    from chtui.migrate.facts import Facts
    from chtui.migrate.hosts import Hosts
    from chtui.migrate.layout import Ground
    from chtui.migrate.verification import Verification

DRILLED = 8
"""Hours that differ and are looked into; the report has all of them."""


def run(arguments: argparse.Namespace, found: Connect) -> int:
    """Compare, print what differs, and return 0 where nothing does, 1 where something does, 3 where that is not known."""
    from chtui.clock import SystemClock
    from chtui.migrate import benchmarks, journal, report, sealed_report, verify
    from chtui.migrate.expiry import EXPIRY_MARGIN_SECONDS
    from chtui.migrate.layout import Ground, Layout, shards_of, source_shape

    spec = common.spec(arguments.spec)
    given = _instant(arguments.until) if arguments.until else None
    known = _known(journal.checked_run(arguments.run or spec.name))
    hosts = common.hosts(spec, found().profile)
    try:
        shapes = {
            (table.name, source.name): source_shape(spec, table, source, hosts)
            for table in spec.tables
            for source in table.sources
        }
        now = _now(hosts)
        # What expires while it is compared would seem to be missing.
        left_out = {name: int(now) + EXPIRY_MARGIN_SECONDS for name in known.facts.aging}
        layout = Layout((), shards_of(spec, hosts), spec.target.flavour)
        ground = Ground(spec, hosts, layout, shapes, left_out)
        until = (
            sealed_report.comparable_until(known.facts, spec.retention.lateness_seconds, now)
            if given is None
            else given
        )
        if until is not None and given is None:
            common.say(f"both v1 and v2 are written, or were: rows of before {_time(until)} are compared")
        result = verify.run(
            ground,
            tables=arguments.table,
            until_seconds=until,
            whole_hours=given is not None,
            say=common.say,
        )
        drilled = _drilled(ground, result)
        timed = _timed(ground, known, arguments.times) if arguments.benchmarks else ()
    finally:
        hosts.close()
    clock = SystemClock()
    document = (
        report.write(
            arguments.report, result, known.plan_hash, clock, run=known.run, drilled=drilled, timed=timed
        )
        if arguments.report
        else report.to_document(result, known.plan_hash, clock, run=known.run, drilled=drilled, timed=timed)
    )
    lines = [*_lines(result, drilled), *benchmarks.lines(timed), *_verdict(result)]
    print(json.dumps(document, indent=1) if arguments.json else "\n".join(lines))
    return result.exit_code


def _timed(ground: Ground, known: Known, times: int) -> Sequence[Timed]:
    """The spec's benchmarks; before the seal v2's names do not lead to its rows, and the figures mean little."""
    from chtui.migrate import benchmarks

    unsealed = [table.name for table in ground.spec.tables if table.name not in known.facts.sealed]
    if known.run and unsealed:
        common.say(f"chtui: not sealed, so queries of v2 find no rows of: {', '.join(unsealed)}")
    return benchmarks.run(ground, times=times, say=common.say)


class Known(NamedTuple):
    """What is known of a run here; nothing where there is none."""

    run: str
    plan_hash: str
    facts: Facts


def _known(name: str) -> Known:
    from chtui.errors import MigrateError
    from chtui.migrate import facts, journal

    try:
        header, events = journal.read(name)
        return Known(header.run, header.plan_hash, facts.of(events))
    except MigrateError:
        return Known("", "", facts.Facts())


def _now(hosts: Hosts) -> float:
    """v1's clock, since 1970."""
    from chtui.errors import ChtuiError
    from chtui.migrate.live.watermark import clock_seconds

    try:
        return clock_seconds(hosts.source)
    except ChtuiError:
        # What cannot be asked the comparison tells.
        return time.time()


def _drilled(ground: Ground, result: Verification) -> list[Drilled]:
    """The first hours that differ, by minutes; those that were not compared are left out."""
    from chtui.errors import ChtuiError
    from chtui.migrate import drill

    drilled: list[Drilled] = []
    for hour in result.differing[:DRILLED]:
        try:
            found = drill.down(ground, hour)
        except ChtuiError as error:
            common.say(f"chtui: {hour.table}, {hour.host}: rows cannot be told apart: {error.line}")
            continue
        until = result.until_seconds
        minutes = [each for each in found.minutes if until is None or each.minute_seconds < until]
        drilled.append(replace(found, minutes=tuple(minutes)))
    return drilled


def _lines(result: Verification, drilled: Sequence[Drilled]) -> Iterator[str]:
    from chtui.text import one_line, plural

    for each in result.totals:
        wanted, there = (
            "unknown" if number is None else str(number) for number in (each.source_rows, each.target_rows)
        )
        hours = f"{plural(each.hours, 'hour')} compared, {each.hours_differing} differ, {each.hours_unknown} unknown"
        collapsed = f" and {each.collapsed_rows} collapsed" if each.collapsed_rows else ""
        yield f"{each.table}: {wanted} rows in v1{collapsed}, {there} in v2; {hours}"
        if each.no_shard_rows:
            yield f"  {each.no_shard_rows} rows lead to no shard"
    for one in drilled:
        place = f"{one.of.table}, partition {one.of.partition_id}, {one.of.host}"
        yield f"{place}, hour {_time(one.of.hour_seconds)}{'' if one.minutes else ': equal by now'}"
        for minute in one.minutes:
            kinds = ", ".join(f"{number} {kind}" for kind, number in minute.rows.items() if number)
            note = f" ({minute.note})" if minute.note else ""
            yield f"  {_time(minute.minute_seconds)}: {kinds or 'cannot be told'}{note}"
            for example in minute.examples:
                yield f"    {example.oddity.kind}: {one_line(example.key, 120)}"
    left = len(result.differing) - len(drilled)
    if left > 0:
        yield f"and {plural(left, 'hour')} more that differ; --report FILE has all of them"
    states = [each for each in result.aggregates if str(each.state) != "equal"]
    for check in states:
        yield f"{check.aggregate}, partition {check.partition_id}, {check.host}: {check.error or check.state}"
    if result.aggregates and not states:
        yield f"aggregates: {plural(len(result.aggregates), 'partition')} equal to what their rows give"
    for column, why in result.not_verified.items():
        yield f"not compared: {one_line(column)}: {one_line(why)}"
    for failure in result.failures:
        yield f"unknown: {failure.host} {failure.table} {failure.partition_id}: {one_line(failure.error, 300)}"


def _verdict(result: Verification) -> Iterator[str]:
    if result.until_seconds is not None:
        yield f"compared up to {_time(result.until_seconds)}: rows of later may still come"
    yield f"verdict: {result.state}"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _instant(text: str) -> float:
    from chtui.errors import UsageError

    try:
        if text.isdecimal():
            return float(text)
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise UsageError(
            f"--until {text!r} is no instant",
            fix="give one with its zone, as 2026-01-31T12:00:00Z, or seconds since 1970",
        )
    return found.timestamp()
