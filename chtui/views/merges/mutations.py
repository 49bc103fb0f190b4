"""Mutations that are not done: how far each is, and which are stuck and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.records import HostId, Sample
from chtui.records.merges import Merge, Mutation, MutationEntries
from chtui.text import one_line
from chtui.views.merges.pools import WANTS as POOL_WANTS
from chtui.views.merges.pools import merge_pool, why_no_mutation
from chtui.views.pages import Subject

WANTS = (Want("mutations"), Want("mutation_entries"), Want("merges"), *POOL_WANTS)
STUCK_SECONDS = 600
"""Age from where a mutation of which no part gets done is stuck. Source: chmonitor's is_stuck; netdata waits until parts_to_do is flat."""
REASON_LENGTH = 300


@dataclass(frozen=True, slots=True)
class HostMutationFact:
    """A mutation that is not done on one host."""

    host: str
    database: str
    table: str
    mutation_id: str
    command: str
    """Cut at 20,000 characters."""
    age_seconds: int
    parts_to_do: int
    parts_in_progress: int
    parts_done_per_second: float | None
    """Between the last two samples; None before the second."""
    remaining_seconds: float | None
    """At the rate of the last two samples; at the pace of the parts in progress where none was done between them."""
    is_killed: bool | None
    is_failing: bool
    is_stuck: bool
    stuck_reason: str | None
    """Why it is, in one line; None if it is not."""
    latest_failed_part: str | None
    latest_fail_age_seconds: int | None
    latest_fail_reason: str | None
    """The whole exception; on old servers that of the table's entry in the replication queue."""
    postpone_reason: str | None


@dataclass(frozen=True, slots=True)
class MutationFact:
    """A mutation that is not done on some hosts: one command on one table under one mutation_id."""

    database: str
    table: str
    mutation_id: str
    command: str
    """Cut at 20,000 characters."""
    hosts: int
    """On which it is not done."""
    age_seconds: int
    """Where it is oldest."""
    parts_to_do: int
    """On all hosts, as are the parts that follow."""
    parts_in_progress: int
    parts_done_per_second: float | None
    remaining_seconds: float | None
    """On the host that needs longest; None if one of them cannot be told."""
    is_failing: bool
    is_stuck: bool
    """On at least one host."""
    stuck_hosts: int
    stuck_reason: str | None
    """Of the first of these hosts."""
    stuck_host: str | None
    latest_failed_part: str | None
    latest_fail_age_seconds: int | None
    latest_fail_reason: str | None


def host_facts(snapshot: Snapshot) -> tuple[HostMutationFact, ...]:
    """Return the mutations of every host, the stuck ones first, then the oldest."""
    found = [
        _host_fact(snapshot, status.id, mutation)
        for status in snapshot.hosts
        for mutation in snapshot.rows(status.id, "mutations")
    ]
    return tuple(sorted(found, key=lambda fact: (not fact.is_stuck, -fact.age_seconds, fact.host)))


def facts_of_one(snapshot: Snapshot, subject: Subject) -> tuple[HostMutationFact, ...]:
    """Return one mutation on every host that has not done it; the subject is database, table and mutation_id."""
    return tuple(
        fact
        for fact in host_facts(snapshot)
        if (fact.database, fact.table, fact.mutation_id) == tuple(subject)
    )


def mutation_facts(snapshot: Snapshot, _subject: Subject = ()) -> tuple[MutationFact, ...]:
    """Return the mutations of all hosts, the stuck ones first, then the oldest."""
    groups: dict[tuple[str, str, str, str], list[HostMutationFact]] = {}
    for fact in host_facts(snapshot):
        groups.setdefault((fact.database, fact.table, fact.mutation_id, fact.command), []).append(fact)
    found = [_grouped(group) for group in groups.values()]
    return tuple(sorted(found, key=lambda fact: (not fact.is_stuck, -fact.age_seconds)))


def _grouped(group: Sequence[HostMutationFact]) -> MutationFact:
    stuck = [fact for fact in group if fact.is_stuck]
    failing = next((fact for fact in group if fact.is_failing), None)
    rates = [rate for fact in group if (rate := fact.parts_done_per_second) is not None]
    remaining = [fact.remaining_seconds for fact in group]
    first = group[0]
    return MutationFact(
        database=first.database,
        table=first.table,
        mutation_id=first.mutation_id,
        command=first.command,
        hosts=len(group),
        age_seconds=max(fact.age_seconds for fact in group),
        parts_to_do=sum(fact.parts_to_do for fact in group),
        parts_in_progress=sum(fact.parts_in_progress for fact in group),
        parts_done_per_second=sum(rates) if rates else None,
        remaining_seconds=_longest(remaining),
        is_failing=failing is not None,
        is_stuck=bool(stuck),
        stuck_hosts=len(stuck),
        stuck_reason=stuck[0].stuck_reason if stuck else None,
        stuck_host=stuck[0].host if stuck else None,
        latest_failed_part=failing.latest_failed_part if failing else None,
        latest_fail_age_seconds=failing.latest_fail_age_seconds if failing else None,
        latest_fail_reason=failing.latest_fail_reason if failing else None,
    )


