"""One process carrying a plan out: under its lease, with its journal, answering at its socket."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from typing import NamedTuple

from chtui.clock import Clock
from chtui.errors import ChtuiError, MigrateError
from chtui.migrate import ddl, schema
from chtui.migrate.backfill import PROVEN, Backfill
from chtui.migrate.cell import is_worth_again
from chtui.migrate.hands import Diary, Hands, Permit
from chtui.migrate.hosts import Host, each
from chtui.migrate.journal import Journal
from chtui.migrate.layout import Ground
from chtui.migrate.lease import LOST, Heartbeat, Lease
from chtui.migrate.lease_records import myself
from chtui.migrate.progress import Progress
from chtui.migrate.traits import traits_of
from chtui.records import HostId

WAIT_SECONDS = (1.0, 2.0, 5.0, 10.0)
"""The pauses between tries; the last one for all further."""
UNKNOWN = 3
"""The exit code of what nobody knows."""


class Run(NamedTuple):
    """What a process needs to carry a plan out."""

    name: str
    ground: Ground
    diary: Diary
    permit: Permit
    progress: Progress

    def carry_out(self, proven: frozenset[str]) -> None:
        """Make the schema and copy every row of v1 there is; may be called again after any end.

        `proven` are the cells earlier processes have done.

        Raises:
            MigrateError: it was told to end, an object of v2 is another, rows differ again and again, or journal or lease
                do not allow more.
        """
        hands = Hands(self.name, self.diary, self.permit)
        self._settle(hands)
        self._make_schema(hands)
        Backfill(self.ground, hands, self.progress).run(proven)
        self.progress.stage("done")

    def _settle(self, hands: Hands) -> None:
        """End what earlier processes left on any host: after that nothing of theirs can have an effect any more."""
        self.progress.stage("settle")
        left: Sequence[Host] = self.ground.hosts.everyone
        for pause in chain(WAIT_SECONDS, repeat(WAIT_SECONDS[-1])):
            wrong = {
                host: error
                for host, error in each(left, partial(self._sweep, hands)).items()
                if isinstance(error, ChtuiError)
            }
            for error in wrong.values():
                if not is_worth_again(error):
                    raise error
                self.progress.trouble(error.line)
            left = [host for host in left if host.id in wrong]
            if not left:
                return
            self.progress.wait(pause)

    def _sweep(self, hands: Hands, host: Host) -> None:
        spec, hosts = self.ground.spec, self.ground.hosts
        if host in hosts.targets:
            hands.sweep(host, spec.target.database)
        if host is hosts.source:
            hands.sweep(host, spec.source.database)

    def _make_schema(self, hands: Hands) -> None:
        self.progress.stage("schema")

        def before(host: HostId, item: ddl.SchemaObject) -> None:
            hands.permit.check()
            hands.diary.append("schema", {"host": str(host), "statement": item.text})

        targets = self.ground.hosts.targets
        schema.ensure(targets, ddl.objects(self.ground.spec, traits=traits_of(targets)), before)


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
        proven = frozenset(str(event.facts["cell"]) for event in journal.events() if event.kind == PROVEN)
        Run(name, ground, diary, lease, Progress(name)).carry_out(proven)
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
