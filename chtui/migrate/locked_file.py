"""A file that one process at a time holds, with the pid of whoever does in it; a process that dies lets go."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from chtui import paths

PID_SECONDS = 0.5
"""How long whoever just took the lock may need to write down its pid."""


def lock(path: Path) -> int:
    """Make the file where there is none and return a handle that holds it until it is closed.

    Raises:
        BlockingIOError: another process holds it, or another handle of this one.
        OSError: it cannot be made or opened.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, paths.FILE_MODE)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
    except BaseException:
        os.close(handle)
        raise
    return handle


def holder(path: Path) -> str:
    """Return who holds the file, as `process 123`."""
    deadline = time.monotonic() + PID_SECONDS
    while True:
        told = path.read_bytes()[:20].decode("ascii", "replace").strip()
        if told.isdecimal() and lives(int(told)):
            return f"process {told}"
        if time.monotonic() > deadline:
            return "another process"
        time.sleep(0.01)


def lives(pid: int) -> bool:
    """Return whether there is a process of that number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
