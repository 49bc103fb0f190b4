"""The demo's directory: whose it is, who holds it, what was finished in it, and its secrets."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import signal
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Lock
from typing import Any

from chtui.demo.options import DEFAULT_DAYS, DEFAULT_ROWS, DEFAULT_SEED, DemoOptions, Shape
from chtui.errors import DemoError
from chtui.paths import private_dir, write_private

FORMAT = "chtui-demo"
VERSION = 1
STATE = "demo.json"
LOCK = "lock"
WARDEN_LOCK = "warden.lock"
GRACE_SECONDS = 5.0
"""How long the processes of a killed demo may take to end by themselves."""


class Held:
    """A lock file held by this process (flock), with the holder's pid in it.

    The lock goes with the process, however that ends.
    """

    def __init__(self, path: Path) -> None:
        """Take the lock.

        Raises:
            BlockingIOError: another process holds it.
        """
        self.path = path
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BaseException:
            os.close(self._handle)
            raise
        os.ftruncate(self._handle, 0)
        os.write(self._handle, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Give the lock back; twice does no harm."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def holder(path: Path) -> int | None:
    """Return the pid of the process that holds the lock file, None where nobody does."""
    if not path.exists():
        return None
    try:
        Held(path).release()
    except BlockingIOError:
        text = path.read_text(encoding="ascii").strip()
        return int(text) if text.isdigit() else 0
    return None


def await_release(path: Path, grace_seconds: float = GRACE_SECONDS) -> None:
    """Wait until nobody holds the lock file; after the grace kill who does.

    Raises:
        DemoError: the holder cannot be ended.
    """
    deadline = time.monotonic() + grace_seconds
    killed = False
    while (pid := holder(path)) is not None:
        if time.monotonic() > deadline:
            if killed or pid <= 1:
                raise DemoError(
                    f"a process of an earlier demo does not end: pid {pid}",
                    where=str(path),
                    fix="end it by hand",
                )
            # the lock proves that this pid is the one that took it
            _kill(pid, path)
            killed = True
            deadline = time.monotonic() + GRACE_SECONDS
        time.sleep(0.05)


def _kill(pid: int, path: Path) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return  # it ended meanwhile, which is what was wanted
    except PermissionError as error:
        raise DemoError(
            f"pid {pid} holds the directory and is another user's",
            where=str(path),
            fix="use another directory",
        ) from error


@dataclass(slots=True)
class State:
    """What `demo.json` records."""

    shape: Shape
    temporary: bool = False
    zookeeper: bool = False
    ports: dict[str, int] = field(default_factory=dict)
    """Ports of the last start, by the name of their use (`s1r1.http`)."""
    filled: set[str] = field(default_factory=set)
    """Tables whose fill was finished: `s1r1 otel.traces`."""


class DemoDirectory:
    """A demo's directory, locked by this process as long as the object is open."""

    def __init__(self, path: Path, held: Held, state: State) -> None:
        self.path = path
        self.state = state
        self._held = held
        self._guard = Lock()
        self._closed = False

    @classmethod
    def open(cls, options: DemoOptions) -> DemoDirectory:
        """Make or resume the directory the options ask for, and lock it.

        Raises:
            DemoError: it is not a demo's, a newer one's, in use, made otherwise than asked, or cannot be made.
        """
        if options.directory is None:
            path = Path(tempfile.mkdtemp(prefix="chtui-demo-"))
            return cls._locked(path, options, temporary=True)
        path = options.directory.expanduser().absolute()
        try:
            private_dir(path)
            _refuse_foreign(path)
            return cls._locked(path, options, temporary=False)
        except OSError as error:
            raise DemoError(
                f"cannot be used: {error.strerror}", where=str(path), fix="name a directory you may write"
            ) from error

    @classmethod
    def _locked(cls, path: Path, options: DemoOptions, *, temporary: bool) -> DemoDirectory:
        try:
            held = Held(path / LOCK)
        except BlockingIOError as error:
            pid = (path / LOCK).read_text(encoding="ascii").strip() or "unknown"
            raise DemoError(
                f"another demo runs on this directory, pid {pid}",
                where=str(path),
                fix="end it, or name another directory",
            ) from error
        try:
            state = _resumed(path, options)
            state.temporary = temporary
            state.zookeeper = state.zookeeper or options.zookeeper
            directory = cls(path, held, state)
            directory.save()
            # the warden first: while it lives it may kill whoever holds a node's lock
            await_release(path / WARDEN_LOCK)
            for lock in sorted(path.glob("*.lock")):
                await_release(lock)
        except BaseException:
            held.release()
            raise
        return directory

    def save(self) -> None:
        """Write the state to disk in one step; after `close` nothing happens."""
        with self._guard:
            if self._closed:
                return
            write_private(self.path / STATE, encode(self.state))

    def mark_filled(self, name: str) -> None:
        """Record that a table's fill is finished."""
        with self._guard:
            self.state.filled.add(name)
        self.save()

    def password(self, user: str) -> str:
        """Return the user's password, making a random one the first time."""
        path = self.password_file(user)
        if path.exists():
            text = path.read_text(encoding="ascii").strip()
            if text:
                return text
        text = secrets.token_urlsafe(24)
        write_private(path, text + "\n")
        return text

    def password_file(self, user: str) -> Path:
        """Return where the user's password is."""
        return self.path / self.password_name(user)

    @staticmethod
    def password_name(user: str) -> str:
        """Return the name of the file, below the directory, that holds the user's password."""
        return f"{user}.password"

    def close(self) -> None:
        """Remove a temporary directory, and give the lock back."""
        with self._guard:
            self._closed = True
        try:
            if self.state.temporary and self.path.exists():
                shutil.rmtree(self.path)
        finally:
            self._held.release()


