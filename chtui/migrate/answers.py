"""What the process of a run answers at its socket."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from chtui.errors import MigrateError
from chtui.migrate import changeable, errands, facts
from chtui.migrate.hands import Hands
from chtui.migrate.layout import Ground
from chtui.migrate.ledger import ASKED, LIMITS, Ledger
from chtui.migrate.progress import CellState, Progress
from chtui.migrate.stopper import Stopper
from chtui.text import one_line

ERRAND_SECONDS = 25.0
"""How long an errand's answer is waited for: clients wait for 30 s."""

Args = Mapping[str, Any]


class Acting(NamedTuple):
    """What there is under a lease alone."""

    hands: Hands
    stopper: Stopper


class Answers:
    """Answers the verbs; several threads call it at once."""

    def __init__(
        self, ground: Ground, progress: Progress, ledger: Ledger, status: Callable[[], dict[str, Any]]
    ) -> None:
        self._ground = ground
        self._progress = progress
        self._ledger = ledger
        self._status = status
        self._acting: Acting | None = None
        self._verbs: Mapping[str, Callable[[Args], Mapping[str, Any]]] = {
            "status": lambda _: self._status(),
            "pause": self._pause,
            "resume": self._resume,
            "abort": self._abort,
            "skip": self._skip,
            "set": self._set,
        }

    def begin(self, hands: Hands, stopper: Stopper) -> None:
        """Take what acts under the lease."""
        self._acting = Acting(hands, stopper)

    def end(self) -> None:
        """Give it back."""
        self._acting = None

    def handle(self, verb: str, args: Args) -> Mapping[str, Any]:
        """Return the answer.

        Raises:
            ChtuiError: it cannot be done, or not now.
        """
        if verb in self._verbs:
            return self._verbs[verb](args)
        if verb not in errands.VERBS:
            known = ", ".join((*self._verbs, *errands.VERBS))
            raise MigrateError(f"a run knows no {one_line(verb, 60)!r}", fix=f"it knows {known}")
        self._note(verb, args)
        return self._progress.errand(verb, args, ERRAND_SECONDS)

    def _pause(self, args: Args) -> Mapping[str, Any]:
        self._note("pause", args)
        self._progress.pause(True)
        return {"paused": True}

    def _resume(self, args: Args) -> Mapping[str, Any]:
        self._note("resume", args)
        self._progress.pause(False)
        return {"paused": False, "held_up_by": self._progress.status().held_up_by}

    def _abort(self, args: Args) -> Mapping[str, Any]:
        self._note("abort", args)
        self._progress.end("somebody asked for that with chtui migrate abort")
        return {"ending": True}

    def _skip(self, args: Args) -> Mapping[str, Any]:
        wanted = str(args.get("cell", ""))
        found = [
            cell.name
            for group in self._ground.layout.groups
            for cell in self._ground.layout.cells(group)
            if wanted in (cell.name, group.name)
        ]
        if not found:
            raise MigrateError(
                f"there is no cell {one_line(wanted, 120)!r}",
                fix="name one as the journal does, or a table and its partition: 'traces 202601'",
            )
        known = self._ledger.facts()
        left = [name for name in found if name not in known.proven | known.skipped]
        if not left:
            raise MigrateError(f"{wanted!r} is proven or skipped already", fix="see chtui migrate status")
        for name in left:
            self._ledger.append(facts.SKIPPED, {"cell": name})
            was = self._progress.state_of(name)
            self._progress.leave_out(name)
            if was in (CellState.COPYING, CellState.FAILED) and self._acting is not None:
                self._acting.stopper.kill(self._acting.hands.tag(name))
        return {"skipped": left, "is_exact": False}

    def _set(self, args: Args) -> Mapping[str, Any]:
        values = changeable.read({str(name): str(text) for name, text in args.items()})
        if not values:
            raise MigrateError("nothing to set", fix=f"give NAME=VALUE of {', '.join(changeable.NAMES)}")
        # Whoever slowed a run down does not want the next process to be fast again.
        self._ledger.append(LIMITS, {"values": values})
        self._progress.limit(values)
        return {"set": values}

    def _note(self, verb: str, args: Args) -> None:
        self._ledger.append(ASKED, {"verb": verb, "args": dict(args)})
