"""From an hour that differs to its minutes, and from those to rows: missing, extra, there too often, too seldom, misplaced.

A row that was changed is one that is missing and one that is extra: the same minute has both, unless its time was changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from chtui.errors import MigrateError
from chtui.fleet.literal import Value, literal, quote_identifier
from chtui.migrate import expressions
from chtui.migrate.ddl import instant
from chtui.migrate.digests import DIGEST, NANOSECONDS, NOTHING, Digest, of_slots
from chtui.migrate.hosts import Host
from chtui.migrate.layout import HOUR_SECONDS, Ground, Shard, shard_of
from chtui.migrate.look import Look, both, is_old, of_partition, to_places
from chtui.migrate.questions import Questions
from chtui.migrate.statements import table_name
from chtui.migrate.verification import Compared, State
from chtui.text import sanitize

MINUTE_SECONDS = 60
ROWS = 100_000
"""Different rows of one minute that are compared on each side; beyond that it says that it was cut."""
EXAMPLES = 5
"""Rows that are shown of each kind and minute."""
KEY_CHARACTERS = 200


class Kind(StrEnum):
    """What is wrong with a row."""

    MISSING = "missing"
    """v1 has it, the host has not."""
    EXTRA = "extra"
    """The host has it, v1 has not."""
    DUPLICATED = "duplicated"
    """The host has it more often than v1."""
    LACKING = "lacking copies"
    """v1 has it more often than the host, which has it at least once."""
    WRONG_SHARD = "wrong shard"
    """The host has it, and another shard should."""


class Oddity(NamedTuple):
    """One row that is not as in v1."""

    kind: Kind
    row_hash: int
    wanted: int
    """How often v1 has it; of a row on the wrong shard 0."""
    found: int
    """How often the host has it."""

    @property
    def copies(self) -> int:
        """How many rows that makes."""
        return abs(self.found - self.wanted)


class Example(NamedTuple):
    """One such row, as a person recognises it."""

    oddity: Oddity
    time_ns: int
    """Its event time, since 1970."""
    key: str
    """The columns its sharding key is made of, or the key itself: servers' text, made safe to draw."""


@dataclass(frozen=True, slots=True)
class Minute:
    """One minute that differs on one host."""

    minute_seconds: int
    """Its first second since 1970."""
    wanted: Digest
    """Of v1, this shard's rows alone."""
    found: Digest
    """Of the host, rows of other shards too."""
    rows: Mapping[Kind, int]
    """Rows by what is wrong with them."""
    examples: tuple[Example, ...]
    cut: bool
    """Whether only the rows with the smallest hashes were compared, for there were too many."""

    @property
    def note(self) -> str:
        """What the figures may mean."""
        changed = min(self.rows.get(Kind.MISSING, 0), self.rows.get(Kind.EXTRA, 0))
        words = f"{changed} missing and {changed} extra rows may be {changed} changed ones" if changed else ""
        cut = "more rows than were compared" if self.cut else ""
        return "; ".join(each for each in (words, cut) if each)


@dataclass(frozen=True, slots=True)
class Drilled:
    """One hour on one host, by its minutes that differ; none where the difference is gone by now."""

    of: Compared
    minutes: tuple[Minute, ...]


def down(
    ground: Ground,
    compared: Compared,
    *,
    rows: int = ROWS,
    examples: int = EXAMPLES,
    max_threads: int = 0,
) -> Drilled:
    """Return what differs within an hour on a host. Both sides are asked anew, and nothing is changed.

    `rows` is how many different rows of a minute are compared at most, `examples` how many are shown of each kind.

    Raises:
        MigrateError: the hour is not known to differ.
        QueryError, ConnectError, DeadlineError: v1 or the host cannot be asked.
    """
    if compared.state is not State.DIFFERS:
        raise MigrateError(
            f"{compared.table}, {compared.host}: the hour {compared.hour_seconds} {compared.state}"
        )
    hole = Hole(ground, compared, Questions(max_threads), rows, examples)
    return Drilled(compared, tuple(hole.minutes()))


