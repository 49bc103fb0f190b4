"""What somebody asks of a run while it is under way, one thing after another, and what the run says to it."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from concurrent.futures import Future
from typing import Any

from chtui.errors import ChtuiError, MigrateError

VERBS = ("dual-write", "cutover", "rollback", "drop-source", "cleanup", "accept", "confirm")
"""What can be asked for."""
WAY_BACK = ("rollback",)
"""What a cutover that is under way is given up for."""
ACCEPTED: Mapping[str, Any] = {"accepted": True, "see": "status"}
"""The answer where the work takes longer than whoever asked waits."""


class Errand:
    """One thing that was asked for."""

    def __init__(self, verb: str, args: Mapping[str, Any]) -> None:
        self.verb = verb
        self.args = args
        self._outcome: Future[Mapping[str, Any]] = Future()

    def answer(self, found: Mapping[str, Any]) -> None:
        """Say what came of it. Only the first word counts, here and of `fail`."""
        if not self._outcome.done():
            self._outcome.set_result(found)

    def fail(self, error: ChtuiError) -> None:
        """Say why nothing came of it."""
        if not self._outcome.done():
            self._outcome.set_exception(error)

    def outcome(self, seconds: float) -> Mapping[str, Any]:
        """Return the answer.

        Raises:
            ChtuiError: why there is none.
            TimeoutError: nothing was said yet.
        """
        return self._outcome.result(seconds)


class Errands:
    """Those that wait for the run; threads share it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: list[Errand] = []
        self._ended = ""

    def add(self, verb: str, args: Mapping[str, Any]) -> Errand:
        """Ask for something.

        Raises:
            MigrateError: nobody can ask for that, or the run has ended.
        """
        if verb not in VERBS:
            raise MigrateError(f"a run knows no {verb}", fix=f"it knows {', '.join(VERBS)}")
        with self._changed:
            if self._ended:
                raise MigrateError(self._ended, fix="start it again with chtui migrate run", exit_code=3)
            errand = Errand(verb, args)
            self._waiting.append(errand)
            self._changed.notify_all()
            return errand

    def next(self, seconds: float, verbs: Collection[str] = ()) -> Errand | None:
        """Return the first that waits, or comes within so many seconds, and is one of these verbs, all unless given."""

        def first() -> Errand | None:
            return next((each for each in self._waiting if not verbs or each.verb in verbs), None)

        with self._changed:
            self._changed.wait_for(lambda: bool(self._ended or first()), seconds)
            found = first()
            if found is not None:
                self._waiting.remove(found)
            return found

    def waiting(self, verbs: Collection[str]) -> str:
        """Return which of these verbs waits to be taken; empty where none does."""
        with self._changed:
            return next((each.verb for each in self._waiting if each.verb in verbs), "")

    def result(self, errand: Errand, seconds: float, busy_with: str) -> Mapping[str, Any]:
        """Return what came of it, or ACCEPTED where it is being done still.

        Raises:
            ChtuiError: why nothing came of it.
            MigrateError: the run took no notice of it in time, and will not: it is withdrawn; exit code 5.
        """
        try:
            return errand.outcome(seconds)
        except TimeoutError:
            with self._changed:
                if errand not in self._waiting:
                    return ACCEPTED
                # Done hours later it would surprise whoever asked.
                self._waiting.remove(errand)
            raise MigrateError(
                f"the run is busy with {busy_with} and takes no {errand.verb} now",
                fix="nothing was done; see chtui migrate status, and ask again later",
                exit_code=5,
            ) from None

    def end(self, why: str) -> None:
        """Take no more, and fail those that wait."""
        with self._changed:
            self._ended = why
            left, self._waiting = self._waiting, []
            self._changed.notify_all()
        for errand in left:
            errand.fail(MigrateError(why, fix="start it again with chtui migrate run", exit_code=3))
