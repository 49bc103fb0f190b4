"""The socket of a run: every verb but `run`, and every screen, asks the one process that carries the migration out.

One JSON line `{"verb": ..., "args": {...}}` is answered by one JSON line: `{"ok": {...}}`, or `{"error": line, "exit_code": n}`.
The socket is in the folder for sockets, which only its user may enter; a lock beside it says whether its process lives.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import stat
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from chtui import paths
from chtui.errors import ChtuiError, MigrateError
from chtui.migrate.journal import checked_run
from chtui.migrate.locked_file import holder, lock
from chtui.text import one_line

PATH_BYTES = 103
"""The longest path of a socket. Source: `sun_path` of macOS, 104 with the end of text; Linux has 108."""
REQUEST_BYTES = 256 * 1024
ANSWER_BYTES = 16 * 1024 * 1024
CLIENT_SECONDS = 5.0
"""How long a client may take to send its line, and to take the answer."""
CLIENTS = 16
"""How many are served at a time."""
ASK_SECONDS = 30.0
WAKE_SECONDS = 0.5
LAST_SECONDS = 1.0
TROUBLE_SECONDS = 0.1
AGAIN_SECONDS = 0.02
UNKNOWN = 3
"""The exit code of what nobody answers."""
NOT_UP = "no run is up"
BUSY: Mapping[str, Any] = {"error": "the run is busy with other clients; ask again", "exit_code": UNKNOWN}

Handle = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]
"""What answers a verb. It raises ChtuiError for what it cannot do; several threads call it."""


class Control:
    """The socket of the process that carries a run out."""

    def __init__(self, run: str, handle: Handle, *, directory: Path | None = None) -> None:
        """Name the run and what answers; nothing is made yet. `directory` is the folder for sockets unless given."""
        self.path = socket_path(run, directory=directory)
        self.trouble = ""
        """Why nobody could be let in last time it was tried; empty if nothing hinders it."""
        self._handle = handle
        self._free = threading.BoundedSemaphore(CLIENTS)
        self._stopped = threading.Event()
        self._lock = -1
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Make the socket and answer in threads of its own.

        Raises:
            MigrateError: another process answers for this run, exit code 4; or the socket cannot be made.
        """
        lock_path = self.path.with_suffix(".lock")
        try:
            self._lock = lock(lock_path)
            self._socket = _listening(self.path)
        except BlockingIOError:
            raise MigrateError(
                f"the run is up already: {holder(lock_path)} answers for it",
                where=str(self.path),
                fix="ask it with chtui migrate status, or end it first",
                exit_code=4,
            ) from None
        except OSError as error:
            self.stop()
            raise _unusable(error, self.path) from error
        except BaseException:
            self.stop()
            raise
        self._thread = threading.Thread(target=self._serve, args=(self._socket,), name="control", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take the socket away; whoever is being answered may have the answer within LAST_SECONDS."""
        self._stopped.set()
        if self._thread is not None:
            # A client ends the waiting for clients at once; without it they are waited for WAKE_SECONDS.
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as waking, suppress(OSError):
                waking.setblocking(False)
                waking.connect(str(self.path))
            self._thread.join()
        if self._socket is not None:
            self._socket.close()
            # The lock is still held: nobody else's socket is taken away.
            self.path.unlink(missing_ok=True)
            last = time.monotonic() + LAST_SECONDS
            idle = [self._free.acquire(timeout=max(0.0, last - time.monotonic())) for _ in range(CLIENTS)]
            for _ in range(sum(idle)):
                self._free.release()
        if self._lock >= 0:
            os.close(self._lock)
        self._thread, self._socket, self._lock = None, None, -1

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _serve(self, listening: socket.socket) -> None:
        while not self._stopped.is_set():
            try:
                client, _ = listening.accept()
            except TimeoutError:
                continue
            except OSError as error:
                # Too many open files, mostly: they may be fewer later.
                self.trouble = one_line(error.strerror or type(error).__name__)
                self._stopped.wait(TROUBLE_SECONDS)
                continue
            self.trouble = ""
            if self._stopped.is_set():
                client.close()
                return
            if self._free.acquire(blocking=False):
                threading.Thread(target=self._answer, args=(client,), name="client", daemon=True).start()
            else:
                with client, suppress(OSError):
                    client.setblocking(False)
                    client.send(_line(BUSY))

    def _answer(self, client: socket.socket) -> None:
        try:
            with client:
                answer = self._answered(client)
                # Whoever went away, or takes no answer, gets none.
                with suppress(OSError):
                    _send(client, answer, time.monotonic() + CLIENT_SECONDS)
        finally:
            self._free.release()

    def _answered(self, client: socket.socket) -> bytes:
        try:
            content = _receive(client, REQUEST_BYTES, time.monotonic() + CLIENT_SECONDS)
        except OSError as error:
            return _line({"error": one_line(f"no request came: {error}"), "exit_code": 2})
        try:
            verb, args = _request(content)
            return _line({"ok": self._handle(verb, args)})
        except ChtuiError as error:
            return _line({"error": error.line, "exit_code": error.exit_code})
        except Exception as error:  # noqa: BLE001 - the run goes on, and whoever asked is told
            what = one_line(f"the run failed to answer: {type(error).__name__}: {error}")
            return _line({"error": what, "exit_code": UNKNOWN})


def ask(
    run: str,
    verb: str,
    args: Mapping[str, Any] | None = None,
    seconds: float = ASK_SECONDS,
    *,
    directory: Path | None = None,
) -> Mapping[str, Any]:
    """Return what the process of a run answers.

    Raises:
        MigrateError: what it answered instead, with its exit code; no process is up or none answers in time, exit code 3.
    """
    path = socket_path(run, directory=directory)
    deadline = time.monotonic() + seconds
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
            _connect(server, path, deadline)
            # A server that has no room for another client answers without reading.
            with suppress(BrokenPipeError, ConnectionResetError):
                _send(server, _line({"verb": verb, "args": args or {}}), deadline)
            content = _receive(server, ANSWER_BYTES, deadline)
    except (FileNotFoundError, ConnectionRefusedError):
        fix = "start it with chtui migrate run"
        raise MigrateError(NOT_UP, where=run, fix=fix, exit_code=UNKNOWN) from None
    except TimeoutError:
        what = f"the run did not answer within {seconds:g} s"
        fix = "ask again, or see whether its process hangs"
        raise MigrateError(what, where=run, fix=fix, exit_code=UNKNOWN) from None
    except OSError as error:
        raise _unusable(error, path) from error
    return _answer_of(content, run)


def socket_path(run: str, *, directory: Path | None = None) -> Path:
    """Return where the socket of a run is; its folder (made, mode 0700) is this user's alone.

    Raises:
        MigrateError: a run cannot be called so, or there is no such folder.
    """
    checked_run(run)
    try:
        folder = paths.private_dir(directory) if directory else paths.runtime_dir()
        status = folder.stat()
        if status.st_uid != os.getuid():
            raise MigrateError(
                "the folder for sockets is another user's", where=str(folder), fix="set XDG_RUNTIME_DIR"
            )
        if stat.S_IMODE(status.st_mode) & 0o077:
            folder.chmod(paths.DIRECTORY_MODE)
    except OSError as error:
        raise _unusable(error, Path(str(error.filename or directory or run))) from error
    for name in (run, hashlib.sha256(run.encode()).hexdigest()[:16]):
        path = folder / f"{name}.sock"
        if len(os.fsencode(path)) <= PATH_BYTES:
            return path
    raise MigrateError(
        f"the folder for sockets has so long a name that no socket fits into {PATH_BYTES} bytes",
        where=str(folder),
        fix="set XDG_RUNTIME_DIR to a shorter one",
    )


def _connect(server: socket.socket, path: Path, deadline: float) -> None:
    while True:
        server.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            server.connect(str(path))
            return
        except BlockingIOError:
            # So many wait already that not even a connection is to be had.
            if time.monotonic() > deadline:
                raise TimeoutError from None
            time.sleep(AGAIN_SECONDS)


def _listening(path: Path) -> socket.socket:
    """The socket, in the place of one whose process is dead: whoever calls holds the lock."""
    if path.is_symlink() or path.exists():
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise MigrateError("what is there is no socket", where=str(path), fix="move it away")
        path.unlink()
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.bind(str(path))
        path.chmod(paths.FILE_MODE)
        listening.listen(CLIENTS)
        listening.settimeout(WAKE_SECONDS)
    except BaseException:
        listening.close()
        raise
    return listening


def _receive(peer: socket.socket, most_bytes: int, deadline: float) -> bytes:
    """The line a peer sends, without its end.

    Raises:
        OSError: it does not come in time, is too long, or has no end.
    """
    found = bytearray()
    while b"\n" not in found[-65536:]:
        peer.settimeout(max(0.001, deadline - time.monotonic()))
        piece = peer.recv(65536)
        if not piece:
            raise OSError("the line has no end")
        found += piece
        if len(found) > most_bytes:
            raise OSError(f"the line is longer than {most_bytes} bytes")
        if time.monotonic() > deadline:
            raise TimeoutError("the line did not come in time")
    return bytes(found.partition(b"\n")[0])


def _send(peer: socket.socket, content: bytes, deadline: float) -> None:
    view = memoryview(content)
    while view:
        peer.settimeout(max(0.001, deadline - time.monotonic()))
        view = view[peer.send(view[:65536]) :]
        if view and time.monotonic() > deadline:
            raise TimeoutError("the line was not taken in time")


def _request(content: bytes) -> tuple[str, Mapping[str, Any]]:
    found = _object(content)
    verb, args = found.get("verb"), found.get("args", {})
    if not isinstance(verb, str) or not isinstance(args, dict):
        raise MigrateError("that is no request", fix='send {"verb": ..., "args": {...}} on a line')
    return verb, args


def _answer_of(content: bytes, run: str) -> Mapping[str, Any]:
    found = _object(content)
    result, line, exit_code = found.get("ok"), found.get("error"), found.get("exit_code")
    if isinstance(result, dict):
        return result
    if isinstance(line, str) and isinstance(exit_code, int):
        raise MigrateError(line, exit_code=exit_code)
    raise MigrateError("what answers is no run of chtui", where=run, fix="see what it is", exit_code=UNKNOWN)


def _object(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _line(answer: Mapping[str, Any]) -> bytes:
    return json.dumps(answer, ensure_ascii=True, allow_nan=False, default=_plain).encode("ascii") + b"\n"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"JSON has no {type(value).__name__}")


def _unusable(error: OSError, path: Path) -> MigrateError:
    return MigrateError(
        f"the socket cannot be used: {error.strerror or error or type(error).__name__}",
        where=str(path),
        fix="see that its folder can be written, or set XDG_RUNTIME_DIR",
        exit_code=UNKNOWN,
    )
