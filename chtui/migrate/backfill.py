"""The backfill: every group copied, published and proven on every replica, through whatever fails meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from functools import partial

from chtui.errors import ChtuiError, MigrateError
from chtui.migrate import snapshot
from chtui.migrate.ahead import Ahead, Share, UnmeasuredError
from chtui.migrate.cell import CellWork, Work, is_worth_again
from chtui.migrate.ddl import given_columns
from chtui.migrate.digests import (
    DIGEST_SECONDS,
    OWN_SETTINGS,
    SETTINGS,
    Asking,
    Digest,
    Digests,
    to_digests,
    total,
    within,
)
from chtui.migrate.facts import COLLAPSED, PROVEN
from chtui.migrate.hands import Hands
from chtui.migrate.layout import Cell, Ground, Group, Slice
from chtui.migrate.progress import CellState, Progress
from chtui.migrate.recut import recut
from chtui.migrate.remembered import Partition, Remembered
from chtui.migrate.shape import FORMAT_ROW_SINCE
from chtui.migrate.snapshot import Snapshot
from chtui.migrate.spec import Flavour
from chtui.migrate.statements import table_name
from chtui.migrate.turns import Turns

RETRY_SECONDS = (1.0, 2.0, 5.0, 10.0, 30.0)
"""The pauses between tries; the last one for all further."""
GROUP_THREADS = 64
"""The most groups at a time; how many it is, the limit `workers` says, which may change."""
DIFFERENT_TRIES = 3
"""How often rows that arrived differently are copied again before the run ends: more than chance is wrong then."""


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

    def __init__(
        self, ground: Ground, hands: Hands, progress: Progress, remembered: Remembered | None = None
    ) -> None:
        self._spec, self._hosts, self._layout = ground.spec, ground.hosts, ground.layout
        self._hands = hands
        self._progress = progress
        self._remembered = remembered or Remembered()
        self._works = works_of(ground, hands, progress)
        self._turns = {host.id: Turns(lambda: progress.limits.workers) for host in ground.hosts.targets}
        self._groups = Turns(lambda: progress.limits.workers)

    def run(self, proven: Iterable[str] = (), *, wanted: Callable[[Group], bool] = lambda _: True) -> None:
        """Do all `wanted` groups; `proven` are the names of cells that earlier processes have done.

        Raises:
            MigrateError: it was told to end, or the journal or the lease does not allow more, or rows differ again and again.
        """
        done = set(proven)
        rows = self._layout.shares()
        self._progress.plan(rows)
        for name in done & rows.keys():
            self._progress.skip(name)
        self._progress.stage("backfill")
        left = [
            partial(self._group, group, cells)
            for group in self._layout.groups
            if wanted(group)
            if (cells := [cell for cell in self._layout.cells(group) if self._is_left(cell, done)])
        ]
        self._all(left, GROUP_THREADS)

    def again(self, cells: Sequence[Cell]) -> None:
        """Replace some cells with what v1 has now, whatever they hold; all are of groups of this backfill's layout.

        Raises:
            MigrateError: as of `run`.
        """
        groups = dict.fromkeys(cell.group for cell in cells)
        self._all(
            [
                partial(self._group, group, [each for each in cells if each.group == group])
                for group in groups
            ],
            GROUP_THREADS,
        )

    def measure(self, group: Group, taken: Snapshot) -> dict[Slice, Digests]:
        """Return what v1's rows of each slice are, by hour and shard, in the form v2 has them.

        Raises:
            MigrateError: the run was told to end.
            QueryError, ConnectError: v1 cannot be asked.
        """
        return dict(self._measured(group, taken))

    def _measured(self, group: Group, taken: Snapshot) -> Iterator[tuple[Slice, Digests]]:
        work = self._works[group.table]
        for piece in group.slices:
            self._progress.gate("measure")
            shape = work.shapes[piece.source]
            params = work.asking.of_source(
                shape,
                table_name(self._spec.source.database, taken.tables[piece.source]),
                within(work.table, piece, shape, group.partition_id),
            )
            name = work.asking.statement
            settings = {**SETTINGS, **OWN_SETTINGS.get(name, {})}
            rows = self._hosts.source.rows(name, params, seconds=DIGEST_SECONDS, settings=settings)
            yield piece, to_digests(rows, self._layout.shards)

    def work(self, cell: Cell) -> CellWork:
        """Return a cell with what it needs, on the host that pulls it."""
        return CellWork(self._works[cell.group.table], cell, self._hosts.host(cell.host))

    def _is_left(self, cell: Cell, done: set[str]) -> bool:
        return cell.name not in done and not self._progress.is_left_out(cell.name)

    # Groups

    def _group(self, group: Group, cells: list[Cell]) -> None:
        with self._groups:
            chunk_rows = self._progress.limits.chunk_rows
            if chunk_rows != self._spec.limits.chunk_rows:
                group, cells = recut(group, cells, chunk_rows)
            self._whole_group(group, cells)

    def _whole_group(self, group: Group, cells: list[Cell]) -> None:
        finished: set[str] = set()

        def attempt() -> None:
            self._progress.gate("snapshot")
            taken = snapshot.take(self._hands, self._hosts.source, self._spec.source, group)
            ahead = Ahead(group.slices)
            left = [cell for cell in cells if cell.name not in finished]
            with ThreadPoolExecutor(1, thread_name_prefix="measure") as pool:
                measuring = pool.submit(ahead.follow, self._told(group, taken))
                self._all([partial(self._cell, cell, taken, ahead, finished) for cell in left], len(left))
                measuring.result()
            snapshot.release(self._hands, self._hosts.source, self._spec.source, group)

        self._persist(attempt, group.name)

    def _told(self, group: Group, taken: Snapshot) -> Iterator[tuple[Slice, Digests]]:
        """Measure the slices; what all of them are is in the journal before the last is given away, so before a cell is proven."""
        found: list[Digest] = []
        for number, (piece, digests) in enumerate(self._measured(group, taken), 1):
            found += digests.values()
            if number == len(group.slices):
                self._tell(group, total(found))
            yield piece, digests

    def _tell(self, group: Group, whole: Digest) -> None:
        facts = {"group": group.name, "rows": whole.rows, "digest": str(whole.digest)}
        self._hands.diary.append("source", facts)
        if self._works[group.table].asking.is_collapsing:
            told = {"table": group.table, "partition_id": group.partition_id, "rows": whole.collapsed}
            self._hands.diary.append(COLLAPSED, told)

    # Cells

    def _cell(self, cell: Cell, taken: Snapshot, ahead: Ahead, finished: set[str]) -> None:
        wanted = Share(ahead, cell.group.slices, cell.shard.number)
        work = self.work(cell)

        def attempt() -> None:
            if self._progress.is_left_out(cell.name):
                work.finish()
                return
            with self._turns[cell.host]:
                self._progress.cell(cell.name, CellState.COPYING)
                copied = work.copy(taken, wanted)
                whole = wanted.hours()
                for each in self._witnesses(work):
                    each.catch_up()
                    self._remember(each, whole, each.prove(whole, copied.files))
                work.finish()
            facts = {"cell": cell.name, "rows": copied.digest.rows, "digest": str(copied.digest.digest)}
            self._hands.diary.append(PROVEN, facts)

        try:
            self._persist(attempt, cell.name, is_cell=True)
        except UnmeasuredError:
            # Its group says why, and tries again with all cells that are left.
            self._progress.cell(cell.name, CellState.PLANNED)
            return
        self._progress.cell(cell.name, CellState.PROVEN)
        finished.add(cell.name)

    def _remember(self, work: CellWork, hours: Mapping[int, Digest], mark: int | None) -> None:
        if mark is None:
            return
        table, group, shard = work.work.table, work.cell.group, work.cell.shard
        found = {
            (group.partition_id, hour, shard.number): each._replace(collapsed=0)
            for hour, each in hours.items()
        }
        place = Partition(work.host.id, work.database, table.local, table.name, group.partition_id)
        self._remembered.put(place, mark, found)

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
                else:
                    self._progress.stumble(error.line)
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
                self._progress.abort(failed)
                pool.shutdown(wait=True, cancel_futures=True)
                raise failed