def sort_out(wanted: Mapping[int, int], found: Mapping[int, int], foreign: Mapping[int, int]) -> list[Oddity]:
    """Return the rows that are not as in v1, given how often each hash is on either side, by hash.

    `foreign` are rows of the host that other shards should have.
    """
    odd: list[Oddity] = [Oddity(Kind.WRONG_SHARD, key, 0, copies) for key, copies in sorted(foreign.items())]
    for key in sorted(wanted.keys() | found.keys()):
        there, here = wanted.get(key, 0), found.get(key, 0)
        if there == here:
            continue
        if not here:
            kind = Kind.MISSING
        elif not there:
            kind = Kind.EXTRA
        else:
            kind = Kind.DUPLICATED if here > there else Kind.LACKING
        odd.append(Oddity(kind, key, there, here))
    return odd


class Counted(NamedTuple):
    """How often rows are there, by hash, as far as they were told."""

    own: Counter[int]
    foreign: Counter[int]
    last: int | None
    """The greatest hash that was told, where there were more; None where all were."""


def counted(rows: Iterable[Sequence[object]], limit: int, shard: int, shards: Sequence[Shard]) -> Counted:
    """Return what the rows of `drill_hashes` say, asked for with one row more than `limit`."""
    told = [tuple(int(str(value)) for value in row) for row in rows]
    own: Counter[int] = Counter()
    foreign: Counter[int] = Counter()
    for key, slot, number in told[:limit]:
        (own if shard_of(slot, shards) == shard else foreign)[key] += number
    return Counted(own, foreign, told[limit - 1][0] if len(told) > limit else None)


def up_to(counts: Mapping[int, int], last: int | None) -> dict[int, int]:
    """Return the counts of hashes that both sides have told of."""
    return {key: number for key, number in counts.items() if last is None or key <= last}