def _longest(seconds: Iterable[float | None]) -> float | None:
    known = list(seconds)
    told = [value for value in known if value is not None]
    return max(told) if told and len(told) == len(known) else None


def _host_fact(snapshot: Snapshot, host: HostId, mutation: Mutation) -> HostMutationFact:
    entries = _entries(snapshot, host, mutation)
    running = [merge for merge in snapshot.rows(host, "merges") if _is_of(merge, mutation)]
    in_progress = max(mutation.parts_in_progress or 0, len(running), entries.executing if entries else 0)
    rate = _rate(mutation, snapshot.sample(host, "mutations"))
    # Servers before 20.3 tell why a part failed only in the replication queue.
    queued = entries if entries and entries.entry_exception and not mutation.latest_fail_reason else None
    fail_reason = queued.entry_exception if queued else mutation.latest_fail_reason or None
    postponed = mutation.postpone_reason or (entries.entry_postpone_reason if entries else "") or None
    pool = why_no_mutation(merge_pool(snapshot, host))
    stuck = _stuck(mutation, _Standing(fail_reason, postponed, in_progress, rate, pool))
    return HostMutationFact(
        host=str(host),
        database=mutation.database,
        table=mutation.table,
        mutation_id=mutation.mutation_id,
        command=mutation.command,
        age_seconds=mutation.age_seconds,
        parts_to_do=mutation.parts_to_do,
        parts_in_progress=in_progress,
        parts_done_per_second=rate,
        remaining_seconds=_remaining(mutation.parts_to_do, rate, running),
        is_killed=None if mutation.is_killed is None else bool(mutation.is_killed),
        is_failing=fail_reason is not None,
        is_stuck=bool(stuck),
        stuck_reason=stuck or None,
        latest_failed_part=queued.failed_part if queued else mutation.latest_failed_part or None,
        latest_fail_age_seconds=mutation.latest_fail_age_seconds,
        latest_fail_reason=fail_reason,
        postpone_reason=postponed,
    )


def _entries(snapshot: Snapshot, host: HostId, mutation: Mutation) -> MutationEntries | None:
    rows: Iterable[MutationEntries] = snapshot.rows(host, "mutation_entries")
    return next(
        (row for row in rows if (row.database, row.table) == (mutation.database, mutation.table)), None
    )


def _is_of(merge: Merge, mutation: Mutation) -> bool:
    """Whether a row of `system.merges` mutates a part of the table; servers that do not tell have one source part then."""
    is_mutation = merge.num_parts == 1 if merge.is_mutation is None else merge.is_mutation
    return bool(is_mutation) and (merge.database, merge.table) == (mutation.database, mutation.table)


class _Standing(NamedTuple):
    """What decides whether a mutation gets anywhere."""

    fail_reason: str | None
    postponed: str | None
    in_progress: int
    rate: float | None
    pool: str
    """Why the merge pool begins no mutation now."""


def _stuck(mutation: Mutation, standing: _Standing) -> str:
    """Return why a mutation gets nowhere, empty if it does, or is too young to tell."""
    if standing.fail_reason:
        return f"fails: {one_line(standing.fail_reason, REASON_LENGTH)}"
    if mutation.age_seconds < STUCK_SECONDS or mutation.parts_to_do <= 0:
        return ""
    if standing.in_progress or standing.rate:
        return ""
    if standing.pool:
        return standing.pool
    if standing.postponed:
        return f"postponed: {one_line(standing.postponed, REASON_LENGTH)}"
    if standing.rate is None:
        return ""
    return "no part done between the samples, none in progress: merges are stopped, or have no room"


def _rate(mutation: Mutation, sample: Sample | None) -> float | None:
    previous = sample.previous if sample else None
    if sample is None or previous is None or sample.taken_at is None or previous.taken_at is None:
        return None
    same = (mutation.database, mutation.table, mutation.mutation_id)
    before = next((row for row in previous.rows if (row.database, row.table, row.mutation_id) == same), None)
    seconds: float = (sample.taken_at - previous.taken_at).total_seconds()
    if before is None or seconds <= 0 or mutation.age_seconds < before.age_seconds:
        return None
    done: int = before.parts_to_do - mutation.parts_to_do
    return max(0.0, done / seconds)


def _remaining(parts_to_do: int, rate: float | None, running: Sequence[Merge]) -> float | None:
    if rate:
        return parts_to_do / rate
    pace = sum(merge.progress_ratio / merge.elapsed_seconds for merge in running if merge.elapsed_seconds > 0)
    left = parts_to_do - sum(merge.progress_ratio for merge in running)
    return max(0.0, left) / pace if pace > 0 else None
