"""The background pools of all hosts: tasks in them against their size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.records import HostId
from chtui.text import format_count, format_percent
from chtui.views.links import to_host
from chtui.views.pages import Part, Subject
from chtui.views.table import Cell, Column, Row, Style, cell, number

WANTS = (Want("background_pools"), Want("pool_settings"))
BUSY_RATIO = 0.9
"""Used share of a pool that is a warning. Source: chtui's choice; chdig colours shares above it red."""
FULL_RATIO = 1.0
"""Used share of a pool that is critical: what comes next waits. Source: on-call runbooks (tasks = size)."""
MERGE_POOLS = ("merges", "all")
"""The pool that merges and mutations run in: of its own, or the only one on old servers."""


class Pool(NamedTuple):
    """A pool as servers name it."""

    name: str
    gauge: str
    """Gauges are `<gauge>Task` and `<gauge>Size`."""
    setting: str
    purpose: str


POOLS = (
    Pool("merges", "BackgroundMergesAndMutationsPool", "background_pool_size", "merges and mutations"),
    Pool("all", "BackgroundPool", "background_pool_size", "merges, mutations, fetches and queues"),
    Pool("fetches", "BackgroundFetchesPool", "background_fetches_pool_size", "parts from other replicas"),
    Pool("moves", "BackgroundMovePool", "background_move_pool_size", "parts to other disks"),
    Pool("common", "BackgroundCommonPool", "background_common_pool_size", "removal of old parts and the like"),
    Pool("schedule", "BackgroundSchedulePool", "background_schedule_pool_size", "replication queues, periodic tasks"),
    Pool("distributed", "BackgroundDistributedSchedulePool", "background_distributed_schedule_pool_size", "Distributed sends"),
    Pool("buffer flush", "BackgroundBufferFlushSchedulePool", "background_buffer_flush_schedule_pool_size", "Buffer tables"),
    Pool("message broker", "BackgroundMessageBrokerSchedulePool", "background_message_broker_schedule_pool_size", "Kafka, RabbitMQ and the like"),
    Pool("streaming", "BackgroundStreamingSchedulePool", "background_streaming_schedule_pool_size", "streaming queries"),
)  # fmt: skip
RATIO_SETTING = "background_merges_mutations_concurrency_ratio"
FREE_SETTING = "number_of_free_entries_in_pool_to_execute_mutation"


@dataclass(frozen=True, slots=True)
class PoolFact:
    """A background pool of one host."""

    host: str
    pool: str
    tasks: int
    max_tasks: int | None
    """How many it takes at most; None where the server does not tell."""
    used_ratio: float | None
    """None without a size, or with a size of 0: the pool is not in use."""
    free_tasks_to_mutate: int | None
    """Of the merge pool: so many entries must be free before a mutation is begun; None where there is no such rule."""
    size_source: str | None
    """`gauge` or `setting`."""


def pool_facts(snapshot: Snapshot, _subject: Subject = ()) -> tuple[PoolFact, ...]:
    """Return the pools of all hosts, the fullest first."""
    found = [fact for status in snapshot.hosts for fact in _host_pools(snapshot, status.id)]
    return tuple(sorted(found, key=lambda fact: -(fact.used_ratio if fact.used_ratio is not None else -1)))


def _host_pools(snapshot: Snapshot, host: HostId) -> list[PoolFact]:
    gauges = {row.name: row.value for row in snapshot.rows(host, "background_pools")}
    settings = {row.name: row.value for row in snapshot.rows(host, "pool_settings")}
    facts = []
    for pool in POOLS:
        tasks = gauges.get(f"{pool.gauge}Task")
        if tasks is None:
            continue
        size, source = gauges.get(f"{pool.gauge}Size"), "gauge"
        if size is None and (set_to := settings.get(pool.setting)):
            ratio = settings.get(RATIO_SETTING, 1.0) if pool.name == "merges" else 1.0
            size, source = int(set_to * (ratio or 1.0)), "setting"
        free = settings.get(FREE_SETTING) if pool.name == "merges" else None
        facts.append(
            PoolFact(
                host=str(host),
                pool=pool.name,
                tasks=tasks,
                max_tasks=size,
                used_ratio=tasks / size if size else None,
                free_tasks_to_mutate=int(free) if free is not None else None,
                size_source=source if size is not None else None,
            )
        )
    return facts


def merge_pool(snapshot: Snapshot, host: HostId) -> PoolFact | None:
    """Return the pool in which a host's merges run; None while it is not known."""
    return next((fact for fact in _host_pools(snapshot, host) if fact.pool in MERGE_POOLS), None)


def why_no_mutation(pool: PoolFact | None) -> str:
    """Return why the pool begins no mutation now, empty if it would.

    Source: ClickHouse, `getMaxSourcePartSizeForMutation`: with more than one task in the pool it keeps entries free for merges.
    """
    if pool is None or not pool.max_tasks:
        return ""
    used = f"{pool.tasks} of {pool.max_tasks}"
    if pool.tasks >= pool.max_tasks:
        return f"the merge pool is full: {used}"
    free, needed = pool.max_tasks - pool.tasks, pool.free_tasks_to_mutate
    if needed is not None and pool.tasks > 1 and free < needed:
        return f"too few entries of the merge pool are free: {free}, a mutation waits for {needed}"
    return ""


def used_style(ratio: float | None) -> Style:
    """Return how a pool's used share is drawn."""
    if ratio is None or ratio < BUSY_RATIO:
        return ""
    return "critical" if ratio >= FULL_RATIO else "warning"


def used_text(fact: PoolFact) -> str:
    """Return tasks against the size, `3 of 16`."""
    return f"{fact.tasks} of {'?' if fact.max_tasks is None else fact.max_tasks}"


POOL_COLUMNS = (
    Column("pool", "POOL", help="background pool"),
    Column("host", "HOST", max_width=30, help="host_name and native port in system.clusters"),
    Column("tasks", "TASKS", True, help="tasks in the pool now"),
    Column("max_tasks", "SIZE", True, help="how many tasks it takes at most"),
    Column("used_ratio", "USED", True, help="tasks against the size"),
    Column("state", "STATE", help="full: what comes next waits; busy from 90 %; not in use: its size is 0"),
    Column("purpose", "FOR", max_width=40, help="what runs in it"),
)


def pool_rows(_snapshot: Snapshot, _subject: Subject, facts: Sequence[PoolFact]) -> tuple[Row, ...]:
    """Return a row for each pool."""
    return tuple(_row(fact) for fact in facts)


def _row(fact: PoolFact) -> Row:
    style = used_style(fact.used_ratio)
    state = {"critical": "FULL", "warning": "busy"}.get(style, "not in use" if fact.max_tasks == 0 else "ok")
    purpose = next(pool.purpose for pool in POOLS if pool.name == fact.pool)
    return Row(
        f"{fact.host} {fact.pool}",
        (
            cell(fact.pool),
            cell(fact.host, "muted"),
            number(fact.tasks, format_count),
            number(fact.max_tasks, format_count),
            number(fact.used_ratio, format_percent, style),
            Cell(state, style or ("ok" if state == "ok" else "muted"), fact.used_ratio),
            cell(purpose, "muted"),
        ),
        links=(to_host(fact.host),),
    )


POOLS_PART = Part(
    "pools",
    "pools",
    PoolFact,
    POOL_COLUMNS,
    lambda _: WANTS,
    pool_facts,
    pool_rows,
    {"pool_settings": ("max_tasks", "used_ratio", "free_tasks_to_mutate")},
    empty="the servers tell of no background pools",
    frozen=1,
)
"""The part of the merges pane that shows the background pools."""
