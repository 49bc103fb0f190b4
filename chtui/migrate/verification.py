"""What a verification found, and the comparison of what servers told: pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from chtui.migrate.digests import NOTHING, Digest
from chtui.migrate.layout import NO_SHARD, Shard
from chtui.records import HostId

Place = tuple[str, int, int]
"""Partition id of v2, hour (its first second since 1970), shard number."""


class State(StrEnum):
    """How something compares."""

    EQUAL = "equal"
    DIFFERS = "differs"
    UNKNOWN = "unknown"
    """It could not be asked: never equal."""


class Verdict(StrEnum):
    """What a verification proves, with what somebody accepted taken into account."""

    EQUAL = "equal"
    ACCEPTED = "equal but for what was accepted"
    DIFFERS = "differs"
    UNKNOWN = "unknown"
    """Something could not be asked, and nothing differs: it proves nothing."""

    @property
    def is_proof(self) -> bool:
        """Whether v2 has v1's rows by it."""
        return self in (Verdict.EQUAL, Verdict.ACCEPTED)


EXIT_CODES = {State.EQUAL: 0, State.DIFFERS: 1, State.UNKNOWN: 3}


class Told(NamedTuple):
    """What one server told of one table."""

    digests: Mapping[Place, Digest]
    failed: Mapping[str, str]
    """Partition id to the error; an empty id stands for all partitions."""

    def error(self, partition_id: str) -> str:
        """Return why a partition is not known; empty where it is."""
        return self.failed.get("") or self.failed.get(partition_id, "")


ABSENT = Told({}, {"": "the plan names this host, and the cluster has none of that name"})


@dataclass(frozen=True, slots=True)
class Compared:
    """One shard's rows of one hour and partition on one host, beside those of v1."""

    table: str
    partition_id: str
    hour_seconds: int
    """The hour's first second since 1970."""
    shard_num: int
    host: HostId
    wanted: Digest | None
    """Of v1; None where v1 could not be asked about all of the table."""
    found: Digest | None
    """None where the host could not be asked."""
    wrong_shard_rows: int
    """Rows of other shards, which the host should not have."""
    is_extra: bool
    """Whether v1 has nothing in the whole partition."""
    error: str = ""

    @property
    def state(self) -> State:
        """How it compares."""
        if self.wanted is None or self.found is None:
            return State.UNKNOWN
        return State.DIFFERS if self.wanted != self.found or self.wrong_shard_rows else State.EQUAL


class ReplicasDiffer(NamedTuple):
    """Replicas of one shard that do not have the same rows, whatever v1 has."""

    table: str
    partition_id: str
    hour_seconds: int
    shard_num: int
    rows: Mapping[HostId, int]
    """Of all replicas that could be asked; equal numbers with different digests stand for changed rows."""


class Failure(NamedTuple):
    """What one server could not be asked."""

    host: HostId
    table: str
    """A table or an aggregate of v2, or a table of v1 with its database."""
    partition_id: str
    """Empty for all of them."""
    error: str


class KeyDifference(NamedTuple):
    """One key of an aggregate whose states are not what its base gives."""

    key: tuple[str, ...]
    """The key's columns as text, in the aggregate's order; servers' text, made safe to draw."""
    trouble: str
    """`no states`, `no rows`, or `differs`."""
    values: Mapping[str, tuple[str, str]]
    """The columns that differ: the states' value and the base's."""


@dataclass(frozen=True, slots=True)
class AggregateCheck:
    """One aggregate's states of one partition on one host, beside the rows of its base there."""

    aggregate: str
    partition_id: str
    host: HostId
    keys: int = 0
    """Keys on either side."""
    keys_without_states: int = 0
    """Keys the base's rows have and the states lack."""
    keys_without_rows: int = 0
    """Keys the states have and the base's rows lack."""
    keys_differing: int = 0
    """Keys on both sides with a value that differs."""
    differing: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """Such keys by column."""
    examples: tuple[KeyDifference, ...] = ()
    error: str = ""

    @property
    def state(self) -> State:
        """How it compares."""
        if self.error:
            return State.UNKNOWN
        wrong = self.keys_without_states or self.keys_without_rows or self.keys_differing
        return State.DIFFERS if wrong else State.EQUAL


@dataclass(frozen=True, slots=True)
class Totals:
    """One table in figures."""

    table: str
    source_rows: int | None
    """Those v2 is to have; None where v1 could not be asked about all of them."""
    target_rows: int | None
    """Of each shard those on the first replica that was asked; None where a shard has no such replica."""
    rows_by_host: Mapping[HostId, int]
    """All rows of hosts that could be asked about all of them, those on the wrong shard too."""
    hours: int
    """Hours compared on at least one host; those of each partition count apart."""
    hours_differing: int
    hours_unknown: int
    """Hours that at least one host could not be asked about."""
    hosts_unknown: int
    wrong_shard_rows: int
    """On all hosts together."""
    extra_rows: int
    """Rows in partitions v1 does not have, on all hosts together."""
    no_shard_rows: int
    """Rows of v1 whose sharding key leads to no shard: they are on no host."""
    collapsed_rows: int = 0
    """Rows v1 has once more than v2 is to have them, which `source_rows` leaves out; as far as v1 could be asked."""


