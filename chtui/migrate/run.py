"""What a run does under its lease, from its first step to its last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, repeat

from chtui.errors import ChtuiError, MigrateError, QueryError
from chtui.migrate import ddl, hooks, schema, sealed_report
from chtui.migrate.backfill import Backfill
from chtui.migrate.cell import is_worth_again
from chtui.migrate.hosts import Host, each
from chtui.migrate.layout import Group
from chtui.migrate.live import dual, sealing, watermark
from chtui.migrate.live.adopt import adopt
from chtui.migrate.live.rebuild import RESUME, can_pause, rebuild
from chtui.migrate.live.rounds import Rounds
from chtui.migrate.live.tending import Tending
from chtui.migrate.live.words import Words
from chtui.migrate.stand import Stand
from chtui.migrate.traits import traits_of
from chtui.migrate.verification import Verification

WAIT_SECONDS = (1.0, 2.0, 5.0, 10.0)
"""The pauses between tries; the last one for all further."""
SEALS = 5
"""So many seals in a row that find rows different end the run: a person must look."""
EXTRA = "extra rows"
STORED = (ddl.Kind.LOCAL, ddl.Kind.AGGREGATE)


class Run:
    """A plan carried out under one lease."""

    def __init__(self, stand: Stand) -> None:
        self._stand = stand
        self._ground, self._hands, self._progress = stand.ground, stand.hands, stand.progress
        self._words = Words(stand)
        self._seen: Verification | None = None
        """What was compared for the seal, where that was all there is: the report need not do it again."""

    def carry_out(self) -> None:
        """Bring v1's rows to v2, all of them once, and seal that; with dual writing stay until it is over.

        May be called again after any end.

        Raises:
            MigrateError: it was told to end, an object of v2 is another, rows differ again and again, or journal or lease
                do not allow more.
        """
        self._settle()
        if self._stand.facts().writers_paused:
            hooks.run(self._stand, RESUME, self._words.confirmed)
        is_live = dual.is_wanted(self._stand)
        self._insist(lambda: adopt(self._stand, self._words))
        self._insist(self._make_schema)
        if not self._is_sealed():
            if is_live:
                self._progress.stage("dual-write")
                dual.switch_on(self._stand, self._words)
                self._insist(lambda: watermark.place(self._stand))
            self._backfill()
            self._demand_nothing_skipped()
            self._seal()
            # What tries that failed have left.
            self._settle()
        if is_live:
            Tending(self._stand, self._words).run()
        else:
            self._insist(lambda: sealed_report.ensure(self._stand, self._seen))
        self._progress.stage("done")

    def _is_sealed(self) -> bool:
        return all(table.name in self._stand.facts().sealed for table in self._ground.spec.tables)

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

    def _insist(self, work: Callable[[], None]) -> None:
        """Do what may be done again, until no host is away; what a host refuses, or holds otherwise, ends the run."""
        for pause in chain(WAIT_SECONDS, repeat(WAIT_SECONDS[-1])):
            try:
                work()
                return
            except ChtuiError as error:
                is_said = isinstance(error, QueryError) and error.code
                if is_said or not is_worth_again(error) or error.exit_code == 1:
                    raise
                self._progress.trouble(error.line)
            self._progress.wait(pause)

    def _sweep(self, host: Host) -> None:
        spec, hosts = self._ground.spec, self._ground.hosts
        if host in hosts.targets:
            self._hands.sweep(host, spec.target.database)
        if host is hosts.source:
            self._hands.sweep(host, spec.source.database)

    def _make_schema(self) -> None:
        self._progress.stage("schema")
        facts, targets = self._stand.facts(), self._ground.hosts.targets
        wanted = ddl.objects(
            self._ground.spec,
            facts.watermarks,
            facts.sealed.keys(),
            expiring=facts.expiring,
            traits=traits_of(targets),
        )
        passing = (ddl.Kind.INGEST, ddl.Kind.LIVE)
        half = facts.aging - facts.expiring
        half |= {each.name for each in self._ground.spec.aggregates if each.base in half}
        # Of tables whose rows begin to expire the expiry itself sees to every host.
        wanted = [item for item in wanted if not (item.kind in STORED and item.of in half)]
        # What rows passed through before the seal may have been cleaned up, and which way a name leads is the seal's to say.
        wanted = [
            item
            for item in wanted
            if not (item.kind in passing and item.of in facts.sealed)
            and not (item.kind is ddl.Kind.DISTRIBUTED and item.of in facts.sealing - facts.sealed.keys())
        ]
        schema.ensure(targets, wanted, self._hands.before)

    def _backfill(self) -> None:
        """Copy every partition into which no live row can come."""
        facts, source = self._stand.facts(), self._ground.hosts.source
        partitions: dict[str, str] = {}

        def look() -> None:
            for table in self._ground.spec.tables:
                if table.name in facts.watermarks:
                    at_ns = facts.watermarks[table.name]
                    partitions[table.name] = watermark.partition_at(source, table, at_ns)

        self._insist(look)

        def is_closed(group: Group) -> bool:
            return watermark.is_closed(
                group, facts.watermarks.get(group.table), partitions.get(group.table, "")
            )

        backfill = Backfill(self._ground, self._hands, self._progress, self._stand.remembered)
        backfill.run(facts.proven, wanted=is_closed)

    def _demand_nothing_skipped(self) -> None:
        """Refuse to seal what is known to lack rows."""
        facts = self._stand.facts()
        if left := sorted(facts.skipped - facts.proven):
            raise MigrateError(
                f"everything else is copied; skipped, and so not in v2: {', '.join(left)}",
                where=self._hands.run,
                fix="nothing is sealed while they lack: chtui migrate takeover --rebuild copies all anew",
                exit_code=1,
            )

    def _seal(self) -> None:
        """Go round after round until all is equal, and seal it."""
        failures = 0
        while not self._is_sealed():
            self._progress.stage("catch-up")
            rounds = Rounds(self._stand, self._words)
            settled = rounds.settle()
            if extra := rounds.extra:
                self._take_away(rounds)
                if not can_pause(self._stand):
                    self._progress.name_differences(place.name for place in extra)
                    names = ", ".join(f"{place.name} ({rows} rows)" for place, rows in extra.items())
                    reason = f"v2 has rows that v1 has not: {names}; accept them by name, or give the spec a hook that pauses writers"
                    self._progress.hold(EXTRA, reason, steps=("the seal",))
                    self._words.listen(WAIT_SECONDS[-1])
                continue
            self._progress.hold(EXTRA, "")
            self._progress.stage("sealing")
            try:
                sealing.seal(self._stand, settled, self._words, seen=rounds.seen)
                self._seen = rounds.seen
            except ChtuiError as error:
                # What was stopped by a pause did not fail.
                failures += self._progress.stopped_seconds is None
                if not is_worth_again(error) or failures >= SEALS:
                    raise
                self._hands.diary.append("failed", {"work": "seal", "error": error.line})
                self._progress.trouble(error.line)
                self._progress.wait(WAIT_SECONDS[min(failures, len(WAIT_SECONDS) - 1)])

    def _take_away(self, rounds: Rounds) -> None:
        """Make anew what holds rows that v1 has not, where writers can be paused for it."""
        if not can_pause(self._stand):
            return
        tables = {table.name: table for table in self._ground.spec.tables}
        for place in rounds.extra:
            self._progress.gate("rebuild")
            rebuild(self._stand, tables[place.table], place, self._words)
