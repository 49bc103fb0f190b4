"""Making v2 hold what v1 has, place by place: closed partitions are replaced, to open ones the rows they lack are added."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from chtui.errors import ChtuiError
from chtui.migrate import snapshot
from chtui.migrate.backfill import Backfill
from chtui.migrate.digests import of_shard
from chtui.migrate.layout import HOUR_SECONDS, Cell, Ground, Group, Hour, Slice, count_hours, cut
from chtui.migrate.live import delta
from chtui.migrate.live.comparing import Place, extra_rows
from chtui.migrate.live.flushing import flush
from chtui.migrate.live.watermark import NANOSECONDS, is_closed, partition_at
from chtui.migrate.spec import Flavour, TableSpec
from chtui.migrate.stand import Stand
from chtui.migrate.verification import Compared

PURPOSE = "delta "

Wrong = Mapping[Place, Sequence[Compared]]
"""The hours that differ, by place."""


class Repaired(NamedTuple):
    """What became of the places that differed."""

    replaced: int
    """Cells of closed partitions that were copied again."""
    added_rows: int
    extra: Mapping[Place, int]
    """Rows that v1 has not, or not as often; nothing was done about them."""


@dataclass(frozen=True, slots=True)
class Repair:
    """One table of v2 and v1's rows of it as they are now."""

    stand: Stand
    """Its layout has the table's partitions as they are now."""
    table: TableSpec
    hours: Mapping[str, Sequence[Hour]]
    """By table of v1."""
    until_seconds: int | None
    """Only rows of before are looked at."""

    @classmethod
    def of(cls, stand: Stand, table: TableSpec, until_seconds: int | None) -> Repair:
        """Look at v1's rows.

        Raises:
            QueryError, ConnectError: v1 would not tell.
        """
        ground = stand.ground
        hours = {
            source.name: count_hours(
                ground.spec, table, source, ground.shapes[table.name, source.name], ground.hosts
            )
            for source in table.sources
        }
        groups = cut(table.name, hours, {name: {} for name in hours}, ground.spec.limits.chunk_rows)
        now = ground._replace(layout=replace(ground.layout, groups=tuple(groups)))
        return cls(stand._replace(ground=now), table, hours, until_seconds)

    @property
    def ground(self) -> Ground:
        """What it stands on."""
        return self.stand.ground

    def mend(self, wrong: Wrong) -> Repaired:
        """Bring some places to what v1 has now; late rows may come meanwhile.

        Raises:
            MigrateError, QueryError, ConnectError: a server failed, or rows arrived otherwise; it may be called again.
        """
        groups = {group.partition_id: group for group in self.ground.layout.groups}
        backfill = Backfill(self.ground, self.stand.hands, self.stand.progress)
        known = self.stand.facts()
        watermark = known.watermarks.get(self.table.name)
        partition = "" if watermark is None else partition_at(self.ground.hosts.source, self.table, watermark)
        # After the seal late rows go where they belong by themselves: no partition is surely without writers then. Where v1
        # lacks rows no partition of it can take the place of v2's.
        is_open = (
            watermark is not None and self.table.name in known.sealed
        ) or known.lacking_since is not None
        closed: list[Cell] = []
        added_rows = 0
        extra: dict[Place, int] = {}
        for partition_id in dict.fromkeys(place.partition_id for place in wrong):
            here = {place: found for place, found in wrong.items() if place.partition_id == partition_id}
            group = groups.get(partition_id)
            if (
                group
                and not (is_open or _is_live(here, watermark))
                and is_closed(group, watermark, partition)
            ):
                closed += self.cells(group, here)
                continue
            extra.update({place: rows for place in here if (rows := extra_rows(here[place]))})
            if group:
                flush(self.stand, [self.table])
                for place, lack in self.add(backfill, self.needed(group, here), list(here)).items():
                    added_rows += lack.rows
                    if lack.extra_rows:
                        extra[place] = extra.get(place, 0) + lack.extra_rows
        if closed:
            backfill.again(closed)
        return Repaired(len(closed), added_rows, extra)

    def cells(self, group: Group, wrong: Wrong) -> list[Cell]:
        """Return the cells of a group in which something differs; of a shard's replicas one copies for all."""
        if self.ground.layout.flavour is Flavour.PLAIN:
            hosts = {place.host for place in wrong}
            return [cell for cell in self.ground.layout.cells(group) if cell.host in hosts]
        numbers = {place.shard_num for place in wrong}
        return [cell for cell in self.ground.layout.cells(group) if cell.shard.number in numbers]

    def needed(self, group: Group, wrong: Wrong) -> Group:
        """Return the part of a group that differs: runs of hours of which no host has a row, and single hours of which one has."""
        slices: list[Slice] = []
        for run in self._runs(group, wrong):
            end = run[-1] + HOUR_SECONDS
            if self.until_seconds is not None:
                end = min(end, self.until_seconds)
            for name in self.hours:
                mine = [each for each in self._in(group, name) if run[0] <= each.hour_seconds < end]
                if mine:
                    keys = tuple(sorted({each.source_partition_id for each in mine}))
                    rows = sum(each.rows for each in mine)
                    slices.append(Slice(name, run[0], end, rows, keys, is_shared=True))
        return replace(group, slices=tuple(slices))

    def add(self, backfill: Backfill, group: Group, places: Sequence[Place]) -> dict[Place, delta.Lack]:
        """Add what hosts lack of a group's slices, host by host side by side.

        Raises:
            MigrateError, QueryError, ConnectError: as of `mend`.
        """
        if not group.slices:
            return {}
        source, spec, hands = self.ground.hosts.source, self.ground.spec, self.stand.hands
        taken = snapshot.take(hands, source, spec.source, group)
        wanted = backfill.measure(group, taken)

        def one(place: Place) -> delta.Lack:
            shard = next(each for each in self.ground.layout.shards if each.number == place.shard_num)
            work = replace(backfill.work(Cell(group, shard, place.host)), purpose=PURPOSE)
            work.catch_up()
            lack = delta.find(
                work, taken, {piece: of_shard(found, shard.number) for piece, found in wanted.items()}
            )
            delta.add(work, lack)
            return lack

        chosen = self._one_of_each_copy(places)
        with ThreadPoolExecutor(len(chosen), thread_name_prefix="delta") as pool:
            futures = {place: pool.submit(partial(one, place)) for place in chosen}
        snapshot.release(hands, source, spec.source, group)
        errors = [
            error for future in futures.values() if isinstance(error := future.exception(), BaseException)
        ]
        for error in sorted(errors, key=lambda each: isinstance(each, ChtuiError)):
            raise error
        return {place: future.result() for place, future in futures.items()}

    def _one_of_each_copy(self, places: Sequence[Place]) -> list[Place]:
        """Where rows are added: on every host of a plain cluster that lacks some, else on one of each shard's."""
        if self.ground.layout.flavour is Flavour.PLAIN:
            return list(places)
        by_shard: dict[int, Place] = {}
        for place in places:
            by_shard.setdefault(place.shard_num, place)
        return list(by_shard.values())

    def _runs(self, group: Group, wrong: Wrong) -> list[list[int]]:
        has_some: dict[int, bool] = {}
        for hour in (each for found in wrong.values() for each in found):
            some = bool(hour.found and hour.found.rows)
            has_some[hour.hour_seconds] = has_some.get(hour.hour_seconds, False) or some
        rows: dict[int, int] = {}
        for each in (hour for name in self.hours for hour in self._in(group, name)):
            rows[each.hour_seconds] = rows.get(each.hour_seconds, 0) + each.rows
        return runs_of(has_some, rows, self.ground.spec.limits.chunk_rows)

    def _in(self, group: Group, source: str) -> list[Hour]:
        return [each for each in self.hours[source] if each.partition_id == group.partition_id]


def runs_of(has_some: Mapping[int, bool], rows: Mapping[int, int], chunk_rows: int) -> list[list[int]]:
    """Return the hours that differ, by whether a host has rows of them, in runs that are brought as one.

    Hours of which a host has rows are alone. `rows` are v1's by hour; hours of which neither side has any end no run, so that a
    table with few rows does not come hour by hour.
    """
    held = sorted(hour for hour, number in rows.items() if number)
    runs: list[list[int]] = []
    for start in sorted(has_some):
        run = runs[-1] if runs else []
        joins = (
            run
            and not (has_some[start] or has_some[run[-1]])
            and bisect_left(held, start) == bisect_right(held, run[-1])
            and sum(rows.get(each, 0) for each in (*run, start)) <= chunk_rows
        )
        if joins:
            run.append(start)
        else:
            runs.append([start])
    return runs


def _is_live(wrong: Wrong, watermark: int | None) -> bool:
    """Whether some of what differs is of after the watermark, or of its hour."""
    return watermark is not None and any(
        (hour.hour_seconds + HOUR_SECONDS) * NANOSECONDS > watermark
        for hours in wrong.values()
        for hour in hours
    )
