"""A child process that lives as long as its standard input is open."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

TAIL_BYTES = 4096


class Child:
    """`python -m MODULE ARGUMENTS`, tied to this process by a pipe to its standard input.

    When this process ends, however it ends, the child reads end of file and ends too.
    """

    def __init__(self, module: str, *arguments: str, output: Path) -> None:
        """Start the process; what it prints is appended to `output`."""
        self.name = module.rpartition(".")[2]
        self.output = output
        with open(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb") as stream:
            self._popen = subprocess.Popen(
                # -P: a stray module in the current directory must not stand in for one of ours
                [sys.executable, "-P", "-m", module, *arguments],
                stdin=subprocess.PIPE,
                stdout=stream,
                stderr=stream,
                # a ctrl+c in the terminal is the parent's business
                start_new_session=True,
                umask=0o077,
            )
        assert self._popen.stdin is not None
        self._stdin: IO[bytes] = self._popen.stdin

    @property
    def pid(self) -> int:
        """The process id."""
        return self._popen.pid

    def poll(self) -> int | None:
        """Return the exit code (negative: the signal), None while it runs."""
        return self._popen.poll()

    def send(self, number: signal.Signals) -> None:
        """Send a signal, unless the process has ended."""
        self._popen.send_signal(number)

    def suspend(self) -> None:
        """Make it hang (SIGSTOP), and return when all of its threads stand still; a busy machine takes its time for that."""
        self.send(signal.SIGSTOP)
        # WNOWAIT leaves the exit code of a process that has ended instead to `poll`.
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def hang_up(self) -> None:
        """Close its standard input, which asks it to end."""
        self._stdin.close()

    def kill(self) -> None:
        """Kill it (SIGKILL) and wait until it is gone."""
        self._popen.kill()
        self._popen.wait()
        self._stdin.close()

    def end(self, grace_seconds: float) -> None:
        """Ask it to end, and kill it when it has not after the grace."""
        # a suspended process reads nothing
        self.send(signal.SIGCONT)
        self.hang_up()
        try:
            self._popen.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def tail(self) -> str:
        """Return the last of what it printed."""
        with self.output.open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - TAIL_BYTES))
            return stream.read().decode("utf-8", "replace")
