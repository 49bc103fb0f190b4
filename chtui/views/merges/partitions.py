"""Parts of partitions against the number at which their own table delays and refuses inserts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from chtui.monitor.rates import rate
from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.records import HostId, HostMetrics, Sample
from chtui.records.merges import CrowdedPartition, PartLimits
from chtui.text import format_bytes, format_count, format_percent, format_seconds
from chtui.views.links import to_host, to_table
from chtui.views.pages import Part, Subject
from chtui.views.pieces import Figure
from chtui.views.table import Cell, Column, Link, Row, Style, cell, number

WANTS = (Want("crowded_partitions"), Want("part_limits"), Want("host_metrics"))
NEAR_RATIO = 0.8
"""Share of a limit from where a partition is near it. Source: chtui's choice."""


class Limits(NamedTuple):
    """What holds for one table; 0: no such limit."""

    parts_to_delay: int
    parts_to_throw: int
    max_table_parts: int
    exempt_part_bytes: int
    are_own: bool
    """Whether the table has set any of them for itself."""


@dataclass(frozen=True, slots=True)
class PartitionFact:
    """A partition with many parts on one host."""

    host: str
    database: str
    table: str
    partition_id: str
    parts: int
    """Active ones."""
    parts_to_delay: int | None
    """From so many on the table delays inserts; None: unknown; 0: never."""
    parts_to_throw: int | None
    """From so many on it refuses them; None: unknown; 0: never."""
    fill_ratio: float | None
    """Of what comes first: the partition's parts against parts_to_throw, the table's against max_table_parts."""
    state: str | None
    """`refuses`, `delays`, `near` (80 % of what delays or refuses), `exempt` (its parts are large) or `ok`; None: unknown."""
    table_parts: int
    max_table_parts: int | None
    limits_are_own: bool | None
    """Whether the table has a limit of its own."""
    average_part_bytes: float
    growth_parts_per_minute: float | None
    """Between the last two samples; negative while merges win; None before the second."""
    seconds_to_throw: float | None
    """Until inserts are refused at that growth; None while it does not grow, or nothing limits it."""


def partition_facts(snapshot: Snapshot, _subject: Subject = ()) -> tuple[PartitionFact, ...]:
    """Return the crowded partitions of all hosts, the nearest to its limit first."""
    found: list[PartitionFact] = []
    for status in snapshot.hosts:
        limits = _all_limits(snapshot, status.id)
        sample = snapshot.sample(status.id, "crowded_partitions")
        before = _before(sample)
        for row in sample.rows if sample else ():
            found.append(_fact(status.id, row, _limits_of(limits, row), _growth(row, sample, before)))
    return tuple(sorted(found, key=lambda fact: (-(fact.fill_ratio or 0.0), -fact.parts, fact.host)))


AllLimits = dict[tuple[str, str, str, bool], PartLimits]


def _all_limits(snapshot: Snapshot, host: HostId) -> AllLimits:
    rows: Sequence[PartLimits] = snapshot.rows(host, "part_limits")
    return {
        (row.kind, row.database, row.table, row.kind == "defaults" and row.is_replicated): row for row in rows
    }


def _limits_of(limits: AllLimits, row: CrowdedPartition) -> Limits | None:
    own = limits.get(("own", row.database, row.table, False))
    is_replicated = own is not None and own.is_replicated
    # Old servers have one set of defaults for all tables.
    default = limits.get(("defaults", "", "", is_replicated)) or limits.get(("defaults", "", "", False))
    if default is None:
        return None

    def value(name: str) -> int:
        set_to = getattr(own, name) if own is not None else None
        return int((getattr(default, name) if set_to is None else set_to) or 0)

    return Limits(
        parts_to_delay=value("parts_to_delay"),
        parts_to_throw=value("parts_to_throw"),
        max_table_parts=value("max_table_parts"),
        exempt_part_bytes=value("exempt_part_bytes"),
        are_own=own is not None and any(limit is not None for limit in own[4:]),
    )


