"""`chtui migrate verify`: v2 compared with v1, at any time, alone."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from chtui.cli.migrating import common

if TYPE_CHECKING:
    from chtui.cli.migrating.common import Connect
    from chtui.migrate.drill import Drilled
    from chtui.migrate.spec import Spec
    from chtui.migrate.verification import Verification

DRILLED = 8
"""Hours that differ and are looked into; the report has all of them."""


def run(arguments: argparse.Namespace, found: Connect) -> int:
    """Compare, print what differs, and return 0 where nothing does, 1 where something does, 3 where that is not known."""
    from chtui.clock import SystemClock
    from chtui.errors import ChtuiError
    from chtui.migrate import drill, report, verify
    from chtui.migrate.layout import Ground, Layout, shards_of, source_shape

    spec = common.spec(arguments.spec)
    until = _instant(arguments.until) if arguments.until else None
    hosts = common.hosts(spec, found().profile)
    try:
        shapes = {
            (table.name, source.name): source_shape(spec, table, source, hosts)
            for table in spec.tables
            for source in table.sources
        }
        ground = Ground(spec, hosts, Layout((), shards_of(spec, hosts), spec.target.flavour), shapes)
        result = verify.run(ground, tables=arguments.table, until_seconds=until, say=common.say)
        drilled: list[Drilled] = []
        for hour in result.differing[:DRILLED]:
            try:
                drilled.append(drill.down(ground, hour))
            except ChtuiError as error:
                common.say(f"chtui: {hour.table}, {hour.host}: rows cannot be told apart: {error.line}")
    finally:
        hosts.close()
    run_name, plan_hash = _run_of(spec)
    clock = SystemClock()
    document = (
        report.write(arguments.report, result, plan_hash, clock, run=run_name, drilled=drilled)
        if arguments.report
        else report.to_document(result, plan_hash, clock, run=run_name, drilled=drilled)
    )
    print(json.dumps(document, indent=1) if arguments.json else "\n".join(_lines(result, drilled)))
    return result.exit_code


def _run_of(spec: Spec) -> tuple[str, str]:
    """The run of this spec here and its plan's hash; empty where there is none."""
    from chtui.errors import MigrateError
    from chtui.migrate import journal

    try:
        header, _ = journal.read(spec.name)
    except MigrateError:
        return "", ""
    return header.run, header.plan_hash


def _lines(result: Verification, drilled: Sequence[Drilled]) -> Iterator[str]:
    from chtui.text import one_line, plural

    for each in result.totals:
        wanted, there = (
            "unknown" if number is None else str(number) for number in (each.source_rows, each.target_rows)
        )
        hours = f"{plural(each.hours, 'hour')} compared, {each.hours_differing} differ, {each.hours_unknown} unknown"
        yield f"{each.table}: {wanted} rows in v1, {there} in v2; {hours}"
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
    yield f"verdict: {result.state}"


def _time(seconds: int) -> str:
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
