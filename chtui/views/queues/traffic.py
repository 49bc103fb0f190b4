"""Parts of the queues pane about what is on its way: parts fetched from other replicas, rows sent by Distributed tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.records import HostId, Sample
from chtui.records.queues import DistributionQueue, ReplicatedFetch
from chtui.text import format_bytes, format_count, format_percent, format_seconds, one_line
from chtui.views.links import to_host, to_partition, to_table
from chtui.views.pages import Part, Subject
from chtui.views.table import Cell, Column, Link, Row, Style, cell, number

FILES_WARNING = 50
"""Files of one destination from where sends are stuck. Source: on-call runbooks, `DistributedFilesToInsert`."""


@dataclass(frozen=True, slots=True)
class FetchFact:
    """A part that one host fetches from another replica now."""

    host: str
    database: str
    table: str
    result_part_name: str
    partition_id: str
    source_replica: str
    source_host: str
    """Where it comes from, `host_name:interserver_port`."""
    progress_ratio: float
    bytes_per_second: float | None
    """Between the last two samples; None before the second."""
    total_size_bytes: int
    read_bytes: int
    elapsed_seconds: float
    remaining_seconds: float | None
    """At the rate of the last two samples, at the average rate before there are two; None while nothing comes."""
    to_detached: bool


def fetch_facts(snapshot: Snapshot, _subject: Subject) -> tuple[FetchFact, ...]:
    """Return the fetches of all hosts, the longest first."""
    found = [
        _fetch(status.id, fetch, snapshot.sample(status.id, "replicated_fetches"))
        for status in snapshot.hosts
        for fetch in snapshot.rows(status.id, "replicated_fetches")
    ]
    return tuple(sorted(found, key=lambda fact: -fact.elapsed_seconds))


def _fetch(host: HostId, fetch: ReplicatedFetch, sample: Sample | None) -> FetchFact:
    rate = _fetch_rate(fetch, sample)
    pace = rate if rate is not None else fetch.read_bytes / max(fetch.elapsed_seconds, 0.001)
    left = max(0, fetch.total_size_bytes - fetch.read_bytes)
    return FetchFact(
        host=str(host),
        database=fetch.database,
        table=fetch.table,
        result_part_name=fetch.result_part_name,
        partition_id=fetch.partition_id,
        source_replica=fetch.source_replica,
        source_host=str(HostId(fetch.source_host_name, fetch.source_port)),
        progress_ratio=fetch.progress_ratio,
        bytes_per_second=rate,
        total_size_bytes=fetch.total_size_bytes,
        read_bytes=fetch.read_bytes,
        elapsed_seconds=fetch.elapsed_seconds,
        remaining_seconds=left / pace if pace > 0 else None,
        to_detached=fetch.to_detached,
    )


def _fetch_rate(fetch: ReplicatedFetch, sample: Sample | None) -> float | None:
    """By the server's own clock: the fetch tells how long it runs. One that runs shorter than before is another one."""
    previous = sample.previous if sample else None
    same = (fetch.database, fetch.table, fetch.result_part_name, fetch.to_detached)
    before: ReplicatedFetch | None = next(
        (
            row
            for row in (previous.rows if previous else ())
            if (row.database, row.table, row.result_part_name, row.to_detached) == same
        ),
        None,
    )
    if before is None or fetch.read_bytes < before.read_bytes:
        return None
    seconds = fetch.elapsed_seconds - before.elapsed_seconds
    return (fetch.read_bytes - before.read_bytes) / seconds if seconds > 0 else None


FETCH_COLUMNS = (
    Column("table", "TABLE", max_width=30, help="database and table"),
    Column("progress_ratio", "DONE", True, help="share of the part that has come"),
    Column("bytes_per_second", "RATE", True, help="between the last two samples"),
    Column(
        "remaining_seconds", "ETA", True, help="time left at that rate, at the average one before there is it"
    ),
    Column("total_size_bytes", "SIZE", True, help="compressed size of the part"),
    Column("elapsed_seconds", "ELAPSED", True, help="since it began"),
    Column("host", "HOST", max_width=30, help="the host that fetches"),
    Column("source_host", "FROM", max_width=30, help="the host it comes from, with its interserver port"),
    Column("source_replica", "REPLICA", max_width=20, help="the replica it comes from"),
    Column("result_part_name", "PART", max_width=60, help="the part that is fetched"),
)