@dataclass(frozen=True, slots=True)
class Hole:
    """One hour of one table on one host that is drilled into."""

    ground: Ground
    compared: Compared
    asker: Questions
    limit: int
    examples: int

    def minutes(self) -> list[Minute]:
        """Return the minutes that differ."""
        look = self._look()
        from_seconds = self.compared.hour_seconds
        span = (from_seconds, from_seconds + HOUR_SECONDS)
        wanted: dict[int, Digest] = {}
        for params in self._of_source(look, span):
            source = self._digests(self.ground.hosts.source, params, look.asking.statement)
            for (_, minute, _), digest in source:
                wanted[minute] = wanted.get(minute, NOTHING) + digest
        found: dict[int, Digest] = {}
        misplaced: set[int] = set()
        for (_, minute, shard), digest in self._digests(self._host, self._of_target(look, span)):
            found[minute] = found.get(minute, NOTHING) + digest
            if shard != self.compared.shard_num:
                misplaced.add(minute)
        return [
            self._minute(look, minute, wanted.get(minute, NOTHING), found.get(minute, NOTHING))
            for minute in sorted(wanted.keys() | found.keys())
            if minute in misplaced or wanted.get(minute, NOTHING) != found.get(minute, NOTHING)
        ]

    def _minute(self, look: Look, minute: int, wanted: Digest, found: Digest) -> Minute:
        span = (minute, minute + MINUTE_SECONDS)
        sources, target = list(self._of_source(look, span)), self._of_target(look, span)
        of_v1 = [self._counted(self.ground.hosts.source, params) for params in sources]
        here = self._counted(self._host, target)
        ends = [each.last for each in (*of_v1, here) if each.last is not None]
        last = min(ends) if ends else None
        there: Counter[int] = sum((each.own for each in of_v1), Counter())
        odd = sort_out(up_to(there, last), up_to(here.own, last), up_to(here.foreign, last))
        rows: Counter[Kind] = Counter()
        for each in odd:
            rows[each.kind] += each.copies
        shown = [each for kind in Kind for each in [one for one in odd if one.kind is kind][: self.examples]]
        of_source = [each for each in shown if each.kind in (Kind.MISSING, Kind.LACKING)]
        examples: list[Example] = []
        for params in sources:
            examples += self._examples(self.ground.hosts.source, params, of_source)
        examples += self._examples(self._host, target, [each for each in shown if each not in of_source])
        return Minute(minute, wanted, found, rows, tuple(examples), last is not None)

    # Asking

    @property
    def _host(self) -> Host:
        return self.ground.hosts.host(self.compared.host)

    @property
    def _shard(self) -> Shard:
        return next(each for each in self.ground.layout.shards if each.number == self.compared.shard_num)

    def _look(self) -> Look:
        table = next(each for each in self.ground.spec.tables if each.name == self.compared.table)
        versions = [self.asker.version(host) for host in (self.ground.hosts.source, self._host)]
        return Look(self.ground, table, is_old(versions), None, self.asker)

    def _of_source(self, look: Look, span: tuple[int, int]) -> list[dict[str, Value]]:
        """The parameters by which each table of v1 is asked about its share of a time."""
        found: list[dict[str, Value]] = []
        for source in look.table.sources:
            shape = self.ground.shapes[look.table.name, source.name]
            origin = table_name(self.ground.spec.source.database, source.name)
            params = look.source_params(shape, origin, "", bucket_seconds=MINUTE_SECONDS)
            own = f"{params['partition']} = {literal(self.compared.partition_id)}"
            slots = of_slots(look.table, self.ground.layout, self._shard, shape)
            time = self._between(look, shape.values[look.table.time], span)
            found.append(
                {
                    **params,
                    "where": both(time, own, slots, look.source_bounds(shape)),
                    "key": self._key(look, shape.over_source),
                }
            )
        return found

    def _of_target(self, look: Look, span: tuple[int, int]) -> dict[str, Value]:
        """The parameters by which the host is asked about a time: rows of other shards too."""
        time = self._between(look, quote_identifier(look.table.time), span)
        params = look.target_params(
            both(of_partition(self.compared.partition_id), time, look.target_bounds()),
            bucket_seconds=MINUTE_SECONDS,
        )
        return {**params, "key": self._key(look, str)}

    def _between(self, look: Look, time: str, span: tuple[int, int]) -> str:
        low, high = (instant(look.table, seconds * NANOSECONDS) for seconds in span)
        return f"{time} >= {low} AND {time} < {high}"

    def _key(self, look: Look, over: Callable[[str], str]) -> str:
        """What tells a row's shard, as text: the columns of the sharding key, or the key where it has none."""
        key = look.table.sharding_key
        names = sorted(expressions.names(key) & look.table.columns.keys())
        pieces = [f"ifNull(toString({over(quote_identifier(name))}), 'NULL')" for name in names]
        text = ", ', ', ".join(pieces) if pieces else f"toString({key})"
        return f"substring(concat({text}, ''), 1, {KEY_CHARACTERS})"

    def _digests(
        self, host: Host, params: Mapping[str, Value], statement: str = DIGEST
    ) -> list[tuple[tuple[str, int, int], Digest]]:
        given = {name: value for name, value in params.items() if name != "key"}
        return to_places(self.asker.rows(host, statement, given), self.ground.layout.shards)

    def _counted(self, host: Host, params: Mapping[str, Value]) -> Counted:
        given = {name: params[name] for name in ("from", "where", "row_hash", "slot")}
        # Of a table whose rows are to be there but once, v1's equal ones are one row.
        copies = f"uniqExact({params['second_hash']})" if "second_hash" in params else "count()"
        rows = self.asker.rows(host, "drill_hashes", {**given, "copies": copies, "limit": self.limit + 1})
        return counted(rows, self.limit, self.compared.shard_num, self.ground.layout.shards)

    def _examples(self, host: Host, params: Mapping[str, Value], odd: Sequence[Oddity]) -> list[Example]:
        by_hash = {each.row_hash: each for each in odd}
        if not by_hash:
            return []
        given = {name: params[name] for name in ("from", "where", "row_hash", "time_ns", "key")}
        hashes: list[Value] = [str(key) for key in by_hash]
        rows = self.asker.rows(host, "drill_rows", {**given, "hashes": hashes})
        return [Example(by_hash[int(key)], int(time_ns), sanitize(text)) for key, time_ns, text in rows]
