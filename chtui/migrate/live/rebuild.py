"""What cannot be mended by adding: a partition with rows v1 has not is made anew, and aggregates are computed anew from their base."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from chtui.migrate import hooks, snapshot
from chtui.migrate.backfill import Backfill
from chtui.migrate.cell import CellWork, Staged, difference
from chtui.migrate.digests import of_shard
from chtui.migrate.facts import DELTA
from chtui.migrate.layout import HOUR_SECONDS, Cell, Group, Slice
from chtui.migrate.live import delta
from chtui.migrate.live.comparing import Place
from chtui.migrate.live.repair import Repair
from chtui.migrate.live.words import Words
from chtui.migrate.snapshot import Snapshot
from chtui.migrate.spec import TableSpec
from chtui.migrate.stand import Stand

PAUSE, RESUME = "pause_writers", "resume_writers"


def can_pause(stand: Stand) -> bool:
    """Return whether the spec says how writers are paused."""
    return PAUSE in stand.ground.spec.hooks


@contextmanager
def paused_writers(stand: Stand, words: Words) -> Iterator[None]:
    """Pause all writers; they go on whatever happens meanwhile, and after a kill the next process lets them.

    Raises:
        MigrateError: they could not be paused, or not let go on.
    """
    try:
        hooks.run(stand, PAUSE, words.confirmed)
        yield
    finally:
        hooks.run(stand, RESUME, words.confirmed)


def rebuild(stand: Stand, table: TableSpec, place: Place, words: Words) -> None:
    """Put v1's rows in the place of all a partition has on a host: staged beforehand, completed while writers pause.

    Raises:
        MigrateError: v1 has no row of the partition, writers cannot be paused, or rows arrived otherwise.
        QueryError, ConnectError: a server failed; it may be called again.
    """
    earlier = Repair.of(stand, table, None)
    group = _group(earlier, place)
    work = _work(earlier, group, place, "rebuild ")
    work.work.hands.sweep(work.host, work.database, work.tag)
    taken, wanted = _measured(earlier, group, place)
    staged = work.stage(stand.hands.attempt(work.tag), taken, wanted)
    if staged is None:
        raise difference(f"{place.name}: v1 has no row of it")
    where = {"table": place.table, "partition_id": place.partition_id, "host": str(place.host)}
    with paused_writers(stand, words):
        staged = _completed(earlier, place, staged)
        stand.hands.diary.append(DELTA, {**where, "state": "begun", "rows": work.rows_of(staged.table)})
        work.replace(staged)
        stand.hands.diary.append(DELTA, {**where, "state": "done"})
    for purpose in ("gap ", "rebuild "):
        _work(earlier, group, place, purpose).finish()
    snapshot.release(stand.hands, stand.ground.hosts.source, stand.ground.spec.source, group)


def recompute(stand: Stand, table: TableSpec, place: Place) -> None:
    """Compute the aggregates of a partition anew from the rows a host has, and put them in the place of what is there.

    Rows that come meanwhile are lost to the aggregates: writers should pause, or it is done again.

    Raises:
        MigrateError, QueryError, ConnectError: a server failed; it may be called again.
    """
    repair = Repair(stand, table, {}, None)
    work = _work(repair, Group(table.name, place.partition_id, 0, 0, ()), place, "recompute ")
    work.work.hands.sweep(work.host, work.database, work.tag)
    prefix = stand.hands.attempt(work.tag)
    base = f"{prefix}_base"
    work.make(base)
    # Hard links: what is computed from stays as it is while rows come.
    work.attach(base, table.local)
    work.replace_states(work.with_states(prefix, base))
    where = {"table": place.table, "partition_id": place.partition_id, "host": str(place.host)}
    stand.hands.diary.append(DELTA, {**where, "state": "done"})
    work.finish()


def _completed(earlier: Repair, place: Place, staged: Staged) -> Staged:
    """Add to what is staged the rows v1 got since; it gets none now. Where, is told by how many rows its hours have."""
    now = Repair.of(earlier.stand, earlier.table, None)
    whole = _group(now, place)
    slices: list[Slice] = []
    for name, hours in now.hours.items():
        before = {
            (each.partition_id, each.hour_seconds, each.source_partition_id): each.rows
            for each in earlier.hours[name]
        }
        grown = {
            each.hour_seconds
            for each in hours
            if each.partition_id == place.partition_id
            and before.get((each.partition_id, each.hour_seconds, each.source_partition_id)) != each.rows
        }
        slices += [_hour(now, place, name, hour) for hour in sorted(grown)]
    # An hour is compared as a whole: every table of v1 that has rows of it must be there.
    starts = {piece.from_seconds for piece in slices}
    there = {(piece.source, piece.from_seconds) for piece in slices}
    slices += [
        _hour(now, place, name, start)
        for name, hours in now.hours.items()
        for start in sorted(
            starts & {each.hour_seconds for each in hours if each.partition_id == place.partition_id}
        )
        if (name, start) not in there
    ]
    if not slices:
        return staged
    gap = replace(whole, slices=tuple(slices))
    taken, wanted = _measured(now, gap, place)
    work = _work(now, gap, place, "gap ")
    lack = delta.find(work, taken, wanted, into=staged.table)
    if lack.extra_rows:
        raise difference(f"{place.name}: v1 lost rows while it was copied")
    states = dict(staged.states)
    if lack.staged is not None:
        work.attach(staged.table, lack.staged.table)
        for name, more in lack.staged.states.items():
            if name in states:
                work.attach(states[name], more)
            states.setdefault(name, more)
    return Staged(staged.table, states)


def _hour(repair: Repair, place: Place, source: str, start: int) -> Slice:
    mine = [
        each
        for each in repair.hours[source]
        if each.partition_id == place.partition_id and each.hour_seconds == start
    ]
    keys = tuple(sorted({each.source_partition_id for each in mine}))
    return Slice(source, start, start + HOUR_SECONDS, sum(each.rows for each in mine), keys, is_shared=True)


def _group(repair: Repair, place: Place) -> Group:
    for group in repair.ground.layout.groups:
        if group.partition_id == place.partition_id:
            return group
    raise difference(f"{place.name}: v1 has no row of it")


def _work(repair: Repair, group: Group, place: Place, purpose: str) -> CellWork:
    backfill = Backfill(repair.ground, repair.stand.hands, repair.stand.progress)
    shard = next(each for each in repair.ground.layout.shards if each.number == place.shard_num)
    return replace(backfill.work(Cell(group, shard, place.host)), purpose=purpose)


def _measured(repair: Repair, group: Group, place: Place) -> tuple[Snapshot, delta.Wanted]:
    ground, hands = repair.ground, repair.stand.hands
    taken = snapshot.take(hands, ground.hosts.source, ground.spec.source, group)
    found = Backfill(ground, hands, repair.stand.progress).measure(group, taken)
    return taken, {piece: of_shard(digests, place.shard_num) for piece, digests in found.items()}