def fetch_rows(_snapshot: Snapshot, _subject: Subject, facts: Sequence[FetchFact]) -> tuple[Row, ...]:
    """Return a row for each fetch."""
    return tuple(_fetch_row(fact) for fact in facts)


def _fetch_row(fact: FetchFact) -> Row:
    name, where = f"{fact.database}.{fact.table}", (fact.database, fact.table)
    part = f"{fact.result_part_name} to detached" if fact.to_detached else fact.result_part_name
    return Row(
        f"{fact.host} {name} {part}",
        (
            cell(name),
            number(fact.progress_ratio, format_percent),
            number(fact.bytes_per_second, _rate, "warning" if fact.bytes_per_second == 0 else ""),
            number(fact.remaining_seconds, format_seconds),
            number(fact.total_size_bytes, format_bytes),
            number(fact.elapsed_seconds, format_seconds),
            cell(fact.host, "muted"),
            cell(fact.source_host, "muted"),
            cell(fact.source_replica),
            cell(part),
        ),
        link=Link("queue", where),
        links=(
            to_table(*where),
            to_partition(*where, fact.partition_id),
            to_host(fact.host),
        ),
        copy=fact.result_part_name,
    )


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{format_bytes(value)}/s"


# Distributed sends


@dataclass(frozen=True, slots=True)
class SendFact:
    """What a Distributed table of one host has yet to send to one destination."""

    host: str
    database: str
    table: str
    destination: str
    """`shard1_replica2`, or `user@host:port`."""
    files: int
    files_bytes: int
    files_per_second: float | None
    """Change between the last two samples, below zero while it drains; None before the second."""
    bytes_per_second: float | None
    """Likewise."""
    remaining_seconds: float | None
    """Until it is drained at that rate; None while it does not drain."""
    errors: int
    """Failed sends; the server halves the count every five minutes in which sends go well."""
    is_blocked: bool
    broken_files: int | None
    """Set aside, not sent any more."""
    broken_bytes: int | None
    exception: str | None
    """The last one, at most 4000 characters."""
    exception_age_seconds: int | None


def send_facts(snapshot: Snapshot, _subject: Subject) -> tuple[SendFact, ...]:
    """Return the destinations that have something to send, blocked and failing ones first, then the fullest."""
    found = [
        _send(status.id, queue, snapshot.sample(status.id, "distribution_queue"))
        for status in snapshot.hosts
        for queue in snapshot.rows(status.id, "distribution_queue")
    ]
    return tuple(
        sorted(
            found,
            key=lambda fact: (
                not fact.is_blocked,
                not fact.errors,
                not fact.broken_files,
                -fact.files,
                fact.host,
            ),
        )
    )


def _send(host: HostId, queue: DistributionQueue, sample: Sample | None) -> SendFact:
    files, size = _change(queue, sample)
    return SendFact(
        host=str(host),
        database=queue.database,
        table=queue.table,
        destination=queue.destination,
        files=queue.files,
        files_bytes=queue.files_bytes,
        files_per_second=files,
        bytes_per_second=size,
        remaining_seconds=queue.files / -files if files is not None and files < 0 else None,
        errors=queue.error_count,
        is_blocked=queue.is_blocked,
        broken_files=queue.broken_files,
        broken_bytes=queue.broken_bytes,
        exception=queue.last_exception or None,
        exception_age_seconds=queue.last_exception_age_seconds if queue.last_exception else None,
    )


