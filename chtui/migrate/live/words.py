"""What people say to a run while it waits: that a hook of theirs is done, or that a difference is accepted."""

from __future__ import annotations

from chtui.errors import MigrateError
from chtui.migrate.cutover.retention import DROP_SOURCE
from chtui.migrate.errands import Errand
from chtui.migrate.facts import ACCEPTED
from chtui.migrate.stand import Stand

UNNAMED = "no difference was told by this name since the run was begun or went on: compare it with what status and cutover name"


class Words:
    """What is said to one run; only the thread that carries it out listens."""

    def __init__(self, stand: Stand) -> None:
        self._stand = stand
        self._said: set[str] = set()

    def listen(self, seconds: float) -> None:
        """Let some time pass; take what is said meanwhile.

        Raises:
            MigrateError: the run was told to end, or the journal takes no more.
        """
        errand = self._stand.progress.next_errand(seconds, ("accept", "confirm"))
        if errand is None:
            return
        self.take(errand)

    def take(self, errand: Errand) -> None:
        """Take what is said; a hook no person confirms is refused.

        Raises:
            MigrateError: the journal takes no more.
        """
        if errand.verb == "accept":
            name = str(errand.args.get("name", ""))
            self._stand.hands.diary.append(ACCEPTED, {"name": name})
            # An earlier process may have told it, so it is taken all the same.
            told = {} if self._stand.progress.has_named(name) else {"note": UNNAMED}
            errand.answer({errand.verb: name, **told})
            return
        name = str(errand.args.get("hook", ""))
        persons = [hook for hook, each in self._stand.ground.spec.hooks.items() if each.confirm]
        if name not in (*persons, DROP_SOURCE):
            errand.fail(
                MigrateError(
                    f"the spec has no hook {name} that a person confirms",
                    where=f"hook.{name}",
                    fix=f"it has {', '.join(persons) or 'none'}",
                )
            )
            return
        self._said.add(name)
        errand.answer({errand.verb: name})

    def confirmed(self, name: str) -> bool:
        """Return whether somebody said since the last time it was asked that a hook of this name is done.

        Raises:
            MigrateError: as of `listen`.
        """
        self.listen(0.0)
        is_said = name in self._said
        self._said.discard(name)
        return is_said