@dataclass(frozen=True, slots=True)
class Verification:
    """All of it."""

    compared: tuple[Compared, ...]
    aggregates: tuple[AggregateCheck, ...]
    totals: tuple[Totals, ...]
    failures: tuple[Failure, ...]
    not_verified: Mapping[str, str]
    """`aggregate.column` and why its values cannot be compared."""
    versions: Mapping[HostId, str]
    """Of the servers that answered."""
    until_seconds: int | None
    """Rows with an event time before it were looked at, since 1970; None for all rows."""

    @property
    def state(self) -> State:
        """How v2 compares with v1: a difference outweighs what is unknown."""
        states = {row.state for row in self.compared} | {check.state for check in self.aggregates}
        if State.DIFFERS in states or any(each.no_shard_rows for each in self.totals):
            return State.DIFFERS
        return State.UNKNOWN if State.UNKNOWN in states or self.failures else State.EQUAL

    @property
    def exit_code(self) -> int:
        """0 where all is equal, 1 where something differs, 3 where something is unknown and nothing differs."""
        return EXIT_CODES[self.state]

    @property
    def differing(self) -> tuple[Compared, ...]:
        """What is not as in v1."""
        return tuple(each for each in self.compared if each.state is State.DIFFERS)

    @property
    def replicas_differing(self) -> tuple[ReplicasDiffer, ...]:
        """Where replicas of one shard differ among themselves."""
        return tuple(replicas_differing(self.compared))


def compare(
    table: str, source: Told, targets: Mapping[HostId, Told], shards: Sequence[Shard]
) -> list[Compared]:
    """Return every hour of every partition on every host that should have, or has, rows of it, in order."""
    everything = [source, *targets.values()]
    hours = sorted({place[:2] for told in everything for place in told.digests})
    known = {partition_id for partition_id, _, _ in source.digests}
    whole = not source.failed
    why = next(iter(source.failed.values()), "")
    strays = {host: _strays(told, host, shards) for host, told in targets.items()}
    found: list[Compared] = []
    for partition_id, hour in hours:
        for shard in shards:
            place = (partition_id, hour, shard.number)
            wanted = source.digests.get(place, NOTHING)
            here = [
                Compared(
                    table=table,
                    partition_id=partition_id,
                    hour_seconds=hour,
                    shard_num=shard.number,
                    host=host,
                    wanted=wanted if whole else None,
                    found=None if (error := told.error(partition_id)) else told.digests.get(place, NOTHING),
                    wrong_shard_rows=0 if error else strays[host].get((partition_id, hour), 0),
                    is_extra=whole and partition_id not in known,
                    error=error or ("" if whole else f"v1: {why}"),
                )
                for host, told in ((each, targets.get(each, ABSENT)) for each in shard.hosts)
            ]
            if wanted.rows or any(each.wrong_shard_rows or (each.found or NOTHING).rows for each in here):
                found += here
    return found


def replicas_differing(compared: Iterable[Compared]) -> list[ReplicasDiffer]:
    """Return where replicas of one shard do not have the same rows."""
    together: dict[tuple[str, str, int, int], dict[HostId, tuple[Digest, int]]] = defaultdict(dict)
    for each in compared:
        if each.found is not None:
            place = (each.table, each.partition_id, each.hour_seconds, each.shard_num)
            together[place][each.host] = (each.found, each.wrong_shard_rows)
    return [
        ReplicasDiffer(*place, {host: digest.rows + strays for host, (digest, strays) in hosts.items()})
        for place, hosts in together.items()
        if len(set(hosts.values())) > 1
    ]


def totals(
    table: str,
    source: Told,
    targets: Mapping[HostId, Told],
    shards: Sequence[Shard],
    compared: Sequence[Compared],
) -> Totals:
    """Return a table's figures."""
    by_host = {
        host: sum(each.rows for each in told.digests.values())
        for host, told in targets.items()
        if not told.failed
    }
    first = [next((by_host[host] for host in shard.hosts if host in by_host), None) for shard in shards]
    by_state: dict[State, set[tuple[str, int]]] = defaultdict(set)
    for each in compared:
        by_state[each.state].add((each.partition_id, each.hour_seconds))
    return Totals(
        table=table,
        source_rows=None if source.failed else sum(each.rows for each in source.digests.values()),
        target_rows=None if None in first else sum(rows for rows in first if rows is not None),
        rows_by_host=by_host,
        hours=len(by_state[State.EQUAL] | by_state[State.DIFFERS]),
        hours_differing=len(by_state[State.DIFFERS]),
        hours_unknown=len(by_state[State.UNKNOWN]),
        hosts_unknown=sum(bool(told.failed) for told in targets.values()),
        wrong_shard_rows=sum(each.wrong_shard_rows for each in compared),
        extra_rows=sum(
            (each.found or NOTHING).rows + each.wrong_shard_rows for each in compared if each.is_extra
        ),
        no_shard_rows=sum(each.rows for place, each in source.digests.items() if place[2] == NO_SHARD),
        collapsed_rows=sum(each.collapsed for each in source.digests.values()),
    )


def _strays(told: Told, host: HostId, shards: Sequence[Shard]) -> dict[tuple[str, int], int]:
    """Rows a host has and another shard, or none, should have, by partition and hour."""
    own = {shard.number for shard in shards if host in shard.hosts}
    found: dict[tuple[str, int], int] = defaultdict(int)
    for (partition_id, hour, shard), each in told.digests.items():
        if shard not in own:
            found[partition_id, hour] += each.rows
    return found
