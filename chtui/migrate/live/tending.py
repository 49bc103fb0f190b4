"""What a run does once all is sealed: it keeps v2 whole while both are written, and does what it is asked for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from chtui.errors import ChtuiError, MigrateError
from chtui.migrate.cell import is_worth_again
from chtui.migrate.cutover import retention, switch
from chtui.migrate.cutover.server import now_seconds
from chtui.migrate.errands import Errand
from chtui.migrate.live.reporting import Reporting
from chtui.migrate.live.rounds import Rounds
from chtui.migrate.live.words import Words
from chtui.migrate.stand import Stand

LOOK_SECONDS = 60.0
"""How often it is looked whether v2 still has all that writers sent, at most; rarer where rows may come later."""
POLL_SECONDS = 1.0
WATCHING = "watching"
WORDS = ("accept", "confirm")
ALONE = ("dual-write", "drop-source", "cleanup")
"""Verbs after which rows may no longer be compared, or brought over."""


class Tending:
    """One process's share of it."""

    def __init__(self, stand: Stand, words: Words) -> None:
        self._stand = stand
        self._words = words
        self._rounds = Rounds(stand, words)
        self._looked = time.monotonic()
        self._looking: threading.Thread | None = None
        self._look_failed: ChtuiError | None = None
        self._expiring: threading.Thread | None = None
        self._report = Reporting(stand)
        self._verbs: Mapping[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]] = {
            "cutover": self._cutover,
            "rollback": self._rollback,
            "dual-write": self._dual_write,
            "drop-source": self._drop_source,
            "cleanup": lambda _: {"dropped": list(retention.cleanup(stand))},
        }

    def run(self) -> None:
        """Go on until v1 is gone.

        Raises:
            MigrateError: the run was told to end, or the journal or the lease do not allow more.
        """
        try:
            self._go_on()
        except ChtuiError as error:
            self._stand.progress.abort(error)
            raise
        finally:
            self._await_look()

    def _go_on(self) -> None:
        every = max(LOOK_SECONDS, self._stand.ground.spec.retention.lateness_seconds)
        while not self._is_over():
            if self._look_failed is not None:
                raise self._look_failed
            self._stand.progress.stage(WATCHING)
            errand = self._stand.progress.next_errand(POLL_SECONDS)
            if errand is not None:
                self._do(errand)
            facts = self._stand.facts()
            is_looking = self._looking is not None and self._looking.is_alive()
            if facts.are_both_whole and not is_looking and time.monotonic() - self._looked > every:
                # Beside everything else: whoever wants readers back does not wait for a comparison.
                self._looking = threading.Thread(target=self._look, name="look", daemon=True)
                self._looking.start()
            self._report.go_on()
            # Rows that expire are no longer equal on both sides: what proves that all came is made before.
            if facts.reads == "v2" and not facts.unseen and self._report.is_whole:
                self._expire()

    def _is_over(self) -> bool:
        names = {source.name for table in self._stand.ground.spec.tables for source in table.sources}
        return names <= self._stand.facts().dropped

    def _do(self, errand: Errand) -> None:
        """Do what was asked for; that it cannot be done ends nothing."""
        try:
            if errand.verb in WORDS:
                self._words.take(errand)
            else:
                if errand.verb in ALONE:
                    self._await_look()
                errand.answer(self._verbs[errand.verb](errand.args))
        except ChtuiError as error:
            errand.fail(error)
            self._stand.progress.trouble(f"{errand.verb}: {error.line}")
            if not is_worth_again(error) and error.exit_code not in (1, 2):
                raise

    def _look(self) -> None:
        """Look again; what ends the run is raised by the thread that carries it out."""
        try:
            self._again()
        except ChtuiError as error:
            self._look_failed = error

    def _bring(self, until: int) -> None:
        """Bring over what sealed tables lack up to an instant, while nobody else does; what cannot be brought the gate sees."""
        self._await_look()
        if self._stand.facts().are_both_whole:
            self._again(until)

    def _bring_last(self, since: float, until: int) -> int:
        """Bring over what v2 lacks of v1's rows between two instants, while nobody else does; return how much that was.

        Raises:
            MigrateError, QueryError, ConnectError: it could not be compared, or not be brought.
        """
        self._await_look()
        return sum(self._rounds.again(table, until, since) for table in self._stand.ground.spec.tables)

    def _again(self, until: int | None = None) -> None:
        """Bring over what sealed tables lack of the last hours; one that cannot be compared now is told of.

        Raises:
            MigrateError: the run was told to end, or the journal or the lease do not allow more.
        """
        spec, known = self._stand.ground.spec, self._stand.facts()
        since = known.behind.since_seconds if known.behind else None
        is_whole = True
        for table in spec.tables:
            if table.name not in known.sealed:
                is_whole = False
                continue
            try:
                if until is None:
                    until = int(
                        now_seconds(self._stand.ground.hosts.source) - spec.retention.lateness_seconds
                    )
                is_whole &= not self._rounds.again(table, until, since)
            except ChtuiError as error:
                if not is_worth_again(error):
                    raise
                is_whole = False
                self._stand.progress.trouble(error.line)
        self._looked = time.monotonic()
        if is_whole and until is not None:
            switch.note_whole(self._stand, until)

    def _await_look(self) -> None:
        """Wait for the end of the look that is under way."""
        if self._looking is not None:
            self._looking.join()

    def _expire(self) -> None:
        """Let the rows of tables expire, once readers are on v2; partition by partition, while everything else goes on."""
        if self._expiring is not None and self._expiring.is_alive():
            return
        known = self._stand.facts().expiring
        left = [table for table in self._stand.ground.spec.tables if table.name not in known]
        if left:
            name = left[0].name
            self._expiring = threading.Thread(
                target=self._expire_one, args=(name,), name="expiry", daemon=True
            )
            self._expiring.start()

    def _expire_one(self, table: str) -> None:
        try:
            retention.expire(self._stand, table)
        except ChtuiError as error:
            self._stand.progress.trouble(error.line)
            time.sleep(LOOK_SECONDS)

    # Errands

    def _cutover(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        names = [str(name) for name in args.get("force", ())]
        done = switch.cutover(self._stand, self._words.confirmed, bring=self._bring, force_names=names)
        return done.as_dict()

    def _rollback(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        means = switch.rollback_means(self._stand)
        names = [str(name) for name in args.get("force", ())]
        done = switch.rollback(self._stand, self._words.confirmed, force_names=names)
        return {"means": means, **done.as_dict()}

    def _dual_write(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        if args.get("state") != "off":
            raise MigrateError(
                "dual writing is on"
                if self._stand.facts().are_both_whole
                else "v1 lacks rows since it was stopped",
                fix="chtui migrate rollback writes both again and brings v1 what it lacks",
            )
        names = [str(name) for name in args.get("force", ())]
        early = bool(args.get("early"))
        done = switch.stop_dual_write(
            self._stand, self._words.confirmed, bring=self._bring_last, early=early, force_names=names
        )
        return {**done.as_dict(), "rollback": switch.rollback_means(self._stand)}

    def _drop_source(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        if args.get("confirmed"):
            dropped = retention.drop_source(self._stand, lambda _: True)
        else:
            dropped = retention.drop_source(self._stand, self._words.confirmed)
        return dropped.as_dict()
