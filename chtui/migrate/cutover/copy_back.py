"""Rows that v2 got and v1 did not, brought back: staged in v1's form hour by hour, proven, added by hard links.

What lacks is found by content: a row of v2, in v2's form, that v1's rows give less often. So a second try after any end finds
what the first has not added, and adds nothing twice; statements of an earlier try are ended first, and their staging dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from chtui.errors import MigrateError
from chtui.fleet.literal import Value, literal, quote_identifier
from chtui.migrate import definitions, expressions, snapshot
from chtui.migrate.copying import COPYING, settings_text
from chtui.migrate.cutover.server import now_seconds
from chtui.migrate.ddl import given_columns, instant
from chtui.migrate.digests import (
    DIGEST,
    DIGEST_SECONDS,
    NANOSECONDS,
    SETTINGS,
    Asking,
    Digest,
    to_digests,
    total,
)
from chtui.migrate.expiry import EXPIRY_MARGIN_SECONDS, kept
from chtui.migrate.layout import HOUR_SECONDS
from chtui.migrate.look import both
from chtui.migrate.shape import FORMAT_ROW_SINCE, Shape
from chtui.migrate.spec import Retries, SourceTable, TableSpec
from chtui.migrate.stand import Stand
from chtui.migrate.statements import table_name
from chtui.text import plural

SETTLE_SECONDS = 10.0
"""How long a row may be under way to v1 when v2 has it: so long staged rows wait before they are added."""
AGAIN_SECONDS = 30.0
"""How long after one pass the next begins, at most; the last one finds nothing that lacks."""
TRIES = 5
"""How often an hour is staged anew because rows came to it meanwhile, and anyway until none can come any more."""
RETURN = "returned"
"""The journal's word for rows about to be added to v1."""
ALIAS = "chtui_c{}"
READING = {**SETTINGS, "readonly": 2}
"""Under readonly = 1, which every other read has, 18.16 forbids the function that reads v2; 2 only reads too."""

Say = Callable[[str], None]
Hours = Mapping[int, Digest]


@dataclass(frozen=True, slots=True)
class CopiedBack:
    """What was brought back to one table of v1."""

    table: str
    rows: int
    hours: int
    """That had rows lacking."""


class _Found(NamedTuple):
    """What staged rows are."""

    rows: int
    strange_rows: int
    """That v2 has not, or not as often."""
    come_rows: int
    """That v1 does not lack, or not any more."""


@dataclass(frozen=True, slots=True)
class _Way:
    """How rows of one table of v2 come back to the table of v1 that feeds it."""

    table: TableSpec
    source: SourceTable
    shape: Shape
    columns: tuple[str, ...]
    """v1's columns that INSERT names."""
    returned: tuple[str, ...]
    """The expression over v2's columns, of v1's type, for each."""
    asking: Asking
    kept: str
    """The condition for rows v2 does not let go meanwhile, over v2's columns; empty where it lets none go."""
    own_kept: str
    """The same over v1's columns."""


def not_invertible(stand: Stand) -> list[str]:
    """Return, a line each, what v2 could not give back.

    Raises:
        ConnectError, QueryError: v1's host does not tell its columns.
    """
    spec, source_host = stand.ground.spec, stand.ground.hosts.source
    found: list[str] = []
    for table in spec.tables:
        if len(table.sources) > 1:
            names = " and ".join(source.name for source in table.sources)
            found.append(f"{table.name}: which of {names} a row came from")
            continue
        if table.retries is Retries.COLLAPSE:
            found.append(f"{table.name}: rows that were there more than once are kept once")
            continue
        source = table.sources[0]
        for name in _given(stand, source):
            why = _lost(table, source, name)
            if why:
                found.append(f"{source.name}.{name}: {why}")
    params = {"cluster": spec.target.cluster}
    if not source_host.rows("shards", params):
        found.append(
            f"{source_host.id} does not know cluster {spec.target.cluster}, by which it would read v2"
        )
    return found


def demand_invertible(stand: Stand) -> None:
    """Return where every column of v1 can be given back.

    Raises:
        MigrateError: one cannot, exit code 1.
    """
    lost = not_invertible(stand)
    if lost:
        raise MigrateError(
            f"v1 cannot get back what it lacks: {'; '.join(lost)}",
            fix="give each an expression in table.NAME.source.V1TABLE.inverse; until then stay on v2",
            exit_code=1,
        )


