"""Hooks: how something outside is switched, by a command, an HTTP request, or a person.

A hook may be run again at any time: after a kill nobody knows whether it went through. What it says is taken down; whether
it did what it should is never taken from it, but observed by whoever had it run.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from typing import IO

from chtui.errors import MigrateError
from chtui.migrate import facts
from chtui.migrate.spec import Hook
from chtui.migrate.stand import Stand
from chtui.text import format_seconds, one_line, sanitize_block

Confirmed = Callable[[str], bool]
"""Whether somebody said that a thing of this name is done."""

PASSED_ON = frozenset(
    ("HOME", "KUBECONFIG", "LANG", "LANGUAGE", "LOGNAME", "PATH", "SHELL", "SSL_CERT_DIR", "SSL_CERT_FILE", "TMPDIR", "TZ", "USER")
)  # fmt: skip
"""Variables a command gets from chtui's environment, beside LC_* and XDG_*: any other may hold a secret."""
OUTPUT_BYTES = 4096
"""So much of the end of what a hook says is kept."""
SAID_CHARACTERS = 300
POLL_SECONDS = 0.2
DRAIN_SECONDS = 1.0
"""How long output is waited for after a command ended: what it left behind may keep it open."""
AGAIN = "see what it says; a hook may be run again at any time"
FAILED, UNKNOWN = 1, 3


def run(stand: Stand, name: str, confirmed: Confirmed) -> None:
    """Run a hook of the spec and return when it said that it is done, or `confirmed` did where it is a person's.

    Raises:
        MigrateError: the spec has no such hook, exit code 2; it failed, exit code 1; nobody knows whether it went through,
            exit code 3; or the journal, the lease or the run allow no more.
    """
    hook = demanded(stand, name)
    stand.hands.diary.append(facts.HOOK, {"name": name, "outcome": "begun", "how": _how(hook)})
    stand.hands.permit.check()
    try:
        if hook.command:
            _command(stand.hands.run, name, hook)
        elif hook.url:
            _request(name, hook)
        else:
            _person(stand, name, hook, confirmed)
    except MigrateError as error:
        stand.hands.diary.append(facts.HOOK, {"name": name, "outcome": "failed", "error": error.line})
        raise
    stand.hands.diary.append(facts.HOOK, {"name": name, "outcome": "done"})


def demanded(stand: Stand, name: str) -> Hook:
    """Return a hook of the spec.

    Raises:
        MigrateError: it has none of this name.
    """
    found = stand.ground.spec.hooks.get(name)
    if found is None:
        raise MigrateError(
            f"the spec has no hook {name}", where=f"hook.{name}", fix="give it command, url or confirm"
        )
    return found


def _how(hook: Hook) -> str:
    if hook.command:
        return f"command {one_line(hook.command[0])}"
    # What stands behind the host may hold a token.
    return f"{hook.method} {_place(hook.url)}" if hook.url else "a person"


