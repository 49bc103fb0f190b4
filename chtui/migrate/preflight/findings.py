"""What preflight finds: a kind, how bad it is, where, the evidence, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from chtui.records import HostId

SCHEMA = "chtui/1 migrate preflight"
EXIT_OK, EXIT_BLOCKED = 0, 1


class Severity(StrEnum):
    """How bad a finding is, the worst first."""

    BLOCKER = "blocker"
    """The migration must not begin."""
    WARNING = "warning"
    """It may begin once somebody has read this."""
    NOTE = "note"
    """What is, for the record."""


class Kind(StrEnum):
    """What a finding is about; stable names, which scripts may look for."""

    UNCHECKED = "unchecked"
    """Something could not be looked at."""
    VERSION = "version"
    CLOCK = "clock"
    TIME_ZONE = "time_zone"
    CLUSTER = "cluster"
    INTERNAL_REPLICATION = "internal_replication"
    MACRO = "macro"
    KEEPER = "keeper"
    KEEPER_PATH = "keeper_path"
    DDL_QUEUE = "ddl_queue"
    REPLICA = "replica"
    POLICY = "policy"
    SPACE = "space"
    DROP_LIMIT = "drop_limit"
    PRIVILEGE = "privilege"
    SETTING = "setting"
    """A setting that cuts results short or changes what expressions mean."""
    DEDUPLICATION = "deduplication"
    ASYNC_INSERT = "async_insert"
    BACKGROUND_INSERT = "background_insert"
    """Distributed tables acknowledge rows before they are stored."""
    SHARDING_KEY = "sharding_key"
    PARTITION_KEY = "partition_key"
    NOT_ADDITIVE = "not_additive"
    NOT_REPEATABLE = "not_repeatable"
    """An expression that gives another value each time it is computed."""
    SOURCE_TABLE = "source_table"
    SOURCE_OBJECT = "source_object"
    """Something of v1 without a counterpart in v2."""
    SOURCE_EXPIRY = "source_expiry"
    PARTITIONS = "partitions"
    COLUMN = "column"
    COMPUTED_COLUMN = "computed_column"
    """A MATERIALIZED or ALIAS column of v1."""
    VALUE = "value"
    NULL = "null"
    RANGE = "range"
    PRECISION = "precision"
    EXPIRED_ROWS = "expired_rows"
    FUTURE_ROWS = "future_rows"
    ROUTE = "route"
    """How target hosts read v1."""
    TARGET_OBJECT = "target_object"
    LEFTOVER = "leftover"
    """Something in v2's database which the spec does not know."""
    FOREIGN_ROWS = "foreign_rows"
    DURATION = "duration"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing somebody should know before the first write. Texts may hold a server's own: sanitize before drawing."""

    kind: Kind
    severity: Severity
    object: str
    """The table, column, setting or grant concerned; empty for the host as a whole."""
    host: HostId | None
    """None where it concerns no host, or all."""
    what: str
    evidence: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """All findings, worst first."""

    spec: str
    """The spec's name."""
    findings: tuple[Finding, ...]

    @property
    def blockers(self) -> tuple[Finding, ...]:
        """The findings for which the migration must not begin."""
        return tuple(finding for finding in self.findings if finding.severity is Severity.BLOCKER)

    @property
    def exit_code(self) -> int:
        """1 with a blocker, else 0."""
        return EXIT_BLOCKED if self.blockers else EXIT_OK

    def as_dict(self) -> dict[str, object]:
        """Return everything as JSON takes it; hosts as `host:port`."""
        severities = [finding.severity for finding in self.findings]
        return {
            "schema": SCHEMA,
            "spec": self.spec,
            "counts": {severity.value: severities.count(severity) for severity in Severity},
            "findings": [
                {
                    "kind": finding.kind.value,
                    "severity": finding.severity.value,
                    "object": finding.object,
                    "host": str(finding.host) if finding.host else None,
                    "what": finding.what,
                    "evidence": finding.evidence,
                    "remedy": finding.remedy,
                }
                for finding in self.findings
            ],
        }


def report(spec: str, findings: Iterable[Finding]) -> Report:
    """Return a report of findings: worst first, then by kind, object and host; what was found twice once."""
    severities, kinds = list(Severity), list(Kind)
    ordered = sorted(
        dict.fromkeys(findings),
        key=lambda found: (
            severities.index(found.severity),
            kinds.index(found.kind),
            found.object,
            str(found.host or ""),
            found.what,
        ),
    )
    return Report(spec, tuple(ordered))


def blocker(
    kind: Kind, object_name: str, host: HostId | None, what: str, *, evidence: str = "", remedy: str = ""
) -> Finding:
    """Return a finding for which the migration must not begin."""
    return Finding(kind, Severity.BLOCKER, object_name, host, what, evidence, remedy)


def warning(
    kind: Kind, object_name: str, host: HostId | None, what: str, *, evidence: str = "", remedy: str = ""
) -> Finding:
    """Return a finding that somebody should read before the migration begins."""
    return Finding(kind, Severity.WARNING, object_name, host, what, evidence, remedy)


def note(
    kind: Kind, object_name: str, host: HostId | None, what: str, *, evidence: str = "", remedy: str = ""
) -> Finding:
    """Return a finding for the record."""
    return Finding(kind, Severity.NOTE, object_name, host, what, evidence, remedy)