def _change(queue: DistributionQueue, sample: Sample | None) -> tuple[float | None, float | None]:
    """Files and bytes a second. They lie on disk: a restart does not make them less."""
    previous = sample.previous if sample else None
    if sample is None or previous is None or sample.taken_at is None or previous.taken_at is None:
        return None, None
    same = (queue.database, queue.table, queue.destination)
    before: DistributionQueue | None = next(
        (row for row in previous.rows if (row.database, row.table, row.destination) == same), None
    )
    seconds = (sample.taken_at - previous.taken_at).total_seconds()
    if before is None or seconds <= 0:
        return None, None
    return (queue.files - before.files) / seconds, (queue.files_bytes - before.files_bytes) / seconds


SEND_COLUMNS = (
    Column("table", "TABLE", max_width=30, help="database and Distributed table"),
    Column(
        "destination", "TO", max_width=30, help="the shard and replica, or the address, that it is sent to"
    ),
    Column("files", "FILES", True, help="files that wait to be sent"),
    Column("files_bytes", "BYTES", True, help="their compressed size"),
    Column(
        "files_per_second",
        "CHANGE",
        True,
        help="files a second between the last two samples; minus: it drains",
    ),
    Column("errors", "ERRORS", True, help="failed sends; halved every five minutes while sends go well"),
    Column("is_blocked", "SENDS", help="blocked: someone stopped the sends"),
    Column("broken_files", "BROKEN", True, help="files set aside, which are not sent any more"),
    Column("host", "HOST", max_width=30, help="the host that sends"),
    Column("bytes_per_second", "BYTES/S", True, help="change of the size between the last two samples"),
    Column("remaining_seconds", "ETA", True, help="until it is drained at that rate"),
    Column("exception", "LAST EXCEPTION", max_width=120, help="why the last send failed"),
)


def send_rows(_snapshot: Snapshot, _subject: Subject, facts: Sequence[SendFact]) -> tuple[Row, ...]:
    """Return a row for each destination."""
    return tuple(_send_row(fact) for fact in facts)


def _send_row(fact: SendFact) -> Row:
    name, where = f"{fact.database}.{fact.table}", (fact.database, fact.table)
    return Row(
        f"{fact.host} {name} {fact.destination}",
        (
            cell(name),
            cell(fact.destination),
            number(fact.files, format_count, "warning" if fact.files > FILES_WARNING else ""),
            number(fact.files_bytes, format_bytes),
            number(fact.files_per_second, _signed, _growth(fact.files_per_second)),
            number(fact.errors, format_count, _errors_style(fact)),
            Cell("BLOCKED", "critical", 0) if fact.is_blocked else Cell("on", "ok", 1),
            number(fact.broken_files, format_count, "critical" if fact.broken_files else ""),
            cell(fact.host, "muted"),
            number(fact.bytes_per_second, _signed_bytes),
            number(fact.remaining_seconds, format_seconds),
            cell(one_line(fact.exception or "", 4000), "muted", limit=4000),
        ),
        links=(
            to_table(*where),
            to_host(fact.host),
        ),
        copy=fact.exception or "",
    )


def _errors_style(fact: SendFact) -> Style:
    """Errors of the past are no trouble where the queue drains."""
    drains = fact.files_per_second is not None and fact.files_per_second < 0
    return "" if not fact.errors else "warning" if drains else "critical"


def _growth(per_second: float | None) -> Style:
    return "warning" if per_second is not None and per_second > 0 else ""


def _signed(value: float | None) -> str:
    return "-" if value is None else "0/s" if value == 0 else f"{value:+.1f}/s"


def _signed_bytes(value: float | None) -> str:
    return "-" if value is None else f"{'+' if value > 0 else ''}{format_bytes(value)}/s"


FETCHES = Part(
    "fetches",
    "fetches",
    FetchFact,
    FETCH_COLUMNS,
    lambda _: (Want("replicated_fetches"),),
    fetch_facts,
    fetch_rows,
    {"replicated_fetches": ("*",)},
    empty="no part is being fetched",
)
SENDS = Part(
    "sends",
    "Distributed sends",
    SendFact,
    SEND_COLUMNS,
    lambda _: (Want("distribution_queue"),),
    send_facts,
    send_rows,
    {"distribution_queue": ("*",)},
    empty="no Distributed table has anything to send",
)
