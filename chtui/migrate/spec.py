"""What a migration is: the tables of one database, where they go, and how; frozen records read from a TOML file.

SQL in a spec (types, expressions, keys) is its author's own text and goes to the servers as it stands; names are quoted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from chtui.fleet.literal import quote_identifier
from chtui.records import HostId

PLACES = re.compile(r"\{(?:source_)?database\}")
"""Where a view or a benchmark names a database of the spec."""


class Flavour(StrEnum):
    """How a shard's replicas come to hold the same rows."""

    REPLICATED = "replicated"
    """Replicated engines: one host of a shard is written, the others fetch."""
    PLAIN = "plain"
    """Plain engines: every host is written by itself."""


class DdlMode(StrEnum):
    """How statements that change the schema reach all hosts."""

    ON_CLUSTER = "on_cluster"
    PER_HOST = "per_host"


class Retries(StrEnum):
    """What becomes of rows a writer sent more than once."""

    KEEP = "keep"
    """v1's multiset of rows is the truth, retries included."""
    COLLAPSE = "collapse"
    """Rows of one table of v1 that are equal in every column v2 keeps come once; those left out are counted. v1 must be still."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where v1 is."""

    host: HostId
    """A host of the target's cluster, or of `profile`'s."""
    database: str
    cluster: str = ""
    """The one-shard entry of `remote_servers` by which target hosts read v1; or else `collection`."""
    collection: str = ""
    """The named collection by which target hosts read v1."""
    profile: str = ""
    """The profile whose cluster has `host`; empty for the profile in use."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where v2 is."""

    cluster: str
    database: str
    flavour: Flavour
    ddl: DdlMode
    policy: str = ""
    """The storage policy of every local table; empty for the servers' default."""
    keeper_path: str = ""
    """The Keeper path of Replicated tables; `{database}` and `{table}` in it are chtui's, other braces are macros."""
    replica: str = "{replica}"


@dataclass(frozen=True, slots=True)
class SourceTable:
    """One table of v1 that feeds a table of v2."""

    name: str
    mapping: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Target column to the expression over v1's columns that gives it; a column not named is taken under its own name."""
    inverse: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """v1's column to the expression over v2's columns that gives it back; a column not named is given by its own name."""
    drops: Mapping[str, bool] = field(default_factory=lambda: MappingProxyType({}))
    """v1's columns that v2 does not keep, and whether that was accepted."""


@dataclass(frozen=True, slots=True)
class TableSpec:
    """One table of v2: `NAME_local` on every host and `NAME`, the Distributed table over them."""

    name: str
    sources: tuple[SourceTable, ...]
    time: str
    """The column of a row's event time: what decides who owns the row, and in which chunk it travels."""
    columns: Mapping[str, str]
    """Column to its definition: type, then DEFAULT, MATERIALIZED or ALIAS, then CODEC, as in CREATE TABLE; in their order."""
    sharding_key: str
    partition_by: str
    order_by: str
    indexes: tuple[str, ...] = ()
    """Skip indexes as in CREATE TABLE, without the word INDEX."""
    moves: tuple[str, ...] = ()
    """TTL rules that move, as in CREATE TABLE; they hold from the beginning."""
    expires: str = ""
    """The TTL expression after which rows are deleted; set after the seal only."""
    settings: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    retries: Retries = Retries.KEEP

    @property
    def local(self) -> str:
        """The table that holds rows, on every host."""
        return f"{self.name}_local"

    @property
    def ingest(self) -> str:
        """The Null table through which rows written before the seal pass, on every host."""
        return f"{self.name}_ingest"

    @property
    def live(self) -> str:
        """The materialized view that takes rows from the watermark on out of `ingest`, on every host."""
        return f"{self.name}_live"