def _refuse_foreign(path: Path) -> None:
    # a demo that was killed in its first moment leaves a lock and perhaps half a state file
    foreign = [
        entry.name
        for entry in path.iterdir()
        if entry.name != LOCK and not entry.name.startswith(f".{STATE}.")
    ]
    if foreign and STATE not in foreign:
        raise DemoError(
            "the directory is not empty and not a demo's", where=str(path), fix="name an empty one"
        )


def _resumed(path: Path, options: DemoOptions) -> State:
    if not (path / STATE).exists():
        shape = Shape(
            shards=2 if options.shards is None else options.shards,
            replicas=2 if options.replicas is None else options.replicas,
            rows=DEFAULT_ROWS if options.rows is None else options.rows,
            seed=DEFAULT_SEED if options.seed is None else options.seed,
            days=DEFAULT_DAYS if options.days is None else options.days,
            anchor=options.anchor or datetime.now(UTC).date(),
        )
        return State(shape=shape.checked())
    state = decode((path / STATE).read_text(encoding="utf-8"), where=str(path / STATE))
    for name in ("shards", "replicas", "rows", "seed", "days", "anchor"):
        asked, made = getattr(options, name), getattr(state.shape, name)
        if asked is not None and asked != made:
            raise DemoError(
                f"this demo was made with {name} {made}, not {asked}",
                where=str(path),
                fix="leave it out, or name another directory",
            )
    return state


def encode(state: State) -> str:
    """Return the state as the text of its file."""
    shape = state.shape
    return json.dumps(
        {
            "format": FORMAT,
            "version": VERSION,
            "shards": shape.shards,
            "replicas": shape.replicas,
            "rows": shape.rows,
            "seed": str(shape.seed),
            "days": shape.days,
            "anchor": shape.anchor.isoformat(),
            "temporary": state.temporary,
            "zookeeper": state.zookeeper,
            "ports": state.ports,
            "filled": sorted(state.filled),
        },
        indent=1,
    )


def decode(text: str, *, where: str) -> State:
    """Return the state in a file's text.

    Raises:
        DemoError: it is another format, a newer version, or damaged.
    """
    try:
        raw: dict[str, Any] = json.loads(text)
        kind, version = raw["format"], int(raw["version"])
        if kind == FORMAT and version > VERSION:
            raise DemoError(
                f"made by a newer chtui (format {version}, this one knows {VERSION})",
                where=where,
                fix="upgrade chtui, or name another directory",
            )
        if kind != FORMAT:
            raise DemoError("not a demo's state file", where=where, fix="name another directory")
        shape = Shape(
            shards=int(raw["shards"]),
            replicas=int(raw["replicas"]),
            rows=int(raw["rows"]),
            seed=int(raw["seed"]),
            days=int(raw["days"]),
            anchor=date.fromisoformat(raw["anchor"]),
        )
        ports = {str(name): int(port) for name, port in raw["ports"].items()}
        return State(
            shape,
            bool(raw["temporary"]),
            bool(raw["zookeeper"]),
            ports,
            {str(name) for name in raw["filled"]},
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DemoError(
            f"the demo's state file is damaged: {error}",
            where=where,
            fix="remove the directory, or name another",
        ) from error
