"""Child processes that die with the test runner, ports nobody else takes, and waiting for conditions."""

from __future__ import annotations

import fcntl
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from chtui.demo.ports import LOWEST

T = TypeVar("T")

LOOPBACK = "127.0.0.1"

# The child sets the death signal on itself before it becomes the real program: a preexec_fn can deadlock
# where other threads run.
_SHIM = """
import os, signal, sys
if sys.platform == "linux":
    import ctypes
    if ctypes.CDLL(None).prctl(1, int(signal.SIGKILL), 0, 0, 0) != 0:
        sys.exit("prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != int(sys.argv[1]):
        sys.exit("the process that asked for this one has ended")
os.execvp(sys.argv[2], sys.argv[2:])
"""

# Linux sends the death signal when the *thread* that forked ends, so one thread that lives as long as the
# process forks every child, whichever thread asks for it.
_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="rig-spawner")


class RigError(Exception):
    """The test bench itself failed; the message names the part and ends with its log."""


class RigTimeoutError(RigError, TimeoutError):
    """A condition of the test bench did not come true in time."""


class ManagedProcess:
    """One child process that logs to a file and is killed by the kernel when this process ends in any way."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        directory: Path,
        log: Path,
        *,
        env: Mapping[str, str] | None = None,
        hold_stdin: bool = False,
    ) -> None:
        """Describe the process; `hold_stdin` gives it a pipe as standard input that is never written to."""
        self.name = name
        self.command = list(command)
        self.directory = directory
        self.log = log
        self._env = {**os.environ, **(env or {})}
        self._hold_stdin = hold_stdin
        self._child: subprocess.Popen[bytes] | None = None
        self._suspended = False

    @property
    def pid(self) -> int:
        """The process id; raises RigError where the process was never started."""
        return self._started().pid

    @property
    def is_alive(self) -> bool:
        """Whether the process runs or is suspended."""
        return self._child is not None and self._child.poll() is None

    @property
    def is_suspended(self) -> bool:
        """Whether the process is alive and was suspended here."""
        return self._suspended and self.is_alive

    @property
    def returncode(self) -> int | None:
        """How the process ended; negative for a signal, None while it runs."""
        return self._started().poll()

    def start(self) -> None:
        """Start the process; refused while it is alive."""
        if self.is_alive:
            raise RigError(f"{self.name} is already running")
        self.directory.mkdir(parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._child = _spawner.submit(self._spawn).result()
        self._suspended = False

    def _spawn(self) -> subprocess.Popen[bytes]:
        shim = [sys.executable, "-I", "-S", "-c", _SHIM, str(os.getpid())]
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [*shim, *self.command],
                cwd=self.directory,
                env=self._env,
                stdin=subprocess.PIPE if self._hold_stdin else subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the runner, which then stops its children in order
            )

    def stop(self, timeout: float = 10.0) -> None:
        """End the process with SIGTERM, and with SIGKILL where that takes longer than the timeout."""
        self.terminate()
        self.wait(timeout)

    def terminate(self) -> None:
        """Ask the process to end (waking it where it is suspended) without waiting for it."""
        if self.is_alive:
            self._signal(signal.SIGTERM)
            self._signal(signal.SIGCONT)

    def wait(self, timeout: float = 10.0) -> None:
        """Wait for the process to end and kill it where it does not."""
        if self._child is None:
            return
        if self._hold_stdin and self._child.stdin is not None:
            self._child.stdin.close()
        try:
            self._child.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End the process as `kill -9` does and reap it."""
        if self.is_alive:
            self._signal(signal.SIGKILL)
            self._started().wait()

    def suspend(self) -> None:
        """Stop the process as `kill -STOP` does; returns when all of its threads stand still."""
        self._signal(signal.SIGSTOP)
        # WNOWAIT leaves the exit status of a process that died instead to Popen.
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        self._suspended = True

    def resume(self) -> None:
        """Let a suspended process go on."""
        self._signal(signal.SIGCONT)
        self._suspended = False

    def restart(self) -> None:
        """Stop the process where it runs, and start it again."""
        self.stop()
        self.start()

    def log_tail(self, lines: int = 25) -> str:
        """The last lines of the log."""
        if not self.log.exists():
            return "(no log)"
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - 64 * 1024))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])

    def _signal(self, number: signal.Signals) -> None:
        self._started().send_signal(number)

    def _started(self) -> subprocess.Popen[bytes]:
        if self._child is None:
            raise RigError(f"{self.name} was never started")
        return self._child


class _PortClaims:
    """Ports taken by this process, by record locks on one file, which end with the process."""

    # Below what the demo takes, and below Linux's range for outgoing connections, as it is by default: neither
    # can take the port of a server that is down.
    LOW, HIGH = 10_240, LOWEST

    def __init__(self) -> None:
        path = Path(tempfile.gettempdir()) / f"chtui-rig-ports-{os.getuid()}.lock"
        # Never closed: closing any descriptor of the file would give up all its locks.
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._mine: set[int] = set()
        self._guard = threading.Lock()

    def take(self, count: int) -> list[int]:
        """Claim ports that are free now, holding all of them bound until the last is found."""
        held: dict[int, socket.socket] = {}
        with self._guard:
            try:
                for port in _candidates(self.LOW, self.HIGH):
                    if len(held) == count:
                        break
                    if port not in self._mine and self._claim(port, held):
                        self._mine.add(port)
            finally:
                for holder in held.values():
                    holder.close()
        if len(held) < count:
            raise RigError(f"no {count} free ports on {LOOPBACK}")
        return list(held)

    def _claim(self, port: int, held: dict[int, socket.socket]) -> bool:
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
        except OSError:
            return False  # another test run has it
        holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            holder.bind((LOOPBACK, port))
        except OSError:
            holder.close()
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, port)
            return False
        held[port] = holder
        return True


def _candidates(low: int, high: int) -> list[int]:
    """The ports of a range in any order, last those this machine gives to outgoing connections."""
    try:
        first, last = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    except OSError:
        first, last = high, high
    ports = random.sample(range(low, high), high - low)
    return sorted(ports, key=lambda port: first <= port <= last)


_claims: _PortClaims | None = None
_claims_guard = threading.Lock()


def free_ports(count: int) -> list[int]:
    """Ports on loopback that nothing uses, no other test run has, and that are never given twice."""
    global _claims
    with _claims_guard:
        if _claims is None:
            _claims = _PortClaims()
    return _claims.take(count)


def held_port(port: int = 0) -> socket.socket:
    """A socket that holds a port, which refuses connections until the socket listens: that one, or else a free one.

    Raises OSError where somebody else has that one.
    """
    while True:
        holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            holder.bind((LOOPBACK, port or free_ports(1)[0]))
            return holder
        except OSError:
            holder.close()
            if port:
                raise


def wait_until(condition: Callable[[], T], timeout: float, what: str, *processes: ManagedProcess) -> T:
    """Wait for a condition and return its first true value.

    Raises RigTimeoutError after the timeout, and RigError as soon as one of the given processes has ended;
    both carry the ends of the logs of those processes.
    """
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        dead = [process for process in processes if not process.is_alive]
        if dead:
            codes = ", ".join(f"{process.name} ended with {process.returncode}" for process in dead)
            raise RigError(f"waiting for {what}: {codes}\n{_tails(dead)}")
        if time.monotonic() > deadline:
            raise RigTimeoutError(f"waiting for {what}: not after {timeout:g} s\n{_tails(processes)}")
        time.sleep(0.02)
    return value


def _tails(processes: Sequence[ManagedProcess]) -> str:
    return "\n".join(f"--- {process.log}\n{process.log_tail()}" for process in processes)
