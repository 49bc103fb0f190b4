"""Passwords: where one comes from, read only when it is needed, never shown."""

from __future__ import annotations

import os
import shlex
import signal
import stat
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from chtui.clock import Clock, SystemClock
from chtui.errors import ConfigError

HIDDEN = "***"
"""What is shown for any secret."""
COMMAND_SECONDS = 30.0
"""How long a password command may take."""
RETRY_SECONDS = 10.0
"""How long a failure is remembered: many hosts asking at once shall not run a slow command one after another."""
LONGEST_BYTES = 65536
"""A longer file or output is no password."""


class Secret:
    """A password which is read at the first `reveal` and shown as `***` everywhere else.

    `source` says where it comes from (a file and line, a flag, a variable).
    """

    __slots__ = ("_clock", "_failed_at", "_failure", "_lock", "_read", "_value", "_warn", "source")

    def __init__(
        self,
        read: Callable[[], str],
        source: str,
        *,
        warn: Callable[[], str] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.source = source
        self._read = read
        self._warn = warn
        self._clock: Clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._value: str | None = None
        self._failure: ConfigError | None = None
        self._failed_at = 0.0

    @classmethod
    def literal(cls, value: str, source: str, *, warning: str = "") -> Secret:
        """Return a secret whose value is known; it may be empty."""
        return cls(lambda: value, source, warn=lambda: warning)

    @classmethod
    def from_file(cls, path: Path, source: str) -> Secret:
        """Return the secret that stands in a file, without the line end after it."""
        return cls(lambda: _from_file(path, source), source, warn=lambda: file_warning(path))

    @classmethod
    def from_command(
        cls, command: str | Sequence[str], source: str, *, seconds: float = COMMAND_SECONDS
    ) -> Secret:
        """Return the secret a command prints, without the line end after it.

        A string is split as a shell would split it, but no shell runs; a leading `~` of the program is the home
        directory. Standard input is closed, what it writes to standard error is dropped.

        Raises:
            ConfigError: the command is empty or its quotes do not match.
        """
        try:
            words = shlex.split(command) if isinstance(command, str) else list(command)
        except ValueError as error:
            raise ConfigError("password_command has a quote that is not closed", where=source) from error
        if not words or not words[0]:
            raise ConfigError(
                "password_command is empty", where=source, fix="name a program that prints the password"
            )
        words[0] = os.path.expanduser(words[0])
        return cls(lambda: _from_command(words, seconds, source), source)

    @classmethod
    def from_environment(cls, variable: str, environ: Mapping[str, str], source: str) -> Secret:
        """Return the secret in an environment variable, looked up when it is revealed."""

        def read() -> str:
            value = environ.get(variable)
            if value is None:
                raise ConfigError(
                    f"the variable {variable} is not set", where=source, fix="set it to the password"
                )
            return value

        return cls(read, source)

    @classmethod
    def from_prompt(cls, prompt: Callable[[str], str] | None, text: str, source: str) -> Secret:
        """Return the secret a person types when `prompt(text)` asks; None where nobody can be asked."""

        def read() -> str:
            if prompt is None:
                _fail_prompt(source)
            try:
                return prompt(text)
            except (EOFError, OSError) as error:
                _fail_prompt(source, error)

        return cls(read, source)

    def reveal(self) -> str:
        """Return the password itself, read once for all threads.

        A failure is remembered for 10 s, then the source is asked again.

        Raises:
            ConfigError: the source cannot give it; names the source, never what it gave.
        """
        with self._lock:
            if self._value is not None:
                return self._value
            now = self._clock.monotonic()
            if self._failure is not None and now - self._failed_at < RETRY_SECONDS:
                # A fresh one: raising one exception object in several threads mixes up their tracebacks.
                raise ConfigError(self._failure.what, where=self._failure.where, fix=self._failure.fix)
            try:
                value = self._read()
                _check_utf8(value, self.source)
            except ConfigError as error:
                self._failure, self._failed_at = error, self._clock.monotonic()
                raise
            self._value = value
            return value

    def warning(self) -> str:
        """Return what is wrong with how this secret is kept, one line, without reading it; empty if nothing is."""
        return self._warn() if self._warn else ""

    def __repr__(self) -> str:
        return HIDDEN

    def __str__(self) -> str:
        return HIDDEN

    def __format__(self, spec: str) -> str:
        return format(HIDDEN, spec)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Secret:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is never written out")


def file_warning(path: Path) -> str:
    """Return what is wrong with a password file, without reading it; empty if only its owner may read it."""
    try:
        status = os.stat(path)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a path"
        return f"the password file {path} cannot be looked at: {reason}"
    if stat.S_ISREG(status.st_mode) and status.st_mode & (stat.S_IRGRP | stat.S_IROTH):
        return f"the password file {path} can be read by others; chmod 600 it"
    return ""


def _from_file(path: Path, source: str) -> str:
    try:
        with open(path, "rb") as stream:
            raw = stream.read(LONGEST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a path"
        raise ConfigError(f"the password file {path} cannot be read: {reason}", where=source) from error
    return _one_line(raw, f"the password file {path}", source)


def _from_command(words: list[str], seconds: float, source: str) -> str:
    try:
        # A session of its own: it cannot draw on the console's terminal, and all of it can be ended at once.
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "a word holds a NUL"
        raise ConfigError(f"password_command cannot be started: {reason}", where=source) from error
    with process:
        try:
            raw, _ = process.communicate(timeout=seconds)
        except BaseException as error:
            _end(process)
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            raise ConfigError(
                f"password_command gave nothing within {seconds:g} s",
                where=source,
                fix="run it by hand to see why",
            ) from None  # the timeout's own exception holds the output
    if process.returncode != 0:
        raise ConfigError(
            f"password_command ended with status {process.returncode}",
            where=source,
            fix="run it by hand to see why",
        )
    return _one_line(raw, "password_command", source)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a command and its children, and let go of its output, which a stray child may keep open."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.poll()  # it has ended meanwhile; macOS answers so for what has ended and is not yet waited for
    if process.stdout is not None:
        process.stdout.close()


def _one_line(raw: bytes, what: str, source: str) -> str:
    if len(raw) > LONGEST_BYTES:
        raise ConfigError(f"{what} gave too much for a password", where=source)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise ConfigError(
            f"{what} gave no UTF-8 text", where=source
        ) from None  # that exception holds the bytes
    text = text.removesuffix("\n").removesuffix("\r")
    if "\n" in text:
        raise ConfigError(
            f"{what} gave more than one line", where=source, fix="let it give the password alone"
        )
    return text


def _check_utf8(value: str, source: str) -> None:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise ConfigError("the password is no UTF-8 text", where=source) from None  # that exception holds it


def _fail_prompt(source: str, cause: Exception | None = None) -> NoReturn:
    raise ConfigError(
        "a password is to be typed, but there is no terminal to ask on",
        where=source,
        fix="use password_command, password_file or CLICKHOUSE_PASSWORD",
    ) from cause
