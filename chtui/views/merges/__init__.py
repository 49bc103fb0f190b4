"""The merges pane: merges and mutations of all hosts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.records import HostId, Sample
from chtui.records.merges import Merge
from chtui.text import format_bytes, format_count, format_percent, format_seconds, sanitize
from chtui.views.links import to_host, to_partition, to_queue
from chtui.views.merges.log import MINUTES_PART, THROUGHPUT_PART
from chtui.views.merges.mutation_rows import MUTATION_PAGE, MUTATIONS_PART
from chtui.views.merges.partitions import PARTITIONS_PART
from chtui.views.merges.pools import POOLS_PART, merge_pool, used_style, used_text
from chtui.views.merges.pools import WANTS as POOL_WANTS
from chtui.views.pages import Page, Part, Subject
from chtui.views.pieces import Figure
from chtui.views.table import Column, Link, Row, cell, number


@dataclass(frozen=True, slots=True)
class MergeFact:
    """A merge or mutated part under way on one host."""

    host: str
    database: str
    table: str
    result_part_name: str
    partition_id: str | None
    is_mutation: bool | None
    """Whether a part is mutated, not merged; None where the server does not tell."""
    merge_type: str | None
    num_parts: int
    elapsed_seconds: float
    progress_ratio: float
    progress_ratio_per_second: float | None
    """Between the last two samples; None before the second."""
    remaining_seconds: float | None
    """At the rate of the last two samples, at the average rate before there are two; None without progress."""
    total_size_bytes: int
    bytes_written: int
    memory_bytes: int


def merge_facts(snapshot: Snapshot, _subject: Subject) -> tuple[MergeFact, ...]:
    """Return the merges of all hosts, the longest first."""
    found = [
        _fact(status.id, merge, snapshot.sample(status.id, "merges"))
        for status in snapshot.hosts
        for merge in snapshot.rows(status.id, "merges")
    ]
    return tuple(sorted(found, key=lambda fact: -fact.elapsed_seconds))


def _fact(host: HostId, merge: Merge, sample: Sample | None) -> MergeFact:
    rate = _progress_rate(merge, sample)
    pace = rate if rate is not None else merge.progress_ratio / max(merge.elapsed_seconds, 0.001)
    return MergeFact(
        host=str(host),
        database=merge.database,
        table=merge.table,
        result_part_name=merge.result_part_name,
        partition_id=merge.partition_id,
        is_mutation=None if merge.is_mutation is None else bool(merge.is_mutation),
        merge_type=merge.merge_type,
        num_parts=merge.num_parts,
        elapsed_seconds=merge.elapsed_seconds,
        progress_ratio=merge.progress_ratio,
        progress_ratio_per_second=rate,
        remaining_seconds=(1 - merge.progress_ratio) / pace if pace > 0 else None,
        total_size_bytes=merge.total_size_bytes,
        bytes_written=merge.bytes_written,
        memory_bytes=merge.memory_bytes,
    )


def _progress_rate(merge: Merge, sample: Sample | None) -> float | None:
    previous = sample.previous if sample else None
    if sample is None or previous is None or sample.taken_at is None or previous.taken_at is None:
        return None
    same = (merge.database, merge.table, merge.result_part_name)
    before = next(
        (row for row in previous.rows if (row.database, row.table, row.result_part_name) == same), None
    )
    seconds = (sample.taken_at - previous.taken_at).total_seconds()
    if before is None or seconds <= 0 or merge.elapsed_seconds < before.elapsed_seconds:
        return None
    gained: float = merge.progress_ratio - before.progress_ratio
    return max(0.0, gained / float(seconds))


MERGE_COLUMNS = (
    Column("table", "TABLE", max_width=40, help="database and table"),
    Column("host", "HOST", max_width=30, help="host_name and native port in system.clusters"),
    Column("kind", "KIND", help="merge, its type if it is not a regular one, or mutation"),
    Column("progress_ratio", "DONE", True, help="share of the work that is done"),
    Column("remaining_seconds", "ETA", True, help="time left at the rate of the last two samples"),
    Column("elapsed_seconds", "ELAPSED", True, help="since it began"),
    Column("num_parts", "PARTS", True, help="parts that are merged"),
    Column("total_size_bytes", "SIZE", True, help="compressed size of the parts that are merged"),
    Column("memory_bytes", "MEMORY", True, help="memory it uses"),
    Column("result_part_name", "RESULT PART", max_width=60, help="the part that comes of it"),
)


def merge_rows(_snapshot: Snapshot, _subject: Subject, facts: Sequence[MergeFact]) -> tuple[Row, ...]:
    """Return a row for each merge."""
    return tuple(_row(fact) for fact in facts)


def _row(fact: MergeFact) -> Row:
    kind = "mutation" if fact.is_mutation else (fact.merge_type or "merge").lower()
    name = f"{fact.database}.{fact.table}"
    return Row(
        f"{fact.host} {name} {fact.result_part_name}",
        (
            cell(name),
            cell(fact.host, "muted"),
            cell("merge" if kind == "regular" else kind, "accent" if fact.is_mutation else ""),
            number(fact.progress_ratio, format_percent),
            number(fact.remaining_seconds, format_seconds),
            number(fact.elapsed_seconds, format_seconds),
            number(fact.num_parts, lambda value: f"{value:.0f}"),
            number(fact.total_size_bytes, format_bytes),
            number(fact.memory_bytes, format_bytes),
            cell(fact.result_part_name),
        ),
        link=Link("table", (fact.database, fact.table)),
        links=(
            *((to_partition(fact.database, fact.table, fact.partition_id),) if fact.partition_id else ()),
            to_queue(fact.database, fact.table),
            to_host(fact.host),
        ),
        copy=fact.result_part_name,
    )


def merge_figures(snapshot: Snapshot, subject: Subject) -> tuple[Figure, ...]:
    """Return the sums over all hosts, and the host whose merge pool is fullest."""
    facts = merge_facts(snapshot, subject)
    mutated = sum(bool(fact.is_mutation) for fact in facts)
    pools = [pool for status in snapshot.hosts if (pool := merge_pool(snapshot, status.id)) is not None]
    fullest = max(pools, key=lambda pool: (pool.used_ratio or 0.0, pool.tasks), default=None)
    return (
        Figure("merges", format_count(len(facts) - mutated)),
        Figure("mutated parts", format_count(mutated)),
        Figure("memory", format_bytes(sum(fact.memory_bytes for fact in facts))),
        Figure("merge pool", "-", "muted", "no host has answered")
        if fullest is None
        else Figure(
            "merge pool",
            f"{used_text(fullest)}{' FULL' if used_style(fullest.used_ratio) == 'critical' else ''}"
            + (f" on {sanitize(fullest.host)}" if len(pools) > 1 else ""),
            used_style(fullest.used_ratio),
        ),
    )


PAGES = (
    Page(
        "merges",
        (
            Part(
                "merges",
                "merges",
                MergeFact,
                MERGE_COLUMNS,
                lambda _: (Want("merges"), *POOL_WANTS),
                merge_facts,
                merge_rows,
                {"background_pools": (), "pool_settings": ()},
                empty="no merges under way",
                frozen=1,
                figures=merge_figures,
            ),
            MUTATIONS_PART,
            POOLS_PART,
            PARTITIONS_PART,
            THROUGHPUT_PART,
            MINUTES_PART,
        ),
    ),
    MUTATION_PAGE,
)
