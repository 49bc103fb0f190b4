"""The lease of a run: who may act, kept on one named server, by that server's clock alone.

Generation n is the table `chtui_lease_RUN_n`. Why one operator acts at a time:

- A generation is taken by CREATE TABLE, never IF NOT EXISTS: the server lets one of all who try, and who it was is part of
  the same statement. The highest generation counts; there is no other state to get out of step with it.
- Signs of life are rows in the holder's own table, so whoever was overtaken writes where nobody looks any more. A row says
  until when: the server's `now()` and the time to live. A table without rows counts from its creation.
- A lease that has run out stays so: a sign of life is written only where the server finds it has not. What somebody read
  before taking over is therefore still true when they do.
- `check` asks for both at once, highest generation and expiry, before every effect. It never takes silence for an answer,
  and counts the time an answer was on its way against the lease.

A holder that is stopped between its check and its effect is not stopped by any lease. Therefore attempts carry the
generation in their names, and whoever takes over first drops all staging of the generations `Taken.lower` names.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from chtui.clock import Clock, rfc3339
from chtui.errors import ChtuiError, ConnectError, DeadlineError, MigrateError, QueryError
from chtui.fleet.literal import Value, quote_string
from chtui.migrate.hosts import Host
from chtui.migrate.journal import checked_run
from chtui.migrate.lease_records import FORMAT, VERSION, Journalist, LeaseStatus, State, Taken, words
from chtui.migrate.waiting import PASSING, awake, insisting, within
from chtui.text import one_line

T = TypeVar("T")
TTL_SECONDS = 60
"""How long a lease lasts after a sign of life."""
BEATS = 4
"""How many signs of life are given in that time: three may fail."""
CHECK_SECONDS = 5.0
TAKE_SECONDS = 30.0
CLOCK_STEP_SECONDS = 1
LOST = 4
"""The exit code of a lease that another has, or that ran out."""
NO_TABLE = 60
"""UNKNOWN_TABLE. Source: ErrorCodes.cpp."""
FOREIGN = (47, 57)
"""UNKNOWN_IDENTIFIER, TABLE_ALREADY_EXISTS: what a table gives that is not as chtui makes it. Source: ErrorCodes.cpp."""


class Lease:
    """The lease of one run on one host, as one process sees it; any thread may ask."""

    def __init__(
        self,
        host: Host,
        database: str,
        run: str,
        me: Journalist,
        clock: Clock,
        *,
        ttl_seconds: int = TTL_SECONDS,
    ) -> None:
        """Name the lease; nothing is asked yet. The database must exist on the host."""
        self.run = checked_run(run)
        self.generation = 0
        """The one this process took last; 0 before it took any."""
        self.ttl_seconds = ttl_seconds
        self.me = me
        self._host, self._database, self._clock = host, database, clock
        self._pattern = f"^chtui_lease_{run}_[0-9]{{1,9}}$"
        self._has_comments: bool | None = None

    def status(self, seconds: float = TAKE_SECONDS) -> LeaseStatus | None:
        """Return who holds the lease, or held it last; None where nobody ever did.

        Raises:
            MigrateError: the host does not tell; exit code 3.
        """
        return self._asked(seconds, self._status)

    def acquire(self, seconds: float = TAKE_SECONDS, *, journal_seq: int | None = None) -> Taken:
        """Take the lease where it was never taken, was let go of, or was held with the journal this process holds.

        The last is no takeover: who held it with the same journal on the same machine is dead, for a journal has one holder.
        With `journal_seq`, the last event of this process's journal, it is not taken where its last holder had more events:
        the run went on with another journal, or this one lost some.

        Raises:
            MigrateError: another has it or had it last, exit code 4; nobody knows whether it was taken, exit code 3.
        """
        before = self.status(seconds)
        if before is not None and not before.is_released and not self._is_mine(before):
            if before.expires_in_seconds > 0:
                raise self._held(before)
            raise self._refused(
                f"{before.holder} held the lease and gave no sign of life for "
                f"{before.ttl_seconds - before.expires_in_seconds} s",
                "go on with chtui migrate takeover",
            )
        if journal_seq is not None:
            self.demand_newest(before, journal_seq)
        return self._take(before, seconds)

    def takeover(self, *, forced: bool = False, seconds: float = TAKE_SECONDS) -> Taken:
        """Take the lease from whoever had it; `before` shows who. By force even where it has not run out.

        Raises:
            MigrateError: it has not run out, or another was faster, exit code 4; nobody knows whether it was taken, 3.
        """
        before = self.status(seconds)
        self.demand_takeable(before, forced=forced)
        return self._take(before, seconds)

    def demand_takeable(self, before: LeaseStatus | None, *, forced: bool = False) -> None:
        """Make sure that this process may take the lease from whoever has it, as `status` says.

        Raises:
            MigrateError: it has not run out, exit code 4.
        """
        if before is not None and not (forced or before.is_free or self._is_mine(before)):
            raise self._held(before)

    def demand_newest(self, before: LeaseStatus | None, journal_seq: int) -> None:
        """Make sure that a journal which ends with this event is no older than that of whoever had the lease last.

        Raises:
            MigrateError: it is, exit code 4.
        """
        if before is not None and journal_seq < before.journal_seq:
            raise self._refused(
                f"run {self.run} went on with another journal: {before.holder} had {before.journal_seq} events, here are {journal_seq}",
                f"copy the folder of {before.journal} here, or go on with chtui migrate takeover --rebuild",
            )

    def renew(self, journal_seq: int = 0, seconds: float = CHECK_SECONDS) -> State:
        """Give a sign of life, with the journal's last event, and return how the lease stands after it.

        Raises:
            MigrateError: as of `check`.
        """
        deadline = time.monotonic() + seconds
        self._beat(journal_seq, seconds)
        return self.check(max(0.1, deadline - time.monotonic()))

    def check(self, seconds: float = CHECK_SECONDS) -> State:
        """Return how the lease stands, asked anew, where this process has it; within so many seconds.

        Raises:
            MigrateError: this process has it no more, exit code 4; nobody knows, exit code 3.
        """
        if not self.generation:
            raise self._refused("this process took no lease", "take it first")
        asked = awake()
        try:
            state = self._asked(seconds, lambda left: self._state(self.generation, self.ttl_seconds, left))
        except MigrateError as error:
            if isinstance(error.__cause__, QueryError) and error.__cause__.code == NO_TABLE:
                raise self._refused("somebody dropped the lease", "see who, and start again") from error
            raise
        if state.highest > self.generation:
            what = (
                f"the lease was taken over by generation {state.highest}, this process has {self.generation}"
            )
            raise self._refused(what, "see chtui migrate status for who has it; nothing more is done here")
        if state.is_released:
            raise self._refused("the lease was let go of", "start again")
        # A process that was stopped may find an old answer when it goes on. The server counts whole seconds.
        left = state.expires_seconds - CLOCK_STEP_SECONDS - (awake() - asked)
        if left <= 0:
            raise self._refused(f"the lease ran out {abs(left):.0f} s ago", "start again")
        return state

    def release(self, journal_seq: int = 0, seconds: float = CHECK_SECONDS) -> None:
        """Let go of it: the next operator takes it without asking. Where this process has none, nothing is done.

        Raises:
            MigrateError: the host does not tell whether it heard, exit code 3.
        """
        if self.generation:
            self._beat(journal_seq, seconds, is_released=True)

    def clear(self, seconds: float = TAKE_SECONDS) -> None:
        """Drop all generations, the highest last: for a run that is over, by whoever has the lease.

        Raises:
            MigrateError: as of `check`; or the host did not drop one.
        """
        self.check(seconds)
        last = self.status(seconds)
        for generation in sorted((*(last.lower if last else ()), self.generation)):
            self._run("lease_drop", {"lease": self._lease(generation)}, seconds)
        self.generation = 0

    def _is_mine(self, status: LeaseStatus) -> bool:
        return (status.machine, status.journal) == (self.me.machine, self.me.journal)

    def _take(self, before: LeaseStatus | None, seconds: float) -> Taken:
        generation = before.generation + 1 if before else 1
        token = secrets.token_hex(8)
        trouble: ChtuiError | None = None
        try:
            self._asked(seconds, lambda left: self._create(generation, token, left), again=False)
        except MigrateError as error:
            trouble = error
        if trouble is not None and not self._became(generation, token, trouble, seconds):
            raise trouble
        self.generation = generation
        self._beat(0, seconds)
        lower = (*before.lower, before.generation) if before else ()
        return Taken(generation, lower, before)

    def _became(self, generation: int, token: str, trouble: ChtuiError, seconds: float) -> bool:
        """Whether a creation that ended in an error made the table all the same.

        Raises:
            MigrateError: another one made it.
        """
        now = self.status(seconds)
        if now is None or now.generation < generation:
            return False
        if now.token == token:
            return True
        raise self._refused(
            f"{now.holder} was faster and holds the lease", "see chtui migrate status"
        ) from trouble

    def _create(self, generation: int, token: str, seconds: float) -> None:
        told = {
            "format": FORMAT,
            "version": VERSION,
            "run": self.run,
            "generation": generation,
            "token": token,
            **self.me._asdict(),
            "taken_at": rfc3339(self._clock.now()),
            "ttl_seconds": self.ttl_seconds,
        }
        name = "lease_create" if self._comments(seconds) else "lease_create_old"
        params: dict[str, Value] = {
            "lease": self._lease(generation),
            "comment": quote_string(json.dumps(told, ensure_ascii=True)),
        }
        self._host.run(name, params, seconds=seconds)

    def _beat(self, journal_seq: int, seconds: float, *, is_released: bool = False) -> None:
        params: dict[str, Value] = {
            "lease": self._lease(self.generation),
            "database": self._database,
            "table": self._lease(self.generation)[1],
            "ttl_seconds": self.ttl_seconds,
            "is_released": int(is_released),
            "journal_seq": journal_seq,
        }
        # Given twice it says the same.
        self._run("lease_beat", params, seconds)

    def _status(self, seconds: float) -> LeaseStatus | None:
        name = "lease_tables" if self._comments(seconds) else "lease_tables_old"
        params: dict[str, Value] = {"database": self._database, "pattern": self._pattern}
        rows = self._host.rows(name, params, seconds=seconds)
        found = {int(str(table).rpartition("_")[2]): str(comment) for table, comment in rows}
        if not found:
            return None
        generation = max(found)
        said = words(found[generation])
        ttl_seconds = said.get("ttl_seconds")
        if not isinstance(ttl_seconds, int) or not 0 < ttl_seconds <= 86_400:
            ttl_seconds = self.ttl_seconds
        state = self._state(generation, ttl_seconds, seconds)

        def told(key: str, absent: str = "") -> str:
            return one_line(said.get(key) or absent, 300)

        return LeaseStatus(
            run=self.run,
            generation=generation,
            holder=told("holder", "somebody unknown"),
            machine=told("machine"),
            journal=told("journal"),
            token=told("token"),
            taken_at=told("taken_at"),
            age_seconds=state.age_seconds,
            expires_in_seconds=state.expires_seconds,
            ttl_seconds=ttl_seconds,
            is_released=state.is_released,
            journal_seq=state.journal_seq,
            lower=tuple(sorted(set(found) - {generation})),
        )

    def _state(self, generation: int, ttl_seconds: int, seconds: float) -> State:
        lease = self._lease(generation)
        params: dict[str, Value] = {
            "lease": lease,
            "database": lease[0],
            "table": lease[1],
            "pattern": self._pattern,
            "ttl_seconds": ttl_seconds,
        }
        ((highest, age, expires, released, seq),) = self._host.rows("lease_state", params, seconds=seconds)
        return State(int(highest), int(age), int(expires), bool(released), int(seq))

    def _comments(self, seconds: float) -> bool:
        if self._has_comments is None:
            ((found,),) = self._host.rows("lease_comments", {}, seconds=seconds)
            self._has_comments = bool(found)
        return self._has_comments

    def _lease(self, generation: int) -> tuple[str, str]:
        return self._database, f"chtui_lease_{self.run}_{generation}"

    def _run(self, name: str, params: dict[str, Value], seconds: float) -> None:
        self._asked(seconds, lambda left: self._host.run(name, params, seconds=left))

    def _asked(self, seconds: float, work: Callable[[float], T], *, again: bool = True) -> T:
        """Return what `work` gives within so many seconds; where the connection breaks it is done again."""
        where = str(self._host.id)
        unknown = "check that the host is up: without its answer nobody knows who holds the lease, and nothing is done"
        try:
            return within(seconds, (lambda: insisting(seconds, work)) if again else (lambda: work(seconds)))
        except QueryError as error:
            if error.code in FOREIGN:
                what = f"a table of a lease's name is no lease: chtui_lease_{self.run}_*"
                fix = "drop it, or call the run something else"
                raise MigrateError(what, where=where, fix=fix, exit_code=1) from error
            code = 1 if error.code else 3
            raise MigrateError(
                error.what, where=where, fix=error.fix or "see the server's log", exit_code=code
            ) from error
        except (ConnectError, DeadlineError) as error:
            fix = error.fix if isinstance(error, ConnectError) and error.kind not in PASSING else unknown
            raise MigrateError(error.what, where=where, fix=fix, exit_code=3) from error

    def _held(self, by: LeaseStatus) -> MigrateError:
        return self._refused(
            f"{by.holder} holds the lease of run {self.run}, generation {by.generation}, for {by.expires_in_seconds} s more",
            "let it finish, or stop it and wait; chtui migrate takeover --force does not wait",
        )

    def _refused(self, what: str, fix: str) -> MigrateError:
        return MigrateError(what, where=str(self._host.id), fix=fix, exit_code=LOST)


class Heartbeat:
    """Gives signs of life in a thread of its own, until it is stopped or the lease is lost."""

    def __init__(self, lease: Lease, journal_seq: Callable[[], int]) -> None:
        """Name the lease, which must have been taken, and what tells the journal's last event."""
        self.trouble: MigrateError | None = None
        """Why the last sign of life did not arrive, None if it did; with exit code 4 it was the last."""
        self._lease, self._journal_seq = lease, journal_seq
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lease", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; the lease is not let go of."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        pause = self._lease.ttl_seconds / BEATS
        while not self._stopped.wait(pause):
            try:
                self._lease.renew(self._journal_seq(), min(CHECK_SECONDS, pause))
                self.trouble = None
            except MigrateError as error:
                self.trouble = error
                if error.exit_code == LOST:
                    return
