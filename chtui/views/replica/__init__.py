"""One Replicated table: its replicas on all hosts, what Keeper knows of them, and whether they hold the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.records import HostStatus
from chtui.records.replicas import ReplicaRequests, ReplicaState
from chtui.text import NEVER_SECONDS, format_count, format_delay, format_seconds
from chtui.views.links import to_host, to_queue, to_table, to_znode
from chtui.views.pages import Page, Part, Subject
from chtui.views.replica.compare import COMPARE_PART
from chtui.views.table import Cell, Column, Link, Row, Style, cell, number


def _of_table(probe: str, subject: Subject) -> Want:
    return Want(probe, args=(("database", subject[0]), ("table", subject[1])))


@dataclass(frozen=True, slots=True)
class TableReplicaFact:
    """A Replicated table on one host; all but the host is None where it is not there, or not known."""

    host: str
    shard_num: int
    replica_num: int
    state: str
    """`ok`, `readonly`, `session expired`, `never synced`, `not there` or `unknown`."""
    replica_name: str | None
    zookeeper_path: str | None
    is_leader: bool | None
    is_readonly: bool | None
    readonly_seconds: int | None
    is_session_expired: bool | None
    absolute_delay_seconds: int | None
    """None for one that has never synced."""
    queue_entries: int | None
    inserts_in_queue: int | None
    merges_in_queue: int | None
    mutations_in_queue: int | None
    parts_to_check: int | None
    future_parts: int | None
    oldest_queue_entry_seconds: int | None
    last_queue_update_seconds: int | None
    last_queue_update_exception: str | None


def replica_facts(snapshot: Snapshot, subject: Subject) -> tuple[TableReplicaFact, ...]:
    """Return the table on every host, by shard and replica; nothing if no host has it as a Replicated table."""
    key = _of_table("replica_state", subject).key
    found = [(status, snapshot.one(status.id, key)) for status in snapshot.hosts]
    if all(state is None for _, state in found):
        return ()
    return tuple(_replica(snapshot, status, state, key) for status, state in found)


def _replica(
    snapshot: Snapshot, status: HostStatus, state: ReplicaState | None, key: str
) -> TableReplicaFact:
    sample = snapshot.sample(status.id, key)
    absent = sample is not None and sample.taken_at is not None and status.state.answers
    word = _word(state) if state else "not there" if absent else "unknown"
    never = state is not None and state.absolute_delay_seconds >= NEVER_SECONDS
    return TableReplicaFact(
        host=str(status.id),
        shard_num=status.shard_num,
        replica_num=status.replica_num,
        state=word,
        replica_name=state.replica_name if state else None,
        zookeeper_path=state.zookeeper_path if state else None,
        is_leader=state.is_leader if state else None,
        is_readonly=state.is_readonly if state else None,
        readonly_seconds=state.readonly_seconds if state else None,
        is_session_expired=state.is_session_expired if state else None,
        absolute_delay_seconds=state.absolute_delay_seconds if state and not never else None,
        queue_entries=state.queue_entries if state else None,
        inserts_in_queue=state.inserts_in_queue if state else None,
        merges_in_queue=state.merges_in_queue if state else None,
        mutations_in_queue=state.mutations_in_queue if state else None,
        parts_to_check=state.parts_to_check if state else None,
        future_parts=state.future_parts if state else None,
        oldest_queue_entry_seconds=state.oldest_queue_entry_seconds if state else None,
        last_queue_update_seconds=state.last_queue_update_seconds if state else None,
        last_queue_update_exception=(state.last_queue_update_exception or None) if state else None,
    )


def _word(state: ReplicaState) -> str:
    if state.is_readonly:
        return "readonly"
    if state.is_session_expired:
        return "session expired"
    return "never synced" if state.absolute_delay_seconds >= NEVER_SECONDS else "ok"


REPLICA_COLUMNS = (
    Column("shard_num", "S/R", help="shard and replica number in system.clusters"),
    Column("host", "HOST", max_width=40, help="host_name and native port in system.clusters"),
    Column("state", "STATE", help="readonly, session expired, never synced, not there, unknown (the host does not answer), or ok"),
    Column("absolute_delay_seconds", "LAG", True, max_width=14, help="absolute_delay of the replica"),
    Column("queue_entries", "QUEUE", True, help="entries in the replication queue"),
    Column("oldest_queue_entry_seconds", "OLDEST", True, help="age of the oldest of them"),
    Column("inserts_in_queue", "INSERTS", True, help="parts to fetch, in the queue"),
    Column("merges_in_queue", "MERGES", True, help="merges in the queue"),
    Column("mutations_in_queue", "MUTATIONS", True, help="parts to mutate, in the queue"),
    Column("parts_to_check", "CHECK", True, help="parts that wait to be checked"),
    Column("last_queue_update_seconds", "UPDATED", True, help="since the queue was last filled from the log"),
    Column("replica_name", "REPLICA", max_width=30, help="name of the replica in Keeper"),
    Column("zookeeper_path", "PATH", max_width=60, help="the table's path in Keeper"),
    Column("last_queue_update_exception", "WHY", max_width=120, help="why the queue could not be updated"),
)  # fmt: skip
STYLES: dict[str, Style] = {
    "ok": "ok",
    "readonly": "critical",
    "session expired": "critical",
    "never synced": "critical",
    "unknown": "warning",
}


def replica_rows(_snapshot: Snapshot, subject: Subject, facts: Sequence[TableReplicaFact]) -> tuple[Row, ...]:
    """Return a row for each host; enter leads to the replica set in Keeper."""
    return tuple(_replica_row(fact, subject) for fact in facts)


def _replica_row(fact: TableReplicaFact, subject: Subject) -> Row:
    style = STYLES.get(fact.state, "muted")
    never = fact.state == "never synced"
    path = fact.zookeeper_path
    return Row(
        fact.host,
        (
            Cell(f"{fact.shard_num}/{fact.replica_num}", "accent", (fact.shard_num, fact.replica_num)),
            cell(fact.host),
            Cell(fact.state, style),
            number(NEVER_SECONDS if never else fact.absolute_delay_seconds, format_delay, "critical" if never else ""),
            number(fact.queue_entries, format_count),
            number(fact.oldest_queue_entry_seconds, format_seconds),
            number(fact.inserts_in_queue, format_count),
            number(fact.merges_in_queue, format_count),
            number(fact.mutations_in_queue, format_count),
            number(fact.parts_to_check, format_count),
            number(fact.last_queue_update_seconds, format_seconds),
            cell(fact.replica_name or "-", "muted"),
            cell(path or "-", "muted"),
            cell(fact.last_queue_update_exception or "", "muted"),
        ),
        link=Link("replica_set", (path,)) if path else None,
        links=_links(fact.host, subject, path),
        copy=fact.last_queue_update_exception or path or "",
    )  # fmt: skip


def _links(host: str, subject: Subject, path: str | None = None) -> tuple[tuple[str, Link], ...]:
    return (
        to_table(*subject),
        to_queue(*subject),
        *((to_znode(path),) if path else ()),
        to_host(host),
    )


@dataclass(frozen=True, slots=True)
class ReplicaKeeperFact:
    """What Keeper told one host of the table's replica there."""

    host: str
    shard_num: int
    replica_name: str
    total_replicas: int
    active_replicas: int
    log_max_index: int
    log_pointer: int
    log_lag_entries: int
    """Entries of the table's log that the replica has not taken yet."""
    lost_part_count: int | None
    zookeeper_exception: str | None


