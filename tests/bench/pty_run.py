"""A program in a pseudo terminal: when some text appeared on its screen, and how many bytes it sent."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pyte


@dataclass
class PtyRun:
    """What a program drew."""

    screen: pyte.Screen
    seconds: dict[str, float] = field(default_factory=dict)
    """Text to the seconds from process start until it was on screen."""
    chunks: list[tuple[float, int]] = field(default_factory=list)
    """Seconds from process start and bytes of everything that was sent."""

    @property
    def text(self) -> str:
        """The screen now."""
        return "\n".join(self.screen.display)


def watch(
    command: Sequence[str],
    environment: Mapping[str, str],
    texts: Sequence[str],
    *,
    seconds: float = 30.0,
    linger_seconds: float = 0.0,
    size: tuple[int, int] = (160, 50),
    meanwhile: Callable[[], None] | None = None,
) -> PtyRun:
    """Run a program until all `texts` were seen, and `linger_seconds` more; then kill it.

    Raises:
        AssertionError: a text did not appear in time.
    """
    width, height = size
    screen = pyte.Screen(width, height)
    run, stream = PtyRun(screen), pyte.ByteStream(screen)
    began = time.monotonic()
    pid, master = pty.fork()
    if pid == 0:
        # The size first: the program asks for it at once.
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        os.execvpe(command[0], list(command), dict(environment))
    try:
        end = began + seconds
        while time.monotonic() < end:
            if select.select([master], [], [], 0.02)[0]:
                data = os.read(master, 65536)
                now = time.monotonic() - began
                run.chunks.append((now, len(data)))
                stream.feed(data)
                for text in texts:
                    if text not in run.seconds and text in run.text:
                        run.seconds[text] = now
            if len(run.seconds) == len(texts) and meanwhile is not None:
                meanwhile()
                meanwhile = None
            if len(run.seconds) == len(texts) and end == began + seconds:
                end = min(end, time.monotonic() + linger_seconds)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(master)
    missing = [text for text in texts if text not in run.seconds]
    assert not missing, f"{missing} not seen within {seconds:.0f} s; on screen:\n{run.text}"
    return run
