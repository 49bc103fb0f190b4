"""A node as its parent sees it: started, asked, stopped, killed, started again."""

from __future__ import annotations

import re
import signal
import time
from pathlib import Path

from chtui.demo.client import Client
from chtui.demo.options import HOST
from chtui.demo.process import Child
from chtui.demo.render import Place
from chtui.errors import ConnectError, DeadlineError, DemoError, QueryError
from chtui.paths import private_dir
from chtui.sql import load

READY_SECONDS = 60.0
STOP_SECONDS = 2.0
"""An ending node waits 5 s for open connections, those of other nodes too; its data are safe without that."""
IN_USE = re.compile(r"address already in use|EADDRINUSE|BindException", re.IGNORECASE)


class PortTaken(DemoError):
    """A port was taken by somebody else between its choice and its use."""


class DemoNode:
    """One ClickHouse node of the demo. `suspend`, `kill` and the rest are for tests and for showing faults."""

    host_name = HOST

    def __init__(self, directory: Path, place: Place, admin: Client) -> None:
        self.directory = directory
        self.place = place
        self._admin = admin
        self._child: Child | None = None

    @property
    def port(self) -> int:
        """The native port."""
        return self.place.port

    @property
    def http_port(self) -> int:
        """The HTTP port."""
        return self.place.http_port

    @property
    def shard_num(self) -> int:
        """Counted from 1."""
        return self.place.shard_num

    @property
    def replica_num(self) -> int:
        """Counted from 1."""
        return self.place.replica_num

    @property
    def pid(self) -> int:
        """The process id; 0 before the first start."""
        return self._child.pid if self._child else 0

    @property
    def alive(self) -> bool:
        """The process exists; a suspended one does."""
        return self._child is not None and self._child.poll() is None

    def spawn(self) -> None:
        """Start the process without waiting for it."""
        private_dir(self.directory)
        self._child = Child("chtui.demo.node", str(self.directory), output=self.directory / "output.log")

    def await_ready(self, seconds: float = READY_SECONDS) -> None:
        """Wait until this very node answers on HTTP and both its ports are open.

        Raises:
            PortTaken: a port was not free.
            DemoError: the process ended, or did not answer in time.
        """
        sql = load("demo/node_ready").text
        deadline = time.monotonic() + seconds
        last = ""
        while time.monotonic() < deadline:
            self._check_alive()
            try:
                shard, replica, serving = self._admin.ask(self.http_port, sql, seconds=5).split()
            except (ConnectError, DeadlineError, QueryError) as error:
                # another server on this port refuses our password; our own process then ends and says so
                last = error.line
            else:
                if (int(shard), replica) == (self.shard_num, self.place.name) and int(serving):
                    self._admin.ask(self.http_port, load("demo/flush_logs").text)
                    return
                last = f"{replica} answers, serving={serving}"
            time.sleep(0.05)
        raise DemoError(f"not ready after {seconds:.0f} s: {last}", where=self._where, fix=f"see {self._log}")

    def suspend(self) -> None:
        """Make it hang (SIGSTOP); returns when it does."""
        self._running().suspend()

    def resume(self) -> None:
        """Let it go on (SIGCONT)."""
        self._running().send(signal.SIGCONT)

    def kill(self) -> None:
        """Kill it (SIGKILL), as a crash would, and wait until it is gone."""
        self._running().kill()

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """End it cleanly, or by force after `seconds`; nothing happens when it never ran."""
        if self._child is not None:
            self._child.end(seconds)

    def hang_up(self) -> None:
        """Ask it to end, without waiting."""
        if self._child is not None:
            self._child.hang_up()

    def restart(self) -> None:
        """End it if it still runs, start it on the same directory and ports, and wait until it answers.

        Raises:
            DemoError: it does not come back.
        """
        self.stop()
        self.spawn()
        self.await_ready()

    def exit_line(self) -> str:
        """Return one line that says how the process ended; empty while it runs."""
        code = self._child.poll() if self._child else None
        if code is None:
            return ""
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        return f"{self._where}: {how}; see {self._log}"

    @property
    def _where(self) -> str:
        return f"node {self.place.name} ({HOST}:{self.http_port})"

    @property
    def _log(self) -> Path:
        return self.directory / "error.log"

    def _running(self) -> Child:
        if self._child is None:
            raise DemoError("was never started", where=self._where, fix="start the cluster first")
        return self._child

    def _check_alive(self) -> None:
        child = self._running()
        if child.poll() is None:
            return
        tail = child.tail()
        if IN_USE.search(tail):
            raise PortTaken("a port is in use", where=self._where, fix="try again")
        lines = [line for line in tail.splitlines() if line.strip()]
        said = next(
            (line for line in reversed(lines) if "Exception" in line),
            lines[-1] if lines else "it said nothing",
        )
        raise DemoError(f"ended while starting: {said}", where=self._where, fix=f"see {self._log}")