def keeper_facts(snapshot: Snapshot, subject: Subject) -> tuple[ReplicaKeeperFact, ...]:
    """Return what Keeper told each host, replicas missed and log behind first."""
    key = _of_table("replica_requests", subject).key
    found = [
        _keeper(status, row) for status in snapshot.hosts if (row := snapshot.one(status.id, key)) is not None
    ]
    return tuple(
        sorted(found, key=lambda fact: (fact.active_replicas - fact.total_replicas, -fact.log_lag_entries))
    )


def _keeper(status: HostStatus, row: ReplicaRequests) -> ReplicaKeeperFact:
    return ReplicaKeeperFact(
        host=str(status.id),
        shard_num=status.shard_num,
        replica_name=row.replica_name,
        total_replicas=row.total_replicas,
        active_replicas=row.active_replicas,
        log_max_index=row.log_max_index,
        log_pointer=row.log_pointer,
        log_lag_entries=row.log_lag_entries,
        lost_part_count=row.lost_part_count,
        zookeeper_exception=row.zookeeper_exception or None,
    )


KEEPER_COLUMNS = (
    Column("host", "HOST", max_width=40, help="host_name and native port in system.clusters"),
    Column("active_replicas", "ACTIVE", True, help="active replicas of all, as Keeper has them"),
    Column(
        "log_lag_entries",
        "BEHIND",
        True,
        help="entries of the table's log that the replica has not taken yet",
    ),
    Column("log_pointer", "POINTER", True, help="next entry of the log it takes"),
    Column("log_max_index", "LOG MAX", True, help="last entry of the log"),
    Column("lost_part_count", "LOST", True, help="parts that no replica has"),
    Column("replica_name", "REPLICA", max_width=30, help="name of the replica in Keeper"),
    Column("zookeeper_exception", "WHY", max_width=120, help="why Keeper could not be asked"),
)


def keeper_rows(_snapshot: Snapshot, subject: Subject, facts: Sequence[ReplicaKeeperFact]) -> tuple[Row, ...]:
    """Return a row for each host."""
    return tuple(
        Row(
            fact.host,
            (
                cell(fact.host),
                _of(fact.active_replicas, fact.total_replicas),
                number(fact.log_lag_entries, format_count),
                number(fact.log_pointer, format_count),
                number(fact.log_max_index, format_count),
                number(fact.lost_part_count, format_count, "critical" if fact.lost_part_count else ""),
                cell(fact.replica_name, "muted"),
                cell(fact.zookeeper_exception or "", "warning"),
            ),
            links=_links(fact.host, subject),
            copy=fact.zookeeper_exception or "",
        )
        for fact in facts
    )


def _of(active: int, total: int) -> Cell:
    return Cell(f"{active}/{total}", "" if active >= total else "warning", active - total)


PAGES = (
    Page(
        "replica",
        (
            Part(
                "replicas",
                "replicas",
                TableReplicaFact,
                REPLICA_COLUMNS,
                lambda subject: (_of_table("replica_state", subject),),
                replica_facts,
                replica_rows,
                empty="this is no Replicated table, or this user may not see it",
                frozen=2,
            ),
            Part(
                "keeper",
                "in Keeper",
                ReplicaKeeperFact,
                KEEPER_COLUMNS,
                lambda subject: (_of_table("replica_requests", subject),),
                keeper_facts,
                keeper_rows,
                empty="this is no Replicated table, or this user may not see it",
                demand="several Keeper requests a host",
            ),
            COMPARE_PART,
        ),
        subject=("database", "table"),
    ),
)
