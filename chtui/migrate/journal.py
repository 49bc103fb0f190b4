"""The journal of a run: what is about to be done and what became of it, one line an event, on disk before anything else.

The file is JSON lines: a header that names run and plan, then events numbered from 1, each line with a checksum of its own
bytes. `append` returns when the line is on disk, so a line that is not whole is one whose writer never got to act on it: at
the very end it is cut off when the journal is opened next. Any other damage is an error. What kinds mean is the engine's.
"""

from __future__ import annotations

import os
import re
import stat
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from chtui import paths
from chtui.clock import Clock, rfc3339
from chtui.errors import MigrateError
from chtui.migrate.journal_lines import FORMAT, OWN, VERSION, Event, Header, Lines, damaged, line
from chtui.migrate.locked_file import holder, lock
from chtui.text import one_line

FILE_NAME, LOCK_NAME = "journal.jsonl", "journal.lock"
RUN = re.compile(r"[a-z0-9][a-z0-9_]{0,47}")
"""What a run may be called: its name is part of names of files and tables."""


class Journal:
    """The journal of one run, held by this process alone; any thread may append."""

    def __init__(self, path: Path, run: str, plan_hash: str | None, clock: Clock, held: int) -> None:
        """Not for callers: see `create` and `open`."""
        self.path = path
        self.notice = ""
        """What was repaired when it was opened; empty if nothing."""
        self._clock = clock
        self._writing = threading.Lock()
        self._trouble = ""
        self._size, self._seq = 0, 0
        self._held, self._handle = held, -1
        self.header: Header
        try:
            self._handle = _handle(path)
            self._check(run, plan_hash)
        except OSError as error:
            self.close()
            raise _unread(error, path) from error
        except BaseException:
            self.close()
            raise

    @classmethod
    def create(cls, run: str, plan_hash: str, clock: Clock, *, directory: Path | None = None) -> Self:
        """Begin the journal of a run; it is on disk when this returns. `directory` is `directory_of(run)` unless given.

        Raises:
            MigrateError: the run has one already, another process holds it, or it cannot be written.
        """
        folder = directory or directory_of(run)
        path = folder / FILE_NAME
        try:
            paths.private_dir(folder)
            held = _locked(folder)
            try:
                _begin(path, run, plan_hash, clock)
            except BaseException:
                os.close(held)
                raise
        except OSError as error:
            raise _unwritten(_why(error), path) from error
        return cls(path, run, plan_hash, clock, held)

    @classmethod
    def open(cls, run: str, plan_hash: str | None, clock: Clock, *, directory: Path | None = None) -> Self:
        """Open the journal of a run to go on with it; with None whatever its plan is. `notice` tells of a torn last line.

        Raises:
            MigrateError: there is none, it is of another run or plan or of a newer version, it is damaged, another process
                holds it, or it cannot be read.
        """
        path = _found(run, directory)
        return cls(path, run, plan_hash, clock, _locked(path.parent))

    @property
    def seq(self) -> int:
        """The number of the last event, 0 if there is none."""
        return self._seq

    def append(self, kind: str, facts: Mapping[str, Any]) -> int:
        """Write an event down and return its number once it is on disk.

        After an error nobody knows whether the line is there: nothing is appended any more until the journal is opened anew.

        Raises:
            MigrateError: it is not on disk.
            ValueError: the facts are nothing JSON holds exactly, or have a name that is the journal's own.
        """
        with self._writing:
            if self._trouble:
                raise _unwritten(self._trouble, self.path)
            own = {"seq": self._seq + 1, "at": rfc3339(self._clock.now()), "kind": kind}
            if not kind or set(OWN) & set(facts):
                raise ValueError(f"an event has a kind, and facts other than {', '.join(OWN)}")
            content = line({**own, **facts})
            # Whatever ends this before its end, a signal too, leaves nobody knowing what is in the file.
            self._trouble = "an earlier line was cut short"
            try:
                self._unchanged()
                _write_all(self._handle, content)
                os.fsync(self._handle)
            except OSError as error:
                self._trouble = _why(error)
                raise _unwritten(self._trouble, self.path) from error
            self._trouble = ""
            self._size += len(content)
            self._seq += 1
            return self._seq

    def events(self) -> Iterator[Event]:
        """Give all events that are on disk, in order, read anew each time.

        Raises:
            MigrateError: the file was changed or cannot be read.
        """
        with self._writing:
            size = self._size
        try:
            with self.path.open("rb") as stream:
                lines = Lines(stream, self.path)
                lines.header()
                found = lines.events()
                # Lines that are being added are not looked at: they may not be whole yet.
                while lines.whole_bytes < size and (event := next(found, None)):
                    yield event
                if lines.whole_bytes < size:
                    raise damaged(f"the journal lost lines after {lines.whole_bytes} bytes", self.path)
        except OSError as error:
            raise _unread(error, self.path) from error

    def close(self) -> None:
        """Let go of it; another process may open it."""
        with self._writing:
            for handle in (self._handle, self._held):
                if handle >= 0:
                    os.close(handle)
            self._handle = self._held = -1
            self._trouble = self._trouble or "it is closed"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check(self, run: str, plan_hash: str | None) -> None:
        """Read it through, cut off a torn last line, and make sure that what was read is on disk."""
        with os.fdopen(os.dup(self._handle), "rb") as stream:
            stream.seek(0)
            lines = Lines(stream, self.path)
            self.header = lines.header()
            _same(self.header, run, plan_hash, self.path)
            for event in lines.events():
                self._seq = event.seq
        self._size = lines.whole_bytes
        if lines.torn_bytes:
            os.ftruncate(self._handle, self._size)
            self.notice = f"the last line was never finished: {lines.torn_bytes} bytes after event {self._seq} were cut off"
        # Whoever wrote it may have died before it was on disk, folder and all.
        os.fsync(self._handle)
        _sync_folders(self.path.parent)

    def _unchanged(self) -> None:
        """Refuse to add to a file that is not where and as this process left it.

        Raises:
            OSError: it is not.
        """
        mine = os.fstat(self._handle)
        there = os.stat(self.path)
        if (mine.st_dev, mine.st_ino) != (there.st_dev, there.st_ino) or mine.st_size != self._size:
            raise OSError(0, "somebody else moved or changed it")


