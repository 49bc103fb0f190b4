"""Stops what moves rows once a run is paused or told to end: whoever pauses wants quiet servers, not only no new work.

A copy goes to a staging table that carries the attempt in its name, so one that was stopped is begun anew and nothing is lost.
Statements that publish are let be: they take no time, and half of them would have to be found out.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from chtui.fleet.literal import Value
from chtui.migrate.hosts import READS, Host, each
from chtui.migrate.progress import Progress

GRACE_SECONDS = 3.0
"""What ends by itself in that time is let end; a pause has to work within five."""
LOOK_SECONDS = 0.25
EVERY_SECONDS = 0.5
BUSY_SECONDS = 15.0
"""How long statements that were begun just before are looked for; afterwards only now and then."""
SELDOM_SECONDS = 10.0
KILL_SECONDS = 2.0


class Stopper:
    """Watches one run in a thread of its own."""

    def __init__(self, hosts: Sequence[Host], prefix: str, progress: Progress) -> None:
        """Name the hosts, what ids of the run's statements begin with, and what tells whether it is to stand still."""
        self._hosts = hosts
        self._prefix = prefix
        self._progress = progress
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stopper", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stopped.set()
        self._thread.join()

    def kill(self, tag: str = "") -> None:
        """Stop the run's statements that move rows, or those of one piece of its work; hosts that are away are left out."""
        prefix = f"{self._prefix}{tag}-" if tag else self._prefix
        reads = READS if not tag else prefix
        params: dict[str, Value] = {"prefix": prefix, "reads": reads, "read_seconds": GRACE_SECONDS}
        # A host that does not hear goes on; it is asked again, and what it does is settled when it answers.
        each(self._hosts, lambda host: host.run("kill_moving", params, seconds=KILL_SECONDS))

    def _run(self) -> None:
        next_at = 0.0
        while not self._stopped.wait(LOOK_SECONDS):
            seconds = self._progress.stopped_seconds
            if seconds is None:
                next_at = 0.0
            elif seconds >= next_at and (seconds >= GRACE_SECONDS or self._progress.ended):
                self.kill()
                is_busy = seconds < GRACE_SECONDS + BUSY_SECONDS
                next_at = seconds + (EVERY_SECONDS if is_busy else SELDOM_SECONDS)