def _place(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return one_line(f"{scheme}://{rest.partition('/')[0].rpartition('@')[2]}")


# A command


def environment(run_name: str, name: str, given: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a hook's command, out of chtui's own."""
    passed = {
        key: value for key, value in given.items() if key in PASSED_ON or key.startswith(("LC_", "XDG_"))
    }
    return {**passed, "CHTUI_RUN": run_name, "CHTUI_HOOK": name}


class _Tail:
    """The end of what a command prints, read by a thread of its own, so that it never waits for anybody."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._kept = b""
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._read, name="hook output", daemon=True)
        self._thread.start()

    def text(self) -> str:
        """Return it, as one line that may be drawn."""
        self._thread.join(DRAIN_SECONDS)
        with self._lock:
            return said_of(self._kept)

    def _read(self) -> None:
        # Closed by whoever reads it: what a command left behind may hold the other end for long.
        with self._stream:
            while piece := os.read(self._stream.fileno(), OUTPUT_BYTES):
                with self._lock:
                    self._kept = (self._kept + piece)[-OUTPUT_BYTES:]


def said_of(raw: bytes, *, beginning: bool = False) -> str:
    """Return the end of what a hook said, or its beginning, as one line that may be drawn."""
    lines = [line.strip() for line in sanitize_block(raw.decode("utf-8", "replace")).split("\n")]
    text = " | ".join(line for line in lines if line)
    return one_line(text[:SAID_CHARACTERS] if beginning else text[-SAID_CHARACTERS:])


def _command(run_name: str, name: str, hook: Hook) -> None:
    try:
        child = subprocess.Popen(
            hook.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment(run_name, name, os.environ),
            # A session, and so a group, of its own: what it starts in turn ends with it.
            start_new_session=True,
        )
    except OSError as error:
        raise _failure(name, f"its command cannot be started: {error.strerror}") from error
    assert child.stdout is not None
    tail = _Tail(child.stdout)
    try:
        status = child.wait(hook.timeout_seconds)
    except subprocess.TimeoutExpired:
        _kill(child)
        raise MigrateError(
            f"hook {name} was killed after {format_seconds(hook.timeout_seconds)}: whether it went through is unknown"
            + _words(tail.text()),
            where=f"hook.{name}",
            fix=f"{AGAIN}, or give it more timeout_seconds",
            exit_code=UNKNOWN,
        ) from None
    except BaseException:
        _kill(child)
        raise
    if status:
        how = f"signal {-status}" if status < 0 else f"status {status}"
        raise _failure(name, f"its command ended with {how}{_words(tail.text())}")


def _kill(child: subprocess.Popen[bytes]) -> None:
    # It has not been waited for, so its group still is its own.
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _words(said: str) -> str:
    return f"; it said: {said}" if said else "; it said nothing"


def _failure(name: str, what: str) -> MigrateError:
    return MigrateError(f"hook {name} failed: {what}", where=f"hook.{name}", fix=AGAIN, exit_code=FAILED)


# A request


def _request(name: str, hook: Hook) -> None:
    ended: queue.SimpleQueue[MigrateError | None] = queue.SimpleQueue()

    def ask() -> None:
        try:
            _asked(name, hook)
        except MigrateError as error:
            ended.put(error)
        else:
            ended.put(None)

    # The library bounds each read, not all of them: a daemon can be left to its own end.
    threading.Thread(target=ask, name=f"hook {name}", daemon=True).start()
    try:
        error = ended.get(timeout=hook.timeout_seconds)
    except queue.Empty:
        raise _unknown(name, f"no answer within {format_seconds(hook.timeout_seconds)}") from None
    if error is not None:
        raise error


def _asked(name: str, hook: Hook) -> None:
    import httpx

    try:
        with (
            httpx.Client(timeout=hook.timeout_seconds, follow_redirects=False) as client,
            client.stream(
                hook.method, hook.url, content=hook.body.encode() or None, headers=_headers(hook)
            ) as answer,
        ):
            raw = b""
            for piece in answer.iter_bytes(OUTPUT_BYTES):
                raw += piece
                if len(raw) >= OUTPUT_BYTES:
                    break
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise _failure(name, f"{_place(hook.url)} cannot be reached: {one_line(error)}") from error
    except httpx.HTTPError as error:
        raise _unknown(name, f"{_place(hook.url)}: {one_line(error) or type(error).__name__}") from error
    said = said_of(raw[:OUTPUT_BYTES], beginning=True)
    if answer.is_redirect:
        where = one_line(answer.headers.get("location", ""))
        raise _failure(name, f"{_place(hook.url)} sends elsewhere, to {where}: give that address as url")
    if not answer.is_success:
        raise _failure(name, f"{_place(hook.url)} answered {answer.status_code}{_words(said)}")


def _headers(hook: Hook) -> dict[str, str]:
    if not hook.body:
        return {}
    try:
        json.loads(hook.body)
    except ValueError:
        return {"Content-Type": "text/plain; charset=utf-8"}
    return {"Content-Type": "application/json"}


def _unknown(name: str, what: str) -> MigrateError:
    return MigrateError(
        f"hook {name}: {what}: whether it went through is unknown",
        where=f"hook.{name}",
        fix=AGAIN,
        exit_code=UNKNOWN,
    )


# A person


def _person(stand: Stand, name: str, hook: Hook, confirmed: Confirmed) -> None:
    """Wait for the word, as long as it takes: only the run's end ends it."""
    who = f"hook {name}"
    stand.progress.hold(who, f"hook {name} waits for somebody: {one_line(hook.confirm)}")
    try:
        while not confirmed(name):
            stand.progress.sleep(POLL_SECONDS)
    finally:
        stand.progress.hold(who, "")
