"""One process carrying a plan out: under its lease, with its journal, answering at its socket."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import chain, repeat
from pathlib import Path

from chtui.clock import Clock
from chtui.errors import ChtuiError, MigrateError
from chtui.migrate import ddl, facts, schema
from chtui.migrate.backfill import Backfill
from chtui.migrate.cell import is_worth_again
from chtui.migrate.hands import Diary, Hands
from chtui.migrate.hosts import Host, each
from chtui.migrate.journal import Journal
from chtui.migrate.layout import Ground
from chtui.migrate.lease import LOST, Heartbeat, Lease
from chtui.migrate.lease_records import myself
from chtui.migrate.progress import Progress
from chtui.migrate.stand import Stand
from chtui.migrate.traits import traits_of

WAIT_SECONDS = (1.0, 2.0, 5.0, 10.0)
"""The pauses between tries; the last one for all further."""
UNKNOWN = 3
"""The exit code of what nobody knows."""


class Run:
    """One process carrying a plan out."""

    def __init__(self, stand: Stand) -> None:
        self._stand = stand
        self._ground, self._hands, self._progress = stand.ground, stand.hands, stand.progress

    def carry_out(self) -> None:
        """Make the schema and copy every row of v1 there is; may be called again after any end.

        Raises:
            MigrateError: it was told to end, an object of v2 is another, rows differ again and again, or journal or lease
                do not allow more.
        """
        self._settle()
        self._make_schema()
        Backfill(self._ground, self._hands, self._progress).run(self._stand.facts().proven)
        self._progress.stage("done")

    def _settle(self) -> None:
        """End what earlier processes left on any host: after that nothing of theirs can have an effect any more."""
        self._progress.stage("settle")
        left: Sequence[Host] = self._ground.hosts.everyone
        for pause in chain(WAIT_SECONDS, repeat(WAIT_SECONDS[-1])):
            wrong = {
                host: error
                for host, error in each(left, self._sweep).items()
                if isinstance(error, ChtuiError)
            }
            for error in wrong.values():
                if not is_worth_again(error):
                    raise error
                self._progress.trouble(error.line)
            left = [host for host in left if host.id in wrong]
            if not left:
                return
            self._progress.wait(pause)

    def _sweep(self, host: Host) -> None:
        spec, hosts = self._ground.spec, self._ground.hosts
        if host in hosts.targets:
            self._hands.sweep(host, spec.target.database)
        if host is hosts.source:
            self._hands.sweep(host, spec.source.database)

    def _make_schema(self) -> None:
        self._progress.stage("schema")
        schema.ensure(
            self._ground.hosts.targets,
            ddl.objects(self._ground.spec, traits=traits_of(self._ground.hosts.targets)),
            self._hands.before,
        )


def open_and_carry_out(
    name: str,
    plan_hash: str,
    ground: Ground,
    clock: Clock,
    *,
    directory: Path | None = None,
    wrapped: Callable[[Journal], Diary] = lambda journal: journal,
) -> None:
    """Carry a plan out as the process that holds its journal and its lease, both taken here and let go of at the end.

    A lease that ran out because its host was away is taken again, if nobody else has it. `wrapped` is what stands
    between the run and its journal; `directory` is the run's folder unless given.

    Raises:
        MigrateError: as of `Run.carry_out`, or the journal or the lease cannot be had.
    """
    with _journal(name, plan_hash, clock, directory) as journal:
        diary = wrapped(journal)
        lease = Lease(ground.hosts.source, ground.spec.source.database, name, myself(journal.path), clock)
        for pause in chain(WAIT_SECONDS, repeat(WAIT_SECONDS[-1])):
            try:
                taken = lease.acquire()
            except MigrateError as error:
                if error.exit_code != UNKNOWN:
                    raise
                trouble = error
            else:
                diary.append("lease", {"generation": taken.generation, "host": str(ground.hosts.source.id)})
                try:
                    _under_lease(name, ground, journal, diary, lease)
                    return
                except MigrateError as error:
                    # The lease's host is away, or was for too long. Whether another has it now, taking it anew tells.
                    if error.exit_code not in (UNKNOWN, LOST):
                        raise
                    trouble = error
            diary.append("failed", {"work": "lease", "error": trouble.line})
            time.sleep(pause)


def _under_lease(name: str, ground: Ground, journal: Journal, diary: Diary, lease: Lease) -> None:
    beat = Heartbeat(lease, lambda: journal.seq)
    beat.start()
    try:
        hands = Hands(name, diary, lease)
        Run(Stand(ground, hands, Progress(name), lambda: facts.of(journal.events()))).carry_out()
        lease.release(journal.seq)
    finally:
        beat.stop()


def _journal(name: str, plan_hash: str, clock: Clock, directory: Path | None) -> Journal:
    try:
        return Journal.create(name, plan_hash, clock, directory=directory)
    except MigrateError as error:
        if not isinstance(error.__cause__, FileExistsError):
            raise
    return Journal.open(name, plan_hash, clock, directory=directory)
