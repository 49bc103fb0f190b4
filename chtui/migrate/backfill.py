"""The backfill: every group copied, published and proven on every replica, through whatever fails meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from functools import partial

from chtui.errors import ChtuiError, MigrateError
from chtui.migrate import snapshot
from chtui.migrate.cell import CellWork, Work, is_worth_again
from chtui.migrate.ddl import given_columns
from chtui.migrate.digests import (
    DIGEST_SECONDS,
    NOTHING,
    SETTINGS,
    Asking,
    Digest,
    Digests,
    of_shard,
    to_digests,
    total,
    within,
)
from chtui.migrate.facts import PROVEN
from chtui.migrate.hands import Hands
from chtui.migrate.layout import Cell, Ground, Group, Slice
from chtui.migrate.progress import CellState, Progress
from chtui.migrate.shape import FORMAT_ROW_SINCE
from chtui.migrate.snapshot import Snapshot
from chtui.migrate.spec import Flavour
from chtui.migrate.statements import table_name

RETRY_SECONDS = (1.0, 2.0, 5.0, 10.0, 30.0)
"""The pauses between tries; the last one for all further."""
DIFFERENT_TRIES = 3
"""How often rows that arrived differently are copied again before the run ends: more than chance is wrong then."""

Wanted = Mapping[Slice, Digests]


def works_of(ground: Ground, hands: Hands, progress: Progress) -> dict[str, Work]:
    """Return what cells need, by table.

    Raises:
        ConnectError: a host would not tell its version.
    """
    old = min(host.version for host in ground.hosts.everyone) < FORMAT_ROW_SINCE
    return {
        table.name: Work(
            spec=ground.spec,
            table=table,
            shapes={source: shape for (name, source), shape in ground.shapes.items() if name == table.name},
            asking=Asking(table, ground.layout, tuple(given_columns(table)), old),
            hands=hands,
            gate=progress.gate,
        )
        for table in ground.spec.tables
    }


class Backfill:
    """The backfill of one run by one process."""

    def __init__(self, ground: Ground, hands: Hands, progress: Progress) -> None:
        self._spec, self._hosts, self._layout, _ = ground
        self._hands = hands
        self._progress = progress
        self._works = works_of(ground, hands, progress)
        self._turns = {
            host.id: threading.Semaphore(ground.spec.limits.workers) for host in ground.hosts.targets
        }

    def run(self, proven: Iterable[str] = ()) -> None:
        """Do all of it; `proven` are the names of cells that earlier processes have done.

        Raises:
            MigrateError: it was told to end, or the journal or the lease does not allow more, or rows differ again and again.
        """
        done = set(proven)
        rows = {
            cell.name: self._share(cell)
            for group in self._layout.groups
            for cell in self._layout.cells(group)
        }
        self._progress.plan(rows)
        for name in done & rows.keys():
            self._progress.skip(name)
        self._progress.stage("backfill")
        left = [
            partial(self._group, group, cells)
            for group in self._layout.groups
            if (cells := [cell for cell in self._layout.cells(group) if cell.name not in done])
        ]
        self._all(left, self._spec.limits.workers)

    def _share(self, cell: Cell) -> float:
        """The rows of v1 a cell stands for, about: those of a plain cluster's replicas are shared among them."""
        copies = len(cell.shard.hosts) if self._layout.flavour is Flavour.PLAIN else 1
        weight = (cell.shard.high - cell.shard.low) / self._layout.total_weight
        return cell.group.rows * weight / copies

    # Groups

    def _group(self, group: Group, cells: list[Cell]) -> None:
        finished: set[str] = set()

        def attempt() -> None:
            self._progress.gate("snapshot")
            taken = snapshot.take(self._hands, self._hosts.source, self._spec.source, group)
            wanted = self._measure(group, taken)
            whole = total(each for found in wanted.values() for each in found.values())
            facts = {"group": group.name, "rows": whole.rows, "digest": str(whole.digest)}
            self._hands.diary.append("source", facts)
            left = [cell for cell in cells if cell.name not in finished]
            self._all([partial(self._cell, cell, taken, wanted, finished) for cell in left], len(left))
            snapshot.release(self._hands, self._hosts.source, self._spec.source, group)

        self._persist(attempt, group.name)

    def _measure(self, group: Group, taken: Snapshot) -> dict[Slice, Digests]:
        """What v1's rows of each slice are, by hour and shard, in the form v2 has them."""
        work = self._works[group.table]
        found: dict[Slice, Digests] = {}
        for piece in group.slices:
            self._progress.gate("measure")
            shape = work.shapes[piece.source]
            params = work.asking.of_source(
                shape,
                table_name(self._spec.source.database, taken.tables[piece.source]),
                within(work.table, piece, shape, group.partition_id),
            )
            rows = self._hosts.source.rows("digest", params, seconds=DIGEST_SECONDS, settings=SETTINGS)
            found[piece] = to_digests(rows, self._layout.shards)
        return found

    # Cells

    def _cell(self, cell: Cell, taken: Snapshot, wanted: Wanted, finished: set[str]) -> None:
        mine = {piece: of_shard(found, cell.shard.number) for piece, found in wanted.items()}
        whole: dict[int, Digest] = {}
        for hours in mine.values():
            for hour, each in hours.items():
                whole[hour] = whole.get(hour, NOTHING) + each
        work = CellWork(self._works[cell.group.table], cell, self._hosts.host(cell.host))

        def attempt() -> None:
            with self._turns[cell.host]:
                self._progress.cell(cell.name, CellState.COPYING)
                copied = work.copy(taken, mine)
                for each in self._witnesses(work):
                    each.catch_up()
                    each.prove(whole)
                work.finish()
            facts = {"cell": cell.name, "rows": copied.rows, "digest": str(copied.digest)}
            self._hands.diary.append(PROVEN, facts)

        self._persist(attempt, cell.name, is_cell=True)
        self._progress.cell(cell.name, CellState.PROVEN)
        finished.add(cell.name)

    def _witnesses(self, work: CellWork) -> list[CellWork]:
        """The cell on every host that must have its rows."""
        if self._layout.flavour is Flavour.PLAIN:
            return [work]
        return [CellWork(work.work, work.cell, self._hosts.host(host)) for host in work.cell.shard.hosts]

    # Trying

    def _persist(self, attempt: Callable[[], None], name: str, *, is_cell: bool = False) -> None:
        """Try until it goes well; a host that is away is waited for, rows that differ are not for ever."""
        different = tries = 0
        while True:
            try:
                attempt()
                return
            except ChtuiError as error:
                if not is_worth_again(error):
                    raise
                different += isinstance(error, MigrateError) and error.exit_code == 1
                self._hands.diary.append("failed", {"work": name, "error": error.line})
                if is_cell:
                    self._progress.cell(name, CellState.FAILED, error.line)
                if different >= DIFFERENT_TRIES:
                    raise
                pause = RETRY_SECONDS[min(tries, len(RETRY_SECONDS) - 1)]
                tries += 1
                self._progress.wait(pause)

    def _all(self, works: list[partial[None]], at_once: int) -> None:
        """Do all of these, some side by side; the first error that is not to be tried again ends them all."""
        if not works:
            return
        with ThreadPoolExecutor(max(1, at_once), thread_name_prefix="backfill") as pool:
            futures = [pool.submit(work) for work in works]
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            failed = next((future.exception() for future in done if future.exception()), None)
            if failed is not None:
                self._progress.abort(str(failed))
                pool.shutdown(wait=True, cancel_futures=True)
                raise failed