@dataclass(frozen=True, slots=True)
class AggregateSpec:
    """One aggregate: `NAME_local` and `NAME` as a table has them, filled by the materialized view `NAME_mv`."""

    name: str
    base: str
    """The table of the spec it is computed from."""
    columns: Mapping[str, str]
    """Column to type and codec, keys first."""
    select: Mapping[str, str]
    """Column to the expression over the base's columns that gives it; those without an aggregate function are grouped by."""
    where: str
    """Which rows of the base count; empty for all."""
    partition_by: str
    order_by: str
    time: str = ""
    """The key column that holds the start of a row's bucket."""
    expires: str = ""
    settings: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def local(self) -> str:
        """The table that holds states, on every host."""
        return f"{self.name}_local"

    @property
    def view(self) -> str:
        """The materialized view that fills it."""
        return f"{self.name}_mv"

    @property
    def live(self) -> str:
        """The view beside it on old servers, which do not pass on what a view inserts: it takes rows of the base's live view."""
        return f"{self.name}_live"

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns that are grouped by, in their order."""
        return tuple(name for name, text in self.columns.items() if not is_state(text))

    @property
    def states(self) -> tuple[str, ...]:
        """The columns that hold states of aggregate functions, in their order."""
        return tuple(name for name, text in self.columns.items() if is_state(text))

    @property
    def counting(self) -> str:
        """The column that counts rows; empty if none does."""
        return next((name for name, text in self.columns.items() if COUNT.match(text)), "")


STATES = ("AggregateFunction(", "SimpleAggregateFunction(")
COUNT = re.compile(r"\s*AggregateFunction\s*\(\s*count")


def is_state(definition: str) -> bool:
    """Return whether a column so defined holds states, which a merge of parts combines."""
    return definition.lstrip().startswith(STATES)


@dataclass(frozen=True, slots=True)
class ViewSpec:
    """One view for readers."""

    name: str
    select: str


@dataclass(frozen=True, slots=True)
class Hook:
    """How something outside is switched: by exactly one of a command, an HTTP request, or a person."""

    command: tuple[str, ...] = ()
    url: str = ""
    method: str = "POST"
    body: str = ""
    confirm: str = ""
    """What a person is asked to do and to say when it is done."""
    timeout_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class Limits:
    """How hard the migration may work."""

    workers: int = 2
    chunk_rows: int = 20_000_000
    """A slice holds at most so many rows, unless one hour alone has more. Source: reference recipe, 10-50 million."""
    free_space_ratio: float = 0.2
    """Below so much free space on v1 no partition is snapshotted any more."""
    queue_entries: int = 100
    replica_delay_seconds: float = 60.0
    parts_per_partition: int = 150
    """Half of ClickHouse's default `parts_to_delay_insert` of old, 300."""
    running_merges: int = 32
    query_p95_seconds: float = 0.0
    """Live queries slower than this hold the migration up; 0 for no such limit."""
    watermark_after_seconds: float = 120.0
    """How long after all writers were seen writing to v2 a table's watermark lies, at least: no writer's clock is ahead by more."""
    watermark_align_seconds: int = 60
    """A watermark is a multiple of it since 1970."""
    probe_url: str = ""
    """An HTTP probe: any answer but 2xx holds the migration up."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long v1 stays after the cutover."""

    keep_source_days: float = 30.0
    lateness_seconds: float = 600.0
    """How late a row may still come; two equal digests so far apart seal a partition."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One query timed on v1 and on v2."""

    name: str
    v1: str
    v2: str
    plan_before_seconds: float = 0.0
    plan_after_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Volume:
    """One volume of a storage policy."""

    name: str
    disks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StoragePolicy:
    """One storage policy: its volumes, the fastest first."""

    name: str
    volumes: tuple[Volume, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """Which servers the target cluster is to have: what configuration is rendered from."""

    shards: tuple[tuple[HostId, ...], ...] = ()
    """The hosts of each shard."""
    keepers: tuple[HostId, ...] = ()
    """The members of the Keeper ensemble, each with its client port."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """Where the spec departs from the plan it carries out."""

    object: str
    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Spec:
    """A whole migration."""

    name: str
    source: Source
    target: Target
    tables: tuple[TableSpec, ...]
    aggregates: tuple[AggregateSpec, ...] = ()
    views: tuple[ViewSpec, ...] = ()
    hooks: Mapping[str, Hook] = field(default_factory=lambda: MappingProxyType({}))
    limits: Limits = field(default_factory=Limits)
    retention: Retention = field(default_factory=Retention)
    benchmarks: tuple[Benchmark, ...] = ()
    deviations: tuple[Deviation, ...] = ()
    not_mapped: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Tables and other objects of v1 that are left behind on purpose, and why; v1 may lack them."""
    policies: tuple[StoragePolicy, ...] = ()
    disks: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: MappingProxyType({}))
    """Disk to the elements of its configuration; macros of the server may stand in them."""
    layout: Layout = field(default_factory=Layout)

    def filled(self, text: str) -> str:
        """Return the text of a view or a benchmark with `{database}` and `{source_database}` put in, quoted."""
        names = {"{database}": self.target.database, "{source_database}": self.source.database}
        return PLACES.sub(lambda match: quote_identifier(names[match[0]]), text)
