"""How mutations are drawn: all of them grouped over hosts, and one on each host."""

from __future__ import annotations

from collections.abc import Sequence

from chtui.monitor.snapshot import Snapshot
from chtui.text import format_count, format_seconds, plural
from chtui.views.links import to_host, to_queue, to_table
from chtui.views.merges.mutations import (
    WANTS,
    HostMutationFact,
    MutationFact,
    facts_of_one,
    mutation_facts,
)
from chtui.views.pages import Page, Part, Subject
from chtui.views.pieces import Figure
from chtui.views.table import Cell, Column, Link, Row, cell, number

FIELDS = {
    "mutation_entries": ("latest_fail_reason",),
    "merges": ("parts_in_progress", "remaining_seconds"),
    "background_pools": ("stuck_reason",),
    "pool_settings": ("stuck_reason",),
}
STATE_HELP = "fails; STUCK; mutating and how many parts now; killed; or waiting"
COMMON = (
    Column("parts_to_do", "TO DO", True, help="parts that are not mutated yet"),
    Column("remaining_seconds", "ETA", True, help="time left at the rate of the last two samples, or at the pace of the parts in progress"),
    Column("age_seconds", "AGE", True, help="since the command was given"),
    Column("parts_done_per_second", "DONE/MIN", True, help="parts done a minute between the last two samples"),
    Column("stuck_reason", "REASON", max_width=120, help="why it is stuck: the last failure, or what it waits for"),
    Column("command", "COMMAND", max_width=120, help="the command; Y copies all of it"),
    Column("latest_failed_part", "FAILED PART", max_width=40, help="the part that failed last"),
    Column("latest_fail_age_seconds", "FAILED", True, help="since then"),
    Column("mutation_id", "MUTATION", max_width=30, help="mutation_id"),
)  # fmt: skip
MUTATION_COLUMNS = (
    Column("table", "TABLE", max_width=40, help="database and table"),
    Column("state", "STATE", max_width=16, help=STATE_HELP),
    Column("hosts", "HOSTS", True, help="hosts where it is not done, and on how many of them it is stuck"),
    *COMMON,
)
HOST_COLUMNS = (
    Column("host", "HOST", max_width=40, help="host_name and native port in system.clusters"),
    Column("state", "STATE", max_width=16, help=STATE_HELP),
    *COMMON,
    Column("postpone_reason", "POSTPONED", max_width=80, help="why parts are not mutated now, in the server's words"),
)  # fmt: skip


def _state(fact: MutationFact | HostMutationFact) -> Cell:
    if fact.is_failing:
        return Cell("FAILS", "critical", 0)
    if fact.is_stuck:
        return Cell("STUCK", "critical", 1)
    if isinstance(fact, HostMutationFact) and fact.is_killed:
        return Cell("killed", "muted", 4)
    if fact.parts_in_progress:
        return Cell(f"mutating {fact.parts_in_progress}", "accent", 2)
    return Cell("waiting", "muted", 3)


def _common(fact: MutationFact | HostMutationFact) -> tuple[Cell, ...]:
    rate = fact.parts_done_per_second
    return (
        number(fact.parts_to_do, format_count),
        number(fact.remaining_seconds, format_seconds),
        number(fact.age_seconds, format_seconds),
        number(None if rate is None else rate * 60, lambda value: "-" if value is None else f"{value:.1f}"),
        cell(fact.stuck_reason or "", "critical" if fact.is_stuck else ""),
        cell(fact.command),
        cell(fact.latest_failed_part or "", "muted"),
        number(fact.latest_fail_age_seconds, format_seconds),
        cell(fact.mutation_id, "muted"),
    )


def mutation_rows(_snapshot: Snapshot, _subject: Subject, facts: Sequence[MutationFact]) -> tuple[Row, ...]:
    """Return a row for each mutation; enter leads to its hosts."""
    return tuple(
        Row(
            f"{fact.database}.{fact.table} {fact.mutation_id} {fact.command}",
            (
                cell(f"{fact.database}.{fact.table}"),
                _state(fact),
                Cell(
                    f"{fact.hosts}" + (f", {fact.stuck_hosts} stuck" if fact.stuck_hosts else ""),
                    "",
                    fact.hosts,
                ),
                *_common(fact),
            ),
            link=Link("mutation", (fact.database, fact.table, fact.mutation_id)),
            links=_links(fact.database, fact.table, fact.stuck_host),
            copy=fact.command,
        )
        for fact in facts
    )


def host_rows(_snapshot: Snapshot, _subject: Subject, facts: Sequence[HostMutationFact]) -> tuple[Row, ...]:
    """Return a row for each host."""
    return tuple(
        Row(
            f"{fact.host} {fact.command}",
            (
                cell(fact.host),
                _state(fact),
                *_common(fact),
                cell(fact.postpone_reason or "", "muted"),
            ),
            links=_links(fact.database, fact.table, fact.host),
            copy=fact.latest_fail_reason or fact.command,
        )
        for fact in facts
    )


def _links(database: str, table: str, host: str | None) -> tuple[tuple[str, Link], ...]:
    return (
        to_table(database, table),
        to_queue(database, table),
        *((to_host(host),) if host else ()),
    )


def mutation_figures(snapshot: Snapshot, _subject: Subject) -> tuple[Figure, ...]:
    """Return how many mutations there are, and how many are stuck."""
    facts = mutation_facts(snapshot)
    stuck, failing = sum(fact.is_stuck for fact in facts), sum(fact.is_failing for fact in facts)
    return (
        Figure("mutations", format_count(len(facts))),
        Figure("parts to do", format_count(sum(fact.parts_to_do for fact in facts))),
        Figure("parts in progress", format_count(sum(fact.parts_in_progress for fact in facts))),
        Figure("stuck", plural(stuck, "mutation") if stuck else "none", "critical" if stuck else ""),
        Figure("failing", plural(failing, "mutation") if failing else "none", "critical" if failing else ""),
    )


MUTATIONS_PART = Part(
    "mutations",
    "mutations",
    MutationFact,
    MUTATION_COLUMNS,
    lambda _: WANTS,
    mutation_facts,
    mutation_rows,
    FIELDS,
    empty="no mutation is left to do",
    frozen=1,
    figures=mutation_figures,
)
"""The part of the merges pane that lists mutations."""

MUTATION_PAGE = Page(
    "mutation",
    (
        Part(
            "hosts",
            "hosts",
            HostMutationFact,
            HOST_COLUMNS,
            lambda _: WANTS,
            facts_of_one,
            host_rows,
            FIELDS,
            empty="the mutation is done, or there is none of this name",
            frozen=1,
        ),
    ),
    subject=("database", "table", "mutation_id"),
)
"""One mutation on every host."""
