"""A migration by the command line alone, whose process is killed on the way."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chtui.errors import MigrateError
from chtui.migrate import facts, journal
from chtui.migrate.cutover.copy_back import RETURN
from chtui.migrate.facts import Facts
from chtui.migrate.live.tending import WATCHING
from tests.engine.commands import Command, Done
from tests.support import wait_until

LOOK_SECONDS = 0.5
MOVING_SECONDS = 400.0
"""A way back waits until rows of its time have come, and an hour at a time until nothing is under way."""
BEHIND_SECONDS = 20.0
FINDING = re.compile(r"not possible yet: ((?:[a-z]+ )+?on [0-9.]+:[0-9]+|[^:]*):")
OF_PEOPLE = ("query ", "grant ", "user ", "profile ")
"""What names of findings begin with that a rig's own users cause; none is of rows."""


class Walk:
    """One run, and the process that carries it out."""

    def __init__(self, chtui: Command, leading: tuple[str, ...], spec: Path, name: str) -> None:
        """Name the arguments that lead to the cluster, the spec, and the run."""
        self.chtui, self.spec, self.name = chtui, spec, name
        self._leading = leading
        self.process: subprocess.Popen[str] | None = None

    def __call__(self, verb: str, *arguments: str, seconds: float = 120) -> Done:
        return self.chtui(*self._leading, "migrate", verb, *arguments, seconds=seconds)

    @property
    def folder(self) -> Path:
        """Where its journal is."""
        return self.chtui.home / "state" / "chtui" / "migrate" / self.name

    @property
    def facts(self) -> Facts:
        """What its journal comes to, asked for again and again: it is long, so not too often."""
        time.sleep(LOOK_SECONDS)
        try:
            _, events = journal.read(self.name, directory=self.folder)
        except MigrateError:
            return Facts()  # it is not begun yet
        return facts.of(events)

    @property
    def status(self) -> dict[str, Any]:
        """What the command says of it."""
        return dict(json.loads(self("status", self.name, "--json").out))

    def has_told(self, kind: str) -> bool:
        """Whether its journal has an event of a kind; asked for again and again, like `facts`."""
        time.sleep(LOOK_SECONDS)
        return any(event.kind == kind for event in journal.read(self.name, directory=self.folder)[1])

    def go_on(self, *arguments: str) -> None:
        """Begin, or go on, with `run` or the arguments given; what it says is in a file."""
        wanted = arguments or ("run", str(self.spec), "--run", self.name, "--yes")
        with (self.chtui.home / "output").open("a") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "chtui", *self._leading, "migrate", *wanted],
                env=self.chtui.environment(),
                text=True,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def end(self) -> None:
        """End its process as nothing else can."""
        assert self.process is not None
        assert self.process.poll() is None, (self.chtui.home / "output").read_text()[-2000:]
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    def kill(self) -> None:
        """End its process so, and begin the next one."""
        self.end()
        self.go_on()

    def moved(self, verb: str, version: str) -> None:
        """Have readers moved, with every finding accepted that is of people, not of rows."""
        for _ in range(12):
            done = self(verb, self.name, seconds=MOVING_SECONDS)
            if done.code == 0:
                break
            found = FINDING.search(done.err)
            assert found is not None, done
            assert found[1].startswith(OF_PEOPLE), done.err
            self("accept", self.name, found[1])
        wait_until(lambda: self.facts.reads == version, 90, f"readers on {version}")

    def there_and_back(self) -> None:
        """Have readers moved to v2, back and to v2 again; its sealed report is a proof, and both are written."""
        for verb, version in (("cutover", "v2"), ("rollback", "v1"), ("cutover", "v2")):
            self.moved(verb, version)
        told = self.status
        assert (told["reads"], told["dual_write"], told["report"]["is_proof"]) == ("v2", True, True)

    def out_and_back(self) -> None:
        """End dual writing and go back to v1, which has fallen behind; the run is killed while it brings v1 what it lacks."""
        ended = self("dual-write", self.name, "off", "--early", seconds=MOVING_SECONDS)
        assert ended.code == 0, ended
        wait_until(lambda: self.facts.dual_write is False, MOVING_SECONDS, "dual writing to have ended")
        told = self.status
        assert told["source_lacks_since"] is not None
        assert told["target_lacks_since"] is None
        time.sleep(BEHIND_SECONDS)
        with ThreadPoolExecutor(1) as pool:
            # Whether it is told that this run ended, or that it does what was asked for, is a matter of seconds.
            pool.submit(self, "rollback", self.name, seconds=MOVING_SECONDS)
            wait_until(lambda: self.has_told(RETURN), MOVING_SECONDS, "rows about to come back")
            self.kill()
        wait_until(lambda: self.status["stage"] == WATCHING, MOVING_SECONDS, "the next process")
        told = self.status
        assert (told["reads"], told["dual_write"]) == ("v2", True)
        assert told["source_lacks_since"] is not None
        self.moved("rollback", "v1")
        assert self.status["source_lacks_since"] is None

    def is_verified(self) -> None:
        """The command of its own says so too."""
        verified = self("verify", str(self.spec), "--run", self.name, seconds=300)
        assert verified.code == 0, verified
        assert verified.out.splitlines()[-1] == "verdict: equal"

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """It is begun, and ended at the end."""
        self.go_on()
        try:
            yield
        finally:
            if self.process is not None:
                self.process.kill()
                self.process.wait(10)
            print((self.chtui.home / "output").read_text())