def _before(sample: Sample | None) -> dict[tuple[str, str, str], int]:
    rows = sample.previous.rows if sample and sample.previous else ()
    return {(row.database, row.table, row.partition_id): row.parts for row in rows}


def _growth(
    row: CrowdedPartition, sample: Sample | None, before: dict[tuple[str, str, str], int]
) -> float | None:
    previous = sample.previous if sample else None
    had = before.get((row.database, row.table, row.partition_id))
    if sample is None or previous is None or had is None or not (sample.taken_at and previous.taken_at):
        return None
    seconds = (sample.taken_at - previous.taken_at).total_seconds()
    return (row.parts - had) / seconds * 60 if seconds > 0 else None


def _fact(host: HostId, row: CrowdedPartition, limits: Limits | None, growth: float | None) -> PartitionFact:
    average = row.bytes_on_disk / row.parts if row.parts else 0.0
    exempt = limits is not None and 0 < limits.exempt_part_bytes < average
    left = limits.parts_to_throw - row.parts if limits and limits.parts_to_throw and not exempt else None
    return PartitionFact(
        host=str(host),
        database=row.database,
        table=row.table,
        partition_id=row.partition_id,
        parts=row.parts,
        parts_to_delay=limits.parts_to_delay if limits else None,
        parts_to_throw=limits.parts_to_throw if limits else None,
        fill_ratio=_fill(row, limits, exempt),
        state=_state(row, limits, exempt) if limits else None,
        table_parts=row.table_parts,
        max_table_parts=limits.max_table_parts if limits else None,
        limits_are_own=limits.are_own if limits else None,
        average_part_bytes=average,
        growth_parts_per_minute=growth,
        seconds_to_throw=max(0, left) / growth * 60 if left is not None and growth and growth > 0 else None,
    )


def _fill(row: CrowdedPartition, limits: Limits | None, exempt: bool) -> float | None:
    if limits is None:
        return None
    shares = [
        row.parts / limits.parts_to_throw if limits.parts_to_throw and not exempt else None,
        row.table_parts / limits.max_table_parts if limits.max_table_parts else None,
    ]
    return max((share for share in shares if share is not None), default=None)


def _state(row: CrowdedPartition, limits: Limits, exempt: bool) -> str:
    """Source of the order: ClickHouse, `delayInsertOrThrowIfNeeded`; the limit on the whole table knows no exemption."""
    if limits.max_table_parts and row.table_parts >= limits.max_table_parts:
        return "refuses"
    if exempt:
        return "exempt"
    if limits.parts_to_throw and row.parts >= limits.parts_to_throw:
        return "refuses"
    if limits.parts_to_delay and row.parts >= limits.parts_to_delay:
        return "delays"
    first = min((limit for limit in (limits.parts_to_delay, limits.parts_to_throw) if limit), default=0)
    near_total = limits.max_table_parts and row.table_parts >= NEAR_RATIO * limits.max_table_parts
    return "near" if near_total or (first and row.parts >= NEAR_RATIO * first) else "ok"


PARTITION_COLUMNS = (
    Column("table", "TABLE", max_width=36, help="database and table"),
    Column("partition_id", "PARTITION", max_width=20, help="partition_id"),
    Column("state", "STATE", help="REFUSES or DELAYS inserts; near (80 % of that); exempt: its parts are large; ok"),
    Column("parts", "PARTS", True, help="active parts of the partition"),
    Column("parts_to_throw", "LIMIT", True, help="parts from where the table refuses inserts; * where it is the table's own"),
    Column("fill_ratio", "FULL", True, help="parts against the limit, or the table's against max_parts_in_total"),
    Column("seconds_to_throw", "REFUSES IN", True, help="time until inserts are refused, if it grows as between the last two samples"),
    Column("growth_parts_per_minute", "GROWS/MIN", True, help="parts more a minute, between the last two samples"),
    Column("parts_to_delay", "DELAYS AT", True, help="parts from where the table delays inserts"),
    Column("host", "HOST", max_width=30, help="host_name and native port in system.clusters"),
    Column("table_parts", "TABLE PARTS", True, help="active parts of the whole table"),
    Column("max_table_parts", "AT MOST", True, help="max_parts_in_total of the table"),
    Column("average_part_bytes", "PART SIZE", True, help="average size of the partition's parts"),
)  # fmt: skip
STYLES: dict[str, Style] = {"refuses": "critical", "delays": "critical", "near": "warning", "ok": "ok"}