def directory_of(run: str) -> Path:
    """Return the folder of a run in the state directory; `Journal.create` makes it.

    Raises:
        MigrateError: a run cannot be called so, or the state directory cannot be made.
    """
    try:
        folder = paths.state_dir("migrate")
        _sync(folder.parent)
        return folder / checked_run(run)
    except OSError as error:
        raise _unwritten(_why(error), Path(str(error.filename))) from error


def checked_run(run: str) -> str:
    """Return a run's name.

    Raises:
        MigrateError: a run cannot be called so.
    """
    if not RUN.fullmatch(run):
        fix = "use up to 48 small letters, digits and underscores"
        raise MigrateError(f"a run cannot be called {one_line(run, 60)!r}", fix=fix)
    return run


def read(run: str, *, directory: Path | None = None) -> tuple[Header, Iterator[Event]]:
    """Return the header and the events of a run's journal without holding it: another process may be adding to it.

    Raises:
        MigrateError: there is none, it is of another run or of a newer version, it is damaged or cannot be read; events
            are checked as they are read.
    """
    path = _found(run, directory)
    try:
        with path.open("rb") as stream:
            header = Lines(stream, path).header()
    except OSError as error:
        raise _unread(error, path) from error
    _same(header, run, None, path)
    return header, _read(path)


def set_aside(run: str, clock: Clock, *, directory: Path | None = None) -> Path:
    """Rename a run's journal, damaged or not, so that another can be begun, and return where it is now.

    Raises:
        MigrateError: there is none, another process holds it, or it cannot be renamed.
    """
    path = _found(run, directory)
    held = _locked(path.parent)
    try:
        stamp = rfc3339(clock.now()).replace(":", "").replace(".", "")
        other = path.with_name(f"{FILE_NAME}.{stamp}")
        os.link(path, other)
        path.unlink()
        _sync_folders(path.parent)
    except OSError as error:
        raise _unwritten(_why(error), path) from error
    finally:
        os.close(held)
    return other


def _found(run: str, directory: Path | None) -> Path:
    path = (directory or directory_of(run)) / FILE_NAME
    if not path.exists():
        raise MigrateError(
            f"there is no journal of run {run}",
            where=str(path),
            fix="give the name the run was begun with, or take over with --rebuild",
        )
    return path


def _read(path: Path) -> Iterator[Event]:
    try:
        with path.open("rb") as stream:
            lines = Lines(stream, path)
            lines.header()
            yield from lines.events()
    except OSError as error:
        raise _unread(error, path) from error


def _begin(path: Path, run: str, plan_hash: str, clock: Clock) -> None:
    """Put a file with the header in its place, all of it at once."""
    header = {"format": FORMAT, "version": VERSION, "run": checked_run(run), "plan_hash": plan_hash}
    temporary = path.with_name(f".{FILE_NAME}.new")
    temporary.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(temporary, flags, paths.FILE_MODE)
    try:
        _write_all(handle, line({**header, "created_at": rfc3339(clock.now())}))
        os.fsync(handle)
        # Unlike a rename it never replaces a journal.
        os.link(temporary, path)
    except FileExistsError as error:
        fix = "go on with it, or call the run something else"
        raise MigrateError(f"run {run} has a journal already", where=str(path), fix=fix) from error
    finally:
        os.close(handle)
        temporary.unlink()


def _handle(path: Path) -> int:
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise MigrateError("the journal is no regular file", where=str(path), fix="move it away")
        if stat.S_IMODE(status.st_mode) & 0o077:
            os.fchmod(handle, paths.FILE_MODE)
    except BaseException:
        os.close(handle)
        raise
    return handle


def _locked(folder: Path) -> int:
    path = folder / LOCK_NAME
    try:
        return lock(path)
    except BlockingIOError:
        raise MigrateError(
            f"the journal is held by {holder(path)}",
            where=str(path),
            fix="ask it with chtui migrate status, or end it first",
            exit_code=4,
        ) from None
    except OSError as error:
        raise _unwritten(_why(error), path) from error


def _same(header: Header, run: str, plan_hash: str | None, path: Path) -> None:
    if header.run != run:
        raise MigrateError(
            f"the journal is of run {header.run}, not {run}", where=str(path), fix="move it back"
        )
    if plan_hash is not None and header.plan_hash != plan_hash:
        raise MigrateError(
            f"the journal is of plan {one_line(header.plan_hash, 16)}, not {one_line(plan_hash, 16)}",
            where=str(path),
            fix="give the spec it was begun with, or call the run something else",
        )


def _unread(error: OSError, path: Path) -> MigrateError:
    what = f"the journal cannot be read: {_why(error)}"
    return MigrateError(what, where=str(path), fix="make it readable", exit_code=1)


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _unwritten(why: str, path: Path) -> MigrateError:
    return MigrateError(
        f"the journal cannot be written: {why}",
        where=str(path),
        fix="put that right and start again; without it nothing is done",
        exit_code=1,
    )


def _write_all(handle: int, content: bytes) -> None:
    while content:
        content = content[os.write(handle, content) :]


def _sync_folders(folder: Path) -> None:
    _sync(folder)
    _sync(folder.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