def run(
    stand: Stand, since_seconds: float, until_seconds: float | None = None, *, say: Say = lambda _: None
) -> tuple[CopiedBack, ...]:
    """Bring back every row of v2 with an event time between two instants that v1 lacks, and prove it.

    From somewhat before the first, for rows may come late; without the second up to those younger than the lateness. With it
    it is waited for, until rows of that time have reached both. Rows that v2 has let go, or soon will, are left as they are.

    Raises:
        MigrateError: v2 cannot give back what v1 lacks, or what comes back is not what v2 has, or rows came again and again,
            exit code 1.
        QueryError, ConnectError: a server failed a statement; all of it may be run again.
    """
    lateness = stand.ground.spec.retention.lateness_seconds
    start = int((since_seconds - 2 * lateness) // HOUR_SECONDS) * HOUR_SECONDS
    now = now_seconds(stand.ground.hosts.source)
    end = int(now - lateness) if until_seconds is None else int(until_seconds) + 1
    found: list[CopiedBack] = []
    for table in stand.ground.spec.tables:
        way = _way(stand, table, int(now))
        if way.kept:
            say(f"{table.name}: rows that expire by tomorrow are left as they are, in v1 too")
        rows = hours = 0
        for low in range(start, end, HOUR_SECONDS):
            high = min(low + HOUR_SECONDS, end)
            _await(stand, high + _settling(stand) if until_seconds is not None else 0.0)
            stand.progress.gate("copy back")
            added = _Span(stand, way, low, high).bring_back()
            rows, hours = rows + added, hours + bool(added)
        say(f"{table.name}: {plural(rows, 'row')} copied back to {way.source.name}")
        found.append(CopiedBack(way.source.name, rows, hours))
    return tuple(found)


def _await(stand: Stand, at_seconds: float) -> None:
    """Let time pass until an instant of v1's clock."""
    left = at_seconds - now_seconds(stand.ground.hosts.source)
    if left > 0:
        stand.progress.sleep(left)


def _settling(stand: Stand) -> float:
    return min(SETTLE_SECONDS, stand.ground.spec.retention.lateness_seconds)


class _Span:
    """One hour, or the beginning of the last one."""

    def __init__(self, stand: Stand, way: _Way, low: int, high: int) -> None:
        self._stand, self._way = stand, way
        self._bounds = tuple(instant(way.table, seconds * NANOSECONDS) for seconds in (low, high))
        self._low = low
        self._host = stand.ground.hosts.source
        self._settled_at = high + stand.ground.spec.retention.lateness_seconds + _settling(stand)
        self._spec = stand.ground.spec
        self._tag = stand.hands.tag(f"copy back {way.table.name}")
        self._do = partial(stand.hands.do, self._host, tag=self._tag)

    def bring_back(self) -> int:
        """Return how many rows were added."""
        added_rows = tries = 0
        while tries < TRIES or now_seconds(self._host) < self._settled_at:
            tries += 1
            # v1 may have rows besides: writers that were told otherwise than meant leave v2 without some, which is nothing
            # in the way of readers who go back to v1.
            if self._source() == self._target() or not self._lacking_rows():
                return added_rows
            demand_invertible(self._stand)
            staged = self._stage()
            self._stand.progress.sleep(_settling(self._stand))
            found = self._found(staged)
            if found.rows and not found.come_rows:
                self._add(staged, found.rows)
                added_rows += found.rows
                continue
            self._sweep()
            if found.strange_rows:
                # One replica may have a row before the others; which of them is read is the server's choice.
                if tries >= TRIES:
                    raise self._wrong(found)
            elif found.come_rows == found.rows:
                # All were under way.
                return added_rows
        raise MigrateError(
            f"{self._way.source.name}: rows of the hour {self._low} s since 1970 came again and again",
            fix="try again when they do not",
            exit_code=1,
        )

    def _wrong(self, found: _Found) -> MigrateError:
        source, table = self._way.source.name, self._way.table.name
        return MigrateError(
            f"{source}, hour {self._low} s since 1970: {found.strange_rows} of {plural(found.rows, 'row')} that came back are "
            "none that v1 lacks",
            where=table,
            fix=f"see inverse of {source}, and chtui migrate verify; nothing else was added to v1",
            exit_code=1,
        )

    def _source(self) -> Digest:
        """What v1 has, in the form of v2."""
        origin = table_name(self._spec.source.database, self._way.source.name)
        return self._total(self._way.asking.of_source(self._way.shape, origin, self._own_where()))

    def _target(self) -> Digest:
        params = self._way.asking.of_target(self._spec.target.database, self._way.table.local, self._where())
        return self._total({**params, "from": self._reading()})

    def _total(self, params: dict[str, Value]) -> Digest:
        rows = self._host.rows(DIGEST, params, seconds=DIGEST_SECONDS, settings=READING)
        return total(to_digests(rows, self._way.asking.layout.shards).values())

    def _stage(self) -> str:
        """Make a table of v1's form with the rows v1 lacks, after ending what an earlier try left."""
        database, source = self._spec.source.database, self._way.source
        self._sweep()
        name = f"{self._stand.hands.attempt(self._tag)}_back"
        self._do("snapshot_create", snapshot.creation(self._host, self._spec.source, source.name, name))
        aliases = [ALIAS.format(number) for number in range(len(self._way.columns))]
        quoted = [quote_identifier(column) for column in self._way.columns]

        def named(values: list[str] | tuple[str, ...]) -> str:
            return ", ".join(f"{value} AS {alias}" for value, alias in zip(values, aliases, strict=True))

        params: dict[str, Value] = {
            **self._both(),
            "staging": (database, name),
            "columns": ", ".join(quoted),
            "picked": ",\n        ".join(
                f"anyIf({alias}, chtui_there = 1) AS {column}"
                for alias, column in zip(aliases, quoted, strict=True)
            ),
            "returned": named(self._way.returned),
            "kept": named(quoted),
            "settings": settings_text(self._host.known({**COPYING, "max_partitions_per_insert_block": 0})),
        }
        self._do("cutover_give_back", params)
        return name

    def _lacking_rows(self) -> int:
        """How many rows of v2 v1 has less often."""
        rows = self._host.rows("cutover_lacking", self._both(), seconds=DIGEST_SECONDS, settings=READING)
        return int(rows[0][0])

    def _found(self, staged: str) -> _Found:
        """What the staged rows are by now: others may have come meanwhile, and these too."""
        params = {**self._both(), "staged": (self._spec.source.database, staged)}
        rows = self._host.rows("cutover_staged", params, seconds=DIGEST_SECONDS, settings=READING)
        return _Found(*map(int, rows[0]))

    def _both(self) -> dict[str, Value]:
        """By what rows of both sides are told apart."""
        own = tuple(self._way.shape.values[column] for column in self._way.asking.columns)
        return {
            "row_hash": self._way.asking.row_hash([*map(quote_identifier, self._way.asking.columns)]),
            "own_hash": self._way.asking.row_hash(own),
            "from": self._reading(),
            "where": self._where(),
            "source": (self._spec.source.database, self._way.source.name),
            "own_where": self._own_where(),
        }

    def _add(self, staged: str, rows_staged: int) -> None:
        database, source = self._spec.source.database, self._way.source.name
        told = {"table": source, "hour_seconds": self._low, "rows": rows_staged}
        for partition, _, rows, *_ in self._host.rows(
            "source_partitions", {"database": database, "table": staged}
        ):
            self._stand.progress.gate("add rows to v1")
            self._stand.hands.diary.append(
                RETURN, {**told, "partition_id": str(partition), "partition_rows": int(rows)}
            )
            params: dict[str, Value] = {
                "table": (database, source),
                "partition_id": str(partition),
                "from": (database, staged),
            }
            self._do("attach_partition", params)
        found = self._found(staged)
        self._sweep()
        if found.come_rows != found.rows:
            raise self._wrong(found._replace(strange_rows=found.rows - found.come_rows))

    def _sweep(self) -> None:
        self._stand.hands.sweep(self._host, self._spec.source.database, self._tag)

    def _reading(self) -> str:
        target = self._spec.target
        return f"cluster({literal(target.cluster)}, {table_name(target.database, self._way.table.local)})"

    def _where(self) -> str:
        return both(self._between(quote_identifier(self._way.table.time)), self._way.kept)

    def _own_where(self) -> str:
        return both(self._between(self._way.shape.values[self._way.table.time]), self._way.own_kept)

    def _between(self, time: str) -> str:
        return f"{time} >= {self._bounds[0]} AND {time} < {self._bounds[1]}"


def _way(stand: Stand, table: TableSpec, now_seconds: int) -> _Way:
    source = table.sources[0]
    types = _given(stand, source)
    shape = stand.ground.shapes[table.name, source.name]
    old = min(host.version for host in stand.ground.hosts.everyone) < FORMAT_ROW_SINCE
    gone_by = now_seconds + EXPIRY_MARGIN_SECONDS if table.name in stand.facts().aging else None
    return _Way(
        table=table,
        source=source,
        shape=shape,
        columns=tuple(types),
        returned=tuple(
            f"CAST(({source.inverse.get(name, quote_identifier(name))}), {literal(kind)})"
            for name, kind in types.items()
        ),
        asking=Asking(table, stand.ground.layout, tuple(given_columns(table)), old),
        kept=kept(table.expires, gone_by, {}),
        own_kept=kept(table.expires, gone_by, dict(shape.values)),
    )


def _given(stand: Stand, source: SourceTable) -> dict[str, str]:
    """v1's columns that INSERT may name, with their types."""
    params = {"database": stand.ground.spec.source.database, "table": source.name}
    rows = stand.ground.hosts.source.rows("table_types", params)
    kinds = (definitions.MATERIALIZED, definitions.ALIAS)
    return {str(name): str(kind) for name, kind, default in rows if default not in kinds}


def _lost(table: TableSpec, source: SourceTable, name: str) -> str:
    """Why a column of v1 cannot be given back; empty where it can, as far as the spec tells."""
    if name in source.inverse:
        missing = expressions.names(source.inverse[name]) - table.columns.keys()
        return f"its inverse names {', '.join(sorted(missing))}, which v2 has not" if missing else ""
    if name in source.drops or name not in table.columns:
        return "v2 does not keep it"
    if name in source.mapping and expressions.normalized(source.mapping[name]) != name:
        return f"v2 has {source.mapping[name]}, and there is no inverse"
    return ""
