"""One process carrying a plan out: under its lease, with its journal, answering at its socket."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from itertools import chain, repeat
from pathlib import Path
from typing import Any

from chtui.clock import Clock
from chtui.errors import MigrateError
from chtui.migrate import changeable, status
from chtui.migrate.answers import Answers
from chtui.migrate.control import Control
from chtui.migrate.facts import Facts
from chtui.migrate.hands import Diary, Hands
from chtui.migrate.journal import Journal
from chtui.migrate.layout import Ground
from chtui.migrate.lease import LOST, Heartbeat, Lease
from chtui.migrate.lease_records import Taken, myself
from chtui.migrate.ledger import Ledger
from chtui.migrate.progress import Progress
from chtui.migrate.remembered import Remembered
from chtui.migrate.run import Run
from chtui.migrate.stand import Stand
from chtui.migrate.stopper import Stopper
from chtui.migrate.throttle import Throttle

WAIT_SECONDS = (1.0, 2.0, 5.0, 10.0)
"""The pauses between tries to have the lease; the last one for all further."""
UNKNOWN = 3
"""The exit code of what nobody knows."""
OVER = "the run ended"

Take = Callable[[Lease], Taken]


class Process:
    """One process carrying a plan out. Made once, used once; any thread may ask it or tell it to end."""

    def __init__(
        self,
        name: str,
        plan_hash: str,
        ground: Ground,
        clock: Clock,
        *,
        directory: Path | None = None,
        wrapped: Callable[[Journal], Diary] = lambda journal: journal,
        take: Take | None = None,
    ) -> None:
        """Name the run and its plan; nothing is done yet.

        `directory` is the run's folder unless given; its socket is there too then. `wrapped` is what stands between the
        run and its journal; `take` is how the lease is taken the first time, where not as one that is free.
        """
        self.progress = Progress(name, ground.spec.limits)
        self._name, self._plan_hash, self._ground, self._clock = name, plan_hash, ground, clock
        self._directory, self._wrapped, self._take = directory, wrapped, take
        self._ledger: Ledger | None = None
        self._lease: Lease | None = None
        self._notes: list[str] = []
        self._throttle: Throttle | None = None
        self._beat: Heartbeat | None = None

    def carry_out(self) -> Facts:
        """Carry the plan out and return what has come about; the journal and the lease are taken here and let go of at the end.

        A lease that ran out because its host was away is taken again, if nobody else has it.

        Raises:
            MigrateError: as of `Run.carry_out`, or the journal or the lease cannot be had; exit code 5 where it was told to end.
        """
        with self._journal() as journal:
            ledger = Ledger(self._wrapped(journal), journal.events(), self._clock)
            self._ledger = ledger
            self._notes += [journal.notice] * bool(journal.notice)
            known, layout = ledger.facts(), self._ground.layout
            self.progress.plan(layout.shares())
            for cell in known.skipped:
                self.progress.leave_out(cell)
            for cell in status.proven(layout, known):
                self.progress.skip(cell)
            self.progress.limit(changeable.read({key: str(value) for key, value in ledger.limits().items()}))
            answers = Answers(self._ground, self.progress, ledger, self.status)
            with Control(self._name, answers.handle, directory=self._directory):
                try:
                    self._insist(journal, ledger, answers)
                finally:
                    self.progress.close(OVER)
            return ledger.facts()

    def end(self, why: str) -> None:
        """Let it end at its next step, and stop what moves rows; `carry_out` raises then."""
        self.progress.end(why)

    def status(self) -> dict[str, Any]:
        """Return how far it is, as JSON holds it."""
        ledger = self._ledger
        notes = list(self._notes)
        if self._throttle is not None:
            notes += self._throttle.notes
        if self._beat is not None and self._beat.trouble is not None:
            notes.append(f"no sign of life was given last time: {self._beat.trouble.line}")
        return status.to_document(
            self.progress.status(),
            ledger.facts() if ledger else Facts(),
            self.progress.limits,
            self._clock,
            plan_hash=self._plan_hash,
            generation=self._lease.generation if self._lease else 0,
            notes=notes,
        )

    def _insist(self, journal: Journal, ledger: Ledger, answers: Answers) -> None:
        """Take the lease and carry the plan out under it; again where its host was away."""
        source, database = self._ground.hosts.source, self._ground.spec.source.database
        lease = self._lease = Lease(source, database, self._name, myself(journal.path), self._clock)

        def acquire(lease: Lease) -> Taken:
            return lease.acquire(journal_seq=journal.seq)

        take = self._take or acquire
        for pause in chain(WAIT_SECONDS, repeat(WAIT_SECONDS[-1])):
            try:
                taken = take(lease)
            except MigrateError as error:
                if error.exit_code != UNKNOWN:
                    raise
                trouble = error
            else:
                # With this journal it is this run's own from now on.
                take = acquire
                facts = {"generation": taken.generation, "host": str(source.id), "database": database}
                ledger.append("lease", facts)
                try:
                    self._under_lease(journal, ledger, lease, answers)
                    return
                except MigrateError as error:
                    # The lease's host is away, or was for too long. Whether another has it now, taking it anew tells.
                    if error.exit_code not in (UNKNOWN, LOST):
                        raise
                    trouble = error
            ledger.append("failed", {"work": "lease", "error": trouble.line})
            self.progress.trouble(trouble.line)
            self.progress.begin()
            self.progress.sleep(pause)

    def _under_lease(self, journal: Journal, ledger: Ledger, lease: Lease, answers: Answers) -> None:
        hosts, hands = self._ground.hosts, Hands(self._name, ledger, lease)
        self._beat = Heartbeat(lease, lambda: journal.seq)
        self._throttle = Throttle(self._ground.spec, hosts, self.progress)
        stopper = Stopper(hosts.everyone, hands.prefix, self.progress)
        with ExitStack() as stack:
            for each in (self._beat, stopper, self._throttle):
                each.start()
                stack.callback(each.stop)
            answers.begin(hands, stopper)
            stack.callback(answers.end)
            try:
                folder = journal.path.parent
                stand = Stand(
                    self._ground,
                    hands,
                    self.progress,
                    ledger.facts,
                    folder,
                    self._plan_hash,
                    Remembered(),
                )
                Run(stand).carry_out()
            except MigrateError as error:
                # Of threads that ended together the first tells why.
                first = self.progress.failure
                cause = first if isinstance(first, MigrateError) and not self.progress.ended else error
                if cause.exit_code not in (UNKNOWN, LOST):
                    self._release(lease, journal, ledger)
                raise cause from None
            self._release(lease, journal, ledger)

    def _release(self, lease: Lease, journal: Journal, ledger: Ledger) -> None:
        """Let go of the lease; one that is not let go of runs out, and this journal takes it again before that."""
        try:
            lease.release(journal.seq)
        except MigrateError as error:
            ledger.append("failed", {"work": "lease", "error": error.line})

    def _journal(self) -> Journal:
        try:
            return Journal.create(self._name, self._plan_hash, self._clock, directory=self._directory)
        except MigrateError as error:
            if not isinstance(error.__cause__, FileExistsError):
                raise
        return Journal.open(self._name, self._plan_hash, self._clock, directory=self._directory)


def open_and_carry_out(
    name: str,
    plan_hash: str,
    ground: Ground,
    clock: Clock,
    *,
    directory: Path | None = None,
    wrapped: Callable[[Journal], Diary] = lambda journal: journal,
) -> Mapping[str, Any]:
    """Carry a plan out in this process and return the status at its end.

    Raises:
        MigrateError: as of `Process.carry_out`.
    """
    process = Process(name, plan_hash, ground, clock, directory=directory, wrapped=wrapped)
    process.carry_out()
    return process.status()
