"""How long a key takes from the keyboard to the first bytes of the frame it changes."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence

from tests.bench.pty_run import ESCAPE

QUIET_SECONDS = 0.03
"""A frame has ended when nothing was sent for so long; a key is only sent then, so that what follows is its own frame."""


def key_seconds(
    command: Sequence[str],
    environment: Mapping[str, str],
    ready: str,
    keys: Sequence[bytes],
    size: tuple[int, int] = (160, 50),
) -> list[float]:
    """Return the seconds from each key to its frame, once `ready` was sent.

    Raises:
        AssertionError: `ready` was not sent within 60 s, or a key had no frame within 10.
    """
    width, height = size
    pid, master = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        os.execvpe(command[0], list(command), dict(environment))
    try:
        _await(master, ready)
        return [_one(master, key) for key in keys]
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(master)


def _await(master: int, ready: str) -> None:
    text, end = "", time.monotonic() + 60
    while ready not in text:
        assert time.monotonic() < end, f"{ready!r} was not sent; the last text was:\n{text[-2000:]}"
        if select.select([master], [], [], 0.1)[0]:
            text += ESCAPE.sub("", os.read(master, 65536).decode("utf-8", "replace"))
    time.sleep(1.0)


def _one(master: int, key: bytes) -> float:
    while select.select([master], [], [], QUIET_SECONDS)[0]:
        os.read(master, 65536)
    began = time.perf_counter()
    os.write(master, key)
    assert select.select([master], [], [], 10)[0], f"key {key!r} had no frame"
    os.read(master, 65536)
    return time.perf_counter() - began
