"""The replicas of a table as ZooKeeper has them, dead peers too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.records import KEEPER
from chtui.records.keeper import ReplicaMember
from chtui.text import format_count
from chtui.views.links import to_host
from chtui.views.pages import Page, Part, Subject
from chtui.views.table import Cell, Column, Link, Row, cell, number


@dataclass(frozen=True, slots=True)
class MemberFact:
    """A replica of the set as ZooKeeper has it, whether its server lives or not."""

    zookeeper_path: str
    replica_name: str
    is_active: bool
    """Whether a server's session holds it."""
    host: str | None
    """Of its server, by its znode; None if that tells none."""
    host_state: str | None
    """How that host answers; None if it is none of this cluster."""
    database: str | None
    table: str | None
    session: str | None
    """The session that holds it; None for a dead peer."""
    log_pointer: int | None
    log_lag_entries: int | None
    """Entries that it is behind the replica that is furthest."""


def member_wants(subject: Subject) -> tuple[Want, ...]:
    """Return the question to the ensemble."""
    return (Want("replica_set", KEEPER, (("zookeeper_path", subject[0]),)),)


def member_facts(snapshot: Snapshot, subject: Subject) -> tuple[MemberFact, ...]:
    """Return the replicas of the set, dead peers first, then those furthest behind."""
    rows: Sequence[ReplicaMember] = snapshot.rows(KEEPER, member_wants(subject)[0].key)
    furthest = max((row.log_pointer for row in rows if row.log_pointer is not None), default=None)
    found = [_member(snapshot, row, furthest) for row in rows]
    return tuple(
        sorted(found, key=lambda fact: (fact.is_active, -(fact.log_lag_entries or 0), fact.replica_name))
    )


def _member(snapshot: Snapshot, row: ReplicaMember, furthest: int | None) -> MemberFact:
    state = next((str(status.state) for status in snapshot.hosts if str(status.id) == row.host), None)
    behind = furthest - row.log_pointer if furthest is not None and row.log_pointer is not None else None
    return MemberFact(
        zookeeper_path=row.zookeeper_path,
        replica_name=row.replica_name,
        is_active=row.is_active,
        host=row.host or None,
        host_state=state,
        database=row.database or None,
        table=row.table or None,
        session=row.ephemeral_owner or None,
        log_pointer=row.log_pointer,
        log_lag_entries=behind,
    )


MEMBER_COLUMNS = (
    Column("replica_name", "REPLICA", max_width=40, help="name of the replica in ZooKeeper"),
    Column("is_active", "STATE", help="active: a server's session holds it; DEAD: none does"),
    Column("host", "HOST", max_width=40, help="its server, by its znode"),
    Column("host_state", "ANSWERS", help="how that host answers; - if it is none of this cluster"),
    Column(
        "log_lag_entries", "BEHIND", True, help="entries of the log it is behind the replica that is furthest"
    ),
    Column("log_pointer", "POINTER", True, help="next entry of the log it takes"),
    Column("table", "TABLE", max_width=40, help="the table on that server"),
    Column("session", "SESSION", max_width=24, help="the session that holds it"),
)


def member_rows(_snapshot: Snapshot, _subject: Subject, facts: Sequence[MemberFact]) -> tuple[Row, ...]:
    """Return a row for each replica of the set; enter leads to its znode."""
    return tuple(_member_row(fact) for fact in facts)


def _member_row(fact: MemberFact) -> Row:
    table = f"{fact.database}.{fact.table}" if fact.database and fact.table else ""
    is_known = fact.host_state is not None and fact.host is not None
    return Row(
        fact.replica_name,
        (
            cell(fact.replica_name),
            Cell("active", "ok", 1) if fact.is_active else Cell("DEAD", "critical", 0),
            cell(fact.host or "-"),
            cell(fact.host_state or "-", "muted"),
            number(fact.log_lag_entries, format_count),
            number(fact.log_pointer, format_count),
            cell(table or "-", "muted"),
            cell(fact.session or "-", "muted"),
        ),
        link=Link("znode", (f"{fact.zookeeper_path}/replicas/{fact.replica_name}",)),
        links=(
            *((to_host(fact.host or ""),) if is_known else ()),
            *(((f"replicas of {table}", Link("replica", (fact.database or "", fact.table or ""))),) if table else ()),
        ),
        copy=f"{fact.zookeeper_path}/replicas/{fact.replica_name}",
    )  # fmt: skip


PAGES = (
    Page(
        "replica_set",
        (
            Part(
                "members",
                "members",
                MemberFact,
                MEMBER_COLUMNS,
                member_wants,
                member_facts,
                member_rows,
                empty="ZooKeeper has no replicas there",
            ),
        ),
        subject=("zookeeper_path",),
    ),
)
