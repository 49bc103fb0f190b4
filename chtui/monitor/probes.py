"""The probes: an SQL file, the record its rows become, how often, how long, and for whom it is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, get_type_hints

from chtui import records, sql
from chtui.fleet.link import DATA, LIVENESS
from chtui.fleet.literal import Value
from chtui.monitor import shapes
from chtui.profile.model import Thresholds
from chtui.records import Sample, SuspectReplica

SUSPECT_ROWS = 200
"""At most so many suspect tables of one host are listed."""
KEEPER_TABLES = 20
"""At most so many tables of one host are asked about in Keeper at once; each costs several requests."""
TABLE_ROWS = 5000
"""At most so many tables of one host are listed."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a probe's parameters may depend on."""

    thresholds: Thresholds
    sample: Callable[[str], Sample | None]
    """The last sample of another probe on the same host."""
    peer_missing: bool
    """Whether another replica of the host's shard does not answer."""


Params = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Probe:
    """One question to one host."""

    name: str
    """Its SQL file below `monitor/`, and what samples are stored under."""
    record: type
    interval: str
    """Which of the profile's intervals holds."""
    deadline_seconds: float
    always: bool = False
    """Asked whether a pane wants it or not."""
    lane: str = DATA
    params: Callable[[Context], Params | None] = lambda _: {}
    """Values for the statement; None: there is no reason to ask now."""
    shape: Callable[[Iterable[Sequence[Any]]], tuple[Any, ...]] | None = None
    """Makes records of the rows; None: a row is a record, its columns the fields."""

    @property
    def statement(self) -> sql.Statement:
        """The probe's SQL file."""
        return sql.load(f"monitor/{self.name}")

    def records(self, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> tuple[Any, ...]:
        """Return one host's rows as records.

        Raises:
            ValueError: a field has no column.
        """
        given = list(rows)
        if self.shape is None:
            return to_records(self.record, columns, given)
        # Without a row the server may not even tell the columns.
        declared = [columns.index(column.name) for column in self.statement.columns] if given else []
        return self.shape([row[index] for index in declared] for row in given)


def _limits(context: Context) -> Params:
    thresholds = context.thresholds
    return {
        "delay_seconds": int(thresholds.replica_lag_warning_seconds),
        "queue_entries": thresholds.queue_size_warning,
    }


def _suspects(context: Context) -> Params | None:
    """Suspects are listed while the summary counts any, or while a peer is gone and every table may miss a replica."""
    summary = context.sample("replication_summary")
    counts = summary.rows[0] if summary and summary.rows else None
    if counts is None or not (counts.suspect_tables or (context.peer_missing and counts.tables)):
        return None
    return {**_limits(context), "every_table": int(context.peer_missing), "max_rows": SUSPECT_ROWS}


def _keeper_tables(context: Context) -> Params | None:
    suspects = context.sample("suspect_replicas")
    rows: Sequence[SuspectReplica] = suspects.rows[:KEEPER_TABLES] if suspects else ()
    if not rows:
        return None
    return {"tables": [f"{len(row.database.encode())}:{row.database}.{row.table}" for row in rows]}


PROBES: Mapping[str, Probe] = {
    probe.name: probe
    for probe in (
        Probe("host_state", records.HostInfo, "host_state", 2.0, always=True, lane=LIVENESS),
        Probe(
            "replication_summary", records.ReplicationSummary, "replicas", 5.0, always=True, params=_limits
        ),
        Probe("suspect_replicas", records.SuspectReplica, "replicas", 5.0, always=True, params=_suspects),
        Probe("replica_keeper_state", records.ReplicaKeeperState, "tables", 5.0, params=_keeper_tables),
        Probe("host_metrics", records.HostMetrics, "metrics", 5.0, shape=shapes.to_host_metrics),
        Probe("host_load", records.HostLoad, "metrics", 5.0, shape=shapes.to_host_load),
        Probe("host_limits", records.HostLimits, "tables", 5.0, shape=shapes.to_host_limits),
        Probe("parts_summary", records.PartsSummary, "parts", 10.0),
        Probe("disks", records.Disk, "disks", 10.0),
        Probe("host_tables", records.HostTable, "tables", 10.0, params=lambda _: {"max_rows": TABLE_ROWS}),
        Probe("server_errors", records.ServerError, "metrics", 5.0, params=lambda _: {"max_rows": 100}),
        Probe("server_warnings", records.ServerWarning, "tables", 5.0),
    )
}
"""Every probe by name."""


@cache
def _plan(record: type) -> tuple[tuple[str, Callable[[Any], Any] | None], ...]:
    return tuple((name, bool if hint is bool else None) for name, hint in get_type_hints(record).items())


def to_records(record: type, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> tuple[Any, ...]:
    """Return rows as records: fields are found by column name, further columns are left out.

    Raises:
        ValueError: a field has no column.
    """
    given = list(rows)
    # Without a row the server may not even tell the columns.
    plan = [(columns.index(name), convert) for name, convert in _plan(record)] if given else []
    return tuple(
        record(
            *[
                convert(row[index]) if convert and row[index] is not None else row[index]
                for index, convert in plan
            ]
        )
        for row in given
    )
