"""Asking the hosts of a migration what they are, and turning silence into findings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar

from chtui.errors import ChtuiError
from chtui.migrate.hosts import Host, Hosts, each
from chtui.migrate.preflight.findings import Finding, Kind, Severity
from chtui.migrate.preflight.reader import readers
from chtui.migrate.shape import Shape
from chtui.migrate.spec import AggregateSpec, SourceTable, Spec, TableSpec
from chtui.records import HostId

T = TypeVar("T")
SCAN_SECONDS = 900.0
"""How long a statement may take that reads whole columns of a table."""


class SourceColumn(NamedTuple):
    """A column of v1, as `preflight_columns` tells it."""

    name: str
    type: str
    kind: str
    """DEFAULT, MATERIALIZED or ALIAS; empty for an ordinary one."""
    expression: str
    compressed_bytes: int


class Feed(NamedTuple):
    """One table of v1 that is there, and the table of v2 it feeds."""

    table: TableSpec
    source: SourceTable
    columns: tuple[SourceColumn, ...]
    shape: Shape

    @property
    def types(self) -> dict[str, str]:
        """The types of v1's columns."""
        return {column.name: column.type for column in self.columns}


def stored_by(spec: Spec) -> tuple[TableSpec | AggregateSpec, ...]:
    """Return everything of a spec that stores rows."""
    return (*spec.tables, *spec.aggregates)


class Look:
    """One preflight at work: whom it asks, and what it has found so far."""

    def __init__(self, spec: Spec, hosts: Hosts) -> None:
        hosts = readers(hosts)
        self.spec = spec
        self.targets: tuple[Host, ...] = hosts.targets
        """The target hosts that answer."""
        self.everyone: tuple[Host, ...] = hosts.everyone
        """The same and v1's host, where it answers."""
        self.source: Host | None = hosts.source
        """v1's host; None where it does not answer."""
        self.all_targets = hosts.targets
        self.findings: list[Finding] = []
        self.known: dict[HostId, frozenset[str]] = {}
        """What each host's system tables have: `system.table` and `system.table.column`."""
        self.feeds: tuple[Feed, ...] = ()
        """Filled by `source`."""
        self.partition_bytes: dict[tuple[str, str], int] = {}
        """What v1's rows of each partition of a table of v2 take on v1's disk; filled by `partitions`."""

    def absent(self, host: Host, *names: str) -> frozenset[str]:
        """Return those of some optional columns that a host lacks."""
        return frozenset(name for name in names if not self.has(host, name))

    def add(self, findings: Iterable[Finding]) -> None:
        """Keep findings."""
        self.findings.extend(findings)

    def has(self, host: Host, name: str) -> bool:
        """Return whether a host has a system table, or a column of one."""
        return name in self.known.get(host.id, frozenset())

    def each(
        self,
        hosts: Sequence[Host],
        about: str,
        work: Callable[[Host], T],
        *,
        severity: Severity = Severity.BLOCKER,
    ) -> dict[HostId, T]:
        """Return what `work` gives for each host that answers; for each that does not, a finding is kept."""
        answers: dict[HostId, T] = {}
        for host, answer in each(hosts, work).items() if hosts else ():
            if isinstance(answer, ChtuiError):
                self.add([unchecked(about, host, answer, severity)])
            else:
                answers[host] = answer
        return answers

    def one(
        self, host: Host, about: str, work: Callable[[Host], T], *, severity: Severity = Severity.BLOCKER
    ) -> T | None:
        """Return what `work` gives for one host; None, with a finding, where it does not answer."""
        return self.each([host], about, work, severity=severity).get(host.id)

    def only(self, hosts: Iterable[Host]) -> None:
        """Go on with these hosts alone: the others did not answer, which has been said."""
        alive = set(hosts)
        self.targets = tuple(host for host in self.targets if host in alive)
        self.everyone = tuple(host for host in self.everyone if host in alive)
        if self.source not in alive:
            self.source = None

    def shards(self) -> dict[int, list[Host]]:
        """Return the target hosts that answer, by shard."""
        found: dict[int, list[Host]] = {}
        for host in self.targets:
            found.setdefault(host.shard_num, []).append(host)
        return found


def unchecked(
    about: str, host: HostId | None, error: ChtuiError, severity: Severity = Severity.BLOCKER
) -> Finding:
    """Return the finding that something could not be looked at."""
    remedy = error.fix or "make it answer, then look again"
    return Finding(Kind.UNCHECKED, severity, about, host, f"could not check {about}", error.what, remedy)
