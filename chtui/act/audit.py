"""The audit log: one line before anything is sent, one for what became of it; what cannot be written down is not done."""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import stat
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chtui import paths
from chtui.clock import Clock, rfc3339
from chtui.errors import ChtuiError
from chtui.text import one_line

FORMAT, VERSION = "chtui-audit", 1
FILE_NAME = "audit.jsonl"
LOCK_SECONDS = 3.0
"""How long another chtui may hold the file. A line takes milliseconds; one that was stopped while it wrote may hold it for ever."""
HEADER_BYTES = 4096


class AuditError(ChtuiError):
    """A line could not be written down for good."""


class Audit:
    """The audit log of this user on this machine, shared by all chtui processes; any thread may write."""

    def __init__(self, clock: Clock, directory: Path | None = None) -> None:
        self._clock = clock
        self._directory = directory
        """None for `audit/` in the state directory, made when the first line is written."""

    def write(self, event: str, facts: Mapping[str, Any]) -> None:
        """Append one line and wait until it is on disk.

        Raises:
            AuditError: it is not: the file cannot be made or written, or is not one this version may add to.
        """
        line = {"at": rfc3339(self._clock.now()), "event": event, **facts, "who": who()}
        # ASCII only: whatever a server named something, it cannot act on a terminal that shows this file.
        content = json.dumps(line, ensure_ascii=True, allow_nan=False).encode("ascii") + b"\n"
        path = Path(FILE_NAME)
        try:
            directory = self._directory or paths.state_dir("audit")
            path = paths.private_dir(directory) / FILE_NAME
            _append(path, content)
        except OSError as error:
            raise AuditError(
                f"the audit log cannot be written: {error.strerror or type(error).__name__}",
                where=str(error.filename or path),
                fix="make it writable; without it nothing is changed",
            ) from error


def who() -> dict[str, str]:
    """Return who sits here: the user of the operating system, and where they came from if over SSH or sudo."""
    user_id = os.getuid()
    try:
        name = pwd.getpwuid(user_id).pw_name
    except KeyError:
        name = str(user_id)
    client = os.environ.get("SSH_CLIENT") or os.environ.get("SSH_CONNECTION") or ""
    found = {
        "os_user": name,
        "ssh_client": client.partition(" ")[0],
        "sudo_user": os.environ.get("SUDO_USER", ""),
    }
    return {key: one_line(value, 100) for key, value in found.items() if value}


def _append(path: Path, content: bytes) -> None:
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(path, flags, paths.FILE_MODE)
    try:
        _lock(handle, path)
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise AuditError("the audit log is no regular file", where=str(path), fix="move it away")
        if stat.S_IMODE(status.st_mode) & 0o077:
            os.fchmod(handle, paths.FILE_MODE)
        is_new = status.st_size == 0
        if is_new:
            content = json.dumps({"format": FORMAT, "version": VERSION}).encode() + b"\n" + content
        else:
            _check(os.pread(handle, HEADER_BYTES, 0), path)
            if os.pread(handle, 1, status.st_size - 1) != b"\n":
                # Whoever wrote the last line did not get to its end: it must not spoil this one.
                content = b"\n" + content
        _write_all(handle, content)
        os.fsync(handle)
    finally:
        os.close(handle)
    if is_new:
        for folder in (path.parent, path.parent.parent):
            _sync_folder(folder)


def _lock(handle: int, path: Path) -> None:
    """Keep others from writing until the file is closed."""
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise AuditError(
                    "the audit log is held by another process",
                    where=str(path),
                    fix="end the chtui that holds it",
                ) from None
            time.sleep(0.01)


def _check(beginning: bytes, path: Path) -> None:
    """Refuse a file whose first line is not this format, or a newer version of it."""
    try:
        header = json.loads(beginning.partition(b"\n")[0])
        version = header["version"] if header["format"] == FORMAT else None
    except (ValueError, KeyError, TypeError):
        version = None
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise AuditError("this is no audit log of chtui", where=str(path), fix="move it away")
    if version > VERSION:
        raise AuditError(
            f"the audit log is of the newer version {version}",
            where=str(path),
            fix="use the chtui that wrote it, or move it away",
        )


def _write_all(handle: int, content: bytes) -> None:
    while content:
        content = content[os.write(handle, content) :]


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
