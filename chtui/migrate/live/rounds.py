"""Round after round until v2 has what v1 has: what differs is repaired, and twice equal, one lateness apart, is settled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from chtui.clock import rfc3339
from chtui.errors import ChtuiError, MigrateError
from chtui.migrate import sealed_report
from chtui.migrate.cell import is_worth_again
from chtui.migrate.layout import HOUR_SECONDS
from chtui.migrate.live.comparing import Place, differing
from chtui.migrate.live.repair import Repair, Repaired
from chtui.migrate.live.watermark import NANOSECONDS, clock_seconds
from chtui.migrate.live.words import Words
from chtui.migrate.progress import CellState
from chtui.migrate.spec import TableSpec
from chtui.migrate.stand import Stand
from chtui.migrate.verification import Compared, Verdict, Verification

PAUSE_SECONDS = (1.0, 2.0, 5.0, 10.0, 30.0)
"""The pauses after rounds that failed; the last one for all further."""
LEAST_SECONDS, MOST_SECONDS = 0.5, 60.0
"""The pause between rounds, by how late rows may come."""
FRUITLESS = 5
"""So many rounds that mend nothing though rows are missing: something takes them away, and a person must look."""
EXTRA_ROUNDS = 2
"""Rows v1 has not are taken for such when they were seen in so many rounds: a row may reach v2 first."""
WATCHED_SECONDS = 6 * HOUR_SECONDS
"""How far back a sealed table is looked at: older rows were proven, and expire one day."""
CATCH_UP = "catch-up"


class Rounds:
    """The rounds of one process; what they have found is not remembered by the next."""

    def __init__(self, stand: Stand, words: Words) -> None:
        self._stand = stand
        self._words = words
        self._spec = stand.ground.spec
        self._equal_at: dict[str, tuple[float, int | None]] = {}
        """When a table was first seen to be equal, and up to which event time."""
        self._settled: dict[str, int] = {}
        self._seen: dict[Place, int] = {}
        self._rows: dict[Place, int] = {}
        self._fruitless = 0
        self._has_looked = False
        self.seen: Verification | None = None
        """Of a v1 that is still: the one look that found all equal, which serves as the seal's too."""

    @property
    def extra(self) -> dict[Place, int]:
        """Rows of v2 that v1 has not, by place: seen often enough, and accepted by nobody."""
        accepted = self._stand.facts().accepted
        return {
            place: self._rows[place]
            for place, times in self._seen.items()
            if times >= EXTRA_ROUNDS and place.name not in accepted
        }

    def settle(self) -> dict[str, int]:
        """Go on until every table was equal twice; return up to when each was, in seconds since 1970, 0 for all its rows.

        Returns early, with fewer tables, where only extra rows are in the way: see `extra`.

        Raises:
            MigrateError: rows are missing again and again, or the run was told to end.
        """
        failures = 0
        while left := [table for table in self._spec.tables if table.name not in self._settled]:
            self._stand.progress.gate(CATCH_UP)
            pause = min(MOST_SECONDS, max(LEAST_SECONDS, self._spec.retention.lateness_seconds / 4))
            try:
                if self._see_all():
                    break
                for table in left:
                    self.round(table)
                failures = 0
            except ChtuiError as error:
                if not is_worth_again(error):
                    raise
                self._stand.hands.diary.append("failed", {"work": CATCH_UP, "error": error.line})
                self._stand.progress.trouble(error.line)
                pause = PAUSE_SECONDS[min(failures, len(PAUSE_SECONDS) - 1)]
                failures += 1
            if self._fruitless >= FRUITLESS:
                raise MigrateError(
                    f"rows are missing after {FRUITLESS} repairs; the last trouble is in chtui migrate status",
                    where=self._stand.hands.run,
                    fix="see what takes them away: chtui migrate verify names the rows; then start again",
                    exit_code=1,
                )
            if self.extra:
                return dict(self._settled)
            if any(table.name not in self._settled for table in left):
                self._words.listen(pause)
        return dict(self._settled)

    def _see_all(self) -> bool:
        """Compare all there is of a v1 that is still, at first; return whether all is equal, aggregates too."""
        facts = self._stand.facts()
        if facts.watermarks or facts.half_added or self._has_looked:
            return False
        found = sealed_report.look(self._stand)
        verdict = sealed_report.judge(found, facts.accepted)
        # Where something differs rounds repair it; where a host was away it is looked at again.
        self._has_looked = verdict is Verdict.DIFFERS
        if not verdict.is_proof:
            return False
        self.seen = found
        for table in self._spec.tables:
            self._is_equal(table, 0.0, None)
        return True

    def round(self, table: TableSpec) -> Repaired | None:
        """Compare a table as far as its rows have had time to come, and repair it; return what was done, None for nothing.

        Raises:
            MigrateError, QueryError, ConnectError: it could not be compared or repaired.
        """
        now, until = self._horizon(table)
        if until is not None and until < 0:
            return None
        wrong = differing(self._stand, table, until)
        if not wrong:
            self._note(table, {})
            self._is_equal(table, now, until)
            return None
        first = self._equal_at.get(table.name)
        if first is not None and (first[1] is None or not self._is_well(table, first[1])):
            # What was equal is so no more. Rows that came since are another matter: some may always be missing for a moment.
            del self._equal_at[table.name]
        repaired = Repair.of(self._stand, table, until).mend(wrong)
        self._note(table, repaired.extra)
        self._tell(table, wrong, repaired)
        mended = repaired.replaced or repaired.added_rows or repaired.extra
        self._fruitless = 0 if mended else self._fruitless + 1
        if self._is_well(table, until):
            self._is_equal(table, now, until)
        return repaired

    def _is_well(self, table: TableSpec, until: int | None) -> bool:
        """Whether nothing differs but what somebody accepted."""
        accepted = self._stand.facts().accepted
        return all(place.name in accepted for place in differing(self._stand, table, until))

    def again(self, table: TableSpec, until: int, since: float | None = None) -> int:
        """Compare the last hours of a table that is sealed, and bring over what it lacks of them; return how much that was.

        Rows of before `until` are looked at, in seconds since 1970, and where `since` is earlier than those hours, from then on.

        Raises:
            MigrateError, QueryError, ConnectError: it could not be compared or repaired.
        """
        first = until - WATCHED_SECONDS
        if since is not None:
            # An event may be that old when it comes, to whichever of both.
            first = min(first, int(since - 2 * self._spec.retention.lateness_seconds))
        wrong = differing(self._stand, table, until, first // HOUR_SECONDS * HOUR_SECONDS)
        if not wrong:
            self._note(table, {})
            return 0
        repaired = Repair.of(self._stand, table, until).mend(wrong)
        self._note(table, repaired.extra)
        self._tell(table, wrong, repaired)
        return repaired.added_rows + repaired.replaced

    def _horizon(self, table: TableSpec) -> tuple[float, int | None]:
        """v1's clock, and up to when rows have had time to come; -1 while that is before the table's watermark."""
        now = clock_seconds(self._stand.ground.hosts.source)
        watermark = self._stand.facts().watermarks.get(table.name)
        if watermark is None:
            return now, None
        until = int(now - self._spec.retention.lateness_seconds)
        left = watermark / NANOSECONDS - until
        reason = ""
        if left > 0:
            at = rfc3339(datetime.fromtimestamp(watermark / NANOSECONDS, UTC))
            late = self._spec.retention.lateness_seconds
            reason = f"{table.name}: its watermark {at} and {late:g} s for late rows pass in {left:.0f} s"
        self._stand.progress.hold(f"watermark {table.name}", reason, steps=(f"rows of {table.name}",))
        return now, -1 if left > 0 else until

    def _is_equal(self, table: TableSpec, now: float, until: int | None) -> None:
        self._fruitless = 0
        at, equal_until = self._equal_at.setdefault(table.name, (now, until))
        if until is None or now - at >= self._spec.retention.lateness_seconds:
            self._settled[table.name] = equal_until or 0
            for group in self._stand.ground.layout.groups:
                if group.table == table.name:
                    for cell in self._stand.ground.layout.cells(group):
                        self._stand.progress.cell(cell.name, CellState.PROVEN)

    def _note(self, table: TableSpec, extra: Mapping[Place, int]) -> None:
        """Count in how many rounds running a place had rows that v1 has not."""
        for place in [each for each in self._seen if each.table == table.name and each not in extra]:
            del self._seen[place], self._rows[place]
        for place, rows in extra.items():
            self._seen[place] = self._seen.get(place, 0) + 1
            self._rows[place] = rows

    def _tell(self, table: TableSpec, wrong: Mapping[Place, Sequence[Compared]], repaired: Repaired) -> None:
        self._stand.hands.diary.append(
            "repaired",
            {
                "table": table.name,
                "places": [place.name for place in wrong],
                "replaced": repaired.replaced,
                "added_rows": repaired.added_rows,
                "extra": {place.name: rows for place, rows in repaired.extra.items()},
            },
        )
