"""A program in a pseudo terminal: when some text was sent to it, and how many bytes were.

Nothing is emulated while it runs: an emulator takes more time than the program, and holds up what it measures.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

ESCAPE = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|\][^\x07]*\x07|[()][A-Z0-9]|.)")
"""Terminal control sequences; what is left between them is text."""


@dataclass
class PtyRun:
    """What a program sent."""

    seconds: dict[str, float] = field(default_factory=dict)
    """Text to the seconds from process start until it was sent."""
    chunks: list[tuple[float, int]] = field(default_factory=list)
    """Seconds from process start and bytes of everything that was sent."""
    plain: str = ""
    """All text that was sent, in the order of sending."""


def watch(
    command: Sequence[str],
    environment: Mapping[str, str],
    texts: Sequence[str],
    *,
    seconds: float = 30.0,
    linger_seconds: float = 0.0,
    size: tuple[int, int] = (160, 50),
) -> PtyRun:
    """Run a program until all `texts` were sent, and `linger_seconds` more; then kill it.

    Raises:
        AssertionError: a text was not sent in time.
    """
    width, height = size
    run = PtyRun()
    began = time.monotonic()
    pid, master = pty.fork()
    if pid == 0:
        # The size first: the program asks for it at once.
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        os.execvpe(command[0], list(command), dict(environment))
    try:
        end, is_complete = began + seconds, False
        while time.monotonic() < end:
            if select.select([master], [], [], 0.02)[0]:
                _take(run, os.read(master, 65536), time.monotonic() - began, texts)
            if not is_complete and len(run.seconds) == len(texts):
                is_complete, end = True, time.monotonic() + linger_seconds
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(master)
    missing = [text for text in texts if text not in run.seconds]
    assert not missing, f"{missing} not sent within {seconds:.0f} s; the last text was:\n{run.plain[-2000:]}"
    return run


def _take(run: PtyRun, data: bytes, now: float, texts: Sequence[str]) -> None:
    run.chunks.append((now, len(data)))
    before = len(run.plain)
    run.plain += ESCAPE.sub("", data.decode("utf-8", "replace"))
    recent = run.plain[max(0, before - 200) :]
    for text in texts:
        if text not in run.seconds and text in recent:
            run.seconds[text] = now
