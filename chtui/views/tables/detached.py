"""Detached parts of all hosts: where they are, why, and what that means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.text import format_bytes, format_count, format_seconds
from chtui.views.links import to_host, to_partition, to_table
from chtui.views.pages import Part, Subject
from chtui.views.pieces import Figure
from chtui.views.table import Cell, Column, Link, Row, Style, cell, number

MEANINGS: Mapping[str, tuple[str, Style]] = MappingProxyType(
    {
        "": ("detached by a user; can be attached again", ""),
        "ignored": ("covered by a part that is active; safe to drop", "ok"),
        "clone": ("left by a repair of the replica; usually safe to drop", ""),
        "covered-by-broken": ("covered by a part that was broken; usually safe to drop", ""),
        "broken": ("broken when it was checked or fetched: look into it", "critical"),
        "broken-on-start": ("broken when the server started: look into it", "critical"),
        "broken-from-backup": ("broken in the backup it was restored from: look into it", "critical"),
        "unexpected": ("here, but Keeper knows nothing of it: look into it", "warning"),
        "noquorum": ("its insert did not reach its quorum: look into it", "warning"),
        "merge-not-byte-identical": ("a merge came out unlike the other replicas': look into it", "warning"),
        "mutate-not-byte-identical": (
            "a mutation came out unlike the other replicas': look into it",
            "warning",
        ),
        "attaching": ("being attached, or left by an ATTACH that failed", ""),
        "deleting": ("being dropped, or left by a DROP that failed", ""),
        "tmp-fetch": ("left by a fetch that did not end", ""),
    }
)
"""Reason in `system.detached_parts` to what it means. Source: ClickHouse knowledge base (ignored), server source (the names);
which ones want to be looked into: on-call runbooks."""


@dataclass(frozen=True, slots=True)
class DetachedFact:
    """A detached part of one host."""

    host: str
    database: str
    table: str
    partition_id: str | None
    """None for a folder whose name is no part's."""
    name: str
    reason: str
    """The server's word; empty for a part that a user detached."""
    meaning: str
    """The same in words, and what to do."""
    bytes_on_disk: int | None
    disk: str | None
    age_seconds: int | None
    """Since its folder was changed last: usually when it was detached."""


def detached_wants(subject: Subject) -> tuple[Want, ...]:
    """Return the probe, for all tables or for the one the page is about."""
    args = (("database", subject[0]), ("table", subject[1])) if subject else ()
    return (Want("detached_parts", args=args),)


def detached_facts(snapshot: Snapshot, subject: Subject) -> tuple[DetachedFact, ...]:
    """Return the detached parts of all hosts, the largest first."""
    (want,) = detached_wants(subject)
    found = [
        DetachedFact(
            host=str(status.id),
            database=part.database,
            table=part.table,
            partition_id=part.partition_id or None,
            name=part.name,
            reason=part.reason,
            meaning=meaning(part.reason)[0],
            bytes_on_disk=part.bytes_on_disk,
            disk=part.disk,
            age_seconds=part.age_seconds,
        )
        for status in snapshot.hosts
        for part in snapshot.rows(status.id, want.key)
    ]
    return tuple(
        sorted(found, key=lambda fact: (-(fact.bytes_on_disk or 0), fact.database, fact.table, fact.name))
    )


def meaning(reason: str) -> tuple[str, Style]:
    """Return what a reason means, and how serious it is; of one that is not known that it is not."""
    return MEANINGS.get(reason, ("not known to chtui: look into it", "warning"))


DETACHED_COLUMNS = (
    Column("table", "TABLE", max_width=34, help="database and table"),
    Column("bytes_on_disk", "SIZE", True, help="bytes on disk"),
    Column("reason", "REASON", max_width=26, help="reason in system.detached_parts; user: detached by a statement"),
    Column("age_seconds", "AGE", True, help="since its folder was changed last: usually when it was detached"),
    Column("name", "PART", max_width=44, help="the folder's name below detached/"),
    Column("host", "HOST", max_width=30, help="host_name and native port in system.clusters"),
    Column("disk", "DISK", max_width=20, help="the disk it is on"),
    Column("meaning", "MEANING", max_width=70, help="what the reason means, and what to do"),
)  # fmt: skip


def detached_rows(_snapshot: Snapshot, _subject: Subject, facts: Sequence[DetachedFact]) -> tuple[Row, ...]:
    """Return a row for each detached part."""
    return tuple(_row(fact) for fact in facts)


def _row(fact: DetachedFact) -> Row:
    words, style = meaning(fact.reason)
    name = f"{fact.database}.{fact.table}"
    subject = (fact.database, fact.table)
    links = [to_table(*subject), to_host(fact.host)]
    if fact.partition_id:
        links.insert(1, to_partition(*subject, fact.partition_id))
    return Row(
        f"{fact.host} {name} {fact.disk} {fact.name}",
        (
            cell(name),
            number(fact.bytes_on_disk, format_bytes),
            cell(fact.reason or "user", style),
            number(fact.age_seconds, format_seconds),
            cell(fact.name),
            cell(fact.host, "muted"),
            cell(fact.disk) if fact.disk is not None else Cell("-", "muted"),
            cell(words, style),
        ),
        link=Link("table", subject, "detached"),
        links=tuple(links),
        copy=fact.name,
    )


def _figures(snapshot: Snapshot, subject: Subject) -> tuple[Figure, ...]:
    facts = detached_facts(snapshot, subject)
    if not facts:
        return ()
    sizes = [fact.bytes_on_disk for fact in facts if fact.bytes_on_disk is not None]
    serious = sum(meaning(fact.reason)[1] in ("warning", "critical") for fact in facts)
    return (
        Figure("detached parts", format_count(len(facts))),
        Figure("size", format_bytes(sum(sizes) if sizes else None)),
        Figure("to look into", format_count(serious), "warning" if serious else "ok"),
    )


DETACHED = Part(
    "detached",
    "detached",
    DetachedFact,
    DETACHED_COLUMNS,
    detached_wants,
    detached_facts,
    detached_rows,
    {"detached_parts": ("*",)},
    empty="no detached parts",
    frozen=1,
    figures=_figures,
)
"""The part of both pages that list detached parts: of all tables, and of one."""