def partition_rows(_snapshot: Snapshot, _subject: Subject, facts: Sequence[PartitionFact]) -> tuple[Row, ...]:
    """Return a row for each partition; enter leads to its parts."""
    return tuple(_row(fact) for fact in facts)


def _row(fact: PartitionFact) -> Row:
    name = f"{fact.database}.{fact.table}"
    style = STYLES.get(fact.state or "", "muted")
    state = fact.state.upper() if style == "critical" and fact.state else fact.state or "-"
    return Row(
        f"{fact.host} {name} {fact.partition_id}",
        (
            cell(name),
            cell(fact.partition_id),
            Cell(state, style),
            number(fact.parts, format_count),
            _limit(fact.parts_to_throw, "*" if fact.limits_are_own else ""),
            number(fact.fill_ratio, format_percent, "" if style in ("ok", "muted") else style),
            number(fact.seconds_to_throw, format_seconds, "warning"),
            number(fact.growth_parts_per_minute, lambda value: "-" if value is None else f"{value:+.1f}"),
            _limit(fact.parts_to_delay),
            cell(fact.host, "muted"),
            number(fact.table_parts, format_count),
            _limit(fact.max_table_parts),
            number(fact.average_part_bytes, format_bytes),
        ),
        link=Link("partition", (fact.database, fact.table, fact.partition_id)),
        links=(
            to_table(fact.database, fact.table),
            to_host(fact.host),
        ),
    )


def _limit(value: int | None, mark: str = "") -> Cell:
    if value == 0:
        return Cell("none", "muted")
    return number(value, lambda known: format_count(known) + (mark if known is not None else ""))


def partition_figures(snapshot: Snapshot, _subject: Subject) -> tuple[Figure, ...]:
    """Return what the limits do to inserts on all hosts: waiting now, delayed and refused."""
    metrics: list[HostMetrics] = [
        found for status in snapshot.hosts if (found := snapshot.one(status.id, "host_metrics")) is not None
    ]
    waiting = sum(found.delayed_inserts_now or 0 for found in metrics)
    return (
        Figure(
            "inserts waiting",
            format_count(waiting) if metrics else "-",
            "warning" if waiting else "",
            "" if metrics else "no host has answered",
        ),
        _counter(snapshot, metrics, "delayed", "delayed_inserts_total", "warning"),
        _counter(snapshot, metrics, "refused", "rejected_inserts_total", "critical"),
    )


def _counter(
    snapshot: Snapshot, metrics: Sequence[HostMetrics], label: str, counter: str, alarm: Style
) -> Figure:
    """A rate over all hosts that have two samples, and the sum since they started."""
    if not metrics:
        return Figure(label, "-", "muted", "no host has answered")
    rates = [rate(snapshot.sample(status.id, "host_metrics"), counter)[0] for status in snapshot.hosts]
    known = [value for value in rates if value is not None]
    total = f"{format_count(sum(getattr(found, counter) for found in metrics))} since start"
    if not known:
        return Figure(label, total)
    return Figure(label, f"{sum(known):.2f}/s, {total}", alarm if sum(known) else "")


PARTITIONS_PART = Part(
    "partitions",
    "parts of partitions",
    PartitionFact,
    PARTITION_COLUMNS,
    lambda _: WANTS,
    partition_facts,
    partition_rows,
    {
        
        "part_limits": ("parts_to_delay", "parts_to_throw", "fill_ratio", "state", "max_table_parts",
                        "limits_are_own", "seconds_to_throw"),
        "host_metrics": (),
    },
    empty="no active parts that this user may see",
    frozen=1,
    figures=partition_figures,
)  # fmt: skip
"""The part of the merges pane that holds parts against their tables' limits."""
