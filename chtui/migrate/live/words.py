"""What people say to a run while it waits: that a hook of theirs is done, or that a difference is accepted."""

from __future__ import annotations

from chtui.migrate.errands import Errand
from chtui.migrate.facts import ACCEPTED
from chtui.migrate.stand import Stand


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
        """Take what is said.

        Raises:
            MigrateError: the journal takes no more.
        """
        if errand.verb == "accept":
            name = str(errand.args.get("name", ""))
            self._stand.hands.diary.append(ACCEPTED, {"name": name})
        else:
            name = str(errand.args.get("hook", ""))
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
