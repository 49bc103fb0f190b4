"""The process that tidies up when the demo's parent is killed: `python -m chtui.demo.warden DIRECTORY`.

The other processes end by themselves when the parent does, except one that is suspended and so reads no end of file. The warden waits
for the end of its own standard input, gives the others a moment, kills who is left, and removes a temporary directory.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from chtui.demo.directory import LOCK, STATE, WARDEN_LOCK, Held, await_release, decode, holder

GRACE_SECONDS = 3.0


def main(directory: Path) -> int:
    """Wait for the parent's end, then tidy up; return the exit code.

    Raises:
        DemoError: a process cannot be ended.
    """
    held = Held(directory / WARDEN_LOCK)
    temporary = decode(
        (directory / STATE).read_text(encoding="utf-8"), where=str(directory / STATE)
    ).temporary
    sys.stdin.buffer.read()
    for lock in sorted(directory.glob("*.lock")):
        if lock.name != WARDEN_LOCK:
            await_release(lock, GRACE_SECONDS)
    if temporary and directory.exists() and holder(directory / LOCK) is None:
        shutil.rmtree(directory)
    held.release()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
